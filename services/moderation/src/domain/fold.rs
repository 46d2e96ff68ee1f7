//! Text as the detectors read it: compatibility forms folded (NFKC), lower case, variants and
//! look-alikes as the characters that they stand for, invisible characters and accents dropped,
//! what a mark turns round read as it is seen; and for each character the cluster it came from.

use std::{ops::Range, str::Chars};

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::text::{Field, Span};

/// Turns what follows round, so that it is seen from right to left.
const TURNED: &str = "\u{202e}";
/// The characters of the basic plane.
const PLANE: usize = 1 << 16;

/// Letters of other scripts that look like Latin ones.
const LOOKALIKES: [(char, char); 35] = [
    ('\u{430}', 'a'),
    ('\u{432}', 'b'),
    ('\u{435}', 'e'),
    ('\u{43a}', 'k'),
    ('\u{43c}', 'm'),
    ('\u{43d}', 'h'),
    ('\u{43e}', 'o'),
    ('\u{440}', 'p'),
    ('\u{441}', 'c'),
    ('\u{442}', 't'),
    ('\u{443}', 'y'),
    ('\u{445}', 'x'),
    ('\u{455}', 's'),
    ('\u{456}', 'i'),
    ('\u{458}', 'j'),
    ('\u{501}', 'd'),
    ('\u{51b}', 'q'),
    ('\u{51d}', 'w'),
    ('\u{3b1}', 'a'),
    ('\u{3b2}', 'b'),
    ('\u{3b5}', 'e'),
    ('\u{3b9}', 'i'),
    ('\u{3ba}', 'k'),
    ('\u{3bd}', 'v'),
    ('\u{3bf}', 'o'),
    ('\u{3c1}', 'p'),
    ('\u{3c4}', 't'),
    ('\u{3c5}', 'u'),
    ('\u{3c7}', 'x'),
    ('\u{d7}', 'x'),
    ('\u{131}', 'i'),
    ('\u{251}', 'a'),
    ('\u{261}', 'g'),
    ('\u{24ff}', '0'),
    ('\u{25cb}', '\u{3007}'),
];
/// Where the digits 0 to 9 of other scripts begin.
const NOUGHTS: [u32; 17] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xe50,
    0xed0, 0xf20, 0x1040, 0x17e0,
];
/// Where ringed digits 1 to 9 begin that NFKC leaves alone.
const RINGED_ONES: [u32; 4] = [0x2776, 0x2780, 0x278a, 0x24f5];

/// What characters are read as.
#[derive(Debug)]
pub struct Variants(Vec<char>);

impl Variants {
    /// Groups of characters, each read as the first of its group, beside the look-alikes of Latin
    /// letters and digits that everybody knows.
    pub fn new(groups: &[String]) -> Self {
        let mut read_as: Vec<char> =
            (0..PLANE as u32).map(|code| char::from_u32(code).unwrap_or_default()).collect();
        let mut set = |from: u32, to: char| {
            if let Some(entry) = read_as.get_mut(from as usize) {
                *entry = to;
            }
        };
        for (nought, digit) in NOUGHTS.iter().flat_map(|nought| (0..10).map(move |d| (nought, d))) {
            set(nought + digit, char::from_digit(digit, 10).unwrap_or_default());
        }
        for (one, digit) in RINGED_ONES.iter().flat_map(|one| (1..10).map(move |d| (one, d))) {
            set(one + digit - 1, char::from_digit(digit, 10).unwrap_or_default());
        }
        for (from, to) in LOOKALIKES {
            set(from as u32, to);
        }
        for group in groups {
            let mut group = group.chars();
            if let Some(first) = group.next() {
                group.for_each(|variant| set(variant as u32, first));
            }
        }
        Self(read_as)
    }

    fn read(&self, c: char) -> char {
        self.0.get(c as usize).copied().unwrap_or(c)
    }
}

/// One field, folded.
#[derive(Debug)]
pub struct Folded {
    field: Field,
    chars: Vec<char>,
    /// The cluster of each character.
    clusters: Vec<u32>,
    /// The number of clusters of the original.
    length: u32,
}

impl Folded {
    /// Folds a field's text.
    pub fn new(field: Field, text: &str, variants: &Variants) -> Self {
        let mut folded = Self {
            field,
            chars: Vec::with_capacity(text.len() / 2),
            clusters: Vec::with_capacity(text.len() / 2),
            length: 0,
        };
        if is_plain(text.chars()) {
            // One character is one cluster here and NFKC changes nothing: most messages.
            for c in text.chars() {
                folded.push(variants.read(c.to_ascii_lowercase()));
                folded.length += 1;
            }
            return folded;
        }
        let mut turned_from = None;
        for cluster in text.graphemes(true) {
            match cluster {
                TURNED => turned_from = turned_from.or(Some(folded.chars.len())),
                "\u{202c}" | "\u{2069}" | "\n" | "\r\n" => folded.turn(turned_from.take()),
                _ => {}
            }
            if is_plain(cluster.chars()) {
                cluster.chars().for_each(|c| folded.push(variants.read(c.to_ascii_lowercase())));
            } else {
                cluster
                    .nfkc()
                    .map(|c| variants.read(c))
                    .flat_map(char::to_lowercase)
                    .filter(|c| !is_invisible(*c))
                    .for_each(|c| folded.push(variants.read(c)));
            }
            folded.length += 1;
        }
        folded.turn(turned_from);
        folded
    }

