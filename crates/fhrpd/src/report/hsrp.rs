//! What only a group of HSRP reports.

use fhrp::{HsrpAuthentication, HsrpStatus, Instant};
use fhrp_wire::hsrp::default_text;
use serde::{Deserialize, Serialize};

use super::{millis, seconds_between};

/// What only a group of HSRP has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HsrpReport {
    /// What other groups call it.
    pub name: String,
    /// The hello time in use.
    pub hello_time_ms: f64,
    /// The hold time in use.
    pub hold_time_ms: f64,
    /// The hello time as configured, where it is.
    pub configured_hello_time_ms: Option<f64>,
    /// The hold time as configured, where it is.
    pub configured_hold_time_ms: Option<f64>,
    /// Until the next Hello, while any are sent.
    pub next_hello_seconds: Option<f64>,
    /// Until the Active router counts as lost.
    pub active_expires_seconds: Option<f64>,
    /// The Standby router's priority.
    pub standby_priority: Option<u8>,
    /// Until the Standby router counts as lost.
    pub standby_expires_seconds: Option<f64>,
    /// Preempt delay after a reload.
    pub preempt_delay_reload_ms: f64,
    /// Preempt delay for clients of the group.
    pub preempt_delay_sync_ms: f64,
    /// `none`, `text` or `md5`; absent while it is the text of routers on which nothing is configured.
    pub authentication: Option<String>,
    /// The key chain's name, where the keys come from one.
    pub key_chain: Option<String>,
    /// Whether the virtual address was learned.
    pub learned_address: bool,
    /// The group that it follows.
    pub follow: Option<String>,
}

impl HsrpReport {
    pub(super) fn new(now: Instant, status: &HsrpStatus) -> Self {
        let until = |at: Option<Instant>| at.map(|at| seconds_between(now, at));
        let (authentication, key_chain) = authentication(&status.authentication);
        Self {
            name: status.name.to_string(),
            hello_time_ms: millis(status.hello_time),
            hold_time_ms: millis(status.hold_time),
            configured_hello_time_ms: status.configured_timers.map(|(hello, _)| millis(hello)),
            configured_hold_time_ms: status.configured_timers.map(|(_, hold)| millis(hold)),
            next_hello_seconds: until(status.next_hello),
            active_expires_seconds: until(status.active_expires),
            standby_priority: status.standby_priority,
            standby_expires_seconds: until(status.standby_expires),
            preempt_delay_reload_ms: millis(status.preempt_delay_reload),
            preempt_delay_sync_ms: millis(status.preempt_delay_sync),
            authentication: authentication.map(str::to_owned),
            key_chain,
            learned_address: status.learned_address,
            follow: status.follow.as_ref().map(ToString::to_string),
        }
    }
}

/// The kind, and the name of a chain. Neither texts nor keys leave the daemon.
fn authentication(authentication: &HsrpAuthentication) -> (Option<&'static str>, Option<String>) {
    match authentication {
        HsrpAuthentication::Text(text) if *text == default_text() => (None, None),
        HsrpAuthentication::None => (Some("none"), None),
        HsrpAuthentication::Text(_) => (Some("text"), None),
        HsrpAuthentication::Md5(_) => (Some("md5"), None),
        HsrpAuthentication::Chain(chain) => (Some("md5"), Some(chain.name().to_owned())),
    }
}
