//! What figures are asked for, as it stands in the address.

use liuyan_proto::liuyan::stats::v1::{GroupBy, Slice};
use serde::Deserialize;
use url::form_urlencoded;

/// By what a table can be divided, with the names of the texts.
pub(super) const BYS: [(&str, &str); 4] = [
    ("division", "stats-by-division"),
    ("office", "stats-by-office"),
    ("domain", "stats-by-domain"),
    ("kind", "stats-by-kind"),
];
/// The least number of cases with which one is ranked, if nothing is said.
const MIN_N: u32 = 10;
/// The greatest that may be said.
const MOST_N: u32 = 100_000;

/// What is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Ask {
    pub(super) division: String,
    pub(super) domain: String,
    pub(super) kind: String,
    pub(super) from: String,
    pub(super) to: String,
    by: String,
    rank: String,
    of: String,
    min: String,
}

impl Ask {
    /// The part of the board.
    pub(super) fn slice(&self) -> Slice {
        Slice {
            division_code: self.division.clone(),
            office_id: String::new(),
            domain: self.domain.clone(),
            kind: self.kind.clone(),
            from_month: self.from.clone(),
            to_month: self.to.clone(),
        }
    }

    /// The table's division, as the address says it.
    pub(super) fn by_word(&self) -> &'static str {
        BYS.iter().map(|(word, _)| *word).find(|word| *word == self.by).unwrap_or("division")
    }

    /// The table's division.
    pub(super) fn by(&self) -> GroupBy {
        match self.by_word() {
            "office" => GroupBy::Office,
            "domain" => GroupBy::Domain,
            "kind" => GroupBy::Kind,
            _ => GroupBy::Division,
        }
    }

    /// What a file is divided by; months, if nothing is said.
    pub(super) fn exported_by(&self) -> GroupBy {
        if self.by.is_empty() || self.by == "month" { GroupBy::Month } else { self.by() }
    }

    /// By which indicator is ranked.
    pub(super) fn ranked<'a>(&self, known: &[&'a str]) -> &'a str {
        known.iter().find(|it| **it == self.rank).or(known.first()).copied().unwrap_or_default()
    }

    /// Whether offices are ranked, and not divisions.
    pub(super) fn ranks_offices(&self) -> bool {
        self.of != "division"
    }

    /// Who is ranked.
    pub(super) fn ranked_by(&self) -> GroupBy {
        if self.ranks_offices() { GroupBy::Office } else { GroupBy::Division }
    }

    /// The least number of cases with which one is ranked.
    pub(super) fn min_n(&self) -> u32 {
        self.min.parse().ok().filter(|min| (1..=MOST_N).contains(min)).unwrap_or(MIN_N)
    }

    /// What the address says of the ranking.
    pub(super) fn of_ranking(&self) -> Vec<(&'static str, &str)> {
        let said = [("rank", &*self.rank), ("of", &*self.of), ("min", &*self.min)];
        said.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    /// The address with one thing changed; an empty value takes it out.
    pub(super) fn link(&self, page: &str, name: &str, value: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let fields = [
            ("division", &self.division),
            ("domain", &self.domain),
            ("kind", &self.kind),
            ("from", &self.from),
            ("to", &self.to),
            ("by", &self.by),
            ("rank", &self.rank),
            ("of", &self.of),
            ("min", &self.min),
        ];
        for (known, old) in fields {
            let value = if known == name { value } else { old.as_str() };
            if !value.is_empty() {
                query.append_pair(known, value);
            }
        }
        format!("{page}?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_changes_one_thing_and_keeps_the_rest() {
        let ask = Ask { division: "330000".to_owned(), by: "kind".to_owned(), ..Ask::default() };
        assert_eq!(ask.link("/stats", "division", "330100"), "/stats?division=330100&by=kind");
        assert_eq!(ask.link("/stats", "by", ""), "/stats?division=330000");
        assert_eq!(ask.by(), GroupBy::Kind);
    }
}
