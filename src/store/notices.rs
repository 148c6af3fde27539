//! What notices tell of, looked up across tables: what could not be delivered, what was refused, what waits, which keys end.
//! Each is one statement for all whom it concerns.

use super::connection::{on, on_packets};
use super::literal::Literal;
use super::schema::{agencies, deliveries, envelopes, evidence, system_agencies, system_keys};
use super::systems::KeyRow;
use super::{Connection, StoreError};
use crate::domain::delivery::DeliveryState;
use crate::domain::evidence::EvidenceEvent;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

diesel::allow_columns_to_appear_in_same_group_by_clause!(deliveries::recipient_code, agencies::name, agencies::mail);

/// From when, inclusive, until when, exclusive.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// A delivery that could not be made.
#[derive(Debug, Clone, Queryable)]
pub struct FailureRow {
    at: NaiveDateTime,
    /// Facts of its evidence, a JSON object.
    pub facts: String,
    /// Canonical code of the recipient.
    pub recipient_code: String,
    /// The sender's identifier of the document.
    pub document_id: String,
    /// Number of the document.
    pub number: String,
    /// Its notation.
    pub notation: String,
    /// Canonical code of the sender.
    pub sender_code: String,
    /// Its address.
    pub mail: String,
}

impl FailureRow {
    /// When it was given up.
    pub fn at(&self) -> DateTime<Utc> {
        self.at.and_utc()
    }
}

/// Deliveries that were given up in a span, by senders that have an address; the newest first.
///
/// # Errors
/// `Statement`.
pub fn failures(tx: &mut Connection, (from, until): Span, limit: i64) -> Result<Vec<FailureRow>, StoreError> {
    Ok(on_packets!(tx, c => evidence::table
        .inner_join(deliveries::table.on(deliveries::delivery_id.nullable().eq(evidence::delivery_id)))
        .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
        .inner_join(agencies::table.on(agencies::agency_code.eq(deliveries::sender_code)))
        .filter(evidence::event.eq(Literal(EvidenceEvent::ContentConsignmentFailure.name())))
        .filter(evidence::at.ge(from.naive_utc()))
        .filter(evidence::at.lt(until.naive_utc()))
        .filter(deliveries::packet_kind.not_like("status-%"))
        .filter(agencies::mail.ne(""))
        .order(evidence::at.desc())
        .limit(limit)
        .select((
            evidence::at,
            evidence::facts,
            deliveries::recipient_code,
            deliveries::document_id,
            envelopes::code_number,
            envelopes::code_notation,
            deliveries::sender_code,
            agencies::mail,
        ))
        .load(c))?)
}

/// When packets were refused in a span for a reason whose code ends as `code` says; the newest first.
///
/// # Errors
/// `Statement`.
pub fn refusals(
    tx: &mut Connection,
    (from, until): Span,
    code: &str,
    limit: i64,
) -> Result<Vec<DateTime<Utc>>, StoreError> {
    let times: Vec<NaiveDateTime> = on_packets!(tx, c => evidence::table
        .filter(evidence::event.eq(Literal(EvidenceEvent::SubmissionRejection.name())))
        .filter(evidence::at.ge(from.naive_utc()))
        .filter(evidence::at.lt(until.naive_utc()))
        .filter(evidence::facts.like(format!("%{code}\"%")))
        .order(evidence::at.desc())
        .limit(limit)
        .select(evidence::at)
        .load(c))?;
    Ok(times.into_iter().map(|at| at.and_utc()).collect())
}

/// Documents that wait in the mailbox of an agency that has an address.
#[derive(Debug, Clone, Queryable)]
pub struct WaitingRow {
    /// Canonical code.
    pub agency_code: String,
    /// Its name.
    pub name: String,
    /// Its address.
    pub mail: String,
    /// How many wait.
    pub number: i64,
    oldest: Option<NaiveDateTime>,
}

impl WaitingRow {
    /// When the oldest was accepted.
    pub fn oldest(&self) -> Option<DateTime<Utc>> {
        self.oldest.map(|at| at.and_utc())
    }
}

/// What waits here, agency by agency; what a neighbouring hub has, that one tells of.
///
/// # Errors
/// `Statement`.
pub fn waiting(tx: &mut Connection, today: &str) -> Result<Vec<WaitingRow>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .inner_join(agencies::table.on(agencies::agency_code.eq(deliveries::recipient_code)))
        .filter(deliveries::state.eq(Literal(DeliveryState::Consigned.word())))
        .filter(deliveries::recall.ne("agreed"))
        .filter(deliveries::via.is_null())
        .filter(deliveries::packet_kind.not_like("status-%"))
        .filter(agencies::mail.ne(""))
        .filter(agencies::state.eq("open"))
        .filter(agencies::valid_until.is_null().or(agencies::valid_until.ge(today)))
        .group_by((deliveries::recipient_code, agencies::name, agencies::mail))
        .select((
            deliveries::recipient_code,
            agencies::name,
            agencies::mail,
            diesel::dsl::count_star(),
            diesel::dsl::min(deliveries::accepted_at),
        ))
        .load(c))?)
}

/// How many of those were accepted before the time for their urgency, agency by agency.
///
/// # Errors
/// `Statement`.
pub fn overdue(tx: &mut Connection, limits: &[(i32, DateTime<Utc>)]) -> Result<HashMap<String, i64>, StoreError> {
    let mut overdue: HashMap<String, i64> = HashMap::new();
    for (urgency, before) in limits {
        let rows: Vec<(String, i64)> = on_packets!(tx, c => deliveries::table
            .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
            .filter(deliveries::state.eq(Literal(DeliveryState::Consigned.word())))
            .filter(deliveries::recall.ne("agreed"))
            .filter(deliveries::via.is_null())
            .filter(deliveries::packet_kind.not_like("status-%"))
            .filter(deliveries::accepted_at.lt(before.naive_utc()))
            .filter(envelopes::urgency.eq(urgency))
            .group_by(deliveries::recipient_code)
            .select((deliveries::recipient_code, diesel::dsl::count_star()))
            .load(c))?;
        for (agency, number) in rows {
            let sum = overdue.entry(agency).or_default();
            *sum = sum.saturating_add(number);
        }
    }
    Ok(overdue)
}

/// Live keys that end in a span, its end included.
///
/// # Errors
/// `Statement`.
pub fn keys_that_end(tx: &mut Connection, (from, until): Span) -> Result<Vec<KeyRow>, StoreError> {
    Ok(on!(tx, c => system_keys::table
        .filter(system_keys::revoked_at.is_null())
        .filter(system_keys::expires_at.ge(from.naive_utc()))
        .filter(system_keys::expires_at.le(until.naive_utc()))
        .order(system_keys::key_id.asc())
        .select(KeyRow::as_select())
        .load(c))?)
}

/// Addresses of the agencies that these systems hold: system and address.
///
/// # Errors
/// `Statement`.
pub fn addresses_of(tx: &mut Connection, systems: &[String]) -> Result<Vec<(String, String)>, StoreError> {
    if systems.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(tx, c => system_agencies::table
        .inner_join(agencies::table.on(agencies::agency_code.eq(system_agencies::agency_code)))
        .filter(system_agencies::system_id.eq_any(systems))
        .filter(agencies::mail.ne(""))
        .order((system_agencies::system_id.asc(), system_agencies::agency_code.asc()))
        .select((system_agencies::system_id, agencies::mail))
        .load(c))?)
}
