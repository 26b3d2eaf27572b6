//! The configuration file: TOML in, checked groups out. Every error of a file is found, not only the first, and each
//! is shown with its line and a remedy.
//!
//! Nothing here touches the system: whether an interface exists is found out at run time.

mod convert;
mod diagnose;
mod file;
mod glbp;
mod group;
mod hsrp;
mod names;
mod parts;
mod secrets;
mod unite;
mod vrrp;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use fhrp::{Engine, GroupConfig, GroupId, InterfaceName, TrackName};

pub(crate) use diagnose::nearest;
pub use diagnose::{Problem, Severity, Style, in_one_line, render};
pub(crate) use file::duration_of;

/// The largest configuration file that is read: 4,000 groups take about 1 MB.
const FILE_OCTETS_MAX: u64 = 16 << 20;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Whether the protocol thread asks for real-time scheduling.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scheduling {
    /// `SCHED_FIFO`, where permitted.
    #[default]
    Realtime,
    /// As every other process.
    Ordinary,
}

/// The `[daemon]` table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaemonConfig {
    /// Where `fhrpd show` asks.
    pub control_socket: PathBuf,
    /// The group of users that may ask, besides the daemon's own user.
    pub control_group: Option<String>,
    /// Where things are kept that must outlive the daemon.
    pub state_dir: PathBuf,
    /// How log lines look.
    pub log: LogFormat,
    /// Whether real-time scheduling is asked for.
    pub scheduling: Scheduling,
    /// How long a daemon that stops goes on forwarding for groups whose successor has not been heard, at most; zero: not
    /// at all.
    pub stop_linger: Duration,
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            control_socket: PathBuf::from("/run/fhrpd/fhrpd.sock"),
            control_group: None,
            state_dir: PathBuf::from("/var/lib/fhrpd"),
            log: LogFormat::default(),
            scheduling: Scheduling::default(),
            stop_linger: Engine::STOP_LINGER,
        }
    }
}

/// A configuration file without errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The `[daemon]` table.
    pub daemon: DaemonConfig,
    /// The groups.
    pub groups: BTreeMap<GroupId, GroupConfig>,
    /// The tracked objects, each with the interface whose state it is; those without are set by hand.
    pub tracks: BTreeMap<TrackName, Option<InterfaceName>>,
    /// Warnings and notes, in the order of the file.
    pub remarks: Vec<Problem>,
}

impl Config {
    /// Reads the text of a configuration file.
    ///
    /// # Errors
    /// Every problem of the text when at least one is an error, in the order of the file.
    pub fn parse(source: &str) -> Result<Self, Vec<Problem>> {
        let (config, mut problems) = convert::convert(source);
        problems.sort_by_key(|problem| (problem.at.as_ref().map_or(0, |at| at.start), problem.severity));
        if problems.iter().any(|problem| problem.severity == Severity::Error) {
            // What the file would lead to is of no interest until it is right.
            problems.retain(|problem| problem.severity != Severity::Note);
            return Err(problems);
        }
        Ok(Self { remarks: problems, ..config })
    }
}

impl DaemonConfig {
    /// Reads only the `[daemon]` table of the text of a configuration file.
    ///
    /// # Errors
    /// Every problem of that table, or of a text that is not TOML.
    pub fn parse(source: &str) -> Result<Self, Vec<Problem>> {
        match convert::convert_daemon(source) {
            (config, problems) if problems.is_empty() => Ok(config),
            (_, problems) => Err(problems),
        }
    }
}

/// A configuration file with its text, which errors and warnings are shown with.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What it says.
    pub config: Config,
    /// Its text.
    pub source: String,
}

impl Loaded {
    /// To be told where this machine has no such group of users; another one may have it.
    #[must_use]
    pub fn unknown_control_group(&self, name: &str) -> Problem {
        let at = convert::place_in_daemon(&self.source, "control_group");
        let title = format!("there is no group of users \"{name}\" here, and without it fhrpd does not run");
        let remedy = "create it or change `control_group`".to_owned();
        Problem { at, remedy, ..Problem::warning(title, 0..0) }
    }
}

/// A configuration file cannot be used.
#[derive(Clone, Debug)]
pub enum LoadError {
    /// It cannot be read.
    Unreadable {
        /// Which.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// It has errors.
    Faulty {
        /// Which.
        path: PathBuf,
        /// Its text.
        source: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
}

impl LoadError {
    /// For a person at a terminal, or for a file.
    #[must_use]
    pub fn render(&self, style: Style) -> String {
        match self {
            Self::Unreadable { .. } => format!("error: {self}\n"),
            Self::Faulty { path, source, problems } => {
                let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
                let plural = if errors == 1 { "" } else { "s" };
                let path = path.display().to_string();
                format!("{}{path}: {errors} error{plural}\n", render(&path, source, problems, style))
            }
        }
    }

    /// For a log: one line an error.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        match self {
            Self::Unreadable { .. } => vec![self.to_string()],
            Self::Faulty { path, source, problems } => {
                let path = path.display().to_string();
                let errors = problems.iter().filter(|problem| problem.severity == Severity::Error);
                errors.map(|problem| in_one_line(&path, source, problem)).collect()
            }
        }
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { path, why } => write!(f, "cannot read {}: {why}", path.display()),
            Self::Faulty { .. } => f.write_str(&self.lines().join("\n")),
        }
    }
}

impl std::error::Error for LoadError {}

/// Reads a configuration file.
///
/// # Errors
/// The file cannot be read, or what is in it cannot be.
pub fn load(path: &Path) -> Result<Loaded, LoadError> {
    let source = read(path)?;
    match Config::parse(&source) {
        Ok(config) => Ok(Loaded { config, source }),
        Err(problems) => Err(LoadError::Faulty { path: path.to_owned(), source, problems }),
    }
}

/// Reads only the `[daemon]` table of a configuration file: what is wrong elsewhere in it does not matter to who asks
/// a daemon that runs, or cleans up after it.
///
/// # Errors
/// The file cannot be read, it is not TOML, or its `[daemon]` table has errors.
pub fn load_daemon(path: &Path) -> Result<DaemonConfig, LoadError> {
    let source = read(path)?;
    DaemonConfig::parse(&source).map_err(|problems| LoadError::Faulty {
        path: path.to_owned(),
        source,
        problems,
    })
}

fn read(path: &Path) -> Result<String, LoadError> {
    let unreadable = |why: String| LoadError::Unreadable { path: path.to_owned(), why };
    let octets = read_bounded(path).map_err(|why| unreadable(reason(&why)))?;
    String::from_utf8(octets).map_err(|why| {
        let good = why.utf8_error().valid_up_to();
        let line = why.as_bytes().iter().take(good).filter(|octet| **octet == b'\n').count() + 1;
        unreadable(format!("line {line} is not UTF-8"))
    })
}

fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut octets = Vec::new();
    std::fs::File::open(path)?.take(FILE_OCTETS_MAX + 1).read_to_end(&mut octets)?;
    if u64::try_from(octets.len()).is_ok_and(|length| length > FILE_OCTETS_MAX) {
        return Err(std::io::Error::other("larger than 16 MiB"));
    }
    Ok(octets)
}

/// What the system says, without the error number that the standard library appends.
pub(crate) fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
