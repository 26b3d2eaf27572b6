//! What of the simulator is GLBP: which groups there are, what of them changes, what a frame says, and what one router
//! has to do in one group: as a gateway, and for each of four forwarders.

mod contest;
mod flaw;
mod forwarder;
mod hosts;
mod ownership;
mod plan;
mod said;
mod watch;

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GlbpSettings, LoadBalancing, MacAddr};
use fhrp_wire::glbp::{ForwarderNumber, GroupNumber};

use crate::group::Change;

pub(crate) use contest::Contest;
pub(crate) use flaw::{config as told, heard, is_deaf, sent, volunteered};
pub(crate) use plan::{draw_asks, draw_change, draw_groups};
use said::render;
pub(crate) use said::{Said, message_in, noise};

/// How many forwarders a group has at most.
pub(crate) const FORWARDERS: usize = ForwarderNumber::COUNT;

/// Times of forwarders up to this length may be over within a run.
const LASTING: Duration = Duration::from_secs(120);

/// The virtual MACs of a group: 0007.b4, ten bits of group, the number of the forwarder.
pub(crate) fn virtual_macs(number: u16) -> Vec<MacAddr> {
    let Some(group) = GroupNumber::new(number) else { return Vec::new() };
    ForwarderNumber::ALL.iter().map(|number| fhrp_wire::glbp::virtual_mac(group, *number)).collect()
}

/// How long the traces of an owner may last, where that is no longer than a run.
pub(crate) fn lifetime(settings: &GlbpSettings) -> Option<Duration> {
    (settings.timeout <= LASTING).then_some(settings.timeout)
}

/// `settings` with a change, as far as it is one of GLBP.
pub(crate) fn changed(settings: &GlbpSettings, change: &Change) -> GlbpSettings {
    let mut changed = settings.clone();
    match change {
        Change::Priority(priority) => changed.priority = (*priority).max(1),
        Change::Preempt(delay) => {
            changed.preempt = delay.is_some();
            changed.preempt_delay = delay.unwrap_or_default();
        }
        Change::ForwarderPreempt(delay) => {
            changed.forwarder_preempt = delay.is_some();
            changed.forwarder_preempt_delay = delay.unwrap_or_default();
        }
        Change::Timers(Some((hello, hold))) => (changed.hello_time, changed.hold_time) = (*hello, *hold),
        Change::Weighting { maximum, lower } => {
            (changed.weighting, changed.weighting_lower) = (*maximum, Some(*lower));
            changed.weighting_upper = None;
        }
        Change::Balancing(balancing) => changed.load_balancing = *balancing,
        Change::Timers(None)
        | Change::VirtualMac(_)
        | Change::Interval(_)
        | Change::AcceptMode(_)
        | Change::Version(_) => {}
    }
    changed
}

/// A member's settings in a line.
pub(crate) fn describe(settings: &GlbpSettings, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (hello, hold) = (settings.hello_time, settings.hold_time);
    write!(f, "priority {} hello {hello:?} hold {hold:?}", settings.priority)?;
    if settings.preempt {
        write!(f, ", preempts after {:?}", settings.preempt_delay)?;
    }
    match settings.forwarder_preempt {
        true => write!(f, ", its forwarders after {:?}", settings.forwarder_preempt_delay)?,
        false => f.write_str(", its forwarders do not preempt")?,
    }
    write!(f, ", redirect {:?} timeout {:?}", settings.redirect, settings.timeout)?;
    let (weight, lower, upper) = (settings.weighting, settings.weighting_lower, settings.weighting_upper);
    write!(f, ", weighting {weight} {}..{}", lower.unwrap_or(1), upper.unwrap_or(weight))?;
    write!(f, ", load balancing {}", word(settings.load_balancing))?;
    f.write_str(if settings.addresses.is_empty() { ", learns its address" } else { "" })
}

/// As a configuration says it.
fn word(balancing: LoadBalancing) -> &'static str {
    match balancing {
        LoadBalancing::RoundRobin => "round-robin",
        LoadBalancing::Weighted => "weighted",
        LoadBalancing::HostDependent => "host-dependent",
        LoadBalancing::None => "none",
    }
}

/// Whether hosts could use it as a gateway.
fn usable(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [1..=126 | 128..=223, ..]),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
