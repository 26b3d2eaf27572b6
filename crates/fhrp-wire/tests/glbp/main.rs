//! GLBP: what is read, what is refused, what is written.
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

use fhrp_wire::MacAddr;
use fhrp_wire::glbp::{
    Body, Forwarder, ForwarderNumber, ForwarderPriority, Forwarders, GroupNumber, Hello, Milliseconds,
    Packet, Seconds, Timers, VfState, VgState,
};

/// The AVG with its own forwarder: captured.
const AVG: &str = "010000010000c2007cb80000\
    011c002000c8000000000bb8000027100258384000000104c0a80001\
    0214012000a764003840025800000007b4000101";
/// A router without a forwarder asks for one: captured.
const REQUEST: &str = "010100010000c2027cca00000214000000000000000000000000000000000000";
/// It gets forwarder 2: captured.
const RESPONSE: &str = "010200010000c2007cb8000002140200000000000000000000000007b4000102";
/// Key chain, key 1 `password12345`, from 10.1.2.2; two reserved fields and one octet not zero: captured.
const KEY_CHAIN: &str = "010000010000aabbcc000a00\
    0318031400000001865e3d0c969304fa3e8e6a00b1abb0a9\
    0414013df1c8bea4aabbcc0014005e96903f0bb8\
    011c00200082000000000bb80000271002583840000001040a010201\
    0214012000a764013840025800870007b4000101";
/// Key string `geheim`, from 192.168.0.10. The digest was made apart from this crate, by the same rule.
const KEY_STRING: &str = "010000010000c2007cb80000\
    031402109297742f80d6e002d8acfd645b36142b\
    0408000700000001\
    011c002000c8000000000bb8000027100258384000000104c0a80001";
/// Text `geheim`.
const TEXT: &str = "010000010000c2007cb80000\
    030a010667656865696d\
    011c002000c8000000000bb8000027100258384000000104c0a80001";
/// Group 46, whose automatic address was captured; key chain, key 7 `geheim`, from fe80::1, two peers. The digest
/// was made apart from this crate, by the same rule.
const V6: &str = "0100002e0000aabbcc000a00\
    0318031400000007f1c1104dd54e6ee492cf0c390a20acf0\
    04200205deadbeef020000000001111111110000020000000002222222220000\
    012800200064000000000bb8000027100258384000000210fe800000000000000007b4fffe002e00\
    0214012000a764003840025800000007b4002e01";

const OWNER: MacAddr = MacAddr([0xc2, 0x00, 0x7c, 0xb8, 0x00, 0x00]);

fn group(number: u16) -> GroupNumber {
    GroupNumber::new(number).unwrap()
}

fn number(number: u8) -> ForwarderNumber {
    ForwarderNumber::new(number).unwrap()
}

/// A hello every 3 s, held for 10 s; 600 s and 14400 s.
fn hello(state: VgState, priority: u8, address: &str) -> Hello {
    let milliseconds = |value| Milliseconds::new(value).unwrap();
    let timers =
        Timers::new(milliseconds(3000), milliseconds(10_000), Seconds::new(600), Seconds::new(14_400));
    Hello::new(state, priority, timers.unwrap(), common::ip(address)).unwrap()
}

/// A forwarder that its owner serves, weight 100.
fn primary(forwarder: u8) -> Forwarder {
    Forwarder {
        number: number(forwarder),
        state: VfState::Active,
        priority: ForwarderPriority::PRIMARY,
        weight: 100,
        timeout_left: Seconds::new(14_400),
        redirect_left: Seconds::new(600),
    }
}

/// Of group 1, from [`OWNER`].
fn announcement(hello: Option<Hello>, forwarders: &[Forwarder]) -> Packet {
    let forwarders = Forwarders::new(forwarders).unwrap();
    Packet::new(group(1), OWNER, Body::Announcement { hello, forwarders }).unwrap()
}

/// Every packet above, its source, and the key it is signed with.
fn packets() -> [(&'static str, IpAddr, Option<&'static str>); 7] {
    let v4 = common::ip("192.168.0.10");
    [
        (AVG, v4, None),
        (REQUEST, v4, None),
        (RESPONSE, v4, None),
        (TEXT, v4, None),
        (KEY_CHAIN, common::ip("10.1.2.2"), Some("password12345")),
        (KEY_STRING, v4, Some("geheim")),
        (V6, common::ip("fe80::1"), Some("geheim")),
    ]
}
