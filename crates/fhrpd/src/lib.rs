//! The first-hop redundancy daemon as a library: what the binary does, callable by tests and fuzzers.
//!
//! * [`cli`] reads the command line and picks one of the others.
//! * [`config`] reads the configuration file; it is the only place that knows the file's keys.
//! * [`run`] is the daemon; [`control`] answers questions about it, [`report`] is the answer, [`show`] prints it.
//! * [`decode`] shows what the wire codec makes of captured packets.
//! * [`simulate`] tries configurations and faults in virtual time.
//! * [`lab`] lets a gateway fail in namespaces and shows what that cost.
//! * [`logging`] writes log lines without ever making anybody wait; everything else is written by `output`.
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod cli;
pub mod config;
pub mod control;
pub mod decode;
pub mod lab;
pub mod logging;
mod output;
pub mod report;
pub mod run;
pub mod show;
pub mod simulate;

use std::io::IsTerminal as _;

use config::Style;

/// Colours where a person looks on.
fn stderr_style() -> Style {
    if std::io::stderr().is_terminal() { Style::Coloured } else { Style::Plain }
}
