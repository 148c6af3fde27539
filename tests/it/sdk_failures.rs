//! Failures as the vendor's SDK needs them: every member on every path, and no body at all for a download.

use crate::support::packets::a_document;
use crate::support::sdk::{Sdk, hmac_hex, keeps_the_contract};
use crate::support::sdk_reading as reading;
use crate::support::socket::{Reply, Socket};
use crate::support::{System, TestHub};
use chrono::TimeDelta;
use docaxis::exchange::act::By;
use docaxis::exchange::keys;
use serde_json::{Value, json};

/// Every operation by POST, the member of its answer besides the common three, and a body it is called with.
const OPERATIONS: [(&str, &str, &str); 12] = [
    ("getReceivedEdocList", "data", ""),
    ("getSentEdocList", "data", ""),
    ("getAgenciesList", "data", ""),
    ("getAgenciesListQD20", "data", ""),
    ("getSynchronizeUnit", "data", ""),
    ("getEdoc", "data", "{}"),
    ("updateStatus", "status", "{}"),
    ("countReceiveEdoc", "count", "{}"),
    ("countReceiveStatus", "count", "{}"),
    ("registerAgency", "status", r#"{"code":"X99.N77","name":"Phòng"}"#),
    ("deleteAgency", "status", "{}"),
    ("sendEdoc", "DocId", "<x/>"),
];

/// Calls every operation; each answer must be a failure of that code with all of its members.
async fn all_fail(sdk: &mut Sdk, code: &str) {
    for (operation, member, body) in OPERATIONS {
        let parameters = json!({ "docId": "x", "docid": "x", "status": "done", "AgencyCode": "X99.A01" });
        let reply = sdk.call(operation, &parameters, body).await;

        fails_with(&reply, member, code);
    }
    assert_eq!(sdk.download("x").await, None);
}

fn fails_with(reply: &Reply, member: &str, code: &str) {
    let json = reply.json();
    assert_eq!((&json["status"], &json["ErrorCode"]), (&json!("FAIL"), &json!(code)), "{}", reply.text());
    assert!(!json[member].is_null(), "{member}: {}", reply.text());
}

/// Sends a request as it is and reads the answer.
async fn raw(hub: &TestHub, request: &[u8]) -> Reply {
    let mut socket = Socket::open(hub.address).await;
    socket.send(request).await.unwrap();
    socket.reply().await.expect("an answer")
}

/// A poll of the province with something replaced in its head.
async fn poll_with(hub: &TestHub, replaced: &[u8], by: &[u8]) -> Reply {
    let mut sdk = hub.sdk("dms.province");
    sdk.prepare(&json!({ "servicetype": "eDoc" }));
    let head = sdk.client_head("POST", "getReceivedEdocList", Some(""));
    let at = memchr::memmem::find(&head, replaced).unwrap();
    raw(hub, &[&head[..at], by, &head[at + replaced.len()..]].concat()).await
}

#[tokio::test]
async fn a_wrong_key_is_refused_by_every_operation() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    sdk.secret = "wrong".to_owned();

    all_fail(&mut sdk, "15").await;

    assert_eq!(hub.traces().await.rejections, 0, "strangers leave nothing");
}

