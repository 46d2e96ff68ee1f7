//! Appeals of authors, with their words sealed.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{integer, number, unknown};
use crate::domain::{
    appeal::{Appeal, AppealState},
    review::State,
};

/// The last appeal of each message.
pub(crate) async fn last(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Appeal>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct on (message_id) message_id, decision_ordinal, state, appealed_at, due_at,
                explanation, decided_at
         from appeals where message_id = any($1)
         order by message_id, decision_ordinal desc",
        ids
    )
    .fetch_all(connection)
    .await?;
    let appeals = rows.into_iter().map(|row| {
        let appeal = Appeal {
            state: AppealState::of(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            decision: number(row.decision_ordinal),
            appealed_at: from_db(row.appealed_at),
            due_at: from_db(row.due_at),
            explanation: row.explanation,
            decided_at: row.decided_at.map(from_db),
        };
        Ok((row.message_id, appeal))
    });
    appeals.collect()
}

/// The sealed words of the last appeal of a message, if there is one.
pub(crate) async fn reason(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<Vec<u8>>, sqlx::Error> {
    sqlx::query_scalar!(
        "select reason from appeals where message_id = $1 order by decision_ordinal desc limit 1",
        message_id
    )
    .fetch_optional(connection)
    .await
}

/// An appeal about to be stored.
#[derive(Debug, Clone)]
pub(crate) struct NewAppeal {
    /// The message.
    pub message_id: Uuid,
    /// The decision that it is against.
    pub decision: u32,
    /// The author's words, sealed.
    pub reason: Vec<u8>,
    /// When.
    pub appealed_at: Timestamp,
    /// By when it is to be decided.
    pub due_at: Timestamp,
    /// Whether only a senior moderator may decide.
    pub senior_only: bool,
    /// The trace of the appeal.
    pub traceparent: Option<String>,
}

/// Stores an appeal; the review waits again.
pub(crate) async fn open(tx: &mut PgConnection, appeal: &NewAppeal) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into appeals (message_id, decision_ordinal, state, reason, appealed_at, due_at,
                              traceparent)
         values ($1, $2, 'open', $3, $4, $5, $6)",
        appeal.message_id,
        integer(appeal.decision),
        appeal.reason,
        to_db(appeal.appealed_at),
        to_db(appeal.due_at),
        appeal.traceparent,
    )
    .execute(&mut *tx)
    .await?;
    expect_one(&result)?;
    let result = sqlx::query!(
        "update reviews
         set state = 'appealed', change = change + 1, appeal_count = appeal_count + 1,
             decide_by = $2, senior_only = senior_only or $3
         where message_id = $1 and state in ('returned', 'declined')",
        appeal.message_id,
        to_db(appeal.due_at),
        appeal.senior_only,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Where a review stood before it was appealed against.
pub(crate) async fn stood(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<State, sqlx::Error> {
    let decision = sqlx::query_scalar!(
        "select decision from decisions join reviews using (message_id)
         where message_id = $1 and ordinal = decision_count",
        message_id
    )
    .fetch_one(connection)
    .await?;
    Ok(if decision == "return" { State::Returned } else { State::Declined })
}

/// Stores how an open appeal ended.
pub(crate) async fn decide(
    tx: &mut PgConnection,
    message_id: Uuid,
    outcome: AppealState,
    explanation: &str,
    by: &str,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update appeals set state = $2, explanation = $3, decided_by = $4, decided_at = $5
         where message_id = $1 and state = 'open'",
        message_id,
        outcome.as_str(),
        explanation,
        by,
        to_db(at),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Moves a review back to where it stood before it was appealed against.
pub(crate) async fn uphold(
    tx: &mut PgConnection,
    message_id: Uuid,
    state: State,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update reviews
         set state = $2, change = change + 1, claimed_by = null, claim_expires_at = null
         where message_id = $1 and state = 'appealed'",
        message_id,
        state.as_str(),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Ends open appeals without a decision.
pub(crate) async fn lapse(tx: &mut PgConnection, ids: &[Uuid]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update appeals set state = 'lapsed' where message_id = any($1) and state = 'open'",
        ids
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// An appeal that nobody decided in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Late {
    /// The message.
    pub message_id: Uuid,
    /// When its author appealed.
    pub appealed_at: Timestamp,
    /// By when it was to be decided.
    pub due_at: Timestamp,
    /// The trace of the appeal.
    pub traceparent: Option<String>,
}

/// Marks open appeals that are overdue and gives those that were not marked before, up to `limit`.
pub(crate) async fn mark_overdue(
    tx: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Late>, sqlx::Error> {
    let rows = sqlx::query!(
        "update appeals set overdue_at = $1
         from (select message_id, decision_ordinal from appeals
               where state = 'open' and due_at <= $1 and overdue_at is null
               order by due_at limit $2 for update skip locked) as late
         where appeals.message_id = late.message_id
           and appeals.decision_ordinal = late.decision_ordinal
         returning appeals.message_id, appealed_at, due_at, traceparent",
        to_db(now),
        limit,
    )
    .fetch_all(tx)
    .await?;
    let late = rows.into_iter().map(|row| Late {
        message_id: row.message_id,
        appealed_at: from_db(row.appealed_at),
        due_at: from_db(row.due_at),
        traceparent: row.traceparent,
    });
    Ok(late.collect())
}

/// How many appeals are open, and how many of those are overdue.
pub(crate) async fn count_open(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<(i64, i64), sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*) as "open!", count(*) filter (where due_at <= $1) as "overdue!"
           from appeals where state = 'open'"#,
        to_db(now)
    )
    .fetch_one(connection)
    .await?;
    Ok((row.open, row.overdue))
}
