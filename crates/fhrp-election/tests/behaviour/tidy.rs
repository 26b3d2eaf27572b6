//! The mechanism names no protocol.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn only_the_rule_tables_name_protocols() {
    let sources = rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(sources.iter().any(|path| path.ends_with("machine/hear.rs")), "the search has found the machine");
    for path in sources.iter().filter(|path| !path.ends_with("rules.rs")) {
        let text = fs::read_to_string(path).unwrap().to_lowercase();
        for name in ["vrrp", "hsrp", "glbp", "carp"] {
            assert!(!text.contains(name), "{} names {name}", path.display());
        }
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(rust_files(&path)),
            false => found.push(path),
        }
    }
    found
}
