//! Configuration files; see [`fhrp_fuzz::config`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fhrp_fuzz::config(data));
