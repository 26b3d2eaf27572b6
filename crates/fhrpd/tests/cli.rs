//! The built program: exit codes, and what goes where.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

use std::fs::File;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use fhrp_lab::test_name;
use fhrp_lab::testing::{Need, captures, require};

fn fhrpd(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fhrpd")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).unwrap()
}

/// A file in a folder that lives as long as the first part.
fn file(content: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fhrpd.toml");
    std::fs::write(&path, content).unwrap();
    (folder, path)
}

const GOOD: &str = "[[vrrp]]\ninterface = \"eth0\"\nvrid = 10\naddresses = [\"2001:db8::1\"]\n";

#[test]
fn a_good_file_is_summed_up() {
    let (_folder, path) = file(GOOD);
    let path = path.to_str().unwrap();
    let output = fhrpd(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(
        text(&output.stdout),
        format!(
            "vrrp eth0 ipv6 10: version 3, priority 100, every 1s, fe80::5e00:2:a 2001:db8::1 on 00:00:5e:00:02:0a\n\
             {path}: 1 group, no error\n"
        )
    );
    assert!(text(&output.stderr).contains("fe80::5e00:2:a is put first"), "{output:?}");
}

#[test]
fn a_group_of_users_that_is_not_here_is_warned_of() {
    let (_folder, path) = file(&format!("[daemon]\ncontrol_group = \"nosuch-group\"\n{GOOD}"));
    let output = fhrpd(&["check", "--config", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = text(&output.stderr);
    assert!(said.contains("warning: there is no group of users \"nosuch-group\" here"), "{said}");
    assert!(said.contains("fhrpd.toml:2:17") && said.contains("change `control_group`"), "{said}");
    let (_folder, path) = file(&format!("[daemon]\ncontrol_group = \"root\"\n{GOOD}"));
    let output = fhrpd(&["check", "--config", path.to_str().unwrap()]);
    assert!(!text(&output.stderr).contains("warning"), "{output:?}");
}

#[test]
fn each_hsrp_group_has_a_line() {
    let (_folder, path) = file(
        "[[hsrp]]\ninterface = \"eth0\"\ngroup = 1\naddresses = [\"192.0.2.1\"]\nname = \"lan\"\n\
         hello_time = \"1s\"\nhold_time = \"3s\"\n\
         [[hsrp]]\ninterface = \"eth1\"\naddresses = []\nfamily = 4\n\
         [[hsrp]]\ninterface = \"eth2\"\nversion = 2\naddresses = [\"autoconfig\"]\nfollow = \"lan\"\n\
         [[hsrp]]\ninterface = \"eth3\"\naddresses = [\"198.51.100.1\"]\nuse_bia = true\n",
    );
    let path = path.to_str().unwrap();
    let output = fhrpd(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        text(&output.stdout),
        format!(
            "hsrp eth0 ipv4 1: version 1, priority 100, hello 1s, hold 3s, 192.0.2.1 on 00:00:0c:07:ac:01\n\
             hsrp eth1 ipv4 0: version 1, priority 100, timers of the active router, address to be learned on \
             00:00:0c:07:ac:00\n\
             hsrp eth2 ipv6 0: version 2, follows lan, fe80::5:73ff:fea0:0 on 00:05:73:a0:00:00\n\
             hsrp eth3 ipv4 0: version 1, priority 100, timers of the active router, 198.51.100.1 without virtual MAC\n\
             {path}: 4 groups, no error\n"
        )
    );
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn each_glbp_group_has_a_line() {
    let (_folder, path) = file(
        "[[glbp]]\ninterface = \"eth0\"\ngroup = 1\naddresses = [\"192.0.2.1\"]\nweighting = 110\n\
         hello_time = \"250ms\"\nhold_time = \"750ms\"\n\
         [[glbp]]\ninterface = \"eth0\"\ngroup = 1023\naddresses = []\nfamily = 6\npriority = 150\n",
    );
    let path = path.to_str().unwrap();
    let output = fhrpd(&["check", "--config", path]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(
        text(&output.stdout),
        format!(
            "glbp eth0 ipv4 1: priority 100, weighting 110, hello 250ms, hold 750ms, 192.0.2.1 on \
             00:07:b4:00:01:01 to 00:07:b4:00:01:04\n\
             glbp eth0 ipv6 1023: priority 150, weighting 100, hello 3s, hold 10s, address to be learned on \
             00:07:b4:03:ff:01 to 00:07:b4:03:ff:04\n\
             {path}: 2 groups, no error\n"
        )
    );
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn faulty_files_exit_with_2() {
    let (_folder, path) = file("[[vrrp]]\ninterfaces = \"eth0\"\n");
    for command in ["check", "run"] {
        let output = fhrpd(&[command, "--config", path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{command}");
        assert!(text(&output.stderr).contains("did you mean `interface`?"), "{command}: {output:?}");
        assert!(output.stdout.is_empty(), "{command}");
    }
    let output = fhrpd(&["check", "--config", "/nonexistent.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stderr), "error: cannot read /nonexistent.toml: No such file or directory\n");
}

/// The commands that look for a daemon in a configuration file.
const SEEKERS: [&[&str]; 3] = [&["show"], &["track", "uplink", "up"], &["cleanup"]];

#[test]
fn who_seeks_a_daemon_reads_only_its_table() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display().to_string();
    let (socket, state, file) =
        (format!("{place}/fhrpd.sock"), format!("{place}/state"), format!("{place}/fhrpd.toml"));
    let table = format!("[daemon]\ncontrol_socket = \"{socket}\"\nstate_dir = \"{state}\"\n");
    let run = |text: &str, command: &[&str]| {
        std::fs::write(&file, text).unwrap();
        let output = fhrpd(&[command, &["--config", &file]].concat());
        (output.status.code(), text_of(&output))
    };
    for command in SEEKERS {
        let (code, said) = run(&format!("nonsense = 1\n{table}[[vrrp]]\ninterfaces = \"eth0\"\n"), command);
        let place = if command == ["cleanup"] { &state } else { &socket };
        assert_eq!(code, Some(1), "{command:?}: {said}");
        assert!(said.contains(place.as_str()) && !said.contains("interfaces"), "{command:?}: {said}");

        let (code, said) = run(&format!("{table}log = \"xml\"\n[[vrrp]]\ninterfaces = \"eth0\"\n"), command);
        assert_eq!(code, Some(2), "{command:?}: {said}");
        assert!(said.contains("`log`") && said.contains("1 error\n"), "{command:?}: {said}");

        let (code, said) = run(&format!("{table}[[vrrp]\n"), command);
        assert_eq!(code, Some(2), "{command:?}: {said}");
        assert!(said.contains("fhrpd.toml:4:"), "{command:?}: {said}");
    }
}

#[test]
fn the_usual_file_counts_unless_there_is_none() {
    let Some(_world) = fhrp_lab::world!() else { return };
    let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/etc"]).status().unwrap();
    assert!(mounted.success());
    let say = |command: &[&str]| {
        let output = fhrpd(command);
        (output.status.code(), text_of(&output))
    };
    let (code, said) = say(&["show"]);
    assert!(code == Some(1) && said.contains("/run/fhrpd/fhrpd.sock"), "{said}");
    std::fs::write("/etc/fhrpd.toml", "[daemon]\ncontrol_sockets = \"/nonexistent\"\n").unwrap();
    for command in SEEKERS {
        let (code, said) = say(command);
        assert_eq!(code, Some(2), "{command:?}: {said}");
        assert!(said.contains("did you mean `control_socket`?"), "{command:?}: {said}");
    }
    std::fs::write("/etc/fhrpd.toml", "[daemon]\nstate_dir = \"/nonexistent\"\n").unwrap();
    assert_eq!(say(&["cleanup"]), (Some(1), "fhrpd: no such state directory: /nonexistent\n".to_owned()));
}

fn text_of(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn wrong_arguments_exit_with_2() {
    for arguments in [
        &["sho"][..],
        &["decode"],
        &["show", "--format", "xml"],
        &["lab", "carp"],
        &["track", "uplink"],
        &["track", "uplink", "broken"],
        &["lab", "--target", "r9"],
    ] {
        assert_eq!(fhrpd(arguments).status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn help_and_version_exit_with_0() {
    for arguments in [&["--help"][..], &["--version"], &["run", "--help"], &["lab", "--help"]] {
        assert_eq!(fhrpd(arguments).status.code(), Some(0), "{arguments:?}");
    }
    assert_eq!(text(&fhrpd(&["--version"]).stdout), format!("fhrpd {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn no_daemon_exits_with_1() {
    for command in [&["show"][..], &["track", "uplink", "up"]] {
        let output = fhrpd(&[command, &["--socket", "/nonexistent/fhrpd.sock"]].concat());
        assert_eq!(output.status.code(), Some(1));
        let expected = "fhrpd: fhrpd is not running (nobody answers at /nonexistent/fhrpd.sock)";
        assert!(text(&output.stderr).starts_with(expected), "{output:?}");
    }
}

#[test]
fn malformed_packets_are_no_failure_and_unreadable_files_are() {
    let malformed = fhrpd(&["decode", "--json", "210a6401 00011234 c0000201 0000000000000000"]);
    assert_eq!(malformed.status.code(), Some(0));
    assert_eq!(
        text(&malformed.stdout),
        "{\"frame\":1,\"protocol\":\"vrrp\",\"error\":\"wrong checksum\"}\n\
         {\"frames\":1,\"decoded\":0,\"malformed\":1}\n"
    );
    assert_eq!(fhrpd(&["decode", "/nonexistent.pcap"]).status.code(), Some(2));
}

#[test]
fn what_decode_skips_is_said() {
    let output = fhrpd(&["decode", "41056401"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), "1 frames, 0 decoded, 0 malformed\n");
    assert_eq!(text(&output.stderr), "fhrpd: 41056401: 1 frame: neither VRRP, HSRP nor GLBP\n");
    let nothing = fhrpd(&["decode", "zz"]);
    assert_eq!((nothing.status.code(), text(&nothing.stdout)), (Some(2), String::new()));
    if !require(test_name!(), &[Need::Captures]) {
        return;
    }
    let path = captures().unwrap().join("vrrp-malformed-fuzz.pcap");
    let output = fhrpd(&["decode", path.to_str().unwrap()]);
    assert_eq!(text(&output.stdout), "3 frames, 0 decoded, 0 malformed\n");
    assert!(text(&output.stderr).contains("3 frames: link type 107 is not read"), "{output:?}");
}

/// The program with a stdout and a stderr of which nobody reads a word; `Some` of one that is full.
fn unread(arguments: &[&str], full: [Option<&File>; 2]) -> Output {
    let stream = |full: Option<&File>| match full {
        Some(full) => full.try_clone().unwrap().into(),
        None => Stdio::piped(),
    };
    let [out, err] = full.map(stream);
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    let mut child = command.args(arguments).stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
    drop(child.stdout.take());
    child.wait_with_output().unwrap()
}

fn full() -> File {
    File::options().write(true).open("/dev/full").unwrap()
}

const MESSAGE: &str = "310a6401 0064a88e c0000201";

#[test]
fn output_that_is_lost_is_a_failure() {
    let (folder, path) = file(GOOD);
    let path = path.to_str().unwrap();
    let full = full();
    for arguments in [
        &["--help"][..],
        &["--version"],
        &["check", "-c", path],
        &["decode", MESSAGE],
        &["decode", "--json", "00"],
        &["simulate", path],
        &["cleanup", "--state-dir", folder.path().to_str().unwrap()],
    ] {
        let lost = unread(arguments, [Some(&full), None]);
        assert_eq!(lost.status.code(), Some(1), "{arguments:?}: {lost:?}");
        let said = text(&lost.stderr);
        assert!(said.ends_with("cannot write to stdout: No space left on device\n"), "{arguments:?}: {said}");
        let both = unread(arguments, [Some(&full), Some(&full)]);
        assert_eq!(both.status.code(), Some(1), "{arguments:?}");
    }
    let remark = unread(&["check", "-c", path], [None, Some(&full)]);
    assert_eq!(remark.status.code(), Some(1));
}

#[test]
fn a_complaint_that_nobody_reads_keeps_its_exit_status() {
    let full = full();
    for (arguments, code) in [
        (&["check", "-c", "/nonexistent"][..], 2),
        (&["run", "-c", "/nonexistent"], 2),
        (&["simulate", "/nonexistent"], 2),
        (&["decode", "zz"], 2),
        (&["lab", "--target", "r9"], 2),
        (&["frobnicate"], 2),
        (&["show", "--socket", "/nonexistent"], 1),
    ] {
        assert_eq!(unread(arguments, [None, Some(&full)]).status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn the_laboratory_outlives_its_readers() {
    if !require(test_name!(), &[Need::Netns]) {
        return;
    }
    let full = full();
    let plain = unread(&["lab", "--fault", "silent"], [None, None]);
    assert!(plain.status.success() && plain.stderr.is_empty(), "{plain:?}");
    let lost = unread(&["lab"], [Some(&full), None]);
    assert_eq!(lost.status.code(), Some(1));
    assert_eq!(text(&lost.stderr), "fhrpd lab: cannot write to stdout: No space left on device\n");
    let both = unread(&["lab", "--json"], [Some(&full), Some(&full)]);
    assert_eq!(both.status.code(), Some(1));
}

#[test]
fn a_capture_that_cannot_be_saved_is_said_before_anything_is_built() {
    let output = fhrpd(&["lab", "--pcap", "/nonexistent/x"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
    assert_eq!(text(&output.stderr), "fhrpd lab: cannot write /nonexistent/x: No such file or directory\n");
}

#[test]
fn the_result_outlives_a_capture_that_cannot_be_saved() {
    if !require(test_name!(), &[Need::Netns]) {
        return;
    }
    let output = fhrpd(&["lab", "--json", "--pcap", "/dev/full"]);
    assert_eq!(output.status.code(), Some(1));
    let object: serde_json::Value =
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
    assert_eq!(object["fault"], "kill");
    let said = text(&output.stderr);
    assert!(said.ends_with("writing /dev/full: No space left on device (os error 28)\n"), "{said}");
}

#[test]
fn a_run_that_fails_leaves_no_empty_capture() {
    if !require(test_name!(), &[Need::Netns]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lan.pcap");
    let without_peers = ["lab", "--peer", "keepalived", "--pcap", path.to_str().unwrap()];
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    let output =
        command.args(without_peers).env("PATH", folder.path()).stdin(Stdio::null()).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(!path.exists());
    std::fs::write(&path, "").unwrap();
    let again = command.output().unwrap();
    assert_eq!(again.status.code(), Some(1), "{again:?}");
    assert!(path.exists(), "it was there before");
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let output = unread(&["decode", MESSAGE], [None, None]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
