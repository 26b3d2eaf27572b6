//! Frames that are no good move nothing but their counters: no state, and no timer.
//!
//! Each is repeated faster than any timer runs out, so that one that started a timer anew would hold it for ever.

use std::{collections::BTreeMap, time::Duration};

use fhrp_lab::{
    Capture, CaptureScope, Event, Injector, Lab, LabOptions, Node, RouterProcess, Stamp, VrrpGroup, World,
    world,
};
use fhrp_wire::Family;

use crate::{
    SOON, advertised, advertisements, counters, fhrpd,
    frames::{Sample, Spoilt},
    growth, state, wait_for,
};

/// The priority of the router under test, and that of the better one that the host plays.
const PRIORITY: u8 = 150;
const BETTER: u8 = 254;
/// Frames that are repeated together: each comes several times in an interval.
const TOGETHER: usize = 25;
const PACE: Duration = Duration::from_micros(500);
/// How much later than the bound a takeover may be on a busy machine.
const GRACE: Duration = Duration::from_secs(1);
/// What clocks and scheduling may make a takeover seem early.
const EARLY: Duration = Duration::from_millis(2);

/// One router, and a host that sends frames.
struct Stage {
    group: VrrpGroup,
    /// As the router sent it.
    sample: Sample,
    injector: Injector,
    process: RouterProcess,
    capture: Capture,
    lab: Lab,
}

impl Stage {
    fn set(world: World, family: Family) -> Self {
        let lab = Lab::build(world, &LabOptions { routers: 1, ..LabOptions::default() }).unwrap();
        let capture = Capture::start(&lab, CaptureScope::Control).unwrap();
        let group = VrrpGroup::new(family, PRIORITY);
        let process = fhrpd().start(lab.router(1).unwrap(), std::slice::from_ref(&group)).unwrap();
        assert!(advertised(&capture, 0, "r1", &group, 3), "{}", process.log_tail());
        let frame =
            capture.look(0, |events| advertisements(events, "r1", &group).next().unwrap().frame.clone());
        let injector = lab.host(1).unwrap().injector("lan0").unwrap();
        Self { group, sample: Sample::of(&frame), injector, process, capture, lab }
    }

    fn router(&self) -> &Node {
        self.lab.router(1).unwrap()
    }

    /// An advertisement of another router, played by the host.
    fn rival(&self, priority: u8) -> Sample {
        let host = self.lab.host(1).unwrap();
        let source = match self.sample.family {
            Family::V4 => host.lan_address(0, Family::V4),
            Family::V6 => host.link_local().into(),
        };
        self.sample.clone().said_by(source, priority)
    }

    /// Every bad frame that can be made of an advertisement.
    fn spoilt(&self, sample: &Sample) -> Vec<Spoilt> {
        let own = match sample.family {
            Family::V4 => self.router().lan_address(0, Family::V4),
            Family::V6 => self.router().link_local().into(),
        };
        sample.spoilt(own)
    }

    fn state(&self) -> String {
        state(self.router(), self.sample.family).expect("the daemon answers")
    }

    /// Repeats frames, and each at least once, until `enough` finds something in what was captured since `mark`. Gives
    /// that, and how many were sent.
    fn repeat<R>(
        &self,
        frames: &[Vec<u8>],
        mark: usize,
        mut enough: impl FnMut(&[Event]) -> Option<R>,
    ) -> (R, usize) {
        let end = Stamp::now().after(SOON);
        for (sent, frame) in frames.iter().cycle().enumerate() {
            if let Some(found) =
                self.capture.wait_for(mark, PACE, &mut enough).filter(|_| sent >= frames.len())
            {
                return (found, sent);
            }
            assert!(Stamp::now() < end, "held off by one of {frames:02x?}{}", self.process.log_tail());
            self.injector.send(frame).unwrap();
        }
        unreachable!("there are frames");
    }

    /// While the frames are repeated, an Active router advertises three times more.
    fn stays_active(&self, frames: &[Vec<u8>]) -> usize {
        let thrice =
            |events: &[Event]| (advertisements(events, "r1", &self.group).count() >= 3).then_some(());
        self.repeat(frames, self.capture.mark(), thrice).1
    }

    /// While the frames are repeated, a Backup whose Active router has fallen silent takes over when that is due.
    fn takes_over_in_time(&self, frames: &[Vec<u8>]) -> usize {
        let mark = self.capture.mark();
        let silent = self.hold_back();
        let takeover = |events: &[Event]| {
            advertisements(events, "r1", &self.group).map(|event| event.at).find(|at| *at > silent)
        };
        let (takeover, sent) = self.repeat(frames, mark, takeover);
        let (took, bound) = (takeover.since(silent), self.group.active_down_interval());
        assert!(took + EARLY >= bound, "{took:?} and not {bound:?}{}", self.process.log_tail());
        assert!(took <= bound + GRACE, "{took:?} and not {bound:?}{}", self.process.log_tail());
        sent
    }

    /// Makes the router a Backup by sound advertisements; gives the time of the last one.
    fn hold_back(&self) -> Stamp {
        let better = self.rival(BETTER).sealed();
        let heard = |mark: usize| {
            let own =
                |events: &[Event]| events.iter().find(|event| event.frame == better).map(|event| event.at);
            self.capture.wait_for(mark, SOON, own).expect("the switch gets what the host sends")
        };
        let say = || {
            let mark = self.capture.mark();
            self.injector.send(&better).unwrap();
            heard(mark)
        };
        // Where the machine stalls between the two, the router may have become Active meanwhile: once more.
        wait_for("a Backup", || {
            let before = say();
            let backup = self.state() == "backup";
            let last = say();
            (backup && last.since(before) < self.group.active_down_interval() / 2).then_some(last)
        })
    }
}

