//! Whether a reply answers its question, as far as its words can tell.
//!
//! Two things are measured. A reply that has nearly the same pieces as one to another question is a
//! copy. And a reply that shares no more with its question than it shares with other people's
//! questions does not speak of it: no fixed bound is needed, for those other questions are what it
//! is compared with. What both have by chance (greetings, the names of institutions) is common to
//! all and counts for little.

use std::collections::HashMap;

/// From which share of common pieces on two replies are nearly the same (Jaccard).
const COPY: f64 = 0.9;
/// The share of other questions to which a reply may be as near as to its own.
const AS_NEAR: f64 = 0.04;
/// Fewer other questions than this say nothing.
const LEAST_OTHERS: usize = 20;
/// A reply with fewer letters than this is a mere receipt: it is never stopped, only flagged.
const SHORT: usize = 15;
/// The most letters of a text that are read.
const READ: usize = 8_000;

/// A text as the set of its runs of two and three letters and digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    pieces: Vec<u64>,
    letters: usize,
}

impl Sketch {
    /// That of a text; of a question, title and body together.
    pub fn of(texts: &[&str]) -> Self {
        let mut letters: Vec<char> = Vec::new();
        for text in texts {
            let read = text.chars().map(half_width).filter(|c| c.is_alphanumeric());
            letters.extend(read.flat_map(char::to_lowercase).take(READ));
        }
        let hash = |window: &[char]| {
            window.iter().fold(window.len() as u64, |hash, c| {
                (hash ^ u64::from(*c)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
            })
        };
        let mut pieces: Vec<u64> =
            letters.windows(2).map(hash).chain(letters.windows(3).map(hash)).collect();
        pieces.sort_unstable();
        pieces.dedup();
        Self { pieces, letters: letters.len() }
    }

    /// The share of pieces that two texts have in common, 0 to 1. Texts without pieces are alike.
    pub fn likeness(&self, other: &Self) -> f64 {
        let common = self.common(other).count();
        let all = self.pieces.len() + other.pieces.len() - common;
        if all == 0 { 1.0 } else { common as f64 / all as f64 }
    }

    fn common<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = u64> {
        let (few, many) =
            if self.pieces.len() < other.pieces.len() { (self, other) } else { (other, self) };
        few.pieces.iter().copied().filter(|piece| many.pieces.binary_search(piece).is_ok())
    }
}

fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// What is thought of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing speaks against it.
    Fine,
    /// Whoever answers is asked whether this is meant.
    Flagged,
    /// It is a copy, and does not speak of its question.
    Stopped,
}

/// What was measured of a reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// What is thought of it.
    pub verdict: Verdict,
    /// The share of pieces that it has in common with the reply that is most like it, 0 to 1.
    pub likeness: f64,
    /// The place of that reply among those it was compared with.
    pub like: Option<usize>,
    /// The share of other questions to which it is as near as to its own, 0 to 1; none if there
    /// were too few to say.
    pub as_near: Option<f64>,
}

/// Other questions and replies, by which a reply is measured: some hundred of the newest of the same
/// board are enough. Those of the case itself must not be among them.
#[derive(Debug, Clone, Default)]
pub struct Yardstick {
    questions: Vec<Sketch>,
    replies: Vec<Sketch>,
    /// How much each question says as a whole.
    wholes: Vec<f64>,
    /// In how many questions and in how many replies each piece is.
    having: HashMap<u64, [u32; 2]>,
}

impl Yardstick {
    /// A yardstick of questions and of replies; they need not belong together.
    pub fn new(questions: Vec<Sketch>, replies: Vec<Sketch>) -> Self {
        let mut having: HashMap<u64, [u32; 2]> = HashMap::new();
        for (sort, texts) in [&questions, &replies].into_iter().enumerate() {
            for piece in texts.iter().flat_map(|text| &text.pieces) {
                having.entry(*piece).or_default()[sort] += 1;
            }
        }
        let mut all = Self { questions, replies, wholes: Vec::new(), having };
        all.wholes = all.questions.iter().map(|question| all.whole(question)).collect();
        all
    }

    /// Measures a reply to a question.
    pub fn measure(&self, question: &Sketch, reply: &Sketch) -> Measured {
        self.measure_but(question, reply, |_| false)
    }

