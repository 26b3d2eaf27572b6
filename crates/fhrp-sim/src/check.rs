//! What is asserted, by name.

use std::fmt;

use fhrp::Instant;

/// An assertion about a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Checker {
    /// Two Active routers are soon one.
    OneActive,
    /// The wish of the dataplane follows the state.
    Binding,
    /// No announcement before the binding is live.
    LiveBeforeAnnounced,
    /// The virtual MAC is spoken from by the Active router alone.
    VirtualMac,
    /// The engine does not ask to be called without end.
    BusyLoop,
    /// Nothing grows without bound.
    Bounded,
    /// Nobody takes over before its time.
    Patience,
    /// Nobody sleeps through its time.
    TakesOver,
    /// A better Active router is yielded to.
    Yields,
    /// A lesser Active router is not yielded to.
    Stands,
    /// An Active router is heard.
    Advertises,
    /// Who stops being Active says so.
    Resigns,
    /// Who became Active tells hosts and switches.
    Announces,
    /// Of several Backups the best wins.
    SkewOrder,
    /// Nobody claims without an interface.
    FitToRun,
    /// In the end there is one Active router.
    Converges,
    /// In the end it is one that nobody has a right to replace.
    Preempts,
    /// In the end hosts reach the upstream, once.
    Reaches,
    /// In the end switches and hosts know where the Active router is.
    Tables,
    /// The same inputs give the same outputs.
    Determinism,
}

impl Checker {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::OneActive,
        Self::Binding,
        Self::LiveBeforeAnnounced,
        Self::VirtualMac,
        Self::BusyLoop,
        Self::Bounded,
        Self::Patience,
        Self::TakesOver,
        Self::Yields,
        Self::Stands,
        Self::Advertises,
        Self::Resigns,
        Self::Announces,
        Self::SkewOrder,
        Self::FitToRun,
        Self::Converges,
        Self::Preempts,
        Self::Reaches,
        Self::Tables,
        Self::Determinism,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OneActive => "one-active",
            Self::Binding => "binding",
            Self::LiveBeforeAnnounced => "live-before-announced",
            Self::VirtualMac => "virtual-mac",
            Self::BusyLoop => "busy-loop",
            Self::Bounded => "bounded",
            Self::Patience => "patience",
            Self::TakesOver => "takes-over",
            Self::Yields => "yields",
            Self::Stands => "stands",
            Self::Advertises => "advertises",
            Self::Resigns => "resigns",
            Self::Announces => "announces",
            Self::SkewOrder => "skew-order",
            Self::FitToRun => "fit-to-run",
            Self::Converges => "converges",
            Self::Preempts => "preempts",
            Self::Reaches => "reaches",
            Self::Tables => "tables",
            Self::Determinism => "determinism",
        }
    }

    /// What it asserts, and by which bound.
    #[must_use]
    pub fn claim(self) -> &'static str {
        match self {
            Self::OneActive => {
                "two Active routers of a group, the better of which reaches the other, are one after the better one's \
                 Advertisement_Interval and the longest transit (RFC 9568 §6.4.3)"
            }
            Self::Binding => {
                "after every call, the wished gate is open if and only if the group is Active, and it counts as \
                 programmed if and only if that wish was acknowledged; a refused wish ends the claim"
            }
            Self::LiveBeforeAnnounced => {
                "gratuitous ARP, unsolicited NA and router advertisements leave only while the dataplane holds the \
                 virtual addresses (RFC 9568 §8.1.2, §8.2.2)"
            }
            Self::VirtualMac => {
                "frames from the virtual MAC leave only a router that is Active, or that resigns by them: switch tables \
                 are never pulled to a Backup (RFC 9568 §7.2)"
            }
            Self::BusyLoop => {
                "after every timeout the next deadline lies ahead, and there are no more wake-ups a second than \
                 advertisements and announcements explain"
            }
            Self::Bounded => {
                "a call gives at most 64 actions, at most 16 peers are remembered, and at most 8 advertisements are \
                 sent in an Advertisement_Interval besides those of becoming Active"
            }
            Self::Patience => {
                "a Backup becomes Active no earlier than its Active_Down_Timer allows, as learned intervals, preemption \
                 and its delay, and resignations set it (RFC 9568 §6.4.2)"
            }
            Self::TakesOver => {
                "a Backup asks to be called when its Active_Down_Timer ends and is Active then (RFC 9568 §6.4.2)"
            }
            Self::Yields => {
                "an Active router that accepts an advertisement of a higher priority, or of an equal one from a higher \
                 address, is Backup at once (RFC 9568 §6.4.3)"
            }
            Self::Stands => "nothing else that is received makes an Active router give way (RFC 9568 §6.4.3)",
            Self::Advertises => {
                "an Active router advertises when it becomes Active and every Advertisement_Interval (RFC 9568 §6.4.3)"
            }
            Self::Resigns => {
                "an Active router that stops while it can still send says so with priority 0 (RFC 9568 §6.4.3)"
            }
            Self::Announces => {
                "with the acknowledgement of an open gate every virtual address is announced (RFC 9568 §6.4.2)"
            }
            Self::SkewOrder => {
                "of Backups that follow the same last advertisement, none takes over before one whose Skew_Time is \
                 shorter by more than transit and clocks differ (RFC 9568 §6.1)"
            }
            Self::FitToRun => "without carrier, interface or address a group is in Initialize",
            Self::Converges => {
                "once faults have stopped for two Active_Down_Intervals, the longest preempt delay and backoff, every \
                 group has exactly one Active router, and it stays"
            }
            Self::Preempts => {
                "then no Backup that may preempt has a higher priority than the Active router (RFC 9568 §6.4.2)"
            }
            Self::Reaches => "then every probe of every host is answered exactly once",
            Self::Tables => {
                "then every switch knows the virtual MAC where the Active router is, and every host the Active router's"
            }
            Self::Determinism => "a run repeated gives the same hash over all actions",
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
    /// When, in the world's time.
    pub at: Instant,
    /// Which.
    pub checker: Checker,
    /// What was seen.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.at, self.checker, self.text)
    }
}
