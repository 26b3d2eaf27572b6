//! What has to be so in a calm: pure functions of what was seen.

use std::collections::BTreeMap;

use fhrp_wire::MacAddr;

use super::{
    check::{Checker, Findings},
    kernel::Link,
    parties::Party,
    show::{Shown, ShownGroup},
};

/// What was seen of one router.
#[derive(Clone, Debug, Default)]
pub(super) struct RouterSight {
    /// `rN`.
    pub(super) number: u8,
    pub(super) shown: Shown,
    pub(super) links: Vec<Link>,
}

/// What was seen of all.
#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    pub(super) routers: Vec<RouterSight>,
    /// The router to whose port each LAN's switch sends a MAC.
    pub(super) switches: BTreeMap<(u8, MacAddr), String>,
}

impl RouterSight {
    fn group(&self, party: &Party) -> Option<&ShownGroup> {
        let known = |group: &&ShownGroup| group.protocol == party.protocol() && group.group == party.number();
        self.shown.groups.iter().find(known)
    }

    fn devices(&self, mac: MacAddr) -> usize {
        self.links.iter().filter(|link| link.is_macvlan() && link.mac() == Some(mac)).count()
    }
}

impl Sight {
    /// What does not hold.
    pub(super) fn judge(&self, parties: &[Party]) -> Findings {
        let mut findings = Findings::default();
        for party in parties {
            self.judge_group(party, &mut findings);
            self.judge_forwarders(party, &mut findings);
            self.judge_kernels(party, &mut findings);
            self.judge_switches(party, &mut findings);
        }
        self.judge_devices(parties, &mut findings);
        findings
    }

    /// The states of a party's group on every router, in words.
    fn states(&self, party: &Party) -> String {
        let states = self.routers.iter().map(|router| {
            let state = router.group(party).map_or("absent", |group| group.state.as_str());
            format!("r{} {state}", router.number)
        });
        states.collect::<Vec<_>>().join(", ")
    }

    fn judge_group(&self, party: &Party, findings: &mut Findings) {
        let active: Vec<_> = self
            .routers
            .iter()
            .filter(|router| router.group(party).is_some_and(ShownGroup::is_active))
            .map(|router| router.number)
            .collect();
        let name = party.name;
        let [active] = active.as_slice() else {
            findings.look(Checker::Converges, Some(format!("{name}: {}", self.states(party))));
            return;
        };
        findings.look(Checker::Converges, None);
        self.judge_others(party, findings);
        for router in &self.routers {
            let Some(group) = router.group(party) else {
                findings
                    .look(Checker::Converges, Some(format!("{name}: r{} does not know it", router.number)));
                continue;
            };
            let wrong = (!group.programmed)
                .then(|| format!("{name}: the dataplane of r{} is not as wished", router.number));
            findings.look(Checker::Binding, wrong);
            let unsure =
                group.priority != party.priority(router.number) || group.effective_priority != group.priority;
            let wrong = unsure.then(|| {
                let (priority, effective) = (group.priority, group.effective_priority);
                format!("{name}: r{} has the priority {priority}, in effect {effective}", router.number)
            });
            findings.look(Checker::Preempts, wrong);
        }
        let best = party.first_choice();
        let wrong = (party.preempts() && *active != best)
            .then(|| format!("{name}: r{active} is Active, r{best} has the higher priority"));
        findings.look(Checker::Preempts, wrong);
    }

    /// Those that are not Active are where the protocol puts them in the end.
    fn judge_others(&self, party: &Party, findings: &mut Findings) {
        let count = |state: &str| {
            let groups = self.routers.iter().filter_map(|router| router.group(party));
            groups.filter(|group| group.state == state).count()
        };
        let others = self.routers.len().saturating_sub(1);
        let settled = match party.protocol() {
            "vrrp" => count("backup") == others,
            _ => (count("standby"), count("listen")) == (1, others.saturating_sub(1)),
        };
        let wrong = (!settled).then(|| format!("{}: {}", party.name, self.states(party)));
        findings.look(Checker::Converges, wrong);
    }

    fn judge_forwarders(&self, party: &Party, findings: &mut Findings) {
        let mut active: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
        for router in &self.routers {
            for forwarder in router.group(party).into_iter().flat_map(|group| &group.forwarders) {
                let serving = active.entry(forwarder.number).or_default();
                serving.extend(forwarder.is_active().then_some(router.number));
                let (name, number, router) = (party.name, forwarder.number, router.number);
                let idle = forwarder.primary && !forwarder.is_active();
                let wrong =
                    idle.then(|| format!("{name}: r{router} owns forwarder {number} and serves it not"));
                findings.look(Checker::Preempts, wrong);
                let wrong = (!forwarder.programmed)
                    .then(|| format!("{name}: r{router} has not programmed forwarder {number}"));
                findings.look(Checker::Binding, wrong);
            }
        }
        for (number, serving) in &active {
            let wrong = (serving.len() != 1)
                .then(|| format!("{}: forwarder {number} is served by {serving:?}", party.name));
            findings.look(Checker::Converges, wrong);
        }
        if party.shares() {
            let idle: Vec<_> = self
                .routers
                .iter()
                .filter(|router| router.group(party).is_some_and(|group| group.open().is_empty()))
                .map(|router| router.number)
                .collect();
            let wrong = (!idle.is_empty()).then(|| format!("{}: {idle:?} serve no forwarder", party.name));
            findings.look(Checker::Converges, wrong);
        }
    }

