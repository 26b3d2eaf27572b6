//! Configuration files.

use std::collections::BTreeSet;
use std::ops::Range;

use fhrp::{Engine, IfIndex, Instant, LinkEvent, LinkState, MacAddr};
use fhrpd::config::{Config, Problem, Severity, Style, in_one_line, render};

/// Rounds that an engine with the groups of a file is let run for.
const ROUNDS: u32 = 20;

/// Reads `data` as a configuration file. What is wrong with it is said with its place and a remedy, on one line for the
/// log; what is right, an engine takes and runs.
///
/// # Panics
/// When it is not so: that is the finding.
pub fn config(data: &[u8]) {
    let Ok(source) = std::str::from_utf8(data) else { return };
    match Config::parse(source) {
        Ok(config) => {
            assert!(config.remarks.iter().all(|remark| remark.severity != Severity::Error));
            judge(source, &config.remarks);
            run(&config);
        }
        Err(problems) => {
            assert!(problems.iter().any(|problem| problem.severity == Severity::Error));
            judge(source, &problems);
        }
    }
}

/// Asserts that each of `problems` can be shown, and that errors in `source` have a place there and a remedy.
pub(crate) fn judge(source: &str, problems: &[Problem]) {
    problems.iter().for_each(|problem| check(source, problem));
    show(source, problems);
}

fn check(source: &str, problem: &Problem) {
    assert!(!problem.title.is_empty());
    let places = problem.at.iter().chain(problem.also.as_ref().map(|(place, _)| place));
    places.for_each(|place| within(source, place, problem));
    if problem.severity == Severity::Error {
        assert!(problem.at.is_some(), "an error without a place: {problem:?}");
        assert!(!problem.remedy.is_empty(), "an error without a remedy: {problem:?}");
    }
}

fn within(source: &str, place: &Range<usize>, problem: &Problem) {
    assert!(source.get(place.clone()).is_some(), "no such place in {} octets: {problem:?}", source.len());
}

/// In every form, and nothing that a terminal would obey comes out of the file.
fn show(source: &str, problems: &[Problem]) {
    let obeyed = |c: char| c.is_control() && c != '\n' && c != '\t';
    for problem in problems {
        let line = in_one_line("f", source, problem);
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    let plain = render("f", source, problems, Style::Plain);
    assert!(!plain.contains(obeyed), "{plain:?}");
    let _ = render("f", source, problems, Style::Coloured);
}

fn run(config: &Config) {
    let mut engine = Engine::new();
    let mut now = Instant::from_millis(1);
    for (name, interface) in &config.tracks {
        if let Some(interface) = interface {
            engine.track_interface(now, name, interface);
        }
    }
    for (id, group) in &config.groups {
        assert_eq!(group.id(), id);
        engine.add(now, group.clone()).expect("groups of a file do not stand in each other's way");
    }
    let interfaces: BTreeSet<_> = config.groups.keys().map(|id| &id.interface).collect();
    for (interface, index) in interfaces.into_iter().zip(1..) {
        let link = LinkState {
            name: interface.clone(),
            index: IfIndex(index),
            mac: MacAddr([2, 0, 0, 0, 0, 1]),
            up: true,
            mtu: 1500,
            ipv4: vec![[192, 0, 2, 250].into()],
            ipv6: vec![[0xfe80, 0, 0, 0, 0, 0, 0, 0x250].into()],
        };
        engine.handle_link(now, LinkEvent::Present(link));
    }
    while engine.poll_action().is_some() {}
    for (id, group) in &config.groups {
        let kept = engine.config(id).expect("it was added");
        engine.update(now, kept).expect("it is there");
        assert_eq!(engine.config(id).as_ref().map(fhrp::GroupConfig::id), Some(group.id()));
    }
    assert_eq!(engine.poll_action(), None, "what is not changed does nothing");
    for _ in 0..ROUNDS {
        let Some(next) = engine.next_deadline() else { return };
        now = now.max(next);
        engine.handle_timeout(now);
        while engine.poll_action().is_some() {}
        assert!(engine.next_deadline().is_none_or(|next| next > now), "busy loop");
    }
}
