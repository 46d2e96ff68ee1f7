//! How like two texts are, told from fingerprints alone (`MinHash`).
//!
//! A text is taken as the set of its pairs of neighbouring letters. Of two sets the share of common
//! pairs (Jaccard) is the chance that both have the same least pair under an order made by chance;
//! [`HASHES`] orders estimate it. For search, the hashes are cut into [`BANDS`]: texts that agree in
//! one band are compared, so that of texts with 68 % of common pairs (a tenth of the characters
//! changed) 98 of 100 are found, and of texts with 5 % one in ten thousand is looked at.

use super::{
    fold::{Folded, Variants},
    text::{Field, Text},
};

/// How many orders.
pub const HASHES: usize = 64;
/// How many bands.
pub const BANDS: usize = 16;
/// Hashes of a band.
const ROWS: usize = HASHES / BANDS;
/// The most letters of a text that are looked at.
const LONGEST: usize = 4_000;
/// Fields that make a text up; a place is not one of them.
const FIELDS: [Field; 4] = [Field::Title, Field::Body, Field::Demand, Field::Details];

/// What is left of a text for comparison. The text can't be got back from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    /// Eight bits of each least hash.
    pub signature: [u8; HASHES],
    /// A hash of each band, which also tells which band it is.
    pub bands: [i32; BANDS],
}

impl Fingerprint {
    /// That of a text; none for one that has fewer letters and digits than `shortest`.
    pub fn of(text: &Text, variants: &Variants, shortest: usize) -> Option<Self> {
        let mut letters = Vec::with_capacity(256);
        for field in FIELDS {
            let folded = Folded::new(field, text.field(field), variants);
            letters.extend(folded.chars().iter().filter(|c| c.is_alphanumeric()));
            letters.truncate(LONGEST);
        }
        (letters.len() >= shortest.max(2)).then(|| Self::of_letters(&letters))
    }

    fn of_letters(letters: &[char]) -> Self {
        let mut least = [u32::MAX; HASHES];
        for pair in letters.windows(2) {
            let hash = mixed((u64::from(pair[0] as u32) << 32) | u64::from(pair[1] as u32));
            // Two independent halves give all orders (Kirsch and Mitzenmacher).
            let (start, step) = (hash as u32, (hash >> 32) as u32 | 1);
            for (order, least) in (0_u32..).zip(&mut least) {
                let value = start.wrapping_add(step.wrapping_mul(order));
                *least = (*least).min(value ^ value.rotate_right(15).wrapping_mul(0x2c1b_3c6d));
            }
        }
        let mut bands = [0; BANDS];
        for (at, (band, rows)) in (0_u64..).zip(bands.iter_mut().zip(least.chunks(ROWS))) {
            let hash = rows.iter().fold(at + 1, |hash, row| mixed(hash ^ u64::from(*row)));
            *band = (hash as u32).cast_signed();
        }
        Self { signature: least.map(|least| mixed(u64::from(least)) as u8), bands }
    }

    /// The likeness to another text, 0 to 1: an estimate, two thirds of which are right within 0.06.
    pub fn likeness(&self, signature: &[u8]) -> f64 {
        let same = self.signature.iter().zip(signature).filter(|(a, b)| a == b).count();
        // Eight bits agree by chance, too.
        let share = f64::from(u32::try_from(same).unwrap_or_default()) / HASHES as f64;
        ((share - CHANCE) / (1.0 - CHANCE)).max(0.0)
    }

    /// Whether a band is common.
    pub fn meets(&self, other: &Self) -> bool {
        self.bands.iter().zip(&other.bands).any(|(a, b)| a == b)
    }
}

/// The chance that eight bits are the same.
const CHANCE: f64 = 1.0 / 256.0;

fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests;
