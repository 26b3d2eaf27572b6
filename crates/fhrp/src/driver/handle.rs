//! How the rest of a program talks to a running driver.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::{
    DuplicateGroup, Engine, GroupConfig, GroupId, GroupStatus, Instant, InterfaceName, InterfaceStats, Stats,
    TrackName, TrackState, UnknownGroup,
};

/// The driver has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the driver has ended")]
pub struct Stopped;

/// A change that could not be made; those before it were.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The driver has ended.
    #[error(transparent)]
    Stopped(#[from] Stopped),
    /// An update or removal of a group that does not exist.
    #[error(transparent)]
    Unknown(#[from] UnknownGroup),
    /// An addition of a group that exists.
    #[error(transparent)]
    Duplicate(#[from] DuplicateGroup),
}

/// A change to the set of groups, or to what they track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A new group.
    Add(GroupConfig),
    /// Another configuration for a group.
    Update(GroupConfig),
    /// A group less.
    Remove(GroupId),
    /// From now on the object is the state of the interface.
    TrackInterface(TrackName, InterfaceName),
    /// From now on nothing is known of the object, until it is set.
    ForgetTrack(TrackName),
}

/// Everything there is to show, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The moment.
    pub now: Instant,
    /// The groups, ordered by id.
    pub groups: Vec<GroupStatus>,
    /// The interfaces that have groups, ordered by name.
    pub interfaces: Vec<(InterfaceName, InterfaceStats)>,
    /// The tracked objects of which something is known.
    pub tracks: BTreeMap<TrackName, TrackState>,
    /// The engine's counters.
    pub stats: Stats,
}

type Job = Box<dyn FnOnce(&mut Engine, Instant) + Send>;

pub(super) enum Command {
    Run(Job),
    Stop,
}

/// A remote control; cheap to clone.
#[derive(Clone)]
pub struct Handle(mpsc::UnboundedSender<Command>);

impl Handle {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), receiver)
    }

    /// Makes changes, in order, all at the same moment.
    ///
    /// # Errors
    /// The first change that cannot be made.
    pub async fn apply(&self, changes: Vec<Change>) -> Result<(), ApplyError> {
        self.with_engine(move |engine, now| {
            for change in changes {
                match change {
                    Change::Add(config) => engine.add(now, config)?,
                    Change::Update(config) => engine.update(now, config)?,
                    Change::Remove(id) => engine.remove(now, &id)?,
                    Change::TrackInterface(name, interface) => engine.track_interface(now, &name, &interface),
                    Change::ForgetTrack(name) => engine.forget_track(now, &name),
                }
            }
            Ok(())
        })
        .await?
    }

    /// What there is to show.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn snapshot(&self) -> Result<Snapshot, Stopped> {
        self.with_engine(|engine, now| Snapshot {
            now,
            groups: engine.status().collect(),
            interfaces: engine.interfaces().map(|(name, stats)| (name.clone(), stats.clone())).collect(),
            tracks: engine.tracks().map(|(name, state)| (name.clone(), state)).collect(),
            stats: engine.stats().clone(),
        })
        .await
    }

    /// A tracked object changed; see [`Engine::set_track`].
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_track(&self, name: TrackName, state: TrackState) -> Result<(), Stopped> {
        self.with_engine(move |engine, now| engine.set_track(now, &name, state)).await
    }

    /// It is `unix` after 1970-01-01 00:00 UTC; see [`Engine::set_wall_clock`]. To be told at the start, where there are
    /// key chains, and again whenever the system's clock was set.
    ///
    /// # Errors
    /// [`Stopped`].
    pub async fn set_wall_clock(&self, unix: Duration) -> Result<(), Stopped> {
        self.with_engine(move |engine, now| engine.set_wall_clock(now, unix)).await
    }

    /// Ends the driver: every Active group resigns, the backend removes what it programmed, [`super::Driver::run`]
    /// returns.
    pub fn shutdown(&self) {
        // If nobody listens it has ended already.
        let _ = self.0.send(Command::Stop);
    }

    async fn with_engine<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Engine, Instant) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |engine, now| {
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(look(engine, now));
        });
        self.0.send(Command::Run(job)).map_err(|_| Stopped)?;
        answered.await.map_err(|_| Stopped)
    }
}
