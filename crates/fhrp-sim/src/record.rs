//! What happened in a run, as data: for programs that show it in their own way.

use std::time::Duration;

use fhrp::{Instant, Notice};

/// Something that happened at a router.
#[derive(Clone, Debug)]
pub struct Record {
    /// When, in the world's time.
    pub at: Instant,
    /// Where, by its place.
    pub router: usize,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// The router's daemon was started.
    Started,
    /// The router's daemon ended, in whatever way.
    Ended,
    /// The engine tells its embedder something; its time is that of the router's clock.
    Notice(Notice),
    /// What a call took and gave, in words: what is said only now and then, or every frame if that was asked for.
    Call(String),
}

/// What one host felt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Felt {
    /// When it sent the first probe that was answered.
    pub served_from: Option<Instant>,
    /// Probes sent since then, as far as they could be answered before the end; all of them if none was answered.
    pub sent: u64,
    /// Those that nobody answered.
    pub lost: u64,
    /// Answers too many.
    pub duplicates: u64,
    /// The times without gateway.
    pub outages: Vec<Outage>,
}

/// A time in which a host had no gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When the first probe that was lost was sent.
    pub from: Instant,
    /// When the next one that was answered was sent; `None` if there was none.
    pub until: Option<Instant>,
    /// Probes lost.
    pub lost: u64,
}

impl Outage {
    /// How long it took, in a run that ended at `end`.
    #[must_use]
    pub fn length(&self, end: Instant) -> Duration {
        self.until.unwrap_or(end).saturating_duration_since(self.from)
    }
}
