//! The tree in tiles, as C2SP tlog-tiles has it: 256 hashes of one level in each, those of every eighth level kept. What
//! lies between is hashed anew when it is wanted. Not here: where tiles are kept and served.

use super::merkle::{Hash, Node, empty_root, hash_of, node_hash};
use std::fmt::Write;

/// Hashes in a full tile.
pub const WIDTH: usize = 256;
/// Levels of the tree from one level of tiles to the next.
const HEIGHT: u32 = 8;
/// Bytes of a hash.
const BYTES: usize = 32;

/// A tile: the `number`-th of its level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tile {
    /// 0 for the hashes of entries, 1 for roots of full tiles of level 0 …
    pub level: u32,
    /// How many of its level stand left of it.
    pub number: u64,
}

/// A tile's number as a path: three digits in each step, all steps but the last with an `x` before them.
pub fn path(number: u64) -> String {
    let digits = number.to_string();
    let digits = format!("{digits:0>width$}", width = digits.len().div_ceil(3).saturating_mul(3));
    let mut path = String::new();
    for (place, digit) in digits.char_indices() {
        if place % 3 == 0 && place > 0 {
            path.push('/');
        }
        if place % 3 == 0 && place.saturating_add(3) < digits.len() {
            path.push('x');
        }
        // A string takes everything.
        let _ = path.write_char(digit);
    }
    path
}

/// The number and the width that a path asks for, if it is one that `path` writes, perhaps with `.p/W` for W hashes.
pub fn asked(text: &str) -> Option<(u64, usize)> {
    let (steps, width) = match text.split_once(".p/") {
        Some((steps, width)) => (steps, decimal(width).filter(|width| (1..WIDTH).contains(width))?),
        None => (text, WIDTH),
    };
    let digits: String = steps.chars().filter(char::is_ascii_digit).collect();
    let number = digits.parse().ok()?;
    (path(number) == steps).then_some((number, width))
}

fn decimal(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number: &usize| number.to_string() == text)
}

/// The complete subtrees within a tile, by their height: hashed once, whatever number of proofs leads through it.
pub struct Subtrees(Vec<Vec<Hash>>);

impl Subtrees {
    /// Those of a tile, from its bytes.
    pub fn of(tile: &[u8]) -> Self {
        let mut by_height = vec![hashes(tile)];
        while let Some(below) = by_height.last().filter(|below| below.len() > 1) {
            let above = above(below);
            by_height.push(above);
        }
        Self(by_height)
    }

    /// The hash of one that stands in the tile (`tile_of`); nothing when the tile is too short.
    pub fn hash(&self, node: Node) -> Option<Hash> {
        let within = node.height % HEIGHT;
        let place = usize::try_from(node.index).ok()? % (WIDTH >> within);
        self.0.get(usize::try_from(within).ok()?)?.get(place).copied()
    }
}

/// The tile in which a complete subtree stands.
pub fn tile_of(node: Node) -> Tile {
    let (level, within) = (node.height / HEIGHT, node.height % HEIGHT);
    Tile { level, number: (node.index << within) >> HEIGHT }
}

fn hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes.chunks_exact(BYTES).filter_map(hash_of).collect()
}

/// The hashes of pairs; one that is left over has none.
fn above(hashes: &[Hash]) -> Vec<Hash> {
    hashes.chunks_exact(2).filter_map(|pair| Some(node_hash(pair.first()?, pair.last()?))).collect()
}

/// The root of a complete subtree.
fn subtree(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        hashes = above(&hashes);
    }
    hashes.pop().unwrap_or_default()
}

/// The right edge of a tree: its size, and of each level the hashes of the tile that is not yet full.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Edge {
    size: u64,
    levels: Vec<Vec<Hash>>,
}

