use std::net::Ipv6Addr;

use bytes::{BufMut, BytesMut};
use pnet_packet::icmpv6::ndp::{MutableNeighborAdvertPacket, MutableRouterAdvertPacket};
use pnet_packet::icmpv6::{Icmpv6Type, MutableIcmpv6Packet};
use thiserror::Error;

use super::{HOP_LIMIT, Ipv6Header, Link, TRAFFIC_CLASS, append, ipv6_header};
use crate::MacAddr;
use crate::envelope::nd::{self, NaFlags};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

const NA_OCTETS: u16 = 24;
const RA_OCTETS: u16 = 16;
const MAC_OPTION_OCTETS: u16 = 8;
const MTU_OPTION_OCTETS: u16 = 8;
const PREFIX_OPTION_OCTETS: u16 = 32;

const OPTION_PREFIX: u8 = 3;
const OPTION_MTU: u8 = 5;
const PREFIX_ON_LINK: u8 = 0x80;
const PREFIX_AUTONOMOUS: u8 = 0x40;
/// The default of RFC 4861 §6.2.1 (AdvCurHopLimit).
const HOSTS_HOP_LIMIT: u8 = 64;

/// Appends an unsolicited neighbour advertisement to all nodes: `address` is at `mac` (RFC 9568 §6.4.2).
///
/// R = 1, S = 0, O = 1; the source is `address` itself.
pub fn unsolicited_na(out: &mut BytesMut, mac: MacAddr, address: Ipv6Addr) {
    let link = Link { source: mac, destination: MacAddr::of_group_v6(ALL_NODES) };
    let flags = NaFlags { router: true, solicited: false, overrides: true };
    let destination = ALL_NODES;
    neighbor_advertisement(
        out,
        &NeighborAdvertisement { link, address, destination, flags, target_mac: Some(mac) },
    );
}

/// A neighbour advertisement (RFC 4861 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborAdvertisement {
    /// The Ethernet header.
    pub link: Link,
    /// The target, and the IPv6 source.
    pub address: Ipv6Addr,
    /// The one who asked, or all nodes. One who asked without an address yet gets an unsolicited advertisement
    /// (RFC 4861 §7.2.4).
    pub destination: Ipv6Addr,
    /// R, S and O.
    pub flags: NaFlags,
    /// Where `address` is, for the target link-layer address option; `None` leaves the option out.
    pub target_mac: Option<MacAddr>,
}

/// Appends a neighbour advertisement.
pub fn neighbor_advertisement(out: &mut BytesMut, advertisement: &NeighborAdvertisement) {
    let ends = [advertisement.address, advertisement.destination];
    let option = if advertisement.target_mac.is_some() { MAC_OPTION_OCTETS } else { 0 };
    let message = start_message(out, advertisement.link, ends, NA_OCTETS + option);
    if let Some(mut packet) = MutableNeighborAdvertPacket::new(append(out, usize::from(NA_OCTETS))) {
        packet.set_icmpv6_type(Icmpv6Type(nd::NEIGHBOR_ADVERTISEMENT));
        packet.set_flags(advertisement.flags.bits());
        packet.set_target_addr(advertisement.address);
    }
    if let Some(mac) = advertisement.target_mac {
        put_mac_option(out, nd::OPTION_TARGET_MAC, mac);
    }
    finish_message(out, message, ends);
}

/// A router advertisement of a Virtual Router (RFC 4861 §4.2, RFC 9568 §6.4.3, §8.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouterAdvertisement<'a> {
    /// Ethernet source: the virtual MAC, or the interface's.
    pub source_mac: MacAddr,
    /// Source link-layer address option: the virtual MAC; `None` leaves it out, and hosts have to ask
    /// (RFC 4861 §4.2).
    pub option_mac: Option<MacAddr>,
    /// The virtual link-local address.
    pub source: Ipv6Addr,
    /// Ethernet address of the destination.
    pub destination_mac: MacAddr,
    /// All nodes (`ff02::1`), or the host that asked.
    pub destination: Ipv6Addr,
    /// Router lifetime in seconds; 0: no default router (any more).
    pub lifetime: u16,
    /// MTU of the link in octets.
    pub mtu: Option<u32>,
    /// Prefixes of the link.
    pub prefixes: &'a [PrefixInfo],
}

/// A prefix information option (RFC 4861 §4.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixInfo {
    /// Bits after `length` are sent as zero.
    pub prefix: Ipv6Addr,
    /// Bits of the prefix, 0 to 128.
    pub length: u8,
    /// L: the prefix is on this link.
    pub on_link: bool,
    /// A: hosts may make addresses from it.
    pub autonomous: bool,
    /// Valid lifetime in seconds.
    pub valid: u32,
    /// Preferred lifetime in seconds.
    pub preferred: u32,
}

