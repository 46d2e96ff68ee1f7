//! Chance that repeats itself: SplitMix64.

/// Gives the same numbers for the same seed.
pub(crate) struct Random(u64);

impl Random {
    /// Begins anew.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or_default()
    }

    /// A number from `start` on, below `end`.
    pub(crate) fn within(&mut self, start: usize, end: usize) -> usize {
        start + self.below(end - start)
    }

    /// One of several.
    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// One character of a string.
    pub(crate) fn pick_char(&mut self, of: &str) -> char {
        let chars: Vec<char> = of.chars().collect();
        *self.pick(&chars)
    }

    /// So many digits.
    pub(crate) fn digits(&mut self, length: usize) -> String {
        (0..length).map(|_| self.pick_char("0123456789")).collect()
    }
}
