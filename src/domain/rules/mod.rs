//! May a packet pass? One row and one function per rule; every violation is reported, not the first.
//! `check_packet` looks at the packet alone, `check_parties` at what the directory knows of its parties.

pub mod secrecy;

use super::agency::{Agency, AgencyCode, OrganId};
use super::envelope::Envelope;
use super::packet::Packet;
use chrono::{DateTime, Utc};

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Vietnamese, with diacritics.
    pub vi: String,
    /// English.
    pub en: String,
}

/// The numeric class that old clients know (spec/edxml.md section 5.5).
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

/// What the directory knows about an organ id of the packet.
#[derive(Debug, Clone)]
pub struct Party {
    /// As written.
    pub organ_id: OrganId,
    /// The agency it leads to, when known.
    pub agency: Option<Agency>,
}

/// What the store knows about the parties and documents of a packet.
#[derive(Debug, Clone, Default)]
pub struct Parties {
    /// The sender and whether the calling system holds it.
    pub sender: Option<(Party, bool)>,
    /// Every addressee, in the packet's order.
    pub recipients: Vec<Party>,
    /// Receivers named by an update, in the packet's order.
    pub receivers: Vec<Party>,
}

/// Judges the packet by itself.
pub fn check_packet(packet: &Packet, now: DateTime<Utc>) -> Vec<Violation> {
    let _ = (packet, now);
    Vec::new()
}

/// Judges the parties of a packet by what the directory knows.
pub fn check_parties(envelope: &Envelope, parties: &Parties) -> Vec<Violation> {
    let _ = (envelope, parties);
    Vec::new()
}

/// Makes the violation of a rule outside the element table by its code, with the particulars its texts mention.
pub fn violation(code: &str, place: &str, particulars: &[&str]) -> Violation {
    let _ = particulars;
    Violation {
        code: code.to_owned(),
        class: Class::NotToStandard,
        place: place.to_owned(),
        cause: Wording { vi: String::new(), en: String::new() },
        remedy: Wording { vi: String::new(), en: String::new() },
        retry: false,
    }
}

/// Successor named by a closed agency.
pub fn successor(agency: &Agency) -> Option<&AgencyCode> {
    agency.successor.as_ref()
}
