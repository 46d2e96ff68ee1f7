//! Events of the feed. Names as in CloudEvents 1.0.

use liuyan_proto::liuyan::feed::v1 as feed;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Time, cases::PublicCase, some};

/// What was removed from an event afterwards.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Redaction {
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    redacted_at: Option<Time>,
}

/// One event of the feed.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Event {
    /// Its id, a UUID: by it a repetition is known.
    id: String,
    /// Its type, e.g. `liuyan.routing.v1.case-replied`.
    #[serde(rename = "type")]
    kind: String,
    /// The service that said it.
    source: String,
    /// `cases/<id>`.
    subject: String,
    /// When it happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<Time>,
    /// When the feed recorded it.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_time: Option<Time>,
    /// Its place in the log, from 1, without gaps.
    position: u64,
    /// Counts the public events of this case, from 1, without gaps; 0 for restricted ones.
    subject_revision: u64,
    /// W3C trace context.
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    /// The fields of the case that this event changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changed_fields: Vec<String>,
    /// Present if something was removed from this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    redaction: Option<Redaction>,
    /// True if the case is not public: only the agency of its office is given this event.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    restricted: bool,
    /// The request_id of the act by which this came about; whoever acted knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    causation_id: Option<String>,
    /// The case as everybody may see it after this event.
    #[serde(skip_serializing_if = "Option::is_none")]
    case: Option<PublicCase>,
}

impl From<feed::Event> for Event {
    fn from(it: feed::Event) -> Self {
        Self {
            time: Time::of(it.time.as_ref()),
            recorded_time: Time::of(it.recorded_time.as_ref()),
            redaction: it
                .redaction
                .map(|it| Redaction { redacted_at: Time::of(it.redacted_at.as_ref()) }),
            changed_fields: it.changed_fields.map(|mask| mask.paths).unwrap_or_default(),
            case: it.case.map(PublicCase::from),
            id: it.id,
            kind: it.r#type,
            source: it.source,
            subject: it.subject,
            position: it.position,
            subject_revision: it.subject_revision,
            traceparent: some(it.traceparent),
            restricted: it.restricted,
            causation_id: some(it.causation_id),
        }
    }
}

/// A page of events.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::api) struct Events {
    /// The events in the order of their positions.
    events: Vec<Event>,
    /// Resume after this; fresh also when no event matched.
    cursor: String,
    /// The position that the cursor stands for.
    position: u64,
    /// Nothing recorded at or before this time follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor_time: Option<Time>,
    /// True if the page reached the newest event.
    caught_up: bool,
}

impl From<feed::ListEventsResponse> for Events {
    fn from(it: feed::ListEventsResponse) -> Self {
        Self {
            cursor_time: Time::of(it.cursor_time.as_ref()),
            events: it.events.into_iter().map(Event::from).collect(),
            cursor: it.cursor,
            position: it.position,
            caught_up: it.caught_up,
        }
    }
}
