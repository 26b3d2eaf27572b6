//! Looking at the network from a node: who answers for an address, which way a host's packets go, and raw frames.

use std::{
    io,
    net::{IpAddr, Ipv4Addr},
    os::fd::AsFd,
    sync::Arc,
    time::Duration,
};

use fhrp_wire::{Family, MacAddr};
use nix::sys::socket::LinkAddr;

use crate::{
    clock::Stamp,
    error::{LabError, Result},
    frame::{Kind, arp_request, destination_of, neighbor_solicitation, source_of},
    packet_socket::{PacketSocket, Wanted, Woken, link_address, wait},
    topology::{Lab, Node, lan_interface},
    world::require_program,
};

/// An answer to an ARP request or neighbour solicitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When it came.
    pub at: Stamp,
    /// Source of the Ethernet frame: what switches learn.
    pub ethernet_source: MacAddr,
    /// The hardware address that the answer tells: what hosts learn. `None` if a neighbour advertisement has none.
    pub told: Option<MacAddr>,
}

impl Node {
    /// Asks once, from this node, who has `address` in a LAN, and collects every answer for the time `listen`.
    ///
    /// # Errors
    /// [`LabError::Io`] if no packet socket can be had or the frame cannot be sent.
    pub fn ask(&self, lan: u8, address: IpAddr, listen: Duration) -> Result<Vec<Answer>> {
        let mac = self.lan_mac(lan);
        let question = match (address, self.lan_address(lan, Family::V4)) {
            (IpAddr::V4(target), IpAddr::V4(source)) => arp_request(mac, source, target),
            (IpAddr::V4(target), IpAddr::V6(_)) => arp_request(mac, Ipv4Addr::UNSPECIFIED, target),
            (IpAddr::V6(target), _) => neighbor_solicitation(mac, self.link_local(), target),
        };
        let injector = self.injector(&lan_interface(lan))?;
        injector.send(&question)?;
        let (never, _open) = io::pipe().map_err(LabError::io("making a pipe"))?;
        let end = Stamp::now().after(listen);
        let mut answers = Vec::new();
        while Stamp::now() < end {
            let left = end.since(Stamp::now()) + Duration::from_millis(1);
            if wait(injector.socket.as_fd(), never.as_fd(), Some(left)) == Woken::Readable {
                injector.collect(address, &mut answers)?;
            }
        }
        Ok(answers)
    }

    /// A sender of raw frames on one of this node's interfaces.
    ///
    /// # Errors
    /// [`LabError::NoSuch`] interface, or [`LabError::Io`].
    pub fn injector(&self, interface: &str) -> Result<Injector> {
        self.namespace().run(|| {
            Ok(Injector { socket: PacketSocket::open(Wanted::Control)?, interface: link_address(interface)? })
        })?
    }

    /// The hardware address that this node has for `address`, if it has one.
    ///
    /// # Errors
    /// [`LabError::Command`] if `ip` fails.
    pub fn neighbor(&self, interface: &str, address: IpAddr) -> Result<Option<MacAddr>> {
        let text =
            self.namespace().query("ip", &["neigh", "show", "to", &address.to_string(), "dev", interface])?;
        let mut words = text.split_whitespace().skip_while(|word| *word != "lladdr");
        Ok(words.nth(1).and_then(|mac| mac.parse().ok()))
    }

    /// Octets that this node has sent on an interface since it has it.
    ///
    /// # Errors
    /// [`LabError::Io`] if the system's list cannot be read; [`LabError::NoSuch`] interface.
    pub fn octets_sent(&self, interface: &str) -> Result<u64> {
        // The file shows the interfaces of the reading thread's namespace.
        let path = "/proc/thread-self/net/dev";
        let list = self.namespace().run(|| std::fs::read_to_string(path))?.map_err(LabError::io(path))?;
        octets_sent_in(&list, interface).ok_or_else(|| LabError::NoSuch(format!("interface {interface}")))
    }

    /// Forgets all neighbours, of both families.
    ///
    /// # Errors
    /// [`LabError::Command`] if `ip` fails.
    pub fn flush_neighbors(&self) -> Result<()> {
        self.namespace().ip(["neigh flush all"])
    }

