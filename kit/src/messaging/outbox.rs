//! Saying: an event is written in the transaction of its cause, or not at all.

use std::borrow::Cow;

use jiff::Timestamp;
use liuyan_proto::Event;
use serde::Serialize;
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{clock, id, telemetry};

/// An event to be said.
#[derive(Debug, Clone)]
pub struct Outgoing {
    subject_id: Uuid,
    kind: &'static str,
    payload: Vec<u8>,
    traceparent: Option<String>,
}

impl Outgoing {
    /// An event about a subject.
    pub fn new<E: Event>(subject_id: Uuid, event: &E) -> Self {
        Self { subject_id, kind: E::TYPE, payload: event.encode_to_vec(), traceparent: None }
    }

    /// Says by which trace the event was caused, for whoever says it later, or together with the
    /// events of others. Without it, the trace of whoever publishes it is the cause.
    #[must_use]
    pub fn caused_by(mut self, traceparent: Option<String>) -> Self {
        self.traceparent = traceparent;
        self
    }
}

/// What is said beside an event.
#[derive(Debug, Serialize)]
pub struct Headers<'e> {
    time: Timestamp,
    traceparent: Option<Cow<'e, str>>,
}

/// Says one event, in the transaction `tx` of its cause. Gives the event's id.
///
/// # Errors
/// The database's.
pub async fn publish<E: Event>(
    tx: &mut PgConnection,
    now: Timestamp,
    subject_id: Uuid,
    event: &E,
) -> Result<Uuid, sqlx::Error> {
    let ids = publish_all(tx, now, &[Outgoing::new(subject_id, event)]).await?;
    ids.first().copied().ok_or(sqlx::Error::RowNotFound)
}

/// Says many events in one go; those of one subject in the order of the slice. Gives their ids in
/// the same order.
///
/// The rows of the subjects are locked, in the order of their ids, before any event is inserted:
/// ids of one subject are therefore in commit order, and two batches never wait for each other in
/// a circle. They wait for the bus in rows of their own, which the relay deletes.
///
/// # Errors
/// The database's.
pub async fn publish_all(
    tx: &mut PgConnection,
    now: Timestamp,
    events: &[Outgoing],
) -> Result<Vec<Uuid>, sqlx::Error> {
    if events.is_empty() {
        return Ok(Vec::new());
    }
    let event_ids: Vec<Uuid> = events.iter().map(|_| id::v7(now)).collect();
    let current = telemetry::current_traceparent().map(Cow::Owned);
    let Columns { subject_ids, kinds, payloads, headers } = Columns::of(events, now, current);
    let waiting = sqlx::query_file_scalar!(
        "src/messaging/queries/publish.sql",
        &event_ids,
        &subject_ids,
        &kinds as &[&str],
        &payloads as &[&[u8]],
        &headers as &[Json<Headers<'_>>],
        clock::to_db(now),
    )
    .fetch_all(tx)
    .await?;
    let waiting: i64 = waiting.into_iter().map(i64::from).sum();
    if i64::try_from(events.len()) != Ok(waiting) {
        return Err(sqlx::Error::RowNotFound);
    }
    Ok(event_ids)
}

/// The first event of each of many subjects, for a statement that makes these and says their events by
/// `messaging.say_first` at once: what that function is given, in its order, before the time. Costs half of
/// [`publish_all`], because nobody else can speak of them yet; one that has been spoken of before fails `subjects_pkey`.
#[derive(Debug)]
pub struct First<'e> {
    /// Ids of their own, in ascending order.
    pub event_ids: Vec<Uuid>,
    /// What they are about.
    pub subject_ids: Vec<Uuid>,
    /// Their types.
    pub kinds: Vec<&'e str>,
    /// What they say.
    pub payloads: Vec<&'e [u8]>,
    /// What is said beside.
    pub headers: Vec<Json<Headers<'e>>>,
}

impl<'e> First<'e> {
    /// Those of `events`, of which no two are about one subject. The trace of whoever calls is the cause of
    /// those that have no other.
    pub fn of(events: &'e [Outgoing], now: Timestamp) -> Self {
        let mut event_ids: Vec<Uuid> = events.iter().map(|_| id::v7(now)).collect();
        event_ids.sort_unstable();
        let current = telemetry::current_traceparent();
        let Columns { subject_ids, kinds, payloads, headers } =
            Columns::of(events, now, current.map(Cow::Owned));
        Self { event_ids, subject_ids, kinds, payloads, headers }
    }
}

/// What a statement is given of events, each a column.
struct Columns<'e> {
    subject_ids: Vec<Uuid>,
    kinds: Vec<&'e str>,
    payloads: Vec<&'e [u8]>,
    headers: Vec<Json<Headers<'e>>>,
}

impl<'e> Columns<'e> {
    /// Those of `events`, which `current` has caused if nothing else has.
    fn of(events: &'e [Outgoing], now: Timestamp, current: Option<Cow<'e, str>>) -> Self {
        let headers = |event: &'e Outgoing| {
            let own = event.traceparent.as_deref().map(Cow::Borrowed);
            Json(Headers { time: now, traceparent: own.or_else(|| current.clone()) })
        };
        Self {
            subject_ids: events.iter().map(|event| event.subject_id).collect(),
            kinds: events.iter().map(|event| event.kind).collect(),
            payloads: events.iter().map(|event| event.payload.as_slice()).collect(),
            headers: events.iter().map(headers).collect(),
        }
    }
}

/// Makes the partitions of yesterday to a week ahead. Called at start and every hour; a partition
/// of tomorrow that is missing is an alarm, not an outage, because the default partition takes it.
///
/// # Errors
/// The database's.
pub async fn make_partitions(tx: &mut PgConnection, now: Timestamp) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select messaging.make_partitions(($1::timestamptz at time zone 'UTC')::date - 1, 9) as "made!""#,
        clock::to_db(now)
    )
    .fetch_one(tx)
    .await
}

/// Whether the partition of tomorrow exists.
///
/// # Errors
/// The database's.
pub async fn ready_for_tomorrow(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select to_regclass('messaging.outbox_' || to_char(($1::timestamptz at time zone 'UTC')::date + 1, 'YYYYMMDD')) is not null as "there!""#,
        clock::to_db(now)
    )
    .fetch_one(connection)
    .await
}
