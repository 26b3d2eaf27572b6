//! What one router has to do in one group: the tables of both contests as expectations. It computes the state of the
//! gateway and of every forwarder that every packet and every timer leads to, and says when the engine shows another.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GlbpForwarder, GlbpSettings, GlbpStatus, GroupState, Instant, MacAddr, TrackEffect};
use fhrp_wire::glbp::{Body, Hello, VgState};

use super::forwarder::{Forwarder, Role, Stand, Terms, Word};
use super::hosts::Handed;
use super::said::{accepts, resigns};
use super::watch::Before;
use super::{FORWARDERS, Said, usable};
use crate::candidate::{Candidate, Heard, SHORTEST};
use crate::check::Checker;
use crate::contest::{Fault, Fitness, runs};
use crate::pace::{Pace, shown};

/// What a router can be configured with: other times are not learned as they are.
const HELLO: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(60));
const HOLD: (Duration, Duration) = (Duration::from_millis(70), Duration::from_secs(180));

/// The four times in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Times {
    pub(super) hello: Duration,
    pub(super) hold: Duration,
    pub(super) redirect: Duration,
    pub(super) timeout: Duration,
}

/// What the engine shows after a call, and how sure one can be of what it knew.
#[derive(Clone, Debug, Default)]
pub(super) struct Shown {
    pub(super) forwarders: Vec<GlbpForwarder>,
    /// What it sent in this round is not seen yet.
    pub(super) unsure: bool,
}

/// One router in one group; all times are the router's own.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) settings: GlbpSettings,
    /// As a gateway.
    pub(crate) candidate: Candidate,
    pub(crate) pace: Pace,
    pub(crate) tracked_down: bool,
    pub(super) low: bool,
    pub(super) times: Times,
    address_known: bool,
    pub(super) up_since: Option<Instant>,
    /// Whom it asked for a forwarder, and when.
    pub(crate) asked: Option<(IpAddr, Instant)>,
    /// The last two nonces that it sent, the newest first.
    pub(crate) nonces: [Option<u32>; 2],
    /// When requests of others came lately.
    pub(super) requests: Vec<Instant>,
    pub(crate) forwarders: [Forwarder; FORWARDERS],
    pub(super) handed: Handed,
    /// The time of this call.
    pub(super) now: Instant,
    pub(super) fit: Option<Fitness>,
    pub(super) shown: Shown,
    /// Before the round.
    pub(super) before: Option<Before>,
    /// The current weighting as the engine last showed it.
    pub(super) weight_shown: u8,
}

pub(super) fn times_of(settings: &GlbpSettings) -> Times {
    Times {
        hello: settings.hello_time,
        hold: settings.hold_time,
        redirect: settings.redirect,
        timeout: settings.timeout,
    }
}

impl Contest {
    pub(crate) fn new(settings: GlbpSettings) -> Self {
        Self {
            address_known: !settings.addresses.is_empty(),
            times: times_of(&settings),
            settings,
            candidate: Candidate::new(GroupState::Initial),
            pace: Pace::default(),
            tracked_down: false,
            low: false,
            up_since: None,
            asked: None,
            nonces: [None; 2],
            requests: Vec::new(),
            forwarders: std::array::from_fn(|_| Forwarder::new()),
            handed: Handed::default(),
            now: Instant::default(),
            fit: None,
            shown: Shown::default(),
            before: None,
            weight_shown: 0,
        }
    }

    pub(crate) fn reconfigure(&mut self, settings: GlbpSettings) {
        self.settings = settings;
        if self.candidate.leader.is_none() {
            self.times = times_of(&self.settings);
        }
    }

    pub(crate) fn hello(&self) -> Duration {
        self.times.hello
    }

    fn hold(&self) -> Duration {
        self.times.hold.max(SHORTEST)
    }

    /// The current weighting.
    pub(crate) fn weight(&self) -> u8 {
        let lost = |effect: &TrackEffect| match effect {
            TrackEffect::Decrement(by) => *by,
            TrackEffect::Shutdown => 0,
        };
        let tracks = self.settings.track.iter().filter(|_| self.tracked_down);
        tracks.fold(self.settings.weighting, |weight, track| weight.saturating_sub(lost(&track.effect)))
    }

