//! Saying: outbox, relay, lease, partitions.

use std::{collections::BTreeSet, time::Duration};

use futures::StreamExt as _;
use jiff::SignedDuration;
use liuyan_kit::{
    host::Readiness,
    id,
    messaging::{Bus, Outgoing, bus, outbox, relay},
    testing,
};

use super::helpers::{
    LIMIT, Log, count, database, effects, event, execute, hear, nats, now, relay as run_relay,
    relay_that_tells, say, settled, subject,
};

#[tokio::test]
async fn an_event_exists_if_and_only_if_its_state_change_does() {
    let db = database().await;
    let subject = subject();
    let failed: Result<(), sqlx::Error> = db
        .write(move |tx| {
            Box::pin(async move {
                outbox::publish(tx, now(), subject, &event("a")).await?;
                Err(sqlx::Error::RowNotFound)
            })
        })
        .await;
    assert!(failed.is_err());
    assert_eq!(count(&db, "select count(*) from messaging.outbox").await, 0);
    assert_eq!(count(&db, "select count(*) from messaging.subjects").await, 0);
    say(&db, subject, &["a"]).await;
    assert_eq!(count(&db, "select count(*) from messaging.outbox").await, 1);
}

#[tokio::test]
async fn events_of_one_batch_are_numbered_in_its_order() {
    let db = database().await;
    let (first, second) = (subject(), subject());
    let batch = [first, second, first, first].map(|subject| Outgoing::new(subject, &event("a")));
    let ids = db
        .write(move |tx| Box::pin(async move { outbox::publish_all(tx, now(), &batch).await }))
        .await
        .unwrap();
    let mut connection = db.read().await.unwrap();
    let events = relay::unpublished(&mut connection, 10).await.unwrap().events;
    let said: Vec<_> =
        events.iter().map(|(event, _)| (event.event_id, event.subject_id, event.version)).collect();
    assert_eq!(
        said,
        [(ids[0], first, 1), (ids[1], second, 1), (ids[2], first, 2), (ids[3], first, 3)]
    );
}

/// What waits is parted into rows of a hundred; an order is none the less, and what the bus did not take
/// of a row goes on waiting.
#[tokio::test]
async fn a_part_of_a_large_batch_that_was_not_taken_waits_on() {
    let db = database().await;
    let batch: Vec<_> = (0..250).map(|_| Outgoing::new(subject(), &event("a"))).collect();
    let ids = db
        .write(move |tx| Box::pin(async move { outbox::publish_all(tx, now(), &batch).await }))
        .await
        .unwrap();
    let waiting = || async {
        let mut connection = db.read().await.unwrap();
        let waiting = relay::unpublished(&mut connection, 1_000).await.unwrap();
        let ids: Vec<_> = waiting.events.iter().map(|(event, _)| event.event_id).collect();
        (waiting, ids)
    };
    let (all, told) = waiting().await;
    assert_eq!(told, ids);
    assert_eq!(count(&db, "select count(*) from messaging.waiting_batches").await, 3);
    let epoch = relay::take_lease(&db, id::v7(now()), 60_000).await.unwrap().unwrap();
    let taken = [&ids[..150], &ids[151..220]].concat();
    relay::mark(&db, epoch, &all, &taken, Some(1)).await.unwrap();
    let (rest, told) = waiting().await;
    assert_eq!(told, [&ids[150..151], &ids[220..]].concat());
    relay::mark(&db, epoch, &rest, &told, Some(2)).await.unwrap();
    assert_eq!(count(&db, "select count(*) from messaging.waiting_batches").await, 0);
}

/// An older program, beside which this one runs during an upgrade, knows nothing of what waits.
#[tokio::test]
async fn what_an_older_program_says_waits_for_the_bus_too() {
    let db = database().await;
    say(&db, subject(), &["a"]).await;
    execute(
        &db,
        "insert into messaging.outbox (event_id, subject_id, version, type, payload, headers, created_at)
         select messaging.first_id_at(now()), gen_random_uuid(), 1, type, payload, headers, now()
         from messaging.outbox",
    )
    .await;
    let mut connection = db.read().await.unwrap();
    let waiting = relay::unpublished(&mut connection, 10).await.unwrap();
    assert_eq!(waiting.events.len(), 2);
}

#[tokio::test]
async fn a_crash_between_commit_and_publish_loses_nothing() {
    let (db, heard) = (database().await, database().await);
    let nats = liuyan_local::testing::nats().await;
    let subject = subject();
    // The service dies right after its commits: no relay has ever run.
    say(&db, subject, &["a", "b", "c"]).await;
    let _relay = run_relay(&db, nats.url()).await;
    let _hearing = hear(&heard, nats.url(), "moderation", &Log::default()).await;
    settled(&heard, subject, 3).await;
}

