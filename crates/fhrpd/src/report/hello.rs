//! What groups have whose routers say Hello and elect a Standby router: HSRP and GLBP.

use std::sync::Arc;
use std::time::Duration;

use fhrp::{Detail, GlbpAuthentication, GlbpStatus, HsrpAuthentication, HsrpStatus, Instant};
use fhrp_wire::hsrp::default_text;
use serde::{Deserialize, Serialize};

use super::{millis, seconds_between};

/// What only groups of HSRP and GLBP have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HelloReport {
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
    /// `none`, `text` or `md5`; absent while it is that of routers on which nothing is configured: none in GLBP, a
    /// well-known text in HSRP.
    pub authentication: Option<String>,
    /// The key chain's name, where the keys come from one.
    pub key_chain: Option<String>,
    /// Whether the virtual address was learned.
    pub learned_address: bool,
}

/// The same by other names.
struct Parts<'a> {
    name: &'a Arc<str>,
    timers: (Duration, Duration),
    configured: Option<(Duration, Duration)>,
    next_hello: Option<Instant>,
    expires: [Option<Instant>; 2],
    standby_priority: Option<u8>,
    authentication: (Option<&'static str>, Option<&'a str>),
    learned_address: bool,
}

impl HelloReport {
    /// `None` for a protocol without.
    pub(super) fn new(now: Instant, detail: &Detail) -> Option<Self> {
        let parts = match detail {
            Detail::Vrrp(_) => return None,
            Detail::Hsrp(status) => of_hsrp(status),
            Detail::Glbp(status) => of_glbp(status),
        };
        let until = |at: Option<Instant>| at.map(|at| seconds_between(now, at));
        let [active_expires, standby_expires] = parts.expires;
        let (authentication, key_chain) = parts.authentication;
        Some(Self {
            name: parts.name.to_string(),
            hello_time_ms: millis(parts.timers.0),
            hold_time_ms: millis(parts.timers.1),
            configured_hello_time_ms: parts.configured.map(|(hello, _)| millis(hello)),
            configured_hold_time_ms: parts.configured.map(|(_, hold)| millis(hold)),
            next_hello_seconds: until(parts.next_hello),
            active_expires_seconds: until(active_expires),
            standby_priority: parts.standby_priority,
            standby_expires_seconds: until(standby_expires),
            authentication: authentication.map(str::to_owned),
            key_chain: key_chain.map(str::to_owned),
            learned_address: parts.learned_address,
        })
    }
}

fn of_hsrp(status: &HsrpStatus) -> Parts<'_> {
    Parts {
        name: &status.name,
        timers: (status.hello_time, status.hold_time),
        configured: status.configured_timers,
        next_hello: status.next_hello,
        expires: [status.active_expires, status.standby_expires],
        standby_priority: status.standby_priority,
        // The kind, and the name of a chain. Neither texts nor keys leave the daemon.
        authentication: match &status.authentication {
            HsrpAuthentication::Text(text) if *text == default_text() => (None, None),
            HsrpAuthentication::None => (Some("none"), None),
            HsrpAuthentication::Text(_) => (Some("text"), None),
            HsrpAuthentication::Md5(_) => (Some("md5"), None),
            HsrpAuthentication::Chain(chain) => (Some("md5"), Some(chain.name())),
        },
        learned_address: status.learned_address,
    }
}

fn of_glbp(status: &GlbpStatus) -> Parts<'_> {
    Parts {
        name: &status.name,
        timers: (status.hello_time, status.hold_time),
        configured: Some(status.configured_timers),
        next_hello: status.next_hello,
        expires: [status.active_expires, status.standby_expires],
        standby_priority: status.standby_priority,
        authentication: match &status.authentication {
            GlbpAuthentication::None => (None, None),
            GlbpAuthentication::Text(_) => (Some("text"), None),
            GlbpAuthentication::Md5(_) => (Some("md5"), None),
            GlbpAuthentication::Chain(chain) => (Some("md5"), Some(chain.name())),
        },
        learned_address: status.learned_address,
    }
}
