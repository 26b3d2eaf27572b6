//! What a host sends to ask who has an address, where an engine answers and not a kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut as _, Bytes, BytesMut};
use fhrp::MacAddr;
use fhrp_wire::envelope::build::{self, Ipv6Header, Link};
use fhrp_wire::envelope::nd;

/// ARP over Ethernet for IPv4, a request (RFC 826).
const ARP_REQUEST: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];
const ARP: [u8; 2] = [8, 6];
/// A neighbour solicitation without checksum (RFC 4861 §4.3).
const SOLICITATION: [u8; 8] = [135, 0, 0, 0, 0, 0, 0, 0];
/// Its option with the asker's MAC (RFC 4861 §4.6.1).
const SOURCE_MAC: [u8; 2] = [1, 1];

/// A whole frame: `host` asks `destination` who has `target`. `number` makes its own address.
pub(crate) fn question(host: MacAddr, destination: MacAddr, target: IpAddr, number: u8) -> Option<Bytes> {
    let mut out = BytesMut::new();
    match target {
        IpAddr::V4(target) => {
            let own = Ipv4Addr::new(192, 0, 2, 200_u8.wrapping_add(number));
            for part in [&destination.0[..], &host.0, &ARP, &ARP_REQUEST, &host.0, &own.octets()] {
                out.put_slice(part);
            }
            out.put_slice(&[0; 6]);
            out.put_slice(&target.octets());
        }
        IpAddr::V6(target) => {
            let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 1, u16::from(number));
            let mut message = SOLICITATION.to_vec();
            for part in [&target.octets()[..], &SOURCE_MAC, &host.0] {
                message.extend_from_slice(part);
            }
            let sum = checksum(&[&source.octets(), &target.octets()], &message);
            message[2..4].copy_from_slice(&sum.to_be_bytes());
            let link = Link { source: host, destination };
            let header = Ipv6Header {
                source,
                destination: target,
                next_header: nd::PROTOCOL,
                hop_limit: build::HOP_LIMIT,
                traffic_class: 0,
            };
            build::ipv6(&mut out, link, header, &message).ok()?;
        }
    }
    Some(out.freeze())
}

/// RFC 4443 §2.3.
fn checksum(ends: &[&[u8; 16]; 2], message: &[u8]) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(0) + u32::from(nd::PROTOCOL);
    let words = ends.iter().flat_map(|end| end.chunks_exact(2)).chain(message.chunks_exact(2));
    let mut sum = words.map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u32>() + length;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use fhrp_wire::envelope::{self, Packet};

    use super::*;

    const HOST: MacAddr = MacAddr([2, 0, 0, 0, 1, 1]);

    #[test]
    fn questions_are_read_as_such() {
        let target = IpAddr::from([192, 0, 2, 101]);
        let frame = question(HOST, MacAddr::BROADCAST, target, 3).unwrap();
        let Packet::Arp(arp) = envelope::parse(&frame).unwrap().packet else { panic!("no ARP") };
        assert_eq!((arp.sender_mac, IpAddr::V4(arp.target_address)), (HOST, target));
        let target = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 101);
        let frame = question(HOST, MacAddr::BROADCAST, target.into(), 3).unwrap();
        let Packet::Ipv6(ip) = envelope::parse(&frame).unwrap().packet else { panic!("no IPv6") };
        let read = nd::parse(&ip).unwrap();
        assert_eq!(read, Some(nd::Nd::NeighborSolicitation { target, source_mac: Some(HOST) }));
    }
}
