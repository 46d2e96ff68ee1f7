//! The rules approve, or hold.

use std::{sync::Arc, time::Duration};

use jiff::SignedDuration;
use liuyan_kit::testing::eventually;
use liuyan_proto::liuyan::moderation::v1::{MessageApproved, Passing};

use crate::helpers::{CLEAN, HELD, a_message, bench, bench_with, config};

#[tokio::test]
async fn a_clean_message_passes_and_one_with_a_phone_number_is_held() {
    let bench = bench().await;
    let clean = bench.submit(&a_message(CLEAN)).await;
    let held = bench.submit(&a_message(HELD)).await;
    bench.screen().await;
    assert_eq!(
        (bench.state(clean).await, bench.state(held).await),
        ("approved".into(), "held".into())
    );
    let said = bench.said::<MessageApproved>().await;
    assert_eq!(said.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [clean]);
    let review = bench.claim("ann", held).await;
    assert_eq!(review.hits.len(), 1);
    let span = review.hits[0].span.unwrap();
    assert_eq!((review.hits[0].rule.as_str(), span.start, span.end), ("mobile", 12, 23));
    assert!(bench.public(&[held]).await.is_empty());
    assert_eq!(bench.intake.purposes()[0], "screening");
}

#[tokio::test]
async fn an_office_may_want_a_person_to_read_everything_or_nothing() {
    let bench = bench().await;
    let office = a_message(CLEAN).event.office_id;
    bench.choose(&office, Passing::Nobody).await;
    let id = bench.submit(&a_message(CLEAN)).await;
    bench.screen().await;
    assert_eq!(bench.state(id).await, "held");
    bench.choose(&office, Passing::Everybody).await;
    bench.approved(&a_message(CLEAN)).await;

    let strict = bench_with(liuyan_moderation::Config { default_pass: false, ..config() }).await;
    let id = strict.submit(&a_message(CLEAN)).await;
    strict.screen().await;
    assert_eq!(strict.state(id).await, "held");
}

#[tokio::test]
async fn a_text_that_is_not_there_yet_is_asked_for_again() {
    let bench = bench().await;
    let message = a_message(CLEAN);
    let id = message.event.message_id.parse().unwrap();
    bench.hear(vec![bench.event(id, &message.event)]).await;
    assert_eq!(bench.app.screen_some().await.unwrap(), 1);
    assert_eq!(bench.app.screen_some().await.unwrap(), 0, "not at once");
    bench.after(SignedDuration::from_secs(2));
    assert_eq!(bench.app.screen_some().await.unwrap(), 1);
    bench.after(SignedDuration::from_secs(2));
    assert_eq!(bench.app.screen_some().await.unwrap(), 0, "later each time");
    bench.intake.keep(message.text);
    bench.after(SignedDuration::from_secs(2));
    bench.screen().await;
    assert_eq!(bench.state(id).await, "approved");
}

#[tokio::test]
async fn while_intake_is_away_messages_wait_and_nothing_is_lost() {
    let bench = bench().await;
    let id = bench.submit(&a_message(CLEAN)).await;
    bench.intake.away(true);
    assert!(bench.app.screen_some().await.is_err());
    assert_eq!(bench.state(id).await, "screening");
    bench.intake.away(false);
    bench.screen().await;
    assert_eq!(bench.state(id).await, "approved");
}

#[tokio::test]
async fn a_round_that_crashed_is_taken_up_when_its_lease_ends() {
    let bench = bench().await;
    let id = bench.submit(&a_message(CLEAN)).await;
    // What a worker does before it dies.
    bench
        .db
        .write(|tx| {
            Box::pin(async move {
                sqlx::query_scalar::<_, i32>(
                    "update reviews set due_at = due_at + interval '60 seconds' returning revision",
                )
                .fetch_one(tx)
                .await
            })
        })
        .await
        .unwrap();
    assert_eq!(bench.app.screen_some().await.unwrap(), 0);
    bench.after(SignedDuration::from_secs(60));
    bench.screen().await;
    assert_eq!(bench.state(id).await, "approved");
}

#[tokio::test]
async fn parallel_workers_approve_each_message_once() {
    let config = liuyan_moderation::Config { screening_batch: 16, ..config() };
    let bench = Arc::new(bench_with(config).await);
    let messages: Vec<_> = (0..200).map(|_| a_message(CLEAN)).collect();
    bench.submit_all(&messages).await;
    let workers = (0..4).map(|_| {
        let bench = Arc::clone(&bench);
        tokio::spawn(async move { bench.screen().await })
    });
    for worker in workers.collect::<Vec<_>>() {
        worker.await.unwrap();
    }
    assert_eq!(bench.said::<MessageApproved>().await.len(), 200);
    assert_eq!(bench.count("select count(*) from reviews where state = 'approved'").await, 200);
    assert_eq!(bench.count("select max(version) from messaging.subjects").await, 1);
}

#[tokio::test]
async fn a_message_withdrawn_while_the_rules_read_it_is_not_approved() {
    let bench = Arc::new(bench().await);
    let id = bench.submit(&a_message(CLEAN)).await;
    let held_back = bench.intake.hold_back().await;
    let screening = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.screen().await }
    });
    let asked = || async { (!bench.intake.purposes().is_empty()).then_some(()) };
    eventually("intake was asked", Duration::from_secs(10), asked).await;
    bench.withdraw(id).await;
    drop(held_back);
    screening.await.unwrap();
    assert_eq!(bench.state(id).await, "withdrawn");
    assert!(bench.said::<MessageApproved>().await.is_empty());
}

#[tokio::test]
async fn what_was_read_counts_only_for_the_revision_that_was_read() {
    let bench = Arc::new(bench().await);
    let id = bench.submit(&a_message(CLEAN)).await;
    let held_back = bench.intake.hold_back().await;
    let screening = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.app.screen_some().await.unwrap() }
    });
    let asked = || async { (!bench.intake.purposes().is_empty()).then_some(()) };
    eventually("intake was asked", Duration::from_secs(10), asked).await;
    // Its lease ended meanwhile, and others sent the message back and got a mended one.
    bench
        .db
        .write(|tx| {
            Box::pin(async move {
                sqlx::query_scalar::<_, i32>("update reviews set revision = 2 returning revision")
                    .fetch_one(tx)
                    .await
            })
        })
        .await
        .unwrap();
    drop(held_back);
    screening.await.unwrap();
    assert_eq!(bench.state(id).await, "screening");
}
