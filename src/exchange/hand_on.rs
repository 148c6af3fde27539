//! How an accepted packet is handed on to one recipient: put at its disposal for pick-up, or put in line to be pushed.

use super::register::{Case, append};
use crate::domain::agency::Channel;
use crate::domain::delivery::DeliveryState;
use crate::domain::envelope::Urgency;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::lane::Lane;
use crate::store::deliveries::{DeliveryRow, NaturalKey, NewDelivery};
use crate::store::envelopes::EnvelopeRow;
use crate::store::pushes::PushRow;
use crate::store::{Connection, StoreError, deliveries, pushes};

/// Makes the delivery of an envelope to one recipient by its channel.
pub(super) fn hand_on(
    tx: &mut Connection,
    case: &Case,
    row: &EnvelopeRow,
    (key, channel): (NaturalKey, Channel),
) -> Result<DeliveryRow, StoreError> {
    let state = match channel {
        Channel::Pickup => DeliveryState::Consigned,
        Channel::Push => DeliveryState::Pending,
    };
    let new = NewDelivery { delivery_id: case.ids.next(), envelope_id: row.envelope_id.clone(), key, state };
    let made = deliveries::insert(tx, new, case.now)?;
    match channel {
        Channel::Pickup => append(tx, case, EvidenceEvent::ContentConsignment, row, Some(&made))?,
        Channel::Push => {
            let lane = Lane::of(row.is_document(), Urgency::of_number(&row.urgency.to_string()));
            let expires_at = case.schedule.expires_at(lane, case.now);
            pushes::insert(tx, &PushRow::new(&made, lane, (case.now, expires_at)))?;
        }
    }
    Ok(made)
}
