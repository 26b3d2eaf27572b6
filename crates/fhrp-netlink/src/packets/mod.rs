//! Frames in and out, through one packet socket for each interface where groups run.
//!
//! ```text
//!  interface 2 ── filter ── socket ──┐
//!  interface 3 ── filter ── socket ──┼── the epoll set of the loop ── readable() ── receive(): 32 frames a system call
//!  interface 4 ── filter ── socket ──┘
//! ```
//!
//! Waiting costs the same for one interface and for a thousand. Sending goes out by the same sockets, 64 frames a system call.
//!
//! What is deliberately not here: what is in a frame (the filter looks at direction, VLAN, protocol numbers, ports and
//! resolved addresses, nothing more), and netlink.

mod counters;
mod membership;
mod port;
mod stamp;
mod unicast;

pub use counters::PacketCounters;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use fhrp::driver::{PacketIo, Received};
use fhrp::{IfIndex, Reception};

use crate::EventLoop;
use crate::event_loop::{Inbox, InboxId, Set};
use crate::sys::ReceiveBatch;
use port::Port;
use stamp::ClockPair;
use unicast::Unicast;

/// System calls that one [`PacketIo::receive`] makes at most; timers get their turn after them.
const ROUNDS: usize = 8;

/// The Linux implementation of [`PacketIo`]. Sockets belong to the network namespace of the thread that attaches.
pub struct PacketSockets {
    set: Rc<Set>,
    /// What the set tells of our sockets.
    inbox: Inbox,
    inbox_id: InboxId,
    ports: BTreeMap<IfIndex, Port>,
    /// Ports that may have frames, in the order of their turn.
    ready: VecDeque<IfIndex>,
    /// Ports with a queue to be sent.
    unsent: Vec<IfIndex>,
    unicast: Unicast,
    batch: ReceiveBatch,
    counters: PacketCounters,
}

impl PacketSockets {
    /// Starts without any interface. Frames wake this loop.
    #[must_use]
    pub fn new(events: &EventLoop) -> Self {
        let (inbox_id, inbox) = events.set().add_inbox();
        Self {
            set: Rc::clone(events.set()),
            inbox,
            inbox_id,
            ports: BTreeMap::new(),
            ready: VecDeque::new(),
            unsent: Vec::new(),
            unicast: Unicast::default(),
            batch: ReceiveBatch::new(),
            counters: PacketCounters::default(),
        }
    }

    /// Tries again to join the multicast groups that could not be joined so far, for instance because IPv6 was
    /// disabled. Does nothing where all are joined, or where nothing is attached.
    pub fn rejoin(&mut self, interface: IfIndex) {
        if let Some(port) = self.ports.get_mut(&interface) {
            port.rejoin(interface, &mut self.counters);
        }
    }

    /// The counters as they are now. Asks the kernel once for each interface.
    pub fn counters(&mut self) -> PacketCounters {
        for port in self.ports.values() {
            port.collect_drops(&mut self.counters);
        }
        self.counters
    }

    /// Notes which sockets have something to read; whether any has.
    fn look(&mut self) -> bool {
        for interface in self.inbox.borrow_mut().drain(..) {
            if let Some(port) = self.ports.get_mut(&interface)
                && !mem::replace(&mut port.ready, true)
            {
                self.ready.push_back(interface);
            }
        }
        !self.ready.is_empty()
    }

    /// One system call for the port whose turn it is. The port gets another turn unless its queue was seen empty.
    fn receive_round(&mut self, interface: IfIndex, sink: &mut dyn FnMut(Received<'_>)) {
        let Some(port) = self.ports.get_mut(&interface) else { return };
        let outcome = self.batch.fill(&port.socket);
        let failed_before = mem::replace(&mut port.read_failed, false);
        port.ready = match &outcome {
            Ok(filled) => *filled == ReceiveBatch::capacity(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => false,
            Err(_) => {
                // ENETDOWN comes once, before the frames that are still queued.
                self.counters.receive_errors += 1;
                port.read_failed = !failed_before;
                port.read_failed
            }
        };
        if port.ready {
            self.ready.push_back(interface);
        }
        if outcome.is_ok() {
            self.hand_over(interface, sink);
        }
    }

    /// Passes on the frames of the batch that are the protocols'.
    fn hand_over(&mut self, interface: IfIndex, sink: &mut dyn FnMut(Received<'_>)) {
        let clocks = ClockPair::sample();
        for arrival in self.batch.arrivals() {
            if arrival.truncated {
                self.counters.truncated += 1;
                continue;
            }
            self.counters.received += 1;
            sink(Received { at: clocks.moment_of(arrival.taken_at), interface, frame: arrival.frame });
        }
    }
}

impl fmt::Debug for PacketSockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacketSockets").field("ports", &self.ports).finish_non_exhaustive()
    }
}

impl PacketIo for PacketSockets {
    /// A socket that is there is kept, and only its filter and its memberships are changed: nothing is lost. One of an
    /// interface that is gone is replaced, since an interface made anew may have its old number.
    ///
    /// # Errors
    /// `PermissionDenied` with the name of the capability that is missing; others as the system says.
    fn attach(&mut self, interface: IfIndex, reception: &Reception) -> io::Result<()> {
        if let Some(port) = self.ports.get_mut(&interface)
            && port.is_of(interface)
        {
            return port.change(interface, reception, &mut self.counters);
        }
        self.detach(interface);
        let port = Port::open(interface, reception, &mut self.counters)?;
        self.set.watch_into(self.inbox_id, interface, &port.socket)?;
        self.ports.insert(interface, port);
        Ok(())
    }

    fn refresh(&mut self, interface: IfIndex) {
        self.rejoin(interface);
    }

    /// Sends what is queued there, then closes the sockets.
    fn detach(&mut self, interface: IfIndex) {
        self.flush();
        self.unicast.close(interface);
        if let Some(port) = self.ports.remove(&interface) {
            self.set.forget(&port.socket);
            port.collect_drops(&mut self.counters);
        }
        self.ready.retain(|ready| *ready != interface);
    }

    async fn readable(&mut self) {
        poll_fn(|_| if self.look() { Poll::Ready(()) } else { Poll::Pending }).await
    }

    /// At most 8 system calls of 32 frames, the ready interfaces taking turns. Timestamps of the kernel are moved to
    /// the scale of [`fhrp::driver::Clock`], both clocks being read after each system call; no frame is said to be
    /// younger than that reading or more than a second older.
    fn receive(&mut self, sink: &mut dyn FnMut(Received<'_>)) -> bool {
        self.look();
        for _ in 0..ROUNDS {
            let Some(interface) = self.ready.pop_front() else { break };
            self.receive_round(interface, sink);
        }
        !self.ready.is_empty()
    }

    fn transmit(&mut self, interface: IfIndex, frame: Bytes) {
        let Some(port) = self.ports.get_mut(&interface) else {
            self.counters.send_errors += 1;
            return;
        };
        if port.queue.is_empty() {
            self.unsent.push(interface);
        }
        port.queue.push(frame);
    }

    fn unicast(&mut self, interface: IfIndex, source: IpAddr, peer: IpAddr, payload: Bytes) {
        self.unicast.queue(interface, source, peer, payload);
    }

    /// Sends in order of each interface; never waits. Each system call disposes of at least one frame.
    fn flush(&mut self) {
        for interface in self.unsent.drain(..) {
            if let Some(port) = self.ports.get_mut(&interface) {
                port.flush(&mut self.counters);
            }
        }
        self.unicast.flush(&mut self.counters);
    }
}
