//! Known octets, both ways. None of them were made by this crate.
//!
//! The advertisements: VRID 5, priority 100, one address, from 10.0.0.1 or fe80::1; worked out by hand from
//! RFC 3768 §5.3 and RFC 9568 §5.2, and confirmed by tshark (which knows the RFC 5798 form only). The last one
//! was sent by a Cisco router.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use bytes::BytesMut;
use common::{hex, ip, ips, v2, v3};
use fhrp_wire::Family;
use fhrp_wire::vrrp::{
    Advertisement, AuthData, Body, ChecksumForm, ChecksumSeen, GROUP_V4, GROUP_V6, KeyBytes, Seconds,
    TextKey, Version, parse,
};

/// Source and destination of the packets of one family.
fn ends(family: Family) -> (IpAddr, IpAddr) {
    match family {
        Family::V4 => (ip("10.0.0.1"), GROUP_V4.into()),
        Family::V6 => (ip("fe80::1"), GROUP_V6.into()),
    }
}

/// `octets` read as `value`, and `value` is written as `octets`.
#[track_caller]
fn both_ways(octets: &str, value: &Advertisement<'_>, seen: ChecksumSeen, form: ChecksumForm) {
    let octets = hex(octets);
    let (source, destination) = ends(value.family());
    let parsed = parse(source, destination, &octets).unwrap();
    assert_eq!(&parsed.advertisement, value);
    assert_eq!(parsed.checksum, seen);

    let mut out = BytesMut::from(&b"before"[..]);
    value.emit(&mut out, source, destination, form).unwrap();
    assert_eq!(&out[6..], octets);
    assert_eq!(value.wire_octets(), octets.len());
}

#[test]
fn version_2_without_authentication() {
    let addresses = ips(&["10.0.0.254"]);
    let value = v2(AuthData::None, &addresses);
    let octets = "2105640100016ffa0a0000fe0000000000000000";
    both_ways(octets, &value, ChecksumSeen::OnlyForm, ChecksumForm::Rfc9568);
    both_ways(octets, &value, ChecksumSeen::OnlyForm, ChecksumForm::Rfc5798);
    assert_eq!(value.version(), Version::V2);
    assert_eq!(value.interval(), Duration::from_secs(1));
}

#[test]
fn version_2_with_a_password() {
    let addresses = ips(&["10.0.0.254"]);
    let key = TextKey::new("1234").unwrap();
    let value = v2(AuthData::Text(key.octets()), &addresses);
    let octets = "2105640101010a940a0000fe3132333400000000";
    both_ways(octets, &value, ChecksumSeen::OnlyForm, ChecksumForm::Rfc9568);
    assert!(value.verify_text(&key));
    for wrong in ["1235", "123", "12345"] {
        assert!(!value.verify_text(&TextKey::new(wrong).unwrap()), "{wrong}");
    }
    assert!(!v2(AuthData::None, &addresses).verify_text(&key));
    assert!(!v3(5, 100, 100, &addresses).verify_text(&key));
}

#[test]
fn version_3_ipv4_in_both_checksum_forms() {
    let addresses = ips(&["10.0.0.254"]);
    let value = v3(5, 100, 100, &addresses);
    both_ways("3105640100645f970a0000fe", &value, ChecksumSeen::Rfc9568, ChecksumForm::Rfc9568);
    both_ways("31056401006475070a0000fe", &value, ChecksumSeen::Rfc5798, ChecksumForm::Rfc5798);
    assert_eq!(ChecksumForm::default(), ChecksumForm::Rfc9568);
    assert_eq!(value.interval(), Duration::from_secs(1));
}

#[test]
fn version_3_giving_up() {
    let addresses = ips(&["10.0.0.254"]);
    let value = v3(5, 0, 100, &addresses);
    both_ways("310500010064c3970a0000fe", &value, ChecksumSeen::Rfc9568, ChecksumForm::Rfc9568);
}

