//! Words by which public cases are found.

use std::collections::BTreeSet;

use jiff::Timestamp;
use liuyan_kit::clock::{from_db, to_db};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    cases::{Times, plan_with_values},
    expect_all,
};
use crate::domain::{
    CaseId,
    search::{Term, WAY},
};

/// What separates words on their way into the database; it stands in none.
const BETWEEN: char = '\n';

/// A case's place in the order of time.
pub type Key = (Timestamp, CaseId);

/// The words of a case.
#[derive(Debug)]
pub struct Words {
    /// The case; it is public.
    pub case_id: CaseId,
    /// When its message was submitted.
    pub submitted_at: Timestamp,
    /// Its words.
    pub words: Vec<String>,
}

/// Stores the words of cases in place of those that they had.
pub async fn put(tx: &mut PgConnection, all: &[Words]) -> Result<(), sqlx::Error> {
    let ids: Vec<Uuid> = all.iter().map(|one| one.case_id.uuid()).collect();
    let at: Vec<OffsetDateTime> = all.iter().map(|one| to_db(one.submitted_at)).collect();
    let words: Vec<String> = all.iter().map(|one| one.words.join(&BETWEEN.to_string())).collect();
    let put = sqlx::query!(
        r"insert into case_words (case_id, submitted_at, way, words)
          select case_id, submitted_at, $4, array_to_tsvector(string_to_array(words, e'\n'))
          from unnest($1::uuid[], $2::timestamptz[], $3::text[]) as said (case_id, submitted_at, words)
          order by case_id
          on conflict (case_id) do update
          set way = excluded.way, words = excluded.words",
        &ids,
        &at,
        &words,
        WAY,
    )
    .execute(tx)
    .await?;
    expect_all(&put, all.len())
}

/// Up to `limit` public cases whose words are missing or were made in an older way. Those of a newer program
/// stay as they are.
pub async fn missing(
    connection: &mut PgConnection,
    limit: i64,
) -> Result<Vec<CaseId>, sqlx::Error> {
    let ids = sqlx::query_scalar!(
        "select case_id from cases left join case_words using (case_id)
         where cases.public and coalesce(way, 0) < $1::smallint limit $2",
        WAY,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(CaseId::from).collect())
}

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Looked {
    /// What the words must have, as a `tsquery`.
    pub words: String,
    /// Only in the state with this code.
    pub state: Option<&'static str>,
    /// Only of this office.
    pub office_id: Option<String>,
    /// Only of this county.
    pub division_code: Option<String>,
    /// Only in this city.
    pub city_code: Option<String>,
    /// Only in this province.
    pub province_code: Option<String>,
    /// Only after this one, in the order of the list.
    pub after: Option<Key>,
    /// Only what was submitted, or answered last, at these times.
    pub times: Times,
}

impl Looked {
    /// The same among the cases that have a word beside.
    pub fn within(&self, word: &str) -> Self {
        let also = all_of(&BTreeSet::from([Term::Whole(word.to_owned())]));
        Self { words: format!("{} & {also}", self.words), ..self.clone() }
    }
}

/// About how many cases have words, as of the database's last look; -1 if it has never looked.
pub async fn about(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select reltuples::bigint as "about!" from pg_class where oid = 'case_words'::regclass"#
    )
    .fetch_one(connection)
    .await
}

/// A `tsquery` of terms that must all be there.
pub fn all_of(terms: &BTreeSet<Term>) -> String {
    let quoted = |word: &str| format!("'{}'", word.replace('\\', r"\\").replace('\'', "''"));
    let terms: Vec<String> = terms
        .iter()
        .map(|term| match term {
            Term::Whole(word) => quoted(word),
            Term::Beginning(start) => format!("{}:*", quoted(start)),
        })
        .collect();
    terms.join(" & ")
}

/// A `tsquery` of groups of terms, of which one is to be there whole, and of a word that must be there.
pub fn some_of(groups: &[BTreeSet<Term>], must: Option<&str>) -> String {
    let groups: Vec<String> = groups.iter().map(|terms| format!("({})", all_of(terms))).collect();
    let any = groups.join(" | ");
    match must {
        None => any,
        Some(word) => {
            format!("({any}) & {}", all_of(&BTreeSet::from([Term::Whole(word.to_owned())])))
        }
    }
}

/// Up to `limit` answered public cases that have some of the words, without one.
pub async fn similar(
    connection: &mut PgConnection,
    words: &str,
    without: Option<CaseId>,
    limit: i64,
) -> Result<Vec<CaseId>, sqlx::Error> {
    plan_with_values(connection).await?;
    let without = without.map(|case_id| case_id.uuid());
    let rows = sqlx::query_file_scalar!("src/queries/similar_cases.sql", words, without, limit);
    let ids = rows.fetch_all(connection).await?;
    Ok(ids.into_iter().map(CaseId::from).collect())
}

struct KeyRow {
    case_id: Uuid,
    submitted_at: OffsetDateTime,
}

fn number(of: usize) -> i64 {
    i64::try_from(of).unwrap_or(i64::MAX)
}

fn keys(rows: Vec<KeyRow>) -> Vec<Key> {
    rows.into_iter().map(|row| (from_db(row.submitted_at), row.case_id.into())).collect()
}

/// Up to `limit` cases that have the words, in no order and whatever they come after.
pub async fn matches(
    connection: &mut PgConnection,
    looked: &Looked,
    limit: usize,
) -> Result<Vec<Key>, sqlx::Error> {
    plan_with_values(connection).await?;
    let rows = sqlx::query_file_as!(
        KeyRow,
        "src/queries/search_matches.sql",
        looked.words,
        looked.state,
        number(limit),
        looked.times.submitted.0.map(to_db),
        looked.times.submitted.1.map(to_db),
        looked.times.replied.0.map(to_db),
        looked.times.replied.1.map(to_db),
    )
    .fetch_all(connection)
    .await?;
    Ok(keys(rows))
}

/// Up to `limit` of the newest `among` cases that have the words, the newest first.
pub async fn newest(
    connection: &mut PgConnection,
    looked: &Looked,
    among: usize,
    limit: usize,
) -> Result<Vec<Key>, sqlx::Error> {
    let rows = sqlx::query_file_as!(
        KeyRow,
        "src/queries/search_newest.sql",
        looked.words,
        looked.state,
        looked.office_id,
        looked.division_code,
        looked.city_code,
        looked.province_code,
        looked.after.map(|(at, _)| to_db(at)),
        looked.after.map(|(_, case_id)| case_id.uuid()),
        number(among),
        number(limit),
        looked.times.submitted.0.map(to_db),
        looked.times.submitted.1.map(to_db),
        looked.times.replied.0.map(to_db),
        looked.times.replied.1.map(to_db),
    )
    .fetch_all(connection)
    .await?;
    Ok(keys(rows))
}

/// Up to `limit` cases that have the words, the newest first.
pub async fn sorted(
    connection: &mut PgConnection,
    looked: &Looked,
    limit: usize,
) -> Result<Vec<Key>, sqlx::Error> {
    let rows = sqlx::query_file_as!(
        KeyRow,
        "src/queries/search_sorted.sql",
        looked.words,
        looked.state,
        looked.after.map(|(at, _)| to_db(at)),
        looked.after.map(|(_, case_id)| case_id.uuid()),
        number(limit),
        looked.times.submitted.0.map(to_db),
        looked.times.submitted.1.map(to_db),
        looked.times.replied.0.map(to_db),
        looked.times.replied.1.map(to_db),
    )
    .fetch_all(connection)
    .await?;
    Ok(keys(rows))
}
