//! The daemon as its operator meets it: control socket, reload, a log that nobody reads, the way out.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::fs;
use std::io::{PipeReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fhrp_lab::world;
use fhrpd::control;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);

/// A daemon with its files in a folder; killed with the test.
struct Daemon {
    child: Child,
    socket: PathBuf,
    file: PathBuf,
    log: PipeReader,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn group(interface: &str, vrid: u8, priority: u8) -> String {
    format!(
        "[[vrrp]]\ninterface = \"{interface}\"\nvrid = {vrid}\naddresses = [\"192.0.2.{vrid}\"]\npriority = {priority}\n"
    )
}

impl Daemon {
    fn start(folder: &Path, groups: &str) -> Self {
        let (file, socket) = (folder.join("fhrpd.toml"), folder.join("fhrpd.sock"));
        let (log, stderr) = std::io::pipe().unwrap();
        let daemon = Self { child: spawn(&write(&file, folder, groups), stderr.into()), socket, file, log };
        daemon.wait(|answer| answer["groups"].is_array());
        daemon
    }

    fn rewrite(&self, groups: &str) {
        write(&self.file, self.file.parent().unwrap(), groups);
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(status.unwrap().success());
    }

    /// The report once it is as `wanted`.
    fn wait(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = now() + PATIENCE;
        let mut last = Value::Null;
        while now() < end {
            if let Ok(answer) = control::ask(&self.socket, "show") {
                if wanted(&answer) {
                    return answer;
                }
                last = answer;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("not in {PATIENCE:?}: {last}");
    }

    /// Ends the daemon; its exit code, how long that took, and its log.
    fn terminate(mut self) -> (Option<i32>, Duration, String) {
        let begin = now();
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        let took = begin.elapsed();
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        (status.code(), took, log)
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits for real things")]
fn now() -> Instant {
    Instant::now()
}

fn write(file: &Path, folder: &Path, groups: &str) -> PathBuf {
    let folder = folder.display();
    let text = format!(
        "[daemon]\ncontrol_socket = \"{folder}/fhrpd.sock\"\nstate_dir = \"{folder}/state\"\n{groups}"
    );
    fs::write(file, text).unwrap();
    file.to_owned()
}

fn spawn(file: &Path, stderr: Stdio) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    command.arg("run").arg("--config").arg(file).stdin(Stdio::null()).stderr(stderr).spawn().unwrap()
}

fn ip(arguments: &str) {
    assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
}

/// The groups as `(vrid, priority, state)`.
fn groups(report: &Value) -> Vec<(u64, u64, String)> {
    let one = |group: &Value| {
        let number = |key: &str| group[key].as_u64().unwrap();
        (number("group"), number("priority"), group["state"].as_str().unwrap().to_owned())
    };
    report["groups"].as_array().unwrap().iter().map(one).collect()
}

#[test]
fn a_missing_interface_is_waited_for_and_then_used() {
    let Some(_world) = world!() else { return };
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), &group("later0", 10, 150));
    let report = daemon.wait(|report| groups(report).len() == 1);
    assert_eq!(groups(&report), [(10, 150, "initialize".to_owned())]);
    assert_eq!(report["groups"][0]["waiting"], "interface does not exist");
    // What the operator reads comes after the kernel's interfaces have been listed, and settled.
    thread::sleep(Duration::from_millis(1200));
    ip("link add later0 type veth peer name later1");
    ip("link set later1 up");
    ip("link set later0 up");
    ip("address add 192.0.2.2/24 dev later0");
    daemon.wait(|report| groups(report) == [(10, 150, "active".to_owned())]);
    let (code, _, log) = daemon.terminate();
    assert_eq!(code, Some(0));
    assert!(log.contains("interface later0 does not exist: 1 group will start when it appears"), "{log}");
    assert!(log.contains("vrrp later0 ipv4 10: backup -> active: no active router was heard"), "{log}");
    assert!(!folder.path().join("fhrpd.sock").exists());
    assert_eq!(folder.path().join("state").metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[test]
fn a_reload_changes_what_changed_and_an_error_changes_nothing() {
    let Some(_world) = world!() else { return };
    let folder = tempfile::tempdir().unwrap();
    let both = group("lan0", 10, 150) + &group("lan0", 20, 150);
    let daemon = Daemon::start(folder.path(), &both);
    daemon.wait(|report| groups(report).len() == 2);
    daemon.rewrite(&(group("lan0", 20, 90) + &group("lan0", 30, 100)));
    daemon.signal("HUP");
    let changed = |report: &Value| {
        groups(report).iter().map(|(vrid, priority, _)| (*vrid, *priority)).collect::<Vec<_>>()
    };
    daemon.wait(|report| changed(report) == [(20, 90), (30, 100)]);
    daemon.rewrite("[[vrrp]]\ninterfaces = \"lan0\"\n");
    let refused = control::ask(&daemon.socket, "reload").unwrap_err().to_string();
    assert!(refused.contains("unknown key `interfaces` in [[vrrp]]; did you mean `interface`?"), "{refused}");
    assert_eq!(changed(&daemon.wait(|_| true)), [(20, 90), (30, 100)]);
    let (code, _, log) = daemon.terminate();
    assert_eq!(code, Some(0));
    assert!(log.contains("1 added, 1 changed, 1 removed") && log.contains("not reloaded"), "{log}");
}

#[test]
fn a_reload_of_a_file_without_groups_is_refused() {
    let Some(_world) = world!() else { return };
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), &group("lan0", 10, 150));
    let before = groups(&daemon.wait(|report| groups(report).len() == 1));
    let ask = || control::ask(&daemon.socket, "reload").map_err(|error| error.to_string());
    daemon.rewrite("[[track]]\nname = \"uplink\"\n");
    let only_daemon = ask().unwrap_err();
    fs::write(&daemon.file, "").unwrap();
    for refused in [only_daemon, ask().unwrap_err()] {
        assert!(refused.contains("not reloaded") && refused.contains("has no groups"), "{refused}");
    }
    assert_eq!(groups(&daemon.wait(|_| true)), before);
    daemon.rewrite(&group("lan0", 10, 90));
    ask().unwrap();
    daemon.wait(|report| groups(report)[0].1 == 90);
    let (code, _, log) = daemon.terminate();
    assert_eq!(code, Some(0));
    assert!(log.contains("has no groups") && !log.contains("would do nothing"), "{log}");
}

#[test]
fn a_log_that_nobody_reads_delays_nothing() {
    let Some(_world) = world!() else { return };
    let folder = tempfile::tempdir().unwrap();
    // The pipe of `start` is read only after the end; a pipe holds 64 kB and one of these lines has over 100 octets.
    let daemon = Daemon::start(folder.path(), &group("lan0", 10, 150));
    daemon.rewrite("[[vrrp]]\ninterfaces = \"lan0\"\n");
    for _ in 0..1000 {
        let begin = now();
        assert!(control::ask(&daemon.socket, "reload").is_err());
        assert!(begin.elapsed() < Duration::from_secs(2));
    }
    let Daemon { child, .. } = &daemon;
    let id = child.id();
    daemon.signal("TERM");
    let end = now() + Duration::from_secs(2);
    // Gone, or a zombie that waits for us.
    let ended = || fs::read_to_string(format!("/proc/{id}/stat")).map_or(true, |stat| stat.contains(") Z "));
    while !ended() {
        assert!(now() < end, "the exit waits for the log's reader");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Nobody succeeds it, so that it waits as long as it may.
#[test]
fn how_long_a_successor_is_waited_for_is_the_operators_choice() {
    let Some(_world) = world!() else { return };
    ip("link add lan0 type veth peer name lan1");
    ip("link set lan1 up");
    ip("link set lan0 up");
    ip("address add 192.0.2.2/24 dev lan0");
    let lives_on = |said: &str| {
        let folder = tempfile::tempdir().unwrap();
        let quick = group("lan0", 10, 150) + "advertisement_interval = \"100ms\"\n";
        let daemon = Daemon::start(folder.path(), &format!("{said}{quick}"));
        daemon.wait(|report| groups(report) == [(10, 150, "active".to_owned())]);
        let (code, took, log) = daemon.terminate();
        assert_eq!(code, Some(0), "{log}");
        took
    };
    let wait = Duration::from_secs(2);
    assert!(lives_on("stop_linger = \"2s\"\n") >= wait);
    assert!(lives_on("stop_linger = \"0s\"\n") < wait);
}

#[test]
fn a_second_daemon_is_refused() {
    let Some(_world) = world!() else { return };
    let folder = tempfile::tempdir().unwrap();
    let daemon = Daemon::start(folder.path(), &group("lan0", 10, 150));
    let second = spawn(&daemon.file, Stdio::piped()).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains("another fhrpd answers at"), "{said}");
    assert_eq!(daemon.terminate().0, Some(0));
}
