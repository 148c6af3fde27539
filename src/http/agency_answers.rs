//! What the native API answers, as JSON: `snake_case`, times in ISO 8601 with +07:00.

use super::forms;
use super::problem_body::{ViolationBody, violation_bodies};
pub use crate::domain::dates::for_machines as time;
use crate::exchange::accept::Receipt;
use crate::exchange::directory::AgencyLine;
use crate::exchange::follow::{EnvelopeView, LineageLink, SentLine, StatusLine};
use crate::exchange::pickup::{Confirmed, MailboxItem};
use schemars::JsonSchema;
use serde::Serialize;

/// The word for a document or a status packet.
fn kind(is_document: bool) -> &'static str {
    if is_document { "document" } else { "status" }
}

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask for the next page with; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The answer to an accepted packet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Receipt")]
pub struct ReceiptBody<'a> {
    /// Names the packet.
    #[schemars(schema_with = "forms::id")]
    envelope_id: &'a str,
    /// Which packet it is.
    #[schemars(schema_with = "forms::kind")]
    kind: &'static str,
    /// When the hub accepted it.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
    /// Code of the sending agency.
    sender: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// SHA-256 of the packet.
    #[schemars(schema_with = "forms::sha256")]
    sha256: String,
    /// Size of the packet.
    bytes: u64,
    /// One for each addressee.
    deliveries: Vec<ReceiptLineBody<'a>>,
    /// What passed but deserves a look.
    warnings: Vec<ViolationBody<'a>>,
    /// Where the signed receipt is.
    signed_receipt: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReceiptLine")]
struct ReceiptLineBody<'a> {
    /// Code of the receiving agency.
    recipient: &'a str,
    /// What was done for this addressee.
    #[schemars(schema_with = "forms::outcome")]
    outcome: &'static str,
    /// Names the packet for one recipient.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
}

/// A receipt as its sender sees it.
pub fn receipt(receipt: &Receipt) -> ReceiptBody<'_> {
    let lines = receipt.lines.iter().map(|line| ReceiptLineBody {
        recipient: line.recipient.as_str(),
        outcome: line.outcome.word(),
        delivery_id: &line.delivery_id,
    });
    ReceiptBody {
        envelope_id: &receipt.envelope_id,
        kind: receipt.kind,
        accepted_at: time(receipt.accepted_at),
        sender: receipt.sender.as_str(),
        document_id: &receipt.document_id,
        sha256: receipt.sha256.hex(),
        bytes: receipt.bytes,
        deliveries: lines.collect(),
        warnings: violation_bodies(&receipt.warnings),
        signed_receipt: format!("/api/v1/receipts/{}/signed", receipt.envelope_id),
    }
}

/// A sent delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SentDelivery")]
pub struct SentBody<'a> {
    /// Names the packet.
    #[schemars(schema_with = "forms::id")]
    envelope_id: &'a str,
    /// Names the packet for one recipient.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
    /// Which packet it is.
    #[schemars(schema_with = "forms::kind")]
    kind: &'static str,
    /// Code of the sending agency.
    sender: &'a str,
    /// Code of the receiving agency.
    recipient: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// Abstract; empty for a status packet.
    subject: &'a str,
    /// Number and notation.
    code: &'a str,
    /// When the hub accepted it.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
    /// When its bytes first left for the recipient.
    #[schemars(schema_with = "forms::maybe_time")]
    fetched_at: Option<String>,
    /// When it last changed.
    #[schemars(schema_with = "forms::time")]
    changed_at: String,
    /// What the hub knows of the delivery.
    #[schemars(schema_with = "forms::state")]
    state: &'static str,
    /// The neighbouring hub that it is passed on to; `null` when the recipient is here.
    via: Option<&'a str>,
    /// What the recipient's software has said.
    #[schemars(schema_with = "forms::mark")]
    status: &'static str,
    /// How a recall stands; empty when there is none.
    #[schemars(schema_with = "forms::recall")]
    recall: &'a str,
    /// By when the recipient's clerks are to receive it, by the working calendar; nothing for what does not reach them.
    #[schemars(schema_with = "forms::maybe_time")]
    receive_by: Option<String>,
    /// When they first reported that they have it (03 or a later status) or gave it back (02).
    #[schemars(schema_with = "forms::maybe_time")]
    received_at: Option<String>,
    /// Whether the time is over and they reported nothing.
    overdue: bool,
}

