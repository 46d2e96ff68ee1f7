//! The cases whose events cannot be appended yet, because an object is damaged or routing's view is older
//! than they are. They are left out of what is appended next, so that however many they are, they stand in
//! nobody's way, and are tried again in rounds of their own.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;
use uuid::Uuid;

/// Which they are, as far as this process knows; another one finds out for itself.
#[derive(Debug, Default)]
pub struct Held(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    /// Whoever was tried last stands last.
    cases: VecDeque<Uuid>,
    tried_at: Option<Instant>,
}

impl Held {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them.
    pub fn all(&self) -> Vec<Uuid> {
        self.line().cases.iter().copied().collect()
    }

    /// Those that are to be tried now, so many at most: nobody before the last round was `rest` ago.
    pub fn next(&self, most: usize, rest: Duration) -> Vec<Uuid> {
        let mut line = self.line();
        if line.tried_at.is_some_and(|tried_at| tried_at.elapsed() < rest) {
            return Vec::new();
        }
        line.tried_at = Some(Instant::now());
        line.cases.iter().take(most).copied().collect()
    }

    /// Cases were tried, and some of them have to wait.
    pub fn tried(&self, cases: &[Uuid], waiting: &HashSet<Uuid>) {
        let mut line = self.line();
        let tried: HashSet<Uuid> = cases.iter().copied().collect();
        line.cases.retain(|case_id| !tried.contains(case_id));
        line.cases.extend(cases.iter().filter(|case_id| waiting.contains(case_id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_has_a_turn_and_leaves_when_it_went_well() {
        let held = Held::default();
        let cases: Vec<Uuid> = (0..5).map(Uuid::from_u128).collect();
        held.tried(&cases, &cases.iter().copied().collect());
        assert_eq!(held.next(2, Duration::ZERO), cases[..2]);
        assert!(held.next(2, Duration::from_secs(600)).is_empty(), "it was a moment ago");
        held.tried(&cases[..2], &cases[1..2].iter().copied().collect());
        assert_eq!(held.next(9, Duration::ZERO), [cases[2], cases[3], cases[4], cases[1]]);
        held.tried(&cases, &HashSet::new());
        assert!(held.all().is_empty());
    }
}
