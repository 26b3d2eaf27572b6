//! `docs/configuration.md` names every key that the program knows, and no other.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use fhrpd::config::{Config, Problem};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The keys in the tables of the page: heading and key.
fn documented() -> Vec<(String, String)> {
    let mut heading = String::new();
    let mut keys = Vec::new();
    for line in PAGE.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text.trim_matches('`').to_owned();
        }
        if let Some(cells) = line.strip_prefix("| `") {
            let first = cells.split(" |").next().unwrap();
            let named = first.split(", ").map(|key| (heading.clone(), key.trim_matches('`').to_owned()));
            keys.extend(named);
        }
    }
    keys
}

/// What is said of a file in which a table has this key, with a value that is nothing.
fn said_of(header: &str, key: &str) -> Vec<Problem> {
    Config::parse(&format!("{header}\n{key} = {{}}\n")).map(|config| config.remarks).unwrap_or_else(|all| all)
}

#[test]
fn every_key_on_the_page_is_known() {
    let keys = documented();
    assert!(keys.len() > 60, "{}", keys.len());
    for (heading, key) in keys {
        let groups = ["[[vrrp]]", "[[hsrp]]", "[[glbp]]"];
        let headers = if heading == "Every group" { groups.to_vec() } else { vec![heading.as_str()] };
        for header in headers {
            let said = said_of(header, &key);
            assert!(said.iter().all(|problem| !problem.title.contains("unknown key")), "{header} {key}");
        }
    }
    assert!(said_of("[daemon]", "socket").iter().any(|problem| problem.title.contains("unknown key")));
}

/// The keys that the code asks a table for: the first text behind `.optional(` and its like.
fn asked_for() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config");
    let mut keys = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let source = fs::read_to_string(entry.unwrap().path()).unwrap();
        for method in [".optional(\"", ".required(\"", ".list(\"", ".tables(\"", ".table(\""] {
            let calls = source.split(method).skip(1);
            keys.extend(calls.map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    keys
}

#[test]
fn every_key_of_the_program_is_on_the_page() {
    let keys = asked_for();
    assert!(keys.len() > 50, "{keys:?}");
    for key in keys {
        assert!(PAGE.contains(&format!("`{key}`")) || PAGE.contains(&format!("{key} = ")), "{key}");
    }
}
