//! What the protocol's thread waits in: one epoll set of everything that can wake it, and one future that is looked at
//! whenever something did.
//!
//! ```text
//!  packet sockets ──┐
//!  timerfd ─────────┼── epoll ──► the future is polled ──► epoll ...
//!  eventfd ─────────┘
//!     └── rung by wakers, on any thread
//! ```
//!
//! Most wake-ups come after a long sleep, when no cache knows this thread any more, and then it is the amount of code
//! on the way that costs: hence no runtime for many tasks, of which there is only one.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use fhrp::IfIndex;
use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::io::Errno;

/// Sources whose events need no note: that something woke the thread is all there is to know.
const UNNAMED: u32 = u32::MAX;

/// Runs a [`Driver`](fhrp::driver::Driver) over [`PacketSockets`](crate::PacketSockets) and a
/// [`TimerFd`](crate::TimerFd), which are made for this loop and wake nothing else.
///
/// The driver's [`Handle`](fhrp::driver::Handle) and its notices can be used on other threads, under any runtime.
#[derive(Debug)]
pub struct EventLoop {
    set: Rc<Set>,
    bell: Arc<Bell>,
}

impl EventLoop {
    /// A loop that nothing wakes yet.
    ///
    /// # Errors
    /// What the system says, for instance that no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let set = Set { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?, sources: RefCell::default() };
        let bell = Bell(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        set.watch(&bell.0)?;
        Ok(Self { set: Rc::new(set), bell: Arc::new(bell) })
    }

    /// Runs a future to its end on this thread. Of other runtimes it can use what needs none of their drivers, such as
    /// channels.
    ///
    /// # Errors
    /// If the system cannot wait, which is an error of the program.
    pub fn run<F: Future>(&self, future: F) -> io::Result<F::Output> {
        let mut future = pin!(future);
        let waker = Waker::from(Arc::clone(&self.bell));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
                return Ok(output);
            }
            self.set.wait()?;
        }
    }

    pub(crate) fn set(&self) -> &Rc<Set> {
        &self.set
    }
}

/// The epoll set. Everything in it is edge-triggered: it wakes once for what is new, and nothing has to be cleared.
pub(crate) struct Set {
    epoll: OwnedFd,
    sources: RefCell<Sources>,
}

#[derive(Default)]
struct Sources {
    /// Room for an event of each descriptor, so that one look always sees all.
    events: Vec<epoll::Event>,
    watched: usize,
    inboxes: Vec<Inbox>,
}

/// Interfaces whose sockets have had something to read since the inbox was last emptied; may name one repeatedly.
pub(crate) type Inbox = Rc<RefCell<Vec<IfIndex>>>;

/// Where the events of one inbox come from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InboxId(u32);

impl Set {
    /// Lets a descriptor that becomes readable wake the loop, for as long as it is open.
    pub(crate) fn watch(&self, descriptor: &impl AsFd) -> io::Result<()> {
        self.add(descriptor, UNNAMED, 0)
    }

    /// A place for the news of sockets.
    pub(crate) fn add_inbox(&self) -> (InboxId, Inbox) {
        let mut sources = self.sources.borrow_mut();
        let id = InboxId(u32::try_from(sources.inboxes.len()).unwrap_or(UNNAMED));
        let inbox = Inbox::default();
        sources.inboxes.push(Rc::clone(&inbox));
        (id, inbox)
    }

    /// Lets a socket wake the loop, for as long as it is open, and name its interface in an inbox.
    pub(crate) fn watch_into(
        &self,
        inbox: InboxId,
        interface: IfIndex,
        socket: &impl AsFd,
    ) -> io::Result<()> {
        self.add(socket, inbox.0, interface.0)
    }

    /// Ends what [`Self::watch_into`] began; to be followed by closing the socket.
    pub(crate) fn forget(&self, socket: &impl AsFd) {
        // Closing takes it out of the set, too.
        let _ = epoll::delete(&self.epoll, socket);
        let mut sources = self.sources.borrow_mut();
        sources.watched = sources.watched.saturating_sub(1);
    }

    fn add(&self, descriptor: &impl AsFd, inbox: u32, interface: u32) -> io::Result<()> {
        let data = epoll::EventData::new_u64(u64::from(inbox) << 32 | u64::from(interface));
        epoll::add(&self.epoll, descriptor, data, epoll::EventFlags::IN | epoll::EventFlags::ET)?;
        let mut sources = self.sources.borrow_mut();
        sources.watched += 1;
        let watched = sources.watched;
        sources.events.clear();
        sources.events.reserve(watched);
        Ok(())
    }

    /// Waits until something happens, and notes what.
    fn wait(&self) -> io::Result<()> {
        let Sources { events, inboxes, .. } = &mut *self.sources.borrow_mut();
        events.clear();
        match epoll::wait(&self.epoll, spare_capacity(events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        for event in events {
            let [inbox, interface] = halves(event.data.u64());
            if let Some(inbox) = usize::try_from(inbox).ok().and_then(|inbox| inboxes.get(inbox)) {
                inbox.borrow_mut().push(IfIndex(interface));
            }
        }
        Ok(())
    }
}

fn halves(number: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = number.to_be_bytes();
    [u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h])]
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Set").field("epoll", &self.epoll).finish_non_exhaustive()
    }
}

/// Wakes the loop from another thread, or from within: then it does not sleep before the next look.
#[derive(Debug)]
struct Bell(OwnedFd);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Fails only after 2^64 - 2 times, for the counter is never read: each addition is an edge.
        let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn other_threads_wake_it_as_often_as_they_like() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let events = EventLoop::new().unwrap();
        let thread = thread::spawn(move || {
            for number in 0..100 {
                thread::sleep(Duration::from_micros(200));
                sender.send(number).unwrap();
            }
        });
        let received = events.run(async {
            let mut received = Vec::new();
            while let Some(number) = receiver.recv().await {
                received.push(number);
            }
            received
        });
        assert_eq!(received.unwrap(), Vec::from_iter(0..100));
        thread.join().unwrap();
    }

    #[test]
    fn interfaces_that_come_and_go_leave_no_room_behind() {
        let events = EventLoop::new().unwrap();
        let set = events.set();
        let (inbox, _) = set.add_inbox();
        for number in 0..1_000 {
            let socket = eventfd(0, EventfdFlags::NONBLOCK).unwrap();
            set.watch_into(inbox, IfIndex(number), &socket).unwrap();
            set.forget(&socket);
        }
        assert!(set.sources.borrow().events.capacity() < 10);
    }

    #[test]
    fn a_future_that_wakes_itself_is_looked_at_again() {
        let events = EventLoop::new().unwrap();
        let rounds = events.run(async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            10
        });
        assert_eq!(rounds.unwrap(), 10);
    }
}
