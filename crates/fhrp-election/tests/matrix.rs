//! Every state × every event × every rule table, as text to be compared with the specifications cell by cell.
//!
//! A difference in a snapshot is a change of behaviour: compare it with the table named in its first lines before it
//! is accepted.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

use std::fmt::Write;
use std::time::Duration;

use fhrp_election::{
    Advert, Candidacy, Claim, Effect, Election, Instant, Pacing, Preempt, Rank, Rules, State, Succession,
    Timers,
};

const LEGEND: &str = "\
Cells, in the letters of RFC 2281 §5: A/B active/standby timer starts (how long it runs), C/D it stops,
E interval learned, F advert sent, G Coup sent, H Resign sent, N next advert due in, /State (cause) entered; `-` nothing.
This router: 100 at 10.0.0.2. Followed where it is not active itself: 150 at 10.0.0.3. Heard: higher 150 at 10.0.0.3,
equal+ 100 at 10.0.0.3, equal- 100 at 10.0.0.1, lower 50 at 10.0.0.1.
";

/// What is compared: a rule table with the timing its protocol uses.
struct Subject {
    rules: Rules,
    hello: Duration,
    hold: Duration,
}

#[derive(Clone, Copy)]
enum Event {
    Start,
    Stop,
    ActiveTimer,
    StandbyTimer,
    HelloTimer,
    Heard(Claim, Who),
}

#[derive(Clone, Copy)]
enum Who {
    Higher,
    EqualAbove,
    EqualBelow,
    Lower,
}

const EVENTS: [(&str, Event); 20] = [
    ("a start", Event::Start),
    ("b stop", Event::Stop),
    ("c active timer", Event::ActiveTimer),
    ("d standby timer", Event::StandbyTimer),
    ("e hello timer", Event::HelloTimer),
    ("f Speak higher", Event::Heard(Claim::Speak, Who::Higher)),
    ("  Speak lower", Event::Heard(Claim::Speak, Who::Lower)),
    ("g Active higher", Event::Heard(Claim::Active, Who::Higher)),
    ("  Active equal+", Event::Heard(Claim::Active, Who::EqualAbove)),
    ("  Active equal-", Event::Heard(Claim::Active, Who::EqualBelow)),
    ("h Active lower", Event::Heard(Claim::Active, Who::Lower)),
    ("i Resign followed", Event::Heard(Claim::Resign, Who::Higher)),
    ("  Resign other", Event::Heard(Claim::Resign, Who::Lower)),
    ("j Coup higher", Event::Heard(Claim::Coup, Who::Higher)),
    ("  Coup lower", Event::Heard(Claim::Coup, Who::Lower)),
    ("k Standby higher", Event::Heard(Claim::Standby, Who::Higher)),
    ("  Standby equal+", Event::Heard(Claim::Standby, Who::EqualAbove)),
    ("  Standby equal-", Event::Heard(Claim::Standby, Who::EqualBelow)),
    ("l Standby lower", Event::Heard(Claim::Standby, Who::Lower)),
    ("  Listen lower", Event::Heard(Claim::Listen, Who::Lower)),
];

#[test]
fn vrrp_v3() {
    let subject = Subject { rules: Rules::VRRP_V3, hello: seconds(1), hold: seconds(0) };
    let source = "RFC 9568 §6.4.1-6.4.3 (errata 8298-8301 applied), §6.1 for the times. Equal and lower adverts in Listen\n\
                  differ by Preempt_Mode alone (§6.4.2); priority 0 is Resign; own interval 1 s, 2 s followed, 4 s heard.";
    insta::assert_snapshot!(page(&subject, "VRRPv3", source, &with_owner()));
}

#[test]
fn vrrp_v2() {
    let subject = Subject { rules: Rules::VRRP_V2, hello: seconds(1), hold: seconds(0) };
    let source = "RFC 3768 §6.4.1-6.4.3, §6.1 for the times: as version 3, but no interval is learned, the skew is a part\n\
                  of a second, and a losing advert gets no answer.";
    insta::assert_snapshot!(page(&subject, "VRRPv2", source, &with_owner()));
}

#[test]
fn hsrp() {
    let subject = Subject { rules: evenly(Rules::HSRP), hello: seconds(3), hold: seconds(10) };
    let source = "RFC 2281 §5, the state transition table, all cells of the columns Initial, Listen, Speak, Standby and\n\
                  Active (Learn has not started). Besides: a Hello at once on entering Speak, Standby and Active, as real\n\
                  routers send it, and a Resign in event g (Active); event i only from the router that is followed; I (gratuitous\n\
                  ARP) is the caller's; hello times without their jitter.";
    insta::assert_snapshot!(page(&subject, "HSRP", source, &without_owner()));
}

