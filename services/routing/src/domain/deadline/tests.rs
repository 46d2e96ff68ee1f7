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
fn of_waits_counts_what_is_after_day_0_and_each_day_once() {
    let calendar = &lists::shared().calendar;
    let at = |text: &str| format!("2026-06-{text}:00:00+08").parse::<Timestamp>().unwrap();
    for (waits, days) in [
        // Before the submission on the first of June, and from before it on.
        (&[("01T07", "01T08")][..], &[][..]),
        (&[("01T07", "03T09")][..], &[2][..]),
        // One in the other, in whatever order; one at the heels of the other.
        (&[("02T09", "05T09"), ("03T09", "04T09")], &[3]),
        (&[("03T09", "05T09"), ("02T09", "04T09")], &[3]),
        (&[("02T09", "03T09"), ("03T10", "05T09")], &[1, 2]),
    ] {
        let waits: Vec<_> = waits.iter().map(|(from, until)| (at(from), at(until))).collect();
        let deadline = due("2026-06-01T10:00:00+08", 10);
        let (_, moves) = moved(calendar, deadline, &waits, 0).unwrap();
        assert_eq!(moves.iter().map(|it| it.days).collect::<Vec<_>>(), days, "{waits:?}");
    }
    let long_ago = "2026-04-01T10:00:00+08".parse::<Timestamp>().unwrap();
    let before = [(long_ago, at("01T08"))];
    let deadline = due("2026-06-01T10:00:00+08", 10);
    assert_eq!(moved(calendar, deadline.clone(), &before, 0).unwrap(), (deadline, vec![]));
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
