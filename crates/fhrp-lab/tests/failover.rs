//! The scenario runner at work, with peers as both routers.
#![allow(clippy::unwrap_used, reason = "a test program")]

use std::{fs, path::Path, time::Duration};

use fhrp_lab::{
    Daemon, Failover, FailoverPlan, Fault, LabEvent, Protocol, RouterState, Target, TimelineEntry,
    VrrpVersion, World, run_failover, world,
};
use fhrp_wire::Family;

/// Runs a plan and keeps what it told.
fn run(world: World, plan: &FailoverPlan) -> (Failover, Vec<LabEvent>) {
    let mut told = Vec::new();
    let failover = run_failover(world, plan, |event| told.push(event.clone()));
    (failover.unwrap_or_else(|error| panic!("{error}")), told)
}

fn keepalived_pair() -> FailoverPlan {
    FailoverPlan::new(vec![Daemon::keepalived(), Daemon::keepalived()])
}

#[test]
fn keepalived_takes_over_from_a_killed_keepalived() {
    let Some(world) = world!(Keepalived) else { return };
    let pcap = "/run/lab.pcap";
    let (failover, told) =
        run(world, &FailoverPlan { hosts: 2, pcap: Some(pcap.into()), ..keepalived_pair() });
    let report = &failover.report;
    println!("{}", serde_json::to_string(report).unwrap());
    // Priority 150 at 100 ms: 300 ms + 106/256 of 100 ms.
    assert!((report.bound_ms - 341.406).abs() < 0.001, "{report:?}");
    let takeover = report.takeover_ms.unwrap();
    assert!((340.0..500.0).contains(&takeover), "{report:?}");
    // A dead keepalived's kernel goes on routing until the other router's frames move the virtual MAC.
    assert!(report.outage_ms < 300.0, "{report:?}");
    assert_eq!(report.hosts.len(), 2);
    for host in &report.hosts {
        assert_eq!(host.router.as_deref(), Some("r2"), "{report:?}");
    }
    let states = |router: &str| {
        let of = told.iter().filter_map(|event| {
            if let LabEvent::RouterState { router: of, state, .. } = event {
                (of == router).then_some(*state)
            } else {
                None
            }
        });
        of.collect::<Vec<_>>()
    };
    assert_eq!(states("r1").last(), Some(&RouterState::Down));
    assert_eq!(states("r2").last(), Some(&RouterState::Active));
    let has = |wanted: TimelineEntry| {
        told.iter()
            .any(|event| if let LabEvent::Timeline { entry, .. } = event { *entry == wanted } else { false })
    };
    assert!(has(TimelineEntry::Fault { fault: Fault::Kill, router: "r1".to_owned() }));
    assert!(has(TimelineEntry::Announced { router: "r2".to_owned() }));
    assert!(told.iter().any(|event| matches!(event, LabEvent::ProbeTick { .. })));
    failover.capture.save(Path::new(pcap)).unwrap();
    assert!(fs::metadata(pcap).unwrap().len() > 100_000, "it holds the probes");

    drop(failover);
    assert_eq!(fs::read_dir("/run/netns").unwrap().count(), 0);
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let processes: Vec<_> =
        processes.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok()).collect();
    assert_eq!(processes.len(), 1, "only this one: {processes:?}");
}

#[test]
fn a_stopped_router_resigns_and_the_bound_is_the_skew() {
    let Some(world) = world!(Keepalived) else { return };
    let plan = FailoverPlan { fault: Fault::Stop, family: Family::V6, ..keepalived_pair() };
    let (failover, _) = run(world, &plan);
    let report = &failover.report;
    println!("{}", serde_json::to_string(report).unwrap());
    assert_eq!((report.family, report.fault.as_str(), report.target.as_str()), (6, "stop", "active"));
    assert!((report.bound_ms - 41.406).abs() < 0.001, "{report:?}");
    assert!((40.0..200.0).contains(&report.takeover_ms.unwrap()), "{report:?}");
}

#[test]
fn cut_links_are_noticed_by_the_standby() {
    let Some(world) = world!(Keepalived) else { return };
    for fault in [Fault::Link, Fault::Silent] {
        let (failover, _) = run(world, &FailoverPlan { fault, ..keepalived_pair() });
        let report = &failover.report;
        println!("{}", serde_json::to_string(report).unwrap());
        assert!((300.0..600.0).contains(&report.takeover_ms.unwrap()), "{report:?}");
        assert_eq!(report.hosts[0].router.as_deref(), Some("r2"));
        if fault == Fault::Silent {
            // The switch goes on sending into the silent port until the other router speaks.
            assert!((150.0..600.0).contains(&report.outage_ms) && report.hosts[0].lost > 100, "{report:?}");
        }
    }
}

#[test]
fn a_fault_of_the_standby_disturbs_nobody() {
    let Some(world) = world!(Keepalived) else { return };
    let (failover, _) = run(world, &FailoverPlan { target: Target::Standby, ..keepalived_pair() });
    let report = &failover.report;
    assert_eq!((report.takeover_ms, report.hosts[0].lost), (None, 0), "{report:?}");
    assert_eq!(report.hosts[0].router.as_deref(), Some("r1"));
}

#[test]
fn a_router_alone_leaves_its_hosts_without_gateway() {
    let Some(world) = world!(Keepalived) else { return };
    let plan = FailoverPlan { fault: Fault::Link, ..FailoverPlan::new(vec![Daemon::keepalived()]) };
    let (failover, _) = run(world, &plan);
    let report = &failover.report;
    assert_eq!((report.takeover_ms, report.hosts[0].router.as_deref()), (None, None), "{report:?}");
    assert!(report.outage_ms > 500.0 && report.hosts[0].lost > 400, "{report:?}");
}

#[test]
fn frr_takes_over_from_keepalived() {
    let Some(world) = world!(Keepalived, Frr) else { return };
    let plan = FailoverPlan {
        protocol: Protocol::Vrrp {
            version: VrrpVersion::V3,
            advertisement_interval: Duration::from_millis(200),
        },
        ..FailoverPlan::new(vec![Daemon::keepalived(), Daemon::frr()])
    };
    let (failover, _) = run(world, &plan);
    let report = &failover.report;
    println!("{}", serde_json::to_string(report).unwrap());
    assert!((600.0..1500.0).contains(&report.takeover_ms.unwrap()), "{report:?}");
    assert_eq!(report.hosts[0].router.as_deref(), Some("r2"));
}
