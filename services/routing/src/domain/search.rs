//! Words by which public cases are found.
//!
//! Chinese has no blanks: a run of Han characters is cut into all pairs of neighbours, so that a
//! word of two characters is found wherever it stands. Other words are kept whole, in lower case.
//! Words of a query and words of a text are made by the same rules.

use std::{collections::BTreeSet, ops::Range};

use super::{directory::Place, view::View};

pub mod sample;

/// The way in which words are made now. Whoever changes it raises it: what has words of an older
/// way gets new ones.
pub const WAY: i16 = 2;
/// The longest word, in characters; of a longer one the beginning counts.
const LONGEST: usize = 64;
/// The most bytes of words of one case. Postgres takes a megabyte.
const MOST_BYTES: usize = 900_000;
/// How many words tell what a title and a body are about.
const GIST_TITLE: usize = 20;
const GIST_BODY: usize = 12;
/// How much of each is read for it, in characters.
const GIST_READ: usize = 120;
/// How long an excerpt is, in characters, without its ellipses.
const EXCERPT: usize = 80;
/// How much of it stands before the first word that was found.
const BEFORE: usize = 24;
const ELLIPSIS: char = '\u{2026}';

/// A word that a text must have.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// This word.
    Whole(String),
    /// Some word that begins so: a single Han character, of which only pairs are kept.
    Beginning(String),
}

/// What somebody looks for: each of its parts must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    parts: Vec<Part>,
}

/// A run of one sort.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    chars: Vec<char>,
    han: bool,
}

/// A part of a text in which words were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// The text.
    pub text: String,
    /// Where the words stand in it, in characters.
    pub highlights: Vec<Range<usize>>,
}

/// One form for each letter: lower case, and half width. Positions stay.
fn fold(c: char) -> char {
    let half = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let mut lower = half.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => half,
    }
}

/// Han characters, with those that stand for one.
pub(super) fn is_han(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{323af}')
}

fn folded(text: &str) -> Vec<char> {
    text.chars().map(fold).collect()
}

/// The runs of Han characters (true) and of other letters and digits (false).
fn runs(chars: &[char]) -> Vec<(bool, Range<usize>)> {
    let mut runs: Vec<(bool, Range<usize>)> = Vec::new();
    for (at, c) in chars.iter().enumerate() {
        let han = is_han(*c);
        if !han && !c.is_alphanumeric() {
            continue;
        }
        match runs.last_mut() {
            Some((sort, range)) if *sort == han && range.end == at => range.end = at + 1,
            _ => runs.push((han, at..at + 1)),
        }
    }
    runs
}

fn shortened(word: &[char]) -> &[char] {
    &word[..word.len().min(LONGEST)]
}

/// The words of a text. The last character of a run of Han characters is kept alone, too, so that
/// every single character begins a word.
pub fn words(text: &str) -> Vec<String> {
    let chars = folded(text);
    let mut words = Vec::new();
    for (han, range) in runs(&chars) {
        let run = &chars[range];
        if han {
            words.extend(run.windows(2).map(|pair| pair.iter().collect::<String>()));
            words.extend(run.last().map(char::to_string));
        } else {
            words.push(shortened(run).iter().collect());
        }
    }
    words
}

/// What a text is about, as words of which a like text has some: each is a run of three Han characters,
/// by its two pairs, or another word. The title comes first, then the beginning of the body.
pub fn gist(title: &str, body: &str) -> Vec<BTreeSet<Term>> {
    let mut gist = Vec::new();
    for (text, most) in [(title, GIST_TITLE), (body, GIST_BODY)] {
        let chars: Vec<char> = text.chars().take(GIST_READ).map(fold).collect();
        let mut found: Vec<BTreeSet<Term>> = Vec::new();
        for (han, range) in runs(&chars) {
            let run = &chars[range];
            let pairs = |run: &[char]| {
                run.windows(2).map(|pair| Term::Whole(pair.iter().collect())).collect()
            };
            match run.len() {
                1 => {}
                _ if !han => found.push(BTreeSet::from([Term::Whole(run.iter().collect())])),
                2 => found.push(pairs(run)),
                _ => found.extend(run.windows(3).map(pairs)),
            }
        }
        // Of many each n-th, so that the whole text has its say.
        let step = found.len().div_ceil(most).max(1);
        gist.extend(found.into_iter().step_by(step));
    }
    gist
}

/// Names of places and codes as words that no text has.
pub mod place {
    /// An office's cases.
    pub fn office(id: &str) -> String {
        format!("@office/{id}")
    }

    /// Cases of a division and those below it.
    pub fn division(code: &str) -> String {
        format!("@division/{code}")
    }

    /// Cases of a kind.
    pub fn kind(code: &str) -> String {
        format!("@kind/{code}")
    }

    /// Cases of a domain.
    pub fn domain(code: &str) -> String {
        format!("@domain/{code}")
    }
}

