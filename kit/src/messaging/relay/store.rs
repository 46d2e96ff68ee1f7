//! All SQL of the relay.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    clock,
    db::Db,
    messaging::{Envelope, bus::StreamState, envelope::Kept},
};

/// Takes the lease, or renews it, and gives its epoch; `None` while another holds it. The time is
/// the database's: relays of several machines must agree.
///
/// # Errors
/// The database's.
pub async fn take_lease(db: &Db, holder: Uuid, lease_ms: u64) -> Result<Option<i64>, sqlx::Error> {
    let millis = i64::try_from(lease_ms).unwrap_or(i64::MAX) as f64;
    db.write(move |tx| {
        Box::pin(async move {
            sqlx::query_scalar!(
                "update messaging.relay
                 set epoch = epoch + case when holder is not distinct from $1 then 0 else 1 end,
                     holder = $1,
                     expires_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
                 where holder is not distinct from $1 or expires_at < clock_timestamp()
                 returning epoch",
                holder,
                millis
            )
            .fetch_optional(tx)
            .await
        })
    })
    .await
}

/// How much waits for the bus.
#[derive(Debug)]
pub(in crate::messaging) struct Waiting {
    /// How many events.
    pub(in crate::messaging) events: i64,
    /// When the first in the line was said.
    pub(in crate::messaging) oldest: Option<Timestamp>,
}

/// How much waits for the bus.
pub(in crate::messaging) async fn waiting(
    connection: &mut PgConnection,
) -> Result<Waiting, sqlx::Error> {
    let row = sqlx::query!(
        r#"select (select coalesce(sum(cardinality(event_ids)), 0)::bigint
                   from messaging.waiting_batches) as "events!",
                  (select messaging.time_of(first_id)
                   from messaging.waiting_batches order by batch_id limit 1) as oldest"#
    )
    .fetch_one(connection)
    .await?;
    Ok(Waiting { events: row.events, oldest: row.oldest.map(clock::from_db) })
}

/// What waits for the bus.
#[derive(Debug)]
pub struct Unpublished {
    /// The events in the order in which they were said, with the numbers of their attempts.
    pub events: Vec<(Envelope, i32)>,
    /// The rows by which they wait: what each holds.
    batches: Vec<(i64, Vec<Uuid>)>,
}

