//! Every route with credentials that do not hold, and every body in a form that cannot be used. What a route takes is
//! read from the description of the API, so that a new route is covered by being there.

use crate::support::packets::a_document;
use crate::support::socket::Socket;
use crate::support::{Answer, TestHub};
use chrono::TimeDelta;
use docaxis::exchange::act::By;
use docaxis::exchange::keys;
use docaxis::http::{Operation, ROUTES, Route, openapi};
use serde_json::{Value, json};

/// A path of the route with an id in each of its segments.
fn path_of(hub: &TestHub, route: &Route, id: Option<&str>) -> String {
    let fresh = hub.hub.ids.next();
    let segment = |part: &str| if part.starts_with('{') { id.unwrap_or(&fresh).to_owned() } else { part.to_owned() };
    route.path.split('/').map(segment).collect::<Vec<_>>().join("/")
}

fn is_native(route: &&Route) -> bool {
    matches!(route.operation, Operation::Agency(_))
}

async fn call(hub: &TestHub, method: &str, path: &str, bearer: &str, body: Vec<u8>) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = hub.client.request(method, hub.url(path)).bearer_auth(bearer);
    Answer::of(request.body(body).send().await.unwrap()).await
}

/// Says of every native route and method how it answers this token.
async fn assert_unauthenticated(hub: &TestHub, bearer: &str, why: &str) {
    for route in ROUTES.iter().filter(is_native) {
        for method in route.methods {
            let answer = call(hub, method.name(), &path_of(hub, route, None), bearer, Vec::new()).await;

            assert_eq!(
                (answer.status, &answer.json["code"]),
                (401, &json!("unauthenticated")),
                "{why}: {}",
                route.path
            );
            assert_eq!(answer.headers["www-authenticate"], "Bearer", "{why}: {}", route.path);
        }
    }
}

#[tokio::test]
async fn no_route_takes_a_key_that_has_expired() {
    let hub = TestHub::start_with(|config| config.keys.life_days = 1).await;
    let bearer = hub.system("dms.national").bearer();
    assert_eq!(call(&hub, "GET", "/api/v1/mailbox", &bearer, Vec::new()).await.status, 200);

    hub.after(TimeDelta::days(1));

    assert_unauthenticated(&hub, &bearer, "expired").await;
}

#[tokio::test]
async fn no_route_takes_a_key_that_was_revoked() {
    let hub = TestHub::start().await;
    let system = hub.system("dms.national");
    keys::revoke_key(&hub.hub, &By::Operator, &system.key_id).await.unwrap();
    hub.after(TimeDelta::seconds(6));

    assert_unauthenticated(&hub, &system.bearer(), "revoked").await;
}

#[tokio::test]
async fn no_sdk_route_takes_a_key_that_has_expired_or_was_revoked() {
    for revoked in [false, true] {
        let hub = TestHub::start_with(|config| config.keys.life_days = 1).await;
        let secret = hub.system("dms.national").secret.clone();
        if revoked {
            keys::revoke_key(&hub.hub, &By::Operator, &hub.system("dms.national").key_id).await.unwrap();
            hub.after(TimeDelta::seconds(6));
        } else {
            hub.after(TimeDelta::days(1));
        }
        let text = r#"{"XroadVnpt-systemid":"dms.national"}"#;
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let signature = hex::encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref());
        for route in ROUTES.iter().filter(|route| matches!(route.operation, Operation::Sdk(_))) {
            let method = reqwest::Method::from_bytes(route.methods[0].name().as_bytes()).unwrap();
            let request = hub.client.request(method, hub.url(route.path)).header("XroadVnpt-sign-header", text);
            let answer = Answer::of(request.header("XroadVnpt-hash-header", &signature).send().await.unwrap()).await;

            assert_eq!(answer.status, 401, "{} revoked: {revoked}", route.path);
        }
    }
}

#[tokio::test]
async fn no_route_shows_or_changes_what_is_another_systems() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let ids = [&receipt["envelope_id"], &receipt["deliveries"][0]["delivery_id"]];
    let (stranger, before) = (hub.system("dms.commune").bearer(), hub.evidence().await);

    for route in ROUTES.iter().filter(is_native).filter(|route| route.path.contains("{id}")) {
        for (method, id) in route.methods.iter().flat_map(|method| ids.map(|id| (method, id))) {
            let path = path_of(&hub, route, id.as_str());
            let answer = call(&hub, method.name(), &path, &stranger, br#"{"status":"done"}"#.to_vec()).await;

            assert_eq!((answer.status, &answer.json["code"]), (404, &json!("not-found")), "{path}");
        }
    }
    assert_eq!(hub.evidence().await, before);
    assert_eq!(hub.get("dms.commune", "/api/v1/mailbox").await.json["items"], json!([]));
    assert_eq!(hub.get("dms.commune", "/api/v1/sent").await.json["items"], json!([]));
    assert_eq!(hub.post("dms.commune", a_document("d2").bytes()).await.status, 403);
    assert_eq!(hub.check("dms.commune", a_document("d2").bytes()).await.json["would_be"], "refused");
}

