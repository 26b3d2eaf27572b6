//! Another program's opinion: tshark decodes every kind of frame that can be built here.
//!
//! It is right about everything but one: it knows the checksum of version 3 over IPv4 in the RFC 5798 form only,
//! and calls the RFC 9568 form bad.
#![cfg(feature = "envelope")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::net::{IpAddr, Ipv4Addr};

use bytes::BytesMut;
use common::tshark::{self, Case, case};
use common::{ip, ips, v2, v3};
use fhrp_wire::envelope::build::{
    self, ArpReply, Link, NeighborAdvertisement, PrefixInfo, RouterAdvertisement,
};
use fhrp_wire::envelope::nd::NaFlags;
use fhrp_wire::vrrp::{
    Advertisement, AdvertisementFrame, AuthData, ChecksumForm, Destination, KeyBytes, TextKey,
    advertisement_frame, virtual_mac,
};
use fhrp_wire::{Family, MacAddr};

const GOOD: &str = "1";
const BAD: &str = "0";

/// What every IPv4, every IPv6 and every ICMPv6 packet has in common.
const IPV4: [(&str, &str); 4] =
    [("ip.ttl", "255"), ("ip.dsfield", "0xc0"), ("ip.id", "0x0000"), ("ip.checksum.status", GOOD)];
const IPV6: [(&str, &str); 2] = [("ipv6.hlim", "255"), ("ipv6.tclass", "0x000000c0")];
const ICMP: [(&str, &str); 1] = [("icmpv6.checksum.status", GOOD)];

#[test]
fn tshark_agrees() {
    let cases: Vec<Case> =
        [version_2(), version_3(), arp(), neighbour_discovery()].into_iter().flatten().collect();
    tshark::agrees(&cases);
}

fn advertisement(value: Advertisement<'_>, checksum: ChecksumForm) -> BytesMut {
    let source = match value.family() {
        Family::V4 => ip("10.0.0.1"),
        Family::V6 => ip("fe80::1"),
    };
    let source_mac = virtual_mac(value.family(), value.vrid());
    let frame = AdvertisementFrame {
        advertisement: value,
        source_mac,
        source,
        destination: Destination::Group,
        checksum,
    };
    let mut out = BytesMut::new();
    advertisement_frame(&mut out, &frame).unwrap();
    out
}

fn version_2() -> Vec<Case> {
    const FIELDS: [(&str, &str); 7] = [
        ("eth.src", "00:00:5e:00:01:05"),
        ("eth.dst", "01:00:5e:00:00:12"),
        ("ip.dst", "224.0.0.18"),
        ("vrrp.version", "2"),
        ("vrrp.virt_rtr_id", "5"),
        ("vrrp.adver_int", "1"),
        ("vrrp.checksum.status", GOOD),
    ];
    let addresses = ips(&["10.0.0.254", "10.0.0.253"]);
    let frame = |auth| advertisement(v2(auth, &addresses), ChecksumForm::Rfc9568);
    let text = AuthData::Text(TextKey::new("geheim").unwrap().octets());
    let key = KeyBytes::new("123456789").unwrap();
    let signed = v2(AuthData::None, &addresses).sign_md5(&key, 7, Ipv4Addr::new(10, 0, 0, 1));
    let common =
        [&IPV4[..], &FIELDS[..], &[("vrrp.addr_count", "2"), ("vrrp.ip_addr", "10.0.0.254,10.0.0.253")]]
            .concat();
    vec![
        case("version 2", frame(AuthData::None), &common, &[("vrrp.auth_type", "0"), ("vrrp.prio", "100")]),
        case(
            "version 2, text",
            frame(text),
            &common,
            &[("vrrp.auth_type", "1"), ("vrrp.auth_string", "geheim")],
        ),
        case(
            "version 2, MD5",
            advertisement(signed, ChecksumForm::Rfc9568),
            &common,
            &[("vrrp.auth_type", "254"), ("ip.len", "74")],
        ),
    ]
}

fn version_3() -> Vec<Case> {
    const V3: [(&str, &str); 4] = [
        ("eth.dst", "01:00:5e:00:00:12"),
        ("vrrp.version", "3"),
        ("vrrp.reserved_mbz", "0"),
        ("vrrp.ip_addr", "10.0.0.254"),
    ];
    const V6: [(&str, &str); 7] = [
        ("eth.src", "00:00:5e:00:02:ff"),
        ("eth.dst", "33:33:00:00:00:12"),
        ("ipv6.dst", "ff02::12"),
        ("vrrp.version", "3"),
        ("vrrp.short_adver_int", "1"),
        ("vrrp.ipv6_addr", "fe80::254,fd00:a::254"),
        ("vrrp.checksum.status", GOOD),
    ];
    let addresses = ips(&["10.0.0.254"]);
    let addresses_v6 = ips(&["fe80::254", "fd00:a::254"]);
    let v4 = [&IPV4[..], &V3[..]].concat();
    let v6 = [&IPV6[..], &V6[..]].concat();
    let frame = |priority, form| advertisement(v3(5, priority, 4095, &addresses), form);
    vec![
        case(
            "version 3, RFC 5798",
            frame(255, ChecksumForm::Rfc5798),
            &v4,
            &[("vrrp.checksum.status", GOOD), ("vrrp.prio", "255"), ("vrrp.short_adver_int", "4095")],
        ),
        case(
            "version 3, RFC 9568",
            frame(0, ChecksumForm::Rfc9568),
            &v4,
            &[("vrrp.checksum.status", BAD), ("vrrp.prio", "0")],
        ),
        case("version 3, IPv6", advertisement(v3(255, 1, 1, &addresses_v6), ChecksumForm::Rfc9568), &v6, &[]),
        case(
            "version 3, long",
            longest(&v4_list()),
            &IPV4,
            &[("vrrp.addr_count", "255"), ("vrrp.checksum.status", GOOD)],
        ),
    ]
}

