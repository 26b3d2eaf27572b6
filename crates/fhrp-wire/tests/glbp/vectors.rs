//! Known octets, both ways.

use std::net::IpAddr;

use bytes::BytesMut;
use fhrp_wire::glbp::{
    AuthData, AuthText, Body, Credentials, FamilyMismatch, Forwarder, ForwarderPriority, Forwarders,
    InvalidPacket, KeyBytes, Milliseconds, Nonce, NonceSequence, Nonces, Opcode, Packet, PeerNonce, Peers,
    Seconds, Timers, VfState, VgState, parse, peek_group, virtual_link_local,
};
use fhrp_wire::{Family, MacAddr};

use crate::common::{hex, ip};
use crate::{
    AVG, KEY_CHAIN, KEY_STRING, OWNER, REQUEST, RESPONSE, TEXT, V6, announcement, group, hello, number,
    primary,
};

/// `octets` from `source` read as `value`, and `value` is written as `octets`.
#[track_caller]
fn both_ways(octets: &str, value: &Packet, credentials: &Credentials<'_>, source: IpAddr) {
    let octets = hex(octets);
    assert_eq!(&parse(Family::of(&source), &octets).unwrap().packet, value);
    let mut out = BytesMut::with_capacity(500);
    out.extend_from_slice(b"before");
    let before = (out.as_ptr(), out.capacity());
    value.emit(&mut out, credentials, source).unwrap();
    assert_eq!(&out[6..], octets);
    assert_eq!(value.wire_octets(credentials), octets.len());
    assert_eq!((out.as_ptr(), out.capacity()), before, "nothing was allocated");
}

#[test]
fn avg_with_its_own_forwarder() {
    let value = announcement(Some(hello(VgState::Active, 200, "192.168.0.1")), &[primary(1)]);
    both_ways(AVG, &value, &Credentials::None, ip("192.168.0.10"));
    assert_eq!(value.opcode(), Opcode::Announcement);
    assert_eq!((value.group(), value.owner()), (group(1), OWNER));
    assert_eq!(value.family(), Some(Family::V4));
    assert_eq!(peek_group(&hex(AVG)), Some(1));
}

/// What is sent when a forwarder becomes active.
#[test]
fn forwarder_alone() {
    let value = announcement(None, &[primary(1)]);
    let octets = "010000010000c2007cb800000214012000a764003840025800000007b4000101";
    both_ways(octets, &value, &Credentials::None, ip("192.168.0.10"));
    assert_eq!(value.family(), None);
}

#[test]
fn every_state_of_a_gateway() {
    for (state, octet) in
        [(VgState::Listen, "04"), (VgState::Speak, "08"), (VgState::Standby, "10"), (VgState::Active, "20")]
    {
        let octets =
            format!("010000010000c2007cb80000011c00{octet}0064000000000bb8000027100258384000000104c0a80001");
        let value = announcement(Some(hello(state, 100, "192.168.0.1")), &[]);
        both_ways(&octets, &value, &Credentials::None, ip("192.168.0.10"));
    }
}

#[test]
fn a_hello_says_what_it_was_made_of() {
    let octets = hex(AVG);
    let parsed = parse(Family::V4, &octets).unwrap().packet;
    let Body::Announcement { hello: Some(read), .. } = *parsed.body() else { panic!("a hello") };
    for said in [read, hello(VgState::Active, 200, "192.168.0.1")] {
        assert_eq!((said.state(), said.priority(), said.is_resigning()), (VgState::Active, 200, false));
        assert_eq!((said.address(), said.family()), (ip("192.168.0.1"), Family::V4));
        let timers = said.timers();
        assert_eq!((timers.hello().get(), timers.hold().get()), (3000, 10_000));
        assert_eq!((timers.redirect().get(), timers.timeout().get()), (600, 14_400));
    }
}

#[test]
fn resigning() {
    let hello = hello(VgState::Active, 0, "192.168.0.1");
    assert!(hello.is_resigning());
    let octets = "010000010000c2007cb80000011c00200000000000000bb8000027100258384000000104c0a80001";
    both_ways(octets, &announcement(Some(hello), &[]), &Credentials::None, ip("192.168.0.10"));
    let forwarder = Forwarder { priority: ForwarderPriority::PRIMARY_RESIGNING, ..primary(4) };
    let octets = "010000010000c2007cb800000214042000a064003840025800000007b4000104";
    both_ways(octets, &announcement(None, &[forwarder]), &Credentials::None, ip("192.168.0.10"));
}

/// A secondary tells what is left of the timers; the order is that of the numbers, whatever the list's.
#[test]
fn two_forwarders() {
    let secondary = Forwarder {
        number: number(3),
        state: VfState::Listen,
        priority: ForwarderPriority::SECONDARY,
        weight: 90,
        timeout_left: Seconds::new(14_360),
        redirect_left: Seconds::new(560),
    };
    let octets = "010000010000c2007cb80000\
        0214012000a764003840025800000007b4000101\
        0214030400875a003818023000000007b4000103";
    let value = announcement(None, &[secondary, primary(1)]);
    both_ways(octets, &value, &Credentials::None, ip("192.168.0.10"));
}

