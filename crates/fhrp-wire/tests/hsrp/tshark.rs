//! Another program's opinion: tshark decodes every kind of frame that is sent.

use bytes::BytesMut;
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::build::{self, Link};
use fhrp_wire::hsrp::{
    Credentials, InterfaceActivity, InterfaceState, Opcode, Origin, Parts, SWITCHES_MAC, State, TextKey,
    Variant, default_text, frame,
};

use crate::common::tshark::{self, Case, case};
use crate::common::{hex, ip};
use crate::{build as message, hello, key, timers};

type Fields = [(&'static str, &'static str)];

/// Of every frame: no remark of an expert, and the checksum is right.
const HEALTHY: [(&str, &str); 2] = [("_ws.expert.message", ""), ("udp.checksum.status", "1")];
const V4: [(&str, &str); 4] =
    [("ip.dsfield", "0xc0"), ("ip.id", "0x0000"), ("ip.checksum.status", "1"), ("udp.port", "1985,1985")];
const V1: [(&str, &str); 4] =
    [("ip.ttl", "1"), ("ip.dst", "224.0.0.2"), ("eth.dst", "01:00:5e:00:00:02"), ("hsrp.version", "0")];
const V2: [(&str, &str); 3] =
    [("ip.ttl", "255"), ("ip.dst", "224.0.0.102"), ("eth.dst", "01:00:5e:00:00:66")];
const V6: [(&str, &str); 5] = [
    ("ipv6.hlim", "255"),
    ("ipv6.tclass", "0x000000e0"),
    ("ipv6.dst", "ff02::66"),
    ("eth.dst", "33:33:00:00:00:66"),
    ("udp.port", "2029,2029"),
];

#[test]
fn tshark_agrees() {
    let cases = [version_1(), version_1_advertise(), version_2(), version_2_ipv6(), gratuitous_arp()];
    let cases: Vec<Case> = cases.into_iter().flatten().collect();
    tshark::agrees(&cases);
}

fn framed(variant: Variant, source: &str, write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let origin = Origin {
        source_mac: MacAddr([0x02, 0, 0, 0, 0, 1]),
        source: ip(source),
        hop_limit: variant.hop_limit(),
    };
    let mut out = BytesMut::new();
    frame(&mut out, variant, origin, write).unwrap();
    out
}

fn sent(parts: Parts, source: &str, credentials: &Credentials<'_>) -> BytesMut {
    framed(parts.group.variant(), source, |out| message(parts).emit(out, credentials))
}

fn version_1() -> Vec<Case> {
    const FIELDS: [(&str, &str); 6] = [
        ("hsrp.hellotime", "5"),
        ("hsrp.holdtime", "255"),
        ("hsrp.priority", "255"),
        ("hsrp.group", "200"),
        ("hsrp.reserved", "0"),
        ("hsrp.virt_ip", "10.0.0.254"),
    ];
    let common: Vec<_> = [&HEALTHY[..], &V4, &V1, &FIELDS].concat();
    let parts = Parts {
        priority: 255,
        timers: timers(Variant::V1, 5000, 255_000),
        ..hello(Variant::V1, 200, "10.0.0.254")
    };
    let coup = Parts { opcode: Opcode::Coup, state: State::Standby, ..parts };
    let resign = Parts { opcode: Opcode::Resign, state: State::Speak, ..parts };
    let source = "10.0.0.1";
    let md5 = Credentials::Md5 { key: &key("geheim"), key_id: 70_000, source: ip(source) };
    let text = TextKey::new("12345678").unwrap();
    let opcode: fn(_, _) -> [(&'static str, &'static str); 2] =
        |opcode, state| [("hsrp.opcode", opcode), ("hsrp.state", state)];
    vec![
        case(
            "version 1, hello",
            sent(parts, source, &Credentials::Text(&default_text())),
            &common,
            &[&opcode("0", "16")[..], &[("hsrp.auth_data", "cisco"), ("udp.length", "28")]].concat(),
        ),
        case(
            "version 1, coup",
            sent(coup, source, &Credentials::Text(&text)),
            &common,
            &[&opcode("1", "8")[..], &[("hsrp.auth_data", "12345678")]].concat(),
        ),
        case("version 1, resign", sent(resign, source, &Credentials::None), &common, &opcode("2", "4")),
        case(
            "version 1, MD5",
            sent(parts, source, &md5),
            &common,
            &[&opcode("0", "16")[..], &md5_fields("10.0.0.1", "70000"), &[("udp.length", "58")]].concat(),
        ),
    ]
}

fn md5_fields(address: &'static str, key_id: &'static str) -> [(&'static str, &'static str); 5] {
    [
        ("hsrp2.md5_algorithm", "1"),
        ("hsrp2.md5_padding", "0x00"),
        ("hsrp2.md5_flags", "0"),
        ("hsrp.md5_ip_address", address),
        ("hsrp2.md5_key_id", key_id),
    ]
}

