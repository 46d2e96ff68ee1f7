//! Ways to reach somebody that are no telephone numbers: e-mail, QQ, WeChat; and links.

use std::ops::Range;

use super::{
    Found,
    tables::{Tables, mark},
};
use crate::domain::{fold::Folded, rules::Detector};

/// The most characters between a word such as "QQ" and the id.
const MOST_CONNECTORS: usize = 5;
/// The longest local part and host of an e-mail address.
const LONGEST_LOCAL: usize = 64;
const LONGEST_HOST: usize = 255;

/// Finds e-mail addresses, QQ numbers and WeChat ids.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    find_emails(text, tables, found);
    let mut at = 0;
    while at < text.chars().len() {
        at = contact_at(text, tables, at, found).unwrap_or(at + 1);
    }
}

/// Takes a QQ number or WeChat id that is announced at a position; gives where it ends.
fn contact_at(text: &Folded, tables: &Tables, at: usize, found: &mut Vec<Found>) -> Option<usize> {
    let chars = text.chars();
    if !tables.marked(chars[at], mark::CONTACT) {
        return None;
    }
    let (word, detector) = match text.word_at(at, &tables.qq) {
        Some(word) => (word, Detector::Qq),
        None => (text.word_at(at, &tables.wechat)?, Detector::Wechat),
    };
    // A word in Latin letters is not the end of a longer one.
    if chars[at].is_ascii_alphabetic() && at > 0 && chars[at - 1].is_ascii_alphanumeric() {
        return None;
    }
    let rest = &chars[at + word..];
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
    let digits = |from: usize| {
        rest[from.min(rest.len())..].iter().take(12).take_while(|c| c.is_ascii_digit()).count()
    };
    let mut length = digits(0);
    let more = digits(length + 1);
    // Some cut it in two.
    let cut = matches!(rest.get(length), Some(' ' | '-')) && length >= 3 && more >= 3;
    if cut && length + more <= 10 {
        length += 1 + more;
    }
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

fn find_emails(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let chars = text.chars();
    let mut at = 0;
    while at < chars.len() {
        let sign = match chars[at] {
            '@' => match text.word_at(at, &tables.ats) {
                Some(length) => Some((length, true)),
                None => Some((1, false)),
            },
            '#' | '(' | '[' | '{' | '<' | ' ' | '\u{4e00}'..='\u{9fff}' => {
                text.word_at(at, &tables.ats).map(|length| (length, true))
            }
            _ => None,
        };
        match sign.and_then(|(length, hidden)| email_at(text, tables, at..at + length, hidden)) {
            Some(range) => {
                at = range.end;
                found.push(Found::new(Detector::Email, range));
            }
            None => at += 1,
        }
    }
}

/// The address around a sign. Where another sign stands for `@`, the host must be a usual one.
fn email_at(
    text: &Folded,
    tables: &Tables,
    sign: Range<usize>,
    hidden: bool,
) -> Option<Range<usize>> {
    let chars = text.chars();
    let local = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    // Who writes a word for the sign often leaves gaps around it.
    let gap = |c: Option<&char>| usize::from(hidden && c == Some(&' '));
    let start = sign.start - gap(sign.start.checked_sub(1).and_then(|before| chars.get(before)));
    let sign = start..sign.end + gap(chars.get(sign.end));
    let before = chars[..sign.start].iter().rev().take(LONGEST_LOCAL);
    let before = before.take_while(|c| local(c)).count();
    let mut host = String::new();
    let mut end = sign.end;
    let mut at = sign.end;
    while let Some(c) = chars.get(at).filter(|_| host.len() < LONGEST_HOST) {
        if let Some(dot) = text.word_at(at, &tables.dots).filter(|_| !host.is_empty()) {
            host.push('.');
            at += dot;
        } else if c.is_ascii_alphanumeric() || *c == '-' {
            host.push(*c);
            at += 1;
            end = at;
        } else {
            break;
        }
    }
    let host = host.trim_end_matches('.');
    let (name, top) = host.rsplit_once('.')?;
    let usual = || tables.lists.tops.iter().any(|known| known == top);
    let right = before > 0
        && !name.is_empty()
        && top.len() >= 2
        && top.bytes().all(|c| c.is_ascii_alphabetic())
        && (!hidden || usual());
    right.then(|| sign.start - before..end)
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
