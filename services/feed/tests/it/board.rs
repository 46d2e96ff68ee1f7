//! The feed as it runs: started by kit, hearing over a real bus from a small service that says what
//! routing says.

use std::time::{Duration, Instant};

use liuyan_feed::{Feed, app::append, consumer, payload::View};
use liuyan_kit::{
    Host, Service,
    clock::{SharedClock, SystemClock},
    config::{Nats, Secret},
    db::Db,
    messaging::{Bus, outbox},
    testing::{self, Board},
};
use liuyan_proto::{
    Event,
    liuyan::{
        feed::v1::{
            GetFeedRequest, WatchEventsRequest, feed_service_client::FeedServiceClient,
            watch_events_request::Start, watch_events_response::Frame,
        },
        routing::v1::CaseOpened,
        stats::v1::IndicatorsPublished,
    },
};
use sqlx::migrate::Migrator;
use tonic::service::Routes;
use uuid::Uuid;

use crate::{
    helpers::{Case, SOON, Watching, now, titles},
    routing::Routing,
};

static NOTHING: Migrator = Migrator::DEFAULT;

/// Shows whatever case it is asked for.
static ROUTING: std::sync::LazyLock<Routing> = std::sync::LazyLock::new(Routing::default);

/// Says what the test puts into its outbox, and gives the views of the double.
struct SmallRouting;

impl Service for SmallRouting {
    const NAME: &'static str = "routing";
    const DEFAULTS: &'static str = "[service]";
    type Config = std::collections::BTreeMap<String, String>;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NOTHING)
    }

    async fn start(_: Self::Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.relay(&db).await?;
        host.serve(ROUTING.routes()).await
    }
}

/// Says what the test puts into its outbox.
struct SmallStats;

impl Service for SmallStats {
    const NAME: &'static str = "stats";
    const DEFAULTS: &'static str = "[service]";
    type Config = std::collections::BTreeMap<String, String>;

    fn migrator() -> Option<&'static Migrator> {
        Some(&NOTHING)
    }

    async fn start(_: Self::Config, host: Host) -> anyhow::Result<()> {
        let db = host.database(Self::migrator()).await?;
        host.relay(&db).await?;
        host.serve(Routes::default()).await
    }
}

/// Settings for a nats-server whose address holds user and password. They are given apart, because
/// the client does not take them from the address.
fn on_bus(address: &str) -> toml::Table {
    let (account, _) = address.trim_start_matches("nats://").split_once('@').unwrap();
    let (user, password) = account.split_once(':').unwrap();
    let nats = [("url", address), ("user", user), ("password", password)];
    let nats = nats.map(|(key, value)| (key.to_owned(), value.into()));
    toml::Table::from_iter([("nats".to_owned(), toml::Table::from_iter(nats).into())])
}

async fn say<E: Event>(db: &Db, subject_id: Uuid, event: E) {
    let said: Result<(), sqlx::Error> = db
        .write(move |tx| {
            Box::pin(async move { outbox::publish(tx, now(), subject_id, &event).await.map(drop) })
        })
        .await;
    said.unwrap();
}

