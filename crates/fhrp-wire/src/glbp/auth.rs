//! Authentication TLV, which comes first when there is one.
//!
//! | offset | size | field | value |
//! |---|---|---|---|
//! | 0 | 1 | type | 3 |
//! | 1 | 1 | length | 4 and the authentication length |
//! | 2 | 1 | authentication type | 0 none, 1 text, 2 MD5 key string, 3 MD5 key chain |
//! | 3 | 1 | authentication length | of the text; 16; 20 |
//! | 4 | n | data | text; digest; key id of 4 octets and digest |
//!
//! The digest is keyed MD5 over the whole UDP payload, with the sender's IP address in its own place: 16 octets,
//! for IPv4 four and twelve zeros (captured for key chains; for key strings and IPv6 inferred).

use std::fmt;
use std::net::IpAddr;

use bytes::{BufMut, BytesMut};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::tlv::{self, AUTH};
use super::{DecodeError, KeyBytes, Nonces};
use crate::keyed_md5::{self, DIGEST};
use crate::reader::Reader;

/// Octets of the TLV in front of the data.
const FIXED: usize = 4;
const KEY_ID: usize = 4;

const TYPE_NONE: u8 = 0;
const TYPE_TEXT: u8 = 1;
const TYPE_KEY_STRING: u8 = 2;
const TYPE_KEY_CHAIN: u8 = 3;

/// A text cannot be used as a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidAuthText {
    /// There is nothing to authenticate with.
    #[error("the text is empty")]
    Empty,
    /// It shares a TLV of at most 255 octets with four others.
    #[error("the text has {actual} octets, a packet holds at most 251")]
    TooLong {
        /// Octets given.
        actual: usize,
    },
    /// Zeros at the end of a received text are not compared.
    #[error("the text ends in a zero octet")]
    EndsInZero,
}

/// A password in clear: 1 to 251 octets, the last one not zero. Wiped when dropped, never printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthText(KeyBytes);

impl AuthText {
    /// The most octets that a packet can hold.
    pub const MAX: usize = 251;

    /// Takes the octets over.
    ///
    /// # Errors
    /// Every variant of [`InvalidAuthText`].
    pub fn new(text: impl Into<Vec<u8>>) -> Result<Self, InvalidAuthText> {
        let text = KeyBytes::new(text).map_err(|_| InvalidAuthText::Empty)?;
        let octets = text.octets();
        if octets.len() > Self::MAX {
            return Err(InvalidAuthText::TooLong { actual: octets.len() });
        }
        if octets.ends_with(&[0]) { Err(InvalidAuthText::EndsInZero) } else { Ok(Self(text)) }
    }

    fn octets(&self) -> &[u8] {
        self.0.octets()
    }
}

/// How to authenticate a packet that is sent.
#[derive(Clone, Copy, Debug)]
pub enum Credentials<'a> {
    /// Not at all.
    None,
    /// Text in clear.
    Text(&'a AuthText),
    /// Keyed MD5.
    Md5 {
        /// What the digest is made with.
        key: &'a KeyBytes,
        /// Which key of a chain; `None` for a key string.
        key_id: Option<u32>,
        /// What proves that the packet is not an old one.
        nonces: Nonces<'a>,
    },
}

impl Credentials<'_> {
    /// Octets of the TLVs that authenticate.
    pub(super) fn wire_octets(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Text(text) => FIXED + text.octets().len(),
            Self::Md5 { key_id, nonces, .. } => FIXED + md5_octets(*key_id) + nonces.wire_octets(),
        }
    }

    /// Writes those TLVs, with `source` where the digest will be.
    pub(super) fn write(&self, out: &mut BytesMut, source: IpAddr) {
        match self {
            Self::None => {}
            Self::Text(text) => {
                write_head(out, TYPE_TEXT, text.octets().len());
                out.put_slice(text.octets());
            }
            Self::Md5 { key_id, nonces, .. } => {
                let auth_type = if key_id.is_some() { TYPE_KEY_CHAIN } else { TYPE_KEY_STRING };
                write_head(out, auth_type, md5_octets(*key_id));
                if let Some(key_id) = key_id {
                    out.put_u32(*key_id);
                }
                out.put_slice(&digest_field(source));
                nonces.write(out);
            }
        }
    }

    /// Puts the digest of `message`, the whole payload, in the place of the address. `start` is where the TLVs of
    /// [`Credentials::write`] begin in it.
    pub(super) fn sign(&self, message: &mut [u8], start: usize) {
        let Self::Md5 { key, key_id, .. } = self else { return };
        let digest = keyed_md5::digest(key, message);
        let end = start + FIXED + md5_octets(*key_id);
        if let Some(field) = message.get_mut(..end).and_then(<[u8]>::last_chunk_mut) {
            *field = digest;
        }
    }
}

