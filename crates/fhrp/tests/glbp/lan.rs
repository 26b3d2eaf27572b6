//! A LAN in virtual time: routers with a production engine each and a dataplane that takes two milliseconds, a switch
//! that learns where MACs are, and hosts that resolve the virtual address and send to it.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::{
    Action, Engine, Family, Gate, GlbpConfig, GlbpForwarder, GlbpSettings, GlbpStats, GlbpStatus, GroupState,
    GroupStatus, IfIndex, Instant, InterfaceName, LinkEvent, LinkState, MacAddr, NoticeKind, ProgramFault,
    Reception, Revision, SeatId,
};
use fhrp_wire::envelope::{self, Packet, udp};
use fhrp_wire::glbp::{self, Body, Parsed};

pub(crate) const ETH0: IfIndex = IfIndex(2);
pub(crate) const VIP: &str = "10.0.0.254";
pub(crate) const VIP6: &str = "fe80::7:b4ff:fe00:100";
const WIRE: Duration = Duration::from_micros(100);
const DATAPLANE: Duration = Duration::from_millis(2);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) const fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Group 1 on eth0, all defaults.
pub(crate) fn settings() -> GlbpSettings {
    GlbpSettings::new(InterfaceName::new("eth0"), 1, vec![ip(VIP)])
}

/// The virtual MAC of a forwarder of group 1.
pub(crate) fn vmac(number: u8) -> MacAddr {
    MacAddr([0, 7, 0xb4, 0, 1, number])
}

/// Router `n` is 10.0.0.n with MAC 02:00:00:00:00:n.
pub(crate) fn mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 0, n])
}

pub(crate) fn link(n: u8) -> LinkState {
    LinkState {
        name: InterfaceName::new("eth0"),
        index: ETH0,
        mac: mac(n),
        up: true,
        mtu: 1500,
        ipv4: vec![Ipv4Addr::new(10, 0, 0, n)],
        ipv6: vec![Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, n.into())],
    }
}

/// One router: its engine and its dataplane.
pub(crate) struct Router {
    pub(crate) n: u8,
    pub(crate) engine: Engine,
    /// Answers of the dataplane that are under way.
    answers: VecDeque<(Instant, SeatId, Revision, Result<(), ProgramFault>)>,
    /// Whether wishes of this MAC fail.
    pub(crate) broken: Option<MacAddr>,
    gates: BTreeMap<SeatId, (MacAddr, Gate)>,
    wishes: BTreeMap<SeatId, (Revision, MacAddr, Gate)>,
    pub(crate) alive: bool,
    pub(crate) notices: Vec<(Instant, NoticeKind)>,
    pub(crate) reception: Option<Reception>,
}

/// A frame that somebody sent.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    /// The router, or 0 for a host.
    pub(crate) by: u8,
    pub(crate) octets: Bytes,
}

impl Sent {
    pub(crate) fn source(&self) -> MacAddr {
        envelope::parse(&self.octets).unwrap().source
    }

    /// Calls `look` with the GLBP packet in it, if it is one.
    pub(crate) fn glbp<T>(&self, look: impl FnOnce(&Parsed<'_>) -> T) -> Option<T> {
        let frame = envelope::parse(&self.octets).unwrap();
        let datagram = udp::parse(&frame.packet).ok().flatten()?;
        assert_eq!((datagram.source_port, datagram.destination_port, datagram.hop_limit), (3222, 3222, 255));
        Some(look(&glbp::parse(Family::of(&datagram.source), datagram.payload).unwrap()))
    }

    pub(crate) fn body(&self) -> Option<Body> {
        self.glbp(|parsed| *parsed.packet.body())
    }

    /// An announcement of forwarders alone.
    pub(crate) fn is_alone(&self) -> bool {
        matches!(self.body(), Some(Body::Announcement { hello: None, .. }))
    }
}

pub(crate) struct Lan {
    pub(crate) now: Instant,
    pub(crate) routers: Vec<Router>,
    flying: VecDeque<Sent>,
    pub(crate) sent: Vec<Sent>,
    /// Where the switch last saw a MAC.
    switch: BTreeMap<MacAddr, u8>,
    /// One line for each change of state.
    pub(crate) story: Vec<String>,
}

impl Lan {
    /// Routers 1, 2, … with these settings; none is started.
    pub(crate) fn new(settings: impl IntoIterator<Item = GlbpSettings>) -> Self {
        let mut lan = Self {
            now: Instant::default(),
            routers: Vec::new(),
            flying: VecDeque::new(),
            sent: Vec::new(),
            switch: BTreeMap::new(),
            story: Vec::new(),
        };
        for (at, settings) in settings.into_iter().enumerate() {
            let n = u8::try_from(at + 1).unwrap();
            let mut engine = Engine::new();
            engine.add(ms(0), GlbpConfig::new(settings).unwrap()).unwrap();
            lan.routers.push(Router::new(n, engine));
        }
        lan
    }

