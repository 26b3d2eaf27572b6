//! One GLBP group on one router.

use std::{fmt, net::IpAddr, time::Duration};

use fhrp_wire::Family;

use super::{Authentication, Timers, usual_address};
use crate::topology::lan_interface;

/// How hosts are spread over the forwarders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LoadBalancing {
    /// Each new host gets the next forwarder.
    #[default]
    RoundRobin,
    /// In proportion to the routers' weights.
    Weighted,
    /// By the host's MAC address alone.
    HostDependent,
    /// All hosts use the Active router's forwarder.
    None,
}

impl fmt::Display for LoadBalancing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RoundRobin => "round-robin",
            Self::Weighted => "weighted",
            Self::HostDependent => "host-dependent",
            Self::None => "none",
        })
    }
}

/// One GLBP group on one router.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GlbpGroup {
    /// The interface, for instance `lan0`.
    pub interface: String,
    /// Group number, 0 to 1023.
    pub group: u16,
    /// Virtual addresses, one family.
    pub addresses: Vec<IpAddr>,
    /// 1 to 255.
    pub priority: u8,
    /// Whether a better router becomes the gateway in place of a worse one.
    pub preempt: bool,
    /// Hello and hold time.
    pub timers: Timers,
    /// How long a better forwarder waits before it takes a forwarder back; the daemon's default if `None`.
    pub forwarder_preempt_delay: Option<Duration>,
    /// Weight of this router, 1 to 254; the daemon's default if `None`.
    pub weighting: Option<u8>,
    /// How hosts are spread.
    pub load_balancing: LoadBalancing,
    /// How packets are authenticated.
    pub authentication: Authentication,
    /// Further lines for this group in the daemon's own syntax.
    pub extra: Vec<String>,
}

impl GlbpGroup {
    /// The laboratory's usual group: number 1 on `lan0`, the usual virtual address, preemption, quick timers.
    #[must_use]
    pub fn new(family: Family, priority: u8) -> Self {
        Self {
            interface: lan_interface(0),
            group: 1,
            addresses: vec![Self::usual_address(family, 1)],
            priority,
            preempt: true,
            timers: Timers::QUICK,
            forwarder_preempt_delay: None,
            weighting: None,
            load_balancing: LoadBalancing::RoundRobin,
            authentication: Authentication::Unsaid,
            extra: Vec::new(),
        }
    }

    /// The usual virtual address of a group: .1 of LAN 0 over IPv4; over IPv6 the one that Cisco makes from
    /// 00:07:b4, the group number and a zero octet.
    #[must_use]
    pub fn usual_address(family: Family, group: u16) -> IpAddr {
        let [high, low] = (group & 0x03ff).to_be_bytes();
        usual_address(family, [0x00, 0x07, 0xb4, high, low, 0])
    }

    /// The family of its addresses.
    #[must_use]
    pub fn family(&self) -> Family {
        self.addresses.first().map_or(Family::V4, Family::of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cisco_makes_the_ipv6_address_of_group_46_like_this() {
        let expected: IpAddr = "fe80::7:b4ff:fe00:2e00".parse().unwrap();
        assert_eq!(GlbpGroup::usual_address(Family::V6, 46), expected);
    }
}
