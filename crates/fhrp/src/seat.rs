//! One thing that can be active, as the dataplane sees it: the wish, its acknowledgement, its faults, and the
//! announcements that follow.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use fhrp_election::Instant;

use crate::announce::Announcer;
use crate::{Action, AnnounceSchedule, Binding, Gate, ProgramFault, Revision, SeatId};

/// After a dataplane fault the group waits this long, and twice as long each time, up to a minute.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MAX: Duration = Duration::from_secs(60);

/// What an answer of the dataplane means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reply {
    /// It answers an older wish, which says nothing.
    Stale,
    /// The wish is fulfilled.
    Done,
    /// The same, after a fault.
    Recovered,
    /// It is not, for this reason.
    Failed(Arc<str>),
}

/// A failed wish.
#[derive(Debug)]
struct Fault {
    text: Arc<str>,
    retry_at: Option<Instant>,
    backoff: Duration,
}

#[derive(Debug)]
pub(crate) struct Seat {
    id: SeatId,
    wish: Option<Binding>,
    revision: Revision,
    programmed: bool,
    fault: Option<Fault>,
    announcer: Announcer,
    /// Addresses whose announcement waits in the interface's pacer.
    pub(crate) announcements_queued: usize,
}

impl Seat {
    pub(crate) fn new(id: SeatId) -> Self {
        Self {
            id,
            wish: None,
            revision: Revision::default(),
            programmed: false,
            fault: None,
            announcer: Announcer::default(),
            announcements_queued: 0,
        }
    }

    pub(crate) fn id(&self) -> SeatId {
        self.id
    }

    /// Whether the dataplane has acknowledged the present wish.
    pub(crate) fn programmed(&self) -> bool {
        self.programmed
    }

    /// Whether the virtual addresses are held and may be announced.
    pub(crate) fn serves(&self) -> bool {
        self.programmed && self.wish.as_ref().is_some_and(|wish| wish.gate == Gate::Open)
    }

    /// When something is to be repeated: a failed wish, an announcement.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let retry = self.fault.as_ref().and_then(|fault| fault.retry_at);
        [self.announcer.next(), retry].into_iter().flatten().min()
    }

    /// Says what the dataplane should look like, if that is new.
    pub(crate) fn wish(&mut self, wish: Option<Binding>, actions: &mut VecDeque<Action>) {
        if wish == self.wish {
            return;
        }
        self.revision.0 += 1;
        self.programmed = false;
        self.wish.clone_from(&wish);
        actions.push_back(Action::Program { seat: self.id, revision: self.revision, binding: wish });
    }

    /// The dataplane answers.
    pub(crate) fn acknowledge(&mut self, revision: Revision, result: Result<(), ProgramFault>) -> Reply {
        if revision != self.revision || self.wish.is_none() {
            return Reply::Stale;
        }
        if let Err(ProgramFault(text)) = result {
            return Reply::Failed(text);
        }
        self.programmed = true;
        match self.fault.take_if(|fault| fault.retry_at.is_none()) {
            Some(_) => Reply::Recovered,
            None => Reply::Done,
        }
    }

    /// A wish failed: it is repeated later, and later each time.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>) {
        self.programmed = false;
        let backoff = self.fault.as_ref().map_or(BACKOFF_FIRST, |fault| (fault.backoff * 2).min(BACKOFF_MAX));
        self.fault = Some(Fault { text, retry_at: Some(now + backoff), backoff });
    }

    /// The fault that is being waited out.
    pub(crate) fn pause(&self) -> Option<&Arc<str>> {
        self.fault.as_ref().filter(|fault| fault.retry_at.is_some()).map(|fault| &fault.text)
    }

    /// Whether a fault has waited long enough.
    pub(crate) fn retries(&self, now: Instant) -> bool {
        self.fault.as_ref().and_then(|fault| fault.retry_at).is_some_and(|at| at <= now)
    }

    /// Tries again. The fault stays in mind, for its backoff, until a wish succeeds.
    pub(crate) fn retry(&mut self) {
        if let Some(fault) = &mut self.fault {
            fault.retry_at = None;
        }
        self.wish = None;
    }

    /// Begins to announce; the first time is the caller's, now.
    pub(crate) fn start_announcing(&mut self, now: Instant, schedule: &AnnounceSchedule) {
        self.announcer.start(now, schedule);
    }

    pub(crate) fn stop_announcing(&mut self) {
        self.announcer.stop();
    }

    /// Whether an announcement is to be repeated now.
    pub(crate) fn take_announcement(&mut self, now: Instant, schedule: &AnnounceSchedule) -> bool {
        self.announcer.take_due(now, schedule)
    }

    /// Whether the announcements of now repeat earlier ones.
    pub(crate) fn repeats_announcement(&self) -> bool {
        self.announcer.repeats()
    }
}
