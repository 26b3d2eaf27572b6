use std::net::IpAddr;

use bytes::BytesMut;

use super::Variant;
use crate::MacAddr;
use crate::envelope::build::{self, InvalidDatagram, Link, UdpHeader};

/// Where a frame comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The virtual MAC in Hellos of the Active router and in its Coup (RFC 2281 §5.4); the interface's MAC in
    /// everything else.
    pub source_mac: MacAddr,
    /// Primary IPv4 address, or link-local IPv6 address, of the sending interface; never a virtual one.
    pub source: IpAddr,
    /// TTL or hop limit; [`Variant::hop_limit`] is the usual one.
    pub hop_limit: u8,
}

/// Appends the whole Ethernet frame around the payload that `write` appends: [`Message::emit`](super::Message::emit)
/// or [`InterfaceState::emit`](super::InterfaceState::emit).
///
/// # Errors
/// [`InvalidDatagram`]: the source is not of the variant's family. Nothing is written then.
pub fn frame(
    out: &mut BytesMut,
    variant: Variant,
    origin: Origin,
    write: impl FnOnce(&mut BytesMut),
) -> Result<(), InvalidDatagram> {
    let header = UdpHeader {
        link: Link { source: origin.source_mac, destination: variant.destination_mac() },
        source: origin.source,
        destination: variant.destination(),
        hop_limit: origin.hop_limit,
        traffic_class: variant.traffic_class(),
        port: variant.port(),
    };
    build::udp(out, &header, write)
}
