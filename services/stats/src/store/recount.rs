//! Counting anew, and comparing.
//!
//! Two halves make the whole: what was counted of each message equals what its facts say, by the
//! rules of the domain; and the tallies are the sum of what was counted, added up by the database
//! in another way than the writer's. A message that waits to be counted is taken as it was counted
//! last, so that a recount of one moment finds no difference, however busy the board is.

use std::collections::HashSet;

use jiff::Timestamp;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{counted, facts, head, offices};
use crate::domain::{count, fact::Fact};

/// Messages that are compared at once.
const PAGE: i64 = 5_000;
/// The most differences that are told.
const MOST: usize = 100;
/// The same, for the database.
const LIMIT: i64 = 100;
/// The longest statement, in milliseconds: a year of a large board takes a while.
const STATEMENT_LIMIT: &str = "300000";

/// What came of a recount.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recount {
    /// How many messages were counted.
    pub facts: u64,
    /// How many tallies there are.
    pub tallies: u64,
    /// Where tallies and facts differ, in words; up to 100.
    pub differences: Vec<String>,
}

impl Recount {
    fn add(&mut self, differences: impl IntoIterator<Item = String>) {
        let room = MOST.saturating_sub(self.differences.len());
        self.differences.extend(differences.into_iter().take(room));
    }
}

/// A number that is not what it should be.
struct Wrong {
    level: String,
    node: String,
    month: i32,
    domain: String,
    kind: String,
    measure: String,
    held: i64,
    fresh: i64,
}

impl Wrong {
    fn told(self, grain: &str) -> String {
        let Self { level, node, month, domain, kind, measure, held, fresh } = self;
        format!(
            "{grain} of {level} {node:?}, month {month}, domain {domain:?}, kind {kind:?}: \
             {measure} is {held}, counted anew {fresh}"
        )
    }
}

/// Counts everything anew and compares. Changes nothing.
///
/// Call it within a transaction of isolation level `repeatable read`: without one, a board at work
/// shows differences that are none.
///
/// # Errors
/// The database's.
pub async fn recount(connection: &mut PgConnection) -> Result<Recount, sqlx::Error> {
    sqlx::query_scalar!("select set_config('statement_timeout', $1, true)", STATEMENT_LIMIT)
        .fetch_one(&mut *connection)
        .await?;
    let mut found = Recount::default();
    match head::read(connection).await {
        Ok(head) => compare_messages(connection, head.as_of, &mut found).await?,
        Err(sqlx::Error::RowNotFound) => found.add(["the head is lost".to_owned()]),
        Err(error) => return Err(error),
    }
    compare_sums(connection, &mut found).await?;
    let sizes = sqlx::query!(
        r#"select (select count(*) from submissions) as "facts!", (select count(*) from tallies) as "tallies!""#
    )
    .fetch_one(connection)
    .await?;
    found.facts = sizes.facts.unsigned_abs();
    found.tallies = sizes.tallies.unsigned_abs();
    Ok(found)
}

/// What was counted of each message, against its facts.
async fn compare_messages(
    connection: &mut PgConnection,
    as_of: Timestamp,
    found: &mut Recount,
) -> Result<(), sqlx::Error> {
    let strangers = sqlx::query_scalar!(
        "select message_id from counted
         where not exists (select from submissions where submissions.message_id = counted.message_id)
         order by message_id limit 100"
    )
    .fetch_all(&mut *connection)
    .await?;
    found.add(strangers.iter().map(|id| format!("message {id} is counted and was not submitted")));
    let mut after = Uuid::nil();
    loop {
        let ids = sqlx::query_scalar!(
            "select message_id from submissions where message_id > $1 order by message_id limit $2",
            after,
            PAGE,
        )
        .fetch_all(&mut *connection)
        .await?;
        let Some(last) = ids.last() else { return Ok(()) };
        after = *last;
        found.add(compare_page(connection, as_of, &ids).await?);
    }
}

async fn compare_page(
    connection: &mut PgConnection,
    as_of: Timestamp,
    ids: &[Uuid],
) -> Result<Vec<String>, sqlx::Error> {
    let waiting: HashSet<Uuid> =
        sqlx::query_scalar!("select message_id from pending where message_id = any($1)", ids)
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
    let counted = counted::of(connection, ids).await?;
    let facts = facts::of(connection, ids).await?;
    let paths = offices::paths(connection, &offices_of(&facts)).await?;
    let path = |office: &str| paths.get(office).cloned().unwrap_or_default();
    let mut differences = Vec::new();
    for (id, fact) in facts.iter().filter(|(id, _)| !waiting.contains(id)) {
        match counted.get(id) {
            None => differences.push(format!("message {id} is not counted")),
            Some(counted) if *counted != count::contribution(fact, as_of, path) => {
                differences.push(format!("message {id} is counted otherwise than its facts say"));
            }
            Some(_) => {}
        }
    }
    Ok(differences)
}

/// The offices by which facts may count.
pub(crate) fn offices_of(facts: &[(Uuid, Fact)]) -> Vec<String> {
    let offices: HashSet<&String> = facts
        .iter()
        .map(|(_, fact)| match &fact.case {
            Some(case) => &case.view.office_id,
            None => &fact.submission.office_id,
        })
        .collect();
    offices.into_iter().cloned().collect()
}

/// The tallies, against what was counted, and against each other.
async fn compare_sums(
    connection: &mut PgConnection,
    found: &mut Recount,
) -> Result<(), sqlx::Error> {
    let years = sqlx::query_scalar!(
        r#"select month / 100 as "year!" from counted
           union select month / 100 from tallies where month > 0
           union select month / 100 from ground_tallies
           order by 1"#
    )
    .fetch_all(&mut *connection)
    .await?;
    // Year by year: what is sorted at once stays small, and each reads the tallies once.
    for year in years {
        let (first, last) = (year * 100, year * 100 + 99);
        let wrong =
            sqlx::query_file_as!(Wrong, "src/queries/recount_cells.sql", first, LIMIT, last)
                .fetch_all(&mut *connection)
                .await?;
        found.add(wrong.into_iter().map(|wrong| wrong.told("detail")));
        let wrong = sums(connection, "month", "detail", (first, last)).await?;
        found.add(wrong.into_iter().map(|wrong| wrong.told("month")));
    }
    for (grain, finer) in [("all", "month"), ("all_detail", "detail")] {
        let wrong = sums(connection, grain, finer, (0, i32::MAX)).await?;
        found.add(wrong.into_iter().map(|wrong| wrong.told(grain)));
    }
    Ok(())
}

async fn sums(
    connection: &mut PgConnection,
    grain: &str,
    finer: &str,
    (first, last): (i32, i32),
) -> Result<Vec<Wrong>, sqlx::Error> {
    sqlx::query_file_as!(Wrong, "src/queries/recount_sums.sql", grain, finer, first, last, LIMIT,)
        .fetch_all(connection)
        .await
}
