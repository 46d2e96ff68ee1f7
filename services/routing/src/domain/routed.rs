//! What models are asked of a message, and what of their answer counts.

/// The code of the domain of what belongs to no other.
pub const OTHER: &str = "16";

/// What a model tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The domain of a message.
    Domain,
    /// The office of a message whose own is not there.
    Office,
}

impl Subject {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Domain, Self::Office];

    /// Its code.
    pub fn code(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Office => "office",
        }
    }

    /// The one with this code.
    pub fn of(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.code() == code)
    }
}

/// A domain that a model is sure of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SuggestedDomain {
    /// Its code.
    pub code: String,
    /// The version of the model.
    pub version: i32,
}

/// What models are sure of, as far as a message needs it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Suggested {
    /// The domain, of a message that has none, or the one of what belongs to no other.
    pub domain: Option<SuggestedDomain>,
    /// Where a superior's decision about messages of that domain leads.
    pub precedent: Option<String>,
    /// The office.
    pub office_id: Option<String>,
}

/// Whether a message's domain tells too little.
pub fn lacks_domain(domain: &str) -> bool {
    domain.is_empty() || domain == OTHER
}

#[cfg(test)]
mod tests {
    use super::{Suggested, SuggestedDomain, lacks_domain};
    use crate::domain::{
        assignment::{Assignment, Rule, choose},
        case::{Opening, tests::an_opening},
        lists,
    };

    const DAY: jiff::civil::Date = jiff::civil::date(2026, 6, 3);

    fn chosen(opening: &Opening) -> (String, Rule) {
        let triage = ["M35".to_owned()];
        let Assignment { office_id, rule } =
            choose(lists::shared(), opening, &triage, DAY).unwrap();
        (office_id, rule)
    }

    #[test]
    fn what_people_chose_or_decided_comes_before_what_a_model_suggests() {
        let suggested = Some(Suggested {
            domain: Some(SuggestedDomain { code: "14".to_owned(), version: 1 }),
            precedent: None,
            office_id: Some("130104-g".to_owned()),
        });
        let with = |opening: Opening| Opening { suggested: suggested.clone(), ..opening };
        let known = with(an_opening());
        assert_eq!(chosen(&known), ("130102-g".to_owned(), Rule::OfficeChosen));
        let unknown = with(Opening { office_id: "nowhere".to_owned(), ..an_opening() });
        assert_eq!(chosen(&unknown), ("130104-g".to_owned(), Rule::Suggestion));
        let accusing = Opening { accused: vec!["nowhere".to_owned()], ..unknown.clone() };
        assert_eq!(chosen(&accusing), ("M35".to_owned(), Rule::TriageAccused));
        let decided = Opening { precedent: Some("130105-g".to_owned()), ..unknown.clone() };
        assert_eq!(chosen(&decided), ("130105-g".to_owned(), Rule::Precedent));
        let alone = Opening { suggested: None, ..unknown };
        assert_eq!(chosen(&alone), ("M35".to_owned(), Rule::TriageNoOffice));
    }

    #[test]
    fn a_precedent_of_the_suggested_domain_leads_its_case() {
        let precedent = Some("130105-g".to_owned());
        let suggested = Some(Suggested { precedent, ..Suggested::default() });
        let opening = Opening { suggested, ..an_opening() };
        assert_eq!(chosen(&opening), ("130105-g".to_owned(), Rule::Suggestion));
    }

    #[test]
    fn what_belongs_to_no_other_domain_has_none() {
        assert!(lacks_domain("") && lacks_domain("16") && !lacks_domain("6"));
    }
}
