//! Many seeds, and what is left of one that fails.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::check::{Checker, Violation, Watch};
use crate::fault::Fault;
use crate::flaw::Flaw;
use crate::plan::{Protocol, Scenario};
use crate::world::{Outcome, Probes, Recording, Trial, run};

/// Which seeds, how.
#[derive(Clone, Copy, Debug)]
pub struct Campaign {
    /// What is spoken.
    pub protocol: Protocol,
    /// The first seed.
    pub from: u64,
    /// How many.
    pub seeds: u64,
    /// Every seed that is a multiple of this is run twice; 0 for none.
    pub repeat: u64,
    /// What is wrong with the engines, and who looks.
    pub trial: Trial,
    /// How many threads share the work.
    pub threads: usize,
    /// Stop at the first violation.
    pub stop: bool,
}

/// A seed that failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What does not hold.
    pub violation: Violation,
}

/// What came of a campaign.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Seeds run.
    pub seeds: u64,
    /// Seeds that failed, ordered.
    pub failures: Vec<Failure>,
    /// Microseconds that routers lived through.
    pub router_micros: u64,
    /// Calls of engines.
    pub calls: u64,
    /// What hosts felt.
    pub probes: Probes,
}

impl Tally {
    /// Hours that routers lived through.
    #[must_use]
    pub fn router_hours(&self) -> u64 {
        Duration::from_micros(self.router_micros).as_secs() / 3600
    }

    fn of(seed: u64, outcome: Outcome) -> Self {
        Self {
            seeds: 1,
            failures: outcome.violation.map(|violation| Failure { seed, violation }).into_iter().collect(),
            router_micros: outcome.router_micros,
            calls: outcome.calls,
            probes: outcome.probes,
        }
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.router_micros += other.router_micros;
        self.calls += other.calls;
        self.probes.sent += other.probes.sent;
        self.probes.answered += other.probes.answered;
        self.probes.duplicates += other.probes.duplicates;
        self.probes.outage = self.probes.outage.max(other.probes.outage);
        self.failures.extend(other.failures);
    }
}

impl Campaign {
    /// Runs all seeds.
    #[must_use]
    pub fn run(&self) -> Tally {
        let next = AtomicU64::new(self.from);
        let whole = Mutex::new(Tally::default());
        std::thread::scope(|scope| {
            for _ in 0..self.threads.max(1) {
                scope.spawn(|| {
                    let part = self.work(&next);
                    // A thread that panicked has ended the scope by then.
                    if let Ok(mut whole) = whole.lock() {
                        whole.merge(part);
                    }
                });
            }
        });
        let mut tally = whole.into_inner().unwrap_or_default();
        tally.failures.sort_by_key(|failure| failure.seed);
        tally
    }

    fn work(&self, next: &AtomicU64) -> Tally {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= self.from.saturating_add(self.seeds) {
                return tally;
            }
            tally.merge(Tally::of(seed, self.try_seed(seed)));
            if self.stop && !tally.failures.is_empty() {
                next.store(u64::MAX / 2, Ordering::Relaxed);
                return tally;
            }
        }
    }

    fn try_seed(&self, seed: u64) -> Outcome {
        let scenario = Scenario::draw(self.protocol, seed);
        let mut outcome = run(&scenario, self.trial, Recording::Off);
        let compared = self.repeat > 0 && seed.is_multiple_of(self.repeat);
        let again = compared && outcome.violation.is_none() && self.trial.watch.heeds(Checker::Determinism);
        if again && run(&scenario, self.trial, Recording::Off).hash != outcome.hash {
            let text = "a second run did something else".to_owned();
            let violation = Violation { at: scenario.end, checker: Checker::Determinism, text };
            outcome.violation = Some(violation);
        }
        outcome
    }
}

