//! What only the whole world shows: rivals, the order of Backups, and how it all ends.

use std::time::Duration;

use fhrp::{GroupState, Instant, MacAddr};

use super::{Following, Probes, World};
use crate::check::{Checker, Violation};
use crate::fault::{Kind, Place};
use crate::monitor::fitness;
use crate::vrrp::{Contest, Fitness, active_down};

/// What bounds are exceeded by when clocks drift by a thousandth, and a little.
const SLACK: Duration = Duration::from_millis(2);

impl World<'_> {
    fn violation(&self, checker: Checker, text: String) -> Violation {
        Violation { at: self.now, checker, text }
    }

    fn fitness(&self, router: usize, group: usize) -> Option<Fitness> {
        fitness(self.routers[router].told.as_ref(), self.scenario.groups[group].ipv6)
    }

    fn active(&self, router: usize, group: usize) -> bool {
        self.routers[router].states[group] == Some(GroupState::Active)
    }

    /// Notes which routers are Active beside a better one that reaches them.
    pub(super) fn compare(&mut self) {
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
        let strained = self.active_kinds().any(|kind| match kind {
            Kind::Split => self.scenario.routers[better].switch != self.scenario.routers[other].switch,
            kind => kind.strains(better, other),
        });
        let contests = (self.monitor.contest(better, group), self.monitor.contest(other, group));
        let fits = (self.fitness(better, group), self.fitness(other, group));
        let ((Some(a), Some(b)), (Some(fit_a), Some(fit_b))) = (contests, fits) else { return false };
        let ranks = (a.priority(Some(&fit_a)), fit_a.source) > (b.priority(Some(&fit_b)), fit_b.source);
        !strained && ranks && b.would_hear(a, Some(&fit_b))
    }

    /// Checker `one-active`.
    pub(super) fn check_rivals(&self) -> Result<(), Violation> {
        for ((group, better, other), since) in &self.rivals {
            let Some(contest) = self.monitor.contest(*better, *group) else { continue };
            let plans = [&self.scenario.routers[*better], &self.scenario.routers[*other]];
            let interval = contest.settings.advertisement_interval;
            let mut bound = interval + interval / 500 + SLACK + self.scenario.transit.1 * 2;
            bound += plans.iter().map(|plan| plan.lateness).sum::<Duration>();
            if contest.settings.version == 2 {
                // A version 2 packet of a router that lately spoke version 3 does not count (RFC 9568 §8.4).
                bound += self.coexistence(*other, *group);
            }
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

    fn coexistence(&self, router: usize, group: usize) -> Duration {
        let settings = self.monitor.contest(router, group).map(|contest| &contest.settings);
        let coexists = settings.filter(|settings| settings.coexist_with_v2);
        coexists.map_or(Duration::ZERO, |s| s.advertisement_interval * 4 + Duration::from_secs(1))
    }

    /// Checker `skew-order`: `router` has just been called; `before` says what its Backups followed.
    pub(super) fn check_order(&self, router: usize, before: &Following) -> Result<(), Violation> {
        for (group, followed) in before.iter().enumerate() {
            let Some((frame, skew)) = followed.filter(|_| self.active(router, group)) else { continue };
            for other in (0..self.routers.len()).filter(|other| *other != router) {
                let Some(patient) = self.monitor.contest(other, group) else { continue };
                let same = patient.state == GroupState::Backup && patient.followed == Some(frame);
                if same && self.overtakes(group, (router, skew), (other, patient)) {
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

    fn overtakes(&self, group: usize, hasty: (usize, Duration), patient: (usize, &Contest)) -> bool {
        let down = active_down(3, 1, self.longest_interval(group));
        let lateness = self.scenario.routers[patient.0].lateness;
        let tolerance = self.scenario.transit.1 * 2 + lateness + down / 500 + SLACK;
        let skew = patient.1.skew(self.fitness(patient.0, group).as_ref());
        skew + tolerance < hasty.1 && self.calm(down * 2, [hasty.0, patient.0])
    }

    fn longest_interval(&self, group: usize) -> Duration {
        let contests = (0..self.routers.len()).filter_map(|router| self.monitor.contest(router, group));
        contests.map(|contest| contest.settings.advertisement_interval).max().unwrap_or_default()
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
                return Err(self.violation(Checker::Converges, text));
            }
        }
        Ok(())
    }

    /// Checkers `converges`, `preempts`, `reaches` and `tables`, at the end.
    pub(super) fn judge_end(&self) -> Result<(), Violation> {
        for group in 0..self.scenario.groups.len() {
            let active = (0..self.routers.len()).filter(|router| self.active(*router, group));
            let active: Vec<usize> = active.collect();
            let [active] = active.as_slice() else {
                let text = format!("group {group} has {} Active routers in the end", active.len());
                return Err(self.violation(Checker::Converges, text));
            };
            self.judge_steady(group)?;
            self.judge_preemption(group, *active)?;
            self.judge_tables(group, *active)?;
        }
        self.judge_hosts()
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
        let fit = self.fitness(active, group);
        let Some(holder) = self.monitor.contest(active, group) else { return Ok(()) };
        for other in (0..self.routers.len()).filter(|other| *other != active) {
            let Some(contest) = self.monitor.contest(other, group) else { continue };
            let fit_other = self.fitness(other, group);
            let higher = contest.priority(fit_other.as_ref()) > holder.priority(fit.as_ref());
            let may = contest.settings.preempt || contest.owner(fit_other.as_ref());
            if higher && may {
                let text = format!("group {group}: {} preempts not {}", Place(other), Place(active));
                return Err(self.violation(Checker::Preempts, text));
            }
        }
        Ok(())
    }

    fn judge_tables(&self, group: usize, active: usize) -> Result<(), Violation> {
        let node = &self.routers[active];
        let settings = &self.scenario.groups[group].members[active];
        let address = settings.addresses[0];
        let Some(mac) = node.dataplane.answers(address, node.plan.mac) else {
            let text = format!("group {group}: {} is Active and does not hold {address}", Place(active));
            return Err(self.violation(Checker::Binding, text));
        };
        for switch in (0..2).filter(|switch| settings.virtual_mac && self.switches.used(*switch)) {
            let leads = self.switches.leads_to(switch, mac);
            if leads != Some(active) {
                let shown = leads.map_or_else(|| "nowhere".to_owned(), |place| Place(place).to_string());
                let text = format!("group {group}: switch {switch} leads to {shown}, not {}", Place(active));
                return Err(self.violation(Checker::Tables, text));
            }
        }
        let hosts = self.hosts.iter().filter(|host| host.plan().group == group);
        match hosts.filter_map(crate::host::Host::neighbour).find(|known| *known != mac) {
            Some(known) => Err(self.violation(Checker::Tables, stale(group, known, mac))),
            None => Ok(()),
        }
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
