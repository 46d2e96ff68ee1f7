//! `liuyan feed watch`.

use std::path::{Path, PathBuf};

use liuyan_feed_client::{
    Start, Step, Watch, What,
    v1::{CaughtUp, Event, EventBatch, WatchEventsResponse, watch_events_response::Frame},
};
use serde_json::{Value, json};

use super::{
    at::{At, Wanted, failed, start},
    json::Mapper,
};
use crate::{args::Output, error::Error, output};

/// Where to begin and what to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    wanted: Wanted,
    /// Where to begin if the checkpoint does not say: `earliest`, `latest`, a time, or a cursor.
    #[arg(long, value_name = "PLACE", default_value = "earliest", value_parser = start)]
    from: Start,
    /// Keep the place in this file, and go on there.
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Stop after so many events.
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Stop at the newest event.
    #[arg(long)]
    until_caught_up: bool,
}

/// Shows events until it is told to stop.
pub(crate) async fn run(dir: &Path, options: Options, output: Output) -> Result<(), Error> {
    let Options { at, wanted, from, checkpoint, limit, until_caught_up } = options;
    let (feed, mapper) = (at.feed(dir)?, Mapper::new()?);
    // A board that was never there is told at once; one that goes away is waited for.
    feed.get().await.map_err(failed)?;
    let batch = limit.map_or(0, |limit| i32::try_from(limit.clamp(1, 500)).unwrap_or(500));
    let watch = Watch {
        start: from,
        filter: wanted.filter(),
        read_mask: wanted.fields.clone(),
        batch,
        checkpoint,
        ..Watch::default()
    };
    let mut watcher = feed.watch(watch).map_err(failed)?;
    let mut shown = 0;
    while let Some(step) = watcher.next().await.map_err(failed)? {
        let left = limit.map_or(usize::MAX, |limit| limit - shown);
        let events = step.events().len().min(left);
        show(&mapper, &step, events, output);
        shown += events;
        if events < step.events().len() {
            // The rest of the step was not shown: its events are not done, and the place stays.
            step.events().iter().take(events).for_each(|event| watcher.done(&event.id));
            return watcher.rewind().await.map_err(failed);
        }
        let caught_up = until_caught_up && matches!(step.what, What::CaughtUp);
        if events > 0 || caught_up {
            watcher.commit().await.map_err(failed)?;
        }
        if caught_up || limit == Some(shown) {
            return Ok(());
        }
    }
    Ok(())
}

fn show(mapper: &Mapper, step: &Step, events: usize, output: Output) {
    match output {
        Output::Json => output::json(&as_json(mapper, step, events)),
        Output::Text => match &step.what {
            What::Events(all) => all.iter().take(events).for_each(line),
            What::Broken { why, again_after } => output::line(format_args!(
                "  (away: {why}; again after {:.1} s)",
                again_after.as_secs_f64()
            )),
            What::Expired => output::line("  (events are missing here: they are no longer kept)"),
            What::EpochChanged { .. } => {
                output::line("  (the log has begun another life: events may repeat)");
            }
            What::Ahead => output::line("  (the log is shorter than it was: going on at its end)"),
            What::Notice(notice) => output::line(format_args!("  ({})", notice.text)),
            _ => {}
        },
    }
}

fn line(event: &Event) {
    let case = event.case.as_ref();
    output::line(format_args!(
        "{:>8}  {:<40} {}  {}",
        event.position,
        event.r#type,
        case.map_or("", |case| case.number.as_str()),
        case.map_or("", |case| case.title.as_str()),
    ));
}

/// A step as the frame that it was; what happened on this side has a name of its own.
fn as_json(mapper: &Mapper, step: &Step, events: usize) -> Value {
    let frame = match &step.what {
        What::Opened(opened) => Frame::Opened(opened.clone()),
        What::Events(all) | What::Again(all) => {
            Frame::Batch(EventBatch { events: all.iter().take(events).cloned().collect() })
        }
        What::Progress(progress) => Frame::Progress(*progress),
        What::CaughtUp | What::Committed => Frame::CaughtUp(CaughtUp {}),
        What::Notice(notice) => Frame::Notice(notice.clone()),
        What::Goodbye(goodbye) => Frame::Goodbye(goodbye.clone()),
        What::Broken { why, again_after } => {
            let again_after_ms = u64::try_from(again_after.as_millis()).unwrap_or(u64::MAX);
            return json!({ "broken": { "why": why, "againAfterMs": again_after_ms } });
        }
        What::Expired => return json!({ "expired": { "resumedAt": step.cursor } }),
        What::Ahead => return json!({ "ahead": { "resumedAt": step.cursor } }),
        What::EpochChanged { epoch } => {
            return json!({ "epochChanged": { "epoch": epoch, "resumedAt": step.cursor } });
        }
    };
    let response = WatchEventsResponse {
        cursor: step.cursor.clone(),
        position: step.position,
        cursor_time: step.cursor_time,
        frame: Some(frame),
    };
    mapper.map("WatchEventsResponse", &response)
}
