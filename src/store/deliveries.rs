//! Deliveries: one envelope for one recipient. Every change is a guarded update: its `WHERE` repeats the state
//! from which `domain::delivery::next` computed the new one, and zero rows changed is an answer; but where the change waits
//! with others (`outcomes::move_on`) it drops the transaction.

use super::backlog::Waiting;
use super::connection::{Link, on_packets};
use super::envelopes::EnvelopeRow;
use super::literal::Literal;
use super::outcomes::{self, Change};
use super::relays::Came;
use super::schema::{deliveries, document_links, envelopes, system_agencies};
use super::{Connection, StoreError};
use crate::domain::delivery::{DeliveryState, PickupMark, Progress};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use serde_json::Value;

/// A delivery as it is kept.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = deliveries)]
pub struct DeliveryRow {
    /// Its id.
    pub delivery_id: String,
    /// The envelope.
    pub envelope_id: String,
    /// Canonical code of the sender.
    pub sender_code: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub packet_kind: String,
    /// Canonical code of the recipient.
    pub recipient_code: String,
    /// Tells apart packets of one kind that may be sent several times for one document; empty where they may not.
    pub occurrence: String,
    /// What the sender was told at acceptance.
    pub outcome: String,
    pub(super) state: String,
    pub(super) mark: String,
    /// What the recipient's software said beside its mark.
    pub note: String,
    /// How a recall of it stands: empty, `requested`, `agreed`, `refused`.
    pub recall: String,
    pub(super) fetched_at: Option<NaiveDateTime>,
    pub(super) accepted_at: NaiveDateTime,
    pub(super) changed_at: NaiveDateTime,
    /// The neighbouring hub that it was put in line for, or that has it.
    pub via: Option<String>,
    /// Which hubs passed it on (`relay::hops`), when it came from one.
    pub hops: Option<String>,
    /// The id that the last of them has for it.
    pub came_as: Option<String>,
}

/// The natural key of a delivery and what is told about it, to make one.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    /// Its id.
    pub delivery_id: String,
    /// The envelope.
    pub envelope_id: String,
    /// The natural key.
    pub key: NaturalKey,
    /// Consigned, pending for a push, or withdrawn with the document it speaks of.
    pub state: DeliveryState,
    /// See `DeliveryRow::via`.
    pub via: Option<String>,
    /// From a neighbouring hub, when it came from one.
    pub came: Option<Came>,
}

/// What makes a registration unique (design D5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NaturalKey {
    /// Canonical code of the sender.
    pub sender_code: String,
    /// Identifier of the document sent or reported about.
    pub document_id: String,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub packet_kind: String,
    /// Canonical code of the recipient.
    pub recipient_code: String,
    /// See `DeliveryRow::occurrence`.
    pub occurrence: String,
}

impl DeliveryRow {
    /// What a next state is computed from.
    ///
    /// # Errors
    /// `UnknownWord`.
    pub fn progress(&self) -> Result<Progress, StoreError> {
        let state = DeliveryState::of_word(&self.state);
        let mark = PickupMark::of_word(&self.mark);
        match (state, mark) {
            (Some(state), Some(mark)) => Ok(Progress { state, mark, fetched: self.fetched_at.is_some() }),
            (None, _) => Err(StoreError::UnknownWord { column: "deliveries.state", value: self.state.clone() }),
            (_, None) => Err(StoreError::UnknownWord { column: "deliveries.mark", value: self.mark.clone() }),
        }
    }

    /// A piece of evidence about it. `system_id`: the system that acted, when it was one.
    pub fn evidence(
        &self,
        event: EvidenceEvent,
        at: DateTime<Utc>,
        system_id: Option<&str>,
        facts: &Value,
    ) -> Evidence {
        Evidence {
            event,
            at,
            envelope_id: Some(self.envelope_id.clone()),
            delivery_id: Some(self.delivery_id.clone()),
            agency: Some(self.recipient_code.clone()),
            system_id: system_id.map(str::to_owned),
            facts: facts.to_string(),
        }
    }

    /// Whether it is of a document; else of a status packet.
    pub fn is_document(&self) -> bool {
        !self.packet_kind.starts_with("status-")
    }

