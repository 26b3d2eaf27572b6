//! A soak: three routers with every protocol, faults from a seed against the real kernel, and checkers that read the
//! wire, the daemons' `show` and the kernel.
//!
//! ```text
//! seed ──► strikes of a round ──► mended ──► settled? ──► calm: nothing may change ──► the next round
//!            │ capture                          │ show, ip, bridge      │ probes, memory, descriptors
//!            └─► who claims what, announces, resigns                    └─► a violation ends the run
//! ```

mod bench;
mod check;
mod evidence;
mod fault;
mod growth;
mod judge;
mod kernel;
mod noise;
mod parties;
mod report;
mod round;
mod schedule;
mod show;
mod wire;

pub use check::{Checker, Violation};
pub use growth::{Life, Usage};
pub use report::SoakReport;
pub use round::{End, Length, SoakOptions, run_soak};
