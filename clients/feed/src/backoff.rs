//! How long to wait before the next try.

use std::{
    hash::{BuildHasher as _, RandomState},
    time::Duration,
};

/// The wait after the first failure, at most.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait that we choose ourselves; the board may ask for a longer one.
const LONGEST: Duration = Duration::from_secs(30);
/// The longest wait that the board may ask for.
const MOST: Duration = Duration::from_secs(300);

/// Waits that double with every failure, each somewhere in the upper half, so that a thousand readers do
/// not come back in the same moment.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// What went well ends the row of failures.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }

    /// How often it failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// The wait after one more failure; not shorter than what the board `asks` for.
    pub(crate) fn next(&mut self, asks: Option<Duration>) -> Duration {
        let most = FIRST.saturating_mul(1 << self.failures.min(10)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let own = most.mul_f64(0.5 + self.chance() / 2.0);
        match asks.map(|asks| asks.min(MOST)) {
            // Up to a tenth more, so that who was told the same does not come at the same moment.
            Some(asks) if asks > own => asks.mul_f64(1.0 + self.chance() / 10.0),
            _ => own,
        }
    }

    /// From 0 to 1. Good enough to spread readers; nothing secret depends on it.
    fn chance(&self) -> f64 {
        let random = RandomState::new().hash_one(self.failures);
        f64::from(u32::try_from(random >> 32).unwrap_or_default()) / f64::from(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_bounded() {
        let mut backoff = Backoff::default();
        let waits: Vec<Duration> = (0..20).map(|_| backoff.next(None)).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST, "{waits:?}");
        assert!(waits[4] >= FIRST * 8, "{waits:?}");
        assert!(waits.iter().all(|wait| *wait <= LONGEST), "{waits:?}");
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }

    #[test]
    fn the_board_may_ask_for_more_and_not_for_an_hour() {
        let asks = Duration::from_secs(10);
        let wait = Backoff::default().next(Some(asks));
        assert!(wait >= asks && wait <= asks + asks / 10, "{wait:?}");
        let wait = Backoff::default().next(Some(Duration::from_secs(3_600)));
        assert!(wait <= MOST + MOST / 10, "{wait:?}");
    }
}
