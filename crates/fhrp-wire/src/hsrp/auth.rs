//! Authentication: a text, or keyed MD5 in a block that both versions share.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 1 | type | 4 |
//! | 1 | 1 | length | 28 |
//! | 2 | 1 | algorithm | 1, MD5 |
//! | 3 | 3 | padding, flags | 0 |
//! | 6 | 4 | address | the sender's; over IPv6 its low 32 bits |
//! | 10 | 4 | key id | 0 for a single key |
//! | 14 | 16 | digest | keyed MD5 over the whole UDP payload, the digest itself as zeros |

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use bytes::{BufMut, BytesMut};
use subtle::ConstantTimeEq;

use crate::key::{KeyBytes, TextKey};
use crate::keyed_md5::{self, DIGEST};
use crate::reader::Reader;

/// Octets of a text.
pub(super) const TEXT: usize = 8;
/// Octets of the MD5 block behind type and length.
pub(super) const MD5_VALUE: u8 = 28;
/// Octets of the MD5 block.
pub(super) const MD5_BLOCK: usize = 30;
pub(super) const TYPE_MD5: u8 = 4;

/// Algorithm MD5, no padding, no flags.
const MD5_START: [u8; 4] = [1, 0, 0, 0];

/// The text of routers on which nothing is configured, `cisco` (RFC 2281 §5.1).
#[must_use]
pub fn default_text() -> TextKey {
    TextKey::of_field(*b"cisco\0\0\0")
}

/// How a received message is authenticated. Whether that is the expected way is for the receiver to decide.
#[derive(Clone, Copy)]
pub enum Auth {
    /// Version 1: the text field is zero. Version 2: there is no authentication TLV.
    None,
    /// A text in clear, padded with zeros. Compare it with [`Received::verify_text`](super::Received::verify_text).
    Text([u8; 8]),
    /// Keyed MD5. Verify it with [`Received::verify_md5`](super::Received::verify_md5).
    Md5 {
        /// Which key of the sender's chain; 0 for a single key.
        key_id: u32,
        /// The sender's address; over IPv6 its low 32 bits.
        address: Ipv4Addr,
        /// The digest.
        digest: [u8; 16],
    },
}

/// How to authenticate a message that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credentials<'a> {
    /// Not at all. Routers with the default configuration refuse that: they expect [`default_text`].
    None,
    /// With a text.
    Text(&'a TextKey),
    /// With keyed MD5.
    Md5 {
        /// The key.
        key: &'a KeyBytes,
        /// Its number in a key chain; 0 for a single key.
        key_id: u32,
        /// Source address of the IP header.
        source: IpAddr,
    },
}

impl Auth {
    /// Reads the MD5 block behind type and length; `None` if it has another shape than the one above.
    pub(super) fn read_md5(value: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(value);
        if reader.array()? != MD5_START {
            return None;
        }
        let address = Ipv4Addr::from(reader.array::<4>()?);
        let key_id = reader.u32()?;
        let digest = reader.array()?;
        Some(Self::Md5 { key_id, address, digest })
    }
}

/// What stands for `source` in the MD5 block.
pub(super) const fn low_bits(source: IpAddr) -> Ipv4Addr {
    match source {
        IpAddr::V4(source) => source,
        IpAddr::V6(source) => {
            let [.., a, b, c, d] = source.octets();
            Ipv4Addr::new(a, b, c, d)
        }
    }
}

/// Appends the MD5 block to the message that begins at `start`.
pub(super) fn sign(out: &mut BytesMut, start: usize, key: &KeyBytes, block: (u32, IpAddr)) {
    let (key_id, source) = block;
    out.put_slice(&[TYPE_MD5, MD5_VALUE]);
    out.put_slice(&MD5_START);
    out.put_slice(&low_bits(source).octets());
    out.put_u32(key_id);
    out.put_bytes(0, DIGEST);
    let digest = keyed_md5::digest(key, out.get(start..).unwrap_or_default());
    if let Some(field) = out.last_chunk_mut() {
        *field = digest;
    }
}

impl PartialEq for Auth {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::None, Self::None) => true,
            (Self::Text(a), Self::Text(b)) => a.ct_eq(b).into(),
            (
                Self::Md5 { key_id, address, digest },
                Self::Md5 { key_id: key_id_b, address: address_b, digest: digest_b },
            ) => key_id == key_id_b && address == address_b && bool::from(digest.ct_eq(digest_b)),
            (Self::None | Self::Text(_) | Self::Md5 { .. }, _) => false,
        }
    }
}

impl Eq for Auth {}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Md5 { key_id, address, digest: _ } => f
                .debug_struct("Md5")
                .field("key_id", key_id)
                .field("address", address)
                .finish_non_exhaustive(),
        }
    }
}
