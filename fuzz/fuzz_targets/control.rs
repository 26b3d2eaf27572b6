//! Lines from clients of the control socket; see [`fhrp_fuzz::control`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fhrp_fuzz::control(data));
