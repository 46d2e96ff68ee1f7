//! Messages that are to be counted.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::expect_rows;

/// A message that is to be counted, and the event that is the cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pending {
    /// The message.
    pub message_id: Uuid,
    /// When the event was said.
    pub at: Timestamp,
    /// The trace of the event.
    pub traceparent: Option<String>,
}

struct Row {
    message_id: Uuid,
    at: OffsetDateTime,
    traceparent: Option<String>,
}

/// Adds messages.
pub(crate) async fn add(tx: &mut PgConnection, pending: &[Pending]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = pending.iter().map(|one| one.message_id).collect();
    let times: Vec<OffsetDateTime> = pending.iter().map(|one| to_db(one.at)).collect();
    let traces: Vec<Option<String>> = pending.iter().map(|one| one.traceparent.clone()).collect();
    let result = sqlx::query!(
        "insert into pending (message_id, at, traceparent)
         select * from unnest($1::uuid[], $2::timestamptz[], $3::text[])",
        &ids,
        &times,
        &traces as &[Option<String>],
    )
    .execute(tx)
    .await?;
    expect_rows(&result, pending.len())
}

/// Takes the `limit` oldest, with all that is there of the same messages, so that each is counted
/// once. Only the writer may.
pub(crate) async fn take(tx: &mut PgConnection, limit: i64) -> Result<Vec<Pending>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "delete from pending
         where message_id in (select message_id from pending order by pending_id limit $1)
         returning message_id, at, traceparent",
        limit,
    )
    .fetch_all(tx)
    .await?;
    let pending = rows.into_iter().map(|row| Pending {
        message_id: row.message_id,
        at: from_db(row.at),
        traceparent: row.traceparent,
    });
    Ok(pending.collect())
}

/// The next deadline of a case without a reply, from `from` on and before `until`.
pub(crate) async fn next_deadline(
    tx: &mut PgConnection,
    from: Timestamp,
    until: Timestamp,
) -> Result<Option<Timestamp>, sqlx::Error> {
    let deadline = sqlx::query_scalar!(
        "select min(deadline_at) from cases
         where first_reply_at is null and closed_at is null and deadline_at >= $1 and deadline_at < $2",
        to_db(from),
        to_db(until),
    )
    .fetch_one(tx)
    .await?;
    Ok(deadline.map(from_db))
}

/// Adds the messages whose cases still have no reply at their deadline. Gives how many.
pub(crate) async fn add_overdue(
    tx: &mut PgConnection,
    deadline: Timestamp,
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "insert into pending (message_id, at)
         select message_id, deadline_at from cases
         where first_reply_at is null and closed_at is null and deadline_at = $1",
        to_db(deadline),
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected())
}

/// Adds the messages that were counted for offices.
pub(crate) async fn add_of_offices(
    tx: &mut PgConnection,
    at: Timestamp,
    offices: &[String],
) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "insert into pending (message_id, at)
         select message_id, $1 from counted where office_id = any($2)",
        to_db(at),
        offices,
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected())
}

/// Adds every message.
pub(crate) async fn add_all(tx: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let result = sqlx::query!(
        "insert into pending (message_id, at) select message_id, submitted_at from submissions"
    )
    .execute(tx)
    .await?;
    Ok(result.rows_affected())
}

/// How many events wait to be counted, and since when the first of them does.
pub(crate) async fn depth(
    connection: &mut PgConnection,
) -> Result<(i64, Option<Timestamp>), sqlx::Error> {
    let row = sqlx::query!(r#"select count(*) as "count!", min(added_at) as oldest from pending"#)
        .fetch_one(connection)
        .await?;
    Ok((row.count, row.oldest.map(from_db)))
}
