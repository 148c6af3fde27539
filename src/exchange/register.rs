//! The one transaction of an accepted packet: who its parties are, whether it was here before, what it does to
//! other documents, and the rows that say so: envelope, deliveries, evidence. Or the evidence of its refusal.

use super::accept::{Door, Rejection, Verdict};
use super::act::By;
use super::announce;
use super::hand_on::hand_on;
use super::parties::{find_ways, parties};
use super::recall::{self, TakenBack};
use super::relay::Head;
use super::routes::{Way, agency_of};
use super::seal::signed;
use super::{receipt, report};
use crate::domain::agency::{Agency, AgencyCode, OrganId};
use crate::domain::dates::for_machines;
use crate::domain::delivery::DeliveryState;
use crate::domain::envelope::{Business, Content, Document, DocumentId, Envelope};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::{Digest, Packet};
use crate::domain::rules::{self, Parties, Party, Violation};
use crate::domain::schedule::Schedules;
use crate::hub::Ids;
use crate::store::deliveries::{DeliveryRow, NaturalKey, NewDelivery};
use crate::store::envelopes::{EnvelopeRow, LinkRow, digest_of};
use crate::store::{Connection, Foresight, StoreError, deliveries, envelopes, evidence};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// An attachment of the packet.
pub(super) struct Attachment {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) bytes: u64,
    pub(super) sha256: Digest,
}

/// Everything about a packet that is not in its meaning.
pub(super) struct Case {
    pub(super) packet: Packet,
    pub(super) ids: Ids,
    pub(super) now: DateTime<Utc>,
    pub(super) schedules: Arc<Schedules>,
    pub(super) system_id: String,
    /// The person for whom the hub wrote it; nothing when a system sends it.
    pub(super) by: Option<By>,
    pub(super) door: Door,
    pub(super) relay: Option<Head>,
    pub(super) addressees: Vec<OrganId>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) warnings: Vec<Violation>,
    pub(super) sha256: Digest,
    pub(super) bytes: u64,
    pub(super) content: Option<Vec<u8>>,
}

impl Case {
    /// The person who did it, if it was one.
    pub(super) fn user_id(&self) -> Option<&str> {
        if let Some(By::User(user_id)) = &self.by { Some(user_id) } else { None }
    }
}

/// Adds to facts who did it, where that is a person.
pub(super) fn name_person(facts: &mut Value, user_id: Option<&str>) {
    if let Some((user_id, facts)) = user_id.zip(facts.as_object_mut()) {
        facts.insert("by_user".to_owned(), user_id.into());
    }
}

