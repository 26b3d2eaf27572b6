use std::net::IpAddr;

use bytes::BytesMut;

use super::{
    Credentials, FamilyMismatch, GROUP_V4, GROUP_V4_MAC, GROUP_V6, GROUP_V6_MAC, PORT, Packet,
    TRAFFIC_CLASS_V4, TRAFFIC_CLASS_V6, TTL,
};
use crate::envelope::build::{self, Destination, Link, UdpHeader};
use crate::{Family, MacAddr};

/// A packet and the headers around it.
#[derive(Clone, Copy, Debug)]
pub struct PacketFrame<'a> {
    /// What to say.
    pub packet: Packet,
    /// How to prove it.
    pub credentials: Credentials<'a>,
    /// The virtual MAC of a forwarder that the sender serves, so that switches learn where it is; the
    /// interface's, if it serves none, resigns as AVG, requests or responds.
    pub source_mac: MacAddr,
    /// Primary IPv4 address, or link-local IPv6 address, of the sending interface.
    pub source: IpAddr,
    /// To whom: announcements to the group, requests and responses to one router.
    pub destination: Destination,
}

/// Appends the whole Ethernet frame of a packet to `out`.
///
/// # Errors
/// [`FamilyMismatch`]; nothing is written then.
pub fn packet_frame(out: &mut BytesMut, frame: &PacketFrame<'_>) -> Result<(), FamilyMismatch> {
    let family = Family::of(&frame.source);
    let group = match family {
        Family::V4 => (GROUP_V4_MAC, IpAddr::V4(GROUP_V4)),
        Family::V6 => (GROUP_V6_MAC, IpAddr::V6(GROUP_V6)),
    };
    let (destination_mac, destination) = frame.destination.ends(group);
    let traffic_class = match family {
        Family::V4 => TRAFFIC_CLASS_V4,
        Family::V6 => TRAFFIC_CLASS_V6,
    };
    let header = UdpHeader {
        link: Link { source: frame.source_mac, destination: destination_mac },
        source: frame.source,
        destination,
        hop_limit: TTL,
        traffic_class,
        port: PORT,
    };
    let start = out.len();
    let mut emitted = Ok(());
    let built = build::udp(out, &header, |out| {
        emitted = frame.packet.emit(out, &frame.credentials, frame.source);
    });
    // At most 404 octets of payload: a datagram fails for its addresses only.
    let result = built.map_err(|_| FamilyMismatch).and(emitted);
    if result.is_err() {
        out.truncate(start);
    }
    result
}
