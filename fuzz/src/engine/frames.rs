//! Frames of a third router and of hosts: written by the codec, so that they are believed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use arbitrary::Unstructured;
use bytes::BytesMut;
use fhrp::{Family, MacAddr};
use fhrp_wire::envelope::build::{self, Ipv4Header, Ipv6Header, Link};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, AuthData, Body, Centiseconds, ChecksumForm, Seconds,
    Vrid,
};
use fhrp_wire::{glbp, hsrp};

use super::settings::{auth_text, flag, key, octet, one, text};

/// What everybody here authenticates with.
pub(super) const KEY: &str = "geheim";

const MACS: [MacAddr; 4] = [
    MacAddr([2, 0, 0, 0, 3, 1]),
    MacAddr([2, 0, 0, 0, 4, 1]),
    MacAddr([2, 0, 0, 0, 1, 1]),
    MacAddr([0, 0, 0x5e, 0, 1, 1]),
];
const SOURCES: [(IpAddr, IpAddr); 5] = [
    (v4(3), v6(3)),
    (v4(4), v6(4)),
    (v4(250), v6(0xff)),
    (v4(1), v6(1)),
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
];
const GATEWAYS: [(IpAddr, IpAddr); 4] = [
    (v4(254), v6(0x254)),
    (v4(253), v6(0x253)),
    (IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)), IpAddr::V6(Ipv6Addr::LOCALHOST)),
    (IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
];

pub(super) const fn v4(last: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, last))
}

pub(super) const fn v6(last: u16) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last))
}

/// Who sends, over which family.
struct Sender {
    mac: MacAddr,
    address: IpAddr,
    gateway: IpAddr,
    family: Family,
}

impl Sender {
    fn read(input: &mut Unstructured<'_>) -> Self {
        let family = one(input, &[Family::V4, Family::V6]);
        let of_family = |(four, six)| match family {
            Family::V4 => four,
            Family::V6 => six,
        };
        let mac = one(input, &MACS);
        let address = of_family(one(input, &SOURCES));
        Self { mac, address, gateway: of_family(one(input, &GATEWAYS)), family }
    }
}

/// A frame that the codec wrote, bent in one place or not; nothing where the values do not fit together.
pub(super) fn frame(input: &mut Unstructured<'_>) -> Vec<u8> {
    let sender = Sender::read(input);
    let mut out = BytesMut::new();
    match octet(input) % 8 {
        0 | 1 => vrrp_frame(&sender, input, &mut out),
        2 | 3 => hsrp_frame(&sender, input, &mut out),
        4..=6 => glbp_frame(&sender, input, &mut out),
        _ => host_frame(&sender, input, &mut out),
    }
    let mut frame = out.to_vec();
    if octet(input).is_multiple_of(8) {
        bend(input, &mut frame);
    }
    frame
}

/// Changes an octet or cuts the frame off there.
pub(super) fn bend(input: &mut Unstructured<'_>, frame: &mut Vec<u8>) {
    let at: u16 = input.arbitrary().unwrap_or_default();
    let at = usize::from(at) % frame.len().max(1);
    match (octet(input), frame.get_mut(at)) {
        (0, _) => frame.truncate(at),
        (change, Some(octet)) => *octet ^= change,
        (_, None) => {}
    }
}

fn vrrp_frame(sender: &Sender, input: &mut Unstructured<'_>, out: &mut BytesMut) {
    let Some(vrid) = Vrid::new(one(input, &[1, 2, 3, 4])) else { return };
    let (priority, count) = (octet(input), usize::from(octet(input) % 3));
    let list: Vec<IpAddr> = std::iter::repeat_n(sender.gateway, count.max(1)).collect();
    let Ok(addresses) = Addresses::new(&list) else { return };
    let interval = octet(input);
    let body = match octet(input) % 4 {
        0 | 1 => Body::V3 { interval: centiseconds(interval) },
        form => {
            let auth = if form == 2 { AuthData::None } else { AuthData::Text(text().octets()) };
            Body::V2 { interval: Seconds::new(interval.max(1)).expect("not 0"), auth }
        }
    };
    let Ok(advertisement) = Advertisement::new(vrid, priority, addresses, body) else { return };
    let advertisement = match (sender.address, flag(input)) {
        (IpAddr::V4(source), true) if matches!(body, Body::V2 { .. }) => {
            advertisement.sign_md5(&key(), 1, source)
        }
        (IpAddr::V4(_) | IpAddr::V6(_), _) => advertisement,
    };
    let peer = vrrp::Destination::Peer { mac: MacAddr([2, 0, 0, 0, 1, 1]), address: v4(1) };
    let frame = AdvertisementFrame {
        advertisement,
        source_mac: sender.mac,
        source: sender.address,
        destination: one(input, &[vrrp::Destination::Group, vrrp::Destination::Group, peer]),
        checksum: one(input, &[ChecksumForm::Rfc9568, ChecksumForm::Rfc5798]),
    };
    let _ = vrrp::advertisement_frame(out, &frame);
}

