//! Stretches of a file.

use std::ops::Range;

use super::{Fault, broken};

/// How many stretches are kept. Tracks take turns, a second or less each: an hour of pictures and
/// sounds has some ten thousand.
const MOST: usize = 500_000;

/// Stretches of a file that are used.
#[derive(Debug, Default)]
pub(super) struct Spans(Vec<Range<u64>>);

impl Spans {
    /// Adds one.
    ///
    /// # Errors
    /// It ends nowhere, or there are too many of them.
    pub(super) fn add(&mut self, start: u64, length: u64) -> Result<(), Fault> {
        let end = start.checked_add(length).ok_or_else(broken)?;
        if length == 0 {
            return Ok(());
        }
        match self.0.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.0.push(start..end),
        }
        if self.0.len() >= MOST {
            self.join();
            // Half of it must be free again, or they would be joined at every step.
            if self.0.len() > MOST / 2 {
                return Err(broken());
            }
        }
        Ok(())
    }

    /// All of them in their order; none touches another.
    pub(super) fn sorted(mut self) -> Vec<Range<u64>> {
        self.join();
        self.0
    }

    fn join(&mut self) {
        self.0.sort_unstable_by_key(|it| it.start);
        self.0.dedup_by(|next, before| {
            let touch = next.start <= before.end;
            if touch {
                before.end = before.end.max(next.end);
            }
            touch
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Spans};

    #[test]
    fn stretches_that_touch_or_overlap_become_one() {
        let mut spans = Spans::default();
        for (start, length) in [(50, 10), (10, 5), (15, 5), (12, 2), (60, 1), (30, 0), (19, 3)] {
            spans.add(start, length).unwrap();
        }
        assert_eq!(spans.sorted(), [10..22, 50..61]);
        assert!(Spans::default().add(u64::MAX, 2).is_err());
    }

    #[test]
    fn there_may_be_only_so_many() {
        let (mut sparse, mut dense) = (Spans::default(), Spans::default());
        let first_refused = (0..).find(|at| sparse.add(at * 4, 2).is_err());
        assert_eq!(first_refused, Some(MOST as u64 - 1));
        // Six tracks that take turns are one stretch in the end.
        for track in 0..6 {
            for turn in 0..MOST as u64 / 5 {
                dense.add(turn * 12 + track * 2, 2).unwrap();
            }
        }
        assert_eq!(dense.sorted().len(), 1);
    }
}
