//! What each thing heard does.

use std::time::Duration;

use crate::{
    Advert, Cause, Challenge, Claim, Concession, Effect, Election, Instant, Preempt, Rebuttal, Resignation,
    State, Succession, Takeover,
};

/// How often a losing claim is answered in one own interval, so that two confused routers cannot storm.
const REBUTTALS_PER_HELLO: u32 = 2;

/// How often a resignation is answered in one own interval. Two an interval must all get through, jitter and
/// all.
const ANSWERS_PER_HELLO: u32 = 4;

impl Election {
    /// Takes note of what another router said at `now`, the time it was received.
    ///
    /// The caller has checked that the message belongs to this contest and did not come from this router.
    pub fn handle_advert(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        match (advert.claim, self.rules.succession) {
            (Claim::Active, _) => self.hear_active(now, advert, out),
            (Claim::Resign, _) => self.hear_resign(now, advert, out),
            (Claim::Standby, Succession::ViaStandby) => self.hear_standby(now, advert, out),
            (Claim::Speak, Succession::ViaStandby) => self.hear_speaker(now, advert, out),
            (Claim::Coup, Succession::ViaStandby) => self.hear_coup(now, advert, out),
            (Claim::Standby | Claim::Speak | Claim::Coup, Succession::Direct) | (Claim::Listen, _) => {}
        }
    }

    /// A router that says it is active. RFC 9568 §6.4.2, §6.4.3; RFC 2281 events g and h.
    fn hear_active(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        match (self.state, advert.from > self.me.rank) {
            (State::Init, _) => {}
            (State::Active, true) => self.yield_to(now, advert, out),
            (State::Active, false) => self.rebut(now, out),
            (State::Listen | State::Speak | State::Standby, _) => self.hear_leader(now, advert, out),
        }
    }

    /// The active router spoke, to one that is not active. While a preemption delay runs, a lower-ranked one
    /// is followed like any other. RFC 9568 §6.4.2; RFC 2281 events g and h.
    fn hear_leader(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        let lower = match self.rules.challenge {
            Challenge::Priority => advert.from.priority < self.me.rank.priority,
            Challenge::Rank => advert.from < self.me.rank,
        };
        match (lower, self.preemption()) {
            (false, _) | (true, Preempt::Never) => {
                self.lower_since = None;
                self.challenging = false;
                self.follow(now, advert);
            }
            (true, Preempt::After(delay)) => {
                let since = *self.lower_since.get_or_insert(now);
                match now.saturating_duration_since(since) < delay {
                    true => self.follow(now, advert),
                    false => self.challenge(now, advert, out),
                }
            }
        }
    }

    /// The active router is outranked, and the time to push it aside has come. RFC 9568 §6.4.2; RFC 2281
    /// event h.
    fn challenge(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        let cause = Cause::LowerActiveChallenged { lower: advert.from };
        match (self.rules.takeover, self.state) {
            (Takeover::Outlast, _) => {
                self.note_active(now, advert);
                self.impending = Cause::LowerActiveOutlasted { lower: advert.from };
            }
            (Takeover::Coup, _) => {
                out.push(Effect::Coup);
                self.become_active(now, cause, out);
                self.restart_standby(now);
            }
            // A better standby router that does not preempt may have made a listener of it again meanwhile.
            (Takeover::SpeakThenClaim, State::Listen) if !self.challenging => {
                self.challenging = true;
                self.follow(now, advert);
                self.restart_standby(now);
                self.become_speaker(now, cause, out);
            }
            (Takeover::Claim | Takeover::SpeakThenClaim, _) => {
                self.become_active(now, cause, out);
                self.restart_standby(now);
            }
        }
    }

    /// Another active router ranks higher. RFC 9568 §6.4.3; RFC 2281 event g in Active.
    fn yield_to(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        let cause = Cause::Outranked { by: advert.from };
        self.follow(now, advert);
        match self.rules.succession {
            Succession::Direct => self.become_listener(now, cause, out),
            Succession::ViaStandby => {
                self.restart_standby(now);
                self.enter(State::Speak, cause, now, out);
                match self.rules.concession {
                    Concession::Silent => {}
                    Concession::Resign => out.push(Effect::Resign),
                }
                self.advertise(now, out);
            }
        }
    }

