//! Addresses to the door of a flat: at least the number of a building or its part, and then that
//! of a room; in villages that of a group and a house. A house number alone is no one's home.

use super::{
    Found,
    tables::{Tables, mark},
};
use crate::domain::{fold::Folded, rules::Detector};

/// The most signs between two parts of an address.
const MOST_SIGNS: usize = 2;
/// The most parts of an address.
const MOST_PARTS: usize = 8;
/// The sign for "number", which some put after that of a room.
const NUMBER: char = '\u{53f7}';
/// The least digits of the number of a room that needs no building.
const ROOM: usize = 3;

/// Finds addresses.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
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

/// What the part before tells of the next number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Nothing came before.
    First,
    /// A building or its part.
    Building,
    /// The same, after which a bare number is a room.
    BeforeRoom,
    /// A group of a village, after which a house is somebody's.
    Group,
}

fn address_at(text: &Folded, tables: &Tables, at: usize) -> Address {
    let chars = text.chars();
    // A letter is a building's only where it is no word's.
    if at > 0 && chars[at].is_ascii_alphabetic() && chars[at - 1].is_ascii_alphanumeric() {
        return Address::None(at + 1);
    }
    let mut end = at;
    let mut part = Part::First;
    let mut inside = false;
    let mut near = false;
    for _ in 0..MOST_PARTS {
        let gap = if part == Part::First { 0 } else { gap(text, end) };
        let mut number = number_at(text, tables, end + gap);
        if number == 0 && part != Part::First && is_direction(text, tables, end + gap) {
            number = 1;
        }
        if number == 0 {
            return Address::None(end.max(at + 1));
        }
        let after = end + gap + number;
        let told = near || number >= ROOM;
        // As in 2-5-502, with words: a floor between the last part and the room.
        if inside && part == Part::Building && is_bare_room(text, tables, end + gap, number) {
            return Address::Door(after);
        }
        if let Some(door) = room(text, tables, part, end + gap, number).filter(|_| told) {
            return Address::Door(door);
        }
        // As in 88-3-501: a row of numbers after a building's word, or before that of a room.
        if let Some(door) = row_of_numbers(text, tables, end + gap, part == Part::First) {
            return Address::Door(door);
        }
        // Some leave a gap before the word, too.
        let after = after + usize::from(text.chars().get(after) == Some(&' '));
        let Some(word) = building(text, tables, after) else {
            return Address::None(after);
        };
        inside |= part == Part::BeforeRoom;
        near |= text.word_at(after, &tables.wide_buildings) != Some(word);
        part = if text.word_at(after, &tables.groups).is_some() {
            Part::Group
        } else if text.word_at(after, &tables.buildings_before_bare_room) == Some(word) {
            Part::BeforeRoom
        } else if part == Part::Group {
            let next = text.chars().get(after + word);
            let longer = number_at(text, tables, after + word) > 0
                || next.is_some_and(|c| tables.lists.not_rooms.contains(*c));
            if !longer {
                return Address::Door(after + word);
            }
            Part::Building
        } else {
            Part::Building
        };
        end = after + word;
    }
    Address::None(end.max(at + 1))
}

/// What may stand between the word of one part and the number of the next.
fn gap(text: &Folded, at: usize) -> usize {
    let signs = text.chars()[at..].iter().take(MOST_SIGNS);
    signs.take_while(|c| matches!(c, ' ' | '-' | ',' | '\u{3001}' | '(' | ')')).count()
}

/// Whether a character tells which part of a building in place of a number.
fn is_direction(text: &Folded, tables: &Tables, at: usize) -> bool {
    text.chars().get(at).is_some_and(|c| tables.lists.directions.contains(*c))
        && building(text, tables, at + 1).is_some()
}

/// The length of the word for a building or group that follows a number.
fn building(text: &Folded, tables: &Tables, at: usize) -> Option<usize> {
    let marked = text.chars().get(at).is_some_and(|c| tables.marked(*c, mark::BUILDING));
    let group = || text.word_at(at, &tables.groups);
    marked.then(|| text.word_at(at, &tables.buildings)).flatten().or_else(group)
}

/// Where a room ends whose number begins at `at`, if it is one.
fn room(text: &Folded, tables: &Tables, part: Part, at: usize, number: usize) -> Option<usize> {
    if part == Part::First {
        return None;
    }
    let after = at + number;
    if part == Part::BeforeRoom && number >= ROOM && is_numbered(text, tables, after) {
        return Some(after + 1);
    }
    let before = after + usize::from(text.chars().get(after) == Some(&' '));
    if let Some(word) = text.word_at(before, &tables.rooms) {
        // "12 houses" is no room: a room's word ends the address.
        let next = text.chars().get(before + word);
        if !next.is_some_and(|c| tables.lists.not_rooms.contains(*c)) {
            return Some(before + word);
        }
    }
    (part == Part::BeforeRoom && is_bare_room(text, tables, at, number)).then_some(after)
}

/// Whether the sign for "number" follows, and nothing that makes it another building's.
fn is_numbered(text: &Folded, tables: &Tables, at: usize) -> bool {
    let next = text.chars().get(at + 1);
    text.chars().get(at) == Some(&NUMBER)
        && text.word_at(at, &tables.buildings) == Some(1)
        && !next.is_some_and(|c| c.is_ascii_digit() || tables.lists.not_rooms.contains(*c))
}

/// One or two short numbers and that of a room, parted by hyphens; with `told` only before a room's word.
fn row_of_numbers(text: &Folded, tables: &Tables, at: usize, told: bool) -> Option<usize> {
    let chars = text.chars();
    if told && at > 0 && (chars[at - 1].is_ascii_alphanumeric() || chars[at - 1] == '-') {
        return None;
    }
    let mut at = at;
    for _ in 0..3 {
        let digits = chars[at..].iter().take(5).take_while(|c| c.is_ascii_digit()).count();
        if digits == 0 {
            return None;
        }
        let after = at + digits;
        if (3..=4).contains(&digits) && is_bare_room(text, tables, at, digits) {
            let word = text.word_at(after, &tables.rooms).unwrap_or_default();
            let row = chars.get(at.checked_sub(1)?) == Some(&'-') && (word > 0 || !told);
            return row.then_some(after + word);
        }
        if digits > 3 || chars.get(after) != Some(&'-') {
            return None;
        }
        at = after + 1;
    }
    None
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
    let numeral = |c: &&char| tables.numeral(**c).is_some() || tables.lists.tens.contains(**c);
    let han = rest.iter().take(6).take_while(numeral).count();
    if han > 0 { han } else { letter }
}

/// Three or four digits that nothing makes into an amount.
fn is_bare_room(text: &Folded, tables: &Tables, at: usize, length: usize) -> bool {
    let chars = text.chars();
    let digit = |c: &char| c.is_ascii_digit() || tables.numeral(*c).is_some();
    let next = chars.get(at + length);
    (3..=4).contains(&length)
        && chars[at..at + length].iter().all(digit)
        && !next.is_some_and(|c| c.is_ascii_alphanumeric() || tables.lists.not_rooms.contains(*c))
}
