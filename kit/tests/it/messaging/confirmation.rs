//! Confirmation: a consumer that lost an event gets it again.

use liuyan_kit::{
    config::Messaging,
    db::Db,
    messaging::{Bus, Outgoing, confirm, outbox, relay},
    testing,
};
use liuyan_proto::liuyan::messaging::v1::confirmation_service_server::ConfirmationServiceServer;
use tokio_util::sync::CancellationToken;

use super::helpers::{
    Killed, LIMIT, Log, clock, count, database, effects, event, execute, hear, nats, now,
    relay as run_relay, relay_on, say, settings, settled, subject,
};

/// As if the second event had been published: it waits no longer.
const SECOND_IS_MARKED: &str = "delete from messaging.waiting_batches using messaging.outbox
                                where version = 2 and event_ids = array[event_id]";

/// Serves the confirmations of `heard` and lets the producer `db` ask for them.
async fn confirm(
    db: &Db,
    heard: &Db,
    settings: Messaging,
) -> (Killed, tokio::task::JoinHandle<()>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answers = confirm::Confirmations::new(heard.clone(), clock(), &settings);
    let serving = tokio::spawn(async move {
        tonic::transport::Server::builder()
            .add_service(ConfirmationServiceServer::new(answers))
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener))
            .await
            .unwrap();
    });
    let confirmer = confirm::Confirmer {
        source: "intake",
        db: db.clone(),
        consumers: vec![("moderation", testing::channel(address))],
        settings,
        clock: clock(),
        stopping: CancellationToken::new(),
    };
    (Killed::from(tokio::spawn(confirm::run(confirmer))), serving)
}

#[tokio::test]
async fn a_gap_is_filled_at_once() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    say(&db, subject, &["a", "b", "c"]).await;
    // Version 2 was marked as published but never reached the bus.
    execute(&db, SECOND_IS_MARKED).await;
    let _relay = run_relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    testing::eventually("version 3 is parked", LIMIT, || async {
        (count(&heard, "select count(*) from messaging.parked").await == 1).then_some(())
    })
    .await;
    // Nothing is old enough to be compared by the minute: it is the gap that is seen.
    let settings = Messaging { confirm_grace_ms: 3_600_000, ..settings() };
    let _confirming = confirm(&db, &heard, settings).await;
    settled(&heard, subject, 3).await;
}

#[tokio::test]
async fn a_lost_last_event_is_found_by_its_minute() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    // Two minutes ago, so that the minute is closed.
    for mark in ["a", "b"] {
        let outgoing = liuyan_kit::messaging::Outgoing::new(subject, &super::helpers::event(mark));
        let at = super::helpers::now() - jiff::SignedDuration::from_mins(2);
        db.write(move |tx| {
            Box::pin(async move {
                liuyan_kit::messaging::outbox::publish_all(tx, at, &[outgoing]).await
            })
        })
        .await
        .unwrap();
    }
    // Nothing comes after version 2, so that no gap tells of it.
    execute(&db, SECOND_IS_MARKED).await;
    let _relay = run_relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    settled(&heard, subject, 1).await;
    let _confirming = confirm(&db, &heard, settings()).await;
    settled(&heard, subject, 2).await;
}

#[tokio::test]
async fn what_every_consumer_confirmed_is_not_said_again() {
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let subject = subject();
    let at = super::helpers::now() - jiff::SignedDuration::from_mins(30);
    let outgoing = liuyan_kit::messaging::Outgoing::new(subject, &super::helpers::event("a"));
    db.write(move |tx| {
        Box::pin(
            async move { liuyan_kit::messaging::outbox::publish_all(tx, at, &[outgoing]).await },
        )
    })
    .await
    .unwrap();
    let _relay = run_relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    settled(&heard, subject, 1).await;
    let _confirming = confirm(&db, &heard, settings()).await;
    testing::eventually("the consumer has confirmed", LIMIT, || async {
        let confirmed = "select count(*) from messaging.confirmations
                         where consumer = 'moderation' and confirmed_before > now() - interval '20 minutes'";
        (count(&db, confirmed).await == 1).then_some(())
    })
    .await;
    say(&db, subject, &["b"]).await;
    settled(&heard, subject, 2).await;
    let row = relay::take_lease(&db, uuid::Uuid::nil(), 1_000).await.unwrap();
    assert_eq!(row, None, "the relay is at work");
    // The bus is found to be another one: only what is not confirmed is said again.
    execute(&db, "update messaging.relay set stream_created_at = 'epoch'").await;
    testing::eventually("the unconfirmed event is said again", LIMIT, || async {
        let again = "select count(*) from messaging.outbox
             where attempt > 0 and event_id not in (select event_id from messaging.waiting)";
        (count(&db, again).await == 1).then_some(())
    })
    .await;
    assert_eq!(effects(&heard).await[&subject], [1, 2]);
}

/// A stream that holds less than was said does not stop whoever says, and whoever was away misses nothing.
#[tokio::test]
async fn what_a_full_stream_let_go_is_said_again() {
    const SAID: i64 = 600;
    let (db, heard) = (database().await, database().await);
    let server = liuyan_local::testing::nats().await;
    let mut narrow = nats(server.url());
    narrow.stream_max_bytes = 65_536;
    let at = now() - jiff::SignedDuration::from_mins(2);
    for _ in 0..SAID / 20 {
        let outgoing: Vec<_> = (0..20).map(|_| Outgoing::new(subject(), &event("a"))).collect();
        db.write(move |tx| Box::pin(async move { outbox::publish_all(tx, at, &outgoing).await }))
            .await
            .unwrap();
    }
    let _relay = relay_on(&db, &narrow).await;
    testing::eventually("nothing waits for the bus", LIMIT, || async {
        (count(&db, "select count(*) from messaging.waiting").await == 0).then_some(())
    })
    .await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    let bus = Bus::connect(&narrow, "moderation").await.unwrap();
    testing::eventually("all of the bus is heard", LIMIT, || async {
        bus.pending("intake", "moderation").await.is_ok_and(|pending| pending == 0).then_some(())
    })
    .await;
    let effects = "select count(*) from effects";
    let first = count(&heard, effects).await;
    assert!(first > 0 && first < SAID, "{first} were on the bus");
    let _confirming = confirm(&db, &heard, settings()).await;
    testing::eventually("everything took effect", LIMIT, || async {
        (count(&heard, effects).await == SAID).then_some(())
    })
    .await;
}
