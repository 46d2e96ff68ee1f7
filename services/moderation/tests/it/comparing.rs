//! Messages are compared with earlier ones.

use jiff::SignedDuration;
use liuyan_kit::clock::{Clock as _, to_proto};
use liuyan_moderation::Config;
use liuyan_proto::liuyan::{
    intake::v1::MessageErased,
    moderation::v1::{Action, MessageApproved},
};
use uuid::Uuid;

use crate::helpers::{Bench, Message, a_message, bench_with, config};

const LAMP: &str = "The street lamp before number nine has been out for three weeks and nobody has come to mend it.";
const LAMP_AGAIN: &str = "The street lamp before number nine has been out for four weeks, and nobody has come to mend it!";
const BENCH: &str = "Buses stop at the library, but whoever waits there has to stand: please set up somewhere to sit.";

async fn comparing() -> Bench {
    bench_with(Config { compare_messages: true, ..config() }).await
}

fn written_by(author: &str, body: &str) -> Message {
    let mut message = a_message(body);
    message.event.author_id = author.into();
    message
}

/// Submits and screens; gives the id.
async fn screened(bench: &Bench, message: &Message) -> Uuid {
    let id = bench.submit(message).await;
    bench.screen().await;
    id
}

#[tokio::test]
async fn what_an_author_wrote_before_in_almost_the_same_words_is_held_and_names_the_first() {
    let bench = comparing().await;
    let first = written_by("ann", LAMP);
    let id = screened(&bench, &first).await;
    let other = screened(&bench, &written_by("ann", BENCH)).await;
    let again = screened(&bench, &written_by("ann", LAMP_AGAIN)).await;
    assert_eq!(bench.state(id).await, "approved");
    assert_eq!(bench.state(other).await, "approved");
    assert_eq!(bench.state(again).await, "held");
    let review = bench.claim("mod", again).await;
    assert_eq!(review.hits.len(), 1);
    let hit = &review.hits[0];
    assert_eq!((hit.rule.as_str(), &hit.like), ("near-duplicate", &first.event.number));
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn neighbours_may_write_the_same_until_they_are_a_crowd() {
    let bench = comparing().await;
    for at in 0..12 {
        let id = screened(&bench, &written_by(&format!("author {at}"), LAMP)).await;
        let expected = if at < 8 { "approved" } else { "held" };
        assert_eq!(bench.state(id).await, expected, "{at}");
    }
    let noted = "select count(*) from hits where action = 'note' and alike <> ''";
    assert_eq!(bench.count(noted).await, 7);
    assert_eq!(bench.said::<MessageApproved>().await.len(), 8);
    // What adds nothing is not kept.
    assert_eq!(bench.count("select count(*) from fingerprints").await, 8);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn copies_that_come_in_one_round_are_compared_with_each_other() {
    let bench = comparing().await;
    let copies: Vec<_> = (0..300).map(|_| written_by("", LAMP)).collect();
    bench.submit_all(&copies).await;
    bench.screen().await;
    assert_eq!(bench.count("select count(*) from reviews where state = 'approved'").await, 8);
    assert!(bench.count("select count(*) from fingerprints").await <= 16);
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn who_writes_more_than_a_person_writes_is_held() {
    let bench = comparing().await;
    let matters = [
        "A pothole on Mill Lane has grown so wide that cyclists swerve into traffic.",
        "Our kitchen tap gives brown water whenever it rains heavily upstream.",
        "Could evening classes in the school gymnasium finish before nine?",
        "Nobody empties those bins behind our market since the feast.",
        "An uprooted poplar leans against that kindergarten fence.",
        "Why does my pension statement omit two whole decades?",
        "Trucks thunder past this hospital all night long.",
        "We propose planting jujube shrubs along both canal banks.",
        "Stray hounds chase joggers every dawn near Quarry Hill.",
        "Smoke from an illegal kiln drifts over vineyards.",
        "Please clear out that flooded underpass by exit four.",
        "The registry lost my daughter's birth certificate.",
    ];
    for (at, body) in matters.iter().enumerate() {
        let mut message = written_by("ann", body);
        message.text.title = format!("{at}");
        let second = i64::try_from(at).unwrap();
        let submitted = bench.clock.now() + SignedDuration::from_secs(second);
        message.event.submitted_at = Some(to_proto(submitted));
        let id = screened(&bench, &message).await;
        let expected = if at < 10 { "approved" } else { "held" };
        assert_eq!(bench.state(id).await, expected, "{at}: {body}");
    }
    let other = screened(&bench, &written_by("bob", BENCH)).await;
    assert_eq!(bench.state(other).await, "approved");
}

#[tokio::test]
async fn what_was_withdrawn_is_no_reason_to_hold_the_next_try() {
    let bench = comparing().await;
    let body = format!("{LAMP} My number is 13800138000.");
    let id = screened(&bench, &written_by("ann", &body)).await;
    assert_eq!(bench.state(id).await, "held");
    bench.withdraw(id).await;
    let again = screened(&bench, &written_by("ann", LAMP)).await;
    assert_eq!(bench.state(again).await, "approved");
}

#[tokio::test]
async fn fingerprints_are_forgotten_after_ninety_days_and_with_their_message() {
    let bench = comparing().await;
    let first = screened(&bench, &written_by("ann", LAMP)).await;
    let second = screened(&bench, &written_by("ann", LAMP_AGAIN)).await;
    let alike = "select count(*) from hits where alike <> ''";
    assert_eq!(bench.count(alike).await, 1);
    let erased_at = Some(to_proto(bench.clock.now()));
    let event = MessageErased { message_id: first.to_string(), erased_at };
    bench.hear(vec![bench.event(first, &event)]).await;
    assert_eq!(bench.count(alike).await, 0);
    assert_eq!(bench.count("select count(*) from fingerprints").await, 1);
    assert!(bench.breaches().await.is_empty());

    bench.after(SignedDuration::from_hours(24 * 89));
    assert_eq!(bench.app.forget_some().await.unwrap(), 0);
    bench.after(SignedDuration::from_hours(24 * 2));
    assert_eq!(bench.app.forget_some().await.unwrap(), 1);
    assert_eq!(bench.count("select count(*) from fingerprints").await, 0);
    assert_eq!(bench.state(second).await, "held");
    assert!(bench.breaches().await.is_empty());
}

#[tokio::test]
async fn a_note_proposes_nothing() {
    let bench = comparing().await;
    screened(&bench, &written_by("ann", LAMP)).await;
    let id = screened(&bench, &written_by("bob", &format!("{LAMP} Call 13800138000."))).await;
    let review = bench.claim("mod", id).await;
    let actions: Vec<_> = review.hits.iter().map(|hit| (hit.rule.as_str(), hit.action())).collect();
    assert_eq!(actions, [("mobile", Action::Redact), ("near-duplicate", Action::Note)]);
}
