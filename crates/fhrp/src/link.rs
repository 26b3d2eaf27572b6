//! What the engine is told about interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use fhrp_wire::MacAddr;

use crate::{Family, IfIndex, InterfaceName, Waiting};

/// All that matters of an interface, whole each time: an engine that missed one report is right again after the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Its name.
    pub name: InterfaceName,
    /// Its number.
    pub index: IfIndex,
    /// Its own (physical) MAC; all zeros where it has none, as tunnels have.
    pub mac: MacAddr,
    /// Administratively up and with carrier.
    pub up: bool,
    /// In octets.
    pub mtu: u32,
    /// Its own IPv4 addresses in the kernel's order, primary first; virtual addresses of ours are not among them.
    pub ipv4: Vec<Ipv4Addr>,
    /// Its own IPv6 addresses that are usable (not tentative); virtual addresses of ours are not among them.
    pub ipv6: Vec<Ipv6Addr>,
}

impl LinkState {
    /// Whether groups can run there: what has no MAC of its own can only be tracked.
    #[must_use]
    pub fn is_ethernet(&self) -> bool {
        self.mac != MacAddr::ZERO
    }

    /// The address that IPv4 advertisements come from: the first of its own (RFC 9568 §1.6, Primary IPv4 address).
    #[must_use]
    pub fn primary_ipv4(&self) -> Option<Ipv4Addr> {
        self.ipv4.first().copied()
    }

    /// Whether `address` is one of its own.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.ipv4.contains(&address),
            IpAddr::V6(address) => self.ipv6.contains(&address),
        }
    }

    /// The address that a group of this family sends from, or why there is none for now.
    pub(crate) fn sender(&self, family: Family) -> Result<IpAddr, Waiting> {
        if !self.is_ethernet() {
            return Err(Waiting::NotEthernet);
        }
        if !self.up {
            return Err(Waiting::InterfaceDown);
        }
        let source = match family {
            Family::V4 => self.primary_ipv4().map(IpAddr::V4),
            Family::V6 => self.link_local().map(IpAddr::V6),
        };
        source.ok_or(Waiting::NoPrimaryAddress)
    }

    /// The address that IPv6 advertisements come from: the link-local (RFC 9568 §1.6).
    #[must_use]
    pub fn link_local(&self) -> Option<Ipv6Addr> {
        self.ipv6.iter().copied().find(Ipv6Addr::is_unicast_link_local)
    }
}

/// News of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// It exists and looks like this now. Also right when nothing changed.
    Present(LinkState),
    /// It exists no longer.
    Gone(IfIndex),
}

/// An address that hosts could use; hostile messages may say any. Over IPv4 neither "this network", loopback, multicast
/// nor what is reserved (RFC 1122 §3.2.1.3, RFC 1112 §4); over IPv6 only link-locals are on the wire.
pub(crate) fn fits_a_gateway(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => matches!(address.octets(), [1..=126 | 128..=223, ..]),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}
