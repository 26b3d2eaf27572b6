//! What to run: routers, protocol, fault and target.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use fhrp_wire::Family;

use crate::{
    daemon::Daemon,
    error::{LabError, Result},
    fault::Fault,
    group::{GlbpGroup, Group, HsrpGroup, HsrpVersion, LoadBalancing, Timers, VrrpGroup, VrrpVersion},
};

/// Whom the fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The Active router.
    Active,
    /// The router that is next in line.
    Standby,
    /// GLBP's Active gateway, which answers hosts.
    Avg,
    /// A router that serves a GLBP forwarder and is not the gateway.
    Avf,
    /// These two at once.
    Both,
    /// Router `rN`.
    Router(u8),
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active => f.write_str("active"),
            Self::Standby => f.write_str("standby"),
            Self::Avg => f.write_str("avg"),
            Self::Avf => f.write_str("avf"),
            Self::Both => f.write_str("both"),
            Self::Router(number) => write!(f, "r{number}"),
        }
    }
}

/// The text names no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected active, standby, a router such as r2, or in GLBP avg, avf or both")]
pub struct InvalidTarget;

impl FromStr for Target {
    type Err = InvalidTarget;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        match text {
            "active" => Ok(Self::Active),
            "standby" => Ok(Self::Standby),
            "avg" => Ok(Self::Avg),
            "avf" => Ok(Self::Avf),
            "both" => Ok(Self::Both),
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
    /// What the routers speak.
    pub protocol: Protocol,
    /// What breaks.
    pub fault: Fault,
    /// Whom it hits.
    pub target: Target,
    /// Where whoever runs this will save the capture of the LAN, if anywhere. It then holds the probes too.
    pub pcap: Option<PathBuf>,
}

impl FailoverPlan {
    /// The laboratory's usual plan: one host, IPv4, VRRP version 3 at 100 ms, the Active router killed.
    #[must_use]
    pub fn new(routers: Vec<Daemon>) -> Self {
        Self {
            routers,
            hosts: 1,
            family: Family::V4,
            protocol: Protocol::VRRP,
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
    pub fn group(&self, number: u8) -> Group {
        let (family, priority) = (self.family, priority(number));
        match self.protocol {
            Protocol::Vrrp { version, advertisement_interval } => {
                VrrpGroup { version, advertisement_interval, ..VrrpGroup::new(family, priority) }.into()
            }
            Protocol::Hsrp { version, timers } => {
                HsrpGroup { timers, ..HsrpGroup::new(version, family, priority) }.into()
            }
            Protocol::Glbp { timers, load_balancing } => {
                GlbpGroup { timers, load_balancing, ..GlbpGroup::new(family, priority) }.into()
            }
        }
    }

    /// Checks what would otherwise only be found out after the topology stands.
    ///
    /// # Errors
    /// [`LabError::NoSuch`] target, or [`LabError::Unsupported`] by a daemon.
    pub fn check(&self) -> Result<()> {
        let routers = self.routers.len();
        let needed = match self.target {
            Target::Active | Target::Avg => 1,
            Target::Standby | Target::Avf | Target::Both => 2,
            Target::Router(number) => usize::from(number),
        };
        if needed > routers {
            let there_are = if routers == 1 {
                "there is only 1 router"
            } else {
                &format!("there are only {routers} routers")
            };
            let what = format!("--target {}: {there_are}", self.target);
            return Err(LabError::NoSuch(what));
        }
        let of_glbp = matches!(self.target, Target::Avg | Target::Avf | Target::Both);
        if of_glbp && !matches!(self.protocol, Protocol::Glbp { .. }) {
            return Err(LabError::NoSuch(format!("{} in {}", self.target, self.protocol.name())));
        }
        for (number, daemon) in (1..).zip(&self.routers) {
            if let Some(reason) = daemon.unsupported(&self.group(number)) {
                return Err(LabError::Unsupported { daemon: daemon.name(), reason: reason.to_owned() });
            }
        }
        Ok(())
    }
}

/// What the routers speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// The Virtual Router Redundancy Protocol.
    Vrrp {
        /// 2 or 3.
        version: VrrpVersion,
        /// Time between advertisements.
        advertisement_interval: Duration,
    },
    /// Cisco's Hot Standby Router Protocol.
    Hsrp {
        /// 1 or 2.
        version: HsrpVersion,
        /// Hello and hold time.
        timers: Timers,
    },
    /// Cisco's Gateway Load Balancing Protocol.
    Glbp {
        /// Hello and hold time.
        timers: Timers,
        /// How hosts are spread.
        load_balancing: LoadBalancing,
    },
}

impl Protocol {
    /// VRRP version 3 with 100 ms between advertisements.
    pub const VRRP: Self =
        Self::Vrrp { version: VrrpVersion::V3, advertisement_interval: Duration::from_millis(100) };

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vrrp { .. } => "vrrp",
            Self::Hsrp { .. } => "hsrp",
            Self::Glbp { .. } => "glbp",
        }
    }

