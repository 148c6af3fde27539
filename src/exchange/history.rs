//! A document's history: every piece of evidence that a party may see, in order, and what belongs to it on both sides.
//! How it stands now is told by `follow`.

use super::follow::LineageLink;
use super::prove::Sealed;
use super::{Caller, ExchangeError, rows};
use crate::domain::evidence::EvidenceEvent;
use crate::hub::Hub;
use crate::store::envelopes::EnvelopeRow;
use crate::store::evidence::{EvidenceRow, Share};
use crate::store::{Connection, StoreError, deliveries, envelopes, evidence, ledger, statements, systems};
use chrono::{DateTime, Utc};

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

/// The envelope of an id of its own or of a delivery, if the system is a party to it, and whether as its sender.
fn seen_by(tx: &mut Connection, system: &str, id: &str) -> Result<Option<(EnvelopeRow, bool)>, StoreError> {
    let envelope_id = match deliveries::find(tx, id)? {
        Some(row) => row.envelope_id,
        None => id.to_owned(),
    };
    let Some(envelope) = envelopes::find(tx, &envelope_id)? else { return Ok(None) };
    let is_sender = systems::holds(tx, system, &envelope.sender_code)?;
    let is_party = is_sender || !deliveries::of_envelope_to(tx, &envelope_id, system)?.is_empty();
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
    let pages = hub.store.read(move |tx| {
        let Some((envelope, is_sender)) = seen_by(tx, &system, &id)? else { return Ok(None) };
        let share = if is_sender { Share::Whole } else { Share::Of(&system) };
        page(tx, &envelope.envelope_id, share, (&after, limit)).map(Some)
    });
    pages.await?.ok_or(ExchangeError::NotFound)
}

/// A page of what happened to an envelope and to that share of its deliveries.
pub(super) fn page(
    tx: &mut Connection,
    envelope_id: &str,
    share: Share<'_>,
    (after, limit): (&str, usize),
) -> Result<Pages<Happening>, StoreError> {
    let found = evidence::of_document(tx, envelope_id, share, (after, rows(limit)))?;
    let next = found.last().filter(|_| found.len() >= limit).map(|(row, _)| row.evidence_id.clone());
    let head = ledger::head(tx)?;
    let sealed = |index| {
        let (tree_size, signed_at) = head.as_ref().map(|head| (head.tree_size, head.signed_at()))?;
        Some(Sealed { index, tree_size, signed_at })
    };
    let items = found.into_iter().map(|(row, index)| happening(tx, row, index.and_then(sealed)));
    let items = items.collect::<Result<_, _>>()?;
    Ok(Pages { items, next })
}

/// Whether a system may see a piece of evidence: as a party to what it is about, or as who caused it.
pub(super) fn may_see(tx: &mut Connection, system: &str, row: &EvidenceRow) -> Result<bool, StoreError> {
    let of_delivery = match &row.delivery_id {
        Some(delivery_id) => deliveries::find(tx, delivery_id)?,
        None => None,
    };
    Ok(match (of_delivery, &row.envelope_id) {
        (Some(delivery), _) => {
            systems::holds(tx, system, &delivery.sender_code)? || systems::holds(tx, system, &delivery.recipient_code)?
        }
        (None, Some(envelope_id)) => seen_by(tx, system, envelope_id)?.is_some(),
        (None, None) => match statements::find(tx, &row.evidence_id)? {
            Some(of) => systems::holds(tx, system, &of.sender_code)? || systems::holds(tx, system, &of.recipient_code)?,
            None => row.system_id.as_deref() == Some(system),
        },
    })
}

fn happening(tx: &mut Connection, row: EvidenceRow, sealed: Option<Sealed>) -> Result<Happening, StoreError> {
    let Some(event) = EvidenceEvent::of_name(&row.event) else {
        return Err(StoreError::UnknownWord { column: "evidence.event", value: row.event });
    };
    let status = match (event, &row.envelope_id, &row.delivery_id) {
        (EvidenceEvent::StatusReported, Some(by), Some(delivery)) => envelopes::find_status(tx, by, delivery)?,
        _ => None,
    };
    let facts: serde_json::Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let text = |name: &str| facts.get(name).and_then(serde_json::Value::as_str).map(str::to_owned);
    let (note, elsewhere) = (text("note").unwrap_or_default(), text("hub").zip(text("at")));
    Ok(Happening {
        at: row.at.and_utc(),
        evidence_id: row.evidence_id,
        event,
        agency: row.agency,
        delivery_id: row.delivery_id,
        envelope_id: row.envelope_id,
        status: status.map(|report| (report.status_code, report.description)),
        note,
        elsewhere,
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
    let (system, id) = (caller.system_id.clone(), id.to_owned());
    let pages = hub.store.read(move |tx| {
        let Some((envelope, is_sender)) = seen_by(tx, &system, &id)? else { return Ok(None) };
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
            let may_see = is_sender
                || systems::holds(tx, &system, &sender)?
                || !deliveries::of_envelope_to(tx, &link.envelope_id, &system)?.is_empty();
            if may_see && link.envelope_id != envelope.envelope_id {
                let link = LineageLink { relation: link.relation, sender, document_id, envelope_id: link.envelope_id };
                items.push((Direction::ActedOnBy, link));
            }
        }
        Ok(Some(Pages { items, next }))
    });
    pages.await?.ok_or(ExchangeError::NotFound)
}
