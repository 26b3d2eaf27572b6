//! The backend as the driver sees it: a queue in, a queue out, and two threads behind.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::mpsc as std_mpsc;
use std::thread::{self, JoinHandle};

use fhrp::driver::{Backend, BackendEvent};
use fhrp::{Binding, Revision, SeatId};
use netlink_sys::protocols::NETLINK_ROUTE;
use tokio::sync::{mpsc, oneshot};

use crate::bases::Bases;
use crate::device::Workshop;
use crate::error::NetlinkError;
use crate::host::Host;
use crate::leftovers::Leftovers;
use crate::links::Links;
use crate::monitor::Monitor;
use crate::names::Instance;
use crate::nft::Filter;
use crate::socket::KernelSocket;
use crate::state_file::{Saved, StateDir};
use crate::worker::{Job, Worker};

/// Neither thread recurses; the default of 2 MiB is only address space, but of that too much is no use.
const STACK_OCTETS: usize = 256 * 1024;

/// How a [`NetlinkBackend`] is made.
#[derive(Clone, Debug)]
pub struct NetlinkOptions {
    /// Where the settings that are to be restored are written down. Made if it does not exist. It also is the identity
    /// of the backend: what it makes in the kernel carries a mark of this path, and only what carries it is touched.
    pub state_dir: PathBuf,
    /// Run the thread that programs the kernel under `SCHED_FIFO` with this priority (1 to 99); should be one below
    /// that of the protocol's thread. `None` leaves it as it is. Without the permission it stays as it is, too.
    pub realtime_priority: Option<u8>,
}

/// The Linux backend: holds virtual addresses and virtual MACs through netlink.
///
/// Belongs to the network namespace of the thread that makes it. Dropping it without [`Backend::shutdown`] leaves
/// everything in the kernel as it is, for the next backend with the same state directory to find.
#[derive(Debug)]
pub struct NetlinkBackend {
    jobs: Option<std_mpsc::Sender<Job>>,
    events: mpsc::UnboundedReceiver<BackendEvent>,
    /// Dropped to stop the monitor.
    stop: Option<OwnedFd>,
    threads: Vec<JoinHandle<()>>,
}

impl NetlinkBackend {
    /// Silences what a crashed run left, then begins to listen and to work.
    ///
    /// # Errors
    /// If the state directory cannot be used or another process uses it, and if the kernel's tables cannot be read or
    /// threads cannot be started.
    pub fn new(options: &NetlinkOptions) -> Result<Self, NetlinkError> {
        let (events_in, events) = mpsc::unbounded_channel();
        let worker = make_worker(&options.state_dir, events_in)?;
        let (jobs, inbox) = std_mpsc::channel();
        let (stopped, stop) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|errno| kernel("making a pipe")(errno.into()))?;
        let monitor =
            Monitor::new(stopped, jobs.clone()).map_err(kernel("subscribing to the kernel's reports"))?;
        let priority = options.realtime_priority;
        let threads = vec![
            spawn("dataplane", move || {
                raise_priority(priority);
                worker.run(&inbox);
            })?,
            spawn("monitor", move || monitor.run())?,
        ];
        Ok(Self { jobs: Some(jobs), events, stop: Some(stop), threads })
    }

    fn send(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok())
    }
}

impl Backend for NetlinkBackend {
    fn program(&mut self, seat: SeatId, revision: Revision, wanted: Option<Binding>) {
        if !self.send(Job::Wish { seat, revision, wanted }) {
            tracing::error!("the dataplane thread has ended; nothing can be programmed");
        }
    }

    async fn next_event(&mut self) -> BackendEvent {
        match self.events.recv().await {
            Some(event) => event,
            // The thread has ended and said so.
            None => std::future::pending().await,
        }
    }

