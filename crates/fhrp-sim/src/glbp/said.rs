//! What a frame says, read with the codec that has its own tests; and frames that must not count.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::{GlbpAuthentication, GlbpSettings};
use fhrp_wire::envelope::{self, udp};
use fhrp_wire::glbp::{
    self, AuthData, AuthText, Body, Credentials, Destination, ForwarderNumber, Forwarders, GroupNumber,
    Hello, Nonces, Packet, PacketFrame, Parsed, PeerNonce, Peers, VfState, VgState,
};
use fhrp_wire::{Family, MacAddr};

use crate::group::GroupPlan;

/// A packet about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// Where the frame came from.
    pub(crate) mac: MacAddr,
    pub(crate) packet: Packet,
    /// The payload, for its authentication.
    payload: Bytes,
}

/// What a packet proves besides its digest: the sender's nonce, and what it lists as ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Echo {
    pub(super) own: u32,
    pub(super) ours: Option<u32>,
}

impl Said {
    pub(crate) fn number(&self) -> u16 {
        self.packet.group().get()
    }

    pub(crate) fn ipv6(&self) -> bool {
        self.source.is_ipv6()
    }

    pub(crate) fn hello(&self) -> Option<Hello> {
        match self.packet.body() {
            Body::Announcement { hello, .. } => *hello,
            Body::Request | Body::Response(_) => None,
        }
    }

    pub(crate) fn forwarders(&self) -> Vec<glbp::Forwarder> {
        match self.packet.body() {
            Body::Announcement { forwarders, .. } => forwarders.iter().collect(),
            Body::Request | Body::Response(_) => Vec::new(),
        }
    }

    /// Whether its sender says that it is the AVG.
    pub(crate) fn claims(&self) -> bool {
        self.hello().is_some_and(|hello| hello.state() == VgState::Active && !hello.is_resigning())
    }

    /// Whether its sender gives that up.
    pub(crate) fn resigns(&self) -> bool {
        self.hello().is_some_and(|hello| resigns(&hello))
    }

    /// Whether it is sent every hello time.
    pub(crate) fn regular(&self) -> bool {
        self.hello().is_some_and(|hello| !resigns(&hello))
    }

    /// The nonces in it; `ours` is the receiver.
    pub(super) fn echo(&self, ours: Option<MacAddr>) -> Option<Echo> {
        let parsed = parse(self.source, &self.payload)?;
        match parsed.auth {
            AuthData::Md5 { nonces: Some(nonces), .. } => {
                let listed = ours.and_then(|ours| nonces.peers.nonce_of(ours)).map(|nonce| nonce.0);
                Some(Echo { own: nonces.own.0, ours: listed })
            }
            AuthData::None | AuthData::Text(_) | AuthData::Md5 { .. } => None,
        }
    }
}

/// Whether the AVG gives up.
pub(super) fn resigns(hello: &Hello) -> bool {
    hello.state() == VgState::Active && hello.is_resigning()
}

fn parse(source: IpAddr, payload: &[u8]) -> Option<Parsed<'_>> {
    glbp::parse(Family::of(&source), payload).ok()
}

/// The packet in a frame, if there is one about a group.
pub(crate) fn message_in(frame: &[u8]) -> Option<Said> {
    let parsed = envelope::parse(frame).ok()?;
    let mac = parsed.source;
    let datagram = udp::parse(&parsed.packet).ok()??;
    if datagram.destination_port != glbp::PORT || datagram.hop_limit != glbp::TTL {
        return None;
    }
    Some(Said {
        source: datagram.source,
        destination: datagram.destination,
        mac,
        packet: parse(datagram.source, datagram.payload)?.packet,
        payload: Bytes::copy_from_slice(datagram.payload),
    })
}

/// Whether a packet counts for a router with `settings`, whose addresses are `own`: sent to whom its kind is for, and
/// authenticated as configured.
pub(super) fn accepts(settings: &GlbpSettings, own: &[IpAddr], said: &Said) -> bool {
    let group = [IpAddr::V4(glbp::GROUP_V4), IpAddr::V6(glbp::GROUP_V6)].contains(&said.destination);
    let addressed = match said.packet.body() {
        Body::Announcement { .. } => group,
        Body::Request | Body::Response(_) => own.contains(&said.destination),
    };
    let Some(parsed) = parse(said.source, &said.payload) else { return false };
    let proven = match (&settings.authentication, &parsed.auth) {
        (GlbpAuthentication::None, AuthData::None) => true,
        (GlbpAuthentication::Text(text), AuthData::Text(_)) => parsed.verify_text(text),
        (GlbpAuthentication::Md5(key), AuthData::Md5 { key_id: None, .. }) => {
            parsed.verify_md5(key, said.source)
        }
        // No group here has a chain.
        (_, _) => false,
    };
    addressed && proven && is_router(said.source)
}

fn is_router(source: IpAddr) -> bool {
    match source {
        IpAddr::V4(source) => {
            let nobody = source.is_unspecified() || source.is_multicast() || source.is_broadcast();
            !(nobody || source.is_loopback())
        }
        IpAddr::V6(source) => source.is_unicast_link_local(),
    }
}

/// `times` with another hello and hold time.
pub(super) fn timers((hello, hold): (Duration, Duration), times: glbp::Timers) -> Option<glbp::Timers> {
    let millis = |time| glbp::Milliseconds::from_duration(time).ok();
    glbp::Timers::new(millis(hello)?, millis(hold)?, times.redirect(), times.timeout()).ok()
}

