//! HSRP from outside: several engines on one LAN in virtual time, and one engine among scripted or captured peers.
//! Expected times and octets are literals worked out from RFC 2281 and from what Cisco routers send.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should fail loudly"
)]

mod counters;
mod describe;
mod follow;
mod hostile;
mod keys;
mod lan;
mod learn;
mod life;
mod pcap;
mod peer;
mod ranges;
mod replay;
mod serve;
mod stories;
mod table;
