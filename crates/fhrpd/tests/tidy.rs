//! What the compiler does not check: who may depend on whom, how long files are, where `unsafe` is.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail like tests")]
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Every arrow that is allowed between our crates; `docs/architecture.md` shows the same lines.
const ARROWS: [(&str, &[&str]); 7] = [
    ("fhrp-wire", &[]),
    ("fhrp-election", &[]),
    ("fhrp", &["fhrp-election", "fhrp-wire"]),
    ("fhrp-netlink", &["fhrp", "fhrp-wire"]),
    ("fhrp-lab", &["fhrp-sim", "fhrp-wire"]),
    ("fhrp-sim", &["fhrp", "fhrp-wire"]),
    ("fhrpd", &["fhrp", "fhrp-lab", "fhrp-netlink", "fhrp-sim", "fhrp-wire"]),
];

/// What the tests of a crate may use of ours besides.
const TEST_ARROWS: [(&str, &[&str]); 1] = [("fhrp-netlink", &["fhrp-lab"])];

/// The external crates of the pure crates, exactly; optional ones included.
const EXTERNAL: [(&str, &[&str]); 3] = [
    ("fhrp-wire", &["bytes", "md-5", "pnet_base", "pnet_packet", "subtle", "thiserror", "zeroize"]),
    ("fhrp-election", &[]),
    ("fhrp", &["bytes", "serde", "thiserror", "tokio", "tracing"]),
];

/// Those of them that only a feature brings in.
const OPTIONAL: [(&str, &[&str]); 3] =
    [("fhrp-wire", &["pnet_base", "pnet_packet"]), ("fhrp-election", &[]), ("fhrp", &["serde", "tokio"])];

/// The members that ship nothing and may use any of our crates.
const FREE: [&str; 2] = ["benches", "examples"];

const LINES_MAX: usize = 1000;
const LINES_WORTH_A_LOOK: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// The declared dependencies of each member, as `cargo metadata` tells them.
struct Workspace(BTreeMap<String, Vec<Dependency>>);

struct Dependency {
    name: String,
    ours: bool,
    optional: bool,
    for_tests: bool,
}

impl Workspace {
    fn read() -> Self {
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
            .current_dir(root())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
        let packages = metadata["packages"].as_array().unwrap();
        let member = |package: &Value| {
            let dependencies = package["dependencies"].as_array().unwrap().iter().map(Dependency::read);
            (package["name"].as_str().unwrap().to_owned(), dependencies.collect())
        };
        Self(packages.iter().map(member).collect())
    }

    fn of(&self, member: &str, wanted: impl Fn(&Dependency) -> bool) -> BTreeSet<&str> {
        self.0[member].iter().filter(|found| wanted(found)).map(|found| found.name.as_str()).collect()
    }
}

impl Dependency {
    fn read(value: &Value) -> Self {
        Self {
            name: value["name"].as_str().unwrap().to_owned(),
            ours: value["path"].is_string(),
            optional: value["optional"].as_bool().unwrap(),
            for_tests: value["kind"] == "dev",
        }
    }
}

fn set<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    names.iter().copied().collect()
}

fn row<'a>(table: &[(&str, &'a [&'a str])], member: &str) -> BTreeSet<&'a str> {
    table.iter().find(|(name, _)| *name == member).map_or_else(BTreeSet::new, |(_, names)| set(names))
}

#[test]
fn every_member_has_a_row() {
    let workspace = Workspace::read();
    let members: BTreeSet<_> = workspace.0.keys().map(String::as_str).collect();
    let known: BTreeSet<_> = ARROWS.iter().map(|(name, _)| *name).chain(FREE).collect();
    assert_eq!(members, known);
}

#[test]
fn our_crates_depend_on_each_other_as_the_table_says() {
    let workspace = Workspace::read();
    for (member, allowed) in ARROWS {
        let shipped = workspace.of(member, |found| found.ours && !found.for_tests);
        assert_eq!(shipped, set(allowed), "{member}");
        let for_tests = workspace.of(member, |found| found.ours && found.for_tests);
        let beyond: Vec<_> = for_tests.difference(&shipped).copied().collect();
        let allowed = row(&TEST_ARROWS, member);
        assert!(beyond.iter().all(|name| allowed.contains(name)), "tests of {member}: {beyond:?}");
    }
}

#[test]
fn the_pure_crates_use_exactly_these_external_crates() {
    let workspace = Workspace::read();
    for (member, allowed) in EXTERNAL {
        let external = |found: &Dependency| !found.ours && !found.for_tests;
        assert_eq!(workspace.of(member, external), set(allowed), "{member}");
        let optional = workspace.of(member, |found| external(found) && found.optional);
        assert_eq!(optional, row(&OPTIONAL, member), "{member}: only by a feature");
    }
}

#[test]
fn the_architecture_shows_the_table() {
    let text = fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for (member, allowed) in ARROWS {
        let shown = if allowed.is_empty() { "none of ours".to_owned() } else { allowed.join(", ") };
        let line = format!("{member:13} -> {shown}");
        assert!(text.lines().any(|found| found == line), "docs/architecture.md lacks the line: {line}");
    }
}

#[test]
fn files_are_short() {
    let mut too_long = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES_MAX {
            too_long.push(format!("{}: {lines}", path.display()));
        } else if lines > LINES_WORTH_A_LOOK {
            // Past the harness, which keeps what a passing test prints to itself.
            let remark = format!("long file: {} ({lines} lines)\n", path.display());
            std::io::stderr().write_all(remark.as_bytes()).unwrap();
        }
    }
    assert!(too_long.is_empty(), "more than {LINES_MAX} lines: {too_long:#?}");
}

#[test]
fn unsafe_has_one_home() {
    let word = concat!("uns", "afe");
    for (path, text) in sources() {
        let home = path.starts_with("crates/fhrp-netlink/src/sys");
        let uses = text.lines().any(|line| uses_word(line, word));
        assert!(home || !uses, "{} uses {word}", path.display());
    }
}

#[test]
fn every_crate_forbids_unsafe_or_says_where_it_is() {
    for (member, _) in ARROWS {
        let text = fs::read_to_string(root().join("crates").join(member).join("src/lib.rs")).unwrap();
        let level = if member == "fhrp-netlink" { "deny" } else { "forbid" };
        let line = format!("#![{level}(unsafe_code)]");
        assert!(text.lines().any(|found| found == line), "{member}/src/lib.rs lacks {line}");
    }
}

#[test]
fn a_word_is_found_in_code_only() {
    assert!(uses_word("    let x = sealed { f() };", "sealed"));
    assert!(uses_word("sealed fn f() {} // sealed", "sealed"));
    assert!(!uses_word("    // a sealed envelope", "sealed"));
    assert!(!uses_word("#![forbid(sealed_code)]", "sealed"));
}

/// Whether `word` stands alone in the part of `line` before a comment.
fn uses_word(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap();
    let between_names = |letter: char| !(letter.is_alphanumeric() || letter == '_');
    code.split(between_names).any(|found| found == word)
}

/// Every Rust file of the repository, by its path below the root.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for folder in ["crates", "examples", "benches", "fuzz"] {
        collect(&root().join(folder), &mut found);
    }
    assert!(!found.is_empty(), "no sources below {}", root().display());
    found
}

fn collect(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") {
                collect(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path.strip_prefix(root()).unwrap().to_owned(), text));
        }
    }
}
