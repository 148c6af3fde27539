//! What a packet means once it was read: who sends what to whom, and what it does to which document.
//! `Envelope::of` reads as much as it can; whether that is enough is for `rules` to say.

use super::agency::OrganId;
use super::dates;
use super::element::Form;
use super::packet::{Digest, NodeId, Packet};
use super::status::StatusCode;
use aws_lc_rs::digest::{Context, SHA256};
use chrono::{DateTime, NaiveDate, Utc};

/// The document's identifier as its sender wrote it: opaque, unique with the sender.
pub type DocumentId = String;

/// Urgency, as the sender marks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Thường.
    Normal,
    /// Khẩn.
    Urgent,
    /// Thượng khẩn.
    VeryUrgent,
    /// Hỏa tốc.
    Express,
    /// Hỏa tốc hẹn giờ, a legacy value.
    ExpressAtHour,
}

impl Urgency {
    /// The number in packets and tables; unknown and absent count as normal.
    pub fn of_number(number: &str) -> Self {
        match number {
            "1" => Self::Urgent,
            "2" => Self::VeryUrgent,
            "3" => Self::Express,
            "4" => Self::ExpressAtHour,
            _ => Self::Normal,
        }
    }

    /// The number in packets and tables.
    pub fn number(self) -> i32 {
        match self {
            Self::Normal => 0,
            Self::Urgent => 1,
            Self::VeryUrgent => 2,
            Self::Express => 3,
            Self::ExpressAtHour => 4,
        }
    }
}

/// A document that another one names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentReference {
    /// Its sender, when named.
    pub organ_id: Option<OrganId>,
    /// Its identifier, when named.
    pub document_id: Option<DocumentId>,
    /// Its number and notation, when named.
    pub code: String,
    /// Its date, when readable.
    pub issued_on: Option<NaiveDate>,
}

/// What a document packet does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Business {
    /// 0: a new document.
    New,
    /// 1: takes a document back.
    Recall {
        /// The document meant, when the packet names it apart from its own identifier.
        target: Option<DocumentId>,
    },
    /// 2: changes a document or its recipients.
    Update {
        /// The document meant, when the packet names it apart from its own identifier.
        target: Option<DocumentId>,
        /// Recipients that join.
        added: Vec<OrganId>,
        /// Recipients that leave.
        removed: Vec<OrganId>,
    },
    /// 3: a document that takes the place of others.
    Replacement {
        /// The documents replaced.
        replaced: Vec<DocumentId>,
    },
}

impl Business {
    /// The number in packets.
    pub fn number(&self) -> i32 {
        match self {
            Self::New => 0,
            Self::Recall { .. } => 1,
            Self::Update { .. } => 2,
            Self::Replacement { .. } => 3,
        }
    }
}

/// The header of a document packet.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its identifier.
    pub document_id: DocumentId,
    /// Addressees in the packet's order, without repeats.
    pub recipients: Vec<OrganId>,
    /// What the packet does.
    pub business: Business,
    /// Serial number in the year.
    pub number: String,
    /// Notation.
    pub notation: String,
    /// Date of issue.
    pub issued_on: Option<NaiveDate>,
    /// Name of its kind, as shown to people.
    pub type_name: String,
    /// Abstract (trích yếu).
    pub subject: String,
    /// Urgency.
    pub urgency: Urgency,
    /// Deadline for an answer.
    pub due_on: Option<NaiveDate>,
    /// Documents it answers.
    pub answers: Vec<DocumentReference>,
    /// Whether a copy on paper follows, when the packet says so (`Paper`).
    pub paper_follows: Option<bool>,
    /// Whether something attached bears a digital signature; nothing without attachments.
    pub bears_signature: Option<bool>,
}

/// A status packet.
#[derive(Debug, Clone)]
pub struct StatusReport {
    /// The document it is about; its organ id is the other party.
    pub about: DocumentReference,
    /// What is reported.
    pub code: StatusCode,
    /// Reason or note.
    pub description: String,
    /// When it happened, as the reporter claims.
    pub claimed_at: Option<DateTime<Utc>>,
}

/// The two kinds of packet.
#[derive(Debug, Clone)]
pub enum Content {
    /// A document.
    Document(Document),
    /// A status report about a document.
    Status(StatusReport),
}

/// A packet's meaning.
#[derive(Debug, Clone)]
pub struct Envelope {
    /// Who sends it, as written.
    pub sender: Option<OrganId>,
    /// What it carries.
    pub content: Content,
    /// Digest over what the packet says, so that a rebuilt repeat is known as one (design D5).
    pub meaning: Digest,
}

/// Elements that a rebuilt repeat may carry anew, or that are no part of what is said: the parties are part of the
/// natural key instead, whichever of their codes was written; hops and time stamps are made afresh, content ids are drawn at random.
const NOT_MEANING: [&str; 8] = [
    "MessageHeader.From.OrganId",
    "MessageHeader.To.",
    "MessageHeader.Timestamp",
    "TraceHeaderList.TraceHeader.",
    "Manifest.",
    "Attachment.ContentId",
    "Attachment.ContentType",
    "Attachment.Description",
];

impl Envelope {
    /// Reads the meaning; nothing when the packet is neither a document nor a status report.
    pub fn of(packet: &Packet) -> Option<Self> {
        let content = if packet.first("MessageHeader.To").is_some() {
            Content::Document(document(packet))
        } else {
            let code = StatusCode::parse(packet.text("MessageHeader.StatusCode")?)?;
            Content::Status(status(packet, code))
        };
        let sender = packet.text("MessageHeader.From.OrganId").and_then(OrganId::parse);
        Some(Self { sender, content, meaning: meaning(packet) })
    }
}

