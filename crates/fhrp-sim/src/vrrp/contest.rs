//! What one router has to do in one group: the tables of RFC 9568 §6.4 as expectations. It follows the state that the
//! engine shows and keeps only what the RFC says about time, so that it can say when the engine is wrong.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{Authentication, GroupState, Instant, VrrpSettings};
use fhrp_wire::vrrp::{GROUP_V4, GROUP_V6};

use super::{Said, active_down, skew};
use crate::check::Checker;
use crate::contest::{Fault, Fitness, burden};
use crate::pace::{Pace, shown};

/// The last advertisement accepted from a router.
#[derive(Clone, Copy, Debug)]
struct Peer {
    version: u8,
    interval: Duration,
    at: Instant,
}

/// One router in one group; all times are the router's own.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) settings: VrrpSettings,
    pub(crate) state: GroupState,
    pub(crate) tracked_down: bool,
    /// When the Active_Down_Timer runs out.
    down: Option<Instant>,
    /// Active_Adver_Interval, once learned.
    learned: Option<Duration>,
    lower_since: Option<Instant>,
    pub(crate) pace: Pace,
    peers: BTreeMap<IpAddr, Peer>,
    /// The frame whose advertisement restarted the Active_Down_Timer.
    pub(crate) followed: Option<u64>,
}

impl Contest {
    pub(crate) fn new(settings: VrrpSettings) -> Self {
        Self {
            settings,
            state: GroupState::Initialize,
            tracked_down: false,
            down: None,
            learned: None,
            lower_since: None,
            pace: Pace::default(),
            peers: BTreeMap::new(),
            followed: None,
        }
    }

    /// The group starts anew.
    pub(crate) fn restart(&mut self) {
        let tracked_down = self.tracked_down;
        *self = Self { tracked_down, ..Self::new(self.settings.clone()) };
    }

    pub(crate) fn owner(&self, fit: Option<&Fitness>) -> bool {
        let owns = |fit: &Fitness| self.settings.addresses.iter().any(|address| fit.own.contains(address));
        self.settings.priority == 255 || fit.is_some_and(owns)
    }

    pub(crate) fn priority(&self, fit: Option<&Fitness>) -> u8 {
        let burden = burden(&self.settings.track, self.tracked_down).unwrap_or(0);
        if self.owner(fit) { 255 } else { self.settings.priority.saturating_sub(burden).max(1) }
    }

    fn interval(&self) -> Duration {
        let own = self.settings.advertisement_interval;
        if self.settings.version == 2 { own } else { self.learned.unwrap_or(own) }
    }

    pub(crate) fn skew(&self, fit: Option<&Fitness>) -> Duration {
        skew(self.settings.version, self.priority(fit), self.interval())
    }

    /// Whether what `speaker` says counts here, however it is configured and wherever it stands.
    pub(crate) fn would_hear(&self, speaker: &Self, fit: Option<&Fitness>) -> bool {
        let (own, theirs) = (&self.settings, &speaker.settings);
        let speaks = |version| theirs.version == version || (version == 2 && theirs.coexist_with_v2);
        let hears = |version| own.version == version || (version == 2 && own.coexist_with_v2);
        let strict = own.version == 3
            || (own.advertisement_interval == theirs.advertisement_interval && !self.owner(fit));
        [2, 3].into_iter().any(|version| speaks(version) && hears(version)) && strict
    }

    fn restart_timer(&mut self, at: Instant, fit: Option<&Fitness>) {
        self.down = Some(at + active_down(self.settings.version, self.priority(fit), self.interval()));
    }

    /// Whether an advertisement counts. RFC 9568 §7.1, §8.4; RFC 3768 §7.1.
    fn accepts(&self, at: Instant, said: &Said, fit: Option<&Fitness>) -> bool {
        let settings = &self.settings;
        let group = [IpAddr::V4(GROUP_V4), IpAddr::V6(GROUP_V6)].contains(&said.destination);
        let addressed = match settings.unicast_peers.as_slice() {
            [] => group && said.ttl == 255,
            peers => {
                peers.contains(&said.source) && fit.is_some_and(|fit| fit.own.contains(&said.destination))
            }
        };
        let native = said.version == settings.version;
        let spoken = native || (said.version == 2 && settings.coexist_with_v2);
        let password = match (&settings.authentication, said.version) {
            (Authentication::Text(key), 2) => Some(key.octets()),
            _ => None,
        };
        let same_interval = said.interval == settings.advertisement_interval;
        let same_list = same_addresses(&said.addresses, &settings.addresses) || said.priority == 255;
        let strict = settings.version == 3 || (same_interval && same_list && !self.owner(fit));
        let ours = fit.is_some_and(|fit| fit.source == said.source);
        let shadowed = !native
            && self.peers.get(&said.source).is_some_and(|peer| {
                peer.version == 3 && at <= peer.at + peer.interval * 3 + Duration::from_secs(1)
            });
        addressed && spoken && password == said.password && strict && !ours && !shadowed
    }

