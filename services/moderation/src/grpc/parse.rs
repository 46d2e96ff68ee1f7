//! Requests to the domain's words; everything that is wrong is told at once.

pub(super) mod appeals;
pub(super) mod listing;

use liuyan_kit::class::Violation;
use liuyan_proto::liuyan::moderation::v1 as proto;
use uuid::Uuid;

use crate::{
    app::deciding::Wish,
    domain::{
        decision::{Decision, Refusal},
        text::{Field, Span},
    },
    error::{Error, Faults},
    texts::MOST_AT_ONCE,
};

/// The longest id of an office.
const LONGEST_OFFICE: usize = 64;

/// The id of a message.
pub(super) fn id(field: &str, text: &str) -> Result<Uuid, Error> {
    let mut faults = Faults::default();
    let id = checked_id(&mut faults, field, text);
    faults.end()?;
    Ok(id)
}

/// An id that this service wrote itself.
pub(super) fn stored_id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|error: uuid::Error| Error::BadData(error.into()))
}

/// The ids of a batch.
pub(super) fn ids(texts: &[String]) -> Result<Vec<Uuid>, Error> {
    let mut faults = Faults::default();
    if texts.len() > MOST_AT_ONCE {
        faults.push(Violation::new("message_ids", "TOO_MANY_ENTRIES").with("max", MOST_AT_ONCE));
        faults.end()?;
        return Ok(Vec::new());
    }
    let ids = texts.iter().enumerate();
    let ids = ids.map(|(at, text)| checked_id(&mut faults, &format!("message_ids[{at}]"), text));
    let ids = ids.collect();
    faults.end()?;
    Ok(ids)
}

/// The id of the request, and the message named, if one is.
pub(super) fn claim(request: &proto::ClaimReviewRequest) -> Result<(Uuid, Option<Uuid>), Error> {
    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let named = match request.message_id.as_str() {
        "" => None,
        text => Some(checked_id(&mut faults, "message_id", text)),
    };
    faults.end()?;
    Ok((request_id, named))
}

/// The id of the request, and what is decided.
pub(super) fn decision(
    request: &proto::DecideReviewRequest,
    most_offices: usize,
) -> Result<(Uuid, Wish), Error> {
    use proto::decide_review_request::Decision as Decided;

    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let message_id = checked_id(&mut faults, "message_id", &request.message_id);
    faults.check(!request.etag.is_empty(), "etag", "FIELD_REQUIRED");
    let decision = match &request.decision {
        Some(Decided::Publish(publish)) => {
            let redactions = spans(&mut faults, "publish.redactions", &publish.redactions);
            Decision::Publish { redactions }
        }
        Some(Decided::Return(wish)) => Decision::Return(Refusal {
            ground: wish.ground.clone(),
            explanation: wish.explanation.clone(),
            spans: spans(&mut faults, "return.spans", &wish.spans),
        }),
        Some(Decided::Decline(wish)) => Decision::Decline(Refusal {
            ground: wish.ground.clone(),
            explanation: wish.explanation.clone(),
            spans: spans(&mut faults, "decline.spans", &wish.spans),
        }),
        None => {
            faults.push(Violation::new("decision", "FIELD_REQUIRED"));
            Decision::Publish { redactions: Vec::new() }
        }
    };
    let accused_office_ids = offices(&mut faults, &request.accused_office_ids, most_offices);
    faults.end()?;
    let etag = request.etag.clone();
    let wish = Wish { message_id, etag, decision, accused_office_ids };
    Ok((request_id, wish))
}

/// The id of the request, the message, and the spans to leave out.
pub(super) fn redaction(
    request: &proto::RedactMessageRequest,
) -> Result<(Uuid, Uuid, Vec<Span>), Error> {
    let mut faults = Faults::default();
    let request_id = checked_id(&mut faults, "request_id", &request.request_id);
    let message_id = checked_id(&mut faults, "message_id", &request.message_id);
    let spans = spans(&mut faults, "redactions", &request.redactions);
    faults.end()?;
    Ok((request_id, message_id, spans))
}

/// The message, and the spans to leave out.
pub(super) fn preview(
    request: &proto::PreviewPublicTextRequest,
) -> Result<(Uuid, Vec<Span>), Error> {
    let mut faults = Faults::default();
    let message_id = checked_id(&mut faults, "message_id", &request.message_id);
    let spans = spans(&mut faults, "redactions", &request.redactions);
    faults.end()?;
    Ok((message_id, spans))
}

pub(super) fn checked_id(faults: &mut Faults, field: &str, text: &str) -> Uuid {
    let id = text.parse::<Uuid>().ok().filter(|id| !id.is_nil());
    faults.check(id.is_some(), field, "UUID_MALFORMED");
    id.unwrap_or_default()
}

/// Spans with a known field and a length; whether they lie inside the text is seen later.
pub(super) fn spans(faults: &mut Faults, field: &str, spans: &[proto::Span]) -> Vec<Span> {
    let read = spans.iter().enumerate().filter_map(|(at, span)| {
        let part = match span.field() {
            proto::TextField::Unspecified => None,
            proto::TextField::Title => Some(Field::Title),
            proto::TextField::Body => Some(Field::Body),
            proto::TextField::Demand => Some(Field::Demand),
            proto::TextField::Details => Some(Field::Details),
            proto::TextField::Place => Some(Field::Place),
        };
        let part = part.filter(|_| span.start < span.end);
        faults.check(part.is_some(), &format!("{field}[{at}]"), "SPAN_MALFORMED");
        Some(Span { field: part?, start: span.start, end: span.end })
    });
    read.collect()
}

/// Whether this may be the id of an office.
pub(super) fn is_office(id: &str) -> bool {
    let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':');
    (1..=LONGEST_OFFICE).contains(&id.len()) && id.bytes().all(known)
}

/// Ids of offices, each once. Whether there is such an office only the directory knows.
pub(super) fn offices(faults: &mut Faults, ids: &[String], most: usize) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    if ids.len() > most {
        faults.push(Violation::new("accused_office_ids", "TOO_MANY_ENTRIES").with("max", most));
        return read;
    }
    for (at, id) in ids.iter().enumerate() {
        faults.check(is_office(id), &format!("accused_office_ids[{at}]"), "OFFICE_MALFORMED");
        if !read.contains(id) {
            read.push(id.clone());
        }
    }
    read
}
