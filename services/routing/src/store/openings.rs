//! Approved messages that wait for their case, their redactions, and wishes to withdraw.

use std::collections::HashMap;

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use serde_json::{Value, json};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{corrupt, expect_all};
use crate::domain::{
    ConsultationId, MessageId,
    case::{Opening, Visibility},
};

/// An approved message as moderation said it.
#[derive(Debug, Clone)]
pub struct Approved {
    /// What a case will be made of.
    pub opening: Opening,
    /// The revision of the text that was judged.
    pub text_revision: u32,
    /// When it was approved.
    pub approved_at: Timestamp,
}

struct OpeningRow {
    message_id: Uuid,
    number: String,
    office_id: String,
    kind: String,
    domain: String,
    topic: String,
    visibility: String,
    submitted_at: OffsetDateTime,
    occurred_at: Option<OffsetDateTime>,
    accused_office_ids: Vec<String>,
    redactions: i64,
    traceparent: Option<String>,
    precedent: Option<String>,
    consultation_id: Option<Uuid>,
}

impl TryFrom<OpeningRow> for Opening {
    type Error = sqlx::Error;

    fn try_from(row: OpeningRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            visibility: visibility(&row.visibility)?,
            message_id: row.message_id.into(),
            number: row.number,
            office_id: row.office_id,
            kind: row.kind,
            domain: row.domain,
            topic: row.topic,
            submitted_at: from_db(row.submitted_at),
            occurred_at: row.occurred_at.map(from_db),
            accused: row.accused_office_ids,
            redactions: row.redactions,
            traceparent: row.traceparent,
            precedent: row.precedent,
            suggested: None,
            consultation_id: row.consultation_id.map(ConsultationId::from),
        })
    }
}

/// The visibility with this code.
pub(super) fn visibility(code: &str) -> Result<Visibility, sqlx::Error> {
    [Visibility::Public, Visibility::Private]
        .into_iter()
        .find(|visibility| visibility.code() == code)
        .ok_or_else(|| corrupt("visibility", code))
}

fn uuids(ids: &[MessageId]) -> Vec<Uuid> {
    ids.iter().map(|id| id.uuid()).collect()
}

/// Stores approved messages, to be worked on from `now` on. A message that is there already stays
/// as it is.
pub async fn insert(
    tx: &mut PgConnection,
    approved: &[Approved],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let rows: Vec<Value> = approved
        .iter()
        .map(|approved| {
            let opening = &approved.opening;
            json!({
                "message_id": opening.message_id,
                "number": opening.number,
                "office_id": opening.office_id,
                "kind": opening.kind,
                "domain": opening.domain,
                "topic": opening.topic,
                "visibility": opening.visibility.code(),
                "submitted_at": opening.submitted_at,
                "occurred_at": opening.occurred_at,
                "accused_office_ids": opening.accused,
                "text_revision": approved.text_revision,
                "approved_at": approved.approved_at,
                "traceparent": opening.traceparent,
                "consultation_id": opening.consultation_id,
            })
        })
        .collect();
    sqlx::query_file!("src/queries/insert_openings.sql", Value::Array(rows), to_db(now))
        .execute(tx)
        .await?;
    Ok(())
}

/// Up to `limit` openings that are due.
pub async fn due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Opening>, sqlx::Error> {
    sqlx::query_as!(
        OpeningRow,
        "select message_id, number, office_id, kind, domain, topic, visibility, submitted_at,
                occurred_at, accused_office_ids, redactions, traceparent, consultation_id,
                (select to_office_id from precedents p
                 where p.superseded_at is null and p.office_id = openings.office_id
                   and p.kind = openings.kind and p.domain = openings.domain
                   and p.topic = openings.topic) as precedent
         from openings where state = 'pending' and due_at <= $1
         order by due_at, message_id limit $2",
        to_db(now),
        limit,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Opening::try_from)
    .collect()
}

/// Locks those of the openings that are still pending and that nobody else works on.
pub async fn claim(
    tx: &mut PgConnection,
    ids: &[MessageId],
) -> Result<Vec<MessageId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select message_id from openings where message_id = any($1) and state = 'pending'
         order by message_id for update skip locked",
        &uuids(ids)
    )
    .fetch_all(tx)
    .await?;
    Ok(ids.into_iter().map(MessageId::from).collect())
}

/// The traces of the approvals of these messages.
pub async fn traces(
    connection: &mut PgConnection,
    ids: &[MessageId],
) -> Result<HashMap<MessageId, String>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select message_id, traceparent as "traceparent!" from openings
           where message_id = any($1) and traceparent is not null"#,
        &uuids(ids)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.message_id.into(), row.traceparent)).collect())
}

/// Marks openings as done, each with the number of redactions that its text has seen.
pub async fn finish(tx: &mut PgConnection, done: &[(MessageId, i64)]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = done.iter().map(|(id, _)| id.uuid()).collect();
    let applied: Vec<i64> = done.iter().map(|(_, redactions)| *redactions).collect();
    let finished = sqlx::query!(
        "update openings set state = 'done', redactions_applied = done.applied
         from unnest($1::uuid[], $2::bigint[]) as done (message_id, applied)
         where openings.message_id = done.message_id and openings.state = 'pending'",
        &ids,
        &applied,
    )
    .execute(tx)
    .await?;
    expect_all(&finished, done.len())
}

