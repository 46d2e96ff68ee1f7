//! What waits for moderators: by when, and for whom.

use jiff::Timestamp;
use liuyan_kit::{clock::to_db, db::expect_one};
use sqlx::PgConnection;
use uuid::Uuid;

use super::integer;
use crate::{config::work::Work, domain::moderator::Moderator};

/// Sets by when the held ones of these reviews are to be decided: so many hours after submission, so
/// that a mended text keeps its place.
pub(crate) async fn schedule(
    tx: &mut PgConnection,
    work: &Work,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update reviews
         set decide_by = submitted_at
             + make_interval(hours => case when kind = any($2) then $3::int else $4::int end)
         where message_id = any($1) and state = 'held'",
        ids,
        &work.urgent_kinds,
        integer(work.urgent_hours),
        integer(work.review_hours),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Locks the first review of the queue that is for this moderator and on which no lease binds. Callers
/// never get the same.
pub(crate) async fn lock_first(
    tx: &mut PgConnection,
    now: Timestamp,
    moderator: &Moderator,
) -> Result<Option<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select message_id from reviews
         where state in ('held', 'appealed')
           and (claim_expires_at is null or claim_expires_at <= $1)
           and ($2 or not senior_only and accused_office_ids = '{}')
           and (account_id = '' or account_id <> $3)
           and (state = 'held'
                or not exists (select from decisions
                               where decisions.message_id = reviews.message_id
                                 and decisions.decided_by = $4))
         order by decide_by, message_id
         limit 1
         for update skip locked",
        to_db(now),
        moderator.senior,
        moderator.account,
        moderator.name,
    )
    .fetch_optional(tx)
    .await
}

/// Marks the offices that a message accuses; the review goes back to the queue, for senior moderators.
pub(crate) async fn mark_accusation(
    tx: &mut PgConnection,
    message_id: Uuid,
    office_ids: &[String],
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update reviews
         set accused_office_ids = $2, senior_only = true, change = change + 1,
             claimed_by = null, claim_expires_at = null
         where message_id = $1 and state in ('held', 'appealed')",
        message_id,
        office_ids,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}
