//! Holds answers to what docs/openapi.json says of them: a status that is not described, or a body that is not of its
//! schema, is a fault of the hub or of the document.

use docaxis::http::openapi;
use jsonschema::Validator;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

static DOCUMENT: LazyLock<Value> = LazyLock::new(openapi::document);
static VALIDATORS: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);

/// Fails unless some method of the path is described with this answer. Paths that the document does not know, and
/// methods that a path does not take, are nobody's.
pub fn check(path: &str, status: u16, headers: &HeaderMap, json: &Value) {
    let Some((pattern, item)) = item_of(path) else { return };
    if status == 405 {
        return;
    }
    let media = headers.get("content-type").map(|value| value.to_str().unwrap().split(';').next().unwrap().to_owned());
    let mut why = Vec::new();
    for (method, operation) in item.as_object().unwrap() {
        match fault(
            &format!("{method} {pattern} {status}"),
            &operation["responses"][status.to_string()],
            (&media, json),
        ) {
            None => return,
            Some(fault) => why.push(format!("{method}: {fault}")),
        }
    }
    panic!("{status} of {pattern} is not as docs/openapi.json says: {why:?}\n{json}");
}

/// Fails unless an event that a webhook was sent is as the document says of its kind.
pub fn check_event(event: &Value) {
    let name = event["type"].as_str().unwrap();
    let content = &DOCUMENT["webhooks"][name]["post"]["requestBody"]["content"];
    let schema = &content["application/json"]["schema"];
    assert!(!schema.is_null(), "{name} is not described");
    let valid = validator(name, schema).validate(event);
    assert!(valid.is_ok(), "{name} is not as docs/openapi.json says: {:?}\n{event}", valid.err());
}

fn item_of(path: &str) -> Option<(&'static str, &'static Value)> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let exact = paths.get_key_value(path);
    let fits = |pattern: &str| {
        let (parts, segments): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
        parts.len() == segments.len() && parts.iter().zip(segments).all(|(p, s)| p.starts_with('{') || *p == s)
    };
    let found = exact.or_else(|| paths.iter().find(|(pattern, _)| fits(pattern)));
    found.map(|(pattern, item)| (pattern.as_str(), item))
}

fn fault(name: &str, response: &Value, (media, json): (&Option<String>, &Value)) -> Option<String> {
    let response = match response["$ref"].as_str() {
        Some(place) => DOCUMENT.pointer(place.trim_start_matches('#')).unwrap(),
        None => response,
    };
    if response.is_null() {
        return Some("the status is not described".to_owned());
    }
    let content = &response["content"];
    let Some(media) = media else {
        return (!content.is_null()).then(|| "a body is described, but none came".to_owned());
    };
    let schema = &content[media]["schema"];
    if schema.is_null() {
        return Some(format!("{media} is not described"));
    }
    if schema["format"] == "binary" {
        return None;
    }
    validator(name, schema).validate(json).err().map(|error| format!("{}: {error}", error.instance_path()))
}

fn validator(name: &str, schema: &Value) -> &'static Validator {
    let mut validators = VALIDATORS.lock().unwrap();
    validators.entry(name.to_owned()).or_insert_with(|| {
        let whole = json!({ "allOf": [schema], "components": DOCUMENT["components"] });
        Box::leak(Box::new(jsonschema::validator_for(&whole).unwrap()))
    })
}
