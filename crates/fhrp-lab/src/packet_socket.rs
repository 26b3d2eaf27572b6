//! AF_PACKET sockets: frames of all interfaces of a namespace with the kernel's time stamps, and frames sent as they are.

use std::{
    io::{self, IoSliceMut},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    time::Duration,
};

use nix::{
    errno::Errno,
    ifaddrs::getifaddrs,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, sendto, setsockopt, sockopt},
        time::TimeSpec,
    },
};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use crate::{
    clock::Stamp,
    error::{LabError, Result},
    frame::PROBE_PORT,
};

/// ETH_P_ALL in network order, as the third argument of socket(2) wants it.
const ALL_PROTOCOLS: i32 = 0x0300;

/// Room for a burst: a second of a 50,000 frames/s flood.
const RECEIVE_BUFFER: usize = 64 << 20;

/// Which frames a socket lets through, of those that arrive (what the namespace itself sends is left out).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// ARP, neighbour and router discovery, and the protocols of gateways.
    Control,
    /// These and the probes.
    ControlAndProbes,
}

/// A received frame's circumstances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    pub(crate) length: usize,
    pub(crate) at: Stamp,
    /// Index of the interface that it arrived on.
    pub(crate) interface: usize,
    /// Frames that the socket has lost for want of room, in all.
    pub(crate) dropped: Option<u32>,
}

/// A packet socket of the namespace that the opening thread was in.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    socket: Socket,
}

impl PacketSocket {
    pub(crate) fn open(wanted: Wanted) -> Result<Self> {
        Self::prepare(wanted).map_err(LabError::io("opening a packet socket"))
    }

    fn prepare(wanted: Wanted) -> io::Result<Self> {
        let socket =
            Socket::new(Domain::PACKET, Type::RAW.nonblocking(), Some(Protocol::from(ALL_PROTOCOLS)))?;
        socket.attach_filter(&assemble(&program(wanted)))?;
        // Not permitted in a user namespace; the ordinary limit is what there is then.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        }
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        setsockopt(&socket, sockopt::RxqOvfl, &1)?;
        let this = Self { socket };
        // What came between the opening and the filter.
        while this.receive(&mut [0; 64])?.is_some() {}
        Ok(this)
    }

    /// The next frame, cut to the buffer; `None` if none is waiting.
    pub(crate) fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<Received>> {
        let mut control = nix::cmsg_space!(TimeSpec, u32);
        let mut parts = [IoSliceMut::new(buffer)];
        let received =
            recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut parts, Some(&mut control), MsgFlags::empty());
        let message = match received {
            Ok(message) => message,
            Err(Errno::EAGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let interface = message.address.map_or(0, |address| address.ifindex());
        let mut result = Received { length: message.bytes, at: Stamp::default(), interface, dropped: None };
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmTimestampns(time) = control {
                result.at = stamp(time);
            } else if let ControlMessageOwned::RxqOvfl(dropped) = control {
                result.dropped = Some(dropped);
            }
        }
        if result.at == Stamp::default() {
            result.at = Stamp::now();
        }
        Ok(Some(result))
    }

