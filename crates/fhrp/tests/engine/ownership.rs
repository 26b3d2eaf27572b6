//! RFC 9568 §5.2.4, §6.1, §7.1 with erratum 8298, §8.1.2, §8.3.2: what owning a virtual address changes.

use std::sync::Arc;

use fhrp::{Acceptance, Gate, GroupState, LinkEvent, NoticeKind, VrrpConfig, VrrpSettings};
use fhrp_wire::envelope::{self, Packet};

use super::router::*;

const VIRTUAL_MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 10];

/// 192.0.2.2, which eth0 has of its own.
fn owned() -> VrrpSettings {
    VrrpSettings { addresses: vec![ip(OURS)], ..settings() }
}

fn conflicts(seen: &Seen) -> usize {
    seen.notices.iter().filter(|kind| matches!(kind, NoticeKind::OwnerConflict { .. })).count()
}

#[test]
fn rfc9568_5_2_4_others_run_at_the_priority_they_are_given() {
    // 3 x 1 s + (256 - priority) / 256 x 1 s
    for (priority, takeover) in [(1, 3_996_093), (100, 3_609_375), (254, 3_007_812)] {
        let given = VrrpSettings { priority, ..settings() };
        assert_eq!(VrrpConfig::new(given.clone()).unwrap().warnings(), Vec::<String>::new());
        let (mut router, seen) = Router::new(given);
        assert!(!seen.notices.contains(&NoticeKind::NotOwner));
        assert_eq!((router.vrrp().owner, router.status().effective_priority), (false, priority));
        assert_eq!(router.until(us(takeover - 1)).priorities(), []);
        assert_eq!(router.until(us(takeover)).priorities(), [priority]);
    }
}

#[test]
fn rfc9568_5_2_4_priority_255_without_the_address_works_and_is_said() {
    let claimed = VrrpSettings { priority: 255, ..settings() };
    let warnings = VrrpConfig::new(claimed.clone()).unwrap().warnings();
    assert!(matches!(warnings.as_slice(), [one] if one.contains("255")), "{warnings:?}");
    let (router, seen) = Router::new(claimed);
    assert!(seen.notices.contains(&NoticeKind::NotOwner));
    assert_eq!((seen.priorities(), router.state()), (vec![255], GroupState::Active));
    assert!(!router.vrrp().owner);
}

#[test]
fn rfc9568_5_2_4_who_gets_the_address_becomes_the_owner_and_who_loses_it_is_none() {
    let mut router = Router::active();
    let mut with = link();
    with.ipv4.push("192.0.2.1".parse().unwrap());
    router.0.handle_link(ms(4000), LinkEvent::Present(with));
    let seen = router.see();
    assert_eq!(seen.notices, [NoticeKind::Owns(ip("192.0.2.1"))]);
    let binding = seen.programs[0].2.as_ref().unwrap();
    assert_eq!((&binding.owned[..], binding.acceptance), (&[ip("192.0.2.1")][..], Acceptance::Allow));
    assert_eq!(router.until(us(4_609_375)).priorities(), [255]);
    router.0.handle_link(ms(5000), LinkEvent::Present(link()));
    let binding = router.see().programs[0].2.clone().unwrap();
    assert_eq!((binding.owned.len(), binding.acceptance), (0, Acceptance::Deny));
    assert_eq!(router.until(us(5_609_375)).priorities(), [100]);
}

#[test]
fn rfc9568_erratum_8298_an_owner_goes_by_another_owner_and_says_so() {
    let mut router = Router::new(owned()).0;
    let lower = Says { source: ip("192.0.2.1"), addresses: vec![ip(OURS)], ..says(255) };
    let seen = router.hear(ms(100), &lower.frame());
    assert_eq!((seen.priorities(), conflicts(&seen)), (vec![255], 1), "the lower address is answered");
    let higher = Says { source: ip(PEER), ..lower };
    let seen = router.hear(ms(200), &higher.frame());
    assert_eq!(seen.moved_to(), [GroupState::Backup], "and the higher one yielded to");
    let counters = router.vrrp().counters;
    assert_eq!((counters.owner_conflicts, counters.advertisement_rcvd), (2, 2));
}

#[test]
fn rfc9568_8_3_2_a_second_owner_is_said_twice_a_minute_and_counted_always() {
    let mut router = Router::new(owned()).0;
    let second = Says { source: ip("192.0.2.1"), addresses: vec![ip(OURS)], ..says(255) };
    let said: usize = (0..60).map(|n| conflicts(&router.hear(ms(500 + n * 1000), &second.frame()))).sum();
    assert_eq!((said, router.vrrp().counters.owner_conflicts), (2, 60));
}

#[test]
fn rfc9568_erratum_8298_an_owner_answers_lower_ones_like_any_active_router() {
    let mut router = Router::new(owned()).0;
    let seen = router.hear(ms(100), &Says { addresses: vec![ip(OURS)], ..says(254) }.frame());
    assert_eq!((seen.priorities(), conflicts(&seen)), (vec![255], 0));
    let counters = router.vrrp().counters;
    assert_eq!((counters.advertisement_rcvd, counters.owner_conflicts), (1, 0));
}

#[test]
fn rfc9568_6_4_3_who_owns_or_is_told_to_accepts_and_nobody_else() {
    let accepting = VrrpSettings { accept_mode: true, ..settings() };
    let v2 = |settings| VrrpSettings { version: 2, ..settings };
    let cases = [
        (settings(), Acceptance::Deny),
        (accepting, Acceptance::Allow),
        (owned(), Acceptance::Allow),
        (v2(settings()), Acceptance::Deny),
        (v2(owned()), Acceptance::Allow),
    ];
    for (given, acceptance) in cases {
        let (mut router, mut seen) = Router::new(given.clone());
        if router.state() == GroupState::Backup {
            let closed = seen.programs.pop().unwrap().2.unwrap();
            assert_eq!((closed.gate, closed.acceptance), (Gate::Closed, acceptance), "{given:?}");
            seen = router.until(us(3_609_375));
        }
        let open = seen.programs.pop().unwrap().2.unwrap();
        assert_eq!((open.gate, open.acceptance), (Gate::Open, acceptance), "{given:?}");
    }
}

#[test]
fn rfc9568_8_1_2_an_owner_uses_the_virtual_mac_alone_in_what_it_sends() {
    let (mut router, seen) = Router::new(owned());
    assert_eq!(seen.programs[0].2.as_ref().unwrap().owned, Arc::from([ip(OURS)]));
    let mut frames = seen.frames.clone();
    frames.extend(router.acknowledge(ms(1), &seen).frames);
    frames.extend(router.until(ms(10_000)).frames);
    let mut announced = 0;
    for frame in &frames {
        let frame = envelope::parse(frame).unwrap();
        assert_eq!(frame.source.octets(), VIRTUAL_MAC);
        if let Packet::Arp(arp) = frame.packet {
            assert_eq!((arp.sender_mac.octets(), arp.sender_address), (VIRTUAL_MAC, OURS.parse().unwrap()));
            announced += 1;
        }
    }
    assert_eq!((frames.len(), announced), (14, 3), "11 advertisements, at once and each second");
}
