//! RFC 9568 §7.1, RFC 3768 §7.1: which packets count, and where the others are counted.

use std::time::Duration;

use fhrp::{Authentication, ChecksumPolicy, GroupState, InterfaceStats, NoticeKind, VrrpStats};
use fhrp_wire::vrrp::{AuthData, Body, ChecksumForm, Seconds, TextKey};

use super::router::*;

/// A frame that must change a counter of the group or the interface and nothing else, no timer least of all.
fn discarded(frame: &[u8]) -> (VrrpStats, InterfaceStats) {
    let mut router = Router::active();
    let (before, deadline) = (router.status(), router.0.next_deadline());
    let seen = router.hear(ms(3800), frame);
    let after = router.status();
    assert_eq!(router.0.next_deadline(), deadline, "no timer is touched");
    assert_eq!((seen.frames.len(), seen.programs.len(), seen.moved_to().len()), (0, 0, 0));
    assert_eq!((after.state, after.active, after.peers), (before.state, before.active, before.peers));
    (router.vrrp().counters, router.interface())
}

/// Makes the frame's VRRP message legal again after a change: message-only checksum.
fn with_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    frame[40..42].fill(0);
    let sum =
        frame[34..].chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let sum = sum.sum::<u32>();
    let folded = (sum & 0xffff) + (sum >> 16);
    let checksum = !u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap();
    frame[40..42].copy_from_slice(&checksum.to_be_bytes());
    frame
}

/// Likewise the IPv4 header.
pub(crate) fn with_ip_checksum(mut frame: Vec<u8>) -> Vec<u8> {
    frame[24..26].fill(0);
    let sum =
        frame[14..34].chunks(2).fold(0_u32, |sum, pair| sum + (u32::from(pair[0]) << 8 | u32::from(pair[1])));
    let checksum = !u16::try_from((sum & 0xffff) + (sum >> 16)).unwrap();
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
    frame
}

pub(crate) fn altered(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut frame = says(254).frame().to_vec();
    change(&mut frame);
    with_checksum(frame)
}

#[test]
fn rfc9568_5_1_1_3_ttl_below_255_is_discarded() {
    for ttl in [254, 1, 0] {
        let (group, interface) = discarded(&with_ip_checksum(altered(|frame| frame[22] = ttl)));
        assert_eq!((group.ip_ttl_errors, interface.ip_ttl_errors), (1, 1));
    }
}

#[test]
fn each_rule_has_its_counter() {
    let (_, interface) = discarded(&altered(|frame| frame[34] = 0x11));
    assert_eq!(interface.version_errors, 1);
    let (_, interface) = discarded(&altered(|frame| frame[34] = 0x32));
    assert_eq!(interface.invalid_type_pkts_rcvd, 1);
    let (_, interface) = discarded(&altered(|frame| frame[37] = 9));
    assert_eq!(interface.packet_length_errors, 1);
    let (group, _) = discarded(&altered(|frame| frame[38..40].fill(0)));
    assert_eq!(group.interval_zero_errors, 1);
    let (_, interface) = discarded(&altered(|frame| frame[35] = 99));
    assert_eq!(interface.vrid_errors, 1);
    let mut broken = says(254).frame().to_vec();
    broken[40] ^= 0x55;
    let (group, interface) = discarded(&broken);
    assert_eq!((group.checksum_errors, interface.checksum_errors), (1, 1));
    let (_, interface) = discarded(&with_ip_checksum(altered(|frame| frame[33] = 5)));
    assert_eq!(interface.destination_errors, 1);
}

#[test]
fn every_truncation_and_every_flipped_bit_changes_no_state_and_no_timer() {
    let whole = says(254).frame().to_vec();
    for length in 0..whole.len() {
        discarded(&whole[..length]);
    }
    // The Ethernet addresses are not covered by anything; the rest is.
    for bit in 12 * 8..whole.len() * 8 {
        let mut flipped = whole.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        discarded(&flipped);
    }
}

#[test]
fn rfc9568_7_1_a_thousand_bad_packets_make_two_lines_in_a_minute() {
    let mut router = Router::active();
    let mut bad = says(254).frame().to_vec();
    bad[40] ^= 0x55;
    let lines: usize = (0..1000).map(|n| router.hear(ms(4000 + n * 60), &bad).notices.len()).sum();
    assert_eq!((lines, router.vrrp().counters.checksum_errors), (2, 1000));
}

#[test]
fn rfc9568_7_1_another_interval_is_learned() {
    let mut router = Router::new(settings()).0;
    let seen = router.hear(ms(100), &Says { interval: Duration::from_secs(2), ..says(200) }.frame());
    assert!(seen.notices.iter().any(|kind| matches!(kind, NoticeKind::IntervalMismatch { .. })));
    assert_eq!((router.vrrp().counters.interval_errors, router.vrrp().counters.advertisement_rcvd), (1, 1));
    // 3 x 2 s + (256 - 100) / 256 x 2 s
    assert_eq!(router.0.next_deadline(), Some(us(100_000 + 7_218_750)));
}

