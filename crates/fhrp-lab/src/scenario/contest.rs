//! What a frame says in a contest; knows no history.

use crate::{
    frame::{GlbpOpcode, HsrpMessage, HsrpOpcode, Kind, SpeakerState},
    group::Group,
};

use super::{RouterState, TimelineEntry};

/// Something that one of several routers is Active for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contest {
    /// A VRRP virtual router.
    Vrrp { vrid: u8 },
    /// An HSRP group.
    Hsrp { group: u16 },
    /// The gateway of a GLBP group.
    Gateway { group: u16 },
    /// A forwarder of a GLBP group.
    Forwarder { group: u16, number: u8 },
}

/// What a router says of itself in a contest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is Active.
    Active { priority: u8 },
    /// It no longer wants to be.
    Resigns,
    /// It takes over; a packet in its new state follows.
    Coup,
    /// It is this, and thus not Active.
    Is(RouterState),
}

impl Contest {
    pub(crate) const fn of(group: &Group) -> Self {
        match group {
            Group::Vrrp(group) => Self::Vrrp { vrid: group.vrid },
            Group::Hsrp(group) => Self::Hsrp { group: group.group },
            Group::Glbp(group) => Self::Gateway { group: group.group },
        }
    }

    /// What a frame says in this contest, if anything.
    pub(crate) fn claim(self, kind: &Kind) -> Option<Claim> {
        match self {
            Self::Vrrp { vrid } => {
                let said = kind.advertisement().filter(|said| said.vrid == vrid)?;
                Some(if said.priority == 0 {
                    Claim::Resigns
                } else {
                    Claim::Active { priority: said.priority }
                })
            }
            Self::Hsrp { group } => kind.hsrp().filter(|said| said.group == group).and_then(hsrp_claim),
            Self::Gateway { group } => {
                let said =
                    kind.glbp().filter(|said| said.group == group && said.opcode == GlbpOpcode::Hello)?;
                let gateway = said.gateway?;
                if gateway.priority == 0 {
                    Some(Claim::Resigns)
                } else {
                    claim_of(gateway.state, gateway.priority)
                }
            }
            Self::Forwarder { group, number } => {
                let said =
                    kind.glbp().filter(|said| said.group == group && said.opcode == GlbpOpcode::Hello)?;
                let forwarder = said.of(number)?;
                if forwarder.resigns() {
                    Some(Claim::Resigns)
                } else {
                    claim_of(forwarder.state, forwarder.priority)
                }
            }
        }
    }

    /// What a router is that says nothing while another is Active.
    pub(crate) const fn resting(self) -> RouterState {
        match self {
            Self::Vrrp { .. } => RouterState::Backup,
            Self::Hsrp { .. } | Self::Gateway { .. } | Self::Forwarder { .. } => RouterState::Listen,
        }
    }

    /// Whether the others elect a next in line, which takes over.
    pub(crate) const fn has_standby(self) -> bool {
        match self {
            Self::Vrrp { .. } | Self::Forwarder { .. } => false,
            Self::Hsrp { .. } | Self::Gateway { .. } => true,
        }
    }

    /// A router's first claim to be Active, as a line of the timeline.
    pub(super) fn first_claim(self, router: &str, priority: u8) -> TimelineEntry {
        let router = router.to_owned();
        match self {
            Self::Vrrp { .. } => TimelineEntry::FirstAdvertisement { router, priority },
            Self::Hsrp { .. } | Self::Gateway { .. } => TimelineEntry::BecameActive { router, priority },
            Self::Forwarder { number, .. } => TimelineEntry::Forwards { router, number },
        }
    }
}

fn hsrp_claim(said: &HsrpMessage) -> Option<Claim> {
    match said.opcode {
        HsrpOpcode::Hello => claim_of(said.state, said.priority),
        HsrpOpcode::Coup => Some(Claim::Coup),
        HsrpOpcode::Resign => Some(Claim::Resigns),
        HsrpOpcode::Other(_) => None,
    }
}

const fn claim_of(state: SpeakerState, priority: u8) -> Option<Claim> {
    match state {
        SpeakerState::Active => Some(Claim::Active { priority }),
        SpeakerState::Standby => Some(Claim::Is(RouterState::Standby)),
        SpeakerState::Speak => Some(Claim::Is(RouterState::Speak)),
        SpeakerState::Listen | SpeakerState::Learn => Some(Claim::Is(RouterState::Listen)),
        SpeakerState::Disabled | SpeakerState::Initial | SpeakerState::Other(_) => None,
    }
}
