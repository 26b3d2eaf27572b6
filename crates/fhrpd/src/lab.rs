//! `fhrpd lab`: routers and hosts in namespaces, a fault, and what it cost. A thin face of the crate `fhrp-lab`.

mod view;

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use fhrp::Family;
use fhrp_lab::{
    Daemon, Entry, Failover, FailoverPlan, FailoverReport, Fault, HostReport, HsrpVersion, LabError,
    LoadBalancing, PeerSide, Protocol, Target, Timers, VrrpVersion, World, run_failover, world,
};
use serde::Serialize;

use view::View;

use crate::config::{self, Config, Severity};
use crate::output::{self, Lost};

/// The JSON objects that `--json` prints.
const JSON_HELP: &str = "\
The last line of --json is one object:
  {protocol, version, family, fault, target, hit, outage_ms, bound_ms, takeover_ms,
   hosts: [{name, router_before, router, mac_before, mac, lost, outage_ms,
            sender_gap_ms}]}
An outage is the longest silence at the upstream host. What the sending host itself was
silent of it at either end, for want of a processor, does not count; sender_gap_ms is the
longest time in which it sent nothing. takeover_ms is null if nothing had to be taken over. GLBP adds
  routers: [{name, forwarders_before, forwarders, octets_before, octets}]
and without --target runs three times, against avg, avf and both. The object is then
  {protocol, family, fault, outage_ms, bound_ms, takeover_ms, hosts, acts: [three objects]}
with the figures and hosts of the one with the longest outage.";

/// A pause of a host that sends each millisecond, in milliseconds, that is worth a word.
const STALL_MS: f64 = 50.0;

/// The arguments of `fhrpd lab`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = JSON_HELP, disable_version_flag = true)]
pub struct LabArgs {
    /// The protocol.
    #[arg(value_enum, default_value_t)]
    protocol: LabProtocol,
    /// How many routers; r1 has the best priority [default: 2; GLBP: 4].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    routers: Option<u8>,
    /// How many hosts; each sends a probe a millisecond through the gateway [default: 1; GLBP: 8].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    hosts: Option<u8>,
    /// The address family.
    #[arg(long, value_name = "4|6", default_value_t = 4, value_parser = clap::value_parser!(u8).range(4..=6))]
    family: u8,
    /// The protocol's version: of VRRP 2 or 3 (default), of HSRP 1 or 2 (default).
    #[arg(long = "version", value_name = "N", alias = "protocol-version", value_parser = clap::value_parser!(u8).range(1..=3))]
    protocol_version: Option<u8>,
    /// VRRP: the advertisement interval [default: 100ms; version 2: 1s].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    advert: Option<Duration>,
    /// HSRP and GLBP: the hello time [default: 250ms; HSRP version 1: 1s].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    hello: Option<Duration>,
    /// HSRP and GLBP: the hold time [default: three times the hello time].
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    hold: Option<Duration>,
    /// GLBP: how hosts are spread over the routers [default: round-robin].
    #[arg(long, value_enum)]
    load_balancing: Option<LabBalancing>,
    /// What breaks: the daemon is killed, or stopped in good order; the link loses carrier, or only goes silent.
    #[arg(long, value_enum, default_value_t)]
    fault: LabFault,
    /// Whom it hits: active, standby, or a router such as r2; in GLBP also avg, avf or both [default: active; GLBP:
    /// avg, then avf, then both].
    #[arg(long, value_name = "ROUTER")]
    target: Option<Target>,
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
    /// Cisco's Hot Standby Router Protocol.
    Hsrp,
    /// Cisco's Gateway Load Balancing Protocol.
    Glbp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LabBalancing {
    /// Each new host gets the next router.
    RoundRobin,
    /// In proportion to the routers' weights.
    Weighted,
    /// By the host's MAC address alone.
    HostDependent,
    /// All hosts use the Active router.
    None,
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
    let made = plans(args)
        .and_then(|plans| Ok((plans, args.pcap.as_deref().map(CaptureFile::reserve).transpose()?)));
    let (plans, _capture) = match made {
        Ok(made) => made,
        Err(why) => return fail(&why, 2),
    };
    let outcome = match world::enter() {
        Ok(Entry::Ended(status)) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok());
            return ExitCode::from(code.unwrap_or(1));
        }
        Ok(Entry::Inside(world)) => play(world, &plans, args),
        Err(error) => Err(error.into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => fail(&trouble, 1),
    }
}

