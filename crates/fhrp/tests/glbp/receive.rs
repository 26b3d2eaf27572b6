//! Packets that do not count: each rule its counter, and nothing else moves.

use fhrp::{GroupState, MacAddr, NoticeKind};
use fhrp_wire::envelope::build::{self, Link, UdpHeader};
use fhrp_wire::glbp::{Body, Credentials, Destination, ForwarderPriority, VgState};

use super::gateway::{alone, hear};
use super::lan::*;
use super::packets::*;

/// A datagram from 10.0.0.2 to the group.
fn datagram(payload: &[u8]) -> Vec<u8> {
    wrapped(
        payload,
        UdpHeader {
            link: Link { source: mac(2), destination: MacAddr([1, 0, 0x5e, 0, 0, 0x66]) },
            source: ip("10.0.0.2"),
            destination: ip("224.0.0.102"),
            hop_limit: 255,
            traffic_class: 0xc0,
            port: 3222,
        },
    )
}

fn wrapped(payload: &[u8], header: UdpHeader) -> Vec<u8> {
    let mut frame = bytes::BytesMut::new();
    build::udp(&mut frame, &header, |out| out.extend_from_slice(payload)).unwrap();
    frame.to_vec()
}

fn legal() -> Vec<u8> {
    let forwarders = [active(1, ForwarderPriority::PRIMARY)];
    payload(&says(2, VgState::Active, 255).with(&forwarders).frame())
}

/// The counters of the group that are not zero.
fn counted(lan: &mut Lan) -> Vec<(&'static str, u64)> {
    let counters = lan.router(1).counters();
    counters.iter().filter(|(name, count)| *count > 0 && *name != "hello_sent").collect()
}

/// A change of a legal payload, and the counter of the rule that it breaks.
fn damages() -> Vec<(&'static str, Vec<u8>)> {
    let change = |at: usize, octets: &[u8]| {
        let mut payload = legal();
        payload[at..at + octets.len()].copy_from_slice(octets);
        payload
    };
    let add = |octets: &[u8]| [legal(), octets.to_vec()].concat();
    let header = legal()[..12].to_vec();
    let hello = legal()[12..40].to_vec();
    let forwarder = legal()[40..].to_vec();
    let odd_forwarder = change(43, &[8])[40..].to_vec();
    let opcode = |opcode: u8, tlvs: &[u8]| {
        let mut header = header.clone();
        header[1] = opcode;
        [header, tlvs.to_vec()].concat()
    };
    let ipv6_hello = {
        let mut hello = [hello.clone(), vec![0; 12]].concat();
        hello[1] = 40;
        (hello[22], hello[23]) = (2, 16);
        [header.clone(), hello].concat()
    };
    vec![
        ("too_short", legal()[..11].to_vec()),
        ("version_errors", change(0, &[2])),
        ("opcode_errors", change(1, &[3])),
        ("owner_id_errors", change(6, &[0xff; 6])),
        ("tlv_length_errors", add(&[9, 1])),
        ("tlv_past_end", add(&[9, 5, 0])),
        ("tlv_repeated", add(&hello)),
        ("auth_layout_errors", add(&[3, 3, 1])),
        ("auth_type_errors", add(&[3, 5, 9, 1, 0])),
        ("nonce_length_errors", add(&[4, 8, 1, 0, 0, 0, 0, 1])),
        ("hello_length_errors", [header.clone(), vec![1, 4, 0, 4]].concat()),
        ("address_type_errors", change(34, &[7])),
        ("address_length_errors", change(35, &[5])),
        ("address_family_errors", ipv6_hello),
        ("gateway_state_errors", change(15, &[2])),
        ("hello_time_errors", change(20, &[0; 4])),
        ("hold_time_errors", change(24, &[0, 0, 0x0b, 0xb8])),
        ("virtual_address_errors", change(36, &[224, 0, 0, 1])),
        ("forwarder_length_errors", add(&[2, 4, 2, 4])),
        ("forwarder_number_errors", change(42, &[5])),
        ("forwarder_mac_errors", change(54, &[0, 7, 0xb4, 0, 2, 1])),
        ("forwarder_state_errors", [header.clone(), odd_forwarder].concat()),
        ("forwarder_repeated", add(&forwarder)),
        ("forwarder_count_errors", opcode(1, &[])),
        ("empty_errors", header.clone()),
    ]
}

