//! What a daemon is told about one virtual router, in nobody's syntax.

mod glbp;
mod hsrp;
mod vrrp;

use std::{net::IpAddr, time::Duration};

use fhrp_wire::Family;

pub use glbp::{GlbpGroup, LoadBalancing};
pub use hsrp::{HsrpGroup, HsrpVersion};
pub use vrrp::{VrrpGroup, VrrpVersion};

/// One virtual router on one router, of any protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Group {
    /// The Virtual Router Redundancy Protocol.
    Vrrp(VrrpGroup),
    /// Cisco's Hot Standby Router Protocol.
    Hsrp(HsrpGroup),
    /// Cisco's Gateway Load Balancing Protocol.
    Glbp(GlbpGroup),
}

impl Group {
    /// Its priority.
    #[must_use]
    pub const fn priority(&self) -> u8 {
        match self {
            Self::Vrrp(group) => group.priority,
            Self::Hsrp(group) => group.priority,
            Self::Glbp(group) => group.priority,
        }
    }

    /// Its virtual addresses.
    #[must_use]
    pub fn addresses(&self) -> &[IpAddr] {
        match self {
            Self::Vrrp(group) => &group.addresses,
            Self::Hsrp(group) => &group.addresses,
            Self::Glbp(group) => &group.addresses,
        }
    }

    /// How long such a router waits for a silent Active one.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self {
            Self::Vrrp(group) => group.active_down_interval(),
            Self::Hsrp(group) => group.timers.hold,
            Self::Glbp(group) => group.timers.hold,
        }
    }

    /// How long such a router waits before it takes over from an Active one that resigned. In HSRP and GLBP the
    /// Standby router does not wait.
    #[must_use]
    pub fn patience_after_resignation(&self) -> Duration {
        match self {
            Self::Vrrp(group) => group.skew_time(),
            Self::Hsrp(_) | Self::Glbp(_) => Duration::ZERO,
        }
    }
}

impl From<VrrpGroup> for Group {
    fn from(group: VrrpGroup) -> Self {
        Self::Vrrp(group)
    }
}

impl From<HsrpGroup> for Group {
    fn from(group: HsrpGroup) -> Self {
        Self::Hsrp(group)
    }
}

impl From<GlbpGroup> for Group {
    fn from(group: GlbpGroup) -> Self {
        Self::Glbp(group)
    }
}

/// The two timers of HSRP and GLBP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timers {
    /// Time between hellos.
    pub hello: Duration,
    /// How long a silent router is waited for.
    pub hold: Duration,
}

impl Timers {
    /// The laboratory's usual ones: 250 ms and 750 ms.
    pub const QUICK: Self = Self { hello: Duration::from_millis(250), hold: Duration::from_millis(750) };
    /// The quickest that HSRP version 1 can tell others: 1 s and 3 s.
    pub const WHOLE_SECONDS: Self = Self { hello: Duration::from_secs(1), hold: Duration::from_secs(3) };
}

/// How HSRP and GLBP packets are authenticated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authentication {
    /// What the daemon does when nothing is said.
    #[default]
    Unsaid,
    /// A password in every packet.
    Text(String),
    /// An MD5 digest with one key.
    Md5(String),
    /// An MD5 digest with a key of a chain.
    KeyChain {
        /// The chain's name.
        name: String,
        /// Its keys, each with its number.
        keys: Vec<(u32, String)>,
    },
}

/// The prefix of link-local addresses and the modified EUI-64 of a MAC address, but with its universal bit as it is:
/// how Cisco makes virtual addresses.
fn link_local_of(mac: [u8; 6]) -> IpAddr {
    let [a, b, c, d, e, f] = mac;
    IpAddr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a, b, c, 0xff, 0xfe, d, e, f])
}

/// The usual virtual address of a group: .1 of LAN 0 over IPv4, made from `mac` over IPv6.
fn usual_address(family: Family, mac: [u8; 6]) -> IpAddr {
    match family {
        Family::V4 => crate::topology::lan_address(0, family, 1),
        Family::V6 => link_local_of(mac),
    }
}
