//! A packet arrives: read, check, store, evidence, receipt. Start reading here.

use super::intake::{self, Keeping};
use super::register::{self, Attachment, Case};
use super::relay::{self, Head};
use super::selftest::gate::{self, Errand};
use super::{BodyFault, Caller, ExchangeError, seal};
use crate::arrivals::PUSHES;
use crate::domain::agency::{AgencyCode, OrganId};
use crate::domain::envelope::{Content, Envelope};
use crate::domain::packet::{Digest, Packet};
use crate::domain::rules::{self, Class, Violation};
use crate::hub::Hub;
use crate::metrics::{ClassLabel, CodeLabel, DoorLabel, PacketLabels};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::Stream;
use std::collections::HashSet;
use std::sync::Arc;

/// By which door a packet came: the SDK appends CR LF to what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// The native API: bytes as they are.
    Native,
    /// The SDK-compatible API: exactly one trailing CR LF is not part of the packet.
    Sdk,
    /// The native API, for a neighbouring hub.
    Relay,
    /// The portal: the hub wrote it for a person.
    Portal,
}

impl Door {
    /// The word in evidence and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Sdk => "sdk",
            Self::Relay => "relay",
            Self::Portal => "portal",
        }
    }
}

/// What comes with the bytes of a packet.
#[derive(Debug)]
pub struct Submission {
    /// Who sends it.
    pub caller: Caller,
    /// By which door.
    pub door: Door,
    /// Addressees named outside the packet; they count only where the packet names none (docs/sdk.md).
    pub addressees: Vec<String>,
    /// `hash-file` of the SDK in any of its spellings; a packet that does not match was damaged on its way.
    pub hash_file: Option<String>,
    /// What a neighbouring hub says beside the packet.
    pub relay: Option<Head>,
}

/// The answer to a submission.
#[derive(Debug)]
pub enum Verdict {
    /// Registered and durable.
    Accepted(Receipt),
    /// The same was registered before; this is the receipt of then.
    Repeated(Receipt),
    /// Not registered; every reason.
    Rejected(Rejection),
}

/// What the sender is told about an accepted packet. Computed from rows that never change: asking again
/// gives the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The hub's id of the envelope (the sender-side id of the SDK).
    pub envelope_id: String,
    /// `document` or `status`.
    pub kind: &'static str,
    /// When it was accepted, by the hub's clock.
    pub accepted_at: DateTime<Utc>,
    /// The sending agency.
    pub sender: AgencyCode,
    /// The identifier of the document sent or reported about.
    pub document_id: String,
    /// SHA-256 of the bytes as received.
    pub sha256: Digest,
    /// Their number.
    pub bytes: u64,
    /// One line per addressee, the oldest delivery first: the packet's order, unless some had it before.
    pub lines: Vec<ReceiptLine>,
    /// What passed but deserves a look.
    pub warnings: Vec<Violation>,
}

/// What became of a packet for one addressee at the moment of acceptance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptLine {
    /// The agency.
    pub recipient: AgencyCode,
    /// What was done.
    pub outcome: LineOutcome,
    /// The delivery made for it or, when withdrawn, the delivery taken back.
    pub delivery_id: String,
}

/// See `ReceiptLine`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineOutcome {
    /// In line to be pushed to the agency's endpoint.
    Pending,
    /// Put at the agency's disposal. For a recall: as a request, since the agency has the document.
    Consigned,
    /// The document was taken back before the agency fetched it; nothing is delivered.
    Withdrawn,
}

impl LineOutcome {
    /// Every outcome.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Consigned, Self::Withdrawn];

