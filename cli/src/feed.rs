//! `liuyan feed`: follows the public feed as an agency would.

use std::time::Duration;

use liuyan_proto::{
    DESCRIPTORS,
    liuyan::feed::v1::{
        Clause, EventFilter, WatchEventsRequest, WatchEventsResponse,
        feed_service_client::FeedServiceClient, watch_events_request::Start,
        watch_events_response::Frame,
    },
};
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage};

use crate::{args::Output, board::Board, error::Error, output};

/// The wait before a broken stream is asked for again.
const AGAIN: Duration = Duration::from_millis(500);

/// What to do with the feed.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Shows events as they are recorded, until Ctrl-C. Broken streams are resumed at their cursor.
    #[command(
        after_help = "Examples:\n  liuyan feed watch\n  liuyan feed watch --latest --division 330000 --include-below\n  liuyan feed watch --cursor CURSOR --output json"
    )]
    Watch(Watch),
}

/// Where to begin and what to show.
#[derive(Debug, clap::Args)]
pub(crate) struct Watch {
    /// Begin after this cursor.
    #[arg(long, conflicts_with = "latest")]
    cursor: Option<String>,
    /// Begin with what comes next, not with the oldest event.
    #[arg(long)]
    latest: bool,
    /// Only this type of event; may be given several times. `*` at the end stands for anything.
    #[arg(long = "type")]
    types: Vec<String>,
    /// Only this division; may be given several times.
    #[arg(long = "division")]
    divisions: Vec<String>,
    /// Also the divisions below.
    #[arg(long)]
    include_below: bool,
    /// Only this office; may be given several times.
    #[arg(long = "office")]
    offices: Vec<String>,
    /// Stop after so many events.
    #[arg(long)]
    limit: Option<usize>,
}

/// Runs the command.
pub(crate) async fn run(board: &Board, command: Command, output: Output) -> Result<(), Error> {
    let Command::Watch(watch) = command;
    let pool = DescriptorPool::decode(DESCRIPTORS).map_err(Error::other("the contracts"))?;
    let mut start = match (&watch.cursor, watch.latest) {
        (Some(cursor), _) => Start::Cursor(cursor.clone()),
        (None, true) => Start::Latest(true),
        (None, false) => Start::Earliest(true),
    };
    let mut shown = 0;
    loop {
        match follow(board, &watch, &mut start, &mut shown, &pool, output).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(Error::Unreachable(why)) => tracing::warn!(why, "the feed is away; trying again"),
            Err(error) => return Err(error),
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Follows one stream to its end; true if enough was shown.
async fn follow(
    board: &Board,
    watch: &Watch,
    start: &mut Start,
    shown: &mut usize,
    pool: &DescriptorPool,
    output: Output,
) -> Result<bool, Error> {
    let mut client = FeedServiceClient::new(board.open_stream("feed").await?);
    let request = WatchEventsRequest {
        start: Some(start.clone()),
        filter: filter(watch),
        ..WatchEventsRequest::default()
    };
    let mut frames =
        client.watch_events(request).await.map_err(Error::call("the feed"))?.into_inner();
    while let Some(frame) = frames.message().await.map_err(Error::call("the feed"))? {
        *start = Start::Cursor(frame.cursor.clone());
        if output == Output::Json {
            output::json(&as_json(pool, &frame));
        }
        if let Some(Frame::Batch(batch)) = &frame.frame {
            for event in &batch.events {
                if output == Output::Text {
                    let case = event.case.as_ref();
                    output::line(format_args!(
                        "{:>8}  {:<40} {}  {}",
                        event.position,
                        event.r#type,
                        case.map_or("", |case| case.number.as_str()),
                        case.map_or("", |case| case.title.as_str()),
                    ));
                }
                *shown += 1;
            }
            if watch.limit.is_some_and(|limit| *shown >= limit) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn filter(watch: &Watch) -> Option<EventFilter> {
    let clause = Clause {
        event_types: watch.types.clone(),
        office_ids: watch.offices.clone(),
        division_codes: watch.divisions.clone(),
        include_below: watch.include_below,
        ..Clause::default()
    };
    (clause != Clause::default() && clause != Clause { include_below: true, ..Clause::default() })
        .then(|| EventFilter { any_of: vec![clause] })
}

fn as_json(pool: &DescriptorPool, frame: &WatchEventsResponse) -> serde_json::Value {
    pool.get_message_by_name("liuyan.feed.v1.WatchEventsResponse")
        .and_then(|descriptor| {
            DynamicMessage::decode(descriptor, frame.encode_to_vec().as_slice()).ok()
        })
        .and_then(|message| serde_json::to_value(message).ok())
        .unwrap_or_default()
}
