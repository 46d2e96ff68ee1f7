//! What a model learns, and what it tells of it.

use super::{
    Example, Model, Suggestion, Text, TooFew, Training,
    calibration::{expected_error, macro_f1, shifts, sure_from},
    fitting::folds,
};

const SUBJECTS: [(&str, [&str; 4]); 3] = [
    ("6", ["bus stop", "bus fare", "late bus", "bus driver"]),
    ("13", ["river smell", "smoke smell", "foul smoke", "river waste"]),
    ("14", ["school fees", "school place", "teacher pay", "school meal"]),
];

fn texts() -> Vec<(String, &'static str)> {
    let mut texts = Vec::new();
    for n in 0..60_usize {
        let (label, subjects) = SUBJECTS[n % 3];
        let (one, other) = (subjects[n / 3 % 4], subjects[(n / 3 + n / 12) % 4]);
        texts.push((
            format!("please look at number {n}: {one} and the {other} in our street"),
            label,
        ));
    }
    texts
}

fn examples<'a>(texts: &'a [(String, &'static str)]) -> Vec<Example<'a>> {
    let example = |(group, (body, label)): (usize, &'a (String, &'static str))| Example {
        text: Text { title: "", body },
        label,
        group,
    };
    texts.iter().enumerate().map(example).collect()
}

#[test]
fn a_model_suggests_what_was_decided_of_like_texts_and_tells_why() {
    let texts = texts();
    let model = Model::train(&examples(&texts), &Training::default()).unwrap();
    assert!(model.figures().macro_f1 > 0.95, "{:?}", model.figures());
    let text = Text { title: "the school", body: "where are the fees told" };
    let ranked = model.suggest(&text);
    assert_eq!(ranked[0].label, "14");
    assert!((ranked.iter().map(|one| one.probability).sum::<f64>() - 1.0).abs() < 1e-6);
    let reasons = model.reasons(&text, "14", 3);
    let told: Vec<&str> = reasons.iter().map(|reason| reason.word.as_str()).collect();
    assert!(told.iter().any(|word| "school".contains(word)), "{told:?}");
    assert!(reasons.iter().all(|reason| (0.0..=1.0).contains(&reason.share)));
}

#[test]
fn a_reason_tells_where_its_word_stands() {
    let texts = texts();
    let model = Model::train(&examples(&texts), &Training::default()).unwrap();
    let text = Text { title: "(The) SCHOOL", body: "where, where are the fees told" };
    let places: Vec<(String, String)> = model
        .reasons(&text, "14", 3)
        .iter()
        .flat_map(|reason| reason.spans.iter().map(|span| (reason.word.clone(), *span)))
        .map(|(word, span)| {
            let of = if span.in_title { text.title } else { text.body };
            (word, of.chars().skip(span.start).take(span.end - span.start).collect::<String>())
        })
        .collect();
    assert!(!places.is_empty());
    assert!(places.iter().all(|(word, there)| *word == there.to_lowercase()), "{places:?}");
}

#[test]
fn a_model_comes_back_from_its_bytes_and_nothing_else_does() {
    let texts = texts();
    let model = Model::train(&examples(&texts), &Training::default()).unwrap();
    let bytes = model.to_bytes();
    let back = Model::of_bytes(&bytes).unwrap();
    assert_eq!((back.to_bytes(), back.figures()), (bytes.clone(), model.figures()));
    let text = Text { title: "the school", body: "where are the fees told" };
    for (one, other) in model.suggest(&text).iter().zip(back.suggest(&text)) {
        assert_eq!(one.label, other.label);
        assert!((one.probability - other.probability).abs() < 1e-3, "{one:?} {other:?}");
    }
    for length in 0..bytes.len() {
        assert!(Model::of_bytes(&bytes[..length]).is_err(), "{length}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Model::of_bytes(&longer), Err(super::form::Damaged::Length));
    assert_eq!(Model::of_bytes(b"LYM\x02"), Err(super::form::Damaged::Form));
}

#[test]
fn the_same_seed_gives_the_same_model() {
    let texts = texts();
    let made = || Model::train(&examples(&texts), &Training::default()).unwrap();
    assert_eq!(made(), made());
}

#[test]
fn a_label_with_few_examples_gives_no_model() {
    let texts = texts();
    let mut few = examples(&texts);
    few.truncate(8);
    assert_eq!(Model::train(&few, &Training::default()), Err(TooFew::Examples));
    few.retain(|example| example.label == "6");
    assert_eq!(Model::train(&few, &Training::default()), Err(TooFew::Labels));
}

#[test]
fn near_identical_examples_never_lie_in_different_folds() {
    let labels = [0, 0, 0, 0, 1, 1, 1, 1];
    let groups = [7, 7, 8, 9, 1, 2, 3, 1];
    let folds = folds(&labels, &groups, 2, 1);
    assert_eq!((folds[0], folds[4]), (folds[1], folds[7]));
    assert_eq!(folds.iter().filter(|fold| **fold == 0).count(), 4);
}

#[test]
fn figures_are_counted_by_hand() {
    let told = [(0.9, true), (0.9, true), (0.6, false), (0.6, true)];
    assert!((expected_error(&told) - 0.1).abs() < 1e-9);
    assert_eq!(sure_from(&told, 1.0), (0.9, 0.5));
    let (macro_f1, accuracy) = macro_f1(&[0, 0, 1, 1], &[0, 1, 1, 1], 2);
    assert!((macro_f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-9);
    assert!((accuracy - 0.75).abs() < 1e-9);
}

#[test]
fn a_small_label_that_is_called_too_seldom_is_shifted_up() {
    // Of label 1 two of three lie just below label 0; of label 0 one does.
    let scores = [[1.0, 0.0], [1.0, 0.1], [0.5, 0.47], [0.5, 0.46], [0.5, 0.45], [0.2, 0.9]];
    let scores: Vec<Vec<f32>> = scores.into_iter().map(Vec::from).collect();
    let right = [0, 0, 0, 1, 1, 1];
    let shifts = shifts(&scores, &right, 2);
    let told: Vec<usize> = scores
        .iter()
        .map(|scores| usize::from(scores[1] + shifts[1] > scores[0] + shifts[0]))
        .collect();
    let before = macro_f1(&right, &[0, 0, 0, 0, 0, 1], 2).0;
    assert!(macro_f1(&right, &told, 2).0 > before + 0.1, "{shifts:?}");
    let good = vec![vec![1.0, 0.0], vec![0.0, 1.0]];
    assert_eq!(super::calibration::shifts(&good, &[0, 1], 2), [0.0, 0.0]);
}

#[test]
fn a_model_is_sure_from_its_threshold_on_and_not_below() {
    let texts = texts();
    let mut model = Model::train(&examples(&texts), &Training::default()).unwrap();
    model.figures.sure_from = 0.8;
    for (probability, sure) in [(0.79, false), (0.8, true), (1.0, true)] {
        let suggestion = Suggestion { label: "6", probability };
        assert_eq!(model.is_sure(&suggestion), sure, "{probability}");
    }
    // Where nothing is right often enough, it is never sure.
    assert!(sure_from(&[(0.9, false), (0.8, false)], 0.95).0 > 1.0);
}
