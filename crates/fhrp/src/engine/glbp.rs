//! GLBP: packets in, and answers to hosts that resolve a virtual address.

use std::net::{IpAddr, Ipv6Addr};

use bytes::{Bytes, BytesMut};
use fhrp_election::Instant;
use fhrp_wire::envelope::build::{self, ArpReply, Link, NeighborAdvertisement};
use fhrp_wire::envelope::nd::NaFlags;
use fhrp_wire::envelope::{Arp, ArpOperation, udp};
use fhrp_wire::{Family, MacAddr, glbp as wire};

use super::Engine;
use crate::glbp::{Packet, Question, Target, presentation, screen};
use crate::group::Out;
use crate::slot::Slot;
use crate::{Action, Protocol};

/// Answers are written one behind the other into one buffer, which is made anew when it is full and answers out of it
/// are still under way.
const BUFFER: usize = 64 << 10;

impl Engine {
    pub(super) fn handle_glbp(
        &mut self,
        at: Instant,
        place: usize,
        (ethernet_source, datagram): (MacAddr, &udp::Datagram<'_>),
    ) {
        let Some(interface) = self.interfaces.get_mut(place) else { return };
        let link = interface.link.as_deref();
        let packet = Packet {
            at,
            ethernet_source,
            source: datagram.source,
            target: Target::of(datagram.destination, |address| link.is_some_and(|link| link.has(address))),
            hop_limit: datagram.hop_limit,
            payload: datagram.payload,
        };
        let family = Family::of(&datagram.source);
        let slot = wire::peek_group(datagram.payload)
            .and_then(|number| interface.find(Protocol::Glbp, family, number));
        let mut group = slot.and_then(|slot| self.groups.get_mut(slot)?.as_mut()?.glbp_mut());
        let verdict = screen(&packet, group.as_deref());
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        match (verdict, &mut group) {
            (Ok(parsed), Some(group)) if self.stopped => {
                if let (Some(slot), true) = (slot, group.hear_successor(&parsed)) {
                    self.handover.succeeded(packet.at, slot);
                }
                return;
            }
            (Ok(parsed), Some(group)) => group.hear(&packet, &parsed, &mut out),
            (Ok(_), None) => {}
            (Err(reason), group) => {
                reason.count_interface(&mut interface.stats);
                if let Some(group) = group {
                    group.discard(&packet, reason, &mut out);
                }
            }
        }
        if let (Some(slot), Some(group)) = (slot, group) {
            self.group_deadlines.set(slot, group.next_deadline());
            self.refresh_reception(slot);
        }
    }

    /// The engine resolves what its groups say now, on the interface of the group in `slot`.
    pub(super) fn refresh_reception(&mut self, slot: usize) {
        let Some(group) = self.groups.get_mut(slot).and_then(Option::as_mut) else { return };
        let Some(resolves) = group.take_resolves() else { return };
        let place = self.interfaces.find(&group.id().interface);
        if let Some(interface) = place.and_then(|place| self.interfaces.get_mut(place)) {
            interface.resolve(slot, &resolves);
            self.actions.extend(interface.attach());
        }
    }

    /// RFC 826: somebody asks where an address is, or says that it is there.
    pub(super) fn handle_arp(&mut self, at: Instant, place: usize, destination: MacAddr, arp: &Arp) {
        let host = arp.sender_mac;
        let target = match arp.operation {
            ArpOperation::Request => IpAddr::V4(arp.target_address),
            ArpOperation::Reply => return self.handle_claim(at, place, arp.sender_address.into(), host),
            ArpOperation::Other(_) => return self.count_foreign(place),
        };
        let slot = self.resolver(place, target);
        let Some(slot) = slot.filter(|_| is_host(host, arp.sender_address.is_multicast())) else {
            return self.count_foreign(place);
        };
        let known = !arp.sender_address.is_unspecified();
        let address = known.then_some(IpAddr::V4(arp.sender_address));
        let question = Question { at, host, address, destination, target };
        self.answer(slot, &question, |out, physical, mac| {
            let link = Link { source: physical, destination: host };
            let (address, destination) = (arp.target_address, arp.sender_address);
            build::arp_reply(out, ArpReply { link, mac, address, destination });
        });
    }

    /// Somebody says that `address` is at `mac`: by an ARP reply (RFC 5227 §3) or a neighbour advertisement (RFC 4861
    /// §4.4), asked or not.
    pub(super) fn handle_claim(&mut self, at: Instant, place: usize, address: IpAddr, mac: MacAddr) {
        let slot = self.resolver(place, address).filter(|_| is_host(mac, false));
        let group = slot.and_then(|slot| self.groups.get_mut(slot)?.as_mut()?.glbp_mut());
        let Some(group) = group else { return self.count_foreign(place) };
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        group.hear_claim(at, (address, mac), &mut out);
    }

    /// RFC 4861 §4.3: somebody asks where an address is.
    pub(super) fn handle_solicitation(
        &mut self,
        at: Instant,
        place: usize,
        destination: MacAddr,
        asked: &Solicitation,
    ) {
        let Solicitation { host, source, target } = *asked;
        let slot = self.resolver(place, IpAddr::V6(target));
        let Some(slot) = slot.filter(|_| is_host(host, source.is_multicast())) else {
            return self.count_foreign(place);
        };
        let address = (!source.is_unspecified()).then_some(IpAddr::V6(source));
        let question = Question { at, host, address, destination, target: IpAddr::V6(target) };
        self.answer(slot, &question, |out, physical, mac| {
            build::neighbor_advertisement(out, &advertisement((physical, mac), asked));
        });
    }

    fn resolver(&self, place: usize, address: IpAddr) -> Option<usize> {
        self.interfaces.get(place).filter(|_| !self.stopped)?.resolver(address)
    }

    /// Asks the group in `slot` and sends what `write` makes of its answer.
    fn answer(
        &mut self,
        slot: usize,
        question: &Question,
        write: impl FnOnce(&mut BytesMut, MacAddr, MacAddr),
    ) {
        let Some(Slot::Glbp(group)) = self.groups.get_mut(slot).and_then(Option::as_mut) else { return };
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        let Some(mac) = group.answer(question, &mut out) else { return };
        let Some(underlay) = group.underlay() else { return };
        let (interface, physical) = (underlay.interface, underlay.mac);
        let frame = self.answers.write(|out| write(out, physical, mac));
        self.actions.push_back(Action::Transmit { interface, frame });
    }
}

/// Somebody asks where `target` is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Solicitation {
    pub(super) host: MacAddr,
    pub(super) source: Ipv6Addr,
    pub(super) target: Ipv6Addr,
}

/// Whether one can be answered there.
fn is_host(mac: MacAddr, multicast: bool) -> bool {
    !(multicast || mac.is_multicast() || mac == MacAddr::ZERO)
}

/// The Ethernet source is the interface's own MAC, also over IPv6: with that of another router's forwarder there,
/// switches would send the frames of its hosts here. A host that only checks for a duplicate has no address to be
/// answered at, and what all hosts hear must not say where the address is.
fn advertisement((physical, mac): (MacAddr, MacAddr), asked: &Solicitation) -> NeighborAdvertisement {
    if asked.source.is_unspecified() {
        return presentation(physical, asked.target);
    }
    NeighborAdvertisement {
        link: Link { source: physical, destination: asked.host },
        address: asked.target,
        destination: asked.source,
        flags: NaFlags { router: true, solicited: true, overrides: true },
        target_mac: Some(mac),
    }
}

/// Where answers are written.
#[derive(Debug, Default)]
pub(super) struct Answers(BytesMut);

impl Answers {
    fn write(&mut self, write: impl FnOnce(&mut BytesMut)) -> Bytes {
        if self.0.capacity() < 128 {
            self.0.reserve(BUFFER);
        }
        write(&mut self.0);
        self.0.split().freeze()
    }
}
