//! What docs/openapi.json says of each operation of `webhook_api`, and of what the hub sends to webhooks.

use super::admin_answers::All;
use super::agency_sketches::BODY;
use super::problem::{NOT_ALLOWED, NOT_FOUND, Success, TOO_MANY};
use super::push_admin::{EndpointBody, NewEndpointBody};
use super::sketch::Sketch;
use super::webhook_api::{
    GivenUpBody, GivenUpQuestion, RemovedWebhookBody, ReplaySaid, ReplayedBody, RotateSaid, TestedBody,
    WebhookOperation, WebhookSaid,
};
use crate::domain::announcement::{EventKind, TEST};
use crate::exchange::announce::{Event, TestEvent};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

const EVENTS: &str = "Báo sự kiện - Events";

/// Draws one operation; its name is another one for administration.
pub fn draw<'a>(operation: WebhookOperation, of_admin: bool, sketch: Sketch<'a>) -> Sketch<'a> {
    let sketch = sketch.under(EVENTS).fails(&[&NOT_FOUND]);
    let sketch = match of_admin {
        true => sketch.code_segment("id", "Mã hệ thống. The id of the system."),
        false => sketch,
    };
    let named = |sketch: Sketch<'a>, verb: &str, rest: &str, vi: &str| match of_admin {
        true => sketch.named(&format!("{verb}SystemWebhook{rest}"), vi),
        false => sketch.named(&format!("{verb}Webhook{rest}"), vi),
    };
    match operation {
        WebhookOperation::Show => named(sketch, "get", "", "Xem webhook và tình trạng")
            .answer::<EndpointBody<'_>>(Success::Ok, "Webhook. The webhook."),
        WebhookOperation::Put => named(sketch, "put", "", "Đặt webhook; bí mật chỉ hiện một lần, khi webhook là mới")
            .body::<WebhookSaid>()
            .answer::<NewEndpointBody<'_>>(Success::Ok, "Bí mật của chữ ký, nếu mới. The secret, if it is new.")
            .told(Success::Ok, "Cache-Control", "`no-store`")
            .fails(&[&NOT_ALLOWED])
            .fails(&BODY),
        WebhookOperation::Remove => named(sketch, "remove", "", "Bỏ webhook và mọi sự kiện đang chờ báo")
            .answer::<RemovedWebhookBody<'_>>(Success::Ok, "Đã bỏ. Removed."),
        WebhookOperation::Rotate => {
            named(sketch, "rotate", "Secret", "Đổi bí mật; bí mật cũ còn dùng thêm một thời gian")
                .body::<RotateSaid>()
                .answer::<NewEndpointBody<'_>>(Success::Ok, "Bí mật mới. The new secret.")
                .told(Success::Ok, "Cache-Control", "`no-store`")
                .fails(&BODY)
        }
        WebhookOperation::Test => named(sketch, "test", "", "Gửi một sự kiện thử")
            .answer::<TestedBody<'_>>(Success::Ok, "Mã của sự kiện thử. The id of the event.")
            .fails(&[&TOO_MANY]),
        WebhookOperation::Replay => named(sketch, "replay", "Events", "Báo lại các sự kiện từ một thời điểm")
            .body::<ReplaySaid>()
            .answer::<ReplayedBody>(Success::Ok, "Số sự kiện chờ báo lại. How many events wait again.")
            .fails(&[&TOO_MANY])
            .fails(&BODY),
        WebhookOperation::GivenUp => named(sketch, "list", "GivenUp", "Các sự kiện đã thôi báo")
            .query::<GivenUpQuestion>()
            .answer::<All<GivenUpBody<'_>>>(Success::Ok, "Cũ nhất trước. Oldest first."),
    }
}

/// What the hub sends: the part `webhooks` of the document.
pub fn sent(schemas: &mut SchemaGenerator) -> Value {
    let event = schemas.subschema_for::<Event<'_>>().to_value();
    let test = schemas.subschema_for::<TestEvent<'_>>().to_value();
    let kinds = EventKind::ALL.iter().map(|kind| (kind.name(), &event)).chain([(TEST, &test)]);
    let drawn = kinds.map(|(name, schema)| {
        let header = |header: &str, about: &str| {
            json!({ "in": "header", "name": header, "required": true, "description": about, "schema": { "type": "string" } })
        };
        let operation = json!({
            "operationId": name,
            "tags": [EVENTS],
            "summary": "Trục báo cho hệ thống gửi. The hub tells the sender.",
            "parameters": [
                header("webhook-id", "Mã sự kiện, như nhau ở mọi lần gửi. The id of the event, the same at every attempt."),
                header("webhook-timestamp", "Lúc gửi, giây từ 1970. When it is sent, in seconds since 1970."),
                header("webhook-signature", "Chữ ký theo Standard Webhooks. Signatures as Standard Webhooks has them."),
            ],
            "requestBody": { "required": true, "content": { "application/json": { "schema": schema } } },
            "responses": {
                "2XX": { "description": "Đã nhận. Taken." },
                "410": { "description": "Không báo tới địa chỉ này nữa. Nothing is told there any more." },
                "default": { "description": "Sẽ báo lại. It is told again." },
            },
        });
        (name.to_owned(), json!({ "post": operation }))
    });
    Value::Object(drawn.collect::<Map<String, Value>>())
}
