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

    /// In words, in a world of so many routers.
    pub(crate) fn told(&self, routers: usize) -> impl fmt::Display + '_ {
        Told { kind: self, routers }
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

/// Routers are counted from 1 for people.
pub(crate) struct Place(pub(crate) usize);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r{}", self.0 + 1)
    }
}

/// A kind, and where hosts begin.
struct Told<'a> {
    kind: &'a Kind,
    routers: usize,
}

impl Told<'_> {
    /// Hosts are counted from 0, as where they complain.
    fn place(&self, place: usize) -> String {
        match place.checked_sub(self.routers) {
            None => Place(place).to_string(),
            Some(host) => format!("host {host}"),
        }
    }

    fn path(&self, path: &Path) -> String {
        let place = |place: usize| self.place(place);
        match (path.from.map(place), path.to.map(place)) {
            (None, None) => "on all frames".to_owned(),
            (Some(from), None) => format!("on frames from {from}"),
            (None, Some(to)) => format!("on frames to {to}"),
            (Some(from), Some(to)) => format!("on frames from {from} to {to}"),
        }
    }
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Loss { path, percent } => write!(f, "loss {percent} % {}", self.path(path)),
            Kind::Delay { path, most } => write!(f, "delay up to {most:?} {}", self.path(path)),
            Kind::Duplicate { path, percent } => write!(f, "duplication {percent} % {}", self.path(path)),
            Kind::Corrupt { path, percent } => write!(f, "corruption {percent} % {}", self.path(path)),
            Kind::Noise => f.write_str("a stranger sends packets that break rules"),
            Kind::Split => f.write_str("the switches are cut apart"),
            Kind::LinkDown(router) => write!(f, "{} without carrier", Place(*router)),
            Kind::LinkGone(router) => write!(f, "{} without interface", Place(*router)),
            Kind::PowerLoss(router) => write!(f, "{} without power", Place(*router)),
            Kind::Crash(router) => write!(f, "{} crashed, with leftovers", Place(*router)),
            Kind::Shutdown(router) => write!(f, "{} shut down", Place(*router)),
            Kind::Stall(router) => write!(f, "{} stalled", Place(*router)),
            Kind::SlowDataplane(router, by) => write!(f, "{} programs in {by:?}", Place(*router)),
            Kind::FailingDataplane(router) => write!(f, "{} cannot program", Place(*router)),
            Kind::TrackDown(router, object) => write!(f, "{} without {object}", Place(*router)),
            Kind::Reconfigure { router, group, change } => {
                write!(f, "{} group {group} with {change}", Place(*router))
            }
            Kind::Withdraw { router, group } => write!(f, "{} without group {group}", Place(*router)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_no_routers() {
        let told = |from, to| {
            let kind = Kind::Loss { path: Path { from, to }, percent: 40 };
            kind.told(3).to_string()
        };
        assert_eq!(told(None, None), "loss 40 % on all frames");
        assert_eq!(told(Some(2), None), "loss 40 % on frames from r3");
        assert_eq!(told(None, Some(3)), "loss 40 % on frames to host 0");
        assert_eq!(told(Some(4), Some(0)), "loss 40 % on frames from host 1 to r1");
    }
}
