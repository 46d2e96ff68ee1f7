//! Reviews as people see them, and the leases on them.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{appeals, number, span, unknown};
use crate::domain::{
    review::{Claim, Review, State, Submission, Verdict, Visibility},
    rules::Action,
    screen::Hit,
    text::Span,
};

/// Who wrote a message, and when.
#[derive(Debug, Clone)]
pub(crate) struct Authored {
    /// The message.
    pub message_id: Uuid,
    /// Its public number.
    pub number: String,
    /// A pseudonym of the author; may be empty.
    pub author_id: String,
    /// When it became durable.
    pub submitted_at: Timestamp,
}

/// Who wrote messages, in no order.
pub(crate) async fn authors(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Authored>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, number, author_id, submitted_at from reviews
         where message_id = any($1)",
        ids
    )
    .fetch_all(connection)
    .await?;
    let authored = rows.into_iter().map(|row| Authored {
        message_id: row.message_id,
        number: row.number,
        author_id: row.author_id,
        submitted_at: from_db(row.submitted_at),
    });
    Ok(authored.collect())
}

/// Reviews with their hits and redactions, in the order asked; unknown ones are left out.
pub(crate) async fn fetch(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Review>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select message_id, number, office_id, kind, domain, topic, visibility, author_id, account_id,
                submitted_at, occurred_at, consultation_id, revision, state, change, rules_version, claimed_by,
                claim_expires_at, ground, explanation, decided_by, decided_at, accused_office_ids,
                traceparent, decide_by, (senior_only or accused_office_ids <> '{}') as "senior_only!",
                decision_count, erased_at is not null as "erased!"
         from reviews where message_id = any($1)"#,
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut hits = hits(connection, ids).await?;
    let mut redactions = redactions(connection, ids).await?;
    let mut deciders = deciders(connection, ids).await?;
    let mut appeals = appeals::last(connection, ids).await?;
    let mut reviews = HashMap::with_capacity(rows.len());
    for row in rows {
        let id = row.message_id;
        let review = Review {
            submission: Submission {
                message_id: id,
                number: row.number,
                office_id: row.office_id,
                kind: row.kind,
                domain: row.domain,
                topic: row.topic,
                visibility: Visibility::of(&row.visibility),
                author_id: row.author_id,
                account_id: row.account_id,
                submitted_at: from_db(row.submitted_at),
                occurred_at: row.occurred_at.map(from_db),
                consultation_id: row.consultation_id.unwrap_or_default(),
                revision: number(row.revision),
                traceparent: row.traceparent,
            },
            state: State::of(&row.state).ok_or_else(|| unknown("state", &row.state))?,
            rules_version: number(row.rules_version),
            claim: row
                .claimed_by
                .zip(row.claim_expires_at)
                .map(|(holder, until)| Claim { holder, expires_at: from_db(until) }),
            verdict: row.decided_by.zip(row.decided_at).map(|(decided_by, at)| Verdict {
                ground: row.ground,
                explanation: row.explanation,
                decided_by,
                decided_at: from_db(at),
            }),
            accused_office_ids: row.accused_office_ids,
            change: row.change,
            hits: hits.remove(&id).unwrap_or_default(),
            redactions: redactions.remove(&id).unwrap_or_default(),
            decide_by: from_db(row.decide_by),
            senior_only: row.senior_only,
            decisions: number(row.decision_count),
            deciders: deciders.remove(&id).unwrap_or_default(),
            appeal: appeals.remove(&id),
            erased: row.erased,
        };
        reviews.insert(id, review);
    }
    Ok(ids.iter().filter_map(|id| reviews.remove(id)).collect())
}

/// Who decided on messages, each once.
async fn deciders(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct message_id, decided_by from decisions where message_id = any($1)",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut deciders: HashMap<Uuid, Vec<String>> = HashMap::new();
    for row in rows {
        deciders.entry(row.message_id).or_default().push(row.decided_by);
    }
    Ok(deciders)
}

/// What the rules found in the revisions under review.
async fn hits(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Hit>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select hits.message_id, rule, field, span_start, span_end, action, score,
                alike
         from hits join reviews using (message_id, revision)
         where hits.message_id = any($1) order by hits.message_id, ordinal",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut hits: HashMap<Uuid, Vec<Hit>> = HashMap::new();
    for row in rows {
        hits.entry(row.message_id).or_default().push(Hit {
            rule: row.rule,
            span: span(&row.field, row.span_start, row.span_end)?,
            action: Action::of(&row.action).ok_or_else(|| unknown("action", &row.action))?,
            score: row.score,
            like: row.alike,
        });
    }
    Ok(hits)
}

/// What is left out of the public texts.
pub(crate) async fn redactions(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Span>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, field, span_start, span_end from redactions
         where message_id = any($1) order by message_id, ordinal",
        ids
    )
    .fetch_all(connection)
    .await?;
    let mut redactions: HashMap<Uuid, Vec<Span>> = HashMap::new();
    for row in rows {
        let span = span(&row.field, row.span_start, row.span_end)?;
        redactions.entry(row.message_id).or_default().push(span);
    }
    Ok(redactions)
}

/// The messages that everybody may read, of those asked, and the revision that was approved.
pub(crate) async fn published(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, u32>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, revision from reviews
         where message_id = any($1) and state = 'approved' and visibility = 'public'
           and erased_at is null",
        ids
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.message_id, number(row.revision))).collect())
}

/// Locks one review; false if there is none.
pub(crate) async fn lock(tx: &mut PgConnection, message_id: Uuid) -> Result<bool, sqlx::Error> {
    let row = sqlx::query_scalar!(
        "select message_id from reviews where message_id = $1 for update",
        message_id
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.is_some())
}

/// Puts a lease on a review that waits, or takes it off.
pub(crate) async fn set_claim(
    tx: &mut PgConnection,
    message_id: Uuid,
    claim: Option<&Claim>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update reviews set claimed_by = $2, claim_expires_at = $3
         where message_id = $1 and state in ('held', 'appealed')",
        message_id,
        claim.map(|claim| claim.holder.as_str()),
        claim.map(|claim| to_db(claim.expires_at)),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}
