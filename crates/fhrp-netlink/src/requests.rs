//! The requests that the dataplane needs, one function each; all pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fhrp::MacAddr;
use netlink_packet_core::{DefaultNla, NLA_F_NESTED, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressMessage, AddressProtocol, AddressScope, CacheInfo,
};
use netlink_packet_route::link::{
    AfSpecInet, AfSpecInet6, AfSpecUnspec, In6AddrGenMode, LinkAttribute, LinkMessage, MacVlanMode,
};
use netlink_packet_route::neighbour::{NeighbourAttribute, NeighbourFlags, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{RouteProtocol, RouteScope};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::{AddressMessageBuilder, LinkMacVlan, LinkUnspec, RouteMessageBuilder};

use crate::socket::Request;

/// Marks addresses and routes as ours (`IFA_PROTO`, `rtm_protocol`). The kernel uses 1 to 3, routing daemons others.
pub(crate) const TAG: u8 = 112;

/// `IFLA_INET_CONF`.
const INET_CONF: u16 = 1;
/// An unlimited lifetime.
const FOREVER: u32 = u32::MAX;

/// A per-device IPv4 setting by its number in the kernel (`IPV4_DEVCONF_*`). Set by link number, so that a rename
/// between looking up and writing cannot hit another device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Inet {
    Forwarding,
    ProxyArp,
    AcceptRedirects,
    SendRedirects,
    RpFilter,
    ArpFilter,
    ArpAnnounce,
    ArpIgnore,
    PromoteSecondaries,
    AcceptLocal,
}

impl Inet {
    const fn number(self) -> u16 {
        match self {
            Self::Forwarding => 1,
            Self::ProxyArp => 3,
            Self::AcceptRedirects => 4,
            Self::SendRedirects => 6,
            Self::RpFilter => 8,
            Self::ArpFilter => 13,
            Self::ArpAnnounce => 18,
            Self::ArpIgnore => 19,
            Self::PromoteSecondaries => 20,
            Self::AcceptLocal => 23,
        }
    }
}

/// What a new macvlan is made with.
#[derive(Clone, Debug)]
pub(crate) struct NewDevice<'a> {
    pub(crate) name: &'a str,
    pub(crate) parent: u32,
    pub(crate) mac: MacAddr,
    pub(crate) group: u32,
    /// The VRF that the parent belongs to.
    pub(crate) vrf: Option<u32>,
}

/// Makes a macvlan, down. `mode bridge`: frames of a peer that uses the same virtual MAC still reach the base.
pub(crate) fn create_macvlan(new: &NewDevice<'_>) -> Request {
    let mut link = LinkMacVlan::new(new.name, new.parent, MacVlanMode::Bridge)
        .address(new.mac.octets().to_vec())
        .link_group(new.group);
    if let Some(vrf) = new.vrf {
        link = link.controller(vrf);
    }
    Request::route(NLM_F_CREATE | NLM_F_EXCL, &RouteNetlinkMessage::NewLink(link.build()))
}

/// Whether this host speaks IPv6 at all; without it the kernel knows none of its attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostIpv6 {
    Present,
    Absent,
}

/// Names the owner and sets the IPv4 settings; no IPv6 address shall be made from the virtual MAC (RFC 9568 §7.4). The
/// kernel ignores all of this in the message that creates the link, and it must come before the link is set up.
pub(crate) fn configure_macvlan(index: u32, marks: &Marks<'_>, inet: &[(Inet, u32)]) -> Request {
    let mut families = vec![AfSpecUnspec::Inet(vec![inet_conf(inet)])];
    match marks.ipv6 {
        HostIpv6::Present => {
            families.push(AfSpecUnspec::Inet6(vec![AfSpecInet6::AddrGenMode(In6AddrGenMode::None)]));
        }
        HostIpv6::Absent => {}
    }
    let attribute = LinkAttribute::AfSpecUnspec(families);
    let link = LinkUnspec::new_with_index(index).alias(marks.alias).link_group(marks.group);
    Request::route(0, &RouteNetlinkMessage::SetLink(link.append_extra_attribute(attribute).build()))
}

/// By what a macvlan is known as ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Marks<'a> {
    pub(crate) alias: &'a str,
    pub(crate) group: u32,
    pub(crate) ipv6: HostIpv6,
}

/// Changes IPv4 settings of any link.
pub(crate) fn set_inet(index: u32, inet: &[(Inet, u32)]) -> Request {
    let attribute = LinkAttribute::AfSpecUnspec(vec![AfSpecUnspec::Inet(vec![inet_conf(inet)])]);
    let link = LinkUnspec::new_with_index(index).append_extra_attribute(attribute);
    Request::route(0, &RouteNetlinkMessage::SetLink(link.build()))
}

