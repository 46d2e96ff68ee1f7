//! Requests to the domain's words; everything that is wrong is told at once.

use liuyan_kit::class::Violation;
use liuyan_proto::liuyan::moderation::v1 as proto;
use uuid::Uuid;

use crate::{
    app::deciding::Wish,
    domain::{
        decision::{Decision, Refusal},
        review::State,
        text::{Field, Span},
    },
    error::{Error, Faults},
    texts::MOST_AT_ONCE,
};

/// Reviews on a page, if the caller does not say.
const PAGE: u32 = 50;
/// The most reviews on a page.
const LARGEST_PAGE: u32 = 200;
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

/// State and size of a page.
pub(super) fn page(request: &proto::ListReviewsRequest) -> Result<(State, u32), Error> {
    let mut faults = Faults::default();
    let state = match request.state {
        0 => Some(State::Held),
        number => State::ALL.into_iter().find(|state| *state as i32 == number),
    };
    faults.check(state.is_some(), "state", "VALUE_UNKNOWN");
    faults.check(request.page_size >= 0, "page_size", "PAGE_SIZE_NEGATIVE");
    faults.end()?;
    let size = match u32::try_from(request.page_size).unwrap_or_default() {
        0 => PAGE,
        size => size.min(LARGEST_PAGE),
    };
    Ok((state.unwrap_or(State::Held), size))
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
    let wish = Wish { message_id, etag, decision, accused_office_ids, senior: false };
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

fn checked_id(faults: &mut Faults, field: &str, text: &str) -> Uuid {
    let id = text.parse::<Uuid>().ok().filter(|id| !id.is_nil());
    faults.check(id.is_some(), field, "UUID_MALFORMED");
    id.unwrap_or_default()
}

/// Spans with a known field and a length; whether they lie inside the text is seen later.
fn spans(faults: &mut Faults, field: &str, spans: &[proto::Span]) -> Vec<Span> {
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

/// Ids of offices, each once. Whether there is such an office only the directory knows.
fn offices(faults: &mut Faults, ids: &[String], most: usize) -> Vec<String> {
    let mut read: Vec<String> = Vec::new();
    if ids.len() > most {
        faults.push(Violation::new("accused_office_ids", "TOO_MANY_ENTRIES").with("max", most));
        return read;
    }
    for (at, id) in ids.iter().enumerate() {
        let known = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_' | b':');
        let right = (1..=LONGEST_OFFICE).contains(&id.len()) && id.bytes().all(known);
        faults.check(right, &format!("accused_office_ids[{at}]"), "OFFICE_MALFORMED");
        if !read.contains(id) {
            read.push(id.clone());
        }
    }
    read
}
