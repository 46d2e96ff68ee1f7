//! P11: what the rules find, how fast, and how near-duplicates are found among a million.

mod alike;
mod cases;
mod random;
mod values;

use std::{collections::BTreeMap, path::PathBuf, time::Instant};

use liuyan_moderation::{
    rules::RuleSet,
    screen::{Hit, Screener},
    text::Text,
};
use serde_json::json;

use crate::report::{Row, round};
use cases::Case;
use random::Random;

/// What is promised of detectors.
const PRECISION: f64 = 0.98;
const RECALL: f64 = 0.95;

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    /// The seed of everything that is made by chance.
    #[arg(long, default_value_t = 20_260_501)]
    seed: u64,
    /// Made cases of each kind.
    #[arg(long, default_value_t = 2_000)]
    cases: usize,
    /// Messages of 1,000 characters that are read.
    #[arg(long, default_value_t = 500)]
    messages: usize,
    /// Fingerprints among which near-duplicates are looked for; 0 leaves it out.
    #[arg(long, default_value_t = 1_000_000)]
    fingerprints: usize,
    /// A folder with `moderation_vectors.csv`, if there is one.
    #[arg(long, env = "LIUYAN_REAL_DATA")]
    data: Option<PathBuf>,
}

/// Measures.
///
/// # Errors
/// If something does not run at all.
pub(crate) async fn run(options: Options) -> anyhow::Result<Vec<Row>> {
    let screener = Screener::new(RuleSet::current()?)?;
    let mut rows = Vec::new();
    rows.extend(detectors("P11", &screener, &cases::cases(options.seed, options.cases)));
    let vectors = options.data.clone().map(|folder| folder.join("moderation_vectors.csv"));
    if let Some(vectors) = vectors.filter(|file| file.is_file()) {
        rows.push(shared(&screener, &vectors)?);
    }
    rows.push(speed(&screener, &options));
    if options.fingerprints > 0 {
        rows.extend(alike::run(options.seed, options.fingerprints).await?);
    }
    Ok(rows)
}

/// Right and wrong findings.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    found: u32,
    wrong: u32,
    missed: u32,
}

impl Counts {
    fn precision(self) -> f64 {
        share(self.found, self.wrong)
    }

    fn recall(self) -> f64 {
        share(self.found, self.missed)
    }
}

fn share(of: u32, others: u32) -> f64 {
    f64::from(of) / f64::from((of + others).max(1))
}

/// The detector that a rule's hits count for.
fn family(rule: &str) -> &str {
    match rule {
        "identity-number" | "identity-number-15" | "identity-number-unchecked" => "identity",
        "landline" | "landline-in-context" => "landline",
        "profanity" | "insult" | "sexual" | "advertising-word" => "words",
        rule => rule,
    }
}

/// A hit counts if it lies on what was to be found; every other one of the same detector is wrong.
fn detectors(row: &'static str, screener: &Screener, cases: &[Case]) -> Vec<Row> {
    let mut counts: BTreeMap<&str, Counts> = BTreeMap::new();
    for case in cases {
        let text = Text { body: case.text.clone(), ..Text::default() };
        let found: Vec<String> = screener
            .screen(&text)
            .iter()
            .filter(|hit| family(&hit.rule) == case.detector)
            .map(|hit| words(&case.text, hit))
            .collect();
        let counts = counts.entry(case.detector).or_default();
        let right = case.value.as_ref().is_some_and(|value| {
            found.iter().any(|found| value.contains(found.as_str()) || found.contains(value))
        });
        counts.found += u32::from(right);
        counts.missed += u32::from(case.value.is_some() && !right);
        let wrong = found.len() - usize::from(right);
        counts.wrong += u32::try_from(wrong).unwrap_or(u32::MAX);
    }
    let rows = counts.into_iter().flat_map(|(detector, counts)| {
        let detail = json!({
            "detector": detector, "found": counts.found, "wrong": counts.wrong,
            "missed": counts.missed, "vectors": "made",
        });
        [
            named(row, "precision", counts.precision(), PRECISION, &detail),
            named(row, "recall", counts.recall(), RECALL, &detail),
        ]
    });
    rows.collect()
}

fn named(
    row: &'static str,
    what: &str,
    figure: f64,
    least: f64,
    detail: &serde_json::Value,
) -> Row {
    let mut detail = detail.clone();
    detail["what"] = json!(what);
    Row::at_least(row, figure, least, detail)
}

/// What a hit stands on.
fn words(text: &str, hit: &Hit) -> String {
    use unicode_segmentation::UnicodeSegmentation as _;
    let clusters = text.graphemes(true).skip(hit.span.start as usize);
    clusters.take((hit.span.end - hit.span.start) as usize).collect()
}

/// The vectors of a file beside the project: which of them are treated as they should be.
fn shared(screener: &Screener, file: &std::path::Path) -> anyhow::Result<Row> {
    let (mut right, mut all) = (0_u32, 0_u32);
    let mut wrong = Vec::new();
    for row in csv::Reader::from_path(file)?.records() {
        let row = row?;
        let (id, value, expected) =
            (row.get(0).unwrap_or(""), row.get(2).unwrap_or(""), row.get(4).unwrap_or(""));
        let text = Text { body: value.to_owned(), ..Text::default() };
        let found = screener.screen(&text).iter().any(|hit| hit.rule != "unreadable");
        let fits = match expected {
            "mask" | "review" => found,
            "no_mask" => !found,
            _ => true,
        };
        all += 1;
        right += u32::from(fits);
        if !fits {
            wrong.push(id.to_owned());
        }
    }
    let detail = json!({ "what": "vectors", "right": right, "of": all, "wrong": wrong });
    Ok(Row::at_least("P11", share(right, all - right), PRECISION, detail))
}

/// The median time of one core for a message of 1,000 characters.
fn speed(screener: &Screener, options: &Options) -> Row {
    let mut random = Random::new(options.seed);
    let cases = cases::cases(options.seed + 1, 200);
    let texts: Vec<Text> = (0..options.messages)
        .map(|_| {
            let mut body = String::new();
            while body.chars().count() < 1_000 {
                body.push_str(&random.pick(&cases).text);
                let part: &str = random.pick::<&str>(alike::SENTENCES);
                body.push_str(part);
            }
            Text { body: body.chars().take(1_000).collect(), ..Text::default() }
        })
        .collect();
    let mut times: Vec<u128> = texts
        .iter()
        .map(|text| {
            let begun = Instant::now();
            std::hint::black_box(screener.screen(text));
            begun.elapsed().as_nanos()
        })
        .collect();
    times.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "nanoseconds of one message")]
    let milliseconds = |at: usize| times.get(at).map_or(f64::NAN, |nanos| *nanos as f64 / 1e6);
    let median = milliseconds(times.len() / 2);
    let detail = json!({
        "what": "reading", "messages": times.len(), "p99_ms": round(milliseconds(times.len() * 99 / 100)),
        "per_second_and_core": (1_000.0 / median).round(),
    });
    Row { unit: "ms", ..Row::at_most("P11", median, 1.0, detail) }
}
