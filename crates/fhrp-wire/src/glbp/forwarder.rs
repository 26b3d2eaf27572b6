use bytes::{BufMut, BytesMut};

use super::tlv::{self, FORWARDER};
use super::{
    DecodeError, ForwarderNumber, GroupNumber, InvalidPacket, Opcode, Seconds, forwarder_of, virtual_mac,
};
use crate::MacAddr;
use crate::reader::Reader;

/// Octets of the TLV.
pub(super) const OCTETS: usize = 20;

/// Where the sender is in the election of the AVF of one virtual MAC. Disabled (1) and Initial (2) are not
/// announced (inferred: neither was seen).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VfState {
    /// Does not forward for it.
    Listen,
    /// The AVF.
    Active,
}

impl VfState {
    /// The number on the wire.
    #[must_use]
    pub const fn get(self) -> u8 {
        match self {
            Self::Listen => 0x04,
            Self::Active => 0x20,
        }
    }

    const fn read(octet: u8) -> Option<Self> {
        match octet {
            0x04 => Some(Self::Listen),
            0x20 => Some(Self::Active),
            _ => None,
        }
    }
}

/// What ranks the routers that could serve a virtual MAC, as a plain number: the higher one serves.
///
/// Three values were captured, three follow from reading the bits, as the methods here do: that reading fits all
/// captured values and is inferred.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ForwarderPriority(pub u8);

impl ForwarderPriority {
    /// The owner (captured).
    pub const PRIMARY: Self = Self(167);
    /// Anyone else (captured).
    pub const SECONDARY: Self = Self(135);
    /// The owner as it shuts down (captured).
    pub const PRIMARY_RESIGNING: Self = Self(160);
    /// Anyone else as it shuts down (inferred).
    pub const SECONDARY_RESIGNING: Self = Self(128);
    /// The owner while its weight is too low (inferred).
    pub const PRIMARY_INELIGIBLE: Self = Self(39);
    /// Anyone else while its weight is too low (inferred).
    pub const SECONDARY_INELIGIBLE: Self = Self(7);

    const ELIGIBLE_BIT: u8 = 0x80;
    const PRIMARY_BIT: u8 = 0x20;
    const STAYING_BITS: u8 = 0x07;

    /// Whether the sender owns the virtual MAC.
    #[must_use]
    pub const fn is_primary(self) -> bool {
        self.0 & Self::PRIMARY_BIT != 0
    }

    /// Whether the sender's weight lets it forward.
    #[must_use]
    pub const fn is_eligible(self) -> bool {
        self.0 & Self::ELIGIBLE_BIT != 0
    }

    /// Whether the sender gives the virtual MAC up, now.
    #[must_use]
    pub const fn is_resigning(self) -> bool {
        self.0 & Self::STAYING_BITS == 0
    }
}

/// What a router says about one virtual forwarder. Its virtual MAC is on the wire and not here: it follows from
/// the group and the number.
///
/// ```text
/// |    type 2     |   length 20   |    number     |   VF state    |
/// |   reserved    |   priority    |    weight     |   reserved    |
/// |  timeout left, seconds        |  redirect time left, seconds  |
/// |           reserved            |                               |
/// |                         virtual MAC                           |
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forwarder {
    /// Which one.
    pub number: ForwarderNumber,
    /// Whether the sender serves it.
    pub state: VfState,
    /// How the sender ranks.
    pub priority: ForwarderPriority,
    /// The sender's current weighting.
    pub weight: u8,
    /// What is left of the forwarder timeout; all of it from the owner, less the longer the owner is not heard.
    pub timeout_left: Seconds,
    /// What is left of the redirect time, likewise.
    pub redirect_left: Seconds,
}

impl Forwarder {
    /// Reads what has been checked to be one. `None` if its state is unknown.
    fn from_wire(number: ForwarderNumber, wire: &Wire) -> Option<Self> {
        Some(Self {
            number,
            state: VfState::read(wire.state)?,
            priority: ForwarderPriority(wire.priority),
            weight: wire.weight,
            timeout_left: wire.timeout_left,
            redirect_left: wire.redirect_left,
        })
    }

    fn write(&self, out: &mut BytesMut, group: GroupNumber) {
        tlv::write_head(out, FORWARDER, OCTETS);
        out.put_slice(&[self.number.get(), self.state.get(), 0, self.priority.0, self.weight, 0]);
        out.put_u16(self.timeout_left.get());
        out.put_u16(self.redirect_left.get());
        out.put_u16(0);
        out.put_slice(&virtual_mac(group, self.number).octets());
    }
}

/// At most one [`Forwarder`] for each number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forwarders([Option<Forwarder>; ForwarderNumber::COUNT]);

impl Forwarders {
    /// Sorts by number.
    ///
    /// # Errors
    /// [`InvalidPacket::DuplicateForwarder`].
    pub fn new(list: &[Forwarder]) -> Result<Self, InvalidPacket> {
        let mut forwarders = Self::default();
        list.iter().try_for_each(|forwarder| forwarders.insert(*forwarder))?;
        Ok(forwarders)
    }

