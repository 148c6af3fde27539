//! The description of every route as OpenAPI 3.1, drawn from `ROUTES` and from the types that handlers read and
//! write. Served at /api/v1/openapi.json, committed as docs/openapi.json, which `make docs` writes.

use super::sketch::{Parts, Sketch};
use super::watch::Readiness;
use super::{
    Operation, ROUTES, Route, admin_sketches, agency_sketches, ledger_sketches, receipt_sketches, sdk_sketches,
    webhook_sketches, witness_api,
};
use crate::http::problem::{INTERNAL, Success, UNAUTHENTICATED};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// That the process, or the hub, is well.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Standing")]
pub struct StandingBody {
    /// `ok`.
    pub status: &'static str,
}

/// The document as it is served.
pub static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text + "\n"
});

fn generator(settings: SchemaSettings) -> SchemaGenerator {
    let at = "/components/schemas";
    let settings = settings.with(|settings| {
        settings.definitions_path = at.into();
        settings.meta_schema = None;
    });
    settings.into_generator()
}

/// The document.
pub fn document() -> Value {
    let mut parts = Parts {
        answers: generator(SchemaSettings::draft2020_12().for_serialize()),
        questions: generator(SchemaSettings::draft2020_12().for_deserialize()),
        failures: Map::new(),
    };
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        for method in route.methods {
            let Some(mut operation) = draw(route, &mut parts) else { continue };
            // Where a path takes two methods, both do the same and each needs a name.
            if let Some(id) = operation.get_mut("operationId").filter(|_| route.methods.len() > 1) {
                *id = json!(format!("{}By{}", id.as_str().unwrap_or_default(), capital(method.name())));
            }
            let path = paths.entry(route.path).or_insert_with(|| json!({}));
            if let Some(path) = path.as_object_mut() {
                path.insert(method.name().to_ascii_lowercase(), operation);
            }
        }
    }
    let webhooks = webhook_sketches::sent(&mut parts.answers);
    let mut schemas = parts.answers.take_definitions(true);
    schemas.extend(parts.questions.take_definitions(true));
    let components = json!({
        "schemas": schemas, "responses": parts.failures, "securitySchemes": credentials(),
        "headers": { "RequestId": request_id() },
    });
    json!({
        "openapi": "3.1.0",
        "info": info(),
        "servers": [{ "url": "/", "description": "Trục liên thông này. This hub." }],
        "paths": paths,
        "webhooks": webhooks,
        "components": components,
    })
}

fn capital(method: &str) -> String {
    let (first, rest) = method.split_at_checked(1).unwrap_or((method, ""));
    first.to_owned() + &rest.to_ascii_lowercase()
}

fn info() -> Value {
    json!({
        "title": "Docaxis",
        "summary": "Trục liên thông văn bản điện tử. A hub for electronic documents.",
        "description": "Cách gọi, giới hạn và ví dụ: docs/api.md và docs/tutorial.vi.md. Mã lỗi: docs/codes.md.\n\n\
            How to call it, limits and examples: docs/api.md and docs/tutorial.en.md. Codes: docs/codes.md.",
        "version": env!("CARGO_PKG_VERSION"),
        "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
    })
}

fn credentials() -> Value {
    let [text, signature] = sdk_sketches::SIGNATURE;
    let header =
        |name: &str, about: &str| json!({ "type": "apiKey", "in": "header", "name": name, "description": about });
    let all = [
        (
            agency_sketches::BEARER,
            json!({
                "type": "http", "scheme": "bearer",
                "description": "`KEY_ID.SECRET`, do `docaxis key add` in ra. As `docaxis key add` prints them.",
            }),
        ),
        (
            text,
            header(
                "XroadVnpt-sign-header",
                "Các tham số dưới dạng JSON, có `XroadVnpt-systemid`. The parameters as JSON, see docs/sdk.md.",
            ),
        ),
        (
            signature,
            header(
                "XroadVnpt-hash-header",
                "HMAC-SHA256 của phần trên, hệ mười sáu. HMAC-SHA256 of the text, in hexadecimal.",
            ),
        ),
    ];
    Value::Object(all.into_iter().map(|(name, scheme)| (name.to_owned(), scheme)).collect())
}

fn request_id() -> Value {
    json!({
        "description": "Nêu mã này khi hỏi đơn vị vận hành. Name it in enquiries.",
        "required": true,
        "schema": { "type": "string" },
    })
}

/// An operation of an API. Pages are for people: docs/portal.md.
fn draw(route: &Route, parts: &mut Parts) -> Option<Value> {
    let sketch = Sketch::of(route.about, route.operation.dialect(), parts);
    let sketch = match route.operation {
        Operation::Alive => sketch
            .needs(&[])
            .under("Vận hành - Operation")
            .named("isAlive", "Tiến trình đang chạy")
            .answer::<StandingBody>(Success::Ok, "Đang chạy. It runs.")
            .fails(&agency_sketches::OPEN),
        Operation::Ready => sketch
            .needs(&[])
            .under("Vận hành - Operation")
            .named("isReady", "Trục có làm việc được không")
            .answer::<Readiness>(Success::Ok, "Làm việc được. It can work.")
            .answer::<Readiness>(Success::Unready, "Chưa làm việc được, và vì sao. It cannot work, and why.")
            .fails(&agency_sketches::OPEN),
        Operation::Metrics => sketch
            .needs(&[])
            .under("Vận hành - Operation")
            .named("metrics", "Các số đo cho Prometheus")
            .header(
                "Authorization",
                "`Bearer` và `metrics.token`, nếu không gọi từ `metrics.allow`. Needed outside of `metrics.allow`.",
            )
            .bytes(Success::Ok, "OpenMetrics.", "application/openmetrics-text")
            .fails(&agency_sketches::OPEN)
            .fails(&[&UNAUTHENTICATED, &INTERNAL]),
        Operation::Verifier => receipt_sketches::page(sketch),
        Operation::Description => sketch
            .needs(&[])
            .under("Vận hành - Operation")
            .named("describe", "Bản mô tả này")
            .raw_answer(Success::Ok, "OpenAPI 3.1.", json!({ "type": "object" }))
            .told(Success::Ok, "ETag", "Đổi theo phiên bản. Changes with the version.")
            .header("If-None-Match", "`ETag` của lần trước. The `ETag` of the time before.")
            .nothing(Success::NotModified, "Không đổi. Unchanged.")
            .told(Success::NotModified, "ETag", "Như lần trước. As before.")
            .fails(&agency_sketches::OPEN),
        Operation::Tiles(operation) => ledger_sketches::tiles(operation, sketch),
        Operation::Witness => witness_api::draw(sketch),
        Operation::Agency(operation) => agency_sketches::draw(operation, sketch),
        Operation::Admin(operation) => admin_sketches::draw(operation, sketch),
        Operation::Sdk(operation) => sdk_sketches::draw(operation, sketch),
        Operation::Portal(_) => return None,
    };
    Some(sketch.done())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_api_document_for_machines_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");

        if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
            std::fs::write(&file, DOCUMENT.as_str()).unwrap();
        }

        assert_eq!(std::fs::read_to_string(&file).unwrap(), *DOCUMENT, "run with DOCAXIS_WRITE_DOCS=1");
    }
}
