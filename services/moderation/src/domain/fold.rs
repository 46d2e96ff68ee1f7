//! Text as the detectors read it: compatibility forms folded (NFKC), lower case, invisible
//! characters and accents dropped, and for each character the cluster that it came from.

use std::{ops::Range, str::Chars};

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

use super::text::{Field, Span};

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
    pub fn new(field: Field, text: &str) -> Self {
        let mut folded = Self {
            field,
            chars: Vec::with_capacity(text.len() / 2),
            clusters: Vec::with_capacity(text.len() / 2),
            length: 0,
        };
        if is_plain(text.chars()) {
            // One character is one cluster here and NFKC changes nothing: most messages.
            for c in text.chars() {
                folded.push(c.to_ascii_lowercase());
                folded.length += 1;
            }
            return folded;
        }
        for cluster in text.graphemes(true) {
            if is_plain(cluster.chars()) {
                cluster.chars().for_each(|c| folded.push(c.to_ascii_lowercase()));
            } else {
                cluster
                    .nfkc()
                    .flat_map(char::to_lowercase)
                    .filter(|c| !is_invisible(*c))
                    .for_each(|c| folded.push(c));
            }
            folded.length += 1;
        }
        folded
    }

    fn push(&mut self, c: char) {
        self.chars.push(c);
        self.clusters.push(self.length);
    }

    /// The folded characters.
    pub fn chars(&self) -> &[char] {
        &self.chars
    }

    /// The span of the original that folded characters came from. They must not be none.
    pub fn span(&self, range: Range<usize>) -> Span {
        Span {
            field: self.field,
            start: self.clusters[range.start],
            end: self.clusters[range.end - 1] + 1,
        }
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

    fn folded(text: &str) -> String {
        Folded::new(Field::Body, text).chars.iter().collect()
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
    fn a_span_counts_clusters_of_the_original() {
        let text = Folded::new(Field::Body, "👍🏽ａ\u{200b}b㎡c");
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
