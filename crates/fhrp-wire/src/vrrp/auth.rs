//! Authentication of version 2: RFC 2338 §5.3.6 types 0 and 1, Cisco's private type 254.
//!
//! The block that type 254 adds after the eight octets of authentication data:
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 1 | type | 0xfe |
//! | 1 | 1 | length | 28 |
//! | 2 | 1 | algorithm | 1, MD5 |
//! | 3 | 3 | padding, flags | 0 |
//! | 6 | 4 | address | the sender's |
//! | 10 | 4 | key id | 0 for a single key |
//! | 14 | 16 | digest | keyed MD5 over the message before the block, its checksum zeroed |

use std::fmt;
use std::net::Ipv4Addr;

use bytes::{BufMut, BytesMut};
use subtle::ConstantTimeEq;

use crate::reader::Reader;

pub(super) const TYPE_NONE: u8 = 0;
pub(super) const TYPE_TEXT: u8 = 1;
pub(super) const TYPE_CISCO_MD5: u8 = 254;

/// Octets of the field that every version 2 message ends with.
pub(super) const FIELD: usize = 8;
/// Octets of Cisco's block.
pub(super) const MD5_BLOCK: usize = 30;

const MD5_BLOCK_START: [u8; 6] = [TYPE_CISCO_MD5, 28, 1, 0, 0, 0];

/// Authentication of a version 2 advertisement. Whether it is the expected one is for the receiver to decide.
#[derive(Clone, Copy)]
pub enum AuthData {
    /// Type 0: eight zero octets, ignored on receipt (RFC 3768 §5.3.10).
    None,
    /// Type 1: a password in clear, padded with zeros (RFC 2338 §5.3.6). Compare it with
    /// [`Advertisement::verify_text`](super::Advertisement::verify_text).
    Text([u8; 8]),
    /// Type 254, Cisco's keyed MD5. Verify it with
    /// [`Advertisement::verify_md5`](super::Advertisement::verify_md5).
    CiscoMd5 {
        /// The sender's address, repeated inside what the sender vouches for.
        source: Ipv4Addr,
        /// Which key of the sender's chain; 0 for a single key.
        key_id: u32,
        /// The digest.
        digest: [u8; 16],
    },
    /// Any other type; its data is not kept and is sent as zeros. Types 0, 1 and 254 read back as the above.
    Unknown(u8),
}

impl AuthData {
    /// The number on the wire.
    #[must_use]
    pub const fn auth_type(&self) -> u8 {
        match self {
            Self::None => TYPE_NONE,
            Self::Text(_) => TYPE_TEXT,
            Self::CiscoMd5 { .. } => TYPE_CISCO_MD5,
            Self::Unknown(other) => *other,
        }
    }

    /// Octets after the addresses for a given type.
    pub(super) const fn wire_octets(auth_type: u8) -> usize {
        if auth_type == TYPE_CISCO_MD5 { FIELD + MD5_BLOCK } else { FIELD }
    }

    /// Reads what follows the addresses; `None` if Cisco's block has another shape than the one above.
    pub(super) fn read(auth_type: u8, octets: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(octets);
        let field: [u8; FIELD] = reader.array()?;
        match auth_type {
            TYPE_NONE => Some(Self::None),
            TYPE_TEXT => Some(Self::Text(field)),
            TYPE_CISCO_MD5 if field == [0; FIELD] => Self::read_md5_block(reader),
            TYPE_CISCO_MD5 => None,
            other => Some(Self::Unknown(other)),
        }
    }

    fn read_md5_block(mut reader: Reader<'_>) -> Option<Self> {
        if reader.array()? != MD5_BLOCK_START {
            return None;
        }
        let source = Ipv4Addr::from(reader.array::<4>()?);
        let key_id = reader.u32()?;
        let digest = reader.array()?;
        Some(Self::CiscoMd5 { source, key_id, digest })
    }

    /// Writes what follows the addresses.
    pub(super) fn write(&self, out: &mut BytesMut) {
        match self {
            Self::Text(field) => out.put_slice(field),
            Self::None | Self::CiscoMd5 { .. } | Self::Unknown(_) => out.put_slice(&[0; FIELD]),
        }
        if let Self::CiscoMd5 { source, key_id, digest } = self {
            out.put_slice(&MD5_BLOCK_START);
            out.put_slice(&source.octets());
            out.put_u32(*key_id);
            out.put_slice(digest);
        }
    }
}

impl PartialEq for AuthData {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.ct_eq(b).into(),
            (
                Self::CiscoMd5 { source, key_id, digest },
                Self::CiscoMd5 { source: source_b, key_id: key_id_b, digest: digest_b },
            ) => source == source_b && key_id == key_id_b && bool::from(digest.ct_eq(digest_b)),
            (Self::None | Self::Text(_) | Self::CiscoMd5 { .. } | Self::Unknown(_), _) => {
                self.auth_type() == other.auth_type()
            }
        }
    }
}

impl Eq for AuthData {}

impl fmt::Debug for AuthData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::CiscoMd5 { source, key_id, digest: _ } => f
                .debug_struct("CiscoMd5")
                .field("source", source)
                .field("key_id", key_id)
                .finish_non_exhaustive(),
            Self::Unknown(other) => f.debug_tuple("Unknown").field(other).finish(),
        }
    }
}
