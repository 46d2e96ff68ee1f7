//! What is due, and what becomes of it. Everything here is set-based.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{expect_rows, integer, number, unknown};
use crate::domain::{
    address::Channel,
    delivery::{EndpointState, Progress, State},
    event::Kind,
    holder::Holder,
    wish::Preferences,
};

/// What goes first: a code that somebody waits for.
pub(crate) const URGENT: i16 = 0;
/// What comes after it.
pub(crate) const USUAL: i16 = 1;

/// A delivery to be stored.
#[derive(Debug, Clone)]
pub(crate) struct New {
    /// Its id.
    pub(crate) delivery_id: Uuid,
    /// Of what.
    pub(crate) event_id: Uuid,
    /// To where.
    pub(crate) endpoint_id: Uuid,
    /// How.
    pub(crate) channel: Channel,
    /// How soon.
    pub(crate) priority: i16,
    /// Why it is not to be sent, if it is known already.
    pub(crate) dropped: Option<&'static str>,
}

/// Stores deliveries that are due at once.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    now: Timestamp,
    new: &[New],
) -> Result<(), sqlx::Error> {
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = new.iter().map(|one| one.delivery_id).collect();
    let events: Vec<Uuid> = new.iter().map(|one| one.event_id).collect();
    let endpoints: Vec<Uuid> = new.iter().map(|one| one.endpoint_id).collect();
    let channels: Vec<String> = new.iter().map(|one| one.channel.as_str().to_owned()).collect();
    let priorities: Vec<i16> = new.iter().map(|one| one.priority).collect();
    let errors: Vec<String> =
        new.iter().map(|one| one.dropped.unwrap_or_default().to_owned()).collect();
    let result = sqlx::query!(
        "insert into deliveries (delivery_id, event_id, endpoint_id, channel, priority, state,
                                 last_error, due_at, created_at)
         select delivery_id, event_id, endpoint_id, channel, priority,
                case when error = '' then 'waiting' else 'dropped' end, error, $7, $7
         from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::smallint[], $6::text[])
             as new (delivery_id, event_id, endpoint_id, channel, priority, error)",
        &ids,
        &events,
        &endpoints,
        &channels,
        &priorities,
        &errors,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, new.len())
}

/// Takes deliveries of one priority that are due, until a time. Workers never take the same.
pub(crate) async fn claim(
    tx: &mut PgConnection,
    channel: Channel,
    priority: i16,
    now: Timestamp,
    until: Timestamp,
    claim: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "with taken as (
             select delivery_id from deliveries
             where state = 'waiting' and channel = $1 and priority = $2 and due_at <= $3
             order by due_at
             limit $6
             for update skip locked
         )
         update deliveries set due_at = $4, claimed_by = $5
         from taken where deliveries.delivery_id = taken.delivery_id
         returning deliveries.delivery_id",
        channel.as_str(),
        priority,
        to_db(now),
        to_db(until),
        claim,
        limit,
    )
    .fetch_all(tx)
    .await
}

/// A delivery that was taken, with all that is needed to send it.
#[derive(Debug, Clone)]
pub(crate) struct Due {
    /// The delivery.
    pub(crate) delivery_id: Uuid,
    /// The event.
    pub(crate) event_id: Uuid,
    /// The endpoint.
    pub(crate) endpoint_id: Uuid,
    /// What happened.
    pub(crate) kind: Kind,
    /// The case, if there is one.
    pub(crate) case_id: Option<Uuid>,
    /// When it happened.
    pub(crate) occurred_at: Timestamp,
    /// Whether everybody could see the case after it.
    pub(crate) public: bool,
    /// The office that had the case after it.
    pub(crate) office_id: String,
    /// By when the citizen is to have an answer.
    pub(crate) deadline_at: Option<Timestamp>,
    /// The reply, if it is one.
    pub(crate) reply_id: Option<Uuid>,
    /// What became of what the author suggested; empty if that is not told.
    pub(crate) uptake: String,
    /// The trace of its cause.
    pub(crate) traceparent: Option<String>,
    /// The public number.
    pub(crate) number: Option<String>,
    /// Whose endpoint.
    pub(crate) holder: Holder,
    /// Where the endpoint stands.
    pub(crate) endpoint_state: EndpointState,
    /// Whether it is an account's own address.
    pub(crate) implicit: bool,
    /// The address, sealed.
    pub(crate) address: Option<Vec<u8>>,
    /// The signing secret, sealed.
    pub(crate) secret: Option<Vec<u8>>,
    /// In which language.
    pub(crate) locale: String,
    /// Which code is sent.
    pub(crate) verification_id: Option<Uuid>,
    /// Until when that is good.
    pub(crate) verification_expires_at: Option<Timestamp>,
    /// What the person prefers.
    pub(crate) preferences: Preferences,
}

