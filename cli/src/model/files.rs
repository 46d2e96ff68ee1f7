//! A model that is trained on the rows of one file and measured on those of another: the same code as on
//! the board, without one.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use liuyan_routing::domain::suggestion::{
    Example, Model, Text, Training, groups::groups, measured,
};
use serde_json::json;

use crate::{args::Output, error::Error, output};

/// The names of the columns, in order of choice.
const TITLES: &[&str] = &["title"];
const BODIES: &[&str] = &["content", "body", "text", "details"];
const LABELS: &[&str] = &["label", "label_l1", "domain", "class"];

/// What was measured.
#[derive(Debug)]
pub(super) struct Evaluated {
    /// The mean of the labels' F1.
    pub(super) macro_f1: f64,
    /// The share that is right.
    pub(super) accuracy: f64,
    /// By how much probabilities are off.
    pub(super) ece: f64,
    /// Of each label its F1.
    pub(super) classes: BTreeMap<String, f64>,
}

struct Row {
    title: String,
    body: String,
    label: String,
}

impl Row {
    fn text(&self) -> Text<'_> {
        Text { title: &self.title, body: &self.body }
    }
}

/// Trains on one file and measures on the other.
pub(super) fn evaluate(train: &Path, test: &Path, label: Option<&str>) -> Result<Evaluated, Error> {
    let (learnt, tried) = (read(train, label)?, read(test, label)?);
    let groups = groups(learnt.iter().map(|row| row.body.as_str()));
    let examples: Vec<Example<'_>> = learnt
        .iter()
        .zip(groups)
        .map(|(row, group)| Example { text: row.text(), label: &row.label, group })
        .collect();
    let model = Model::train(&examples, &Training::default())
        .map_err(|few| Error::Usage(format!("{}: {few}", train.display())))?;
    let labels: BTreeSet<&str> =
        model.labels().chain(tried.iter().map(|row| row.label.as_str())).collect();
    let labels: Vec<&str> = labels.into_iter().collect();
    let place = |label: &str| labels.binary_search(&label).unwrap_or_default();
    let right: Vec<usize> = tried.iter().map(|row| place(&row.label)).collect();
    let told: Vec<(usize, f64)> = tried
        .iter()
        .map(|row| {
            let ranked = model.suggest(&row.text());
            ranked.first().map_or((0, 0.0), |first| (place(first.label), first.probability))
        })
        .collect();
    let figures = measured(&right, &told, labels.len(), Training::default().sure_share);
    let f1 = |label: usize| {
        let has = right.iter().filter(|it| **it == label).count();
        let said = told.iter().filter(|it| it.0 == label).count();
        let hits = right.iter().zip(&told).filter(|(a, b)| **a == label && b.0 == label).count();
        2.0 * hits as f64 / (has + said).max(1) as f64
    };
    Ok(Evaluated {
        macro_f1: figures.macro_f1,
        accuracy: figures.accuracy,
        ece: figures.ece,
        classes: labels.iter().enumerate().map(|(at, name)| ((*name).to_owned(), f1(at))).collect(),
    })
}

fn read(path: &Path, label: Option<&str>) -> Result<Vec<Row>, Error> {
    let other = |error: csv::Error| Error::Usage(format!("{}: {error}", path.display()));
    let mut reader = csv::Reader::from_path(path).map_err(other)?;
    let header = reader.headers().map_err(other)?.clone();
    let find = |names: &[&str]| {
        names.iter().find_map(|name| {
            header
                .iter()
                .position(|it| it.trim_start_matches('\u{feff}').eq_ignore_ascii_case(name))
        })
    };
    let named = label.map(|label| [label]);
    let labels = find(named.as_ref().map_or(LABELS, |named| named.as_slice()));
    let (title, body) = (find(TITLES), find(BODIES));
    let Some(labels) = labels else {
        let names = label.map_or_else(|| LABELS.join(", "), str::to_owned);
        return Err(Error::Usage(format!("{} has no column {names}", path.display())));
    };
    if title.is_none() && body.is_none() {
        let names = [TITLES, BODIES].concat().join(", ");
        return Err(Error::Usage(format!("{} has no column {names}", path.display())));
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(other)?;
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let row = Row {
            title: field(title).to_owned(),
            body: field(body).to_owned(),
            label: field(Some(labels)).trim().to_owned(),
        };
        // What nobody has labelled teaches nothing.
        if !row.label.is_empty() {
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Prints what was measured.
pub(super) fn tell(evaluated: &Evaluated, output: Output) {
    let Evaluated { macro_f1, accuracy, ece, classes } = evaluated;
    if output == Output::Json {
        output::json(&json!({
            "macro_f1": macro_f1, "accuracy": accuracy, "ece": ece, "classes": classes,
        }));
        return;
    }
    output::line(format!("macro-F1 {macro_f1:.4}, accuracy {accuracy:.4}, ECE {ece:.4}"));
    for (class, f1) in classes {
        output::line(format!("  {class}: {f1:.4}"));
    }
}
