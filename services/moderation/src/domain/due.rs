//! By when moderators decide.

use jiff::{SignedDuration, Timestamp};

/// Whether a review is in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Due {
    /// There is time.
    InTime,
    /// The time is nearly over.
    Near,
    /// The time is over.
    Overdue,
}

impl Due {
    /// How a review stands that is to be decided by `decide_by`; `near` is how long before that it is
    /// marked.
    pub fn of(decide_by: Timestamp, now: Timestamp, near: SignedDuration) -> Self {
        if now >= decide_by {
            Self::Overdue
        } else if decide_by.duration_since(now) <= near {
            Self::Near
        } else {
            Self::InTime
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_is_near_and_then_overdue() {
        let end = Timestamp::UNIX_EPOCH;
        let hours = SignedDuration::from_hours;
        for (before, due) in [
            (7, Due::InTime),
            (6, Due::Near),
            (1, Due::Near),
            (0, Due::Overdue),
            (-1, Due::Overdue),
        ] {
            assert_eq!(Due::of(end, end - hours(before), hours(6)), due, "{before}");
        }
    }
}
