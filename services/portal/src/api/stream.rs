//! The feed as server-sent events (HTML Living Standard, 9.2).
//!
//! A frame of the feed has one cursor for all of its events: it is the id of the last of them. Whoever
//! is cut off in between gets the frame once more, and knows each event by its own id. A frame without
//! events is an id alone: browsers keep it and tell nobody. An event `snapshot-end` says that every case has
//! been given, `problem` why the stream ends before its time.

use std::{convert::Infallible, fmt::Write as _, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    response::{IntoResponse as _, Response},
};
use futures::{Stream, StreamExt as _, stream};
use http::header;
use liuyan_proto::liuyan::feed::v1::{
    BatchLimits, EventFilter, WatchEventsRequest, WatchEventsResponse, watch_events_request::Start,
    watch_events_response::Frame,
};
use tokio::{
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;
use tonic::{Status, Streaming};
use tracing::Instrument as _;

use super::{ask::Ask, problem::Fault, types::feed::Event};
use crate::error::Error;

/// How long a frame may fail to come, in heartbeats, until the stream is given up.
const HEARTBEATS: u32 = 3;
/// After how many milliseconds a reader comes back, if nothing else is said.
const RETRY_MS: u64 = 3_000;

/// Where a stream begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum From {
    Cursor(String),
    Earliest,
    Latest,
    Snapshot,
}

/// What a stream goes on with.
struct Reading {
    frames: Streaming<WatchEventsResponse>,
    locale: &'static str,
    end: Instant,
    silence: Duration,
    stopping: CancellationToken,
    /// Given back when the reader goes away.
    _place: OwnedSemaphorePermit,
}

/// Opens a stream. What is wrong with the request is told before it begins.
pub(super) async fn open(
    ask: &Ask,
    from: From,
    filter: Option<EventFilter>,
    batch: i32,
) -> Result<Response, Fault> {
    let app = &ask.app;
    let place = Arc::clone(&app.api.streams).try_acquire_owned().map_err(|_| Error::Overloaded)?;
    let (longest, heartbeat) = (app.config.api.stream(), app.config.api.heartbeat());
    let start = match from {
        From::Cursor(cursor) => Start::Cursor(cursor),
        From::Earliest => Start::Earliest(true),
        From::Latest => Start::Latest(true),
        From::Snapshot => Start::Snapshot(true),
    };
    let seconds = i64::try_from(heartbeat.as_secs()).unwrap_or_default();
    let mut request = ask.call(WatchEventsRequest {
        start: Some(start),
        filter,
        read_mask: None,
        heartbeat_interval: Some(prost_types::Duration { seconds, nanos: 0 }),
        batch: Some(BatchLimits { max_events: batch, max_bytes: 0 }),
        end_cursor: String::new(),
    });
    // The feed ends the stream a little after we do.
    request.set_timeout(longest + heartbeat);
    let mut client = app.backend.feed();
    // In a task of its own: a stream outlives the time that a page has.
    let opening = async move { client.watch_events(request).await };
    let opened = tokio::spawn(opening.in_current_span()).await;
    let opened = opened.map_err(|error| Error::Broken(Box::new(error)))?;
    let reading = Reading {
        frames: opened?.into_inner(),
        locale: ask.locale,
        end: Instant::now() + longest,
        silence: heartbeat * HEARTBEATS,
        stopping: app.api.stopping.clone(),
        _place: place,
    };
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that gather answers would hold events back (nginx).
        (http::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, Body::from_stream(texts(reading))).into_response())
}

/// The stream as it is written; it ends in time, by the feed's own wish, or when the portal ends.
fn texts(reading: Reading) -> impl Stream<Item = Result<Bytes, Infallible>> {
    let begin = stream::iter([format!("retry: {RETRY_MS}\n\n")]);
    let frames = stream::unfold(Some(reading), |reading| async move {
        let mut reading = reading?;
        let stopping = reading.stopping.clone();
        let frame = tokio::select! {
            frame = next(&mut reading) => frame,
            () = stopping.cancelled() => None,
        };
        match frame {
            Some(Ok(frame)) => {
                let ends = matches!(frame.frame, Some(Frame::Goodbye(_)));
                match written(frame) {
                    Ok(text) => Some((text, (!ends).then_some(reading))),
                    // An event that cannot be written must not be passed over.
                    Err(error) => Some((told(&error, reading.locale), None)),
                }
            }
            Some(Err(status)) => Some((broken(&status, reading.locale), None)),
            None => None,
        }
    });
    begin.chain(frames).map(|text| Ok(Bytes::from(text)))
}

/// The next frame; `None` when it is time to end.
async fn next(reading: &mut Reading) -> Option<Result<WatchEventsResponse, Status>> {
    let until = reading.end.min(Instant::now() + reading.silence);
    match timeout_at(until, reading.frames.message()).await {
        Ok(Ok(frame)) => frame.map(Ok),
        Ok(Err(status)) => Some(Err(status)),
        Err(_) => None,
    }
}

