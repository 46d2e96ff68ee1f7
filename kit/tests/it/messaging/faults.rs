//! Faults: who is to blame, dead letters, outages.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use liuyan_kit::{config::Messaging, messaging::dead, testing};
use uuid::Uuid;

use super::helpers::{
    LIMIT, Log, count, database, effects, envelope, hear, hear_with, relay, say, settings, settled,
    subject,
};
use liuyan_kit::db::Db;

const DEAD: &str = "select count(*) from messaging.dead_letters where state = 'dead'";
const ANY: &str = "select count(*) from messaging.dead_letters";
const PARKED: &str = "select count(*) from messaging.parked";

async fn is(db: &Db, sql: &str, wanted: i64) {
    testing::eventually(sql, LIMIT, || async { (count(db, sql).await == wanted).then_some(()) })
        .await;
}

async fn dead_event(db: &Db) -> Uuid {
    let mut connection = db.read().await.unwrap();
    let letters = dead::list(&mut connection, false).await.unwrap();
    assert_eq!(letters.len(), 1, "{letters:?}");
    letters[0].event_id
}

#[tokio::test]
async fn poison_goes_to_the_dead_letters_and_stops_nobody_else() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let (ill, well) = (subject(), subject());
    say(&db, ill, &["a", "poison", "c", "d"]).await;
    say(&db, well, &["a", "b", "c"]).await;
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    settled(&heard, well, 3).await;
    is(&heard, DEAD, 1).await;
    is(&heard, PARKED, 2).await;
    assert_eq!(effects(&heard).await[&ill], [1]);
    // Everything is settled: nothing is pending on the bus, and the digest counts all seven.
    is(&heard, "select coalesce(sum(count), 0)::bigint from messaging.digests", 7).await;
    let letters = {
        let mut connection = heard.read().await.unwrap();
        dead::list(&mut connection, false).await.unwrap()
    };
    assert_eq!(letters[0].attempts, 3);
    assert_eq!(letters[0].last_error, "cannot be handled: poison");
    assert_eq!(letters[0].waiting, 2);
    // What waits behind it goes on waiting, also when what is parked is looked through: an event
    // that only this can set free has come after them.
    let (witness, log) = (subject(), Log::default());
    let free = [envelope(witness, 2, "a")];
    super::helpers::consumer(&log).deliver(&heard, super::helpers::now(), &free).await.unwrap();
    let position = format!(
        "update messaging.positions set version = 1 where subject_id = '{witness}' returning version"
    );
    assert_eq!(count(&heard, &position).await, 1);
    testing::eventually("what is parked was looked through", LIMIT, || async {
        effects(&heard).await.contains_key(&witness).then_some(())
    })
    .await;
    assert_eq!(effects(&heard).await[&ill], [1]);
}

/// A batch fails as a whole; the blame falls on one event of it.
#[tokio::test]
async fn poison_in_a_batch_is_blamed_alone() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subjects: Vec<_> = (0..40).map(|_| subject()).collect();
    for (place, subject) in subjects.iter().enumerate() {
        say(&db, *subject, &[if place == 20 { "poison" } else { "a" }]).await;
    }
    let _relay = relay(&db, server.url()).await;
    is(&db, "select count(*) from messaging.waiting", 0).await;
    // The first failure is the last.
    let settings = Messaging { attempts_before_dead: 1, ..settings() };
    let _hearing = hear_with(&heard, server.url(), "moderation", &Log::default(), settings).await;
    is(&heard, "select count(*) from effects", 39).await;
    is(&heard, DEAD, 1).await;
}

#[tokio::test]
async fn a_panic_is_the_events_own_fault() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let (ill, well) = (subject(), subject());
    say(&db, ill, &["panic"]).await;
    say(&db, well, &["a"]).await;
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    settled(&heard, well, 1).await;
    is(&heard, DEAD, 1).await;
}

