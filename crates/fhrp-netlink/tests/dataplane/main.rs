//! The Linux backend against the real kernel, in private network namespaces.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

mod filter;
mod glbp;
mod leftovers;
mod links;
mod mend;
mod open_close;
mod plain;
mod scale;
mod support;
