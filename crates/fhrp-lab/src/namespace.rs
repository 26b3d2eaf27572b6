//! One network namespace with a name: code and programs run inside it, settings are written to it.

use std::{
    env, fs,
    io::Write,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
};

use nix::sched::{CloneFlags, setns};

use crate::{
    error::{LabError, Result},
    world::{WORLD_VARIABLE, World},
};

/// Looks at what a namespace holds, at most, until two in a row are the same.
const INVENTORIES: usize = 10;

/// A named network namespace of the private world, as `ip netns` lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes several namespaces at once, each with its loopback interface up.
    ///
    /// # Errors
    /// [`LabError::Command`] with the words of `ip`, for instance when a name is taken.
    pub fn create(_proof: World, names: &[&str]) -> Result<Vec<Self>> {
        let lines: Vec<_> = names.iter().map(|name| format!("netns add {name}")).collect();
        feed(Command::new("ip").args(["-batch", "-"]), &lines.join("\n"))?;
        let made: Vec<_> = names.iter().map(|name| Self { name: (*name).to_owned() }).collect();
        for namespace in &made {
            namespace.ip(["link set lo up"])?;
        }
        Ok(made)
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs `body` in a thread that has entered this namespace. Sockets made there stay in the namespace; the calling
    /// thread does not move.
    ///
    /// # Errors
    /// [`LabError::Io`] if the namespace cannot be entered.
    pub fn run<T: Send>(&self, body: impl FnOnce() -> T + Send) -> Result<T> {
        thread::scope(|scope| {
            let inside = scope.spawn(|| {
                self.enter()?;
                Ok(body())
            });
            inside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Moves the calling thread, for good, into this namespace.
    pub(crate) fn enter(&self) -> Result<()> {
        let path = PathBuf::from("/run/netns").join(&self.name);
        let file = fs::File::open(&path).map_err(LabError::io(format!("opening {}", path.display())))?;
        setns(file, CloneFlags::CLONE_NEWNET)
            .map_err(LabError::errno(format!("entering network namespace {}", self.name)))
    }

    /// Starts a program inside.
    ///
    /// # Errors
    /// [`LabError::Io`] if it cannot be started.
    pub fn spawn(&self, command: &mut Command) -> Result<Child> {
        command.env_remove(WORLD_VARIABLE);
        let words = describe(command);
        self.run(|| command.spawn())?.map_err(LabError::io(words))
    }

    /// Runs a program inside to its end and gives what it printed, whatever its status.
    ///
    /// # Errors
    /// [`LabError::Io`] if it cannot be started.
    pub fn output(&self, command: &mut Command) -> Result<Output> {
        command.env_remove(WORLD_VARIABLE);
        let words = describe(command);
        self.run(|| command.output())?.map_err(LabError::io(words))
    }

    /// Runs a program inside and gives its standard output.
    ///
    /// # Errors
    /// [`LabError::Command`] if its exit status is not 0.
    pub fn query(&self, program: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(program);
        let output = self.output(command.args(arguments))?;
        succeeded(&command, output)
    }

    /// Runs lines of `ip` (each without the leading `ip`) inside; stops at the first that fails.
    ///
    /// # Errors
    /// [`LabError::Command`] with the words of `ip`.
    pub fn ip<L: AsRef<str>>(&self, lines: impl IntoIterator<Item = L>) -> Result<()> {
        self.feed_program("ip", &["-batch", "-"], lines)
    }

    /// The same for `bridge`.
    ///
    /// # Errors
    /// [`LabError::Command`] with the words of `bridge`.
    pub fn bridge<L: AsRef<str>>(&self, lines: impl IntoIterator<Item = L>) -> Result<()> {
        self.feed_program("bridge", &["-batch", "-"], lines)
    }

    /// Runs a program inside with `lines` as its standard input.
    pub(crate) fn feed_program<L: AsRef<str>>(
        &self,
        program: &str,
        arguments: &[&str],
        lines: impl IntoIterator<Item = L>,
    ) -> Result<()> {
        let mut text = String::new();
        for line in lines {
            text.push_str(line.as_ref());
            text.push('\n');
        }
        self.run(|| feed(Command::new(program).args(arguments), &text))?
    }

    /// Writes a setting below `/proc/sys/net`, for instance `ipv4/ip_forward`.
    ///
    /// # Errors
    /// [`LabError::Io`] with the setting's name.
    pub fn set(&self, setting: &str, value: &str) -> Result<()> {
        // The files show the settings of the reading thread's namespace.
        self.run(|| fs::write(format!("/proc/sys/net/{setting}"), value))?
            .map_err(LabError::io(format!("setting net/{setting} = {value} in {}", self.name)))
    }

    /// Reads a setting below `/proc/sys/net`.
    ///
    /// # Errors
    /// [`LabError::Io`] with the setting's name.
    pub fn setting(&self, setting: &str) -> Result<String> {
        self.run(|| fs::read_to_string(format!("/proc/sys/net/{setting}")))?
            .map(|text| text.trim().to_owned())
            .map_err(LabError::io(format!("reading net/{setting} in {}", self.name)))
    }

    /// Everything that the namespace holds and a daemon could leave behind: as it was twice in a row, for the kernel does
    /// some of what it is told a moment later.
    ///
    /// # Errors
    /// [`LabError::Command`] if a program fails.
    pub fn inventory(&self) -> Result<Inventory> {
        let mut last = self.look_around()?;
        for _ in 0..INVENTORIES {
            let next = self.look_around()?;
            if next == last {
                break;
            }
            last = next;
        }
        Ok(last)
    }

    fn look_around(&self) -> Result<Inventory> {
        let mut lines = labelled("link", &self.query("ip", &["-brief", "link"])?);
        lines.extend(labelled("address", &self.query("ip", &["-brief", "address"])?));
        lines.extend(labelled("joined", &self.query("ip", &["-oneline", "maddress"])?));
        for family in ["-4", "-6"] {
            lines.extend(labelled("route", &self.query("ip", &[family, "route", "show", "table", "main"])?));
            lines.extend(labelled("rule", &self.query("ip", &[family, "rule"])?));
        }
        if find_program("nft").is_some() {
            lines.extend(labelled("nft", &self.query("nft", &["list", "ruleset"])?));
        }
        lines.extend(self.run(device_settings)?);
        lines.sort();
        Ok(Inventory { lines })
    }

    /// Removes the namespace's name; the kernel frees it when the last process and socket are gone.
    pub(crate) fn delete(&self) -> Result<()> {
        let mut command = Command::new("ip");
        let output = command
            .args(["netns", "del", &self.name])
            .output()
            .map_err(LabError::io(format!("deleting namespace {}", self.name)))?;
        succeeded(&command, output).map(|_| ())
    }
}

/// What a namespace holds: links, addresses, joined groups, routes, rules of nftables and the settings of each device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    lines: Vec<String>,
}

impl Inventory {
    /// One thing a line, with what kind of thing it is in front.
    #[must_use]
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// What is here and was not before (`+ …`), and what was and is no longer (`- …`); empty if all is as it was.
    #[must_use]
    pub fn changes_since(&self, before: &Self) -> Vec<String> {
        let only = |these: &Self, those: &Self, sign: char| {
            let lines = these.lines.iter().filter(|line| !those.lines.contains(line));
            lines.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
        };
        [only(self, before, '+'), only(before, self, '-')].concat()
    }
}

/// Lines with a label in front and single spaces.
fn labelled(label: &str, text: &str) -> Vec<String> {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(|line| format!("{label} {}", words(line))).collect()
}

/// The per-device settings that gateways change.
fn device_settings() -> Vec<String> {
    const FAMILIES: [(&str, &[&str]); 2] = [
        ("ipv4", &["arp_ignore", "arp_announce", "arp_filter", "rp_filter", "forwarding", "accept_local"]),
        ("ipv6", &["forwarding", "accept_ra", "disable_ipv6", "addr_gen_mode"]),
    ];
    let mut lines = Vec::new();
    for (family, names) in FAMILIES {
        let folder = format!("/proc/sys/net/{family}/conf");
        for device in fs::read_dir(&folder).into_iter().flatten().flatten() {
            for name in names {
                let value = fs::read_to_string(device.path().join(name)).unwrap_or_default();
                lines.push(format!("{family} {} {name} {}", device.file_name().display(), value.trim()));
            }
        }
    }
    lines
}

/// Runs a command with `text` as its standard input.
pub(crate) fn feed(command: &mut Command, text: &str) -> Result<()> {
    let words = describe(command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(LabError::io(words.clone()))?;
    if let Some(mut input) = child.stdin.take() {
        // A command that fails early closes its input; its error text says more than the broken pipe.
        let _ = input.write_all(text.as_bytes());
    }
    let mut output = child.wait_with_output().map_err(LabError::io(words))?;
    if let (false, Some(line)) =
        (output.status.success(), failed_line(&String::from_utf8_lossy(&output.stderr), text))
    {
        output.stderr.extend(format!(" ({line})").bytes());
    }
    succeeded(command, output).map(|_| ())
}

/// The input line that iproute2 names by number as having failed.
fn failed_line<'a>(stderr: &str, text: &'a str) -> Option<&'a str> {
    let number = stderr.rsplit_once("Command failed -:")?.1;
    let number: usize = number.trim().parse().ok()?;
    text.lines().nth(number.checked_sub(1)?)
}

fn succeeded(command: &Command, output: Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let stderr = if stderr.is_empty() { output.status.to_string() } else { stderr };
    Err(LabError::Command { command: describe(command), stderr })
}

fn describe(command: &Command) -> String {
    let mut words = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        words.push(' ');
        words.push_str(&argument.to_string_lossy());
    }
    words
}

/// Where a program is: in `PATH`, or in the folders of system programs that an ordinary user's `PATH` may lack.
#[must_use]
pub(crate) fn find_program(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from);
    env::split_paths(&path).chain(system).map(|folder| folder.join(program)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_line_of_a_batch_is_named() {
        let stderr = "Cannot find device \"x\"\nCommand failed -:2";
        assert_eq!(failed_line(stderr, "link set lo up\nlink set x up\n"), Some("link set x up"));
        assert_eq!(failed_line("no such thing", "a\n"), None);
    }

    #[test]
    fn changes_are_told_with_their_sign() {
        let inventory = |text: &str| Inventory { lines: labelled("link", text) };
        let (before, after) = (inventory("lo  UP\nlan0 UP"), inventory("lo UP\nmv0 UP"));
        assert_eq!(after.changes_since(&before), ["+ link mv0 UP", "- link lan0 UP"]);
        assert_eq!(before.changes_since(&before), Vec::<String>::new());
    }

    #[test]
    fn a_shell_is_found_and_nonsense_is_not() {
        assert!(find_program("sh").is_some());
        assert_eq!(find_program("no-such-program-here"), None);
    }
}
