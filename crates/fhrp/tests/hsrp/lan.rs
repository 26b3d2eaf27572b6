//! Engines on one LAN in virtual time. What is sent arrives everywhere else a little later; wishes are acknowledged.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use fhrp::{
    Action, Binding, Engine, Family, Gate, GroupState, GroupStatus, HsrpConfig, HsrpSettings, HsrpStats,
    HsrpStatus, IfIndex, Instant, InterfaceName, InterfaceStats, LinkEvent, LinkState, MacAddr, NoticeKind,
    ProgramFault, Revision, SeatId,
};
use fhrp_wire::hsrp::{Group, Variant, virtual_link_local};

use super::describe::describe;

pub(crate) const ETH0: IfIndex = IfIndex(2);
/// Between sending and arriving.
const FLIGHT: Duration = Duration::from_micros(100);

pub(crate) const VARIANTS: [Variant; 3] = [Variant::V1, Variant::V2Ipv4, Variant::V2Ipv6];

pub(crate) fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The virtual address of group 1.
pub(crate) fn gateway(variant: Variant) -> std::net::IpAddr {
    match variant.family() {
        Family::V4 => "192.0.2.1".parse().unwrap(),
        Family::V6 => virtual_link_local(Group::new(variant, 1).unwrap().virtual_mac()).into(),
    }
}

/// The address of router `number`.
pub(crate) fn address(variant: Variant, number: u8) -> std::net::IpAddr {
    match variant.family() {
        Family::V4 => [192, 0, 2, number].into(),
        Family::V6 => [0xfe80, 0, 0, 0, 0, 0, 0, u16::from(number)].into(),
    }
}

pub(crate) fn mac(number: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, number])
}

/// Group 1 on eth0, all defaults.
pub(crate) fn settings(variant: Variant) -> HsrpSettings {
    let mut settings = HsrpSettings::new(InterfaceName::new("eth0"), 1, vec![gateway(variant)]);
    settings.version = variant.version().get();
    settings
}

/// eth0 of router `number`.
pub(crate) fn link(number: u8) -> LinkState {
    LinkState {
        name: InterfaceName::new("eth0"),
        index: ETH0,
        mac: mac(number),
        up: true,
        mtu: 1500,
        ipv4: vec![[192, 0, 2, number].into()],
        ipv6: vec![[0xfe80, 0, 0, 0, 0, 0, 0, u16::from(number)].into()],
    }
}

/// How a router's dataplane answers.
#[derive(Clone, Debug)]
pub(crate) enum Dataplane {
    After(Duration),
    Fails,
    Mute,
}

/// What a router did.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    Sent(Bytes),
    Programmed(SeatId, Revision, Option<Binding>),
    Said(NoticeKind),
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) at: Instant,
    pub(crate) router: usize,
    pub(crate) deed: Deed,
}

pub(crate) struct Router {
    pub(crate) engine: Engine,
    pub(crate) number: u8,
    pub(crate) dataplane: Dataplane,
    /// Whether its frames get through, and others' to it.
    pub(crate) reachable: bool,
}

enum Arrival {
    /// At all but the router that sent it, if it is one.
    Frame(Option<usize>, Bytes),
    Answer(usize, SeatId, Revision, Result<(), ProgramFault>),
}

/// The LAN.
#[derive(Default)]
pub(crate) struct Lan {
    pub(crate) now: u64,
    pub(crate) routers: Vec<Router>,
    pending: BTreeMap<(u64, u64), Arrival>,
    sequence: u64,
    pub(crate) log: Vec<Event>,
}

impl Lan {
    /// One router with the given number and settings, just connected.
    pub(crate) fn with(number: u8, settings: HsrpSettings) -> Self {
        let mut lan = Self::default();
        lan.join(number, settings);
        lan
    }

    pub(crate) fn time(&self) -> Instant {
        Instant::from_micros(self.now)
    }

    /// A router with one group; gives its index.
    pub(crate) fn join(&mut self, number: u8, settings: HsrpSettings) -> usize {
        let at = self.routers.len();
        let mut engine = Engine::new();
        engine.handle_link(self.time(), LinkEvent::Present(link(number)));
        let dataplane = Dataplane::After(FLIGHT);
        self.routers.push(Router { engine, number, dataplane, reachable: true });
        self.add(at, settings);
        at
    }

