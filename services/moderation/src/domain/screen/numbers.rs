//! Numbers that belong to a person: telephone, identity, bank card.
//!
//! A text is cut into runs of digits ("chunks") and chunks that only a separator parts are read
//! together, so that `138 0013 8000` is one number and `138****8000` is none.

use std::ops::Range;

use super::{Found, Tables};
use crate::domain::{fold::Folded, rules::Detector};

/// The most chunks that are read as one number: a mobile number written digit by digit.
const MOST_CHUNKS: usize = 11;
/// The most digits of a number that is looked at.
const MOST_DIGITS: usize = 20;
/// How far from a number its context may stand, in characters.
const BEFORE: usize = 10;
const AFTER: usize = 8;

/// Digits without a gap.
#[derive(Debug)]
struct Chunk {
    range: Range<usize>,
    digits: Vec<u8>,
    /// Written in Han numerals.
    han: bool,
    /// Follows the chunk before it with no more than a separator between.
    joins: bool,
}

/// Finds numbers that lie outside of links.
pub(super) fn find(text: &Folded, tables: &Tables, links: &[Range<usize>], found: &mut Vec<Found>) {
    let chunks = chunks(text, tables);
    let mut at = 0;
    while at < chunks.len() {
        let inside_link = links.iter().any(|link| link.contains(&chunks[at].range.start));
        match best(text, tables, &chunks[at..]).filter(|_| !inside_link) {
            Some((detector, taken, range)) => {
                found.push(Found::new(detector, range));
                at += taken;
            }
            None => at += 1,
        }
    }
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
        let joins = chunks.last().is_some_and(|last| {
            let gap = &chars[last.range.end..at];
            last.han == han && (1..=2).contains(&gap.len()) && gap.iter().all(|c| separates(*c))
        });
        at = range.end;
        chunks.push(Chunk { range, digits, han, joins });
    }
    chunks
}

/// The digits that a text begins with: ASCII, where a later `o` is a nought, or Han numerals.
fn digits_at(chars: &[char], tables: &Tables) -> Option<(Vec<u8>, bool)> {
    if !chars.first().is_some_and(|c| c.is_ascii_digit() || tables.numeral(*c).is_some()) {
        return None;
    }
    let ascii: Vec<u8> = (0..)
        .zip(chars)
        .map_while(|(at, c)| match c {
            '0'..='9' => Some(*c as u8 - b'0'),
            'o' if at > 0 => Some(0),
            _ => None,
        })
        .collect();
    if !ascii.is_empty() {
        return Some((ascii, false));
    }
    let han: Vec<u8> = chars.iter().map_while(|c| tables.numeral(*c)).collect();
    (!han.is_empty()).then_some((han, true))
}

fn separates(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '_' | '\u{b7}' | '\u{2013}' | '\u{2014}' | ')')
}

/// The best reading of what begins at the first chunk: detector, chunks taken and where.
fn best(
    text: &Folded,
    tables: &Tables,
    chunks: &[Chunk],
) -> Option<(Detector, usize, Range<usize>)> {
    let first = chunks.first()?;
    let together = 1 + chunks[1..].iter().take_while(|chunk| chunk.joins).count();
    let mut digits = Vec::new();
    let mut readings = Vec::new();
    for taken in 1..=together.min(MOST_CHUNKS) {
        let last = &chunks[taken - 1];
        digits.extend(&last.digits);
        if digits.len() > MOST_DIGITS {
            break;
        }
        let number = Number {
            text,
            tables,
            digits: &digits,
            shape: chunks[..taken].iter().map(|chunk| chunk.digits.len()).collect(),
            range: first.range.start..last.range.end,
            alone: !first.joins && taken == together,
        };
        if let Some((detector, range)) = number.read(first.han) {
            readings.push((detector, taken, range));
        }
    }
    readings.pop()
}

/// Chunks read together.
struct Number<'a> {
    text: &'a Folded,
    tables: &'a Tables,
    digits: &'a [u8],
    shape: Vec<usize>,
    range: Range<usize>,
    /// No other chunk joins it.
    alone: bool,
}