fn fail(why: &dyn std::fmt::Display, code: u8) -> ExitCode {
    output::complain(&format!("fhrpd lab: {why}\n"));
    ExitCode::from(code)
}

/// Why there is no result, or nobody has it.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Lab(#[from] LabError),
    #[error(transparent)]
    Lost(#[from] Lost),
}

/// What to run, one after another, each from the start.
fn plans(args: &LabArgs) -> Result<Vec<FailoverPlan>, String> {
    let acts = match (args.target, args.protocol) {
        (Some(target), _) => vec![target],
        (None, LabProtocol::Vrrp | LabProtocol::Hsrp) => vec![Target::Active],
        (None, LabProtocol::Glbp) => vec![Target::Avg, Target::Avf, Target::Both],
    };
    let mut plan = plan(args)?;
    let mut plans = Vec::new();
    for target in acts {
        plan.target = target;
        plan.check().map_err(|error| error.to_string())?;
        check_configurations(&plan)?;
        plans.push(plan.clone());
    }
    Ok(plans)
}

/// What a daemon of ours would refuse is refused before anything is built.
fn check_configurations(plan: &FailoverPlan) -> Result<(), String> {
    for (number, daemon) in (1..).zip(&plan.routers) {
        if !matches!(daemon, Daemon::Fhrpd { .. }) {
            continue;
        }
        let text = daemon.configuration(&[plan.group(number)], Path::new("/run"));
        let problems = Config::parse(&text).err().unwrap_or_default();
        if let Some(error) = problems.iter().find(|problem| problem.severity == Severity::Error) {
            return Err(format!("{}; {}", error.title, error.remedy));
        }
    }
    Ok(())
}

/// The file that the capture is saved to at the end. If nothing was, there is no file more than before.
struct CaptureFile<'a> {
    path: &'a Path,
    is_new: bool,
}

impl<'a> CaptureFile<'a> {
    /// Makes sure before the run that the file can be written.
    fn reserve(path: &'a Path) -> Result<Self, String> {
        let is_new = !path.exists();
        let why = |error| format!("cannot write {}: {}", path.display(), config::reason(&error));
        File::options().append(true).create(true).open(path).map_err(why)?;
        Ok(Self { path, is_new })
    }
}

impl Drop for CaptureFile<'_> {
    fn drop(&mut self) {
        let is_empty = self.path.metadata().is_ok_and(|file| file.is_file() && file.len() == 0);
        if self.is_new && is_empty {
            // If it cannot be removed it stays, empty.
            let _ = std::fs::remove_file(self.path);
        }
    }
}

fn plan(args: &LabArgs) -> Result<FailoverPlan, String> {
    let (routers, hosts) = match args.protocol {
        LabProtocol::Vrrp | LabProtocol::Hsrp => (2, 1),
        LabProtocol::Glbp => (4, 8),
    };
    let binary = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
    let side = if args.peer_active { PeerSide::Active } else { PeerSide::Backup };
    let peer = args.peer.map(|peer| match peer {
        LabPeer::Keepalived => (Daemon::keepalived(), side),
        LabPeer::Frr => (Daemon::frr(), side),
    });
    let routers = args.routers.unwrap_or(routers);
    let mut plan = FailoverPlan::new(FailoverPlan::line_up(routers, Daemon::fhrpd(binary), peer));
    plan.hosts = args.hosts.unwrap_or(hosts);
    plan.family = match args.family {
        4 => Family::V4,
        6 => Family::V6,
        other => return Err(format!("there is no IP version {other}; use --family 4 or --family 6")),
    };
    plan.protocol = protocol(args)?;
    plan.fault = match args.fault {
        LabFault::Kill => Fault::Kill,
        LabFault::Stop => Fault::Stop,
        LabFault::Link => Fault::Link,
        LabFault::Silent => Fault::Silent,
    };
    plan.pcap =
        args.pcap.as_deref().map(std::path::absolute).transpose().map_err(|error| error.to_string())?;
    Ok(plan)
}

