//! Neighbour discovery as a router needs it (RFC 4861): the four messages about routers and neighbours.

use std::net::{IpAddr, Ipv6Addr};

use thiserror::Error;

use super::Ipv6;
use crate::MacAddr;
use crate::checksum::Sum;
use crate::reader::Reader;

/// Next header of ICMPv6.
pub const PROTOCOL: u8 = 58;

const ROUTER_SOLICITATION: u8 = 133;
pub(super) const ROUTER_ADVERTISEMENT: u8 = 134;
const NEIGHBOR_SOLICITATION: u8 = 135;
pub(super) const NEIGHBOR_ADVERTISEMENT: u8 = 136;

pub(super) const OPTION_SOURCE_MAC: u8 = 1;
pub(super) const OPTION_TARGET_MAC: u8 = 2;

const FLAG_ROUTER: u8 = 0x80;
const FLAG_SOLICITED: u8 = 0x40;
const FLAG_OVERRIDE: u8 = 0x20;

/// A received neighbour discovery message that passed the checks of RFC 4861.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nd<'a> {
    /// A host asks for routers (§4.1).
    RouterSolicitation {
        /// The host's Ethernet address, if it says so.
        source_mac: Option<MacAddr>,
    },
    /// A router offers itself (§4.2).
    RouterAdvertisement {
        /// For how many seconds it may be the default router; 0: not at all.
        lifetime: u16,
        /// The router's Ethernet address, if it says so.
        source_mac: Option<MacAddr>,
        /// All options.
        options: NdOptions<'a>,
    },
    /// Somebody asks for the Ethernet address of `target` (§4.3).
    NeighborSolicitation {
        /// The address in question.
        target: Ipv6Addr,
        /// The asker's Ethernet address; none while it checks for a duplicate of its own address.
        source_mac: Option<MacAddr>,
    },
    /// Somebody tells the Ethernet address of `target` (§4.4).
    NeighborAdvertisement {
        /// The address in question.
        target: Ipv6Addr,
        /// Router, solicited, override.
        flags: NaFlags,
        /// The Ethernet address of `target`.
        target_mac: Option<MacAddr>,
    },
}

/// Flags of a neighbour advertisement (RFC 4861 §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NaFlags {
    /// R: the sender is a router.
    pub router: bool,
    /// S: the answer to a solicitation.
    pub solicited: bool,
    /// O: replaces what a cache holds.
    pub overrides: bool,
}

impl NaFlags {
    const fn from_bits(bits: u8) -> Self {
        Self {
            router: bits & FLAG_ROUTER != 0,
            solicited: bits & FLAG_SOLICITED != 0,
            overrides: bits & FLAG_OVERRIDE != 0,
        }
    }

    #[cfg(feature = "envelope")]
    pub(super) const fn bits(self) -> u8 {
        let router = if self.router { FLAG_ROUTER } else { 0 };
        let solicited = if self.solicited { FLAG_SOLICITED } else { 0 };
        let overrides = if self.overrides { FLAG_OVERRIDE } else { 0 };
        router | solicited | overrides
    }
}

/// The first rule that a neighbour discovery message breaks (RFC 4861 §6.1, §7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NdError {
    /// The message ends inside its fixed part.
    #[error("the message is too short for its ICMPv6 type")]
    TooShort,
    /// Not from this link.
    #[error("hop limit {0} instead of 255")]
    HopLimit(u8),
    /// The ICMPv6 checksum is wrong.
    #[error("wrong ICMPv6 checksum")]
    Checksum,
    /// The code must be 0.
    #[error("ICMPv6 code {0} instead of 0")]
    Code(u8),
    /// An option that would never end.
    #[error("an option of length 0")]
    OptionLengthZero,
    /// The message ends inside an option.
    #[error("the message is too short for its options")]
    OptionTooShort,
    /// A link-layer address option of another length than Ethernet's.
    #[error("a link-layer address option of {0} octets instead of 8")]
    MacOptionLength(usize),
    /// The target must be a unicast address.
    #[error("the target is a multicast address")]
    TargetMulticast,
    /// An answer to one must not go to all.
    #[error("a solicited advertisement to a multicast address")]
    SolicitedMulticast,
    /// Without a source address there can be no source link-layer address.
    #[error("a source link-layer address from the unspecified address")]
    UnspecifiedSourceWithMac,
    /// Router advertisements come from a link-local address.
    #[error("a router advertisement from an address that is not link-local")]
    SourceNotLinkLocal,
}

/// Reads the message in `packet`; `None` if it is not one of the four.
///
/// # Errors
/// The first rule broken.
pub fn parse<'a>(packet: &Ipv6<'a>) -> Result<Option<Nd<'a>>, NdError> {
    if packet.next_header != PROTOCOL {
        return Ok(None);
    }
    let mut reader = Reader::new(packet.payload);
    let [kind, code, _, _] = reader.array().ok_or(NdError::TooShort)?;
    if !(ROUTER_SOLICITATION..=NEIGHBOR_ADVERTISEMENT).contains(&kind) {
        return Ok(None);
    }
    check_header(packet, code)?;
    let message = match kind {
        ROUTER_SOLICITATION => router_solicitation(packet, reader)?,
        ROUTER_ADVERTISEMENT => router_advertisement(packet, reader)?,
        NEIGHBOR_SOLICITATION => neighbor_solicitation(packet, reader)?,
        _ => neighbor_advertisement(packet, reader)?,
    };
    Ok(Some(message))
}

