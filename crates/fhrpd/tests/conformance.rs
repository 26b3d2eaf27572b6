//! The maps of requirements in `docs/protocols` are complete, and what they name exists.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const COLUMNS: usize = 5;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A page below `docs/protocols`.
struct Page {
    text: String,
    /// What the numbers begin with, and how many there are.
    numbers: &'static [(&'static str, usize)],
    /// Names of the counters that it has to explain.
    counters: Vec<&'static str>,
    /// How many tests it names at least.
    citations: usize,
}

fn pages() -> [Page; 3] {
    let read = |name| fs::read_to_string(root().join("docs/protocols").join(name)).unwrap();
    let interface = fhrp::InterfaceStats::default();
    let names = || interface.iter().map(|(name, _)| name);
    let of_hsrp = |name: &&str| name.starts_with("hsrp_");
    let of_glbp = |name: &&str| name.starts_with("glbp_");
    let of_all = |name: &&str| !of_hsrp(name) && !of_glbp(name);
    let group = fhrp::GroupStats::default();
    let vrrp = fhrp::VrrpStats::default();
    let counters = group.iter().chain(vrrp.iter()).map(|(name, _)| name);
    let vrrp = Page {
        text: read("vrrp.md"),
        numbers: &[("VRRP", 92), ("VRRP2", 11)],
        counters: counters.chain(names().filter(of_all)).collect(),
        citations: 190,
    };
    let counters = fhrp::HsrpStats::default();
    let hsrp = Page {
        text: read("hsrp.md"),
        numbers: &[("HSRP", 128)],
        counters: counters.iter().map(|(name, _)| name).chain(names().filter(of_hsrp)).collect(),
        citations: 250,
    };
    let counters = fhrp::GlbpStats::default();
    let glbp = Page {
        text: read("glbp.md"),
        numbers: &[("GLBP", 203)],
        counters: counters.iter().map(|(name, _)| name).chain(names().filter(of_glbp)).collect(),
        citations: 300,
    };
    [vrrp, hsrp, glbp]
}

/// One line of the table.
struct Row<'a> {
    number: &'a str,
    code: &'a str,
    evidence: &'a str,
}

fn rows(page: &str) -> Vec<Row<'_>> {
    let cells = |line: &'_ str| line.trim_matches('|').split(" | ").count();
    let numbered = |line: &&str| ["| VRRP", "| HSRP", "| GLBP-"].iter().any(|start| line.starts_with(start));
    let lines: Vec<&str> = page.lines().filter(numbered).collect();
    lines
        .into_iter()
        .map(|line| {
            assert_eq!(cells(line), COLUMNS, "{line}");
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            assert!(cells.iter().all(|cell| !cell.is_empty()), "{line}");
            Row { number: cells[0], code: cells[3], evidence: cells[4] }
        })
        .collect()
}