#[test]
fn request_and_response() {
    let requester = MacAddr([0xc2, 0x02, 0x7c, 0xca, 0x00, 0x00]);
    let request = Packet::new(group(1), requester, Body::Request).unwrap();
    both_ways(REQUEST, &request, &Credentials::None, ip("192.168.0.30"));
    let response = Packet::new(group(1), OWNER, Body::Response(number(2))).unwrap();
    both_ways(RESPONSE, &response, &Credentials::None, ip("192.168.0.10"));
}

#[test]
fn text() {
    let text = AuthText::new("geheim").unwrap();
    let value = announcement(Some(hello(VgState::Active, 200, "192.168.0.1")), &[]);
    both_ways(TEXT, &value, &Credentials::Text(&text), ip("192.168.0.10"));

    let octets = hex(TEXT);
    let parsed = parse(Family::V4, &octets).unwrap();
    assert!(parsed.verify_text(&text));
    for wrong in ["geheil", "gehei", "geheimm", "Geheim"] {
        assert!(!parsed.verify_text(&AuthText::new(wrong).unwrap()), "{wrong}");
    }
    assert!(!parsed.verify_md5(&KeyBytes::new("geheim").unwrap(), ip("192.168.0.10")));
    assert!(!parse(Family::V4, &hex(AVG)).unwrap().verify_text(&text));
    assert!(!parse(Family::V4, &hex(KEY_STRING)).unwrap().verify_text(&text));
}

/// Whether routers pad the text is not known, so zeros at its end do not count; a text of nothing but zeros
/// is nobody's.
#[test]
fn padded_text() {
    let text = AuthText::new("geheim").unwrap();
    let octets = hex("010000010000c2007cb80000030c010867656865696d0000\
        011c002000c8000000000bb8000027100258384000000104c0a80001");
    assert!(parse(Family::V4, &octets).unwrap().verify_text(&text));
    let octets = hex("010000010000c2007cb80000030801040000000002140120\
        00a764003840025800000007b4000101");
    assert!(!parse(Family::V4, &octets).unwrap().verify_text(&text));
}

/// Captured with uninitialised memory in it, which the digest covers and the values leave out.
#[test]
fn key_chain() {
    let octets = hex(KEY_CHAIN);
    let parsed = parse(Family::V4, &octets).unwrap();
    let key = KeyBytes::new("password12345").unwrap();
    assert!(parsed.verify_md5(&key, ip("10.1.2.2")));
    assert!(!parsed.verify_md5(&KeyBytes::new("password1234").unwrap(), ip("10.1.2.2")));
    assert!(!parsed.verify_md5(&key, ip("10.1.2.3")), "somebody else's packet");

    let AuthData::Md5 { key_id, nonces, .. } = parsed.auth else { panic!("{parsed:?}") };
    let peers = [PeerNonce { owner: MacAddr([0xaa, 0xbb, 0xcc, 0, 0x14, 0]), nonce: Nonce(0x5e96_903f) }];
    let expected =
        Nonces { sequence: NonceSequence(0x3d), own: Nonce(0xf1c8_bea4), peers: Peers::new(&peers).unwrap() };
    assert_eq!((key_id, nonces), (Some(1), Some(expected)));
    assert_eq!(expected.peers.nonce_of(peers[0].owner), Some(peers[0].nonce));

    let owner = MacAddr([0xaa, 0xbb, 0xcc, 0, 0x0a, 0]);
    let hello = Some(hello(VgState::Active, 130, "10.1.2.1"));
    let forwarders = Forwarders::new(&[primary(1)]).unwrap();
    let value = Packet::new(group(1), owner, Body::Announcement { hello, forwarders }).unwrap();
    assert_eq!(parsed.packet, value);
}

#[test]
fn key_string() {
    let key = KeyBytes::new("geheim").unwrap();
    let nonces = Nonces { sequence: NonceSequence(7), own: Nonce(1), peers: Peers::new(&[]).unwrap() };
    let credentials = Credentials::Md5 { key: &key, key_id: None, nonces };
    let value = announcement(Some(hello(VgState::Active, 200, "192.168.0.1")), &[]);
    both_ways(KEY_STRING, &value, &credentials, ip("192.168.0.10"));

    let octets = hex(KEY_STRING);
    let parsed = parse(Family::V4, &octets).unwrap();
    assert!(parsed.verify_md5(&key, ip("192.168.0.10")));
    assert!(!parsed.verify_md5(&key, ip("192.168.0.11")));
    assert!(matches!(parsed.auth, AuthData::Md5 { key_id: None, nonces: Some(read), .. } if read == nonces));
}

