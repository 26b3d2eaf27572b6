//! Frames and HSRP payloads of any shape; see [`fhrp_fuzz::decode_hsrp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fhrp_fuzz::decode_hsrp(data));
