//! One number for everything that engines did in a run.

use std::fmt::Write as _;

use fhrp::{Action, Instant};

/// FNV-1a: the same on every machine and in every version, which the standard library's hasher does not promise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hash {
    pub(crate) fn value(self) -> u64 {
        self.0
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    pub(crate) fn number(&mut self, number: u64) {
        self.octets(&number.to_le_bytes());
    }

    /// What the engine of `router` gave at `now`.
    pub(crate) fn call(&mut self, router: usize, now: Instant, actions: &[Action]) {
        if actions.is_empty() {
            return;
        }
        self.number(u64::try_from(router).unwrap_or(0));
        self.number(now.as_micros());
        for action in actions {
            match action {
                Action::Transmit { frame, .. } => self.octets(frame),
                Action::Unicast { payload, .. } => self.octets(payload),
                Action::Attach { .. } | Action::Detach(_) | Action::Program { .. } | Action::Notify(_) => {
                    // Writing into a hash cannot fail.
                    let _ = write!(self, "{action:?}");
                }
            }
        }
    }
}

impl std::fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.octets(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the algorithm's published test vectors.
    #[test]
    fn it_is_fnv_1a() {
        let mut hash = Hash::default();
        hash.octets(b"foobar");
        assert_eq!(hash.value(), 0x8594_4171_f739_67e8);
    }
}