impl Number<'_> {
    fn read(&self, han: bool) -> Option<(Detector, Range<usize>)> {
        let range = self.range.clone();
        if let Some(found) = self.identity() {
            return Some(found);
        }
        if self.is_mobile() {
            return Some((Detector::Mobile, range));
        }
        if han {
            return None;
        }
        if self.is_card() {
            return Some((Detector::BankCard, range));
        }
        if self.is_landline() {
            // The area code may stand in brackets.
            let bracket = range.start > 0 && self.text.chars()[range.start - 1] == '(';
            return Some((Detector::Landline, range.start - usize::from(bracket)..range.end));
        }
        self.is_landline_in_context().then_some((Detector::LandlineInContext, range))
    }

    fn has_context(&self, words: &[Vec<char>]) -> bool {
        let Range { start, end } = self.range;
        self.text.has_word_in(start.saturating_sub(BEFORE)..start, words)
            || self.text.has_word_in(end..end + AFTER, words)
    }

    fn is_amount(&self) -> bool {
        self.text.word_at(self.range.end, &self.tables.amounts).is_some()
    }

    /// 11 digits that begin with 13 to 19, with or without the country's code.
    fn is_mobile(&self) -> bool {
        let (number, shape) = match (self.digits, self.shape.as_slice()) {
            ([8, 6, number @ ..], [2, shape @ ..]) => (number, shape),
            ([0, 0, 8, 6, number @ ..], [4, shape @ ..]) => (number, shape),
            ([8, 6, number @ ..], [13]) => (number, &[11][..]),
            (number, shape) => (number, shape),
        };
        let grouped = matches!(
            shape,
            [11] | [3, 4, 4] | [3, 8] | [7, 4] | [3, 3, 5] | [4, 3, 4] | [4, 4, 3] | [3, 4, 2, 2]
        ) || (shape.len() == 11 && self.alone);
        grouped && matches!(number, [1, 3..=9, ..]) && number.len() == 11 && !self.is_amount()
    }

    fn identity(&self) -> Option<(Detector, Range<usize>)> {
        let Range { start, end } = self.range;
        let digits = self.digits;
        let single = self.shape.len() == 1;
        match digits.len() {
            17 if self.text.chars().get(end) == Some(&'x') => {
                self.identity_18(digits, 10, single).map(|found| (found, start..end + 1))
            }
            // Where a separator stands before the check character.
            17 if self.text.chars().get(end).is_some_and(|c| separates(*c))
                && self.text.chars().get(end + 1) == Some(&'x') =>
            {
                self.identity_18(digits, 10, false).map(|found| (found, start..end + 2))
            }
            18 => self
                .identity_18(&digits[..17], u32::from(digits[17]), single)
                .map(|found| (found, start..end)),
            15 => {
                let year = 1900 + value(&digits[6..8]);
                let right = single
                    && self.has_region()
                    && is_date(year, value(&digits[8..10]), value(&digits[10..12]));
                right.then_some((Detector::IdentityNumber15, start..end))
            }
            _ => None,
        }
    }

    fn identity_18(&self, digits: &[u8], check: u32, single: bool) -> Option<Detector> {
        let (year, month, day) =
            (value(&digits[6..10]), value(&digits[10..12]), value(&digits[12..14]));
        if !self.has_region() || !(1850..2100).contains(&year) || !is_date(year, month, day) {
            return None;
        }
        // Characters are separated in many ways, but then the check must be right.
        if check_of(digits) == check {
            Some(Detector::IdentityNumber)
        } else {
            single.then_some(Detector::IdentityNumberUnchecked)
        }
    }

    fn has_region(&self) -> bool {
        let region = value(&self.digits[..2]).to_string();
        self.tables.lists.regions.contains(&region)
    }

    /// A card's issuer, length and Luhn's check; without a known issuer only near a word for it.
    fn is_card(&self) -> bool {
        let length = self.digits.len();
        let in_fours = self.shape.len() > 1
            && self.shape[..self.shape.len() - 1].iter().all(|chunk| *chunk == 4);
        if !(self.shape.len() == 1 || in_fours) || !(15..=19).contains(&length) {
            return false;
        }
        let issued = match self.digits {
            [6, 2, ..] => length >= 16,
            [9, 5, 5, 8, ..] => length == 19,
            [4, ..] | [5, 1..=5, ..] | [3, 5, ..] => length == 16,
            [3, 4 | 7, ..] => length == 15,
            _ => false,
        };
        let known = issued || (length >= 16 && self.has_context(&self.tables.card));
        known && luhn(self.digits)
    }

    /// An area code (010, 02x, or 0 and three digits) and seven or eight digits.
    fn is_landline(&self) -> bool {
        let area = match self.digits {
            [0, 1, 0, ..] | [0, 2, 0..=9, ..] => 3,
            [0, 3..=9, ..] => 4,
            _ => return false,
        };
        // Points part decimal fractions.
        if self.text.chars()[self.range.clone()].contains(&'.') {
            return false;
        }
        match *self.shape.as_slice() {
            [first, rest] => first == area && (7..=8).contains(&rest),
            [first, 3 | 4, 4] => first == area,
            // Without a gap it is easily something else.
            [all] => {
                (7..=8).contains(&all.saturating_sub(area))
                    && self.has_context(&self.tables.telephone)
            }
            _ => false,
        }
    }

    fn is_landline_in_context(&self) -> bool {
        let shaped = matches!(self.shape.as_slice(), [7 | 8] | [4, 4] | [3, 4]);
        // A day written without gaps has eight digits too.
        let is_day = self.digits.len() == 8
            && (1900..2100).contains(&value(&self.digits[..4]))
            && is_date(
                value(&self.digits[..4]),
                value(&self.digits[4..6]),
                value(&self.digits[6..]),
            );
        shaped
            && self.alone
            && !is_day
            && !self.is_amount()
            && self.has_context(&self.tables.telephone)
    }
}

fn value(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + u32::from(*digit))
}

/// The check character of 17 digits, 10 for X (ISO 7064 MOD 11-2).
fn check_of(digits: &[u8]) -> u32 {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    (12 - sum % 11) % 11
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

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = (0_u32..)
        .zip(digits.iter().rev())
        .map(|(at, digit)| match u32::from(*digit) * (1 + at % 2) {
            doubled @ 10.. => doubled - 9,
            value => value,
        })
        .sum();
    sum.is_multiple_of(10)
}
