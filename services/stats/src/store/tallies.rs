//! Sums of what was counted.

use std::collections::BTreeMap;

use sqlx::PgConnection;

use super::integer;
use crate::domain::{
    cell::{Cell, Delta, Grain, Level},
    measure::{Measure, Measures, Wait},
    month::Month,
    query::Slice,
};

/// Adds to tallies and forgets the cells that are empty then. Only the writer may.
pub(crate) async fn add(tx: &mut PgConnection, delta: &Delta) -> Result<(), sqlx::Error> {
    if !delta.cells.is_empty() {
        add_cells(tx, &delta.cells).await?;
    }
    if !delta.grounds.is_empty() {
        add_grounds(tx, &delta.grounds).await?;
    }
    Ok(())
}

/// The columns of cells.
struct Columns {
    grains: Vec<String>,
    levels: Vec<String>,
    nodes: Vec<String>,
    months: Vec<i32>,
    domains: Vec<String>,
    kinds: Vec<String>,
}

impl Columns {
    fn of<'c>(cells: impl Iterator<Item = &'c Cell> + Clone) -> Self {
        let texts = |get: fn(&Cell) -> &str| -> Vec<String> {
            cells.clone().map(|cell| get(cell).to_owned()).collect()
        };
        Self {
            grains: texts(|cell| cell.grain.code()),
            levels: texts(|cell| cell.level.code()),
            nodes: texts(|cell| &cell.node),
            months: cells.clone().map(|cell| cell.month).collect(),
            domains: texts(|cell| &cell.domain),
            kinds: texts(|cell| &cell.kind),
        }
    }
}

/// Histograms one after the other, and where each begins and ends.
#[derive(Default)]
struct Histograms {
    first: Vec<i32>,
    last: Vec<i32>,
    days: Vec<i32>,
}

impl Histograms {
    /// The places of an array are counted from 1; an empty histogram ends before it begins.
    fn add(&mut self, histogram: &[i64]) {
        self.first.push(integer(self.days.len() + 1));
        self.days.extend(histogram.iter().map(|messages| integer(*messages)));
        self.last.push(integer(self.days.len()));
    }
}

async fn add_cells(
    tx: &mut PgConnection,
    cells: &BTreeMap<Cell, Measures>,
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(cells.keys());
    let (mut replies, mut reviews) = (Histograms::default(), Histograms::default());
    let mut counts: Vec<i32> = Vec::new();
    for measures in cells.values() {
        counts.extend(measures.counts().iter().map(|count| integer(*count)));
        replies.add(measures.days(Wait::Reply));
        reviews.add(measures.days(Wait::Review));
    }
    sqlx::query_file!(
        "src/queries/add_tallies.sql",
        &columns.grains,
        &columns.levels,
        &columns.nodes,
        &columns.months,
        &columns.domains,
        &columns.kinds,
        &replies.first,
        &replies.last,
        &counts,
        integer(Measure::COUNT),
        &replies.days,
        &reviews.first,
        &reviews.last,
        &reviews.days,
    )
    .execute(&mut *tx)
    .await?;
    // A cell holds messages or nothing: every message adds one to `received`.
    let shrunk = cells.iter().filter(|(_, measures)| measures.get(Measure::Received) < 0);
    let shrunk = Columns::of(shrunk.map(|(cell, _)| cell));
    if shrunk.nodes.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "delete from tallies using unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::text[], $6::text[])
             as shrunk (grain, level, node, month, domain, kind)
         where received = 0
           and (tallies.grain, tallies.level, tallies.node, tallies.month, tallies.domain, tallies.kind)
               = (shrunk.grain, shrunk.level, shrunk.node, shrunk.month, shrunk.domain, shrunk.kind)",
        &shrunk.grains,
        &shrunk.levels,
        &shrunk.nodes,
        &shrunk.months,
        &shrunk.domains,
        &shrunk.kinds,
    )
    .execute(tx)
    .await?;
    Ok(())
}

async fn add_grounds(
    tx: &mut PgConnection,
    grounds: &BTreeMap<(Cell, String), i64>,
) -> Result<(), sqlx::Error> {
    let columns = Columns::of(grounds.keys().map(|(cell, _)| cell));
    let codes: Vec<String> = grounds.keys().map(|(_, ground)| ground.clone()).collect();
    let declined: Vec<i32> = grounds.values().map(|declined| integer(*declined)).collect();
    sqlx::query!(
        "insert into ground_tallies as held (level, node, month, domain, kind, ground, declined)
         select * from unnest($1::text[], $2::text[], $3::integer[], $4::text[], $5::text[], $6::text[], $7::integer[])
         on conflict on constraint ground_tallies_pkey do update
         set declined = held.declined + excluded.declined",
        &columns.levels,
        &columns.nodes,
        &columns.months,
        &columns.domains,
        &columns.kinds,
        &codes,
        &declined,
    )
    .execute(&mut *tx)
    .await?;
    if declined.iter().all(|declined| *declined > 0) {
        return Ok(());
    }
    sqlx::query!("delete from ground_tallies where declined = 0").execute(tx).await?;
    Ok(())
}

