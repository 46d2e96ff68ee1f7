//! The set of rules: data with a version. A release brings one along in `data/rules-4/`; editors
//! publish others.
//!
//! A set is never changed once it was there; another one gets another number.

mod faults;

use serde::Deserialize;

pub use faults::{Fault, File, faults};

use super::ground::fingerprint;

/// The rules that this release brings.
const RULES: &str = include_str!("../../data/rules-4/rules.toml");
/// Their words.
const LEXICON: &str = include_str!("../../data/rules-4/lexicon.csv");
/// Everyday words that have a part in common with one of those.
const EVERYDAY: &str = include_str!("../../data/rules-4/everyday.txt");
/// The most ways in which one term is written.
const MOST_FORMS: usize = 256;

/// What a rule proposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Let whoever reads the message know; it holds nothing back.
    Note,
    /// Publish without the span.
    Redact,
    /// Let a person look.
    Hold,
}

impl Action {
    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Redact => "redact",
            Self::Hold => "hold",
        }
    }

    /// The action of a stored word.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Note, Self::Redact, Self::Hold].into_iter().find(|action| action.as_str() == word)
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
    /// A word that makes an advertisement only together with others; has no rule of its own.
    AdvertisingHint,
    /// Several such words, and a way to reach the author.
    Advertising,
    /// A number with 400 or 800: a company's. Only a way to reach somebody; has no rule of its own.
    ServiceNumber,
    /// A person's name beside data of that person.
    PersonalName,
    /// A word of the lexicon's category `danger`: somebody may come to harm.
    Danger,
    /// A word for what an official is said to have done; has no rule of its own.
    AccusationHint,
    /// A named person near such a word.
    Accusation,
    /// A link and a way to reach its author in one message.
    LinkAndContact,
    /// Nothing that can be read.
    Unreadable,
    /// Almost the same text as an earlier message.
    NearDuplicate,
    /// More messages of one author than a person writes.
    Flooding,
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
    /// Groups of characters that are read as the first of their group: traditional forms.
    pub variants: Vec<String>,
    /// Groups of characters that sound like the first of their group.
    pub sounds: Vec<String>,
    /// The digits 0 to 9 as Han characters, each with its variants.
    pub numerals: [String; 10],
    /// Han characters that, with the numerals, make up the number of a house.
    pub tens: String,
    /// Words after a number that make it an amount.
    pub amounts: Vec<String>,
    /// What stands before an amount of money.
    pub money: Vec<String>,
    /// Characters after a number that make it a part of a date.
    pub dates: String,
    /// Words that announce the number of an order, a document, a contract.
    pub orders: Vec<String>,
    /// The first two digits of assigned identity numbers (GB/T 2260).
    pub regions: Vec<String>,
    /// Words near a telephone number.
    pub telephone: Vec<String>,
    /// Latin letters before a telephone number.
    pub telephone_letters: Vec<String>,
    /// Words before the extension of a telephone number.
    pub extensions: Vec<String>,
    /// Words before a card number.
    pub card: Vec<String>,
    /// Words before an identity number.
    pub identity: Vec<String>,
    /// Words before a QQ number.
    pub qq: Vec<String>,
    /// Words before a WeChat id.
    pub wechat: Vec<String>,
    /// What may stand between such a word and the id.
    pub connectors: String,
    /// What stands for the sign of e-mail addresses.
    pub ats: Vec<String>,
    /// What stands for the dots in their hosts.
    pub dots: Vec<String>,
    /// Ends of usual hosts.
    pub tops: Vec<String>,
    /// The characters of the provinces on plates.
    pub plate_provinces: String,
    /// What ends special plates.
    pub plate_endings: Vec<String>,
    /// The character of embassies on plates.
    pub embassy: char,
    /// Words that begin with that character.
    pub not_embassies: Vec<String>,
    /// Words after the number of a building or its parts.
    pub buildings: Vec<String>,
    /// Those after which a bare number is a room.
    pub buildings_before_bare_room: Vec<String>,
    /// Words after the number of something with many houses; alone they lead to no door.
    pub wide_buildings: Vec<String>,
    /// Characters that tell parts of a building apart in place of a number.
    #[serde(default)]
    pub directions: String,
    /// Words after the number of a group in a village, where a house has its number.
    pub groups: Vec<String>,
    /// Words after the number of a room.
    pub rooms: Vec<String>,
    /// What follows a number that is no room.
    pub not_rooms: String,
    /// Words before a person's name.
    pub names: Vec<String>,
    /// Surnames of one character.
    pub surnames: String,
    /// Surnames of two characters.
    pub long_surnames: Vec<String>,
    /// Words that begin with a surname and are no names.
    pub not_names: Vec<String>,
    /// Words after a name.
    pub name_ends: Vec<String>,
    /// Titles of those whom people accuse.
    pub titles: Vec<String>,
    /// Those of them that follow names; all if there are none.
    #[serde(default)]
    pub titles_after: Vec<String>,
    /// The character that stands for a name that is not told.
    pub unnamed: char,
    /// Words before the name of somebody who is not accused.
    pub accusers: Vec<String>,
    /// Words before whoever is addressed, and is not accused.
    #[serde(default)]
    pub respects: Vec<String>,
    /// Words after whoever is addressed.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// Posts that tell who is accused without a name.
    #[serde(default)]
    pub posts: Vec<String>,
    /// Words before a post that is told of something.
    #[serde(default)]
    pub told: Vec<String>,
    /// Words for what a post is accused of.
    #[serde(default)]
    pub crimes: Vec<String>,
    /// Who may be accused of violence.
    #[serde(default)]
    pub parties: Vec<String>,
    /// Words for violence.
    #[serde(default)]
    pub violence: Vec<String>,
    /// Words for being in league with the post that follows.
    #[serde(default)]
    pub leagues: Vec<String>,
    /// Words that accuse without a post.
    #[serde(default)]
    pub outright: Vec<String>,
    /// Words after which a crime is spoken of in general.
    #[serde(default)]
    pub generally: Vec<String>,
    /// Ends of the names of authorities and of what they have telephones for.
    #[serde(default)]
    pub authorities: Vec<String>,
    /// Words between such a name and the number.
    #[serde(default)]
    pub telephones_of: Vec<String>,
    /// Characters by which the name of a place goes on after what looks like a title.
    #[serde(default)]
    pub place_ends: String,
    /// Characters of offices, which are no names.
    pub offices: String,
    /// The most frequent characters of ordinary text.
    pub common: String,
    /// Characters of texts that were read in a wrong encoding.
    pub mojibake: Vec<String>,
}

