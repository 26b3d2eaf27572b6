//! The groups that run in a soak: every protocol, version and family, on the three routers.

use std::{fmt, net::IpAddr, time::Duration};

use fhrp_wire::{Family, MacAddr};

use crate::{
    daemon::Daemon,
    group::{GlbpGroup, Group, HsrpGroup, HsrpVersion, Timers, VrrpGroup, VrrpVersion},
    scenario::contest::Contest,
    topology::{Node, lan_address, lan_interface, virtual_address},
};

/// Routers of a soak.
pub(super) const ROUTERS: u8 = 3;
/// LANs of a soak: a router speaks one version of HSRP on an interface.
pub(super) const LANS: u8 = 2;
/// The object that every group tracks and that scripts may set.
pub(super) const TRACKED: &str = "exit";
/// What it takes off the priority, or off the weight of GLBP.
const DECREMENT: u8 = 120;
/// The number of the group that is added to one router alone, meanwhile.
const ADDED: u8 = 99;
/// Priorities from the first choice to the last, far enough apart that no tracked object lifts the last above it.
const PRIORITIES: [u8; ROUTERS as usize] = [200, 150, 100];

/// One group as all routers know it.
#[derive(Clone, Debug)]
pub(super) struct Party {
    /// What a violation calls it.
    pub(super) name: &'static str,
    /// Of the first choice's priority.
    group: Group,
    pub(super) lan: u8,
    /// Which router has the highest priority; the next ones follow in the circle.
    first_choice: u8,
    /// How many hosts have it as their gateway.
    pub(super) hosts: u8,
}

/// How a router's configuration differs from its ordinary one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Variation {
    /// Not at all.
    #[default]
    Ordinary,
    /// A party, by its place, has another priority.
    Priority { party: usize, priority: u8 },
    /// It lacks a party, by its place.
    Without { party: usize },
    /// It has a group that no other router has.
    More,
}

/// All of them.
pub(super) fn parties() -> Vec<Party> {
    let party = |name, group, lan, first_choice, hosts| Party { name, group, lan, first_choice, hosts };
    vec![
        party("vrrp2-v4", vrrp(VrrpVersion::V2, Family::V4, 2).into(), 0, 1, 1),
        party("vrrp3-v4", vrrp(VrrpVersion::V3, Family::V4, 3).into(), 0, 2, 1),
        party("vrrp3-v6", vrrp(VrrpVersion::V3, Family::V6, 4).into(), 0, 3, 1),
        party("hsrp2-v4", hsrp(HsrpVersion::V2, Family::V4, 5).into(), 0, 1, 1),
        party(
            "hsrp2-v6",
            HsrpGroup { preempt: false, ..hsrp(HsrpVersion::V2, Family::V6, 6) }.into(),
            0,
            2,
            1,
        ),
        party("glbp-v4", glbp(Family::V4, 7).into(), 0, 3, 2),
        party("glbp-v6", glbp(Family::V6, 8).into(), 0, 1, 2),
        party("hsrp1-v4", on_second_lan_hsrp().into(), 1, 2, 1),
        party("vrrp3-v4-plain", on_second_lan_vrrp().into(), 1, 3, 1),
    ]
}

fn tracked() -> Vec<String> {
    vec![format!("track = [{{ name = \"{TRACKED}\", decrement = {DECREMENT} }}]")]
}

fn vrrp(version: VrrpVersion, family: Family, vrid: u8) -> VrrpGroup {
    let address = match family {
        Family::V4 => lan_address(0, family, vrid),
        Family::V6 => virtual_address(0, family, vrid),
    };
    let advertisement_interval = match version {
        VrrpVersion::V2 => Duration::from_secs(1),
        VrrpVersion::V3 => Duration::from_millis(200),
    };
    let addresses = vec![address];
    VrrpGroup {
        vrid,
        version,
        addresses,
        advertisement_interval,
        extra: tracked(),
        ..VrrpGroup::new(family, 0)
    }
}

fn hsrp(version: HsrpVersion, family: Family, number: u8) -> HsrpGroup {
    let group = u16::from(number);
    let address = match family {
        Family::V4 => lan_address(0, family, number),
        Family::V6 => HsrpGroup::usual_address(family, group),
    };
    HsrpGroup { group, addresses: vec![address], extra: tracked(), ..HsrpGroup::new(version, family, 0) }
}

fn glbp(family: Family, number: u8) -> GlbpGroup {
    let group = u16::from(number);
    let address = match family {
        Family::V4 => lan_address(0, family, number),
        Family::V6 => GlbpGroup::usual_address(family, group),
    };
    GlbpGroup {
        group,
        addresses: vec![address],
        timers: Timers::QUICK,
        forwarder_preempt_delay: Some(Duration::from_secs(1)),
        weighting: Some(200),
        // The tracked object takes so much that the router no longer forwards.
        extra: [vec!["weighting_lower = 100".to_owned()], tracked()].concat(),
        ..GlbpGroup::new(family, 0)
    }
}

fn on_second_lan_hsrp() -> HsrpGroup {
    HsrpGroup {
        interface: lan_interface(1),
        addresses: vec![lan_address(1, Family::V4, 9)],
        ..hsrp(HsrpVersion::V1, Family::V4, 9)
    }
}

/// Without a virtual MAC.
fn on_second_lan_vrrp() -> VrrpGroup {
    VrrpGroup {
        interface: lan_interface(1),
        addresses: vec![lan_address(1, Family::V4, 10)],
        virtual_mac: false,
        ..vrrp(VrrpVersion::V3, Family::V4, 10)
    }
}

impl Party {
    /// Its virtual address.
    pub(super) fn address(&self) -> IpAddr {
        self.group.addresses().first().copied().unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }

