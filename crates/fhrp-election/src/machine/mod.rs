//! The machine: what every event does in every state, with the rules as match operands.
//!
//! One function per thing heard (`hear.rs`), per timer (`timers.rs`) and per state entered (here). The state
//! is written by [`Election::enter`] alone. RFC 9568 §6.4 and RFC 2281 §5, whose event letters are cited.

mod hear;
mod timers;

use std::net::IpAddr;
use std::time::Duration;

use crate::{
    Candidacy, Cause, Effect, Heard, Instant, Ownership, Pacing, Preempt, Rank, Rules, Silence, State,
    Succession,
};

pub use timers::Timers;

/// The shortest time that is ever waited for, so that no interval of zero can keep a caller busy.
const SHORTEST_WAIT: Duration = Duration::from_micros(1);

/// One router's part in one contest. See the crate's documentation for how to drive it.
///
/// Methods that take `now` push onto `out`, which is never cleared here. `now` may lie a little before that
/// of an earlier call, as when a packet's time of arrival is read after a deadline was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Election {
    rules: Rules,
    me: Candidacy,
    state: State,
    timers: Timers,
    /// The active router that was heard last, while one may exist.
    active: Option<Heard>,
    /// The standby router that was heard last, while one may exist.
    standby: Option<Heard>,
    /// What the followed active router announced. It outlives that router's resignation: RFC 9568 §6.4.2
    /// takes the skew from the interval learned before.
    learned: Option<Pace>,
    /// Why this router would take over if the active timer ran out now.
    impending: Cause,
    /// Since when lower-ranked active routers have been heard without a better one between.
    lower_since: Option<Instant>,
    /// Whether it has begun to push them aside.
    challenging: bool,
    /// When this router, being active, last answered out of turn.
    answered: Option<Instant>,
}

/// The intervals that an advert announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pace {
    hello: Duration,
    hold: Duration,
}

impl Election {
    /// A router that takes no part yet, in [`State::Init`].
    pub fn new(rules: Rules, me: Candidacy) -> Self {
        Self {
            rules,
            me,
            state: State::Init,
            timers: Timers::default(),
            active: None,
            standby: None,
            learned: None,
            impending: Cause::ActiveSilent,
            lower_since: None,
            challenging: false,
            answered: None,
        }
    }

    /// Takes part from now on. Does nothing unless in [`State::Init`]. RFC 9568 §6.4.1; RFC 2281 event a.
    pub fn start(&mut self, now: Instant, out: &mut Vec<Effect>) {
        match (self.state, self.is_owner()) {
            (State::Init, true) => self.become_active(now, Cause::OwnerStartup, out),
            (State::Init, false) => {
                self.restart_active(now);
                self.restart_standby(now);
                self.become_listener(now, Cause::Startup, out);
            }
            (State::Listen | State::Speak | State::Standby | State::Active, _) => {}
        }
    }

    /// Takes no part any more; an active router resigns first. RFC 9568 §6.4.2, §6.4.3; RFC 2281 event b.
    pub fn stop(&mut self, now: Instant, out: &mut Vec<Effect>) {
        match self.state {
            State::Init => return,
            State::Listen | State::Speak | State::Standby => {}
            State::Active => out.push(Effect::Resign),
        }
        self.become_idle(now, out);
    }

    /// Replaces this router's own values. Running timers keep running, except that a changed interval counts
    /// from the last advert; whatever is computed from the values changes with the next event.
    pub fn retune(&mut self, now: Instant, me: Candidacy, out: &mut Vec<Effect>) {
        let before = self.hello();
        self.me = me;
        let after = self.hello();
        if before == after {
            return;
        }
        self.timers.hello = self.timers.hello.map(|due| due.saturating_sub(before) + after);
        if self.timers.hello.is_some_and(|due| due <= now) {
            self.hello_due(now, out);
        }
    }

