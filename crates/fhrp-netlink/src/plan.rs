//! From what a seat has and what it wants to what must be done; all pure.

use std::net::{IpAddr, Ipv4Addr};

use fhrp::{Binding, Family, Gate, MacAddr, Protocol, Responder};

use crate::facts::LinkKind;
use crate::links::Links;
use crate::requests::OwnerRoute;

/// What a seat has in the kernel, or shall have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The interface that faces the hosts; 0 for a seat that has nothing.
    pub(crate) base: u32,
    /// The macvlan; `None` if the addresses are held on the base.
    pub(crate) device: Option<DeviceShape>,
    /// Whether the gate is open.
    pub(crate) open: bool,
    /// The virtual addresses that are held, in the order in which they are added.
    pub(crate) addresses: Vec<IpAddr>,
    /// Of an address owner: the routes that make its own ARP requests carry the virtual MAC.
    pub(crate) routes: Vec<OwnerRoute>,
    /// Whether the base is a bridge that was told about the virtual MAC.
    pub(crate) bridge_entry: bool,
    /// What must be set on the base for it.
    pub(crate) needs: Vec<Need>,
}

/// Something that a seat needs of the interface that faces the hosts. All concern IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Need {
    /// A macvlan beside it: the base must not answer for, or ask in the name of, the virtual addresses.
    VirtualMac,
    /// Redirects would tell hosts real addresses: from a base that holds virtual addresses itself they come from its own
    /// address, and where HSRP or GLBP runs there are to be none (RFC 2281).
    NoRedirects,
    /// It owns an address that the macvlan answers for: the base must not answer at all.
    Owner,
}

/// What makes a macvlan the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeviceShape {
    pub(crate) mac: MacAddr,
    pub(crate) family: Family,
    pub(crate) responder: Responder,
}

impl Shape {
    /// What a binding asks for.
    pub(crate) fn of(binding: &Binding, links: &Links) -> Self {
        let family = binding.family();
        let base = binding.interface.0;
        let device = binding.mac.map(|mac| DeviceShape { mac, family, responder: binding.responder });
        let mut shape = Self { base, device, ..Self::default() };
        if family == Family::V4 {
            shape.needs.extend(device.is_some().then_some(Need::VirtualMac));
            shape.needs.extend(suppresses_redirects(binding).then_some(Need::NoRedirects));
        }
        if binding.gate == Gate::Closed {
            return shape;
        }
        shape.open = true;
        shape.addresses.extend(binding.addresses.iter().filter(|address| is_added(binding, address)));
        if device.is_some() {
            shape.bridge_entry = links.link(base).is_some_and(|link| link.kind == LinkKind::Bridge);
            shape.routes = owner_routes(binding, links);
            shape.needs.extend((!shape.routes.is_empty()).then_some(Need::Owner));
        }
        shape
    }
}

/// With a virtual MAC of VRRP's there are none of that sort: packets come in by the macvlan and leave by the base.
fn suppresses_redirects(binding: &Binding) -> bool {
    match binding.group.protocol {
        Protocol::Vrrp => binding.mac.is_none(),
        Protocol::Hsrp | Protocol::Glbp => true,
    }
}

/// An owned address is on the base already. With a virtual MAC an IPv4 one is held on the macvlan as well, whose
/// ARP answers then are the only ones. IPv6 knows no such switch: held twice it would be answered for twice, so hosts
/// go on to find an owned IPv6 address at the physical MAC, as a documented deviation from RFC 9568 §8.2.2.
fn is_added(binding: &Binding, address: &IpAddr) -> bool {
    let owned = binding.owned.contains(address);
    !owned || (binding.mac.is_some() && address.is_ipv4())
}

/// One route for each subnet of an owned IPv4 address.
fn owner_routes(binding: &Binding, links: &Links) -> Vec<OwnerRoute> {
    let mut routes = Vec::new();
    for facts in links.addresses(binding.interface.0).filter(|facts| !facts.tagged) {
        if let IpAddr::V4(source) = facts.address
            && binding.owned.contains(&facts.address)
            && facts.prefix_length < 32
        {
            let prefix_length = facts.prefix_length;
            routes.push(OwnerRoute { network: network(source, prefix_length), prefix_length, source });
        }
    }
    routes
}

fn network(address: Ipv4Addr, prefix_length: u8) -> Ipv4Addr {
    let host_bits = 32u32.saturating_sub(prefix_length.into());
    Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(host_bits).unwrap_or(0))
}

/// The way from one shape to another, in the order in which it is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// First: what must fall silent.
    pub(crate) close_gate: bool,
    pub(crate) remove_addresses: Vec<IpAddr>,
    pub(crate) remove_routes: Vec<OwnerRoute>,
    pub(crate) remove_bridge_entry: bool,
    /// The macvlan is not wanted any more. It is deleted later: deleting takes milliseconds.
    pub(crate) retire: bool,
    /// Then: what must be made, or (`configure`) given other settings.
    pub(crate) make: bool,
    pub(crate) configure: bool,
    /// Last: what must serve.
    pub(crate) open_gate: bool,
    pub(crate) add_addresses: Vec<IpAddr>,
    pub(crate) add_routes: Vec<OwnerRoute>,
    pub(crate) add_bridge_entry: bool,
}

