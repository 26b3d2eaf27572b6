//! The packet socket of one interface.

use std::io;

use bytes::Bytes;
use fhrp::{IfIndex, Reception};
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_recv_buffer_size_force, set_socket_send_buffer_size_force};
use socket2::{Domain, Protocol, Socket, Type};

use super::counters::PacketCounters;
use super::membership::{Memberships, groups_of};
use crate::bpf;
use crate::sys;

/// Holds thousands of adverts of 4,000 groups while the process is not scheduled. Memory is used only when needed.
const RECEIVE_BUFFER_OCTETS: usize = 4 << 20;
/// Holds an advert of each of 4,000 groups on its way to the device; the kernel counts some 800 octets for each.
const SEND_BUFFER_OCTETS: usize = 4 << 20;
/// `TC_PRIO_CONTROL`: leaves the default queueing discipline first.
const PRIORITY_CONTROL: u32 = 7;
/// The highest that needs no capability.
const PRIORITY_UNPRIVILEGED: u32 = 6;

/// One interface: its socket, its memberships and the frames that wait to be sent.
#[derive(Debug)]
pub(super) struct Port {
    pub(super) socket: Socket,
    pub(super) queue: Vec<Bytes>,
    /// Whether it waits for its turn to be read.
    pub(super) ready: bool,
    /// Whether the last read failed: a failure is followed by one more attempt, not by two.
    pub(super) read_failed: bool,
    memberships: Memberships,
}

impl Port {
    /// Opens the socket such that no frame that the filter rejects ever gets in, and joins the groups.
    pub(super) fn open(
        interface: IfIndex,
        reception: &Reception,
        counters: &mut PacketCounters,
    ) -> io::Result<Self> {
        let explain = |error| explained("a packet socket", interface, error);
        let socket = open_socket().map_err(explain)?;
        let mut memberships = Memberships::default();
        receive_only(&socket, reception).map_err(explain)?;
        memberships.hear(&socket, interface, &groups_of(reception)).map_err(explain)?;
        sys::every_protocol_on(interface.0).and_then(|all| socket.bind(&all)).map_err(explain)?;
        memberships.join(interface, counters);
        Ok(Self { socket, queue: Vec::new(), ready: false, read_failed: false, memberships })
    }

    /// Goes on with another reception. What has arrived before stays; no frame that both receptions want is lost.
    pub(super) fn change(
        &mut self,
        interface: IfIndex,
        reception: &Reception,
        counters: &mut PacketCounters,
    ) -> io::Result<()> {
        let explain = |error| explained("the packet socket's filter", interface, error);
        receive_only(&self.socket, reception).map_err(explain)?;
        self.memberships.hear(&self.socket, interface, &groups_of(reception)).map_err(explain)?;
        self.memberships.join(interface, counters);
        Ok(())
    }

    /// Whether the socket is still that of the interface: one that is made anew may have its old number, and a
    /// socket of the old one hears nothing.
    pub(super) fn is_of(&self, interface: IfIndex) -> bool {
        sys::bound_interface(&self.socket).is_ok_and(|bound| bound == Some(interface.0))
    }

    /// Tries again the joins that have failed so far.
    pub(super) fn rejoin(&mut self, interface: IfIndex, counters: &mut PacketCounters) {
        self.memberships.join(interface, counters);
    }

    /// Adds what the kernel has dropped since the last time.
    pub(super) fn collect_drops(&self, counters: &mut PacketCounters) {
        if let Ok(statistics) = sys::take_statistics(&self.socket) {
            counters.dropped += u64::from(statistics.dropped);
        }
    }

    /// Sends the queue. A frame that fails is dropped, and all that follow if the interface is down or gone; each
    /// system call takes at least one frame off the queue, save one.
    pub(super) fn flush(&mut self, counters: &mut PacketCounters) {
        let mut rest = self.queue.as_slice();
        let mut told_down = false;
        while !rest.is_empty() {
            let taken = match sys::send_batch(&self.socket, rest) {
                Ok(sent) => {
                    let sent = sent.max(1);
                    counters.sent += count(sent);
                    sent
                }
                // May be news of the past: the socket keeps it from when the interface went down until it is told.
                Err(error) if is_down(&error) && !told_down => {
                    told_down = true;
                    0
                }
                Err(error) => {
                    let lost = if is_down(&error) { rest.len() } else { 1 };
                    counters.send_errors += count(lost);
                    lost
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        self.queue.clear();
    }
}

/// A socket with everything but its filter and its interface.
fn open_socket() -> io::Result<Socket> {
    // Protocol 0 receives nothing until bound, so that the filter is there before the first frame.
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), Some(Protocol::from(0)))?;
    // A kernel before 4.20 cannot; the filter is what counts.
    let _ = sys::ignore_outgoing(&socket);
    sys::enable_timestamps(&socket)?;
    enlarge_buffers(&socket)?;
    prioritise(&socket)?;
    Ok(socket)
}

/// Gives a socket its filter, in place of the one it has. The kernel limits the memory for it (`optmem_max`); where it
/// refuses one that names every address, one that lets in all questions must do.
fn receive_only(socket: &Socket, reception: &Reception) -> io::Result<()> {
    let exact = bpf::wanted_frames(reception).map(|program| socket.attach_filter(&program));
    match exact {
        Some(Ok(())) => Ok(()),
        Some(Err(_)) | None => socket.attach_filter(&bpf::every_question(reception.protocols)),
    }
}

/// The forced sizes pass the system's limits, which needs `CAP_NET_ADMIN`; without it the limits apply.
fn enlarge_buffers(socket: &Socket) -> io::Result<()> {
    if set_socket_recv_buffer_size_force(socket, RECEIVE_BUFFER_OCTETS).is_err() {
        socket.set_recv_buffer_size(RECEIVE_BUFFER_OCTETS)?;
    }
    if set_socket_send_buffer_size_force(socket, SEND_BUFFER_OCTETS).is_err() {
        socket.set_send_buffer_size(SEND_BUFFER_OCTETS)?;
    }
    Ok(())
}

/// Has the queueing disciplines of the interface prefer what this socket sends.
pub(super) fn prioritise(socket: &Socket) -> io::Result<()> {
    socket.set_priority(PRIORITY_CONTROL).or_else(|_| socket.set_priority(PRIORITY_UNPRIVILEGED))
}

/// The error with what was tried, where, and the capability that is missing.
pub(super) fn explained(what: &str, interface: IfIndex, error: io::Error) -> io::Error {
    let number = interface.0;
    let text = if error.kind() == io::ErrorKind::PermissionDenied {
        format!("cannot open {what} on interface {number}: CAP_NET_RAW is missing ({error})")
    } else {
        format!("cannot open {what} on interface {number}: {error}")
    };
    io::Error::new(error.kind(), text)
}

fn is_down(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::NETDOWN | Errno::NXIO | Errno::NODEV))
}

fn count(frames: usize) -> u64 {
    u64::try_from(frames).unwrap_or(u64::MAX)
}
