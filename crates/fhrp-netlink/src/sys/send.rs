use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use bytes::Bytes;
use libc::{c_uint, c_void};

/// Frames that one call takes.
const BATCH: usize = 64;

/// Writes frames, at most 64, to a bound packet socket without waiting. Returns how many of them, from the first on,
/// the kernel took.
///
/// # Errors
/// What the system says of the first frame. If it is a later one that fails, the next call tells.
pub(crate) fn send_batch(socket: &impl AsFd, frames: &[Bytes]) -> io::Result<usize> {
    if let [only] = frames {
        // Spares the common case the preparation of the headers.
        return Ok(rustix::net::send(socket, only, rustix::net::SendFlags::DONTWAIT).map(|_| 1)?);
    }
    let mut vectors = [const { libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 } }; BATCH];
    // SAFETY: a message header is integers and pointers, for which all zeroes are valid.
    let mut headers: [libc::mmsghdr; BATCH] = unsafe { MaybeUninit::zeroed().assume_init() };
    let mut count: c_uint = 0;
    for ((header, vector), frame) in headers.iter_mut().zip(&mut vectors).zip(frames) {
        vector.iov_base = frame.as_ptr().cast_mut().cast::<c_void>();
        vector.iov_len = frame.len();
        header.msg_hdr.msg_iov = vector;
        header.msg_hdr.msg_iovlen = 1;
        count += 1;
    }
    // SAFETY: the first `count` headers each point to a vector, and that to a frame, that outlive the call. The kernel
    // only reads the frames: the pointers lose their `const` because iovec serves both directions.
    let sent = unsafe {
        libc::sendmmsg(socket.as_fd().as_raw_fd(), headers.as_mut_ptr(), count, libc::MSG_DONTWAIT)
    };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}
