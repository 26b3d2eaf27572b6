//! Daemons that are shut down: the dataplane stays until others have taken over, and hosts lose nothing.

use std::time::Duration;

use bytes::Bytes;
use fhrp::{Action, GroupState, IfIndex, Instant, MacAddr};

use super::verdicts::SLACK;
use super::{Event, World};
use crate::check::{Checker, Violation};
use crate::contest::Contest;
use crate::fault::{Kind, Place};
use crate::glbp::virtual_macs;
use crate::subject::Input;

/// Nothing else may go wrong for so long before and after a shutdown that is looked at.
const CALM: Duration = Duration::from_secs(5);
const AFTERMATH: Duration = Duration::from_secs(1);
/// Who remains of several successors says so again when the others have fallen silent, and is late by no more than that.
const SAID_AGAIN: Duration = Duration::from_millis(20);
/// A router serves no more forwarders of a group.
const FORWARDERS: u32 = 4;
/// So many probes of a host must have been answered before.
const SERVED: usize = 3;

/// An Active router that was shut down in good order, and whose successor can be in time.
#[derive(Debug)]
pub(super) struct Handover {
    router: usize,
    group: usize,
    at: Instant,
    /// Hosts that were served then.
    hosts: Vec<usize>,
    /// Who serves what they use says so when its gate is open.
    shared: Option<Heirs>,
    /// Other routers that became Active since: of equals there may be two for a moment.
    successors: Vec<Successor>,
}

/// Who waits to serve what a router of GLBP served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heirs {
    One,
    /// All claim it, and all but one give way.
    Several,
}

/// When a router became Active, when its gate was open, and when it gave way to another.
#[derive(Clone, Copy, Debug)]
struct Successor {
    router: usize,
    won: Instant,
    opened: Option<Instant>,
    lost: Option<Instant>,
}