/// Which cells are summed, and told apart by what.
#[derive(Debug, Clone)]
pub(crate) struct Sums<'s> {
    /// How finely they are told apart.
    pub grain: Grain,
    /// What they are about.
    pub level: Level,
    /// Which; all of the level without it.
    pub nodes: Option<Vec<String>>,
    /// Months, domain and kind.
    pub slice: &'s Slice,
    /// By what.
    pub key: Key,
    /// With histograms of days.
    pub with_days: bool,
}

/// What sums are told apart by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// Nothing.
    Nothing,
    /// The month.
    Month,
    /// The division or office.
    Node,
    /// The domain.
    Domain,
    /// The kind.
    Kind,
}

impl Key {
    fn code(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Month => "month",
            Self::Node => "node",
            Self::Domain => "domain",
            Self::Kind => "kind",
        }
    }
}

/// Sums cells, by key.
pub(crate) async fn sum(
    connection: &mut PgConnection,
    sums: &Sums<'_>,
) -> Result<BTreeMap<String, Measures>, sqlx::Error> {
    let slice = sums.slice;
    let (grain, level, key) = (sums.grain.code(), sums.level.code(), sums.key.code());
    let (from, to) = months(sums.grain, slice);
    let (domain, kind) = (narrowed(sums.grain, &slice.domain), narrowed(sums.grain, &slice.kind));
    let rows = sqlx::query_file!(
        "src/queries/sums.sql",
        grain,
        level,
        sums.nodes.as_deref() as Option<&[String]>,
        from,
        to,
        domain,
        kind,
        key,
    )
    .fetch_all(&mut *connection)
    .await?;
    let told = |text: String| told(sums.key, text);
    let mut found: BTreeMap<String, Measures> =
        rows.into_iter().map(|row| (told(row.key), Measures::stored(&row.counts))).collect();
    if !sums.with_days {
        return Ok(found);
    }
    let rows = sqlx::query_file!(
        "src/queries/histograms.sql",
        grain,
        level,
        sums.nodes.as_deref() as Option<&[String]>,
        from,
        to,
        domain,
        kind,
        key,
    )
    .fetch_all(connection)
    .await?;
    for row in rows {
        let measures = found.entry(told(row.key)).or_default();
        for (wait, histogram) in [(Wait::Reply, row.days), (Wait::Review, row.review_days)] {
            for (days, messages) in histogram.into_iter().enumerate() {
                measures.add_days(wait, days, i64::from(messages));
            }
        }
    }
    Ok(found)
}

/// The months to read: the cells for ever have month 0.
fn months(grain: Grain, slice: &Slice) -> (i32, i32) {
    match grain {
        Grain::All | Grain::AllDetail => (0, 0),
        Grain::Detail | Grain::Month => (slice.from.number(), slice.to.number()),
    }
}

/// The domain or kind to read. The cells that do not tell them apart have none; to say so finds them by
/// the order of the primary key.
fn narrowed(grain: Grain, code: &str) -> Option<&str> {
    let told_apart = matches!(grain, Grain::Detail | Grain::AllDetail);
    (!told_apart || !code.is_empty()).then_some(code)
}

/// A key as it is told: months are stored as numbers.
fn told(key: Key, text: String) -> String {
    match (key, text.parse()) {
        (Key::Month, Ok(number)) => Month::stored(number).to_string(),
        _ => text,
    }
}

/// Declined messages of a slice, by ground.
pub(crate) async fn grounds(
    connection: &mut PgConnection,
    slice: &Slice,
    level: Level,
    nodes: &[String],
) -> Result<BTreeMap<String, Measures>, sqlx::Error> {
    let rows = sqlx::query_file!(
        "src/queries/grounds.sql",
        level.code(),
        nodes,
        slice.from.number(),
        slice.to.number(),
        slice.domain,
        slice.kind,
    )
    .fetch_all(connection)
    .await?;
    let told = rows.into_iter().map(|row| {
        let mut measures = Measures::default();
        measures.add(Measure::Declined, row.declined);
        (row.key, measures)
    });
    Ok(told.collect())
}
