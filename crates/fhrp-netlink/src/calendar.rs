//! The calendar, which the keys of a chain go by: what it says, and when somebody sets it.
//!
//! A machine without a battery starts in 1970 and learns the time from the network some seconds later; with the wrong
//! key until then, each router would be alone. So the kernel is asked to tell at once (timerfd_create(2),
//! `TFD_TIMER_CANCEL_ON_SET`) instead of looking now and then.

use std::future;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::io::Errno;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::unix::AsyncFd;

use crate::sys;

/// Tells when the system's clock was set.
#[derive(Debug)]
pub struct Calendar {
    /// A timer that never expires.
    timer: AsyncFd<OwnedFd>,
}

impl Calendar {
    /// Must be called within a tokio runtime that has IO enabled.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        let never = Itimerspec {
            it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
            it_value: Timespec { tv_sec: i64::MAX, tv_nsec: 0 },
        };
        timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET, &never)?;
        Ok(Self { timer: sys::watch_reads(timer)? })
    }

    /// Waits until the clock was set. Safe to drop half-way.
    pub async fn was_set(&self) {
        while let Ok(mut ready) = self.timer.readable().await {
            let read = ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut [0_u8; 8])?));
            match read {
                Ok(Err(why)) if Errno::from_io_error(&why) == Some(Errno::CANCELED) => return,
                // It was a false alarm.
                Err(_) => {}
                Ok(_) => break,
            }
        }
        // Not what such a timer does; it has nothing more to tell.
        future::pending().await
    }

    /// Since 1970-01-01 00:00 UTC, as the system's clock says now.
    #[must_use]
    pub fn now(&self) -> Duration {
        let now = clock_gettime(ClockId::Realtime);
        Duration::try_from(now).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tells_the_time_and_nothing_else_while_nobody_sets_the_clock() {
        let calendar = Calendar::new().unwrap();
        let told = tokio::time::timeout(Duration::from_millis(20), calendar.was_set()).await;
        assert!(told.is_err());
        // 2020-01-01 and later.
        assert!(calendar.now() > Duration::from_secs(1_577_836_800));
    }
}
