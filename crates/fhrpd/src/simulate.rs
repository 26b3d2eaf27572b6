//! `fhrpd simulate`: the operator's what-if. Real configuration files, a script of faults, and what comes of it in virtual
//! time, with the production engine in every router. A face of the crate `fhrp-sim`.

mod faults;
mod network;
mod plan;
mod script;
mod story;
mod svg;
mod text;

use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use fhrp_sim::{Outcome, Recording, Trial, Watch, run as live};

use crate::config::{self, Config, Problem};
use crate::output;
use network::{Network, Router, Wiring};
use script::{Statement, TIME_MAX};

/// More routers than this are no first-hop redundancy.
const ROUTERS_MAX: usize = 64;
/// The largest script that is read.
const SCRIPT_OCTETS_MAX: u64 = 1 << 20;

const SCRIPT_HELP: &str = "\
The script has statements, each on a line of its own or ended by a semicolon; # begins a comment:
  [at TIME] ACTION [for TIME]        without `at`: from the start of all daemons
  cut ROUTER [INTERFACE]             carrier is lost; groups that track the interface hear of it
  restore ROUTER [INTERFACE]         ... and is back
  kill ROUTER                        the router loses its power (the same as: power ROUTER off)
  crash ROUTER                       the daemon gets SIGKILL and leaves its addresses in the kernel
  stop ROUTER                        the daemon is stopped in good order
  start ROUTER                       ... and runs again, after any of these three
  stall ROUTER for TIME              the daemon gets no processor time
  loss PERCENT% [on LAN] [from ROUTER] [to ROUTER]      0% ends it
  delay TIME [on LAN] [from ROUTER] [to ROUTER]         each frame up to so much later; 0s ends it
  split ROUTER… [| ROUTER…] [on LAN] the switch falls apart; who is not named is on the other side
  heal [on LAN]                      ... and is whole again
  priority ROUTER GROUP NUMBER       the configuration is changed; GROUP is 10, or vrrp:10
  track ROUTER NAME down|up          a tracked object
  end at TIME
A fault lasts for the time given, or until another statement ends it, or to the end.

What the files do not say is made up: routers get addresses in the subnet of the virtual ones, in the order of the \
files, so that of equal priorities the router named last wins (--address says otherwise). Interfaces are on one LAN by \
the virtual addresses, groups, subnets and names that they have in common (--lan says otherwise).";

/// The arguments of `fhrpd simulate`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = SCRIPT_HELP)]
pub struct SimulateArgs {
    /// The configuration file of each router. Its name, without the ending, is what the router is called, unless another
    /// one is given.
    #[arg(value_name = "[NAME=]FILE", required = true)]
    routers: Vec<String>,
    /// What goes wrong, such as 'at 5s kill r1; at 20s start r1; loss 10%'.
    #[arg(long, value_name = "SCRIPT", conflicts_with = "script")]
    faults: Option<String>,
    /// The same from a file.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// What decides chance: which frames are lost, who of equals is first.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// How long to look [default: until everything should have settled].
    #[arg(long, value_name = "TIME", value_parser = humantime::parse_duration)]
    duration: Option<Duration>,
    /// What the calendar shows in the beginning, for keys that are good for a time; without it all are good.
    #[arg(long, value_name = "DATE", value_parser = date)]
    date: Option<Duration>,
    /// The address of an interface, such as r1:eth0=192.0.2.2.
    #[arg(long = "address", value_name = "ROUTER:INTERFACE=ADDRESS", value_parser = address)]
    addresses: Vec<((String, String), IpAddr)>,
    /// Which interfaces are on one LAN, such as office=r1:eth0,r2:ens3.
    #[arg(long = "lan", value_name = "NAME=ROUTER:INTERFACE,…", value_parser = lan)]
    lans: Vec<(String, Vec<(String, String)>)>,
    /// Show every frame that a router sends or receives.
    #[arg(long)]
    frames: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Draw it: lanes of routers and hosts over time.
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,
}

/// Runs the simulation.
#[must_use]
pub fn run(args: &SimulateArgs) -> ExitCode {
    match simulate(args) {
        Ok(text) => output::status(output::print(&text)),
        Err(why) => {
            output::complain(&why);
            ExitCode::from(2)
        }
    }
}

/// What is to be printed, or what is wrong.
fn simulate(args: &SimulateArgs) -> Result<String, String> {
    let wrong = |why: String| format!("fhrpd simulate: {why}\n");
    if args.duration.is_some_and(|duration| duration > TIME_MAX || duration.is_zero()) {
        return Err(wrong("--duration: choose a time up to 1h".to_owned()));
    }
    let routers = load(&args.routers)?;
    let wiring = Wiring { lans: args.lans.clone(), addresses: args.addresses.clone() };
    let network = Network::of(routers, &wiring).map_err(wrong)?;
    let (name, source) = script_of(args).map_err(wrong)?;
    let faulty = |problems: Vec<Problem>| faulty(&name, &source, &problems);
    let script: Vec<Statement> = script::parse(&source).map_err(faulty)?;
    let choice = plan::Choice { seed: args.seed, duration: args.duration, date: args.date };
    let plan = plan::plan(&network, &script, choice).map_err(faulty)?;
    let recording = if args.frames { Recording::Frames } else { Recording::Events };
    let looked_at = Trial { flaw: None, watch: Watch::Nobody };
    let outcomes: Vec<Outcome> =
        plan.runs.iter().map(|run| live(&run.scenario, looked_at, recording)).collect();
    let story = story::tell(&network, &plan, &outcomes, args.seed);
    if let Some(path) = &args.svg {
        let why =
            |error: std::io::Error| format!("cannot write {}: {}", path.display(), config::reason(&error));
        std::fs::write(path, svg::render(&story)).map_err(|error| wrong(why(error)))?;
    }
    if args.json {
        return Ok(serde_json::to_string(&story).map_err(|error| wrong(error.to_string()))? + "\n");
    }
    Ok(text::render(&story))
}

