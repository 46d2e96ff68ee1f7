//! From examples to a model.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Example, FOLDS, Figures, Known, Model, TooFew, Training, calibration, entries,
    features::{Piece, Read, field},
    linear::{self, Costs, Rows},
};

/// In how many texts a piece is, at least.
const LEAST_TEXTS: u32 = 2;
/// What is counted of each piece for each label before anything is seen.
const ASSUMED: f32 = 0.01;
/// What an error costs against large weights.
const COST: f32 = 3.0;
/// The power with which the rareness of a label makes an error at one of its texts dearer.
const BALANCE: f32 = 0.3;

type Counts = Vec<(Piece, u32)>;

/// Trains a model and measures it on what it was not trained on.
pub(super) fn train(examples: &[Example<'_>], training: &Training) -> Result<Model, TooFew> {
    let labels: Vec<&str> =
        examples.iter().map(|example| example.label).collect::<BTreeSet<_>>().into_iter().collect();
    if labels.len() < 2 {
        return Err(TooFew::Labels);
    }
    let right: Vec<usize> = examples
        .iter()
        .map(|example| labels.binary_search(&example.label).unwrap_or_default())
        .collect();
    let groups: Vec<usize> = examples.iter().map(|example| example.group).collect();
    for label in 0..labels.len() {
        let of_label = right.iter().zip(&groups).filter(|(right, _)| **right == label);
        if of_label.map(|(_, group)| group).collect::<BTreeSet<_>>().len() < FOLDS {
            return Err(TooFew::Examples);
        }
    }
    let texts: Vec<Counts> =
        examples.iter().map(|example| Read::new(&example.text).counts()).collect();
    let names: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let fold_of = folds(&right, &groups, FOLDS, training.seed);
    let mut scores = vec![Vec::new(); texts.len()];
    for fold in 0..FOLDS {
        let (tried, learnt): (Vec<usize>, Vec<usize>) =
            (0..texts.len()).partition(|at| fold_of[*at] == fold);
        let model = fit(&texts, &right, &learnt, &names, training);
        for at in tried {
            scores[at] = model.scores(&model.entries(&texts[at]));
        }
    }
    let all: Vec<usize> = (0..texts.len()).collect();
    let mut model = fit(&texts, &right, &all, &names, training);
    let shifts = calibration::shifts(&scores, &right, names.len());
    for scores in scores.iter_mut().chain([&mut model.begins]) {
        for (score, shift) in scores.iter_mut().zip(&shifts) {
            *score += shift;
        }
    }
    model.sharpness = calibration::sharpness(&scores, &right);
    model.figures = figures(&scores, &right, model.sharpness, names.len(), training);
    Ok(model)
}

fn figures(
    scores: &[Vec<f32>],
    right: &[usize],
    sharpness: f32,
    labels: usize,
    training: &Training,
) -> Figures {
    let told: Vec<(usize, f64)> = scores
        .iter()
        .map(|scores| {
            let probabilities = calibration::probabilities(scores, sharpness);
            let best = (0..labels).max_by(|a, b| probabilities[*a].total_cmp(&probabilities[*b]));
            let best = best.unwrap_or_default();
            (best, probabilities[best])
        })
        .collect();
    measured(right, &told, labels, training.sure_share)
}

/// The figures of what was told, each with its probability, against what is right.
pub fn measured(right: &[usize], told: &[(usize, f64)], labels: usize, share: f64) -> Figures {
    let first: Vec<usize> = told.iter().map(|(label, _)| *label).collect();
    let hits = right.iter().zip(told);
    let told: Vec<(f64, bool)> =
        hits.map(|(right, (label, probability))| (*probability, label == right)).collect();
    let (macro_f1, accuracy) = calibration::macro_f1(right, &first, labels);
    let (sure_from, sure) = calibration::sure_from(&told, share);
    let ece = calibration::expected_error(&told);
    Figures { examples: right.len(), macro_f1, accuracy, ece, sure_from, sure }
}

/// Cuts examples into `many` parts of which each has its share of each label, and which never have
/// examples of one group apart. Gives the part of each example.
pub fn folds(labels: &[usize], groups: &[usize], many: usize, seed: u64) -> Vec<usize> {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        members.entry(*group).or_default().push(at);
    }
    let mut members: Vec<Vec<usize>> = members.into_values().collect();
    linear::shuffle(&mut members, &mut (seed | 1));
    members.sort_by_key(|group| usize::MAX - group.len());
    let mut counts: Vec<BTreeMap<usize, usize>> = vec![BTreeMap::new(); many];
    let mut sizes = vec![0_usize; many];
    let mut folds = vec![0; labels.len()];
    for group in members {
        let label = group.first().map_or(0, |at| labels[*at]);
        let full = |fold: &usize| (counts[*fold].get(&label).copied().unwrap_or(0), sizes[*fold]);
        let fold = (0..many).min_by_key(full).unwrap_or_default();
        for at in group {
            folds[at] = fold;
            *counts[fold].entry(labels[at]).or_default() += 1;
            sizes[fold] += 1;
        }
    }
    folds
}