#[test]
fn version_3_ipv6() {
    let addresses = ips(&["fe80::254", "fd00:a::254"]);
    let value = v3(5, 100, 100, &addresses);
    let octets = "3105640200646c31fe800000000000000000000000000254fd00000a000000000000000000000254";
    both_ways(octets, &value, ChecksumSeen::OnlyForm, ChecksumForm::Rfc9568);
    both_ways(octets, &value, ChecksumSeen::OnlyForm, ChecksumForm::Rfc5798);
    assert_eq!(value.family(), Family::V6);
    assert_eq!(value.addresses().iter().collect::<Vec<_>>(), addresses);
}

/// Sent by a Cisco router with the key `123456789`: VRID 1, priority 200, 3 s.
#[test]
fn cisco_md5() {
    let octets = hex("2101c801fe0330930a00001e0000000000000000\
         fe1c010000000a00000a0000000019b30f74c7ba6486ced3151a50514b79");
    let key = KeyBytes::new("123456789").unwrap();
    let sender = Ipv4Addr::new(10, 0, 0, 10);
    let parsed = parse(sender.into(), GROUP_V4.into(), &octets).unwrap();
    let value = parsed.advertisement;
    assert_eq!((value.vrid().get(), value.priority()), (1, 200));
    let auth = AuthData::CiscoMd5 {
        source: sender,
        key_id: 0,
        digest: hex("19b30f74c7ba6486ced3151a50514b79").try_into().unwrap(),
    };
    assert_eq!(value.body(), &Body::V2 { interval: Seconds::new(3).unwrap(), auth });
    assert!(value.verify_md5(&key, sender.into()));
    assert!(!value.verify_md5(&KeyBytes::new("12345678").unwrap(), sender.into()));
    assert!(!value.verify_md5(&key, ip("10.0.0.11")), "somebody else's block");

    let addresses = ips(&["10.0.0.30"]);
    let body = Body::V2 { interval: Seconds::new(3).unwrap(), auth: AuthData::None };
    let plain =
        Advertisement::new(value.vrid(), 200, fhrp_wire::vrrp::Addresses::new(&addresses).unwrap(), body);
    let signed = plain.unwrap().sign_md5(&key, 0, sender);
    assert_eq!(signed, value);
    let mut out = BytesMut::new();
    signed.emit(&mut out, sender.into(), GROUP_V4.into(), ChecksumForm::Rfc9568).unwrap();
    assert_eq!(out, octets);
}

#[test]
fn version_3_cannot_be_signed() {
    let addresses = ips(&["10.0.0.254"]);
    let value = v3(5, 100, 100, &addresses);
    let key = KeyBytes::new("123456789").unwrap();
    assert_eq!(value.sign_md5(&key, 0, Ipv4Addr::new(10, 0, 0, 1)), value);
    assert!(!value.verify_md5(&key, ip("10.0.0.1")));
}

#[test]
fn secrets_are_not_printed() {
    let addresses = ips(&["10.0.0.254"]);
    let text = format!("{:?}", v2(AuthData::Text(*b"geheim\0\0"), &addresses));
    assert!(text.contains("Text(..)"), "{text}");
    for secret in ["geheim", "103", "67"] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// A type that is not ours to understand is kept as a number; its data is not.
#[test]
fn unknown_authentication() {
    let addresses = ips(&["10.0.0.254"]);
    let value = v2(AuthData::Unknown(2), &addresses);
    // As the first vector, with type 2 and so a checksum smaller by 0200.
    let octets = "2105640102016dfa0a0000fe0000000000000000";
    both_ways(octets, &value, ChecksumSeen::OnlyForm, ChecksumForm::Rfc9568);
}

#[test]
fn families_do_not_mix_when_writing() {
    let addresses = ips(&["10.0.0.254"]);
    let mut out = BytesMut::new();
    for (source, destination) in
        [("fe80::1", "ff02::12"), ("10.0.0.1", "ff02::12"), ("fe80::1", "224.0.0.18")]
    {
        let result =
            v3(5, 100, 100, &addresses).emit(&mut out, ip(source), ip(destination), ChecksumForm::Rfc9568);
        assert_eq!(result, Err(fhrp_wire::vrrp::FamilyMismatch));
    }
    assert!(out.is_empty());
}