/// What is wrong with `script` as the faults of routers with these names and configurations; nothing is run.
///
/// # Errors
/// The configurations make no network.
pub fn check(routers: Vec<(String, Config)>, script: &str) -> Result<Vec<Problem>, String> {
    let routers = routers.into_iter().map(|(name, config)| Router { file: name.clone(), name, config });
    let network = Network::of(routers.collect(), &Wiring::default())?;
    let choice = plan::Choice { seed: 1, duration: None, date: None };
    let planned = script::parse(script).and_then(|script| plan::plan(&network, &script, choice));
    Ok(planned.err().unwrap_or_default())
}

fn faulty(name: &str, source: &str, problems: &[Problem]) -> String {
    let plural = if problems.len() == 1 { "" } else { "s" };
    let shown = config::render(name, source, problems, crate::stderr_style());
    format!("{shown}{name}: {} error{plural}\n", problems.len())
}

/// The script and what it is called where errors are shown.
fn script_of(args: &SimulateArgs) -> Result<(String, String), String> {
    match (&args.script, &args.faults) {
        (Some(path), _) => {
            let (mut source, shown) = (String::new(), path.display());
            let file = std::fs::File::open(path);
            let read = file.and_then(|file| file.take(SCRIPT_OCTETS_MAX + 1).read_to_string(&mut source));
            match read {
                Ok(octets) if u64::try_from(octets).is_ok_and(|octets| octets <= SCRIPT_OCTETS_MAX) => {
                    Ok((shown.to_string(), source))
                }
                Ok(_) => Err(format!("{shown} is larger than 1 MiB")),
                Err(error) => Err(format!("cannot read {shown}: {}", config::reason(&error))),
            }
        }
        (None, Some(source)) => Ok(("--faults".to_owned(), source.clone())),
        (None, None) => Ok(("--faults".to_owned(), String::new())),
    }
}

fn load(files: &[String]) -> Result<Vec<Router>, String> {
    let wrong = |why: String| format!("fhrpd simulate: {why}\n");
    if files.len() > ROUTERS_MAX {
        return Err(wrong(format!("more than {ROUTERS_MAX} routers")));
    }
    let (mut routers, mut names): (Vec<Router>, BTreeSet<String>) = (Vec::new(), BTreeSet::new());
    for given in files {
        let (name, file) = named(given).map_err(wrong)?;
        let loaded = config::load(Path::new(file)).map_err(|error| error.render(crate::stderr_style()))?;
        if loaded.config.groups.is_empty() {
            return Err(wrong(format!("{file} has no group; add a [[vrrp]], [[hsrp]] or [[glbp]] table")));
        }
        if !names.insert(name.clone()) {
            return Err(wrong(format!("two routers are called {name}; name one of them: other={file}")));
        }
        routers.push(Router { name, file: file.to_owned(), config: loaded.config });
    }
    Ok(routers)
}

/// The router's name and its file.
fn named(given: &str) -> Result<(String, &str), String> {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || "-_.".contains(letter))
    };
    if let Some((name, file)) = given.split_once('=').filter(|(name, _)| is_name(name)) {
        return Ok((name.to_owned(), file));
    }
    let stem = Path::new(given).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if is_name(stem) {
        return Ok((stem.to_owned(), given));
    }
    Err(format!("\"{stem}\" cannot be written in a script; name the router: r1={given}"))
}

/// `ROUTER:INTERFACE`
fn port(text: &str) -> Result<(String, String), String> {
    let parts =
        text.split_once(':').filter(|(router, interface)| !router.is_empty() && !interface.is_empty());
    let parts = parts.map(|(router, interface)| (router.to_owned(), interface.to_owned()));
    parts.ok_or_else(|| format!("\"{text}\" is no interface of a router; write one such as r1:eth0"))
}

fn date(text: &str) -> Result<Duration, String> {
    let date = humantime::parse_rfc3339(text).ok();
    let since = date.and_then(|date| date.duration_since(std::time::SystemTime::UNIX_EPOCH).ok());
    since.ok_or_else(|| format!("\"{text}\" is no date; write one such as 2030-12-31T23:59:50Z"))
}

fn address(text: &str) -> Result<((String, String), IpAddr), String> {
    let example = "write it as in r1:eth0=192.0.2.2";
    let (named, address) = text.split_once('=').ok_or_else(|| example.to_owned())?;
    let address = address.parse().map_err(|_| format!("\"{address}\" is no IP address; {example}"))?;
    Ok((port(named)?, address))
}

type NamedLan = (String, Vec<(String, String)>);

fn lan(text: &str) -> Result<NamedLan, String> {
    let example = "write it as in office=r1:eth0,r2:ens3";
    let parts = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, ports) = parts.ok_or_else(|| example.to_owned())?;
    let ports = ports.split(',').map(port).collect::<Result<_, _>>()?;
    Ok((name.to_owned(), ports))
}
