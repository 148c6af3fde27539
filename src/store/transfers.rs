//! The transfer log (nhật ký liên thông): documents that came to an agency, and documents that it sent, the newest first,
//! page by page along an index. Not here: mailboxes and lists of the APIs (`deliveries`).

use super::connection::on_packets;
use super::deliveries::DeliveryRow;
use super::envelopes::EnvelopeRow;
use super::literal::{ByState, Literal, OfDocuments};
use super::schema::{agencies, attachments, deliveries, envelopes, status_reports};
use super::{Connection, StoreError};
use crate::domain::delivery::DeliveryState;
use crate::domain::status::TELL_RECEIPT;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use std::collections::HashMap;

/// What of a log is wanted.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// Accepted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Accepted before.
    pub until: Option<DateTime<Utc>>,
    /// Deliveries in one of these states; of documents sent: those with such a delivery. None: whichever.
    pub states: Vec<DeliveryState>,
    /// Documents of this urgency.
    pub urgency: Option<i32>,
    /// Documents of the kind of this very name.
    pub type_name: Option<String>,
    /// Documents that do this: `new`, `recall`, `update` or `replacement`.
    pub business: Option<String>,
    /// Of documents that came: those about which this was reported.
    pub status: Option<Reported>,
    /// Only what stands before this: when it was accepted, and the id of the delivery or envelope.
    pub before: Option<(DateTime<Utc>, String)>,
    /// Only what stands behind this.
    pub since: Option<(DateTime<Utc>, String)>,
    /// Most rows.
    pub limit: i64,
}

/// What was reported about a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reported {
    /// Nothing.
    Nothing,
    /// Nothing that tells that it was received or given back, although it reaches its recipient.
    NoReceipt,
    /// This status, whatever else.
    Code(String),
}

impl Part {
    fn words(&self) -> Vec<&'static str> {
        self.states.iter().map(|state| state.word()).collect()
    }
}

/// Deliveries of documents to some agencies, the newest first.
///
/// # Errors
/// `Statement`.
pub fn arrived(
    tx: &mut Connection,
    agency_codes: &[String],
    part: &Part,
) -> Result<Vec<(DeliveryRow, EnvelopeRow)>, StoreError> {
    let words = part.words();
    Ok(on_packets!(tx, c => {
        let mut query = deliveries::table
            .inner_join(envelopes::table.on(envelopes::envelope_id.eq(deliveries::envelope_id)))
            .filter(OfDocuments("deliveries"))
            .select((DeliveryRow::as_select(), EnvelopeRow::as_select()))
            .into_boxed();
        // The rows of one agency stand in order in the index; those of several are sorted.
        query = match agency_codes {
            [one] => query.filter(deliveries::recipient_code.eq(one)),
            several => query.filter(deliveries::recipient_code.eq_any(several)),
        };
        if let Some(from) = part.from {
            query = query.filter(deliveries::accepted_at.ge(from.naive_utc()));
        }
        if let Some(until) = part.until {
            query = query.filter(deliveries::accepted_at.lt(until.naive_utc()));
        }
        if !words.is_empty() {
            query = query.filter(deliveries::state.eq_any(&words));
        }
        if let Some(urgency) = part.urgency {
            query = query.filter(envelopes::urgency.eq(urgency));
        }
        if let Some(type_name) = &part.type_name {
            query = query.filter(envelopes::type_name.eq(type_name));
        }
        if let Some(business) = &part.business {
            query = query.filter(deliveries::packet_kind.eq(business));
        }
        let reports = status_reports::table.filter(status_reports::delivery_id.eq(deliveries::delivery_id));
        match &part.status {
            None => {}
            Some(Reported::Nothing) => query = query.filter(not(exists(reports))),
            Some(Reported::NoReceipt) => {
                query = query.filter(not(exists(reports.filter(status_reports::status_code.eq_any(TELL_RECEIPT)))));
            }
            Some(Reported::Code(code)) => query = query.filter(exists(reports.filter(status_reports::status_code.eq(code)))),
        }
        if let Some((at, id)) = &part.since {
            let at = at.naive_utc();
            query = query.filter(deliveries::accepted_at.ge(at)).filter(deliveries::accepted_at.gt(at).or(deliveries::delivery_id.gt(id)));
        }
        if let Some((at, id)) = &part.before {
            let at = at.naive_utc();
            // The first condition bounds the index, the second goes on within one moment.
            query = query.filter(deliveries::accepted_at.le(at)).filter(deliveries::accepted_at.lt(at).or(deliveries::delivery_id.lt(id)));
        }
        query.order((deliveries::accepted_at.desc(), deliveries::delivery_id.desc())).limit(part.limit).load(c)
    })?)
}

