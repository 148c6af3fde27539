//! What docs/openapi.json says of each operation of `relay_api`.

use super::admin_answers::All;
use super::agency_sketches::BODY;
use super::problem::{EXISTS, NOT_ALLOWED, NOT_FOUND, STEP_REFUSED, Success};
use super::push_admin::EndpointBody;
use super::relay_api::{
    HeardBody, NeighbourSaid, RelayOperation, RemovedNeighbourBody, RemovedRouteBody, RouteBody, RouteSaid,
    SetRouteBody,
};
use super::sketch::Sketch;
use crate::exchange::announce::RelayEvent;

const RELAY: &str = "Trục lân cận - Neighbouring hubs";

/// Draws one operation of administration.
pub fn draw(operation: RelayOperation, sketch: Sketch<'_>) -> Sketch<'_> {
    let sketch = sketch.under(RELAY);
    match operation {
        RelayOperation::PutNeighbour => neighbour(sketch.named("putNeighbour", "Đặt địa chỉ và khóa của trục lân cận"))
            .body::<NeighbourSaid>()
            .answer::<EndpointBody<'_>>(Success::Ok, "Trục lân cận. The neighbour.")
            .fails(&BODY),
        RelayOperation::RemoveNeighbour => {
            neighbour(sketch.named("removeNeighbour", "Thôi chuyển tiếp sang trục lân cận"))
                .answer::<RemovedNeighbourBody<'_>>(Success::Ok, "Đã bỏ. Removed.")
                .fails(&[&EXISTS])
        }
        RelayOperation::Routes => sketch
            .named("listRoutes", "Liệt kê các tuyến")
            .answer::<All<RouteBody<'_>>>(Success::Ok, "Theo mã. By prefix."),
        RelayOperation::PutRoute => route(sketch.named("putRoute", "Đặt tuyến tới trục lân cận"))
            .body::<RouteSaid>()
            .answer::<SetRouteBody<'_>>(Success::Ok, "Tuyến. The route.")
            .fails(&BODY),
        RelayOperation::RemoveRoute => route(sketch.named("removeRoute", "Bỏ một tuyến"))
            .answer::<RemovedRouteBody<'_>>(Success::Ok, "Đã bỏ. Removed."),
    }
}

fn neighbour(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch.code_segment("id", "Tên của trục lân cận. The neighbour's name.").fails(&[&NOT_FOUND])
}

fn route(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .prefix_segment("prefix", "Mã định danh, gồm mọi mã bên dưới, hoặc `*`. An organ id with all below it, or `*`.")
        .fails(&[&NOT_FOUND])
}

/// Draws what a neighbour tells.
pub fn draw_hearing(sketch: Sketch<'_>) -> Sketch<'_> {
    sketch
        .under(RELAY)
        .named("tellNeighbour", "Trục lân cận báo việc xảy ra với lượt chuyển mà trục này đã chuyển tiếp cho nó")
        .body::<RelayEvent>()
        .answer::<HeardBody<'_>>(Success::Ok, "Đã ghi nhận. Taken down.")
        .fails(&[&NOT_ALLOWED, &NOT_FOUND, &STEP_REFUSED])
        .fails(&BODY)
}
