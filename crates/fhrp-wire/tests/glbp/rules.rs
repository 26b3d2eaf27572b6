//! Every rule on a received payload: what breaks it, and what just does not.

use fhrp_wire::glbp::{AuthData, Body, DecodeError, Forwarders, Opcode, Parsed, VgState, parse, peek_group};
use fhrp_wire::{Family, MacAddr};

use crate::common::{hex, ip};
use crate::{AVG, KEY_CHAIN, KEY_STRING, REQUEST, RESPONSE, TEXT, V6, announcement, hello, number, primary};

const HEADER: &str = "010000010000c2007cb80000";
const HELLO: &str = "011c002000c8000000000bb8000027100258384000000104c0a80001";
const FORWARDER: &str = "0214012000a764003840025800000007b4000101";

/// Offsets in [`AVG`].
const IN_HELLO: usize = 12;
const IN_FORWARDER: usize = 40;

fn v4(octets: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    parse(Family::V4, octets)
}

/// `packet` with other octets from `offset` on.
fn changed(packet: &str, offset: usize, octets: &str) -> Vec<u8> {
    let mut changed = hex(packet);
    let octets = hex(octets);
    changed[offset..offset + octets.len()].copy_from_slice(&octets);
    changed
}

/// The header and these TLVs.
fn with(tlvs: &[&str]) -> Vec<u8> {
    hex(&[&[HEADER], tlvs].concat().concat())
}

