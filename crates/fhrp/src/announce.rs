//! When the virtual addresses are announced: gratuitous ARP, unsolicited NA, router advertisements.

use std::time::Duration;

use fhrp_election::Instant;

use crate::{AnnounceSchedule, RouterAdvertisement};

/// RFC 4861 §10: two multicast router advertisements are this far apart, whoever asks for more.
const RA_GAP: Duration = Duration::from_secs(3);
/// How long after the claim of a rival that gives way its last frames may still be on their way.
const ECHO: Duration = Duration::from_millis(20);

/// The repetitions that are still to come; silent unless started.
#[derive(Debug, Default)]
pub(crate) struct Announcer {
    started: Option<Instant>,
    done: usize,
    next: Option<Instant>,
    /// Once more out of turn, after a rival.
    again: Option<Instant>,
}

impl Announcer {
    /// Begins anew; the first announcement is the caller's, now.
    pub(crate) fn start(&mut self, now: Instant, schedule: &AnnounceSchedule) {
        self.started = Some(now);
        self.done = 0;
        self.next = self.following(schedule, now);
    }

    /// A rival has just claimed the role. What it sent until it heard of us may reach switches after our answer, so there
    /// is another a moment later.
    pub(crate) fn answer_again(&mut self, now: Instant) {
        self.again.get_or_insert(now + ECHO);
    }

    pub(crate) fn stop(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.again.into_iter().chain(self.next).min()
    }

    /// Whether the first announcement is past.
    pub(crate) fn repeats(&self) -> bool {
        self.done > 0
    }

    /// Whether a rival is to be answered once more.
    pub(crate) fn take_again(&mut self, now: Instant) -> bool {
        self.again.take_if(|at| *at <= now).is_some()
    }

    /// Whether an announcement is due; if so the next is planned.
    pub(crate) fn take_due(&mut self, now: Instant, schedule: &AnnounceSchedule) -> bool {
        let again = self.take_again(now);
        if self.next.is_none_or(|at| at > now) {
            return again;
        }
        self.done = self.done.saturating_add(1);
        self.next = self.following(schedule, now);
        true
    }

    fn following(&self, schedule: &AnnounceSchedule, now: Instant) -> Option<Instant> {
        let started = self.started?;
        match schedule.repeats.get(self.done) {
            Some(delay) => Some(started + *delay),
            None => schedule.refresh.map(|period| now + period),
        }
    }
}

/// The clock of one group's router advertisements.
#[derive(Debug, Default)]
pub(crate) struct Beacon {
    last: Option<Instant>,
    next: Option<Instant>,
}

impl Beacon {
    /// The first is due now, or as soon as RFC 4861 §6.2.4 allows after an earlier one.
    pub(crate) fn start(&mut self, now: Instant) {
        self.next = Some(self.soonest(now));
    }

    pub(crate) fn stop(&mut self) {
        self.next = None;
    }

    fn soonest(&self, now: Instant) -> Instant {
        self.last.map_or(now, |last| now.max(last + RA_GAP))
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.next
    }

    /// A host asks: the next is brought forward as far as RFC 4861 §6.2.6 allows.
    pub(crate) fn solicit(&mut self, now: Instant) {
        let soonest = self.soonest(now);
        self.next = self.next.map(|planned| planned.min(soonest));
    }

    /// Whether one is due; if so the next is planned.
    pub(crate) fn take_due(&mut self, now: Instant, settings: &RouterAdvertisement) -> bool {
        if self.next.is_none_or(|at| at > now) {
            return false;
        }
        self.last = Some(now);
        self.next = Some(now + settings.interval);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_after_one_and_five_seconds() {
        let (mut announcer, schedule) = (Announcer::default(), AnnounceSchedule::default());
        announcer.start(Instant::from_millis(1000), &schedule);
        let mut seen = Vec::new();
        while let Some(at) = announcer.next() {
            assert!(announcer.take_due(at, &schedule));
            assert!(!announcer.take_due(at, &schedule));
            seen.push(at.as_micros() / 1000);
        }
        assert_eq!(seen, [2000, 6000]);
    }

    #[test]
    fn a_rival_is_answered_once_more_and_repetitions_stay_where_they_are() {
        let (mut announcer, schedule) = (Announcer::default(), AnnounceSchedule::default());
        announcer.start(Instant::from_millis(1000), &schedule);
        announcer.answer_again(Instant::from_millis(1000));
        announcer.answer_again(Instant::from_millis(1015));
        for expected in [1020, 2000, 6000].map(Instant::from_millis) {
            assert_eq!(announcer.next(), Some(expected));
            assert!(announcer.take_due(expected, &schedule));
        }
        assert_eq!(announcer.next(), None);
    }

    #[test]
    fn a_refresh_goes_on_until_stopped() {
        let schedule = AnnounceSchedule { repeats: [].into(), refresh: Some(Duration::from_secs(60)) };
        let mut announcer = Announcer::default();
        announcer.start(Instant::from_millis(0), &schedule);
        for minute in 1..4 {
            assert!(announcer.take_due(Instant::from_millis(60_000 * minute), &schedule));
        }
        announcer.stop();
        assert_eq!(announcer.next(), None);
    }

    #[test]
    fn rfc4861_6_2_6_solicitations_do_not_hurry_it_below_three_seconds() {
        let (mut beacon, settings) = (Beacon::default(), RouterAdvertisement::default());
        beacon.solicit(Instant::from_millis(0));
        assert_eq!(beacon.next(), None, "silent while not Active");
        beacon.start(Instant::from_millis(0));
        assert!(beacon.take_due(Instant::from_millis(0), &settings));
        assert_eq!(beacon.next(), Some(Instant::from_millis(200_000)));
        beacon.solicit(Instant::from_millis(100));
        assert_eq!(beacon.next(), Some(Instant::from_millis(3_000)));
    }
}
