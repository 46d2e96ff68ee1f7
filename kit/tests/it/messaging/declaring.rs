//! Streams and consumers: who declares them, and what becomes of one that somebody has changed.

use liuyan_kit::{
    clock::SystemClock,
    config::{Settings, Sources},
    host::{Host, Process},
    messaging::{
        Bus,
        bus::{Declared, Difference, Error},
    },
    service::{self, Service},
    testing,
};
use sqlx::migrate::Migrator;
use std::sync::Arc;
use tonic::service::Routes;

use super::helpers::{LIMIT, nats, stranger};
use crate::helpers::Nothing;

static NONE: Migrator = Migrator::DEFAULT;

async fn answered<T, F>(mut ask: impl FnMut() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    testing::eventually("an answer", LIMIT, || {
        let answer = ask();
        async {
            match answer.await {
                Err(Error::Away(_)) => None,
                answer => Some(answer),
            }
        }
    })
    .await
}

#[tokio::test]
async fn what_is_declared_is_made_once_and_changed_back_field_by_field() {
    let server = liuyan_local::testing::nats().await;
    let bus = Bus::connect(&nats(server.url()), "declarer").await.unwrap();
    let stream = async |look_only| answered(|| bus.declare_stream("intake", look_only)).await;
    let consumer =
        async |look_only| answered(|| bus.declare_consumer("intake", "stats", look_only)).await;

    assert!(matches!(consumer(false).await, Err(Error::NoStream(name)) if name == "INTAKE"));
    assert_eq!(stream(true).await.unwrap(), Declared::Missing, "to look makes nothing");
    assert_eq!(stream(false).await.unwrap(), Declared::Missing);
    assert_eq!(stream(false).await.unwrap(), Declared::Same);
    assert_eq!(consumer(true).await.unwrap(), Declared::Missing);
    assert_eq!(consumer(false).await.unwrap(), Declared::Missing);
    assert_eq!(consumer(false).await.unwrap(), Declared::Same);

    let mut other = nats(server.url());
    other.stream_max_age_days = 3;
    other.stream_max_bytes = 1 << 20;
    let other = Bus::connect(&other, "declarer").await.unwrap();
    answered(|| other.declare_stream("intake", false)).await.unwrap();
    let differs = |field, found: &str, wanted: &str| Difference {
        field,
        found: found.to_owned(),
        wanted: wanted.to_owned(),
    };
    let both = Declared::Different(vec![
        differs("max_age", "259200s", "1209600s"),
        differs("max_bytes", "1048576", "268435456"),
    ]);
    assert_eq!(stream(true).await.unwrap(), both);
    assert_eq!(stream(false).await.unwrap(), both);
    assert_eq!(stream(true).await.unwrap(), Declared::Same);
}

#[tokio::test]
async fn a_stream_of_an_earlier_release_learns_to_let_the_oldest_go() {
    let server = liuyan_local::testing::nats().await;
    let bus = Bus::connect(&nats(server.url()), "intake").await.unwrap();
    answered(|| bus.declare_stream("intake", false)).await.unwrap();
    let context = async_nats::jetstream::new(stranger(server.url()).await);
    let mut before = context.get_stream("INTAKE").await.unwrap().cached_info().config.clone();
    before.discard = async_nats::jetstream::stream::DiscardPolicy::New;
    context.update_stream(&before).await.unwrap();
    // Who may not declare changes nothing.
    let mut reading = nats(server.url());
    reading.declare = false;
    let reader = Bus::connect(&reading, "stats").await.unwrap();
    let refused = answered(|| reader.declare("intake")).await.unwrap_err();
    assert!(refused.to_string().contains("discard is New, not Old"), "{refused}");
    answered(|| bus.declare("intake")).await.unwrap();
    assert_eq!(answered(|| bus.declare_stream("intake", true)).await.unwrap(), Declared::Same);
    // What else differs is left alone, and so is the rest then.
    before.max_age = std::time::Duration::from_secs(3_600);
    context.update_stream(&before).await.unwrap();
    let refused = answered(|| bus.declare("intake")).await.unwrap_err();
    assert!(refused.to_string().contains("discard is New, not Old, max_age"), "{refused}");
}

/// Says, and hears itself.
struct Lone;

impl Service for Lone {
    const NAME: &'static str = "intake";
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

#[tokio::test]
async fn a_service_that_declares_nothing_refuses_to_start_on_a_stream_that_differs() {
    let server = liuyan_local::testing::nats().await;
    let database = testing::database::<Lone>().await;
    let bus = Bus::connect(&nats(server.url()), "declarer").await.unwrap();
    answered(|| bus.declare_stream("intake", false)).await.unwrap();
    let start = async |days: i64, declare: bool| {
        let settings = toml::toml! { [messaging] relay_poll_ms = 20 };
        let mut settings = settings;
        let text = |text: &str| toml::Value::from(text);
        let table = |entries: Vec<(&str, toml::Value)>| {
            let entries = entries.into_iter().map(|(key, value)| (key.to_owned(), value));
            toml::Value::Table(entries.collect())
        };
        settings.insert("database".to_owned(), table(vec![("url", text(database.url()))]));
        settings.insert(
            "nats".to_owned(),
            table(vec![
                ("url", text(server.url())),
                ("declare", declare.into()),
                ("stream_max_age_days", days.into()),
            ]),
        );
        let sources = Sources::of_code(settings);
        let settings = Settings::load(Lone::NAME, Lone::DEFAULTS, &sources).unwrap();
        service::run::<Lone>(settings, &Process::quiet(Arc::new(SystemClock))).await
    };
    start(14, false).await.unwrap().shutdown().await;
    let refusal = format!("{:#}", start(7, false).await.unwrap_err());
    assert!(refusal.contains("max_age is 1209600s, not 604800s"), "{refusal}");
    // Who may declare says so in a condition, and takes requests in.
    let running = start(7, true).await.unwrap();
    testing::eventually("the relay tells of it", LIMIT, || {
        let report = running.readiness().report();
        let told = report.conditions.into_iter().find(|it| it.name == "relay" && !it.holds);
        std::future::ready(told.and_then(|it| it.reason).filter(|it| it.contains("max_age")))
    })
    .await;
    running.shutdown().await;
}
