//! What HSRP says.

use std::net::IpAddr;

use fhrp_wire::hsrp::{
    self, Auth, InterfaceActivity, InterfaceState, Message, Opcode, Parsed, Received, State, TimersSeen,
    Variant, default_text,
};
use serde::Serialize;

use super::Key;
use crate::report::millis;

/// A message about a group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HsrpFields {
    /// 1 or 2.
    pub version: u8,
    /// Which group.
    pub group: u16,
    /// `hello`, `coup` or `resign`.
    pub opcode: &'static str,
    /// The state that the sender says.
    pub state: &'static str,
    /// Its priority.
    pub priority: u8,
    /// The priority as sent, where it was above 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_priority: Option<u32>,
    /// Its hello time, where it sends one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hello_time_ms: Option<f64>,
    /// Its hold time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_time_ms: Option<f64>,
    /// What is wrong with its timers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timers: Option<&'static str>,
    /// The virtual address, where it knows one.
    pub address: Option<IpAddr>,
    /// Version 2: the MAC of its interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// How it authenticates; a text is not shown.
    pub authentication: String,
    /// Whether that was done with the given key, where one was given that applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// A message about an interface: Advertise in version 1, Interface State in version 2.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InterfaceStateFields {
    /// 1 or 2.
    pub version: u8,
    /// `advertise` or `interface-state`.
    pub opcode: &'static str,
    /// Version 1: `dormant`, `passive` or `active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub activity: Option<&'static str>,
    /// Groups in which the sender is Active.
    pub active_groups: u16,
    /// Its other groups.
    pub passive_groups: u16,
}

/// What a payload says.
pub(super) enum Decoded {
    Group(HsrpFields),
    Interface(InterfaceStateFields),
}

/// Reads a payload; `source` is `None` without an IP header.
pub(super) fn decode(
    variant: Variant,
    source: Option<IpAddr>,
    payload: &[u8],
    key: Option<&Key>,
) -> Result<Decoded, String> {
    match hsrp::parse(variant, payload).map_err(|error| error.to_string())? {
        Parsed::Message(received) => Ok(Decoded::Group(fields(&received, source, key))),
        Parsed::InterfaceState(state) => Ok(Decoded::Interface(interface_fields(state))),
    }
}

fn fields(received: &Received<'_>, source: Option<IpAddr>, key: Option<&Key>) -> HsrpFields {
    let (message, remarks): (&Message, _) = (received.message(), received.remarks());
    HsrpFields {
        version: message.group().variant().version().get(),
        group: message.group().number(),
        opcode: match message.opcode() {
            Opcode::Hello => "hello",
            Opcode::Coup => "coup",
            Opcode::Resign => "resign",
        },
        state: state(message.state()),
        priority: message.priority(),
        sent_priority: remarks.clamped_priority,
        hello_time_ms: message.timers().map(|timers| millis(timers.hello())),
        hold_time_ms: message.timers().map(|timers| millis(timers.hold())),
        timers: match remarks.timers {
            TimersSeen::AsSent => None,
            TimersSeen::HoldTooShort => Some("the hold time was not longer than the hello time"),
            TimersSeen::HelloZero => Some("the hello time was 0"),
        },
        address: message.address(),
        identifier: message.identifier().map(|mac| mac.to_string()),
        authentication: authentication(received),
        verified: verified(received, source, key),
    }
}

fn state(state: State) -> &'static str {
    match state {
        State::Disabled => "disabled",
        State::Initial => "initial",
        State::Learn => "learn",
        State::Listen => "listen",
        State::Speak => "speak",
        State::Standby => "standby",
        State::Active => "active",
    }
}

fn authentication(received: &Received<'_>) -> String {
    match received.auth() {
        Auth::None => "none".to_owned(),
        Auth::Text(_) if received.verify_text(&default_text()) => "default text".to_owned(),
        Auth::Text(_) => "text".to_owned(),
        Auth::Md5 { key_id, .. } => format!("md5 key {key_id}"),
    }
}

/// Without an IP header the address in the MD5 block has to be believed.
fn verified(received: &Received<'_>, source: Option<IpAddr>, key: Option<&Key>) -> Option<bool> {
    match received.auth() {
        Auth::None => None,
        Auth::Text(_) => Some(received.verify_text(&key?.text_of_eight()?)),
        Auth::Md5 { key_id, address, .. } => {
            let source = source.unwrap_or(IpAddr::V4(*address));
            Some(received.verify_md5(key?.for_id(*key_id)?, source))
        }
    }
}

fn interface_fields(state: InterfaceState) -> InterfaceStateFields {
    match state {
        InterfaceState::V1 { activity, active, passive } => InterfaceStateFields {
            version: 1,
            opcode: "advertise",
            activity: Some(match activity {
                InterfaceActivity::Dormant => "dormant",
                InterfaceActivity::Passive => "passive",
                InterfaceActivity::Active => "active",
            }),
            active_groups: active,
            passive_groups: passive,
        },
        InterfaceState::V2 { active, passive } => InterfaceStateFields {
            version: 2,
            opcode: "interface-state",
            activity: None,
            active_groups: active,
            passive_groups: passive,
        },
    }
}
