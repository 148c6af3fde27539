//! A capsule: all that proves what became of one delivery, in one file that verifies without the hub (`verify`). Its members
//! are described in docs/receipts.md.

use super::attest::{self, record};
use super::{Caller, ExchangeError, prove, rows, seal};
use crate::domain::receipt::Record;
use crate::hub::Hub;
use crate::store::envelopes::{EnvelopeRow, digest_of};
use crate::store::evidence::{self, EvidenceRow, Share};
use crate::store::{deliveries, envelopes, systems};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Name of the format.
pub const FORM: &str = "docaxis-capsule/1";
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
    let (system, id) = (caller.map(|caller| caller.system_id.clone()), delivery_id.to_owned());
    let found = hub.store.read(move |tx| {
        let Some(delivery) = deliveries::find(tx, &id)? else { return Ok(None) };
        let (is_sender, is_recipient) = match &system {
            Some(system) => (
                systems::holds(tx, system, &delivery.sender_code)?,
                systems::holds(tx, system, &delivery.recipient_code)?,
            ),
            None => (true, true),
        };
        let Some(envelope) = envelopes::find(tx, &delivery.envelope_id)?.filter(|_| is_sender || is_recipient) else {
            return Ok(None);
        };
        let share = [id.as_str()];
        let page = ("", rows(EVIDENCE_MAX));
        let all = evidence::of_document(tx, &envelope.envelope_id, Share::These(&share), page)?;
        let all: Vec<EvidenceRow> = all.into_iter().map(|(row, _)| row).collect();
        // Who was never given anything is no party to it yet.
        if !is_sender && all.iter().all(|row| row.delivery_id.is_none()) {
            return Ok(None);
        }
        let mut with_receipt = all.clone();
        // The receipt of the whole envelope names other recipients too.
        with_receipt.retain(|row| is_sender || row.delivery_id.is_some());
        Ok(Some((envelope, all, with_receipt)))
    });
    let (envelope, all, with_receipt) = found.await?.ok_or(ExchangeError::NotFound)?;
    let mut receipts = attest::issue(hub, with_receipt).await?;
    let ids: Vec<String> = all.iter().map(|row| row.evidence_id.clone()).collect();
    let proved = hub.store.read(move |tx| prove::places(tx, &ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let (mut places, checkpoint) = proved.await?;
    let pieces = all.iter().map(|row| Piece::of(row, &mut receipts, &mut places)).collect();
    Ok(Capsule::of(hub, (delivery_id, &envelope), checkpoint, pieces))
}

impl Piece {
    /// A piece of evidence with its receipt and place, as far as they are there.
    pub(super) fn of(
        row: &EvidenceRow,
        receipts: &mut HashMap<String, String>,
        places: &mut HashMap<String, prove::Place>,
    ) -> Self {
        Self {
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
        checkpoint: Option<String>,
        evidence: Vec<Piece>,
    ) -> Self {
        Self {
            form: FORM.to_owned(),
            delivery_id: delivery_id.to_owned(),
            envelope_id: envelope.envelope_id.clone(),
            sha256: digest_of(&envelope.payload_sha256).hex(),
            bytes: u64::try_from(envelope.bytes).unwrap_or(0),
            ledger_key: seal::keys(hub).first().map(ToString::to_string).unwrap_or_default(),
            checkpoint,
            evidence,
        }
    }

    /// As a file.
    pub fn file(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
