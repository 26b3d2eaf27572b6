//! All targets, for those who run each of them.

/// A body, and what a run without a fuzzer does with it.
pub struct Target {
    /// As `cargo fuzz` calls it.
    pub name: &'static str,
    /// What it does with an input.
    pub body: fn(&[u8]),
    /// How many mutated inputs a short run has: some seconds for each target.
    pub short: u32,
}

/// Every target.
pub const TARGETS: [Target; 8] = [
    Target { name: "config", body: crate::config, short: 10_000 },
    Target { name: "control", body: crate::control, short: 300_000 },
    Target { name: "decode_file", body: crate::decode_file, short: 3_000 },
    Target { name: "decode_glbp", body: crate::decode_glbp, short: 300_000 },
    Target { name: "decode_hsrp", body: crate::decode_hsrp, short: 300_000 },
    Target { name: "decode_vrrp", body: crate::decode_vrrp, short: 300_000 },
    Target { name: "engine", body: crate::engine, short: 3_000 },
    Target { name: "script", body: crate::script, short: 10_000 },
];
