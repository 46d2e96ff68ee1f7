//! The one clock of the citizen: by when a message must be answered.
//!
//! The day of submission is day 0, whether or not it is worked; days are counted from the next one
//! on, and the deadline is the end of the last day. It is never reset.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};

use super::{
    calendar::{self, Calendar},
    directory::Level,
};

/// The longest term that a list may ask for, in days. The law's longest is 60 (Regulations on
/// Petitions, 2022); a walk of days stays short.
pub const MAX_DAYS: u32 = 366;

/// How long an office has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Term {
    /// How many days, 1 to [`MAX_DAYS`].
    pub days: u32,
    /// True if only working days count.
    pub working: bool,
}

/// What is used where no list says anything: seven working days.
const UNLISTED: Term = Term { days: 7, working: true };

/// What a term is for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The office; empty for offices without a term of their own.
    pub office_id: String,
    /// The kind; empty for kinds without a term of their own.
    pub kind: String,
    /// The level; none for levels without a term of their own.
    pub level: Option<Level>,
}

/// The terms by office, kind and level.
#[derive(Debug, Clone, Default)]
pub struct Terms(BTreeMap<Scope, Term>);

impl Terms {
    /// Terms by what they are for.
    pub fn new(terms: impl IntoIterator<Item = (Scope, Term)>) -> Self {
        Self(terms.into_iter().collect())
    }

    /// All of them, those for all offices first.
    pub fn iter(&self) -> impl Iterator<Item = (&Scope, Term)> {
        self.0.iter().map(|(scope, term)| (scope, *term))
    }

    /// The term of a kind for an office of a level: the most exact entry there is. What is for one office
    /// comes before what is for many.
    pub fn of(&self, kind: &str, level: Level, office_id: &str) -> Term {
        let scopes = [
            (office_id, kind, None),
            (office_id, "", None),
            ("", kind, Some(level)),
            ("", kind, None),
            ("", "", Some(level)),
            ("", "", None),
        ];
        // Without an office there is none to come before the others.
        let skipped = if office_id.is_empty() { 2 } else { 0 };
        let mut found = scopes.into_iter().skip(skipped).filter_map(|(office_id, kind, level)| {
            let (office_id, kind) = (office_id.to_owned(), kind.to_owned());
            self.0.get(&Scope { office_id, kind, level }).copied()
        });
        found.next().unwrap_or(UNLISTED)
    }
}

/// Why a day counts or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The day.
    pub day: Date,
    /// How many days are counted up to and with it.
    pub counted: u32,
    /// `submission`, `day`, or a code of [`calendar::DayKind`].
    pub reason: &'static str,
}

/// A deadline and how it came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// The end of the last day.
    pub at: Timestamp,
    /// The last day.
    pub on: Date,
    /// What was given.
    pub term: Term,
    /// False if some day was decided by the rule of Monday to Friday for want of an announcement.
    pub calendar_known: bool,
    /// Each day that was passed, the day of submission first.
    pub steps: Vec<Step>,
}

/// Computes the deadline of what was submitted at a moment. `None` at the end of time.
pub fn compute(calendar: &Calendar, term: Term, submitted_at: Timestamp) -> Option<Deadline> {
    let day = calendar::day_of(submitted_at);
    let mut steps = vec![Step { day, counted: 0, reason: "submission" }];
    let days = term.days.clamp(1, MAX_DAYS);
    let (on, calendar_known, walked) = walk(calendar, term.working, day, days)?;
    steps.extend(walked);
    Some(Deadline { at: calendar::end_of(on)?, on, term, calendar_known, steps })
}

/// Goes on from a day until so many days are counted: the last one, whether the calendar was published
/// for all of them, and each day that was passed.
fn walk(
    calendar: &Calendar,
    working: bool,
    mut day: Date,
    days: u32,
) -> Option<(Date, bool, Vec<Step>)> {
    let (mut counted, mut known, mut steps) = (0, true, Vec::new());
    while counted < days {
        day = calendar::next(day)?;
        let kind = calendar.kind(day);
        if working {
            known &= calendar.knows(day);
        }
        if !working || kind.is_worked() {
            counted += 1;
        }
        let reason = if working { kind.code() } else { "day" };
        steps.push(Step { day, counted, reason });
    }
    Some((day, known, steps))
}

