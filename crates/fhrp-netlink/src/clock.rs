//! The protocol's clock: `CLOCK_MONOTONIC` in microseconds, and one timerfd that wakes its loop.

use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::task::Poll;

use fhrp::Instant;
use fhrp::driver::Clock;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};

use crate::EventLoop;

const MICROS_PER_SECOND: u64 = 1_000_000;

/// A [`Clock`] whose wake-ups come from the kernel's high-resolution timers, with an absolute deadline.
#[derive(Debug)]
pub struct TimerFd {
    timer: OwnedFd,
    /// What the kernel's timer is set to; `None` when it has fired or was never set.
    armed: Option<Instant>,
}

impl TimerFd {
    /// Makes the timer, which wakes this loop.
    ///
    /// # Errors
    /// What the system says, for instance that no descriptor is left.
    pub fn new(events: &EventLoop) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
        events.set().watch(&timer)?;
        Ok(Self { timer, armed: None })
    }

    /// Sets the kernel's timer to `deadline`, or leaves it if it fires by then anyway, but not soon: each advert heard
    /// puts a deadline off, and a system call for each is too many, as is a wake-up for nothing.
    ///
    /// The expiry is never read from the descriptor: its edge has woken the loop, and setting the timer again clears it.
    fn arm(&mut self, now: Instant, deadline: Instant) {
        let armed = self.armed.filter(|armed| *armed > now);
        if armed.is_some_and(|armed| may_stay(now, armed, deadline)) {
            return;
        }
        let zero = Timespec { tv_sec: 0, tv_nsec: 0 };
        let value = Itimerspec { it_interval: zero, it_value: to_timespec(deadline) };
        match timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &value) {
            Ok(_) => self.armed = Some(deadline),
            // Refused are only times that are none, and descriptors that are no timers.
            Err(error) => tracing::error!(%error, "the timer cannot be set"),
        }
    }
}

impl Clock for TimerFd {
    fn now(&self) -> Instant {
        monotonic_now()
    }

    /// Looks at the time whenever the loop wakes, for whatever reason.
    async fn sleep_until(&mut self, deadline: Option<Instant>) {
        poll_fn(|_| {
            let Some(deadline) = deadline else { return Poll::Pending };
            let now = monotonic_now();
            if deadline <= now {
                return Poll::Ready(());
            }
            self.arm(now, deadline);
            Poll::Pending
        })
        .await
    }
}

/// Whether a timer that fires too early for `deadline` has farther to go until then than it is too early: until it is
/// near, `deadline` may have been put off many times.
fn may_stay(now: Instant, armed: Instant, deadline: Instant) -> bool {
    armed <= deadline && armed.saturating_duration_since(now) >= deadline.saturating_duration_since(armed)
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

    /// 1,000 groups, an advert of one of them each millisecond, a deadline 3.6 s after the oldest: the timer must be set
    /// rarely, and never fire in vain.
    #[test]
    fn a_deadline_that_is_put_off_again_and_again_costs_neither_wake_ups_nor_system_calls() {
        let mut armed = Instant::from_millis(3_600);
        let mut set = 0;
        for advert in 0..60_000 {
            let now = Instant::from_millis(advert);
            let deadline = Instant::from_millis(advert + 2_600);
            assert!(armed > now, "fired in vain at {now}");
            if !may_stay(now, armed, deadline) {
                armed = deadline;
                set += 1;
            }
        }
        assert!((20..=60).contains(&set), "set {set} times in a minute");
    }

    #[test]
    fn a_deadline_before_the_timer_is_always_set() {
        let [now, armed, deadline] = [1, 3, 2].map(Instant::from_millis);
        assert!(!may_stay(now, armed, deadline));
    }

    #[test]
    fn a_time_before_the_origin_is_the_origin() {
        assert_eq!(micros(Timespec { tv_sec: -1, tv_nsec: 0 }), 0);
    }
}
