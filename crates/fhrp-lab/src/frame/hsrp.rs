//! What HSRP packets say, unchecked.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use fhrp_wire::Family;

use super::{Kind, array, u16_at};

/// UDP port over IPv4.
pub(super) const PORT_V4: u16 = 1985;
/// UDP port over IPv6.
pub(super) const PORT_V6: u16 = 2029;

/// What a sender says it is, in HSRP and in GLBP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpeakerState {
    /// The protocol is off.
    Disabled,
    /// The protocol is not running yet.
    Initial,
    /// It waits to hear the virtual address.
    Learn,
    /// It listens.
    Listen,
    /// It wants to become Standby.
    Speak,
    /// It is the next in line.
    Standby,
    /// It is Active.
    Active,
    /// A number that means nothing.
    Other(u8),
}

/// What an HSRP packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HsrpOpcode {
    /// The sender runs.
    Hello,
    /// The sender takes over.
    Coup,
    /// The sender no longer wants to be Active.
    Resign,
    /// A number that means nothing.
    Other(u8),
}

/// A hello, coup or resignation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HsrpMessage {
    /// Of the IP packet.
    pub family: Family,
    /// 1 or 2.
    pub version: u8,
    /// Group number.
    pub group: u16,
    /// What it is for.
    pub opcode: HsrpOpcode,
    /// What the sender says it is.
    pub state: SpeakerState,
    /// The sender's priority; what is above 255 is told as 255.
    pub priority: u8,
    /// Time between hellos.
    pub hello: Duration,
    /// Hold time.
    pub hold: Duration,
    /// The virtual address.
    pub address: IpAddr,
    /// IP source address.
    pub source: IpAddr,
}

/// Reads the payload of a UDP datagram to the HSRP port.
pub(super) fn read(source: IpAddr, payload: &[u8]) -> Option<Kind> {
    match payload.first()? {
        0 => read_version_1(source, payload),
        // Version 2 begins with a TLV; its length does not count its own two octets.
        1 => read_group_state(source, payload.get(2..)?),
        2 => Some(Kind::HsrpInterface { active: u16_at(payload, 2)?, passive: u16_at(payload, 4)? }),
        _ => None,
    }
}

fn read_version_1(source: IpAddr, payload: &[u8]) -> Option<Kind> {
    if payload.get(1) == Some(&3) {
        return Some(Kind::HsrpInterface { active: u16_at(payload, 8)?, passive: u16_at(payload, 10)? });
    }
    let [_, opcode, state, hello, hold, priority, group, _] = array(payload, 0)?;
    let state = match state {
        0 => SpeakerState::Initial,
        1 => SpeakerState::Learn,
        2 => SpeakerState::Listen,
        4 => SpeakerState::Speak,
        8 => SpeakerState::Standby,
        16 => SpeakerState::Active,
        other => SpeakerState::Other(other),
    };
    Some(Kind::Hsrp(HsrpMessage {
        family: Family::of(&source),
        version: 1,
        group: u16::from(group),
        opcode: opcode_of(opcode),
        state,
        priority,
        hello: Duration::from_secs(u64::from(hello)),
        hold: Duration::from_secs(u64::from(hold)),
        address: Ipv4Addr::from(array::<4>(payload, 16)?).into(),
        source,
    }))
}

/// `value` is what follows type and length.
fn read_group_state(source: IpAddr, value: &[u8]) -> Option<Kind> {
    let [version, opcode, state, ip_version] = array(value, 0)?;
    let state = match state {
        0 => SpeakerState::Disabled,
        1 => SpeakerState::Initial,
        2 => SpeakerState::Learn,
        3 => SpeakerState::Listen,
        4 => SpeakerState::Speak,
        5 => SpeakerState::Standby,
        6 => SpeakerState::Active,
        other => SpeakerState::Other(other),
    };
    let word = |at| array(value, at).map(u32::from_be_bytes);
    let millis = |at| word(at).map(|millis| Duration::from_millis(u64::from(millis)));
    let address: [u8; 16] = array(value, 24)?;
    let address = if ip_version == 6 {
        IpAddr::V6(Ipv6Addr::from(address))
    } else {
        IpAddr::V4(Ipv4Addr::from(array::<4>(&address, 0)?))
    };
    Some(Kind::Hsrp(HsrpMessage {
        family: Family::of(&source),
        version,
        group: u16_at(value, 4)?,
        opcode: opcode_of(opcode),
        state,
        priority: u8::try_from(word(12)?).unwrap_or(u8::MAX),
        hello: millis(16)?,
        hold: millis(20)?,
        address,
        source,
    }))
}

const fn opcode_of(octet: u8) -> HsrpOpcode {
    match octet {
        0 => HsrpOpcode::Hello,
        1 => HsrpOpcode::Coup,
        2 => HsrpOpcode::Resign,
        other => HsrpOpcode::Other(other),
    }
}