    /// What the engine does not show of its forwarders.
    pub(crate) fn forwarder_timers(&self) -> Vec<Option<Instant>> {
        self.forwarders.iter().flat_map(Forwarder::timers).collect()
    }

    pub(crate) fn is_low(&self) -> bool {
        self.low
    }

    pub(super) fn terms(&self) -> Terms {
        let settings = &self.settings;
        let source = self.fit.as_ref().map_or(IpAddr::from([0, 0, 0, 0]), |fit| fit.source);
        Terms {
            source,
            runs: runs(self.candidate.state),
            low: self.low,
            preempt: settings.forwarder_preempt.then_some(settings.forwarder_preempt_delay),
            hold: self.hold(),
            redirect: self.times.redirect,
            timeout: self.times.timeout,
        }
    }

    /// The rank of this router for a forwarder.
    pub(crate) fn forwarder_priority(&self, at: usize) -> u8 {
        self.forwarders[at].priority(self.low)
    }

    /// What the engine shows after the call that is about to be looked at.
    pub(super) fn note(&mut self, now: Instant, status: &GlbpStatus, unsure: bool) {
        self.now = now;
        self.shown = Shown { forwarders: status.forwarders.clone(), unsure };
    }

    /// Whether what the engine sent in this round was not seen call by call.
    pub(super) fn is_unsure(&self) -> bool {
        self.shown.unsure
    }

    pub(super) fn shows(&self, at: usize) -> Option<&GlbpForwarder> {
        self.shown.forwarders.iter().find(|shown| usize::from(shown.number) == at + 1)
    }

    fn agrees(&self) -> bool {
        self.forwarders.iter().enumerate().all(|(at, own)| own.agrees(self.shows(at), self.low))
    }

    /// A packet was received at `at`; the gateway's state is `after` since then.
    pub(crate) fn hear(
        &mut self,
        at: Instant,
        said: &Said,
        fit: Option<&Fitness>,
        after: GroupState,
    ) -> Result<(), Fault> {
        (self.now, self.fit) = (at, fit.cloned());
        let before = self.candidate.state;
        let Some(fit) = fit else { return Ok(()) };
        let ours = fit.source == said.source || fit.mac == said.packet.owner();
        if ours || !accepts(&self.settings, &fit.own, said) {
            let text = || format!("is {after} after what does not count, {said}");
            return self.candidate.judge((before, after), text);
        }
        self.adopt_unseen_retries();
        let stale = self.is_stale(said, fit.mac);
        let mut other = (self.shown.unsure && said_resigns(said)).then(|| self.clone());
        self.take(said, fit, stale)?;
        if let Some(mut other) = other.take().filter(|_| self.candidate.state != after || !self.agrees()) {
            other.take(said, fit, !stale)?;
            *self = other;
        }
        let text = || format!("is {after} after {said} of {} in {before}", said.source);
        self.candidate.judge((before, after), text)
    }

    /// Whether it echoes an old nonce of ours.
    fn is_stale(&self, said: &Said, ours: MacAddr) -> bool {
        let echoed = said.echo(Some(ours)).and_then(|echo| echo.ours);
        echoed.is_some_and(|echoed| !self.nonces.contains(&Some(echoed)))
    }

    fn take(&mut self, said: &Said, fit: &Fitness, stale: bool) -> Result<(), Fault> {
        match said.packet.body() {
            Body::Announcement { hello, .. } => {
                self.learn_forwarders(said);
                let hold = match hello {
                    Some(hello) if !(stale && resigns(hello)) => self.hear_hello(said, hello, fit),
                    Some(_) | None => self.hold(),
                };
                self.take_own();
                self.hear_forwarders(said, hold, stale);
                Ok(())
            }
            Body::Request => self.hear_request(said.packet.owner()),
            Body::Response(number) => self.hear_response(said, usize::from(number.get()) - 1, fit),
        }
    }