#[test]
fn glbp_gateway() {
    let subject = Subject { rules: evenly(Rules::GLBP_GATEWAY), hello: seconds(3), hold: seconds(10) };
    let source = "the gateway transitions seen in captures and debug output of real routers, and HSRP's table where they\n\
                  are mute: Hellos from Listen on, no Coup, a preempting listener speaks first; Active with priority 0 is Resign.";
    insta::assert_snapshot!(page(&subject, "GLBP gateway", source, &without_owner()));
}

#[test]
fn glbp_forwarder() {
    let subject = Subject { rules: Rules::GLBP_FORWARDER, hello: seconds(3), hold: seconds(10) };
    let source = "the forwarder transitions seen in captures of real routers: Listen and Active only, by forwarder\n\
                  priority, the address only between two Active ones; resign priority is Resign.";
    insta::assert_snapshot!(page(&subject, "GLBP forwarder", source, &without_owner()));
}

/// A table without its jitter, so that the times on its page are round.
fn evenly(rules: Rules) -> Rules {
    Rules { pacing: Pacing::Exact, ..rules }
}

fn without_owner() -> Vec<(&'static str, bool, Preempt)> {
    vec![
        ("no preemption", false, Preempt::Never),
        ("preemption", false, Preempt::AT_ONCE),
        ("preemption after 30 s", false, Preempt::After(seconds(30))),
    ]
}

fn with_owner() -> Vec<(&'static str, bool, Preempt)> {
    let mut all = without_owner();
    all.push(("owner without preemption (255 each, but for the lower ones)", true, Preempt::Never));
    all
}

fn page(subject: &Subject, name: &str, source: &str, tables: &[(&str, bool, Preempt)]) -> String {
    let mut text = format!("{name}, compared cell by cell with\n{source}\n\n{LEGEND}");
    for (title, owner, preempt) in tables {
        let me = Candidacy {
            rank: rank(if *owner { 255 } else { 100 }, 2),
            owner: *owner,
            preempt: *preempt,
            hello: subject.hello,
            hold: subject.hold,
        };
        write!(text, "\n== {title}\n{}", table(subject, me)).unwrap();
    }
    text
}

fn table(subject: &Subject, me: Candidacy) -> String {
    let states: &[State] = match subject.rules.succession {
        Succession::Direct => &[State::Init, State::Listen, State::Active],
        Succession::ViaStandby => &[State::Init, State::Listen, State::Speak, State::Standby, State::Active],
    };
    let mut rows = vec![vec!["event".to_owned()]];
    rows[0].extend(states.iter().map(|state| format!("{state:?}")));
    for (name, event) in EVENTS {
        let cells = states.iter().map(|state| cell(subject, me, *state, event));
        rows.push(std::iter::once(name.to_owned()).chain(cells).collect());
    }
    aligned(&rows)
}

fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap();
    let widths: Vec<usize> = (0..rows[0].len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        format!("{}\n", cells.join(" | ").trim_end())
    };
    rows.iter().map(line).collect()
}

/// What `event` does to a router in `state`.
fn cell(subject: &Subject, me: Candidacy, state: State, event: Event) -> String {
    let mut bench = Bench::new(subject, me);
    bench.reach(state);
    let Some((now, before)) = bench.await_timer(event) else { return "-".to_owned() };
    let interval = bench.election.learned_interval();
    let mut out = Vec::new();
    match event {
        Event::Start => bench.election.start(now, &mut out),
        Event::Stop => bench.election.stop(now, &mut out),
        Event::ActiveTimer | Event::StandbyTimer | Event::HelloTimer => {
            bench.election.handle_timeout(now, &mut out)
        }
        Event::Heard(claim, who) => bench.election.handle_advert(now, &bench.advert(claim, who), &mut out),
    }
    describe(&bench.election, now, before, interval, &out)
}

