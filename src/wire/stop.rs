//! Why the reading of a packet stops before its end, and which violation that is.

use super::attachment::Trouble;
use super::wellformed::{Flaw, shortened};
use std::io;

/// Why reading stops before the end.
pub(super) enum Stop {
    /// A fault that makes the rest unreadable: code, place, particulars.
    Fault(&'static str, String, Vec<String>),
    /// A state-secret mark.
    Secret,
    /// Too many faults to list more.
    Enough,
    /// The bytes themselves, or the spool for a zip.
    Input(io::Error),
}

impl Stop {
    pub(super) fn limit(code: &'static str, place: String, limit: usize) -> Self {
        Self::Fault(code, place, vec![limit.to_string()])
    }

    pub(super) fn not_xml<T>(why: &str) -> Result<T, Self> {
        Err(Self::Fault("M.Packet.NotXml", String::new(), vec![why.to_owned()]))
    }
}

/// What makes bytes unreadable.
pub(super) fn flawed(flaw: Flaw) -> Stop {
    let (code, said) = match flaw {
        Flaw::NotXml(said) => ("M.Packet.NotXml", said),
        Flaw::Encoding(said) => ("M.Packet.Encoding", said),
        Flaw::Entity(name) => ("M.Packet.Entity", shortened(&name)),
        Flaw::Attributes => ("R.Packet.Attributes", String::new()),
    };
    Stop::Fault(code, String::new(), vec![said])
}

/// What makes content unreadable.
pub(super) fn troubled(trouble: Trouble) -> Stop {
    match trouble {
        Trouble::Flaw(flaw) => flawed(flaw),
        Trouble::Spool(error) => Stop::Input(error),
    }
}
