//! Frames in a few words.

use std::net::IpAddr;

use fhrp::MacAddr;
use fhrp_wire::envelope::{self, Packet, nd, udp};
use fhrp_wire::hsrp::{self, InterfaceState, Parsed, SWITCHES_MAC, Variant, is_virtual_mac};

/// `Hello Active 100 virtual`: opcode, state, priority, and which MAC it comes from.
pub(crate) fn describe(octets: &[u8], own: MacAddr) -> String {
    let frame = envelope::parse(octets).unwrap();
    let source = match frame.source {
        source if source == own => "own".to_owned(),
        source if is_virtual_mac(source) => "virtual".to_owned(),
        source => source.to_string(),
    };
    let what = match &frame.packet {
        Packet::Arp(arp) => {
            assert_eq!(arp.sender_mac, frame.source);
            match frame.destination {
                MacAddr::BROADCAST => "garp broadcast".to_owned(),
                SWITCHES_MAC => "garp switches".to_owned(),
                other => format!("arp to {other}"),
            }
        }
        packet @ (Packet::Ipv4(_) | Packet::Ipv6(_)) => datagram(packet),
        Packet::Other(kind) => format!("{kind:#06x}"),
    };
    format!("{what} {source}")
}

fn datagram(packet: &Packet<'_>) -> String {
    if let Packet::Ipv6(ip) = packet
        && let Ok(Some(discovery)) = nd::parse(ip)
    {
        assert_eq!(ip.hop_limit, 255);
        return match discovery {
            nd::Nd::NeighborAdvertisement { flags, .. } => {
                assert!(flags.router && flags.overrides && !flags.solicited);
                "na".to_owned()
            }
            nd::Nd::RouterAdvertisement { .. } => "ra".to_owned(),
            _ => "nd".to_owned(),
        };
    }
    let datagram = udp::parse(packet).unwrap().unwrap();
    let variant = Variant::of_destination(datagram.destination, datagram.destination_port).unwrap();
    assert!(matches!(datagram.source, IpAddr::V4(_)) != (variant == Variant::V2Ipv6));
    match hsrp::parse(variant, datagram.payload).unwrap() {
        Parsed::Message(received) => {
            let message = received.message();
            format!("{:?} {:?} {}", message.opcode(), message.state(), message.priority())
        }
        Parsed::InterfaceState(
            InterfaceState::V1 { active, passive, .. } | InterfaceState::V2 { active, passive },
        ) => format!("Interface {active}/{passive}"),
    }
}
