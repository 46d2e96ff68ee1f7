//! Sets of rules, and which is in force.

use jiff::Timestamp;
use liuyan_kit::{
    clock::{from_db, to_db},
    db::expect_one,
};
use sqlx::PgConnection;

use super::{integer, number};
use crate::domain::rules::Files;

/// Lets one transaction at a time change sets of rules.
pub(crate) async fn lock(tx: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('rules', 0))")
        .fetch_one(tx)
        .await?;
    Ok(())
}

/// A set of rules to keep.
#[derive(Debug)]
pub(crate) struct NewSet<'a> {
    /// Its number.
    pub version: u32,
    /// The number that a release gave to it.
    pub release: Option<u32>,
    /// Its files.
    pub files: &'a Files,
    /// How many rules it has.
    pub rule_count: usize,
    /// Who wrote it.
    pub made_by: &'a str,
}

/// The number that the next set gets: one that no set of any release before had.
pub(crate) async fn next_version(tx: &mut PgConnection, at_least: u32) -> Result<u32, sqlx::Error> {
    let next = sqlx::query_scalar!(
        r#"select greatest($1, 1 + coalesce(max(version), 0)) as "next!"
           from data_sets where name = 'rules'"#,
        integer(at_least)
    )
    .fetch_one(tx)
    .await?;
    Ok(number(next))
}

/// Keeps a set; its number is noted by the caller in `data_sets`.
pub(crate) async fn insert(
    tx: &mut PgConnection,
    now: Timestamp,
    set: &NewSet<'_>,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into rule_sets (version, release, rules, lexicon, everyday, rule_count, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        integer(set.version),
        set.release.map(integer),
        set.files.rules,
        set.files.lexicon,
        set.files.everyday,
        integer(set.rule_count),
        set.made_by,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// The number of the set that a release brought, if it did.
pub(crate) async fn of_release(
    tx: &mut PgConnection,
    release: u32,
) -> Result<Option<u32>, sqlx::Error> {
    let version =
        sqlx::query_scalar!("select version from rule_sets where release = $1", integer(release))
            .fetch_optional(tx)
            .await?;
    Ok(version.map(number))
}

/// The files of a set.
pub(crate) async fn files(
    connection: &mut PgConnection,
    version: u32,
) -> Result<Option<Files>, sqlx::Error> {
    sqlx::query_as!(
        Files,
        "select rules, lexicon, everyday from rule_sets where version = $1",
        integer(version)
    )
    .fetch_optional(connection)
    .await
}

/// The set in force, and how it became that: `loaded`, `published` or `rolled-back`.
pub(crate) async fn in_force(
    connection: &mut PgConnection,
) -> Result<Option<(u32, String)>, sqlx::Error> {
    let row =
        sqlx::query!("select version, cause from rule_publications order by ordinal desc limit 1")
            .fetch_optional(connection)
            .await?;
    Ok(row.map(|row| (number(row.version), row.cause)))
}

/// Whether a set was ever in force.
pub(crate) async fn was_in_force(
    connection: &mut PgConnection,
    version: u32,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from rule_publications where version = $1) as "was!""#,
        integer(version)
    )
    .fetch_one(connection)
    .await
}

/// Puts a set in force.
pub(crate) async fn publish(
    tx: &mut PgConnection,
    now: Timestamp,
    version: u32,
    cause: &str,
    note: &str,
    by: &str,
) -> Result<(), sqlx::Error> {
    let result = sqlx::query!(
        "insert into rule_publications (ordinal, version, cause, note, published_by, published_at)
         select 1 + coalesce(max(ordinal), 0), $1, $2, $3, $4, $5 from rule_publications",
        integer(version),
        cause,
        note,
        by,
        to_db(now),
    )
    .execute(tx)
    .await?;
    expect_one(&result)
}

/// Messages that one set has read are counted up to so many.
const MOST_COUNTED: i64 = 1_000_000;

/// A set of rules, as lists show it.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    /// Its number.
    pub version: u32,
    /// Whether a release brought it.
    pub from_release: bool,
    /// How many rules it has.
    pub rule_count: u32,
    /// Who wrote it.
    pub made_by: String,
    /// When.
    pub made_at: Timestamp,
    /// How many messages it has read, up to [`MOST_COUNTED`].
    pub message_count: u32,
    /// Who put it in force last, when, and what was said of it.
    pub published: Option<(String, Timestamp, String)>,
}

/// Sets of rules from a number on downwards.
pub(crate) async fn list(
    connection: &mut PgConnection,
    below: u32,
    limit: u32,
) -> Result<Vec<Listed>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select version, release is not null as "from_release!", rule_count, made_by, made_at,
                  last.published_by as "published_by?", last.published_at as "published_at?",
                  last.note as "note?",
                  (select count(*) from (
                      select from reviews
                      where rules_version = rule_sets.version and rules_version > 0 limit $3
                  ) as read) as "message_count!"
           from rule_sets left join lateral (
               select published_by, published_at, note from rule_publications as published
               where published.version = rule_sets.version order by ordinal desc limit 1
           ) as last on true
           where version < $1 order by version desc limit $2"#,
        integer(below),
        i64::from(limit),
        MOST_COUNTED,
    )
    .fetch_all(connection)
    .await?;
    let listed = rows.into_iter().map(|row| Listed {
        version: number(row.version),
        from_release: row.from_release,
        rule_count: number(row.rule_count),
        message_count: u32::try_from(row.message_count).unwrap_or_default(),
        made_by: row.made_by,
        made_at: from_db(row.made_at),
        published: row
            .published_by
            .zip(row.published_at)
            .map(|(by, at)| (by, from_db(at), row.note.unwrap_or_default())),
    });
    Ok(listed.collect())
}
