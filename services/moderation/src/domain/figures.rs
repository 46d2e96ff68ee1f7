//! How much waits for moderators, and how long that may take.

use jiff::{SignedDuration, Timestamp};

/// The day of the board begins so many seconds before midnight UTC: China Standard Time.
const CHINA: i64 = 8 * 3600;
/// Seconds of a day.
const DAY: i64 = 24 * 3600;

/// What waits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// Reviews that wait for a moderator, with appeals.
    pub waiting: u32,
    /// Appeals among them.
    pub appeals: u32,
    /// Those that nobody holds.
    pub unclaimed: u32,
    /// Those whose time is nearly over.
    pub near: u32,
    /// Those whose time is over.
    pub overdue: u32,
    /// Samples of what the rules would have passed.
    pub sampled: u32,
    /// When the oldest message that waits was submitted.
    pub oldest: Option<Timestamp>,
}

/// How much one moderator has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Issuer and subject.
    pub moderator: String,
    /// How many reviews they hold.
    pub holding: u32,
    /// How many they decided today.
    pub decided_today: u32,
}

/// From when on reviews take longer than usual.
#[derive(Debug, Clone, Copy)]
pub struct Marks {
    /// More than so many wait.
    pub reviews: u32,
    /// The oldest has waited for longer.
    pub age: SignedDuration,
}

/// Whether reviews take longer than usual, and how many hours a message may wait.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Whether they do.
    pub backlog: bool,
    /// How many hours a message that needs a person may wait, at least one.
    pub expected_hours: u32,
}

impl Backlog {
    /// What follows from what waits and from how many were decided in the last day. If nobody decided
    /// anything, the next message is expected to wait as long as the oldest has.
    pub fn of(waiting: &Waiting, decided_in_a_day: i64, marks: Marks, now: Timestamp) -> Self {
        let age = waiting.oldest.map_or(SignedDuration::ZERO, |at| now.duration_since(at));
        let hours = if decided_in_a_day > 0 {
            (i64::from(waiting.waiting) * 24 + decided_in_a_day - 1) / decided_in_a_day
        } else {
            (age.as_secs() + 3599) / 3600
        };
        Self {
            backlog: waiting.waiting > marks.reviews || age > marks.age,
            expected_hours: u32::try_from(hours.max(1)).unwrap_or(u32::MAX),
        }
    }
}

/// When the day began, in China.
pub fn day_began(now: Timestamp) -> Timestamp {
    let seconds = now.as_second() + CHINA;
    let began = seconds - seconds.rem_euclid(DAY) - CHINA;
    Timestamp::from_second(began).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_is_told_by_number_or_age_with_the_hours_to_wait() {
        let now: Timestamp = "2026-05-04T08:00:00Z".parse().unwrap();
        let marks = Marks { reviews: 100, age: SignedDuration::from_hours(72) };
        let waiting = |waiting, hours| Waiting {
            waiting,
            oldest: Some(now - SignedDuration::from_hours(hours)),
            ..Waiting::default()
        };
        for (waiting, decided, backlog, expected_hours) in [
            (Waiting::default(), 0, false, 1),
            (waiting(100, 72), 50, false, 48),
            (waiting(101, 1), 50, true, 49),
            (waiting(3, 73), 0, true, 73),
        ] {
            let expected = Backlog { backlog, expected_hours };
            assert_eq!(Backlog::of(&waiting, decided, marks, now), expected, "{waiting:?}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_in_china() {
        let began = |at: &str| day_began(at.parse().unwrap()).to_string();
        assert_eq!(began("2026-05-04T15:59:59Z"), "2026-05-03T16:00:00Z");
        assert_eq!(began("2026-05-04T16:00:00Z"), "2026-05-04T16:00:00Z");
    }
}
