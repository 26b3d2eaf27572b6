//! The daemon in network namespaces: what it does to hosts, to peers, and to the system it runs on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "a test program")]

mod failover;

use fhrp_lab::Daemon;

fn fhrpd() -> Daemon {
    Daemon::fhrpd(env!("CARGO_BIN_EXE_fhrpd"))
}
