//! The run: round after round of strikes and a calm.

use std::{collections::BTreeSet, io, path::PathBuf, thread, time::Duration};

use crate::{
    clock::Stamp,
    error::Result,
    probe::{Probe, ProbeRecord},
    world::World,
};

use super::{
    bench::{Alone, Bench, Done},
    check::{Checker, Findings, Violation},
    evidence,
    fault::Strike,
    growth::{Growth, Usage},
    judge::{RouterSight, Sight},
    kernel,
    report::SoakReport,
    schedule::strikes,
    wire::Wire,
};

/// In this time after the last fault was mended, everything has to have settled.
const SETTLES: Duration = Duration::from_secs(30);
/// How long a calm lasts, in which nothing may change.
const CALM: Duration = Duration::from_secs(3);
/// As long as this nothing may have moved before it counts as settled: roles that nobody needs at once follow late.
const STILL: Duration = Duration::from_secs(1);
/// Between two looks at whether all has settled.
const LOOK: Duration = Duration::from_millis(300);
/// Between two probes of a host.
const PROBES: Duration = Duration::from_millis(50);
/// Arrivals after which a probe counts as flowing.
const FLOWING: usize = 3;
/// How long a probe may be on its way.
const TRANSIT: Duration = Duration::from_millis(500);

/// When a soak ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// After the round in which this time is over.
    Time(Duration),
    /// After so many rounds.
    Rounds(u64),
}

/// What to run.
#[derive(Clone, Debug)]
pub struct SoakOptions {
    /// What decides every fault.
    pub seed: u64,
    /// How long.
    pub length: Length,
    /// The daemon's program.
    pub binary: PathBuf,
    /// Where evidence of a violation is saved.
    pub evidence: PathBuf,
    /// What happens after the last round.
    pub end: End,
}

/// What happens to the laboratory in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum End {
    /// It goes.
    #[default]
    Go,
    /// It stays until a line is read from standard input.
    Stay,
}

/// Runs a soak to its end or its first violation; `tell` gets a line for all that happens.
///
/// # Errors
/// What went wrong in the laboratory itself. Violations are in the report.
pub fn run_soak(world: World, options: &SoakOptions, tell: impl FnMut(&str)) -> Result<SoakReport> {
    let mut soak = Soak::build(world, options, tell)?;
    while !soak.is_over() {
        soak.round()?;
    }
    let report = soak.finish()?;
    if options.end == End::Stay {
        soak.bench.lab.hints().iter().for_each(|hint| soak.say(hint));
        soak.say("the laboratory stays until a line is read");
        // The end of the input is an end, too.
        let _ = io::stdin().read_line(&mut String::new());
    }
    Ok(report)
}

/// A beginning or an end of a strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    Strike,
    Mend,
}

struct Soak<'a, F> {
    options: &'a SoakOptions,
    tell: F,
    bench: Bench,
    wire: Wire,
    growth: Growth,
    report: SoakReport,
    begin: Stamp,
    /// Lines told so far.
    history: Vec<String>,
    /// Up to where the capture has been read.
    read: usize,
    /// Where the capture of the round before begins.
    before: usize,
}

impl<'a, F: FnMut(&str)> Soak<'a, F> {
    fn build(world: World, options: &'a SoakOptions, tell: F) -> Result<Self> {
        let bench = Bench::build(world, &options.binary, options.seed)?;
        let wire = Wire::new(&bench.parties);
        let mut soak = Self {
            options,
            tell,
            bench,
            wire,
            growth: Growth::default(),
            report: SoakReport { seed: options.seed, ..SoakReport::default() },
            begin: Stamp::now(),
            history: Vec::new(),
            read: 0,
            before: 0,
        };
        let groups = soak.bench.parties.iter().map(|party| party.name).collect::<Vec<_>>().join(" ");
        soak.say(&format!("seed {}: {groups}", options.seed));
        let probes = soak.probes()?;
        soak.calm(probes)?;
        Ok(soak)
    }

    fn say(&mut self, what: &str) {
        let line = format!("{:8.3} {what}", Stamp::now().since(self.begin).as_secs_f64());
        (self.tell)(&line);
        self.history.push(line);
    }

    fn is_over(&self) -> bool {
        let enough = match self.options.length {
            Length::Time(time) => Stamp::now().since(self.begin) >= time,
            Length::Rounds(rounds) => self.report.rounds >= rounds,
        };
        enough || !self.report.violations.is_empty()
    }

    fn take(&mut self, findings: Findings) {
        self.report.checks += findings.checks;
        for violation in findings.violations {
            // What does not settle is still so a moment later.
            if !self.report.violations.contains(&violation) {
                self.report.violations.push(violation);
            }
        }
    }

