//! Evidence: appended in the transaction of the event, never changed (triggers), read by its envelope.

use super::backlog::Waiting;
use super::connection::{Link, on_packets};
use super::schema::{deliveries, evidence, ledger_entries, system_agencies};
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Appends one piece of evidence.
///
/// # Errors
/// `Statement`.
pub fn append(tx: &mut Connection, evidence_id: &str, piece: &Evidence) -> Result<(), StoreError> {
    match &mut tx.link {
        Link::Sqlite(c) => diesel::insert_into(evidence::table)
            .values((
                evidence::evidence_id.eq(evidence_id),
                evidence::event.eq(piece.event.name()),
                evidence::at.eq(piece.at.naive_utc()),
                evidence::envelope_id.eq(&piece.envelope_id),
                evidence::delivery_id.eq(&piece.delivery_id),
                evidence::agency.eq(&piece.agency),
                evidence::system_id.eq(&piece.system_id),
                evidence::facts.eq(&piece.facts),
            ))
            .execute(&mut **c)
            .map(|_| ())?,
        Link::Postgres(_) => tx.put(Waiting::Evidence(EvidenceRow {
            evidence_id: evidence_id.to_owned(),
            event: piece.event.name().to_owned(),
            at: piece.at.naive_utc(),
            envelope_id: piece.envelope_id.clone(),
            delivery_id: piece.delivery_id.clone(),
            agency: piece.agency.clone(),
            system_id: piece.system_id.clone(),
            facts: piece.facts.clone(),
        }))?,
    }
    Ok(())
}

/// One piece of evidence as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = evidence)]
pub struct EvidenceRow {
    /// Its id, ordered by time.
    pub evidence_id: String,
    /// Event name.
    pub event: String,
    /// When, UTC.
    pub at: NaiveDateTime,
    /// The envelope concerned.
    pub envelope_id: Option<String>,
    /// The delivery concerned.
    pub delivery_id: Option<String>,
    /// The agency on whose side it happened.
    pub agency: Option<String>,
    /// The system that acted.
    pub system_id: Option<String>,
    /// Further facts, a JSON object.
    pub facts: String,
}

/// A page of the evidence in the order in which it was made.
///
/// # Errors
/// `Statement`.
pub fn list_after(tx: &mut Connection, after: &str, limit: i64) -> Result<Vec<EvidenceRow>, StoreError> {
    Ok(on_packets!(tx, c => evidence::table
        .filter(evidence::evidence_id.gt(after))
        .order(evidence::evidence_id.asc())
        .limit(limit)
        .select(EvidenceRow::as_select())
        .load(c))?)
}

/// A piece of evidence.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, evidence_id: &str) -> Result<Option<EvidenceRow>, StoreError> {
    Ok(on_packets!(tx, c => evidence::table
        .filter(evidence::evidence_id.eq(evidence_id))
        .select(EvidenceRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Pieces of evidence by their ids, in that order.
///
/// # Errors
/// `Statement`.
pub fn of_ids(tx: &mut Connection, evidence_ids: &[&str]) -> Result<Vec<EvidenceRow>, StoreError> {
    let mut rows: Vec<EvidenceRow> = Vec::new();
    for some in evidence_ids.chunks(IDS_MAX) {
        rows.extend(on_packets!(tx, c => evidence::table
            .filter(evidence::evidence_id.eq_any(some))
            .select(EvidenceRow::as_select())
            .load::<EvidenceRow>(c))?);
    }
    rows.sort_by(|a, b| a.evidence_id.cmp(&b.evidence_id));
    Ok(rows)
}

/// Evidence of envelopes themselves that was sealed below an index, in the order of ids; not who opened them, which is for the
/// side of that person alone.
///
/// # Errors
/// `Statement`.
pub fn sealed_of_envelopes(
    tx: &mut Connection,
    envelope_ids: &[&str],
    below: i64,
) -> Result<Vec<EvidenceRow>, StoreError> {
    let mut rows: Vec<EvidenceRow> = Vec::new();
    for some in envelope_ids.chunks(IDS_MAX) {
        rows.extend(on_packets!(tx, c => evidence::table
            .inner_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
            .filter(evidence::envelope_id.eq_any(some))
            .filter(evidence::delivery_id.is_null())
            .filter(evidence::event.ne(EvidenceEvent::ContentViewed.name()))
            .filter(ledger_entries::ledger_index.lt(below))
            .select(EvidenceRow::as_select())
            .load::<EvidenceRow>(c))?);
    }
    rows.sort_by(|a, b| a.evidence_id.cmp(&b.evidence_id));
    Ok(rows)
}

/// Evidence of deliveries that was sealed below an index, in the order of ids.
///
/// # Errors
/// `Statement`.
pub fn sealed_of_deliveries(
    tx: &mut Connection,
    delivery_ids: &[&str],
    below: i64,
) -> Result<Vec<EvidenceRow>, StoreError> {
    let mut rows: Vec<EvidenceRow> = Vec::new();
    for some in delivery_ids.chunks(IDS_MAX) {
        rows.extend(on_packets!(tx, c => evidence::table
            .inner_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
            .filter(evidence::delivery_id.eq_any(some))
            .filter(ledger_entries::ledger_index.lt(below))
            .select(EvidenceRow::as_select())
            .load::<EvidenceRow>(c))?);
    }
    rows.sort_by(|a, b| a.evidence_id.cmp(&b.evidence_id));
    Ok(rows)
}

/// The evidence that an envelope was accepted.
///
/// # Errors
/// `Statement`.
pub fn of_acceptance(tx: &mut Connection, envelope_id: &str) -> Result<Option<EvidenceRow>, StoreError> {
    Ok(on_packets!(tx, c => evidence::table
        .filter(evidence::envelope_id.eq(envelope_id))
        .filter(evidence::delivery_id.is_null())
        .filter(evidence::event.eq(EvidenceEvent::SubmissionAcceptance.name()))
        .order(evidence::evidence_id.asc())
        .select(EvidenceRow::as_select())
        .first(c)
        .optional())?)
}

/// Facts of the evidence about a delivery.
///
/// # Errors
/// `Statement`.
pub fn facts_of_delivery(tx: &mut Connection, delivery_id: &str) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => evidence::table
        .filter(evidence::delivery_id.eq(delivery_id))
        .select(evidence::facts)
        .load(c))?)
}