fn document(packet: &Packet) -> Document {
    let text = |path: &str| packet.text(path).unwrap_or_default().to_owned();
    let date = |path: &str| packet.text(path).and_then(dates::date);
    let mut recipients: Vec<OrganId> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (_, node) in packet.all("MessageHeader.To.OrganId") {
        recipients.extend(OrganId::parse(&node.text).filter(|id| seen.insert(id.folded())));
    }
    let answers = packet.all("MessageHeader.ResponseFor").map(|(id, _)| reference(packet, id));
    let attached = packet.attachments.iter().filter_map(|attachment| attachment.content.as_ref());
    let paper = packet.text("TraceHeaderList.Bussiness.Paper");
    Document {
        document_id: text("MessageHeader.DocumentId"),
        recipients,
        business: business(packet),
        number: text("MessageHeader.Code.CodeNumber"),
        notation: text("MessageHeader.Code.CodeNotation"),
        issued_on: date("MessageHeader.PromulgationInfo.PromulgationDate"),
        type_name: text("MessageHeader.DocumentType.TypeName"),
        subject: text("MessageHeader.Subject"),
        urgency: Urgency::of_number(&text("MessageHeader.OtherInfo.Priority")),
        due_on: date("MessageHeader.DueDate"),
        answers: answers.filter(|r| r.document_id.is_some() || !r.code.is_empty()).collect(),
        paper_follows: paper.map(|flag| matches!(flag, "1" | "true")),
        bears_signature: attached.map(|content| content.bears_signature).reduce(|one, other| one || other),
    }
}

fn business(packet: &Packet) -> Business {
    let target = packet.text("TraceHeaderList.Bussiness.DocumentId").map(str::to_owned);
    match packet.text("TraceHeaderList.Bussiness.BussinessDocType") {
        Some("1") => Business::Recall { target },
        Some("2") => {
            let receivers = |wanted: bool| receivers(packet, wanted);
            Business::Update { target, added: receivers(true), removed: receivers(false) }
        }
        Some("3") => {
            let path = "TraceHeaderList.Bussiness.ReplacementInfoList.ReplacementInfo.DocumentId";
            let replaced = packet.all(path).map(|(_, n)| n.text.clone());
            Business::Replacement { replaced: replaced.filter(|id| !id.is_empty()).collect() }
        }
        _ => Business::New,
    }
}

/// Receivers that join (`true`) or leave (`false`); a receiver without a type joins.
fn receivers(packet: &Packet, joining: bool) -> Vec<OrganId> {
    let path = "TraceHeaderList.Bussiness.BussinessDocumentInfo.ReceiverList.Receiver";
    let wanted = packet
        .all(path)
        .filter(|(id, _)| !matches!(packet.child_text(*id, "ReceiverType"), Some("0" | "false")) == joining);
    wanted.filter_map(|(id, _)| packet.child_text(id, "OrganId").and_then(OrganId::parse)).collect()
}

fn reference(packet: &Packet, block: NodeId) -> DocumentReference {
    let text = |name: &str| packet.child_text(block, name);
    DocumentReference {
        organ_id: text("OrganId").and_then(OrganId::parse),
        document_id: text("DocumentId").map(str::to_owned),
        code: text("Code").unwrap_or_default().to_owned(),
        issued_on: text("PromulgationDate").and_then(dates::date),
    }
}

fn status(packet: &Packet, code: StatusCode) -> StatusReport {
    let none = DocumentReference { organ_id: None, document_id: None, code: String::new(), issued_on: None };
    StatusReport {
        about: packet.first("MessageHeader.ResponseFor").map_or(none, |(id, _)| reference(packet, id)),
        code,
        description: packet.text("MessageHeader.Description").unwrap_or_default().to_owned(),
        claimed_at: packet.text("MessageHeader.Timestamp").and_then(dates::timestamp),
    }
}

/// What the packet says, independent of the order of its elements, of empty ones, of the spelling of its
/// dates, and of everything in `NOT_MEANING`.
fn meaning(packet: &Packet) -> Digest {
    let mut said: Vec<(&str, String)> = packet
        .nodes
        .iter()
        .filter(|n| !n.text.is_empty() && !NOT_MEANING.iter().any(|skip| n.element.path.starts_with(skip)))
        .map(|n| (n.element.path, normal(n.element.form, &n.text)))
        .collect();
    for attachment in &packet.attachments {
        if let Some(content) = &attachment.content {
            said.push(("Attachment.Content", content.unzipped.unwrap_or(content.sha256).hex()));
        }
    }
    // Stable: what stands several times keeps its own order.
    said.sort_by_key(|(path, _)| *path);
    let mut context = Context::new(&SHA256);
    for (path, text) in said {
        context.update(path.as_bytes());
        context.update(&[0]);
        context.update(text.as_bytes());
        context.update(&[0]);
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    Digest(digest)
}

fn normal(form: Form, text: &str) -> String {
    match form {
        Form::Date => dates::date(text).map_or_else(|| text.to_owned(), |d| d.to_string()),
        Form::OrganId => text.to_ascii_uppercase(),
        Form::StatusCode => format!("{text:0>2}"),
        Form::Free | Form::Timestamp | Form::Number | Form::OneOf(_) => text.to_owned(),
    }
}
