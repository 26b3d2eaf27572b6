//! Which of many things is due next: an indexed binary heap. Re-arming one costs a few swaps and no allocation.

use fhrp_election::Instant;

/// Numbers that say "not in the heap".
const ABSENT: usize = usize::MAX;

/// At most one deadline for each slot. Ties go to the lower slot, so that runs repeat exactly.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: Vec<(Instant, usize)>,
    /// slot -> place in `heap`, or `ABSENT`.
    places: Vec<usize>,
}

impl Deadlines {
    /// The earliest.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.heap.first().map(|(at, _)| *at)
    }

    /// The slot that is due at `now`, if any; it stays until it is set anew.
    pub(crate) fn due(&self, now: Instant) -> Option<usize> {
        self.heap.first().filter(|(at, _)| *at <= now).map(|(_, slot)| *slot)
    }

    /// Replaces the deadline of `slot`.
    pub(crate) fn set(&mut self, slot: usize, deadline: Option<Instant>) {
        if slot >= self.places.len() {
            self.places.resize(slot.saturating_add(1), ABSENT);
        }
        let place = self.places.get(slot).copied().unwrap_or(ABSENT);
        match (deadline, place) {
            (None, ABSENT) => {}
            (None, place) => self.remove(place),
            (Some(at), ABSENT) => {
                self.heap.push((at, slot));
                self.record(self.heap.len() - 1);
                self.sift_up(self.heap.len() - 1);
            }
            (Some(at), place) => {
                let Some(entry) = self.heap.get_mut(place) else { return };
                if entry.0 != at {
                    entry.0 = at;
                    let place = self.sift_up(place);
                    self.sift_down(place);
                }
            }
        }
    }

    fn remove(&mut self, place: usize) {
        let last = self.heap.len() - 1;
        self.swap(place, last);
        if let Some((_, slot)) = self.heap.pop()
            && let Some(at) = self.places.get_mut(slot)
        {
            *at = ABSENT;
        }
        if place < self.heap.len() {
            let place = self.sift_up(place);
            self.sift_down(place);
        }
    }

    fn sift_up(&mut self, mut place: usize) -> usize {
        while place > 0 {
            let parent = (place - 1) / 2;
            if self.heap.get(parent) <= self.heap.get(place) {
                break;
            }
            self.swap(parent, place);
            place = parent;
        }
        place
    }

    fn sift_down(&mut self, mut place: usize) {
        loop {
            let left = 2 * place + 1;
            let smaller = match (self.heap.get(left), self.heap.get(left + 1)) {
                (None, _) => break,
                (Some(a), Some(b)) if b < a => left + 1,
                (Some(_), _) => left,
            };
            if self.heap.get(place) <= self.heap.get(smaller) {
                break;
            }
            self.swap(place, smaller);
            place = smaller;
        }
    }

    fn swap(&mut self, a: usize, b: usize) {
        self.heap.swap(a, b);
        self.record(a);
        self.record(b);
    }

    fn record(&mut self, place: usize) {
        if let Some((_, slot)) = self.heap.get(place)
            && let Some(at) = self.places.get_mut(*slot)
        {
            *at = place;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_earliest_through_any_changes() {
        let mut queue = Deadlines::default();
        let mut model = std::collections::BTreeMap::new();
        let mut seed = 0x9e37_79b9_u64;
        for _ in 0..20_000 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let slot = usize::try_from(seed % 50).unwrap();
            let deadline = (seed & 0x300 != 0).then(|| Instant::from_micros(seed >> 40));
            queue.set(slot, deadline);
            match deadline {
                Some(at) => model.insert(slot, at),
                None => model.remove(&slot),
            };
            let expected = model.iter().map(|(slot, at)| (*at, *slot)).min();
            assert_eq!(queue.next(), expected.map(|(at, _)| at));
            let far = Instant::from_micros(u64::MAX);
            assert_eq!(queue.due(far), expected.map(|(_, slot)| slot));
        }
    }

    #[test]
    fn nothing_is_due_early() {
        let mut queue = Deadlines::default();
        queue.set(3, Some(Instant::from_micros(10)));
        assert_eq!(queue.due(Instant::from_micros(9)), None);
        assert_eq!(queue.due(Instant::from_micros(10)), Some(3));
    }
}
