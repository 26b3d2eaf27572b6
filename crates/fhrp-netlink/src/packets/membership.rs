//! Ordinary memberships in IP multicast groups: they make the kernel send IGMP and MLD reports, without which a
//! snooping switch would not forward the protocols' frames to this port.

use std::io;

use fhrp::IfIndex;
use fhrp_wire::vrrp::{GROUP_V4, GROUP_V6};
use socket2::{Domain, InterfaceIndexOrAddress, Socket, Type};

use super::counters::PacketCounters;

/// The memberships of one interface. They end with the sockets, which receive nothing: they are bound to no port.
#[derive(Debug, Default)]
pub(super) struct Memberships {
    ipv4: Option<Socket>,
    ipv6: Option<Socket>,
    complained: bool,
}

impl Memberships {
    /// Joins what is not joined yet. A failure is counted, and logged the first time: protocols that speak only the
    /// other family, or no switch that snoops, can do without.
    pub(super) fn join(&mut self, interface: IfIndex, counters: &mut PacketCounters) {
        let mut failures = Vec::new();
        if self.ipv4.is_none() {
            self.ipv4 = join_ipv4(interface).map_err(|error| failures.push(("224.0.0.18", error))).ok();
        }
        if self.ipv6.is_none() {
            self.ipv6 = join_ipv6(interface).map_err(|error| failures.push(("ff02::12", error))).ok();
        }
        for (group, error) in &failures {
            counters.join_failures += 1;
            if !self.complained {
                tracing::warn!(interface = interface.0, group, %error, "cannot join the multicast group");
            }
        }
        self.complained |= !failures.is_empty();
    }
}

fn join_ipv4(interface: IfIndex) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_multicast_all_v4(false)?;
    socket.join_multicast_v4_n(&GROUP_V4, &InterfaceIndexOrAddress::Index(interface.0))?;
    Ok(socket)
}

fn join_ipv6(interface: IfIndex) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
    socket.set_multicast_all_v6(false)?;
    socket.join_multicast_v6(&GROUP_V6, interface.0)?;
    Ok(socket)
}
