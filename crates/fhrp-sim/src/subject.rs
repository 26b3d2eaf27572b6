//! The engine under test: the production one, or the same with a flaw put around it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use fhrp::{
    Action, Binding, Engine, Gate, GroupConfig, GroupId, GroupState, GroupStatus, IfIndex, Instant,
    LinkEvent, ProgramFault, Revision, SeatId, TrackName, TrackState,
};

use crate::contest::runs;
use crate::flaw::{Flaw, Rewriter};
use crate::glbp;
use crate::said::Said;

/// What happens to a router's engine.
#[derive(Clone, Debug)]
pub(crate) enum Input {
    /// A frame that the world numbered `frame` arrived at `at`.
    Frame { at: Instant, interface: IfIndex, frame: u64, octets: Bytes },
    /// A deadline is over.
    Timeout,
    /// News of the interface.
    Link(LinkEvent),
    /// The dataplane answers.
    Programmed { seat: SeatId, revision: Revision, result: Result<(), ProgramFault> },
    /// A group comes.
    Add(GroupConfig),
    /// A group changes.
    Update(GroupConfig),
    /// A group goes.
    Remove(GroupId),
    /// An object that groups track is up or down.
    Track(TrackName, TrackState),
    /// The daemon ends.
    Stop,
}

/// An engine, and what is wrong with it.
#[derive(Debug)]
pub(crate) struct Subject {
    engine: Engine,
    flaw: Option<Flaw>,
    rewriter: Rewriter,
    /// What came out, after the flaw.
    actions: VecDeque<Action>,
    /// The newest wish of each seat.
    wishes: BTreeMap<SeatId, (Revision, Option<Binding>)>,
    /// Answers that a flaw hands in before the dataplane does.
    early: Vec<(SeatId, Revision)>,
    /// When it was called last.
    now: Instant,
    /// The last advertisement, for a flaw that repeats it.
    last: Option<Action>,
    /// Groups that were added once.
    added: BTreeSet<GroupId>,
    /// News of the interface that are noticed then.
    late: Option<(Instant, LinkEvent)>,
    /// Groups that were Active before the call.
    was_active: BTreeSet<GroupId>,
    /// The daemon has been asked to stop.
    stops: bool,
}

/// How late a flaw notices that there is a carrier again.
const CARRIER_LATE: Duration = Duration::from_secs(5);