#[test]
fn rfc9568_7_1_another_list_is_told_and_counts_all_the_same() {
    let mut router = Router::active();
    let seen = router.hear(ms(4000), &Says { addresses: vec![ip("192.0.2.77")], ..says(200) }.frame());
    let mismatch = NoticeKind::AddressListMismatch { peer: ip(PEER), theirs: [ip("192.0.2.77")].into() };
    assert!(seen.notices.contains(&mismatch), "{:?}", seen.notices);
    assert_eq!((router.state(), router.vrrp().counters.address_list_errors), (GroupState::Backup, 1));
}

#[test]
fn rfc9568_6_4_3_a_losing_one_is_answered_at_once() {
    let mut router = Router::active();
    assert_eq!(router.hear(ms(4000), &says(50).frame()).priorities(), [100]);
    assert_eq!(router.until(us(4_609_375)).priorities(), [100], "and the timer is not moved");
}

#[test]
fn our_own_frame_that_comes_back_is_looped() {
    let mut router = Router::active();
    let own = router.until(us(4_609_375)).frames.remove(0);
    let seen = router.hear(ms(4700), &own);
    assert!(seen.order.is_empty() && seen.notices.is_empty());
    assert_eq!(router.vrrp().counters.looped, 1);
}

#[test]
fn somebody_elses_frame_from_our_address_is_a_duplicate_address() {
    let mut router = Router::active();
    let seen = router.hear(ms(4000), &Says { source: ip(OURS), ..says(200) }.frame());
    assert!(matches!(seen.notices.as_slice(), [NoticeKind::DuplicateAddress { .. }]));
    assert_eq!(router.state(), GroupState::Active);
}

#[test]
fn auto_follows_the_rfc5798_form_from_the_first_one_heard_on() {
    let mut router = Router::active();
    let seen = router.hear(ms(4000), &Says { form: ChecksumForm::Rfc5798, ..says(50) }.frame());
    assert!(matches!(
        seen.notices.as_slice(),
        [NoticeKind::ChecksumForm { form: ChecksumForm::Rfc5798, .. }]
    ));
    assert_eq!(router.vrrp().checksum, Some(ChecksumForm::Rfc5798));
    assert_eq!(router.status().peers[0].checksum, Some(ChecksumForm::Rfc5798));
    // With the pseudo-header c0000202 e0000012 0070 000c the checksum a88e becomes 05fd... worked out by hand below:
    // 5771 + c000 + 0202 + e000 + 0012 + 0070 + 000c = 1fa01, folded fa02, complement 05fd.
    assert_eq!(seen.frames[0][40..42], [0x05, 0xfd]);
    router.hear(ms(5000), &says(50).frame());
    assert_eq!(router.vrrp().checksum, Some(ChecksumForm::Rfc5798), "and stays");
}

#[test]
fn a_fixed_form_is_not_moved_by_peers_but_accepts_both() {
    let mut fixed = settings();
    fixed.checksum = ChecksumPolicy::Rfc9568;
    let mut router = Router::new(fixed).0;
    router.hear(ms(100), &Says { form: ChecksumForm::Rfc5798, ..says(200) }.frame());
    assert_eq!(
        (router.vrrp().checksum, router.vrrp().counters.advertisement_rcvd),
        (Some(ChecksumForm::Rfc9568), 1)
    );
}

fn version_2(auth: AuthData) -> Body {
    Body::V2 { interval: Seconds::from_duration(Duration::from_secs(1)).unwrap(), auth }
}

#[test]
fn rfc2338_passwords_must_match_in_type_and_in_word() {
    let mut old = settings();
    (old.version, old.authentication) = (2, Authentication::Text(TextKey::new("secret").unwrap()));
    let mut router = Router::new(old).0;
    let key = |text: &str| AuthData::Text(TextKey::new(text).unwrap().octets());
    router.hear(ms(1), &says(200).frame_with(version_2(AuthData::None)));
    router.hear(ms(2), &says(200).frame_with(version_2(key("wrong"))));
    let counters = router.vrrp().counters;
    assert_eq!((counters.auth_type_mismatch, counters.auth_failures, counters.advertisement_rcvd), (1, 1, 0));
    router.hear(ms(3), &says(200).frame_with(version_2(key("secret"))));
    assert_eq!(router.vrrp().counters.advertisement_rcvd, 1);
}

