//! Samples of all cases: a half of them, a quarter, an eighth and so on, each one in the one before.
//!
//! Whoever wants to know whether a word is in more than a thousand cases counts in a sample first. It says
//! so for every frequent word, however many cases there are; the index gives what a word and a sample have
//! in common without going through all that have the word.

use uuid::Uuid;

/// How many cases a small sample has about, at most: few enough that the index leaves out most of what a frequent
/// word is in.
const SMALL: i64 = 1_024;
/// The same of a large one.
const LARGE: i64 = 32_768;
/// The smallest sample is one case of 2 to the power of this.
const SMALLEST: u32 = 20;

/// One of the samples: one case of 2 to the power of its number is in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample(u32);

/// The words of the samples in which a case is.
pub fn of(case_id: Uuid) -> impl Iterator<Item = String> {
    (1..=mixed(case_id).trailing_zeros().min(SMALLEST)).map(word)
}

impl Sample {
    /// A small sample of so many cases and a large one, to be looked at in this order; none if they are few.
    pub fn fitting(cases: i64) -> impl Iterator<Item = Self> {
        let fit = move |most| {
            let fits = (0..=SMALLEST).find(|halves| cases >> halves <= most);
            Self(fits.unwrap_or(SMALLEST))
        };
        [SMALL, LARGE].into_iter().filter(move |_| cases > LARGE).map(fit)
    }

    /// The word that the cases of the sample have.
    pub fn word(self) -> String {
        word(self.0)
    }

    /// How many cases there are about for so many of the sample.
    pub fn stands_for(self, cases: usize) -> usize {
        cases.saturating_mul(1 << self.0)
    }

    /// So many of the sample tell that there are more than `cases`: as many come by chance, out of `cases`, less
    /// than once in a billion times. (They would be eight standard deviations above what is expected.)
    pub fn tells_more_than(self, cases: usize) -> usize {
        let expected = cases.div_ceil(1 << self.0);
        (expected + 8 * (expected.isqrt() + 1)).min(cases) + 1
    }
}

fn word(halves: u32) -> String {
    format!("@sample/{halves}")
}

/// A number without pattern (the finish of SplitMix64): the bits of an id may have one.
fn mixed(case_id: Uuid) -> u64 {
    let (high, low) = case_id.as_u64_pair();
    let mut mixed = high ^ low.rotate_left(32);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sample_is_about_half_of_the_one_before_and_in_it() {
        let mut having = [0_u32; 4];
        for nth in 1..=20_000_u128 {
            // Neither where ids count up in their first half nor in their second.
            let id = Uuid::from_u128(if nth % 2 == 0 { nth } else { nth << 64 });
            for (sample, having) in of(id).zip(&mut having) {
                assert!(sample.starts_with("@sample/"));
                *having += 1;
            }
            assert!(of(id).enumerate().all(|(at, sample)| sample == word(at as u32 + 1)));
        }
        for (having, expected) in having.into_iter().zip([10_000, 5_000, 2_500, 1_250]) {
            assert!(having.abs_diff(expected) < expected / 10, "{having} of {expected}");
        }
    }

    #[test]
    fn the_samples_that_fit_are_the_largest_that_are_not_too_large() {
        let fitting =
            |cases| Sample::fitting(cases).map(|Sample(halves)| halves).collect::<Vec<_>>();
        for few in [-1, 0, LARGE] {
            assert_eq!(fitting(few), [0; 0], "{few}");
        }
        assert_eq!(fitting(LARGE + 1), [5, 1]);
        assert_eq!(fitting(200_000), [8, 3]);
        assert_eq!(fitting(5_000_000), [13, 8]);
        assert_eq!(fitting(i64::MAX), [SMALLEST, SMALLEST]);
    }

    #[test]
    fn a_sample_tells_of_many_only_when_chance_does_not_give_as_much() {
        for halves in 1..=SMALLEST {
            let told = Sample(halves).tells_more_than(1_000);
            let deviation = (1_000.0 * 0.5_f64.powi(halves as i32)).sqrt();
            assert!(
                told <= 1_001 && (told as f64) > deviation * (deviation + 7.0),
                "{halves}: {told}"
            );
        }
        assert_eq!(Sample(3).tells_more_than(1_000), 125 + 8 * 12 + 1);
        assert_eq!(Sample(3).stands_for(125), 1_000);
    }
}
