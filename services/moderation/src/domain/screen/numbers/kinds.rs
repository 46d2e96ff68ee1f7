//! What a number is: its digits, how they are grouped, and what stands beside it.

use std::ops::Range;

use super::{Number, is_date, separates, value};
use crate::domain::{rules::Detector, screen::tables::Tables};

/// How far from a number its context may stand, in characters.
const BEFORE: usize = 10;
const AFTER: usize = 8;
/// How many signs may part a number from the word that says what it is.
const CONNECTORS: usize = 4;
/// The years of birth that are believed.
const YEARS: Range<u32> = 1850..2040;

impl Number<'_> {
    /// What it is, and where: an extension or a check character belongs to it.
    pub(super) fn read(&self, han: bool) -> Option<(Detector, Range<usize>)> {
        if let Some(found) = self.identity() {
            return Some(found);
        }
        if self.odd {
            let card = self.is_card() && self.has_context(&self.tables.card);
            return match (card, self.is_hidden_mobile()) {
                (true, _) => Some((Detector::BankCard, self.range.clone())),
                (false, true) => Some((Detector::Mobile, self.range.clone())),
                (false, false) => None,
            };
        }
        if self.is_mobile() {
            return Some((Detector::Mobile, self.range.clone()));
        }
        // Numerals make words and amounts, too: here they are what something says they are.
        let told = |words| !han || self.has_context(words);
        if self.is_card() && told(&self.tables.card) {
            return Some((Detector::BankCard, self.range.clone()));
        }
        if han {
            let right = self.is_landline() && told(&self.tables.telephone);
            return right.then(|| (Detector::Landline, self.range.clone()));
        }
        let detector = if self.is_service_number() {
            Detector::ServiceNumber
        } else if self.is_landline() {
            Detector::Landline
        } else if self.is_landline_in_context() {
            Detector::LandlineInContext
        } else {
            return None;
        };
        Some((detector, self.start_of_brackets()..self.end_of_extension()))
    }

    /// A bracket before it belongs to it if its other half lies inside.
    fn start_of_brackets(&self) -> usize {
        let (chars, start) = (self.text.chars(), self.range.start);
        let opened = start > 0 && chars[start - 1] == '(';
        start - usize::from(opened && chars[self.range.clone()].contains(&')'))
    }

    /// Whether one of the words stands near it, in the same clause.
    fn has_context(&self, words: &[Vec<char>]) -> bool {
        let chars = self.text.chars();
        let Range { start, end } = self.range;
        let before = chars[..start].iter().rev().take(BEFORE);
        let before = before.take_while(|c| !ends_clause(**c)).count();
        let after = chars[end..].iter().take(AFTER).take_while(|c| !ends_clause(**c)).count();
        self.text.has_word_in(start - before..start, words)
            || self.text.has_word_in(end..end + after, words)
    }

    /// Whether one of the words says right before it what it is.
    fn is_announced(&self, words: &[Vec<char>]) -> bool {
        let chars = self.text.chars();
        let connectors = chars[..self.range.start].iter().rev().take(CONNECTORS);
        let connectors =
            connectors.take_while(|c| self.tables.lists.connectors.contains(**c)).count();
        (0..=connectors).any(|gap| self.text.word_before(self.range.start - gap, words).is_some())
    }

    fn is_amount(&self) -> bool {
        let Range { start, end } = self.range;
        let gap = usize::from(self.text.chars().get(end) == Some(&' '));
        self.text.word_at(end + gap, &self.tables.amounts).is_some()
            || self.text.word_before(start, &self.tables.money).is_some()
    }

    /// Whether it is a part of something longer: a code with letters, a fraction, a longer number.
    fn is_part(&self) -> bool {
        let chars = self.text.chars();
        let Range { start, end } = self.range;
        let letters_before =
            chars[..start].iter().rev().take(16).take_while(|c| c.is_ascii_alphabetic()).count();
        let told = self.text.word_before(start, &self.tables.telephone_letters);
        if letters_before > 0 && told != Some(letters_before) {
            return true;
        }
        // As in HT-2023-13800138000.
        if let [.., before, '-' | '_' | '/' | '#'] = &chars[..start]
            && before.is_ascii_alphabetic()
        {
            return true;
        }
        let letters_after =
            chars[end..].iter().take(16).take_while(|c| c.is_ascii_alphabetic()).count();
        let code = chars.get(end + letters_after).is_some_and(char::is_ascii_digit);
        if letters_after == 1 || (letters_after > 0 && code) {
            return true;
        }
        self.before.is_some_and(|before| {
            let between = &chars[before.range.end..start];
            let list = before.range.len() == 1 && matches!(between, ['.', ..]) && {
                before.range.start == 0 || !chars[before.range.start - 1].is_ascii_alphanumeric()
            };
            self.is_tight(between) && !list && before.digits.len() != 11 && before.digits != [8, 6]
        }) || self.after.is_some_and(|after| {
            let between = &chars[end..after.range.start];
            let day = matches!(between, ['.']) && after.digits.len() <= 2 && {
                chars.get(after.range.end).is_some_and(|c| self.tables.lists.dates.contains(*c))
            };
            self.is_tight(between) && after.digits.len() != 11 && !day
        })
    }

    /// Whether what stands between it and another number makes one of them. One that is cut by other
    /// signs ends at a slash.
    fn is_tight(&self, between: &[char]) -> bool {
        match between {
            ['/'] => self.shape.len() == 1,
            [sign] => matches!(sign, '-' | '.' | '_'),
            _ => false,
        }
    }

    /// 11 digits that begin with 13 to 19, with or without the country's code.
    fn is_mobile(&self) -> bool {
        let (number, shape) = match (self.digits, self.shape.as_slice()) {
            ([8, 6, number @ ..], [2, shape @ ..]) => (number, shape),
            ([0, 0, 8, 6, number @ ..], [4, shape @ ..]) => (number, shape),
            ([8, 6, number @ ..], [13]) => (number, &[11][..]),
            ([0, 0, 8, 6, number @ ..], [15]) => (number, &[11][..]),
            (number, shape) => (number, shape),
        };
        if number.len() != 11 || !matches!(number, [1, 3..=9, ..]) {
            return false;
        }
        let grouped = matches!(
            shape,
            [11] | [3, 4, 4]
                | [3, 8]
                | [7, 4]
                | [3, 3, 5]
                | [4, 3, 4]
                | [4, 4, 3]
                | [3, 4, 2, 2]
                | [3, 2, 3, 3]
                | [3, 2, 2, 2, 2]
                | [1, 2, 4, 4]
                | [1, 3, 3, 4]
        ) || (matches!(shape, [5, 6] | [6, 5] | [4, 7] | [3, 5, 3] | [2, 3, 3, 3])
            && !self.has_point())
            || (shape.len() == 11 && self.before.is_none() && self.after.is_none());
        grouped && !self.is_amount() && !self.is_part() && !self.is_announced(&self.tables.orders)
    }

    /// A mobile number whose groups odd signs part.
    fn is_hidden_mobile(&self) -> bool {
        let grouped =
            matches!(self.shape.as_slice(), [3, 4, 4] | [3, 8] | [7, 4]) || self.shape.len() == 11;
        grouped
            && self.digits.len() == 11
            && matches!(self.digits, [1, 3..=9, ..])
            && !self.is_amount()
            && !self.is_part()
    }

    fn identity(&self) -> Option<(Detector, Range<usize>)> {
        let Range { start, end } = self.range;
        let (digits, single) = (self.digits, self.shape.len() == 1);
        let is_x = |at: usize| self.text.chars().get(at) == Some(&'x');
        match digits.len() {
            17 if is_x(end) => {
                self.identity_18(digits, 10, single).map(|found| (found, start..end + 1))
            }
            // Where a separator stands before the check character.
            17 if self.text.chars().get(end).is_some_and(|c| separates(*c)) && is_x(end + 1) => {
                self.identity_18(digits, 10, false).map(|found| (found, start..end + 2))
            }
            18 => self
                .identity_18(&digits[..17], u32::from(digits[17]), single)
                .map(|found| (found, start..end)),
            15 if single => {
                let year = 1900 + value(&digits[6..8]);
                let right = has_region(digits, self.tables)
                    && is_date(year, value(&digits[8..10]), value(&digits[10..12]))
                    && !self.is_part()
                    && !self.is_amount()
                    && !self.is_announced(&self.tables.orders);
                right.then_some((Detector::IdentityNumber15, start..end))
            }
            _ => None,
        }
    }

    /// Characters are separated in many ways, but then the check must be right. One in eleven
    /// numbers that happen to look like it has the right check: what announces another number is
    /// believed. A mistyped one is looked for only where it is announced.
    fn identity_18(&self, digits: &[u8], check: u32, single: bool) -> Option<Detector> {
        if !is_identity(digits, self.tables) || self.is_announced(&self.tables.orders) {
            return None;
        }
        if check_of(digits) == check {
            Some(Detector::IdentityNumber)
        } else {
            let announced = single && self.has_context(&self.tables.identity);
            announced.then_some(Detector::IdentityNumberUnchecked)
        }
    }

    /// A card's issuer, length and Luhn's check; without a known issuer only near a word for it.
    fn is_card(&self) -> bool {
        let length = self.digits.len();
        let grouped = match self.shape.as_slice() {
            [_] | [6, 10..=13] | [4, 6, 5] => true,
            [first @ .., last] => first.iter().all(|chunk| *chunk == 4) && *last <= 7,
            [] => false,
        };
        let told = length >= 16 && self.has_context(&self.tables.card);
        if !(grouped || told) || !(14..=19).contains(&length) {
            return false;
        }
        let issued = match self.digits {
            [6, 2, ..] => length >= 16,
            [9, 5, 5, 8, ..] => length == 19,
            [6, 0, 1, 3, 8, 2, ..] | [6, 9, 0, 7, 5, 5, ..] => length >= 16,
            [4, ..] | [5, 1..=5, ..] | [3, 5, ..] => length == 16,
            [3, 4 | 7, ..] => length == 15,
            _ => false,
        };
        // Further groups make it a longer number, of which it is no part that means anything.
        let goes_on =
            self.shape.len() > 1 && { self.after.is_some_and(|after| after.digits.len() <= 4) };
        if goes_on
            || !luhn(self.digits)
            || self.is_amount()
            || self.is_announced(&self.tables.orders)
        {
            return false;
        }
        told || (issued && !self.is_part())
    }

    /// 400 or 800 and seven digits: a company's, not a person's.
    fn is_service_number(&self) -> bool {
        let shaped =
            matches!(self.shape.as_slice(), [10] | [3, 3, 4] | [3, 4, 3] | [3, 7] | [4, 3, 3]);
        shaped && matches!(self.digits, [4 | 8, 0, 0, ..]) && !self.is_amount() && !self.is_part()
    }

    /// An area code (010, 02x, or 0 and three digits) and seven or eight digits.
    fn is_landline(&self) -> bool {
        let (digits, shape) = match (self.digits, self.shape.as_slice()) {
            ([8, 6, digits @ ..], [2, shape @ ..]) => (digits, shape),
            ([0, 0, 8, 6, digits @ ..], [4, shape @ ..]) => (digits, shape),
            (digits, shape) => (digits, shape),
        };
        let abroad = digits.len() < self.digits.len();
        let area = match digits {
            [0, 1, 0, ..] | [0, 2, 0..=9, ..] => 3,
            [0, 3..=9, ..] => 4,
            // From abroad the nought is left out.
            [1, 0, ..] | [2, 0..=9, ..] if abroad => 2,
            [3..=9, 1..=9, ..] if abroad => 3,
            _ => return false,
        };
        if self.has_point() || self.is_amount() {
            return false;
        }
        match *shape {
            [first, rest] => {
                first == area && (7..=8).contains(&rest) && !self.is_announced(&self.tables.orders)
            }
            [first, 3 | 4, 4] => first == area,
            // Without a gap it is easily something else.
            [all] => {
                (7..=8).contains(&all.saturating_sub(area))
                    && !self.is_part()
                    && self.has_context(&self.tables.telephone)
            }
            _ => false,
        }
    }

    /// Points part decimal fractions.
    fn has_point(&self) -> bool {
        self.text.chars()[self.range.clone()].contains(&'.')
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
            && self.before.is_none()
            && self.after.is_none_or(|after| after.digits.len() <= 5 && self.shape.len() == 1)
            && !is_day
            && !self.is_amount()
            && !self.is_part_by_letters()
            && !self.is_announced(&self.tables.orders)
            && !self.is_announced(&self.tables.qq)
            && !self.is_of_authority()
            && self.has_context(&self.tables.telephone)
    }

    /// Whether right before it an authority is named, or what one has a telephone for.
    fn is_of_authority(&self) -> bool {
        let chars = self.text.chars();
        let start = self.range.start;
        let signs = chars[..start].iter().rev().take(CONNECTORS);
        let signs = signs.take_while(|c| matches!(c, ' ' | ':' | '(')).count();
        let end = start - signs;
        let word = self.text.word_before(end, &self.tables.telephones_of).unwrap_or_default();
        signs + word > 0 && self.text.word_before(end - word, &self.tables.authorities).is_some()
    }

    fn is_part_by_letters(&self) -> bool {
        let chars = self.text.chars();
        let before = self.range.start.checked_sub(1).and_then(|before| chars.get(before));
        let told = self.text.word_before(self.range.start, &self.tables.telephone_letters);
        (before.is_some_and(|c| c.is_ascii_alphabetic() || *c == '#') && told.is_none())
            || chars.get(self.range.end).is_some_and(char::is_ascii_alphabetic)
    }

    /// Where the extension of a telephone number ends, or the number if it has none.
    fn end_of_extension(&self) -> usize {
        let chars = self.text.chars();
        let end = self.range.end;
        let gap = usize::from(chars.get(end) == Some(&' '));
        let word = match self.text.word_at(end + gap, &self.tables.extensions) {
            Some(word) => gap + word,
            None if chars.get(end) == Some(&'-') => 1,
            None => return end,
        };
        let digits = chars[end + word..].iter().take(7).take_while(|c| c.is_ascii_digit()).count();
        if (1..=6).contains(&digits) { end + word + digits } else { end }
    }
}

/// Whether 17 digits have the region and the birthday of an identity number.
pub(super) fn is_identity(digits: &[u8], tables: &Tables) -> bool {
    let (year, month, day) =
        (value(&digits[6..10]), value(&digits[10..12]), value(&digits[12..14]));
    has_region(digits, tables) && YEARS.contains(&year) && is_date(year, month, day)
}

fn has_region(digits: &[u8], tables: &Tables) -> bool {
    let region = value(&digits[..2]).to_string();
    tables.lists.regions.contains(&region)
}

/// The check character of 17 digits, 10 for X (ISO 7064 MOD 11-2).
pub(super) fn check_of(digits: &[u8]) -> u32 {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let sum: u32 =
        digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(*digit) * weight).sum();
    (12 - sum % 11) % 11
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

fn ends_clause(c: char) -> bool {
    matches!(c, '\n' | '\u{3002}' | ';' | '!' | '?')
}
