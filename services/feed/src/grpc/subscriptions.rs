//! Subscriptions: requests, checked, and answers.

use futures::{StreamExt as _, stream::BoxStream};
use liuyan_kit::{auth::Caller, class::Violation, clock};
use liuyan_proto::liuyan::feed::v1::{
    self as proto, ConsumeEventsRequest, EventFilter, consume_events_request::Said,
    create_subscription_request, seek_subscription_request,
};
use prost::Message as _;
use tonic::Streaming;
use uuid::Uuid;

use super::convert::{self, Check};
use crate::{
    app::{
        App, Start,
        consume::{Asked, Asking, Consume, MOST_CREDIT},
    },
    config::Config,
    domain::{
        Head,
        mask::Mask,
        subscription::{LONGEST_REASON, LONGEST_TITLE, Parked, Subscription, Wish, is_id},
    },
    error::Error,
};

/// The most subscriptions, or parked events, of a page, and how many there are usually.
const PAGE: (usize, usize) = (50, 100);
/// Within this time a reader that has come says what it wants.
const OPENING: std::time::Duration = std::time::Duration::from_secs(5);

/// Whose subscriptions a caller sees.
pub(super) fn owner(caller: &Caller) -> String {
    format!("{}/{}", caller.issuer, caller.subject)
}

/// A subscription as the contract writes it.
pub(super) fn answer(it: Subscription, head: &Head) -> Option<proto::Subscription> {
    Some(proto::Subscription {
        lag_events: it.lag(head),
        etag: it.etag(),
        subscription_id: it.id,
        title: it.title,
        // Only what was checked is stored.
        filter: EventFilter::decode(it.filter.as_slice()).ok().filter(|it| !it.any_of.is_empty()),
        read_mask: Some(prost_types::FieldMask { paths: it.mask })
            .filter(|it| !it.paths.is_empty()),
        cursor: it.place.to_string(),
        position: it.place.position.unsigned_abs(),
        parked_events: it.parked.unsigned_abs(),
        created_at: Some(clock::to_proto(it.created_at)),
        committed_at: it.committed_at.map(clock::to_proto),
        opened_at: it.opened_at.map(clock::to_proto),
    })
}

/// A parked event as the contract writes it.
pub(super) fn parked(it: Parked, payload: bytes::Bytes) -> Result<proto::ParkedEvent, Error> {
    Ok(proto::ParkedEvent {
        event: Some(super::frames::event(payload, Mask::ALL)?),
        reason: it.reason,
        attempts: it.attempts.unsigned_abs(),
        parked_at: Some(clock::to_proto(it.parked_at)),
        released: it.released_at.is_some(),
    })
}

fn check_id(check: &mut Check, id: &str) {
    if !is_id(id) {
        check.add("subscription_id", "SUBSCRIPTION_ID_MALFORMED");
    }
}

fn check_wish(
    check: &mut Check,
    id: String,
    title: String,
    filter: Option<EventFilter>,
    mask: Option<prost_types::FieldMask>,
) -> Wish {
    check_id(check, &id);
    if title.chars().count() > LONGEST_TITLE || title.contains(char::is_control) {
        check.add("title", "TITLE_TOO_LONG");
    }
    check.filter(filter.as_ref());
    check.mask(mask.as_ref());
    Wish {
        id,
        title,
        filter: filter.unwrap_or_default().encode_to_vec(),
        mask: mask.unwrap_or_default().paths,
    }
}

fn start(
    check: &mut Check,
    now: jiff::Timestamp,
    cursor: Option<&str>,
    time: Option<&prost_types::Timestamp>,
) -> Start {
    match (cursor, time) {
        (Some(""), _) => {
            check.add("cursor", "CURSOR_MALFORMED");
            Start::Latest
        }
        (Some(text), _) => check.cursor("cursor", text).map_or(Start::Latest, Start::Cursor),
        (None, Some(time)) => check.time(time, now),
        (None, None) => Start::Latest,
    }
}

/// Checks a `CreateSubscriptionRequest`.
pub(super) fn create(
    request: proto::CreateSubscriptionRequest,
    now: jiff::Timestamp,
) -> Result<(Wish, Start), Error> {
    use create_subscription_request::Start as Said;
    let mut check = Check::default();
    let start = match &request.start {
        Some(Said::Cursor(text)) => start(&mut check, now, Some(text), None),
        Some(Said::StartTime(time)) => start(&mut check, now, None, Some(time)),
        Some(Said::Earliest(_)) => Start::Earliest,
        Some(Said::Latest(_)) | None => Start::Latest,
    };
    let wish = check_wish(
        &mut check,
        request.subscription_id,
        request.title,
        request.filter,
        request.read_mask,
    );
    check.end((wish, start))
}

/// Checks an `UpdateSubscriptionRequest`.
pub(super) fn update(request: proto::UpdateSubscriptionRequest) -> Result<(Wish, String), Error> {
    let mut check = Check::default();
    let wish = check_wish(
        &mut check,
        request.subscription_id,
        request.title,
        request.filter,
        request.read_mask,
    );
    check.end((wish, request.etag))
}

/// Checks a `SeekSubscriptionRequest`.
pub(super) fn seek(
    request: &proto::SeekSubscriptionRequest,
    now: jiff::Timestamp,
) -> Result<Start, Error> {
    use seek_subscription_request::Place as Said;
    let mut check = Check::default();
    let start = match &request.place {
        Some(Said::Cursor(text)) => start(&mut check, now, Some(text), None),
        Some(Said::StartTime(time)) => start(&mut check, now, None, Some(time)),
        Some(Said::Earliest(_)) => Start::Earliest,
        Some(Said::Latest(_)) => Start::Latest,
        None => {
            check.add("place", "PLACE_MISSING");
            Start::Latest
        }
    };
    check.end(start)
}

