//! Runs a failover plan.

use std::{net::IpAddr, time::Duration};

use super::{
    FailoverPlan, FailoverReport, LabEvent, Protocol, Target, TimelineEntry,
    account::{Account, Before, Carrier},
    contest::Contest,
    forwarders::Forwarders,
    observer::Observer,
};
use crate::{
    capture::{Capture, CaptureScope},
    clock::Stamp,
    error::{LabError, Result},
    fault::Fault,
    probe::Probe,
    process::RouterProcess,
    topology::{Lab, LabOptions, Node, UPSTREAM_INTERFACE},
    world::World,
};

/// Time for the daemons to start and one to become Active.
const SETTLE: Duration = Duration::from_secs(12);
/// Probes of each host that must arrive before the fault.
const FLOWING: usize = 100;
const PROBE_PERIOD: Duration = Duration::from_millis(1);
/// Time between two looks at the probes' counters.
const TICK: Duration = Duration::from_millis(100);
/// Watched at least after the takeover.
const AFTERMATH: Duration = Duration::from_millis(600);
/// GLBP has no more forwarders.
const FORWARDERS: usize = 4;
/// Before the fault, in GLBP, so that the routers' shares mean something.
const SHARE: Duration = Duration::from_millis(500);

/// A failover that has run, with everything still in place.
#[derive(Debug)]
pub struct Failover {
    /// Its figures.
    pub report: FailoverReport,
    /// The capture from the start.
    pub capture: Capture,
    /// The routers' daemons, `r1` first.
    pub processes: Vec<RouterProcess>,
    /// The topology. (After the processes, so that it is removed after them.)
    pub lab: Lab,
}

/// Runs a plan. `tell` is called on this thread with everything that happens, as it happens.
///
/// What is returned still runs, for exploration or further tests; dropping it removes it.
///
/// # Errors
/// Those of [`FailoverPlan::check`]; [`LabError::Timeout`] with the daemons' logs if they do not settle or nobody takes
/// over; the error of the step that failed otherwise.
pub fn run_failover(world: World, plan: &FailoverPlan, mut tell: impl FnMut(&LabEvent)) -> Result<Failover> {
    plan.check()?;
    let routers = u8::try_from(plan.routers.len()).unwrap_or(u8::MAX);
    let options = LabOptions { routers, hosts: plan.hosts, ..LabOptions::default() };
    let lab = Lab::build(world, &options)?;
    let mut stage = Stage::set(&lab, plan, &mut tell)?;
    stage.start()?;
    stage.settle()?;
    let before = stage.look()?;
    let strike = stage.strike()?;
    stage.watch_takeover(&strike)?;
    stage.watch_aftermath(&strike)?;
    let records: Vec<_> = stage.probes.drain(..).map(Probe::finish).collect();
    let account = stage.account(before, &strike);
    let (outages, report) = (account.outages(&records), account.report(&records)?);
    outages.iter().for_each(&mut *stage.tell);
    let (capture, processes) = (stage.capture, stage.processes);
    Ok(Failover { report, capture, processes, lab })
}

/// What the fault hit.
pub(super) struct Strike {
    /// When it began.
    pub(super) begin: Stamp,
    /// When the routers' ports went deaf, if their daemons go on.
    pub(super) unheard: Option<Stamp>,
    /// The routers.
    pub(super) hit: Vec<u8>,
    /// What they were Active for and somebody can take over, each with its router.
    pub(super) lost: Vec<(Contest, String)>,
}

/// A running laboratory with its observers.
struct Stage<'a> {
    plan: &'a FailoverPlan,
    lab: &'a Lab,
    tell: &'a mut dyn FnMut(&LabEvent),
    capture: Capture,
    processes: Vec<RouterProcess>,
    probes: Vec<Probe>,
    contest: Contest,
    observer: Observer,
    forwarders: Forwarders,
    gateway: IpAddr,
    /// Events that the observers have seen.
    seen: usize,
    next_tick: Stamp,
}

