//! What the operator is told: RFC 9568 §7.1, §8.3.2, §8.4; RFC 3768 §7.1.

use fhrp::{NoticeKind, VrrpConfig, VrrpSettings};
use fhrp_wire::vrrp::{AuthData, Body, Seconds};

use super::router::*;

#[test]
fn rfc9568_8_3_2_a_peer_of_equal_priority_is_said_twice_a_minute() {
    let mut router = Router::new(settings()).0;
    let equal = |kind: &NoticeKind| *kind == NoticeKind::EqualPriority { peer: ip(PEER) };
    let mut hear = |n: u64, priority| {
        let seen = router.hear(ms(500 + n * 1000), &says(priority).frame());
        seen.notices.iter().filter(|kind| equal(kind)).count()
    };
    assert_eq!((0..60).map(|n| hear(n, 101)).sum::<usize>(), 0);
    assert_eq!((60..120).map(|n| hear(n, 100)).sum::<usize>(), 2);
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
