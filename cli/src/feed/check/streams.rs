//! What streams promise.

use std::{collections::HashSet, time::Duration};

use liuyan_feed_client::{
    Start,
    v1::{
        Clause, Event, EventFilter, ListEventsRequest, WatchEventsRequest, WatchEventsResponse,
        watch_events_response::Frame,
    },
};
use tokio::time::timeout;
use tonic::{Status, Streaming};

use super::{Flaw, Found, Ground, ensure, unexpected};

/// The shortest heartbeat that may be asked for, and how long a frame may be late.
const HEARTBEAT: Duration = Duration::from_secs(5);
const LATE: Duration = Duration::from_secs(2);
/// So many views are looked at.
const MOST_VIEWS: usize = 5_000;

async fn watch(
    it: &Ground,
    request: WatchEventsRequest,
) -> Result<Streaming<WatchEventsResponse>, Status> {
    let unreachable = |error: liuyan_feed_client::Error| Status::unavailable(error.to_string());
    let request = it.feed.lasting_request(request).await.map_err(unreachable)?;
    let mut client = it.feed.client().await.map_err(unreachable)?;
    Ok(client.watch_events(request).await?.into_inner())
}

/// The first so many events of a stream.
async fn events(it: &Ground, start: Start, most: usize) -> Result<Vec<Event>, Flaw> {
    let request = WatchEventsRequest { start: Some(start), ..WatchEventsRequest::default() };
    let mut frames = watch(it, request).await.map_err(unexpected)?;
    let mut events = Vec::new();
    while events.len() < most {
        match frames.message().await.map_err(unexpected)?.and_then(|it| it.frame) {
            Some(Frame::Batch(batch)) => events.extend(batch.events),
            Some(Frame::CaughtUp(_)) | None => break,
            Some(_) => {}
        }
    }
    events.truncate(most);
    Ok(events)
}

fn ids(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.id.as_str()).collect()
}

/// To an `end_cursor`: the same events, and an end by plan.
pub(super) async fn same(it: &Ground) -> Found {
    let Some(page) = it.pages.last() else { return Err(Flaw::Skip("nothing was read".to_owned())) };
    let request = WatchEventsRequest {
        start: Some(Start::Earliest(true)),
        end_cursor: page.cursor.clone(),
        ..WatchEventsRequest::default()
    };
    let mut frames = watch(it, request).await.map_err(unexpected)?;
    let (mut given, mut goodbye) = (Vec::new(), String::new());
    while let Some(frame) = frames.message().await.map_err(unexpected)? {
        ensure(!frame.cursor.is_empty(), || "a frame has no cursor".to_owned())?;
        match frame.frame {
            Some(Frame::Batch(batch)) => given.extend(batch.events),
            Some(Frame::Goodbye(it)) => goodbye = it.reason,
            _ => {}
        }
    }
    ensure(ids(&given) == ids(&it.events), || {
        format!("the stream gave {} events, the pages {}", given.len(), it.events.len())
    })?;
    ensure(goodbye == "END_CURSOR", || format!("it ended with {goodbye:?}, not END_CURSOR"))?;
    Ok(format!("{} events", given.len()))
}

/// One view of each case, in the order of positions; then `SnapshotEnd`, whose cursor is one of the log. A
/// cursor from the middle resumes in the middle.
pub(super) async fn snapshot(it: &Ground) -> Found {
    let mut views = Views::default();
    let whole = views.take(it, Start::Snapshot(true), usize::MAX).await?;
    let Some(end) = whole else {
        return Ok(format!("the first {} cases", views.given.len()));
    };
    let request = ListEventsRequest { cursor: end, page_size: 1, ..ListEventsRequest::default() };
    it.list(request).await.map_err(unexpected)?;
    let seen = it.events.iter().map(|event| (event.subject.as_str(), event.position));
    for (subject, position) in seen {
        let newest = views.given.iter().find(|view| view.subject == subject);
        ensure(newest.is_none_or(|newest| newest.position >= position), || {
            format!("the view of {subject} is older than its event at {position}")
        })?;
    }
    let mut parts = Views::default();
    parts.take(it, Start::Snapshot(true), 1).await?;
    if let Some(middle) = parts.cursor.clone().filter(|_| parts.given.len() < views.given.len()) {
        parts.take(it, Start::Cursor(middle), usize::MAX).await?;
        ensure(parts.given.len() >= views.given.len(), || {
            format!("in two parts it has {} views, not {}", parts.given.len(), views.given.len())
        })?;
    }
    Ok(format!("{} cases", views.given.len()))
}

/// The views of a snapshot.
#[derive(Default)]
struct Views {
    given: Vec<Event>,
    subjects: HashSet<String>,
    /// That of the last frame with views.
    cursor: Option<String>,
}