    /// `count` routers with defaults, all started at 0, up to `millis`.
    pub(crate) fn running(count: usize, millis: u64) -> Self {
        let mut lan = Self::new(std::iter::repeat_n(settings(), count));
        for n in 1..=count {
            lan.start(u8::try_from(n).unwrap());
        }
        lan.until(millis);
        lan
    }

    pub(crate) fn router(&mut self, n: u8) -> &mut Router {
        &mut self.routers[usize::from(n) - 1]
    }

    /// Its link comes up.
    pub(crate) fn start(&mut self, n: u8) {
        self.act(n, |engine, now| engine.handle_link(now, LinkEvent::Present(link(n))));
        self.router(n).alive = true;
    }

    /// Router `n` falls silent and deaf.
    pub(crate) fn kill(&mut self, n: u8) {
        self.router(n).alive = false;
        self.story.push(format!("{} r{n} killed", self.now.as_micros() / 1000));
    }

    /// It comes back, without any memory.
    pub(crate) fn reboot(&mut self, n: u8, settings: GlbpSettings) {
        let mut engine = Engine::new();
        engine.add(self.now, GlbpConfig::new(settings).unwrap()).unwrap();
        *self.router(n) = Router::new(n, engine);
        self.story.push(format!("{} r{n} rebooted", self.now.as_micros() / 1000));
        self.start(n);
    }

    /// It is shut down properly, and forwards no more a little later.
    pub(crate) fn stop(&mut self, n: u8) {
        self.act(n, |engine, now| engine.stop(now));
        self.router(n).alive = false;
    }

    pub(crate) fn act(&mut self, n: u8, act: impl FnOnce(&mut Engine, Instant)) {
        let now = self.now;
        act(&mut self.router(n).engine, now);
        self.collect(n);
    }

    /// Serves everything that is due up to `millis`.
    pub(crate) fn until(&mut self, millis: u64) {
        let end = ms(millis);
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            if self.flying.front().is_some_and(|sent| sent.at + WIRE <= next) {
                self.deliver();
            } else {
                self.serve(next);
            }
        }
        self.now = end;
    }

    fn next(&self) -> Option<Instant> {
        let living = self.routers.iter().filter(|router| router.alive);
        let due = living.filter_map(|router| {
            let answer = router.answers.front().map(|(at, ..)| *at);
            [router.engine.next_deadline(), answer].into_iter().flatten().min()
        });
        due.chain(self.flying.front().map(|sent| sent.at + WIRE)).min()
    }

    fn serve(&mut self, now: Instant) {
        for at in 0..self.routers.len() {
            let router = &mut self.routers[at];
            if !router.alive {
                continue;
            }
            let n = router.n;
            while let Some((at, seat, revision, result)) = router.answers.pop_front() {
                if at > now {
                    router.answers.push_front((at, seat, revision, result));
                    break;
                }
                if let (Some((latest, mac, gate)), Ok(())) = (router.wishes.get(&seat), &result)
                    && *latest == revision
                {
                    router.gates.insert(seat, (*mac, *gate));
                }
                router.engine.handle_programmed(now, seat, revision, result);
            }
            if router.engine.next_deadline().is_some_and(|due| due <= now) {
                router.engine.handle_timeout(now);
                assert!(router.engine.next_deadline().is_none_or(|next| next > now), "busy loop at {now}");
            }
            self.collect(n);
        }
    }

