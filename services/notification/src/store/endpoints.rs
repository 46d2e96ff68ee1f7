//! Where somebody is told beside the board's pages.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{integer, unknown};
use crate::{
    domain::{address::Channel, delivery::EndpointState, holder::Holder, wish::Wish},
    vault,
};

/// An endpoint as it is stored, its address sealed.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// Its id.
    pub(crate) endpoint_id: Uuid,
    /// Whose.
    pub(crate) holder: Holder,
    /// How.
    pub(crate) channel: Channel,
    /// Where it stands.
    pub(crate) state: EndpointState,
    /// Where.
    pub(crate) address: Option<Vec<u8>>,
    /// With what calls are signed.
    pub(crate) secret: Option<Vec<u8>>,
    /// Of what.
    pub(crate) wish: Wish,
    /// Which code was sent there.
    pub(crate) verification_id: Option<Uuid>,
    /// Until when that is good.
    pub(crate) verification_expires_at: Option<Timestamp>,
    /// How often a wrong one came.
    pub(crate) verification_attempts: i32,
    /// When it was registered.
    pub(crate) created_at: Timestamp,
    /// Since when nothing has arrived.
    pub(crate) failing_since: Option<Timestamp>,
}

struct Row {
    endpoint_id: Uuid,
    holder: String,
    channel: String,
    state: String,
    address: Option<Vec<u8>>,
    secret: Option<Vec<u8>>,
    event_types: Vec<String>,
    division_codes: Vec<String>,
    verification_id: Option<Uuid>,
    verification_expires_at: Option<OffsetDateTime>,
    verification_attempts: i32,
    created_at: OffsetDateTime,
    failing_since: Option<OffsetDateTime>,
}

impl TryFrom<Row> for Endpoint {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            endpoint_id: row.endpoint_id,
            holder: row.holder.parse().map_err(|_| unknown("holder", &row.holder))?,
            channel: Channel::of(&row.channel).ok_or_else(|| unknown("channel", &row.channel))?,
            state: EndpointState::of(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            address: row.address,
            secret: row.secret,
            wish: Wish { event_types: row.event_types, division_codes: row.division_codes },
            verification_id: row.verification_id,
            verification_expires_at: row.verification_expires_at.map(from_db),
            verification_attempts: row.verification_attempts,
            created_at: from_db(row.created_at),
            failing_since: row.failing_since.map(from_db),
        })
    }
}

/// An endpoint to be stored.
#[derive(Debug, Clone)]
pub(crate) struct New {
    /// Its id.
    pub(crate) endpoint_id: Uuid,
    /// Whose.
    pub(crate) holder: Holder,
    /// How.
    pub(crate) channel: Channel,
    /// Where, sealed.
    pub(crate) address: Vec<u8>,
    /// By what the address is recognised.
    pub(crate) address_index: [u8; 32],
    /// With what calls are signed, sealed.
    pub(crate) secret: Option<Vec<u8>>,
    /// Of what.
    pub(crate) wish: Wish,
    /// In which language.
    pub(crate) locale: String,
    /// Which code is sent there.
    pub(crate) verification_id: Uuid,
    /// Until when that is good.
    pub(crate) verification_expires_at: Timestamp,
}

/// Stores an endpoint that waits to be verified.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    now: Timestamp,
    new: &New,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into endpoints (endpoint_id, holder, channel, state, address, address_index, secret,
                                event_types, division_codes, locale, verification_id,
                                verification_expires_at, created_at)
         values ($1, $2, $3, 'pending', $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        new.endpoint_id,
        new.holder.to_string(),
        new.channel.as_str(),
        new.address,
        new.address_index.as_slice(),
        new.secret,
        &new.wish.event_types,
        &new.wish.division_codes,
        new.locale,
        new.verification_id,
        to_db(new.verification_expires_at),
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// How many endpoints of all holders wait to be verified at an address.
pub(crate) async fn pending_at(
    tx: &mut PgConnection,
    address_index: &[u8],
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from endpoints
           where address_index = $1 and state = 'pending'"#,
        address_index
    )
    .fetch_one(tx)
    .await
}

/// A holder's endpoints that are not gone, the oldest first; an account's own address is not among
/// them.
pub(crate) async fn of(
    connection: &mut PgConnection,
    holder: &Holder,
) -> Result<Vec<Endpoint>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "select endpoint_id, holder, channel, state, address, secret, event_types, division_codes,
                verification_id, verification_expires_at, verification_attempts, created_at,
                failing_since
         from endpoints where holder = $1 and not implicit and state <> 'deleted'
         order by created_at, endpoint_id",
        holder.to_string()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Endpoint::try_from).collect()
}