    /// When [`Self::handle_timeout`] has something to do; `None` in [`State::Init`].
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.earliest()
    }

    /// Where this router stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// This router's own values, as last given.
    pub fn candidacy(&self) -> &Candidacy {
        &self.me
    }

    /// The other router that is active, as far as is known; `None` while this one is.
    pub fn active(&self) -> Option<&Heard> {
        self.active.as_ref()
    }

    /// The other router that is standby, as far as is known; `None` while this one is.
    pub fn standby(&self) -> Option<&Heard> {
        self.standby.as_ref()
    }

    /// When each timer runs out, for display.
    pub fn timers(&self) -> &Timers {
        &self.timers
    }

    /// The interval that the active router announced (RFC 9568 §6.1: Active_Adver_Interval); the own one as
    /// long as none is known or where the rules learn none.
    pub fn learned_interval(&self) -> Duration {
        match (self.rules.silence, self.learned) {
            (Silence::SkewOfSecond, _) | (_, None) => self.hello(),
            (Silence::SkewOfInterval | Silence::Hold, Some(pace)) => pace.hello,
        }
    }

    /// What lets higher priorities take over first (RFC 9568 §6.1: Skew_Time), rounded down to a microsecond.
    pub fn skew(&self) -> Duration {
        match self.rules.silence {
            Silence::SkewOfSecond => skew_of(Duration::from_secs(1), self.me.rank),
            Silence::SkewOfInterval => skew_of(self.learned_interval(), self.me.rank),
            Silence::Hold => Duration::ZERO,
        }
    }

    /// How long a silent active router is waited for (RFC 9568 §6.1: Active_Down_Interval; RFC 2281 §5:
    /// Holdtime).
    pub fn active_down_interval(&self) -> Duration {
        match self.rules.silence {
            Silence::SkewOfSecond | Silence::SkewOfInterval => {
                self.learned_interval().saturating_mul(3).saturating_add(self.skew())
            }
            Silence::Hold => self.learned.map_or(self.me.hold, |pace| pace.hold),
        }
    }

    /// Whether this router has the owner's rights. RFC 9568 §6.1.
    fn is_owner(&self) -> bool {
        match self.rules.ownership {
            Ownership::StartsActive => self.me.owner || self.me.rank.priority == u8::MAX,
            Ownership::Nothing => false,
        }
    }

    /// The preemption setting that holds: an owner's is always to preempt at once. RFC 9568 §6.1
    /// (Preempt_Mode).
    fn preemption(&self) -> Preempt {
        match self.is_owner() {
            true => Preempt::AT_ONCE,
            false => self.me.preempt,
        }
    }

    /// How long after an advert at `now` the next one is due. The jitter is a function of the time and the sender, so
    /// that the same inputs give the same adverts.
    fn pace(&self, now: Instant) -> Duration {
        match self.rules.pacing {
            Pacing::Exact => self.hello(),
            Pacing::Jittered => jittered(self.hello(), now, self.me.rank),
        }
    }

    fn hello(&self) -> Duration {
        self.me.hello.max(SHORTEST_WAIT)
    }

    fn become_idle(&mut self, now: Instant, out: &mut Vec<Effect>) {
        *self = Self { state: self.state, ..Self::new(self.rules, self.me) };
        self.enter(State::Init, Cause::Shutdown, now, out);
    }

    fn become_listener(&mut self, now: Instant, cause: Cause, out: &mut Vec<Effect>) {
        self.enter(State::Listen, cause, now, out);
    }

    fn become_speaker(&mut self, now: Instant, cause: Cause, out: &mut Vec<Effect>) {
        self.enter(State::Speak, cause, now, out);
        self.advertise(now, out);
    }

    /// A standby router whose active router was lost while it still spoke takes over at once.
    fn become_standby(&mut self, now: Instant, cause: Cause, out: &mut Vec<Effect>) {
        self.vacate_standby();
        self.enter(State::Standby, cause, now, out);
        self.advertise(now, out);
        if self.timers.active.is_none() {
            self.become_active(now, self.impending, out);
        }
    }

    fn become_active(&mut self, now: Instant, cause: Cause, out: &mut Vec<Effect>) {
        self.vacate_active();
        self.enter(State::Active, cause, now, out);
        self.advertise(now, out);
    }

    /// The only writer of the state.
    fn enter(&mut self, to: State, cause: Cause, now: Instant, out: &mut Vec<Effect>) {
        let contends = matches!(to, State::Speak | State::Standby);
        debug_assert!(
            !(contends && self.rules.succession == Succession::Direct),
            "{to:?} under direct succession"
        );
        let from = std::mem::replace(&mut self.state, to);
        self.timers.hello = match to < self.rules.voice {
            true => None,
            false => self.timers.hello.or(Some(now + self.pace(now))),
        };
        out.push(Effect::Moved { from, to, cause });
    }
}

