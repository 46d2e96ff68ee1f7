//! Confirmation: consumers tell producers what they have settled; producers send the rest again.
//!
//! A consumer keeps, for each source and minute of event ids, how many events it has settled and
//! the exclusive or of their ids. The producer compares closed minutes with its outbox, asks which
//! events of a differing minute are missing, and publishes those again. A subject that waits behind
//! a gap is asked for at once. "Nothing pending" on the bus proves nothing; this does.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use liuyan_proto::liuyan::messaging::v1 as wire;
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    clock::{self, SharedClock},
    config,
    db::Db,
};

mod ask;
mod said;

pub use ask::{Confirmer, run};

/// How many events one question may name.
const QUESTION_LIMIT: usize = 1_000;
/// How many gaps one answer may name.
const GAP_LIMIT: i64 = 1_000;

/// Answers for a consumer.
#[derive(Debug, Clone)]
pub struct Confirmations {
    db: Db,
    clock: SharedClockDebug,
    gap: Duration,
}

/// A clock that need not be printed.
#[derive(Clone)]
struct SharedClockDebug(SharedClock);

impl std::fmt::Debug for SharedClockDebug {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("clock")
    }
}

impl Confirmations {
    /// Answers from `db`.
    pub fn new(db: Db, clock: SharedClock, settings: &config::Messaging) -> Self {
        Self { db, clock: SharedClockDebug(clock), gap: Duration::from_millis(settings.gap_ms) }
    }
}

fn away(error: sqlx::Error) -> Status {
    tracing::warn!(%error, "a confirmation could not be answered");
    Status::unavailable("the database is away")
}

#[tonic::async_trait]
impl wire::confirmation_service_server::ConfirmationService for Confirmations {
    async fn get_digests(
        &self,
        request: Request<wire::GetDigestsRequest>,
    ) -> Result<Response<wire::GetDigestsResponse>, Status> {
        let request = request.into_inner();
        let (Some(from), Some(until)) = (
            request.from.as_ref().and_then(clock::from_proto),
            request.until.as_ref().and_then(clock::from_proto),
        ) else {
            return Err(Status::invalid_argument("from and until are needed"));
        };
        let mut connection = self.db.read().await.map_err(away)?;
        let rows = sqlx::query!(
            "select minute, count, hash from messaging.digests
             where source = $1 and minute >= $2 and minute < $3 order by minute",
            request.source,
            clock::to_db(from),
            clock::to_db(until)
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(away)?;
        let digests = rows
            .into_iter()
            .map(|row| wire::Digest {
                window: Some(clock::to_proto(clock::from_db(row.minute))),
                count: row.count.unsigned_abs(),
                hash: row.hash.cast_unsigned(),
            })
            .collect();
        Ok(Response::new(wire::GetDigestsResponse { digests }))
    }

    async fn find_missing(
        &self,
        request: Request<wire::FindMissingRequest>,
    ) -> Result<Response<wire::FindMissingResponse>, Status> {
        let request = request.into_inner();
        if request.events.len() > QUESTION_LIMIT {
            return Err(Status::invalid_argument("at most 1,000 events may be named"));
        }
        let mut event_ids = Vec::with_capacity(request.events.len());
        let mut subject_ids = Vec::with_capacity(request.events.len());
        let mut versions = Vec::with_capacity(request.events.len());
        for key in &request.events {
            let (Ok(event), Ok(subject)) = (key.event_id.parse(), key.subject_id.parse()) else {
                return Err(Status::invalid_argument("an id is no UUID"));
            };
            event_ids.push(event);
            subject_ids.push(subject);
            versions.push(i64::try_from(key.version).unwrap_or(i64::MAX));
        }
        let mut connection = self.db.read().await.map_err(away)?;
        let missing =
            find_missing(&mut connection, &request.source, &event_ids, &subject_ids, &versions)
                .await
                .map_err(away)?;
        let event_ids = missing.iter().map(Uuid::to_string).collect();
        Ok(Response::new(wire::FindMissingResponse { event_ids }))
    }

    async fn list_gaps(
        &self,
        request: Request<wire::ListGapsRequest>,
    ) -> Result<Response<wire::ListGapsResponse>, Status> {
        let source = request.into_inner().source;
        let gap = SignedDuration::try_from(self.gap).unwrap_or_default();
        let before = self.clock.0.now().saturating_sub(gap).unwrap_or(Timestamp::UNIX_EPOCH);
        let mut connection = self.db.read().await.map_err(away)?;
        let rows = sqlx::query!(
            r#"select parked.subject_id, positions.version + 1 as "from!",
                      min(parked.version) as "until!"
               from messaging.parked
               join messaging.positions using (source, subject_id)
               where source = $1 and parked.parked_at < $2
                 and not exists (
                     select 1 from messaging.dead_letters as dead
                     where dead.source = parked.source and dead.subject_id = parked.subject_id
                       and dead.version = positions.version + 1)
               group by parked.subject_id, positions.version
               having min(parked.version) > positions.version + 1
               limit $3"#,
            source,
            clock::to_db(before),
            GAP_LIMIT
        )
        .fetch_all(&mut *connection)
        .await
        .map_err(away)?;
        let gaps = rows
            .into_iter()
            .map(|row| wire::Gap {
                subject_id: row.subject_id.to_string(),
                from_version: row.from.unsigned_abs(),
                until_version: row.until.unsigned_abs(),
            })
            .collect();
        Ok(Response::new(wire::ListGapsResponse { gaps }))
    }
}

async fn find_missing(
    connection: &mut PgConnection,
    source: &str,
    event_ids: &[Uuid],
    subject_ids: &[Uuid],
    versions: &[i64],
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select asked.event_id as "event_id!"
           from unnest($2::uuid[], $3::uuid[], $4::bigint[])
               as asked (event_id, subject_id, version)
           left join messaging.positions
               on positions.source = $1 and positions.subject_id = asked.subject_id
           where coalesce(positions.version, 0) < asked.version
             and not exists (
                 select 1 from messaging.parked
                 where parked.source = $1 and parked.subject_id = asked.subject_id
                   and parked.version = asked.version)
             and not exists (
                 select 1 from messaging.dead_letters as dead
                 where dead.source = $1 and dead.event_id = asked.event_id
                   and dead.state in ('dead', 'retrying'))"#,
        source,
        event_ids,
        subject_ids,
        versions
    )
    .fetch_all(connection)
    .await
}
