//! What the native API answers, as JSON: `snake_case`, times in ISO 8601 with +07:00.

use super::problem_body::{ViolationBody, violation_bodies};
use crate::domain::dates::VIETNAM;
use crate::exchange::accept::Receipt;
use crate::exchange::directory::AgencyLine;
use crate::exchange::follow::{EnvelopeView, LineageLink, SentLine, StatusLine};
use crate::exchange::pickup::{Confirmed, MailboxItem};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// A time in ISO 8601 with Vietnam's offset, always at microseconds.
pub fn time(at: DateTime<Utc>) -> String {
    at.with_timezone(&VIETNAM).to_rfc3339_opts(SecondsFormat::Micros, false)
}

/// The word for a document or a status packet.
fn kind(is_document: bool) -> &'static str {
    if is_document { "document" } else { "status" }
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to ask for the next page with; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// The answer to an accepted packet.
#[derive(Debug, Serialize)]
pub struct ReceiptBody<'a> {
    envelope_id: &'a str,
    kind: &'static str,
    accepted_at: String,
    sender: &'a str,
    document_id: &'a str,
    sha256: String,
    bytes: u64,
    deliveries: Vec<ReceiptLineBody<'a>>,
    warnings: Vec<ViolationBody<'a>>,
}

#[derive(Debug, Serialize)]
struct ReceiptLineBody<'a> {
    recipient: &'a str,
    outcome: &'static str,
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
    }
}

/// A sent delivery.
#[derive(Debug, Serialize)]
pub struct SentBody<'a> {
    envelope_id: &'a str,
    delivery_id: &'a str,
    kind: &'static str,
    sender: &'a str,
    recipient: &'a str,
    document_id: &'a str,
    subject: &'a str,
    code: &'a str,
    accepted_at: String,
    fetched_at: Option<String>,
    changed_at: String,
    state: &'static str,
    status: &'static str,
    recall: &'a str,
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
        status: line.mark.word(),
        recall: &line.recall,
    }
}

/// A waiting delivery.
#[derive(Debug, Serialize)]
pub struct MailboxBody<'a> {
    delivery_id: &'a str,
    kind: &'static str,
    sender: &'a str,
    recipient: &'a str,
    subject: &'a str,
    code: &'a str,
    document_id: &'a str,
    urgency: i32,
    status: &'static str,
    accepted_at: String,
    changed_at: String,
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
#[derive(Debug, Serialize)]
pub struct EnvelopeBody<'a> {
    envelope_id: &'a str,
    kind: &'static str,
    sender: &'a str,
    document_id: &'a str,
    subject: &'a str,
    code: &'a str,
    accepted_at: String,
    sha256: String,
    bytes: u64,
    deliveries: Vec<SentBody<'a>>,
    statuses: Vec<StatusBody<'a>>,
    acts_on: Vec<LineageBody<'a>>,
    acted_on_by: Vec<LineageBody<'a>>,
}

#[derive(Debug, Serialize)]
struct StatusBody<'a> {
    reporter: &'a str,
    status_code: &'a str,
    description: &'a str,
    claimed_at: Option<String>,
    accepted_at: String,
    envelope_id: &'a str,
}

#[derive(Debug, Serialize)]
struct LineageBody<'a> {
    relation: &'a str,
    sender: &'a str,
    document_id: &'a str,
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

fn lineage(link: &LineageLink) -> LineageBody<'_> {
    LineageBody {
        relation: &link.relation,
        sender: &link.sender,
        document_id: &link.document_id,
        envelope_id: &link.envelope_id,
    }
}

/// What a confirmation led to.
#[derive(Debug, Serialize)]
pub struct ConfirmedBody<'a> {
    delivery_id: &'a str,
    state: &'static str,
    status: &'static str,
}

/// What a confirmation of this delivery led to.
pub fn confirmed(delivery_id: &str, confirmed: Confirmed) -> ConfirmedBody<'_> {
    ConfirmedBody { delivery_id, state: confirmed.state.word(), status: confirmed.mark.word() }
}

/// An agency of the directory.
#[derive(Debug, Serialize)]
pub struct AgencyBody<'a> {
    code: &'a str,
    name: &'a str,
    parent: Option<&'a str>,
    old_code: &'a str,
    mail: &'a str,
    mobile: &'a str,
    fax: &'a str,
    state: &'static str,
    successor: Option<&'a str>,
    version: i64,
    changed_at: String,
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
        state: agency.state.word(),
        successor: agency.successor.as_ref().map(|s| s.as_str()),
        version: agency.version,
        changed_at: time(line.changed_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_the_offset_and_always_six_digits() {
        let at = DateTime::parse_from_rfc3339("2026-11-21T17:05:09Z").unwrap().to_utc();
        assert_eq!(time(at), "2026-11-22T00:05:09.000000+07:00");
    }
}
