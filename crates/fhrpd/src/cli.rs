//! The command line. Exit codes: 0 done, 1 failed while running, 2 wrong arguments or an unusable file.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};
use fhrp::{GlbpConfig, GroupConfig, HsrpConfig, VrrpConfig};
use fhrp_wire::glbp::{ForwarderNumber, virtual_mac};
use serde_json::json;

use crate::config::{self, Config, DaemonConfig};
use crate::control;
use crate::decode::{self, DecodeFailure};
use crate::output::{self, Lost, fail};
use crate::report::Report;
use crate::show::{self, Filter};

const UNUSABLE: u8 = 2;
/// Where the configuration file is unless another is named.
const USUAL_FILE: &str = "/etc/fhrpd.toml";

const STATUS_HELP: &str = "\
Exit status: 0 done, 1 failed while running, 2 wrong arguments or an unusable file.";

/// First-hop redundancy for Linux: several routers, one gateway address.
///
/// Speaks VRRP version 2 and 3 (RFC 3768, RFC 9568), HSRP version 1 and 2 (RFC 2281) and GLBP over IPv4 and
/// IPv6.
#[derive(Debug, Parser)]
#[command(name = "fhrpd", version, propagate_version = true, after_long_help = STATUS_HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon in the foreground.
    ///
    /// SIGTERM and SIGINT hand over to the other routers and remove everything again. SIGHUP reads the configuration
    /// file again; groups that did not change are not touched. Log lines go to stderr; FHRPD_LOG says which (default:
    /// info; such as debug, or fhrp=trace).
    Run(ConfigFile),
    /// Check a configuration file and say what would run.
    Check(ConfigFile),
    /// Show the groups of the running daemon.
    Show(ShowArgs),
    /// Say that a tracked object is up or down.
    ///
    /// For objects without an interface of their own ([[track]] with a name only): a script tells what it found out.
    /// Until somebody says otherwise such an object is up.
    Track(TrackArgs),
    /// Decode captured packets: what the daemon would make of them.
    Decode(DecodeArgs),
    /// Remove what a daemon that was killed left in the kernel.
    ///
    /// Removes exactly what fhrpd made: virtual links and addresses, its nftables table, and settings that it changed.
    Cleanup(CleanupArgs),
    /// Watch a failover: real routers and hosts in namespaces, a fault, and what it cost.
    ///
    /// Needs no root where user namespaces are allowed, and touches nothing outside its own namespaces.
    Lab(crate::lab::LabArgs),
    /// Try configurations and faults in virtual time: who becomes active when, and what hosts feel.
    ///
    /// Reads the real configuration files of all routers, touches nothing, and needs no rights.
    Simulate(crate::simulate::SimulateArgs),
}

#[derive(Debug, Args)]
struct ConfigFile {
    /// The configuration file (TOML).
    #[arg(long, short, value_name = "FILE", default_value = USUAL_FILE)]
    config: PathBuf,
}

#[derive(Debug, Args)]
struct ShowArgs {
    /// Only this group number (VRRP: the VRID).
    group: Option<u16>,
    /// Only groups of this protocol.
    #[arg(long, value_parser = ["vrrp", "hsrp", "glbp"])]
    protocol: Option<String>,
    /// Only groups of this IP version.
    #[arg(long, value_parser = ["4", "6"])]
    family: Option<String>,
    /// Only groups of this interface.
    #[arg(long, short, value_name = "NAME")]
    interface: Option<String>,
    /// How to show them.
    #[arg(long, value_enum, default_value_t)]
    format: show::Format,
    /// The same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    daemon: Whom,
}

