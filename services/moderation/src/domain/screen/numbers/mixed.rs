//! Numbers that hide behind several kinds of digits: `1三8零0...`, or letters that look like them.

use super::{Found, kinds};
use crate::domain::{fold::Folded, rules::Detector, screen::tables::Tables};

/// The least number of true digits, ASCII or Han, in a hidden number.
const TRUE_DIGITS: usize = 6;

/// Finds mobile and identity numbers in runs of mixed digits.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let chars = text.chars();
    let mut at = 0;
    while at < chars.len() {
        if digit(chars[at], tables).is_none() {
            at += 1;
            continue;
        }
        let run = chars[at..].iter().map_while(|c| digit(*c, tables));
        let mut digits: Vec<u8> = run.collect();
        // The numeral one begins words that follow a number.
        if digits.len() == 12 && digits[11] == 1 && !chars[at + 11].is_ascii() {
            digits.pop();
        }
        let range = at..at + digits.len();
        at = range.end;
        let part = &chars[range.clone()];
        let ascii = part.iter().filter(|c| c.is_ascii_digit()).count();
        let letters = part.iter().filter(|c| c.is_ascii_alphabetic()).count();
        let is_mixed = ascii > 0 && ascii < part.len() && part.len() - letters >= TRUE_DIGITS;
        let beside = |c: Option<&char>| c.is_some_and(char::is_ascii_alphanumeric);
        let apart = !beside(range.start.checked_sub(1).and_then(|before| chars.get(before)))
            && !beside(chars.get(range.end));
        if !is_mixed || !apart {
            continue;
        }
        match digits.as_slice() {
            [1, 3..=9, ..] if digits.len() == 11 => {
                found.push(Found::new(Detector::Mobile, range));
            }
            [digits @ .., check] if digits.len() == 17 => {
                let right = kinds::is_identity(digits, tables)
                    && kinds::check_of(digits) == u32::from(*check);
                if right {
                    found.push(Found::new(Detector::IdentityNumber, range));
                }
            }
            _ => {}
        }
    }
}

fn digit(c: char, tables: &Tables) -> Option<u8> {
    match c {
        '0'..='9' => Some(c as u8 - b'0'),
        'o' => Some(0),
        'l' | 'i' => Some(1),
        _ => tables.numeral(c),
    }
}
