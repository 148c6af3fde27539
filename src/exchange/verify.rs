//! Receipts and capsules verified without hub, database or network. What cannot be verified does not hold: an unknown key, a
//! member that is not known, evidence that is not sealed. Each step says what it looked at and whether it holds.

use super::capsule::{self, Capsule, Piece, Place};
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
use serde_json::Value;

/// Whom whoever verifies trusts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Certificates of the hub, or of who issued them.
    pub certificates: Vec<Certificate>,
    /// Keys of its ledger, beside those that trusted receipts name.
    pub ledger_keys: Vec<Key>,
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

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Whether it is in the form of its kind.
    Form,
    /// The signature of a receipt.
    Signature,
    /// Whose signature it is.
    Certificate,
    /// The signed head.
    Checkpoint,
    /// Whether a record stands in the ledger.
    Inclusion,
    /// Whether a receipt tells its record.
    Record,
    /// Whether everything is about the same delivery.
    Delivery,
    /// Whether everything is about the same packet.
    Packet,
}

impl Look {
    /// Its name for scripts, and in words.
    pub fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Form => ("form", "dạng thức", "form"),
            Self::Signature => ("signature", "chữ ký biên nhận", "signature of the receipt"),
            Self::Certificate => ("certificate", "chứng thư số", "certificate"),
            Self::Checkpoint => ("checkpoint", "điểm chốt của sổ cái", "signed head of the ledger"),
            Self::Inclusion => ("inclusion", "vị trí trong sổ cái", "place in the ledger"),
            Self::Record => ("record", "biên nhận nói đúng bằng chứng", "the receipt tells this evidence"),
            Self::Delivery => ("delivery", "cùng một lượt chuyển", "one and the same delivery"),
            Self::Packet => ("packet", "cùng một gói tin", "one and the same packet"),
        }
    }
}

/// Why something does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// It is neither a receipt nor a capsule of a form that is known.
    Unreadable,
    /// A receipt in other bytes than the hub writes.
    OtherBytes,
    /// The digest that was signed is another one.
    Altered,
    /// The key did not make the signature.
    Signature,
    /// The receipt names another certificate than it has.
    OtherCertificate,
    /// The certificate had ended, or had not begun, when the receipt was signed.
    CertificateTime,
    /// Nobody who is trusted stands behind the certificate.
    Untrusted,
    /// It was signed before it happened.
    Early,
    /// The head is not what a known key signed.
    Head(NoteFault),
    /// No key of the ledger is known.
    NoLedgerKey,
    /// It is not sealed yet, or its proof was left out.
    Unsealed,
    /// The record is not what was sealed there.
    RecordAltered,
    /// The way to the head does not lead there.
    NotIncluded,
    /// The receipt is that of another piece of evidence.
    OtherRecord,
    /// It belongs to another delivery.
    OtherDelivery,
    /// Nothing binds the delivery to the envelope.
    Unbound,
    /// Nothing says that the packet was accepted.
    NoAcceptance,
    /// The packet is another one.
    OtherPacket,
}

impl Flaw {
    /// Its name, for scripts.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unreadable => "unreadable",
            Self::OtherBytes => "other-bytes",
            Self::Altered => "altered",
            Self::Signature => "signature",
            Self::OtherCertificate => "other-certificate",
            Self::CertificateTime => "certificate-time",
            Self::Untrusted => "untrusted",
            Self::Early => "early",
            Self::Head(_) => "head",
            Self::NoLedgerKey => "no-ledger-key",
            Self::Unsealed => "unsealed",
            Self::RecordAltered => "record-altered",
            Self::NotIncluded => "not-included",
            Self::OtherRecord => "other-record",
            Self::OtherDelivery => "other-delivery",
            Self::Unbound => "unbound",
            Self::NoAcceptance => "no-acceptance",
            Self::OtherPacket => "other-packet",
        }
    }

    /// What it is, Vietnamese and English.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => (
                "không phải biên nhận hay hồ sơ chứng minh đọc được",
                "neither a receipt nor a capsule that can be read",
            ),
            Self::OtherBytes => {
                ("biên nhận không đúng từng byte như Trục viết", "a receipt in other bytes than the hub writes")
            }
            Self::Altered => ("nội dung đã bị sửa sau khi ký", "it was altered after it was signed"),
            Self::Signature => ("chữ ký không đúng với khóa", "the key did not make this signature"),
            Self::OtherCertificate => {
                ("chứng thư kèm theo không phải chứng thư đã nêu", "another certificate than it names")
            }
            Self::CertificateTime => {
                ("chứng thư hết hạn hoặc chưa có hiệu lực lúc ký", "the certificate did not hold when this was signed")
            }
            Self::Untrusted => (
                "chứng thư không nằm trong số được tin cậy (--trust)",
                "nobody who is trusted stands behind the certificate (--trust)",
            ),
            Self::Early => ("ký trước khi sự việc xảy ra", "signed before it happened"),
            Self::Head(NoteFault::Unreadable) => ("không phải điểm chốt đã ký", "no signed head"),
            Self::Head(NoteFault::Signature) => ("điểm chốt đã bị sửa", "the signed head was altered"),
            Self::Head(NoteFault::Unsigned) => ("khóa đã biết không ký điểm chốt này", "no known key signed this head"),
            Self::NoLedgerKey => (
                "không có khóa sổ cái nào để tin (--ledger-key, hoặc một biên nhận đúng)",
                "no key of the ledger is known (--ledger-key, or a receipt that holds)",
            ),
            Self::Unsealed => (
                "chưa niêm phong, hoặc phần chứng minh đã bị bỏ; xin lại hồ sơ sau ít giây",
                "not sealed yet, or its proof was left out; ask for the capsule again in some seconds",
            ),
            Self::RecordAltered => ("bằng chứng không đúng với bút toán", "the evidence is not what was sealed"),
            Self::NotIncluded => {
                ("bút toán không nằm ở vị trí này của sổ cái", "the ledger does not have this entry there")
            }
            Self::OtherRecord => ("biên nhận của bằng chứng khác", "the receipt of other evidence"),
            Self::OtherDelivery => ("thuộc lượt chuyển khác", "it belongs to another delivery"),
            Self::Unbound => {
                ("không gì gắn lượt chuyển với gói tin này", "nothing binds the delivery to this envelope")
            }
            Self::NoAcceptance => ("không có bằng chứng tiếp nhận gói tin", "no evidence that the packet was accepted"),
            Self::OtherPacket => ("gói tin khác (SHA-256 không khớp)", "another packet (SHA-256 differs)"),
        }
    }
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
            let told = receipt.packet.map(|packet| packet.sha256).or_else(|| fact(&receipt.evidence, "sha256"));
            same_packet(&mut report, told, trust);
        }
        return report;
    }
    match serde_json::from_str::<Capsule>(text).ok().filter(|capsule| capsule.form == capsule::FORM) {
        Some(read) => {
            report.kind = Kind::Capsule;
            report.note("", Look::Form, None);
            of_capsule(&mut report, &read, trust);
        }
        None => report.note("", Look::Form, Flaw::Unreadable),
    }
    report
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
    for piece in &capsule.evidence {
        let fault = match &head {
            Ok(head) => included(piece, head).err(),
            Err(_) => Some(Flaw::NotIncluded),
        };
        report.note(&piece.record.evidence_id, Look::Inclusion, fault);
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
