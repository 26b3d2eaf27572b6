//! HSRP's part of a group: what is checked in a message, what is sent, what is learned from the Active router. The
//! contest itself is in `fhrp-election`, the life of a group in `group.rs`.

mod receive;
mod send;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::{Candidacy, Election, Preempt, Rank, Rules, State};
use fhrp_wire::hsrp::{self, Timers, Variant};

use crate::config::{WallClock, check_timers};
use crate::link::fits_a_gateway;
use crate::peers::Peers;
use crate::speaker::{Saying, Standing};
use crate::{GroupState, HsrpConfig, HsrpStats, HsrpStatus, Instant, KeyChain};

pub(crate) use receive::{Heard, Packet, Reason, Remark, screen};
pub(crate) use send::interface_state;

/// The speaker of one group: its configuration, and what it learned.
#[derive(Debug)]
pub(crate) struct Router {
    config: Arc<HsrpConfig>,
    /// The timers of the Active router.
    learned_timers: Option<Timers>,
    /// The configured addresses, or the one that the Active router has.
    addresses: Arc<[IpAddr]>,
    /// Whether it has been Active since it was added: the delay after a reload is over then.
    seasoned: bool,
    pub(crate) clock: WallClock,
    pub(crate) peers: Peers,
    pub(crate) stats: HsrpStats,
}

impl Router {
    pub(crate) fn new(config: Arc<HsrpConfig>) -> Self {
        Self {
            learned_timers: None,
            addresses: config.addresses().clone(),
            seasoned: false,
            clock: WallClock::default(),
            peers: Peers::default(),
            stats: HsrpStats::default(),
            config,
        }
    }

    pub(crate) fn config(&self) -> &Arc<HsrpConfig> {
        &self.config
    }

    /// Takes a new configuration; what was learned stays where it is still wanted.
    pub(crate) fn reconfigure(&mut self, config: Arc<HsrpConfig>) {
        if !config.addresses().is_empty() || !self.config.addresses().is_empty() {
            self.addresses = config.addresses().clone();
        }
        self.config = config;
    }

    pub(crate) fn variant(&self) -> Variant {
        self.config.group().variant()
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules::HSRP
    }

    /// The virtual addresses; none while they are not known.
    pub(crate) fn addresses(&self) -> &Arc<[IpAddr]> {
        &self.addresses
    }

    /// What the election is told of this router.
    pub(crate) fn candidacy(&self, standing: &Standing) -> Candidacy {
        let settings = self.config.settings();
        let preempt = if settings.preempt { Preempt::After(self.preempt_delay()) } else { Preempt::Never };
        let timers = self.timers(standing.state);
        Candidacy {
            rank: Rank {
                priority: settings.priority.saturating_sub(standing.decrement),
                address: standing.source,
            },
            owner: false,
            preempt,
            hello: timers.hello(),
            hold: timers.hold(),
        }
    }

    /// The delay after a reload holds until the group was Active for the first time.
    fn preempt_delay(&self) -> Duration {
        let settings = self.config.settings();
        let reload = if self.seasoned { Duration::ZERO } else { settings.preempt_delay_reload };
        settings.preempt_delay_minimum.max(reload)
    }

    /// The timers in use. The Active router's hold for all; it uses its own, and learned ones where it has none
    /// (RFC 2281 §5.1).
    pub(crate) fn timers(&self, state: State) -> Timers {
        let (configured, learned) = (self.config.timers(), self.learned_timers);
        let known = match state {
            State::Active => configured.or(learned),
            State::Init | State::Listen | State::Speak | State::Standby => learned.or(configured),
        };
        known.unwrap_or_else(|| Timers::default_of(self.config.group().variant().version()))
    }

    /// Takes over what the Active router says. Whether the address is new.
    pub(crate) fn learn(&mut self, timers: Option<Timers>, address: Option<IpAddr>) -> bool {
        let usable = |timers: &Timers| fit_a_router(*timers);
        self.learned_timers = timers.filter(usable).or(self.learned_timers);
        let unknown = self.config.addresses().is_empty();
        let new = |address: &IpAddr| unknown && self.addresses.first() != Some(address);
        match address.filter(new).filter(fits_a_gateway) {
            Some(address) => {
                self.addresses = [address].into();
                true
            }
            None => false,
        }
    }

    /// The election moved to `state`.
    pub(crate) fn entered(&mut self, state: State) {
        self.seasoned |= state == State::Active;
        if state == State::Init {
            self.learned_timers = None;
            self.addresses = self.config.addresses().clone();
        }
    }

    pub(crate) fn count_sent(&mut self, saying: Saying) {
        match saying {
            Saying::Advert => self.stats.hello_sent += 1,
            Saying::Coup => self.stats.coup_sent += 1,
            Saying::Resign => self.stats.resign_sent += 1,
        }
    }

    /// When the key for what is sent may change.
    pub(crate) fn key_change(&self, now: Instant) -> Option<Instant> {
        self.clock.when(self.chain()?.next_change(self.clock.at(now)?)?)
    }

    /// The chain that the keys are from.
    pub(crate) fn chain(&self) -> Option<&KeyChain> {
        self.config.settings().authentication.chain()
    }

    /// What only HSRP has to show.
    pub(crate) fn status(&self, election: &Election) -> HsrpStatus {
        let settings = self.config.settings();
        let timers = self.timers(election.state());
        let standby = match election.state() {
            State::Standby => Some(election.candidacy().rank),
            State::Init | State::Listen | State::Speak | State::Active => {
                election.standby().map(|heard| heard.rank)
            }
        };
        HsrpStatus {
            name: self.config.name().clone(),
            hello_time: timers.hello(),
            hold_time: timers.hold(),
            configured_timers: self.config.timers().map(|timers| (timers.hello(), timers.hold())),
            next_hello: election.timers().hello,
            active_expires: election.timers().active,
            standby_expires: election.timers().standby,
            standby: standby.map(|rank| rank.address),
            standby_priority: standby.map(|rank| rank.priority),
            preempt_delay_reload: settings.preempt_delay_reload,
            preempt_delay_sync: settings.preempt_delay_sync,
            authentication: settings.authentication.clone(),
            learned_address: self.config.addresses().is_empty() && !self.addresses.is_empty(),
            follow: settings.follow.clone(),
            counters: self.stats.clone(),
        }
    }
}

/// Timers that could be configured. Hostile messages may say any, and a router that learned a hello time of a
/// millisecond would flood its network.
fn fit_a_router(timers: Timers) -> bool {
    check_timers((timers.hello(), timers.hold()), timers.version()).is_ok()
}

/// RFC 2281's word for a state of the election.
pub(crate) fn word(state: State) -> GroupState {
    match state {
        State::Init => GroupState::Initial,
        State::Listen => GroupState::Listen,
        State::Speak => GroupState::Speak,
        State::Standby => GroupState::Standby,
        State::Active => GroupState::Active,
    }
}

/// The same, as it is sent.
fn wire_state(state: State) -> hsrp::State {
    match state {
        State::Init => hsrp::State::Initial,
        State::Listen => hsrp::State::Listen,
        State::Speak => hsrp::State::Speak,
        State::Standby => hsrp::State::Standby,
        State::Active => hsrp::State::Active,
    }
}
