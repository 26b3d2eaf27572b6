//! The laboratory's own program: long runs that no test has time for.
#![forbid(unsafe_code)]

use std::{
    env, io,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode, id},
    time::Duration,
};

use clap::{Args, Parser, Subcommand};
use fhrp_lab::{
    Entry, LabError,
    soak::{Checker, End, Length, SoakOptions, SoakReport, run_soak},
    world,
};

/// A laboratory for gateways, in namespaces of its own.
#[derive(Debug, Parser)]
#[command(name = "fhrp-lab", version)]
struct Cli {
    #[command(subcommand)]
    command: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Three routers with every protocol, faults from a seed, and checkers: until the time is over or one finds something.
    Soak(SoakArgs),
}

#[derive(Debug, Args)]
struct SoakArgs {
    /// How long.
    #[arg(long, default_value_t = 20)]
    minutes: u64,
    /// So many rounds of faults instead.
    #[arg(long, conflicts_with = "minutes")]
    rounds: Option<u64>,
    /// What decides every fault.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The daemon [default: fhrpd beside this program]
    #[arg(long, value_name = "PROGRAM")]
    fhrpd: Option<PathBuf>,
    /// Where evidence of a violation is saved [default: soak-SEED where temporary files are]
    #[arg(long, value_name = "FOLDER")]
    evidence: Option<PathBuf>,
    /// Leave the laboratory as it is in the end, until a line is read.
    #[arg(long)]
    keep: bool,
    /// Print the report as JSON; lines of progress go to stderr.
    #[arg(long)]
    json: bool,
    /// Say what is asserted, and do nothing else.
    #[arg(long)]
    checkers: bool,
}

fn main() -> ExitCode {
    let Task::Soak(arguments) = Cli::parse().command;
    if arguments.checkers {
        for checker in Checker::ALL {
            print(&format!("{:<12} {}", checker.name(), checker.claim()));
        }
        return ExitCode::SUCCESS;
    }
    match soak(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("fhrp-lab: {error}");
            ExitCode::from(2)
        }
    }
}

fn soak(arguments: &SoakArgs) -> Result<ExitCode, LabError> {
    let binary = match &arguments.fhrpd {
        Some(binary) => binary.clone(),
        None => built_daemon()?,
    };
    let world = match world::enter()? {
        Entry::Inside(world) => world,
        Entry::Ended(status) => {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(2);
            return Ok(ExitCode::from(code));
        }
    };
    let seed = arguments.seed;
    let minutes = Duration::from_secs(arguments.minutes * 60);
    let options = SoakOptions {
        seed,
        length: arguments.rounds.map_or(Length::Time(minutes), Length::Rounds),
        binary,
        evidence: arguments.evidence.clone().unwrap_or_else(|| env::temp_dir().join(format!("soak-{seed}"))),
        end: if arguments.keep { End::Stay } else { End::Go },
    };
    let report =
        run_soak(world, &options, |line| if arguments.json { eprintln!("{line}") } else { print(line) })?;
    tell(&report, arguments);
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(report: &SoakReport, arguments: &SoakArgs) {
    if arguments.json {
        // The report has only what JSON has.
        print(&serde_json::to_string(report).unwrap_or_default());
        return;
    }
    report.details().iter().for_each(|line| print(line));
    if let Some(folder) = &report.evidence {
        print(&format!("seed {}: evidence is in {}", report.seed, folder.display()));
    }
    print(&report.to_string());
}

/// Prints a line; a reader that has gone away has seen what it wanted.
fn print(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// The daemon beside this program. Where cargo runs this program, it makes the daemon first.
fn built_daemon() -> Result<PathBuf, LabError> {
    let io = |doing: &str| {
        let doing = doing.to_owned();
        move |source| LabError::Io { doing, source }
    };
    let program = env::current_exe().map_err(io("finding the path of this program"))?;
    let folder = program.parent().unwrap_or(Path::new("."));
    // Process 1 of the world has been started by one that came by here.
    if let Some(cargo) = env::var_os("CARGO").filter(|_| id() != 1) {
        let profile = if folder.ends_with("release") { "release" } else { "dev" };
        let mut command = Command::new(&cargo);
        let status = command.args(["build", "--quiet", "--package", "fhrpd", "--profile", profile]).status();
        if !status.map_err(io("starting cargo"))?.success() {
            return Err(LabError::Command { command: "cargo build".to_owned(), stderr: "failed".to_owned() });
        }
    }
    let binary = folder.join("fhrpd");
    if binary.is_file() {
        return Ok(binary);
    }
    Err(LabError::MissingProgram { program: binary.display().to_string(), package: "fhrpd" })
}
