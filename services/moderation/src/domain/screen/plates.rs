//! Licence plates (GA 36-2018).

use super::{
    Found,
    tables::{Tables, mark},
};
use crate::domain::{fold::Folded, rules::Detector};

/// Finds licence plates: province, letter of the office, five characters, or six for vehicles of
/// new energy, or four and a mark of special use; those of embassies and of the armed police.
/// Letters I and O are not used.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let chars = text.chars();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        let range = if tables.marked(c, mark::PROVINCE) {
            civil(text, tables, at).map(|end| at..end)
        } else if c == 'w' && chars.get(at + 1) == Some(&'j') {
            armed_police(chars, tables, at).map(|end| at..end)
        } else if c == tables.lists.embassy {
            embassy(text, tables, at)
        } else {
            None
        };
        at = match range {
            Some(range) => {
                let end = range.end.max(at + 1);
                found.push(Found::new(Detector::Plate, range));
                end
            }
            None => at + 1,
        };
    }
}

fn civil(text: &Folded, tables: &Tables, at: usize) -> Option<usize> {
    let chars = text.chars();
    // Some write a gap after the province, too.
    let office = at + 1 + usize::from(matches!(chars.get(at + 1), Some(' ' | '\u{b7}' | '-')));
    if !chars.get(office).is_some_and(|c| c.is_ascii_lowercase() && on_plates(*c)) {
        return None;
    }
    let gaps = chars[office + 1..].iter().take(2);
    let gaps = gaps
        .take_while(|c| {
            matches!(
                c,
                ' ' | '.'
                    | '-'
                    | '_'
                    | '\u{b7}'
                    | '\u{2022}'
                    | '\u{2219}'
                    | '\u{2027}'
                    | '\u{30fb}'
                    | '\u{2013}'
                    | '\u{2014}'
            )
        })
        .count();
    let start = office + 1 + gaps;
    let run = chars[start..].iter().take(7).take_while(|c| c.is_ascii_alphanumeric()).count();
    let serial = &chars[start..start + run];
    let letters = serial.iter().filter(|c| c.is_ascii_alphabetic()).count();
    if !serial.iter().all(|c| on_plates(*c)) || letters > 2 {
        return None;
    }
    let end = start + serial.len();
    let gap = usize::from(chars.get(end) == Some(&' '));
    let special = text.word_at(end + gap, &tables.plate_endings).map(|word| gap + word);
    let next_is_amount = || {
        letters == 0 && text.word_at(end, &tables.amounts).is_some()
            || chars.get(end).is_some_and(|c| tables.lists.dates.contains(*c))
    };
    match (serial.len(), special) {
        (4, Some(special)) => Some(end + special),
        (5, _) if !next_is_amount() => Some(end),
        (6, _) => {
            // Small vehicles carry the letter first, large ones last.
            let first =
                matches!(serial[0], 'a'..='k') && serial[2..].iter().all(char::is_ascii_digit);
            let last =
                matches!(serial[5], 'a'..='k') && serial[..5].iter().all(char::is_ascii_digit);
            (first || last).then_some(end)
        }
        _ => None,
    }
}

/// WJ, perhaps a province, and four or five characters that are mostly digits.
fn armed_police(chars: &[char], tables: &Tables, at: usize) -> Option<usize> {
    if at > 0 && chars[at - 1].is_ascii_alphanumeric() {
        return None;
    }
    let is_gap = |at: usize| matches!(chars.get(at), Some(' ' | '\u{b7}' | '-' | '.'));
    let mut start = at + 2;
    start += usize::from(is_gap(start));
    let province = chars.get(start).is_some_and(|c| tables.marked(*c, mark::PROVINCE));
    start += usize::from(province);
    start += usize::from(is_gap(start));
    let rest = chars.get(start..)?;
    let length = rest.iter().take(8).take_while(|c| c.is_ascii_alphanumeric()).count();
    let digits = rest[..length].iter().filter(|c| c.is_ascii_digit()).count();
    let fits = if province { (4..=5).contains(&length) } else { (5..=7).contains(&length) };
    (fits && digits + 1 >= length).then_some(start + length)
}

/// Six digits before or after the mark of embassies.
fn embassy(text: &Folded, tables: &Tables, at: usize) -> Option<std::ops::Range<usize>> {
    let chars = text.chars();
    let after = chars[at + 1..].iter().take(7).take_while(|c| c.is_ascii_digit()).count();
    if after == 6 {
        return Some(at..at + 7);
    }
    let before = chars[..at].iter().rev().take(7).take_while(|c| c.is_ascii_digit()).count();
    let word = text.word_at(at, &tables.not_embassies).is_some();
    (before == 6 && !word).then(|| at - 6..at + 1)
}

fn on_plates(c: char) -> bool {
    c.is_ascii_alphanumeric() && !matches!(c, 'i' | 'o')
}