fn version_1_advertise() -> Vec<Case> {
    let state = InterfaceState::V1 { activity: InterfaceActivity::Passive, active: 0, passive: 300 };
    let own = [
        ("hsrp.opcode", "3"),
        ("hsrp.adv.tlvtype", "1"),
        ("hsrp.adv.tlvlength", "14"),
        ("hsrp.adv.state", "2"),
        ("hsrp.adv.activegrp", "0"),
        ("hsrp.adv.passivegrp", "300"),
        ("hsrp.adv.reserved2", "0"),
        ("udp.length", "24"),
    ];
    let frame = framed(Variant::V1, "10.0.0.1", |out| state.emit(out));
    vec![case("version 1, advertise", frame, &[&HEALTHY[..], &V4, &V1].concat(), &own)]
}

fn version_2() -> Vec<Case> {
    const FIELDS: [(&str, &str); 9] = [
        ("hsrp2.version", "2"),
        ("hsrp2.opcode", "1"),
        ("hsrp2.state", "5"),
        ("hsrp2.ipversion", "4"),
        ("hsrp2.group", "4095"),
        ("hsrp2.identifier", "02:00:00:00:00:01"),
        ("hsrp2.hellotime", "250"),
        ("hsrp2.holdtime", "750"),
        ("hsrp2.virt_ip", "10.0.0.254"),
    ];
    let headers: Vec<_> = [&HEALTHY[..], &V4, &V2].concat();
    let common: Vec<_> = [&headers[..], &FIELDS, &[("hsrp2.priority", "100")]].concat();
    let parts = Parts {
        opcode: Opcode::Coup,
        state: State::Standby,
        timers: timers(Variant::V2Ipv4, 250, 750),
        ..hello(Variant::V2Ipv4, 4095, "10.0.0.254")
    };
    let source = "10.0.0.1";
    let md5 = Credentials::Md5 { key: &key("geheim"), key_id: 7, source: ip(source) };
    let state = InterfaceState::V2 { active: 2, passive: 3 };
    let interface: &Fields =
        &[("hsrp2.active_groups", "2"), ("hsrp2.passive_groups", "3"), ("udp.length", "14")];
    vec![
        case(
            "version 2, text",
            sent(parts, source, &Credentials::Text(&default_text())),
            &common,
            &[("hsrp2.auth_data", "cisco"), ("udp.length", "60")],
        ),
        case(
            "version 2, nothing",
            sent(parts, source, &Credentials::None),
            &common,
            &[("hsrp2.auth_data", ""), ("udp.length", "50")],
        ),
        case(
            "version 2, MD5",
            sent(parts, source, &md5),
            &common,
            &[&md5_fields("10.0.0.1", "7")[..], &[("udp.length", "80")]].concat(),
        ),
        case(
            "version 2, interface state",
            framed(Variant::V2Ipv4, source, |out| state.emit(out)),
            &headers,
            interface,
        ),
    ]
}

fn version_2_ipv6() -> Vec<Case> {
    const FIELDS: [(&str, &str); 8] = [
        ("ipv6.src", "fe80::1:2"),
        ("hsrp2.opcode", "2"),
        ("hsrp2.state", "4"),
        ("hsrp2.ipversion", "6"),
        ("hsrp2.group", "16"),
        ("hsrp2.hellotime", "3000"),
        ("hsrp2.holdtime", "10000"),
        ("hsrp2.virt_ip_v6", "fe80::5:73ff:fea0:10"),
    ];
    let common: Vec<_> = [&HEALTHY[..], &V6, &FIELDS].concat();
    let parts = Parts {
        opcode: Opcode::Resign,
        state: State::Speak,
        ..hello(Variant::V2Ipv6, 16, "fe80::5:73ff:fea0:10")
    };
    let source = "fe80::1:2";
    let md5 = Credentials::Md5 { key: &key("geheim"), key_id: 0, source: ip(source) };
    vec![
        case(
            "IPv6, text",
            sent(parts, source, &Credentials::Text(&default_text())),
            &common,
            &[("hsrp2.auth_data", "cisco")],
        ),
        case("IPv6, MD5", sent(parts, source, &md5), &common, &md5_fields("0.1.0.2", "0")),
    ]
}

fn gratuitous_arp() -> Vec<Case> {
    let mut out = BytesMut::new();
    let link = Link { source: MacAddr([0, 0, 0x0c, 0x07, 0xac, 1]), destination: SWITCHES_MAC };
    build::gratuitous_arp_reply(&mut out, link, [10, 0, 0, 6].into());
    assert_eq!(
        out,
        hex("01000ccdcdcd 00000c07ac01 0806 0001080006040002 00000c07ac01 0a000006 01000ccdcdcd 0a000006")
    );
    let own = [
        ("arp.opcode", "2"),
        ("arp.isgratuitous", "1"),
        ("arp.src.hw_mac", "00:00:0c:07:ac:01"),
        ("arp.dst.hw_mac", "01:00:0c:cd:cd:cd"),
        ("arp.src.proto_ipv4", "10.0.0.6"),
        ("arp.dst.proto_ipv4", "10.0.0.6"),
    ];
    vec![case("gratuitous ARP reply", out, &[("eth.dst", "01:00:0c:cd:cd:cd")], &own)]
}
