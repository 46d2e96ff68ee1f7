//! What was said, in the outbox and in the archives: the producer's half of each comparison.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::clock;

/// What was said or settled of one minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    pub(super) count: u64,
    pub(super) hash: u64,
}

/// The minute of the oldest event that the consumer has not confirmed.
pub(super) async fn first_unconfirmed(
    connection: &mut PgConnection,
    consumer: &str,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let first = sqlx::query_scalar!(
        "with mark as (
             select greatest('epoch', confirmed_before) as moment
             from messaging.confirmations where consumer = $1
         )
         select least(
             (select date_trunc('minute', messaging.time_of(event_id)) from messaging.outbox
              where event_id >= messaging.first_id_at((select moment from mark))
              order by event_id limit 1),
             (select min(minute) from messaging.archived_minutes
              where minute >= (select moment from mark)))",
        consumer
    )
    .fetch_one(connection)
    .await?;
    Ok(first.map(clock::from_db))
}

/// What was said, by minute. The events of a day that is back are in the outbox.
pub(super) async fn by_minute(
    connection: &mut PgConnection,
    from: Timestamp,
    until: Timestamp,
) -> Result<BTreeMap<Timestamp, Digest>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select minute as "minute!", sum(count)::bigint as "count!", bit_xor(hash) as "hash!"
           from (select date_trunc('minute', messaging.time_of(event_id)) as minute,
                        count(*) as count, bit_xor(messaging.hash_of(event_id)) as hash
                 from messaging.outbox
                 where event_id >= messaging.first_id_at($1)
                   and event_id < messaging.first_id_at($2)
                 group by 1
                 union all
                 select minute, count, minutes.hash
                 from messaging.archived_minutes as minutes join messaging.archives using (day)
                 where minute >= $1 and minute < $2 and back_at is null) as said
           group by 1"#,
        clock::to_db(from),
        clock::to_db(until)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let digest = Digest { count: row.count.unsigned_abs(), hash: row.hash.cast_unsigned() };
            (clock::from_db(row.minute), digest)
        })
        .collect())
}

/// The archived days of a time, and whether each is back.
pub(super) async fn archived(
    connection: &mut PgConnection,
    from: Timestamp,
    until: Timestamp,
) -> Result<BTreeMap<Timestamp, bool>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select (day::timestamp at time zone 'UTC') as "day!", back_at is not null as "back!"
           from messaging.archives
           where day >= ($1::timestamptz at time zone 'UTC')::date
             and day <= ($2::timestamptz at time zone 'UTC')::date"#,
        clock::to_db(from),
        clock::to_db(until)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (clock::from_db(row.day), row.back)).collect())
}

/// The events of gaps that the outbox has.
pub(super) async fn of_gaps(
    connection: &mut PgConnection,
    subjects: &[Uuid],
    from: &[i64],
    until: &[i64],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select outbox.event_id from messaging.outbox
         join unnest($1::uuid[], $2::bigint[], $3::bigint[])
             as gap (subject_id, first, after) using (subject_id)
         where outbox.version >= gap.first and outbox.version < gap.after",
        subjects,
        from,
        until
    )
    .fetch_all(connection)
    .await
}

/// Takes a confirmation back to `moment`.
pub(super) async fn step_back(
    tx: &mut PgConnection,
    consumer: &str,
    moment: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messaging.confirmations set confirmed_before = $2
         where consumer = $1 and confirmed_before > $2",
        consumer,
        clock::to_db(moment)
    )
    .execute(tx)
    .await
    .map(|_| ())
}

/// Takes a confirmation back to the beginning, if it says that all archives are confirmed. One that
/// does not is on its way through them.
pub(super) async fn step_back_before_archives(
    tx: &mut PgConnection,
    consumer: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messaging.confirmations set confirmed_before = '-infinity'
         where consumer = $1 and confirmed_before >= (
             select (max(day) + 1)::timestamp at time zone 'UTC' from messaging.archives)",
        consumer
    )
    .execute(tx)
    .await
    .map(|_| ())
}
