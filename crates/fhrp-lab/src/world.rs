//! The private world: a process of its own network, mount and process namespaces, made without root.
//!
//! `NEWUSER` is refused to a process with more than one thread, so a process cannot move into a user namespace
//! once Rust's test harness or a runtime is up. The program therefore starts itself again under `unshare` of
//! util-linux, first thing:
//!
//! ```text
//! program ── spawns ──> unshare ── forks ──> the same program, process 1 of the world
//!    └───────────── lifeline (a pipe) ─────────────┘
//! ```
//!
//! The outer program only waits and hands on the exit status. When it dies, by whatever signal, the pipe closes,
//! process 1 exits, and the kernel ends every process of the world and frees its namespaces. `/run` is a tmpfs of
//! the world, so names in `/run/netns` never meet those of the machine.

use std::{
    env, fs,
    io::{self, BufRead, BufReader, PipeWriter, Write},
    os::fd::AsRawFd,
    path::PathBuf,
    process::{self, Child, Command, ExitStatus, Output, Stdio},
    sync::OnceLock,
    thread,
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    mount::{MsFlags, mount},
    unistd,
};

use crate::error::{LabError, Result};

/// Names the lifeline's descriptor to the inner program.
pub(crate) const WORLD_VARIABLE: &str = "FHRP_WORLD";

/// Where daemons' files live; vanishes with the world.
const WORK_ROOT: &str = "/run/lab";

static INSIDE: OnceLock<World> = OnceLock::new();

/// Proof that the process is inside a private world. Only there may a [`crate::Lab`] be built.
#[derive(Clone, Copy, Debug)]
pub struct World {
    holder: u32,
    user_namespace: bool,
}

/// What became of [`enter`].
#[derive(Debug)]
pub enum Entry {
    /// This process is inside: go on.
    Inside(World),
    /// The program ran inside and ended; leave with this status.
    Ended(ExitStatus),
}

/// Enters a private world by running the current program, with its arguments, a second time inside one.
///
/// Call it first thing, before threads and before anything with a side effect:
///
/// ```no_run
/// # fn main() -> Result<(), fhrp_lab::LabError> {
/// let world = match fhrp_lab::world::enter()? {
///     fhrp_lab::Entry::Inside(world) => world,
///     fhrp_lab::Entry::Ended(status) => std::process::exit(status.code().unwrap_or(1)),
/// };
/// let lab = fhrp_lab::Lab::build(world, &fhrp_lab::LabOptions::default())?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`LabError::NotPermitted`] where the system forbids namespaces, [`LabError::MissingProgram`] without util-linux
/// or iproute2.
pub fn enter() -> Result<Entry> {
    if let Some(lifeline) = lifeline_of_this_process() {
        return inside(&lifeline).map(Entry::Inside);
    }
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let mut command = Command::new(current_program()?);
    command.args(arguments);
    let mut outer = Outer::spawn(command)?;
    outer.child.wait().map(Entry::Ended).map_err(LabError::io("waiting for the world to end"))
}

/// Whether this process was started as process 1 of a world, and the descriptor that ties it to the outer program.
fn lifeline_of_this_process() -> Option<String> {
    // A daemon or a test program started within a world inherits the variable but is not process 1.
    (process::id() == 1).then(|| env::var(WORLD_VARIABLE).ok()).flatten()
}

pub(crate) fn current_program() -> Result<PathBuf> {
    env::current_exe().map_err(LabError::io("finding the path of this program"))
}

/// A world as its maker sees it. Dropping the lifeline ends it.
pub(crate) struct Outer {
    child: Child,
    _lifeline: PipeWriter,
}

impl Outer {
    /// Runs `inner` (program, arguments, output) as process 1 of a new world.
    pub(crate) fn spawn(inner: Command) -> Result<Self> {
        Self::spawn_with(inner, Stdio::inherit)
    }

    /// Runs a program as process 1 of a new world to its end and gives what it printed.
    pub(crate) fn output(inner: Command) -> Result<Output> {
        let outer = Self::spawn_with(inner, Stdio::piped)?;
        outer.child.wait_with_output().map_err(LabError::io("waiting for the world to end"))
    }

    fn spawn_with(inner: Command, output: fn() -> Stdio) -> Result<Self> {
        let flags = permitted_flags()?;
        let (reader, mut lifeline) = io::pipe().map_err(LabError::io("making the lifeline of the world"))?;
        fcntl(&reader, FcntlArg::F_SETFD(FdFlag::empty()))
            .map_err(LabError::errno("handing on the lifeline"))?;
        let child = Command::new("unshare")
            .args(flags)
            .arg("--")
            .arg(inner.get_program())
            .args(inner.get_args())
            .env(WORLD_VARIABLE, reader.as_raw_fd().to_string())
            .env("PATH", path_with_system_folders())
            .stdout(output())
            .stderr(output())
            .spawn()
            .map_err(LabError::io("starting unshare"))?;
        // The inner program may already have ended; its exit status tells more than this write could.
        let _ = writeln!(lifeline, "{}", child.id());
        Ok(Self { child, _lifeline: lifeline })
    }
}

