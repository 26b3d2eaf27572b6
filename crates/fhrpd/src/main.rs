//! The first-hop redundancy daemon.
fn main() {}
