//! GLBP from outside: several engines on a LAN in virtual time, with hosts, and single ones with forged or captured
//! packets. There is no specification; expected times and octets are those of captures of real routers.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should fail loudly"
)]

mod addresses;
mod authentication;
mod captures;
mod counters;
mod faults;
mod forwarders;
mod gateway;
mod hosts;
mod ipv6;
mod lan;
mod packets;
#[path = "../hsrp/pcap.rs"]
mod pcap;
mod receive;
mod regressions;
mod stories;
mod weighting;
