//! What can go wrong, as data: a run's faults are a list that can be printed and shortened.

use std::fmt;
use std::time::Duration;

use fhrp::{Instant, TrackName};

use crate::group::Change;

/// One fault: it begins, and it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// When it begins.
    pub at: Instant,
    /// When all is well again.
    pub until: Instant,
    /// What it is.
    pub kind: Kind,
}

/// The frames that a fault of the network touches; `None` is everyone. Numbers are places: routers first, then hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Path {
    /// Sent by.
    pub from: Option<usize>,
    /// Received by.
    pub to: Option<usize>,
}

/// The kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Frames vanish.
    Loss {
        /// Which.
        path: Path,
        /// How many of 100; 100 is a cut, in one direction.
        percent: u8,
    },
    /// Frames take longer, each by a time of its own: they come out of order too.
    Delay {
        /// Which.
        path: Path,
        /// At most so much longer.
        most: Duration,
    },
    /// Frames come twice.
    Duplicate {
        /// Which.
        path: Path,
        /// How many of 100.
        percent: u8,
    },
    /// Bits of frames are flipped.
    Corrupt {
        /// Which.
        path: Path,
        /// How many of 100.
        percent: u8,
    },
    /// A stranger sends packets that break a rule each and must not count.
    Noise,
    /// The cable between the switches is cut.
    Split,
    /// The router's interface loses its carrier.
    LinkDown(usize),
    /// The router's interface is deleted, and made anew in the end.
    LinkGone(usize),
    /// The router loses its power, and starts from nothing in the end.
    PowerLoss(usize),
    /// The router's daemon dies and leaves the dataplane as it was, and is started again in the end.
    Crash(usize),
    /// The router's daemon is stopped in good order, and started again in the end.
    Shutdown(usize),
    /// The router's daemon gets no processor time.
    Stall(usize),
    /// The router's dataplane takes this long for each wish.
    SlowDataplane(usize, Duration),
    /// The router's dataplane refuses whatever it is told.
    FailingDataplane(usize),
    /// An object that the router's groups track is down.
    TrackDown(usize, TrackName),
    /// The router runs with another configuration meanwhile.
    Reconfigure {
        /// The router.
        router: usize,
        /// The group, by its place.
        group: usize,
        /// What is different.
        change: Change,
    },
    /// The group is taken out of the router's configuration meanwhile.
    Withdraw {
        /// The router.
        router: usize,
        /// The group, by its place.
        group: usize,
    },
}

impl Path {
    /// Everything.
    pub const ALL: Self = Self { from: None, to: None };

    /// Whether a frame from `from` to `to` is among them.
    #[must_use]
    pub fn covers(&self, from: usize, to: usize) -> bool {
        self.from.is_none_or(|place| place == from) && self.to.is_none_or(|place| place == to)
    }
}

impl Kind {
    /// The router that it befalls, where it befalls one and not the network.
    #[must_use]
    pub fn victim(&self) -> Option<usize> {
        match self {
            Self::Loss { .. }
            | Self::Delay { .. }
            | Self::Duplicate { .. }
            | Self::Corrupt { .. }
            | Self::Noise
            | Self::Split => None,
            Self::LinkDown(router)
            | Self::LinkGone(router)
            | Self::PowerLoss(router)
            | Self::Crash(router)
            | Self::Shutdown(router)
            | Self::Stall(router)
            | Self::SlowDataplane(router, _)
            | Self::FailingDataplane(router)
            | Self::TrackDown(router, _)
            | Self::Reconfigure { router, .. }
            | Self::Withdraw { router, .. } => Some(*router),
        }
    }

    /// Whether an advertisement from `from` to `to` may come late, changed or not at all.
    #[must_use]
    pub fn strains(&self, from: usize, to: usize) -> bool {
        match self {
            Self::Loss { path, .. } | Self::Delay { path, .. } | Self::Corrupt { path, .. } => {
                path.covers(from, to)
            }
            Self::Split => true,
            Self::Duplicate { .. } | Self::Noise => false,
            Self::LinkDown(_)
            | Self::LinkGone(_)
            | Self::PowerLoss(_)
            | Self::Crash(_)
            | Self::Shutdown(_)
            | Self::Stall(_)
            | Self::SlowDataplane(..)
            | Self::FailingDataplane(_)
            | Self::TrackDown(..)
            | Self::Reconfigure { .. }
            | Self::Withdraw { .. } => self.victim().is_some_and(|victim| victim == from || victim == to),
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (None, None) => f.write_str("on all frames"),
            (Some(from), None) => write!(f, "on frames from {}", Place(from)),
            (None, Some(to)) => write!(f, "on frames to {}", Place(to)),
            (Some(from), Some(to)) => write!(f, "on frames from {} to {}", Place(from), Place(to)),
        }
    }
}

/// Routers are counted from 1 for people.
pub(crate) struct Place(pub(crate) usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0 + 1)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss { path, percent } => write!(f, "loss {percent} % {path}"),
            Self::Delay { path, most } => write!(f, "delay up to {most:?} {path}"),
            Self::Duplicate { path, percent } => write!(f, "duplication {percent} % {path}"),
            Self::Corrupt { path, percent } => write!(f, "corruption {percent} % {path}"),
            Self::Noise => f.write_str("a stranger sends packets that break rules"),
            Self::Split => f.write_str("the switches are cut apart"),
            Self::LinkDown(router) => write!(f, "{} without carrier", Place(*router)),
            Self::LinkGone(router) => write!(f, "{} without interface", Place(*router)),
            Self::PowerLoss(router) => write!(f, "{} without power", Place(*router)),
            Self::Crash(router) => write!(f, "{} crashed, with leftovers", Place(*router)),
            Self::Shutdown(router) => write!(f, "{} shut down", Place(*router)),
            Self::Stall(router) => write!(f, "{} stalled", Place(*router)),
            Self::SlowDataplane(router, by) => write!(f, "{} programs in {by:?}", Place(*router)),
            Self::FailingDataplane(router) => write!(f, "{} cannot program", Place(*router)),
            Self::TrackDown(router, object) => write!(f, "{} without {object}", Place(*router)),
            Self::Reconfigure { router, group, change } => {
                write!(f, "{} group {group} with {change}", Place(*router))
            }
            Self::Withdraw { router, group } => write!(f, "{} without group {group}", Place(*router)),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} to {}: {}", self.at, self.until, self.kind)
    }
}
