//! A router's own clock: it started somewhere and runs a little too fast or too slow.

use std::time::Duration;

use fhrp::Instant;

const MILLION: i128 = 1_000_000;

/// Converts between the world's time and a router's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// What it showed when the world began.
    pub offset: Duration,
    /// Microseconds that it gains in a second; negative if it loses some.
    pub drift: i32,
}

impl Clock {
    /// What the clock shows at the world's time `world`.
    #[must_use]
    pub fn local(&self, world: Instant) -> Instant {
        let world = i128::from(world.as_micros());
        let gained = (world * i128::from(self.drift)).div_euclid(MILLION);
        Instant::from_micros(u64::try_from(world + gained).unwrap_or(0)) + self.offset
    }

    /// The first moment of the world at which the clock shows `local` or more.
    #[must_use]
    pub fn world(&self, local: Instant) -> Instant {
        let since = i128::from(local.saturating_sub(self.offset).as_micros());
        let guess = (since * MILLION).div_euclid(MILLION + i128::from(self.drift));
        let mut world = Instant::from_micros(u64::try_from(guess - 2).unwrap_or(0));
        while self.local(world) < local {
            world = world + Duration::from_micros(1);
        }
        world
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for drift in [-500, 0, 500] {
            let clock = Clock { offset: Duration::from_secs(5), drift };
            for micros in [0, 1, 999_999, 77_777_777] {
                let world = Instant::from_micros(micros);
                let back = clock.world(clock.local(world));
                assert!(back <= world && clock.local(back) == clock.local(world), "{drift} {micros}");
            }
        }
    }

    #[test]
    fn a_fast_clock_gains() {
        let clock = Clock { offset: Duration::ZERO, drift: 500 };
        assert_eq!(clock.local(Instant::from_millis(10_000)), Instant::from_micros(10_005_000));
    }
}
