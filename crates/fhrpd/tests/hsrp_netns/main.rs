//! HSRP in network namespaces: what the daemon does to hosts, to other routers, to attackers, and to the system.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test program")]

mod attacks;
mod failover;
mod hosts;
mod leftovers;
mod redirects;
mod replay;
mod roles;

use std::time::Duration;

use fhrp_lab::{
    Capture, Daemon, Event, HsrpGroup, HsrpMessage, HsrpOpcode, HsrpVersion, Lab, Node, RouterProcess,
    SpeakerState, Stamp, testing::wait_for,
};
use fhrp_wire::Family;
use fhrpd::control;
use serde_json::Value;

/// More than any wait should take.
const SOON: Duration = Duration::from_secs(40);

/// Every version over every family that has it.
const VARIANTS: [(HsrpVersion, Family); 3] =
    [(HsrpVersion::V1, Family::V4), (HsrpVersion::V2, Family::V4), (HsrpVersion::V2, Family::V6)];

fn fhrpd() -> Daemon {
    Daemon::fhrpd(env!("CARGO_BIN_EXE_fhrpd"))
}

/// Starts `r1`, `r2`, … with the same groups but for the priorities, and waits until they have these states.
fn start(lab: &Lab, groups: &[HsrpGroup], priorities_and_states: &[(u8, &str)]) -> Vec<RouterProcess> {
    let routers = lab.routers().iter().zip(priorities_and_states);
    let processes: Vec<_> = routers
        .clone()
        .map(|(router, (priority, _))| {
            let with = |group: &HsrpGroup| HsrpGroup { priority: *priority, ..group.clone() };
            fhrpd().start(router, &groups.iter().map(with).collect::<Vec<_>>()).unwrap()
        })
        .collect();
    for (router, (_, state)) in routers {
        await_state(router, state, groups.len());
    }
    processes
}

/// An Active and a Standby router.
fn start_pair(lab: &Lab, groups: &[HsrpGroup]) -> [RouterProcess; 2] {
    let pair = start(lab, groups, &[(200, "active"), (150, "standby")]);
    pair.try_into().expect("there are two")
}

/// What an event says in a group.
fn said<'a>(event: &'a Event, group: &HsrpGroup) -> Option<&'a HsrpMessage> {
    let version = match group.version {
        HsrpVersion::V1 => 1,
        HsrpVersion::V2 => 2,
    };
    let wanted = (group.group, group.family(), version);
    event.kind.hsrp().filter(|said| (said.group, said.family, said.version) == wanted)
}

/// What `router` says in `group`.
fn words<'a>(
    events: &'a [Event],
    router: &'a str,
    group: &'a HsrpGroup,
) -> impl Iterator<Item = (&'a Event, &'a HsrpMessage)> {
    let own = events.iter().filter(move |event| &*event.node == router);
    own.filter_map(move |event| Some((event, said(event, group)?)))
}

/// Waits for a Hello of `router` in a state; gives when it came.
fn await_hello(
    capture: &Capture,
    mark: usize,
    router: &str,
    group: &HsrpGroup,
    state: SpeakerState,
) -> Stamp {
    let hello = |events: &[Event]| {
        let mut words = words(events, router, group);
        words
            .find(|(_, said)| (said.opcode, said.state) == (HsrpOpcode::Hello, state))
            .map(|(event, _)| event.at)
    };
    let found = capture.wait_for(mark, SOON, hello);
    found.unwrap_or_else(|| panic!("{router} never said {state:?} of {group:?}"))
}

/// The groups in what `fhrpd show --json` prints of the daemon in `router`, if one answers.
fn show(router: &Node) -> Option<Vec<Value>> {
    let answer = control::ask(&router.work_dir().join("fhrpd.sock"), "show").ok()?;
    Some(answer["groups"].as_array()?.clone())
}

/// A router's groups; the daemon runs.
fn groups_of(router: &Node) -> Vec<Value> {
    show(router).expect("the daemon answers")
}

/// Waits until so many groups, all that a router has, are in a state and its dataplane has followed.
fn await_state(router: &Node, wanted: &str, groups: usize) {
    wait_for(&format!("{}: {wanted} with its dataplane as wished", router.name()), || {
        let now = show(router)?;
        let settled = now.iter().filter(|group| group["state"] == wanted && group["programmed"] == true);
        (settled.count() == groups && now.len() == groups).then_some(())
    });
}
