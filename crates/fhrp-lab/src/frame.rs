//! Just enough reading of frames to tell what a router said, and the building of ARP and ND questions.
//!
//! Deliberately apart from the codec of `fhrp-wire`: a laboratory that read frames with the code under test could
//! not see that code's faults. It checks nothing, so that what a router really sent is shown, sound or not.

mod glbp;
mod hsrp;

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use fhrp_wire::{Family, MacAddr};

pub use glbp::{GlbpForwarder, GlbpGateway, GlbpOpcode, GlbpPacket};
pub use hsrp::{HsrpMessage, HsrpOpcode, SpeakerState};

use crate::clock::Stamp;

/// First UDP port of probes; that of host `hN` is N more.
pub(crate) const PROBE_PORT: u16 = 7000;

/// What a captured frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IP protocol 112.
    Advertisement(Advertisement),
    /// An HSRP hello, coup or resignation.
    Hsrp(HsrpMessage),
    /// HSRP's word about an interface: version 1's Advertise, version 2's Interface State.
    HsrpInterface {
        /// Groups of the interface in which the sender is Active.
        active: u16,
        /// The others.
        passive: u16,
    },
    /// A GLBP packet.
    Glbp(GlbpPacket),
    /// ARP over Ethernet and IPv4.
    Arp {
        /// 1 request, 2 reply.
        operation: u16,
        /// The sender's hardware address inside the packet.
        sender_mac: MacAddr,
        /// The sender's protocol address.
        sender: Ipv4Addr,
        /// The target's protocol address.
        target: Ipv4Addr,
    },
    /// ICMPv6 type 135.
    NeighborSolicitation {
        /// The address asked for.
        target: Ipv6Addr,
    },
    /// ICMPv6 type 136.
    NeighborAdvertisement {
        /// The address told about.
        target: Ipv6Addr,
        /// The flags octet: 0x80 router, 0x40 solicited, 0x20 override.
        flags: u8,
        /// The target link-layer address option.
        target_mac: Option<MacAddr>,
    },
    /// ICMPv6 type 134.
    RouterAdvertisement {
        /// The router's address.
        source: Ipv6Addr,
        /// Router lifetime in seconds.
        lifetime_s: u16,
    },
    /// A probe on its way to the upstream host.
    Probe {
        /// Number of the host that sent it.
        host: u8,
        /// Its sequence number.
        sequence: u64,
    },
    /// Anything else that the capture lets through.
    Other,
}

/// What a VRRP advertisement says, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// Of the IP packet.
    pub family: Family,
    /// 2 or 3.
    pub version: u8,
    /// Virtual router identifier.
    pub vrid: u8,
    /// 0 when resigning.
    pub priority: u8,
    /// The advertised interval.
    pub interval: Duration,
    /// IP source address.
    pub source: IpAddr,
}

impl Kind {
    /// Reads a frame.
    #[must_use]
    pub fn of(frame: &[u8]) -> Self {
        read(frame).unwrap_or(Self::Other)
    }

    /// The advertisement, if it is one.
    #[must_use]
    pub const fn advertisement(&self) -> Option<&Advertisement> {
        if let Self::Advertisement(advertisement) = self { Some(advertisement) } else { None }
    }

    /// The HSRP message, if it is one.
    #[must_use]
    pub const fn hsrp(&self) -> Option<&HsrpMessage> {
        if let Self::Hsrp(message) = self { Some(message) } else { None }
    }

    /// The GLBP packet, if it is one.
    #[must_use]
    pub const fn glbp(&self) -> Option<&GlbpPacket> {
        if let Self::Glbp(packet) = self { Some(packet) } else { None }
    }

    /// Whether the frame announces, unasked, who has `address`: a gratuitous ARP or an unsolicited neighbour
    /// advertisement.
    #[must_use]
    pub fn announces(&self, address: IpAddr) -> bool {
        if let Self::Arp { operation, sender, target, .. } = *self {
            return IpAddr::V4(sender) == address && (target == sender || operation == 2);
        }
        if let Self::NeighborAdvertisement { target, flags, .. } = *self {
            return IpAddr::V6(target) == address && flags & 0x40 == 0;
        }
        false
    }
}

