//! Text as people count it: grapheme clusters of the composed form, without what surrounds it.

use unicode_normalization::UnicodeNormalization as _;
use unicode_segmentation::UnicodeSegmentation as _;

use super::rule::Rule;

/// How many code points one character may consist of on average. A cluster has no limit of its
/// own, so that fifty characters could be a megabyte; the longest emoji sequences have ten.
const CODE_POINTS_PER_CHARACTER: usize = 10;

/// Whether a field may have several lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// One.
    One,
    /// Several, ended by line feeds.
    Many,
}

/// How long a field may be, in characters. `min` of 0 means that it may be left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least.
    pub min: usize,
    /// The most.
    pub max: usize,
}

/// Composes (NFC), leaves out what nobody sees, ends lines by a line feed alone, and cuts off the
/// white space around. Doing it again changes nothing.
///
/// # Errors
/// The bounds, or the first character that is forbidden.
pub fn clean(raw: &str, lines: Lines, bounds: Bounds) -> Result<String, Rule> {
    // Before any work that grows with the text.
    if raw.len() / 4 > bounds.max * CODE_POINTS_PER_CHARACTER {
        return Err(Rule::TooLong { max: bounds.max, length: raw.chars().count() });
    }
    if raw.chars().all(is_plain) {
        return bounded(raw.trim(), lines, bounds, |text| text.chars().count());
    }
    let composed: String = raw.chars().filter(|&it| !is_invisible(it)).nfc().collect();
    let unified = if composed.contains('\r') {
        composed.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        composed
    };
    bounded(unified.trim(), lines, bounds, |text| text.graphemes(true).count())
}

fn bounded(
    text: &str,
    lines: Lines,
    bounds: Bounds,
    length_of: fn(&str) -> usize,
) -> Result<String, Rule> {
    if let Some(character) = text.chars().find(|&character| is_forbidden(character, lines)) {
        return Err(Rule::ForbiddenCharacter(character));
    }
    // What is nothing but joiners shows nothing.
    let text = if text.chars().all(is_joiner) { "" } else { text };
    let length = length_of(text);
    if length == 0 && bounds.min > 0 {
        return Err(Rule::Required);
    }
    if length < bounds.min {
        return Err(Rule::TooShort { min: bounds.min, length });
    }
    if length > bounds.max || text.chars().count() > bounds.max * CODE_POINTS_PER_CHARACTER {
        return Err(Rule::TooLong { max: bounds.max, length });
    }
    Ok(text.to_owned())
}

/// What most messages consist of alone: ASCII, Chinese characters and their punctuation. Each of these
/// is composed and a cluster by itself, so that neither need be looked up.
fn is_plain(character: char) -> bool {
    matches!(
        character,
        '\n' | ' '..='~' | '\u{3000}'..='\u{3029}' | '\u{4E00}'..='\u{9FFF}' | '\u{FF01}'..='\u{FF5E}'
    )
}

/// What nobody sees and no script needs: it comes along with what is pasted, or hides words from
/// whoever searches or screens. Left out and not refused, since its author cannot see it either.
fn is_invisible(character: char) -> bool {
    matches!(
        character,
        '\u{AD}' | '\u{180E}' | '\u{200B}' | '\u{2060}'
            ..='\u{2064}'
                | '\u{FEFF}'
                | '\u{115F}'
                | '\u{1160}'
                | '\u{3164}'
                | '\u{FFA0}'
                | '\u{E0001}'
    )
}

/// What joins or parts the letters beside it, or says in which direction they run: emoji and several
/// scripts need it, and by itself it is nothing.
fn is_joiner(character: char) -> bool {
    matches!(
        character,
        '\u{200C}'..='\u{200F}' | '\u{61C}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0020}'..='\u{E007F}'
    ) || character.is_whitespace()
}

