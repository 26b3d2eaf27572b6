//! HSRP across groups: messages in, what a router says about an interface as a whole, and groups that follow others.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Claim, Instant};
use fhrp_wire::hsrp::{Variant, peek_group};

use super::Engine;
use crate::Protocol;
use crate::group::{Announce, Group, Lead, Leadership, Out, Role};
use crate::hsrp::{Heard, Packet, Reason, interface_state, screen};
use crate::slot::Slot;
use crate::speaker::{Speaker, Underlay};

/// Captures: 24 to 30 s between two messages about an interface on which no group is Active.
const REPEAT_MIN: Duration = Duration::from_secs(24);
const REPEAT_SPREAD: u64 = 6_000_000;
/// What others do makes a router speak of its interface at most this often.
const ANSWER_PAUSE: Duration = Duration::from_secs(1);

/// What is said about an interface, for one variant.
#[derive(Debug, Default)]
pub(super) struct Voice {
    active: u16,
    passive: u16,
    said: Option<Instant>,
    next: Option<Instant>,
}

impl Voice {
    /// A group went from one role to another.
    fn account(&mut self, now: Instant, (before, after): (Role, Role)) {
        for (role, step) in [(before, u16::wrapping_sub as fn(u16, u16) -> u16), (after, u16::wrapping_add)] {
            match role {
                Role::Out => {}
                Role::Passive => self.passive = step(self.passive, 1),
                Role::Active => self.active = step(self.active, 1),
            }
        }
        self.next = Some(now);
    }

    /// What to say now, if anything; the repetition is planned.
    fn take_due(&mut self, now: Instant) -> Option<(u16, u16)> {
        self.next.take_if(|at| *at <= now)?;
        self.said = Some(now);
        if (self.active, self.passive) != (0, 0) && self.active == 0 {
            self.next = Some(now + REPEAT_MIN + Duration::from_micros(now.as_micros() % REPEAT_SPREAD));
        }
        Some((self.active, self.passive))
    }

    /// Somebody wants to know; unless it was said a moment ago.
    fn ask(&mut self, now: Instant) {
        if self.said.is_none_or(|said| now >= said + ANSWER_PAUSE) {
            self.next = Some(now);
        }
    }
}

/// Who leads whom, by name.
#[derive(Debug, Default)]
pub(super) struct Following {
    leaders: BTreeMap<Arc<str>, usize>,
    followers: BTreeMap<Arc<str>, Vec<usize>>,
}

impl Following {
    /// Only groups that are followed are looked up by their names, so that thousands that are not cost nothing. Of two
    /// with one name the first leads.
    fn of(groups: &[Option<Slot>]) -> Self {
        let mut all = Self::default();
        for (slot, speaker) in speakers(groups) {
            if let Some(leader) = speaker.leader() {
                all.followers.entry(leader.clone()).or_default().push(slot);
            }
        }
        if all.followers.is_empty() {
            return all;
        }
        for (slot, speaker) in speakers(groups) {
            if let Some(name) = speaker.name().filter(|name| all.followers.contains_key(*name)) {
                all.leaders.entry(name.clone()).or_insert(slot);
            }
        }
        all
    }
}

/// The speakers of groups with one seat, with their slots.
fn speakers(groups: &[Option<Slot>]) -> impl Iterator<Item = (usize, &Speaker)> {
    groups.iter().enumerate().filter_map(|(slot, group)| Some((slot, group.as_ref()?.single()?.speaker())))
}

