//! Another program's opinion: tshark decodes every kind of packet that is sent.
//!
//! It knows neither the list of nonces nor the times that are left of a forwarder, and shows those as octets.

use bytes::BytesMut;
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{
    AuthText, Body, Credentials, Destination, FamilyMismatch, Forwarder, ForwarderPriority, Forwarders,
    KeyBytes, Nonce, NonceSequence, Nonces, Packet, PacketFrame, PeerNonce, Peers, Seconds, VfState, VgState,
    packet_frame, virtual_link_local, virtual_mac,
};

use crate::common::ip;
use crate::common::tshark::{self, Case};
use crate::{OWNER, announcement, group, hello, number, primary};

/// What tshark says about some fields.
type Fields<'a> = &'a [(&'static str, &'static str)];

/// Of every frame: there is nothing to remark on.
const HEALTHY: [(&str, &str); 4] = [
    ("_ws.expert.message", ""),
    ("udp.checksum.status", "1"),
    ("udp.port", "3222,3222"),
    ("glbp.version", "1"),
];
const V4: [(&str, &str); 4] =
    [("ip.ttl", "255"), ("ip.dsfield", "0xc0"), ("ip.checksum.status", "1"), ("glbp.group", "1")];
const V4_GROUP: [(&str, &str); 2] = [("eth.dst", "01:00:5e:00:00:66"), ("ip.dst", "224.0.0.102")];
const V6: [(&str, &str); 5] = [
    ("ipv6.hlim", "255"),
    ("ipv6.tclass", "0x000000e0"),
    ("ipv6.dst", "ff02::66"),
    ("eth.dst", "33:33:00:00:00:66"),
    ("glbp.group", "46"),
];
const HELLO: [(&str, &str); 7] = [
    ("glbp.hello.vgstate", "32"),
    ("glbp.hello.priority", "200"),
    ("glbp.hello.helloint", "3000"),
    ("glbp.hello.holdint", "10000"),
    ("glbp.hello.redirect", "600"),
    ("glbp.hello.timeout", "14400"),
    ("glbp.ownerid", "c2:00:7c:b8:00:00"),
];

#[test]
fn tshark_agrees() {
    let cases: Vec<Case> = [announcements(), unicast(), authenticated()].into_iter().flatten().collect();
    assert_eq!(cases.len(), 9);
    tshark::agrees(&cases);
}

fn case(name: &'static str, frame: BytesMut, common: &[Fields<'_>], own: Fields<'_>) -> Case {
    tshark::case(name, frame, &[&HEALTHY[..], &common.concat()].concat(), own)
}

/// From 192.168.0.10, whose interface has the address [`OWNER`].
fn frame_v4(packet: Packet, credentials: Credentials<'_>, destination: Destination) -> BytesMut {
    let frame =
        PacketFrame { packet, credentials, source_mac: OWNER, source: ip("192.168.0.10"), destination };
    let mut out = BytesMut::new();
    packet_frame(&mut out, &frame).unwrap();
    out
}

fn announcements() -> Vec<Case> {
    let secondary = Forwarder {
        number: number(4),
        state: VfState::Listen,
        priority: ForwarderPriority::SECONDARY,
        weight: 90,
        timeout_left: Seconds::new(14_360),
        redirect_left: Seconds::new(560),
    };
    let gateway = Some(hello(VgState::Active, 200, "192.168.0.1"));
    let frame = |packet| frame_v4(packet, Credentials::None, Destination::Group);
    vec![
        case(
            "gateway",
            frame(announcement(gateway, &[])),
            &[&V4, &V4_GROUP, &HELLO],
            &[
                ("eth.src", "c2:00:7c:b8:00:00"),
                ("glbp.type", "1"),
                ("glbp.length", "28"),
                ("glbp.hello.addrtype", "1"),
                ("glbp.hello.addrlen", "4"),
                ("glbp.hello.virtualipv4", "192.168.0.1"),
            ],
        ),
        case(
            "forwarder",
            frame(announcement(None, &[primary(1)])),
            &[&V4, &V4_GROUP],
            &[("glbp.type", "2"), ("glbp.reqresp.virtualmac", "00:07:b4:00:01:01")],
        ),
        case(
            "gateway and forwarders",
            frame(announcement(gateway, &[secondary, primary(1)])),
            &[&V4, &V4_GROUP, &HELLO],
            &[
                ("glbp.type", "1,2,2"),
                ("glbp.reqresp.forwarder", "1,4"),
                ("glbp.reqresp.vfstate", "32,4"),
                ("glbp.reqresp.priority", "167,135"),
                ("glbp.reqresp.weight", "100,90"),
                // Reserved, timeout and redirect time left, reserved.
                ("glbp.reqresp.unknown22", "00384002580000,00381802300000"),
                ("glbp.reqresp.virtualmac", "00:07:b4:00:01:01,00:07:b4:00:01:04"),
            ],
        ),
        ipv6(),
    ]
}

