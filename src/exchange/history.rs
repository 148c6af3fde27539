//! A document's history: every piece of evidence that a party may see, in order, and what belongs to it on both sides.
//! How it stands now is told by `follow`.

use super::follow::LineageLink;
use super::prove::Sealed;
use super::viewer::Viewer;
use super::{Caller, ExchangeError, rows};
use crate::domain::evidence::EvidenceEvent;
use crate::hub::Hub;
use crate::store::envelopes::{EnvelopeRow, StatusRow};
use crate::store::evidence::{EvidenceRow, Openings, Placed, Share};
use crate::store::{Connection, StoreError, deliveries, envelopes, evidence, ledger, statements};
use chrono::{DateTime, Utc};
use std::collections::HashMap;

/// Something that happened to a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happening {
    /// The evidence of it.
    pub evidence_id: String,
    /// When, by the hub's clock.
    pub at: DateTime<Utc>,
    /// What.
    pub event: EvidenceEvent,
    /// On whose side.
    pub agency: Option<String>,
    /// To which delivery; nothing when to the packet as a whole.
    pub delivery_id: Option<String>,
    /// The packet that caused it: the document itself, or one that reports, recalls, updates or replaces.
    pub envelope_id: Option<String>,
    /// The status reported and its reason, where the event is a report.
    pub status: Option<(String, String)>,
    /// What the recipient's software said with a confirmation.
    pub note: String,
    /// The hub where it happened and when by its clock, where that is another one.
    pub elsewhere: Option<(String, String)>,
    /// SHA-256 of the receipt of the neighbouring hub that took the packet, in hexadecimal.
    pub neighbour_receipt: Option<String>,
    /// Who opened the content, by its id, and which attachment, where it was not the packet.
    pub opening: Option<(String, Option<i64>)>,
    /// Where the evidence stands in the ledger, once it is sealed.
    pub sealed: Option<Sealed>,
}

/// A page of a history, and the cursor of the next one.
#[derive(Debug, Clone)]
pub struct Pages<T> {
    /// The rows.
    pub items: Vec<T>,
    /// After what the next page begins; nothing on the last.
    pub next: Option<String>,
}

/// On which side of a document another one stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// This document acts on the other one.
    ActsOn,
    /// The other one acts on this.
    ActedOnBy,
}

/// The envelope of an id of its own or of a delivery, if the viewer is a party to it, and whether as its sender.
fn seen_by(tx: &mut Connection, viewer: &Viewer, id: &str) -> Result<Option<(EnvelopeRow, bool)>, StoreError> {
    let envelope_id = match deliveries::find(tx, id)? {
        Some(row) => row.envelope_id,
        None => id.to_owned(),
    };
    let Some(envelope) = envelopes::find(tx, &envelope_id)? else { return Ok(None) };
    let is_sender = viewer.holds(tx, &envelope.sender_code)?;
    let is_party = is_sender || !viewer.deliveries_of(tx, &envelope_id)?.is_empty();
    Ok(is_party.then_some((envelope, is_sender)))
}

/// What happened to a document, oldest first. The sender sees all of it, a recipient what concerns its own deliveries.
///
/// # Errors
/// `NotFound` unless the caller speaks for the sender or a recipient; `Store`.
pub async fn timeline(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    (after, limit): (String, usize),
) -> Result<Pages<Happening>, ExchangeError> {
    let (system, id) = (caller.system_id.clone(), id.to_owned());
    let viewer = Viewer::of_caller(Some(caller));
    let pages = hub.store.read(move |tx| {
        let Some((envelope, is_sender)) = seen_by(tx, &viewer, &id)? else { return Ok(None) };
        let share = if is_sender { Share::Whole } else { Share::Of(&system) };
        page(tx, &envelope.envelope_id, (share, viewer.openings()), (&after, limit)).map(Some)
    });
    pages.await?.ok_or(ExchangeError::NotFound)
}

/// A page of what happened to an envelope and to that share of its deliveries.
pub(super) fn page(
    tx: &mut Connection,
    envelope_id: &str,
    whose: (Share<'_>, Openings<'_>),
    (after, limit): (&str, usize),
) -> Result<Pages<Happening>, StoreError> {
    let found = evidence::of_document(tx, envelope_id, whose, (after, rows(limit)))?;
    let next = found.last().filter(|_| found.len() >= limit).map(|(row, _)| row.evidence_id.clone());
    let head = ledger::head(tx)?;
    let sealed = |index| {
        let (tree_size, signed_at) = head.as_ref().map(|head| (head.tree_size, head.signed_at()))?;
        Some(Sealed { index, tree_size, signed_at })
    };
    let reports = reports(tx, &found)?;
    let items = found.into_iter().map(|(row, index)| happening(row, &reports, index.and_then(sealed)));
    let items = items.collect::<Result<_, _>>()?;
    Ok(Pages { items, next })
}

/// Status reports by the envelope that carried them and the delivery that they are about.
type Reports = HashMap<(String, String), StatusRow>;