impl Subject {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        Self {
            engine: Engine::new(),
            flaw,
            rewriter: Rewriter::new(flaw),
            actions: VecDeque::new(),
            wishes: BTreeMap::new(),
            early: Vec::new(),
            now: Instant::default(),
            last: None,
            added: BTreeSet::new(),
            late: None,
            was_active: BTreeSet::new(),
            stops: false,
        }
    }

    /// How long it waits for its successors when it stops.
    pub(crate) fn set_stop_linger(&mut self, linger: Duration) {
        self.engine.set_stop_linger(linger);
    }

    pub(crate) fn set_wall_clock(&mut self, now: Instant, unix: Duration) {
        self.engine.set_wall_clock(now, unix);
    }

    pub(crate) fn call(&mut self, now: Instant, input: &Input) {
        self.now = now;
        if let Some((_, event)) = self.late.take_if(|(at, _)| *at <= now) {
            self.engine.handle_link(now, event);
        }
        if self.flaw == Some(Flaw::LastWord) {
            let active = self.engine.status().filter(|group| group.state == GroupState::Active);
            self.was_active = active.map(|group| group.id).collect();
        }
        self.stops = matches!(input, Input::Stop);
        match input {
            Input::Frame { at, interface, octets, .. } => self.frame(now, (*at, *interface), octets),
            Input::Timeout => self.engine.handle_timeout(self.served_at(now)),
            Input::Link(event) => self.link(now, event),
            Input::Programmed { seat, revision, result } => {
                let revision = match self.flaw {
                    Some(Flaw::AnyAnswerCounts) => {
                        self.wishes.get(seat).map_or(*revision, |(newest, _)| *newest)
                    }
                    _ => *revision,
                };
                if self.flaw != Some(Flaw::AnnouncesEarly) || result.is_err() {
                    self.engine.handle_programmed(now, *seat, revision, self.verdict(result));
                }
            }
            // A name that is taken or unknown would be the simulator's own mistake; the checkers see no such group then.
            Input::Add(config) => {
                let config = self.rewriter.config(config);
                let again = !self.added.insert(config.id().clone());
                if !(again && self.flaw == Some(Flaw::NeverComesAgain)) {
                    let _ = self.engine.add(now, config);
                }
            }
            Input::Update(config) => {
                let config = self.rewriter.config(config);
                let _ = self.engine.update(now, config);
            }
            Input::Remove(id) => {
                let _ = self.engine.remove(now, id);
            }
            Input::Track(name, state) => self.engine.set_track(now, name, *state),
            Input::Stop => self.engine.stop(now),
        }
    }

    /// Asks what is to be done, for [`Self::poll_action`]: the round ends.
    pub(crate) fn hand_out(&mut self) {
        self.collect();
        let now = self.now;
        for (seat, revision) in std::mem::take(&mut self.early) {
            self.engine.handle_programmed(now, seat, revision, Ok(()));
            self.collect();
        }
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    pub(crate) fn status(&self) -> impl Iterator<Item = GroupStatus> + '_ {
        self.engine.status()
    }

    /// When to call again.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let late = self.late.as_ref().map(|(at, _)| *at);
        let next = self.engine.next_deadline().into_iter().chain(late).min()?;
        if self.flaw.is_none() {
            return Some(next);
        }
        let waits = self.engine.status().any(|group| waits(group.state));
        Some(match self.flaw {
            Some(Flaw::SkewDropped) if waits => next.saturating_sub(self.longest_skew()).max(self.now),
            Some(Flaw::LateTimer) if waits => next + Duration::from_millis(20),
            Some(Flaw::BusyLoop) => next.min(self.now),
            Some(Flaw::Restless) => next.min(self.now + Duration::from_millis(1)),
            _ => next,
        })
    }

    /// Until when a stopped engine wants the dataplane to be left in place.
    pub(crate) fn handover_deadline(&self) -> Option<Instant> {
        self.engine.handover_deadline().filter(|_| self.flaw != Some(Flaw::LeavesAtOnce))
    }

    fn longest_skew(&self) -> Duration {
        self.engine
            .status()
            .filter_map(|group| group.vrrp().map(|vrrp| vrrp.skew_time))
            .max()
            .unwrap_or_default()
    }

    /// The time that the engine is told.
    fn served_at(&self, now: Instant) -> Instant {
        match self.flaw {
            Some(Flaw::SkewDropped) => now + self.longest_skew(),
            Some(Flaw::Unsteady) => now + self.rewriter.whim(),
            _ => now,
        }
    }

    fn verdict(&self, result: &Result<(), ProgramFault>) -> Result<(), ProgramFault> {
        match self.flaw {
            Some(Flaw::FaultIgnored) => Ok(()),
            _ => result.clone(),
        }
    }

    fn frame(&mut self, now: Instant, (at, interface): (Instant, IfIndex), octets: &Bytes) {
        if self.flaw.is_none() {
            self.engine.handle_frame(at, interface, octets);
            return;
        }
        let group = self.engine.status().find(|group| self.rewriter.concerns(group, octets));
        if self.flaw == Some(Flaw::StandbyAnswers) {
            let groups: Vec<GroupStatus> = self.engine.status().collect();
            let answers = groups.iter().filter_map(|group| glbp::volunteered(group, octets));
            self.actions.extend(answers.map(|frame| Action::Transmit { interface, frame }));
        }
        if self.flaw == Some(Flaw::ClaimsFirst) {
            self.engine.handle_timeout(now);
        }
        let at = if self.flaw == Some(Flaw::StampsLate) { now } else { at };
        if let Some(octets) = self.rewriter.frame_in(group.as_ref(), octets) {
            self.engine.handle_frame(at, interface, &octets);
        }
        let waits = self.engine.status().all(|group| waits(group.state));
        if self.flaw == Some(Flaw::BackupSpeaks) && waits {
            self.actions.extend(self.last.clone());
        }
    }

    fn link(&mut self, now: Instant, event: &LinkEvent) {
        let event = match (self.flaw, event) {
            (Some(Flaw::CarrierIgnored), LinkEvent::Present(link)) => {
                LinkEvent::Present(fhrp::LinkState { up: true, ..link.clone() })
            }
            (Some(Flaw::CarrierLate), LinkEvent::Present(link)) if link.up && self.was_down() => {
                self.late = Some((now + CARRIER_LATE, event.clone()));
                return;
            }
            _ => event.clone(),
        };
        self.late = None;
        self.engine.handle_link(now, event);
    }

    /// Whether some group waits for its interface, and has not just been added.
    fn was_down(&self) -> bool {
        self.engine.status().any(|group| !runs(group.state) && group.last_transition.is_some())
    }

    fn collect(&mut self) {
        if self.flaw.is_none() {
            self.actions.extend(std::iter::from_fn(|| self.engine.poll_action()));
            return;
        }
        let states: Vec<GroupStatus> = self.engine.status().collect();
        while let Some(action) = self.engine.poll_action() {
            if let Action::Program { seat, revision, binding } = &action {
                self.wishes.insert(*seat, (*revision, binding.clone()));
                let open = binding.as_ref().is_some_and(|binding| binding.gate == Gate::Open);
                if open && self.flaw == Some(Flaw::AnnouncesEarly) {
                    self.early.push((*seat, *revision));
                }
            }
            let claims = |frame| Said::in_frame(frame).is_some_and(|said| said.claims());
            if matches!(&action, Action::Transmit { frame, .. } if claims(frame)) {
                self.last = Some(action.clone());
            }
            self.actions.extend(self.rewriter.action_out(self.now, action, &states));
        }
        self.add_actions(&states);
    }

    /// What a flaw does besides.
    fn add_actions(&mut self, states: &[GroupStatus]) {
        if self.flaw == Some(Flaw::LastWord) {
            let yields = |group: &&GroupStatus| waits(group.state) && self.was_active.contains(&group.id);
            if states.iter().any(|group| yields(&group)) {
                self.actions.extend(self.last.clone());
            }
        }
        if self.flaw == Some(Flaw::ClosesAsItStops) && std::mem::take(&mut self.stops) {
            let seats = std::mem::take(&mut self.wishes).into_iter();
            self.actions.extend(seats.map(|(seat, (revision, _))| {
                let revision = Revision(revision.0 + 1);
                Action::Program { seat, revision, binding: None }
            }));
        }
    }
}

/// Whether a group could become Active.
fn waits(state: GroupState) -> bool {
    runs(state) && state != GroupState::Active
}
