//! The tree, as tiles of 256 hashes: level 0 holds the leaves, level 1 the roots of 256 leaves each,
//! and so on (C2SP tlog-tiles, height 8). Of five million leaves a proof needs a handful of tiles.
//!
//! What a proof needs is found by making it once of nothing: the library asks for its hashes in one
//! go, and what it asked for is noted.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
};

use tlog_tiles::{HashReader, Tile};

use super::{Hash, Tiles};

/// Levels of the tree in one tile.
const HEIGHT: u8 = 8;
/// Hashes in a full tile.
const WIDTH: usize = 1 << HEIGHT;
/// Bytes of a hash.
const BYTES: usize = 32;
/// No proof has more hashes: a tree of 2⁶³ leaves has as many levels.
const LONGEST: usize = 64;

/// Where a tile is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Its level, from 0.
    pub level: u8,
    /// Its number in the level.
    pub number: u64,
}

/// A tile is missing or too short, or the tree has no such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the tree is broken: a tile is missing or is not as it was")]
pub struct Broken;

/// Notes what it is asked for.
#[derive(Default)]
struct Needs(RefCell<BTreeSet<Place>>);

impl HashReader for Needs {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        self.0.borrow_mut().extend(indexes.iter().map(|index| {
            let tile = Tile::from_index(HEIGHT, *index);
            Place { level: tile.level(), number: tile.level_index() }
        }));
        Ok(vec![tlog_tiles::Hash::default(); indexes.len()])
    }
}

/// Reads from tiles that are there.
struct Reader<'a>(&'a Tiles);

impl HashReader for Reader<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        let read = |index: &u64| {
            let tile = Tile::from_index(HEIGHT, *index);
            let place = Place { level: tile.level(), number: tile.level_index() };
            let data = self.0.get(&place).ok_or(tlog_tiles::Error::InvalidTile)?;
            // The tile may have grown since the tree had the size in question.
            tile.hash_at_index(data, *index)
        };
        indexes.iter().map(read).collect()
    }
}

/// The tiles that the root of a tree needs.
pub fn needs_of_root(size: u64) -> BTreeSet<Place> {
    let needs = Needs::default();
    let _ = tlog_tiles::tree_hash(size, &needs);
    needs.0.into_inner()
}

/// The root of a tree.
///
/// # Errors
/// [`Broken`].
pub fn root(size: u64, tiles: &Tiles) -> Result<Hash, Broken> {
    tlog_tiles::tree_hash(size, &Reader(tiles)).map(|hash| hash.0).map_err(|_| Broken)
}

/// The tiles that a proof of inclusion needs.
pub fn needs_of_inclusion(size: u64, index: u64) -> BTreeSet<Place> {
    let needs = Needs::default();
    let _ = tlog_tiles::prove_record(size, index, &needs);
    needs.0.into_inner()
}

/// The way from a leaf to the root, from its neighbour upwards (RFC 6962, 2.1.1).
///
/// # Errors
/// [`Broken`].
pub fn inclusion(size: u64, index: u64, tiles: &Tiles) -> Result<Vec<Hash>, Broken> {
    plain(tlog_tiles::prove_record(size, index, &Reader(tiles)))
}

/// The tiles that a proof of consistency needs.
pub fn needs_of_consistency(first: u64, second: u64) -> BTreeSet<Place> {
    let needs = Needs::default();
    let _ = tlog_tiles::prove_tree(second, first, &needs);
    needs.0.into_inner()
}

/// The proof that a tree continues an earlier one (RFC 6962, 2.1.2). Every tree continues the empty
/// one, which needs no proof.
///
/// # Errors
/// [`Broken`].
pub fn consistency(first: u64, second: u64, tiles: &Tiles) -> Result<Vec<Hash>, Broken> {
    if first == 0 {
        return Ok(Vec::new());
    }
    plain(tlog_tiles::prove_tree(second, first, &Reader(tiles)))
}

fn plain(proof: Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error>) -> Result<Vec<Hash>, Broken> {
    proof.map(|hashes| hashes.into_iter().map(|hash| hash.0).collect()).map_err(|_| Broken)
}

/// Whether a tree with this root has this leaf at this place.
pub fn proves_inclusion(leaf: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if path.len() > LONGEST {
        return false;
    }
    let path = path.iter().map(|hash| tlog_tiles::Hash(*hash)).collect();
    let (root, leaf) = (tlog_tiles::Hash(*root), tlog_tiles::Hash(*leaf));
    tlog_tiles::check_record(&path, size, root, index, leaf).is_ok()
}

/// Whether the second tree continues the first one.
pub fn proves_consistency(first: (u64, &Hash), second: (u64, &Hash), path: &[Hash]) -> bool {
    if first.0 == 0 {
        return path.is_empty();
    }
    if path.len() > LONGEST {
        return false;
    }
    let path = path.iter().map(|hash| tlog_tiles::Hash(*hash)).collect();
    let hash = |root: &Hash| tlog_tiles::Hash(*root);
    tlog_tiles::check_tree(&path, second.0, hash(second.1), first.0, hash(first.1)).is_ok()
}

/// The tiles of a tree that are not full: those that grow next.
pub fn edge(size: u64) -> BTreeSet<Place> {
    let mut edge = BTreeSet::new();
    let (mut level, mut hashes) = (0, size);
    while hashes > 0 {
        if hashes % WIDTH as u64 != 0 {
            edge.insert(Place { level, number: hashes >> HEIGHT });
        }
        hashes >>= HEIGHT;
        level += 1;
    }
    edge
}

/// Appends leaves to a tree whose edge is in `tiles`. Gives the places of the tiles that changed.
///
/// # Errors
/// [`Broken`] if the edge is not the one of a tree of this size.
pub fn append(size: u64, leaves: &[Hash], tiles: &mut Tiles) -> Result<BTreeSet<Place>, Broken> {
    let mut changed = BTreeSet::new();
    for (index, leaf) in (size..).zip(leaves) {
        let (mut level, mut index, mut hash) = (0, index, *leaf);
        loop {
            let place = Place { level, number: index >> HEIGHT };
            let tile = tiles.entry(place).or_default();
            if tile.len() as u64 != (index % WIDTH as u64) * BYTES as u64 {
                return Err(Broken);
            }
            tile.extend(hash);
            changed.insert(place);
            if tile.len() < WIDTH * BYTES {
                break;
            }
            hash = root_of(tile);
            level += 1;
            index >>= HEIGHT;
        }
    }
    Ok(changed)
}

/// The root over the hashes of a full tile.
fn root_of(tile: &[u8]) -> Hash {
    let mut hashes: Vec<tlog_tiles::Hash> = tile
        .chunks_exact(BYTES)
        .map(|bytes| {
            let mut hash = [0; BYTES];
            hash.copy_from_slice(bytes);
            tlog_tiles::Hash(hash)
        })
        .collect();
    while hashes.len() > 1 {
        hashes = hashes.chunks_exact(2).map(|two| tlog_tiles::node_hash(two[0], two[1])).collect();
    }
    hashes.first().map_or([0; BYTES], |hash| hash.0)
}

/// Only the tiles at these places.
pub fn only(tiles: &Tiles, places: &BTreeSet<Place>) -> Tiles {
    let kept = tiles.iter().filter(|(place, _)| places.contains(place));
    kept.map(|(place, tile)| (*place, tile.clone())).collect::<HashMap<_, _>>()
}

#[cfg(test)]
mod tests;
