//! Columns, what came by them, and what became of that.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{clock, db};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use super::messages::decode;
use crate::domain::column::{Column, Followed};

/// A row of `columns`.
#[derive(Debug)]
struct Row {
    column_id: String,
    subject_id: Uuid,
    name: String,
    agency_id: String,
    default_office_id: String,
    domains: Vec<String>,
    origins: Vec<String>,
    daily_quota: i32,
    minute_quota: i32,
    collated: bool,
    open: bool,
    version: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<Row> for Column {
    fn from(row: Row) -> Self {
        Self {
            column_id: row.column_id,
            subject_id: row.subject_id,
            name: row.name,
            agency_id: row.agency_id,
            default_office_id: row.default_office_id,
            domains: row.domains,
            origins: row.origins,
            daily_quota: row.daily_quota.unsigned_abs(),
            minute_quota: row.minute_quota.unsigned_abs(),
            collated: row.collated,
            open: row.open,
            version: row.version.unsigned_abs(),
            created_at: clock::from_db(row.created_at),
            updated_at: clock::from_db(row.updated_at),
        }
    }
}

/// The day of a moment in Asia/Shanghai.
pub fn day_of(now: Timestamp) -> Date {
    let offset = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
    clock::to_db(now).to_offset(offset).date()
}

fn signed(count: u32) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// Adds a column.
///
/// # Errors
/// The database's; `columns_pkey` if its id is taken, `columns_agency_key` if its agency has one.
pub async fn insert(tx: &mut PgConnection, column: &Column) -> Result<(), sqlx::Error> {
    let added = sqlx::query!(
        "insert into columns (column_id, subject_id, name, agency_id, default_office_id, domains,
                              origins, daily_quota, minute_quota, collated, open, created_at,
                              updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        column.column_id,
        column.subject_id,
        column.name,
        column.agency_id,
        column.default_office_id,
        &column.domains,
        &column.origins,
        signed(column.daily_quota),
        signed(column.minute_quota),
        column.collated,
        column.open,
        clock::to_db(column.created_at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&added)
}

/// Writes a column that is locked.
///
/// # Errors
/// The database's; `columns_agency_key` if its agency has another one.
pub async fn update(tx: &mut PgConnection, column: &Column) -> Result<(), sqlx::Error> {
    let changed = sqlx::query!(
        "update columns
         set name = $2, agency_id = $3, default_office_id = $4, domains = $5, origins = $6,
             daily_quota = $7, minute_quota = $8, collated = $9, open = $10, version = $11,
             updated_at = $12
         where column_id = $1",
        column.column_id,
        column.name,
        column.agency_id,
        column.default_office_id,
        &column.domains,
        &column.origins,
        signed(column.daily_quota),
        signed(column.minute_quota),
        column.collated,
        column.open,
        signed(column.version),
        clock::to_db(column.updated_at),
    )
    .execute(tx)
    .await?;
    db::expect_one(&changed)
}

/// A column, locked until the commit.
///
/// # Errors
/// The database's.
pub async fn lock(tx: &mut PgConnection, column_id: &str) -> Result<Option<Column>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select column_id, subject_id, name, agency_id, default_office_id, domains, origins,
                daily_quota, minute_quota, collated, open, version, created_at, updated_at
         from columns where column_id = $1
         for update",
        column_id
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(Column::from))
}

/// All columns, by name.
///
/// # Errors
/// The database's.
pub async fn all(connection: &mut PgConnection) -> Result<Vec<Column>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select column_id, subject_id, name, agency_id, default_office_id, domains, origins,
                daily_quota, minute_quota, collated, open, version, created_at, updated_at
         from columns order by name, column_id"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Column::from).collect())
}

/// The columns after this name and id, by name.
///
/// # Errors
/// The database's.
pub async fn page(
    connection: &mut PgConnection,
    after: Option<&(String, String)>,
    limit: i64,
) -> Result<Vec<Column>, sqlx::Error> {
    let (name, column_id) = after.map(|(name, id)| (name.as_str(), id.as_str())).unzip();
    let rows = sqlx::query_as!(
        Row,
        "select column_id, subject_id, name, agency_id, default_office_id, domains, origins,
                daily_quota, minute_quota, collated, open, version, created_at, updated_at
         from columns
         where $1::text is null or (name, column_id) > ($1, $2)
         order by name, column_id
         limit $3",
        name,
        column_id,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(Column::from).collect())
}

/// A request that changes a column: whose id it is, the id, and the keyed hash of what is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnRequest {
    /// Whose id it is.
    pub caller: String,
    /// The id that the caller made.
    pub request_id: Uuid,
    /// Keyed hash of what is asked.
    pub body_hash: [u8; 32],
}

/// Notes a request about a column. Gives the hash and the answer of the same request if it was met
/// before; waits for one that is under way.
///
/// # Errors
/// The database's.
pub async fn begin_request(
    tx: &mut PgConnection,
    request: &ColumnRequest,
    column_id: &str,
    now: Timestamp,
) -> Result<Option<(Vec<u8>, Vec<u8>)>, sqlx::Error> {
    let noted = sqlx::query!(
        "insert into column_requests (caller, request_id, body_hash, column_id, response, created_at)
         values ($1, $2, $3, $4, '', $5)
         on conflict on constraint column_requests_pkey do nothing",
        request.caller,
        request.request_id,
        &request.body_hash,
        column_id,
        clock::to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    if noted.rows_affected() == 1 {
        return Ok(None);
    }
    let met = sqlx::query!(
        "select body_hash, response from column_requests where caller = $1 and request_id = $2",
        request.caller,
        request.request_id,
    )
    .fetch_one(tx)
    .await?;
    Ok(Some((met.body_hash, met.response)))
}

/// Keeps the answer to a request that was noted in this transaction.
///
/// # Errors
/// The database's.
pub async fn answer_request(
    tx: &mut PgConnection,
    request: &ColumnRequest,
    response: &[u8],
) -> Result<(), sqlx::Error> {
    let answered = sqlx::query!(
        "update column_requests set response = $3 where caller = $1 and request_id = $2",
        request.caller,
        request.request_id,
        response,
    )
    .execute(tx)
    .await?;
    db::expect_one(&answered)
}

/// How many messages came by a column on a day.
///
/// # Errors
/// The database's.
pub async fn used_on(
    connection: &mut PgConnection,
    column_id: &str,
    day: Date,
) -> Result<u32, sqlx::Error> {
    let used = sqlx::query_scalar!(
        "select used_today from columns where column_id = $1 and used_on = $2",
        column_id,
        day
    )
    .fetch_optional(connection)
    .await?;
    Ok(used.unwrap_or_default().unsigned_abs())
}

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
                  greatest(0, daily_quota - case when used_on = $2 then used_today else 0 end)
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
