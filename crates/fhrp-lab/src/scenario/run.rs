//! Runs a failover plan and accounts for it.

use std::{net::IpAddr, time::Duration};

use fhrp_wire::Family;

use super::{
    FailoverPlan, FailoverReport, HostReport, LabEvent, TimelineEntry,
    observer::{Observer, Takeover, takeover},
};
use crate::{
    capture::{Capture, CaptureScope},
    clock::{Stamp, millis},
    error::{LabError, Result},
    fault::Fault,
    group::GroupSpec,
    probe::{Probe, ProbeRecord},
    process::RouterProcess,
    topology::{Lab, LabOptions, Node},
    world::World,
};

/// Time for the daemons to start and one to become Active.
const SETTLE: Duration = Duration::from_secs(12);
/// Probes of each host that must arrive before the fault.
const FLOWING: usize = 100;
const PROBE_PERIOD: Duration = Duration::from_millis(1);
/// Time between two looks at the probes' counters.
const TICK: Duration = Duration::from_millis(100);
/// Counted before the fault, so that a loss at its very begin is seen.
const LEAD: Duration = Duration::from_millis(10);
/// Watched at least after the takeover.
const AFTERMATH: Duration = Duration::from_millis(600);
/// A silence shorter than this is no line of the timeline.
const NOTEWORTHY: Duration = Duration::from_millis(5);

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
/// [`LabError::Timeout`] with the daemons' logs if they do not settle or nobody takes over; the error of the step that
/// failed otherwise.
pub fn run_failover(world: World, plan: &FailoverPlan, mut tell: impl FnMut(&LabEvent)) -> Result<Failover> {
    let routers = u8::try_from(plan.routers.len()).unwrap_or(u8::MAX);
    if plan.target_number() > routers {
        return Err(LabError::NoSuch(format!("router r{}", plan.target_number())));
    }
    let options = LabOptions { routers, hosts: plan.hosts, ..LabOptions::default() };
    let lab = Lab::build(world, &options)?;
    let mut stage = Stage::set(&lab, plan, &mut tell)?;
    stage.settle()?;
    let (fault, unheard) = stage.strike()?;
    stage.watch_takeover(fault)?;
    stage.watch_aftermath(fault)?;
    let records = stage.probes.drain(..).map(Probe::finish).collect::<Vec<_>>();
    let report = stage.account(&records, (fault, unheard))?;
    let (capture, processes) = (stage.capture, stage.processes);
    if let Some(path) = &plan.pcap {
        capture.save(path)?;
    }
    Ok(Failover { report, capture, processes, lab })
}

/// A running laboratory with its observer.
struct Stage<'a> {
    plan: &'a FailoverPlan,
    lab: &'a Lab,
    tell: &'a mut dyn FnMut(&LabEvent),
    capture: Capture,
    processes: Vec<RouterProcess>,
    probes: Vec<Probe>,
    observer: Observer,
    group: GroupSpec,
    gateway: IpAddr,
    /// Events that the observer has seen.
    seen: usize,
    next_tick: Stamp,
}

impl<'a> Stage<'a> {
    /// Starts everything.
    fn set(lab: &'a Lab, plan: &'a FailoverPlan, tell: &'a mut dyn FnMut(&LabEvent)) -> Result<Self> {
        let group = plan.group(1);
        let gateway =
            *group.addresses.first().ok_or_else(|| LabError::NoSuch("virtual address".to_owned()))?;
        lab.use_gateway(gateway, 0)?;
        let scope = if plan.pcap.is_some() { CaptureScope::ControlAndProbes } else { CaptureScope::Control };
        let names = lab.routers().iter().map(|router| router.name().to_owned());
        let observer = Observer::new(names, group.vrid, gateway, plan.advertisement_interval);
        let capture = Capture::start(lab, scope)?;
        let mut stage = Self {
            plan,
            lab,
            tell,
            capture,
            processes: Vec::new(),
            probes: Vec::new(),
            observer,
            group,
            gateway,
            seen: 0,
            next_tick: Stamp::now(),
        };
        stage.note(TimelineEntry::Built { routers: lab.routers().len(), hosts: lab.hosts().len() });
        for (router, daemon) in lab.routers().iter().zip(&plan.routers) {
            let group = plan.group(router.number());
            let priority = group.priority;
            stage.processes.push(daemon.start(router, &[group])?);
            let router = router.name().to_owned();
            stage.note(TimelineEntry::Started { router, daemon: daemon.name(), priority });
        }
        Ok(stage)
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
                let observer = &mut self.observer;
                self.seen += self.capture.look(self.seen, |events| {
                    events.iter().for_each(|event| observer.observe(event));
                    events.len()
                });
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
    }

    /// Waits until `r1` alone advertises and every host's probes flow.
    fn settle(&mut self) -> Result<()> {
        let active = self.lab.router(1)?.name();
        let patience = SETTLE + self.plan.advertisement_interval * 8;
        if !self.follow(patience, |stage| stage.observer.alone(active)) {
            return Err(self.timeout(format!("{active} has not become the only Active router"), patience));
        }
        let since = Stamp::now();
        for host in self.lab.hosts() {
            self.probes.push(Probe::start(self.lab, host, self.plan.family, PROBE_PERIOD)?);
        }
        if !self.follow(SETTLE, |stage| stage.all_flow(since)) {
            return Err(self.timeout("the probes do not reach the upstream host".to_owned(), SETTLE));
        }
        self.note(TimelineEntry::Settled { router: active.to_owned() });
        Ok(())
    }

    fn all_flow(&self, since: Stamp) -> bool {
        self.probes.iter().all(|probe| probe.wait_flowing(since, FLOWING, Duration::ZERO))
    }