#[test]
fn ipv6_with_a_key_chain() {
    let key = KeyBytes::new("geheim").unwrap();
    let peer = |last, nonce| PeerNonce { owner: MacAddr([2, 0, 0, 0, 0, last]), nonce: Nonce(nonce) };
    let peers = [peer(1, 0x1111_1111), peer(2, 0x2222_2222)];
    let nonces =
        Nonces { sequence: NonceSequence(5), own: Nonce(0xdead_beef), peers: Peers::new(&peers).unwrap() };
    let credentials = Credentials::Md5 { key: &key, key_id: Some(7), nonces };
    let address = virtual_link_local(group(46)).to_string();
    let body = Body::Announcement {
        hello: Some(hello(VgState::Active, 100, &address)),
        forwarders: Forwarders::new(&[primary(1)]).unwrap(),
    };
    let value = Packet::new(group(46), MacAddr([0xaa, 0xbb, 0xcc, 0, 0x0a, 0]), body).unwrap();
    both_ways(V6, &value, &credentials, ip("fe80::1"));
    assert_eq!(value.family(), Some(Family::V6));

    let octets = hex(V6);
    let parsed = parse(Family::V6, &octets).unwrap();
    assert!(parsed.verify_md5(&key, ip("fe80::1")));
    assert!(!parsed.verify_md5(&key, ip("fe80::2")), "the last octet counts, too");
    assert!(!parsed.verify_md5(&key, ip("10.1.2.2")));
}

/// Twenty peers, four forwarders, a key id: 404 octets.
#[test]
fn the_longest_packet() {
    let key = KeyBytes::new("geheim").unwrap();
    let peers = [PeerNonce { owner: OWNER, nonce: Nonce(1) }; Peers::MAX];
    let nonces = Nonces { sequence: NonceSequence(255), own: Nonce(2), peers: Peers::new(&peers).unwrap() };
    let credentials = Credentials::Md5 { key: &key, key_id: Some(u32::MAX), nonces };
    let value = announcement(
        Some(hello(VgState::Active, 255, "fe80::7:b4ff:fe00:100")),
        &[primary(1), primary(2), primary(3), primary(4)],
    );
    let mut out = BytesMut::new();
    value.emit(&mut out, &credentials, ip("fe80::1")).unwrap();
    assert_eq!((out.len(), value.wire_octets(&credentials)), (404, 404));
    let parsed = parse(Family::V6, &out).unwrap();
    assert_eq!(parsed.packet, value);
    assert!(parsed.verify_md5(&key, ip("fe80::1")));
    assert!(matches!(parsed.auth, AuthData::Md5 { nonces: Some(read), .. } if read == nonces));
}

#[test]
fn parts_that_make_no_packet_are_refused() {
    let milliseconds = |value| Milliseconds::new(value).unwrap();
    let timers = |hold| Timers::new(milliseconds(3000), milliseconds(hold), Seconds::ZERO, Seconds::new(1));
    assert_eq!(timers(3000), Err(InvalidPacket::HoldTime { hello: 3000, hold: 3000 }));
    assert!(timers(3001).is_ok());
    let legal = hello(VgState::Listen, 100, "192.168.0.1");
    for address in ["0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::", "::1", "ff02::1"] {
        let made = fhrp_wire::glbp::Hello::new(VgState::Listen, 100, legal.timers(), ip(address));
        assert_eq!(made, Err(InvalidPacket::VirtualAddress(ip(address))));
    }
    assert_eq!(Forwarders::new(&[primary(2), primary(2)]), Err(InvalidPacket::DuplicateForwarder(number(2))));
    for owner in [MacAddr::ZERO, MacAddr::BROADCAST, MacAddr([0x01, 0, 0x5e, 0, 0, 0x66])] {
        assert_eq!(Packet::new(group(1), owner, Body::Request), Err(InvalidPacket::OwnerId(owner)));
    }
    let nothing = Body::Announcement { hello: None, forwarders: Forwarders::default() };
    assert_eq!(Packet::new(group(1), OWNER, nothing), Err(InvalidPacket::Empty));
}

#[test]
fn families_do_not_mix_when_writing() {
    let mut out = BytesMut::new();
    for (address, source) in [("192.168.0.1", "fe80::1"), ("fe80::7:b4ff:fe00:100", "192.168.0.10")] {
        let value = announcement(Some(hello(VgState::Active, 100, address)), &[primary(1)]);
        assert_eq!(value.emit(&mut out, &Credentials::None, ip(source)), Err(FamilyMismatch));
    }
    assert!(out.is_empty());
}

#[test]
fn secrets_are_not_printed() {
    for (octets, secret) in [(TEXT, "[103, 101"), (KEY_STRING, "146, 151"), (KEY_CHAIN, "134, 94")] {
        let octets = hex(octets);
        let text = format!("{:?}", parse(Family::V4, &octets).unwrap());
        assert!(text.contains("(..)"), "{text}");
        assert!(!text.contains(secret), "{text}");
    }
    let key = AuthText::new("geheim").unwrap();
    assert!(!format!("{:?}", Credentials::Text(&key)).contains("103"));
}