#[tokio::test]
async fn a_crash_between_publish_and_mark_doubles_nothing() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    say(&db, subject, &["a", "b"]).await;
    let bus = Bus::connect(&nats(server.url()), "intake").await.unwrap();
    testing::eventually("the stream is declared", LIMIT, || async {
        bus.declare("intake").await.ok()
    })
    .await;
    let events = {
        let mut connection = db.read().await.unwrap();
        relay::unpublished(&mut connection, 10).await.unwrap().events
    };
    let outcomes = bus.publish("intake", &events).await;
    assert!(outcomes.iter().all(Option::is_some), "{outcomes:?}");
    // The relay dies here, before its mark. What it has published takes effect.
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    settled(&heard, subject, 2).await;
    // The bus forgets the message ids in time, so the next relay's publications arrive as new ones.
    execute(&db, "update messaging.outbox set attempt = attempt + 1").await;
    let _relay = run_relay(&db, server.url()).await;
    say(&db, subject, &["c"]).await;
    settled(&heard, subject, 3).await;
    assert_eq!(events_on(&bus).await, 5);
}

/// What is too large for the stream is refused, and so may be what a bus in trouble gets: only what it has
/// acknowledged is marked.
#[tokio::test]
async fn what_the_bus_does_not_take_stays_unpublished() {
    const TAKEN: usize = 100;
    let db = database().await;
    let server = liuyan_local::testing::nats().await;
    let narrow = nats(server.url());
    let large = "a".repeat(70_000);
    for _ in 0..TAKEN {
        say(&db, subject(), &["a"]).await;
        say(&db, subject(), &[&large]).await;
    }
    let bus = Bus::connect(&narrow, "intake").await.unwrap();
    let readiness = Readiness::default();
    let _relay = relay_that_tells(&db, &narrow, relay::Office::default(), readiness.clone()).await;
    testing::eventually("exactly the events on the bus are marked", LIMIT, || async {
        bus.stream_state("intake").await.ok().flatten()?;
        let taken = events_on(&bus).await;
        let published = "select count(*) from messaging.outbox where event_id not in (select event_id from messaging.waiting)";
        let marked = usize::try_from(count(&db, published).await).unwrap();
        (taken == TAKEN && marked == taken).then_some(())
    })
    .await;
    testing::eventually("the relay says so", LIMIT, || async {
        let conditions = readiness.report().conditions;
        let relay = conditions.into_iter().find(|it| it.name == "relay")?;
        relay.reason.filter(|reason| reason.contains("its storage is full"))
    })
    .await;
    // It waits, and does not try again as fast as it can. Each round locks the relay's row.
    let mut rounds = BTreeSet::new();
    for _ in 0..40 {
        rounds.insert(count(&db, "select xmax::text::bigint from messaging.relay").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(rounds.len() < 20, "{} rounds in two seconds", rounds.len());
}

/// How many events the messages of the bus hold together.
async fn events_on(bus: &Bus) -> usize {
    let messages = bus.declare("intake").await.unwrap().last_sequence;
    let all = bus.tail("intake", true).await.unwrap();
    let held = all.take(usize::try_from(messages).unwrap());
    held.map(|message| message.unwrap().envelopes().unwrap().len())
        .fold(0, async |a, b| a + b)
        .await
}

/// A bus that gives a place which it had given before has forgotten what was there.
#[tokio::test]
async fn a_place_that_is_given_twice_tells_of_a_loss() {
    let db = database().await;
    say(&db, subject(), &["a", "b"]).await;
    let epoch = relay::take_lease(&db, id::v7(now()), 60_000).await.unwrap().unwrap();
    let waiting = {
        let mut connection = db.read().await.unwrap();
        relay::unpublished(&mut connection, 2).await.unwrap()
    };
    let keys: Vec<_> = waiting.events.iter().map(|(event, _)| event.event_id).collect();
    let marked = relay::mark(&db, epoch, &waiting, &keys[..1], Some(1)).await.unwrap();
    assert_eq!(marked, relay::Marked::Yes);
    let marked = relay::mark(&db, epoch, &waiting, &keys[1..], Some(1)).await.unwrap();
    assert_eq!(marked, relay::Marked::BusHasLost(2));
    let again = "select count(*) from messaging.outbox join messaging.waiting using (event_id) where attempt = 1";
    assert_eq!(count(&db, again).await, 2);
}

#[tokio::test]
async fn a_late_commit_is_not_skipped() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let _relay = run_relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    let (early, late) = (subject(), subject());
    let (drawn, wait_drawn) = tokio::sync::oneshot::channel();
    let (go, wait_go) = tokio::sync::oneshot::channel::<()>();
    let writer = {
        let db = db.clone();
        tokio::spawn(async move {
            db.write(move |tx| {
                Box::pin(async move {
                    outbox::publish(tx, now(), late, &event("late")).await?;
                    drawn.send(()).unwrap();
                    wait_go.await.unwrap();
                    Ok::<_, sqlx::Error>(())
                })
            })
            .await
        })
    };
    wait_drawn.await.unwrap();
    // A younger id is committed and published while the older one is still open.
    say(&db, early, &["early"]).await;
    settled(&heard, early, 1).await;
    go.send(()).unwrap();
    writer.await.unwrap().unwrap();
    settled(&heard, late, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twelve_writers_lose_double_and_disorder_nothing() {
    const WRITERS: i64 = 12;
    const EACH: i64 = 60;
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let _relays = (run_relay(&db, server.url()).await, run_relay(&db, server.url()).await);
    let _hearing = (
        hear(&heard, server.url(), "moderation", &Log::default()).await,
        hear(&heard, server.url(), "moderation", &Log::default()).await,
    );
    let subjects: Vec<_> = (0..7).map(|_| subject()).collect();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (db, subjects) = (db.clone(), subjects.clone());
            tokio::spawn(async move {
                for turn in 0..EACH {
                    let place = usize::try_from(writer + turn).unwrap() % subjects.len();
                    say(&db, subjects[place], &["x"]).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    testing::eventually("every event took effect", LIMIT, || async {
        (count(&heard, "select count(*) from effects").await == WRITERS * EACH).then_some(())
    })
    .await;
    // All of it comes a second time, and then one more event, behind which no doubled effect could
    // still be on its way.
    let again = db
        .write(|tx| {
            Box::pin(async move {
                let event_ids = relay::published(tx, WRITERS * EACH).await?;
                relay::say_again(tx, &event_ids).await
            })
        })
        .await
        .unwrap();
    assert!(again > 0);
    say(&db, subjects[0], &["last"]).await;
    testing::eventually("the last event took effect", LIMIT, || async {
        (count(&heard, "select count(*) from effects").await > WRITERS * EACH).then_some(())
    })
    .await;
    let effects = effects(&heard).await;
    assert_eq!(effects.len(), subjects.len());
    for versions in effects.values() {
        let last = i64::try_from(versions.len()).unwrap();
        assert_eq!(*versions, (1..=last).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn an_old_relay_that_wakes_after_losing_its_lease_does_no_harm() {
    let db = database().await;
    say(&db, subject(), &["a"]).await;
    let (old, new) = (id::v7(now()), id::v7(now()));
    let old_epoch = relay::take_lease(&db, old, 1).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let new_epoch = relay::take_lease(&db, new, 60_000).await.unwrap().unwrap();
    assert!(new_epoch > old_epoch);
    assert_eq!(relay::take_lease(&db, old, 60_000).await.unwrap(), None);
    let waiting = {
        let mut connection = db.read().await.unwrap();
        relay::unpublished(&mut connection, 1).await.unwrap()
    };
    let key = [waiting.events[0].0.event_id];
    let marked = relay::mark(&db, old_epoch, &waiting, &key, Some(1)).await.unwrap();
    assert_eq!(marked, relay::Marked::LeaseLost);
    // Nor does what it believes of the stream count.
    let seen = bus::StreamState { created_at: now(), last_sequence: 7 };
    assert_eq!(relay::compare(&db, old_epoch, seen).await.unwrap(), 0);
    let believed = "select count(*) from messaging.relay where stream_created_at is not null";
    assert_eq!(count(&db, believed).await, 0);
    let unpublished = "select count(*) from messaging.waiting";
    assert_eq!(count(&db, unpublished).await, 1);
    let marked = relay::mark(&db, new_epoch, &waiting, &key, Some(1)).await.unwrap();
    assert_eq!(marked, relay::Marked::Yes);
    assert_eq!(count(&db, unpublished).await, 0);
}

#[tokio::test]
async fn a_republication_inside_the_duplicate_window_arrives() {
    let db = database().await;
    let server = liuyan_local::testing::nats().await;
    say(&db, subject(), &["a"]).await;
    let _relay = run_relay(&db, server.url()).await;
    let bus = Bus::connect(&nats(server.url()), "intake").await.unwrap();
    let sequence = || async {
        bus.stream_state("intake").await.ok().flatten().map(|state| state.last_sequence)
    };
    testing::eventually("the event is on the bus", LIMIT, || async {
        (sequence().await == Some(1)).then_some(())
    })
    .await;
    testing::eventually("the event is marked", LIMIT, || async {
        let unpublished = "select count(*) from messaging.waiting";
        (count(&db, unpublished).await == 0).then_some(())
    })
    .await;
    let again = db
        .write(|tx| {
            Box::pin(async move {
                let event_ids = relay::published(tx, 10).await?;
                relay::say_again(tx, &event_ids).await
            })
        })
        .await
        .unwrap();
    assert_eq!(again, 1);
    testing::eventually("the event is on the bus a second time", LIMIT, || async {
        (sequence().await == Some(2)).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_partition_of_tomorrow_is_there() {
    let db = database().await;
    let today = now();
    // A migrated database has them before anything is said, also if that was before midnight.
    let mut connection = db.read().await.unwrap();
    assert!(outbox::ready_for_tomorrow(&mut connection, today).await.unwrap());
    drop(connection);
    let make =
        |at| db.write(move |tx| Box::pin(async move { outbox::make_partitions(tx, at).await }));
    make(today).await.unwrap();
    // Another day needs one more.
    for made in [1, 0] {
        assert_eq!(make(today + SignedDuration::from_hours(24)).await.unwrap(), made);
    }
    say(&db, subject(), &["a"]).await;
    assert_eq!(count(&db, "select count(*) from messaging.outbox_default").await, 0);
}

#[tokio::test]
async fn a_partition_of_tomorrow_that_is_missing_is_told_and_made() {
    let db = database().await;
    let server = liuyan_local::testing::nats().await;
    let ready = || async {
        let mut connection = db.read().await.unwrap();
        outbox::ready_for_tomorrow(&mut connection, now()).await.unwrap()
    };
    // Those of all days to come.
    execute(
        &db,
        "do $$ begin
             for days in 0 .. 9 loop
                 execute 'drop table if exists messaging.outbox_'
                     || to_char((now() at time zone 'UTC')::date + days, 'YYYYMMDD');
             end loop;
         end $$",
    )
    .await;
    assert!(!ready().await);
    let _relay = run_relay(&db, server.url()).await;
    testing::eventually("it is there", LIMIT, || async { ready().await.then_some(()) }).await;
}

#[tokio::test]
async fn a_clock_a_day_or_a_month_ahead_harms_nobody() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let make =
        |at| db.write(move |tx| Box::pin(async move { outbox::make_partitions(tx, at).await }));
    make(now()).await.unwrap();
    let subject = subject();
    for days in [1, 30, 0] {
        let at = now() + SignedDuration::from_hours(24 * days);
        db.write(move |tx| {
            Box::pin(async move { outbox::publish(tx, at, subject, &event("a")).await })
        })
        .await
        .unwrap();
    }
    assert_eq!(count(&db, "select count(*) from messaging.outbox_default").await, 1);
    // When the day comes its partition takes the row over.
    make(now() + SignedDuration::from_hours(24 * 30)).await.unwrap();
    assert_eq!(count(&db, "select count(*) from messaging.outbox_default").await, 0);
    let _relay = run_relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    settled(&heard, subject, 3).await;
}

#[tokio::test]
async fn a_stream_that_drifted_is_refused() {
    let server = liuyan_local::testing::nats().await;
    let bus = Bus::connect(&nats(server.url()), "intake").await.unwrap();
    testing::eventually("the stream is declared", LIMIT, || async {
        bus.declare("intake").await.ok()
    })
    .await;
    let mut other = nats(server.url());
    other.stream_max_age_days += 1;
    let bus = Bus::connect(&other, "intake").await.unwrap();
    let refusal = testing::eventually("an answer", LIMIT, || async {
        match bus.declare("intake").await {
            Err(liuyan_kit::messaging::bus::Error::Away(_)) => None,
            answer => Some(answer),
        }
    })
    .await;
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "INTAKE is not as declared: max_age is 1209600s, not 1296000s; \
         `liuyan streams declare` mends it, or start with the old settings"
    );
}

#[tokio::test]
async fn a_service_that_may_not_declare_waits_for_the_stream() {
    let server = liuyan_local::testing::nats().await;
    let mut modest = nats(server.url());
    modest.declare = false;
    let bus = Bus::connect(&modest, "intake").await.unwrap();
    let refusal = testing::eventually("an answer", LIMIT, || async {
        match bus.declare("intake").await {
            Err(liuyan_kit::messaging::bus::Error::Away(_)) => None,
            answer => Some(answer),
        }
    })
    .await;
    assert_eq!(refusal.unwrap_err().to_string(), "the stream INTAKE does not exist");
}
