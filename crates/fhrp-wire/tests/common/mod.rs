//! What the tests of this crate share.
#![allow(dead_code, unreachable_pub, reason = "every test binary uses another part")]

pub mod captures;
pub mod tshark;

use std::io::Write;
use std::net::IpAddr;

use fhrp_wire::vrrp::{Addresses, Advertisement, Body, Centiseconds, Seconds, Vrid};

/// The octets of hexadecimal text; white space is ignored.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|digit| !digit.is_whitespace()).collect();
    assert_eq!(digits.len() % 2, 0, "{text}");
    let octet = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap();
    digits.chunks(2).map(octet).collect()
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub fn ips(text: &[&str]) -> Vec<IpAddr> {
    text.iter().map(|address| ip(address)).collect()
}

/// A version 3 advertisement with an interval in centiseconds.
pub fn v3(vrid: u8, priority: u8, centiseconds: u16, addresses: &[IpAddr]) -> Advertisement<'_> {
    let body = Body::V3 { interval: Centiseconds::new(centiseconds).unwrap() };
    Advertisement::new(Vrid::new(vrid).unwrap(), priority, Addresses::new(addresses).unwrap(), body).unwrap()
}

/// A version 2 advertisement of virtual router 5, priority 100, every second.
pub fn v2(auth: fhrp_wire::vrrp::AuthData, addresses: &[IpAddr]) -> Advertisement<'_> {
    let body = Body::V2 { interval: Seconds::new(1).unwrap(), auth };
    Advertisement::new(Vrid::new(5).unwrap(), 100, Addresses::new(addresses).unwrap(), body).unwrap()
}

/// A test cannot run for want of `what`: says so, and fails if `FHRP_REQUIRE` names it. The file that `FHRP_TALLY`
/// names gets a line `skipped NAME WHAT`.
pub fn skip(what: &str, why: &str) {
    // Written past the test harness, which would keep the output of a test that passes to itself.
    std::io::stderr().write_all(format!("SKIPPED {what}: {why}\n").as_bytes()).unwrap();
    let required = std::env::var("FHRP_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == what), "{what} is required: {why}");
    if let Some(path) = std::env::var_os("FHRP_TALLY") {
        let mut tally = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        tally.write_all(format!("skipped {name} {what}\n").as_bytes()).unwrap();
    }
}
