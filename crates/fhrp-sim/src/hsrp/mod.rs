//! What of the simulator is HSRP: which groups there are, what of them changes, what a frame says, and what one router
//! has to do in one group.

mod contest;
mod plan;
mod said;

use std::fmt;
use std::time::Duration;

use fhrp::{Family, HsrpSettings};
use fhrp_wire::hsrp::{Variant, Version};

use crate::group::Change;

pub(crate) use contest::Contest;
pub(crate) use plan::{draw_change, draw_groups};
use said::accepts;
pub(crate) use said::{Said, message_in, noise, render};

/// RFC 2281 §5.1.
const TIMERS_DEFAULT: (Duration, Duration) = (Duration::from_secs(3), Duration::from_secs(10));

/// What the settings say of timers, or what holds where nobody says anything.
pub(crate) fn timers_of(settings: &HsrpSettings) -> (Duration, Duration) {
    settings.timers.unwrap_or(TIMERS_DEFAULT)
}

/// The variant that a group of `family` speaks.
pub(crate) fn variant(settings: &HsrpSettings, family: Family) -> Option<Variant> {
    let version = if settings.version == 1 { Version::V1 } else { Version::V2 };
    Variant::new(version, family)
}

/// Timers that a router could be configured with: others are not learned.
fn fit_timers((hello, hold): (Duration, Duration), version: Version) -> bool {
    let (hello_least, hold_least) = match version {
        Version::V1 => (Duration::from_secs(1), Duration::from_secs(2)),
        Version::V2 => (Duration::from_millis(15), Duration::from_millis(50)),
    };
    let most = Duration::from_secs(255);
    hold > hello && hello >= hello_least && hold >= hold_least && hold <= most && hello < most
}

/// `settings` with a change, as far as it is one of HSRP.
pub(crate) fn changed(settings: &HsrpSettings, change: &Change) -> HsrpSettings {
    let mut changed = settings.clone();
    match change {
        Change::Priority(priority) => changed.priority = (*priority).max(1),
        Change::Preempt(delay) => {
            changed.preempt = delay.is_some();
            changed.preempt_delay_minimum = delay.unwrap_or_default();
            changed.preempt_delay_reload = Duration::ZERO;
        }
        Change::VirtualMac(on) => changed.virtual_mac = *on,
        Change::Timers(timers) => changed.timers = *timers,
        Change::Interval(_)
        | Change::AcceptMode(_)
        | Change::Version(_)
        | Change::ForwarderPreempt(_)
        | Change::Weighting { .. }
        | Change::Balancing(_) => {}
    }
    changed
}

/// A member's settings in a line.
pub(crate) fn describe(settings: &HsrpSettings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "version {} priority {}", settings.version, settings.priority)?;
    match settings.timers {
        Some((hello, hold)) => write!(f, " hello {hello:?} hold {hold:?}")?,
        None => f.write_str(" learns timers")?,
    }
    if settings.preempt {
        f.write_str(", preempts")?;
        let (minimum, reload) = (settings.preempt_delay_minimum, settings.preempt_delay_reload);
        if !minimum.is_zero() || !reload.is_zero() {
            write!(f, " after {minimum:?}, after a reload {reload:?}")?;
        }
    }
    if settings.addresses.is_empty() {
        f.write_str(", learns its address")?;
    }
    match &settings.follow {
        Some(leader) => write!(f, ", follows {leader}"),
        None => Ok(()),
    }
}
