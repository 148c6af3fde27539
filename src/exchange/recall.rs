//! Taking documents back: recalls, recipients removed by an update, documents replaced. What was not fetched is
//! withdrawn, and the hub answers for the recipient, saying that it did; what was fetched can only be asked for.

use super::hand_on::{Making, hand_on};
use super::receipt::note_acceptance;
use super::register::{Case, Plan, PlanLine, Planned, append};
use super::routes::way_of;
use super::seal::signed;
use super::settle;
use crate::domain::agency::AgencyCode;
use crate::domain::delivery::{DeliveryState, Next, Progress, Refusal, Step, next};
use crate::domain::envelope::DocumentId;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::domain::rules;
use crate::domain::status::StatusCode;
use crate::store::deliveries::{DeliveryRow, NaturalKey};
use crate::store::envelopes::{EnvelopeRow, StatusRow};
use crate::store::{Connection, StoreError, agencies, deliveries, envelopes, purges, pushes};
use crate::wire::write::{Mention, Party, StatusPacket};
use chrono::NaiveDate;

/// What the hub writes as the reason when it answers for a recipient. Clerks read it; it must say who acted.
const ANSWERED_BY_HUB: &str =
    "Trục liên thông đã rút văn bản trước khi đơn vị nhận lấy về (trạng thái do Trục lập, không phải đơn vị nhận).";

/// What became of the deliveries to be taken back from one recipient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TakenBack {
    /// There was nothing to take back.
    Nothing,
    /// All of it is withdrawn; the recipient never had it.
    Withdrawn,
    /// The recipient has it and is asked.
    Requested,
}

/// A recall: every addressee must have been sent the document.
pub(super) fn plan_recall(
    tx: &mut Connection,
    mut plan: Plan,
    recipients: Vec<AgencyCode>,
    target: Option<&str>,
) -> Result<Planned, StoreError> {
    let Some((document_id, sent)) = find_target(tx, &plan, target)? else { return Ok(Err(unknown(&plan, target))) };
    let mut strangers = Vec::new();
    for recipient in recipients {
        let takes_back = of_recipient(&sent, &recipient);
        if takes_back.is_empty() {
            let particulars = [recipient.as_str(), document_id.as_str()];
            strangers.push(rules::violation("M.MessageHeader.To.NeverReceived", "MessageHeader/To", &particulars));
        }
        plan.lines.push(PlanLine { takes_back, ..PlanLine::to(recipient) });
    }
    plan.links.push(("recalls", plan.sender.clone(), document_id));
    Ok(if strangers.is_empty() { Ok(plan) } else { Err(strangers) })
}

/// An update: recipients that leave are treated as by a recall, all others get the packet.
pub(super) fn plan_update(
    tx: &mut Connection,
    mut plan: Plan,
    (recipients, added, removed): (Vec<AgencyCode>, Vec<AgencyCode>, Vec<AgencyCode>),
    (target, is_relayed): (Option<&str>, bool),
) -> Result<Planned, StoreError> {
    let (document_id, sent) = match (find_target(tx, &plan, target)?, target) {
        (Some(found), _) => found,
        // Who joins by it may be the first one behind this hub to be sent the document.
        (None, Some(target)) if is_relayed => (target.to_owned(), Vec::new()),
        (None, _) => return Ok(Err(unknown(&plan, target))),
    };
    let mut all: Vec<AgencyCode> = Vec::new();
    for code in recipients.into_iter().chain(added).chain(removed.iter().cloned()) {
        if !all.contains(&code) {
            all.push(code);
        }
    }
    for recipient in all {
        if !removed.contains(&recipient) {
            plan.lines.push(PlanLine::to(recipient));
            continue;
        }
        let takes_back = of_recipient(&sent, &recipient);
        // Who leaves without ever having been sent the document is told nothing.
        if !takes_back.is_empty() {
            plan.lines.push(PlanLine { takes_back, ..PlanLine::to(recipient) });
        }
    }
    if plan.lines.is_empty() {
        let strangers = removed.iter().map(|recipient| {
            let particulars = [recipient.as_str(), document_id.as_str()];
            rules::violation("M.MessageHeader.To.NeverReceived", "MessageHeader/To", &particulars)
        });
        return Ok(Err(strangers.collect()));
    }
    plan.links.push(("updates", plan.sender.clone(), document_id));
    Ok(Ok(plan))
}

