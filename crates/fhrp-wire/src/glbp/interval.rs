use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// A duration that the field of a packet cannot express.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidInterval {
    /// Hello and hold time: nothing, or more than 32 bits.
    #[error("a time of {0:?} is not between 1ms and 49 days")]
    MillisecondsRange(Duration),
    /// Hello and hold time: not a whole number of milliseconds.
    #[error("a time of {0:?} is not a whole number of milliseconds")]
    MillisecondsFraction(Duration),
    /// Redirect time and forwarder timeout: more than 16 bits.
    #[error("a time of {0:?} is longer than 65535s")]
    SecondsRange(Duration),
    /// Redirect time and forwarder timeout: not a whole number of seconds.
    #[error("a time of {0:?} is not a whole number of seconds")]
    SecondsFraction(Duration),
}

/// Hello or hold time: 1 to 2^32 - 1 milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Milliseconds(u32);

impl Milliseconds {
    /// `None` for 0.
    #[must_use]
    pub const fn new(milliseconds: u32) -> Option<Self> {
        if milliseconds == 0 { None } else { Some(Self(milliseconds)) }
    }

    /// The number on the wire, never 0.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Exact.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_millis(self.0.into())
    }

    /// Exact, or an error: nothing is rounded.
    ///
    /// # Errors
    /// [`InvalidInterval::MillisecondsRange`], [`InvalidInterval::MillisecondsFraction`].
    pub fn from_duration(duration: Duration) -> Result<Self, InvalidInterval> {
        const MILLISECOND: u32 = 1_000_000;
        let whole = u32::try_from(duration.as_millis()).ok();
        match whole.and_then(Self::new) {
            None => Err(InvalidInterval::MillisecondsRange(duration)),
            Some(_) if !duration.subsec_nanos().is_multiple_of(MILLISECOND) => {
                Err(InvalidInterval::MillisecondsFraction(duration))
            }
            Some(interval) => Ok(interval),
        }
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}ms", self.0)
    }
}

/// Redirect time and forwarder timeout, or what is left of them: 0 to 65535 seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seconds(u16);

impl Seconds {
    /// Nothing is left.
    pub const ZERO: Self = Self(0);

    /// Every number is legal.
    #[must_use]
    pub const fn new(seconds: u16) -> Self {
        Self(seconds)
    }

    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Exact.
    #[must_use]
    pub fn to_duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }

    /// A configured time: exact, or an error.
    ///
    /// # Errors
    /// [`InvalidInterval::SecondsRange`], [`InvalidInterval::SecondsFraction`].
    pub fn from_duration(duration: Duration) -> Result<Self, InvalidInterval> {
        match u16::try_from(duration.as_secs()) {
            Err(_) => Err(InvalidInterval::SecondsRange(duration)),
            Ok(_) if duration.subsec_nanos() != 0 => Err(InvalidInterval::SecondsFraction(duration)),
            Ok(seconds) => Ok(Self(seconds)),
        }
    }

    /// What is left of a time: whole seconds, rounded down (inferred), at most what the field holds.
    #[must_use]
    pub fn left(duration: Duration) -> Self {
        Self(u16::try_from(duration.as_secs()).unwrap_or(u16::MAX))
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
    fn milliseconds_are_exact() {
        let from = Milliseconds::from_duration;
        assert_eq!(from(Duration::from_secs(3)), Ok(Milliseconds(3000)));
        assert_eq!(Milliseconds(250).to_duration(), Duration::from_millis(250));
        assert_eq!(from(Duration::ZERO), Err(InvalidInterval::MillisecondsRange(Duration::ZERO)));
        assert_eq!(from(Duration::MAX), Err(InvalidInterval::MillisecondsRange(Duration::MAX)));
        let longest = Duration::from_millis(0xffff_ffff);
        assert_eq!(from(longest), Ok(Milliseconds(0xffff_ffff)));
        let too_long = Duration::from_millis(0x1_0000_0000);
        assert_eq!(from(too_long), Err(InvalidInterval::MillisecondsRange(too_long)));
        let odd = Duration::from_micros(1500);
        assert_eq!(from(odd), Err(InvalidInterval::MillisecondsFraction(odd)));
        assert_eq!(Milliseconds::new(0), None);
    }

    #[test]
    fn seconds_are_exact_when_configured_and_rounded_when_left() {
        let from = Seconds::from_duration;
        assert_eq!(from(Duration::from_secs(600)), Ok(Seconds(600)));
        assert_eq!(from(Duration::ZERO), Ok(Seconds::ZERO));
        let odd = Duration::from_millis(1999);
        assert_eq!(from(odd), Err(InvalidInterval::SecondsFraction(odd)));
        let too_long = Duration::from_secs(65_536);
        assert_eq!(from(too_long), Err(InvalidInterval::SecondsRange(too_long)));
        assert_eq!(Seconds::left(odd), Seconds(1));
        assert_eq!(Seconds::left(too_long), Seconds(65_535));
        assert_eq!(Seconds(14_400).to_duration(), Duration::from_secs(14_400));
    }
}