/// Nested by hand: the ready-made request type leaves out zeros, and zeros are what we mostly set.
fn inet_conf(settings: &[(Inet, u32)]) -> AfSpecInet {
    let mut value = Vec::with_capacity(settings.len() * 8);
    for (setting, number) in settings {
        value.extend_from_slice(&8u16.to_ne_bytes());
        value.extend_from_slice(&setting.number().to_ne_bytes());
        value.extend_from_slice(&number.to_ne_bytes());
    }
    AfSpecInet::Other(DefaultNla::new(INET_CONF | NLA_F_NESTED, value))
}

pub(crate) fn set_up(index: u32) -> Request {
    Request::route(0, &RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(index).up().build()))
}

pub(crate) fn set_mtu(index: u32, mtu: u32) -> Request {
    Request::route(0, &RouteNetlinkMessage::SetLink(LinkUnspec::new_with_index(index).mtu(mtu).build()))
}

pub(crate) fn set_group(index: u32, group: u32) -> Request {
    let link = LinkUnspec::new_with_index(index).link_group(group).build();
    Request::route(0, &RouteNetlinkMessage::SetLink(link))
}

pub(crate) fn delete_link(index: u32) -> Request {
    Request::route(0, &RouteNetlinkMessage::DelLink(LinkUnspec::new_with_index(index).build()))
}

/// Deletes every link of a group in one step: a thousand in the time of a few dozen single ones.
pub(crate) fn delete_group(group: u32) -> Request {
    let mut link = LinkMessage::default();
    link.attributes.push(LinkAttribute::Group(group));
    Request::route(0, &RouteNetlinkMessage::DelLink(link))
}

pub(crate) fn get_link(index: u32) -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkUnspec::new_with_index(index).build())
}

pub(crate) fn list_links() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetLink(LinkMessage::default())
}

pub(crate) fn list_addresses() -> RouteNetlinkMessage {
    RouteNetlinkMessage::GetAddress(AddressMessage::default())
}

/// Where a virtual address is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// On a macvlan of ours.
    Device,
    /// On the interface itself, among addresses of others: carries the mark of our instance, as the metric of a prefix
    /// route that it does not have.
    Base(u32),
}

/// Holds a virtual address.
pub(crate) fn add_address(index: u32, address: IpAddr, holder: Holder) -> Request {
    Request::route(
        NLM_F_CREATE | NLM_F_EXCL,
        &RouteNetlinkMessage::NewAddress(address_message(index, address, holder)),
    )
}

pub(crate) fn delete_address(index: u32, address: IpAddr, holder: Holder) -> Request {
    Request::route(0, &RouteNetlinkMessage::DelAddress(address_message(index, address, holder)))
}

/// Deletes an address that is held in whatever form.
pub(crate) fn delete_address_as(index: u32, address: IpAddr, prefix_length: u8) -> Request {
    let mut message = address_message(index, address, Holder::Device);
    message.header.prefix_len = prefix_length;
    Request::route(0, &RouteNetlinkMessage::DelAddress(message))
}

fn address_message(index: u32, address: IpAddr, holder: Holder) -> AddressMessage {
    let mut message = match address {
        IpAddr::V4(address) => ipv4_message(index, address),
        IpAddr::V6(address) => ipv6_message(index, address, holder),
    };
    message.attributes.push(AddressAttribute::Protocol(AddressProtocol::Other(TAG)));
    if let Holder::Base(mark) = holder {
        message.attributes.push(AddressAttribute::RoutePriority(mark));
    }
    message
}

/// A /32: no subnet route, no broadcast address, no secondary chain.
fn ipv4_message(index: u32, address: Ipv4Addr) -> AddressMessage {
    let mut message = AddressMessageBuilder::<Ipv4Addr>::new().index(index).address(address, 32).build();
    message.header.scope = AddressScope::Universe;
    message.attributes.push(AddressAttribute::Flags(AddressFlags::Noprefixroute));
    message
}

