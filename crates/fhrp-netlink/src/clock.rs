//! The protocol's clock: `CLOCK_MONOTONIC` in microseconds, and one timerfd that wakes its loop.

use std::future;
use std::io;
use std::os::fd::OwnedFd;

use fhrp::Instant;
use fhrp::driver::Clock;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::sys;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// A [`Clock`] whose wake-ups come from the kernel's high-resolution timers, with an absolute deadline.
#[derive(Debug)]
pub struct TimerFd {
    timer: AsyncFd<OwnedFd>,
    /// What the kernel's timer is set to; `None` when it has fired or was never set.
    armed: Option<Instant>,
}

impl TimerFd {
    /// Makes the timer. Must be called within a tokio runtime that has IO enabled.
    ///
    /// # Errors
    /// What the system says, for instance that no descriptor is left.
    pub fn new() -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        Ok(Self { timer: sys::watch_reads(timer)?, armed: None })
    }

    /// Sets the kernel's timer unless it fires by then anyway: each advert heard puts a deadline off, and one wake-up too
    /// many in an interval costs less than a system call for each advert.
    fn arm(&mut self, deadline: Instant) -> io::Result<()> {
        if self.armed.is_some_and(|armed| armed <= deadline) {
            return Ok(());
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Itimerspec { it_interval: zero, it_value: to_timespec(deadline) };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &value)?;
        self.armed = Some(deadline);
        Ok(())
    }

    /// Waits until the armed timer has fired. The expiry is not read from the descriptor: readiness is edge-triggered,
    /// and setting the timer again clears it.
    async fn fired(&mut self, deadline: Instant) -> io::Result<()> {
        loop {
            self.timer.readable().await?.clear_ready();
            let now = self.now();
            self.armed = self.armed.filter(|armed| *armed > now);
            if now >= deadline {
                return Ok(());
            }
            // It was set for an earlier deadline that has been put off or given up.
            self.arm(deadline)?;
        }
    }
}

impl Clock for TimerFd {
    fn now(&self) -> Instant {
        monotonic_now()
    }

    async fn sleep_until(&mut self, deadline: Option<Instant>) {
        let Some(deadline) = deadline else {
            return future::pending().await;
        };
        if deadline <= self.now() {
            return;
        }
        let slept = match self.arm(deadline) {
            Ok(()) => self.fired(deadline).await,
            Err(error) => Err(error),
        };
        if let Err(error) = slept {
            // Only a runtime that is shutting down gets here; whoever still runs falls back to polling.
            tracing::error!(%error, "the timer cannot be waited for");
            tokio::task::yield_now().await;
        }
    }
}

/// The present on the scale of [`Clock::now`].
pub(crate) fn monotonic_now() -> Instant {
    Instant::from_micros(micros(clock_gettime(ClockId::Monotonic)))
}

/// The present by the wall clock, in microseconds since 1970.
pub(crate) fn realtime_micros() -> u64 {
    micros(clock_gettime(ClockId::Realtime))
}

/// Zero for a time before the clock's origin.
fn micros(time: Timespec) -> u64 {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    seconds.saturating_mul(MICROS_PER_SECOND).saturating_add(nanos / 1_000)
}

/// The kernel takes seconds beyond its range as the end of time.
fn to_timespec(at: Instant) -> Timespec {
    let micros = at.as_micros();
    let tv_sec = i64::try_from(micros / MICROS_PER_SECOND).unwrap_or(i64::MAX);
    let nanos = u32::try_from(micros % MICROS_PER_SECOND).unwrap_or(0) * 1_000;
    Timespec { tv_sec, tv_nsec: nanos.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_kernel_both_ways() {
        let time = Timespec { tv_sec: 12, tv_nsec: 345_678_999 };
        assert_eq!(micros(time), 12_345_678);
        let back = to_timespec(Instant::from_micros(12_345_678));
        assert_eq!((back.tv_sec, back.tv_nsec), (12, 345_678_000));
    }

    #[test]
    fn a_time_before_the_origin_is_the_origin() {
        assert_eq!(micros(Timespec { tv_sec: -1, tv_nsec: 0 }), 0);
    }
}