/// Puts off what cannot be worked on now: a second after the first try, doubling to half a minute.
pub async fn put_off(
    tx: &mut PgConnection,
    ids: &[MessageId],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update openings
         set attempts = attempts + 1,
             due_at = $2::timestamptz + least(interval '30 seconds', interval '1 second' * power(2, least(attempts, 10)))
         where message_id = any($1)",
        &uuids(ids),
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Counts redactions of approved messages; each id as often as it was redacted, with the trace of
/// its cause.
pub async fn count_redactions(
    tx: &mut PgConnection,
    redacted: &[(MessageId, Option<String>)],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    let (ids, traces): (Vec<Uuid>, Vec<Option<String>>) =
        redacted.iter().map(|(id, trace)| (id.uuid(), trace.clone())).unzip();
    sqlx::query!(
        "update openings
         set redactions = redactions + said.times, attempts = 0, due_at = $3,
             redaction_traceparent = said.traceparent
         from (select message_id, count(*) as times,
                      (array_agg(traceparent order by place desc))[1] as traceparent
               from unnest($1::uuid[], $2::text[]) with ordinality as one (message_id, traceparent, place)
               group by message_id) as said
         where openings.message_id = said.message_id",
        &ids,
        &traces as &[Option<String>],
        to_db(now),
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A message that was redacted since the text of its case was fetched.
#[derive(Debug, Clone)]
pub struct Redacted {
    /// The message.
    pub message_id: MessageId,
    /// How often it was redacted so far.
    pub redactions: i64,
    /// Whether its case keeps the text.
    pub has_text: bool,
    /// The trace of the last redaction.
    pub traceparent: Option<String>,
}

/// Up to `limit` messages that have a case and were redacted since its text was fetched.
pub async fn redacted(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Redacted>, sqlx::Error> {
    sqlx::query_as!(
        Redacted,
        "select message_id, redactions, has_text, redaction_traceparent as traceparent
         from openings join cases using (message_id)
         where openings.state = 'done' and redactions > redactions_applied and due_at <= $1
         order by due_at, message_id limit $2",
        to_db(now),
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Says up to which redaction a case's text is fetched.
pub async fn apply_redactions(
    tx: &mut PgConnection,
    message_id: MessageId,
    redactions: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update openings set redactions_applied = greatest(redactions_applied, $2) where message_id = $1",
        message_id.uuid(),
        redactions,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A wish to withdraw.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The message.
    pub message_id: MessageId,
    /// When it was said.
    pub at: Timestamp,
    /// The trace of its cause.
    pub traceparent: Option<String>,
}

/// Stores wishes to withdraw; they wait.
pub async fn insert_withdrawals(tx: &mut PgConnection, wishes: &[Wish]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = wishes.iter().map(|wish| wish.message_id.uuid()).collect();
    let at: Vec<OffsetDateTime> = wishes.iter().map(|wish| to_db(wish.at)).collect();
    let traces: Vec<Option<String>> = wishes.iter().map(|wish| wish.traceparent.clone()).collect();
    sqlx::query!(
        "insert into withdrawals (message_id, requested_at, traceparent)
         select message_id, requested_at, traceparent
         from unnest($1::uuid[], $2::timestamptz[], $3::text[])
             as wish (message_id, requested_at, traceparent)
         order by message_id
         on conflict (message_id) do nothing",
        &ids,
        &at,
        &traces as &[Option<String>],
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// Which of the messages their authors wish to withdraw, and wait for an answer.
pub async fn waiting_withdrawals(
    connection: &mut PgConnection,
    ids: &[MessageId],
) -> Result<Vec<MessageId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select message_id from withdrawals where message_id = any($1) and state = 'waiting'",
        &uuids(ids)
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MessageId::from).collect())
}

/// Locks up to `limit` wishes to withdraw a message that has a case; gives the messages, each with
/// the trace of its wish.
pub async fn claim_withdrawals(
    tx: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<HashMap<MessageId, Option<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select withdrawals.message_id, traceparent from withdrawals join cases using (message_id)
         where withdrawals.state = 'waiting' and due_at <= $1
         order by due_at, message_id limit $2 for update of withdrawals skip locked",
        to_db(now),
        limit,
    )
    .fetch_all(tx)
    .await?;
    Ok(rows.into_iter().map(|row| (row.message_id.into(), row.traceparent)).collect())
}

/// Puts off up to `limit` wishes to withdraw a message that is not approved, and perhaps never will be: a
/// second at first, doubling to a day. Gives how many. The opening of a case looks at all of its message's.
pub async fn put_off_withdrawals(
    tx: &mut PgConnection,
    now: Timestamp,
    limit: i64,
) -> Result<u64, sqlx::Error> {
    let put_off = sqlx::query!(
        "update withdrawals
         set attempts = attempts + 1,
             due_at = $1::timestamptz + least(interval '1 day', interval '1 second' * power(2, least(attempts, 20)))
         where message_id in (
             select message_id from withdrawals w
             where state = 'waiting' and due_at <= $1
               and not exists (select from openings o where o.message_id = w.message_id)
             order by due_at, message_id limit $2 for update skip locked)",
        to_db(now),
        limit,
    )
    .execute(tx)
    .await?;
    Ok(put_off.rows_affected())
}

/// Writes down what became of wishes to withdraw: true if the message was withdrawn.
pub async fn settle_withdrawals(
    tx: &mut PgConnection,
    settled: &HashMap<MessageId, bool>,
) -> Result<(), sqlx::Error> {
    let (ids, states): (Vec<Uuid>, Vec<String>) = settled
        .iter()
        .map(|(id, withdrawn)| {
            (id.uuid(), if *withdrawn { "withdrawn" } else { "refused" }.to_owned())
        })
        .unzip();
    let done = sqlx::query!(
        "update withdrawals set state = settled.state
         from unnest($1::uuid[], $2::text[]) as settled (message_id, state)
         where withdrawals.message_id = settled.message_id and withdrawals.state = 'waiting'",
        &ids,
        &states,
    )
    .execute(tx)
    .await?;
    expect_all(&done, ids.len())
}
