//! A lossless LAN in virtual time: every packet arrives a millisecond after it was sent, and whatever arrives at a
//! moment is heard before the timers of that moment run out, as a driver that reads its socket first has it.

use std::collections::VecDeque;
use std::time::Duration;

use fhrp_election::{Advert, Candidacy, Claim, Effect, Election, Instant, Rules, State};

const LATENCY: Duration = Duration::from_millis(1);

/// More than any story has by far.
const PACKETS_MAX: usize = 10_000;

/// Routers `r1`, `r2`, … in the order given; each starts in [`State::Init`].
pub(crate) struct Lan {
    now: Instant,
    routers: Vec<Node>,
    flying: VecDeque<Packet>,
    sent: usize,
    moves: Vec<String>,
}

struct Node {
    election: Election,
    alive: bool,
}

struct Packet {
    arrives: Instant,
    sender: usize,
    advert: Advert,
}

impl Lan {
    pub(crate) fn new(rules: Rules, candidates: &[Candidacy]) -> Self {
        let node = |me: &Candidacy| Node { election: Election::new(rules, *me), alive: true };
        Self {
            now: Instant::default(),
            routers: candidates.iter().map(node).collect(),
            flying: VecDeque::new(),
            sent: 0,
            moves: Vec::new(),
        }
    }

    /// Starts router `r<number>`, anew if it was killed.
    pub(crate) fn start(&mut self, millis: u64, number: usize) {
        self.run_until(millis);
        self.routers[number - 1].alive = true;
        self.act(number - 1, |election, now, out| election.start(now, out));
    }

    /// The router falls silent and deaf, and forgets everything.
    pub(crate) fn kill(&mut self, millis: u64, number: usize) {
        self.run_until(millis);
        let node = &mut self.routers[number - 1];
        node.alive = false;
        node.election.stop(self.now, &mut Vec::new());
        self.moves.push(format!("{} r{number} killed", time(self.now)));
    }

    pub(crate) fn stop(&mut self, millis: u64, number: usize) {
        self.run_until(millis);
        self.act(number - 1, |election, now, out| election.stop(now, out));
    }

    /// Everything that was entered, killed or left up to `millis`, one line each.
    pub(crate) fn story(mut self, millis: u64) -> Vec<String> {
        self.run_until(millis);
        self.moves
    }

    fn run_until(&mut self, millis: u64) {
        let end = Instant::from_millis(millis);
        while let Some(next) = self.next_event().filter(|next| *next < end) {
            self.now = next;
            match self.flying.front().is_some_and(|packet| packet.arrives <= next) {
                true => self.deliver(),
                false => self.expire(),
            }
        }
        self.now = end;
    }

    fn next_event(&self) -> Option<Instant> {
        let alive = self.routers.iter().filter(|node| node.alive);
        let timers = alive.filter_map(|node| node.election.next_deadline());
        timers.chain(self.flying.front().map(|packet| packet.arrives)).min()
    }

    fn deliver(&mut self) {
        let Some(packet) = self.flying.pop_front() else { return };
        for index in (0..self.routers.len()).filter(|index| *index != packet.sender) {
            self.act(index, |election, now, out| election.handle_advert(now, &packet.advert, out));
        }
    }

    fn expire(&mut self) {
        for index in 0..self.routers.len() {
            self.act(index, |election, now, out| {
                election.handle_timeout(now, out);
                assert!(election.next_deadline().is_none_or(|next| next > now), "busy loop at {now}");
            });
        }
    }

    fn act(&mut self, index: usize, does: impl FnOnce(&mut Election, Instant, &mut Vec<Effect>)) {
        let node = &mut self.routers[index];
        if !node.alive {
            return;
        }
        let mut shown = node.election.state();
        let mut out = Vec::new();
        does(&mut node.election, self.now, &mut out);
        let me = *node.election.candidacy();
        for effect in out {
            match effect {
                Effect::Moved { from, to, cause } => {
                    shown = to;
                    let cause = format!("{cause:?}");
                    let name = cause.split_whitespace().next().unwrap_or_default();
                    self.moves.push(format!("{} r{} {from:?} -> {to:?} ({name})", time(self.now), index + 1));
                }
                Effect::Advertise => self.send(index, me, claim_of(shown)),
                Effect::Coup => self.send(index, me, Claim::Coup),
                Effect::Resign => self.send(index, me, Claim::Resign),
            }
        }
    }

    fn send(&mut self, sender: usize, me: Candidacy, claim: Claim) {
        self.sent += 1;
        assert!(self.sent < PACKETS_MAX, "a storm of adverts at {}", self.now);
        let advert = Advert { from: me.rank, claim, hello: me.hello, hold: me.hold };
        self.flying.push_back(Packet { arrives: self.now + LATENCY, sender, advert });
    }
}

fn claim_of(state: State) -> Claim {
    match state {
        State::Init => unreachable!("a router that takes no part sends no advert"),
        State::Listen => Claim::Listen,
        State::Speak => Claim::Speak,
        State::Standby => Claim::Standby,
        State::Active => Claim::Active,
    }
}

/// Milliseconds, with microseconds where there are any.
fn time(now: Instant) -> String {
    match now.as_micros() % 1_000 {
        0 => format!("{}", now.as_micros() / 1_000),
        rest => format!("{}.{rest:03}", now.as_micros() / 1_000),
    }
}
