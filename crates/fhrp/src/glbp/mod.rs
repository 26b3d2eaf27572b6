//! A GLBP group: one contest for the gateway (who answers hosts, the AVG) and one for each of up to four forwarders
//! (who serves a virtual MAC, the AVF). All of them are contests of `fhrp-election`; here is what ties them together.
//!
//! | file | what |
//! |---|---|
//! | `mod.rs` | the life of the group: what it stands on, time, the dataplane's answers |
//! | `gateway.rs` | what the contest for the gateway asks for |
//! | `forwarders.rs` | whose the forwarders are, and what their contests ask for |
//! | `receive.rs` | which packets count |
//! | `hear.rs` | what a packet that counts does |
//! | `send.rs` | packets out |
//! | `hosts.rs` | answers to hosts |
//! | `handover.rs` | the end |
//!
//! A forwarder is announced, and listed as active, once the dataplane has acknowledged that its gate is open: from
//! then on switches may send its frames here. Until then the router that served it before goes on.

mod balancer;
mod clients;
mod forwarder;
mod forwarders;
mod gateway;
mod handover;
mod hear;
mod hosts;
mod members;
mod nonce;
mod receive;
mod send;
mod status;
mod weight;

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use fhrp_election::{Candidacy, Cause, Election, Instant, Preempt, Rank, Rules, State};
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{ForwarderNumber, ForwarderPriority, Timers, VfState};

use crate::announce::Beacon;
use crate::config::WallClock;
use crate::flapping::Flapping;
use crate::group::{Load, Out};
use crate::limiter::{Limiter, Topic};
use crate::seat::{Backoff, Reply, Seat};
use crate::{
    Action, Family, GlbpConfig, GlbpStats, GroupId, GroupStats, IfIndex, LinkState, Notice, NoticeKind,
    ProgramFault, Revision, SeatId, TrackName, TrackState, Waiting,
};

use balancer::Balancer;
use clients::Clients;
use forwarder::{Forwarder, Terms};
use gateway::Asking;
use hear::Responses;
use members::Members;
use nonce::OwnNonce;
use weight::Weight;

pub(crate) use hosts::Question;
pub(crate) use receive::{Packet, Reason, Target, screen};
pub(crate) use send::presentation;

/// How each forwarder is listed in a Hello.
type Listed = [Option<(VfState, ForwarderPriority)>; ForwarderNumber::COUNT];

/// How many seats a group has: one for each forwarder.
pub(crate) const SEATS: u32 = 4;

/// What a group stands on while it can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Underlay {
    pub(crate) interface: IfIndex,
    /// The interface's own MAC, which is also the owner id.
    pub(crate) mac: MacAddr,
    pub(crate) source: IpAddr,
}

#[derive(Debug)]
pub(crate) struct Group {
    config: GlbpConfig,
    /// The virtual addresses: configured or learned.
    addresses: Arc<[IpAddr]>,
    /// Whether the engine has to be told that they are others now.
    addresses_changed: bool,
    gateway: Election,
    /// The state that messages show: that of the election, except while its effects are carried out one by one.
    shown: State,
    forwarders: [Forwarder; ForwarderNumber::COUNT],
    /// The times in use: those of the AVG.
    timers: Timers,
    weight: Weight,
    load: Load,
    clock: WallClock,
    members: Members,
    own_nonce: OwnNonce,
    balancer: Balancer,
    clients: Option<Clients>,
    asking: Asking,
    responses: Responses,
    /// Present while the group can run.
    underlay: Option<Underlay>,
    waiting: Option<Waiting>,
    link: Option<Arc<LinkState>>,
    /// Frames cannot be received.
    deaf: Backoff,
    beacon: Beacon,
    limiter: Limiter,
    stats: GroupStats,
    counters: GlbpStats,
    up_since: Option<Instant>,
    last_transition: Option<(Instant, Cause)>,
    state_changes: u64,
    flapping: Flapping,
    /// Which of several virtual MACs the last Hello came from.
    turn: usize,
    /// What it said, without the times, and in which round.
    said: Option<(u64, State, Listed)>,
    /// Whether hosts were told, since the group runs, that there is a router at the virtual address.
    presented: bool,
    /// Whether, as the AVG, it had no forwarder to tell hosts of when it looked last.
    unserved: bool,
}

