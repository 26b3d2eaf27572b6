//! Every rule on a received payload: what breaks it, and that nothing else does.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::net::IpAddr;

use common::{hex, ip};
use fhrp_wire::Family;
use fhrp_wire::vrrp::{
    AuthData, Body, Centiseconds, ChecksumForm, ChecksumSeen, DecodeError, GROUP_V4, GROUP_V6,
    InvalidAdvertisement, Parsed, Version, Vrid, authenticates_vrrp, parse, peek_vrid,
};

const V2: &str = "2105640100016ffa0a0000fe0000000000000000";
const V3: &str = "3105640100645f970a0000fe";
const V6: &str = "3105640200646c31fe800000000000000000000000000254fd00000a000000000000000000000254";

fn v4(octets: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    parse(ip("10.0.0.1"), GROUP_V4.into(), octets)
}

fn v6(octets: &[u8]) -> Result<Parsed<'_>, DecodeError> {
    parse(ip("fe80::1"), GROUP_V6.into(), octets)
}

/// Replaces octets and mends the checksum by the difference (RFC 1624 equation 3), without the code under test.
fn changed(packet: &str, changes: &[(usize, u8)]) -> Vec<u8> {
    let mut octets = hex(packet);
    let before = words(&octets);
    for (index, octet) in changes {
        octets[*index] = *octet;
    }
    let after = words(&octets);
    let checksum = u16::from_be_bytes([octets[6], octets[7]]);
    let mut sum = u64::from(!checksum) + (0xffff * 1000 - before) + after;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    octets[6..8].copy_from_slice(&(!u16::try_from(sum).unwrap()).to_be_bytes());
    octets
}

fn words(octets: &[u8]) -> u64 {
    octets.chunks(2).map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]]))).sum()
}

#[test]
fn fewer_octets_than_a_header() {
    for length in 0..8 {
        assert_eq!(v4(&hex(V3)[..length]), Err(DecodeError::TooShort { actual: length }));
    }
}

#[test]
fn every_version_but_two_and_three() {
    for version in (0..16).filter(|version| ![2, 3].contains(version)) {
        let octets = changed(V3, &[(0, version << 4 | 1)]);
        assert_eq!(v4(&octets), Err(DecodeError::Version(version)));
        let octets = changed(V6, &[(0, version << 4 | 1)]);
        assert_eq!(v6(&octets), Err(DecodeError::Version(version)));
    }
    assert_eq!(v4(&hex(V2)).unwrap().advertisement.version(), Version::V2);
    assert_eq!(v4(&hex(V3)).unwrap().advertisement.version(), Version::V3);
}

#[test]
fn version_2_is_not_for_ipv6() {
    let octets = changed(V6, &[(0, 0x21)]);
    assert_eq!(v6(&octets), Err(DecodeError::VersionNotForFamily(Version::V2, Family::V6)));
}

#[test]
fn every_type_but_advertisement() {
    for other in (0..16).filter(|other| *other != 1) {
        assert_eq!(v4(&changed(V3, &[(0, 0x30 | other)])), Err(DecodeError::Type(other)));
        assert_eq!(v4(&changed(V2, &[(0, 0x20 | other)])), Err(DecodeError::Type(other)));
        assert_eq!(v6(&changed(V6, &[(0, 0x30 | other)])), Err(DecodeError::Type(other)));
    }
}

#[test]
fn the_length_follows_from_the_count() {
    for packet in [V2, V3] {
        let octets = hex(packet);
        let expected = octets.len();
        for actual in 8..expected {
            assert_eq!(v4(&octets[..actual]), Err(DecodeError::Length { expected, actual }));
        }
        for extra in [1, 4, 8, 34] {
            let longer = [octets.clone(), vec![0; extra]].concat();
            assert_eq!(v4(&longer), Err(DecodeError::Length { expected, actual: expected + extra }));
        }
    }
    let octets = hex(V6);
    for actual in 8..40 {
        assert_eq!(v6(&octets[..actual]), Err(DecodeError::Length { expected: 40, actual }));
    }
    assert_eq!(v4(&changed(V3, &[(3, 2)])), Err(DecodeError::Length { expected: 16, actual: 12 }));
    assert_eq!(v6(&changed(V6, &[(3, 255)])), Err(DecodeError::Length { expected: 4088, actual: 40 }));
}

