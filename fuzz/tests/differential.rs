//! tshark's verdict beside ours, in short; `cargo run --bin differential` has the long form.

use fhrp_fuzz::differential::{compare, corpus};
use fhrp_lab::test_name;
use fhrp_lab::testing::{Need, require};

const PACKETS: usize = 10_000;

#[test]
fn tshark_agrees() {
    if !require(test_name!(), &[Need::Tshark]) {
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let comparison = compare(&corpus(PACKETS, 1), folder).expect("tshark runs");
    assert!(comparison.sound > PACKETS / 20 && comparison.broken > PACKETS / 20, "{comparison:?}");
    assert!(comparison.differences.is_empty(), "{}", comparison.differences.join("\n"));
}