/// The protocol with its version and times; what belongs to another protocol is refused.
fn protocol(args: &LabArgs) -> Result<Protocol, String> {
    let of_vrrp = [("--advert", args.advert.is_some())];
    let of_cisco = [("--hello", args.hello.is_some()), ("--hold", args.hold.is_some())];
    let of_glbp = [("--load-balancing", args.load_balancing.is_some())];
    match args.protocol {
        LabProtocol::Vrrp => {
            absent("VRRP", of_cisco.into_iter().chain(of_glbp))?;
            let version = match args.protocol_version {
                Some(2) => VrrpVersion::V2,
                None | Some(3) => VrrpVersion::V3,
                Some(other) => return Err(format!("there is no VRRP version {other} here; use 2 or 3")),
            };
            let usual = match version {
                VrrpVersion::V2 if args.family == 6 => {
                    return Err("VRRP version 2 is IPv4 only; use --family 4 or --version 3".to_owned());
                }
                VrrpVersion::V2 => Duration::from_secs(1),
                VrrpVersion::V3 => Duration::from_millis(100),
            };
            let advertisement_interval = args.advert.unwrap_or(usual);
            Ok(Protocol::Vrrp { version, advertisement_interval })
        }
        LabProtocol::Hsrp => {
            absent("HSRP", of_vrrp.into_iter().chain(of_glbp))?;
            let (version, usual) = match args.protocol_version {
                Some(1) => (HsrpVersion::V1, Timers::WHOLE_SECONDS),
                None | Some(2) => (HsrpVersion::V2, Timers::QUICK),
                Some(other) => return Err(format!("there is no HSRP version {other}; use 1 or 2")),
            };
            Ok(Protocol::Hsrp { version, timers: timers(args, usual) })
        }
        LabProtocol::Glbp => {
            let version = [("--version", args.protocol_version.is_some())];
            absent("GLBP", of_vrrp.into_iter().chain(version))?;
            let load_balancing = match args.load_balancing {
                None | Some(LabBalancing::RoundRobin) => LoadBalancing::RoundRobin,
                Some(LabBalancing::Weighted) => LoadBalancing::Weighted,
                Some(LabBalancing::HostDependent) => LoadBalancing::HostDependent,
                Some(LabBalancing::None) => LoadBalancing::None,
            };
            Ok(Protocol::Glbp { timers: timers(args, Timers::QUICK), load_balancing })
        }
    }
}

fn absent<'a>(protocol: &str, options: impl IntoIterator<Item = (&'a str, bool)>) -> Result<(), String> {
    match options.into_iter().find(|(_, given)| *given) {
        Some((name, _)) => Err(format!("{protocol} has no {name}")),
        None => Ok(()),
    }
}

fn timers(args: &LabArgs, usual: Timers) -> Timers {
    let hello = args.hello.unwrap_or(usual.hello);
    Timers { hello, hold: args.hold.unwrap_or(hello * 3) }
}

fn play(world: World, plans: &[FailoverPlan], args: &LabArgs) -> Result<(), Trouble> {
    let mut reports = Vec::new();
    let mut last = None;
    // Output that is lost ends nothing: there is a capture to be saved, and other output to be read.
    let mut delivered = Ok(());
    for plan in plans {
        // The names in a world are fixed: what the last act left must be gone before the next is built.
        drop(last.take());
        let failover = fail_over(world, plan, args)?;
        delivered = delivered.and(deliver(plan, &failover, args));
        reports.push(failover.report.clone());
        last = Some((plan, failover));
    }
    if args.json {
        delivered = delivered.and(output::print(&(in_json(&reports) + "\n")).map_err(Trouble::from));
    }
    delivered?;
    match last.filter(|_| args.keep) {
        Some((plan, failover)) => Ok(keep(world, plan, &failover)?),
        None => Ok(()),
    }
}

fn fail_over(world: World, plan: &FailoverPlan, args: &LabArgs) -> Result<Failover, LabError> {
    let mut view = if args.json { View::on_stderr(plan) } else { View::on_stdout(plan) };
    let outcome = run_failover(world, plan, |event| view.tell(event));
    view.finish();
    outcome
}

/// The capture, then what it came to.
fn deliver(plan: &FailoverPlan, failover: &Failover, args: &LabArgs) -> Result<(), Trouble> {
    let saved = plan.pcap.as_deref().map_or(Ok(()), |path| failover.capture.save(path));
    let mut text = summary(plan, &failover.report);
    if let Some(path) = plan.pcap.as_deref().filter(|_| saved.is_ok()) {
        let _ = writeln!(text, "  capture   {}", path.display());
    }
    let told = if args.json { output::remark(&text) } else { output::print(&text) };
    saved?;
    Ok(told?)
}

/// Several acts as one.
#[derive(Serialize)]
struct Acts<'a> {
    protocol: &'a str,
    family: u8,
    fault: &'a str,
    outage_ms: f64,
    bound_ms: f64,
    takeover_ms: Option<f64>,
    hosts: &'a [HostReport],
    acts: &'a [FailoverReport],
}

