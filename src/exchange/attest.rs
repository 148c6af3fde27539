//! Signed receipts: what happened to a packet, told to its parties under the hub's certificate. The evidence itself stands since
//! the event, and in the ledger within a second; its receipt is signed when it is first asked for, and kept: whoever asks again
//! gets the same bytes, whatever became of the keys. Not here: how it is written (`wire::receipt`), what a sender is answered
//! at once (`receipt`).

use super::sessions::Person;
use super::viewer::Viewer;
use super::{Caller, ExchangeError, access, history, receipt as answer, seal};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::receipt::{Packet, Receipt, Recipient, Record, recipients_digest};
use crate::hub::Hub;
use crate::signer::certificate::Certificate;
use crate::signer::credential::Credential;
use crate::store::deliveries::DeliveryRow;
use crate::store::envelopes::{EnvelopeRow, digest_of};
use crate::store::evidence::{self, EvidenceRow};
use crate::store::receipts::{self, CertificateRow, ReceiptRow};
use crate::store::{Connection, StoreError, envelopes, ledger};
use crate::wire;
use chrono::{DateTime, Utc};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// A receipt as it is handed out.
#[derive(Debug, Clone)]
pub struct Issued {
    /// What it says.
    pub receipt: Receipt,
    /// The signed text.
    pub xml: String,
}

impl Issued {
    /// Reads a receipt that was signed.
    fn of(id: &str, xml: String) -> Result<Self, ExchangeError> {
        let unreadable = |_| ExchangeError::Unavailable(format!("the kept receipt of {id} cannot be read"));
        Ok(Self { receipt: wire::receipt::read(&xml).map_err(unreadable)?.receipt, xml })
    }
}

/// The packet that a piece of evidence is about, and to whom it goes.
type Context = (Option<Packet>, Vec<Recipient>);

/// The receipt of a piece of evidence or, of an envelope, that it was accepted; for a party to it, or the operator.
///
/// # Errors
/// `NotFound` unless there is such evidence that has receipts and the caller is a party to it; `Unavailable` when no key may sign;
/// `Store`.
pub async fn receipt(hub: &Hub, caller: Option<&Caller>, id: &str) -> Result<Issued, ExchangeError> {
    Issued::of(id, signed(hub, caller, id).await?)
}

/// The same, the signed text alone, as it was kept: whoever has it verifies it.
///
/// # Errors
/// As `receipt`.
pub async fn signed(hub: &Hub, caller: Option<&Caller>, id: &str) -> Result<String, ExchangeError> {
    issued(hub, (Viewer::of_caller(caller), caller.is_some_and(Caller::is_hub)), id).await
}

/// The same for a person, as far as it may see the packet; that it was taken out is evidence.
///
/// # Errors
/// As `receipt`.
pub async fn receipt_for(hub: &Hub, person: &Person, id: &str) -> Result<Issued, ExchangeError> {
    access::covered(hub, person, id).await?;
    let issued = Issued::of(id, issued(hub, (Viewer::of(person), false), id).await?)?;
    access::looked_at(hub, person, "receipt", id).await?;
    Ok(issued)
}

async fn issued(hub: &Hub, (viewer, is_hub): (Viewer, bool), id: &str) -> Result<String, ExchangeError> {
    let id = id.to_owned();
    let found = hub.store.read(move |tx| {
        let row = match evidence::find(tx, &id)? {
            Some(row) => Some(row),
            None => evidence::of_acceptance(tx, &id)?,
        };
        let Some(row) = row.filter(has_receipt) else { return Ok(None) };
        let may_have = match &viewer {
            // A neighbouring hub holds no agency of the packet: it is answered for what it brought.
            Viewer::System(system) if is_hub => brought(&row, system),
            Viewer::System(_) | Viewer::Agencies(_) | Viewer::Hub => {
                history::may_see(tx, &viewer, &row)? && may_have(tx, &viewer, &row)?
            }
        };
        let evidence_id = row.evidence_id.clone();
        if may_have { Ok(Some((look_up(tx, &[row])?, evidence_id))) } else { Ok(None) }
    });
    let (looked_up, evidence_id) = found.await?.ok_or(ExchangeError::NotFound)?;
    sign_missing(hub, looked_up).await?.remove(&evidence_id).ok_or(ExchangeError::NotFound)
}

