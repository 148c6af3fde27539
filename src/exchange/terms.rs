//! The end of waiting: packets at the disposal of agencies that did not fetch them within their term. Their senders are
//! told (`notify`), and an operator can start them anew (`controls`). Not here: pushes, which end by the dispatcher (`settle`).

use super::advance::{Advance, advance};
use super::announce::Moment;
use super::{ExchangeError, rows};
use crate::config;
use crate::domain::delivery::Step;
use crate::domain::envelope::Urgency;
use crate::domain::lane::Lane;
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::{Connection, StoreError, deliveries};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use std::sync::Arc;

/// Deliveries given up in one transaction.
const AT_ONCE: usize = 200;
/// Deliveries looked up at once.
const FOUND_AT_ONCE: usize = 5000;

/// Gives up what nobody fetched in time: negative evidence, and the delivery has failed. Answers how many there were.
///
/// # Errors
/// `Store`.
pub async fn give_up_unfetched(hub: &Hub) -> Result<usize, ExchangeError> {
    let terms = config::numbers(&hub.config.pickup.terms_days).unwrap_or_default();
    let now = hub.clock.now();
    let mut given_up: usize = 0;
    for (lane, days) in Lane::ALL.into_iter().zip(terms) {
        let term = i64::try_from(days).ok().and_then(TimeDelta::try_days);
        let Some(before) = term.and_then(|term| now.checked_sub_signed(term)) else { continue };
        loop {
            // Found by who only reads: nothing else is held up by the search.
            let found = hub.store.read(move |tx| unfetched(tx, lane, before)).await?;
            for some in found.chunks(AT_ONCE) {
                let (some, ids, schedules) = (some.to_vec(), hub.ids, Arc::clone(&hub.schedules));
                let done = hub.store.write(move |tx| give_up(tx, &some, Moment { ids, now, schedules: &schedules }));
                given_up = given_up.saturating_add(done.await?);
            }
            if found.len() < FOUND_AT_ONCE {
                break;
            }
        }
    }
    Ok(given_up)
}

fn unfetched(tx: &mut Connection, lane: Lane, before: DateTime<Utc>) -> Result<Vec<DeliveryRow>, StoreError> {
    let is_status = lane == Lane::Status;
    let urgencies = ["0", "1", "2", "3", "4"].map(Urgency::of_number);
    let urgencies = urgencies.into_iter().filter(|urgency| Lane::of(!is_status, *urgency) == lane);
    let urgencies: Vec<i32> = urgencies.map(Urgency::number).collect();
    deliveries::unfetched(tx, (is_status, &urgencies), before, rows(FOUND_AT_ONCE))
}

/// What was fetched, withdrawn or given up since it was found stays as it is.
fn give_up(tx: &mut Connection, found: &[DeliveryRow], moment: Moment<'_>) -> Result<usize, StoreError> {
    let facts = json!({ "channel": "pickup", "why": "expired" });
    let steps: Vec<Advance<'_>> =
        found.iter().map(|row| Advance { row, step: Step::GiveUp, note: "", facts: &facts }).collect();
    advance(tx, &steps, moment)?;
    Ok(found.len())
}