const fn md5_octets(key_id: Option<u32>) -> usize {
    if key_id.is_some() { KEY_ID + DIGEST } else { DIGEST }
}

fn write_head(out: &mut BytesMut, auth_type: u8, octets: usize) {
    tlv::write_head(out, AUTH, FIXED + octets);
    out.put_u8(auth_type);
    // At most 251.
    out.put_u8(u8::try_from(octets).unwrap_or(u8::MAX));
}

/// What stands for the digest while it is computed.
fn digest_field(source: IpAddr) -> [u8; DIGEST] {
    match source {
        IpAddr::V4(source) => {
            let [a, b, c, d] = source.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(source) => source.octets(),
    }
}

/// Authentication of a received packet. Whether it is the expected one, and right, is for the receiver to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthData<'a> {
    /// There is no authentication TLV, or one of type 0.
    None,
    /// Text in clear. Compare it with [`Parsed::verify_text`](super::Parsed::verify_text).
    Text(TextField<'a>),
    /// Keyed MD5. Verify it with [`Parsed::verify_md5`](super::Parsed::verify_md5).
    Md5 {
        /// Which key of the sender's chain; `None` for a key string.
        key_id: Option<u32>,
        /// The list of nonces. Only here: without a digest it proves nothing.
        nonces: Option<Nonces<'a>>,
        /// The digest and what it covers.
        signature: Signature<'a>,
    },
}

/// A received text.
#[derive(Clone, Copy)]
pub struct TextField<'a>(&'a [u8]);

impl TextField<'_> {
    /// Whether it is `expected`; zeros at its end do not count (inferred: never captured). Takes the same time
    /// wherever two texts of one length differ.
    pub(super) fn matches(&self, expected: &AuthText) -> bool {
        let mut text = self.0;
        while let [shorter @ .., 0] = text {
            text = shorter;
        }
        expected.0.matches(text)
    }
}

impl PartialEq for TextField<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(other.0).into()
    }
}

impl Eq for TextField<'_> {}

impl fmt::Debug for TextField<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextField(..)")
    }
}

/// A received digest and what it covers, as received: reserved fields and unknown TLVs count.
#[derive(Clone, Copy)]
pub struct Signature<'a> {
    before: &'a [u8],
    digest: &'a [u8; DIGEST],
    after: &'a [u8],
}

impl Signature<'_> {
    /// Whether it was made with `key` by `source`; takes the same time wherever the digests differ.
    pub(super) fn verify(&self, key: &KeyBytes, source: IpAddr) -> bool {
        keyed_md5::verify_parts(key, &[self.before, &digest_field(source), self.after], self.digest)
    }
}

impl PartialEq for Signature<'_> {
    fn eq(&self, other: &Self) -> bool {
        let digest: bool = self.digest.ct_eq(other.digest).into();
        digest && (self.before, self.after) == (other.before, other.after)
    }
}

impl Eq for Signature<'_> {}

impl fmt::Debug for Signature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// Reads a whole TLV: the end of `through`, which is the payload up to and with it. `after` is the rest of the
/// payload; the nonces are in there.
pub(super) fn read<'a>(
    through: &'a [u8],
    octets: &'a [u8],
    after: &'a [u8],
) -> Result<AuthData<'a>, DecodeError> {
    let mut reader = Reader::new(octets);
    let too_short = DecodeError::AuthLayout { auth_type: None, actual: octets.len() };
    let [_, _, auth_type, length] = reader.array::<FIXED>().ok_or(too_short)?;
    let wrong = DecodeError::AuthLayout { auth_type: Some(auth_type), actual: octets.len() };
    let data = reader.rest();
    if data.len() != usize::from(length) {
        return Err(wrong);
    }
    let key_id = match auth_type {
        TYPE_NONE if data.is_empty() => return Ok(AuthData::None),
        TYPE_NONE => return Err(wrong),
        TYPE_TEXT => return Ok(AuthData::Text(TextField(data))),
        TYPE_KEY_STRING => None,
        TYPE_KEY_CHAIN => Some(reader.u32().ok_or(wrong)?),
        other => return Err(DecodeError::AuthType(other)),
    };
    if reader.rest().len() != DIGEST {
        return Err(wrong);
    }
    let (before, digest) = through.split_last_chunk().ok_or(wrong)?;
    Ok(AuthData::Md5 { key_id, nonces: None, signature: Signature { before, digest, after } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_cannot_be_sent_are_refused() {
        assert_eq!(AuthText::new("").unwrap_err(), InvalidAuthText::Empty);
        assert_eq!(AuthText::new(vec![b'a'; 252]).unwrap_err(), InvalidAuthText::TooLong { actual: 252 });
        assert_eq!(AuthText::new("a\0").unwrap_err(), InvalidAuthText::EndsInZero);
        assert!(AuthText::new(vec![b'a'; 251]).is_ok());
    }
}
