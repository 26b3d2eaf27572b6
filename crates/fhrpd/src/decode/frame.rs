//! From a captured packet to what the daemon's codec makes of it.

use std::net::IpAddr;

use fhrp_wire::envelope::{self, EnvelopeError, Packet};
use fhrp_wire::vrrp::{self, Advertisement, AuthData, Body, ChecksumSeen, DecodeError, Parsed};
use serde::Serialize;

use super::capture::{Captured, Link};

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
    /// Protocol version.
    pub version: u8,
    /// The Virtual Router.
    pub vrid: u8,
    /// 0 resigns, 255 owns.
    pub priority: u8,
    /// The sender's interval.
    pub advertisement_interval_ms: f64,
    /// The virtual addresses.
    pub addresses: Vec<IpAddr>,
    /// What the checksum covers.
    pub checksum: &'static str,
    /// Version 2: how the sender authenticates; the text of a password is not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authentication: Option<String>,
}

/// A frame that breaks a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Malformed {
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
pub(super) fn decode(captured: &Captured<'_>) -> Decoded {
    match captured.link {
        Link::Ethernet => decode_ethernet(captured.octets, captured.length),
        Link::Cooked => {
            let (header, packet) = captured.octets.split_at_checked(16)?;
            decode_rebuilt(header.get(14..16)?, packet, captured.length)
        }
        Link::Cooked2 => {
            let (header, packet) = captured.octets.split_at_checked(20)?;
            decode_rebuilt(header.get(..2)?, packet, captured.length)
        }
        Link::Ip => decode_rebuilt(ethertype_of(captured.octets)?, captured.octets, captured.length),
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
fn decode_rebuilt(ethertype: &[u8], packet: &[u8], length: usize) -> Decoded {
    let mut frame = vec![0; 12];
    frame.extend_from_slice(ethertype);
    frame.extend_from_slice(packet);
    let decoded = decode_ethernet(&frame, length.max(frame.len()));
    decoded.map(|result| result.map(|fields| Fields { source_mac: None, ..fields }))
}

pub(super) fn decode_ethernet(frame: &[u8], length: usize) -> Decoded {
    let parsed = match envelope::parse(frame) {
        Ok(parsed) => parsed,
        Err(error) => return envelope_error(frame, length, error),
    };
    let (source, destination, protocol, ttl, payload) = match parsed.packet {
        Packet::Ipv4(ip) => {
            (IpAddr::V4(ip.source), IpAddr::V4(ip.destination), ip.protocol, ip.ttl, ip.payload)
        }
        Packet::Ipv6(ip) => {
            (IpAddr::V6(ip.source), IpAddr::V6(ip.destination), ip.next_header, ip.hop_limit, ip.payload)
        }
        Packet::Arp(_) | Packet::Other(_) => return None,
    };
    let malformed = |error: String| Malformed { error, source: Some(source), destination: Some(destination) };
    if protocol == vrrp::PROTOCOL_AH && vrrp::authenticates_vrrp(payload) {
        return Some(Err(malformed("VRRP in an authentication header, which is not supported".to_owned())));
    }
    if protocol != vrrp::PROTOCOL {
        return None;
    }
    let decoded = match vrrp::parse(source, destination, payload) {
        Err(DecodeError::Carp) => return None,
        Err(error) => Err(malformed(error.to_string())),
        // RFC 9568 §5.1.1.3, §5.1.2.3: such a packet is discarded, whatever it says.
        Ok(_) if ttl != vrrp::TTL => Err(malformed(format!("TTL or hop limit {ttl} instead of 255"))),
        Ok(advertisement) => Ok(Fields {
            source: Some(source),
            destination: Some(destination),
            source_mac: Some(parsed.source.to_string()),
            vlan: parsed.vlan,
            ..fields(&advertisement)
        }),
    };
    Some(decoded)
}

fn envelope_error(frame: &[u8], length: usize, error: EnvelopeError) -> Decoded {
    if envelope::peek_protocol(frame) != Some(vrrp::PROTOCOL) {
        return None;
    }
    let captured = frame.len();
    let cut = if captured < length {
        format!(" ({captured} of {length} octets were captured)")
    } else {
        String::new()
    };
    Some(Err(Malformed { error: format!("{error}{cut}"), source: None, destination: None }))
}

/// What a message says by itself.
pub(super) fn fields(Parsed { advertisement, checksum }: &Parsed<'_>) -> Fields {
    Fields {
        source: None,
        destination: None,
        source_mac: None,
        vlan: None,
        version: advertisement.version().get(),
        vrid: advertisement.vrid().get(),
        priority: advertisement.priority(),
        advertisement_interval_ms: crate::report::millis(advertisement.interval()),
        addresses: advertisement.addresses().iter().collect(),
        checksum: match checksum {
            ChecksumSeen::Rfc9568 => "rfc9568",
            ChecksumSeen::Rfc5798 => "rfc5798",
            ChecksumSeen::Either => "either",
            ChecksumSeen::OnlyForm => "valid",
        },
        authentication: authentication(advertisement),
    }
}

fn authentication(advertisement: &Advertisement<'_>) -> Option<String> {
    match advertisement.body() {
        Body::V3 { .. } => None,
        Body::V2 { auth, .. } => Some(match auth {
            AuthData::None => "none".to_owned(),
            AuthData::Text(_) => "text".to_owned(),
            AuthData::CiscoMd5 { key_id, .. } => format!("cisco-md5 key {key_id}"),
            AuthData::Unknown(number) => format!("type {number}"),
        }),
    }
}