    /// Whether `address` answers a ping within a second. A link-local address is tried on `lan0`.
    ///
    /// # Errors
    /// [`LabError::MissingProgram`] without `ping`; [`LabError::Io`] if it cannot be started.
    pub fn pings(&self, address: IpAddr) -> Result<bool> {
        require_program("ping", "iputils-ping")?;
        let zone = match address {
            IpAddr::V6(address) if address.is_unicast_link_local() => "%lan0",
            IpAddr::V4(_) | IpAddr::V6(_) => "",
        };
        let mut command = std::process::Command::new("ping");
        let output = self.namespace().output(command.args(["-c1", "-W1", &format!("{address}{zone}")]))?;
        Ok(output.status.success())
    }
}

/// Sends raw Ethernet frames, any octets.
#[derive(Debug)]
pub struct Injector {
    socket: PacketSocket,
    interface: LinkAddr,
}

impl Injector {
    /// Sends a frame, from destination address to last octet, as it is.
    ///
    /// # Errors
    /// [`LabError::Io`], for instance when the queue is full or the frame too long.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        self.socket.send(frame, &self.interface).map_err(LabError::io("sending a frame"))
    }

    fn collect(&self, address: IpAddr, answers: &mut Vec<Answer>) -> Result<()> {
        let mut buffer = [0; 256];
        let reading = "reading answers";
        while let Some(received) = self.socket.receive(&mut buffer).map_err(LabError::io(reading))? {
            let frame = buffer.get(..received.length).unwrap_or_default();
            if received.interface == self.interface.ifindex()
                && let Some(told) = answer_in(frame, address)
            {
                answers.push(Answer { at: received.at, ethernet_source: source_of(frame), told });
            }
        }
        Ok(())
    }
}

/// The ninth number behind an interface's name: eight are of what it received.
fn octets_sent_in(list: &str, interface: &str) -> Option<u64> {
    let numbers =
        list.lines().find_map(|line| line.trim_start().strip_prefix(interface)?.strip_prefix(':'))?;
    numbers.split_whitespace().nth(8)?.parse().ok()
}

/// The hardware address that a frame tells for `address` when asked; `None` if it is no answer.
fn answer_in(frame: &[u8], address: IpAddr) -> Option<Option<MacAddr>> {
    let kind = Kind::of(frame);
    if let Kind::Arp { operation: 2, sender_mac, sender, .. } = kind {
        // A reply to all is a gratuitous one.
        let answers = IpAddr::V4(sender) == address && !destination_of(frame).is_multicast();
        return answers.then_some(Some(sender_mac));
    }
    if let Kind::NeighborAdvertisement { target, flags, target_mac } = kind {
        return (IpAddr::V6(target) == address && flags & 0x40 != 0).then_some(target_mac);
    }
    None
}

impl Lab {
    /// The switch port behind which a LAN's switch has learned `mac`.
    ///
    /// # Errors
    /// [`LabError::Command`] if `bridge` fails.
    pub fn port_of(&self, lan: u8, mac: MacAddr) -> Result<Option<String>> {
        let table = self.switch().query("bridge", &["fdb", "show", "br", &lan_interface(lan)])?;
        let wanted = mac.to_string();
        let entry = table.lines().find(|line| line.starts_with(&wanted) && !line.contains("permanent"));
        let port = entry.and_then(|line| line.split_whitespace().skip_while(|word| *word != "dev").nth(1));
        Ok(port.map(str::to_owned))
    }

    /// The router to which a LAN's switch sends what `host` sends to `gateway`; `None` if either does not know.
    ///
    /// # Errors
    /// [`LabError::Command`] if `ip` or `bridge` fails.
    pub fn carrier_of(&self, host: &Node, lan: u8, gateway: IpAddr) -> Result<Option<Arc<str>>> {
        let Some(mac) = host.neighbor(&lan_interface(lan), gateway)? else { return Ok(None) };
        let port = self.port_of(lan, mac)?;
        Ok(port.and_then(|port| port.rsplit_once('-').map(|(node, _)| node.into())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sent_octets_are_in_the_ninth_column() {
        let list = "Inter-|   Receive  |  Transmit\n face |bytes packets\n  up01: 9 9 9 9 9 9 9 9 9 9\n   \
                    up0: 11 2 3 4 5 6 7 8 4242 10 0 0 0 0 0 0\n";
        assert_eq!(octets_sent_in(list, "up0"), Some(4242));
        assert_eq!(octets_sent_in(list, "up1"), None);
    }
}
