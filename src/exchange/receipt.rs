//! Receipts, computed from rows that never change: asking again gives the same.

use super::accept::{LineOutcome, Receipt, ReceiptLine};
use crate::domain::agency::AgencyCode;
use crate::domain::rules::Violation;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{EnvelopeRow, digest_of};
use crate::store::{Connection, StoreError, envelopes};

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

/// What its sender was told of a delivery at acceptance.
pub(super) fn outcome_of(line: &DeliveryRow) -> LineOutcome {
    match line.outcome.as_str() {
        "withdrawn" => LineOutcome::Withdrawn,
        "pending" => LineOutcome::Pending,
        _ => LineOutcome::Consigned,
    }
}
