//! Reads a text by the rules. Each detector passes over the text once, and looks a fixed way
//! around what it finds: time grows with the length of the text and with nothing else.

mod accusations;
mod addresses;
mod contacts;
mod lexicon;
mod names;
mod numbers;
mod plates;
mod quality;
mod tables;

use std::{collections::HashSet, ops::Range};

use super::{
    fold::{Folded, Variants},
    rules::{Action, BadRules, Detector, Limits, RuleSet},
    text::{Field, Span, Text},
};
use tables::Tables;

/// The most hits of one text that are kept. A person who sees so many needs no more.
pub const MOST_HITS: usize = 100;

/// What one rule found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The rule's id.
    pub rule: String,
    /// Where.
    pub span: Span,
    /// What it proposes.
    pub action: Action,
    /// How sure it is, 0 to 1.
    pub score: f64,
    /// The number of another message that it is like; for moderators only.
    pub like: String,
}

impl Hit {
    /// Whether a person must look before the message may pass.
    pub fn holds(&self) -> bool {
        self.action != Action::Note
    }
}

/// Something found in a folded field.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Found {
    detector: Detector,
    range: Range<usize>,
}

impl Found {
    fn new(detector: Detector, range: Range<usize>) -> Self {
        Self { detector, range }
    }
}

/// A set of rules, ready to read.
#[derive(Debug)]
pub struct Screener {
    set: RuleSet,
    tables: Tables,
    lexicon: lexicon::Lexicon,
}

impl Screener {
    /// Makes a set of rules ready.
    ///
    /// # Errors
    /// If the words can't be built into an automaton.
    pub fn new(set: RuleSet) -> Result<Self, BadRules> {
        let lexicon = lexicon::Lexicon::new(&set)?;
        Ok(Self { tables: Tables::new(&set.lists), lexicon, set })
    }

    /// The version of the rules.
    pub fn version(&self) -> u32 {
        self.set.version
    }

    /// The fingerprint of the files that the rules came from.
    pub fn fingerprint(&self) -> [u8; 32] {
        self.set.fingerprint
    }

    /// How variants of characters are read.
    pub fn variants(&self) -> &Variants {
        &self.tables.variants
    }

    /// What the rules compare messages by.
    pub fn limits(&self) -> &Limits {
        &self.set.limits
    }

    /// What the rules find in a text, in the order of the text, at most [`MOST_HITS`].
    pub fn screen(&self, text: &Text) -> Vec<Hit> {
        let mut hits = Vec::new();
        let mut link = None;
        let mut contact = false;
        let mut hints = Hints::default();
        let mut characters = 0;
        for field in Field::ALL {
            let text = text.field(field);
            if text.is_empty() {
                continue;
            }
            let folded = Folded::new(field, text, &self.tables.variants);
            characters += folded.chars().len();
            let links = contacts::links(&folded);
            let mut found = self.find(&folded, &links);
            found.sort_by_key(|found| (found.range.start, found.range.end));
            contact |= found.iter().any(|found| is_contact(found.detector));
            link = link.or_else(|| links.into_iter().next().map(|range| folded.span(range)));
            for found in found {
                match found.detector {
                    Detector::AdvertisingHint => hints.add(&folded, found.range),
                    Detector::ServiceNumber | Detector::AccusationHint => {}
                    detector => hits.extend(self.hit(detector, folded.span(found.range))),
                }
            }
            if quality::is_unreadable(&folded, &self.tables) {
                hits.extend(self.hit(Detector::Unreadable, folded.whole()));
            }
        }
        if let (Some(span), true) = (link, contact) {
            hits.extend(self.hit(Detector::LinkAndContact, span));
        }
        let needed = if contact || link.is_some() {
            self.set.limits.hints_with_contact
        } else {
            self.set.limits.hints_alone
        };
        let dense = characters <= hints.words.len() * self.set.limits.hint_distance;
        if let Some(span) = hints.first.filter(|_| dense && hints.words.len() >= needed) {
            hits.extend(self.hit(Detector::Advertising, span));
        }
        hits.truncate(MOST_HITS);
        hits
    }

    fn find(&self, folded: &Folded, links: &[Range<usize>]) -> Vec<Found> {
        let mut found = Vec::new();
        numbers::find(folded, &self.tables, links, &mut found);
        contacts::find(folded, &self.tables, &mut found);
        plates::find(folded, &self.tables, &mut found);
        addresses::find(folded, &self.tables, &mut found);
        names::find(folded, &self.tables, &mut found);
        self.lexicon.find(folded, &mut found);
        accusations::find(folded, &self.tables, &mut found);
        found
    }

    /// What the rule of a detector says of a span; nothing if the set has no such rule.
    pub fn hit(&self, detector: Detector, span: Span) -> Option<Hit> {
        let rule = self.set.rules.iter().find(|rule| rule.detector == detector)?;
        Some(Hit {
            rule: rule.id.clone(),
            span,
            action: rule.action,
            score: rule.score,
            like: String::new(),
        })
    }
}

/// Words that only together make an advertisement.
#[derive(Default)]
struct Hints {
    words: HashSet<String>,
    first: Option<Span>,
}

impl Hints {
    fn add(&mut self, text: &Folded, range: Range<usize>) {
        self.words.insert(text.chars()[range.clone()].iter().collect());
        self.first = self.first.or_else(|| Some(text.span(range)));
    }
}

/// Whether it tells how to reach somebody.
fn is_contact(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::Mobile
            | Detector::Landline
            | Detector::LandlineInContext
            | Detector::ServiceNumber
            | Detector::Qq
            | Detector::Wechat
    )
}

#[cfg(test)]
mod tests;
