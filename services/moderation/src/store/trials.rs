//! Trials of sets of rules.

use std::collections::BTreeMap;

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{expect_rows, integer, number};
use crate::domain::trial::{Example, MOST_EXAMPLES, Tally, Trial};

/// Begins a trial.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    trial: &Trial,
    traceparent: Option<&str>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into rule_trials (trial_id, version, base_version, state, wanted, ordinary,
                                  ordinary_held, next_id, due_at, started_by, started_at, traceparent)
         values ($1, $2, $3, 'running', $4, $5, $6, $7, $9, $8, $9, $10)",
        trial.trial_id,
        integer(trial.version),
        integer(trial.base_version),
        integer(trial.wanted),
        integer(trial.ordinary),
        integer(trial.ordinary_held),
        Uuid::max(),
        trial.started_by,
        to_db(trial.started_at),
        traceparent,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// A trial that a worker has taken.
#[derive(Debug, Clone)]
pub(crate) struct Leased {
    /// The trial.
    pub trial_id: Uuid,
    /// The set that is tried.
    pub version: u32,
    /// The set that was in force.
    pub base_version: u32,
    /// How many messages are still to be read.
    pub left: u32,
    /// Messages before this one are still to be read.
    pub next_id: Uuid,
    /// The trace of the call that began it.
    pub traceparent: Option<String>,
}

/// Takes the oldest trial that runs, until a time. Workers never take the same.
pub(crate) async fn lease(
    tx: &mut PgConnection,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<Leased>, sqlx::Error> {
    let row = sqlx::query!(
        r#"with taken as (
             select trial_id from rule_trials where state = 'running' and due_at <= $1
             order by started_at limit 1 for update skip locked
         )
         update rule_trials set due_at = $2 from taken
         where rule_trials.trial_id = taken.trial_id
         returning rule_trials.trial_id, version, base_version, wanted - read as "left!", next_id,
                   traceparent"#,
        to_db(now),
        to_db(until),
    )
    .fetch_optional(tx)
    .await?;
    Ok(row.map(|row| Leased {
        trial_id: row.trial_id,
        version: number(row.version),
        base_version: number(row.base_version),
        left: number(row.left),
        next_id: row.next_id,
        traceparent: row.traceparent,
    }))
}

/// Ids of messages before one, the newest first. What was erased is left out.
pub(crate) async fn messages(
    connection: &mut PgConnection,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        "select message_id from reviews where message_id < $1 and erased_at is null
         order by message_id desc limit $2",
        before,
        limit,
    )
    .fetch_all(connection)
    .await
}