/// The address size comes from the IP header: the same octets are no advertisement in the other family.
#[test]
fn the_family_is_that_of_the_ip_header() {
    assert_eq!(v6(&hex(V3)), Err(DecodeError::Length { expected: 24, actual: 12 }));
    assert_eq!(v4(&hex(V6)), Err(DecodeError::Length { expected: 16, actual: 40 }));
    let mixed: [(IpAddr, IpAddr); 2] = [(ip("10.0.0.1"), GROUP_V6.into()), (ip("fe80::1"), GROUP_V4.into())];
    for (source, destination) in mixed {
        assert_eq!(parse(source, destination, &hex(V3)), Err(DecodeError::MixedFamilies));
    }
}

#[test]
fn wrong_checksums() {
    for packet in [V2, V3] {
        let mut octets = hex(packet);
        octets[7] ^= 0xff;
        assert_eq!(v4(&octets), Err(DecodeError::Checksum));
    }
    let mut octets = hex(V6);
    octets[7] ^= 0xff;
    assert_eq!(v6(&octets), Err(DecodeError::Checksum));
    // Version 2 and IPv6 know one form: the other family's habit is wrong there. ea97 is the pseudo-header's
    // sum for 20 octets, 6ffa - ea97 with end-around borrow 8562.
    let mut with_pseudo_header = hex(V2);
    with_pseudo_header[6..8].copy_from_slice(&[0x85, 0x62]);
    assert_eq!(v4(&with_pseudo_header), Err(DecodeError::Checksum));
    // 3105 + 6402 + 0064 + fe80 + 0254 + fd00 + 000a + 0254, folded: 959f; complement 6a60.
    let mut message_only = hex(V6);
    message_only[6..8].copy_from_slice(&[0x6a, 0x60]);
    assert_eq!(v6(&message_only), Err(DecodeError::Checksum));
}

/// From 21.113.10.0 the pseudo-header sums to ffff, zero in one's complement: the two forms are the same number.
#[test]
fn a_packet_may_match_both_forms() {
    // e000 + 0012 + 000c + 0070 = e08e; 1571 + 0a00 = 1f71; together ffff.
    let source = ip("21.113.10.0");
    let octets = hex(V3);
    let parsed = parse(source, GROUP_V4.into(), &octets).unwrap();
    assert_eq!(parsed.checksum, ChecksumSeen::Either);
    assert_eq!(parsed.checksum.form(), None);
}

/// What a sender uses is known only where the two forms differ.
#[test]
fn a_checksum_tells_its_form_or_not() {
    for (seen, form) in [
        (ChecksumSeen::Rfc9568, Some(ChecksumForm::Rfc9568)),
        (ChecksumSeen::Rfc5798, Some(ChecksumForm::Rfc5798)),
        (ChecksumSeen::Either, None),
        (ChecksumSeen::OnlyForm, None),
    ] {
        assert_eq!(seen.form(), form, "{seen:?}");
    }
}

#[test]
fn vrid_zero() {
    assert_eq!(v4(&changed(V3, &[(1, 0)])), Err(DecodeError::VridZero));
    assert_eq!(v4(&changed(V2, &[(1, 0)])), Err(DecodeError::VridZero));
    let octets = changed(V3, &[(1, 255)]);
    assert_eq!(v4(&octets).unwrap().advertisement.vrid(), Vrid::new(255).unwrap());
}

