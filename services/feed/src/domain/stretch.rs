//! Stretches of the log: so many positions in a row, whose payloads are rows at first, then one object,
//! and at the end nothing.

use std::ops::Range;

use jiff::Timestamp;

/// A stretch of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stretch {
    /// Its first position.
    pub first: i64,
    /// Its last position.
    pub last: i64,
    /// Counts the changes of its payloads.
    pub changes: i64,
    /// The object in which its payloads are; `None` while they are rows.
    pub manifest: Option<Manifest>,
}

/// What is known of the object of a stretch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// Its name.
    pub object: String,
    /// Its size.
    pub bytes: i64,
    /// Its SHA-256.
    pub digest: Vec<u8>,
    /// How many events it holds.
    pub events: i64,
    /// The exclusive or of the lower halves of their ids.
    pub hash: i64,
    /// When the first one was recorded.
    pub first_recorded_at: Timestamp,
    /// When the last one was recorded.
    pub last_recorded_at: Timestamp,
    /// Where its parts begin, in order.
    pub parts: Vec<Part>,
}

/// A part of an object that can be read alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The first position in it.
    pub position: i64,
    /// Its first byte.
    pub offset: i64,
}

impl Manifest {
    /// Which part holds a position, and which bytes of the object that is; `None` if none does.
    pub fn part_of(&self, position: i64) -> Option<(usize, Range<u64>)> {
        let index = self.parts.partition_point(|part| part.position <= position).checked_sub(1)?;
        Some((index, self.bytes_of(index)?))
    }

    /// Which bytes of the object a part is.
    pub fn bytes_of(&self, index: usize) -> Option<Range<u64>> {
        let from = self.parts.get(index)?.offset;
        let until = self.parts.get(index + 1).map_or(self.bytes, |next| next.offset);
        Some(u64::try_from(from).ok()?..u64::try_from(until).ok()?)
    }
}

/// The stretches that are to be begun so that the log has room up to `position`, if the last one ends at
/// `end` and each has `events` positions.
pub fn needed(end: i64, position: i64, events: i64) -> Vec<(i64, i64)> {
    let mut stretches = Vec::new();
    let mut end = end;
    while end < position {
        stretches.push((end + 1, end + events.max(1)));
        end += events.max(1);
    }
    stretches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_position_is_in_one_part() {
        let parts = [(11, 0), (15, 100), (18, 250)]
            .map(|(position, offset)| Part { position, offset })
            .into();
        let manifest = Manifest {
            object: String::new(),
            bytes: 300,
            digest: Vec::new(),
            events: 10,
            hash: 0,
            first_recorded_at: Timestamp::UNIX_EPOCH,
            last_recorded_at: Timestamp::UNIX_EPOCH,
            parts,
        };
        assert_eq!(manifest.part_of(10), None);
        assert_eq!(manifest.part_of(11), Some((0, 0..100)));
        assert_eq!(manifest.part_of(14), Some((0, 0..100)));
        assert_eq!(manifest.part_of(15), Some((1, 100..250)));
        assert_eq!(manifest.part_of(20), Some((2, 250..300)));
        assert_eq!(manifest.bytes_of(3), None);
    }

    #[test]
    fn stretches_follow_each_other_without_a_gap() {
        assert_eq!(needed(0, 0, 4), []);
        assert_eq!(needed(0, 1, 4), [(1, 4)]);
        assert_eq!(needed(4, 4, 4), []);
        assert_eq!(needed(4, 13, 4), [(5, 8), (9, 12), (13, 16)]);
    }
}