/// A replacement: recipients get the new document; what they have not fetched of the old ones is withdrawn.
pub(super) fn plan_replacement(
    tx: &mut Connection,
    plan: &mut Plan,
    recipients: Vec<AgencyCode>,
    replaced: &[DocumentId],
) -> Result<(), StoreError> {
    let mut sent = Vec::new();
    for document_id in replaced.iter().filter(|id| **id != plan.document_id) {
        sent.extend(deliveries::of_document(tx, plan.sender.as_str(), document_id)?);
        plan.links.push(("replaces", plan.sender.clone(), document_id.clone()));
    }
    for recipient in recipients {
        let supersedes = of_recipient(&sent, &recipient);
        plan.lines.push(PlanLine { supersedes, ..PlanLine::to(recipient) });
    }
    Ok(())
}

fn of_recipient(sent: &[DeliveryRow], recipient: &AgencyCode) -> Vec<DeliveryRow> {
    sent.iter().filter(|row| row.recipient_code == recipient.0).cloned().collect()
}

/// The document meant: named in the business block, or by the packet's own identifier (some DMS do only that).
fn find_target(
    tx: &mut Connection,
    plan: &Plan,
    target: Option<&str>,
) -> Result<Option<(DocumentId, Vec<DeliveryRow>)>, StoreError> {
    for candidate in target.into_iter().chain(std::iter::once(plan.document_id.as_str())) {
        let sent = deliveries::of_document(tx, plan.sender.as_str(), candidate)?;
        if !sent.is_empty() {
            return Ok(Some((candidate.to_owned(), sent)));
        }
    }
    Ok(None)
}

fn unknown(plan: &Plan, target: Option<&str>) -> Vec<rules::Violation> {
    let named = target.unwrap_or(&plan.document_id);
    let place = "TraceHeaderList/Bussiness/DocumentId";
    vec![rules::violation("M.TraceHeaderList.Bussiness.DocumentId.Unknown", place, &[named])]
}

/// Withdraws what was replaced and not fetched.
pub(super) fn supersede(
    tx: &mut Connection,
    case: &Case,
    by: &EnvelopeRow,
    rows: &[DeliveryRow],
) -> Result<(), StoreError> {
    for row in rows {
        withdraw(tx, case, by, row)?;
    }
    Ok(())
}

/// Takes deliveries of one document back from one recipient, on behalf of the envelope `by`.
pub(super) fn take_back(
    tx: &mut Connection,
    case: &Case,
    by: &EnvelopeRow,
    rows: &[DeliveryRow],
) -> Result<TakenBack, StoreError> {
    let mut outcome = TakenBack::Nothing;
    let mut freshly_withdrawn = None;
    for row in rows {
        match withdraw(tx, case, by, row)? {
            Withdrawal::Now => freshly_withdrawn = Some(row),
            Withdrawal::Before => {}
            Withdrawal::Fetched => {
                request(tx, case, by, row)?;
                outcome = TakenBack::Requested;
            }
            // It may still come to be started anew, or turn out to have arrived.
            Withdrawal::Failed => {
                request(tx, case, by, row)?;
                continue;
            }
        }
        if outcome == TakenBack::Nothing {
            outcome = TakenBack::Withdrawn;
        }
    }
    match freshly_withdrawn {
        Some(row) if outcome == TakenBack::Withdrawn => answer_for_recipient(tx, case, row)?,
        Some(_) | None => {}
    }
    Ok(outcome)
}

enum Withdrawal {
    Now,
    Before,
    Fetched,
    Failed,
}

