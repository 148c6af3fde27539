//! What docs/openapi.json says of each operation of administration.

use super::admin_answers::{All, HeldAgencyBody, ImportBody, KeyBody, NewKeyBody, RevokedKeyBody, SystemBody};
use super::admin_api::{
    AddressesSaid, AdminOperation, AgencyQuestion, Closing, ExportQuestion, ImportQuestion, KeySaid, SystemSaid,
};
use super::agency_sketches::{ANY, BEARER, BODY, DIRECTORY};
use super::problem::{EXISTS, FAULTY, NOT_ALLOWED, NOT_FOUND, Success};
use super::sketch::Sketch;
use super::{archive_sketches, purge_sketches, push_sketches, relay_sketches, webhook_sketches};
use crate::domain::directory::Column;
use serde_json::{Map, Value, json};

const SYSTEMS: &str = "Hệ thống và khóa - Systems and keys";

/// Draws one operation.
pub fn draw(operation: AdminOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.needs(&[BEARER]).fails(&ANY).fails(&[&NOT_ALLOWED]);
    match operation {
        AdminOperation::Export => sketch
            .under(DIRECTORY)
            .named("exportDirectory", "Xuất toàn bộ danh bạ")
            .query::<ExportQuestion>()
            .files(Success::Ok, "Danh bạ, nhập lại được. The directory, ready to be imported."),
        AdminOperation::Import => sketch
            .under(DIRECTORY)
            .named("importDirectory", "Nhập danh bạ: toàn bộ hoặc không gì cả")
            .query::<ImportQuestion>()
            .file(entry())
            .answer::<ImportBody<'_>>(Success::Ok, "Những gì đã đổi, hoặc sẽ đổi. What changed, or would.")
            .fails(&[&FAULTY])
            .fails(&BODY),
        AdminOperation::Agency => {
            one_agency(sketch.named("getHeldAgency", "Xem một cơ quan và hệ thống giữ nó")).fails(&[&NOT_FOUND])
        }
        AdminOperation::PutAgency => one_agency(sketch.named("putAgency", "Đăng ký hoặc sửa một cơ quan"))
            .query::<AgencyQuestion>()
            .raw_body(entry())
            .fails(&[&FAULTY])
            .fails(&BODY),
        AdminOperation::CloseAgency => one_agency(sketch.named("closeAgency", "Đóng một cơ quan"))
            .maybe_body::<Closing>()
            .fails(&[&NOT_FOUND, &FAULTY])
            .fails(&BODY),
        AdminOperation::Systems => {
            sketch
                .under(SYSTEMS)
                .named("listSystems", "Liệt kê các hệ thống")
                .answer::<All<SystemBody<'_>>>(Success::Ok, "Mọi hệ thống. Every system.")
        }
        AdminOperation::System => one_system(sketch.named("getSystem", "Xem một hệ thống")).fails(&[&NOT_FOUND]),
        AdminOperation::PutSystem => {
            one_system(sketch.named("putSystem", "Tạo hoặc đổi tên một hệ thống")).body::<SystemSaid>().fails(&BODY)
        }
        AdminOperation::Suspend => one_system(sketch.named("suspendSystem", "Khóa một hệ thống")).fails(&[&NOT_FOUND]),
        AdminOperation::Resume => one_system(sketch.named("resumeSystem", "Mở lại một hệ thống")).fails(&[&NOT_FOUND]),
        AdminOperation::Hold => one_system(sketch.named("holdAgency", "Giao một cơ quan cho hệ thống"))
            .code_segment("code", CODE)
            .fails(&[&NOT_FOUND]),
        AdminOperation::Release => one_system(sketch.named("releaseAgency", "Thôi giao một cơ quan cho hệ thống"))
            .code_segment("code", CODE)
            .fails(&[&NOT_FOUND]),
        AdminOperation::Addresses => one_system(sketch.named("setAddresses", "Quy định hệ thống được gọi từ đâu"))
            .body::<AddressesSaid>()
            .fails(&[&NOT_FOUND])
            .fails(&BODY),
        AdminOperation::Keys | AdminOperation::AddKey | AdminOperation::RevokeKey => of_key(operation, sketch),
        AdminOperation::Push(operation) => push_sketches::draw(operation, sketch),
        AdminOperation::Archive(operation) => archive_sketches::draw(operation, sketch),
        AdminOperation::Purge(operation) => purge_sketches::draw(operation, sketch),
        AdminOperation::Relay(operation) => relay_sketches::draw(operation, sketch),
        AdminOperation::Webhook(operation) => webhook_sketches::draw(operation, true, sketch),
    }
}

pub const CODE: &str = "Mã hoặc mã khác của cơ quan. A code or an alias.";

fn one_agency(sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(DIRECTORY).code_segment("code", CODE);
    sketch.answer::<HeldAgencyBody<'_>>(Success::Ok, "Cơ quan. The agency.")
}

fn one_system(sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(SYSTEMS).code_segment("id", SYSTEM);
    sketch.answer::<SystemBody<'_>>(Success::Ok, "Hệ thống. The system.")
}

const SYSTEM: &str = "Mã hệ thống. The system.";

/// An entry: what it says holds, what it does not say stays.
fn entry() -> Value {
    let without_nul = r"^[^\x00]*$";
    let texts = Column::ALL.into_iter().filter(|column| *column != Column::Aliases);
    let mut members: Map<String, Value> = texts
        .map(|column| (column.name().to_owned(), json!({ "type": ["string", "null"], "pattern": without_nul })))
        .collect();
    members.insert(
        Column::Aliases.name().to_owned(),
        json!({ "type": "array", "items": { "type": "string", "pattern": without_nul } }),
    );
    json!({ "type": "object", "properties": members, "additionalProperties": false })
}

fn of_key(operation: AdminOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(SYSTEMS).fails(&[&NOT_FOUND]);
    if operation == AdminOperation::RevokeKey {
        return sketch
            .named("revokeKey", "Hủy một khóa")
            .id_segment("id", "Mã khóa. The key.")
            .answer::<RevokedKeyBody<'_>>(Success::Ok, "Đã hủy. Revoked.");
    }
    let sketch = sketch.code_segment("id", SYSTEM);
    if operation == AdminOperation::Keys {
        return sketch
            .named("listKeys", "Liệt kê khóa của một hệ thống")
            .answer::<All<KeyBody<'_>>>(Success::Ok, "Các khóa, không có bí mật. The keys without their secrets.");
    }
    sketch
        .named("addKey", "Tạo khóa; bí mật chỉ hiện một lần")
        .maybe_body::<KeySaid>()
        .answer::<NewKeyBody<'_>>(Success::Created, "Khóa mới. The new key.")
        .told(Success::Created, "Cache-Control", "`no-store`")
        .fails(&[&EXISTS])
        .fails(&BODY)
}