impl<'a> Stage<'a> {
    /// Prepares hosts and instruments.
    fn set(lab: &'a Lab, plan: &'a FailoverPlan, tell: &'a mut dyn FnMut(&LabEvent)) -> Result<Self> {
        let group = plan.group(1);
        let gateway =
            *group.addresses().first().ok_or_else(|| LabError::NoSuch("virtual address".to_owned()))?;
        lab.use_gateway(gateway, 0)?;
        let scope = if plan.pcap.is_some() { CaptureScope::ControlAndProbes } else { CaptureScope::Control };
        let names = lab.routers().iter().map(|router| router.name().to_owned());
        let contest = Contest::of(&group);
        Ok(Self {
            plan,
            lab,
            tell,
            capture: Capture::start(lab, scope)?,
            processes: Vec::new(),
            probes: Vec::new(),
            contest,
            observer: Observer::new(names, contest, gateway, plan.protocol.interval()),
            forwarders: Forwarders::of(&group),
            gateway,
            seen: 0,
            next_tick: Stamp::now(),
        })
    }

    /// Starts the daemons. In HSRP the best router comes last and preempts: who loses to a Coup need not listen for
    /// a hold time before it can become Standby.
    fn start(&mut self) -> Result<()> {
        let (routers, hosts) = (self.lab.routers().len(), self.lab.hosts().len());
        self.note(TimelineEntry::Built { routers, hosts });
        let best_comes_last = matches!(self.plan.protocol, Protocol::Hsrp { .. }) && routers > 1;
        let first = usize::from(best_comes_last);
        for router in self.lab.routers().iter().skip(first) {
            let process = self.start_daemon(router)?;
            self.processes.push(process);
        }
        if best_comes_last {
            self.expect("no router has become Active", |stage| stage.observer.active().is_some())?;
            // What it announces is told before the next line.
            self.follow(TICK, |_| false);
            let process = self.start_daemon(self.lab.router(1)?)?;
            self.processes.insert(0, process);
        }
        Ok(())
    }

    fn start_daemon(&mut self, router: &Node) -> Result<RouterProcess> {
        let index = usize::from(router.number().saturating_sub(1));
        let missing = || LabError::NoSuch(format!("daemon for {}", router.name()));
        let daemon = self.plan.routers.get(index).ok_or_else(missing)?;
        let group = self.plan.group(router.number());
        let priority = group.priority();
        let process = daemon.start(router, &[group])?;
        let router = router.name().to_owned();
        self.note(TimelineEntry::Started { router, daemon: daemon.name(), priority });
        Ok(process)
    }

    /// Follows what happens until `done`; gives up when it takes too long, or at once when a daemon ends.
    fn expect(&mut self, otherwise: &str, done: impl Fn(&Self) -> bool) -> Result<()> {
        let patience = SETTLE + self.plan.protocol.interval() * 8;
        let end = Stamp::now().after(patience);
        while !self.follow(TICK, &done) {
            let ended = self.processes.iter_mut().position(|process| !process.alive());
            if ended.is_some() || Stamp::now() >= end {
                let why = if ended.is_some() { "a daemon has ended" } else { otherwise };
                return Err(self.timeout(why.to_owned(), patience.saturating_sub(end.since(Stamp::now()))));
            }
        }
        Ok(())
    }

    fn note(&mut self, entry: TimelineEntry) {
        (self.tell)(&LabEvent::Timeline { at: Stamp::now(), entry });
    }

    /// Passes on what happens until `done` or the time is up. Whether it was done.
    fn follow(&mut self, timeout: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = Stamp::now().after(timeout);
        loop {
            let now = Stamp::now();
            let wait = self.next_tick.min(end).since(now);
            let arrived = self.capture.wait_for(self.seen, wait, |events| (!events.is_empty()).then_some(()));
            if arrived.is_some() {
                let (observer, forwarders) = (&mut self.observer, &mut self.forwarders);
                let mut told = Vec::new();
                self.seen += self.capture.look(self.seen, |events| {
                    for event in events {
                        observer.observe(event);
                        told.extend(observer.drain());
                        told.extend(forwarders.observe(event));
                    }
                    events.len()
                });
                // Each port is captured for itself.
                told.sort_by_key(LabEvent::at);
                told.iter().for_each(&mut *self.tell);
            }
            self.tick();
            for event in self.observer.drain() {
                (self.tell)(&event);
            }
            if done(self) {
                return true;
            }
            if Stamp::now() >= end {
                return false;
            }
        }
    }

