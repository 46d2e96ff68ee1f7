//! What is shown on the board's pages, and what was read of it.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{expect_rows, unknown};
use crate::domain::{event::Kind, page::Cursor};

/// A notice to be stored.
#[derive(Debug, Clone)]
pub(crate) struct New {
    /// To whom.
    pub(crate) holder: String,
    /// Which of the holder's, from 1.
    pub(crate) ordinal: i64,
    /// Its id.
    pub(crate) notice_id: Uuid,
    /// Of what.
    pub(crate) event_id: Uuid,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
}

/// Stores notices. The rows of their holders are locked.
pub(crate) async fn insert(tx: &mut PgConnection, new: &[New]) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let holders: Vec<String> = new.iter().map(|one| one.holder.clone()).collect();
    let ordinals: Vec<i64> = new.iter().map(|one| one.ordinal).collect();
    let notice_ids: Vec<Uuid> = new.iter().map(|one| one.notice_id).collect();
    let event_ids: Vec<Uuid> = new.iter().map(|one| one.event_id).collect();
    let times: Vec<_> = new.iter().map(|one| to_db(one.occurred_at)).collect();
    let result = sqlx::query!(
        "insert into notices (holder, ordinal, notice_id, event_id, occurred_at)
         select * from unnest($1::text[], $2::bigint[], $3::uuid[], $4::uuid[], $5::timestamptz[])",
        &holders,
        &ordinals,
        &notice_ids,
        &event_ids,
        &times,
    )
    .execute(tx)
    .await?;
    expect_rows(&result, new.len())
}

/// A notice as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    /// Its id.
    pub(crate) notice_id: Uuid,
    /// To whom.
    pub(crate) holder: String,
    /// What happened.
    pub(crate) kind: Kind,
    /// The message, if it is about one.
    pub(crate) message_id: Option<Uuid>,
    /// The case, if there is one.
    pub(crate) case_id: Option<Uuid>,
    /// The public number, if it is about a message.
    pub(crate) number: Option<String>,
    /// The office that had the case after it.
    pub(crate) office_id: String,
    /// By when the citizen is to have an answer.
    pub(crate) deadline_at: Option<Timestamp>,
    /// What became of what the author suggested; empty if that is not told.
    pub(crate) uptake: String,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
    /// Whether the reader has read it.
    pub(crate) read: bool,
}

/// A page of what holders were told, the newest first.
pub(crate) async fn page(
    connection: &mut PgConnection,
    reader: Uuid,
    holders: &[String],
    unread_only: bool,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Shown>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/page_of_notices.sql",
        reader,
        holders,
        unread_only,
        after.map(|cursor| to_db(cursor.at)),
        after.map(|cursor| cursor.id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Shown {
                notice_id: row.notice_id,
                holder: row.holder,
                kind: Kind::of(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
                message_id: row.message_id,
                case_id: row.case_id,
                number: row.number,
                office_id: row.office_id,
                deadline_at: row.deadline_at.map(from_db),
                uptake: row.uptake,
                occurred_at: from_db(row.occurred_at),
                read: row.read,
            })
        })
        .collect()
}

/// How many notices of holders a reader has not read.
pub(crate) async fn unread(
    connection: &mut PgConnection,
    reader: Uuid,
    holders: &[String],
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(sum(notice_count - coalesce(read_through, 0)
                               - coalesce(read_count, 0)), 0)::bigint as "unread!"
           from holders left join readers
                on readers.holder = holders.holder and reader = $1
           where holders.holder = any($2)"#,
        reader,
        holders,
    )
    .fetch_one(connection)
    .await
}

/// Makes and locks the rows of a reader, in order; only of holders that there are.
pub(crate) async fn lock_reader(
    tx: &mut PgConnection,
    reader: Uuid,
    holders: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with known as (
             select holder from holders where holder = any($2) order by holder for update
         ), made as (
             insert into readers (reader, holder) select $1, holder from known
             on conflict do nothing
             returning holder
         )
         update holders set reader_count = reader_count + 1
         from made where holders.holder = made.holder",
        reader,
        holders,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that a reader has read all that holders were told. The rows are locked.
pub(crate) async fn read_all(
    tx: &mut PgConnection,
    reader: Uuid,
    holders: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from notice_reads where reader = $1 and holder = any($2)",
        reader,
        holders
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update readers set read_through = notice_count, read_count = 0
         from holders
         where holders.holder = readers.holder and reader = $1 and readers.holder = any($2)",
        reader,
        holders,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that a reader has read some notices, as far as they are holders' and were not read. The
/// rows are locked.
pub(crate) async fn read_some(
    tx: &mut PgConnection,
    reader: Uuid,
    holders: &[String],
    notice_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with read as (
             insert into notice_reads (reader, holder, ordinal)
             select reader, notices.holder, ordinal
             from notices join readers using (holder)
             where notice_id = any($3) and notices.holder = any($2) and reader = $1
               and ordinal > read_through
             on conflict do nothing
             returning holder
         )
         update readers set read_count = read_count + more
         from (select holder, count(*) as more from read group by holder) as counted
         where reader = $1 and readers.holder = counted.holder",
        reader,
        holders,
        notice_ids,
    )
    .execute(tx)
    .await?;
    Ok(())
}
