//! What differs between the protocols in the life of a group: one match each, and nothing else here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fhrp_election::{Candidacy, Election, Instant, Rules, State};
use fhrp_wire::MacAddr;

use crate::config::WallClock;
use crate::{
    Action, AnnounceSchedule, Detail, GroupConfig, GroupId, GroupState, IfIndex, KeyChain, NoticeKind,
    PeerStatus, RouterAdvertisement, Track, hsrp, vrrp,
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
    /// The priority in use.
    pub(crate) priority: u8,
}

/// What a router's candidacy depends on besides its configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// The primary address.
    pub(crate) source: IpAddr,
    /// Whether a virtual address is the interface's own.
    pub(crate) owner: bool,
    /// Where it stands now.
    pub(crate) state: State,
    /// What failed objects take off the priority.
    pub(crate) decrement: u8,
}

/// Settings that every protocol has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) version: u8,
    pub(crate) priority: u8,
    pub(crate) preempt: bool,
    pub(crate) preempt_delay: Duration,
}

/// Forms of gratuitous ARP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Greeting {
    /// A broadcast request (RFC 9568 §6.4.1).
    Request,
    /// A broadcast reply, the first time also to the switches: what Cisco routers send (captures).
    Replies,
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
    /// When they have to be rendered anew.
    pub(crate) expire: Option<Instant>,
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
    Vrrp(Box<vrrp::Router>),
    Hsrp(Box<hsrp::Router>),
}

impl Speaker {
    /// Takes a new configuration of the same protocol; what was learned stays.
    pub(crate) fn reconfigure(&mut self, config: GroupConfig) {
        match (self, config) {
            (Self::Vrrp(router), GroupConfig::Vrrp(config)) => router.reconfigure(config),
            (Self::Hsrp(router), GroupConfig::Hsrp(config)) => router.reconfigure(config),
            // The protocol is part of a group's id.
            (Self::Vrrp(_) | Self::Hsrp(_), _) => {}
        }
    }

    /// A configuration that starts the group anew, with what was learned and is still of use.
    pub(crate) fn pass_on(&self, config: GroupConfig) -> GroupConfig {
        match (self, config) {
            (Self::Vrrp(router), GroupConfig::Vrrp(config)) => GroupConfig::Vrrp(router.pass_on(config)),
            (Self::Vrrp(_) | Self::Hsrp(_), config) => config,
        }
    }

    pub(crate) fn config(&self) -> GroupConfig {
        match self {
            Self::Vrrp(router) => GroupConfig::Vrrp(router.config().clone()),
            Self::Hsrp(router) => GroupConfig::Hsrp(router.config().clone()),
        }
    }

    pub(crate) fn vrrp(&self) -> Option<&vrrp::Router> {
        match self {
            Self::Vrrp(router) => Some(router),
            Self::Hsrp(_) => None,
        }
    }

    pub(crate) fn hsrp(&self) -> Option<&hsrp::Router> {
        match self {
            Self::Vrrp(_) => None,
            Self::Hsrp(router) => Some(router),
        }
    }

    pub(crate) fn id(&self) -> &GroupId {
        match self {
            Self::Vrrp(router) => router.config().id(),
            Self::Hsrp(router) => router.config().id(),
        }
    }

    pub(crate) fn rules(&self) -> Rules {
        match self {
            Self::Vrrp(router) => router.rules(),
            Self::Hsrp(router) => router.rules(),
        }
    }

    /// What the election is told of this router.
    pub(crate) fn candidacy(&self, standing: &Standing) -> Candidacy {
        match self {
            Self::Vrrp(router) => router.candidacy(standing),
            Self::Hsrp(router) => router.candidacy(standing),
        }
    }

    /// The virtual addresses.
    pub(crate) fn addresses(&self) -> &Arc<[IpAddr]> {
        match self {
            Self::Vrrp(router) => router.config().addresses(),
            Self::Hsrp(router) => router.addresses(),
        }
    }

