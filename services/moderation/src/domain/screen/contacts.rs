//! Ways to reach somebody that are no telephone numbers: e-mail, QQ, WeChat; and links.

use std::ops::Range;

use super::{Found, Tables, mark};
use crate::domain::{fold::Folded, rules::Detector};

/// The most characters between a word such as "QQ" and the id.
const MOST_CONNECTORS: usize = 5;

/// Finds e-mail addresses, QQ numbers and WeChat ids.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    find_emails(text, found);
    let mut at = 0;
    while at < text.chars().len() {
        at = contact_at(text, tables, at, found).unwrap_or(at + 1);
    }
}

/// Takes a QQ number or WeChat id that is announced at a position; gives where it ends.
fn contact_at(text: &Folded, tables: &Tables, at: usize, found: &mut Vec<Found>) -> Option<usize> {
    if !tables.marked(text.chars()[at], mark::CONTACT) {
        return None;
    }
    let (word, detector) = match text.word_at(at, &tables.qq) {
        Some(word) => (word, Detector::Qq),
        None => (text.word_at(at, &tables.wechat)?, Detector::Wechat),
    };
    let rest = &text.chars()[at + word..];
    let gap = rest
        .iter()
        .take(MOST_CONNECTORS)
        .take_while(|c| tables.lists.connectors.contains(**c))
        .count();
    let rest = &rest[gap..];
    let length = match detector {
        Detector::Qq => qq(rest),
        _ => wechat(rest, gap > 0),
    }?;
    let start = at + word + gap;
    found.push(Found::new(detector, start..start + length));
    Some(start + length)
}

/// The length of a QQ number, 5 to 11 digits, that a text begins with.
fn qq(rest: &[char]) -> Option<usize> {
    let length = rest.iter().take(12).take_while(|c| c.is_ascii_digit()).count();
    let mail = rest.get(length) == Some(&'@');
    ((5..=11).contains(&length) && rest[0] != '0' && !mail).then_some(length)
}

/// The length of a WeChat id that a text begins with: a letter, then letters, digits, `_`, `-`,
/// 6 to 20 in all. One of letters only may be a word, unless something announces it.
fn wechat(rest: &[char], announced: bool) -> Option<usize> {
    let id = |c: &&char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let length = rest.iter().take(21).take_while(id).count();
    let named = rest[..length].iter().any(|c| !c.is_ascii_alphabetic());
    let fits = (6..=20).contains(&length) && rest[0].is_ascii_alphabetic();
    (fits && (named || announced)).then_some(length)
}

fn find_emails(text: &Folded, found: &mut Vec<Found>) {
    let chars = text.chars();
    let local = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let domain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    // Each character is passed twice at most: runs between two signs belong to both.
    for (at, _) in chars.iter().enumerate().filter(|(_, c)| **c == '@') {
        let before = chars[..at].iter().rev().take(64).take_while(|c| local(c)).count();
        let after = chars[at + 1..].iter().take(255).take_while(|c| domain(c)).count();
        let host = &chars[at + 1..at + 1 + after];
        let trimmed = host.iter().rposition(|c| c.is_ascii_alphanumeric()).map_or(0, |end| end + 1);
        let host = &host[..trimmed];
        let top = host.iter().rev().take_while(|c| c.is_ascii_alphabetic()).count();
        let dotted = top < host.len() && host[host.len() - top - 1] == '.';
        if before > 0 && dotted && top >= 2 && host[0] != '.' {
            found.push(Found::new(Detector::Email, at - before..at + 1 + trimmed));
        }
    }
}

/// The links of a text: a scheme or `www.` and what follows it in ASCII.
pub(super) fn links(text: &Folded) -> Vec<Range<usize>> {
    const STARTS: [&str; 3] = ["http://", "https://", "www."];
    let chars = text.chars();
    let begins = |at: usize, start: &str| {
        let fits = matches!(chars[at], 'h' | 'w') && chars.len() - at >= start.len();
        fits && chars[at..].iter().zip(start.chars()).all(|(a, b)| *a == b)
    };
    let mut links = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match STARTS.iter().find(|start| begins(at, start)) {
            Some(start) => {
                let rest = &chars[at + start.len()..];
                let length = rest.iter().take_while(|c| c.is_ascii_graphic()).count();
                let end = at + start.len() + length;
                if length > 2 {
                    links.push(at..end);
                }
                at = end;
            }
            None => at += 1,
        }
    }
    links
}
