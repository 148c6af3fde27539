//! A random sample that anybody can draw again: documents in the order of SHA-256 over the seed, a line feed and the id of the
//! envelope; the first ones are drawn. Not here: which documents there are, from where the seed comes.

use super::packet::Digest;
use std::collections::BTreeMap;

/// A sample being drawn: only what may still be in it is kept.
#[derive(Debug)]
pub struct Draw {
    seed: String,
    size: usize,
    first: BTreeMap<Digest, String>,
    population: i64,
}

impl Draw {
    /// A sample of that size from a seed.
    pub fn new(seed: String, size: usize) -> Self {
        Self { seed, size, first: BTreeMap::new(), population: 0 }
    }

    /// Shows a document of the population, each once, in any order.
    pub fn show(&mut self, envelope_id: String) {
        self.population = self.population.saturating_add(1);
        self.first.insert(Digest::of(format!("{}\n{envelope_id}", self.seed).as_bytes()), envelope_id);
        if self.first.len() > self.size {
            self.first.pop_last();
        }
    }

    /// How many documents were shown, and those that are drawn, in their order.
    pub fn finish(self) -> (i64, Vec<String>) {
        (self.population, self.first.into_values().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(seed: &str, size: usize, ids: impl Iterator<Item = u32>) -> (i64, Vec<String>) {
        let mut draw = Draw::new(seed.to_owned(), size);
        ids.for_each(|id| draw.show(format!("goi-tin-{id}")));
        draw.finish()
    }

    #[test]
    fn a_sample_depends_on_seed_and_documents_and_on_nothing_else() {
        let (population, sample) = drawn("7", 3, 1..=10);

        assert_eq!((population, sample.len()), (10, 3));
        assert_eq!(drawn("7", 3, (1..=10).rev()).1, sample, "not on the order in which they come");
        assert_eq!(drawn("7", 5, 1..=10).1[..3], sample, "a larger one goes on from a smaller one");
        assert_ne!(drawn("8", 3, 1..=10).1, sample);
        assert_eq!(drawn("7", 3, 1..=2).1.len(), 2, "there are no more");
        // As sha256sum says: printf '7\ngoi-tin-3' | sha256sum
        assert_eq!(sample, ["goi-tin-3", "goi-tin-9", "goi-tin-7"]);
    }
}
