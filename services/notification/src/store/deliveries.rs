//! Deliveries, as people look at them.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{number, unknown};
use crate::domain::{delivery::State, event::Kind, page::Cursor};

/// A delivery as it is shown.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    /// Its id.
    pub(crate) delivery_id: Uuid,
    /// To where.
    pub(crate) endpoint_id: Uuid,
    /// Of what.
    pub(crate) event_id: Uuid,
    /// What that is.
    pub(crate) kind: Kind,
    /// Where it stands.
    pub(crate) state: State,
    /// How often it was tried.
    pub(crate) attempts: u32,
    /// What the last attempt met.
    pub(crate) last_error: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it is tried next.
    pub(crate) due_at: Timestamp,
    /// When it arrived.
    pub(crate) delivered_at: Option<Timestamp>,
}

struct Row {
    delivery_id: Uuid,
    endpoint_id: Uuid,
    event_id: Uuid,
    kind: String,
    state: String,
    attempts: i32,
    last_error: String,
    created_at: OffsetDateTime,
    due_at: OffsetDateTime,
    delivered_at: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Delivery {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            delivery_id: row.delivery_id,
            endpoint_id: row.endpoint_id,
            event_id: row.event_id,
            kind: Kind::of(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
            state: State::of(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            attempts: number(row.attempts),
            last_error: row.last_error,
            created_at: from_db(row.created_at),
            due_at: from_db(row.due_at),
            delivered_at: row.delivered_at.map(from_db),
        })
    }
}

/// A page of the deliveries to some endpoints, the newest first.
pub(crate) async fn of_endpoints(
    connection: &mut PgConnection,
    endpoint_ids: &[Uuid],
    state: Option<State>,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Delivery>, sqlx::Error> {
    let rows = sqlx::query_file_as!(
        Row,
        "src/queries/deliveries_of_endpoints.sql",
        endpoint_ids,
        state.map(State::as_str),
        after.map(|cursor| to_db(cursor.at)),
        after.map(|cursor| cursor.id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Delivery::try_from).collect()
}

/// A page of all deliveries, the newest first.
pub(crate) async fn all(
    connection: &mut PgConnection,
    state: Option<State>,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Vec<Delivery>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select delivery_id, endpoint_id, event_id, kind, deliveries.state, attempts, last_error,
                created_at, due_at, delivered_at
         from deliveries join events using (event_id)
         where ($1::text is null or deliveries.state = $1)
           and ($2::timestamptz is null or (created_at, delivery_id) < ($2, $3::uuid))
         order by created_at desc, delivery_id desc
         limit $4",
        state.map(State::as_str),
        after.map(|cursor| to_db(cursor.at)),
        after.map(|cursor| cursor.id),
        limit,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Delivery::try_from).collect()
}

/// One delivery, locked until the end of the transaction.
pub(crate) async fn one(
    connection: &mut PgConnection,
    delivery_id: Uuid,
) -> Result<Option<Delivery>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select delivery_id, endpoint_id, event_id, kind, deliveries.state, attempts, last_error,
                created_at, due_at, delivered_at
         from deliveries join events using (event_id)
         where delivery_id = $1
         for update of deliveries",
        delivery_id
    )
    .fetch_optional(connection)
    .await?;
    row.map(Delivery::try_from).transpose()
}

/// Begins a new series of attempts. The row is locked and was given up.
pub(crate) async fn revive(
    tx: &mut PgConnection,
    now: Timestamp,
    delivery_id: Uuid,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update deliveries
         set state = 'waiting', tries = 0, revivals = revivals + 1, due_at = $2
         where delivery_id = $1 and state in ('dead', 'dropped')",
        delivery_id,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Drops what waits for an endpoint.
pub(crate) async fn drop_waiting(
    tx: &mut PgConnection,
    endpoint_id: Uuid,
    reason: &str,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with waiting as (
             select delivery_id from deliveries
             where endpoint_id = $1 and state = 'waiting'
             order by delivery_id for update
         )
         update deliveries set state = 'dropped', claimed_by = null, last_error = $2
         from waiting where deliveries.delivery_id = waiting.delivery_id",
        endpoint_id,
        reason,
    )
    .execute(tx)
    .await?;
    Ok(())
}