/// Checks a cursor that must be there.
pub(super) fn cursor(text: &str) -> Result<crate::domain::cursor::Cursor, Error> {
    let mut check = Check::default();
    let cursor = check.cursor("cursor", text);
    check.end(())?;
    cursor.ok_or(Error::CursorMalformed("cursor"))
}

/// Checks page size and token of a list by subscription ids.
pub(super) fn page_by_id(size: i32, token: &str) -> Result<(usize, String), Error> {
    let mut check = Check::default();
    let size = check.number("page_size", size, PAGE.0, PAGE.1);
    if !token.is_empty() && !is_id(token) {
        check.add("page_token", "PAGE_TOKEN_MALFORMED");
    }
    check.end((size, token.to_owned()))
}

/// Checks page size and token of a list by event ids.
pub(super) fn page_by_event(size: i32, token: &str) -> Result<(usize, Uuid), Error> {
    let mut check = Check::default();
    let size = check.number("page_size", size, PAGE.0, PAGE.1);
    let after = if token.is_empty() { Some(Uuid::nil()) } else { token.parse().ok() };
    if after.is_none() {
        check.add("page_token", "PAGE_TOKEN_MALFORMED");
    }
    check.end((size, after.unwrap_or_default()))
}

/// Checks ids of events.
pub(super) fn event_ids(field: &str, texts: &[String]) -> Result<Vec<Uuid>, Error> {
    let mut check = Check::default();
    let ids = check.ids(field, texts);
    check.end(ids)
}

/// Checks the id that a caller made for a request.
pub(super) fn request_id(text: &str) -> Result<Uuid, Error> {
    text.parse().map_err(|_| Error::Invalid(vec![Violation::new("request_id", "NOT_A_UUID")]))
}

/// The first thing that a reader says. Whoever says nothing does not keep its place for long.
pub(super) async fn opening(
    said: &mut Streaming<ConsumeEventsRequest>,
) -> Result<proto::ConsumeOpen, Error> {
    let missing = || Error::Invalid(vec![Violation::new("open", "OPEN_MISSING")]);
    match tokio::time::timeout(OPENING, said.message()).await {
        Ok(Ok(Some(ConsumeEventsRequest { said: Some(Said::Open(open)) }))) => Ok(open),
        _ => Err(missing()),
    }
}

/// Checks a `ConsumeOpen`.
pub(super) fn open(
    open: &proto::ConsumeOpen,
    subscription: Subscription,
    config: &Config,
    good_for: Option<std::time::Duration>,
) -> Result<(Consume, Mask), Error> {
    let mut check = Check::default();
    let credit = usize::try_from(open.credit).unwrap_or(usize::MAX);
    if !(1..=MOST_CREDIT).contains(&credit) {
        check.add("open.credit", "CREDIT_OUT_OF_BOUNDS");
    }
    // What is stored was checked when it was put.
    let filter = EventFilter::decode(subscription.filter.as_slice())?;
    let consume = Consume {
        filter: check.filter(Some(&filter)),
        limits: convert::limits(&mut check, open.batch.unwrap_or_default(), config),
        heartbeat: check.duration(
            "open.heartbeat_interval",
            open.heartbeat_interval,
            std::time::Duration::from_millis(config.heartbeat_ms),
            config.heartbeat_bounds(),
        ),
        credit,
        good_for,
        subscription,
    };
    let mask = Mask::parse(&consume.subscription.mask).unwrap_or_default();
    check.end((consume, mask))
}

/// What a reader says later, checked as it comes. The stream ends with the first mistake.
pub(super) fn asking(said: Streaming<ConsumeEventsRequest>) -> Asking {
    let asked: BoxStream<'static, _> = said
        .take_while(|said| futures::future::ready(said.is_ok()))
        .filter_map(|said| futures::future::ready(said.ok().map(asked)))
        .boxed();
    asked
}

fn asked(request: ConsumeEventsRequest) -> Result<Asked, Error> {
    let invalid = |field: &str, reason| Err(Error::Invalid(vec![Violation::new(field, reason)]));
    match request.said {
        Some(Said::Credit(credit)) => {
            let events = usize::try_from(credit.events).unwrap_or(usize::MAX);
            if (1..=MOST_CREDIT).contains(&events) {
                Ok(Asked::Credit(events))
            } else {
                invalid("credit.events", "CREDIT_OUT_OF_BOUNDS")
            }
        }
        Some(Said::Commit(commit)) => {
            let place = if commit.cursor.is_empty() {
                None
            } else {
                let mut check = Check::default();
                let place = check.cursor("cursor", &commit.cursor);
                check.end(place)?
            };
            let settled = event_ids("commit.settled_event_ids", &commit.settled_event_ids)?;
            Ok(Asked::Commit(place, settled))
        }
        Some(Said::Reject(reject)) => {
            let Ok(event_id) = reject.event_id.parse() else {
                return invalid("reject.event_id", "NOT_A_UUID");
            };
            if reject.reason.chars().count() > LONGEST_REASON {
                return invalid("reject.reason", "REASON_TOO_LONG");
            }
            Ok(Asked::Reject(event_id, reject.reason))
        }
        Some(Said::Open(_)) => invalid("open", "ALREADY_OPEN"),
        None => invalid("said", "NOTHING_SAID"),
    }
}

/// How long a caller's token is good still.
pub(super) fn good_for(app: &App, caller: &Caller) -> Option<std::time::Duration> {
    let left = caller.expires_at?.duration_since(app.clock.now());
    Some(std::time::Duration::try_from(left).unwrap_or_default())
}
