//! Traffic of Cisco routers: read, verified, and written again byte for byte, headers included.
//!
//! The only octets that are not compared are the last four of version 1's Advertise, which those routers do not
//! initialise, and with them the UDP checksum.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use bytes::BytesMut;
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::build::{self, Link};
use fhrp_wire::envelope::udp::{self, Datagram};
use fhrp_wire::envelope::{self, Frame, Packet};
use fhrp_wire::hsrp::{
    self, Auth, Credentials, KeyBytes, Opcode, Origin, Parsed, Received, SWITCHES_MAC, State, TimersSeen,
    Variant, default_text, is_virtual_mac, parse, peek_group,
};

use crate::common::captures::frames;
use crate::common::ip;

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    parsed: usize,
    written_again: usize,
    text: usize,
    md5: usize,
    interface_states: usize,
}

/// The keys of the senders.
type Keys = BTreeMap<IpAddr, KeyBytes>;

/// Reads, verifies and rewrites every HSRP packet; `check` sees the frame and each message. `None` without the
/// file.
fn every_packet(
    name: &str,
    variant: Variant,
    keys: &Keys,
    mut check: impl FnMut(&Frame<'_>, &Received<'_>),
) -> Option<Count> {
    let mut count = Count::default();
    for octets in frames(name)? {
        let Some((frame, datagram)) = datagram(&octets) else { continue };
        let destination = (datagram.destination, datagram.destination_port);
        assert_eq!(Variant::of_destination(destination.0, destination.1), Some(variant));
        assert_eq!(datagram.source_port, variant.port());
        let mut again = BytesMut::new();
        let parsed = parse(variant, datagram.payload).unwrap();
        let origin =
            Origin { source_mac: frame.source, source: datagram.source, hop_limit: datagram.hop_limit };
        hsrp::frame(&mut again, variant, origin, |out| match &parsed {
            Parsed::Message(received) => {
                write_again(received, datagram.source, keys, out, &mut count);
            }
            Parsed::InterfaceState(state) => {
                count.interface_states += 1;
                state.emit(out);
            }
        })
        .unwrap();
        assert_eq!(masked(&again, &parsed), masked(&octets[..again.len()], &parsed), "{name}");
        assert!(octets[again.len()..].iter().all(|padding| *padding == 0));
        if let Parsed::Message(received) = &parsed {
            assert_eq!(received.remarks().timers, TimersSeen::AsSent);
            assert_eq!(received.remarks().clamped_priority, None);
            assert_eq!(peek_group(variant, datagram.payload), Some(received.message().group()));
            check(&frame, received);
        }
        count.parsed += 1;
        count.written_again += 1;
    }
    println!("{name}: {count:?}");
    Some(count)
}

fn datagram(octets: &[u8]) -> Option<(Frame<'_>, Datagram<'_>)> {
    let frame = envelope::parse(octets).unwrap();
    let datagram = udp::parse(&frame.packet).unwrap()?;
    Some((frame, datagram))
}

/// With the credentials it came with; what is wrong with them is found here.
fn write_again(received: &Received<'_>, source: IpAddr, keys: &Keys, out: &mut BytesMut, count: &mut Count) {
    let message = received.message();
    match *received.auth() {
        Auth::Md5 { key_id, .. } => {
            let key = &keys[&source];
            assert!(received.verify_md5(key, source));
            for (other, wrong) in keys.iter().filter(|(other, _)| **other != source) {
                assert!(!received.verify_md5(wrong, source), "the key of {other}");
            }
            count.md5 += 1;
            message.emit(out, &Credentials::Md5 { key, key_id, source });
        }
        Auth::Text(_) => {
            assert!(received.verify_text(&default_text()));
            count.text += 1;
            message.emit(out, &Credentials::Text(&default_text()));
        }
        Auth::None => panic!("every router authenticates"),
    }
}

fn masked(frame: &[u8], parsed: &Parsed<'_>) -> Vec<u8> {
    let mut frame = frame.to_vec();
    if let Parsed::InterfaceState(hsrp::InterfaceState::V1 { .. }) = parsed {
        // Behind 14 octets of Ethernet, 20 of IPv4 and six of UDP; behind 12 of the message.
        frame[40..42].fill(0);
        frame[54..58].fill(0);
    }
    frame
}

fn keys(of: &[(&str, &str)]) -> Keys {
    of.iter().map(|(source, key)| (ip(source), crate::key(key))).collect()
}

/// The Active router speaks from the virtual MAC, everybody else from the interface's; which is also the
/// identifier of version 2.
fn check_source_mac(frame: &Frame<'_>, received: &Received<'_>) {
    let message = received.message();
    if message.state() == State::Active {
        assert_eq!(frame.source, message.group().virtual_mac());
    } else {
        assert!(!is_virtual_mac(frame.source));
        assert!(message.identifier().is_none_or(|identifier| identifier == frame.source));
    }
}

