use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// A duration that the field of a packet cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidInterval {
    /// Version 3: not 1 to 4095 centiseconds.
    #[error("an advertisement interval of {0:?} is not between 10ms and 40.95s")]
    CentisecondsRange(Duration),
    /// Version 3: not a whole number of centiseconds.
    #[error("an advertisement interval of {0:?} is not a multiple of 10ms")]
    CentisecondsFraction(Duration),
    /// Version 2: not 1 to 255 seconds.
    #[error("an advertisement interval of {0:?} is not between 1s and 255s, as version 2 needs")]
    SecondsRange(Duration),
    /// Version 2: not a whole number of seconds.
    #[error("an advertisement interval of {0:?} is not a whole number of seconds, as version 2 needs")]
    SecondsFraction(Duration),
}

/// Max Advertise Interval of version 3: 1 to 4095 hundredths of a second (RFC 9568 §5.2.7, erratum 8301).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Centiseconds(u16);

impl Centiseconds {
    /// 1 s (RFC 9568 §6.1).
    pub const DEFAULT: Self = Self(100);

    const MAX: u16 = 4095;

    /// `None` outside 1 to 4095.
    #[must_use]
    pub const fn new(centiseconds: u16) -> Option<Self> {
        if 0 < centiseconds && centiseconds <= Self::MAX { Some(Self(centiseconds)) } else { None }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Exact.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_millis(10 * u64::from(self.0))
    }

    /// Exact, or an error: nothing is rounded.
    ///
    /// # Errors
    /// [`InvalidInterval::CentisecondsRange`], [`InvalidInterval::CentisecondsFraction`].
    pub fn from_duration(duration: Duration) -> Result<Self, InvalidInterval> {
        const CENTISECOND: u128 = 10_000_000;
        let nanos = duration.as_nanos();
        let whole = u16::try_from(nanos / CENTISECOND).ok();
        match whole.and_then(Self::new) {
            None => Err(InvalidInterval::CentisecondsRange(duration)),
            Some(_) if !nanos.is_multiple_of(CENTISECOND) => {
                Err(InvalidInterval::CentisecondsFraction(duration))
            }
            Some(interval) => Ok(interval),
        }
    }
}

impl fmt::Display for Centiseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}cs", self.0)
    }
}

/// Adver Int of version 2: 1 to 255 seconds (RFC 3768 §5.3.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u8);

impl Seconds {
    /// 1 s (RFC 3768 §6.1).
    pub const DEFAULT: Self = Self(1);

    /// `None` for 0.
    #[must_use]
    pub const fn new(seconds: u8) -> Option<Self> {
        if seconds == 0 { None } else { Some(Self(seconds)) }
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Exact.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_secs(u64::from(self.0))
    }

    /// Exact, or an error: nothing is rounded.
    ///
    /// # Errors
    /// [`InvalidInterval::SecondsRange`], [`InvalidInterval::SecondsFraction`].
    pub fn from_duration(duration: Duration) -> Result<Self, InvalidInterval> {
        let whole = u8::try_from(duration.as_secs()).ok();
        match whole.and_then(Self::new) {
            None => Err(InvalidInterval::SecondsRange(duration)),
            Some(_) if duration.subsec_nanos() != 0 => Err(InvalidInterval::SecondsFraction(duration)),
            Some(interval) => Ok(interval),
        }
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn centiseconds_are_exact() {
        let from = |millis| Centiseconds::from_duration(Duration::from_millis(millis));
        assert_eq!(from(10), Ok(Centiseconds(1)));
        assert_eq!(from(40_950), Ok(Centiseconds(4095)));
        assert_eq!(Centiseconds(4095).to_duration(), Duration::from_millis(40_950));
        assert_eq!(from(0), Err(InvalidInterval::CentisecondsRange(Duration::ZERO)));
        assert_eq!(from(9), Err(InvalidInterval::CentisecondsRange(Duration::from_millis(9))));
        assert_eq!(from(40_960), Err(InvalidInterval::CentisecondsRange(Duration::from_millis(40_960))));
        assert_eq!(from(105), Err(InvalidInterval::CentisecondsFraction(Duration::from_millis(105))));
        assert_eq!(
            Centiseconds::from_duration(Duration::MAX),
            Err(InvalidInterval::CentisecondsRange(Duration::MAX))
        );
        let odd = Duration::from_nanos(10_000_001);
        assert_eq!(Centiseconds::from_duration(odd), Err(InvalidInterval::CentisecondsFraction(odd)));
    }

    #[test]
    fn seconds_are_exact() {
        let from = |millis| Seconds::from_duration(Duration::from_millis(millis));
        assert_eq!(from(1000), Ok(Seconds(1)));
        assert_eq!(from(255_000), Ok(Seconds(255)));
        assert_eq!(Seconds(255).to_duration(), Duration::from_secs(255));
        assert_eq!(from(999), Err(InvalidInterval::SecondsRange(Duration::from_millis(999))));
        assert_eq!(from(256_000), Err(InvalidInterval::SecondsRange(Duration::from_secs(256))));
        assert_eq!(from(1500), Err(InvalidInterval::SecondsFraction(Duration::from_millis(1500))));
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        assert_eq!(Centiseconds::new(0), None);
        assert_eq!(Centiseconds::new(4096), None);
        assert_eq!(Seconds::new(0), None);
    }
}