    pub(crate) fn virtual_mac(&self) -> Option<MacAddr> {
        match self {
            Self::Vrrp(router) => router.config().virtual_mac(),
            Self::Hsrp(router) => router.config().virtual_mac(),
        }
    }

    /// Whether packets to the virtual addresses are accepted although they are not the interface's own.
    pub(crate) fn accepts(&self) -> bool {
        match self {
            Self::Vrrp(router) => router.config().settings().accept_mode,
            Self::Hsrp(_) => true,
        }
    }

    /// How an IPv4 address is announced.
    pub(crate) fn greeting(&self) -> Greeting {
        match self {
            Self::Vrrp(_) => Greeting::Request,
            Self::Hsrp(_) => Greeting::Replies,
        }
    }

    pub(crate) fn announce_schedule(&self) -> &AnnounceSchedule {
        match self {
            Self::Vrrp(router) => &router.config().settings().announce,
            Self::Hsrp(router) => &router.config().settings().announce,
        }
    }

    pub(crate) fn router_advertisement(&self) -> Option<&RouterAdvertisement> {
        match self {
            Self::Vrrp(router) => router.config().settings().router_advertisement.as_ref(),
            Self::Hsrp(router) => router.config().settings().router_advertisement.as_ref(),
        }
    }

    /// The protocol's own word for a state of the election.
    pub(crate) fn word(&self, state: State) -> GroupState {
        match self {
            Self::Vrrp(_) => vrrp::word(state),
            Self::Hsrp(_) => hsrp::word(state),
        }
    }

    /// What is sent at `now`, from `underlay` and in `state`.
    pub(crate) fn render(&self, saying: Saying, state: State, underlay: &Underlay, now: Instant) -> Frames {
        match self {
            Self::Vrrp(router) => router.render(underlay, saying),
            Self::Hsrp(router) => router.render(saying, state, underlay, now),
        }
    }

    /// How long a successor may take after a resignation: most of an interval (RFC 9568 §6.1, Skew_Time), unless one
    /// stands by.
    pub(crate) fn succession_time(&self, election: &Election) -> Duration {
        match self {
            Self::Vrrp(_) => election.candidacy().hello * 4 / 5,
            Self::Hsrp(_) => election.standby().map_or(Duration::MAX, |_| Duration::ZERO),
        }
    }

    /// Counts what was sent.
    pub(crate) fn count_sent(&mut self, saying: Saying) {
        match self {
            Self::Vrrp(router) => router.count_sent(saying),
            Self::Hsrp(router) => router.count_sent(saying),
        }
    }

    /// The link-local address that was put in front of the configured ones.
    pub(crate) fn added_link_local(&self) -> Option<IpAddr> {
        match self {
            Self::Vrrp(router) => router.config().added_link_local(),
            Self::Hsrp(router) => router.config().added_link_local(),
        }
    }

    /// Whether a router that has a virtual address of its own is its owner (RFC 9568 §5.2.4). Elsewhere its kernel would
    /// answer for it, with another MAC, while another router is Active.
    pub(crate) fn knows_owner(&self) -> bool {
        match self {
            Self::Vrrp(_) => true,
            Self::Hsrp(_) => false,
        }
    }

    /// Whether the owner's priority is configured, whoever owns the address.
    pub(crate) fn poses_as_owner(&self) -> bool {
        match self {
            Self::Vrrp(router) => router.config().settings().priority == 255,
            Self::Hsrp(_) => false,
        }
    }

