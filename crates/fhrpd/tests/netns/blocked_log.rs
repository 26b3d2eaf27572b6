//! A log that nobody reads delays nothing.

use std::{
    io::{PipeReader, PipeWriter, Read as _, Write as _, pipe},
    process::{Child, Command, Stdio},
};

use fhrp_lab::{Capture, CaptureScope, Event, Lab, LabOptions, Node, VrrpGroup, world};
use fhrp_wire::Family;
use fhrpd::control::{self, AskError};
use rustix::{
    pipe::fcntl_getpipe_size,
    process::{Pid, Signal, kill_process},
};

use crate::{SOON, advertised, fhrpd, state, wait_for};

/// More lines than the daemon keeps for a slow reader.
const LINES: usize = 1200;

/// A daemon without a `RouterProcess`; killed with the test.
struct Mute(Child);

impl Drop for Mute {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A pipe that takes nothing more, and how much it took.
fn full_pipe() -> (PipeReader, PipeWriter, Vec<u8>) {
    let (reader, mut writer) = pipe().unwrap();
    let filling = vec![b'.'; fcntl_getpipe_size(&writer).unwrap()];
    writer.write_all(&filling).unwrap();
    (reader, writer, filling)
}

fn start(router: &Node, group: &VrrpGroup, stderr: PipeWriter) -> Mute {
    let daemon = fhrpd();
    let configuration = daemon.configuration(std::slice::from_ref(group), &router.work_dir());
    daemon.write_configuration(router, &configuration).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fhrpd"));
    command.arg("run").arg("--config").arg(daemon.configuration_path(router)).env("FHRPD_LOG", "trace");
    Mute(router.namespace().spawn(command.stdin(Stdio::null()).stderr(stderr)).unwrap())
}

#[test]
fn delays_neither_takeover_nor_advertisements_nor_the_way_out() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions { hosts: 0, ..LabOptions::default() }).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let (better, worse) = (VrrpGroup::new(Family::V4, 200), VrrpGroup::new(Family::V4, 150));
    let mut first = fhrpd().start(lab.router(1).unwrap(), std::slice::from_ref(&better)).unwrap();
    assert!(advertised(&capture, 0, "r1", &better, 3), "{}", first.log_tail());

    let router = lab.router(2).unwrap();
    let (mut reader, writer, filling) = full_pipe();
    let mut mute = start(router, &worse, writer);
    wait_for("a Backup", || (state(router, Family::V4)? == "backup").then_some(()));
    // Each of these is a line of the log.
    fhrpd().write_configuration(router, "[[vrrp]]\ninterfaces = \"lan0\"\n").unwrap();
    for _ in 0..LINES {
        let answer = control::ask(&router.work_dir().join("fhrpd.sock"), "reload");
        assert!(matches!(answer, Err(AskError::Refused(_))), "{answer:?}");
    }
    assert_eq!(state(router, Family::V4).as_deref(), Some("backup"));

    let mark = capture.mark();
    first.kill();
    assert!(advertised(&capture, mark, "r2", &worse, 20), "a Backup with a blocked log has to take over");
    let sent = capture.since(mark);
    let own: Vec<_> = crate::advertisements(&sent, "r2", &worse).map(|event| event.at).collect();
    let (took, bound) = (own[19].since(own[0]), worse.advertisement_interval * 19);
    assert!(took < bound * 2, "20 advertisements in {took:?}");

    let mark = capture.mark();
    kill_process(Pid::from_child(&mute.0), Signal::TERM).unwrap();
    let resigned = |events: &[Event]| {
        let said =
            events.iter().filter(|event| &*event.node == "r2").filter_map(|event| event.kind.advertisement());
        said.into_iter().any(|said| said.priority == 0).then_some(())
    };
    assert!(capture.wait_for(mark, SOON, resigned).is_some());
    assert!(wait_for("the end of the daemon", || mute.0.try_wait().unwrap()).success());
    // The log was blocked all the time.
    let mut log = Vec::new();
    reader.read_to_end(&mut log).unwrap();
    assert_eq!(log.len(), filling.len(), "{}", String::from_utf8_lossy(&log[filling.len()..]));
}
