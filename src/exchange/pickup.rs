//! A recipient lists what waits for it, fetches it, and confirms that it holds it.

use super::announce::{self, Moment};
use super::{Caller, ExchangeError, open, rows, selftest};
use crate::domain::delivery::{DeliveryState, Next, PickupMark, Progress, Refusal, Step, next};
use crate::domain::packet::Digest;
use crate::domain::text::is_writable;
use crate::hub::Hub;
use crate::metrics::MarkLabel;
use crate::store::deliveries::{DeliveryRow, Selection};
use crate::store::envelopes::EnvelopeRow;
use crate::store::outcomes::{self, Change};
use crate::store::payloads::PayloadStream;
use crate::store::{Connection, Foresight, StoreError, deliveries, systems};
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// Which waiting deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct MailboxQuery {
    /// `Some(true)`: documents only; `Some(false)`: status packets only.
    pub documents: Option<bool>,
    /// Accepted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Accepted at or before.
    pub until: Option<DateTime<Utc>>,
    /// Only deliveries after this one: the last id of the page before.
    pub after: Option<String>,
    /// Rows left out at the start (the gateway's pages).
    pub skip: usize,
    /// Most rows; the configured limit holds above it.
    pub limit: Option<usize>,
}

/// One waiting delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailboxItem {
    /// The hub's id of the delivery (the receiver-side id of the SDK).
    pub delivery_id: String,
    /// Whether it is a document (else a status packet).
    pub is_document: bool,
    /// Canonical code of the sender.
    pub sender: String,
    /// Canonical code of the recipient.
    pub recipient: String,
    /// Abstract of a document, empty for a status packet.
    pub subject: String,
    /// Number and notation of the document.
    pub code: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// Urgency number, 0 to 4.
    pub urgency: i32,
    /// How far the recipient's software is.
    pub mark: PickupMark,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
    /// When the delivery last changed.
    pub changed_at: DateTime<Utc>,
    /// Size of the packet.
    pub bytes: u64,
}

/// A packet being handed out.
pub struct Fetched {
    /// The delivery.
    pub delivery_id: String,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Their number.
    pub bytes: u64,
    /// The bytes as received; the stream ends in an error rather than with altered bytes.
    pub content: PayloadStream,
}

/// What a confirmation led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Confirmed {
    /// The delivery.
    pub delivery_id: String,
    /// What the hub knows now.
    pub state: DeliveryState,
    /// What the recipient's software has said.
    pub mark: PickupMark,
}

/// Deliveries at the disposal of the caller's agencies that are not done, oldest first. What was given back on a
/// recall can be fetched no more and is not listed.
///
/// # Errors
/// `Store`.
pub async fn mailbox(hub: &Hub, caller: &Caller, query: MailboxQuery) -> Result<Vec<MailboxItem>, ExchangeError> {
    let page_max = hub.config.lists.page_max;
    let selection = Selection {
        documents: query.documents,
        from: query.from,
        until: query.until,
        after: query.after,
        skip: rows(query.skip),
        limit: rows(query.limit.unwrap_or(page_max).min(page_max)),
        ..Selection::default()
    };
    let system = caller.system_id.clone();
    let items = hub.store.read(move |tx| {
        let waiting = deliveries::list_waiting(tx, &system, &selection)?;
        waiting.into_iter().map(item).collect::<Result<Vec<_>, _>>()
    });
    Ok(items.await?)
}

fn item((delivery, envelope): (DeliveryRow, EnvelopeRow)) -> Result<MailboxItem, StoreError> {
    Ok(MailboxItem {
        is_document: envelope.is_document(),
        code: envelope.code(),
        mark: delivery.progress()?.mark,
        accepted_at: delivery.accepted_at(),
        changed_at: delivery.changed_at(),
        bytes: u64::try_from(envelope.bytes).unwrap_or(0),
        delivery_id: delivery.delivery_id,
        sender: delivery.sender_code,
        recipient: delivery.recipient_code,
        document_id: delivery.document_id,
        subject: envelope.subject,
        urgency: envelope.urgency,
    })
}

/// How many deliveries wait, without a limit.
///
/// # Errors
/// `Store`.
pub async fn count(hub: &Hub, caller: &Caller, documents: Option<bool>) -> Result<u64, ExchangeError> {
    let system = caller.system_id.clone();
    let selection = Selection { documents, ..Selection::default() };
    let count = hub.store.read(move |tx| deliveries::count_waiting(tx, &system, &selection));
    Ok(u64::try_from(count.await?).unwrap_or(0))
}

/// What became of a step inside its transaction.
enum Taken {
    Ok(Box<DeliveryRow>, Progress),
    Refused(Refusal),
    Gone(ExchangeError),
    NotFound,
}

