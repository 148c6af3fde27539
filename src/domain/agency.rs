//! Agencies and how they are named: organ ids as written in packets, canonical codes, states.
//! Not here: who holds which agency (`store::systems`), where aliases are kept (`store::agencies`).

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
    /// Who took over, when closed.
    pub successor: Option<AgencyCode>,
    /// Counts the changes of this entry, from 1.
    pub version: i64,
    /// How it gets its packets; set with its endpoint and by nothing else.
    pub channel: Channel,
}
