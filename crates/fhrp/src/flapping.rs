//! An Active router that changes again and again is worth a warning (RFC 9568 §2.5).

use std::time::Duration;

use fhrp_election::Instant;

use crate::GroupState;

/// This many changes to or from Active within [`WINDOW`].
const TRANSITIONS: usize = 6;
const WINDOW: Duration = Duration::from_secs(60);

/// When a contest was last won or lost. The way up to Active has many states in HSRP and GLBP, and is no flapping.
#[derive(Debug, Default)]
pub(crate) struct Flapping {
    /// The oldest first.
    recent: [Option<Instant>; TRANSITIONS],
}

impl Flapping {
    /// One more change of state, from the first to the second. How many changes to or from Active there were within the
    /// last minute, if they are too many.
    pub(crate) fn note(&mut self, now: Instant, (from, to): (GroupState, GroupState)) -> Option<u32> {
        if from != GroupState::Active && to != GroupState::Active {
            return None;
        }
        self.recent.rotate_left(1);
        if let Some(last) = self.recent.last_mut() {
            *last = Some(now);
        }
        let first = (*self.recent.first()?)?;
        (now <= first + WINDOW).then(|| u32::try_from(TRANSITIONS).unwrap_or(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(times: impl IntoIterator<Item = u64>) -> Vec<Option<u32>> {
        let mut flapping = Flapping::default();
        let won = (GroupState::Standby, GroupState::Active);
        times.into_iter().map(|seconds| flapping.note(Instant::from_millis(seconds * 1000), won)).collect()
    }

    #[test]
    fn the_way_up_to_active_counts_once() {
        let mut flapping = Flapping::default();
        let way = [
            GroupState::Initial,
            GroupState::Listen,
            GroupState::Speak,
            GroupState::Standby,
            GroupState::Active,
            GroupState::Listen,
        ];
        for round in 0..3 {
            for step in way.windows(2) {
                let said = flapping.note(Instant::from_millis(round * 10_000), (step[0], step[1]));
                assert_eq!(said.is_some(), round == 2 && step[0] == GroupState::Active);
            }
        }
    }

    #[test]
    fn the_sixth_within_a_minute_is_one_too_many() {
        let none = [None; 5];
        assert_eq!(noted([0, 12, 24, 36, 48, 60]), [none.as_slice(), &[Some(6)]].concat());
        assert_eq!(noted([0, 12, 24, 36, 48, 61]), [none.as_slice(), &[None]].concat());
        assert_eq!(noted([0, 12, 24, 36, 48, 61, 62]), [none.as_slice(), &[None, Some(6)]].concat());
    }
}
