//! Messages that their authors had erased.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::clock::to_db;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::openings::Wish;
use crate::domain::MessageId;

/// Stores that messages were erased; they wait.
pub async fn insert(tx: &mut PgConnection, erased: &[Wish]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = erased.iter().map(|one| one.message_id.uuid()).collect();
    let at: Vec<OffsetDateTime> = erased.iter().map(|one| to_db(one.at)).collect();
    let traces: Vec<Option<String>> = erased.iter().map(|one| one.traceparent.clone()).collect();
    sqlx::query!(
        "insert into erasures (message_id, erased_at, traceparent)
         select message_id, erased_at, traceparent
         from unnest($1::uuid[], $2::timestamptz[], $3::text[])
             as one (message_id, erased_at, traceparent)
         order by message_id
         on conflict (message_id) do update set state = 'waiting', due_at = '-infinity'",
        &ids,
        &at,
        &traces as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of the messages were erased.
pub async fn among(
    connection: &mut PgConnection,
    ids: &[MessageId],
) -> Result<Vec<MessageId>, sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let erased =
        sqlx::query_scalar!("select message_id from erasures where message_id = any($1)", &ids)
            .fetch_all(connection)
            .await?;
    Ok(erased.into_iter().map(MessageId::from).collect())
}

/// Locks up to `limit` erased messages that have a case, once their authors' wishes to withdraw are
/// settled; gives them, each with its trace.
pub async fn claim(
    tx: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<HashMap<MessageId, Option<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select erasures.message_id, erasures.traceparent from erasures join cases using (message_id)
         where erasures.state = 'waiting' and erasures.due_at <= $1
           and not exists (select from withdrawals
                           where withdrawals.message_id = erasures.message_id
                             and withdrawals.state = 'waiting')
         order by erasures.due_at, message_id limit $2 for update of erasures skip locked",
        to_db(now),
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.message_id.into(), row.traceparent)).collect())
}

/// Puts off up to `limit` erased messages that are not approved, and perhaps never will be: a second at first,
/// doubling to a day. Gives how many.
pub async fn put_off(
    tx: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let put_off = sqlx::query!(
        "update erasures
         set attempts = attempts + 1,
             due_at = $1::timestamptz + least(interval '1 day', interval '1 second' * power(2, least(attempts, 20)))
         where message_id in (
             select message_id from erasures e
             where state = 'waiting' and due_at <= $1
               and not exists (select from openings o where o.message_id = e.message_id)
             order by due_at, message_id limit $2 for update skip locked)",
        to_db(now),
        limit,
    )
    .execute(tx)
    .await?;
    Ok(put_off.rows_affected())
}

/// Has erased messages looked at now: they have a case at last.
pub async fn are_due(tx: &mut PgConnection, ids: &[MessageId]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!(
        "update erasures set due_at = '-infinity'
         where message_id = any($1) and state = 'waiting' and due_at > '-infinity'",
        &ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that the cases of messages are without their text.
pub async fn settle(tx: &mut PgConnection, ids: &[MessageId]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    sqlx::query!("update erasures set state = 'done' where message_id = any($1)", &ids)
        .execute(tx)
        .await?;
    Ok(())
}
