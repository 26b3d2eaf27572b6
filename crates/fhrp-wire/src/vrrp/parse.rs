use std::net::IpAddr;

use super::auth::AuthData;
use super::emit::{HEADER, TYPE_ADVERTISEMENT, pseudo_header};
use super::{
    Addresses, Advertisement, Body, Centiseconds, ChecksumForm, DecodeError, PROTOCOL, Seconds, Version, Vrid,
};
use crate::Family;
use crate::checksum::Sum;
use crate::reader::Reader;

/// A received advertisement and the form of its checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parsed<'a> {
    /// What it says.
    pub advertisement: Advertisement<'a>,
    /// What its checksum covers.
    pub checksum: ChecksumSeen,
}

/// Which form of the checksum a received packet matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumSeen {
    /// Version 3 over IPv4: the message alone.
    Rfc9568,
    /// Version 3 over IPv4: message and pseudo-header.
    Rfc5798,
    /// Version 3 over IPv4, from addresses for which the two forms are equal.
    Either,
    /// Version 2, or IPv6: there is one form only.
    OnlyForm,
}

impl ChecksumSeen {
    /// The form that the sender certainly uses; `None` where the packet does not tell.
    #[must_use]
    pub const fn form(self) -> Option<ChecksumForm> {
        match self {
            Self::Rfc9568 => Some(ChecksumForm::Rfc9568),
            Self::Rfc5798 => Some(ChecksumForm::Rfc5798),
            Self::Either | Self::OnlyForm => None,
        }
    }
}

/// Reads the payload of an IP packet of protocol 112 from `source` to `destination`.
///
/// The rules are checked in the order of [`DecodeError`]'s variants; no field is read before the length that
/// contains it has been checked. Ethernet padding must have been cut by the IP length: octets after the
/// advertisement are an error.
///
/// # Errors
/// The first rule broken.
pub fn parse(source: IpAddr, destination: IpAddr, payload: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    let family = Family::of(&source);
    if Family::of(&destination) != family {
        return Err(DecodeError::MixedFamilies);
    }
    let header = Header::read(payload)?;
    if is_carp(payload, &header) {
        return Err(DecodeError::Carp);
    }
    let version = header.version(family)?;
    header.check_type()?;
    let (addresses, trailer) = header.split(version, family, payload)?;
    let pseudo_header = pseudo_header(source, destination, payload.len());
    let checksum = check_sum(version, family, Sum::of(payload), pseudo_header)?;

    let vrid = Vrid::new(header.vrid).ok_or(DecodeError::VridZero)?;
    if header.count == 0 {
        return Err(DecodeError::CountZero);
    }
    let body = header.body(version, trailer)?;
    let addresses = Addresses::from_wire(family, addresses);
    if addresses.breaks_link_local_rule() {
        return Err(DecodeError::FirstAddressNotLinkLocal);
    }
    let advertisement = Advertisement::new(vrid, header.priority, addresses, body)
        .map_err(|_| DecodeError::VersionNotForFamily(version, family))?;
    Ok(Parsed { advertisement, checksum })
}

/// The VRID of a payload that may break any rule, to attribute the error; `None` if there is no such octet.
#[must_use]
pub fn peek_vrid(payload: &[u8]) -> Option<u8> {
    payload.get(1).copied()
}

/// Whether the payload of an IP packet of protocol 51 is an Authentication Header in front of VRRP: version 2
/// with authentication type 2 (RFC 2338 §5.3.6), which is recognised so that it can be counted.
#[must_use]
pub fn authenticates_vrrp(payload: &[u8]) -> bool {
    payload.first() == Some(&PROTOCOL)
}

/// The eight octets that both versions begin with.
struct Header {
    version_and_type: u8,
    vrid: u8,
    priority: u8,
    count: u8,
    /// Version 2: authentication type, seconds. Version 3: four reserved bits, centiseconds.
    versioned: [u8; 2],
}

