//! What a text is told by: hashed pieces of it, in fields of their own.
//!
//! Pieces are runs of one to three characters. No dictionary of words is needed: of Chinese words
//! most have two characters, and which pieces say something is learnt.

use super::Text;

/// Bits of a piece's place within its field.
const BITS: u32 = 28;
/// How many fields there are.
pub const FIELDS: usize = 3;
/// How much the title, the whole, and the beginning of the body count.
pub const WEIGHTS: [f32; FIELDS] = [1.0, 1.6, 0.6];
/// The longest piece, in characters.
const LONGEST: usize = 3;
/// What the beginning of a text has: there people say what it is about.
const HEAD: usize = 120;
/// The most characters of a text that are read.
pub const READ: usize = 4_000;
/// Stands between sentences.
pub const BREAK: char = ' ';

/// A piece: its field above [`BITS`], its hash below.
pub type Piece = u32;

/// The field of a piece.
pub fn field(piece: Piece) -> usize {
    (piece >> BITS) as usize
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Whether it is in the title; else in the body.
    pub in_title: bool,
    /// The first character.
    pub start: usize,
    /// The end, exclusive.
    pub end: usize,
}

/// A text as it is read: letters and digits in lower case and half width, everything between them
/// as one break.
#[derive(Debug, Clone, Default)]
pub struct Read {
    title: Vec<char>,
    body: Vec<char>,
    /// Where in its text each character stands, the title's first.
    places: Vec<u32>,
}

impl Read {
    /// Reads a text.
    pub fn new(text: &Text<'_>) -> Self {
        let mut places = Vec::new();
        let title = folded(text.title, &mut places);
        let body = folded(text.body, &mut places);
        Self { title, body, places }
    }

    /// Where a run of the characters stands: in the title or the body, from which character of it to
    /// which.
    pub fn span(&self, at: usize, length: usize) -> Span {
        let place = |at: usize| self.places.get(at).copied().unwrap_or_default() as usize;
        let last = (at + length).saturating_sub(1);
        Span { in_title: at < self.title.len(), start: place(at), end: place(last) + 1 }
    }

    /// Calls `see` with each piece, the place where it begins and its length; the title's places
    /// come first, then the body's.
    pub fn pieces(&self, mut see: impl FnMut(Piece, usize, usize)) {
        let behind = self.title.len();
        each(&self.title, 0, 0, &mut see);
        each(&self.title, 1, 0, &mut see);
        each(&self.body, 1, behind, &mut see);
        each(&self.body[..self.body.len().min(HEAD)], 2, behind, &mut see);
    }

    /// The characters, the title's first.
    pub fn chars(&self) -> impl Iterator<Item = char> {
        self.title.iter().chain(&self.body).copied()
    }

    /// How often each piece is there, by piece.
    pub fn counts(&self) -> Vec<(Piece, u32)> {
        let mut pieces = Vec::with_capacity(6 * (self.title.len() + self.body.len()));
        self.pieces(|piece, _, _| pieces.push(piece));
        pieces.sort_unstable();
        pieces.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u32)).collect()
    }
}

fn each(chars: &[char], field: u32, from: usize, see: &mut impl FnMut(Piece, usize, usize)) {
    for at in 0..chars.len() {
        let mut hash = 0x9e37_79b9_7f4a_7c15_u64;
        for (more, c) in chars[at..].iter().take(LONGEST).enumerate() {
            hash = (hash ^ u64::from(*c)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash ^= hash >> 29;
            if more == 0 && *c == BREAK {
                continue;
            }
            see((field << BITS) | (hash >> (64 - BITS)) as u32, from + at, more + 1);
        }
    }
}

fn folded(text: &str, places: &mut Vec<u32>) -> Vec<char> {
    let mut chars = Vec::with_capacity(text.len() / 3);
    for (place, c) in text.chars().enumerate() {
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            c => c,
        };
        let c = if c.is_alphanumeric() { c.to_ascii_lowercase() } else { BREAK };
        if c != BREAK || chars.last().is_some_and(|last| *last != BREAK) {
            chars.push(c);
            places.push(place as u32);
        }
        if chars.len() == READ {
            break;
        }
    }
    chars
}
