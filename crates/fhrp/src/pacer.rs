//! Announcements of many addresses are spread out, so that switches and hosts can follow.

use std::collections::VecDeque;
use std::time::Duration;

use fhrp_election::Instant;

/// The mean distance of two announcements on one interface.
const GAP: Duration = Duration::from_micros(50);
/// How much of a quiet past may be used up at once: 16 announcements.
const BURST: Duration = Duration::from_micros(16 * 50);

/// One interface's queue of announcements, with a leaky bucket at its mouth.
#[derive(Debug)]
pub(crate) struct Pacer<T> {
    queue: VecDeque<T>,
    /// When the bucket is empty again.
    empty_at: Instant,
}

impl<T> Default for Pacer<T> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), empty_at: Instant::from_micros(0) }
    }
}

impl<T> Pacer<T> {
    /// Queues one.
    pub(crate) fn push(&mut self, item: T) {
        self.queue.push_back(item);
    }

    /// The next that may go out at `now`.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<T> {
        if self.next()? > now {
            return None;
        }
        self.empty_at = self.empty_at.max(now) + GAP;
        self.queue.pop_front()
    }

    /// When the next may go out; `None` when nothing is queued.
    pub(crate) fn next(&self) -> Option<Instant> {
        let early = self.empty_at.as_micros().saturating_sub(micros(BURST));
        (!self.queue.is_empty()).then(|| Instant::from_micros(early))
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_one_each_gap() {
        let mut pacer = Pacer::default();
        (0..40).for_each(|i| pacer.push(i));
        let start = Instant::from_micros(1_000_000);
        let at_once = std::iter::from_fn(|| pacer.pop(start)).count();
        assert_eq!(at_once, 17, "16 of the quiet past and the one of now");
        assert_eq!(pacer.next(), Some(start + Duration::from_micros(50)));
        assert_eq!(pacer.pop(start + Duration::from_micros(49)), None);
        assert_eq!(pacer.pop(start + Duration::from_micros(50)), Some(17));
        assert_eq!(pacer.pop(start + Duration::from_micros(50)), None);
    }

    #[test]
    fn an_empty_queue_wants_no_wake_up() {
        assert_eq!(Pacer::<u8>::default().next(), None);
    }
}
