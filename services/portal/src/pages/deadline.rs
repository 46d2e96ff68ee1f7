//! The deadline in words: whether it was met, how much is left, or by how much it has passed.

use jiff::{SignedDuration, Timestamp, civil::Date};
use liuyan_kit::clock;
use liuyan_proto::liuyan::common::v1::{Outcome, PublicCase};

use crate::{
    format::{When, day_of},
    pages::message::is_paused,
    visit::Visit,
};

/// A deadline as a page shows it.
#[derive(Debug)]
pub(crate) struct Deadline {
    /// The last day.
    pub(crate) day: When,
    /// What became of it.
    pub(crate) word: String,
    /// Its class in the stylesheet.
    pub(crate) class: &'static str,
}

/// What became of a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    /// An answer came in time.
    Met,
    /// An answer came so many days after it.
    AnsweredLate(i32),
    /// So many days are left; 0 is the last day.
    Left(i32),
    /// It passed so many days ago and there is no answer.
    Overdue(i32),
}

/// The deadline of a case; `None` if there is none, or the message was withdrawn.
pub(crate) fn of_case(v: &Visit, case: &PublicCase) -> Option<Deadline> {
    if case.outcome() == Outcome::Withdrawn {
        return None;
    }
    let until = clock::from_proto(case.deadline_at.as_ref()?)?;
    let first = case.replies.first().and_then(|reply| reply.replied_at.as_ref());
    let answered = first.and_then(clock::from_proto);
    let paused = answered.is_none() && is_paused(case);
    let (word, class) = match stand(until, answered, v.now()) {
        Stand::Left(_) | Stand::Overdue(_) if paused => (v.t("deadline-paused"), "plain"),
        Stand::Met => (v.t("deadline-met"), "replied"),
        Stand::AnsweredLate(days) => (v.t1("deadline-answered-late", "days", days), "late"),
        Stand::Left(0) => (v.t("deadline-today"), "awaiting"),
        Stand::Left(days) => (v.t1("deadline-left", "days", days), "plain"),
        Stand::Overdue(days) => (v.t1("deadline-overdue", "days", days), "late"),
    };
    Some(Deadline { day: v.day(case.deadline_at.as_ref())?, word, class })
}

/// The last day of what is due at the end of a day.
pub(crate) fn last_day(v: &Visit, due_at: Option<&prost_types::Timestamp>) -> Option<When> {
    let due = clock::from_proto(due_at?)?;
    let date = last_of(due);
    Some(When { iso: date.to_string(), text: v.date(date) })
}

/// The end of a day is a moment that belongs to the next.
fn last_of(until: Timestamp) -> Date {
    day_of(until.saturating_sub(SignedDuration::from_micros(1)).unwrap_or(until))
}

fn stand(until: Timestamp, answered: Option<Timestamp>, now: Timestamp) -> Stand {
    let last = last_of(until);
    let days = |time: Timestamp| day_of(time).since(last).map_or(0, |span| span.get_days());
    match answered {
        Some(at) if at <= until => Stand::Met,
        Some(at) => Stand::AnsweredLate(days(at).max(1)),
        None if now <= until => Stand::Left((-days(now)).max(0)),
        None => Stand::Overdue(days(now).max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_met_or_late_or_has_days_left() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // The end of 10 July in China.
        let until = at("2026-07-10T16:00:00Z");
        for (answered, now, expected) in [
            (Some("2026-07-10T15:59:59Z"), "2026-08-01T00:00:00Z", Stand::Met),
            (Some("2026-07-10T16:00:01Z"), "2026-08-01T00:00:00Z", Stand::AnsweredLate(1)),
            (Some("2026-07-13T02:00:00Z"), "2026-08-01T00:00:00Z", Stand::AnsweredLate(3)),
            (None, "2026-07-10T15:00:00Z", Stand::Left(0)),
            (None, "2026-07-03T15:00:00Z", Stand::Left(7)),
            (None, "2026-07-10T16:00:01Z", Stand::Overdue(1)),
            (None, "2026-08-10T02:00:00Z", Stand::Overdue(31)),
        ] {
            assert_eq!(stand(until, answered.map(at), at(now)), expected, "{answered:?} {now}");
        }
    }
}