#[tokio::test]
async fn an_unknown_system_is_refused_like_a_wrong_key() {
    let hub = TestHub::start().await;
    let secret = hub.system("dms.national").secret.clone();
    for id in ["nobody", "", "null", "dms.national ", "DMS.NATIONAL", "a\u{0}b", "đơn vị", "'; DROP TABLE systems; --"]
    {
        let system = System { id: id.to_owned(), key_id: String::new(), secret: secret.clone() };
        let mut sdk = Sdk::new(hub.address, &system);
        sdk.put("x", "y");
        let signed = format!(r#"{{"XroadVnpt-systemid":{}}}"#, json!(id));
        let signature = hmac_hex(&secret, signed.as_bytes());
        let request = format!(
            "POST /getAgenciesList HTTP/1.1\r\nXroadVnpt-sign-header: {signed}\r\nXroadVnpt-hash-header: {signature}\r\n\
             Content-Length: 0\r\nHost: x\r\n\r\n"
        );

        let reply = raw(&hub, request.as_bytes()).await;

        keeps_the_contract(&reply);
        match id {
            "dms.national " => assert_eq!(reply.status, 200, "white space around a value is nothing"),
            _ => fails_with(&reply, "data", "15"),
        }
    }
}

#[tokio::test]
async fn only_signed_values_count() {
    let hub = TestHub::start().await;
    let reply = poll_with(&hub, b"XroadVnpt-systemid: dms.province", b"XroadVnpt-systemid: dms.national").await;

    assert_eq!(reply.json()["status"], "OK", "the plain copies are not looked at");
}

#[tokio::test]
async fn a_changed_signed_text_is_refused() {
    let hub = TestHub::start().await;
    let changes: [(&str, &str); 5] = [
        (r#""XroadVnpt-systemid":"dms.province""#, r#""XroadVnpt-systemid":"dms.national""#),
        (r#""XroadVnpt-servicetype":"eDoc""#, r#""XroadVnpt-servicetype":"eDoC""#),
        (r#"sign-header: {"#, r#"sign-header: { "#),
        ("XroadVnpt-hash-header: ", "XroadVnpt-hash-header: 00"),
        ("XroadVnpt-sign-header: {", "XroadVnpt-sign-header: not json {"),
    ];
    for (from, to) in changes {
        let reply = poll_with(&hub, from.as_bytes(), to.as_bytes()).await;

        fails_with(&reply, "data", "15");
        keeps_the_contract(&reply);
    }
}

#[tokio::test]
async fn a_request_without_its_signature_is_refused() {
    let hub = TestHub::start().await;
    for name in ["XroadVnpt-sign-header:", "XroadVnpt-hash-header:"] {
        let reply = poll_with(&hub, name.as_bytes(), b"X-Other:").await;

        keeps_the_contract(&reply);
        fails_with(&reply, "data", "15");
    }
    let bare = raw(&hub, b"POST /sendEdoc HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n").await;
    keeps_the_contract(&bare);
    fails_with(&bare, "DocId", "15");
}

#[tokio::test]
async fn bytes_beyond_ascii_in_headers_are_a_refusal_with_a_body() {
    let hub = TestHub::start().await;
    let folder = "XroadVnpt-servicetype\":\"eDoc\"".as_bytes();
    for odd in [b"XroadVnpt-servicetype\":\"v\xE3n\"".as_slice(), "XroadVnpt-servicetype\":\"văn\"".as_bytes()] {
        let reply = poll_with(&hub, folder, odd).await;

        keeps_the_contract(&reply);
        fails_with(&reply, "data", "15");
    }
    let unsigned = poll_with(&hub, b"XroadVnpt-servicetype: eDoc", b"XroadVnpt-servicetype: v\xE3n \xFF").await;
    assert_eq!(unsigned.json()["status"], "OK", "the plain copies are not looked at");
}

#[tokio::test]
async fn a_header_signed_in_utf_8_holds() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.province");

    let rows = sdk.received(json!({ "filePath": "/tmp/văn bản đến" })).await;

    assert!(rows.is_empty());
}

#[tokio::test]
async fn a_control_character_in_a_header_stops_nobody_else() {
    let hub = TestHub::start().await;

    let reply = poll_with(&hub, b"XroadVnpt-servicetype: eDoc", b"XroadVnpt-servicetype: v\x03n").await;

    // The HTTP library refuses the head itself, before the hub can say anything.
    assert_eq!((reply.status, reply.body.len()), (400, 0));
    assert!(hub.sdk("dms.province").received(json!({})).await.is_empty());
}

#[tokio::test]
async fn a_revoked_key_dies_within_the_memory_of_keys() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    assert!(sdk.common("getReceivedEdocList", json!({}), "").await.is_ok());
    keys::revoke_key(&hub.hub, &By::Operator, &hub.system("dms.national").key_id).await.unwrap();

    hub.after(TimeDelta::seconds(3));

    all_fail(&mut sdk, "15").await;
}

#[tokio::test]
async fn an_expired_key_is_refused() {
    let hub = TestHub::start_with(|config| config.keys.life_days = 1).await;
    let mut sdk = hub.sdk("dms.national");
    assert!(sdk.common("getReceivedEdocList", json!({}), "").await.is_ok());

    hub.after(TimeDelta::days(1));

    all_fail(&mut sdk, "15").await;
}

#[tokio::test]
async fn an_old_timestamp_locks_nobody_out() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");

    hub.after(TimeDelta::days(200));

    assert!(sdk.common("getReceivedEdocList", json!({}), "").await.is_ok());
}

/// Method, path and body are not signed: TLS and idempotence carry that (docs/sdk.md).
#[tokio::test]
async fn a_header_replayed_against_another_operation_does_what_its_owner_may() {
    let hub = TestHub::start().await;
    hub.post("dms.national", a_document("d1").bytes()).await;
    let id = hub.waiting("dms.province").await[0].clone();
    let mut sdk = hub.sdk("dms.province");
    sdk.prepare(&json!({ "docId": id, "status": "done" }));
    let captured = String::from_utf8(sdk.client_head("POST", "getReceivedEdocList", Some(""))).unwrap();
    let replayed = captured.replace("/getReceivedEdocList", "/updateStatus");

    let both = [raw(&hub, replayed.as_bytes()).await, raw(&hub, replayed.as_bytes()).await];

    assert!(both.iter().all(|reply| reply.json()["status"] == "OK"), "{both:?}");
    assert_eq!(hub.count("SELECT count(*) FROM evidence WHERE event = 'ContentHandover'").await, 1);
}

#[tokio::test]
async fn a_send_header_with_another_body_is_refused() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    let mut request = sdk.send_request(&json!({}), &a_document("d1").subject("V/v một").bytes());
    let at = memchr::memmem::find(&request, "một".as_bytes()).unwrap();
    request[at] = b'n';
    let before = hub.traces().await;

    let reply = sdk.post(&request).await.unwrap();

    fails_with(&reply, "DocId", "10");
    assert_eq!(reply.json()["violations"][0]["code"], "M.Packet.Damaged");
    assert_eq!(hub.traces().await, before.and_rejected(1));
}

