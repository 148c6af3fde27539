//! A recipient lists what waits for it, fetches it, and confirms that it holds it.

use super::{Caller, ExchangeError};
use crate::domain::delivery::{DeliveryState, PickupMark};
use crate::domain::packet::Digest;
use crate::hub::Hub;
use crate::store::payloads::PayloadStream;
use chrono::{DateTime, Utc};

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmed {
    /// What the hub knows now.
    pub state: DeliveryState,
    /// What the recipient's software has said.
    pub mark: PickupMark,
}

/// Deliveries at the disposal of the caller's agencies that are not done, oldest first.
///
/// # Errors
/// `Store`.
pub async fn mailbox(hub: &Hub, caller: &Caller, query: MailboxQuery) -> Result<Vec<MailboxItem>, ExchangeError> {
    let _ = (hub, caller, query);
    unimplemented!()
}

/// How many deliveries wait, without a limit.
///
/// # Errors
/// `Store`.
pub async fn count(hub: &Hub, caller: &Caller, documents: Option<bool>) -> Result<u64, ExchangeError> {
    let _ = (hub, caller, documents);
    unimplemented!()
}

/// Hands out a packet. `id` is the delivery's, or the envelope's where the caller has one delivery of it.
/// The first fetch is evidence; it is durable before the first byte leaves.
///
/// # Errors
/// `NotFound`, `Refused` (withdrawn, recall agreed), `Store`, `Payload`.
pub async fn fetch(hub: &Hub, caller: &Caller, id: &str) -> Result<Fetched, ExchangeError> {
    let _ = (hub, caller, id);
    unimplemented!()
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
    let _ = (hub, caller, id, mark, note);
    unimplemented!()
}
