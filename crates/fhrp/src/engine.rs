//! The engine: groups on interfaces, fed with frames, link events, acknowledgements and time.

mod announcements;
mod frames;
mod glbp;
mod handover;
mod hsrp;
mod interface;
mod interfaces;
mod removals;
mod tracks;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Effect, Instant};

use crate::config::WallClock;
use crate::deadlines::Deadlines;
use crate::group::{Announce, Out};
use crate::slot::Slot;
use crate::{
    Action, Family, GroupConfig, GroupId, GroupStatus, IfIndex, InterfaceName, InterfaceStats, ProgramFault,
    Protocol, Revision, SeatId, Stats, TrackName, TrackState,
};

use glbp::Answers;
use handover::Handover;
use hsrp::Following;
use interfaces::Interfaces;
use removals::Removals;

/// First-hop redundancy without sockets, clocks, threads or an operating system.
///
/// Its methods are of four kinds:
///
/// * *wishes*: [`Engine::add`], [`Engine::update`], [`Engine::remove`], [`Engine::track_interface`],
///   [`Engine::forget_track`], [`Engine::stop`];
/// * *inputs*, each with the time at which it happened: [`Engine::handle_frame`], [`Engine::handle_link`],
///   [`Engine::handle_programmed`], [`Engine::handle_mended`], [`Engine::handle_timeout`];
/// * *outputs*: [`Engine::poll_action`], to be drained after every call of the first two kinds, and
///   [`Engine::next_deadline`], asked after that;
/// * *looks*: [`Engine::status`] and the counters.
///
/// Frames that arrived before a deadline should be handed in before [`Engine::handle_timeout`] is called for it, even
/// if both are late: a router that was held up listens before it claims anything.
#[derive(Debug, Default)]
pub struct Engine {
    /// Slots are reused; ids of seats are not.
    groups: Vec<Option<Slot>>,
    ids: BTreeMap<GroupId, usize>,
    seats: BTreeMap<SeatId, usize>,
    removals: Removals,
    interfaces: Interfaces,
    indexes: BTreeMap<IfIndex, usize>,
    group_deadlines: Deadlines,
    pacer_deadlines: Deadlines,
    /// When something is to be said about an interface, for each variant of HSRP.
    voice_deadlines: Deadlines,
    following: Following,
    tracks: BTreeMap<TrackName, TrackState>,
    /// Objects that are the state of an interface, which one.
    tracked_interfaces: BTreeMap<TrackName, usize>,
    clock: WallClock,
    actions: VecDeque<Action>,
    effects: Vec<Effect>,
    answers: Answers,
    /// How often the actions have been drained.
    round: u64,
    moved: Vec<SeatId>,
    /// After [`Engine::stop`] nothing is done any more.
    stopped: bool,
    handover: Handover,
    seats_given: u32,
    stats: Stats,
}

/// No group of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no group {0}")]
pub struct UnknownGroup(pub GroupId);

/// A group of that name exists.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is already a group {0}")]
pub struct DuplicateGroup(pub GroupId);

impl Engine {
    /// An engine without groups.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a group; it starts when its interface is known and fit.
    ///
    /// # Errors
    /// A group with the same interface, protocol, family and number exists; for GLBP, with another family too.
    pub fn add(&mut self, now: Instant, config: impl Into<GroupConfig>) -> Result<(), DuplicateGroup> {
        if self.stopped {
            return Ok(());
        }
        let config = config.into();
        let id = config.id().clone();
        if let Some(rival) = self.rival(&id) {
            return Err(DuplicateGroup(rival));
        }
        let first = SeatId(self.seats_given + 1);
        self.seats_given += Slot::seats_needed(&config);
        let slot = self.groups.iter().position(Option::is_none).unwrap_or(self.groups.len());
        let mut group = Slot::new(first, config);
        let lead = group.single().and_then(|group| group.speaker().leader()).map(|name| self.lead_of(name));
        let at = self.interfaces.slot_of(&id.interface);
        let Some(interface) = self.interfaces.get_mut(at) else { return Ok(()) };
        interface.enlist(&id, slot);
        if let Some(resolves) = group.take_resolves() {
            interface.resolve(slot, &resolves);
        }
        self.actions.extend(interface.attach());
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        group.handle_wall_clock(now, self.clock, &mut out);
        group.introduce(now, &mut out);
        if let (Some(lead), Some(group)) = (lead, group.single_mut()) {
            group.handle_lead(now, lead, &mut out);
        }
        group.handle_tracks(now, &self.tracks, &mut out);
        group.handle_link(now, interface.link.clone(), &mut out);
        self.group_deadlines.set(slot, group.next_deadline());
        self.seats.extend(group.seats().into_iter().map(|seat| (seat, slot)));
        if slot == self.groups.len() {
            self.groups.push(Some(group));
        } else if let Some(place) = self.groups.get_mut(slot) {
            *place = Some(group);
        }
        self.ids.insert(id, slot);
        self.rank_followers(now);
        self.after_moves(now);
        Ok(())
    }

