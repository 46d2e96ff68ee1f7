//! Whether a text can be read at all.

use std::collections::{HashMap, HashSet};

use super::tables::{Tables, mark};
use crate::domain::{fold::Folded, text::Field};

/// From this length on, one character must not make up most of a text.
const LONG: usize = 10;
/// From this length on, a text must have usual characters in it, and not say the same over and over.
const LONGER: usize = 20;
/// How many pairs of characters a text must have before it is asked whether they repeat.
const PAIRS: usize = 60;
/// The longest word of Latin letters that is believed.
const LONGEST_WORD: usize = 40;

/// Whether a text says nothing: no letter in it, (almost) one and the same character, broken
/// characters, rare characters only, one phrase again and again, or letters that are no words. A
/// title or a place is too short to judge alone.
pub(super) fn is_unreadable(text: &Folded, tables: &Tables) -> bool {
    if matches!(text.whole().field, Field::Title | Field::Place) {
        return false;
    }
    let chars = text.chars();
    let mut counts: HashMap<char, usize> = HashMap::new();
    let (mut letters, mut han, mut common, mut broken) = (0_usize, 0_usize, 0_usize, 0_usize);
    for c in chars {
        if is_broken(*c) {
            broken += 1;
        } else if c.is_alphabetic() {
            *counts.entry(*c).or_default() += 1;
            letters += 1;
            if matches!(c, '\u{3400}'..='\u{9fff}') {
                han += 1;
                common += usize::from(tables.marked(*c, mark::COMMON));
            }
        }
    }
    let most = counts.values().copied().max().unwrap_or_default();
    let one_character = letters >= LONG && (counts.len() <= 2 || most * 10 > letters * 7);
    let rare = han >= LONGER && common * 100 < han * 12;
    letters == 0
        || one_character
        || broken * 5 > letters
        || rare
        || is_mojibake(text, tables, letters)
        || repeats(chars)
        || (han * 10 < letters && is_babble(chars))
}

fn is_broken(c: char) -> bool {
    matches!(c, '\u{fffd}' | '\u{e000}'..='\u{f8ff}') || (c.is_control() && !c.is_whitespace())
}

/// What remains of a text that was read in the wrong encoding.
fn is_mojibake(text: &Folded, tables: &Tables, letters: usize) -> bool {
    let (mut at, mut length) = (0, 0);
    while at < text.chars().len() {
        let word = text.word_at(at, &tables.mojibake).unwrap_or_default();
        length += word;
        at += word.max(1);
    }
    length >= 6 && length * 4 > letters
}

/// Whether most pairs of characters are the same few.
fn repeats(chars: &[char]) -> bool {
    let pairs = chars.len().saturating_sub(1);
    if pairs < PAIRS {
        return false;
    }
    let different: HashSet<(char, char)> =
        chars.windows(2).map(|pair| (pair[0], pair[1])).collect();
    different.len() * 8 < pairs.min(2_000)
}

/// Whether Latin letters make no words: hardly a vowel, or no gap for long.
fn is_babble(chars: &[char]) -> bool {
    let letters = chars.iter().filter(|c| c.is_ascii_alphabetic()).count();
    let vowels = chars.iter().filter(|c| matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')).count();
    let longest =
        chars.split(|c| !c.is_ascii_alphabetic()).map(<[char]>::len).max().unwrap_or_default();
    letters >= LONG && (vowels * 100 < letters * 18 || longest > LONGEST_WORD)
}