fn fit(
    texts: &[Counts],
    right: &[usize],
    learnt: &[usize],
    labels: &[String],
    training: &Training,
) -> Model {
    let mut known = vocabulary(texts, learnt);
    let sums = sums(texts, right, learnt, labels.len(), &known);
    for (known, telling) in known.iter_mut().zip(telling(&sums, labels.len())) {
        known.telling = telling;
    }
    keep(&mut known, training.most_pieces);
    let mut rows = Rows::default();
    for at in learnt {
        rows.push(entries(&known, &texts[*at]));
    }
    let sides: Vec<usize> = learnt.iter().map(|at| right[*at]).collect();
    let costs = costs(&sides, labels.len());
    let mut weights = linear::learn(&rows, known.len(), &sides, &costs, training.seed);
    let begins = weights.split_off(known.len() * labels.len());
    let figures = Figures {
        examples: learnt.len(),
        macro_f1: 0.0,
        accuracy: 0.0,
        ece: 0.0,
        sure_from: 1.1,
        sure: 0.0,
    };
    Model { labels: labels.to_vec(), known, weights, begins, sharpness: 1.0, figures }
}

/// What an error costs against large weights: first at any text that has not the machine's label, and of each
/// label at a text that has it.
fn costs(right: &[usize], labels: usize) -> Costs {
    let mut having = vec![0_u32; labels];
    for label in right {
        having[*label] += 1;
    }
    let usual = right.len() as f32 / labels as f32;
    let own = having.iter().map(|having| COST * (usual / (*having).max(1) as f32).powf(BALANCE));
    Costs { own: own.collect(), others: COST }
}

/// The pieces that more than one text has, and how rare each is.
fn vocabulary(texts: &[Counts], learnt: &[usize]) -> Vec<Known> {
    let mut having: HashMap<Piece, u32> = HashMap::new();
    for at in learnt {
        for (piece, _) in &texts[*at] {
            *having.entry(*piece).or_default() += 1;
        }
    }
    let all = 1.0 + learnt.len() as f32;
    let mut known: Vec<Known> = having
        .into_iter()
        .filter(|(_, having)| *having >= LEAST_TEXTS)
        .map(|(piece, having)| {
            let rare = (all / (1.0 + having as f32)).ln() + 1.0;
            Known { piece, rare, telling: 1.0 }
        })
        .collect();
    known.sort_unstable_by_key(|known| known.piece);
    known
}

/// What the texts of each label have of each piece, each field of a text counting as 1.
fn sums(
    texts: &[Counts],
    right: &[usize],
    learnt: &[usize],
    labels: usize,
    known: &[Known],
) -> Vec<f32> {
    let mut sums = vec![0_f32; known.len() * labels];
    for at in learnt {
        // The text's length over all fields is taken out again: here fields count by themselves.
        let entries = entries(known, &texts[*at]);
        let mut fields = [0_f32; super::features::FIELDS];
        for (place, value) in &entries {
            fields[field(known[*place].piece)] += value * value;
        }
        for (place, value) in entries {
            sums[place * labels + right[*at]] += value / fields[field(known[place].piece)].sqrt();
        }
    }
    sums
}

/// How much each piece tells labels apart: how far its share in a label's texts is from its share
/// in the others (the log-count ratio of Wang and Manning, 2012), taken together over the labels.
fn telling(sums: &[f32], labels: usize) -> Vec<f32> {
    let pieces = sums.len() / labels;
    let assumed = ASSUMED * pieces as f32;
    let mut totals = vec![0_f32; labels];
    for of_piece in sums.chunks(labels) {
        for (total, sum) in totals.iter_mut().zip(of_piece) {
            *total += sum;
        }
    }
    let all: f32 = totals.iter().sum();
    let of_piece = |of_piece: &[f32]| {
        let whole: f32 = of_piece.iter().sum();
        let far: f32 = of_piece
            .iter()
            .zip(&totals)
            .map(|(sum, total)| {
                let inside = (sum + ASSUMED) / (total + assumed);
                let outside = (whole - sum + ASSUMED) / (all - total + assumed);
                (inside / outside).ln().abs()
            })
            .sum();
        (far / labels as f32).sqrt()
    };
    sums.chunks(labels).map(of_piece).collect()
}

/// Keeps the pieces that tell most.
fn keep(known: &mut Vec<Known>, most: usize) {
    if known.len() > most {
        // Rare pieces seem telling by chance; the two together are what a piece can do.
        known.sort_unstable_by(|a, b| (b.telling / b.rare).total_cmp(&(a.telling / a.rare)));
        known.truncate(most);
        known.sort_unstable_by_key(|known| known.piece);
    }
}
