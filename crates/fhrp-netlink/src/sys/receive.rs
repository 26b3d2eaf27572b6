use std::fmt;
use std::io;
use std::mem::{MaybeUninit, size_of};
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;
use std::time::Duration;

use libc::{c_uint, c_void};

/// Frames that one call reads.
const BATCH: usize = 32;
/// Room for one frame. An Ethernet frame of ordinary size fits; a longer one is reported as truncated.
const FRAME_OCTETS: usize = 2048;
/// Room for the control message of one frame, a timestamp, with its header.
const CONTROL_OCTETS: usize = 64;

/// Buffers for reading up to 32 frames with one system call. Made once, used for all sockets.
pub(crate) struct ReceiveBatch {
    frames: Box<[[u8; FRAME_OCTETS]; BATCH]>,
    controls: Box<[Control; BATCH]>,
    notes: [Note; BATCH],
    filled: usize,
}

/// A frame and what the kernel tells about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    /// From the destination MAC on; cut at 2048 octets.
    pub(crate) frame: &'a [u8],
    /// Whether something was cut off.
    pub(crate) truncated: bool,
    /// When the kernel took it, by the wall clock: time since 1970.
    pub(crate) taken_at: Option<Duration>,
}

/// Control messages must begin where a `cmsghdr` may.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; CONTROL_OCTETS]);

/// What was found out about one frame of the last call.
#[derive(Clone, Copy, Debug, Default)]
struct Note {
    octets: usize,
    truncated: bool,
    taken_at: Option<Duration>,
}

impl ReceiveBatch {
    /// Allocates the buffers; nothing is allocated later.
    pub(crate) fn new() -> Self {
        Self {
            frames: Box::new([[0; FRAME_OCTETS]; BATCH]),
            controls: Box::new([Control([0; CONTROL_OCTETS]); BATCH]),
            notes: [Note::default(); BATCH],
            filled: 0,
        }
    }

    /// How many frames one call can give; fewer mean that the socket's queue was empty.
    pub(crate) const fn capacity() -> usize {
        BATCH
    }

    /// Reads what is there, without waiting, and replaces what the last call gave. Returns the number of frames.
    ///
    /// # Errors
    /// `WouldBlock` when there is none; else what the system says. Nothing is left in the batch then.
    pub(crate) fn fill(&mut self, socket: &impl AsFd) -> io::Result<usize> {
        self.filled = 0;
        let mut vectors = [const { libc::iovec { iov_base: ptr::null_mut(), iov_len: 0 } }; BATCH];
        // SAFETY: a message header is integers and pointers, for which all zeroes are valid.
        let mut headers: [libc::mmsghdr; BATCH] = unsafe { MaybeUninit::zeroed().assume_init() };
        let buffers = self.frames.iter_mut().zip(self.controls.iter_mut());
        for ((header, (frame, control)), vector) in headers.iter_mut().zip(buffers).zip(&mut vectors) {
            vector.iov_base = frame.as_mut_ptr().cast::<c_void>();
            vector.iov_len = FRAME_OCTETS;
            let header = &mut header.msg_hdr;
            header.msg_iov = vector;
            header.msg_iovlen = 1;
            header.msg_control = control.0.as_mut_ptr().cast::<c_void>();
            header.msg_controllen = CONTROL_OCTETS as _;
        }
        let batch = c_uint::try_from(BATCH).map_err(super::out_of_range)?;
        // SAFETY: each of the BATCH headers points to its own vector, frame and control buffer, with their true
        // lengths; all outlive the call and nothing else refers to them during it.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_fd().as_raw_fd(),
                headers.as_mut_ptr(),
                batch,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for (header, note) in headers.iter().zip(&mut self.notes).take(count) {
            *note = Note::of(header);
        }
        self.filled = count;
        Ok(count)
    }

    /// The frames of the last call, in the order of their arrival.
    pub(crate) fn arrivals(&self) -> impl Iterator<Item = Arrival<'_>> {
        self.frames.iter().zip(&self.notes).take(self.filled).map(|(frame, note)| Arrival {
            frame: frame.get(..note.octets).unwrap_or(frame),
            truncated: note.truncated,
            taken_at: note.taken_at,
        })
    }
}

impl fmt::Debug for ReceiveBatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReceiveBatch").field("filled", &self.filled).finish_non_exhaustive()
    }
}

impl Note {
    /// Reads a header that `recvmmsg` has filled and whose control buffer is still there.
    fn of(message: &libc::mmsghdr) -> Self {
        let mut note = Self {
            octets: usize::try_from(message.msg_len).unwrap_or(FRAME_OCTETS),
            truncated: message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0,
            taken_at: None,
        };
        let header = &raw const message.msg_hdr;
        // SAFETY: the header's control pointer and length describe the octets that the kernel wrote.
        let mut control = unsafe { libc::CMSG_FIRSTHDR(header) };
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give null or a whole, aligned header within the control buffer.
        while let Some(found) = unsafe { control.as_ref() } {
            note.read_control(found);
            // SAFETY: `control` came from the same header.
            control = unsafe { libc::CMSG_NXTHDR(header, control) };
        }
        note
    }

    fn read_control(&mut self, control: &libc::cmsghdr) {
        if (control.cmsg_level, control.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) {
            self.taken_at = payload::<libc::timespec>(control).and_then(since_1970);
        }
    }
}

/// A plain C value out of a control message; `None` if the message is too short for it.
///
/// Only called with types for which every pattern of bits is a value.
fn payload<T: Copy>(control: &libc::cmsghdr) -> Option<T> {
    let wanted = c_uint::try_from(size_of::<T>()).ok()?;
    // SAFETY: CMSG_LEN is arithmetic.
    let octets = unsafe { libc::CMSG_LEN(wanted) };
    if u64::try_from(control.cmsg_len).ok()? < u64::from(octets) {
        return None;
    }
    // SAFETY: the message is long enough, as just seen; the read does not require alignment.
    Some(unsafe { ptr::read_unaligned(libc::CMSG_DATA(control).cast::<T>()) })
}

fn since_1970(time: libc::timespec) -> Option<Duration> {
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}