/// Hands out a packet. `id` is the delivery's, or the envelope's where the caller has one delivery of it.
/// The first fetch is evidence; it is durable before the first byte leaves.
///
/// # Errors
/// `NotFound`, `Refused` (withdrawn, recall agreed), `Store`, `Payload`.
pub async fn fetch(hub: &Hub, caller: &Caller, id: &str) -> Result<Fetched, ExchangeError> {
    let (system, wanted) = (caller.system_id.clone(), id.to_owned());
    let found = hub.store.read(move |tx| {
        let Some(row) = find_for(tx, &system, &wanted)? else { return Ok(None) };
        open::kept(tx, &row.envelope_id).map(Some)
    });
    let kept = found.await?.ok_or(ExchangeError::NotFound)?;
    let (sha256, bytes) = (kept.sha256, kept.bytes);
    // Opened before anything is recorded: what cannot be handed out was not fetched.
    let content = kept.stream(hub)?;
    let (delivery, _) = step(hub, caller, id, (Step::Fetch, String::new())).await?;
    hub.metrics.fetches.inc();
    hub.metrics.fetched_bytes.inc_by(bytes);
    Ok(Fetched { delivery_id: delivery.delivery_id, sha256, bytes, content })
}

/// The recipient's software says how far it is. Repeats are answered the same.
///
/// # Errors
/// `NotFound`, `Refused`, `Store`.
pub async fn confirm(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    mark: PickupMark,
    note: &str,
) -> Result<Confirmed, ExchangeError> {
    let note: String = note.chars().filter(|sign| is_writable(*sign)).take(NOTE_CHARS_MAX).collect();
    let (row, progress) = step(hub, caller, id, (Step::Confirm(mark), note)).await?;
    hub.metrics.confirmations.get_or_create(&MarkLabel { mark: mark.word() }).inc();
    if mark == PickupMark::Fail {
        selftest::gate::confirmed_as_failed(hub, &row).await?;
    }
    Ok(Confirmed { delivery_id: row.delivery_id, state: progress.state, mark: progress.mark })
}

/// Longest note kept beside a mark, in characters.
const NOTE_CHARS_MAX: usize = 500;

async fn step(
    hub: &Hub,
    caller: &Caller,
    id: &str,
    (asked, note): (Step, String),
) -> Result<(DeliveryRow, Progress), ExchangeError> {
    let (system, id, now, ids) = (caller.system_id.clone(), id.to_owned(), hub.clock.now(), hub.ids);
    let schedules = Arc::clone(&hub.schedules);
    let foresight = || Foresight { system_id: system.clone(), delivery_id: id.clone(), ..Foresight::default() };
    let taken = hub.store.write_foreseen(hub.store.foresight(foresight), move |tx| {
        let Some(row) = find_for(tx, &system, &id)? else { return Ok(Taken::NotFound) };
        if row.recall == "agreed" && asked == Step::Fetch {
            return Ok(Taken::Refused(Refusal::RecallAgreed));
        }
        let before = row.progress()?;
        let (after, event) = match next(before, asked) {
            Next::Changed(after, event) => (after, event),
            Next::Same if asked == Step::Fetch => {
                // Only what was handed over is ever destroyed, so that a first fetch need not look.
                return Ok(match open::still_there(tx, &row.envelope_id)? {
                    Ok(()) => Taken::Ok(Box::new(row), before),
                    Err(why) => Taken::Gone(why),
                });
            }
            Next::Same => return Ok(Taken::Ok(Box::new(row), before)),
            Next::Refused(why) => return Ok(Taken::Refused(why)),
        };
        outcomes::move_on(tx, &Change { row: &row, to: after, note: &note }, now)?;
        if let Some(event) = event {
            let piece = row.evidence(event, now, Some(&system), &serde_json::json!({ "note": note }));
            announce::append(tx, Moment { ids, now, schedules: &schedules }, &row, &piece)?;
        }
        Ok(Taken::Ok(Box::new(row), after))
    });
    match taken.await? {
        Taken::Ok(row, progress) => Ok((*row, progress)),
        Taken::Refused(why) => Err(ExchangeError::Refused(why)),
        Taken::Gone(why) => Err(why),
        Taken::NotFound => Err(ExchangeError::NotFound),
    }
}

/// The delivery of that id, or of that envelope, to an agency that the system speaks for.
fn find_for(tx: &mut Connection, system: &str, id: &str) -> Result<Option<DeliveryRow>, StoreError> {
    if let Some(row) = deliveries::foreseen(tx, system, id) {
        return Ok(Some(row).filter(|row| row.via.is_none()));
    }
    // What was passed on is fetched where it was passed to.
    match deliveries::find(tx, id)? {
        Some(row) if row.via.is_none() && systems::holds(tx, system, &row.recipient_code)? => Ok(Some(row)),
        Some(_) => Ok(None),
        None => Ok(deliveries::of_envelope_to(tx, id, system)?.into_iter().find(|row| row.via.is_none())),
    }
}
