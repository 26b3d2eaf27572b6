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

/// A failure.
#[derive(Debug)]
struct Fault {
    text: Arc<str>,
    retry_at: Option<Instant>,
    backoff: Duration,
}

/// What failed is tried again later, and later each time.
#[derive(Debug, Default)]
pub(crate) struct Backoff(Option<Fault>);

impl Backoff {
    /// A wish was refused. What is refused while it waits anyway, such as a wish that was already under way, does not make
    /// the wait longer.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>) {
        if let Some(fault) = self.0.as_mut().filter(|fault| fault.retry_at.is_some()) {
            fault.text = text;
            return;
        }
        let backoff = self.0.as_ref().map_or(BACKOFF_FIRST, |fault| (fault.backoff * 2).min(BACKOFF_MAX));
        self.0 = Some(Fault { text, retry_at: Some(now + backoff), backoff });
    }

    /// The fault that is being waited out.
    pub(crate) fn pause(&self) -> Option<&Arc<str>> {
        self.0.as_ref().filter(|fault| fault.retry_at.is_some()).map(|fault| &fault.text)
    }

    /// When the wait is over.
    pub(crate) fn retry_at(&self) -> Option<Instant> {
        self.0.as_ref().and_then(|fault| fault.retry_at)
    }

    /// Whether it has waited long enough.
    pub(crate) fn retries(&self, now: Instant) -> bool {
        self.retry_at().is_some_and(|at| at <= now)
    }

    /// Tries again. The fault stays in mind, for its backoff, until there is a success.
    pub(crate) fn retry(&mut self) {
        if let Some(fault) = &mut self.0 {
            fault.retry_at = None;
        }
    }

    /// Whether it failed and has not worked since.
    pub(crate) fn has_failed(&self) -> bool {
        self.0.is_some()
    }

    /// It worked. Whether it had failed before.
    fn succeed(&mut self) -> bool {
        self.0.take_if(|fault| fault.retry_at.is_none()).is_some()
    }
}

/// What the dataplane has said of the present wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Awaited,
    Done,
    Refused,
}

#[derive(Debug)]
pub(crate) struct Seat {
    id: SeatId,
    wish: Option<Binding>,
    revision: Revision,
    answer: Answer,
    /// The wish is to be said once more although it is the same.
    again: bool,
    fault: Backoff,
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
            answer: Answer::Awaited,
            again: false,
            fault: Backoff::default(),
            announcer: Announcer::default(),
            announcements_queued: 0,
        }
    }

    pub(crate) fn id(&self) -> SeatId {
        self.id
    }

    /// Whether the dataplane has acknowledged the present wish.
    pub(crate) fn programmed(&self) -> bool {
        self.answer == Answer::Done && self.wish.is_some()
    }

    /// Whether the virtual addresses are held and may be announced.
    pub(crate) fn serves(&self) -> bool {
        self.programmed() && self.wish.as_ref().is_some_and(|wish| wish.gate == Gate::Open)
    }

    /// When something is to be repeated: a failed wish, an announcement.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        [self.announcer.next(), self.fault.retry_at()].into_iter().flatten().min()
    }

    /// Says what the dataplane should look like, if that is new.
    pub(crate) fn wish(&mut self, wish: Option<Binding>, actions: &mut VecDeque<Action>) {
        let repeats = std::mem::take(&mut self.again) && wish.is_some();
        if wish != self.wish || repeats {
            self.wish = wish;
            self.say(actions);
        }
    }

    fn say(&mut self, actions: &mut VecDeque<Action>) {
        self.revision.0 += 1;
        self.answer = Answer::Awaited;
        let binding = self.wish.clone();
        actions.push_back(Action::Program { seat: self.id, revision: self.revision, binding });
    }

    /// The group goes, and its last wish, to hold nothing, has been said: its revision, unless it is fulfilled. One that
    /// was refused is said once more.
    pub(crate) fn leave(&mut self, actions: &mut VecDeque<Action>) -> Option<Revision> {
        if self.revision == Revision::default() {
            return None;
        }
        match self.answer {
            Answer::Done => return None,
            Answer::Awaited => {}
            Answer::Refused => self.say(actions),
        }
        Some(self.revision)
    }

    /// The dataplane answers.
    pub(crate) fn acknowledge(&mut self, revision: Revision, result: Result<(), ProgramFault>) -> Reply {
        if revision != self.revision {
            return Reply::Stale;
        }
        self.answer = if result.is_ok() { Answer::Done } else { Answer::Refused };
        if self.wish.is_none() {
            return Reply::Stale;
        }
        if let Err(ProgramFault(text)) = result {
            return Reply::Failed(text);
        }
        if self.fault.succeed() { Reply::Recovered } else { Reply::Done }
    }

    /// A wish failed: it is repeated later, and later each time.
    pub(crate) fn fail(&mut self, now: Instant, text: Arc<str>) {
        if self.wish.is_some() {
            self.answer = Answer::Refused;
        }
        self.fault.fail(now, text);
    }

    /// The fault that is being waited out.
    pub(crate) fn pause(&self) -> Option<&Arc<str>> {
        self.fault.pause()
    }

    /// Whether a fault has waited long enough.
    pub(crate) fn retries(&self, now: Instant) -> bool {
        self.fault.retries(now)
    }

    /// Tries again. The fault stays in mind, for its backoff, until a wish succeeds.
    pub(crate) fn retry(&mut self) {
        self.fault.retry();
        self.again = true;
    }

    /// Begins to announce; the first time is the caller's, now.
    pub(crate) fn start_announcing(&mut self, now: Instant, schedule: &AnnounceSchedule) {
        self.announcer.start(now, schedule);
    }

    /// A rival has been answered; it is answered again in a moment.
    pub(crate) fn announce_again(&mut self, now: Instant) {
        self.announcer.answer_again(now);
    }

    /// Whether a rival is to be answered again now, where nothing else is repeated.
    pub(crate) fn take_answer(&mut self, now: Instant) -> bool {
        self.announcer.take_again(now)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Found with a dataplane that failed for a while: each attempt has several wishes, all of which were refused, and the
    /// wait soon was the longest that there is.
    #[test]
    fn the_wait_doubles_with_each_attempt_not_with_each_refusal() {
        let mut backoff = Backoff::default();
        let mut now = Instant::default();
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            for refusal in 0..3 {
                backoff.fail(now + Duration::from_millis(10 * refusal), format!("{refusal}").into());
            }
            assert_eq!(backoff.retry_at(), Some(now + Duration::from_secs(expected)));
            assert_eq!(backoff.pause().map(AsRef::as_ref), Some("2"), "the newest reason is shown");
            now = now + Duration::from_secs(expected);
            assert!(backoff.retries(now));
            backoff.retry();
        }
        assert!(backoff.succeed());
        backoff.fail(now, "again".into());
        assert_eq!(backoff.retry_at(), Some(now + Duration::from_secs(1)));
    }
}