    fn round(&mut self) -> Result<()> {
        self.report.rounds += 1;
        self.bench.capture.forget(self.before);
        self.before = self.read;
        self.bench.deaf.clear();
        self.bench.stopped.clear();
        self.bench.troubles.clear();
        let strikes = strikes(self.options.seed, self.report.rounds - 1);
        self.say(&format!("round {}: {} faults", self.report.rounds, strikes.len()));
        let probes = self.probes()?;
        self.run_strikes(&strikes)?;
        self.calm(probes)
    }

    /// Strikes and mends, each at its time or as soon as what came before is done.
    fn run_strikes(&mut self, strikes: &[Strike]) -> Result<()> {
        let begin = Stamp::now();
        let both = |strike: &Strike| [(strike.at, Act::Strike, *strike), (strike.until, Act::Mend, *strike)];
        let mut acts: Vec<_> = strikes.iter().flat_map(both).collect();
        acts.sort_by_key(|(at, ..)| *at);
        let (mut hit, mut untold) = (BTreeSet::new(), Vec::new());
        for (at, act, strike) in acts {
            thread::sleep(begin.after(at).since(Stamp::now()));
            let fault = strike.fault;
            match act {
                Act::Strike => {
                    let done = self.bench.strike(fault)?;
                    *self.report.faults.entry(fault.kind()).or_default() += 1;
                    hit.insert((fault.router(), fault.class()));
                    self.say_done(&format!("  {fault}"), &done);
                }
                Act::Mend => {
                    let others = hit.iter().filter(|(router, _)| *router == fault.router()).count();
                    let alone = if others == 1 { Alone::Yes } else { Alone::No };
                    let done = self.bench.mend(fault, alone)?;
                    self.say_done(&format!("  mended: {fault}"), &done);
                    untold.extend((done != Done::Yes).then_some(fault));
                }
            }
        }
        // What a daemon could not be told while it was stalled. There is nothing else that cannot be mended.
        for fault in untold {
            let done = self.bench.mend(fault, Alone::No)?;
            self.say_done(&format!("  mended: {fault}"), &done);
        }
        Ok(())
    }

    fn say_done(&mut self, what: &str, done: &Done) {
        match done {
            Done::Yes => self.say(what),
            Done::InVain(why) => {
                self.report.in_vain += 1;
                self.say(&format!("{what} (in vain: {why})"));
            }
        }
    }

    fn probes(&self) -> Result<Vec<Probe>> {
        let pairs = self.bench.lab.hosts().iter().zip(self.bench.gateways());
        pairs.map(|(host, party)| Probe::start(&self.bench.lab, host, party.family(), PROBES)).collect()
    }

    /// Waits until all has settled, then watches that it stays so, and judges everything.
    fn calm(&mut self, probes: Vec<Probe>) -> Result<()> {
        let mended = Stamp::now();
        let settled = self.settle(mended, &probes)?;
        let (first, took) = (settled, Stamp::now().since(mended));
        let from = Stamp::now();
        if self.report.violations.is_empty() {
            self.report.settled_s_max = self.report.settled_s_max.max(took.as_secs_f64());
            thread::sleep(CALM);
        }
        let last = self.sight()?;
        let to = Stamp::now();
        self.take(last.judge(&self.bench.parties));
        self.take(last.judge_steady(&first));
        self.judge_growth(&last)?;
        let records: Vec<_> = probes.into_iter().map(Probe::finish).collect();
        let mut flows = Findings::default();
        for (record, party) in records.iter().zip(self.bench.gateways()) {
            let (findings, sent) = judge_probes(record, party.name, (from, to.before(TRANSIT)));
            flows.add(findings);
            self.report.probes += sent;
        }
        self.take(flows);
        let read = self.read;
        let (wire, deaf) = (&mut self.wire, &self.bench.deaf);
        let (end, mut findings) =
            self.bench.capture.look(read, |events| (read + events.len(), wire.read(events, deaf)));
        self.read = end;
        findings.add(wire.judge_successions(&self.bench.troubles));
        findings.add(wire.judge(deaf, &self.bench.stopped));
        findings.add(std::mem::take(&mut self.bench.findings));
        self.take(findings);
        self.report.takeovers = self.wire.takeovers;
        let (checks, takeovers) = (self.report.checks, self.report.takeovers);
        self.say(&format!(
            "  calm: settled after {:.1} s, {takeovers} takeovers and {checks} checks so far",
            took.as_secs_f64()
        ));
        Ok(())
    }

