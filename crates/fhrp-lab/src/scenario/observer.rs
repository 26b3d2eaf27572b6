//! Who is Active, judged from the wire alone; knows no sockets and no clock.

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use crate::{capture::Event, clock::Stamp};

use super::{
    LabEvent, TimelineEntry,
    contest::{Claim, Contest},
};

/// Intervals of silence after which what a router last said no longer counts.
const SILENT_INTERVALS: u32 = 3;

/// A router as the wire shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RouterState {
    /// It has said nothing yet, and nobody else is Active.
    #[default]
    Starting,
    /// It is silent while another is Active (VRRP).
    Backup,
    /// It waits while another is Active (HSRP, GLBP).
    Listen,
    /// It wants to become Standby.
    Speak,
    /// It is the next in line.
    Standby,
    /// It is Active.
    Active,
    /// The fault has hit it and it is silent.
    Down,
}

impl fmt::Display for RouterState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "starting",
            Self::Backup => "backup",
            Self::Listen => "listen",
            Self::Speak => "speak",
            Self::Standby => "standby",
            Self::Active => "active",
            Self::Down => "down",
        })
    }
}

/// A takeover on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Takeover {
    /// The old Active router's last packet as such, or its resignation.
    pub last: Stamp,
    /// The new one's first packet as Active.
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
    /// When it last said what it is.
    heard: Option<Stamp>,
    /// When it last said that it is Active, or resigned.
    last: Option<Stamp>,
    /// Packets as Active since it last became so.
    streak: u32,
    announced: bool,
    hit: bool,
}

/// Follows what the routers say in one contest.
#[derive(Debug)]
pub(super) struct Observer {
    contest: Contest,
    address: IpAddr,
    interval: Duration,
    routers: BTreeMap<String, Seen>,
    out: Vec<LabEvent>,
}

impl Observer {
    pub(super) fn new(
        names: impl IntoIterator<Item = String>,
        contest: Contest,
        address: IpAddr,
        interval: Duration,
    ) -> Self {
        let routers = names.into_iter().map(|name| (name, Seen::default())).collect();
        Self { contest, address, interval, routers, out: Vec::new() }
    }

    /// What has happened since the last call.
    pub(super) fn drain(&mut self) -> Vec<LabEvent> {
        std::mem::take(&mut self.out)
    }

    /// Takes in a captured frame.
    pub(super) fn observe(&mut self, event: &Event) {
        let name = event.node.to_string();
        if let Some(claim) = self.contest.claim(&event.kind) {
            self.claimed(&name, event.at, claim);
        } else if event.destination_mac.is_multicast() && event.kind.announces(self.address) {
            // To one host it is an answer.
            self.announced(&name, event.at);
        }
    }

    fn claimed(&mut self, name: &str, at: Stamp, claim: Claim) {
        let Some(seen) = self.routers.get_mut(name) else { return };
        seen.heard = Some(at);
        match claim {
            Claim::Active { priority } => self.is_active(name, at, priority),
            Claim::Resigns => self.resigns(name, at),
            Claim::Coup => self.out.push(line(at, TimelineEntry::Coup { router: name.to_owned() })),
            Claim::Is(state) if seen.state != RouterState::Down => self.is(name, at, state),
            Claim::Is(_) => {}
        }
    }

    fn is(&mut self, name: &str, at: Stamp, state: RouterState) {
        let new = self.routers.get(name).is_some_and(|seen| seen.state != state);
        if new && state == RouterState::Standby {
            self.out.push(line(at, TimelineEntry::StandsBy { router: name.to_owned() }));
        }
        self.enter(name, at, state);
    }

    fn resigns(&mut self, name: &str, at: Stamp) {
        let resting = self.contest.resting();
        let Some(seen) = self.routers.get_mut(name) else { return };
        seen.last = Some(at);
        if seen.state == RouterState::Active {
            self.out.push(line(at, TimelineEntry::Resigned { router: name.to_owned() }));
        }
        let state = if seen.hit { RouterState::Down } else { resting };
        self.enter(name, at, state);
    }

