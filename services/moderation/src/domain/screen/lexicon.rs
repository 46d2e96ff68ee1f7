//! Words that a person should look at, found all at once.

use std::ops::Range;

use aho_corasick::{AhoCorasick, BuildError};

use super::Found;
use crate::domain::{
    fold::Folded,
    rules::{Detector, RuleSet},
};

/// How far around a word everyday words are looked for that share characters with it.
const AROUND: usize = 8;
/// A word of so few letters must not have gaps.
const SHORT: usize = 3;

/// The words of a set of rules, as one automaton.
#[derive(Debug)]
pub(super) struct Lexicon {
    automaton: AhoCorasick,
    /// The term of each pattern, which may be written in several ways, and whether everyday words
    /// are looked for around it.
    owners: Vec<(usize, bool)>,
    terms: Vec<Entry>,
    /// Everyday words.
    everyday: AhoCorasick,
}

#[derive(Debug)]
struct Entry {
    category: Detector,
    /// In Latin letters.
    latin: bool,
    /// Two characters or one: such a term stands inside other words by chance.
    short: bool,
    /// What makes it another word by standing before it.
    unless_after: Vec<String>,
    /// What makes it another word by following it.
    unless_before: Vec<String>,
}

impl Lexicon {
    pub(super) fn new(set: &RuleSet) -> Result<Self, BuildError> {
        let list = |text: &str| {
            text.split('|').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let (mut patterns, mut owners) = (Vec::new(), Vec::new());
        for (owner, term) in set.lexicon.iter().enumerate() {
            for pattern in term.forms(&set.lists.sounds) {
                owners.push((owner, term.whole == "yes" || pattern != term.term));
                patterns.push(pattern);
            }
        }
        let entry = |term: &crate::domain::rules::Term| Entry {
            category: term.category,
            latin: term.term.is_ascii(),
            short: term.term.chars().count() <= 2,
            unless_after: list(&term.unless_after),
            unless_before: list(&term.unless_before),
        };
        Ok(Self {
            automaton: AhoCorasick::new(patterns)?,
            owners,
            terms: set.lexicon.iter().map(entry).collect(),
            everyday: AhoCorasick::new(&set.everyday)?,
        })
    }

    /// Finds words, also where spaces or ornaments part their characters. The end of a clause
    /// parts words for good, unless one and the same sign stands between all characters of a word.
    pub(super) fn find(&self, text: &Folded, found: &mut Vec<Found>) {
        let first = found.len();
        let joined = Dense::new(text, parts);
        for (entry, hit) in self.hits(&joined) {
            keep_longest(found, first, Found::new(entry.category, joined.origin(&hit)));
        }
        if !text.chars().iter().any(|c| ends_clause(*c)) {
            return;
        }
        let closer = Dense::new(text, |c| parts(c) || ends_clause(c));
        let mut parted = Vec::new();
        for (entry, hit) in self.hits(&closer) {
            let range = closer.origin(&hit);
            let known = found[first..]
                .iter()
                .any(|one| one.range.start <= range.start && range.end <= one.range.end);
            if !known && is_parted(text.chars(), &closer.origins[hit.clone()]) {
                keep_longest(&mut parted, 0, Found::new(entry.category, range));
            }
        }
        found.append(&mut parted);
    }

    /// Words in a dense text, as entries and ranges of bytes.
    fn hits<'a>(
        &'a self,
        dense: &'a Dense<'_>,
    ) -> impl Iterator<Item = (&'a Entry, Range<usize>)> + 'a {
        self.automaton.find_overlapping_iter(&dense.text).filter_map(move |hit| {
            let (owner, whole) = self.owners[hit.pattern().as_usize()];
            let entry = &self.terms[owner];
            let range = hit.start()..hit.end();
            let stands = if entry.latin {
                dense.stands_alone(&range)
            } else {
                let everyday = whole && self.is_everyday(entry, &dense.text, &range);
                !everyday && !is_excluded(entry, &dense.text, &range)
            };
            stands.then_some((entry, range))
        })
    }

    /// Whether an everyday word shares a part of it.
    fn is_everyday(&self, entry: &Entry, text: &str, hit: &Range<usize>) -> bool {
        let (before, after) = (&text[..hit.start], &text[hit.end..]);
        let start = before.char_indices().rev().take(AROUND).last().map_or(hit.start, |(at, _)| at);
        let end = after.char_indices().nth(AROUND).map_or(text.len(), |(at, _)| hit.end + at);
        self.everyday.find_overlapping_iter(&text[start..end]).any(|word| {
            let (from, to) = (start + word.start(), start + word.end());
            let over_start = from < hit.start && to > hit.start;
            let over_end = from < hit.end && to > hit.end;
            over_start || (over_end && entry.short)
        })
    }
}

/// Whether its neighbours make it another word.
fn is_excluded(entry: &Entry, text: &str, hit: &Range<usize>) -> bool {
    let (before, after) = (&text[..hit.start], &text[hit.end..]);
    entry.unless_after.iter().any(|word| before.ends_with(word.as_str()))
        || entry.unless_before.iter().any(|word| after.starts_with(word.as_str()))
}

/// Adds a word. The longest of words that end in one another is enough; they come by their ends.
fn keep_longest(found: &mut Vec<Found>, first: usize, new: Found) {
    while found.len() > first
        && found.last().is_some_and(|last| last.range.start >= new.range.start)
    {
        found.pop();
    }
    if found[first..].last().is_none_or(|last| last.range.end < new.range.end) {
        found.push(new);
    }
}

/// The text without what may part a word, and for each byte the character it came from.
struct Dense<'a> {
    original: &'a [char],
    text: String,
    origins: Vec<u32>,
}

