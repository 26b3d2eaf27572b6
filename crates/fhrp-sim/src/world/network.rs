//! Frames on their way: through the switches, past the faults, to whoever they reach.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::MacAddr;
use fhrp_wire::envelope::build::{self, Ipv4Header, Ipv6Header, Link, TRAFFIC_CLASS};
use fhrp_wire::vrrp::{PROTOCOL, TTL};

use super::{ASKING, Event, SENDING, TRAVEL, World};
use crate::check::Violation;
use crate::fault::Kind;
use crate::flaw::announced;
use crate::group::Settings;
use crate::lan::{Body, Frame};
use crate::question::question;
use crate::rng::Rng;
use crate::said::noise;
use crate::subject::Input;

/// Whose packets break rules.
const STRANGER: MacAddr = MacAddr([2, 0, 0, 0, 0, 0xfa]);

impl World<'_> {
    /// A router sends a whole frame.
    pub(super) fn transmit_octets(&mut self, router: usize, octets: Bytes) {
        let Some(source) = mac_at(&octets, 6) else { return };
        let Some(destination) = mac_at(&octets, 0) else { return };
        let body = match announced(&octets) {
            Some((address, mac)) => Body::Here { address, mac },
            None => Body::Protocol(octets),
        };
        self.transmit(router, Frame { source, destination, body });
    }

    /// A router's kernel sends a packet to a peer that it knows.
    pub(super) fn transmit_packet(&mut self, router: usize, source: IpAddr, peer: IpAddr, payload: &[u8]) {
        let knows =
            |plan: &crate::plan::RouterPlan| [IpAddr::V4(plan.ipv4), plan.ipv6.into()].contains(&peer);
        let Some(plan) = self.scenario.routers.iter().find(|plan| knows(plan)) else { return };
        let link = Link { source: self.routers[router].plan.mac, destination: plan.mac };
        let mut octets = BytesMut::new();
        let built = match (source, peer) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let header =
                    Ipv4Header { source, destination, protocol: PROTOCOL, ttl: TTL, tos: TRAFFIC_CLASS };
                build::ipv4(&mut octets, link, header, payload)
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let header = Ipv6Header {
                    source,
                    destination,
                    next_header: PROTOCOL,
                    hop_limit: TTL,
                    traffic_class: TRAFFIC_CLASS,
                };
                build::ipv6(&mut octets, link, header, payload)
            }
            _ => return,
        };
        if built.is_ok() {
            self.transmit_octets(router, octets.freeze());
        }
    }

    /// A stranger sends everybody what must not count.
    pub(super) fn make_noise(&mut self) {
        let packets: Vec<Bytes> = self.scenario.groups.iter().flat_map(noise).collect();
        for octets in packets {
            let Some(destination) = mac_at(&octets, 0) else { continue };
            for to in 0..self.routers.len() {
                let body = Body::Protocol(octets.clone());
                let frame = Frame { source: STRANGER, destination, body };
                self.frames += 1;
                let number = self.frames;
                self.push(self.now, Event::Arrive { to, number, frame });
            }
        }
    }

    fn carrier(&self, place: usize) -> bool {
        self.routers.get(place).is_none_or(|router| router.condition.carrier)
    }

    /// Sends a frame from `from`; its copies travel each by itself.
    fn transmit(&mut self, from: usize, frame: Frame) {
        if !self.carrier(from) {
            return;
        }
        self.frames += 1;
        let number = self.frames;
        for to in self.switches.forward(from, &frame) {
            let keys = [TRAVEL, number, u64::try_from(to).unwrap_or(0)];
            let mut rng = Rng::keyed(self.scenario.seed, &keys);
            let copies = self.copies(&mut rng, from, to);
            for _ in 0..copies {
                let delay = self.delay(&mut rng, from, to);
                let Some(frame) = self.corrupted(&mut rng, (from, to), &frame) else { continue };
                self.push(self.now + delay, Event::Arrive { to, number, frame });
            }
        }
    }

    fn copies(&self, rng: &mut Rng, from: usize, to: usize) -> u32 {
        let mut copies = 1;
        for kind in self.active_kinds() {
            match kind {
                Kind::Loss { path, percent } if path.covers(from, to) && rng.chance(*percent) => return 0,
                Kind::Duplicate { path, percent } if path.covers(from, to) && rng.chance(*percent) => {
                    copies = 2;
                }
                _ => {}
            }
        }
        copies
    }

    fn delay(&self, rng: &mut Rng, from: usize, to: usize) -> Duration {
        let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(0);
        let (least, most) = self.scenario.transit;
        let mut delay = rng.between(micros(least), micros(most));
        for kind in self.active_kinds() {
            if let Kind::Delay { path, most } = kind
                && path.covers(from, to)
            {
                delay += rng.below(micros(*most));
            }
        }
        Duration::from_micros(delay)
    }

    /// A frame with bits flipped; only a daemon looks at such a one, everybody else drops it.
    fn corrupted(&self, rng: &mut Rng, (from, to): (usize, usize), frame: &Frame) -> Option<Frame> {
        let hit = self.active_kinds().any(|kind| {
            matches!(kind, Kind::Corrupt { path, percent } if path.covers(from, to) && rng.chance(*percent))
        });
        if !hit {
            return Some(frame.clone());
        }
        let Body::Protocol(octets) = &frame.body else { return None };
        let mut octets = octets.to_vec();
        for _ in 0..rng.between(1, 4) {
            let at = 14 + rng.index(octets.len().saturating_sub(14));
            if let Some(octet) = octets.get_mut(at) {
                *octet ^= 1 << rng.below(8);
            }
        }
        Some(Frame { body: Body::Protocol(octets.into()), ..*frame })
    }

    /// A frame is at its destination.
    pub(super) fn arrive(&mut self, to: usize, number: u64, frame: Frame) -> Result<(), Violation> {
        if to >= self.routers.len() {
            self.arrive_at_host(to - self.routers.len(), &frame);
            return Ok(());
        }
        if !self.carrier(to) {
            return Ok(());
        }
        let node = &self.routers[to];
        let own = node.plan.mac;
        match frame.body {
            Body::Protocol(octets) if frame.destination.is_multicast() || frame.destination == own => {
                self.arrive_at_daemon(to, number, octets)?;
            }
            Body::Solicit { address } => {
                if let Some(mac) = node.dataplane.answers(address, own) {
                    let body = Body::Here { address, mac };
                    self.transmit(to, Frame { source: mac, destination: frame.source, body });
                }
                self.ask_daemon(to, number, &frame, address)?;
            }
            Body::Probe { host, number } => {
                if frame.destination == own || node.dataplane.forwards(frame.destination) {
                    let body = Body::Reply { host, number };
                    self.transmit(to, Frame { source: own, destination: frame.source, body });
                }
            }
            Body::Protocol(_) | Body::Here { .. } | Body::Reply { .. } => {}
        }
        Ok(())
    }

    /// Where the engine answers hosts, it is asked.
    fn ask_daemon(
        &mut self,
        router: usize,
        number: u64,
        frame: &Frame,
        address: IpAddr,
    ) -> Result<(), Violation> {
        let node = &self.routers[router];
        let answers = self.scenario.groups.iter().any(|group| match group.member(router) {
            Some(Settings::Glbp(_)) => group.gateway == address,
            Some(Settings::Vrrp(_) | Settings::Hsrp(_)) | None => false,
        });
        let to = frame.destination;
        let taken = to.is_multicast() || to == node.plan.mac || node.dataplane.forwards(to);
        let host = self.hosts.iter().position(|host| host.plan().mac == frame.source);
        let asked =
            host.and_then(|host| question(frame.source, to, address, u8::try_from(host).unwrap_or(0)));
        match asked.filter(|_| answers && taken) {
            Some(octets) => self.arrive_at_daemon(router, number, octets),
            None => Ok(()),
        }
    }

    fn arrive_at_daemon(&mut self, router: usize, number: u64, octets: Bytes) -> Result<(), Violation> {
        if self.routers[router].leaving.is_some() {
            return self.arrive_at_leaving(router, number, octets);
        }
        let node = &self.routers[router];
        let at = node.plan.clock.local(self.now);
        let Some(interface) = node.attached.filter(|_| node.subject.is_some()) else { return Ok(()) };
        let input = Input::Frame { at, interface, frame: number, octets };
        if node.condition.stalled {
            self.keep(router, input);
            return Ok(());
        }
        self.call(router, input)?;
        self.serve(router)?;
        self.arm(router);
        Ok(())
    }

    fn arrive_at_host(&mut self, place: usize, frame: &Frame) {
        let host = &mut self.hosts[place];
        let addressed = frame.destination.is_multicast() || frame.destination == host.plan().mac;
        match &frame.body {
            Body::Here { address, mac } if addressed => host.learn(frame, *address, *mac),
            Body::Reply { host: asker, number } if addressed && *asker == place => host.hear(*number),
            Body::Protocol(_)
            | Body::Here { .. }
            | Body::Solicit { .. }
            | Body::Probe { .. }
            | Body::Reply { .. } => {}
        }
    }

    /// A host asks, and plans to ask again.
    pub(super) fn host_asks(&mut self, place: usize) {
        let Some(period) = self.hosts[place].plan().asks else { return };
        let frame = self.hosts[place].ask(self.now);
        self.transmit(self.routers.len() + place, frame);
        let period = u64::try_from(period.as_micros()).unwrap_or(0);
        let keys = [ASKING, u64::try_from(place).unwrap_or(0), self.now.as_micros()];
        let next = Rng::keyed(self.scenario.seed, &keys).between(period * 9 / 10, period);
        self.push(self.now + Duration::from_micros(next), Event::Ask(place));
    }

    /// A host sends, and plans to send again.
    pub(super) fn host_sends(&mut self, place: usize) {
        let frame = self.hosts[place].send(self.now, place);
        let from = self.routers.len() + place;
        self.transmit(from, frame);
        let period = u64::try_from(self.hosts[place].plan().period.as_micros()).unwrap_or(0);
        let keys = [SENDING, u64::try_from(place).unwrap_or(0), self.now.as_micros()];
        let next = Rng::keyed(self.scenario.seed, &keys).between(period * 9 / 10, period);
        self.push(self.now + Duration::from_micros(next), Event::Send(place));
    }
}

fn mac_at(octets: &[u8], at: usize) -> Option<MacAddr> {
    let octets: [u8; 6] = octets.get(at..at + 6)?.try_into().ok()?;
    Some(MacAddr(octets))
}