    /// An advertisement was received at `at`, in frame `frame`; the state is `after` since then.
    pub(crate) fn hear(
        &mut self,
        (at, frame): (Instant, u64),
        said: &Said,
        fit: Option<&Fitness>,
        after: GroupState,
    ) -> Result<(), Fault> {
        let accepted = self.accepts(at, said, fit);
        if accepted {
            let peer = Peer { version: said.version, interval: said.interval, at };
            self.peers.insert(said.source, peer);
        }
        let Some(source) = fit.map(|fit| fit.source) else { return Ok(()) };
        let higher = (said.priority, said.source) > (self.priority(fit), source);
        let yields = accepted && said.priority > 0 && higher;
        if self.state == GroupState::Active && yields {
            if after == GroupState::Active {
                let text = format!("stays Active after priority {} from {}", said.priority, said.source);
                return Err((Checker::Yields, text));
            }
            self.state = after;
            self.follow(at, frame, said, fit);
        } else if self.state == GroupState::Active && after != GroupState::Active {
            let text = format!("gives way to priority {} from {}", said.priority, said.source);
            return Err((Checker::Stands, text));
        } else if self.state == GroupState::Backup && after == GroupState::Active {
            let text = format!("takes over on priority {} from {}", said.priority, said.source);
            return Err((Checker::Patience, text));
        } else if self.state == GroupState::Backup && accepted {
            self.hear_as_backup((at, frame), said, fit);
        }
        Ok(())
    }

    /// RFC 9568 §6.4.2, and the preempt delay.
    fn hear_as_backup(&mut self, (at, frame): (Instant, u64), said: &Said, fit: Option<&Fitness>) {
        if said.priority == 0 {
            self.down = Some(at + self.skew(fit).max(Duration::from_micros(1)));
            self.followed = Some(frame);
            return;
        }
        let delay = match (self.owner(fit), self.settings.preempt) {
            (true, _) => Some(Duration::ZERO),
            (false, true) => Some(self.settings.preempt_delay),
            (false, false) => None,
        };
        let Some(delay) = delay.filter(|_| said.priority < self.priority(fit)) else {
            self.lower_since = None;
            return self.follow(at, frame, said, fit);
        };
        let since = *self.lower_since.get_or_insert(at);
        if at.saturating_duration_since(since) < delay {
            self.follow(at, frame, said, fit);
        } else {
            self.followed = None;
        }
    }

    fn follow(&mut self, at: Instant, frame: u64, said: &Said, fit: Option<&Fitness>) {
        self.learned = Some(said.interval);
        self.followed = Some(frame);
        self.restart_timer(at, fit);
    }

