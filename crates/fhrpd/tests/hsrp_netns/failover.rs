//! The Standby router takes over, not before the hold time is over and not long after; at once from one that resigns.

use std::time::Duration;

use fhrp_lab::{
    Capture, CaptureScope, FailoverPlan, FailoverReport, Fault, HsrpGroup, HsrpVersion, Lab, LabOptions,
    Node, Protocol, SpeakerState, World, millis, run_failover, world,
};
use fhrp_wire::Family;
use serde_json::json;

use crate::{VARIANTS, await_hello, await_state, fhrpd, groups_of, start, words};

/// How much later than the bound a takeover may be on a busy machine, in milliseconds.
const GRACE_MS: f64 = 1000.0;
/// What clocks and scheduling may make it seem early.
const EARLY: Duration = Duration::from_millis(2);
/// Stops, at most, until one is found in which the successor was quick to forward.
const ATTEMPTS: usize = 5;
/// Probes, one a millisecond, that a slow machine may lose while the successor opens.
const SLOW: u64 = 50;

fn fail_over(world: World, (version, family): (HsrpVersion, Family), fault: Fault) -> FailoverReport {
    let timers = HsrpGroup::new(version, family, 100).timers;
    let protocol = Protocol::Hsrp { version, timers };
    let plan = FailoverPlan { fault, family, protocol, ..FailoverPlan::new(vec![fhrpd(), fhrpd()]) };
    let failover = run_failover(world, &plan, |_| {}).unwrap_or_else(|error| panic!("{error}"));
    let report = failover.report;
    println!("{report:?}");
    let takeover = report.takeover_ms.unwrap();
    assert!(takeover + millis(EARLY) >= report.bound_ms, "{report:?}");
    assert!(takeover <= report.bound_ms + GRACE_MS, "{report:?}");
    assert!(report.outage_ms <= report.bound_ms + 2.0 * GRACE_MS, "{report:?}");
    assert_eq!(report.hosts[0].router.as_deref(), Some("r2"), "{report:?}");
    assert_eq!(failover.capture.dropped(), 0);
    report
}

/// After the hold time that the laboratory gives: 3 s in version 1, 750 ms in version 2.
fn after_the_hold_time(world: World, fault: Fault) {
    for ((version, family), hold_ms) in VARIANTS.into_iter().zip([3000.0, 750.0, 750.0]) {
        let report = fail_over(world, (version, family), fault);
        assert!((report.bound_ms - hold_ms).abs() < f64::EPSILON, "{report:?}");
    }
}

#[test]
fn from_a_killed_router() {
    let Some(world) = world!() else { return };
    after_the_hold_time(world, Fault::Kill);
}

#[test]
fn from_a_router_without_carrier() {
    let Some(world) = world!() else { return };
    after_the_hold_time(world, Fault::Link);
}

#[test]
fn from_a_router_that_is_not_heard() {
    let Some(world) = world!() else { return };
    after_the_hold_time(world, Fault::Silent);
}

#[test]
fn from_a_stopped_router_at_once_and_without_a_loss() {
    let Some(world) = world!() else { return };
    for variant in VARIANTS {
        let lost = (0..ATTEMPTS).map(|_| {
            let report = fail_over(world, variant, Fault::Stop);
            assert!(report.bound_ms.abs() < f64::EPSILON, "{report:?}");
            assert!(report.hosts[0].lost <= SLOW, "{report:?}");
            report.hosts[0].lost
        });
        assert!(lost.into_iter().any(|lost| lost == 0), "{variant:?}: there was no handover without a loss");
    }
}

