//! What is asked of packets before their contents may go. Nothing here changes anything.

use super::connection::on_packets;
use super::envelopes::EnvelopeRow;
use super::schema::{deliveries, document_links, envelopes, evidence, failures, payloads, status_reports, unsealed};
use super::{Connection, IDS_MAX, StoreError};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// Packets that have their contents, after one of them, in the order of ids, which is about that of acceptance.
///
/// # Errors
/// `Statement`.
pub fn page(tx: &mut Connection, after: &str, limit: i64) -> Result<Vec<EnvelopeRow>, StoreError> {
    Ok(on_packets!(tx, c => payloads::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(payloads::envelope_id)))
        .filter(payloads::envelope_id.gt(after))
        .order(payloads::envelope_id.asc())
        .limit(limit)
        .select(EnvelopeRow::as_select())
        .load(c))?)
}

/// Which of these packets have their contents, and whether in files.
///
/// # Errors
/// `Statement`.
pub fn there(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashMap<String, bool>, StoreError> {
    let found: Vec<(String, bool)> = on_packets!(tx, c => payloads::table
        .filter(payloads::envelope_id.eq_any(envelope_ids))
        .select((payloads::envelope_id, payloads::content.is_null()))
        .load(c))?;
    Ok(found.into_iter().collect())
}

/// Which of these deliveries failed and were not mended.
///
/// # Errors
/// `Statement`.
pub fn failed(tx: &mut Connection, delivery_ids: &[&str]) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for some in delivery_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => failures::table
            .filter(failures::delivery_id.eq_any(some))
            .select(failures::delivery_id)
            .load::<String>(c))?);
    }
    Ok(found)
}

/// Packets and deliveries of which evidence waits to be sealed.
///
/// # Errors
/// `Statement`.
pub fn unsealed_of(tx: &mut Connection) -> Result<HashSet<String>, StoreError> {
    let rows: Vec<(Option<String>, Option<String>)> = on_packets!(tx, c => unsealed::table
        .inner_join(evidence::table.on(evidence::evidence_id.eq(unsealed::evidence_id)))
        .select((evidence::envelope_id, evidence::delivery_id))
        .load(c))?;
    Ok(rows.into_iter().flat_map(|(envelope, delivery)| [envelope, delivery]).flatten().collect())
}

/// Which of these packets ask a document back from somebody who has not answered.
///
/// # Errors
/// `Statement`.
pub fn asking_back(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashSet<String>, StoreError> {
    let by_document: Vec<String> = on_packets!(tx, c => document_links::table
        .inner_join(deliveries::table.on(deliveries::document_id
            .eq(document_links::target_document_id)
            .and(deliveries::sender_code.eq(document_links::target_sender_code))))
        .filter(document_links::envelope_id.eq_any(envelope_ids))
        .filter(deliveries::recall.eq("requested"))
        .select(document_links::envelope_id)
        .load(c))?;
    let by_status: Vec<String> = on_packets!(tx, c => status_reports::table
        .inner_join(deliveries::table.on(deliveries::delivery_id.eq(status_reports::delivery_id)))
        .filter(status_reports::envelope_id.eq_any(envelope_ids))
        .filter(deliveries::recall.eq("requested"))
        .select(status_reports::envelope_id)
        .load(c))?;
    Ok(by_document.into_iter().chain(by_status).collect())
}