#[test]
fn no_address() {
    // 3105 + 6400 + 0064 = 9569, complement 6a96.
    assert_eq!(v4(&hex("3105640000646a96")), Err(DecodeError::CountZero));
    // 2105 + 6400 + 0001 = 8506, complement 7af9.
    assert_eq!(v4(&hex("2105640000017af90000000000000000")), Err(DecodeError::CountZero));
    // The IPv6 pseudo-header adds fe80 + 0001 + ff02 + 0012 + 0008 + 0070; 1fe0d; with 9569, folded, 9378: 6c87.
    assert_eq!(v6(&hex("3105640000646c87")), Err(DecodeError::CountZero));
}

#[test]
fn interval_zero() {
    for reserved in 0..16 {
        let octets = changed(V3, &[(4, reserved << 4), (5, 0)]);
        assert_eq!(v4(&octets), Err(DecodeError::IntervalZero));
    }
    assert_eq!(v4(&changed(V2, &[(5, 0)])), Err(DecodeError::IntervalZero));
    assert_eq!(v6(&changed(V6, &[(4, 0), (5, 0)])), Err(DecodeError::IntervalZero));
}

#[test]
fn the_reserved_bits_are_ignored() {
    let interval = Centiseconds::new(100).unwrap();
    for reserved in 0..16 {
        let octets = changed(V3, &[(4, reserved << 4)]);
        assert_eq!(v4(&octets).unwrap().advertisement.body(), &Body::V3 { interval });
        let octets = changed(V6, &[(4, reserved << 4)]);
        assert_eq!(v6(&octets).unwrap().advertisement.body(), &Body::V3 { interval });
    }
    let octets = changed(V3, &[(4, 0xff), (5, 0xff)]);
    assert_eq!(
        v4(&octets).unwrap().advertisement.body(),
        &Body::V3 { interval: Centiseconds::new(4095).unwrap() }
    );
}

#[test]
fn every_priority_is_legal() {
    for priority in 0..=255 {
        let octets = changed(V3, &[(2, priority)]);
        assert_eq!(v4(&octets).unwrap().advertisement.priority(), priority);
    }
}

#[test]
fn the_first_ipv6_address_is_link_local() {
    for (octets, legal) in
        [([0xfe, 0x80], true), ([0xfe, 0xbf], true), ([0xfe, 0xc0], false), ([0xfd, 0x80], false)]
    {
        let octets = changed(V6, &[(8, octets[0]), (9, octets[1])]);
        let result = v6(&octets);
        if legal {
            assert_eq!(result.unwrap().advertisement.addresses().len(), 2);
        } else {
            assert_eq!(result, Err(DecodeError::FirstAddressNotLinkLocal));
        }
    }
}

/// Authentication data of type 0 is ignored on receipt (RFC 3768 §5.3.10).
#[test]
fn data_without_authentication_is_ignored() {
    let octets = changed(V2, &[(12, 0x31), (19, 0x32)]);
    let parsed = v4(&octets).unwrap();
    let Body::V2 { auth, .. } = parsed.advertisement.body() else { panic!("version 2") };
    assert_eq!(auth, &AuthData::None);
}

#[test]
fn every_authentication_type_is_kept() {
    for auth_type in (0..=255).filter(|auth_type| *auth_type != 254) {
        let octets = changed(V2, &[(4, auth_type)]);
        let parsed = v4(&octets).unwrap();
        let Body::V2 { auth, .. } = parsed.advertisement.body() else { panic!("version 2") };
        assert_eq!(auth.auth_type(), auth_type);
        assert_eq!(matches!(auth, AuthData::Unknown(_)), auth_type > 1);
    }
}

const MD5: &str = "2101c801fe0330930a00001e0000000000000000\
                   fe1c010000000a00000a0000000019b30f74c7ba6486ced3151a50514b79";

