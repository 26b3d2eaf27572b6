//! How faults befall routers. What a router is like is computed from the faults under way, whatever their order.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use fhrp::{IfIndex, Instant, LinkEvent, LinkState, TrackName, TrackState};

use super::World;
use crate::check::Violation;
use crate::fault::Kind;
use crate::group::Settings;
use crate::lan::Port;
use crate::monitor::{Round, names};
use crate::plan::RouterPlan;
use crate::record::What;
use crate::subject::{Input, Subject};

/// A router's daemon reads no more than this many frames that came while it slept; more are lost.
const INBOX_MOST: usize = 4096;

/// What a router is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    /// Why the daemon does not run, if it does not.
    ended: Option<Ending>,
    /// Electricity, cable and interface are there.
    pub(super) carrier: bool,
    /// The interface exists.
    present: bool,
    pub(super) stalled: bool,
    pub(super) failing: bool,
    /// Tracked objects that are down.
    down: BTreeSet<TrackName>,
    /// How long the dataplane takes at most.
    pub(super) programming: Duration,
}

/// How a daemon ends; the last one prevails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ending {
    NotYet,
    Shutdown,
    Crash,
    PowerLoss,
}

impl Condition {
    /// Before its daemon starts.
    pub(super) fn before(plan: &RouterPlan) -> Self {
        Self {
            ended: Some(Ending::NotYet),
            carrier: true,
            present: true,
            stalled: false,
            failing: false,
            down: BTreeSet::new(),
            programming: plan.programming,
        }
    }
}

