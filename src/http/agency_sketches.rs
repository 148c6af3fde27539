//! What docs/openapi.json says of each operation of the native API: its question, its answers, its failures.

use super::agency_answers::{
    AgenciesPage, AgencyBody, ConfirmedBody, EnvelopeBody, MailboxBody, Page, ReceiptBody, SentBody,
};
use super::agency_api::AgencyOperation;
use super::agency_questions::{AgenciesQuestion, Confirmation, HistoryQuestion, MailboxQuestion, SentQuestion};
use super::history_answers::{HappeningBody, PreflightBody, RelativeBody};
use super::ledger_sketches;
use super::problem::{
    CONFLICT, CUT, DESTROYED, GONE, HEAD_TOO_LARGE, INTERNAL, Kind, MALFORMED, NOT_FOUND, NOT_HELD, OVERLOADED,
    PACKET_REFUSED, STEP_REFUSED, Success, TOO_LARGE, TOO_MANY, TOO_SLOW, UNAUTHENTICATED, UNSEALED,
};
use super::sketch::Sketch;
use super::{archive_sketches, receipt_sketches, relay_sketches, selftest_sketches, webhook_sketches};

/// What any call of the native API may be answered with.
pub static ANY: [&Kind; 6] = [&MALFORMED, &UNAUTHENTICATED, &TOO_LARGE, &HEAD_TOO_LARGE, &INTERNAL, &OVERLOADED];

/// What even an open operation may be answered with.
pub static OPEN: [&Kind; 3] = [&MALFORMED, &TOO_LARGE, &HEAD_TOO_LARGE];

/// What may go wrong with a body.
pub static BODY: [&Kind; 2] = [&CUT, &TOO_SLOW];

/// The credential of the native API, as the document names it.
pub const BEARER: &str = "bearer";

const SENDING: &str = "Gửi - Sending";
const RECEIVING: &str = "Nhận - Receiving";
pub const DIRECTORY: &str = "Danh bạ - Directory";

/// Draws one operation.
pub fn draw(operation: AgencyOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.needs(&[BEARER]).fails(&ANY);
    match operation {
        AgencyOperation::Submit => submit(sketch),
        AgencyOperation::Check => sketch
            .under(SENDING)
            .named("checkPacket", "Kiểm tra một gói tin như khi gửi, không lưu gì")
            .packet(false)
            .answer::<PreflightBody<'_>>(Success::Ok, "Điều sẽ xảy ra nếu gửi. What would happen if it were sent.")
            .fails(&[&TOO_MANY])
            .fails(&BODY),
        AgencyOperation::Timeline => sketch
            .under(SENDING)
            .named("getTimeline", "Diễn biến của một văn bản, cũ nhất trước")
            .id_segment("id", "Mã gói tin hoặc mã lượt chuyển. An envelope or a delivery.")
            .query::<HistoryQuestion>()
            .answer::<Page<HappeningBody<'_>>>(Success::Ok, "Một trang. A page.")
            .fails(&[&NOT_FOUND]),
        AgencyOperation::Lineage => sketch
            .under(SENDING)
            .named("getLineage", "Văn bản liên quan theo cả hai chiều")
            .id_segment("id", "Mã gói tin hoặc mã lượt chuyển. An envelope or a delivery.")
            .query::<HistoryQuestion>()
            .answer::<Page<RelativeBody<'_>>>(Success::Ok, "Một trang. A page.")
            .fails(&[&NOT_FOUND]),
        AgencyOperation::Envelope => sketch
            .under(SENDING)
            .named("getEnvelope", "Xem một gói tin: các lượt chuyển, trạng thái, liên hệ")
            .id_segment("id", "Mã gói tin hoặc mã lượt chuyển. An envelope or a delivery.")
            .answer::<EnvelopeBody<'_>>(Success::Ok, "Những gì bên gọi được xem. What the caller may see.")
            .fails(&[&NOT_FOUND]),
        AgencyOperation::Sent => sketch
            .under(SENDING)
            .named("listSent", "Liệt kê văn bản, trạng thái đã gửi, mới nhất trước")
            .query::<SentQuestion>()
            .answer::<Page<SentBody<'_>>>(Success::Ok, "Một trang. A page."),
        AgencyOperation::Mailbox => mailbox(sketch),
        AgencyOperation::Fetch => fetch(sketch),
        AgencyOperation::Confirm => sketch
            .under(RECEIVING)
            .named("confirmDelivery", "Báo phần mềm bên nhận đã làm tới đâu")
            .id_segment("id", "Mã lượt chuyển. A delivery.")
            .body::<Confirmation>()
            .answer::<ConfirmedBody<'_>>(Success::Ok, "Đã ghi nhận. Noted.")
            .fails(&[&NOT_FOUND, &GONE, &STEP_REFUSED])
            .fails(&BODY),
        AgencyOperation::Agencies => sketch
            .under(DIRECTORY)
            .named("listAgencies", "Liệt kê cơ quan theo mã")
            .query::<AgenciesQuestion>()
            .header("If-None-Match", "`ETag` của lần trước. The `ETag` of the time before.")
            .answer::<AgenciesPage<'_>>(Success::Ok, "Một trang. A page.")
            .told(Success::Ok, "ETag", "Đổi khi danh bạ đổi. Changes with the directory.")
            .nothing(Success::NotModified, "Không có gì mới. Nothing is new.")
            .told(Success::NotModified, "ETag", "Như lần trước. As before."),
        AgencyOperation::Agency => sketch
            .under(DIRECTORY)
            .named("getAgency", "Tra một cơ quan theo mã hoặc mã khác của nó")
            .code_segment("code", "Mã hoặc mã khác. A code or an alias.")
            .answer::<AgencyBody<'_>>(Success::Ok, "Cơ quan. The agency.")
            .fails(&[&NOT_FOUND]),
        AgencyOperation::Hear => relay_sketches::draw_hearing(sketch),
        AgencyOperation::Ledger(operation) => ledger_sketches::draw(operation, sketch),
        AgencyOperation::Webhook(operation) => webhook_sketches::draw(operation, false, sketch),
        AgencyOperation::Statement(operation) => archive_sketches::statement(operation, sketch),
        AgencyOperation::Receipt(operation) => receipt_sketches::draw(operation, sketch),
        AgencyOperation::Selftest(operation) => selftest_sketches::draw(operation, sketch),
    }
}

