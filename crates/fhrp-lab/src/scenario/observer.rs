//! Who is Active, judged from advertisements alone; knows no sockets and no clock.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use crate::{capture::Event, clock::Stamp};

use super::{LabEvent, TimelineEntry};

/// Intervals of silence after which a router no longer counts as advertising.
const SILENT_INTERVALS: u32 = 3;

/// A router as the wire shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouterState {
    /// It has never advertised, and nobody else is Active yet.
    #[default]
    Starting,
    /// It is silent while another is Active.
    Backup,
    /// It advertises.
    Active,
    /// The fault has hit it and it no longer advertises.
    Down,
}

impl fmt::Display for RouterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Backup => "backup",
            Self::Active => "active",
            Self::Down => "down",
        })
    }
}

/// A takeover on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// The old Active router's last advertisement, or its first with priority 0.
    pub last: Stamp,
    /// The new one's first.
    pub first: Stamp,
    /// Whether the old one resigned.
    pub resigned: bool,
}

impl Takeover {
    /// The time between the two.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.first.since(self.last)
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    state: RouterState,
    last: Option<Stamp>,
    /// Advertisements since it last became Active.
    streak: u32,
    announced: bool,
    hit: bool,
}

/// Follows the advertisements of one virtual router.
#[derive(Debug)]
pub(super) struct Observer {
    vrid: u8,
    address: IpAddr,
    interval: Duration,
    routers: BTreeMap<String, Seen>,
    out: Vec<LabEvent>,
}

impl Observer {
    pub(super) fn new(
        names: impl IntoIterator<Item = String>,
        vrid: u8,
        address: IpAddr,
        interval: Duration,
    ) -> Self {
        let routers = names.into_iter().map(|name| (name, Seen::default())).collect();
        Self { vrid, address, interval, routers, out: Vec::new() }
    }

    /// What has happened since the last call.
    pub(super) fn drain(&mut self) -> Vec<LabEvent> {
        std::mem::take(&mut self.out)
    }

    /// Takes in a captured frame.
    pub(super) fn observe(&mut self, event: &Event) {
        let name = event.node.to_string();
        if let Some(advertisement) = event.kind.advertisement() {
            if advertisement.vrid == self.vrid {
                self.advertised(&name, event.at, advertisement.priority);
            }
        } else if event.kind.announces(self.address) {
            self.announced(&name, event.at);
        }
    }

    fn advertised(&mut self, name: &str, at: Stamp, priority: u8) {
        let Some(seen) = self.routers.get_mut(name) else { return };
        seen.last = Some(at);
        let was = seen.state;
        if priority == 0 {
            if was == RouterState::Active {
                self.out.push(line(at, TimelineEntry::Resigned { router: name.to_owned() }));
            }
            let state = if seen.hit { RouterState::Down } else { RouterState::Backup };
            self.enter(name, at, state);
            return;
        }
        if was == RouterState::Active {
            seen.streak += 1;
            return;
        }
        seen.streak = 1;
        seen.announced = false;
        let router = name.to_owned();
        self.out.push(line(at, TimelineEntry::FirstAdvertisement { router, priority }));
        self.enter(name, at, RouterState::Active);
        let waiting: Vec<_> = self
            .routers
            .iter()
            .filter(|(_, seen)| seen.state == RouterState::Starting)
            .map(|(n, _)| n.clone())
            .collect();
        for other in waiting {
            self.enter(&other, at, RouterState::Backup);
        }
    }

    fn announced(&mut self, name: &str, at: Stamp) {
        let Some(seen) = self.routers.get_mut(name) else { return };
        if !seen.announced && seen.state == RouterState::Active {
            seen.announced = true;
            self.out.push(line(at, TimelineEntry::Announced { router: name.to_owned() }));
        }
    }

    /// Notices who has fallen silent by `now`.
    pub(super) fn tick(&mut self, now: Stamp) {
        let silence = self.interval * SILENT_INTERVALS;
        let silent: Vec<_> = self
            .routers
            .iter()
            .filter(|(_, seen)| seen.state == RouterState::Active)
            .filter(|(_, seen)| seen.last.is_some_and(|last| now.since(last) > silence))
            .map(|(name, seen)| {
                (name.clone(), if seen.hit { RouterState::Down } else { RouterState::Backup })
            })
            .collect();
        for (name, state) in silent {
            self.enter(&name, now, state);
        }
    }

    /// Takes in that the fault has hit a router.
    pub(super) fn hit(&mut self, name: &str, at: Stamp) {
        let Some(seen) = self.routers.get_mut(name) else { return };
        seen.hit = true;
        if seen.state != RouterState::Active {
            self.enter(name, at, RouterState::Down);
        }
    }

    fn enter(&mut self, name: &str, at: Stamp, state: RouterState) {
        let Some(seen) = self.routers.get_mut(name) else { return };
        if seen.state != state {
            seen.state = state;
            self.out.push(LabEvent::RouterState { at, router: name.to_owned(), state });
        }
    }

    /// Whether `name` has advertised for three intervals and nobody else did within the last three.
    pub(super) fn alone(&self, name: &str) -> bool {
        let Some(own) = self.routers.get(name) else { return false };
        let silence = self.interval * SILENT_INTERVALS;
        let quiet = |seen: &Seen| match (seen.last, own.last) {
            (Some(other), Some(own)) => own.since(other) > silence,
            (None, _) | (Some(_), None) => true,
        };
        let others = self.routers.iter().filter(|(other, _)| *other != name);
        own.state == RouterState::Active
            && own.streak > SILENT_INTERVALS
            && others.map(|(_, seen)| seen).all(quiet)
    }

    /// The router, other than `old`, that is Active now.
    pub(super) fn successor(&self, old: &str) -> Option<&str> {
        let mut others = self.routers.iter().filter(|(name, _)| *name != old);
        others.find(|(_, seen)| seen.state == RouterState::Active).map(|(name, _)| name.as_str())
    }
}

fn line(at: Stamp, entry: TimelineEntry) -> LabEvent {
    LabEvent::Timeline { at, entry }
}

/// Finds the takeover from `old` after a fault that began at `fault`.
///
/// A router behind a port that does not forward goes on advertising, unheard: what it sends after `unheard` does
/// not count.
pub(super) fn takeover(
    events: &[Event],
    vrid: u8,
    old: &str,
    (fault, unheard): (Stamp, Option<Stamp>),
) -> Option<Takeover> {
    let advertisements = || {
        let all = events.iter().filter_map(|event| Some((event, event.kind.advertisement()?)));
        all.filter(|(_, advertisement)| advertisement.vrid == vrid)
    };
    let first = advertisements()
        .filter(|(event, said)| &*event.node != old && event.at > fault && said.priority > 0)
        .map(|(event, _)| event.at)
        .min()?;
    let of_old = || {
        advertisements()
            .filter(|(event, _)| &*event.node == old && event.at < first)
            .filter(|(event, _)| unheard.is_none_or(|unheard| event.at < unheard))
    };
    let resigned =
        of_old().filter(|(event, said)| said.priority == 0 && event.at >= fault).map(|(event, _)| event.at);
    if let Some(last) = resigned.min() {
        return Some(Takeover { last, first, resigned: true });
    }
    let last = of_old().map(|(event, _)| event.at).max()?;
    Some(Takeover { last, first, resigned: false })
}

#[cfg(test)]
mod tests;