fn in_json(reports: &[FailoverReport]) -> String {
    let longest = reports.iter().max_by(|a, b| a.outage_ms.total_cmp(&b.outage_ms));
    let text = match (reports, longest) {
        ([one], _) => serde_json::to_string(one),
        (acts, Some(longest)) => serde_json::to_string(&Acts {
            protocol: longest.protocol,
            family: longest.family,
            fault: &longest.fault,
            outage_ms: longest.outage_ms,
            bound_ms: longest.bound_ms,
            takeover_ms: longest.takeover_ms,
            hosts: &longest.hosts,
            acts,
        }),
        (_, None) => return String::new(),
    };
    text.unwrap_or_default()
}

/// What a reader wants to know in the end.
fn summary(plan: &FailoverPlan, report: &FailoverReport) -> String {
    let target = if report.hit.contains(&report.target) {
        report.target.clone()
    } else {
        format!("{} ({})", report.target, report.hit.join(", "))
    };
    let mut out = format!("\n{} hit {target}: {}\n", report.fault, plan.protocol.describe(plan.family));
    let _ = match report.takeover_ms {
        Some(takeover) => {
            writeln!(
                out,
                "  takeover  {takeover:>9.3} ms   (the protocol's bound: {:.3} ms)",
                report.bound_ms
            )
        }
        None => writeln!(out, "  takeover         none   (nobody had to take over)"),
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
        let _ = writeln!(
            out,
            "  {:<8}  {:>9.3} ms   {} probes lost, {}{}",
            host.name,
            host.outage_ms,
            host.lost,
            way(host),
            stall(host)
        );
    }
    for router in &report.routers {
        let _ = writeln!(
            out,
            "  {:<8}  forwarders {:<10} {:>12} octets, then forwarders {:<10} {:>12} octets",
            router.name,
            numbers(&router.forwarders_before),
            router.octets_before,
            numbers(&router.forwarders),
            router.octets
        );
    }
    out
}

/// Which way a host's packets went and go.
fn way(host: &HostReport) -> String {
    let name = |router: Option<&str>| router.unwrap_or("nobody").to_owned();
    let (before, now) = (name(host.router_before.as_deref()), name(host.router.as_deref()));
    let way = if before == now {
        format!("through {now}")
    } else {
        format!("first through {before}, now through {now}")
    };
    if host.mac_before == host.mac { way } else { format!("{way} by another MAC address") }
}

/// A host that could not send says less about its router.
fn stall(host: &HostReport) -> String {
    if host.sender_gap_ms > STALL_MS {
        format!("; it sent nothing for {:.0} ms itself", host.sender_gap_ms)
    } else {
        String::new()
    }
}

fn numbers(forwarders: &[u8]) -> String {
    if forwarders.is_empty() {
        return "none".to_owned();
    }
    forwarders.iter().map(u8::to_string).collect::<Vec<_>>().join(" ")
}

/// Waits for Enter, or for ever where nobody can type; not where nobody was told that there is something to end.
fn keep(world: World, plan: &FailoverPlan, failover: &Failover) -> Result<(), Lost> {
    let mut text = "\nThe laboratory is still there. From another terminal:\n".to_owned();
    for hint in failover.lab.hints().into_iter().chain(show_hint(world, plan, failover)) {
        let _ = writeln!(text, "  {hint}");
    }
    let typing = io::stdin().is_terminal();
    text.push_str(if typing { "Press Enter to end it.\n" } else { "End it with SIGTERM or Ctrl-C.\n" });
    output::remark(&text)?;
    if typing {
        let _ = io::stdin().read(&mut [0]);
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

/// How to ask a daemon of ours that the fault did not hit.
fn show_hint(world: World, plan: &FailoverPlan, failover: &Failover) -> Option<String> {
    let mut routers = failover.lab.routers().iter().zip(&plan.routers);
    let (router, daemon) = routers.find(|(router, daemon)| {
        matches!(daemon, Daemon::Fhrpd { .. })
            && !failover.report.hit.iter().any(|name| name == router.name())
    })?;
    let program = std::env::current_exe().ok()?;
    let (enter, program) = (world.entering_command(), program.display());
    let file = daemon.configuration_path(router);
    Some(format!("{enter} ip netns exec {} {program} show --config {}", router.name(), file.display()))
}

#[cfg(test)]
mod tests;
