//! Over IPv6: link-local addresses, neighbour solicitations, and what a router tells all nodes.

use std::net::{IpAddr, Ipv6Addr};

use bytes::BytesMut;
use fhrp::{GlbpConfig, GlbpSettings, GroupState, MacAddr, NoticeKind, RouterAdvertisement};
use fhrp_wire::envelope::build::{self, Ipv6Header, Link};
use fhrp_wire::envelope::{self, Packet, nd};

use super::lan::*;

fn settings6() -> GlbpSettings {
    GlbpSettings { addresses: vec![ip(VIP6)], ..settings() }
}

fn three(change: impl Fn(&mut GlbpSettings)) -> Lan {
    let settings = (1..=3).map(|n| {
        let mut settings = GlbpSettings { priority: if n == 1 { 200 } else { 100 }, ..settings6() };
        change(&mut settings);
        settings
    });
    let mut lan = Lan::new(settings);
    (1..=3).for_each(|n| lan.start(n));
    lan.until(100_000);
    assert_eq!(lan.state(1), GroupState::Active);
    lan
}

fn host6(n: u8) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, n.into())
}

/// RFC 4861 §4.4, to all nodes and unasked.
fn claim(host: MacAddr, target: Ipv6Addr, with_mac: Option<MacAddr>) -> Vec<u8> {
    let mut message = vec![136, 0, 0, 0, 0x20, 0, 0, 0];
    message.extend(target.octets());
    if let Some(mac) = with_mac {
        message.extend([2, 1]);
        message.extend(mac.octets());
    }
    let destination = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
    icmpv6((host, MacAddr([0x33, 0x33, 0, 0, 0, 1])), (target, destination), message)
}

/// RFC 4861 §4.3.
fn solicitation(host: MacAddr, source: Ipv6Addr, to: MacAddr) -> Vec<u8> {
    let IpAddr::V6(target) = ip(VIP6) else { panic!("IPv6") };
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(target.octets());
    if !source.is_unspecified() {
        message.extend([1, 1]);
        message.extend(host.octets());
    }
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::from([0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c]);
    let destination = if to.is_multicast() { group } else { target };
    icmpv6((host, to), (source, destination), message)
}

