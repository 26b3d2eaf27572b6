use std::time::Duration;

use super::{InvalidTimers, Version};

/// Hello time and hold time as one version can express them: whole seconds up to 255 in version 1 (RFC 2281 §5.1),
/// milliseconds of 32 bits in version 2. The hold time is the longer one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timers {
    version: Version,
    /// Both in the unit of the version.
    hello: u32,
    hold: u32,
}

impl Timers {
    /// Exact, or an error: nothing is rounded.
    ///
    /// # Errors
    /// Every variant of [`InvalidTimers`].
    pub fn new(version: Version, hello: Duration, hold: Duration) -> Result<Self, InvalidTimers> {
        let timers = Self { version, hello: to_wire(version, hello)?, hold: to_wire(version, hold)? };
        if timers.hello < timers.hold {
            Ok(timers)
        } else {
            Err(InvalidTimers::HoldNotLonger { hello, hold })
        }
    }

    /// RFC 2281 §5.1: 3 s and 10 s.
    #[must_use]
    pub const fn default_of(version: Version) -> Self {
        match version {
            Version::V1 => Self { version, hello: 3, hold: 10 },
            Version::V2 => Self { version, hello: 3000, hold: 10_000 },
        }
    }

    /// A received pair; `None` without a hello time. A hold time that is not the longer one is replaced by three
    /// hello times, the ratio that RFC 2281 §5.1 asks for.
    pub(super) const fn received(version: Version, hello: u32, hold: u32) -> Option<Self> {
        match (hello, hold) {
            (0, _) => None,
            (hello, hold) if hello < hold => Some(Self { version, hello, hold }),
            (hello, _) => Some(Self { version, hello, hold: hello.saturating_mul(3) }),
        }
    }

    /// The version that can express them.
    #[must_use]
    pub const fn version(self) -> Version {
        self.version
    }

    /// Time between two Hellos of a router; never 0.
    #[must_use]
    pub fn hello(self) -> Duration {
        to_duration(self.version, self.hello)
    }

    /// How long a Hello is valid.
    #[must_use]
    pub fn hold(self) -> Duration {
        to_duration(self.version, self.hold)
    }

    /// Hello and hold time in the unit of the version.
    pub(super) const fn wire(self) -> [u32; 2] {
        [self.hello, self.hold]
    }
}

fn to_duration(version: Version, wire: u32) -> Duration {
    match version {
        Version::V1 => Duration::from_secs(u64::from(wire)),
        Version::V2 => Duration::from_millis(u64::from(wire)),
    }
}

fn to_wire(version: Version, duration: Duration) -> Result<u32, InvalidTimers> {
    let wire = match version {
        Version::V1 => u8::try_from(duration.as_secs()).ok().map(u32::from),
        Version::V2 => u32::try_from(duration.as_millis()).ok(),
    };
    let wire = wire.filter(|_| duration > Duration::ZERO);
    let wire = wire.ok_or(InvalidTimers::Range { version, duration })?;
    let exact = to_duration(version, wire) == duration;
    if exact { Ok(wire) } else { Err(InvalidTimers::Fraction { version, duration }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn version_1_has_whole_seconds() {
        let version = Version::V1;
        let new = |hello, hold| Timers::new(version, ms(hello), ms(hold));
        let longest = new(254_000, 255_000).unwrap();
        assert_eq!((longest.hello(), longest.hold()), (ms(254_000), ms(255_000)));
        assert_eq!(new(0, 10_000), Err(InvalidTimers::Range { version, duration: ms(0) }));
        assert_eq!(new(3000, 256_000), Err(InvalidTimers::Range { version, duration: ms(256_000) }));
        assert_eq!(new(250, 1000), Err(InvalidTimers::Fraction { version, duration: ms(250) }));
        assert_eq!(new(1000, 1500), Err(InvalidTimers::Fraction { version, duration: ms(1500) }));
    }

    #[test]
    fn version_2_has_milliseconds() {
        let version = Version::V2;
        let timers = Timers::new(version, ms(15), ms(50)).unwrap();
        assert_eq!((timers.hello(), timers.hold()), (ms(15), ms(50)));
        let longest = ms(u64::from(u32::MAX));
        assert_eq!(Timers::new(version, ms(1), longest).unwrap().hold(), longest);
        let beyond = longest + ms(1);
        assert_eq!(
            Timers::new(version, ms(1), beyond),
            Err(InvalidTimers::Range { version, duration: beyond })
        );
        let odd = Duration::from_micros(1500);
        assert_eq!(
            Timers::new(version, odd, ms(50)),
            Err(InvalidTimers::Fraction { version, duration: odd })
        );
    }

    #[test]
    fn the_hold_time_is_longer() {
        let hello = ms(3000);
        for hold in [ms(3000), ms(2000)] {
            let error = Err(InvalidTimers::HoldNotLonger { hello, hold });
            assert_eq!(Timers::new(Version::V1, hello, hold), error);
            assert_eq!(Timers::new(Version::V2, hello, hold), error);
        }
    }

    #[test]
    fn defaults_are_three_and_ten_seconds() {
        for version in [Version::V1, Version::V2] {
            assert_eq!(Timers::new(version, ms(3000), ms(10_000)), Ok(Timers::default_of(version)));
        }
    }
}