#[tokio::test]
async fn a_large_packet_damaged_on_its_way_leaves_no_file() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    let mut request = sdk.send_request(&json!({}), &a_document("d1").attachment(vec![0; 900_000]).bytes());
    let middle = request.len() / 2;
    request[middle] = b'B';
    let before = hub.traces().await;

    let reply = sdk.post(&request).await.unwrap();

    fails_with(&reply, "DocId", "10");
    assert_eq!(hub.traces().await, before.and_rejected(1));
}

#[tokio::test]
async fn a_refused_packet_tells_code_and_remedy() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");

    let told = sdk.send(json!({}), &a_document("d1").to(&["X99.Z99"]).bytes()).await;

    assert_eq!((told.status.as_deref(), told.code.as_deref()), (Some("FAIL"), Some("18")));
    assert_eq!(told.doc_id.as_deref(), Some(""));
    assert!(told.description.unwrap().contains("X99.Z99"));
}

#[tokio::test]
async fn a_refused_download_leaves_nothing_on_disk() {
    let hub = TestHub::start().await;
    hub.post("dms.national", a_document("d1").bytes()).await;
    let id = hub.waiting("dms.province").await[0].clone();
    let mut stranger = hub.sdk("dms.province");
    stranger.secret = "wrong".to_owned();

    let unsigned = raw(&hub, b"GET /downloadEdoc HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip,deflate\r\n\r\n").await;
    let posted = raw(&hub, b"POST /downloadEdoc HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}").await;
    let elsewhere = raw(&hub, b"GET /old/prefix/downloadEdoc HTTP/1.1\r\nHost: x\r\n\r\n").await;

    assert_eq!(hub.sdk("dms.commune").download(&id).await, None, "not its own");
    assert_eq!(hub.sdk("dms.province").download("unknown").await, None);
    assert_eq!(hub.sdk("dms.province").download("").await, None);
    assert_eq!(stranger.download(&id).await, None);
    for (reply, status) in [(unsigned, 401), (posted, 405), (elsewhere, 404)] {
        assert_eq!((reply.status, reply.body.as_slice()), (status, b"".as_slice()));
    }
}

#[tokio::test]
async fn a_withdrawn_packet_is_refused_in_the_words_of_each_call() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    let id = sdk.send(json!({}), &a_document("d1").bytes()).await.id().to_owned();
    let recall = a_document("d1").business("<BussinessDocType>1</BussinessDocType>").bytes();
    sdk.send(json!({}), &recall).await.id();
    let mut receiver = hub.sdk("dms.province");

    let got = receiver.get(&id).await;

    assert_eq!((got.status.as_deref(), got.code.as_deref()), (Some("FAIL"), Some("26")));
    assert_eq!(receiver.download(&id).await, None);
    assert!(!receiver.update(("docid", &id), "done").await.is_ok());
}

