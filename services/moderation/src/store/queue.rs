//! What comes in and what the rules have yet to read. Everything here is set-based.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{expect_rows, integer, number, unknown};
use crate::domain::{
    review::{Mended, RULES, State, Submission, Visibility},
    screen::Hit,
    standing::Passing,
};

/// So many messages of one author wait for the rules in the order in which all do; further ones come
/// after those of others.
const MANY: i64 = 10;

/// Opens the reviews of new messages.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    now: Timestamp,
    new: &[Submission],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = new.iter().map(|one| one.message_id).collect();
    let texts = |get: fn(&Submission) -> &str| -> Vec<String> {
        new.iter().map(|one| get(one).to_owned()).collect()
    };
    let occurred: Vec<_> = new.iter().map(|one| one.occurred_at.map(to_db)).collect();
    let submitted: Vec<_> = new.iter().map(|one| to_db(one.submitted_at)).collect();
    let revisions: Vec<i32> = new.iter().map(|one| integer(one.revision)).collect();
    let traces: Vec<_> = new.iter().map(|one| one.traceparent.clone()).collect();
    let some = |id: &String| Some(id.clone()).filter(|id| !id.is_empty());
    let consultations: Vec<_> = new.iter().map(|one| some(&one.consultation_id)).collect();
    let crowded = crowded(tx, new).await?;
    let result = sqlx::query!(
        "insert into reviews (message_id, number, office_id, kind, domain, topic, visibility,
                              author_id, submitted_at, occurred_at, revision, traceparent,
                              account_id, crowded, consultation_id, state, due_at)
         select *, 'screening', $16::timestamptz
         from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[],
                     $7::text[], $8::text[], $9::timestamptz[], $10::timestamptz[], $11::int[],
                     $12::text[], $13::text[], $14::boolean[], $15::text[])",
        &ids,
        &texts(|one| &one.number),
        &texts(|one| &one.office_id),
        &texts(|one| &one.kind),
        &texts(|one| &one.domain),
        &texts(|one| &one.topic),
        &texts(|one| one.visibility.as_str()),
        &texts(|one| &one.author_id),
        &submitted,
        &occurred as &[Option<time::OffsetDateTime>],
        &revisions,
        &traces as &[Option<String>],
        &texts(|one| &one.account_id),
        &crowded,
        &consultations as &[Option<String>],
        to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    expect_rows(&result, new.len())
}

/// Which of new messages come after [`MANY`] others of their authors that wait for the rules.
async fn crowded(tx: &mut PgConnection, new: &[Submission]) -> Result<Vec<bool>, sqlx::Error> {
    let authors: HashSet<&str> = new.iter().map(|one| one.author_id.as_str()).collect();
    let authors: Vec<String> =
        authors.into_iter().filter(|author| !author.is_empty()).map(str::to_owned).collect();
    let rows = sqlx::query!(
        r#"select author_id as "author_id!", waiting as "waiting!"
           from unnest($1::text[]) as asked (author_id)
           cross join lateral (
               select count(*) as waiting from (
                   select from reviews
                   where reviews.author_id = asked.author_id and reviews.author_id <> ''
                     and state = 'screening' limit $2
               ) as few
           ) as counted"#,
        &authors,
        MANY,
    )
    .fetch_all(tx)
    .await?;
    let mut waiting: HashMap<String, i64> =
        rows.into_iter().map(|row| (row.author_id, row.waiting)).collect();
    let crowded = new.iter().map(|one| {
        waiting.get_mut(&one.author_id).is_some_and(|waiting| {
            *waiting += 1;
            *waiting > MANY
        })
    });
    Ok(crowded.collect())
}

/// Locks reviews, in the order of their ids, and tells where they stand.
pub(crate) async fn lock(
    tx: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, State)>, sqlx::Error> {
    let rows = sqlx::query!(
        "select message_id, state from reviews where message_id = any($1)
         order by message_id for update",
        ids
    )
    .fetch_all(tx)
    .await?;
    rows.into_iter()
        .map(|row| {
            let state = State::of(&row.state).ok_or_else(|| unknown("state", &row.state))?;
            Ok((row.message_id, state))
        })
        .collect()
}

