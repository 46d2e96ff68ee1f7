//! Whether a text can be read at all.

use std::collections::HashMap;

use crate::domain::{fold::Folded, text::Field};

/// From this length on, one character must not make up most of a text.
const LONG: usize = 10;

/// Whether a text says nothing: no letter in it, or (almost) one and the same character. A title or
/// a place is too short to judge alone.
pub(super) fn is_unreadable(text: &Folded) -> bool {
    if matches!(text.whole().field, Field::Title | Field::Place) {
        return false;
    }
    let mut counts: HashMap<char, usize> = HashMap::new();
    let mut letters = 0;
    for c in text.chars().iter().filter(|c| c.is_alphabetic()) {
        *counts.entry(*c).or_default() += 1;
        letters += 1;
    }
    let most = counts.values().copied().max().unwrap_or_default();
    letters == 0 || (letters >= LONG && (counts.len() <= 2 || most * 10 > letters * 7))
}
