use std::net::IpAddr;

use bytes::BytesMut;
use fhrp_wire::envelope::{self, Packet, nd};
use fhrp_wire::vrrp::{self, AuthData, Body};

use crate::{SOURCE_V4, SOURCE_V6, checksum};

/// Reads `data` as a frame and as a VRRP payload. Nothing may panic, and what is accepted must be written again
/// as it was read.
///
/// # Panics
/// When it is not: that is the finding.
pub fn decode_vrrp(data: &[u8]) {
    frame(data);
    for (source, destination) in [(SOURCE_V4, vrrp::GROUP_V4.into()), (SOURCE_V6, vrrp::GROUP_V6.into())] {
        payload(source, destination, data);
        // Random octets hardly ever sum up: the rules after the checksum need help to be reached.
        payload(source, destination, &with_checksum(source, destination, data));
    }
}

fn frame(data: &[u8]) {
    let _ = envelope::peek_protocol(data);
    let Ok(frame) = envelope::parse(data) else { return };
    match frame.packet {
        Packet::Ipv4(ip) => payload(ip.source.into(), ip.destination.into(), ip.payload),
        Packet::Ipv6(ip) => {
            payload(ip.source.into(), ip.destination.into(), ip.payload);
            if let Ok(Some(nd::Nd::RouterAdvertisement { options, .. })) = nd::parse(&ip) {
                let octets: usize = options.into_iter().map(|(_, body)| body.len() + 2).sum();
                assert!(octets + 16 == ip.payload.len(), "every octet belongs to an option");
            }
        }
        Packet::Arp(_) | Packet::Other(_) => {}
    }
}

fn payload(source: IpAddr, destination: IpAddr, octets: &[u8]) {
    let _ = vrrp::peek_vrid(octets);
    let Ok(parsed) = vrrp::parse(source, destination, octets) else { return };
    let advertisement = parsed.advertisement;
    let mut again = BytesMut::new();
    let form = parsed.checksum.form().unwrap_or_default();
    advertisement.emit(&mut again, source, destination, form).expect("the families were equal on receipt");
    assert_eq!(again.len(), advertisement.wire_octets());
    let read = vrrp::parse(source, destination, &again).expect("what is written can be read");
    assert_eq!(read.advertisement, advertisement);
    assert_eq!(read.checksum, parsed.checksum);
    assert_eq!(kept(octets, advertisement.body()), kept(&again, advertisement.body()));
}

/// The octets that a value keeps: not the reserved bits, nor authentication data that is ignored, nor, since
/// those differ, the checksum.
fn kept(octets: &[u8], body: &Body) -> Vec<u8> {
    let mut octets = octets.to_vec();
    octets[6..8].fill(0);
    match body {
        Body::V3 { .. } => octets[4] &= 0x0f,
        Body::V2 { auth: AuthData::None | AuthData::Unknown(_), .. } => octets.truncate(octets.len() - 8),
        Body::V2 { auth: AuthData::Text(_) | AuthData::CiscoMd5 { .. }, .. } => {}
    }
    octets
}

/// `data` with a right checksum.
fn with_checksum(source: IpAddr, destination: IpAddr, data: &[u8]) -> Vec<u8> {
    let mut octets = data.to_vec();
    if octets.len() < 8 {
        return octets;
    }
    octets[6..8].fill(0);
    let checksum = checksum::over(source, destination, vrrp::PROTOCOL, &octets);
    octets[6..8].copy_from_slice(&checksum.to_be_bytes());
    octets
}
