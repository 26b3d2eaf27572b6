//! Random walks: no input, in no order, makes a router panic, spin or forget its invariants.

use std::time::Duration;

use fhrp_election::{Advert, Candidacy, Claim, Effect, Election, Instant, Preempt, Rules, State, Succession};

use crate::router::rank;

const TABLES: [Rules; 5] =
    [Rules::VRRP_V2, Rules::VRRP_V3, Rules::HSRP, Rules::GLBP_GATEWAY, Rules::GLBP_FORWARDER];
const STEPS: usize = 20_000;

#[test]
fn random_walks_keep_the_invariants() {
    for rules in TABLES {
        for seed in 1..=5 {
            let mut states: Vec<State> =
                walk(rules, seed).iter().map(|(_, _, election)| election.state()).collect();
            states.sort();
            states.dedup();
            let expected = if rules.succession == Succession::Direct { 3 } else { 5 };
            assert_eq!(states.len(), expected, "the walk has seen every state of {rules:?}: {states:?}");
        }
    }
}

#[test]
fn equal_inputs_give_equal_outputs() {
    for rules in TABLES {
        assert!(walk(rules, 7) == walk(rules, 7));
        assert!(walk(rules, 7) != walk(rules, 8));
    }
}

#[test]
fn intervals_of_zero_do_not_keep_a_caller_busy() {
    for rules in TABLES {
        let me = Candidacy { hello: Duration::ZERO, hold: Duration::ZERO, ..candidacy(&mut Xorshift(1)) };
        let mut election = Election::new(rules, me);
        let now = Instant::from_micros(5);
        election.start(now, &mut Vec::new());
        for later in 5..50 {
            let now = Instant::from_micros(later);
            election.handle_timeout(now, &mut Vec::new());
            assert!(election.next_deadline().unwrap() > now);
        }
    }
}

#[test]
fn intervals_without_end_saturate() {
    for rules in TABLES {
        let me = Candidacy { hello: Duration::MAX, hold: Duration::MAX, ..candidacy(&mut Xorshift(1)) };
        let mut election = Election::new(rules, me);
        election.start(Instant::from_micros(5), &mut Vec::new());
        assert_eq!(election.next_deadline(), Some(Instant::from_micros(u64::MAX)));
    }
}

/// Each step's time, effects and outcome.
fn walk(rules: Rules, seed: u64) -> Vec<(Instant, Vec<Effect>, Election)> {
    let mut random = Xorshift(seed);
    let mut election = Election::new(rules, candidacy(&mut random));
    let mut now = Instant::from_millis(1_000);
    let mut steps = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        let mut out = Vec::new();
        let before = election.state();
        now = step(&mut election, now, &mut random, &mut out);
        check(&election, rules, before, &out);
        steps.push((now, out, election.clone()));
    }
    steps
}

fn step(election: &mut Election, now: Instant, random: &mut Xorshift, out: &mut Vec<Effect>) -> Instant {
    let later = now + Duration::from_micros(random.below(3_000_000));
    match random.below(200) {
        0 => election.stop(now, out),
        1..=9 => election.start(now, out),
        10..=12 => election.retune(now, candidacy(random), out),
        13..=60 => {
            let stale = Instant::from_micros(later.as_micros().saturating_sub(random.below(20_000)));
            election.handle_advert(stale, &advert(random), out);
            return later;
        }
        61..=70 => {
            election.handle_timeout(later, out);
            assert!(election.next_deadline().is_none_or(|deadline| deadline > later));
            return later;
        }
        _ => {
            let due = election.next_deadline().unwrap_or(later).max(now);
            election.handle_timeout(due, out);
            assert!(election.next_deadline().is_none_or(|deadline| deadline > due));
            return due;
        }
    }
    now
}

fn check(election: &Election, rules: Rules, before: State, out: &[Effect]) {
    let timers = election.timers();
    let state = election.state();
    assert_eq!(election.next_deadline().is_none(), state == State::Init);
    assert_eq!(timers.hello.is_some(), state >= rules.voice, "{state:?}");
    assert!(!(state == State::Active && (timers.active.is_some() || election.active().is_some())));
    assert!(
        !(state == State::Standby && timers.active.is_none()),
        "a standby router waits for the active one"
    );
    if rules.succession == Succession::Direct {
        assert!(!matches!(state, State::Speak | State::Standby) && timers.standby.is_none());
    }
    let told = out.iter().fold(before, |at, effect| match effect {
        Effect::Moved { from, to, .. } => {
            assert_eq!((*from, from != to), (at, true));
            *to
        }
        Effect::Advertise | Effect::Coup | Effect::Resign => at,
    });
    assert_eq!(told, state, "every move is told");
}

fn candidacy(random: &mut Xorshift) -> Candidacy {
    let preempt = match random.below(3) {
        0 => Preempt::Never,
        1 => Preempt::AT_ONCE,
        _ => Preempt::After(Duration::from_micros(random.below(20_000_000))),
    };
    Candidacy {
        rank: rank(u8::try_from(random.below(255)).unwrap(), 2),
        owner: false,
        preempt,
        hello: Duration::from_micros(random.below(3_000_000)),
        hold: Duration::from_micros(random.below(10_000_000)),
    }
}

fn advert(random: &mut Xorshift) -> Advert {
    let claims = [Claim::Active, Claim::Standby, Claim::Speak, Claim::Listen, Claim::Coup, Claim::Resign];
    let claim = claims[usize::try_from(random.below(6)).unwrap()];
    let priority = u8::try_from(random.below(256)).unwrap();
    let octet = u8::try_from(1 + random.below(4)).unwrap();
    Advert {
        from: rank(priority, octet),
        claim,
        hello: Duration::from_micros(random.below(3_000_000)),
        hold: Duration::from_micros(random.below(10_000_000)),
    }
}

/// Marsaglia's xorshift64: enough randomness for a walk, the same on every machine.
struct Xorshift(u64);

impl Xorshift {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
