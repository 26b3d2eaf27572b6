//! With other implementations, each as the better router once: one advertises, and the other takes over from it.
//!
//! Groups of one laboratory are independent of one another, so that each test runs a whole table of them at once.

use std::time::Duration;

use fhrp_lab::{
    Capture, CaptureScope, Daemon, Event, Lab, LabOptions, ReversePathFilter, VrrpGroup, VrrpVersion, World,
    lan_address, virtual_address, world,
};
use fhrp_wire::Family;
use fhrpd::control;

use crate::{SOON, advertised, advertisements, fhrpd, start_pair, wait_for};

/// Both take over from the other by rank, and by the other's death; and the Backup is silent.
fn both_ways(world: World, peer: &Daemon, groups: &[VrrpGroup], rp_filter: ReversePathFilter) {
    let own = fhrpd();
    for daemons in [[&own, peer], [peer, &own]] {
        let lab = Lab::build(world, &LabOptions { hosts: 0, rp_filter, ..LabOptions::default() }).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let [mut first, second] = start_pair(&lab, &capture, daemons, groups);
        let mark = capture.mark();
        for group in groups {
            let alone = capture.wait_for(mark, SOON, |events| alone(events, group).then_some(()));
            assert!(alone.is_some(), "{group:?}{}{}", first.log_tail(), second.log_tail());
        }
        let ours = if daemons[0] == &own { 1 } else { 2 };
        agrees_on_the_checksum(&lab, ours, groups);
        let mark = capture.mark();
        first.kill();
        for group in groups {
            assert!(advertised(&capture, mark, "r2", group, 2), "{group:?}{}", second.log_tail());
        }
    }
}

/// Whether `r1` advertised several times in a row: a Backup that does not understand it would advertise in between. (It
/// may do so for a moment where the machine is so busy that `r1` is late.)
fn alone(events: &[Event], group: &VrrpGroup) -> bool {
    const IN_A_ROW: usize = 6;
    let last = advertisements(events, "r2", group).map(|event| event.at).last().unwrap_or_default();
    advertisements(events, "r1", group).filter(|event| event.at > last).count() >= IN_A_ROW
}

/// Both peers send the form of RFC 5798 and drop the other: `auto` follows the first that it hears.
fn agrees_on_the_checksum(lab: &Lab, router: u8, groups: &[VrrpGroup]) {
    let router = lab.router(router).unwrap();
    for group in
        groups.iter().filter(|group| group.version == VrrpVersion::V3 && group.family() == Family::V4)
    {
        wait_for("the checksum of RFC 5798", || {
            let answer = control::ask(&router.work_dir().join("fhrpd.sock"), "show").ok()?;
            let mut shown = answer["groups"].as_array()?.iter();
            let shown = shown.find(|shown| shown["family"] == 4 && shown["group"] == group.vrid)?;
            (shown["checksum"] == "rfc5798").then_some(())
        });
    }
}

/// A group of its own VRID and address.
fn group(family: Family, vrid: u8) -> VrrpGroup {
    let address = match family {
        Family::V4 => lan_address(0, family, vrid),
        Family::V6 => virtual_address(0, family, vrid),
    };
    VrrpGroup { vrid, addresses: vec![address], ..VrrpGroup::new(family, 200) }
}

fn without_virtual_mac(group: VrrpGroup) -> VrrpGroup {
    VrrpGroup { virtual_mac: false, ..group }
}

fn rfc5798(group: VrrpGroup) -> VrrpGroup {
    VrrpGroup { checksum: Some("rfc5798"), ..group }
}

fn version_2(group: VrrpGroup) -> VrrpGroup {
    VrrpGroup { version: VrrpVersion::V2, advertisement_interval: Duration::from_secs(1), ..group }
}

fn with_password(group: VrrpGroup) -> VrrpGroup {
    VrrpGroup { text_key: Some("s3cret".to_owned()), ..group }
}

fn keepalived(world: World, rp_filter: ReversePathFilter) {
    use Family::{V4, V6};
    let groups = [
        group(V4, 1),
        without_virtual_mac(group(V4, 2)),
        rfc5798(group(V4, 3)),
        rfc5798(without_virtual_mac(group(V4, 4))),
        group(V6, 5),
        without_virtual_mac(group(V6, 6)),
    ];
    both_ways(world, &Daemon::keepalived(), &groups, rp_filter);
}

#[test]
fn keepalived_with_version_3() {
    let Some(world) = world!(Keepalived) else { return };
    keepalived(world, ReversePathFilter::Off);
}

#[test]
fn keepalived_with_version_3_and_strict_reverse_path_filter() {
    let Some(world) = world!(Keepalived) else { return };
    keepalived(world, ReversePathFilter::Strict);
}

#[test]
fn keepalived_with_version_3_and_loose_reverse_path_filter() {
    let Some(world) = world!(Keepalived) else { return };
    keepalived(world, ReversePathFilter::Loose);
}

#[test]
fn keepalived_with_version_2() {
    let Some(world) = world!(Keepalived) else { return };
    let groups = [
        group(Family::V4, 1),
        without_virtual_mac(group(Family::V4, 2)),
        with_password(group(Family::V4, 3)),
        with_password(without_virtual_mac(group(Family::V4, 4))),
    ]
    .map(version_2);
    both_ways(world, &Daemon::keepalived(), &groups, ReversePathFilter::Off);
}

fn frr(world: World, rp_filter: ReversePathFilter) {
    let groups = [group(Family::V4, 1), rfc5798(group(Family::V4, 2)), group(Family::V6, 3)]
        .map(|group| VrrpGroup { advertisement_interval: Duration::from_millis(200), ..group });
    both_ways(world, &Daemon::frr(), &groups, rp_filter);
}

#[test]
fn frr_with_version_3() {
    let Some(world) = world!(Frr) else { return };
    frr(world, ReversePathFilter::Off);
}

#[test]
fn frr_with_version_3_and_strict_reverse_path_filter() {
    let Some(world) = world!(Frr) else { return };
    frr(world, ReversePathFilter::Strict);
}

#[test]
fn frr_with_version_3_and_loose_reverse_path_filter() {
    let Some(world) = world!(Frr) else { return };
    frr(world, ReversePathFilter::Loose);
}
