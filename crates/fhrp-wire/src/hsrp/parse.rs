use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::auth::{self, Auth, MD5_VALUE, TYPE_MD5};
use super::emit::{
    ADVERTISE_LENGTH, ADVERTISE_TYPE, GROUP_STATE, INTERFACE_STATE, OPCODE_ADVERTISE, TEXT_VALUE,
    TYPE_GROUP_STATE, TYPE_INTERFACE_STATE, TYPE_TEXT, VERSION_1, VERSION_2, ip_version,
};
use super::message::ReceivedParts;
use super::{
    DecodeError, Group, InterfaceActivity, InterfaceState, Message, Opcode, State, Timers, Variant, Version,
};
use crate::key::{KeyBytes, TextKey};
use crate::keyed_md5::{self, DIGEST};
use crate::reader::Reader;
use crate::{Family, MacAddr};

/// What a received payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// About one group.
    Message(Received<'a>),
    /// About the sender's interface.
    InterfaceState(InterfaceState),
}

/// A received message and how it is authenticated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Received<'a> {
    message: Message,
    auth: Auth,
    remarks: Remarks,
    /// The payload before and behind the digest, both as received.
    covered: [&'a [u8]; 2],
}

/// What is odd about a message that is accepted all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remarks {
    /// Whether the timers are as sent.
    pub timers: TimersSeen,
    /// Version 2: the priority that was sent, above 255 and taken for 255.
    pub clamped_priority: Option<u32>,
}

/// What became of the timers of a received message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimersSeen {
    /// They are as sent.
    AsSent,
    /// The hold time was not longer than the hello time, and is taken for three hello times.
    HoldTooShort,
    /// The hello time was 0: the message has no timers.
    HelloZero,
}

impl Received<'_> {
    /// What it says.
    #[must_use]
    pub const fn message(&self) -> &Message {
        &self.message
    }

    /// How it is authenticated; not yet whether rightly so.
    #[must_use]
    pub const fn auth(&self) -> &Auth {
        &self.auth
    }

    /// What is odd about it.
    #[must_use]
    pub const fn remarks(&self) -> Remarks {
        self.remarks
    }

    /// Whether the message carries this text. Takes the same time wherever the two differ.
    #[must_use]
    pub fn verify_text(&self, key: &TextKey) -> bool {
        match &self.auth {
            Auth::Text(field) => key.matches(field),
            Auth::None | Auth::Md5 { .. } => false,
        }
    }

    /// Whether the message was signed with `key` by the router that the IP header names as `source`: over the
    /// payload as received, padding included. Takes the same time wherever the digests differ.
    #[must_use]
    pub fn verify_md5(&self, key: &KeyBytes, source: IpAddr) -> bool {
        match &self.auth {
            Auth::Md5 { address, digest, .. } => {
                let [before, behind] = self.covered;
                *address == auth::low_bits(source)
                    && keyed_md5::verify_parts(key, &[before, &[0; DIGEST], behind], digest)
            }
            Auth::None | Auth::Text(_) => false,
        }
    }
}

/// Without the octets, which may hold a text.
impl fmt::Debug for Received<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received")
            .field("message", &self.message)
            .field("auth", &self.auth)
            .field("remarks", &self.remarks)
            .finish_non_exhaustive()
    }
}

/// Reads the UDP payload of a datagram whose destination belongs to `variant`.
///
/// No field is read before the length that contains it has been checked. Unknown TLVs are skipped; what is
/// reserved or padding is ignored.
///
/// # Errors
/// The first rule broken.
pub fn parse(variant: Variant, payload: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    match variant.version() {
        Version::V1 => parse_v1(payload),
        Version::V2 => parse_v2(variant, payload),
    }
}

/// The group of a payload that may break any other rule, to find its receiver or to attribute the error; `None` if
/// there is no such field, or if it is out of range.
#[must_use]
pub fn peek_group(variant: Variant, payload: &[u8]) -> Option<Group> {
    let number = match variant.version() {
        Version::V1 => match payload {
            [VERSION_1, OPCODE_ADVERTISE, ..] => None,
            [VERSION_1, _, _, _, _, _, group, ..] => Some(u16::from(*group)),
            _ => None,
        },
        Version::V2 => {
            let mut reader = Reader::new(payload);
            let group_state =
                std::iter::from_fn(|| read_tlv(&mut reader).ok()).find(|(kind, _)| *kind == TYPE_GROUP_STATE);
            group_state
                .and_then(|(_, value)| value.get(4..)?.first_chunk().map(|group| u16::from_be_bytes(*group)))
        }
    };
    Group::new(variant, number?)
}

