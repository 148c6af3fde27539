//! Agencies and how they are named: organ ids as written in packets, canonical codes, states.
//! Not here: who holds which agency (`store::systems`), where aliases are kept (`store::agencies`).

use super::dates::VIETNAM;
use chrono::{DateTime, NaiveDate, Utc};
use std::fmt;

/// An organ id as somebody wrote it: at most 35 characters of `0-9 A-Z a-z . _ -`, starting and ending
/// with a letter or digit. Syntax proves nothing about existence: the directory decides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OrganId(String);

/// Longest organ id in characters (QCVN 102:2016/BTTTT/SĐ1:2022).
pub const ORGAN_ID_CHARS_MAX: usize = 35;

impl OrganId {
    /// The id, or nothing when the text is empty, too long or holds other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let outer = |b: &u8| b.is_ascii_alphanumeric();
        let bytes = text.as_bytes();
        let edges = bytes.first().is_some_and(outer) && bytes.last().is_some_and(outer);
        let inner = bytes.iter().all(|b| outer(b) || matches!(b, b'.' | b'_' | b'-'));
        (edges && inner && bytes.len() <= ORGAN_ID_CHARS_MAX).then(|| Self(text.to_owned()))
    }

    /// The id as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which the directory looks it up: upper case, since the field writes both.
    pub fn folded(&self) -> String {
        self.0.to_ascii_uppercase()
    }
}

impl fmt::Display for OrganId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The one code under which an agency is registered; every alias leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgencyCode(pub String);

impl AgencyCode {
    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AgencyCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an agency takes part in the exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgencyState {
    /// Sends and receives.
    Open,
    /// Locked by the operator: neither sends nor receives for now.
    Suspended,
    /// Exists no more; a successor may take its mail.
    Closed,
}

impl AgencyState {
    /// The word in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// The state of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Open, Self::Suspended, Self::Closed].into_iter().find(|s| s.word() == word)
    }
}

/// How an agency gets its packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Channel {
    /// Its software comes for them.
    #[default]
    Pickup,
    /// The hub posts them to its endpoint.
    Push,
}

impl Channel {
    /// The word in tables and answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pickup => "pickup",
            Self::Push => "push",
        }
    }

    /// The channel of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        [Self::Pickup, Self::Push].into_iter().find(|channel| channel.word() == word)
    }
}

/// The days of Vietnam on which an agency exists, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Validity {
    /// The first day; without one it always was.
    pub from: Option<NaiveDate>,
    /// The last day; without one it has no end.
    pub until: Option<NaiveDate>,
}

impl Validity {
    /// Whether the last day comes before the first.
    pub fn is_reversed(self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if until < from)
    }
}

/// Whether an agency sends and receives at a given time, and why not. The hub's clock decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It does.
    Open,
    /// Locked by the operator for now.
    Suspended,
    /// Exists no more.
    Closed,
    /// Its first day is to come.
    NotYetValid(NaiveDate),
    /// Its last day is over.
    NoLongerValid(NaiveDate),
}

impl Standing {
    /// The word in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
            Self::NotYetValid(_) => "not_yet_valid",
            Self::NoLongerValid(_) => "no_longer_valid",
        }
    }

    /// Whether it is over for good: closed, or past its last day.
    pub fn is_over(self) -> bool {
        match self {
            Self::Closed | Self::NoLongerValid(_) => true,
            Self::Open | Self::Suspended | Self::NotYetValid(_) => false,
        }
    }
}

/// A registered participant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agency {
    /// Canonical code.
    pub code: AgencyCode,
    /// Name shown to people.
    pub name: String,
    /// Code of the agency above, when registered so.
    pub parent: Option<AgencyCode>,
    /// Contact mail, empty when unknown.
    pub mail: String,
    /// Contact telephone, empty when unknown.
    pub mobile: String,
    /// Contact fax, empty when unknown.
    pub fax: String,
    /// Whether it takes part.
    pub state: AgencyState,
    /// Who took over, when closed, or will after the last day.
    pub successor: Option<AgencyCode>,
    /// When it is valid.
    pub validity: Validity,
    /// The directory's version since which this entry is as it is.
    pub version: i64,
    /// How it gets its packets; set with its endpoint and by nothing else.
    pub channel: Channel,
}

impl Agency {
    /// An open agency of which nothing but code and name is known.
    pub fn new(code: &str, name: &str) -> Self {
        Self {
            code: AgencyCode(code.to_owned()),
            name: name.to_owned(),
            parent: None,
            mail: String::new(),
            mobile: String::new(),
            fax: String::new(),
            state: AgencyState::Open,
            successor: None,
            validity: Validity::default(),
            version: 1,
            channel: Channel::Pickup,
        }
    }

    /// Whether it takes part at that time. What the operator decided by hand goes before the days.
    pub fn standing(&self, at: DateTime<Utc>) -> Standing {
        let today = at.with_timezone(&VIETNAM).date_naive();
        match (self.state, self.validity) {
            (AgencyState::Closed, _) => Standing::Closed,
            (_, Validity { from: Some(from), .. }) if today < from => Standing::NotYetValid(from),
            (_, Validity { until: Some(until), .. }) if until < today => Standing::NoLongerValid(until),
            (AgencyState::Suspended, _) => Standing::Suspended,
            (AgencyState::Open, _) => Standing::Open,
        }
    }

    /// The day from which on its successor takes over, while that day is to come.
    pub fn follows_on(&self, at: DateTime<Utc>) -> Option<NaiveDate> {
        let is_over = self.successor.is_none() || self.standing(at).is_over();
        self.validity.until.filter(|_| !is_over).and_then(|last| last.succ_opt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn agency(state: AgencyState, from: &str, until: &str) -> Agency {
        let validity = Validity { from: from.parse().ok(), until: until.parse().ok() };
        Agency { state, validity, ..Agency::new("X99.A01", "A") }
    }

    #[test]
    fn a_day_of_validity_begins_and_ends_at_midnight_in_vietnam() {
        let agency = agency(AgencyState::Open, "2026-12-01", "2026-12-31");

        assert_eq!(agency.standing(at("2026-11-30T23:59:59+07:00")), Standing::NotYetValid(day("2026-12-01")));
        assert_eq!(agency.standing(at("2026-12-01T00:00:00+07:00")), Standing::Open);
        assert_eq!(agency.standing(at("2026-12-31T23:59:59+07:00")), Standing::Open);
        assert_eq!(agency.standing(at("2027-01-01T00:00:00+07:00")), Standing::NoLongerValid(day("2026-12-31")));
    }

    #[test]
    fn closing_goes_before_the_days_and_the_days_before_a_suspension() {
        let now = at("2026-11-21T09:00:00+07:00");

        assert_eq!(agency(AgencyState::Closed, "2027-01-01", "").standing(now), Standing::Closed);
        assert!(agency(AgencyState::Suspended, "", "2026-11-20").standing(now).is_over());
        assert_eq!(agency(AgencyState::Suspended, "2026-11-21", "2026-11-21").standing(now), Standing::Suspended);
    }

    #[test]
    fn a_validity_is_reversed_when_it_ends_before_it_begins() {
        let of = |from: &str, until: &str| Validity { from: from.parse().ok(), until: until.parse().ok() };

        assert!(of("2026-12-01", "2026-11-30").is_reversed());
        assert!(!of("2026-12-01", "2026-12-01").is_reversed() && !of("2026-12-01", "").is_reversed());
    }
}