/// Whose evidence of an envelope is wanted.
#[derive(Debug, Clone, Copy)]
pub enum Share<'a> {
    /// That of every delivery: the sender's view.
    Whole,
    /// That of deliveries to agencies of this system.
    Of(&'a str),
    /// That of these deliveries.
    These(&'a [&'a str]),
}

/// Whose openings of the content are wanted beside it.
#[derive(Debug, Clone, Copy)]
pub enum Openings<'a> {
    /// Nobody's.
    Nobody,
    /// Those of people of these agencies.
    Of(&'a [String]),
    /// Everybody's.
    All,
}

/// Evidence, and its index in the ledger.
pub type Placed = (EvidenceRow, Option<i64>);

/// Evidence of an envelope itself and of its deliveries, whichever packet caused it, in the order in which it was made, with
/// its place in the ledger if it has one.
///
/// # Errors
/// `Statement`.
pub fn of_document(
    tx: &mut Connection,
    envelope_id: &str,
    (share, openings): (Share<'_>, Openings<'_>),
    (after, limit): (&str, i64),
) -> Result<Vec<Placed>, StoreError> {
    let mut rows: Vec<Placed> = on_packets!(tx, c => {
        let mut query = evidence::table
            .left_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
            .filter(evidence::envelope_id.eq(envelope_id))
            .filter(evidence::delivery_id.is_null())
            .filter(evidence::evidence_id.gt(after))
            .select((EvidenceRow::as_select(), ledger_entries::ledger_index.nullable()))
            .into_boxed();
        let opened = EvidenceEvent::ContentViewed.name();
        match openings {
            Openings::Nobody => query = query.filter(evidence::event.ne(opened)),
            Openings::Of(codes) => query = query.filter(evidence::event.ne(opened).or(evidence::agency.eq_any(codes))),
            Openings::All => {}
        }
        query.order(evidence::evidence_id.asc()).limit(limit).load(c)
    })?;
    let of_deliveries: Vec<Placed> = match share {
        Share::Whole => on_packets!(tx, c => evidence::table
            .left_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
            .filter(evidence::delivery_id.eq_any(deliveries::table
                .filter(deliveries::envelope_id.eq(envelope_id))
                .select(deliveries::delivery_id.nullable())))
            .filter(evidence::evidence_id.gt(after))
            .order(evidence::evidence_id.asc())
            .limit(limit)
            .select((EvidenceRow::as_select(), ledger_entries::ledger_index.nullable()))
            .load(c))?,
        Share::Of(system_id) => on_packets!(tx, c => evidence::table
            .left_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
            .filter(evidence::delivery_id.eq_any(deliveries::table
                .inner_join(system_agencies::table.on(system_agencies::agency_code.eq(deliveries::recipient_code)))
                .filter(deliveries::envelope_id.eq(envelope_id))
                .filter(system_agencies::system_id.eq(system_id))
                .select(deliveries::delivery_id.nullable())))
            .filter(evidence::evidence_id.gt(after))
            .order(evidence::evidence_id.asc())
            .limit(limit)
            .select((EvidenceRow::as_select(), ledger_entries::ledger_index.nullable()))
            .load(c))?,
        Share::These(delivery_ids) => on_packets!(tx, c => evidence::table
            .left_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
            .filter(evidence::delivery_id.eq_any(delivery_ids))
            .filter(evidence::evidence_id.gt(after))
            .order(evidence::evidence_id.asc())
            .limit(limit)
            .select((EvidenceRow::as_select(), ledger_entries::ledger_index.nullable()))
            .load(c))?,
    };
    rows.extend(of_deliveries);
    rows.sort_by(|(a, _), (b, _)| a.evidence_id.cmp(&b.evidence_id));
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(rows)
}
