//! Reading a stretch of the log.

use std::sync::Arc;

use jiff::Timestamp;

use super::App;
use crate::{
    domain::{Entry, Facts, PageLimits, cursor::Cursor, filter::Filter},
    error::Error,
    store,
};

/// Positions that are looked through at a time, at most and at least: small rows, so that a selective filter is
/// cheap, and not many more than the page has room for.
const LOOKED_AT: (i64, i64) = (1_000, 50);
/// How many events one is chosen of until it is known better.
const ONE_OF: i64 = 4;
/// Positions that are looked through at a time for the newest events of cases.
const FACTS_WINDOW: i64 = 1_000;

/// A stretch of the log as a filter sees it.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The events that were chosen.
    pub entries: Vec<Arc<Entry>>,
    /// The position up to which the log was looked at.
    pub position: i64,
    /// When the event at that position was recorded; `None` if none was looked at.
    pub recorded_at: Option<Timestamp>,
}

/// Chooses events until a limit is reached, and remembers how far it looked.
struct Picker<'a> {
    filter: &'a Filter,
    /// Whether cases are chosen, and not events.
    cases: bool,
    limits: PageLimits,
    events: usize,
    bytes: usize,
    after: i64,
    position: i64,
    recorded_at: Option<Timestamp>,
    full: bool,
}

impl<'a> Picker<'a> {
    fn new(after: i64, filter: &'a Filter, limits: PageLimits) -> Self {
        Self {
            filter,
            cases: false,
            limits,
            events: 0,
            bytes: 0,
            after,
            position: after,
            recorded_at: None,
            full: false,
        }
    }

    /// Whether the next event of the log belongs to the page. Once the page is full, the event is
    /// left for the next one.
    fn picks(&mut self, facts: &Facts) -> bool {
        if self.full || facts.position > self.end() {
            self.full = true;
            return false;
        }
        let chosen =
            if self.cases { self.filter.chooses_case(facts) } else { self.filter.chooses(facts) };
        if chosen {
            let bytes = self.bytes + facts.payload_bytes;
            let over = self.events > 0 && bytes > self.limits.bytes;
            if over || self.events >= self.limits.events {
                self.full = true;
                return false;
            }
            self.events += 1;
            self.bytes = bytes;
        }
        self.position = facts.position;
        self.recorded_at = Some(facts.recorded_at);
        chosen
    }

    /// The last position that may be looked at.
    fn end(&self) -> i64 {
        self.after.saturating_add(i64::try_from(self.limits.scanned).unwrap_or(i64::MAX))
    }

    /// How many positions are to be looked through next, by how many were chosen of those before.
    fn next_look(&self) -> i64 {
        let (most, least) = LOOKED_AT;
        let count = |events: usize| i64::try_from(events).unwrap_or(i64::MAX);
        let room = count(self.limits.events - self.events);
        let looked = self.position - self.after;
        let one_of = match (self.filter.chooses_all(), looked) {
            (true, _) => 1,
            (_, 0) => ONE_OF,
            (_, looked) => looked / count(self.events).max(1) + 1,
        };
        room.saturating_mul(one_of).clamp(least, most)
    }

    fn page(self, entries: Vec<Arc<Entry>>) -> Page {
        Page { entries, position: self.position, recorded_at: self.recorded_at }
    }
}

