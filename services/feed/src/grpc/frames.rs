//! Answers: stored events and frames as the contract writes them.

use std::{sync::Arc, time::Duration};

use liuyan_kit::clock;
use liuyan_proto::liuyan::{
    common::v1::PublicCase,
    feed::v1::{
        Again, BatchGetEventsResponse, CaughtUp, Committed, ConsumeEventsResponse, Event,
        EventBatch, EventFilter, EventInLog, Goodbye, Notice, Opened, Progress, SnapshotEnd,
        WatchEventsResponse, consume_events_response::Frame as ConsumeFrame,
        watch_events_response::Frame as ProtoFrame,
    },
};

use crate::{
    app::{
        by_id::Found,
        consume::{Sent, Tells},
        follow::{Frame, Framed},
    },
    domain::{
        Entry,
        cursor::{Cursor, InSnapshot},
        mask::Mask,
    },
    error::Error,
    payload,
};

/// What the first frame repeats of the request.
#[derive(Debug)]
pub struct Opening {
    /// The filter in force.
    pub filter: Option<EventFilter>,
    /// The heartbeat in force.
    pub heartbeat: Duration,
    /// The offices whose restricted events are seen.
    pub restricted_offices: Vec<String>,
}

/// One frame.
///
/// # Errors
/// If a stored payload is damaged.
pub fn response(
    framed: Framed,
    opening: &Opening,
    mask: Mask,
) -> Result<WatchEventsResponse, Error> {
    let frame = match framed.frame {
        Frame::Opened(earliest) => ProtoFrame::Opened(Opened {
            filter: opening.filter.clone(),
            earliest_cursor: earliest.to_string(),
            heartbeat_interval: Some(duration(opening.heartbeat)),
            epoch: earliest.epoch.to_string(),
            restricted_office_ids: opening.restricted_offices.clone(),
        }),
        Frame::Batch(entries) => ProtoFrame::Batch(EventBatch { events: events(&entries, mask)? }),
        Frame::Progress(lag, live) => {
            ProtoFrame::Progress(Progress { lag_events: lag.max(0).unsigned_abs(), live })
        }
        Frame::CaughtUp => ProtoFrame::CaughtUp(CaughtUp {}),
        Frame::SnapshotEnd => ProtoFrame::SnapshotEnd(SnapshotEnd {}),
        Frame::Goodbye(after, reason) => ProtoFrame::Goodbye(Goodbye {
            reconnect_after: Some(duration(after)),
            reason: reason.code().to_owned(),
        }),
    };
    let of = framed.cursor;
    let cursor = match framed.given {
        Some(given) => InSnapshot { of, given }.to_string(),
        None => of.to_string(),
    };
    Ok(WatchEventsResponse {
        cursor,
        position: framed.cursor.position.unsigned_abs(),
        cursor_time: framed.recorded_at.map(clock::to_proto),
        frame: Some(frame),
    })
}

/// One frame of the stream of a subscription; `repeats` is what a reader is told whose place is of an
/// earlier life of the log.
///
/// # Errors
/// If a stored payload is damaged.
pub fn consumed(
    sent: Sent,
    opening: &Opening,
    mask: Mask,
    repeats: impl FnOnce() -> String,
) -> Result<ConsumeEventsResponse, Error> {
    let Sent { cursor, recorded_at, told } = sent;
    let frame = match told {
        Tells::Frame(frame) => {
            match response(Framed { cursor, given: None, recorded_at, frame }, opening, mask)?.frame
            {
                Some(ProtoFrame::Opened(it)) => Some(ConsumeFrame::Opened(it)),
                Some(ProtoFrame::Batch(it)) => Some(ConsumeFrame::Batch(it)),
                Some(ProtoFrame::Progress(it)) => Some(ConsumeFrame::Progress(it)),
                Some(ProtoFrame::CaughtUp(it)) => Some(ConsumeFrame::CaughtUp(it)),
                Some(ProtoFrame::Notice(it)) => Some(ConsumeFrame::Notice(it)),
                Some(ProtoFrame::Goodbye(it)) => Some(ConsumeFrame::Goodbye(it)),
                // A subscription begins without one.
                Some(ProtoFrame::SnapshotEnd(_)) | None => None,
            }
        }
        Tells::Again(payloads) => {
            let events = payloads.into_iter().map(|payload| event(payload, mask));
            Some(ConsumeFrame::Again(Again { events: events.collect::<Result<_, _>>()? }))
        }
        Tells::Committed(cursor, settled) => Some(ConsumeFrame::Committed(Committed {
            cursor: cursor.to_string(),
            settled_events: u32::try_from(settled).unwrap_or(u32::MAX),
        })),
        Tells::Repeats => Some(ConsumeFrame::Notice(Notice {
            reason: "FEED_EPOCH_CHANGED".to_owned(),
            text: repeats(),
        })),
    };
    Ok(ConsumeEventsResponse {
        cursor: cursor.to_string(),
        position: cursor.position.unsigned_abs(),
        cursor_time: recorded_at.map(clock::to_proto),
        frame,
    })
}

