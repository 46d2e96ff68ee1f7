//! The load: a process that submits messages and tells how it went.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use clap::ValueEnum;
use futures::StreamExt as _;
use liuyan_kit::{grpc::Channel, testing};
use liuyan_proto::liuyan::intake::v1::{
    SubmitMessagesRequest, intake_service_client::IntakeServiceClient, submit_messages_response,
};
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, task::JoinSet, time::sleep_until};
use tokio_stream::wrappers::ReceiverStream;

use crate::{message, report::quantile};

/// Connections over which callers are spread: one allows 256 calls at a time.
const CONNECTIONS: usize = 4;
/// How many calls of the open loop may be open; what would come on top is counted as refused.
const MOST_OPEN: u64 = 20_000;

/// What to do.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Where intake serves.
    #[arg(long)]
    pub(crate) address: SocketAddr,
    /// How to submit.
    #[arg(long, value_enum)]
    pub(crate) way: Way,
    /// How many callers, or streams; messages a second for the open loop.
    #[arg(long)]
    pub(crate) many: u64,
    /// For how many seconds.
    #[arg(long)]
    pub(crate) seconds: u64,
    /// The token of a partner.
    #[arg(long, default_value = "")]
    pub(crate) token: String,
}

/// How messages are submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Way {
    /// Each caller waits for the answer before it goes on.
    Callers,
    /// Partners' streams, as fast as they are taken.
    Streams,
    /// So many a second, whether the earlier ones are answered or not.
    Rate,
}

/// How it went.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Went {
    /// Accepted messages.
    pub(crate) accepted: u64,
    /// Refused ones.
    pub(crate) refused: u64,
    /// Accepted a second.
    pub(crate) rate: f64,
    /// Half of the answers came within, in microseconds.
    pub(crate) p50: u64,
    /// 99 % of the answers came within, in microseconds.
    pub(crate) p99: u64,
    /// Processor seconds that the load took.
    pub(crate) processor: f64,
    /// What the last refusal said.
    pub(crate) refusal: String,
}

#[derive(Debug, Default)]
struct Tally {
    refused: AtomicU64,
    refusal: std::sync::Mutex<String>,
}

impl Tally {
    fn refuse(&self, why: &impl std::fmt::Debug) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        if let Ok(mut last) = self.refusal.lock() {
            *last = format!("{why:?}").chars().take(300).collect();
        }
    }
}

/// Submits, and prints [`Went`].
///
/// # Errors
/// If intake can't be reached at all.
pub(crate) async fn run(options: Options) -> anyhow::Result<()> {
    let tally = Arc::new(Tally::default());
    let clients = connected(options.address).await?;
    let began = Instant::now();
    let end = began + Duration::from_secs(options.seconds);
    let mut latencies = match options.way {
        Way::Callers => callers(&options, &clients, end, &tally).await,
        Way::Streams => streams(&options, end, &tally).await?,
        Way::Rate => at_rate(&options, &clients, (began, end), &tally).await,
    };
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let accepted = latencies.len() as u64;
    let went = Went {
        accepted,
        refused: tally.refused.load(Ordering::Relaxed),
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        rate: accepted as f64 / seconds,
        p50: quantile(&latencies, 0.5),
        p99: quantile(&latencies, 0.99),
        processor: processor_seconds().unwrap_or_default(),
        refusal: tally.refusal.lock().map(|last| last.clone()).unwrap_or_default(),
    };
    tell(&went)
}

#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn tell(went: &Went) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(went)?);
    Ok(())
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

type Client = IntakeServiceClient<Channel>;

/// Clients whose connections stand, as those of pgbench do when it begins to count.
async fn connected(address: SocketAddr) -> anyhow::Result<Vec<Client>> {
    let mut clients: Vec<Client> =
        (0..CONNECTIONS).map(|_| IntakeServiceClient::new(testing::channel(address))).collect();
    for client in &mut clients {
        client.submit_message(message::fresh()).await?;
    }
    Ok(clients)
}

