//! This router's own nonce: what makes an old packet of a peer recognisable, because it echoes an old nonce of ours.

use std::time::Duration;

use fhrp_election::Instant;
use fhrp_wire::glbp::{Nonce, NonceSequence};

use super::scatter;

/// The nonce that is sent now, and the one before it, which a peer may still echo.
#[derive(Debug)]
pub(crate) struct OwnNonce {
    seed: [u64; 2],
    pub(crate) sequence: NonceSequence,
    pub(crate) current: Nonce,
    previous: Option<Nonce>,
    renewed: Option<Instant>,
}

impl OwnNonce {
    pub(crate) fn new(seed: [u64; 2]) -> Self {
        let current = nonce(seed, 0, Instant::default());
        Self { seed, sequence: NonceSequence::default(), current, previous: None, renewed: None }
    }

    /// Another one once per hold time, always at a Hello (captures). The first Hello begins with the first one.
    pub(crate) fn renew_if_due(&mut self, now: Instant, hold: Duration) {
        let Some(renewed) = self.renewed else {
            self.renewed = Some(now);
            return;
        };
        if now < renewed + hold {
            return;
        }
        self.renewed = Some(now);
        self.sequence = self.sequence.next();
        self.previous = Some(self.current);
        self.current = nonce(self.seed, self.sequence.0, now);
    }

    /// Whether who echoes `nonce` has heard us lately.
    pub(crate) fn is_fresh(&self, nonce: Nonce) -> bool {
        nonce == self.current || Some(nonce) == self.previous
    }
}

/// A number that tells nothing of the seed: 32 of the 64 bits of a hash keyed before and after.
fn nonce([before, after]: [u64; 2], sequence: u8, now: Instant) -> Nonce {
    let mixed = scatter(scatter(before ^ now.as_micros()) ^ after ^ u64::from(sequence));
    Nonce(u32::try_from(mixed >> 32).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renewed_once_in_a_hold_time_and_the_last_two_are_fresh() {
        let hold = Duration::from_secs(10);
        let at = Instant::from_millis;
        let mut own = OwnNonce::new([1, 2]);
        let first = own.current;
        for millis in [0, 3000, 6000, 9000] {
            own.renew_if_due(at(millis), hold);
            assert_eq!((own.current, own.sequence.0), (first, 0));
        }
        own.renew_if_due(at(12_000), hold);
        let second = own.current;
        assert!(second != first && own.is_fresh(first) && own.is_fresh(second));
        assert_eq!(own.sequence.0, 1);
        own.renew_if_due(at(24_000), hold);
        assert!(!own.is_fresh(first) && own.is_fresh(second));
    }

    #[test]
    fn the_sequence_wraps_and_seeds_differ() {
        let mut own = OwnNonce::new([1, 2]);
        for second in 0..=256 {
            own.renew_if_due(Instant::from_millis(second * 1000), Duration::from_secs(1));
        }
        assert_eq!(own.sequence.0, 0);
        assert_ne!(OwnNonce::new([1, 2]).current, OwnNonce::new([1, 3]).current);
    }
}
