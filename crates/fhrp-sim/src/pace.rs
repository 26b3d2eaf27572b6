//! How often a router says that it is there: not too seldom, and not too often.

use std::time::Duration;

use fhrp::Instant;

use crate::check::Checker;
use crate::contest::Fault;

/// The most advertisements in one interval, besides those of new states: how often a router becomes Active is up to the
/// intervals of others. VRRP: one due, two rebuttals, four answers to resignations, and one to spare. HSRP and GLBP: two
/// that are due, some where other timers are learned again and again, as from the claims of several Active routers, and
/// one to spare.
const MOST: u32 = 8;

/// What one router advertised of one group; all times are the router's own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pace {
    /// When it did so last, in the state that it is in.
    pub(crate) last: Option<Instant>,
    counted_from: Instant,
    counted_for: Duration,
    counted: u32,
}

impl Pace {
    /// An advertisement that no new state explains was sent at `now`.
    pub(crate) fn counts(&mut self, now: Instant, interval: Duration) -> Result<(), Fault> {
        // Another interval may have been in use a moment ago: the shortest counts.
        self.counted_for = self.counted_for.min(interval);
        if now >= self.counted_from + self.counted_for {
            (self.counted_from, self.counted_for, self.counted) = (now, interval, 0);
        }
        self.counted += 1;
        if self.counted > MOST {
            return Err((Checker::Bounded, format!("{} advertisements in an interval", self.counted)));
        }
        Ok(())
    }

    /// The engine asks to be called at `next`: that is no later than an interval after the last advertisement, if there
    /// was one.
    pub(crate) fn plans(&self, next: Option<Instant>, interval: Duration) -> Result<(), Fault> {
        let Some(sent) = self.last else { return Ok(()) };
        let due = sent + interval;
        if next.is_some_and(|next| next <= due) {
            return Ok(());
        }
        let text =
            format!("last sent at {sent}, asks to be called {}, the next is due at {due}", shown(next));
        Err((Checker::Advertises, text))
    }
}

/// When the engine asks to be called.
pub(crate) fn shown(next: Option<Instant>) -> String {
    next.map_or_else(|| "never".to_owned(), |next| next.to_string())
}