impl Group {
    /// A group whose forwarders have the seats from `first` on.
    pub(crate) fn new(first: SeatId, config: GlbpConfig) -> Self {
        let family = config.id().family;
        let forwarders = ForwarderNumber::ALL.map(|number| {
            let seat = SeatId(first.0 + u32::from(number.get()) - 1);
            Forwarder::new(seat, config.group(), number, family)
        });
        let settings = config.settings();
        Self {
            addresses: config.addresses().clone(),
            addresses_changed: true,
            gateway: Election::new(Rules::GLBP_GATEWAY, candidacy(&config, config.timers(), nobody(family))),
            shown: State::Init,
            forwarders,
            timers: config.timers(),
            weight: Weight::new(config.thresholds()),
            load: Load::default(),
            clock: WallClock::default(),
            members: Members::default(),
            own_nonce: OwnNonce::new(settings.nonce_seed),
            balancer: Balancer::default(),
            clients: settings.client_cache.map(Clients::new),
            asking: Asking::default(),
            responses: Responses::default(),
            underlay: None,
            waiting: Some(Waiting::InterfaceMissing),
            link: None,
            deaf: Backoff::default(),
            beacon: Beacon::default(),
            limiter: Limiter::default(),
            stats: GroupStats::default(),
            counters: GlbpStats::default(),
            up_since: None,
            last_transition: None,
            state_changes: 0,
            flapping: Flapping::default(),
            turn: 0,
            said: None,
            presented: false,
            unserved: false,
            config,
        }
    }

    pub(crate) fn id(&self) -> &GroupId {
        self.config.id()
    }

    pub(crate) fn config(&self) -> &GlbpConfig {
        &self.config
    }

    pub(crate) fn underlay(&self) -> Option<&Underlay> {
        self.underlay.as_ref()
    }

    /// How the engine's time and the calendar go together.
    pub(crate) fn handle_wall_clock(&mut self, now: Instant, clock: WallClock, out: &mut Out<'_>) {
        self.clock = clock;
        self.reconsider(now, out);
    }

    pub(crate) fn clock(&self) -> &WallClock {
        &self.clock
    }

    /// The tracked objects are like this now.
    pub(crate) fn handle_tracks(
        &mut self,
        now: Instant,
        states: &BTreeMap<TrackName, TrackState>,
        out: &mut Out<'_>,
    ) {
        let load = Load::of(&self.config.settings().track, states);
        let before = std::mem::replace(&mut self.load, load);
        for (name, state) in before.changes(&self.load) {
            self.notify(now, NoticeKind::Tracked { name, state }, out);
        }
        self.reweigh(now, out);
    }

    /// The virtual addresses that hosts may ask for.
    pub(crate) fn addresses(&self) -> &Arc<[IpAddr]> {
        &self.addresses
    }

    /// Whether they are others than before the last call.
    pub(crate) fn take_addresses_changed(&mut self) -> bool {
        std::mem::take(&mut self.addresses_changed)
    }

    pub(crate) fn seats(&self) -> impl Iterator<Item = SeatId> {
        self.forwarders.iter().map(|forwarder| forwarder.seat.id())
    }

