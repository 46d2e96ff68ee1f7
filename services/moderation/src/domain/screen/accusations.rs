//! Accusations of a named person: a name beside a title, and not far from it a word for what the
//! person is said to have done. A person reads these: they may be unproven, and the one who is
//! accused must not learn of them here.

use super::{
    Found,
    tables::{Tables, mark},
};
use crate::domain::{fold::Folded, rules::Detector};

/// How far from the name such a word may stand, in characters.
const NEAR: usize = 60;

/// Finds names that words in `found` accuse.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let words: Vec<usize> = found
        .iter()
        .filter(|one| one.detector == Detector::AccusationHint)
        .map(|one| one.range.start)
        .collect();
    if words.is_empty() {
        return;
    }
    let mut at = 0;
    while at < text.chars().len() {
        at = match official_at(text, tables, &words, at) {
            Some(end) => {
                if words.iter().any(|word| word.abs_diff(at) <= NEAR) {
                    found.push(Found::new(Detector::Accusation, at..end));
                }
                end
            }
            None => at + 1,
        };
    }
}

/// Where a named official ends who begins at a position: title and name, or name and title, or a
/// name that was made unrecognisable.
fn official_at(text: &Folded, tables: &Tables, words: &[usize], at: usize) -> Option<usize> {
    let chars = text.chars();
    if tables.marked(chars[at], mark::TITLE)
        && let Some(title) = text.word_at(at, &tables.titles)
    {
        let start = at + title;
        return name_at(text, tables, start).filter(|end| {
            let next = chars.get(*end);
            let han = next.is_some_and(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
            !han || words.contains(end)
                || text.word_at(*end, &tables.name_ends).is_some()
                || chars[*end - 1] == tables.lists.unnamed
        });
    }
    if !tables.marked(chars[at], mark::SURNAME) || text.word_at(at, &tables.not_names).is_some() {
        return None;
    }
    if text.word_before(at, &tables.accusers).is_some() {
        return None;
    }
    if chars.get(at + 1) == Some(&tables.lists.unnamed) {
        let both = chars.get(at + 2) == Some(&tables.lists.unnamed);
        return Some(at + 2 + usize::from(both));
    }
    (2..=3).find_map(|name| {
        let given = chars.get(at + 1..at + name)?;
        let fits =
            |c: &char| matches!(c, '\u{4e00}'..='\u{9fff}') && !tables.lists.offices.contains(*c);
        let title = text.word_at(at + name, &tables.titles)?;
        given.iter().all(fits).then_some(at + name + title)
    })
}

/// Where a name of two or three characters ends, the longer one if both fit.
fn name_at(text: &Folded, tables: &Tables, start: usize) -> Option<usize> {
    let chars = text.chars();
    if !tables.marked(*chars.get(start)?, mark::SURNAME)
        || text.word_at(start, &tables.not_names).is_some()
    {
        return None;
    }
    let rest = chars[start + 1..].iter().take(2);
    let given = rest.take_while(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).count();
    let short = given == 2 && text.word_at(start + 2, &tables.name_ends).is_some();
    (given > 0).then(|| start + 1 + given - usize::from(short))
}