/// Counters that sound traffic moves.
fn of_bad_frames(mut growth: BTreeMap<String, u64>) -> BTreeMap<String, u64> {
    const SOUND: [&str; 4] =
        ["frames-rcvd", "advertisement-sent", "advertisement-rcvd", "active-transitions"];
    growth.retain(|name, _| !SOUND.iter().any(|sound| name.ends_with(&format!(" {sound}"))));
    growth
}

/// Repeats every mutilated frame; each that is heard is counted once on the interface.
fn mutilate(stage: &Stage, sample: &Sample, repeat: impl Fn(&[Vec<u8>]) -> usize) {
    let before = counters(stage.router());
    let mut heard = 0;
    for frames in sample.mutilated().chunks(TOGETHER) {
        let sent = repeat(frames);
        heard += frames.iter().cycle().take(sent).filter(|frame| sample.is_heard(frame)).count();
    }
    wait_for("the counters of mutilated frames", || {
        let grown = of_bad_frames(growth(&before, &counters(stage.router())));
        let interface = grown.iter().filter(|(name, _)| name.starts_with("lan0 ")).map(|(_, count)| count);
        (usize::try_from(interface.sum::<u64>()).unwrap() == heard).then_some(())
    });
}

/// Repeats one frame for each rule; each moves its own counters and no others.
fn spoil(stage: &Stage, sample: &Sample, repeat: impl Fn(&[Vec<u8>]) -> usize) {
    let before = counters(stage.router());
    let spoilt = stage.spoilt(sample);
    let frames: Vec<_> = spoilt.iter().map(|spoilt| spoilt.frame.clone()).collect();
    let sent = repeat(&frames);
    let mut expected = BTreeMap::new();
    for counter in spoilt.iter().cycle().take(sent).flat_map(|spoilt| &spoilt.counters) {
        *expected.entry(counter.clone()).or_insert(0) += 1;
    }
    let mut grown = BTreeMap::new();
    let all = |grown: &BTreeMap<String, u64>| grown.values().sum::<u64>();
    wait_for("the counters of spoilt frames", || {
        grown = of_bad_frames(growth(&before, &counters(stage.router())));
        (all(&grown) >= all(&expected)).then_some(())
    });
    assert_eq!(grown, expected);
}

fn active(world: World, family: Family) {
    let stage = Stage::set(world, family);
    let (mark, before) = (stage.capture.mark(), counters(stage.router()));
    let better = stage.rival(BETTER);
    mutilate(&stage, &better, |frames| stage.stays_active(frames));
    spoil(&stage, &better, |frames| stage.stays_active(frames));
    let after = growth(&before, &counters(stage.router()));
    let moved =
        after.keys().filter(|name| name.ends_with("-transitions") || name.ends_with("advertisement-rcvd"));
    assert_eq!(moved.count(), 0, "{after:?}");
    let sent: Vec<Stamp> = stage
        .capture
        .look(mark, |events| advertisements(events, "r1", &stage.group).map(|event| event.at).collect());
    let took = sent.last().unwrap().since(sent[0]);
    let due = took.as_secs_f64() / stage.group.advertisement_interval.as_secs_f64();
    let count = f64::from(u32::try_from(sent.len() - 1).unwrap());
    assert!(count >= due * 0.75 && count <= due + 2.0, "{count} advertisements in {took:?}");
    // And now one that is good.
    wait_for("the effect of a sound advertisement", || {
        stage.injector.send(&better.sealed()).unwrap();
        (stage.state() == "backup").then_some(())
    });
}

fn backup(world: World, family: Family) {
    let stage = Stage::set(world, family);
    // What would be acted on at once, were it good.
    let resignation = stage.rival(0);
    mutilate(&stage, &resignation, |frames| stage.takes_over_in_time(frames));
    spoil(&stage, &resignation, |frames| stage.takes_over_in_time(frames));
    // And now one that is good, where three intervals are nine seconds and Skew_Time is a little more than one.
    let slow = stage.rival(BETTER).every(300).sealed();
    wait_for("a Backup", || {
        stage.injector.send(&slow).unwrap();
        (stage.state() == "backup").then_some(())
    });
    let mark = stage.capture.mark();
    let resigned = Stamp::now();
    stage.injector.send(&resignation.sealed()).unwrap();
    assert!(advertised(&stage.capture, mark, "r1", &stage.group, 1), "{}", stage.process.log_tail());
    assert!(Stamp::now().since(resigned) < Duration::from_secs(9), "{}", stage.process.log_tail());
}

#[test]
fn move_no_active_router_over_ipv4() {
    let Some(world) = world!() else { return };
    active(world, Family::V4);
}

#[test]
fn move_no_active_router_over_ipv6() {
    let Some(world) = world!() else { return };
    active(world, Family::V6);
}

#[test]
fn move_no_backup_over_ipv4() {
    let Some(world) = world!() else { return };
    backup(world, Family::V4);
}

#[test]
fn move_no_backup_over_ipv6() {
    let Some(world) = world!() else { return };
    backup(world, Family::V6);
}
