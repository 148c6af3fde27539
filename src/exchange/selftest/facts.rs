//! What the register and the marks say of a run, as facts to be judged.

use super::{names_of, packets};
use crate::domain::packet::Digest;
use crate::domain::selftest::{
    self as cases, Answered, Arrived, Facts, Hindrance, Note, PARTNER, Report, RunName, Sent, What,
};
use crate::exchange::ExchangeError;
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::selftest::{MarkRow, RunRow};
use crate::store::{Connection, StoreError, deliveries, envelopes, selftest as table};
use chrono::TimeDelta;
use std::collections::BTreeMap;

/// Everything that is known of a run.
pub(super) async fn gather(hub: &Hub, row: &RunRow) -> Result<Facts, ExchangeError> {
    let tolerance = i64::try_from(hub.config.selftest.clock_tolerance_seconds).ok().and_then(TimeDelta::try_seconds);
    let (row, tolerance) = (row.clone(), tolerance.unwrap_or_default());
    Ok(hub.store.read(move |tx| read(tx, &row, tolerance)).await?)
}

fn read(tx: &mut Connection, row: &RunRow, tolerance: TimeDelta) -> Result<Facts, StoreError> {
    let run = names_of(&row.run_id, row.started_at);
    let marks = table::marks_of(tx, &row.run_id)?;
    let arrived = arrivals(tx, &marks)?;
    let sent = sent(tx, row, (&run, &marks), &arrived)?;
    let hindrance = |mark: &MarkRow| {
        let answered = Answered::of_word(&mark.what)?;
        Some(Hindrance { case: cases::find(&mark.case_code)?.code, answered, meaning: mark.detail.clone() })
    };
    let refused = marks.iter().filter(|mark| mark.what == "refused");
    let note = |mark: &MarkRow| Some(Note { case: cases::find(&mark.case_code)?.code, codes: mark.detail.clone() });
    Ok(Facts {
        hindrances: marks.iter().filter_map(hindrance).collect(),
        refused: refused.filter_map(note).collect(),
        file_sha256: Digest::of(packets::pdf(&run).as_bytes()).hex(),
        sent,
        arrived,
        tolerance,
        run,
    })
}

/// What the tested agency sent, each envelope once, in the order in which they first came.
fn arrivals(tx: &mut Connection, marks: &[MarkRow]) -> Result<Vec<Arrived>, StoreError> {
    let mut times: BTreeMap<&str, (usize, &MarkRow)> = BTreeMap::new();
    for mark in marks.iter().filter(|mark| matches!(mark.what.as_str(), "accepted" | "repeated")) {
        if let Some(envelope_id) = mark.envelope_id.as_deref() {
            let seen = times.entry(envelope_id).or_insert((0, mark));
            seen.0 = seen.0.saturating_add(1);
        }
    }
    let mut arrived = Vec::new();
    for (envelope_id, (times, mark)) in times {
        let (Some(case), Some(row)) = (cases::find(&mark.case_code), envelopes::find(tx, envelope_id)?) else {
            continue;
        };
        let links = envelopes::links_from(tx, envelope_id)?;
        let lines = deliveries::of_envelope(tx, envelope_id)?;
        let (answers, acts_on): (Vec<_>, Vec<_>) = links.into_iter().partition(|link| link.relation == "answers");
        arrived.push(Arrived {
            case: case.code,
            kind: row.packet_kind.clone(),
            document_id: row.document_id.clone(),
            recipients: lines.iter().map(|line| line.recipient_code.clone()).collect(),
            subject: row.subject.clone(),
            answers: answers.into_iter().map(|link| (link.target_sender_code, link.target_document_id)).collect(),
            acts_on: acts_on.into_iter().map(|link| link.target_document_id).collect(),
            files: table::files_of(tx, envelope_id)?.iter().map(hex::encode).collect(),
            meaning: hex::encode(&row.meaning),
            times,
            taken_back: lines
                .iter()
                .any(|line| !line.recall.is_empty() || line.outcome == "withdrawn" || is_withdrawn(line)),
        });
    }
    Ok(arrived)
}

fn is_withdrawn(line: &DeliveryRow) -> bool {
    use crate::domain::delivery::DeliveryState;
    line.progress().is_ok_and(|progress| progress.state == DeliveryState::Withdrawn)
}

/// The document that a part speaks of and the kind of packet that it is.
pub(super) fn key_of(
    run: &RunName,
    case: &str,
    (part, what): (u8, What),
    arrived: &[Arrived],
) -> Option<(String, String)> {
    let own = |part| run.document_id(case, part);
    Some(match what {
        What::Document(_) => (own(part), "new".to_owned()),
        What::Replacement(_) => (own(part), "replacement".to_owned()),
        What::Recall(of) => (own(of), "recall".to_owned()),
        What::Update(of) => (own(of), "update".to_owned()),
        What::AskBack(of) => (own(of), "status-13".to_owned()),
        What::Status(code) => {
            let first = arrived.iter().find(|arrived| arrived.case == case)?;
            (first.document_id.clone(), format!("status-{code}"))
        }
    })
}

/// What the partner sent, and what came of it.
fn sent(
    tx: &mut Connection,
    row: &RunRow,
    (run, marks): (&RunName, &[MarkRow]),
    arrived: &[Arrived],
) -> Result<Vec<Sent>, StoreError> {
    let mut parts = Vec::new();
    for case in super::cases_of(row) {
        for step in case.steps {
            parts
                .extend(key_of(run, case.code, (step.part, step.what), arrived).map(|key| (case.code, step.part, key)));
        }
    }
    let ids: Vec<String> = parts.iter().map(|(_, _, (document_id, _))| document_id.clone()).collect();
    let rows = table::deliveries_about(tx, &ids, (PARTNER.code, &row.agency_code))?;
    let delivery_ids: Vec<String> = rows.iter().map(|row| row.delivery_id.clone()).collect();
    let reports = table::reports_about(tx, &delivery_ids, &row.agency_code)?;
    let mut sent = Vec::new();
    for (case, part, (document_id, kind)) in parts {
        let Some(delivery) = rows.iter().find(|r| r.document_id == document_id && r.packet_kind == kind) else {
            continue;
        };
        let of_part = reports.iter().filter(|report| report.delivery_id == delivery.delivery_id);
        let is_failure =
            |mark: &&MarkRow| mark.what == "failed" && mark.envelope_id.as_ref() == Some(&delivery.envelope_id);
        sent.push(Sent {
            case,
            part,
            fetched_at: delivery.fetched_at(),
            done: delivery.progress()?.state == crate::domain::delivery::DeliveryState::HandedOver,
            failed: marks.iter().any(|mark| is_failure(&mark)),
            reports: of_part
                .map(|report| Report {
                    code: report.status_code.clone(),
                    description: report.description.clone(),
                    claimed_at: report.claimed_at.map(|at| at.and_utc()),
                    accepted_at: report.accepted_at.and_utc(),
                })
                .collect(),
        });
    }
    Ok(sent)
}
