//! What people decide, and what they take out of public texts.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{SpanColumns, expect_rows, integer, number, span, unknown};
use crate::domain::{
    decision::Decision,
    review::{RULES, State, Told},
    text::Span,
};

/// A decision about to be stored.
#[derive(Debug, Clone)]
pub(crate) struct Decided<'a> {
    /// The message.
    pub message_id: Uuid,
    /// The revision that was judged.
    pub revision: u32,
    /// What was decided.
    pub decision: &'a Decision,
    /// Offices that the message accuses.
    pub accused_office_ids: &'a [String],
    /// Who decided.
    pub decided_by: &'a str,
    /// When.
    pub decided_at: Timestamp,
}

/// Moves a review that waits to where the decision takes it. What is published accuses the offices that
/// are named, and no others; what goes back or is declined still accuses those that were marked before, if
/// none are named.
pub(crate) async fn decide(
    tx: &mut PgConnection,
    decided: &Decided<'_>,
) -> Result<(), sqlx::Error> {
    let state = match decided.decision {
        Decision::Publish { .. } => State::Approved,
        Decision::Return(_) => State::Returned,
        Decision::Decline(_) => State::Declined,
    };
    let refusal = decided.decision.refusal();
    let ground = refusal.map_or("", |refusal| refusal.ground.as_str());
    let explanation = refusal.map_or("", |refusal| refusal.explanation.as_str());
    let ordinal = sqlx::query_scalar!(
        "update reviews
         set state = $2, change = change + 1, ground = $3, explanation = $4, decided_by = $5,
             decided_at = $6, decision_count = decision_count + 1,
             accused_office_ids = case when $2 = 'approved' or cardinality($7::text[]) > 0 then $7
                                       else accused_office_ids end,
             claimed_by = null, claim_expires_at = null
         where message_id = $1 and state in ('held', 'appealed')
         returning decision_count",
        decided.message_id,
        state.as_str(),
        ground,
        explanation,
        decided.decided_by,
        to_db(decided.decided_at),
        decided.accused_office_ids,
    )
    .fetch_one(&mut *tx)
    .await?;
    let spans = refusal.map_or(&[][..], |refusal| &refusal.spans);
    let result = sqlx::query!(
        "insert into decisions (message_id, ordinal, revision, decision, ground, explanation,
                                span_count, decided_by, decided_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        decided.message_id,
        ordinal,
        integer(decided.revision),
        decided.decision.as_str(),
        ground,
        explanation,
        integer(spans.len()),
        decided.decided_by,
        to_db(decided.decided_at),
    )
    .execute(&mut *tx)
    .await?;
    expect_one(&result)?;
    if let Decision::Publish { redactions } = decided.decision {
        return redact(tx, decided.message_id, redactions, decided.decided_by, decided.decided_at)
            .await;
    }
    insert_spans(tx, decided.message_id, ordinal, spans).await
}

async fn insert_spans(
    tx: &mut PgConnection,
    message_id: Uuid,
    decision: i32,
    spans: &[Span],
) -> Result<(), sqlx::Error> {
    let columns = SpanColumns::new(1, spans);
    let result = sqlx::query!(
        "insert into decision_spans (message_id, decision_ordinal, ordinal, field, span_start, span_end)
         select $1, $2, * from unnest($3::int[], $4::text[], $5::int[], $6::int[])",
        message_id,
        decision,
        &columns.ordinals,
        &columns.fields,
        &columns.starts,
        &columns.ends,
    )
    .execute(tx)
    .await?;
    expect_rows(&result, spans.len())
}

/// Adds spans to what is left out of an approved message.
pub(crate) async fn redact(
    tx: &mut PgConnection,
    message_id: Uuid,
    spans: &[Span],
    by: &str,
    at: Timestamp,
) -> Result<(), sqlx::Error> {
    let count = sqlx::query_scalar!(
        "update reviews set redaction_count = redaction_count + $2
         where message_id = $1 and state = 'approved' returning redaction_count",
        message_id,
        integer(spans.len()),
    )
    .fetch_one(&mut *tx)
    .await?;
    let columns = SpanColumns::new(count - integer(spans.len()) + 1, spans);
    let result = sqlx::query!(
        "insert into redactions (message_id, ordinal, field, span_start, span_end, added_by, added_at)
         select $1, *, $6, $7 from unnest($2::int[], $3::text[], $4::int[], $5::int[])",
        message_id,
        &columns.ordinals,
        &columns.fields,
        &columns.starts,
        &columns.ends,
        by,
        to_db(at),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, spans.len())
}

/// Notes that words were removed after publication.
pub(crate) async fn count_redacted(
    tx: &mut PgConnection,
    message_id: Uuid,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update reviews set redacted_count = redacted_count + 1, change = change + 1
         where message_id = $1 and state = 'approved'",
        message_id
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Where a review stands, and its last decision, if it was ever decided. A mended text that is not
/// judged yet leaves the decision on the text before it.
pub(crate) async fn last(
    connection: &mut PgConnection,
    message_id: Uuid,
) -> Result<Option<(State, Option<Told>)>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select state, reviews.revision as current, reviews.decided_by, reviews.decided_at,
                  last.ordinal as "ordinal?", last.revision as "revision?",
                  last.ground as "ground?", last.explanation as "explanation?",
                  last.decided_at as "last_decided_at?"
           from reviews left join decisions as last
               on last.message_id = reviews.message_id and last.ordinal = reviews.decision_count
           where reviews.message_id = $1"#,
        message_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let state = State::of(&row.state).ok_or_else(|| unknown("state", &row.state))?;
    // Rules decide last: nobody decides about a message that they have approved.
    if let (Some(RULES), Some(at)) = (row.decided_by.as_deref(), row.decided_at) {
        let told = Told {
            ground: String::new(),
            explanation: String::new(),
            spans: Vec::new(),
            revision: number(row.current),
            decided_at: from_db(at),
        };
        return Ok(Some((state, Some(told))));
    }
    let (Some(ordinal), Some(revision), Some(decided_at)) =
        (row.ordinal, row.revision, row.last_decided_at)
    else {
        return Ok(Some((state, None)));
    };
    let told = Told {
        ground: row.ground.unwrap_or_default(),
        explanation: row.explanation.unwrap_or_default(),
        spans: spans(connection, message_id, ordinal).await?,
        revision: number(revision),
        decided_at: from_db(decided_at),
    };
    Ok(Some((state, Some(told))))
}

/// Where in the text a decision sees its ground.
async fn spans(
    connection: &mut PgConnection,
    message_id: Uuid,
    decision: i32,
) -> Result<Vec<Span>, sqlx::Error> {
    let rows = sqlx::query!(
        "select field, span_start, span_end from decision_spans
         where message_id = $1 and decision_ordinal = $2 order by ordinal",
        message_id,
        decision,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(|row| span(&row.field, row.span_start, row.span_end)).collect()
}
