//! What of the simulator is VRRP: which groups there are, what of them changes, what a frame says, and what one router
//! has to do in one group.

mod contest;
mod plan;
mod said;

use std::fmt;
use std::time::Duration;

use fhrp::{VrrpConfig, VrrpSettings};

pub(crate) use contest::{Contest, Fitness};
pub(crate) use plan::{draw_change, draw_groups};
pub(crate) use said::{Said, advertisement_in, noise};

/// A setting that is another for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The priority.
    Priority(u8),
    /// The interval.
    Interval(Duration),
    /// Preempt_Mode and its delay.
    Preempt(Option<Duration>),
    /// Accept_Mode.
    AcceptMode(bool),
    /// The version: the group starts anew.
    Version(u8),
    /// Whether there is a virtual MAC: the group starts anew.
    VirtualMac(bool),
}

impl Change {
    /// `settings` with this change; as they were if the two do not go together.
    #[must_use]
    pub fn apply(&self, settings: &VrrpSettings) -> VrrpSettings {
        let mut changed = settings.clone();
        match self {
            Self::Priority(priority) => changed.priority = *priority,
            Self::Interval(interval) => changed.advertisement_interval = *interval,
            Self::Preempt(delay) => {
                changed.preempt = delay.is_some();
                changed.preempt_delay = delay.unwrap_or_default();
            }
            Self::AcceptMode(on) => changed.accept_mode = *on,
            Self::Version(version) => changed.version = *version,
            Self::VirtualMac(on) => changed.virtual_mac = *on,
        }
        if VrrpConfig::new(changed.clone()).is_ok() { changed } else { settings.clone() }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Priority(priority) => write!(f, "priority {priority}"),
            Self::Interval(interval) => write!(f, "interval {interval:?}"),
            Self::Preempt(Some(delay)) => write!(f, "preemption after {delay:?}"),
            Self::Preempt(None) => f.write_str("no preemption"),
            Self::AcceptMode(on) => write!(f, "accept mode {on}"),
            Self::Version(version) => write!(f, "version {version}"),
            Self::VirtualMac(on) => write!(f, "virtual MAC {on}"),
        }
    }
}

/// RFC 9568 §6.1: Skew_Time of `priority`, in whole microseconds; of a second in version 2 (RFC 3768 §6.1).
pub(crate) fn skew(version: u8, priority: u8, interval: Duration) -> Duration {
    let base = if version == 2 { Duration::from_secs(1) } else { interval };
    let micros = base.as_micros() * (256 - u128::from(priority)) / 256;
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}

/// RFC 9568 §6.1: Active_Down_Interval.
pub(crate) fn active_down(version: u8, priority: u8, interval: Duration) -> Duration {
    interval * 3 + skew(version, priority, interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of RFC 9568 §6.1 worked out by hand.
    #[test]
    fn skew_and_down_interval() {
        let second = Duration::from_secs(1);
        assert_eq!(active_down(3, 100, second), Duration::from_micros(3_609_375));
        assert_eq!(active_down(3, 254, second), Duration::from_micros(3_007_812));
        assert_eq!(skew(2, 128, Duration::from_secs(3)), Duration::from_millis(500));
        assert_eq!(skew(3, 128, Duration::from_secs(3)), Duration::from_millis(1500));
    }
}