    /// Sends a whole frame out of an interface.
    pub(crate) fn send(&self, frame: &[u8], interface: &LinkAddr) -> io::Result<()> {
        match sendto(self.socket.as_raw_fd(), frame, interface, MsgFlags::empty()) {
            Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The link-layer address of an interface of the calling thread's namespace.
pub(crate) fn link_address(interface: &str) -> Result<LinkAddr> {
    let all = getifaddrs().map_err(LabError::errno("listing interfaces"))?;
    all.filter(|entry| entry.interface_name == interface)
        .find_map(|entry| entry.address?.as_link_addr().copied())
        .ok_or_else(|| LabError::NoSuch(format!("interface {interface}")))
}

/// The kernel's time stamp of a packet.
pub(crate) fn stamp(time: TimeSpec) -> Stamp {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec()).unwrap_or(0);
    Stamp::from_nanos(seconds * 1_000_000_000 + nanos)
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Woken {
    Readable,
    TimedOut,
    /// The other end of the stop pipe was dropped.
    Stopped,
}

/// Waits until a socket is readable, the stop pipe closes or the time is up.
pub(crate) fn wait(socket: BorrowedFd<'_>, stop: BorrowedFd<'_>, timeout: Option<Duration>) -> Woken {
    let timeout = timeout.map_or(PollTimeout::NONE, |timeout| {
        PollTimeout::try_from(timeout.as_millis()).unwrap_or(PollTimeout::MAX)
    });
    let mut watched = [PollFd::new(socket, PollFlags::POLLIN), PollFd::new(stop, PollFlags::POLLIN)];
    let ready = poll(&mut watched, timeout);
    let [socket, stop] = &watched;
    match ready {
        Ok(0) => Woken::TimedOut,
        Ok(_) if stop.any() == Some(true) => Woken::Stopped,
        Ok(_) if socket.any() == Some(true) => Woken::Readable,
        Ok(_) | Err(_) => Woken::TimedOut,
    }
}

/// One line of a filter program, with names for places to jump to.
enum Line {
    Label(&'static str),
    Load(u16, u32),
    /// Opcode, operand, and where to go if it holds and if not; `""` is the next line.
    Jump(u16, u32, &'static str, &'static str),
    Return(u32),
}

const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_INDEXED: u16 = 0x48;
const LOAD_INDEX_HEADER: u16 = 0xb1;
const EQUAL: u16 = 0x15;
const GREATER: u16 = 0x25;
const GREATER_OR_EQUAL: u16 = 0x35;
const RETURN: u16 = 0x06;
/// Loads from here give the packet's type: 4 is outgoing.
const PACKET_TYPE: u32 = 0xffff_f004;

/// ARP; IP protocol 112; ICMPv6 133 to 136; UDP 1985, 2029 and 3222; probes if wanted.
fn program(wanted: Wanted) -> Vec<Line> {
    use Line::{Jump, Label, Load, Return};
    let probes = match wanted {
        Wanted::Control => "no",
        Wanted::ControlAndProbes => "probe",
    };
    let (first, last) = (u32::from(PROBE_PORT) + 1, u32::from(PROBE_PORT) + 255);
    vec![
        Load(LOAD_BYTE, PACKET_TYPE),
        Jump(EQUAL, 4, "no", ""),
        Load(LOAD_HALF, 12),
        Jump(EQUAL, 0x0806, "yes", ""),
        Jump(EQUAL, 0x0800, "v4", ""),
        Jump(EQUAL, 0x86dd, "v6", "no"),
        Label("v4"),
        Load(LOAD_BYTE, 23),
        Jump(EQUAL, 112, "yes", ""),
        Jump(EQUAL, 17, "", "no"),
        Load(LOAD_INDEX_HEADER, 14),
        Load(LOAD_HALF_INDEXED, 16),
        Jump(EQUAL, 1985, "yes", "port"),
        Label("v6"),
        Load(LOAD_BYTE, 20),
        Jump(EQUAL, 112, "yes", ""),
        Jump(EQUAL, 58, "icmp", ""),
        Jump(EQUAL, 17, "", "no"),
        Load(LOAD_HALF, 56),
        Label("port"),
        Jump(EQUAL, 2029, "yes", ""),
        Jump(EQUAL, 3222, "yes", probes),
        Label("probe"),
        Jump(GREATER_OR_EQUAL, first, "", "no"),
        Jump(GREATER, last, "no", "yes"),
        Label("icmp"),
        Load(LOAD_BYTE, 54),
        Jump(GREATER_OR_EQUAL, 133, "", "no"),
        Jump(GREATER, 136, "no", "yes"),
        Label("no"),
        Return(0),
        Label("yes"),
        Return(0xffff),
    ]
}

fn assemble(lines: &[Line]) -> Vec<SockFilter> {
    let mut labels = Vec::new();
    let mut position = 0_u8;
    for line in lines {
        if let Line::Label(name) = line {
            labels.push((*name, position));
        } else {
            position += 1;
        }
    }
    let place = |name: &str| labels.iter().find(|(label, _)| *label == name).map(|(_, place)| *place);
    let mut next = 0_u8;
    let mut filter = Vec::new();
    for line in lines {
        let distance = |name| place(name).map_or(0, |place| place.saturating_sub(next + 1));
        filter.push(match line {
            Line::Label(_) => continue,
            Line::Load(code, operand) => SockFilter::new(*code, 0, 0, *operand),
            Line::Jump(code, operand, yes, no) => {
                SockFilter::new(*code, distance(yes), distance(no), *operand)
            }
            Line::Return(length) => SockFilter::new(RETURN, 0, 0, *length),
        });
        next += 1;
    }
    filter
}
