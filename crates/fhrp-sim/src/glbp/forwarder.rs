//! One forwarder as one router has to see it: whose it is, who serves it, and until when it is remembered.

use std::net::IpAddr;
use std::time::Duration;

use fhrp::{GlbpForwarder, GroupState, Instant, MacAddr};
use fhrp_wire::glbp::{self, VfState};

/// Whose a forwarder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Unknown,
    /// This router's.
    Primary,
    Secondary,
}

/// Where a router stands in the contest for a forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stand {
    Out,
    Listen,
    Active,
}

/// Another router that serves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Server {
    pub(super) address: IpAddr,
    pub(super) primary: bool,
    pub(super) weight: u8,
    pub(super) until: Instant,
}

/// What all forwarders of a router have in common.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) source: IpAddr,
    pub(super) runs: bool,
    /// The weighting is too low.
    pub(super) low: bool,
    /// After which delay lesser ones are pushed aside, if at all.
    pub(super) preempt: Option<Duration>,
    pub(super) hold: Duration,
    pub(super) redirect: Duration,
    pub(super) timeout: Duration,
}

/// What is said of a forwarder, by whom, and how long that is believed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) at: Instant,
    pub(super) source: IpAddr,
    pub(super) owner: MacAddr,
    pub(super) hold: Duration,
    pub(super) said: glbp::Forwarder,
}

#[derive(Clone, Debug)]
pub(crate) struct Forwarder {
    pub(crate) role: Role,
    pub(crate) owner: Option<MacAddr>,
    pub(crate) stand: Stand,
    /// Whether anybody ever served it.
    pub(super) served: bool,
    pub(super) active_until: Option<Instant>,
    leader: Option<IpAddr>,
    lower_since: Option<Instant>,
    pub(super) redirect_ends: Instant,
    pub(super) timeout_ends: Instant,
    pub(super) server: Option<Server>,
    /// Its dataplane refused it, and it waits to try again.
    pub(super) paused: bool,
    /// This router has said that it serves it since it does.
    pub(super) announced: bool,
    /// It has to be resigned in this call.
    pub(super) resigns: bool,
}

impl Forwarder {
    pub(super) fn new() -> Self {
        Self {
            role: Role::Unknown,
            owner: None,
            stand: Stand::Out,
            served: false,
            active_until: None,
            leader: None,
            lower_since: None,
            redirect_ends: Instant::default(),
            timeout_ends: Instant::default(),
            server: None,
            paused: false,
            announced: false,
            resigns: false,
        }
    }

    /// Owner 167, anyone else 135; 39 and 7 while the weighting is too low.
    pub(super) fn priority(&self, low: bool) -> u8 {
        match (self.role, low) {
            (Role::Primary, false) => 167,
            (Role::Primary, true) => 39,
            (Role::Secondary | Role::Unknown, false) => 135,
            (Role::Secondary | Role::Unknown, true) => 7,
        }
    }

    pub(super) fn timers(&self) -> [Option<Instant>; 2] {
        [self.active_until, self.lower_since]
    }

    pub(super) fn is_contested(&self) -> bool {
        match self.role {
            Role::Unknown => false,
            Role::Primary => true,
            Role::Secondary => self.served,
        }
    }

    /// Takes part or does not, as circumstances have it; who serves goes on, however low its weighting.
    pub(super) fn reconcile(&mut self, now: Instant, terms: &Terms) {
        let eligible = !terms.low || self.stand == Stand::Active;
        if !(terms.runs && !self.paused && eligible && self.is_contested()) {
            self.resigns |= self.stand == Stand::Active && self.announced && self.role != Role::Unknown;
            self.leave();
        } else if self.stand == Stand::Out {
            self.stand = Stand::Listen;
            self.active_until = Some(now + terms.hold);
        }
    }

    fn leave(&mut self) {
        self.stand = Stand::Out;
        (self.active_until, self.leader, self.lower_since) = (None, None, None);
        self.announced = false;
    }

    /// The owner lives.
    pub(super) fn refresh(&mut self, at: Instant, terms: &Terms) {
        self.redirect_ends = at + terms.redirect;
        self.timeout_ends = at + terms.timeout.max(terms.hold);
    }

    /// This router is its owner.
    pub(super) fn own(&mut self, now: Instant, owner: MacAddr, terms: &Terms) {
        (self.role, self.owner) = (Role::Primary, Some(owner));
        self.reconcile(now, terms);
    }

    /// The AVG gave it to `owner`.
    pub(super) fn assign(&mut self, now: Instant, owner: MacAddr, terms: &Terms) {
        (self.role, self.owner) = (Role::Secondary, Some(owner));
        self.refresh(now, terms);
        if !self.served {
            self.timeout_ends = self.timeout_ends.min(now + terms.hold * 4);
        }
    }

    /// Learns of it, and whose it is. `false` if there is nothing to be known of it.
    pub(super) fn learn(&mut self, word: &Word, terms: &Terms) -> bool {
        let said = &word.said;
        match (self.role, said.priority.is_primary()) {
            (Role::Primary, true) => {
                if word.source > terms.source && !said.priority.is_resigning() {
                    self.own_by(word, terms);
                }
            }
            (Role::Unknown | Role::Secondary, true) => self.own_by(word, terms),
            (Role::Unknown, false) => {
                let left = said.timeout_left.to_duration();
                if said.state != VfState::Active || left.is_zero() {
                    return false;
                }
                self.role = Role::Secondary;
                self.redirect_ends = word.at + said.redirect_left.to_duration();
                self.timeout_ends = word.at + left;
            }
            (Role::Primary | Role::Secondary, false) => {}
        }
        true
    }

