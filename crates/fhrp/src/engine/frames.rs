//! Frames in: out of the envelope, to the group that the VRID names.

use std::net::IpAddr;

use fhrp_election::{Claim, Instant};
use fhrp_wire::envelope::{self, EnvelopeError, nd, udp};
use fhrp_wire::hsrp::{PORT_V4, PORT_V6, Variant};
use fhrp_wire::{Family, glbp, vrrp};

use super::Engine;
use super::glbp::Solicitation;
use crate::group::{Announce, Group, Out};
use crate::hsrp;
use crate::vrrp::{Packet, screen};
use crate::{IfIndex, InterfaceStats, Protocol};

impl Engine {
    /// A frame arrived on `interface` at the time `at` (when the kernel took it, not when it was read). Whatever is
    /// wrong with it is counted; nothing it holds can be an error of the caller's.
    pub fn handle_frame(&mut self, at: Instant, interface: IfIndex, frame: &[u8]) {
        self.stats.frames_rcvd += 1;
        if self.stopped && self.handover_deadline().is_none() {
            return;
        }
        let Some(place) = self.indexes.get(&interface).copied() else {
            self.stats.unknown_interface += 1;
            return;
        };
        let Some(stats) = self.interfaces.get_mut(place).map(|interface| &mut interface.stats) else {
            return;
        };
        stats.frames_rcvd += 1;
        let frame = match envelope::parse(frame) {
            Ok(frame) => frame,
            Err(error) => return count_envelope(error, stats),
        };
        if frame.vlan.is_some() {
            // It belongs to the VLAN's own interface (RFC 9568 §7.1: received on the interface of the group).
            stats.foreign_frames += 1;
            return;
        }
        match &frame.packet {
            envelope::Packet::Ipv4(ip) if ip.protocol == vrrp::PROTOCOL => {
                let packet = Packet {
                    at,
                    ethernet_source: frame.source,
                    source: IpAddr::V4(ip.source),
                    destination: IpAddr::V4(ip.destination),
                    ttl: ip.ttl,
                    payload: ip.payload,
                };
                self.handle_vrrp(place, &packet);
            }
            envelope::Packet::Ipv6(ip) if ip.next_header == vrrp::PROTOCOL => {
                let packet = Packet {
                    at,
                    ethernet_source: frame.source,
                    source: IpAddr::V6(ip.source),
                    destination: IpAddr::V6(ip.destination),
                    ttl: ip.hop_limit,
                    payload: ip.payload,
                };
                self.handle_vrrp(place, &packet);
            }
            envelope::Packet::Ipv4(ip)
                if ip.protocol == vrrp::PROTOCOL_AH && vrrp::authenticates_vrrp(ip.payload) =>
            {
                stats.auth_header_pkts_rcvd += 1;
            }
            envelope::Packet::Ipv6(ip) if ip.next_header == nd::PROTOCOL => {
                self.handle_nd(at, place, &frame, ip);
            }
            envelope::Packet::Arp(arp) => self.handle_arp(at, place, frame.destination, arp),
            packet @ (envelope::Packet::Ipv4(_) | envelope::Packet::Ipv6(_))
                if udp::peek_port(packet).is_some_and(is_ours) =>
            {
                self.handle_datagram(at, place, &frame);
            }
            envelope::Packet::Ipv4(_) | envelope::Packet::Ipv6(_) | envelope::Packet::Other(_) => {
                stats.foreign_frames += 1
            }
        }
    }

    fn handle_nd(
        &mut self,
        at: Instant,
        place: usize,
        frame: &envelope::Frame<'_>,
        packet: &envelope::Ipv6<'_>,
    ) {
        match nd::parse(packet) {
            Ok(Some(nd::Nd::RouterSolicitation { .. })) => self.handle_router_solicitation(at, place),
            Ok(Some(nd::Nd::NeighborSolicitation { target, source_mac })) => {
                let host = source_mac.unwrap_or(frame.source);
                let solicitation = Solicitation { host, source: packet.source, target };
                self.handle_solicitation(at, place, frame.destination, &solicitation);
            }
            Ok(Some(nd::Nd::NeighborAdvertisement { target, target_mac: Some(mac), .. })) => {
                self.handle_claim(at, place, target.into(), mac);
            }
            Ok(
                Some(
                    nd::Nd::RouterAdvertisement { .. }
                    | nd::Nd::NeighborAdvertisement { target_mac: None, .. },
                )
                | None,
            )
            | Err(_) => self.count_foreign(place),
        }
    }