#[track_caller]
fn refused(cases: &[(Vec<u8>, DecodeError)]) {
    for (octets, error) in cases {
        assert_eq!(v4(octets), Err(*error), "{octets:02x?}");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn header() {
    for length in 0..12 {
        assert_eq!(v4(&hex(AVG)[..length]), Err(DecodeError::TooShort { actual: length }));
    }
    let owner = |octets: [u8; 6]| DecodeError::OwnerId(MacAddr(octets));
    refused(&[
        (changed(AVG, 0, "00"), DecodeError::Version(0)),
        (changed(AVG, 0, "02"), DecodeError::Version(2)),
        (changed(AVG, 1, "03"), DecodeError::Opcode(3)),
        (changed(AVG, 1, "ff"), DecodeError::Opcode(255)),
        (changed(AVG, 2, "0400"), DecodeError::Group(1024)),
        (changed(AVG, 2, "ffff"), DecodeError::Group(65_535)),
        (changed(AVG, 6, "000000000000"), owner([0; 6])),
        (changed(AVG, 6, "01005e000066"), owner([0x01, 0, 0x5e, 0, 0, 0x66])),
    ]);
    // What breaks a rule has a group none the less; the highest is legal.
    assert_eq!(peek_group(&changed(AVG, 0, "02")), Some(1));
    assert_eq!(peek_group(&hex("0100ffff")), Some(65_535));
    assert_eq!(peek_group(&hex("010000")), None);
    assert_eq!(v4(&changed(REQUEST, 2, "03ff")).unwrap().packet.group().get(), 1023);
}

#[test]
fn lengths_of_tlvs() {
    let past_end = |announced, left| DecodeError::TlvPastEnd { announced, left };
    refused(&[
        (with(&["0100"]), DecodeError::TlvLength(0)),
        (with(&["0501"]), DecodeError::TlvLength(1)),
        (with(&[HELLO, "7f00"]), DecodeError::TlvLength(0)),
        (with(&["01"]), past_end(2, 1)),
        (with(&["011c"]), past_end(28, 2)),
        (with(&[HELLO, "0214012000a7"]), past_end(20, 6)),
        (with(&[HELLO, "09ff00"]), past_end(255, 3)),
    ]);
}

#[test]
fn contents_of_a_hello() {
    let hello = |offset, octets| changed(AVG, IN_HELLO + offset, octets);
    let length = |actual| DecodeError::HelloLength { actual };
    refused(&[
        (with(&["0102"]), length(2)),
        (with(&["0117", &HELLO[4..46]]), length(23)),
        (with(&["011b", &HELLO[4..54]]), length(27)),
        (with(&["011d", &HELLO[4..], "00"]), length(29)),
        (hello(3, "00"), DecodeError::VgState(0)),
        (hello(3, "01"), DecodeError::VgState(1)),
        (hello(3, "02"), DecodeError::VgState(2)),
        (hello(3, "40"), DecodeError::VgState(0x40)),
        (hello(8, "00000000"), DecodeError::HelloTimeZero),
        (hello(12, "00000000"), DecodeError::HoldTime { hello: 3000, hold: 0 }),
        (hello(12, "00000bb8"), DecodeError::HoldTime { hello: 3000, hold: 3000 }),
        (hello(8, "ffffffff"), DecodeError::HoldTime { hello: u32::MAX, hold: 10_000 }),
        (hello(22, "00"), DecodeError::AddressType(0)),
        (hello(22, "03"), DecodeError::AddressType(3)),
        (hello(23, "10"), DecodeError::AddressLength { family: Family::V4, actual: 16 }),
        (hello(22, "0204"), DecodeError::AddressLength { family: Family::V6, actual: 4 }),
        (hello(22, "0210"), DecodeError::AddressFamily(Family::V6)),
        (hello(24, "00000000"), DecodeError::VirtualAddress(ip("0.0.0.0"))),
        (hello(24, "e0000001"), DecodeError::VirtualAddress(ip("224.0.0.1"))),
        (hello(24, "7f000001"), DecodeError::VirtualAddress(ip("127.0.0.1"))),
        (hello(24, "ffffffff"), DecodeError::VirtualAddress(ip("255.255.255.255"))),
    ]);
    let octets = hello(12, "00000bb9");
    assert!(v4(&octets).is_ok(), "one millisecond longer than the hello time");
}

#[test]
fn the_family_is_that_of_the_ip_header() {
    assert_eq!(parse(Family::V6, &hex(AVG)), Err(DecodeError::AddressFamily(Family::V4)));
    assert_eq!(v4(&hex(V6)), Err(DecodeError::AddressFamily(Family::V6)));
    let octets = changed(V6, 92, "ff020000000000000000000000000001");
    let multicast = DecodeError::VirtualAddress(ip("ff02::1"));
    assert_eq!(parse(Family::V6, &octets), Err(multicast));
    // Cut to the length of an IPv4 hello.
    let cut = hex("0100002e0000aabbcc000a00011c00200064000000000bb8000027100258384000000210fe800000");
    assert_eq!(parse(Family::V6, &cut), Err(DecodeError::HelloLength { actual: 28 }));
    // Requests and responses are the same for both.
    assert!(parse(Family::V6, &hex(REQUEST)).is_ok());
}

#[test]
fn contents_of_a_forwarder() {
    let forwarder = |offset, octets| changed(AVG, IN_FORWARDER + offset, octets);
    let length = |actual| DecodeError::ForwarderLength { actual };
    let mac = |octets: [u8; 6]| DecodeError::ForwarderMac { number: number(1), mac: MacAddr(octets) };
    refused(&[
        (with(&["0202"]), length(2)),
        (with(&["0213", &FORWARDER[4..38]]), length(19)),
        (with(&["0215", &FORWARDER[4..], "00"]), length(21)),
        (forwarder(2, "00"), DecodeError::ForwarderNumber(0)),
        (forwarder(2, "05"), DecodeError::ForwarderNumber(5)),
        (with(&["0214010800a764003840025800000007b4000101"]), DecodeError::VfState(8)),
        (forwarder(14, "0007b4000102"), mac([0, 7, 0xb4, 0, 1, 2])),
        (forwarder(14, "0007b4000201"), mac([0, 7, 0xb4, 0, 2, 1])),
        (forwarder(14, "000000000000"), mac([0; 6])),
        (forwarder(14, "020000000001"), mac([2, 0, 0, 0, 0, 1])),
        (with(&[HELLO, FORWARDER, FORWARDER]), DecodeError::DuplicateForwarder(number(1))),
        (
            with(&[
                FORWARDER,
                "0214022000a764003840025800000007b4000102",
                "0214032000a764003840025800000007b4000103",
                "0214042000a764003840025800000007b4000104",
                "0214052000a764003840025800000007b4000105",
            ]),
            DecodeError::ForwarderNumber(5),
        ),
    ]);
}

/// What is not understood of one forwarder takes nothing away from the rest.
#[test]
fn a_forwarder_in_an_unknown_state_is_skipped() {
    for state in ["00", "02", "08"] {
        let octets = changed(AVG, IN_FORWARDER + 3, state);
        let parsed = v4(&octets).unwrap();
        let Body::Announcement { hello: Some(hello), forwarders } = parsed.packet.body() else { panic!() };
        assert_eq!((hello.state(), forwarders.len(), parsed.skipped_forwarders), (VgState::Active, 0, 1));
    }
    let octets = with(&["0214020800a764003840025800000007b4000102", FORWARDER]);
    let parsed = v4(&octets).unwrap();
    let Body::Announcement { hello: None, forwarders } = parsed.packet.body() else { panic!() };
    assert_eq!((forwarders.iter().next().unwrap().number, parsed.skipped_forwarders), (number(1), 1));
}

#[test]
fn authentication() {
    let layout = |auth_type, actual| DecodeError::AuthLayout { auth_type, actual };
    refused(&[
        (with(&["0302"]), layout(None, 2)),
        (with(&["030301"]), layout(None, 3)),
        (changed(TEXT, 15, "05"), layout(Some(1), 10)),
        (changed(TEXT, 15, "07"), layout(Some(1), 10)),
        (changed(KEY_STRING, 15, "14"), layout(Some(2), 20)),
        (changed(KEY_CHAIN, 15, "10"), layout(Some(3), 24)),
        // The right length for the other type.
        (changed(KEY_STRING, 14, "03"), layout(Some(3), 20)),
        (changed(KEY_CHAIN, 14, "02"), layout(Some(2), 24)),
        (with(&["03060302", "0000", HELLO]), layout(Some(3), 6)),
        (with(&["03060002", "0000", HELLO]), layout(Some(0), 6)),
        (with(&["03060402", "0000", HELLO]), DecodeError::AuthType(4)),
        (with(&["0306ff02", "0000", HELLO]), DecodeError::AuthType(255)),
    ]);
    // Type 0 says what no TLV says.
    assert_eq!(v4(&with(&["03040000", HELLO])), v4(&with(&[HELLO])));
}

#[test]
fn nonces() {
    let length = |count, actual| DecodeError::NonceLength { count, actual };
    refused(&[
        (with(&["0402", HELLO]), length(0, 2)),
        (with(&["0407000000000000", HELLO]), length(0, 7)),
        (with(&["0408010000000000", HELLO]), length(1, 8)),
        (with(&["040900000000000000", HELLO]), length(0, 9)),
        (changed(KEY_CHAIN, 38, "00"), length(0, 20)),
        (changed(KEY_CHAIN, 38, "02"), length(2, 20)),
        (changed(KEY_CHAIN, 38, "ff"), length(255, 20)),
    ]);
    // Without a digest they prove nothing and are left out.
    assert_eq!(v4(&with(&["0408000700000001", HELLO])).unwrap().auth, AuthData::None);
    // A digest without them is possible.
    let octets = with(&[&KEY_STRING[24..64], HELLO]);
    assert!(matches!(v4(&octets).unwrap().auth, AuthData::Md5 { nonces: None, .. }));
}

#[test]
fn once_only() {
    refused(&[
        (with(&[HELLO, HELLO]), DecodeError::DuplicateTlv(1)),
        (with(&["03040000", "03040000", HELLO]), DecodeError::DuplicateTlv(3)),
        (with(&["0408000700000001", "0408000700000001", HELLO]), DecodeError::DuplicateTlv(4)),
    ]);
}

#[test]
fn requests_and_responses() {
    let count = |actual| DecodeError::ForwarderCount { actual };
    let zeros = "0214000000000000000000000000000000000000";
    let second = "02140200000000000000000000000007b4000102";
    let request = |tlvs: &[&str]| hex(&format!("010100010000c2027cca0000{}", tlvs.concat()));
    let response = |tlvs: &[&str]| hex(&format!("010200010000c2027cca0000{}", tlvs.concat()));
    refused(&[
        (request(&[]), count(0)),
        (request(&[HELLO]), count(0)),
        (request(&[zeros, zeros]), count(2)),
        (request(&[second]), DecodeError::ForwarderNumber(2)),
        (request(&["0202"]), DecodeError::ForwarderLength { actual: 2 }),
        (response(&[]), count(0)),
        (response(&[second, second]), count(2)),
        (response(&[zeros]), DecodeError::ForwarderNumber(0)),
        (
            changed(RESPONSE, 26, "0007b4000103"),
            DecodeError::ForwarderMac { number: number(2), mac: MacAddr([0, 7, 0xb4, 0, 1, 3]) },
        ),
    ]);
    // A hello is checked and not kept; states are not read.
    assert_eq!(v4(&request(&[HELLO, zeros])).unwrap().packet.opcode(), Opcode::Request);
    let octets = changed(RESPONSE, 15, "55");
    assert_eq!(v4(&octets).unwrap().packet.body(), &Body::Response(number(2)));
}

#[test]
fn announcements_that_say_nothing() {
    refused(&[
        (with(&[]), DecodeError::Empty),
        (with(&["03040000", "0408000700000001"]), DecodeError::Empty),
        (with(&["0902"]), DecodeError::Empty),
    ]);
}

/// An unknown TLV anywhere, in any number, of any length.
#[test]
fn unknown_tlvs_are_skipped() {
    let longest = format!("feff{}", "01".repeat(253));
    let octets = with(&["0002", HELLO, "05030a", &longest, FORWARDER, "ff021002"]);
    assert_eq!(v4(&octets).unwrap(), v4(&hex(AVG)).unwrap());
}

#[test]
fn the_order_of_tlvs_is_free() {
    let fourth = "0214042000a764003840025800000007b4000104";
    let octets = with(&[fourth, FORWARDER, HELLO]);
    let expected = announcement(Some(hello(VgState::Active, 200, "192.168.0.1")), &[primary(1), primary(4)]);
    assert_eq!(v4(&octets).unwrap().packet, expected);
    let Body::Announcement { forwarders, .. } = expected.body() else { panic!("{expected:?}") };
    assert_eq!(forwarders.iter().map(|one| one.number.get()).collect::<Vec<_>>(), [1, 4]);
    assert_eq!((forwarders.len(), Forwarders::default().is_empty()), (2, true));
}

/// Header 4, hello 2, 4, 6 and 20, forwarder 4, 7 and 12: releases send uninitialised memory in some of them.
#[test]
fn reserved_fields_are_not_read() {
    let mut octets = hex(AVG);
    for reserved in [4, 5, 14, 16, 18, 19, 32, 33, 44, 47, 52, 53] {
        octets[reserved] = 0xa5;
    }
    assert_eq!(v4(&octets), v4(&hex(AVG)));
}

/// The text of [`TEXT`] begins at octet 16.
#[test]
fn texts_are_equal_only_if_all_octets_are() {
    let known = hex(TEXT);
    let known = v4(&known).unwrap().auth;
    assert_eq!(v4(&hex(TEXT)).unwrap().auth, known);
    assert_ne!(v4(&changed(TEXT, 21, "6e")).unwrap().auth, known, "gehein");
}
