//! `liuyan feed watch`.

use std::path::{Path, PathBuf};

use liuyan_feed_client::{
    Start, Step, Watch, What,
    v1::{
        CaughtUp, Event, EventBatch, SnapshotEnd, WatchEventsResponse, watch_events_response::Frame,
    },
};
use serde_json::{Value, json};

use super::{
    at::{At, Wanted, failed, start_of_stream},
    json,
};
use crate::{args::Output, error::Error, output};

/// Where to begin and what to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    at: At,
    #[command(flatten)]
    wanted: Wanted,
    /// Where to begin if the checkpoint does not say: `earliest`, `latest`, `snapshot` (the present view of each
    /// case first), a time, or a cursor.
    #[arg(long, value_name = "PLACE", default_value = "earliest", value_parser = start_of_stream)]
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
    let feed = at.feed(dir)?;
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
        show(&step, events, output)?;
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

fn show(step: &Step, events: usize, output: Output) -> Result<(), Error> {
    match output {
        Output::Json => output::json(&as_json(step, events)?),
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
            What::Opened(opened) if !opened.restricted_office_ids.is_empty() => {
                output::line(format_args!(
                    "  (restricted events of {} come, too)",
                    opened.restricted_office_ids.join(", ")
                ));
            }
            What::SnapshotEnd => {
                output::line("  (this is every case as it is now; what happened since follows)");
            }
            _ => {}
        },
    }
    Ok(())
}

fn line(event: &Event) {
    let case = event.case.as_ref();
    // A restricted event has neither number nor title.
    let (number, title) = match case {
        Some(case) if event.restricted => (case.case_id.as_str(), "(restricted)"),
        Some(case) => (case.number.as_str(), case.title.as_str()),
        None => ("", ""),
    };
    let (position, kind) = (event.position, &event.r#type);
    output::line(format_args!("{position:>8}  {kind:<40} {number}  {title}"));
}

/// A step as the frame that it was; what happened on this side has a name of its own.
fn as_json(step: &Step, events: usize) -> Result<Value, Error> {
    let frame = match &step.what {
        What::Opened(opened) => Frame::Opened(opened.clone()),
        What::Events(all) | What::Again(all) => {
            Frame::Batch(EventBatch { events: all.iter().take(events).cloned().collect() })
        }
        What::Progress(progress) => Frame::Progress(*progress),
        What::SnapshotEnd => Frame::SnapshotEnd(SnapshotEnd {}),
        What::CaughtUp | What::Committed => Frame::CaughtUp(CaughtUp {}),
        What::Notice(notice) => Frame::Notice(notice.clone()),
        What::Goodbye(goodbye) => Frame::Goodbye(goodbye.clone()),
        What::Broken { why, again_after } => {
            let again_after_ms = u64::try_from(again_after.as_millis()).unwrap_or(u64::MAX);
            return Ok(json!({ "broken": { "why": why, "againAfterMs": again_after_ms } }));
        }
        What::Expired => return Ok(json!({ "expired": { "resumedAt": step.cursor } })),
        What::Ahead => return Ok(json!({ "ahead": { "resumedAt": step.cursor } })),
        What::EpochChanged { epoch } => {
            return Ok(json!({ "epochChanged": { "epoch": epoch, "resumedAt": step.cursor } }));
        }
    };
    let response = WatchEventsResponse {
        cursor: step.cursor.clone(),
        position: step.position,
        cursor_time: step.cursor_time,
        frame: Some(frame),
    };
    json::of("WatchEventsResponse", &response)
}
