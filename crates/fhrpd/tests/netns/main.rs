//! The daemon in network namespaces: what it does to hosts, to peers, and to the system it runs on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test program")]

mod addresses;
mod backup;
mod bad_frames;
mod blocked_log;
mod failover;
mod flood;
mod frames;
mod graceful;
mod hosts;
mod interop;
mod leftovers;

use std::{collections::BTreeMap, time::Duration};

use fhrp_lab::{Capture, Daemon, Event, Lab, Node, RouterProcess, VrrpGroup, testing::wait_for};
use fhrp_wire::Family;
use fhrpd::{control, report::Report};

/// More than any wait should take.
const SOON: Duration = Duration::from_secs(30);
/// Between two looks at something that tells nobody when it changes.
const LOOK: Duration = Duration::from_millis(10);

fn fhrpd() -> Daemon {
    Daemon::fhrpd(env!("CARGO_BIN_EXE_fhrpd"))
}

/// Waits until `router` has advertised `group` so often since `mark`, other than to resign.
fn advertised(capture: &Capture, mark: usize, router: &str, group: &VrrpGroup, count: usize) -> bool {
    let enough = |events: &[Event]| (advertisements(events, router, group).count() >= count).then_some(());
    capture.wait_for(mark, SOON, enough).is_some()
}

/// What `router` advertised for `group`, other than to resign.
fn advertisements<'a>(
    events: &'a [Event],
    router: &'a str,
    group: &VrrpGroup,
) -> impl Iterator<Item = &'a Event> {
    let (vrid, family) = (group.vrid, group.family());
    let own = events.iter().filter(move |event| &*event.node == router);
    own.filter(move |event| {
        let said = event.kind.advertisement();
        said.is_some_and(|said| (said.vrid, said.family) == (vrid, family) && said.priority > 0)
    })
}

/// Starts `r2`, which becomes Active for every group, then `r1`, which takes over: so `r2` is known to listen as a Backup.
fn start_pair(
    lab: &Lab,
    capture: &Capture,
    daemons: [&Daemon; 2],
    groups: &[VrrpGroup],
) -> [RouterProcess; 2] {
    let start = |number: u8, daemon: &Daemon, priority| {
        let groups: Vec<_> = groups.iter().map(|group| VrrpGroup { priority, ..group.clone() }).collect();
        let (mark, name) = (capture.mark(), format!("r{number}"));
        let process = daemon.start(lab.router(number).unwrap(), &groups).unwrap();
        for group in &groups {
            let heard = advertised(capture, mark, &name, group, 3);
            assert!(heard, "{name} never advertised {group:?}{}", process.log_tail());
        }
        process
    };
    let second = start(2, daemons[1], 150);
    let first = start(1, daemons[0], 200);
    [first, second]
}

/// What `fhrpd show --json` prints of the daemon in `router`, if one answers.
fn show(router: &Node) -> Option<Report> {
    let answer = control::ask(&router.work_dir().join("fhrpd.sock"), "show").ok()?;
    Some(serde_json::from_value(answer).unwrap())
}

/// Waits until so many groups, all that a router has, are in a state and its dataplane has followed.
fn await_state(router: &Node, wanted: &str, groups: usize) {
    wait_for(&format!("{wanted} with its dataplane as wished"), || {
        let groups_now = show(router)?.groups;
        let settled = groups_now.iter().filter(|group| group.state == wanted && group.programmed).count();
        (settled == groups && groups_now.len() == groups).then_some(())
    });
}

/// The state of the router's only group of a family.
fn state(router: &Node, family: Family) -> Option<String> {
    let number = match family {
        Family::V4 => 4,
        Family::V6 => 6,
    };
    show(router)?.groups.into_iter().find(|group| group.family == number).map(|group| group.state)
}

/// Every counter of a router's groups and interfaces, such as `group 4/1 looped` and `lan0 vrid-errors`.
fn counters(router: &Node) -> BTreeMap<String, u64> {
    let report = show(router).expect("the daemon answers");
    let mut all = BTreeMap::new();
    for group in report.groups {
        let whose = format!("group {}/{}", group.family, group.group);
        all.extend(group.counters.into_iter().map(|(name, count)| (format!("{whose} {name}"), count)));
    }
    for interface in report.interfaces {
        let whose = interface.interface;
        all.extend(interface.counters.into_iter().map(|(name, count)| (format!("{whose} {name}"), count)));
    }
    all
}

/// By how much each counter has grown, of those that have.
fn growth(before: &BTreeMap<String, u64>, after: &BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    let grown = after.iter().map(|(name, count)| (name.clone(), count - before.get(name).unwrap_or(&0)));
    grown.filter(|(_, by)| *by > 0).collect()
}
