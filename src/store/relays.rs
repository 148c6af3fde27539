//! What is known of deliveries that come from a neighbouring hub or go to one. Not here: their rows (`deliveries`), where
//! routes lead (`routes`).

use super::connection::on_packets;
use super::deliveries::DeliveryRow;
use super::schema::{deliveries, pushes};
use super::{Connection, StoreError};
use crate::domain::endpoint::EndpointId;
use diesel::prelude::*;

/// What a neighbouring hub said of a delivery that it brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Came {
    /// See `DeliveryRow::hops`.
    pub hops: String,
    /// See `DeliveryRow::came_as`.
    pub came_as: String,
}

impl DeliveryRow {
    /// What the neighbouring hub said that brought it, if one did.
    pub fn came(&self) -> Option<Came> {
        let (hops, came_as) = self.hops.clone().zip(self.came_as.clone())?;
        Some(Came { hops, came_as })
    }
}

/// Keeps a delivery that a neighbour has from changing until this transaction ends. Says whether that neighbour has it.
///
/// # Errors
/// `Statement`.
pub fn hold_for(tx: &mut Connection, delivery_id: &str, neighbour: &str) -> Result<bool, StoreError> {
    let held = on_packets!(tx, c => diesel::update(deliveries::table)
        .filter(deliveries::delivery_id.eq(delivery_id))
        .filter(deliveries::via.eq(neighbour))
        .set(deliveries::via.eq(neighbour))
        .execute(c))?;
    Ok(held == 1)
}

/// Deliveries in line for a neighbour, with their recipients, in the order of ids after one.
///
/// # Errors
/// `Statement`.
pub fn waiting_for(
    tx: &mut Connection,
    neighbour: &str,
    (after, limit): (&str, i64),
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(on_packets!(tx, c => pushes::table
        .inner_join(deliveries::table.on(deliveries::delivery_id.eq(pushes::push_id)))
        .filter(pushes::endpoint_id.eq(EndpointId::relay(neighbour).to_string()))
        .filter(pushes::push_id.gt(after))
        .order(pushes::push_id.asc())
        .limit(limit)
        .select((pushes::push_id, deliveries::recipient_code))
        .load(c))?)
}

/// Puts deliveries that wait in line for another neighbour, but for those that are on their way or of which something may have
/// left already. Answers how many went.
///
/// # Errors
/// `Statement`.
pub fn redirect(tx: &mut Connection, ids: &[&str], neighbour: &str) -> Result<usize, StoreError> {
    let endpoint_id = EndpointId::relay(neighbour).to_string();
    on_packets!(tx, c => diesel::update(pushes::table)
        .filter(pushes::push_id.eq_any(ids))
        .filter(pushes::lease_owner.is_null())
        .filter(pushes::push_id.eq_any(deliveries::table
            .filter(deliveries::delivery_id.eq_any(ids))
            .filter(deliveries::fetched_at.is_null())
            .select(deliveries::delivery_id)))
        .set(pushes::endpoint_id.eq(&endpoint_id))
        .execute(c))?;
    let moved: Vec<String> = on_packets!(tx, c => pushes::table
        .filter(pushes::push_id.eq_any(ids))
        .filter(pushes::endpoint_id.eq(&endpoint_id))
        .select(pushes::push_id)
        .load(c))?;
    moved.iter().for_each(|id| tx.known.moved(id));
    on_packets!(tx, c => diesel::update(deliveries::table)
        .filter(deliveries::delivery_id.eq_any(&moved))
        .set(deliveries::via.eq(neighbour))
        .execute(c))?;
    Ok(moved.len())
}