/// Short ones in hundredths, then up to the longest.
fn centiseconds(interval: u8) -> Centiseconds {
    let value = if interval < 200 { u16::from(interval.max(1)) } else { u16::from(interval) * 16 };
    Centiseconds::new(value).expect("12 bits")
}

fn hsrp_frame(sender: &Sender, input: &mut Unstructured<'_>, out: &mut BytesMut) {
    let version = one(input, &[hsrp::Version::V2, hsrp::Version::V1]);
    let Some(variant) = hsrp::Variant::new(version, sender.family) else { return };
    let origin = hsrp::Origin {
        source_mac: sender.mac,
        source: sender.address,
        hop_limit: one(input, &[variant.hop_limit(), 255, 2]),
    };
    if octet(input).is_multiple_of(16) {
        let state = hsrp::InterfaceState::V2 { active: u16::from(octet(input)), passive: 1 };
        let _ = hsrp::frame(out, variant, origin, |out| state.emit(out));
        return;
    }
    let Some(message) = hsrp_message(sender, input, variant) else { return };
    let (key, text) = (key(), if flag(input) { text() } else { hsrp::default_text() });
    let credentials = match octet(input) % 4 {
        0 | 1 => hsrp::Credentials::Text(&text),
        2 => hsrp::Credentials::None,
        _ => hsrp::Credentials::Md5 { key: &key, key_id: one(input, &[0, 1, 2]), source: sender.address },
    };
    let _ = hsrp::frame(out, variant, origin, |out| message.emit(out, &credentials));
}

fn hsrp_message(
    sender: &Sender,
    input: &mut Unstructured<'_>,
    variant: hsrp::Variant,
) -> Option<hsrp::Message> {
    use hsrp::{Opcode, State};
    let states = [
        State::Active,
        State::Standby,
        State::Speak,
        State::Listen,
        State::Learn,
        State::Initial,
        State::Disabled,
    ];
    let timers = [(3_000, 10_000), (1_000, 3_000), (1, 2), (255_000, 4_294_967_295), (15, 50), (1000, 1001)];
    let (hello, hold) = one(input, &timers);
    let (hello, hold) = (Duration::from_millis(hello), Duration::from_millis(hold));
    let parts = hsrp::Parts {
        group: hsrp::Group::new(variant, one(input, &[1, 0, 2, 255, 4095]))?,
        opcode: one(input, &[Opcode::Hello, Opcode::Hello, Opcode::Coup, Opcode::Resign]),
        state: one(input, &states),
        priority: octet(input),
        timers: hsrp::Timers::new(variant.version(), hello, hold)
            .unwrap_or_else(|_| hsrp::Timers::default_of(variant.version())),
        identifier: sender.mac,
        address: Some(sender.gateway),
    };
    hsrp::Message::new(parts).ok()
}

fn glbp_frame(sender: &Sender, input: &mut Unstructured<'_>, out: &mut BytesMut) {
    let group = glbp::GroupNumber::new(one(input, &[1, 2, 1023])).expect("in range");
    let body = match octet(input) % 8 {
        0 => glbp::Body::Request,
        1 => glbp::Body::Response(one(input, &glbp::ForwarderNumber::ALL)),
        2 => glbp::Body::Announcement { hello: None, forwarders: forwarders(input) },
        _ => glbp::Body::Announcement { hello: hello(sender, input), forwarders: forwarders(input) },
    };
    let Ok(packet) = glbp::Packet::new(group, sender.mac, body) else { return };
    let (key, text) = (key(), auth_text());
    let heard = [glbp::PeerNonce {
        owner: MacAddr([2, 0, 0, 0, 1, 1]),
        nonce: glbp::Nonce(input.arbitrary().unwrap_or_default()),
    }];
    let nonces = glbp::Nonces {
        sequence: glbp::NonceSequence(octet(input)),
        own: glbp::Nonce(u32::from(octet(input))),
        peers: glbp::Peers::new(&heard).expect("one"),
    };
    let credentials = match octet(input) % 4 {
        0 | 1 => glbp::Credentials::None,
        2 => glbp::Credentials::Text(&text),
        _ => glbp::Credentials::Md5 { key: &key, key_id: one(input, &[None, Some(1), Some(2)]), nonces },
    };
    let own = match sender.family {
        Family::V4 => v4(1),
        Family::V6 => v6(1),
    };
    let peer = glbp::Destination::Peer { mac: MacAddr([2, 0, 0, 0, 1, 1]), address: own };
    let destination = match packet.opcode() {
        glbp::Opcode::Announcement => glbp::Destination::Group,
        glbp::Opcode::Request | glbp::Opcode::Response => peer,
    };
    let (source_mac, source) = (sender.mac, sender.address);
    let frame = glbp::PacketFrame { packet, credentials, source_mac, source, destination };
    let _ = glbp::packet_frame(out, &frame);
}

