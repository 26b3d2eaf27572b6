//! Whose the forwarders are, who serves them, and what their contests ask for.

use std::time::Duration;

use fhrp_election::{Advert, Cause, Claim, Effect, Election, Instant, Rank, State};
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{self, Body, ForwarderNumber, Forwarders, VfState};

use super::forwarder::{Forwarder, Role, Server};
use super::hear::at_most;
use super::{Group, Packet};
use crate::config::{GLBP_REDIRECT_MAX as REDIRECT_MAX, GLBP_TIMEOUT_MAX as TIMEOUT_MAX};
use crate::group::Out;
use crate::limiter::Topic;
use crate::{Acceptance, Binding, Gate, NoticeKind, Responder};

/// A number that was assigned is kept for its owner for this many hold times; it becomes active, and says so, after one.
const ASSIGNED_HOLDS: u32 = 4;

/// Whether a contest's adverts are to be sent: those that answer a challenge are, those that are due periodically travel
/// in the Hellos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    Challenge,
    Other,
}

impl Group {
    /// The place of this router's own forwarder.
    pub(super) fn own(&self) -> Option<usize> {
        self.forwarders.iter().position(|forwarder| forwarder.role == Role::Primary)
    }

    /// The AVG without a forwarder gives itself the lowest free number, once it had the time to hear whose they are.
    pub(super) fn take_own_forwarder(&mut self, now: Instant, out: &mut Out<'_>) {
        if !self.has_listened(now) || !self.is_avg() || self.weight.is_low() || self.own().is_some() {
            return;
        }
        if let Some(free) = self.lowest_free() {
            self.own_from_now_on(now, free, out);
        }
    }

    /// Whether it has run for long enough to have heard of everybody.
    pub(super) fn has_listened(&self, now: Instant) -> bool {
        let hold = self.timers.hold().to_duration();
        self.up_since.is_some_and(|since| now >= since + hold)
    }

    /// A number that nobody has; else one that is served in the place of an owner who is not known (any more), as after
    /// a restart of its owner.
    pub(super) fn lowest_free(&self) -> Option<usize> {
        let unknown = self.forwarders.iter().position(|forwarder| !forwarder.is_known());
        let orphan = |forwarder: &Forwarder| forwarder.role == Role::Secondary && forwarder.owner.is_none();
        unknown.or_else(|| self.forwarders.iter().position(orphan))
    }

    /// This router owns the forwarder at `at`.
    pub(super) fn own_from_now_on(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let mac = self.underlay.map(|underlay| underlay.mac);
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        forwarder.role = Role::Primary;
        forwarder.owner = mac;
        self.retune_forwarder(now, at);
        self.reconcile(now, at, out);
    }

    /// The AVG: `owner` has the forwarder at `at`, and lives. As long as nobody has served it, it is kept for a while
    /// only.
    pub(super) fn assign(&mut self, now: Instant, at: usize, owner: MacAddr, out: &mut Out<'_>) {
        let terms = self.terms();
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        forwarder.role = Role::Secondary;
        forwarder.owner = Some(owner);
        forwarder.refresh(now, &terms);
        if !forwarder.served {
            forwarder.timeout_ends = forwarder.timeout_ends.min(now + terms.hold * ASSIGNED_HOLDS);
        }
        self.tell_state(now, at, out);
    }

    pub(super) fn retune_forwarders(&mut self, now: Instant) {
        for at in 0..self.forwarders.len() {
            self.retune_forwarder(now, at);
        }
    }

    fn retune_forwarder(&mut self, now: Instant, at: usize) {
        let terms = self.terms();
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        let me = forwarder.candidacy(&terms);
        // At most an advert falls due by it, and those travel in the Hellos.
        forwarder.election.retune(now, me, &mut Vec::new());
    }

