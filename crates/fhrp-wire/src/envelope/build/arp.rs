use std::net::Ipv4Addr;

use bytes::BytesMut;
use pnet_packet::arp::{ArpHardwareTypes, ArpOperation, ArpOperations, MutableArpPacket};
use pnet_packet::ethernet::EtherTypes;

use super::{ETHERNET_OCTETS, Link, append, fill_ethernet, pnet_mac};
use crate::MacAddr;
use crate::envelope::ETHERTYPE_ARP;

const ARP_OCTETS: usize = 28;

/// Appends a gratuitous ARP request: `address` is at `mac` (RFC 9568 §8.1.2, errata 7947 and 7949).
///
/// Broadcast, both protocol addresses `address`, both hardware addresses and the Ethernet source `mac`.
pub fn gratuitous_arp(out: &mut BytesMut, mac: MacAddr, address: Ipv4Addr) {
    let link = Link { source: mac, destination: MacAddr::BROADCAST };
    arp(out, link, ArpOperations::Request, [(mac, address), (mac, address)]);
}

/// Appends Cisco's gratuitous ARP: a reply nobody asked for, in which `address` is at `link.source`.
///
/// Both protocol addresses are `address`; the target's hardware address is `link.destination`.
pub fn gratuitous_arp_reply(out: &mut BytesMut, link: Link, address: Ipv4Addr) {
    arp_reply(out, ArpReply { link, mac: link.source, address, destination: address });
}

/// The answer to an ARP request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpReply {
    /// The Ethernet header; its destination is the asker.
    pub link: Link,
    /// Where `address` is. Most often the Ethernet source as well; a GLBP gateway answers with a forwarder's.
    pub mac: MacAddr,
    /// The address that was asked for.
    pub address: Ipv4Addr,
    /// IPv4 address of the asker.
    pub destination: Ipv4Addr,
}

/// Appends an ARP reply to the one who asked.
pub fn arp_reply(out: &mut BytesMut, reply: ArpReply) {
    let sender = (reply.mac, reply.address);
    let target = (reply.link.destination, reply.destination);
    arp(out, reply.link, ArpOperations::Reply, [sender, target]);
}

fn arp(out: &mut BytesMut, link: Link, operation: ArpOperation, ends: [(MacAddr, Ipv4Addr); 2]) {
    let [(sender_mac, sender), (target_mac, target)] = ends;
    let octets = fill_ethernet(append(out, ETHERNET_OCTETS + ARP_OCTETS), link, ETHERTYPE_ARP);
    if let Some(mut packet) = MutableArpPacket::new(octets) {
        packet.set_hardware_type(ArpHardwareTypes::Ethernet);
        packet.set_protocol_type(EtherTypes::Ipv4);
        packet.set_hw_addr_len(6);
        packet.set_proto_addr_len(4);
        packet.set_operation(operation);
        packet.set_sender_hw_addr(pnet_mac(sender_mac));
        packet.set_sender_proto_addr(sender);
        packet.set_target_hw_addr(pnet_mac(target_mac));
        packet.set_target_proto_addr(target);
    }
}
