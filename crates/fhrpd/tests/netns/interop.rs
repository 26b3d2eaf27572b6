//! With other implementations, each as the better router once: one advertises, and the other takes over from it.

use std::time::Duration;

use fhrp_lab::{Capture, CaptureScope, Daemon, GroupSpec, Lab, LabOptions, VrrpVersion, World, world};
use fhrp_wire::Family;

use crate::{advertised, advertisements, fhrpd, start_pair};

fn both_ways(world: World, peer: &Daemon, group: &GroupSpec) {
    let own = fhrpd();
    for daemons in [[&own, peer], [peer, &own]] {
        let lab = Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let [mut first, second] = start_pair(&lab, &capture, daemons, group);
        let mark = capture.mark();
        assert!(advertised(&capture, mark, "r1", 5), "{}", first.log_tail());
        let unasked = capture.look(mark, |events| advertisements(events, "r2"));
        assert_eq!(unasked, 0, "a Backup advertised{}", second.log_tail());
        let mark = capture.mark();
        first.kill();
        assert!(advertised(&capture, mark, "r2", 2), "{}", second.log_tail());
    }
}

#[test]
fn keepalived_with_virtual_mac() {
    let Some(world) = world!(Keepalived) else { return };
    both_ways(world, &Daemon::keepalived(), &GroupSpec::new(Family::V4, 200));
}

#[test]
fn keepalived_without_virtual_mac() {
    let Some(world) = world!(Keepalived) else { return };
    let group = GroupSpec { virtual_mac: false, ..GroupSpec::new(Family::V4, 200) };
    both_ways(world, &Daemon::keepalived(), &group);
}

#[test]
fn keepalived_with_the_older_checksum() {
    let Some(world) = world!(Keepalived) else { return };
    let group = GroupSpec { checksum: Some("rfc5798"), ..GroupSpec::new(Family::V4, 200) };
    both_ways(world, &Daemon::keepalived(), &group);
}

#[test]
fn keepalived_with_ipv6() {
    let Some(world) = world!(Keepalived) else { return };
    both_ways(world, &Daemon::keepalived(), &GroupSpec::new(Family::V6, 200));
}

#[test]
fn keepalived_with_version_2_and_a_password() {
    let Some(world) = world!(Keepalived) else { return };
    let group = GroupSpec {
        version: VrrpVersion::V2,
        advertisement_interval: Duration::from_secs(1),
        text_key: Some("s3cret".to_owned()),
        ..GroupSpec::new(Family::V4, 200)
    };
    both_ways(world, &Daemon::keepalived(), &group);
}

#[test]
fn frr() {
    let Some(world) = world!(Frr) else { return };
    let group =
        GroupSpec { advertisement_interval: Duration::from_millis(200), ..GroupSpec::new(Family::V4, 200) };
    both_ways(world, &Daemon::frr(), &group);
}