/// Three routers of priorities 200, 150 and 100.
fn three(world: World) -> (Lab, Capture) {
    let lab = Lab::build(world, &LabOptions { routers: 3, hosts: 0, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    (lab, capture)
}

#[test]
fn with_three_routers_the_third_becomes_standby_and_steps_back() {
    let Some(world) = world!() else { return };
    let (lab, capture) = three(world);
    let groups = [Family::V4, Family::V6].map(|family| HsrpGroup::new(HsrpVersion::V2, family, 100));
    let mut processes = start(&lab, &groups, &[(200, "active"), (150, "standby"), (100, "listen")]);
    let [_, second, third] = lab.routers() else { unreachable!("there are three") };

    let mark = capture.mark();
    processes[0].kill();
    await_state(second, "active", groups.len());
    await_state(third, "standby", groups.len());
    for group in &groups {
        let active = await_hello(&capture, mark, "r2", group, SpeakerState::Active);
        let standby = await_hello(&capture, mark, "r3", group, SpeakerState::Standby);
        // It hears of the Standby role that is free, waits for others for a hold time, and speaks for another.
        assert!(standby.since(active) + EARLY >= group.timers.hold, "{:?}", standby.since(active));
    }

    // The best one returns: the Active router becomes the Standby, and the Standby listens again.
    let best = groups.clone().map(|group| HsrpGroup { priority: 200, ..group });
    let first = fhrpd().start(lab.router(1).unwrap(), &best).unwrap();
    for (router, state) in lab.routers().iter().zip(["active", "standby", "listen"]) {
        await_state(router, state, groups.len());
    }
    for report in groups_of(third) {
        let address = |router: &Node| match report["family"].as_u64() {
            Some(4) => router.lan_address(0, Family::V4),
            _ => router.link_local().into(),
        };
        let known = json!([report["active"], report["standby"]]);
        assert_eq!(known, json!([address(lab.router(1).unwrap()), address(second)]), "{report}");
    }
    drop(first);
}

#[test]
fn only_a_better_router_that_preempts_takes_the_role_from_a_live_one() {
    let Some(world) = world!() else { return };
    let (lab, capture) = three(world);
    let usual = HsrpGroup::new(HsrpVersion::V2, Family::V4, 150);
    let [first, second, third] = lab.routers() else { unreachable!("there are three") };
    let run = |router, priority, preempt| {
        fhrpd().start(router, &[HsrpGroup { priority, preempt, ..usual.clone() }]).unwrap()
    };
    let mut middle = run(second, 150, true);
    await_state(second, "active", 1);

    // The best one does not preempt: it stands by.
    let mark = capture.mark();
    let best = run(first, 200, false);
    await_state(first, "standby", 1);
    // The least one does, but is not better.
    let least = run(third, 100, true);
    await_hello(&capture, capture.mark(), "r1", &usual, SpeakerState::Standby);
    assert_eq!(groups_of(third)[0]["state"], "listen");
    let coups = |events: &[_]| {
        let all = ["r1", "r3"].map(|router| {
            let words = words(events, router, &usual);
            words.filter(|(_, said)| said.opcode == fhrp_lab::HsrpOpcode::Coup).count()
        });
        all.into_iter().sum::<usize>()
    };
    assert_eq!(capture.look(mark, coups), 0);
    assert_eq!(groups_of(second)[0]["state"], "active");

    // It takes over from a dead one nevertheless, and keeps the role when that one returns.
    middle.kill();
    await_state(first, "active", 1);
    await_state(third, "standby", 1);
    let mark = capture.mark();
    let _middle = run(second, 150, true);
    await_state(second, "standby", 1);
    await_state(third, "listen", 1);
    assert_eq!(capture.look(mark, coups), 0);
    drop((best, least));
}

/// A hold time that others say takes the place of the own one.
#[test]
fn after_the_hold_time_of_the_dead_router() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let slow = fhrp_lab::Timers { hello: Duration::from_millis(500), hold: Duration::from_millis(2000) };
    let group =
        |priority, timers| HsrpGroup { timers, ..HsrpGroup::new(HsrpVersion::V2, Family::V4, priority) };
    let mut first = fhrpd().start(lab.router(1).unwrap(), &[group(200, slow)]).unwrap();
    await_state(lab.router(1).unwrap(), "active", 1);
    let own = group(150, fhrp_lab::Timers::QUICK);
    let _second = fhrpd().start(lab.router(2).unwrap(), std::slice::from_ref(&own)).unwrap();
    await_state(lab.router(2).unwrap(), "standby", 1);
    let (report, mark) = (groups_of(lab.router(2).unwrap()).remove(0), capture.mark());
    let times = ["hello_time_ms", "hold_time_ms", "configured_hold_time_ms"].map(|name| report[name].clone());
    assert_eq!(times, [500.0, 2000.0, 750.0], "{report}");
    let last = await_hello(&capture, mark, "r1", &own, SpeakerState::Active);
    first.kill();
    let last = capture
        .look(mark, |events| words(events, "r1", &own).map(|(event, _)| event.at).last().unwrap_or(last));
    let took = await_hello(&capture, mark, "r2", &own, SpeakerState::Active).since(last);
    assert!((1998..3000).contains(&took.as_millis()), "{took:?}");
}
