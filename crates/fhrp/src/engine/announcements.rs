//! Announcements out: gratuitous ARP, unsolicited NA and router advertisements, paced on each interface.

use std::collections::VecDeque;
use std::net::IpAddr;

use bytes::BytesMut;
use fhrp_election::Instant;
use fhrp_wire::envelope::build;
use fhrp_wire::hsrp::SWITCHES_MAC;
use fhrp_wire::{Family, MacAddr};

use super::Engine;
use super::interface::{Announcement, Round};
use crate::group::{Announce, Group};
use crate::slot::Slot;
use crate::speaker::Greeting;
use crate::{Action, IfIndex};

/// RFC 4861 §4.2: the all-nodes group, and its MAC.
const ALL_NODES: std::net::Ipv6Addr = std::net::Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);

impl Engine {
    /// Queues every address of a group for announcement, unless the last round is still waiting.
    pub(super) fn announce(&mut self, now: Instant, slot: usize, announce: Announce) {
        if announce == Announce::Nothing {
            return;
        }
        let Some(group) = single(&mut self.groups, slot) else { return };
        let due = group.seat().serves() && group.seat().announcements_queued == 0;
        let Some(place) = self.interfaces.find(&group.id().interface).filter(|_| due) else { return };
        let Some(interface) = self.interfaces.get_mut(place) else { return };
        let count = group.speaker().addresses().len();
        group.seat_mut().announcements_queued = count;
        let round = if group.seat().repeats_announcement() { Round::Later } else { Round::First };
        for address in 0..count {
            interface.pacer.push(Announcement { slot, address, round });
        }
        self.drain_pacer(now, place);
    }

    /// Sends what may go out at `now`.
    pub(super) fn drain_pacer(&mut self, now: Instant, place: usize) {
        let Some(interface) = self.interfaces.get_mut(place) else {
            self.pacer_deadlines.set(place, None);
            return;
        };
        while let Some(announcement) = interface.pacer.pop(now) {
            let Some(group) = single(&mut self.groups, announcement.slot) else { continue };
            let queued = &mut group.seat_mut().announcements_queued;
            *queued = queued.saturating_sub(1);
            announcement_frames(group, announcement, &mut self.actions);
        }
        self.pacer_deadlines.set(place, interface.pacer.next());
    }

    /// RFC 9568 §6.4.3: the Active router sends router advertisements for the virtual router.
    pub(super) fn advertise_as_router(&mut self, now: Instant, slot: usize) {
        let Some(group) = single(&mut self.groups, slot) else { return };
        if group.take_beacon(now) {
            if group.seat().serves() {
                self.actions.extend(router_advertisement(group));
            }
            self.group_deadlines.set(slot, group.next_deadline());
        }
    }
}

/// The group in `slot`, if it is one that announces its addresses.
fn single(groups: &mut [Option<Slot>], slot: usize) -> Option<&mut Group> {
    groups.get_mut(slot)?.as_mut()?.single_mut()
}

/// RFC 9568 §6.4.2: gratuitous ARP or unsolicited NA with the virtual MAC; nothing unless the address is held.
fn announcement_frames(group: &Group, announcement: Announcement, actions: &mut VecDeque<Action>) {
    let Some((interface, mac)) = announced_from(group) else { return };
    let Some(address) = group.speaker().addresses().get(announcement.address).copied() else { return };
    let mut send = |build: &dyn Fn(&mut BytesMut)| {
        let mut frame = BytesMut::new();
        build(&mut frame);
        actions.push_back(Action::Transmit { interface, frame: frame.freeze() });
    };
    match (address, group.speaker().greeting(), announcement.round) {
        (IpAddr::V4(address), Greeting::Request, _) => {
            send(&|frame| build::gratuitous_arp(frame, mac, address));
        }
        (IpAddr::V4(address), Greeting::Replies, round) => {
            let reply = |destination| build::Link { source: mac, destination };
            send(&|frame| build::gratuitous_arp_reply(frame, reply(MacAddr::BROADCAST), address));
            if round == Round::First {
                send(&|frame| build::gratuitous_arp_reply(frame, reply(SWITCHES_MAC), address));
            }
        }
        (IpAddr::V6(address), _, _) => send(&|frame| build::unsolicited_na(frame, mac, address)),
    }
}

fn announced_from(group: &Group) -> Option<(IfIndex, MacAddr)> {
    let underlay = group.underlay().filter(|_| group.seat().serves())?;
    Some((underlay.interface, underlay.mac))
}

fn router_advertisement(group: &Group) -> Option<Action> {
    let (interface, source_mac) = announced_from(group)?;
    let settings = group.speaker().router_advertisement()?;
    let Some(IpAddr::V6(source)) = group.speaker().addresses().first().copied() else { return None };
    let prefixes: Vec<build::PrefixInfo> = settings.prefixes.iter().map(Into::into).collect();
    let mut frame = BytesMut::new();
    let advertisement = build::RouterAdvertisement {
        source_mac,
        option_mac: Some(source_mac),
        source,
        destination_mac: MacAddr::of_group(IpAddr::V6(ALL_NODES))?,
        destination: ALL_NODES,
        lifetime: u16::try_from(settings.lifetime.as_secs()).unwrap_or(u16::MAX),
        mtu: None,
        prefixes: &prefixes,
    };
    debug_assert_eq!(group.id().family, Family::V6);
    build::router_advertisement(&mut frame, &advertisement).ok()?;
    Some(Action::Transmit { interface, frame: frame.freeze() })
}
