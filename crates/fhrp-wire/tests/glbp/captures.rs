//! Traffic of Cisco routers: read, verified, and written again byte for byte.
//!
//! The octets that are not compared are those that these routers do not initialise, and with them the digest.

use std::net::IpAddr;

use bytes::BytesMut;
use fhrp_wire::envelope::udp::{self, Datagram};
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::glbp::{
    self, AuthData, Body, Credentials, Destination, ForwarderPriority, KeyBytes, Nonces, Opcode, PacketFrame,
    Parsed, VfState, VgState, packet_frame,
};
use fhrp_wire::{Family, MacAddr};

use crate::common;
use crate::common::captures::frames;

/// A packet of a capture.
struct Seen<'a> {
    frame: &'a [u8],
    source_mac: MacAddr,
    destination_mac: MacAddr,
    datagram: Datagram<'a>,
    parsed: Parsed<'a>,
}

/// Calls `check` with every GLBP packet of a file; returns how many there are, or `None` without the file.
fn every_packet(name: &str, mut check: impl FnMut(&Seen<'_>)) -> Option<usize> {
    let mut packets = 0;
    for octets in frames(name)? {
        let frame = envelope::parse(&octets).unwrap();
        let Some(datagram) = udp::parse(&frame.packet).unwrap() else {
            assert!(!matches!(frame.packet, Packet::Ipv4(_)), "the rest is loopback tests and CDP");
            continue;
        };
        assert_eq!((datagram.source_port, datagram.destination_port), (glbp::PORT, glbp::PORT));
        assert_eq!(datagram.hop_limit, glbp::TTL);
        let parsed = glbp::parse(Family::of(&datagram.source), datagram.payload).unwrap();
        let to_group = datagram.destination == IpAddr::V4(glbp::GROUP_V4);
        assert_eq!(to_group, parsed.packet.opcode() == Opcode::Announcement);
        let (source_mac, destination_mac) = (frame.source, frame.destination);
        check(&Seen { frame: &octets, source_mac, destination_mac, datagram, parsed });
        packets += 1;
    }
    println!("{name}: {packets} packets");
    Some(packets)
}

#[test]
fn three_routers_without_authentication() {
    let mut opcodes = [0; 3];
    let (mut states, mut forwarders, mut alone) = ([0; 4], [0; 4], 0);
    let packets = every_packet("glbp-election-3routers.cap", |seen| {
        let packet = seen.parsed.packet;
        assert_eq!(seen.parsed.auth, AuthData::None);
        opcodes[usize::from(packet.opcode().get())] += 1;
        if let Body::Announcement { hello, forwarders: announced } = packet.body() {
            match hello {
                Some(hello) => states[place(hello.state())] += 1,
                None => alone += 1,
            }
            for forwarder in announced.iter() {
                assert_eq!(forwarder.state, VfState::Active);
                assert_eq!(forwarder.priority, ForwarderPriority::PRIMARY);
                forwarders[usize::from(forwarder.number.get()) - 1] += 1;
                assert_eq!(seen.source_mac, glbp::virtual_mac(packet.group(), forwarder.number));
            }
        }
        assert_eq!(frame_again(seen), seen.frame);
    });
    if let Some(packets) = packets {
        assert_eq!(packets, 80);
        assert_eq!(opcodes, [78, 1, 1]);
        assert_eq!((states, alone), ([35, 10, 12, 18], 3), "Listen, Speak, Standby, Active");
        assert_eq!(forwarders, [15, 14, 13, 0]);
    }
}

/// The whole frame, headers included.
fn frame_again(seen: &Seen<'_>) -> BytesMut {
    let destination = match seen.parsed.packet.opcode() {
        Opcode::Announcement => Destination::Group,
        Opcode::Request | Opcode::Response => {
            Destination::Peer { mac: seen.destination_mac, address: seen.datagram.destination }
        }
    };
    let frame = PacketFrame {
        packet: seen.parsed.packet,
        credentials: Credentials::None,
        source_mac: seen.source_mac,
        source: seen.datagram.source,
        destination,
    };
    let mut again = BytesMut::new();
    packet_frame(&mut again, &frame).unwrap();
    again
}

fn place(state: VgState) -> usize {
    match state {
        VgState::Listen => 0,
        VgState::Speak => 1,
        VgState::Standby => 2,
        VgState::Active => 3,
    }
}

/// Octets that these routers do not initialise, set to zero: the digest covers them, the values do not.
fn without_rubbish(payload: &[u8]) -> Vec<u8> {
    let mut octets = payload.to_vec();
    let mut start = 12;
    while start < octets.len() {
        let (kind, length) = (octets[start], usize::from(octets[start + 1]));
        let tlv = &mut octets[start..start + length];
        match kind {
            1 => tlv[20..22].fill(0),
            2 => {
                tlv[7] = 0;
                tlv[12..14].fill(0);
            }
            4 => tlv[8..].chunks_mut(12).for_each(|peer| peer[10..].fill(0)),
            _ => {}
        }
        start += length;
    }
    octets
}

/// The digest of a key chain that comes first.
const DIGEST: std::ops::Range<usize> = 20..36;

#[test]
fn md5_key_chain() {
    let key = KeyBytes::new("password12345").unwrap();
    let wrong = KeyBytes::new("password1234").unwrap();
    let (mut verified, mut peers, mut secondaries, mut clean) = (0, [0; 2], Vec::new(), 0);
    let packets = every_packet("glbp-md5-keychain.pcap", |seen| {
        let Seen { datagram: Datagram { source, payload, .. }, parsed, .. } = seen;
        let AuthData::Md5 { key_id: Some(1), nonces: Some(nonces), .. } = parsed.auth else {
            panic!("{parsed:?}");
        };
        assert!(parsed.verify_md5(&key, *source));
        assert!(!parsed.verify_md5(&wrong, *source));
        assert!(!parsed.verify_md5(&key, common::ip("10.1.2.4")));
        verified += 1;
        peers[nonces.peers.len()] += 1;
        secondaries.extend(secondary_timers(parsed));

        let mut expected = without_rubbish(payload);
        clean += usize::from(expected == *payload);
        let again = again(parsed, &key, nonces, *source);
        // The digests cover different rubbish.
        expected[DIGEST].copy_from_slice(&again[DIGEST]);
        assert_eq!(again, expected);
    });
    if let Some(packets) = packets {
        assert_eq!((packets, verified, clean), (44, 44, 0));
        assert_eq!(peers, [12, 32]);
        assert_eq!(secondaries.len(), 18);
        // Both fall by a second in a second, from 14400 and 600.
        assert_eq!(secondaries[..3], [(14_360, 560), (14_357, 557), (14_355, 555)]);
        assert!(secondaries.iter().all(|(timeout, redirect)| timeout - redirect == 13_800));
    }
}

/// Timeout and redirect time left, of the forwarders that somebody else owns.
fn secondary_timers(parsed: &Parsed<'_>) -> Vec<(u16, u16)> {
    let Body::Announcement { forwarders, .. } = parsed.packet.body() else { return Vec::new() };
    let secondary = forwarders.iter().filter(|one| one.priority == ForwarderPriority::SECONDARY);
    secondary.map(|one| (one.timeout_left.get(), one.redirect_left.get())).collect()
}

/// The packet written again, its own digest checked.
fn again(parsed: &Parsed<'_>, key: &KeyBytes, nonces: Nonces<'_>, source: IpAddr) -> Vec<u8> {
    let mut again = BytesMut::new();
    let credentials = Credentials::Md5 { key, key_id: Some(1), nonces };
    parsed.packet.emit(&mut again, &credentials, source).unwrap();
    let read = glbp::parse(Family::V4, &again).unwrap();
    assert!(read.verify_md5(key, source));
    assert_eq!(read.packet, parsed.packet);
    again.to_vec()
}
