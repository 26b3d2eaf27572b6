//! Who is Active, who is Standby, and who speaks up for it: what the tables of HSRP (RFC 2281 §5, whose lines are named
//! here) and of GLBP's gateways have in common, as expectations.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GroupState, Instant};

use crate::check::Checker;
use crate::contest::{Fault, runs};

/// No wait is shorter.
pub(crate) const SHORTEST: Duration = Duration::from_micros(1);

/// Where one router stands in one group; all times are the router's own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Candidate {
    pub(crate) state: GroupState,
    /// When the Active timer and the Standby timer run out.
    pub(crate) active_until: Option<Instant>,
    pub(crate) standby_until: Option<Instant>,
    /// The Active router that was heard last, while there may be one.
    pub(crate) leader: Option<IpAddr>,
    /// Since when it is one that this router could push aside.
    lower_since: Option<Instant>,
    /// Whether this router has spoken up to do so.
    pub(crate) challenging: bool,
}

/// What of a message concerns the timers and the rank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heard {
    pub(crate) at: Instant,
    pub(crate) source: IpAddr,
    /// Whether the speaker ranks higher.
    pub(crate) higher: bool,
    /// The hold time that the speaker tells.
    pub(crate) hold: Duration,
    /// The one that this router goes by.
    pub(crate) own_hold: Duration,
}

impl Candidate {
    pub(crate) fn new(state: GroupState) -> Self {
        Self {
            state,
            active_until: None,
            standby_until: None,
            leader: None,
            lower_since: None,
            challenging: false,
        }
    }

    /// Line a.
    pub(crate) fn start(&mut self, now: Instant, hold: Duration) {
        self.wait(now, hold);
        self.state = GroupState::Listen;
    }

    /// Both timers start.
    fn wait(&mut self, now: Instant, hold: Duration) {
        (self.active_until, self.standby_until) = (Some(now + hold), Some(now + hold));
    }

    /// Time was served at `now`: lines c and d.
    pub(crate) fn tick(&mut self, now: Instant, hold: Duration) {
        if self.active_until.take_if(|until| *until <= now).is_some() {
            self.lose_active(now, hold);
        }
        if self.standby_until.take_if(|until| *until <= now).is_some() {
            match self.state {
                GroupState::Listen => self.speak(now + hold),
                GroupState::Speak => self.stand_by(),
                _ => {}
            }
        }
    }

    /// A Hello of an Active router. A router that preempts does so once it has heard lower ones for `patience`: whether
    /// that is now.
    #[must_use]
    pub(crate) fn hear_active(&mut self, heard: &Heard, patience: Option<Duration>) -> bool {
        if self.state == GroupState::Active {
            if heard.higher {
                self.follow(heard);
                self.speak(heard.at + heard.own_hold);
            }
            return false;
        }
        let Some(patience) = patience.filter(|_| !heard.higher) else {
            (self.lower_since, self.challenging) = (None, false);
            self.follow(heard);
            return false;
        };
        let since = *self.lower_since.get_or_insert(heard.at);
        let waits = heard.at.saturating_duration_since(since) < patience;
        if waits {
            self.follow(heard);
        }
        !waits
    }

    /// Takes the place of the Active router that was heard, as in HSRP: at once.
    pub(crate) fn push_aside(&mut self, heard: &Heard) {
        self.win();
        self.standby_until = Some(heard.at + heard.own_hold);
    }

    /// Takes the place of the Active router that was heard, as in GLBP: one that listens speaks up first, once.
    pub(crate) fn challenge(&mut self, heard: &Heard) {
        if self.state != GroupState::Listen || self.challenging {
            return self.push_aside(heard);
        }
        self.challenging = true;
        self.follow(heard);
        self.speak(heard.at + heard.own_hold);
    }

    /// A Hello of a Standby router.
    pub(crate) fn hear_standby(&mut self, heard: &Heard) {
        let until = heard.at + heard.hold;
        match (self.state, heard.higher) {
            (GroupState::Standby, false) => {}
            (GroupState::Speak, false) => self.stand_by(),
            (GroupState::Listen, false) => self.speak(until),
            (GroupState::Speak | GroupState::Standby, true) => self.listen(until),
            (_, _) => self.standby_until = Some(until),
        }
    }

    /// A Hello of one that speaks.
    pub(crate) fn hear_speak(&mut self, heard: &Heard) {
        if heard.higher && matches!(self.state, GroupState::Speak | GroupState::Standby) {
            self.listen(heard.at + heard.own_hold);
        }
    }

    /// HSRP alone.
    pub(crate) fn hear_coup(&mut self, heard: &Heard) {
        if heard.higher && self.state == GroupState::Active {
            self.wait(heard.at, heard.own_hold);
            self.state = GroupState::Speak;
        }
    }

    pub(crate) fn hear_resign(&mut self, heard: &Heard) {
        if self.state == GroupState::Active || self.leader.is_some_and(|leader| leader != heard.source) {
            return;
        }
        let speaking = self.state == GroupState::Speak;
        self.lose_active(heard.at, heard.own_hold);
        if speaking {
            self.active_until = Some(heard.at + heard.own_hold);
        }
    }

    fn follow(&mut self, heard: &Heard) {
        self.leader = Some(heard.source);
        self.active_until = Some(heard.at + heard.hold);
    }

    /// Line c, and what line i has in common with it.
    fn lose_active(&mut self, at: Instant, hold: Duration) {
        self.forget_active();
        match self.state {
            GroupState::Standby => self.win(),
            GroupState::Listen => {
                self.wait(at, hold);
                self.state = GroupState::Speak;
            }
            _ => {}
        }
    }

    fn forget_active(&mut self) {
        (self.active_until, self.leader) = (None, None);
        (self.lower_since, self.challenging) = (None, false);
    }

    fn listen(&mut self, standby_until: Instant) {
        self.standby_until = Some(standby_until);
        self.state = GroupState::Listen;
    }

    fn speak(&mut self, standby_until: Instant) {
        self.standby_until = Some(standby_until);
        self.state = GroupState::Speak;
    }

    /// A speaker becomes Standby, and Active at once if nobody is.
    fn stand_by(&mut self) {
        self.standby_until = None;
        self.state = GroupState::Standby;
        if self.active_until.is_none() {
            self.win();
        }
    }

    fn win(&mut self) {
        self.forget_active();
        self.state = GroupState::Active;
    }

    /// Compares the state that was worked out, and was `before`, with the one that is shown: `after`. A group that
    /// stops, or starts, does so for other reasons.
    pub(crate) fn judge(
        &self,
        (before, after): (GroupState, GroupState),
        text: impl FnOnce() -> String,
    ) -> Result<(), Fault> {
        let expected = self.state;
        if expected == after || !runs(expected) || !runs(after) {
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

    /// When its timers run out.
    pub(crate) fn ends(&self) -> impl Iterator<Item = Instant> {
        [self.active_until, self.standby_until].into_iter().flatten()
    }

    pub(crate) fn shown_timers(&self) -> String {
        let shown =
            |until: Option<Instant>| until.map_or_else(|| "off".to_owned(), |until| until.to_string());
        format!("Active timer {}, Standby timer {}", shown(self.active_until), shown(self.standby_until))
    }
}
