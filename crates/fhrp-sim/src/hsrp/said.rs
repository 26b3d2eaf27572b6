//! What a frame says, read with the codec that has its own tests; and frames that must not count.

use std::net::IpAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fhrp::{HsrpAuthentication, HsrpSettings};
use fhrp_wire::envelope::{self, udp};
use fhrp_wire::hsrp::{
    self, Credentials, Group, Message, Opcode, Origin, Parsed, Parts, Received, State, TextKey, Timers,
    Variant, Version,
};
use fhrp_wire::{Family, MacAddr};

use super::contest::Claimed;
use super::variant;
use crate::group::GroupPlan;

/// A message about a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) source: IpAddr,
    pub(crate) version: Version,
    pub(crate) number: u16,
    pub(crate) opcode: Opcode,
    pub(crate) state: State,
    pub(crate) priority: u8,
    /// Hello and hold time, where the sender can say them.
    pub(crate) timers: Option<(Duration, Duration)>,
    /// Whether it says an address that a router without one could use.
    pub(crate) usable_address: bool,
    /// The payload, for its authentication.
    payload: Bytes,
    variant: Variant,
}

impl Said {
    pub(crate) fn ipv6(&self) -> bool {
        self.source.is_ipv6()
    }

    pub(crate) fn is_hello(&self) -> bool {
        self.opcode == Opcode::Hello
    }

    pub(crate) fn claims(&self) -> bool {
        self.is_hello() && self.state == State::Active
    }

    pub(crate) fn coups(&self) -> bool {
        self.opcode == Opcode::Coup
    }

    pub(crate) fn stands_for_standby(&self) -> bool {
        self.is_hello() && matches!(self.state, State::Speak | State::Standby)
    }

    pub(crate) fn resigns(&self) -> bool {
        self.opcode == Opcode::Resign
    }

    pub(super) fn claimed(&self) -> Claimed {
        match self.state {
            State::Active => Claimed::Active,
            State::Standby => Claimed::Standby,
            State::Speak => Claimed::Speak,
            State::Disabled | State::Initial | State::Learn | State::Listen => Claimed::Nothing,
        }
    }
}

/// The message in a frame, if there is one about a group.
pub(crate) fn message_in(frame: &[u8]) -> Option<Said> {
    let parsed = envelope::parse(frame).ok()?;
    let datagram = udp::parse(&parsed.packet).ok()??;
    let variant = Variant::of_destination(datagram.destination, datagram.destination_port)?;
    let received = received(variant, datagram.payload)?;
    let message = received.message();
    let usable = |address: IpAddr| match address {
        IpAddr::V4(address) => matches!(address.octets(), [1..=126 | 128..=223, ..]),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    };
    Some(Said {
        source: datagram.source,
        version: variant.version(),
        number: message.group().number(),
        opcode: message.opcode(),
        state: message.state(),
        priority: message.priority(),
        timers: message.timers().map(|timers| (timers.hello(), timers.hold())),
        usable_address: message.address().is_some_and(usable),
        payload: Bytes::copy_from_slice(datagram.payload),
        variant,
    })
}

fn received(variant: Variant, payload: &[u8]) -> Option<Received<'_>> {
    match hsrp::parse(variant, payload).ok()? {
        Parsed::Message(received) => Some(received),
        Parsed::InterfaceState(_) => None,
    }
}

/// Whether a message counts for a router with `settings`: the same version, and the same authentication.
pub(super) fn accepts(settings: &HsrpSettings, said: &Said) -> bool {
    if said.version.get() != settings.version {
        return false;
    }
    let Some(received) = received(said.variant, &said.payload) else { return false };
    match &settings.authentication {
        HsrpAuthentication::None => matches!(received.auth(), hsrp::Auth::None),
        HsrpAuthentication::Text(key) => received.verify_text(key),
        HsrpAuthentication::Md5(key) => received.verify_md5(key, said.source),
        // No group here has a chain.
        HsrpAuthentication::Chain(_) => false,
    }
}

/// A frame that says `said` as a router with `authentication` would.
pub(crate) fn render(said: &Said, frame: &[u8], authentication: &HsrpAuthentication) -> Option<Bytes> {
    let source_mac = envelope::parse(frame).ok()?.source;
    let message = *received(said.variant, &said.payload)?.message();
    let (hello, hold) = said.timers?;
    let parts = Parts {
        group: message.group(),
        opcode: said.opcode,
        state: said.state,
        priority: said.priority,
        timers: Timers::new(said.version, hello, hold).ok()?,
        identifier: message.identifier().unwrap_or(source_mac),
        address: message.address(),
    };
    let origin = Origin { source_mac, source: said.source, hop_limit: said.variant.hop_limit() };
    emit(parts, origin, authentication)
}

fn emit(parts: Parts, origin: Origin, authentication: &HsrpAuthentication) -> Option<Bytes> {
    let variant = parts.group.variant();
    let message = Message::new(parts).ok()?;
    let credentials = match authentication {
        HsrpAuthentication::None | HsrpAuthentication::Chain(_) => Credentials::None,
        HsrpAuthentication::Text(key) => Credentials::Text(key),
        HsrpAuthentication::Md5(key) => Credentials::Md5 { key, key_id: 0, source: origin.source },
    };
    let mut out = BytesMut::new();
    hsrp::frame(&mut out, variant, origin, |out| message.emit(out, &credentials)).ok()?;
    Some(out.freeze())
}

/// Packets of a stranger for `group`, of the highest priority, each with one thing wrong.
pub(crate) fn noise(group: &GroupPlan, settings: &HsrpSettings) -> Vec<Bytes> {
    let Some(variant) = variant(settings, group.family()) else { return Vec::new() };
    let wrong = TextKey::new("wrong").map_or(HsrpAuthentication::None, HsrpAuthentication::Text);
    let right = &settings.authentication;
    let sound = stranger(variant, group, group.number, right);
    let header = 14 + if group.ipv6 { 40 } else { 20 } + 8;
    // Changed octets, with a checksum over UDP that says so: only the checksum is wrong then.
    let flipped = sound.as_ref().map(|sound| {
        let mut octets = sound.to_vec();
        octets[header + 5] ^= 0x40;
        Bytes::from(octets)
    });
    let short = sound.as_ref().map(|sound| sound.slice(..header + 10));
    let other = stranger(variant, group, group.number + 100, right);
    let unknown = stranger(variant, group, group.number, &wrong);
    [flipped, short, other, unknown].into_iter().flatten().collect()
}

fn stranger(variant: Variant, group: &GroupPlan, number: u16, how: &HsrpAuthentication) -> Option<Bytes> {
    let source = match variant.family() {
        Family::V4 => IpAddr::from([192, 0, 2, 250]),
        Family::V6 => IpAddr::from([0xfe80, 0, 0, 0, 0, 0, 0, 0xfa]),
    };
    let identifier = MacAddr([2, 0, 0, 0, 0, 0xfa]);
    let parts = Parts {
        group: Group::new(variant, number)?,
        opcode: Opcode::Hello,
        state: State::Active,
        priority: 255,
        timers: Timers::default_of(variant.version()),
        identifier,
        address: Some(group.gateway).filter(|_| !group.ipv6),
    };
    emit(parts, Origin { source_mac: identifier, source, hop_limit: variant.hop_limit() }, how)
}
