//! What docs/openapi.json says of each operation about purges and holds.

use super::admin_answers::All;
use super::agency_answers::Page;
use super::agency_sketches::BODY;
use super::problem::{EXISTS, NOT_FOUND, Success};
use super::purge_api::{HoldBody, HoldChangedBody, HoldSaid, HoldsQuestion, LiftSaid, PurgeBody, PurgeOperation};
use super::sketch::Sketch;
use serde_json::json;

/// Draws one operation.
pub fn draw(operation: PurgeOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under("Tiêu hủy - Retention");
    match operation {
        PurgeOperation::List => sketch
            .named("listPurges", "Các đợt tiêu hủy, mới nhất trước")
            .answer::<All<PurgeBody<'_>>>(Success::Ok, "Các đợt mới nhất. The newest ones."),
        PurgeOperation::Look => of_purge(sketch)
            .named("getPurge", "Một đợt tiêu hủy và tiến độ của nó")
            .answer::<PurgeBody<'_>>(Success::Ok, "Đợt tiêu hủy. The purge."),
        PurgeOperation::Certificate => of_purge(sketch)
            .named("getDestructionCertificate", "Chứng nhận tiêu hủy, kiểm tra được ngoại tuyến")
            .raw_answer(Success::Ok, "Tệp chứng nhận (docs/retention.md). The file.", json!({ "type": "object" })),
        PurgeOperation::Holds => sketch
            .named("listHolds", "Các lệnh giữ lại: đang giữ trước, rồi đã dỡ; mới nhất trước")
            .query::<HoldsQuestion>()
            .answer::<Page<HoldBody<'_>>>(Success::Ok, "Một trang. A page."),
        PurgeOperation::Place => sketch
            .named("placeHold", "Đặt một lệnh giữ lại")
            .body::<HoldSaid>()
            .answer::<HoldChangedBody<'_>>(Success::Created, "Đã đặt. Placed.")
            .fails(&BODY),
        PurgeOperation::Lift => sketch
            .id_segment("id", "Mã lệnh giữ lại. A hold.")
            .named("liftHold", "Dỡ một lệnh giữ lại")
            .body::<LiftSaid>()
            .answer::<HoldChangedBody<'_>>(Success::Ok, "Đã dỡ. Lifted.")
            .fails(&[&NOT_FOUND, &EXISTS])
            .fails(&BODY),
    }
}

fn of_purge(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch.id_segment("id", "Mã đợt tiêu hủy. A purge.").fails(&[&NOT_FOUND])
}
