//! What could not be worked on because an object cannot be read. Each waits for itself alone, is named by the
//! readiness, and is tried again after a while.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use jiff::Timestamp;
use uuid::Uuid;

/// So many are named; the rest is counted.
const NAMED: usize = 5;

/// Who is in trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// The stretch that begins at a position: it stays as it is.
    Stretch(i64),
    /// A case that is to be taken back, or whose text changed: its events wait to be appended.
    Case(Uuid),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stretch(first) => write!(f, "the stretch from {first} on"),
            Self::Case(case_id) => write!(f, "the case {case_id}"),
        }
    }
}

/// What is known of those that are.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<BTreeMap<Of, (String, Timestamp)>>);

impl Troubles {
    fn all(&self) -> MutexGuard<'_, BTreeMap<Of, (String, Timestamp)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes why it could not be worked on, and when to try again.
    pub fn note(&self, of: Of, why: String, again_at: Timestamp) {
        self.all().insert(of, (why, again_at));
    }

    /// It went well.
    pub fn end(&self, of: Of) {
        self.all().remove(&of);
    }

    /// The stretches, by their first positions, that are not to be tried now.
    pub fn resting(&self, now: Timestamp) -> Vec<i64> {
        let all = self.all();
        let resting = all.iter().filter(|(_, (_, again_at))| *again_at > now);
        resting
            .filter_map(|(of, _)| match of {
                Of::Stretch(first) => Some(*first),
                Of::Case(_) => None,
            })
            .collect()
    }

    /// All of them in words; `None` if there are none.
    pub fn told(&self) -> Option<String> {
        let all = self.all();
        let named = all.iter().take(NAMED).map(|(of, (why, _))| format!("{of}: {why}"));
        let mut text = named.collect::<Vec<_>>().join("; ");
        if let Some(others @ 1..) = all.len().checked_sub(NAMED) {
            text = format!("{text}; and {others} more");
        }
        (!text.is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rests_for_its_time_and_is_named_until_it_went_well() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let troubles = Troubles::default();
        assert_eq!(troubles.told(), None);
        troubles.note(Of::Stretch(1), "gone".to_owned(), later);
        troubles.note(Of::Stretch(9), "gone".to_owned(), now);
        troubles.note(Of::Case(Uuid::nil()), "gone".to_owned(), later);
        assert_eq!(troubles.resting(now), [1]);
        assert!(troubles.resting(later).is_empty());
        assert!(troubles.told().unwrap().starts_with("the stretch from 1 on: gone; "));
        troubles.end(Of::Stretch(1));
        assert!(!troubles.told().unwrap().contains("from 1 on"));
        (20..30).for_each(|first| troubles.note(Of::Stretch(first), String::new(), now));
        assert!(troubles.told().unwrap().ends_with("; and 7 more"), "{:?}", troubles.told());
    }
}
