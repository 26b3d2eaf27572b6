//! What the protocols travel in, and what announces a virtual address: Ethernet, IPv4, IPv6, UDP, ARP and
//! neighbour discovery.
//!
//! [`parse`] is written by hand over checked reads, since its input is hostile. The builders in [`build`]
//! (feature `envelope`) write with pnet's packet types.

mod arp;
#[cfg(feature = "envelope")]
pub mod build;
mod ip;
pub mod nd;
pub mod udp;

use thiserror::Error;

use crate::MacAddr;
use crate::reader::Reader;

pub use arp::{Arp, ArpOperation};
pub use ip::{Ipv4, Ipv6};

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_ARP: u16 = 0x0806;
const ETHERTYPE_VLAN: u16 = 0x8100;
const ETHERTYPE_IPV6: u16 = 0x86dd;
const ETHERTYPE_SERVICE_VLAN: u16 = 0x88a8;
const MAX_TAGS: usize = 2;

/// A received Ethernet frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// To whom.
    pub destination: MacAddr,
    /// From whom.
    pub source: MacAddr,
    /// Identifier of the innermost VLAN tag; `None` without a tag or with a mere priority tag (VID 0).
    pub vlan: Option<u16>,
    /// What it carries.
    pub packet: Packet<'a>,
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// IPv4.
    Ipv4(Ipv4<'a>),
    /// IPv6.
    Ipv6(Ipv6<'a>),
    /// ARP for IPv4 over Ethernet.
    Arp(Arp),
    /// Anything else: its EtherType, or a length below 0x600.
    Other(u16),
}

/// The first rule that a frame's envelope breaks. One variant per rule, the frame from outside to inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum EnvelopeError {
    /// Not even two addresses and an EtherType.
    #[error("the frame is too short for an Ethernet header")]
    EthernetTooShort,
    /// The frame ends inside a VLAN tag.
    #[error("the frame is too short for its VLAN tag")]
    VlanTooShort,
    /// The packet ends inside the IPv4 header.
    #[error("the packet is too short for its IPv4 header")]
    Ipv4TooShort,
    /// EtherType IPv4 in front of another version.
    #[error("IP version {0} in an IPv4 frame")]
    Ipv4Version(u8),
    /// A header length below 20 octets.
    #[error("an IPv4 header of {0} words")]
    Ipv4HeaderLength(u8),
    /// The header's own checksum.
    #[error("wrong IPv4 header checksum")]
    Ipv4HeaderChecksum,
    /// Shorter than the header, or longer than what arrived.
    #[error("IPv4 total length {total} with {received} octets received")]
    Ipv4TotalLength {
        /// What the header says.
        total: u16,
        /// Octets received after the Ethernet header.
        received: usize,
    },
    /// A fragment: nothing here reassembles.
    #[error("an IPv4 fragment")]
    Ipv4Fragment,
    /// The packet ends inside the IPv6 header.
    #[error("the packet is too short for an IPv6 header")]
    Ipv6TooShort,
    /// EtherType IPv6 in front of another version.
    #[error("IP version {0} in an IPv6 frame")]
    Ipv6Version(u8),
    /// Longer than what arrived.
    #[error("IPv6 payload length {length} with {received} octets received")]
    Ipv6PayloadLength {
        /// What the header says.
        length: u16,
        /// Octets received after the IPv6 header.
        received: usize,
    },
    /// The packet ends inside the ARP message.
    #[error("the packet is too short for ARP")]
    ArpTooShort,
    /// ARP for something else than IPv4 over Ethernet.
    #[error("ARP for hardware {hardware:#06x} and protocol {protocol:#06x}")]
    ArpUnsupported {
        /// Hardware type.
        hardware: u16,
        /// Protocol type.
        protocol: u16,
    },
}

/// Reads a frame that begins with the Ethernet header. Up to two VLAN tags are followed; padding after an IP
/// packet is cut off.
///
/// # Errors
/// The first rule broken.
pub fn parse(frame: &[u8]) -> Result<Frame<'_>, EnvelopeError> {
    let (ethernet, reader) = Ethernet::read(frame)?;
    let packet = match ethernet.ethertype {
        ETHERTYPE_IPV4 => Packet::Ipv4(Ipv4::parse(reader.rest())?),
        ETHERTYPE_IPV6 => Packet::Ipv6(Ipv6::parse(reader.rest())?),
        ETHERTYPE_ARP => Packet::Arp(Arp::parse(reader)?),
        other => Packet::Other(other),
    };
    let Ethernet { destination, source, vlan, .. } = ethernet;
    Ok(Frame { destination, source, vlan, packet })
}

/// IP protocol, or next header, of a frame that may break any other rule, to attribute an error; `None` if the
/// frame is not IP or ends before that octet.
#[must_use]
pub fn peek_protocol(frame: &[u8]) -> Option<u8> {
    let (ethernet, reader) = Ethernet::read(frame).ok()?;
    match ethernet.ethertype {
        ETHERTYPE_IPV4 => reader.rest().get(9).copied(),
        ETHERTYPE_IPV6 => reader.rest().get(6).copied(),
        _ => None,
    }
}

/// Ethernet header with its tags removed.
struct Ethernet {
    destination: MacAddr,
    source: MacAddr,
    vlan: Option<u16>,
    ethertype: u16,
}

impl Ethernet {
    fn read(frame: &[u8]) -> Result<(Self, Reader<'_>), EnvelopeError> {
        let mut reader = Reader::new(frame);
        let mut addresses = || Some((reader.array()?, reader.array()?, reader.u16()?));
        let (destination, source, mut ethertype) = addresses().ok_or(EnvelopeError::EthernetTooShort)?;
        let mut vlan = None;
        for _ in 0..MAX_TAGS {
            if !matches!(ethertype, ETHERTYPE_VLAN | ETHERTYPE_SERVICE_VLAN) {
                break;
            }
            // Priority and drop bits above the identifier (IEEE 802.1Q §9.6).
            let control = reader.u16().ok_or(EnvelopeError::VlanTooShort)?;
            ethertype = reader.u16().ok_or(EnvelopeError::VlanTooShort)?;
            vlan = Some(control & 0x0fff).filter(|identifier| *identifier != 0);
        }
        let ethernet = Self { destination: MacAddr(destination), source: MacAddr(source), vlan, ethertype };
        Ok((ethernet, reader))
    }
}