    fn is_active(&mut self, name: &str, at: Stamp, priority: u8) {
        let Some(seen) = self.routers.get_mut(name) else { return };
        seen.last = Some(at);
        if seen.state == RouterState::Active {
            seen.streak += 1;
            return;
        }
        seen.streak = 1;
        seen.announced = false;
        self.out.push(line(at, self.contest.first_claim(name, priority)));
        self.enter(name, at, RouterState::Active);
        let waiting: Vec<_> = self
            .routers
            .iter()
            .filter(|(_, seen)| seen.state == RouterState::Starting)
            .map(|(n, _)| n.clone())
            .collect();
        for other in waiting {
            self.enter(&other, at, self.contest.resting());
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
        let speaks = |state| match state {
            RouterState::Active | RouterState::Standby | RouterState::Speak => true,
            RouterState::Starting | RouterState::Backup | RouterState::Listen | RouterState::Down => false,
        };
        let silent: Vec<_> = self
            .routers
            .iter()
            .filter(|(_, seen)| speaks(seen.state))
            .filter(|(_, seen)| seen.heard.is_some_and(|heard| now.since(heard) > silence))
            .map(|(name, seen)| {
                (name.clone(), if seen.hit { RouterState::Down } else { self.contest.resting() })
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

    /// Whether `name` has been Active for three intervals and nobody else was within the last three.
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

    /// A router that is Active now and that the fault has not hit.
    pub(super) fn active(&self) -> Option<&str> {
        self.find(RouterState::Active)
    }

    /// Whether somebody waits as the next in line, if the contest knows such a one.
    pub(super) fn has_next(&self) -> bool {
        !self.contest.has_standby() || self.routers.len() < 2 || self.standby().is_some()
    }

    /// The router that says that it is the next in line.
    pub(super) fn standby(&self) -> Option<&str> {
        self.find(RouterState::Standby)
    }

    fn find(&self, state: RouterState) -> Option<&str> {
        let mut whole = self.routers.iter().filter(|(_, seen)| !seen.hit);
        whole.find(|(_, seen)| seen.state == state).map(|(name, _)| name.as_str())
    }
}

pub(super) fn line(at: Stamp, entry: TimelineEntry) -> LabEvent {
    LabEvent::Timeline { at, entry }
}

/// Finds the takeover from `old` after a fault that began at `fault`.
///
/// A router behind a port that does not forward goes on speaking, unheard: what it sends after `unheard` does not
/// count.
pub(super) fn takeover(
    events: &[Event],
    contest: Contest,
    old: &str,
    (fault, unheard): (Stamp, Option<Stamp>),
) -> Option<Takeover> {
    let claims = || events.iter().filter_map(|event| Some((event, contest.claim(&event.kind)?)));
    let is_active = |claim| match claim {
        Claim::Active { .. } => true,
        Claim::Resigns | Claim::Coup | Claim::Is(_) => false,
    };
    let first = claims()
        .filter(|(event, claim)| &*event.node != old && event.at > fault && is_active(*claim))
        .map(|(event, _)| event.at)
        .min()?;
    let of_old = || {
        claims()
            .filter(|(event, _)| &*event.node == old && event.at < first)
            .filter(|(event, _)| unheard.is_none_or(|unheard| event.at < unheard))
    };
    let resigned = of_old()
        .filter(|(event, claim)| *claim == Claim::Resigns && event.at >= fault)
        .map(|(event, _)| event.at);
    if let Some(last) = resigned.min() {
        return Some(Takeover { last, first, resigned: true });
    }
    let last = of_old().filter(|(_, claim)| is_active(*claim)).map(|(event, _)| event.at).max()?;
    Some(Takeover { last, first, resigned: false })
}

#[cfg(test)]
mod tests;
