//! Capture files and hexadecimal text; see [`fhrp_fuzz::decode_file`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fhrp_fuzz::decode_file(data));
