//! The daemon with HSRP, as its operator meets it: groups that run, reloads, objects that fail.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fhrp_lab::world;
use fhrpd::control;
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A daemon with its files in a folder; killed with the test.
struct Daemon {
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    fn start(groups: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), groups);
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
        command.arg("run").arg("--config").arg(folder.path().join("fhrpd.toml"));
        let child = command.stdin(Stdio::null()).stderr(log).spawn().unwrap();
        Self { child, folder }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("fhrpd.sock")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn reload(&self, groups: &str) -> Value {
        write(self.folder.path(), groups);
        control::ask(&self.socket(), "reload").unwrap()["changes"].clone()
    }

    /// `fhrpd track`
    fn track(&self, name: &str, state: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
        command.args(["track", name, state, "--socket"]).arg(self.socket()).output().unwrap()
    }

    /// Waits until the groups, as number, priority and state, are these.
    fn wait(&self, wanted: &[(u64, u64, &str)]) {
        let wanted: Vec<Value> =
            wanted.iter().map(|(group, priority, state)| json!([group, priority, state])).collect();
        let end = now() + PATIENCE;
        let mut last = Vec::new();
        while now() < end {
            if let Ok(report) = control::ask(&self.socket(), "show") {
                let groups = report["groups"].as_array().unwrap().iter();
                last = groups
                    .map(|group| json!([group["group"], group["effective_priority"], group["state"]]))
                    .collect();
                if last == wanted {
                    return;
                }
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("not in {PATIENCE:?}: {last:?}, but {wanted:?}\n{}", self.log());
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits for real things")]
fn now() -> Instant {
    Instant::now()
}

fn write(folder: &Path, groups: &str) {
    let path = folder.display();
    let text =
        format!("[daemon]\ncontrol_socket = \"{path}/fhrpd.sock\"\nstate_dir = \"{path}/state\"\n{groups}");
    fs::write(folder.join("fhrpd.toml"), text).unwrap();
}

fn ip(arguments: &str) {
    assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success(), "ip {arguments}");
}

/// A network of one router.
fn lan() {
    ip("link add lan0 type veth peer name lan1");
    ip("link set lan1 up");
    ip("link set lan0 up");
    ip("address add 192.0.2.2/24 dev lan0");
}

fn group(number: u8, lines: &str) -> String {
    format!(
        "[[hsrp]]\ninterface = \"lan0\"\nversion = 2\ngroup = {number}\naddresses = [\"192.0.2.1{number}\"]\n\
         hello_time = \"100ms\"\nhold_time = \"300ms\"\n{lines}\n"
    )
}

fn holds(address: &str) -> bool {
    let shown = Command::new("ip").args(["-brief", "address"]).output().unwrap();
    String::from_utf8(shown.stdout).unwrap().contains(address)
}

#[test]
fn a_group_runs_and_a_reload_changes_what_changed() {
    let Some(_world) = world!() else { return };
    lan();
    let chain = |key: &str| {
        format!("[[key_chain]]\nname = \"lan\"\nkeys = [{{ id = 1, key = \"{key}\" }}]\n")
            + &group(2, "authentication = \"md5\"\nkey_chain = \"lan\"")
    };
    let daemon = Daemon::start(&(group(1, "priority = 150") + &chain("one")));
    daemon.wait(&[(1, 150, "active"), (2, 100, "active")]);
    assert!(holds("192.0.2.11/") && holds("192.0.2.12/"));
    assert_eq!(daemon.reload(&(group(1, "priority = 150") + &chain("two"))), "0 added, 1 changed, 0 removed");
    assert_eq!(daemon.reload(&(group(1, "priority = 160") + &chain("two"))), "0 added, 1 changed, 0 removed");
    daemon.wait(&[(1, 160, "active"), (2, 100, "active")]);
    assert_eq!(daemon.reload(&group(3, "")), "1 added, 0 changed, 2 removed");
    daemon.wait(&[(3, 100, "active")]);
    let gone = || !holds("192.0.2.11/") && !holds("192.0.2.12/");
    assert!((0..200).any(|_| gone() || {
        thread::sleep(Duration::from_millis(10));
        false
    }));
}

#[test]
fn an_interface_that_fails_lowers_the_priority() {
    let Some(_world) = world!() else { return };
    lan();
    ip("link add up0 type veth peer name up1");
    ip("link set up0 up");
    ip("link set up1 up");
    let track = "[[track]]\nname = \"uplink\"\ninterface = \"up0\"\n";
    let tracking = "priority = 150\ntrack = [{ name = \"uplink\", decrement = 60 }]";
    let daemon = Daemon::start(&(track.to_owned() + &group(1, tracking)));
    daemon.wait(&[(1, 150, "active")]);
    // Without carrier, as when a cable is cut.
    ip("link set up1 down");
    daemon.wait(&[(1, 90, "active")]);
    ip("link set up1 up");
    daemon.wait(&[(1, 150, "active")]);
    ip("link delete up0");
    daemon.wait(&[(1, 90, "active")]);
    let by_hand = daemon.track("uplink", "up");
    assert_eq!(by_hand.status.code(), Some(1));
    let said = String::from_utf8(by_hand.stderr).unwrap();
    assert_eq!(
        said,
        "fhrpd: fhrpd says: \"uplink\" is the state of interface up0; it cannot be set by hand\n"
    );
    // Another interface, and then none: what was known is forgotten.
    ip("link add new0 type veth peer name new1");
    ip("link set new0 up");
    daemon.reload(&(track.replace("up0", "new0") + &group(1, tracking)));
    daemon.wait(&[(1, 90, "active")]);
    ip("link set new1 up");
    daemon.wait(&[(1, 150, "active")]);
    ip("link set new1 down");
    daemon.wait(&[(1, 90, "active")]);
    let changes = daemon.reload(&("[[track]]\nname = \"uplink\"\n".to_owned() + &group(1, tracking)));
    assert_eq!(changes, "0 added, 0 changed, 0 removed; 1 tracked object changed");
    daemon.wait(&[(1, 150, "active")]);
}

#[test]
fn an_interface_that_never_was_is_down() {
    let Some(_world) = world!() else { return };
    lan();
    let track = "[[track]]\nname = \"uplink\"\ninterface = \"nowhere0\"\n".to_owned();
    let daemon = Daemon::start(&(track + &group(1, "track = [{ name = \"uplink\" }]")));
    daemon.wait(&[(1, 90, "active")]);
    let said = "interface nowhere0 does not exist: tracked object uplink is down until it appears";
    assert!(daemon.log().contains(said), "{}", daemon.log());
}

#[test]
fn an_object_is_set_by_hand() {
    let Some(_world) = world!() else { return };
    lan();
    let (exit, other) = ("[[track]]\nname = \"exit\"\n", "[[track]]\nname = \"other\"\n");
    let stopping = group(1, "track = [{ name = \"exit\", shutdown = true }]");
    let vrrp = "[[vrrp]]\ninterface = \"lan0\"\nvrid = 9\naddresses = [\"192.0.2.19\"]\n\
                track = [{ name = \"exit\", decrement = 30 }]\n";
    let daemon = Daemon::start(&[exit, &stopping, vrrp].concat());
    daemon.wait(&[(1, 100, "active"), (9, 100, "active")]);
    assert!(daemon.track("exit", "down").status.success());
    daemon.wait(&[(1, 100, "initial"), (9, 70, "active")]);
    assert!((0..200).any(|_| !holds("192.0.2.11/") || {
        thread::sleep(Duration::from_millis(10));
        false
    }));
    // A reload that has nothing to do with it leaves it down.
    daemon.reload(&[exit, other, &stopping, vrrp].concat());
    daemon.wait(&[(1, 100, "initial"), (9, 70, "active")]);
    assert!(daemon.track("exit", "up").status.success());
    daemon.wait(&[(1, 100, "active"), (9, 100, "active")]);
    let unknown = daemon.track("exti", "down");
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8(unknown.stderr).unwrap();
    assert!(said.contains(
        "there is no tracked object \"exti\" in the configuration; there are: \"exit\", \"other\""
    ));
    let log = daemon.log();
    assert!(
        log.contains("tracked object exit is set down") && log.contains("tracked object exit is up"),
        "{log}"
    );
}
