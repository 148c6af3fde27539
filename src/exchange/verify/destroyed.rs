//! Contents that an archive does not have any more: the notes in their places, held against the capsules behind them and, where
//! the archive has it, the evidence of the destruction.

use super::{Flaw, Report, fact};
use crate::domain::dates::{for_machines, for_people, timestamp};
use crate::domain::destruction::Line;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::receipt::Record;
use crate::exchange::capsule::Capsule;

/// Notes that are named one by one; of more only the number is told.
const NAMED_MAX: usize = 1_000;

/// Longest note; the hub's own have a few hundred bytes.
const NOTE_BYTES_MAX: usize = 16 * 1024;

/// What stands in the place of a content.
struct Note {
    line: Line,
    /// Whether evidence in the archive says the same.
    has_evidence: bool,
}

/// The notes of an archive.
#[derive(Default)]
pub(super) struct Notes {
    /// How many there are.
    pub(super) number: u64,
    with_evidence: u64,
    named: Vec<Note>,
    /// The one met last.
    last: Option<Note>,
}

/// Whether a member stands in the place of a content.
pub(super) fn is_note(name: &str) -> bool {
    envelope_of(name).is_some()
}

fn envelope_of(name: &str) -> Option<&str> {
    name.strip_prefix("packets/")?.strip_suffix(".destroyed.json")
}

impl Notes {
    /// Takes the next one; says whether it is one, and that of the packet whose name it has.
    pub(super) fn take(&mut self, name: &str, content: Option<&[u8]>) -> bool {
        self.number = self.number.saturating_add(1);
        self.put_away();
        let line = content
            .filter(|content| content.len() <= NOTE_BYTES_MAX)
            .and_then(|content| serde_json::from_slice::<Line>(content).ok());
        let line = line.filter(|line| envelope_of(name) == Some(&line.envelope_id));
        self.last = line.map(|line| Note { line, has_evidence: false });
        self.last.is_some()
    }

    /// What was met last is whole once the next one comes, or the end.
    fn put_away(&mut self) {
        let Some(note) = self.last.take() else { return };
        self.with_evidence = self.with_evidence.saturating_add(u64::from(note.has_evidence));
        if self.named.len() < NAMED_MAX {
            self.named.push(note);
        }
    }

    /// Compares a capsule with the note met last, if it is of that packet.
    pub(super) fn compare(&mut self, content: &[u8]) -> Option<Flaw> {
        let note = self.last.as_mut()?;
        let capsule: Capsule = serde_json::from_slice(content).ok()?;
        if capsule.envelope_id != note.line.envelope_id {
            return None;
        }
        if (&capsule.sha256, capsule.bytes) != (&note.line.sha256, note.line.bytes) {
            return Some(Flaw::OtherPacket);
        }
        let mut records = capsule.evidence.iter().map(|piece| &piece.record);
        let told = records.find(|record| record.event == EvidenceEvent::PacketDestroyed.name())?;
        note.has_evidence = is_told(&note.line, told);
        (!note.has_evidence).then_some(Flaw::OtherDestruction)
    }

    /// Tells how many contents were destroyed, and which, when, by what law.
    pub(super) fn tell(mut self, report: &mut Report) {
        self.put_away();
        if self.number == 0 {
            return;
        }
        let Self { number, with_evidence, named, .. } = self;
        report.tells.push(format!(
            "{number} nội dung đã tiêu hủy, {with_evidence} có bằng chứng trong gói / contents destroyed, {with_evidence} of them with evidence in the archive"
        ));
        for Note { line, has_evidence } in named {
            let at = timestamp(&line.destroyed_at).map(for_people).unwrap_or_default();
            let Line { envelope_id, document_id, basis_vi, basis_en, .. } = line;
            let sealed = if has_evidence {
                "có bằng chứng / with evidence"
            } else {
                "không có bằng chứng trong gói: đối chiếu với chứng nhận tiêu hủy / no evidence of it in the archive: hold it against the certificate of destruction"
            };
            report.tells.push(format!(
                "đã tiêu hủy / destroyed: {envelope_id} · {document_id} · {at} · {basis_vi} / {basis_en} · {sealed}"
            ));
            report.destroyed.push(envelope_id);
        }
    }
}

/// Whether a record of a destruction says what a note says.
fn is_told(line: &Line, record: &Record) -> bool {
    let facts = [
        ("sha256", &line.sha256),
        ("bytes", &line.bytes.to_string()),
        ("class", &line.class),
        ("ended_at", &line.ended_at),
        ("kept_until", &line.kept_until),
    ];
    let is_same = facts.into_iter().all(|(name, said)| fact(record, name).as_ref() == Some(said));
    is_same && for_machines(record.at) == line.destroyed_at
}
