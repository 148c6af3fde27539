//! What docs/openapi.json says of each operation of `push_admin`.

use super::admin_answers::All;
use super::admin_sketches::CODE;
use super::agency_sketches::BODY;
use super::problem::{NOT_FOUND, STEP_REFUSED, Success};
use super::push_admin::{
    DirectedBody, EndpointBody, EndpointSaid, FailedBody, FailedQuestion, NewEndpointBody, PauseSaid, PushOperation,
    RemovedBody, StartSaid, WaitingBody, WaitingQuestion,
};
use super::sketch::Sketch;

const BRINGING: &str = "Đẩy gói tin - Pushing";

/// Draws one operation.
pub fn draw(operation: PushOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(BRINGING);
    match operation {
        PushOperation::Endpoints => {
            sketch
                .named("listEndpoints", "Liệt kê địa chỉ nhận và tình trạng")
                .answer::<All<EndpointBody<'_>>>(Success::Ok, "Mọi địa chỉ nhận. Every endpoint.")
        }
        PushOperation::PutEndpoint => {
            of_agency(sketch.named("putEndpoint", "Đặt địa chỉ nhận; bí mật chỉ hiện một lần"))
                .body::<EndpointSaid>()
                .answer::<NewEndpointBody<'_>>(Success::Ok, "Bí mật của chữ ký. The secret of the signatures.")
                .told(Success::Ok, "Cache-Control", "`no-store`")
                .fails(&BODY)
        }
        PushOperation::RemoveEndpoint => of_agency(sketch.named("removeEndpoint", "Bỏ địa chỉ nhận; đơn vị tự lấy"))
            .answer::<RemovedBody<'_>>(Success::Ok, "Đã bỏ. Removed."),
        PushOperation::Pause => of_holder(sketch.named("pauseEndpoint", "Tạm ngừng đẩy; giữ hàng chờ"))
            .maybe_body::<PauseSaid>()
            .answer::<EndpointBody<'_>>(Success::Ok, "Địa chỉ nhận. The endpoint.")
            .fails(&BODY),
        PushOperation::Resume => of_holder(sketch.named("resumeEndpoint", "Đẩy tiếp ngay"))
            .answer::<EndpointBody<'_>>(Success::Ok, "Địa chỉ nhận. The endpoint."),
        PushOperation::Waiting => of_holder(sketch.named("listWaiting", "Những lượt chuyển đang chờ đẩy"))
            .query::<WaitingQuestion>()
            .answer::<All<WaitingBody<'_>>>(Success::Ok, "Theo làn, rồi theo giờ đến hạn. By lane, then by due time."),
        PushOperation::Failed => of_agency(sketch.named("listFailed", "Những lượt chuyển đã thất bại"))
            .query::<FailedQuestion>()
            .answer::<All<FailedBody<'_>>>(Success::Ok, "Cũ nhất trước. Oldest first."),
        PushOperation::StartAnew => of_agency(sketch.named("startAnew", "Gửi lại những lượt chuyển đã thất bại"))
            .maybe_body::<StartSaid>()
            .answer::<All<FailedBody<'_>>>(Success::Ok, "Từng lượt và lượt mới của nó. Each with its new delivery.")
            .fails(&BODY),
        PushOperation::Now => of_delivery(sketch.named("hurryDelivery", "Thử đẩy ngay một lượt chuyển")),
        PushOperation::Hold => of_delivery(sketch.named("holdDelivery", "Giữ lại một lượt chuyển")),
        PushOperation::Release => of_delivery(sketch.named("releaseDelivery", "Thôi giữ một lượt chuyển")),
    }
}

fn of_agency(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch.code_segment("code", CODE).fails(&[&NOT_FOUND])
}

/// Of an agency, of a system by `events:SYSTEM`, or of a neighbour by `relay:NEIGHBOUR`.
fn of_holder(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .holder_segment(
            "code",
            "Mã cơ quan, `events:MÃ-HỆ-THỐNG` hoặc `relay:TRỤC`. An agency, `events:SYSTEM` or `relay:NEIGHBOUR`.",
        )
        .fails(&[&NOT_FOUND])
}

fn of_delivery(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .id_segment("id", "Mã lượt chuyển. A delivery.")
        .maybe_body::<PauseSaid>()
        .answer::<DirectedBody<'_>>(Success::Ok, "Đã làm. Done.")
        .fails(&BODY)
        .fails(&[&NOT_FOUND, &STEP_REFUSED])
}