    /// Lets the fault happen. Gives when it began, and when the target's port went deaf if its daemon goes on.
    fn strike(&mut self) -> Result<(Stamp, Option<Stamp>)> {
        let number = self.plan.target_number();
        let router = self.lab.router(number)?;
        let name = router.name().to_owned();
        let begin = Stamp::now();
        self.note(TimelineEntry::Fault { fault: self.plan.fault, router: name.clone() });
        self.observer.hit(&name, begin);
        let process = self.processes.get_mut(usize::from(number - 1));
        match self.plan.fault {
            Fault::Kill => process.map(RouterProcess::kill).unwrap_or_default(),
            Fault::Stop => process.map(|process| process.stop()).unwrap_or_default(),
            Fault::Link => self.lab.take_carrier(router, 0)?,
            Fault::Silent => self.lab.silence(router, 0)?,
        }
        let unheard = (self.plan.fault == Fault::Silent).then(Stamp::now);
        Ok((begin, unheard))
    }

    /// Whether the fault hits the Active router, so that another must take over.
    fn active_is_hit(&self) -> bool {
        self.plan.target_number() == 1 && self.plan.routers.len() > 1
    }

    /// Waits until another router advertises, if one must.
    fn watch_takeover(&mut self, fault: Stamp) -> Result<()> {
        if !self.active_is_hit() {
            return Ok(());
        }
        let old = self.lab.router(1)?.name();
        let patience = self.group.active_down_interval() * 2 + Duration::from_secs(5);
        if !self.follow(patience, |stage| stage.observer.successor(old).is_some()) {
            return Err(self.timeout(format!("nobody took over from {old} after {fault}"), patience));
        }
        Ok(())
    }

    /// Watches until the probes flow again and a while longer, so that whatever still goes wrong is in the figures.
    fn watch_aftermath(&mut self, fault: Stamp) -> Result<()> {
        let interval = self.plan.advertisement_interval;
        let flowing_since = Stamp::now();
        let alone = self.active_is_hit().then(|| self.observer.successor("r1").map(str::to_owned)).flatten();
        let settled = |stage: &Self| {
            let alone = alone.as_deref().is_none_or(|name| stage.observer.alone(name));
            alone && stage.all_flow(flowing_since)
        };
        // A router cut off from the others rightly goes on advertising; only the time then ends the wait.
        self.follow(interval * 5 + AFTERMATH, settled);
        let left = (AFTERMATH + interval * 3 / 2).saturating_sub(Stamp::now().since(flowing_since));
        self.follow(left, |_| false);
        let end = Stamp::now();
        if self.active_is_hit()
            && !self.probes.is_empty()
            && !self.follow(SETTLE, |stage| stage.all_flow(end))
        {
            return Err(self.timeout("the probes do not flow again".to_owned(), end.since(fault) + SETTLE));
        }
        Ok(())
    }

    /// Works out the figures.
    fn account(
        &mut self,
        records: &[ProbeRecord],
        (fault, unheard): (Stamp, Option<Stamp>),
    ) -> Result<FailoverReport> {
        let takeover = if self.active_is_hit() {
            let old = self.lab.router(1)?.name();
            self.capture.look(0, |events| takeover(events, self.group.vrid, old, (fault, unheard)))
        } else {
            None
        };
        let mut hosts = Vec::new();
        for (host, record) in self.lab.hosts().iter().zip(records) {
            hosts.push(self.account_host(host, record, fault.before(LEAD))?);
        }
        if self.capture.dropped() > 0 {
            let what =
                format!("{} frames were not captured; the figures would be void", self.capture.dropped());
            return Err(LabError::Timeout { what, waited_ms: 0, detail: String::new() });
        }
        Ok(FailoverReport {
            protocol: "vrrp",
            family: match self.plan.family {
                Family::V4 => 4,
                Family::V6 => 6,
            },
            fault: self.plan.fault.to_string(),
            target: self.plan.target.to_string(),
            outage_ms: hosts.iter().map(|host| host.outage_ms).fold(0.0, f64::max),
            bound_ms: millis(self.bound(takeover)),
            takeover_ms: takeover.map(|takeover| millis(takeover.duration())),
            hosts,
        })
    }

    /// What the protocol allows the next in line.
    fn bound(&self, takeover: Option<Takeover>) -> Duration {
        let next = self.plan.group(2);
        match takeover {
            Some(Takeover { resigned: true, .. }) => next.skew_time(),
            Some(Takeover { resigned: false, .. }) | None => next.active_down_interval(),
        }
    }

    fn account_host(&mut self, host: &Node, record: &ProbeRecord, from: Stamp) -> Result<HostReport> {
        let to = record.sent.last().copied().unwrap_or(from);
        let (outage, begin) = record.longest_gap(from, to);
        if outage > NOTEWORTHY {
            let silent_us = u64::try_from(outage.as_micros()).unwrap_or(u64::MAX);
            let entry = TimelineEntry::Recovered { host: record.host.clone(), silent_us };
            (self.tell)(&LabEvent::Timeline { at: begin.after(outage), entry });
        }
        let router = self.lab.carrier_of(host, 0, self.gateway)?;
        Ok(HostReport {
            name: record.host.clone(),
            router: router.map(|router| router.to_string()),
            lost: record.lost(from, to),
            outage_ms: millis(outage),
        })
    }

    fn timeout(&self, what: String, waited: Duration) -> LabError {
        let detail = self.processes.iter().map(RouterProcess::log_tail).collect();
        LabError::Timeout { what, waited_ms: waited.as_millis(), detail }
    }
}
