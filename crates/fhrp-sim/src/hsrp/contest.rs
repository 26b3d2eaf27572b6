//! What one router has to do in one group: the table of RFC 2281 §5 as expectations. It computes the state that every
//! message and every timer leads to, and says when the engine shows another.

use std::time::Duration;

use fhrp::{GroupState, HsrpSettings, Instant};
use fhrp_wire::hsrp::Opcode;

use super::{Said, accepts, fit_timers, timers_of};
use crate::candidate::{Candidate, Heard, SHORTEST};
use crate::check::Checker;
use crate::contest::{Fault, Fitness, burden, runs};
use crate::pace::{Pace, shown};

/// One router in one group; all times are the router's own.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) settings: HsrpSettings,
    pub(crate) candidate: Candidate,
    pub(crate) pace: Pace,
    pub(crate) tracked_down: bool,
    /// Timers of the Active router.
    pub(crate) learned: Option<(Duration, Duration)>,
    address_known: bool,
    /// Whether it has been Active since the group was added.
    seasoned: bool,
}

impl Contest {
    pub(crate) fn new(settings: HsrpSettings) -> Self {
        Self {
            address_known: !settings.addresses.is_empty(),
            settings,
            candidate: Candidate::new(GroupState::Initial),
            pace: Pace::default(),
            tracked_down: false,
            learned: None,
            seasoned: false,
        }
    }

    /// The group starts anew.
    pub(crate) fn restart(&mut self) {
        let tracked_down = self.tracked_down;
        *self = Self { tracked_down, ..Self::new(self.settings.clone()) };
    }

    pub(crate) fn reconfigure(&mut self, settings: HsrpSettings) {
        self.settings = settings;
    }

    pub(crate) fn priority(&self) -> u8 {
        let burden = burden(&self.settings.track, self.tracked_down).unwrap_or(0);
        self.settings.priority.saturating_sub(burden)
    }

    /// The Active router's timers hold for all; it uses its own, and learned ones where it has none (RFC 2281 §5.1).
    fn timers(&self) -> (Duration, Duration) {
        let known = match self.candidate.state {
            GroupState::Active => self.settings.timers.or(self.learned),
            _ => self.learned.or(self.settings.timers),
        };
        known.unwrap_or(timers_of(&self.settings))
    }

    pub(crate) fn hello(&self) -> Duration {
        self.timers().0
    }

    fn hold(&self) -> Duration {
        self.timers().1.max(SHORTEST)
    }

    /// A message was received at `at`; the state is `after` since then.
    pub(crate) fn hear(
        &mut self,
        at: Instant,
        said: &Said,
        fit: Option<&Fitness>,
        after: GroupState,
    ) -> Result<(), Fault> {
        if self.settings.follow.is_some() {
            return Ok(());
        }
        let ours = fit.is_some_and(|fit| fit.source == said.source);
        let before = self.candidate.state;
        if ours || !accepts(&self.settings, said) {
            let text = || format!("is {after} after what does not count, from {}", said.source);
            return self.candidate.judge((before, after), text);
        }
        if said.claims() && before != GroupState::Active {
            self.learn(said);
        }
        let Some(fit) = fit else { return Ok(()) };
        if before == GroupState::Learn && self.address_known {
            self.start(at);
        }
        if runs(self.candidate.state) {
            self.transit(at, said, fit);
            self.settle(before);
        }
        self.candidate.judge((before, after), || {
            let (opcode, state) = (said.opcode, said.state);
            format!("is {after} after {opcode:?} {state:?} {} of {} in {before}", said.priority, said.source)
        })
    }

    /// Whether what it sent is so; one that becomes Active, or is no longer, may say either's timers.
    pub(crate) fn says(&self, said: &Said) -> Result<(), Fault> {
        let own = timers_of(&self.settings);
        let timers = [self.settings.timers.or(self.learned), self.learned.or(self.settings.timers)];
        let timed = said.timers.is_none_or(|said| timers.iter().any(|known| known.unwrap_or(own) == said));
        if said.priority == self.priority() && timed && accepts(&self.settings, said) {
            return Ok(());
        }
        let text = format!("says {said:?}, has priority {} and timers {timers:?}", self.priority());
        Err((Checker::Says, text))
    }

