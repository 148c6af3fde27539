//! A capsule: all that proves what became of one delivery, in one file that verifies without the hub (`verify`). Its members
//! are described in docs/receipts.md.

use super::attest::{self, record};
use super::sessions::Person;
use super::viewer::Viewer;
use super::{Caller, ExchangeError, access, prove, rows, seal};
use crate::domain::packet::Digest;
use crate::domain::receipt::Record;
use crate::hub::Hub;
use crate::store::envelopes::{EnvelopeRow, digest_of};
use crate::store::evidence::{self, EvidenceRow, Openings, Share};
use crate::store::{deliveries, envelopes, neighbours};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// Name of the format.
pub const FORM: &str = "docaxis-capsule/2";
/// Name of the format of those that have a time-stamp.
const STAMPED: &str = "docaxis-capsule/3";
/// Name of the format before, which had no receipts of neighbouring hubs.
const FORMER: &str = "docaxis-capsule/1";
/// Pieces of evidence of one delivery; a delivery has a handful.
const EVIDENCE_MAX: usize = 1_000;

/// All that proves what became of a delivery. A member that a version does not know makes it unreadable: what is not verified
/// must not look as if it were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capsule {
    /// The format.
    pub form: String,
    /// The delivery.
    pub delivery_id: String,
    /// The envelope that was delivered.
    pub envelope_id: String,
    /// SHA-256 of the packet, in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
    /// The key of the ledger, as the hub says.
    pub ledger_key: String,
    /// The signed head to which all of it leads; nothing before the first one.
    pub checkpoint: Option<String>,
    /// The time-stamp over that head, in base64, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// What happened, oldest first.
    pub evidence: Vec<Piece>,
}

/// A piece of evidence in a capsule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Piece {
    /// As it is sealed.
    pub record: Record,
    /// Where it stands in the ledger; nothing until it is sealed, within about a second.
    pub sealed: Option<Place>,
    /// Its signed receipt; nothing where that is for the sender only.
    pub receipt: Option<String>,
    /// The receipt of the neighbouring hub that took the packet, of which the record has the digest.
    #[serde(default)]
    pub neighbour_receipt: Option<String>,
}

/// A place in the ledger and the way from there to the head.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its index.
    pub index: u64,
    /// What was hashed, in hexadecimal.
    pub entry: String,
    /// The hashes that lead from there to the root, in hexadecimal, the nearest first.
    pub path: Vec<String>,
}

/// The capsule of a delivery, for its sender or recipient, or the operator.
///
/// # Errors
/// `NotFound` unless there is such a delivery and the caller is a party to it; `Unavailable` when no key may sign; `Store`.
pub async fn capsule(hub: &Hub, caller: Option<&Caller>, delivery_id: &str) -> Result<Capsule, ExchangeError> {
    made(hub, Viewer::of_caller(caller), delivery_id).await
}

/// The same for a person, as far as it may see the delivery; that it was taken out is evidence.
///
/// # Errors
/// As `capsule`.
pub async fn capsule_for(hub: &Hub, person: &Person, delivery_id: &str) -> Result<Capsule, ExchangeError> {
    access::covered(hub, person, delivery_id).await?;
    let capsule = made(hub, Viewer::of(person), delivery_id).await?;
    access::looked_at(hub, person, "capsule", delivery_id).await?;
    Ok(capsule)
}

