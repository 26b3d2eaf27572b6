//! The kernel stamps frames by the wall clock, the protocol counts on `CLOCK_MONOTONIC`.

use std::time::Duration;

use fhrp::Instant;

use crate::clock::{monotonic_now, realtime_micros};

/// No stamp is taken to be older than this: the wall clock may have been set between the stamp and the reading.
const OLDEST: Duration = Duration::from_secs(1);

/// Both clocks, read one after the other.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClockPair {
    monotonic: Instant,
    realtime_micros: u64,
}

impl ClockPair {
    /// Reads both; no system call (vDSO). The wall clock comes first: if the thread is preempted between the two, a
    /// frame seems younger than it is, never older.
    pub(super) fn sample() -> Self {
        let realtime_micros = realtime_micros();
        Self { monotonic: monotonic_now(), realtime_micros }
    }

    /// The moment of a kernel timestamp, given as time since 1970, on the monotonic scale: never later than this
    /// sample, never more than one second before it. A frame without a stamp came now.
    pub(super) fn moment_of(&self, stamp: Option<Duration>) -> Instant {
        let Some(stamp) = stamp else { return self.monotonic };
        let now = Duration::from_micros(self.realtime_micros);
        self.monotonic.saturating_sub(now.saturating_sub(stamp).min(OLDEST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: ClockPair =
        ClockPair { monotonic: Instant::from_micros(5_000_000), realtime_micros: 1_700_000_000_000_000 };

    fn moment_of(stamp_micros: u64) -> Instant {
        PAIR.moment_of(Some(Duration::from_micros(stamp_micros)))
    }

    #[test]
    fn a_stamp_is_moved_to_the_monotonic_scale() {
        assert_eq!(moment_of(1_699_999_999_999_750), Instant::from_micros(4_999_750));
    }

    #[test]
    fn a_stamp_from_the_future_is_now() {
        assert_eq!(moment_of(1_700_000_000_000_001), Instant::from_micros(5_000_000));
    }

    #[test]
    fn a_stamp_from_long_ago_is_one_second_old() {
        assert_eq!(moment_of(1_600_000_000_000_000), Instant::from_micros(4_000_000));
    }

    #[test]
    fn without_a_stamp_it_is_now() {
        assert_eq!(PAIR.moment_of(None), Instant::from_micros(5_000_000));
    }
}
