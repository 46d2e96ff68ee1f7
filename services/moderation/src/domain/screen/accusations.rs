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
/// How far after a post the word may stand that accuses its holder, in characters.
const CLOSE: usize = 12;
/// How far before a post the word may stand by which it is told of something.
const TOLD: usize = 6;
/// How far before a name a greeting may begin, in characters.
const GREETING: usize = 16;

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
    let mut posts: Vec<Found> =
        words.iter().filter_map(|word| accused_post(text, tables, *word)).collect();
    posts.dedup();
    let first = found.len();
    let mut at = 0;
    while at < text.chars().len() {
        at = match official_at(text, tables, &words, at) {
            Some(end) => {
                let accused = !is_addressed(text, tables, at, end);
                if accused && words.iter().any(|word| word.abs_diff(at) <= NEAR) {
                    found.push(Found::new(Detector::Accusation, at..end));
                }
                end
            }
            None => at + 1,
        };
    }
    let named = &found[first..];
    posts.retain(|post| named.iter().all(|one| !one.range.contains(&post.range.start)));
    found.append(&mut posts);
}

/// The holder of a post, not named, whom a word close after it in the same clause accuses.
fn accused_post(text: &Folded, tables: &Tables, word: usize) -> Option<Found> {
    text.word_at(word, &tables.crimes)?;
    let within = |c: &&char| !ends_clause(**c);
    let before = text.chars()[..word].iter().rev().take(CLOSE).take_while(within).count();
    let clause = word - before..word;
    let start = clause.clone().rev().find(|at| text.word_at(*at, &tables.posts).is_some())?;
    let post = start..start + text.word_at(start, &tables.posts)?;
    let told = text.has_word_in(start.saturating_sub(TOLD)..start, &tables.told);
    let accused = !told && !is_addressed(text, tables, post.start, post.end);
    accused.then(|| Found::new(Detector::Accusation, post))
}

/// Whether it is somebody whom the author greets or asks for help.
fn is_addressed(text: &Folded, tables: &Tables, start: usize, end: usize) -> bool {
    let within = |c: &&char| !ends_clause(**c);
    let before = text.chars()[..start].iter().rev().take(GREETING).take_while(within).count();
    text.has_word_in(start - before..start, &tables.respects)
        || text.word_at(end, &tables.addresses).is_some()
}

fn ends_clause(c: char) -> bool {
    matches!(c, '\n' | '\u{3002}' | ',' | ';' | '!' | '?' | ':')
}

/// Where a named official ends who begins at a position: title and name, or name and title; the name may
/// be masked, since the office tells who it is.
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
    if text.word_before(at, &tables.accusers).is_some()
        || text.word_before(at + 1, &tables.not_names).is_some()
    {
        return None;
    }
    (2..=3).find_map(|name| {
        let given = chars.get(at + 1..at + name)?;
        let fits =
            |c: &char| matches!(c, '\u{4e00}'..='\u{9fff}') && !tables.lists.offices.contains(*c);
        let title = text.word_at(at + name, &tables.titles_after)?;
        given.iter().all(fits).then_some(at + name + title)
    })
}

/// Where a name of two or three characters ends, the longer one if both fit.
fn name_at(text: &Folded, tables: &Tables, start: usize) -> Option<usize> {
    let chars = text.chars();
    if !tables.marked(*chars.get(start)?, mark::SURNAME)
        || text.word_at(start, &tables.not_names).is_some()
        || text.word_before(start + 1, &tables.not_names).is_some()
    {
        return None;
    }
    let rest = chars[start + 1..].iter().take(2);
    let given = rest.take_while(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).count();
    let short = given == 2 && text.word_at(start + 2, &tables.name_ends).is_some();
    (given > 0).then(|| start + 1 + given - usize::from(short))
}
