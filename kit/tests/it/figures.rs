//! What Prometheus is told: the numbers move with what they count.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use liuyan_kit::{
    db::{Db, Limits},
    host::Host,
    messaging::{Consumer, Delivered, Fault, Handle, outbox},
    service::Service,
    testing::{self, Board},
};
use liuyan_proto::liuyan::identity::v1::AccountErased;
use sqlx::{PgConnection, migrate::Migrator};
use tonic::service::Routes;
use uuid::Uuid;

use crate::{
    helpers::{LIMIT, Nothing},
    host::get,
};

static NONE: Migrator = Migrator::DEFAULT;
/// Whether the hearer has somebody to wait for.
static ABSENT: AtomicBool = AtomicBool::new(false);

/// No other test of this process has these names: there is one registry.
struct Sayer;

impl Service for Sayer {
    const NAME: &'static str = "identity";
    const DEFAULTS: &'static str = "[service]";
    type Config = Nothing;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NONE)
    }

    async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.relay(&db).await?;
        host.serve(Routes::default()).await
    }
}

struct Hearer;

impl Service for Hearer {
    const NAME: &'static str = "notification";
    const DEFAULTS: &'static str = "[service]";
    type Config = Nothing;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NONE)
    }

    async fn start(_: Nothing, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.consume(&db, Consumer::new("identity").on::<AccountErased, _>(Ear)).await?;
        host.serve(Routes::default()).await
    }
}

struct Ear;

impl Handle<AccountErased> for Ear {
    async fn handle(
        &self,
        _: &mut PgConnection,
        _: &[Delivered<AccountErased>],
    ) -> Result<(), Fault> {
        if ABSENT.load(Ordering::SeqCst) { Err(Fault::retry("somebody is away")) } else { Ok(()) }
    }
}

async fn say(board: &Board, events: u128) {
    for number in 0..events {
        let said = board.database("identity").write(move |tx| {
            Box::pin(async move {
                let subject = Uuid::from_u128(number + 1);
                outbox::publish(tx, testing::now(), subject, &AccountErased::default()).await
            })
        });
        said.await.unwrap();
    }
}

/// The value of the metric that has all these labels.
async fn told(board: &Board, name: &str, labels: &[&str]) -> Option<i64> {
    let (_, metrics) = get(board.management("identity"), "/metrics").await;
    let line = metrics.lines().find(|line| {
        line.split_once('{').is_some_and(|(found, _)| found == name)
            && labels.iter().all(|label| line.contains(label))
    })?;
    line.rsplit_once(' ').and_then(|(_, value)| value.parse().ok())
}

async fn becomes(board: &Board, name: &str, labels: &[&str], holds: fn(i64) -> bool) {
    let what = format!("{name} {labels:?} is what it is to be");
    let limit = LIMIT * 3;
    testing::eventually(&what, limit, || async {
        told(board, name, labels).await.filter(|value| holds(*value))
    })
    .await;
}

#[tokio::test]
async fn what_waits_is_counted_and_so_are_conditions_and_connections() {
    let mut board = Board::new().with::<Sayer>().with::<Hearer>().start().await;
    let sayer = &[r#"service="identity""#][..];
    let hearer = &[r#"service="notification""#, r#"source="identity""#][..];
    let bus = &[r#"service="identity""#, r#"condition="nats""#][..];
    say(&board, 1).await;
    becomes(&board, "messaging_pending", hearer, |number| number == 0).await;
    becomes(&board, "messaging_parked", hearer, |number| number == 0).await;
    becomes(&board, "messaging_outbox_waiting", sayer, |number| number == 0).await;
    becomes(&board, "liuyan_ready_condition", bus, |holds| holds == 1).await;
    becomes(&board, "database_connections_limit", sayer, |number| number == 10).await;
    becomes(&board, "database_connections", &[sayer[0], r#"state="idle""#], |number| number > 0)
        .await;

    board.nats().kill().await;
    say(&board, 3).await;
    becomes(&board, "messaging_outbox_waiting", sayer, |number| number == 3).await;
    becomes(&board, "messaging_outbox_oldest_age_seconds", sayer, |age| age > 1).await;
    becomes(&board, "liuyan_ready_condition", bus, |holds| holds == 0).await;

    ABSENT.store(true, Ordering::SeqCst);
    board.nats().restart().await;
    becomes(&board, "messaging_outbox_waiting", sayer, |number| number == 0).await;
    becomes(&board, "messaging_outbox_oldest_age_seconds", sayer, |age| age == 0).await;
    becomes(&board, "liuyan_ready_condition", bus, |holds| holds == 1).await;
    becomes(&board, "messaging_pending", hearer, |number| number > 0).await;
    becomes(&board, "messaging_ack_pending", hearer, |number| number > 0).await;
    ABSENT.store(false, Ordering::SeqCst);
    becomes(&board, "messaging_pending", hearer, |number| number == 0).await;
    board.stop().await;
}

#[tokio::test]
async fn who_waits_for_a_connection_is_counted() {
    let database = testing::bare_database().await;
    let limits = Limits { connections: 1, acquire: LIMIT, ..Limits::default() };
    let db = Db::connect(database.url(), "test", &limits).await.unwrap();
    let held = db.read().await.unwrap();
    let waiting = tokio::spawn({
        let db = db.clone();
        async move { db.read().await.map(drop) }
    });
    testing::eventually("somebody waits", Duration::from_secs(5), || {
        let told = db.connections();
        std::future::ready((told.waiting == 1 && told.used == 1 && told.limit == 1).then_some(()))
    })
    .await;
    drop(held);
    waiting.await.unwrap().unwrap();
    let beside = db.beside(3);
    assert_eq!((db.connections().waiting, db.connections().limit), (0, 4));
    drop(beside);
    assert_eq!(db.connections().limit, 1);
}
