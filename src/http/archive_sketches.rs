//! What docs/openapi.json says of each operation about archives and daily statements.

use super::agency_answers::Page;
use super::agency_questions::HistoryQuestion;
use super::agency_sketches::BODY;
use super::archive_api::{ArchiveBody, ArchiveOperation, ArchiveSaid};
use super::forms;
use super::problem::{DESTROYED, NOT_FOUND, Success, TOO_MANY};
use super::reconciliation_api::{ReconciliationBody, ReconciliationQuestion};
use super::sketch::Sketch;
use super::statement_api::{StatementBody, StatementOperation, StatementsQuestion};
use serde_json::json;

/// Draws an operation about archives.
pub fn draw(operation: ArchiveOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under("Lưu trữ - Archives");
    match operation {
        ArchiveOperation::Ask => sketch
            .named("askForArchive", "Yêu cầu một gói lưu trữ")
            .body::<ArchiveSaid>()
            .answer::<ArchiveBody<'_>>(Success::Created, "Đã ghi nhận; một công việc sẽ xuất. A job makes it.")
            .fails(&[&NOT_FOUND, &TOO_MANY])
            .fails(&BODY),
        ArchiveOperation::List => sketch
            .named("listArchives", "Các gói lưu trữ, mới nhất trước")
            .query::<HistoryQuestion>()
            .answer::<Page<ArchiveBody<'_>>>(Success::Ok, "Một trang. A page."),
        ArchiveOperation::Look => of_one(sketch)
            .named("getArchive", "Một gói lưu trữ và tiến độ của nó")
            .answer::<ArchiveBody<'_>>(Success::Ok, "Gói lưu trữ. The archive."),
        ArchiveOperation::Fetch => of_one(sketch)
            .named("fetchArchive", "Tải một gói lưu trữ; việc tải được ghi làm bằng chứng")
            .bytes(Success::Ok, "Tệp ASiC-E (docs/archives.md). The file.", "application/vnd.etsi.asic-e+zip")
            .told(Success::Ok, "Docaxis-Sha256", "SHA-256 của tệp. Of the file.")
            .fails(&[&DESTROYED]),
    }
}

fn of_one(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch.id_segment("id", "Mã gói lưu trữ. An archive.").fails(&[&NOT_FOUND])
}

/// Draws an operation about statements.
pub fn statement(operation: StatementOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under("Biên nhận - Receipts");
    match operation {
        StatementOperation::List => sketch
            .named("listStatements", "Bảng kê trong ngày của các cặp cơ quan có bên gọi")
            .query::<StatementsQuestion>()
            .answer::<Page<StatementBody<'_>>>(Success::Ok, "Một trang. A page."),
        StatementOperation::Reconcile => sketch
            .named("reconcile", "Đối soát danh sách của bên gọi với những gì Trục đã niêm phong trong ngày")
            .query::<ReconciliationQuestion>()
            .file(forms::posted())
            .answer::<ReconciliationBody<'_>>(
                Success::Ok,
                "Chỗ khác nhau và việc cần làm. What differs, and what to do.",
            )
            .fails(&[&NOT_FOUND])
            .fails(&BODY),
        StatementOperation::Reconciliation => sketch
            .named("getReconciliation", "Kết quả đối soát với mọi điều chứng minh nó, kiểm tra được ngoại tuyến")
            .id_segment("id", "Mã đối soát. A reconciliation.")
            .raw_answer(
                Success::Ok,
                "Tệp đối soát (docs/archives.md). The reconciliation.",
                json!({ "type": "object" }),
            )
            .fails(&[&NOT_FOUND]),
        StatementOperation::Look => sketch
            .named("getStatement", "Một bảng kê với mọi điều chứng minh nó, kiểm tra được ngoại tuyến")
            .id_segment("id", "Mã bảng kê. A statement.")
            .raw_answer(Success::Ok, "Tệp bảng kê (docs/archives.md). The statement.", json!({ "type": "object" }))
            .fails(&[&NOT_FOUND]),
    }
}
