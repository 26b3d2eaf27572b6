//! From a captured packet to what the daemon's codec makes of it.

use std::net::IpAddr;

use fhrp::Protocol;
use fhrp_wire::Family;
use fhrp_wire::envelope::udp::{self, Datagram};
use fhrp_wire::envelope::{self, EnvelopeError, Packet};
use fhrp_wire::hsrp::{self, Variant};
use fhrp_wire::{glbp, vrrp};
use serde::Serialize;

use super::capture::{Captured, Link};
use super::{GlbpFields, HsrpFields, InterfaceStateFields, Key, VrrpFields};

/// What one frame of a protocol of ours says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fields {
    /// Who sent it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<IpAddr>,
    /// To whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<IpAddr>,
    /// The sender's MAC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_mac: Option<String>,
    /// The VLAN that it came on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vlan: Option<u16>,
    /// The message.
    #[serde(flatten)]
    pub said: Said,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Said {
    /// VRRP.
    Vrrp(VrrpFields),
    /// HSRP, about a group.
    Hsrp(HsrpFields),
    /// HSRP, about an interface.
    HsrpInterface(InterfaceStateFields),
    /// GLBP.
    Glbp(GlbpFields),
}

impl Said {
    /// Without anything around it.
    pub(super) fn alone(self) -> Fields {
        Fields { source: None, destination: None, source_mac: None, vlan: None, said: self }
    }
}

impl From<super::hsrp::Decoded> for Said {
    fn from(decoded: super::hsrp::Decoded) -> Self {
        match decoded {
            super::hsrp::Decoded::Group(fields) => Self::Hsrp(fields),
            super::hsrp::Decoded::Interface(fields) => Self::HsrpInterface(fields),
        }
    }
}

/// A frame that breaks a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
    /// Of which protocol.
    pub protocol: Protocol,
    /// The rule.
    pub error: String,
    /// Who sent it, as far as can be read.
    pub source: Option<IpAddr>,
    /// To whom.
    pub destination: Option<IpAddr>,
}

/// What became of one frame; `None` for one of a protocol that is not ours.
pub(super) type Decoded = Option<Result<Fields, Malformed>>;

/// Decodes one packet.
pub(super) fn decode(captured: &Captured<'_>, key: Option<&Key>) -> Decoded {
    match captured.link {
        Link::Ethernet => decode_ethernet(captured.octets, captured.length, key),
        Link::Cooked => {
            let (header, packet) = captured.octets.split_at_checked(16)?;
            decode_rebuilt(header.get(14..16)?, packet, captured.length, key)
        }
        Link::Cooked2 => {
            let (header, packet) = captured.octets.split_at_checked(20)?;
            decode_rebuilt(header.get(..2)?, packet, captured.length, key)
        }
        Link::Ip => decode_rebuilt(ethertype_of(captured.octets)?, captured.octets, captured.length, key),
        Link::Other(_) => None,
    }
}

/// The EtherType of a bare IP packet.
pub(super) fn ethertype_of(packet: &[u8]) -> Option<&'static [u8]> {
    match packet.first()? >> 4 {
        4 => Some(&[0x08, 0x00]),
        6 => Some(&[0x86, 0xdd]),
        _ => None,
    }
}

/// Packets without Ethernet headers get one, so that one parser reads them all.
pub(super) fn decode_rebuilt(ethertype: &[u8], packet: &[u8], length: usize, key: Option<&Key>) -> Decoded {
    let mut frame = vec![0; 12];
    frame.extend_from_slice(ethertype);
    frame.extend_from_slice(packet);
    let decoded = decode_ethernet(&frame, length.max(frame.len()), key);
    decoded.map(|result| result.map(|fields| Fields { source_mac: None, ..fields }))
}

