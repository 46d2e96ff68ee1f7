//! A small service about nothing: it says events and writes down, in order, what took effect.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use jiff::Timestamp;
use liuyan_kit::{
    clock::{Clock as _, SharedClock, SystemClock},
    config,
    db::Db,
    host::Readiness,
    id,
    messaging::{
        Bus, Consumer, Delivered, Envelope, Fault, Handle, Outgoing, consumer, outbox, relay,
    },
    testing::{self, TestDb},
};
use liuyan_proto::{Event as _, liuyan::intake::v1::MessageSubmitted};
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Everything in these tests comes to its end within this.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) fn now() -> Timestamp {
    SystemClock.now()
}

pub(crate) fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

/// Short waits, so that the tests are quick; the logic is the same.
pub(crate) fn settings() -> config::Messaging {
    config::Messaging {
        relay_poll_ms: 20,
        lease_ms: 1_000,
        attempts_before_dead: 3,
        retry_ms: 20,
        retry_max_ms: 100,
        confirm_every_ms: 100,
        confirm_grace_ms: 200,
        gap_ms: 300,
        archive_every_ms: 100,
        ..config::Messaging::default()
    }
}

pub(crate) fn nats(url: &str) -> config::Nats {
    config::Nats { url: url.into(), declare: true, ..config::Nats::default() }
}

/// Somebody at the bus who is no service of ours.
pub(crate) async fn stranger(url: &str) -> async_nats::Client {
    let address = url::Url::parse(url).unwrap();
    async_nats::ConnectOptions::new()
        .user_and_password(address.username().to_owned(), address.password().unwrap().to_owned())
        .connect(url)
        .await
        .unwrap()
}

/// A database with kit's tables and a log of effects.
pub(crate) async fn database() -> TestDb {
    let db = testing::bare_database().await;
    execute(
        &db,
        "create table effects (
             place bigint generated always as identity, subject_id uuid, version bigint, event_id uuid)",
    )
    .await;
    db
}

pub(crate) async fn execute(db: &Db, sql: &str) {
    let sql = sql.to_owned();
    db.write(move |tx| {
        Box::pin(async move { sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx).await.map(|_| ()) })
    })
    .await
    .unwrap();
}

pub(crate) async fn count(db: &Db, sql: &str) -> i64 {
    let mut connection = db.read().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .fetch_one(&mut *connection)
        .await
        .unwrap()
        .get::<i64, _>(0)
}

/// The versions that took effect, by subject, in the order in which they did.
pub(crate) async fn effects(db: &Db) -> BTreeMap<Uuid, Vec<i64>> {
    let mut connection = db.read().await.unwrap();
    let rows = sqlx::raw_sql("select subject_id, version from effects order by place")
        .fetch_all(&mut *connection)
        .await
        .unwrap();
    let mut effects: BTreeMap<Uuid, Vec<i64>> = BTreeMap::new();
    for row in rows {
        effects.entry(row.get(0)).or_default().push(row.get(1));
    }
    effects
}

/// An event that carries `mark`, so that a handler can be told what to do with it.
pub(crate) fn event(mark: &str) -> MessageSubmitted {
    MessageSubmitted { message_id: mark.to_owned(), ..MessageSubmitted::default() }
}

/// Says one event per mark about `subject`, each in a transaction of its own.
pub(crate) async fn say(db: &Db, subject: Uuid, marks: &[&str]) {
    for mark in marks {
        let outgoing = Outgoing::new(subject, &event(mark));
        db.write(move |tx| {
            Box::pin(async move { outbox::publish_all(tx, now(), &[outgoing]).await })
        })
        .await
        .unwrap();
    }
}

/// An event as the bus would bring it.
pub(crate) fn envelope(subject_id: Uuid, version: i64, mark: &str) -> Envelope {
    Envelope {
        event_id: id::v7(now()),
        subject_id,
        version,
        kind: MessageSubmitted::TYPE.to_owned(),
        at: now(),
        traceparent: None,
        payload: prost::Message::encode_to_vec(&event(mark)).into(),
    }
}

/// Writes down what it handles. `poison` is the event's fault, `panic` panics, while `absent` is
/// above zero somebody is away, and while `dying` is, the database goes away before the commit.
#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) absent: Arc<AtomicU32>,
    pub(crate) dying: Arc<AtomicU32>,
    pub(crate) cured: Arc<AtomicU32>,
}