fn ipv6() -> Case {
    let address = virtual_link_local(group(46)).to_string();
    let hello = Some(hello(VgState::Active, 200, &address));
    let forwarders = Forwarders::new(&[primary(2)]).unwrap();
    let packet = Packet::new(group(46), OWNER, Body::Announcement { hello, forwarders }).unwrap();
    let frame = PacketFrame {
        packet,
        credentials: Credentials::None,
        source_mac: virtual_mac(group(46), number(2)),
        source: ip("fe80::1"),
        destination: Destination::Group,
    };
    let mut out = BytesMut::from(&b"before"[..]);
    packet_frame(&mut out, &frame).unwrap();
    let own = [
        ("eth.src", "00:07:b4:00:2e:02"),
        ("glbp.length", "40,20"),
        ("glbp.hello.addrtype", "2"),
        ("glbp.hello.addrlen", "16"),
        ("glbp.hello.virtualipv6", "fe80::7:b4ff:fe00:2e00"),
        ("glbp.reqresp.virtualmac", "00:07:b4:00:2e:02"),
    ];
    case("IPv6", out.split_off(6), &[&V6, &HELLO], &own)
}

fn unicast() -> Vec<Case> {
    let peer = Destination::Peer { mac: MacAddr([2, 0, 0, 0, 0, 7]), address: ip("192.168.0.30") };
    let frame = |body| frame_v4(Packet::new(group(1), OWNER, body).unwrap(), Credentials::None, peer);
    let to_peer = [
        ("eth.dst", "02:00:00:00:00:07"),
        ("ip.dst", "192.168.0.30"),
        ("glbp.type", "2"),
        ("glbp.reqresp.vfstate", "0"),
        ("glbp.reqresp.priority", "0"),
    ];
    vec![
        case(
            "request",
            frame(Body::Request),
            &[&V4, &to_peer],
            &[
                ("glbp.unknown1", "1"),
                ("glbp.reqresp.forwarder", "0"),
                ("glbp.reqresp.virtualmac", "00:00:00:00:00:00"),
            ],
        ),
        case(
            "response",
            frame(Body::Response(number(3))),
            &[&V4, &to_peer],
            &[
                ("glbp.unknown1", "2"),
                ("glbp.reqresp.forwarder", "3"),
                ("glbp.reqresp.virtualmac", "00:07:b4:00:01:03"),
            ],
        ),
    ]
}

fn authenticated() -> Vec<Case> {
    let packet = announcement(Some(hello(VgState::Active, 200, "192.168.0.1")), &[primary(1)]);
    let frame = |credentials| frame_v4(packet, credentials, Destination::Group);
    let text = AuthText::new("geheim").unwrap();
    let key = KeyBytes::new("geheim").unwrap();
    let peers = [PeerNonce { owner: MacAddr([2, 0, 0, 0, 0, 7]), nonce: Nonce(0x0102_0304) }];
    let nonces =
        Nonces { sequence: NonceSequence(9), own: Nonce(0xdead_beef), peers: Peers::new(&peers).unwrap() };
    vec![
        case(
            "text",
            frame(Credentials::Text(&text)),
            &[&V4, &V4_GROUP, &HELLO],
            &[
                ("glbp.type", "3,1,2"),
                ("glbp.auth.authtype", "1"),
                ("glbp.auth.authlength", "6"),
                ("glbp.auth.plainpass", "geheim"),
            ],
        ),
        case(
            "key string",
            frame(Credentials::Md5 { key: &key, key_id: None, nonces }),
            &[&V4, &V4_GROUP, &HELLO],
            &[
                ("glbp.type", "3,4,1,2"),
                ("glbp.auth.authtype", "2"),
                ("glbp.auth.authlength", "16"),
                // Count, sequence, own nonce; the peer's owner id and nonce, reserved.
                ("glbp.unknown.data", "0109deadbeef020000000007010203040000"),
            ],
        ),
        case(
            "key chain",
            frame(Credentials::Md5 { key: &key, key_id: Some(7), nonces }),
            &[&V4, &V4_GROUP, &HELLO],
            &[
                ("glbp.length", "24,20,28,20"),
                ("glbp.auth.authtype", "3"),
                ("glbp.auth.authlength", "20"),
                ("glbp.auth.md5chainindex", "7"),
            ],
        ),
    ]
}

/// A virtual address of the other family, and a peer of the other family.
#[test]
fn families_do_not_mix_in_a_frame() {
    let peer = |address| Destination::Peer { mac: OWNER, address: ip(address) };
    let with_address = |address| announcement(Some(hello(VgState::Active, 200, address)), &[]);
    let mut out = BytesMut::new();
    for (packet, source, destination) in [
        (with_address("192.168.0.1"), "fe80::1", Destination::Group),
        (with_address("fe80::7:b4ff:fe00:100"), "192.168.0.10", Destination::Group),
        (announcement(None, &[primary(1)]), "192.168.0.10", peer("fe80::2")),
    ] {
        let frame = PacketFrame {
            packet,
            credentials: Credentials::None,
            source_mac: OWNER,
            source: ip(source),
            destination,
        };
        assert_eq!(packet_frame(&mut out, &frame), Err(FamilyMismatch));
    }
    assert!(out.is_empty());
}
