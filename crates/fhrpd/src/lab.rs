//! `fhrpd lab`: routers and hosts in namespaces, a fault, and what it cost. A thin face of the crate `fhrp-lab`.

mod view;

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use fhrp::Family;
use fhrp_lab::{
    Daemon, Entry, Failover, FailoverPlan, FailoverReport, Fault, LabError, PeerSide, Target, VrrpVersion,
    World, run_failover, world,
};

use view::View;

/// The arguments of `fhrpd lab`.
#[derive(Clone, Debug, Args)]
pub struct LabArgs {
    /// The protocol.
    #[arg(value_enum, default_value_t)]
    protocol: LabProtocol,
    /// How many routers; r1 has the best priority.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    routers: u8,
    /// How many hosts; each sends a probe a millisecond through the gateway.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    hosts: u8,
    /// The address family.
    #[arg(long, value_name = "4|6", default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=6))]
    family: u8,
    /// The protocol's version.
    #[arg(long = "protocol-version", value_name = "2|3", default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=3))]
    protocol_version: u8,
    /// The advertisement interval.
    #[arg(long, value_name = "DURATION", default_value = "100ms", value_parser = humantime::parse_duration)]
    advert: Duration,
    /// What breaks: the daemon is killed, or stopped in good order; the link loses carrier, or only goes silent.
    #[arg(long, value_enum, default_value_t)]
    fault: LabFault,
    /// Whom it hits: active, standby, or a router such as r2.
    #[arg(long, value_name = "ROUTER", default_value = "active")]
    target: Target,
    /// Put another implementation on the other side: it takes over from fhrpd.
    #[arg(long, value_enum)]
    peer: Option<LabPeer>,
    /// The peer begins as Active, and fhrpd takes over from it.
    #[arg(long, requires = "peer")]
    peer_active: bool,
    /// Print one JSON object as the last line on stdout; everything else goes to stderr.
    #[arg(long)]
    json: bool,
    /// Save what was on the LAN, probes included.
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// Leave everything running afterwards, to look around in.
    #[arg(long)]
    keep: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LabProtocol {
    /// The Virtual Router Redundancy Protocol.
    #[default]
    Vrrp,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LabFault {
    /// The daemon dies at once, without a word.
    #[default]
    Kill,
    /// The daemon is asked to stop and resigns.
    Stop,
    /// The LAN link loses carrier.
    Link,
    /// The switch port stops forwarding; carrier stays.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LabPeer {
    /// keepalived, as Debian installs it.
    Keepalived,
    /// FRR's vrrpd, as Debian installs it.
    Frr,
}

/// Runs the laboratory. Starts this program a second time, within namespaces of its own.
#[must_use]
pub fn run(args: &LabArgs) -> ExitCode {
    let plan = match plan(args) {
        Ok(plan) => plan,
        Err(why) => {
            eprintln!("fhrpd lab: {why}");
            return ExitCode::from(2);
        }
    };
    let outcome = match world::enter() {
        Ok(Entry::Ended(status)) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return ExitCode::from(code.unwrap_or(1));
        }
        Ok(Entry::Inside(world)) => fail_over(world, &plan, args),
        Err(error) => Err(error),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fhrpd lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn plan(args: &LabArgs) -> Result<FailoverPlan, String> {
    let LabProtocol::Vrrp = args.protocol;
    let binary = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let side = if args.peer_active { PeerSide::Active } else { PeerSide::Backup };
    let peer = args.peer.map(|peer| match peer {
        LabPeer::Keepalived => (Daemon::keepalived(), side),
        LabPeer::Frr => (Daemon::frr(), side),
    });
    let mut plan = FailoverPlan::new(FailoverPlan::line_up(args.routers, Daemon::fhrpd(binary), peer));
    plan.hosts = args.hosts;
    plan.family = match args.family {
        4 => Family::V4,
        6 => Family::V6,
        other => return Err(format!("there is no IP version {other}; use --family 4 or --family 6")),
    };
    plan.version = if args.protocol_version == 2 { VrrpVersion::V2 } else { VrrpVersion::V3 };
    plan.advertisement_interval = args.advert;
    plan.fault = match args.fault {
        LabFault::Kill => Fault::Kill,
        LabFault::Stop => Fault::Stop,
        LabFault::Link => Fault::Link,
        LabFault::Silent => Fault::Silent,
    };
    plan.target = args.target;
    plan.pcap =
        args.pcap.as_deref().map(std::path::absolute).transpose().map_err(|error| error.to_string())?;
    check(&plan).map(|()| plan)
}

/// What would only be found out after the topology stands.
fn check(plan: &FailoverPlan) -> Result<(), String> {
    if usize::from(plan.target_number()) > plan.routers.len() {
        return Err(format!("--target {}: there are only {} routers", plan.target, plan.routers.len()));
    }
    for (number, daemon) in (1..).zip(&plan.routers) {
        if let Some(why) = daemon.unsupported(&plan.group(number)) {
            return Err(format!("{} cannot do that: {why}", daemon.name()));
        }
    }
    Ok(())
}

fn fail_over(world: World, plan: &FailoverPlan, args: &LabArgs) -> Result<(), LabError> {
    let mut view = if args.json { View::on_stderr(plan) } else { View::on_stdout(plan) };
    let outcome = run_failover(world, plan, |event| view.tell(event));
    view.finish();
    let failover = outcome?;
    let summary = summary(plan, &failover.report);
    if args.json {
        eprint!("{summary}");
        println!("{}", serde_json::to_string(&failover.report).unwrap_or_default());
    } else {
        print!("{summary}");
    }
    if args.keep {
        keep(world, plan, &failover);
    }
    Ok(())
}

/// What a reader wants to know in the end.
fn summary(plan: &FailoverPlan, report: &FailoverReport) -> String {
    let mut out = format!(
        "\n{} hit {}: VRRP over IPv{}, advertisements every {:?}\n",
        report.fault, report.target, report.family, plan.advertisement_interval
    );
    let _ = match report.takeover_ms {
        Some(takeover) => {
            writeln!(
                out,
                "  takeover  {takeover:>9.3} ms   (the protocol's bound: {:.3} ms)",
                report.bound_ms
            )
        }
        None => writeln!(out, "  takeover         none   (the Active router was not hit)"),
    };
    let _ = writeln!(out, "  outage    {:>9.3} ms", report.outage_ms);
    if plan.fault == Fault::Kill
        && report.takeover_ms.is_some_and(|takeover| report.outage_ms < takeover / 2.0)
    {
        out.push_str(
            "            (its kernel went on forwarding until the takeover; try --fault link or silent)\n",
        );
    }
    for host in &report.hosts {
        let through =
            host.router.as_deref().map_or_else(|| "nobody".to_owned(), |router| format!("through {router}"));
        let _ = writeln!(
            out,
            "  {:<8}  {:>9.3} ms   {} probes lost, now {through}",
            host.name, host.outage_ms, host.lost
        );
    }
    if let Some(path) = &plan.pcap {
        let _ = writeln!(out, "  capture   {}", path.display());
    }
    out
}

/// Waits for Enter, or for ever where nobody can type.
fn keep(world: World, plan: &FailoverPlan, failover: &Failover) {
    eprintln!("\nThe laboratory is still there. From another terminal:");
    for hint in failover.lab.hints().into_iter().chain(show_hint(world, plan, failover)) {
        eprintln!("  {hint}");
    }
    if io::stdin().is_terminal() {
        eprintln!("Press Enter to end it.");
        let _ = io::stdin().read(&mut [0]);
        return;
    }
    eprintln!("End it with SIGTERM or Ctrl-C.");
    loop {
        std::thread::park();
    }
}

/// How to ask a daemon of ours that the fault did not hit.
fn show_hint(world: World, plan: &FailoverPlan, failover: &Failover) -> Option<String> {
    let mut routers = failover.lab.routers().iter().zip(&plan.routers);
    let (router, daemon) = routers.find(|(router, daemon)| {
        matches!(daemon, Daemon::Fhrpd { .. }) && router.number() != plan.target_number()
    })?;
    let program = std::env::current_exe().ok()?;
    let (enter, program) = (world.entering_command(), program.display());
    let file = daemon.configuration_path(router);
    Some(format!("{enter} ip netns exec {} {program} show --config {}", router.name(), file.display()))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use fhrp_lab::HostReport;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: LabArgs,
    }

    fn planned(line: &str) -> Result<FailoverPlan, String> {
        let words = std::iter::once("lab").chain(line.split_whitespace());
        plan(&Line::try_parse_from(words).map_err(|error| error.to_string())?.args)
    }

    #[test]
    fn the_command_line_becomes_a_plan() {
        let usual = planned("").unwrap();
        assert_eq!((usual.routers.len(), usual.hosts, usual.fault), (2, 1, Fault::Kill));
        assert_eq!(usual.advertisement_interval, Duration::from_millis(100));
        let line =
            "--peer keepalived --peer-active --family 6 --advert 10ms --fault silent --target r1 --routers 3";
        let other = planned(line).unwrap();
        let names: Vec<&str> = other.routers.iter().map(Daemon::name).collect();
        assert_eq!(names, ["keepalived", "fhrpd", "fhrpd"]);
        assert_eq!((other.family, other.fault, other.target), (Family::V6, Fault::Silent, Target::Router(1)));
    }

    #[test]
    fn what_cannot_be_is_said_before_anything_is_built() {
        assert!(planned("--target r3").unwrap_err().contains("only 2 routers"));
        assert!(planned("--family 5").unwrap_err().contains("no IP version 5"));
        assert!(planned("--protocol-version 2").unwrap_err().contains("whole seconds"));
        assert!(planned("hsrp").unwrap_err().contains("possible values: vrrp"));
        assert!(planned("--peer-active").is_err());
    }

    #[test]
    fn the_summary_names_bound_and_hosts() {
        let host =
            HostReport { name: "h1".to_owned(), router: Some("r2".to_owned()), lost: 345, outage_ms: 345.2 };
        let report = FailoverReport {
            protocol: "vrrp",
            family: 4,
            fault: "kill".to_owned(),
            target: "active".to_owned(),
            outage_ms: 345.2,
            bound_ms: 341.406,
            takeover_ms: Some(341.6),
            hosts: vec![host],
        };
        let text = summary(&planned("").unwrap(), &report);
        assert_eq!(
            text,
            "\nkill hit active: VRRP over IPv4, advertisements every 100ms\n\
             \u{20} takeover    341.600 ms   (the protocol's bound: 341.406 ms)\n\
             \u{20} outage      345.200 ms\n\
             \u{20} h1          345.200 ms   345 probes lost, now through r2\n"
        );
    }
}
