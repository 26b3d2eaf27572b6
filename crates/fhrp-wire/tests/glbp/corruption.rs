//! Damaged packets. The checksum of UDP is not this module's: what is not signed may change its meaning, but
//! nothing panics; what is signed is refused whatever changes.

use fhrp_wire::Family;
use fhrp_wire::glbp::{AuthText, KeyBytes, parse, peek_group};

use crate::common::{hex, ip};
use crate::packets;

/// Every octet string that differs from `octets` in one bit.
fn flips(octets: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..octets.len() * 8).map(|bit| {
        let mut flipped = octets.to_vec();
        flipped[bit / 8] ^= 0x80 >> (bit % 8);
        flipped
    })
}

/// Where TLVs end: only there can a packet be cut and still be one.
fn ends(octets: &[u8]) -> Vec<usize> {
    let mut ends = vec![12];
    while ends[ends.len() - 1] < octets.len() {
        let start = ends[ends.len() - 1];
        ends.push(start + usize::from(octets[start + 1]));
    }
    ends
}

#[test]
fn truncations() {
    let mut accepted = 0;
    for (packet, source, key) in packets() {
        let octets = hex(packet);
        let ends = ends(&octets);
        for length in 0..octets.len() {
            let Ok(parsed) = parse(Family::of(&source), &octets[..length]) else { continue };
            assert!(ends.contains(&length), "{length} of {packet}");
            accepted += 1;
            if let Some(key) = key {
                assert!(!parsed.verify_md5(&KeyBytes::new(key).unwrap(), source), "{length} of {packet}");
            }
        }
    }
    // The hello without the forwarder behind it: of the AVG, of the key chain, of IPv6.
    assert_eq!(accepted, 3);
}

#[test]
fn no_flipped_bit_of_a_signed_packet_is_accepted() {
    let (mut flipped, mut read) = (0, 0);
    for (packet, source, key) in packets() {
        let Some(key) = key.map(|key| KeyBytes::new(key).unwrap()) else { continue };
        let octets = hex(packet);
        assert!(parse(Family::of(&source), &octets).unwrap().verify_md5(&key, source));
        for damaged in flips(&octets) {
            flipped += 1;
            if let Ok(parsed) = parse(Family::of(&source), &damaged) {
                assert!(!parsed.verify_md5(&key, source), "{damaged:02x?} of {packet}");
                read += 1;
            }
        }
    }
    // 104 + 68 + 128 octets.
    assert_eq!(flipped, 300 * 8);
    assert!(read > 1000, "most flips are found by the digest alone: {read}");
}

#[test]
fn flipped_bits_of_other_packets_do_not_panic() {
    let text = AuthText::new("geheim").unwrap();
    let (mut flipped, mut read) = (0, 0);
    for (packet, source, _) in packets().into_iter().filter(|(_, _, key)| key.is_none()) {
        let original = hex(packet);
        let before = parse(Family::of(&source), &original).unwrap();
        for damaged in flips(&original) {
            flipped += 1;
            let Ok(parsed) = parse(Family::of(&source), &damaged) else { continue };
            read += 1;
            // Of the text itself no bit may differ.
            let in_text = damaged.iter().zip(&original).position(|(a, b)| a != b).unwrap();
            if before.verify_text(&text) && (16..22).contains(&in_text) {
                assert!(!parsed.verify_text(&text), "{damaged:02x?}");
            }
        }
    }
    // 60 + 32 + 32 + 50 octets.
    assert_eq!(flipped, 174 * 8);
    assert!(0 < read && read < flipped, "{read}");
}

/// 200,000 random strings of 0 to 127 octets, half of them with a header that is right.
#[test]
fn noise_does_not_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let key = KeyBytes::new("geheim").unwrap();
    for round in 0..200_000 {
        let mut octets: Vec<u8> = (0..usize::from(next() & 127)).map(|_| next()).collect();
        if round % 2 == 0 && octets.len() >= 16 {
            octets[..12].copy_from_slice(&hex("010000010000c2007cb80000"));
            // A type and a length that have a chance.
            octets[12] &= 7;
            octets[13] &= 31;
        }
        let _ = peek_group(&octets);
        for family in [Family::V4, Family::V6] {
            if let Ok(parsed) = parse(family, &octets) {
                assert!(!parsed.verify_md5(&key, ip("192.168.0.10")));
            }
        }
    }
}