    /// Somebody says something about it. Whether this router, an owner until then, is one no longer.
    pub(super) fn hear(&mut self, word: &Word, terms: &Terms) -> bool {
        let said = &word.said;
        let resigning = said.priority.is_resigning();
        let owned = self.role == Role::Primary;
        if !self.learn(word, terms) {
            return false;
        }
        let lost = owned && self.role == Role::Secondary;
        let active = said.state == VfState::Active;
        if active && !resigning {
            self.served = true;
            self.server = Some(Server {
                address: word.source,
                primary: said.priority.is_primary(),
                weight: said.weight,
                until: word.at + word.hold,
            });
        } else if self.server.is_some_and(|server| server.address == word.source) {
            self.server = None;
        }
        self.reconcile(word.at, terms);
        match (active, resigning) {
            (true, true) => self.hear_resign(word),
            (true, false) => self.hear_claim(word, terms),
            (false, _) => {}
        }
        if self.stand == Stand::Active {
            self.server = None;
        }
        lost
    }

    fn own_by(&mut self, word: &Word, terms: &Terms) {
        (self.role, self.owner) = (Role::Secondary, Some(word.owner));
        self.refresh(word.at, terms);
    }

    fn hear_claim(&mut self, word: &Word, terms: &Terms) {
        let (theirs, ours) = (word.said.priority.0, self.priority(terms.low));
        match self.stand {
            Stand::Out => {}
            Stand::Active => {
                if (theirs, word.source) > (ours, terms.source) {
                    self.stand = Stand::Listen;
                    self.announced = false;
                    self.follow(word);
                    self.reconcile(word.at, terms);
                }
            }
            Stand::Listen => {
                let delay = terms.preempt.filter(|_| theirs < ours && !terms.low);
                let Some(delay) = delay else {
                    self.lower_since = None;
                    return self.follow(word);
                };
                let since = *self.lower_since.get_or_insert(word.at);
                if word.at.saturating_duration_since(since) < delay {
                    self.follow(word);
                } else {
                    self.win();
                }
            }
        }
    }

    fn hear_resign(&mut self, word: &Word) {
        let followed = self.leader.is_none_or(|leader| leader == word.source);
        if self.stand == Stand::Listen && followed {
            self.win();
        }
    }

    fn follow(&mut self, word: &Word) {
        self.leader = Some(word.source);
        self.active_until = Some(word.at + word.hold);
    }

    fn win(&mut self) {
        (self.active_until, self.leader, self.lower_since) = (None, None, None);
        self.stand = Stand::Active;
        (self.served, self.server) = (true, None);
    }

    /// Time is `now`.
    pub(super) fn tick(&mut self, now: Instant) {
        if self.active_until.is_some_and(|until| until <= now) {
            self.active_until = None;
            if self.stand == Stand::Listen {
                self.win();
            }
        }
        if self.role == Role::Secondary && now >= self.timeout_ends {
            let paused = self.paused;
            *self = Self { paused, ..Self::new() };
        }
    }

    /// The word for where it stands; one whose weighting is too low takes no part, and listens.
    pub(super) fn state(&self, low: bool) -> GroupState {
        match (self.role, self.stand) {
            (Role::Unknown, _) => GroupState::Disabled,
            (Role::Primary | Role::Secondary, Stand::Out) if !low => GroupState::Initial,
            (Role::Primary | Role::Secondary, Stand::Active) => GroupState::Active,
            (Role::Primary | Role::Secondary, Stand::Out | Stand::Listen) => GroupState::Listen,
        }
    }

    /// The weighting with which hosts may be told of it; `None` if they must not be. `serves` is this router's own
    /// weighting if it serves it.
    pub(super) fn offer(&self, at: Instant, serves: Option<u8>) -> Option<u8> {
        let server = self.server.filter(|server| at < server.until);
        let redirected = match self.role {
            Role::Unknown => false,
            Role::Primary => true,
            Role::Secondary => server.is_some_and(|server| server.primary) || at < self.redirect_ends,
        };
        serves.or(server.map(|server| server.weight)).filter(|_| redirected)
    }

    /// Whether the engine shows the same of it.
    pub(super) fn agrees(&self, shown: Option<&GlbpForwarder>, low: bool) -> bool {
        self.differs(shown, low).is_none()
    }

    /// In what the engine shows something else: contest, ownership, or times.
    pub(super) fn differs(&self, shown: Option<&GlbpForwarder>, low: bool) -> Option<Difference> {
        let Some(shown) = shown else {
            return (self.role != Role::Unknown).then_some(Difference::Ownership);
        };
        let role = if shown.primary { Role::Primary } else { Role::Secondary };
        if role != self.role || shown.owner != self.owner {
            return Some(Difference::Ownership);
        }
        if shown.state != self.state(low) {
            return Some(Difference::Contest);
        }
        let secondary = self.role == Role::Secondary;
        let ends = (Some(self.redirect_ends), Some(self.timeout_ends));
        if secondary && (shown.redirect_ends, shown.timeout_ends) != ends {
            return Some(Difference::Lifetime);
        }
        None
    }
}

/// What of a forwarder is not as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    Contest,
    Ownership,
    Lifetime,
}
