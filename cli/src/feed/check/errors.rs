//! How wrong requests are refused.

use liuyan_feed_client::v1::{Clause, EventFilter, ListEventsRequest};
use prost_types::FieldMask;
use tonic::Code;

use super::{Found, Ground, ensure, refused};

fn with_type(name: &str) -> Option<EventFilter> {
    let clause = Clause { event_types: vec![name.to_owned()], ..Clause::default() };
    Some(EventFilter { any_of: vec![clause] })
}

/// A text that is no cursor, and one in which a letter was changed.
pub(super) async fn cursor(it: &Ground) -> Found {
    let mut damaged = it.about.latest_cursor.clone();
    let last = damaged.pop().unwrap_or('A');
    damaged.push(if last == 'A' { 'B' } else { 'A' });
    for cursor in ["no-cursor".to_owned(), damaged] {
        let request = ListEventsRequest { cursor, ..ListEventsRequest::default() };
        refused(it.list(request).await, Code::InvalidArgument, "CURSOR_MALFORMED")?;
    }
    Ok("INVALID_ARGUMENT CURSOR_MALFORMED".to_owned())
}

/// A type that is none.
pub(super) async fn event_type(it: &Ground) -> Found {
    let filter = with_type("liuyan.nobody.v1.nothing");
    let request = ListEventsRequest { filter, ..ListEventsRequest::default() };
    let refusal = refused(it.list(request).await, Code::InvalidArgument, "REQUEST_INVALID")?;
    let field = "filter.any_of[0].event_types[0]";
    ensure(refusal.fields.iter().any(|(name, _)| name == field), || {
        format!("{field} is not named: {:?}", refusal.fields)
    })?;
    Ok(field.to_owned())
}

/// A field that is none.
pub(super) async fn field(it: &Ground) -> Found {
    let read_mask = Some(FieldMask { paths: vec!["nothing".to_owned()] });
    let request = ListEventsRequest { read_mask, ..ListEventsRequest::default() };
    let refusal = refused(it.list(request).await, Code::InvalidArgument, "REQUEST_INVALID")?;
    Ok(refusal.fields.iter().map(|(field, _)| field.as_str()).collect())
}

/// Two faults in one request.
pub(super) async fn together(it: &Ground) -> Found {
    let read_mask = Some(FieldMask { paths: vec!["nothing".to_owned()] });
    let filter = with_type("nothing");
    let request = ListEventsRequest { read_mask, filter, ..ListEventsRequest::default() };
    let refusal = refused(it.list(request).await, Code::InvalidArgument, "REQUEST_INVALID")?;
    ensure(refusal.fields.len() == 2, || format!("told are {:?}", refusal.fields))?;
    Ok(String::new())
}
