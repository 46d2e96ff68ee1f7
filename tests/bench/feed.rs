//! P5 and P6: how fast a reader of the feed catches up, and how soon and at what cost others hear what is new.
//!
//! The feed runs as a process of its own, with its relay, bus and databases as they are deployed. Routing is its
//! database and its relay: what it says is written by this program, in a transaction for each event, and its views
//! are made up. So the way that is measured is the feed's: outbox, bus, hearing, asking for the view, appending,
//! and frames to the readers.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::Context as _;
use jiff::Timestamp;
use liuyan_kit::{
    clock::{Clock as _, SystemClock, to_proto},
    grpc::Channel,
    id,
    messaging::{Outgoing, outbox},
    testing,
};
use liuyan_proto::liuyan::{
    feed::v1::{
        Clause, Event, EventFilter, GetFeedRequest, WatchEventsRequest, WatchEventsResponse,
        feed_service_client::FeedServiceClient, watch_events_request::Start,
        watch_events_response::Frame,
    },
    routing::v1::{CaseOpened, CaseRef},
};
use prost::Message as _;
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};
use tonic::{Streaming, service::Routes, transport::server::TcpIncoming};

use crate::report::{Row, median, quantile, round};

mod plain;
mod stage;

use self::{
    plain::Plain,
    stage::{Stage, child},
};

/// The division that the reader of P5 follows: one of four.
const FOLLOWED: &str = "330106";
/// Events that routing commits together while the log is filled.
const AT_A_TIME: usize = 500;
/// Streams over one connection; a server allows 256.
const OF_A_CONNECTION: usize = 200;
/// Commits that may be under way.
const COMMITS: usize = 64;
const PATIENCE: Duration = Duration::from_secs(600);

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Events in the log for P5.
    #[arg(long, default_value_t = 50_000)]
    events: usize,
    /// Rounds of P5, of which the middle one counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Events a second for P6.
    #[arg(long, default_value_t = 500)]
    rate: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Streams that follow meanwhile, each a division of its own but the first, which follows all.
    #[arg(long, default_value_t = 200)]
    streams: usize,
    /// Idle streams whose memory is measured.
    #[arg(long, default_value_t = 1_000)]
    idle: usize,
    /// Small numbers, to see that it runs.
    #[arg(long)]
    quick: bool,
}

/// What the plain stream gives.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct PlainOptions {
    address: SocketAddr,
    events: usize,
    batch: usize,
    /// An encoded event, in hexadecimal.
    like: String,
}

/// Serves the plain stream.
///
/// # Errors
/// If it can't.
pub(crate) async fn serve_plain(options: PlainOptions) -> anyhow::Result<()> {
    let like = Event::decode(hex::decode(&options.like)?.as_slice())?;
    let plain = Plain::new(options.events, options.batch, &like);
    let listener = TcpListener::bind(options.address).await?;
    let server = tonic::transport::Server::builder().add_routes(Routes::new(plain));
    Ok(server.serve_with_incoming(TcpIncoming::from(listener)).await?)
}

/// Measures.
///
/// # Errors
/// If something does not start, or nothing arrives.
pub(crate) async fn run(mut options: Options) -> anyhow::Result<Vec<Row>> {
    if options.quick {
        options = Options { events: 2_000, rounds: 1, rate: 50, seconds: 3, idle: 100, ..options };
        options.streams = options.streams.min(20);
    }
    let folder = tempfile::tempdir()?;
    let stage = Stage::start(folder.path()).await?;
    let measured = async {
        // First, while the process holds little: what it gave back would hide what the streams take.
        let memory = memory(&stage, &options).await?;
        let catching_up = catching_up(&stage, folder.path(), &options).await?;
        let live = live(&stage, &options).await?;
        anyhow::Ok(vec![catching_up, live, memory])
    };
    let measured = measured.await;
    stage.stop().await?;
    measured
}

/// An event of a new case of a division.
fn opened(division: &str, now: Timestamp) -> Outgoing {
    let case_id = id::v7(now);
    let case = CaseRef {
        case_id: case_id.to_string(),
        message_id: case_id.to_string(),
        office_id: format!("{division}-s"),
        division_code: division.to_owned(),
        kind: "help".to_owned(),
        domain: "7".to_owned(),
        visibility: 1,
        public: true,
        state: 1,
        revision: 1,
        occurred_at: Some(to_proto(now)),
        ..CaseRef::default()
    };
    let event = CaseOpened { case: Some(case), ..CaseOpened::default() };
    Outgoing::new(case_id, &event)
}

async fn say(events: Vec<Outgoing>) -> anyhow::Result<Vec<uuid::Uuid>> {
    let said: Result<_, sqlx::Error> = Stage::routing()?
        .write(move |tx| {
            Box::pin(async move { outbox::publish_all(tx, SystemClock.now(), &events).await })
        })
        .await;
    Ok(said?)
}

