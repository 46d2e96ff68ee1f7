//! Names of persons where they do harm: announced as a name and beside an identity number, a
//! telephone number, a card or an address.

use super::{
    Found,
    tables::{Tables, mark},
};
use crate::domain::{fold::Folded, rules::Detector};

/// How far from such data a name may stand, in characters.
const NEAR: usize = 40;
/// How many signs may stand between the announcement and the name.
const CONNECTORS: usize = 3;

/// Finds names near what is in `found` already.
pub(super) fn find(text: &Folded, tables: &Tables, found: &mut Vec<Found>) {
    let risky: Vec<_> =
        found.iter().filter(|one| is_risky(one.detector)).map(|one| one.range.clone()).collect();
    if risky.is_empty() {
        return;
    }
    let mut at = 0;
    while at < text.chars().len() {
        at = match name_at(text, tables, at) {
            Some((start, end)) => {
                let near =
                    risky.iter().any(|range| range.start < end + NEAR && start < range.end + NEAR);
                if near {
                    found.push(Found::new(Detector::PersonalName, start..end));
                }
                end
            }
            None => at + 1,
        };
    }
}

fn is_risky(detector: Detector) -> bool {
    matches!(
        detector,
        Detector::Mobile
            | Detector::IdentityNumber
            | Detector::IdentityNumberUnchecked
            | Detector::IdentityNumber15
            | Detector::BankCard
            | Detector::Address
    )
}

/// A name that is announced at a position: where it starts and ends.
fn name_at(text: &Folded, tables: &Tables, at: usize) -> Option<(usize, usize)> {
    let chars = text.chars();
    if !tables.marked(chars[at], mark::NAMED) {
        return None;
    }
    let word = text.word_at(at, &tables.names)?;
    let rest = &chars[at + word..];
    let gap = rest.iter().take(CONNECTORS).take_while(|c| matches!(c, ' ' | ':' | '(')).count();
    let start = at + word + gap;
    let surname = match text.word_at(start, &tables.long_surnames) {
        Some(length) => length,
        None => usize::from(tables.marked(*chars.get(start)?, mark::SURNAME)),
    };
    if surname == 0 || text.word_at(start, &tables.not_names).is_some() {
        return None;
    }
    // One or two characters of the given name, and then something that ends it.
    (1..=2).rev().find_map(|given| {
        let end = start + surname + given;
        let name = chars.get(start + surname..end)?;
        // A name that is masked already does no harm.
        let fits = |c: &char| matches!(c, '\u{4e00}'..='\u{9fff}') && *c != tables.lists.unnamed;
        let han = name.iter().all(fits);
        let ends = match chars.get(end) {
            None => true,
            Some('\u{4e00}'..='\u{9fff}') => text.word_at(end, &tables.name_ends).is_some(),
            Some(_) => true,
        };
        let ends_within = given == 2 && text.word_at(end - 1, &tables.name_ends).is_some();
        (han && ends && !ends_within).then_some((start, end))
    })
}