/// The reports that some evidence tells of.
fn reports(tx: &mut Connection, found: &[Placed]) -> Result<Reports, StoreError> {
    let told = found.iter().filter(|(row, _)| row.event == EvidenceEvent::StatusReported.name());
    let about: Vec<&str> = told.filter_map(|(row, _)| row.delivery_id.as_deref()).collect();
    let rows = envelopes::statuses_of(tx, &about)?.into_iter();
    Ok(rows.map(|row| ((row.envelope_id.clone(), row.delivery_id.clone()), row)).collect())
}

/// Whether a viewer may see a piece of evidence: as a party to what it is about, or as who caused it.
pub(super) fn may_see(tx: &mut Connection, viewer: &Viewer, row: &EvidenceRow) -> Result<bool, StoreError> {
    if row.event == EvidenceEvent::ContentViewed.name() {
        return Ok(match (viewer, &row.agency) {
            (Viewer::Agencies(codes), Some(agency)) => codes.contains(agency),
            (Viewer::Hub, _) => true,
            (Viewer::System(_), _) | (Viewer::Agencies(_), None) => false,
        });
    }
    let of_delivery = match &row.delivery_id {
        Some(delivery_id) => deliveries::find(tx, delivery_id)?,
        None => None,
    };
    Ok(match (of_delivery, &row.envelope_id) {
        (Some(delivery), _) => {
            viewer.holds(tx, &delivery.sender_code)? || viewer.holds(tx, &delivery.recipient_code)?
        }
        (None, Some(envelope_id)) => seen_by(tx, viewer, envelope_id)?.is_some(),
        (None, None) => match (statements::find(tx, &row.evidence_id)?, viewer) {
            (Some(of), _) => viewer.holds(tx, &of.sender_code)? || viewer.holds(tx, &of.recipient_code)?,
            (None, Viewer::System(system)) => row.system_id.as_ref() == Some(system),
            (None, Viewer::Agencies(_)) => false,
            (None, Viewer::Hub) => true,
        },
    })
}

fn happening(row: EvidenceRow, reports: &Reports, sealed: Option<Sealed>) -> Result<Happening, StoreError> {
    let Some(event) = EvidenceEvent::of_name(&row.event) else {
        return Err(StoreError::UnknownWord { column: "evidence.event", value: row.event });
    };
    let status = match (event, &row.envelope_id, &row.delivery_id) {
        (EvidenceEvent::StatusReported, Some(by), Some(delivery)) => reports.get(&(by.clone(), delivery.clone())),
        _ => None,
    };
    let facts: serde_json::Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let text = |name: &str| facts.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let (note, elsewhere) = (text("note").unwrap_or_default(), text("hub").zip(text("at")));
    let number = facts.get("attachment").and_then(serde_json::Value::as_i64);
    let opening = text("by_user").filter(|_| event == EvidenceEvent::ContentViewed).map(|user| (user, number));
    Ok(Happening {
        neighbour_receipt: text("receipt_sha256"),
        at: row.at.and_utc(),
        evidence_id: row.evidence_id,
        event,
        agency: row.agency,
        delivery_id: row.delivery_id,
        envelope_id: row.envelope_id,
        status: status.map(|report| (report.status_code.clone(), report.description.clone())),
        note,
        elsewhere,
        opening,
        sealed,
    })
}

/// What a document acts on, and then what acts on it, oldest first. A recipient sees of the latter what it sent or was
/// sent itself.
///
/// # Errors
/// `NotFound` unless the caller speaks for the sender or a recipient; `Store`.
pub async fn lineage(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    (after, limit): (String, usize),
) -> Result<Pages<(Direction, LineageLink)>, ExchangeError> {
    let (viewer, id) = (Viewer::of_caller(Some(caller)), id.to_owned());
    let pages = hub.store.read(move |tx| {
        let Some((envelope, is_sender)) = seen_by(tx, &viewer, &id)? else { return Ok(None) };
        let mut items = Vec::new();
        // A packet acts on few documents: they all stand on the first page.
        if after.is_empty() {
            let acts_on = envelopes::links_from(tx, &envelope.envelope_id)?.into_iter().map(|link| LineageLink {
                relation: link.relation,
                sender: link.target_sender_code,
                document_id: link.target_document_id,
                envelope_id: link.envelope_id,
            });
            items.extend(acts_on.map(|link| (Direction::ActsOn, link)));
        }
        // A status packet carries the identifier of the document it is about, but is not that document.
        if !envelope.is_document() {
            return Ok(Some(Pages { items, next: None }));
        }
        let document = (envelope.sender_code.as_str(), envelope.document_id.as_str());
        let found = envelopes::links_to_after(tx, document, (&after, limit))?;
        let next = found.last().filter(|_| found.len() >= limit).map(|(link, ..)| link.envelope_id.clone());
        for (link, sender, document_id) in found {
            let may_see =
                is_sender || viewer.holds(tx, &sender)? || !viewer.deliveries_of(tx, &link.envelope_id)?.is_empty();
            if may_see && link.envelope_id != envelope.envelope_id {
                let link = LineageLink { relation: link.relation, sender, document_id, envelope_id: link.envelope_id };
                items.push((Direction::ActedOnBy, link));
            }
        }
        Ok(Some(Pages { items, next }))
    });
    pages.await?.ok_or(ExchangeError::NotFound)
}