    /// What makes it unique, in the order of the index.
    pub(super) fn natural_key(&self) -> [&str; 5] {
        [&self.document_id, &self.sender_code, &self.packet_kind, &self.recipient_code, &self.occurrence]
    }

    /// When it was accepted.
    pub fn accepted_at(&self) -> DateTime<Utc> {
        self.accepted_at.and_utc()
    }

    /// When its content first left for the recipient.
    pub fn fetched_at(&self) -> Option<DateTime<Utc>> {
        self.fetched_at.map(|t| t.and_utc())
    }

    /// When it last changed.
    pub fn changed_at(&self) -> DateTime<Utc> {
        self.changed_at.and_utc()
    }
}

/// Adds a delivery.
///
/// # Errors
/// `Statement`; a unique violation when the natural key is registered.
pub fn insert(tx: &mut Connection, new: NewDelivery, at: DateTime<Utc>) -> Result<DeliveryRow, StoreError> {
    let outcome = match new.state {
        DeliveryState::Withdrawn => "withdrawn",
        DeliveryState::Pending => "pending",
        DeliveryState::Consigned | DeliveryState::HandedOver | DeliveryState::Failed => "consigned",
    };
    let (hops, came_as) = new.came.map(|came| (came.hops, came.came_as)).unzip();
    let row = DeliveryRow {
        delivery_id: new.delivery_id,
        envelope_id: new.envelope_id,
        sender_code: new.key.sender_code,
        document_id: new.key.document_id,
        packet_kind: new.key.packet_kind,
        recipient_code: new.key.recipient_code,
        occurrence: new.key.occurrence,
        outcome: outcome.to_owned(),
        state: new.state.word().to_owned(),
        mark: PickupMark::Initial.word().to_owned(),
        note: String::new(),
        recall: String::new(),
        fetched_at: None,
        accepted_at: at.naive_utc(),
        changed_at: at.naive_utc(),
        via: new.via,
        hops,
        came_as,
    };
    tx.known.not_new(&row.document_id);
    match &mut tx.link {
        Link::Sqlite(c) => diesel::insert_into(deliveries::table).values(&row).execute(&mut **c).map(|_| ())?,
        Link::Postgres(_) => tx.put(Waiting::Delivery(row.clone()))?,
    }
    Ok(row)
}

/// The delivery of a natural key and the meaning of its envelope.
///
/// # Errors
/// `Statement`.
pub fn find_by_key(tx: &mut Connection, key: &NaturalKey) -> Result<Option<(DeliveryRow, Vec<u8>)>, StoreError> {
    if tx.known.is_new(&key.document_id) {
        return Ok(None);
    }
    Ok(on_packets!(tx, c => deliveries::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .filter(deliveries::sender_code.eq(&key.sender_code))
        .filter(deliveries::document_id.eq(&key.document_id))
        .filter(deliveries::packet_kind.eq(&key.packet_kind))
        .filter(deliveries::recipient_code.eq(&key.recipient_code))
        .filter(deliveries::occurrence.eq(&key.occurrence))
        .select((DeliveryRow::as_select(), envelopes::meaning))
        .get_result(c)
        .optional())?)
}

const CARRIERS: [&str; 3] = ["new", "replacement", "update"];

