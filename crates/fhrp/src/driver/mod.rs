//! The tokio loop around an [`Engine`](crate::Engine): one task, one `select!`, no locks.
//!
//! Everything outside is behind three traits. A backend that is slow, or a notice that nobody fetches, never delays
//! the protocol: [`Backend::program`] only queues, and notices go through a bounded channel.
//!
//! Of tokio it needs the channels, not the runtime: the three traits' futures decide where it can run.

mod handle;
mod moderation;
mod run;

use std::future::Future;
use std::io;
use std::net::IpAddr;

use bytes::Bytes;

pub use handle::{ApplyError, Change, Handle, Snapshot, Stopped};
pub use run::Driver;

use crate::{Binding, IfIndex, Instant, LinkEvent, ProgramFault, Reception, Revision, SeatId};

/// Makes the kernel, or whatever forwards, look like the bindings.
pub trait Backend {
    /// Takes a wish; must not block. The latest wish of a seat wins; each wish that is carried out or fails is answered
    /// by a [`BackendEvent::Programmed`] with its revision (an overtaken one need not be). That goes for removals, too:
    /// one that fails is asked for again, perhaps when the same group has come back with another seat. What that seat
    /// has taken over by then is its own, and must not be removed.
    fn program(&mut self, seat: SeatId, revision: Revision, wanted: Option<Binding>);

    /// The next piece of news. Must be safe to drop half-way (it is called in `select!`).
    fn next_event(&mut self) -> impl Future<Output = BackendEvent>;

    /// Removes everything that was ever programmed, and restores what was changed. Called once, last.
    fn shutdown(&mut self) -> impl Future<Output = ()>;
}

/// News from a [`Backend`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BackendEvent {
    /// An interface appeared, changed or went.
    Link(LinkEvent),
    /// A wish was carried out, or not.
    Programmed {
        /// Whose.
        seat: SeatId,
        /// Which wish.
        revision: Revision,
        /// How it went.
        result: Result<(), ProgramFault>,
    },
    /// Somebody else had removed or changed something of this seat; it has been put back.
    Mended {
        /// Whose.
        seat: SeatId,
        /// What, for the operator.
        what: std::sync::Arc<str>,
    },
}

/// A frame as it came in.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// When the kernel took it from the wire.
    pub at: Instant,
    /// Where.
    pub interface: IfIndex,
    /// From the destination MAC on.
    pub frame: &'a [u8],
}

/// Sends and receives frames.
pub trait PacketIo {
    /// Begins to receive on an interface, or goes on with another reception than before.
    ///
    /// # Errors
    /// What the system says; the engine's groups there then wait with that text.
    fn attach(&mut self, interface: IfIndex, reception: &Reception) -> io::Result<()>;

    /// The interface changed; what depends on its addresses (group memberships) may have to be done again.
    fn refresh(&mut self, _interface: IfIndex) {}

    /// Ends it.
    fn detach(&mut self, interface: IfIndex);

    /// Waits until frames can be read. Must be safe to drop half-way.
    fn readable(&mut self) -> impl Future<Output = ()>;

    /// Hands over frames that are there, without waiting; a bounded number of them. `true` when more may be there.
    fn receive(&mut self, sink: &mut dyn FnMut(Received<'_>)) -> bool;

    /// Queues a frame.
    fn transmit(&mut self, interface: IfIndex, frame: Bytes);

    /// Queues a packet of protocol 112 to one peer.
    fn unicast(&mut self, interface: IfIndex, source: IpAddr, peer: IpAddr, payload: Bytes);

    /// Sends what is queued. Frames that cannot be sent are counted by the implementation and dropped.
    fn flush(&mut self);
}

/// Tells time and wakes up. tokio's own timers step by 1 ms, which is too coarse for sub-second fail-over.
pub trait Clock {
    /// Now, on the same scale as [`Received::at`].
    fn now(&self) -> Instant;

    /// Waits until `deadline`; for ever without one. Must be safe to drop half-way.
    fn sleep_until(&mut self, deadline: Option<Instant>) -> impl Future<Output = ()>;
}
