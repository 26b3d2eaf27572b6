//! The packet socket of one interface.

use std::io;

use bytes::Bytes;
use fhrp::IfIndex;
use fhrp_wire::vrrp::{GROUP_V4_MAC, GROUP_V6_MAC};
use rustix::io::Errno;
use rustix::net::sockopt::{set_socket_recv_buffer_size_force, set_socket_send_buffer_size_force};
use socket2::{Domain, Protocol, Socket, Type};

use super::counters::PacketCounters;
use super::membership::Memberships;
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
    /// Whether the last read failed: a failure is followed by one more attempt, not by two.
    pub(super) read_failed: bool,
    memberships: Memberships,
}

impl Port {
    /// Opens the socket such that no frame that the filter rejects ever gets in, and joins the groups.
    pub(super) fn open(interface: IfIndex, counters: &mut PacketCounters) -> io::Result<Self> {
        let socket =
            open_socket(interface).map_err(|error| explained("a packet socket", interface, error))?;
        let mut memberships = Memberships::default();
        memberships.join(interface, counters);
        Ok(Self { socket, queue: Vec::new(), read_failed: false, memberships })
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

fn open_socket(interface: IfIndex) -> io::Result<Socket> {
    // Protocol 0 receives nothing until bound, so that the filter is there before the first frame.
    let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), Some(Protocol::from(0)))?;
    socket.attach_filter(&bpf::wanted_frames().map_err(io::Error::other)?)?;
    // A kernel before 4.20 cannot; the frames are then sorted out on receipt.
    let _ = sys::ignore_outgoing(&socket);
    sys::enable_auxiliary_data(&socket)?;
    sys::enable_timestamps(&socket)?;
    enlarge_buffers(&socket)?;
    prioritise(&socket)?;
    for group in [GROUP_V4_MAC, GROUP_V6_MAC] {
        sys::add_membership(&socket, interface.0, group.octets())?;
    }
    socket.bind(&sys::every_protocol_on(interface.0)?)?;
    Ok(socket)
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
