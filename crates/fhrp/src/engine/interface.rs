//! One interface: its state, which group each number names, its counters, its announcements.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use fhrp_wire::Family;
use fhrp_wire::hsrp::Variant;

use super::hsrp::Voice;
use crate::pacer::Pacer;
use crate::{Action, GroupId, InterfaceName, InterfaceStats, LinkState, Protocol, Reception};

const PROTOCOLS: [Protocol; 3] = [Protocol::Vrrp, Protocol::Hsrp, Protocol::Glbp];
const FAMILIES: [Family; 2] = [Family::V4, Family::V6];
/// No group.
const NONE: u32 = u32::MAX;

/// Group number -> slot, for one protocol and family; found without a search. As long as the highest number entered.
#[derive(Debug, Default)]
struct Directory {
    slots: Vec<u32>,
    groups: usize,
}

impl Directory {
    fn enter(&mut self, number: u16, slot: usize) {
        let at = usize::from(number);
        if self.slots.len() <= at {
            self.slots.resize(at + 1, NONE);
        }
        if let Some(entry) = self.slots.get_mut(at) {
            *entry = u32::try_from(slot).unwrap_or(NONE);
            self.groups += 1;
        }
    }

    fn occupied(&self) -> impl Iterator<Item = usize> + '_ {
        self.slots.iter().filter(|slot| **slot != NONE).filter_map(|slot| usize::try_from(*slot).ok())
    }

    fn strike(&mut self, number: u16) {
        if let Some(entry) = self.slots.get_mut(usize::from(number)) {
            *entry = NONE;
            self.groups = self.groups.saturating_sub(1);
        }
        if self.groups == 0 {
            self.slots = Vec::new();
        }
    }
}

/// An announcement that waits for its turn: the slot of a group, and which of its addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announcement {
    pub(super) slot: usize,
    pub(super) address: usize,
    pub(super) round: Round,
}

/// Whether an address is announced for the first time since this router holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    First,
    Later,
}

#[derive(Debug)]
pub(super) struct Interface {
    pub(super) name: InterfaceName,
    /// `None` while it does not exist.
    pub(super) link: Option<Arc<LinkState>>,
    pub(super) stats: InterfaceStats,
    pub(super) pacer: Pacer<Announcement>,
    /// Frames cannot be received; tried again with the first group that tries again.
    pub(super) attach_failed: bool,
    /// What has been asked for since the interface exists.
    pub(super) attached: Option<Reception>,
    /// The slot of the group that answers hosts for an address.
    resolvers: BTreeMap<IpAddr, usize>,
    /// By protocol and family.
    directories: [Directory; 6],
    /// Of HSRP, by variant.
    voices: [Voice; 3],
}

impl Interface {
    /// One of which nothing is known.
    pub(super) fn new(name: InterfaceName) -> Self {
        Self {
            name,
            link: None,
            stats: InterfaceStats::default(),
            pacer: Pacer::default(),
            attach_failed: false,
            attached: None,
            resolvers: BTreeMap::new(),
            directories: Default::default(),
            voices: Default::default(),
        }
    }

    /// Enters a group.
    pub(super) fn enlist(&mut self, id: &GroupId, slot: usize) {
        self.directory_mut(id.protocol, id.family).enter(id.number, slot);
    }

    /// Strikes a group.
    pub(super) fn dismiss(&mut self, id: &GroupId) {
        if let Some(slot) = self.find(id.protocol, id.family, id.number) {
            self.resolve(slot, &[]);
        }
        self.directory_mut(id.protocol, id.family).strike(id.number);
    }

    /// The group in `slot` answers hosts for these addresses and no others. An address that two groups have is the
    /// first one's.
    pub(super) fn resolve(&mut self, slot: usize, addresses: &[IpAddr]) {
        self.resolvers.retain(|_, resolver| *resolver != slot);
        for address in addresses {
            self.resolvers.entry(*address).or_insert(slot);
        }
    }

    /// The slot of the group that answers hosts for `address`.
    pub(super) fn resolver(&self, address: IpAddr) -> Option<usize> {
        self.resolvers.get(&address).copied()
    }

    /// What to do so that the frames that its groups want are received, and no others.
    pub(super) fn attach(&mut self) -> Option<Action> {
        let interface = self.link.as_ref()?.index;
        let wanted = Some(self.reception()).filter(|reception| !reception.protocols.is_empty());
        if wanted == self.attached {
            return None;
        }
        self.attached.clone_from(&wanted);
        Some(match wanted {
            Some(reception) => Action::Attach { interface, reception },
            None => Action::Detach(interface),
        })
    }

    /// Which frames its groups want.
    fn reception(&self) -> Reception {
        let spoken = PROTOCOLS.into_iter().filter(|protocol| {
            FAMILIES.into_iter().any(|family| self.directory(*protocol, family).groups > 0)
        });
        Reception { protocols: spoken.collect(), resolves: self.resolvers.keys().copied().collect() }
    }

    pub(super) fn has_groups(&self) -> bool {
        self.directories.iter().any(|directory| directory.groups > 0)
    }

    /// The slot of the group with this number.
    pub(super) fn find(&self, protocol: Protocol, family: Family, number: u16) -> Option<usize> {
        let slot = self.directory(protocol, family).slots.get(usize::from(number)).copied();
        slot.filter(|slot| *slot != NONE)?.try_into().ok()
    }

    /// The slot of one of the groups of a protocol.
    pub(super) fn first(&self, protocol: Protocol, family: Family) -> Option<usize> {
        self.slots_of(protocol, family).next()
    }

    /// The slots of the groups of a protocol.
    pub(super) fn slots_of(&self, protocol: Protocol, family: Family) -> impl Iterator<Item = usize> + '_ {
        self.directory(protocol, family).occupied()
    }

    /// What is said about this interface.
    pub(super) fn voice(&mut self, variant: Variant) -> &mut Voice {
        let [v1, v2_ipv4, v2_ipv6] = &mut self.voices;
        match variant {
            Variant::V1 => v1,
            Variant::V2Ipv4 => v2_ipv4,
            Variant::V2Ipv6 => v2_ipv6,
        }
    }

    /// The slots of all groups here.
    pub(super) fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        self.directories.iter().flat_map(Directory::occupied)
    }

    fn directory(&self, protocol: Protocol, family: Family) -> &Directory {
        let [vrrp4, vrrp6, hsrp4, hsrp6, glbp4, glbp6] = &self.directories;
        match (protocol, family) {
            (Protocol::Vrrp, Family::V4) => vrrp4,
            (Protocol::Vrrp, Family::V6) => vrrp6,
            (Protocol::Hsrp, Family::V4) => hsrp4,
            (Protocol::Hsrp, Family::V6) => hsrp6,
            (Protocol::Glbp, Family::V4) => glbp4,
            (Protocol::Glbp, Family::V6) => glbp6,
        }
    }

    fn directory_mut(&mut self, protocol: Protocol, family: Family) -> &mut Directory {
        let [vrrp4, vrrp6, hsrp4, hsrp6, glbp4, glbp6] = &mut self.directories;
        match (protocol, family) {
            (Protocol::Vrrp, Family::V4) => vrrp4,
            (Protocol::Vrrp, Family::V6) => vrrp6,
            (Protocol::Hsrp, Family::V4) => hsrp4,
            (Protocol::Hsrp, Family::V6) => hsrp6,
            (Protocol::Glbp, Family::V4) => glbp4,
            (Protocol::Glbp, Family::V6) => glbp6,
        }
    }
}