fn parse_v1(payload: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    let too_short = DecodeError::TooShort { actual: payload.len() };
    let mut reader = Reader::new(payload);
    let [version, opcode] = reader.array().ok_or(too_short)?;
    if version != VERSION_1 {
        return Err(DecodeError::Version(version));
    }
    if opcode == OPCODE_ADVERTISE {
        return read_advertise(reader, too_short).map(Parsed::InterfaceState);
    }
    let opcode = Opcode::of_wire(opcode).ok_or(DecodeError::Opcode(opcode))?;
    let [state, hello, hold, priority, group, _reserved] = reader.array().ok_or(too_short)?;
    let text: [u8; auth::TEXT] = reader.array().ok_or(too_short)?;
    let address = Ipv4Addr::from(reader.array::<4>().ok_or(too_short)?);

    let state = State::of_wire(Version::V1, state).ok_or(DecodeError::State(state))?;
    let timers = WireTimers { version: Version::V1, hello: hello.into(), hold: hold.into() };
    let parts = ReceivedParts {
        // Every octet is a group of version 1.
        group: Group::new(Variant::V1, group.into()).ok_or(DecodeError::Group(group.into()))?,
        opcode,
        state,
        priority,
        timers: timers.read(),
        identifier: None,
        address: known(address.into()),
    };
    let authentication = match Tlvs::read(payload, reader, Version::V1)?.auth {
        Some(md5) => md5,
        None if text == [0; auth::TEXT] => Authentication::NONE,
        None => Authentication { auth: Auth::Text(text), ..Authentication::NONE },
    };
    let remarks = Remarks { timers: timers.seen(), clamped_priority: None };
    Ok(Parsed::Message(authentication.received(Message::received(parts), remarks)))
}

fn read_advertise(mut reader: Reader<'_>, too_short: DecodeError) -> Result<InterfaceState, DecodeError> {
    let kind = reader.u16().ok_or(too_short)?;
    let length = reader.u16().ok_or(too_short)?;
    let [activity, _reserved] = reader.array().ok_or(too_short)?;
    let (active, passive) = (reader.u16().ok_or(too_short)?, reader.u16().ok_or(too_short)?);
    let _reserved = reader.u32().ok_or(too_short)?;
    if kind != ADVERTISE_TYPE {
        return Err(DecodeError::AdvertiseType(kind));
    }
    if length != ADVERTISE_LENGTH {
        return Err(DecodeError::AdvertiseLength(length));
    }
    let activity = InterfaceActivity::of_wire(activity).ok_or(DecodeError::InterfaceState(activity))?;
    Ok(InterfaceState::V1 { activity, active, passive })
}

fn parse_v2(variant: Variant, payload: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    let tlvs = Tlvs::read(payload, Reader::new(payload), Version::V2)?;
    match (tlvs.group_state, tlvs.interface_state) {
        (Some(value), _) => {
            let (message, remarks) = read_group_state(variant, value)?;
            Ok(Parsed::Message(tlvs.auth.unwrap_or(Authentication::NONE).received(message, remarks)))
        }
        (None, Some(state)) => Ok(Parsed::InterfaceState(state)),
        (None, None) => Err(DecodeError::NoState),
    }
}

fn read_group_state(variant: Variant, value: &[u8]) -> Result<(Message, Remarks), DecodeError> {
    // The length has been checked with the TLV.
    let too_short = DecodeError::TlvTooShort;
    let mut reader = Reader::new(value);
    let [version, opcode, state, ip] = reader.array().ok_or(too_short)?;
    let group = reader.u16().ok_or(too_short)?;
    let identifier = MacAddr(reader.array().ok_or(too_short)?);
    let mut words = || Some((reader.u32()?, reader.u32()?, reader.u32()?));
    let (priority, hello, hold) = words().ok_or(too_short)?;
    let address: [u8; 16] = reader.array().ok_or(too_short)?;

    if version != VERSION_2 {
        return Err(DecodeError::Version(version));
    }
    let opcode = Opcode::of_wire(opcode).ok_or(DecodeError::Opcode(opcode))?;
    let state = State::of_wire(Version::V2, state).ok_or(DecodeError::State(state))?;
    if ip != ip_version(variant.family()) {
        return Err(DecodeError::IpVersion(ip));
    }
    let group = Group::new(variant, group).ok_or(DecodeError::Group(group))?;
    let timers = WireTimers { version: Version::V2, hello, hold };
    let clamped = u8::try_from(priority).unwrap_or(u8::MAX);
    let remarks = Remarks {
        timers: timers.seen(),
        clamped_priority: Some(priority).filter(|priority| *priority != u32::from(clamped)),
    };
    let parts = ReceivedParts {
        group,
        opcode,
        state,
        priority: clamped,
        timers: timers.read(),
        identifier: Some(identifier),
        address: read_address(variant.family(), address),
    };
    Ok((Message::received(parts), remarks))
}

/// An IPv4 address is followed by padding, which some routers leave uninitialised.
fn read_address(family: Family, field: [u8; 16]) -> Option<IpAddr> {
    match family {
        Family::V4 => {
            let [a, b, c, d, ..] = field;
            known(Ipv4Addr::new(a, b, c, d).into())
        }
        Family::V6 => known(Ipv6Addr::from(field).into()),
    }
}

fn known(address: IpAddr) -> Option<IpAddr> {
    (!address.is_unspecified()).then_some(address)
}

