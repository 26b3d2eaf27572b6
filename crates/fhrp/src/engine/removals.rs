//! Groups that were removed, for as long as the dataplane still has something of theirs: an open gate that nobody closes
//! takes frames from the router that is Active now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fhrp_election::Instant;

use super::Engine;
use crate::group::Out;
use crate::seat::Backoff;
use crate::slot::Slot;
use crate::{Action, GroupId, Notice, NoticeKind, ProgramFault, Revision, SeatId};

/// A seat whose group is gone.
#[derive(Debug)]
struct Removal {
    group: GroupId,
    /// Of the wish to hold nothing.
    revision: Revision,
    fault: Backoff,
}

/// Seats that are to hold nothing, until the dataplane has said that they do.
#[derive(Debug, Default)]
pub(super) struct Removals {
    seats: BTreeMap<SeatId, Removal>,
    /// When those that were refused are tried again.
    retries: BTreeSet<(Instant, SeatId)>,
}

impl Removals {
    /// When something is to be tried again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.retries.first().map(|(at, _)| *at)
    }

    /// The seat that is to be tried again at `now`, if any; it is no longer planned then.
    fn take_due(&mut self, now: Instant) -> Option<SeatId> {
        let due = self.retries.first().copied().filter(|(at, _)| *at <= now)?;
        self.retries.remove(&due);
        Some(due.1)
    }

    fn forget(&mut self, seat: SeatId) {
        let removal = self.seats.remove(&seat);
        if let Some(at) = removal.and_then(|removal| removal.fault.retry_at()) {
            self.retries.remove(&(at, seat));
        }
    }
}

impl Engine {
    /// Takes back what a group programmed, and sees to it that this happens.
    pub(super) fn withdraw(&mut self, group: &mut Slot) {
        let mut out = Out {
            actions: &mut self.actions,
            effects: &mut self.effects,
            round: self.round,
            moved: &mut self.moved,
        };
        group.withdraw(&mut out);
        let id = group.id().clone();
        for seat in group.seats_mut() {
            self.seats.remove(&seat.id());
            if let Some(revision) = seat.leave(&mut self.actions) {
                let removal = Removal { group: id.clone(), revision, fault: Backoff::default() };
                self.removals.seats.insert(seat.id(), removal);
            }
        }
    }

    /// The dataplane answers for a seat whose group was removed.
    pub(super) fn handle_removed(
        &mut self,
        now: Instant,
        seat: SeatId,
        revision: Revision,
        result: Result<(), ProgramFault>,
    ) {
        let Some(removal) = self.removals.seats.get_mut(&seat).filter(|one| one.revision == revision) else {
            return;
        };
        let group = removal.group.clone();
        let kind = match result {
            Ok(()) => {
                let failed = removal.fault.has_failed();
                self.removals.forget(seat);
                failed.then_some(NoticeKind::Programmed)
            }
            // It has been said, and waits.
            Err(_) if removal.fault.pause().is_some() => None,
            Err(ProgramFault(text)) => {
                let text: Arc<str> = format!("removing the group: {text}").into();
                removal.fault.fail(now, text.clone());
                self.removals.retries.extend(removal.fault.retry_at().map(|at| (at, seat)));
                Some(NoticeKind::ProgramFault(text))
            }
        };
        self.actions.extend(kind.map(|kind| Action::Notify(Notice { at: now, group, kind })));
    }

    /// Asks again for what was refused, later each time.
    pub(super) fn retry_removals(&mut self, now: Instant) {
        while let Some(seat) = self.removals.take_due(now) {
            let Some(removal) = self.removals.seats.get_mut(&seat) else { continue };
            removal.fault.retry();
            removal.revision.0 += 1;
            let revision = removal.revision;
            self.actions.push_back(Action::Program { seat, revision, binding: None });
        }
    }
}
