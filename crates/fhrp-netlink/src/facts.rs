//! What the kernel says of links and addresses, cut down to what matters here.

use std::net::IpAddr;

use fhrp::MacAddr;
use netlink_packet_route::address::{AddressAttribute, AddressFlags, AddressMessage, AddressProtocol};
use netlink_packet_route::link::{
    InfoKind, InfoPortKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::requests::{TAG, get_link};
use crate::socket::{KernelSocket, Refusal};

/// What kind of link it is, where that makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LinkKind {
    /// A macvlan, ours or not.
    Macvlan,
    /// A bridge: must be told which MACs are its own.
    Bridge,
    /// Anything else.
    Other,
}

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LinkFacts {
    pub(crate) index: u32,
    pub(crate) name: String,
    /// `None` for links without Ethernet addresses.
    pub(crate) mac: Option<MacAddr>,
    /// Administratively up.
    pub(crate) enabled: bool,
    /// Up, with carrier, and allowed to carry traffic.
    pub(crate) up: bool,
    pub(crate) mtu: u32,
    pub(crate) kind: LinkKind,
    /// The lower link.
    pub(crate) parent: Option<u32>,
    /// The VRF that it belongs to.
    pub(crate) vrf: Option<u32>,
    pub(crate) alias: Option<String>,
    pub(crate) group: u32,
}

impl LinkFacts {
    /// Asks the kernel for a link; `None` if there is none of this number.
    pub(crate) fn of(route: &mut KernelSocket, index: u32) -> Result<Option<Self>, Refusal> {
        let found = route.find(&get_link(index))?;
        Ok(found.and_then(|found| {
            if let RouteNetlinkMessage::NewLink(link) = found { Self::read(&link) } else { None }
        }))
    }

    /// Reads a link message; `None` for reports about a link's part in a bridge or in IPv6, which look alike.
    pub(crate) fn read(message: &LinkMessage) -> Option<Self> {
        if message.header.interface_family != AddressFamily::Unspec {
            return None;
        }
        let flags = message.header.flags;
        let mut facts = Self {
            index: message.header.index,
            name: String::new(),
            mac: None,
            enabled: flags.contains(LinkFlags::Up),
            up: flags.contains(LinkFlags::Up | LinkFlags::LowerUp),
            mtu: 0,
            kind: LinkKind::Other,
            parent: None,
            vrf: None,
            alias: None,
            group: 0,
        };
        let mut controller = None;
        let mut in_vrf = false;
        for attribute in &message.attributes {
            facts.absorb(attribute);
            if let LinkAttribute::Controller(index) = attribute {
                controller = Some(*index);
            } else if let LinkAttribute::LinkInfo(info) = attribute {
                in_vrf = info.contains(&LinkInfo::PortKind(InfoPortKind::Vrf));
            }
        }
        facts.vrf = controller.filter(|_| in_vrf);
        Some(facts)
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the kernel has dozens of attributes, these matter")]
    fn absorb(&mut self, attribute: &LinkAttribute) {
        match attribute {
            LinkAttribute::IfName(name) => self.name.clone_from(name),
            LinkAttribute::Address(octets) => self.mac = mac(octets),
            LinkAttribute::Mtu(mtu) => self.mtu = *mtu,
            LinkAttribute::OperState(state) => self.up &= matches!(state, State::Up | State::Unknown),
            LinkAttribute::Link(parent) => self.parent = Some(*parent),
            LinkAttribute::IfAlias(alias) => self.alias = Some(alias.clone()),
            LinkAttribute::Group(group) => self.group = *group,
            LinkAttribute::LinkInfo(info) => self.kind = kind(info),
            _ => {}
        }
    }
}

fn kind(info: &[LinkInfo]) -> LinkKind {
    let named = |kind: InfoKind| info.contains(&LinkInfo::Kind(kind));
    if named(InfoKind::MacVlan) {
        LinkKind::Macvlan
    } else if named(InfoKind::Bridge) {
        LinkKind::Bridge
    } else {
        LinkKind::Other
    }
}

fn mac(octets: &[u8]) -> Option<MacAddr> {
    octets.try_into().ok().map(MacAddr)
}

/// One address of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressFacts {
    pub(crate) index: u32,
    pub(crate) address: IpAddr,
    pub(crate) prefix_length: u8,
    /// Behind another address of the same subnet.
    pub(crate) secondary: bool,
    /// Not tentative and not refused by duplicate detection.
    pub(crate) usable: bool,
    /// Carries the tag of this program, whichever daemon put it there.
    pub(crate) tagged: bool,
    /// The metric, which carries a daemon's mark.
    pub(crate) mark: u32,
}

impl AddressFacts {
    pub(crate) fn read(message: &AddressMessage) -> Option<Self> {
        let mut local = None;
        let mut peer = None;
        let mut flags = AddressFlags::from_bits_retain(u32::from(message.header.flags.bits()));
        let mut tagged = false;
        let mut mark = 0;
        for attribute in &message.attributes {
            if let AddressAttribute::Local(address) = attribute {
                local = Some(*address);
            } else if let AddressAttribute::Address(address) = attribute {
                peer = Some(*address);
            } else if let AddressAttribute::Flags(all) = attribute {
                flags = *all;
            } else if let AddressAttribute::Protocol(protocol) = attribute {
                tagged = *protocol == AddressProtocol::Other(TAG);
            } else if let AddressAttribute::RoutePriority(metric) = attribute {
                mark = *metric;
            }
        }
        Some(Self {
            index: message.header.index,
            address: local.or(peer)?,
            prefix_length: message.header.prefix_len,
            secondary: message.header.family == AddressFamily::Inet
                && flags.contains(AddressFlags::Secondary),
            usable: !flags.intersects(AddressFlags::Tentative | AddressFlags::Dadfailed),
            tagged,
            mark,
        })
    }
}
