//! Chinese within pages in other languages: marked, so that it is read aloud and drawn as what it is.

use std::fmt;

use askama::filters::{Escaper as _, Html, HtmlSafe};

/// A text whose Chinese parts stand in elements of their own, escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mixed {
    text: String,
    marked: bool,
}

impl Mixed {
    /// A text; `marked` is whether it stands in a page that is not in Chinese.
    pub(crate) fn new(text: String, marked: bool) -> Self {
        Self { text, marked }
    }
}

impl HtmlSafe for Mixed {}

impl fmt::Display for Mixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.marked {
            return Html.write_escaped_str(f, &self.text);
        }
        let mut rest = self.text.as_str();
        while let Some(begin) = rest.find(is_chinese) {
            let (before, after) = rest.split_at(begin);
            let (chinese, left) = after.split_at(run(after));
            Html.write_escaped_str(&mut *f, before)?;
            f.write_str("<span lang=\"zh-CN\">")?;
            Html.write_escaped_str(&mut *f, chinese)?;
            f.write_str("</span>")?;
            rest = left;
        }
        Html.write_escaped_str(f, rest)
    }
}

/// How far the Chinese goes, in bytes: to its last character before a blank. What stands between two
/// Chinese characters, such as a number, belongs to them.
fn run(text: &str) -> usize {
    let word = text.find(char::is_whitespace).map_or(text, |end| &text[..end]);
    word.char_indices().rev().find(|(_, c)| is_chinese(*c)).map_or(0, |(at, c)| at + c.len_utf8())
}

/// Chinese characters, and the marks that stand among them alone.
fn is_chinese(c: char) -> bool {
    matches!(c,
        '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe4f}'
        | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Mixed::new(text.to_owned(), true).to_string()
    }

    #[test]
    fn what_is_chinese_is_marked_and_nothing_else() {
        let span = |text: &str| format!("<span lang=\"zh-CN\">{text}</span>");
        let name = "\u{5e02}\u{957f}";
        for (text, expected) in [
            ("plain".to_owned(), "plain".to_owned()),
            (String::new(), String::new()),
            (format!("Answer by {name}"), format!("Answer by {}", span(name))),
            (format!("{name}, since"), format!("{}, since", span(name))),
            (
                format!("{name}12\u{3001}{name}, 3"),
                format!("{}, 3", span(&format!("{name}12\u{3001}{name}"))),
            ),
            (format!("{name} a {name}"), format!("{} a {}", span(name), span(name))),
        ] {
            assert_eq!(shown(&text), expected, "{text}");
        }
    }

    #[test]
    fn it_is_escaped_everywhere() {
        let name = "\u{5e02}";
        for marked in [true, false] {
            let text = Mixed::new(format!("<b>{name}<i>{name}</i>"), marked).to_string();
            assert!(!text.contains("<b>") && !text.contains("<i>"), "{text}");
        }
        assert_eq!(Mixed::new(name.to_owned(), false).to_string(), name);
    }
}