/// A sent delivery as its sender sees it.
pub fn sent(line: &SentLine) -> SentBody<'_> {
    SentBody {
        envelope_id: &line.envelope_id,
        delivery_id: &line.delivery_id,
        kind: kind(line.is_document),
        sender: &line.sender,
        recipient: &line.recipient,
        document_id: &line.document_id,
        subject: &line.subject,
        code: &line.code,
        accepted_at: time(line.accepted_at),
        fetched_at: line.fetched_at.map(time),
        changed_at: time(line.changed_at),
        state: line.state.word(),
        via: line.via.as_deref(),
        status: line.mark.word(),
        recall: &line.recall,
        receive_by: line.receive_by.map(time),
        received_at: line.received_at.map(time),
        overdue: line.overdue,
    }
}

/// A waiting delivery.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WaitingDelivery")]
pub struct MailboxBody<'a> {
    /// Names the packet for one recipient.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
    /// Which packet it is.
    #[schemars(schema_with = "forms::kind")]
    kind: &'static str,
    /// Code of the sending agency.
    sender: &'a str,
    /// Code of the receiving agency.
    recipient: &'a str,
    /// Abstract; empty for a status packet.
    subject: &'a str,
    /// Number and notation.
    code: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// 0 to 4, as `Priority` in the packet.
    urgency: i32,
    /// What the recipient's software has said.
    #[schemars(schema_with = "forms::mark")]
    status: &'static str,
    /// When the hub accepted it.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
    /// When it last changed.
    #[schemars(schema_with = "forms::time")]
    changed_at: String,
    /// Size of the packet.
    bytes: u64,
}

/// A waiting delivery as its recipient sees it.
pub fn mailbox(item: &MailboxItem) -> MailboxBody<'_> {
    MailboxBody {
        delivery_id: &item.delivery_id,
        kind: kind(item.is_document),
        sender: &item.sender,
        recipient: &item.recipient,
        subject: &item.subject,
        code: &item.code,
        document_id: &item.document_id,
        urgency: item.urgency,
        status: item.mark.word(),
        accepted_at: time(item.accepted_at),
        changed_at: time(item.changed_at),
        bytes: item.bytes,
    }
}

/// One envelope with all that a party may see of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Envelope")]
pub struct EnvelopeBody<'a> {
    /// Names the packet.
    #[schemars(schema_with = "forms::id")]
    envelope_id: &'a str,
    /// Which packet it is.
    #[schemars(schema_with = "forms::kind")]
    kind: &'static str,
    /// Code of the sending agency.
    sender: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// Abstract; empty for a status packet.
    subject: &'a str,
    /// Number and notation.
    code: &'a str,
    /// When the hub accepted it.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
    /// SHA-256 of the packet.
    #[schemars(schema_with = "forms::sha256")]
    sha256: String,
    /// Size of the packet.
    bytes: u64,
    /// One for each addressee.
    deliveries: Vec<SentBody<'a>>,
    /// What clerks reported, oldest first.
    statuses: Vec<StatusBody<'a>>,
    /// Documents that this one recalls, updates, replaces or answers.
    acts_on: Vec<LineageBody<'a>>,
    /// Documents that recall, update, replace or answer this one.
    acted_on_by: Vec<LineageBody<'a>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StatusReport")]
struct StatusBody<'a> {
    /// Code of the reporting agency.
    reporter: &'a str,
    /// Two digits, see docs/codes.md.
    status_code: &'a str,
    /// Reason or note.
    description: &'a str,
    /// When it happened, as the reporter claims.
    #[schemars(schema_with = "forms::maybe_time")]
    claimed_at: Option<String>,
    /// When the hub accepted it.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
    /// Names the packet.
    #[schemars(schema_with = "forms::id")]
    envelope_id: &'a str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LineageLink")]
pub(super) struct LineageBody<'a> {
    /// How the two belong together.
    #[schemars(schema_with = "forms::relation")]
    relation: &'a str,
    /// Code of the sending agency.
    sender: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// Names the packet.
    #[schemars(schema_with = "forms::id")]
    envelope_id: &'a str,
}