#[test]
fn rfc3768_7_1_version_2_discards_other_intervals_and_lists() {
    let mut old = settings();
    old.version = 2;
    let mut router = Router::new(old).0;
    let two =
        Body::V2 { interval: Seconds::from_duration(Duration::from_secs(2)).unwrap(), auth: AuthData::None };
    router.hear(ms(1), &says(200).frame_with(two));
    let other = Says { addresses: vec![ip("192.0.2.77")], ..says(200) };
    router.hear(ms(2), &other.frame_with(version_2(AuthData::None)));
    let counters = router.vrrp().counters;
    assert_eq!(
        (counters.interval_errors, counters.address_list_errors, counters.advertisement_rcvd),
        (1, 1, 0)
    );
    let owner = Says { addresses: vec![ip("192.0.2.77")], ..says(255) };
    router.hear(ms(3), &owner.frame_with(version_2(AuthData::None)));
    assert_eq!(router.vrrp().counters.advertisement_rcvd, 1, "unless the owner sent it");
}

#[test]
fn a_version_3_group_discards_version_2_and_the_reverse() {
    let mut router = Router::active();
    router.hear(ms(4000), &says(200).frame_with(version_2(AuthData::None)));
    assert_eq!((router.vrrp().counters.version_errors, router.state()), (1, GroupState::Active));
    let mut old = settings();
    old.version = 2;
    let mut router = Router::new(old).0;
    router.hear(ms(1), &says(200).frame());
    assert_eq!(router.vrrp().counters.version_errors, 1);
}

#[test]
fn rfc9568_8_4_coexistence_hears_version_2_unless_its_sender_speaks_3() {
    let mut both = settings();
    both.coexist_with_v2 = true;
    let mut router = Router::new(both).0;
    router.hear(ms(1), &says(200).frame_with(version_2(AuthData::None)));
    assert_eq!(router.vrrp().counters.advertisement_rcvd, 1);
    router.hear(ms(2), &says(200).frame());
    router.hear(ms(3), &says(200).frame_with(version_2(AuthData::None)));
    let counters = router.vrrp().counters;
    assert_eq!((counters.advertisement_rcvd, counters.v2_shadowed), (2, 1));
}

#[test]
fn unicast_listens_to_configured_peers_only() {
    let mut unicast = settings();
    unicast.unicast_peers = vec![ip(PEER)];
    let mut router = Router::new(unicast).0;
    router.hear(ms(1), &says(200).frame());
    assert_eq!(router.vrrp().counters.destination_errors, 1, "multicast is not for this group");
    let to_us = |source: &str| {
        let mut frame = Says { source: ip(source), ..says(200) }.frame().to_vec();
        frame[30..34].copy_from_slice(&[192, 0, 2, 2]);
        with_ip_checksum(frame)
    };
    router.hear(ms(2), &to_us("192.0.2.9"));
    assert_eq!(router.vrrp().counters.destination_errors, 2);
    router.hear(ms(3), &to_us(PEER));
    assert_eq!(router.vrrp().counters.advertisement_rcvd, 1);
    let sent = router.until(ms(4000));
    assert!(sent.frames.is_empty());
    assert_eq!(sent.unicast.first().map(|(peer, payload)| (*peer, payload.len())), Some((ip(PEER), 12)));
}

#[test]
fn a_forger_of_many_addresses_fills_no_more_than_sixteen_places() {
    let mut router = Router::new(settings()).0;
    for n in 0..200_u8 {
        let source = format!("198.51.100.{n}");
        router.hear(ms(u64::from(n)), &Says { source: ip(&source), ..says(150) }.frame());
    }
    assert_eq!(router.status().peers.len(), 16);
}

#[test]
fn rfc9568_5_1_2_3_hop_limit_below_255_is_discarded() {
    let mut settings = settings();
    settings.addresses = vec![ip("fe80::1")];
    let mut router = Router::new(settings).0;
    let peer = Says { source: ip("fe80::3"), addresses: vec![ip("fe80::1")], ..says(200) };
    let mut frame = peer.frame().to_vec();
    // The hop limit is in no checksum.
    frame[21] = 254;
    router.hear(ms(1), &frame);
    let counters = router.vrrp().counters;
    assert_eq!((counters.ip_ttl_errors, counters.advertisement_rcvd), (1, 0));
    router.hear(ms(2), &peer.frame());
    assert_eq!(router.vrrp().counters.advertisement_rcvd, 1);
}

#[test]
fn rfc9568_8_4_2_coexistence_sends_both_versions() {
    let mut both = settings();
    both.coexist_with_v2 = true;
    let mut router = Router::new(both).0;
    let seen = router.until(us(3_609_375));
    let versions: Vec<u8> = seen.frames.iter().map(|frame| frame[34] >> 4).collect();
    assert_eq!(versions, [3, 2]);
}

#[test]
fn rfc3768_7_1_a_version_2_owner_discards_advertisements() {
    let mut owner = settings();
    (owner.version, owner.addresses) = (2, vec![ip(OURS)]);
    let mut router = Router::new(owner).0;
    let peer = Says { addresses: vec![ip(OURS)], ..says(255) };
    router.hear(ms(1), &peer.frame_with(version_2(AuthData::None)));
    let counters = router.vrrp().counters;
    assert_eq!((counters.owner_conflicts, counters.advertisement_rcvd), (1, 0));
    assert_eq!(router.state(), GroupState::Active);
}
