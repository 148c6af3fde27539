//! Reconciliations: what differed, as it was sealed. None is ever changed.

use super::connection::on_packets;
use super::schema::{deliveries, reconciliations, status_reports};
use super::{Connection, StoreError};
use diesel::prelude::*;

/// A reconciliation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = reconciliations)]
pub struct ReconciliationRow {
    /// The evidence of it.
    pub evidence_id: String,
    /// Code of the agency whose list it was.
    pub agency_code: String,
    /// What differed.
    pub list: String,
}

/// Adds one.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &ReconciliationRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(reconciliations::table).values(row).execute(c))?;
    Ok(())
}

/// The one of that evidence.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, evidence_id: &str) -> Result<Option<ReconciliationRow>, StoreError> {
    Ok(on_packets!(tx, c => reconciliations::table
        .filter(reconciliations::evidence_id.eq(evidence_id))
        .select(ReconciliationRow::as_select())
        .get_result(c)
        .optional())?)
}

/// What a recipient told of documents that a sender sent it: the document and the status of each report, the newest last.
///
/// # Errors
/// `Statement`.
pub fn statuses(
    tx: &mut Connection,
    (sender_code, recipient_code): (&str, &str),
    document_ids: &[&str],
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .inner_join(status_reports::table.on(status_reports::delivery_id.eq(deliveries::delivery_id)))
        .filter(deliveries::document_id.eq_any(document_ids))
        .filter(deliveries::sender_code.eq(sender_code))
        .filter(deliveries::recipient_code.eq(recipient_code))
        .filter(status_reports::reporter_code.eq(recipient_code))
        .order((status_reports::envelope_id.asc(), status_reports::delivery_id.asc()))
        .select((deliveries::document_id, status_reports::status_code))
        .load(c))?)
}
