//! The first-hop redundancy daemon.
#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    fhrpd::cli::main()
}