fn hello(sender: &Sender, input: &mut Unstructured<'_>) -> Option<glbp::Hello> {
    use glbp::{Milliseconds, Seconds, VgState};
    let state = one(input, &[VgState::Active, VgState::Standby, VgState::Speak, VgState::Listen]);
    let (hello, hold) = one(input, &[(3000, 10_000), (50, 70), (1, 2), (1000, u32::MAX)]);
    let (redirect, timeout) = one(input, &[(600, 14_400), (0, 0), (1, 65_535), (65_535, 1)]);
    let timers = glbp::Timers::new(
        Milliseconds::new(hello)?,
        Milliseconds::new(hold)?,
        Seconds::new(redirect),
        Seconds::new(timeout),
    );
    glbp::Hello::new(state, octet(input), timers.ok()?, sender.gateway).ok()
}

fn forwarders(input: &mut Unstructured<'_>) -> glbp::Forwarders {
    use glbp::{ForwarderPriority, VfState};
    let mut forwarders = glbp::Forwarders::default();
    let bits = octet(input);
    for (at, number) in glbp::ForwarderNumber::ALL.into_iter().enumerate() {
        if bits >> at & 1 == 0 {
            continue;
        }
        let left = one(input, &[14_400, 0, 1, 600, 65_535]);
        let _ = forwarders.insert(glbp::Forwarder {
            number,
            state: one(input, &[VfState::Active, VfState::Listen]),
            priority: ForwarderPriority(one(input, &[167, 135, 160, 128, 39, 7, 0, 255])),
            weight: octet(input),
            timeout_left: glbp::Seconds::new(left),
            redirect_left: glbp::Seconds::new(left.min(600)),
        });
    }
    forwarders
}

/// What hosts say: questions about addresses, answers, and that they look for routers.
fn host_frame(sender: &Sender, input: &mut Unstructured<'_>, out: &mut BytesMut) {
    let all = MacAddr::BROADCAST;
    match (sender.address, sender.gateway) {
        (IpAddr::V4(source), IpAddr::V4(target)) => {
            let link = Link { source: sender.mac, destination: all };
            match octet(input) % 4 {
                0 => build::gratuitous_arp(out, sender.mac, target),
                1 => build::gratuitous_arp_reply(out, link, target),
                2 => {
                    let header = Ipv4Header { source, destination: target, protocol: 112, ttl: 255, tos: 0 };
                    let _ = build::ipv4(out, link, header, input.bytes(8).unwrap_or(&[]));
                }
                _ => arp_request(sender.mac, source, target, out),
            }
        }
        (IpAddr::V6(source), IpAddr::V6(target)) => match octet(input) % 4 {
            0 => build::unsolicited_na(out, sender.mac, target),
            1 => icmp(sender.mac, (source, target), &[133, 0, 0, 0, 0, 0, 0, 0], out),
            _ => {
                let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
                message.extend(target.octets());
                if !source.is_unspecified() {
                    message.extend([1, 1]);
                    message.extend(sender.mac.octets());
                }
                icmp(sender.mac, (source, target), &message, out);
            }
        },
        (IpAddr::V4(_) | IpAddr::V6(_), IpAddr::V4(_) | IpAddr::V6(_)) => {}
    }
}

fn arp_request(mac: MacAddr, source: Ipv4Addr, target: Ipv4Addr, out: &mut BytesMut) {
    out.extend_from_slice(&MacAddr::BROADCAST.octets());
    out.extend_from_slice(&mac.octets());
    out.extend_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    out.extend_from_slice(&mac.octets());
    out.extend_from_slice(&source.octets());
    out.extend_from_slice(&[0; 6]);
    out.extend_from_slice(&target.octets());
}

/// An ICMPv6 message with a right checksum, to everybody who could be meant.
fn icmp(mac: MacAddr, (source, target): (Ipv6Addr, Ipv6Addr), message: &[u8], out: &mut BytesMut) {
    let [.., a, b, c] = target.octets();
    let destination = if message.first() == Some(&133) {
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2)
    } else {
        let low = u16::from_be_bytes([b, c]);
        Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low)
    };
    let checksum = crate::checksum::over(source.into(), destination.into(), 58, message);
    let mut message = message.to_vec();
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let link = Link { source: mac, destination: MacAddr::of_group(destination.into()).expect("a group") };
    let header = Ipv6Header { source, destination, next_header: 58, hop_limit: 255, traffic_class: 0 };
    let _ = build::ipv6(out, link, header, &message);
}
