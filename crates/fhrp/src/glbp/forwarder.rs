//! One virtual forwarder as this router sees it: whose it is, who serves it, and how long it lives without its owner.

use std::net::IpAddr;
use std::time::Duration;

use fhrp_election::{Candidacy, Cause, Election, Instant, Preempt, Rank, Rules, State};
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{self, ForwarderNumber, ForwarderPriority, GroupNumber, Seconds, VfState};

use crate::flapping::Flapping;
use crate::seat::Seat;
use crate::{Family, GroupState, SeatId};

/// What this router is to a forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Nobody has it, as far as is known.
    Unknown,
    /// This router owns it.
    Primary,
    /// Another router owns it.
    Secondary,
}

/// Another router that serves the forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) address: IpAddr,
    pub(crate) priority: ForwarderPriority,
    pub(crate) weight: u8,
    /// When it is no longer believed.
    pub(crate) until: Instant,
}

/// What all forwarders of a group have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) source: IpAddr,
    /// Whether the weight is too low to forward.
    pub(crate) low: bool,
    pub(crate) weight: u8,
    pub(crate) preempt: Preempt,
    pub(crate) hello: Duration,
    pub(crate) hold: Duration,
    pub(crate) redirect: Duration,
    pub(crate) timeout: Duration,
}

#[derive(Debug)]
pub(crate) struct Forwarder {
    pub(crate) number: ForwarderNumber,
    pub(crate) mac: MacAddr,
    pub(crate) seat: Seat,
    pub(crate) election: Election,
    pub(crate) role: Role,
    /// Who owns it, as far as known.
    pub(crate) owner: Option<MacAddr>,
    /// Secondary: until when its MAC is handed out, if the owner is not heard.
    pub(crate) redirect_ends: Instant,
    /// Secondary: until when it is served, likewise.
    pub(crate) timeout_ends: Instant,
    pub(crate) server: Option<Server>,
    /// Whether anyone ever served it: before, no host can have been told its MAC.
    pub(crate) served: bool,
    /// Whether this router has said that it is active since it is.
    pub(crate) announced: bool,
    /// The round in which it said so last.
    pub(crate) announced_in: Option<u64>,
    /// Whether it said so no more, and nobody else has said it since.
    pub(crate) given_up: bool,
    /// How often a host was told its MAC.
    pub(crate) selections: u64,
    /// The state last told to the operator.
    pub(crate) told: GroupState,
    pub(crate) state_changes: u64,
    pub(crate) last_transition: Option<(Instant, Cause)>,
    pub(crate) flapping: Flapping,
}

impl Forwarder {
    pub(crate) fn new(seat: SeatId, group: GroupNumber, number: ForwarderNumber, family: Family) -> Self {
        let nobody = Candidacy {
            rank: Rank { priority: 0, address: super::nobody(family) },
            owner: false,
            preempt: Preempt::Never,
            hello: Duration::ZERO,
            hold: Duration::ZERO,
        };
        Self {
            number,
            mac: glbp::virtual_mac(group, number),
            seat: Seat::new(seat),
            election: Election::new(Rules::GLBP_FORWARDER, nobody),
            role: Role::Unknown,
            owner: None,
            redirect_ends: Instant::default(),
            timeout_ends: Instant::default(),
            server: None,
            served: false,
            announced: false,
            announced_in: None,
            given_up: false,
            selections: 0,
            told: GroupState::Disabled,
            state_changes: 0,
            last_transition: None,
            flapping: Flapping::default(),
        }
    }

    /// Whether it takes frames now.
    pub(crate) fn serves(&self) -> bool {
        self.is_active() && self.seat.serves()
    }

    pub(crate) fn is_active(&self) -> bool {
        self.election.state() == State::Active
    }

    pub(crate) fn is_known(&self) -> bool {
        match self.role {
            Role::Unknown => false,
            Role::Primary | Role::Secondary => true,
        }
    }

    /// Whether there is something to contend for.
    pub(crate) fn is_contested(&self) -> bool {
        match self.role {
            Role::Unknown => false,
            Role::Primary => true,
            Role::Secondary => self.served,
        }
    }

    /// The rank of this router.
    fn priority(&self, low: bool) -> ForwarderPriority {
        match (self.role, low) {
            (Role::Primary, false) => ForwarderPriority::PRIMARY,
            (Role::Primary, true) => ForwarderPriority::PRIMARY_INELIGIBLE,
            (Role::Secondary | Role::Unknown, false) => ForwarderPriority::SECONDARY,
            (Role::Secondary | Role::Unknown, true) => ForwarderPriority::SECONDARY_INELIGIBLE,
        }
    }

