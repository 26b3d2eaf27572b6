//! What the engine asks its surroundings to do.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Binding, IfIndex, Notice, Protocols, Revision, SeatId};

/// One thing to do. Carried out in order; only `Program` is answered ([`crate::Engine::handle_programmed`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Begin to receive on this interface, or go on with another reception than before.
    Attach {
        /// Where.
        interface: IfIndex,
        /// What is wanted.
        reception: Reception,
    },
    /// No group is left there: stop receiving.
    Detach(IfIndex),
    /// Put this whole Ethernet frame on the wire.
    Transmit {
        /// Where.
        interface: IfIndex,
        /// From the destination MAC to the last octet of the payload, without padding or FCS.
        frame: Bytes,
    },
    /// Send this to one peer, as an IP packet of protocol 112 with TTL or hop limit 255; the kernel resolves and routes.
    Unicast {
        /// Where.
        interface: IfIndex,
        /// From this own address.
        source: IpAddr,
        /// To this peer.
        peer: IpAddr,
        /// What follows the IP header.
        payload: Bytes,
    },
    /// Make the dataplane look like this; `None` removes what this seat had, and no newer one has taken over.
    Program {
        /// Whose.
        seat: SeatId,
        /// To be handed back with the result.
        revision: Revision,
        /// The wish.
        binding: Option<Binding>,
    },
    /// Tell the operator.
    Notify(Notice),
}

/// Which frames of an interface are wanted. Others may be handed in as well; they are counted and dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reception {
    /// The messages of these, whose multicast groups are to be joined.
    pub protocols: Protocols,
    /// ARP and neighbour discovery about these addresses, which the engine resolves for hosts: their questions, and who
    /// says that it has one.
    pub resolves: Arc<[IpAddr]>,
}
