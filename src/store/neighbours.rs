//! What a neighbouring hub is known by beside its address: its keys and certificates; and the receipts that it signed. Not
//! here: where it is reached (`endpoints`).

use super::connection::{on_each, on_packets};
use super::schema::{endpoints, neighbour_keys, neighbour_receipts};
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::endpoint::EndpointKind;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// By what a neighbour is known; each empty where the operator gave none.
#[derive(Debug, Clone, Default, PartialEq, Eq, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = neighbour_keys)]
pub struct NeighbourKeys {
    /// Its name.
    pub neighbour: String,
    /// The key of its ledger, `name+id+key`.
    pub ledger_key: String,
    /// Its key as a witness, `name+id+key`.
    pub witness_key: String,
    /// Its certificates, or those of who issued them (PEM). Without any, its receipts are not asked for.
    pub certificates: String,
}

/// A receipt that a neighbour signed for what it was brought.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = neighbour_receipts)]
pub struct NeighbourReceiptRow {
    /// The delivery here.
    pub delivery_id: String,
    /// Who signed it.
    pub neighbour: String,
    /// When it came, UTC.
    pub received_at: NaiveDateTime,
    /// The signed text.
    pub xml: String,
}

/// By what a neighbour is known, if an operator ever said so.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, neighbour: &str) -> Result<Option<NeighbourKeys>, StoreError> {
    Ok(on_packets!(tx, c => neighbour_keys::table
        .filter(neighbour_keys::neighbour.eq(neighbour))
        .select(NeighbourKeys::as_select())
        .get_result(c)
        .optional())?)
}

/// By what each neighbour is known and where it is reached.
///
/// # Errors
/// `Statement`.
pub fn list(tx: &mut Connection) -> Result<Vec<(NeighbourKeys, String)>, StoreError> {
    let reached: Vec<(String, String, Option<NeighbourKeys>)> = on_packets!(tx, c => endpoints::table
        .left_join(neighbour_keys::table.on(neighbour_keys::neighbour.eq(endpoints::holder)))
        .filter(endpoints::kind.eq(EndpointKind::Relay.word()))
        .order(endpoints::holder.asc())
        .select((endpoints::holder, endpoints::url, Option::<NeighbourKeys>::as_select()))
        .load(c))?;
    let known = |(neighbour, url, keys): (String, String, Option<NeighbourKeys>)| {
        (keys.unwrap_or_else(|| NeighbourKeys { neighbour, ..NeighbourKeys::default() }), url)
    };
    Ok(reached.into_iter().map(known).collect())
}

/// Keeps by what a neighbour is known, in place of what was before.
///
/// # Errors
/// `Statement`.
pub fn set(tx: &mut Connection, keys: &NeighbourKeys) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(neighbour_keys::table)
        .values(keys)
        .on_conflict(neighbour_keys::neighbour)
        .do_update()
        .set(keys)
        .execute(c))?;
    Ok(())
}

/// Forgets by what a neighbour is known.
///
/// # Errors
/// `Statement`.
pub fn remove(tx: &mut Connection, neighbour: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::delete(neighbour_keys::table
        .filter(neighbour_keys::neighbour.eq(neighbour)))
        .execute(c))?;
    Ok(())
}

/// Keeps the receipts of deliveries; the first one of each stays.
///
/// # Errors
/// `Statement`.
pub fn keep_receipts(tx: &mut Connection, rows: &[NeighbourReceiptRow]) -> Result<(), StoreError> {
    let _: Vec<usize> = on_each!(tx, execute, rows, row => diesel::insert_into(neighbour_receipts::table)
        .values(row)
        .on_conflict_do_nothing())?;
    Ok(())
}

/// The receipt of a delivery.
///
/// # Errors
/// `Statement`.
pub fn receipt(tx: &mut Connection, delivery_id: &str) -> Result<Option<String>, StoreError> {
    Ok(on_packets!(tx, c => neighbour_receipts::table
        .filter(neighbour_receipts::delivery_id.eq(delivery_id))
        .select(neighbour_receipts::xml)
        .get_result(c)
        .optional())?)
}

/// Receipts of deliveries, by delivery.
///
/// # Errors
/// `Statement`.
pub fn receipts(tx: &mut Connection, delivery_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    let mut found: HashMap<String, String> = HashMap::new();
    for some in delivery_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => neighbour_receipts::table
            .filter(neighbour_receipts::delivery_id.eq_any(some))
            .select((neighbour_receipts::delivery_id, neighbour_receipts::xml))
            .load::<(String, String)>(c))?);
    }
    Ok(found)
}