/// A length of time as protobuf writes it.
fn duration(duration: Duration) -> prost_types::Duration {
    prost_types::Duration {
        seconds: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(duration.subsec_nanos()).unwrap_or_default(),
    }
}

/// Stored events, with the fields that are wanted.
///
/// # Errors
/// If a stored payload is damaged.
pub fn events(entries: &[Arc<Entry>], mask: Mask) -> Result<Vec<Event>, Error> {
    entries.iter().map(|entry| event(entry.payload.clone(), mask)).collect()
}

/// A stored event, with the fields that are wanted.
///
/// # Errors
/// If the payload is damaged.
pub fn event(payload: bytes::Bytes, mask: Mask) -> Result<Event, Error> {
    let mut event = payload::open(payload)?;
    if !mask.keeps_all() {
        apply(mask, &mut event);
    }
    Ok(event)
}

/// Events that were looked up by their ids, each with the cursor behind it.
///
/// # Errors
/// If a stored payload is damaged.
pub fn by_id(found: Found, mask: Mask) -> Result<BatchGetEventsResponse, Error> {
    let Found { events, withheld, head } = found;
    let in_log = |(position, payload)| {
        let cursor = Cursor::at(&head, position).to_string();
        Ok(EventInLog { event: Some(event(payload, mask)?), cursor })
    };
    Ok(BatchGetEventsResponse {
        events: events.into_iter().map(in_log).collect::<Result<_, Error>>()?,
        withheld_event_ids: withheld.iter().map(ToString::to_string).collect(),
    })
}

macro_rules! clear_unwanted {
    ($keeps:expr, $message:expr, $default:expr, { $($name:literal => $field:ident),+ $(,)? }) => {
        $(if !$keeps($name) {
            $message.$field = $default.$field;
        })+
    };
}

fn apply(mask: Mask, event: &mut Event) {
    clear_unwanted!(|field| mask.keeps(field), event, Event::default(), {
        "id" => id, "type" => r#type, "source" => source, "subject" => subject, "time" => time,
        "recorded_time" => recorded_time, "position" => position,
        "subject_revision" => subject_revision, "traceparent" => traceparent,
        "changed_fields" => changed_fields, "redaction" => redaction, "case" => case,
        "restricted" => restricted, "causation_id" => causation_id,
    });
    let Some(case) = event.case.as_mut() else { return };
    clear_unwanted!(|field| mask.keeps_of_case(field), case, PublicCase::default(), {
        "case_id" => case_id, "message_id" => message_id, "number" => number,
        "office_id" => office_id, "division_code" => division_code, "kind" => kind,
        "domain" => domain, "topic" => topic, "title" => title, "body" => body,
        "demand" => demand, "details" => details, "place" => place,
        "submitted_at" => submitted_at, "deadline_at" => deadline_at, "state" => state,
        "public_state" => public_state, "outcome" => outcome, "replies" => replies,
        "custody" => custody, "revision" => revision, "accepted_at" => accepted_at,
        "closed_at" => closed_at, "pauses" => pauses, "extended_at" => extended_at,
        "helper_office_ids" => helper_office_ids, "common_problem_id" => common_problem_id,
        "consultation_id" => consultation_id,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mask::{CASE_FIELDS, EVENT_FIELDS};

    fn fields_of(message: &str) -> Vec<String> {
        let descriptor = liuyan_proto::json::descriptor(message).unwrap();
        descriptor.fields().map(|field| field.name().to_owned()).collect()
    }

    #[test]
    fn the_mask_knows_every_field_of_the_contract() {
        assert_eq!(fields_of("liuyan.feed.v1.Event"), EVENT_FIELDS);
        assert_eq!(fields_of("liuyan.common.v1.PublicCase"), CASE_FIELDS);
    }

    #[test]
    fn a_mask_leaves_only_what_it_names() {
        let case = PublicCase { title: "t".into(), body: "b".into(), ..PublicCase::default() };
        let full = Event { id: "i".into(), position: 3, case: Some(case), ..Event::default() };
        let mut event = full;
        apply(Mask::parse(&["id".to_owned(), "case.title".to_owned()]).unwrap(), &mut event);
        let case = PublicCase { title: "t".into(), ..PublicCase::default() };
        assert_eq!(event, Event { id: "i".into(), case: Some(case), ..Event::default() });
    }
}