/// Gives a trial back at once, because its texts did not come.
pub(crate) async fn give_back(
    tx: &mut PgConnection,
    trial_id: Uuid,
    due_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "update rule_trials set due_at = $2 where trial_id = $1",
        trial_id,
        to_db(due_at)
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Adds what a batch told, if no other worker has read it meanwhile; tells whether that was so.
pub(crate) async fn advance(
    tx: &mut PgConnection,
    now: Timestamp,
    leased: &Leased,
    tally: &Tally,
    next_id: Option<Uuid>,
) -> Result<bool, sqlx::Error> {
    let known = sqlx::query!(
        r#"select rule_count, example_count,
                  (select count(*) from rule_trial_examples as examples
                   where examples.trial_id = rule_trials.trial_id and holds) as "holding!",
                  (select coalesce(max(ordinal), 0) from rule_trial_examples as examples
                   where examples.trial_id = rule_trials.trial_id) as "last!"
           from rule_trials
           where trial_id = $1 and state = 'running' and next_id = $2 for update"#,
        leased.trial_id,
        leased.next_id,
    )
    .fetch_optional(&mut *tx)
    .await?;
    let Some(known) = known else { return Ok(false) };
    let rules = count_rules(tx, leased.trial_id, &tally.rules).await?;
    let holding = usize::try_from(known.holding).unwrap_or_default();
    let passing = usize::try_from(known.example_count).unwrap_or_default() - holding;
    let room = |holds: bool| MOST_EXAMPLES.saturating_sub(if holds { holding } else { passing });
    let of =
        |holds: bool| tally.examples.iter().filter(move |one| one.holds == holds).take(room(holds));
    let examples: Vec<&Example> = of(true).chain(of(false)).collect();
    for (ordinal, example) in (known.last + 1..).zip(&examples) {
        insert_example(tx, leased.trial_id, ordinal, example).await?;
    }
    let result = sqlx::query!(
        "update rule_trials
         set read = read + $2, held_before = held_before + $3, held_after = held_after + $4,
             would_hold = would_hold + $5, would_release = would_release + $6,
             rule_count = $7, example_count = example_count + $8, due_at = $9,
             next_id = coalesce($10, next_id),
             state = case when $10::uuid is null then 'done' else state end,
             ended_at = case when $10::uuid is null then $9::timestamptz end
         where trial_id = $1",
        leased.trial_id,
        integer(tally.read),
        integer(tally.held_before),
        integer(tally.held_after),
        integer(tally.would_hold),
        integer(tally.would_release),
        rules,
        integer(examples.len()),
        to_db(now),
        next_id,
    )
    .execute(tx)
    .await?;
    expect_one(&result)?;
    Ok(true)
}

/// Adds counts by rule; gives how many rules have one.
async fn count_rules(
    tx: &mut PgConnection,
    trial_id: Uuid,
    counts: &BTreeMap<String, (u32, u32)>,
) -> Result<i32, sqlx::Error> {
    let rules: Vec<String> = counts.keys().cloned().collect();
    let before: Vec<i32> = counts.values().map(|(before, _)| integer(*before)).collect();
    let after: Vec<i32> = counts.values().map(|(_, after)| integer(*after)).collect();
    let result = sqlx::query!(
        "insert into rule_trial_rules as kept (trial_id, rule, before, after)
         select $1, * from unnest($2::text[], $3::int[], $4::int[])
         on conflict on constraint rule_trial_rules_pkey do update
         set before = kept.before + excluded.before, after = kept.after + excluded.after",
        trial_id,
        &rules,
        &before,
        &after,
    )
    .execute(&mut *tx)
    .await?;
    expect_rows(&result, counts.len())?;
    sqlx::query_scalar!(
        r#"select count(*)::int as "count!" from rule_trial_rules where trial_id = $1"#,
        trial_id
    )
    .fetch_one(tx)
    .await
}

async fn insert_example(
    tx: &mut PgConnection,
    trial_id: Uuid,
    ordinal: i32,
    example: &Example,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into rule_trial_examples (trial_id, ordinal, message_id, holds, rules)
         values ($1, $2, $3, $4, $5)",
        trial_id,
        ordinal,
        example.message_id,
        example.holds,
        &example.rules,
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Trials by their ids, without counts by rule and examples.
pub(crate) async fn fetch(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<Trial>, sqlx::Error> {
    let rows = sqlx::query!(
        "select trial_id, version, base_version, state, wanted, read, held_before, held_after,
                would_hold, would_release, ordinary, ordinary_held, started_by, started_at, ended_at
         from rule_trials where trial_id = any($1)",
        ids
    )
    .fetch_all(connection)
    .await?;
    let trials = rows.into_iter().map(|row| Trial {
        trial_id: row.trial_id,
        version: number(row.version),
        base_version: number(row.base_version),
        done: row.state == "done",
        wanted: number(row.wanted),
        tally: Tally {
            read: number(row.read),
            held_before: number(row.held_before),
            held_after: number(row.held_after),
            would_hold: number(row.would_hold),
            would_release: number(row.would_release),
            ..Tally::default()
        },
        ordinary: number(row.ordinary),
        ordinary_held: number(row.ordinary_held),
        started_by: row.started_by,
        started_at: from_db(row.started_at),
        ended_at: row.ended_at.map(from_db),
        compared_since: None,
    });
    Ok(trials.collect())
}

/// The last trial of each of some sets.
pub(crate) async fn last_of(
    connection: &mut PgConnection,
    versions: &[u32],
) -> Result<Vec<Trial>, sqlx::Error> {
    let versions: Vec<i32> = versions.iter().map(|version| integer(*version)).collect();
    let ids = sqlx::query_scalar!(
        "select distinct on (version) trial_id from rule_trials
         where version = any($1) order by version, started_at desc",
        &versions
    )
    .fetch_all(&mut *connection)
    .await?;
    fetch(connection, &ids).await
}

/// Counts by rule and examples of a trial.
pub(crate) async fn details(
    connection: &mut PgConnection,
    trial: &mut Trial,
) -> Result<(), sqlx::Error> {
    let rules = sqlx::query!(
        "select rule, before, after from rule_trial_rules where trial_id = $1",
        trial.trial_id
    )
    .fetch_all(&mut *connection)
    .await?;
    trial.tally.rules =
        rules.into_iter().map(|row| (row.rule, (number(row.before), number(row.after)))).collect();
    trial.tally.examples = sqlx::query_as!(
        Example,
        "select message_id, holds, rules from rule_trial_examples
         where trial_id = $1 order by ordinal",
        trial.trial_id
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}
