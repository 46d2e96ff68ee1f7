//! Questions are answered from tallies, each from one moment of the database.

use std::{
    collections::{BTreeMap, BTreeSet},
    slice,
};

use jiff::Timestamp;
use sqlx::PgConnection;

use super::App;
use crate::{
    domain::{
        cell::{DIVISION_LEVELS, Level},
        count::of_outcome,
        fact::Outcome,
        indicator::{Indicator, Value},
        measure::{Measure, Measures},
        query::{GroupBy, Query, Slice},
        ranking::{self, Ranking},
    },
    error::Error,
    store::{
        self, head, offices,
        recount::{self, Recount},
        tallies::{self, Key, Sums},
    },
};

/// The indicator that tells for how many of the replied cases satisfaction speaks.
const COVERAGE: &str = "rating_coverage";

/// Figures.
#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    /// Keys with the values of the indicators, in the order asked.
    pub rows: Vec<(String, Vec<Value>)>,
    /// The time of the last event that is counted in them.
    pub counted_until: Option<Timestamp>,
}

/// What a ranking is asked for.
#[derive(Debug, Clone)]
pub struct RankingQuery {
    /// By which indicator.
    pub indicator: Indicator,
    /// Of which part of the board.
    pub slice: Slice,
    /// Divisions or offices.
    pub group_by: GroupBy,
    /// The least number of cases.
    pub min_n: u32,
    /// How many places are told.
    pub size: usize,
}

impl App {
    /// The figures of a slice of the board.
    ///
    /// # Errors
    /// [`Error::TooManyRows`], or the database's.
    pub async fn figures(&self, query: &Query) -> Result<Figures, Error> {
        let mut connection = self.db.read().await?;
        let mut tx = store::snapshot(&mut connection).await?;
        let counted_until = head::read(&mut tx).await?.counted_until;
        let numbers = numbers(&mut tx, &query.slice, query.group_by, query.needs_days()).await?;
        tx.rollback().await?;
        if numbers.len() > self.config.rows {
            return Err(Error::TooManyRows { rows: numbers.len(), max: self.config.rows });
        }
        let value = |(key, measures): (String, Measures)| {
            let values = query.indicators.iter().map(|indicator| indicator.value(&measures));
            (key, values.collect())
        };
        Ok(Figures { rows: numbers.into_iter().map(value).collect(), counted_until })
    }

    /// A ranking of divisions or offices, and the time of the last event that is counted in it.
    ///
    /// # Errors
    /// The database's.
    pub async fn ranking(
        &self,
        query: RankingQuery,
    ) -> Result<(Ranking, Option<Timestamp>), Error> {
        let mut connection = self.db.read().await?;
        let mut tx = store::snapshot(&mut connection).await?;
        let counted_until = head::read(&mut tx).await?.counted_until;
        let with_days = query.indicator.needs_days();
        let parts = parts(&mut tx, &query.slice, query.group_by, with_days).await?;
        tx.rollback().await?;
        let coverage = self.indicator(COVERAGE);
        let numbers = parts.into_iter().collect();
        let mut ranking = ranking::rank(&query.indicator, coverage, numbers, query.min_n);
        ranking.places.truncate(query.size);
        Ok((ranking, counted_until))
    }

    /// Counts everything anew and compares.
    ///
    /// # Errors
    /// The database's.
    pub async fn recount(&self) -> Result<Recount, Error> {
        let mut connection = self.db.read().await?;
        let mut tx = store::snapshot(&mut connection).await?;
        let recount = recount::recount(&mut tx).await?;
        tx.rollback().await?;
        Ok(recount)
    }
}

/// The numbers of a slice by key.
async fn numbers(
    connection: &mut PgConnection,
    slice: &Slice,
    group_by: GroupBy,
    with_days: bool,
) -> Result<BTreeMap<String, Measures>, sqlx::Error> {
    let key = match group_by {
        GroupBy::Ground => {
            let (level, nodes) = place(connection, slice).await?;
            return tallies::grounds(connection, slice, level, &nodes).await;
        }
        GroupBy::Division | GroupBy::Office => {
            return divided(connection, slice, group_by, with_days).await;
        }
        GroupBy::Nothing | GroupBy::Outcome => Key::Nothing,
        GroupBy::Month => Key::Month,
        GroupBy::Domain => Key::Domain,
        GroupBy::Kind => Key::Kind,
    };
    let mut found = whole(connection, slice, group_by, key, with_days).await?;
    if group_by == GroupBy::Outcome {
        let all = found.remove("").unwrap_or_default();
        return Ok(by_outcome(&all));
    }
    if group_by == GroupBy::Nothing {
        // Of nothing, too, something can be said: that it is nothing.
        found.entry(String::new()).or_default();
    }
    Ok(found)
}