    fn deliver(&mut self) {
        let Some(sent) = self.flying.pop_front() else { return };
        let frame = envelope::parse(&sent.octets).unwrap();
        let unicast = !frame.destination.is_multicast();
        for n in (1..=self.routers.len()).map(|n| u8::try_from(n).unwrap()).filter(|n| *n != sent.by) {
            let router = self.router(n);
            if router.alive && (!unicast || router.takes(frame.destination)) {
                self.act(n, |engine, now| engine.handle_frame(now, ETH0, &sent.octets));
            }
        }
    }

    fn collect(&mut self, n: u8) {
        let now = self.now;
        while let Some(action) = self.router(n).engine.poll_action() {
            match action {
                Action::Transmit { interface, frame } => {
                    assert_eq!(interface, ETH0);
                    let sent = Sent { at: now, by: n, octets: frame };
                    self.switch.insert(sent.source(), n);
                    self.sent.push(sent.clone());
                    self.flying.push_back(sent);
                }
                Action::Program { seat, revision, binding } => {
                    self.router(n).program(now, seat, revision, binding);
                }
                Action::Notify(notice) => {
                    self.tell(n, &notice.kind);
                    self.router(n).notices.push((notice.at, notice.kind));
                }
                Action::Attach { reception, .. } => self.router(n).reception = Some(reception),
                Action::Detach(_) => self.router(n).reception = None,
                Action::Unicast { .. } => panic!("GLBP makes whole frames"),
            }
        }
    }

    fn tell(&mut self, n: u8, kind: &NoticeKind) {
        let at = self.now.as_micros() / 1000;
        match kind {
            NoticeKind::Moved { from, to, .. } => self.story.push(format!("{at} r{n} {from} -> {to}")),
            NoticeKind::ForwarderMoved { forwarder, from, to, .. } => {
                self.story.push(format!("{at} r{n} forwarder {forwarder} {from} -> {to}"));
            }
            _ => {}
        }
    }

    /// Which router takes a frame to `mac` now, as the switch and the gates have it.
    pub(crate) fn reaches(&self, mac: MacAddr) -> Option<u8> {
        let open = |router: &&Router| router.alive && router.is_open(mac);
        match self.switch.get(&mac) {
            Some(n) => self.routers.iter().filter(open).map(|router| router.n).find(|at| at == n),
            None => self.routers.iter().find(open).map(|router| router.n),
        }
    }

    /// The frames sent from now on.
    pub(crate) fn forget_sent(&mut self) {
        self.sent.clear();
        self.story.clear();
    }

    pub(crate) fn sent_by(&self, n: u8) -> impl Iterator<Item = &Sent> {
        self.sent.iter().filter(move |sent| sent.by == n)
    }

    /// A host asks for the virtual address by broadcast; the MAC it is told.
    pub(crate) fn resolve(&mut self, host: u8) -> Option<MacAddr> {
        let answers = self.ask(&arp_request(host, VIP, MacAddr::BROADCAST));
        assert!(answers.len() <= 1, "{answers:?}");
        answers.first().map(|answer| arp_reply(answer).0)
    }

    /// Hands a frame of a host to everyone who takes it; what comes back to hosts.
    pub(crate) fn ask(&mut self, frame: &[u8]) -> Vec<Bytes> {
        let before = self.sent.len();
        let destination = envelope::parse(frame).unwrap().destination;
        for n in (1..=self.routers.len()).map(|n| u8::try_from(n).unwrap()) {
            let router = self.router(n);
            if router.alive && (destination.is_multicast() || router.takes(destination)) {
                self.act(n, |engine, now| engine.handle_frame(now, ETH0, frame));
            }
        }
        let answers = self.sent[before..].iter().filter(|sent| sent.body().is_none());
        answers.map(|sent| sent.octets.clone()).collect()
    }

    pub(crate) fn state(&mut self, n: u8) -> GroupState {
        self.router(n).status().state
    }

