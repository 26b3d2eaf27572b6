//! A short soak: a few rounds of faults against the real kernel, and every checker. `.ci/long` runs a long one.
#![allow(clippy::unwrap_used, reason = "a test program")]
#![forbid(unsafe_code)]

use std::path::Path;

use fhrp_lab::{
    soak::{End, Length, SoakOptions, run_soak},
    world,
};

/// Chosen for a variety of faults in few rounds.
const SEED: u64 = 2;
const ROUNDS: u64 = 3;

#[test]
fn a_few_rounds_of_faults_violate_nothing() {
    let Some(world) = world!(Nft) else { return };
    let options = SoakOptions {
        seed: SEED,
        length: Length::Rounds(ROUNDS),
        binary: env!("CARGO_BIN_EXE_fhrpd").into(),
        evidence: Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("soak-{SEED}")),
        end: End::Go,
    };
    let report = run_soak(world, &options, |line| println!("{line}")).unwrap();
    println!("{report}");
    assert_eq!(report.violations, [], "evidence is in {:?}", report.evidence);
    assert_eq!(report.rounds, ROUNDS);
    assert!(report.faults.len() > 5 && report.takeovers > 10 && report.checks > 1000, "{report}");
}
