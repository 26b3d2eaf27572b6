//! Frames to send, appended to a buffer of the caller's.
//!
//! IP headers are those of the protocol's own packets: TTL or hop limit 255, class CS6 (0xC0), and for IPv4
//! identification 0.

mod arp;
mod nd;

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::{BufMut, BytesMut};
use pnet_packet::ethernet::{EtherType, MutableEthernetPacket};
use pnet_packet::ip::IpNextHeaderProtocol;
use pnet_packet::ipv4::{self, MutableIpv4Packet};
use pnet_packet::ipv6::MutableIpv6Packet;
use thiserror::Error;

use super::{ETHERTYPE_IPV4, ETHERTYPE_IPV6};
use crate::MacAddr;

pub use arp::{ArpReply, arp_reply, gratuitous_arp};
pub use nd::{
    InvalidRouterAdvertisement, PrefixInfo, RouterAdvertisement, SolicitedNa, router_advertisement,
    solicited_na, unsolicited_na,
};

pub(crate) const ETHERNET_OCTETS: usize = 14;
pub(crate) const IPV4_OCTETS: u16 = 20;
pub(crate) const IPV6_OCTETS: usize = 40;
const TTL: u8 = 255;
/// DSCP CS6: network control.
const CLASS: u8 = 0xc0;

/// Addresses of the Ethernet header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// From whom.
    pub source: MacAddr,
    /// To whom.
    pub destination: MacAddr,
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
    ethernet(out, link, ETHERTYPE_IPV4);
    if let Some(mut packet) = MutableIpv4Packet::new(append(out, usize::from(IPV4_OCTETS))) {
        packet.set_version(4);
        packet.set_header_length(5);
        packet.set_dscp(CLASS >> 2);
        packet.set_total_length(total_length);
        packet.set_ttl(TTL);
        packet.set_next_level_protocol(IpNextHeaderProtocol(header.protocol));
        packet.set_source(header.source);
        packet.set_destination(header.destination);
        packet.set_checksum(ipv4::checksum(&packet.to_immutable()));
    }
}

/// Appends the headers in front of a payload of `payload_length` octets.
pub(crate) fn ipv6_header(out: &mut BytesMut, link: Link, header: Ipv6Header, payload_length: u16) {
    ethernet(out, link, ETHERTYPE_IPV6);
    if let Some(mut packet) = MutableIpv6Packet::new(append(out, IPV6_OCTETS)) {
        packet.set_version(6);
        packet.set_traffic_class(CLASS);
        packet.set_payload_length(payload_length);
        packet.set_next_header(IpNextHeaderProtocol(header.next_header));
        packet.set_hop_limit(TTL);
        packet.set_source(header.source);
        packet.set_destination(header.destination);
    }
}

fn ethernet(out: &mut BytesMut, link: Link, ethertype: u16) {
    if let Some(mut frame) = MutableEthernetPacket::new(append(out, ETHERNET_OCTETS)) {
        frame.set_destination(pnet_mac(link.destination));
        frame.set_source(pnet_mac(link.source));
        frame.set_ethertype(EtherType(ethertype));
    }
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
