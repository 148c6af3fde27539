//! Numbers on their way into the tables, added up by whose they are. Not here: what is counted (`tally`).

use std::collections::{BTreeMap, HashMap};

/// Whose numbers they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Those of the whole hub.
    Hub,
    /// Those of an agency that sent.
    Sender,
    /// Those of an agency that was sent to.
    Recipient,
    /// What failed or was given back between two agencies.
    Pair,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hub, Self::Sender, Self::Recipient, Self::Pair];

    /// The words in tables: for the numbers of all documents, of which there is a list by agency, and for all others.
    pub fn words(self) -> [&'static str; 2] {
        match self {
            Self::Hub => ["hub", "hub-detail"],
            Self::Sender => ["sender", "sender-detail"],
            Self::Recipient => ["recipient", "recipient-detail"],
            Self::Pair => ["pair", "pair-detail"],
        }
    }

    /// The word of those numbers that are shown of a time as a whole, never day by day.
    pub fn folds(self) -> &'static str {
        let [whole, detail] = self.words();
        if self == Self::Pair { whole } else { detail }
    }
}

/// Of whom a number is, and of when.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner {
    /// Whose.
    pub scope: Scope,
    /// The day of acceptance in Vietnam, `yyyy-MM-dd`; or its month, `yyyy-MM`.
    pub day: String,
    /// The agency; empty for the hub.
    pub agency: String,
    /// The other one of a pair; else empty.
    pub partner: String,
}

/// What one number is of.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Whose, and of when.
    pub owner: Owner,
    /// Of which packets: empty for all documents.
    pub slice: String,
    /// What is counted.
    pub what: &'static str,
}

/// Of which packets, and what is counted of them.
pub type Mark = (String, &'static str);

/// Numbers that are to be added. Each packet changes some fifty, of six owners at most, so that an owner is looked up once for all
/// of its numbers.
#[derive(Debug, Default)]
pub struct Tally(HashMap<Owner, HashMap<&'static str, BTreeMap<String, i64>>>);

impl Tally {
    /// Adds to these numbers of an owner.
    pub fn add<'a>(&mut self, owner: Owner, marks: impl Iterator<Item = &'a Mark>, by: i64) {
        let mut marks = marks.peekable();
        if marks.peek().is_none() {
            return;
        }
        let numbers = self.0.entry(owner).or_default();
        for (slice, what) in marks {
            let slices = numbers.entry(what).or_default();
            match slices.get_mut(slice) {
                Some(number) => *number = number.saturating_add(by),
                None => drop(slices.insert(slice.clone(), by)),
            }
        }
    }

    /// All of them, always in the same order; those that came to nothing too.
    pub fn into_numbers(self) -> BTreeMap<Key, i64> {
        let mut all = BTreeMap::new();
        for (owner, numbers) in self.0 {
            for (what, slices) in numbers {
                let keys =
                    slices.into_iter().map(|(slice, number)| (Key { owner: owner.clone(), slice, what }, number));
                all.extend(keys);
            }
        }
        all
    }
}
