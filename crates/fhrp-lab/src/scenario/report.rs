//! The figures of a failover, as `fhrpd lab --json` prints them.

use serde::Serialize;

/// One failover's figures. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailoverReport {
    /// `vrrp`.
    pub protocol: &'static str,
    /// 4 or 6.
    pub family: u8,
    /// `kill`, `stop`, `link` or `silent`.
    pub fault: String,
    /// `active`, `standby` or a router's name, as asked.
    pub target: String,
    /// The longest of the hosts' outages.
    pub outage_ms: f64,
    /// What the protocol allows from the last advertisement of the old Active router to the first of the new one:
    /// three intervals and the new one's skew, or the skew alone after a resignation.
    pub bound_ms: f64,
    /// What it took; `null` if nobody had to take over.
    pub takeover_ms: Option<f64>,
    /// Each host's figures.
    pub hosts: Vec<HostReport>,
}

/// One host's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostReport {
    /// The host.
    pub name: String,
    /// The router that carries its packets at the end; `null` if none does.
    pub router: Option<String>,
    /// Probes sent from just before the fault on that never arrived.
    pub lost: u64,
    /// The longest silence at the upstream host, in milliseconds.
    pub outage_ms: f64,
}