/// Flaws, each with the one checker that is to see it, if not whichever is first. Checkers of the world are slower than
/// those that look at every call, and would else never be seen to catch anything.
#[must_use]
pub fn trials(protocol: Protocol) -> Vec<Trial> {
    let alone = [
        (Checker::OneActive, Flaw::NeverYields),
        (Checker::SkewOrder, Flaw::SkewDropped),
        (Checker::Converges, Flaw::NeverYields),
        (Checker::Preempts, Flaw::PreemptOnIgnored),
        (Checker::Reaches, Flaw::FaultIgnored),
        (Checker::Tables, Flaw::AnnouncementMissing),
        (Checker::Determinism, Flaw::Unsteady),
        (Checker::OneForwarder, Flaw::ForwarderNeverYields),
        (Checker::Forwarders, Flaw::ForwarderDelayIgnored),
        (Checker::Ownership, Flaw::OwnerIgnored),
        (Checker::Lifetimes, Flaw::TimeoutEndless),
        (Checker::Assigns, Flaw::RequestsIgnored),
        (Checker::Assigns, Flaw::AssignsTaken),
        (Checker::Lists, Flaw::OwnNotListed),
        (Checker::Weighs, Flaw::ThresholdsIgnored),
        (Checker::Answers, Flaw::StandbyAnswers),
        (Checker::HandsOut, Flaw::RedirectEndless),
        (Checker::HandsOut, Flaw::TellsUnserved),
        (Checker::Balances, Flaw::Unfair),
        (Checker::VirtualMac, Flaw::SpeaksAsAnother),
        (Checker::Tables, Flaw::SpeaksAsAnother),
        (Checker::Resigns, Flaw::ForwarderResignMissing),
        (Checker::Preempts, Flaw::ForwarderPreemptIgnored),
    ];
    let alone = alone.map(|(checker, flaw)| Trial { flaw: Some(flaw), watch: Watch::Only(checker) });
    let all = Flaw::ALL.iter().map(|flaw| Trial { flaw: Some(*flaw), watch: Watch::All });
    let concerns = |trial: &Trial| trial.flaw.is_some_and(|flaw| flaw.concerns(protocol));
    // Hosts that are told nothing believe nothing.
    let told = protocol != Protocol::Glbp;
    let seen = |trial: &Trial| {
        told || (trial.flaw, trial.watch) != (Some(Flaw::AnnouncementMissing), Watch::Only(Checker::Tables))
    };
    all.chain(alone).filter(concerns).filter(seen).collect()
}

/// The first of `seeds` runs that shows what `trial` looks for, and the checker that saw it.
#[must_use]
pub fn caught(protocol: Protocol, trial: Trial, seeds: u64) -> Option<(u64, Checker)> {
    let campaign = Campaign { protocol, from: 0, seeds, repeat: 10, trial, threads: 1, stop: true };
    campaign.run().failures.first().map(|failure| (failure.seed, failure.violation.checker))
}

/// The fewest faults of `scenario` with which `checker` still fails: no single one can be left out, and none can end a
/// quarter of its time earlier.
#[must_use]
pub fn shrink(scenario: &Scenario, trial: Trial, checker: Checker) -> Scenario {
    let fails = |faults: Vec<Fault>| {
        let candidate = scenario.with_faults(faults);
        let outcome = run(&candidate, trial, Recording::Off);
        outcome.violation.is_some_and(|violation| violation.checker == checker).then_some(candidate)
    };
    let mut least = scenario.clone();
    let mut place = 0;
    while place < least.faults.len() {
        let mut fewer = least.faults.clone();
        fewer.remove(place);
        match fails(fewer) {
            Some(candidate) => (least, place) = (candidate, 0),
            None => place += 1,
        }
    }
    for place in 0..least.faults.len() {
        loop {
            let mut shorter = least.faults.clone();
            let fault = &mut shorter[place];
            let lasts = fault.until.saturating_duration_since(fault.at);
            fault.until = fault.at + lasts * 3 / 4;
            match fails(shorter).filter(|_| lasts > Duration::from_millis(2)) {
                Some(candidate) => least = candidate,
                None => break,
            }
        }
    }
    least
}
