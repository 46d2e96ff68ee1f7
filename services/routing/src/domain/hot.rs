//! Hot problems: many messages of one division, in some time, that speak of the same thing.
//!
//! Messages are taken in their order of time. Each joins the problem to whose members it is nearest,
//! or begins one of its own. Nearness is the cosine of what two texts are made of, pieces of two and
//! three characters weighted by how rare they are in the window: names of places are rare, so that
//! the same trouble at another place stays another problem. Titles count as much as the rest.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

/// The shortest and the longest piece, in characters.
const PIECES: std::ops::RangeInclusive<usize> = 2..=3;
/// The most letters of a text that are read.
const READ: usize = 2_000;
/// Of a problem's members the nearest ones count, so that it may have several sides.
const NEAREST: usize = 3;
/// A piece that a larger share of messages has joins nobody.
const COMMON: f32 = 0.1;

/// A message of a window.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// When it was submitted.
    pub at: Timestamp,
    /// Its title.
    pub title: &'a str,
    /// What it says.
    pub body: &'a str,
}

/// How problems are told apart.
#[derive(Debug, Clone, Copy)]
pub struct Telling {
    /// From which nearness on a message belongs to a problem, 0 to 1.
    pub near: f32,
    /// How much the title counts against the body.
    pub title: f32,
    /// After how many days without a message a problem is over.
    pub quiet_days: i64,
    /// A problem has at least so many messages.
    pub least: usize,
}

impl Default for Telling {
    /// `near` and `title` are of those values, from 0.10 to 0.11 and from 1.3 to 1.6, with which what is
    /// found in a set of 2,138 messages is as near to what each of two teams of people found there as
    /// the teams are to each other.
    fn default() -> Self {
        Self { near: 0.105, title: 1.3, quiet_days: 400, least: 3 }
    }
}

/// Messages that speak of the same thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The places of its messages among those given, in order of time.
    pub messages: Vec<usize>,
    /// The message that is nearest to all others: its title may stand for the problem.
    pub typical: usize,
    /// When the first was submitted.
    pub first_at: Timestamp,
    /// When the last was.
    pub last_at: Timestamp,
}

/// A text's pieces and how much each counts; its length is 1.
type Vector = Vec<(u32, f32)>;