    /// Another active router ranks no higher. The hello timer is left running. RFC 9568 §6.4.3; RFC 2281
    /// event h in Active.
    fn rebut(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let answer = match self.rules.rebuttal {
            Rebuttal::Silent => return,
            Rebuttal::Advertise => Effect::Advertise,
            Rebuttal::Coup => Effect::Coup,
        };
        if self.may_answer(now, self.hello() / REBUTTALS_PER_HELLO) {
            out.push(answer);
        }
    }

    /// A router that says it is the standby router. RFC 2281 events k and l.
    fn hear_standby(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        let lower = advert.from < self.me.rank;
        match (self.state, lower) {
            (State::Init, _) | (State::Standby, true) => {}
            (State::Listen, false) | (State::Active, _) => self.follow_standby(now, advert),
            (State::Listen, true) => {
                self.follow_standby(now, advert);
                self.become_speaker(now, Cause::LowerStandby { lower: advert.from }, out);
            }
            (State::Speak, true) => self.become_standby(now, Cause::LowerStandby { lower: advert.from }, out),
            (State::Speak | State::Standby, false) => {
                self.follow_standby(now, advert);
                self.become_listener(now, Cause::HigherContender { by: advert.from }, out);
            }
        }
    }

    /// A router that stands for the standby role. RFC 2281 event f.
    fn hear_speaker(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        match (self.state, advert.from > self.me.rank) {
            (State::Speak | State::Standby, true) => {
                self.restart_standby(now);
                self.become_listener(now, Cause::HigherContender { by: advert.from }, out);
            }
            (State::Speak | State::Standby, false) | (State::Init | State::Listen | State::Active, _) => {}
        }
    }

    /// A router that becomes active in place of this one. RFC 2281 event j.
    fn hear_coup(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        match (self.rules.takeover, self.state, advert.from > self.me.rank) {
            (Takeover::Coup, State::Active, true) => {
                self.restart_active(now);
                self.restart_standby(now);
                self.enter(State::Speak, Cause::Couped { by: advert.from }, now, out);
                out.push(Effect::Resign);
                self.advertise(now, out);
            }
            (Takeover::Coup | Takeover::Outlast | Takeover::Claim | Takeover::SpeakThenClaim, _, _) => {}
        }
    }

    /// A router that gives up the active role. RFC 9568 §6.4.2, §6.4.3; RFC 2281 event i.
    fn hear_resign(&mut self, now: Instant, advert: &Advert, out: &mut Vec<Effect>) {
        let from_active = self.active.is_none_or(|active| active.rank.address == advert.from.address);
        match (self.state, self.rules.resignation) {
            (State::Init, _) | (State::Active, Resignation::Vacates) => {}
            (State::Active, Resignation::Hastens) => {
                if self.may_answer(now, self.hello() / ANSWERS_PER_HELLO) {
                    self.advertise(now, out);
                }
            }
            (State::Listen | State::Speak | State::Standby, Resignation::Hastens) => {
                self.active = self.active.filter(|_| !from_active);
                self.impending = Cause::ActiveResigned;
                self.timers.active = Some(now + self.skew().max(super::SHORTEST_WAIT));
            }
            (State::Listen | State::Speak | State::Standby, Resignation::Vacates) => {
                if from_active {
                    self.active_resigned(now, out);
                }
            }
        }
    }

    /// The active role was left empty. RFC 2281 event i, which gives a speaker more time than event c does.
    fn active_resigned(&mut self, now: Instant, out: &mut Vec<Effect>) {
        let speaking = self.state == State::Speak;
        self.impending = Cause::ActiveResigned;
        self.active_lost(now, out);
        if speaking {
            self.restart_active(now);
        }
    }

    /// The answer out of turn that was just asked for could not be given: the next one may be, at any time. What came
    /// before it was at least its pause ago.
    pub fn withdraw_answer(&mut self) {
        self.answered = None;
    }

    /// Whether an answer out of turn is allowed at `now`, `pause` after the last one; if so it is counted as
    /// given.
    fn may_answer(&mut self, now: Instant, pause: Duration) -> bool {
        let allowed = self.answered.is_none_or(|last| now >= last + pause);
        if allowed {
            self.answered = Some(now);
        }
        allowed
    }
}
