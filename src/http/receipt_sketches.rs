//! What docs/openapi.json says of each operation about receipts.

use super::agency_sketches::OPEN;
use super::problem::{NOT_FOUND, Success};
use super::receipt_api::{CertificateBody, ReceiptBody, ReceiptOperation};
use super::sketch::Sketch;
use serde_json::json;

const RECEIPTS: &str = "Biên nhận - Receipts";

/// Draws the page that verifies.
pub fn page(sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch =
        sketch.needs(&[]).under(RECEIPTS).fails(&OPEN).named("getVerifier", "Trang kiểm tra biên nhận ngoại tuyến");
    sketch.bytes(Success::Ok, "Trang HTML. An HTML page.", "text/html")
}

/// Draws one operation.
pub fn draw(operation: ReceiptOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(RECEIPTS);
    match operation {
        ReceiptOperation::Look => of_receipt(sketch)
            .named("getReceipt", "Biên nhận nói gì")
            .answer::<ReceiptBody<'_>>(Success::Ok, "Nội dung biên nhận. What the receipt says."),
        ReceiptOperation::Signed => of_receipt(sketch).named("getSignedReceipt", "Biên nhận đã ký số").bytes(
            Success::Ok,
            "Biên nhận XML có chữ ký số. The signed receipt.",
            "application/xml",
        ),
        ReceiptOperation::Capsule => sketch
            .named("getCapsule", "Hồ sơ chứng minh của một lượt chuyển, kiểm tra được ngoại tuyến")
            .id_segment("id", "Mã lượt chuyển. A delivery.")
            .raw_answer(Success::Ok, "Tệp hồ sơ (docs/receipts.md). The capsule.", json!({ "type": "object" }))
            .fails(&[&NOT_FOUND]),
        ReceiptOperation::Certificates => sketch
            .named("getCertificates", "Các chứng thư số ký biên nhận")
            .answer::<Vec<CertificateBody<'_>>>(Success::Ok, "Chứng thư. Certificates."),
    }
}

fn of_receipt(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .id_segment(
            "id",
            "Mã bằng chứng, hoặc mã gói tin (việc tiếp nhận nó). A piece of evidence, or an envelope: its acceptance.",
        )
        .fails(&[&NOT_FOUND])
}
