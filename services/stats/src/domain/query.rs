//! Questions: which part of the board, told apart by what, and which cells answer them.

use super::{
    cell::{Grain, Level},
    indicator::Indicator,
    month::Month,
};

/// By what rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// One row in all.
    Nothing,
    /// The month of submission.
    Month,
    /// The divisions directly below.
    Division,
    /// The office.
    Office,
    /// The domain.
    Domain,
    /// The kind.
    Kind,
    /// The ground of what was declined.
    Ground,
    /// The outcome of what was closed.
    Outcome,
}

impl GroupBy {
    /// What a row is about, as the first column of a report names it.
    pub fn code(self) -> &'static str {
        match self {
            Self::Nothing => "all",
            Self::Month => "month",
            Self::Division => "division_code",
            Self::Office => "office_id",
            Self::Domain => "domain",
            Self::Kind => "kind",
            Self::Ground => "ground",
            Self::Outcome => "outcome",
        }
    }
}

/// A part of the board; what is empty is not narrowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// A division with all below it.
    pub division_code: String,
    /// An office.
    pub office_id: String,
    /// A domain.
    pub domain: String,
    /// A kind.
    pub kind: String,
    /// From this month on.
    pub from: Month,
    /// Until this month, inclusive.
    pub to: Month,
}

impl Default for Slice {
    fn default() -> Self {
        Self {
            division_code: String::new(),
            office_id: String::new(),
            domain: String::new(),
            kind: String::new(),
            from: Month::FIRST,
            to: Month::LAST,
        }
    }
}

impl Slice {
    /// Which cells of a level answer a question about this slice.
    pub fn grain(&self, level: Level, group_by: GroupBy) -> Grain {
        let narrowed = !self.domain.is_empty() || !self.kind.is_empty();
        let detailed =
            narrowed || matches!(group_by, GroupBy::Domain | GroupBy::Kind | GroupBy::Ground);
        let for_ever = self.from == Month::FIRST && self.to == Month::LAST;
        match (level == Level::Office && for_ever && group_by != GroupBy::Month, detailed) {
            (true, true) => Grain::AllDetail,
            (true, false) => Grain::All,
            (false, true) => Grain::Detail,
            (false, false) => Grain::Month,
        }
    }
}

/// A question for figures.
#[derive(Debug, Clone)]
pub struct Query {
    /// Which indicators.
    pub indicators: Vec<Indicator>,
    /// Of which part of the board.
    pub slice: Slice,
    /// Told apart by what.
    pub group_by: GroupBy,
}

impl Query {
    /// Whether the histograms of days are needed.
    pub fn needs_days(&self) -> bool {
        self.indicators.iter().any(Indicator::needs_days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_reads_the_coarsest_cells_that_can_answer_it() {
        let all = Slice::default();
        let year = Slice { from: Month::stored(202_601), ..Slice::default() };
        let domain = Slice { domain: "7".to_owned(), ..Slice::default() };
        for (slice, level, group_by, grain) in [
            (&all, Level::Nation, GroupBy::Nothing, Grain::Month),
            (&all, Level::Office, GroupBy::Office, Grain::All),
            (&all, Level::Office, GroupBy::Month, Grain::Month),
            (&year, Level::Office, GroupBy::Office, Grain::Month),
            (&domain, Level::Office, GroupBy::Office, Grain::AllDetail),
            (&domain, Level::Office, GroupBy::Month, Grain::Detail),
            (&all, Level::Division, GroupBy::Kind, Grain::Detail),
        ] {
            assert_eq!(slice.grain(level, group_by), grain, "{slice:?} {group_by:?}");
        }
    }
}