    /// Gives a group another configuration. It keeps its state, unless its version or its kind of MAC changes: then it
    /// resigns and starts anew. An equal configuration changes nothing.
    ///
    /// # Errors
    /// There is no such group.
    pub fn update(&mut self, now: Instant, config: impl Into<GroupConfig>) -> Result<(), UnknownGroup> {
        let config = config.into();
        let id = config.id().clone();
        let slot = self.slot_of(&id)?;
        let Some(Some(group)) = self.groups.get_mut(slot) else { return Err(UnknownGroup(id)) };
        if self.stopped || group.config() == config {
            return Ok(());
        }
        if group.is_another(&config) {
            let config = group.pass_on(config);
            self.remove(now, &id)?;
            return self.add(now, config).map_err(|DuplicateGroup(id)| UnknownGroup(id));
        }
        let tracks = std::mem::take(&mut self.tracks);
        self.with_group(slot, |group, out| {
            group.reconfigure(now, config, out);
            group.handle_tracks(now, &tracks, out);
            Announce::Nothing
        });
        self.tracks = tracks;
        self.rank_followers(now);
        self.after_moves(now);
        Ok(())
    }

    /// Removes a group; if it is Active it resigns first. What the dataplane refuses to take back is asked for again and
    /// again, with a notice each time; a group of the same name can be added meanwhile.
    ///
    /// # Errors
    /// There is no such group.
    pub fn remove(&mut self, now: Instant, id: &GroupId) -> Result<(), UnknownGroup> {
        let slot = self.slot_of(id)?;
        if self.stopped {
            return Ok(());
        }
        let Some(Some(mut group)) = self.groups.get_mut(slot).map(Option::take) else {
            return Err(UnknownGroup(id.clone()));
        };
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        group.stop(now, &mut out);
        self.withdraw(&mut group);
        self.group_deadlines.set(slot, None);
        self.ids.remove(id);
        let place = self.interfaces.find(&id.interface);
        if let Some(interface) = place.and_then(|at| self.interfaces.get_mut(at)) {
            interface.dismiss(id);
            self.actions.extend(interface.attach());
        }
        self.dismiss_role(now, &mut group);
        self.rank_followers(now);
        self.after_moves(now);
        if let Some(place) = place {
            self.forget_if_idle(place);
        }
        Ok(())
    }

    /// Stops every group: those that are Active resign, all of them before anything else. Nothing is programmed any
    /// more, and what is wished for afterwards is ignored; the dataplane is for the caller to clear as a whole, at once or
    /// after [`Engine::handover_deadline`].
    pub fn stop(&mut self, now: Instant) {
        self.await_successors(now);
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        for group in self.groups.iter_mut().flatten() {
            group.stop(now, &mut out);
        }
        self.moved.clear();
        self.stopped = true;
    }

    /// At `now` it was `unix` after 1970-01-01 00:00 UTC. Key chains need to know; told again when the clock was set.
    pub fn set_wall_clock(&mut self, now: Instant, unix: Duration) {
        self.clock = WallClock::new(now, unix);
        if self.stopped {
            return;
        }
        let clock = self.clock;
        for slot in 0..self.groups.len() {
            self.with_group(slot, |group, out| {
                group.handle_wall_clock(now, clock, out);
                Announce::Nothing
            });
        }
        self.after_moves(now);
    }

    /// The backend answers a [`Action::Program`].
    pub fn handle_programmed(
        &mut self,
        now: Instant,
        seat: SeatId,
        revision: Revision,
        result: Result<(), ProgramFault>,
    ) {
        if self.stopped {
            return;
        }
        match self.seats.get(&seat).copied() {
            None => self.handle_removed(now, seat, revision, result),
            Some(slot) => {
                let announce = self.with_group(slot, |group, out| {
                    group.handle_programmed(now, seat, (revision, result), out)
                });
                self.announce(now, slot, announce);
            }
        }
        self.after_moves(now);
    }

    /// The backend found something of this seat gone and put it back.
    pub fn handle_mended(&mut self, now: Instant, seat: SeatId, what: Arc<str>) {
        if let Some(slot) = self.seats.get(&seat).copied().filter(|_| !self.stopped) {
            let announce = self.with_group(slot, |group, out| group.handle_mended(now, seat, what, out));
            self.announce(now, slot, announce);
        }
    }

