//! The feed: page by page, or as a stream of server-sent events.

use axum::{extract::Request, response::Response};
use http::header;
use liuyan_proto::liuyan::feed::v1::{Clause, EventFilter, ListEventsRequest};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ask::{Ask, LastEventId, text as header_text},
    body::Query,
    keep::{private, read},
    params::{Values, list, text},
    problem::{Fault, Problem},
    stream,
    types::{cases::CaseState, feed::Events},
};

/// The longest wait for a first event, in seconds; a page has to be made within its own limit.
const LONGEST_WAIT: i64 = 8;

/// Where a stream begins that has no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Start {
    /// At the oldest event that is kept.
    Earliest,
    /// After the newest event.
    Latest,
    /// At the present view of each case, then at what has happened since.
    Snapshot,
}

/// Which events.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfEvents {
    /// Resume after this. `Last-Event-ID` goes before it. Cursors of pages, streams and gRPC are the same.
    cursor: Option<String>,
    /// Where to begin without a cursor: at the oldest event if left out. For streams alone.
    #[param(inline)]
    start: Option<Start>,
    /// Full types, or beginnings that end in `*`, with commas between.
    #[serde(rename = "type")]
    kind_of_event: Option<String>,
    /// Offices that handle the case, with commas between.
    office: Option<String>,
    /// Divisions of those offices, with commas between.
    division: Option<String>,
    /// Whether the divisions below count too.
    #[param(value_type = Option<bool>)]
    include_below: Option<String>,
    /// Domains, with commas between.
    domain: Option<String>,
    /// Kinds, with commas between.
    kind: Option<String>,
    /// Only those that leave the case in this state.
    #[param(inline)]
    state: Option<CaseState>,
    /// Up to 500; 100 if left out.
    #[param(value_type = Option<i32>)]
    page_size: Option<String>,
    /// For pages: wait up to so many seconds for a first event, at most 8.
    #[param(value_type = Option<i64>)]
    wait: Option<String>,
}

impl OfEvents {
    fn filter(&self, include_below: bool) -> Option<EventFilter> {
        let clause = Clause {
            event_types: list(self.kind_of_event.as_ref()),
            office_ids: list(self.office.as_ref()),
            division_codes: list(self.division.as_ref()),
            include_below,
            domains: list(self.domain.as_ref()),
            kinds: list(self.kind.as_ref()),
            states: self.state.into_iter().map(i32::from).collect(),
        };
        (clause != Clause::default()).then(|| EventFilter { any_of: vec![clause] })
    }
}

/// Public changes in their order. An event is written in protobuf's JSON mapping, as in webhooks. `Accept: text/event-stream` gives a stream: each event's data is
/// an event as in a page, ids are cursors, and whoever comes back with `Last-Event-ID` misses nothing.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "feed", security((), ("bearer" = [])),
    params(OfEvents, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was read.")),
    responses((status = 200, content((Events = "application/json"), (String = "text/event-stream"))), (status = "default", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn events(
    ask: Ask,
    last: Option<LastEventId>,
    Query(of): Query<OfEvents>,
    request: Request,
) -> Result<Response, Fault> {
    let mut values = Values::default();
    let page_size = values.number("page_size", of.page_size.as_ref());
    let wait: i64 = values.number("wait", of.wait.as_ref());
    let include_below = values.truth("include_below", of.include_below.as_ref());
    values.end()?;
    let filter = of.filter(include_below);
    let cursor = last.map(|last| last.0).or(of.cursor);
    let accepted = header_text(request.headers(), &header::ACCEPT).unwrap_or_default();
    if accepted.contains("text/event-stream") {
        let from = match (cursor, of.start) {
            (Some(cursor), _) => stream::From::Cursor(cursor),
            (None, Some(Start::Latest)) => stream::From::Latest,
            (None, Some(Start::Snapshot)) => stream::From::Snapshot,
            (None, Some(Start::Earliest) | None) => stream::From::Earliest,
        };
        return stream::open(&ask, from, filter, page_size).await;
    }
    let waits = wait.clamp(0, LONGEST_WAIT);
    let request = ListEventsRequest {
        cursor: text(cursor),
        filter,
        read_mask: None,
        page_size,
        wait: (waits > 0).then_some(prost_types::Duration { seconds: waits, nanos: 0 }),
    };
    let mut call = ask.call(request);
    if waits > 0 {
        let longest = ask.app.config.limits.page();
        call.set_timeout(longest);
    }
    let answer = ask.app.backend.feed().list_events(call).await?.into_inner();
    let page = Events::of(&answer)?;
    if waits > 0 {
        return private(http::StatusCode::OK, &page);
    }
    read(&ask, ask.app.config.limits.lists_seconds, &page)
}
