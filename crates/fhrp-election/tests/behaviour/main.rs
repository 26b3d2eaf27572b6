//! How an election behaves, seen from outside: one module per question.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that panics has failed")]

mod lan;
mod preemption;
mod retuning;
mod rfc2281;
mod rfc3768;
mod rfc9568;
mod robustness;
mod router;
mod scenarios;
mod tidy;
