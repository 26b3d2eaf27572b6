//! What VRRP says.

use std::net::IpAddr;

use fhrp_wire::vrrp::{self, Advertisement, AuthData, Body, ChecksumSeen, DecodeError, Parsed};
use serde::Serialize;

use super::Key;

/// An advertisement.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VrrpFields {
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
    /// Whether that was done with the given key, where one was given that applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// Reads a message in a packet with this TTL; `None` if it is CARP's.
pub(super) fn decode(
    (source, destination): (IpAddr, IpAddr),
    ttl: u8,
    payload: &[u8],
    key: Option<&Key>,
) -> Option<Result<VrrpFields, String>> {
    Some(match vrrp::parse(source, destination, payload) {
        Err(DecodeError::Carp) => return None,
        Err(error) => Err(error.to_string()),
        // RFC 9568 §5.1.1.3, §5.1.2.3: such a packet is discarded, whatever it says.
        Ok(_) if ttl != vrrp::TTL => Err(format!("TTL or hop limit {ttl} instead of 255")),
        Ok(parsed) => Ok(fields(&parsed, Some(source), key)),
    })
}

/// What a message says; `source` is `None` without an IP header.
pub(super) fn fields(
    Parsed { advertisement, checksum }: &Parsed<'_>,
    source: Option<IpAddr>,
    key: Option<&Key>,
) -> VrrpFields {
    VrrpFields {
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
        verified: verified(advertisement, source, key),
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

/// Without an IP header the address beside the digest has to be believed.
fn verified(advertisement: &Advertisement<'_>, source: Option<IpAddr>, key: Option<&Key>) -> Option<bool> {
    let auth = match advertisement.body() {
        Body::V3 { .. } => return None,
        Body::V2 { auth, .. } => auth,
    };
    match auth {
        AuthData::None | AuthData::Unknown(_) => None,
        AuthData::Text(_) => Some(advertisement.verify_text(&key?.text_of_eight()?)),
        AuthData::CiscoMd5 { source: claimed, key_id, .. } => {
            let source = source.unwrap_or(IpAddr::V4(*claimed));
            Some(advertisement.verify_md5(key?.for_id(*key_id)?, source))
        }
    }
}
