//! Time as a number: microseconds that someone else counts.

use std::fmt;
use std::ops::Add;
use std::time::Duration;

/// A moment, in microseconds since an origin that the caller chose (`CLOCK_MONOTONIC`, or zero in a test).
///
/// All arithmetic saturates: a moment beyond the range is the last one, never a wrapped one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The moment `micros` microseconds after the origin.
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The moment `millis` milliseconds after the origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis.saturating_mul(1_000))
    }

    /// Microseconds since the origin.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// How long after `earlier` this is; `None` if it is before it.
    pub fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        self.0.checked_sub(earlier.0).map(Duration::from_micros)
    }

    /// How long after `earlier` this is; zero if it is before it.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The moment `duration` earlier; the origin if that lies before it.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(whole_micros(duration)))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    /// The moment `duration` later, saturating; fractions of a microsecond are dropped.
    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(whole_micros(duration)))
    }
}

impl fmt::Display for Instant {
    /// Seconds and microseconds since the origin: `3.609375`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

fn whole_micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Instant::from_micros(u64::MAX);
        assert_eq!(last + Duration::MAX, last);
        assert_eq!(Instant::from_millis(u64::MAX), last);
        assert_eq!(Instant::from_millis(1).saturating_sub(Duration::from_secs(1)), Instant::default());
    }

    #[test]
    fn differences_know_which_moment_came_first() {
        let (one, two) = (Instant::from_millis(1), Instant::from_millis(2));
        assert_eq!(two.checked_duration_since(one), Some(Duration::from_millis(1)));
        assert_eq!(one.checked_duration_since(two), None);
        assert_eq!(one.saturating_duration_since(two), Duration::ZERO);
    }

    #[test]
    fn a_moment_prints_as_seconds() {
        assert_eq!(Instant::from_micros(3_609_375).to_string(), "3.609375");
    }
}
