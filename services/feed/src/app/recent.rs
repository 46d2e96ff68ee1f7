//! The newest events, kept in memory once for all streams of the process.

use std::{collections::VecDeque, sync::Arc};

use crate::domain::Entry;

/// The newest events without gaps, as many as the limits allow.
#[derive(Debug)]
pub struct Recent {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    most_events: usize,
    most_bytes: usize,
}

impl Recent {
    /// Holds nothing yet.
    pub fn new(most_events: usize, most_bytes: usize) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, most_events, most_bytes }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes = 0;
    }

    /// Adds the next event. After a gap, what is before it is forgotten.
    pub fn push(&mut self, entry: Entry) {
        let next = self.entries.back().map(|last| last.facts.position + 1);
        if next.is_some_and(|next| next != entry.facts.position) {
            self.clear();
        }
        self.bytes += entry.payload.len();
        self.entries.push_back(Arc::new(entry));
        while self.entries.len() > self.most_events || self.bytes > self.most_bytes {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.payload.len();
        }
    }

    /// The events after a position up to another, if all of them are here.
    pub fn between(&self, after: i64, until: i64) -> Option<impl Iterator<Item = &Arc<Entry>>> {
        let first = self.entries.front()?.facts.position;
        let last = self.entries.back()?.facts.position;
        if after + 1 < first || last < until {
            return None;
        }
        let skipped = usize::try_from(after + 1 - first).ok()?;
        let wanted = usize::try_from(until - after).ok()?;
        Some(self.entries.iter().skip(skipped).take(wanted))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use jiff::Timestamp;

    use super::*;
    use crate::domain::{Facts, Holder};

    fn entry(position: i64) -> Entry {
        let facts = Facts {
            position,
            recorded_at: Timestamp::UNIX_EPOCH,
            event_type: String::new(),
            holder: Holder::default(),
            former: None,
            kind: String::new(),
            domain: String::new(),
            state: 0,
            restricted: false,
            accuses: false,
            payload_bytes: 10,
        };
        Entry { facts, payload: Bytes::from_static(&[0; 10]) }
    }

    fn between(recent: &Recent, after: i64, until: i64) -> Option<Vec<i64>> {
        let entries = recent.between(after, until)?;
        Some(entries.map(|entry| entry.facts.position).collect())
    }

    #[test]
    fn it_gives_a_stretch_only_if_it_has_all_of_it() {
        let mut recent = Recent::new(3, 1_000);
        assert_eq!(between(&recent, 0, 1), None);
        (1..=5).for_each(|position| recent.push(entry(position)));
        assert_eq!(between(&recent, 2, 5), Some(vec![3, 4, 5]));
        assert_eq!(between(&recent, 3, 4), Some(vec![4]));
        assert_eq!(between(&recent, 1, 5), None);
        assert_eq!(between(&recent, 4, 6), None);
    }

    #[test]
    fn a_gap_makes_it_begin_anew() {
        let mut recent = Recent::new(9, 1_000);
        [1, 2, 7].into_iter().for_each(|position| recent.push(entry(position)));
        assert_eq!(between(&recent, 6, 7), Some(vec![7]));
        assert_eq!(between(&recent, 1, 7), None);
    }

    #[test]
    fn it_holds_no_more_bytes_than_allowed() {
        let mut recent = Recent::new(9, 25);
        (1..=5).for_each(|position| recent.push(entry(position)));
        assert_eq!(between(&recent, 3, 5), Some(vec![4, 5]));
        assert_eq!(between(&recent, 2, 5), None);
    }
}
