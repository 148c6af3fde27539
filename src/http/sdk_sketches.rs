//! What docs/openapi.json says of each operation of the vendor SDK. Its answers are no types but JSON made by hand,
//! so their schemas are taken from samples of the very functions that write them. In words: docs/sdk.md.

use super::agency_sketches::ANY;
use super::problem::{
    CONFLICT, CUT, DESTROYED, EXISTS, GONE, Kind, NOT_FOUND, NOT_HELD, PACKET_REFUSED, STEP_REFUSED, Success, TOO_MANY,
    TOO_SLOW, UNSEALED,
};
use super::problem_body::ViolationBody;
use super::sdk_answers::{self as answers, AgencyForm, SdkShape};
use super::sdk_api::SdkOperation;
use super::sketch::Sketch;
use crate::domain::agency::{Agency, Standing};
use crate::domain::delivery::{DeliveryState, PickupMark};
use crate::exchange::directory::AgencyLine;
use crate::exchange::follow::SentLine;
use crate::exchange::pickup::MailboxItem;
use chrono::DateTime;
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

/// The two headers of the SDK's signature, as the document names them.
pub const SIGNATURE: [&str; 2] = ["sdkText", "sdkSignature"];

static BODY: [&Kind; 2] = [&CUT, &TOO_SLOW];
static LISTS: &[&str] = &["messagetype", "fromDate", "toDate", "pageSize", "pageIndex"];

/// Draws one operation.
pub fn draw(operation: SdkOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under("SDK").needs(&SIGNATURE).fails(&ANY);
    let (id, vi, signed, sketch): (_, _, &[&str], _) = match operation {
        SdkOperation::Send => {
            let refusals = [&NOT_HELD, &CONFLICT, &PACKET_REFUSED, &TOO_MANY, &UNSEALED];
            let sketch = sketch.packet(true).fails(&refusals).fails(&BODY);
            ("sendEdoc", "Gửi văn bản hoặc trạng thái", &["hash-file", "to"], sketch)
        }
        SdkOperation::ReceivedList => ("getReceivedEdocList", "Danh sách chờ nhận", LISTS, sketch),
        SdkOperation::SentList => {
            let signed = &["docId", "messagetype", "fromDate", "toDate", "pageSize", "pageIndex"];
            ("getSentEdocList", "Danh sách đã gửi", signed, sketch)
        }
        SdkOperation::Get => {
            let sketch = sketch.fails(&[&NOT_FOUND, &GONE, &DESTROYED, &STEP_REFUSED]);
            ("getEdoc", "Lấy gói tin dưới dạng base64", &["docId", "docid"], sketch)
        }
        SdkOperation::Download => {
            let sketch = sketch.bytes(Success::Ok, "Gói tin. The packet.", "application/octet-stream").fails(&[
                &NOT_FOUND,
                &GONE,
                &DESTROYED,
                &STEP_REFUSED,
            ]);
            ("downloadEdoc", "Tải gói tin", &["docId", "docid"], sketch)
        }
        SdkOperation::UpdateStatus => {
            let sketch = sketch.fails(&[&NOT_FOUND, &GONE, &STEP_REFUSED]);
            ("updateStatus", "Báo đã nhận tới đâu", &["docid", "docId", "status", "description"], sketch)
        }
        SdkOperation::Agencies(form) => (form_name(form), "Danh bạ cơ quan", &[], sketch),
        SdkOperation::RegisterAgency => {
            let sketch = sketch.raw_body(entry()).fails(&[&NOT_FOUND, &EXISTS]).fails(&BODY);
            ("registerAgency", "Đăng ký hoặc sửa cơ quan", &[], sketch)
        }
        SdkOperation::DeleteAgency => ("deleteAgency", "Đóng cơ quan", &["AgencyCode"], sketch.fails(&[&NOT_FOUND])),
        SdkOperation::CountDocuments => ("countReceiveEdoc", "Số văn bản chờ nhận", &[], sketch),
        SdkOperation::CountStatuses => ("countReceiveStatus", "Số trạng thái chờ nhận", &[], sketch),
    };
    let sketch = sketch.named(id, vi).signed(signed);
    match answer(operation) {
        Some(schema) => {
            sketch.raw_answer(Success::Ok, "Xong, hoặc bị từ chối: xem `status`. Look at `status`.", schema)
        }
        None => sketch,
    }
}

fn form_name(form: AgencyForm) -> &'static str {
    match form {
        AgencyForm::List => "getAgenciesList",
        AgencyForm::Qd20 => "getAgenciesListQD20",
        AgencyForm::Synchronize => "getSynchronizeUnit",
    }
}

