//! What GLBP says.

use std::net::IpAddr;

use fhrp_wire::Family;
use fhrp_wire::glbp::{
    self, AuthData, AuthText, Body, Forwarder, Hello, Nonces, Opcode, Parsed, VfState, VgState, virtual_mac,
};
use serde::Serialize;

use super::Key;
use crate::report::millis;

/// A packet.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GlbpFields {
    /// Which group.
    pub group: u16,
    /// `announcement`, `request` or `response`.
    pub opcode: &'static str,
    /// The MAC of the sender's interface, which names it.
    pub owner: String,
    /// What it says about its gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayFields>,
    /// What it says about forwarders.
    pub forwarders: Vec<ForwarderFields>,
    /// A response: the number of the forwarder that the receiver owns from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned: Option<u8>,
    /// How the sender authenticates; a text is not shown.
    pub authentication: String,
    /// Whether that was done with the given key, where one was given that applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
    /// What protects a digest against being sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonces: Option<NonceFields>,
}

/// A router's part in the election of the AVG.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GatewayFields {
    /// `listen`, `speak`, `standby` or `active`.
    pub state: &'static str,
    /// 0 resigns.
    pub priority: u8,
    /// Its hello time.
    pub hello_time_ms: f64,
    /// Its hold time.
    pub hold_time_ms: f64,
    /// How long the MAC of a forwarder without owner is handed out.
    pub redirect_seconds: u16,
    /// How long a forwarder lives without owner.
    pub timeout_seconds: u16,
    /// The virtual address.
    pub address: IpAddr,
}

/// A router's part in one virtual forwarder.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ForwarderFields {
    /// 1 to 4.
    pub number: u8,
    /// Its virtual MAC.
    pub mac: String,
    /// `listen` or `active`.
    pub state: &'static str,
    /// How the sender ranks.
    pub priority: u8,
    /// Whether the sender owns the virtual MAC.
    pub primary: bool,
    /// Whether its weight lets it forward.
    pub eligible: bool,
    /// Whether it gives the virtual MAC up.
    pub resigning: bool,
    /// Its weight.
    pub weight: u8,
    /// What is left of the timeout.
    pub timeout_left_seconds: u16,
    /// What is left of the redirect time.
    pub redirect_left_seconds: u16,
}

/// The list of nonces.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NonceFields {
    /// How often the sender has renewed its own.
    pub sequence: u8,
    /// Its own.
    pub own: u32,
    /// Those that it has heard.
    pub peers: Vec<PeerNonceFields>,
}

/// A nonce heard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerNonceFields {
    /// Whose.
    pub owner: String,
    /// Which.
    pub nonce: u32,
}

/// Reads a payload in a packet of `family`; `source` is `None` without an IP header, and then no digest can be checked.
pub(super) fn decode(
    family: Family,
    source: Option<IpAddr>,
    payload: &[u8],
    key: Option<&Key>,
) -> Result<GlbpFields, String> {
    let parsed = glbp::parse(family, payload).map_err(|error| error.to_string())?;
    let packet = &parsed.packet;
    let mut fields = GlbpFields {
        group: packet.group().get(),
        opcode: match packet.opcode() {
            Opcode::Announcement => "announcement",
            Opcode::Request => "request",
            Opcode::Response => "response",
        },
        owner: packet.owner().to_string(),
        gateway: None,
        forwarders: Vec::new(),
        assigned: None,
        authentication: authentication(&parsed.auth),
        verified: verified(&parsed, source, key),
        nonces: nonces(&parsed.auth),
    };
    match packet.body() {
        Body::Announcement { hello, forwarders } => {
            fields.gateway = hello.as_ref().map(gateway);
            let forwarder =
                |it: Forwarder| forwarder(&it, virtual_mac(packet.group(), it.number).to_string());
            fields.forwarders = forwarders.iter().map(forwarder).collect();
        }
        Body::Request => {}
        Body::Response(number) => fields.assigned = Some(number.get()),
    }
    Ok(fields)
}

fn gateway(hello: &Hello) -> GatewayFields {
    let timers = hello.timers();
    GatewayFields {
        state: match hello.state() {
            VgState::Listen => "listen",
            VgState::Speak => "speak",
            VgState::Standby => "standby",
            VgState::Active => "active",
        },
        priority: hello.priority(),
        hello_time_ms: millis(timers.hello().to_duration()),
        hold_time_ms: millis(timers.hold().to_duration()),
        redirect_seconds: timers.redirect().get(),
        timeout_seconds: timers.timeout().get(),
        address: hello.address(),
    }
}

fn forwarder(forwarder: &Forwarder, mac: String) -> ForwarderFields {
    ForwarderFields {
        number: forwarder.number.get(),
        mac,
        state: match forwarder.state {
            VfState::Listen => "listen",
            VfState::Active => "active",
        },
        priority: forwarder.priority.0,
        primary: forwarder.priority.is_primary(),
        eligible: forwarder.priority.is_eligible(),
        resigning: forwarder.priority.is_resigning(),
        weight: forwarder.weight,
        timeout_left_seconds: forwarder.timeout_left.get(),
        redirect_left_seconds: forwarder.redirect_left.get(),
    }
}

fn authentication(auth: &AuthData<'_>) -> String {
    match auth {
        AuthData::None => "none".to_owned(),
        AuthData::Text(_) => "text".to_owned(),
        AuthData::Md5 { key_id: None, .. } => "md5".to_owned(),
        AuthData::Md5 { key_id: Some(id), .. } => format!("md5 key {id}"),
    }
}

fn verified(parsed: &Parsed<'_>, source: Option<IpAddr>, key: Option<&Key>) -> Option<bool> {
    match &parsed.auth {
        AuthData::None => None,
        AuthData::Text(_) => {
            let text = AuthText::new(key?.text()?).ok()?;
            Some(parsed.verify_text(&text))
        }
        AuthData::Md5 { key_id, .. } => {
            let key = key?;
            let octets = key_id.map_or(Some(&key.octets), |id| key.for_id(id))?;
            Some(parsed.verify_md5(octets, source?))
        }
    }
}

fn nonces(auth: &AuthData<'_>) -> Option<NonceFields> {
    let nonces: &Nonces<'_> = match auth {
        AuthData::None | AuthData::Text(_) => return None,
        AuthData::Md5 { nonces, .. } => nonces.as_ref()?,
    };
    let peers = nonces.peers.iter();
    Some(NonceFields {
        sequence: nonces.sequence.0,
        own: nonces.own.0,
        peers: peers
            .map(|peer| PeerNonceFields { owner: peer.owner.to_string(), nonce: peer.nonce.0 })
            .collect(),
    })
}