/// Without DAD: the address must serve at once, also while the old Active still answers for it.
fn ipv6_message(index: u32, address: Ipv6Addr, holder: Holder) -> AddressMessage {
    let link_local = address.is_unicast_link_local();
    // On the macvlan a link-local address needs its /64 route, or link-local hosts get no answer. The base has one.
    let needs_prefix = link_local && holder == Holder::Device;
    let (length, flags) = if needs_prefix {
        (64, AddressFlags::Nodad)
    } else {
        (128, AddressFlags::Nodad | AddressFlags::Noprefixroute)
    };
    let mut message = AddressMessageBuilder::<Ipv6Addr>::new().index(index).address(address, length).build();
    message.header.scope = if link_local { AddressScope::Link } else { AddressScope::Universe };
    message.attributes.push(AddressAttribute::Flags(flags));
    if !needs_prefix {
        // Deprecated from the start: never chosen as the source of the router's own traffic.
        let mut lifetime = CacheInfo::default();
        lifetime.ifa_valid = FOREVER;
        message.attributes.push(AddressAttribute::CacheInfo(lifetime));
    }
    message
}

/// Tells a bridge that frames to `mac` are for itself, so that it does not flood them.
pub(crate) fn add_bridge_entry(bridge: u32, mac: MacAddr) -> Request {
    Request::route(
        NLM_F_CREATE | NLM_F_REPLACE,
        &RouteNetlinkMessage::NewNeighbour(bridge_entry(bridge, mac)),
    )
}

pub(crate) fn delete_bridge_entry(bridge: u32, mac: MacAddr) -> Request {
    Request::route(0, &RouteNetlinkMessage::DelNeighbour(bridge_entry(bridge, mac)))
}

fn bridge_entry(bridge: u32, mac: MacAddr) -> NeighbourMessage {
    let mut message = NeighbourMessage::default();
    message.header.family = AddressFamily::Bridge;
    message.header.ifindex = bridge;
    message.header.state = NeighbourState::Permanent;
    message.header.flags = NeighbourFlags::Own;
    message.attributes.push(NeighbourAttribute::LinkLayerAddress(mac.octets().to_vec()));
    message
}

/// The route by which an owner's own ARP requests carry the virtual MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OwnerRoute {
    pub(crate) network: Ipv4Addr,
    pub(crate) prefix_length: u8,
    pub(crate) source: Ipv4Addr,
}

/// Puts the route in front of the one over the base: creation without "exclusive" or "append" prepends.
pub(crate) fn add_route(device: u32, route: &OwnerRoute) -> Request {
    Request::route(NLM_F_CREATE, &RouteNetlinkMessage::NewRoute(route_message(device, route)))
}

pub(crate) fn delete_route(device: u32, route: &OwnerRoute) -> Request {
    Request::route(0, &RouteNetlinkMessage::DelRoute(route_message(device, route)))
}

fn route_message(device: u32, route: &OwnerRoute) -> netlink_packet_route::route::RouteMessage {
    RouteMessageBuilder::<Ipv4Addr>::new()
        .destination_prefix(route.network, route.prefix_length)
        .pref_source(route.source)
        .output_interface(device)
        .scope(RouteScope::Link)
        .protocol(RouteProtocol::Other(TAG))
        .build()
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::Emitable;

    use super::*;

    fn flags(message: &AddressMessage) -> Option<AddressFlags> {
        message.attributes.iter().find_map(|attribute| {
            if let AddressAttribute::Flags(flags) = attribute { Some(*flags) } else { None }
        })
    }

    #[test]
    fn ipv4_is_a_host_address() {
        let message = address_message(3, "192.0.2.1".parse().unwrap(), Holder::Device);
        assert_eq!(message.header.prefix_len, 32);
        assert!(message.attributes.contains(&AddressAttribute::Protocol(AddressProtocol::Other(TAG))));
    }

    #[test]
    fn the_virtual_link_local_keeps_its_prefix_route_on_the_macvlan_only() {
        let address = "fe80::254".parse().unwrap();
        let device = address_message(3, address, Holder::Device);
        assert_eq!((device.header.prefix_len, flags(&device)), (64, Some(AddressFlags::Nodad)));
        let base = address_message(3, address, Holder::Base(77));
        assert_eq!(base.header.prefix_len, 128);
        assert_eq!(flags(&base), Some(AddressFlags::Nodad | AddressFlags::Noprefixroute));
        assert!(base.attributes.contains(&AddressAttribute::RoutePriority(77)));
    }

    #[test]
    fn settings_are_sent_even_when_zero() {
        let conf = inet_conf(&[(Inet::Forwarding, 0), (Inet::RpFilter, 2)]);
        let mut octets = vec![0; conf.buffer_len()];
        conf.emit(&mut octets);
        assert_eq!(octets.len(), 4 + 16);
        assert_eq!(&octets[4..8], [8, 0, 1, 0]);
        assert_eq!(&octets[12..20], [8, 0, 8, 0, 2, 0, 0, 0]);
    }
}