#[test]
fn version_1_election() {
    let mut states = BTreeMap::new();
    let count = every_packet("hsrpv1-election.cap", Variant::V1, &keys(&[]), |frame, received| {
        let message = received.message();
        check_source_mac(frame, received);
        assert_eq!((message.opcode(), message.group().number()), (Opcode::Hello, 1));
        assert_eq!(message.address(), Some(ip("192.168.0.1")));
        *states.entry((message.state(), message.priority())).or_insert(0) += 1;
    });
    if let Some(count) = count {
        let expected = Count { parsed: 49, written_again: 49, text: 42, md5: 0, interface_states: 7 };
        assert_eq!(count, expected);
        let states: Vec<_> = states.into_iter().collect();
        assert_eq!(
            states,
            [
                ((State::Speak, 100), 7),
                ((State::Speak, 200), 4),
                ((State::Standby, 100), 10),
                ((State::Standby, 200), 1),
                ((State::Active, 200), 20),
            ]
        );
    }
}

#[test]
fn version_1_coup_and_resign() {
    let mut opcodes = Vec::new();
    let file = "hsrpv1-coup-resign-old-ios.pcap";
    let count = every_packet(file, Variant::V1, &keys(&[]), |frame, received| {
        check_source_mac(frame, received);
        let message = received.message();
        if message.opcode() != Opcode::Hello {
            opcodes.push((message.opcode(), message.state()));
        }
    });
    if let Some(count) = count {
        let expected = Count { parsed: 117, written_again: 117, text: 117, md5: 0, interface_states: 0 };
        assert_eq!(count, expected);
        assert_eq!(
            opcodes,
            [(Opcode::Coup, State::Listen), (Opcode::Resign, State::Speak), (Opcode::Coup, State::Active)]
        );
    }
}

#[test]
fn version_1_signed_with_two_keys() {
    let keys = keys(&[("10.0.0.10", "password12345"), ("10.0.0.20", "openwall12345")]);
    let count = every_packet("hsrpv1-md5-two-keys.pcap", Variant::V1, &keys, check_source_mac);
    if let Some(count) = count {
        let expected = Count { parsed: 43, written_again: 43, text: 0, md5: 43, interface_states: 0 };
        assert_eq!(count, expected);
    }
}

#[test]
fn version_2_with_text() {
    let mut groups = Vec::new();
    let count = every_packet("hsrpv2-text-auth.pcap", Variant::V2Ipv4, &keys(&[]), |frame, received| {
        check_source_mac(frame, received);
        groups.push((received.message().group().number(), received.message().state()));
    });
    if let Some(count) = count {
        let expected = Count { parsed: 2, written_again: 2, text: 2, md5: 0, interface_states: 0 };
        assert_eq!(count, expected);
        assert_eq!(groups, [(920, State::Standby), (103, State::Active)]);
    }
}

#[test]
fn version_2_signed_with_two_keys() {
    let keys = keys(&[("10.0.0.10", "password"), ("10.0.0.20", "password12345")]);
    let count = every_packet("hsrpv2-md5-two-keys.pcap", Variant::V2Ipv4, &keys, check_source_mac);
    if let Some(count) = count {
        let expected = Count { parsed: 1997, written_again: 1997, text: 0, md5: 1995, interface_states: 2 };
        assert_eq!(count, expected);
    }
}

/// Both copies of a gratuitous ARP, written again byte for byte.
#[test]
fn gratuitous_arp() {
    for (name, mac, address, expected) in [
        ("hsrpv1-gratuitous-arp.cap", [0, 0, 0x0c, 0x07, 0xac, 1], [10, 0, 0, 6], [3, 3]),
        ("hsrpv2-md5-two-keys.pcap", [0, 0, 0x0c, 0x9f, 0xf0, 1], [10, 0, 0, 100], [3, 1]),
    ] {
        let Some(frames) = frames(name) else { return };
        let (mut broadcast, mut switches) = (0, 0);
        for octets in frames {
            let frame = envelope::parse(&octets).unwrap();
            let Packet::Arp(_) = frame.packet else { continue };
            let link = Link { source: MacAddr(mac), destination: frame.destination };
            let mut again = BytesMut::new();
            build::gratuitous_arp_reply(&mut again, link, Ipv4Addr::from(address));
            again.resize(octets.len(), 0);
            assert_eq!(again, octets);
            broadcast += usize::from(frame.destination == MacAddr::BROADCAST);
            switches += usize::from(frame.destination == SWITCHES_MAC);
        }
        assert_eq!([broadcast, switches], expected, "{name}");
    }
}
