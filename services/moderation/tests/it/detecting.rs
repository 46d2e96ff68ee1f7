//! What the rules find in thousands of made texts.

use std::collections::BTreeMap;

use liuyan_moderation::{
    rules::RuleSet,
    screen::{Hit, Screener},
    text::Text,
};
use unicode_segmentation::UnicodeSegmentation;

use crate::made::{Case, cases};

/// Of what is found, at least so much is right.
const PRECISION: f64 = 0.98;
/// Of what is there, at least so much is found.
const RECALL: f64 = 0.95;
/// Seeds of chance, and texts of each kind.
const SEEDS: [u64; 3] = [7, 1_949, 20_260_501];
const EACH: usize = 2_000;

#[derive(Debug, Default)]
struct Counts {
    found: u32,
    wrong: u32,
    missed: u32,
    examples: Vec<String>,
}

/// The kind of data that a rule finds.
fn kind(rule: &str) -> &str {
    match rule {
        "identity-number" | "identity-number-15" | "identity-number-unchecked" => "identity",
        "landline" | "landline-in-context" => "landline",
        "qq" | "wechat" => "messenger",
        rule => rule,
    }
}

fn words(text: &str, hit: &Hit) -> String {
    let clusters = text.graphemes(true).skip(hit.span.start as usize);
    clusters.take((hit.span.end - hit.span.start) as usize).collect()
}

/// Finding counts if it lies in what was to be found and is a good part of it: an address begins with the
/// number of the building, what says that something is a number need not be left out.
fn is_right(found: &str, value: &str) -> bool {
    let (inside, around) = (value.contains(found), found.contains(value));
    around || (inside && found.chars().count() * 3 > value.chars().count())
}

fn count(counts: &mut BTreeMap<&'static str, Counts>, screener: &Screener, case: &Case) {
    let text = Text { body: case.text.clone(), ..Text::default() };
    let hits = screener.screen(&text);
    let found: Vec<String> = hits
        .iter()
        .filter(|hit| kind(&hit.rule) == case.kind)
        .map(|hit| words(&case.text, hit))
        .collect();
    let value = case.value.as_deref();
    let right = value.is_some_and(|value| found.iter().any(|found| is_right(found, value)));
    let wrong = found.len() - usize::from(right);
    let counts = counts.entry(case.kind).or_default();
    counts.found += u32::from(right);
    counts.missed += u32::from(value.is_some() && !right);
    counts.wrong += u32::try_from(wrong).unwrap();
    if wrong > 0 || (value.is_some() && !right) {
        counts.examples.push(format!("{:?} in {:?}: {found:?}", case.value, case.text));
    }
}

fn share(of: u32, others: u32) -> f64 {
    f64::from(of) / f64::from((of + others).max(1))
}

#[test]
fn each_detector_finds_what_is_there_and_little_else_in_thousands_of_made_texts() {
    let screener = Screener::new(RuleSet::current().unwrap()).unwrap();
    let mut counts = BTreeMap::new();
    for case in SEEDS.into_iter().flat_map(|seed| cases(seed, EACH)) {
        count(&mut counts, &screener, &case);
    }
    assert_eq!(counts.len(), 8);
    let mut failed = Vec::new();
    for (kind, counts) in &counts {
        let precision = share(counts.found, counts.wrong);
        let recall = share(counts.found, counts.missed);
        if precision < PRECISION || recall < RECALL {
            let examples: Vec<_> = counts.examples.iter().take(30).map(String::as_str).collect();
            failed.push(format!(
                "{kind}: precision {precision:.3}, recall {recall:.3}\n{}",
                examples.join("\n")
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
