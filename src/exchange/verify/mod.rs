//! Receipts, capsules, statements, time-stamps and archives (`archive`) verified without hub, database or network. What cannot be verified
//! does not hold: an unknown key, a member that is not known, evidence that is not sealed. Each step says what it looked at and
//! whether it holds.

mod archive;
mod destroyed;
mod heads;
mod words;

use super::capsule::{Capsule, Piece, Place};
use super::stamp::{self, TimestampFile};
use super::statements::StatementFile;
use crate::domain::dates::{for_people, timestamp};
use crate::domain::destruction;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::domain::receipt::{Receipt, Recipient, Record, recipients_digest};
use crate::domain::reconciliation;
use crate::domain::statement::{self, DayFacts, Facts};
use crate::proof::checkpoint::{Checkpoint, Key};
use crate::proof::entry;
use crate::proof::merkle::{Hash, hash_of, includes, leaf_hash};
use crate::signer::certificate::Certificate;
use crate::wire::receipt::{self, ReadFault, Signed};
use heads::{cosigned, head_of, stamped};
use serde_json::Value;
use std::io::{self, Read};
pub use words::{Flaw, Look};

/// Whom whoever verifies trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Certificates of the hub, or of who issued them.
    pub certificates: Vec<Certificate>,
    /// Certificates of neighbouring hubs, or of who issued them: for their receipts of packets that they took, and nothing else.
    pub neighbours: Vec<Certificate>,
    /// Keys of its ledger, beside those that trusted receipts name.
    pub ledger_keys: Vec<Key>,
    /// Keys of witnesses; at least one of them is to have cosigned the head, where any are given.
    pub witness_keys: Vec<Key>,
    /// Certificates of time-stamp authorities, or of who issued them: for time-stamps, and nothing else. Where any are given, the head
    /// is to be stamped.
    pub authorities: Vec<Certificate>,
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
    /// A daily statement, or the list of a day's statements.
    Statement,
    /// A signed head with its time-stamp.
    Timestamp,
    /// A certificate of destruction.
    Destruction,
    /// An archive.
    Archive,
    /// None of these.
    Unknown,
}

impl Kind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Receipt => "receipt",
            Self::Capsule => "capsule",
            Self::Statement => "statement",
            Self::Timestamp => "timestamp",
            Self::Destruction => "destruction",
            Self::Archive => "archive",
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
    /// The packets of an archive whose contents were destroyed; the first of them where there are many.
    pub destroyed: Vec<String>,
}

impl Report {
    fn new(kind: Kind) -> Self {
        Self { kind, tells: Vec::new(), steps: Vec::new(), destroyed: Vec::new() }
    }

    /// Whether everything holds.
    pub fn holds(&self) -> bool {
        self.steps.iter().all(|step| step.fault.is_none())
    }

    fn note(&mut self, entry: &str, looked_at: Look, fault: impl Into<Option<Flaw>>) {
        self.steps.push(Step { entry: entry.to_owned(), looked_at, fault: fault.into() });
    }
}

/// Verifies what is read: a small file in memory, an archive piece by piece.
///
/// # Errors
/// Those of the reading.
pub fn verify_stream(input: &mut dyn Read, trust: &Trust) -> io::Result<Report> {
    let mut begin = [0; 4];
    let mut filled = 0;
    while let Some(rest) = begin.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match input.read(rest)? {
            0 => break,
            read => filled = filled.saturating_add(read),
        }
    }
    let begin = begin.get(..filled).unwrap_or_default();
    if begin == b"PK\x03\x04" {
        return archive::verify(begin.chain(input), trust);
    }
    let mut file = Vec::new();
    begin.chain(input).take(FILE_BYTES_MAX).read_to_end(&mut file)?;
    Ok(verify(&file, trust))
}

