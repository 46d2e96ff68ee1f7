//! Hearing: positions, parking, order, repetition.

use liuyan_kit::messaging::consumer::Settled;

use super::helpers::{
    LIMIT, Log, consumer, count, database, effects, envelope, hear, now, relay, say, settled,
    stranger, subject,
};

#[tokio::test]
async fn a_duplicate_is_acknowledged_and_not_handled() {
    let db = database().await;
    let consumer = consumer(&Log::default());
    let event = envelope(subject(), 1, "a");
    let first = consumer.deliver(&db, now(), std::slice::from_ref(&event)).await.unwrap();
    assert_eq!(first, Settled { applied: 1, parked: 0, known: 0 });
    // The crash came between effect and acknowledgement: it is delivered again.
    let second = consumer.deliver(&db, now(), &[event.clone(), event]).await.unwrap();
    assert_eq!(second.applied, 0);
    assert_eq!(count(&db, "select count(*) from effects").await, 1);
    assert_eq!(count(&db, "select count::bigint from messaging.digests").await, 1);
}

#[tokio::test]
async fn a_crash_between_effect_and_acknowledgement_doubles_nothing() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    say(&db, subject, &["a", "b"]).await;
    // The effects are committed, and the service dies before it acknowledges them.
    let events: Vec<_> = {
        let mut connection = db.read().await.unwrap();
        let waiting = liuyan_kit::messaging::relay::unpublished(&mut connection, 10).await.unwrap();
        waiting.events.into_iter().map(|(event, _)| event).collect()
    };
    consumer(&Log::default()).deliver(&heard, now(), &events).await.unwrap();
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    say(&db, subject, &["c"]).await;
    settled(&heard, subject, 3).await;
}

#[tokio::test]
async fn an_early_event_waits_for_its_predecessor() {
    let db = database().await;
    let consumer = consumer(&Log::default());
    let subject = subject();
    let events: Vec<_> = (1..=4).map(|version| envelope(subject, version, "a")).collect();
    let early = consumer.deliver(&db, now(), &[events[3].clone(), events[1].clone()]).await;
    assert_eq!(early.unwrap(), Settled { applied: 0, parked: 2, known: 0 });
    // Version 2 was parked and comes again: it is not counted a second time.
    consumer.deliver(&db, now(), &[events[1].clone()]).await.unwrap();
    assert_eq!(count(&db, "select sum(count)::bigint from messaging.digests").await, 2);
    // The missing one drains its successor, up to the next gap.
    let first = consumer.deliver(&db, now(), &[events[0].clone()]).await.unwrap();
    assert_eq!(first.applied, 2);
    let rest = consumer.deliver(&db, now(), &[events[2].clone()]).await.unwrap();
    assert_eq!(rest.applied, 2);
    assert_eq!(effects(&db).await[&subject], [1, 2, 3, 4]);
    assert_eq!(count(&db, "select count(*) from messaging.parked").await, 0);
    assert_eq!(count(&db, "select sum(count)::bigint from messaging.digests").await, 4);
}

#[tokio::test]
async fn a_batch_in_any_order_takes_effect_in_order() {
    let db = database().await;
    let consumer = consumer(&Log::default());
    let subject = subject();
    let mut events: Vec<_> = (1..=5).map(|version| envelope(subject, version, "a")).collect();
    events.reverse();
    consumer.deliver(&db, now(), &events).await.unwrap();
    assert_eq!(effects(&db).await[&subject], [1, 2, 3, 4, 5]);
}

#[tokio::test]
async fn a_type_that_nobody_handles_only_moves_the_position() {
    let db = database().await;
    let consumer = consumer(&Log::default());
    let subject = subject();
    let mut unknown = envelope(subject, 1, "a");
    unknown.kind = "liuyan.intake.v1.not-yet-invented".to_owned();
    consumer.deliver(&db, now(), &[unknown, envelope(subject, 2, "a")]).await.unwrap();
    assert_eq!(effects(&db).await[&subject], [2]);
    assert_eq!(count(&db, "select version from messaging.positions").await, 2);
    assert_eq!(count(&db, "select count::bigint from messaging.digests").await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_consumers_of_one_service_race_for_neighbouring_versions() {
    let db = database().await;
    let log = Log::default();
    let (one, two) = (consumer(&log), consumer(&log));
    for _ in 0..60 {
        let subject = subject();
        // Versions 1 and 2 find no position to lock, 3 and 4 find one.
        for version in [1, 3] {
            let first = [envelope(subject, version, "a")];
            let second = [envelope(subject, version + 1, "a")];
            let (left, right) =
                tokio::join!(one.deliver(&db, now(), &first), two.deliver(&db, now(), &second));
            let applied = left.unwrap().applied + right.unwrap().applied;
            assert_eq!(applied, 2, "both took effect, whoever came first");
        }
        assert_eq!(effects(&db).await[&subject], [1, 2, 3, 4]);
    }
    assert_eq!(count(&db, "select count(*) from messaging.parked").await, 0);
}

#[tokio::test]
async fn an_event_of_the_bus_that_is_none_of_ours_is_put_aside() {
    let heard = database().await;
    let server = liuyan_local::testing::nats().await;
    let db = database().await;
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    let subject = subject();
    say(&db, subject, &["a"]).await;
    settled(&heard, subject, 1).await;
    let stranger = stranger(server.url()).await;
    stranger.publish("liuyan.intake.v1.message-submitted", "no headers".into()).await.unwrap();
    stranger.flush().await.unwrap();
    say(&db, subject, &["b"]).await;
    settled(&heard, subject, 2).await;
    liuyan_kit::testing::eventually("the stranger is a dead letter", LIMIT, || async {
        let dead = "select count(*) from messaging.dead_letters where state = 'dead'";
        (count(&heard, dead).await == 1).then_some(())
    })
    .await;
}
