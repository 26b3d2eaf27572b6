//! What a slot of the engine holds: whatever a group is made of, one match each, and nothing else here.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::Instant;

use crate::config::WallClock;
use crate::glbp;
use crate::group::{Announce, Group, Out};
use crate::seat::Seat;
use crate::speaker::Speaker;
use crate::{
    GroupConfig, GroupId, GroupStatus, LinkState, ProgramFault, Revision, SeatId, TrackName, TrackState,
};
use crate::{hsrp, vrrp};

/// A group of any protocol.
#[derive(Debug)]
pub(crate) enum Slot {
    /// One contest, one seat: VRRP, HSRP.
    Single(Box<Group>),
    /// One contest for the gateway and one for each forwarder, each of which has a seat.
    Glbp(Box<glbp::Group>),
}

impl Slot {
    /// How many seats a group of this configuration needs.
    pub(crate) fn seats_needed(config: &GroupConfig) -> u32 {
        match config {
            GroupConfig::Vrrp(_) | GroupConfig::Hsrp(_) => 1,
            GroupConfig::Glbp(_) => glbp::SEATS,
        }
    }

    /// A group with as many seats as it needs, numbered from `first`.
    pub(crate) fn new(first: SeatId, config: GroupConfig) -> Self {
        match config {
            GroupConfig::Vrrp(config) => {
                let speaker = Speaker::Vrrp(Box::new(vrrp::Router::new(config)));
                Self::Single(Box::new(Group::new(first, speaker)))
            }
            GroupConfig::Hsrp(config) => {
                let speaker = Speaker::Hsrp(Box::new(hsrp::Router::new(config)));
                Self::Single(Box::new(Group::new(first, speaker)))
            }
            GroupConfig::Glbp(config) => {
                Self::Glbp(Box::new(glbp::Group::new(first, Arc::unwrap_or_clone(config))))
            }
        }
    }

    /// The group, if it has one seat only.
    pub(crate) fn single(&self) -> Option<&Group> {
        match self {
            Self::Single(group) => Some(group),
            Self::Glbp(_) => None,
        }
    }

    /// The group, if it has one seat only.
    pub(crate) fn single_mut(&mut self) -> Option<&mut Group> {
        match self {
            Self::Single(group) => Some(group),
            Self::Glbp(_) => None,
        }
    }

    /// The group, if it is one of GLBP.
    pub(crate) fn glbp_mut(&mut self) -> Option<&mut glbp::Group> {
        match self {
            Self::Single(_) => None,
            Self::Glbp(group) => Some(group),
        }
    }

    /// The addresses that the engine resolves for hosts, if they are others than before.
    pub(crate) fn take_resolves(&mut self) -> Option<Arc<[IpAddr]>> {
        match self {
            Self::Single(_) => None,
            Self::Glbp(group) => group.take_addresses_changed().then(|| group.addresses().clone()),
        }
    }

    pub(crate) fn id(&self) -> &GroupId {
        match self {
            Self::Single(group) => group.id(),
            Self::Glbp(group) => group.id(),
        }
    }

    /// Its seats.
    pub(crate) fn seats(&self) -> Vec<SeatId> {
        match self {
            Self::Single(group) => vec![group.seat().id()],
            Self::Glbp(group) => group.seats().collect(),
        }
    }

    /// The same, to be changed.
    pub(crate) fn seats_mut(&mut self) -> Vec<&mut Seat> {
        match self {
            Self::Single(group) => vec![group.seat_mut()],
            Self::Glbp(group) => group.seats_mut().collect(),
        }
    }

    pub(crate) fn config(&self) -> GroupConfig {
        match self {
            Self::Single(group) => group.speaker().config(),
            Self::Glbp(group) => group.config().clone().into(),
        }
    }

    /// Whether `config` is so different that the group has to start anew.
    pub(crate) fn is_another(&self, config: &GroupConfig) -> bool {
        match self {
            Self::Single(group) => group.speaker().is_another(config),
            Self::Glbp(_) => config.glbp().is_none(),
        }
    }

    /// A configuration that starts the group anew, with what was learned and is still of use.
    pub(crate) fn pass_on(&self, config: GroupConfig) -> GroupConfig {
        match self {
            Self::Single(group) => group.speaker().pass_on(config),
            Self::Glbp(_) => config,
        }
    }

    /// How the engine's time and the calendar go together.
    pub(crate) fn handle_wall_clock(&mut self, now: Instant, clock: WallClock, out: &mut Out<'_>) {
        match self {
            Self::Single(group) => group.handle_wall_clock(now, clock, out),
            Self::Glbp(group) => group.handle_wall_clock(now, clock, out),
        }
    }

