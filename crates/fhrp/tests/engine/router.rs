//! One engine with a group or more, and a scripted dataplane.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::{
    Action, Binding, Engine, Gate, GroupState, GroupStatus, IfIndex, InterfaceName, InterfaceStats,
    LinkEvent, LinkState, MacAddr, NoticeKind, ProgramFault, Revision, SeatId, VrrpConfig, VrrpSettings,
    VrrpStatus,
};
use fhrp_election::Instant;
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, Body, Centiseconds, ChecksumForm, Destination, Vrid,
};

pub(crate) const ETH0: IfIndex = IfIndex(2);
pub(crate) const OURS: &str = "192.0.2.2";
pub(crate) const PEER: &str = "192.0.2.3";
pub(crate) const OUR_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 2]);
pub(crate) const PEER_MAC: MacAddr = MacAddr([2, 0, 0, 0, 0, 3]);

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn ms(millis: u64) -> Instant {
    Instant::from_millis(millis)
}

pub(crate) fn us(micros: u64) -> Instant {
    Instant::from_micros(micros)
}

/// VRID 10 on eth0 for 192.0.2.1, all defaults.
pub(crate) fn settings() -> VrrpSettings {
    VrrpSettings::new(InterfaceName::new("eth0"), 10, vec![ip("192.0.2.1")])
}

pub(crate) fn link() -> LinkState {
    LinkState {
        name: InterfaceName::new("eth0"),
        index: ETH0,
        mac: OUR_MAC,
        up: true,
        mtu: 1500,
        ipv4: vec![OURS.parse().unwrap()],
        ipv6: vec!["fe80::2".parse().unwrap()],
    }
}

/// What came out of one call.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) frames: Vec<Bytes>,
    pub(crate) unicast: Vec<(IpAddr, Bytes)>,
    pub(crate) programs: Vec<(SeatId, Revision, Option<Binding>)>,
    pub(crate) attached: Vec<IfIndex>,
    pub(crate) detached: Vec<IfIndex>,
    pub(crate) notices: Vec<NoticeKind>,
    /// `frame` or `program`, in order.
    pub(crate) order: Vec<&'static str>,
}

impl Seen {
    /// Priorities of the advertisements among the frames.
    pub(crate) fn priorities(&self) -> Vec<u8> {
        self.frames.iter().filter_map(|frame| advertisement(frame)).collect()
    }

    /// Target addresses of gratuitous ARP requests among the frames.
    pub(crate) fn announced(&self) -> usize {
        let arp = |frame: &&Bytes| matches!(envelope::parse(frame).unwrap().packet, Packet::Arp(_));
        self.frames.iter().filter(arp).count()
    }

    pub(crate) fn gate(&self) -> Option<Gate> {
        self.programs.last().and_then(|(_, _, binding)| binding.as_ref().map(|binding| binding.gate))
    }

    pub(crate) fn moved_to(&self) -> Vec<GroupState> {
        let to = |kind: &NoticeKind| match kind {
            NoticeKind::Moved { to, .. } => Some(*to),
            _ => None,
        };
        self.notices.iter().filter_map(to).collect()
    }
}

fn advertisement(frame: &[u8]) -> Option<u8> {
    let (source, destination, payload) = match envelope::parse(frame).unwrap().packet {
        Packet::Ipv4(ip) if ip.protocol == vrrp::PROTOCOL => {
            (IpAddr::V4(ip.source), IpAddr::V4(ip.destination), ip.payload)
        }
        Packet::Ipv6(ip) if ip.next_header == vrrp::PROTOCOL => {
            (IpAddr::V6(ip.source), IpAddr::V6(ip.destination), ip.payload)
        }
        _ => return None,
    };
    Some(vrrp::parse(source, destination, payload).unwrap().advertisement.priority())
}

pub(crate) struct Router(pub(crate) Engine);

impl Router {
    /// An engine with one group whose interface is there, at time 0.
    pub(crate) fn new(settings: VrrpSettings) -> (Self, Seen) {
        let mut router = Self(Engine::new());
        router.0.handle_link(ms(0), LinkEvent::Present(link()));
        router.0.add(ms(0), VrrpConfig::new(settings).unwrap()).unwrap();
        let seen = router.see();
        (router, seen)
    }