/// Whether a system brought the packet whose acceptance or refusal this is.
fn brought(row: &EvidenceRow, system: &str) -> bool {
    let is_answer = [EvidenceEvent::SubmissionAcceptance, EvidenceEvent::SubmissionRejection];
    row.system_id.as_deref() == Some(system) && is_answer.iter().any(|event| event.name() == row.event)
}

/// Whether evidence is of a packet, or of what the hub made of many; else it is of the hub's administration.
fn has_receipt(row: &EvidenceRow) -> bool {
    let others = [
        EvidenceEvent::SubmissionRejection,
        EvidenceEvent::StatementMade,
        EvidenceEvent::DayClosed,
        EvidenceEvent::ListReconciled,
        EvidenceEvent::ArchiveExported,
        EvidenceEvent::ArchiveDestroyed,
        EvidenceEvent::DestructionCertified,
    ];
    row.envelope_id.is_some() || others.iter().any(|event| row.event == event.name())
}

/// Whether a party to a piece of evidence may have its receipt too: that of an acceptance, or of what was destroyed, names all
/// recipients, and is the sender's.
fn may_have(tx: &mut Connection, viewer: &Viewer, row: &EvidenceRow) -> Result<bool, StoreError> {
    let of_all = [EvidenceEvent::SubmissionAcceptance, EvidenceEvent::PacketDestroyed];
    match (&row.agency, of_all.iter().any(|event| event.name() == row.event)) {
        (Some(sender), true) => viewer.holds(tx, sender),
        (Some(_) | None, _) => Ok(true),
    }
}

/// The receipts of pieces of evidence, by the ids of these: those that were signed before, and the others now.
pub(super) async fn issue(hub: &Hub, rows: Vec<EvidenceRow>) -> Result<HashMap<String, String>, ExchangeError> {
    let looked_up = hub.store.read(move |tx| look_up(tx, &rows)).await?;
    sign_missing(hub, looked_up).await
}

/// Receipts that are there, and what is needed to sign those that are not.
struct LookedUp {
    /// By the ids of evidence.
    known: HashMap<String, String>,
    unsigned: Vec<(Context, Record)>,
    /// Evidence that was altered since it was sealed, or says another packet than was accepted: it gets no signature.
    altered: Option<String>,
}

fn look_up(tx: &mut Connection, rows: &[EvidenceRow]) -> Result<LookedUp, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.evidence_id.as_str()).collect();
    let known = receipts::find(tx, &ids)?;
    let rows: Vec<&EvidenceRow> = rows.iter().filter(|row| !known.contains_key(&row.evidence_id)).collect();
    if rows.is_empty() {
        return Ok(LookedUp { known, unsigned: Vec::new(), altered: None });
    }
    let (contexts, ids) = (Contexts::of(tx, &rows)?, Vec::from_iter(rows.iter().map(|row| row.evidence_id.as_str())));
    let sealed = ledger::entries_of(tx, &ids)?.into_iter().map(|row| (row.evidence_id, row.entry));
    let sealed: HashMap<String, Vec<u8>> = sealed.collect();
    let (mut unsigned, mut altered) = (Vec::new(), None);
    for row in rows {
        let is_sealed_so =
            sealed.get(&row.evidence_id).is_none_or(|entry| *entry == seal::record(row).entry().to_vec());
        let context = contexts.context(row)?;
        if !is_sealed_so || !is_accepted_so(row, &context) {
            altered = Some(row.evidence_id.clone());
        }
        unsigned.push((context, record(row)));
    }
    Ok(LookedUp { known, unsigned, altered })
}

