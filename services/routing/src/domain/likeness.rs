//! How like two texts are, and how much of a question stands in a reply.
//!
//! A reply that shares no more with its question than it shares with other people's questions does
//! not speak of it: no fixed bound is needed, for those other questions are what it is compared
//! with. What both have by chance (greetings, the names of institutions) is common to all and counts
//! for little.

use std::collections::HashMap;

use super::search::is_han;

/// Fewer other questions than this say nothing.
pub const LEAST_OTHERS: usize = 20;
/// As how many Han characters a word of other letters counts: most words have two.
const WORD: usize = 2;
/// A longer run of letters counts by its length: so many letters as one Han character.
const LETTERS: usize = 4;
/// The most letters of a text that are read.
const READ: usize = 4_000;

/// A text as the set of its pieces: runs of two and three Han characters, whatever stands between
/// them, and words of other letters and digits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sketch {
    pieces: Vec<u64>,
    length: usize,
}

impl Sketch {
    /// That of a text; of a question, title and body together.
    pub fn of(texts: &[&str]) -> Self {
        let mut han: Vec<char> = Vec::new();
        let mut pieces: Vec<u64> = Vec::new();
        let mut length = 0;
        for text in texts {
            let mut word: Option<(u64, usize)> = None;
            let mut end = |word: &mut Option<(u64, usize)>| {
                if let Some((piece, letters)) = word.take() {
                    length += WORD.max(letters / LETTERS);
                    pieces.push(piece);
                }
            };
            for c in text.chars().take(READ).map(half_width).flat_map(char::to_lowercase) {
                if c.is_alphanumeric() && !is_han(c) {
                    let (piece, letters) = word.unwrap_or((1, 0));
                    word = Some((step(piece, c), letters + 1));
                    continue;
                }
                end(&mut word);
                han.extend(Some(c).filter(|c| is_han(*c)));
            }
            end(&mut word);
        }
        length += han.len();
        let hash =
            |window: &[char]| window.iter().fold(window.len() as u64, |hash, c| step(hash, *c));
        pieces.extend(han.windows(2).map(hash).chain(han.windows(3).map(hash)));
        pieces.sort_unstable();
        pieces.dedup();
        Self { pieces, length }
    }

    /// Han characters that were read, a word of other letters counting as two, and a very long one as
    /// a quarter of its letters.
    pub fn length(&self) -> usize {
        self.length
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

/// How near texts are to one of which like ones are looked for, 0 to 1, the nearest first, each with its
/// place: the share of what both say, of which what many of them have says little.
pub fn nearest(text: &Sketch, others: &[Sketch]) -> Vec<(usize, f64)> {
    let mut having: HashMap<u64, u32> = HashMap::new();
    for piece in others.iter().flat_map(|other| &other.pieces) {
        *having.entry(*piece).or_default() += 1;
    }
    let all = others.len() as f64 + 1.0;
    let rare =
        |piece: &u64| (all / f64::from(having.get(piece).copied().unwrap_or(0) + 1)).ln() + 0.1;
    let whole = |sketch: &Sketch| sketch.pieces.iter().map(rare).sum::<f64>();
    let own = whole(text);
    let near = |other: &Sketch| {
        let common: f64 = text.common(other).map(|piece| rare(&piece)).sum();
        if common > 0.0 { common / (own * whole(other)).sqrt() } else { 0.0 }
    };
    let mut nearest: Vec<(usize, f64)> = others.iter().map(near).enumerate().collect();
    nearest.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    nearest
}

fn step(hash: u64, c: char) -> u64 {
    (hash ^ u64::from(c)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

fn half_width(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// What was measured of a reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The share of pieces that it has in common with the reply that is most like it, 0 to 1.
    pub likeness: f64,
    /// The place of that reply among those it was compared with.
    pub like: Option<usize>,
    /// Whether anything of its question stands in it.
    pub shares: bool,
    /// The share of other questions to which it is as near as to its own, 0 to 1; none if there
    /// were too few to say.
    pub as_near: Option<f64>,
    /// With how many other questions it was compared.
    pub others: usize,
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
        Measured { likeness, like, shares: near > 0.0, as_near, others }
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
    fn an_answer_that_takes_up_its_question_is_nearer_to_it_than_to_others() {
        let all =
            Yardstick::new(questions(), (50..60).map(|n| Sketch::of(&[&made(n, 60)])).collect());
        let question = made(70, 40);
        let reply = format!("{}{}", &question[..30], made(71, 50));
        let measured = all.measure(&Sketch::of(&[&question]), &Sketch::of(&[&reply]));
        assert_eq!((measured.shares, measured.as_near, measured.others), (true, Some(0.0), 40));
        let beside = all.measure(&Sketch::of(&[&question]), &Sketch::of(&[&made(3, 20)]));
        assert_eq!((beside.shares, beside.as_near), (false, Some(1.0)));
    }

    #[test]
    fn the_reply_that_is_most_alike_is_told() {
        let replies = vec![Sketch::of(&[&made(72, 50)]), Sketch::of(&[&made(71, 59)])];
        let all = Yardstick::new(Vec::new(), replies);
        let (question, reply) = (Sketch::default(), Sketch::of(&[&made(71, 60)]));
        let measured = all.measure(&question, &reply);
        assert_eq!((measured.like, measured.as_near), (Some(1), None));
        assert!(measured.likeness > 0.9, "{measured:?}");
    }

    #[test]
    fn the_nearest_text_is_the_one_that_shares_what_is_rare() {
        let common = made(5, 30);
        let text = |n: u32| Sketch::of(&[&made(n, 30), &common]);
        let others = [text(10), text(11), text(12)];
        let found = nearest(&text(11), &others);
        assert_eq!(found[0].0, 1);
        assert!((found[0].1 - 1.0).abs() < 1e-9 && found[1].1 < 0.3, "{found:?}");
        assert_eq!(nearest(&Sketch::default(), &others)[0].1, 0.0);
    }

    #[test]
    fn words_of_letters_are_whole_and_count_once_each() {
        let (one, other) =
            (Sketch::of(&["The old lane, 3rd"]), Sketch::of(&["THE\u{ff2f}LD lane"]));
        assert_eq!((one.length(), other.length()), (8, 4));
        assert!((one.likeness(&other) - 0.2).abs() < 1e-9);
    }
}
