//! Receipts and capsules verified without hub, database or network. What cannot be verified does not hold: an unknown key, a
//! member that is not known, evidence that is not sealed. Each step says what it looked at and whether it holds.

mod flaw;

use super::capsule::{Capsule, Piece, Place};
use super::seal::opened;
use crate::domain::dates::for_people;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::domain::receipt::{Receipt, Record};
use crate::proof::checkpoint::{Checkpoint, Key, NoteFault};
use crate::proof::entry;
use crate::proof::merkle::{Hash, hash_of, includes, leaf_hash};
use crate::signer::certificate::Certificate;
use crate::wire::receipt::{self, ReadFault, Signed};
use chrono::DateTime;
pub use flaw::{Flaw, Look};
use serde_json::Value;

/// Whom whoever verifies trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Certificates of the hub, or of who issued them.
    pub certificates: Vec<Certificate>,
    /// Keys of its ledger, beside those that trusted receipts name.
    pub ledger_keys: Vec<Key>,
    /// Keys of witnesses; at least one of them is to have cosigned the head, where any are given.
    pub witness_keys: Vec<Key>,
    /// The digest of the packet that the files are to be about.
    pub packet: Option<Digest>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A signed receipt.
    Receipt,
    /// A capsule.
    Capsule,
    /// Neither.
    Unknown,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Capsule => "capsule",
            Self::Unknown => "unknown",
        }
    }
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// In which piece of evidence; empty for the file as a whole.
    pub entry: String,
    /// What was looked at.
    pub looked_at: Look,
    /// Why it does not hold; nothing when it does.
    pub fault: Option<Flaw>,
}

/// What was found of a file.
#[derive(Debug, Clone)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// What it tells, line by line, whether it holds or not.
    pub tells: Vec<String>,
    /// Every step.
    pub steps: Vec<Step>,
}

impl Report {
    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.steps.iter().all(|step| step.fault.is_none())
    }

    fn note(&mut self, entry: &str, looked_at: Look, fault: impl Into<Option<Flaw>>) {
        self.steps.push(Step { entry: entry.to_owned(), looked_at, fault: fault.into() });
    }
}

/// Verifies a file.
pub fn verify(file: &[u8], trust: &Trust) -> Report {
    let mut report = Report { kind: Kind::Unknown, tells: Vec::new(), steps: Vec::new() };
    let text = std::str::from_utf8(file).unwrap_or_default();
    if text.starts_with("<Receipt ") {
        report.kind = Kind::Receipt;
        if let Some(receipt) = signed(&mut report, "", text, trust) {
            same_packet(&mut report, told_digest(&receipt), trust);
        }
        return report;
    }
    match serde_json::from_str::<Capsule>(text).ok().filter(Capsule::is_of_known_form) {
        Some(read) => {
            report.kind = Kind::Capsule;
            report.note("", Look::Form, None);
            of_capsule(&mut report, &read, trust);
        }
        None => report.note("", Look::Form, Flaw::Unreadable),
    }
    report
}

/// The receipt that a text is, if all of it holds and it is about the packet at hand.
///
/// # Errors
/// The first thing that does not hold.
pub fn receipt(xml: &str, trust: &Trust) -> Result<Receipt, Flaw> {
    let mut report = Report { kind: Kind::Receipt, tells: Vec::new(), steps: Vec::new() };
    let receipt = signed(&mut report, "", xml, trust);
    same_packet(&mut report, receipt.as_ref().and_then(told_digest), trust);
    let flaw = report.steps.iter().find_map(|step| step.fault);
    receipt.filter(|_| flaw.is_none()).ok_or(flaw.unwrap_or(Flaw::Unreadable))
}

/// The digest of the packet that a receipt is about.
fn told_digest(receipt: &Receipt) -> Option<String> {
    let told = receipt.packet.as_ref().map(|packet| packet.sha256.clone());
    told.or_else(|| fact(&receipt.evidence, "sha256"))
}

/// Compares the packet at hand with the one that is told of.
fn same_packet(report: &mut Report, told: Option<String>, trust: &Trust) {
    if let Some(packet) = trust.packet {
        let is_same = told.is_some_and(|told| told == packet.hex());
        report.note("", Look::Packet, (!is_same).then_some(Flaw::OtherPacket));
    }
}

