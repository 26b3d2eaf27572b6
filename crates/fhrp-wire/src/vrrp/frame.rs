use std::net::IpAddr;

use bytes::BytesMut;

use super::{
    Advertisement, ChecksumForm, FamilyMismatch, GROUP_V4, GROUP_V4_MAC, GROUP_V6, GROUP_V6_MAC, PROTOCOL,
    TTL,
};
use crate::envelope::build::{self, Destination, IPV4_OCTETS, Ipv4Header, Ipv6Header, Link, TRAFFIC_CLASS};
use crate::{Family, MacAddr};

/// An advertisement and the headers around it.
#[derive(Clone, Copy, Debug)]
pub struct AdvertisementFrame<'a> {
    /// What to say.
    pub advertisement: Advertisement<'a>,
    /// The virtual MAC (RFC 9568 §7.2), or the interface's where virtual MACs are not used.
    pub source_mac: MacAddr,
    /// Primary IPv4 address, or link-local IPv6 address, of the sending interface (RFC 9568 §7.2).
    pub source: IpAddr,
    /// To whom.
    pub destination: Destination,
    /// What the checksum covers; matters for version 3 over IPv4 only.
    pub checksum: ChecksumForm,
}

/// Appends the whole Ethernet frame of an advertisement to `out`.
///
/// # Errors
/// [`FamilyMismatch`]; nothing is written then.
pub fn advertisement_frame(out: &mut BytesMut, frame: &AdvertisementFrame<'_>) -> Result<(), FamilyMismatch> {
    let advertisement = &frame.advertisement;
    let group = match advertisement.family() {
        Family::V4 => (GROUP_V4_MAC, IpAddr::V4(GROUP_V4)),
        Family::V6 => (GROUP_V6_MAC, IpAddr::V6(GROUP_V6)),
    };
    let (destination_mac, destination) = frame.destination.ends(group);
    let link = Link { source: frame.source_mac, destination: destination_mac };
    // At most 8 + 255 * 16 octets, or 8 + 255 * 4 + 38.
    let octets = u16::try_from(advertisement.wire_octets()).unwrap_or(u16::MAX);
    match (advertisement.family(), frame.source, destination) {
        (Family::V4, IpAddr::V4(source), IpAddr::V4(destination)) => {
            let header = Ipv4Header { source, destination, protocol: PROTOCOL, ttl: TTL, tos: TRAFFIC_CLASS };
            build::ipv4_header(out, link, header, octets.saturating_add(IPV4_OCTETS));
        }
        (Family::V6, IpAddr::V6(source), IpAddr::V6(destination)) => {
            let header = Ipv6Header {
                source,
                destination,
                next_header: PROTOCOL,
                hop_limit: TTL,
                traffic_class: TRAFFIC_CLASS,
            };
            build::ipv6_header(out, link, header, octets);
        }
        (Family::V4 | Family::V6, IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_)) => {
            return Err(FamilyMismatch);
        }
    }
    advertisement.emit(out, frame.source, destination, frame.checksum)
}