/// Timers as they came.
#[derive(Clone, Copy)]
struct WireTimers {
    version: Version,
    hello: u32,
    hold: u32,
}

impl WireTimers {
    const fn read(self) -> Option<Timers> {
        Timers::received(self.version, self.hello, self.hold)
    }

    const fn seen(self) -> TimersSeen {
        match (self.hello, self.hold) {
            (0, _) => TimersSeen::HelloZero,
            (hello, hold) if hello < hold => TimersSeen::AsSent,
            (_, _) => TimersSeen::HoldTooShort,
        }
    }
}

/// Authentication, and what its digest covers.
#[derive(Clone, Copy)]
struct Authentication<'a> {
    auth: Auth,
    covered: [&'a [u8]; 2],
}

impl<'a> Authentication<'a> {
    const NONE: Self = Self { auth: Auth::None, covered: [&[], &[]] };

    /// The MD5 block whose value `reader` has just passed, in `payload`.
    fn md5(payload: &'a [u8], reader: Reader<'a>, value: &[u8]) -> Result<Self, DecodeError> {
        let auth = Auth::read_md5(value).ok_or(DecodeError::Md5Block)?;
        // The digest ends the block.
        let behind = reader.rest();
        let before = payload.len().saturating_sub(behind.len() + DIGEST);
        Ok(Self { auth, covered: [payload.get(..before).unwrap_or_default(), behind] })
    }

    const fn received(self, message: Message, remarks: Remarks) -> Received<'a> {
        Received { message, auth: self.auth, remarks, covered: self.covered }
    }
}

/// The known TLVs of a message. In version 1 that is the MD5 block alone.
#[derive(Default)]
struct Tlvs<'a> {
    group_state: Option<&'a [u8]>,
    interface_state: Option<InterfaceState>,
    auth: Option<Authentication<'a>>,
}

impl<'a> Tlvs<'a> {
    /// Reads the rest of `payload`, in which `reader` is.
    fn read(payload: &'a [u8], mut reader: Reader<'a>, version: Version) -> Result<Self, DecodeError> {
        let mut tlvs = Self::default();
        while !reader.rest().is_empty() {
            let (kind, value) = read_tlv(&mut reader)?;
            match (version, kind) {
                (Version::V2, TYPE_GROUP_STATE) => {
                    check_length(kind, value, GROUP_STATE)?;
                    once(&mut tlvs.group_state, kind, value)?;
                }
                (Version::V2, TYPE_INTERFACE_STATE) => {
                    check_length(kind, value, INTERFACE_STATE)?;
                    once(&mut tlvs.interface_state, kind, read_interface_state(value)?)?;
                }
                (Version::V2, TYPE_TEXT) => {
                    check_length(kind, value, TEXT_VALUE)?;
                    let text = Reader::new(value).array().ok_or(DecodeError::TlvTooShort)?;
                    tlvs.add_auth(kind, Authentication { auth: Auth::Text(text), ..Authentication::NONE })?;
                }
                (Version::V1 | Version::V2, TYPE_MD5) => {
                    check_length(kind, value, MD5_VALUE)?;
                    tlvs.add_auth(kind, Authentication::md5(payload, reader, value)?)?;
                }
                (Version::V1 | Version::V2, _) => {}
            }
        }
        Ok(tlvs)
    }

    fn add_auth(&mut self, kind: u8, found: Authentication<'a>) -> Result<(), DecodeError> {
        match (&self.auth, found.auth) {
            (Some(Authentication { auth: Auth::Text(_), .. }), Auth::Md5 { .. })
            | (Some(Authentication { auth: Auth::Md5 { .. }, .. }), Auth::Text(_)) => {
                Err(DecodeError::TwoAuthentications)
            }
            (Some(_) | None, Auth::None | Auth::Text(_) | Auth::Md5 { .. }) => {
                once(&mut self.auth, kind, found)
            }
        }
    }
}

/// Lengths do not count type and length themselves.
fn read_tlv<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), DecodeError> {
    let [kind, length] = reader.array().ok_or(DecodeError::TlvTooShort)?;
    let value = reader.take(usize::from(length)).ok_or(DecodeError::TlvTooShort)?;
    Ok((kind, value))
}

fn check_length(kind: u8, value: &[u8], expected: u8) -> Result<(), DecodeError> {
    // It was read from one octet.
    let length = u8::try_from(value.len()).unwrap_or(u8::MAX);
    if length == expected { Ok(()) } else { Err(DecodeError::TlvLength { kind, length }) }
}

fn once<T>(place: &mut Option<T>, kind: u8, found: T) -> Result<(), DecodeError> {
    match place.replace(found) {
        None => Ok(()),
        Some(_) => Err(DecodeError::TlvRepeated(kind)),
    }
}

fn read_interface_state(value: &[u8]) -> Result<InterfaceState, DecodeError> {
    let mut reader = Reader::new(value);
    let mut counts = || Some((reader.u16()?, reader.u16()?));
    let (active, passive) = counts().ok_or(DecodeError::TlvTooShort)?;
    Ok(InterfaceState::V2 { active, passive })
}