    /// Starts or stops the contest, as circumstances have it.
    pub(super) fn reconcile(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let Some(forwarder) = self.forwarders.get(at) else { return };
        // Who serves goes on until another router takes over, however low its weight; nobody starts with a low one.
        let eligible = !self.weight.is_low() || forwarder.is_active();
        let fit = self.underlay.is_some() && forwarder.seat.pause().is_none();
        if fit && eligible && forwarder.is_contested() {
            self.drive(now, at, out, |election, effects| election.start(now, effects));
        } else {
            self.drive(now, at, out, |election, effects| election.stop(now, effects));
        }
    }

    /// What the forwarder at `at` has to do at `now`.
    pub(super) fn time_forwarder(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        let answers = forwarder.seat.take_answer(now);
        if forwarder.seat.retries(now) {
            forwarder.seat.retry();
            self.reconcile(now, at, out);
        }
        if answers {
            self.announce(now, at, out);
        }
        self.drive(now, at, out, |election, effects| election.handle_timeout(now, effects));
        if self.forwarders.get(at).is_some_and(|forwarder| forwarder.is_over(now)) {
            self.counters.forwarders_expired += 1;
            self.forget(now, at, out);
        }
    }

    /// Its owner has been away for too long: the number is free, and nobody serves it any more. There is nobody to hand
    /// it over to, so nothing is said.
    fn forget(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        forwarder.clear();
        self.drive(now, at, out, |election, effects| election.stop(now, effects));
    }

    /// Calls `act` on a contest and does what it asks for.
    pub(super) fn drive(
        &mut self,
        now: Instant,
        at: usize,
        out: &mut Out<'_>,
        act: impl FnOnce(&mut Election, &mut Vec<Effect>),
    ) {
        self.drive_on(Occasion::Other, (now, at), out, act);
    }

    fn drive_on(
        &mut self,
        occasion: Occasion,
        (now, at): (Instant, usize),
        out: &mut Out<'_>,
        act: impl FnOnce(&mut Election, &mut Vec<Effect>),
    ) {
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        // Those of the gateway wait in `out.effects` meanwhile. An empty one allocates nothing.
        let mut effects = Vec::new();
        act(&mut forwarder.election, &mut effects);
        for effect in effects {
            match effect {
                Effect::Advertise if occasion == Occasion::Challenge => self.answer_challenge(now, at, out),
                // One that has just become active is announced when its gate is open.
                Effect::Advertise | Effect::Coup => {}
                Effect::Resign => self.say_forwarder_resign(now, at, out),
                Effect::Moved { to, cause, .. } => self.forwarder_moved(now, at, (to, cause), out),
            }
        }
        self.tell_state(now, at, out);
    }

    fn forwarder_moved(&mut self, now: Instant, at: usize, (to, cause): (State, Cause), out: &mut Out<'_>) {
        let low = self.weight.is_low();
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        forwarder.last_transition = Some((now, cause));
        match to {
            State::Active => (forwarder.served, forwarder.server) = (true, None),
            State::Init | State::Listen | State::Speak | State::Standby => {
                forwarder.announced = false;
                forwarder.seat.stop_announcing();
            }
        }
        if low && to == State::Listen {
            // Somebody took over; a router whose weight is too low waits outside.
            self.reconcile(now, at, out);
        }
    }

    /// Tells the operator of another state.
    fn tell_state(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let low = self.weight.is_low();
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        let to = forwarder.state(low);
        let from = std::mem::replace(&mut forwarder.told, to);
        if from == to {
            return;
        }
        forwarder.state_changes += 1;
        let number = forwarder.number;
        let cause = forwarder.last_transition.map(|(_, cause)| cause);
        let too_many = forwarder.flapping.note(now, (from, to));
        let forwarder = number.get();
        self.notify(now, NoticeKind::ForwarderMoved { forwarder, from, to, cause }, out);
        if let Some(transitions) = too_many {
            let kind = || NoticeKind::ForwarderFlapping { forwarder, transitions };
            self.notify_limited(Topic::ForwarderFlapping(number), now, kind, out);
        }
    }

    /// The answer to a lower claim, and one more when what the other sent meanwhile has arrived. While the gate is not
    /// open there is none, and the first one after that is not to wait for it.
    fn answer_challenge(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let sent = self.announce(now, at, out);
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        forwarder.seat.announce_again(now);
        if !sent {
            forwarder.election.withdraw_answer();
        }
    }