#[test]
fn the_md5_block_has_one_shape() {
    assert!(v4(&hex(MD5)).is_ok());
    // Authentication data, then type, length, algorithm, padding and flags of the block.
    for index in 12..26 {
        let octets = changed(MD5, &[(index, 0x55)]);
        assert_eq!(v4(&octets), Err(DecodeError::Md5Block), "octet {index}");
    }
    // Address, key id and digest are data.
    for index in 26..50 {
        assert!(v4(&changed(MD5, &[(index, 0x55)])).is_ok(), "octet {index}");
    }
    let octets = hex(MD5);
    for actual in 8..50 {
        assert_eq!(v4(&octets[..actual]), Err(DecodeError::Length { expected: 50, actual }));
    }
}

/// Version 2, type 1 and 36 octets, but the fourth counts the words of a digest: OpenBSD's CARP. The checksum is
/// right, so that nothing but its shape gives it away.
#[test]
fn carp_is_recognised() {
    // 2101 + 0007 + 0101 = 2209, complement ddf6.
    let mut octets = hex("210100070101ddf6");
    octets.resize(36, 0);
    assert_eq!(v4(&octets), Err(DecodeError::Carp));
    assert_eq!(v6(&octets), Err(DecodeError::Carp));
    octets[7] ^= 1;
    assert_eq!(v4(&octets), Err(DecodeError::Carp));
}

/// 36 octets are also a version 2 advertisement of five addresses.
#[test]
fn five_addresses_are_not_carp() {
    // 2105 + 6405 + 0001 + 5 * (0a00 + 0001) = b710, complement 48ef.
    let mut octets = hex("21056405000148ef");
    octets.extend([10, 0, 0, 1].repeat(5));
    octets.extend([0; 8]);
    assert_eq!(octets.len(), 36);
    assert_eq!(v4(&octets).unwrap().advertisement.addresses().len(), 5);
}

/// A packet that breaks two rules is counted by the first.
#[test]
fn the_first_broken_rule_decides() {
    // Unknown version and unknown type, wrong length and checksum: version.
    assert_eq!(v4(&hex("4f05640100640000")), Err(DecodeError::Version(4)));
    // Unknown type, wrong length: type.
    assert_eq!(v4(&hex("3f05640100640000")), Err(DecodeError::Type(15)));
    // Wrong length and checksum: length.
    assert_eq!(v4(&hex("3105640100640000")), Err(DecodeError::Length { expected: 12, actual: 8 }));
    // Wrong checksum, VRID 0, count 0, interval 0: checksum.
    assert_eq!(v4(&hex("3100640000000000")), Err(DecodeError::Checksum));
    // VRID 0, count 0, interval 0: 3100 + 6400 = 9500, complement 6aff.
    assert_eq!(v4(&hex("3100640000006aff")), Err(DecodeError::VridZero));
    // Count 0, interval 0: 3105 + 6400 = 9505, complement 6afa.
    assert_eq!(v4(&hex("3105640000006afa")), Err(DecodeError::CountZero));
    // Interval 0, first address not link-local.
    let octets = changed(V6, &[(4, 0), (5, 0), (8, 0xfd)]);
    assert_eq!(v6(&octets), Err(DecodeError::IntervalZero));
}

#[test]
fn peeking_needs_no_valid_packet() {
    assert_eq!(peek_vrid(&[]), None);
    assert_eq!(peek_vrid(&[0xff]), None);
    assert_eq!(peek_vrid(&[0xff, 7]), Some(7));
    assert!(authenticates_vrrp(&[112]));
    assert!(!authenticates_vrrp(&[50]));
    assert!(!authenticates_vrrp(&[]));
}

#[test]
fn version_2_over_ipv6_cannot_be_built() {
    let addresses = common::ips(&["fe80::1"]);
    let body = Body::V2 { interval: fhrp_wire::vrrp::Seconds::DEFAULT, auth: AuthData::None };
    let addresses = fhrp_wire::vrrp::Addresses::new(&addresses).unwrap();
    let result = fhrp_wire::vrrp::Advertisement::new(Vrid::new(1).unwrap(), 100, addresses, body);
    assert_eq!(result, Err(InvalidAdvertisement::Version2OverIpv6));
}
