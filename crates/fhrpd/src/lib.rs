//! The first-hop redundancy daemon as a library: what the binary does, callable by tests and fuzzers.
#![forbid(unsafe_code)]

pub mod config;
