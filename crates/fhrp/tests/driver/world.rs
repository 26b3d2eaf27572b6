//! A world in virtual time for one driver: its clock, its packets and its dataplane, and a log of what it did to them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Poll, Waker};

use bytes::Bytes;
use fhrp::driver::{Backend, BackendEvent, Clock, Driver, Handle, PacketIo, Received};
use fhrp::{
    Binding, Engine, Gate, IfIndex, Instant, InterfaceName, LinkEvent, LinkState, MacAddr, Notice, Reception,
    Revision, SeatId, VrrpConfig, VrrpSettings,
};
use tokio::sync::mpsc;

pub(crate) const ETH0: IfIndex = IfIndex(2);

/// So many frames are read at once.
const BATCH: usize = 64;

#[derive(Default)]
struct State {
    now: Instant,
    /// Time goes on by itself until here.
    end: Instant,
    /// Frames that are going to arrive, in order.
    frames: VecDeque<(Instant, Vec<u8>)>,
    events: VecDeque<BackendEvent>,
    deaf: bool,
    /// Time and deed.
    log: Vec<(u64, String)>,
    /// How often frames were asked for.
    reads: usize,
    /// Who waits for time to pass.
    sleeper: Option<Waker>,
}

/// What a script holds of the world, and what the driver is given thrice.
#[derive(Clone, Default)]
pub(crate) struct World(Rc<RefCell<State>>);

/// Runs a driver and a script beside it until both have ended.
pub(crate) fn play<F: Future<Output = ()>>(script: impl FnOnce(World, Handle, mpsc::Receiver<Notice>) -> F) {
    let world = World::default();
    let (driver, handle, notices) = Driver::new(Engine::new(), world.clone(), world.clone(), world.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { tokio::join!(driver.run(), script(world, handle, notices)) });
}

impl World {
    /// Lets time pass until `micros`, and everything happen that happens until then.
    pub(crate) async fn until(&self, handle: &Handle, micros: u64) {
        let end = Instant::from_micros(micros);
        self.0.borrow_mut().end = end;
        // Commands come before news, and between two frames.
        for round in 0.. {
            if !self.is_busy() {
                break;
            }
            assert!(round < 100_000, "the driver does not take what is there");
            handle.snapshot().await.unwrap();
        }
        handle.snapshot().await.unwrap();
        self.0.borrow_mut().now = end;
    }

    fn is_busy(&self) -> bool {
        let state = self.0.borrow();
        !state.events.is_empty() || state.frames.front().is_some_and(|(at, _)| *at <= state.end)
    }

    pub(crate) fn tell(&self, event: BackendEvent) {
        self.0.borrow_mut().events.push_back(event);
    }

    /// `frame` is going to arrive.
    pub(crate) fn arrives(&self, micros: u64, frame: &[u8]) {
        self.0.borrow_mut().frames.push_back((Instant::from_micros(micros), frame.to_vec()));
    }

    /// Frames can no longer be received.
    pub(crate) fn deafen(&self) {
        self.0.borrow_mut().deaf = true;
    }

    /// An Active router is stopped, now, and then time goes on without anybody's asking.
    pub(crate) async fn stop(&self, handle: &Handle, micros: u64) {
        handle.shutdown();
        while self.0.borrow().log.iter().all(|(_, deed)| deed != "priority 0") {
            tokio::task::yield_now().await;
        }
        let mut state = self.0.borrow_mut();
        state.end = Instant::from_micros(micros);
        if let Some(sleeper) = state.sleeper.take() {
            sleeper.wake();
        }
    }

    pub(crate) fn reads(&self) -> usize {
        self.0.borrow().reads
    }

    /// The log so far, which is forgotten.
    pub(crate) fn log(&self) -> Vec<(u64, String)> {
        std::mem::take(&mut self.0.borrow_mut().log)
    }

    fn note(&self, deed: impl Into<String>) {
        let mut state = self.0.borrow_mut();
        let now = state.now.as_micros();
        state.log.push((now, deed.into()));
    }
}

impl Clock for World {
    fn now(&self) -> Instant {
        self.0.borrow().now
    }