/// An envelope as a party to it sees it.
pub fn envelope(view: &EnvelopeView) -> EnvelopeBody<'_> {
    EnvelopeBody {
        envelope_id: &view.envelope_id,
        kind: kind(view.is_document),
        sender: &view.sender,
        document_id: &view.document_id,
        subject: &view.subject,
        code: &view.code,
        accepted_at: time(view.accepted_at),
        sha256: view.sha256.hex(),
        bytes: view.bytes,
        deliveries: view.deliveries.iter().map(sent).collect(),
        statuses: view.statuses.iter().map(status).collect(),
        acts_on: view.acts_on.iter().map(lineage).collect(),
        acted_on_by: view.acted_on_by.iter().map(lineage).collect(),
    }
}

fn status(line: &StatusLine) -> StatusBody<'_> {
    StatusBody {
        reporter: &line.reporter,
        status_code: &line.status_code,
        description: &line.description,
        claimed_at: line.claimed_at.map(time),
        accepted_at: time(line.accepted_at),
        envelope_id: &line.envelope_id,
    }
}

pub(super) fn lineage(link: &LineageLink) -> LineageBody<'_> {
    LineageBody {
        relation: &link.relation,
        sender: &link.sender,
        document_id: &link.document_id,
        envelope_id: &link.envelope_id,
    }
}

/// What a confirmation led to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Confirmed")]
pub struct ConfirmedBody<'a> {
    /// Names the packet for one recipient.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
    /// What the hub knows of the delivery.
    #[schemars(schema_with = "forms::state")]
    state: &'static str,
    /// What the recipient's software has said.
    #[schemars(schema_with = "forms::mark")]
    status: &'static str,
}

/// What a confirmation of this delivery led to.
pub fn confirmed(delivery_id: &str, confirmed: Confirmed) -> ConfirmedBody<'_> {
    ConfirmedBody { delivery_id, state: confirmed.state.word(), status: confirmed.mark.word() }
}

/// An agency of the directory.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Agency")]
pub struct AgencyBody<'a> {
    /// Its one code.
    code: &'a str,
    /// Its name.
    name: &'a str,
    /// Code of the agency above.
    parent: Option<&'a str>,
    /// Its code before Decision 20/2020; empty when unknown.
    old_code: &'a str,
    /// Empty when unknown.
    mail: &'a str,
    /// Empty when unknown.
    mobile: &'a str,
    /// Empty when unknown.
    fax: &'a str,
    /// Codes beside its own that lead to it.
    aliases: &'a [String],
    /// What the operator decided.
    #[schemars(schema_with = "forms::agency_state")]
    state: &'static str,
    /// Whether it takes part today.
    #[schemars(schema_with = "forms::standing")]
    standing: &'static str,
    /// Who takes its mail, when closed.
    successor: Option<&'a str>,
    /// Its first day, as `2026-12-31`; without one it always was.
    valid_from: Option<String>,
    /// Its last day.
    valid_until: Option<String>,
    /// The version of the directory since which it is as it is.
    version: i64,
    /// When it last changed.
    #[schemars(schema_with = "forms::time")]
    changed_at: String,
}

/// A page of the directory.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOfAgencies")]
pub struct AgenciesPage<'a> {
    /// The rows.
    pub items: Vec<AgencyBody<'a>>,
    /// What to ask for the next page with; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// The version of the directory.
    pub version: i64,
}

/// An agency as everybody sees it.
pub fn agency(line: &AgencyLine) -> AgencyBody<'_> {
    let agency = &line.agency;
    AgencyBody {
        code: agency.code.as_str(),
        name: &agency.name,
        parent: agency.parent.as_ref().map(|p| p.as_str()),
        old_code: &line.old_code,
        mail: &agency.mail,
        mobile: &agency.mobile,
        fax: &agency.fax,
        aliases: &line.aliases,
        state: agency.state.word(),
        standing: line.standing.word(),
        valid_from: agency.validity.from.map(|day| day.to_string()),
        valid_until: agency.validity.until.map(|day| day.to_string()),
        successor: agency.successor.as_ref().map(|s| s.as_str()),
        version: agency.version,
        changed_at: time(line.changed_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn times_carry_the_offset_and_always_six_digits() {
        let at = DateTime::parse_from_rfc3339("2026-11-21T17:05:09Z").unwrap().to_utc();
        assert_eq!(time(at), "2026-11-22T00:05:09.000000+07:00");
    }
}
