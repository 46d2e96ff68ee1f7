//! What restricted events are, and how an event looks as JSON.

use std::time::Duration;

use liuyan_feed_client::{
    Feed, Start,
    v1::{
        BatchGetEventsRequest, Event, ListEventsRequest, WatchEventsRequest,
        watch_events_response::Frame,
    },
};
use liuyan_proto::json;
use serde_json::Value;
use tonic::Status;

use super::{Flaw, Found, Ground, ensure, unexpected};

/// How long the pages may take.
const ANSWER: Duration = Duration::from_secs(10);
/// So many events are compared.
const SOME: usize = 7;

/// Whoever has no token is given none, and their streams say so.
pub(super) async fn restricted(it: &Ground, nobody: &Feed) -> Found {
    let broken =
        |error: liuyan_feed_client::Error| unexpected(Status::unavailable(error.to_string()));
    let mut client = nobody.client().await.map_err(broken)?;
    let request = ListEventsRequest { page_size: 500, ..ListEventsRequest::default() };
    let page = client.list_events(request).await.map_err(unexpected)?.into_inner();
    let shown = page.events.iter().find(|event| event.restricted);
    ensure(shown.is_none(), || {
        format!("position {} is shown to anybody", shown.map_or(0, |event| event.position))
    })?;
    let start = Some(Start::Latest(true));
    let request = WatchEventsRequest { start, ..WatchEventsRequest::default() };
    let mut frames = client.watch_events(request).await.map_err(unexpected)?.into_inner();
    match frames.message().await.map_err(unexpected)?.and_then(|it| it.frame) {
        Some(Frame::Opened(opened)) => ensure(opened.restricted_office_ids.is_empty(), || {
            format!("a stream of anybody's gives those of {:?}", opened.restricted_office_ids)
        })?,
        _ => return Err(Flaw::Breach("the first frame is not Opened".to_owned())),
    }
    // Those that the caller may see hold ids and codes alone.
    let restricted = it.events.iter().filter(|event| event.restricted);
    let mut seen = 0;
    for event in restricted {
        seen += 1;
        let case = event.case.clone().unwrap_or_default();
        let says = !case.title.is_empty() || !case.body.is_empty() || !case.replies.is_empty();
        ensure(!says && event.subject_revision == 0, || {
            format!("the restricted event at {} holds more than ids and codes", event.position)
        })?;
    }
    Ok(format!("none of {} for anybody, {seen} for the caller", page.events.len()))
}

/// An event is found by its id, with the cursor behind it.
pub(super) async fn by_id(it: &Ground) -> Found {
    let wanted = it.middle()?;
    let request = BatchGetEventsRequest { event_ids: vec![wanted.id.clone()], read_mask: None };
    let broken =
        |error: liuyan_feed_client::Error| unexpected(Status::unavailable(error.to_string()));
    let request = it.feed.request(request).await.map_err(broken)?;
    let mut client = it.feed.client().await.map_err(broken)?;
    let found = client.batch_get_events(request).await.map_err(unexpected)?.into_inner();
    let [found] = found.events.as_slice() else {
        return Err(Flaw::Breach(format!(
            "{} events have the id {}",
            found.events.len(),
            wanted.id
        )));
    };
    ensure(found.event.as_ref().is_some_and(|event| event.position == wanted.position), || {
        format!("another event has the id {}", wanted.id)
    })?;
    let cursor = found.cursor.clone();
    let request = ListEventsRequest { cursor, page_size: 1, ..ListEventsRequest::default() };
    let after = it.list(request).await.map_err(unexpected)?;
    let next = it.events.iter().find(|event| event.position > wanted.position);
    let (next, first) = (next.map(|event| &event.id), after.events.first().map(|event| &event.id));
    ensure(next.is_none() || next == first, || {
        format!("after its cursor another event comes than after position {}", wanted.position)
    })?;
    Ok(format!("position {}", wanted.position))
}

/// The pages and the streams of the HTTP API give each event as protobuf maps it.
pub(super) async fn canonical(it: &Ground, http: &str) -> Found {
    let public = it.events.iter().filter(|event| !event.restricted).take(SOME);
    let expected = public.map(as_json).collect::<Result<Vec<_>, _>>()?;
    if expected.is_empty() {
        return Err(Flaw::Skip("nothing was read".to_owned()));
    }
    let address =
        format!("{}/api/v1/events?page_size={}", http.trim_end_matches('/'), expected.len());
    let broken = |error: reqwest::Error| Flaw::Breach(format!("{address}: {error}"));
    // Fails only if somebody in this process was first, with the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().timeout(ANSWER).build().map_err(broken)?;
    let answer = client.get(&address).header("accept", "application/json").send().await;
    let told = answer.map_err(broken)?.text().await.map_err(broken)?;
    let told: Value = serde_json::from_str(&told)
        .map_err(|error| Flaw::Breach(format!("{address} gives no JSON: {error}")))?;
    let given = told["events"].as_array().cloned().unwrap_or_default();
    ensure(given == expected, || "a page gives events that differ from those of gRPC".to_owned())?;

    let answer = client.get(&address).header("accept", "text/event-stream").send().await;
    let given = from_stream(answer.map_err(broken)?, expected.len()).await.map_err(broken)?;
    ensure(given == expected, || {
        "a stream gives events that differ from those of gRPC".to_owned()
    })?;
    Ok(format!("{} events in a page and in a stream", expected.len()))
}

/// The first so many events of a stream of server-sent events.
async fn from_stream(
    mut answer: reqwest::Response,
    most: usize,
) -> Result<Vec<Value>, reqwest::Error> {
    let (mut bytes, mut given) = (Vec::new(), Vec::new());
    while given.len() < most {
        let Some(chunk) = answer.chunk().await? else { break };
        bytes.extend_from_slice(&chunk);
        // Whole lines alone: a chunk may end anywhere.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = bytes.drain(..whole).collect();
        let lines = String::from_utf8_lossy(&lines).into_owned();
        let data = lines.lines().filter_map(|line| line.strip_prefix("data: "));
        given.extend(data.filter_map(|data| serde_json::from_str(data).ok()));
    }
    given.truncate(most);
    Ok(given)
}

fn as_json(event: &Event) -> Result<Value, Flaw> {
    let broken = |error: String| Flaw::Breach(format!("an event cannot be written: {error}"));
    let json = json::event(event).map_err(|error| broken(error.to_string()))?;
    serde_json::to_value(json).map_err(|error| broken(error.to_string()))
}
