//! What only the whole world shows: rivals, the order of Backups, and how it all ends.

use std::time::Duration;

use fhrp::{GroupState, Instant, MacAddr};

use super::{Following, Probes, World};
use crate::check::{Checker, Violation};
use crate::contest::{Contest, Fitness, runs};
use crate::fault::{Kind, Place};
use crate::group::Change;
use crate::monitor::fitness;
use crate::record::Felt;

/// Probes younger than this may still be answered.
const UNDER_WAY: Duration = Duration::from_millis(50);
/// What bounds are exceeded by when clocks drift by a thousandth, and a little.
pub(super) const SLACK: Duration = Duration::from_millis(2);

impl World<'_> {
    pub(super) fn violation(&self, checker: Checker, text: String) -> Violation {
        Violation { at: self.now, checker, text }
    }

    pub(super) fn fitness(&self, router: usize, group: usize) -> Option<Fitness> {
        fitness(self.routers[router].told.as_ref(), self.scenario.groups[group].ipv6)
    }

    pub(super) fn active(&self, router: usize, group: usize) -> bool {
        self.routers[router].states[group] == Some(GroupState::Active)
    }

    /// Notes which routers are Active beside a better one that reaches them.
    pub(super) fn compare(&mut self) {
        self.compare_servers();
        for group in 0..self.scenario.groups.len() {
            for better in 0..self.routers.len() {
                for other in 0..self.routers.len() {
                    let rivals = better != other
                        && self.active(better, group)
                        && self.active(other, group)
                        && self.outranks(better, other, group);
                    let key = (group, better, other);
                    if !rivals {
                        self.rivals.remove(&key);
                    } else if !self.rivals.contains_key(&key) {
                        self.rivals.insert(key, self.now);
                    }
                }
            }
        }
    }

    /// Whether `better` ranks higher than `other`, which accepts what it says and receives it.
    fn outranks(&self, better: usize, other: usize, group: usize) -> bool {
        let strained = self.is_strained(better, other);
        let contests = (self.monitor.contest(better, group), self.monitor.contest(other, group));
        let fits = (self.fitness(better, group), self.fitness(other, group));
        let ((Some(a), Some(b)), (Some(fit_a), Some(fit_b))) = (contests, fits) else { return false };
        !strained && a.rank(&fit_a) > b.rank(&fit_b) && b.would_hear(a, Some(&fit_b))
    }

    /// Whether what `from` says may come late, changed or not at all to `to`.
    pub(super) fn is_strained(&self, from: usize, to: usize) -> bool {
        self.active_kinds().any(|kind| match kind {
            Kind::Split => self.scenario.routers[from].switch != self.scenario.routers[to].switch,
            kind => kind.strains(from, to),
        })
    }

    /// Checker `one-active`.
    pub(super) fn check_rivals(&self) -> Result<(), Violation> {
        for ((group, better, other), since) in &self.rivals {
            let Some(contest) = self.monitor.contest(*better, *group) else { continue };
            let mut bound = self.word_takes(contest, *better, *other);
            // A version 2 packet of a router that lately spoke version 3 may not count yet.
            bound += self.monitor.contest(*other, *group).map(Contest::coexistence).unwrap_or_default();
            if self.now > *since + bound {
                let text = format!(
                    "group {group}: {} is Active since {since} beside {}, which it reaches",
                    Place(*other),
                    Place(*better)
                );
                return Err(self.violation(Checker::OneActive, text));
            }
        }
        Ok(())
    }

    /// Checker `skew-order`: `router` has just been called; `before` says what its Backups followed.
    pub(super) fn check_order(&self, router: usize, before: &Following) -> Result<(), Violation> {
        for (group, followed) in before.iter().enumerate() {
            let Some((frame, skew)) = followed.filter(|_| self.active(router, group)) else { continue };
            for other in (0..self.routers.len()).filter(|other| *other != router) {
                let Some(patient) = self.monitor.contest(other, group) else { continue };
                let fit = self.fitness(other, group);
                let patient = patient.following(fit.as_ref()).filter(|(followed, _)| *followed == frame);
                let waits = patient.map(|(_, skew)| skew);
                if waits.is_some_and(|waits| self.overtakes(group, (router, skew), (other, waits))) {
                    let text = format!(
                        "group {group}: {} takes over before {}, which waits a shorter Skew_Time",
                        Place(router),
                        Place(other)
                    );
                    return Err(self.violation(Checker::SkewOrder, text));
                }
            }
        }
        Ok(())
    }

    fn overtakes(&self, group: usize, hasty: (usize, Duration), patient: (usize, Duration)) -> bool {
        let contests = (0..self.routers.len()).filter_map(|router| self.monitor.contest(router, group));
        let longest = contests.map(Contest::interval).max().unwrap_or_default();
        let down = self.scenario.groups[group].member(patient.0).map(|settings| settings.silence(longest));
        let down = down.unwrap_or_default();
        let lateness = self.scenario.routers[patient.0].lateness;
        let tolerance = self.scenario.transit.1 * 2 + lateness + down / 500 + SLACK;
        patient.1 + tolerance < hasty.1 && self.calm(down * 2, [hasty.0, patient.0])
    }

    /// Whether nothing befell the two, and no frame was delayed, for so long.
    fn calm(&self, span: Duration, routers: [usize; 2]) -> bool {
        let from = self.now.saturating_sub(span);
        let lately = self.scenario.faults.iter().filter(|fault| fault.at <= self.now && fault.until >= from);
        !lately.map(|fault| &fault.kind).any(|kind| {
            matches!(kind, Kind::Delay { .. } | Kind::Reconfigure { .. })
                || kind.victim().is_some_and(|victim| routers.contains(&victim))
        })
    }

    /// From now on nothing may change.
    pub(super) fn settle(&mut self) -> Result<(), Violation> {
        let lanes = self.lanes();
        self.timeline.note(self.now, &lanes, "everything has to have settled".to_owned());
        for group in 0..self.scenario.groups.len() {
            let active: Vec<String> = (0..self.routers.len())
                .filter(|router| self.active(*router, group))
                .map(|router| Place(router).to_string())
                .collect();
            if active.len() != 1 {
                let text = format!("group {group} has {} Active routers: {active:?}", active.len());
                self.mind(Err(self.violation(Checker::Converges, text)))?;
            }
        }
        Ok(())
    }

    /// Checkers `converges`, `preempts`, `reaches` and `tables`, at the end.
    pub(super) fn judge_end(&self) -> Result<(), Violation> {
        for group in 0..self.scenario.groups.len() {
            let active = (0..self.routers.len()).filter(|router| self.active(*router, group));
            let active: Vec<usize> = active.collect();
            self.mind(self.judge_steady(group))?;
            self.mind(self.judge_members(group))?;
            if let [active] = active.as_slice() {
                self.mind(self.judge_preemption(group, *active))?;
                if self.scenario.groups[group].is_shared() {
                    self.judge_forwarders(group)?;
                } else {
                    self.mind(self.judge_holding(group, *active))?;
                    self.mind(self.judge_tables(group, *active))?;
                }
            } else {
                let text = format!("group {group} has {} Active routers in the end", active.len());
                self.mind(Err(self.violation(Checker::Converges, text)))?;
            }
        }
        self.mind(self.judge_handovers())?;
        self.mind(self.judge_hosts())
    }

    fn judge_steady(&self, group: usize) -> Result<(), Violation> {
        for router in 0..self.routers.len() {
            let node = &self.routers[router];
            let settled = node.plan.clock.local(self.scenario.settled);
            let statuses = node.subject.iter().flat_map(|subject| subject.status());
            let ours = statuses.filter(|s| crate::monitor::names(&s.id, &self.scenario.groups[group]));
            for (at, cause) in ours.filter_map(|status| status.last_transition) {
                if at > settled {
                    let text = format!("group {group}: {} still moved: {cause}", Place(router));
                    return Err(self.violation(Checker::Converges, text));
                }
            }
        }
        Ok(())
    }

    fn judge_preemption(&self, group: usize, active: usize) -> Result<(), Violation> {
        let holder = self.monitor.contest(active, group).zip(self.fitness(active, group));
        let Some(holder) = holder.map(|(contest, fit)| contest.rank(&fit)) else { return Ok(()) };
        for other in (0..self.routers.len()).filter(|other| *other != active) {
            let Some(contest) = self.monitor.contest(other, group) else { continue };
            if self.fitness(other, group).is_some_and(|fit| contest.may_replace(holder, &fit)) {
                let text = format!("group {group}: {} preempts not {}", Place(other), Place(active));
                return Err(self.violation(Checker::Preempts, text));
            }
        }
        Ok(())
    }

    /// Whoever has the group, and what it needs, takes part.
    fn judge_members(&self, group: usize) -> Result<(), Violation> {
        for (router, node) in self.routers.iter().enumerate() {
            let has = node.subject.is_some() && node.settings[group].is_some();
            if !has || self.fitness(router, group).is_none() {
                continue;
            }
            let shut = self.monitor.contest(router, group).is_some_and(Contest::shut);
            if !shut && !node.states[group].is_some_and(runs) {
                let text = format!("group {group}: {} takes no part", Place(router));
                return Err(self.violation(Checker::Converges, text));
            }
        }
        Ok(())
    }

    fn judge_holding(&self, group: usize, active: usize) -> Result<(), Violation> {
        let node = &self.routers[active];
        let address = self.scenario.groups[group].gateway;
        let mut others = self.routers.iter().enumerate().filter(|(router, _)| *router != active);
        let holds = others.find(|(_, node)| node.dataplane.answers(address, node.plan.mac).is_some());
        if let Some((other, _)) = holds {
            let text = format!("group {group}: {} is not Active and holds {address}", Place(other));
            return Err(self.violation(Checker::Binding, text));
        }
        if node.dataplane.answers(address, node.plan.mac).is_none() {
            let text = format!("group {group}: {} is Active and does not hold {address}", Place(active));
            return Err(self.violation(Checker::Binding, text));
        }
        Ok(())
    }

    fn judge_tables(&self, group: usize, active: usize) -> Result<(), Violation> {
        let node = &self.routers[active];
        let Some(settings) = self.scenario.groups[group].member(active) else { return Ok(()) };
        let address = self.scenario.groups[group].gateway;
        let Some(mac) = node.dataplane.answers(address, node.plan.mac) else { return Ok(()) };
        for switch in (0..2).filter(|switch| settings.virtual_mac() && self.switches.used(*switch)) {
            if let Some(leads) = self.switches.leads_to(switch, mac).filter(|leads| *leads != active) {
                let (leads, active) = (Place(leads), Place(active));
                let text = format!("group {group}: switch {switch} leads to {leads}, not {active}");
                return Err(self.violation(Checker::Tables, text));
            }
        }
        if !self.hosts_are_told(group, active) {
            return Ok(());
        }
        let hosts = self.hosts.iter().filter(|host| host.plan().group == group);
        match hosts.filter_map(crate::host::Host::neighbour).find(|known| *known != mac) {
            Some(known) => Err(self.violation(Checker::Tables, stale(group, known, mac))),
            None => Ok(()),
        }
    }

    /// Whether hosts learn for certain where the Active router is. When switches come together again, a router without
    /// virtual MAC gives way at the first word of a better one, which then never knows that hosts believed another: only
    /// `refresh` tells them. They go on reaching a router that forwards.
    fn hosts_are_told(&self, group: usize, active: usize) -> bool {
        let Some(settings) = self.scenario.groups[group].member(active) else { return false };
        let changes = self.scenario.faults.iter().any(|fault| match &fault.kind {
            Kind::Reconfigure { group: changed, change: Change::VirtualMac(_), .. } => *changed == group,
            _ => false,
        });
        settings.refresh().is_some() || (settings.virtual_mac() && !changes)
    }

    fn judge_hosts(&self) -> Result<(), Violation> {
        let last = self.scenario.end.saturating_sub(Duration::from_secs(1));
        for (place, host) in self.hosts.iter().enumerate() {
            let counted = host.probes.iter().filter(|probe| self.counts(probe.at, last));
            if let Some(probe) = counted.into_iter().find(|probe| probe.answers != 1) {
                let text = format!("host {place}: {} answers to the probe of {}", probe.answers, probe.at);
                return Err(self.violation(Checker::Reaches, text));
            }
        }
        Ok(())
    }

    fn counts(&self, at: Instant, last: Instant) -> bool {
        at >= self.scenario.settled && at <= last
    }

    /// What each host felt; what is sent at the very end is not answered any more.
    pub(super) fn felt(&self) -> Vec<Felt> {
        let until = self.now.saturating_sub(UNDER_WAY);
        self.hosts.iter().map(|host| host.felt(until)).collect()
    }

    pub(super) fn probes(&self) -> Probes {
        let mut felt = Probes::default();
        for host in &self.hosts {
            for probe in &host.probes {
                felt.sent += 1;
                felt.answered += u64::from(probe.answers > 0);
                felt.duplicates += u64::from(probe.answers.saturating_sub(1));
            }
            felt.outage = felt.outage.max(host.outage());
        }
        felt
    }
}

fn stale(group: usize, known: MacAddr, mac: MacAddr) -> String {
    format!("group {group}: a host believes its gateway to be {known}, the Active router has {mac}")
}
