//! Said = settled, for each producer and each of its consumers.

use std::collections::HashMap;

use liuyan_proto::topology;
use uuid::Uuid;

use super::{Databases, Finding, rows};
use crate::{error::Error, events, services::Name};

pub(super) async fn run(databases: &Databases) -> Result<Vec<Finding>, Error> {
    let mut findings = Vec::new();
    for (service, pool) in databases.services() {
        findings.push(migrations(service, pool).await?);
        findings.push(housekeeping(service, pool).await?);
        if events::speaking().contains(&service) {
            findings.push(versions(service, pool).await?);
            for hearer in topology::hearers(service) {
                findings.push(heard(databases, service, hearer).await?);
            }
        }
    }
    Ok(findings)
}

/// Every migration of this code is applied, and its record is there.
async fn migrations(service: &str, pool: &sqlx::PgPool) -> Result<Finding, Error> {
    let mut finding = Finding::new("every migration is recorded", service);
    let mut applied: Vec<(i64,)> =
        rows(pool, "select version from messaging._sqlx_migrations where success").await?;
    let kit = liuyan_kit::db::migrations();
    let own = Name::ALL.iter().find(|name| name.text() == service).and_then(|name| name.migrator());
    let own_applied: Vec<(i64,)> = if own.is_some() {
        rows(pool, "select version from _sqlx_migrations where success").await?
    } else {
        Vec::new()
    };
    applied.sort_unstable();
    for (migrator, applied, place) in
        [(Some(kit), applied, "messaging._sqlx_migrations"), (own, own_applied, "_sqlx_migrations")]
    {
        for migration in migrator.into_iter().flat_map(|migrator| migrator.iter()) {
            finding.checked += 1;
            if !applied.iter().any(|(version,)| *version == migration.version) {
                finding.breach(format!("{place} lacks version {}", migration.version));
            }
        }
    }
    Ok(finding)
}

/// The rows that messaging itself needs.
async fn housekeeping(service: &str, pool: &sqlx::PgPool) -> Result<Finding, Error> {
    let mut finding = Finding::new("messaging has its own rows", service);
    let relays: Vec<(i64,)> = rows(pool, "select epoch from messaging.relay").await?;
    finding.checked += 1;
    if relays.len() != 1 {
        finding.breach("the row of the relay is gone");
    }
    if events::speaking().contains(&service) {
        let known: Vec<(String,)> =
            rows(pool, "select consumer from messaging.confirmations").await?;
        for hearer in topology::hearers(service) {
            finding.checked += 1;
            if !known.iter().any(|(consumer,)| consumer == hearer) {
                finding.breach(format!("the confirmations of {hearer} are gone"));
            }
        }
    }
    let dead: Vec<(String, Uuid)> =
        rows(pool, "select source, event_id from messaging.dead_letters where state in ('dead', 'failing', 'retrying')").await?;
    for (source, event) in dead {
        finding.breach(format!(
            "event {event} of {source} could not take effect (liuyan dead-letters show {event})"
        ));
    }
    Ok(finding)
}

/// The events of each subject are numbered without gaps, and all are on the bus.
async fn versions(service: &str, pool: &sqlx::PgPool) -> Result<Finding, Error> {
    /// The subject, its counter; of its events the last version, the count, and those that wait.
    type Subject = (Option<Uuid>, Option<i64>, Option<i64>, i64, i64);

    let mut finding = Finding::new("events are numbered without gaps and published", service);
    let subjects: Vec<Subject> = rows(
        pool,
        "select coalesce(subjects.subject_id, said.subject_id), subjects.version, said.last,
                coalesce(said.count, 0), coalesce(said.unpublished, 0)
         from messaging.subjects
         full join (select subject_id, max(version) as last, count(*) as count,
                           count(waiting.event_id) as unpublished
                    from messaging.outbox left join messaging.waiting using (event_id)
                    group by subject_id) as said using (subject_id)",
    )
    .await?;
    for (subject, counted, last, count, unpublished) in subjects {
        finding.checked += count.unsigned_abs();
        let subject = subject.unwrap_or_default();
        if counted != last || last != Some(count) {
            finding.breach(format!(
                "subject {subject}: counted {counted:?}, last {last:?}, {count} events are there"
            ));
        }
        if unpublished > 0 {
            finding.breach(format!("subject {subject}: {unpublished} events are not on the bus"));
        }
    }
    let unknown: Vec<(Uuid,)> = rows(
        pool,
        "select event_id from messaging.waiting
         where not exists (select from messaging.outbox where outbox.event_id = waiting.event_id)",
    )
    .await?;
    for (event,) in unknown {
        finding.breach(format!("event {event} waits for the bus and is gone"));
    }
    Ok(finding)
}

/// For each subject the consumer stands where the producer stands, and its digests count every
/// event once.
async fn heard(databases: &Databases, source: &str, hearer: &str) -> Result<Finding, Error> {
    let mut finding = Finding::new("said = settled", format!("{source} → {hearer}"));
    let (producer, consumer) = (databases.of(source)?, databases.of(hearer)?);
    let said: Vec<(Uuid, i64)> =
        rows(producer, "select subject_id, version from messaging.subjects").await?;
    let positions: Vec<(String, Uuid, i64)> =
        rows(consumer, "select source, subject_id, version from messaging.positions").await?;
    let mut positions: HashMap<Uuid, i64> = positions
        .into_iter()
        .filter(|(from, ..)| from == source)
        .map(|(_, subject, version)| (subject, version))
        .collect();
    for (subject, version) in said {
        finding.checked += version.unsigned_abs();
        let settled = positions.remove(&subject).unwrap_or_default();
        if settled != version {
            finding.breach(format!("subject {subject}: said {version}, settled {settled}"));
        }
    }
    for (subject, version) in positions {
        finding.breach(format!("subject {subject}: settled {version}, never said"));
    }
    digests(&mut finding, producer, consumer, source).await?;
    Ok(finding)
}

async fn digests(
    finding: &mut Finding,
    producer: &sqlx::PgPool,
    consumer: &sqlx::PgPool,
    source: &str,
) -> Result<(), Error> {
    let said: Vec<(String, i64, i64)> = rows(
        producer,
        "select date_trunc('minute', messaging.time_of(event_id))::text, count(*),
                bit_xor(messaging.hash_of(event_id))
         from messaging.outbox group by 1",
    )
    .await?;
    let settled: Vec<(String, String, i64, i64)> =
        rows(consumer, "select source, minute::text, count, hash from messaging.digests").await?;
    let mut settled: HashMap<String, (i64, i64)> = settled
        .into_iter()
        .filter(|(from, ..)| from == source)
        .map(|(_, minute, count, hash)| (minute, (count, hash)))
        .collect();
    for (minute, count, hash) in said {
        match settled.remove(&minute) {
            Some(found) if found == (count, hash) => {}
            found => finding.breach(format!(
                "minute {minute}: {count} events were said, {} settled",
                found.map_or(0, |(count, _)| count)
            )),
        }
    }
    for minute in settled.into_keys() {
        finding.breach(format!("minute {minute}: events were settled that were never said"));
    }
    Ok(())
}