impl World<'_> {
    /// A fault begins, or ends.
    pub(super) fn turn(&mut self, fault: usize) -> Result<(), Violation> {
        let known = &self.scenario.faults[fault];
        let ends = self.faults.contains(&fault);
        if ends {
            self.faults.retain(|active| *active != fault);
        } else {
            self.faults.push(fault);
        }
        let lanes = self.lanes();
        let told = known.kind.told(self.routers.len());
        let text = format!("fault {fault} {}: {told}", if ends { "ends" } else { "begins" });
        self.timeline.note(self.now, &lanes, text);
        match &known.kind {
            Kind::Split => {
                let split = self.active_kinds().any(|kind| *kind == Kind::Split);
                self.switches.split = split;
                for switch in 0..2 {
                    self.switches.flush(Port::Trunk, switch);
                }
            }
            Kind::Noise if !ends => self.make_noise(),
            Kind::Noise
            | Kind::Loss { .. }
            | Kind::Delay { .. }
            | Kind::Duplicate { .. }
            | Kind::Corrupt { .. } => {}
            Kind::LinkDown(router)
            | Kind::LinkGone(router)
            | Kind::PowerLoss(router)
            | Kind::Crash(router)
            | Kind::Shutdown(router)
            | Kind::Stall(router)
            | Kind::SlowDataplane(router, _)
            | Kind::FailingDataplane(router)
            | Kind::TrackDown(router, _)
            | Kind::Reconfigure { router, .. }
            | Kind::Withdraw { router, .. } => self.refresh(*router)?,
        }
        self.compare();
        Ok(())
    }

    /// Makes a router what the faults under way make of it.
    pub(super) fn refresh(&mut self, router: usize) -> Result<(), Violation> {
        let before = self.routers[router].condition.clone();
        let after = self.condition_of(router);
        self.routers[router].condition.failing = after.failing;
        self.routers[router].condition.programming = after.programming;
        if before.stalled && !after.stalled {
            self.routers[router].condition.stalled = false;
            self.catch_up(router)?;
        }
        if before.ended != after.ended {
            self.end(router, after.ended)?;
        }
        self.routers[router].condition = after.clone();
        if before.carrier && !after.carrier {
            self.switches.flush(Port::Place(router), 0);
        }
        if before.present && !after.present {
            self.routers[router].dataplane.clear();
            self.routers[router].index += 1;
        }
        if after.ended.is_none() && before.ended.is_some() {
            self.start(router);
        }
        if after.ended.is_none() && !after.stalled {
            self.tell(router)?;
        }
        self.arm(router);
        Ok(())
    }

    fn condition_of(&self, router: usize) -> Condition {
        let plan = &self.routers[router].plan;
        let mut condition = Condition::before(plan);
        if self.now >= plan.starts {
            condition.ended = None;
        }
        for kind in self.active_kinds().filter(|kind| kind.victim() == Some(router)) {
            let ending = match kind {
                Kind::PowerLoss(_) => Some(Ending::PowerLoss),
                Kind::Crash(_) => Some(Ending::Crash),
                Kind::Shutdown(_) => Some(Ending::Shutdown),
                _ => None,
            };
            condition.ended = condition.ended.max(ending);
            condition.carrier &= !matches!(kind, Kind::LinkDown(_) | Kind::LinkGone(_) | Kind::PowerLoss(_));
            condition.present &= !matches!(kind, Kind::LinkGone(_));
            condition.stalled |= matches!(kind, Kind::Stall(_));
            condition.failing |= matches!(kind, Kind::FailingDataplane(_));
            if let Kind::TrackDown(_, object) = kind {
                condition.down.insert(object.clone());
            }
            if let Kind::SlowDataplane(_, by) = kind {
                condition.programming = condition.programming.max(*by);
            }
        }
        condition
    }

    fn start(&mut self, router: usize) {
        if self.routers[router].leaving.is_some() {
            self.leave(router);
        }
        let mut subject = Subject::new(self.trial.flaw);
        let node = &mut self.routers[router];
        subject.set_stop_linger(node.plan.stop_linger);
        node.dataplane.silence();
        if let Some(calendar) = self.scenario.calendar {
            let since = self.now.saturating_duration_since(Instant::default());
            subject.set_wall_clock(node.plan.clock.local(self.now), calendar + since);
        }
        node.subject = Some(subject);
        node.life += 1;
        self.record(router, What::Started);
    }

    fn end(&mut self, router: usize, how: Option<Ending>) -> Result<(), Violation> {
        if how == Some(Ending::Shutdown) {
            self.note_handovers(router);
            self.call(router, Input::Stop)?;
            self.begin_leaving(router);
        }
        let node = &mut self.routers[router];
        match how {
            Some(Ending::PowerLoss) => {
                node.leaving = None;
                node.dataplane.clear();
            }
            Some(Ending::Crash) => node.leaving = None,
            Some(Ending::Shutdown | Ending::NotYet) | None => {}
        }
        if how.is_some() {
            node.dataplane.forget();
            node.subject = None;
            node.told = None;
            node.attached = None;
            node.wake_at = None;
            node.inbox.clear();
            node.answers.clear();
            node.settings.fill(None);
            node.down.clear();
            node.states.fill(None);
            node.forwarders.fill(Vec::new());
            self.monitor.forget(router);
            self.record(router, What::Ended);
        }
        Ok(())
    }

    /// The daemon runs again: it listens to what has come, serves its timers, and hears the dataplane's answers.
    fn catch_up(&mut self, router: usize) -> Result<(), Violation> {
        for input in std::mem::take(&mut self.routers[router].inbox) {
            self.give(router, input, Round::GoesOn)?;
        }
        self.call(router, Input::Timeout)?;
        for input in std::mem::take(&mut self.routers[router].answers) {
            self.call(router, input)?;
        }
        Ok(())
    }

    /// A frame for a daemon that does not run now.
    pub(super) fn keep(&mut self, router: usize, input: Input) {
        let inbox = &mut self.routers[router].inbox;
        if inbox.len() < INBOX_MOST {
            inbox.push(input);
        }
    }

    /// Tells a daemon of its interface and its groups what it does not know yet.
    fn tell(&mut self, router: usize) -> Result<(), Violation> {
        let link = self.link_of(router);
        let told = self.routers[router].told.clone();
        let gone = told
            .as_ref()
            .map(|told| told.index)
            .filter(|index| link.as_ref().is_none_or(|link| link.index != *index));
        if let Some(index) = gone {
            self.call(router, Input::Link(LinkEvent::Gone(index)))?;
        }
        if let Some(link) = link.filter(|link| told.as_ref() != Some(link)) {
            self.call(router, Input::Link(LinkEvent::Present(link)))?;
        }
        self.tell_tracks(router)?;
        for group in 0..self.scenario.groups.len() {
            self.tell_group(router, group)?;
        }
        Ok(())
    }

    fn tell_tracks(&mut self, router: usize) -> Result<(), Violation> {
        let down = self.routers[router].condition.down.clone();
        let told = std::mem::replace(&mut self.routers[router].down, down.clone());
        for object in told.difference(&down) {
            self.call(router, Input::Track(object.clone(), TrackState::Up))?;
        }
        for object in down.difference(&told) {
            self.call(router, Input::Track(object.clone(), TrackState::Down))?;
        }
        Ok(())
    }

    fn tell_group(&mut self, router: usize, group: usize) -> Result<(), Violation> {
        let wanted = self.settings_of(router, group);
        let told = std::mem::replace(&mut self.routers[router].settings[group], wanted.clone());
        if told == wanted {
            return Ok(());
        }
        match (told, wanted.and_then(|settings| settings.config())) {
            (None, Some(config)) => self.call(router, Input::Add(config)),
            (Some(_), Some(config)) => self.call(router, Input::Update(config)),
            (Some(_), None) => {
                let status = self.routers[router].subject.as_ref().and_then(|subject| {
                    subject.status().find(|status| names(&status.id, &self.scenario.groups[group]))
                });
                match status {
                    Some(status) => self.call(router, Input::Remove(status.id)),
                    None => Ok(()),
                }
            }
            (None, None) => Ok(()),
        }
    }

    fn settings_of(&self, router: usize, group: usize) -> Option<Settings> {
        let mut settings = self.scenario.groups[group].member(router)?.clone();
        for kind in self.active_kinds() {
            match kind {
                Kind::Withdraw { router: r, group: g } if (*r, *g) == (router, group) => return None,
                Kind::Reconfigure { router: r, group: g, change } if (*r, *g) == (router, group) => {
                    settings = settings.with(change);
                }
                _ => {}
            }
        }
        if let Settings::Glbp(settings) = &mut settings {
            // Another at each start of the program.
            settings.nonce_seed = [u64::try_from(router).unwrap_or(0), self.routers[router].life];
        }
        Some(settings)
    }

    fn link_of(&self, router: usize) -> Option<LinkState> {
        let node = &self.routers[router];
        let owned_ipv4 = node.plan.owned.iter().filter_map(|owned| match owned {
            IpAddr::V4(owned) => Some(*owned),
            IpAddr::V6(_) => None,
        });
        let owned_ipv6 = node.plan.owned.iter().filter_map(|owned| match owned {
            IpAddr::V4(_) => None,
            IpAddr::V6(owned) => Some(*owned),
        });
        node.condition.present.then(|| LinkState {
            name: node.plan.interface.clone(),
            index: IfIndex(node.index),
            mac: node.plan.mac,
            up: node.condition.carrier,
            mtu: 1500,
            ipv4: std::iter::once(node.plan.ipv4).chain(owned_ipv4).collect(),
            ipv6: std::iter::once(node.plan.ipv6).chain(owned_ipv6).collect(),
        })
    }
}
