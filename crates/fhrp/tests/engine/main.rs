//! The engine from outside: frames, link events, acknowledgements and time in, actions out. Expected times and octets
//! are literals worked out from RFC 9568.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "a test that meets the unexpected should fail loudly"
)]

mod counters;
mod duties;
mod handover;
mod life;
mod ownership;
mod receive;
mod regressions;
mod remarks;
mod removals;
mod router;
mod snapshot;
mod underlay;
