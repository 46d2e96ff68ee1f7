//! Words that a person should look at, found all at once.

use aho_corasick::{AhoCorasick, BuildError};

use super::Found;
use crate::domain::{
    fold::Folded,
    rules::{Detector, Term},
};

/// The words of a set of rules, as one automaton.
#[derive(Debug)]
pub(super) struct Lexicon {
    automaton: AhoCorasick,
    terms: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    category: Detector,
    /// What makes it another word by standing before it.
    unless_after: Vec<String>,
    /// What makes it another word by following it.
    unless_before: Vec<String>,
}

impl Lexicon {
    pub(super) fn new(terms: &[Term]) -> Result<Self, BuildError> {
        let list = |text: &str| {
            text.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        Ok(Self {
            automaton: AhoCorasick::new(terms.iter().map(|term| &term.term))?,
            terms: terms
                .iter()
                .map(|term| Entry {
                    category: term.category,
                    unless_after: list(&term.unless_after),
                    unless_before: list(&term.unless_before),
                })
                .collect(),
        })
    }

    /// Finds words, also where spaces or ornaments part their characters. The end of a clause
    /// parts words for good.
    pub(super) fn find(&self, text: &Folded, found: &mut Vec<Found>) {
        let (dense, origins) = dense(text);
        let first = found.len();
        for hit in self.automaton.find_overlapping_iter(&dense) {
            let entry = &self.terms[hit.pattern().as_usize()];
            let (before, after) = (&dense[..hit.start()], &dense[hit.end()..]);
            let other_word = entry.unless_after.iter().any(|word| before.ends_with(word.as_str()))
                || entry.unless_before.iter().any(|word| after.starts_with(word.as_str()));
            if other_word {
                continue;
            }
            let range = origins[hit.start()] as usize..origins[hit.end() - 1] as usize + 1;
            // The longest of words that end in one another is enough. Hits come by their ends.
            while found.len() > first
                && found.last().is_some_and(|last| last.range.start >= range.start)
            {
                found.pop();
            }
            if found[first..].last().is_none_or(|last| last.range.end < range.end) {
                found.push(Found::new(entry.category, range));
            }
        }
    }
}

/// The text without what may part a word, and for each byte the character it came from.
fn dense(text: &Folded) -> (String, Vec<u32>) {
    let mut dense = String::with_capacity(text.chars().len() * 3);
    let mut origins = Vec::with_capacity(text.chars().len() * 3);
    for (at, c) in (0_u32..).zip(text.chars()) {
        if parts(*c) {
            continue;
        }
        dense.push(*c);
        origins.resize(dense.len(), at);
    }
    (dense, origins)
}

/// Spaces within a line and ornaments.
fn parts(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{3000}' | '\u{b7}' | '\u{2022}' | '\u{2026}'
            | '*' | '#' | '-' | '_' | '~' | '^' | '|' | '/' | '\\' | '+' | '=' | '`' | '\'' | '"' | '&' | '%' | '@'
            | '\u{2010}'..='\u{2015}'
            | '\u{2500}'..='\u{27bf}'
            | '\u{1f300}'..='\u{1faff}'
    )
}
