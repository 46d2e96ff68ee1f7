//! The text of a message and spans of it.
//!
//! A position counts grapheme clusters (UAX #29), which is what a person counts: an emoji with
//! its skin tone is one, and so is a letter with its accents. A redaction therefore never leaves
//! half a character behind.

use unicode_segmentation::UnicodeSegmentation;

/// What stands in the public text for each redacted cluster.
pub const REDACTED: &str = "■";

/// A part of a message's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The title.
    Title,
    /// The body.
    Body,
    /// A complaint's demand.
    Demand,
    /// A complaint's details.
    Details,
    /// The place in words.
    Place,
}

impl Field {
    /// All fields, in the order in which they are read.
    pub const ALL: [Self; 5] = [Self::Title, Self::Body, Self::Demand, Self::Details, Self::Place];

    /// The word by which it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
            Self::Demand => "demand",
            Self::Details => "details",
            Self::Place => "place",
        }
    }

    /// The field of a stored word.
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.as_str() == word)
    }
}

/// The original text of a message, as its owner gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// Which revision it is, from 1.
    pub revision: u32,
    /// The title.
    pub title: String,
    /// The body.
    pub body: String,
    /// A complaint's demand.
    pub demand: String,
    /// A complaint's details.
    pub details: String,
    /// The place in words.
    pub place: String,
    /// Whether the public may see the place.
    pub place_public: bool,
}

impl Text {
    /// One field of it.
    pub fn field(&self, field: Field) -> &str {
        match field {
            Field::Title => &self.title,
            Field::Body => &self.body,
            Field::Demand => &self.demand,
            Field::Details => &self.details,
            Field::Place => &self.place,
        }
    }

    fn field_mut(&mut self, field: Field) -> &mut String {
        match field {
            Field::Title => &mut self.title,
            Field::Body => &mut self.body,
            Field::Demand => &mut self.demand,
            Field::Details => &mut self.details,
            Field::Place => &mut self.place,
        }
    }

    /// Whether a span lies inside this text and is not empty.
    pub fn contains(&self, span: Span) -> bool {
        span.start < span.end && span.end <= length(self.field(span.field))
    }

    /// The text that everybody may read: without the spans, and without a place that its author
    /// did not make public.
    #[must_use]
    pub fn public(mut self, redactions: &[Span]) -> Self {
        if !self.place_public {
            self.place.clear();
        }
        for field in Field::ALL {
            let spans: Vec<_> = redactions.iter().filter(|span| span.field == field).collect();
            if !spans.is_empty() {
                let rendered = without(self.field(field), &spans);
                *self.field_mut(field) = rendered;
            }
        }
        self
    }
}

/// A span of one field, in grapheme clusters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The part of the text.
    pub field: Field,
    /// The first cluster, from 0, inclusive.
    pub start: u32,
    /// The end, exclusive.
    pub end: u32,
}

impl Span {
    /// Whether both have a cluster in common.
    pub fn overlaps(self, other: Self) -> bool {
        self.field == other.field && self.start < other.end && other.start < self.end
    }
}

/// The number of clusters of a text.
pub fn length(text: &str) -> u32 {
    u32::try_from(text.graphemes(true).count()).unwrap_or(u32::MAX)
}

/// A text with a mark in the place of each cluster that lies in a span.
fn without(text: &str, spans: &[&Span]) -> String {
    let mut spans: Vec<_> = spans.iter().map(|span| (span.start, span.end)).collect();
    spans.sort_unstable();
    let mut rendered = String::with_capacity(text.len());
    let mut next = spans.into_iter().peekable();
    for (position, cluster) in (0_u32..).zip(text.graphemes(true)) {
        while next.next_if(|&(_, end)| end <= position).is_some() {}
        let hidden = next.peek().is_some_and(|&(start, _)| start <= position);
        rendered.push_str(if hidden { REDACTED } else { cluster });
    }
    rendered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(start: u32, end: u32) -> Span {
        Span { field: Field::Body, start, end }
    }

    fn rendered(text: &str, spans: &[Span]) -> String {
        let text = Text { body: text.to_owned(), ..Text::default() };
        text.public(spans).body
    }

    #[test]
    fn a_redacted_cluster_becomes_one_mark() {
        assert_eq!(rendered("abcdef", &[body(1, 3)]), "a■■def");
        assert_eq!(rendered("abcdef", &[body(4, 6), body(0, 1)]), "■bcd■■");
    }

    #[test]
    fn overlapping_spans_are_one() {
        assert_eq!(rendered("abcdef", &[body(0, 5), body(1, 2), body(2, 6)]), "■■■■■■");
        assert_eq!(rendered("abcdef", &[body(0, 1), body(0, 3)]), "■■■def");
    }

    #[test]
    fn an_emoji_or_an_accented_letter_is_one_cluster() {
        // A family of three, a thumb with a skin tone, a flag, and e with a combining acute.
        let text = "a👨‍👩‍👧b👍🏽c🇨🇳de\u{301}f";
        assert_eq!(length(text), 9);
        // A consonant with a vowel that takes room of its own is one cluster only in the extended
        // sense.
        assert_eq!(length("\u{928}\u{93f}"), 1);
        assert_eq!(rendered(text, &[body(1, 2), body(3, 4)]), "a■b■c🇨🇳de\u{301}f");
        assert_eq!(rendered(text, &[body(5, 6), body(7, 8)]), "a👨‍👩‍👧b👍🏽c■d■f");
    }

    #[test]
    fn a_place_that_is_not_public_is_left_out() {
        let text = Text { place: "x".into(), ..Text::default() };
        assert_eq!(text.clone().public(&[]).place, "");
        assert_eq!(Text { place_public: true, ..text }.public(&[]).place, "x");
    }

    #[test]
    fn a_span_must_lie_inside_its_field() {
        let text = Text { body: "e\u{301}e\u{301}".into(), ..Text::default() };
        assert!(text.contains(body(0, 2)));
        assert!(!text.contains(body(0, 3)));
        assert!(!text.contains(body(1, 1)));
        assert!(!text.contains(Span { field: Field::Title, start: 0, end: 1 }));
    }
}