    fn tick(&mut self) {
        let now = Stamp::now();
        self.observer.tick(now);
        if now < self.next_tick {
            return;
        }
        self.next_tick = now.after(TICK);
        for probe in &self.probes {
            let tick = LabEvent::ProbeTick { host: probe.host().to_owned(), counters: probe.counters() };
            (self.tell)(&tick);
        }
        if !self.shares_matter() || self.probes.is_empty() {
            return;
        }
        for router in self.lab.routers() {
            let name = router.name();
            // A display can do without a figure.
            let octets = router.octets_sent(UPSTREAM_INTERFACE).unwrap_or_default();
            let forwarders = self.forwarders.of_router(name);
            (self.tell)(&LabEvent::Share { router: name.to_owned(), forwarders, octets });
        }
    }

    /// Whether several routers work at once.
    const fn shares_matter(&self) -> bool {
        match self.plan.protocol {
            Protocol::Vrrp { .. } | Protocol::Hsrp { .. } => false,
            Protocol::Glbp { .. } => true,
        }
    }

    /// Waits until `r1` alone is Active, the next in line is known, and every host's probes flow.
    fn settle(&mut self) -> Result<()> {
        let active = self.lab.router(1)?.name();
        let otherwise = format!("{active} has not become the only Active router");
        self.expect(&otherwise, |stage| stage.observer.alone(active))?;
        self.expect("no router has become Standby", |stage| stage.observer.has_next())?;
        if self.shares_matter() {
            let all = self.lab.routers().len().min(FORWARDERS);
            let otherwise = format!("not {all} routers serve a forwarder");
            self.expect(&otherwise, |stage| stage.forwarders.routers().len() == all)?;
        }
        let since = Stamp::now();
        for host in self.lab.hosts() {
            self.probes.push(Probe::start(self.lab, host, self.plan.family, PROBE_PERIOD)?);
        }
        self.expect("the probes do not reach the upstream host", |stage| stage.all_flow(since))?;
        self.note(TimelineEntry::Settled { router: active.to_owned() });
        Ok(())
    }

    fn all_flow(&self, since: Stamp) -> bool {
        self.probes.iter().all(|probe| probe.wait_flowing(since, FLOWING, Duration::ZERO))
    }

    /// Looks at who carries what, before anything breaks.
    fn look(&mut self) -> Result<Before> {
        let start = self.octets()?;
        if self.shares_matter() {
            self.follow(SHARE, |_| false);
        }
        let mut carriers = Vec::new();
        for host in self.lab.hosts() {
            let carrier = Carrier::of(self.lab, host, self.gateway)?;
            if self.shares_matter() {
                let Carrier { router, mac } = carrier.clone();
                self.note(TimelineEntry::Uses { host: host.name().to_owned(), router, mac });
            }
            carriers.push(carrier);
        }
        let octets = self.octets()?;
        let forwarders = self.lab.routers().iter().map(|router| self.forwarders.of_router(router.name()));
        let before = Before { carriers, forwarders: forwarders.collect(), start, octets };
        if self.shares_matter() {
            for (router, octets) in self.lab.routers().iter().zip(before.carried()) {
                self.note(TimelineEntry::Carried { router: router.name().to_owned(), octets });
            }
        }
        Ok(before)
    }

    /// What each router has sent upstream.
    fn octets(&self) -> Result<Vec<u64>> {
        self.lab.routers().iter().map(|router| router.octets_sent(UPSTREAM_INTERFACE)).collect()
    }

    /// Whom the fault is to hit.
    fn victims(&self) -> Vec<u8> {
        let number = |name: &str| name.trim_start_matches('r').parse().ok();
        let standby = || self.observer.standby().and_then(number).unwrap_or(2);
        let forwarders = || self.forwarders.routers().into_iter().filter_map(number).max().unwrap_or(2);
        match self.plan.target {
            Target::Active | Target::Avg => vec![1],
            Target::Standby => vec![standby()],
            Target::Avf => vec![forwarders()],
            Target::Both => vec![1, forwarders()],
            Target::Router(number) => vec![number],
        }
    }

    /// What these routers are Active for, if anybody is left to take over.
    fn at_stake(&self, victims: &[u8]) -> Vec<(Contest, String)> {
        if victims.len() >= self.lab.routers().len() {
            return Vec::new();
        }
        let names: Vec<_> = victims.iter().map(|number| format!("r{number}")).collect();
        let gateway = self.observer.active().map(|router| (self.contest, router));
        let contests = gateway.into_iter().chain(self.forwarders.contests());
        let lost = contests.filter(|(_, router)| names.iter().any(|name| name == router));
        lost.map(|(contest, router)| (contest, router.to_owned())).collect()
    }

