//! The loop.

use tokio::sync::mpsc;

use super::handle::Command;
use super::moderation::Moderation;
use super::{Backend, BackendEvent, Clock, Handle, PacketIo, Received};
use crate::{Action, Engine, IfIndex, LinkEvent, Notice, ProgramFault, Reception};

/// Notices that wait for their reader; more are dropped, for a reader that sleeps must not grow our memory.
const NOTICES_WAITING: usize = 1024;
/// A router that was held up reads at most this many batches before it acts on a timer that is due.
const LATE_BATCHES: usize = 4;

/// Runs an engine over a backend, packet sockets and a clock.
pub struct Driver<B, P, C> {
    engine: Engine,
    backend: B,
    packets: P,
    clock: C,
    moderation: Moderation,
    commands: mpsc::UnboundedReceiver<Command>,
    notices: mpsc::Sender<Notice>,
}

impl<B: Backend, P: PacketIo, C: Clock> Driver<B, P, C> {
    /// A driver, its remote control, and where its notices come out. Notices are dropped while 1,024 are waiting.
    pub fn new(engine: Engine, backend: B, packets: P, clock: C) -> (Self, Handle, mpsc::Receiver<Notice>) {
        let (handle, commands) = Handle::new();
        let (notices, receiver) = mpsc::channel(NOTICES_WAITING);
        let moderation = Moderation::default();
        (Self { engine, backend, packets, clock, moderation, commands, notices }, handle, receiver)
    }

    /// Runs until [`Handle::shutdown`], or until every handle is gone.
    pub async fn run(mut self) {
        loop {
            self.act();
            let pause = self.moderation.pause().filter(|at| self.clock.now() < *at);
            let deadline = [self.engine.next_deadline(), pause].into_iter().flatten().min();
            // Packets first, as they are what wakes us most: the others are then not even looked at.
            tokio::select! {
                biased;
                () = self.packets.readable(), if pause.is_none() => {
                    self.receive();
                    self.moderation.note(self.clock.now());
                }
                () = self.clock.sleep_until(deadline) => self.listen_first(),
                command = self.commands.recv() => match command {
                    Some(Command::Run(job)) => job(&mut self.engine, self.clock.now()),
                    Some(Command::Stop) | None => break,
                },
                event = self.backend.next_event() => self.handle_event(event),
            }
            // A flood must not hold up what is due.
            let now = self.clock.now();
            if self.engine.next_deadline().is_some_and(|at| at <= now) {
                self.engine.handle_timeout(now);
            }
        }
        self.engine.stop(self.clock.now());
        self.act();
        self.hand_over().await;
        self.backend.shutdown().await;
    }

    /// Leaves the dataplane in place until others have taken over.
    async fn hand_over(&mut self) {
        while let Some(until) = self.engine.handover_deadline() {
            tokio::select! {
                biased;
                () = self.clock.sleep_until(Some(until)) => break,
                () = self.packets.readable() => { self.receive(); }
            }
        }
    }

    /// A timer is due, perhaps overdue: what lies in the sockets already came before it is acted upon.
    fn listen_first(&mut self) {
        for _ in 0..LATE_BATCHES {
            if !self.receive() {
                break;
            }
        }
    }

    /// Whether more may be there.
    fn receive(&mut self) -> bool {
        let engine = &mut self.engine;
        self.packets
            .receive(&mut |Received { at, interface, frame }| engine.handle_frame(at, interface, frame))
    }

    fn handle_event(&mut self, event: BackendEvent) {
        let now = self.clock.now();
        match event {
            BackendEvent::Link(event) => {
                let present = match &event {
                    LinkEvent::Present(link) => Some(link.index),
                    LinkEvent::Gone(_) => None,
                };
                self.engine.handle_link(now, event);
                if let Some(interface) = present {
                    self.packets.refresh(interface);
                }
            }
            BackendEvent::Programmed { seat, revision, result } => {
                self.engine.handle_programmed(now, seat, revision, result);
            }
            BackendEvent::Mended { seat, what } => self.engine.handle_mended(now, seat, what),
        }
    }

    /// Does what the engine wants. Frames go out together, before the backend is given anything to do.
    fn act(&mut self) {
        let mut programs = Vec::new();
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Transmit { interface, frame } => self.packets.transmit(interface, frame),
                Action::Unicast { interface, source, peer, payload } => {
                    self.packets.unicast(interface, source, peer, payload);
                }
                Action::Program { seat, revision, binding } => programs.push((seat, revision, binding)),
                Action::Attach { interface, reception } => self.attach(interface, &reception),
                Action::Detach(interface) => self.packets.detach(interface),
                Action::Notify(notice) => {
                    // Full or closed: the reader's loss, not the protocol's.
                    let _ = self.notices.try_send(notice);
                }
            }
        }
        self.packets.flush();
        for (seat, revision, binding) in programs {
            self.backend.program(seat, revision, binding);
        }
    }

    fn attach(&mut self, interface: IfIndex, reception: &Reception) {
        if let Err(error) = self.packets.attach(interface, reception) {
            let fault = ProgramFault(format!("cannot receive frames: {error}").into());
            self.engine.handle_attach_fault(self.clock.now(), interface, &fault);
        }
    }
}
