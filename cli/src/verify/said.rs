//! What was said and has left the outbox: archives are read to their end, and every query of the outbox
//! sees their events, too.

use std::collections::HashMap;

use liuyan_kit::messaging::archive::{
    self, Archive,
    format::{Reader, Said},
};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};
use uuid::Uuid;

use super::{Databases, Finding, rows};
use crate::{board::Board, error::Error, events};

/// Events that are handed on at a time.
const BATCH: usize = 1_000;
/// The outbox as services know it.
const OUTBOX: &str = "messaging.outbox";
/// The outbox as a session of this command knows it: with the events of archives whose days are gone.
const WITH_ARCHIVES: &str = "pg_temp.outbox";
const MAKE: &str = "
    create temp table if not exists archived (
        event_id uuid not null, subject_id uuid not null, version bigint not null, type text not null,
        created_at timestamptz not null);
    truncate archived;
    create or replace temp view outbox as
        select event_id, subject_id, version, type, created_at from messaging.outbox
        union all
        select event_id, subject_id, version, type, created_at from archived";
/// Minutes of which other events are archived than were written down.
const MINUTES: &str = "
    select coalesce(kept.minute, found.minute)::text
    from (select minute, count, minutes.hash
          from messaging.archived_minutes as minutes join messaging.archives using (day)
          where back_at is null) as kept
    full join (select date_trunc('minute', messaging.time_of(event_id)) as minute, count(*),
                      bit_xor(messaging.hash_of(event_id)) as hash
               from archived group by 1) as found using (minute, count, hash)
    where kept.minute is null or found.minute is null";

/// The same query, over outbox and archives.
pub(super) fn with_archives(sql: &'static str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.replace(OUTBOX, WITH_ARCHIVES))
}

/// What is loaded into the sessions.
#[derive(Default)]
pub(super) struct Archives(HashMap<String, (Vec<Archive>, Finding)>);

impl Archives {
    /// Loads what is not loaded yet, and tells whether every archive is what was written down.
    pub(super) async fn load(
        &mut self,
        board: &Board,
        databases: &Databases,
    ) -> Result<Vec<Finding>, Error> {
        let mut findings = Vec::new();
        for (service, pool) in databases.services() {
            let mut session = pool.acquire().await.map_err(Error::query)?;
            let archives = archive::list(&mut session).await.map_err(Error::query)?;
            let loaded = self.0.get(service).is_some_and(|(loaded, _)| *loaded == archives);
            if !loaded {
                sqlx::raw_sql(MAKE).execute(&mut *session).await.map_err(Error::query)?;
                let mut finding = Finding::new("an archive holds what was said", service);
                for archive in &archives {
                    read(board, service, archive, &mut session, &mut finding).await?;
                }
                drop(session);
                minutes(pool, &mut finding).await?;
                self.0.insert(service.to_owned(), (archives, finding));
            }
            if let Some((_, finding)) = self.0.get(service)
                && events::speaking().contains(&service)
            {
                findings.push(finding.clone());
            }
        }
        Ok(findings)
    }
}

/// Reads one archive, and shows its events to the session if they are not in the outbox.
async fn read(
    board: &Board,
    service: &str,
    archive: &Archive,
    session: &mut PgConnection,
    finding: &mut Finding,
) -> Result<(), Error> {
    let objects = board.objects(service)?;
    let mut reader = match Reader::open(&objects, archive.clone()).await {
        Ok(reader) => reader,
        Err(error) => {
            finding.breach(error.to_string());
            return Ok(());
        }
    };
    let mut batch = Vec::with_capacity(BATCH);
    loop {
        let event = match reader.next().await {
            Ok(event) => event,
            Err(error) => {
                finding.breach(error.to_string());
                None
            }
        };
        let Some(event) = event else { break };
        finding.checked += 1;
        if !archive.back {
            batch.push(event);
        }
        if batch.len() == BATCH {
            show(session, std::mem::take(&mut batch)).await?;
        }
    }
    show(session, batch).await
}

#[expect(clippy::disallowed_methods, reason = "no checked query knows a temporary table")]
async fn show(session: &mut PgConnection, events: Vec<Said>) -> Result<(), Error> {
    let text = |moment: jiff::Timestamp| moment.to_string();
    let event_ids: Vec<Uuid> = events.iter().map(|event| event.event_id).collect();
    let subject_ids: Vec<Uuid> = events.iter().map(|event| event.subject_id).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version).collect();
    let created: Vec<String> = events.iter().map(|event| text(event.created_at)).collect();
    let kinds: Vec<String> = events.into_iter().map(|event| event.kind).collect();
    sqlx::query(
        "insert into archived (event_id, subject_id, version, type, created_at)
         select event_id, subject_id, version, type, created::timestamptz
         from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::text[], $5::text[])
             as said (event_id, subject_id, version, type, created)",
    )
    .bind(event_ids)
    .bind(subject_ids)
    .bind(versions)
    .bind(kinds)
    .bind(created)
    .execute(session)
    .await
    .map(|_| ())
    .map_err(Error::query)
}

async fn minutes(pool: &PgPool, finding: &mut Finding) -> Result<(), Error> {
    let minutes: Vec<(String,)> = rows(pool, MINUTES).await?;
    for (minute,) in minutes {
        finding
            .breach(format!("minute {minute}: other events are archived than were written down"));
    }
    Ok(())
}
