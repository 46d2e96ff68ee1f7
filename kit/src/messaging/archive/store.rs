//! All SQL of archives.

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{
    Archive, Error,
    format::{Said, Tally},
};
use crate::clock;

/// A row that fences: nobody else takes the lease before this transaction ends.
pub(super) async fn hold_lease(tx: &mut PgConnection, epoch: i64) -> Result<(), Error> {
    let current =
        sqlx::query_scalar!("select epoch from messaging.relay for update").fetch_one(tx).await?;
    if current == epoch { Ok(()) } else { Err(Error::LeaseLost) }
}

/// The days before `before` that have a partition, oldest first.
pub(super) async fn partitions(
    connection: &mut PgConnection,
    before: Timestamp,
) -> Result<Vec<Timestamp>, sqlx::Error> {
    let days = sqlx::query_scalar!(
        r#"select (to_date(substr(relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC') as "day!"
           from pg_inherits join pg_class on pg_class.oid = inhrelid
           where inhparent = 'messaging.outbox'::regclass and relname ~ '^outbox_[0-9]{8}$'
             and to_date(substr(relname, 8), 'YYYYMMDD')::timestamp at time zone 'UTC' < $1
           order by 1"#,
        clock::to_db(before)
    )
    .fetch_all(connection)
    .await?;
    Ok(days.into_iter().map(clock::from_db).collect())
}

/// The days before `before` of events that stay in the default partition: clocks were wrong, or
/// machines stood still.
pub(super) async fn strays(
    connection: &mut PgConnection,
    before: Timestamp,
) -> Result<Vec<Timestamp>, sqlx::Error> {
    let days = sqlx::query_scalar!(
        r#"select distinct date_trunc('day', messaging.time_of(event_id), 'UTC') as "day!"
           from messaging.outbox_default
           where event_id < messaging.first_id_at($1) order by 1"#,
        clock::to_db(before)
    )
    .fetch_all(connection)
    .await?;
    Ok(days.into_iter().map(clock::from_db).collect())
}

/// Makes the partition of a day.
pub(super) async fn make_partition(
    tx: &mut PgConnection,
    day: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query_scalar!(
        r#"select messaging.make_partitions(($1::timestamptz at time zone 'UTC')::date, 1) as "made!""#,
        clock::to_db(day)
    )
    .fetch_one(tx)
    .await
    .map(|_| ())
}

/// What the outbox holds of a time: count, hash, and how many wait for the bus.
pub(super) async fn tally(
    connection: &mut PgConnection,
    from: Timestamp,
    until: Timestamp,
) -> Result<(Tally, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "events!", coalesce(bit_xor(messaging.hash_of(event_id)), 0) as "hash!",
                  (select count(*) from messaging.waiting
                   where last_id >= messaging.first_id_at($1) and first_id < messaging.first_id_at($2)
                     and event_id >= messaging.first_id_at($1)
                     and event_id < messaging.first_id_at($2)) as "waiting!"
           from messaging.outbox
           where event_id >= messaging.first_id_at($1) and event_id < messaging.first_id_at($2)"#,
        clock::to_db(from),
        clock::to_db(until)
    )
    .fetch_one(connection)
    .await?;
    Ok((Tally { events: row.events, hash: row.hash }, row.waiting))
}

/// Whether every one of `consumers` has confirmed everything before `moment`.
pub(super) async fn confirmed(
    connection: &mut PgConnection,
    consumers: &[String],
    moment: Timestamp,
) -> Result<bool, sqlx::Error> {
    let confirmed = sqlx::query_scalar!(
        r#"select count(*) as "count!" from messaging.confirmations
           where consumer = any($1) and confirmed_before >= $2"#,
        consumers,
        clock::to_db(moment)
    )
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(confirmed).is_ok_and(|confirmed| confirmed == consumers.len()))
}