impl Handle<MessageSubmitted> for Log {
    async fn handle(
        &self,
        tx: &mut PgConnection,
        events: &[Delivered<MessageSubmitted>],
    ) -> Result<(), Fault> {
        if self.absent.load(Ordering::SeqCst) > 0 {
            self.absent.fetch_sub(1, Ordering::SeqCst);
            return Err(Fault::retry("somebody is away"));
        }
        for delivered in events {
            let cured = self.cured.load(Ordering::SeqCst) > 0;
            match delivered.event.message_id.as_str() {
                "poison" if !cured => return Err(Fault::reject("poison")),
                "panic" if !cured => panic!("a handler panicked on purpose"),
                _ => {}
            }
            sqlx::raw_sql(AssertSqlSafe(format!(
                "insert into effects (subject_id, version, event_id) values ('{}', {}, '{}')",
                delivered.subject_id, delivered.version, delivered.event_id
            )))
            .execute(&mut *tx)
            .await?;
        }
        if self.dying.load(Ordering::SeqCst) > 0 {
            self.dying.fetch_sub(1, Ordering::SeqCst);
            sqlx::raw_sql("select pg_terminate_backend(pg_backend_pid())").execute(tx).await?;
        }
        Ok(())
    }
}

pub(crate) fn consumer(log: &Log) -> Arc<Consumer> {
    Arc::new(Consumer::new("intake").on::<MessageSubmitted, _>(log.clone()))
}

/// A task that ends when this is dropped, as a process that is killed.
pub(crate) struct Killed(JoinHandle<()>);

impl From<JoinHandle<()>> for Killed {
    fn from(task: JoinHandle<()>) -> Self {
        Self(task)
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Runs the relay of `db` as the service `intake`.
pub(crate) async fn relay(db: &Db, nats_url: &str) -> Killed {
    relay_on(db, &nats(nats_url)).await
}

/// The same, with other settings of the bus.
pub(crate) async fn relay_on(db: &Db, nats: &config::Nats) -> Killed {
    relay_in(db, nats, relay::Office::default()).await
}

/// The same, telling `office` whether it holds the lease.
pub(crate) async fn relay_in(db: &Db, nats: &config::Nats, office: relay::Office) -> Killed {
    relay_that_tells(db, nats, office, Readiness::default()).await
}

/// The same, telling `readiness` how it is.
pub(crate) async fn relay_that_tells(
    db: &Db,
    nats: &config::Nats,
    office: relay::Office,
    readiness: Readiness,
) -> Killed {
    let relay = relay::Relay {
        source: "intake",
        db: db.clone(),
        bus: Bus::connect(nats, "intake").await.unwrap(),
        settings: settings(),
        clock: clock(),
        readiness,
        office,
        stopping: CancellationToken::new(),
    };
    Killed(tokio::spawn(relay::run(relay)))
}

/// Hears `intake` as the service `service`.
pub(crate) async fn hear(db: &Db, nats_url: &str, service: &'static str, log: &Log) -> Killed {
    hear_with(db, nats_url, service, log, settings()).await
}

/// The same, with other limits and waits.
pub(crate) async fn hear_with(
    db: &Db,
    nats_url: &str,
    service: &'static str,
    log: &Log,
    settings: config::Messaging,
) -> Killed {
    let pace = consumer::Pace {
        service,
        db: db.clone(),
        bus: Bus::connect(&nats(nats_url), service).await.unwrap(),
        settings,
        clock: clock(),
        readiness: Readiness::default(),
        stopping: CancellationToken::new(),
    };
    Killed(tokio::spawn(consumer::run(consumer(log), pace)))
}

/// Waits until `subject` has taken effect up to `version`, in order and without repetition.
pub(crate) async fn settled(db: &Db, subject: Uuid, version: i64) {
    testing::eventually("all versions took effect in order", LIMIT, || async {
        let effects = effects(db).await;
        let versions = effects.get(&subject).cloned().unwrap_or_default();
        (versions == (1..=version).collect::<Vec<_>>()).then_some(())
    })
    .await;
}

pub(crate) fn subject() -> Uuid {
    id::v7(now())
}
