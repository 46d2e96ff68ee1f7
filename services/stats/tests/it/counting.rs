//! What is heard is counted once, in whatever order it comes.

use jiff::SignedDuration;
use liuyan_kit::{
    clock::{Clock as _, to_proto},
    id,
    messaging::Envelope,
};
use liuyan_proto::liuyan::{
    intake::v1::MessageSubmitted,
    moderation::v1::{
        AppealDecided, AppealOutcome, DecisionAppealed, MessageApproved, MessageDeclined,
        MessageReturned, MessageWithdrawn,
    },
    routing::v1 as routing,
    stats::v1::{GroupBy, Slice},
};

use crate::helpers::{
    Bench, approved, at, bench, bench_with, case, case_of, closed, config, declined, message,
    office, opened, rated, replied, rows, submitted,
};

#[tokio::test]
async fn a_message_is_counted_through_its_whole_life() {
    let bench = bench().await;
    bench.directory().await;
    let id = bench.a_case(1, "350102-s").await;
    bench.say_case(id, &replied(case(id, "2026-07-08T02:00:00Z"))).await;
    bench.say_case(id, &rated(case(id, "2026-07-22T02:00:00Z"), 4)).await;
    bench.say_case(id, &closed(case(id, "2026-07-23T02:00:00Z"), 1)).await;
    bench.count().await;
    let indicators = [
        "received",
        "published",
        "replied",
        "reply_rate",
        "on_time_rate",
        "closed",
        "solved_rate",
        "satisfaction",
        "rating_coverage",
        "median_days",
        "p90_days",
    ];
    let expected = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 4.0, 1.0, 7.0, 7.0].map(Some);
    assert_eq!(bench.values(&indicators).await, expected);
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_verdict_and_a_case_that_come_before_their_message_are_counted_with_it() {
    let bench = bench().await;
    bench.directory().await;
    let id = message(1);
    bench.say_case(id, &opened(case(id, "2026-07-01T02:00:00Z"))).await;
    bench.say(id, &approved(id)).await;
    bench.count().await;
    assert_eq!(bench.number("select count(*) from tallies").await, 0);
    bench.say(id, &submitted(id)).await;
    bench.count().await;
    assert_eq!(bench.values(&["received", "published"]).await, [Some(1.0), Some(1.0)]);
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_message_from_another_system_counts_in_the_month_in_which_it_was_written() {
    let bench = bench().await;
    bench.directory().await;
    let id = message(1);
    let occurred_at = Some(to_proto(at("2019-12-31T16:30:00Z")));
    bench.say(id, &MessageSubmitted { occurred_at, ..submitted(id) }).await;
    bench.say_case(id, &opened(case(id, "2020-01-01T00:00:00Z"))).await;
    bench.say_case(id, &replied(case(id, "2020-01-05T00:00:00Z"))).await;
    bench.count().await;
    let months = bench.by("received", GroupBy::Month, Slice::default()).await;
    assert_eq!(months, rows(&[("2020-01", 1)]));
    assert_eq!(bench.values(&["median_days"]).await, [Some(4.0)]);
}

#[tokio::test]
async fn withdrawn_messages_count_as_such_before_and_after_approval() {
    let bench = bench().await;
    bench.directory().await;
    let early = message(1);
    bench.say(early, &submitted(early)).await;
    let withdrawn = MessageWithdrawn { message_id: early.to_string(), withdrawn_at: None };
    bench.say(early, &withdrawn).await;
    let late = bench.a_case(2, "350102-s").await;
    bench.say_case(late, &closed(case(late, "2026-07-03T00:00:00Z"), 7)).await;
    bench.count().await;
    let indicators = ["received", "withdrawn", "closed", "reply_rate", "on_time_rate"];
    let expected = [Some(2.0), Some(2.0), Some(1.0), Some(0.0), None];
    assert_eq!(bench.values(&indicators).await, expected);
    let outcomes = bench.by("closed", GroupBy::Outcome, Slice::default()).await;
    assert_eq!(outcomes, rows(&[("withdrawn", 1)]));
}

#[tokio::test]
async fn a_declined_message_has_its_ground_until_it_is_approved_after_all() {
    let bench = bench().await;
    bench.directory().await;
    let (one, other) = (message(1), message(2));
    for id in [one, other] {
        bench.say(id, &submitted(id)).await;
        let returned = MessageReturned { message_id: id.to_string(), ..MessageReturned::default() };
        bench.say(id, &returned).await;
    }
    bench.say(one, &declined(one, "abuse")).await;
    bench.say(other, &declined(other, "spam")).await;
    bench.count().await;
    let grounds = bench.by("declined", GroupBy::Ground, Slice::default()).await;
    assert_eq!(grounds, rows(&[("abuse", 1), ("spam", 1)]));
    bench.say(other, &approved(other)).await;
    bench.count().await;
    let grounds = bench.by("declined", GroupBy::Ground, Slice::default()).await;
    assert_eq!(grounds, rows(&[("abuse", 1)]));
    assert_eq!(bench.values(&["returned", "published"]).await, [Some(2.0), Some(1.0)]);
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn appeals_and_the_days_to_a_decision_are_counted() {
    let bench = bench().await;
    bench.directory().await;
    let decided = |day: &str| Some(to_proto(at(&format!("2026-07-{day}T05:00:00Z"))));
    for (number, day) in [(1, "01"), (2, "03"), (3, "06")] {
        let id = message(number);
        bench.say(id, &submitted(id)).await;
        let declined_at = decided(day);
        bench.say(id, &MessageDeclined { declined_at, ..declined(id, "abuse") }).await;
        let appealed =
            DecisionAppealed { message_id: id.to_string(), ..DecisionAppealed::default() };
        bench.say(id, &appealed).await;
    }
    let by_rules = message(4);
    bench.say(by_rules, &submitted(by_rules)).await;
    let passed =
        MessageApproved { by_rules: true, approved_at: decided("30"), ..approved(by_rules) };
    bench.say(by_rules, &passed).await;
    for (number, outcome) in [(1, AppealOutcome::Upheld), (2, AppealOutcome::Overturned)] {
        let id = message(number);
        let message_id = id.to_string();
        let ended =
            AppealDecided { message_id, outcome: outcome.into(), ..AppealDecided::default() };
        bench.say(id, &ended).await;
    }
    let published = MessageApproved { approved_at: decided("20"), ..approved(message(2)) };
    bench.say(message(2), &published).await;
    bench.count().await;
    let values = bench.values(&["appealed", "overturn_rate", "review_median_days"]).await;
    assert_eq!(values, [Some(3.0), Some(0.5), Some(2.0)], "the first decision counts");
    let grounds = bench.by("declined", GroupBy::Ground, Slice::default()).await;
    assert_eq!(grounds, rows(&[("abuse", 2)]), "one was published after all");
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_case_without_a_reply_is_overdue_as_soon_as_something_later_is_counted() {
    let bench = bench().await;
    bench.directory().await;
    let cases = [bench.a_case(1, "350102-s").await, bench.a_case(2, "350102-s").await];
    bench.say_case(cases[0], &replied(case(cases[0], "2026-07-05T00:00:00Z"))).await;
    bench.count().await;
    assert_eq!(bench.values(&["on_time_rate"]).await, [Some(1.0)]);
    bench.after(30).await;
    bench.count().await;
    assert_eq!(bench.values(&["on_time_rate"]).await, [Some(1.0)], "nothing was heard since");
    bench.say(message(3), &submitted(message(3))).await;
    bench.count().await;
    assert_eq!(bench.values(&["on_time_rate"]).await, [Some(0.5)]);
    assert_eq!(bench.differences().await, Vec::<String>::new());
    bench.say_case(cases[1], &replied(case(cases[1], "2026-07-31T00:00:00Z"))).await;
    bench.count().await;
    let values = bench.values(&["on_time_rate", "reply_rate", "p90_days"]).await;
    assert_eq!(values, [Some(0.5), Some(1.0), Some(30.0)]);
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_office_that_is_told_of_late_or_moves_takes_its_figures_along() {
    let bench = bench().await;
    bench.a_case(1, "350102-s").await;
    bench.count().await;
    let provinces = || bench.by("received", GroupBy::Division, Slice::default());
    assert_eq!(provinces().await, rows(&[("", 1)]));
    bench.directory().await;
    bench.count().await;
    assert_eq!(provinces().await, rows(&[("350000", 1)]));
    let moved = office("350102-s", &["110000", "110101"]);
    bench.say(id::of_name("office", "350102-s"), &moved).await;
    bench.count().await;
    assert_eq!(provinces().await, rows(&[("110000", 1)]));
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_divisions_of_an_office_follow_from_its_code_where_no_path_is_told() {
    let bench = bench().await;
    let put = routing::OfficePut { division_path: Vec::new(), ..office("350102-s", &["350102"]) };
    bench.say(id::of_name("office", "350102-s"), &put).await;
    bench.a_case(1, "350102-s").await;
    bench.count().await;
    let below = |code: &'static str| {
        bench.by("received", GroupBy::Division, crate::helpers::division(code))
    };
    assert_eq!(below("350000").await, rows(&[("350100", 1)]));
    assert_eq!(below("350100").await, rows(&[("350102", 1)]));
}

#[tokio::test]
async fn a_transferred_case_counts_for_the_office_that_has_it_now() {
    let bench = bench().await;
    bench.directory().await;
    let id = bench.a_case(1, "350102-s").await;
    let case = routing::CaseRef {
        office_id: "350200-g".into(),
        revision: 2,
        ..case(id, "2026-07-02T00:00:00Z")
    };
    let from_office_id = "350102-s".into();
    bench.say_case(id, &routing::CaseTransferred { case: Some(case), from_office_id }).await;
    bench.count().await;
    let offices = bench.by("transfers", GroupBy::Office, Slice::default()).await;
    assert_eq!(offices, rows(&[("350200-g", 1)]));
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_refused_and_leaves_nothing() {
    let bench = bench().await;
    let id = message(1);
    let broken = MessageSubmitted { submitted_at: None, ..submitted(id) };
    assert!(!bench.try_hear(vec![bench.event(id, &broken)]).await);
    let unknown = bench.event(case_of(id), &replied(case(id, "2026-07-05T00:00:00Z")));
    assert!(!bench.try_hear(vec![unknown]).await, "nobody told of its case");
    assert_eq!(bench.number("select count(*) from pending").await, 0);
    let rated = bench.a_case(2, "350102-s").await;
    let wrong =
        bench.event(case_of(rated), &crate::helpers::rated(case(rated, "2026-07-05T00:00:00Z"), 6));
    assert!(!bench.try_hear(vec![wrong]).await, "no mark is six");
}

/// Some messages, and all that is ever said of them, source by source.
fn stories(bench: &Bench) -> Vec<Vec<Envelope>> {
    let mut queues = Vec::new();
    for number in 0..6 {
        let id = message(number);
        let moment = "2026-07-02T00:00:00Z";
        let visibility = if number == 3 { 2 } else { 1 };
        let accused = if number == 4 { vec!["350102-s".to_owned()] } else { Vec::new() };
        let told = |at: &str| routing::CaseRef {
            visibility,
            accused_office_ids: accused.clone(),
            ..case(id, at)
        };
        let event = MessageSubmitted { visibility, ..submitted(id) };
        queues.push(vec![bench.event(id, &event)]);
        if number == 5 {
            queues.push(vec![bench.event(id, &declined(id, "abuse"))]);
            continue;
        }
        let mut decision = approved(id);
        decision.accused_office_ids = accused.clone();
        queues.push(vec![bench.event(id, &decision)]);
        let subject = case_of(id);
        queues.push(vec![
            bench.event(subject, &opened(told(moment))),
            bench.event(subject, &replied(told("2026-07-06T00:00:00Z"))),
            bench.event(subject, &rated(told("2026-07-21T00:00:00Z"), 3)),
            bench.event(subject, &closed(told("2026-07-22T00:00:00Z"), 2)),
        ]);
    }
    for put in [
        office("350102-s", &["350000", "350100", "350102"]),
        office("350200-g", &["350000", "350200"]),
    ] {
        queues.push(vec![bench.event(id::of_name("office", &put.office_id), &put)]);
    }
    queues
}

/// Hears everything, in an order that `seed` decides, counting and repeating now and then.
async fn tell(seed: u64) -> Vec<String> {
    let bench = bench().await;
    let mut queues = stories(&bench);
    let mut state = seed;
    let mut next = |below: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    while !queues.is_empty() {
        let at = next(queues.len());
        let event = queues[at].remove(0);
        if queues[at].is_empty() {
            queues.swap_remove(at);
        }
        bench.hear(vec![event.clone()]).await;
        if next(3) == 0 {
            bench.hear(vec![event]).await;
        }
        if next(4) == 0 {
            bench.count().await;
            assert_eq!(bench.differences().await, Vec::<String>::new(), "in between, seed {seed}");
        }
    }
    bench.count().await;
    assert_eq!(bench.differences().await, Vec::<String>::new(), "seed {seed}");
    bench.tallies().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_order_of_sources_and_duplicates_make_no_difference() {
    let first = tell(1).await;
    assert!(!first.is_empty());
    for seed in 2..8 {
        assert_eq!(tell(seed).await, first, "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_writers_and_a_busy_board_do_no_harm() {
    let small = liuyan_stats::Config { count_batch: 7, ..config() };
    let bench = std::sync::Arc::new(bench_with(small).await);
    bench.directory().await;
    let writers = (0..3).map(|_| {
        let bench = std::sync::Arc::clone(&bench);
        tokio::spawn(async move {
            let mut rounds = 0;
            while rounds < 200 {
                rounds += bench.app.count_some().await.unwrap().events.max(1);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    for number in 0..60 {
        bench.a_case(number, "350102-s").await;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    bench.count().await;
    assert_eq!(bench.values(&["received", "published"]).await, [Some(60.0), Some(60.0)]);
    assert_eq!(bench.differences().await, Vec::<String>::new());
}

#[tokio::test]
async fn the_time_of_the_last_counted_event_never_goes_back() {
    let bench = bench().await;
    bench.directory().await;
    bench.a_case(1, "350102-s").await;
    bench.count().await;
    let until = || async {
        let query = crate::helpers::query(&["received"], GroupBy::Unspecified, Slice::default());
        bench.ask(query).await.counted_until
    };
    let before = until().await;
    assert_eq!(before, Some(to_proto(at("2026-07-01T08:00:00Z"))));
    bench.after(-5).await;
    bench.a_case(2, "350102-s").await;
    bench.count().await;
    assert_eq!(until().await, before);
    assert_eq!(bench.values(&["received"]).await, [Some(2.0)]);
}

#[tokio::test]
async fn other_rules_count_everything_again() {
    let bench = bench().await;
    bench.directory().await;
    bench.a_case(1, "350102-s").await;
    bench.count().await;
    let before = bench.tallies().await;
    bench.meddle("truncate tallies, ground_tallies, counted; update heads set rules = 0;").await;
    bench.app.apply_rules().await.unwrap();
    bench.count().await;
    assert_eq!(bench.tallies().await, before);
    bench.app.apply_rules().await.unwrap();
    assert_eq!(bench.number("select count(*) from pending").await, 0, "once is enough");
}

/// Whether the board's one case counts as overdue, and up to when is counted.
async fn overdue(bench: &Bench) -> (i64, jiff::Timestamp) {
    let query = crate::helpers::query(&["on_time_rate"], GroupBy::Unspecified, Slice::default());
    let answer = bench.ask(query).await;
    let until = liuyan_kit::clock::from_proto(&answer.counted_until.unwrap()).unwrap();
    // Nobody has replied.
    (answer.rows[0].values[0].denominator, until)
}

#[tokio::test]
async fn a_clock_that_is_ahead_makes_no_case_overdue() {
    let bench = bench().await;
    bench.directory().await;
    bench.a_case(1, "350102-s").await;
    let id = message(2);
    let ahead = bench.clock.now() + SignedDuration::from_hours(24 * 400);
    bench.hear(vec![Envelope { at: ahead, ..bench.event(id, &submitted(id)) }]).await;
    bench.count().await;
    assert_eq!(overdue(&bench).await, (0, bench.clock.now()));
    assert_eq!(bench.differences().await, Vec::<String>::new());
    bench.after(12).await;
    let id = message(3);
    bench.say(id, &submitted(id)).await;
    bench.count().await;
    assert_eq!(overdue(&bench).await, (1, bench.clock.now()));
}

#[tokio::test]
async fn when_everything_is_counted_again_no_time_is_kept_that_is_still_to_come() {
    let bench = bench().await;
    bench.directory().await;
    bench.a_case(1, "350102-s").await;
    bench.count().await;
    // An older program believed a clock that was ahead.
    bench.meddle("update heads set counted_until = '2027-08-01', as_of = '2027-08-01'").await;
    bench.meddle("truncate tallies, ground_tallies, counted; update heads set rules = 0").await;
    bench.app.apply_rules().await.unwrap();
    bench.count().await;
    assert_eq!(overdue(&bench).await, (0, bench.clock.now()));
    assert_eq!(bench.differences().await, Vec::<String>::new());
}
