//! P1, P1b, P2 and P4: messages taken in.

use std::time::Duration;

use anyhow::bail;
use serde_json::json;

use crate::{
    ground::Ground,
    load::{Way, Went},
    pgbench::{Measured, Pgbench},
    report::{Row, median, round},
};

/// Few messages are so many.
const FEW: u64 = 10_000;
/// For how many seconds messages are submitted before it is looked how many are stored.
const FILLING: u64 = 20;
/// For how many seconds messages are submitted after a checkpoint before they count: the first change of each page
/// after it is logged with the whole page, which takes so long of the quarter of an hour until the next one.
const WARMING: u64 = 30;
/// Millions of events are carried on within this.
const SETTLED: Duration = Duration::from_secs(3_600);

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// Seconds of each turn.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Turns of each.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Callers of `SubmitMessage`.
    #[arg(long, default_value_t = 256)]
    callers: u64,
    /// Streams of `SubmitMessages`.
    #[arg(long, default_value_t = 2)]
    streams: u64,
    /// How many messages are stored for P4; 0 leaves it out.
    #[arg(long, default_value_t = 5_000_000)]
    stored: u64,
}

/// Measures.
///
/// # Errors
/// If something does not run at all.
pub(crate) async fn run(options: Options) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let mut ground = Box::pin(Ground::start(folder.path())).await?;
    let pgbench = Pgbench::new(ground.database("baseline").await?, folder.path()).await?;
    ground.intake().await?;
    let mut rows = throughput(&options, &ground, &pgbench).await?;
    if options.stored > 0 {
        rows.push(size(&options, &ground).await?);
    }
    ground.stop().await?;
    Ok(rows)
}

fn whole(went: Went) -> anyhow::Result<Went> {
    if went.refused > went.accepted / 100 {
        bail!("{} of {} were refused: {}", went.refused, went.accepted, went.refusal);
    }
    Ok(went)
}

async fn throughput(
    options: &Options,
    ground: &Ground,
    pgbench: &Pgbench,
) -> anyhow::Result<Vec<Row>> {
    // Connections, caches and tables are warm before anything counts.
    ground.submit(Way::Callers, options.callers, 2).await?;
    ground.submit(Way::Streams, options.streams, 2).await?;
    pgbench.run(32, 2).await?;
    let (mut unary, mut stream, mut base) = (Vec::new(), Vec::new(), Vec::new());
    let mut shares = Vec::new();
    for _ in 0..options.rounds.max(1) {
        // What the last round has brought to the relay and the log is none of this one's.
        ground.settle(SETTLED).await?;
        base.push(pgbench.run(32, options.seconds).await?.rate);
        let before = ground.intake_processor();
        let went = whole(ground.submit(Way::Callers, options.callers, options.seconds).await?)?;
        shares.push((went.processor, ground.intake_processor() - before));
        unary.push(went);
        ground.settle(SETTLED).await?;
        stream.push(whole(ground.submit(Way::Streams, options.streams, options.seconds).await?)?);
    }
    let rates = |went: &[Went]| went.iter().map(|went| round(went.rate)).collect::<Vec<f64>>();
    let ratios = |went: &[Went]| {
        let each: Vec<f64> = went.iter().zip(&base).map(|(went, base)| went.rate / base).collect();
        median(&each)
    };
    #[expect(clippy::cast_precision_loss, reason = "a few seconds")]
    let seconds = options.seconds as f64;
    let load_share = median(&shares.iter().map(|(load, _)| load / seconds).collect::<Vec<_>>());
    let own_share = median(&shares.iter().map(|(_, own)| own / seconds).collect::<Vec<_>>());
    let mut rows = vec![
        Row::at_least(
            "P1",
            ratios(&unary),
            1.25,
            json!({
                "callers": options.callers,
                "accepted_per_second": rates(&unary),
                "pgbench_per_second": base,
                "p99_microseconds": unary.iter().map(|went| went.p99).collect::<Vec<_>>(),
                "processors_of_the_load": round(load_share),
                "processors_of_intake": round(own_share),
            }),
        ),
        Row::at_least(
            "P1b",
            ratios(&stream),
            2.5,
            json!({
                "streams": options.streams,
                "accepted_per_second": rates(&stream),
                "pgbench_per_second": base,
            }),
        ),
    ];
    let rated = median(&rates(&unary));
    rows.push(latency(options, ground, pgbench, rated).await?);
    Ok(rows)
}

async fn latency(
    options: &Options,
    ground: &Ground,
    pgbench: &Pgbench,
    rated: f64,
) -> anyhow::Result<Row> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate of calls")]
    let half = (rated / 2.0) as u64;
    let (mut base, mut ours, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(1) {
        ground.settle(SETTLED).await?;
        let Measured { p99, .. } = pgbench.run(8, options.seconds).await?;
        let went = whole(ground.submit(Way::Rate, half, options.seconds).await?)?;
        #[expect(clippy::cast_precision_loss, reason = "microseconds of one run")]
        ratios.push(went.p99 as f64 / p99.max(1) as f64);
        base.push(p99);
        ours.push(went.p99);
    }
    let detail = json!({
        "messages_per_second": half, "p99_microseconds": ours, "pgbench_p99_microseconds": base,
    });
    Ok(Row::at_most("P2", median(&ratios), 4.0, detail))
}

/// Throughput with few and with many messages stored, each on a server of its own that has just been measured in
/// the same way. The few are in a database that is fresh for each turn.
async fn size(options: &Options, ground: &Ground) -> anyhow::Result<Row> {
    let mut stored = ground.stored().await?;
    while stored < options.stored {
        ground.submit(Way::Streams, options.streams, FILLING).await?;
        stored = ground.stored().await?;
    }
    ground.settle(SETTLED).await?;
    ground.tend().await?;
    ground.submit(Way::Callers, options.callers, WARMING).await?;
    let folder = tempfile::tempdir()?;
    let mut other = Box::pin(Ground::start(folder.path())).await?;
    let (mut few, mut many, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.rounds.max(1) {
        other.intake().await?;
        while other.stored().await? < FEW {
            other.submit(Way::Streams, options.streams, 1).await?;
        }
        // The relays would otherwise take their share from both.
        other.settle(SETTLED).await?;
        ground.settle(SETTLED).await?;
        let one = whole(other.submit(Way::Callers, options.callers, options.seconds).await?)?;
        let two = whole(ground.submit(Way::Callers, options.callers, options.seconds).await?)?;
        ratios.push(two.rate / one.rate);
        few.push(round(one.rate));
        many.push(round(two.rate));
    }
    other.stop().await?;
    let detail = json!({
        "stored": stored, "accepted_per_second": many, "with_few_stored_per_second": few,
    });
    Ok(Row::at_least("P4", median(&ratios), 0.9, detail))
}