    /// Whether `config` is so different that the group has to start anew.
    pub(crate) fn is_another(&self, config: &GroupConfig) -> bool {
        match (self, config) {
            (Self::Vrrp(router), GroupConfig::Vrrp(config)) => {
                let present = router.config();
                present.version() != config.version() || present.virtual_mac() != config.virtual_mac()
            }
            (Self::Hsrp(router), GroupConfig::Hsrp(config)) => {
                let present = router.config();
                present.group() != config.group()
                    || present.virtual_mac() != config.virtual_mac()
                    || present.settings().follow != config.settings().follow
            }
            (Self::Vrrp(_) | Self::Hsrp(_), _) => true,
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
            Self::Hsrp(router) => {
                let settings = router.config().settings();
                Profile {
                    version: settings.version,
                    priority: settings.priority,
                    preempt: settings.preempt,
                    preempt_delay: settings.preempt_delay_minimum,
                }
            }
        }
    }

    pub(crate) fn peers(&self) -> Vec<PeerStatus> {
        match self {
            Self::Vrrp(router) => router.peers.status(),
            Self::Hsrp(router) => router.peers.status(),
        }
    }

    /// What only this protocol has to show.
    pub(crate) fn detail(&self, election: &Election, owner: bool) -> Detail {
        match self {
            Self::Vrrp(router) => Detail::Vrrp(Box::new(router.status(election, owner))),
            Self::Hsrp(router) => Detail::Hsrp(Box::new(router.status(election))),
        }
    }

    /// The tracked objects.
    pub(crate) fn tracks(&self) -> &[Track] {
        match self {
            Self::Vrrp(router) => &router.config().settings().track,
            Self::Hsrp(router) => &router.config().settings().track,
        }
    }

    /// The group whose state is taken over instead of holding an election.
    pub(crate) fn leader(&self) -> Option<&Arc<str>> {
        match self {
            Self::Vrrp(_) => None,
            Self::Hsrp(router) => router.config().settings().follow.as_ref(),
        }
    }

    /// What other groups call this one.
    pub(crate) fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Vrrp(_) => None,
            Self::Hsrp(router) => Some(router.config().name()),
        }
    }

    /// How long the group stays out of the contest after its interface came up.
    pub(crate) fn startup_delay(&self) -> Duration {
        match self {
            Self::Vrrp(_) => Duration::ZERO,
            Self::Hsrp(router) => router.config().settings().startup_delay,
        }
    }

    /// The election moved to `state`.
    pub(crate) fn entered(&mut self, state: State) {
        match self {
            Self::Vrrp(_) => {}
            Self::Hsrp(router) => router.entered(state),
        }
    }

    /// How the engine's time and the calendar go together.
    pub(crate) fn set_wall_clock(&mut self, clock: WallClock) {
        match self {
            Self::Vrrp(_) => {}
            Self::Hsrp(router) => router.clock = clock,
        }
    }

    /// Whether no key may be used to send now: nobody would hear this router. One that follows another group says
    /// nothing anyway.
    pub(crate) fn lacks_key(&self, now: Instant) -> bool {
        let chain = self.chain().filter(|_| self.leader().is_none());
        chain.is_some_and(|(chain, clock)| chain.sending(clock.at(now)).is_none())
    }

    /// When the first key may be used to send.
    pub(crate) fn key_begins(&self) -> Option<Instant> {
        let (chain, clock) = self.chain()?;
        clock.when(chain.begins()?)
    }

    /// That a key goes on although its time is over.
    pub(crate) fn expired_key(&self, now: Instant) -> Option<NoticeKind> {
        let (chain, clock) = self.chain()?;
        let key = chain.last_resort(clock.at(now))?;
        Some(NoticeKind::KeysExpired { chain: chain.name().into(), key: key.id })
    }

    /// The chain that the keys are from, and the calendar for it.
    fn chain(&self) -> Option<(&KeyChain, &WallClock)> {
        match self {
            Self::Vrrp(_) => None,
            Self::Hsrp(router) => Some((router.chain()?, &router.clock)),
        }
    }

    /// When messages have to be rendered anew although nothing else changed.
    pub(crate) fn frames_expire(&self, now: Instant) -> Option<Instant> {
        match self {
            Self::Vrrp(_) => None,
            Self::Hsrp(router) => router.key_change(now),
        }
    }
}