    /// Its version; GLBP has but one.
    #[must_use]
    pub const fn version(self) -> u8 {
        match self {
            Self::Vrrp { version: VrrpVersion::V3, .. } => 3,
            Self::Vrrp { version: VrrpVersion::V2, .. } | Self::Hsrp { version: HsrpVersion::V2, .. } => 2,
            Self::Hsrp { version: HsrpVersion::V1, .. } | Self::Glbp { .. } => 1,
        }
    }

    /// Time between two words of an Active router.
    #[must_use]
    pub const fn interval(self) -> Duration {
        match self {
            Self::Vrrp { advertisement_interval, .. } => advertisement_interval,
            Self::Hsrp { timers, .. } | Self::Glbp { timers, .. } => timers.hello,
        }
    }

    /// In words, over an address family: `HSRP version 2 over IPv4, hello 250ms, hold 750ms`.
    #[must_use]
    pub fn describe(self, family: Family) -> String {
        match self {
            Self::Vrrp { advertisement_interval, .. } => {
                format!("VRRP over {family}, advertisements every {advertisement_interval:?}")
            }
            Self::Hsrp { timers: Timers { hello, hold }, .. } => {
                format!("HSRP version {} over {family}, hello {hello:?}, hold {hold:?}", self.version())
            }
            Self::Glbp { timers: Timers { hello, hold }, .. } => {
                format!("GLBP over {family}, hello {hello:?}, hold {hold:?}")
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        let words = [
            ("active", Target::Active),
            ("standby", Target::Standby),
            ("avg", Target::Avg),
            ("avf", Target::Avf),
            ("both", Target::Both),
            ("r3", Target::Router(3)),
        ];
        for (text, target) in words {
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

    fn hsrp(version: HsrpVersion, timers: Timers) -> FailoverPlan {
        let routers = vec![Daemon::fhrpd("f"), Daemon::fhrpd("f")];
        FailoverPlan { protocol: Protocol::Hsrp { version, timers }, ..FailoverPlan::new(routers) }
    }

    #[test]
    fn the_better_router_preempts_in_every_protocol() {
        let plan = hsrp(HsrpVersion::V1, Timers::WHOLE_SECONDS);
        let Group::Hsrp(group) = plan.group(1) else { panic!("{:?}", plan.group(1)) };
        assert_eq!((group.priority, group.preempt, group.version), (200, true, HsrpVersion::V1));
        assert_eq!(group.timers, Timers::WHOLE_SECONDS);
        let (timers, load_balancing) = (Timers::QUICK, LoadBalancing::Weighted);
        let plan = FailoverPlan { protocol: Protocol::Glbp { timers, load_balancing }, ..plan };
        let Group::Glbp(group) = plan.group(2) else { panic!("{:?}", plan.group(2)) };
        assert_eq!((group.priority, group.preempt, group.load_balancing), (150, true, load_balancing));
    }

    #[test]
    fn the_hold_time_is_what_the_next_in_line_waits() {
        let plan = hsrp(HsrpVersion::V2, Timers::QUICK);
        assert_eq!(plan.group(2).patience(), Duration::from_millis(750));
        assert_eq!(plan.group(2).patience_after_resignation(), Duration::ZERO);
    }

    #[test]
    fn impossible_plans_are_refused() {
        let refused = |plan: FailoverPlan| plan.check().unwrap_err().to_string();
        let plan = hsrp(HsrpVersion::V2, Timers::QUICK);
        plan.check().unwrap();
        assert!(
            refused(FailoverPlan { target: Target::Router(3), ..plan.clone() }).contains("only 2 routers")
        );
        let alone =
            FailoverPlan { routers: vec![Daemon::fhrpd("f")], target: Target::Standby, ..plan.clone() };
        assert!(refused(alone).contains("there is only 1 router"));
        assert!(refused(FailoverPlan { target: Target::Avf, ..plan.clone() }).contains("avf in hsrp"));
        let peer = vec![Daemon::keepalived(), Daemon::keepalived()];
        assert!(refused(FailoverPlan { routers: peer, ..plan }).contains("VRRP only"));
        assert!(refused(hsrp(HsrpVersion::V1, Timers::QUICK)).contains("whole seconds"));
    }

    #[test]
    fn plans_are_told_in_words() {
        let protocol = hsrp(HsrpVersion::V2, Timers::QUICK).protocol;
        assert_eq!(protocol.describe(Family::V6), "HSRP version 2 over IPv6, hello 250ms, hold 750ms");
        assert_eq!(Protocol::VRRP.describe(Family::V4), "VRRP over IPv4, advertisements every 100ms");
    }
}
