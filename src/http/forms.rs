//! Forms of single values in answers, as JSON Schema: times, ids, digests, and words that come from the domain, so
//! that the description of the API cannot lag behind it. Not here: whole answers, whose schemas are derived.

use crate::domain::agency::{AgencyState, Standing};
use crate::domain::announcement::EventKind;
use crate::domain::delivery::{DeliveryState, PickupMark};
use crate::domain::evidence::EvidenceEvent;
use crate::domain::reconciliation::TEXT_CHARS_MAX;
use crate::domain::selftest;
use crate::domain::system::Role;
use crate::exchange::accept::LineOutcome;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

/// How ids of envelopes, deliveries and evidence look: time-ordered UUIDs without their hyphens.
pub const ID_PATTERN: &str = "^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$";

/// Whether a text looks like an id of this hub.
pub fn is_id(text: &str) -> bool {
    const DIGITS: usize = 32;
    let fits = |(place, digit): (usize, u8)| match place {
        12 => digit == b'7',
        16 => matches!(digit, b'8' | b'9' | b'a' | b'b'),
        _ => matches!(digit, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == DIGITS && text.bytes().enumerate().all(fits)
}

/// An id.
pub fn id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": ID_PATTERN })
}

/// Where software takes packets or events; whether the hub may call there is a matter of its settings.
pub fn endpoint_url(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": r"^https?://[^\s/?#@]+[^#]*$" })
}

/// A day, or nothing.
pub fn maybe_day(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date" })
}

/// Why somebody does what must be answered for (`exchange::undertakings`).
pub fn reason(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "minLength": 10, "pattern": r"^[^\x00]*$" })
}

/// A packet in the list of a system that is compared with the register (`domain::reconciliation::Posted`).
pub fn posted() -> Value {
    let text = json!({ "type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX });
    let maybe = |form: Value| json!({ "anyOf": [form, { "type": "null" }] });
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["direction", "counterpart", "document_id"],
        "properties": {
            "direction": { "enum": ["sent", "received"] },
            "counterpart": text,
            "document_id": text,
            "kind": maybe(text.clone()),
            "sha256": maybe(json!({ "type": "string", "pattern": "^[0-9A-Fa-f]{64}$" })),
            "status": maybe(json!({ "type": "string", "pattern": "^[0-9]{2}$" })),
        },
    })
}

/// A SHA-256 digest in hexadecimal.
pub fn sha256(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "pattern": "^[0-9a-f]{64}$" })
}

/// A digest, or nothing.
pub fn maybe_sha256(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "pattern": "^[0-9a-f]{64}$" })
}

/// A time.
pub fn time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "format": "date-time" })
}

/// A time, or nothing.
pub fn maybe_time(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "null"], "format": "date-time" })
}

fn one_of(words: &[&str]) -> Schema {
    json_schema!({ "type": "string", "enum": words })
}

/// Which packet.
pub fn kind(_: &mut SchemaGenerator) -> Schema {
    one_of(&["document", "status"])
}

/// What became of a packet for one addressee.
pub fn outcome(_: &mut SchemaGenerator) -> Schema {
    one_of(&LineOutcome::ALL.map(LineOutcome::word))
}

/// What the hub knows of a delivery.
pub fn state(_: &mut SchemaGenerator) -> Schema {
    one_of(&DeliveryState::ALL.map(DeliveryState::word))
}

/// What the hub knows of a delivery, or nothing.
pub fn maybe_state(_: &mut SchemaGenerator) -> Schema {
    let words: Vec<Option<&str>> = DeliveryState::ALL.iter().map(|state| Some(state.word())).chain([None]).collect();
    json_schema!({ "type": ["string", "null"], "enum": words })
}

/// What happened.
pub fn event(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = EvidenceEvent::ALL.iter().map(|event| event.name()).collect();
    one_of(&names)
}

/// Kinds of events.
pub fn event_kinds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": one_of(&EventKind::ALL.map(EventKind::name)) })
}

/// What the recipient's software said.
pub fn mark(_: &mut SchemaGenerator) -> Schema {
    one_of(&PickupMark::ALL.map(PickupMark::word))
}

/// How a recall stands.
pub fn recall(_: &mut SchemaGenerator) -> Schema {
    one_of(&["", "requested", "agreed", "refused"])
}

/// How two documents belong together.
pub fn relation(_: &mut SchemaGenerator) -> Schema {
    one_of(&["recalls", "updates", "replaces", "answers"])
}

/// Whether an agency takes part today.
pub fn standing(_: &mut SchemaGenerator) -> Schema {
    let day = chrono::NaiveDate::MIN;
    let all = [Standing::Open, Standing::Suspended, Standing::Closed, Standing::NotYetValid(day)];
    one_of(&all.into_iter().chain([Standing::NoLongerValid(day)]).map(Standing::word).collect::<Vec<_>>())
}

/// What a system is for.
pub fn role(_: &mut SchemaGenerator) -> Schema {
    one_of(&Role::ALL.map(Role::word))
}

/// Whether an agency takes part.
pub fn agency_state(_: &mut SchemaGenerator) -> Schema {
    one_of(&[AgencyState::Open, AgencyState::Suspended, AgencyState::Closed].map(AgencyState::word))
}

/// Whether a run of the self-test goes on.
pub fn run_state(_: &mut SchemaGenerator) -> Schema {
    one_of(&["running", "finished"])
}

/// How a case of the self-test stands.
pub fn verdict(_: &mut SchemaGenerator) -> Schema {
    one_of(&["waiting", "passed", "failed"])
}

/// Codes of cases of the self-test.
pub fn cases(_: &mut SchemaGenerator) -> Schema {
    let codes: Vec<&str> = selftest::cases().map(|case| case.code).collect();
    json_schema!({ "type": "array", "items": one_of(&codes) })
}
