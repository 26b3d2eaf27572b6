//! Frames of a capture with their times. The captures are not part of this repository: they are looked for beside the
//! workspace, or where `FHRP_CAPTURES` says.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Microseconds since the first frame, and the frame.
pub(crate) type Captured = (u64, Vec<u8>);

/// Every frame of the file of this name, or `None` after saying that the test is skipped.
pub(crate) fn frames(name: &str) -> Option<Vec<Captured>> {
    let octets = std::fs::read(directory()?.join(name)).unwrap();
    let word = |at: usize| {
        let word: [u8; 4] = octets[at..at + 4].try_into().unwrap();
        if octets[0] == 0xa1 { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) }
    };
    assert_eq!(word(0), 0xa1b2_c3d4, "classic format, microseconds");
    let (mut at, mut frames, mut first) = (24, Vec::new(), None);
    while at < octets.len() {
        let micros = u64::from(word(at)) * 1_000_000 + u64::from(word(at + 4));
        let length = usize::try_from(word(at + 8)).unwrap();
        frames.push((micros - *first.get_or_insert(micros), octets[at + 16..at + 16 + length].to_vec()));
        at += 16 + length;
    }
    Some(frames)
}

fn directory() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/captures");
    let directory = std::env::var_os("FHRP_CAPTURES").map_or(beside, PathBuf::from);
    if directory.is_dir() {
        return Some(directory);
    }
    skip(&format!("there is no directory {}", directory.display()));
    None
}

/// Says so past the test harness, and fails if `FHRP_REQUIRE` names captures. The file that `FHRP_TALLY` names gets a
/// line `skipped NAME captures`.
fn skip(why: &str) {
    std::io::stderr().write_all(format!("SKIPPED captures: {why}\n").as_bytes()).unwrap();
    let required = std::env::var("FHRP_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name.trim() == "captures"), "captures are required: {why}");
    if let Some(path) = std::env::var_os("FHRP_TALLY") {
        let mut tally = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        let name = std::thread::current().name().unwrap_or("?").to_owned();
        tally.write_all(format!("skipped {name} captures\n").as_bytes()).unwrap();
    }
}