async fn callers(
    options: &Options,
    clients: &[Client],
    end: Instant,
    tally: &Arc<Tally>,
) -> Vec<u64> {
    let mut tasks = JoinSet::new();
    for caller in 0..options.many {
        let at = usize::try_from(caller).unwrap_or_default() % CONNECTIONS;
        let mut client = clients[at].clone();
        let tally = Arc::clone(tally);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let asked = Instant::now();
                match client.submit_message(message::fresh()).await {
                    Ok(_) => latencies.push(micros(asked)),
                    Err(status) => {
                        tally.refuse(&status);
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
            latencies
        });
    }
    tasks.join_all().await.concat()
}

/// The time of an answer counts from when the message was given to the stream.
async fn streams(options: &Options, end: Instant, tally: &Arc<Tally>) -> anyhow::Result<Vec<u64>> {
    let mut tasks = JoinSet::new();
    for _ in 0..options.many {
        let mut client =
            IntakeServiceClient::new(testing::channel_as(options.address, &options.token));
        let (sender, receiver) = mpsc::channel::<SubmitMessagesRequest>(256);
        let began = Instant::now();
        tokio::spawn(async move {
            while Instant::now() < end {
                let request = SubmitMessagesRequest {
                    sequence: micros(began),
                    submission: Some(message::fresh()),
                };
                if sender.send(request).await.is_err() {
                    break;
                }
            }
        });
        let mut answers = client.submit_messages(ReceiverStream::new(receiver)).await?.into_inner();
        let tally = Arc::clone(tally);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(answer) => match answer.result {
                        Some(submit_messages_response::Result::Accepted(_)) => {
                            latencies.push(micros(began).saturating_sub(answer.sequence));
                        }
                        other => tally.refuse(&other),
                    },
                    Err(status) => {
                        tally.refuse(&status);
                        break;
                    }
                }
            }
            latencies
        });
    }
    Ok(tasks.join_all().await.concat())
}

/// The time of an answer counts from when the message was due, so that a server that stalls is not
/// spared the ones that it kept waiting.
async fn at_rate(
    options: &Options,
    clients: &[Client],
    (began, end): (Instant, Instant),
    tally: &Arc<Tally>,
) -> Vec<u64> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let open = Arc::new(AtomicU64::new(0));
    for number in 0_u64.. {
        let due = began + Duration::from_nanos(number * 1_000_000_000 / options.many.max(1));
        if due >= end {
            break;
        }
        if due > Instant::now() {
            sleep_until(due.into()).await;
        }
        if open.load(Ordering::Relaxed) >= MOST_OPEN {
            tally.refuse(&"too many calls are open");
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let at = usize::try_from(number).unwrap_or_default() % CONNECTIONS;
        let mut client = clients[at].clone();
        let (sender, tally, open) = (sender.clone(), Arc::clone(tally), Arc::clone(&open));
        tokio::spawn(async move {
            match client.submit_message(message::fresh()).await {
                Ok(_) => _ = sender.send(micros(due)),
                Err(status) => tally.refuse(&status),
            }
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
    drop(sender);
    let mut latencies = Vec::new();
    while let Some(latency) = receiver.recv().await {
        latencies.push(latency);
    }
    latencies
}

/// What this process has used of the processors so far.
fn processor_seconds() -> anyhow::Result<f64> {
    processor_seconds_of(std::process::id())
}

/// What a process has used of the processors so far.
///
/// # Errors
/// If there is no such process.
pub(crate) fn processor_seconds_of(pid: u32) -> anyhow::Result<f64> {
    /// Linux tells this in hundredths of a second on every machine that we run on.
    const TICKS: f64 = 100.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before it may hold anything.
    let (_, rest) = stat.rsplit_once(") ").context("no such process")?;
    let ticks: f64 =
        rest.split(' ').skip(11).take(2).filter_map(|word| word.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS)
}
