//! What only a group of GLBP reports.

use std::net::IpAddr;

use fhrp::{
    ClientCache, GlbpClient, GlbpForwarder, GlbpMember, GlbpServer, GlbpStatus, GlbpWeighting, Instant,
    LoadBalancing,
};
use serde::{Deserialize, Serialize};

use super::{TransitionReport, millis, seconds_between};

/// What only a group of GLBP has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GlbpReport {
    /// Of an AVG: no forwarder can be used, and hosts get no answer.
    pub unserved: bool,
    /// The redirect time in use.
    pub redirect_seconds: f64,
    /// The forwarder timeout in use.
    pub timeout_seconds: f64,
    /// What this router can carry.
    pub weighting: WeightingReport,
    /// `round-robin`, `weighted`, `host-dependent` or `none`.
    pub load_balancing: String,
    /// This router's owner id, the MAC of its interface.
    pub owner_id: Option<String>,
    /// The other routers.
    pub members: Vec<MemberReport>,
    /// Whether a lower-ranked AVF is pushed aside.
    pub forwarder_preempt: bool,
    /// After how long.
    pub forwarder_preempt_delay_ms: f64,
    /// The forwarders that anybody has.
    pub forwarders: Vec<ForwarderReport>,
    /// The bounds of the client cache, where there is one.
    pub client_cache: Option<ClientCacheReport>,
    /// Hosts and what they were told; on the AVG only.
    pub clients: Vec<ClientReport>,
}

/// What a router can carry, and when that is enough to forward.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightingReport {
    /// Now.
    pub current: u8,
    /// Whether that is too low to forward.
    pub low: bool,
    /// As configured.
    pub configured: u8,
    /// Below this it is too low.
    pub lower: u8,
    /// From this on it is enough again.
    pub upper: u8,
}

/// Another router of the group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberReport {
    /// Its owner id, the MAC of its interface.
    pub owner_id: String,
    /// Its address.
    pub address: IpAddr,
    /// The state of its gateway, as far as it said.
    pub state: Option<String>,
    /// Its priority, likewise.
    pub priority: Option<u8>,
    /// Whether it proved that its packets are no old ones.
    pub authenticated: bool,
    /// When it was last heard.
    pub heard_seconds_ago: f64,
    /// Until it counts as gone.
    pub expires_seconds: f64,
}

/// One forwarder, as this router sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForwarderReport {
    /// 1 to 4.
    pub number: u8,
    /// Where this router stands: `disabled`, `initial`, `listen` or `active`.
    pub state: String,
    /// How often that has changed.
    pub state_changes: u64,
    /// The last change.
    pub last_transition: Option<TransitionReport>,
    /// Its virtual MAC.
    pub mac: String,
    /// Whether this router owns it.
    pub primary: bool,
    /// The owner id of who does, as far as known.
    pub owner_id: Option<String>,
    /// For how long its MAC is handed out yet, unless its owner is heard; absent where this router owns it.
    pub redirect_left_seconds: Option<f64>,
    /// For how long it lives yet, likewise.
    pub timeout_left_seconds: Option<f64>,
    /// The other router that serves it.
    pub server: Option<ServerReport>,
    /// Whether the dataplane is as wished.
    pub programmed: bool,
    /// How often a host was told its MAC by this router.
    pub selections: u64,
}

/// Another router that serves a forwarder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerReport {
    /// Its address.
    pub address: IpAddr,
    /// Whether it owns the forwarder.
    pub primary: bool,
    /// Its weighting.
    pub weighting: u8,
    /// Until it is no longer believed.
    pub expires_seconds: f64,
}

/// The memory of the AVG.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientCacheReport {
    /// How many hosts it holds.
    pub maximum: u16,
    /// For how long a host is remembered that does not ask again; absent: as long as there is room.
    pub timeout_seconds: Option<f64>,
}

/// A host that was told a forwarder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClientReport {
    /// Its MAC.
    pub mac: String,
    /// Its address.
    pub address: Option<IpAddr>,
    /// The forwarder.
    pub forwarder: u8,
    /// When it first asked.
    pub first_seconds_ago: f64,
    /// When it last asked.
    pub last_seconds_ago: f64,
    /// How often it was answered.
    pub answers: u64,
}

impl GlbpReport {
    pub(super) fn new(now: Instant, status: &GlbpStatus) -> Self {
        let GlbpWeighting { current, low, configured, lower, upper } = status.weighting;
        let cache = |cache: ClientCache| ClientCacheReport {
            maximum: cache.maximum,
            timeout_seconds: cache.timeout.map(|timeout| timeout.as_secs_f64()),
        };
        Self {
            unserved: status.unserved,
            redirect_seconds: status.redirect.as_secs_f64(),
            timeout_seconds: status.timeout.as_secs_f64(),
            weighting: WeightingReport { current, low, configured, lower, upper },
            load_balancing: match status.load_balancing {
                LoadBalancing::RoundRobin => "round-robin".to_owned(),
                LoadBalancing::Weighted => "weighted".to_owned(),
                LoadBalancing::HostDependent => "host-dependent".to_owned(),
                LoadBalancing::None => "none".to_owned(),
            },
            owner_id: status.owner.map(|mac| mac.to_string()),
            members: status.members.iter().map(|member| MemberReport::new(now, member)).collect(),
            forwarder_preempt: status.forwarder_preempt,
            forwarder_preempt_delay_ms: millis(status.forwarder_preempt_delay),
            forwarders: status.forwarders.iter().map(|one| ForwarderReport::new(now, one)).collect(),
            client_cache: status.client_cache.map(cache),
            clients: status.clients.iter().map(|client| ClientReport::new(now, client)).collect(),
        }
    }
}

impl MemberReport {
    fn new(now: Instant, member: &GlbpMember) -> Self {
        Self {
            owner_id: member.owner.to_string(),
            address: member.address,
            state: member.state.map(|state| state.to_string()),
            priority: member.priority,
            authenticated: member.authenticated,
            heard_seconds_ago: seconds_between(member.heard, now),
            expires_seconds: seconds_between(now, member.expires),
        }
    }
}

impl ForwarderReport {
    fn new(now: Instant, forwarder: &GlbpForwarder) -> Self {
        let until = |at: Option<Instant>| at.map(|at| seconds_between(now, at));
        let server = |server: GlbpServer| ServerReport {
            address: server.address,
            primary: server.primary,
            weighting: server.weighting,
            expires_seconds: seconds_between(now, server.expires),
        };
        Self {
            number: forwarder.number,
            state: forwarder.state.to_string(),
            state_changes: forwarder.state_changes,
            last_transition: forwarder.last_transition.as_ref().map(|last| TransitionReport::new(now, last)),
            mac: forwarder.mac.to_string(),
            primary: forwarder.primary,
            owner_id: forwarder.owner.map(|mac| mac.to_string()),
            redirect_left_seconds: until(forwarder.redirect_ends),
            timeout_left_seconds: until(forwarder.timeout_ends),
            server: forwarder.server.map(server),
            programmed: forwarder.programmed,
            selections: forwarder.selections,
        }
    }
}

impl ClientReport {
    fn new(now: Instant, client: &GlbpClient) -> Self {
        Self {
            mac: client.mac.to_string(),
            address: client.address,
            forwarder: client.forwarder,
            first_seconds_ago: seconds_between(client.first, now),
            last_seconds_ago: seconds_between(client.last, now),
            answers: client.answers,
        }
    }
}
