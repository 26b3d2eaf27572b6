//! Every rule on a received payload: what breaks it, and that nothing else does.

use std::time::Duration;

use fhrp_wire::hsrp::{DecodeError, Group, Parsed, TimersSeen, Variant, parse, peek_group};

use crate::common::hex;
use crate::{V1_ADVERTISE, V1_MD5, V1_TEXT, V2_INTERFACE_STATE, V2_MD5, V2_TEXT, V6_MD5, message, packets};

/// The literal with some octets replaced.
fn changed(packet: &str, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = hex(packet);
    for (index, octet) in changes {
        octets[*index] = *octet;
    }
    octets
}

#[track_caller]
fn refused(variant: Variant, octets: &[u8], error: DecodeError) {
    assert_eq!(parse(variant, octets).map(|_| ()), Err(error));
}

#[test]
fn fewer_octets_than_a_message_of_version_1() {
    for packet in [V1_TEXT, V1_ADVERTISE] {
        let octets = hex(packet);
        for actual in 0..octets.len() {
            refused(Variant::V1, &octets[..actual], DecodeError::TooShort { actual });
        }
    }
}

#[test]
fn versions() {
    for version in 1..=255 {
        refused(Variant::V1, &changed(V1_TEXT, &[(0, version)]), DecodeError::Version(version));
    }
    for version in (0..=255).filter(|version| *version != 2) {
        refused(Variant::V2Ipv4, &changed(V2_TEXT, &[(2, version)]), DecodeError::Version(version));
    }
    // Version 2 sent to the group of version 1, and the reverse: two TLVs of no length and no known type.
    refused(Variant::V1, &hex(V2_TEXT), DecodeError::Version(1));
    refused(Variant::V2Ipv4, &[0; 4], DecodeError::NoState);
}

#[test]
fn opcodes() {
    for opcode in 4..=255 {
        refused(Variant::V1, &changed(V1_TEXT, &[(1, opcode)]), DecodeError::Opcode(opcode));
    }
    for opcode in 3..=255 {
        refused(Variant::V2Ipv4, &changed(V2_TEXT, &[(3, opcode)]), DecodeError::Opcode(opcode));
    }
}

#[test]
fn states() {
    for state in (0..=255).filter(|state| ![0, 1, 2, 4, 8, 16].contains(state)) {
        refused(Variant::V1, &changed(V1_TEXT, &[(2, state)]), DecodeError::State(state));
    }
    for state in 7..=255 {
        refused(Variant::V2Ipv4, &changed(V2_TEXT, &[(4, state)]), DecodeError::State(state));
    }
}

#[test]
fn advertisements() {
    refused(Variant::V1, &changed(V1_ADVERTISE, &[(3, 2)]), DecodeError::AdvertiseType(2));
    refused(Variant::V1, &changed(V1_ADVERTISE, &[(5, 15)]), DecodeError::AdvertiseLength(15));
    for state in (0..=255).filter(|state| ![1, 2, 3].contains(state)) {
        refused(Variant::V1, &changed(V1_ADVERTISE, &[(6, state)]), DecodeError::InterfaceState(state));
    }
}

#[test]
fn messages_that_end_inside_a_tlv() {
    for (variant, packet, whole) in [
        (Variant::V1, V1_MD5, &[20][..]),
        (Variant::V2Ipv4, V2_TEXT, &[0, 42]),
        (Variant::V2Ipv4, V2_INTERFACE_STATE, &[0]),
        (Variant::V2Ipv6, V6_MD5, &[0, 42]),
    ] {
        let octets = hex(packet);
        let start = if variant == Variant::V1 { 20 } else { 0 };
        for length in (start..octets.len()).filter(|length| !whole.contains(length)) {
            refused(variant, &octets[..length], DecodeError::TlvTooShort);
        }
    }
}

#[test]
fn lengths_of_known_tlvs() {
    let error = |kind, length| DecodeError::TlvLength { kind, length };
    // One octet more, and there is one; one octet less, and the rest begins another TLV that is not reached.
    for (kind, start, length, packet) in
        [(1, 0, 40, V2_TEXT), (3, 42, 8, V2_TEXT), (4, 42, 28, V2_MD5), (2, 0, 4, V2_INTERFACE_STATE)]
    {
        let mut longer = changed(packet, &[(start + 1, length + 1)]);
        longer.push(0);
        refused(Variant::V2Ipv4, &longer, error(kind, length + 1));
        refused(Variant::V2Ipv4, &changed(packet, &[(start + 1, length - 1)]), error(kind, length - 1));
    }
    refused(Variant::V1, &changed(V1_MD5, &[(21, 27)]), error(4, 27));
}

