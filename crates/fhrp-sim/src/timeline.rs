//! A run to be read: one line for each thing that happened, with a lane for each router.

use std::fmt;

use fhrp::{Action, Gate, GroupState, Instant};

use crate::fault::Place;
use crate::said::Said;
use crate::subject::Input;
use crate::world::Recording;

/// The lines of a run.
#[derive(Clone, Debug)]
pub struct Timeline {
    recording: Recording,
    routers: usize,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    at: Instant,
    lanes: Vec<String>,
    text: String,
}

impl Timeline {
    pub(crate) fn new(recording: Recording, routers: usize) -> Self {
        Self { recording, routers, lines: Vec::new() }
    }

    pub(crate) fn records(&self) -> bool {
        self.recording != Recording::Off
    }

    pub(crate) fn note(&mut self, at: Instant, lanes: &[String], text: String) {
        if self.records() {
            self.lines.push(Line { at, lanes: lanes.to_vec(), text });
        }
    }

    /// What a call took and gave, as far as that is wanted.
    pub(crate) fn describe(&self, input: &Input, actions: &[Action]) -> Option<String> {
        let wants = self.recording == Recording::Frames;
        let given: Vec<String> = actions.iter().filter_map(|action| describe(action, wants)).collect();
        let taken = taken(input).filter(|_| wants);
        let given = (!given.is_empty()).then(|| format!("-> {}", given.join(", ")));
        match (taken, given) {
            (Some(taken), Some(given)) => Some(format!("{taken} {given}")),
            (taken, given) => taken.or(given),
        }
    }
}

/// How a router stands, where its daemon runs.
pub(crate) fn letter(state: Option<GroupState>) -> char {
    match state {
        None => 'x',
        Some(GroupState::Active) => 'A',
        Some(GroupState::Backup) => 'b',
        Some(GroupState::Standby) => 's',
        Some(GroupState::Speak) => 'p',
        Some(GroupState::Listen) => 'l',
        Some(GroupState::Initialize | GroupState::Initial | GroupState::Disabled | GroupState::Learn) => 'i',
    }
}

fn taken(input: &Input) -> Option<String> {
    match input {
        Input::Frame { octets, .. } => {
            let said = Said::in_frame(octets)?;
            Some(format!("hears {said} of {}", said.source()))
        }
        Input::Timeout => None,
        Input::Link(_) => Some("hears of its link".to_owned()),
        Input::Programmed { revision, result, .. } => {
            let answer = if result.is_ok() { "done" } else { "refused" };
            Some(format!("hears wish {}: {answer}", revision.0))
        }
        Input::Add(_) => Some("gets a group".to_owned()),
        Input::Update(_) => Some("gets a group's new settings".to_owned()),
        Input::Remove(_) => Some("loses a group".to_owned()),
        Input::Track(name, state) => Some(format!("hears that {name} is {state:?}")),
        Input::Stop => Some("is stopped".to_owned()),
    }
}

fn describe(action: &Action, every: bool) -> Option<String> {
    match action {
        Action::Transmit { frame, .. } => match Said::in_frame(frame) {
            Some(said) if every || !said.regular() => Some(format!("sends {said}")),
            Some(_) => None,
            None => every.then(|| "announces".to_owned()),
        },
        Action::Unicast { peer, .. } => every.then(|| format!("sends to {peer}")),
        Action::Program { binding, revision, .. } => {
            let gate = match binding.as_ref().map(|binding| binding.gate) {
                Some(Gate::Open) => "open",
                Some(Gate::Closed) => "closed",
                None => "gone",
            };
            every.then(|| format!("wish {}: {gate}", revision.0))
        }
        Action::Attach { .. } | Action::Detach(_) | Action::Notify(_) => None,
    }
}

impl fmt::Display for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12} ", "time")?;
        for router in 0..self.routers {
            write!(f, " {:<3}", Place(router).to_string())?;
        }
        writeln!(
            f,
            " A active, b backup, s standby, p speak, l listen, i initial, z stalled, x not running"
        )?;
        for line in &self.lines {
            write!(f, "{:>12} ", line.at.to_string())?;
            for lane in &line.lanes {
                write!(f, " {lane:<3}")?;
            }
            writeln!(f, " {}", line.text)?;
        }
        Ok(())
    }
}
