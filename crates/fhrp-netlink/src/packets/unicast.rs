//! Packets to single peers: the kernel writes the IP header, routes and resolves.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};
use std::num::NonZeroU32;

use bytes::Bytes;
use fhrp::IfIndex;
use fhrp_wire::vrrp::{PROTOCOL, TTL};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use super::counters::PacketCounters;
use super::port::{explained, prioritise};
use crate::bpf;

/// Class selector 6, internetwork control (RFC 2474 §4.2.2.2).
const TRAFFIC_CLASS: u32 = 0xc0;

/// Raw IP sockets of protocol 112, one for each own address that packets leave from, and the packets that wait.
#[derive(Debug, Default)]
pub(super) struct Unicast {
    sockets: BTreeMap<Origin, Socket>,
    queue: Vec<Packet>,
    complained: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Origin {
    interface: IfIndex,
    source: IpAddr,
}

#[derive(Debug)]
struct Packet {
    origin: Origin,
    peer: IpAddr,
    payload: Bytes,
}

impl Unicast {
    pub(super) fn queue(&mut self, interface: IfIndex, source: IpAddr, peer: IpAddr, payload: Bytes) {
        self.queue.push(Packet { origin: Origin { interface, source }, peer, payload });
    }

    /// Sends the queue; what fails is counted and dropped. A socket whose address went works again when it is back.
    pub(super) fn flush(&mut self, counters: &mut PacketCounters) {
        for packet in self.queue.drain(..) {
            match send(&mut self.sockets, &packet) {
                Ok(()) => counters.sent += 1,
                Err(error) => {
                    counters.send_errors += 1;
                    if !self.complained {
                        self.complained = true;
                        tracing::warn!(peer = %packet.peer, %error, "cannot send to a unicast peer");
                    }
                }
            }
        }
    }

    /// Closes the sockets of an interface.
    pub(super) fn close(&mut self, interface: IfIndex) {
        self.sockets.retain(|origin, _| origin.interface != interface);
    }
}

fn send(sockets: &mut BTreeMap<Origin, Socket>, packet: &Packet) -> io::Result<()> {
    let interface = packet.origin.interface;
    let socket = match sockets.entry(packet.origin) {
        Entry::Occupied(found) => found.into_mut(),
        Entry::Vacant(place) => {
            let opened = open(packet.origin);
            place.insert(opened.map_err(|error| explained("a raw IP socket", interface, error))?)
        }
    };
    socket.send_to(&packet.payload, &endpoint(packet.peer, interface)).map(|_| ())
}

fn open(origin: Origin) -> io::Result<Socket> {
    let interface = NonZeroU32::new(origin.interface.0);
    let protocol = Some(Protocol::from(i32::from(PROTOCOL)));
    let socket = match origin.source {
        IpAddr::V4(_) => {
            let socket = Socket::new(Domain::IPV4, Type::RAW.nonblocking(), protocol)?;
            socket.set_ttl_v4(TTL.into())?;
            socket.set_tos_v4(TRAFFIC_CLASS)?;
            socket.bind_device_by_index_v4(interface)?;
            socket
        }
        IpAddr::V6(_) => {
            let socket = Socket::new(Domain::IPV6, Type::RAW.nonblocking(), protocol)?;
            socket.set_unicast_hops_v6(TTL.into())?;
            socket.set_tclass_v6(TRAFFIC_CLASS)?;
            socket.bind_device_by_index_v6(interface)?;
            socket
        }
    };
    // Packets are received elsewhere.
    socket.attach_filter(&bpf::nothing())?;
    prioritise(&socket)?;
    socket.bind(&endpoint(origin.source, origin.interface))?;
    Ok(socket)
}

fn endpoint(address: IpAddr, interface: IfIndex) -> SockAddr {
    match address {
        IpAddr::V4(_) => SocketAddr::new(address, 0).into(),
        IpAddr::V6(address) if address.is_unicast_link_local() => {
            SocketAddrV6::new(address, 0, 0, interface.0).into()
        }
        IpAddr::V6(address) => SocketAddrV6::new(address, 0, 0, 0).into(),
    }
}