    /// Gives what was seen when all had settled, and had not moved for a while. What keeps it from settling is a
    /// violation.
    fn settle(&mut self, since: Stamp, probes: &[Probe]) -> Result<Sight> {
        let mut good: Option<(Stamp, Sight)> = None;
        loop {
            let now = Stamp::now();
            let sight = self.sight()?;
            let mut findings = sight.judge(&self.bench.parties);
            findings.add(self.judge_flows(probes));
            let found = !findings.violations.is_empty();
            let moved =
                good.as_ref().is_none_or(|(_, before)| !sight.judge_steady(before).violations.is_empty());
            let still = good.as_ref().is_some_and(|(then, _)| now.since(*then) >= STILL);
            let late = now.since(since) > SETTLES || !self.bench.findings.violations.is_empty();
            if late || !(found || moved) && still {
                self.take(findings);
                if late && !found && moved {
                    let text = "states go on changing".to_owned();
                    self.take(Findings {
                        checks: 1,
                        violations: vec![Violation { checker: Checker::Converges, text }],
                    });
                }
                return Ok(sight);
            }
            if found {
                good = None;
            } else if moved {
                good = Some((now, sight));
            }
            thread::sleep(LOOK);
        }
    }

    /// Whether what hosts send through every virtual address arrives now.
    fn judge_flows(&self, probes: &[Probe]) -> Findings {
        let mut findings = Findings::default();
        let now = Stamp::now();
        for (probe, party) in probes.iter().zip(self.bench.gateways()) {
            let flows = probe.wait_flowing(now, FLOWING, TRANSIT);
            let wrong = (!flows).then(|| format!("{}: {} does not get through", party.name, probe.host()));
            findings.look(Checker::Reaches, wrong);
        }
        findings
    }

    fn sight(&mut self) -> Result<Sight> {
        let shown = self.bench.show_all()?;
        let mut routers = Vec::new();
        for (router, (shown, _)) in self.bench.lab.routers().iter().zip(shown) {
            let links = kernel::links(router.namespace())?;
            routers.push(RouterSight { number: router.number(), shown, links });
        }
        Ok(Sight { routers, switches: self.bench.switches()? })
    }

    fn judge_growth(&mut self, sight: &Sight) -> Result<()> {
        let mut findings = Findings::default();
        for ((number, process), seen) in self.bench.processes().zip(&sight.routers) {
            let devices = seen.links.iter().filter(|link| link.is_macvlan()).count();
            let usage = Usage::of(process.pid(), u64::try_from(devices).unwrap_or(u64::MAX));
            if let Some(usage) = usage {
                findings.add(self.growth.used(number, process.pid(), usage));
            }
            let inventory = self.bench.lab.router(number)?.namespace().inventory()?;
            findings.add(self.growth.held(number, &kernel::counts(&inventory, &seen.links)));
        }
        self.take(findings);
        Ok(())
    }

    fn finish(&mut self) -> Result<SoakReport> {
        self.report.minutes = Stamp::now().since(self.begin).as_secs_f64() / 60.0;
        self.report.lives = self.growth.lives().to_vec();
        if !self.report.violations.is_empty() {
            for violation in self.report.violations.clone() {
                self.say(&format!("VIOLATION {violation}"));
            }
            let folder = self.options.evidence.clone();
            let excerpt = evidence::save(&folder, &mut self.bench, &self.wire, &self.history)?;
            excerpt.iter().for_each(|line| (self.tell)(line));
            self.report.evidence = Some(folder);
        }
        Ok(self.report.clone())
    }
}

/// Whether every probe sent within a span arrived once, and how many there were.
fn judge_probes(record: &ProbeRecord, party: &str, (from, to): (Stamp, Stamp)) -> (Findings, u64) {
    let mut findings = Findings::default();
    let sent = record.sent.iter().filter(|at| (from..=to).contains(at)).count();
    let (lost, twice) = (record.lost(from, to), record.duplicated(from, to));
    let wrong = (lost + twice > 0).then(|| {
        format!(
            "{party}: of {sent} probes of {} in a calm {lost} were lost, {twice} came more than once",
            record.host
        )
    });
    findings.look(Checker::Reaches, wrong);
    let wrong = (sent == 0 && to > from).then(|| format!("{party}: {} sent no probes", record.host));
    findings.look(Checker::Reaches, wrong);
    (findings, u64::try_from(sent).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::Arrival;

    #[test]
    fn a_probe_that_is_lost_or_comes_twice_is_seen() {
        let at = |millis: u64| Stamp::from_nanos(millis * 1_000_000);
        let record = |arrived: &[u64]| ProbeRecord {
            host: "h1".to_owned(),
            period: Duration::from_millis(1),
            sent: (0..4).map(|sequence| at(10 + sequence)).collect(),
            arrivals: arrived.iter().map(|sequence| Arrival { at: at(20), sequence: *sequence }).collect(),
        };
        let span = (at(11), at(12));
        let found = |arrived: &[u64]| judge_probes(&record(arrived), "group", span).0.violations.len();
        assert_eq!(judge_probes(&record(&[1, 2]), "group", span).1, 2);
        assert_eq!(found(&[1, 2]), 0);
        assert_eq!(found(&[0, 3, 1]), 1);
        assert_eq!(found(&[1, 2, 2]), 1);
        let nothing = ProbeRecord { sent: Vec::new(), ..record(&[]) };
        assert_eq!(judge_probes(&nothing, "group", span).0.violations.len(), 1);
    }
}
