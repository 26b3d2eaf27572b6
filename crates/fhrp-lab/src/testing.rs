//! For tests: a world for each test, and skips that nobody overlooks.
//!
//! A test says what it needs. Where the machine lacks it, the test prints `SKIPPED …` and passes; if the environment
//! variable `FHRP_REQUIRE` (a comma-separated list such as `netns,keepalived,frr`) names the missing thing, it
//! fails instead. With `FHRP_TALLY` naming a file, each test appends `ran NAME` or `skipped NAME WHAT` to it.

use std::{
    env, fmt, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{self, Command},
    thread,
    time::Duration,
};

use nix::unistd;

use crate::{
    clock::Stamp,
    forge,
    namespace::find_program,
    world::{self, Entry, Outer, World},
};

const TALLY_VARIABLE: &str = "FHRP_TALLY";
const REQUIRE_VARIABLE: &str = "FHRP_REQUIRE";

/// Something that a test needs and that a machine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Private network namespaces.
    Netns,
    /// The keepalived daemon.
    Keepalived,
    /// FRR's zebra and vrrpd, and the right to switch to their user.
    Frr,
    /// Wireshark's command line program.
    Tshark,
    /// The nft program.
    Nft,
    /// Scapy for Debian's Python.
    Scapy,
    /// The yersinia program.
    Yersinia,
    /// The folder of captured traffic beside the workspace.
    Captures,
    /// The public parsers of router output that `scripts/test` installs.
    Parsers,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Netns => "netns",
            Self::Keepalived => "keepalived",
            Self::Frr => "frr",
            Self::Tshark => "tshark",
            Self::Nft => "nft",
            Self::Scapy => "scapy",
            Self::Yersinia => "yersinia",
            Self::Captures => "captures",
            Self::Parsers => "parsers",
        })
    }
}

impl Need {
    /// Why this machine does not meet the need.
    fn missing(self) -> Option<String> {
        match self {
            Self::Netns => world::permitted().err().map(|error| error.to_string()),
            Self::Keepalived => missing_program("keepalived"),
            Self::Frr => missing_frr(),
            Self::Tshark => missing_program("tshark"),
            Self::Nft => missing_program("nft"),
            Self::Scapy => forge::scapy_is_missing().then(|| "python3-scapy is not installed".to_owned()),
            Self::Yersinia => missing_program("yersinia"),
            Self::Captures => captures().is_none().then(|| "../shared/captures is not there".to_owned()),
            Self::Parsers => parsers()
                .is_none()
                .then(|| "target/parsers is not there; scripts/test installs it".to_owned()),
        }
    }
}

fn missing_program(program: &str) -> Option<String> {
    find_program(program).is_none().then(|| format!("{program} is not installed"))
}

fn missing_frr() -> Option<String> {
    if !Path::new("/usr/lib/frr/vrrpd").is_file() {
        return Some("/usr/lib/frr/vrrpd is not installed".to_owned());
    }
    (!unistd::geteuid().is_root())
        .then(|| "FRR's daemons change to the user frr, which needs root".to_owned())
}

/// More than anything should take that a test waits for.
const PATIENCE: Duration = Duration::from_secs(40);
/// Between two looks at something that tells nobody when it changes.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until `found` gives something.
///
/// # Panics
/// With `what`, if that is not within 40 s.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let end = Stamp::now().after(PATIENCE);
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Stamp::now() < end, "waited in vain for {what}");
        thread::sleep(LOOK);
    }
}

/// The folder of captured traffic: `shared/captures` beside the workspace, if present.
#[must_use]
pub fn captures() -> Option<PathBuf> {
    let folder = workspace()?.parent()?.join("shared/captures");
    folder.is_dir().then_some(folder)
}

/// The Python that has the public parsers of router output, if `scripts/test` has installed them.
#[must_use]
pub fn parsers() -> Option<PathBuf> {
    let folder = workspace()?.join("target/parsers");
    folder.join("installed").is_file().then(|| folder.join("bin/python"))
}

fn workspace() -> Option<&'static Path> {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)
}

