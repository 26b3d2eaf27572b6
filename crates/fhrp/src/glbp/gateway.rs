//! What the contest for the gateway asks for, and what being the AVG brings with it.

use std::net::IpAddr;

use fhrp_election::{Cause, Effect, Instant, State};
use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{Body, Forwarders, Hello, VgState};

use super::Group;
use crate::group::Out;
use crate::limiter::Topic;
use crate::{Family, GroupState, NoticeKind};

/// A router without a forwarder of its own asks the AVG for one.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// Owner id and address of the AVG, as last heard and not asked since.
    pub(crate) avg: Option<(MacAddr, IpAddr)>,
    /// Who was asked last, and when.
    pub(crate) asked: Option<(IpAddr, Instant)>,
}

impl Group {
    /// Does what the contest for the gateway asked for.
    pub(super) fn carry_out(&mut self, now: Instant, out: &mut Out<'_>) {
        // Becoming the AVG brings the own timers back, by which a Hello may be due at once.
        while !out.effects.is_empty() {
            let mut effects = std::mem::take(out.effects);
            for effect in effects.drain(..) {
                match effect {
                    Effect::Advertise => self.say_hello(now, out),
                    Effect::Resign => self.say_gateway_resign(now, out),
                    // Not in the rules of a gateway.
                    Effect::Coup => {}
                    Effect::Moved { from, to, cause } => self.gateway_moved(now, (from, to), cause, out),
                }
            }
            if out.effects.is_empty() {
                *out.effects = effects;
            }
        }
    }

    fn gateway_moved(&mut self, now: Instant, (from, to): (State, State), cause: Cause, out: &mut Out<'_>) {
        self.shown = to;
        self.last_transition = Some((now, cause));
        self.state_changes += 1;
        self.notify(now, NoticeKind::Moved { from: word(from), to: word(to), cause }, out);
        if let Some(transitions) = self.flapping.note(now, (word(from), word(to))) {
            self.notify_limited(Topic::Flapping, now, || NoticeKind::Flapping { transitions }, out);
        }
        if from == State::Active {
            self.beacon.stop();
            if let Some(cache) = self.config.settings().client_cache {
                self.clients = Some(super::Clients::new(cache));
            }
        }
        if to == State::Active {
            self.become_avg(now, out);
        }
    }

    /// The AVG's own timers count from now on, and hosts learn that there is a router.
    fn become_avg(&mut self, now: Instant, out: &mut Out<'_>) {
        self.stats.active_transitions += 1;
        self.timers = self.config.timers();
        if let Some(underlay) = self.underlay {
            let me = super::candidacy(&self.config, self.timers, underlay.source);
            self.gateway.retune(now, me, out.effects);
        }
        self.retune_forwarders(now);
        self.take_own_forwarder(now, out);
        if self.config.settings().router_advertisement.is_some() {
            self.beacon.start(now);
        }
        self.present(out);
    }

    /// Tells IPv6 hosts that there is a router, and not where: they ask the AVG.
    pub(super) fn present(&mut self, out: &mut Out<'_>) {
        match self.id().family {
            Family::V4 => {}
            Family::V6 => {
                self.presented = true;
                self.say_neighbor_advertisement(out);
                self.say_router_advertisement(out);
            }
        }
    }

    fn say_hello(&mut self, now: Instant, out: &mut Out<'_>) {
        self.own_nonce.renew_if_due(now, self.timers.hold().to_duration());
        self.members.forget_gone(now);
        self.ask_for_forwarder(now, out);
        if self.shown == State::Active {
            self.take_own_forwarder(now, out);
        }
        let state = match self.shown {
            State::Init => return,
            State::Listen => VgState::Listen,
            State::Speak => VgState::Speak,
            State::Standby => VgState::Standby,
            State::Active => VgState::Active,
        };
        let terms = self.terms();
        let listed = self
            .forwarders
            .each_ref()
            .map(|one| one.listed(now, &terms).map(|said| (said.state, said.priority)));
        // What still waits to be sent need not be said twice: a router that was held up hears many things at once.
        let saying = Some((out.round, self.shown, listed));
        if std::mem::replace(&mut self.said, saying) == saying {
            return;
        }
        let mut forwarders = Forwarders::default();
        for said in self.forwarders.iter().filter_map(|forwarder| forwarder.listed(now, &terms)) {
            // Each has its own number.
            let _ = forwarders.insert(said);
        }
        if let Some(hello) = self.hello(state, self.config.settings().priority) {
            let source = self.next_source_mac();
            let body = Body::Announcement { hello: Some(hello), forwarders };
            let sent = self.say_to_group(now, body, source, out);
            self.counters.hello_sent += u64::from(sent);
        }
        self.tell_expired_key(now, out);
        self.watch_service(now, out);
    }

    /// A key goes on although its time is over.
    fn tell_expired_key(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some(chain) = self.config.settings().authentication.chain() else { return };
        let Some(key) = chain.last_resort(self.clock.at(now)) else { return };
        let kind = NoticeKind::KeysExpired { chain: chain.name().into(), key: key.id };
        self.notify_limited(Topic::KeysExpired, now, || kind, out);
    }

    /// Active with priority 0, no forwarder, from the interface's own MAC (captures).
    fn say_gateway_resign(&mut self, now: Instant, out: &mut Out<'_>) {
        self.own_nonce.renew_if_due(now, self.timers.hold().to_duration());
        if let Some(hello) = self.hello(VgState::Active, 0) {
            let body = Body::Announcement { hello: Some(hello), forwarders: Forwarders::default() };
            let sent = self.say_to_group(now, body, None, out);
            self.counters.resign_sent += u64::from(sent);
        }
    }

    fn hello(&self, state: VgState, priority: u8) -> Option<Hello> {
        Hello::new(state, priority, self.timers, *self.addresses.first()?).ok()
    }

    /// The virtual MAC that the next Hello comes from, so that switches know where it is: each of those served here in
    /// turn; `None`, the interface's own, if none is.
    fn next_source_mac(&mut self) -> Option<MacAddr> {
        let served = self.forwarders.iter().filter(|forwarder| forwarder.serves() && forwarder.announced);
        let served: Vec<MacAddr> = served.map(|forwarder| forwarder.mac).collect();
        self.turn = self.turn.wrapping_add(1);
        served.get(self.turn.checked_rem(served.len())?).copied()
    }

    /// With the own Hello after one of the AVG, at most once in a hello time; where all forwarders are taken and
    /// silence is the answer, once in a hold time (inferred).
    fn ask_for_forwarder(&mut self, now: Instant, out: &mut Out<'_>) {
        let Some((mac, address)) = self.asking.avg.take() else { return };
        if self.is_avg() || self.own().is_some() || self.weight.is_low() {
            return;
        }
        let taken = self.forwarders.iter().all(super::Forwarder::is_known);
        let pause = if taken { self.timers.hold() } else { self.timers.hello() };
        if self.asking.asked.is_some_and(|(_, last)| now < last + pause.to_duration()) {
            return;
        }
        self.asking.asked = Some((address, now));
        let sent = self.say_to_peer(now, Body::Request, (mac, address), out);
        self.counters.request_sent += u64::from(sent);
    }
}

/// The protocol's word for a state of the gateway.
pub(super) fn word(state: State) -> GroupState {
    match state {
        State::Init => GroupState::Initial,
        State::Listen => GroupState::Listen,
        State::Speak => GroupState::Speak,
        State::Standby => GroupState::Standby,
        State::Active => GroupState::Active,
    }
}
