//! The description of the API: every route is in it with all that it asks and answers, and nothing else is; the
//! hub serves what is committed. That answers are as described is checked wherever a test reads one (`support`).

use crate::support::TestHub;
use docaxis::http::problem::{Dialect, problem_list};
use docaxis::http::{Operation, ROUTES, Route, openapi};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

fn paths() -> Map<String, Value> {
    openapi::document()["paths"].as_object().unwrap().clone()
}

/// The members of an object, or none.
fn names(value: &Value) -> BTreeSet<String> {
    value.as_object().map(|members| members.keys().cloned().collect()).unwrap_or_default()
}

/// A response, followed to where it is described.
fn response<'a>(document: &'a Value, response: &'a Value) -> &'a Value {
    match response["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place}")),
        None => response,
    }
}

/// Routes of the APIs: pages are for people.
fn routes() -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(|route| !matches!(route.operation, Operation::Portal(_)))
}

#[test]
fn the_api_document_describes_every_route_and_nothing_else() {
    let mut of_routes = BTreeSet::new();
    for route in routes() {
        of_routes.extend(route.methods.iter().map(|method| (route.path.to_owned(), method.name().to_lowercase())));
    }

    let described = paths().into_iter().flat_map(|(path, item)| {
        names(&item).into_iter().map(move |method| (path.clone(), method)).collect::<Vec<_>>()
    });

    assert_eq!(described.collect::<BTreeSet<_>>(), of_routes);
}

#[test]
fn the_api_document_names_each_operation_once_and_in_both_languages() {
    let mut ids = BTreeSet::new();
    for (path, item) in paths() {
        for (method, operation) in item.as_object().unwrap() {
            let text = |member: &str| operation[member].as_str().unwrap_or_default().to_owned();
            assert!(ids.insert(text("operationId")) && !text("operationId").is_empty(), "{method} {path}");
            assert!(!text("summary").is_ascii(), "{method} {path}: {}", text("summary"));
            assert!(!text("description").is_empty() && operation["tags"][0].is_string(), "{method} {path}");
        }
    }
}

#[test]
fn the_api_document_has_the_segments_and_the_credential_of_each_route() {
    let document = openapi::document();
    for route in routes() {
        let segments = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let segments: BTreeSet<&str> = segments.collect();
        let schemes: &[&str] = match route.operation {
            Operation::Alive | Operation::Ready | Operation::Description | Operation::Metrics | Operation::Verifier => {
                &[]
            }
            Operation::Tiles(_) | Operation::Witness => &[],
            Operation::Sdk(_) => &["sdkSignature", "sdkText"],
            Operation::Agency(_) | Operation::Admin(_) => &["bearer"],
            Operation::Portal(_) => unreachable!("left out above"),
        };
        for method in route.methods {
            let operation = &document["paths"][route.path][method.name().to_lowercase()];

            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let in_path = parameters.iter().filter(|one| one["in"] == "path").map(|one| one["name"].as_str().unwrap());
            assert_eq!(in_path.collect::<BTreeSet<_>>(), segments, "{}", route.path);
            let needed: Vec<String> = operation["security"].as_array().unwrap().iter().flat_map(names).collect();
            assert_eq!(needed, schemes, "{}", route.path);
            for scheme in schemes {
                assert!(document["components"]["securitySchemes"][scheme].is_object(), "{scheme}");
            }
        }
    }
}

#[test]
fn the_api_document_says_how_each_operation_ends_well_and_how_it_fails() {
    let document = openapi::document();
    let of_list = problem_list();
    for route in routes() {
        for method in route.methods {
            let operation = &document["paths"][route.path][method.name().to_lowercase()];
            let responses = operation["responses"].as_object().unwrap();

            assert!(responses.keys().any(|status| status.starts_with('2')), "{}", route.path);
            let needs_key = operation["security"] != serde_json::json!([]);
            // From an allowed address `/metrics` needs none; from elsewhere it is refused like the others.
            let may_refuse = needs_key || route.operation == Operation::Metrics;
            assert_eq!(responses.contains_key("401"), may_refuse, "{}", route.path);
            for (status, one) in responses {
                let one = response(&document, one);
                assert!(one["headers"]["X-Request-Id"].is_object(), "{status} {}", route.path);
                // A hub that is not ready answers with its checks, which are no problem details.
                let is_standing = route.operation == Operation::Ready && status == "503";
                // A witness answers the size that it has, as its protocol says.
                let is_size = route.operation == Operation::Witness && status == "409";
                if is_standing
                    || is_size
                    || status.starts_with(['2', '3'])
                    || route.operation.dialect() != Dialect::Native
                {
                    continue;
                }
                let codes = &one["content"]["application/problem+json"]["schema"]["allOf"][1]["properties"]["code"];
                for code in codes["enum"].as_array().unwrap() {
                    let row = format!("| `{}` | {status} |", code.as_str().unwrap());
                    assert!(of_list.contains(&row), "{row}");
                }
            }
        }
    }
}

#[test]
fn every_kind_of_failure_of_an_operation_is_in_the_api_document() {
    let text = openapi::DOCUMENT.clone();
    // They belong to no operation.
    let kinds = problem_list();
    let codes = kinds.lines().skip(2).map(|row| row.split('`').nth(1).unwrap());
    let missing: Vec<&str> = codes.filter(|code| !text.contains(&format!("`{code}`"))).collect();

    assert_eq!(missing, ["path-unknown", "method-not-allowed"]);
}

#[tokio::test]
async fn the_hub_serves_its_description_to_anybody_and_spares_who_has_it() {
    let hub = TestHub::start().await;

    let first = hub.client.get(hub.url("/api/v1/openapi.json")).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let text = first.text().await.unwrap();
    let again = hub.client.get(hub.url("/api/v1/openapi.json")).header("if-none-match", tag).send().await.unwrap();

    assert_eq!(text, *openapi::DOCUMENT);
    assert_eq!(again.status().as_u16(), 304);
}
