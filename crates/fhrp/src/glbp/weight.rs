//! What this router can carry, and whether that is enough to forward.

use crate::config::Thresholds;

/// The weighting and its hysteresis: below the lower threshold the router stops being a forwarder, from the upper one
/// on it is one again.
#[derive(Debug)]
pub(crate) struct Weight {
    thresholds: Thresholds,
    lost: u8,
    low: bool,
}

impl Weight {
    pub(crate) fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, lost: 0, low: false }
    }

    pub(crate) fn thresholds(&self) -> Thresholds {
        self.thresholds
    }

    /// The current one, which is on the wire.
    pub(crate) fn current(&self) -> u8 {
        self.thresholds.maximum.saturating_sub(self.lost)
    }

    /// Whether it is too low to forward.
    pub(crate) fn is_low(&self) -> bool {
        self.low
    }

    /// Takes new values; `lost` is what failed objects take off.
    pub(crate) fn update(&mut self, thresholds: Thresholds, lost: u8) {
        (self.thresholds, self.lost) = (thresholds, lost);
        let enough = if self.low { thresholds.upper } else { thresholds.lower };
        self.low = self.current() < enough;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_low_below_the_lower_threshold_until_the_upper_one() {
        let thresholds = Thresholds { maximum: 110, lower: 95, upper: 105 };
        let mut weight = Weight::new(thresholds);
        let story = [
            (15, 95, false),
            (16, 94, true),
            (10, 100, true),
            (5, 105, false),
            (10, 100, false),
            (255, 0, true),
        ];
        for (lost, current, low) in story {
            weight.update(thresholds, lost);
            assert_eq!((weight.current(), weight.is_low()), (current, low), "{lost} lost");
        }
    }
}
