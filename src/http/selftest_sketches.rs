//! What docs/openapi.json says of each operation of the self-test.

use super::agency_sketches::BODY;
use super::problem::{EXISTS, NOT_FOUND, Success};
use super::selftest_api::{KeyBody, RunBody, SelftestOperation, StartQuestion};
use super::sketch::Sketch;
use serde_json::json;

const SELFTEST: &str = "Tự kiểm tra - Self-test";

/// Draws one operation.
pub fn draw(operation: SelftestOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(SELFTEST);
    match operation {
        SelftestOperation::Start => sketch
            .named("startSelftest", "Bắt đầu một lượt tự kiểm tra")
            .body::<StartQuestion>()
            .answer::<RunBody<'_>>(Success::Created, "Lượt đã bắt đầu. The run has begun.")
            .told(Success::Created, "Location", "Nơi xem lượt. Where to look at the run.")
            .fails(&[&NOT_FOUND, &EXISTS])
            .fails(&BODY),
        SelftestOperation::Look => of_run(sketch)
            .named("getSelftest", "Xem một lượt: từng ca đang ra sao")
            .answer::<RunBody<'_>>(Success::Ok, "Lượt. The run."),
        SelftestOperation::Finish => of_run(sketch)
            .named("finishSelftest", "Kết thúc một lượt")
            .answer::<RunBody<'_>>(Success::Ok, "Lượt đã kết thúc. The run as it ended."),
        SelftestOperation::Sheet => of_run(sketch).named("getSelftestSheet", "Phiếu kết quả để in").bytes(
            Success::Ok,
            "Trang HTML. An HTML page.",
            "text/html",
        ),
        SelftestOperation::Certificate => of_run(sketch)
            .named("getSelftestCertificate", "Giấy chứng nhận của lượt đã đạt")
            .raw_answer(Success::Ok, "Tệp chứng nhận. The certificate.", json!({ "type": "object" })),
        SelftestOperation::Key => sketch
            .named("getSelftestKey", "Khóa công khai để kiểm tra giấy chứng nhận")
            .answer::<KeyBody>(Success::Ok, "Khóa. The key."),
    }
}

fn of_run(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch.id_segment("run", "Mã lượt. A run.").fails(&[&NOT_FOUND])
}
