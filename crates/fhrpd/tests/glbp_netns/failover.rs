//! What hosts lose, and what they do not notice, when a router dies or is stopped.

use std::{thread, time::Duration};

use fhrp_lab::{GlbpGroup, LabOptions, Node, Probe, ProbeRecord, Stamp, World, world};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, Stage};

const PERIOD: Duration = Duration::from_millis(5);
/// Beyond the hold time, for hosts of a router that died.
const RECOVERY: Duration = Duration::from_secs(1);
/// The longest that anybody waits when a router is stopped.
const UNNOTICED: Duration = Duration::from_millis(50);
/// Where hosts could not send, or those of other routers waited, for so long, the machine had no time for them.
const STALL: Duration = Duration::from_millis(20);
/// Laboratories, at most, until the machine did not stall.
const ATTEMPTS: usize = 5;
/// Probes of each host that are waited for.
const FLOWING: usize = 40;

/// Eight hosts that send through three routers.
struct Flows {
    stage: Stage,
    probes: Vec<Probe>,
    told: Vec<MacAddr>,
}

/// What became of one host's probes.
struct Outcome {
    host: String,
    /// Whether it used the router that went.
    concerned: bool,
    lost: u64,
    gap: Duration,
    /// The longest time in which it sent nothing.
    stall: Duration,
}

impl Flows {
    fn start(world: World, family: Family) -> Self {
        let options = LabOptions { routers: 3, hosts: 8, ..LabOptions::default() };
        let stage = Stage::build(world, &options, &GlbpGroup::new(family, 100));
        stage.lab.use_gateway(stage.address(), 0).unwrap();
        let told = stage.resolve_all(stage.lab.hosts().iter());
        let start = |host: &Node| Probe::start(&stage.lab, host, family, PERIOD).unwrap();
        let probes: Vec<_> = stage.lab.hosts().iter().map(start).collect();
        let this = Self { probes, told, stage };
        this.await_flowing();
        this
    }

    fn await_flowing(&self) {
        let begin = Stamp::now();
        for probe in &self.probes {
            assert!(probe.wait_flowing(begin, FLOWING, SOON), "{} is cut off", probe.host());
        }
    }

    /// Has a router go, and gives what the hosts noticed until somebody else serves its forwarder and all is well.
    fn lose(mut self, router: &str, go: impl FnOnce(&mut Stage)) -> Vec<Outcome> {
        let owners = self.stage.owners();
        let mac = *owners.iter().find(|(_, owner)| *owner == router).unwrap().0;
        let forwarder = mac.octets()[5];
        let (mark, begin) = (self.stage.capture.mark(), Stamp::now());
        go(&mut self.stage);
        let (successor, at) = self.stage.await_server(mark, forwarder, router);
        println!("{successor} serves forwarder {forwarder} after {:?}", at.since(begin));
        self.await_flowing();
        let end = Stamp::now();
        thread::sleep(PERIOD * 20);
        assert_eq!(self.stage.beliefs(), self.told, "a neighbour entry has changed");
        let (probes, told) = (self.probes, self.told);
        let outcome = |(probe, believed): (Probe, MacAddr)| {
            let record = probe.finish();
            Outcome::of(&record, believed == mac, (begin, end))
        };
        let outcomes: Vec<_> = probes.into_iter().zip(told).map(outcome).collect();
        let concerned = outcomes.iter().filter(|outcome| outcome.concerned).count();
        assert!((2..=3).contains(&concerned), "{concerned} of 8 hosts used one of three routers");
        outcomes
    }
}

impl Outcome {
    /// Whether only the router that went can have made the host wait.
    fn steady(&self) -> bool {
        self.stall < STALL && (self.concerned || self.gap < STALL)
    }

    fn of(record: &ProbeRecord, concerned: bool, (begin, end): (Stamp, Stamp)) -> Self {
        let outcome = Self {
            host: record.host.clone(),
            concerned,
            lost: record.lost(begin, end),
            gap: record.outage(begin, end).lasted,
            stall: record.sender_gap(begin, end),
        };
        let Self { host, lost, gap, stall, .. } = &outcome;
        let concerned = if concerned { " (concerned)" } else { "" };
        println!("{host}{concerned}: {lost} lost, {gap:?} without, sent nothing for {stall:?}");
        outcome
    }
}

/// Has a router of each new laboratory go until the machine did not stall, so that something can be said of time.
fn steadily(world: World, family: Family, router: usize, go: impl Fn(&mut Stage, usize)) -> Vec<Outcome> {
    for _ in 0..ATTEMPTS {
        let flows = Flows::start(world, family);
        let outcomes = flows.lose(&format!("r{router}"), |stage| go(stage, router - 1));
        for Outcome { host, lost, .. } in outcomes.iter().filter(|outcome| !outcome.concerned) {
            assert_eq!(*lost, 0, "{host} did not use r{router}");
        }
        if outcomes.iter().all(Outcome::steady) {
            return outcomes;
        }
    }
    panic!("hosts that do not use r{router} waited each time, or could not send");
}

/// Nobody but the dead router's hosts notices; they are served again after the hold time, by the same MAC.
fn dies(world: World, family: Family, router: usize) {
    let outcomes = steadily(world, family, router, |stage, place| {
        // Its kernel would go on forwarding without a daemon.
        stage.lab.silence(&stage.lab.routers()[place], 0).unwrap();
        stage.processes[place].kill();
    });
    let longest = GlbpGroup::new(family, 100).timers.hold + RECOVERY;
    for Outcome { host, lost, gap, .. } in outcomes.iter().filter(|outcome| outcome.concerned) {
        assert!(*lost > 0 && *gap <= longest, "{host} waited for {gap:?}, {lost} lost");
    }
}

#[test]
fn the_avg_dies() {
    let Some(world) = world!() else { return };
    dies(world, Family::V4, 1);
}

#[test]
fn the_avg_dies_over_ipv6() {
    let Some(world) = world!() else { return };
    dies(world, Family::V6, 1);
}

#[test]
fn an_avf_dies() {
    let Some(world) = world!() else { return };
    dies(world, Family::V4, 3);
}

#[test]
fn an_avf_dies_over_ipv6() {
    let Some(world) = world!() else { return };
    dies(world, Family::V6, 3);
}

/// Nobody notices.
fn are_stopped(world: World, family: Family, routers: [usize; 2]) {
    for router in routers {
        let outcomes = steadily(world, family, router, |stage, place| stage.processes[place].stop());
        for Outcome { host, lost, gap, .. } in outcomes {
            assert!(gap <= UNNOTICED, "{host} waited for {gap:?} while r{router} stopped, {lost} lost");
        }
    }
}

#[test]
fn the_avg_or_an_avf_is_stopped() {
    let Some(world) = world!() else { return };
    are_stopped(world, Family::V4, [1, 3]);
}

#[test]
fn the_avg_or_an_avf_is_stopped_over_ipv6() {
    let Some(world) = world!() else { return };
    are_stopped(world, Family::V6, [1, 3]);
}