    fn sleep_until(&mut self, deadline: Option<Instant>) -> impl Future<Output = ()> {
        poll_fn(move |context| {
            let mut state = self.0.borrow_mut();
            state.sleeper = Some(context.waker().clone());
            // News are heard before time passes.
            if !state.events.is_empty() {
                return Poll::Pending;
            }
            let due = deadline.filter(|at| *at <= state.end);
            let arrival = state.frames.front().map(|(at, _)| *at).filter(|at| *at > state.now);
            match (due, arrival) {
                (due, Some(arrival)) if arrival <= due.unwrap_or(state.end) => {
                    state.now = arrival;
                    context.waker().wake_by_ref();
                    Poll::Pending
                }
                (Some(due), _) => {
                    state.now = state.now.max(due);
                    Poll::Ready(())
                }
                (None, _) => Poll::Pending,
            }
        })
    }
}

impl PacketIo for World {
    fn attach(&mut self, interface: IfIndex, _: &Reception) -> io::Result<()> {
        assert_eq!(interface, ETH0);
        self.note("attach");
        if self.0.borrow().deaf { Err(io::Error::other("no such device")) } else { Ok(()) }
    }

    fn refresh(&mut self, interface: IfIndex) {
        assert_eq!(interface, ETH0);
        self.note("refresh");
    }

    fn detach(&mut self, interface: IfIndex) {
        assert_eq!(interface, ETH0);
        self.note("detach");
    }

    fn readable(&mut self) -> impl Future<Output = ()> {
        poll_fn(|_| {
            let state = self.0.borrow();
            let there = state.frames.front().is_some_and(|(at, _)| *at <= state.now);
            if there { Poll::Ready(()) } else { Poll::Pending }
        })
    }

    fn receive(&mut self, sink: &mut dyn FnMut(Received<'_>)) -> bool {
        let mut state = self.0.borrow_mut();
        state.reads += 1;
        let now = state.now;
        let there = state.frames.iter().take_while(|(at, _)| *at <= now).count();
        let batch: Vec<_> = state.frames.drain(..there.min(BATCH)).collect();
        drop(state);
        for (at, frame) in &batch {
            sink(Received { at: *at, interface: ETH0, frame });
        }
        there > BATCH
    }

    fn transmit(&mut self, interface: IfIndex, frame: Bytes) {
        assert_eq!(interface, ETH0);
        // EtherType and IP protocol.
        self.note(match (&frame[12..14], frame[23]) {
            ([8, 6], _) => "ARP".to_owned(),
            ([8, 0], 112) => format!("priority {}", frame[36]),
            _ => "another frame".to_owned(),
        });
    }

    fn unicast(&mut self, _: IfIndex, source: IpAddr, peer: IpAddr, payload: Bytes) {
        self.note(format!("priority {} from {source} to {peer}", payload[2]));
    }

    fn flush(&mut self) {
        self.note("flush");
    }
}

impl Backend for World {
    fn program(&mut self, seat: SeatId, revision: Revision, wanted: Option<Binding>) {
        self.note(match wanted.map(|binding| binding.gate) {
            Some(Gate::Open) => "open",
            Some(Gate::Closed) => "close",
            None => "withdraw",
        });
        self.tell(BackendEvent::Programmed { seat, revision, result: Ok(()) });
    }

    fn next_event(&mut self) -> impl Future<Output = BackendEvent> {
        poll_fn(|_| match self.0.borrow_mut().events.pop_front() {
            Some(event) => Poll::Ready(event),
            None => Poll::Pending,
        })
    }

    async fn shutdown(&mut self) {
        self.note("shutdown");
    }
}

/// VRID 10 on eth0 for 192.0.2.1, all defaults.
pub(crate) fn settings() -> VrrpSettings {
    VrrpSettings::new(InterfaceName::new("eth0"), 10, vec!["192.0.2.1".parse().unwrap()])
}

pub(crate) fn config() -> VrrpConfig {
    VrrpConfig::new(settings()).unwrap()
}

/// eth0 is 192.0.2.2.
pub(crate) fn link() -> BackendEvent {
    BackendEvent::Link(LinkEvent::Present(LinkState {
        name: InterfaceName::new("eth0"),
        index: ETH0,
        mac: MacAddr([2, 0, 0, 0, 0, 2]),
        up: true,
        mtu: 1500,
        ipv4: vec!["192.0.2.2".parse().unwrap()],
        ipv6: vec![],
    }))
}
