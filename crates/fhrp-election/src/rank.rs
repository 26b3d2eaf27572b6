//! Who would win: a router's rank, and what it brings into the contest.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// What routers are compared by; the derived order *is* the election order: priority, then address.
///
/// Addresses compare as unsigned octets in network order, so 200.0.0.1 is above 9.0.0.1. RFC 9568 §6.4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rank {
    /// 0–255, the effective one (after tracking).
    pub priority: u8,
    /// The source address of the router's packets on this link.
    pub address: IpAddr,
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (priority {})", self.address, self.priority)
    }
}

/// Whether to push a lower-ranked active router aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preempt {
    /// Leave it alone as long as it speaks.
    Never,
    /// Push it aside once lower-ranked active routers have been heard for this long.
    After(Duration),
}

impl Preempt {
    /// Preemption without a delay.
    pub const AT_ONCE: Self = Self::After(Duration::ZERO);
}

/// What this router brings into the contest; replaced as a whole by [`crate::Election::retune`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidacy {
    /// This router's own rank.
    pub rank: Rank,
    /// This router owns the address that is being contested; means what [`crate::Ownership`] says.
    pub owner: bool,
    /// Whether to push a lower-ranked active router aside.
    pub preempt: Preempt,
    /// Interval between own adverts; raised to a microsecond if it is shorter.
    pub hello: Duration,
    /// How long a silent router is believed, where the rules take that from the sender
    /// ([`crate::Silence::Hold`]); unused elsewhere. Raised to a microsecond if it is shorter.
    pub hold: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rank(priority: u8, address: &str) -> Rank {
        Rank { priority, address: address.parse().unwrap() }
    }

    #[test]
    fn priority_comes_before_address() {
        assert!(rank(101, "10.0.0.1") > rank(100, "10.0.0.254"));
    }

    #[test]
    fn rfc9568_6_4_3_addresses_compare_unsigned() {
        assert!(rank(100, "200.0.0.1") > rank(100, "9.0.0.1"));
        assert!(rank(100, "128.0.0.0") > rank(100, "127.255.255.255"));
        assert!(rank(100, "10.0.0.255") > rank(100, "10.0.0.1"));
        assert!(rank(100, "fe80::8000:0:0:1") > rank(100, "fe80::7fff:0:0:1"));
        assert!(rank(100, "fe80::1:0:0:0") > rank(100, "fe80::ffff:ffff"));
    }
}