impl World<'_> {
    /// The router is about to be shut down: what of it hosts must not feel.
    pub(super) fn note_handovers(&mut self, router: usize) {
        for group in 0..self.scenario.groups.len() {
            if self.scenario.groups[group].is_shared() {
                self.note_shared_handover(router, group);
            } else if self.active(router, group)
                && self.is_calm(router)
                && self.successor_is_in_time(router, group)
            {
                let hosts = (0..self.hosts.len()).filter(|host| self.is_served(*host, group)).collect();
                let at = self.now;
                let (shared, successors) = (None, Vec::new());
                self.handovers.push(Handover { router, group, at, hosts, shared, successors });
            }
        }
    }

    /// The same of GLBP: hosts that use what this router serves, and others can serve at once.
    fn note_shared_handover(&mut self, router: usize, group: usize) {
        if !self.is_calm(router) || self.spoke_lately(router, group) {
            return;
        }
        let macs = virtual_macs(self.scenario.groups[group].number);
        for heirs in [Heirs::One, Heirs::Several] {
            let inherited: Vec<MacAddr> = macs
                .iter()
                .enumerate()
                .filter(|(at, _)| self.serves(router, group, *at))
                .filter(|(at, _)| self.heirs(router, group, *at) == Some(heirs))
                .map(|(_, mac)| *mac)
                .collect();
            let uses = |host: &usize| {
                let known = self.hosts[*host].neighbour();
                known.is_some_and(|mac| inherited.contains(&mac)) && self.is_served(*host, group)
            };
            let hosts: Vec<usize> = (0..self.hosts.len()).filter(uses).collect();
            let (at, shared, successors) = (self.now, Some(heirs), Vec::new());
            self.handovers.push(Handover { router, group, at, hosts, shared, successors });
        }
    }

    /// How many others wait to serve the forwarder at `at`, if any does.
    fn heirs(&self, router: usize, group: usize, at: usize) -> Option<Heirs> {
        let heirs = (0..self.routers.len()).filter(|other| *other != router).filter(|other| {
            let other = *other;
            let low = match self.monitor.contest(other, group) {
                Some(Contest::Glbp(contest)) => contest.is_low(),
                _ => true,
            };
            let listens = |known: &fhrp::GlbpForwarder| known.state == GroupState::Listen;
            !low && self.forwarder(other, group, at).is_some_and(listens)
        });
        match heirs.count() {
            0 => None,
            1 => Some(Heirs::One),
            _ => Some(Heirs::Several),
        }
    }

    /// What it said a moment ago may be heard after its resignation, and mean that it goes on.
    fn spoke_lately(&self, router: usize, group: usize) -> bool {
        let now = self.routers[router].plan.clock.local(self.now);
        let said = self.monitor.contest(router, group).and_then(Contest::last_said);
        said.is_none_or(|said| said + self.scenario.transit.1 * 2 >= now)
    }

    fn is_calm(&self, router: usize) -> bool {
        let (from, until) = (self.now.saturating_sub(CALM), self.now + AFTERMATH);
        let ours = |kind: &Kind, at: Instant| *kind == Kind::Shutdown(router) && at == self.now;
        let faults = self.scenario.faults.iter();
        let disturbs = faults
            .clone()
            .any(|fault| !ours(&fault.kind, fault.at) && fault.at <= until && fault.until >= from);
        let lasts = faults.clone().any(|fault| ours(&fault.kind, fault.at) && fault.until >= until);
        let starts = self.scenario.routers.iter().all(|plan| plan.starts + CALM <= self.now);
        lasts && !disturbs && starts && until < self.scenario.end
    }

    /// Whether another router takes over before the daemon that stops leaves.
    fn successor_is_in_time(&self, router: usize, group: usize) -> bool {
        let Some(leaver) = self.monitor.contest(router, group).filter(|contest| !contest.follows()) else {
            return false;
        };
        if self.spoke_lately(router, group) {
            return false;
        }
        let others = (0..self.routers.len()).filter(|other| *other != router);
        let times = others.filter_map(|other| {
            let (contest, fit) = (self.monitor.contest(other, group)?, self.fitness(other, group)?);
            let time = contest.succeeds_in(Some(&fit)).filter(|_| contest.would_hear(leaver, Some(&fit)))?;
            Some(time + self.scenario.routers[other].lateness)
        });
        let linger = self.scenario.routers[router].stop_linger;
        let bound = linger.saturating_sub(self.scenario.transit.1 * 2 + SLACK);
        leaver.is_waited_for(linger) && times.min().is_some_and(|time| time < bound)
    }

    fn is_served(&self, host: usize, group: usize) -> bool {
        let host = &self.hosts[host];
        // What was sent a moment ago may not be answered yet.
        let past = |at: Instant| at + Duration::from_millis(10) < self.now;
        let mut last = host.probes.iter().rev().filter(|probe| past(probe.at)).take(SERVED);
        host.plan().group == group && host.probes.len() > SERVED && last.all(|probe| probe.answers == 1)
    }

    /// The engine has been stopped: its daemon may have to wait.
    pub(super) fn begin_leaving(&mut self, router: usize) {
        let node = &mut self.routers[router];
        node.leaving = node.subject.take();
        let until = node.leaving.as_ref().and_then(|subject| subject.handover_deadline());
        match until {
            Some(until) => {
                let (at, life) = (node.plan.clock.world(until).max(self.now), node.life);
                self.push(at, Event::Left { router, life });
            }
            None => self.leave(router),
        }
    }

    /// The daemon is gone, and clears its dataplane.
    pub(super) fn leave(&mut self, router: usize) {
        let node = &mut self.routers[router];
        if node.leaving.take().is_some() {
            node.dataplane.clear();
        }
    }

    /// A frame for a daemon that waits for its successors.
    pub(super) fn arrive_at_leaving(
        &mut self,
        router: usize,
        number: u64,
        octets: Bytes,
    ) -> Result<(), Violation> {
        let node = &mut self.routers[router];
        let now = node.plan.clock.local(self.now);
        let Some(subject) = node.leaving.as_mut() else { return Ok(()) };
        let interface = IfIndex(node.index);
        subject.call(now, &Input::Frame { at: now, interface, frame: number, octets });
        subject.hand_out();
        let waits = subject.handover_deadline().is_some();
        let acts = |action: &Action| match action {
            Action::Program { .. } | Action::Transmit { .. } | Action::Unicast { .. } => true,
            Action::Attach { .. } | Action::Detach(_) | Action::Notify(_) => false,
        };
        if std::iter::from_fn(|| subject.poll_action()).any(|action| acts(&action)) {
            let text = format!("{} speaks or programs after it was stopped", Place(router));
            return self.mind(Err(self.violation(Checker::HandsOver, text)));
        }
        if !waits {
            self.leave(router);
        }
        Ok(())
    }

    /// Notes of which handovers `router` is a successor, or no longer.
    pub(super) fn note_winners(&mut self, router: usize) {
        for place in 0..self.handovers.len() {
            let Handover { router: leaver, group, at, .. } = self.handovers[place];
            if at + AFTERMATH < self.now {
                continue;
            }
            let (active, now) = (self.active(router, group), self.now);
            let successors = &mut self.handovers[place].successors;
            match successors.iter_mut().find(|successor| successor.router == router) {
                Some(successor) if !active => successor.lost = successor.lost.or(Some(now)),
                Some(_) => {}
                None if active && router != leaver => {
                    successors.push(Successor { router, won: now, opened: None, lost: None });
                }
                None => {}
            }
        }
    }

    /// Notes that the dataplane of `router` may serve now.
    pub(super) fn note_serving(&mut self, router: usize) {
        let node = &self.routers[router];
        for handover in &mut self.handovers {
            let address = self.scenario.groups[handover.group].gateway;
            let serves = node.dataplane.answers(address, node.plan.mac).is_some();
            let waits = |successor: &&mut Successor| successor.router == router && successor.opened.is_none();
            if let Some(successor) = handover.successors.iter_mut().find(waits).filter(|_| serves) {
                successor.opened = Some(self.now);
            }
        }
    }

    /// Checker `hands-over`, at the end.
    pub(super) fn judge_handovers(&self) -> Result<(), Violation> {
        for handover in &self.handovers {
            for host in &handover.hosts {
                let sent = |at: Instant| at >= handover.at && at <= handover.at + AFTERMATH;
                let probes = self.hosts[*host].probes.iter().filter(|probe| sent(probe.at));
                let lost = probes.filter(|probe| probe.answers == 0).map(|probe| probe.at);
                if let Some(at) = lost.into_iter().find(|at| !self.excused(handover, *at)) {
                    let router = Place(handover.router);
                    let text = format!("host {host} lost what it sent at {at}: {router} was shut down");
                    return Err(self.violation(Checker::HandsOver, text));
                }
            }
        }
        Ok(())
    }

    /// From the first word of a successor, switches lead to it; it serves when its dataplane has followed.
    fn excused(&self, handover: &Handover, sent: Instant) -> bool {
        let transit = self.scenario.transit.1;
        if let Some(heirs) = handover.shared {
            // Nobody is waited for longer.
            let linger = self.scenario.routers[handover.router].stop_linger;
            let left = sent + transit * 2 + SLACK >= handover.at + linger;
            return left || heirs == Heirs::Several && sent <= self.agreed(handover.at);
        }
        let first = handover.successors.iter().map(|successor| successor.won).min();
        first.is_some_and(|first| sent + transit >= first && sent <= self.settled(handover) + transit)
    }

    /// When of several heirs of all forwarders each has one, and switches lead to it.
    fn agreed(&self, resigned: Instant) -> Instant {
        let routers = || self.scenario.routers.iter();
        let late = routers().map(|router| router.lateness).max().unwrap_or_default();
        let opens = routers().map(|router| router.programming).max().unwrap_or_default() * FORWARDERS;
        resigned + late + opens + SAID_AGAIN + self.scenario.transit.1 * 3
    }

    /// When switches lead to the successor that remains, and it serves.
    fn settled(&self, handover: &Handover) -> Instant {
        let successors = || handover.successors.iter();
        let opened = |successor: &Successor| successor.opened.unwrap_or(self.scenario.end);
        let remains = successors().filter(|successor| successor.lost.is_none()).map(opened).max();
        let heard = successors().filter_map(|successor| successor.lost).max();
        let late = self.scenario.routers.iter().map(|router| router.lateness).max().unwrap_or_default();
        let said_again = heard.map(|lost| lost + SAID_AGAIN + self.scenario.transit.1 * 2 + late);
        remains.max(said_again).unwrap_or_default()
    }
}
