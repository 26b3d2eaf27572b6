//! Questions for the virtual address, as fast as a host can ask.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    thread,
    time::Duration,
};

use fhrp_lab::{
    Event, GlbpGroup, Injector, Kind, Lab, LabOptions, Node, RouterProcess, Stamp, arp_request, world,
};
use fhrp_wire::{Family, MacAddr};

use crate::{SOON, Stage, group_of, virtual_mac};

/// Questions each of which is looked at with its answer.
const LOOKED_AT: u16 = 2000;
/// For how long is asked.
const SPELL: Duration = Duration::from_secs(2);
/// Between two looks at whether answers still come.
const QUIET: Duration = Duration::from_millis(200);
/// What the memory of the daemon may grow by, in kB: a hundredth of what 100,000 questions are, with one kilobyte for each.
const MEMORY_KB: u64 = 128;
/// Lines that the daemon may write.
const LINES: usize = 12;

/// Who asks: as many hosts as there are numbers.
fn question(number: u16, target: Ipv4Addr) -> Vec<u8> {
    let [high, low] = number.to_be_bytes();
    arp_request(MacAddr([2, 0, 0, 0x99, high, low]), Ipv4Addr::new(10, 99, high, low), target)
}

/// Sends for a spell of time, as fast as the machine can, and gives how many frames.
fn flood(injector: &Injector, frames: &[Vec<u8>]) -> u32 {
    let begin = Stamp::now();
    let mut frames = frames.iter().cycle();
    let mut sent = 0;
    while Stamp::now().since(begin) < SPELL {
        for frame in frames.by_ref().take(100) {
            injector.send(frame).unwrap();
            sent += 1;
        }
    }
    sent
}

/// What a flood brought.
#[derive(Debug)]
struct Brought {
    asked: u32,
    answered: u64,
    took: Duration,
}

impl Brought {
    fn answers_a_second(&self) -> f64 {
        let answered = u32::try_from(self.answered).unwrap();
        f64::from(answered) / self.took.as_secs_f64()
    }
}

/// Floods, and counts what the asking host receives until it is quiet again: hardly anything but answers.
fn count_answers(host: &Node, frames: &[Vec<u8>]) -> Brought {
    let injector = host.injector("lan0").unwrap();
    let received = || received(host);
    let (before, begin) = (received(), Stamp::now());
    let asked = flood(&injector, frames);
    let (mut end, mut now) = (Stamp::now(), received());
    loop {
        thread::sleep(QUIET);
        let later = received();
        if later - now < 20 {
            return Brought { asked, answered: now - before, took: end.since(begin) };
        }
        (end, now) = (Stamp::now(), later);
    }
}