impl Plan {
    /// Compares two shapes.
    pub(crate) fn between(current: &Shape, wanted: &Shape) -> Self {
        let moves = !same_place(current, wanted);
        let nothing = Shape::default();
        // A seat that moves loses everything at its old place and gains everything at the new one.
        let (kept, goal) = if moves { (&nothing, &nothing) } else { (current, wanted) };
        let closes = current.device.is_some() && current.open && !goal.open;
        let taken_by_gate = closes && current.device.is_some_and(|device| device.family == Family::V6);
        let remove_addresses =
            if taken_by_gate { Vec::new() } else { missing(&current.addresses, &goal.addresses) };
        let make = wanted.device.is_some() && kept.device.is_none();
        Self {
            close_gate: closes,
            remove_addresses,
            remove_routes: missing(&current.routes, &goal.routes),
            remove_bridge_entry: current.bridge_entry && !goal.bridge_entry,
            retire: current.device.is_some() && goal.device.is_none(),
            make,
            configure: !make && wanted.device != kept.device,
            open_gate: wanted.device.is_some() && wanted.open && !kept.open,
            add_addresses: missing(&wanted.addresses, &kept.addresses),
            add_routes: missing(&wanted.routes, &kept.routes),
            add_bridge_entry: wanted.bridge_entry && !kept.bridge_entry,
        }
    }
}

/// Whether both are on the same base, with or without the same macvlan.
fn same_place(one: &Shape, other: &Shape) -> bool {
    let key = |shape: &Shape| shape.device.map(|device| (device.mac, device.family));
    one.base == other.base && key(one) == key(other)
}

/// What `all` has and `known` has not, in order.
fn missing<T: Copy + PartialEq>(all: &[T], known: &[T]) -> Vec<T> {
    all.iter().filter(|item| !known.contains(item)).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(list: &[&str]) -> Vec<IpAddr> {
        list.iter().map(|address| address.parse().unwrap()).collect()
    }

    fn closed(family: Family) -> Shape {
        let number = if family == Family::V4 { 1 } else { 2 };
        let device =
            DeviceShape { mac: MacAddr([0, 0, 0x5e, 0, number, 10]), family, responder: Responder::Kernel };
        Shape { base: 3, device: Some(device), ..Shape::default() }
    }

    fn open(family: Family, list: &[&str]) -> Shape {
        Shape { open: true, addresses: addresses(list), ..closed(family) }
    }

    #[test]
    fn nothing_to_do_for_what_is_there() {
        let shape = open(Family::V4, &["192.0.2.1"]);
        assert_eq!(Plan::between(&shape, &shape), Plan::default());
    }

    #[test]
    fn take_over_is_a_gate_and_addresses() {
        let plan = Plan::between(&closed(Family::V4), &open(Family::V4, &["192.0.2.1", "192.0.2.2"]));
        let expected = Plan {
            open_gate: true,
            add_addresses: addresses(&["192.0.2.1", "192.0.2.2"]),
            ..Plan::default()
        };
        assert_eq!(plan, expected);
    }

    #[test]
    fn closing_ipv4_removes_addresses_and_closing_ipv6_needs_the_gate_only() {
        let plan = Plan::between(&open(Family::V4, &["192.0.2.1"]), &closed(Family::V4));
        let expected =
            Plan { close_gate: true, remove_addresses: addresses(&["192.0.2.1"]), ..Plan::default() };
        assert_eq!(plan, expected);
        let plan = Plan::between(&open(Family::V6, &["fe80::1"]), &closed(Family::V6));
        assert_eq!(plan, Plan { close_gate: true, ..Plan::default() });
    }

    #[test]
    fn an_address_is_exchanged_without_closing() {
        let plan = Plan::between(
            &open(Family::V6, &["fe80::1", "2001:db8::1"]),
            &open(Family::V6, &["fe80::1", "2001:db8::2"]),
        );
        let expected = Plan {
            remove_addresses: addresses(&["2001:db8::1"]),
            add_addresses: addresses(&["2001:db8::2"]),
            ..Plan::default()
        };
        assert_eq!(plan, expected);
    }

    #[test]
    fn a_seat_that_moves_is_taken_down_and_made_anew() {
        let from = open(Family::V4, &["192.0.2.1"]);
        let to = Shape { base: 4, ..from.clone() };
        let plan = Plan::between(&from, &to);
        let expected = Plan {
            close_gate: true,
            remove_addresses: addresses(&["192.0.2.1"]),
            retire: true,
            make: true,
            open_gate: true,
            add_addresses: addresses(&["192.0.2.1"]),
            ..Plan::default()
        };
        assert_eq!(plan, expected);
        let removed = Plan::between(&from, &Shape::default());
        let expected = Plan {
            close_gate: true,
            remove_addresses: addresses(&["192.0.2.1"]),
            retire: true,
            ..Plan::default()
        };
        assert_eq!(removed, expected);
    }

    #[test]
    fn on_the_base_there_is_no_gate() {
        let from = Shape { base: 3, ..Shape::default() };
        let to = Shape { base: 3, open: true, addresses: addresses(&["fe80::1"]), ..Shape::default() };
        let plan = Plan::between(&from, &to);
        assert_eq!(plan, Plan { add_addresses: addresses(&["fe80::1"]), ..Plan::default() });
        let back = Plan::between(&to, &from);
        assert_eq!(back, Plan { remove_addresses: addresses(&["fe80::1"]), ..Plan::default() });
    }

    #[test]
    fn another_responder_is_a_setting() {
        let mut engine = closed(Family::V4);
        if let Some(device) = &mut engine.device {
            device.responder = Responder::Engine;
        }
        let plan = Plan::between(&closed(Family::V4), &engine);
        assert_eq!(plan, Plan { configure: true, ..Plan::default() });
    }

    #[test]
    fn networks() {
        assert_eq!(network(Ipv4Addr::new(192, 0, 2, 77), 24), Ipv4Addr::new(192, 0, 2, 0));
        assert_eq!(network(Ipv4Addr::new(192, 0, 2, 77), 0), Ipv4Addr::UNSPECIFIED);
        assert_eq!(network(Ipv4Addr::new(192, 0, 2, 77), 32), Ipv4Addr::new(192, 0, 2, 77));
    }
}