fn submit(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .under(SENDING)
        .named("sendPacket", "Gửi một gói tin")
        .packet(true)
        .answer::<ReceiptBody<'_>>(Success::Created, "Đã nhận, đã ghi chắc chắn. Accepted and durable.")
        .told(Success::Created, "Location", "Nơi xem gói tin. Where to look at the envelope.")
        .answer::<ReceiptBody<'_>>(Success::Ok, "Đã nhận từ trước: biên nhận lúc đó. A repeat: the receipt of then.")
        .told(Success::Ok, "Location", "Nơi xem gói tin. Where to look at the envelope.")
        .told(Success::Ok, "Docaxis-Repeat", "`true`")
        .fails(&[&NOT_HELD, &CONFLICT, &PACKET_REFUSED, &TOO_MANY, &UNSEALED])
        .fails(&BODY)
}

fn mailbox(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .under(RECEIVING)
        .named("listMailbox", "Liệt kê những gì đang chờ nhận, cũ nhất trước")
        .query::<MailboxQuestion>()
        .header("If-None-Match", "`ETag` của lần trước. The `ETag` of the time before.")
        .answer::<Page<MailboxBody<'_>>>(Success::Ok, "Một trang. A page.")
        .told(Success::Ok, "ETag", "Đổi khi danh sách đổi. Changes with the list.")
        .nothing(Success::NotModified, "Không có gì mới. Nothing is new.")
        .told(Success::NotModified, "ETag", "Như lần trước. As before.")
        .fails(&[&TOO_MANY])
}

fn fetch(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .under(RECEIVING)
        .named("fetchContent", "Lấy gói tin, đúng từng byte như bên gửi đã gửi")
        .id_segment("id", "Mã lượt chuyển. A delivery.")
        .bytes(Success::Ok, "Gói tin. The packet.", "application/xml")
        .told(Success::Ok, "Docaxis-Delivery", "Mã lượt chuyển. The delivery.")
        .told(Success::Ok, "Docaxis-Sha256", "SHA-256, hệ mười sáu. SHA-256 in hexadecimal.")
        .told(Success::Ok, "Repr-Digest", "SHA-256 theo RFC 9530. SHA-256 as RFC 9530 has it.")
        .fails(&[&NOT_FOUND, &GONE, &DESTROYED, &STEP_REFUSED])
}
