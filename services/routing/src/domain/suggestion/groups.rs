//! Which texts are nearly the same.

use std::collections::HashMap;

/// The length of the runs of characters by which texts are compared.
const RUN: usize = 6;
/// One in so many runs is looked at.
const SAMPLED: u64 = 4;
/// A run that more texts have than this is a phrase of everybody's.
const COMMON: usize = 30;
/// From which share of common runs on two texts are nearly the same.
const SAME: f64 = 0.5;

/// Gives each text the place of the first one that is nearly the same, directly or by others
/// between.
pub fn groups<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<usize> {
    let runs: Vec<Vec<u64>> = texts.into_iter().map(runs).collect();
    let mut having: HashMap<u64, Vec<usize>> = HashMap::new();
    for (text, runs) in runs.iter().enumerate() {
        for run in runs {
            having.entry(*run).or_default().push(text);
        }
    }
    let mut common: HashMap<(usize, usize), usize> = HashMap::new();
    for texts in having.values().filter(|texts| texts.len() <= COMMON) {
        for (at, one) in texts.iter().enumerate() {
            for other in &texts[at + 1..] {
                *common.entry((*one, *other)).or_default() += 1;
            }
        }
    }
    let mut first: Vec<usize> = (0..runs.len()).collect();
    for ((one, other), common) in common {
        let all = runs[one].len() + runs[other].len() - common;
        if common as f64 >= SAME * all as f64 {
            let (one, other) = (root(&first, one), root(&first, other));
            first[one.max(other)] = one.min(other);
        }
    }
    (0..runs.len()).map(|text| root(&first, text)).collect()
}

fn root(first: &[usize], mut text: usize) -> usize {
    while first[text] != text {
        text = first[text];
    }
    text
}

fn runs(text: &str) -> Vec<u64> {
    let letters: Vec<char> = text.chars().filter(|c| c.is_alphanumeric()).collect();
    let hash = |run: &[char]| {
        run.iter().fold(1, |hash: u64, c| {
            (hash ^ u64::from(*c)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23)
        })
    };
    let mut runs: Vec<u64> = letters.windows(RUN).map(hash).collect();
    // A short text is looked at whole.
    if runs.len() > 100 {
        runs.retain(|run| run % SAMPLED == 0);
    }
    runs.sort_unstable();
    runs.dedup();
    runs
}

#[cfg(test)]
mod tests {
    use super::groups;

    #[test]
    fn texts_that_are_nearly_the_same_are_one_group() {
        let one = "The street lamps in front of the library have been dark for three weeks now.";
        let near = "The street lamps in front of the library have been dark for four weeks now!";
        let other = "Please tell us when the new timetable of the buses begins to be in force.";
        assert_eq!(groups([other, one, near, other]), [0, 1, 1, 0]);
    }
}
