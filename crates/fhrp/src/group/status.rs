//! What a group shows of itself.

use fhrp_election::State;

use super::Group;
use crate::{GroupState, GroupStatus, Waiting};

impl Group {
    /// A snapshot.
    pub(crate) fn status(&self) -> GroupStatus {
        let owner = self.underlay.as_ref().is_some_and(|underlay| underlay.owner);
        let ourselves = self.election.candidacy().rank;
        let active = match self.state() {
            State::Active => Some(ourselves),
            State::Init | State::Listen | State::Speak | State::Standby => {
                self.election.active().map(|heard| heard.rank)
            }
        };
        let profile = self.speaker.profile();
        GroupStatus {
            id: self.id().clone(),
            version: profile.version,
            state: self.word(),
            waiting: self.waiting.clone(),
            priority: profile.priority,
            effective_priority: self
                .speaker
                .candidacy(&self.standing(ourselves.address, owner))
                .rank
                .priority,
            preempt: profile.preempt,
            preempt_delay: profile.preempt_delay,
            active: active.map(|rank| rank.address),
            active_priority: active.map(|rank| rank.priority),
            addresses: self.speaker.addresses().clone(),
            virtual_mac: self.speaker.virtual_mac(),
            interface_mac: self.link.as_deref().map(|link| link.mac),
            primary_address: self.underlay.as_ref().map(|underlay| underlay.source),
            programmed: self.seat.programmed(),
            up_since: self.up_since,
            state_changes: self.state_changes,
            tracks: self.load.list(self.speaker.tracks()),
            last_transition: self.last_transition,
            peers: self.speaker.peers(),
            counters: self.stats.clone(),
            detail: self.speaker.detail(&self.election, owner),
        }
    }

    /// The state in the protocol's own words.
    fn word(&self) -> GroupState {
        match &self.waiting {
            Some(Waiting::AddressUnknown) => GroupState::Learn,
            Some(_) | None => self.speaker.word(self.state()),
        }
    }
}
