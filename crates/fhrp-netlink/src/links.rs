//! The mirror of the kernel's links and addresses, and what the engine is told of it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use fhrp::{IfIndex, InterfaceName, LinkEvent, LinkState, MacAddr};

use crate::facts::{AddressFacts, LinkFacts};
use crate::names::is_virtual;

/// All links with their addresses, as far as the kernel has told.
#[derive(Debug, Default)]
pub(crate) struct Links {
    links: BTreeMap<u32, Known<LinkFacts>>,
    /// By link, in the kernel's order.
    addresses: BTreeMap<u32, Vec<Known<AddressFacts>>>,
    /// What the engine was told last.
    told: BTreeMap<u32, LinkState>,
    /// Links that may differ from what the engine was told.
    changed: BTreeSet<u32>,
    /// Counts the listings; what a listing did not renew is gone.
    listing: u64,
}

#[derive(Debug)]
struct Known<T> {
    facts: T,
    listing: u64,
}

impl Links {
    /// A link, if it exists.
    pub(crate) fn link(&self, index: u32) -> Option<&LinkFacts> {
        self.links.get(&index).map(|known| &known.facts)
    }

    /// A link's name, or its number if it has gone.
    pub(crate) fn name(&self, index: u32) -> String {
        self.link(index).map_or_else(|| format!("interface number {index}"), |link| link.name.clone())
    }

    /// All links.
    pub(crate) fn all(&self) -> impl Iterator<Item = &LinkFacts> {
        self.links.values().map(|known| &known.facts)
    }

    /// The addresses of a link.
    pub(crate) fn addresses(&self, index: u32) -> impl Iterator<Item = &AddressFacts> {
        self.addresses.get(&index).into_iter().flatten().map(|known| &known.facts)
    }

    /// A link group that no link is in. Deleting a group takes every link in it, so it must be ours alone.
    pub(crate) fn unused_group(&self) -> u32 {
        loop {
            let random = RandomState::new().hash_one(0);
            let group = u32::try_from(random >> 33).unwrap_or(0);
            if group != 0 && self.all().all(|link| link.group != group) {
                return group;
            }
        }
    }

    /// Takes news of a link; tells what it was before.
    pub(crate) fn put_link(&mut self, facts: LinkFacts) -> Option<LinkFacts> {
        let index = facts.index;
        self.changed.insert(index);
        let known = Known { facts, listing: self.listing };
        self.links.insert(index, known).map(|known| known.facts)
    }

    pub(crate) fn remove_link(&mut self, index: u32) {
        self.links.remove(&index);
        self.addresses.remove(&index);
        self.changed.insert(index);
    }

    pub(crate) fn put_address(&mut self, facts: AddressFacts) {
        self.changed.insert(facts.index);
        let known = Known { facts, listing: self.listing };
        let addresses = self.addresses.entry(facts.index).or_default();
        match addresses.iter_mut().find(|old| same(&old.facts, &facts)) {
            Some(old) => *old = known,
            None => addresses.push(known),
        }
        // The kernel lists primary addresses first (`sort_by_key` keeps the order of equals).
        addresses.sort_by_key(|known| known.facts.secondary);
    }

    pub(crate) fn remove_address(&mut self, facts: &AddressFacts) {
        self.changed.insert(facts.index);
        if let Some(addresses) = self.addresses.get_mut(&facts.index) {
            addresses.retain(|old| !same(&old.facts, facts));
        }
    }

    /// A complete listing begins.
    pub(crate) fn begin_listing(&mut self) {
        self.listing += 1;
    }

    /// It has ended: forgets what it did not mention, and returns the links among that.
    pub(crate) fn end_listing(&mut self) -> Vec<u32> {
        let current = self.listing;
        let gone: Vec<_> = self
            .links
            .iter()
            .filter(|(_, known)| known.listing != current)
            .map(|(index, _)| *index)
            .collect();
        for index in &gone {
            self.remove_link(*index);
        }
        for (index, addresses) in &mut self.addresses {
            let before = addresses.len();
            addresses.retain(|known| known.listing == current);
            if addresses.len() != before {
                self.changed.insert(*index);
            }
        }
        gone
    }

    /// What the engine has to be told, given which addresses are virtual ones of ours.
    pub(crate) fn news(&mut self, ours: impl Fn(&AddressFacts) -> bool) -> Vec<LinkEvent> {
        let mut events = Vec::new();
        for index in std::mem::take(&mut self.changed) {
            let now = self.state(index, &ours);
            if now.as_ref() == self.told.get(&index) {
                continue;
            }
            match now {
                Some(state) => {
                    self.told.insert(index, state.clone());
                    events.push(LinkEvent::Present(state));
                }
                None => {
                    self.told.remove(&index);
                    events.push(LinkEvent::Gone(IfIndex(index)));
                }
            }
        }
        // A link that was made anew under its old name must be gone before it is there again.
        events.sort_by_key(|event| matches!(event, LinkEvent::Present(_)));
        events
    }