/// Native routes that take a body: method, route, and the media type of the body.
fn with_bodies() -> Vec<(&'static str, &'static Route, String)> {
    let document = openapi::document();
    let mut found = Vec::new();
    for route in ROUTES.iter().filter(is_native) {
        for method in route.methods {
            let operation = &document["paths"][route.path][method.name().to_lowercase()];
            if let Some((media, _)) = operation["requestBody"]["content"].as_object().and_then(|all| all.iter().next())
            {
                found.push((method.name(), route, media.clone()));
            }
        }
    }
    found
}

#[tokio::test]
async fn every_body_of_the_wrong_type_is_refused_with_words() {
    let hub = TestHub::start().await;
    let bearer = hub.system("dms.national").bearer();
    let wrong: [&[u8]; 7] =
        [b"", b"{", b"[1,2]", b"null", b"\xff\xfe\x00", b"<x/>", b"{\"nothing\":{\"of\":\"this\"}}"];
    for (method, route, media) in with_bodies() {
        for body in wrong {
            let answer = call(&hub, method, &path_of(&hub, route, None), &bearer, body.to_vec()).await;

            let is_told = match media.as_str() {
                "application/json" => answer.status == 400 && answer.json["detail_vi"].is_string(),
                _ if route.path.ends_with(":check") => answer.json["would_be"] == "refused",
                _ => answer.status == 422 && answer.json["violations"][0]["cause"]["vi"].is_string(),
            };
            assert!(is_told, "{method} {} {body:?}: {}", route.path, answer.text());
        }
    }
}

#[tokio::test]
async fn every_body_that_is_too_large_is_refused_by_its_size() {
    let hub = TestHub::start_with(|config| {
        config.packets.bytes_max = 100_000;
        config.lists.reconciled_bytes_max = 100_000;
        config.data.inline_bytes_max = 1_000;
    });
    let hub = hub.await;
    let bearer = hub.system("dms.national").bearer();
    for (method, route, _) in with_bodies() {
        for bytes in [150_000, 2_000_000] {
            let answer = call(&hub, method, &path_of(&hub, route, None), &bearer, vec![b' '; bytes]).await;

            // A check that read the body through answers about it.
            let is_told = answer.status == 413 || answer.json["violations"][0]["code"] == "M.Packet.TooLarge";
            assert!(is_told, "{method} {} {bytes}: {}", route.path, answer.text());
        }
    }
    assert_eq!((hub.incoming_bytes(), hub.traces().await.envelopes), (0, 0));
}

#[tokio::test]
async fn every_body_that_is_cut_leaves_nothing_behind() {
    let hub = TestHub::start().await;
    let bearer = hub.system("dms.national").bearer();
    let packet = a_document("d1").attachment(vec![7; 300_000]).bytes();
    let before = hub.evidence().await;
    for (method, route, _) in with_bodies() {
        let path = path_of(&hub, route, None);
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {bearer}\r\nContent-Length: {}\r\n\r\n",
            packet.len()
        );
        let mut socket = Socket::open(hub.address).await;
        socket.send(head.as_bytes()).await.unwrap();
        socket.send(&packet[..packet.len() / 2]).await.unwrap();
        socket.end().await;
        let reply = socket.reply().await.unwrap();
        assert_eq!((reply.status, reply.json()["code"].clone()), (400, json!("body-cut")), "{path}");
    }

    hub.until("what was cut is gone", || hub.incoming_bytes() == 0).await;
    assert_eq!(hub.evidence().await, before);
    assert_eq!(hub.traces().await.envelopes, 0);
}

#[tokio::test]
async fn every_parameter_of_a_query_refuses_what_it_cannot_be_and_names_itself() {
    let hub = TestHub::start().await;
    let document = openapi::document();
    for route in ROUTES.iter().filter(is_native) {
        let operation = &document["paths"][route.path]["get"];
        let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
        for one in parameters.iter().filter(|one| one["in"] == "query") {
            let name = one["name"].as_str().unwrap();
            let is_free_text = one["schema"]["type"] == "string" && one["schema"]["pattern"] == Value::Null;
            if is_free_text {
                continue;
            }
            let answer = hub.get("dms.national", &format!("{}?{name}=%21", path_of(&hub, route, None))).await;

            assert_eq!((answer.status, &answer.json["code"]), (400, &json!("malformed")), "{} {name}", route.path);
            for language in ["detail", "detail_vi"] {
                assert!(answer.json[language].as_str().unwrap().contains(name), "{}", answer.text());
            }
        }
        if operation.is_object() {
            let answer = hub.get("dms.national", &format!("{}?nonsense=1", path_of(&hub, route, None))).await;
            let takes_a_query = parameters.iter().any(|one| one["in"] == "query");
            assert!(!takes_a_query || answer.status == 400, "{}: {}", route.path, answer.text());
        }
    }
}
