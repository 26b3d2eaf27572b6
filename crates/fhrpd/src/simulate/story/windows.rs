//! When there was no Active router, and when there were several.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fhrp::Instant;
use fhrp_sim::{GroupPlan, Settings};

use super::{Window, WindowKind};
use crate::report::millis;

/// By so much a bound may be exceeded by timers, transit and dataplane.
const TOLERANCE: Duration = Duration::from_millis(20);

/// A time in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) active: bool,
    /// Whether the router runs and knows what it could be Active with.
    pub(super) known: bool,
    pub(super) from: Instant,
    pub(super) until: Instant,
}

/// When routers were Active in a group, or with a forwarder of it, each by its place.
pub(super) struct Contest<'a> {
    pub(super) plan: &'a GroupPlan,
    pub(super) forwarder: Option<u8>,
    pub(super) spans: BTreeMap<usize, Vec<Span>>,
    pub(super) end: Instant,
}

/// A window before names are put to it.
pub(super) struct Found {
    pub(super) window: Window,
    pub(super) routers: BTreeSet<usize>,
    pub(super) from: Instant,
    pub(super) until: Instant,
}

impl Contest<'_> {
    pub(super) fn windows(&self) -> Vec<Found> {
        let ends = self.spans.values().flatten().flat_map(|span| [span.from, span.until]);
        let times: BTreeSet<Instant> = ends.chain([Instant::default(), self.end]).collect();
        let times: Vec<Instant> = times.into_iter().collect();
        let mut found: Vec<Found> = Vec::new();
        for (from, until) in times.iter().copied().zip(times.iter().copied().skip(1)) {
            let active = self.active_at(from);
            let kind = match active.len() {
                0 if self.forwarder.is_some() && !self.known_at(from) => continue,
                0 => WindowKind::NoneActive,
                1 => continue,
                _ => WindowKind::TwoActive,
            };
            match found.last_mut().filter(|last| last.until == from && last.window.kind == kind) {
                Some(last) => {
                    last.until = until;
                    last.routers.extend(active);
                }
                None => found.push(self.begin(kind, (from, until), active)),
            }
        }
        found.iter_mut().for_each(|found| self.judge(found));
        found
    }

    fn active_at(&self, at: Instant) -> BTreeSet<usize> {
        let is = |spans: &[Span]| spans.iter().any(|span| span.active && span.from <= at && at < span.until);
        self.spans.iter().filter(|(_, spans)| is(spans)).map(|(router, _)| *router).collect()
    }

    fn active_before(&self, at: Instant) -> Vec<&Span> {
        self.spans.values().flatten().filter(|span| span.active && span.from < at).collect()
    }

    fn known_at(&self, at: Instant) -> bool {
        let is = |span: &Span| span.known && span.from <= at && at < span.until;
        self.spans.values().flatten().any(is)
    }

    fn begin(&self, kind: WindowKind, (from, until): (Instant, Instant), routers: BTreeSet<usize>) -> Found {
        let window = Window {
            kind,
            forwarder: self.forwarder,
            from_seconds: seconds(from),
            until_seconds: None,
            seconds: 0.0,
            routers: Vec::new(),
            startup: kind == WindowKind::NoneActive && self.active_before(from).is_empty(),
            bound_seconds: 0.0,
            within_bound: false,
            faults: Vec::new(),
        };
        Found { window, routers, from, until }
    }

    fn judge(&self, found: &mut Found) {
        let length = found.until.saturating_duration_since(found.from);
        let bound = match found.window.kind {
            WindowKind::NoneActive => self.succession(found),
            WindowKind::TwoActive => self.recognition(found),
        };
        let window = &mut found.window;
        window.until_seconds = (found.until < self.end).then(|| seconds(found.until));
        window.seconds = millis(length) / 1000.0;
        window.bound_seconds = millis(bound) / 1000.0;
        window.within_bound = length <= bound + TOLERANCE;
    }

    /// How long whoever took over may take to do so; if nobody did, the quickest.
    fn succession(&self, found: &Found) -> Duration {
        let pace = self.plan.members.iter().flatten().map(Settings::pace).max().unwrap_or_default();
        let winners = self.active_at(found.until);
        let time = |settings: &Settings| match found.window.startup {
            true => first_in(settings),
            false => settings.takes_over_in(pace),
        };
        let of = |router: &usize| self.plan.members.get(*router)?.as_ref().map(time);
        let won = winners.iter().filter_map(of).min();
        won.or_else(|| self.plan.members.iter().flatten().map(time).min()).unwrap_or_default()
    }

    /// How long it may take until one of them has heard the other.
    fn recognition(&self, found: &Found) -> Duration {
        let of = |router: &usize| self.plan.members.get(*router)?.as_ref().map(Settings::speaks_every);
        found.routers.iter().filter_map(of).max().unwrap_or_default()
    }
}

/// A router that has just started and finds nobody: HSRP and GLBP wait in Listen and again in Speak.
fn first_in(settings: &Settings) -> Duration {
    match settings {
        Settings::Vrrp(_) => settings.takes_over_in(settings.pace()),
        Settings::Hsrp(_) | Settings::Glbp(_) => settings.pace() * 2,
    }
}

/// Exact to the microsecond.
pub(super) fn seconds(at: Instant) -> f64 {
    millis(at.saturating_duration_since(Instant::default())) / 1000.0
}
