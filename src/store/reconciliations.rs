//! Reconciliations: what differed, as it was sealed. None is ever changed.

use super::connection::on_packets;
use super::schema::reconciliations;
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