fn icmpv6(
    (from, to): (MacAddr, MacAddr),
    (source, destination): (Ipv6Addr, Ipv6Addr),
    mut message: Vec<u8>,
) -> Vec<u8> {
    let sum = checksum(source, destination, &message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = BytesMut::new();
    let header = Ipv6Header { source, destination, next_header: 58, hop_limit: 255, traffic_class: 0 };
    build::ipv6(&mut frame, Link { source: from, destination: to }, header, &message).unwrap();
    frame.to_vec()
}

/// RFC 4443 §2.3.
fn checksum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> u16 {
    let mut octets = [source.octets(), destination.octets()].concat();
    octets.extend([0, 0, 0, u8::try_from(message.len()).unwrap(), 0, 0, 0, 58]);
    octets.extend(message);
    let mut sum: u32 = octets.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap()
}

fn group_mac() -> MacAddr {
    MacAddr([0x33, 0x33, 0xff, 0, 1, 0])
}

/// Ethernet source and destination, flags, and the MAC of a neighbour advertisement.
fn advertisement(frame: &[u8]) -> (MacAddr, MacAddr, [bool; 3], Option<MacAddr>) {
    let parsed = envelope::parse(frame).unwrap();
    let Packet::Ipv6(packet) = parsed.packet else { panic!("not IPv6") };
    assert_eq!((IpAddr::V6(packet.source), packet.hop_limit), (ip(VIP6), 255));
    match nd::parse(&packet).unwrap() {
        Some(nd::Nd::NeighborAdvertisement { target, flags, target_mac }) => {
            assert_eq!(IpAddr::V6(target), ip(VIP6));
            let flags = [flags.router, flags.solicited, flags.overrides];
            (parsed.source, parsed.destination, flags, target_mac)
        }
        other => panic!("{other:?}"),
    }
}

/// The Ethernet source is the interface's own: with another router's forwarder there, switches would send its frames
/// to the AVG.
#[test]
fn the_avg_answers_solicitations_in_turn() {
    let mut lan = three(|_| {});
    let mut told = Vec::new();
    for n in 0..6 {
        let answers = lan.ask(&solicitation(host_mac(n), host6(n), group_mac()));
        let [answer] = answers.as_slice() else { panic!("{answers:?}") };
        let (source, destination, flags, target) = advertisement(answer);
        assert_eq!((source, destination, flags), (mac(1), host_mac(n), [true; 3]));
        told.push(target.unwrap());
    }
    told.sort();
    assert_eq!(told, [1, 1, 2, 2, 3, 3].map(vmac));
}

#[test]
fn a_forwarder_answers_for_itself() {
    let mut lan = three(|_| {});
    for n in 1..=3 {
        let answers = lan.ask(&solicitation(host_mac(9), host6(9), vmac(n)));
        let [answer] = answers.as_slice() else { panic!("{answers:?}") };
        let (source, _, _, target) = advertisement(answer);
        assert_eq!((Some(source), target), (lan.reaches(vmac(n)).map(mac), Some(vmac(n))));
    }
}

#[test]
fn a_host_that_advertises_the_address_is_told_of() {
    let mut lan = three(|_| {});
    let IpAddr::V6(target) = ip(VIP6) else { panic!("IPv6") };
    for _ in 0..3 {
        assert!(lan.ask(&claim(host_mac(7), target, Some(host_mac(7)))).is_empty());
    }
    // What a router says: where the address is not, and the MAC of a forwarder.
    assert!(lan.ask(&claim(mac(9), target, None)).is_empty());
    assert!(lan.ask(&claim(mac(9), target, Some(vmac(2)))).is_empty());
    assert!(lan.ask(&claim(host_mac(7), host6(7), Some(host_mac(7)))).is_empty(), "another address");
    let counters = lan.router(1).counters();
    assert_eq!((counters.resolve_gratuitous, counters.resolve_rcvd), (3, 3));
    let said = NoticeKind::DuplicateAddress { address: ip(VIP6), mac: host_mac(7) };
    assert_eq!(lan.router(1).notices.iter().filter(|(_, kind)| *kind == said).count(), 1);
}

/// RFC 4862 §5.4.4: the host must not use the address. All others hear it too, and must not learn a MAC from it.
#[test]
fn a_check_for_duplicates_is_answered_without_a_mac() {
    let mut lan = three(|_| {});
    let answers = lan.ask(&solicitation(host_mac(9), Ipv6Addr::UNSPECIFIED, group_mac()));
    let [answer] = answers.as_slice() else { panic!("{answers:?}") };
    let all_nodes = MacAddr([0x33, 0x33, 0, 0, 0, 1]);
    assert_eq!(advertisement(answer), (mac(1), all_nodes, [true, false, false], None));
    assert!(lan.router(1).glbp().forwarders.iter().all(|known| known.selections == 0));
}

/// The frames to all nodes, by kind.
fn to_all_nodes(lan: &Lan, n: u8) -> Vec<(u64, &'static str)> {
    let kind = |sent: &Sent| {
        let parsed = envelope::parse(&sent.octets).unwrap();
        let Packet::Ipv6(packet) = parsed.packet else { return None };
        let at = sent.at.as_micros() / 1_000_000;
        match nd::parse(&packet).ok().flatten()? {
            nd::Nd::NeighborAdvertisement { .. } => {
                let (source, _, flags, target) = advertisement(&sent.octets);
                assert_eq!((source, flags, target), (mac(n), [true, false, false], None));
                Some((at, "na"))
            }
            nd::Nd::RouterAdvertisement { source_mac, lifetime, .. } => {
                assert_eq!((parsed.source, source_mac, lifetime), (mac(n), None, 1800));
                assert_eq!(IpAddr::V6(packet.source), ip(VIP6));
                Some((at, "ra"))
            }
            _ => None,
        }
    };
    lan.sent_by(n).filter_map(kind).collect()
}

#[test]
fn hosts_are_told_of_a_router_and_not_where_it_is() {
    let lan = three(|_| {});
    assert_eq!(to_all_nodes(&lan, 1), [(20, "na")], "the AVG");
    let others: Vec<_> = (2..=3).flat_map(|n| to_all_nodes(&lan, n)).map(|(_, kind)| kind).collect();
    assert_eq!(others, ["na"; 2], "with their first forwarder");
}

#[test]
fn the_avg_sends_router_advertisements_where_they_are_configured() {
    let mut lan = three(|settings| {
        settings.router_advertisement =
            Some(RouterAdvertisement { interval: secs(60), ..Default::default() });
    });
    lan.forget_sent();
    lan.until(300_000);
    let ours = to_all_nodes(&lan, 1);
    assert_eq!(ours.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), ["ra"; 3]);
    assert!(to_all_nodes(&lan, 2).is_empty());
}

#[test]
fn router_advertisements_begin_and_end_with_their_setting() {
    let every_minute = RouterAdvertisement { interval: secs(60), ..Default::default() };
    let mut lan = three(|_| {});
    for (setting, until, expected) in [(Some(every_minute), 200_000, 2), (None, 500_000, 0)] {
        let settings = GlbpSettings { priority: 200, router_advertisement: setting, ..settings6() };
        lan.act(1, |engine, now| engine.update(now, GlbpConfig::new(settings).unwrap()).unwrap());
        lan.forget_sent();
        lan.until(until);
        assert_eq!(to_all_nodes(&lan, 1).len(), expected);
    }
}

#[test]
fn packets_are_those_of_ipv6() {
    let lan = three(|_| {});
    let hello = lan.sent_by(1).filter(|sent| sent.body().is_some()).last().unwrap();
    assert_eq!(hello.octets[..6], [0x33, 0x33, 0, 0, 0, 0x66]);
    // Traffic class 0xe0, next header UDP, hop limit 255.
    assert_eq!(
        (hello.octets[14], hello.octets[15] & 0xf0, hello.octets[20], hello.octets[21]),
        (0x6e, 0, 17, 255)
    );
}

/// The virtual MACs of a group do not say of which family it is.
#[test]
fn a_group_number_is_taken_in_both_families() {
    let config = |settings| fhrp::GlbpConfig::new(settings).unwrap();
    for (first, second) in [(settings(), settings6()), (settings6(), settings())] {
        let mut engine = fhrp::Engine::new();
        let first = config(first);
        engine.add(ms(0), first.clone()).unwrap();
        let rival = engine.add(ms(0), config(second.clone())).unwrap_err();
        assert_eq!(rival, fhrp::DuplicateGroup(first.id().clone()));
        engine.add(ms(0), config(GlbpSettings { group: 2, ..second })).unwrap();
    }
}
