//! May a packet pass? One row and one function per rule; every violation is reported, not the first.
//! `check_packet` looks at the packet alone, `check_parties` at what the directory knows of its parties.
//!
//! Rows and functions stand by what they look at: `whole`, `parties`, `relay`, `document`, `attachments`, `secrecy`;
//! the rules of single elements are made from the element table in `fields`. `docs/codes.md` lists them all.

mod attachments;
mod catalogue;
mod document;
mod fields;
mod names;
mod parties;
mod relay;
mod rule;
pub mod secrecy;
#[cfg(test)]
mod tests;
mod whole;

use super::envelope::Envelope;
use super::packet::Packet;
use chrono::{DateTime, Utc};

pub use attachments::is_safe_name;
pub use catalogue::{Entry, catalogue, catalogue_markdown, sample};
pub use parties::{Parties, Party};
pub use rule::{Finding, Judge, Rule, Section, Text, filled};

/// The edition of the rules, by which evidence and receipts tell what a packet was checked by. Raised with any change of what
/// is accepted.
pub const EDITION: &str = "2026.1";

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Vietnamese, with diacritics.
    pub vi: String,
    /// English.
    pub en: String,
}

/// The numeric class that old clients know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// 10: not a usable file.
    InvalidFile,
    /// 18: a recipient is unknown or closed.
    RecipientUnknown,
    /// 19: the sender is not registered for this system.
    SenderNotRegistered,
    /// 21: an attachment cannot be used.
    FileUnusable,
    /// 22: the packet is not to the standard.
    NotToStandard,
    /// 23: a recipient is locked.
    RecipientLocked,
    /// 24, ours: the same document was sent before with another content.
    Conflict,
    /// 25, ours: marked as a state secret.
    StateSecret,
    /// 26, ours: the document meant is not known here.
    DocumentUnknown,
}

impl Wording {
    /// A sentence in both languages.
    pub fn new(vi: impl Into<String>, en: impl Into<String>) -> Self {
        Self { vi: vi.into(), en: en.into() }
    }
}

impl Class {
    /// The number.
    pub fn number(self) -> u16 {
        match self {
            Self::InvalidFile => 10,
            Self::RecipientUnknown => 18,
            Self::SenderNotRegistered => 19,
            Self::FileUnusable => 21,
            Self::NotToStandard => 22,
            Self::RecipientLocked => 23,
            Self::Conflict => 24,
            Self::StateSecret => 25,
            Self::DocumentUnknown => 26,
        }
    }
}

/// One reason why a packet cannot pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Stable code: `N.` missing, `R.` too long or too many, `M.` value not allowed, `T.` wrong type; then the path.
    pub code: String,
    /// Numeric class for old clients.
    pub class: Class,
    /// Where in the packet: `MessageHeader/To[2]/OrganId`; empty for the packet as a whole.
    pub place: String,
    /// What is wrong.
    pub cause: Wording,
    /// What to do.
    pub remedy: Wording,
    /// Whether the same packet may pass later without being changed.
    pub retry: bool,
}

/// Every rule outside the element table.
pub const RULES: &[&Section] = &[
    &whole::SECTION,
    &parties::SECTION,
    &relay::SECTION,
    &document::SECTION,
    &attachments::SECTION,
    &secrecy::SECTION,
    &document::WARNINGS,
];

fn rows() -> impl Iterator<Item = &'static Rule> {
    RULES.iter().flat_map(|section| section.rules)
}

fn row(code: &str) -> Option<&'static Rule> {
    rows().find(|rule| rule.code == code)
}

/// Judges the packet by itself: every fault that needs no directory and no memory to be seen.
pub fn check_packet(packet: &Packet, now: DateTime<Utc>) -> Vec<Violation> {
    // Without a header nothing below it can be missed: the reader has said what is.
    if packet.first("MessageHeader").is_none() {
        return Vec::new();
    }
    let mut violations = Vec::new();
    for rule in rows() {
        if let Judge::Packet(judge) = rule.judge {
            violations.extend(rule.violations(judge(packet, now)).take(VIOLATIONS_MAX));
        }
    }
    violations.extend(fields::check(packet, VIOLATIONS_MAX));
    violations.truncate(VIOLATIONS_MAX);
    violations
}

/// Faults told of one packet, by itself or by its parties: more help nobody, and cost more than the packet.
const VIOLATIONS_MAX: usize = 1000;

/// Judges the parties of a packet by what the directory knows.
pub fn check_parties(envelope: &Envelope, parties: &Parties) -> Vec<Violation> {
    let mut violations = Vec::new();
    for rule in rows() {
        if let Judge::Parties(judge) = rule.judge {
            violations.extend(rule.violations(judge(envelope, parties)));
        }
    }
    violations
}

/// What passes but deserves a look.
pub fn warnings(packet: &Packet) -> Vec<Violation> {
    let mut warnings = Vec::new();
    for rule in rows() {
        if let Judge::Warning(judge) = rule.judge {
            warnings.extend(rule.violations(judge(packet)));
        }
    }
    warnings
}

/// Makes the violation of a rule by its code, with the particulars that its row names. A code without a row
/// gives a violation that says so: the answer to a sender must not fail for want of words.
pub fn violation(code: &str, place: &str, particulars: &[&str]) -> Violation {
    if let Some(rule) = row(code) {
        return rule.violation(place, particulars);
    }
    if let Some(rule) = fields::of_code(code) {
        let actual = particulars.first().map(|actual| rule::shown(actual)).unwrap_or_default();
        return rule.violation(place, &Wording { vi: actual.clone(), en: actual });
    }
    let unlisted = Rule::new("", Class::NotToStandard, Judge::Reader)
        .cause("Gói tin không theo quy định.", "The packet is not to the standard.")
        .remedy("Liên hệ đơn vị vận hành.", "Ask the operator.");
    Violation { code: code.to_owned(), ..unlisted.violation(place, particulars) }
}