fn v4_list() -> Vec<IpAddr> {
    (1..=255).map(|last| IpAddr::from([10, 0, 1, last])).collect()
}

fn longest(addresses: &[IpAddr]) -> BytesMut {
    advertisement(v3(5, 100, 100, addresses), ChecksumForm::Rfc5798)
}

const VIRTUAL_V4: MacAddr = MacAddr([0, 0, 0x5e, 0, 1, 0x0a]);
const VIRTUAL_V6: MacAddr = MacAddr([0, 0, 0x5e, 0, 2, 0x0a]);
const HOST: MacAddr = MacAddr([2, 0, 0, 0, 0, 7]);

fn arp() -> Vec<Case> {
    let address = Ipv4Addr::new(192, 0, 2, 1);
    let mut gratuitous = BytesMut::new();
    build::gratuitous_arp(&mut gratuitous, VIRTUAL_V4, address);
    let mut reply = BytesMut::new();
    let destination = Ipv4Addr::new(192, 0, 2, 7);
    let link = Link { source: VIRTUAL_V4, destination: HOST };
    build::arp_reply(&mut reply, ArpReply { link, mac: VIRTUAL_V4, address, destination });
    let common = [
        ("eth.src", "00:00:5e:00:01:0a"),
        ("arp.src.hw_mac", "00:00:5e:00:01:0a"),
        ("arp.src.proto_ipv4", "192.0.2.1"),
    ];
    vec![
        case(
            "gratuitous ARP",
            gratuitous,
            &common,
            &[
                ("eth.dst", "ff:ff:ff:ff:ff:ff"),
                ("arp.opcode", "1"),
                ("arp.isgratuitous", "1"),
                ("arp.dst.hw_mac", "00:00:5e:00:01:0a"),
                ("arp.dst.proto_ipv4", "192.0.2.1"),
            ],
        ),
        case(
            "ARP reply",
            reply,
            &common,
            &[
                ("eth.dst", "02:00:00:00:00:07"),
                ("arp.opcode", "2"),
                ("arp.dst.hw_mac", "02:00:00:00:00:07"),
                ("arp.dst.proto_ipv4", "192.0.2.7"),
            ],
        ),
    ]
}

fn neighbour_discovery() -> Vec<Case> {
    let address = "fd00:a::254".parse().unwrap();
    let mut unsolicited = BytesMut::new();
    build::unsolicited_na(&mut unsolicited, VIRTUAL_V6, address);
    let mut solicited = BytesMut::new();
    let destination = "fd00:a::7".parse().unwrap();
    let answer = NeighborAdvertisement {
        link: Link { source: VIRTUAL_V6, destination: HOST },
        address,
        destination,
        flags: NaFlags { router: true, solicited: true, overrides: true },
        target_mac: Some(VIRTUAL_V6),
    };
    build::neighbor_advertisement(&mut solicited, &answer);
    let common = [
        &IPV6[..],
        &ICMP[..],
        &[
            ("eth.src", "00:00:5e:00:02:0a"),
            ("ipv6.src", "fd00:a::254"),
            ("icmpv6.type", "136"),
            ("icmpv6.nd.na.flag.r", "1"),
            ("icmpv6.nd.na.flag.o", "1"),
            ("icmpv6.nd.na.target_address", "fd00:a::254"),
            ("icmpv6.opt.target_linkaddr", "00:00:5e:00:02:0a"),
        ],
    ]
    .concat();
    vec![
        case(
            "unsolicited NA",
            unsolicited,
            &common,
            &[("ipv6.dst", "ff02::1"), ("icmpv6.nd.na.flag.s", "0")],
        ),
        case("solicited NA", solicited, &common, &[("ipv6.dst", "fd00:a::7"), ("icmpv6.nd.na.flag.s", "1")]),
        router_advertisement(),
    ]
}

fn router_advertisement() -> Case {
    let prefix = PrefixInfo {
        prefix: "fd00:a::254".parse().unwrap(),
        length: 64,
        on_link: true,
        autonomous: false,
        valid: 86_400,
        preferred: 14_400,
    };
    let advertisement = RouterAdvertisement {
        source_mac: VIRTUAL_V6,
        option_mac: Some(VIRTUAL_V6),
        source: "fe80::5e00:20a".parse().unwrap(),
        destination_mac: MacAddr([0x33, 0x33, 0, 0, 0, 1]),
        destination: "ff02::1".parse().unwrap(),
        lifetime: 1800,
        mtu: Some(1500),
        prefixes: &[prefix],
    };
    let mut out = BytesMut::new();
    build::router_advertisement(&mut out, &advertisement).unwrap();
    let common = [&IPV6[..], &ICMP[..]].concat();
    let own = [
        ("ipv6.src", "fe80::5e00:20a"),
        ("icmpv6.type", "134"),
        ("icmpv6.nd.ra.router_lifetime", "1800"),
        ("icmpv6.nd.ra.flag", "0x00"),
        ("icmpv6.opt.src_linkaddr", "00:00:5e:00:02:0a"),
        ("icmpv6.opt.mtu", "1500"),
        ("icmpv6.opt.prefix", "fd00:a::"),
        ("icmpv6.opt.prefix.length", "64"),
        ("icmpv6.opt.prefix.flag.l", "1"),
        ("icmpv6.opt.prefix.flag.a", "0"),
        ("icmpv6.opt.prefix.valid_lifetime", "86400"),
        ("icmpv6.opt.prefix.preferred_lifetime", "14400"),
    ];
    case("router advertisement", out, &common, &own)
}
