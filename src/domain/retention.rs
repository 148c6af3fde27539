//! How long the content of packets is kept, and which packets a hold, or a wish to destroy, is about. The classes stand in
//! `retention/vietnam.txt` with their dates, since the law changes. Whether a packet may go: `judge`. Not here: what is destroyed,
//! and by whose decision (`exchange::purge`).

mod judge;

pub use judge::{Case, Due, Kept, judge};

use super::dates::VIETNAM;
use super::rules::Wording;
use super::text::folded;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::collections::BTreeMap;

/// Classes that are known by the program.
const BUILT_IN: &str = include_str!("retention/vietnam.txt");

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// So many days.
    Days(u32),
    /// For ever.
    Always,
}

impl Term {
    /// When it is over for what ended at a time; never, for what is kept for ever.
    pub fn over(self, ended_at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Days(days) => ended_at.checked_add_signed(TimeDelta::days(days.into())),
            Self::Always => None,
        }
    }
}

/// A class: which packets, accepted from which day on, are kept how long, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub code: String,
    from: NaiveDate,
    /// Empty means any; the same holds of the next two.
    kinds: Vec<String>,
    types: Vec<String>,
    urgencies: Vec<i32>,
    /// How long.
    pub term: Term,
    /// By what law or agreement.
    pub basis: Wording,
}

/// What tells the class of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Sort<'a> {
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub kind: &'a str,
    /// Name of the kind of document.
    pub type_name: &'a str,
    /// Urgency number.
    pub urgency: i32,
    /// The day on which it was accepted, in Vietnam.
    pub accepted_on: NaiveDate,
}

impl Class {
    fn of_line(line: &str) -> Option<Self> {
        let mut columns = line.split('|').map(str::trim);
        let mut next = || columns.next().filter(|text| !text.is_empty());
        let code = next()?.to_owned();
        let from = NaiveDate::parse_from_str(next()?, "%Y-%m-%d").ok()?;
        let (kinds, types, urgencies, term, basis) = (next()?, next()?, next()?, next()?, next()?);
        let list = |text: &str| -> Vec<String> {
            if text == "*" { Vec::new() } else { text.split(',').map(|one| one.trim().to_owned()).collect() }
        };
        let known = ["document", "status", "new", "recall", "update", "replacement"];
        let (vi, en) = basis.split_once(" / ")?;
        let class = Self {
            code,
            from,
            kinds: list(kinds),
            types: list(types).iter().map(|name| folded(name)).collect(),
            urgencies: list(urgencies).iter().map(|number| number.parse().ok()).collect::<Option<_>>()?,
            term: if term == "always" { Term::Always } else { Term::Days(term.parse().ok()?) },
            basis: Wording::new(vi, en),
        };
        (next().is_none() && class.kinds.iter().all(|kind| known.contains(&kind.as_str()))).then_some(class)
    }

    fn has(&self, sort: Sort<'_>, type_folded: &str) -> bool {
        let is_status = sort.kind.starts_with("status-");
        let is_kind = |kind: &String| match kind.as_str() {
            "document" => !is_status,
            "status" => is_status,
            other => other == sort.kind,
        };
        (self.kinds.is_empty() || self.kinds.iter().any(is_kind))
            && (self.types.is_empty() || self.types.iter().any(|name| name == type_folded))
            && (self.urgencies.is_empty() || self.urgencies.contains(&sort.urgency))
    }
}

/// A line of a file of classes that cannot be read: its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "dòng {0} phải là: lớp | từ ngày | loại gói | loại văn bản | độ khẩn | số ngày | căn cứ vi / en; \
     line {0} must be: class | from day | kinds | kinds of document | urgencies | days | basis vi / en"
)]
pub struct LineFault(pub usize);

/// Every class there is.
#[derive(Debug, Clone)]
pub struct Retention(Vec<Class>);

impl Retention {
    /// The classes that are known and those of `more`, which go before.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn new(more: &str) -> Result<Self, LineFault> {
        let lines = [BUILT_IN, more].into_iter().flat_map(|text| (1..).zip(text.lines()));
        let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        let classes = lines.map(|(number, line)| Class::of_line(line).ok_or(LineFault(number)));
        Ok(Self(classes.collect::<Result<_, _>>()?))
    }

    /// The class of a packet: of those that it is in, as they held on the day of its acceptance, the one that keeps it longest;
    /// of what is in none, the longest there is. Nothing only where there is no class at all.
    pub fn class_of(&self, sort: Sort<'_>) -> Option<&Class> {
        let mut in_force: BTreeMap<&str, &Class> = BTreeMap::new();
        for class in self.0.iter().filter(|class| class.from <= sort.accepted_on) {
            let newest = in_force.entry(&class.code).or_insert(class);
            if newest.from <= class.from {
                *newest = class;
            }
        }
        let type_folded = folded(sort.type_name);
        let in_it = in_force.values().copied().filter(|class| class.has(sort, &type_folded));
        in_it.max_by_key(|class| class.term).or_else(|| self.0.iter().max_by_key(|class| class.term))
    }
}

/// Which packets somebody means: those for which everything that is said holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Code of an agency that sent it or was sent it.
    pub agency: Option<String>,
    /// Identifier of the document sent or reported about.
    pub document_id: Option<String>,
    /// Accepted on this day or later, in Vietnam.
    #[serde(serialize_with = "write_day", deserialize_with = "read_day")]
    pub from: Option<NaiveDate>,
    /// Accepted on this day or before.
    #[serde(serialize_with = "write_day", deserialize_with = "read_day")]
    pub until: Option<NaiveDate>,
}

fn write_day<S: Serializer>(day: &Option<NaiveDate>, to: S) -> Result<S::Ok, S::Error> {
    day.map(|day| day.to_string()).serialize(to)
}

fn read_day<'de, D: Deserializer<'de>>(from: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = Option::<String>::deserialize(from)?;
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// What of a packet a scope is about.
#[derive(Debug, Clone)]
pub struct Parties<'a> {
    /// Code of its sender.
    pub sender: &'a str,
    /// Codes of its recipients.
    pub recipients: Vec<&'a str>,
    /// Identifier of the document sent or reported about.
    pub document_id: &'a str,
    /// The day on which it was accepted, in Vietnam.
    pub accepted_on: NaiveDate,
}

impl Scope {
    /// Whether it means nothing in particular, which is everything.
    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    /// Whether a packet is meant.
    pub fn covers(&self, packet: &Parties<'_>) -> bool {
        let is_party = |code: &String| packet.sender == code || packet.recipients.iter().any(|one| one == code);
        self.agency.as_ref().is_none_or(is_party)
            && self.document_id.as_ref().is_none_or(|id| id == packet.document_id)
            && self.from.is_none_or(|day| packet.accepted_on >= day)
            && self.until.is_none_or(|day| packet.accepted_on <= day)
    }
}

/// The day of a time in Vietnam.
pub fn day_of(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&VIETNAM).date_naive()
}

#[cfg(test)]
mod tests;