/// Everything by which a public case is found: what it and its replies say, where it lies, and the samples
/// in which it is.
pub fn words_of(view: &View, at: &Place) -> Vec<String> {
    let divisions = [&at.division_code, &at.city_code, &at.province_code];
    let mut found: BTreeSet<String> =
        divisions.into_iter().flatten().map(|code| place::division(code)).collect();
    found.extend(sample::of(view.case_id.uuid()));
    found.insert(place::office(&view.office_id));
    found.insert(place::kind(&view.kind));
    found.insert(place::domain(&view.domain));
    let mut bytes = 0;
    for text in texts(view) {
        for word in words(text) {
            let more = word.len();
            if bytes + more <= MOST_BYTES && found.insert(word) {
                bytes += more;
            }
        }
    }
    found.into_iter().collect()
}

/// All that is searched of a case, in the order in which an excerpt is looked for.
fn texts(view: &View) -> impl Iterator<Item = &str> {
    let text = &view.text;
    [&text.title, &text.body, &text.demand, &text.details]
        .into_iter()
        .map(String::as_str)
        .chain(view.replies.iter().map(|reply| reply.body.as_str()))
}

impl Query {
    /// Reads a query; `None` if there is nothing in it that could be searched for. Han characters
    /// that stand alone one after the other belong together.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts: Vec<Part> = Vec::new();
        let mut alone = false;
        for word in text.split_whitespace() {
            let chars = folded(word);
            let single = chars.len() == 1 && is_han(chars[0]);
            match parts.last_mut() {
                Some(last) if single && alone => last.chars.extend(&chars),
                _ => parts.extend(runs(&chars).into_iter().map(|(han, range)| {
                    let run = &chars[range];
                    let kept = if han { run } else { shortened(run) };
                    Part { chars: kept.to_vec(), han }
                })),
            }
            alone = single;
        }
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// What a text must have.
    pub fn terms(&self) -> BTreeSet<Term> {
        self.parts
            .iter()
            .flat_map(|part| -> Vec<Term> {
                match (part.han, part.chars.as_slice()) {
                    (true, [one]) => vec![Term::Beginning(one.to_string())],
                    (true, chars) => {
                        chars.windows(2).map(|pair| Term::Whole(pair.iter().collect())).collect()
                    }
                    (false, chars) => vec![Term::Whole(chars.iter().collect())],
                }
            })
            .collect()
    }

    /// A piece of the case's text in which the query's words stand.
    pub fn excerpt(&self, view: &View) -> Excerpt {
        let texts: Vec<&str> = texts(view).collect();
        let chars: Vec<Vec<char>> = texts.iter().map(|text| folded(text)).collect();
        let parts = self.present(&chars);
        let found = chars.iter().enumerate().find_map(|(number, chars)| {
            let spans = spans(chars, &parts);
            (!spans.is_empty()).then_some((number, spans))
        });
        let (number, spans) = found.unwrap_or_default();
        cut(texts.get(number).copied().unwrap_or_default(), &spans)
    }

    /// The query's parts; of those that stand nowhere as a whole, their pairs.
    fn present(&self, texts: &[Vec<char>]) -> Vec<Part> {
        let mut present = Vec::new();
        for part in &self.parts {
            let one = std::slice::from_ref(part);
            if part.chars.len() <= 2 || texts.iter().any(|text| !spans(text, one).is_empty()) {
                present.push(part.clone());
            } else {
                let pairs = part.chars.windows(2).filter(|_| part.han);
                present.extend(pairs.map(|pair| Part { chars: pair.to_vec(), han: true }));
            }
        }
        present
    }
}

/// Where parts of a query stand in a text: in order, without overlaps.
fn spans(chars: &[char], parts: &[Part]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (han, range) in runs(chars) {
        let run = &chars[range.clone()];
        for part in parts.iter().filter(|part| part.han == han) {
            let length = part.chars.len();
            if han {
                let starts = run.windows(length).enumerate();
                let starts = starts.filter(|(_, window)| *window == part.chars);
                found.extend(starts.map(|(at, _)| range.start + at..range.start + at + length));
            } else if shortened(run) == part.chars {
                found.push(range.clone());
            }
        }
    }
    found.sort_by_key(|span| (span.start, span.end));
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for span in found {
        match joined.last_mut() {
            Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
            _ => joined.push(span),
        }
    }
    joined
}

/// Cuts a text to an excerpt around the first of the spans.
fn cut(text: &str, spans: &[Range<usize>]) -> Excerpt {
    let chars: Vec<char> = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let first = spans.first().map_or(0, |span| span.start);
    // The end of the text fills the excerpt if there is not enough behind the word.
    let start = first.saturating_sub(BEFORE).min(chars.len().saturating_sub(EXCERPT));
    let end = (start + EXCERPT).min(chars.len());
    let (before, behind) = (start > 0, end < chars.len());
    let text = before
        .then_some(ELLIPSIS)
        .into_iter()
        .chain(chars[start..end].iter().copied())
        .chain(behind.then_some(ELLIPSIS))
        .collect();
    let moved = usize::from(before);
    let highlights = spans
        .iter()
        .map(|span| span.start.max(start)..span.end.min(end))
        .filter(|span| !span.is_empty())
        .map(|span| span.start - start + moved..span.end - start + moved)
        .collect();
    Excerpt { text, highlights }
}

#[cfg(test)]
mod tests;