/// Every delivery by which a document reached or was to reach a recipient: its own, and those of updates of it.
///
/// # Errors
/// `Statement`.
pub fn of_document(tx: &mut Connection, sender_code: &str, document_id: &str) -> Result<Vec<DeliveryRow>, StoreError> {
    let mut rows: Vec<DeliveryRow> = on_packets!(tx, c => deliveries::table
        .filter(deliveries::sender_code.eq(sender_code))
        .filter(deliveries::document_id.eq(document_id))
        .filter(deliveries::packet_kind.eq_any(CARRIERS))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?;
    let by_update: Vec<DeliveryRow> = on_packets!(tx, c => deliveries::table
        .inner_join(document_links::table.on(document_links::envelope_id.eq(deliveries::envelope_id)))
        .filter(document_links::target_sender_code.eq(sender_code))
        .filter(document_links::target_document_id.eq(document_id))
        .filter(document_links::relation.eq("updates"))
        .filter(deliveries::document_id.ne(document_id))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?;
    rows.extend(by_update);
    Ok(rows)
}

/// Deliveries of documents of that identifier to a recipient, whoever sent them.
///
/// # Errors
/// `Statement`.
pub fn of_document_to(
    tx: &mut Connection,
    document_id: &str,
    recipient_code: &str,
) -> Result<Vec<DeliveryRow>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::document_id.eq(document_id))
        .filter(deliveries::recipient_code.eq(recipient_code))
        .filter(deliveries::packet_kind.eq_any(CARRIERS))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// Deliveries of an envelope, in the order in which they were made.
///
/// # Errors
/// `Statement`.
pub fn of_envelope(tx: &mut Connection, envelope_id: &str) -> Result<Vec<DeliveryRow>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq(envelope_id))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// Deliveries of an envelope to agencies that a system speaks for.
///
/// # Errors
/// `Statement`.
pub fn of_envelope_to(tx: &mut Connection, envelope_id: &str, system_id: &str) -> Result<Vec<DeliveryRow>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .inner_join(system_agencies::table.on(system_agencies::agency_code.eq(deliveries::recipient_code)))
        .filter(deliveries::envelope_id.eq(envelope_id))
        .filter(system_agencies::system_id.eq(system_id))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// The delivery of an id.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, delivery_id: &str) -> Result<Option<DeliveryRow>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::delivery_id.eq(delivery_id))
        .select(DeliveryRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The delivery of an id to an agency that a system speaks for, where it was foreseen that this is asked; once.
pub fn foreseen(tx: &mut Connection, system_id: &str, delivery_id: &str) -> Option<DeliveryRow> {
    tx.known.take_delivery(system_id, delivery_id)
}

/// Deliveries to a recipient that have failed, accepted within a time, with their envelopes, in the order of ids.
///
/// # Errors
/// `Statement`.
pub fn failed(
    tx: &mut Connection,
    recipient_code: &str,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
    (after, limit): (&str, i64),
) -> Result<Vec<(DeliveryRow, EnvelopeRow)>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .filter(deliveries::recipient_code.eq(recipient_code))
        .filter(deliveries::state.eq(Literal(DeliveryState::Failed.word())))
        .filter(deliveries::delivery_id.gt(after))
        .filter(deliveries::accepted_at.ge(from.naive_utc()))
        .filter(deliveries::accepted_at.le(until.naive_utc()))
        .order(deliveries::delivery_id.asc())
        .limit(limit)
        .select((DeliveryRow::as_select(), EnvelopeRow::as_select()))
        .load(c))?)
}

/// Deliveries of documents of these urgencies, or of status packets about such, that were accepted before a time and that
/// nobody fetched; up to `limit`.
///
/// # Errors
/// `Statement`.
pub fn unfetched(
    tx: &mut Connection,
    (is_status, urgencies): (bool, &[i32]),
    before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<DeliveryRow>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .filter(deliveries::state.eq(Literal(DeliveryState::Consigned.word())))
        .filter(deliveries::fetched_at.is_null())
        .filter(deliveries::accepted_at.lt(before.naive_utc()))
        .filter(deliveries::packet_kind.like("status-%").eq(is_status))
        .filter(envelopes::urgency.eq_any(urgencies))
        .limit(limit)
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// Deliveries of these envelopes to a recipient whose occurrence begins so: the occurrence and the delivery.
///
/// # Errors
/// `Statement`.
pub fn occurrences(
    tx: &mut Connection,
    recipient_code: &str,
    envelope_ids: &[&str],
    beginning: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq_any(envelope_ids))
        .filter(deliveries::recipient_code.eq(recipient_code))
        .filter(deliveries::occurrence.like(format!("{beginning}%")))
        .select((deliveries::occurrence, deliveries::delivery_id))
        .load(c))?)
}

/// Moves a delivery from one progress to another. Says whether it still stood where `from` says.
///
/// # Errors
/// `Statement`.
pub fn settle(
    tx: &mut Connection,
    row: &DeliveryRow,
    to: Progress,
    note: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let changed = outcomes::change(tx, &[Change { row, to, note }], at)?;
    Ok(changed == [true])
}

