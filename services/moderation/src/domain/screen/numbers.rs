//! Numbers that belong to a person: telephone, identity, bank card.
//!
//! A text is cut into runs of digits ("chunks") and chunks that only a separator parts are read
//! together, so that `138 0013 8000` is one number and `138****8000` is none.

mod kinds;
mod mixed;

use std::ops::Range;

use super::{Found, tables::Tables};
use crate::domain::{fold::Folded, rules::Detector};

/// The most chunks that are read as one number: a card's written digit by digit.
const MOST_CHUNKS: usize = 19;
/// The most digits of a number that is looked at.
const MOST_DIGITS: usize = 22;
/// The most characters between two chunks of one number.
const LONGEST_GAP: usize = 3;

/// What stands before a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    /// Other text.
    Apart,
    /// A separator that is usual in numbers.
    Usual,
    /// Another sign, which parts numbers as often as it hides one.
    Odd,
}

/// Digits without a gap.
#[derive(Debug)]
struct Chunk {
    range: Range<usize>,
    digits: Vec<u8>,
    /// Written in Han numerals.
    han: bool,
    /// What parts it from the chunk before it.
    gap: Gap,
}

/// Finds numbers that lie outside of links.
pub(super) fn find(text: &Folded, tables: &Tables, links: &[Range<usize>], found: &mut Vec<Found>) {
    let inside_link = |at: usize| links.iter().any(|link| link.contains(&at));
    // What is whole only if letters and numerals are read as digits is no part of anything else.
    let mut hidden = Vec::new();
    mixed::find(text, tables, &mut hidden);
    hidden.retain(|one| !inside_link(one.range.start));
    let mut last = 0;
    let chunks = chunks(text, tables);
    let mut at = 0;
    while at < chunks.len() {
        // Both are in the order of the text.
        let start = chunks[at].range.start;
        last += hidden[last..].iter().take_while(|one| one.range.end <= start).count();
        if hidden.get(last).is_some_and(|one| one.range.contains(&start)) {
            at += 1;
            continue;
        }
        let read = best(text, tables, &chunks, at);
        match read.filter(|_| !inside_link(chunks[at].range.start)) {
            Some((detector, taken, range)) => {
                found.push(Found::new(detector, range));
                at += taken;
            }
            None => at += 1,
        }
    }
    found.append(&mut hidden);
}

fn chunks(text: &Folded, tables: &Tables) -> Vec<Chunk> {
    let chars = text.chars();
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let Some((digits, han)) = digits_at(&chars[at..], tables) else {
            at += 1;
            continue;
        };
        let range = at..at + digits.len();
        let gap = match chunks.last() {
            Some(last) if last.han == han => gap(&chars[last.range.end..at]),
            _ => Gap::Apart,
        };
        at = range.end;
        chunks.push(Chunk { range, digits, han, gap });
    }
    chunks
}

/// The digits that a text begins with: ASCII, where a later `o` is a nought, or Han numerals.
fn digits_at(chars: &[char], tables: &Tables) -> Option<(Vec<u8>, bool)> {
    let first = *chars.first()?;
    if first.is_ascii_digit() {
        let digits = chars.iter().map_while(|c| match c {
            '0'..='9' => Some(*c as u8 - b'0'),
            'o' => Some(0),
            _ => None,
        });
        return Some((digits.collect(), false));
    }
    tables.numeral(first)?;
    let mut digits: Vec<u8> = chars.iter().map_while(|c| tables.numeral(*c)).collect();
    // The numeral one begins words that follow a number.
    if let ([1, 3..=9, ..], 12, Some(1)) = (digits.as_slice(), digits.len(), digits.last()) {
        digits.pop();
    }
    Some((digits, true))
}

fn gap(between: &[char]) -> Gap {
    if !(1..=LONGEST_GAP).contains(&between.len()) {
        return Gap::Apart;
    }
    if between.iter().all(|c| separates(*c)) {
        return Gap::Usual;
    }
    let odd =
        |c: &char| separates(*c) || matches!(c, '*' | '/' | '~' | ',' | '+' | '|' | '\u{3001}');
    if between.iter().all(odd) && between.iter().filter(|c| **c == '*').count() < 2 {
        Gap::Odd
    } else {
        Gap::Apart
    }
}

fn separates(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '_' | '\u{b7}' | '\u{2013}' | '\u{2014}' | '\u{2212}' | ')' | '(')
}

/// The longest reading of what begins at a chunk: detector, chunks taken and where.
fn best(
    text: &Folded,
    tables: &Tables,
    chunks: &[Chunk],
    at: usize,
) -> Option<(Detector, usize, Range<usize>)> {
    let first = &chunks[at];
    let joined = |chunk: &&Chunk| chunk.gap != Gap::Apart;
    let together = 1 + chunks[at + 1..].iter().take(MOST_CHUNKS).take_while(joined).count();
    let mut digits = Vec::with_capacity(MOST_DIGITS);
    let mut odd = false;
    let mut longest = None;
    for taken in 1..=together.min(MOST_CHUNKS) {
        let last = &chunks[at + taken - 1];
        digits.extend(&last.digits);
        if digits.len() > MOST_DIGITS {
            break;
        }
        odd |= taken > 1 && last.gap == Gap::Odd;
        let number = Number {
            text,
            tables,
            digits: &digits,
            shape: chunks[at..at + taken].iter().map(|chunk| chunk.digits.len()).collect(),
            range: first.range.start..last.range.end,
            before: (first.gap != Gap::Apart).then(|| &chunks[at - 1]),
            after: chunks.get(at + taken).filter(|chunk| chunk.gap != Gap::Apart),
            odd,
        };
        if let Some((detector, range)) = number.read(first.han) {
            longest = Some((detector, taken, range));
        }
    }
    longest
}

/// Chunks read together.
struct Number<'a> {
    text: &'a Folded,
    tables: &'a Tables,
    digits: &'a [u8],
    shape: Vec<usize>,
    range: Range<usize>,
    /// Digits that only a separator parts from it.
    before: Option<&'a Chunk>,
    after: Option<&'a Chunk>,
    /// Whether an odd sign stands within it.
    odd: bool,
}

fn value(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + u32::from(*digit))
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 0,
    };
    (1..=days).contains(&day)
}
