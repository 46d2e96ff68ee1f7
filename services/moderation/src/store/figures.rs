//! How much waits, and who works on it.

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;

use super::number;
use crate::domain::figures::{Load, Waiting};

/// What waits; no more than `most` reviews are looked at.
pub(crate) async fn waiting(
    connection: &mut PgConnection,
    now: Timestamp,
    near: Timestamp,
    most: i64,
) -> Result<Waiting, sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*)::int as "waiting!",
                  (count(*) filter (where state = 'appealed'))::int as "appeals!",
                  (count(*) filter (where claim_expires_at is null or claim_expires_at <= $1))::int
                      as "unclaimed!",
                  (count(*) filter (where decide_by > $1 and decide_by <= $2))::int as "near!",
                  (count(*) filter (where decide_by <= $1))::int as "overdue!",
                  (count(*) filter (where sampled))::int as "sampled!",
                  min(submitted_at) filter (where state = 'held') as oldest
           from (select state, claim_expires_at, decide_by, sampled, submitted_at from reviews
                 where state in ('held', 'appealed') order by decide_by limit $3) as waiting"#,
        to_db(now),
        to_db(near),
        most,
    )
    .fetch_one(connection)
    .await?;
    Ok(Waiting {
        waiting: number(row.waiting),
        appeals: number(row.appeals),
        unclaimed: number(row.unclaimed),
        near: number(row.near),
        overdue: number(row.overdue),
        sampled: number(row.sampled),
        oldest: row.oldest.map(from_db),
    })
}

/// How much each moderator holds and has decided since `since`; of all, or of one alone.
pub(crate) async fn loads(
    connection: &mut PgConnection,
    now: Timestamp,
    since: Timestamp,
    only: Option<&str>,
) -> Result<Vec<Load>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with held as (
               select claimed_by as moderator, count(*)::int as holding from reviews
               where state in ('held', 'appealed') and claim_expires_at > $1 group by 1
           ), acts as (
               select decided_by as moderator from decisions where decided_at >= $2
               union all
               select decided_by from appeals where decided_at >= $2 and state = 'upheld'
           ), decided as (
               select moderator, count(*)::int as decided from acts group by 1
           )
           select moderator as "moderator!", coalesce(holding, 0) as "holding!",
                  coalesce(decided, 0) as "decided!"
           from held full join decided using (moderator)
           where $3::text is null or moderator = $3
           order by moderator limit 500"#,
        to_db(now),
        to_db(since),
        only,
    )
    .fetch_all(connection)
    .await?;
    let loads = rows.into_iter().map(|row| Load {
        moderator: row.moderator,
        holding: number(row.holding),
        decided_today: number(row.decided),
    });
    Ok(loads.collect())
}

/// How many decisions people made since `since`.
pub(crate) async fn decided(
    connection: &mut PgConnection,
    since: Timestamp,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select count(*) as "count!" from decisions where decided_at >= $1"#,
        to_db(since)
    )
    .fetch_one(connection)
    .await
}

/// Of the samples that people decided since `since`: how many, and how many of those were not published
/// as they were.
pub(crate) async fn samples(
    connection: &mut PgConnection,
    since: Timestamp,
) -> Result<(u32, u32), sqlx::Error> {
    let row = sqlx::query!(
        r#"select count(*)::int as "decided!",
                  (count(*) filter (where state <> 'approved' or redaction_count > 0))::int as "wrong!"
           from reviews
           where sampled and decided_at >= $1 and decision_count > 0"#,
        to_db(since)
    )
    .fetch_one(connection)
    .await?;
    Ok((number(row.decided), number(row.wrong)))
}