    /// Says that this router serves the forwarder at `at`, if its gate is open. Whether that went out.
    pub(super) fn announce(&mut self, now: Instant, at: usize, out: &mut Out<'_>) -> bool {
        let terms = self.terms();
        let Some(forwarder) = self.forwarders.get_mut(at).filter(|forwarder| forwarder.serves()) else {
            return false;
        };
        let again = forwarder.announced && forwarder.announced_in == Some(out.round);
        (forwarder.announced, forwarder.given_up) = (true, false);
        forwarder.announced_in = Some(out.round);
        if again {
            // It still waits to be sent.
            return true;
        }
        let (said, mac) = (forwarder.claimed(now, &terms), forwarder.mac);
        let sent = self.say_forwarder(now, said, mac, out);
        self.counters.announcement_sent += u64::from(sent);
        if !self.presented {
            self.present(out);
        }
        sent
    }

    /// Says that this router gives up the forwarder at `at`, if it ever said that it serves it.
    fn say_forwarder_resign(&mut self, now: Instant, at: usize, out: &mut Out<'_>) {
        let terms = self.terms();
        let Some(forwarder) = self.forwarders.get_mut(at).filter(|forwarder| forwarder.announced) else {
            return;
        };
        forwarder.given_up = true;
        let (said, mac) = (forwarder.resigned(now, &terms), forwarder.mac);
        let sent = self.say_forwarder(now, said, mac, out);
        self.counters.forwarder_resign_sent += u64::from(sent);
    }

    /// Alone in a packet, from the virtual MAC itself (captures).
    fn say_forwarder(&self, now: Instant, said: glbp::Forwarder, mac: MacAddr, out: &mut Out<'_>) -> bool {
        let mut forwarders = Forwarders::default();
        // The first never fails.
        let _ = forwarders.insert(said);
        self.say_to_group(now, Body::Announcement { hello: None, forwarders }, Some(mac), out)
    }

    /// A peer says something about a forwarder. `hold` is how long it is to be believed.
    pub(super) fn hear_forwarder(
        &mut self,
        packet: &Packet<'_>,
        (owner, hold): (MacAddr, Duration),
        said: &glbp::Forwarder,
        out: &mut Out<'_>,
    ) {
        let at = place(said.number);
        if !self.learn_forwarder(packet, owner, said, out) {
            return;
        }
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        let active = said.state == VfState::Active;
        let serves = active && !said.priority.is_resigning();
        if serves {
            forwarder.served = true;
            forwarder.server = Some(Server {
                address: packet.source,
                priority: said.priority,
                weight: said.weight,
                until: packet.at + hold,
            });
        } else if forwarder.server.is_some_and(|server| server.address == packet.source) {
            forwarder.server = None;
        }
        self.reconcile(packet.at, at, out);
        let claim = match (active, serves) {
            (true, true) => Claim::Active,
            (true, false) => Claim::Resign,
            (false, _) => Claim::Listen,
        };
        let from = Rank { priority: said.priority.0, address: packet.source };
        let advert = Advert { from, claim, hello: self.timers.hello().to_duration(), hold };
        let when = (packet.at, at);
        self.drive_on(Occasion::Challenge, when, out, |election, effects| {
            election.handle_advert(packet.at, &advert, effects);
        });
        if let Some(forwarder) = self.forwarders.get_mut(at).filter(|forwarder| forwarder.is_active()) {
            forwarder.server = None;
        }
    }