    /// The word in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Consigned => "consigned",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What the sender is told about a refused packet.
#[derive(Debug, Clone)]
pub struct Rejection {
    /// The evidence of the refusal, for enquiries.
    pub evidence_id: String,
    /// When, by the hub's clock.
    pub at: DateTime<Utc>,
    /// Every reason.
    pub violations: Vec<Violation>,
}

/// A packet that arrived and was judged by itself.
pub(super) struct Judged {
    pub(super) case: Case,
    pub(super) envelope: Option<Envelope>,
    pub(super) violations: Vec<Violation>,
    /// Whether its parties may be looked up although it has faults of its own, so that all faults are told at once.
    pub(super) by_parties: bool,
    /// What it is to the self-test.
    pub(super) errand: Errand,
}

/// Receives a packet and judges it by itself.
pub(super) async fn judged(
    hub: &Hub,
    submission: Submission,
    body: impl Stream<Item = Result<Bytes, BodyFault>>,
    keeping: Keeping,
) -> Result<Judged, ExchangeError> {
    let arrival = intake::receive(hub, (submission.door, keeping), submission.hash_file, body).await?;
    let packet = arrival.reading.packet;
    let envelope = Envelope::of(&packet);
    let errand = gate::errand(hub, submission.caller.system_id(), envelope.as_ref()).await?;
    // Looking up more addressees than may be would let one packet keep the database busy.
    let by_parties = match &envelope {
        Some(Envelope { content: Content::Document(document), .. }) => {
            document.recipients.len() <= hub.config.packets.recipients_max
        }
        Some(_) => true,
        None => false,
    } && arrival.reading.whole
        && !arrival.reading.secret;
    let of_relay = match submission.door {
        Door::Relay => relay::faults(submission.relay.as_ref(), submission.caller.system_id(), &hub.config.relay),
        Door::Native | Door::Sdk | Door::Portal => Vec::new(),
    };
    let case = Case {
        ids: hub.ids,
        now: hub.clock.now(),
        schedules: Arc::clone(&hub.schedules),
        system_id: submission.caller.system_id,
        by: None,
        door: submission.door,
        relay: submission.relay,
        addressees: addressees(&submission.addressees, hub.config.packets.recipients_max),
        attachments: attachments(&packet),
        warnings: rules::warnings(&packet),
        sha256: arrival.sha256,
        bytes: arrival.bytes,
        content: arrival.content,
        packet,
    };
    // Whose parties are meant is not known of a packet that nobody should have passed on.
    let by_parties = by_parties && of_relay.is_empty();
    let mut violations = of_relay;
    violations.extend(arrival.violations);
    // Who the other parties are does not matter to a packet that may not go to the test agencies at all.
    let is_stray = matches!(errand, Errand::Stray);
    if is_stray {
        violations.push(gate::stray());
    }
    let by_parties = by_parties && !is_stray;
    Ok(Judged { case, envelope, violations, by_parties, errand })
}

/// Tells those who wait on this node and on others what was just registered.
fn announce(hub: &Hub, receipt: &Receipt) {
    let recipients = receipt.lines.iter().map(|line| match line.outcome {
        LineOutcome::Pending => PUSHES,
        LineOutcome::Consigned | LineOutcome::Withdrawn => line.recipient.as_str(),
    });
    // Of a document withdrawn at once, the hub itself tells the sender.
    hub.arrivals.announce(recipients.chain([receipt.sender.as_str()]));
    if receipt.lines.iter().any(|line| line.outcome == LineOutcome::Pending) {
        hub.wake.notify_one();
    }
}

/// Takes a packet in: durable in every recipient's hands when the verdict says accepted.
///
/// # Errors
/// `Body` when the bytes did not arrive, `Store` and `Payload` when they could not be kept, `Unsealed` when evidence is not
/// sealed. Nothing is registered then.
pub async fn accept(
    hub: &Hub,
    submission: Submission,
    body: impl Stream<Item = Result<Bytes, BodyFault>>,
) -> Result<Verdict, ExchangeError> {
    seal::may_accept(hub)?;
    let (caller, door) = (submission.caller.clone(), submission.door);
    match judged(hub, submission, body, Keeping::Packet).await {
        Err(ExchangeError::Body(BodyFault::TooLarge)) => refuse_too_large(hub, caller, door).await,
        judged => settle(hub, judged?).await,
    }
}

/// Registers a packet that was judged by itself, or refuses it.
///
/// # Errors
/// `Store`.
pub(super) async fn settle(hub: &Hub, judged: Judged) -> Result<Verdict, ExchangeError> {
    let Judged { case, envelope, violations, by_parties, errand } = judged;
    let door = case.door;
    let (kind, status) = kind_of(envelope.as_ref());
    if violations.is_empty() {
        gate::before(hub, &errand).await?;
    }
    let verdict = match envelope {
        Some(envelope) if violations.is_empty() => {
            let foresight = hub.store.foresight(|| register::foresight(&case, &envelope));
            hub.store.write_foreseen(foresight, move |tx| register::register(tx, &case, &envelope)).await
        }
        // A packet that cannot be kept is still judged by its parties, so that all faults are told at once.
        Some(envelope) if by_parties => {
            hub.store.write(move |tx| register::refuse_with_parties(tx, &case, &envelope, violations.clone())).await
        }
        Some(_) | None => hub.store.write(move |tx| register::refuse(tx, &case, violations.clone())).await,
    };
    let verdict = verdict?;
    alarm(&verdict);
    if let Verdict::Accepted(receipt) = &verdict {
        announce(hub, receipt);
    }
    count(hub, (door, kind, status), &verdict);
    gate::after(hub, &errand, &verdict).await?;
    Ok(verdict)
}

/// Counts a verdict: by which door, what it was, and its status code if it is a known one.
fn count(hub: &Hub, (door, kind, status): (Door, &'static str, Option<&'static str>), verdict: &Verdict) {
    let door = door.word();
    let outcome = match verdict {
        Verdict::Accepted(receipt) => {
            hub.metrics.packet_bytes.get_or_create(&DoorLabel { door }).inc_by(receipt.bytes);
            if let Some(code) = status {
                hub.metrics.statuses.get_or_create(&CodeLabel { code }).inc();
            }
            "accepted"
        }
        Verdict::Repeated(_) => "repeated",
        Verdict::Rejected(rejection) => {
            if let Some(first) = rejection.violations.first() {
                let class = u64::from(first.class.number());
                hub.metrics.refusals.get_or_create(&ClassLabel { class }).inc();
            }
            let is_conflict = rejection.violations.iter().any(|v| v.class == Class::Conflict);
            if is_conflict { "conflict" } else { "refused" }
        }
    };
    hub.metrics.packets.get_or_create(&PacketLabels { door, kind, outcome }).inc();
}

/// What a packet is, in a word, and its status code if it is a known one.
fn kind_of(envelope: Option<&Envelope>) -> (&'static str, Option<&'static str>) {
    match envelope.map(|envelope| &envelope.content) {
        Some(Content::Document(_)) => ("document", None),
        Some(Content::Status(report)) => ("status", report.code.entry().map(|known| known.code)),
        None => ("unknown", None),
    }
}

/// A packet over the limit was thrown away as it came: nothing is known of it but that.
async fn refuse_too_large(hub: &Hub, caller: Caller, door: Door) -> Result<Verdict, ExchangeError> {
    let limit = hub.config.packets.bytes_max.to_string();
    let (ids, now) = (hub.ids, hub.clock.now());
    let refused = hub.store.write(move |tx| {
        let violations = vec![rules::violation("M.Packet.TooLarge", "", &[&limit])];
        register::refusal(tx, (ids, now), (Some(&caller.system_id), None, door), None, violations)
    });
    let verdict = refused.await?;
    count(hub, (door, "unknown", None), &verdict);
    Ok(verdict)
}

/// Tells the operator of refusals that may be more than a mistake: never more than ids, since the log is no place
/// for content.
pub(super) fn alarm(verdict: &Verdict) {
    let Verdict::Rejected(rejection) = verdict else { return };
    for class in [Class::StateSecret, Class::Conflict] {
        if let Some(violation) = rejection.violations.iter().find(|v| v.class == class) {
            let (code, evidence) = (violation.code.as_str(), rejection.evidence_id.as_str());
            log::error!(target: "alarm", "violation.code" = code, "evidence.id" = evidence; "a packet was refused");
        }
    }
}

/// Addressees named beside a packet, each once, as many as a packet may name.
fn addressees(named: &[String], limit: usize) -> Vec<OrganId> {
    let mut seen = HashSet::new();
    let ids = named.iter().filter_map(|text| OrganId::parse(text));
    ids.filter(|id| seen.insert(id.folded())).take(limit).collect()
}

fn attachments(packet: &Packet) -> Vec<Attachment> {
    let text = |node, name| packet.child_text(node, name).unwrap_or_default().to_owned();
    let read = packet.attachments.iter().filter_map(|read| Some((read.node, read.content.as_ref()?)));
    read.map(|(node, content)| Attachment {
        name: text(node, "AttachmentName"),
        content_type: text(node, "ContentType"),
        bytes: content.bytes,
        sha256: content.sha256,
    })
    .collect()
}
