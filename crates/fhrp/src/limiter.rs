//! Holds back repetitions, so that a hostile sender cannot make many notices.

use std::time::Duration;

use fhrp_election::Instant;
use fhrp_wire::glbp::ForwarderNumber;

/// How long a topic stays silent after it spoke. Counters go on counting.
const SILENCE: Duration = Duration::from_secs(30);
/// The same of what stays as it is until somebody changes the configuration.
const LONG_SILENCE: Duration = Duration::from_secs(3600);

/// What is limited, each by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    Discarded,
    IntervalMismatch,
    AddressListMismatch,
    OwnerConflict,
    DuplicateAddress,
    EqualPriority,
    Flapping,
    Mended,
    BadAuthentication,
    OtherVersion,
    CutOff,
    KeysExpired,
    Unserved,
    ForwarderFlapping(ForwarderNumber),
}

impl Topic {
    fn silence(self) -> Duration {
        match self {
            Self::KeysExpired => LONG_SILENCE,
            Self::Discarded
            | Self::IntervalMismatch
            | Self::AddressListMismatch
            | Self::OwnerConflict
            | Self::DuplicateAddress
            | Self::EqualPriority
            | Self::Flapping
            | Self::Mended
            | Self::BadAuthentication
            | Self::OtherVersion
            | Self::CutOff
            | Self::Unserved
            | Self::ForwarderFlapping(_) => SILENCE,
        }
    }
}

const TOPICS: usize = 13 + ForwarderNumber::COUNT;

/// One group's memory of what it said when.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    /// Made with the first word: most groups never say one.
    last: Option<Box<[Option<Instant>; TOPICS]>>,
}

impl Limiter {
    /// Whether `topic` may speak now; if so it is silent for a while.
    pub(crate) fn allows(&mut self, topic: Topic, now: Instant) -> bool {
        let at = match topic {
            Topic::Discarded => 0,
            Topic::IntervalMismatch => 1,
            Topic::AddressListMismatch => 2,
            Topic::OwnerConflict => 3,
            Topic::DuplicateAddress => 4,
            Topic::EqualPriority => 5,
            Topic::Flapping => 6,
            Topic::Mended => 7,
            Topic::BadAuthentication => 8,
            Topic::OtherVersion => 9,
            Topic::CutOff => 10,
            Topic::KeysExpired => 11,
            Topic::Unserved => 12,
            Topic::ForwarderFlapping(number) => 12 + usize::from(number.get()),
        };
        let Some(last) = self.last.get_or_insert_default().get_mut(at) else { return false };
        if last.is_some_and(|then| now < then + topic.silence()) {
            return false;
        }
        *last = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_become_one_for_each_half_minute() {
        let mut limiter = Limiter::default();
        let spoken =
            (0..1000).filter(|i| limiter.allows(Topic::Discarded, Instant::from_micros(i * 60_000))).count();
        assert_eq!(spoken, 2, "1000 in a minute");
        assert!(
            limiter.allows(Topic::Flapping, Instant::from_micros(0)),
            "topics do not silence one another"
        );
    }
}
