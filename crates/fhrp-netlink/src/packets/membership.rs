//! Memberships in multicast groups, of the network device and of IP.
//!
//! The packet socket's own make the device take the frames. The ordinary IP ones make the kernel send IGMP and MLD
//! reports, without which a snooping switch would not forward them to this port.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv6Addr};

use fhrp::{IfIndex, Protocol, Reception};
use fhrp_wire::{glbp, hsrp, vrrp};
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};

use super::counters::PacketCounters;
use crate::sys;

/// The multicast groups that a reception needs: those of its protocols, and the solicited-node groups of the IPv6
/// addresses whose resolution is answered here (RFC 4291 §2.7.1).
pub(super) fn groups_of(reception: &Reception) -> BTreeSet<IpAddr> {
    let spoken: [(Protocol, &[IpAddr]); 3] = [
        (Protocol::Vrrp, &[IpAddr::V4(vrrp::GROUP_V4), IpAddr::V6(vrrp::GROUP_V6)]),
        (
            Protocol::Hsrp,
            &[IpAddr::V4(hsrp::GROUP_V1), IpAddr::V4(hsrp::GROUP_V2_V4), IpAddr::V6(hsrp::GROUP_V2_V6)],
        ),
        (Protocol::Glbp, &[IpAddr::V4(glbp::GROUP_V4), IpAddr::V6(glbp::GROUP_V6)]),
    ];
    let spoken = spoken.into_iter().filter(|(protocol, _)| reception.protocols.contains(*protocol));
    let resolved = reception.resolves.iter().filter_map(|address| match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => Some(IpAddr::V6(solicited_node(*address))),
    });
    spoken.flat_map(|(_, groups)| groups.iter().copied()).chain(resolved).collect()
}

fn solicited_node(address: Ipv6Addr) -> Ipv6Addr {
    const PREFIX: u128 = 0xff02_0000_0000_0000_0000_0001_ff00_0000;
    Ipv6Addr::from_bits(PREFIX | address.to_bits() & 0x00ff_ffff)
}

/// The memberships of one interface. Those of IP end with their sockets.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    /// Whose frames the device takes for the packet socket.
    heard: BTreeSet<IpAddr>,
    /// What the kernel has been told to report.
    joined: BTreeSet<IpAddr>,
    sockets: Sockets,
    complained: bool,
}

impl Memberships {
    /// Has the device take the frames of exactly these groups, by their Ethernet addresses, for the packet socket.
    ///
    /// # Errors
    /// If the device refuses one; those before it are taken.
    pub(super) fn hear(
        &mut self,
        socket: &Socket,
        interface: IfIndex,
        groups: &BTreeSet<IpAddr>,
    ) -> io::Result<()> {
        let new: Vec<_> = groups.difference(&self.heard).copied().collect();
        for group in new {
            sys::add_membership(socket, interface.0, ethernet_group(group))?;
            self.heard.insert(group);
        }
        for group in self.heard.difference(groups) {
            // Fails only where the interface is gone, and the membership with it.
            let _ = sys::drop_membership(socket, interface.0, ethernet_group(*group));
        }
        self.heard.clone_from(groups);
        Ok(())
    }

    /// Joins those of the groups that are not joined yet, and leaves others. A failure is counted, and logged the first
    /// time: protocols that speak only the other family, or no switch that snoops, can do without.
    pub(super) fn join(&mut self, interface: IfIndex, counters: &mut PacketCounters) {
        for group in self.joined.difference(&self.heard) {
            // Fails only where the interface is gone, and the membership with it.
            let _ = self.sockets.leave(*group, interface);
        }
        self.joined.retain(|group| self.heard.contains(group));
        let mut failed = false;
        for group in &self.heard {
            if self.joined.contains(group) {
                continue;
            }
            match self.sockets.join(*group, interface) {
                Ok(()) => {
                    self.joined.insert(*group);
                }
                Err(error) => {
                    failed = true;
                    counters.join_failures += 1;
                    if !self.complained {
                        tracing::warn!(interface = interface.0, %group, %error, "cannot join the multicast group");
                    }
                }
            }
        }
        self.complained |= failed;
    }
}

/// The sockets that the memberships belong to, opened with the first of a family. They receive nothing: they are bound
/// to no port.
#[derive(Debug, Default)]
struct Sockets {
    ipv4: Option<Socket>,
    ipv6: Option<Socket>,
}

impl Sockets {
    fn join(&mut self, group: IpAddr, interface: IfIndex) -> io::Result<()> {
        match group {
            IpAddr::V4(group) => {
                let by_index = InterfaceIndexOrAddress::Index(interface.0);
                opened(&mut self.ipv4, open_ipv4)?.join_multicast_v4_n(&group, &by_index)
            }
            IpAddr::V6(group) => opened(&mut self.ipv6, open_ipv6)?.join_multicast_v6(&group, interface.0),
        }
    }

    fn leave(&self, group: IpAddr, interface: IfIndex) -> io::Result<()> {
        match (group, &self.ipv4, &self.ipv6) {
            (IpAddr::V4(group), Some(socket), _) => {
                socket.leave_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(interface.0))
            }
            (IpAddr::V6(group), _, Some(socket)) => socket.leave_multicast_v6(&group, interface.0),
            (IpAddr::V4(_), None, _) | (IpAddr::V6(_), _, None) => Ok(()),
        }
    }
}

fn opened(place: &mut Option<Socket>, open: fn() -> io::Result<Socket>) -> io::Result<&Socket> {
    let socket = match place.take() {
        Some(socket) => socket,
        None => open()?,
    };
    Ok(place.insert(socket))
}

fn open_ipv4() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_multicast_all_v4(false)?;
    Ok(socket)
}

fn open_ipv6() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
    socket.set_multicast_all_v6(false)?;
    Ok(socket)
}

/// The Ethernet address of a multicast group (RFC 1112 §6.4, RFC 2464 §7).
fn ethernet_group(group: IpAddr) -> [u8; 6] {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            [0x01, 0x00, 0x5e, b & 0x7f, c, d]
        }
        IpAddr::V6(group) => {
            let [.., c, d, e, f] = group.octets();
            [0x33, 0x33, c, d, e, f]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_follow_protocols_and_resolved_addresses() {
        let of = |protocols: &[Protocol], resolves: &[&str]| {
            let reception = Reception {
                protocols: protocols.iter().copied().collect(),
                resolves: resolves.iter().map(|address| address.parse().unwrap()).collect(),
            };
            groups_of(&reception).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(of(&[Protocol::Vrrp], &[]), ["224.0.0.18", "ff02::12"]);
        assert_eq!(of(&[Protocol::Hsrp], &[]), ["224.0.0.2", "224.0.0.102", "ff02::66"]);
        assert_eq!(
            of(&[Protocol::Glbp], &["192.0.2.1", "fe80::7:b4ff:fe00:2e00", "2001:db8::7:b4ff:fe00:2e00"]),
            ["224.0.0.102", "ff02::66", "ff02::1:ff00:2e00"]
        );
    }

    #[test]
    fn ethernet_addresses() {
        let of = |group: &str| ethernet_group(group.parse().unwrap());
        assert_eq!(of("224.0.0.102"), hsrp::GROUP_V2_V4_MAC.octets());
        assert_eq!(of("239.129.2.3"), [0x01, 0x00, 0x5e, 0x01, 0x02, 0x03]);
        assert_eq!(of("ff02::1:ff12:3456"), [0x33, 0x33, 0xff, 0x12, 0x34, 0x56]);
    }
}
