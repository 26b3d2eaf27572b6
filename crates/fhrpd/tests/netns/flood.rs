//! Nonsense, 50,000 frames a second or what the machine can do: counted, and otherwise without effect.

use std::{collections::BTreeMap, fs, thread, time::Duration};

use fhrp_lab::{Capture, CaptureScope, Injector, Lab, LabOptions, RouterProcess, Stamp, VrrpGroup, world};
use fhrp_wire::Family;

use crate::{advertisements, counters, fhrpd, frames::Sample, growth, start_pair, state};

/// Frames of one millisecond.
const BURST: usize = 50;
const BURSTS: u32 = 3000;
/// Before memory is measured: what is allocated once has been.
const FIRST_BURSTS: u32 = 100;
/// What the memory of a daemon may grow by, in kB. A kilobyte for every thousandth frame would be 150.
const MEMORY_KB: u64 = 128;
/// Lines that a daemon may write.
const LINES: usize = 12;

/// Numbers that look like chance and are the same each time (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn octet(&mut self) -> u8 {
        self.next().to_le_bytes()[3]
    }
}

/// Frames of protocol 112, none of which is a sound advertisement of a group that runs: advertisements with octets
/// changed at random, cut off at random, or for any other group.
fn nonsense(samples: &[Sample]) -> Vec<Vec<u8>> {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    let mut frames = Vec::new();
    while frames.len() < 4096 {
        let sample = &samples[chance.below(samples.len())];
        let mut frame = sample.sealed();
        let message = frame.len() - sample.message_octets();
        for _ in 0..=chance.below(8) {
            let at = message + chance.below(frame.len() - message);
            frame[at] = chance.octet();
        }
        frame.truncate(message + chance.below(sample.message_octets() * 2));
        if frame != sample.sealed() {
            frames.push(frame);
        }
    }
    frames
}

/// Sends bursts of frames, one a millisecond, and catches up when it is late.
fn flood(injector: &Injector, frames: &[Vec<u8>], bursts: u32) -> Duration {
    let begin = Stamp::now();
    let mut frames = frames.iter().cycle();
    for burst in 1..=bursts {
        for frame in frames.by_ref().take(BURST) {
            injector.send(frame).unwrap();
        }
        let due = begin.after(Duration::from_millis(1) * burst);
        thread::sleep(due.since(Stamp::now()));
    }
    Stamp::now().since(begin)
}

/// Memory of a process that no file is behind, in kB. (What it shares with others depends on who else runs.)
fn memory_kb(process: &RouterProcess) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

fn lines(process: &RouterProcess) -> usize {
    process.log().lines().count()
}

#[test]
fn costs_neither_advertisements_nor_states_nor_memory_nor_log() {
    let Some(world) = world!() else { return };
    let lab = Lab::build(world, &LabOptions::default()).unwrap();
    let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
    let groups = [Family::V4, Family::V6].map(|family| VrrpGroup::new(family, 200));
    let processes = start_pair(&lab, &capture, [&fhrpd(), &fhrpd()], &groups);
    let host = lab.host(1).unwrap();
    let sources = [host.lan_address(0, Family::V4), host.link_local().into()];
    let samples: Vec<_> = groups
        .iter()
        .zip(sources)
        .map(|(group, source)| {
            let own = |events: &[_]| Sample::of(&advertisements(events, "r1", group).next().unwrap().frame);
            capture.look(0, own).said_by(source, 254)
        })
        .collect();
    // It would take as long to read the flood as to send it.
    drop(capture);
    let injector = host.injector("lan0").unwrap();
    let frames = nonsense(&samples);
    let logged = processes.each_ref().map(lines);
    flood(&injector, &frames, FIRST_BURSTS);
    let look = || {
        let all = lab.routers().iter().zip(&processes);
        all.map(|(router, process)| (counters(router), memory_kb(process))).collect::<Vec<_>>()
    };
    let before = look();
    let took = flood(&injector, &frames, BURSTS);
    let after = look();
    println!("{BURSTS} bursts of {BURST} frames in {took:?}");
    for ((process, logged), (was, is)) in processes.iter().zip(logged).zip(before.iter().zip(&after)) {
        let written = lines(process) - logged;
        println!("{} -> {} kB, {written} lines, {:?}", was.1, is.1, growth(&was.0, &is.0));
        assert!(is.1 <= was.1 + MEMORY_KB, "{} -> {} kB", was.1, is.1);
        assert!(written <= LINES, "{written} lines{}", process.log_tail());
    }
    let [first, second] = [0, 1].map(|at: usize| growth(&before[at].0, &after[at].0));
    judge(&first, &second, took, &groups[0]);
    for (router, wanted) in lab.routers().iter().zip(["active", "backup"]) {
        for family in [Family::V4, Family::V6] {
            assert_eq!(state(router, family).as_deref(), Some(wanted), "{}", router.name());
        }
    }
}

fn judge(first: &BTreeMap<String, u64>, second: &BTreeMap<String, u64>, took: Duration, group: &VrrpGroup) {
    let by = |grown: &BTreeMap<String, u64>, name: &str| grown.get(name).copied().unwrap_or(0);
    let due = u64::try_from(took.as_millis() / group.advertisement_interval.as_millis()).unwrap();
    for group in ["group 4/1", "group 6/1"] {
        let sent = by(first, &format!("{group} advertisement-sent"));
        assert!(sent * 4 >= due * 3, "{sent} advertisements of {group} where {due} were due");
        for router in [first, second] {
            assert_eq!(by(router, &format!("{group} active-transitions")), 0);
        }
        assert_eq!(by(first, &format!("{group} advertisement-rcvd")), 0);
        assert_eq!(by(second, &format!("{group} advertisement-sent")), 0);
    }
    let all = u64::from(BURSTS) * u64::try_from(BURST).unwrap();
    for router in [first, second] {
        let heard = by(router, "lan0 frames-rcvd");
        assert!(heard >= all / 2, "the daemon heard {heard} of {all} frames");
    }
}