impl App {
    /// Reads the log after a position, up to another: from memory if the newest events suffice,
    /// from the database otherwise.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn page(
        &self,
        after: i64,
        until: i64,
        filter: &Filter,
        limits: PageLimits,
    ) -> Result<Page, Error> {
        let head = self.head();
        if after < head.before_oldest() {
            // It was kept when the reader began.
            return Err(Error::CursorExpired(Cursor::at(&head, head.before_oldest())));
        }
        if after >= until {
            return Ok(Page { position: after, ..Page::default() });
        }
        let mut picker = Picker::new(after, filter, limits);
        let recent = self.tail.recent(after, until, |entries| {
            let mut chosen = Vec::new();
            for entry in entries {
                if picker.picks(&entry.facts) {
                    chosen.push(Arc::clone(entry));
                }
                if picker.full {
                    break;
                }
            }
            chosen
        });
        match recent {
            Some(entries) => Ok(picker.page(entries)),
            None => self.stored_page(Picker::new(after, filter, limits), until).await,
        }
    }

    /// Reads the snapshot of the log at a position, after an event of it: the newest event up to there of
    /// each case that is on show.
    ///
    /// # Errors
    /// If the database or the objects fail.
    pub async fn snapshot_page(
        &self,
        given: i64,
        of: i64,
        filter: &Filter,
        limits: PageLimits,
    ) -> Result<Page, Error> {
        let given = given.max(self.head().before_oldest()).min(of);
        let mut picker = Picker { cases: true, ..Picker::new(given, filter, limits) };
        let mut chosen = Vec::new();
        let mut looked = given;
        let mut connection = self.db.read().await?;
        while !picker.full && looked < of {
            // By windows of positions, so that one look never goes through years of a log.
            let until = of.min(looked + FACTS_WINDOW);
            let facts = store::log::newest_facts(&mut connection, looked, until, of).await?;
            chosen.extend(facts.into_iter().filter(|facts| picker.picks(facts)));
            if !picker.full {
                looked = until;
                picker.position = until;
                picker.full |= picker.events >= limits.events
                    || until - given >= i64::try_from(limits.scanned).unwrap_or(i64::MAX);
            }
        }
        drop(connection);
        let entries = self.shelf.entries(chosen).await?;
        Ok(picker.page(entries.into_iter().map(Arc::new).collect()))
    }

    async fn stored_page(&self, mut picker: Picker<'_>, until: i64) -> Result<Page, Error> {
        let mut connection = self.db.read().await?;
        let coarse = picker.filter.coarse();
        let end = until.min(picker.end());
        let mut chosen = Vec::new();
        while !picker.full && picker.position < end {
            let until = end.min(picker.position + picker.next_look());
            let facts =
                store::log::coarse_facts(&mut connection, picker.position, until, &coarse).await?;
            if facts.last().is_none_or(|last| last.position < until) {
                break;
            }
            chosen.extend(facts.into_iter().filter(|facts| picker.picks(facts)));
            picker.full |= picker.events >= picker.limits.events;
        }
        // Objects may be slow; the connection is others' meanwhile.
        drop(connection);
        let entries = self.shelf.entries(chosen).await?;
        Ok(picker.page(entries.into_iter().map(Arc::new).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Holder;

    fn facts(position: i64, kind: &str, payload_bytes: usize) -> Facts {
        Facts {
            position,
            recorded_at: Timestamp::from_second(position).unwrap(),
            event_type: String::new(),
            holder: Holder::default(),
            former: None,
            kind: kind.to_owned(),
            domain: String::new(),
            state: 0,
            restricted: false,
            accuses: false,
            payload_bytes,
        }
    }

    fn pick(filter: &Filter, limits: PageLimits, log: &[Facts]) -> (Vec<i64>, i64) {
        let mut picker = Picker::new(0, filter, limits);
        let picked = log.iter().filter(|facts| picker.picks(facts));
        let positions = picked.map(|facts| facts.position).collect();
        (positions, picker.position)
    }

    #[test]
    fn a_page_ends_at_the_first_limit_and_leaves_nothing_out() {
        let log: Vec<_> = (1..=5).map(|position| facts(position, "a", 10)).collect();
        let all = Filter::default();
        let limits = PageLimits { events: 9, bytes: 100, scanned: 9 };
        let table = [
            (limits, vec![1, 2, 3, 4, 5], 5),
            (PageLimits { events: 2, ..limits }, vec![1, 2], 2),
            (PageLimits { bytes: 25, ..limits }, vec![1, 2], 2),
            (PageLimits { bytes: 1, ..limits }, vec![1], 1),
            (PageLimits { scanned: 3, ..limits }, vec![1, 2, 3], 3),
        ];
        for (limits, picked, position) in table {
            assert_eq!(pick(&all, limits, &log), (picked, position), "{limits:?}");
        }
    }

    #[test]
    fn the_position_moves_over_what_is_not_wanted() {
        let wanted = crate::domain::filter::Clause {
            kinds: std::collections::HashSet::from(["b".to_owned()]),
            ..Default::default()
        };
        let filter = Filter::new(vec![wanted]).unwrap();
        let log: Vec<_> = [(1, "a"), (2, "b"), (3, "a"), (4, "b"), (5, "a")]
            .map(|(position, kind)| facts(position, kind, 1))
            .into();
        let limits = PageLimits { events: 1, bytes: 10, scanned: 10 };
        assert_eq!(pick(&filter, limits, &log), (vec![2], 3));
        assert_eq!(pick(&filter, PageLimits { scanned: 1, ..limits }, &log), (vec![], 1));
    }
}
