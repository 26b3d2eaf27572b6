//! Fault scripts; see [`fhrp_fuzz::script`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fhrp_fuzz::script(data));