    /// Another group for a router.
    pub(crate) fn add(&mut self, router: usize, settings: HsrpSettings) {
        self.tell(router, |engine, now| engine.add(now, HsrpConfig::new(settings).unwrap()).unwrap());
    }

    pub(crate) fn update(&mut self, router: usize, settings: HsrpSettings) {
        self.tell(router, |engine, now| engine.update(now, HsrpConfig::new(settings).unwrap()).unwrap());
    }

    /// An input for one engine, now.
    pub(crate) fn tell<T>(&mut self, router: usize, act: impl FnOnce(&mut Engine, Instant) -> T) -> T {
        let now = self.time();
        let told = act(&mut self.routers[router].engine, now);
        self.collect(router);
        told
    }

    pub(crate) fn link(&mut self, router: usize, change: impl FnOnce(&mut LinkState)) {
        let mut link = link(self.routers[router].number);
        change(&mut link);
        self.tell(router, |engine, now| engine.handle_link(now, LinkEvent::Present(link)));
    }

    /// It stops as a daemon does and is gone.
    pub(crate) fn stop(&mut self, router: usize) {
        self.tell(router, Engine::stop);
        self.routers[router].reachable = false;
    }

    /// It is gone without a word.
    pub(crate) fn kill(&mut self, router: usize) {
        self.routers[router].engine = Engine::new();
        self.routers[router].reachable = false;
    }

    /// A frame of somebody who is not simulated arrives everywhere, now.
    pub(crate) fn hear(&mut self, frame: &[u8]) {
        self.put(self.now, Arrival::Frame(None, Bytes::copy_from_slice(frame)));
        self.run(self.time());
    }

    /// Lets time pass until `millis`.
    pub(crate) fn until(&mut self, millis: u64) {
        self.run(ms(millis));
    }

    pub(crate) fn run(&mut self, end: Instant) {
        let end = end.as_micros();
        loop {
            let arrival = self.pending.keys().next().map(|(at, _)| *at);
            let deadline = self.routers.iter().filter_map(|router| router.engine.next_deadline()).min();
            let deadline = deadline.map(Instant::as_micros);
            match (arrival, deadline) {
                (Some(at), deadline) if at <= end && deadline.is_none_or(|due| at <= due) => {
                    self.now = self.now.max(at);
                    let (_, arrival) = self.pending.pop_first().unwrap();
                    self.arrive(arrival);
                }
                (_, Some(due)) if due <= end => {
                    self.now = self.now.max(due);
                    self.expire();
                }
                _ => break,
            }
        }
        self.now = self.now.max(end);
    }

