//! The other router takes over, not before the protocol allows it and not long after.

use fhrp_lab::{FailoverPlan, Fault, World, run_failover, world};
use fhrp_wire::Family;

use crate::fhrpd;

/// How much later than the bound a takeover may be on a busy machine, in milliseconds.
const GRACE_MS: f64 = 1000.0;

fn takes_over(world: World, fault: Fault) {
    for family in [Family::V4, Family::V6] {
        let plan = FailoverPlan { fault, family, ..FailoverPlan::new(vec![fhrpd(), fhrpd()]) };
        let failover = run_failover(world, &plan, |_| {}).unwrap_or_else(|error| panic!("{error}"));
        let report = &failover.report;
        println!("{report:?}");
        let takeover = report.takeover_ms.unwrap();
        assert!(takeover >= report.bound_ms - 2.0, "{report:?}");
        assert!(takeover <= report.bound_ms + GRACE_MS, "{report:?}");
        assert!(report.outage_ms <= report.bound_ms + 2.0 * GRACE_MS, "{report:?}");
        assert_eq!(report.hosts[0].router.as_deref(), Some("r2"), "{report:?}");
        assert_eq!(failover.capture.dropped(), 0);
    }
}

#[test]
fn from_a_killed_router() {
    let Some(world) = world!() else { return };
    takes_over(world, Fault::Kill);
}

#[test]
fn from_a_stopped_router() {
    let Some(world) = world!() else { return };
    takes_over(world, Fault::Stop);
}

#[test]
fn from_a_router_without_carrier() {
    let Some(world) = world!() else { return };
    takes_over(world, Fault::Link);
}

#[test]
fn from_a_router_that_is_not_heard() {
    let Some(world) = world!() else { return };
    takes_over(world, Fault::Silent);
}