/// What a withdrawal of a delivery would lead to, and the change if it is one.
fn withdrawal(tx: &mut Connection, row: &DeliveryRow) -> Result<(Withdrawal, Option<Change>), StoreError> {
    let progress = row.progress()?;
    if progress.state == DeliveryState::Pending && settle::is_on_its_way(tx, row)? {
        return Ok((Withdrawal::Fetched, None));
    }
    Ok(match next(progress, Step::Withdraw) {
        Next::Changed(to, event) => (Withdrawal::Now, Some((to, event))),
        Next::Same => (Withdrawal::Before, None),
        Next::Refused(Refusal::AlreadyFetched) => (Withdrawal::Fetched, None),
        Next::Refused(
            Refusal::Withdrawn
            | Refusal::RecallAgreed
            | Refusal::Failed
            | Refusal::AlreadyHandedOver
            | Refusal::NotConsigned
            | Refusal::OnItsWay
            | Refusal::NotWaiting,
        ) => (Withdrawal::Failed, None),
    })
}

type Change = (Progress, Option<EvidenceEvent>);

fn withdraw(tx: &mut Connection, case: &Case, by: &EnvelopeRow, row: &DeliveryRow) -> Result<Withdrawal, StoreError> {
    let (withdrawal, change) = withdrawal(tx, row)?;
    if let Some((to, event)) = change {
        if row.progress()?.state == DeliveryState::Pending {
            pushes::remove(tx, &row.delivery_id)?;
        }
        if !deliveries::settle(tx, row, to, "", case.now)? {
            return Err(StoreError::Raced);
        }
        if let Some(event) = event {
            append(tx, case, event, by, row)?;
        }
    }
    Ok(withdrawal)
}

/// What `take_back` would do: its outcome, the deliveries it would withdraw, those it would ask back.
pub(super) fn foretell_taking_back(
    tx: &mut Connection,
    rows: &[DeliveryRow],
) -> Result<(TakenBack, Vec<String>, Vec<String>), StoreError> {
    let (mut outcome, mut withdraws, mut asks_back) = (TakenBack::Nothing, Vec::new(), Vec::new());
    for row in rows {
        match withdrawal(tx, row)?.0 {
            Withdrawal::Now => withdraws.push(row.delivery_id.clone()),
            Withdrawal::Before => {}
            Withdrawal::Fetched => {
                if row.recall != "agreed" {
                    asks_back.push(row.delivery_id.clone());
                }
                outcome = TakenBack::Requested;
            }
            Withdrawal::Failed => {
                if row.recall != "agreed" {
                    asks_back.push(row.delivery_id.clone());
                }
                continue;
            }
        }
        if outcome == TakenBack::Nothing {
            outcome = TakenBack::Withdrawn;
        }
    }
    Ok((outcome, withdraws, asks_back))
}

/// What `supersede` would withdraw.
pub(super) fn foretell_superseding(tx: &mut Connection, rows: &[DeliveryRow]) -> Result<Vec<String>, StoreError> {
    let mut withdraws = Vec::new();
    for row in rows {
        if matches!(withdrawal(tx, row)?.0, Withdrawal::Now) {
            withdraws.push(row.delivery_id.clone());
        }
    }
    Ok(withdraws)
}

fn request(tx: &mut Connection, case: &Case, by: &EnvelopeRow, row: &DeliveryRow) -> Result<(), StoreError> {
    if row.recall == "agreed" {
        return Ok(());
    }
    // What is being destroyed at this moment is destroyed before; what is destroyed later sees that this is asked back.
    purges::stand_still(tx)?;
    if deliveries::set_recall(tx, row, "requested", case.now)? {
        append(tx, case, EvidenceEvent::RecallRequested, by, row)?;
    }
    Ok(())
}

