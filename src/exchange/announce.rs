//! Events to senders: whoever writes evidence about a delivery announces it here, in the same transaction, to the webhooks
//! that want to hear of it. What a webhook is told stands in the announcement from then on. Not here: bringing it
//! (`dispatch`), the webhooks themselves (`webhooks`).

use crate::domain::announcement::{self, EventKind, TEST};
use crate::domain::dates::for_machines;
use crate::domain::endpoint::{EndpointId, EndpointKind};
use crate::domain::event_words;
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::lane::Lane;
use crate::domain::relay::last_hub;
use crate::domain::rules::Wording;
use crate::domain::schedule::Schedules;
use crate::hub::Ids;
use crate::store::announcements::{AnnouncementRow, Listener};
use crate::store::deliveries::DeliveryRow;
use crate::store::pushes::PushRow;
use crate::store::{Connection, StoreError, announcements, envelopes, evidence, pushes};
use chrono::{DateTime, Utc};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What whoever notes that something happened needs.
#[derive(Clone, Copy)]
pub(super) struct Moment<'a> {
    pub(super) ids: Ids,
    pub(super) now: DateTime<Utc>,
    pub(super) schedules: &'a Schedules,
}

/// What a webhook is sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Event")]
pub struct Event<'a> {
    /// What happened.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When, by the hub's clock.
    timestamp: String,
    /// To what.
    data: EventData<'a>,
}

/// What an event is about. There is nothing of a document's content in it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventData<'a> {
    /// The evidence of it.
    evidence_id: &'a str,
    /// The document's packet.
    envelope_id: &'a str,
    /// The delivery to that recipient.
    delivery_id: &'a str,
    /// The sender's identifier of the document.
    document_id: &'a str,
    /// `new`, `recall`, `update` or `replacement`.
    kind: &'a str,
    /// Code of the sender.
    sender: &'a str,
    /// Code of the recipient.
    recipient: &'a str,
    /// How the delivery stands after it: `pending`, `consigned`, `handed_over`, `withdrawn` or `failed`.
    state: &'static str,
    /// The status reported, two digits.
    status_code: Option<&'a str>,
    /// What came with a status, or what the recipient's software said.
    note: &'a str,
    /// The packet that caused it, where that is another one.
    caused_by: Option<&'a str>,
    /// The hub where it happened; `null` for this one.
    hub: Option<&'a str>,
    /// What happened, in words.
    reason: Words,
    /// Where the native API tells all that happened to the document.
    timeline: String,
}

/// The same in both languages.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Words {
    /// Vietnamese.
    vi: String,
    /// English.
    en: String,
}

impl From<Wording> for Words {
    fn from(wording: Wording) -> Self {
        Self { vi: wording.vi, en: wording.en }
    }
}

/// What a webhook is sent to be tried.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TestEvent")]
pub struct TestEvent<'a> {
    /// `webhook.test`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// When it was asked for.
    timestamp: String,
    /// To whom it is.
    data: TestData<'a>,
}

/// To whom a test is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TestData<'a> {
    /// The system.
    system: &'a str,
}

/// What a hub tells the neighbour that brought a delivery.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayEvent {
    /// What happened, as for webhooks.
    #[serde(rename = "type")]
    pub kind: String,
    /// The evidence of it on the hub that tells.
    pub evidence_id: String,
    /// The delivery, by the id that the neighbour gave it.
    pub delivery_id: String,
    /// The hub where it happened, when that is not the one that tells.
    pub hub: Option<String>,
    /// When, by the clock of that hub.
    pub at: String,
    /// What came with it: why it failed, or what the recipient's software said.
    pub note: String,
}

/// Appends evidence about a delivery, and announces it to the webhooks of systems that speak for its sender, and to the
/// neighbouring hub that brought it.
pub(super) fn append(
    tx: &mut Connection,
    moment: Moment<'_>,
    row: &DeliveryRow,
    piece: &Evidence,
) -> Result<(), StoreError> {
    let evidence_id = moment.ids.next();
    evidence::append(tx, &evidence_id, piece)?;
    // What becomes of a status packet is no news: whoever reports goes on reporting.
    let listeners = match row.is_document() {
        true => announcements::listeners(tx, &row.sender_code)?,
        false => Vec::new(),
    };
    let brought_by = row.hops.as_deref().and_then(last_hub);
    if listeners.is_empty() && brought_by.is_none() {
        return Ok(());
    }
    let facts: Value = serde_json::from_str(&piece.facts).unwrap_or_default();
    let is_refusal = facts.get("why").is_some_and(|why| why == "refused");
    let Some(kind) = EventKind::of(piece.event, is_refusal) else { return Ok(()) };
    if let Some(neighbour) = brought_by {
        tell_back(tx, moment, (row, neighbour), (kind, &evidence_id), (piece, &facts))?;
    }
    let wanting = |listener: &Listener| announcement::chosen(&listener.wants).contains(&kind);
    let listeners: Vec<Listener> = listeners.into_iter().filter(wanting).collect();
    if listeners.is_empty() {
        return Ok(());
    }
    let body = body_of(tx, (kind, &evidence_id), row, (piece, &facts))?;
    let announced = listeners.into_iter().map(|listener| {
        let names = (moment.ids.next(), listener.endpoint_id);
        AnnouncementRow::new(names, (kind.name(), &row.delivery_id, body.clone()), moment.now)
    });
    announce(tx, announced.collect(), moment)
}

