//! Fingerprints of texts, and how much an author wrote lately. Everything here is set-based.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{expect_rows, integer};
use crate::domain::likeness::{BANDS, Fingerprint};

/// A message that may be like another.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    /// Which of those asked for it may be like.
    pub asked: usize,
    /// Its public number.
    pub number: String,
    /// Its author's pseudonym; may be empty.
    pub author_id: String,
    /// When it came.
    pub seen_at: Timestamp,
    /// Its signature.
    pub signature: Vec<u8>,
}

/// Earlier messages that share a band with one of those asked, of the 90 days before each. Those
/// that their authors withdrew are left out; and with `only_before` those that came after it.
pub(crate) async fn candidates(
    connection: &mut PgConnection,
    asked: &[(Uuid, Timestamp, &Fingerprint)],
    only_before: bool,
) -> Result<Vec<Candidate>, sqlx::Error> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = asked.iter().map(|(id, ..)| *id).collect();
    let times: Vec<_> = asked.iter().map(|(_, at, _)| to_db(*at)).collect();
    let bands: Vec<i32> = asked.iter().flat_map(|(.., print)| print.bands).collect();
    let rows = sqlx::query_file!(
        "src/queries/candidates.sql",
        &ids,
        &times,
        &bands,
        integer(BANDS),
        only_before,
    )
    .fetch_all(connection)
    .await?;
    let candidates = rows.into_iter().map(|row| Candidate {
        asked: usize::try_from(row.at).unwrap_or(1).saturating_sub(1),
        number: row.number,
        author_id: row.author_id,
        seen_at: from_db(row.seen_at),
        signature: row.signature,
    });
    Ok(candidates.collect())
}

/// Which of the messages come after so many others of their authors within some minutes. What was
/// written in another system before does not count.
pub(crate) async fn floods(
    connection: &mut PgConnection,
    ids: &[Uuid],
    messages: u32,
    minutes: u32,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select asked.message_id as "message_id!"
           from unnest($1::uuid[]) as asked (message_id) join reviews using (message_id)
           where author_id <> '' and occurred_at is null
             and (select count(*) from (
                     select from reviews as earlier
                     where earlier.author_id = reviews.author_id
                       and earlier.occurred_at is null
                       and earlier.submitted_at > reviews.submitted_at - make_interval(mins => $3)
                       and earlier.submitted_at <= reviews.submitted_at
                       and (earlier.submitted_at, earlier.message_id)
                           < (reviews.submitted_at, reviews.message_id)
                     order by earlier.submitted_at desc
                     limit $2
                 ) as lately) >= $2"#,
        ids,
        i64::from(messages),
        integer(minutes),
    )
    .fetch_all(connection)
    .await
}

/// Keeps fingerprints, in place of those of earlier revisions.
pub(crate) async fn keep(
    tx: &mut PgConnection,
    prints: &[(Uuid, Timestamp, &Fingerprint)],
) -> Result<(), sqlx::Error> {
    if prints.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = prints.iter().map(|(id, ..)| *id).collect();
    let times: Vec<_> = prints.iter().map(|(_, at, _)| to_db(*at)).collect();
    let bands: Vec<i32> = prints.iter().flat_map(|(.., print)| print.bands).collect();
    let signatures: Vec<&[u8]> = prints.iter().map(|(.., print)| &print.signature[..]).collect();
    let kept = sqlx::query!(
        "insert into fingerprints (message_id, seen_at, bands, signature)
         select message_id, seen_at, ($3::int[])[(at::int - 1) * $5 + 1 : at::int * $5], signature
         from unnest($1::uuid[], $2::timestamptz[], $4::bytea[])
              with ordinality as new (message_id, seen_at, signature, at)
         on conflict (message_id) do update
         set bands = excluded.bands, signature = excluded.signature",
        &ids,
        &times,
        &bands,
        &signatures as &[&[u8]],
        integer(BANDS),
    )
    .execute(&mut *tx)
    .await?;
    expect_rows(&kept, prints.len())?;
    let noted =
        sqlx::query!("update reviews set fingerprinted = true where message_id = any($1)", &ids)
            .execute(tx)
            .await?;
    expect_rows(&noted, prints.len())
}

/// Forgets up to `limit` fingerprints of messages that came before a time; gives how many.
pub(crate) async fn forget(
    tx: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<usize, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "delete from fingerprints where message_id in (
             select message_id from fingerprints where seen_at < $1
             order by seen_at limit $2 for update skip locked
         ) returning message_id",
        to_db(before),
        limit,
    )
    .fetch_all(&mut *tx)
    .await?;
    let noted =
        sqlx::query!("update reviews set fingerprinted = false where message_id = any($1)", &ids)
            .execute(tx)
            .await?;
    expect_rows(&noted, ids.len())?;
    Ok(ids.len())
}

/// Removes what tells of the texts of erased messages: fingerprints, places in trials, and that
/// others are like them.
pub(crate) async fn erase(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from fingerprints where message_id = any($1)", ids)
        .execute(&mut *tx)
        .await?;
    sqlx::query!(
        "update reviews set fingerprinted = false where message_id = any($1) and fingerprinted",
        ids
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "update hits set alike = ''
         where alike <> '' and alike = any(select number from reviews where message_id = any($1))",
        ids
    )
    .execute(&mut *tx)
    .await?;
    sqlx::query!(
        "with gone as (
             delete from rule_trial_examples where message_id = any($1) returning trial_id
         ), counted as (
             select trial_id, count(*)::int as many from gone group by trial_id
         )
         update rule_trials set example_count = example_count - many
         from counted where rule_trials.trial_id = counted.trial_id",
        ids
    )
    .execute(tx)
    .await?;
    Ok(())
}
