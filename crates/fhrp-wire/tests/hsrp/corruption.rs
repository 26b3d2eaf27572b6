//! Damaged packets: nothing panics, and nothing damaged passes for signed.

use fhrp_wire::hsrp::{Parsed, Variant, parse, peek_group};

use crate::packets;

/// Without its last TLV a message of version 2 is whole again, and unauthenticated; version 1 likewise.
#[test]
fn no_truncation_is_accepted_as_signed() {
    for (variant, octets, signed) in packets() {
        assert!(parse(variant, &octets).is_ok());
        for length in 0..octets.len() {
            let truncated = &octets[..length];
            let _ = peek_group(variant, truncated);
            let Ok(Parsed::Message(received)) = parse(variant, truncated) else { continue };
            let unsigned = if variant == Variant::V1 { 20 } else { 42 };
            assert_eq!(length, unsigned, "{octets:02x?}");
            if let Some((source, key)) = &signed {
                assert!(!received.verify_md5(key, *source), "{length} of {octets:02x?}");
            }
        }
    }
}

#[test]
fn no_flipped_bit_is_accepted_as_signed() {
    let (mut flipped, mut unreadable) = (0, 0);
    for (variant, octets, signed) in packets() {
        for bit in 0..octets.len() * 8 {
            let mut damaged = octets.clone();
            damaged[bit / 8] ^= 0x80 >> (bit % 8);
            let _ = peek_group(variant, &damaged);
            let parsed = parse(variant, &damaged);
            let Some((source, key)) = &signed else { continue };
            flipped += 1;
            match parsed {
                Ok(Parsed::Message(received)) => {
                    assert!(!received.verify_md5(key, *source), "{damaged:02x?} of {octets:02x?}");
                }
                Ok(Parsed::InterfaceState(state)) => panic!("{state:?}"),
                Err(_) => unreadable += 1,
            }
        }
    }
    // Two of 50 octets and four of 72.
    assert_eq!(flipped, (2 * 50 + 4 * 72) * 8);
    println!("{flipped} flipped bits, {unreadable} of them unreadable, none accepted");
}

/// 200,000 random strings of 0 to 127 octets, half of them with a plausible beginning.
#[test]
fn noise_does_not_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let mut read = 0;
    for round in 0..200_000 {
        let mut octets: Vec<u8> = (0..usize::from(next() & 127)).map(|_| next()).collect();
        for (octet, plausible) in octets.iter_mut().zip([[0, 0, 16], [1, 40, 2]][round % 2]) {
            if next() < 128 {
                *octet = plausible;
            }
        }
        for variant in [Variant::V1, Variant::V2Ipv4, Variant::V2Ipv6] {
            let _ = peek_group(variant, &octets);
            read += usize::from(parse(variant, &octets).is_ok());
        }
    }
    assert!(read > 0, "some of it gets past the first rules");
}