/// Signs the receipts that are not there, and keeps them.
async fn sign_missing(hub: &Hub, looked_up: LookedUp) -> Result<HashMap<String, String>, ExchangeError> {
    let LookedUp { mut known, unsigned, altered } = looked_up;
    if let Some(evidence_id) = altered {
        log::error!(target: "alarm", "evidence.id" = evidence_id.as_str(); "evidence is not what was sealed: no receipt is signed; run docaxis ledger verify");
        return Err(ExchangeError::Unavailable("evidence was altered since it was sealed".to_owned()));
    }
    if unsigned.is_empty() {
        return Ok(known);
    }
    let now = hub.clock.now();
    let lame = |why: &str| ExchangeError::Unavailable(format!("receipts cannot be signed: {why}"));
    let credential = hub.credentials.at(now).ok_or_else(|| lame("no certificate holds now (receipts.key_files)"))?;
    let signed = unsigned.into_iter().map(|(context, record)| sign(hub, (credential, now), record, context));
    let signed: Option<Vec<ReceiptRow>> = signed.collect();
    let signed = Arc::new(signed.ok_or_else(|| lame("the key refuses"))?);
    let (to_keep, certificate) = (Arc::clone(&signed), row_of(&credential.certificate));
    let kept = hub.store.write(move |tx| match receipts::keep(tx, &to_keep, &certificate)? == to_keep.len() {
        true => Ok(HashMap::new()),
        false => receipts::find(tx, &to_keep.iter().map(|row| row.evidence_id.as_str()).collect::<Vec<_>>()),
    });
    let kept = kept.await?;
    known.extend(signed.iter().map(|row| (row.evidence_id.clone(), row.xml.clone())));
    // Another node may have signed meanwhile: what is kept is what everybody gets.
    known.extend(kept);
    Ok(known)
}

/// Whether packet and recipients are what the evidence of the acceptance tells of; evidence of before that was sealed says less.
fn is_accepted_so(row: &EvidenceRow, (packet, recipients): &Context) -> bool {
    let is_acceptance = row.event == EvidenceEvent::SubmissionAcceptance.name();
    let Some(packet) = packet.as_ref().filter(|_| is_acceptance) else { return true };
    let facts: serde_json::Value = serde_json::from_str(&row.facts).unwrap_or_default();
    let says = |name: &str, value: serde_json::Value| facts.get(name).is_none_or(|fact| *fact == value);
    says("sha256", packet.sha256.as_str().into())
        && says("bytes", packet.bytes.into())
        && says("document_id", packet.document_id.as_str().into())
        && says("kind", packet.kind.as_str().into())
        && says("words", packet.words_digest().hex().into())
        && says("recipients", recipients_digest(recipients.iter().map(Recipient::sealed)).hex().into())
}

/// A piece of evidence as it is sealed.
pub(super) fn record(row: &EvidenceRow) -> Record {
    Record {
        evidence_id: row.evidence_id.clone(),
        event: row.event.clone(),
        at: row.at.and_utc(),
        envelope_id: row.envelope_id.clone(),
        delivery_id: row.delivery_id.clone(),
        agency: row.agency.clone(),
        system_id: row.system_id.clone(),
        facts: row.facts.clone(),
    }
}

fn sign(
    hub: &Hub,
    (credential, now): (&Credential, DateTime<Utc>),
    evidence: Record,
    (packet, recipients): Context,
) -> Option<ReceiptRow> {
    let (evidence_id, certificate_id) = (evidence.evidence_id.clone(), credential.certificate.id.clone());
    let receipt = Receipt {
        hub: hub.config.selftest.hub_name.clone(),
        ledger: seal::keys(hub).first().map(ToString::to_string).unwrap_or_default(),
        certificate: certificate_id.clone(),
        // A clock that was set back signs nothing before it happened.
        signed_at: now.max(evidence.at),
        evidence,
        packet,
        recipients,
    };
    let certificates: Vec<&[u8]> = credential.certificates.iter().map(Certificate::der).collect();
    let by = (credential.algorithm(), certificates.as_slice());
    let xml = wire::receipt::write(&receipt, by, |message| credential.sign(message))?;
    Some(ReceiptRow { evidence_id, certificate_id, signed_at: receipt.signed_at.naive_utc(), xml })
}

fn row_of(certificate: &Certificate) -> CertificateRow {
    CertificateRow {
        certificate_id: certificate.id.clone(),
        subject: certificate.subject.clone(),
        begins_at: certificate.begins_at.naive_utc(),
        ends_at: certificate.ends_at.naive_utc(),
        der: certificate.der().to_vec(),
    }
}