fn describe(election: &Election, now: Instant, before: Timers, interval: Duration, out: &[Effect]) -> String {
    let after = election.timers();
    let mut words = Vec::new();
    words.extend(timer("A", "C", now, before.active, after.active));
    words.extend(timer("B", "D", now, before.standby, after.standby));
    let learned = election.learned_interval();
    if learned != interval && learned != election.candidacy().hello {
        words.push(format!("E={learned:?}"));
    }
    for effect in out {
        words.push(match effect {
            Effect::Advertise => "F".to_owned(),
            Effect::Coup => "G".to_owned(),
            Effect::Resign => "H".to_owned(),
            Effect::Moved { to, cause, .. } => {
                let cause = format!("{cause:?}");
                let name = cause.split_whitespace().next().unwrap();
                format!("/{to:?} ({name})")
            }
        });
    }
    words.extend(timer("N", "no N", now, before.hello, after.hello));
    if words.is_empty() { "-".to_owned() } else { words.join(" ") }
}

fn timer(
    starts: &str,
    stops: &str,
    now: Instant,
    before: Option<Instant>,
    after: Option<Instant>,
) -> Option<String> {
    match (before.filter(|due| *due > now), after) {
        (before, after) if before == after => None,
        (_, Some(due)) => Some(format!("{starts}={:?}", due.checked_duration_since(now).unwrap())),
        (_, None) => Some(stops.to_owned()),
    }
}

/// One router, brought into a state by what its peers say.
struct Bench {
    election: Election,
    clock: Instant,
}

impl Bench {
    fn new(subject: &Subject, me: Candidacy) -> Self {
        Self { election: Election::new(subject.rules, me), clock: Instant::from_millis(100_000) }
    }

    /// Priority 255 where this router is an owner and the other one is not to be lower.
    fn rank_of(&self, who: Who) -> Rank {
        let own = self.election.candidacy().rank.priority;
        match who {
            Who::Higher => rank(own.max(150), 3),
            Who::EqualAbove => rank(own, 3),
            Who::EqualBelow => rank(own, 1),
            Who::Lower => rank(50, 1),
        }
    }

    fn advert(&self, claim: Claim, who: Who) -> Advert {
        Advert { from: self.rank_of(who), claim, hello: seconds(4), hold: seconds(12) }
    }

    fn reach(&mut self, state: State) {
        if state == State::Init {
            return;
        }
        self.election.start(self.clock, &mut Vec::new());
        if state != State::Active {
            self.refresh();
        }
        while self.election.state() != state {
            match state {
                State::Active => self.step_to(self.election.next_deadline().unwrap()),
                State::Init | State::Listen | State::Speak | State::Standby => {
                    self.run_up_to(self.election.timers().standby.unwrap());
                    self.step_to(self.clock);
                }
            }
        }
        if state == State::Active {
            self.clock = self.clock + Duration::from_millis(100);
            let standby = Advert { hold: seconds(8), ..self.advert(Claim::Standby, Who::Lower) };
            self.election.handle_advert(self.clock, &standby, &mut Vec::new());
        } else {
            self.refresh();
        }
    }

    /// The time of the event, and the timers just before it. `None` if it is a timer that does not run in this state.
    fn await_timer(&mut self, event: Event) -> Option<(Instant, Timers)> {
        let timers = *self.election.timers();
        match event {
            Event::Start | Event::Stop | Event::Heard(..) => {
                self.clock = self.clock + Duration::from_millis(500);
            }
            Event::ActiveTimer => self.run_up_to(timers.active?),
            Event::StandbyTimer => self.run_up_to(timers.standby?),
            Event::HelloTimer => self.run_up_to(timers.hello?),
        }
        Some((self.clock, *self.election.timers()))
    }

    /// Lets everything happen that is due before `due`, while the active router is kept alive.
    fn run_up_to(&mut self, due: Instant) {
        while let Some(next) = self.election.next_deadline().filter(|next| *next < due) {
            if self.election.timers().active == Some(next) {
                self.clock = next.saturating_sub(Duration::from_millis(1));
                self.refresh();
            } else {
                self.step_to(next);
            }
        }
        self.clock = due;
    }

    fn step_to(&mut self, next: Instant) {
        self.clock = next;
        self.election.handle_timeout(next, &mut Vec::new());
    }

    fn refresh(&mut self) {
        let leader = Advert {
            from: self.rank_of(Who::Higher),
            claim: Claim::Active,
            hello: seconds(2),
            hold: seconds(7),
        };
        self.election.handle_advert(self.clock, &leader, &mut Vec::new());
    }
}

fn rank(priority: u8, last_octet: u8) -> Rank {
    Rank { priority, address: [10, 0, 0, last_octet].into() }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
