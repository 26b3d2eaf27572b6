//! What of the simulator is VRRP: which groups there are, what of them changes, what a frame says, and what one router
//! has to do in one group.

mod contest;
mod plan;
mod said;

use std::fmt;
use std::time::Duration;

use fhrp::{Family, MacAddr, VrrpSettings};
use fhrp_wire::vrrp::Vrid;

use crate::group::Change;

pub(crate) use contest::Contest;
pub(crate) use plan::{draw_change, draw_groups};
pub(crate) use said::{Said, advertisement_in, noise};

/// `settings` with a change, as far as it is one of VRRP.
pub(crate) fn changed(settings: &VrrpSettings, change: &Change) -> VrrpSettings {
    let mut changed = settings.clone();
    match change {
        Change::Priority(priority) => changed.priority = *priority,
        Change::Preempt(delay) => {
            changed.preempt = delay.is_some();
            changed.preempt_delay = delay.unwrap_or_default();
        }
        Change::VirtualMac(on) => changed.virtual_mac = *on,
        Change::Interval(interval) => changed.advertisement_interval = *interval,
        Change::AcceptMode(on) => changed.accept_mode = *on,
        Change::Version(version) => changed.version = *version,
        Change::Timers(_) | Change::ForwarderPreempt(_) | Change::Weighting { .. } | Change::Balancing(_) => {
        }
    }
    changed
}

/// A member's settings in a line.
pub(crate) fn describe(settings: &VrrpSettings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (version, priority) = (settings.version, settings.priority);
    write!(f, "version {version} priority {priority} every {:?}", settings.advertisement_interval)?;
    match (settings.preempt, settings.preempt_delay) {
        (true, Duration::ZERO) => {}
        (true, delay) => write!(f, ", preempts after {delay:?}")?,
        (false, _) => f.write_str(", does not preempt")?,
    }
    f.write_str(if settings.coexist_with_v2 { ", coexists with version 2" } else { "" })?;
    f.write_str(if settings.unicast_peers.is_empty() { "" } else { ", unicast" })
}

/// RFC 9568 §7.3: the virtual MAC that belongs to the VRID.
pub(crate) fn virtual_mac(settings: &VrrpSettings, family: Family) -> Option<MacAddr> {
    Vrid::new(settings.vrid).map(|vrid| fhrp_wire::vrrp::virtual_mac(family, vrid))
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
