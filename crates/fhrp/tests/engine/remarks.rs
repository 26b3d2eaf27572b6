//! What the operator is told: RFC 9568 §7.1, §8.3.2, §8.4; RFC 3768 §7.1.

use fhrp::{NoticeKind, VrrpConfig, VrrpSettings};
use fhrp_wire::vrrp::{AuthData, Body, Seconds};

use super::router::*;

#[test]
fn rfc9568_8_3_2_a_peer_of_equal_priority_is_said_once_until_it_changes() {
    let mut router = Router::new(settings()).0;
    let other = ip("192.0.2.4");
    let mut hear = |n: u64, source, priority| {
        let equal = |kind: &&NoticeKind| **kind == NoticeKind::EqualPriority { peer: source };
        let seen = router.hear(ms(500 + n * 1000), &Says { source, ..says(priority) }.frame());
        seen.notices.iter().filter(equal).count()
    };
    assert_eq!((0..60).map(|n| hear(n, ip(PEER), 101)).sum::<usize>(), 0);
    assert_eq!((60..600).map(|n| hear(n, ip(PEER), 100)).sum::<usize>(), 1);
    assert_eq!((600..700).map(|n| hear(n, other, 100)).sum::<usize>(), 1, "of each");
    assert_eq!((700..800).map(|n| hear(n, ip(PEER), 100)).sum::<usize>(), 0);
    assert_eq!((800..900).map(|n| hear(n, ip(PEER), 101)).sum::<usize>(), 0);
    assert_eq!((900..1000).map(|n| hear(n, ip(PEER), 100)).sum::<usize>(), 1, "again after a change");
}

/// Forged addresses make no more lines than any other flood.
#[test]
fn many_peers_of_equal_priority_are_said_twice_a_minute() {
    let mut router = Router::new(settings()).0;
    let said = (0..600_u64).map(|n| {
        let [.., last] = n.to_be_bytes();
        let source = [192, 0, 3, last].into();
        let seen = router.hear(ms(500 + n * 100), &Says { source, ..says(100) }.frame());
        seen.notices.iter().filter(|kind| matches!(kind, NoticeKind::EqualPriority { .. })).count()
    });
    assert_eq!(said.sum::<usize>(), 2);
}

#[test]
fn rfc9568_7_1_another_version_is_said_with_both() {
    let mut router = Router::new(settings()).0;
    let body = Body::V2 { interval: Seconds::new(1).unwrap(), auth: AuthData::None };
    let seen = router.hear(ms(1), &says(200).frame_with(body));
    let reason = "another VRRP version (version-errors): it speaks 2, this group 3".into();
    assert_eq!(seen.notices, [NoticeKind::Discarded { peer: ip(PEER), reason }]);
}

#[test]
fn rfc3768_7_1_another_list_is_said_with_both() {
    let mut router = Router::new(VrrpSettings { version: 2, ..settings() }).0;
    let body = Body::V2 { interval: Seconds::new(1).unwrap(), auth: AuthData::None };
    let other = Says { addresses: vec![ip("192.0.2.7"), ip("192.0.2.8")], ..says(200) };
    let seen = router.hear(ms(1), &other.frame_with(body));
    let reason =
        "another address list (address-list-errors): it advertises 192.0.2.7 192.0.2.8, this group 192.0.2.1";
    assert_eq!(seen.notices, [NoticeKind::Discarded { peer: ip(PEER), reason: reason.into() }]);
}

#[test]
fn rfc9568_8_4_the_coexistence_of_versions_is_warned_of() {
    let both = VrrpSettings { coexist_with_v2: true, ..settings() };
    let warnings = VrrpConfig::new(both).unwrap().warnings();
    assert!(matches!(warnings.as_slice(), [one] if one.contains("not for good")), "{warnings:?}");
}

#[test]
fn rfc3768_7_1_another_interval_is_said_when_it_is_discarded() {
    let mut router = Router::new(VrrpSettings { version: 2, ..settings() }).0;
    let two = Seconds::new(2).unwrap();
    let body = Body::V2 { interval: two, auth: AuthData::None };
    let seen = router.hear(ms(1), &says(200).frame_with(body));
    let [NoticeKind::Discarded { peer, reason }] = seen.notices.as_slice() else { panic!("{seen:?}") };
    assert_eq!((*peer, reason.contains("interval-errors")), (ip(PEER), true));
}
