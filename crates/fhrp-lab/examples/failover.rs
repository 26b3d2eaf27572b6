//! Two keepalived routers, one killed: `cargo run -p fhrp-lab --example failover [kill|stop|link|silent]`.
//!
//! Needs keepalived, but no root where user namespaces are allowed. With `--keep` as the last argument the
//! laboratory stays until its standard input ends.

use std::{env, error::Error, io, process};

use fhrp_lab::{Daemon, Entry, FailoverPlan, Fault, LabEvent, run_failover};

fn main() -> Result<(), Box<dyn Error>> {
    let world = match fhrp_lab::world::enter()? {
        Entry::Inside(world) => world,
        Entry::Ended(status) => process::exit(status.code().unwrap_or(1)),
    };
    let mut plan = FailoverPlan::new(vec![Daemon::keepalived(), Daemon::keepalived()]);
    let wanted = env::args().nth(1).unwrap_or_default();
    plan.fault = Fault::ALL.into_iter().find(|fault| fault.to_string() == wanted).unwrap_or(Fault::Kill);
    let failover = run_failover(world, &plan, |event| {
        if let LabEvent::Timeline { at, entry } = event {
            eprintln!("{at} {entry}");
        }
    })?;
    println!("{}", serde_json::to_string(&failover.report)?);
    if env::args().next_back().as_deref() == Some("--keep") {
        failover.lab.hints().iter().for_each(|hint| eprintln!("{hint}"));
        io::copy(&mut io::stdin(), &mut io::sink())?;
    }
    Ok(())
}