    /// Lets the fault happen.
    fn strike(&mut self) -> Result<Strike> {
        let hit = self.victims();
        let lost = self.at_stake(&hit);
        let begin = Stamp::now();
        for number in &hit {
            let router = format!("r{number}");
            self.observer.hit(&router, begin);
            self.note(TimelineEntry::Fault { fault: self.plan.fault, router });
        }
        for number in &hit {
            self.break_router(*number)?;
        }
        let unheard = (self.plan.fault == Fault::Silent).then(Stamp::now);
        if unheard.is_some() {
            hit.iter().for_each(|number| self.forwarders.cut_off(&format!("r{number}")));
        }
        Ok(Strike { begin, unheard, hit, lost })
    }

    fn break_router(&mut self, number: u8) -> Result<()> {
        let router = self.lab.router(number)?;
        let process = self.processes.get_mut(usize::from(number.saturating_sub(1)));
        match self.plan.fault {
            Fault::Kill => process.map(RouterProcess::kill).unwrap_or_default(),
            Fault::Stop => process.map(|process| process.stop()).unwrap_or_default(),
            Fault::Link => self.lab.take_carrier(router, 0)?,
            Fault::Silent => self.lab.silence(router, 0)?,
        }
        Ok(())
    }

    /// Waits until others are Active for all that the fault took away.
    fn watch_takeover(&mut self, strike: &Strike) -> Result<()> {
        let patience = self.plan.group(2).patience() * 2 + Duration::from_secs(5);
        let taken = |stage: &Self| strike.lost.iter().all(|lost| stage.is_taken_over(lost));
        if !self.follow(patience, taken) {
            let missing: Vec<_> = strike
                .lost
                .iter()
                .filter(|lost| !self.is_taken_over(lost))
                .map(|(_, old)| old.as_str())
                .collect();
            let what = format!("nobody took over from {} after {}", missing.join(", "), strike.begin);
            return Err(self.timeout(what, patience));
        }
        Ok(())
    }

    fn is_taken_over(&self, (contest, old): &(Contest, String)) -> bool {
        if *contest == self.contest {
            return self.observer.active().is_some_and(|router| router != old);
        }
        self.forwarders.contests().any(|(other, router)| other == *contest && router != old)
    }

    /// Watches until the probes flow again and a while longer, so that whatever still goes wrong is in the figures.
    fn watch_aftermath(&mut self, strike: &Strike) -> Result<()> {
        let interval = self.plan.protocol.interval();
        let flowing_since = Stamp::now();
        let hit = strike.lost.iter().any(|(contest, _)| *contest == self.contest);
        let alone = hit.then(|| self.observer.active().map(str::to_owned)).flatten();
        let settled = |stage: &Self| {
            let alone = alone.as_deref().is_none_or(|name| stage.observer.alone(name));
            alone && stage.all_flow(flowing_since)
        };
        // A router cut off from the others rightly goes on advertising; only the time then ends the wait.
        self.follow(interval * 5 + AFTERMATH, settled);
        let left = (AFTERMATH + interval * 3 / 2).saturating_sub(Stamp::now().since(flowing_since));
        self.follow(left, |_| false);
        let end = Stamp::now();
        if !strike.lost.is_empty()
            && !self.probes.is_empty()
            && !self.follow(SETTLE, |stage| stage.all_flow(end))
        {
            let waited = end.since(strike.begin) + SETTLE;
            return Err(self.timeout("the probes do not flow again".to_owned(), waited));
        }
        Ok(())
    }

    fn account<'b>(&'b self, before: Before, strike: &'b Strike) -> Account<'b> {
        let forwarders = self.lab.routers().iter().map(|router| self.forwarders.of_router(router.name()));
        Account {
            plan: self.plan,
            lab: self.lab,
            capture: &self.capture,
            gateway: self.gateway,
            strike,
            before,
            forwarders: forwarders.collect(),
        }
    }

    fn timeout(&self, what: String, waited: Duration) -> LabError {
        let detail = self.processes.iter().map(RouterProcess::log_tail).collect();
        LabError::Timeout { what, waited_ms: waited.as_millis(), detail }
    }
}