impl Engine {
    pub(super) fn handle_hsrp(&mut self, place: usize, packet: &Packet<'_>) {
        let slot = self.addressee(place, packet);
        let Some(interface) = self.interfaces.get_mut(place) else { return };
        let mut group = slot
            .and_then(|slot| self.groups.get_mut(slot))
            .and_then(Option::as_mut)
            .and_then(Slot::single_mut);
        let router =
            group.as_deref().and_then(|group: &Group| Some((group.speaker().hsrp()?, group.underlay())));
        let verdict = screen(packet, router);
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        let (mut leadership, mut announce) = (Leadership::Same, Announce::Nothing);
        match (verdict, &mut group) {
            (Ok(Heard::Group { advert, .. }), Some(_)) if self.stopped => {
                if let (Some(slot), Claim::Active) = (slot, advert.claim) {
                    self.handover.succeeded(packet.at, slot);
                }
                return;
            }
            (Ok(Heard::Interface), _) => interface.stats.hsrp_interface_states_rcvd += 1,
            (Ok(Heard::Group { advert, message, remarks }), Some(group)) => {
                (leadership, announce) = group.hear_hsrp(packet, (&advert, &message), &remarks, &mut out);
            }
            (Ok(Heard::Group { .. }), None) => {}
            (Err(reason), group) => {
                reason.count_interface(&mut interface.stats);
                if let Some(group) = group.as_deref_mut().filter(|_| reason != Reason::Group) {
                    group.discard_hsrp(packet, reason, &mut out);
                }
            }
        }
        if let (Some(slot), Some(group)) = (slot, group) {
            self.group_deadlines.set(slot, group.next_deadline());
            self.announce(packet.at, slot, announce);
        }
        if leadership == Leadership::Another {
            self.speak_up(packet.at, place, packet.variant);
        }
        self.after_moves(packet.at);
    }

    /// The group that a message is about. The first one here stands for all where it names none, and where it is of a
    /// version that none here speaks: that is worth one alarm, not one for each group.
    fn addressee(&self, place: usize, packet: &Packet<'_>) -> Option<usize> {
        let (interface, family) = (self.interfaces.get(place)?, packet.variant.family());
        let speaks = |slot: &usize| {
            let group = self.groups.get(*slot).and_then(Option::as_ref).and_then(Slot::single);
            let router = group.and_then(|group| group.speaker().hsrp());
            router.is_some_and(|router| router.variant() == packet.variant)
        };
        let number = peek_group(packet.variant, packet.payload).map(|group| group.number());
        let named = number.and_then(|number| interface.find(Protocol::Hsrp, family, number));
        if named.as_ref().is_some_and(speaks) {
            return named;
        }
        match (interface.slots_of(Protocol::Hsrp, family).find(speaks), number) {
            (None, _) => interface.first(Protocol::Hsrp, family),
            (Some(_), Some(_)) => named,
            (Some(first), None) => Some(first),
        }
    }

    /// Finds out anew who follows whom, after groups came, changed or went.
    pub(super) fn rank_followers(&mut self, now: Instant) {
        self.following = Following::of(&self.groups);
        let followers: Vec<(Arc<str>, usize)> = self
            .following
            .followers
            .iter()
            .flat_map(|(leader, slots)| slots.iter().map(|slot| (leader.clone(), *slot)))
            .collect();
        for (leader, slot) in followers {
            let lead = self.lead_of(&leader);
            self.follow(now, slot, lead);
        }
    }

    /// How it stands with the group `leader`, for those who follow it.
    pub(super) fn lead_of(&self, leader: &Arc<str>) -> Lead {
        let named = || speakers(&self.groups).find(|(_, speaker)| speaker.name() == Some(leader));
        let slot = self.following.leaders.get(leader).copied().or_else(|| named().map(|(slot, _)| slot));
        let group = slot.and_then(|slot| self.groups.get(slot)?.as_ref()?.single());
        group.map_or(Lead::Missing, Group::lead)
    }

