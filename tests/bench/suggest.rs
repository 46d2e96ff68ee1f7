//! P10: how well a model suggests where a message belongs, and how fast.
//!
//! Each message is told by a model that has not seen it, nor was calibrated on it. The promise is plain
//! cross-validation, as others measure on this set. Beside it stands a stricter figure: texts that are
//! nearly the same are then never apart, so that none is told by its likes.

use std::{collections::BTreeSet, thread, time::Instant};

use liuyan_routing::domain::suggestion::{
    Example, Model, Text, TooFew, Training,
    calibration::{expected_error, macro_f1},
    folds,
    groups::groups,
};
use serde_json::json;

use crate::{
    real::Folder,
    report::{Row, median, round},
};

/// How to measure.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Options {
    #[command(flatten)]
    folder: Folder,
    /// The seed of the parts and of the training.
    #[arg(long, default_value_t = 20_260_501)]
    seed: u64,
    /// Into how many parts the messages are cut.
    #[arg(long, default_value_t = 10)]
    folds: usize,
}

/// What was told of a message by a model that did not know it.
struct Told {
    at: usize,
    label: usize,
    probability: f64,
    sure: bool,
}

/// The messages and what is right of them.
struct Messages {
    texts: Vec<(String, String)>,
    labels: Vec<String>,
    right: Vec<usize>,
    groups: Vec<usize>,
}

impl Messages {
    fn example(&self, at: usize) -> Example<'_> {
        let (title, body) = &self.texts[at];
        Example {
            text: Text { title, body },
            label: &self.labels[self.right[at]],
            group: self.groups[at],
        }
    }
}

/// Measures.
///
/// # Errors
/// If there are no messages.
pub(crate) fn run(options: &Options) -> anyhow::Result<Vec<Row>> {
    let rows = options.folder.rows("teddy2_labelled.open.csv", ["title", "content", "label_l1"])?;
    let labels: BTreeSet<String> = rows.iter().map(|[.., label]| label.clone()).collect();
    let labels: Vec<String> = labels.into_iter().collect();
    let right = rows.iter().map(|[.., label]| labels.iter().position(|one| one == label));
    let right: Vec<usize> = right.map(Option::unwrap_or_default).collect();
    let mut messages = Messages {
        groups: groups(rows.iter().map(|[_, body, _]| body.as_str())),
        texts: rows.into_iter().map(|[title, body, _]| (title, body)).collect(),
        labels,
        right,
    };
    let apart = measure(&messages, options)?;
    let groups = messages.groups.iter().collect::<BTreeSet<_>>().len();
    // Once more as if every message were alone.
    messages.groups = (0..messages.texts.len()).collect();
    let alone = measure(&messages, options)?;
    let detail = json!({
        "what": "macro-F1", "messages": messages.texts.len(), "folds": options.folds,
        "seed": options.seed, "accuracy": round(alone.accuracy), "f1": alone.classes,
        "groups": groups, "macro_f1_with_near_identical_texts_together": round(apart.macro_f1),
        "accuracy_with_near_identical_texts_together": round(apart.accuracy),
    });
    let calibration = json!({
        "what": "expected calibration error, out of fold",
        "sure_of": round(apart.sure), "right_of_what_it_is_sure_of": round(apart.sure_right),
    });
    Ok(vec![
        Row::at_least("P10", alone.macro_f1, 0.92, detail),
        Row::at_most("P10", apart.ece, 0.05, calibration),
        speed(&messages, options)?,
    ])
}

struct Measured {
    macro_f1: f64,
    accuracy: f64,
    ece: f64,
    sure: f64,
    sure_right: f64,
    classes: serde_json::Value,
}