    async fn shutdown(&mut self) {
        // First, or its reports of what is deleted now would only be thrown away.
        self.stop = None;
        let (done, finished) = oneshot::channel();
        if self.send(Job::Shutdown(done)) && finished.await.is_err() {
            tracing::error!("the dataplane thread ended before everything was removed");
        }
        self.jobs = None;
    }
}

impl Drop for NetlinkBackend {
    fn drop(&mut self) {
        self.stop = None;
        self.jobs = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the backend ended with a panic");
            }
        }
    }
}

/// Removes everything that a backend with this state directory left behind, and restores what it changed. Returns a
/// line for each thing removed.
///
/// # Errors
/// If there is no such state directory, it is in use by a living backend, or its file or the kernel's tables cannot be
/// read. Also if nothing was left in the network namespace of the calling thread, while the state directory knows of
/// something in another one; that stays written down.
pub fn cleanup(state_dir: &Path) -> Result<Vec<String>, NetlinkError> {
    let mut state = StateDir::take(state_dir)?;
    let saved = state.load()?;
    let elsewhere = state.elsewhere();
    let mut route = KernelSocket::open(NETLINK_ROUTE).map_err(kernel("opening a netlink socket"))?;
    let instance = Instance::of(state_dir);
    let leftovers = Leftovers::find(&mut route, &instance);
    let leftovers = leftovers.map_err(kernel("looking for leftovers"))?;
    let mut removed = leftovers.silence(&mut route);
    removed.extend(leftovers.delete(&mut route));
    let mut bases = Bases::new(state, saved);
    for base in bases.touched() {
        removed.push(format!("changed settings of {}", leftovers.links.name(base)));
    }
    bases.restore(&mut route);
    match elsewhere {
        Some((namespace, path)) if removed.is_empty() => {
            Err(NetlinkError::OtherNamespace { path, namespace })
        }
        Some(_) | None => Ok(removed),
    }
}

fn make_worker(
    state_dir: &Path,
    events: mpsc::UnboundedSender<BackendEvent>,
) -> Result<Worker, NetlinkError> {
    let mut state = StateDir::make(state_dir)?;
    let saved = state.load().unwrap_or_else(|error| {
        tracing::warn!("{error}");
        Saved::default()
    });
    if let Some((namespace, path)) = state.elsewhere() {
        tracing::warn!(
            "the state file {} is also of another network namespace, net:[{namespace}], where something was left",
            path.display()
        );
    }
    let mut route = KernelSocket::open(NETLINK_ROUTE).map_err(kernel("opening a netlink socket"))?;
    let instance = Instance::of(state_dir);
    let leftovers = Leftovers::find(&mut route, &instance);
    let leftovers = leftovers.map_err(kernel("looking for leftovers"))?;
    for what in leftovers.silence(&mut route) {
        tracing::info!("an earlier run had left {what}: removed");
    }
    let filter = Filter::new(instance.table());
    Ok(Worker {
        route,
        workshop: Workshop::new(instance, leftovers.links.unused_group()),
        links: Links::default(),
        listed: false,
        seats: std::collections::BTreeMap::new(),
        by_device: std::collections::BTreeMap::new(),
        idle: leftovers.idle(),
        bases: Bases::new(state, saved),
        filter,
        filter_stale: false,
        silence_stale: false,
        host: Host::default(),
        events,
        prune_at: None,
    })
}

fn kernel(doing: &'static str) -> impl FnOnce(io::Error) -> NetlinkError {
    move |source| NetlinkError::Kernel { doing, source }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, NetlinkError> {
    let builder = thread::Builder::new().name(name.to_owned()).stack_size(STACK_OCTETS);
    builder.spawn(body).map_err(kernel("starting a thread"))
}

/// As far as permitted: the protocol's own thread has asked before, and has told the operator what was refused.
fn raise_priority(priority: Option<u8>) {
    if let Some(priority) = priority
        && let Err(error) = crate::sys::schedule_fifo(priority)
    {
        tracing::debug!(%error, "the dataplane thread keeps its ordinary priority");
    }
}
