//! The tree once more, by another road: leaf by leaf, with nothing but the roots of the full trees
//! on its left edge. `liuyan verify` goes it, so that it does not share a fault with the sequencer.

use sha2::{Digest as _, Sha256};

use super::Hash;

/// A tree that grows leaf by leaf.
#[derive(Debug, Clone, Default)]
pub struct Frontier {
    size: u64,
    /// Roots of full trees, the largest first.
    roots: Vec<Hash>,
}

impl Frontier {
    /// Adds a leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Each trailing 1 of the size is a full tree as large as the one that has just been made.
        for _ in 0..self.size.trailing_ones() {
            let left = self.roots.pop().unwrap_or_default();
            hash = node(&left, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// How many leaves it has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Its root.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        match roots.next() {
            None => Sha256::digest([]).into(),
            Some(last) => roots.fold(*last, |right, left| node(left, &right)),
        }
    }
}

fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}