fn array<const N: usize>(octets: &[u8], at: usize) -> Option<[u8; N]> {
    octets.get(at..)?.first_chunk().copied()
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    array(octets, at).map(u16::from_be_bytes)
}

pub(crate) fn destination_of(frame: &[u8]) -> MacAddr {
    MacAddr(array(frame, 0).unwrap_or_default())
}

pub(crate) fn source_of(frame: &[u8]) -> MacAddr {
    MacAddr(array(frame, 6).unwrap_or_default())
}

fn read(frame: &[u8]) -> Option<Kind> {
    let rest = frame.get(14..)?;
    match u16_at(frame, 12)? {
        0x0806 => read_arp(rest),
        0x0800 => {
            let header = usize::from(rest.first()? & 0xf) * 4;
            let source = Ipv4Addr::from(array::<4>(rest, 12)?);
            read_payload(*rest.get(9)?, source.into(), rest.get(header..)?)
        }
        0x86dd => {
            let source = Ipv6Addr::from(array::<16>(rest, 8)?);
            read_payload(*rest.get(6)?, source.into(), rest.get(40..)?)
        }
        _ => None,
    }
}

fn read_arp(arp: &[u8]) -> Option<Kind> {
    Some(Kind::Arp {
        operation: u16_at(arp, 6)?,
        sender_mac: MacAddr(array(arp, 8)?),
        sender: array::<4>(arp, 14)?.into(),
        target: array::<4>(arp, 24)?.into(),
    })
}

fn read_payload(protocol: u8, source: IpAddr, payload: &[u8]) -> Option<Kind> {
    match (protocol, source) {
        (112, _) => read_advertisement(source, payload),
        (58, IpAddr::V6(source)) => read_icmpv6(source, payload),
        (17, _) => read_datagram(source, payload),
        _ => None,
    }
}

fn read_advertisement(source: IpAddr, payload: &[u8]) -> Option<Kind> {
    let [first, vrid, priority, _, high, low] = array(payload, 0)?;
    let version = first >> 4;
    let interval = match version {
        2 => Duration::from_secs(u64::from(low)),
        3 => Duration::from_millis(u64::from(u16::from_be_bytes([high & 0x0f, low])) * 10),
        _ => return None,
    };
    let family = Family::of(&source);
    Some(Kind::Advertisement(Advertisement { family, version, vrid, priority, interval, source }))
}

fn read_icmpv6(source: Ipv6Addr, payload: &[u8]) -> Option<Kind> {
    let target = || array::<16>(payload, 8).map(Ipv6Addr::from);
    match payload.first()? {
        134 => Some(Kind::RouterAdvertisement { source, lifetime_s: u16_at(payload, 6)? }),
        135 => Some(Kind::NeighborSolicitation { target: target()? }),
        136 => {
            let option: Option<[u8; 8]> = array(payload, 24);
            let target_mac = option.and_then(|option| match option {
                [2, 1, a, b, c, d, e, f] => Some(MacAddr([a, b, c, d, e, f])),
                _ => None,
            });
            Some(Kind::NeighborAdvertisement { target: target()?, flags: *payload.get(4)?, target_mac })
        }
        _ => None,
    }
}

fn read_datagram(source: IpAddr, udp: &[u8]) -> Option<Kind> {
    // What the frame holds behind the datagram is padding.
    let payload = udp.get(8..usize::from(u16_at(udp, 4)?).min(udp.len()))?;
    match u16_at(udp, 2)? {
        hsrp::PORT_V4 | hsrp::PORT_V6 => hsrp::read(source, payload),
        glbp::PORT => glbp::read(source, payload).map(Kind::Glbp),
        port => read_probe(port, payload),
    }
}

fn read_probe(port: u16, payload: &[u8]) -> Option<Kind> {
    let host = u8::try_from(port.checked_sub(PROBE_PORT)?).ok()?;
    let (sequence, _) = read_probe_payload(payload)?;
    Some(Kind::Probe { host, sequence })
}

