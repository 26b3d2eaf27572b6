//! Forwarders of GLBP as only the whole world shows them: who serves them, and what hosts know in the end.

use std::time::Duration;

use fhrp::{GlbpForwarder, GroupState};

use super::verdicts::SLACK;
use super::{Side, World};
use crate::check::{Checker, Violation};
use crate::contest::Contest;
use crate::fault::Place;
use crate::glbp::{FORWARDERS, virtual_macs};

impl World<'_> {
    pub(super) fn forwarder(&self, router: usize, group: usize, at: usize) -> Option<&GlbpForwarder> {
        let known = self.routers[router].forwarders[group].iter();
        known.into_iter().find(|known| usize::from(known.number) == at + 1)
    }

    /// Whether the router is Active for a forwarder, and its dataplane has said so.
    pub(super) fn serves(&self, router: usize, group: usize, at: usize) -> bool {
        self.forwarder(router, group, at)
            .is_some_and(|known| known.state == GroupState::Active && known.programmed)
    }

    /// Notes which routers serve a forwarder beside a better one that reaches them.
    pub(super) fn compare_servers(&mut self) {
        let routers = self.routers.len();
        for group in 0..self.scenario.groups.len() {
            if !self.scenario.groups[group].is_shared() {
                continue;
            }
            for at in 0..FORWARDERS {
                let servers: Vec<usize> =
                    (0..routers).filter(|router| self.serves(*router, group, at)).collect();
                self.servers.retain(|(known_group, known_at, better, other), _| {
                    let ours = *known_group == group && *known_at == at;
                    !ours || (servers.contains(better) && servers.contains(other))
                });
                for better in &servers {
                    for other in servers.iter().filter(|other| *other != better) {
                        let key = (group, at, *better, *other);
                        if !self.serves_better(*better, *other, group, at) {
                            self.servers.remove(&key);
                        } else {
                            self.note_side(key);
                        }
                    }
                }
            }
        }
    }

    /// They are beside each other, as before. Times that are in use since a moment may be shorter than those by which the
    /// better one spoke last.
    fn note_side(&mut self, key: (usize, usize, usize, usize)) {
        let (group, _, better, other) = key;
        let contest = self.monitor.contest(better, group);
        let takes = contest.map(|contest| self.word_takes(contest, better, other)).unwrap_or_default();
        let side = self.servers.entry(key).or_insert(Side { since: self.now, bound: takes });
        side.bound = side.bound.max(takes);
    }

    /// Whether `better` ranks higher for the forwarder than `other`, which receives what it says.
    fn serves_better(&self, better: usize, other: usize, group: usize, at: usize) -> bool {
        let rank = |router: usize| match self.monitor.contest(router, group)? {
            Contest::Glbp(contest) => {
                Some((contest.forwarder_priority(at), self.fitness(router, group)?.source))
            }
            Contest::Vrrp(_) | Contest::Hsrp(_) => None,
        };
        let ranks = rank(better).zip(rank(other));
        !self.is_strained(better, other) && ranks.is_some_and(|(better, other)| better > other)
    }

    /// Checker `one-forwarder`.
    pub(super) fn check_servers(&self) -> Result<(), Violation> {
        for ((group, at, better, other), Side { since, bound }) in &self.servers {
            if self.now > *since + *bound {
                let text = format!(
                    "group {group}: {} serves forwarder {} since {since} beside {}, which it hears",
                    Place(*other),
                    at + 1,
                    Place(*better)
                );
                return Err(self.violation(Checker::OneForwarder, text));
            }
        }
        Ok(())
    }

    /// How long it takes at most until `other` has heard of `better`.
    pub(super) fn word_takes(&self, contest: &Contest, better: usize, other: usize) -> Duration {
        let plans = [&self.scenario.routers[better], &self.scenario.routers[other]];
        let interval = contest.interval();
        let lateness = plans.iter().map(|plan| plan.lateness).sum::<Duration>();
        interval + interval / 500 + SLACK + self.scenario.transit.1 * 2 + lateness
    }

    /// Checkers `converges`, `preempts`, `tables` and `reaches` for forwarders, at the end.
    pub(super) fn judge_forwarders(&self, group: usize) -> Result<(), Violation> {
        for router in 0..self.routers.len() {
            if self.routers[router].states[group].is_some() {
                self.mind(self.judge_ownership(router, group))?;
                self.mind(self.judge_calm(router, group))?;
            }
        }
        let macs = virtual_macs(self.scenario.groups[group].number);
        for (at, mac) in macs.iter().enumerate() {
            let routers = 0..self.routers.len();
            // What nobody ever served no host can know.
            let contested = |known: &GlbpForwarder| known.state != GroupState::Initial;
            let known =
                routers.clone().any(|router| self.forwarder(router, group, at).is_some_and(contested));
            let servers: Vec<usize> = routers.filter(|router| self.serves(*router, group, at)).collect();
            let [server] = servers.as_slice() else {
                if known {
                    let text = format!("group {group}: {} routers serve forwarder {}", servers.len(), at + 1);
                    self.mind(Err(self.violation(Checker::Converges, text)))?;
                }
                continue;
            };
            if !self.routers[*server].dataplane.forwards(*mac) {
                let text = format!("group {group}: {} does not forward for {mac}", Place(*server));
                self.mind(Err(self.violation(Checker::Binding, text)))?;
            }
            let others = (0..self.routers.len()).filter(|other| other != server);
            for other in others.filter(|other| self.routers[*other].dataplane.forwards(*mac)) {
                let text = format!("group {group}: {} forwards for {mac} too", Place(other));
                self.mind(Err(self.violation(Checker::Binding, text)))?;
            }
            self.mind(self.judge_owner(group, at, *server))?;
            for switch in (0..2).filter(|switch| self.switches.used(*switch)) {
                if let Some(leads) = self.switches.leads_to(switch, *mac).filter(|leads| leads != server) {
                    let (leads, server) = (Place(leads), Place(*server));
                    let text =
                        format!("group {group}: switch {switch} leads to {leads} for {mac} of {server}");
                    self.mind(Err(self.violation(Checker::Tables, text)))?;
                }
            }
        }
        self.mind(self.judge_known_macs(group, &macs))
    }

    /// Everybody has a forwarder of its own, and only one: there are never more than four routers here.
    fn judge_ownership(&self, router: usize, group: usize) -> Result<(), Violation> {
        let own = self.routers[router].forwarders[group].iter().filter(|known| known.primary).count();
        if own == 1 {
            return Ok(());
        }
        let text = format!("group {group}: {} owns {own} forwarders", Place(router));
        Err(self.violation(Checker::Converges, text))
    }

    fn judge_calm(&self, router: usize, group: usize) -> Result<(), Violation> {
        let settled = self.routers[router].plan.clock.local(self.scenario.settled);
        let known = self.routers[router].forwarders[group].iter();
        let moved = known.into_iter().find_map(|known| {
            known.last_transition.filter(|(at, _)| *at > settled).map(|(_, cause)| (known.number, cause))
        });
        let Some((number, cause)) = moved else { return Ok(()) };
        let text = format!("group {group}: {} still moved for forwarder {number}: {cause}", Place(router));
        Err(self.violation(Checker::Converges, text))
    }

    /// The owner serves, if it may take its forwarder from who does.
    fn judge_owner(&self, group: usize, at: usize, server: usize) -> Result<(), Violation> {
        for router in (0..self.routers.len()).filter(|router| *router != server) {
            let owns = self.forwarder(router, group, at).is_some_and(|known| known.primary);
            let preempts = match self.monitor.contest(router, group) {
                Some(Contest::Glbp(contest)) => contest.settings.forwarder_preempt && !contest.is_low(),
                _ => false,
            };
            if owns && preempts {
                let (owner, server) = (Place(router), Place(server));
                let text = format!("group {group}: {owner} leaves its forwarder {} to {server}", at + 1);
                return Err(self.violation(Checker::Preempts, text));
            }
        }
        Ok(())
    }

    /// Hosts know MACs that are served, and are answered when they ask.
    fn judge_known_macs(&self, group: usize, macs: &[fhrp::MacAddr]) -> Result<(), Violation> {
        let served = |mac: fhrp::MacAddr| {
            let at = macs.iter().position(|known| *known == mac);
            at.is_some_and(|at| (0..self.routers.len()).any(|router| self.serves(router, group, at)))
        };
        let last = self.scenario.end.saturating_sub(Duration::from_secs(1));
        for (place, host) in self.hosts.iter().enumerate().filter(|(_, host)| host.plan().group == group) {
            if let Some(mac) = host.neighbour().filter(|mac| !served(*mac)) {
                let text = format!("group {group}: host {place} believes in {mac}, which nobody serves");
                return Err(self.violation(Checker::Tables, text));
            }
            let counted = host.asks.iter().filter(|ask| ask.at >= self.scenario.settled && ask.at <= last);
            if let Some(ask) = counted.into_iter().find(|ask| ask.answers != 1) {
                let whom = if ask.everybody { "everybody" } else { "its forwarder" };
                let text = format!("host {place} asked {whom} at {} and got {} answers", ask.at, ask.answers);
                return Err(self.violation(Checker::Answers, text));
            }
        }
        Ok(())
    }
}
