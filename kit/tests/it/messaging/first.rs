//! First events of many subjects, and what the relay reads of events far apart.

use liuyan_kit::{
    clock,
    messaging::{
        Outgoing,
        outbox::{self, First},
        relay,
    },
};
use sqlx::PgConnection;

use super::helpers::{count, database, event, execute, now, say, subject};

/// Says first events as a statement does that makes their subjects. Gives how many.
async fn say_first(tx: &mut PgConnection, events: &[Outgoing]) -> Result<i64, sqlx::Error> {
    let First { event_ids, subject_ids, kinds, payloads, headers } = First::of(events, now());
    sqlx::query_scalar("select messaging.say_first($1, $2, $3, $4, $5, $6)")
        .bind(event_ids)
        .bind(subject_ids)
        .bind(kinds)
        .bind(payloads)
        .bind(headers)
        .bind(clock::to_db(now()))
        .fetch_one(tx)
        .await
}

/// First events are as those that are said one by one: numbered, in order, in rows of a hundred with their
/// bounds; and nobody says a second one that way.
#[tokio::test]
async fn first_events_are_said_as_others_are() {
    let db = database().await;
    let subjects: Vec<_> = (0..250).map(|_| subject()).collect();
    let first = |subjects: &[uuid::Uuid]| {
        let batch: Vec<_> =
            subjects.iter().map(|subject| Outgoing::new(*subject, &event("a"))).collect();
        db.write(move |tx| Box::pin(async move { say_first(tx, &batch).await }))
    };
    assert_eq!(first(&subjects).await.unwrap(), 250);
    say(&db, subjects[7], &["b"]).await;
    let mut connection = db.read().await.unwrap();
    let events = relay::unpublished(&mut connection, 1_000).await.unwrap().events;
    let said: Vec<_> = events.iter().map(|(event, _)| (event.subject_id, event.version)).collect();
    let each = subjects.iter().map(|subject| (*subject, 1)).chain([(subjects[7], 2)]);
    assert_eq!(said, each.collect::<Vec<_>>());
    let bounds = "select count(*) from messaging.waiting_batches
                  where first_id = (select event_id from unnest(event_ids) event_id order by 1 limit 1)
                    and last_id = (select event_id from unnest(event_ids) event_id order by 1 desc limit 1)";
    assert_eq!(count(&db, bounds).await, 4);

    let again = first(&subjects[249..]).await.unwrap_err();
    assert_eq!(again.as_database_error().and_then(|it| it.constraint()), Some("subjects_pkey"));
    assert_eq!(count(&db, "select count(*) from messaging.outbox").await, 251);
}

/// Events that are said again may lie far apart: what lies between them is not carried with them.
#[tokio::test]
async fn of_events_far_apart_none_is_missed_and_none_between_is_taken() {
    let db = database().await;
    let batch: Vec<_> = (0..50).map(|_| Outgoing::new(subject(), &event("a"))).collect();
    let mut ids = db
        .write(move |tx| Box::pin(async move { outbox::publish_all(tx, now(), &batch).await }))
        .await
        .unwrap();
    ids.sort_unstable();
    let wait = format!(
        "delete from messaging.waiting_batches;
         select messaging.wait_for_bus(array['{}', '{}', '{}']::uuid[])",
        ids[49], ids[0], ids[20]
    );
    execute(&db, &wait).await;
    let mut connection = db.read().await.unwrap();
    let waiting = relay::unpublished(&mut connection, 10).await.unwrap().events;
    let told: Vec<_> = waiting.iter().map(|(event, _)| event.event_id).collect();
    assert_eq!(told, [ids[49], ids[0], ids[20]]);
}