    fn resigning_priority(&self) -> ForwarderPriority {
        match self.role {
            Role::Primary => ForwarderPriority::PRIMARY_RESIGNING,
            Role::Secondary | Role::Unknown => ForwarderPriority::SECONDARY_RESIGNING,
        }
    }

    /// What its contest is told of this router. One whose weight is too low pushes nobody aside.
    pub(crate) fn candidacy(&self, terms: &Terms) -> Candidacy {
        Candidacy {
            rank: Rank { priority: self.priority(terms.low).0, address: terms.source },
            owner: false,
            preempt: if terms.low { Preempt::Never } else { terms.preempt },
            hello: terms.hello,
            hold: terms.hold,
        }
    }

    /// Its line in a Hello: what this router serves, and its own one also while it listens, so that every AVG to come
    /// knows whose it is.
    pub(crate) fn listed(&self, now: Instant, terms: &Terms) -> Option<glbp::Forwarder> {
        let state = match (self.serves() && self.announced, self.role) {
            (true, _) => VfState::Active,
            (false, Role::Primary) => VfState::Listen,
            (false, Role::Secondary | Role::Unknown) => return None,
        };
        Some(self.said(now, state, self.priority(terms.low), terms))
    }

    /// What is announced when it becomes active, or is challenged.
    pub(crate) fn claimed(&self, now: Instant, terms: &Terms) -> glbp::Forwarder {
        self.said(now, VfState::Active, self.priority(terms.low), terms)
    }

    /// What is announced when this router gives it up.
    pub(crate) fn resigned(&self, now: Instant, terms: &Terms) -> glbp::Forwarder {
        self.said(now, VfState::Active, self.resigning_priority(), terms)
    }

    fn said(
        &self,
        now: Instant,
        state: VfState,
        priority: ForwarderPriority,
        terms: &Terms,
    ) -> glbp::Forwarder {
        let (redirect, timeout) = match self.role {
            Role::Primary => (terms.redirect, terms.timeout),
            Role::Secondary | Role::Unknown => (
                self.redirect_ends.saturating_duration_since(now),
                self.timeout_ends.saturating_duration_since(now),
            ),
        };
        glbp::Forwarder {
            number: self.number,
            state,
            priority,
            weight: terms.weight,
            timeout_left: Seconds::left(timeout),
            redirect_left: Seconds::left(redirect),
        }
    }

    /// The owner lives: both times begin anew. One that is heard in time is never forgotten.
    pub(crate) fn refresh(&mut self, now: Instant, terms: &Terms) {
        self.redirect_ends = now + terms.redirect;
        self.timeout_ends = now + terms.timeout.max(terms.hold);
    }

    /// The weighting with which it is offered to hosts; `None` if it must not be. `weight` is this router's own.
    pub(crate) fn offer(&self, now: Instant, weight: u8) -> Option<u8> {
        let server = self.server.filter(|server| now < server.until);
        let owner_serves = server.is_some_and(|server| server.priority.is_primary());
        let redirected = match self.role {
            Role::Unknown => false,
            Role::Primary => true,
            Role::Secondary => owner_serves || now < self.redirect_ends,
        };
        let served = if self.serves() { Some(weight) } else { server.map(|server| server.weight) };
        served.filter(|_| redirected)
    }

    /// Whether it has been without its owner for too long.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.role == Role::Secondary && now >= self.timeout_ends
    }

    /// When something is to be done.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let over = (self.role == Role::Secondary).then_some(self.timeout_ends);
        [self.election.next_deadline(), self.seat.next_deadline(), over].into_iter().flatten().min()
    }

    /// The protocol's word for where this router stands; one whose weight is too low takes no part, and listens.
    pub(crate) fn state(&self, low: bool) -> GroupState {
        match (self.role, self.election.state()) {
            (Role::Unknown, _) => GroupState::Disabled,
            (Role::Primary | Role::Secondary, State::Init) if !low => GroupState::Initial,
            (Role::Primary | Role::Secondary, State::Active) => GroupState::Active,
            (
                Role::Primary | Role::Secondary,
                State::Init | State::Listen | State::Speak | State::Standby,
            ) => GroupState::Listen,
        }
    }

    /// Nobody has it any more. What it counted stays.
    pub(crate) fn clear(&mut self) {
        self.role = Role::Unknown;
        self.owner = None;
        self.server = None;
        self.served = false;
        self.announced = false;
    }
}