/// Documents that some agencies sent, the newest first.
///
/// # Errors
/// `Statement`.
pub fn sent(tx: &mut Connection, agency_codes: &[String], part: &Part) -> Result<Vec<EnvelopeRow>, StoreError> {
    let words = part.words();
    Ok(on_packets!(tx, c => {
        let mut query = envelopes::table
            .filter(OfDocuments("envelopes"))
            .select(EnvelopeRow::as_select())
            .into_boxed();
        query = match agency_codes {
            [one] => query.filter(envelopes::sender_code.eq(one)),
            several => query.filter(envelopes::sender_code.eq_any(several)),
        };
        if let Some(from) = part.from {
            query = query.filter(envelopes::accepted_at.ge(from.naive_utc()));
        }
        if let Some(until) = part.until {
            query = query.filter(envelopes::accepted_at.lt(until.naive_utc()));
        }
        if !words.is_empty() {
            query = query.filter(exists(deliveries::table
                .filter(deliveries::envelope_id.eq(envelopes::envelope_id))
                .filter(deliveries::state.eq_any(words))));
        }
        if let Some(urgency) = part.urgency {
            query = query.filter(envelopes::urgency.eq(urgency));
        }
        if let Some(type_name) = &part.type_name {
            query = query.filter(envelopes::type_name.eq(type_name));
        }
        if let Some(business) = &part.business {
            query = query.filter(envelopes::packet_kind.eq(business));
        }
        if let Some((at, id)) = &part.since {
            let at = at.naive_utc();
            query = query.filter(envelopes::accepted_at.ge(at)).filter(envelopes::accepted_at.gt(at).or(envelopes::envelope_id.gt(id)));
        }
        if let Some((at, id)) = &part.before {
            let at = at.naive_utc();
            // The first condition bounds the index, the second goes on within one moment.
            query = query.filter(envelopes::accepted_at.le(at)).filter(envelopes::accepted_at.lt(at).or(envelopes::envelope_id.lt(id)));
        }
        query.order((envelopes::accepted_at.desc(), envelopes::envelope_id.desc())).limit(part.limit).load(c)
    })?)
}

/// How many of the newest deliveries of documents to some agencies since a time, up to a number, are in which state.
///
/// # Errors
/// `Statement`.
pub fn states_of_arrived(
    tx: &mut Connection,
    agency_codes: &[String],
    since: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    Ok(on_packets!(tx, c => ByState(deliveries::table
        .filter(deliveries::recipient_code.eq_any(agency_codes))
        .filter(OfDocuments("deliveries"))
        .filter(deliveries::accepted_at.ge(since.naive_utc()))
        .order((deliveries::accepted_at.desc(), deliveries::delivery_id.desc()))
        .limit(most)
        .select(deliveries::state))
        .load(c))?)
}

/// How many deliveries are at the disposal of an agency that it has not fetched.
///
/// # Errors
/// `Statement`.
pub fn number_unfetched(tx: &mut Connection, agency_code: &str) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::recipient_code.eq(agency_code))
        .filter(deliveries::state.eq(Literal(DeliveryState::Consigned.word())))
        .filter(deliveries::fetched_at.is_null())
        .filter(deliveries::via.is_null())
        .count()
        .get_result(c))?)
}

