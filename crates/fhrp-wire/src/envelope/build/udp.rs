use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::BytesMut;
use pnet_packet::udp::MutableUdpPacket;
use thiserror::Error;

use super::{
    IPV4_HEADERS, IPV4_OCTETS, IPV6_HEADERS, Ipv4Header, Ipv6Header, Link, append, fill_ipv4, fill_ipv6,
};
use crate::envelope::udp;

/// The chosen fields of the headers around a UDP payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UdpHeader {
    /// Addresses of the Ethernet header.
    pub link: Link,
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the family of `source`.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// Type of service or traffic class.
    pub traffic_class: u8,
    /// Both the source and the destination port.
    pub port: u16,
}

/// A datagram that cannot be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidDatagram {
    /// Source and destination must be of one family.
    #[error("source and destination address are of different families")]
    MixedFamilies,
    /// The length fields have 16 bits.
    #[error("a payload of {octets} octets does not fit into one datagram")]
    PayloadTooLong {
        /// Octets given.
        octets: usize,
    },
}

/// Appends an Ethernet frame with a UDP datagram, whose payload `write` appends. Lengths and checksums are filled
/// in afterwards, so that nothing is written twice.
///
/// # Errors
/// [`InvalidDatagram`]; nothing is written then.
pub fn udp(
    out: &mut BytesMut,
    header: &UdpHeader,
    write: impl FnOnce(&mut BytesMut),
) -> Result<(), InvalidDatagram> {
    let ends = Ends::of(header)?;
    let start = out.len();
    append(out, ends.header_octets() + usize::from(udp::HEADER));
    write(out);
    let result = fill(out.get_mut(start..).unwrap_or_default(), header, ends);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Both addresses of the IP header.
#[derive(Clone, Copy)]
enum Ends {
    V4([Ipv4Addr; 2]),
    V6([Ipv6Addr; 2]),
}

impl Ends {
    const fn of(header: &UdpHeader) -> Result<Self, InvalidDatagram> {
        match (header.source, header.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => Ok(Self::V4([source, destination])),
            (IpAddr::V6(source), IpAddr::V6(destination)) => Ok(Self::V6([source, destination])),
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => {
                Err(InvalidDatagram::MixedFamilies)
            }
        }
    }

    /// Octets of Ethernet and IP header.
    const fn header_octets(self) -> usize {
        match self {
            Self::V4(_) => IPV4_HEADERS,
            Self::V6(_) => IPV6_HEADERS,
        }
    }
}

/// Fills in the headers of a frame that holds its payload already.
fn fill(frame: &mut [u8], header: &UdpHeader, ends: Ends) -> Result<(), InvalidDatagram> {
    let octets = frame.len();
    let (headers, datagram) = frame.split_at_mut(ends.header_octets().min(octets));
    let too_long =
        InvalidDatagram::PayloadTooLong { octets: datagram.len().saturating_sub(usize::from(udp::HEADER)) };
    let length = u16::try_from(datagram.len()).map_err(|_| too_long)?;
    let UdpHeader { link, hop_limit, traffic_class, .. } = *header;
    match ends {
        Ends::V4([source, destination]) => {
            let (ttl, tos) = (hop_limit, traffic_class);
            let ip = Ipv4Header { source, destination, protocol: udp::PROTOCOL, ttl, tos };
            fill_ipv4(headers, link, ip, length.checked_add(IPV4_OCTETS).ok_or(too_long)?);
        }
        Ends::V6([source, destination]) => {
            let next_header = udp::PROTOCOL;
            let ip = Ipv6Header { source, destination, next_header, hop_limit, traffic_class };
            fill_ipv6(headers, link, ip, length);
        }
    }
    fill_udp(datagram, header, length);
    Ok(())
}

fn fill_udp(datagram: &mut [u8], header: &UdpHeader, length: u16) {
    if let Some(mut packet) = MutableUdpPacket::new(datagram) {
        packet.set_source(header.port);
        packet.set_destination(header.port);
        packet.set_length(length);
    }
    let checksum = u16::from_be_bytes(udp::sum(header.source, header.destination, datagram).complement());
    if let Some(mut packet) = MutableUdpPacket::new(datagram) {
        // Zero would say that there is none (RFC 768).
        packet.set_checksum(if checksum == 0 { 0xffff } else { checksum });
    }
}
