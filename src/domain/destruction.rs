//! What a certificate of destruction says: which contents went, by whose decision. Its list has the form of a daily statement's
//! (`statement`). Not here: how it is made and signed (`exchange::purge`), how it is verified (`exchange::verify`).

use super::packet::Digest;
use super::statement::{number, read};
use serde::{Deserialize, Serialize};

/// Name of the format of files.
pub const FORM: &str = "docaxis-destruction/1";

/// A packet whose content was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its envelope.
    pub envelope_id: String,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// Code of the sender.
    pub sender: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub kind: String,
    /// When it was accepted, +07:00.
    pub accepted_at: String,
    /// When the last of its deliveries ended.
    pub ended_at: String,
    /// Its class.
    pub class: String,
    /// Until when that kept it.
    pub kept_until: String,
    /// By what law or agreement, in Vietnamese.
    pub basis_vi: String,
    /// The same in English.
    pub basis_en: String,
    /// When it was destroyed.
    pub destroyed_at: String,
}

/// An archive that was destroyed, since a content in it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveLine {
    /// The archive.
    pub archive_id: String,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// When it was destroyed, +07:00.
    pub destroyed_at: String,
}

/// Somebody who decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decider {
    /// Its id.
    pub user_id: String,
    /// Its name.
    pub name: String,
    /// When.
    pub at: String,
}

/// What the evidence of a destruction that is over says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The purge.
    pub purge_id: String,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: Decider,
    /// Who agreed.
    pub approved_by: Decider,
    /// How many contents were destroyed.
    pub packets: u64,
    /// Bytes of all.
    pub bytes: u64,
    /// How many that had been agreed on were kept after all.
    pub kept: u64,
    /// How many archives that held some of them were destroyed too; not written where there were none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub archives: u64,
    /// SHA-256 of the list, in hexadecimal.
    pub list: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Facts {
    /// What a list names, packets and then archives, if it is the one that was sealed: its digest, its order, its numbers and its
    /// bytes; and two persons decided.
    pub fn told(&self, text: &str) -> Option<(Vec<Line>, Vec<ArchiveLine>)> {
        let packets = usize::try_from(self.packets).ok()?;
        let (packets, archives) =
            text.split_at_checked(text.split_inclusive('\n').take(packets).map(str::len).sum())?;
        let (packets, archives) = (read::<Line>(packets)?, read::<ArchiveLine>(archives)?);
        let bytes = packets.iter().map(|line| line.bytes).fold(0, u64::saturating_add);
        let holds = self.proposed_by.user_id != self.approved_by.user_id
            && packets.is_sorted_by(|a, b| a.envelope_id < b.envelope_id)
            && archives.is_sorted_by(|a, b| a.archive_id < b.archive_id)
            && (number(packets.len()), number(archives.len())) == (self.packets, self.archives)
            && bytes == self.bytes
            && Digest::of(text.as_bytes()).hex() == self.list;
        holds.then_some((packets, archives))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::statement::list;

    fn line(envelope_id: &str) -> Line {
        let text = |text: &str| text.to_owned();
        Line {
            envelope_id: text(envelope_id),
            sha256: text("ab"),
            bytes: 7,
            sender: text("X99.A01"),
            document_id: text("d1"),
            kind: text("new"),
            accepted_at: text("a"),
            ended_at: text("b"),
            class: text("general"),
            kept_until: text("c"),
            basis_vi: text("luật"),
            basis_en: text("law"),
            destroyed_at: text("d"),
        }
    }

    fn archive(archive_id: &&str) -> ArchiveLine {
        let text = |text: &str| text.to_owned();
        ArchiveLine { archive_id: text(archive_id), sha256: text("cd"), bytes: 9, destroyed_at: text("d") }
    }

    #[test]
    fn only_the_very_list_is_told() {
        let text = list(&[line("a"), line("b")]);
        let by = |name: &str| Decider { user_id: name.to_owned(), name: name.to_owned(), at: String::new() };
        let facts = Facts {
            purge_id: "p".to_owned(),
            reason: "r".to_owned(),
            proposed_by: by("one"),
            approved_by: by("two"),
            packets: 2,
            bytes: 14,
            kept: 0,
            archives: 0,
            list: Digest::of(text.as_bytes()).hex(),
        };
        assert!(facts.told(&text).is_some());
        assert!(!serde_json::to_string(&facts).unwrap().contains("archives"), "as certificates of before");
        for other in [list(&[line("a")]), list(&[line("b"), line("a")]), text.replace("general", "status")] {
            assert!(facts.told(&other).is_none(), "{other}");
        }
        let backwards = list(&[line("b"), line("a")]);
        let of = |text: &str, archives| Facts { list: Digest::of(text.as_bytes()).hex(), archives, ..facts.clone() };
        assert!(of(&backwards, 0).told(&backwards).is_none(), "in order");
        let text = |archives: &[&str]| {
            list(&[line("a"), line("b")]) + &list(&archives.iter().map(archive).collect::<Vec<_>>())
        };
        let two = text(&["c", "d"]);
        let (packets, archives) = of(&two, 2).told(&two).unwrap();
        assert_eq!((packets.len(), archives[1].archive_id.as_str()), (2, "d"));
        assert!(of(&two, 1).told(&two).is_none() && of(&two, 0).told(&two).is_none(), "all of them");
        assert!(of(&text(&["d", "c"]), 2).told(&text(&["d", "c"])).is_none(), "in order");
    }
}
