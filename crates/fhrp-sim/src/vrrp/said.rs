//! What a frame says, read with the codec that has its own tests; and frames that must not count.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::VrrpSettings;
use fhrp_wire::MacAddr;
use fhrp_wire::envelope::{self, Packet};
use fhrp_wire::vrrp::{
    self, Addresses, Advertisement, AdvertisementFrame, AuthData, Body, Centiseconds, ChecksumForm,
    Destination, Vrid,
};

use crate::group::GroupPlan;

/// An advertisement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    pub(crate) ttl: u8,
    pub(crate) vrid: u8,
    pub(crate) version: u8,
    pub(crate) priority: u8,
    pub(crate) interval: Duration,
    pub(crate) addresses: Vec<IpAddr>,
    /// The field of a text password, or nothing; other kinds are not used here.
    pub(crate) password: Option<[u8; 8]>,
}

impl Said {
    pub(crate) fn number(&self) -> u16 {
        self.vrid.into()
    }

    pub(crate) fn ipv6(&self) -> bool {
        self.source.is_ipv6()
    }
}

/// The advertisement in a frame, if there is one and its octets break no rule that all groups here have.
pub(crate) fn advertisement_in(frame: &[u8]) -> Option<Said> {
    let (source, destination, ttl, payload) = match envelope::parse(frame).ok()?.packet {
        Packet::Ipv4(ip) if ip.protocol == vrrp::PROTOCOL => {
            (IpAddr::V4(ip.source), IpAddr::V4(ip.destination), ip.ttl, ip.payload)
        }
        Packet::Ipv6(ip) if ip.next_header == vrrp::PROTOCOL => {
            (IpAddr::V6(ip.source), IpAddr::V6(ip.destination), ip.hop_limit, ip.payload)
        }
        Packet::Ipv4(_) | Packet::Ipv6(_) | Packet::Arp(_) | Packet::Other(_) => return None,
    };
    let parsed = vrrp::parse(source, destination, payload).ok()?;
    let said = &parsed.advertisement;
    let password = match said.body() {
        Body::V2 { auth: AuthData::Text(field), .. } => Some(*field),
        Body::V2 { auth: AuthData::None, .. } | Body::V3 { .. } => None,
        // No group here is configured for these, so nobody accepts them.
        Body::V2 { auth: AuthData::CiscoMd5 { .. } | AuthData::Unknown(_), .. } => return None,
    };
    Some(Said {
        source,
        destination,
        ttl,
        vrid: said.vrid().get(),
        version: said.version().get(),
        priority: said.priority(),
        interval: said.interval(),
        addresses: said.addresses().iter().collect(),
        password,
    })
}

/// Packets of a stranger for `group`, of the highest priority, each with one thing wrong.
pub(crate) fn noise(group: &GroupPlan, settings: &VrrpSettings) -> Vec<Bytes> {
    let (vrid, other) = (Vrid::new(settings.vrid), Vrid::new(settings.vrid.wrapping_add(100)));
    let first = settings.addresses.first().copied();
    let list: Vec<IpAddr> = match first {
        Some(address @ IpAddr::V6(_)) => vec![IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0xbad]), address],
        first => first.into_iter().collect(),
    };
    let Some(sound) = vrid.and_then(|vrid| frame(vrid, &list)) else { return Vec::new() };
    let ip = 14;
    let payload = if group.ipv6 { ip + 40 } else { ip + 20 };
    let mut far = sound.to_vec();
    if group.ipv6 {
        far[ip + 7] = 254;
    } else {
        // One less in the high octet of a word of the header, one more in its checksum (RFC 1624).
        far[ip + 8] = 254;
        let (sum, carry) = u16::from_be_bytes([far[ip + 10], far[ip + 11]]).overflowing_add(0x100);
        far[ip + 10..ip + 12].copy_from_slice(&(sum + u16::from(carry)).to_be_bytes());
    }
    let mut kind = sound.to_vec();
    kind[payload] = 0x35;
    let mut checksum = sound.to_vec();
    checksum[payload + 6] ^= 0x40;
    let mut short = sound.to_vec();
    short.truncate(payload + 7);
    let stranger = other.and_then(|vrid| frame(vrid, &list));
    [far, kind, checksum, short].into_iter().map(Bytes::from).chain(stranger).collect()
}

fn frame(vrid: Vrid, list: &[IpAddr]) -> Option<Bytes> {
    let body = Body::V3 { interval: Centiseconds::from_duration(Duration::from_secs(40)).ok()? };
    let addresses = Addresses::new(list).ok()?;
    let source = match list.first()? {
        IpAddr::V4(_) => IpAddr::from([192, 0, 2, 250]),
        IpAddr::V6(_) => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0xfa]),
    };
    let mut octets = BytesMut::new();
    let frame = AdvertisementFrame {
        advertisement: Advertisement::new(vrid, 255, addresses, body).ok()?,
        source_mac: MacAddr([2, 0, 0, 0, 0, 0xfa]),
        source,
        destination: Destination::Group,
        checksum: ChecksumForm::Rfc9568,
    };
    vrrp::advertisement_frame(&mut octets, &frame).ok()?;
    Some(octets.freeze())
}
