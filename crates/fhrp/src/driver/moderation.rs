//! How often packets are read under a flood: the kernel queues and stamps them, so reading many at once loses nothing
//! and costs a fraction of a wake-up for each.

use std::time::Duration;

use crate::Instant;

/// As long as no more than this many wake-ups fall into a window, each frame is read when it comes.
const WAKE_UPS: u32 = 3;
const WINDOW: Duration = Duration::from_millis(1);

/// Counts wake-ups for packets.
#[derive(Debug, Default)]
pub(super) struct Moderation {
    window: Option<Instant>,
    wake_ups: u32,
}

impl Moderation {
    /// Packets were read at `now`.
    pub(super) fn note(&mut self, now: Instant) {
        if self.window.is_none_or(|start| now >= start + WINDOW) {
            self.window = Some(now);
            self.wake_ups = 0;
        }
        self.wake_ups += 1;
    }

    /// Until when packets should wait; `None` when they may be read at once.
    pub(super) fn pause(&self) -> Option<Instant> {
        self.window.filter(|_| self.wake_ups >= WAKE_UPS).map(|start| start + WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_read_at_once_and_a_flood_once_a_millisecond() {
        let mut moderation = Moderation::default();
        for micros in (0..10_000).step_by(500) {
            moderation.note(Instant::from_micros(micros));
            assert_eq!(moderation.pause(), None);
        }
        let (mut reads, mut at) = (0, Instant::from_micros(20_000));
        while at < Instant::from_micros(120_000) {
            moderation.note(at);
            reads += 1;
            at = moderation.pause().unwrap_or(at + Duration::from_micros(20));
        }
        assert!((300..=310).contains(&reads), "{reads} reads in 100 ms");
    }
}
