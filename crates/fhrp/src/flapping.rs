//! Many transitions in a short time are worth a warning (RFC 9568 §2.5).

use std::time::Duration;

use fhrp_election::Instant;

/// This many transitions within [`WINDOW`].
const TRANSITIONS: usize = 6;
const WINDOW: Duration = Duration::from_secs(60);

/// When the last transitions of a contest were.
#[derive(Debug, Default)]
pub(crate) struct Flapping {
    /// The oldest first.
    recent: [Option<Instant>; TRANSITIONS],
}

impl Flapping {
    /// One more transition. How many there were within the last minute, if they are too many.
    pub(crate) fn note(&mut self, now: Instant) -> Option<u32> {
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
        times.into_iter().map(|seconds| flapping.note(Instant::from_millis(seconds * 1000))).collect()
    }

    #[test]
    fn the_sixth_within_a_minute_is_one_too_many() {
        let none = [None; 5];
        assert_eq!(noted([0, 12, 24, 36, 48, 60]), [none.as_slice(), &[Some(6)]].concat());
        assert_eq!(noted([0, 12, 24, 36, 48, 61]), [none.as_slice(), &[None]].concat());
        assert_eq!(noted([0, 12, 24, 36, 48, 61, 62]), [none.as_slice(), &[None, Some(6)]].concat());
    }
}