#[tokio::test]
async fn poison_that_was_parked_is_found_and_its_predecessor_takes_effect() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let ill = subject();
    say(&db, ill, &["a", "poison", "c"]).await;
    // Versions 2 and 3 come first and are parked.
    let events: Vec<_> = {
        let mut connection = db.read().await.unwrap();
        let waiting = liuyan_kit::messaging::relay::unpublished(&mut connection, 10).await.unwrap();
        waiting.events.into_iter().skip(1).map(|(event, _)| event).collect()
    };
    let log = Log::default();
    super::helpers::consumer(&log).deliver(&heard, super::helpers::now(), &events).await.unwrap();
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &log).await;
    is(&heard, DEAD, 1).await;
    is(&heard, PARKED, 1).await;
    assert_eq!(effects(&heard).await[&ill], [1]);
    is(&heard, "select coalesce(sum(count), 0)::bigint from messaging.digests", 3).await;
}

#[tokio::test]
async fn a_dead_letter_that_is_retried_takes_effect_and_its_successors_follow() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let ill = subject();
    say(&db, ill, &["poison", "b"]).await;
    let log = Log::default();
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &log).await;
    is(&heard, DEAD, 1).await;
    is(&heard, PARKED, 1).await;
    let event_id = dead_event(&heard).await;
    let retry = || heard.write(move |tx| Box::pin(async move { dead::retry(tx, event_id).await }));
    // Without a cure it dies again, and nothing is lost by that.
    assert!(retry().await.unwrap());
    is(&heard, "select coalesce(max(attempts), 0)::bigint from messaging.dead_letters where state = 'dead'", 4).await;
    log.cured.store(1, Ordering::SeqCst);
    assert!(retry().await.unwrap());
    settled(&heard, ill, 2).await;
    is(&heard, DEAD, 0).await;
    is(&heard, "select coalesce(sum(count), 0)::bigint from messaging.digests", 2).await;
}

#[tokio::test]
async fn a_dead_letter_that_is_discarded_lets_its_successors_go_on() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let ill = subject();
    say(&db, ill, &["poison", "b", "c"]).await;
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    is(&heard, DEAD, 1).await;
    is(&heard, PARKED, 2).await;
    let event_id = dead_event(&heard).await;
    let discarded = heard
        .write(move |tx| Box::pin(async move { dead::discard(tx, event_id).await }))
        .await
        .unwrap();
    assert!(discarded);
    testing::eventually("the successors took effect", LIMIT, || async {
        (effects(&heard).await.get(&ill).map(Vec::as_slice) == Some(&[2, 3])).then_some(())
    })
    .await;
    is(&heard, PARKED, 0).await;
}

/// An outage of ten minutes means about 27 tries with the waits of production; here are twice as
/// many, and twenty times the limit after which an event of its own fault would be dead.
#[tokio::test]
async fn an_outage_dead_letters_nothing() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    say(&db, subject, &["a", "b"]).await;
    let log = Log::default();
    log.absent.store(60, Ordering::SeqCst);
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &log).await;
    settled(&heard, subject, 2).await;
    assert_eq!(log.absent.load(Ordering::SeqCst), 0);
    assert_eq!(count(&heard, ANY).await, 0);
}

/// What was not committed is not acknowledged either, and the events are not to blame.
#[tokio::test]
async fn a_database_that_dies_before_the_commit_loses_nothing_and_blames_nobody() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    say(&db, subject, &["a", "b"]).await;
    let log = Log::default();
    log.dying.store(12, Ordering::SeqCst);
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &log).await;
    settled(&heard, subject, 2).await;
    assert_eq!(log.dying.load(Ordering::SeqCst), 0);
    assert_eq!(count(&heard, ANY).await, 0);
}

#[tokio::test]
async fn each_wait_is_longer_than_the_last() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    say(&db, subject, &["a"]).await;
    let log = Log::default();
    log.absent.store(5, Ordering::SeqCst);
    let _relay = relay(&db, server.url()).await;
    let begun = Instant::now();
    let settings = Messaging { retry_ms: 50, retry_max_ms: 10_000, ..settings() };
    let _hearing = hear_with(&heard, server.url(), "moderation", &log, settings).await;
    settled(&heard, subject, 1).await;
    // 50, 100, 200, 400 and 800 milliseconds; without growth it would be a quarter of a second.
    assert!(begun.elapsed() >= Duration::from_millis(1_550), "{:?}", begun.elapsed());
}
