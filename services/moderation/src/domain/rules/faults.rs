//! What is wrong with a set of rules, everything at once and each with its line.

use std::collections::HashMap;

use super::{Detector, Files, MOST_FORMS, Parsed, Term, everyday};

/// The largest file, in bytes.
const LARGEST: usize = 1 << 20;
/// The most terms and everyday words.
const MOST_TERMS: usize = 20_000;
/// The longest term, in characters.
const LONGEST_TERM: usize = 40;
/// The most faults that are told.
const MOST_FAULTS: usize = 200;

/// One of the files of a set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    /// Rules, lists and limits.
    Rules,
    /// Words to look for.
    Lexicon,
    /// Everyday words.
    Everyday,
}

impl File {
    /// The name by which a caller knows it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Lexicon => "lexicon",
            Self::Everyday => "everyday",
        }
    }
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// In which file.
    pub file: File,
    /// In which line, from 1; 0 if in the file as a whole.
    pub line: usize,
    /// What, as a reason in capitals.
    pub reason: &'static str,
    /// The word or value it is about.
    pub what: String,
}

/// Everything that is wrong with the files of a set, up to a limit.
pub fn faults(files: &Files) -> Vec<Fault> {
    let mut faults = Faults(Vec::new());
    for (file, text) in [
        (File::Rules, &files.rules),
        (File::Lexicon, &files.lexicon),
        (File::Everyday, &files.everyday),
    ] {
        if text.len() > LARGEST {
            faults.add(file, 0, "FILE_TOO_LARGE", text.len());
        }
    }
    if !faults.0.is_empty() {
        return faults.0;
    }
    let parsed = parsed(&mut faults, &files.rules);
    let terms = terms(&mut faults, &files.lexicon);
    words(&mut faults, &files.everyday);
    if let Some(parsed) = parsed {
        of_rules(&mut faults, &files.rules, &parsed);
        of_terms(&mut faults, &parsed, &terms);
    }
    faults.0.truncate(MOST_FAULTS);
    faults.0
}

struct Faults(Vec<Fault>);

impl Faults {
    fn add(&mut self, file: File, line: usize, reason: &'static str, what: impl ToString) {
        self.0.push(Fault { file, line, reason, what: what.to_string() });
    }
}

fn parsed(faults: &mut Faults, text: &str) -> Option<Parsed> {
    toml::from_str(text)
        .map_err(|error: toml::de::Error| {
            let line = error.span().map_or(0, |span| line_of(text, span.start));
            faults.add(File::Rules, line, "RULES_MALFORMED", error.message());
        })
        .ok()
}

/// The line, from 1, of a position in bytes.
fn line_of(text: &str, position: usize) -> usize {
    let before = &text.as_bytes()[..position.min(text.len())];
    1 + before.iter().filter(|c| **c == b'\n').count()
}

/// The terms that can be read, with their lines.
fn terms(faults: &mut Faults, text: &str) -> Vec<(usize, Term)> {
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let mut terms = Vec::new();
    let mut records = 0;
    for row in reader.deserialize::<Term>() {
        records += 1;
        match row {
            Ok(term) => terms.push((records + 1, term)),
            Err(error) => {
                let line = error.position().and_then(|at| usize::try_from(at.line()).ok());
                faults.add(File::Lexicon, line.unwrap_or_default(), "LEXICON_MALFORMED", &error);
            }
        }
        if records > MOST_TERMS {
            faults.add(File::Lexicon, 0, "TOO_MANY_ENTRIES", MOST_TERMS);
            break;
        }
    }
    if records == 0 {
        faults.add(File::Lexicon, 0, "LEXICON_EMPTY", 0);
    }
    terms
}

fn words(faults: &mut Faults, text: &str) {
    let mut seen = HashMap::new();
    for (line, word) in everyday(text) {
        if !(2..=LONGEST_TERM).contains(&word.chars().count()) {
            faults.add(File::Everyday, line, "WORD_LENGTH", word);
        }
        if let Some(first) = seen.insert(word, line) {
            faults.add(File::Everyday, line, "TERM_TWICE", format!("{word} ({first})"));
        }
    }
    if seen.len() > MOST_TERMS {
        faults.add(File::Everyday, 0, "TOO_MANY_ENTRIES", MOST_TERMS);
    }
}