    /// The same, Active since 3.609375 s and acknowledged.
    pub(crate) fn active() -> Self {
        let mut router = Self::new(settings()).0;
        let seen = router.until(us(3_609_375));
        router.acknowledge(us(3_609_375), &seen);
        assert_eq!(router.state(), GroupState::Active);
        router
    }

    /// Drains the actions.
    pub(crate) fn see(&mut self) -> Seen {
        let mut seen = Seen::default();
        while let Some(action) = self.0.poll_action() {
            match action {
                Action::Transmit { interface, frame } => {
                    assert_eq!(interface, ETH0);
                    seen.frames.push(frame);
                    seen.order.push("frame");
                }
                Action::Unicast { peer, payload, .. } => seen.unicast.push((peer, payload)),
                Action::Program { seat, revision, binding } => {
                    seen.programs.push((seat, revision, binding));
                    seen.order.push("program");
                }
                Action::Attach { interface, .. } => seen.attached.push(interface),
                Action::Detach(index) => seen.detached.push(index),
                Action::Notify(notice) => seen.notices.push(notice.kind),
            }
        }
        seen
    }

    /// Serves every deadline up to `end`; the engine must never ask for the past.
    pub(crate) fn until(&mut self, end: Instant) -> Seen {
        let mut all = Seen::default();
        while let Some(at) = self.0.next_deadline().filter(|at| *at <= end) {
            self.0.handle_timeout(at);
            assert!(self.0.next_deadline().is_none_or(|next| next > at), "busy loop at {at}");
            let seen = self.see();
            all.frames.extend(seen.frames);
            all.unicast.extend(seen.unicast);
            all.programs.extend(seen.programs);
            all.notices.extend(seen.notices);
            all.order.extend(seen.order);
        }
        all
    }

    /// The dataplane says yes to the last wish.
    pub(crate) fn acknowledge(&mut self, now: Instant, seen: &Seen) -> Seen {
        self.answer(now, seen, Ok(()))
    }

    pub(crate) fn refuse(&mut self, now: Instant, seen: &Seen) -> Seen {
        self.answer(now, seen, Err(ProgramFault("no".into())))
    }

    fn answer(&mut self, now: Instant, seen: &Seen, result: Result<(), ProgramFault>) -> Seen {
        let (seat, revision, _) = seen.programs.last().unwrap();
        self.0.handle_programmed(now, *seat, *revision, result);
        self.see()
    }

    pub(crate) fn hear(&mut self, at: Instant, frame: &[u8]) -> Seen {
        self.0.handle_frame(at, ETH0, frame);
        self.see()
    }

    pub(crate) fn status(&self) -> GroupStatus {
        self.0.status().next().unwrap()
    }

    /// What only VRRP has to show.
    pub(crate) fn vrrp(&self) -> VrrpStatus {
        self.status().vrrp().unwrap().clone()
    }

    pub(crate) fn state(&self) -> GroupState {
        self.status().state
    }

    pub(crate) fn interface(&self) -> InterfaceStats {
        self.0.interfaces().next().unwrap().1.clone()
    }
}

/// What a peer says; change what the test is about.
#[derive(Clone, Debug)]
pub(crate) struct Says {
    pub(crate) source: IpAddr,
    pub(crate) vrid: u8,
    pub(crate) priority: u8,
    pub(crate) interval: Duration,
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) form: ChecksumForm,
}

/// An equal advertisement from the peer, of the given priority.
pub(crate) fn says(priority: u8) -> Says {
    Says {
        source: ip(PEER),
        vrid: 10,
        priority,
        interval: Duration::from_secs(1),
        addresses: vec![ip("192.0.2.1")],
        form: ChecksumForm::Rfc9568,
    }
}

impl Says {
    pub(crate) fn frame(&self) -> BytesMut {
        let body = Body::V3 { interval: Centiseconds::from_duration(self.interval).unwrap() };
        self.frame_with(body)
    }

    pub(crate) fn frame_with(&self, body: Body) -> BytesMut {
        let addresses = Addresses::new(&self.addresses).unwrap();
        let vrid = Vrid::new(self.vrid).unwrap();
        let mut octets = BytesMut::new();
        let frame = AdvertisementFrame {
            advertisement: Advertisement::new(vrid, self.priority, addresses, body).unwrap(),
            source_mac: PEER_MAC,
            source: self.source,
            destination: Destination::Group,
            checksum: self.form,
        };
        vrrp::advertisement_frame(&mut octets, &frame).unwrap();
        octets
    }
}