    /// Adds one.
    ///
    /// # Errors
    /// [`InvalidPacket::DuplicateForwarder`].
    pub fn insert(&mut self, forwarder: Forwarder) -> Result<(), InvalidPacket> {
        let duplicate = InvalidPacket::DuplicateForwarder(forwarder.number);
        let index = usize::from(forwarder.number.get()) - 1;
        let place = self.0.get_mut(index).filter(|place| place.is_none()).ok_or(duplicate)?;
        *place = Some(forwarder);
        Ok(())
    }

    /// By ascending number, which is the order on the wire.
    pub fn iter(&self) -> impl Iterator<Item = Forwarder> + '_ {
        self.0.iter().flatten().copied()
    }

    /// 0 to 4.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// In order.
    pub(super) fn write(&self, out: &mut BytesMut, group: GroupNumber) {
        for forwarder in self.iter() {
            forwarder.write(out, group);
        }
    }
}

/// A request's forwarder: all zeros.
pub(super) fn write_request(out: &mut BytesMut) {
    tlv::write_head(out, FORWARDER, OCTETS);
    out.put_bytes(0, OCTETS - tlv::HEAD);
}

/// A response's forwarder: number and MAC, the rest zeros.
pub(super) fn write_response(out: &mut BytesMut, group: GroupNumber, number: ForwarderNumber) {
    tlv::write_head(out, FORWARDER, OCTETS);
    out.put_u8(number.get());
    out.put_bytes(0, 11);
    out.put_slice(&virtual_mac(group, number).octets());
}

/// The forwarder TLVs of a received packet, as its opcode reads them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Received {
    /// How many there were.
    pub(super) count: usize,
    /// Of an announcement.
    pub(super) announced: Forwarders,
    /// Those of an announcement that were skipped, and the last one's state.
    pub(super) skipped: Option<(u8, u8)>,
    /// Of a response.
    pub(super) assigned: Option<ForwarderNumber>,
}

impl Received {
    /// Reads a whole TLV.
    pub(super) fn take(
        &mut self,
        opcode: Opcode,
        group: GroupNumber,
        octets: &[u8],
    ) -> Result<(), DecodeError> {
        let wire = Wire::read(octets).ok_or(DecodeError::ForwarderLength { actual: octets.len() })?;
        match opcode {
            Opcode::Announcement => {
                let number = wire.number(group)?;
                match Forwarder::from_wire(number, &wire) {
                    Some(forwarder) => self
                        .announced
                        .insert(forwarder)
                        .map_err(|_| DecodeError::DuplicateForwarder(number))?,
                    None => self.skip(wire.state),
                }
            }
            // What a request says besides is not for anyone: the AVG chooses.
            Opcode::Request if wire.number == 0 => {}
            Opcode::Request => return Err(DecodeError::ForwarderNumber(wire.number)),
            Opcode::Response => self.assigned = Some(wire.number(group)?),
        }
        self.count += 1;
        Ok(())
    }

    fn skip(&mut self, state: u8) {
        let before = self.skipped.map_or(0, |(count, _)| count);
        self.skipped = Some((before.saturating_add(1), state));
    }
}

/// The fields of a TLV, reserved ones left out.
struct Wire {
    number: u8,
    state: u8,
    priority: u8,
    weight: u8,
    timeout_left: Seconds,
    redirect_left: Seconds,
    mac: MacAddr,
}

impl Wire {
    /// `None` if it has another length.
    fn read(octets: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let [_, _, number, state, _, priority, weight, _] = reader.array::<8>()?;
        let timeout_left = reader.u16().map(Seconds::new)?;
        let redirect_left = reader.u16().map(Seconds::new)?;
        let [_, _, mac @ ..] = reader.array::<8>()?;
        let mac = MacAddr(mac);
        let wire = Self { number, state, priority, weight, timeout_left, redirect_left, mac };
        reader.rest().is_empty().then_some(wire)
    }

    /// The number, if the MAC is the one that follows from it. No command sets another on a Cisco router, every
    /// captured one follows; and a MAC that a peer could choose freely would let it have us answer frames, and
    /// hosts send them, to any address of its liking.
    fn number(&self, group: GroupNumber) -> Result<ForwarderNumber, DecodeError> {
        let number = ForwarderNumber::new(self.number).ok_or(DecodeError::ForwarderNumber(self.number))?;
        if forwarder_of(self.mac) == Some((group, number)) {
            Ok(number)
        } else {
            Err(DecodeError::ForwarderMac { number, mac: self.mac })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_rank_as_the_captures_show() {
        use ForwarderPriority as P;
        assert!(P::PRIMARY > P::PRIMARY_RESIGNING && P::PRIMARY_RESIGNING > P::SECONDARY);
        assert!(P::SECONDARY > P::SECONDARY_RESIGNING && P::SECONDARY_RESIGNING > P::PRIMARY_INELIGIBLE);
        assert!(P::PRIMARY_INELIGIBLE > P::SECONDARY_INELIGIBLE);
    }

    /// Primary, eligible, resigning.
    #[test]
    fn priorities_read_as_bits() {
        for (priority, expected) in [
            (167, (true, true, false)),
            (135, (false, true, false)),
            (160, (true, true, true)),
            (128, (false, true, true)),
            (39, (true, false, false)),
            (7, (false, false, false)),
        ] {
            let priority = ForwarderPriority(priority);
            let bits = (priority.is_primary(), priority.is_eligible(), priority.is_resigning());
            assert_eq!(bits, expected, "{priority:?}");
        }
    }
}