    fn push(&mut self, c: char) {
        self.chars.push(c);
        self.clusters.push(self.length);
    }

    /// Sets characters in the order in which they are seen.
    fn turn(&mut self, from: Option<usize>) {
        if let Some(from) = from {
            self.chars[from..].reverse();
            self.clusters[from..].reverse();
        }
    }

    /// The folded characters.
    pub fn chars(&self) -> &[char] {
        &self.chars
    }

    /// The span of the original that folded characters came from. They must not be none.
    pub fn span(&self, range: Range<usize>) -> Span {
        let clusters = &self.clusters[range];
        let start = clusters.iter().copied().min().unwrap_or_default();
        let end = clusters.iter().copied().max().unwrap_or_default() + 1;
        Span { field: self.field, start, end }
    }

    /// The span of the whole field.
    pub fn whole(&self) -> Span {
        Span { field: self.field, start: 0, end: self.length }
    }

    /// Whether the characters from `at` on begin with one of the words; gives its length.
    pub fn word_at(&self, at: usize, words: &[Vec<char>]) -> Option<usize> {
        let rest = self.chars.get(at..)?;
        words.iter().filter(|word| rest.starts_with(word)).map(Vec::len).max()
    }

    /// Whether one of the words ends right before `end`; gives its length.
    pub fn word_before(&self, end: usize, words: &[Vec<char>]) -> Option<usize> {
        let before = self.chars.get(..end)?;
        words.iter().filter(|word| before.ends_with(word)).map(Vec::len).max()
    }

    /// Whether one of the words begins in a range.
    pub fn has_word_in(&self, range: Range<usize>, words: &[Vec<char>]) -> bool {
        range.into_iter().any(|at| self.word_at(at, words).is_some())
    }
}

/// ASCII but control characters, Han of the basic block, and the marks of Chinese print that NFKC
/// leaves alone: each its own cluster.
fn is_plain(mut chars: Chars<'_>) -> bool {
    chars.all(|c| matches!(c, ' '..='~' | '\n' | '\u{3001}'..='\u{3011}' | '\u{4e00}'..='\u{9fff}'))
}

/// Characters without a shape of their own, which only hide words from a reader like this one.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{300}'..='\u{36f}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Folded {
        Folded::new(Field::Body, text, &Variants::new(&["电電".into()]))
    }

    fn folded(text: &str) -> String {
        read(text).chars.iter().collect()
    }

    #[test]
    fn width_case_and_invisible_characters_are_folded() {
        assert_eq!(folded("ＡＢ１２"), "ab12");
        assert_eq!(folded("a\u{200b}b\u{feff}c"), "abc");
        assert_eq!(folded("①②"), "12");
        assert_eq!(folded("1\u{fe0f}\u{20e3}2"), "12");
        assert_eq!(folded("e\u{301}"), "é");
    }

    #[test]
    fn variants_and_lookalikes_are_read_as_what_they_stand_for() {
        assert_eq!(folded("電话"), "电话");
        assert_eq!(folded("А\u{441}\u{3bf}"), "aco");
        assert_eq!(folded("\u{661}\u{966}❸"), "103");
    }

    #[test]
    fn what_is_turned_round_is_read_as_it_is_seen() {
        let text = read("a\u{202e}cb\u{202c}d");
        assert_eq!(text.chars.iter().collect::<String>(), "abcd");
        let span = text.span(1..3);
        assert_eq!((span.start, span.end), (2, 4));
        assert_eq!(folded("a\u{202e}cb\nd"), "abc\nd");
        assert_eq!(folded("a\u{202e}cb"), "abc");
    }

    #[test]
    fn a_span_counts_clusters_of_the_original() {
        let text = read("👍🏽ａ\u{200b}b㎡c");
        let chars: String = text.chars.iter().collect();
        let at = |c: char| text.chars.iter().position(|other| *other == c).unwrap();
        assert!(chars.contains("abm2c"));
        let span = text.span(at('a')..at('b') + 1);
        assert_eq!((span.start, span.end), (1, 4));
        let span = text.span(at('c')..at('c') + 1);
        assert_eq!((span.start, span.end), (5, 6));
        assert_eq!(text.whole().end, 6);
    }
}
