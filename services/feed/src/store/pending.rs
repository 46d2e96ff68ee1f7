//! Events that wait for the appender.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

/// An event of a case, as it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Its id.
    pub event_id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// The message of that case.
    pub message_id: Uuid,
    /// The version of the case's events at routing.
    pub version: i64,
    /// Its type.
    pub event_type: String,
    /// Whether everybody may see the case after it.
    pub public: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The trace of its cause.
    pub traceparent: Option<String>,
    /// The office after it.
    pub office_id: String,
    /// The division of that office.
    pub division_code: String,
    /// Code of the kind.
    pub kind: String,
    /// Code of the domain.
    pub domain: String,
    /// The number of the state after it.
    pub state: i32,
    /// The revision of the view after it.
    pub view_revision: i64,
    /// Whether the case is kept from the public for its own sake.
    pub restricted: bool,
    /// Whether it is so because the case accuses an office.
    pub accuses: bool,
    /// The request that caused it.
    pub causation_id: Option<Uuid>,
}

struct Row {
    event_id: Uuid,
    case_id: Uuid,
    message_id: Uuid,
    version: i64,
    event_type: String,
    public: bool,
    occurred_at: OffsetDateTime,
    traceparent: Option<String>,
    office_id: String,
    division_code: String,
    kind: String,
    domain: String,
    state: i32,
    view_revision: i64,
    restricted: bool,
    accuses: bool,
    causation_id: Option<Uuid>,
}

impl From<Row> for Heard {
    fn from(row: Row) -> Self {
        Self {
            event_id: row.event_id,
            case_id: row.case_id,
            message_id: row.message_id,
            version: row.version,
            event_type: row.event_type,
            public: row.public,
            occurred_at: from_db(row.occurred_at),
            traceparent: row.traceparent,
            office_id: row.office_id,
            division_code: row.division_code,
            kind: row.kind,
            domain: row.domain,
            state: row.state,
            view_revision: row.view_revision,
            restricted: row.restricted,
            accuses: row.accuses,
            causation_id: row.causation_id,
        }
    }
}

/// Adds events, in their order.
pub async fn add(tx: &mut PgConnection, events: &[Heard]) -> Result<(), sqlx::Error> {
    let traceparents: Vec<Option<String>> =
        events.iter().map(|event| event.traceparent.clone()).collect();
    let causations: Vec<Option<Uuid>> = column(events, |event| event.causation_id);
    sqlx::query_file!(
        "src/queries/add_pending.sql",
        &column(events, |event| event.event_id),
        &column(events, |event| event.case_id),
        &column(events, |event| event.message_id),
        &column(events, |event| event.version),
        &column(events, |event| event.event_type.clone()),
        &column(events, |event| event.public),
        &column(events, |event| to_db(event.occurred_at)),
        &traceparents as &[Option<String>],
        &column(events, |event| event.office_id.clone()),
        &column(events, |event| event.division_code.clone()),
        &column(events, |event| event.kind.clone()),
        &column(events, |event| event.domain.clone()),
        &column(events, |event| event.state),
        &column(events, |event| event.view_revision),
        &column(events, |event| event.restricted),
        &column(events, |event| event.accuses),
        &causations as &[Option<Uuid>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn column<T>(events: &[Heard], value: impl Fn(&Heard) -> T) -> Vec<T> {
    events.iter().map(value).collect()
}

/// The waiting events of the cases that have waited longest, but for some cases: a case's events stand
/// together, in the order of their versions and without a hole at the front.
pub async fn oldest(
    connection: &mut PgConnection,
    events: i64,
    of_one_case: i64,
    but: &[Uuid],
) -> Result<Vec<Heard>, sqlx::Error> {
    let rows =
        sqlx::query_file_as!(Row, "src/queries/oldest_pending.sql", events, of_one_case, but)
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(Heard::from).collect())
}

/// The waiting events of these cases, in the same order.
pub async fn of_cases(
    connection: &mut PgConnection,
    case_ids: &[Uuid],
    of_one_case: i64,
) -> Result<Vec<Heard>, sqlx::Error> {
    let rows = sqlx::query_file_as!(Row, "src/queries/pending_of_cases.sql", case_ids, of_one_case)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(Heard::from).collect())
}

/// How many events wait, and since when the first of them does.
pub async fn depth(connection: &mut PgConnection) -> Result<(i64, Option<Timestamp>), sqlx::Error> {
    let row = sqlx::query!(r#"select count(*) as "count!", min(heard_at) as oldest from pending"#)
        .fetch_one(connection)
        .await?;
    Ok((row.count, row.oldest.map(from_db)))
}

/// Those of `event_ids` that still wait.
pub async fn still(tx: &mut PgConnection, event_ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select event_id from pending where event_id = any($1)", event_ids)
        .fetch_all(tx)
        .await
}

/// Those of `case_ids` of which an event that takes them back waits and is not in `event_ids`.
pub async fn taken_back_since(
    tx: &mut PgConnection,
    case_ids: &[Uuid],
    event_ids: &[Uuid],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select distinct case_id from pending
         where case_id = any($1) and not public and event_id <> all($2)",
        case_ids,
        event_ids,
    )
    .fetch_all(tx)
    .await
}

/// Takes out events that have found their place; gives their number.
pub async fn remove(tx: &mut PgConnection, event_ids: &[Uuid]) -> Result<u64, sqlx::Error> {
    let removed =
        sqlx::query!("delete from pending where event_id = any($1)", event_ids).execute(tx).await?;
    Ok(removed.rows_affected())
}