/// Bytes of a receipt, capsule or statement that are looked at; none is longer.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Verifies a receipt, a capsule, a statement or a time-stamp.
pub fn verify(file: &[u8], trust: &Trust) -> Report {
    let mut report = Report::new(Kind::Unknown);
    let text = std::str::from_utf8(file).unwrap_or_default();
    if text.starts_with("<Receipt ") {
        report.kind = Kind::Receipt;
        if let Some(receipt) = signed(&mut report, "", text, trust) {
            other_words(&mut report, &receipt.evidence, std::slice::from_ref(&receipt));
            same_packet(&mut report, told_digest(&receipt), trust);
        }
        return report;
    }
    if let Some(read) = serde_json::from_str::<Capsule>(text).ok().filter(Capsule::is_of_known_form) {
        report.kind = Kind::Capsule;
        report.note("", Look::Form, None);
        of_capsule(&mut report, &read, trust);
    } else if let Some(read) = serde_json::from_str::<StatementFile>(text).ok().filter(is_statement) {
        report.kind = if read.form == destruction::FORM { Kind::Destruction } else { Kind::Statement };
        report.note("", Look::Form, None);
        of_statement(&mut report, &read, trust);
    } else if let Some(read) = serde_json::from_str::<TimestampFile>(text).ok().filter(|file| file.form == stamp::FORM)
    {
        report.kind = Kind::Timestamp;
        report.note("", Look::Form, None);
        let head = head_of(Some(&read.checkpoint), &trust.ledger_keys);
        report.note("", Look::Checkpoint, head.err());
        cosigned(&mut report, &read.checkpoint, &trust.witness_keys);
        stamped(&mut report, (&read.checkpoint, Some(&read.timestamp)), trust);
    } else {
        report.note("", Look::Form, Flaw::Unreadable);
    }
    report
}

/// Whether a file has the form of a statement, or of a certificate of destruction. No neighbour signs one: what nobody looks at must not look as if it were verified.
fn is_statement(file: &StatementFile) -> bool {
    let is_destruction = file.evidence.record.event == EvidenceEvent::DestructionCertified.name();
    let form = if is_destruction { destruction::FORM } else { statement::FORM };
    file.form == form && file.evidence.neighbour_receipt.is_none()
}

/// Verifies a statement, the list of a day's statements, a reconciliation, or a certificate of destruction.
fn of_statement(report: &mut Report, file: &StatementFile, trust: &Trust) {
    let record = &file.evidence.record;
    if pieces(report, std::slice::from_ref(&file.evidence), file.checkpoint.as_ref(), trust).is_empty() {
        report.note("", Look::Record, Flaw::Unsealed);
    }
    let is_told = match EvidenceEvent::of_name(&record.event) {
        Some(EvidenceEvent::StatementMade) => {
            let facts = serde_json::from_str::<Facts>(&record.facts).ok();
            report.tells.extend(facts.as_ref().map(|facts| {
                let Facts { day, sender, recipient, counts, .. } = facts;
                format!("{day} · {sender} → {recipient} · {} gói tin / packets", counts.sent)
            }));
            facts.is_some_and(|facts| facts.tell(&file.list))
        }
        Some(EvidenceEvent::ListReconciled) => {
            let facts = serde_json::from_str::<reconciliation::Facts>(&record.facts).ok();
            report.tells.extend(facts.as_ref().map(|facts| {
                let reconciliation::Facts { day, agency, lines, posted, counts, .. } = facts;
                let matching = counts.matching;
                format!("đối soát / reconciliation · {day} · {agency} · {lines} dòng / lines · {matching} khớp / match · SHA-256 {posted}")
            }));
            facts.is_some_and(|facts| facts.tell(&file.list))
        }
        Some(EvidenceEvent::DayClosed) => {
            serde_json::from_str::<DayFacts>(&record.facts).is_ok_and(|facts| facts.tell(&file.list))
        }
        Some(EvidenceEvent::DestructionCertified) => {
            let facts = serde_json::from_str::<destruction::Facts>(&record.facts).ok();
            report.tells.extend(facts.as_ref().map(|facts| {
                let destruction::Facts { packets, archives, .. } = facts;
                let (proposed, approved) = (&facts.proposed_by.name, &facts.approved_by.name);
                format!("{packets} nội dung, {archives} gói lưu trữ đã tiêu hủy / contents, archives destroyed · {proposed} → {approved}")
            }));
            let told = facts.and_then(|facts| facts.told(&file.list));
            report.tells.extend(told.iter().flat_map(|(_, archives)| archives).map(|archive| {
                let at = timestamp(&archive.destroyed_at).map(for_people).unwrap_or_default();
                format!(
                    "gói lưu trữ đã tiêu hủy / archive destroyed: {} · {at} · SHA-256 {}",
                    archive.archive_id, archive.sha256
                )
            }));
            told.is_some()
        }
        Some(_) | None => false,
    };
    report.note("", Look::List, (!is_told).then_some(Flaw::OtherList));
}

/// The receipt that a text is, if all of it holds and it is about the packet at hand.
///
/// # Errors
/// The first thing that does not hold.
pub fn receipt(xml: &str, trust: &Trust) -> Result<Receipt, Flaw> {
    let mut report = Report::new(Kind::Receipt);
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
    let receipts = pieces(report, &capsule.evidence, capsule.checkpoint.as_ref(), trust);
    stamped(report, (capsule.checkpoint.as_deref().unwrap_or_default(), capsule.timestamp.as_deref()), trust);
    for piece in &capsule.evidence {
        neighbour(report, (capsule, piece), trust);
    }
    report.note("", Look::Delivery, other_delivery(capsule, &receipts));
    report.note("", Look::Packet, other_packet(capsule, &receipts));
    if let Some(accepted) = acceptance(capsule) {
        other_words(report, accepted, &receipts);
    }
    same_packet(report, Some(capsule.sha256.clone()), trust);
}