    pub(crate) fn seats_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.forwarders.iter_mut().map(|forwarder| &mut forwarder.seat)
    }

    /// When [`Group::handle_timeout`] wants to be called.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let forwarders = self.forwarders.iter().filter_map(Forwarder::next_deadline).min();
        let own = [self.gateway.next_deadline(), self.deaf.retry_at(), self.beacon.next(), self.key_begins()];
        own.into_iter().flatten().chain(forwarders).min()
    }

    /// The notices that belong to the birth of a group.
    pub(crate) fn introduce(&mut self, now: Instant, out: &mut Out<'_>) {
        if let Some(address) = self.config.added_link_local() {
            self.notify(now, NoticeKind::LinkLocalAdded(address), out);
        }
    }

    /// The interface is like this now, or does not exist.
    pub(crate) fn handle_link(&mut self, now: Instant, link: Option<Arc<LinkState>>, out: &mut Out<'_>) {
        self.link = link;
        self.reconsider(now, out);
    }

    /// A new configuration.
    pub(crate) fn reconfigure(&mut self, now: Instant, config: GlbpConfig, out: &mut Out<'_>) {
        let renamed = self.config.addresses() != config.addresses();
        self.config = config;
        if renamed {
            self.set_addresses(self.config.addresses().clone());
            self.introduce(now, out);
        }
        let cache = self.config.settings().client_cache;
        if self.clients.as_ref().map(Clients::bounds) != cache {
            self.clients = cache.map(Clients::new);
        }
        if self.gateway.active().is_none() {
            self.timers = self.config.timers();
        }
        self.reweigh(now, out);
        self.retune(now, out);
        self.reconsider(now, out);
        self.retime_beacon(now);
    }

    /// Router advertisements begin and end with their setting.
    fn retime_beacon(&mut self, now: Instant) {
        match (&self.config.settings().router_advertisement, self.beacon.next()) {
            (None, _) => self.beacon.stop(),
            (Some(_), None) if self.is_avg() => self.beacon.start(now),
            (Some(_), _) => {}
        }
    }

    /// Stops for good, or until [`Group::handle_link`]: an active router resigns, its forwarders first.
    pub(crate) fn stop(&mut self, now: Instant, out: &mut Out<'_>) {
        for at in 0..self.forwarders.len() {
            if let Some(forwarder) = self.forwarders.get_mut(at) {
                forwarder.given_up = false;
            }
            self.drive(now, at, out, |election, effects| election.stop(now, effects));
        }
        self.gateway.stop(now, out.effects);
        self.carry_out(now, out);
        self.beacon.stop();
    }

    /// Takes back everything that was programmed.
    pub(crate) fn withdraw(&mut self, out: &mut Out<'_>) {
        self.link = None;
        self.underlay = None;
        self.refresh_wishes(out);
    }

    pub(crate) fn handle_timeout(&mut self, now: Instant, out: &mut Out<'_>) {
        if self.deaf.retries(now) {
            self.deaf.retry();
            self.reconsider(now, out);
        }
        if self.key_begins().is_some_and(|at| at <= now) {
            self.reconsider(now, out);
        }
        if self.gateway.next_deadline().is_some_and(|at| at <= now) {
            self.gateway.handle_timeout(now, out.effects);
            self.carry_out(now, out);
        }
        for at in 0..self.forwarders.len() {
            self.time_forwarder(now, at, out);
        }
        self.refresh_wishes(out);
        let settings = self.config.settings().router_advertisement.as_ref();
        if settings.is_some_and(|settings| self.beacon.take_due(now, settings)) {
            self.say_router_advertisement(out);
        }
    }

    /// Whether a fault has waited long enough.
    pub(crate) fn retries(&self, now: Instant) -> bool {
        self.deaf.retries(now)
    }

    /// A host asks for routers.
    pub(crate) fn solicit(&mut self, now: Instant) {
        self.beacon.solicit(now);
    }

    /// The dataplane answers for one of the seats. Late answers to older wishes say nothing.
    pub(crate) fn handle_programmed(
        &mut self,
        now: Instant,
        seat: SeatId,
        answer: (Revision, Result<(), ProgramFault>),
        out: &mut Out<'_>,
    ) {
        let Some(at) = self.place_of(seat) else { return };
        let Some(forwarder) = self.forwarders.get_mut(at) else { return };
        let (revision, result) = answer;
        match forwarder.seat.acknowledge(revision, result) {
            Reply::Stale => {}
            Reply::Done => {
                self.announce(now, at, out);
            }
            Reply::Recovered => {
                self.notify(now, NoticeKind::Programmed, out);
                self.announce(now, at, out);
            }
            Reply::Failed(text) => {
                self.stats.program_faults += 1;
                forwarder.seat.fail(now, text.clone());
                self.notify(now, NoticeKind::ProgramFault(text), out);
                self.reconcile(now, at, out);
                self.refresh_wishes(out);
            }
        }
    }

    /// Something of ours had been removed and is back: switches may have learned otherwise meanwhile.
    pub(crate) fn handle_mended(&mut self, now: Instant, seat: SeatId, what: Arc<str>, out: &mut Out<'_>) {
        self.stats.mended += 1;
        self.notify_limited(Topic::Mended, now, || NoticeKind::Mended(what), out);
        if let Some(at) = self.place_of(seat) {
            self.announce(now, at, out);
        }
    }

    /// A router that hears nothing must not claim anything.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>, out: &mut Out<'_>) {
        self.stats.program_faults += 1;
        self.deaf.fail(now, text.clone());
        self.notify(now, NoticeKind::ProgramFault(text), out);
        self.reconsider(now, out);
    }

    fn place_of(&self, seat: SeatId) -> Option<usize> {
        self.forwarders.iter().position(|forwarder| forwarder.seat.id() == seat)
    }

    /// Compares what the group stands on with what it stood on, and starts, stops or goes on accordingly.
    fn reconsider(&mut self, now: Instant, out: &mut Out<'_>) {
        let (underlay, waiting) = match self.find_underlay(now) {
            Ok(underlay) => (Some(underlay), None),
            Err(waiting) => (None, Some(waiting)),
        };
        if waiting != self.waiting {
            self.waiting.clone_from(&waiting);
            // A fault has had its own notice.
            if let Some(why) = waiting.filter(|why| !matches!(why, Waiting::ProgramFault(_))) {
                self.notify(now, NoticeKind::Waits(why), out);
            }
        }
        match (self.underlay, underlay) {
            (_, None) => {
                // When frames cannot be received they can be sent: resign. Without an interface, up and with an
                // address, there is no way out.
                if self.deaf.pause().is_none() {
                    self.underlay = None;
                }
                self.stop(now, out);
                self.underlay = None;
                self.set_addresses(self.config.addresses().clone());
                self.up_since = None;
                self.presented = false;
            }
            (None, Some(_)) => self.start(now, underlay, out),
            (Some(before), Some(after)) if before == after => self.warn_of_own_address(now, out),
            (Some(_), Some(_)) => {
                self.warn_of_own_address(now, out);
                self.underlay = underlay;
                self.retune(now, out);
            }
        }
        self.refresh_wishes(out);
    }

    fn start(&mut self, now: Instant, underlay: Option<Underlay>, out: &mut Out<'_>) {
        self.underlay = underlay;
        self.up_since = Some(now);
        self.timers = self.config.timers();
        self.retune(now, out);
        self.gateway.start(now, out.effects);
        self.carry_out(now, out);
        for at in 0..self.forwarders.len() {
            self.reconcile(now, at, out);
        }
    }

    fn find_underlay(&self, now: Instant) -> Result<Underlay, Waiting> {
        if let Some(text) = self.deaf.pause() {
            return Err(Waiting::ProgramFault(text.clone()));
        }
        let link = self.link.as_deref().ok_or(Waiting::InterfaceMissing)?;
        let source = link.sender(self.id().family)?;
        if self.addresses.is_empty() {
            return Err(Waiting::AddressUnknown);
        }
        match self.own_address(link) {
            // One that runs goes on: hosts have its MACs.
            Some(address) if self.underlay.is_none() => return Err(Waiting::OwnAddress(address)),
            Some(_) | None => {}
        }
        let chain = self.config.settings().authentication.chain();
        if chain.is_some_and(|chain| chain.sending(self.clock.at(now)).is_none()) {
            return Err(Waiting::NoSendingKey);
        }
        Ok(Underlay { interface: link.index, mac: link.mac, source })
    }

    /// When a group that waits for a key to send with has one.
    fn key_begins(&self) -> Option<Instant> {
        let waits = self.waiting == Some(Waiting::NoSendingKey);
        let chain = self.config.settings().authentication.chain().filter(|_| waits)?;
        self.clock.when(chain.begins()?)
    }

    /// A virtual address that the interface has itself.
    fn own_address(&self, link: &LinkState) -> Option<IpAddr> {
        self.addresses.iter().copied().find(|address| link.has(*address))
    }

    /// Somebody gave the interface the virtual address while the group runs: its kernel answers for it, too.
    fn warn_of_own_address(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(link) = self.link.as_deref() else { return };
        let mac = link.mac;
        if let Some(address) = self.own_address(link) {
            let kind = || NoticeKind::DuplicateAddress { address, mac };
            self.notify_limited(Topic::DuplicateAddress, now, kind, out);
        }
    }

    /// Other virtual addresses, or none.
    fn set_addresses(&mut self, addresses: Arc<[IpAddr]>) {
        self.addresses_changed |= self.addresses != addresses;
        self.addresses = addresses;
    }

    /// Tells all contests of this router's own values as they are now.
    fn retune(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(underlay) = self.underlay else { return };
        self.gateway.retune(now, candidacy(&self.config, self.timers, underlay.source), out.effects);
        self.carry_out(now, out);
        self.retune_forwarders(now);
    }

    /// What all forwarders have in common.
    fn terms(&self) -> Terms {
        let settings = self.config.settings();
        let preempt = match settings.forwarder_preempt {
            true => Preempt::After(settings.forwarder_preempt_delay),
            false => Preempt::Never,
        };
        Terms {
            source: self.underlay.map_or(nobody(self.id().family), |underlay| underlay.source),
            low: self.weight.is_low(),
            weight: self.weight.current(),
            preempt,
            hello: self.timers.hello().to_duration(),
            hold: self.timers.hold().to_duration(),
            redirect: self.timers.redirect().to_duration(),
            timeout: self.timers.timeout().to_duration(),
        }
    }

    fn is_avg(&self) -> bool {
        self.gateway.state() == State::Active
    }

    fn notify(&self, at: Instant, kind: NoticeKind, out: &mut Out<'_>) {
        out.actions.push_back(Action::Notify(Notice { at, group: self.id().clone(), kind }));
    }

    /// The same, unless `topic` spoke a short while ago.
    fn notify_limited(
        &mut self,
        topic: Topic,
        at: Instant,
        kind: impl FnOnce() -> NoticeKind,
        out: &mut Out<'_>,
    ) {
        if self.limiter.allows(topic, at) {
            self.notify(at, kind(), out);
        }
    }
}

/// What the contest for the gateway is told of this router.
fn candidacy(config: &GlbpConfig, timers: Timers, source: IpAddr) -> Candidacy {
    let settings = config.settings();
    let preempt = if settings.preempt { Preempt::After(settings.preempt_delay) } else { Preempt::Never };
    Candidacy {
        rank: Rank { priority: settings.priority, address: source },
        owner: false,
        preempt,
        hello: timers.hello().to_duration(),
        hold: timers.hold().to_duration(),
    }
}

/// The address of a router that has none to send from yet.
fn nobody(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::from([0, 0, 0, 0]),
        Family::V6 => IpAddr::from([0_u16; 8]),
    }
}

/// Spreads numbers evenly over all numbers (SplitMix64).
fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