/// Which daemon to ask.
#[derive(Debug, Args)]
struct Whom {
    /// The daemon's control socket [default: that of the configuration file, or /run/fhrpd/fhrpd.sock]
    #[arg(long, value_name = "PATH", conflicts_with = "config")]
    socket: Option<PathBuf>,
    /// The daemon's configuration file, to find its control socket.
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Whom {
    fn socket(self) -> Result<PathBuf, ExitCode> {
        match self.socket {
            Some(socket) => Ok(socket),
            None => daemon(self.config.as_deref()).map(|daemon| daemon.control_socket),
        }
    }
}

#[derive(Debug, Args)]
struct TrackArgs {
    /// The object's name in the configuration.
    name: String,
    /// What it is now.
    #[arg(value_enum)]
    state: TrackWord,
    #[command(flatten)]
    daemon: Whom,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TrackWord {
    Up,
    Down,
}

#[derive(Debug, Args)]
struct DecodeArgs {
    /// A capture file (pcap or pcapng; - for standard input), or hexadecimal octets: an Ethernet frame, an IP packet
    /// or a message by itself.
    #[arg(value_name = "FILE|HEX")]
    input: String,
    /// Check the authentication with this key.
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Check only digests that name this key of a key chain.
    #[arg(long, value_name = "NUMBER", requires = "key")]
    key_id: Option<u32>,
    /// One JSON object a frame, then one with the totals.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct CleanupArgs {
    /// The configuration file, to find the state directory.
    #[arg(long, short, value_name = "FILE", conflicts_with = "state_dir")]
    config: Option<PathBuf>,
    /// The daemon's state directory [default: that of the configuration file, or /var/lib/fhrpd]
    #[arg(long, value_name = "PATH")]
    state_dir: Option<PathBuf>,
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(Cli { command }) => command,
        Err(answer) => return explain(&answer),
    };
    match command {
        Command::Run(ConfigFile { config }) => crate::run::run(&config),
        Command::Check(ConfigFile { config }) => check(&config),
        Command::Show(args) => show(args),
        Command::Track(args) => track(args),
        Command::Decode(args) => decode(&args),
        Command::Cleanup(args) => cleanup(args),
        Command::Lab(args) => crate::lab::run(&args),
        Command::Simulate(args) => crate::simulate::run(&args),
    }
}

/// Help and the version are asked for; everything else says why the arguments are wrong.
fn explain(answer: &clap::Error) -> ExitCode {
    let written = answer.print().and_then(|()| std::io::stdout().flush());
    if answer.use_stderr() { ExitCode::from(UNUSABLE) } else { output::status(output::printed(written)) }
}

fn load(path: &Path) -> Result<config::Loaded, ExitCode> {
    config::load(path).map_err(|error| unusable(&error))
}

fn unusable(error: &config::LoadError) -> ExitCode {
    output::complain(&error.render(crate::stderr_style()));
    ExitCode::from(UNUSABLE)
}

fn check(path: &Path) -> ExitCode {
    let loaded = match load(path) {
        Ok(loaded) => loaded,
        Err(code) => return code,
    };
    let mut remarks = loaded.config.remarks.clone();
    let unknown = loaded.config.daemon.control_group.as_deref().filter(|name| !control::knows_group(name));
    remarks.extend(unknown.map(|name| loaded.unknown_control_group(name)));
    let shown = config::render(&path.display().to_string(), &loaded.source, &remarks, crate::stderr_style());
    let remarked = output::remark(&shown);
    output::status(output::print(&summary(path, &loaded.config)).and(remarked))
}

fn vrrp_line(group: &VrrpConfig) -> String {
    let settings = group.settings();
    let addresses: Vec<String> = group.addresses().iter().map(ToString::to_string).collect();
    let mac = group.virtual_mac().map_or_else(|| "without virtual MAC".to_owned(), |mac| format!("on {mac}"));
    format!(
        "{}: version {}, priority {}, every {:?}, {} {mac}\n",
        group.id(),
        settings.version,
        settings.priority,
        settings.advertisement_interval,
        addresses.join(" ")
    )
}

fn hsrp_line(group: &HsrpConfig) -> String {
    let settings = group.settings();
    let addresses: Vec<String> = group.addresses().iter().map(ToString::to_string).collect();
    let addresses =
        if addresses.is_empty() { "address to be learned".to_owned() } else { addresses.join(" ") };
    let mac = group.virtual_mac().map_or_else(|| "without virtual MAC".to_owned(), |mac| format!("on {mac}"));
    let timers = match group.timers() {
        Some(timers) => format!("hello {:?}, hold {:?}", timers.hello(), timers.hold()),
        None => "timers of the active router".to_owned(),
    };
    let contest = match &settings.follow {
        Some(leader) => format!("follows {leader}"),
        None => format!("priority {}, {timers}", settings.priority),
    };
    format!("{}: version {}, {contest}, {addresses} {mac}\n", group.id(), settings.version)
}

fn glbp_line(group: &GlbpConfig) -> String {
    let (settings, timers) = (group.settings(), group.timers());
    let addresses: Vec<String> = group.addresses().iter().map(ToString::to_string).collect();
    let addresses =
        if addresses.is_empty() { "address to be learned".to_owned() } else { addresses.join(" ") };
    let [first, .., last] = ForwarderNumber::ALL.map(|number| virtual_mac(group.group(), number));
    let (hello, hold) = (timers.hello().to_duration(), timers.hold().to_duration());
    format!(
        "{}: priority {}, weighting {}, hello {hello:?}, hold {hold:?}, {addresses} on {first} to {last}\n",
        group.id(),
        settings.priority,
        settings.weighting
    )
}

/// A line a group.
fn summary(path: &Path, config: &Config) -> String {
    let lines = config.groups.values().map(|group| match group {
        GroupConfig::Vrrp(group) => vrrp_line(group),
        GroupConfig::Hsrp(group) => hsrp_line(group),
        GroupConfig::Glbp(group) => glbp_line(group),
    });
    let (count, path) = (config.groups.len(), path.display());
    let plural = if count == 1 { "" } else { "s" };
    format!("{}{path}: {count} group{plural}, no error\n", lines.collect::<String>())
}

/// The `[daemon]` table of a named file, or of the usual one; the defaults where that does not exist.
fn daemon(named: Option<&Path>) -> Result<DaemonConfig, ExitCode> {
    let path = named.unwrap_or(Path::new(USUAL_FILE));
    if named.is_none() && matches!(path.try_exists(), Ok(false)) {
        return Ok(DaemonConfig::default());
    }
    config::load_daemon(path).map_err(|error| unusable(&error))
}

fn show(args: ShowArgs) -> ExitCode {
    let socket = match args.daemon.socket() {
        Ok(socket) => socket,
        Err(code) => return code,
    };
    let format = if args.json { show::Format::Json } else { args.format };
    let answer = match control::ask(&socket, "show") {
        Ok(answer) => answer,
        Err(error) => return fail(&error, 1),
    };
    match serde_json::from_value::<Report>(answer) {
        Ok(report) => {
            let family = args.family.and_then(|family| family.parse().ok());
            let filter =
                Filter { protocol: args.protocol, family, interface: args.interface, group: args.group };
            let asked_for = filter != Filter::default();
            let report = filter.apply(report);
            if asked_for && report.groups.is_empty() {
                return fail(&"no such group", 1);
            }
            output::status(show_report(&report, format))
        }
        Err(error) => {
            fail(&format!("the daemon answered in a way this fhrpd does not understand: {error}"), 1)
        }
    }
}

fn show_report(report: &Report, format: show::Format) -> Result<(), Lost> {
    let text = show::render(report, format);
    if text.is_empty() {
        return output::remark("fhrpd: no group that this format has a form for\n");
    }
    output::print(&text)
}

fn track(args: TrackArgs) -> ExitCode {
    let socket = match args.daemon.socket() {
        Ok(socket) => socket,
        Err(code) => return code,
    };
    let state = match args.state {
        TrackWord::Up => "up",
        TrackWord::Down => "down",
    };
    match control::ask_with(&socket, "track", json!({ "name": args.name, "state": state })) {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => fail(&error, 1),
    }
}

fn decode(args: &DecodeArgs) -> ExitCode {
    let format = if args.json { decode::Format::Json } else { decode::Format::Text };
    let key = match args.key.as_ref().map(|key| decode::Key::new(key, args.key_id)).transpose() {
        Ok(key) => key,
        Err(error) => return fail(&error, UNUSABLE),
    };
    match decode::decode(&args.input, key.as_ref(), format, std::io::stdout().lock()) {
        Ok(decoded) => {
            let remarks = decoded.remarks();
            let remarks = remarks.iter().map(|remark| format!("fhrpd: {}: {remark}\n", args.input));
            output::status(output::remark(&remarks.collect::<String>()))
        }
        Err(DecodeFailure::Output(why)) => output::status(output::printed(Err(why))),
        Err(error @ DecodeFailure::Input(_)) => fail(&error, UNUSABLE),
    }
}

fn cleanup(args: CleanupArgs) -> ExitCode {
    let state_dir = match args.state_dir {
        Some(path) => path,
        None => match daemon(args.config.as_deref()) {
            Ok(daemon) => daemon.state_dir,
            Err(code) => return code,
        },
    };
    match fhrp_netlink::cleanup(&state_dir) {
        Ok(removed) if removed.is_empty() => output::status(output::print("nothing was left\n")),
        Ok(removed) => {
            let lines = removed.iter().map(|what| format!("removed {what}\n")).collect::<String>();
            output::status(output::print(&lines))
        }
        Err(error) => fail(&error, 1),
    }
}
