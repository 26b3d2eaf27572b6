//! What keeps other programs from delaying the protocol: real-time priority, locked memory, exact timers.
//!
//! All of it is wished for, none of it is required: what the system refuses is handed back, to be said once.

use std::fmt;
use std::io;
use std::num::NonZeroU64;

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::set_current_timer_slack;

use crate::sys;

/// The smallest that the kernel has; its default of 50 µs would be added to every wake-up.
const TIMER_SLACK_NANOS: NonZeroU64 = NonZeroU64::MIN;

/// What a protocol thread wishes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RealTime {
    /// `SCHED_FIFO` priority of the calling thread, 1 to 99; `None` leaves its scheduling alone.
    pub priority: Option<u8>,
    /// Descriptors that the process may need to have open at once.
    pub open_files: u64,
}

/// A wish that the system did not grant, with its reason. [`fmt::Display`] gives a line for the log.
#[derive(Debug)]
pub struct Refusal {
    /// What was wished for.
    pub wish: Wish,
    /// What the system said.
    pub error: io::Error,
}

/// One of the wishes of a [`RealTime`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// `SCHED_FIFO` with this priority.
    Priority(u8),
    /// Memory is not paged out.
    LockedMemory,
    /// This many open descriptors.
    OpenFiles(u64),
    /// Timers that fire at once.
    TimerSlack,
}

impl RealTime {
    /// Applies all wishes: priority and timer slack to the calling thread, locked memory and the descriptor limit to
    /// the process. Returns the ones that were refused.
    ///
    /// Threads and programs that this thread starts do not inherit the priority.
    #[must_use]
    pub fn apply(&self) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let mut note = |wish, outcome: io::Result<()>| {
            refusals.extend(outcome.err().map(|error| Refusal { wish, error }));
        };
        note(Wish::OpenFiles(self.open_files), raise_open_files(self.open_files));
        note(Wish::LockedMemory, lock_memory());
        note(Wish::TimerSlack, set_current_timer_slack(Some(TIMER_SLACK_NANOS)).map_err(io::Error::from));
        if let Some(priority) = self.priority {
            note(Wish::Priority(priority), sys::schedule_fifo(priority));
        }
        refusals
    }
}

/// Keeps memory small where a few threads share a program: what one frees, such as the kernel's tables after they were
/// read, another uses. With a heap for each thread, 1,000 groups take a third more. To be called before any thread is
/// started.
pub fn share_heap() {
    sys::share_heap();
}

/// Gives memory that was freed back to the system. For after something big was read: allocations of other threads wait
/// meanwhile, about a millisecond for ten megabytes.
pub fn trim_heap() {
    sys::trim_heap();
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = &self.error;
        match self.wish {
            Wish::Priority(priority) => {
                write!(f, "real-time priority {priority} was refused ({error}); it needs CAP_SYS_NICE")
            }
            Wish::LockedMemory => {
                write!(f, "locking memory was refused ({error}); it needs an unlimited RLIMIT_MEMLOCK")
            }
            Wish::OpenFiles(wanted) => {
                write!(f, "a limit of {wanted} open files was refused ({error}); it needs CAP_SYS_RESOURCE")
            }
            Wish::TimerSlack => write!(f, "exact timers were refused ({error})"),
        }
    }
}

/// Locks pages as they are touched; those that are never touched cost nothing.
///
/// Below a finite limit it is not even tried: whole mappings count, so that a later allocation would fail.
fn lock_memory() -> io::Result<()> {
    let unlimited = Rlimit { current: None, maximum: None };
    if getrlimit(Resource::Memlock).current.is_some() {
        setrlimit(Resource::Memlock, unlimited)?;
    }
    Ok(mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?)
}

/// Raises the limit to `wanted`; where the hard limit is lower and stays, to that.
fn raise_open_files(wanted: u64) -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return Ok(());
    }
    let maximum = limit.maximum.map(|maximum| maximum.max(wanted));
    let Err(refused) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) else {
        return Ok(());
    };
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Err(refused.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_limit_rises_as_far_as_it_may() {
        let before = getrlimit(Resource::Nofile);
        let wanted = before.maximum.unwrap_or(1 << 20);
        assert!(raise_open_files(wanted).is_ok());
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), wanted);
        assert!(raise_open_files(1).is_ok());
        assert_eq!(getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX), wanted, "it is never lowered");
    }

    #[test]
    fn an_impossible_limit_is_reported_and_the_possible_one_set() {
        let before = getrlimit(Resource::Nofile);
        assert!(raise_open_files(u64::MAX - 1).is_err());
        assert_eq!(getrlimit(Resource::Nofile).current, before.maximum);
    }

    #[test]
    fn a_priority_out_of_range_is_refused_by_name() {
        let refusals = RealTime { priority: Some(100), open_files: 1 }.apply();
        let refused = refusals.iter().find(|refusal| refusal.wish == Wish::Priority(100)).unwrap();
        assert!(refused.to_string().contains("CAP_SYS_NICE"), "{refused}");
    }
}
