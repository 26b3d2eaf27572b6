//! What an earlier run that ended without saying good-bye left in the kernel: it still answers for the virtual
//! addresses, beside whichever router is Active now.

use std::collections::BTreeSet;

use fhrp::Family;
use netlink_packet_route::RouteNetlinkMessage;

use crate::device::Workshop;
use crate::facts::{AddressFacts, LinkFacts, LinkKind};
use crate::links::Links;
use crate::names::Instance;
use crate::nft::Filter;
use crate::requests::{delete_address_as, delete_bridge_entry, list_addresses, list_links};
use crate::socket::{KernelSocket, Request};
use crate::sysctl::Gate;
use crate::worker::Idle;

/// Everything of ours that is there now.
#[derive(Debug)]
pub(crate) struct Leftovers {
    /// The whole table of links, for what else must be known of them.
    pub(crate) links: Links,
    devices: Vec<LinkFacts>,
    /// On our macvlans and, without a virtual MAC, on interfaces.
    addresses: Vec<AddressFacts>,
    table: String,
}

impl Leftovers {
    /// Looks.
    pub(crate) fn find(route: &mut KernelSocket, instance: &Instance) -> std::io::Result<Self> {
        let mut links = Links::default();
        for message in route.dump(&list_links())? {
            if let RouteNetlinkMessage::NewLink(link) = &message {
                LinkFacts::read(link).map(|facts| links.put_link(facts));
            }
        }
        for message in route.dump(&list_addresses())? {
            if let RouteNetlinkMessage::NewAddress(address) = &message
                && let Some(facts) = AddressFacts::read(address)
            {
                links.put_address(facts);
            }
        }
        let devices: Vec<_> = links.all().filter(|link| instance.owns(link)).cloned().collect();
        let ours: BTreeSet<u32> = devices.iter().map(|device| device.index).collect();
        let all = links.all().flat_map(|link| links.addresses(link.index));
        let own = all.filter(|facts| ours.contains(&facts.index) || facts.mark == instance.mark());
        let addresses = own.copied().collect();
        Ok(Self { links, devices, addresses, table: instance.table() })
    }

    /// At once, before anything else: no address, no open gate. Says what was done.
    pub(crate) fn silence(&self, route: &mut KernelSocket) -> Vec<String> {
        for device in &self.devices {
            // Which of the two gates is its own need not be known: both may be closed.
            for family in [Family::V4, Family::V6] {
                // A device that has just gone needs no closing.
                if let Ok(gate) = Gate::of(family, &device.name)
                    && let Err(error) = gate.close()
                {
                    tracing::warn!(device = device.name, %error, "a leftover macvlan could not be closed");
                }
            }
        }
        let delete =
            |facts: &AddressFacts| delete_address_as(facts.index, facts.address, facts.prefix_length);
        let requests: Vec<_> = self.addresses.iter().map(delete).collect();
        let outcomes = route.exchange(&requests);
        let removed = self.addresses.iter().zip(outcomes).filter(|(_, outcome)| outcome.is_ok());
        let mut done: Vec<_> = removed
            .map(|(facts, _)| {
                format!(
                    "address {}/{} on {}",
                    facts.address,
                    facts.prefix_length,
                    self.links.name(facts.index)
                )
            })
            .collect();
        // Absent where the bridge was not told, or the base is no bridge any more.
        route.exchange(&self.bridge_entries());
        match Filter::remove_leftover(&self.table) {
            Ok(true) => done.push(format!("nftables table inet {}", self.table)),
            Ok(false) => {}
            // Without nf_tables there is no table either.
            Err(error) => tracing::debug!(%error, "nftables could not be asked for leftovers"),
        }
        done
    }

    /// The macvlans, to be used again or pruned.
    pub(crate) fn idle(&self) -> Vec<Idle> {
        let idle = self.devices.iter().filter_map(|device| {
            let name = device.name.clone();
            Some(Idle { index: device.index, name, base: device.parent?, mac: device.mac? })
        });
        idle.collect()
    }

    /// Deletes the macvlans.
    pub(crate) fn delete(&self, route: &mut KernelSocket) -> Vec<String> {
        let indexes: Vec<_> = self.devices.iter().map(|device| device.index).collect();
        Workshop::delete(route, &indexes, self.links.unused_group());
        self.devices.iter().map(|device| format!("macvlan {}", device.name)).collect()
    }

    fn bridge_entries(&self) -> Vec<Request> {
        let entries = self.devices.iter().filter_map(|device| {
            let parent = device.parent.and_then(|parent| self.links.link(parent))?;
            let mac = device.mac.filter(|_| parent.kind == LinkKind::Bridge)?;
            Some(delete_bridge_entry(parent.index, mac))
        });
        entries.collect()
    }
}
