//! How an accepted packet is handed on to one recipient: put at its disposal for pick-up, or put in line to be
//! pushed to its endpoint or to the neighbouring hub that it is behind.

use super::announce::{self, Moment};
use super::register::Case;
use super::routes::Way;
use crate::domain::delivery::DeliveryState;
use crate::domain::envelope::Urgency;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::lane::Lane;
use crate::store::deliveries::{DeliveryRow, NaturalKey, NewDelivery};
use crate::store::envelopes::EnvelopeRow;
use crate::store::pushes::PushRow;
use crate::store::relays::Came;
use crate::store::{Connection, StoreError, deliveries, pushes};
use chrono::{DateTime, Utc};
use serde_json::json;

/// When deliveries are made and are to begin.
pub(super) struct Making<'a> {
    pub(super) moment: Moment<'a>,
    /// When a push is due for the first time; its term begins then.
    pub(super) due_at: DateTime<Utc>,
    /// What the neighbouring hub said that brought the packet, if one did.
    pub(super) came: Option<Came>,
}

impl Case {
    /// What noting that something happened to it needs.
    pub(super) fn moment(&self) -> Moment<'_> {
        Moment { ids: self.ids, now: self.now, schedules: &self.schedules }
    }

    /// How its deliveries are made: at once.
    pub(super) fn making(&self) -> Making<'_> {
        Making { moment: self.moment(), due_at: self.now, came: self.relay.as_ref().map(|head| head.came.clone()) }
    }
}

/// Makes the delivery of an envelope to one recipient by its way.
pub(super) fn hand_on(
    tx: &mut Connection,
    making: &Making<'_>,
    row: &EnvelopeRow,
    (key, way): (NaturalKey, Way),
) -> Result<DeliveryRow, StoreError> {
    let (state, via) = match &way {
        Way::Pickup => (DeliveryState::Consigned, None),
        Way::Push(to) => (DeliveryState::Pending, to.neighbour().map(str::to_owned)),
    };
    let moment = making.moment;
    let (delivery_id, envelope_id) = (moment.ids.next(), row.envelope_id.clone());
    let new = NewDelivery { delivery_id, envelope_id, key, state, via, came: making.came.clone() };
    let made = deliveries::insert(tx, new, moment.now)?;
    match way {
        Way::Pickup => {
            let facts = json!({ "sha256": hex::encode(&row.payload_sha256), "kind": row.packet_kind });
            let event = EvidenceEvent::ContentConsignment;
            let piece = made.evidence(event, moment.now, row.system_id.as_deref(), &facts);
            announce::append(tx, moment, &made, &piece)?;
        }
        Way::Push(to) => {
            let lane = Lane::of(row.is_document(), Urgency::of_number(&row.urgency.to_string()));
            let expires_at = moment.schedules.packets.expires_at(lane, making.due_at);
            pushes::insert(tx, &[PushRow::of_delivery(&made, &to, lane, (making.due_at, expires_at))])?;
        }
    }
    Ok(made)
}
