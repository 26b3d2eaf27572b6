//! Small worlds, all of them: every order of deliveries, losses, timers, crashes and starts to a stated depth.
//!
//! A breadth-first search of our own. What is searched is the production engine, which cannot be copied: a state is the
//! list of choices that lead to it, and is reached again by making them again. What a state looks like is hashed, with
//! all times relative to now, so that states that differ only in when they are reached are one. The search is breadth
//! first because the first counterexample is then a shortest one.

mod key;
mod lan;
mod small;

use std::collections::HashSet;
use std::sync::Mutex;

use crate::check::{Checker, Violation};

use lan::{Choice, Lan};
pub use small::{Member, Small};

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
    if let Err(violation) = Lan::at(small, &[]) {
        explored.violation = Some((violation, Vec::new()));
        return explored;
    }
    let told = |(violation, path): (Violation, Path)| (violation, Lan::tell(small, &path));
    while explored.depth < depth && seen.len() < states && !level.is_empty() {
        let found = share(small, &level, threads, expand);
        explored.transitions += found.transitions;
        explored.violation = found.violation.map(told);
        level =
            found.reached.into_iter().filter(|(key, _)| seen.insert(*key)).map(|(_, path)| path).collect();
        explored.depth += 1;
        explored.states = seen.len() + 1;
        if explored.violation.is_some() {
            return explored;
        }
    }
    // From the others that was seen when choices were made in them.
    explored.violation = share(small, &level, threads, settle).violation.map(told);
    explored.exhausted = level.is_empty();
    explored
}

/// Looks at every state of a level, which is shared among threads.
fn share(small: &Small, level: &[Path], threads: usize, look: fn(&Small, &[Path]) -> Found) -> Found {
    let whole = Mutex::new(Vec::new());
    let part = level.len().div_ceil(threads.max(1)).max(1);
    std::thread::scope(|scope| {
        for (place, paths) in level.chunks(part).enumerate() {
            let whole = &whole;
            scope.spawn(move || {
                let found = look(small, paths);
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

/// One choice more from every state, each of which settles.
fn expand(small: &Small, paths: &[Path]) -> Found {
    let mut found = Found::default();
    for path in paths {
        let choices = match settled(small, path) {
            Ok(choices) => choices,
            Err(violation) => {
                found.violation = Some((violation, path.clone()));
                return found;
            }
        };
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

/// Every state settles.
fn settle(small: &Small, paths: &[Path]) -> Found {
    let wrong = |path: &Path| settled(small, path).err().map(|violation| (violation, path.clone()));
    Found { violation: paths.iter().find_map(wrong), ..Found::default() }
}

/// What could be chosen in a state, from which all went well.
fn settled(small: &Small, path: &[Choice]) -> Result<Vec<Choice>, Violation> {
    // Choices that led to a state did so without violation; they do so again.
    let mut here = Lan::at(small, path).map_err(|violation| Violation {
        at: violation.at,
        checker: Checker::Determinism,
        text: format!("the same choices made again give {violation}"),
    })?;
    let choices = here.choices();
    here.settle().map_err(|mut violation| {
        violation.text.push_str(" (after the choices, when nothing goes wrong any more)");
        violation
    })?;
    Ok(choices)
}