    /// The tracked objects are like this now.
    pub(crate) fn handle_tracks(
        &mut self,
        now: Instant,
        states: &BTreeMap<TrackName, TrackState>,
        out: &mut Out<'_>,
    ) {
        match self {
            Self::Single(group) => group.handle_tracks(now, states, out),
            Self::Glbp(group) => group.handle_tracks(now, states, out),
        }
    }

    pub(crate) fn status(&self) -> GroupStatus {
        match self {
            Self::Single(group) => group.status(),
            Self::Glbp(group) => group.status(),
        }
    }

    /// When [`Slot::handle_timeout`] wants to be called.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        match self {
            Self::Single(group) => group.next_deadline(),
            Self::Glbp(group) => group.next_deadline(),
        }
    }

    /// Whether a fault has waited long enough.
    pub(crate) fn retries(&self, now: Instant) -> bool {
        match self {
            Self::Single(group) => group.seat().retries(now),
            Self::Glbp(group) => group.retries(now),
        }
    }

    /// The notices that belong to the birth of a group.
    pub(crate) fn introduce(&mut self, now: Instant, out: &mut Out<'_>) {
        match self {
            Self::Single(group) => group.introduce(now, out),
            Self::Glbp(group) => group.introduce(now, out),
        }
    }

    /// The interface is like this now, or does not exist.
    pub(crate) fn handle_link(&mut self, now: Instant, link: Option<Arc<LinkState>>, out: &mut Out<'_>) {
        match self {
            Self::Single(group) => group.handle_link(now, link, out),
            Self::Glbp(group) => group.handle_link(now, link, out),
        }
    }

    /// A new configuration that does not have to start anew.
    pub(crate) fn reconfigure(&mut self, now: Instant, config: GroupConfig, out: &mut Out<'_>) {
        match (self, config) {
            (Self::Single(group), config) => group.reconfigure(now, config, out),
            (Self::Glbp(group), GroupConfig::Glbp(config)) => {
                group.reconfigure(now, Arc::unwrap_or_clone(config), out);
            }
            // The protocol is part of a group's id.
            (Self::Glbp(_), GroupConfig::Vrrp(_) | GroupConfig::Hsrp(_)) => {}
        }
    }

    /// Stops for good, or until [`Slot::handle_link`]; what is Active resigns.
    pub(crate) fn stop(&mut self, now: Instant, out: &mut Out<'_>) {
        match self {
            Self::Single(group) => group.stop(now, out),
            Self::Glbp(group) => group.stop(now, out),
        }
    }

    /// How long a successor may take after a resignation; `None` where there is none to resign.
    pub(crate) fn succession_time(&self) -> Option<Duration> {
        match self {
            Self::Single(group) => group.succession_time(),
            Self::Glbp(group) => group.succession_time(),
        }
    }

    /// Takes back everything that was programmed.
    pub(crate) fn withdraw(&mut self, out: &mut Out<'_>) {
        match self {
            Self::Single(group) => group.withdraw(out),
            Self::Glbp(group) => group.withdraw(out),
        }
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Out<'_>) -> Announce {
        match self {
            Self::Single(group) => group.handle_timeout(now, out),
            Self::Glbp(group) => {
                group.handle_timeout(now, out);
                Announce::Nothing
            }
        }
    }

    /// The dataplane answers for `seat`, which is one of this group's.
    pub(crate) fn handle_programmed(
        &mut self,
        now: Instant,
        seat: SeatId,
        answer: (Revision, Result<(), ProgramFault>),
        out: &mut Out<'_>,
    ) -> Announce {
        let (revision, result) = answer;
        match self {
            Self::Single(group) => {
                debug_assert_eq!(group.seat().id(), seat);
                group.handle_programmed(now, revision, result, out)
            }
            Self::Glbp(group) => {
                group.handle_programmed(now, seat, (revision, result), out);
                Announce::Nothing
            }
        }
    }

    /// Something of `seat`'s had been removed and is back.
    pub(crate) fn handle_mended(
        &mut self,
        now: Instant,
        seat: SeatId,
        what: Arc<str>,
        out: &mut Out<'_>,
    ) -> Announce {
        match self {
            Self::Single(group) => {
                debug_assert_eq!(group.seat().id(), seat);
                group.handle_mended(now, what, out)
            }
            Self::Glbp(group) => {
                group.handle_mended(now, seat, what, out);
                Announce::Nothing
            }
        }
    }

    /// Frames cannot be received.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>, out: &mut Out<'_>) {
        match self {
            Self::Single(group) => group.fail(now, text, out),
            Self::Glbp(group) => group.fail(now, text, out),
        }
    }

    /// A host asks for routers.
    pub(crate) fn solicit(&mut self, now: Instant) {
        match self {
            Self::Single(group) => group.solicit(now),
            Self::Glbp(group) => group.solicit(now),
        }
    }
}