/// ((256 − priority) × interval) / 256, multiplied first. RFC 9568 §6.1.
fn skew_of(interval: Duration, rank: Rank) -> Duration {
    let micros = interval.as_micros().saturating_mul(256 - u128::from(rank.priority)) / 256;
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// Between four fifths of `interval` and the whole of it.
fn jittered(interval: Duration, now: Instant, sender: Rank) -> Duration {
    let address = match sender.address {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        // The low half tells the routers of a link apart.
        IpAddr::V6(address) => u64::try_from(address.to_bits() & u128::from(u64::MAX)).unwrap_or_default(),
    };
    let fifth = interval / 5;
    let share = u32::try_from(scatter(now.as_micros() ^ address.rotate_left(32)) >> 40).unwrap_or_default();
    (interval - fifth.mul_f64(f64::from(share) / f64::from(1_u32 << 24))).max(SHORTEST_WAIT)
}

/// Spreads neighbouring numbers evenly over all numbers (SplitMix64).
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first three numbers of SplitMix64 from seed 0, as its reference implementation gives them: the n-th is that
    /// of n increments.
    #[test]
    fn numbers_scatter_as_splitmix64_says() {
        let increment: u64 = 0x9e37_79b9_7f4a_7c15;
        for (number, scattered) in [
            (0, 0xe220_a839_7b1d_cdaf),
            (increment, 0x6e78_9e6a_a1b9_65f4),
            (increment.wrapping_mul(2), 0x06c4_5d18_8009_454f),
        ] {
            assert_eq!(scatter(number), scattered, "{number:#x}");
        }
    }

    #[test]
    fn routers_of_a_link_keep_out_of_step() {
        for (one, other) in [
            ("10.0.0.1", "10.0.0.2"),
            ("10.0.0.1", "10.1.0.1"),
            ("fe80::1", "fe80::2"),
            ("fe80::ff:fe00:1", "fe80::1:ff:fe00:1"),
        ] {
            let pause = |address: &str| {
                let sender = Rank { priority: 100, address: address.parse().unwrap() };
                jittered(Duration::from_secs(3), Instant::from_millis(10_000), sender)
            };
            assert_ne!(pause(one), pause(other), "{one} and {other}");
        }
    }

    /// RFC 2281 §5 asks for jitter; captures show pauses from four fifths of the interval to the whole of it.
    #[test]
    fn pauses_fill_the_range_whatever_the_address() {
        for address in ["10.0.0.2", "fe80::1", "fe80::ffff:ffff:ffff:ffff"] {
            let sender = Rank { priority: 100, address: address.parse().unwrap() };
            let pauses: Vec<Duration> = (0..1_000)
                .map(|n| jittered(Duration::from_secs(3), Instant::from_millis(3_000 * n), sender))
                .collect();
            let (shortest, longest) = (pauses.iter().min().unwrap(), pauses.iter().max().unwrap());
            assert!((2_400..2_410).contains(&shortest.as_millis()), "{address}: {shortest:?}");
            assert!((2_990..=3_000).contains(&longest.as_millis()), "{address}: {longest:?}");
        }
    }
}