/// Starts reviews again with new revisions, in their old place in the queue.
pub(crate) async fn reopen(
    tx: &mut PgConnection,
    now: Timestamp,
    mended: &[Mended],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = mended.iter().map(|one| one.message_id).collect();
    let revisions: Vec<i32> = mended.iter().map(|one| integer(one.revision)).collect();
    let traces: Vec<_> = mended.iter().map(|one| one.traceparent.clone()).collect();
    let result = sqlx::query!(
        "update reviews
         set state = 'screening', revision = mended.revision, change = change + 1,
             due_at = $4, text_misses = 0, rules_version = 0, traceparent = mended.traceparent,
             crowded = false, claimed_by = null, claim_expires_at = null
         from unnest($1::uuid[], $2::int[], $3::text[]) as mended (message_id, revision, traceparent)
         where reviews.message_id = mended.message_id",
        &ids,
        &revisions,
        &traces as &[Option<String>],
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, mended.len())
}

/// Ends reviews because the authors withdrew their messages.
pub(crate) async fn withdraw(
    tx: &mut PgConnection,
    now: Timestamp,
    ids: &[Uuid],
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update reviews
         set state = 'withdrawn', withdrawn_at = $2, change = change + 1,
             claimed_by = null, claim_expires_at = null
         where message_id = any($1)",
        ids,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, ids.len())
}

/// A review that a worker has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Leased {
    /// The message.
    pub message_id: Uuid,
    /// The revision to read.
    pub revision: u32,
    /// How often intake had no text for it.
    pub text_misses: u32,
    /// The trace of the call that brought the revision.
    pub traceparent: Option<String>,
}

/// Takes the oldest reviews that wait for the rules, until a time; those of authors with many only where
/// no others wait. Workers never take the same.
pub(crate) async fn lease(
    tx: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Leased>, sqlx::Error> {
    let rows = sqlx::query!(
        "with taken as (
             select message_id from reviews
             where state = 'screening' and due_at <= $1
             order by crowded, submitted_at, message_id
             limit $3
             for update skip locked
         )
         update reviews set due_at = $2 from taken
         where reviews.message_id = taken.message_id
         returning reviews.message_id, revision, text_misses, traceparent",
        to_db(now),
        to_db(until),
        limit,
    )
    .fetch_all(tx)
    .await?;
    let leased = rows.into_iter().map(|row| Leased {
        message_id: row.message_id,
        revision: number(row.revision),
        text_misses: number(row.text_misses),
        traceparent: row.traceparent,
    });
    Ok(leased.collect())
}

/// Puts reviews off because intake has no text for them yet, or gives them back at once.
pub(crate) async fn put_off(
    tx: &mut PgConnection,
    misses: i32,
    put_off: &[(Uuid, Timestamp)],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = put_off.iter().map(|(id, _)| *id).collect();
    let until: Vec<_> = put_off.iter().map(|(_, until)| to_db(*until)).collect();
    sqlx::query!(
        "update reviews set due_at = late.until, text_misses = text_misses + $3
         from unnest($1::uuid[], $2::timestamptz[]) as late (message_id, until)
         where reviews.message_id = late.message_id and state = 'screening'",
        &ids,
        &until,
        misses,
    )
    .execute(tx)
    .await?;
    Ok(())
}

/// A review about to be settled by the rules.
#[derive(Debug, Clone)]
pub(crate) struct Unsettled {
    /// What intake told.
    pub submission: Submission,
    /// What its office chose for clean messages.
    pub passing: Option<Passing>,
    /// Hits of earlier revisions.
    pub hit_count: i32,
    /// Whether only a senior moderator may decide; whoever mends a text takes no accusation back.
    pub senior_only: bool,
}