#[test]
fn each_rule_of_the_format_has_its_counter() {
    let mut lan = alone(settings(), 15_000);
    let (state, due) = (lan.state(1), lan.router(1).engine.next_deadline());
    lan.forget_sent();
    let mut expected = Vec::new();
    for (name, payload) in damages() {
        let frame = if name == "forwarder_count_errors" {
            let header = UdpHeader {
                link: Link { source: mac(2), destination: mac(1) },
                source: ip("10.0.0.2"),
                destination: ip("10.0.0.1"),
                hop_limit: 255,
                traffic_class: 0xc0,
                port: 3222,
            };
            wrapped(&payload, header)
        } else {
            datagram(&payload)
        };
        hear(&mut lan, 15_000, &frame);
        expected.push((name, 1));
        let mut found = counted(&mut lan);
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
    let interface = lan.router(1).engine.interfaces().next().unwrap().1.clone();
    assert_eq!(interface.glbp_malformed, u64::try_from(damages().len()).unwrap());
    assert_eq!((lan.state(1), lan.router(1).engine.next_deadline()), (state, due));
    assert!(lan.sent.is_empty());
    let words = lan.router(1).notices.iter().filter(|(_, kind)| matches!(kind, NoticeKind::Discarded { .. }));
    assert_eq!(words.count(), 1, "the first, and no more in half a minute");
}

#[test]
fn a_forwarder_in_an_unknown_state_leaves_the_claim_of_its_avg_standing() {
    let mut lan = alone(settings(), 15_000);
    let mut payload = legal();
    payload[43] = 8;
    hear(&mut lan, 15_000, &datagram(&payload));
    let status = lan.router(1).status();
    assert_eq!((status.active, lan.router(1).forwarder(1)), (Some(ip("10.0.0.2")), None));
    assert_eq!(counted(&mut lan), [("hello_rcvd", 1), ("forwarder_state_errors", 1)]);
}

#[test]
fn what_is_wrong_around_the_packet_is_counted_too() {
    let mut lan = alone(settings(), 15_000);
    let group = UdpHeader {
        link: Link { source: mac(2), destination: MacAddr([1, 0, 0x5e, 0, 0, 0x66]) },
        source: ip("10.0.0.2"),
        destination: ip("224.0.0.102"),
        hop_limit: 255,
        traffic_class: 0xc0,
        port: 3222,
    };
    let peer = says(2, VgState::Active, 255);
    let to = |address: &str, to: MacAddr| UdpHeader {
        destination: ip(address),
        link: Link { destination: to, ..group.link },
        ..group
    };
    hear(&mut lan, 15_000, &wrapped(&legal(), UdpHeader { hop_limit: 254, ..group }));
    hear(&mut lan, 15_000, &wrapped(&legal(), to("10.0.0.1", mac(1))));
    hear(&mut lan, 15_000, &wrapped(&legal(), to("10.0.0.77", mac(1))));
    hear(&mut lan, 15_000, &peer.frame_with(Body::Request, Credentials::None, Destination::Group));
    hear(&mut lan, 15_000, &wrapped(&legal(), UdpHeader { source: ip("224.0.0.5"), ..group }));
    hear(&mut lan, 15_000, &wrapped(&legal(), UdpHeader { source: ip("10.0.0.1"), ..group }));
    hear(&mut lan, 15_000, &Says { owner: mac(1), ..peer }.frame());
    let found = counted(&mut lan);
    assert_eq!(found, [("looped", 2), ("destination_errors", 3), ("ip_ttl_errors", 1), ("source_errors", 1)]);
    assert_ne!(lan.state(1), GroupState::Active);
    assert_eq!(lan.router(1).status().active, None);
    let duplicate = |kind: &NoticeKind| matches!(kind, NoticeKind::DuplicateAddress { .. });
    assert_eq!(lan.router(1).notices.iter().filter(|(_, kind)| duplicate(kind)).count(), 1);
}

#[test]
fn packets_for_other_groups_are_nobodys() {
    let mut lan = alone(settings(), 15_000);
    for group in [[0, 2], [4, 0], [0xff, 0xff]] {
        let mut payload = legal();
        payload[2..4].copy_from_slice(&group);
        hear(&mut lan, 15_000, &datagram(&payload));
    }
    let interface = lan.router(1).engine.interfaces().next().unwrap().1.clone();
    assert_eq!(
        (interface.glbp_group_errors, interface.glbp_malformed),
        (2, 1),
        "its MACs are not that group's"
    );
    assert_eq!(counted(&mut lan), []);
}

/// Whatever chance makes of a legal packet, nothing panics, and nothing that breaks a rule moves anything.
#[test]
fn every_truncation_and_every_flipped_bit_is_survived() {
    let mut lan = alone(settings(), 35_000);
    let frame = datagram(&legal());
    for length in 0..frame.len() {
        hear(&mut lan, 35_000, &frame[..length]);
    }
    assert_eq!(lan.state(1), GroupState::Active);
    for bit in 0..legal().len() * 8 {
        let mut payload = legal();
        payload[bit / 8] ^= 1 << (bit % 8);
        hear(&mut lan, 35_000 + u64::try_from(bit).unwrap(), &datagram(&payload));
    }
    lan.until(400_000);
    assert_eq!(lan.state(1), GroupState::Active, "whoever that was is gone");
}

#[test]
fn a_thousand_members_that_do_not_exist_fill_their_places_only() {
    let mut lan = alone(settings(), 15_000);
    for n in 0..1000_u16 {
        let [high, low] = n.to_be_bytes();
        let forged = Says { owner: MacAddr([2, 0, 0, 9, high, low]), ..says(9, VgState::Listen, 100) };
        hear(&mut lan, 15_000, &forged.frame());
    }
    assert_eq!(lan.router(1).glbp().members.len(), 32);
    lan.until(30_000);
    assert!(lan.router(1).glbp().members.is_empty());
}
