//! Samples of all cases: a half of them, a quarter, an eighth and so on, each one in the one before.
//!
//! Whoever wants to know whether a word is in more than a thousand cases counts in a sample first. It says
//! so for every frequent word, however many cases there are; the index gives what a word and a sample have
//! in common without going through all that have the word.

use uuid::Uuid;

/// How many cases a sample has about, at most.
const LARGE: i64 = 32_768;
/// The smallest sample is one case of 2 to the power of this.
const SMALLEST: u32 = 20;

/// The words of the samples in which a case is.
pub fn of(case_id: Uuid) -> impl Iterator<Item = String> {
    (1..=mixed(case_id).trailing_zeros().min(SMALLEST)).map(word)
}

/// The word of the largest sample of so many cases that is not too large; nothing if they are few.
pub fn fitting(cases: i64) -> Option<String> {
    let fits = (0..=SMALLEST).find(|halves| cases >> halves <= LARGE);
    Some(fits.unwrap_or(SMALLEST)).filter(|halves| *halves > 0).map(word)
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
    fn the_sample_that_fits_is_the_largest_that_is_not_too_large() {
        let table =
            [(-1, None), (0, None), (LARGE, None), (LARGE + 1, Some(1)), (200_000, Some(3))];
        for (cases, halves) in table {
            assert_eq!(fitting(cases), halves.map(word), "{cases}");
        }
        assert_eq!(fitting(5_000_000), Some(word(8)));
        assert_eq!(fitting(i64::MAX), Some(word(SMALLEST)));
    }
}
