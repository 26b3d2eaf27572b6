//! Two routers and what happens to them; see [`fhrp_fuzz::engine`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fhrp_fuzz::engine(data));
