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

/// Composes (NFC), ends lines by a line feed alone, and cuts off the white space around.
///
/// # Errors
/// The bounds, or the first character that is forbidden.
pub fn clean(raw: &str, lines: Lines, bounds: Bounds) -> Result<String, Rule> {
    // Before any work that grows with the text.
    if raw.len() / 4 > bounds.max * CODE_POINTS_PER_CHARACTER {
        return Err(Rule::TooLong { max: bounds.max, length: raw.chars().count() });
    }
    let composed: String = raw.nfc().collect();
    let unified = if composed.contains('\r') {
        composed.replace("\r\n", "\n").replace('\r', "\n")
    } else {
        composed
    };
    let text = unified.trim();
    if let Some(character) = text.chars().find(|&character| is_forbidden(character, lines)) {
        return Err(Rule::ForbiddenCharacter(character));
    }
    let length = text.graphemes(true).count();
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
    fn few_characters_of_endless_marks_are_too_long() {
        let zalgo = format!("ab{}", "\u{300}".repeat(100));
        assert!(matches!(clean(&zalgo, Lines::One, SHORT), Err(Rule::TooLong { .. })));
    }
}