/// A probe's sequence number and time of sending.
pub(crate) fn read_probe_payload(payload: &[u8]) -> Option<(u64, Stamp)> {
    let sequence = u64::from_be_bytes(array(payload, 0)?);
    Some((sequence, Stamp::from_nanos(u64::from_be_bytes(array(payload, 8)?))))
}

pub(crate) fn probe_payload(sequence: u64, sent: Stamp) -> [u8; 16] {
    let mut payload = [0; 16];
    let (first, second) = payload.split_at_mut(8);
    first.copy_from_slice(&sequence.to_be_bytes());
    second.copy_from_slice(&sent.as_nanos().to_be_bytes());
    payload
}

/// A broadcast ARP request, padded to Ethernet's minimum.
#[must_use]
pub fn arp_request(source_mac: MacAddr, source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let mut frame = ethernet(MacAddr::BROADCAST, source_mac, 0x0806);
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]);
    frame.extend(source_mac.octets());
    frame.extend(source.octets());
    frame.extend([0; 6]);
    frame.extend(target.octets());
    frame.resize(60, 0);
    frame
}

/// A neighbour solicitation to the target's solicited-node group (RFC 4861 §4.3).
#[must_use]
pub fn neighbor_solicitation(source_mac: MacAddr, source: Ipv6Addr, target: Ipv6Addr) -> Vec<u8> {
    let [.., a, b, c] = target.octets();
    let destination = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from_be_bytes([b, c]));
    let mut body = vec![135, 0, 0, 0, 0, 0, 0, 0];
    body.extend(target.octets());
    body.extend([1, 1]);
    body.extend(source_mac.octets());
    icmpv6((source_mac, MacAddr([0x33, 0x33, 0xff, a, b, c])), (source, destination), &body)
}

/// Tells all hosts unasked that `address` is at `mac`: by an ARP reply (RFC 5227 §3) or a neighbour advertisement
/// (RFC 4861 §7.2.6).
#[must_use]
pub fn address_announcement(mac: MacAddr, address: IpAddr) -> Vec<u8> {
    const REPLY: [u8; 2] = [0, 2];
    const OVERRIDES: u8 = 0x20;
    match address {
        IpAddr::V4(address) => {
            let mut frame = arp_request(mac, address, address);
            frame.splice(20..22, REPLY);
            frame
        }
        IpAddr::V6(address) => {
            let mut body = vec![136, 0, 0, 0, OVERRIDES, 0, 0, 0];
            body.extend(address.octets());
            body.extend([2, 1]);
            body.extend(mac.octets());
            let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
            icmpv6((mac, MacAddr([0x33, 0x33, 0, 0, 0, 1])), (address, all_nodes), &body)
        }
    }
}

/// An ICMPv6 message from the link; `body` is as long as one with an Ethernet address, and its checksum field zero.
fn icmpv6(
    (source_mac, destination_mac): (MacAddr, MacAddr),
    (source, destination): (Ipv6Addr, Ipv6Addr),
    body: &[u8],
) -> Vec<u8> {
    let mut frame = ethernet(destination_mac, source_mac, 0x86dd);
    frame.extend([0x60, 0, 0, 0, 0, 32, 58, 255]);
    frame.extend(source.octets());
    frame.extend(destination.octets());
    frame.extend(body.iter().take(2));
    frame.extend(icmpv6_checksum(source, destination, body).to_be_bytes());
    frame.extend(body.iter().skip(4));
    frame
}

/// The 14 octets in front of every packet.
#[must_use]
pub fn ethernet(destination: MacAddr, source: MacAddr, ethertype: u16) -> Vec<u8> {
    let mut frame = Vec::with_capacity(128);
    frame.extend(destination.octets());
    frame.extend(source.octets());
    frame.extend(ethertype.to_be_bytes());
    frame
}

