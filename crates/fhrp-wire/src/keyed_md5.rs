//! Keyed MD5 as Cisco's first-hop protocols use it, after RFC 1828:
//! `MD5(key, pad(key), message, key)`, where `pad` is MD5's own padding of the key alone.

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::KeyBytes;

/// Octets of the digest.
pub(crate) const DIGEST: usize = 16;

const BLOCK: usize = 64;

/// The digest over `message`, in which the caller has zeroed the fields that the digest does not cover.
pub(crate) fn digest(key: &KeyBytes, message: &[u8]) -> [u8; DIGEST] {
    digest_parts(key, &[message])
}

/// Whether `expected` is the digest; takes the same time wherever they differ.
pub(crate) fn verify(key: &KeyBytes, message: &[u8], expected: &[u8; DIGEST]) -> bool {
    verify_parts(key, &[message], expected)
}

/// Like [`verify`], over a message in `parts`: a received one need not be copied to be read without its digest.
pub(crate) fn verify_parts(key: &KeyBytes, parts: &[&[u8]], expected: &[u8; DIGEST]) -> bool {
    digest_parts(key, parts).ct_eq(expected).into()
}

fn digest_parts(key: &KeyBytes, parts: &[&[u8]]) -> [u8; DIGEST] {
    let key = key.octets();
    let mut md5 = Md5::new();
    md5.update(key);
    update_padding(&mut md5, key.len());
    for part in parts {
        md5.update(part);
    }
    md5.update(key);
    md5.finalize().into()
}

/// RFC 1321 §3.1–3.2: one bit, zeros up to 56 octets of the last block, the length in bits as 64 bits, low first.
fn update_padding(md5: &mut Md5, length: usize) {
    let used = length % BLOCK;
    let until_length = if used < 56 { 56 - used } else { 56 + BLOCK - used };
    md5.update([0x80]);
    for _ in 1..until_length {
        md5.update([0]);
    }
    let bits = u64::try_from(length).unwrap_or(u64::MAX).wrapping_mul(8);
    md5.update(bits.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A real HSRPv1 packet (key `openwall12345`), its digest zeroed.
    #[test]
    fn hsrp_packet_of_a_cisco_router() {
        let mut message = *b"\x00\x00\x10\x03\x0a\x64\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\
            \x0a\x00\x00\x64\x04\x1c\x01\x00\x00\x00\x0a\x00\x00\x14\x00\x00\x00\x00\
            \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let expected = *b"\xf0\x2f\xc4\x1b\x1b\x51\x6e\x2d\x12\x61\xd8\x80\x0d\x39\xcc\xea";
        let key = KeyBytes::new("openwall12345").unwrap();
        assert_eq!(digest(&key, &message), expected);
        assert!(verify(&key, &message, &expected));
        assert!(verify_parts(&key, &[&message[..7], &message[7..]], &expected));
        message[5] ^= 1;
        assert!(!verify(&key, &message, &expected));
        assert!(!verify(&KeyBytes::new("openwall1234").unwrap(), &message, &expected));
    }

    /// One block up to 55 octets of key, two from 56 to 119: what follows must stay aligned.
    #[test]
    fn padding_fills_whole_blocks() {
        for length in [1, 55, 56, 63, 64, 119, 120, 200] {
            let key = vec![0x61; length];
            let mut padded = key.clone();
            padded.push(0x80);
            while padded.len() % BLOCK != 56 {
                padded.push(0);
            }
            padded.extend_from_slice(&(u64::try_from(length).unwrap() * 8).to_le_bytes());
            assert_eq!(padded.len() % BLOCK, 0);
            padded.extend_from_slice(b"message");
            padded.extend_from_slice(&key);
            let expected: [u8; DIGEST] = Md5::digest(&padded).into();
            assert_eq!(digest(&KeyBytes::new(key).unwrap(), b"message"), expected, "{length}");
        }
    }
}