/// Verifies a receipt; answers it when all of it holds.
fn signed(report: &mut Report, entry: &str, xml: &str, trust: &Trust) -> Option<Receipt> {
    let read = match receipt::read(xml) {
        Ok(read) => read,
        Err(ReadFault::Unreadable) => {
            report.note(entry, Look::Form, Flaw::Unreadable);
            return None;
        }
        Err(ReadFault::OtherBytes) => {
            report.note(entry, Look::Form, Flaw::OtherBytes);
            return None;
        }
    };
    report.note(entry, Look::Form, None);
    let certificates: Option<Vec<Certificate>> = read.certificates.iter().map(|der| Certificate::read(der)).collect();
    let chain = certificates.unwrap_or_default();
    let Some((own, others)) = chain.split_first() else {
        report.note(entry, Look::Certificate, Flaw::Unreadable);
        return None;
    };
    let signature = match (read.is_whole, own.signed(read.algorithm, &read.message, &read.signature)) {
        (false, _) => Some(Flaw::Altered),
        (true, false) => Some(Flaw::Signature),
        (true, true) => None,
    };
    let certificate = of_certificate(&read, (own, others), trust);
    report.note(entry, Look::Signature, signature);
    report.note(entry, Look::Certificate, certificate);
    let Signed { receipt, .. } = read;
    let (at, about) = (for_people(receipt.evidence.at), receipt.packet.as_ref());
    let about = about.map_or(String::new(), |packet| format!(" · {} · {}", packet.document_id, packet.subject));
    report.tells.push(format!("{} · {at} · {}{about} · {}", receipt.evidence.event, receipt.hub, own.subject));
    (signature.is_none() && certificate.is_none()).then_some(receipt)
}

fn of_certificate(read: &Signed, (own, others): (&Certificate, &[Certificate]), trust: &Trust) -> Option<Flaw> {
    let signed_at = read.receipt.signed_at;
    if own.id != read.receipt.certificate {
        return Some(Flaw::OtherCertificate);
    }
    if !own.holds_at(signed_at) {
        return Some(Flaw::CertificateTime);
    }
    if !own.is_trusted(others, &trust.certificates, signed_at) {
        return Some(Flaw::Untrusted);
    }
    (signed_at < read.receipt.evidence.at).then_some(Flaw::Early)
}

fn of_capsule(report: &mut Report, capsule: &Capsule, trust: &Trust) {
    let (mut receipts, mut keys) = (Vec::new(), trust.ledger_keys.clone());
    for piece in &capsule.evidence {
        let id = &piece.record.evidence_id;
        let Some(xml) = &piece.receipt else { continue };
        if let Some(receipt) = signed(report, id, xml, trust) {
            report.note(id, Look::Record, (receipt.evidence != piece.record).then_some(Flaw::OtherRecord));
            // Whom an authority vouches for may be anybody; the hub's own certificate, trusted by itself, names its ledger.
            let is_pinned = trust.certificates.iter().any(|one| one.id == receipt.certificate);
            keys.extend(Key::parse(&receipt.ledger).filter(|_| is_pinned));
            receipts.push(receipt);
        }
    }
    let head = head_of(capsule, &keys);
    report.note("", Look::Checkpoint, head.as_ref().err().copied());
    cosigned(report, capsule.checkpoint.as_deref().unwrap_or_default(), &trust.witness_keys);
    for piece in &capsule.evidence {
        let fault = match &head {
            Ok(head) => included(piece, head).err(),
            Err(_) => Some(Flaw::NotIncluded),
        };
        report.note(&piece.record.evidence_id, Look::Inclusion, fault);
    }
    for piece in &capsule.evidence {
        neighbour(report, (capsule, piece), trust);
    }
    report.note("", Look::Delivery, other_delivery(capsule, &receipts));
    report.note("", Look::Packet, other_packet(capsule, &receipts));
    same_packet(report, Some(capsule.sha256.clone()), trust);
}

fn head_of(capsule: &Capsule, keys: &[Key]) -> Result<Checkpoint, Flaw> {
    let note = capsule.checkpoint.as_ref().ok_or(Flaw::Unsealed)?;
    if keys.is_empty() {
        return Err(Flaw::NoLedgerKey);
    }
    opened(keys, note).map(|(head, _)| head).map_err(Flaw::Head)
}

/// Looks at what witnesses put under a head: each that is altered does not hold, and one at least is to be there.
fn cosigned(report: &mut Report, note: &str, keys: &[Key]) {
    let mut is_cosigned = keys.is_empty();
    for key in keys {
        match key.cosigned(note) {
            Ok(None) | Err(NoteFault::Unreadable | NoteFault::Unsigned) => {}
            Ok(Some(at)) => {
                is_cosigned = true;
                report.note(key.name(), Look::Cosignature, None);
                let at = i64::try_from(at).ok().and_then(|at| DateTime::from_timestamp(at, 0));
                let at = at.map(for_people).unwrap_or_default();
                report.tells.push(format!("ký chứng / cosigned: {} · {at}", key.name()));
            }
            Err(NoteFault::Signature) => {
                is_cosigned = true;
                report.note(key.name(), Look::Cosignature, Flaw::Cosignature);
            }
        }
    }
    if !is_cosigned {
        report.note("", Look::Cosignature, Flaw::NotCosigned);
    }
}

