//! Signed receipts as they were handed out, and the certificates under which they were signed. Neither is ever changed.

use super::connection::{on_packets, with_rows};
use super::schema::{certificates, receipts};
use super::{Connection, IDS_MAX, StoreError};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// A receipt as it was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = receipts)]
pub struct ReceiptRow {
    /// The evidence that it tells.
    pub evidence_id: String,
    /// The certificate under which it was signed.
    pub certificate_id: String,
    /// When, UTC.
    pub signed_at: NaiveDateTime,
    /// The signed text.
    pub xml: String,
}

/// A certificate under which receipts were signed.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = certificates)]
pub struct CertificateRow {
    /// SHA-256 of its bytes, in hexadecimal.
    pub certificate_id: String,
    /// Whose it is.
    pub subject: String,
    /// From when it holds, UTC.
    pub begins_at: NaiveDateTime,
    /// Until when, UTC.
    pub ends_at: NaiveDateTime,
    /// Its bytes.
    pub der: Vec<u8>,
}

/// The receipts of pieces of evidence, by the ids of these, as far as they were signed.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, evidence_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    let mut found: HashMap<String, String> = HashMap::new();
    if let [one] = evidence_ids {
        // SQLite reads a statement with a list of values anew each time.
        let kept: Option<String> = on_packets!(tx, c => receipts::table
            .filter(receipts::evidence_id.eq(one))
            .select(receipts::xml)
            .get_result(c)
            .optional())?;
        found.extend(kept.map(|xml| ((*one).to_owned(), xml)));
        return Ok(found);
    }
    for some in evidence_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => receipts::table
            .filter(receipts::evidence_id.eq_any(some))
            .select((receipts::evidence_id, receipts::xml))
            .load::<(String, String)>(c))?);
    }
    Ok(found)
}

/// Keeps receipts with their certificate, but for those that were signed by another node first. Answers how many it kept.
///
/// # Errors
/// `Statement`.
pub fn keep(tx: &mut Connection, receipts: &[ReceiptRow], certificate: &CertificateRow) -> Result<usize, StoreError> {
    on_packets!(tx, c => diesel::insert_into(certificates::table).values(certificate).on_conflict_do_nothing().execute(c))?;
    Ok(with_rows!(tx, receipts, some => diesel::insert_into(receipts::table).values(some).on_conflict_do_nothing()))
}

/// Every certificate under which a receipt was signed.
///
/// # Errors
/// `Statement`.
pub fn certificates(tx: &mut Connection) -> Result<Vec<Vec<u8>>, StoreError> {
    Ok(on_packets!(tx, c => certificates::table
        .order(certificates::certificate_id.asc())
        .select(certificates::der)
        .load(c))?)
}