/// What has waited longest: whole batches, until they hold `limit` events.
///
/// # Errors
/// The database's.
pub async fn unpublished(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Unpublished, sqlx::Error> {
    let batches = sqlx::query!(
        r#"with first as (
               select batch_id, event_ids, cardinality(event_ids) as events
               from messaging.waiting_batches order by batch_id limit $1
           )
           select batch_id as "batch_id!", event_ids as "event_ids!"
           from (select batch_id, event_ids,
                        sum(events) over (order by batch_id) - events as before
                 from first) as counted
           where before < $1
           order by batch_id"#,
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    let batches: Vec<(i64, Vec<Uuid>)> =
        batches.into_iter().map(|row| (row.batch_id, row.event_ids)).collect();
    let ids: Vec<Uuid> = batches.iter().flat_map(|(_, ids)| ids).copied().collect();
    let (Some(first), Some(last)) = (ids.iter().min(), ids.iter().max()) else {
        return Ok(Unpublished { events: Vec::new(), batches });
    };
    // They mostly lie side by side, and to read on from one to the next costs less than to look for each.
    let near = i64::try_from(ids.len() * 2).unwrap_or(i64::MAX);
    let rows = sqlx::query_as!(
        Row,
        "select event_id, subject_id, version, type as kind, payload, headers, attempt
         from messaging.outbox where event_id between $1 and $2 order by event_id limit $3",
        first,
        last,
        near
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut found: HashMap<Uuid, (Envelope, i32)> = rows.into_iter().map(Row::found).collect();
    let far: Vec<Uuid> = ids.iter().filter(|id| !found.contains_key(id)).copied().collect();
    if let (Some(first), Some(last)) = (far.iter().min(), far.iter().max()) {
        // The bounds tell which partitions need not be looked at.
        let rows = sqlx::query_as!(
            Row,
            "select event_id, subject_id, version, type as kind, payload, headers, attempt
             from messaging.outbox where event_id = any($1) and event_id between $2 and $3",
            &far,
            first,
            last
        )
        .fetch_all(connection)
        .await?;
        found.extend(rows.into_iter().map(Row::found));
    }
    // One that is not there has been lost; it goes on waiting, and `liuyan verify` tells of it.
    let events = ids.iter().filter_map(|event_id| found.remove(event_id)).collect();
    Ok(Unpublished { events, batches })
}

/// An event of the outbox.
struct Row {
    event_id: Uuid,
    subject_id: Uuid,
    version: i64,
    kind: String,
    payload: Vec<u8>,
    headers: serde_json::Value,
    attempt: i32,
}

impl Row {
    /// The event by its id, with the number of its attempts.
    fn found(self) -> (Uuid, (Envelope, i32)) {
        let Self { event_id, subject_id, version, kind, payload, headers, attempt } = self;
        let kept = Kept { event_id, subject_id, version, kind, payload, headers };
        (event_id, (Envelope::from_kept(kept), attempt))
    }
}

/// What a mark met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// The events are marked.
    Yes,
    /// The bus gave a place that it had given before: it has lost events. So many are to be said
    /// again, these among them.
    BusHasLost(u64),
    /// Another relay holds the lease; nothing was marked.
    LeaseLost,
}

/// Marks events of `waiting` as published, if the lease of `epoch` still stands: they wait no longer.
/// `highest` is the highest place that the bus gave to an event that it did not know.
///
/// # Errors
/// The database's.
pub async fn mark(
    db: &Db,
    epoch: i64,
    waiting: &Unpublished,
    published: &[Uuid],
    highest: Option<u64>,
) -> Result<Marked, sqlx::Error> {
    let published: HashSet<&Uuid> = published.iter().collect();
    let (mut done, mut parts) = (Vec::new(), Vec::new());
    for (batch_id, event_ids) in &waiting.batches {
        let rest: Vec<Uuid> =
            event_ids.iter().filter(|event_id| !published.contains(event_id)).copied().collect();
        if rest.is_empty() {
            done.push(*batch_id);
        } else if rest.len() < event_ids.len() {
            parts.push((*batch_id, rest));
        }
    }
    let highest = highest.map(|highest| i64::try_from(highest).unwrap_or(i64::MAX));
    db.write(move |tx| {
        Box::pin(async move {
            if let Some(highest) = highest
                && parts.is_empty()
                && mark_whole(tx, epoch, &done, highest).await?
            {
                return Ok(Marked::Yes);
            }
            // The lock of the row fences: no other relay takes the lease before this commits.
            let row =
                sqlx::query!("select epoch, stream_last_sequence from messaging.relay for update")
                    .fetch_one(&mut *tx)
                    .await?;
            if row.epoch != epoch {
                return Ok(Marked::LeaseLost);
            }
            take_away(tx, &done, &parts).await?;
            let Some(highest) = highest else { return Ok(Marked::Yes) };
            let lost = highest <= row.stream_last_sequence;
            let again = if lost { say_again_unconfirmed(tx).await? } else { 0 };
            sqlx::query!("update messaging.relay set stream_last_sequence = $1", highest)
                .execute(tx)
                .await?;
            Ok(if lost { Marked::BusHasLost(again) } else { Marked::Yes })
        })
    })
    .await
}

/// The usual case in one statement: the lease stands, the bus has lost nothing, and every batch is done.
/// False if it is another one; nothing is done then.
async fn mark_whole(
    tx: &mut PgConnection,
    epoch: i64,
    done: &[i64],
    highest: i64,
) -> Result<bool, sqlx::Error> {
    // The update locks the row, and so fences.
    let held = sqlx::query_scalar!(
        r#"with held as (
               update messaging.relay set stream_last_sequence = $3
               where epoch = $1 and stream_last_sequence < $3
               returning epoch
           ),
           gone as (
               delete from messaging.waiting_batches
               where batch_id = any($2) and exists (select from held)
           )
           select count(*) as "held!" from held"#,
        epoch,
        done,
        highest
    )
    .fetch_one(tx)
    .await?;
    Ok(held == 1)
}

