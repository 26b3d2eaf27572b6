//! A failover from start to report: build, settle, break, watch, account.

mod observer;
mod report;
mod run;

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use fhrp_wire::Family;

pub use observer::{RouterState, Takeover};
pub use report::{FailoverReport, HostReport};
pub use run::{Failover, run_failover};

use crate::{
    clock::Stamp,
    daemon::Daemon,
    fault::Fault,
    group::{GroupSpec, VrrpVersion},
    probe::ProbeCounters,
};

/// Whom the fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The Active router.
    Active,
    /// The router that is next in line.
    Standby,
    /// Router `rN`.
    Router(u8),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("active"),
            Self::Standby => f.write_str("standby"),
            Self::Router(number) => write!(f, "r{number}"),
        }
    }
}

/// The text names no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected active, standby or a router such as r2")]
pub struct InvalidTarget;

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "active" => Ok(Self::Active),
            "standby" => Ok(Self::Standby),
            _ => {
                let number = text
                    .strip_prefix('r')
                    .and_then(|number| number.parse().ok())
                    .filter(|number| *number > 0);
                number.map(Self::Router).ok_or(InvalidTarget)
            }
        }
    }
}

/// Which side another implementation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerSide {
    /// It starts as Active, and fhrpd takes over from it.
    Active,
    /// It takes over from fhrpd.
    Backup,
}

/// What to run.
#[derive(Clone, Debug)]
pub struct FailoverPlan {
    /// The daemon of each router, `r1` first. `r1` has the best priority and becomes Active.
    pub routers: Vec<Daemon>,
    /// Number of hosts; each sends probes.
    pub hosts: u8,
    /// Family of the virtual router and the probes.
    pub family: Family,
    /// Version of the protocol.
    pub version: VrrpVersion,
    /// Time between advertisements.
    pub advertisement_interval: Duration,
    /// What breaks.
    pub fault: Fault,
    /// Whom it hits.
    pub target: Target,
    /// Where to save the capture of the LAN, if anywhere. It then holds the probes too.
    pub pcap: Option<PathBuf>,
}

impl FailoverPlan {
    /// The laboratory's usual plan: one host, IPv4, version 3, 100 ms, the Active router killed.
    #[must_use]
    pub fn new(routers: Vec<Daemon>) -> Self {
        Self {
            routers,
            hosts: 1,
            family: Family::V4,
            version: VrrpVersion::V3,
            advertisement_interval: Duration::from_millis(100),
            fault: Fault::Kill,
            target: Target::Active,
            pcap: None,
        }
    }

    /// The daemons of `count` routers: `own` in all, or `own` and another implementation, one of which has `r1`
    /// alone and the other the rest.
    #[must_use]
    pub fn line_up(count: u8, own: Daemon, peer: Option<(Daemon, PeerSide)>) -> Vec<Daemon> {
        let (first, others) = match peer {
            None => (own.clone(), own),
            Some((peer, PeerSide::Active)) => (peer, own),
            Some((peer, PeerSide::Backup)) => (own, peer),
        };
        let mut routers = vec![others; usize::from(count)];
        if let Some(slot) = routers.first_mut() {
            *slot = first;
        }
        routers
    }

    /// What router `rN` is told.
    #[must_use]
    pub fn group(&self, number: u8) -> GroupSpec {
        let mut group = GroupSpec::new(self.family, priority(number));
        group.version = self.version;
        group.advertisement_interval = self.advertisement_interval;
        group
    }

    /// The number of the router that the fault hits.
    #[must_use]
    pub const fn target_number(&self) -> u8 {
        match self.target {
            Target::Active => 1,
            Target::Standby => 2,
            Target::Router(number) => number,
        }
    }
}

/// 200, 150, 100, then 5 less for each further router, down to 1.
fn priority(number: u8) -> u8 {
    match number {
        0 | 1 => 200,
        2 => 150,
        _ => 100_u8.saturating_sub((number - 3).saturating_mul(5)).max(1),
    }
}

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
    /// Something worth a line. Its text is the entry's `Display`.
    Timeline {
        /// When.
        at: Stamp,
        /// What.
        entry: TimelineEntry,
    },
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
    /// An advertisement with priority 0.
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
            Self::Resigned { router } => write!(f, "{router} resigns (priority 0)"),
            Self::Announced { router } => write!(f, "{router} announces the virtual address"),
            Self::Recovered { host, silent_us } => {
                write!(f, "{host}: probes arrive again after {}.{:03} ms", silent_us / 1000, silent_us % 1000)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        for (text, target) in
            [("active", Target::Active), ("standby", Target::Standby), ("r3", Target::Router(3))]
        {
            assert_eq!(text.parse(), Ok(target));
            assert_eq!(target.to_string(), text);
        }
        for text in ["", "r", "r0", "r-1", "Active", "3"] {
            assert_eq!(text.parse::<Target>(), Err(InvalidTarget), "{text}");
        }
    }

    #[test]
    fn priorities_fall() {
        assert_eq!([1, 2, 3, 4, 22, 23, 64].map(priority), [200, 150, 100, 95, 5, 1, 1]);
    }

    #[test]
    fn the_peer_has_one_side() {
        let (own, peer) = (Daemon::fhrpd("f"), Daemon::keepalived());
        let with = |side| FailoverPlan::line_up(3, own.clone(), Some((peer.clone(), side)));
        assert_eq!(with(PeerSide::Active), [peer.clone(), own.clone(), own.clone()]);
        assert_eq!(with(PeerSide::Backup), [own.clone(), peer.clone(), peer.clone()]);
        assert_eq!(FailoverPlan::line_up(1, own.clone(), None), [own]);
    }
}
