//! The set of rules: data with a version, brought along in `data/rules-1/`.
//!
//! A set is never changed once a release has brought it; a new one gets a new folder and number.

use serde::Deserialize;

use super::ground::fingerprint;

/// The rules that this release brings.
const RULES: &str = include_str!("../../data/rules-1/rules.toml");
/// Their words.
const LEXICON: &str = include_str!("../../data/rules-1/lexicon.csv");

/// What a rule proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Publish without the span.
    Redact,
    /// Let a person look.
    Hold,
}

impl Action {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redact => "redact",
            Self::Hold => "hold",
        }
    }

    /// The action of a stored word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Redact, Self::Hold].into_iter().find(|action| action.as_str() == word)
    }
}

/// What finds something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detector {
    /// A mobile number of the mainland.
    Mobile,
    /// A landline number with its area code.
    Landline,
    /// Seven or eight digits near a word such as "telephone".
    LandlineInContext,
    /// An 18-digit identity number whose check character is right (GB 11643-1999).
    IdentityNumber,
    /// 18 characters with region and birthday of an identity number, but another check character.
    IdentityNumberUnchecked,
    /// A 15-digit identity number of the first generation.
    IdentityNumber15,
    /// A bank card (ISO/IEC 7812-1, Luhn).
    BankCard,
    /// A licence plate (GA 36-2018).
    Plate,
    /// An e-mail address.
    Email,
    /// A QQ number.
    Qq,
    /// A WeChat id.
    Wechat,
    /// An address to the door of a flat.
    Address,
    /// A word of the lexicon's category `profanity`.
    Profanity,
    /// A word of the lexicon's category `insult`.
    Insult,
    /// A word of the lexicon's category `sexual`.
    Sexual,
    /// A word of the lexicon's category `advertising`.
    AdvertisingWord,
    /// A link and a way to reach its author in one message.
    LinkAndContact,
    /// Nothing that can be read.
    Unreadable,
}

/// One rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its id, which a hit carries.
    pub id: String,
    /// What finds it.
    pub detector: Detector,
    /// What it proposes.
    pub action: Action,
    /// How sure it is, 0 to 1.
    pub score: f64,
}

/// Lists of words and characters that the detectors need.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lists {
    /// The digits 0 to 9 as Han characters, each with its variants.
    pub numerals: [String; 10],
    /// Han characters that, with the numerals, make up the number of a house.
    pub tens: String,
    /// Words after a number that make it an amount.
    pub amounts: Vec<String>,
    /// The first two digits of assigned identity numbers (GB/T 2260).
    pub regions: Vec<String>,
    /// Words near a telephone number.
    pub telephone: Vec<String>,
    /// Words before a card number.
    pub card: Vec<String>,
    /// Words before a QQ number.
    pub qq: Vec<String>,
    /// Words before a WeChat id.
    pub wechat: Vec<String>,
    /// What may stand between such a word and the id.
    pub connectors: String,
    /// The characters of the provinces on plates.
    pub plate_provinces: String,
    /// The last characters of special plates.
    pub plate_endings: String,
    /// Words after the number of a building or its parts.
    pub buildings: Vec<String>,
    /// Those after which a bare number is a room.
    pub buildings_before_bare_room: Vec<String>,
    /// Words after the number of a room.
    pub rooms: Vec<String>,
    /// What follows a number that is no room.
    pub not_rooms: String,
}

/// A term of the lexicon.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The term, folded.
    pub term: String,
    /// Its category.
    pub category: Detector,
    /// What makes it another word by standing before it, separated by `|`.
    pub unless_after: String,
    /// What makes it another word by following it, separated by `|`.
    pub unless_before: String,
    /// Where it comes from.
    pub source: String,
}

/// A set of rules.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// Its version.
    pub version: u32,
    /// The rules.
    pub rules: Vec<Rule>,
    /// Their lists.
    pub lists: Lists,
    /// Their words.
    pub lexicon: Vec<Term>,
    /// SHA-256 of the files it came from.
    pub fingerprint: [u8; 32],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    rule: Vec<Rule>,
    lists: Lists,
}

/// Why a set of rules can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BadRules {
    /// The rules can't be read.
    #[error("the rules can't be read")]
    Rules(#[from] toml::de::Error),
    /// The lexicon can't be read.
    #[error("the lexicon can't be read")]
    Lexicon(#[from] csv::Error),
    /// The words can't be searched for.
    #[error("the lexicon can't be built")]
    Automaton(#[from] aho_corasick::BuildError),
}

impl RuleSet {
    /// The set that this release brings.
    ///
    /// # Errors
    /// If the files are broken, which a test excludes.
    pub fn current() -> Result<Self, BadRules> {
        Self::parse(RULES, LEXICON)
    }

    /// Reads a set.
    ///
    /// # Errors
    /// If a file is broken.
    pub fn parse(rules: &str, lexicon: &str) -> Result<Self, BadRules> {
        let file: File = toml::from_str(rules)?;
        let terms = csv::Reader::from_reader(lexicon.as_bytes())
            .deserialize()
            .collect::<Result<Vec<Term>, _>>()?;
        Ok(Self {
            version: file.version,
            rules: file.rule,
            lists: file.lists,
            lexicon: terms,
            fingerprint: fingerprint(&[rules, lexicon]),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_set_of_this_release_can_be_read() {
        let set = RuleSet::current().unwrap();
        assert_eq!(set.version, 1);
        let ids: HashSet<_> = set.rules.iter().map(|rule| &rule.id).collect();
        assert_eq!(ids.len(), set.rules.len(), "ids are unique");
        assert!(set.rules.iter().all(|rule| (0.0..=1.0).contains(&rule.score)));
        let terms: HashSet<_> = set.lexicon.iter().map(|term| &term.term).collect();
        assert_eq!(terms.len(), set.lexicon.len(), "terms are unique");
        for term in &set.lexicon {
            assert!(set.rules.iter().any(|rule| rule.detector == term.category), "{term:?}");
        }
    }
}