/// One endpoint.
pub(crate) async fn one(
    connection: &mut PgConnection,
    endpoint_id: Uuid,
) -> Result<Option<Endpoint>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "select endpoint_id, holder, channel, state, address, secret, event_types, division_codes,
                verification_id, verification_expires_at, verification_attempts, created_at,
                failing_since
         from endpoints where endpoint_id = $1",
        endpoint_id
    )
    .fetch_optional(connection)
    .await?;
    row.map(Endpoint::try_from).transpose()
}

/// Locks one endpoint until the end of the transaction.
pub(crate) async fn lock(tx: &mut PgConnection, endpoint_id: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query!("select from endpoints where endpoint_id = $1 for update", endpoint_id)
        .execute(tx)
        .await?;
    Ok(())
}

/// All endpoints of a holder, also those that are gone and the account's own address.
pub(crate) async fn ids_of(
    connection: &mut PgConnection,
    holder: &Holder,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!("select endpoint_id from endpoints where holder = $1", holder.to_string())
        .fetch_all(connection)
        .await
}

/// Makes the endpoints that stand for accounts' own addresses, as far as they are missing. The rows
/// of the accounts are locked.
pub(crate) async fn ensure_implicit(
    tx: &mut PgConnection,
    now: Timestamp,
    accounts: &[Uuid],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = accounts.iter().map(|id| vault::implicit_endpoint(*id)).collect();
    let holders: Vec<String> = accounts.iter().map(|id| Holder::Account(*id).to_string()).collect();
    sqlx::query!(
        "with made as (
             insert into endpoints (endpoint_id, holder, channel, state, implicit, event_types,
                                    division_codes, locale, created_at, verified_at)
             select endpoint_id, holder, 'email', 'active', true, '{}', '{}', '', $3, $3
             from unnest($1::uuid[], $2::text[]) as new (endpoint_id, holder)
             on conflict (endpoint_id) do nothing
             returning holder
         )
         update holders set endpoint_count = endpoint_count + 1
         from made where holders.holder = made.holder",
        &ids,
        &holders,
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An endpoint that may be told.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// The endpoint.
    pub(crate) endpoint_id: Uuid,
    /// Whose.
    pub(crate) holder: Holder,
    /// How.
    pub(crate) channel: Channel,
    /// Whether it is an account's own address.
    pub(crate) implicit: bool,
    /// Of what.
    pub(crate) wish: Wish,
}

/// The active endpoints of some holders; with `agencies`, those of all agencies too.
pub(crate) async fn active(
    tx: &mut PgConnection,
    holders: &[String],
    agencies: bool,
) -> Result<Vec<Target>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select endpoint_id as "endpoint_id!", holder as "holder!", channel as "channel!",
                  implicit as "implicit!", event_types as "event_types!",
                  division_codes as "division_codes!"
           from endpoints where holder = any($1) and state = 'active'
           union all
           select endpoint_id, holder, channel, implicit, event_types, division_codes
           from endpoints where $2::bool and holder like 'agency/%' and state = 'active'"#,
        holders,
        agencies,
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Target {
                endpoint_id: row.endpoint_id,
                holder: row.holder.parse().map_err(|_| unknown("holder", &row.holder))?,
                channel: Channel::of(&row.channel)
                    .ok_or_else(|| unknown("channel", &row.channel))?,
                implicit: row.implicit,
                wish: Wish { event_types: row.event_types, division_codes: row.division_codes },
            })
        })
        .collect()
}

/// Notes that an endpoint is verified. The row is locked and pending.
pub(crate) async fn activate(
    tx: &mut PgConnection,
    now: Timestamp,
    endpoint_id: Uuid,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update endpoints set state = 'active', verified_at = $2
         where endpoint_id = $1 and state = 'pending'",
        endpoint_id,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Notes that a wrong code came. The row is locked.
pub(crate) async fn count_wrong_code(
    tx: &mut PgConnection,
    endpoint_id: Uuid,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update endpoints set verification_attempts = verification_attempts + 1
         where endpoint_id = $1",
        endpoint_id
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Removes an endpoint: its address, its secret and its code. The row is locked.
pub(crate) async fn delete(
    tx: &mut PgConnection,
    now: Timestamp,
    endpoint_id: Uuid,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update endpoints
         set state = 'deleted', deleted_at = $2, address = null, address_index = null,
             secret = null, verification_id = null, disabled_at = null, failing_since = null
         where endpoint_id = $1",
        endpoint_id,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Uses an account's own address again, if it was switched off. The account's row is locked.
pub(crate) async fn enable_implicit(
    tx: &mut PgConnection,
    account_id: Uuid,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update endpoints set state = 'active', disabled_at = null, failing_since = null
         where endpoint_id = $1 and state = 'disabled'",
        vault::implicit_endpoint(account_id)
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Whether a code may still be tried.
pub(crate) fn may_be_tried(endpoint: &Endpoint, now: Timestamp, most: u16) -> bool {
    endpoint.verification_attempts < integer(most)
        && endpoint.verification_expires_at.is_some_and(|end| now < end)
}
