//! A status packet: which document and which parties it is about, whom it goes to, and what it changes.

use super::recall;
use super::register::{Case, Plan, PlanLine, Planned, append};
use super::routes::agency_of;
use crate::domain::agency::{Agency, AgencyCode};
use crate::domain::delivery::DeliveryState;
use crate::domain::envelope::StatusReport;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::domain::rules;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{EnvelopeRow, StatusRow};
use crate::store::{Connection, StoreError, deliveries, envelopes};

/// Plans a status packet. It goes to the organ id in `ResponseFor`; only where that names the reporter itself
/// do the addressees from outside the packet count, and then the parties of the document (docs/sdk.md).
pub(super) fn plan(
    tx: &mut Connection,
    sender: &Agency,
    (status, meaning): (&StatusReport, Digest),
    case: &Case,
) -> Result<Planned, StoreError> {
    let document_id = status.about.document_id.clone().unwrap_or_default();
    let other = match &status.about.organ_id {
        Some(organ_id) => agency_of(tx, organ_id)?.map(|agency| agency.code),
        None => None,
    };
    let addressees = match other {
        Some(code) if code != sender.code => vec![code],
        Some(_) | None => addressees(tx, sender, (status, &document_id), case)?,
    };
    let mut plan = Plan {
        sender: sender.code.clone(),
        document_id,
        packet_kind: format!("status-{}", status.code.as_str()),
        occurrence: occurrence(status, meaning),
        lines: Vec::new(),
        links: Vec::new(),
        repeats: None,
    };
    let mut repeated = Vec::new();
    for addressee in addressees {
        let about = about(tx, status, (&plan.sender, &addressee), &plan.document_id)?;
        let Some(latest) = about.last() else { continue };
        let before = envelopes::latest_status(tx, &latest.delivery_id, sender.code.as_str())?;
        repeated.push(match asks_or_answers_anew(status, &about)? {
            true => None,
            false => before.filter(|(_, of_before)| *of_before == meaning).map(|(id, _)| id),
        });
        let takes_back = if status.code.asks_back() { about } else { Vec::new() };
        plan.lines.push(PlanLine { takes_back, ..PlanLine::to(addressee) });
    }
    // A report equal to the latest one says nothing new, even when its time stamp was made afresh: to nobody.
    let repeated: Option<Vec<String>> = repeated.into_iter().collect();
    plan.repeats = repeated.and_then(|ids| ids.into_iter().max());
    if plan.lines.is_empty() {
        let place = "MessageHeader/ResponseFor";
        return Ok(Err(vec![rules::violation("M.MessageHeader.ResponseFor.Unknown", place, &[&plan.document_id])]));
    }
    Ok(Ok(plan))
}

/// Whether a report equal to the latest one says something new all the same: it answers a request that is still
/// open, or asks for a document that is neither withdrawn nor asked for.
fn asks_or_answers_anew(status: &StatusReport, about: &[DeliveryRow]) -> Result<bool, StoreError> {
    if status.code.answers_recall().is_some() {
        return Ok(about.iter().any(|row| row.recall == "requested"));
    }
    if !status.code.asks_back() {
        return Ok(false);
    }
    for row in about {
        let is_there = row.progress()?.state != DeliveryState::Withdrawn;
        if is_there && matches!(row.recall.as_str(), "" | "refused") {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Reports may come again and again; the same one at the same claimed time is the same report.
fn occurrence(status: &StatusReport, meaning: Digest) -> String {
    let at = status.claimed_at.map_or(0, |at| at.timestamp_micros());
    format!("{}:{at}", meaning.hex())
}

/// Who gets a status packet that names no other party.
fn addressees(
    tx: &mut Connection,
    sender: &Agency,
    (status, document_id): (&StatusReport, &str),
    case: &Case,
) -> Result<Vec<AgencyCode>, StoreError> {
    let mut codes = Vec::new();
    for organ_id in &case.addressees {
        codes.extend(agency_of(tx, organ_id)?.map(|agency| agency.code));
    }
    codes.retain(|code| *code != sender.code);
    if codes.is_empty() {
        let parties: Vec<String> = match status.code.asks_back() {
            true => {
                let sent = deliveries::of_document(tx, sender.code.as_str(), document_id)?;
                sent.into_iter().map(|row| row.recipient_code).collect()
            }
            false => {
                let got = deliveries::of_document_to(tx, document_id, sender.code.as_str())?;
                got.into_iter().map(|row| row.sender_code).collect()
            }
        };
        codes = parties.into_iter().map(AgencyCode).collect();
    }
    let mut once: Vec<AgencyCode> = Vec::new();
    for code in codes {
        if !once.contains(&code) {
            once.push(code);
        }
    }
    Ok(once)
}

/// The deliveries of the document between the reporter and the addressee.
fn about(
    tx: &mut Connection,
    status: &StatusReport,
    (reporter, addressee): (&AgencyCode, &AgencyCode),
    document_id: &str,
) -> Result<Vec<DeliveryRow>, StoreError> {
    let (sender, recipient) = match status.code.asks_back() {
        true => (reporter, addressee),
        false => (addressee, reporter),
    };
    let mut rows = deliveries::of_document(tx, sender.as_str(), document_id)?;
    rows.retain(|row| row.recipient_code == recipient.0);
    Ok(rows)
}

/// Records an accepted report against the deliveries it is about, and closes a recall that it answers.
pub(super) fn record(
    tx: &mut Connection,
    case: &Case,
    (row, status): (&EnvelopeRow, &StatusReport),
    lines: &[DeliveryRow],
) -> Result<(), StoreError> {
    for line in lines {
        let parties = (&AgencyCode(row.sender_code.clone()), &AgencyCode(line.recipient_code.clone()));
        let about = about(tx, status, parties, &row.document_id)?;
        let Some(latest) = about.last() else { continue };
        let report = StatusRow {
            envelope_id: row.envelope_id.clone(),
            delivery_id: latest.delivery_id.clone(),
            reporter_code: row.sender_code.clone(),
            status_code: status.code.as_str().to_owned(),
            description: status.description.clone(),
            claimed_at: status.claimed_at.map(|at| at.naive_utc()),
            accepted_at: case.now.naive_utc(),
        };
        envelopes::insert_status(tx, &report)?;
        append(tx, case, EvidenceEvent::StatusReported, row, latest)?;
        if let Some(agreed) = status.code.answers_recall() {
            recall::answer(tx, case, row, (&about, agreed))?;
        }
    }
    Ok(())
}