async fn open_case(routing: &Db, title: &str) {
    let case = Case { revision: 1, ..Case::new() };
    ROUTING.shows(case.view(title));
    let event = CaseOpened { case: Some(case.case_ref(true)), ..Default::default() };
    say(routing, case.id, event).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_routing_commits_is_at_the_reader_within_a_second() {
    let nats = liuyan_local::testing::nats().await;
    let board = Board::new()
        .without_bus()
        .with_settings::<SmallRouting>(on_bus(nats.url()))
        .with_settings::<Feed>(on_bus(nats.url()))
        .start()
        .await;
    let mut feed = FeedServiceClient::new(board.channel("feed"));
    open_case(board.database("routing"), "first").await;
    testing::eventually("the first event is in the feed", SOON * 3, || {
        let mut feed = feed.clone();
        async move {
            let feed = feed.get_feed(GetFeedRequest {}).await.ok()?.into_inner();
            (feed.head_position == 1).then_some(())
        }
    })
    .await;

    let start = Some(Start::Latest(true));
    let request = WatchEventsRequest { start, ..Default::default() };
    let mut stream = Watching(feed.watch_events(request).await.unwrap().into_inner());
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;
    let begun = Instant::now();
    open_case(board.database("routing"), "second").await;
    let Some(Frame::Batch(batch)) =
        stream.until(|frame| matches!(frame, Frame::Batch(_))).await.frame
    else {
        panic!("until() gives a batch")
    };
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(titles(&batch.events), ["second"]);

    let stopped = tokio::spawn(board.stop());
    let Some(Frame::Goodbye(goodbye)) =
        stream.until(|frame| matches!(frame, Frame::Goodbye(_))).await.frame
    else {
        panic!("until() gives a Goodbye")
    };
    assert_eq!(goodbye.reason, "SHUTDOWN");
    assert!(stream.next().await.is_none(), "OK follows");
    tokio::time::timeout(SOON, stopped).await.expect("it stops in time").unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stats_says_is_settled_and_changes_nothing() {
    let nats = liuyan_local::testing::nats().await;
    let board = Board::new()
        .without_bus()
        .with_settings::<SmallRouting>(on_bus(nats.url()))
        .with_settings::<SmallStats>(on_bus(nats.url()))
        .with_settings::<Feed>(on_bus(nats.url()))
        .start()
        .await;
    let published = IndicatorsPublished { version: 1, indicators: vec!["answered".to_owned()] };
    say(board.database("stats"), Uuid::from_u128(1), published).await;
    let settled = "select count(*) from messaging.positions where source = 'stats'";
    testing::eventually("the feed has settled it", SOON * 3, || async {
        let mut connection = board.database("feed").read().await.ok()?;
        let settled: i64 = sqlx::query_scalar(settled).fetch_one(&mut *connection).await.ok()?;
        (settled == 1).then_some(())
    })
    .await;
    let mut feed = FeedServiceClient::new(board.channel("feed"));
    assert_eq!(feed.get_feed(GetFeedRequest {}).await.unwrap().into_inner().head_position, 0);
    let measured = "the figures tell how much waits to be appended, and how long";
    testing::eventually(measured, SOON, || async {
        let metrics = liuyan_kit::telemetry::render().unwrap();
        let figures = ["events_pending", "events_pending_oldest_age_seconds"];
        let told = |figure| metrics.contains(&format!("{figure}{{service=\"feed\"}} 0"));
        figures.iter().all(told).then_some(())
    })
    .await;
    board.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_process_appends_is_at_the_reader_at_once_and_not_at_the_next_look() {
    let nats = liuyan_local::testing::nats().await;
    let mut settings = on_bus(nats.url());
    let seldom = ["head_poll_ms", "append_idle_ms"].map(|key| (key.to_owned(), 600_000.into()));
    settings.insert("service".to_owned(), toml::Table::from_iter(seldom).into());
    let board = Board::new()
        .without_bus()
        .with_settings::<SmallRouting>(on_bus(nats.url()))
        .with_settings::<Feed>(settings)
        .start()
        .await;
    let start = Some(Start::Latest(true));
    let request = WatchEventsRequest { start, ..Default::default() };
    let mut feed = FeedServiceClient::new(board.channel("feed"));
    let mut stream = Watching(feed.watch_events(request).await.unwrap().into_inner());
    stream.until(|frame| matches!(frame, Frame::CaughtUp(_))).await;

    // The other process: it appends to the same log, and rings. The first time this one may look because it has
    // just begun to listen; the second time it looks because of the ring, or in ten minutes.
    let bus = bus(nats.url()).await;
    testing::eventually("the bus is there", SOON, || async { bus.connected().then_some(()) }).await;
    for title in ["first", "second"] {
        append_elsewhere(board.database("feed"), title).await;
        let frame = {
            let mut frame = std::pin::pin!(stream.until(|frame| matches!(frame, Frame::Batch(_))));
            loop {
                bus.wake("feed.log").await;
                let again = tokio::time::sleep(Duration::from_millis(200));
                tokio::select! {
                    frame = &mut frame => break frame,
                    () = again => {}
                }
            }
        };
        let Some(Frame::Batch(batch)) = frame.frame else { panic!("until() gives a batch") };
        assert_eq!(titles(&batch.events), [title]);
    }
    board.stop().await;
}

/// Appends an event of a new case, as a process does that has this database.
async fn append_elsewhere(db: &Db, title: &str) {
    let mut case = Case::new();
    let opened = case.opened();
    let views = [(case.id, View::from(case.view(title)))].into();
    consumer::of_routing().deliver(db, now(), &[opened]).await.unwrap();
    let waiting = append::waiting(db, 256, &[]).await.unwrap();
    let known = append::Known { views, stretch_events: 100, ..append::Known::default() };
    let clock: SharedClock = std::sync::Arc::new(SystemClock);
    append::append(db, &clock, waiting, known).await.unwrap();
}

async fn bus(address: &str) -> Bus {
    let settings = on_bus(address);
    let text = |key: &str| settings["nats"][key].as_str().unwrap().to_owned();
    let nats = Nats {
        url: Secret::from(text("url")),
        user: text("user"),
        password: Secret::from(text("password")),
        ..Nats::default()
    };
    Bus::connect(&nats, "feed").await.unwrap()
}