pub(super) fn decode_ethernet(frame: &[u8], length: usize, key: Option<&Key>) -> Decoded {
    let parsed = match envelope::parse(frame) {
        Ok(parsed) => parsed,
        Err(error) => return envelope_error(frame, length, error),
    };
    let (ends, protocol, ttl, payload) = match parsed.packet {
        Packet::Ipv4(ip) => ((ip.source.into(), ip.destination.into()), ip.protocol, ip.ttl, ip.payload),
        Packet::Ipv6(ip) => {
            ((ip.source.into(), ip.destination.into()), ip.next_header, ip.hop_limit, ip.payload)
        }
        Packet::Arp(_) | Packet::Other(_) => return None,
    };
    let (protocol, said) = match protocol {
        vrrp::PROTOCOL_AH if vrrp::authenticates_vrrp(payload) => {
            let why = "VRRP in an authentication header, which is not supported".to_owned();
            (Protocol::Vrrp, Err(why))
        }
        vrrp::PROTOCOL => {
            let said = super::vrrp::decode(ends, ttl, payload, key)?;
            (Protocol::Vrrp, said.map(Said::Vrrp))
        }
        udp::PROTOCOL => decode_udp(&parsed.packet, key)?,
        _ => return None,
    };
    let (source, destination) = (Some(ends.0), Some(ends.1));
    Some(match said {
        Err(error) => Err(Malformed { protocol, error, source, destination }),
        Ok(said) => {
            let source_mac = Some(parsed.source.to_string());
            Ok(Fields { source, destination, source_mac, vlan: parsed.vlan, said })
        }
    })
}

/// The protocol, and what it says or why it cannot be read.
fn decode_udp(packet: &Packet<'_>, key: Option<&Key>) -> Option<(Protocol, Result<Said, String>)> {
    let datagram = match udp::parse(packet) {
        Ok(datagram) => datagram?,
        Err(error) => return Some((of_port(udp::peek_port(packet)?)?, Err(error.to_string()))),
    };
    let protocol = of_port(datagram.destination_port)?;
    let Datagram { source, destination, hop_limit, destination_port, payload, .. } = datagram;
    let said = match (protocol, Variant::of_destination(destination, destination_port)) {
        (Protocol::Hsrp, Some(variant)) => {
            super::hsrp::decode(variant, Some(source), payload, key).map(Said::from)
        }
        (Protocol::Hsrp, None) => Err("HSRP is not sent there".to_owned()),
        // Captured packets all have it, unicast ones too.
        (Protocol::Glbp, _) if hop_limit != glbp::TTL => {
            Err(format!("TTL or hop limit {hop_limit} instead of 255"))
        }
        (Protocol::Glbp | Protocol::Vrrp, _) => {
            super::glbp::decode(Family::of(&source), Some(source), payload, key).map(Said::Glbp)
        }
    };
    Some((protocol, said))
}

/// Whose UDP port it is.
fn of_port(port: u16) -> Option<Protocol> {
    match port {
        hsrp::PORT_V4 | hsrp::PORT_V6 => Some(Protocol::Hsrp),
        glbp::PORT => Some(Protocol::Glbp),
        _ => None,
    }
}

fn envelope_error(frame: &[u8], length: usize, error: EnvelopeError) -> Decoded {
    let protocol = match envelope::peek_protocol(frame)? {
        vrrp::PROTOCOL => Protocol::Vrrp,
        udp::PROTOCOL => of_port(peek_port(frame)?)?,
        _ => return None,
    };
    let captured = frame.len();
    let cut = if captured < length {
        format!(" ({captured} of {length} octets were captured)")
    } else {
        String::new()
    };
    Some(Err(Malformed { protocol, error: format!("{error}{cut}"), source: None, destination: None }))
}

/// The destination port of a UDP datagram in an IP packet that may break any rule.
fn peek_port(frame: &[u8]) -> Option<u16> {
    const TAG: usize = 4;
    let ethertype = |at: usize| frame.get(at..)?.first_chunk::<2>();
    let tagged = |at: &usize| matches!(ethertype(*at), Some([0x81, 0x00] | [0x88, 0xa8]));
    let at = [12, 12 + TAG, 12 + 2 * TAG].into_iter().find(|at| !tagged(at))?;
    let header = match ethertype(at)? {
        [0x08, 0x00] => usize::from(frame.get(at + 2)? & 0x0f) * 4,
        [0x86, 0xdd] => 40,
        _ => return None,
    };
    frame.get(at + 2 + header + 2..)?.first_chunk().map(|port| u16::from_be_bytes(*port))
}
