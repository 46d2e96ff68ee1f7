//! Accusations: a name beside a title, and not far from it a word for what the person is said to have
//! done; or a post or party without a name, and such a word in the same clause. A person reads these: they may be unproven, and the one who is
//! accused must not learn of them here.

use super::{
    Found,
    tables::{Tables, mark},
};
use crate::domain::{fold::Folded, rules::Detector};

/// How far from the name such a word may stand, in characters.
const NEAR: usize = 60;
/// How far after whoever is accused the word may stand that does so, in characters.
const CLOSE: usize = 16;
/// How far before whoever is in league the word may stand that says so.
const LEAGUE: usize = 8;
/// How far before a crime the word may stand after which it is spoken of in general.
const GENERALLY: usize = 8;
/// How far before a post the word may stand by which it is told of something.
const TOLD: usize = 6;
/// How far after what looks like a title the name of a place may end.
const PLACE: usize = 3;
/// What a title of a place's head begins with.
const TOWN: char = '\u{9547}';
const TOWNSHIP: char = '\u{4e61}';
const VILLAGE: char = '\u{6751}';
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

/// Whoever a word accuses without a name: the holder of a post of a crime, a party of violence, a post
/// of being in league with others, or whoever rules there.
fn accused_post(text: &Folded, tables: &Tables, word: usize) -> Option<Found> {
    let within = |c: &&char| !ends_clause(**c);
    let before = text.chars()[..word].iter().rev().take(CLOSE).take_while(within).count();
    let clause = word - before..word;
    if text.has_word_in(word - before.min(GENERALLY)..word, &tables.generally) {
        return None;
    }
    if let Some(length) = text.word_at(word, &tables.outright) {
        return Some(Found::new(Detector::Accusation, word..word + length));
    }
    let last = |words| clause.clone().rev().find_map(|at| Some(at..at + text.word_at(at, words)?));
    let of_crime = || text.word_at(word, &tables.crimes).and_then(|_| last(&tables.posts));
    let of_violence = || text.word_at(word, &tables.violence).and_then(|_| last(&tables.parties));
    let of_league = || {
        let start = word + text.word_at(word, &tables.leagues)?;
        let after = text.chars()[start..].iter().take(LEAGUE).take_while(within).count();
        (start..start + after).find_map(|at| Some(at..at + text.word_at(at, &tables.posts)?))
    };
    let post = of_crime().or_else(of_violence).or_else(of_league)?;
    let told = text.has_word_in(post.start.saturating_sub(TOLD)..post.start, &tables.told);
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
        let end = at + name + text.word_at(at + name, &tables.titles_after)?;
        // As in a town whose name ends like a name, and a street or village of it.
        let ahead = chars[end..].iter().take(PLACE);
        let place = ahead.take_while(|c| matches!(c, '\u{4e00}'..='\u{9fff}'));
        let place = place.into_iter().any(|c| tables.lists.place_ends.contains(*c));
        let of_place = matches!(chars[end - 2], TOWN | TOWNSHIP | VILLAGE);
        (given.iter().all(fits) && !(of_place && place)).then_some(end)
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
