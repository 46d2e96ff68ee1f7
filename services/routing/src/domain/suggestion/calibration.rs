//! Probabilities that mean what they say: of what is called 80 % sure, eighty of a hundred are right.

/// How many classes of probabilities are looked at.
const BINS: usize = 15;

/// Probabilities of scores.
pub fn probabilities(scores: &[f32], sharpness: f32) -> Vec<f64> {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    let powers: Vec<f64> =
        scores.iter().map(|score| f64::from((score - most) * sharpness).exp()).collect();
    let all: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / all).collect()
}

/// What scores are to be multiplied with so that the labels that are right become as probable as
/// they can (temperature scaling; Guo et al., 2017).
pub fn sharpness(scores: &[Vec<f32>], right: &[usize]) -> f32 {
    let loss = |log: f32| -> f64 {
        let each = scores.iter().zip(right).map(|(scores, right)| {
            -probabilities(scores, log.exp())[*right].max(f64::MIN_POSITIVE).ln()
        });
        each.sum()
    };
    // The loss has one valley: it is narrowed down by thirds.
    let (mut low, mut high) = (-2.0_f32, 4.0_f32);
    for _ in 0..30 {
        let third = (high - low) / 3.0;
        if loss(low + third) < loss(high - third) { high -= third } else { low += third }
    }
    f32::midpoint(low, high).exp()
}

/// By how much probabilities are off on the average; each with whether it was right.
pub fn expected_error(told: &[(f64, bool)]) -> f64 {
    let mut bins = [(0.0_f64, 0_u32, 0_u32); BINS];
    for (probability, right) in told {
        let bin = &mut bins[((probability * BINS as f64) as usize).min(BINS - 1)];
        bin.0 += probability;
        bin.1 += u32::from(*right);
        bin.2 += 1;
    }
    let off: f64 = bins.iter().map(|(told, right, _)| (told - f64::from(*right)).abs()).sum();
    off / told.len().max(1) as f64
}

/// The least probability from which on at least `share` of all is right, and what share of all is
/// so probable. A probability above 1 if there is none.
pub fn sure_from(told: &[(f64, bool)], share: f64) -> (f64, f64) {
    let mut sorted = told.to_vec();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut right = 0_u32;
    let mut found = (1.1, 0.0);
    for (at, (probability, is_right)) in sorted.iter().enumerate() {
        right += u32::from(*is_right);
        if f64::from(right) >= share * (at + 1) as f64 {
            found = (*probability, (at + 1) as f64 / sorted.len() as f64);
        }
    }
    found
}

/// The mean of the labels' F1, and the share that is right. A label that nothing has counts as 0
/// only if it was told.
pub fn macro_f1(right: &[usize], told: &[usize], labels: usize) -> (f64, f64) {
    let count = |of: &dyn Fn(usize, usize) -> bool| {
        right.iter().zip(told).filter(|(right, told)| of(**right, **told)).count() as f64
    };
    let scores: Vec<f64> = (0..labels)
        .filter_map(|label| {
            let hits = count(&|right, told| right == label && told == label);
            let all = count(&|right, _| right == label) + count(&|_, told| told == label);
            (all > 0.0).then(|| 2.0 * hits / all)
        })
        .collect();
    let mean = scores.iter().sum::<f64>() / scores.len().max(1) as f64;
    (mean, count(&|right, told| right == told) / right.len().max(1) as f64)
}

/// By how much a score moves at a time while [`shifts`] looks for better ones, and how many steps it tries at once.
const STEP: f32 = 0.03;
const STEPS: [f32; 6] = [-3.0, -2.0, -1.0, 1.0, 2.0, 3.0];
/// How often it goes over all labels, at most.
const WALKS: usize = 10;

/// What is to be added to the scores of each label so that the mean of the labels' F1 becomes as large as it
/// can: a machine that makes few errors calls too little by the name of a small label.
pub fn shifts(scores: &[Vec<f32>], right: &[usize], labels: usize) -> Vec<f32> {
    let value = |shifts: &[f32]| {
        let told: Vec<usize> = scores
            .iter()
            .map(|scores| {
                let of = |label: &usize| scores[*label] + shifts[*label];
                (0..labels).max_by(|a, b| of(a).total_cmp(&of(b))).unwrap_or_default()
            })
            .collect();
        macro_f1(right, &told, labels).0
    };
    let mut shifts = vec![0_f32; labels];
    let mut best = value(&shifts);
    for _ in 0..WALKS {
        let before = best;
        for label in 0..labels {
            for step in STEPS {
                let mut tried = shifts.clone();
                tried[label] += step * STEP;
                let reached = value(&tried);
                if reached > best + 1e-9 {
                    (best, shifts) = (reached, tried);
                }
            }
        }
        if best <= before {
            break;
        }
    }
    shifts
}