    /// RFC 2281 §5, action E.
    fn learn(&mut self, said: &Said) {
        self.learned = said.timers.filter(|timers| fit_timers(*timers, said.version)).or(self.learned);
        self.address_known |= said.usable_address;
    }

    /// The lines f to l of the table.
    fn transit(&mut self, at: Instant, said: &Said, fit: &Fitness) {
        let higher = (said.priority, said.source) > (self.priority(), fit.source);
        let own_hold = self.hold();
        let hold = said.timers.map_or(own_hold, |(_, hold)| hold.max(SHORTEST));
        let heard = Heard { at, source: said.source, higher, hold, own_hold };
        match (said.opcode, said.claimed()) {
            (Opcode::Hello, Claimed::Active) => {
                let patience = self.settings.preempt.then(|| self.preempt_delay());
                if self.candidate.hear_active(&heard, patience) {
                    self.candidate.push_aside(&heard);
                }
            }
            (Opcode::Hello, Claimed::Standby) => self.candidate.hear_standby(&heard),
            (Opcode::Hello, Claimed::Speak) => self.candidate.hear_speak(&heard),
            (Opcode::Hello, Claimed::Nothing) => {}
            (Opcode::Coup, _) => self.candidate.hear_coup(&heard),
            (Opcode::Resign, _) => self.candidate.hear_resign(&heard),
        }
    }

    /// What a state brings with it.
    fn settle(&mut self, before: GroupState) {
        let state = self.candidate.state;
        self.seasoned |= state == GroupState::Active;
        if state == GroupState::Listen && before != state {
            self.pace.last = None;
        }
    }

    fn preempt_delay(&self) -> Duration {
        let reload = if self.seasoned { Duration::ZERO } else { self.settings.preempt_delay_reload };
        self.settings.preempt_delay_minimum.max(reload)
    }

    /// Time was served at `now`; the state is `after` since then.
    pub(crate) fn tick(&mut self, now: Instant, after: GroupState) -> Result<(), Fault> {
        if self.settings.follow.is_some() {
            return Ok(());
        }
        let before = self.candidate;
        self.candidate.tick(now, self.hold());
        self.settle(before.state);
        let text = || format!("is {after} at {now}; {}", before.shown_timers());
        self.candidate.judge((before.state, after), text)
    }

    fn start(&mut self, now: Instant) {
        self.candidate.start(now, self.hold());
        self.pace.last = None;
    }

    /// The engine shows the state `to`; messages and timers have been looked at.
    pub(crate) fn enter(&mut self, now: Instant, to: GroupState) -> Result<(), Fault> {
        let from = self.candidate.state;
        if self.settings.follow.is_some() {
            self.candidate.state = to;
            return Ok(());
        }
        match (runs(from), runs(to)) {
            (true, true) => {
                self.candidate.judge((from, to), || format!("is {to} at {now} for no reason"))?;
            }
            (true, false) => {
                let seasoned = self.seasoned;
                self.restart();
                (self.seasoned, self.candidate.state) = (seasoned, to);
            }
            (false, true) => {
                self.start(now);
                self.candidate.judge((GroupState::Listen, to), || format!("starts as {to} at {now}"))?;
            }
            (false, false) => self.candidate.state = to,
        }
        Ok(())
    }

    /// The engine asks to be called at `next`.
    pub(crate) fn plans(&self, next: Option<Instant>) -> Result<(), Fault> {
        let Candidate { state, .. } = self.candidate;
        if !runs(state) || self.settings.follow.is_some() {
            return Ok(());
        }
        if self.candidate.ends().any(|until| next.is_none_or(|next| next > until)) {
            let text = format!("asks to be called {}; {}", shown(next), self.candidate.shown_timers());
            return Err((Checker::TakesOver, text));
        }
        if state == GroupState::Listen {
            return Ok(());
        }
        if self.pace.last.is_none() {
            return Err((Checker::Advertises, format!("is {state} and sent no Hello")));
        }
        self.pace.plans(next, self.hello())
    }
}

/// The role that a Hello claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    Active,
    Standby,
    Speak,
    Nothing,
}
