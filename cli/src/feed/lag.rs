//! `liuyan feed lag`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use liuyan_feed_client::{
    Checkpoint, Feed, Refusal,
    v1::{
        GetFeedResponse, GetSubscriptionRequest, ListEventsRequest, ListSubscriptionsRequest,
        Subscription,
    },
};
use liuyan_kit::clock::{Clock as _, SystemClock};
use prost_types::FieldMask;
use serde::Serialize;

use super::at::{At, called, failed};
use crate::{args::Output, error::Error, output};

/// Whose lag, and how much is too much.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    at: At,
    /// This subscription; may be given several times.
    #[arg(long = "subscription", value_name = "ID")]
    subscriptions: Vec<String>,
    /// The reader with this checkpoint; may be given several times.
    #[arg(long = "checkpoint", value_name = "FILE")]
    checkpoints: Vec<PathBuf>,
    /// Exit 1 if a reader is more than so many events behind.
    #[arg(long, value_name = "EVENTS")]
    max_lag: Option<u64>,
    /// Exit 1 if a reader has left an event undone for more than so many seconds.
    #[arg(long, value_name = "SECONDS")]
    max_lag_seconds: Option<u64>,
}

/// How far a reader is behind.
#[derive(Debug, Serialize)]
struct Row {
    /// `subscription` or `checkpoint`.
    reader: &'static str,
    name: String,
    position: u64,
    lag_events: u64,
    lag_seconds: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    parked_events: Option<u32>,
    /// What hinders the reader from going on there: `CURSOR_EXPIRED` or another reason; empty if nothing.
    trouble: String,
}

/// Shows how far readers are behind.
pub(crate) async fn run(dir: &Path, options: Options, output: Output) -> Result<(), Error> {
    let all = options.subscriptions.is_empty() && options.checkpoints.is_empty();
    let of_agency = all || !options.subscriptions.is_empty();
    let feed = if of_agency { options.at.feed_of_agency(dir)? } else { options.at.feed(dir)? };
    let head = feed.get().await.map_err(failed)?;
    let now = SystemClock.now();
    let mut rows = Vec::new();
    for subscription in subscriptions(&feed, &options.subscriptions, all).await? {
        let (lag_seconds, trouble) = behind(&feed, &subscription.cursor, now).await?;
        rows.push(Row {
            reader: "subscription",
            name: subscription.subscription_id,
            position: subscription.position,
            lag_events: subscription.lag_events,
            lag_seconds,
            parked_events: Some(subscription.parked_events),
            trouble,
        });
    }
    for path in &options.checkpoints {
        rows.push(of_checkpoint(&feed, &head, path, now).await?);
    }
    output::rows(
        output,
        &["Reader", "Name", "Position", "Events behind", "Seconds behind", "Put aside", "Trouble"],
        &rows,
        |row| {
            vec![
                row.reader.to_owned(),
                row.name.clone(),
                row.position.to_string(),
                row.lag_events.to_string(),
                row.lag_seconds.to_string(),
                row.parked_events.map_or_else(String::new, |parked| parked.to_string()),
                row.trouble.clone(),
            ]
        },
    );
    let late = |row: &&Row| {
        options.max_lag.is_some_and(|most| row.lag_events > most)
            || options.max_lag_seconds.is_some_and(|most| row.lag_seconds > most)
            || !row.trouble.is_empty()
    };
    match rows.iter().filter(late).count() {
        0 => Ok(()),
        late => Err(Error::Check(format!("{late} of {} readers are behind", rows.len()))),
    }
}

async fn subscriptions(feed: &Feed, ids: &[String], all: bool) -> Result<Vec<Subscription>, Error> {
    let mut found = Vec::new();
    if !all && ids.is_empty() {
        return Ok(found);
    }
    let mut client = feed.client().await.map_err(failed)?;
    for id in ids {
        let request = GetSubscriptionRequest { subscription_id: id.clone() };
        let request = feed.request(request).await.map_err(failed)?;
        let answer = client.get_subscription(request).await.map_err(called)?;
        found.extend(answer.into_inner().subscription);
    }
    if !all {
        return Ok(found);
    }
    let mut page_token = String::new();
    loop {
        let request = ListSubscriptionsRequest { page_size: 100, page_token };
        let request = feed.request(request).await.map_err(failed)?;
        let page = client.list_subscriptions(request).await.map_err(called)?.into_inner();
        found.extend(page.subscriptions);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(found);
        }
    }
}

async fn of_checkpoint(
    feed: &Feed,
    head: &GetFeedResponse,
    path: &Path,
    now: Timestamp,
) -> Result<Row, Error> {
    let kept = Checkpoint::read(path).map_err(failed)?;
    let (lag_seconds, trouble) = behind(feed, &kept.cursor, now).await?;
    Ok(Row {
        reader: "checkpoint",
        name: path.display().to_string(),
        position: kept.position,
        lag_events: head.head_position.saturating_sub(kept.position),
        lag_seconds,
        parked_events: None,
        trouble,
    })
}

/// The age in seconds of the first event after a cursor, or why nobody can go on there.
async fn behind(feed: &Feed, cursor: &str, now: Timestamp) -> Result<(u64, String), Error> {
    let request = ListEventsRequest {
        cursor: cursor.to_owned(),
        page_size: 1,
        read_mask: Some(FieldMask { paths: vec!["recorded_time".to_owned()] }),
        ..ListEventsRequest::default()
    };
    let request = feed.request(request).await.map_err(failed)?;
    let mut client = feed.client().await.map_err(failed)?;
    let events = match client.list_events(request).await {
        Ok(page) => page.into_inner().events,
        Err(status) => {
            let reason = Refusal::of(&status).reason;
            return match reason.as_str() {
                "CURSOR_EXPIRED" | "CURSOR_AHEAD" | "CURSOR_MALFORMED" | "FEED_EPOCH_CHANGED" => {
                    Ok((0, reason))
                }
                _ => Err(called(status)),
            };
        }
    };
    let recorded = events.first().and_then(|event| event.recorded_time);
    let age = recorded.map_or(0, |recorded| now.as_second() - recorded.seconds);
    Ok((age.max(0).unsigned_abs(), String::new()))
}
