//! A growing list that one thread writes and others wait on.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Events in the order of their reading.
#[derive(Debug)]
pub(crate) struct Journal<T> {
    items: Mutex<Vec<T>>,
    grown: Condvar,
}

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self { items: Mutex::new(Vec::new()), grown: Condvar::new() }
    }
}

impl<T> Journal<T> {
    /// Appends and wakes those who wait.
    pub(crate) fn append(&self, items: impl IntoIterator<Item = T>) {
        self.lock().extend(items);
        self.grown.notify_all();
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Calls `look` with all items from number `from` on, now and each time that some are added, until it gives
    /// something or the time is up.
    pub(crate) fn wait_for<R>(
        &self,
        from: usize,
        timeout: Duration,
        mut look: impl FnMut(&[T]) -> Option<R>,
    ) -> Option<R> {
        let mut found = None;
        let guard = self.lock();
        let _ended = self.grown.wait_timeout_while(guard, timeout, |items| {
            found = look(items.get(from..).unwrap_or_default());
            found.is_none()
        });
        found
    }

    /// Runs `look` on all items from number `from` on.
    pub(crate) fn look<R>(&self, from: usize, look: impl FnOnce(&[T]) -> R) -> R {
        look(self.lock().get(from..).unwrap_or_default())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        // A writer only appends: what a panicking reader leaves is whole.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_with_what_is_found() {
        let journal = Journal::default();
        std::thread::scope(|scope| {
            scope.spawn(|| journal.append([1, 2, 3]));
            let found =
                journal.wait_for(1, Duration::from_secs(10), |items| items.iter().copied().find(|n| *n > 2));
            assert_eq!(found, Some(3));
        });
        assert_eq!(journal.wait_for(0, Duration::ZERO, |items| items.iter().copied().find(|n| *n > 3)), None);
    }
}