/// The problems among messages, those with most messages first.
pub fn problems(messages: &[Message<'_>], telling: &Telling) -> Vec<Problem> {
    let vectors = vectors(messages, telling);
    let mut order: Vec<usize> = (0..messages.len()).collect();
    order.sort_by_key(|at| (messages[*at].at, *at));
    let quiet = telling.quiet_days.saturating_mul(86_400);
    let mut having: HashMap<u32, Vec<(usize, f32)>> = HashMap::new();
    let mut problem_of: HashMap<usize, usize> = HashMap::new();
    let mut members: Vec<Vec<usize>> = Vec::new();
    let mut near_of: Vec<f32> = vec![0.0; messages.len()];
    for at in order {
        let mut near: BTreeMap<usize, f32> = BTreeMap::new();
        for (piece, value) in &vectors[at] {
            for (other, of_other) in having.get(piece).into_iter().flatten() {
                *near.entry(*other).or_default() += value * of_other;
            }
        }
        let mut of_problem: BTreeMap<usize, Vec<f32>> = BTreeMap::new();
        for (other, near) in &near {
            of_problem.entry(problem_of[other]).or_default().push(*near);
        }
        let best = of_problem
            .into_iter()
            .filter(|(problem, _)| {
                let last =
                    members[*problem].last().map_or(0, |last| messages[*last].at.as_second());
                messages[at].at.as_second() - last <= quiet
            })
            .map(|(problem, near)| (mean_of_nearest(near, members[problem].len()), problem))
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
            .filter(|(near, _)| *near >= telling.near);
        let problem = best.map_or_else(
            || {
                members.push(Vec::new());
                members.len() - 1
            },
            |(_, problem)| problem,
        );
        for (other, near) in near.into_iter().filter(|(other, _)| problem_of[other] == problem) {
            near_of[other] += near;
            near_of[at] += near;
        }
        members[problem].push(at);
        problem_of.insert(at, problem);
        for (piece, value) in &vectors[at] {
            having.entry(*piece).or_default().push((at, *value));
        }
    }
    let mut problems: Vec<Problem> = members
        .into_iter()
        .filter(|members| members.len() >= telling.least)
        .filter_map(|members| told(messages, members, &near_of))
        .collect();
    problems.sort_by_key(|one| (usize::MAX - one.messages.len(), one.first_at));
    problems
}

fn told(messages: &[Message<'_>], members: Vec<usize>, near_of: &[f32]) -> Option<Problem> {
    let typical = *members.iter().max_by(|a, b| near_of[**a].total_cmp(&near_of[**b]))?;
    let (first_at, last_at) = (messages[*members.first()?].at, messages[*members.last()?].at);
    Some(Problem { messages: members, typical, first_at, last_at })
}

/// How near a problem is: members that have nothing in common with the message count, too, while
/// there are few.
fn mean_of_nearest(mut near: Vec<f32>, members: usize) -> f32 {
    near.sort_by(|a, b| b.total_cmp(a));
    near.truncate(NEAREST);
    near.iter().sum::<f32>() / members.min(NEAREST) as f32
}

fn vectors(messages: &[Message<'_>], telling: &Telling) -> Vec<Vector> {
    let titles: Vec<Vector> = messages.iter().map(|message| counted(message.title)).collect();
    let bodies: Vec<Vector> = messages.iter().map(|message| counted(message.body)).collect();
    let mut whole: Vec<Vector> = vec![Vec::new(); messages.len()];
    for (texts, weight, salt) in [(titles, telling.title, 1), (bodies, 1.0, 0)] {
        let mut having: HashMap<u32, u32> = HashMap::new();
        for (piece, _) in texts.iter().flatten() {
            *having.entry(*piece).or_default() += 1;
        }
        let all = messages.len() as f32;
        for (whole, mut text) in whole.iter_mut().zip(texts) {
            let having = |piece: &u32| having.get(piece).copied().unwrap_or(0) as f32;
            for (piece, value) in &mut text {
                *value *= ((1.0 + all) / (1.0 + having(piece))).ln() + 1.0;
            }
            // What only this text has counts in its length: else, among few messages, a text would be
            // made of nothing but the phrases that everybody uses.
            scale(&mut text, weight);
            text.retain(|(piece, _)| {
                let having = having(piece);
                having > 1.0 && having <= (all * COMMON).max(50.0)
            });
            whole.extend(text.into_iter().map(|(piece, value)| (piece ^ salt, value)));
        }
    }
    let length = (1.0 + telling.title * telling.title).sqrt();
    for (_, value) in whole.iter_mut().flatten() {
        *value /= length;
    }
    whole
}

/// How often each piece of a text is there, by its logarithm.
fn counted(text: &str) -> Vector {
    let mut chars: Vec<char> = Vec::new();
    for c in text.chars().take(READ) {
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            c => c,
        };
        match c.is_alphanumeric() {
            true => chars.extend(c.to_lowercase()),
            false if chars.last() != Some(&' ') => chars.push(' '),
            false => {}
        }
    }
    let hash = |piece: &[char]| {
        let hash = piece.iter().fold(piece.len() as u64, |hash, c| {
            (hash ^ u64::from(*c)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
        });
        // The lowest bit tells titles from bodies.
        (hash >> 32) as u32 & !1
    };
    let mut pieces: Vec<u32> =
        PIECES.flat_map(|length| chars.windows(length).map(hash).collect::<Vec<_>>()).collect();
    pieces.sort_unstable();
    pieces.chunk_by(|a, b| a == b).map(|same| (same[0], 1.0 + (same.len() as f32).ln())).collect()
}

fn scale(vector: &mut Vector, to: f32) {
    let length = vector.iter().map(|(_, value)| value * value).sum::<f32>().sqrt();
    for (_, value) in vector {
        *value *= to / length;
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Problem, Telling, problems};

    /// A text of characters that only texts about the same `matter` have, beginning at the `from`th.
    fn text(matter: u32, from: u32) -> String {
        (from..from + 12).filter_map(|n| char::from_u32(0x4e00 + matter * 100 + n)).collect()
    }

    fn found(texts: &[(i64, String)]) -> Vec<Vec<usize>> {
        let at = |day: i64| jiff::Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap();
        let messages: Vec<Message<'_>> = texts
            .iter()
            .map(|(day, text)| Message { at: at(*day), title: text, body: text })
            .collect();
        let found = problems(&messages, &Telling::default());
        found.into_iter().map(|Problem { messages, .. }| messages).collect()
    }

    /// Four messages about one matter, and four that have nothing to do with it or each other.
    fn texts() -> Vec<(i64, String)> {
        let of_one = [(3, text(1, 0)), (1, text(1, 3)), (4, text(1, 1)), (8, text(1, 2))];
        of_one.into_iter().chain((0..4).map(|n| (i64::from(n), text(2 + n, 0)))).collect()
    }

    #[test]
    fn messages_about_the_same_thing_are_one_problem_in_order_of_time() {
        assert_eq!(found(&texts()), [vec![1, 0, 2, 3]]);
    }

    #[test]
    fn a_problem_that_nobody_writes_of_for_long_is_over() {
        let mut texts = texts();
        texts[3].0 = 900;
        assert_eq!(found(&texts), [vec![1, 0, 2]]);
    }

    #[test]
    fn a_phrase_that_many_use_makes_no_problem_of_a_few_messages() {
        let phrase = |n: u32| {
            let text: String =
                text(n, 0).chars().chain("能不能".chars()).chain(text(n + 40, 0).chars()).collect();
            (i64::from(n), text)
        };
        let texts: Vec<_> = (1..30).map(phrase).collect();
        assert_eq!(found(&texts), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn few_messages_are_no_problem() {
        assert_eq!(found(&texts()[..2]), Vec::<Vec<usize>>::new());
        assert_eq!(found(&[]), Vec::<Vec<usize>>::new());
    }
}