/// RFC 8200 §8.1; `body` has an even length and a zero checksum field.
fn icmpv6_checksum(source: Ipv6Addr, destination: Ipv6Addr, body: &[u8]) -> u16 {
    let length = u32::try_from(body.len()).unwrap_or(0);
    let words = source.segments().into_iter().chain(destination.segments()).map(u32::from);
    complement(words.chain(words_of(body)).sum::<u32>() + length + 58)
}

/// The same UDP datagram over IPv4, but to another destination: addresses and checksums are new, all else is as it
/// was. `None` if the frame is none.
pub(crate) fn redirected(frame: &[u8], mac: MacAddr, to: Ipv4Addr) -> Option<Vec<u8>> {
    const IP: usize = 14;
    let header_length = usize::from(frame.get(IP)? & 0xf) * 4;
    let total = usize::from(u16_at(frame, IP + 2)?);
    if u16_at(frame, 12)? != 0x0800 || frame.get(IP + 9)? != &17 {
        return None;
    }
    let mut redirected = frame.to_vec();
    redirected.get_mut(..6)?.copy_from_slice(&mac.octets());
    redirected.get_mut(IP + 10..IP + 12)?.fill(0);
    redirected.get_mut(IP + 16..IP + 20)?.copy_from_slice(&to.octets());
    let header = words_of(redirected.get(IP..IP + header_length)?).sum();
    redirected.get_mut(IP + 10..IP + 12)?.copy_from_slice(&complement(header).to_be_bytes());
    let udp = IP + header_length;
    redirected.get_mut(udp + 6..udp + 8)?.fill(0);
    let pseudo = words_of(redirected.get(IP + 12..IP + 20)?).sum::<u32>() + 17;
    let datagram = redirected.get(udp..IP + total)?;
    let length = u32::try_from(datagram.len()).ok()?;
    // Zero would say that there is none (RFC 768).
    let checksum = match complement(pseudo + length + words_of(datagram).sum::<u32>()) {
        0 => 0xffff,
        checksum => checksum,
    };
    redirected.get_mut(udp + 6..udp + 8)?.copy_from_slice(&checksum.to_be_bytes());
    Some(redirected)
}

/// The frame with the lengths and the header checksum that fit its octets; a UDP checksum over IPv4 is left out. `None`
/// if it is none of IP.
pub(crate) fn reheadered(frame: &[u8]) -> Option<Vec<u8>> {
    const IP: usize = 14;
    let mut fitted = frame.to_vec();
    let put = |fitted: &mut Vec<u8>, at: usize, value: usize| {
        let value = u16::try_from(value).ok()?.to_be_bytes();
        fitted.get_mut(at..at + 2).map(|place| place.copy_from_slice(&value))
    };
    let (header, protocol) = match u16_at(frame, 12)? {
        0x0800 => (usize::from(frame.get(IP)? & 0xf) * 4, *frame.get(IP + 9)?),
        0x86dd => (40, *frame.get(IP + 6)?),
        _ => return None,
    };
    let payload = frame.len().checked_sub(IP + header)?;
    if protocol == 17 {
        put(&mut fitted, IP + header + 4, payload)?;
    }
    if header == 40 {
        put(&mut fitted, IP + 4, payload)?;
        return Some(fitted);
    }
    if protocol == 17 {
        put(&mut fitted, IP + header + 6, 0)?;
    }
    put(&mut fitted, IP + 2, header + payload)?;
    put(&mut fitted, IP + 10, 0)?;
    let checksum = complement(words_of(fitted.get(IP..IP + header)?).sum());
    put(&mut fitted, IP + 10, checksum.into())?;
    Some(fitted)
}

/// Its 16-bit words; an odd octet at the end is the first of a word.
fn words_of(octets: &[u8]) -> impl Iterator<Item = u32> + '_ {
    octets.chunks(2).map(|pair| match *pair {
        [high, low] => u32::from(u16::from_be_bytes([high, low])),
        [high] => u32::from(high) << 8,
        _ => 0,
    })
}

/// One's complement of the one's complement sum (RFC 1071).
fn complement(mut sum: u32) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(0)
}

#[cfg(test)]
mod tests;
