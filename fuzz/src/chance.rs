//! Mutations without a fuzzer: a generator of pseudo-random numbers and what it does to an input.

/// The same numbers for the same seed, everywhere.
pub struct Chance(u64);

impl Chance {
    /// Begins with `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// splitmix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to `end` - 1; 0 where that is none.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    /// Any octet.
    pub fn octet(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// That many octets.
    pub fn octets(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.octet()).collect()
    }

    /// One of `seeds`, changed in one to four places; of other inputs, pieces.
    pub fn mutated(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let Some(seed) = seeds.get(self.below(seeds.len())) else { return self.octets(64) };
        let mut input = seed.clone();
        for _ in 0..=self.below(4) {
            self.change(&mut input, seeds);
        }
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(input.len());
        match (self.below(8), input.get_mut(at)) {
            (0 | 1, Some(octet)) => *octet ^= 1 << self.below(8),
            (2, Some(octet)) => *octet = self.octet(),
            (3, Some(octet)) => *octet = [0, 1, 0x7f, 0x80, 0xfe, 0xff][self.below(6)],
            (4, _) => input.truncate(at),
            (5, _) => {
                let count = 1 + self.below(8);
                let piece = self.octets(count);
                input.splice(at..at, piece);
            }
            (6, _) => {
                let end = (at + 1 + self.below(8)).min(input.len());
                input.drain(at..end);
            }
            (_, _) => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len());
                let until = (from + 1 + self.below(64)).min(other.len());
                input.splice(at..at, other[from..until].iter().copied());
            }
        }
    }
}
