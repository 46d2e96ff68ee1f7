//! What the author thinks of a reply.

use jiff::{SignedDuration, Timestamp};

/// For how long a rating may be changed, from when it was first given.
pub const CHANGEABLE_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// In groups of how many ratings are told: what a figure was before and after one of them says nothing
/// of that one.
pub const GROUP: i64 = 5;

/// The labels, the best first.
pub const LABELS: [&str; 5] =
    ["very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied"];

/// A rating in three dimensions, 1 to 5 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rating {
    resolution: i16,
    attitude: i16,
    speed: i16,
}

impl Rating {
    /// A rating; `Err` names the dimensions that are not 1 to 5.
    ///
    /// # Errors
    /// The names of the fields.
    pub fn new(resolution: u32, attitude: u32, speed: u32) -> Result<Self, Vec<&'static str>> {
        let dimensions = [("resolution", resolution), ("attitude", attitude), ("speed", speed)];
        let wrong: Vec<_> = dimensions
            .iter()
            .filter(|(_, v)| !(1..=5).contains(v))
            .map(|(name, _)| *name)
            .collect();
        match [resolution, attitude, speed].map(i16::try_from) {
            [Ok(resolution), Ok(attitude), Ok(speed)] if wrong.is_empty() => {
                Ok(Self { resolution, attitude, speed })
            }
            _ => Err(wrong),
        }
    }

    /// How far the matter was resolved.
    pub fn resolution(self) -> i16 {
        self.resolution
    }

    /// The office's attitude.
    pub fn attitude(self) -> i16 {
        self.attitude
    }

    /// Its speed.
    pub fn speed(self) -> i16 {
        self.speed
    }

    /// The label by the mean of the three: above 4, 3, 2, 1, or else. Reckoned with the sum, which
    /// knows no rounding.
    pub fn label(self) -> &'static str {
        match self.resolution + self.attitude + self.speed {
            13.. => "very_satisfied",
            10..=12 => "satisfied",
            7..=9 => "fairly_satisfied",
            4..=6 => "dissatisfied",
            _ => "very_dissatisfied",
        }
    }
}

/// What is first rated before this can no longer be changed at `now`.
pub fn final_before(now: Timestamp) -> Timestamp {
    now.saturating_sub(CHANGEABLE_FOR).unwrap_or(Timestamp::MIN)
}

/// Until when a rating that was first given at `rated_at` may be changed.
pub fn changeable_until(rated_at: Timestamp) -> Timestamp {
    rated_at.saturating_add(CHANGEABLE_FOR).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_follows_the_mean() {
        for (dimensions, label) in [
            ((5, 5, 5), "very_satisfied"),
            ((5, 4, 4), "very_satisfied"),
            ((4, 4, 4), "satisfied"),
            ((5, 4, 1), "satisfied"),
            ((3, 3, 3), "fairly_satisfied"),
            ((3, 2, 2), "fairly_satisfied"),
            ((2, 2, 2), "dissatisfied"),
            ((1, 1, 2), "dissatisfied"),
            ((1, 1, 1), "very_dissatisfied"),
        ] {
            let (resolution, attitude, speed) = dimensions;
            assert_eq!(
                Rating::new(resolution, attitude, speed).unwrap().label(),
                label,
                "{dimensions:?}"
            );
        }
    }

    #[test]
    fn every_dimension_that_is_wrong_is_named() {
        assert_eq!(Rating::new(0, 5, 6), Err(vec!["resolution", "speed"]));
        assert_eq!(Rating::new(3, u32::MAX, 3), Err(vec!["attitude"]));
    }
}