/// Tells the neighbour that brought a delivery; of a status packet only how it ended, since what is reported travels itself.
fn tell_back(
    tx: &mut Connection,
    moment: Moment<'_>,
    (row, neighbour): (&DeliveryRow, &str),
    (kind, evidence_id): (EventKind, &str),
    (piece, facts): (&Evidence, &Value),
) -> Result<(), StoreError> {
    let Some((_, step)) = kind.beyond() else { return Ok(()) };
    if !row.is_document() && step.is_none() {
        return Ok(());
    }
    let text = |name: &str| facts.get(name).and_then(Value::as_str).map(str::to_owned);
    let event = RelayEvent {
        kind: kind.name().to_owned(),
        evidence_id: evidence_id.to_owned(),
        delivery_id: row.came_as.clone().unwrap_or_default(),
        hub: text("hub"),
        at: text("at").unwrap_or_else(|| for_machines(piece.at)),
        note: text("note").unwrap_or_default(),
    };
    let body = serde_json::to_string(&event).unwrap_or_default();
    let names = (moment.ids.next(), EndpointId::relay(neighbour).to_string());
    announce(tx, vec![AnnouncementRow::new(names, (kind.name(), &row.delivery_id, body), moment.now)], moment)
}

fn announce(tx: &mut Connection, rows: Vec<AnnouncementRow>, moment: Moment<'_>) -> Result<(), StoreError> {
    put_in_line(tx, &rows, moment)?;
    announcements::insert(tx, rows)
}

fn body_of(
    tx: &mut Connection,
    (kind, evidence_id): (EventKind, &str),
    row: &DeliveryRow,
    (piece, facts): (&Evidence, &Value),
) -> Result<String, StoreError> {
    let report = match (piece.event, &piece.envelope_id) {
        (EvidenceEvent::StatusReported, Some(by)) => envelopes::find_status(tx, by, &row.delivery_id)?,
        _ => None,
    };
    let status_code = report.as_ref().map(|report| report.status_code.as_str());
    let note = match &report {
        Some(report) => &report.description,
        None => facts.get("note").and_then(Value::as_str).unwrap_or_default(),
    };
    let state = event_words::state(piece.event).map_or_else(|| row.progress().map(|p| p.state), Ok)?;
    let event = Event {
        kind: kind.name(),
        timestamp: for_machines(piece.at),
        data: EventData {
            evidence_id,
            envelope_id: &row.envelope_id,
            delivery_id: &row.delivery_id,
            document_id: &row.document_id,
            kind: &row.packet_kind,
            sender: &row.sender_code,
            recipient: &row.recipient_code,
            state: state.word(),
            status_code,
            note,
            caused_by: piece.envelope_id.as_deref().filter(|by| *by != row.envelope_id),
            hub: facts.get("hub").and_then(Value::as_str),
            reason: event_words::words(piece.event, Some(&row.recipient_code), status_code).into(),
            timeline: format!("/api/v1/envelopes/{}/timeline", row.envelope_id),
        },
    };
    Ok(serde_json::to_string(&event).unwrap_or_default())
}

/// Announces to a webhook that it is being tried. Answers the announcement's id.
pub(super) fn test(
    tx: &mut Connection,
    moment: Moment<'_>,
    (endpoint_id, system): (&str, &str),
) -> Result<String, StoreError> {
    let event = TestEvent { kind: TEST, timestamp: for_machines(moment.now), data: TestData { system } };
    let body = serde_json::to_string(&event).unwrap_or_default();
    let id = moment.ids.next();
    let row = AnnouncementRow::new((id.clone(), endpoint_id.to_owned()), (TEST, &id, body), moment.now);
    announce(tx, vec![row], moment)?;
    Ok(id)
}

/// Puts announcements in line, as new.
pub(super) fn put_in_line(
    tx: &mut Connection,
    announcements: &[AnnouncementRow],
    moment: Moment<'_>,
) -> Result<(), StoreError> {
    let expires_at = moment.schedules.of(EndpointKind::Events).expires_at(LANE, moment.now);
    let times = (moment.now, expires_at);
    let rows: Vec<PushRow> = announcements.iter().map(|row| PushRow::of_announcement(row, LANE, times)).collect();
    pushes::insert(tx, &rows)
}

/// All events are in one lane.
const LANE: Lane = Lane::Status;
