//! What the native API answers about what would happen to a packet and what did happen to a document, as JSON.

use super::agency_answers::{LineageBody, Page, ReceiptBody, lineage, receipt, time};
use super::forms;
use super::problem_body::{ViolationBody, violation_bodies};
use super::sentence::Sentence;
use crate::domain::delivery::DeliveryState;
use crate::domain::event_words;
use crate::exchange::follow::LineageLink;
use crate::exchange::history::{Direction, Happening, Pages};
use crate::exchange::preflight::{Foretold, ForetoldLine, Preflight};
use crate::exchange::prove::Sealed;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

/// What would become of a packet.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Preflight")]
pub struct PreflightBody<'a> {
    /// `accepted`, `repeat` or `refused`.
    #[schemars(schema_with = "would_be")]
    would_be: &'static str,
    /// SHA-256 of the packet; absent when it is too large to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "forms::sha256")]
    sha256: Option<String>,
    /// Size of the packet; absent when it is too large to be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// What would happen at each recipient of an accepted packet.
    deliveries: Vec<ForetoldBody<'a>>,
    /// Every reason of a refusal.
    violations: Vec<ViolationBody<'a>>,
    /// What would pass but deserves a look.
    warnings: Vec<ViolationBody<'a>>,
    /// The receipt of the first time, where it would be a repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptBody<'a>>,
    /// The evidence of a packet marked as a state secret: the only trace that a check leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "forms::id")]
    evidence_id: Option<&'a str>,
}

fn would_be(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["accepted", "repeat", "refused"] })
}

/// What would happen at one recipient.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ForetoldDelivery")]
struct ForetoldBody<'a> {
    /// Code of the receiving agency.
    recipient: &'a str,
    /// What the receipt would say.
    #[schemars(schema_with = "forms::outcome")]
    outcome: &'static str,
    /// The delivery by which it was sent the packet before; `null` when a new one would be made.
    had_by: Option<&'a str>,
    /// Earlier deliveries that would be withdrawn, since they were not fetched.
    withdraws: &'a [String],
    /// Earlier deliveries that were fetched, so that the recipient would be asked.
    asks_back: &'a [String],
}

/// What would become of a packet, as its sender sees it.
pub fn preflight(preflight: &Preflight) -> PreflightBody<'_> {
    let (would_be, lines, violations, before) = match &preflight.foretold {
        Foretold::Accepted(lines) => ("accepted", lines.as_slice(), &[][..], None),
        Foretold::Repeated(before) => ("repeat", &[][..], &[][..], Some(before)),
        Foretold::Refused(violations) => ("refused", &[][..], violations.as_slice(), None),
    };
    PreflightBody {
        would_be,
        sha256: preflight.read.map(|(sha256, _)| sha256.hex()),
        bytes: preflight.read.map(|(_, bytes)| bytes),
        deliveries: lines.iter().map(foretold).collect(),
        violations: violation_bodies(violations),
        warnings: violation_bodies(&preflight.warnings),
        receipt: before.map(|before| receipt(before)),
        evidence_id: preflight.evidence_id.as_deref(),
    }
}

fn foretold(line: &ForetoldLine) -> ForetoldBody<'_> {
    ForetoldBody {
        recipient: &line.recipient,
        outcome: line.outcome.word(),
        had_by: line.had_by.as_deref(),
        withdraws: &line.withdraws,
        asks_back: &line.asks_back,
    }
}

