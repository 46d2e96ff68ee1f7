//! An event on its way: what every consumer needs to know of it, without knowing its type.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

/// Why a message of the bus is no event of ours.
#[derive(Debug, thiserror::Error)]
#[error("the header {header} is missing or wrong")]
pub struct Malformed {
    /// The header.
    pub header: &'static str,
}

/// An event, still encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// Its id, a UUIDv7; the same for every publication.
    pub event_id: Uuid,
    /// What it is about.
    pub subject_id: Uuid,
    /// Which event of its subject it is, from 1, as counted by its source.
    pub version: i64,
    /// Its type, e.g. `liuyan.intake.v1.message-submitted`.
    pub kind: String,
    /// When it was said.
    pub at: Timestamp,
    /// The W3C trace context of its cause.
    pub traceparent: Option<String>,
    /// The protobuf message.
    pub payload: Bytes,
}

/// Names of the headers: CloudEvents 1.0 in binary mode, in lower case because NATS keeps case.
pub mod header {
    /// Version of CloudEvents.
    pub const SPEC: &str = "ce-specversion";
    /// The event's id.
    pub const ID: &str = "ce-id";
    /// The service that says it.
    pub const SOURCE: &str = "ce-source";
    /// The event's type.
    pub const TYPE: &str = "ce-type";
    /// When it was said, RFC 3339.
    pub const TIME: &str = "ce-time";
    /// Its subject, a UUID.
    pub const SUBJECT: &str = "ce-subject";
    /// Its version within the subject.
    pub const SEQUENCE: &str = "ce-sequence";
    /// The media type of the body.
    pub const CONTENT_TYPE: &str = "content-type";
    /// W3C trace context.
    pub const TRACEPARENT: &str = "traceparent";
}

fn need<T: std::str::FromStr>(name: &'static str, value: Option<&str>) -> Result<T, Malformed> {
    value.and_then(|value| value.parse().ok()).ok_or(Malformed { header: name })
}

impl Envelope {
    /// The headers that do not depend on the publication.
    pub fn headers(&self, source: &str) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            (header::SPEC, "1.0".to_owned()),
            (header::ID, self.event_id.to_string()),
            (header::SOURCE, source.to_owned()),
            (header::TYPE, self.kind.clone()),
            (header::TIME, self.at.to_string()),
            (header::SUBJECT, self.subject_id.to_string()),
            (header::SEQUENCE, self.version.to_string()),
            (header::CONTENT_TYPE, "application/protobuf".to_owned()),
        ];
        headers.extend(self.traceparent.clone().map(|trace| (header::TRACEPARENT, trace)));
        headers
    }

    /// Reads an event from the headers and the body of a message.
    ///
    /// # Errors
    /// Names the first header that is missing or wrong.
    pub fn parse<'h>(
        header: impl Fn(&'static str) -> Option<&'h str>,
        payload: Bytes,
    ) -> Result<Self, Malformed> {
        let at = need(header::TIME, header(header::TIME))?;
        Self::of(header, at, payload)
    }

    /// The same where the time is known.
    ///
    /// # Errors
    /// Names the first header that is missing or wrong.
    pub(super) fn of<'h>(
        header: impl Fn(&'static str) -> Option<&'h str>,
        at: Timestamp,
        payload: Bytes,
    ) -> Result<Self, Malformed> {
        let version: i64 = need(header::SEQUENCE, header(header::SEQUENCE))?;
        if version < 1 {
            return Err(Malformed { header: header::SEQUENCE });
        }
        Ok(Self {
            event_id: need(header::ID, header(header::ID))?,
            subject_id: need(header::SUBJECT, header(header::SUBJECT))?,
            version,
            kind: need(header::TYPE, header(header::TYPE))?,
            at,
            traceparent: header(header::TRACEPARENT).map(str::to_owned),
            payload,
        })
    }

    /// What the tables keep beside the columns.
    pub fn kept_headers(&self) -> Value {
        json!({ "time": self.at, "traceparent": self.traceparent })
    }

    /// The same, back from a table.
    pub(crate) fn from_kept(row: Kept) -> Self {
        let time = row.headers.get("time").and_then(Value::as_str);
        Self {
            event_id: row.event_id,
            subject_id: row.subject_id,
            version: row.version,
            kind: row.kind,
            at: time.and_then(|time| time.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH),
            traceparent: row.headers.get("traceparent").and_then(Value::as_str).map(str::to_owned),
            payload: row.payload.into(),
        }
    }
}

/// An event as the tables keep it.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) event_id: Uuid,
    pub(crate) subject_id: Uuid,
    pub(crate) version: i64,
    pub(crate) kind: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) headers: Value,
}