/// `PATH` with the folders of `bridge`, `nft` and the daemons, which an ordinary user's may lack.
fn path_with_system_folders() -> String {
    let path = env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
    format!("{path}:/usr/sbin:/sbin")
}

/// The namespaces that the system lets us have: with our own rights if they suffice, else as root of a user namespace.
fn permitted_flags() -> Result<&'static [&'static str]> {
    const WITH_OWN_RIGHTS: &[&str] = &["-nmpf", "--mount-proc", "--kill-child"];
    const AS_MAPPED_ROOT: &[&str] = &["-Urnmpf", "--mount-proc", "--kill-child"];
    static FOUND: OnceLock<std::result::Result<&'static [&'static str], String>> = OnceLock::new();
    require_program("ip", "iproute2")?;
    require_program("unshare", "util-linux")?;
    let found = FOUND.get_or_init(|| {
        let candidates: &[_] =
            if unistd::geteuid().is_root() { &[WITH_OWN_RIGHTS, AS_MAPPED_ROOT] } else { &[AS_MAPPED_ROOT] };
        let mut reason = String::new();
        for flags in candidates {
            match Command::new("unshare")
                .args(*flags)
                .args(["--", "mount", "-t", "tmpfs", "lab", "/run"])
                .output()
            {
                Ok(output) if output.status.success() => return Ok(*flags),
                Ok(output) => reason = String::from_utf8_lossy(&output.stderr).trim().to_owned(),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(reason)
    });
    found.clone().map_err(|reason| LabError::NotPermitted { reason })
}

/// Whether a private world can be made here.
///
/// # Errors
/// The reason why not, as [`enter`] would give it.
pub fn permitted() -> Result<()> {
    permitted_flags().map(|_| ())
}

/// Checks that a program can be started.
pub(crate) fn require_program(program: &str, package: &'static str) -> Result<()> {
    if crate::namespace::find_program(program).is_some() {
        return Ok(());
    }
    Err(LabError::MissingProgram { program: program.to_owned(), package })
}

/// Furnishes the world: a private /run, the lifeline's watcher, the loopback interface.
fn inside(lifeline: &str) -> Result<World> {
    if let Some(world) = INSIDE.get() {
        return Ok(*world);
    }
    let file =
        fs::File::open(format!("/proc/self/fd/{lifeline}")).map_err(LabError::io("opening the lifeline"))?;
    let mut reader = BufReader::new(file);
    let mut line = String::new();
    reader.read_line(&mut line).map_err(LabError::io("reading the lifeline"))?;
    thread::spawn(move || {
        // Nothing more is ever written: the read ends when the outer program does.
        let _ = reader.read_line(&mut String::new());
        process::exit(1);
    });
    mount(Some("lab"), "/run", Some("tmpfs"), MsFlags::empty(), Some("mode=755"))
        .map_err(LabError::errno("mounting a private /run"))?;
    fs::create_dir_all("/run/netns").map_err(LabError::io("creating /run/netns"))?;
    fs::create_dir_all(WORK_ROOT).map_err(LabError::io("creating the work folder"))?;
    let world = World { holder: line.trim().parse().unwrap_or(0), user_namespace: in_user_namespace()? };
    Ok(*INSIDE.get_or_init(|| world))
}

/// Whether this user namespace maps less than the whole machine's users.
fn in_user_namespace() -> Result<bool> {
    let path = "/proc/self/uid_map";
    let map = fs::read_to_string(path).map_err(LabError::io(path))?;
    Ok(map.split_whitespace().nth(2) != Some("4294967295"))
}

impl World {
    /// Whether the world has a user namespace of its own. Then only one user exists, real-time priority is refused,
    /// and daemons that change their user cannot run.
    #[must_use]
    pub const fn has_user_namespace(&self) -> bool {
        self.user_namespace
    }

    /// The folder below which daemons keep their files.
    pub(crate) fn work_root() -> PathBuf {
        PathBuf::from(WORK_ROOT)
    }

    /// The start of a shell command that, from outside, runs the rest inside this world.
    ///
    /// Followed by `ip netns exec r1 …` it looks into a router.
    #[must_use]
    pub fn entering_command(&self) -> String {
        let user = if self.user_namespace { " -U --preserve-credentials" } else { "" };
        format!("nsenter -t {}{user} -m -n", self.holder)
    }
}