    /// A link as the engine sees it; `None` for what it must not see.
    fn state(&self, index: u32, ours: &impl Fn(&AddressFacts) -> bool) -> Option<LinkState> {
        let link = self.link(index).filter(|link| !is_virtual(link))?;
        let mut state = LinkState {
            name: InterfaceName::new(&link.name),
            index: IfIndex(index),
            // Tunnels and the like have none; they can be tracked.
            mac: link.mac.unwrap_or(MacAddr::ZERO),
            up: link.up,
            mtu: link.mtu,
            ipv4: Vec::new(),
            ipv6: Vec::new(),
        };
        for facts in self.addresses(index).filter(|facts| facts.usable && !ours(facts)) {
            match facts.address {
                IpAddr::V4(address) => state.ipv4.push(address),
                IpAddr::V6(address) => state.ipv6.push(address),
            }
        }
        Some(state)
    }
}

fn same(one: &AddressFacts, other: &AddressFacts) -> bool {
    one.address == other.address && one.prefix_length == other.prefix_length
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::facts::LinkKind;

    fn link(index: u32, name: &str) -> LinkFacts {
        LinkFacts {
            index,
            name: name.to_owned(),
            mac: Some(MacAddr([2, 0, 0, 0, 0, 1])),
            enabled: true,
            up: true,
            mtu: 1500,
            kind: LinkKind::Other,
            parent: None,
            vrf: None,
            alias: None,
            group: 0,
        }
    }

    fn address(index: u32, address: &str) -> AddressFacts {
        AddressFacts {
            index,
            address: address.parse().unwrap(),
            prefix_length: 24,
            secondary: false,
            usable: true,
            tagged: false,
            mark: 0,
        }
    }

    #[test]
    fn told_once_and_again_only_when_different() {
        let mut links = Links::default();
        links.put_link(link(3, "eth0"));
        links.put_address(address(3, "192.0.2.1"));
        let events = links.news(|_| false);
        assert!(
            matches!(&events[..], [LinkEvent::Present(state)] if state.ipv4 == ["192.0.2.1".parse::<std::net::Ipv4Addr>().unwrap()]),
            "{events:?}"
        );
        links.put_link(link(3, "eth0"));
        assert_eq!(links.news(|_| false), []);
        links.remove_link(3);
        assert_eq!(links.news(|_| false), [LinkEvent::Gone(IfIndex(3))]);
    }

    #[test]
    fn ours_and_tentative_ones_are_left_out() {
        let mut links = Links::default();
        links.put_link(link(3, "eth0"));
        links.put_address(AddressFacts { tagged: true, ..address(3, "192.0.2.254") });
        links.put_address(AddressFacts { usable: false, ..address(3, "fe80::1") });
        let events = links.news(|facts| facts.tagged);
        assert!(
            matches!(&events[..], [LinkEvent::Present(state)] if state.ipv4.is_empty() && state.ipv6.is_empty()),
            "{events:?}"
        );
    }

    #[test]
    fn secondary_addresses_come_last() {
        let mut links = Links::default();
        links.put_address(AddressFacts { secondary: true, ..address(3, "192.0.2.2") });
        links.put_address(address(3, "192.0.2.1"));
        let order: Vec<_> = links.addresses(3).map(|facts| facts.address.to_string()).collect();
        assert_eq!(order, ["192.0.2.1", "192.0.2.2"]);
    }

    #[test]
    fn a_listing_forgets_what_it_does_not_mention() {
        let mut links = Links::default();
        links.put_link(link(3, "eth0"));
        links.put_link(link(4, "eth1"));
        links.put_address(address(4, "192.0.2.1"));
        links.begin_listing();
        links.put_link(link(4, "eth1"));
        assert_eq!(links.end_listing(), [3]);
        assert!(links.link(4).is_some());
        assert_eq!(links.addresses(4).count(), 0);
    }

    #[test]
    fn the_macvlan_of_a_virtual_router_is_no_interface() {
        let mut links = Links::default();
        let mac = Some(MacAddr([0, 0, 0x5e, 0, 1, 10]));
        links.put_link(LinkFacts { kind: LinkKind::Macvlan, mac, ..link(5, "vr4-3-10") });
        assert_eq!(links.news(|_| false), []);
    }
}
