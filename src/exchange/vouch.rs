//! Receipts that neighbouring hubs sign: the receipt for a packet that one was brought is fetched from it and verified before the
//! delivery counts as consigned. Not here: this hub's own receipts (`attest`), what follows (`settle`).

use super::shipment::{self, Target};
use super::verify::{self, Trust};
use crate::channel::push::{Meaning, Pusher, Question};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::receipt::Receipt;
use crate::hub::Hub;
use crate::signer::certificate::Certificate;
use crate::store::envelopes::digest_of;
use crate::store::neighbours;
use crate::store::pushes::Packet;
use chrono::{DateTime, Utc};
use secrecy::ExposeSecret;
use serde_json::Value;

/// Longest id of an envelope of another hub, in characters.
const ID_CHARS_MAX: usize = 64;

/// How a neighbour answers a packet that it had before.
const HAD_BEFORE: u16 = 200;
/// How it answers who asks for the receipt of a packet that another one brought.
const NOT_YOURS: u16 = 404;

/// The receipt under which a neighbour took a packet, by what it answered; nothing where the operator gave no certificate of it, and
/// nothing of a packet that somebody else had brought there before, who alone may have the receipt.
///
/// # Errors
/// Why there is none that holds.
pub(super) async fn receipt(
    hub: &Hub,
    pusher: &Pusher,
    (target, packet): (&Target, &Packet),
    (status, answer): (u16, &[u8]),
    now: DateTime<Utc>,
) -> Result<Option<String>, String> {
    let neighbour = target.id.holder.clone();
    let keys = hub.store.read(move |tx| neighbours::find(tx, &neighbour)).await.map_err(|error| error.to_string())?;
    let Some(keys) = keys.filter(|keys| !keys.certificates.is_empty()) else { return Ok(None) };
    let trusted = Certificate::read_pem(keys.certificates.as_bytes()).ok_or("its certificates cannot be read")?;
    let said: Value = serde_json::from_slice(answer).unwrap_or_default();
    let is_id =
        |id: &&str| (1..=ID_CHARS_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let envelope_id = said.get("envelope_id").and_then(Value::as_str).filter(is_id);
    let envelope_id = envelope_id.ok_or("its answer names no envelope")?;
    let secrets = shipment::secrets(hub, target, now)?;
    let url = format!("{}/api/v1/receipts/{envelope_id}/signed", target.row.url);
    let bearer = secrets.first().map(ExposeSecret::expose_secret);
    let given = pusher.ask(Question { url: &url, bearer, body: None, patience: None, is_open: false }).await?;
    if (status, given.meaning) == (HAD_BEFORE, Meaning::Other(NOT_YOURS)) {
        let envelope = envelope_id;
        log::warn!(target: "relay", neighbour = target.id.holder.as_str(), "envelope.there" = envelope;
            "a neighbour had the packet before from somebody else, who has its receipt: it is believed without one");
        return Ok(None);
    }
    if given.meaning != Meaning::Given {
        return Err(format!("it does not hand its receipt out ({:?})", given.meaning));
    }
    let xml = String::from_utf8(given.body).map_err(|_| "its receipt cannot be read")?;
    let trust = Trust { certificates: trusted, packet: Some(digest_of(&packet.sha256)), ..Trust::default() };
    let receipt =
        verify::receipt(&xml, &trust).map_err(|flaw| format!("its receipt does not hold: {}", flaw.words().1))?;
    is_of(&receipt, (packet, envelope_id))
        .then_some(Some(xml))
        .ok_or_else(|| "its receipt is of another packet".to_owned())
}

/// Whether a receipt says that this packet was accepted as that envelope.
fn is_of(receipt: &Receipt, (packet, envelope_id): (&Packet, &str)) -> bool {
    let is_acceptance = receipt.evidence.event == EvidenceEvent::SubmissionAcceptance.name();
    let is_same = |told: &crate::domain::receipt::Packet| {
        told.envelope_id == envelope_id
            && told.sha256 == hex::encode(&packet.sha256)
            && i64::try_from(told.bytes) == Ok(packet.bytes)
    };
    is_acceptance && receipt.packet.as_ref().is_some_and(is_same)
}
