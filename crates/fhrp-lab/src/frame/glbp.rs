//! What GLBP packets say, unchecked.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::Duration,
};

use fhrp_wire::{Family, MacAddr};

use super::{SpeakerState, array, u16_at};

/// UDP port.
pub(super) const PORT: u16 = 3222;

/// Forwarders of a group.
const FORWARDERS: usize = 4;

/// What a GLBP packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlbpOpcode {
    /// To all: what the sender is and which forwarders it serves.
    Hello,
    /// To the Active router: the sender wants a forwarder.
    Request,
    /// From the Active router: the forwarder given.
    Response,
    /// A number that means nothing.
    Other(u8),
}

/// A GLBP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpPacket {
    /// Of the IP packet.
    pub family: Family,
    /// Group number.
    pub group: u16,
    /// What it is for.
    pub opcode: GlbpOpcode,
    /// The sender's own MAC address.
    pub owner: MacAddr,
    /// IP source address.
    pub source: IpAddr,
    /// What it says of the sender as a gateway, if anything.
    pub gateway: Option<GlbpGateway>,
    /// What it says of forwarders, as many as it says anything of; what is more than four is left out.
    pub forwarders: [Option<GlbpForwarder>; FORWARDERS],
}

/// What a hello says of its sender as a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpGateway {
    /// What the sender says it is.
    pub state: SpeakerState,
    /// 0 when resigning.
    pub priority: u8,
    /// Time between hellos.
    pub hello: Duration,
    /// Hold time.
    pub hold: Duration,
    /// The virtual address.
    pub address: IpAddr,
}

/// What a packet says of a forwarder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlbpForwarder {
    /// 1 to 4; 0 in a request.
    pub number: u8,
    /// What the sender is for it.
    pub state: SpeakerState,
    /// 167 for its owner, 135 for another; 160 and 128 when resigning.
    pub priority: u8,
    /// Weight of the sender.
    pub weight: u8,
    /// Seconds until it is forgotten.
    pub timeout_s: u16,
    /// Seconds until it is no longer handed out.
    pub redirect_s: u16,
    /// Its virtual MAC address.
    pub mac: MacAddr,
}

impl GlbpPacket {
    /// Whether the sender says that it serves the forwarder of this number, and goes on to.
    #[must_use]
    pub fn serves(&self, number: u8) -> bool {
        self.of(number).is_some_and(|said| said.state == SpeakerState::Active && !said.resigns())
    }

    /// What it says of the forwarder of this number.
    pub(crate) fn of(&self, number: u8) -> Option<&GlbpForwarder> {
        self.forwarders.iter().flatten().find(|said| said.number == number)
    }
}

impl GlbpForwarder {
    /// Whether the sender gives it up: the low three bits of the priority are 0 then, and 7 else.
    #[must_use]
    pub const fn resigns(&self) -> bool {
        self.priority & 0x07 == 0
    }
}

/// Reads the payload of a UDP datagram to the GLBP port.
pub(super) fn read(source: IpAddr, payload: &[u8]) -> Option<GlbpPacket> {
    let opcode = match *payload.get(1)? {
        0 => GlbpOpcode::Hello,
        1 => GlbpOpcode::Request,
        2 => GlbpOpcode::Response,
        other => GlbpOpcode::Other(other),
    };
    let mut packet = GlbpPacket {
        family: Family::of(&source),
        group: u16_at(payload, 2)?,
        opcode,
        owner: MacAddr(array(payload, 6)?),
        source,
        gateway: None,
        forwarders: [None; FORWARDERS],
    };
    let mut rest = payload.get(12..)?;
    while let Some([kind, length]) = array(rest, 0) {
        // The length counts its own two octets and the type.
        let Some((tlv, others)) = rest.split_at_checked(usize::from(length)).filter(|_| length >= 2) else {
            break;
        };
        match kind {
            1 => packet.gateway = read_gateway(tlv),
            2 => {
                if let Some(free) = packet.forwarders.iter_mut().find(|place| place.is_none()) {
                    *free = read_forwarder(tlv);
                }
            }
            _ => {}
        }
        rest = others;
    }
    Some(packet)
}

fn read_gateway(tlv: &[u8]) -> Option<GlbpGateway> {
    let millis = |at| Some(Duration::from_millis(u64::from(u32::from_be_bytes(array(tlv, at)?))));
    let address = match tlv.get(22)? {
        2 => Ipv6Addr::from(array::<16>(tlv, 24)?).into(),
        _ => Ipv4Addr::from(array::<4>(tlv, 24)?).into(),
    };
    Some(GlbpGateway {
        state: state_of(*tlv.get(3)?),
        priority: *tlv.get(5)?,
        hello: millis(8)?,
        hold: millis(12)?,
        address,
    })
}

fn read_forwarder(tlv: &[u8]) -> Option<GlbpForwarder> {
    Some(GlbpForwarder {
        number: *tlv.get(2)?,
        state: state_of(*tlv.get(3)?),
        priority: *tlv.get(5)?,
        weight: *tlv.get(6)?,
        timeout_s: u16_at(tlv, 8)?,
        redirect_s: u16_at(tlv, 10)?,
        mac: MacAddr(array(tlv, 14)?),
    })
}

const fn state_of(octet: u8) -> SpeakerState {
    match octet {
        0x01 => SpeakerState::Disabled,
        0x02 => SpeakerState::Initial,
        0x04 => SpeakerState::Listen,
        0x08 => SpeakerState::Speak,
        0x10 => SpeakerState::Standby,
        0x20 => SpeakerState::Active,
        other => SpeakerState::Other(other),
    }
}
