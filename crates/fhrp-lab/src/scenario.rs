//! A failover from start to report: build, settle, break, watch, account.

mod account;
pub(crate) mod contest;
mod forwarders;
mod observer;
mod plan;
mod report;
mod run;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod testing;

use std::fmt;

pub use observer::{RouterState, Takeover};
pub use plan::{FailoverPlan, InvalidTarget, PeerSide, Protocol, Target};
pub use report::{FailoverReport, HostReport, RouterReport};
pub use run::{Failover, run_failover};

use fhrp_wire::MacAddr;

use crate::{clock::Stamp, fault::Fault, probe::ProbeCounters};

/// What happens while a failover runs, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum LabEvent {
    /// A router is now seen in another state.
    RouterState {
        /// When.
        at: Stamp,
        /// The router's name.
        router: String,
        /// The new state, judged from the wire alone.
        state: RouterState,
    },
    /// The counters of a host's probe, about ten times a second.
    ProbeTick {
        /// The host's name.
        host: String,
        /// Its counters.
        counters: ProbeCounters,
    },
    /// What a router has done in GLBP, about ten times a second.
    Share {
        /// The router's name.
        router: String,
        /// The forwarders that it serves.
        forwarders: Vec<u8>,
        /// Octets that it has sent towards the upstream host so far.
        octets: u64,
    },
    /// Something worth a line. Its text is the entry's `Display`.
    Timeline {
        /// When.
        at: Stamp,
        /// What.
        entry: TimelineEntry,
    },
}

impl LabEvent {
    /// When it happened; `None` for figures, which are of now.
    #[must_use]
    pub const fn at(&self) -> Option<Stamp> {
        match self {
            Self::RouterState { at, .. } | Self::Timeline { at, .. } => Some(*at),
            Self::ProbeTick { .. } | Self::Share { .. } => None,
        }
    }
}

/// A line of the timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimelineEntry {
    /// The topology stands.
    Built {
        /// Number of routers.
        routers: usize,
        /// Number of hosts.
        hosts: usize,
    },
    /// A daemon was started.
    Started {
        /// The router.
        router: String,
        /// The daemon's name.
        daemon: &'static str,
        /// The priority that it was given.
        priority: u8,
    },
    /// One router alone advertises, and probes flow through it.
    Settled {
        /// The Active router.
        router: String,
    },
    /// The fault begins.
    Fault {
        /// What.
        fault: Fault,
        /// Whom.
        router: String,
    },
    /// A router's first advertisement after another was Active, or ever.
    FirstAdvertisement {
        /// The router.
        router: String,
        /// Its priority on the wire.
        priority: u8,
    },
    /// A router's first hello as Active after another was, or ever.
    BecameActive {
        /// The router.
        router: String,
        /// Its priority on the wire.
        priority: u8,
    },
    /// A router says that it is the next in line.
    StandsBy {
        /// The router.
        router: String,
    },
    /// A router's first claim to a forwarder that another served, or nobody.
    Forwards {
        /// The router.
        router: String,
        /// The forwarder's number.
        number: u8,
    },
    /// A router announces that it takes over.
    Coup {
        /// The router.
        router: String,
    },
    /// Which router carries a host's packets.
    Uses {
        /// The host.
        host: String,
        /// The router; `None` if none does.
        router: Option<String>,
        /// The MAC address that the host has for the gateway.
        mac: Option<MacAddr>,
    },
    /// What a router sent upstream.
    Carried {
        /// The router.
        router: String,
        /// Octets.
        octets: u64,
    },
    /// A router no longer wants to be Active.
    Resigned {
        /// The router.
        router: String,
    },
    /// The first gratuitous ARP or unsolicited neighbour advertisement of a router that took over.
    Announced {
        /// The router.
        router: String,
    },
    /// A host's probes arrive again after a silence.
    Recovered {
        /// The host.
        host: String,
        /// The silence in microseconds.
        silent_us: u64,
    },
}

impl fmt::Display for TimelineEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Built { routers, hosts } => write!(f, "built: routers {routers}, hosts {hosts}"),
            Self::Started { router, daemon, priority } => {
                write!(f, "{router}: {daemon} started, priority {priority}")
            }
            Self::Settled { router } => write!(f, "{router} is Active, probes flow"),
            Self::Fault { fault, router } => write!(f, "fault {fault} hits {router}"),
            Self::FirstAdvertisement { router, priority } => {
                write!(f, "{router} advertises, priority {priority}")
            }
            Self::BecameActive { router, priority } => write!(f, "{router} is Active, priority {priority}"),
            Self::StandsBy { router } => write!(f, "{router} is Standby"),
            Self::Forwards { router, number } => write!(f, "{router} serves forwarder {number}"),
            Self::Coup { router } => write!(f, "{router} takes over (coup)"),
            Self::Uses { host, router, mac } => {
                let router = router.as_deref().unwrap_or("nobody");
                let mac = mac.map_or_else(|| "no MAC address".to_owned(), |mac| mac.to_string());
                write!(f, "{host} uses {router} ({mac})")
            }
            Self::Carried { router, octets } => write!(f, "{router} carried {octets} octets"),
            Self::Resigned { router } => write!(f, "{router} resigns"),
            Self::Announced { router } => write!(f, "{router} announces the virtual address"),
            Self::Recovered { host, silent_us } => {
                write!(f, "{host}: probes arrive again after {}.{:03} ms", silent_us / 1000, silent_us % 1000)
            }
        }
    }
}