impl Header {
    fn read(payload: &[u8]) -> Result<Self, DecodeError> {
        let [version_and_type, vrid, priority, count, a, b, _, _] =
            Reader::new(payload).array::<HEADER>().ok_or(DecodeError::TooShort { actual: payload.len() })?;
        Ok(Self { version_and_type, vrid, priority, count, versioned: [a, b] })
    }

    const fn version(&self, family: Family) -> Result<Version, DecodeError> {
        match (self.version_and_type >> 4, family) {
            (2, Family::V4) => Ok(Version::V2),
            (2, Family::V6) => Err(DecodeError::VersionNotForFamily(Version::V2, family)),
            (3, Family::V4 | Family::V6) => Ok(Version::V3),
            (other, Family::V4 | Family::V6) => Err(DecodeError::Version(other)),
        }
    }

    const fn check_type(&self) -> Result<(), DecodeError> {
        match self.version_and_type & 0x0f {
            TYPE_ADVERTISEMENT => Ok(()),
            other => Err(DecodeError::Type(other)),
        }
    }

    /// Addresses, and what version 2 has after them; together with the header, exactly the payload.
    fn split<'a>(
        &self,
        version: Version,
        family: Family,
        payload: &'a [u8],
    ) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
        let [auth_type, _] = self.versioned;
        let addresses = usize::from(self.count) * family.address_octets();
        let trailer = match version {
            Version::V2 => AuthData::wire_octets(auth_type),
            Version::V3 => 0,
        };
        let expected = HEADER + addresses + trailer;
        let wrong = DecodeError::Length { expected, actual: payload.len() };
        if payload.len() != expected {
            return Err(wrong);
        }
        payload.get(HEADER..).and_then(|rest| rest.split_at_checked(addresses)).ok_or(wrong)
    }

    fn body(&self, version: Version, trailer: &[u8]) -> Result<Body, DecodeError> {
        let [auth_type, seconds] = self.versioned;
        match version {
            Version::V2 => {
                let interval = Seconds::new(seconds).ok_or(DecodeError::IntervalZero)?;
                let auth = AuthData::read(auth_type, trailer).ok_or(DecodeError::Md5Block)?;
                Ok(Body::V2 { interval, auth })
            }
            Version::V3 => {
                // The upper four bits are reserved and ignored (RFC 9568 §5.2.6).
                let interval = u16::from_be_bytes(self.versioned) & 0x0fff;
                let interval = Centiseconds::new(interval).ok_or(DecodeError::IntervalZero)?;
                Ok(Body::V3 { interval })
            }
        }
    }
}

/// OpenBSD's CARP also uses protocol 112, and its first octet reads as version 2, type 1. It has 36 octets and
/// the length of its digest, 7 words, where the address count is: as VRRPv2 that would be 44 octets.
fn is_carp(payload: &[u8], header: &Header) -> bool {
    const CARP_OCTETS: usize = 36;
    const CARP_AUTH_WORDS: u8 = 7;
    header.version_and_type == 0x21 && header.count == CARP_AUTH_WORDS && payload.len() == CARP_OCTETS
}

/// `message` sums the payload with the checksum that came in it.
fn check_sum(
    version: Version,
    family: Family,
    message: Sum,
    pseudo_header: Sum,
) -> Result<ChecksumSeen, DecodeError> {
    let alone = message == Sum::VALID;
    let with_pseudo_header = message.plus(pseudo_header) == Sum::VALID;
    match (version, family) {
        (Version::V2, Family::V4 | Family::V6) if alone => Ok(ChecksumSeen::OnlyForm),
        (Version::V3, Family::V6) if with_pseudo_header => Ok(ChecksumSeen::OnlyForm),
        (Version::V3, Family::V4) => match (alone, with_pseudo_header) {
            (true, true) => Ok(ChecksumSeen::Either),
            (true, false) => Ok(ChecksumSeen::Rfc9568),
            (false, true) => Ok(ChecksumSeen::Rfc5798),
            (false, false) => Err(DecodeError::Checksum),
        },
        (Version::V2, Family::V4 | Family::V6) | (Version::V3, Family::V6) => Err(DecodeError::Checksum),
    }
}
