//! Key chains: several keys, each with its times, so that a key can be changed without a moment of disagreement.

use std::sync::Arc;
use std::time::Duration;

use fhrp_election::Instant;
use fhrp_wire::hsrp::KeyBytes;

/// A moment of the calendar: seconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(pub u64);

/// From when until when a key is good; without a bound on a side where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifetime {
    /// The first moment.
    pub from: Option<WallTime>,
    /// The first moment after it.
    pub until: Option<WallTime>,
}

impl Lifetime {
    /// Whether it lasts at `now`.
    #[must_use]
    pub fn covers(&self, now: WallTime) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// One key of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainKey {
    /// Its number, which is sent with every message; no two keys of a chain share one.
    pub id: u32,
    /// The key.
    pub key: KeyBytes,
    /// When messages that use it are accepted.
    pub accept: Lifetime,
    /// When it is used for messages that are sent.
    pub send: Lifetime,
}

/// Keys of which the time decides which one is used. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChain {
    name: Arc<str>,
    keys: Arc<[ChainKey]>,
}

/// A key chain that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKeyChain {
    /// There is no key in it.
    #[error("the key chain has no key")]
    Empty,
    /// Two keys have the same number.
    #[error("two keys have the id {0}")]
    Repeated(u32),
}

impl KeyChain {
    /// Orders the keys by number.
    ///
    /// # Errors
    /// Every variant of [`InvalidKeyChain`].
    pub fn new(name: &str, mut keys: Vec<ChainKey>) -> Result<Self, InvalidKeyChain> {
        keys.sort_by_key(|key| key.id);
        let repeated = keys.windows(2).find_map(|pair| match pair {
            [a, b] if a.id == b.id => Some(a.id),
            _ => None,
        });
        match (keys.is_empty(), repeated) {
            (true, _) => Err(InvalidKeyChain::Empty),
            (false, Some(id)) => Err(InvalidKeyChain::Repeated(id)),
            (false, None) => Ok(Self { name: name.into(), keys: keys.into() }),
        }
    }

    /// What an operator calls it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its keys, by number.
    pub fn keys(&self) -> impl Iterator<Item = &ChainKey> {
        self.keys.iter()
    }

    /// The key for what is sent: the lowest-numbered one whose time it is, else [`KeyChain::last_resort`]; `None` while
    /// no key has begun. `now` is `None` where the calendar is not known, and then every key is good.
    #[must_use]
    pub fn sending(&self, now: Option<WallTime>) -> Option<&ChainKey> {
        self.good(now).or_else(|| self.last_resort(now))
    }

    /// The key that goes on although its time is over, because it is that of no other: the one that was good last. A
    /// forgotten date must not split a group in two.
    #[must_use]
    pub fn last_resort(&self, now: Option<WallTime>) -> Option<&ChainKey> {
        let now = now.filter(|now| self.good(Some(*now)).is_none())?;
        let past = self.keys.iter().filter(|key| key.send.until.is_some_and(|end| end <= now));
        past.max_by_key(|key| key.send.until)
    }

    /// The key with this number, if messages that use it are accepted now: it is its time, or it goes on as
    /// [`KeyChain::last_resort`], which the other routers send with, too.
    #[must_use]
    pub fn accepting(&self, id: u32, now: Option<WallTime>) -> Option<&ChainKey> {
        let key = self.keys.iter().find(|key| key.id == id)?;
        let timely = now.is_none_or(|now| key.accept.covers(now));
        let goes_on = || self.last_resort(now).is_some_and(|last| last.id == id);
        (timely || goes_on()).then_some(key)
    }

    fn good(&self, now: Option<WallTime>) -> Option<&ChainKey> {
        self.keys.iter().find(|key| now.is_none_or(|now| key.send.covers(now)))
    }

    /// When the first key for what is sent begins, where all have a beginning.
    #[must_use]
    pub(crate) fn begins(&self) -> Option<WallTime> {
        self.keys.iter().map(|key| key.send.from).min().flatten()
    }

    /// When the key for what is sent may change next.
    #[must_use]
    pub(crate) fn next_change(&self, now: WallTime) -> Option<WallTime> {
        let bounds = self.keys.iter().flat_map(|key| [key.send.from, key.send.until]);
        bounds.flatten().filter(|bound| *bound > now).min()
    }
}

/// How the engine's time and the calendar go together, as last told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WallClock {
    known: Option<(Instant, Duration)>,
}

impl WallClock {
    /// At `now` it was `unix` since 1970. Whole microseconds, as the engine counts: [`WallClock::when`] a moment will be,
    /// [`WallClock::at`] says that it is.
    pub(crate) fn new(now: Instant, unix: Duration) -> Self {
        let fraction = Duration::from_nanos(u64::from(unix.subsec_nanos() % 1000));
        Self { known: Some((now, unix.saturating_sub(fraction))) }
    }