    /// Does what moves of groups mean to others.
    pub(super) fn after_moves(&mut self, now: Instant) {
        if self.stopped {
            return;
        }
        while let Some(seat) = self.moved.pop() {
            let Some(slot) = self.seats.get(&seat).copied() else { continue };
            let Some(group) = self.groups.get_mut(slot).and_then(Option::as_mut).and_then(Slot::single_mut)
            else {
                continue;
            };
            let (change, lead) = (group.take_role_change(), group.lead());
            let place = self.interfaces.find(&group.id().interface);
            let variant = group.speaker().hsrp().map(|router| router.variant());
            let followers =
                group.speaker().name().and_then(|name| self.following.followers.get(name)).cloned();
            if let (Some(change), Some(place), Some(variant)) = (change, place, variant) {
                self.account(now, (place, variant), change);
            }
            for follower in followers.unwrap_or_default() {
                self.follow(now, follower, lead);
            }
        }
        while let Some(at) = self.voice_deadlines.due(now) {
            self.say_interface_state(now, at);
        }
    }

    /// A group that went is counted no more.
    pub(super) fn dismiss_role(&mut self, now: Instant, group: &mut Slot) {
        let Some(group) = group.single_mut() else { return };
        let place = self.interfaces.find(&group.id().interface);
        let variant = group.speaker().hsrp().map(|router| router.variant());
        if let (Some(change), Some(place), Some(variant)) = (group.take_role_change(), place, variant) {
            self.account(now, (place, variant), change);
        }
    }

    fn follow(&mut self, now: Instant, slot: usize, lead: Lead) {
        self.with_group(slot, |group, out| {
            if let Some(group) = group.single_mut() {
                group.handle_lead(now, lead, out);
            }
            Announce::Nothing
        });
    }

    fn account(&mut self, now: Instant, (place, variant): (usize, Variant), change: (Role, Role)) {
        if let Some(interface) = self.interfaces.get_mut(place) {
            interface.voice(variant).account(now, change);
            self.voice_deadlines.set(voice_slot(place, variant), Some(now));
        }
    }

    /// Another router became Active: routers say at once what their interface is.
    fn speak_up(&mut self, now: Instant, place: usize, variant: Variant) {
        if let Some(interface) = self.interfaces.get_mut(place) {
            let voice = interface.voice(variant);
            voice.ask(now);
            self.voice_deadlines.set(voice_slot(place, variant), voice.next);
        }
    }

    fn say_interface_state(&mut self, now: Instant, at: usize) {
        let (place, variant) = (at / VARIANTS.len(), VARIANTS.get(at % VARIANTS.len()).copied());
        let (Some(variant), Some(interface)) = (variant, self.interfaces.get_mut(place)) else { return };
        let counts = interface.voice(variant).take_due(now);
        let next = interface.voice(variant).next;
        self.voice_deadlines.set(at, next);
        let Some(counts) = counts else { return };
        let message =
            self.underlay_of(place, variant).and_then(|underlay| interface_state(variant, counts, underlay));
        if let (Some(message), Some(interface)) = (message, self.interfaces.get_mut(place)) {
            interface.stats.hsrp_interface_states_sent += 1;
            self.actions.push_back(message);
        }
    }

    /// What some running group of the variant stands on.
    fn underlay_of(&self, place: usize, variant: Variant) -> Option<&Underlay> {
        let slots = self.interfaces.get(place)?.slots_of(Protocol::Hsrp, variant.family());
        slots.filter_map(|slot| self.groups.get(slot)?.as_ref()?.single()).find_map(|group| {
            let speaks = group.speaker().hsrp().is_some_and(|router| router.variant() == variant);
            group.underlay().filter(|_| speaks)
        })
    }
}

const VARIANTS: [Variant; 3] = [Variant::V1, Variant::V2Ipv4, Variant::V2Ipv6];

/// Where the deadlines of an interface are.
pub(super) fn voice_slots(place: usize) -> [usize; 3] {
    VARIANTS.map(|variant| voice_slot(place, variant))
}

fn voice_slot(place: usize, variant: Variant) -> usize {
    let at = match variant {
        Variant::V1 => 0,
        Variant::V2Ipv4 => 1,
        Variant::V2Ipv6 => 2,
    };
    place * VARIANTS.len() + at
}
