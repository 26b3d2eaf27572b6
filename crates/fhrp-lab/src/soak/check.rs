//! What a soak asserts, by name. What the simulator asserts too has the simulator's name.

use std::fmt;

/// An assertion about a soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checker {
    /// Two Active routers that hear each other are soon one.
    OneActive,
    /// Who falls silent is succeeded in time.
    TakesOver,
    /// In a calm there is one Active router.
    Converges,
    /// It is the one that preemption lets win.
    Preempts,
    /// The kernel holds what the state wants.
    Binding,
    /// Switches lead to the Active router.
    Tables,
    /// Hosts reach the upstream host, once.
    Reaches,
    /// Only who is Active tells hosts that it is.
    Announces,
    /// Only who is Active speaks from the virtual MAC.
    VirtualMac,
    /// Who is stopped says so.
    Resigns,
    /// Nothing grows.
    Bounded,
    /// Nothing of a daemon is left behind.
    Leftovers,
    /// Daemons run, answer and stop.
    Lives,
}

impl Checker {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::OneActive,
        Self::TakesOver,
        Self::Converges,
        Self::Preempts,
        Self::Binding,
        Self::Tables,
        Self::Reaches,
        Self::Announces,
        Self::VirtualMac,
        Self::Resigns,
        Self::Bounded,
        Self::Leftovers,
        Self::Lives,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OneActive => fhrp_sim::Checker::OneActive.name(),
            Self::TakesOver => fhrp_sim::Checker::TakesOver.name(),
            Self::Converges => fhrp_sim::Checker::Converges.name(),
            Self::Preempts => fhrp_sim::Checker::Preempts.name(),
            Self::Binding => fhrp_sim::Checker::Binding.name(),
            Self::Tables => fhrp_sim::Checker::Tables.name(),
            Self::Reaches => fhrp_sim::Checker::Reaches.name(),
            Self::Announces => fhrp_sim::Checker::Announces.name(),
            Self::VirtualMac => fhrp_sim::Checker::VirtualMac.name(),
            Self::Resigns => fhrp_sim::Checker::Resigns.name(),
            Self::Bounded => fhrp_sim::Checker::Bounded.name(),
            Self::Leftovers => "leftovers",
            Self::Lives => "lives",
        }
    }

    /// What it asserts, and by which bound.
    #[must_use]
    pub const fn claim(self) -> &'static str {
        match self {
            Self::OneActive => {
                "while neither is cut off, two routers claim to be Active for the same no longer than the time that \
                 a silent Active router is waited for, and 2 s"
            }
            Self::TakesOver => {
                "once the daemon of an Active router was killed, or its link has lost the carrier, and nothing else is \
                 or was just wrong in its LAN, another router claims to be Active within the time that a silent one \
                 is waited for, and 2 s"
            }
            Self::Converges => {
                "30 s after the last fault was mended at the latest, every group and every forwarder has exactly one \
                 Active router, the others are Backup, or one is Standby and the rest listens, and in the calm that \
                 follows no state changes"
            }
            Self::Preempts => {
                "then it is the router of the highest priority where preemption is on, and a forwarder's owner \
                 serves it"
            }
            Self::Binding => {
                "then a router holds the virtual address in its kernel if and only if it is Active for it, and has \
                 one device for each virtual MAC, as wide as the interface below, and no others"
            }
            Self::Tables => "then no switch leads a virtual MAC elsewhere than to its Active router",
            Self::Reaches => "in the calm every probe through every virtual address arrives exactly once",
            Self::Announces => {
                "gratuitous ARP and unsolicited neighbour advertisements come only from a router that has said that \
                 it is Active and has not said otherwise since, and within 10 s from each such router that was not \
                 cut off"
            }
            Self::VirtualMac => {
                "frames from a virtual MAC come only from a router that says that it is Active, or that has given \
                 it up less than 2 s ago"
            }
            Self::Resigns => "a router that was Active and is stopped says so before its daemon ends",
            Self::Bounded => {
                "from calm to calm a daemon's memory of its own grows by no more than 1 MiB in its life, its threads \
                 by none, its descriptors by none but one a device, and the kernel's links, addresses, routes, \
                 settings and filter rules by none but those of its devices"
            }
            Self::Leftovers => {
                "after a stop, or a kill and `fhrpd cleanup`, neither links nor addresses nor filters are left, and \
                 if nothing else went wrong at the same time, everything is as before the daemon first ran"
            }
            Self::Lives => {
                "a daemon ends only when asked to, within 10 s, and else answers `fhrpd show` within 5 s"
            }
        }
    }
}

impl fmt::Display for Checker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An assertion that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub checker: Checker,
    /// What was seen.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.checker, self.text)
    }
}

/// What the checkers find, and how often they looked.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    pub(super) checks: u64,
    pub(super) violations: Vec<Violation>,
}

impl Findings {
    /// One look: what is wrong if something is.
    pub(super) fn look(&mut self, checker: Checker, wrong: Option<String>) {
        self.checks += 1;
        self.violations.extend(wrong.map(|text| Violation { checker, text }));
    }

    pub(super) fn add(&mut self, other: Self) {
        self.checks += other.checks;
        self.violations.extend(other.violations);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_different_and_those_that_are_shared_are_the_simulators() {
        let mut names: Vec<_> = Checker::ALL.iter().map(|checker| checker.name()).collect();
        let shared =
            names.iter().filter(|name| fhrp_sim::Checker::ALL.iter().any(|other| other.name() == **name));
        assert_eq!(shared.count(), 11);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Checker::ALL.len());
    }
}