/// Frames that a host has received.
fn received(host: &Node) -> u64 {
    let list = host.namespace().run(|| fs::read_to_string("/proc/thread-self/net/dev")).unwrap().unwrap();
    let line = list.lines().find_map(|line| line.trim_start().strip_prefix("lan0:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Memory of a process that no file is behind, in kB.
fn memory_kb(process: &RouterProcess) -> u64 {
    let text = fs::read_to_string(format!("/proc/{}/smaps_rollup", process.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("Anonymous:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Time that all threads of a process have computed.
fn computed(process: &RouterProcess) -> Duration {
    let of_thread = |entry: fs::DirEntry| {
        let text = fs::read_to_string(entry.path().join("schedstat")).unwrap_or_default();
        text.split_whitespace().next().map_or(0, |nanos| nanos.parse().unwrap())
    };
    let threads = fs::read_dir(format!("/proc/{}/task", process.pid())).unwrap();
    Duration::from_nanos(threads.map(Result::unwrap).map(of_thread).sum())
}

/// The MAC that the AVG tells in answer to a host, whose number is in its MAC.
fn answer(event: &Event, stage: &Stage) -> Option<(MacAddr, MacAddr)> {
    let Kind::Arp { operation: 2, sender, sender_mac, .. } = event.kind else { return None };
    let ours = &*event.node == "r1" && IpAddr::V4(sender) == stage.address();
    ours.then_some((event.destination_mac, sender_mac))
}

/// Each host of a burst has one answer, and the forwarders take turns.
fn assert_burst_is_answered(stage: &Stage, target: Ipv4Addr) {
    let (mark, injector) = (stage.capture.mark(), stage.lab.host(1).unwrap().injector("lan0").unwrap());
    for number in 0..LOOKED_AT {
        injector.send(&question(number, target)).unwrap();
    }
    let all = |events: &[Event]| {
        let answers: Vec<_> = events.iter().filter_map(|event| answer(event, stage)).collect();
        (answers.len() >= LOOKED_AT.into()).then_some(answers)
    };
    let answers = stage.capture.wait_for(mark, SOON, all).expect("an answer for each");
    for (number, (host, told)) in (0..LOOKED_AT).zip(&answers) {
        let [high, low] = number.to_be_bytes();
        let turn = u8::from(*told == virtual_mac(2)) + 1;
        assert_eq!((*host, *told), (MacAddr([2, 0, 0, 0x99, high, low]), virtual_mac(turn)));
    }
    let first = answers.iter().filter(|(_, told)| *told == virtual_mac(1)).count();
    assert_eq!(first, usize::from(LOOKED_AT) / 2);
}

/// What a flood may not change much.
struct Costs {
    memory_kb: u64,
    lines: usize,
    computed: Duration,
    hellos: u64,
}

impl Costs {
    fn of(router: &Node, process: &RouterProcess) -> Self {
        Self {
            memory_kb: memory_kb(process),
            lines: process.log().lines().count(),
            computed: computed(process),
            hellos: group_of(router).unwrap().counters["hello-sent"],
        }
    }
}

#[test]
fn costs_neither_hellos_nor_states_nor_memory_nor_log() {
    let Some(world) = world!() else { return };
    let extra = vec!["client_cache = { maximum = 100 }".to_owned()];
    let group = GlbpGroup { extra, ..GlbpGroup::new(Family::V4, 100) };
    let stage = Stage::build(world, &LabOptions::default(), &group);
    let IpAddr::V4(target) = stage.address() else { unreachable!("asked for IPv4") };
    assert_burst_is_answered(&stage, target);
    let Stage { lab, processes, capture, .. } = stage;
    // It would take as long to read the flood as to send it.
    drop(capture);
    let [avg, standby] = lab.routers() else { unreachable!("there are two") };
    let frames: Vec<_> = (0..4096).map(|number| question(number, target)).collect();
    // What is allocated once has been, then.
    count_answers(lab.host(1).unwrap(), &frames);

    let changes = group_of(standby).unwrap().state_changes;
    let (begin, before) = (Stamp::now(), Costs::of(avg, &processes[0]));
    let brought = count_answers(lab.host(1).unwrap(), &frames);
    let (took, after) = (Stamp::now().since(begin), Costs::of(avg, &processes[0]));
    println!("{brought:?}, {:.0} answers a second", brought.answers_a_second());
    judge(&before, &after, (took, group.timers.hello));
    let report = group_of(standby).unwrap();
    assert_eq!((report.state.as_str(), report.state_changes), ("standby", changes));
    assert!(brought.answered * 4 >= u64::from(brought.asked), "{brought:?}");
    compare_with_the_kernel(&lab, target);
}

fn judge(before: &Costs, after: &Costs, (took, hello): (Duration, Duration)) {
    let (sent, due) = (after.hellos - before.hellos, took.as_millis() / hello.as_millis());
    let computed = after.computed - before.computed;
    println!("{sent} hellos where {due} were due, {computed:?} computed in {took:?}");
    println!("{} -> {} kB, {} lines", before.memory_kb, after.memory_kb, after.lines - before.lines);
    assert!(u128::from(sent) * 4 >= due * 3, "{sent} hellos where {due} were due");
    assert!(after.memory_kb <= before.memory_kb + MEMORY_KB);
    assert!(after.lines <= before.lines + LINES);
    // One processor, whatever comes.
    assert!(computed <= took + took / 4, "{computed:?} in {took:?}");
}

/// The same questions of one host, for the virtual address and for the router's own.
fn compare_with_the_kernel(lab: &Lab, target: Ipv4Addr) {
    let (host, router) = (lab.host(1).unwrap(), lab.router(1).unwrap());
    let (IpAddr::V4(source), IpAddr::V4(own)) =
        (host.lan_address(0, Family::V4), router.lan_address(0, Family::V4))
    else {
        unreachable!("asked for IPv4")
    };
    let [ours, theirs] = [target, own].map(|target| {
        let brought = count_answers(host, &[arp_request(host.lan_mac(0), source, target)]);
        println!("{target}: {brought:?}, {:.0} answers a second", brought.answers_a_second());
        brought.answers_a_second()
    });
    println!("the daemon answers {:.2} times what the kernel does", ours / theirs);
}
