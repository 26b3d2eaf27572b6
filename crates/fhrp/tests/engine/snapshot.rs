//! What a snapshot of a group shows, field by field, in each state.

use std::time::Duration;

use fhrp::{Cause, GroupState, LinkEvent, Rank, Waiting};

use super::router::*;

#[test]
fn of_a_group_that_waits() {
    let mut router = Router::active();
    router.0.handle_link(ms(5000), LinkEvent::Gone(ETH0));
    router.see();
    let status = router.status();
    assert_eq!((status.state, status.waiting), (GroupState::Initialize, Some(Waiting::InterfaceMissing)));
    assert_eq!((status.up_since, status.last_transition), (None, Some((ms(5000), Cause::Shutdown))));
    assert_eq!((status.active, status.active_priority, status.primary_address), (None, None, None));
    assert_eq!((status.interface_mac, status.programmed), (None, false));
}

#[test]
fn of_a_backup() {
    let (mut router, seen) = Router::new(settings());
    router.acknowledge(ms(1), &seen);
    router.hear(ms(1000), &says(200).frame());
    let status = router.status();
    assert_eq!((status.version, status.state, status.waiting), (3, GroupState::Backup, None));
    assert_eq!((status.priority, status.effective_priority), (100, 100));
    assert_eq!((status.preempt, status.preempt_delay), (true, Duration::ZERO));
    assert_eq!((status.active, status.active_priority), (Some(ip(PEER)), Some(200)));
    assert_eq!((status.primary_address, status.interface_mac), (Some(ip(OURS)), Some(OUR_MAC)));
    assert_eq!((&status.addresses[..], status.programmed), (&[ip("192.0.2.1")][..], true));
    assert_eq!(status.virtual_mac.unwrap().to_string(), "00:00:5e:00:01:0a");
    assert_eq!((status.up_since, status.state_changes), (Some(ms(0)), 1));
    assert_eq!(status.last_transition, Some((ms(0), Cause::Startup)));
    let peer = &status.peers[0];
    assert_eq!((peer.address, peer.priority, peer.version), (ip(PEER), 200, 3));
    assert_eq!((peer.interval, peer.heard), (Duration::from_secs(1), ms(1000)));
}

#[test]
fn of_an_active_router_and_of_why_it_is_one() {
    let status = Router::active().status();
    assert_eq!(
        (status.state, status.active, status.active_priority),
        (GroupState::Active, Some(ip(OURS)), Some(100))
    );
    assert_eq!(status.last_transition, Some((us(3_609_375), Cause::ActiveSilent)));

    let mut router = Router::new(settings()).0;
    router.hear(ms(1000), &says(200).frame());
    router.until(us(4_609_375));
    let lost = Rank { priority: 200, address: ip(PEER) };
    let silent = Duration::from_micros(3_609_375);
    let cause = Cause::ActiveLost { lost, silent };
    assert_eq!(router.status().last_transition, Some((us(4_609_375), cause)));
}

/// RFC 9568 §6.1.
#[test]
fn of_the_timers_in_use() {
    let mut router = Router::new(settings()).0;
    router.hear(ms(1000), &Says { interval: Duration::from_secs(2), ..says(200) }.frame());
    let vrrp = router.vrrp();
    assert_eq!((vrrp.owner, vrrp.accept_mode), (false, false));
    assert_eq!(vrrp.advertisement_interval, Duration::from_secs(1));
    assert_eq!(vrrp.active_adver_interval, Duration::from_secs(2));
    assert_eq!(vrrp.skew_time, Duration::from_micros(1_218_750));
    assert_eq!(vrrp.active_down_interval, Duration::from_micros(7_218_750));
}