/// Control characters, and those that make text appear in another order than it is stored in
/// (Unicode Standard Annex 9: embeddings, overrides and isolates).
fn is_forbidden(character: char, lines: Lines) -> bool {
    match character {
        '\n' | '\t' => lines == Lines::One,
        '\u{2028}' | '\u{2029}' => lines == Lines::One,
        '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHORT: Bounds = Bounds { min: 2, max: 4 };

    #[test]
    fn length_is_counted_in_characters_as_people_see_them() {
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}";
        for (text, characters) in
            [("路灯坏了", 4), ("  路灯  ", 2), ("e\u{301}a", 2), ("\u{3000}路灯\u{3000}", 2)]
        {
            let cleaned = clean(text, Lines::One, SHORT).unwrap();
            assert_eq!(cleaned.graphemes(true).count(), characters, "{text:?}");
        }
        assert!(clean(&family.repeat(4), Lines::One, SHORT).is_ok());
        assert_eq!(
            clean(&family.repeat(5), Lines::One, SHORT),
            Err(Rule::TooLong { max: 4, length: 5 })
        );
    }

    #[test]
    fn text_is_kept_composed_and_with_plain_line_ends() {
        assert_eq!(clean("e\u{301}\r\nb", Lines::Many, SHORT).unwrap(), "\u{e9}\nb");
    }

    #[test]
    fn a_refused_text_names_its_rule() {
        for (text, lines, rule) in [
            ("", Lines::One, Rule::Required),
            (" \u{3000} ", Lines::One, Rule::Required),
            ("a", Lines::One, Rule::TooShort { min: 2, length: 1 }),
            ("abcde", Lines::One, Rule::TooLong { max: 4, length: 5 }),
            ("a\nb", Lines::One, Rule::ForbiddenCharacter('\n')),
            ("a\u{0}b", Lines::Many, Rule::ForbiddenCharacter('\u{0}')),
            ("a\u{85}b", Lines::Many, Rule::ForbiddenCharacter('\u{85}')),
            ("a\u{202E}b", Lines::Many, Rule::ForbiddenCharacter('\u{202E}')),
            ("a\u{2066}b", Lines::Many, Rule::ForbiddenCharacter('\u{2066}')),
        ] {
            assert_eq!(clean(text, lines, SHORT), Err(rule), "{text:?}");
        }
    }

    #[test]
    fn what_nobody_sees_is_left_out_and_is_no_text() {
        assert_eq!(clean("\u{FEFF}路\u{200B}灯\u{AD}", Lines::One, SHORT).unwrap(), "路灯");
        for nothing in ["\u{200B}\u{200B}\u{200B}", "\u{200D}\u{200D} \u{200D}", "\u{3164}\u{3164}"]
        {
            assert_eq!(clean(nothing, Lines::One, SHORT), Err(Rule::Required), "{nothing:?}");
        }
        let family = "\u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467}a";
        assert_eq!(clean(family, Lines::One, SHORT).unwrap(), family);
    }

    proptest! {
        /// Whatever comes is refused by one of the rules, or is within the bounds, composed, and stays
        /// as it is when it is cleaned again: so the same words have the same canonical bytes.
        #[test]
        fn what_is_taken_keeps_every_rule(raw in "\\PC{0,60}|[a-z路灯\u{300}\u{200b}\u{200d}\u{202e}\r\n\t ]{0,60}", many in any::<bool>()) {
            let lines = if many { Lines::Many } else { Lines::One };
            let bounds = Bounds { min: 2, max: 12 };
            match clean(&raw, lines, bounds) {
                Ok(text) => {
                    let length = text.graphemes(true).count();
                    prop_assert!((bounds.min..=bounds.max).contains(&length));
                    prop_assert!(text.nfc().eq(text.chars()));
                    prop_assert!(text.chars().all(|it| !is_forbidden(it, lines) && !is_invisible(it)));
                    prop_assert_eq!(text.trim(), text.as_str());
                    prop_assert_eq!(clean(&text, lines, bounds), Ok(text.clone()));
                }
                Err(Rule::Required) => prop_assert!(raw.chars().all(|it| it.is_control() || is_joiner(it) || is_invisible(it))),
                Err(Rule::TooShort { min, length }) => prop_assert!(min == bounds.min && length < min),
                Err(Rule::TooLong { max, .. }) => prop_assert_eq!(max, bounds.max),
                Err(Rule::ForbiddenCharacter(it)) => prop_assert!(is_forbidden(it, lines)),
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn plain_characters_are_composed_and_clusters_by_themselves() {
        let plain: String = (char::MIN..=char::MAX).filter(|&it| is_plain(it)).collect();
        assert!(plain.chars().count() > 20_000);
        for text in [plain.clone(), plain.chars().rev().collect()] {
            assert!(text.nfc().eq(text.chars()));
            assert_eq!(text.graphemes(true).count(), text.chars().count());
            assert!(!text.chars().any(is_invisible));
        }
    }

    #[test]
    fn few_characters_of_endless_marks_are_too_long() {
        let zalgo = format!("ab{}", "\u{300}".repeat(100));
        assert!(matches!(clean(&zalgo, Lines::One, SHORT), Err(Rule::TooLong { .. })));
    }
}