    fn expire(&mut self) {
        let now = self.time();
        for router in 0..self.routers.len() {
            let engine = &mut self.routers[router].engine;
            if engine.next_deadline().is_some_and(|due| due <= now) {
                engine.handle_timeout(now);
                assert!(engine.next_deadline().is_none_or(|next| next > now), "busy loop at {now}");
                self.collect(router);
            }
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        let now = self.time();
        match arrival {
            Arrival::Frame(from, frame) => {
                for router in 0..self.routers.len() {
                    if Some(router) != from && self.routers[router].reachable {
                        self.routers[router].engine.handle_frame(now, ETH0, &frame);
                        self.collect(router);
                    }
                }
            }
            Arrival::Answer(router, seat, revision, result) => {
                self.tell(router, |engine, now| engine.handle_programmed(now, seat, revision, result));
            }
        }
    }

    fn put(&mut self, at: u64, arrival: Arrival) {
        self.sequence += 1;
        self.pending.insert((at, self.sequence), arrival);
    }

    fn collect(&mut self, router: usize) {
        while let Some(action) = self.routers[router].engine.poll_action() {
            let (now, flight) = (self.now, u64::try_from(FLIGHT.as_micros()).unwrap());
            let deed = match action {
                Action::Transmit { interface, frame } => {
                    // There is no LAN behind other interfaces.
                    if self.routers[router].reachable && interface == ETH0 {
                        self.put(now + flight, Arrival::Frame(Some(router), frame.clone()));
                    }
                    Deed::Sent(frame)
                }
                Action::Program { seat, revision, binding } => {
                    let (delay, answer) = match self.routers[router].dataplane {
                        Dataplane::After(delay) => (Some(delay), Ok(())),
                        Dataplane::Fails => (Some(FLIGHT), Err(ProgramFault("no".into()))),
                        Dataplane::Mute => (None, Ok(())),
                    };
                    if let Some(delay) = delay {
                        let at = now + u64::try_from(delay.as_micros()).unwrap();
                        self.put(at, Arrival::Answer(router, seat, revision, answer));
                    }
                    Deed::Programmed(seat, revision, binding)
                }
                Action::Notify(notice) => Deed::Said(notice.kind),
                Action::Attach { .. } | Action::Detach(_) => continue,
                Action::Unicast { .. } => panic!("HSRP is never sent to one router alone"),
            };
            self.log.push(Event { at: self.time(), router, deed });
        }
    }

    /// Forgets what happened so far.
    pub(crate) fn forget(&mut self) -> &mut Self {
        self.log.clear();
        self
    }

    /// What was sent, in words, periodic Hellos included: milliseconds, router, what.
    pub(crate) fn sent(&self) -> Vec<String> {
        let line = |event: &Event| match &event.deed {
            Deed::Sent(frame) => {
                let millis = event.at.as_micros() / 1000;
                let number = self.routers[event.router].number;
                Some(format!("{millis} .{number} {}", describe(frame, mac(number))))
            }
            _ => None,
        };
        self.log.iter().filter_map(line).collect()
    }

    /// The same of one router, without the times.
    pub(crate) fn said(&self, router: usize) -> Vec<String> {
        let number = self.routers[router].number;
        let line = |event: &Event| match &event.deed {
            Deed::Sent(frame) if event.router == router => Some(describe(frame, mac(number))),
            _ => None,
        };
        self.log.iter().filter_map(line).collect()
    }

    /// The frames of one router, with their times.
    pub(crate) fn frames(&self, router: usize) -> Vec<(Instant, Bytes)> {
        let frame = |event: &Event| match &event.deed {
            Deed::Sent(frame) if event.router == router => Some((event.at, frame.clone())),
            _ => None,
        };
        self.log.iter().filter_map(frame).collect()
    }

    /// State changes: milliseconds, router, state.
    pub(crate) fn moves(&self) -> Vec<(u64, u8, GroupState)> {
        let line = |event: &Event| match &event.deed {
            Deed::Said(NoticeKind::Moved { to, .. }) => {
                Some((event.at.as_micros() / 1000, self.routers[event.router].number, *to))
            }
            _ => None,
        };
        self.log.iter().filter_map(line).collect()
    }

    /// Notices of one router that are not about its own state.
    pub(crate) fn notices(&self, router: usize) -> Vec<NoticeKind> {
        let notice = |event: &Event| match &event.deed {
            Deed::Said(NoticeKind::Moved { .. }) => None,
            Deed::Said(kind) if event.router == router => Some(kind.clone()),
            _ => None,
        };
        self.log.iter().filter_map(notice).collect()
    }

    /// The last wish of one router.
    pub(crate) fn wish(&self, router: usize) -> Option<Binding> {
        let binding = |event: &Event| match &event.deed {
            Deed::Programmed(_, _, binding) if event.router == router => Some(binding.clone()),
            _ => None,
        };
        self.log.iter().rev().find_map(binding).flatten()
    }

    pub(crate) fn gate(&self, router: usize) -> Option<Gate> {
        self.wish(router).map(|wish| wish.gate)
    }

    pub(crate) fn statuses(&self, router: usize) -> Vec<GroupStatus> {
        self.routers[router].engine.status().collect()
    }

    /// Of its first group.
    pub(crate) fn status(&self, router: usize) -> GroupStatus {
        self.routers[router].engine.status().next().unwrap()
    }

    pub(crate) fn hsrp(&self, router: usize) -> HsrpStatus {
        self.status(router).hsrp().unwrap().clone()
    }

    pub(crate) fn counters(&self, router: usize) -> HsrpStats {
        self.hsrp(router).counters
    }

    pub(crate) fn interface(&self, router: usize) -> InterfaceStats {
        self.routers[router].engine.interfaces().next().unwrap().1.clone()
    }

    pub(crate) fn state(&self, router: usize) -> GroupState {
        self.status(router).state
    }

    /// Of all that are on the LAN.
    pub(crate) fn states(&self) -> Vec<GroupState> {
        let on = (0..self.routers.len()).filter(|router| self.routers[*router].reachable);
        on.map(|router| self.state(router)).collect()
    }
}
