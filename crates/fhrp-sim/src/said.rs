//! What a frame says, whatever the protocol: one match each, and nothing else here.

use std::fmt;
use std::net::IpAddr;

use bytes::Bytes;

use crate::group::{GroupPlan, Settings};
use crate::{glbp, hsrp, vrrp};

/// A message about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Vrrp(vrrp::Said),
    Hsrp(hsrp::Said),
    Glbp(glbp::Said),
}

impl Said {
    /// What a frame says, if it says something and its octets break no rule that all groups here have.
    pub(crate) fn in_frame(frame: &[u8]) -> Option<Self> {
        vrrp::advertisement_in(frame)
            .map(Self::Vrrp)
            .or_else(|| hsrp::message_in(frame).map(Self::Hsrp))
            .or_else(|| glbp::message_in(frame).map(Self::Glbp))
    }

    /// Whether it is about `group`.
    pub(crate) fn concerns(&self, group: &GroupPlan) -> bool {
        match (self, group.any()) {
            (Self::Vrrp(said), Some(Settings::Vrrp(_))) => {
                said.number() == group.number && said.ipv6() == group.ipv6
            }
            (Self::Hsrp(said), Some(Settings::Hsrp(_))) => {
                said.number == group.number && said.ipv6() == group.ipv6
            }
            (Self::Glbp(said), Some(Settings::Glbp(_))) => {
                said.number() == group.number && said.ipv6() == group.ipv6
            }
            (Self::Vrrp(_) | Self::Hsrp(_) | Self::Glbp(_), _) => false,
        }
    }

    /// Whether its sender says that it is Active.
    pub(crate) fn claims(&self) -> bool {
        match self {
            Self::Vrrp(said) => said.priority > 0,
            Self::Hsrp(said) => said.claims(),
            Self::Glbp(said) => said.claims(),
        }
    }

    /// Whether its sender pushes the Active router aside.
    pub(crate) fn coups(&self) -> bool {
        match self {
            Self::Vrrp(_) | Self::Glbp(_) => false,
            Self::Hsrp(said) => said.coups(),
        }
    }

    pub(crate) fn number(&self) -> u16 {
        match self {
            Self::Vrrp(said) => said.number(),
            Self::Hsrp(said) => said.number,
            Self::Glbp(said) => said.number(),
        }
    }

    /// Whether its sender gives up the Active role.
    pub(crate) fn resigns(&self) -> bool {
        match self {
            Self::Vrrp(said) => said.priority == 0,
            Self::Hsrp(said) => said.resigns(),
            Self::Glbp(said) => said.resigns(),
        }
    }

    pub(crate) fn source(&self) -> IpAddr {
        match self {
            Self::Vrrp(said) => said.source,
            Self::Hsrp(said) => said.source,
            Self::Glbp(said) => said.source,
        }
    }

    /// Whether it is sent every interval.
    pub(crate) fn regular(&self) -> bool {
        match self {
            Self::Vrrp(said) => said.priority > 0,
            Self::Hsrp(said) => said.is_hello(),
            Self::Glbp(said) => said.regular(),
        }
    }
}

/// Packets of a stranger for `group`, of the highest priority, each with one thing wrong.
pub(crate) fn noise(group: &GroupPlan) -> Vec<Bytes> {
    match group.any() {
        Some(Settings::Vrrp(settings)) => vrrp::noise(group, settings),
        Some(Settings::Hsrp(settings)) => hsrp::noise(group, settings),
        Some(Settings::Glbp(settings)) => glbp::noise(group, settings),
        None => Vec::new(),
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vrrp(said) => write!(f, "priority {}", said.priority),
            Self::Hsrp(said) => write!(f, "{:?} {:?} {}", said.opcode, said.state, said.priority),
            Self::Glbp(said) => said.fmt(f),
        }
    }
}