/// What registering a packet will write, once it is known not to be a repeat.
pub(super) struct Plan {
    /// Canonical code of the sender.
    pub(super) sender: AgencyCode,
    /// Identifier of the document sent or reported about.
    pub(super) document_id: DocumentId,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    pub(super) packet_kind: String,
    /// Tells apart packets of one kind about one document; empty where a second one is a conflict.
    pub(super) occurrence: String,
    /// Who is to have it, and the deliveries to take back from each.
    pub(super) lines: Vec<PlanLine>,
    /// What it says about other documents.
    pub(super) links: Vec<(&'static str, AgencyCode, DocumentId)>,
    /// An earlier report that this one repeats, though its time stamp is new.
    pub(super) repeats: Option<String>,
}

/// One addressee of a plan.
pub(super) struct PlanLine {
    pub(super) recipient: AgencyCode,
    /// How it gets its packets; looked up when the plan is made.
    pub(super) way: Way,
    /// Deliveries of the document meant, to be taken back from this recipient.
    pub(super) takes_back: Vec<DeliveryRow>,
    /// Deliveries of replaced documents, withdrawn if they were not fetched.
    pub(super) supersedes: Vec<DeliveryRow>,
}

impl PlanLine {
    /// The recipient just gets the packet.
    pub(super) fn to(recipient: AgencyCode) -> Self {
        Self { recipient, way: Way::default(), takes_back: Vec::new(), supersedes: Vec::new() }
    }
}

/// What `register` is about to ask.
pub(super) fn foresight(case: &Case, envelope: &Envelope) -> Foresight {
    let document_id = match &envelope.content {
        Content::Document(document) => document.document_id.clone(),
        Content::Status(status) => status.about.document_id.clone().unwrap_or_default(),
    };
    let codes = Parties::organ_ids(&case.packet).iter().map(OrganId::folded).collect();
    Foresight { codes, system_id: case.system_id.clone(), document_id, ..Foresight::default() }
}

/// What is to be done with a packet.
pub(super) enum Decision {
    /// Not registered, for every one of these reasons.
    Refuse(Vec<Violation>),
    /// It was registered before, by these deliveries.
    Repeat(Vec<DeliveryRow>),
    /// Registered as planned; these deliveries of the plan are there already.
    Insert(Plan, Vec<DeliveryRow>),
}

/// Registers a packet or refuses it.
pub(super) fn register(tx: &mut Connection, case: &Case, envelope: &Envelope) -> Result<Verdict, StoreError> {
    match decide(tx, case, envelope)? {
        Decision::Refuse(violations) => refuse(tx, case, violations),
        Decision::Repeat(before) => Ok(Verdict::Repeated(receipt::of_before(tx, &before, &case.warnings)?)),
        Decision::Insert(plan, before) => insert(tx, case, envelope, (&plan, before)),
    }
}

/// Decides about a packet. It only reads, so that a check (`preflight`) decides the same.
pub(super) fn decide(tx: &mut Connection, case: &Case, envelope: &Envelope) -> Result<Decision, StoreError> {
    let parties = parties(tx, case)?;
    let violations = rules::check_parties(envelope, &parties);
    // A repeat is answered as before, whatever became of its parties since; whom nobody knows was never sent anything.
    let all_known = parties.recipients.iter().all(|party| party.agency.is_some());
    let Some(sender) = sender_of(&parties).filter(|_| all_known) else {
        return Ok(Decision::Refuse(violations));
    };
    let planned = match &envelope.content {
        Content::Document(document) => plan_document(tx, case, &sender, (document, envelope.meaning), &parties)?,
        Content::Status(status) => report::plan(tx, &sender, (status, envelope.meaning), case)?,
    };
    let (plan, seen) = match planned {
        Ok(mut plan) => {
            let of_relay = find_ways(tx, (case, &parties), &mut plan)?;
            if !of_relay.is_empty() {
                return Ok(Decision::Refuse(violations.into_iter().chain(of_relay).collect()));
            }
            let seen = seen_before(tx, &plan, envelope)?;
            (plan, seen)
        }
        Err(reasons) => return Ok(Decision::Refuse(violations.into_iter().chain(reasons).collect())),
    };
    Ok(match seen {
        Seen::Whole(before) => Decision::Repeat(before),
        Seen::Never(_) | Seen::Otherwise(_) if !violations.is_empty() => Decision::Refuse(violations),
        Seen::Never(before) => Decision::Insert(plan, before),
        Seen::Otherwise(recipient) => {
            let particulars = [plan.document_id.as_str(), recipient.as_str()];
            let place = "MessageHeader/DocumentId";
            Decision::Refuse(vec![rules::violation("M.MessageHeader.DocumentId.Conflict", place, &particulars)])
        }
    })
}

/// The faults of a packet by itself, and what is wrong with its parties too.
pub(super) fn with_parties(
    tx: &mut Connection,
    case: &Case,
    envelope: &Envelope,
    mut violations: Vec<Violation>,
) -> Result<Vec<Violation>, StoreError> {
    let parties = parties(tx, case)?;
    violations.extend(rules::check_parties(envelope, &parties));
    Ok(violations)
}

/// Refuses a packet that has faults of its own, and tells what is wrong with its parties too.
pub(super) fn refuse_with_parties(
    tx: &mut Connection,
    case: &Case,
    envelope: &Envelope,
    violations: Vec<Violation>,
) -> Result<Verdict, StoreError> {
    let violations = with_parties(tx, case, envelope, violations)?;
    refuse(tx, case, violations)
}

/// Refuses a packet: evidence without content, and every reason.
pub(super) fn refuse(tx: &mut Connection, case: &Case, violations: Vec<Violation>) -> Result<Verdict, StoreError> {
    let read = Some((case.sha256, case.bytes));
    let system_id = case.by.is_none().then_some(case.system_id.as_str());
    refusal(tx, (case.ids, case.now), (system_id, case.user_id(), case.door), read, violations)
}

/// Writes the evidence of a refusal; `read` is what is known of the bytes, if they were read to their end.
pub(super) fn refusal(
    tx: &mut Connection,
    (ids, at): (Ids, DateTime<Utc>),
    (system_id, user_id, door): (Option<&str>, Option<&str>, Door),
    read: Option<(Digest, u64)>,
    violations: Vec<Violation>,
) -> Result<Verdict, StoreError> {
    let codes: Vec<&str> = violations.iter().take(EVIDENCE_CODES_MAX).map(|v| v.code.as_str()).collect();
    let mut facts = json!({
        "sha256": read.map(|(sha256, _)| sha256.hex()), "bytes": read.map(|(_, bytes)| bytes),
        "door": door.word(), "codes": codes, "faults": violations.len(), "rules": rules::EDITION,
    });
    name_person(&mut facts, user_id);
    let evidence_id = ids.next();
    let piece = Evidence {
        event: EvidenceEvent::SubmissionRejection,
        at,
        envelope_id: None,
        delivery_id: None,
        agency: None,
        system_id: system_id.map(str::to_owned),
        facts: facts.to_string(),
    };
    evidence::append(tx, &evidence_id, &piece)?;
    Ok(Verdict::Rejected(Rejection { evidence_id, at, violations }))
}

/// Codes named in the evidence of a refusal; the answer names all.
const EVIDENCE_CODES_MAX: usize = 50;

fn sender_of(parties: &Parties) -> Option<Agency> {
    parties.sender.as_ref().and_then(|(party, held)| party.agency.clone().filter(|_| *held))
}

fn codes(parties: &[Party]) -> Vec<AgencyCode> {
    parties.iter().filter_map(|p| p.agency.as_ref().map(|a| a.code.clone())).collect()
}

/// Either what to do, or why not.
pub(super) type Planned = Result<Plan, Vec<Violation>>;

fn plan_document(
    tx: &mut Connection,
    case: &Case,
    sender: &Agency,
    (document, meaning): (&Document, Digest),
    parties: &Parties,
) -> Result<Planned, StoreError> {
    let recipients = codes(&parties.recipients);
    let mut plan = Plan {
        sender: sender.code.clone(),
        document_id: document.document_id.clone(),
        packet_kind: String::new(),
        occurrence: String::new(),
        lines: Vec::new(),
        links: answers(tx, sender, document)?,
        repeats: None,
    };
    match &document.business {
        Business::New => {
            plan.packet_kind = "new".to_owned();
            plan.lines = recipients.into_iter().map(PlanLine::to).collect();
        }
        Business::Replacement { replaced } => {
            plan.packet_kind = "replacement".to_owned();
            recall::plan_replacement(tx, &mut plan, recipients, replaced)?;
        }
        Business::Recall { target } => {
            plan.packet_kind = "recall".to_owned();
            plan.occurrence = meaning.hex();
            return recall::plan_recall(tx, plan, recipients, target.as_deref());
        }
        Business::Update { target, added, removed } => {
            plan.packet_kind = "update".to_owned();
            plan.occurrence = meaning.hex();
            let of = |ids: &[OrganId]| {
                codes(&parties.receivers.iter().filter(|p| ids.contains(&p.organ_id)).cloned().collect::<Vec<_>>())
            };
            let (added, removed) = (of(added), of(removed));
            let target = (target.as_deref(), case.relay.is_some());
            return recall::plan_update(tx, plan, (recipients, added, removed), target);
        }
    }
    Ok(Ok(plan))
}

/// Links to the documents that this one answers, as far as their senders are known.
fn answers(
    tx: &mut Connection,
    sender: &Agency,
    document: &Document,
) -> Result<Vec<(&'static str, AgencyCode, DocumentId)>, StoreError> {
    let mut links = Vec::new();
    for answered in &document.answers {
        if let (Some(organ_id), Some(document_id)) = (&answered.organ_id, &answered.document_id)
            && let Some(agency) = agency_of(tx, organ_id)?
            && is_party(tx, sender, (&agency.code, document_id))?
        {
            links.push(("answers", agency.code, document_id.clone()));
        }
    }
    Ok(links)
}

/// Whether an agency sent a document or was sent it: nobody else can answer it.
fn is_party(
    tx: &mut Connection,
    agency: &Agency,
    (sender, document_id): (&AgencyCode, &str),
) -> Result<bool, StoreError> {
    let sent = deliveries::of_document(tx, sender.as_str(), document_id)?;
    Ok(sent.iter().any(|row| row.recipient_code == agency.code.0 || row.sender_code == agency.code.0))
}

/// What of a plan is registered already.
enum Seen {
    /// Nothing, or only these lines of it.
    Never(Vec<DeliveryRow>),
    /// All of it.
    Whole(Vec<DeliveryRow>),
    /// The same key with another meaning.
    Otherwise(AgencyCode),
}

fn key(plan: &Plan, recipient: &AgencyCode) -> NaturalKey {
    NaturalKey {
        sender_code: plan.sender.0.clone(),
        document_id: plan.document_id.clone(),
        packet_kind: plan.packet_kind.clone(),
        recipient_code: recipient.0.clone(),
        occurrence: plan.occurrence.clone(),
    }
}

fn seen_before(tx: &mut Connection, plan: &Plan, envelope: &Envelope) -> Result<Seen, StoreError> {
    if let Some(envelope_id) = &plan.repeats {
        return Ok(Seen::Whole(deliveries::of_envelope(tx, envelope_id)?));
    }
    let mut before = Vec::new();
    for line in &plan.lines {
        match deliveries::find_by_key(tx, &key(plan, &line.recipient))? {
            Some((_, meaning)) if digest_of(&meaning) != envelope.meaning => {
                return Ok(Seen::Otherwise(line.recipient.clone()));
            }
            Some((row, _)) => before.push(row),
            None => {}
        }
    }
    match !before.is_empty() && before.len() == plan.lines.len() {
        true => Ok(Seen::Whole(before)),
        false => Ok(Seen::Never(before)),
    }
}

fn insert(
    tx: &mut Connection,
    case: &Case,
    envelope: &Envelope,
    (plan, before): (&Plan, Vec<DeliveryRow>),
) -> Result<Verdict, StoreError> {
    let row = envelope_row(case, envelope, plan);
    envelopes::insert(tx, &row)?;
    envelopes::insert_payload(tx, &row.envelope_id, &case.sha256, case.content.as_deref())?;
    for (number, attachment) in (1..).zip(&case.attachments) {
        let content = (signed(attachment.bytes), &attachment.sha256);
        let name = (attachment.name.as_str(), attachment.content_type.as_str());
        envelopes::insert_attachment(tx, &row.envelope_id, number, name, content)?;
    }
    for (relation, sender, document_id) in &plan.links {
        let link = LinkRow {
            envelope_id: row.envelope_id.clone(),
            relation: (*relation).to_owned(),
            target_sender_code: sender.0.clone(),
            target_document_id: document_id.clone(),
        };
        envelopes::insert_link(tx, &link)?;
    }
    // It happened first, but its facts tell of the deliveries.
    let accepted = case.ids.next();
    note_hops(tx, case, &row)?;
    let known = before.len();
    let mut lines = before;
    for line in &plan.lines {
        if lines.iter().all(|known| known.recipient_code != line.recipient.0) {
            lines.push(deliver(tx, case, (&row, plan), line)?);
        }
    }
    receipt::note_acceptance(tx, case, (&accepted, &row), lines.get(known..).unwrap_or_default())?;
    if let Content::Status(status) = &envelope.content {
        report::record(tx, case, (&row, status), &lines)?;
    }
    Ok(Verdict::Accepted(receipt::of(row, &lines, &case.warnings)))
}

/// Makes one recipient's delivery, after taking back what the packet takes back from it.
fn deliver(
    tx: &mut Connection,
    case: &Case,
    (row, plan): (&EnvelopeRow, &Plan),
    line: &PlanLine,
) -> Result<DeliveryRow, StoreError> {
    recall::supersede(tx, case, row, &line.supersedes)?;
    let taken = recall::take_back(tx, case, row, &line.takes_back)?;
    let key = key(plan, &line.recipient);
    match taken {
        TakenBack::Requested | TakenBack::Nothing => hand_on(tx, &case.making(), row, (key, line.way.clone())),
        TakenBack::Withdrawn => {
            let (delivery_id, envelope_id) = (case.ids.next(), row.envelope_id.clone());
            let (state, came) = (DeliveryState::Withdrawn, case.making().came);
            let new = NewDelivery { delivery_id, envelope_id, key, state, via: None, came };
            let made = deliveries::insert(tx, new, case.now)?;
            // The neighbour that brought it waits to hear how it ended.
            if case.relay.is_some() {
                append(tx, case, EvidenceEvent::DeliveryWithdrawn, row, &made)?;
            }
            Ok(made)
        }
    }
}

/// Evidence of the hubs that passed a packet on before it came here.
fn note_hops(tx: &mut Connection, case: &Case, row: &EnvelopeRow) -> Result<(), StoreError> {
    for (head, hop) in case.relay.iter().flat_map(|head| head.hops.iter().map(move |hop| (head, hop))) {
        let piece = Evidence {
            event: EvidenceEvent::RelayAcceptance,
            at: case.now,
            envelope_id: Some(row.envelope_id.clone()),
            delivery_id: None,
            agency: Some(head.recipient.folded()),
            system_id: row.system_id.clone(),
            facts: json!({ "hub": hop.hub, "at": for_machines(hop.at) }).to_string(),
        };
        evidence::append(tx, &case.ids.next(), &piece)?;
    }
    Ok(())
}

/// Appends evidence about one delivery of an envelope.
pub(super) fn append(
    tx: &mut Connection,
    case: &Case,
    event: EvidenceEvent,
    row: &EnvelopeRow,
    delivery: &DeliveryRow,
) -> Result<(), StoreError> {
    let mut facts = json!({ "sha256": hex::encode(&row.payload_sha256), "kind": row.packet_kind });
    name_person(&mut facts, case.user_id());
    let piece = Evidence {
        event,
        at: case.now,
        envelope_id: Some(row.envelope_id.clone()),
        delivery_id: Some(delivery.delivery_id.clone()),
        agency: Some(delivery.recipient_code.clone()),
        system_id: row.system_id.clone(),
        facts: facts.to_string(),
    };
    announce::append(tx, case.moment(), delivery, &piece)
}

fn envelope_row(case: &Case, envelope: &Envelope, plan: &Plan) -> EnvelopeRow {
    let mut row = EnvelopeRow {
        envelope_id: case.ids.next(),
        packet_kind: plan.packet_kind.clone(),
        system_id: case.by.is_none().then(|| case.system_id.clone()),
        sender_code: plan.sender.0.clone(),
        document_id: plan.document_id.clone(),
        meaning: envelope.meaning.0.to_vec(),
        payload_sha256: case.sha256.0.to_vec(),
        bytes: signed(case.bytes),
        subject: String::new(),
        code_number: String::new(),
        code_notation: String::new(),
        type_name: String::new(),
        issued_on: None,
        due_on: None,
        urgency: 0,
        accepted_at: case.now.naive_utc(),
        paper_follows: None,
        bears_signature: None,
    };
    match &envelope.content {
        Content::Document(document) => {
            row.subject.clone_from(&document.subject);
            row.code_number.clone_from(&document.number);
            row.code_notation.clone_from(&document.notation);
            row.type_name.clone_from(&document.type_name);
            row.issued_on = document.issued_on.map(|day| day.to_string());
            row.due_on = document.due_on.map(|day| day.to_string());
            row.urgency = document.urgency.number();
            (row.paper_follows, row.bears_signature) = (document.paper_follows, document.bears_signature);
        }
        Content::Status(status) => row.code_number.clone_from(&status.about.code),
    }
    row
}