/// An announcement that says something else than `said`, as a router with `authentication` would.
pub(super) fn render(
    said: &Said,
    source: IpAddr,
    (hello, forwarders): (Option<Hello>, Vec<glbp::Forwarder>),
    authentication: &GlbpAuthentication,
) -> Option<Bytes> {
    let body = Body::Announcement { hello, forwarders: Forwarders::new(&forwarders).ok()? };
    let origin = Origin { source, destination: Destination::Group };
    rewrite(said, origin, body, authentication)
}

/// A response that gives forwarder 1 out, whatever `said` gave.
pub(super) fn respond(said: &Said, frame: &[u8], authentication: &GlbpAuthentication) -> Option<Bytes> {
    let mac = envelope::parse(frame).ok()?.destination;
    let destination = Destination::Peer { mac, address: said.destination };
    let origin = Origin { source: said.source, destination };
    rewrite(said, origin, Body::Response(ForwarderNumber::ALL[0]), authentication)
}

/// Where a packet comes from and goes to.
struct Origin {
    source: IpAddr,
    destination: Destination,
}

fn rewrite(said: &Said, ends: Origin, body: Body, authentication: &GlbpAuthentication) -> Option<Bytes> {
    let parsed = parse(said.source, &said.payload)?;
    let (mut own, mut peers, mut sequence) = (glbp::Nonce(0), Vec::new(), glbp::NonceSequence(0));
    if let AuthData::Md5 { nonces: Some(nonces), .. } = parsed.auth {
        (own, sequence) = (nonces.own, nonces.sequence);
        peers = nonces.peers.iter().collect::<Vec<PeerNonce>>();
    }
    let credentials = match authentication {
        GlbpAuthentication::None | GlbpAuthentication::Chain(_) => Credentials::None,
        GlbpAuthentication::Text(text) => Credentials::Text(text),
        GlbpAuthentication::Md5(key) => {
            let nonces = Nonces { sequence, own, peers: Peers::new(&peers).ok()? };
            Credentials::Md5 { key, key_id: None, nonces }
        }
    };
    let packet = Packet::new(said.packet.group(), said.packet.owner(), body).ok()?;
    let Origin { source, destination } = ends;
    emit(&PacketFrame { packet, credentials, source_mac: said.mac, source, destination })
}

fn emit(frame: &PacketFrame<'_>) -> Option<Bytes> {
    let mut out = BytesMut::new();
    glbp::packet_frame(&mut out, frame).ok()?;
    Some(out.freeze())
}

/// Packets of a stranger for `group`, of the highest priority, each with one thing wrong.
pub(crate) fn noise(group: &GroupPlan, settings: &GlbpSettings) -> Vec<Bytes> {
    let sound = stranger(group, group.number, &settings.authentication);
    let header = 14 + if group.ipv6 { 40 } else { 20 } + 8;
    // Changed octets, with a checksum over UDP that says so: only the checksum is wrong then.
    let flipped = sound.as_ref().map(|sound| {
        let mut octets = sound.to_vec();
        octets[header + 17] ^= 0x40;
        Bytes::from(octets)
    });
    let short = sound.as_ref().map(|sound| sound.slice(..header + 10));
    let other = stranger(group, group.number + 100, &settings.authentication);
    let wrong = AuthText::new(*b"wrong").map_or(GlbpAuthentication::None, GlbpAuthentication::Text);
    let unknown = stranger(group, group.number, &wrong);
    [flipped, short, other, unknown].into_iter().flatten().collect()
}

/// An AVG that serves all forwarders as their owner.
fn stranger(group: &GroupPlan, number: u16, how: &GlbpAuthentication) -> Option<Bytes> {
    let mac = MacAddr([2, 0, 0, 0, 0, 0xfa]);
    let source = match group.family() {
        Family::V4 => IpAddr::from([192, 0, 2, 250]),
        Family::V6 => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0xfa]),
    };
    let timers = glbp::Timers::new(
        glbp::Milliseconds::new(3000)?,
        glbp::Milliseconds::new(10_000)?,
        glbp::Seconds::new(600),
        glbp::Seconds::new(14_400),
    )
    .ok()?;
    let served: Vec<glbp::Forwarder> = ForwarderNumber::ALL
        .iter()
        .map(|number| glbp::Forwarder {
            number: *number,
            state: VfState::Active,
            priority: glbp::ForwarderPriority::PRIMARY,
            weight: 100,
            timeout_left: timers.timeout(),
            redirect_left: timers.redirect(),
        })
        .collect();
    let hello = Hello::new(VgState::Active, 255, timers, group.gateway).ok()?;
    let body = Body::Announcement { hello: Some(hello), forwarders: Forwarders::new(&served).ok()? };
    let credentials = match how {
        GlbpAuthentication::None | GlbpAuthentication::Chain(_) => Credentials::None,
        GlbpAuthentication::Text(text) => Credentials::Text(text),
        GlbpAuthentication::Md5(key) => {
            let nonces = Nonces {
                sequence: glbp::NonceSequence(0),
                own: glbp::Nonce(1),
                peers: Peers::new(&[]).ok()?,
            };
            Credentials::Md5 { key, key_id: None, nonces }
        }
    };
    let packet = Packet::new(GroupNumber::new(number)?, mac, body).ok()?;
    emit(&PacketFrame { packet, credentials, source_mac: mac, source, destination: Destination::Group })
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.packet.body() {
            Body::Announcement { hello, .. } => {
                match hello {
                    Some(hello) => write!(f, "Hello {:?} {}", hello.state(), hello.priority())?,
                    None => f.write_str("announcement")?,
                }
                for one in self.forwarders() {
                    write!(f, " [{} {:?} {}]", one.number.get(), one.state, one.priority.0)?;
                }
                Ok(())
            }
            Body::Request => f.write_str("Request"),
            Body::Response(number) => write!(f, "Response {}", number.get()),
        }
    }
}
