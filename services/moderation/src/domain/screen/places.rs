//! Licence plates and addresses to the door.

use super::{Found, Tables, mark};
use crate::domain::{fold::Folded, rules::Detector};

/// Finds licence plates (GA 36-2018): province, letter of the office, five characters, or six for
/// vehicles of new energy, or four and a mark of special use. Letters I and O are not used.
pub(super) fn find_plates(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let chars = text.chars();
    let mut at = 0;
    while at < chars.len() {
        at = match plate_at(chars, tables, at) {
            Some(end) => {
                found.push(Found::new(Detector::Plate, at..end));
                end
            }
            None => at + 1,
        };
    }
}

fn plate_at(chars: &[char], tables: &Tables, at: usize) -> Option<usize> {
    if !tables.marked(chars[at], mark::PROVINCE) {
        return None;
    }
    if !chars.get(at + 1).is_some_and(|c| c.is_ascii_lowercase() && on_plates(*c)) {
        return None;
    }
    let gap =
        usize::from(matches!(chars.get(at + 2), Some(' ' | '.' | '-' | '\u{b7}' | '\u{2022}')));
    let start = at + 2 + gap;
    let serial: Vec<char> = chars
        .get(start..)?
        .iter()
        .take(7)
        .take_while(|c| c.is_ascii_alphanumeric())
        .copied()
        .collect();
    let letters = serial.iter().filter(|c| c.is_ascii_alphabetic()).count();
    if !serial.iter().all(|c| on_plates(*c)) || letters > 2 {
        return None;
    }
    let end = start + serial.len();
    let special = chars.get(end).is_some_and(|c| tables.lists.plate_endings.contains(*c));
    match serial.len() {
        4 if special => Some(end + 1),
        5 => Some(end),
        6 if matches!(serial[0], 'a'..='h' | 'j' | 'k') || matches!(serial[5], 'a'..='k') => {
            Some(end)
        }
        _ => None,
    }
}

fn on_plates(c: char) -> bool {
    c.is_ascii_alphanumeric() && !matches!(c, 'i' | 'o')
}

/// Finds addresses to the door of a flat: at least the number of a building or its part, and then
/// that of a room. A house number alone is no one's home.
pub(super) fn find_addresses(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let mut at = 0;
    while at < text.chars().len() {
        at = match address_at(text, tables, at) {
            Address::Door(end) => {
                found.push(Found::new(Detector::Address, at..end));
                end
            }
            Address::None(next) => next,
        };
    }
}

enum Address {
    /// Ends here.
    Door(usize),
    /// None begins here; where to look next.
    None(usize),
}

fn address_at(text: &Folded, tables: &Tables, at: usize) -> Address {
    let mut end = at;
    let mut parts = 0;
    let mut bare_fits = false;
    loop {
        let gap = usize::from(parts > 0 && matches!(text.chars().get(end), Some(' ' | '-' | ',')));
        let number = number_at(text, tables, end + gap);
        if number == 0 {
            return Address::None(end.max(at + 1));
        }
        let after = end + gap + number;
        if let Some(word) = text.word_at(after, &tables.rooms).filter(|_| parts > 0) {
            // "12 houses" is no room: a room's word ends the address.
            let next = text.chars().get(after + word);
            if !next.is_some_and(|c| tables.lists.not_rooms.contains(*c)) {
                return Address::Door(after + word);
            }
        }
        match text.word_at(after, &tables.buildings) {
            Some(word) => {
                bare_fits = text.word_at(after, &tables.buildings_before_bare_room) == Some(word);
                parts += 1;
                end = after + word;
            }
            None if bare_fits && is_bare_room(text, tables, end + gap, number) => {
                return Address::Door(after);
            }
            None => return Address::None(after),
        }
    }
}

/// The length of the number of a house: digits with a letter, or Han numerals.
fn number_at(text: &Folded, tables: &Tables, at: usize) -> usize {
    let Some(rest) = text.chars().get(at..) else { return 0 };
    let letter = usize::from(matches!(rest, [letter, ..] if letter.is_ascii_lowercase()));
    let digits = rest[letter..].iter().take(6).take_while(|c| c.is_ascii_digit()).count();
    if digits > 0 {
        let tail = usize::from(rest.get(letter + digits).is_some_and(char::is_ascii_lowercase));
        return if digits <= 5 { letter + digits + tail } else { 0 };
    }
    let han = rest
        .iter()
        .take(6)
        .take_while(|c| tables.numeral(**c).is_some() || tables.lists.tens.contains(**c))
        .count();
    if han > 0 { han } else { letter }
}

/// Three or four digits that nothing makes into an amount.
fn is_bare_room(text: &Folded, tables: &Tables, at: usize, length: usize) -> bool {
    let chars = text.chars();
    let digits = chars[at..at + length].iter().all(char::is_ascii_digit);
    let next = chars.get(at + length);
    (3..=4).contains(&length)
        && digits
        && !next.is_some_and(|c| c.is_ascii_alphanumeric() || tables.lists.not_rooms.contains(*c))
}
