//! Frames to send, appended to a buffer of the caller's.
//!
//! IPv4 headers are those of Cisco's and of our own VRRP packets: no options, identification 0, Don't Fragment clear.

mod arp;
mod nd;
mod udp;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, BytesMut};
use pnet_packet::ethernet::{EtherType, MutableEthernetPacket};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{self, MutableIpv4Packet};
use pnet_packet::ipv6::MutableIpv6Packet;
use thiserror::Error;

use super::{ETHERTYPE_IPV4, ETHERTYPE_IPV6};
use crate::MacAddr;

pub use arp::{ArpReply, arp_reply, gratuitous_arp, gratuitous_arp_reply};
pub use nd::{
    InvalidRouterAdvertisement, NeighborAdvertisement, PrefixInfo, RouterAdvertisement,
    neighbor_advertisement, router_advertisement, unsolicited_na,
};
pub use udp::{InvalidDatagram, UdpHeader, udp};

/// TTL or hop limit that says, on arrival, that a packet comes from this link.
pub const HOP_LIMIT: u8 = 255;
/// Type of service or traffic class CS6: network control.
pub const TRAFFIC_CLASS: u8 = 0xc0;

const ETHERNET_OCTETS: usize = 14;
pub(crate) const IPV4_OCTETS: u16 = 20;
/// Octets of Ethernet and IP header.
const IPV4_HEADERS: usize = ETHERNET_OCTETS + 20;
const IPV6_HEADERS: usize = ETHERNET_OCTETS + 40;

/// Addresses of the Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// From whom.
    pub source: MacAddr,
    /// To whom.
    pub destination: MacAddr,
}

/// To whom a packet goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The protocol's multicast group.
    Group,
    /// One router.
    Peer {
        /// Its Ethernet address, or the next hop's.
        mac: MacAddr,
        /// Its IP address.
        address: IpAddr,
    },
}

impl Destination {
    /// Its addresses, given those of the group.
    pub(crate) const fn ends(self, group: (MacAddr, IpAddr)) -> (MacAddr, IpAddr) {
        match self {
            Self::Group => group,
            Self::Peer { mac, address } => (mac, address),
        }
    }
}

/// The chosen fields of an IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4Header {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Protocol of the payload.
    pub protocol: u8,
    /// Time to live.
    pub ttl: u8,
    /// Type of service: DSCP and ECN.
    pub tos: u8,
}

/// The chosen fields of an IPv6 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6Header {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// What the payload begins with.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Traffic class: DSCP and ECN.
    pub traffic_class: u8,
}

/// The length field of an IP header has 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a payload of {octets} octets does not fit into one IP packet")]
pub struct PayloadTooLong {
    /// Octets given.
    pub octets: usize,
}

/// Appends an Ethernet frame with an IPv4 packet around `payload`.
///
/// # Errors
/// [`PayloadTooLong`]; nothing is written then.
pub fn ipv4(
    out: &mut BytesMut,
    link: Link,
    header: Ipv4Header,
    payload: &[u8],
) -> Result<(), PayloadTooLong> {
    let too_long = PayloadTooLong { octets: payload.len() };
    let octets = u16::try_from(payload.len()).map_err(|_| too_long)?;
    let total = octets.checked_add(IPV4_OCTETS).ok_or(too_long)?;
    ipv4_header(out, link, header, total);
    out.put_slice(payload);
    Ok(())
}

/// Appends an Ethernet frame with an IPv6 packet around `payload`.
///
/// # Errors
/// [`PayloadTooLong`]; nothing is written then.
pub fn ipv6(
    out: &mut BytesMut,
    link: Link,
    header: Ipv6Header,
    payload: &[u8],
) -> Result<(), PayloadTooLong> {
    let octets = u16::try_from(payload.len()).map_err(|_| PayloadTooLong { octets: payload.len() })?;
    ipv6_header(out, link, header, octets);
    out.put_slice(payload);
    Ok(())
}

/// Appends the headers in front of a payload that brings the IPv4 packet to `total_length`.
pub(crate) fn ipv4_header(out: &mut BytesMut, link: Link, header: Ipv4Header, total_length: u16) {
    fill_ipv4(append(out, IPV4_HEADERS), link, header, total_length);
}

/// Appends the headers in front of a payload of `payload_length` octets.
pub(crate) fn ipv6_header(out: &mut BytesMut, link: Link, header: Ipv6Header, payload_length: u16) {
    fill_ipv6(append(out, IPV6_HEADERS), link, header, payload_length);
}

/// Writes over the zeros in `headers`.
fn fill_ipv4(headers: &mut [u8], link: Link, header: Ipv4Header, total_length: u16) {
    let octets = fill_ethernet(headers, link, ETHERTYPE_IPV4);
    if let Some(mut packet) = MutableIpv4Packet::new(octets) {
        packet.set_version(4);
        packet.set_header_length(5);
        packet.set_dscp(header.tos >> 2);
        packet.set_ecn(header.tos & 3);
        packet.set_total_length(total_length);
        packet.set_ttl(header.ttl);
        packet.set_next_level_protocol(IpNextHeaderProtocol(header.protocol));
        packet.set_source(header.source);
        packet.set_destination(header.destination);
        packet.set_checksum(ipv4::checksum(&packet.to_immutable()));
    }
}

/// Writes over the zeros in `headers`.
fn fill_ipv6(headers: &mut [u8], link: Link, header: Ipv6Header, payload_length: u16) {
    let octets = fill_ethernet(headers, link, ETHERTYPE_IPV6);
    if let Some(mut packet) = MutableIpv6Packet::new(octets) {
        packet.set_version(6);
        packet.set_traffic_class(header.traffic_class);
        packet.set_payload_length(payload_length);
        packet.set_next_header(IpNextHeaderProtocol(header.next_header));
        packet.set_hop_limit(header.hop_limit);
        packet.set_source(header.source);
        packet.set_destination(header.destination);
    }
}

/// Writes the Ethernet header and returns what is behind it.
fn fill_ethernet(frame: &mut [u8], link: Link, ethertype: u16) -> &mut [u8] {
    let Some((header, rest)) = frame.split_at_mut_checked(ETHERNET_OCTETS) else { return &mut [] };
    if let Some(mut header) = MutableEthernetPacket::new(header) {
        header.set_destination(pnet_mac(link.destination));
        header.set_source(pnet_mac(link.source));
        header.set_ethertype(EtherType(ethertype));
    }
    rest
}

/// `octets` zeros at the end of `out`, for pnet to write over.
fn append(out: &mut BytesMut, octets: usize) -> &mut [u8] {
    let start = out.len();
    out.put_bytes(0, octets);
    out.get_mut(start..).unwrap_or_default()
}

fn pnet_mac(mac: MacAddr) -> pnet_base::MacAddr {
    mac.octets().into()
}
