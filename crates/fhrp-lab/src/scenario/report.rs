//! The figures of a failover, as `fhrpd lab --json` prints them.

use serde::Serialize;

/// One failover's figures. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FailoverReport {
    /// `vrrp`, `hsrp` or `glbp`.
    pub protocol: &'static str,
    /// Version of the protocol.
    pub version: u8,
    /// 4 or 6.
    pub family: u8,
    /// `kill`, `stop`, `link` or `silent`.
    pub fault: String,
    /// `active`, `standby` or a router's name, as asked; in GLBP also `avg`, `avf` or `both`.
    pub target: String,
    /// The routers that the fault hit.
    pub hit: Vec<String>,
    /// The longest of the hosts' outages.
    pub outage_ms: f64,
    /// What the protocol allows from the old Active router's last word as such to the new one's first. VRRP: three
    /// intervals and the new one's skew, or the skew alone after a resignation. HSRP and GLBP: the hold time, or
    /// nothing after a resignation.
    pub bound_ms: f64,
    /// What it took, at worst if several things had to be taken over; `null` if nothing had to.
    pub takeover_ms: Option<f64>,
    /// Each host's figures.
    pub hosts: Vec<HostReport>,
    /// Each router's share of the work, in GLBP.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub routers: Vec<RouterReport>,
}

/// One host's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HostReport {
    /// The host.
    pub name: String,
    /// The router that carried its packets before the fault; `null` if none did.
    pub router_before: Option<String>,
    /// The router that carries its packets at the end; `null` if none does.
    pub router: Option<String>,
    /// The MAC address that it had for the gateway before the fault; `null` if it had none.
    pub mac_before: Option<String>,
    /// The one that it has at the end.
    pub mac: Option<String>,
    /// Probes sent from just before the fault on that never arrived.
    pub lost: u64,
    /// The longest silence at the upstream host, in milliseconds: without a time at its begin or end in which the host
    /// itself sent nothing for 5 ms longer than it was to.
    pub outage_ms: f64,
    /// The longest time in which the host itself sent nothing, in milliseconds: one is its pace, and many are a machine
    /// that has no time for it.
    pub sender_gap_ms: f64,
}

/// What a router did in GLBP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouterReport {
    /// The router.
    pub name: String,
    /// The forwarders that it served before the fault.
    pub forwarders_before: Vec<u8>,
    /// The forwarders that it serves at the end.
    pub forwarders: Vec<u8>,
    /// Octets that it sent towards the upstream host from the first probe to the fault.
    pub octets_before: u64,
    /// Octets that it sent towards the upstream host since the fault.
    pub octets: u64,
}
