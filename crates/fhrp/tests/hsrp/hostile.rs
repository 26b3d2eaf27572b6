//! Messages that break a rule: each has its counter, and moves no state and no timer.

use fhrp::GroupState::{Active, Listen, Standby};
use fhrp::{HsrpAuthentication, HsrpSettings, HsrpStats, NoticeKind};
use fhrp_wire::hsrp::{KeyBytes, State, TextKey, Variant};

use super::lan::*;
use super::peer::{Proof, Says, coup, hello, resign};

/// One in Standby behind .3, at 30 s.
fn standby(settings: HsrpSettings) -> Lan {
    let variant = if settings.addresses[0].is_ipv6() {
        Variant::V2Ipv6
    } else if settings.version == 1 {
        Variant::V1
    } else {
        Variant::V2Ipv4
    };
    let proof = match &settings.authentication {
        HsrpAuthentication::Md5(key) => Proof::Md5(0, key.clone()),
        HsrpAuthentication::Text(key) => Proof::Text(key.clone()),
        _ => Proof::None,
    };
    let mut lan = Lan::with(2, settings);
    for second in 0..=10 {
        lan.until(second * 3_000);
        lan.hear(&Says { proof: proof.clone(), ..hello(variant, State::Active, 200) }.frame());
    }
    assert_eq!(lan.state(0), Standby);
    lan.forget();
    lan
}

/// Hands in a frame that must change counters and nothing else.
fn discarded(lan: &mut Lan, frame: &[u8]) -> Vec<(&'static str, u64)> {
    let (before, deadline) = (lan.status(0), lan.routers[0].engine.next_deadline());
    let counters = lan.counters(0);
    lan.hear(frame);
    let after = lan.status(0);
    assert_eq!(lan.routers[0].engine.next_deadline(), deadline, "no timer is touched");
    assert_eq!(
        (after.state, after.active, after.peers.clone()),
        (before.state, before.active, before.peers.clone())
    );
    assert_eq!(
        (after.state_changes, after.addresses.clone()),
        (before.state_changes, before.addresses.clone())
    );
    assert_eq!((lan.sent().len(), lan.wish(0)), (0, None));
    risen(&counters, &lan.counters(0))
}

/// Counters that went up, and by how much.
fn risen(before: &HsrpStats, after: &HsrpStats) -> Vec<(&'static str, u64)> {
    let pairs = before.iter().zip(after.iter());
    pairs.filter(|(old, new)| old != new).map(|(old, new)| (new.0, new.1 - old.1)).collect()
}