/// A frame as text.
fn written(frame: WatchEventsResponse) -> Result<String, Error> {
    let cursor = one_line(&frame.cursor);
    let mut text = String::new();
    match frame.frame {
        Some(Frame::Batch(batch)) if !batch.events.is_empty() => {
            let last = batch.events.len() - 1;
            for (index, event) in batch.events.into_iter().enumerate() {
                if index == last {
                    let _ = writeln!(text, "id: {cursor}");
                }
                let kind = one_line(&event.r#type);
                let data = serde_json::to_string(&Event::of(&event)?)?;
                let _ = write!(text, "event: {kind}\ndata: {data}\n\n");
            }
        }
        Some(Frame::SnapshotEnd(_)) => {
            let _ = write!(text, "id: {cursor}\nevent: snapshot-end\ndata: {{}}\n\n");
        }
        Some(Frame::Goodbye(goodbye)) => {
            let after = goodbye.reconnect_after.unwrap_or_default();
            let ms = after.seconds.saturating_mul(1_000) + i64::from(after.nanos) / 1_000_000;
            let _ = write!(text, "id: {cursor}\nretry: {}\n\n", ms.max(0));
        }
        Some(
            Frame::Batch(_)
            | Frame::Opened(_)
            | Frame::Progress(_)
            | Frame::CaughtUp(_)
            | Frame::Notice(_),
        )
        | None => {
            let _ = write!(text, "id: {cursor}\n\n");
        }
    }
    Ok(text)
}

/// Why the stream ends before its time. The reader comes back with the last id that it has.
fn broken(status: &Status, locale: &'static str) -> String {
    told(&Error::from(status.clone()), locale)
}

fn told(error: &Error, locale: &'static str) -> String {
    tracing::debug!(%error, "a stream of the feed ends");
    let told = serde_json::json!({
        "status": error.status().as_u16(),
        "reason": error.code(),
        "detail": error.text(locale),
        "hints": error.hints(),
    });
    format!("event: problem\ndata: {told}\n\n")
}

/// Ids and names are one line; anything else would be another field.
fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use liuyan_proto::liuyan::feed::v1 as feed;

    use super::*;

    fn frame(frame: Frame) -> WatchEventsResponse {
        WatchEventsResponse { cursor: "c7".to_owned(), frame: Some(frame), ..Default::default() }
    }

    fn event(id: &str) -> feed::Event {
        feed::Event { id: id.to_owned(), r#type: "t".to_owned(), ..feed::Event::default() }
    }

    #[test]
    fn the_last_event_of_a_frame_has_its_cursor() {
        let events = vec![event("a"), event("b\nid: x")];
        let text = written(frame(Frame::Batch(feed::EventBatch { events }))).unwrap();
        let blocks: Vec<&str> = text.split_terminator("\n\n").collect();
        assert_eq!(blocks.len(), 2, "{text}");
        assert!(blocks[0].starts_with("event: t\ndata: {\"id\":\"a\""), "{text}");
        assert!(blocks[1].starts_with("id: c7\nevent: t\ndata: {\"id\":\"b\\nid: x\""), "{text}");
    }

    #[test]
    fn whoever_is_cut_off_is_told_why_and_where_to_go_on() {
        use tonic_types::{ErrorDetails, StatusExt as _};
        let mut details = ErrorDetails::new();
        let hints = [("earliest_cursor".to_owned(), "c9".to_owned())];
        details.set_error_info("CURSOR_EXPIRED", "liuyan", std::collections::HashMap::from(hints));
        let expired = Status::with_error_details(tonic::Code::OutOfRange, "", details);
        let text = broken(&expired, "en");
        let data = text.strip_prefix("event: problem\ndata: ").unwrap().trim_end();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!((&data["status"], &data["reason"]), (&410.into(), &"CURSOR_EXPIRED".into()));
        assert_eq!(data["hints"]["earliest_cursor"], "c9");
        let mut details = ErrorDetails::new();
        details.set_error_info("CREDENTIAL_EXPIRED", "liuyan", std::collections::HashMap::new());
        let old = Status::with_error_details(tonic::Code::Unauthenticated, "", details);
        let text = broken(&old, "en");
        assert!(text.contains("\"status\":401") && text.contains("CREDENTIAL_EXPIRED"), "{text}");
    }

    #[test]
    fn a_frame_without_events_is_an_id() {
        let progress = feed::Progress { lag_events: 0, live: true };
        assert_eq!(written(frame(Frame::Progress(progress))).unwrap(), "id: c7\n\n");
        let empty = frame(Frame::Batch(feed::EventBatch::default()));
        assert_eq!(written(empty).unwrap(), "id: c7\n\n");
        let after = prost_types::Duration { seconds: 2, nanos: 500_000_000 };
        let end = written(frame(Frame::SnapshotEnd(feed::SnapshotEnd {}))).unwrap();
        assert_eq!(end, "id: c7\nevent: snapshot-end\ndata: {}\n\n");
        let goodbye = feed::Goodbye { reconnect_after: Some(after), reason: String::new() };
        assert_eq!(written(frame(Frame::Goodbye(goodbye))).unwrap(), "id: c7\nretry: 2500\n\n");
    }
}
