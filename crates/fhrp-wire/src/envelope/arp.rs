use std::net::Ipv4Addr;

use super::{ETHERTYPE_IPV4, EnvelopeError};
use crate::MacAddr;
use crate::reader::Reader;

const HARDWARE_ETHERNET: u16 = 1;
/// Octets of an Ethernet and of an IPv4 address.
const ADDRESS_OCTETS: [u8; 2] = [6, 4];

/// An ARP message for IPv4 over Ethernet (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// Request, reply, or something rarer.
    pub operation: ArpOperation,
    /// The sender's Ethernet address.
    pub sender_mac: MacAddr,
    /// The sender's IPv4 address.
    pub sender_address: Ipv4Addr,
    /// The target's Ethernet address; without meaning in a request.
    pub target_mac: MacAddr,
    /// The IPv4 address in question.
    pub target_address: Ipv4Addr,
}

/// What an ARP message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpOperation {
    /// Who has the target address?
    Request,
    /// The sender has the sender address.
    Reply,
    /// Any other operation.
    Other(u16),
}

impl Arp {
    pub(super) fn parse(mut reader: Reader<'_>) -> Result<Self, EnvelopeError> {
        let mut types = || Some((reader.u16()?, reader.u16()?, reader.array::<2>()?));
        let (hardware, protocol, octets) = types().ok_or(EnvelopeError::ArpTooShort)?;
        if (hardware, protocol, octets) != (HARDWARE_ETHERNET, ETHERTYPE_IPV4, ADDRESS_OCTETS) {
            return Err(EnvelopeError::ArpUnsupported { hardware, protocol });
        }
        Self::read_addresses(reader).ok_or(EnvelopeError::ArpTooShort)
    }

    fn read_addresses(mut reader: Reader<'_>) -> Option<Self> {
        let operation = match reader.u16()? {
            1 => ArpOperation::Request,
            2 => ArpOperation::Reply,
            other => ArpOperation::Other(other),
        };
        let sender_mac = MacAddr(reader.array()?);
        let sender_address = Ipv4Addr::from(reader.array::<4>()?);
        let target_mac = MacAddr(reader.array()?);
        let target_address = Ipv4Addr::from(reader.array::<4>()?);
        Some(Self { operation, sender_mac, sender_address, target_mac, target_address })
    }
}