    /// An [`Action::Attach`] failed: the groups there wait, and try again by and by.
    pub fn handle_attach_fault(&mut self, now: Instant, interface: IfIndex, fault: &ProgramFault) {
        let known = self.indexes.get(&interface).copied().filter(|_| !self.stopped);
        let Some(interface) = known.and_then(|place| self.interfaces.get_mut(place)) else { return };
        interface.attach_failed = true;
        let slots: Vec<usize> = interface.slots().collect();
        for slot in slots {
            self.with_group(slot, |group, out| {
                group.fail(now, fault.0.clone(), out);
                Announce::Nothing
            });
        }
        self.after_moves(now);
    }

    /// Asks for frames again if that had failed and the group in `slot` is about to try again.
    fn attach_again(&mut self, now: Instant, slot: usize) {
        let Some(Some(group)) = self.groups.get(slot) else { return };
        let Some(place) = self.interfaces.find(&group.id().interface).filter(|_| group.retries(now)) else {
            return;
        };
        let Some(interface) = self.interfaces.get_mut(place).filter(|interface| interface.attach_failed)
        else {
            return;
        };
        interface.attach_failed = false;
        interface.attached = None;
        self.actions.extend(interface.attach());
    }

    /// It is `now`. Early and repeated calls are harmless; adverts of all groups come before announcements.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.stopped {
            return;
        }
        while let Some(slot) = self.group_deadlines.due(now) {
            self.attach_again(now, slot);
            let announce = self.with_group(slot, |group, out| group.handle_timeout(now, out));
            self.announce(now, slot, announce);
            self.advertise_as_router(now, slot);
        }
        self.after_moves(now);
        self.retry_removals(now);
        while let Some(at) = self.pacer_deadlines.due(now) {
            self.drain_pacer(now, at);
        }
    }

    /// When [`Engine::handle_timeout`] is due next; `None` if never, as after [`Engine::stop`].
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.stopped {
            return None;
        }
        let all = [&self.group_deadlines, &self.voice_deadlines, &self.pacer_deadlines];
        let all = all.map(Deadlines::next).into_iter().chain([self.removals.next()]);
        all.flatten().min()
    }

    /// The next thing to do, in order.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.actions.pop_front();
        if action.is_none() {
            self.round = self.round.wrapping_add(1);
        }
        if matches!(action, Some(Action::Transmit { .. } | Action::Unicast { .. })) {
            self.stats.frames_sent += 1;
        }
        action
    }

    /// Snapshots of all groups, ordered by id.
    pub fn status(&self) -> impl Iterator<Item = GroupStatus> + '_ {
        self.ids.values().filter_map(|slot| self.groups.get(*slot)?.as_ref().map(Slot::status))
    }

    /// The configuration of a group.
    #[must_use]
    pub fn config(&self, id: &GroupId) -> Option<GroupConfig> {
        let slot = self.ids.get(id)?;
        self.groups.get(*slot)?.as_ref().map(Slot::config)
    }

    /// Counters of the interfaces that have groups, ordered by name.
    pub fn interfaces(&self) -> impl Iterator<Item = (&InterfaceName, &InterfaceStats)> {
        self.interfaces
            .iter()
            .filter(|(_, interface)| interface.has_groups())
            .map(|(name, interface)| (name, &interface.stats))
    }

    /// Counters of the engine.
    #[must_use]
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The group that stands in the way of a new one. A GLBP group has its virtual MACs by number alone: it cannot be
    /// there in both families.
    fn rival(&self, id: &GroupId) -> Option<GroupId> {
        let families: &[Family] = match id.protocol {
            Protocol::Vrrp | Protocol::Hsrp => &[id.family],
            Protocol::Glbp => &[Family::V4, Family::V6],
        };
        let rivals = families.iter().map(|family| GroupId { family: *family, ..id.clone() });
        rivals.into_iter().find(|rival| self.ids.contains_key(rival))
    }

    fn slot_of(&self, id: &GroupId) -> Result<usize, UnknownGroup> {
        self.ids.get(id).copied().ok_or_else(|| UnknownGroup(id.clone()))
    }

    /// Calls `act` on a group and re-arms its deadline.
    fn with_group(&mut self, slot: usize, act: impl FnOnce(&mut Slot, &mut Out<'_>) -> Announce) -> Announce {
        let Some(Some(group)) = self.groups.get_mut(slot) else {
            self.group_deadlines.set(slot, None);
            return Announce::Nothing;
        };
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        let announce = act(group, &mut out);
        self.group_deadlines.set(slot, group.next_deadline());
        self.refresh_reception(slot);
        announce
    }
}