    /// The same, without the questions and replies at places for which `own` is true: for a
    /// yardstick that was made once and has the case itself in it.
    pub fn measure_but(
        &self,
        question: &Sketch,
        reply: &Sketch,
        own: impl Fn(usize) -> bool,
    ) -> Measured {
        let (mut like, mut likeness) = (None, 0.0);
        for (at, other) in self.replies.iter().enumerate().filter(|(at, _)| !own(*at)) {
            // Of sets as different in size no more can be in common.
            let sizes = (other.pieces.len() as f64, reply.pieces.len() as f64);
            if sizes.0.min(sizes.1) <= likeness * sizes.0.max(sizes.1) {
                continue;
            }
            let found = other.likeness(reply);
            if found > likeness {
                (like, likeness) = (Some(at), found);
            }
        }
        let near = self.nearness(question, self.whole(question), reply);
        let (mut others, mut nearer) = (0_usize, 0_usize);
        for (at, (other, whole)) in self.questions.iter().zip(&self.wholes).enumerate() {
            if !own(at) {
                others += 1;
                nearer += usize::from(self.nearness(other, *whole, reply) >= near);
            }
        }
        let as_near = (others >= LEAST_OTHERS).then(|| nearer as f64 / others as f64);
        let copied = likeness >= COPY;
        let beside = near == 0.0 || as_near.is_some_and(|share| share > AS_NEAR);
        let verdict = match (copied, beside) {
            (true, true) if reply.letters >= SHORT => Verdict::Stopped,
            (false, false) => Verdict::Fine,
            _ => Verdict::Flagged,
        };
        Measured { verdict, likeness, like, as_near }
    }

    /// How much of a question stands in a reply; rare pieces count more, long questions less.
    fn nearness(&self, question: &Sketch, whole: f64, reply: &Sketch) -> f64 {
        let common: f64 = question.common(reply).map(|piece| self.rare(piece)).sum();
        if common > 0.0 { common / whole.sqrt() } else { 0.0 }
    }

    fn whole(&self, question: &Sketch) -> f64 {
        question.pieces.iter().map(|piece| self.rare(*piece)).sum()
    }

    /// How much a piece says: nothing if all questions or all replies have it.
    fn rare(&self, piece: u64) -> f64 {
        let [questions, replies] = self.having.get(&piece).copied().unwrap_or_default();
        let share =
            |having: u32, of: &[Sketch]| (f64::from(having) + 0.5) / (of.len() as f64 + 1.0);
        let usual = share(questions, &self.questions).max(share(replies, &self.replies));
        usual.ln().min(0.0).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions() -> Vec<Sketch> {
        (0..40_u32).map(|n| Sketch::of(&[&made(n, 30)])).collect()
    }

    /// A text by chance, of letters that texts with other numbers do not have.
    fn made(number: u32, letters: u32) -> String {
        let at = |n: u32| char::from_u32(0x4e00 + number * 100 + n % 90);
        (0..letters).filter_map(at).collect()
    }

    #[test]
    fn an_answer_that_takes_up_its_question_is_fine() {
        let all =
            Yardstick::new(questions(), (50..60).map(|n| Sketch::of(&[&made(n, 60)])).collect());
        let question = made(70, 40);
        let reply = format!("{}{}", &question[..30], made(71, 50));
        let measured = all.measure(&Sketch::of(&[&question]), &Sketch::of(&[&reply]));
        assert_eq!((measured.verdict, measured.as_near), (Verdict::Fine, Some(0.0)));
    }

    #[test]
    fn a_copied_answer_is_flagged_and_stopped_if_it_does_not_speak_of_its_question() {
        let (question, reply) = (made(70, 40), made(71, 60));
        let copied = Yardstick::new(questions(), vec![Sketch::of(&[&made(71, 59)])]);
        let measured = copied.measure(&Sketch::of(&[&question]), &Sketch::of(&[&reply]));
        assert_eq!((measured.verdict, measured.like), (Verdict::Stopped, Some(0)));
        let measured = copied.measure(&Sketch::of(&[&reply[..90]]), &Sketch::of(&[&reply]));
        assert_eq!(measured.verdict, Verdict::Flagged);
    }

    #[test]
    fn an_answer_to_another_question_is_flagged() {
        let all = Yardstick::new(questions(), Vec::new());
        let own = Sketch::of(&[&made(70, 40)]);
        let measured = all.measure(&own, &Sketch::of(&[&made(3, 20)]));
        assert_eq!(measured.verdict, Verdict::Flagged);
    }

    #[test]
    fn with_few_others_to_compare_it_only_counts_whether_anything_is_shared() {
        let few = Yardstick::default();
        let (question, reply) = (made(1, 20), made(1, 15));
        let measured = few.measure(&Sketch::of(&[&question]), &Sketch::of(&[&reply]));
        assert_eq!((measured.verdict, measured.as_near), (Verdict::Fine, None));
        let beside = few.measure(&Sketch::of(&[&question]), &Sketch::of(&[&made(2, 15)]));
        assert_eq!(beside.verdict, Verdict::Flagged);
    }
}