/// Writes an archive down, in the place of an older one of the same day, and its minutes as they are
/// in the outbox.
pub(super) async fn record(
    tx: &mut PgConnection,
    archive: &Archive,
    now: Timestamp,
) -> Result<(), Error> {
    let (day, until) = (clock::to_db(archive.day), clock::to_db(archive.until()));
    sqlx::query!(
        "insert into messaging.archives (day, events, hash, digest, bytes, object, at)
         values (($1::timestamptz at time zone 'UTC')::date, $2, $3, $4, $5, $6, $7)
         on conflict (day) do update
         set events = excluded.events, hash = excluded.hash, digest = excluded.digest,
             bytes = excluded.bytes, object = excluded.object, at = excluded.at,
             wanted_at = null, back_at = null",
        day,
        archive.events,
        archive.hash,
        archive.digest,
        archive.bytes,
        archive.object,
        clock::to_db(now)
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "delete from messaging.archived_minutes where day = ($1::timestamptz at time zone 'UTC')::date",
        day
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "insert into messaging.archived_minutes (minute, day, count, hash)
         select date_trunc('minute', messaging.time_of(event_id)),
                ($1::timestamptz at time zone 'UTC')::date, count(*),
                bit_xor(messaging.hash_of(event_id))
         from messaging.outbox
         where event_id >= messaging.first_id_at($1) and event_id < messaging.first_id_at($2)
         group by 1",
        day,
        until
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Drops the partition of a day, if it still holds so many events.
pub(super) async fn let_go(
    tx: &mut PgConnection,
    day: Timestamp,
    events: i64,
) -> Result<(), Error> {
    let gone = sqlx::query_scalar!(
        r#"select messaging.let_go(($1::timestamptz at time zone 'UTC')::date, $2) as "gone!""#,
        clock::to_db(day),
        events
    )
    .fetch_one(tx)
    .await?;
    if gone { Ok(()) } else { Err(Error::Changed(day)) }
}

/// Says that the events of a day are no longer back in the outbox.
pub(super) async fn gone_again(tx: &mut PgConnection, day: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messaging.archives set wanted_at = null, back_at = null
         where day = ($1::timestamptz at time zone 'UTC')::date",
        clock::to_db(day)
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Says that a day is wanted in the outbox.
pub(crate) async fn want(
    tx: &mut PgConnection,
    day: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messaging.archives set wanted_at = $2
         where day = ($1::timestamptz at time zone 'UTC')::date",
        clock::to_db(day),
        clock::to_db(now)
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// The archived days that are wanted and not back.
pub(super) async fn wanted(connection: &mut PgConnection) -> Result<Vec<Timestamp>, sqlx::Error> {
    let days = sqlx::query_scalar!(
        r#"select (day::timestamp at time zone 'UTC') as "day!" from messaging.archives
           where wanted_at is not null and back_at is null order by day"#
    )
    .fetch_all(connection)
    .await?;
    Ok(days.into_iter().map(clock::from_db).collect())
}

/// Whether nobody has wanted a day since `moment`.
pub(super) async fn unwanted_since(
    connection: &mut PgConnection,
    day: Timestamp,
    moment: Timestamp,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(wanted_at, '-infinity') < $2 as "unwanted!" from messaging.archives
           where day = ($1::timestamptz at time zone 'UTC')::date"#,
        clock::to_db(day),
        clock::to_db(moment)
    )
    .fetch_one(connection)
    .await
}

/// Makes room for a day that comes back.
pub(super) async fn begin_return(tx: &mut PgConnection, day: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select messaging.begin_return(($1::timestamptz at time zone 'UTC')::date)",
        clock::to_db(day)
    )
    .fetch_one(tx)
    .await
    .map(|_| ())
}

/// Puts events there.
pub(super) async fn add_returned(
    tx: &mut PgConnection,
    day: Timestamp,
    events: Vec<Said>,
) -> Result<(), sqlx::Error> {
    let ids: Vec<i64> = events.iter().map(|event| event.id).collect();
    let event_ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
    let subject_ids: Vec<Uuid> = events.iter().map(|event| event.subject_id).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let attempts: Vec<i32> = events.iter().map(|event| event.attempt).collect();
    let created: Vec<_> = events.iter().map(|event| clock::to_db(event.created_at)).collect();
    let (mut kinds, mut headers, mut payloads) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        kinds.push(event.kind);
        headers.push(event.headers);
        payloads.push(event.payload);
    }
    sqlx::query!(
        "select messaging.add_returned(($1::timestamptz at time zone 'UTC')::date, $2, $3, $4, $5, $6,
                                       $7, $8, $9, $10)",
        clock::to_db(day),
        &ids,
        &event_ids,
        &subject_ids,
        &versions,
        &kinds,
        &payloads,
        &headers,
        &attempts,
        &created
    )
    .fetch_one(tx)
    .await
    .map(|_| ())
}

/// Makes them part of the outbox.
pub(super) async fn end_return(
    tx: &mut PgConnection,
    day: Timestamp,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select messaging.end_return(($1::timestamptz at time zone 'UTC')::date)",
        clock::to_db(day)
    )
    .fetch_one(&mut *tx)
    .await?;
    sqlx::query!(
        "update messaging.archives set back_at = $2
         where day = ($1::timestamptz at time zone 'UTC')::date",
        clock::to_db(day),
        clock::to_db(now)
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Lets the statements of this transaction take as long as a large day needs.
pub(super) async fn take_time(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select set_config('statement_timeout', '1h', true) as statement,
                set_config('idle_in_transaction_session_timeout', '5min', true) as idle"
    )
    .fetch_one(tx)
    .await
    .map(|_| ())
}