/// The rules that all four share.
fn check_header(packet: &Ipv6<'_>, code: u8) -> Result<(), NdError> {
    if packet.hop_limit != 255 {
        return Err(NdError::HopLimit(packet.hop_limit));
    }
    if icmp_sum(packet.source, packet.destination, packet.payload) != Sum::VALID {
        return Err(NdError::Checksum);
    }
    if code != 0 {
        return Err(NdError::Code(code));
    }
    Ok(())
}

/// The sum over pseudo-header and message (RFC 4443 §2.3).
pub(super) fn icmp_sum(source: Ipv6Addr, destination: Ipv6Addr, message: &[u8]) -> Sum {
    // The payload length of IPv6 has 16 bits.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    Sum::of_pseudo_header(IpAddr::V6(source), IpAddr::V6(destination), PROTOCOL, length).add(message)
}

fn router_solicitation<'a>(packet: &Ipv6<'a>, mut reader: Reader<'a>) -> Result<Nd<'a>, NdError> {
    let _reserved = reader.u32().ok_or(NdError::TooShort)?;
    let source_mac = NdOptions::check(reader)?.source_mac(packet)?;
    Ok(Nd::RouterSolicitation { source_mac })
}

fn router_advertisement<'a>(packet: &Ipv6<'a>, mut reader: Reader<'a>) -> Result<Nd<'a>, NdError> {
    let [_hop_limit, _flags, a, b] = reader.array().ok_or(NdError::TooShort)?;
    let _reachable_and_retransmit_time = reader.array::<8>().ok_or(NdError::TooShort)?;
    if !packet.source.is_unicast_link_local() {
        return Err(NdError::SourceNotLinkLocal);
    }
    let options = NdOptions::check(reader)?;
    let source_mac = options.source_mac(packet)?;
    Ok(Nd::RouterAdvertisement { lifetime: u16::from_be_bytes([a, b]), source_mac, options })
}

fn neighbor_solicitation<'a>(packet: &Ipv6<'a>, mut reader: Reader<'a>) -> Result<Nd<'a>, NdError> {
    let _reserved = reader.u32().ok_or(NdError::TooShort)?;
    let target = read_target(&mut reader)?;
    let source_mac = NdOptions::check(reader)?.source_mac(packet)?;
    Ok(Nd::NeighborSolicitation { target, source_mac })
}

fn neighbor_advertisement<'a>(packet: &Ipv6<'a>, mut reader: Reader<'a>) -> Result<Nd<'a>, NdError> {
    let [flags, _, _, _] = reader.array().ok_or(NdError::TooShort)?;
    let flags = NaFlags::from_bits(flags);
    let target = read_target(&mut reader)?;
    if flags.solicited && packet.destination.is_multicast() {
        return Err(NdError::SolicitedMulticast);
    }
    let target_mac = NdOptions::check(reader)?.mac(OPTION_TARGET_MAC)?;
    Ok(Nd::NeighborAdvertisement { target, flags, target_mac })
}

fn read_target(reader: &mut Reader<'_>) -> Result<Ipv6Addr, NdError> {
    let target = Ipv6Addr::from(reader.array::<16>().ok_or(NdError::TooShort)?);
    if target.is_multicast() { Err(NdError::TargetMulticast) } else { Ok(target) }
}

/// The options of a message, each as its type and what follows type and length. Their lengths have been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NdOptions<'a> {
    octets: &'a [u8],
}

impl<'a> NdOptions<'a> {
    fn check(reader: Reader<'a>) -> Result<Self, NdError> {
        let mut rest = reader;
        while !rest.rest().is_empty() {
            read_option(&mut rest)?;
        }
        Ok(Self { octets: reader.rest() })
    }

    fn source_mac(self, packet: &Ipv6<'_>) -> Result<Option<MacAddr>, NdError> {
        match self.mac(OPTION_SOURCE_MAC)? {
            Some(_) if packet.source.is_unspecified() => Err(NdError::UnspecifiedSourceWithMac),
            mac => Ok(mac),
        }
    }

    fn mac(self, kind: u8) -> Result<Option<MacAddr>, NdError> {
        let Some((_, body)) = self.into_iter().find(|(found, _)| *found == kind) else {
            return Ok(None);
        };
        match body.try_into() {
            Ok(octets) => Ok(Some(MacAddr(octets))),
            Err(_) => Err(NdError::MacOptionLength(body.len() + 2)),
        }
    }
}

impl<'a> IntoIterator for NdOptions<'a> {
    type Item = (u8, &'a [u8]);
    type IntoIter = NdOptionIter<'a>;

    fn into_iter(self) -> Self::IntoIter {
        NdOptionIter { reader: Reader::new(self.octets) }
    }
}

/// The options one by one.
#[derive(Clone, Debug)]
pub struct NdOptionIter<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for NdOptionIter<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        read_option(&mut self.reader).ok()
    }
}

/// Lengths count in units of eight octets, type and length included (RFC 4861 §4.6).
fn read_option<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), NdError> {
    let [kind, units] = reader.array().ok_or(NdError::OptionTooShort)?;
    let length = (usize::from(units) * 8).checked_sub(2).ok_or(NdError::OptionLengthZero)?;
    let body = reader.take(length).ok_or(NdError::OptionTooShort)?;
    Ok((kind, body))
}
