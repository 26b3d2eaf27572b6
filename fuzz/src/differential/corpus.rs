//! Packets for the comparison: known ones, written ones and captured ones, and mutations of all of them.

use bytes::BytesMut;
use fhrp_wire::envelope::build::{self, Ipv4Header, Ipv6Header, Link, UdpHeader};
use fhrp_wire::envelope::{self, Packet, udp};
use fhrp_wire::vrrp;

use crate::{Chance, checksum, seeds};

/// Packets that begin everything, besides what was captured.
const WRITTEN: usize = 400;

/// `count` packets, and those that they were made from: the same for the same seed, and the same captures.
#[must_use]
pub fn corpus(count: usize, seed: u64) -> Vec<Vec<u8>> {
    let mut chance = Chance::new(seed);
    let mut packets = seeds::frames(&mut chance, WRITTEN);
    packets.extend(seeds::captured().into_iter().map(|(_, frame)| frame));
    let begun = packets.clone();
    packets.extend((0..count).map(|_| mutated(&mut chance, &begun)));
    packets
}

/// Half of them bent within the message, with lengths and checksums set right again: others would be cast away before
/// anybody looks at them.
fn mutated(chance: &mut Chance, begun: &[Vec<u8>]) -> Vec<u8> {
    let frame = &begun[chance.below(begun.len())];
    if chance.below(2) == 0 {
        return within(chance, frame).unwrap_or_else(|| frame.clone());
    }
    // Shorter than an Ethernet header is no packet for either.
    let mut bent = chance.mutated(std::slice::from_ref(frame));
    if bent.len() < 14 {
        bent.clone_from(frame);
    }
    bent
}

fn within(chance: &mut Chance, frame: &[u8]) -> Option<Vec<u8>> {
    let frame = envelope::parse(frame).ok()?;
    let link = Link { source: frame.source, destination: frame.destination };
    let mut out = BytesMut::new();
    if let Ok(Some(datagram)) = udp::parse(&frame.packet) {
        let payload = chance.mutated(&[datagram.payload.to_vec()]);
        let header = UdpHeader {
            link,
            source: datagram.source,
            destination: datagram.destination,
            hop_limit: datagram.hop_limit,
            traffic_class: build::TRAFFIC_CLASS,
            port: datagram.destination_port,
        };
        build::udp(&mut out, &header, |out| out.extend_from_slice(&payload)).ok()?;
        return Some(out.to_vec());
    }
    let (tos, ttl) = (build::TRAFFIC_CLASS, build::HOP_LIMIT);
    match frame.packet {
        Packet::Ipv4(ip) if ip.protocol == vrrp::PROTOCOL => {
            let payload = message(chance, (ip.source.into(), ip.destination.into()), ip.payload);
            let (source, destination, protocol) = (ip.source, ip.destination, ip.protocol);
            let header = Ipv4Header { source, destination, protocol, ttl, tos };
            build::ipv4(&mut out, link, header, &payload).ok()?;
        }
        Packet::Ipv6(ip) if ip.next_header == vrrp::PROTOCOL => {
            let payload = message(chance, (ip.source.into(), ip.destination.into()), ip.payload);
            let (source, destination, next_header) = (ip.source, ip.destination, ip.next_header);
            let header = Ipv6Header { source, destination, next_header, hop_limit: ttl, traffic_class: tos };
            build::ipv6(&mut out, link, header, &payload).ok()?;
        }
        Packet::Ipv4(_) | Packet::Ipv6(_) | Packet::Arp(_) | Packet::Other(_) => return None,
    }
    Some(out.to_vec())
}

/// A mutated VRRP message, most often with a right checksum.
fn message(chance: &mut Chance, ends: (std::net::IpAddr, std::net::IpAddr), payload: &[u8]) -> Vec<u8> {
    let mut payload = chance.mutated(&[payload.to_vec()]);
    if payload.len() >= 8 && chance.below(8) != 0 {
        payload[6..8].fill(0);
        let sum = checksum::over(ends.0, ends.1, vrrp::PROTOCOL, &payload);
        payload[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    payload
}