/// Gives the test function that calls it a private [`World`].
///
/// `world!()` or `world!(Keepalived, Frr)` evaluates to `Option<World>`: `None` in the outer process, where the
/// test has by then run in a world of its own and passed, or was skipped.
///
/// ```no_run
/// #[test]
/// fn hosts_reach_the_gateway() {
///     let Some(world) = fhrp_lab::world!(Keepalived) else { return };
///     let lab = fhrp_lab::Lab::build(world, &fhrp_lab::LabOptions::default()).unwrap();
/// }
/// ```
#[macro_export]
macro_rules! world {
    ($($need:ident),* $(,)?) => {
        $crate::testing::test_world(
            $crate::test_name!(),
            &[$($crate::testing::Need::$need),*],
        )
    };
}

/// The name of the enclosing test function as the test harness knows it.
#[macro_export]
macro_rules! test_name {
    () => {{
        fn here() {}
        $crate::testing::harness_name(::std::any::type_name_of_val(&here))
    }};
}

/// Makes `crate::module::test::here` into `module::test`.
#[doc(hidden)]
#[must_use]
pub fn harness_name(path: &'static str) -> &'static str {
    let path = path.strip_suffix("::here").unwrap_or(path);
    path.split_once("::").map_or(path, |(_, name)| name)
}

/// Runs the test `name` of this test program in a private world; see [`crate::world!`].
///
/// # Panics
/// If the test fails in its world, or needs something that is missing and required.
#[must_use]
pub fn test_world(name: &str, needs: &[Need]) -> Option<World> {
    if process::id() == 1 && env::var_os(world::WORLD_VARIABLE).is_some() {
        match world::enter() {
            Ok(Entry::Inside(world)) => return Some(world),
            Ok(Entry::Ended(status)) => panic!("the world of {name} ended with {status}"),
            Err(error) => panic!("{name} cannot furnish its world: {error}"),
        }
    }
    let all: Vec<_> = [Need::Netns].into_iter().chain(needs.iter().copied()).collect();
    if !met(name, &all) {
        return None;
    }
    let program = world::current_program().unwrap_or_else(|error| panic!("{error}"));
    let mut inner = Command::new(program);
    inner.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    let output = Outer::output(inner).unwrap_or_else(|error| panic!("{name}: {error}"));
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} failed in its world: {}", output.status);
    tally(&format!("ran {name}"));
    None
}

/// Whether a test that needs no world may run: `if !require(test_name!(), &[Need::Tshark]) { return }`.
/// Counts the test as run or skipped.
///
/// # Panics
/// If something is missing and required.
#[must_use]
pub fn require(name: &str, needs: &[Need]) -> bool {
    let met = met(name, needs);
    if met {
        tally(&format!("ran {name}"));
    }
    met
}

/// Whether all needs are met; says loudly which is not.
fn met(name: &str, needs: &[Need]) -> bool {
    for need in needs {
        if let Some(reason) = need.missing() {
            let required = env::var(REQUIRE_VARIABLE).unwrap_or_default();
            assert!(
                !required.split(',').any(|word| word.trim() == need.to_string()),
                "{name} may not be skipped ({REQUIRE_VARIABLE} names {need}): {reason}"
            );
            say(&format!("SKIPPED {need}: {name}: {reason}"));
            tally(&format!("skipped {name} {need}"));
            return false;
        }
    }
    true
}

/// Prints past the harness, which keeps what a passing test prints to itself.
fn say(text: &str) {
    // Loudness is a service to the reader; a closed standard error does not fail the test.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn tally(line: &str) {
    let Some(path) = env::var_os(TALLY_VARIABLE) else { return };
    let file = fs::OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    assert!(written.is_ok(), "cannot write to {}: {written:?}", path.display());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_harness_s() {
        assert_eq!(crate::test_name!(), "testing::tests::the_name_is_the_harness_s");
        assert_eq!(harness_name("failover::kill::here"), "kill");
    }

    #[test]
    fn what_is_missing_skips() {
        assert_eq!(
            missing_program("no-such-program-here"),
            Some("no-such-program-here is not installed".to_owned())
        );
        assert_eq!(missing_program("sh"), None);
    }
}
