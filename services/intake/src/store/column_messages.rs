//! What came by columns and by the hotline, and what became of it.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::messages::decode;
use crate::domain::column::Followed;

/// How many messages a column takes of those it was to take, and the number of the last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// How many.
    pub messages: usize,
    /// The number of the last of them; they have those before it.
    pub last_change: i64,
}

/// Takes places of the day, as many as there are. The rows are locked first, in the order of their
/// ids, by a statement of its own: one statement that waits for a lock and then changes the row would
/// go by what it saw before it waited.
///
/// # Errors
/// The database's.
pub async fn take_places(
    tx: &mut PgConnection,
    wanted: &HashMap<&str, i32>,
    day: Date,
) -> Result<HashMap<String, Granted>, sqlx::Error> {
    let ids: Vec<String> = wanted.keys().map(|id| (*id).to_owned()).collect();
    let rooms = sqlx::query!(
        r#"select column_id,
                  greatest(0, daily_quota - case when used_on >= $2 then used_today else 0 end)
                      as "room!"
           from columns where column_id = any($1)
           order by column_id
           for update"#,
        &ids,
        day,
    )
    .fetch_all(&mut *tx)
    .await?;
    let (ids, taken): (Vec<String>, Vec<i32>) = rooms
        .into_iter()
        .map(|row| {
            let wanted = wanted.get(row.column_id.as_str()).copied().unwrap_or_default();
            (row.column_id, wanted.min(row.room))
        })
        .unzip();
    let numbered = sqlx::query_file!("src/queries/take_column_places.sql", &ids, &taken, day)
        .fetch_all(tx)
        .await?;
    let last: HashMap<String, i64> =
        numbered.into_iter().map(|row| (row.column_id, row.changes)).collect();
    let granted = |(id, taken): (String, i32)| {
        let last_change = last.get(&id).copied()?;
        let messages = usize::try_from(taken).unwrap_or_default();
        Some((id, Granted { messages, last_change }))
    };
    ids.into_iter().zip(taken).map(|place| granted(place).ok_or(sqlx::Error::RowNotFound)).collect()
}

/// A message that came by a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewColumnMessage {
    /// The message.
    pub message_id: Uuid,
    /// The column.
    pub column_id: String,
    /// The number of the change.
    pub change: i64,
}

/// Notes which messages came by columns.
///
/// # Errors
/// The database's.
pub async fn insert_messages(
    tx: &mut PgConnection,
    messages: &[NewColumnMessage],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = messages.iter().map(|message| message.message_id).collect();
    let columns: Vec<String> = messages.iter().map(|message| message.column_id.clone()).collect();
    let changes: Vec<i64> = messages.iter().map(|message| message.change).collect();
    sqlx::query!(
        "insert into column_messages (message_id, column_id, change, changed_at)
         select message_id, column_id, change, $4
         from unnest($1::uuid[], $2::text[], $3::bigint[]) as fresh (message_id, column_id, change)",
        &ids,
        &columns,
        &changes,
        clock::to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An entry that somebody made for a citizen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotlineEntry {
    /// The message.
    pub message_id: Uuid,
    /// The operator's number.
    pub operator: String,
    /// The caller.
    pub entered_by: String,
}

/// Notes who entered messages.
///
/// # Errors
/// The database's.
pub async fn insert_entries(
    tx: &mut PgConnection,
    entries: &[HotlineEntry],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = entries.iter().map(|entry| entry.message_id).collect();
    let operators: Vec<String> = entries.iter().map(|entry| entry.operator.clone()).collect();
    let callers: Vec<String> = entries.iter().map(|entry| entry.entered_by.clone()).collect();
    sqlx::query!(
        "insert into hotline_entries (message_id, operator, entered_by)
         select message_id, operator, entered_by
         from unnest($1::uuid[], $2::text[], $3::text[]) as fresh (message_id, operator, entered_by)",
        &ids,
        &operators,
        &callers,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that messages changed, for the columns by which they came. Takes no message twice.
///
/// # Errors
/// The database's.
pub async fn bump(
    tx: &mut PgConnection,
    message_ids: &[Uuid],
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    // First, by a statement of its own; see `take_places`.
    let columns = sqlx::query_scalar!(
        "select column_id from columns
         where column_id in (select column_id from column_messages where message_id = any($1))
         order by column_id
         for update",
        message_ids
    )
    .fetch_all(&mut *tx)
    .await?;
    if columns.is_empty() {
        return Ok(());
    }
    sqlx::query_file!("src/queries/bump_column_messages.sql", message_ids, clock::to_db(at))
        .execute(tx)
        .await?;
    Ok(())
}

/// How a column's messages stand, in the order of their last change, those after `after` only.
///
/// # Errors
/// The database's.
pub async fn followed(
    connection: &mut PgConnection,
    column_id: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<Followed>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, change, changed_at, number, state, ground, case_id, deadline_at,
                submitted_at, visibility
         from column_messages join messages using (message_id)
         where column_id = $1 and change > $2
         order by change
         limit $3",
        column_id,
        after,
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Followed {
                message_id: row.message_id,
                change: row.change,
                changed_at: clock::from_db(row.changed_at),
                number: row.number,
                state: row.state.parse().map_err(decode)?,
                ground: row.ground,
                case_id: row.case_id,
                deadline_at: row.deadline_at.map(clock::from_db),
                submitted_at: clock::from_db(row.submitted_at),
                public: row.visibility == "public",
            })
        })
        .collect()
}
