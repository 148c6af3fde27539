//! A sender looks after what was sent: its deliveries, the statuses reported about it, its lineage.

use super::viewer::Viewer;
use super::{Caller, ExchangeError, rows};
use crate::domain::calendar::Calendar;
use crate::domain::delivery::{DeliveryState, PickupMark};
use crate::domain::envelope::Urgency;
use crate::domain::packet::Digest;
use crate::hub::Hub;
use crate::store::deliveries::{DeliveryRow, Selection};
use crate::store::envelopes::{EnvelopeRow, LinkRow, StatusRow, digest_of};
use crate::store::{Connection, StoreError, deliveries, envelopes};
use chrono::{DateTime, Utc};
use std::collections::HashMap;
use std::sync::Arc;

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
    /// The neighbouring hub that it is in line for, or that has it.
    pub via: Option<String>,
    /// What the hub knows.
    pub state: DeliveryState,
    /// What the recipient's software has said.
    pub mark: PickupMark,
    /// How a recall of it stands: `requested`, `agreed`, `refused`; empty when none or withdrawn at once.
    pub recall: String,
    /// By when the recipient's clerks are to receive it; nothing for what does not reach them.
    pub receive_by: Option<DateTime<Utc>>,
    /// When they told that they have it, or gave it back.
    pub received_at: Option<DateTime<Utc>>,
    /// Whether the time is over and they told nothing.
    pub overdue: bool,
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
    let page_max = hub.config.lists.page_max;
    let selection = Selection {
        documents: query.documents,
        from: query.from,
        until: query.until,
        id: query.id,
        skip: rows(query.skip),
        limit: rows(query.limit.unwrap_or(page_max).min(page_max)),
        after: None,
    };
    let (system, desk) = (caller.system_id.clone(), Desk::of(hub));
    let lines = hub.store.read(move |tx| {
        let mut found = deliveries::list_sent(tx, &system, &selection)?;
        if found.is_empty() && selection.id.is_some() {
            found = deliveries::list_sent(tx, &system, &Selection { id: None, ..selection.clone() })?;
        }
        let ids: Vec<&str> = found.iter().map(|(delivery, _)| delivery.delivery_id.as_str()).collect();
        let received = envelopes::received_at(tx, &ids)?;
        let line = |(delivery, envelope)| desk.line(delivery, &envelope, &received);
        found.into_iter().map(line).collect::<Result<Vec<_>, _>>()
    });
    Ok(lines.await?)
}

/// What a look at deliveries needs of the hub.
pub(super) struct Desk {
    calendar: Arc<Calendar>,
    now: DateTime<Utc>,
}

impl Desk {
    pub(super) fn of(hub: &Hub) -> Self {
        Self { calendar: Arc::clone(&hub.calendar), now: hub.clock.now() }
    }

    /// A delivery as a party to it sees it.
    pub(super) fn line(
        &self,
        delivery: DeliveryRow,
        envelope: &EnvelopeRow,
        received: &HashMap<String, DateTime<Utc>>,
    ) -> Result<SentLine, StoreError> {
        let progress = delivery.progress()?;
        let reaches = match progress.state {
            DeliveryState::Pending | DeliveryState::Consigned | DeliveryState::HandedOver => envelope.is_document(),
            DeliveryState::Withdrawn | DeliveryState::Failed => false,
        };
        let urgency = Urgency::of_number(&envelope.urgency.to_string());
        let receive_by = reaches.then(|| self.calendar.receive_by(delivery.accepted_at(), urgency));
        let received_at = received.get(&delivery.delivery_id).copied();
        Ok(SentLine {
            is_document: envelope.is_document(),
            subject: envelope.subject.clone(),
            code: envelope.code(),
            accepted_at: delivery.accepted_at(),
            fetched_at: delivery.fetched_at(),
            changed_at: delivery.changed_at(),
            state: progress.state,
            mark: progress.mark,
            envelope_id: delivery.envelope_id,
            delivery_id: delivery.delivery_id,
            sender: delivery.sender_code,
            recipient: delivery.recipient_code,
            document_id: delivery.document_id,
            recall: delivery.recall,
            via: delivery.via,
            receive_by,
            received_at,
            overdue: received_at.is_none() && receive_by.is_some_and(|by| by < self.now),
        })
    }
}