/// Waits until the log has so many events.
async fn filled(stage: &Stage, events: u64) -> anyhow::Result<()> {
    let mut client = stage.client();
    let filling = async {
        while client.get_feed(GetFeedRequest {}).await?.into_inner().head_position < events {
            sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, filling).await.context("the log does not fill")?
}

fn divisions(codes: &[&str]) -> Option<EventFilter> {
    let division_codes = codes.iter().map(|code| (*code).to_owned()).collect();
    Some(EventFilter { any_of: vec![Clause { division_codes, ..Clause::default() }] })
}

/// P5.
async fn catching_up(
    stage: &Stage,
    folder: &std::path::Path,
    options: &Options,
) -> anyhow::Result<Row> {
    let codes = [FOLLOWED, "330102", "330108", "330110"];
    let begun = Instant::now();
    for first in (0..options.events).step_by(AT_A_TIME) {
        let now = SystemClock.now();
        let until = options.events.min(first + AT_A_TIME);
        say((first..until).map(|at| opened(codes[at % codes.len()], now)).collect()).await?;
    }
    filled(stage, options.events as u64).await?;
    let filled = options.events as f64 / begun.elapsed().as_secs_f64();

    let mut head = stage.client();
    let end = head.get_feed(GetFeedRequest {}).await?.into_inner().latest_cursor;
    let request = WatchEventsRequest {
        start: Some(Start::Earliest(true)),
        filter: divisions(&[FOLLOWED]),
        end_cursor: end,
        ..WatchEventsRequest::default()
    };
    // The first one warms up, and shows how large the events are.
    let (wanted, _, like) = read(&mut stage.client(), request.clone()).await?;
    anyhow::ensure!(wanted == options.events.div_ceil(codes.len()), "{wanted} events came");
    let like = like.context("no event came")?;

    let address = TcpListener::bind("127.0.0.1:0").await?.local_addr()?;
    let arguments = [
        address.to_string(),
        wanted.to_string(),
        100.to_string(),
        hex::encode(like.encode_to_vec()),
    ];
    let mut server = child(folder, "plain-stream", &arguments.map(std::ffi::OsString::from))?;
    let plain = || {
        let channel: Channel = testing::channel(address);
        FeedServiceClient::new(channel).max_decoding_message_size(64 << 20)
    };
    let started = Instant::now();
    while read(&mut plain(), WatchEventsRequest::default()).await.is_err() {
        anyhow::ensure!(started.elapsed() < Duration::from_secs(30), "the plain stream is away");
        sleep(Duration::from_millis(50)).await;
    }
    let (mut ratios, mut feeds, mut plains) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(1) {
        let (events, took, _) = read(&mut stage.client(), request.clone()).await?;
        let feed = events as f64 / took.as_secs_f64();
        let (events, took, _) = read(&mut plain(), WatchEventsRequest::default()).await?;
        let base = events as f64 / took.as_secs_f64();
        ratios.push(feed / base);
        feeds.push(feed);
        plains.push(base);
    }
    server.kill().await?;
    let detail = json!({
        "what": "catch-up of one stream, filtered by division, beside a plain stream of equal events",
        "events": wanted,
        "of": options.events,
        "bytes_of_one": like.encoded_len(),
        "events_per_second": round(median(&feeds)),
        "plain_per_second": round(median(&plains)),
        "filled_per_second": round(filled),
    });
    Ok(Row::at_least("P5", median(&ratios), 0.10, detail))
}

/// Reads a stream to its end: how many events came, how long it took, and the last one.
async fn read(
    client: &mut FeedServiceClient<Channel>,
    request: WatchEventsRequest,
) -> anyhow::Result<(usize, Duration, Option<Event>)> {
    let begun = Instant::now();
    let mut frames = client.watch_events(request).await?.into_inner();
    let (mut events, mut last) = (0, None);
    while let Some(WatchEventsResponse { frame, .. }) = frames.message().await? {
        match frame {
            Some(Frame::Batch(mut batch)) => {
                events += batch.events.len();
                last = batch.events.pop().or(last);
            }
            Some(Frame::Goodbye(_)) => break,
            _ => {}
        }
    }
    Ok((events, begun.elapsed(), last))
}

/// Opens streams that follow what is new, over several connections, and waits until each is live.
async fn follow(
    stage: &Stage,
    filters: Vec<Option<EventFilter>>,
) -> anyhow::Result<Vec<Streaming<WatchEventsResponse>>> {
    let mut streams = Vec::with_capacity(filters.len());
    for filters in filters.chunks(OF_A_CONNECTION) {
        let mut client = stage.client();
        for filter in filters {
            let request = WatchEventsRequest {
                start: Some(Start::Latest(true)),
                filter: filter.clone(),
                ..WatchEventsRequest::default()
            };
            let mut stream = client.watch_events(request).await?.into_inner();
            loop {
                let frame = stream.message().await?.context("a stream ended")?;
                if matches!(frame.frame, Some(Frame::CaughtUp(_))) {
                    break;
                }
            }
            streams.push(stream);
        }
    }
    Ok(streams)
}

/// P6: what an idle stream holds.
async fn memory(stage: &Stage, options: &Options) -> anyhow::Result<Row> {
    // What is made once and kept is made before.
    drop(follow(stage, vec![None; 10]).await?);
    let before = stage.memory()?;
    let streams = follow(stage, vec![None; options.idle]).await?;
    // Long enough for a heartbeat of each.
    sleep(Duration::from_secs(if options.quick { 1 } else { 20 })).await;
    let after = stage.memory()?;
    drop(streams);
    let kib = after.saturating_sub(before) as f64 / options.idle.max(1) as f64 / 1_024.0;
    let detail = json!({
        "what": "memory of the feed's process for each idle stream",
        "streams": options.idle,
        "before_kib": before >> 10,
        "after_kib": after >> 10,
    });
    Ok(Row { unit: "KiB", ..Row::at_most("P6", kib, 64.0, detail) })
}

/// P6: from the commit to the frame.
async fn live(stage: &Stage, options: &Options) -> anyhow::Result<Row> {
    let mut filters = vec![None];
    filters.extend((1..options.streams).map(|at| divisions(&[&division(at)])));
    let arrivals: Arc<Mutex<Vec<(String, Instant)>>> = Arc::default();
    let mut readers = JoinSet::new();
    for mut stream in follow(stage, filters).await? {
        let arrivals = Arc::clone(&arrivals);
        readers.spawn(async move {
            while let Ok(Some(response)) = stream.message().await {
                let Some(Frame::Batch(batch)) = response.frame else { continue };
                let at = Instant::now();
                let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
                arrivals.extend(batch.events.into_iter().map(|event| (event.id, at)));
            }
        });
    }
    let events = options.rate * options.seconds;
    let commits = commit(options).await?;
    // What is committed last arrives soon, or is counted as lost.
    let expected = events as usize + expected_by_division(options);
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end && arrivals.lock().is_ok_and(|it| it.len() < expected) {
        sleep(Duration::from_millis(50)).await;
    }
    readers.abort_all();
    let arrived = std::mem::take(&mut *arrivals.lock().unwrap_or_else(PoisonError::into_inner));
    let mut micros: Vec<u64> = arrived
        .iter()
        .filter_map(|(id, at)| Some(at.saturating_duration_since(*commits.get(id)?)))
        .map(|took| u64::try_from(took.as_micros()).unwrap_or(u64::MAX))
        .collect();
    micros.sort_unstable();
    anyhow::ensure!(micros.len() == expected, "{} of {expected} frames came", micros.len());
    let millis = |share| round(quantile(&micros, share) as f64 / 1_000.0);
    let detail = json!({
        "what": "commit in routing to frame at the reader, p99",
        "events_per_second": options.rate,
        "seconds": options.seconds,
        "streams": options.streams,
        "delivered": micros.len(),
        "median_ms": millis(0.5),
        "most_ms": millis(1.0),
    });
    Ok(Row { unit: "ms", ..Row::at_most("P6", millis(0.99), 250.0, detail) })
}

/// The division of a stream.
fn division(at: usize) -> String {
    format!("33{:04}", 1_000 + at)
}

/// How many events somebody beside the first reader follows.
fn expected_by_division(options: &Options) -> usize {
    let events = (options.rate * options.seconds) as usize;
    (0..events).filter(|at| at % options.streams.max(1) != 0).count()
}

/// Commits events at the rate, whether the earlier ones are done or not; gives when each was committed.
async fn commit(options: &Options) -> anyhow::Result<HashMap<String, Instant>> {
    let room = Arc::new(Semaphore::new(COMMITS));
    let mut commits = JoinSet::new();
    let begun = tokio::time::Instant::now();
    for at in 0..options.rate * options.seconds {
        sleep_until(begun + Duration::from_secs(1) * at / options.rate.max(1)).await;
        let permit = Arc::clone(&room).acquire_owned().await?;
        let event = opened(&division(at as usize % options.streams.max(1)), SystemClock.now());
        commits.spawn(async move {
            let said = say(vec![event]).await?;
            drop(permit);
            anyhow::Ok((said.first().context("nothing was said")?.to_string(), Instant::now()))
        });
    }
    let mut committed = HashMap::new();
    while let Some(said) = commits.join_next().await {
        let (id, at) = said??;
        committed.insert(id, at);
    }
    Ok(committed)
}
