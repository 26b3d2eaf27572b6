use std::net::{Ipv4Addr, Ipv6Addr};

use super::EnvelopeError;
use crate::checksum::Sum;
use crate::reader::Reader;

/// A received IPv4 packet: header checksum right, whole, no fragment. Options are skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4<'a> {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Time to live.
    pub ttl: u8,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Type of service: DSCP and ECN.
    pub tos: u8,
    /// As long as the header says, without Ethernet padding.
    pub payload: &'a [u8],
}

const IPV4_MIN_WORDS: u8 = 5;
/// More Fragments, and the thirteen bits of the offset (RFC 791 §3.1).
const FRAGMENT_BITS: u16 = 0x3fff;

impl<'a> Ipv4<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, EnvelopeError> {
        let first = octets.first().ok_or(EnvelopeError::Ipv4TooShort)?;
        let (version, words) = (first >> 4, first & 0x0f);
        if version != 4 {
            return Err(EnvelopeError::Ipv4Version(version));
        }
        if words < IPV4_MIN_WORDS {
            return Err(EnvelopeError::Ipv4HeaderLength(words));
        }
        let mut reader = Reader::new(octets);
        let header = reader.take(usize::from(words) * 4).ok_or(EnvelopeError::Ipv4TooShort)?;
        if Sum::of(header) != Sum::VALID {
            return Err(EnvelopeError::Ipv4HeaderChecksum);
        }
        let fields = Ipv4Fields::read(header).ok_or(EnvelopeError::Ipv4TooShort)?;
        let payload = usize::from(fields.total_length)
            .checked_sub(header.len())
            .and_then(|length| reader.take(length))
            .ok_or(EnvelopeError::Ipv4TotalLength { total: fields.total_length, received: octets.len() })?;
        if fields.flags_and_offset & FRAGMENT_BITS != 0 {
            return Err(EnvelopeError::Ipv4Fragment);
        }
        let Ipv4Fields { source, destination, ttl, protocol, tos, .. } = fields;
        Ok(Self { source, destination, ttl, protocol, tos, payload })
    }
}

/// The fixed 20 octets (RFC 791 §3.1).
struct Ipv4Fields {
    tos: u8,
    total_length: u16,
    flags_and_offset: u16,
    ttl: u8,
    protocol: u8,
    source: Ipv4Addr,
    destination: Ipv4Addr,
}

impl Ipv4Fields {
    fn read(header: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(header);
        let [_version_and_length, tos] = reader.array()?;
        let total_length = reader.u16()?;
        let _identification = reader.u16()?;
        let flags_and_offset = reader.u16()?;
        let [ttl, protocol] = reader.array()?;
        let _checksum = reader.u16()?;
        let source = Ipv4Addr::from(reader.array::<4>()?);
        let destination = Ipv4Addr::from(reader.array::<4>()?);
        Some(Self { tos, total_length, flags_and_offset, ttl, protocol, source, destination })
    }
}

/// A received IPv6 packet. Extension headers are not followed: `next_header` then names the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6<'a> {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Hop limit.
    pub hop_limit: u8,
    /// What the payload begins with.
    pub next_header: u8,
    /// Traffic class: DSCP and ECN.
    pub traffic_class: u8,
    /// As long as the header says, without Ethernet padding.
    pub payload: &'a [u8],
}

impl<'a> Ipv6<'a> {
    pub(super) fn parse(octets: &'a [u8]) -> Result<Self, EnvelopeError> {
        let first = octets.first().ok_or(EnvelopeError::Ipv6TooShort)?;
        if first >> 4 != 6 {
            return Err(EnvelopeError::Ipv6Version(first >> 4));
        }
        let (packet, length, mut reader) =
            Self::read_header(Reader::new(octets)).ok_or(EnvelopeError::Ipv6TooShort)?;
        let received = reader.rest().len();
        let payload =
            reader.take(usize::from(length)).ok_or(EnvelopeError::Ipv6PayloadLength { length, received })?;
        Ok(Self { payload, ..packet })
    }

    /// The 40 octets of RFC 8200 §3, the payload length, and what follows.
    fn read_header(mut reader: Reader<'a>) -> Option<(Self, u16, Reader<'a>)> {
        let [a, b] = reader.array()?;
        let traffic_class = (a & 0x0f) << 4 | b >> 4;
        let _flow_label = reader.u16()?;
        let length = reader.u16()?;
        let [next_header, hop_limit] = reader.array()?;
        let source = Ipv6Addr::from(reader.array::<16>()?);
        let destination = Ipv6Addr::from(reader.array::<16>()?);
        let packet = Self { source, destination, hop_limit, next_header, traffic_class, payload: &[] };
        Some((packet, length, reader))
    }
}
