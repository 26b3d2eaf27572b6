//! HSRP: what is read, what is refused, what is written.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "../common/mod.rs"]
mod common;

#[cfg(feature = "envelope")]
mod captures;
mod corruption;
mod rules;
#[cfg(feature = "envelope")]
mod tshark;
mod vectors;

use std::net::IpAddr;
use std::time::Duration;

use common::{hex, ip};
use fhrp_wire::MacAddr;
use fhrp_wire::hsrp::{
    DecodeError, Group, KeyBytes, Message, Opcode, Parsed, Parts, Received, State, Timers, Variant, parse,
};

/// Active, priority 200, default text: captured.
const V1_TEXT: &str = "000010030ac80100636973636f000000c0a80001";
/// Coup from Listen, 5 s and 15 s: captured.
const V1_COUP: &str = "000102050f6e0100636973636f000000c0a817fa";
/// Resign in Speak: captured.
const V1_RESIGN: &str = "000204050f640100636973636f000000c0a817fa";
/// Key `openwall12345`, from 10.0.0.20: captured.
const V1_MD5: &str = "000010030a64010000000000000000000a000064\
    041c010000000a00001400000000f02fc41b1b516e2d1261d8800d39ccea";
/// Key `password12345`, from 10.0.0.10: captured.
const V1_MD5_OTHER_KEY: &str = "000010030a6e010000000000000000000a000064\
    041c010000000a00000a0000000054fc3be1c0c4adc5abec53109d6c6c79";
/// Advertise, active, one group and two; four uninitialised octets: captured.
const V1_ADVERTISE: &str = "00030001000e0300000100026f000000";
/// Group 920, Standby, priority 90, default text: captured.
const V2_TEXT: &str = "0128020005040398700f6aeff5bf0000005a00000bb8000027100a34dc7e000000000000000000000000\
    0308636973636f000000";
/// Key `password`, from 10.0.0.10: captured.
const V2_MD5: &str = "0128020006040001aabbcc000a000000006400000bb8000027100a000064000000000000000000000000\
    041c010000000a00000a00000000642fedafe1f374bd2fdd8f1ba81d87a2";
/// Key `password12345`, from 10.0.0.20, Speak: captured.
const V2_MD5_OTHER_KEY: &str = "0128020004040001aabbcc001400000000c800000bb8000027100a000064000000000000000000000000\
    041c010000000a000014000000003b32f622ccfeb4aca6538008e7e9cc39";
/// As [`V2_MD5`], but the padding is uninitialised. The digest was made apart from this crate, by the same rule.
const V2_MD5_PADDING: &str = "0128020006040001aabbcc000a000000006400000bb8000027100a000064deadbeef0123456789abcdef\
    041c010000000a00000a00000000f523a1b65bddd26782466c249467a706";
/// One group Active, none passive: captured.
const V2_INTERFACE_STATE: &str = "020400010000";
/// Group 16, whose virtual address was captured; key 7 `geheim`, from fe80::1. The digest was made apart from this
/// crate, by the same rule.
const V6_MD5: &str = "01280200060600100200000000010000006400000bb800002710fe80000000000000000573fffea00010\
    041c01000000000000010000000717800776f49640e77b5d7fbae98aeca7";

/// Source and key of a signed packet.
type Signer = (IpAddr, KeyBytes);

/// Every packet above: its variant, its octets, and whose it is if it is signed.
fn packets() -> Vec<(Variant, Vec<u8>, Option<Signer>)> {
    let plain = |variant, octets| (variant, hex(octets), None);
    let signed = |variant, octets, source, key| (variant, hex(octets), Some((ip(source), self::key(key))));
    vec![
        plain(Variant::V1, V1_TEXT),
        plain(Variant::V1, V1_COUP),
        plain(Variant::V1, V1_RESIGN),
        plain(Variant::V1, V1_ADVERTISE),
        signed(Variant::V1, V1_MD5, "10.0.0.20", "openwall12345"),
        signed(Variant::V1, V1_MD5_OTHER_KEY, "10.0.0.10", "password12345"),
        plain(Variant::V2Ipv4, V2_TEXT),
        plain(Variant::V2Ipv4, V2_INTERFACE_STATE),
        signed(Variant::V2Ipv4, V2_MD5, "10.0.0.10", "password"),
        signed(Variant::V2Ipv4, V2_MD5_OTHER_KEY, "10.0.0.20", "password12345"),
        signed(Variant::V2Ipv4, V2_MD5_PADDING, "10.0.0.10", "password"),
        signed(Variant::V2Ipv6, V6_MD5, "fe80::1", "geheim"),
    ]
}

fn key(text: &str) -> KeyBytes {
    KeyBytes::new(text).unwrap()
}

fn message(variant: Variant, octets: &[u8]) -> Result<Received<'_>, DecodeError> {
    match parse(variant, octets)? {
        Parsed::Message(received) => Ok(received),
        Parsed::InterfaceState(state) => panic!("{state:?}"),
    }
}

/// A Hello of an Active router, priority 100, every 3 s, valid for 10 s.
fn hello(variant: Variant, group: u16, address: &str) -> Parts {
    Parts {
        group: Group::new(variant, group).unwrap(),
        opcode: Opcode::Hello,
        state: State::Active,
        priority: 100,
        timers: Timers::default_of(variant.version()),
        identifier: MacAddr([0x02, 0, 0, 0, 0, 1]),
        address: Some(ip(address)),
    }
}

fn timers(variant: Variant, hello: u64, hold: u64) -> Timers {
    let (hello, hold) = (Duration::from_millis(hello), Duration::from_millis(hold));
    Timers::new(variant.version(), hello, hold).unwrap()
}

fn build(parts: Parts) -> Message {
    Message::new(parts).unwrap()
}
