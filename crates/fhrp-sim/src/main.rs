//! The simulator's command line. Exit codes: 0 nothing found, 1 a violation, 2 wrong arguments, or a report that
//! could not be written to its end.
#![forbid(unsafe_code)]

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use fhrp_sim::{
    Campaign, Checker, Failure, Flaw, Protocol, Recording, Scenario, Small, Trial, Watch, caught, explore,
    keep, kept, run, shrink, trials,
};

/// So many failing seeds are shrunk and drawn; the others are named.
const SHOWN: usize = 3;

/// Search elections for faults: a virtual LAN from a seed, the production engine, and checkers.
#[derive(Debug, Parser)]
#[command(name = "fhrp-sim", version)]
struct Cli {
    /// What is spoken.
    #[arg(long, value_enum, default_value = "vrrp")]
    protocol: Spoken,
    /// How many seeds.
    #[arg(long, default_value_t = 1000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Run every N-th seed twice and compare; 0 for none.
    #[arg(long, default_value_t = 10)]
    repeat: u64,
    /// Threads; default: one for each processor.
    #[arg(long)]
    threads: Option<usize>,
    /// Run engines with this flaw, to see it found ("list" names them).
    #[arg(long, value_name = "FLAW")]
    flaw: Option<String>,
    /// Heed this checker alone.
    #[arg(long, value_name = "CHECKER")]
    only: Option<String>,
    /// Draw the timeline of one seed.
    #[arg(long, value_name = "SEED")]
    replay: Option<u64>,
    /// With --replay: keep only these faults, by number, each for so many microseconds if that is said ("none" for no
    /// fault).
    #[arg(long, value_name = "N,N:TIME,…", requires = "replay")]
    faults: Option<String>,
    /// With --replay: show every frame.
    #[arg(long, requires = "replay")]
    frames: bool,
    /// Search all orders of events in small worlds, to this many events in a row.
    #[arg(long, value_name = "DEPTH")]
    explore: Option<usize>,
    /// With --explore: stop in a world after this many states.
    #[arg(long, default_value_t = 100_000, requires = "explore")]
    states: usize,
    /// Show that every flaw is caught, each within a thousand seeds.
    #[arg(long)]
    flaws: bool,
    /// Name the checkers and what each asserts.
    #[arg(long)]
    checkers: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Spoken {
    Vrrp,
    Hsrp,
    Glbp,
}

impl From<Spoken> for Protocol {
    fn from(spoken: Spoken) -> Self {
        match spoken {
            Spoken::Vrrp => Self::Vrrp,
            Spoken::Hsrp => Self::Hsrp,
            Spoken::Glbp => Self::Glbp,
        }
    }
}

/// Wrong arguments, or a report that could not be written to its end.
const UNUSABLE: u8 = 2;

fn main() -> ExitCode {
    tell(&Cli::parse(), &mut io::stdout().lock()).unwrap_or_else(|error| {
        // A reader that has gone away has seen what it wanted.
        if error.kind() != ErrorKind::BrokenPipe {
            eprintln!("fhrp-sim: {error}");
        }
        ExitCode::from(UNUSABLE)
    })
}

fn tell(cli: &Cli, out: &mut impl Write) -> io::Result<ExitCode> {
    if cli.checkers {
        for checker in Checker::ALL {
            writeln!(out, "{:22} {}", checker.name(), checker.claim())?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    if cli.flaws {
        return catch(cli.protocol.into(), out);
    }
    let trial = match find_trial(cli) {
        Ok(trial) => trial,
        Err(names) => {
            eprintln!("{names}");
            return Ok(ExitCode::from(UNUSABLE));
        }
    };
    match (cli.replay, cli.explore) {
        (Some(seed), _) => replay(cli, seed, trial, out),
        (None, Some(depth)) => exhaust(cli, depth, trial.flaw, out),
        (None, None) => search(cli, trial, out),
    }
}

/// Seeds that a flaw may take to be seen.
const SEEDS_EACH: u64 = 1000;

fn catch(protocol: Protocol, out: &mut impl Write) -> io::Result<ExitCode> {
    let trials = trials(protocol);
    let mut missed = 0;
    for trial in &trials {
        let flaw = trial.flaw.map_or("none", Flaw::name);
        let by = match trial.watch {
            Watch::All => String::new(),
            Watch::Only(checker) => format!(" by {checker} alone"),
            Watch::Nobody => String::new(),
        };
        match caught(protocol, *trial, SEEDS_EACH) {
            Some((seed, checker)) => writeln!(out, "{flaw}{by}: seed {seed}, {checker}")?,
            None => {
                missed += 1;
                writeln!(out, "{flaw}{by}: NOT CAUGHT")?;
            }
        }
    }
    writeln!(out, "flaws={} missed={missed}", trials.len())?;
    if missed == 0 { Ok(ExitCode::SUCCESS) } else { Ok(ExitCode::FAILURE) }
}

fn find_trial(cli: &Cli) -> Result<Trial, String> {
    let names = |names: Vec<&str>| format!("choose one of {}", names.join(", "));
    let flaws = || Flaw::ALL.iter().map(|flaw| flaw.name()).collect();
    let checkers = || Checker::ALL.iter().map(|checker| checker.name()).collect();
    let flaw = cli
        .flaw
        .as_ref()
        .map(|name| Flaw::ALL.iter().copied().find(|flaw| flaw.name() == name).ok_or_else(|| names(flaws())));
    let watch = cli.only.as_ref().map(|name| {
        let found = Checker::ALL.iter().copied().find(|checker| checker.name() == name);
        found.map(Watch::Only).ok_or_else(|| names(checkers()))
    });
    Ok(Trial { flaw: flaw.transpose()?, watch: watch.transpose()?.unwrap_or_default() })
}

fn replay(cli: &Cli, seed: u64, trial: Trial, out: &mut impl Write) -> io::Result<ExitCode> {
    let whole = Scenario::draw(cli.protocol.into(), seed);
    let scenario = match &cli.faults {
        None => whole,
        Some(list) => match keep(&whole, list) {
            Ok(scenario) => scenario,
            Err(wrong) => {
                eprintln!("{wrong}");
                return Ok(ExitCode::from(UNUSABLE));
            }
        },
    };
    let recording = if cli.frames { Recording::Frames } else { Recording::Events };
    draw(&scenario, trial, recording, out)
}

/// Draws a run; whether it failed.
fn draw(
    scenario: &Scenario,
    trial: Trial,
    recording: Recording,
    out: &mut impl Write,
) -> io::Result<ExitCode> {
    let outcome = run(scenario, trial, recording);
    write!(out, "{scenario}")?;
    if let Some(timeline) = outcome.timeline {
        write!(out, "{timeline}")?;
    }
    let felt = outcome.probes;
    writeln!(
        out,
        "hosts: {} probes, {} answered, {} answers too many, longest outage {:?}; hash {:016x}",
        felt.sent, felt.answered, felt.duplicates, felt.outage, outcome.hash
    )?;
    match outcome.violation {
        None => Ok(ExitCode::SUCCESS),
        Some(violation) => {
            writeln!(out, "{violation}\n  {}: {}", violation.checker, violation.checker.claim())?;
            Ok(ExitCode::FAILURE)
        }
    }
}

fn search(cli: &Cli, trial: Trial, out: &mut impl Write) -> io::Result<ExitCode> {
    let campaign = Campaign {
        protocol: cli.protocol.into(),
        from: cli.from,
        seeds: cli.seeds,
        repeat: cli.repeat,
        trial,
        threads: threads(cli),
        stop: false,
    };
    let tally = campaign.run();
    for failure in tally.failures.iter().take(SHOWN) {
        explain(&campaign, failure, out)?;
    }
    for failure in tally.failures.iter().skip(SHOWN) {
        writeln!(out, "seed {}: {}", failure.seed, failure.violation)?;
    }
    let felt = tally.probes;
    writeln!(
        out,
        "calls={} probes={} answered={} duplicates={} longest_outage={:?}",
        tally.calls, felt.sent, felt.answered, felt.duplicates, felt.outage
    )?;
    writeln!(
        out,
        "seeds={} violations={} router_hours={}",
        tally.seeds,
        tally.failures.len(),
        tally.router_hours()
    )?;
    if tally.failures.is_empty() { Ok(ExitCode::SUCCESS) } else { Ok(ExitCode::FAILURE) }
}

fn threads(cli: &Cli) -> usize {
    let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    cli.threads.unwrap_or_else(processors)
}

fn exhaust(cli: &Cli, depth: usize, flaw: Option<Flaw>, out: &mut impl Write) -> io::Result<ExitCode> {
    let (mut states, mut violations) = (0, 0);
    for mut small in Small::all(cli.protocol.into()) {
        small.flaw = flaw;
        let found = explore(&small, depth, cli.states, threads(cli));
        states += found.states;
        writeln!(
            out,
            "{:28} {:8} states, {:9} choices, depth {}{}",
            found.name,
            found.states,
            found.transitions,
            found.depth,
            if found.exhausted { ", nothing left" } else { "" }
        )?;
        if let Some((violation, path)) = found.violation {
            violations += 1;
            writeln!(out, "{violation}")?;
            for line in path {
                writeln!(out, "  {line}")?;
            }
        }
    }
    writeln!(out, "states={states} violations={violations}")?;
    if violations == 0 { Ok(ExitCode::SUCCESS) } else { Ok(ExitCode::FAILURE) }
}

fn explain(campaign: &Campaign, failure: &Failure, out: &mut impl Write) -> io::Result<()> {
    let whole = Scenario::draw(campaign.protocol, failure.seed);
    let least = shrink(&whole, campaign.trial, failure.violation.checker);
    writeln!(out, "== seed {}: {}", failure.seed, failure.violation)?;
    let faults = kept(&whole, &least);
    let trial = campaign.trial;
    let mut flags = trial.flaw.map_or_else(String::new, |flaw| format!(" --flaw {}", flaw.name()));
    if let Watch::Only(checker) = trial.watch {
        flags.push_str(&format!(" --only {checker}"));
    }
    draw(&least, trial, Recording::Events, out)?;
    writeln!(
        out,
        "replay: cargo run --release -p fhrp-sim -- --protocol {} --replay {} --faults {faults}{flags}\n",
        campaign.protocol, failure.seed
    )
}
