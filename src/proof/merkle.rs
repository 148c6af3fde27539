//! The Merkle tree of RFC 9162, section 2.1: hashes, and which parts of a tree prove inclusion and consistency. Not
//! here: where the hashes are kept (`tile`).

use aws_lc_rs::digest::{Context, SHA256, digest};
use std::ops::Range;

/// A hash of the tree: SHA-256.
pub type Hash = [u8; 32];

fn hashed(prefix: u8, parts: [&[u8]; 2]) -> Hash {
    let mut context = Context::new(&SHA256);
    context.update(&[prefix]);
    parts.iter().for_each(|part| context.update(part));
    hash_of(context.finish().as_ref()).unwrap_or_default()
}

/// The hash that bytes are, if they are one.
pub fn hash_of(bytes: &[u8]) -> Option<Hash> {
    bytes.try_into().ok()
}

/// The hash of an entry.
pub fn leaf_hash(entry: &[u8]) -> Hash {
    hashed(0, [entry, &[]])
}

/// The hash of two halves.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    hashed(1, [left, right])
}

/// The root of a tree without entries.
pub fn empty_root() -> Hash {
    hash_of(digest(&SHA256, &[]).as_ref()).unwrap_or_default()
}

/// A complete subtree: 2^height entries, the `index`-th of its height.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node {
    /// Levels above the entries.
    pub height: u32,
    /// How many of its height stand left of it.
    pub index: u64,
}

/// The complete subtrees of which a part of the tree consists, from left to right. The part must be one that the tree
/// itself is divided into, as the parts of proofs are.
pub fn nodes(part: Range<u64>) -> Vec<Node> {
    let (mut start, mut nodes) = (part.start, Vec::new());
    while start < part.end {
        let height = (part.end.saturating_sub(start)).ilog2();
        nodes.push(Node { height, index: start >> height });
        start = start.saturating_add(1 << height);
    }
    nodes
}

/// The root over complete subtrees that stand beside each other, from left to right.
pub fn root(subtrees: &[Hash]) -> Hash {
    let joined = subtrees.iter().copied().rev().reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or_else(empty_root)
}

/// Where the left half of a part of more than one entry ends: its length is the largest power of two below the part's.
fn middle(part: &Range<u64>) -> u64 {
    let length = part.end.saturating_sub(part.start);
    part.start.saturating_add(1 << length.saturating_sub(1).ilog2())
}

/// The parts whose hashes prove that an entry stands in a tree of that size, in the order of the proof; nothing when the
/// tree has no such entry.
pub fn inclusion(index: u64, size: u64) -> Option<Vec<Range<u64>>> {
    let (mut part, mut proof) = (0..size, Vec::new());
    if !part.contains(&index) {
        return None;
    }
    while part.end.saturating_sub(part.start) > 1 {
        let middle = middle(&part);
        let (within, beside) = if index < middle {
            (part.start..middle, middle..part.end)
        } else {
            (middle..part.end, part.start..middle)
        };
        proof.push(beside);
        part = within;
    }
    proof.reverse();
    Some(proof)
}

/// The parts whose hashes prove that a tree of size `old` grew to one of size `new`, in the order of the proof; nothing
/// when it cannot have.
pub fn consistency(old: u64, new: u64) -> Option<Vec<Range<u64>>> {
    if old > new {
        return None;
    }
    let (mut part, mut proof) = (0..new, Vec::new());
    while old != 0 && part.end != old {
        let middle = middle(&part);
        let (within, beside) =
            if old <= middle { (part.start..middle, middle..part.end) } else { (middle..part.end, part.start..middle) };
        proof.push(beside);
        part = within;
    }
    // The old root itself needs no proof.
    if part.start != 0 {
        proof.push(part);
    }
    proof.reverse();
    Some(proof)
}

/// Whether a path proves that the entry of this hash stands at `index` of the tree of this size and root.
pub fn includes((index, leaf): (u64, Hash), path: &[Hash], (size, root): (u64, Hash)) -> bool {
    let Some(parts) = inclusion(index, size).filter(|parts| parts.len() == path.len()) else { return false };
    let climbed = parts.iter().zip(path).fold(leaf, |below, (part, beside)| match part.start > index {
        true => node_hash(&below, beside),
        false => node_hash(beside, &below),
    });
    climbed == root
}