/// A recipient's answer to what was asked back.
pub(super) fn answer(
    tx: &mut Connection,
    case: &Case,
    by: &EnvelopeRow,
    (rows, agreed): (&[DeliveryRow], bool),
) -> Result<(), StoreError> {
    let word = if agreed { "agreed" } else { "refused" };
    for row in rows.iter().filter(|row| row.recall == "requested") {
        if deliveries::set_recall(tx, row, word, case.now)? {
            append(tx, case, EvidenceEvent::RecallAnswered, by, row)?;
        }
    }
    Ok(())
}

/// A status 15 in the recipient's name, since a sender's DMS closes a recall by nothing else; labelled as the
/// hub's own doing.
fn answer_for_recipient(tx: &mut Connection, case: &Case, row: &DeliveryRow) -> Result<(), StoreError> {
    let Some(document) = envelopes::find(tx, &row.envelope_id)? else {
        return Err(StoreError::Missing("envelopes"));
    };
    let Some(code) = StatusCode::parse("15") else { return Ok(()) };
    let recipient = agencies::find_by_alias(tx, &row.recipient_code.to_ascii_uppercase())?;
    let name = recipient.map_or_else(|| row.recipient_code.clone(), |agency| agency.name);
    let issued_on = document.issued_on.as_deref().and_then(|day| day.parse::<NaiveDate>().ok());
    let packet = StatusPacket {
        from: Party { organ_id: &row.recipient_code, name: &name },
        about: Mention {
            organ_id: &row.sender_code,
            code: &document.code(),
            document_id: &document.document_id,
            issued_on,
        },
        status_code: &code,
        description: ANSWERED_BY_HUB,
        at: case.now,
    };
    let mut bytes = Vec::new();
    // Writing to memory cannot fail for lack of space or connection.
    packet.write(&mut bytes).map_err(|error| StoreError::NotCommitted(error.to_string()))?;
    register_own(tx, case, (row, &document), &bytes)
}

fn register_own(
    tx: &mut Connection,
    case: &Case,
    (row, document): (&DeliveryRow, &EnvelopeRow),
    bytes: &[u8],
) -> Result<(), StoreError> {
    let digest = Digest::of(bytes);
    let size = signed(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    let own = EnvelopeRow {
        envelope_id: case.ids.next(),
        packet_kind: "status-15".to_owned(),
        system_id: None,
        sender_code: row.recipient_code.clone(),
        document_id: document.document_id.clone(),
        meaning: digest.0.to_vec(),
        payload_sha256: digest.0.to_vec(),
        bytes: size,
        subject: String::new(),
        code_number: document.code(),
        code_notation: String::new(),
        type_name: String::new(),
        issued_on: None,
        due_on: None,
        urgency: document.urgency,
        accepted_at: case.now.naive_utc(),
        paper_follows: None,
        bears_signature: None,
    };
    envelopes::insert(tx, &own)?;
    envelopes::insert_payload(tx, &own.envelope_id, &digest, Some(bytes))?;
    // Drawn before those of what follows from it.
    let accepted = case.ids.next();
    let key = NaturalKey {
        sender_code: own.sender_code.clone(),
        document_id: own.document_id.clone(),
        packet_kind: own.packet_kind.clone(),
        recipient_code: row.sender_code.clone(),
        occurrence: digest.hex(),
    };
    let way = way_of(tx, &AgencyCode(key.recipient_code.clone()))?;
    // What the hub writes itself came from nobody.
    let made = hand_on(tx, &Making { came: None, ..case.making() }, &own, (key, way))?;
    note_acceptance(tx, case, (&accepted, &own), &[made])?;
    let report = StatusRow {
        envelope_id: own.envelope_id.clone(),
        delivery_id: row.delivery_id.clone(),
        reporter_code: row.recipient_code.clone(),
        status_code: "15".to_owned(),
        description: ANSWERED_BY_HUB.to_owned(),
        claimed_at: Some(case.now.naive_utc()),
        accepted_at: case.now.naive_utc(),
    };
    envelopes::insert_status(tx, &report)?;
    append(tx, case, EvidenceEvent::StatusReported, &own, row)
}
