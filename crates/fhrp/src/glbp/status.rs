//! What a group shows of itself.

use fhrp_election::State;
use fhrp_wire::glbp::VgState;

use super::forwarder::{Forwarder, Role};
use super::members::Member;
use super::{Clients, Group, gateway};
use crate::{
    Detail, GlbpForwarder, GlbpMember, GlbpServer, GlbpStatus, GlbpWeighting, GroupState, GroupStatus,
    PeerStatus, Waiting,
};

impl Group {
    /// A snapshot.
    pub(crate) fn status(&self) -> GroupStatus {
        let settings = self.config.settings();
        let ourselves = self.gateway.candidacy().rank;
        let active = match self.gateway.state() {
            State::Active => Some(ourselves),
            State::Init | State::Listen | State::Speak | State::Standby => {
                self.gateway.active().map(|heard| heard.rank)
            }
        };
        GroupStatus {
            id: self.id().clone(),
            version: fhrp_wire::glbp::VERSION,
            state: self.state(),
            waiting: self.waiting.clone(),
            priority: settings.priority,
            effective_priority: settings.priority,
            preempt: settings.preempt,
            preempt_delay: settings.preempt_delay,
            active: active.map(|rank| rank.address),
            active_priority: active.map(|rank| rank.priority),
            addresses: self.addresses.clone(),
            virtual_mac: None,
            interface_mac: self.link.as_deref().map(|link| link.mac),
            primary_address: self.underlay.map(|underlay| underlay.source),
            programmed: self.forwarders.iter().all(|one| !one.is_contested() || one.seat.programmed()),
            up_since: self.up_since,
            state_changes: self.state_changes,
            tracks: self.load.list(&settings.track),
            last_transition: self.last_transition,
            peers: self.members.iter().filter_map(peer).collect(),
            counters: self.stats.clone(),
            detail: Detail::Glbp(Box::new(self.detail())),
        }
    }

    fn state(&self) -> GroupState {
        match &self.waiting {
            Some(Waiting::AddressUnknown) => GroupState::Disabled,
            Some(_) | None => gateway::word(self.gateway.state()),
        }
    }

    fn detail(&self) -> GlbpStatus {
        let settings = self.config.settings();
        let standby = match self.gateway.state() {
            State::Standby => Some(self.gateway.candidacy().rank),
            State::Init | State::Listen | State::Speak | State::Active => {
                self.gateway.standby().map(|heard| heard.rank)
            }
        };
        let timers = self.gateway.timers();
        let thresholds = self.weight.thresholds();
        GlbpStatus {
            name: self.config.name().clone(),
            unserved: self.is_avg() && self.unserved,
            learned_address: settings.addresses.is_empty() && !self.addresses.is_empty(),
            hello_time: self.timers.hello().to_duration(),
            hold_time: self.timers.hold().to_duration(),
            configured_timers: (settings.hello_time, settings.hold_time),
            next_hello: timers.hello,
            redirect: self.timers.redirect().to_duration(),
            timeout: self.timers.timeout().to_duration(),
            active_expires: timers.active,
            standby: standby.map(|rank| rank.address),
            standby_priority: standby.map(|rank| rank.priority),
            standby_expires: timers.standby,
            authentication: settings.authentication.clone(),
            weighting: GlbpWeighting {
                current: self.weight.current(),
                low: self.weight.is_low(),
                configured: thresholds.maximum,
                lower: thresholds.lower,
                upper: thresholds.upper,
            },
            load_balancing: settings.load_balancing,
            owner: self.link.as_deref().map(|link| link.mac),
            members: self.members.iter().map(member).collect(),
            forwarder_preempt: settings.forwarder_preempt,
            forwarder_preempt_delay: settings.forwarder_preempt_delay,
            forwarders: self
                .forwarders
                .iter()
                .filter(|one| one.is_known())
                .map(|one| self.forwarder(one))
                .collect(),
            client_cache: settings.client_cache,
            clients: self.clients.iter().flat_map(Clients::iter).copied().collect(),
            counters: self.counters.clone(),
        }
    }

    fn forwarder(&self, one: &Forwarder) -> GlbpForwarder {
        let secondary = one.role == Role::Secondary;
        GlbpForwarder {
            number: one.number.get(),
            state: one.state(self.weight.is_low()),
            state_changes: one.state_changes,
            last_transition: one.last_transition,
            mac: one.mac,
            primary: !secondary,
            owner: one.owner,
            redirect_ends: secondary.then_some(one.redirect_ends),
            timeout_ends: secondary.then_some(one.timeout_ends),
            server: one.server.map(|server| GlbpServer {
                address: server.address,
                primary: server.priority.is_primary(),
                weighting: server.weight,
                expires: server.until,
            }),
            programmed: one.seat.programmed(),
            selections: one.selections,
        }
    }
}

fn member(member: &Member) -> GlbpMember {
    GlbpMember {
        owner: member.owner,
        address: member.address,
        state: member.gateway.map(|(state, _)| match state {
            VgState::Listen => GroupState::Listen,
            VgState::Speak => GroupState::Speak,
            VgState::Standby => GroupState::Standby,
            VgState::Active => GroupState::Active,
        }),
        priority: member.gateway.map(|(_, priority)| priority),
        authenticated: member.fresh,
        heard: member.heard,
        expires: member.heard + member.hold,
    }
}

/// One that has said a Hello, as groups of other protocols show their peers.
fn peer(known: &Member) -> Option<PeerStatus> {
    let (_, priority) = known.gateway?;
    Some(PeerStatus {
        address: known.address,
        priority,
        version: fhrp_wire::glbp::VERSION,
        interval: known.hello,
        hold: Some(known.hold),
        state: member(known).state,
        mac: Some(known.owner),
        checksum: None,
        heard: known.heard,
    })
}
