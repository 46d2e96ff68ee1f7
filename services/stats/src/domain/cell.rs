//! The cells in which messages are summed.
//!
//! A question about a division, an office or the nation reads the rows of that one node; it never
//! adds up all that is below. That costs a few rows for each message when it is counted, and
//! keeps every answer at some thousand rows, however many messages there are. Only divisions below
//! the second level are summed from their offices: they have a few, and there are thousands of them.

use std::collections::BTreeMap;

use super::{
    count::{Contribution, Scope},
    measure::Measures,
};

/// How many levels of divisions, from the highest down, have cells of their own.
pub const DIVISION_LEVELS: usize = 2;

/// How finely a cell is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// For ever; for offices alone, of which there are thousands.
    All,
    /// For ever, by domain and kind; for offices alone.
    AllDetail,
    /// By month, domain and kind.
    Detail,
    /// By month.
    Month,
}

impl Grain {
    /// Its name.
    pub fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::AllDetail => "all_detail",
            Self::Detail => "detail",
            Self::Month => "month",
        }
    }
}

/// What a cell is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// A division with all below it.
    Division,
    /// Everything.
    Nation,
    /// An office.
    Office,
}

impl Level {
    /// Its name.
    pub fn code(self) -> &'static str {
        match self {
            Self::Division => "division",
            Self::Nation => "nation",
            Self::Office => "office",
        }
    }
}

/// A cell. They sort as their rows do.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    /// How finely.
    pub grain: Grain,
    /// About what.
    pub level: Level,
    /// About which; empty for the nation.
    pub node: String,
    /// The domain; empty where none is told.
    pub domain: String,
    /// The kind.
    pub kind: String,
    /// The month of submission; 0 for ever.
    pub month: i32,
}

/// The nodes for which a message counts.
fn nodes(contribution: &Contribution) -> Vec<(Level, &str)> {
    let path = contribution.path.iter().map(|code| (Level::Division, code.as_str()));
    let mut nodes = vec![(Level::Nation, "")];
    match contribution.scope {
        Scope::Nation => {}
        Scope::Province => nodes.extend(path.take(1)),
        Scope::Office => {
            nodes.extend(path.take(DIVISION_LEVELS));
            nodes.push((Level::Office, &contribution.office_id));
        }
    }
    nodes
}

/// The cells in which a message counts.
pub fn cells(contribution: &Contribution) -> Vec<Cell> {
    let mut cells = Vec::new();
    for (level, node) in nodes(contribution) {
        let cell = |grain, month, domain: &str, kind: &str| Cell {
            grain,
            level,
            node: node.to_owned(),
            month,
            domain: domain.to_owned(),
            kind: kind.to_owned(),
        };
        let month = contribution.month.number();
        cells.push(cell(Grain::Detail, month, &contribution.domain, &contribution.kind));
        cells.push(cell(Grain::Month, month, "", ""));
        if level == Level::Office {
            cells.push(cell(Grain::All, 0, "", ""));
            cells.push(cell(Grain::AllDetail, 0, &contribution.domain, &contribution.kind));
        }
    }
    cells
}

/// What is to be added to tallies.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delta {
    /// Numbers by cell.
    pub cells: BTreeMap<Cell, Measures>,
    /// Declined messages by cell of the finest grain, and ground.
    pub grounds: BTreeMap<(Cell, String), i64>,
}

impl Delta {
    /// Adds what a message adds `times` times; -1 takes it away.
    pub fn add(&mut self, contribution: &Contribution, times: i64) {
        let measures = contribution.measures();
        for cell in cells(contribution) {
            if let Some(ground) =
                contribution.ground.as_ref().filter(|_| cell.grain == Grain::Detail)
            {
                let key = (cell.clone(), ground.clone());
                *self.grounds.entry(key).or_default() += times;
            }
            self.cells.entry(cell).or_default().add_all(&measures, times);
        }
    }

    /// Leaves out what comes to nothing.
    pub fn settle(&mut self) {
        self.cells.retain(|_, measures| !measures.is_zero());
        self.grounds.retain(|_, declined| *declined != 0);
    }
}

#[cfg(test)]
mod tests;
