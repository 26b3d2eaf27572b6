//! One router, and what must hold of it after every call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use fhrp::{Action, Engine, Instant, Revision, SeatId};

use super::traffic;

/// Actions of one call: a few, and for each group what becoming Active with its addresses takes.
const ACTIONS_BESIDES: usize = 32;
const ACTIONS_EACH_GROUP: usize = 48;
/// The shortest intervals are 10 ms.
const WAKES_BESIDES: usize = 200;
const WAKES_EACH_GROUP: usize = 300;
const PEERS_MAX: usize = 16;
const MEMBERS_MAX: usize = 32;
/// The text that shows an engine says how much it holds: for each group, and besides.
const TEXT_BESIDES: usize = 40_000;
const TEXT_EACH_GROUP: usize = 40_000;
/// An engine that has and knows nothing; places that were used before count.
const TEXT_OF_NOTHING: usize = 10_000;
const NO_GROUP: &str = "4294967295, ";
const WISHES_MAX: usize = 32;

/// How far a router is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    Runs,
    /// Within the call that stops it.
    Stops,
    Stopped,
}

#[derive(Default)]
pub(super) struct Router {
    pub(super) engine: Engine,
    /// Wishes that nobody has answered, oldest first.
    pub(super) wishes: VecDeque<(SeatId, Revision)>,
    /// Whether the last wish of a seat was to hold something.
    holds: BTreeMap<SeatId, bool>,
    last: BTreeMap<SeatId, Revision>,
    /// Seats whose last wish was refused.
    refused: BTreeSet<SeatId>,
    wakes_from: Instant,
    wakes: usize,
    pub(super) stage: Stage,
}

impl Router {
    /// All that the engine wants, looked at.
    pub(super) fn drain(&mut self) -> Vec<Action> {
        let actions: Vec<Action> = std::iter::from_fn(|| self.engine.poll_action()).collect();
        // Counting groups costs more than the calls that are looked at. Those just removed count too.
        let few = actions.len() <= ACTIONS_BESIDES;
        let most = || ACTIONS_BESIDES + (self.engine.status().count() + 1) * ACTIONS_EACH_GROUP;
        assert!(few || actions.len() <= most(), "{} actions in one call: {actions:?}", actions.len());
        for action in &actions {
            // Frames go on coming in until others have taken over, and what is wrong with them is said.
            let told = matches!(action, Action::Notify(_));
            assert!(told || self.stage != Stage::Stopped, "does something after it stopped: {action:?}");
            match action {
                Action::Program { seat, revision, binding } => {
                    assert!(self.stage == Stage::Runs, "programs as it stops");
                    if self.wishes.len() == WISHES_MAX {
                        self.wishes.pop_front();
                    }
                    self.wishes.push_back((*seat, *revision));
                    self.holds.insert(*seat, binding.is_some());
                    self.last.insert(*seat, *revision);
                    self.refused.remove(seat);
                }
                Action::Transmit { frame, .. } => traffic::check(frame),
                Action::Unicast { source, peer, payload, .. } => {
                    traffic::check_unicast(*source, *peer, payload);
                }
                Action::Attach { .. } | Action::Detach(_) | Action::Notify(_) => {}
            }
        }
        actions
    }

    /// No more often than the shortest intervals explain.
    pub(super) fn count_wake(&mut self, now: Instant) {
        if now >= self.wakes_from + Duration::from_secs(1) {
            (self.wakes_from, self.wakes) = (now, 0);
        }
        self.wakes += 1;
        let few = self.wakes <= WAKES_BESIDES;
        let most = || WAKES_BESIDES + self.engine.status().count() * WAKES_EACH_GROUP;
        assert!(few || self.wakes <= most(), "{} wake-ups in a second", self.wakes);
    }

    /// Nothing grows with what is heard.
    pub(super) fn check_size(&self) {
        let mut groups = 0;
        for status in self.engine.status() {
            groups += 1;
            assert!(status.peers.len() <= PEERS_MAX, "{} peers", status.peers.len());
            let Some(glbp) = status.glbp() else { continue };
            assert!(glbp.members.len() <= MEMBERS_MAX, "{} members", glbp.members.len());
            let clients = glbp.client_cache.map_or(0, |cache| usize::from(cache.maximum));
            assert!(glbp.clients.len() <= clients, "{} clients", glbp.clients.len());
        }
        let text = format!("{:?}", self.engine);
        // Numbers without a group are places in tables that have one for each number.
        let text = text.len() - text.matches(NO_GROUP).count() * NO_GROUP.len();
        assert!(text <= TEXT_BESIDES + groups * TEXT_EACH_GROUP, "{text} octets show {groups} groups");
    }

    /// The dataplane refuses a wish.
    pub(super) fn refuse(&mut self, seat: SeatId, revision: Revision) {
        if self.last.get(&seat) == Some(&revision) {
            self.refused.insert(seat);
        }
    }

    /// Without groups, tracked objects and interfaces nothing is left.
    pub(super) fn check_empty(&self) {
        let text = format!("{:?}", self.engine);
        let empty = self.stage != Stage::Runs || text.len() <= TEXT_OF_NOTHING;
        assert!(empty, "{} octets show an engine that has nothing: {text}", text.len());
    }

    /// Without groups no removal that was refused is left at that.
    pub(super) fn check_removed(&self) {
        let left = self.refused.first().filter(|_| self.stage == Stage::Runs);
        assert!(left.is_none(), "{left:?} was not removed, and nobody asks again");
    }

    /// Without groups the dataplane holds nothing of ours.
    pub(super) fn check_cleared(&self) {
        let held = self.holds.iter().find(|(_, holds)| **holds && self.stage == Stage::Runs);
        assert!(held.is_none(), "{held:?} is left in the dataplane");
    }
}