async fn made(hub: &Hub, viewer: Viewer, delivery_id: &str) -> Result<Capsule, ExchangeError> {
    let id = delivery_id.to_owned();
    let found = hub.store.read(move |tx| {
        let Some(delivery) = deliveries::find(tx, &id)? else { return Ok(None) };
        let is_sender = viewer.holds(tx, &delivery.sender_code)?;
        let is_recipient = viewer.holds(tx, &delivery.recipient_code)?;
        let Some(envelope) = envelopes::find(tx, &delivery.envelope_id)?.filter(|_| is_sender || is_recipient) else {
            return Ok(None);
        };
        let share = [id.as_str()];
        let page = ("", rows(EVIDENCE_MAX));
        // Who looked at the content concerns the side of those who did, not the delivery.
        let whose = (Share::These(&share), Openings::Nobody);
        let all = evidence::of_document(tx, &envelope.envelope_id, whose, page)?;
        let all: Vec<EvidenceRow> = all.into_iter().map(|(row, _)| row).collect();
        // Who was never given anything is no party to it yet.
        if !is_sender && all.iter().all(|row| row.delivery_id.is_none()) {
            return Ok(None);
        }
        let mut with_receipt = all.clone();
        // The receipt of the whole envelope names other recipients too.
        with_receipt.retain(|row| is_sender || row.delivery_id.is_some());
        let of_neighbour = neighbours::receipt(tx, &id)?;
        Ok(Some((envelope, all, with_receipt, of_neighbour)))
    });
    let (envelope, all, with_receipt, of_neighbour) = found.await?.ok_or(ExchangeError::NotFound)?;
    let mut receipts = attest::issue(hub, with_receipt).await?;
    let ids: Vec<String> = all.iter().map(|row| row.evidence_id.clone()).collect();
    let proved = hub.store.read(move |tx| prove::places(tx, &ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let (mut places, head) = proved.await?;
    let (checkpoint, timestamp) = head.map(|head| (head.note, head.timestamp)).unzip();
    let of_neighbour = of_neighbour.as_deref();
    let pieces = all.iter().map(|row| Piece::of(row, &mut receipts, &mut places, of_neighbour)).collect();
    Ok(Capsule::of(hub, (delivery_id, &envelope), (checkpoint, timestamp.flatten()), pieces))
}

impl Piece {
    /// A piece of evidence with its receipt and place, as far as they are there; and the receipt of the neighbouring hub that
    /// took the delivery, where the piece has its digest.
    pub(super) fn of(
        row: &EvidenceRow,
        receipts: &mut HashMap<String, String>,
        places: &mut HashMap<String, prove::Place>,
        of_neighbour: Option<&str>,
    ) -> Self {
        let facts: Value = serde_json::from_str(&row.facts).unwrap_or_default();
        let named = facts.get("receipt_sha256").and_then(Value::as_str);
        let is_named = |xml: &&str| named == Some(Digest::of(xml.as_bytes()).hex().as_str());
        Self {
            neighbour_receipt: of_neighbour.filter(is_named).map(str::to_owned),
            receipt: receipts.remove(&row.evidence_id),
            sealed: places.remove(&row.evidence_id).map(|place| Place {
                index: place.index,
                entry: hex::encode(place.entry),
                path: place.path.iter().map(hex::encode).collect(),
            }),
            record: record(row),
        }
    }
}

impl Capsule {
    /// What proves what became of a delivery of an envelope.
    pub(super) fn of(
        hub: &Hub,
        (delivery_id, envelope): (&str, &EnvelopeRow),
        (checkpoint, timestamp): (Option<String>, Option<String>),
        evidence: Vec<Piece>,
    ) -> Self {
        Self {
            form: if timestamp.is_some() { STAMPED } else { FORM }.to_owned(),
            delivery_id: delivery_id.to_owned(),
            envelope_id: envelope.envelope_id.clone(),
            sha256: digest_of(&envelope.payload_sha256).hex(),
            bytes: u64::try_from(envelope.bytes).unwrap_or(0),
            ledger_key: seal::keys(hub).first().map(ToString::to_string).unwrap_or_default(),
            checkpoint,
            timestamp,
            evidence,
        }
    }

    /// Whether it is in a form that is known, and has no members of a later one.
    pub fn is_of_known_form(&self) -> bool {
        let is_former = self.form == FORMER && self.evidence.iter().all(|piece| piece.neighbour_receipt.is_none());
        self.form == STAMPED || (self.timestamp.is_none() && (self.form == FORM || is_former))
    }

    /// As a file.
    pub fn file(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