/// Deletes the batches that are done, and leaves of others what goes on waiting. Whoever has the lease
/// is the only one who changes them.
async fn take_away(
    tx: &mut PgConnection,
    done: &[i64],
    parts: &[(i64, Vec<Uuid>)],
) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from messaging.waiting_batches where batch_id = any($1)", done)
        .execute(&mut *tx)
        .await?;
    for (batch_id, rest) in parts {
        sqlx::query!(
            "update messaging.waiting_batches set event_ids = $2 where batch_id = $1",
            batch_id,
            rest
        )
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

/// Compares the stream with what was last seen of it. If it is younger or shorter, everything
/// that is not confirmed by every consumer is to be said again; gives how many events that are.
///
/// # Errors
/// The database's.
pub async fn compare(db: &Db, epoch: i64, state: StreamState) -> Result<u64, sqlx::Error> {
    let created_at = clock::to_db(state.created_at);
    let last = i64::try_from(state.last_sequence).unwrap_or(i64::MAX);
    db.write(move |tx| {
        Box::pin(async move {
            let row = sqlx::query!(
                "select epoch, stream_created_at, stream_last_sequence
                 from messaging.relay for update"
            )
            .fetch_one(&mut *tx)
            .await?;
            if row.epoch != epoch {
                return Ok(0);
            }
            let lost = row.stream_created_at.is_some_and(|seen| seen != created_at)
                || last < row.stream_last_sequence;
            let again = if lost { say_again_unconfirmed(tx).await? } else { 0 };
            if lost || row.stream_created_at.is_none() {
                sqlx::query!(
                    "update messaging.relay
                     set stream_created_at = $1, stream_last_sequence = $2",
                    created_at,
                    last
                )
                .execute(tx)
                .await?;
            }
            Ok(again)
        })
    })
    .await
}

/// Lets everything wait again that is not confirmed by every consumer, to be published under a new
/// message id.
async fn say_again_unconfirmed(tx: &mut PgConnection) -> Result<u64, sqlx::Error> {
    one_at_a_time(tx).await?;
    let again = sqlx::query_scalar!(
        r#"with again as (
               update messaging.outbox set attempt = attempt + 1
               where event_id >= messaging.first_id_at(greatest(
                         (select min(confirmed_before) from messaging.confirmations), 'epoch'))
                 and not exists (select from messaging.waiting
                                 where waiting.event_id = outbox.event_id)
               returning id, event_id
           )
           select coalesce(messaging.wait_for_bus(array_agg(event_id order by id)), 0) as "again!"
           from again"#
    )
    .fetch_one(tx)
    .await?;
    Ok(again.unsigned_abs())
}

/// Of two that say the same again at the same time, the later one finds that it waits already.
async fn one_at_a_time(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtext('messaging.say_again'))")
        .fetch_one(tx)
        .await
        .map(|_| ())
}

/// The ids of the newest published events.
///
/// # Errors
/// The database's.
pub async fn published(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select event_id from messaging.outbox
         where not exists (select from messaging.waiting where waiting.event_id = outbox.event_id)
         order by event_id desc limit $1",
        limit
    )
    .fetch_all(connection)
    .await
}

/// Lets the named events wait again, to be published under new message ids. Those that wait already
/// are left alone. Gives how many had been published before.
///
/// # Errors
/// The database's.
pub async fn say_again(tx: &mut PgConnection, event_ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    one_at_a_time(tx).await?;
    let again = sqlx::query_scalar!(
        r#"with again as (
               update messaging.outbox set attempt = attempt + 1
               where event_id = any($1)
                 and not exists (select from messaging.waiting
                                 where waiting.event_id = outbox.event_id)
               returning id, event_id
           )
           select coalesce(messaging.wait_for_bus(array_agg(event_id order by id)), 0) as "again!"
           from again"#,
        event_ids
    )
    .fetch_one(tx)
    .await?;
    Ok(again.unsigned_abs())
}