    pub(super) fn family(&self) -> Family {
        Family::of(&self.address())
    }

    pub(super) fn protocol(&self) -> &'static str {
        match self.group {
            Group::Vrrp(_) => "vrrp",
            Group::Hsrp(_) => "hsrp",
            Group::Glbp(_) => "glbp",
        }
    }

    pub(super) fn number(&self) -> u16 {
        match &self.group {
            Group::Vrrp(group) => group.vrid.into(),
            Group::Hsrp(group) => group.group,
            Group::Glbp(group) => group.group,
        }
    }

    /// How long others wait for an Active router that is silent.
    pub(super) fn patience(&self) -> Duration {
        self.with_priority(1).patience()
    }

    pub(super) fn preempts(&self) -> bool {
        match &self.group {
            Group::Vrrp(group) => group.preempt,
            Group::Hsrp(group) => group.preempt,
            Group::Glbp(group) => group.preempt,
        }
    }

    /// Whether several routers forward at once.
    pub(super) fn shares(&self) -> bool {
        match self.group {
            Group::Vrrp(_) | Group::Hsrp(_) => false,
            Group::Glbp(_) => true,
        }
    }

    /// Whether an unsolicited ARP or neighbour advertisement tells hosts who is Active. GLBP's tell switches only.
    pub(super) fn announces(&self) -> bool {
        !self.shares()
    }

    /// The virtual MAC, of a forwarder in GLBP; `None` where there is none.
    pub(super) fn virtual_mac(&self, forwarder: Option<u8>) -> Option<MacAddr> {
        let [high, low] = self.number().to_be_bytes();
        match (&self.group, self.family(), forwarder) {
            (Group::Vrrp(group), _, _) if !group.virtual_mac => None,
            (Group::Vrrp(_), Family::V4, _) => Some(MacAddr([0, 0, 0x5e, 0, 1, low])),
            (Group::Vrrp(_), Family::V6, _) => Some(MacAddr([0, 0, 0x5e, 0, 2, low])),
            (Group::Hsrp(group), Family::V4, _) => Some(match group.version {
                HsrpVersion::V1 => MacAddr([0, 0, 0x0c, 0x07, 0xac, low]),
                HsrpVersion::V2 => MacAddr([0, 0, 0x0c, 0x9f, 0xf0 | high, low]),
            }),
            (Group::Hsrp(_), Family::V6, _) => Some(MacAddr([0, 0x05, 0x73, 0xa0, high, low])),
            (Group::Glbp(_), _, Some(number)) => Some(MacAddr([0, 0x07, 0xb4, high, low, number])),
            (Group::Glbp(_), _, None) => None,
        }
    }

    /// What its routers contend for.
    pub(super) fn contests(&self) -> Vec<Contest> {
        let gateway = Contest::of(&self.group);
        match &self.group {
            Group::Vrrp(_) | Group::Hsrp(_) => vec![gateway],
            Group::Glbp(group) => {
                let forwarder = |number| Contest::Forwarder { group: group.group, number };
                std::iter::once(gateway).chain((1..=4).map(forwarder)).collect()
            }
        }
    }

    /// The priority of router `rN`.
    pub(super) fn priority(&self, router: u8) -> u8 {
        let place = (router + ROUTERS - self.first_choice) % ROUTERS;
        PRIORITIES.get(usize::from(place)).copied().unwrap_or(1)
    }

    /// The router that preemption lets win when all are well.
    pub(super) const fn first_choice(&self) -> u8 {
        self.first_choice
    }

    fn with_priority(&self, priority: u8) -> Group {
        match self.group.clone() {
            Group::Vrrp(group) => VrrpGroup { priority, ..group }.into(),
            Group::Hsrp(group) => HsrpGroup { priority, ..group }.into(),
            Group::Glbp(group) => GlbpGroup { priority, ..group }.into(),
        }
    }
}

/// What the party at a place is called.
pub(super) fn name_of(party: usize) -> &'static str {
    parties().get(party).map_or("no group", |party| party.name)
}

/// A router's configuration file.
pub(super) fn configuration(daemon: &Daemon, router: &Node, variation: Variation) -> String {
    let mut groups: Vec<Group> =
        parties().iter().map(|party| party.with_priority(party.priority(router.number()))).collect();
    match variation {
        Variation::Ordinary => {}
        Variation::Priority { party, priority } => {
            if let (Some(place), Some(party)) = (groups.get_mut(party), parties().get(party)) {
                *place = party.with_priority(priority);
            }
        }
        Variation::Without { party } => drop(groups.remove(party)),
        Variation::More => {
            let group = vrrp(VrrpVersion::V3, Family::V4, ADDED);
            groups.push(VrrpGroup { priority: 100, ..group }.into());
        }
    }
    let text = daemon.configuration(&groups, &router.work_dir());
    format!("{text}\n[[track]]\nname = \"{TRACKED}\"\n")
}

impl fmt::Display for Variation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Ordinary => f.write_str("as usual"),
            Self::Priority { party, priority } => write!(f, "with priority {priority} in {}", name_of(party)),
            Self::Without { party } => write!(f, "without {}", name_of(party)),
            Self::More => f.write_str("with a group more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_router_leads_somewhere_and_no_two_groups_share_a_number() {
        let all = parties();
        for router in 1..=ROUTERS {
            assert!(all.iter().any(|party| party.first_choice() == router));
        }
        for party in &all {
            let mut priorities: Vec<_> =
                (1..=ROUTERS).map(|router| (party.priority(router), router)).collect();
            priorities.sort_unstable();
            assert_eq!(priorities.last(), Some(&(200, party.first_choice())));
            assert_eq!(all.iter().filter(|other| other.number() == party.number()).count(), 1);
        }
    }
}
