//! A growing list that one thread writes and others wait on. Its beginning can be forgotten; numbers stay.

use std::{
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Events in the order of their reading.
#[derive(Debug)]
pub(crate) struct Journal<T> {
    items: Mutex<Items<T>>,
    grown: Condvar,
}

#[derive(Debug)]
struct Items<T> {
    /// Number of the first that is still there.
    first: usize,
    held: Vec<T>,
}

impl<T> Items<T> {
    /// All from number `from` on, as far as they are there.
    fn from(&self, from: usize) -> &[T] {
        self.held.get(from.saturating_sub(self.first)..).unwrap_or_default()
    }
}

impl<T> Default for Journal<T> {
    fn default() -> Self {
        Self { items: Mutex::new(Items { first: 0, held: Vec::new() }), grown: Condvar::new() }
    }
}

impl<T> Journal<T> {
    /// Appends and wakes those who wait.
    pub(crate) fn append(&self, items: impl IntoIterator<Item = T>) {
        self.lock().held.extend(items);
        self.grown.notify_all();
    }

    pub(crate) fn len(&self) -> usize {
        let items = self.lock();
        items.first + items.held.len()
    }

    /// Forgets all items before number `before`.
    pub(crate) fn forget(&self, before: usize) {
        let mut items = self.lock();
        let count = before.saturating_sub(items.first).min(items.held.len());
        items.held.drain(..count);
        items.first += count;
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
            found = look(items.from(from));
            found.is_none()
        });
        found
    }

    /// Runs `look` on all items from number `from` on.
    pub(crate) fn look<R>(&self, from: usize, look: impl FnOnce(&[T]) -> R) -> R {
        look(self.lock().from(from))
    }

    fn lock(&self) -> MutexGuard<'_, Items<T>> {
        // A writer only appends: what a panicking reader leaves is whole.
        self.items.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_when_the_beginning_is_forgotten() {
        let journal = Journal::default();
        journal.append([1, 2, 3, 4]);
        journal.forget(2);
        assert_eq!((journal.len(), journal.look(0, <[i32]>::to_vec)), (4, vec![3, 4]));
        assert_eq!(journal.look(3, <[i32]>::to_vec), [4]);
        journal.forget(9);
        journal.append([5]);
        assert_eq!((journal.len(), journal.look(4, <[i32]>::to_vec)), (5, vec![5]));
    }

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
