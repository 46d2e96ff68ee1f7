//! Proofs against a plain recomputation, by the recursive definitions of RFC 6962, 2.1.

use proptest::prelude::{any, prop_assert, prop_assert_eq, proptest};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::domain::log::frontier::Frontier;

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|n| Sha256::digest([&[0], n.to_be_bytes().as_slice()].concat()).into()).collect()
}

/// The largest power of two below `n`.
fn split(n: usize) -> usize {
    (n - 1).next_power_of_two() >> usize::from(!(n - 1).is_power_of_two())
}

/// MTH(D[n]).
fn plain_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            Sha256::new()
                .chain_update([1])
                .chain_update(plain_root(left))
                .chain_update(plain_root(right))
                .finalize()
                .into()
        }
    }
}

/// PATH(m, D[n]).
fn plain_path(at: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut path, other) = if at < k {
        (plain_path(at, left), plain_root(right))
    } else {
        (plain_path(at - k, right), plain_root(left))
    };
    path.push(other);
    path
}

/// SUBPROOF(m, D[n], b).
fn plain_proof(first: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if first == leaves.len() {
        return if whole { Vec::new() } else { vec![plain_root(leaves)] };
    }
    let k = split(leaves.len());
    let (left, right) = leaves.split_at(k);
    let (mut proof, other) = if first <= k {
        (plain_proof(first, left, whole), plain_root(right))
    } else {
        (plain_proof(first - k, right, false), plain_root(left))
    };
    proof.push(other);
    proof
}

fn grown(all: &[Hash]) -> Tiles {
    let mut tiles = Tiles::new();
    append(0, all, &mut tiles).unwrap();
    tiles
}

#[test]
fn every_leaf_of_trees_of_many_sizes_is_proven_as_by_definition() {
    let all = leaves(800);
    let tiles = grown(&all);
    for size in [1, 2, 3, 4, 5, 7, 8, 9, 31, 33, 255, 256, 257, 300, 511, 512, 513, 800_usize] {
        let (tree, root_hash) = (&all[..size], plain_root(&all[..size]));
        let (n, needs) = (size as u64, needs_of_root(size as u64));
        assert_eq!(root(n, &only(&tiles, &needs)), Ok(root_hash), "{size}");
        for at in 0..size {
            let index = at as u64;
            let needed = only(&tiles, &needs_of_inclusion(n, index));
            let path = inclusion(n, index, &needed).unwrap();
            assert_eq!(path, plain_path(at, tree), "{at} of {size}");
            assert!(proves_inclusion(&all[at], index, n, &path, &root_hash));
            let other = (at + 1) % size;
            assert!(other == at || !proves_inclusion(&all[other], index, n, &path, &root_hash));
        }
    }
}

#[test]
fn every_tree_continues_every_earlier_one_as_by_definition() {
    let all = leaves(300);
    let tiles = grown(&all);
    for second in [1, 2, 6, 7, 8, 63, 64, 65, 255, 256, 257, 300_usize] {
        let later = plain_root(&all[..second]);
        for first in 1..=second {
            let (m, n) = (first as u64, second as u64);
            let path = consistency(m, n, &only(&tiles, &needs_of_consistency(m, n))).unwrap();
            assert_eq!(path, plain_proof(first, &all[..second], true), "{first} {second}");
            let earlier = plain_root(&all[..first]);
            assert!(proves_consistency((m, &earlier), (n, &later), &path));
            assert!(!proves_consistency((m, &[9; 32]), (n, &later), &path) || path.is_empty());
        }
    }
}

#[test]
fn a_tree_of_three_levels_of_tiles_is_the_plain_one() {
    let all = leaves(66_000);
    let tiles = grown(&all);
    assert!(tiles.contains_key(&Place { level: 2, number: 0 }));
    let mut frontier = Frontier::default();
    for leaf in &all {
        frontier.push(*leaf);
    }
    let root_hash = root(66_000, &tiles).unwrap();
    assert_eq!(root_hash, frontier.root());
    for index in [0, 255, 256, 65_535, 65_536, 65_999] {
        let needs = needs_of_inclusion(66_000, index);
        assert!(needs.len() <= 8, "{needs:?}");
        let path = inclusion(66_000, index, &only(&tiles, &needs)).unwrap();
        let leaf = all[usize::try_from(index).unwrap()];
        assert!(proves_inclusion(&leaf, index, 66_000, &path, &root_hash));
    }
}

#[test]
fn a_missing_or_short_tile_is_an_error() {
    let all = leaves(300);
    let mut tiles = grown(&all);
    let place = Place { level: 0, number: 1 };
    tiles.get_mut(&place).unwrap().truncate(32);
    assert_eq!(root(300, &tiles), Err(Broken));
    tiles.remove(&place);
    assert_eq!(root(300, &tiles), Err(Broken));
    assert_eq!(append(300, &all[..1], &mut tiles), Err(Broken));
    assert_eq!(inclusion(300, 300, &grown(&all)), Err(Broken));
}

proptest! {
    #[test]
    fn it_does_not_matter_in_which_pieces_a_tree_grows(cuts in proptest::collection::vec(0_usize..900, 0..6)) {
        let all = leaves(900);
        let mut cuts = cuts;
        cuts.extend([0, 900]);
        cuts.sort_unstable();
        // After each piece only the edge is remembered, as the sequencer does.
        let (mut kept, mut edge_tiles) = (Tiles::new(), Tiles::new());
        for piece in cuts.windows(2) {
            let size = piece[0] as u64;
            let places = edge(size);
            edge_tiles = only(&edge_tiles, &places);
            prop_assert_eq!(edge_tiles.len(), places.len());
            let changed = append(size, &all[piece[0]..piece[1]], &mut edge_tiles).unwrap();
            kept.extend(only(&edge_tiles, &changed));
        }
        prop_assert_eq!(kept, grown(&all));
    }

    #[test]
    fn nothing_that_is_sent_as_a_proof_makes_a_verifier_fall(
        leaf in any::<Hash>(), index in any::<u64>(), size in any::<u64>(),
        path in proptest::collection::vec(any::<Hash>(), 0..70), root_hash in any::<Hash>(),
    ) {
        prop_assert!(!proves_inclusion(&leaf, index, size, &path, &root_hash));
        let _ = proves_consistency((index, &leaf), (size, &root_hash), &path);
    }
}
