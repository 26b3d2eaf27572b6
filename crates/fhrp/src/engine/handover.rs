//! Make before break: a router that stops goes on forwarding until another one has taken over, or a short while.
//!
//! Without that, hosts lose what they send between a resignation and the end of the successor's Skew_Time.

use std::collections::BTreeSet;
use std::time::Duration;

use fhrp_election::Instant;

use super::Engine;

/// A successor is heard before it forwards (RFC 9568 §6.4.2): its kernel needs a moment, and ours should not take from it
/// the lock that it needs, where both are one.
const SETTLE: Duration = Duration::from_millis(10);

/// For whom a stopping router waits.
#[derive(Debug)]
pub(super) struct Handover {
    linger: Duration,
    until: Option<Instant>,
    /// Slots of groups whose successor has not been heard.
    awaited: BTreeSet<usize>,
}

impl Default for Handover {
    fn default() -> Self {
        Self { linger: Engine::STOP_LINGER, until: None, awaited: BTreeSet::new() }
    }
}

impl Handover {
    /// The successor of the group in `slot` has been heard.
    pub(super) fn succeeded(&mut self, now: Instant, slot: usize) {
        if self.awaited.remove(&slot) && self.awaited.is_empty() {
            self.until = self.until.map(|until| until.min(now + SETTLE));
        }
    }
}

impl Engine {
    /// How long a router that stops waits for its successors unless told otherwise: long enough for a Skew_Time at
    /// intervals of 100 ms, short enough for those who wait for the process to end.
    pub const STOP_LINGER: Duration = Duration::from_millis(80);

    /// How long [`Engine::stop`] wants the dataplane to be left in place for successors, instead of
    /// [`Engine::STOP_LINGER`]; zero: not at all. Groups whose successor may take longer than that are not waited for.
    pub fn set_stop_linger(&mut self, linger: Duration) {
        self.handover.linger = linger;
    }

    /// After [`Engine::stop`]: until when the dataplane should be left in place; `None` where there is nothing to wait
    /// for. Frames go on being handed in until then, and those of successors bring it forward.
    #[must_use]
    pub fn handover_deadline(&self) -> Option<Instant> {
        self.handover.until
    }

    /// Notes which groups are to be waited for; before they resign.
    pub(super) fn await_successors(&mut self, now: Instant) {
        let linger = self.handover.linger;
        let slots = self.groups.iter().enumerate();
        let awaited = slots.filter(|(_, group)| {
            let patience = group.as_ref().and_then(|group| group.succession_time());
            patience.is_some_and(|time| time <= linger)
        });
        self.handover.awaited = awaited.map(|(slot, _)| slot).collect();
        self.handover.until = (!self.handover.awaited.is_empty()).then(|| now + linger);
    }
}