/// Looks at the receipt of the neighbouring hub that took the packet: the record has its digest.
fn neighbour(report: &mut Report, (capsule, piece): (&Capsule, &Piece), trust: &Trust) {
    let (id, named) = (piece.record.evidence_id.as_str(), fact(&piece.record, "receipt_sha256"));
    let xml = match (&piece.neighbour_receipt, named) {
        (None, None) => return,
        (Some(xml), Some(named)) if Digest::of(xml.as_bytes()).hex() == named => xml,
        (Some(_) | None, _) => return report.note(id, Look::Neighbour, Flaw::OtherNeighbourReceipt),
    };
    if let Some(receipt) = signed(report, id, xml, trust) {
        let told = receipt.packet.map(|packet| (packet.sha256, packet.bytes));
        let is_same = told == Some((capsule.sha256.clone(), capsule.bytes));
        report.note(id, Look::Neighbour, (!is_same).then_some(Flaw::OtherPacket));
    }
}

fn included(piece: &Piece, head: &Checkpoint) -> Result<(), Flaw> {
    let Place { index, entry, path } = piece.sealed.as_ref().ok_or(Flaw::Unsealed)?;
    let entry_now = of_record(&piece.record).entry();
    if hex::encode(entry_now) != *entry {
        return Err(Flaw::RecordAltered);
    }
    let path: Option<Vec<Hash>> = path.iter().map(|hash| hash_of(&hex::decode(hash).ok()?)).collect();
    let leads = |path: &[Hash]| includes((*index, leaf_hash(&entry_now)), path, (head.size, head.root));
    if path.is_some_and(|path| leads(&path)) { Ok(()) } else { Err(Flaw::NotIncluded) }
}

fn of_record(record: &Record) -> entry::Record<'_> {
    entry::Record {
        evidence_id: &record.evidence_id,
        event: &record.event,
        at: record.at,
        envelope_id: record.envelope_id.as_deref(),
        delivery_id: record.delivery_id.as_deref(),
        agency: record.agency.as_deref(),
        system_id: record.system_id.as_deref(),
        facts: &record.facts,
    }
}

/// Whether something belongs to another delivery, or nothing says that this delivery is of this envelope.
fn other_delivery(capsule: &Capsule, receipts: &[Receipt]) -> Option<Flaw> {
    let (delivery, envelope) = (Some(&capsule.delivery_id), Some(&capsule.envelope_id));
    let belongs = |record: &Record| match &record.delivery_id {
        Some(_) => record.delivery_id.as_ref() == delivery,
        None => record.envelope_id.as_ref() == envelope,
    };
    if !capsule.evidence.iter().all(|piece| belongs(&piece.record)) {
        return Some(Flaw::OtherDelivery);
    }
    let is_other = |receipt: &Receipt| receipt.packet.as_ref().map(|packet| &packet.envelope_id) != envelope;
    if receipts.iter().any(is_other) {
        return Some(Flaw::OtherDelivery);
    }
    let binds = |record: &Record| record.delivery_id.as_ref() == delivery && record.envelope_id.as_ref() == envelope;
    let names = |receipt: &Receipt| receipt.recipients.iter().any(|one| Some(&one.delivery_id) == delivery);
    let is_bound = capsule.evidence.iter().any(|piece| binds(&piece.record)) || receipts.iter().any(names);
    (!is_bound).then_some(Flaw::Unbound)
}

/// Whether it is another packet than the one that was accepted.
fn other_packet(capsule: &Capsule, receipts: &[Receipt]) -> Option<Flaw> {
    let is_acceptance = |record: &&Record| record.event == EvidenceEvent::SubmissionAcceptance.name();
    let Some(accepted) = capsule.evidence.iter().map(|piece| &piece.record).find(is_acceptance) else {
        return Some(Flaw::NoAcceptance);
    };
    let mut of_receipts = receipts.iter().filter_map(|receipt| receipt.packet.as_ref());
    let differs = of_receipts.clone().any(|packet| receipts.iter().any(|other| other.packet.as_ref() != Some(packet)));
    let mut told = of_receipts.by_ref().map(|packet| (Some(packet.sha256.clone()), packet.bytes.to_string()));
    let sealed = (fact(accepted, "sha256"), fact(accepted, "bytes").unwrap_or_default());
    let said = (Some(capsule.sha256.clone()), capsule.bytes.to_string());
    (differs || sealed != said || told.any(|told| told != said)).then_some(Flaw::OtherPacket)
}

/// What the facts of a record say under a name; a number as its digits.
fn fact(record: &Record, name: &str) -> Option<String> {
    let facts: Value = serde_json::from_str(&record.facts).ok()?;
    let fact = facts.get(name)?;
    Some(fact.as_str().map_or_else(|| fact.to_string(), str::to_owned))
}
