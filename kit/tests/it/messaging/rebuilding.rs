//! The bus is transport, never the record.

use liuyan_kit::{messaging::Bus, testing};

use super::helpers::{
    LIMIT, Log, count, database, effects, hear, nats, relay, say, settled, subject,
};

#[tokio::test]
async fn an_emptied_nats_is_rebuilt_from_the_outboxes_without_an_operator() {
    let (db, first, second) = (database().await, database().await, database().await);
    let mut server = liuyan_local::testing::nats().await;
    let _relay = relay(&db, server.url()).await;
    let subject = subject();
    say(&db, subject, &["a", "b"]).await;
    let _first = hear(&first, server.url(), "moderation", &Log::default()).await;
    settled(&first, subject, 2).await;
    testing::eventually("all is marked as published", LIMIT, || async {
        let unpublished = "select count(*) from messaging.waiting";
        (count(&db, unpublished).await == 0).then_some(())
    })
    .await;
    // Everything on the bus is gone: stream, consumers, events that a second consumer never saw.
    server.wipe().await;
    server.restart().await;
    let _second = hear(&second, server.url(), "routing", &Log::default()).await;
    settled(&second, subject, 2).await;
    // The same while something is said.
    server.wipe().await;
    say(&db, subject, &["c"]).await;
    server.restart().await;
    settled(&first, subject, 3).await;
    settled(&second, subject, 3).await;
    say(&db, subject, &["d"]).await;
    settled(&first, subject, 4).await;
    settled(&second, subject, 4).await;
}

#[tokio::test]
async fn intake_goes_on_while_nats_is_away() {
    let (db, heard) = (database().await, database().await);
    let mut server = liuyan_local::testing::nats().await;
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    let subject = subject();
    say(&db, subject, &["a"]).await;
    settled(&heard, subject, 1).await;
    server.kill().await;
    say(&db, subject, &["b", "c"]).await;
    server.restart().await;
    settled(&heard, subject, 3).await;
}

#[tokio::test]
async fn a_frozen_nats_doubles_nothing() {
    let (db, heard) = (database().await, database().await);
    let mut server = liuyan_local::testing::nats().await;
    let _relay = relay(&db, server.url()).await;
    let _hearing = hear(&heard, server.url(), "moderation", &Log::default()).await;
    let subject = subject();
    say(&db, subject, &["a"]).await;
    settled(&heard, subject, 1).await;
    server.freeze();
    say(&db, subject, &["b"]).await;
    // Longer than the relay waits for an answer: the outcome is unknown, and it publishes again.
    tokio::time::sleep(std::time::Duration::from_millis(5_500)).await;
    server.thaw();
    say(&db, subject, &["c"]).await;
    settled(&heard, subject, 3).await;
    assert_eq!(effects(&heard).await[&subject], [1, 2, 3]);
}

#[tokio::test]
async fn the_state_of_a_stream_is_told() {
    let server = liuyan_local::testing::nats().await;
    let bus = Bus::connect(&nats(server.url()), "intake").await.unwrap();
    let before = testing::eventually("the stream is declared", LIMIT, || async {
        bus.declare("intake").await.ok()
    })
    .await;
    assert_eq!(before.last_sequence, 0);
    assert_eq!(bus.declare("intake").await.unwrap(), before);
    bus.check_server().unwrap();
}