    /// The gateways' states, router by router.
    pub(crate) fn states(&self) -> Vec<GroupState> {
        self.routers.iter().map(|router| router.status().state).collect()
    }
}

impl Router {
    fn new(n: u8, engine: Engine) -> Self {
        Self {
            n,
            engine,
            answers: VecDeque::new(),
            broken: None,
            gates: BTreeMap::new(),
            wishes: BTreeMap::new(),
            alive: false,
            notices: Vec::new(),
            reception: None,
        }
    }

    fn program(&mut self, now: Instant, seat: SeatId, revision: Revision, binding: Option<fhrp::Binding>) {
        let Some(binding) = binding else {
            self.gates.remove(&seat);
            self.wishes.remove(&seat);
            return;
        };
        assert_eq!(binding.responder, fhrp::Responder::Engine);
        assert_eq!(binding.acceptance, fhrp::Acceptance::Allow);
        let mac = binding.mac.unwrap();
        if binding.gate == Gate::Closed {
            self.gates.remove(&seat);
        }
        self.wishes.insert(seat, (revision, mac, binding.gate));
        let result = if self.broken == Some(mac) { Err(ProgramFault("no".into())) } else { Ok(()) };
        self.answers.push_back((now + DATAPLANE, seat, revision, result));
    }

    pub(crate) fn is_open(&self, mac: MacAddr) -> bool {
        self.gates.values().any(|(at, gate)| (*at, *gate) == (mac, Gate::Open))
    }

    /// Whether a unicast frame to `to` gets here.
    fn takes(&self, to: MacAddr) -> bool {
        to == mac(self.n) || self.is_open(to)
    }

    /// The MACs that the dataplane knows, open or not.
    pub(crate) fn prepared(&self) -> Vec<MacAddr> {
        self.wishes.values().map(|(_, mac, _)| *mac).collect()
    }

    /// The seat that has this MAC.
    pub(crate) fn seat_of(&self, mac: MacAddr) -> Option<SeatId> {
        self.wishes.iter().find(|(_, (_, wished, _))| *wished == mac).map(|(seat, _)| *seat)
    }

    pub(crate) fn status(&self) -> GroupStatus {
        self.engine.status().next().unwrap()
    }

    pub(crate) fn glbp(&self) -> GlbpStatus {
        self.status().glbp().unwrap().clone()
    }

    pub(crate) fn counters(&self) -> GlbpStats {
        self.glbp().counters
    }

    /// What it knows of a forwarder.
    pub(crate) fn forwarder(&self, number: u8) -> Option<GlbpForwarder> {
        self.glbp().forwarders.into_iter().find(|known| known.number == number)
    }
}

/// Host `n` is 10.0.0.(100 + n) with MAC 02:00:00:00:01:n.
pub(crate) fn host_mac(n: u8) -> MacAddr {
    MacAddr([2, 0, 0, 0, 1, n])
}

pub(crate) fn host_address(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 1, n)
}

pub(crate) fn arp_request(host: u8, target: &str, to: MacAddr) -> Vec<u8> {
    arp(host_mac(host), host_address(host), target.parse().unwrap(), to)
}

/// RFC 826.
pub(crate) fn arp(sender_mac: MacAddr, sender: Ipv4Addr, target: Ipv4Addr, to: MacAddr) -> Vec<u8> {
    let mut frame = BytesMut::new();
    frame.extend_from_slice(&to.octets());
    frame.extend_from_slice(&sender_mac.octets());
    frame.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend_from_slice(&sender_mac.octets());
    frame.extend_from_slice(&sender.octets());
    frame.extend_from_slice(&[0; 6]);
    frame.extend_from_slice(&target.octets());
    frame.to_vec()
}

/// Sender MAC, Ethernet source and Ethernet destination of an ARP reply.
pub(crate) fn arp_reply(frame: &[u8]) -> (MacAddr, MacAddr, MacAddr) {
    let frame = envelope::parse(frame).unwrap();
    let Packet::Arp(arp) = frame.packet else { panic!("no ARP") };
    assert_eq!(arp.operation, envelope::ArpOperation::Reply);
    (arp.sender_mac, frame.source, frame.destination)
}