/// By what a deadline was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// `wait` or `extension`.
    pub reason: &'static str,
    /// By how many counted days.
    pub days: u32,
    /// The last day after it.
    pub on: Date,
    /// Each day that was passed.
    pub steps: Vec<Step>,
}

/// The deadline after waits for the author that ended and an extension by some counted days, in this
/// order, and each of these. `None` at the end of time.
pub fn moved(
    calendar: &Calendar,
    deadline: Deadline,
    waits: &[(Timestamp, Timestamp)],
    extension: u32,
) -> Option<(Deadline, Vec<Move>)> {
    let working = deadline.term.working;
    let waits = waits.iter().map(|(from, until)| waited(calendar, working, *from, *until));
    let all = waits.map(|days| ("wait", days)).chain([("extension", extension)]);
    let (mut deadline, mut moves) = (deadline, Vec::new());
    for (reason, days) in all.filter(|(_, days)| *days > 0) {
        let (on, known, steps) = walk(calendar, working, deadline.on, days.min(MAX_DAYS))?;
        deadline.on = on;
        deadline.at = calendar::end_of(on)?;
        deadline.calendar_known &= known;
        moves.push(Move { reason, days, on, steps });
    }
    Some((deadline, moves))
}

/// Whether a day counts.
fn counts(calendar: &Calendar, working: bool, day: Date) -> bool {
    !working || calendar.kind(day).is_worked()
}

/// A deadline, and whether the calendar was published for all the days on the way to it.
pub type Later = (Timestamp, bool);

/// The deadline that is later by some counted days. `None` at the end of time.
pub fn later(
    calendar: &Calendar,
    working: bool,
    deadline_at: Timestamp,
    days: u32,
) -> Option<Later> {
    let (mut day, mut known) = (calendar::day_of(deadline_at), true);
    for _ in 0..days.min(MAX_DAYS) {
        day = calendar::next(day)?;
        while !counts(calendar, working, day) {
            day = calendar::next(day)?;
        }
        known &= !working || calendar.knows(day);
    }
    Some((calendar::end_of(day)?, known))
}

/// The day that lies some counted days before that of a moment. `None` at the beginning of time.
pub fn earlier(calendar: &Calendar, working: bool, moment: Timestamp, days: u32) -> Option<Date> {
    let mut day = calendar::day_of(moment);
    for _ in 0..days.min(MAX_DAYS) {
        day = calendar::previous(day)?;
        while !counts(calendar, working, day) {
            day = calendar::previous(day)?;
        }
    }
    Some(day)
}

