//! Frames, both ways: literal octets (checksums worked out by an independent program) and every rule.
#![cfg(feature = "envelope")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::BytesMut;
use common::{hex, ip, ips, v3};
use fhrp_wire::envelope::build::{
    self, ArpReply, InvalidRouterAdvertisement, Ipv4Header, Ipv6Header, Link, NeighborAdvertisement,
    PayloadTooLong, PrefixInfo, RouterAdvertisement,
};
use fhrp_wire::envelope::nd::NaFlags;
use fhrp_wire::envelope::{self, Arp, ArpOperation, EnvelopeError, Packet};
use fhrp_wire::vrrp::{
    AdvertisementFrame, ChecksumForm, Destination, FamilyMismatch, Vrid, advertisement_frame, parse,
    virtual_mac,
};
use fhrp_wire::{Family, MacAddr};

const ADVERTISEMENT_V4: &str = "01005e000012 00005e000105 0800
    45c0002000000000ff70d09a 0a000001 e0000012
    3105640100645f970a0000fe";
const ADVERTISEMENT_V6: &str = "333300000012 00005e000205 86dd
    6c000000002870ff fe800000000000000000000000000001 ff020000000000000000000000000012
    3105640200646c31fe800000000000000000000000000254fd00000a000000000000000000000254";
const GRATUITOUS_ARP: &str = "ffffffffffff 00005e00010a 0806
    0001 0800 06 04 0001 00005e00010a c0000201 00005e00010a c0000201";
const ARP_REPLY: &str = "020000000007 00005e00010a 0806
    0001 0800 06 04 0002 00005e00010a c0000201 020000000007 c0000207";

fn mac(text: &str) -> MacAddr {
    text.parse().unwrap()
}