/// Notes how a recall of a delivery stands. Says whether it still stood at `from`.
///
/// # Errors
/// `Statement`.
pub fn set_recall(tx: &mut Connection, row: &DeliveryRow, to: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    tx.known.moved(&row.delivery_id);
    let changed = on_packets!(tx, c => diesel::update(deliveries::table)
        .filter(deliveries::delivery_id.eq(&row.delivery_id))
        .filter(deliveries::recall.eq(&row.recall))
        .set((deliveries::recall.eq(to), deliveries::changed_at.eq(at.naive_utc())))
        .execute(c))?;
    Ok(changed == 1)
}

/// Which deliveries to list.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// `Some(true)`: documents only; `Some(false)`: status packets only.
    pub documents: Option<bool>,
    /// Accepted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Accepted at or before.
    pub until: Option<DateTime<Utc>>,
    /// Only this envelope or delivery.
    pub id: Option<String>,
    /// Only after this delivery.
    pub after: Option<String>,
    /// Rows left out at the start.
    pub skip: i64,
    /// Most rows.
    pub limit: i64,
}

/// Codes of the agencies that a system speaks for, as a query inside another.
macro_rules! held {
    ($system_id:expr) => {
        system_agencies::table.filter(system_agencies::system_id.eq($system_id)).select(system_agencies::agency_code)
    };
}

/// Narrows a list of deliveries joined with their envelopes; the same for both lists and both databases.
macro_rules! selected {
    ($query:expr, $selection:expr) => {{
        let selection = $selection;
        let mut query = $query;
        if let Some(documents) = selection.documents {
            query = match documents {
                true => query.filter(deliveries::packet_kind.not_like("status-%")),
                false => query.filter(deliveries::packet_kind.like("status-%")),
            };
        }
        if let Some(from) = selection.from {
            query = query.filter(deliveries::accepted_at.ge(from.naive_utc()));
        }
        if let Some(until) = selection.until {
            query = query.filter(deliveries::accepted_at.le(until.naive_utc()));
        }
        if let Some(id) = &selection.id {
            query = query.filter(deliveries::envelope_id.eq(id).or(deliveries::delivery_id.eq(id)));
        }
        if let Some(after) = &selection.after {
            query = query.filter(deliveries::delivery_id.gt(after));
        }
        query
    }};
}

/// Deliveries at the disposal of the agencies of a system that are not done and not given back, oldest first.
///
/// # Errors
/// `Statement`.
pub fn list_waiting(
    tx: &mut Connection,
    system_id: &str,
    selection: &Selection,
) -> Result<Vec<(DeliveryRow, EnvelopeRow)>, StoreError> {
    Ok(on_packets!(tx, c => selected!(deliveries::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .filter(deliveries::state.eq(Literal(DeliveryState::Consigned.word())))
        .filter(deliveries::recall.ne("agreed").and(deliveries::via.is_null()))
        .filter(deliveries::recipient_code.eq_any(held!(system_id)))
        .select((DeliveryRow::as_select(), EnvelopeRow::as_select()))
        .into_boxed(), selection)
        .order(deliveries::delivery_id.asc())
        .offset(selection.skip)
        .limit(selection.limit)
        .load(c))?)
}

/// How many such deliveries there are.
///
/// # Errors
/// `Statement`.
pub fn count_waiting(tx: &mut Connection, system_id: &str, selection: &Selection) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => selected!(deliveries::table
        .filter(deliveries::state.eq(Literal(DeliveryState::Consigned.word())))
        .filter(deliveries::recall.ne("agreed").and(deliveries::via.is_null()))
        .filter(deliveries::recipient_code.eq_any(held!(system_id)))
        .count()
        .into_boxed(), selection)
        .get_result(c))?)
}

/// Deliveries of what the agencies of a system sent, newest first.
///
/// # Errors
/// `Statement`.
pub fn list_sent(
    tx: &mut Connection,
    system_id: &str,
    selection: &Selection,
) -> Result<Vec<(DeliveryRow, EnvelopeRow)>, StoreError> {
    Ok(on_packets!(tx, c => selected!(deliveries::table
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .filter(deliveries::sender_code.eq_any(held!(system_id)))
        .select((DeliveryRow::as_select(), EnvelopeRow::as_select()))
        .into_boxed(), selection)
        .order(deliveries::delivery_id.desc())
        .offset(selection.skip)
        .limit(selection.limit)
        .load(c))?)
}
