//! Days, in the only time zone of the board.

use jiff::{Timestamp, civil::Date, tz::Offset};

/// China Standard Time: eight hours ahead of UTC all year. It has known no summer time since 1992,
/// so a fixed offset is exact for every date that this board can see.
const CHINA: Offset = Offset::constant(8);

/// The day of a moment.
pub fn of(at: Timestamp) -> Date {
    CHINA.to_datetime(at).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_in_beijing() {
        let day = |text: &str| of(text.parse().unwrap()).to_string();
        assert_eq!(day("2026-05-01T15:59:59Z"), "2026-05-01");
        assert_eq!(day("2026-05-01T16:00:00Z"), "2026-05-02");
    }
}