/// How many counted days an office waited: as with submission, the day on which it began is not one
/// of them; that on which it ended is. At most [`MAX_DAYS`].
pub fn waited(calendar: &Calendar, working: bool, from: Timestamp, until: Timestamp) -> u32 {
    let (mut day, last) = (calendar::day_of(from), calendar::day_of(until));
    let mut waited = 0;
    while day < last && waited < MAX_DAYS {
        let Some(next) = calendar::next(day) else { break };
        day = next;
        waited += u32::from(counts(calendar, working, day));
    }
    waited
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::lists;

    fn working(days: u32) -> Term {
        Term { days, working: true }
    }

    #[test]
    fn what_moved_a_deadline_is_told_and_comes_to_the_same_as_the_cases_own_clock() {
        let calendar = &lists::shared().calendar;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let deadline = due("2026-09-28T10:00:00+08", 2);
        let first = deadline.at;
        let wait = (at("2026-09-29T09:00:00+08"), at("2026-10-08T09:00:00+08"));
        let (after, moves) = moved(calendar, deadline, &[wait], 3).unwrap();
        let told: Vec<_> = moves.iter().map(|it| (it.reason, it.days, it.on)).collect();
        assert_eq!(told, [("wait", 2, date(2026, 10, 9)), ("extension", 3, date(2026, 10, 13))]);
        let by_wait = later(calendar, true, first, 2).unwrap();
        assert_eq!(later(calendar, true, by_wait.0, 3).unwrap(), (after.at, true));
        assert_eq!(moves[0].steps.len(), 9, "each day of the holidays");
    }

    #[test]
    fn a_term_of_an_office_comes_before_those_for_all() {
        let scope = |office: &str, kind: &str, level| {
            let (office_id, kind) = (office.to_owned(), kind.to_owned());
            Scope { office_id, kind, level }
        };
        let terms = Terms::new([
            (scope("", "", None), working(1)),
            (scope("", "", Some(Level::City)), working(2)),
            (scope("", "help", None), working(3)),
            (scope("", "help", Some(Level::City)), working(4)),
            (scope("o", "", None), working(5)),
            (scope("o", "help", None), working(6)),
        ]);
        for (kind, level, office, days) in [
            ("thanks", Level::County, "", 1),
            ("thanks", Level::City, "", 2),
            ("help", Level::County, "", 3),
            ("help", Level::City, "p", 4),
            ("thanks", Level::City, "o", 5),
            ("help", Level::City, "o", 6),
        ] {
            assert_eq!(terms.of(kind, level, office).days, days, "{kind} {office}");
        }
        assert_eq!(Terms::default().of("enquiry", Level::City, "o"), UNLISTED);
    }

    fn due(submitted_at: &str, days: u32) -> Deadline {
        let lists = lists::shared();
        compute(&lists.calendar, working(days), submitted_at.parse().unwrap()).unwrap()
    }

    #[test]
    fn deadlines_around_the_long_holidays_are_these() {
        for (submitted_at, days, on) in [
            // A plain week: Monday to Monday.
            ("2026-06-01T10:00:00+08", 5, date(2026, 6, 8)),
            // Submitted on the Wednesday before 国庆 2026; the Saturday after it is worked.
            ("2026-09-30T23:59:59+08", 5, date(2026, 10, 13)),
            // The same moment one second later is the first day of the holiday: the same day 0 rule.
            ("2026-10-01T00:00:00+08", 5, date(2026, 10, 13)),
            ("2026-10-07T12:00:00+08", 1, date(2026, 10, 8)),
            ("2026-10-09T12:00:00+08", 1, date(2026, 10, 10)),
            // The make-up Sunday before, and 中秋 itself.
            ("2026-09-18T09:00:00+08", 5, date(2026, 9, 24)),
            ("2026-09-24T09:00:00+08", 1, date(2026, 9, 28)),
            // 国庆 and 中秋 together, 2025.
            ("2025-09-26T18:00:00+08", 1, date(2025, 9, 28)),
            ("2025-09-30T18:00:00+08", 7, date(2025, 10, 16)),
            // 春节 2026: worked on Saturday the 14th, off until the 23rd, worked on Saturday the 28th.
            ("2026-02-13T08:00:00+08", 1, date(2026, 2, 14)),
            ("2026-02-13T08:00:00+08", 2, date(2026, 2, 24)),
            ("2026-02-14T08:00:00+08", 5, date(2026, 2, 28)),
            ("2026-02-14T08:00:00+08", 7, date(2026, 3, 3)),
            // 春节 2025: Sunday, 26 January and Saturday, 8 February are worked.
            ("2025-01-25T08:00:00+08", 2, date(2025, 1, 27)),
            ("2025-01-27T08:00:00+08", 4, date(2025, 2, 8)),
        ] {
            let deadline = due(submitted_at, days);
            assert_eq!(deadline.on, on, "{submitted_at} + {days}");
            assert!(deadline.calendar_known);
        }
    }

    #[test]
    fn the_evening_in_greenwich_is_the_next_day_in_china() {
        assert_eq!(due("2026-06-01T16:00:00Z", 1).on, date(2026, 6, 3));
        assert_eq!(due("2026-06-01T15:59:59Z", 1).on, date(2026, 6, 2));
    }

    #[test]
    fn beyond_the_published_calendar_it_says_so() {
        let inside = due("2026-12-28T09:00:00+08", 3);
        assert!(inside.calendar_known);
        assert_eq!(inside.on, date(2026, 12, 31));
        let beyond = due("2026-12-28T09:00:00+08", 4);
        assert!(!beyond.calendar_known);
        assert_eq!(beyond.on, date(2027, 1, 1), "a Friday, for want of better knowledge");
        assert!(!due("1999-01-04T09:00:00+08", 1).calendar_known);
    }

    #[test]
    fn calendar_days_need_no_calendar() {
        let term = Term { days: 60, working: false };
        let deadline =
            compute(&Calendar::default(), term, "2026-01-01T00:00:00+08".parse().unwrap()).unwrap();
        assert_eq!(deadline.on, date(2026, 3, 2));
        assert!(deadline.calendar_known);
        assert!(deadline.steps[1..].iter().all(|step| step.reason == "day"));
    }

    #[test]
    fn each_step_is_told() {
        let told: Vec<_> = due("2026-10-09T09:00:00+08", 2)
            .steps
            .into_iter()
            .map(|step| format!("{} {} {}", step.day, step.counted, step.reason))
            .collect();
        assert_eq!(
            told,
            [
                "2026-10-09 0 submission",
                "2026-10-10 1 make_up_day",
                "2026-10-11 1 weekend",
                "2026-10-12 2 working_day"
            ]
        );
    }

    #[test]
    fn the_presets_are_those_of_the_readme() {
        let terms = &lists::shared().terms;
        for (kind, days) in
            [("enquiry", 5), ("suggestion", 5), ("complaint", 7), ("help", 7), ("thanks", 5)]
        {
            assert_eq!(terms.of(kind, Level::County, "130102-g"), working(days), "{kind}");
        }
    }

    #[test]
    fn a_wait_moves_the_deadline_by_the_worked_days_of_which_it_took_the_office() {
        let calendar = &lists::shared().calendar;
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let deadline = due("2026-06-01T10:00:00+08", 5);
        for (from, until, days, on) in [
            // Within a day: nothing.
            ("2026-06-02T09:00:00+08", "2026-06-02T17:00:00+08", 0, date(2026, 6, 8)),
            ("2026-06-02T09:00:00+08", "2026-06-03T08:00:00+08", 1, date(2026, 6, 9)),
            // Over a weekend.
            ("2026-06-05T09:00:00+08", "2026-06-08T08:00:00+08", 1, date(2026, 6, 9)),
            ("2026-06-05T09:00:00+08", "2026-06-12T08:00:00+08", 5, date(2026, 6, 15)),
        ] {
            let waited = waited(calendar, true, at(from), at(until));
            assert_eq!(waited, days, "{from} {until}");
            let (moved, known) = later(calendar, true, deadline.at, waited).unwrap();
            assert_eq!((calendar::day_of(moved), known), (on, true));
            assert_eq!(earlier(calendar, true, moved, waited), Some(deadline.on));
        }
        let beyond = due("2026-12-28T09:00:00+08", 3);
        assert!(!later(calendar, true, beyond.at, 1).unwrap().1, "nobody has announced 2027");
    }

    proptest! {
        #[test]
        fn what_is_moved_by_some_days_is_back_by_as_many(
            second in 1_167_609_600_i64..1_798_761_600, days in 0_u32..61, working in any::<bool>(),
        ) {
            let calendar = &lists::shared().calendar;
            let term = Term { days: 7, working };
            let first = compute(calendar, term, Timestamp::from_second(second).unwrap()).unwrap();
            let (moved, _) = later(calendar, working, first.at, days).unwrap();
            prop_assert!(moved >= first.at);
            prop_assert_eq!(earlier(calendar, working, moved, days), Some(first.on));
            prop_assert_eq!(waited(calendar, working, first.at, moved), days);
        }

        #[test]
        fn a_deadline_counts_exactly_its_days_and_ends_on_a_worked_one(
            second in 1_167_609_600_i64..1_830_297_600, days in 1_u32..61,
        ) {
            let lists = lists::shared();
            let at = Timestamp::from_second(second).unwrap();
            let deadline = compute(&lists.calendar, working(days), at).unwrap();
            let counted =
                deadline.steps[1..].iter().filter(|s| lists.calendar.kind(s.day).is_worked()).count();
            prop_assert_eq!(counted, days as usize);
            prop_assert!(lists.calendar.kind(deadline.on).is_worked());
            prop_assert!(deadline.at > at);
            prop_assert!(deadline.steps.windows(2).all(|w| calendar::next(w[0].day) == Some(w[1].day)));
            prop_assert_eq!(deadline.calendar_known, deadline.on.year() <= 2026 && deadline.steps[1].day.year() >= 2007);
        }

        #[test]
        fn a_later_submission_never_has_an_earlier_deadline(
            second in 1_167_609_600_i64..1_798_761_600, later in 0_i64..10_000_000,
        ) {
            let calendar = &lists::shared().calendar;
            let of = |second| compute(calendar, working(7), Timestamp::from_second(second).unwrap()).unwrap();
            prop_assert!(of(second).at <= of(second + later).at);
        }
    }
}