/// Something that happened to a document.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Happening")]
pub struct HappeningBody<'a> {
    /// The evidence of it.
    #[schemars(schema_with = "forms::id")]
    evidence_id: &'a str,
    /// When, by the hub's clock.
    #[schemars(schema_with = "forms::time")]
    at: String,
    /// What happened; names of ETSI EN 319 522, the hub's own with `docaxis:`.
    #[schemars(schema_with = "forms::event")]
    event: &'static str,
    /// The same for people.
    words: Sentence,
    /// On whose side.
    agency: Option<&'a str>,
    /// To which delivery; `null` when to the packet as a whole.
    delivery_id: Option<&'a str>,
    /// The packet that caused it.
    envelope_id: Option<&'a str>,
    /// The state of the delivery from then on, where it changed.
    #[schemars(schema_with = "forms::maybe_state")]
    state: Option<&'static str>,
    /// The status reported, two digits.
    status_code: Option<&'a str>,
    /// The reason that came with a status.
    description: Option<&'a str>,
    /// What the recipient's software said when it confirmed.
    note: &'a str,
    /// The hub where it happened; `null` when that is this one and it has no name (`relay.hub_name`).
    hub: Option<&'a str>,
    /// When, by the clock of that hub, where it is another one.
    #[schemars(schema_with = "forms::maybe_time")]
    hub_at: Option<&'a str>,
    /// SHA-256 of the signed receipt under which the neighbouring hub took the packet; the receipt itself is in the capsule.
    #[schemars(schema_with = "forms::maybe_sha256")]
    neighbour_receipt: Option<&'a str>,
    /// Where the evidence stands in the ledger; `null` until it is sealed, within about a second.
    sealed: Option<SealedBody>,
}

/// Where a piece of evidence stands in the ledger.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Sealed")]
struct SealedBody {
    /// Its index.
    index: i64,
    /// Entries of the newest tree, which has it.
    tree_size: i64,
    /// When the head of that tree was signed.
    #[schemars(schema_with = "forms::time")]
    signed_at: String,
}

fn sealed(sealed: Sealed) -> SealedBody {
    SealedBody { index: sealed.index, tree_size: sealed.tree_size, signed_at: time(sealed.signed_at) }
}

/// A page of what happened to a document; what happened here bears this hub's own name, if it has one.
pub fn timeline<'a>(pages: &'a Pages<Happening>, own_name: &'a str) -> Page<HappeningBody<'a>> {
    let happening = |one| happening(one, own_name);
    Page { items: pages.items.iter().map(happening).collect(), next: pages.next.clone() }
}

fn happening<'a>(happening: &'a Happening, own_name: &'a str) -> HappeningBody<'a> {
    let status_code = happening.status.as_ref().map(|(code, _)| code.as_str());
    let words = event_words::words(happening.event, happening.agency.as_deref(), status_code);
    HappeningBody {
        evidence_id: &happening.evidence_id,
        at: time(happening.at),
        event: happening.event.name(),
        words: words.into(),
        agency: happening.agency.as_deref(),
        delivery_id: happening.delivery_id.as_deref(),
        envelope_id: happening.envelope_id.as_deref(),
        // What earlier hubs did came before there was a delivery here.
        state: happening.delivery_id.as_ref().and(event_words::state(happening.event)).map(DeliveryState::word),
        status_code,
        description: happening.status.as_ref().map(|(_, description)| description.as_str()),
        note: &happening.note,
        hub: happening.elsewhere.as_ref().map(|(hub, _)| hub.as_str()).or((!own_name.is_empty()).then_some(own_name)),
        hub_at: happening.elsewhere.as_ref().map(|(_, at)| at.as_str()),
        neighbour_receipt: happening.neighbour_receipt.as_deref(),
        sealed: happening.sealed.map(sealed),
    }
}

/// A document that belongs to another, and on which side it stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Relative")]
pub struct RelativeBody<'a> {
    /// `acts_on`: this document acts on that one; `acted_on_by`: that one acts on this.
    #[schemars(schema_with = "direction")]
    direction: &'static str,
    #[serde(flatten)]
    link: LineageBody<'a>,
}

fn direction(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["acts_on", "acted_on_by"] })
}

/// A page of what belongs to a document.
pub fn relatives(pages: &Pages<(Direction, LineageLink)>) -> Page<RelativeBody<'_>> {
    let items = pages.items.iter().map(|(direction, link)| RelativeBody {
        direction: match direction {
            Direction::ActsOn => "acts_on",
            Direction::ActedOnBy => "acted_on_by",
        },
        link: lineage(link),
    });
    Page { items: items.collect(), next: pages.next.clone() }
}
