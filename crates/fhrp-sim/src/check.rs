//! What is asserted, by name.

use std::fmt;

use fhrp::Instant;

macro_rules! checkers {
    ($($(#[$doc:meta])* $checker:ident = $name:literal: $claim:literal),* $(,)?) => {
        /// An assertion about a run.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Checker { $($(#[$doc])* $checker),* }

        impl Checker {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$checker),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$checker => $name),* }
            }

            /// What it asserts, and by which bound.
            #[must_use]
            pub fn claim(self) -> &'static str {
                match self { $(Self::$checker => $claim),* }
            }
        }
    };
}

checkers! {
    /// Two Active routers are soon one.
    OneActive = "one-active":
        "two Active routers of a group, the better of which reaches the other, are one after the better one's \
         Advertisement_Interval and the longest transit (RFC 9568 §6.4.3)",
    /// The wish of the dataplane follows the state.
    Binding = "binding":
        "after every call, the wished gate is open if and only if the group is Active, and it counts as \
         programmed if and only if that wish was acknowledged; a refused wish ends the claim; in the end no other router \
         answers or forwards",
    /// No announcement before the binding is live.
    LiveBeforeAnnounced = "live-before-announced":
        "gratuitous ARP, unsolicited NA and router advertisements leave only while the dataplane holds the \
         virtual addresses (RFC 9568 §8.1.2, §8.2.2)",
    /// The virtual MAC is spoken from by the Active router alone.
    VirtualMac = "virtual-mac":
        "frames from the virtual MAC leave only a router that is Active, or that resigns by them: switch tables \
         are never pulled to a Backup (RFC 9568 §7.2)",
    /// The engine does not ask to be called without end.
    BusyLoop = "busy-loop":
        "after every timeout the next deadline lies ahead, and there are no more wake-ups a second than \
         advertisements and announcements explain",
    /// Nothing grows without bound.
    Bounded = "bounded":
        "what was handed in gives at most 64 actions, and 8 for each change of state, at most 16 peers are remembered, and at most 8 advertisements are sent \
         in an Advertisement_Interval besides those of becoming Active",
    /// Nobody takes over before its time.
    Patience = "patience":
        "a Backup becomes Active no earlier than its Active_Down_Timer, or the table of HSRP, allows, as learned \
         intervals, preemption and its delay, and resignations set it (RFC 9568 §6.4.2, RFC 2281 §5)",
    /// Nobody sleeps through its time.
    TakesOver = "takes-over":
        "a Backup asks to be called when its Active_Down_Timer ends and is Active then (RFC 9568 §6.4.2)",
    /// A better Active router is yielded to.
    Yields = "yields":
        "an Active router that accepts an advertisement of a higher priority, or of an equal one from a higher \
         address, is Backup at once (RFC 9568 §6.4.3)",
    /// A lesser Active router is not yielded to.
    Stands = "stands":
        "nothing else that is received makes an Active router give way (RFC 9568 §6.4.3)",
    /// An Active router is heard.
    Advertises = "advertises":
        "an Active router advertises when it becomes Active and every Advertisement_Interval (RFC 9568 §6.4.3)",
    /// What is said is so.
    Says = "says":
        "an advertisement or Hello tells the priority, the interval or timers, the addresses and the password that its \
         sender has, in its version (RFC 9568 §5.2, RFC 2281 §5)",
    /// Who stops being Active says so.
    Resigns = "resigns":
        "an Active router that stops while it can still send says so with priority 0 (RFC 9568 §6.4.3)",
    /// Who became Active tells hosts and switches.
    Announces = "announces":
        "with the acknowledgement of an open gate every virtual address is announced (RFC 9568 §6.4.2)",
    /// Of several Backups the best wins.
    SkewOrder = "skew-order":
        "of Backups that follow the same last advertisement, none takes over before one whose Skew_Time is \
         shorter by more than transit and clocks differ (RFC 9568 §6.1)",
    /// Who is not Active is where the table puts it.
    Succession = "succession":
        "a router of HSRP that is not Active is in Listen, Speak or Standby as every message and both timers put \
         it there (RFC 2281 §5), and a group that follows another stands where that one stands",
    /// A router that is shut down forwards until another one does.
    HandsOver = "hands-over":
        "a daemon that is asked to stop takes nothing away, and of the probes of hosts none is lost to a router that is shut down, if its successor's time is no longer \
         than a stopping router waits and nothing else goes wrong, except while the successor's dataplane opens; \
         of a GLBP forwarder none at all while it is waited for, except while several that can take it agree who does",
    /// Nobody claims without an interface.
    FitToRun = "fit-to-run":
        "a group is in Initialize without carrier, interface or address, and for no longer; or until it tries again what \
         the dataplane refused",
    /// In the end there is one Active router.
    Converges = "converges":
        "once faults have stopped for three times the longest Active_Down_Interval or hold time, the longest preempt delay \
         and backoff, and 6 s, every \
         group has exactly one Active router, and it stays; whoever can take part does",
    /// In the end it is one that nobody has a right to replace.
    Preempts = "preempts":
        "then no Backup that may preempt has a higher priority than the Active router (RFC 9568 §6.4.2)",
    /// In the end hosts reach the upstream, once.
    Reaches = "reaches":
        "then every probe of every host is answered exactly once",
    /// In the end switches and hosts know where the Active router is.
    Tables = "tables":
        "then no switch leads elsewhere than to the Active router, and every host knows its MAC: where that is \
         the virtual one, or announced again and again",
    /// Two routers that serve one forwarder are soon one.
    OneForwarder = "one-forwarder":
        "GLBP: of two routers that serve one virtual MAC, the better of which reaches the other, one is left after \
         the better one's hello time and the longest transit",
    /// Every forwarder is where the table puts it.
    Forwarders = "forwarders":
        "GLBP: each forwarder is Initial, Listen or Active on each router as every word about it, its timer, \
         preemption and its delay, the weighting and the dataplane put it there, to the microsecond",
    /// Everybody knows whose the forwarders are.
    Ownership = "ownership":
        "GLBP: a forwarder is its owner's who says so with the primary bit, who was given it by the AVG that it asked, \
         or who gave itself the lowest free one as the AVG; of two owners the higher address keeps it",
    /// Redirect time and timeout end when they have to.
    Lifetimes = "lifetimes":
        "GLBP: redirect time and timeout of a forwarder count from when its owner was last heard, or as the secondary \
         says that serves it, and after the timeout it is forgotten",
    /// The AVG gives forwarders out.
    Assigns = "assigns":
        "GLBP: the AVG answers a request with the number that the asker has, or else the lowest free one, and nobody \
         else does; it leaves out none of eight in a hello time",
    /// Hellos list what is.
    Lists = "lists":
        "GLBP: a Hello lists all that its sender serves, and its own forwarder, with the priority, weighting and times \
         that they have, from gates that are open only",
    /// Who may not forward gives all forwarders away.
    Weighs = "weighs":
        "GLBP: a router whose weighting falls below the lower threshold resigns all that it serves at once, and does \
         not begin to serve below the upper one",
    /// Hosts are answered by who has to, once.
    Answers = "answers":
        "GLBP: a question to all is answered by the AVG alone, one to a virtual MAC by who serves it, from the MAC of \
         the interface to the asker, and nobody is told unasked where the address is",
    /// Only what is served and may be handed out is handed out.
    HandsOut = "hands-out":
        "GLBP: hosts are told MACs only that somebody serves, as far as the AVG has heard within the hold time, and \
         whose owner lives or was heard within the redirect time",
    /// Hosts are shared out as configured.
    Balances = "balances":
        "GLBP: while the same forwarders are offered, answers in turn differ by one, those by weight by two from their \
         share, those by host are the same for a host, and without balancing all are the AVG's own",
    /// The same inputs give the same outputs.
    Determinism = "determinism":
        "a run repeated gives the same hash over all actions",
}

/// Which checkers are heeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watch {
    /// All.
    #[default]
    All,
    /// One alone: what others find goes unnoticed.
    Only(Checker),
    /// None: the run is looked at, not judged.
    Nobody,
}

impl Watch {
    /// Whether what `checker` finds counts.
    #[must_use]
    pub fn heeds(self, checker: Checker) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only == checker,
            Self::Nobody => false,
        }
    }

    /// What was found, if it counts.
    pub(crate) fn mind(self, found: Result<(), (Checker, String)>) -> Result<(), (Checker, String)> {
        match found {
            Err((checker, _)) if !self.heeds(checker) => Ok(()),
            found => found,
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