impl Views {
    /// Takes frames until `SnapshotEnd`, of which it gives the cursor, or until so many frames or too many views.
    async fn take(
        &mut self,
        it: &Ground,
        start: Start,
        frames: usize,
    ) -> Result<Option<String>, Flaw> {
        let request = WatchEventsRequest { start: Some(start), ..WatchEventsRequest::default() };
        let mut stream = watch(it, request).await.map_err(unexpected)?;
        let mut taken = 0;
        while taken < frames && self.given.len() < MOST_VIEWS {
            let Some(frame) = stream.message().await.map_err(unexpected)? else {
                return Err(Flaw::Breach("the stream ended before SnapshotEnd".to_owned()));
            };
            match frame.frame {
                Some(Frame::SnapshotEnd(_)) => return Ok(Some(frame.cursor)),
                Some(Frame::CaughtUp(_)) => {
                    return Err(Flaw::Breach("CaughtUp came before SnapshotEnd".to_owned()));
                }
                Some(Frame::Batch(batch)) => {
                    taken += 1;
                    self.cursor = Some(frame.cursor);
                    for event in batch.events {
                        self.add(event)?;
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn add(&mut self, event: Event) -> Result<(), Flaw> {
        ensure(self.subjects.insert(event.subject.clone()), || {
            format!("{} comes twice", event.subject)
        })?;
        let last = self.given.last().map_or(0, |last| last.position);
        ensure(event.position > last, || {
            format!("position {last} is followed by {}", event.position)
        })?;
        self.given.push(event);
        Ok(())
    }
}

/// After the cursor of a page comes the event after it.
pub(super) async fn resume(it: &Ground) -> Found {
    let (page, next) = it.seam()?;
    let given = events(it, Start::Cursor(page.cursor.clone()), next.events.len()).await?;
    ensure(ids(&given) == ids(&next.events), || {
        format!("other events come after position {}", page.position)
    })?;
    Ok(format!("after position {}", page.position))
}

/// At the first event recorded at or after it.
pub(super) async fn time(it: &Ground) -> Found {
    let middle = it.middle()?;
    let Some(time) = middle.recorded_time else {
        return Err(Flaw::Breach("an event has no recorded_time".to_owned()));
    };
    let given = events(it, Start::StartTime(time), 1).await?;
    ensure(ids(&given) == [middle.id.as_str()], || {
        let position = given.first().map_or(0, |event| event.position);
        format!("at the time of position {} it begins with {position}", middle.position)
    })?;
    Ok(format!("position {}", middle.position))
}

/// First comes `Opened`, with the filter, the heartbeat and the life of the log.
pub(super) async fn opened(it: &Ground) -> Found {
    let clause = Clause { event_types: vec!["liuyan.routing.*".to_owned()], ..Clause::default() };
    let filter = Some(EventFilter { any_of: vec![clause] });
    let request = WatchEventsRequest {
        start: Some(Start::Latest(true)),
        filter: filter.clone(),
        heartbeat_interval: HEARTBEAT.try_into().ok(),
        ..WatchEventsRequest::default()
    };
    let mut frames = watch(it, request).await.map_err(unexpected)?;
    let first = frames.message().await.map_err(unexpected)?.and_then(|it| it.frame);
    let Some(Frame::Opened(opened)) = first else {
        return Err(Flaw::Breach("the first frame is not Opened".to_owned()));
    };
    ensure(opened.epoch == it.about.epoch, || "it tells another epoch than GetFeed".to_owned())?;
    ensure(opened.filter == filter, || format!("the filter became {:?}", opened.filter))?;
    let heartbeat = opened.heartbeat_interval.and_then(|it| Duration::try_from(it).ok());
    ensure(heartbeat == Some(HEARTBEAT), || format!("the heartbeat became {heartbeat:?}"))?;
    Ok(String::new())
}

/// Twice in a row, on a live stream.
pub(super) async fn heartbeat(it: &Ground) -> Found {
    let request = WatchEventsRequest {
        start: Some(Start::Latest(true)),
        heartbeat_interval: HEARTBEAT.try_into().ok(),
        ..WatchEventsRequest::default()
    };
    let mut frames = watch(it, request).await.map_err(unexpected)?;
    let (mut beats, mut live) = (0, false);
    while beats < 2 {
        let frame = timeout(HEARTBEAT + LATE, frames.message()).await;
        let frame = frame.map_err(|_| Flaw::Breach("a heartbeat is missing".to_owned()))?;
        let Some(frame) = frame.map_err(unexpected)? else {
            return Err(Flaw::Breach("the stream ended".to_owned()));
        };
        ensure(!frame.cursor.is_empty(), || "a frame has no cursor".to_owned())?;
        live |= matches!(frame.frame, Some(Frame::CaughtUp(_)));
        if let Some(Frame::Progress(progress)) = frame.frame {
            ensure(!live || progress.live, || "a live stream does not say so".to_owned())?;
            beats += 1;
        }
    }
    ensure(live, || "CaughtUp did not come".to_owned())?;
    Ok(format!("every {} s", HEARTBEAT.as_secs()))
}
