//! UDP, both ways: literal octets (checksums worked out by an independent program, or captured) and every rule.
#![cfg(feature = "envelope")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use bytes::{BufMut, BytesMut};
use common::{hex, ip};
use fhrp_wire::envelope::build::{self, InvalidDatagram, Link, UdpHeader};
use fhrp_wire::envelope::udp::{self, Datagram, UdpError};
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::glbp::{self, Body, Credentials, Destination, FamilyMismatch, GroupNumber, PacketFrame};
use fhrp_wire::hsrp::{self, Origin, Variant};
use fhrp_wire::{Family, MacAddr};

/// Sent by a Cisco router.
const V4: &str = "01005e000066 aabbcc001400 0800 45c0002200000000 0111ce91 0a000014 e0000066
    07c107c1000e03d1 020400000001";
const V6: &str = "333300000066 020000000001 86dd 6e000000000e11ff
    fe800000000000000000000000000001 ff020000000000000000000000000066
    07ed07ed000ef008 020400010000";

/// The IP packet in a frame whose UDP part, and nothing else, was changed. The IP header is as it was.
fn datagram<R>(frame: &str, changes: &[(usize, u8)], check: impl Fn(&Packet<'_>) -> R) -> R {
    let start = if hex(frame)[12] == 0x08 { 34 } else { 54 };
    let mut octets = hex(frame);
    for (index, octet) in changes {
        octets[start + index] = *octet;
    }
    check(&envelope::parse(&octets).unwrap().packet)
}

fn result(frame: &str, changes: &[(usize, u8)]) -> Result<Option<usize>, UdpError> {
    datagram(frame, changes, |packet| {
        udp::parse(packet).map(|found| found.map(|datagram| datagram.payload.len()))
    })
}

fn header(source: &str, destination: &str) -> UdpHeader {
    let destination = ip(destination);
    UdpHeader {
        link: Link {
            source: MacAddr([0x02, 0, 0, 0, 0, 1]),
            destination: MacAddr::of_group(destination).unwrap_or(MacAddr::BROADCAST),
        },
        source: ip(source),
        destination,
        hop_limit: 255,
        traffic_class: match Family::of(&destination) {
            Family::V4 => 0xc0,
            Family::V6 => 0xe0,
        },
        port: match Family::of(&destination) {
            Family::V4 => 1985,
            Family::V6 => 2029,
        },
    }
}

fn built(header: &UdpHeader, payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    build::udp(&mut out, header, |out| out.put_slice(payload)).unwrap();
    out
}

#[test]
fn over_ipv4_both_ways() {
    let octets = hex(V4);
    let frame = envelope::parse(&octets).unwrap();
    let expected = Datagram {
        source: ip("10.0.0.20"),
        destination: ip("224.0.0.102"),
        hop_limit: 1,
        source_port: 1985,
        destination_port: 1985,
        payload: &[2, 4, 0, 0, 0, 1],
    };
    assert_eq!(udp::parse(&frame.packet), Ok(Some(expected)));
    let link = Link { source: frame.source, destination: frame.destination };
    let header = UdpHeader { link, hop_limit: 1, ..header("10.0.0.20", "224.0.0.102") };
    assert_eq!(built(&header, expected.payload), octets);
}

#[test]
fn over_ipv6_both_ways() {
    let octets = hex(V6);
    let packet = envelope::parse(&octets).unwrap().packet;
    let expected = Datagram {
        source: ip("fe80::1"),
        destination: ip("ff02::66"),
        hop_limit: 255,
        source_port: 2029,
        destination_port: 2029,
        payload: &[2, 4, 0, 1, 0, 0],
    };
    assert_eq!(udp::parse(&packet), Ok(Some(expected)));
    assert_eq!(built(&header("fe80::1", "ff02::66"), expected.payload), octets);
}

#[test]
fn an_odd_number_of_octets() {
    let expected = "01005e000002 020000000001 0800 45c0001d00000000 0111cf0d 0a000001 e0000002
        07c107c10009ff56 07";
    let header = UdpHeader { hop_limit: 1, ..header("10.0.0.1", "224.0.0.2") };
    assert_eq!(built(&header, &[7]), hex(expected));
    assert_eq!(result(expected, &[]), Ok(Some(1)));
    assert_eq!(result(expected, &[(8, 6)]), Err(UdpError::Checksum));
}

/// A sum that would be sent as zero is sent as ffff: zero says that there is none (RFC 768).
#[test]
fn a_checksum_is_never_sent_as_zero() {
    let header = UdpHeader { hop_limit: 1, ..header("10.0.0.1", "224.0.0.2") };
    let out = built(&header, &hex("0655"));
    let expected = "01005e000002 020000000001 0800 45c0001e00000000 0111cf0c 0a000001 e0000002
        07c107c1000affff 0655";
    assert_eq!(out, hex(expected));
    assert_eq!(result(expected, &[]), Ok(Some(2)));
}

#[test]
fn rules() {
    // The checksum is wrong; absent over IPv4; absent over IPv6.
    assert_eq!(result(V4, &[(7, 0xd0)]), Err(UdpError::Checksum));
    assert_eq!(result(V4, &[(13, 0)]), Err(UdpError::Checksum));
    assert_eq!(result(V6, &[(13, 1)]), Err(UdpError::Checksum));
    assert_eq!(result(V4, &[(6, 0), (7, 0)]), Ok(Some(6)));
    assert_eq!(result(V4, &[(6, 0), (7, 0), (13, 0)]), Ok(Some(6)));
    assert_eq!(result(V6, &[(6, 0), (7, 0)]), Err(UdpError::ChecksumMissing));
    for frame in [V4, V6] {
        for length in 0..8 {
            assert_eq!(result(frame, &[(5, length)]), Err(UdpError::LengthTooSmall(length.into())));
        }
        let error = UdpError::LengthTooLarge { length: 15, received: 14 };
        assert_eq!(result(frame, &[(5, 15)]), Err(error));
    }
    // A length that is wrong decides before a checksum that is missing.
    assert_eq!(result(V6, &[(5, 7), (6, 0), (7, 0)]), Err(UdpError::LengthTooSmall(7)));
}

#[test]
fn shorter_than_a_header() {
    for actual in 0..8 {
        let mut octets = hex(V6);
        octets[19] = u8::try_from(actual).unwrap();
        let packet = envelope::parse(&octets).unwrap().packet;
        assert_eq!(udp::parse(&packet), Err(UdpError::TooShort { actual }));
        assert_eq!(udp::peek_port(&packet), (actual >= 4).then_some(2029));
    }
}

/// What the IP packet holds behind the datagram is neither payload nor covered by the checksum.
#[test]
fn octets_behind_the_length_are_cut() {
    // Length 12 and two octets fewer: the pseudo-header and the length field each fall by 2, the payload by 1.
    assert_eq!(result(V4, &[(5, 12), (6, 0x03), (7, 0xd6)]), Ok(Some(4)));
    assert_eq!(result(V4, &[(5, 12), (6, 0x03), (7, 0xd6), (12, 0xff)]), Ok(Some(4)));
    assert_eq!(result(V4, &[(5, 12), (6, 0x03), (7, 0xd6), (11, 0xff)]), Err(UdpError::Checksum));
}

#[test]
fn other_packets_are_none() {
    for frame in [
        "01005e000012 00005e000105 0800 45c0002000000000ff70d09a 0a000001 e0000012 3105640100645f970a0000fe",
        "333300000012 00005e000205 86dd 6c000000000170ff fe800000000000000000000000000001
            ff020000000000000000000000000012 31",
        "ffffffffffff 00005e00010a 0806 0001 0800 06 04 0001 00005e00010a c0000201 00005e00010a c0000201",
        "0180c200000e 020000000001 88cc 0000",
    ] {
        let octets = hex(frame);
        let packet = envelope::parse(&octets).unwrap().packet;
        assert_eq!(udp::parse(&packet), Ok(None));
        assert_eq!(udp::peek_port(&packet), None);
    }
}

#[test]
fn datagrams_that_cannot_be_built() {
    let mut out = BytesMut::from(&b"before"[..]);
    let mut result = |source: &str, destination: &str, octets| {
        let header = UdpHeader { source: ip(source), ..header("10.0.0.1", destination) };
        let result = build::udp(&mut out, &header, |out| out.put_bytes(0, octets));
        let written = out.split_off(6).len();
        (result, written)
    };
    let mixed = (Err(InvalidDatagram::MixedFamilies), 0);
    assert_eq!(result("10.0.0.1", "ff02::66", 1), mixed);
    assert_eq!(result("fe80::1", "224.0.0.2", 1), mixed);
    let too_long = |octets| (Err(InvalidDatagram::PayloadTooLong { octets }), 0);
    assert_eq!(result("10.0.0.1", "224.0.0.2", 65_508), too_long(65_508));
    assert_eq!(result("fe80::1", "ff02::66", 65_528), too_long(65_528));
    assert_eq!(result("10.0.0.1", "224.0.0.2", 65_507), (Ok(()), 14 + 65_535));
    assert_eq!(result("fe80::1", "ff02::66", 65_527), (Ok(()), 14 + 40 + 65_535));
}

/// Of the datagram, and over IPv6 of the addresses.
#[test]
fn no_flipped_bit_is_accepted() {
    let mut refused = 0;
    for frame in [V4, V6] {
        let octets = hex(frame);
        let start = if octets[12] == 0x08 { 34 } else { 22 };
        for bit in start * 8..octets.len() * 8 {
            let mut damaged = octets.clone();
            damaged[bit / 8] ^= 0x80 >> (bit % 8);
            let packet = envelope::parse(&damaged).unwrap().packet;
            assert!(udp::parse(&packet).is_err(), "{damaged:02x?}");
            refused += 1;
        }
    }
    assert_eq!(refused, (14 + 46) * 8);
}

/// The address of either end is covered too.
#[test]
fn addresses_are_covered() {
    let octets = hex(V4);
    let Packet::Ipv4(packet) = envelope::parse(&octets).unwrap().packet else { panic!("IPv4") };
    let moved = envelope::Ipv4 { source: [10, 0, 0, 21].into(), ..packet };
    assert_eq!(udp::parse(&Packet::Ipv4(moved)), Err(UdpError::Checksum));
    let moved = envelope::Ipv4 { destination: [224, 0, 0, 2].into(), ..packet };
    assert_eq!(udp::parse(&Packet::Ipv4(moved)), Err(UdpError::Checksum));
}

/// RFC 2281 §5 for version 1; version 2 as captured.
#[test]
fn hsrp_goes_to_the_group_of_its_variant() {
    let frame = |variant, source_mac: &str, source: &str, hop_limit, payload: &[u8]| {
        let origin = Origin { source_mac: source_mac.parse().unwrap(), source: ip(source), hop_limit };
        let mut out = BytesMut::new();
        hsrp::frame(&mut out, variant, origin, |out| out.put_slice(payload)).map(|()| out.to_vec())
    };
    let v4 = frame(Variant::V2Ipv4, "aa:bb:cc:00:14:00", "10.0.0.20", 1, &[2, 4, 0, 0, 0, 1]);
    assert_eq!(v4.unwrap(), hex(V4));
    let v6 = frame(Variant::V2Ipv6, "02:00:00:00:00:01", "fe80::1", 255, &[2, 4, 0, 1, 0, 0]);
    assert_eq!(v6.unwrap(), hex(V6));
    let v1 = frame(Variant::V1, "aa:bb:cc:00:14:00", "10.0.0.20", 1, &[0; 20]).unwrap();
    let v1 = envelope::parse(&v1).unwrap();
    assert_eq!(v1.destination.to_string(), "01:00:5e:00:00:02");
    let datagram = udp::parse(&v1.packet).unwrap().unwrap();
    assert_eq!((datagram.destination, datagram.destination_port), (ip("224.0.0.2"), 1985));
    assert_eq!(datagram.payload, [0; 20]);
    let mixed = frame(Variant::V1, "aa:bb:cc:00:14:00", "fe80::1", 1, &[0; 20]);
    assert_eq!(mixed, Err(InvalidDatagram::MixedFamilies));
}

/// To the group or to one router, always from port to port 3222 with TTL 255 (captures).
#[test]
fn glbp_goes_to_its_group_or_to_one_router() {
    let owner = MacAddr([2, 0, 0, 0, 0, 1]);
    let peer = MacAddr([2, 0, 0, 0, 0, 2]);
    let to_peer = |address: &str| Destination::Peer { mac: peer, address: ip(address) };
    let cases = [
        ("10.0.0.1", Destination::Group, "01:00:5e:00:00:66", "224.0.0.102"),
        ("fe80::1", Destination::Group, "33:33:00:00:00:66", "ff02::66"),
        ("10.0.0.1", to_peer("10.0.0.2"), "02:00:00:00:00:02", "10.0.0.2"),
        ("fe80::1", to_peer("fe80::2"), "02:00:00:00:00:02", "fe80::2"),
    ];
    let packet = glbp::Packet::new(GroupNumber::new(1).unwrap(), owner, Body::Request).unwrap();
    let frame = |source: &str, destination| {
        let source = ip(source);
        let credentials = Credentials::None;
        let frame = PacketFrame { packet, credentials, source_mac: owner, source, destination };
        let mut out = BytesMut::new();
        (glbp::packet_frame(&mut out, &frame), out)
    };
    for (source, destination, mac, address) in cases {
        let (built, octets) = frame(source, destination);
        assert_eq!(built, Ok(()));
        let parsed = envelope::parse(&octets).unwrap();
        assert_eq!((parsed.source, parsed.destination), (owner, mac.parse().unwrap()), "{source} {address}");
        let datagram = udp::parse(&parsed.packet).unwrap().unwrap();
        let ends = (datagram.source, datagram.destination, datagram.destination_port, datagram.hop_limit);
        assert_eq!(ends, (ip(source), ip(address), 3222, 255));
        assert_eq!(glbp::parse(Family::of(&datagram.source), datagram.payload).unwrap().packet, packet);
    }
    let (mixed, octets) = frame("10.0.0.1", to_peer("fe80::2"));
    assert_eq!((mixed, octets.len()), (Err(FamilyMismatch), 0), "nothing is written");
}