/// Locks those of the reviews that still wait for the rules, in the order of their ids.
pub(crate) async fn lock_screening(
    tx: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Unsettled>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select message_id, number, reviews.office_id, kind, domain, topic, visibility, author_id, account_id,
                  submitted_at, occurred_at, consultation_id, revision, traceparent, hit_count,
                  clean_passes as "clean_passes: Option<bool>",
                  trusted_passes as "trusted_passes: Option<bool>",
                  (senior_only or accused_office_ids <> '{}') as "senior_only!"
           from reviews left join office_policies using (office_id)
           where message_id = any($1) and state = 'screening'
           order by message_id
           for update of reviews"#,
        ids
    )
    .fetch_all(tx)
    .await?;
    let unsettled = rows.into_iter().map(|row| Unsettled {
        submission: Submission {
            message_id: row.message_id,
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
        passing: row
            .clean_passes
            .zip(row.trusted_passes)
            .map(|(clean, trusted)| Passing::of(clean, trusted)),
        hit_count: row.hit_count,
        senior_only: row.senior_only,
    });
    Ok(unsettled.collect())
}

/// What the rules made of a review.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    /// The message.
    pub message_id: Uuid,
    /// The revision that was read.
    pub revision: u32,
    /// Approved or held.
    pub approved: bool,
    /// Hits of earlier revisions.
    pub earlier_hits: i32,
    /// What was found.
    pub hits: Vec<Hit>,
}

/// Stores what the rules made of reviews.
pub(crate) async fn settle(
    tx: &mut PgConnection,
    now: Timestamp,
    rules_version: u32,
    outcomes: &[Outcome],
) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = outcomes.iter().map(|one| one.message_id).collect();
    let approved: Vec<bool> = outcomes.iter().map(|one| one.approved).collect();
    let found: Vec<i32> = outcomes.iter().map(|one| integer(one.hits.len())).collect();
    let result = sqlx::query!(
        "update reviews
         set state = case when read.approved then 'approved' else 'held' end,
             change = change + 1, rules_version = $4, hit_count = hit_count + read.found,
             decided_by = case when read.approved then $5 end,
             decided_at = case when read.approved then $6::timestamptz end,
             ground = '', explanation = ''
         from unnest($1::uuid[], $2::boolean[], $3::int[]) as read (message_id, approved, found)
         where reviews.message_id = read.message_id",
        &ids,
        &approved,
        &found,
        integer(rules_version),
        RULES,
        to_db(now),
    )
    .execute(&mut *tx)
    .await?;
    expect_rows(&result, outcomes.len())?;
    insert_hits(tx, outcomes).await
}

async fn insert_hits(tx: &mut PgConnection, outcomes: &[Outcome]) -> Result<(), sqlx::Error> {
    let hits: Vec<(&Outcome, i32, &Hit)> = outcomes
        .iter()
        .flat_map(|one| {
            (one.earlier_hits + 1..).zip(&one.hits).map(move |(ordinal, hit)| (one, ordinal, hit))
        })
        .collect();
    if hits.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = hits.iter().map(|(one, ..)| one.message_id).collect();
    let ordinals: Vec<i32> = hits.iter().map(|(_, ordinal, _)| *ordinal).collect();
    let revisions: Vec<i32> = hits.iter().map(|(one, ..)| integer(one.revision)).collect();
    let texts = |get: fn(&Hit) -> &str| -> Vec<String> {
        hits.iter().map(|(_, _, hit)| get(hit).to_owned()).collect()
    };
    let starts: Vec<i32> = hits.iter().map(|(_, _, hit)| integer(hit.span.start)).collect();
    let ends: Vec<i32> = hits.iter().map(|(_, _, hit)| integer(hit.span.end)).collect();
    let scores: Vec<f64> = hits.iter().map(|(_, _, hit)| hit.score).collect();
    let result = sqlx::query!(
        "insert into hits (message_id, ordinal, revision, rule, field, span_start, span_end, action,
                           score, alike)
         select * from unnest($1::uuid[], $2::int[], $3::int[], $4::text[], $5::text[], $6::int[],
                              $7::int[], $8::text[], $9::float8[], $10::text[])",
        &ids,
        &ordinals,
        &revisions,
        &texts(|hit| &hit.rule),
        &texts(|hit| hit.span.field.as_str()),
        &starts,
        &ends,
        &texts(|hit| hit.action.as_str()),
        &scores,
        &texts(|hit| &hit.like),
    )
    .execute(tx)
    .await?;
    expect_rows(&result, hits.len())
}
