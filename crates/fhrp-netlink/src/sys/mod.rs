//! The system calls that neither socket2 nor rustix offers, wrapped so that the callers need no `unsafe`.
//!
//! This is the only place of the crate where `unsafe` is allowed; each block says why it is sound.

mod receive;
mod send;

pub(crate) use receive::ReceiveBatch;
pub(crate) use send::send_batch;

use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use libc::{c_int, c_ushort, c_void, socklen_t};
use socket2::{SockAddr, SockAddrStorage};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Counters of a packet socket since they were last asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SocketStatistics {
    /// Frames that found the queue full.
    pub(crate) dropped: u32,
}

/// The address for binding a packet socket to all protocols of an interface.
///
/// # Errors
/// `InvalidInput` for a number that cannot be an interface.
pub(crate) fn every_protocol_on(interface: u32) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is a plain C structure that fits into the storage, and all zeroes are a value of it.
    let address = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    address.sll_family = short(libc::AF_PACKET)?;
    address.sll_protocol = short(libc::ETH_P_ALL)?.to_be();
    address.sll_ifindex = index(interface)?;
    let length = length_of::<libc::sockaddr_ll>()?;
    // SAFETY: the storage holds a sockaddr_ll with its family set, and the length is that structure's.
    Ok(unsafe { SockAddr::new(storage, length) })
}

/// Spares this host's own frames the way to the socket's filter (Linux 4.20).
pub(crate) fn ignore_outgoing(socket: &impl AsFd) -> io::Result<()> {
    set_option(socket, (libc::SOL_PACKET, libc::PACKET_IGNORE_OUTGOING), &c_int::from(true))
}

/// Asks for the time, by the wall clock, when the kernel took each frame.
pub(crate) fn enable_timestamps(socket: &impl AsFd) -> io::Result<()> {
    set_option(socket, (libc::SOL_SOCKET, libc::SO_TIMESTAMPNS), &c_int::from(true))
}

/// The interface that a packet socket is bound to; `None` once that is gone.
pub(crate) fn bound_interface(socket: &impl AsFd) -> io::Result<Option<u32>> {
    let mut address = MaybeUninit::<libc::sockaddr_ll>::zeroed();
    let mut length = length_of::<libc::sockaddr_ll>()?;
    // SAFETY: the pointers lead to a structure of `length` octets and to that length, both ours for the call.
    let result = unsafe {
        libc::getsockname(
            socket.as_fd().as_raw_fd(),
            address.as_mut_ptr().cast::<libc::sockaddr>(),
            &raw mut length,
        )
    };
    check(result)?;
    // SAFETY: the structure was zeroed, and any octets the kernel wrote are valid integers.
    let address = unsafe { address.assume_init() };
    Ok(u32::try_from(address.sll_ifindex).ok().filter(|index| *index != 0))
}

/// Has the interface take frames to an Ethernet group for as long as the socket lives.
pub(crate) fn add_membership(socket: &impl AsFd, interface: u32, group: [u8; 6]) -> io::Result<()> {
    set_option(socket, (libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP), &membership(interface, group)?)
}

/// Ends what [`add_membership`] began.
pub(crate) fn drop_membership(socket: &impl AsFd, interface: u32, group: [u8; 6]) -> io::Result<()> {
    set_option(socket, (libc::SOL_PACKET, libc::PACKET_DROP_MEMBERSHIP), &membership(interface, group)?)
}

fn membership(interface: u32, group: [u8; 6]) -> io::Result<libc::packet_mreq> {
    let [a, b, c, d, e, f] = group;
    Ok(libc::packet_mreq {
        mr_ifindex: index(interface)?,
        mr_type: short(libc::PACKET_MR_MULTICAST)?,
        mr_alen: 6,
        mr_address: [a, b, c, d, e, f, 0, 0],
    })
}

/// Reads, and by that resets, the counters of a packet socket.
pub(crate) fn take_statistics(socket: &impl AsFd) -> io::Result<SocketStatistics> {
    let mut statistics = MaybeUninit::<libc::tpacket_stats>::zeroed();
    let mut length = length_of::<libc::tpacket_stats>()?;
    // SAFETY: the pointers lead to a structure of `length` octets and to that length, both ours for the call.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_STATISTICS,
            statistics.as_mut_ptr().cast::<c_void>(),
            &raw mut length,
        )
    };
    check(result)?;
    // SAFETY: the structure was zeroed, and any octets the kernel wrote are valid integers.
    let statistics = unsafe { statistics.assume_init() };
    Ok(SocketStatistics { dropped: statistics.tp_drops })
}

/// Gives the calling thread a fixed real-time priority (1 to 99); threads and programs that it starts do not inherit it.
pub(crate) fn schedule_fifo(priority: u8) -> io::Result<()> {
    let parameter = libc::sched_param { sched_priority: c_int::from(priority) };
    let policy = libc::SCHED_FIFO | libc::SCHED_RESET_ON_FORK;
    // SAFETY: 0 is the calling thread; the parameter lives until the call returns.
    check(unsafe { libc::sched_setscheduler(0, policy, &raw const parameter) })
}

/// Lets all threads allocate from one heap. Does nothing with another C library than glibc, where it is so anyway.
pub(crate) fn share_heap() {
    // SAFETY: takes two numbers; glibc documents it for calls before the first thread is started.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Gives memory that was freed back to the system. Does nothing with another C library than glibc.
pub(crate) fn trim_heap() {
    // SAFETY: takes a number; may be called at any time by any thread.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Registers a descriptor with tokio, to be told when it can be read. Must be called within a runtime with IO enabled.
pub(crate) fn watch_reads(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd always names the same descriptor and keeps it open until it is dropped.
    Ok(unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) }?)
}

/// Sets an option, given as level and name, to a plain C value.
fn set_option<T: Copy>(socket: &impl AsFd, (level, name): (c_int, c_int), value: &T) -> io::Result<()> {
    let length = length_of::<T>()?;
    // SAFETY: the pointer leads to `length` octets that live until the call returns; the kernel only reads them.
    check(unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast::<c_void>(),
            length,
        )
    })
}

fn check(result: c_int) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn length_of<T>() -> io::Result<socklen_t> {
    socklen_t::try_from(size_of::<T>()).map_err(out_of_range)
}

fn index(interface: u32) -> io::Result<c_int> {
    c_int::try_from(interface).map_err(out_of_range)
}

fn short(value: c_int) -> io::Result<c_ushort> {
    c_ushort::try_from(value).map_err(out_of_range)
}

fn out_of_range(error: std::num::TryFromIntError) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}
