//! docs/postman.json: the description of the API as a Postman collection, made from the same document. In it `hub` and
//! `token` are variables; the SDK's operations are signed by a script that Postman runs (and our tests do not).

use docaxis::http::openapi;
use serde_json::{Map, Value, json};
use std::path::Path;

const SCHEMA: &str = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json";

/// Signs a request as docs/sdk.md says, from the variables `systemid`, `secret` and `parameters`.
const SIGN: [&str; 6] = [
    "const given = JSON.parse(pm.variables.get('parameters') || '{}');",
    "const all = Object.assign({ systemid: pm.variables.get('systemid') }, given);",
    "const text = JSON.stringify(Object.fromEntries(Object.entries(all).map(([k, v]) => ['XroadVnpt-' + k, String(v)])));",
    "const hash = CryptoJS.HmacSHA256(text, pm.variables.get('secret')).toString(CryptoJS.enc.Hex);",
    "pm.request.headers.upsert({ key: 'XroadVnpt-sign-header', value: text });",
    "pm.request.headers.upsert({ key: 'XroadVnpt-hash-header', value: hash });",
];

fn collection() -> String {
    let document = openapi::document();
    let mut folders: Map<String, Value> = Map::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let tag = operation["tags"][0].as_str().unwrap();
            let folder = folders.entry(tag).or_insert_with(|| json!([]));
            folder.as_array_mut().unwrap().push(request(&document, (path, method), operation));
        }
    }
    let folder = |(name, items): (String, Value)| match name.as_str() {
        "SDK" => json!({ "name": name, "item": items, "auth": { "type": "noauth" },
            "event": [{ "listen": "prerequest", "script": { "type": "text/javascript", "exec": SIGN } }] }),
        _ => json!({ "name": name, "item": items }),
    };
    let variable = |key: &str, value: &str| json!({ "key": key, "value": value });
    let whole = json!({
        "info": { "name": "Docaxis", "schema": SCHEMA, "version": document["info"]["version"],
            "description": document["info"]["description"] },
        "auth": { "type": "bearer", "bearer": [{ "key": "token", "value": "{{token}}", "type": "string" }] },
        "variable": [
            variable("hub", "http://127.0.0.1:8080"), variable("token", "KEY_ID.SECRET"),
            variable("systemid", ""), variable("secret", ""), variable("parameters", "{}"),
        ],
        "item": folders.into_iter().map(folder).collect::<Vec<_>>(),
    });
    serde_json::to_string_pretty(&whole).unwrap() + "\n"
}

fn request(document: &Value, (path, method): (&str, &str), operation: &Value) -> Value {
    let of = |place: &str| {
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        parameters.into_iter().filter(|one| one["in"] == place).collect::<Vec<_>>()
    };
    let given = |one: &Value| json!({ "key": one["name"], "value": "", "description": one["description"] });
    let optional = |one: &Value| {
        let mut given = given(one);
        given["disabled"] = (one["required"] != true).into();
        given
    };
    let segment = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
        Some(name) => format!(":{name}"),
        None => part.to_owned(),
    };
    let segments: Vec<String> = path.split('/').skip(1).map(segment).collect();
    let mut request = json!({
        "method": method.to_uppercase(),
        "description": operation["description"],
        "header": of("header").iter().map(optional).collect::<Vec<_>>(),
        "url": {
            "raw": format!("{{{{hub}}}}/{}", segments.join("/")), "host": ["{{hub}}"], "path": segments,
            "query": of("query").iter().map(optional).collect::<Vec<_>>(),
            "variable": of("path").iter().map(given).collect::<Vec<_>>(),
        },
    });
    if operation["security"] == json!([]) {
        request["auth"] = json!({ "type": "noauth" });
    }
    if let Some((media, content)) = operation["requestBody"]["content"].as_object().and_then(|all| all.iter().next()) {
        request["header"].as_array_mut().unwrap().push(json!({ "key": "Content-Type", "value": media }));
        request["body"] = match media.as_str() {
            "application/json" => json!({ "mode": "raw", "raw": example(document, &content["schema"]).to_string(),
                "options": { "raw": { "language": "json" } } }),
            _ => json!({ "mode": "file", "file": { "src": null } }),
        };
    }
    json!({ "name": operation["summary"], "request": request })
}

/// A value of a schema: the first word of an enumeration, else an empty one.
fn example(document: &Value, schema: &Value) -> Value {
    if let Some(place) = schema["$ref"].as_str() {
        return example(document, document.pointer(place.trim_start_matches('#')).unwrap());
    }
    match (schema["enum"][0].clone(), schema["type"].as_str()) {
        (Value::Null, Some("object")) => {
            let members = schema["properties"].as_object().unwrap();
            Value::Object(members.iter().map(|(name, one)| (name.clone(), example(document, one))).collect())
        }
        (Value::Null, _) => "".into(),
        (word, _) => word,
    }
}

#[test]
fn the_api_document_as_a_postman_collection_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/postman.json");
    let current = collection();

    if std::env::var_os("DOCAXIS_WRITE_DOCS").is_some() {
        std::fs::write(&file, &current).unwrap();
    }

    assert_eq!(std::fs::read_to_string(&file).unwrap(), current, "run with DOCAXIS_WRITE_DOCS=1");
}
