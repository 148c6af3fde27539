//! Receipts, computed from rows that never change: asking again gives the same; and the evidence of an acceptance, which seals
//! what they tell.

use super::accept::{LineOutcome, Receipt, ReceiptLine};
use super::register::{Case, name_person};
use crate::domain::agency::AgencyCode;
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::receipt::{Recipient, recipients_digest, words_digest};
use crate::domain::rules::{self, Violation};
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{EnvelopeRow, digest_of};
use crate::store::{Connection, StoreError, envelopes, evidence};
use serde_json::json;

/// The receipt of then: that of the newest envelope among those that made these deliveries.
pub(super) fn of_before(
    tx: &mut Connection,
    before: &[DeliveryRow],
    warnings: &[Violation],
) -> Result<Receipt, StoreError> {
    let newest = before.iter().map(|line| line.envelope_id.as_str()).max().unwrap_or_default();
    let Some(row) = envelopes::find(tx, newest)? else {
        return Err(StoreError::Missing("envelopes"));
    };
    Ok(of(row, before, warnings))
}

/// The receipt of some deliveries; the envelope is the newest among theirs.
pub(super) fn of(row: EnvelopeRow, lines: &[DeliveryRow], warnings: &[Violation]) -> Receipt {
    let mut lines: Vec<ReceiptLine> = lines
        .iter()
        .map(|line| ReceiptLine {
            recipient: AgencyCode(line.recipient_code.clone()),
            outcome: outcome_of(line),
            delivery_id: line.delivery_id.clone(),
        })
        .collect();
    lines.sort_by(|a, b| a.delivery_id.cmp(&b.delivery_id));
    Receipt {
        kind: if row.is_document() { "document" } else { "status" },
        accepted_at: row.accepted_at.and_utc(),
        sha256: digest_of(&row.payload_sha256),
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        sender: AgencyCode(row.sender_code),
        document_id: row.document_id,
        envelope_id: row.envelope_id,
        lines,
        warnings: warnings.to_vec(),
    }
}

/// A delivery as receipts tell it.
pub(super) fn recipient(row: &DeliveryRow) -> Recipient {
    Recipient {
        agency: row.recipient_code.clone(),
        delivery_id: row.delivery_id.clone(),
        outcome: outcome_of(row).word().to_owned(),
    }
}

/// What its sender was told of a delivery at acceptance.
pub(super) fn outcome_of(line: &DeliveryRow) -> LineOutcome {
    match line.outcome.as_str() {
        "withdrawn" => LineOutcome::Withdrawn,
        "pending" => LineOutcome::Pending,
        _ => LineOutcome::Consigned,
    }
}

/// Evidence of the acceptance itself, with digests of all that its receipt tells beside: the words and the recipients.
pub(super) fn note_acceptance(
    tx: &mut Connection,
    case: &Case,
    (evidence_id, row): (&str, &EnvelopeRow),
    lines: &[DeliveryRow],
) -> Result<(), StoreError> {
    let words = words_digest([&row.packet_kind, &row.document_id, &row.code(), &row.subject]);
    let recipients: Vec<Recipient> = lines.iter().map(recipient).collect();
    let mut facts = json!({
        "sha256": hex::encode(&row.payload_sha256), "kind": row.packet_kind, "bytes": row.bytes,
        "document_id": row.document_id, "door": case.door.word(), "rules": rules::EDITION,
        "words": words.hex(), "recipients": recipients_digest(recipients.iter().map(Recipient::sealed)).hex(),
    });
    name_person(&mut facts, case.user_id());
    let piece = Evidence {
        event: EvidenceEvent::SubmissionAcceptance,
        at: case.now,
        envelope_id: Some(row.envelope_id.clone()),
        delivery_id: None,
        agency: Some(row.sender_code.clone()),
        system_id: row.system_id.clone(),
        facts: facts.to_string(),
    };
    evidence::append(tx, evidence_id, &piece)
}
