//! A daemon's processes: ended by their ids, whatever happens.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::Pid,
};

use crate::{
    clock::Stamp,
    error::{LabError, Result},
    topology::Node,
};

/// Lines of a log shown where something failed.
const LOG_TAIL: usize = 40;

/// How often the end of a process is looked for.
const LOOK: Duration = Duration::from_millis(2);

/// How often at most the end of a killed process is looked for.
const BURIAL_LOOKS: u32 = 500;

/// The running daemon of one router. Dropping it kills every process of it.
#[derive(Debug)]
pub struct RouterProcess {
    name: &'static str,
    router: String,
    main: Child,
    helpers: Vec<Child>,
    log: PathBuf,
    started: Stamp,
}

impl RouterProcess {
    /// Starts `command` in a router with its output appended to `log` in the router's work folder.
    pub(crate) fn start(name: &'static str, router: &Node, command: &mut Command) -> Result<Self> {
        let log = router.work_dir().join(format!("{name}.log"));
        let started = Stamp::now();
        let main = spawn_logged(router, command, &log)?;
        Ok(Self { name, router: router.name().to_owned(), main, helpers: Vec::new(), log, started })
    }

    /// Adds a process that the daemon needs and that does not count as the daemon.
    pub(crate) fn help_by(&mut self, helper: Child) {
        self.helpers.push(helper);
    }

    /// The daemon's name: `fhrpd`, `keepalived` or `vrrpd`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Process id of the daemon's first process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.main.id()
    }

    /// When it was started.
    #[must_use]
    pub const fn started(&self) -> Stamp {
        self.started
    }

    /// Process ids of the daemon and its descendants, parents first.
    #[must_use]
    pub fn tree(&self) -> Vec<u32> {
        tree(self.main.id())
    }

    /// Whether the daemon's first process runs.
    pub fn alive(&mut self) -> bool {
        matches!(self.main.try_wait(), Ok(None))
    }

    /// A crash of the whole daemon: every process stopped first, so that none can react to another's death, then
    /// killed. Its helpers live on, as they would.
    pub fn kill(&mut self) {
        kill_tree(&mut self.main);
    }

    /// Asks the daemon to stop (SIGTERM); does not wait.
    pub fn stop(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Asks the daemon to read its configuration again (SIGHUP).
    pub fn reload(&self) {
        self.signal(Signal::SIGHUP);
    }

    /// Takes the processor from the daemon (SIGSTOP).
    pub fn stall(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Gives it back (SIGCONT).
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        send(self.main.id(), signal);
    }

    /// Waits for the daemon's end.
    ///
    /// # Errors
    /// [`LabError::Timeout`] with the end of its log, or [`LabError::Io`].
    pub fn wait(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let end = Stamp::now().after(timeout);
        loop {
            if let Some(status) = self.main.try_wait().map_err(LabError::io("waiting for a daemon"))? {
                return Ok(status);
            }
            if Stamp::now() >= end {
                let what = format!("{} of {} has not ended", self.name, self.router);
                return Err(LabError::Timeout {
                    what,
                    waited_ms: timeout.as_millis(),
                    detail: self.log_tail(),
                });
            }
            thread::sleep(LOOK);
        }
    }

    /// Its log so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(&self.log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// Where its log is.
    #[must_use]
    pub fn log_path(&self) -> &Path {
        &self.log
    }

    /// The last lines of its log under a heading, for error messages.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        let tail = lines.get(lines.len().saturating_sub(LOG_TAIL)..).unwrap_or_default();
        format!("\n--- {} of {}:\n{}", self.name, self.router, tail.join("\n"))
    }
}

impl Drop for RouterProcess {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
        kill_tree(&mut self.main);
        for helper in &mut self.helpers {
            kill_tree(helper);
        }
    }
}

/// Starts a program in a router with its output appended to a file.
pub(crate) fn spawn_logged(router: &Node, command: &mut Command, log: &Path) -> Result<Child> {
    let open = || fs::OpenOptions::new().create(true).append(true).open(log);
    let opening = || format!("opening {}", log.display());
    let output = open().map_err(LabError::io(opening()))?;
    let errors = open().map_err(LabError::io(opening()))?;
    router.namespace().spawn(command.stdin(Stdio::null()).stdout(output).stderr(errors))
}

fn kill_tree(first: &mut Child) {
    if let Ok(Some(_)) = first.try_wait() {
        return;
    }
    let mut stopped = Vec::new();
    // A process may be forking while it is stopped: look again until all that are there are stopped.
    loop {
        let all = tree(first.id());
        let fresh: Vec<_> = all.into_iter().filter(|pid| !stopped.contains(pid)).collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            send(pid, Signal::SIGSTOP);
            stopped.push(pid);
        }
    }
    for pid in stopped.iter().rev() {
        send(*pid, Signal::SIGKILL);
    }
    // A killed child is there to be waited for; an error means that it was already.
    let _ = first.wait();
    stopped.into_iter().skip(1).for_each(bury);
}

/// Waits until a killed descendant is gone. Orphans become children of process 1 of the world, which is this process.
fn bury(pid: u32) {
    let Ok(number) = i32::try_from(pid) else { return };
    for _ in 0..BURIAL_LOOKS {
        if waitpid(Pid::from_raw(number), None).is_ok() || !Path::new(&format!("/proc/{pid}")).exists() {
            return;
        }
        thread::sleep(LOOK);
    }
}

/// A signal to a process that may be gone already.
fn send(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

/// A process and its living descendants, parents first.
fn tree(first: u32) -> Vec<u32> {
    let mut found = Vec::new();
    let mut todo = vec![first];
    while let Some(pid) = todo.pop() {
        let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        found.push(pid);
        for thread in threads.flatten() {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            todo.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    found
}