#[tokio::test]
async fn parameters_that_cannot_be_are_told() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.province");
    let cases: [(&str, Value, &str, &str); 8] = [
        ("updateStatus", json!({ "docid": "x", "status": "finished" }), "{}", "10"),
        ("updateStatus", json!({ "docid": "x", "status": "initial" }), "{}", "10"),
        ("updateStatus", json!({ "docid": "x", "status": "done" }), "{}", "26"),
        ("deleteAgency", json!({ "AgencyCode": "X99.Q00" }), "{}", "26"),
        ("registerAgency", json!({}), r#"{"id":"","code":"X99.N77","name":"a","mail":cc""}"#, "10"),
        ("registerAgency", json!({}), r#"{"id":"","code":"X99 N77","name":"a"}"#, "10"),
        ("registerAgency", json!({}), r#"["X99.N77"]"#, "10"),
        ("registerAgency", json!({}), "{}", "10"),
    ];
    for (operation, parameters, body, code) in cases {
        let told = sdk.common(operation, parameters.clone(), body).await;

        assert_eq!((told.status.as_deref(), told.code.as_deref()), (Some("FAIL"), Some(code)), "{operation} {body}");
    }
    assert!(!hub.sdk("dms.province").common("getEdoc", json!({}), "{}").await.is_ok());
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there_are_told_in_json() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.province");
    let request = |line: &str| format!("{line} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{{}}").into_bytes();

    for (line, status, member) in [
        ("POST /nothing", 404, "DocId"),
        ("POST /old/prefix/sendEdoc", 404, "DocId"),
        ("POST /sendEdoc/", 404, "DocId"),
        ("POST /SENDEDOC", 404, "DocId"),
        ("POST /", 404, "data"),
        ("PUT /sendEdoc", 405, "DocId"),
        ("GET /getEdoc", 405, "data"),
        ("DELETE //getReceivedEdocList", 405, "data"),
        ("BREW /updateStatus", 405, "status"),
    ] {
        let reply = raw(&hub, &request(line)).await;

        keeps_the_contract(&reply);
        assert_eq!(reply.status, status, "{line}");
        fails_with(&reply, member, "20");
        assert_eq!(reply.header("allow").is_some(), status == 405);
    }
    assert!(sdk.received(json!({})).await.is_empty());
}

#[tokio::test]
async fn a_head_beyond_the_configured_size_is_told_in_json() {
    let hub = TestHub::start_with(|config| config.server.head_bytes_max = 8_192).await;
    let mut sdk = hub.sdk("dms.national");
    let to: Vec<String> = (0..500).map(|n| format!("X99.{n}")).collect();

    let request = sdk.send_request(&json!({ "to": to }), &a_document("d1").bytes());
    let reply = sdk.post(&request).await.unwrap();

    assert_eq!(reply.status, 431);
    fails_with(&reply, "DocId", "20");
}

#[tokio::test]
async fn a_registration_beyond_64_kib_is_told_in_json() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    let body = json!({ "code": "X99.N77", "name": "a", "note": "x".repeat(70_000) }).to_string();

    let reply = sdk.call("registerAgency", &json!({}), &body).await;

    assert_eq!(reply.status, 413);
    fails_with(&reply, "status", "10");
}

#[tokio::test]
async fn a_hub_that_is_full_asks_to_come_again() {
    let hub = TestHub::start_with(|config| config.server.packets_in_flight_max = 0).await;
    let mut sdk = hub.sdk("dms.national");
    let packet = a_document("d1").attachment(vec![1; 2_000_000]).bytes();

    let request = sdk.send_request(&json!({}), &packet);
    let reply = sdk.post(&request).await.unwrap();

    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("5")));
    fails_with(&reply, "DocId", "20");
    assert_eq!(reading::sent(reply.status, &reply.body).unwrap().doc_id.as_deref(), Some(""));
    assert!(sdk.received(json!({})).await.is_empty(), "other calls go on");
}

#[tokio::test]
async fn a_database_that_cannot_answer_is_told_in_json_and_comes_back() {
    let hub = TestHub::start_with(|config| config.keys.memory_seconds = 0).await;
    let mut sdk = hub.sdk("dms.national");
    assert!(sdk.received(json!({})).await.is_empty());

    hub.sql("ALTER TABLE system_keys RENAME TO hidden").await;
    all_fail(&mut sdk, "20").await;
    hub.sql("ALTER TABLE hidden RENAME TO system_keys").await;

    assert!(sdk.received(json!({})).await.is_empty());
}

#[tokio::test]
async fn a_database_that_broke_its_connections_is_connected_to_again() {
    let hub = TestHub::start().await;
    if !hub.is_postgres() {
        println!("NOT TESTED: SQLite has no connections to break");
        return;
    }
    let mut sdk = hub.sdk("dms.national");
    let connections = hub.hub.config.database.connections + hub.hub.config.database.writers;
    hub.sql(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;

    let mut failures = 0;
    for number in 0..=connections {
        let packet = a_document(&format!("d{number}")).bytes();
        let request = sdk.send_request(&json!({}), &packet);
        let reply = sdk.post(&request).await.unwrap();
        failures += usize::from(reply.status == 503);
        assert!(reply.status == 503 || reply.json()["status"] == "OK", "{}", reply.text());
    }

    assert!(failures <= connections, "{failures}");
    assert!(hub.count("SELECT count(*) FROM envelopes").await > 0);
}