impl<'a> Dense<'a> {
    fn new(text: &'a Folded, parts: fn(char) -> bool) -> Self {
        let original = text.chars();
        let mut dense = Self {
            original,
            text: String::with_capacity(original.len() * 3),
            origins: Vec::with_capacity(original.len() * 3),
        };
        for (at, c) in (0_u32..).zip(original) {
            if !parts(*c) {
                dense.text.push(*c);
                dense.origins.resize(dense.text.len(), at);
            }
        }
        dense
    }

    /// The characters that bytes came from.
    fn origin(&self, bytes: &Range<usize>) -> Range<usize> {
        self.origins[bytes.start] as usize..self.origins[bytes.end - 1] as usize + 1
    }

    /// Whether a word in Latin letters is no part of a longer one. A short one must not have gaps.
    fn stands_alone(&self, bytes: &Range<usize>) -> bool {
        let range = self.origin(bytes);
        let letter = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
        let before = range.start.checked_sub(1).and_then(|before| self.original.get(before));
        let after = self.original.get(range.end);
        let code = |c: Option<&char>| c.is_some_and(|c| matches!(c, '/' | '-' | '_' | '@' | '#'));
        let gaps = range.len() > bytes.len();
        let short = bytes.len() <= SHORT;
        !letter(before) && !letter(after) && !(short && (gaps || code(before) || code(after)))
    }
}

/// Whether one and the same sign stands between all characters of a word; the origins are those of
/// its bytes. Around two characters it must go on, as it does between those of a longer phrase.
fn is_parted(chars: &[char], origins: &[u32]) -> bool {
    let mut places: Vec<usize> = origins.iter().map(|at| *at as usize).collect();
    places.dedup();
    let sign = |pair: &[usize]| (pair[1] - pair[0] == 2).then(|| chars[pair[0] + 1]);
    let Some(first) = places.get(..2).and_then(sign) else { return false };
    let (start, end) = (places[0], places[places.len() - 1]);
    let goes_on = || chars.get(end + 1) == Some(&first) || (start > 0 && chars[start - 1] == first);
    places.windows(2).all(|pair| sign(pair) == Some(first)) && (places.len() >= 3 || goes_on())
}

/// Spaces within a line and ornaments.
fn parts(c: char) -> bool {
    matches!(
        c,
        ' ' | '\t' | '\u{3000}' | '\u{b7}' | '\u{2022}' | '\u{2026}'
            | '*' | '#' | '-' | '_' | '~' | '^' | '|' | '/' | '\\' | '+' | '=' | '`' | '\'' | '"' | '&' | '%' | '@'
            | '$' | '<' | '>' | '[' | ']' | '{' | '}'
            | '\u{2010}'..='\u{2015}'
            | '\u{2500}'..='\u{27bf}'
            | '\u{1f300}'..='\u{1faff}'
    )
}

/// Signs after which something else begins.
fn ends_clause(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | '(' | ')' | '\u{3001}' | '\u{3002}' | '\n')
}
