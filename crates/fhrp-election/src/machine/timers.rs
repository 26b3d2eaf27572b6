//! The three timers: what starts them, and what happens when they run out.

use crate::{Advert, Cause, Effect, Election, Heard, Instant, State, Succession};

use super::{Pace, SHORTEST_WAIT};

/// When each timer runs out; `None` while it is not running.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timers {
    /// The next own advert is due. RFC 9568 §6.4.3: Adver_Timer.
    pub hello: Option<Instant>,
    /// The active router counts as lost. RFC 9568 §6.4.2: Active_Down_Timer; RFC 2281 §5: Active timer.
    pub active: Option<Instant>,
    /// The standby router counts as lost. RFC 2281 §5: Standby timer.
    pub standby: Option<Instant>,
}

impl Timers {
    /// The first of them to run out.
    pub fn earliest(&self) -> Option<Instant> {
        [self.hello, self.active, self.standby].into_iter().flatten().min()
    }
}

impl Election {
    /// Does whatever is due at `now`. Early and repeated calls do nothing; afterwards [`Self::next_deadline`]
    /// is later than `now`.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Vec<Effect>) {
        // Active first: a speaker that runs out of both roles at once has to see the active one empty.
        if self.timers.active.take_if(|due| *due <= now).is_some() {
            self.active_lost(now, out);
        }
        if self.timers.standby.take_if(|due| *due <= now).is_some() {
            self.standby_lost(now, out);
        }
        if self.timers.hello.is_some_and(|due| due <= now) {
            self.hello_due(now, out);
        }
    }

    /// The active role is empty. RFC 9568 §6.4.2; RFC 2281 event c, and event i for what a resignation adds
    /// to it.
    pub(super) fn active_lost(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.impending = self.loss(now);
        self.vacate_active();
        match (self.state, self.rules.succession) {
            (State::Listen, Succession::Direct) | (State::Standby, _) => {
                self.become_active(now, self.impending, out)
            }
            (State::Listen, Succession::ViaStandby) => {
                self.restart_active(now);
                self.restart_standby(now);
                self.become_speaker(now, self.impending, out);
            }
            (State::Init | State::Speak | State::Active, _) => {}
        }
    }

    /// Why the active role is empty.
    fn loss(&self, now: Instant) -> Cause {
        match (self.impending, self.active) {
            (Cause::ActiveSilent, Some(heard)) => {
                Cause::ActiveLost { lost: heard.rank, silent: now.saturating_duration_since(heard.at) }
            }
            (known, _) => known,
        }
    }

    /// The standby role is empty. RFC 2281 event d.
    fn standby_lost(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.vacate_standby();
        match self.state {
            State::Listen => {
                self.restart_standby(now);
                self.become_speaker(now, Cause::StandbySilent, out);
            }
            State::Speak => self.become_standby(now, Cause::StandbySilent, out),
            State::Init | State::Standby | State::Active => {}
        }
    }

    /// The next advert is due. It follows the last deadline, not the time it was noticed, so that intervals
    /// do not drift; but adverts that were missed altogether are not made up for. RFC 9568 §6.4.3; RFC 2281
    /// event e.
    pub(super) fn hello_due(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let due = self.timers.hello.unwrap_or(now);
        let next = due + self.pace(due);
        self.advertise(now, out);
        if next > now {
            self.timers.hello = Some(next);
        }
    }

    /// Sends an advert and counts the interval from it.
    pub(super) fn advertise(&mut self, now: Instant, out: &mut Vec<Effect>) {
        self.timers.hello = Some(now + self.pace(now));
        out.push(Effect::Advertise);
    }

    /// Believes in the active router that was heard, for as long as the rules say.
    pub(super) fn follow(&mut self, now: Instant, advert: &Advert) {
        self.note_active(now, advert);
        self.learned = Some(Pace { hello: advert.hello, hold: advert.hold });
        self.impending = Cause::ActiveSilent;
        self.restart_active(now);
    }

    /// Remembers the active router that was heard, without giving it more time.
    pub(super) fn note_active(&mut self, now: Instant, advert: &Advert) {
        self.standby = self.standby.filter(|standby| standby.rank.address != advert.from.address);
        self.active = Some(Heard { rank: advert.from, at: now });
    }

    /// Believes in the standby router that was heard. RFC 2281 §5, action B.
    pub(super) fn follow_standby(&mut self, now: Instant, advert: &Advert) {
        self.standby = Some(Heard { rank: advert.from, at: now });
        self.timers.standby = Some(now + advert.hold.max(SHORTEST_WAIT));
    }

    /// RFC 9568 §6.4.2; RFC 2281 §5, action A.
    pub(super) fn restart_active(&mut self, now: Instant) {
        self.timers.active = Some(now + self.active_down_interval().max(SHORTEST_WAIT));
    }

    /// RFC 2281 §5, action B without a Hello from the standby router.
    pub(super) fn restart_standby(&mut self, now: Instant) {
        self.timers.standby = match self.rules.succession {
            Succession::Direct => None,
            Succession::ViaStandby => Some(now + self.me.hold.max(SHORTEST_WAIT)),
        };
    }

    /// Nobody else is active any more. RFC 2281 §5, action C.
    pub(super) fn vacate_active(&mut self) {
        self.timers.active = None;
        self.active = None;
        self.learned = None;
        self.lower_since = None;
        self.challenging = false;
    }

    /// Nobody else is standby any more. RFC 2281 §5, action D.
    pub(super) fn vacate_standby(&mut self) {
        self.timers.standby = None;
        self.standby = None;
    }
}