const MD5_BLOCK: [u8; 30] =
    [4, 28, 1, 0, 0, 0, 192, 0, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A payload of the variant with some octets changed.
fn altered(variant: Variant, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut payload = hello(variant, State::Active, 201).payload().to_vec();
    change(&mut payload);
    hello(variant, State::Active, 201).frame_around(&payload).to_vec()
}

/// What breaks one rule of version 1, and the rule's counter.
fn broken_v1() -> Vec<(&'static str, Vec<u8>)> {
    let altered = |change: fn(&mut Vec<u8>)| altered(Variant::V1, change);
    let advertise = |octets: &[u8]| hello(Variant::V1, State::Active, 201).frame_around(octets).to_vec();
    vec![
        ("too_short", altered(|octets| octets.truncate(19))),
        ("too_short", altered(Vec::clear)),
        ("version_field_errors", altered(|octets| octets[0] = 1)),
        ("opcode_errors", altered(|octets| octets[1] = 4)),
        ("state_errors", altered(|octets| octets[2] = 3)),
        ("advertise_type_errors", advertise(&[0, 3, 0, 2, 0, 14, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0])),
        ("advertise_length_errors", advertise(&[0, 3, 0, 1, 0, 13, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0])),
        ("interface_state_errors", advertise(&[0, 3, 0, 1, 0, 14, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0])),
        ("tlv_too_short", altered(|octets| octets.extend([4, 28, 1]))),
        ("tlv_length_errors", altered(|octets| octets.extend([4, 2, 1, 0]))),
        ("tlv_repeated", altered(|octets| octets.extend([MD5_BLOCK, MD5_BLOCK].concat()))),
        (
            "md5_block_errors",
            altered(|octets| {
                octets.extend(MD5_BLOCK);
                octets[22] = 2;
            }),
        ),
    ]
}

/// The same of version 2.
fn broken_v2(variant: Variant) -> Vec<(&'static str, Vec<u8>)> {
    let altered = |change: fn(&mut Vec<u8>)| altered(variant, change);
    vec![
        ("no_state_errors", altered(Vec::clear)),
        ("no_state_errors", altered(|octets| octets.splice(..42, [9, 1, 0]).for_each(drop))),
        ("tlv_too_short", altered(|octets| octets.truncate(41))),
        ("tlv_too_short", altered(|octets| octets.truncate(51))),
        ("tlv_length_errors", altered(|octets| octets[43] = 7)),
        ("tlv_repeated", altered(|octets| octets.extend_from_within(..42))),
        ("auth_repeated", altered(|octets| octets.extend(MD5_BLOCK))),
        (
            "md5_block_errors",
            altered(|octets| {
                octets.truncate(42);
                octets.extend(MD5_BLOCK);
                octets[44] = 2;
            }),
        ),
        ("version_field_errors", altered(|octets| octets[2] = 1)),
        ("opcode_errors", altered(|octets| octets[3] = 3)),
        ("state_errors", altered(|octets| octets[4] = 7)),
        ("ip_version_errors", altered(|octets| octets[5] = 5)),
        ("group_range_errors", altered(|octets| octets[6] = 0x10)),
    ]
}

#[test]
fn each_rule_of_the_format_has_its_counter_and_moves_nothing() {
    for variant in VARIANTS {
        let broken = match variant {
            Variant::V1 => broken_v1(),
            Variant::V2Ipv4 | Variant::V2Ipv6 => broken_v2(variant),
        };
        for (counter, frame) in broken {
            let mut lan = standby(settings(variant));
            assert_eq!(discarded(&mut lan, &frame), [(counter, 1)], "{variant:?}");
            assert_eq!(lan.interface(0).hsrp_malformed, 1, "{counter}");
            let said = lan.notices(0);
            assert!(matches!(said.as_slice(), [NoticeKind::Discarded { .. }]), "{counter}: {said:?}");
        }
    }
}

/// Every kind of authentication against every other, over Hello, Coup and Resign.
#[test]
fn unauthenticated_messages_are_alarmed_and_move_nothing() {
    let (text, wrong) = (TextKey::new("secret").unwrap(), TextKey::new("Secret").unwrap());
    let (key, other) = (KeyBytes::new("geheim").unwrap(), KeyBytes::new("gehein").unwrap());
    let cases = [
        (HsrpAuthentication::Text(text.clone()), Proof::Text(wrong), "auth_failures"),
        (HsrpAuthentication::Text(text.clone()), Proof::None, "auth_type_mismatch"),
        (HsrpAuthentication::Text(text.clone()), Proof::Md5(0, key.clone()), "auth_type_mismatch"),
        (HsrpAuthentication::Md5(key.clone()), Proof::Md5(0, other), "auth_failures"),
        (HsrpAuthentication::Md5(key.clone()), Proof::Text(text.clone()), "auth_type_mismatch"),
        (HsrpAuthentication::Md5(key.clone()), Proof::None, "auth_type_mismatch"),
        (HsrpAuthentication::None, Proof::Text(text), "auth_type_mismatch"),
        (HsrpAuthentication::None, Proof::Md5(0, key), "auth_type_mismatch"),
    ];
    for variant in VARIANTS {
        for (authentication, proof, counter) in cases.clone() {
            let mut lan = standby(HsrpSettings { authentication, ..settings(variant) });
            for says in [
                hello(variant, State::Active, 255),
                hello(variant, State::Standby, 255),
                hello(variant, State::Speak, 255),
                coup(variant, 255),
                resign(variant, State::Speak),
            ] {
                let frame = Says { proof: proof.clone(), ..says }.frame();
                assert_eq!(discarded(&mut lan, &frame), [(counter, 1)], "{variant:?} {proof:?}");
            }
            let said = lan.notices(0);
            let peer = address(variant, 3);
            assert!(
                matches!(said.as_slice(), [NoticeKind::BadAuthentication { peer: named, .. }] if *named == peer),
                "{said:?}"
            );
        }
    }
}

/// A coup from a host that does not know the key (yersinia's attack) does not move an Active router.
#[test]
fn an_unauthenticated_coup_moves_no_active_router() {
    for variant in VARIANTS {
        let key = HsrpAuthentication::Md5(KeyBytes::new("geheim").unwrap());
        let mut lan = Lan::with(2, HsrpSettings { authentication: key, ..settings(variant) });
        lan.until(21_000);
        lan.forget();
        assert_eq!(discarded(&mut lan, &coup(variant, 255).frame()), [("auth_type_mismatch", 1)]);
        assert_eq!(
            discarded(&mut lan, &hello(variant, State::Active, 255).frame()),
            [("auth_type_mismatch", 1)]
        );
        assert_eq!(lan.state(0), Active);
    }
}

#[test]
fn alarms_are_limited_and_counters_are_not() {
    let mut lan = standby(settings(Variant::V1));
    let frame = Says { proof: Proof::None, ..hello(Variant::V1, State::Active, 255) }.frame();
    for step in 0..1_000 {
        lan.until(30_000 + step * 60);
        lan.hear(&frame);
    }
    assert_eq!(lan.counters(0).auth_type_mismatch, 1_000);
    let bad = lan.notices(0).into_iter().filter(|kind| matches!(kind, NoticeKind::BadAuthentication { .. }));
    assert_eq!(bad.count(), 2, "one each 30 s");
}

/// Who signs with the right key but names another sender's address.
#[test]
fn a_signature_is_bound_to_its_senders_address() {
    for variant in VARIANTS {
        let key = KeyBytes::new("geheim").unwrap();
        let authentication = HsrpAuthentication::Md5(key.clone());
        let mut lan = standby(HsrpSettings { authentication, ..settings(variant) });
        let honest = Says { proof: Proof::Md5(0, key), ..hello(variant, State::Active, 255) };
        let payload = honest.payload();
        let frame = Says { source: address(variant, 9), ..honest }.frame_around(&payload);
        assert_eq!(discarded(&mut lan, &frame), [("auth_failures", 1)]);
    }
}

/// One alarm that names the peer, however many groups there are.
#[test]
fn a_speaker_of_the_other_version_is_alarmed_once() {
    for (ours, theirs, version) in [(Variant::V2Ipv4, Variant::V1, 1), (Variant::V1, Variant::V2Ipv4, 2)] {
        let mut lan = standby(settings(ours));
        for group in [2, 3] {
            let addresses = vec![[192, 0, 2, 200].into()];
            lan.add(0, HsrpSettings { group, addresses, ..settings(ours) });
        }
        lan.forget();
        for group in [1, 2, 3, 77] {
            let frame = Says { group, ..hello(theirs, State::Active, 255) }.frame();
            assert_eq!(discarded(&mut lan, &frame), [("version_errors", 1)]);
        }
        let interface: &[u8] = if version == 1 {
            &[0, 3, 0, 1, 0, 14, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0]
        } else {
            &[2, 4, 0, 0, 0, 1]
        };
        lan.hear(&hello(theirs, State::Active, 255).frame_around(interface));
        let peer = address(ours, 3);
        assert_eq!(lan.notices(0), [NoticeKind::OtherVersion { peer, version }]);
        assert_eq!(lan.interface(0).hsrp_version_errors, 5);
    }
}

/// A broken ring: our own frames come back. Somebody else's with our address is said.
#[test]
fn own_frames_that_come_back_are_counted() {
    for variant in VARIANTS {
        let mut lan = Lan::with(2, settings(variant));
        lan.until(21_000);
        let frames = lan.frames(0);
        lan.forget();
        let is_message = |frame: &[u8]| super::describe::describe(frame, mac(2)).starts_with("Hello");
        for (_, frame) in frames.iter().filter(|(_, frame)| is_message(frame)) {
            assert_eq!(discarded(&mut lan, frame), [("looped", 1)]);
        }
        assert_eq!(lan.notices(0), []);
        let twin = Says { source: address(variant, 2), mac: mac(9), ..hello(variant, State::Active, 255) };
        assert_eq!(discarded(&mut lan, &twin.frame()), [("looped", 1)]);
        let (address, mac) = (address(variant, 2), mac(9));
        assert_eq!(lan.notices(0), [NoticeKind::DuplicateAddress { address, mac }]);
    }
}

/// Nobody sends from the virtual MAC but the Active router: one that we are not is somebody else.
#[test]
fn our_address_from_the_virtual_mac_is_a_duplicate_unless_we_are_active() {
    let mut lan = standby(settings(Variant::V1));
    let mac = fhrp::MacAddr([0, 0, 0x0c, 0x07, 0xac, 1]);
    let twin = Says { source: address(Variant::V1, 2), mac, ..hello(Variant::V1, State::Active, 255) };
    discarded(&mut lan, &twin.frame());
    assert!(matches!(lan.notices(0).as_slice(), [NoticeKind::DuplicateAddress { .. }]));
}

/// What is odd but counts: priority 300 is 255, priority 0 is heard.
#[test]
fn odd_priorities_are_clamped_and_counted() {
    for variant in [Variant::V2Ipv4, Variant::V2Ipv6] {
        let mut lan = Lan::with(2, settings(variant));
        let mut payload = hello(variant, State::Active, 200).payload();
        payload[14..18].copy_from_slice(&300_u32.to_be_bytes());
        lan.hear(&hello(variant, State::Active, 200).frame_around(&payload));
        assert_eq!((lan.status(0).active_priority, lan.counters(0).priority_errors), (Some(255), 1));
        lan.hear(&hello(variant, State::Active, 0).frame());
        assert_eq!((lan.status(0).active_priority, lan.counters(0).priority_errors), (Some(0), 1));
        assert_eq!((lan.state(0), lan.counters(0).hello_rcvd), (Listen, 2));
    }
}

#[test]
fn groups_that_are_not_configured_are_counted_on_the_interface() {
    for variant in VARIANTS {
        let mut lan = standby(settings(variant));
        let frame = Says { group: 9, ..hello(variant, State::Active, 255) }.frame();
        assert_eq!(discarded(&mut lan, &frame), []);
        assert_eq!((lan.interface(0).hsrp_group_errors, lan.notices(0)), (1, vec![]));
    }
}

/// The envelope: TTL as it may be, to the right group and port, untagged, with a right checksum.
#[test]
fn the_envelope_is_looked_at() {
    let mut lan = standby(settings(Variant::V1));
    let plain = hello(Variant::V1, State::Active, 201).frame().to_vec();
    let before = lan.counters(0).hello_rcvd;
    let with = |change: fn(&mut Vec<u8>)| {
        let mut frame = plain.clone();
        change(&mut frame);
        let sum: u32 = (14..34)
            .step_by(2)
            .filter(|at| *at != 24)
            .map(|at| u32::from(u16::from_be_bytes([frame[at], frame[at + 1]])))
            .sum();
        let folded = (sum & 0xffff) + (sum >> 16);
        frame[24..26]
            .copy_from_slice(&(!u16::try_from((folded & 0xffff) + (folded >> 16)).unwrap()).to_be_bytes());
        frame
    };
    for ttl in [with(|frame| frame[22] = 1), with(|frame| frame[22] = 2), with(|frame| frame[22] = 255)] {
        lan.hear(&ttl);
    }
    assert_eq!(lan.counters(0).hello_rcvd, before + 3, "never dropped for its TTL");
    lan.hear(&with(|frame| frame[40..42].fill(0)));
    assert_eq!(lan.counters(0).hello_rcvd, before + 4, "no UDP checksum over IPv4");
    lan.hear(&with(|frame| frame[40] ^= 1));
    assert_eq!(lan.interface(0).udp_errors, 1);
    lan.hear(&with(|frame| {
        frame[30..34].copy_from_slice(&[192, 0, 2, 2]);
        frame[40..42].fill(0);
    }));
    assert_eq!(lan.interface(0).destination_errors, 1, "never unicast");
    lan.hear(&[&plain[..12], &[0x81, 0, 0, 5], &plain[12..]].concat());
    assert_eq!(lan.interface(0).foreign_frames, 1, "of a VLAN");
    assert_eq!(lan.counters(0).hello_rcvd, before + 4);
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    fn octet(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }
}

/// Noise, and real messages with octets changed: no panic, no storm, and what is refused moves nothing.
#[test]
fn fifty_thousand_random_payloads() {
    let mut random = Random(1);
    for variant in VARIANTS {
        let key = HsrpAuthentication::Md5(KeyBytes::new("geheim").unwrap());
        let mut lan = standby(HsrpSettings { authentication: key, ..settings(variant) });
        let (before, heard) = (lan.status(0), lan.counters(0).hello_rcvd);
        let proof = Proof::Md5(0, KeyBytes::new("geheim").unwrap());
        let real = Says { proof, ..hello(variant, State::Active, 255) };
        for _ in 0..17_000 {
            let mut payload = real.payload().to_vec();
            if random.next().is_multiple_of(2) {
                let length = usize::from(random.octet());
                payload = (0..length).map(|_| random.octet()).collect();
            } else {
                let at = usize::from(random.octet()) % payload.len();
                payload[at] ^= random.octet() | 1;
            }
            lan.hear(&real.frame_around(&payload));
        }
        let after = lan.status(0);
        assert_eq!(
            (after.state, after.active, after.state_changes),
            (Standby, before.active, before.state_changes)
        );
        assert_eq!(after.peers, before.peers);
        assert_eq!((lan.counters(0).hello_rcvd, lan.sent().len()), (heard, 0));
        assert!(lan.log.len() < 8, "{:?}", lan.log.len());
    }
}

/// The same without authentication: any message may count, but nothing panics and answers stay bounded.
#[test]
fn random_messages_that_count_make_no_storm() {
    let mut random = Random(2);
    for variant in VARIANTS {
        let mut lan = Lan::with(
            2,
            HsrpSettings { authentication: HsrpAuthentication::None, preempt: true, ..settings(variant) },
        );
        let real = Says { proof: Proof::None, ..hello(variant, State::Active, 100) };
        for step in 0..10_000 {
            let mut payload = real.payload().to_vec();
            for _ in 0..=random.octet() % 3 {
                let at = usize::from(random.octet()) % payload.len();
                payload[at] = random.octet() % 20;
            }
            let source = address(variant, 3 + random.octet() % 4);
            lan.until(step * 10);
            lan.hear(&Says { source, ..real.clone() }.frame_around(&payload));
        }
        let status = lan.status(0);
        assert!(status.peers.len() <= 16);
        assert!(lan.sent().len() < 10_000, "{}", lan.sent().len());
        assert!(lan.hsrp(0).hello_time >= std::time::Duration::from_millis(15));
    }
}
