//! What one router has to do in one group: the table of RFC 2281 §5 as expectations. It computes the state that every
//! message and every timer leads to, and says when the engine shows another.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GroupState, HsrpSettings, Instant};
use fhrp_wire::hsrp::Opcode;

use super::{Said, accepts, fit_timers, timers_of};
use crate::check::Checker;
use crate::contest::{Fault, Fitness, burden, runs};

/// The most Hellos in one hello time, besides those of new states: two that are due, some where other timers are learned
/// again and again, as from the claims of several Active routers, and one to spare.
const HELLOS_MOST: u32 = 8;
/// No wait is shorter.
const SHORTEST: Duration = Duration::from_micros(1);

/// One router in one group; all times are the router's own.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) settings: HsrpSettings,
    pub(crate) state: GroupState,
    pub(crate) tracked_down: bool,
    /// When the Active timer and the Standby timer run out.
    active_until: Option<Instant>,
    standby_until: Option<Instant>,
    /// Timers of the Active router.
    learned: Option<(Duration, Duration)>,
    address_known: bool,
    /// The Active router that was heard last, while there may be one.
    leader: Option<IpAddr>,
    lower_since: Option<Instant>,
    /// Whether it has been Active since the group was added.
    seasoned: bool,
    pub(crate) sent: Option<Instant>,
    counted_from: Instant,
    counted_for: Duration,
    counted: u32,
}

