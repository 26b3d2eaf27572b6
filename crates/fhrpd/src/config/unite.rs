//! The rules that concern more than one group. An error points at both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fhrp::{GroupConfig, GroupId, HsrpConfig, InterfaceName, MacAddr};
use fhrp_wire::glbp::{ForwarderNumber, virtual_mac};

use super::diagnose::Problem;
use super::group::Draft;

/// Brings the groups together; those that cannot live side by side are reported.
pub(super) fn unite(drafts: Vec<Draft>, problems: &mut Vec<Problem>) -> BTreeMap<GroupId, GroupConfig> {
    let groups = by_id(drafts, problems);
    let drafts: Vec<&Draft> = groups.values().collect();
    check_addresses(&drafts, problems);
    check_macs(&drafts, problems);
    check_families(&drafts, problems);
    check_versions(&drafts, problems);
    check_names(&drafts, problems);
    check_circles(&drafts, problems);
    groups.into_iter().map(|(id, draft)| (id, draft.config)).collect()
}

fn by_id(drafts: Vec<Draft>, problems: &mut Vec<Problem>) -> BTreeMap<GroupId, Draft> {
    let mut groups: BTreeMap<GroupId, Draft> = BTreeMap::new();
    for draft in drafts {
        let id = draft.config.id().clone();
        if let Some(earlier) = groups.get(&id) {
            let number = draft.number_key();
            let remedy = format!("give one of them another {number}, or put all addresses into one group");
            let problem = Problem::error(format!("two groups {id}"), draft.place(), remedy);
            problems.push(problem.labelled("here again").with_other(earlier.place(), "first here"));
        } else {
            groups.insert(id, draft);
        }
    }
    groups
}

fn check_addresses(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let mut holders: BTreeMap<(&InterfaceName, IpAddr), &Draft> = BTreeMap::new();
    for draft in drafts {
        let id = draft.config.id();
        for address in draft.config.addresses().iter() {
            if let Some(holder) = holders.get(&(&id.interface, *address)) {
                let title = format!("{address} is in two groups of {}", id.interface);
                let at = draft.place_of_address(*address);
                let problem = Problem::error(title, at, "leave it in one of them");
                let problem = problem.labelled(format!("in {id}"));
                let earlier = holder.place_of_address(*address);
                problems.push(problem.with_other(earlier, format!("in {}", holder.config.id())));
            } else {
                holders.insert((&id.interface, *address), draft);
            }
        }
    }
}

fn check_macs(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let mut holders: BTreeMap<(&InterfaceName, MacAddr), &Draft> = BTreeMap::new();
    for draft in drafts {
        let id = draft.config.id();
        for mac in virtual_macs(&draft.config) {
            match holders.get(&(&id.interface, mac)) {
                // Two of GLBP have all of them in common, which is said in other words.
                Some(holder) if holder.config.glbp().is_some() && draft.config.glbp().is_some() => {}
                Some(holder) => {
                    let title = format!("two groups of {} have the virtual MAC {mac}", id.interface);
                    let remedy = "give one of them another `mac_address`, or remove it";
                    let problem = Problem::error(title, draft.place_of("mac_address"), remedy);
                    let problem = problem.labelled(format!("{id}"));
                    let earlier = holder.place_of("mac_address");
                    problems.push(problem.with_other(earlier, format!("{}", holder.config.id())));
                }
                None => drop(holders.insert((&id.interface, mac), draft)),
            }
        }
    }
}

/// All that a group may come to use.
fn virtual_macs(config: &GroupConfig) -> Vec<MacAddr> {
    match config.glbp() {
        Some(glbp) => ForwarderNumber::ALL.map(|number| virtual_mac(glbp.group(), number)).to_vec(),
        None => config.virtual_mac().into_iter().collect(),
    }
}

/// The virtual MACs of GLBP do not tell IPv4 from IPv6.
fn check_families(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let mut first: BTreeMap<(&InterfaceName, u16), &Draft> = BTreeMap::new();
    for draft in drafts.iter().filter(|draft| draft.config.glbp().is_some()) {
        let id = draft.config.id();
        if let Some(earlier) = first.get(&(&id.interface, id.number)) {
            let title = format!("GLBP group {} of {} is of both families", id.number, id.interface);
            let remedy = "give one of them another group: IPv4 and IPv6 would share the virtual MACs";
            let problem = Problem::error(title, draft.place(), remedy).labelled(format!("{id}"));
            problems.push(problem.with_other(earlier.place(), format!("{}", earlier.config.id())));
        } else {
            first.insert((&id.interface, id.number), draft);
        }
    }
}

/// A router hears one version of HSRP on an interface, as real routers do.
fn check_versions(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let mut first: BTreeMap<&InterfaceName, (u8, &Draft)> = BTreeMap::new();
    for (draft, hsrp) in of_hsrp(drafts) {
        let (interface, version) = (&hsrp.id().interface, hsrp.settings().version);
        match first.get(interface) {
            Some((other, earlier)) if *other != version => {
                let title = format!("two versions of HSRP on {interface}");
                let remedy = "give all groups of an interface the same `version`";
                let problem = Problem::error(title, draft.place_of("version"), remedy);
                let problem = problem.labelled(format!("version {version}"));
                problems.push(problem.with_other(earlier.place_of("version"), format!("version {other}")));
            }
            Some(_) => {}
            None => drop(first.insert(interface, (version, draft))),
        }
    }
}

/// Whoever follows a name follows one group.
fn check_names(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let mut called: BTreeMap<&str, &Draft> = BTreeMap::new();
    for (draft, hsrp) in of_hsrp(drafts) {
        if let Some(earlier) = called.get(hsrp.name().as_ref()) {
            let title = format!("two groups are called \"{}\"", hsrp.name());
            let problem = Problem::error(title, draft.place_of("name"), "give one of them another `name`");
            let earlier = earlier.place_of("name");
            problems.push(problem.labelled("here again").with_other(earlier, "first here"));
        } else {
            called.insert(hsrp.name(), draft);
        }
    }
}

/// Groups that follow one another in a circle would wait for each other for ever.
fn check_circles(drafts: &[&Draft], problems: &mut Vec<Problem>) {
    let named: BTreeMap<&str, (&Draft, &HsrpConfig)> =
        of_hsrp(drafts).map(|(draft, hsrp)| (hsrp.name().as_ref(), (draft, hsrp))).collect();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for start in named.keys() {
        let mut path: Vec<&str> = Vec::new();
        let mut next = Some(*start);
        while let Some(name) = next.filter(|name| seen.insert(name)) {
            path.push(name);
            next = named.get(name).and_then(|(_, hsrp)| hsrp.settings().follow.as_deref());
        }
        let Some(circle) = next.and_then(|name| path.iter().position(|passed| *passed == name)) else {
            continue;
        };
        let circle: Vec<&str> = path.into_iter().skip(circle).chain(next).collect();
        let closes = circle.iter().rev().nth(1).and_then(|name| named.get(name));
        if let Some((draft, _)) = closes {
            let title = format!("groups follow each other in a circle: {}", circle.join(" -> "));
            let remedy = "one of them must hold an election: remove its `follow`";
            problems.push(Problem::error(title, draft.place_of("follow"), remedy));
        }
    }
}

fn of_hsrp<'a>(drafts: &'a [&'a Draft]) -> impl Iterator<Item = (&'a Draft, &'a HsrpConfig)> {
    drafts.iter().filter_map(|draft| Some((*draft, draft.config.hsrp()?)))
}