/// Verifies pieces of evidence: their receipts, the head, their places under it. Answers the receipts that hold.
fn pieces(report: &mut Report, pieces: &[Piece], checkpoint: Option<&String>, trust: &Trust) -> Vec<Receipt> {
    let (mut receipts, mut keys) = (Vec::new(), trust.ledger_keys.clone());
    for piece in pieces {
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
    let head = head_of(checkpoint, &keys);
    report.note("", Look::Checkpoint, head.as_ref().err().copied());
    cosigned(report, checkpoint.map(String::as_str).unwrap_or_default(), &trust.witness_keys);
    for piece in pieces {
        let fault = match &head {
            Ok(head) => included(piece, head).err(),
            Err(_) => Some(Flaw::NotIncluded),
        };
        report.note(&piece.record.evidence_id, Look::Inclusion, fault);
    }
    receipts
}

/// Looks at the receipt of the neighbouring hub that took the packet: the record has its digest.
fn neighbour(report: &mut Report, (capsule, piece): (&Capsule, &Piece), trust: &Trust) {
    let (id, named) = (piece.record.evidence_id.as_str(), fact(&piece.record, "receipt_sha256"));
    let xml = match (&piece.neighbour_receipt, named) {
        (None, None) => return,
        (Some(xml), Some(named)) if Digest::of(xml.as_bytes()).hex() == named => xml,
        (Some(_) | None, _) => return report.note(id, Look::Neighbour, Flaw::OtherNeighbourReceipt),
    };
    // Invariant: who is trusted as a neighbour says nothing for this hub, nor this hub for a neighbour.
    let trust = Trust { certificates: trust.neighbours.clone(), ..Trust::default() };
    let mut found = Report::new(Kind::Receipt);
    let receipt = signed(&mut found, id, xml, &trust);
    report.tells.append(&mut found.tells);
    for Step { looked_at, fault, .. } in found.steps {
        let fault = fault.map(|flaw| if flaw == Flaw::Untrusted { Flaw::UntrustedNeighbour } else { flaw });
        report.note(id, looked_at, fault);
    }
    let Some(Receipt { evidence, packet, .. }) = receipt else { return };
    let told = packet.map(|packet| (packet.sha256, packet.bytes));
    let is_same = told == Some((capsule.sha256.clone(), capsule.bytes));
    let other_packet = (!is_same).then_some(Flaw::OtherPacket);
    report.note(id, Look::Neighbour, if is_acceptance(&evidence) { other_packet } else { Some(Flaw::NoAcceptance) });
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

fn is_acceptance(record: &Record) -> bool {
    record.event == EvidenceEvent::SubmissionAcceptance.name()
}

/// The record that its packet was accepted.
fn acceptance(capsule: &Capsule) -> Option<&Record> {
    capsule.evidence.iter().map(|piece| &piece.record).find(|record| is_acceptance(record))
}

/// Compares what receipts tell beside the evidence with what the record of the acceptance has sealed of it. Records of before
/// that was done still hold, and it is said that they say nothing of it.
fn other_words(report: &mut Report, accepted: &Record, receipts: &[Receipt]) {
    if !is_acceptance(accepted) {
        return;
    }
    let (Some(words), Some(recipients)) = (fact(accepted, "words"), fact(accepted, "recipients")) else {
        let vi = "số ký hiệu, trích yếu và nơi nhận chưa được niêm phong (tiếp nhận trước phiên bản này)";
        return report
            .tells
            .push(format!("{vi} / number, abstract and recipients are not sealed (accepted before that was done)"));
    };
    let other_words = |receipt: &Receipt| receipt.packet.as_ref().is_some_and(|it| it.words_digest().hex() != words);
    let other_recipients = |receipt: &Receipt| {
        receipt.evidence == *accepted
            && recipients_digest(receipt.recipients.iter().map(Recipient::sealed)).hex() != recipients
    };
    let differs = receipts.iter().any(|receipt| other_words(receipt) || other_recipients(receipt));
    report.note("", Look::Words, differs.then_some(Flaw::OtherWords));
}

/// Whether it is another packet than the one that was accepted.
fn other_packet(capsule: &Capsule, receipts: &[Receipt]) -> Option<Flaw> {
    let Some(accepted) = acceptance(capsule) else { return Some(Flaw::NoAcceptance) };
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