    fn hear_hello(&mut self, said: &Said, hello: &Hello, fit: &Fitness) -> Duration {
        let believed = self.believed(hello);
        let (active, resigning) = (hello.state() == VgState::Active, resigns(hello));
        if active && !resigning && !self.address_known && usable(hello.address()) {
            self.address_known = true;
            self.start(self.now);
        }
        if runs(self.candidate.state) {
            let higher = (hello.priority(), said.source) > (self.settings.priority, fit.source);
            let (hold, own_hold) = (believed.hold.max(SHORTEST), self.hold());
            self.transit(hello, &Heard { at: self.now, source: said.source, higher, hold, own_hold });
        }
        let Candidate { state, leader, .. } = self.candidate;
        let followed = runs(state) && state != GroupState::Active && leader == Some(said.source);
        if active && !resigning && followed {
            self.times = believed;
        }
        believed.hold
    }

    fn transit(&mut self, hello: &Hello, heard: &Heard) {
        let before = self.candidate.state;
        match hello.state() {
            VgState::Active if resigns(hello) => self.candidate.hear_resign(heard),
            VgState::Active => {
                let patience = self.settings.preempt.then_some(self.settings.preempt_delay);
                if self.candidate.hear_active(heard, patience) {
                    self.candidate.challenge(heard);
                }
            }
            VgState::Standby => self.candidate.hear_standby(heard),
            VgState::Speak => self.candidate.hear_speak(heard),
            VgState::Listen => {}
        }
        self.settle(before);
    }

    /// The AVG's own times count.
    fn settle(&mut self, before: GroupState) {
        if before != GroupState::Active && self.candidate.state == GroupState::Active {
            self.times = times_of(&self.settings);
        }
    }

    /// Times that a router can have been told.
    fn believed(&self, hello: &Hello) -> Times {
        let said = hello.timers();
        let (redirect, timeout) = (said.redirect().to_duration(), said.timeout().to_duration());
        let lasting = timeout > redirect;
        Times {
            hello: said.hello().to_duration().clamp(HELLO.0, HELLO.1),
            hold: said.hold().to_duration().clamp(HOLD.0, HOLD.1),
            redirect: if lasting { redirect } else { self.times.redirect },
            timeout: if lasting { timeout } else { self.times.timeout },
        }
    }

    /// Which forwarders there are is learned before anything else.
    fn learn_forwarders(&mut self, said: &Said) {
        let (terms, runs) = (self.terms(), runs(self.candidate.state));
        for one in said.forwarders().into_iter().filter(|_| runs) {
            let (at, owner) = (usize::from(one.number.get()) - 1, said.packet.owner());
            if self.forwarders[at].role == Role::Unknown {
                let word = Word { at: self.now, source: said.source, owner, hold: Duration::ZERO, said: one };
                self.forwarders[at].learn(&word, &terms);
                if one.priority.is_primary() {
                    self.owns_one(owner, at);
                }
            }
        }
    }

    fn hear_forwarders(&mut self, said: &Said, hold: Duration, stale: bool) {
        if !runs(self.candidate.state) {
            return;
        }
        for one in said.forwarders() {
            if stale && one.priority.is_resigning() {
                continue;
            }
            let (at, owner) = (usize::from(one.number.get()) - 1, said.packet.owner());
            let word = Word { at: self.now, source: said.source, owner, hold, said: one };
            let terms = self.terms();
            let lost = self.forwarders[at].hear(&word, &terms);
            if one.priority.is_primary() && self.forwarders[at].role == Role::Secondary {
                self.owns_one(owner, at);
            }
            if lost {
                self.take_own();
            }
        }
    }

    /// Time was served at `now`; the gateway's state is `after` since then.
    pub(crate) fn tick(&mut self, now: Instant, after: GroupState) -> Result<(), Fault> {
        self.now = now;
        let before = self.candidate;
        self.candidate.tick(now, self.hold());
        self.settle(before.state);
        self.take_own();
        self.forwarders.iter_mut().for_each(|forwarder| forwarder.tick(now));
        let text = || format!("is {after} at {now}; {}", before.shown_timers());
        self.candidate.judge((before.state, after), text)
    }

    fn start(&mut self, now: Instant) {
        self.times = times_of(&self.settings);
        (self.up_since, self.pace.last) = (Some(now), Some(now));
        self.candidate.start(now, self.hold());
        self.reconcile(now);
        // With the times of now: the packet that made it start may teach others.
        self.adopt_retries(now);
    }