/// By what messages are compared.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How many different hints make an advertisement, with a way to reach the author.
    pub hints_with_contact: usize,
    /// The same without one.
    pub hints_alone: usize,
    /// In an advertisement there is one such word in so many characters.
    pub hint_distance: usize,
    /// From which share of common pairs of characters on two texts are almost the same, 0 to 1.
    pub duplicate_likeness: f64,
    /// The shortest text that is compared, in characters.
    pub duplicate_shortest: usize,
    /// So many messages of one author within `flooding_minutes` are written by a person.
    pub flooding_messages: u32,
    /// See `flooding_messages`.
    pub flooding_minutes: u32,
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
    /// `yes` if it is also written with characters that sound alike.
    pub like: String,
    /// `yes` if it is no term where an everyday word shares a part of it. What only sounds like a
    /// term never is.
    pub whole: String,
    /// Where it comes from.
    pub source: String,
}

impl Term {
    /// The ways in which it is written.
    pub fn forms(&self, sounds: &[String]) -> Vec<String> {
        let mut forms = vec![String::new()];
        for c in self.term.chars() {
            let group = sounds.iter().find(|group| self.like == "yes" && group.starts_with(c));
            let choices: Vec<char> = group.map_or_else(|| vec![c], |group| group.chars().collect());
            forms = forms
                .iter()
                .flat_map(|form| choices.iter().map(move |c| format!("{form}{c}")))
                .take(MOST_FORMS)
                .collect();
        }
        forms
    }
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
    /// By what messages are compared.
    pub limits: Limits,
    /// Their words.
    pub lexicon: Vec<Term>,
    /// Everyday words.
    pub everyday: Vec<String>,
    /// SHA-256 of the files it came from.
    pub fingerprint: [u8; 32],
}

/// The files that a set is written in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// Rules, lists and limits, as TOML.
    pub rules: String,
    /// Words to look for, as CSV.
    pub lexicon: String,
    /// Everyday words, one a line.
    pub everyday: String,
}

impl Files {
    /// Those that this release brings.
    pub fn current() -> Self {
        Self { rules: RULES.into(), lexicon: LEXICON.into(), everyday: EVERYDAY.into() }
    }

    /// SHA-256 of them.
    pub fn fingerprint(&self) -> [u8; 32] {
        fingerprint(&[&self.rules, &self.lexicon, &self.everyday])
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parsed {
    version: u32,
    rule: Vec<Rule>,
    lists: Lists,
    limits: Limits,
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
        Self::parse(&Files::current())
    }

    /// Reads a set.
    ///
    /// # Errors
    /// If a file is broken.
    pub fn parse(files: &Files) -> Result<Self, BadRules> {
        let parsed: Parsed = toml::from_str(&files.rules)?;
        let terms = csv::Reader::from_reader(files.lexicon.as_bytes())
            .deserialize()
            .collect::<Result<Vec<Term>, _>>()?;
        Ok(Self {
            version: parsed.version,
            rules: parsed.rule,
            lists: parsed.lists,
            limits: parsed.limits,
            lexicon: terms,
            everyday: everyday(&files.everyday).map(|(_, word)| word.to_owned()).collect(),
            fingerprint: files.fingerprint(),
        })
    }
}

/// Everyday words with the numbers of their lines.
fn everyday(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines().map(str::trim));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

#[cfg(test)]
mod tests;
