//! Small worlds, all of them: every order of deliveries, losses, timers, crashes and starts to a stated depth.
//!
//! A breadth-first search of our own. What is searched is the production engine, which cannot be copied: a state is the
//! list of choices that lead to it, and is reached again by making them again. What a state looks like is hashed, with
//! all times relative to now, so that states that differ only in when they are reached are one. The search is breadth
//! first because the first counterexample is then a shortest one.

mod lan;

use std::collections::HashSet;
use std::sync::Mutex;

use crate::check::Violation;

use lan::{Choice, Lan};
pub use lan::{Member, Small};

/// What came of a search.
#[derive(Clone, Debug)]
pub struct Explored {
    /// Of which world.
    pub name: &'static str,
    /// Different states seen.
    pub states: usize,
    /// Choices made in them.
    pub transitions: u64,
    /// Choices in a row.
    pub depth: usize,
    /// Whether there was nothing left to do before the depth was reached.
    pub exhausted: bool,
    /// What does not hold, and the choices that lead there.
    pub violation: Option<(Violation, Vec<String>)>,
}

type Path = Vec<Choice>;

/// What one thread found in its part of a level.
#[derive(Default)]
struct Found {
    reached: Vec<(u64, Path)>,
    transitions: u64,
    violation: Option<(Violation, Path)>,
}

/// Searches `small` until `depth` choices were made in a row, `states` were seen, or something does not hold.
#[must_use]
pub fn explore(small: &Small, depth: usize, states: usize, threads: usize) -> Explored {
    let mut seen = HashSet::new();
    let mut level: Vec<Path> = vec![Vec::new()];
    let mut explored =
        Explored { name: small.name, states: 1, transitions: 0, depth: 0, exhausted: false, violation: None };
    while explored.depth < depth && seen.len() < states && !level.is_empty() {
        let found = expand(small, &level, threads.max(1));
        explored.transitions += found.transitions;
        explored.violation = found.violation.map(|(violation, path)| (violation, Lan::tell(small, &path)));
        level =
            found.reached.into_iter().filter(|(key, _)| seen.insert(*key)).map(|(_, path)| path).collect();
        explored.depth += 1;
        explored.states = seen.len() + 1;
        if explored.violation.is_some() {
            return explored;
        }
    }
    explored.exhausted = level.is_empty();
    explored
}

/// One choice more from every state of a level, which is shared among threads.
fn expand(small: &Small, level: &[Path], threads: usize) -> Found {
    let whole = Mutex::new(Vec::new());
    let part = level.len().div_ceil(threads).max(1);
    std::thread::scope(|scope| {
        for (place, paths) in level.chunks(part).enumerate() {
            let whole = &whole;
            scope.spawn(move || {
                let found = expand_part(small, paths);
                // A thread that panicked has ended the scope by then.
                if let Ok(mut whole) = whole.lock() {
                    whole.push((place, found));
                }
            });
        }
    });
    let mut parts = whole.into_inner().unwrap_or_default();
    parts.sort_by_key(|(place, _)| *place);
    parts.into_iter().fold(Found::default(), |mut all, (_, part)| {
        all.reached.extend(part.reached);
        all.transitions += part.transitions;
        all.violation = all.violation.or(part.violation);
        all
    })
}

fn expand_part(small: &Small, paths: &[Path]) -> Found {
    let mut found = Found::default();
    for path in paths {
        // Choices that led to a state did so without violation; they do so again.
        let Ok(mut here) = Lan::at(small, path) else { continue };
        let choices = here.choices();
        if let Err(mut violation) = here.settle() {
            violation.text.push_str(" (after the choices, when nothing goes wrong any more)");
            found.violation = Some((violation, path.clone()));
            return found;
        }
        for choice in choices {
            found.transitions += 1;
            let longer: Path = path.iter().copied().chain([choice]).collect();
            match Lan::at(small, &longer) {
                Ok(there) => found.reached.push((there.key(), longer)),
                Err(violation) => {
                    found.violation = Some((violation, longer));
                    return found;
                }
            }
        }
    }
    found
}
