//! What waits for its place in the log: one row for all entries of one transaction.

use liuyan_kit::{clock, db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::size;
use crate::domain::log::{Entry, Hash};

/// An entry that waits for its place.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// What it is about.
    pub kind: String,
    /// The message, or the subject of the event.
    pub subject_id: Uuid,
    /// Its hash.
    pub leaf_hash: Vec<u8>,
    /// The salt of an event's text.
    pub salt: Option<Vec<u8>>,
    /// An event's text.
    pub preimage: Option<Vec<u8>>,
    /// The leaf it is about.
    pub target: Option<Vec<u8>>,
    /// When it was caused.
    pub created_at: OffsetDateTime,
}

/// Lets entries wait for their places.
///
/// # Errors
/// The database's.
pub async fn insert_waiting(tx: &mut PgConnection, entries: &[Entry]) -> Result<(), sqlx::Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let kinds: Vec<&str> = entries.iter().map(|it| it.kind.word()).collect();
    let subjects: Vec<Uuid> = entries.iter().map(|it| it.subject_id).collect();
    let hashes: Vec<Hash> = entries.iter().map(|it| it.leaf_hash).collect();
    let salts: Vec<Option<[u8; 32]>> = entries.iter().map(|it| it.salt).collect();
    let preimages: Vec<Option<&[u8]>> = entries.iter().map(|it| it.preimage.as_deref()).collect();
    let targets: Vec<Option<Hash>> = entries.iter().map(|it| it.target).collect();
    let times: Vec<OffsetDateTime> = entries.iter().map(|it| clock::to_db(it.at)).collect();
    let inserted = sqlx::query!(
        "insert into log_batches (kinds, subject_ids, leaf_hashes, salts, preimages, targets,
                                  created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        &kinds as &[&str],
        &subjects,
        &hashes as &[Hash],
        &salts as &[Option<[u8; 32]>],
        &preimages as &[Option<&[u8]>],
        &targets as &[Option<Hash>],
        &times,
    )
    .execute(tx)
    .await?;
    db::expect_one(&inserted)
}

/// Takes away what has waited longest, in order: whole batches, until they have `limit` entries.
///
/// # Errors
/// The database's.
pub async fn take_waiting(tx: &mut PgConnection, limit: u32) -> Result<Vec<Waiting>, sqlx::Error> {
    let mut batches = sqlx::query!(
        r#"with first as (
               select batch_id, cardinality(leaf_hashes) as entries
               from log_batches order by batch_id limit $1
           ),
           wanted as (
               select batch_id, sum(entries) over (order by batch_id) - entries as before
               from first
           )
           delete from log_batches as batch using wanted
           where batch.batch_id = wanted.batch_id and wanted.before < $1
           returning batch.batch_id, kinds, subject_ids, leaf_hashes,
                     salts as "salts!: Vec<Option<Vec<u8>>>",
                     preimages as "preimages!: Vec<Option<Vec<u8>>>",
                     targets as "targets!: Vec<Option<Vec<u8>>>", created_at"#,
        i64::from(limit)
    )
    .fetch_all(tx)
    .await?;
    batches.sort_unstable_by_key(|batch| batch.batch_id);
    let mut waiting = Vec::new();
    for batch in batches {
        let texts = batch.salts.into_iter().zip(batch.preimages).zip(batch.targets);
        let what = batch.kinds.into_iter().zip(batch.subject_ids).zip(batch.leaf_hashes);
        let entries = what.zip(texts).zip(batch.created_at);
        waiting.extend(entries.map(|((what, texts), created_at)| {
            let (((kind, subject_id), leaf_hash), ((salt, preimage), target)) = (what, texts);
            Waiting { kind, subject_id, leaf_hash, salt, preimage, target, created_at }
        }));
    }
    Ok(waiting)
}

/// How many entries wait.
///
/// # Errors
/// The database's.
pub async fn count_waiting(connection: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let count = sqlx::query_scalar!(
        r#"select coalesce(sum(cardinality(leaf_hashes)), 0) as "count!" from log_batches"#
    )
    .fetch_one(connection)
    .await?;
    Ok(size(count))
}
