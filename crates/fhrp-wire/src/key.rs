//! Key material: wiped when dropped, never printed.

use std::fmt;

use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

/// A key cannot be used as given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidKey {
    /// There is nothing to authenticate with.
    #[error("the key is empty")]
    Empty,
    /// A text key fills one field of eight octets.
    #[error("the key has {actual} octets, a text key holds at most 8")]
    TooLong {
        /// Octets given.
        actual: usize,
    },
}

/// The key of a keyed digest: any octets, at least one.
#[derive(Clone)]
pub struct KeyBytes(Zeroizing<Vec<u8>>);

impl KeyBytes {
    /// Takes the octets over; they are wiped when the key is dropped.
    ///
    /// # Errors
    /// [`InvalidKey::Empty`].
    pub fn new(octets: impl Into<Vec<u8>>) -> Result<Self, InvalidKey> {
        let octets = Zeroizing::new(octets.into());
        if octets.is_empty() { Err(InvalidKey::Empty) } else { Ok(Self(octets)) }
    }

    /// Whether a received text is this key; takes the same time wherever two of one length differ.
    #[must_use]
    pub fn matches(&self, text: &[u8]) -> bool {
        self.octets().ct_eq(text).into()
    }

    /// How many octets.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "a key is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyBytes(..)")
    }
}

impl PartialEq for KeyBytes {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.octets())
    }
}

impl Eq for KeyBytes {}

/// A clear-text password of one to eight octets, padded with zeros (RFC 2338 §5.3.10, RFC 2281 §5.1).
#[derive(Clone)]
pub struct TextKey(Zeroizing<[u8; 8]>);

impl TextKey {
    /// Pads `text` with zeros to eight octets.
    ///
    /// # Errors
    /// [`InvalidKey::Empty`] and [`InvalidKey::TooLong`]; a longer password is not cut silently.
    pub fn new(text: impl AsRef<[u8]>) -> Result<Self, InvalidKey> {
        let text = text.as_ref();
        if text.is_empty() {
            return Err(InvalidKey::Empty);
        }
        let mut octets = Zeroizing::new([0; 8]);
        let field = octets.get_mut(..text.len()).ok_or(InvalidKey::TooLong { actual: text.len() })?;
        field.copy_from_slice(text);
        Ok(Self(octets))
    }

    /// The key that a field holds, known to be no empty one.
    pub(crate) fn of_field(field: [u8; 8]) -> Self {
        Self(Zeroizing::new(field))
    }

    /// The field as it goes on the wire.
    #[must_use]
    pub fn octets(&self) -> [u8; 8] {
        *self.0
    }

    /// Whether a received field holds this key; takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, field: &[u8; 8]) -> bool {
        self.0.ct_eq(field).into()
    }
}

impl fmt::Debug for TextKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TextKey(..)")
    }
}

impl PartialEq for TextKey {
    fn eq(&self, other: &Self) -> bool {
        self.matches(&other.0)
    }
}

impl Eq for TextKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_keys_hold_one_to_eight_octets() {
        assert_eq!(TextKey::new("1234").unwrap().octets(), *b"1234\0\0\0\0");
        assert_eq!(TextKey::new("12345678").unwrap().octets(), *b"12345678");
        assert_eq!(TextKey::new("").unwrap_err(), InvalidKey::Empty);
        assert_eq!(TextKey::new("123456789").unwrap_err(), InvalidKey::TooLong { actual: 9 });
        assert_eq!(KeyBytes::new("").unwrap_err(), InvalidKey::Empty);
    }

    #[test]
    fn keys_match_whole() {
        let key = KeyBytes::new("geheim").unwrap();
        assert!(key.matches(b"geheim"));
        for wrong in [&b"gehein"[..], b"gehei", b"geheim\0", b""] {
            assert!(!key.matches(wrong), "{wrong:?}");
        }
        assert!(TextKey::new("cisco").unwrap().matches(b"cisco\0\0\0"));
        assert!(!TextKey::new("cisco").unwrap().matches(b"cisco\0\0a"));
    }

    #[test]
    fn keys_are_never_printed() {
        assert_eq!(format!("{:?}", TextKey::new("geheim").unwrap()), "TextKey(..)");
        assert_eq!(format!("{:?}", KeyBytes::new("geheim").unwrap()), "KeyBytes(..)");
    }

    #[test]
    fn keys_are_equal_only_if_all_octets_are() {
        let text = |text: &str| TextKey::new(text).unwrap();
        let bytes = |octets: &str| KeyBytes::new(octets).unwrap();
        for (one, other, equal) in
            [("geheim", "geheim", true), ("geheim", "gehein", false), ("geheim", "geheim1", false)]
        {
            assert_eq!(text(one) == text(other), equal, "{one} and {other}");
            assert_eq!(bytes(one) == bytes(other), equal, "{one} and {other}");
        }
    }
}