/// The nodes whose cells hold a whole slice: one, or the offices of a small division.
async fn place(
    connection: &mut PgConnection,
    slice: &Slice,
) -> Result<(Level, Vec<String>), sqlx::Error> {
    let (office, division) = (&slice.office_id, &slice.division_code);
    if !office.is_empty() {
        let paths = offices::paths(connection, slice::from_ref(office)).await?;
        let inside = paths.get(office).is_some_and(|path| path.contains(division));
        let nodes = (division.is_empty() || inside).then(|| office.clone());
        return Ok((Level::Office, nodes.into_iter().collect()));
    }
    if division.is_empty() {
        return Ok((Level::Nation, vec![String::new()]));
    }
    match offices::depth(connection, division).await? {
        Some(depth) if depth > DIVISION_LEVELS => {
            let offices = offices::offices_of(connection, division, depth).await?;
            Ok((Level::Office, offices.into_keys().collect()))
        }
        _ => Ok((Level::Division, vec![division.clone()])),
    }
}

/// Sums of a whole slice.
async fn whole(
    connection: &mut PgConnection,
    slice: &Slice,
    group_by: GroupBy,
    key: Key,
    with_days: bool,
) -> Result<BTreeMap<String, Measures>, sqlx::Error> {
    let (level, nodes) = place(connection, slice).await?;
    let grain = slice.grain(level, group_by);
    let sums = Sums { grain, level, nodes: Some(nodes), slice, key, with_days };
    tallies::sum(connection, &sums).await
}

/// Sums of the divisions directly below a slice, or of its offices; not of what belongs to none of
/// them.
async fn parts(
    connection: &mut PgConnection,
    slice: &Slice,
    group_by: GroupBy,
    with_days: bool,
) -> Result<BTreeMap<String, Measures>, sqlx::Error> {
    if !slice.office_id.is_empty() {
        return whole(connection, slice, group_by, Key::Node, with_days).await;
    }
    let division = &slice.division_code;
    let sums = |level, nodes| Sums {
        grain: slice.grain(level, group_by),
        level,
        nodes,
        slice,
        key: Key::Node,
        with_days,
    };
    if division.is_empty() {
        let sums = match group_by {
            GroupBy::Office => sums(Level::Office, None),
            _ => sums(Level::Division, Some(offices::provinces(connection).await?)),
        };
        return tallies::sum(connection, &sums).await;
    }
    let Some(depth) = offices::depth(connection, division).await? else {
        return Ok(BTreeMap::new());
    };
    let offices = offices::offices_of(connection, division, depth + 1).await?;
    if group_by == GroupBy::Division && depth < DIVISION_LEVELS {
        let below: BTreeSet<String> = offices.into_values().flatten().collect();
        let sums = sums(Level::Division, Some(below.into_iter().collect()));
        return tallies::sum(connection, &sums).await;
    }
    let by_office =
        tallies::sum(connection, &sums(Level::Office, Some(offices.keys().cloned().collect())))
            .await?;
    if group_by == GroupBy::Office {
        return Ok(by_office);
    }
    let mut by_division: BTreeMap<String, Measures> = BTreeMap::new();
    for (office, measures) in by_office {
        if let Some(Some(below)) = offices.get(&office) {
            by_division.entry(below.clone()).or_default().add_all(&measures, 1);
        }
    }
    Ok(by_division)
}

/// The parts of a slice, and a row for what belongs to none of them: under the division's own code
/// what its own offices do and what is counted for it as a whole; under an empty key what is
/// counted without an office, or without a province.
async fn divided(
    connection: &mut PgConnection,
    slice: &Slice,
    group_by: GroupBy,
    with_days: bool,
) -> Result<BTreeMap<String, Measures>, sqlx::Error> {
    let mut rest = whole(connection, slice, group_by, Key::Nothing, with_days)
        .await?
        .remove("")
        .unwrap_or_default();
    let mut parts = parts(connection, slice, group_by, with_days).await?;
    for part in parts.values() {
        rest.add_all(part, -1);
    }
    if !rest.is_zero() {
        let key = if group_by == GroupBy::Division { slice.division_code.as_str() } else { "" };
        parts.insert(key.to_owned(), rest);
    }
    Ok(parts)
}

/// What was closed, by outcome.
fn by_outcome(all: &Measures) -> BTreeMap<String, Measures> {
    let told = Outcome::ALL.iter().filter_map(|outcome| {
        let closed = all.get(of_outcome(*outcome));
        let mut measures = Measures::default();
        measures.add(Measure::Closed, closed);
        (closed > 0).then(|| (outcome.code().to_owned(), measures))
    });
    told.collect()
}