/// Whether a path proves that the tree of the first size and root grew to that of the second.
pub fn grew((old, old_root): (u64, Hash), path: &[Hash], (new, new_root): (u64, Hash)) -> bool {
    let Some(parts) = consistency(old, new).filter(|parts| parts.len() == path.len()) else { return false };
    if old == 0 {
        return old_root == empty_root();
    }
    let mut steps = parts.iter().zip(path).peekable();
    // What both trees have in common, unless it is the whole of the old one.
    let start = steps.next_if(|(part, _)| part.end == old).map_or(old_root, |(_, hash)| *hash);
    let climbed = steps.fold((start, start), |(was, is), (part, beside)| match part.start >= old {
        true => (was, node_hash(&is, beside)),
        false => (node_hash(beside, &was), node_hash(beside, &is)),
    });
    climbed == (old_root, new_root)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// MTH of RFC 9162, as it is written there.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [only] => *only,
            more => {
                let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    /// PATH of RFC 9162.
    fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() < 2 {
            return Vec::new();
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut below, beside) = match index < left.len() {
            true => (path(index, left), mth(right)),
            false => (path(index - left.len(), right), mth(left)),
        };
        below.push(beside);
        below
    }

    /// SUBPROOF of RFC 9162.
    fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
        if old == leaves.len() {
            return if whole { Vec::new() } else { vec![mth(leaves)] };
        }
        let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
        let (mut below, beside) = match old <= left.len() {
            true => (subproof(old, left, whole), mth(right)),
            false => (subproof(old - left.len(), right, false), mth(left)),
        };
        below.push(beside);
        below
    }

    fn leaves(number: usize) -> Vec<Hash> {
        (0..number).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    fn size(number: usize) -> u64 {
        u64::try_from(number).unwrap()
    }

    /// The hashes of these parts, from the complete subtrees that they consist of.
    fn hashes(parts: impl IntoIterator<Item = Range<u64>>, leaves: &[Hash]) -> Vec<Hash> {
        let of = |node: Node| {
            let (first, width) = (node.index << node.height, 1_u64 << node.height);
            mth(&leaves[usize::try_from(first).unwrap()..usize::try_from(first + width).unwrap()])
        };
        parts.into_iter().map(|part| root(&nodes(part).into_iter().map(of).collect::<Vec<_>>())).collect()
    }

    #[test]
    fn roots_are_those_of_the_reference_of_certificate_transparency() {
        let entries =
            ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let leaves: Vec<Hash> = entries.iter().map(|entry| leaf_hash(&hex::decode(entry).unwrap())).collect();
        for (number, expected) in (1..).zip(roots) {
            let whole = hashes(std::iter::once(0..size(number)), &leaves);
            assert_eq!(hex::encode(whole[0]), expected, "{number}");
        }
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hex::encode(root(&[])), empty);
    }

    #[test]
    fn the_proofs_are_those_of_the_example_of_rfc_9162() {
        // Section 2.1.5: seven entries; a to g are nodes 0 to 6 of the lowest level.
        let part = |index, size| inclusion(index, size).unwrap();
        assert_eq!(part(0, 7), [1..2, 2..4, 4..7]);
        assert_eq!(part(3, 7), [2..3, 0..2, 4..7]);
        assert_eq!(part(4, 7), [5..6, 6..7, 0..4]);
        assert_eq!(part(6, 7), [4..6, 0..4]);
        assert_eq!(consistency(3, 7).unwrap(), [2..3, 3..4, 0..2, 4..7]);
        assert_eq!(consistency(4, 7).unwrap().first(), Some(&(4..7)));
        assert_eq!(consistency(6, 7).unwrap(), [4..6, 6..7, 0..4]);
        assert_eq!(inclusion(7, 7), None);
        assert_eq!(consistency(8, 7), None);
    }

    proptest! {
        #[test]
        fn every_entry_is_proved_as_the_rfc_does_it(number in 1_usize..300, at in 0_usize..300) {
            let (leaves, at) = (leaves(number), at % number);
            let (tree, root) = (size(number), mth(&leaves));
            let proof = hashes(inclusion(size(at), tree).unwrap(), &leaves);

            prop_assert_eq!(&proof, &path(at, &leaves));
            prop_assert!(includes((size(at), leaves[at]), &proof, (tree, root)));
            prop_assert!(!includes((size(at), leaf_hash(b"another")), &proof, (tree, root)));
            prop_assert!(!includes((size(at), leaves[at]), &proof, (tree, leaf_hash(b"another"))));
            prop_assert!(!includes((size((at + 1) % number), leaves[at]), &proof, (tree, root)) || number == 1);
            let mut longer = proof.clone();
            longer.push(root);
            prop_assert!(!includes((size(at), leaves[at]), &longer, (tree, root)));
        }

        #[test]
        fn growth_is_proved_as_the_rfc_does_it(number in 1_usize..300, old in 0_usize..301) {
            let (leaves, old) = (leaves(number), old % (number + 1));
            let (was, is) = ((size(old), mth(&leaves[..old])), (size(number), mth(&leaves)));
            let proof = hashes(consistency(was.0, is.0).unwrap(), &leaves);

            if old > 0 {
                prop_assert_eq!(&proof, &subproof(old, &leaves, true));
            }
            prop_assert!(grew(was, &proof, is));
            prop_assert!(!grew((was.0, leaf_hash(b"another")), &proof, is));
            if old > 0 {
                prop_assert!(!grew(was, &proof, (is.0, leaf_hash(b"another"))));
            }
            for at in 0..proof.len() {
                let mut altered = proof.clone();
                altered[at][0] ^= 1;
                prop_assert!(!grew(was, &altered, is));
            }
        }
    }
}