impl Edge {
    /// The edge of a tree of that size, from its tiles; nothing when one of them is too short.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn of<E>(size: u64, mut read: impl FnMut(Tile) -> Result<Vec<u8>, E>) -> Result<Option<Self>, E> {
        let mut edge = Self { size, levels: Vec::new() };
        let (mut complete, mut level) = (size, 0);
        while complete > 0 {
            let width = usize::try_from(complete % 256).unwrap_or_default();
            let mut kept = match width {
                0 => Vec::new(),
                _ => hashes(&read(Tile { level, number: complete >> HEIGHT })?),
            };
            if kept.len() < width {
                return Ok(None);
            }
            kept.truncate(width);
            edge.levels.push(kept);
            complete >>= HEIGHT;
            level = level.saturating_add(1);
        }
        Ok(Some(edge))
    }

    /// How many entries the tree has.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds an entry's hash. Answers the tiles that it filled, with their bytes.
    pub fn push(&mut self, leaf: Hash) -> Vec<(Tile, Vec<u8>)> {
        let (mut added, mut filled) = (Some(leaf), Vec::new());
        let mut number = self.size;
        for level in 0_u32.. {
            let Some(hash) = added.take() else { break };
            number >>= HEIGHT;
            let place = usize::try_from(level).unwrap_or(usize::MAX);
            if self.levels.len() <= place {
                self.levels.push(Vec::with_capacity(WIDTH));
            }
            let Some(kept) = self.levels.get_mut(place) else { break };
            kept.push(hash);
            if kept.len() == WIDTH {
                filled.push((Tile { level, number }, kept.concat()));
                added = Some(subtree(std::mem::take(kept)));
            }
        }
        self.size = self.size.saturating_add(1);
        filled
    }

    /// The tiles that are not yet full, with their bytes.
    pub fn partial(&self) -> impl Iterator<Item = (Tile, Vec<u8>)> {
        let mut complete = self.size;
        let tiles = (0_u32..).zip(&self.levels).map(move |(level, kept)| {
            complete >>= HEIGHT;
            (Tile { level, number: complete }, kept.concat())
        });
        tiles.filter(|(_, bytes)| !bytes.is_empty())
    }

    /// The root of the tree.
    pub fn root(&self) -> Hash {
        let mut joined: Option<Hash> = None;
        for kept in &self.levels {
            // From the right: the smallest complete subtree stands last.
            let mut end = kept.len();
            while end > 0 {
                let width = 1_usize << end.trailing_zeros();
                let start = end.saturating_sub(width);
                let left = subtree(kept.get(start..end).unwrap_or_default().to_vec());
                joined = Some(joined.map_or(left, |right| node_hash(&left, &right)));
                end = start;
            }
        }
        joined.unwrap_or_else(empty_root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proof::merkle::{includes, inclusion, leaf_hash, nodes, root};
    use proptest::prelude::*;
    use std::collections::HashMap;

    /// A tree of that many entries: its edge, and all its tiles with the partial ones.
    fn tree(size: u64) -> (Edge, HashMap<Tile, Vec<u8>>) {
        let (mut edge, mut tiles) = (Edge::default(), HashMap::new());
        for number in 0..size {
            tiles.extend(edge.push(leaf_hash(&number.to_be_bytes())));
        }
        tiles.extend(edge.partial());
        (edge, tiles)
    }

    fn part(tiles: &HashMap<Tile, Vec<u8>>, part: std::ops::Range<u64>) -> Hash {
        let of = |at: Node| Subtrees::of(&tiles[&tile_of(at)]).hash(at).unwrap();
        root(&nodes(part).into_iter().map(of).collect::<Vec<_>>())
    }

    #[test]
    fn numbers_are_written_and_read_as_the_format_has_them() {
        for (number, text) in [(0, "000"), (67, "067"), (1_000, "x001/000"), (1_234_067, "x001/x234/067")] {
            assert_eq!(path(number), text);
            assert_eq!(asked(text), Some((number, WIDTH)));
            assert_eq!(asked(&format!("{text}.p/112")), Some((number, 112)));
        }
        for wrong in
            ["", "0", "67", "x000/067", "001/234", "x01/234", "000.p/0", "000.p/256", "000.p/07", "000.p/", "-01"]
        {
            assert_eq!(asked(wrong), None, "{wrong}");
        }
        assert_eq!(asked(&path(u64::MAX)), Some((u64::MAX, WIDTH)));
    }

    #[test]
    fn a_tree_of_70_000_has_the_tiles_that_the_format_counts() {
        let (_, tiles) = tree(70_000);
        let widths = |level: u32| {
            let mut of: Vec<(u64, usize)> = tiles
                .iter()
                .filter(|(tile, _)| tile.level == level)
                .map(|(tile, b)| (tile.number, b.len() / 32))
                .collect();
            of.sort_unstable();
            of
        };
        let low = widths(0);
        assert_eq!((low.len(), low[272], low[273]), (274, (272, 256), (273, 112)));
        assert_eq!(widths(1), [(0, 256), (1, 17)]);
        assert_eq!(widths(2), [(0, 1)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn tiles_give_the_root_and_every_proof(size in 1_u64..70_000, at in any::<u64>()) {
            let (edge, tiles) = tree(size);
            let at = at % size;
            let path: Vec<Hash> = inclusion(at, size).unwrap().into_iter().map(|range| part(&tiles, range)).collect();

            prop_assert_eq!(edge.root(), part(&tiles, 0..size));
            prop_assert!(includes((at, leaf_hash(&at.to_be_bytes())), &path, (size, edge.root())));
            let read = Edge::of(size, |tile| Ok::<_, ()>(tiles[&tile].clone())).unwrap();
            prop_assert_eq!(read, Some(edge));
        }

        #[test]
        fn an_older_tree_is_read_from_newer_tiles(size in 1_u64..2_000, more in 0_u64..2_000) {
            let (old, _) = tree(size);
            let (_, tiles) = tree(size + more);

            let read = Edge::of(size, |tile| Ok::<_, ()>(tiles[&tile].clone())).unwrap();

            prop_assert_eq!(read.map(|edge| edge.root()), Some(old.root()));
        }
    }
}