    /// Learns of a forwarder, and whose it is. `false` if there is nothing to be known of it.
    pub(super) fn learn_forwarder(
        &mut self,
        packet: &Packet<'_>,
        owner: MacAddr,
        said: &glbp::Forwarder,
        out: &mut Out<'_>,
    ) -> bool {
        let (terms, at) = (self.terms(), place(said.number));
        let Some(forwarder) = self.forwarders.get_mut(at) else { return false };
        match (forwarder.role, said.priority.is_primary()) {
            (Role::Primary, true) => {
                // Two owners, each from a LAN of its own: the higher address keeps it, the other asks for another. One
                // that gives it up keeps nothing.
                if packet.source > terms.source && !said.priority.is_resigning() {
                    self.learn_owner(packet.at, at, owner);
                    self.take_own_forwarder(packet.at, out);
                }
            }
            (Role::Unknown | Role::Secondary, true) => self.learn_owner(packet.at, at, owner),
            (Role::Unknown, false) => {
                let redirect_left = at_most(said.redirect_left, REDIRECT_MAX).to_duration();
                let left = at_most(said.timeout_left, TIMEOUT_MAX).to_duration();
                if said.state != VfState::Active || left.is_zero() {
                    return false;
                }
                forwarder.role = Role::Secondary;
                forwarder.redirect_ends = packet.at + redirect_left;
                forwarder.timeout_ends = packet.at + left;
                self.retune_forwarder(packet.at, at);
            }
            (Role::Primary | Role::Secondary, false) => {}
        }
        true
    }

    /// Another router owns the forwarder at `at`, and lives. It has one only: what it had before, as before a restart, it
    /// has no longer.
    fn learn_owner(&mut self, now: Instant, at: usize, owner: MacAddr) {
        let terms = self.terms();
        for forwarder in self.forwarders.iter_mut().filter(|forwarder| forwarder.role == Role::Secondary) {
            forwarder.owner = forwarder.owner.filter(|known| *known != owner);
        }
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        forwarder.role = Role::Secondary;
        forwarder.owner = Some(owner);
        forwarder.refresh(now, &terms);
        self.retune_forwarder(now, at);
    }

    /// The weight is as it is now. Below the lower threshold every forwarder is offered to others, once with the
    /// priority of one that resigns; it is served until one of them takes it.
    pub(super) fn reweigh(&mut self, now: Instant, out: &mut Out<'_>) {
        let before = self.weight.is_low();
        self.weight.update(self.config.thresholds(), self.load.decrement);
        if before == self.weight.is_low() {
            return;
        }
        let (weight, thresholds) = (self.weight.current(), self.weight.thresholds());
        if before {
            self.notify(now, NoticeKind::WeightingEnough { weight, upper: thresholds.upper }, out);
        } else {
            self.notify(now, NoticeKind::WeightingLow { weight, lower: thresholds.lower }, out);
            for at in 0..self.forwarders.len() {
                self.say_forwarder_resign(now, at, out);
            }
        }
        self.retune_forwarders(now);
        for at in 0..self.forwarders.len() {
            self.reconcile(now, at, out);
        }
        self.take_own_forwarder(now, out);
        self.refresh_wishes(out);
    }

    /// Says what the dataplane should look like, where that is new.
    pub(super) fn refresh_wishes(&mut self, out: &mut Out<'_>) {
        for at in 0..self.forwarders.len() {
            let wish = self.binding(at);
            if let Some(forwarder) = self.forwarders.get_mut(at) {
                forwarder.seat.wish(wish, out.actions);
            }
        }
    }

    /// The wish for one forwarder: a function of configuration, link and state, and of nothing else.
    fn binding(&self, at: usize) -> Option<Binding> {
        let known = !self.addresses.is_empty();
        let link = self.link.as_deref().filter(|link| link.is_ethernet() && known)?;
        let forwarder = self.forwarders.get(at).filter(|forwarder| forwarder.is_contested())?;
        Some(Binding {
            group: self.id().clone(),
            interface: link.index,
            mac: Some(forwarder.mac),
            addresses: self.addresses.clone(),
            owned: self.addresses.iter().copied().filter(|address| link.has(*address)).collect(),
            gate: if forwarder.is_active() { Gate::Open } else { Gate::Closed },
            acceptance: Acceptance::Allow,
            responder: Responder::Engine,
        })
    }
}

/// Where the forwarder of this number is in the list.
pub(super) fn place(number: ForwarderNumber) -> usize {
    usize::from(number.get()) - 1
}