#[test]
fn tlvs_come_once() {
    let (text, md5) = (hex(V2_TEXT), hex(V2_MD5));
    let (group, text_auth, md5_auth) = (&text[..42], &text[42..], &md5[42..]);
    let interface = hex(V2_INTERFACE_STATE);
    for (kind, parts) in [
        (1, [group, group]),
        (2, [&interface, &interface]),
        (3, [text_auth, text_auth]),
        (4, [md5_auth, md5_auth]),
    ] {
        refused(Variant::V2Ipv4, &parts.concat(), DecodeError::TlvRepeated(kind));
    }
    let v1 = [&hex(V1_MD5)[..], md5_auth].concat();
    refused(Variant::V1, &v1, DecodeError::TlvRepeated(4));
    for parts in [[group, text_auth, md5_auth], [group, md5_auth, text_auth]] {
        refused(Variant::V2Ipv4, &parts.concat(), DecodeError::TwoAuthentications);
    }
}

/// Version 1 knows no TLV but the MD5 block: others are skipped whatever their length.
#[test]
fn version_1_has_one_tlv() {
    let octets = [&hex(V1_TEXT)[..], &hex("0101aa 020100 0300")].concat();
    assert!(message(Variant::V1, &octets).is_ok());
}

#[test]
fn shape_of_the_md5_block() {
    for (variant, packet, start) in [(Variant::V1, V1_MD5, 20), (Variant::V2Ipv4, V2_MD5, 42)] {
        for index in 2..6 {
            let octets = changed(packet, &[(start + index, 0x80)]);
            refused(variant, &octets, DecodeError::Md5Block);
        }
    }
}

#[test]
fn version_2_needs_a_state() {
    for octets in ["", "0308636973636f000000", "7f00"] {
        refused(Variant::V2Ipv4, &hex(octets), DecodeError::NoState);
    }
}

#[test]
fn ip_versions() {
    for version in (0..=255).filter(|version| *version != 4) {
        refused(Variant::V2Ipv4, &changed(V2_TEXT, &[(5, version)]), DecodeError::IpVersion(version));
    }
    refused(Variant::V2Ipv6, &hex(V2_TEXT), DecodeError::IpVersion(4));
    refused(Variant::V2Ipv4, &hex(V6_MD5), DecodeError::IpVersion(6));
}

#[test]
fn groups() {
    assert!(parse(Variant::V2Ipv4, &changed(V2_TEXT, &[(6, 0x0f), (7, 0xff)])).is_ok());
    refused(Variant::V2Ipv4, &changed(V2_TEXT, &[(6, 0x10), (7, 0)]), DecodeError::Group(4096));
}

/// A packet that breaks two rules is counted by the first.
#[test]
fn the_first_broken_rule_decides() {
    refused(Variant::V1, &[9, 9], DecodeError::Version(9));
    refused(Variant::V1, &[0, 9], DecodeError::Opcode(9));
    refused(Variant::V1, &changed(V1_TEXT, &[(0, 9), (1, 9), (2, 9)]), DecodeError::Version(9));
    refused(Variant::V1, &changed(V1_TEXT, &[(1, 9), (2, 9)]), DecodeError::Opcode(9));
    refused(Variant::V1, &changed(V1_MD5, &[(2, 9), (21, 27)]), DecodeError::State(9));
    let all = [(2, 9), (3, 9), (4, 9), (5, 9), (6, 0x99)];
    for (first, error) in [
        (0, DecodeError::Version(9)),
        (1, DecodeError::Opcode(9)),
        (2, DecodeError::State(9)),
        (3, DecodeError::IpVersion(9)),
        (4, DecodeError::Group(0x9998)),
    ] {
        refused(Variant::V2Ipv4, &changed(V2_TEXT, &all[first..]), error);
    }
    let octets = changed(V2_TEXT, &[(2, 9), (43, 7)]);
    refused(Variant::V2Ipv4, &octets, DecodeError::TlvLength { kind: 3, length: 7 });
}