    pub(super) fn count_foreign(&mut self, place: usize) {
        if let Some(interface) = self.interfaces.get_mut(place) {
            interface.stats.foreign_frames += 1;
        }
    }

    fn handle_datagram(&mut self, at: Instant, place: usize, frame: &envelope::Frame<'_>) {
        let Some(stats) = self.interfaces.get_mut(place).map(|interface| &mut interface.stats) else {
            return;
        };
        let datagram = match udp::parse(&frame.packet) {
            Ok(Some(datagram)) => datagram,
            Ok(None) => return,
            Err(_) => return stats.udp_errors += 1,
        };
        if datagram.destination_port == glbp::PORT {
            return self.handle_glbp(at, place, (frame.source, &datagram));
        }
        let Some(variant) = Variant::of_destination(datagram.destination, datagram.destination_port) else {
            return stats.destination_errors += 1;
        };
        let packet = hsrp::Packet {
            at,
            ethernet_source: frame.source,
            source: datagram.source,
            variant,
            payload: datagram.payload,
        };
        self.handle_hsrp(place, &packet);
    }

    fn handle_vrrp(&mut self, place: usize, packet: &Packet<'_>) {
        let family = Family::of(&packet.source);
        let Some(interface) = self.interfaces.get_mut(place) else { return };
        let slot = vrrp::peek_vrid(packet.payload)
            .and_then(|vrid| interface.find(Protocol::Vrrp, family, u16::from(vrid)));
        let mut group = slot.and_then(|slot| self.groups.get_mut(slot)?.as_mut()?.single_mut());
        let link = interface.link.as_deref();
        let to_us = link.is_some_and(|link| link.has(packet.destination));
        let router =
            group.as_deref().and_then(|group: &Group| Some((group.speaker().vrrp()?, group.underlay())));
        let verdict = screen(packet, router, to_us);
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        let mut announce = Announce::Nothing;
        match (verdict, &mut group) {
            (Ok(heard), Some(_)) if self.stopped => {
                if let (Some(slot), Claim::Active) = (slot, heard.advert.claim) {
                    self.handover.succeeded(packet.at, slot);
                }
                return;
            }
            (Ok(heard), Some(group)) => announce = group.hear_vrrp(packet, &heard, &mut out),
            (Ok(_), None) => {}
            (Err(reason), Some(group)) => {
                reason.count_interface(&mut interface.stats);
                group.discard_vrrp(packet, reason, &mut out);
            }
            (Err(reason), None) => reason.count_interface(&mut interface.stats),
        }
        if let (Some(slot), Some(group)) = (slot, group) {
            self.group_deadlines.set(slot, group.next_deadline());
            self.announce(packet.at, slot, announce);
        }
    }

    fn handle_router_solicitation(&mut self, at: Instant, place: usize) {
        let Some(interface) = self.interfaces.get(place) else { return };
        let slots: Vec<usize> = interface.slots().collect();
        for slot in slots {
            self.with_group(slot, |group, _| {
                group.solicit(at);
                Announce::Nothing
            });
        }
    }
}

/// Ports of HSRP and GLBP.
fn is_ours(port: u16) -> bool {
    matches!(port, PORT_V4 | PORT_V6 | glbp::PORT)
}

fn count_envelope(error: EnvelopeError, stats: &mut InterfaceStats) {
    match error {
        EnvelopeError::EthernetTooShort
        | EnvelopeError::VlanTooShort
        | EnvelopeError::Ipv4TooShort
        | EnvelopeError::Ipv4Version(_)
        | EnvelopeError::Ipv4HeaderLength(_)
        | EnvelopeError::Ipv4TotalLength { .. }
        | EnvelopeError::Ipv6TooShort
        | EnvelopeError::Ipv6Version(_)
        | EnvelopeError::Ipv6PayloadLength { .. } => stats.packet_length_errors += 1,
        EnvelopeError::Ipv4HeaderChecksum => stats.ip_checksum_errors += 1,
        EnvelopeError::Ipv4Fragment => stats.fragments += 1,
        EnvelopeError::ArpTooShort | EnvelopeError::ArpUnsupported { .. } => stats.foreign_frames += 1,
    }
}