    fn reconcile(&mut self, now: Instant) {
        let terms = self.terms();
        self.forwarders.iter_mut().for_each(|forwarder| forwarder.reconcile(now, &terms));
    }

    /// Below the lower threshold it gives its forwarders away; from the upper one on it serves again.
    fn reweigh(&mut self, now: Instant) {
        let upper = self.settings.weighting_upper.unwrap_or(self.settings.weighting);
        let lower = self.settings.weighting_lower.unwrap_or(1);
        let low = self.weight() < if self.low { upper } else { lower };
        if low != self.low {
            self.low = low;
            for forwarder in &mut self.forwarders {
                forwarder.resigns |= low && forwarder.announced;
            }
            self.reconcile(now);
            self.take_own();
        }
    }

    /// The engine shows the state `to` of the gateway; packets and timers have been looked at.
    pub(crate) fn enter(&mut self, now: Instant, to: GroupState, fit: Option<&Fitness>) -> Result<(), Fault> {
        let before = self.fit.take();
        self.fit = fit.cloned().or(before);
        self.reweigh(now);
        let from = self.candidate.state;
        match (runs(from), runs(to)) {
            (true, true) => {
                self.candidate.judge((from, to), || format!("is {to} at {now} for no reason"))?;
            }
            (true, false) => self.stop(to, now),
            (false, true) => {
                self.start(now);
                self.candidate.judge((GroupState::Listen, to), || format!("starts as {to} at {now}"))?;
            }
            (false, false) => self.candidate.state = to,
        }
        self.take_own();
        self.adopt_retries(now);
        Ok(())
    }

    fn stop(&mut self, to: GroupState, now: Instant) {
        self.candidate = Candidate::new(to);
        (self.up_since, self.pace.last) = (None, None);
        self.address_known = !self.settings.addresses.is_empty();
        self.reconcile(now);
    }

    /// A forwarder whose dataplane had failed is tried again: when, is the engine's affair.
    fn adopt_retries(&mut self, now: Instant) {
        let terms = self.terms();
        for at in 0..FORWARDERS {
            let tried = self.shows(at).is_some_and(|shown| runs(shown.state));
            if self.forwarders[at].paused && tried && !self.low {
                self.forwarders[at].paused = false;
                self.forwarders[at].reconcile(now, &terms);
            }
        }
    }

    /// The same of one that nobody knew of meanwhile: it was tried without being shown.
    fn adopt_unseen_retries(&mut self) {
        for at in 0..FORWARDERS {
            let tried = self.shows(at).is_some_and(|shown| runs(shown.state));
            self.forwarders[at].paused &= !(tried && self.forwarders[at].role == Role::Unknown);
        }
    }

    /// The dataplane refused the newest wish for the forwarder at `at`.
    pub(super) fn refused(&mut self, now: Instant, at: usize) {
        let terms = self.terms();
        self.forwarders[at].paused = true;
        self.forwarders[at].reconcile(now, &terms);
    }

    /// The engine asks to be called at `next`.
    pub(crate) fn plans(&self, next: Option<Instant>) -> Result<(), Fault> {
        let serving = self.forwarders.iter().filter_map(|forwarder| forwarder.active_until);
        let lasting = self.forwarders.iter().filter(|forwarder| forwarder.role == Role::Secondary);
        let timeouts = lasting.map(|forwarder| forwarder.timeout_ends);
        let mut ends = self.candidate.ends().chain(serving).chain(timeouts);
        if let Some(until) = ends.find(|until| next.is_none_or(|next| next > *until)) {
            let text = format!("asks to be called {}, a timer ends at {until}", shown(next));
            return Err((Checker::TakesOver, text));
        }
        if !runs(self.candidate.state) {
            return Ok(());
        }
        self.pace.plans(next, self.hello())
    }

    /// Whether this router serves the forwarder at `at`: the dataplane has said so.
    pub(super) fn serves(&self, at: usize) -> bool {
        self.forwarders[at].stand == Stand::Active && self.shows(at).is_some_and(|shown| shown.programmed)
    }
}

/// Whether a packet gives anything up.
fn said_resigns(said: &Said) -> bool {
    said.resigns() || said.forwarders().iter().any(|one| one.priority.is_resigning())
}
