//! Whose the forwarders are: what the AVG gives out, what a member takes, and whether the engine shows the same.

use fhrp::{GroupState, MacAddr};

use super::forwarder::{Difference, Forwarder, Role};
use super::{Contest, Said};
use crate::check::Checker;
use crate::contest::{Fault, Fitness};

/// So many requests in a hello time are answered.
const RESPONSES_MOST: usize = 8;

impl Contest {
    /// A member asks for a forwarder: it gets its own again, or the lowest that is free.
    pub(super) fn hear_request(&mut self, owner: MacAddr) -> Result<(), Fault> {
        if self.candidate.state != GroupState::Active {
            return Ok(());
        }
        let theirs = self.forwarders.iter().position(|forwarder| forwarder.owner == Some(owner));
        let Some(at) = theirs.or_else(|| self.lowest_free()) else { return Ok(()) };
        let (now, terms) = (self.now, self.terms());
        let ignored = self.forwarders[at].clone();
        self.forwarders[at].assign(now, owner, &terms);
        let span = self.times.hello * 2;
        self.requests.retain(|at| *at + span > now);
        self.requests.push(now);
        if self.forwarders[at].agrees(self.shows(at), self.low) {
            return Ok(());
        }
        if ignored.agrees(self.shows(at), self.low) && self.requests.len() > RESPONSES_MOST {
            self.forwarders[at] = ignored;
            return Ok(());
        }
        let shown = self.shown.forwarders.iter().find(|shown| shown.owner == Some(owner));
        let given = shown.map_or_else(|| "none".to_owned(), |shown| shown.number.to_string());
        Err((Checker::Assigns, format!("is asked by {owner} and gives {given}, not {}", at + 1)))
    }

    /// Who owns the forwarder at `at` owns no other one.
    pub(super) fn owns_one(&mut self, owner: MacAddr, at: usize) {
        let others = self.forwarders.iter_mut().enumerate().filter(|(other, _)| *other != at);
        for (_, other) in others.filter(|(_, other)| other.role == Role::Secondary) {
            other.owner = other.owner.filter(|known| *known != owner);
        }
    }

    /// A number that nobody has; else one that is served for an owner who is not known.
    pub(super) fn lowest_free(&self) -> Option<usize> {
        let unknown = self.forwarders.iter().position(|forwarder| forwarder.role == Role::Unknown);
        let orphan = |forwarder: &Forwarder| forwarder.role == Role::Secondary && forwarder.owner.is_none();
        unknown.or_else(|| self.forwarders.iter().position(orphan))
    }

    pub(super) fn owned(&self) -> Option<usize> {
        self.forwarders.iter().position(|forwarder| forwarder.role == Role::Primary)
    }

    /// Who was asked lately is believed.
    pub(super) fn hear_response(&mut self, said: &Said, at: usize, fit: &Fitness) -> Result<(), Fault> {
        let (now, hold) = (self.now, self.times.hold);
        let asked = self.asked.take_if(|(avg, when)| *avg == said.source && now < *when + hold).is_some();
        let fits = self.forwarders[at].role == Role::Primary || self.owned().is_none();
        let taken = self.shows(at).is_some_and(|shown| shown.primary);
        if fits && (asked || (self.shown.unsure && taken)) {
            let terms = self.terms();
            self.forwarders[at].own(now, fit.mac, &terms);
        }
        Ok(())
    }

    /// The AVG without a forwarder gives itself one, when it had the time to hear whose they are. It may wait for its
    /// next Hello to do so: whether it did is what the engine shows.
    pub(super) fn take_own(&mut self) {
        let listened = self.up_since.is_some_and(|since| self.now >= since + self.times.hold);
        if self.candidate.state != GroupState::Active || self.low || self.owned().is_some() || !listened {
            return;
        }
        let Some((at, mac)) = self.lowest_free().zip(self.fit.as_ref().map(|fit| fit.mac)) else { return };
        if self.shows(at).is_some_and(|shown| shown.primary) {
            let (now, terms) = (self.now, self.terms());
            self.forwarders[at].own(now, mac, &terms);
        }
    }

    /// Checkers of forwarders: all are where both tables put them.
    pub(crate) fn compare(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, own) in self.forwarders.iter().enumerate() {
            let shown = self.shows(at);
            let Some(difference) = own.differs(shown, self.low) else { continue };
            let checker = match difference {
                Difference::Contest => Checker::Forwarders,
                Difference::Ownership => Checker::Ownership,
                Difference::Lifetime => Checker::Lifetimes,
            };
            let said = shown.map_or_else(
                || "unknown".to_owned(),
                |shown| {
                    let times = (shown.redirect_ends, shown.timeout_ends);
                    format!("{} primary {} of {:?}, {times:?}", shown.state, shown.primary, shown.owner)
                },
            );
            let ends = (own.redirect_ends, own.timeout_ends);
            let text = format!(
                "at {} forwarder {} is {said}, and should be {} {:?} of {:?}, {ends:?}",
                self.now,
                at + 1,
                own.state(self.low),
                own.role,
                own.owner
            );
            faults.push((checker, text));
        }
        faults
    }
}