fn of_rules(faults: &mut Faults, text: &str, parsed: &Parsed) {
    // Rules are written in the order in which they are read.
    let lines: Vec<usize> = (1..)
        .zip(text.lines())
        .filter(|(_, line)| line.trim() == "[[rule]]")
        .map(|(at, _)| at)
        .collect();
    let mut ids = HashMap::new();
    for (at, rule) in parsed.rule.iter().enumerate() {
        let line = lines.get(at).copied().unwrap_or_default();
        let right = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        if rule.id.is_empty() || rule.id.len() > LONGEST_TERM || !rule.id.bytes().all(right) {
            faults.add(File::Rules, line, "RULE_ID_MALFORMED", &rule.id);
        }
        if ids.insert(&rule.id, line).is_some() {
            faults.add(File::Rules, line, "RULE_TWICE", &rule.id);
        }
        if !(0.0..=1.0).contains(&rule.score) {
            faults.add(File::Rules, line, "SCORE_OUTSIDE", rule.score);
        }
        if matches!(
            rule.detector,
            Detector::AdvertisingHint | Detector::AccusationHint | Detector::ServiceNumber
        ) {
            faults.add(File::Rules, line, "DETECTOR_WITHOUT_RULE", &rule.id);
        }
        if parsed.rule[..at].iter().any(|other| other.detector == rule.detector) {
            faults.add(File::Rules, line, "DETECTOR_TWICE", &rule.id);
        }
    }
    if parsed.rule.is_empty() {
        faults.add(File::Rules, 0, "RULES_EMPTY", 0);
    }
    let limits = &parsed.limits;
    if !(0.3..=1.0).contains(&limits.duplicate_likeness) {
        faults.add(File::Rules, 0, "LIMIT_OUTSIDE", "duplicate_likeness");
    }
    let counts = [
        ("hints_with_contact", limits.hints_with_contact),
        ("hints_alone", limits.hints_alone),
        ("hint_distance", limits.hint_distance),
        ("duplicate_shortest", limits.duplicate_shortest),
        ("flooding_messages", limits.flooding_messages as usize),
        ("flooding_minutes", limits.flooding_minutes as usize),
    ];
    for (name, count) in counts {
        if !(1..=10_000).contains(&count) {
            faults.add(File::Rules, 0, "LIMIT_OUTSIDE", name);
        }
    }
}

fn of_terms(faults: &mut Faults, parsed: &Parsed, terms: &[(usize, Term)]) {
    let mut seen = HashMap::new();
    for (line, term) in terms {
        let length = term.term.chars().count();
        if !(1..=LONGEST_TERM).contains(&length) {
            faults.add(File::Lexicon, *line, "TERM_LENGTH", &term.term);
        }
        let blank = |c: char| c.is_whitespace() || c.is_control() || c.is_uppercase();
        if term.term.chars().any(blank) {
            faults.add(File::Lexicon, *line, "TERM_NOT_FOLDED", &term.term);
        }
        if let Some(first) = seen.insert(&term.term, *line) {
            faults.add(File::Lexicon, *line, "TERM_TWICE", format!("{} ({first})", term.term));
        }
        for flag in [&term.like, &term.whole] {
            if !matches!(flag.as_str(), "" | "yes") {
                faults.add(File::Lexicon, *line, "FLAG_MALFORMED", flag);
            }
        }
        if term.forms(&parsed.lists.sounds).len() >= MOST_FORMS {
            faults.add(File::Lexicon, *line, "TOO_MANY_FORMS", &term.term);
        }
        let wordy = matches!(
            term.category,
            Detector::Profanity
                | Detector::Insult
                | Detector::Sexual
                | Detector::AdvertisingWord
                | Detector::AdvertisingHint
                | Detector::AccusationHint
                | Detector::Danger
        );
        let hint = matches!(term.category, Detector::AdvertisingHint | Detector::AccusationHint);
        if !wordy {
            faults.add(File::Lexicon, *line, "CATEGORY_UNKNOWN", &term.term);
        } else if !hint && !parsed.rule.iter().any(|rule| rule.detector == term.category) {
            faults.add(File::Lexicon, *line, "CATEGORY_WITHOUT_RULE", &term.term);
        }
    }
}
