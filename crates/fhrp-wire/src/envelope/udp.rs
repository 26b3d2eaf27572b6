//! UDP (RFC 768) over IPv4 and IPv6, which HSRP and GLBP travel in.

use std::net::IpAddr;

use thiserror::Error;

use super::Packet;
use crate::checksum::Sum;
use crate::reader::Reader;

/// IP protocol, or IPv6 next header, of UDP.
pub const PROTOCOL: u8 = 17;

/// Octets of the header.
pub(super) const HEADER: u16 = 8;

/// A received datagram, with what its receiver wants to know of the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Source address.
    pub source: IpAddr,
    /// Destination address, of the same family.
    pub destination: IpAddr,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// As long as the UDP header says: what the IP packet holds behind it is cut off.
    pub payload: &'a [u8],
}

/// The first rule that a datagram breaks. One variant per rule, in the order of checking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum UdpError {
    /// The IP packet ends inside the UDP header.
    #[error("{actual} octets are too few for a UDP header of 8")]
    TooShort {
        /// Octets received.
        actual: usize,
    },
    /// A length that does not cover the header itself.
    #[error("UDP length {0} is shorter than the UDP header")]
    LengthTooSmall(u16),
    /// Longer than what arrived.
    #[error("UDP length {length} with {received} octets received")]
    LengthTooLarge {
        /// What the header says.
        length: u16,
        /// Octets received after the IP header.
        received: usize,
    },
    /// Over IPv6 a checksum is mandatory (RFC 8200 §8.1).
    #[error("no UDP checksum over IPv6")]
    ChecksumMissing,
    /// The checksum is wrong.
    #[error("wrong UDP checksum")]
    Checksum,
}

/// Reads the datagram in `packet`; `None` if it is not UDP. Over IPv4 a checksum of zero means that there is none.
///
/// # Errors
/// The first rule broken.
pub fn parse<'a>(packet: &Packet<'a>) -> Result<Option<Datagram<'a>>, UdpError> {
    let Some(carrier) = Carrier::of(packet) else { return Ok(None) };
    let octets = carrier.payload;
    let mut reader = Reader::new(octets);
    let mut header = || Some((reader.u16()?, reader.u16()?, reader.u16()?, reader.u16()?));
    let (source_port, destination_port, length, checksum) =
        header().ok_or(UdpError::TooShort { actual: octets.len() })?;
    let payload_length = length.checked_sub(HEADER).ok_or(UdpError::LengthTooSmall(length))?;
    let payload = reader
        .take(usize::from(payload_length))
        .ok_or(UdpError::LengthTooLarge { length, received: octets.len() })?;
    let datagram = octets.get(..usize::from(length)).unwrap_or_default();
    carrier.check_sum(checksum, datagram)?;
    let Carrier { source, destination, hop_limit, .. } = carrier;
    Ok(Some(Datagram { source, destination, hop_limit, source_port, destination_port, payload }))
}

/// Destination port of a packet that may break any rule of UDP, to attribute an error; `None` if it is not UDP or
/// ends before that field.
#[must_use]
pub fn peek_port(packet: &Packet<'_>) -> Option<u16> {
    let mut reader = Reader::new(Carrier::of(packet)?.payload);
    let _source_port = reader.u16()?;
    reader.u16()
}

/// The sum over pseudo-header and datagram (RFC 768, RFC 8200 §8.1).
pub(super) fn sum(source: IpAddr, destination: IpAddr, datagram: &[u8]) -> Sum {
    // The length field has 16 bits.
    let length = u32::try_from(datagram.len()).unwrap_or(u32::MAX);
    Sum::of_pseudo_header(source, destination, PROTOCOL, length).add(datagram)
}

/// An IP packet of either family that says it carries UDP.
struct Carrier<'a> {
    source: IpAddr,
    destination: IpAddr,
    hop_limit: u8,
    payload: &'a [u8],
}

impl<'a> Carrier<'a> {
    fn of(packet: &Packet<'a>) -> Option<Self> {
        match packet {
            Packet::Ipv4(ip) if ip.protocol == PROTOCOL => Some(Self {
                source: ip.source.into(),
                destination: ip.destination.into(),
                hop_limit: ip.ttl,
                payload: ip.payload,
            }),
            Packet::Ipv6(ip) if ip.next_header == PROTOCOL => Some(Self {
                source: ip.source.into(),
                destination: ip.destination.into(),
                hop_limit: ip.hop_limit,
                payload: ip.payload,
            }),
            Packet::Ipv4(_) | Packet::Ipv6(_) | Packet::Arp(_) | Packet::Other(_) => None,
        }
    }

    fn check_sum(&self, checksum: u16, datagram: &[u8]) -> Result<(), UdpError> {
        match (checksum, self.source) {
            (0, IpAddr::V4(_)) => Ok(()),
            (0, IpAddr::V6(_)) => Err(UdpError::ChecksumMissing),
            (_, IpAddr::V4(_) | IpAddr::V6(_)) => {
                let valid = sum(self.source, self.destination, datagram) == Sum::VALID;
                if valid { Ok(()) } else { Err(UdpError::Checksum) }
            }
        }
    }
}