/// A router advertisement that must not be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidRouterAdvertisement {
    /// Hosts drop what does not come from a link-local address (RFC 4861 §6.1.2).
    #[error("router advertisements need a link-local source, not {0}")]
    SourceNotLinkLocal(Ipv6Addr),
    /// Longer than an address.
    #[error("a prefix of {0} bits")]
    PrefixLength(u8),
    /// More than fit into the smallest MTU of IPv6.
    #[error("{0} prefixes do not fit into one router advertisement, at most 37 do")]
    TooManyPrefixes(usize),
}

impl RouterAdvertisement<'_> {
    /// 1280 - 40 octets of IPv6 header - 32 of message, MAC and MTU, divided by 32.
    const MAX_PREFIXES: u16 = 37;

    /// Octets of the ICMPv6 message.
    fn check(&self) -> Result<u16, InvalidRouterAdvertisement> {
        if !self.source.is_unicast_link_local() {
            return Err(InvalidRouterAdvertisement::SourceNotLinkLocal(self.source));
        }
        if let Some(prefix) = self.prefixes.iter().find(|prefix| prefix.length > 128) {
            return Err(InvalidRouterAdvertisement::PrefixLength(prefix.length));
        }
        let prefixes = u16::try_from(self.prefixes.len())
            .ok()
            .filter(|count| *count <= Self::MAX_PREFIXES)
            .ok_or(InvalidRouterAdvertisement::TooManyPrefixes(self.prefixes.len()))?;
        let mtu = if self.mtu.is_some() { MTU_OPTION_OCTETS } else { 0 };
        let mac = if self.option_mac.is_some() { MAC_OPTION_OCTETS } else { 0 };
        Ok(RA_OCTETS + mac + mtu + prefixes * PREFIX_OPTION_OCTETS)
    }
}

/// Appends a router advertisement: hop limit for hosts 64, flags M and O clear, times unspecified.
///
/// # Errors
/// [`InvalidRouterAdvertisement`]; nothing is written then.
pub fn router_advertisement(
    out: &mut BytesMut,
    advertisement: &RouterAdvertisement<'_>,
) -> Result<(), InvalidRouterAdvertisement> {
    let octets = advertisement.check()?;
    let link = Link { source: advertisement.source_mac, destination: advertisement.destination_mac };
    let ends = [advertisement.source, advertisement.destination];
    let message = start_message(out, link, ends, octets);
    if let Some(mut packet) = MutableRouterAdvertPacket::new(append(out, usize::from(RA_OCTETS))) {
        packet.set_icmpv6_type(Icmpv6Type(nd::ROUTER_ADVERTISEMENT));
        packet.set_hop_limit(HOSTS_HOP_LIMIT);
        packet.set_lifetime(advertisement.lifetime);
    }
    if let Some(mac) = advertisement.option_mac {
        put_mac_option(out, nd::OPTION_SOURCE_MAC, mac);
    }
    if let Some(mtu) = advertisement.mtu {
        out.put_slice(&[OPTION_MTU, 1, 0, 0]);
        out.put_u32(mtu);
    }
    for prefix in advertisement.prefixes {
        put_prefix_option(out, prefix);
    }
    finish_message(out, message, ends);
    Ok(())
}

/// Appends the headers and returns where the ICMPv6 message begins.
fn start_message(out: &mut BytesMut, link: Link, ends: [Ipv6Addr; 2], octets: u16) -> usize {
    let [source, destination] = ends;
    let header = Ipv6Header {
        source,
        destination,
        next_header: nd::PROTOCOL,
        hop_limit: HOP_LIMIT,
        traffic_class: TRAFFIC_CLASS,
    };
    ipv6_header(out, link, header, octets);
    out.len()
}

/// Fills in the checksum of the message that begins at `start`.
fn finish_message(out: &mut BytesMut, start: usize, ends: [Ipv6Addr; 2]) {
    let [source, destination] = ends;
    let message = out.get_mut(start..).unwrap_or_default();
    let checksum = nd::icmp_sum(source, destination, message).complement();
    if let Some(mut packet) = MutableIcmpv6Packet::new(message) {
        packet.set_checksum(u16::from_be_bytes(checksum));
    }
}

fn put_mac_option(out: &mut BytesMut, kind: u8, mac: MacAddr) {
    out.put_slice(&[kind, 1]);
    out.put_slice(&mac.octets());
}

fn put_prefix_option(out: &mut BytesMut, prefix: &PrefixInfo) {
    let on_link = if prefix.on_link { PREFIX_ON_LINK } else { 0 };
    let autonomous = if prefix.autonomous { PREFIX_AUTONOMOUS } else { 0 };
    out.put_slice(&[OPTION_PREFIX, 4, prefix.length, on_link | autonomous]);
    out.put_u32(prefix.valid);
    out.put_u32(prefix.preferred);
    out.put_u32(0);
    // A shift by all 128 bits leaves nothing.
    let host_bits = u128::MAX.checked_shr(u32::from(prefix.length)).unwrap_or(0);
    out.put_u128(prefix.prefix.to_bits() & !host_bits);
}
