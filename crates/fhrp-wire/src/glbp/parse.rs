use std::net::IpAddr;

use super::forwarder::Received;
use super::packet::is_owner_id;
use super::{
    AuthData, AuthText, Body, DecodeError, GroupNumber, Hello, KeyBytes, Nonces, Opcode, Packet, VERSION,
    auth, tlv,
};
use crate::reader::Reader;
use crate::{Family, MacAddr};

/// Octets before the TLVs.
pub(super) const HEADER: usize = 12;

/// A received packet and how it is authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// What it says.
    pub packet: Packet,
    /// What it proves.
    pub auth: AuthData<'a>,
    /// How many forwarders were skipped because their state is neither Listen nor Active.
    pub skipped_forwarders: u8,
}

impl Parsed<'_> {
    /// Whether this is a packet with `text` in clear. Takes the same time wherever two texts of one length differ.
    #[must_use]
    pub fn verify_text(&self, text: &AuthText) -> bool {
        match &self.auth {
            AuthData::Text(field) => field.matches(text),
            AuthData::None | AuthData::Md5 { .. } => false,
        }
    }

    /// Whether this is a packet with a digest that was made with `key` by the router that the IP header names as
    /// `source`. Takes the same time wherever the digests differ.
    #[must_use]
    pub fn verify_md5(&self, key: &KeyBytes, source: IpAddr) -> bool {
        match &self.auth {
            AuthData::Md5 { signature, .. } => signature.verify(key, source),
            AuthData::None | AuthData::Text(_) => false,
        }
    }
}

/// Reads the payload of a UDP datagram to port 3222, in an IP packet of `family`.
///
/// The header is checked first, then one TLV after the other, then whether they make a packet of this opcode; no
/// field is read before the length that contains it has been checked. A hello in a request or a response is
/// checked and not kept, and so are nonces without a digest. Of an announcement, forwarders in states that were never
/// seen are skipped.
///
/// # Errors
/// The first rule broken.
pub fn parse(family: Family, payload: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    let mut reader = Reader::new(payload);
    let header = Header::read(&mut reader)?;
    let mut parts = Parts { auth: None, nonces: None, hello: None, forwarders: Received::default() };
    while !reader.rest().is_empty() {
        let (kind, octets) = tlv::read(&mut reader)?;
        match kind {
            tlv::AUTH => {
                let after = reader.rest();
                let through = payload.get(..payload.len() - after.len()).unwrap_or_default();
                only(&mut parts.auth, kind, auth::read(through, octets, after)?)?;
            }
            tlv::NONCES => only(&mut parts.nonces, kind, Nonces::read(octets)?)?,
            tlv::HELLO => only(&mut parts.hello, kind, Hello::read(family, octets)?)?,
            tlv::FORWARDER => parts.forwarders.take(header.opcode, header.group, octets)?,
            _ => {}
        }
    }
    let body = parts.body(header.opcode)?;
    let skipped = parts.forwarders.skipped;
    let nothing = |_| skipped.map_or(DecodeError::Empty, |(_, state)| DecodeError::VfState(state));
    let packet = Packet::new(header.group, header.owner, body).map_err(nothing)?;
    let skipped_forwarders = skipped.map_or(0, |(count, _)| count);
    Ok(Parsed { packet, auth: parts.auth(), skipped_forwarders })
}

/// The group of a payload that may break any rule, to attribute the error; `None` if there are no such octets.
#[must_use]
pub fn peek_group(payload: &[u8]) -> Option<u16> {
    let (_, rest) = payload.split_at_checked(2)?;
    Reader::new(rest).u16()
}

/// The twelve octets that every packet begins with.
struct Header {
    opcode: Opcode,
    group: GroupNumber,
    owner: MacAddr,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let actual = reader.rest().len();
        let [version, opcode, high, low, _, _, owner @ ..] =
            reader.array::<HEADER>().ok_or(DecodeError::TooShort { actual })?;
        if version != VERSION {
            return Err(DecodeError::Version(version));
        }
        let opcode = Opcode::read(opcode).ok_or(DecodeError::Opcode(opcode))?;
        let group = u16::from_be_bytes([high, low]);
        let group = GroupNumber::new(group).ok_or(DecodeError::Group(group))?;
        let owner = MacAddr(owner);
        if is_owner_id(owner) { Ok(Self { opcode, group, owner }) } else { Err(DecodeError::OwnerId(owner)) }
    }
}

/// What the TLVs say.
struct Parts<'a> {
    auth: Option<AuthData<'a>>,
    nonces: Option<Nonces<'a>>,
    hello: Option<Hello>,
    forwarders: Received,
}

/// A second one could contradict the first, and which of them a digest vouches for would be a matter of taste.
fn only<T>(place: &mut Option<T>, kind: u8, value: T) -> Result<(), DecodeError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(DecodeError::DuplicateTlv(kind)),
    }
}

impl<'a> Parts<'a> {
    fn body(&self, opcode: Opcode) -> Result<Body, DecodeError> {
        let count = self.forwarders.count;
        match (opcode, self.forwarders.assigned) {
            (Opcode::Announcement, _) => {
                Ok(Body::Announcement { hello: self.hello, forwarders: self.forwarders.announced })
            }
            (Opcode::Request, _) if count == 1 => Ok(Body::Request),
            (Opcode::Response, Some(number)) if count == 1 => Ok(Body::Response(number)),
            (Opcode::Request | Opcode::Response, _) => Err(DecodeError::ForwarderCount { actual: count }),
        }
    }

    fn auth(&self) -> AuthData<'a> {
        match self.auth {
            Some(AuthData::Md5 { key_id, signature, .. }) => {
                AuthData::Md5 { key_id, nonces: self.nonces, signature }
            }
            Some(other @ (AuthData::None | AuthData::Text(_))) => other,
            None => AuthData::None,
        }
    }
}