    /// Time was served at `now`; the state is `after` since then.
    pub(crate) fn tick(&mut self, now: Instant, after: GroupState) -> Result<(), Fault> {
        let due = self.down.is_some_and(|down| down <= now);
        match (self.state, after) {
            (GroupState::Backup, GroupState::Active) if !due => {
                Err((Checker::Patience, format!("takes over at {now}, {}", self.timer())))
            }
            (GroupState::Backup, GroupState::Backup) if due => {
                Err((Checker::TakesOver, format!("is Backup at {now}, {}", self.timer())))
            }
            (GroupState::Backup, GroupState::Active) => {
                self.state = after;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether what it sent is so. RFC 9568 §5.2, RFC 3768 §5.3.
    pub(crate) fn says(&self, said: &Said, fit: Option<&Fitness>) -> Result<(), Fault> {
        let settings = &self.settings;
        let interval = match said.version {
            2 => Duration::from_secs(settings.advertisement_interval.as_secs().max(1)),
            _ => settings.advertisement_interval,
        };
        let password = match (&settings.authentication, said.version) {
            (Authentication::Text(key), 2) => Some(key.octets()),
            _ => None,
        };
        let spoken = said.version == settings.version || (said.version == 2 && settings.coexist_with_v2);
        let so = [0, self.priority(fit)].contains(&said.priority)
            && spoken
            && said.interval == interval
            && said.password == password
            && same_addresses(&said.addresses, &settings.addresses);
        let text = || format!("says {said:?}, has priority {}, {interval:?}", self.priority(fit));
        if so { Ok(()) } else { Err((Checker::Says, text())) }
    }

    fn timer(&self) -> String {
        match self.down {
            Some(down) => format!("Active_Down_Timer ends at {down}"),
            None => "no Active_Down_Timer runs".to_owned(),
        }
    }

    /// The engine shows the state `to`; whatever explained it has been looked at.
    pub(crate) fn enter(&mut self, now: Instant, to: GroupState, fit: Option<&Fitness>) -> Result<(), Fault> {
        let from = std::mem::replace(&mut self.state, to);
        if to == GroupState::Backup && from != GroupState::Backup && self.down.is_none() {
            self.restart_timer(now, fit);
        }
        match (from, to) {
            (GroupState::Backup, GroupState::Active) => {
                return Err((Checker::Patience, format!("takes over at {now} for no reason")));
            }
            (GroupState::Active, GroupState::Backup) => {
                return Err((Checker::Stands, format!("gives way at {now} for no reason")));
            }
            _ => {}
        }
        if to == GroupState::Active && from == GroupState::Initialize && !self.owner(fit) {
            return Err((Checker::Patience, format!("starts as Active at {now}, but is no owner")));
        }
        if to == GroupState::Backup && from == GroupState::Initialize && self.owner(fit) {
            return Err((Checker::TakesOver, "starts as Backup, but is the owner".to_owned()));
        }
        if to != GroupState::Backup {
            (self.down, self.learned, self.lower_since, self.followed) = (None, None, None, None);
        }
        if to != GroupState::Active {
            self.pace.last = None;
        }
        Ok(())
    }

    /// The engine asks to be called at `next`.
    pub(crate) fn plans(&self, next: Option<Instant>) -> Result<(), Fault> {
        if self.state == GroupState::Backup && self.down.zip(next).is_none_or(|(down, next)| next > down) {
            let text = format!("asks to be called {}, {}", shown(next), self.timer());
            return Err((Checker::TakesOver, text));
        }
        if self.state != GroupState::Active {
            return Ok(());
        }
        if self.pace.last.is_none() {
            return Err((Checker::Advertises, "is Active and sent no advertisement".to_owned()));
        }
        self.pace.plans(next, self.settings.advertisement_interval)
    }
}

/// The same list in any order; a link-local that the engine puts in front is not looked at.
fn same_addresses(said: &[IpAddr], own: &[IpAddr]) -> bool {
    let listed = |address: &IpAddr| match address {
        IpAddr::V4(_) => own.contains(address),
        IpAddr::V6(ip) => ip.is_unicast_link_local() || own.contains(address),
    };
    own.iter().all(|address| said.contains(address)) && said.iter().all(listed)
}

#[cfg(test)]
mod tests {
    use fhrp::InterfaceName;

    use super::*;

    fn contest(state: GroupState) -> Contest {
        let settings = VrrpSettings::new(InterfaceName::new("lan0"), 1, vec![[192, 0, 2, 1].into()]);
        Contest { state, down: Some(Instant::from_millis(3_000)), ..Contest::new(settings) }
    }

    /// Neither a packet nor a timer: an engine that moves has made it up.
    #[test]
    fn a_move_that_nothing_explains_is_seen() {
        let now = Instant::from_millis(1_000);
        for (from, to, checker) in [
            (GroupState::Backup, GroupState::Active, Checker::Patience),
            (GroupState::Active, GroupState::Backup, Checker::Stands),
        ] {
            let found = contest(from).enter(now, to, None).unwrap_err().0;
            assert_eq!(found, checker);
        }
        let mut waited = contest(GroupState::Backup);
        let due = Instant::from_millis(3_000);
        waited.tick(due, GroupState::Active).unwrap();
        waited.enter(due, GroupState::Active, None).unwrap();
        assert_eq!(waited.state, GroupState::Active);
    }
}