impl Contest {
    pub(crate) fn new(settings: HsrpSettings) -> Self {
        Self {
            address_known: !settings.addresses.is_empty(),
            settings,
            state: GroupState::Initial,
            tracked_down: false,
            active_until: None,
            standby_until: None,
            learned: None,
            leader: None,
            lower_since: None,
            seasoned: false,
            sent: None,
            counted_from: Instant::default(),
            counted_for: Duration::ZERO,
            counted: 0,
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
        let known = match self.state {
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
        let ours = fit.is_some_and(|fit| fit.source == said.source);
        let before = self.state;
        if self.settings.follow.is_some() || ours || !accepts(&self.settings, said) {
            let text = || format!("is {after} after what does not count, from {}", said.source);
            return self.judge((before, after), text);
        }
        let own_hold = self.hold();
        if said.claims() && self.state != GroupState::Active {
            self.learn(said);
        }
        let Some(fit) = fit else { return Ok(()) };
        if self.state == GroupState::Learn && self.address_known {
            self.start(at);
        }
        if runs(self.state) {
            let hold = said.timers.map_or_else(|| self.hold(), |(_, hold)| hold).max(SHORTEST);
            let message = Message { at, from: (said.priority, said.source), hold };
            self.transit(said, &message, fit, own_hold);
        }
        self.judge((before, after), || {
            let (opcode, state) = (said.opcode, said.state);
            format!("is {after} after {opcode:?} {state:?} {} of {} in {before}", said.priority, said.source)
        })
    }

    /// RFC 2281 §5, action E.
    fn learn(&mut self, said: &Said) {
        self.learned = said.timers.filter(|timers| fit_timers(*timers, said.version)).or(self.learned);
        self.address_known |= said.usable_address;
    }

    /// The lines f to l of the table. An Active router that gives way counts by its own hold time.
    fn transit(&mut self, said: &Said, message: &Message, fit: &Fitness, own_hold: Duration) {
        let higher = message.from > (self.priority(), fit.source);
        match (said.opcode, said.claimed()) {
            (Opcode::Hello, Claimed::Active) => self.hear_active(message, higher, own_hold),
            (Opcode::Hello, Claimed::Standby) => self.hear_standby(message, higher),
            (Opcode::Hello, Claimed::Speak) => {
                if higher && matches!(self.state, GroupState::Speak | GroupState::Standby) {
                    self.standby_until = Some(message.at + self.hold());
                    self.go(GroupState::Listen);
                }
            }
            (Opcode::Hello, Claimed::Nothing) => {}
            (Opcode::Coup, _) => {
                if higher && self.state == GroupState::Active {
                    self.active_until = Some(message.at + own_hold);
                    self.standby_until = Some(message.at + own_hold);
                    self.go(GroupState::Speak);
                }
            }
            (Opcode::Resign, _) => self.hear_resign(message),
        }
    }

    fn hear_active(&mut self, message: &Message, higher: bool, own_hold: Duration) {
        match (self.state, higher) {
            (GroupState::Active, false) => {}
            (GroupState::Active, true) => {
                self.follow(message);
                self.standby_until = Some(message.at + own_hold);
                self.go(GroupState::Speak);
            }
            (_, true) => {
                self.lower_since = None;
                self.follow(message);
            }
            (_, false) if !self.settings.preempt => {
                self.lower_since = None;
                self.follow(message);
            }
            (_, false) => {
                let since = *self.lower_since.get_or_insert(message.at);
                if message.at.saturating_duration_since(since) < self.preempt_delay() {
                    self.follow(message);
                } else {
                    let hold = self.hold();
                    self.win();
                    self.standby_until = Some(message.at + hold);
                }
            }
        }
    }

    fn preempt_delay(&self) -> Duration {
        let reload = if self.seasoned { Duration::ZERO } else { self.settings.preempt_delay_reload };
        self.settings.preempt_delay_minimum.max(reload)
    }

    fn hear_standby(&mut self, message: &Message, higher: bool) {
        match (self.state, higher) {
            (GroupState::Standby, false) => {}
            (GroupState::Speak, false) => self.stand_by(),
            (GroupState::Listen, false) => {
                self.standby_until = Some(message.at + message.hold);
                self.go(GroupState::Speak);
            }
            (GroupState::Speak | GroupState::Standby, true) => {
                self.standby_until = Some(message.at + message.hold);
                self.go(GroupState::Listen);
            }
            (_, _) => self.standby_until = Some(message.at + message.hold),
        }
    }

    fn hear_resign(&mut self, message: &Message) {
        if self.state == GroupState::Active || self.leader.is_some_and(|leader| leader != message.from.1) {
            return;
        }
        let speaking = self.state == GroupState::Speak;
        self.lose_active(message.at);
        if speaking {
            self.active_until = Some(message.at + self.hold());
        }
    }

    fn follow(&mut self, message: &Message) {
        self.leader = Some(message.from.1);
        self.active_until = Some(message.at + message.hold);
    }

    /// Line c, and what line i has in common with it.
    fn lose_active(&mut self, at: Instant) {
        (self.active_until, self.leader, self.lower_since) = (None, None, None);
        match self.state {
            GroupState::Standby => self.win(),
            GroupState::Listen => {
                self.active_until = Some(at + self.hold());
                self.standby_until = Some(at + self.hold());
                self.go(GroupState::Speak);
            }
            _ => {}
        }
    }

    /// A speaker becomes Standby, and Active at once if nobody is.
    fn stand_by(&mut self) {
        self.standby_until = None;
        self.go(GroupState::Standby);
        if self.active_until.is_none() {
            self.win();
        }
    }

    fn win(&mut self) {
        (self.active_until, self.leader, self.lower_since) = (None, None, None);
        self.go(GroupState::Active);
    }

    fn go(&mut self, to: GroupState) {
        self.state = to;
        self.seasoned |= to == GroupState::Active;
        if to == GroupState::Listen {
            self.sent = None;
        }
    }

    /// Time was served at `now`; the state is `after` since then. Lines c and d.
    pub(crate) fn tick(&mut self, now: Instant, after: GroupState) -> Result<(), Fault> {
        let (before, timers) = (self.state, self.shown_timers());
        if self.settings.follow.is_none() {
            if self.active_until.take_if(|until| *until <= now).is_some() {
                self.lose_active(now);
            }
            if self.standby_until.take_if(|until| *until <= now).is_some() {
                match self.state {
                    GroupState::Listen => {
                        self.standby_until = Some(now + self.hold());
                        self.go(GroupState::Speak);
                    }
                    GroupState::Speak => self.stand_by(),
                    _ => {}
                }
            }
        }
        self.judge((before, after), || format!("is {after} at {now}; {timers}"))
    }

    fn shown_timers(&self) -> String {
        let shown =
            |until: Option<Instant>| until.map_or_else(|| "off".to_owned(), |until| until.to_string());
        format!("Active timer {}, Standby timer {}", shown(self.active_until), shown(self.standby_until))
    }

    /// Compares the state that was worked out with the one that is shown. A group that stops, or starts, does so for
    /// other reasons.
    fn judge(
        &self,
        (before, after): (GroupState, GroupState),
        text: impl FnOnce() -> String,
    ) -> Result<(), Fault> {
        let expected = self.state;
        if expected == after || !runs(expected) || !runs(after) || self.settings.follow.is_some() {
            return Ok(());
        }
        let checker = match (before, expected, after) {
            (GroupState::Active, GroupState::Active, _) => Checker::Stands,
            (GroupState::Active, _, GroupState::Active) => Checker::Yields,
            (_, GroupState::Active, _) => Checker::TakesOver,
            (_, _, GroupState::Active) => Checker::Patience,
            (_, _, _) => Checker::Succession,
        };
        Err((checker, format!("{}, and should be {expected}", text())))
    }

    /// Line a.
    fn start(&mut self, now: Instant) {
        self.active_until = Some(now + self.hold());
        self.standby_until = Some(now + self.hold());
        self.go(GroupState::Listen);
    }

    /// The engine shows the state `to`; messages and timers have been looked at.
    pub(crate) fn enter(&mut self, now: Instant, to: GroupState) -> Result<(), Fault> {
        if self.settings.follow.is_some() {
            self.state = to;
            return Ok(());
        }
        match (runs(self.state), runs(to)) {
            (true, true) => self.judge((self.state, to), || format!("is {to} at {now} for no reason"))?,
            (true, false) => {
                let seasoned = self.seasoned;
                self.restart();
                (self.seasoned, self.state) = (seasoned, to);
            }
            (false, true) => {
                self.start(now);
                self.judge((self.state, to), || format!("starts as {to} at {now}"))?;
            }
            (false, false) => self.state = to,
        }
        Ok(())
    }

    /// A Hello was sent at `now`.
    pub(crate) fn advertised(&mut self, now: Instant) {
        self.sent = Some(now);
    }

    /// A Hello other than that of a new state was sent at `now`.
    pub(crate) fn counts(&mut self, now: Instant) -> Result<(), Fault> {
        // Other timers may have been in use a moment ago: the shortest count.
        self.counted_for = self.counted_for.min(self.hello());
        if now >= self.counted_from + self.counted_for {
            (self.counted_from, self.counted_for, self.counted) = (now, self.hello(), 0);
        }
        self.counted += 1;
        if self.counted > HELLOS_MOST {
            return Err((Checker::Bounded, format!("{} Hellos in a hello time", self.counted)));
        }
        Ok(())
    }

    /// The engine asks to be called at `next`.
    pub(crate) fn plans(&self, next: Option<Instant>) -> Result<(), Fault> {
        if !runs(self.state) || self.settings.follow.is_some() {
            return Ok(());
        }
        let by = |limit: Instant| next.is_some_and(|next| next <= limit);
        let shown = next.map_or_else(|| "never".to_owned(), |next| next.to_string());
        let late = [self.active_until, self.standby_until].into_iter().flatten().any(|until| !by(until));
        if late {
            let text = format!("asks to be called {shown}; {}", self.shown_timers());
            return Err((Checker::TakesOver, text));
        }
        if self.state == GroupState::Listen {
            return Ok(());
        }
        let Some(sent) = self.sent else {
            return Err((Checker::Advertises, format!("is {} and sent no Hello", self.state)));
        };
        let due = sent + self.hello();
        if !by(due) {
            let text = format!("last sent at {sent}, asks to be called {shown}, the next is due at {due}");
            return Err((Checker::Advertises, text));
        }
        Ok(())
    }
}

/// What of a message concerns the timers and the rank.
struct Message {
    at: Instant,
    from: (u8, IpAddr),
    hold: Duration,
}

/// The role that a Hello claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    Active,
    Standby,
    Speak,
    Nothing,
}
