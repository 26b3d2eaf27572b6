//! What differs between the protocols in the life of a group: one match each, and nothing else here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fhrp_election::{Candidacy, Election, Rules, State};
use fhrp_wire::MacAddr;

use crate::{
    Action, AnnounceSchedule, Detail, GroupConfig, GroupId, GroupState, IfIndex, PeerStatus,
    RouterAdvertisement, vrrp,
};

/// What a group stands on while it can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Underlay {
    pub(crate) interface: IfIndex,
    /// The interface's own MAC.
    pub(crate) physical: MacAddr,
    /// The MAC of the virtual addresses: the virtual one, or the interface's own without.
    pub(crate) mac: MacAddr,
    /// The primary address.
    pub(crate) source: IpAddr,
    /// Whether a virtual address is the interface's own.
    pub(crate) owner: bool,
}

/// Settings that every protocol has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) version: u8,
    pub(crate) priority: u8,
    pub(crate) preempt: bool,
    pub(crate) preempt_delay: Duration,
}

/// A message that the election asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    /// An advert or Hello that shows the state.
    Advert,
    /// This router becomes active in the place of another.
    Coup,
    /// This router gives up the active role.
    Resign,
}

/// Ready-made messages.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Whole frames to the group.
    pub(crate) multicast: Vec<Bytes>,
    /// Payloads for peers.
    pub(crate) unicast: Vec<(IpAddr, Bytes)>,
}

impl Frames {
    /// What to do to send them once. Copies references only.
    pub(crate) fn actions<'a>(&'a self, underlay: &'a Underlay) -> impl Iterator<Item = Action> + 'a {
        let interface = underlay.interface;
        let frames =
            self.multicast.iter().map(move |frame| Action::Transmit { interface, frame: frame.clone() });
        let packets = self.unicast.iter().map(move |(peer, payload)| Action::Unicast {
            interface,
            source: underlay.source,
            peer: *peer,
            payload: payload.clone(),
        });
        frames.chain(packets)
    }
}

/// The speaker of a group: its configuration, what it learned from its peers, what it says.
#[derive(Debug)]
pub(crate) enum Speaker {
    Vrrp(vrrp::Router),
}

impl Speaker {
    pub(crate) fn new(config: GroupConfig) -> Self {
        match config {
            GroupConfig::Vrrp(config) => Self::Vrrp(vrrp::Router::new(config)),
        }
    }

    /// Takes a new configuration of the same protocol; what was learned stays.
    pub(crate) fn reconfigure(&mut self, config: GroupConfig) {
        match (self, config) {
            (Self::Vrrp(router), GroupConfig::Vrrp(config)) => router.reconfigure(config),
        }
    }

    pub(crate) fn config(&self) -> GroupConfig {
        match self {
            Self::Vrrp(router) => GroupConfig::Vrrp(router.config().clone()),
        }
    }

    pub(crate) fn vrrp(&self) -> Option<&vrrp::Router> {
        match self {
            Self::Vrrp(router) => Some(router),
        }
    }

    pub(crate) fn id(&self) -> &GroupId {
        match self {
            Self::Vrrp(router) => router.config().id(),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        match self {
            Self::Vrrp(router) => router.rules(),
        }
    }

    /// What the election is told of this router.
    pub(crate) fn candidacy(&self, source: IpAddr, owner: bool) -> Candidacy {
        match self {
            Self::Vrrp(router) => router.candidacy(source, owner),
        }
    }

    /// The virtual addresses.
    pub(crate) fn addresses(&self) -> &Arc<[IpAddr]> {
        match self {
            Self::Vrrp(router) => router.config().addresses(),
        }
    }

    pub(crate) fn virtual_mac(&self) -> Option<MacAddr> {
        match self {
            Self::Vrrp(router) => router.config().virtual_mac(),
        }
    }

    /// Whether packets to the virtual addresses are accepted although they are not the interface's own.
    pub(crate) fn accepts(&self) -> bool {
        match self {
            Self::Vrrp(router) => router.config().settings().accept_mode,
        }
    }

    pub(crate) fn announce_schedule(&self) -> &AnnounceSchedule {
        match self {
            Self::Vrrp(router) => &router.config().settings().announce,
        }
    }

    pub(crate) fn router_advertisement(&self) -> Option<&RouterAdvertisement> {
        match self {
            Self::Vrrp(router) => router.config().settings().router_advertisement.as_ref(),
        }
    }

    /// The protocol's own word for a state of the election.
    pub(crate) fn word(&self, state: State) -> GroupState {
        match self {
            Self::Vrrp(_) => vrrp::word(state),
        }
    }

    /// What is sent, from `underlay` and in `state`.
    pub(crate) fn render(&self, saying: Saying, state: State, underlay: &Underlay) -> Frames {
        match (self, state) {
            (Self::Vrrp(router), _) => router.render(underlay, saying),
        }
    }

    /// Counts what was sent.
    pub(crate) fn count_sent(&mut self, saying: Saying) {
        match self {
            Self::Vrrp(router) => router.count_sent(saying),
        }
    }

    /// The link-local address that was put in front of the configured ones.
    pub(crate) fn added_link_local(&self) -> Option<IpAddr> {
        match self {
            Self::Vrrp(router) => router.config().added_link_local(),
        }
    }

    /// Whether the owner's priority is configured, whoever owns the address.
    pub(crate) fn poses_as_owner(&self) -> bool {
        match self {
            Self::Vrrp(router) => router.config().settings().priority == 255,
        }
    }

    /// Whether `config` is so different that the group has to start anew.
    pub(crate) fn is_another(&self, config: &GroupConfig) -> bool {
        match (self, config) {
            (Self::Vrrp(router), GroupConfig::Vrrp(config)) => {
                let present = router.config();
                present.version() != config.version() || present.virtual_mac() != config.virtual_mac()
            }
        }
    }

    /// Settings that every protocol has, for display.
    pub(crate) fn profile(&self) -> Profile {
        match self {
            Self::Vrrp(router) => {
                let settings = router.config().settings();
                Profile {
                    version: settings.version,
                    priority: settings.priority,
                    preempt: settings.preempt,
                    preempt_delay: settings.preempt_delay,
                }
            }
        }
    }

    pub(crate) fn peers(&self) -> Vec<PeerStatus> {
        match self {
            Self::Vrrp(router) => router.peers.status(),
        }
    }

    /// What only this protocol has to show.
    pub(crate) fn detail(&self, election: &Election, owner: bool) -> Detail {
        match self {
            Self::Vrrp(router) => Detail::Vrrp(router.status(election, owner)),
        }
    }
}