    /// The moment of the calendar at `now`.
    pub(crate) fn at(&self, now: Instant) -> Option<WallTime> {
        let (then, unix) = self.known?;
        Some(WallTime((unix + now.saturating_duration_since(then)).as_secs()))
    }

    /// When `moment` will be.
    pub(crate) fn when(&self, moment: WallTime) -> Option<Instant> {
        let (then, unix) = self.known?;
        Some(then + Duration::from_secs(moment.0).saturating_sub(unix))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u32, send: (u64, u64)) -> ChainKey {
        let lifetime = Lifetime { from: Some(WallTime(send.0)), until: Some(WallTime(send.1)) };
        let accept =
            Lifetime { from: Some(WallTime(send.0.saturating_sub(10))), until: Some(WallTime(send.1 + 10)) };
        ChainKey { id, key: KeyBytes::new(format!("key {id}")).unwrap(), accept, send: lifetime }
    }

    fn chain() -> KeyChain {
        KeyChain::new("lan", vec![key(2, (200, 300)), key(1, (100, 250))]).unwrap()
    }

    #[test]
    fn the_lowest_key_whose_time_it_is_sends() {
        let sending = |now| chain().sending(Some(WallTime(now))).map(|key| key.id);
        assert_eq!(
            [sending(99), sending(100), sending(249), sending(250), sending(299)],
            [None, Some(1), Some(1), Some(2), Some(2)]
        );
        assert_eq!(sending(1000), Some(2), "the last one goes on");
        assert_eq!(chain().sending(None).map(|key| key.id), Some(1));
    }

    #[test]
    fn keys_are_accepted_by_number_and_time() {
        let accepts = |id, now| chain().accepting(id, Some(WallTime(now))).is_some();
        assert!(accepts(1, 90) && accepts(1, 259) && !accepts(1, 260) && !accepts(1, 89));
        assert!(!accepts(3, 100));
        assert!(chain().accepting(2, None).is_some());
    }

    /// What all routers send with when the dates are over, all of them hear.
    #[test]
    fn the_key_of_the_last_resort_is_accepted_and_no_other() {
        let accepts = |id, now| chain().accepting(id, Some(WallTime(now))).is_some();
        assert!(accepts(2, 309) && accepts(2, 310) && accepts(2, 100_000));
        assert!(!accepts(1, 310) && !accepts(1, 100_000));
        let gap = KeyChain::new("lan", vec![key(1, (100, 200)), key(2, (300, 400))]).unwrap();
        let known = |now| [1, 2].map(|id| gap.accepting(id, Some(WallTime(now))).is_some());
        assert_eq!([known(250), known(295), known(300)], [[true, false], [true, true], [false, true]]);
        let last = |now| gap.last_resort(Some(WallTime(now))).map(|key| key.id);
        assert_eq!(
            [last(99), last(199), last(200), last(300), last(400)],
            [None, None, Some(1), None, Some(2)]
        );
        assert_eq!(gap.last_resort(None), None);
    }

    #[test]
    fn changes_are_foreseen() {
        let next = |now| chain().next_change(WallTime(now)).map(|at| at.0);
        assert_eq!(
            [next(0), next(100), next(200), next(250), next(300)],
            [Some(100), Some(200), Some(250), Some(300), None]
        );
        let clock = WallClock::new(Instant::from_millis(5_000), Duration::from_millis(99_500));
        assert_eq!(clock.at(Instant::from_millis(5_499)), Some(WallTime(99)));
        assert_eq!(clock.when(WallTime(100)), Some(Instant::from_millis(5_500)));
        assert_eq!(chain().begins(), Some(WallTime(100)));
        let always = ChainKey { send: Lifetime::default(), ..key(3, (1, 2)) };
        assert_eq!(KeyChain::new("lan", vec![key(1, (100, 200)), always]).unwrap().begins(), None);
    }

    #[test]
    fn a_moment_is_there_when_it_was_foreseen() {
        for nanos in [0, 1, 999, 1_000, 499_999_999, 999_999_999] {
            let clock = WallClock::new(Instant::from_micros(7), Duration::new(99, nanos));
            let at = clock.when(WallTime(200)).unwrap();
            assert_eq!(clock.at(at), Some(WallTime(200)), "{nanos}");
        }
    }

    #[test]
    fn chains_need_different_keys() {
        assert_eq!(KeyChain::new("lan", vec![]), Err(InvalidKeyChain::Empty));
        assert_eq!(
            KeyChain::new("lan", vec![key(1, (1, 2)), key(1, (3, 4))]),
            Err(InvalidKeyChain::Repeated(1))
        );
    }
}
