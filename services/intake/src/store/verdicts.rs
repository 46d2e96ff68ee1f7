//! What moderation and routing decided about messages. Each function takes a whole batch and no
//! message twice, and gives how many of the messages are known.
//!
//! `withdrawn` and `erased` are the end: nothing is written over them, so that it does not matter which of the two
//! sources is heard first.

use jiff::Timestamp;
use liuyan_kit::clock;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::state::State;

/// A decision about one revision of a message's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The message.
    pub message_id: Uuid,
    /// The revision that was judged; `None` if the decision is about the message as a whole.
    pub revision: Option<i32>,
    /// Why; empty if there is nothing to explain.
    pub ground: String,
    /// When it was made.
    pub at: Timestamp,
}

/// How many of these messages are there.
///
/// # Errors
/// The database's.
pub async fn count_known(
    connection: &mut PgConnection,
    message_ids: &[Uuid],
) -> Result<usize, sqlx::Error> {
    let known = sqlx::query_scalar!(
        r#"select count(*) as "known!" from messages where message_id = any($1)"#,
        message_ids
    )
    .fetch_one(connection)
    .await?;
    Ok(usize::try_from(known).unwrap_or_default())
}

/// Moves messages to `state`. A verdict on a revision that is no longer the newest changes
/// nothing: its author has handed in another text since, which is in review. But an approval is the end of
/// every review: the revision that was approved is the one that counts from then on, and a newer one, which
/// nobody judges any more, is only kept.
///
/// # Errors
/// The database's.
pub async fn decide(
    tx: &mut PgConnection,
    state: State,
    verdicts: &[Verdict],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = verdicts.iter().map(|verdict| verdict.message_id).collect();
    let revisions: Vec<Option<i32>> = verdicts.iter().map(|verdict| verdict.revision).collect();
    let grounds: Vec<String> = verdicts.iter().map(|verdict| verdict.ground.clone()).collect();
    let times: Vec<OffsetDateTime> =
        verdicts.iter().map(|verdict| clock::to_db(verdict.at)).collect();
    sqlx::query!(
        "update messages
         set state = $1, ground = verdict.ground,
             revision = coalesce(verdict.revision, messages.revision),
             ended_at = case when $1 in ('declined', 'withdrawn') then verdict.at
                             when messages.state = 'declined' then null
                             else ended_at end
         from unnest($2::uuid[], $3::int[], $4::text[], $5::timestamptz[])
             as verdict (message_id, revision, ground, at)
         where messages.message_id = verdict.message_id
           and (messages.revision = coalesce(verdict.revision, messages.revision)
                or $1 = 'approved' and verdict.revision between 1 and messages.revision)
           and messages.state not in ('withdrawn', 'erased')",
        state.word(),
        &ids,
        &revisions as &[Option<i32>],
        &grounds,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that words of messages were removed after publication.
///
/// # Errors
/// The database's.
pub async fn mark_redacted(
    tx: &mut PgConnection,
    redactions: &[(Uuid, Timestamp)],
) -> Result<(), sqlx::Error> {
    let (ids, times) = columns(redactions);
    sqlx::query!(
        "update messages set redacted_at = redaction.at
         from unnest($1::uuid[], $2::timestamptz[]) as redaction (message_id, at)
         where messages.message_id = redaction.message_id",
        &ids,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that wishes to withdraw were refused.
///
/// # Errors
/// The database's.
pub async fn refuse_withdrawals(
    tx: &mut PgConnection,
    refusals: &[(Uuid, Timestamp)],
) -> Result<(), sqlx::Error> {
    let (ids, times) = columns(refusals);
    sqlx::query!(
        "update messages set withdrawal_refused_at = refusal.at
         from unnest($1::uuid[], $2::timestamptz[]) as refusal (message_id, at)
         where messages.message_id = refusal.message_id",
        &ids,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A case that was opened for a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenedCase {
    /// The message.
    pub message_id: Uuid,
    /// The case.
    pub case_id: Uuid,
    /// The date by which an answer is due.
    pub deadline_at: Option<Timestamp>,
}

/// Notes the cases of messages.
///
/// # Errors
/// The database's.
pub async fn open_cases(tx: &mut PgConnection, cases: &[OpenedCase]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = cases.iter().map(|case| case.message_id).collect();
    let case_ids: Vec<Uuid> = cases.iter().map(|case| case.case_id).collect();
    let deadlines: Vec<Option<OffsetDateTime>> =
        cases.iter().map(|case| case.deadline_at.map(clock::to_db)).collect();
    sqlx::query!(
        "update messages set case_id = opened.case_id, deadline_at = opened.deadline_at
         from unnest($1::uuid[], $2::uuid[], $3::timestamptz[])
             as opened (message_id, case_id, deadline_at)
         where messages.message_id = opened.message_id",
        &ids,
        &case_ids,
        &deadlines as &[Option<OffsetDateTime>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes when messages ended: from then on their contacts are kept for a while only.
///
/// # Errors
/// The database's.
pub async fn end(tx: &mut PgConnection, ended: &[(Uuid, Timestamp)]) -> Result<(), sqlx::Error> {
    let (ids, times) = columns(ended);
    sqlx::query!(
        "update messages set ended_at = closed.at
         from unnest($1::uuid[], $2::timestamptz[]) as closed (message_id, at)
         where messages.message_id = closed.message_id",
        &ids,
        &times,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Notes that messages are worked on again, unless that is over: their contacts are needed.
///
/// # Errors
/// The database's.
pub async fn go_on(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update messages set ended_at = null
         where message_id = any($1) and state not in ('declined', 'withdrawn', 'erased')",
        ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

fn columns(rows: &[(Uuid, Timestamp)]) -> (Vec<Uuid>, Vec<OffsetDateTime>) {
    rows.iter().map(|(id, at)| (*id, clock::to_db(*at))).unzip()
}