/// What receipts tell beside the evidence, for many at once. All of it stands in columns that never change.
struct Contexts {
    envelopes: HashMap<String, EnvelopeRow>,
    deliveries: HashMap<String, DeliveryRow>,
    /// Deliveries of an envelope of which evidence is of the whole, in the order in which they were made.
    lines: HashMap<String, Vec<String>>,
}

impl Contexts {
    fn of(tx: &mut Connection, rows: &[&EvidenceRow]) -> Result<Self, StoreError> {
        let whole = rows.iter().filter(|row| row.delivery_id.is_none()).filter_map(|row| row.envelope_id.as_deref());
        let whole: BTreeSet<&str> = whole.collect();
        let found = envelopes::deliveries_of(tx, &Vec::from_iter(whole.iter().copied()))?;
        let mut lines: HashMap<String, Vec<String>> = HashMap::new();
        for line in &found {
            lines.entry(line.envelope_id.clone()).or_default().push(line.delivery_id.clone());
        }
        let found = found.into_iter().map(|row| (row.delivery_id.clone(), row));
        let mut deliveries: HashMap<String, DeliveryRow> = found.collect();
        let others = rows.iter().filter_map(|row| row.delivery_id.as_deref());
        let others: BTreeSet<&str> = others.filter(|id| !deliveries.contains_key(*id)).collect();
        let others = envelopes::deliveries_of_ids(tx, &Vec::from_iter(others))?;
        deliveries.extend(others.into_iter().map(|row| (row.delivery_id.clone(), row)));
        // A piece may be of another envelope than the delivery that it is about.
        let of_deliveries = deliveries.values().map(|row| row.envelope_id.as_str());
        let ids: BTreeSet<&str> = of_deliveries.chain(whole).collect();
        let envelopes = envelopes::of_ids(tx, &Vec::from_iter(ids))?.into_iter();
        Ok(Self { envelopes: envelopes.map(|row| (row.envelope_id.clone(), row)).collect(), deliveries, lines })
    }

    fn context(&self, row: &EvidenceRow) -> Result<Context, StoreError> {
        if let Some(delivery_id) = &row.delivery_id {
            let delivery = self.deliveries.get(delivery_id).ok_or(StoreError::Missing("deliveries"))?;
            let envelope = self.envelopes.get(&delivery.envelope_id);
            return Ok((envelope.cloned().map(packet), vec![answer::recipient(delivery)]));
        }
        let Some(envelope) = row.envelope_id.as_ref().and_then(|id| self.envelopes.get(id)) else {
            return Ok((None, Vec::new()));
        };
        let lines = self.lines.get(&envelope.envelope_id).into_iter().flatten();
        let lines = lines.filter_map(|id| self.deliveries.get(id));
        // Deliveries that were started anew later are not what was accepted.
        let lines = lines.filter(|line| line.accepted_at() == envelope.accepted_at.and_utc());
        Ok((Some(packet(envelope.clone())), lines.map(answer::recipient).collect()))
    }
}

fn packet(row: EnvelopeRow) -> Packet {
    Packet {
        code: row.code(),
        kind: row.packet_kind,
        sender: row.sender_code,
        document_id: row.document_id,
        subject: row.subject,
        sha256: digest_of(&row.payload_sha256).hex(),
        bytes: u64::try_from(row.bytes).unwrap_or(0),
        accepted_at: row.accepted_at.and_utc(),
        envelope_id: row.envelope_id,
    }
}

/// Every certificate of this hub: those under which receipts were signed, and those that may sign next.
///
/// # Errors
/// `Store`.
pub async fn certificates(hub: &Hub) -> Result<Vec<Certificate>, ExchangeError> {
    let used = hub.store.read(receipts::certificates).await?;
    let mut all: Vec<Certificate> = used.iter().filter_map(|der| Certificate::read(der)).collect();
    for own in hub.credentials.certificates() {
        if !all.contains(own) {
            all.push(own.clone());
        }
    }
    all.sort_by_key(|certificate| certificate.begins_at);
    Ok(all)
}
