//! What the engine says is read again by the codec.

use std::net::IpAddr;

use fhrp_wire::envelope::{self, Packet, nd, udp};
use fhrp_wire::{Family, glbp, hsrp, vrrp};

/// Asserts that `frame` is one that others understand.
pub(super) fn check(frame: &[u8]) {
    let frame = envelope::parse(frame).expect("a whole frame");
    match &frame.packet {
        Packet::Ipv4(ip) if ip.protocol == vrrp::PROTOCOL => {
            check_unicast(ip.source.into(), ip.destination.into(), ip.payload);
        }
        Packet::Ipv6(ip) if ip.next_header == vrrp::PROTOCOL => {
            check_unicast(ip.source.into(), ip.destination.into(), ip.payload);
        }
        Packet::Ipv6(ip) if ip.next_header == nd::PROTOCOL => {
            nd::parse(ip).expect("it keeps the rules").expect("neighbour discovery");
        }
        Packet::Ipv4(_) | Packet::Ipv6(_) => check_datagram(&frame.packet),
        Packet::Arp(_) => {}
        Packet::Other(ethertype) => panic!("sends EtherType {ethertype:?}"),
    }
}

/// Asserts that `payload` is a VRRP advertisement.
pub(super) fn check_unicast(source: IpAddr, destination: IpAddr, payload: &[u8]) {
    vrrp::parse(source, destination, payload).expect("an advertisement");
}

fn check_datagram(packet: &Packet<'_>) {
    let datagram = udp::parse(packet).expect("a datagram").expect("UDP");
    match hsrp::Variant::of_destination(datagram.destination, datagram.destination_port) {
        Some(variant) => {
            hsrp::parse(variant, datagram.payload).expect("HSRP");
        }
        None => {
            assert_eq!(datagram.destination_port, glbp::PORT);
            glbp::parse(Family::of(&datagram.source), datagram.payload).expect("GLBP");
        }
    }
}
