//! The Linux backend against the real kernel, in private network namespaces.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]

mod open_close;
mod support;
