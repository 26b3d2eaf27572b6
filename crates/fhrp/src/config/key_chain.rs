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

    /// The key for what is sent: the lowest-numbered one whose time it is. When the time of all is over, the one that
    /// was good last goes on, for a forgotten date must not split a group in two. `now` is `None` where the calendar
    /// is not known, and then every key is good.
    #[must_use]
    pub fn sending(&self, now: Option<WallTime>) -> Option<&ChainKey> {
        let good = self.keys.iter().find(|key| now.is_none_or(|now| key.send.covers(now)));
        let over = || {
            let past = self
                .keys
                .iter()
                .filter(|key| now.is_some_and(|now| key.send.until.is_some_and(|end| end <= now)));
            past.max_by_key(|key| key.send.until)
        };
        good.or_else(over)
    }

    /// The key with this number, if messages that use it are accepted now.
    #[must_use]
    pub fn accepting(&self, id: u32, now: Option<WallTime>) -> Option<&ChainKey> {
        let key = self.keys.iter().find(|key| key.id == id)?;
        now.is_none_or(|now| key.accept.covers(now)).then_some(key)
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
    /// At `now` it was `unix` since 1970.
    pub(crate) fn new(now: Instant, unix: Duration) -> Self {
        Self { known: Some((now, unix)) }
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