fn v6(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

/// The literal with some octets replaced.
fn changed(frame: &str, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = hex(frame);
    for (index, octet) in changes {
        octets[*index] = *octet;
    }
    octets
}

#[test]
fn an_ipv4_advertisement_both_ways() {
    let octets = hex(ADVERTISEMENT_V4);
    let addresses = ips(&["10.0.0.254"]);
    let mut out = BytesMut::new();
    let frame = AdvertisementFrame {
        advertisement: v3(5, 100, 100, &addresses),
        source_mac: virtual_mac(Family::V4, Vrid::new(5).unwrap()),
        source: ip("10.0.0.1"),
        destination: Destination::Group,
        checksum: ChecksumForm::Rfc9568,
    };
    advertisement_frame(&mut out, &frame).unwrap();
    assert_eq!(out, octets);

    let frame = envelope::parse(&octets).unwrap();
    assert_eq!((frame.destination, frame.source), (mac("01:00:5e:00:00:12"), mac("00:00:5e:00:01:05")));
    assert_eq!(frame.vlan, None);
    let Packet::Ipv4(packet) = frame.packet else { panic!("{frame:?}") };
    assert_eq!(
        (packet.source, packet.destination),
        (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(224, 0, 0, 18))
    );
    assert_eq!((packet.ttl, packet.protocol, packet.tos), (255, 112, 0xc0));
    assert!(parse(packet.source.into(), packet.destination.into(), packet.payload).is_ok());
}

#[test]
fn an_ipv6_advertisement_both_ways() {
    let octets = hex(ADVERTISEMENT_V6);
    let addresses = ips(&["fe80::254", "fd00:a::254"]);
    let mut out = BytesMut::new();
    let frame = AdvertisementFrame {
        advertisement: v3(5, 100, 100, &addresses),
        source_mac: virtual_mac(Family::V6, Vrid::new(5).unwrap()),
        source: ip("fe80::1"),
        destination: Destination::Group,
        checksum: ChecksumForm::Rfc9568,
    };
    advertisement_frame(&mut out, &frame).unwrap();
    assert_eq!(out, octets);

    let frame = envelope::parse(&octets).unwrap();
    let Packet::Ipv6(packet) = frame.packet else { panic!("{frame:?}") };
    assert_eq!((packet.source, packet.destination), (v6("fe80::1"), v6("ff02::12")));
    assert_eq!((packet.hop_limit, packet.next_header, packet.traffic_class), (255, 112, 0xc0));
    assert!(parse(packet.source.into(), packet.destination.into(), packet.payload).is_ok());
}

#[test]
fn an_advertisement_to_a_peer() {
    let addresses = ips(&["10.0.0.254"]);
    let destination = Destination::Peer { mac: mac("02:00:00:00:00:02"), address: ip("10.0.0.2") };
    let frame = AdvertisementFrame {
        advertisement: v3(5, 100, 100, &addresses),
        source_mac: mac("02:00:00:00:00:01"),
        source: ip("10.0.0.1"),
        destination,
        checksum: ChecksumForm::Rfc5798,
    };
    let mut out = BytesMut::new();
    advertisement_frame(&mut out, &frame).unwrap();
    assert_eq!(out[..14], hex("020000000002 020000000001 0800"));
    assert_eq!(out[30..34], [10, 0, 0, 2]);
    // The pseudo-header has the peer's address: 0a00 + 0001 + 0a00 + 0002 + 000c + 0070 = 147f; 5f97 - 147f = 4b18.
    assert_eq!(out[34..], hex("3105640100644b180a0000fe"));

    let mismatch = AdvertisementFrame { source: ip("fe80::1"), ..frame };
    out.clear();
    assert_eq!(advertisement_frame(&mut out, &mismatch), Err(FamilyMismatch));
    assert!(out.is_empty());
}

#[test]
fn padding_is_cut_off() {
    let mut octets = hex(ADVERTISEMENT_V4);
    octets.resize(60, 0xee);
    let Packet::Ipv4(packet) = envelope::parse(&octets).unwrap().packet else { panic!("IPv4") };
    assert_eq!(packet.payload.len(), 12);
    let mut octets = hex(ADVERTISEMENT_V6);
    octets.extend([0xee; 5]);
    let Packet::Ipv6(packet) = envelope::parse(&octets).unwrap().packet else { panic!("IPv6") };
    assert_eq!(packet.payload.len(), 40);
}

#[test]
fn vlan_tags_are_followed() {
    let tagged = |tags: &str| {
        let octets = hex(ADVERTISEMENT_V4);
        [&octets[..12], &hex(tags), &octets[12..]].concat()
    };
    for (tags, vlan) in [("8100 6007", Some(7)), ("88a8 0064 8100 0007", Some(7)), ("8100 e000", None)] {
        let octets = tagged(tags);
        let frame = envelope::parse(&octets).unwrap();
        assert_eq!(frame.vlan, vlan, "{tags}");
        assert!(matches!(frame.packet, Packet::Ipv4(_)), "{tags}");
        assert_eq!(envelope::peek_protocol(&octets), Some(112));
    }
    let octets = tagged("8100 0001 8100 0002 8100 0003");
    assert_eq!(envelope::parse(&octets).unwrap().packet, Packet::Other(0x8100));
    for length in 14..18 {
        assert_eq!(envelope::parse(&tagged("8100 0001")[..length]), Err(EnvelopeError::VlanTooShort));
    }
}

#[test]
fn every_truncation_of_an_envelope() {
    for frame in [ADVERTISEMENT_V4, ADVERTISEMENT_V6, GRATUITOUS_ARP] {
        let octets = hex(frame);
        for length in 0..octets.len() {
            let result = envelope::parse(&octets[..length]);
            assert!(result.is_err(), "{length}: {result:?}");
            if length < 14 {
                assert_eq!(result, Err(EnvelopeError::EthernetTooShort));
            }
        }
    }
    assert_eq!(envelope::parse(&hex(GRATUITOUS_ARP)[..41]), Err(EnvelopeError::ArpTooShort));
    assert_eq!(envelope::parse(&hex(ADVERTISEMENT_V4)[..33]), Err(EnvelopeError::Ipv4TooShort));
    assert_eq!(envelope::parse(&hex(ADVERTISEMENT_V6)[..53]), Err(EnvelopeError::Ipv6TooShort));
}

/// The header checksum is d09a; each change below brings the one that makes it right again.
#[test]
fn rules_of_ipv4() {
    let result = |changes: &[(usize, u8)]| envelope::parse(&changed(ADVERTISEMENT_V4, changes)).map(|_| ());
    assert_eq!(result(&[(14, 0x65)]), Err(EnvelopeError::Ipv4Version(6)));
    assert_eq!(result(&[(14, 0x44)]), Err(EnvelopeError::Ipv4HeaderLength(4)));
    assert_eq!(result(&[(14, 0x4f)]), Err(EnvelopeError::Ipv4TooShort));
    assert_eq!(result(&[(25, 0x9b)]), Err(EnvelopeError::Ipv4HeaderChecksum));
    assert_eq!(result(&[(22, 254)]), Err(EnvelopeError::Ipv4HeaderChecksum));
    // One octet more than there is, and one less than a header.
    let error = |total| Err(EnvelopeError::Ipv4TotalLength { total, received: 32 });
    assert_eq!(result(&[(17, 33), (25, 0x99)]), error(33));
    assert_eq!(result(&[(17, 19), (25, 0xa7)]), error(19));
    // More fragments; a last fragment; Don't Fragment is none.
    assert_eq!(result(&[(20, 0x20), (24, 0xb0)]), Err(EnvelopeError::Ipv4Fragment));
    assert_eq!(result(&[(21, 0x01), (25, 0x99)]), Err(EnvelopeError::Ipv4Fragment));
    assert_eq!(result(&[(20, 0x40), (24, 0x90)]), Ok(()));
    // TTL 254 is for the receiver to judge.
    assert_eq!(result(&[(22, 254), (24, 0xd1)]), Ok(()));
    let fragment = changed(ADVERTISEMENT_V4, &[(20, 0x20), (24, 0xb0)]);
    assert_eq!(envelope::peek_protocol(&fragment), Some(112));
}

#[test]
fn options_of_ipv4_are_skipped() {
    // Router alert, 94040000: words 6, length 36, and the sum grows by 0100 + 0004 + 9404: d09a - 9508 = 3b92.
    let octets = hex("01005e000012 00005e000105 0800 46c0002400000000ff703b92 0a000001 e0000012 94040000
         3105640100645f970a0000fe");
    let Packet::Ipv4(packet) = envelope::parse(&octets).unwrap().packet else { panic!("IPv4") };
    assert_eq!(packet.payload, &hex(ADVERTISEMENT_V4)[34..]);
}

#[test]
fn rules_of_ipv6() {
    let result = |changes: &[(usize, u8)]| envelope::parse(&changed(ADVERTISEMENT_V6, changes)).map(|_| ());
    assert_eq!(result(&[(14, 0x4c)]), Err(EnvelopeError::Ipv6Version(4)));
    let error = EnvelopeError::Ipv6PayloadLength { length: 41, received: 40 };
    assert_eq!(result(&[(19, 41)]), Err(error));
    // An extension header is named, not followed.
    let octets = changed(ADVERTISEMENT_V6, &[(20, 44)]);
    let Packet::Ipv6(packet) = envelope::parse(&octets).unwrap().packet else { panic!("IPv6") };
    assert_eq!(packet.next_header, 44);
    assert_eq!(envelope::peek_protocol(&octets), Some(44));
}

#[test]
fn arp_both_ways() {
    let (virtual_mac, address) = (mac("00:00:5e:00:01:0a"), Ipv4Addr::new(192, 0, 2, 1));
    let mut out = BytesMut::new();
    build::gratuitous_arp(&mut out, virtual_mac, address);
    assert_eq!(out, hex(GRATUITOUS_ARP));
    let (host, host_mac) = (Ipv4Addr::new(192, 0, 2, 7), mac("02:00:00:00:00:07"));
    let link = Link { source: virtual_mac, destination: host_mac };
    let reply = ArpReply { link, mac: virtual_mac, address, destination: host };
    out.clear();
    build::arp_reply(&mut out, reply);
    assert_eq!(out, hex(ARP_REPLY));

    let frame = envelope::parse(&out).unwrap();
    let arp = Arp {
        operation: ArpOperation::Reply,
        sender_mac: virtual_mac,
        sender_address: address,
        target_mac: host_mac,
        target_address: host,
    };
    assert_eq!(frame.packet, Packet::Arp(arp));
    assert_eq!(envelope::peek_protocol(&out), None);
}

#[test]
fn rules_of_arp() {
    let arp = |changes: &[(usize, u8)]| match envelope::parse(&changed(GRATUITOUS_ARP, changes))?.packet {
        Packet::Arp(arp) => Ok(arp),
        other @ (Packet::Ipv4(_) | Packet::Ipv6(_) | Packet::Other(_)) => panic!("{other:?}"),
    };
    let unsupported = |hardware, protocol| Err(EnvelopeError::ArpUnsupported { hardware, protocol });
    assert_eq!(arp(&[(15, 6)]), unsupported(6, 0x0800));
    assert_eq!(arp(&[(17, 6)]), unsupported(1, 0x0806));
    assert_eq!(arp(&[(18, 8)]), unsupported(1, 0x0800));
    assert_eq!(arp(&[(19, 16)]), unsupported(1, 0x0800));
    assert_eq!(arp(&[(21, 3)]).map(|arp| arp.operation), Ok(ArpOperation::Other(3)));
}

#[test]
fn other_frames_are_named() {
    let packet = |text: &str| envelope::parse(&hex(text)).unwrap().packet == Packet::Other(0x88cc);
    assert!(packet("0180c200000e 020000000001 88cc 0000"));
    assert!(!packet("0180c2000000 020000000001 0026 424203"));
}

#[test]
fn any_payload_in_ip() {
    let link = Link { source: mac("02:00:00:00:00:01"), destination: mac("02:00:00:00:00:02") };
    let header = Ipv4Header {
        source: Ipv4Addr::new(10, 0, 0, 1),
        destination: Ipv4Addr::new(10, 0, 0, 2),
        protocol: 17,
        ttl: 1,
        tos: 0xe3,
    };
    let mut out = BytesMut::new();
    build::ipv4(&mut out, link, header, b"payload").unwrap();
    let Packet::Ipv4(packet) = envelope::parse(&out).unwrap().packet else { panic!("IPv4") };
    assert_eq!((packet.protocol, packet.ttl, packet.tos), (17, 1, 0xe3));
    assert_eq!(packet.payload, b"payload");

    let header_v6 = Ipv6Header {
        source: v6("fe80::1"),
        destination: v6("fe80::2"),
        next_header: 17,
        hop_limit: 2,
        traffic_class: 0xe3,
    };
    out.clear();
    build::ipv6(&mut out, link, header_v6, b"payload").unwrap();
    let Packet::Ipv6(packet) = envelope::parse(&out).unwrap().packet else { panic!("IPv6") };
    assert_eq!((packet.next_header, packet.hop_limit, packet.traffic_class), (17, 2, 0xe3));
    assert_eq!(packet.payload, b"payload");

    out.clear();
    let octets = 65_516;
    assert_eq!(build::ipv4(&mut out, link, header, &vec![0; octets]), Err(PayloadTooLong { octets }));
    let octets = 65_536;
    assert_eq!(build::ipv6(&mut out, link, header_v6, &vec![0; octets]), Err(PayloadTooLong { octets }));
    assert!(out.is_empty());
    assert_eq!(build::ipv4(&mut out, link, header, &vec![0; 65_515]), Ok(()));
}

#[test]
fn neighbour_advertisements_are_built() {
    let (virtual_mac, address) = (mac("00:00:5e:00:02:0a"), v6("fd00:a::254"));
    let mut out = BytesMut::new();
    build::unsolicited_na(&mut out, virtual_mac, address);
    let expected = "33330000000100005e00020a86dd6c00000000203aff
        fd00000a000000000000000000000254ff020000000000000000000000000001
        880077d7a0000000fd00000a000000000000000000000254020100005e00020a";
    assert_eq!(out, hex(expected));

    let answer = NeighborAdvertisement {
        link: Link { source: virtual_mac, destination: mac("02:00:00:00:00:07") },
        address,
        destination: v6("fd00:a::7"),
        flags: NaFlags { router: true, solicited: true, overrides: true },
        target_mac: Some(virtual_mac),
    };
    out.clear();
    build::neighbor_advertisement(&mut out, &answer);
    let expected = "02000000000700005e00020a86dd6c00000000203aff
        fd00000a000000000000000000000254fd00000a000000000000000000000007
        880039c9e0000000fd00000a000000000000000000000254020100005e00020a";
    assert_eq!(out, hex(expected));
}

/// A GLBP gateway names forwarders as it sees fit, and leaves out where it does not want to be found.
#[test]
fn answers_that_name_another_mac_or_none() {
    let (interface, virtual_mac) = (mac("02:00:00:00:00:01"), mac("00:07:b4:00:2e:02"));
    let (host, address) = (mac("02:00:00:00:00:07"), Ipv4Addr::new(192, 0, 2, 1));
    let mut out = BytesMut::new();
    let link = Link { source: interface, destination: host };
    let destination = Ipv4Addr::new(192, 0, 2, 7);
    build::arp_reply(&mut out, ArpReply { link, mac: virtual_mac, address, destination });
    let expected = "020000000007 020000000001 0806
        0001 0800 06 04 0002 0007b4002e02 c0000201 020000000007 c0000207";
    assert_eq!(out, hex(expected));

    let link = Link { source: interface, destination: mac("33:33:00:00:00:01") };
    let (address, destination) = (v6("fe80::7:b4ff:fe00:2e00"), v6("ff02::1"));
    let flags = NaFlags { router: true, solicited: false, overrides: false };
    out.clear();
    let announcement = NeighborAdvertisement { link, address, destination, flags, target_mac: None };
    build::neighbor_advertisement(&mut out, &announcement);
    let expected = "333300000001 020000000001 86dd 6c00000000183aff
        fe800000000000000007b4fffe002e00 ff020000000000000000000000000001
        8800399780000000 fe800000000000000007b4fffe002e00";
    assert_eq!(out, hex(expected));

    out.clear();
    let advertisement = RouterAdvertisement {
        source_mac: interface,
        option_mac: None,
        source: address,
        mtu: None,
        ..router_advertisement(&[])
    };
    build::router_advertisement(&mut out, &advertisement).unwrap();
    let expected = "333300000001 020000000001 86dd 6c00000000103aff
        fe800000000000000007b4fffe002e00 ff020000000000000000000000000001
        8600542040000708 0000000000000000";
    assert_eq!(out, hex(expected));
}

const PREFIX: PrefixInfo = PrefixInfo {
    prefix: Ipv6Addr::new(0xfd00, 0xa, 0, 0, 0, 0, 0, 0x254),
    length: 64,
    on_link: true,
    autonomous: true,
    valid: 86_400,
    preferred: 14_400,
};

fn router_advertisement(prefixes: &[PrefixInfo]) -> RouterAdvertisement<'_> {
    RouterAdvertisement {
        source_mac: mac("00:00:5e:00:02:0a"),
        option_mac: Some(mac("00:00:5e:00:02:0a")),
        source: v6("fe80::5e00:20a"),
        destination_mac: mac("33:33:00:00:00:01"),
        destination: v6("ff02::1"),
        lifetime: 1800,
        mtu: Some(1500),
        prefixes,
    }
}

#[test]
fn a_router_advertisement_is_built() {
    let mut out = BytesMut::new();
    build::router_advertisement(&mut out, &router_advertisement(&[PREFIX])).unwrap();
    // The host bits of the prefix are not sent.
    let expected = "33330000000100005e00020a86dd6c00000000403aff
        fe80000000000000000000005e00020aff020000000000000000000000000001
        86009e744000070800000000000000000101 00005e00020a 0501000000 0005dc
        030440c0000151800000384000000000fd00000a000000000000000000000000";
    assert_eq!(out, hex(expected));
}

#[test]
fn router_advertisements_that_must_not_be_sent() {
    let mut out = BytesMut::new();
    let mut result =
        |advertisement: RouterAdvertisement<'_>| build::router_advertisement(&mut out, &advertisement);
    let source = v6("fd00:a::254");
    let wrong = RouterAdvertisement { source, ..router_advertisement(&[]) };
    assert_eq!(result(wrong), Err(InvalidRouterAdvertisement::SourceNotLinkLocal(source)));
    let long = [PrefixInfo { length: 129, ..PREFIX }];
    assert_eq!(result(router_advertisement(&long)), Err(InvalidRouterAdvertisement::PrefixLength(129)));
    assert_eq!(
        result(router_advertisement(&[PREFIX; 38])),
        Err(InvalidRouterAdvertisement::TooManyPrefixes(38))
    );
    assert!(out.is_empty());
}

#[test]
fn the_longest_router_advertisement_fits_every_link() {
    let mut out = BytesMut::new();
    build::router_advertisement(&mut out, &router_advertisement(&[PREFIX; 37])).unwrap();
    assert_eq!(out.len() - 14, 40 + 32 + 37 * 32);
    assert!(out.len() - 14 <= 1280);
}

#[test]
fn prefixes_of_every_length_are_cut() {
    for (length, expected) in [
        (0, "::"),
        (1, "8000::"),
        (64, "ffff:ffff:ffff:ffff::"),
        (128, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ] {
        let prefix = [PrefixInfo { prefix: Ipv6Addr::from([0xff; 16]), length, ..PREFIX }];
        let mut out = BytesMut::new();
        build::router_advertisement(&mut out, &router_advertisement(&prefix)).unwrap();
        assert_eq!(out[out.len() - 16..], v6(expected).octets(), "{length}");
    }
}