fn measure(messages: &Messages, options: &Options) -> anyhow::Result<Measured> {
    let fold_of = folds(&messages.right, &messages.groups, options.folds, options.seed);
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let told: Result<Vec<Vec<Told>>, TooFew> = thread::scope(|scope| {
        let work = |worker| {
            let fold_of = &fold_of;
            scope.spawn(move || {
                let mine = (0..options.folds).filter(|fold| fold % workers == worker);
                let told: Result<Vec<Vec<Told>>, TooFew> =
                    mine.map(|fold| tell(messages, fold_of, fold, options.seed)).collect();
                told.map(|told| told.into_iter().flatten().collect::<Vec<Told>>())
            })
        };
        let threads: Vec<_> = (0..workers).map(work).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(TooFew::Examples))).collect()
    });
    let mut told: Vec<Told> = told?.into_iter().flatten().collect();
    told.sort_by_key(|told| told.at);
    let first: Vec<usize> = told.iter().map(|told| told.label).collect();
    let is_right = |told: &Told| told.label == messages.right[told.at];
    let (macro_f1_of_all, accuracy) = macro_f1(&messages.right, &first, messages.labels.len());
    let probable: Vec<(f64, bool)> =
        told.iter().map(|told| (told.probability, is_right(told))).collect();
    let sure: Vec<bool> = told.iter().filter(|told| told.sure).map(is_right).collect();
    let share = |of: usize, all: usize| of as f64 / all.max(1) as f64;
    let of_class = |class: usize| {
        let of = |labels: &[usize]| -> Vec<usize> {
            labels.iter().map(|label| usize::from(*label != class)).collect()
        };
        let (right, told) = (of(&messages.right), of(&first));
        let hits = right.iter().zip(&told).filter(|(a, b)| **a == 0 && **b == 0).count();
        let all = right.iter().chain(&told).filter(|label| **label == 0).count();
        (messages.labels[class].clone(), json!(round(share(2 * hits, all))))
    };
    Ok(Measured {
        macro_f1: macro_f1_of_all,
        accuracy,
        ece: expected_error(&probable),
        sure: share(sure.len(), told.len()),
        sure_right: share(sure.iter().filter(|right| **right).count(), sure.len()),
        classes: (0..messages.labels.len()).map(of_class).collect::<serde_json::Map<_, _>>().into(),
    })
}

/// Tells one part by a model of the others.
fn tell(
    messages: &Messages,
    fold_of: &[usize],
    fold: usize,
    seed: u64,
) -> Result<Vec<Told>, TooFew> {
    let (tried, learnt): (Vec<usize>, Vec<usize>) =
        (0..fold_of.len()).partition(|at| fold_of[*at] == fold);
    let examples: Vec<Example<'_>> = learnt.iter().map(|at| messages.example(*at)).collect();
    let model = Model::train(&examples, &Training { seed, ..Training::default() })?;
    let told = tried.into_iter().filter_map(|at| {
        let ranked = model.suggest(&messages.example(at).text);
        let first = ranked.first()?;
        let label = messages.labels.iter().position(|label| label == first.label)?;
        Some(Told { at, label, probability: first.probability, sure: model.is_sure(first) })
    });
    Ok(told.collect())
}

/// The time of one core for one message, told and explained.
fn speed(messages: &Messages, options: &Options) -> anyhow::Result<Row> {
    let examples: Vec<Example<'_>> =
        (0..messages.texts.len()).map(|at| messages.example(at)).collect();
    let begun = Instant::now();
    let training = Training { seed: options.seed, ..Training::default() };
    let model = Model::train(&examples, &training)?;
    let trained = begun.elapsed();
    let mut times = Vec::with_capacity(examples.len());
    for example in &examples {
        let begun = Instant::now();
        let ranked = model.suggest(&example.text);
        let first = ranked.first().map_or("", |first| first.label);
        std::hint::black_box(model.reasons(&example.text, first, 5));
        times.push(begun.elapsed().as_secs_f64() * 1_000.0);
    }
    times.sort_by(f64::total_cmp);
    let letters: usize = messages.texts.iter().map(|(_, body)| body.chars().count()).sum();
    let detail = json!({
        "what": "one message, told and explained",
        "mean_characters": letters / times.len().max(1),
        "p99_ms": round(times.get(times.len() * 99 / 100).copied().unwrap_or(f64::NAN)),
        "training_s": round(trained.as_secs_f64()),
    });
    Ok(Row { unit: "ms", ..Row::at_most("P10", median(&times), 1.0, detail) })
}