    /// The virtual address is where frames to its MAC are taken in, once for each such MAC, and nowhere else.
    fn judge_kernels(&self, party: &Party, findings: &mut Findings) {
        let address = party.address();
        for router in &self.routers {
            let Some(group) = router.group(party) else { continue };
            let open = group.open();
            // Without a virtual MAC the interface itself holds it; a gateway that serves no forwarder need not.
            let plain = usize::from(group.is_active() && !party.shares());
            let wanted = if open.is_empty() { plain } else { open.len() };
            let holders: Vec<_> = router.links.iter().filter(|link| link.holds(address).is_some()).collect();
            let misplaced = holders
                .iter()
                .any(|link| !open.is_empty() && !link.mac().is_some_and(|mac| open.contains(&mac)));
            let wrong = (holders.len() != wanted || misplaced).then(|| {
                let names: Vec<_> = holders.iter().map(|link| &link.ifname).collect();
                let (name, router, state) = (party.name, router.number, &group.state);
                format!("{name}: r{router} is {state} and holds {address} on {names:?}, its open MACs are {open:?}")
            });
            findings.look(Checker::Binding, wrong);
        }
    }

    /// No more than a device for each virtual MAC, and none besides.
    fn judge_devices(&self, parties: &[Party], findings: &mut Findings) {
        for router in &self.routers {
            let mut known = 0;
            for party in parties {
                let Some(group) = router.group(party) else { continue };
                let own = group.virtual_mac.iter().filter(|_| !party.shares());
                let forwarders = group.forwarders.iter().map(|forwarder| &forwarder.mac);
                let macs: Vec<MacAddr> = own.chain(forwarders).filter_map(|mac| mac.parse().ok()).collect();
                for mac in macs {
                    let devices = router.devices(mac);
                    known += devices;
                    let unusual = devices > 1 || (devices == 0 && !party.shares());
                    let wrong = unusual.then(|| {
                        format!("{}: r{} has {devices} devices for {mac}", party.name, router.number)
                    });
                    findings.look(Checker::Binding, wrong);
                }
            }
            for link in router.links.iter().filter(|link| link.is_macvlan()) {
                let below = router.links.iter().find(|below| link.link.as_ref() == Some(&below.ifname));
                let wrong = below.filter(|below| below.mtu != link.mtu).map(|below| {
                    let (name, mtu, number) = (&link.ifname, link.mtu, router.number);
                    format!("r{number}: {name} has an MTU of {mtu}, {} one of {}", below.ifname, below.mtu)
                });
                findings.look(Checker::Binding, wrong);
            }
            let all = router.links.iter().filter(|link| link.is_macvlan()).count();
            let wrong = (all != known).then(|| {
                format!(
                    "r{} has {all} macvlans, of which {known} are for what its groups have",
                    router.number
                )
            });
            findings.look(Checker::Binding, wrong);
        }
    }

    fn judge_switches(&self, party: &Party, findings: &mut Findings) {
        for router in &self.routers {
            for mac in router.group(party).map(ShownGroup::open).unwrap_or_default() {
                let leads = self.switches.get(&(party.lan, mac));
                let astray = leads.filter(|leads| **leads != format!("r{}", router.number));
                let wrong = astray.map(|leads| {
                    format!("{}: the switch leads {mac} to {leads}, not to r{}", party.name, router.number)
                });
                findings.look(Checker::Tables, wrong);
            }
        }
    }

    /// Whether a state has changed since `before`.
    pub(super) fn judge_steady(&self, before: &Self) -> Findings {
        let mut findings = Findings::default();
        for (now, then) in self.routers.iter().zip(&before.routers) {
            for (group, earlier) in now.shown.groups.iter().zip(&then.shown.groups) {
                let changes = group.changes().saturating_sub(earlier.changes());
                let wrong = (changes > 0).then(|| {
                    let (protocol, number) = (&group.protocol, group.group);
                    format!(
                        "{protocol} group {number}: {changes} changes of state on r{} in a calm",
                        now.number
                    )
                });
                findings.look(Checker::Converges, wrong);
            }
        }
        findings
    }
}

#[cfg(test)]
mod tests;