/// One envelope with its deliveries, statuses and lineage. `id` is the envelope's or a delivery's.
///
/// # Errors
/// `NotFound` unless the caller speaks for the sender or a recipient; `Store`.
pub async fn envelope(hub: &Hub, caller: &Caller, id: &str) -> Result<EnvelopeView, ExchangeError> {
    let (viewer, id, desk) = (Viewer::System(caller.system_id.clone()), id.to_owned(), Desk::of(hub));
    hub.store.read(move |tx| view(tx, &viewer, &id, &desk)).await?.ok_or(ExchangeError::NotFound)
}

/// What a viewer may see of an envelope; nothing when it is no party to it.
pub(super) fn view(
    tx: &mut Connection,
    viewer: &Viewer,
    id: &str,
    desk: &Desk,
) -> Result<Option<EnvelopeView>, StoreError> {
    let envelope_id = match deliveries::find(tx, id)? {
        Some(row) => row.envelope_id,
        None => id.to_owned(),
    };
    let Some(envelope) = envelopes::find(tx, &envelope_id)? else { return Ok(None) };
    let is_sender = viewer.holds(tx, &envelope.sender_code)?;
    let own = match is_sender {
        true => deliveries::of_envelope(tx, &envelope_id)?,
        false => viewer.deliveries_of(tx, &envelope_id)?,
    };
    if !is_sender && own.is_empty() {
        return Ok(None);
    }
    let ids: Vec<&str> = own.iter().map(|row| row.delivery_id.as_str()).collect();
    let statuses = envelopes::statuses_of(tx, &ids)?.into_iter().map(status).collect();
    let (acts_on, acted_on_by) = lineage(tx, &envelope, (viewer, is_sender))?;
    let received = envelopes::received_at(tx, &ids)?;
    let deliveries = own.into_iter().map(|row| desk.line(row, &envelope, &received)).collect::<Result<_, _>>()?;
    Ok(Some(EnvelopeView {
        is_document: envelope.is_document(),
        code: envelope.code(),
        accepted_at: envelope.accepted_at.and_utc(),
        sha256: digest_of(&envelope.payload_sha256),
        bytes: u64::try_from(envelope.bytes).unwrap_or(0),
        envelope_id,
        sender: envelope.sender_code,
        document_id: envelope.document_id,
        subject: envelope.subject,
        deliveries,
        statuses,
        acts_on,
        acted_on_by,
    }))
}

fn status(row: StatusRow) -> StatusLine {
    StatusLine {
        reporter: row.reporter_code,
        status_code: row.status_code,
        description: row.description,
        claimed_at: row.claimed_at.map(|at| at.and_utc()),
        accepted_at: row.accepted_at.and_utc(),
        envelope_id: row.envelope_id,
    }
}

fn lineage(
    tx: &mut Connection,
    envelope: &EnvelopeRow,
    (viewer, is_sender): (&Viewer, bool),
) -> Result<(Vec<LineageLink>, Vec<LineageLink>), StoreError> {
    let acts_on = envelopes::links_from(tx, &envelope.envelope_id)?.into_iter().map(|link| LineageLink {
        relation: link.relation,
        sender: link.target_sender_code,
        document_id: link.target_document_id,
        envelope_id: link.envelope_id,
    });
    let acts_on = acts_on.collect();
    // A status packet carries the identifier of the document it is about, but is not that document.
    if !envelope.is_document() {
        return Ok((acts_on, Vec::new()));
    }
    let mut acted_on_by = Vec::new();
    for (link, sender, document_id) in envelopes::links_to(tx, &envelope.sender_code, &envelope.document_id)? {
        // The sender of a document may see who acts on it; others only what they sent or were sent themselves.
        let may_see =
            is_sender || viewer.holds(tx, &sender)? || !viewer.deliveries_of(tx, &link.envelope_id)?.is_empty();
        if may_see && link.envelope_id != envelope.envelope_id {
            let LinkRow { relation, envelope_id, .. } = link;
            acted_on_by.push(LineageLink { relation, sender, document_id, envelope_id });
        }
    }
    Ok((acts_on, acted_on_by))
}