/// The newest deliveries of documents to an agency that nobody recalled, up to a number: state, when it was accepted, when it last changed.
///
/// # Errors
/// `Statement`.
pub fn newest_arrivals(
    tx: &mut Connection,
    agency_code: &str,
    most: i64,
) -> Result<Vec<(String, NaiveDateTime, NaiveDateTime)>, StoreError> {
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::recipient_code.eq(agency_code))
        .filter(OfDocuments("deliveries"))
        // When the recall was answered is no time of receipt.
        .filter(deliveries::recall.eq(""))
        .order((deliveries::accepted_at.desc(), deliveries::delivery_id.desc()))
        .limit(most)
        .select((deliveries::state, deliveries::accepted_at, deliveries::changed_at))
        .load(c))?)
}

/// How many deliveries of these envelopes are in which state.
///
/// # Errors
/// `Statement`.
pub fn tallies(tx: &mut Connection, envelope_ids: &[&str]) -> Result<Vec<(String, String, i64)>, StoreError> {
    if envelope_ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq_any(envelope_ids))
        .group_by((deliveries::envelope_id, deliveries::state))
        .select((deliveries::envelope_id, deliveries::state, diesel::dsl::count_star()))
        .load(c))?)
}

/// The first recipient of each of these envelopes, to name one of many.
///
/// # Errors
/// `Statement`.
pub fn first_recipients(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    if envelope_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, Option<String>)> = on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq_any(envelope_ids))
        .group_by(deliveries::envelope_id)
        .select((deliveries::envelope_id, diesel::dsl::min(deliveries::recipient_code)))
        .load(c))?;
    Ok(rows.into_iter().filter_map(|(envelope, code)| Some((envelope, code?))).collect())
}

/// Deliveries of these envelopes to some agencies only: envelope, recipient, state.
///
/// # Errors
/// `Statement`.
pub fn states_to(
    tx: &mut Connection,
    envelope_ids: &[&str],
    recipients: &[String],
) -> Result<Vec<(String, String, String)>, StoreError> {
    if envelope_ids.is_empty() || recipients.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq_any(envelope_ids))
        .filter(deliveries::recipient_code.eq_any(recipients))
        .order(deliveries::recipient_code.desc())
        .select((deliveries::envelope_id, deliveries::recipient_code, deliveries::state))
        .load(c))?)
}

/// Deliveries of an envelope to some agencies.
///
/// # Errors
/// `Statement`.
pub fn of_envelope_among(
    tx: &mut Connection,
    envelope_id: &str,
    recipients: &[String],
) -> Result<Vec<DeliveryRow>, StoreError> {
    if recipients.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on_packets!(tx, c => deliveries::table
        .filter(deliveries::envelope_id.eq(envelope_id))
        .filter(deliveries::recipient_code.eq_any(recipients))
        .order(deliveries::delivery_id.asc())
        .select(DeliveryRow::as_select())
        .load(c))?)
}

/// The last status that was reported for each of these deliveries.
///
/// # Errors
/// `Statement`.
pub fn last_statuses(tx: &mut Connection, delivery_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    if delivery_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => status_reports::table
        .filter(status_reports::delivery_id.eq_any(delivery_ids))
        .order(status_reports::envelope_id.asc())
        .select((status_reports::delivery_id, status_reports::status_code))
        .load(c))?;
    Ok(rows.into_iter().collect())
}

/// The names of agencies, by code.
///
/// # Errors
/// `Statement`.
pub fn names(tx: &mut Connection, codes: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    if codes.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => agencies::table
        .filter(agencies::agency_code.eq_any(codes))
        .select((agencies::agency_code, agencies::name))
        .load(c))?;
    Ok(rows.into_iter().collect())
}

/// Something attached to a document.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// What it says it is.
    pub content_type: String,
    /// Its size.
    pub bytes: i64,
    /// SHA-256.
    pub sha256: Vec<u8>,
}

/// What is attached to an envelope, in order.
///
/// # Errors
/// `Statement`.
pub fn attachments_of(tx: &mut Connection, envelope_id: &str) -> Result<Vec<Attached>, StoreError> {
    Ok(on_packets!(tx, c => attachments::table
        .filter(attachments::envelope_id.eq(envelope_id))
        .order(attachments::number.asc())
        .select((attachments::name, attachments::content_type, attachments::bytes, attachments::sha256))
        .load(c))?)
}