/// The answer of an operation, done or refused; nothing for the one whose answer is the packet.
fn answer(operation: SdkOperation) -> Option<Value> {
    let text = json!({ "type": "string" });
    let rows = |row: Value| Some(members(Some(("data", json!({ "type": "array", "items": like(&row) })))));
    match operation {
        SdkOperation::Send => Some(members(Some(("DocId", text)))),
        SdkOperation::ReceivedList => rows(answers::received_row(&waiting())),
        SdkOperation::SentList => rows(answers::sent_row(&sent())),
        SdkOperation::Get => Some(members(Some(("data", text)))),
        SdkOperation::Download => None,
        SdkOperation::UpdateStatus | SdkOperation::RegisterAgency | SdkOperation::DeleteAgency => Some(members(None)),
        SdkOperation::Agencies(form) => rows(answers::agency_row(&agency(), form).unwrap_or_default()),
        SdkOperation::CountDocuments | SdkOperation::CountStatuses => {
            Some(members(Some(("count", json!({ "type": "integer", "minimum": 0 })))))
        }
    }
}

/// A failure that has a status of its own.
pub fn failure(shape: SdkShape, schemas: &mut SchemaGenerator) -> Value {
    // Every answer of the SDK's operations may carry violations.
    let _ = schemas.subschema_for::<ViolationBody<'_>>();
    let member = match shape {
        SdkShape::Common | SdkShape::Unknown => None,
        SdkShape::Sent => Some(("DocId", json!({ "const": "" }))),
        SdkShape::Packet => Some(("data", json!({ "const": "" }))),
        SdkShape::Rows => Some(("data", json!({ "type": "array", "maxItems": 0 }))),
        SdkShape::Count => Some(("count", json!({ "const": 0 }))),
    };
    members(member)
}

/// The members that every answer has, and one more.
fn members(more: Option<(&str, Value)>) -> Value {
    let mut properties = Map::new();
    let mut required = vec!["status", "ErrorCode", "ErrorDesc"];
    let text = json!({ "type": "string" });
    properties.insert("status".to_owned(), json!({ "type": "string", "enum": ["OK", "FAIL"] }));
    properties.insert("ErrorCode".to_owned(), json!({ "type": "string", "pattern": "^[0-9]+$" }));
    properties.insert("ErrorDesc".to_owned(), text.clone());
    properties.insert("requestId".to_owned(), text);
    let violation = json!({ "$ref": "#/components/schemas/Violation" });
    properties.insert("violations".to_owned(), json!({ "type": "array", "items": violation }));
    if let Some((name, schema)) = more {
        properties.insert(name.to_owned(), schema);
        required.push(name);
    }
    json!({ "type": "object", "properties": properties, "required": required })
}

/// The schema of what looks like a sample: its members are all there, each of the sample's type.
fn like(sample: &Value) -> Value {
    match sample {
        Value::Null => json!({}),
        Value::Bool(_) => json!({ "type": "boolean" }),
        Value::Number(_) => json!({ "type": "integer" }),
        Value::String(_) => json!({ "type": "string" }),
        Value::Array(items) => json!({ "type": "array", "items": items.first().map(like).unwrap_or_default() }),
        Value::Object(members) => {
            let properties: Map<String, Value> = members.iter().map(|(name, one)| (name.clone(), like(one))).collect();
            let required: Vec<&String> = members.keys().collect();
            json!({ "type": "object", "properties": properties, "required": required })
        }
    }
}

/// The body of `registerAgency`.
fn entry() -> Value {
    let names = ["id", "pcode", "code", "name", "mail", "mobile", "fax"];
    let members: Map<String, Value> = names.iter().map(|n| ((*n).to_owned(), json!({ "type": "string" }))).collect();
    json!({ "type": "object", "properties": members, "required": ["name"] })
}

fn waiting() -> MailboxItem {
    MailboxItem {
        delivery_id: String::new(),
        is_document: true,
        sender: String::new(),
        recipient: String::new(),
        subject: String::new(),
        code: String::new(),
        document_id: String::new(),
        urgency: 0,
        mark: PickupMark::Initial,
        accepted_at: DateTime::UNIX_EPOCH,
        changed_at: DateTime::UNIX_EPOCH,
        bytes: 0,
    }
}

fn sent() -> SentLine {
    SentLine {
        envelope_id: String::new(),
        delivery_id: String::new(),
        is_document: true,
        sender: String::new(),
        recipient: String::new(),
        document_id: String::new(),
        subject: String::new(),
        code: String::new(),
        accepted_at: DateTime::UNIX_EPOCH,
        fetched_at: None,
        changed_at: DateTime::UNIX_EPOCH,
        via: None,
        state: DeliveryState::Consigned,
        mark: PickupMark::Initial,
        recall: String::new(),
        receive_by: None,
        received_at: None,
        overdue: false,
    }
}

fn agency() -> AgencyLine {
    let agency = Agency::new("", "");
    let (aliases, standing) = (Vec::new(), Standing::Open);
    AgencyLine { agency, aliases, standing, old_code: String::new(), changed_at: DateTime::UNIX_EPOCH }
}
