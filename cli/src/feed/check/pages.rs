//! What pages promise.

use std::collections::{HashMap, HashSet};

use liuyan_feed_client::v1::{Clause, EventFilter, ListEventsRequest};
use prost_types::FieldMask;

use super::{Found, Ground, ensure, unexpected};

/// Cursors, types and a life of the log are told.
pub(super) async fn about(it: &Ground) -> Found {
    let about = &it.about;
    let cursors = [&about.earliest_cursor, &about.latest_cursor, &about.epoch];
    ensure(cursors.iter().all(|text| !text.is_empty()), || {
        "GetFeed leaves out a cursor or the epoch".to_owned()
    })?;
    ensure(!about.event_types.is_empty(), || "GetFeed names no types".to_owned())?;
    let unknown = it.events.iter().find(|event| !about.event_types.contains(&event.r#type));
    ensure(unknown.is_none(), || {
        format!("an event has the type {}", unknown.map_or("", |event| event.r#type.as_str()))
    })?;
    Ok(format!("head at {}, {} types", about.head_position, about.event_types.len()))
}

/// They rise by one, but where an event is restricted to others.
pub(super) async fn positions(it: &Ground) -> Found {
    for pair in it.events.windows(2) {
        let [one, next] = pair else { continue };
        ensure(next.position > one.position, || {
            format!("position {} is followed by {}", one.position, next.position)
        })?;
    }
    for page in &it.pages {
        let last = page.events.last().map_or(page.position, |event| event.position);
        ensure(page.position >= last, || {
            format!("a page to {last} says that its cursor stands for {}", page.position)
        })?;
    }
    let first = it.events.first().map_or(0, |event| event.position);
    let last = it.events.last().map_or(0, |event| event.position);
    let others = (last + 1 - first).saturating_sub(it.events.len() as u64);
    Ok(format!("{first} to {last}, {others} of them others'"))
}

/// From the first one that is seen, each event of a case has the next revision.
pub(super) async fn revisions(it: &Ground) -> Found {
    let whole = it.events.first().is_some_and(|event| event.position == 1);
    let mut last: HashMap<&str, u64> = HashMap::new();
    for event in it.events.iter().filter(|event| event.subject_revision > 0) {
        let before = last.insert(&event.subject, event.subject_revision);
        let expected = match before {
            Some(before) => before + 1,
            None if whole => 1,
            None => event.subject_revision,
        };
        ensure(event.subject_revision == expected, || {
            let (subject, revision) = (&event.subject, event.subject_revision);
            format!("{subject} has revision {revision} where {expected} is due")
        })?;
    }
    Ok(format!("{} cases", last.len()))
}

/// An id is one event.
pub(super) async fn ids(it: &Ground) -> Found {
    let mut ids = HashSet::new();
    for event in &it.events {
        ensure(!event.id.is_empty() && ids.insert(&event.id), || {
            format!("the id {} at position {} is empty or known", event.id, event.position)
        })?;
    }
    Ok(format!("{} ids", ids.len()))
}

/// Strictly, and cursors promise no more than what is recorded.
pub(super) async fn times(it: &Ground) -> Found {
    let time = |time: Option<prost_types::Timestamp>| time.map(|it| (it.seconds, it.nanos));
    for pair in it.events.windows(2) {
        let [one, next] = pair else { continue };
        ensure(time(one.recorded_time) < time(next.recorded_time), || {
            format!("position {} was recorded no later than {}", next.position, one.position)
        })?;
    }
    for (page, next) in it.pages.iter().zip(it.pages.iter().skip(1)) {
        let Some(first) = next.events.first() else { continue };
        ensure(time(page.cursor_time) < time(first.recorded_time), || {
            format!("cursor_time says that position {} could not follow", first.position)
        })?;
    }
    Ok(String::new())
}

/// After each page comes the event after it.
pub(super) async fn resume(it: &Ground) -> Found {
    let (page, next) = it.seam()?;
    let request = ListEventsRequest {
        cursor: page.cursor.clone(),
        page_size: 1,
        ..ListEventsRequest::default()
    };
    let again = it.list(request).await.map_err(unexpected)?;
    let ids = |events: &[liuyan_feed_client::v1::Event]| events.first().map(|it| it.id.clone());
    ensure(ids(&again.events) == ids(&next.events), || {
        format!("another event comes after position {}", page.position)
    })?;
    Ok(format!("after position {}", page.position))
}

/// Nothing but what is named.
pub(super) async fn mask(it: &Ground) -> Found {
    let paths = ["id", "position", "case.title"].map(str::to_owned).to_vec();
    let request = ListEventsRequest {
        read_mask: Some(FieldMask { paths }),
        page_size: 7,
        ..ListEventsRequest::default()
    };
    let page = it.list(request).await.map_err(unexpected)?;
    for (masked, whole) in page.events.iter().zip(&it.events) {
        let case = masked.case.clone().unwrap_or_default();
        let title = whole.case.as_ref().map_or("", |case| case.title.as_str());
        ensure(masked.id == whole.id && masked.position == whole.position, || {
            format!("position {} lacks what the mask names", whole.position)
        })?;
        ensure(case.title == title && case.body.is_empty() && masked.r#type.is_empty(), || {
            format!("position {} has more or less than the mask names", whole.position)
        })?;
    }
    Ok(format!("{} events", page.events.len()))
}

/// Those of one type, all of them and no others; the cursor is fresh at the end.
pub(super) async fn filter(it: &Ground) -> Found {
    let wanted = it.middle()?.r#type.clone();
    let clause = Clause { event_types: vec![wanted.clone()], ..Clause::default() };
    let filter = Some(EventFilter { any_of: vec![clause] });
    let end = it.events.last().map_or(0, |event| event.position);
    let (mut cursor, mut ids) = (String::new(), Vec::new());
    loop {
        let request = ListEventsRequest {
            cursor,
            filter: filter.clone(),
            page_size: 100,
            ..ListEventsRequest::default()
        };
        let page = it.list(request).await.map_err(unexpected)?;
        let events = page.events.iter().filter(|event| event.position <= end);
        ids.extend(events.map(|event| event.id.clone()));
        cursor = page.cursor.clone();
        if page.caught_up || page.position >= end {
            break;
        }
    }
    let own = it.events.iter().filter(|event| event.r#type == wanted);
    let own: Vec<String> = own.map(|event| event.id.clone()).collect();
    ensure(ids == own, || {
        format!("{} events of {wanted} were given, {} are there", ids.len(), own.len())
    })?;
    Ok(format!("{} of {wanted}", own.len()))
}