/// A hold time that is not longer is three hello times; without a hello time there are none.
#[test]
fn timers_that_make_no_sense() {
    let seen = |variant, octets: &[u8]| {
        let received = message(variant, octets).unwrap();
        let timers = received.message().timers();
        (received.remarks().timers, timers.map(|timers| (timers.hello(), timers.hold())))
    };
    let seconds = |hello, hold| Some((Duration::from_secs(hello), Duration::from_secs(hold)));
    let v1 = |hello, hold| seen(Variant::V1, &changed(V1_TEXT, &[(3, hello), (4, hold)]));
    assert_eq!(v1(3, 4), (TimersSeen::AsSent, seconds(3, 4)));
    assert_eq!(v1(3, 3), (TimersSeen::HoldTooShort, seconds(3, 9)));
    assert_eq!(v1(3, 0), (TimersSeen::HoldTooShort, seconds(3, 9)));
    assert_eq!(v1(255, 254), (TimersSeen::HoldTooShort, seconds(255, 765)));
    assert_eq!(v1(0, 0), (TimersSeen::HelloZero, None));
    assert_eq!(v1(0, 10), (TimersSeen::HelloZero, None));

    let hello = [(20, 0), (21, 0)];
    // 3000 ms is bb8.
    let short = changed(V2_TEXT, &[(24, 0x0b), (25, 0xb8)]);
    assert_eq!(seen(Variant::V2Ipv4, &short), (TimersSeen::HoldTooShort, seconds(3, 9)));
    assert_eq!(seen(Variant::V2Ipv4, &changed(V2_TEXT, &hello)), (TimersSeen::HelloZero, None));
    let longest = changed(V2_TEXT, &[(18, 255), (19, 255), (20, 255), (21, 255)]);
    let millis = Duration::from_millis(u64::from(u32::MAX));
    assert_eq!(seen(Variant::V2Ipv4, &longest), (TimersSeen::HoldTooShort, Some((millis, millis))));
}

#[test]
fn priorities_above_255_are_clamped() {
    let seen = |changes: &[(usize, u8)]| {
        let octets = changed(V2_TEXT, changes);
        let received = message(Variant::V2Ipv4, &octets).unwrap();
        (received.message().priority(), received.remarks().clamped_priority)
    };
    assert_eq!(seen(&[]), (90, None));
    assert_eq!(seen(&[(17, 255)]), (255, None));
    assert_eq!(seen(&[(16, 1), (17, 0)]), (255, Some(256)));
    assert_eq!(seen(&[(14, 255)]), (255, Some(0xff00_005a)));
}

/// Reserved octets, and what some routers leave uninitialised.
#[test]
fn reserved_octets_are_ignored() {
    let octets = hex(V1_TEXT);
    let reserved = changed(V1_TEXT, &[(7, 0xff)]);
    assert_eq!(parse(Variant::V1, &reserved), parse(Variant::V1, &octets));
    let octets = hex(V1_ADVERTISE);
    let reserved = changed(V1_ADVERTISE, &[(7, 0xff), (12, 0xab), (13, 0xcd)]);
    assert_eq!(parse(Variant::V1, &reserved), parse(Variant::V1, &octets));
    let octets = hex(V2_TEXT);
    let padding: Vec<_> = (30..42).map(|index| (index, 0xee)).collect();
    assert_eq!(parse(Variant::V2Ipv4, &changed(V2_TEXT, &padding)), parse(Variant::V2Ipv4, &octets));
}

#[test]
fn peeking_finds_the_group() {
    for (variant, octets, _) in packets() {
        let group = match parse(variant, &octets).unwrap() {
            Parsed::Message(received) => Some(received.message().group()),
            Parsed::InterfaceState(_) => None,
        };
        assert_eq!(peek_group(variant, &octets), group);
    }
}

#[test]
fn peeking_needs_no_valid_packet() {
    let group = |variant, number| Group::new(variant, number);
    assert_eq!(peek_group(Variant::V1, &[0, 99, 99, 0, 0, 0, 7]), group(Variant::V1, 7));
    assert_eq!(peek_group(Variant::V1, &[0, 99, 99, 0, 0, 0]), None);
    assert_eq!(peek_group(Variant::V1, &[1, 0, 0, 0, 0, 0, 7]), None, "not this version");
    assert_eq!(peek_group(Variant::V1, &[]), None);
    let v2 = |octets: &str| peek_group(Variant::V2Ipv4, &hex(octets));
    assert_eq!(v2("0106 99999999 0007"), group(Variant::V2Ipv4, 7));
    assert_eq!(v2("0300 0106 99999999 0007"), group(Variant::V2Ipv4, 7));
    assert_eq!(v2("0106 99999999 1000"), None, "above 4095");
    assert_eq!(v2("0105 99999999 00"), None);
    assert_eq!(v2("0107 99999999 0007"), None, "ends inside the TLV");
    assert_eq!(v2(""), None);
}
