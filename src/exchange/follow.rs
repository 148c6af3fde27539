//! A sender looks after what was sent: its deliveries, the statuses reported about it, its lineage.

use super::{Caller, ExchangeError};
use crate::domain::delivery::{DeliveryState, PickupMark};
use crate::domain::packet::Digest;
use crate::hub::Hub;
use chrono::{DateTime, Utc};

/// Which sent deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct SentQuery {
    /// `Some(true)`: documents only; `Some(false)`: status packets only.
    pub documents: Option<bool>,
    /// Accepted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Accepted at or before.
    pub until: Option<DateTime<Utc>>,
    /// One envelope or delivery. Ignored when the caller sent no such thing: the SDK's headers are sticky.
    pub id: Option<String>,
    /// Rows left out at the start.
    pub skip: usize,
    /// Most rows; the configured limit holds above it.
    pub limit: Option<usize>,
}

/// One delivery as its sender sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentLine {
    /// The envelope (sender-side id).
    pub envelope_id: String,
    /// The delivery (receiver-side id).
    pub delivery_id: String,
    /// Whether it is a document (else a status packet).
    pub is_document: bool,
    /// Canonical code of the sender.
    pub sender: String,
    /// Canonical code of the recipient.
    pub recipient: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// Abstract of a document, empty for a status packet.
    pub subject: String,
    /// Number and notation.
    pub code: String,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
    /// When the recipient's software first fetched it.
    pub fetched_at: Option<DateTime<Utc>>,
    /// When the delivery last changed.
    pub changed_at: DateTime<Utc>,
    /// What the hub knows.
    pub state: DeliveryState,
    /// What the recipient's software has said.
    pub mark: PickupMark,
    /// How a recall of it stands: `requested`, `agreed`, `refused`; empty when none or withdrawn at once.
    pub recall: String,
}

/// A status reported about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusLine {
    /// Who reported.
    pub reporter: String,
    /// Two digits.
    pub status_code: String,
    /// Reason or note.
    pub description: String,
    /// When it happened, as the reporter claims.
    pub claimed_at: Option<DateTime<Utc>>,
    /// When the hub accepted the report.
    pub accepted_at: DateTime<Utc>,
    /// The envelope that carried it.
    pub envelope_id: String,
}

/// How two documents belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineageLink {
    /// `recalls`, `updates`, `replaces` or `answers`.
    pub relation: String,
    /// Sender of the document at the other end.
    pub sender: String,
    /// Its identifier.
    pub document_id: String,
    /// The envelope that says so.
    pub envelope_id: String,
}

/// Everything about one envelope that a party to it may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvelopeView {
    /// The envelope.
    pub envelope_id: String,
    /// Whether it is a document (else a status packet).
    pub is_document: bool,
    /// Canonical code of the sender.
    pub sender: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// Abstract.
    pub subject: String,
    /// Number and notation.
    pub code: String,
    /// When the hub accepted it.
    pub accepted_at: DateTime<Utc>,
    /// SHA-256 of the bytes.
    pub sha256: Digest,
    /// Their number.
    pub bytes: u64,
    /// Its deliveries; a recipient sees only its own.
    pub deliveries: Vec<SentLine>,
    /// Statuses reported about it, oldest first; a recipient sees only its own.
    pub statuses: Vec<StatusLine>,
    /// Documents this one recalls, updates, replaces or answers.
    pub acts_on: Vec<LineageLink>,
    /// Documents that recall, update, replace or answer this one.
    pub acted_on_by: Vec<LineageLink>,
}

/// Deliveries of what the caller's agencies sent, newest first.
///
/// # Errors
/// `Store`.
pub async fn sent(hub: &Hub, caller: &Caller, query: SentQuery) -> Result<Vec<SentLine>, ExchangeError> {
    let _ = (hub, caller, query);
    unimplemented!()
}

/// One envelope with its deliveries, statuses and lineage. `id` is the envelope's or a delivery's.
///
/// # Errors
/// `NotFound` unless the caller speaks for the sender or a recipient; `Store`.
pub async fn envelope(hub: &Hub, caller: &Caller, id: &str) -> Result<EnvelopeView, ExchangeError> {
    let _ = (hub, caller, id);
    unimplemented!()
}
