//! Types and lengths of the parts of a packet.

use bytes::{BufMut, BytesMut};

use super::DecodeError;
use crate::reader::Reader;

pub(super) const HELLO: u8 = 1;
pub(super) const FORWARDER: u8 = 2;
pub(super) const AUTH: u8 = 3;
pub(super) const NONCES: u8 = 4;

/// Octets of type and length.
pub(super) const HEAD: usize = 2;

/// `octets` is the length of the whole TLV, at most 255.
pub(super) fn write_head(out: &mut BytesMut, kind: u8, octets: usize) {
    out.put_u8(kind);
    out.put_u8(u8::try_from(octets).unwrap_or(u8::MAX));
}

/// The next whole TLV, and its type; there is something left to read.
pub(super) fn read<'a>(reader: &mut Reader<'a>) -> Result<(u8, &'a [u8]), DecodeError> {
    let left = reader.rest().len();
    let mut head = *reader;
    let [kind, length] = head.array::<HEAD>().ok_or(DecodeError::TlvPastEnd { announced: HEAD, left })?;
    let announced = usize::from(length);
    if announced < HEAD {
        return Err(DecodeError::TlvLength(length));
    }
    let octets = reader.take(announced).ok_or(DecodeError::TlvPastEnd { announced, left })?;
    Ok((kind, octets))
}
