//! Columns, and the requests that made them what they are.

use jiff::Timestamp;
use liuyan_kit::{clock, db};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::domain::column::Column;

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
