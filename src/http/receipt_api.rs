//! Signed receipts, capsules and certificates over the native API. Not here: what they are made of (`exchange::attest`,
//! `exchange::capsule`).

use super::agency_answers::time;
use super::forms;
use super::gate::Call;
use super::ledger_api::{EvidenceBody, evidence};
use super::problem::{self, Problem};
use crate::domain::receipt::{Packet, Receipt, Recipient};
use crate::exchange::{Caller, attest, capsule};
use crate::signer::certificate::Certificate;
use actix_web::HttpResponse;
use schemars::JsonSchema;
use serde::Serialize;

/// The operations about receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptOperation {
    /// What a receipt says.
    Look,
    /// The signed receipt itself.
    Signed,
    /// The capsule of a delivery.
    Capsule,
    /// The certificates under which receipts are signed.
    Certificates,
}

/// The page that verifies receipts and capsules: a file that needs neither hub nor network.
const PAGE: &str = include_str!("../../docs/verify.html");

/// Answers with the page.
pub(super) fn page() -> HttpResponse {
    problem::ok().content_type("text/html; charset=utf-8").body(PAGE)
}

/// Answers one operation.
///
/// # Errors
/// Whatever keeps it from being answered as asked.
pub async fn answer(operation: ReceiptOperation, call: Call<'_>, caller: &Caller) -> Result<HttpResponse, Problem> {
    let (hub, caller) = (&call.node.hub, Some(caller));
    match operation {
        ReceiptOperation::Look => {
            let issued = attest::receipt(hub, caller, call.segment("id")).await?;
            Ok(problem::ok().json(body(&issued.receipt)))
        }
        ReceiptOperation::Signed => {
            let xml = attest::signed(hub, caller, call.segment("id")).await?;
            Ok(problem::ok().content_type("application/xml").body(xml))
        }
        ReceiptOperation::Capsule => {
            let capsule = capsule::capsule(hub, caller, call.segment("id")).await?;
            Ok(problem::ok().content_type("application/json").body(capsule.file()))
        }
        ReceiptOperation::Certificates => {
            let all = attest::certificates(hub).await?;
            Ok(problem::ok().json(all.iter().map(certificate).collect::<Vec<_>>()))
        }
    }
}

/// A receipt: the facts that were signed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SignedReceipt")]
pub struct ReceiptBody<'a> {
    /// What the hub calls itself.
    hub: &'a str,
    /// The key of its ledger.
    ledger: &'a str,
    /// SHA-256 of the certificate under which it is signed.
    #[schemars(schema_with = "forms::sha256")]
    certificate: &'a str,
    /// When it was signed.
    #[schemars(schema_with = "forms::time")]
    signed_at: String,
    /// The number of the event in ETSI EN 319 522; `null` for an event of the hub's own.
    etsi: Option<&'static str>,
    /// What happened.
    evidence: EvidenceBody<'a>,
    /// The packet; `null` when it was refused.
    packet: Option<PacketBody<'a>>,
    /// To whom it goes.
    recipients: Vec<RecipientBody<'a>>,
    /// Where the signed text (XML) is.
    signed: String,
}

/// The packet that a receipt is about.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReceiptPacket")]
struct PacketBody<'a> {
    /// Names the packet.
    #[schemars(schema_with = "forms::id")]
    envelope_id: &'a str,
    /// `new`, `recall`, `update`, `replacement` or `status-NN`.
    kind: &'a str,
    /// Code of the sending agency.
    sender: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// Number and notation.
    code: &'a str,
    /// Abstract.
    subject: &'a str,
    /// SHA-256 of the packet.
    #[schemars(schema_with = "forms::sha256")]
    sha256: &'a str,
    /// Size of the packet.
    bytes: u64,
    /// When the hub accepted it.
    #[schemars(schema_with = "forms::time")]
    accepted_at: String,
}

/// To whom a packet goes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReceiptRecipient")]
struct RecipientBody<'a> {
    /// Code of the receiving agency.
    recipient: &'a str,
    /// Names the packet for one recipient.
    #[schemars(schema_with = "forms::id")]
    delivery_id: &'a str,
    /// What was done for this addressee at acceptance.
    #[schemars(schema_with = "forms::outcome")]
    outcome: &'a str,
}

/// A certificate under which receipts are signed.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Certificate")]
pub struct CertificateBody<'a> {
    /// SHA-256 of it, as receipts name it.
    #[schemars(schema_with = "forms::sha256")]
    id: &'a str,
    /// Whose it is.
    subject: &'a str,
    /// From when it holds.
    #[schemars(schema_with = "forms::time")]
    begins_at: String,
    /// Until when it holds.
    #[schemars(schema_with = "forms::time")]
    ends_at: String,
    /// The certificate.
    pem: String,
}

/// A receipt, as everybody writes it.
pub fn body(receipt: &Receipt) -> ReceiptBody<'_> {
    ReceiptBody {
        hub: &receipt.hub,
        ledger: &receipt.ledger,
        certificate: &receipt.certificate,
        signed_at: time(receipt.signed_at),
        etsi: receipt.etsi(),
        evidence: evidence(&receipt.evidence),
        packet: receipt.packet.as_ref().map(packet),
        recipients: receipt.recipients.iter().map(recipient).collect(),
        signed: format!("/api/v1/receipts/{}/signed", receipt.evidence.evidence_id),
    }
}

fn packet(packet: &Packet) -> PacketBody<'_> {
    PacketBody {
        envelope_id: &packet.envelope_id,
        kind: &packet.kind,
        sender: &packet.sender,
        document_id: &packet.document_id,
        code: &packet.code,
        subject: &packet.subject,
        sha256: &packet.sha256,
        bytes: packet.bytes,
        accepted_at: time(packet.accepted_at),
    }
}

fn recipient(line: &Recipient) -> RecipientBody<'_> {
    RecipientBody { recipient: &line.agency, delivery_id: &line.delivery_id, outcome: &line.outcome }
}

fn certificate(certificate: &Certificate) -> CertificateBody<'_> {
    CertificateBody {
        id: &certificate.id,
        subject: &certificate.subject,
        begins_at: time(certificate.begins_at),
        ends_at: time(certificate.ends_at),
        pem: certificate.pem(),
    }
}
