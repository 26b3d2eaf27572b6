//! The protocol thread: driver, backend, packets and clock in a loop of their own.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use fhrp::driver::{Driver, Handle};
use fhrp::{Engine, Notice};
use fhrp_netlink::{
    EventLoop, NetlinkBackend, NetlinkError, NetlinkOptions, PacketSockets, RealTime, TimerFd, Wish,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::config::{DaemonConfig, Scheduling, reason};

/// In the lower half, so that watchdogs and interrupt threads stay above it.
const PRIORITY: u8 = 40;
/// The backend's thread only carries out what the protocol has decided.
const BACKEND_PRIORITY: u8 = 39;
/// A group may need a socket of its own (unicast), an interface three; and some for everything else.
const DESCRIPTORS_BESIDES: u64 = 64;

/// The protocol cannot start, or ended badly.
#[derive(Debug, thiserror::Error)]
pub(super) enum ProtocolError {
    /// The backend.
    #[error("dataplane: {0}")]
    Backend(#[from] NetlinkError),
    /// Anything else of the system.
    #[error("{doing}: {}", reason(error))]
    System { doing: &'static str, error: io::Error },
    /// The thread ended by itself.
    #[error("the protocol thread ended with an internal error; its addresses and devices have been removed")]
    Panicked,
}

/// The running protocol.
pub(super) struct Protocol {
    pub(super) handle: Handle,
    pub(super) notices: mpsc::Receiver<Notice>,
    thread: JoinHandle<io::Result<()>>,
    state_dir: PathBuf,
}

impl Protocol {
    /// Starts the thread; returns when it listens. From then on SIGTERM and SIGINT end it in good order. Must be called
    /// within a tokio runtime that has IO enabled.
    pub(super) fn start(daemon: &DaemonConfig, groups: usize) -> Result<Self, ProtocolError> {
        let listening = "listening to signals";
        let terminate = signal(SignalKind::terminate()).map_err(system(listening))?;
        let interrupt = signal(SignalKind::interrupt()).map_err(system(listening))?;
        let (started, start) = std_mpsc::channel();
        let options = Options {
            state_dir: daemon.state_dir.clone(),
            scheduling: daemon.scheduling,
            stop_linger: daemon.stop_linger,
            descriptors: u64::try_from(groups).unwrap_or(u64::MAX).saturating_add(DESCRIPTORS_BESIDES),
        };
        let body = move || live(&options, &started);
        let thread = thread::Builder::new().name("protocol".to_owned()).spawn(body);
        let thread = thread.map_err(system("starting the protocol thread"))?;
        match start.recv() {
            Ok(Ok((handle, notices))) => {
                tokio::spawn(resign_at((terminate, interrupt), handle.clone()));
                Ok(Self { handle, notices, thread, state_dir: daemon.state_dir.clone() })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ProtocolError::Panicked),
        }
    }

    /// Waits for the end of the thread. After a bad one, takes away what it left in the kernel: an address that nobody
    /// advertises for is worse than none.
    pub(super) fn join(self) -> Result<(), ProtocolError> {
        drop(self.handle);
        let error = match self.thread.join() {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => system("waiting for packets")(error),
            Err(_) => ProtocolError::Panicked,
        };
        clean_up_after(&self.state_dir);
        Err(error)
    }
}

fn clean_up_after(state_dir: &Path) {
    match fhrp_netlink::cleanup(state_dir) {
        Ok(removed) => removed.iter().for_each(|what| tracing::warn!("removed {what}")),
        Err(error) => tracing::error!("cleaning up: {error}; run `fhrpd cleanup`"),
    }
}

struct Options {
    state_dir: PathBuf,
    scheduling: Scheduling,
    stop_linger: Duration,
    descriptors: u64,
}

type Started = Result<(Handle, mpsc::Receiver<Notice>), ProtocolError>;

/// The life of the thread.
fn live(options: &Options, started: &std_mpsc::Sender<Started>) -> io::Result<()> {
    let made = EventLoop::new().map_err(system("making an event loop"));
    let made = made.and_then(|events| Ok((make_driver(options, &events)?, events)));
    let ((driver, handle, notices), events) = match made {
        Ok(made) => made,
        Err(error) => {
            report(started, Err(error));
            return Ok(());
        }
    };
    report(started, Ok((handle, notices)));
    events.run(driver.run())
}

async fn resign_at((mut terminate, mut interrupt): (Signal, Signal), handle: Handle) {
    let name = tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "SIGINT",
    };
    handle.shutdown();
    tracing::info!("{name}: resigning");
}

fn report(started: &std_mpsc::Sender<Started>, outcome: Started) {
    // Whoever started the thread waits for this.
    let _ = started.send(outcome);
}

type Made = (Driver<NetlinkBackend, PacketSockets, TimerFd>, Handle, mpsc::Receiver<Notice>);

fn make_driver(options: &Options, events: &EventLoop) -> Result<Made, ProtocolError> {
    let realtime = options.scheduling == Scheduling::Realtime;
    let wishes = RealTime { priority: realtime.then_some(PRIORITY), open_files: options.descriptors };
    for refusal in wishes.apply() {
        match refusal.wish {
            Wish::Priority(_) | Wish::LockedMemory | Wish::TimerSlack => tracing::info!("{refusal}"),
            Wish::OpenFiles(_) => tracing::warn!("{refusal}"),
        }
    }
    let backend = NetlinkBackend::new(&NetlinkOptions {
        state_dir: options.state_dir.clone(),
        realtime_priority: realtime.then_some(BACKEND_PRIORITY),
    })?;
    let packets = PacketSockets::new(events);
    let clock = TimerFd::new(events).map_err(system("making a timer"))?;
    let mut engine = Engine::new();
    engine.set_stop_linger(options.stop_linger);
    Ok(Driver::new(engine, backend, packets, clock))
}

fn system(doing: &'static str) -> impl FnOnce(io::Error) -> ProtocolError {
    move |error| ProtocolError::System { doing, error }
}