/// Deliveries with all that is needed to send them, and why others cannot be read: nobody else has to wait
/// for these.
pub(crate) async fn load(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<(Vec<Due>, Vec<(Uuid, sqlx::Error)>), sqlx::Error> {
    let rows =
        sqlx::query_file!("src/queries/due_deliveries.sql", ids).fetch_all(connection).await?;
    let (mut due, mut unreadable) = (Vec::with_capacity(rows.len()), Vec::new());
    for row in rows {
        let delivery_id = row.delivery_id;
        let read = || {
            Ok(Due {
                delivery_id,
                event_id: row.event_id,
                endpoint_id: row.endpoint_id,
                kind: Kind::of(&row.kind).ok_or_else(|| unknown("kind", &row.kind))?,
                case_id: row.case_id,
                occurred_at: from_db(row.occurred_at),
                public: row.public,
                office_id: row.office_id,
                deadline_at: row.deadline_at.map(from_db),
                reply_id: row.reply_id,
                uptake: row.uptake,
                traceparent: row.traceparent,
                number: row.number,
                holder: row.holder.parse().map_err(|_| unknown("holder", &row.holder))?,
                endpoint_state: EndpointState::of(&row.endpoint_state)
                    .ok_or_else(|| unknown("state", &row.endpoint_state))?,
                implicit: row.implicit,
                address: row.address,
                secret: row.secret,
                locale: row.locale,
                verification_id: row.verification_id,
                verification_expires_at: row.verification_expires_at.map(from_db),
                preferences: Preferences { email: row.email, muted: row.muted },
            })
        };
        match read() {
            Ok(read) => due.push(read),
            Err(error) => unreadable.push((delivery_id, error)),
        }
    }
    Ok((due, unreadable))
}

/// Drops deliveries that a claim holds, each with its reason.
pub(crate) async fn drop(
    tx: &mut PgConnection,
    claim: Uuid,
    dropped: &[(Uuid, &'static str)],
) -> Result<(), sqlx::Error> {
    if dropped.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = dropped.iter().map(|(id, _)| *id).collect();
    let reasons: Vec<String> = dropped.iter().map(|(_, reason)| (*reason).to_owned()).collect();
    sqlx::query!(
        "update deliveries set state = 'dropped', claimed_by = null, last_error = reason
         from unnest($2::uuid[], $3::text[]) as dropped (delivery_id, reason)
         where deliveries.delivery_id = dropped.delivery_id and claimed_by = $1",
        claim,
        &ids,
        &reasons,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Gives back deliveries that a claim holds, to be taken again at a time.
pub(crate) async fn postpone(
    tx: &mut PgConnection,
    claim: Uuid,
    until: Timestamp,
    postponed: &[(Uuid, &'static str)],
) -> Result<(), sqlx::Error> {
    if postponed.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = postponed.iter().map(|(id, _)| *id).collect();
    let reasons: Vec<String> = postponed.iter().map(|(_, reason)| (*reason).to_owned()).collect();
    sqlx::query!(
        "update deliveries set due_at = $4, claimed_by = null, last_error = reason
         from unnest($2::uuid[], $3::text[]) as late (delivery_id, reason)
         where deliveries.delivery_id = late.delivery_id and claimed_by = $1",
        claim,
        &ids,
        &reasons,
        to_db(until),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A delivery whose row is locked.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    /// The delivery.
    pub(crate) delivery_id: Uuid,
    /// Where it stands.
    pub(crate) progress: Progress,
    /// How often it was tried, ever.
    pub(crate) attempts: i32,
    /// Who holds it.
    pub(crate) claimed_by: Option<Uuid>,
}

/// Locks deliveries, in the order of their ids; those that are gone are left out.
pub(crate) async fn lock(tx: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Locked>, sqlx::Error> {
    let rows = sqlx::query!(
        "select delivery_id, state, tries, attempts, claimed_by from deliveries
         where delivery_id = any($1) order by delivery_id for update",
        ids
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = State::of(&row.state).ok_or_else(|| unknown("state", &row.state))?;
            Ok(Locked {
                delivery_id: row.delivery_id,
                progress: Progress { state, tries: number(row.tries) },
                attempts: row.attempts,
                claimed_by: row.claimed_by,
            })
        })
        .collect()
}

/// What an attempt changes.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    /// The delivery.
    pub(crate) delivery_id: Uuid,
    /// Which attempt it was, from 1.
    pub(crate) ordinal: i32,
    /// How it ended.
    pub(crate) outcome: &'static str,
    /// In short.
    pub(crate) detail: String,
    /// How long it took.
    pub(crate) latency_ms: i32,
    /// Where the delivery stands then; `None` if the attempt changes nothing.
    pub(crate) progress: Option<Progress>,
    /// When it is tried again.
    pub(crate) due_at: Option<Timestamp>,
}

/// Stores attempts and what they change. The rows of the deliveries are locked.
pub(crate) async fn record(
    tx: &mut PgConnection,
    now: Timestamp,
    changes: &[Change],
) -> Result<(), sqlx::Error> {
    if changes.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = changes.iter().map(|change| change.delivery_id).collect();
    let ordinals: Vec<i32> = changes.iter().map(|change| change.ordinal).collect();
    let outcomes: Vec<String> = changes.iter().map(|change| change.outcome.to_owned()).collect();
    let details: Vec<String> = changes.iter().map(|change| change.detail.clone()).collect();
    let latencies: Vec<i32> = changes.iter().map(|change| change.latency_ms).collect();
    let states: Vec<Option<String>> =
        changes.iter().map(|change| Some(change.progress?.state.as_str().to_owned())).collect();
    let tries: Vec<i32> = changes
        .iter()
        .map(|change| integer(change.progress.map_or(0, |progress| progress.tries)))
        .collect();
    let due: Vec<Option<OffsetDateTime>> =
        changes.iter().map(|change| change.due_at.map(to_db)).collect();
    let result = sqlx::query_file!(
        "src/queries/record_attempts.sql",
        &ids,
        &ordinals,
        &outcomes,
        &details,
        &latencies,
        &states as &[Option<String>],
        &tries,
        &due as &[Option<OffsetDateTime>],
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, changes.len())
}

/// Holds back what waits for endpoints that have just failed, so that they don't take the places
/// of others: up to a thousand at a time.
pub(crate) async fn hold_back(
    tx: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    endpoint_ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    if endpoint_ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "with waiting as (
             select delivery_id from deliveries
             where endpoint_id = any($1) and state = 'waiting' and due_at <= $2
             limit 1000
             for update skip locked
         )
         update deliveries set due_at = $3
         from waiting where deliveries.delivery_id = waiting.delivery_id",
        endpoint_ids,
        to_db(now),
        to_db(until),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// How much waits on a channel, and when the first of what is due now was to be sent. What waits for another
/// attempt is not late.
pub(crate) async fn depth(
    connection: &mut PgConnection,
    channel: Channel,
    now: Timestamp,
) -> Result<(i64, Option<Timestamp>), sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "count!", min(due_at) filter (where due_at <= $2) as first
           from deliveries where state = 'waiting' and channel = $1"#,
        channel.as_str(),
        to_db(now),
    )
    .fetch_one(connection)
    .await?;
    Ok((row.count, row.first.map(from_db)))
}

/// How many events wait for their messages.
pub(crate) async fn waiting_events(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from events where state = 'waiting'"#)
        .fetch_one(connection)
        .await
}
