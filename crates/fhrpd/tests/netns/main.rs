//! The daemon in network namespaces: what it does to hosts, to peers, and to the system it runs on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test program")]

mod failover;
mod hosts;
mod interop;
mod leftovers;

use std::time::Duration;

use fhrp_lab::{Capture, Daemon, GroupSpec, Lab, RouterProcess};

/// More than any wait should take.
const SOON: Duration = Duration::from_secs(15);

fn fhrpd() -> Daemon {
    Daemon::fhrpd(env!("CARGO_BIN_EXE_fhrpd"))
}

/// Waits until `router` has advertised `count` times since `mark`, other than to resign.
fn advertised(capture: &Capture, mark: usize, router: &str, count: usize) -> bool {
    let seen = capture.wait_for(mark, SOON, |events| (advertisements(events, router) >= count).then_some(()));
    seen.is_some()
}

fn advertisements(events: &[fhrp_lab::Event], router: &str) -> usize {
    let own = events.iter().filter(|event| &*event.node == router);
    own.filter_map(|event| event.kind.advertisement()).filter(|said| said.priority > 0).count()
}

/// Starts `r2`, which becomes Active, then `r1`, which takes over: so `r2` is known to listen as a Backup.
fn start_pair(lab: &Lab, capture: &Capture, daemons: [&Daemon; 2], group: &GroupSpec) -> [RouterProcess; 2] {
    let start = |number: u8, daemon: &Daemon, priority| {
        let group = GroupSpec { priority, ..group.clone() };
        let mark = capture.mark();
        let process = daemon.start(lab.router(number).unwrap(), &[group]).unwrap();
        assert!(advertised(capture, mark, &format!("r{number}"), 3), "r{number}{}", process.log_tail());
        process
    };
    let second = start(2, daemons[1], 150);
    let first = start(1, daemons[0], 200);
    [first, second]
}