/// Every `` `file.rs::function` `` of a text.
fn citations(text: &str) -> Vec<(&str, &str)> {
    quoted(text).filter_map(|quoted| quoted.split_once("::")).collect()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The lines of a file below `crates/`.
fn source(file: &str) -> Vec<String> {
    let path = root().join("crates").join(file);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    text.lines().map(str::to_owned).collect()
}

/// The file that has to name the module for `file` to be compiled; none for the root of a test program.
fn parent(file: &str) -> Option<PathBuf> {
    let path = root().join("crates").join(file);
    let folder = path.parent().unwrap();
    let in_folder = folder.parent().unwrap().ends_with("tests") && !path.ends_with("main.rs");
    in_folder.then(|| folder.join("main.rs"))
}

/// Where a function of this name begins.
fn places(lines: &[String], function: &str) -> Vec<usize> {
    let begins = |line: &String| {
        let rest = line.split_once(&format!("fn {function}")).map(|(_, rest)| rest);
        rest.is_some_and(|rest| rest.starts_with(['(', '<']))
    };
    (0..lines.len()).filter(|at| begins(&lines[*at])).collect()
}

/// Whether a test attribute stands directly above.
fn is_test(lines: &[String], at: usize) -> bool {
    let attributes = lines[..at].iter().rev().take_while(|line| line.trim_start().starts_with("#["));
    attributes.into_iter().any(|line| line.contains("test]") || line.contains("::test("))
}

#[test]
fn every_number_stands_once() {
    for page in pages() {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for row in rows(&page.text) {
            *counts.entry(row.number).or_default() += 1;
        }
        let numbered = |(name, last): &(&str, usize)| {
            (1..=*last).map(|number| format!("{name}-{number:02}")).collect::<Vec<_>>()
        };
        let wanted: Vec<String> = page.numbers.iter().flat_map(numbered).collect();
        let missing: Vec<_> = wanted.iter().filter(|number| !counts.contains_key(number.as_str())).collect();
        let strange: Vec<_> = counts
            .iter()
            .filter(|(number, count)| **count != 1 || !wanted.contains(&(**number).to_owned()))
            .collect();
        assert!(
            missing.is_empty() && strange.is_empty(),
            "missing {missing:?}, twice or unknown {strange:?}"
        );
    }
}

#[test]
fn every_row_says_how_it_is_known() {
    for page in pages() {
        for Row { number, evidence, .. } in rows(&page.text) {
            let kinds: Vec<_> = ["Test: ", "Exception: ", "Documentation: "]
                .into_iter()
                .filter(|kind| evidence.contains(kind))
                .collect();
            assert!(kinds.iter().any(|kind| evidence.starts_with(kind)), "{number}: {evidence}");
            let claims_test = kinds.contains(&"Test: ");
            assert!(!claims_test || !citations(evidence).is_empty(), "{number} names no test: {evidence}");
        }
    }
}

#[test]
fn every_cited_test_exists() {
    for page in pages() {
        let mut seen = 0;
        let outside = page.text.split("The state machine as a whole").nth(1).unwrap_or_default();
        let cited = rows(&page.text)
            .iter()
            .flat_map(|row| citations(row.evidence))
            .chain(citations(outside))
            .collect::<Vec<_>>();
        for (file, test) in cited {
            let lines = source(file);
            let places = places(&lines, test);
            assert!(places.iter().any(|at| is_test(&lines, *at)), "no test {file}::{test}");
            seen += 1;
        }
        assert!(seen > page.citations, "{seen} citations only: are they still written `file::test`?");
    }
}

#[test]
fn every_file_of_tests_is_part_of_its_program() {
    for page in pages() {
        let files: BTreeSet<&str> =
            rows(&page.text).iter().flat_map(|row| citations(row.evidence)).map(|cited| cited.0).collect();
        let mut seen = 0;
        for file in files {
            let Some(parent) = parent(file) else { continue };
            let name = Path::new(file).file_stem().unwrap().to_str().unwrap();
            let text =
                fs::read_to_string(&parent).unwrap_or_else(|error| panic!("{}: {error}", parent.display()));
            assert!(
                text.lines().any(|line| line == format!("mod {name};")),
                "{file} is not in {}",
                parent.display()
            );
            seen += 1;
        }
        assert!(seen > 10, "{seen} files only");
    }
}

#[test]
fn no_file_is_named_without_a_function() {
    for page in pages() {
        for Row { number, code, evidence } in rows(&page.text) {
            for name in quoted(code).chain(quoted(evidence)).filter(|name| name.contains(".rs")) {
                let right = name.split_once(".rs::").is_some_and(|(_, function)| !function.is_empty());
                assert!(right, "{number}: `{name}` is not `file.rs::function`");
            }
        }
    }
}

#[test]
fn all_cited_code_exists() {
    for page in pages() {
        for row in rows(&page.text) {
            let cited = citations(row.code);
            assert!(!cited.is_empty() || row.code.starts_with("none"), "{}: {}", row.number, row.code);
            for (file, function) in cited {
                let lines = source(file);
                assert!(!places(&lines, function).is_empty(), "{}: no {function} in {file}", row.number);
            }
        }
    }
}

/// What could turn out otherwise is decided in one place each.
#[test]
fn what_is_inferred_is_one_constant_or_function() {
    let mut seen = 0;
    for page in pages() {
        let Some(rest) = page.text.split("\n## What is inferred").nth(1) else { continue };
        let section = rest.split("\n## ").next().unwrap();
        for line in section.lines().filter(|line| line.starts_with("| ")).skip(1) {
            let cited = citations(line);
            let [(file, name)] = cited.as_slice() else { panic!("not one place: {line}") };
            let lines = source(file);
            let constant = format!("const {name}: ");
            let constants = lines.iter().filter(|line| line.contains(&constant)).count();
            assert!(constants + places(&lines, name).len() > 0, "no {name} in {file}");
            seen += 1;
        }
    }
    assert!(seen > 30, "{seen} only");
}

#[test]
fn every_counter_is_on_its_page() {
    for page in pages() {
        let table = page.text.split("## Counters").nth(1).unwrap();
        for name in page.counters {
            let name = name.replace('_', "-");
            assert!(table.contains(&format!("`{name}`")), "{name} is not on the page");
        }
    }
}

#[test]
fn links_within_a_page_lead_somewhere() {
    for page in pages() {
        let anchors: Vec<String> = page
            .text
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"))
            .collect();
        for target in page.text.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(anchors.iter().any(|anchor| anchor == target), "#{target}");
        }
    }
}
