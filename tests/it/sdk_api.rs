//! Agencies' unmodified SDK works by changing its URL: the whole exchange as it speaks it.

use crate::support::packets::{a_document, a_status};
use crate::support::probe::run_alone;
use crate::support::sdk::{Sdk, hmac_hex, keeps_the_contract};
use crate::support::sdk_reading as reading;
use crate::support::socket::Socket;
use crate::support::{TestHub, add_system, fixture};
use chrono::TimeDelta;
use docaxis::domain::agency::AgencyState;
use docaxis::domain::system::Role;
use docaxis::exchange::directory;
use docaxis::store::systems;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;

/// What a client says when it sends a document of the central office.
fn document() -> Value {
    json!({ "from": "X99.A01", "servicetype": "eDoc", "messagetype": "edoc" })
}

/// What a client says when it sends a status packet.
fn status(from: &str) -> Value {
    json!({ "from": from, "servicetype": "eDoc", "messagetype": "status" })
}

/// What a client says when it asks for documents.
fn documents() -> Value {
    json!({ "servicetype": "eDoc", "messagetype": "edoc" })
}

fn ids(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["docId"].as_str().unwrap()).collect()
}

/// Sends a document of that id to X99.B02; gives its id as the receiver sees it.
async fn delivered(hub: &TestHub, sender: &mut Sdk, document_id: &str) -> (Vec<u8>, String) {
    let packet = a_document(document_id).bytes();
    sender.send(document(), &packet).await.id();
    (packet, hub.waiting("dms.province").await.pop().unwrap())
}

#[tokio::test]
async fn a_document_is_sent_listed_fetched_and_confirmed() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let packet = fixture("accepted/bom.edxml");

    let sent = sender.send(document(), &packet).await;
    let waiting = receiver.received(documents()).await;
    let id = waiting[0]["docId"].as_str().unwrap();
    let got = receiver.get(id).await;
    let downloaded = receiver.download(id).await;
    let done = receiver.update(("docid", id), "done").await;

    assert_eq!(waiting.len(), 1);
    let row = &waiting[0];
    let parties = (&row["from"], &row["to"], &row["status"], &row["messageType"]);
    assert_eq!(parties, (&json!("X99.A01"), &json!("X99.B02"), &json!("initial"), &json!("edoc")));
    assert_eq!((got.packet.unwrap(), downloaded.unwrap()), (packet.clone(), packet));
    assert!(done.is_ok());
    assert!(receiver.received(documents()).await.is_empty());
    let outcome = sender.sent_list(json!({ "docId": sent.id() })).await;
    assert_eq!((outcome.len(), &outcome[0]["receiveStatus"]), (1, &json!("done")));
    assert_eq!((&outcome[0]["senderDocId"], &outcome[0]["receiverDocId"]), (&json!(sent.id()), &json!(id)));
}

#[tokio::test]
async fn a_packet_stays_listed_while_it_is_processed_or_failed() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let (_, id) = delivered(&hub, &mut sender, "d1").await;
    receiver.get(&id).await;

    for word in ["processing", "fail", "fail", "processing"] {
        assert!(receiver.update(("docid", &id), word).await.is_ok());

        let waiting = receiver.received(documents()).await;
        assert_eq!((waiting.len(), &waiting[0]["status"]), (1, &json!(word)));
        let sent = sender.sent_list(json!({})).await;
        assert_eq!((&sent[0]["sendStatus"], &sent[0]["receiveStatus"]), (&json!("done"), &json!(word)));
    }
}

#[tokio::test]
async fn confirming_done_twice_is_ok_twice() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let (_, id) = delivered(&hub, &mut sender, "d1").await;
    receiver.get(&id).await;

    let both = [receiver.update(("docid", &id), "done").await, receiver.update(("docid", &id), "done").await];

    assert!(both.iter().all(reading::Told::is_ok), "{both:?}");
}

#[tokio::test]
async fn a_status_packet_comes_back_to_the_sender() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    delivered(&hub, &mut sender, "d1").await;
    let packet = a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00");

    receiver.send(status("X99.B02"), &packet).await.id();

    let waiting = sender.received(json!({ "messagetype": "status" })).await;
    assert_eq!((waiting.len(), &waiting[0]["messageType"]), (1, &json!("status")));
    let id = waiting[0]["docId"].as_str().unwrap();
    assert_eq!(sender.get(id).await.packet.unwrap(), packet);
    assert!(sender.update(("docid", id), "done").await.is_ok());
    assert!(sender.received(json!({ "messagetype": "status" })).await.is_empty());
}

#[tokio::test]
async fn a_stale_status_header_hides_nothing() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let (_, first) = delivered(&hub, &mut sender, "d1").await;
    let (_, second) = delivered(&hub, &mut sender, "d2").await;
    receiver.get(&first).await;
    receiver.update(("docid", &first), "done").await;

    let waiting = receiver.received(documents()).await;

    assert!(receiver.sign_header().contains(r#""XroadVnpt-status":"done""#));
    assert_eq!(ids(&waiting), [second]);
}

#[tokio::test]
async fn each_call_takes_its_own_spelling_of_the_id() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let (_, first) = delivered(&hub, &mut sender, "d1").await;
    let (packet, second) = delivered(&hub, &mut sender, "d2").await;
    receiver.get(&first).await;
    receiver.update(("docid", &first), "done").await;

    let got = receiver.get(&second).await;
    let downloaded = receiver.download(&second).await;
    receiver.get(&first).await;
    let updated = receiver.update(("docid", &second), "processing").await;

    assert_eq!((got.packet.unwrap(), downloaded.unwrap()), (packet.clone(), packet));
    assert!(updated.is_ok());
    assert_eq!(receiver.received(documents()).await[0]["status"], "processing");
}

#[tokio::test]
async fn a_client_that_knows_only_one_spelling_is_understood() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let (packet, id) = delivered(&hub, &mut sender, "d1").await;

    let got = receiver.call("getEdoc", &json!({ "docid": id }), "{}").await;
    let mut other = hub.sdk("dms.province");
    let done = other.update(("docId", &id), "done").await;

    assert_eq!(reading::got(200, &got.body).unwrap().packet.unwrap(), packet);
    assert!(done.is_ok());
}

#[tokio::test]
async fn a_stale_to_never_redirects_a_document() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    let mut parameters = document();
    parameters["to"] = json!(["X99.C03"]);
    sender.send(parameters, &a_document("d1").to(&["X99.C03"]).bytes()).await.id();

    sender.send(document(), &a_document("d2").to(&["X99.B02"]).bytes()).await.id();

    assert!(sender.sign_header().contains("X99.C03"));
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
    assert_eq!(hub.waiting("dms.commune").await.len(), 1);
}

#[tokio::test]
async fn a_status_that_names_its_own_sender_goes_where_the_header_says() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    let mut receivers = [hub.sdk("dms.province"), hub.sdk("dms.commune")];
    let id = sender.send(document(), &a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await.id().to_owned();
    for receiver in &mut receivers {
        receiver.get(&id).await;
    }
    let ask_back = a_status("X99.A01", ("X99.A01", "d1"), "13", "2026/11/21 09:30:00");
    let mut parameters = status("X99.A01");
    parameters["to"] = json!(["X99.C03"]);

    sender.send(parameters, &ask_back).await.id();

    let [province, commune] = &mut receivers;
    assert!(province.received(json!({ "messagetype": "status" })).await.is_empty());
    assert_eq!(commune.received(json!({ "messagetype": "status" })).await.len(), 1);
}

#[tokio::test]
async fn a_stale_id_does_not_empty_the_sent_list() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    delivered(&hub, &mut sender, "d1").await;
    delivered(&hub, &mut sender, "d2").await;
    let report = a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00");
    receiver.send(status("X99.B02"), &report).await.id();
    let waiting = sender.received(json!({ "messagetype": "status" })).await;
    sender.get(ids(&waiting)[0]).await;

    let sent = sender.sent_list(documents()).await;

    assert_eq!(sent.len(), 2);
}

#[tokio::test]
async fn a_packet_is_fetched_by_the_id_of_either_side() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let packet = a_document("d1").to(&["X99.C03", "X99.B02"]).bytes();
    let of_sender = sender.send(document(), &packet).await.id().to_owned();
    let of_receiver = hub.waiting("dms.province").await[0].clone();

    let got = [receiver.get(&of_sender).await.packet, receiver.get(&of_receiver).await.packet];

    assert_ne!(of_sender, of_receiver);
    assert_eq!(got, [Some(packet.clone()), Some(packet)]);
    assert!(hub.sdk("dms.national").get(&of_sender).await.packet.is_none(), "its sender has no delivery of it");
}

#[tokio::test]
async fn an_id_can_stand_unquoted_in_json_and_be_a_file_name() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");

    let id = sender.send(document(), &a_document("d1").bytes()).await.id().to_owned();

    assert!(id != "null" && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)), "{id}");
}

#[tokio::test]
async fn a_thousand_receivers_in_the_header_are_taken() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    let mut parameters = document();
    parameters["to"] = (0..1000).map(|n| format!("000.{n:04}.G15.T02")).collect();

    let sent = sender.send(parameters, &a_document("d1").bytes()).await;

    assert!(sent.is_ok() && sender.sign_header().len() > 20_000, "{sent:?}");
}

#[tokio::test]
async fn a_second_send_of_the_same_bytes_is_answered_the_same() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    let packet = a_document("d1").bytes();
    let request = sender.send_request(&document(), &packet);

    let (first, second) = (sender.post(&request).await.unwrap(), sender.post(&request).await.unwrap());

    assert_eq!(sender.send_request(&document(), &packet), request);
    assert_eq!((first.status, &first.body), (second.status, &second.body));
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
}

#[tokio::test]
async fn a_reply_lost_on_the_way_costs_no_second_delivery() {
    let hub = TestHub::start().await;
    let between = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut sender = hub.sdk("dms.national");
    let request = sender.send_request(&document(), &a_document("d1").bytes());
    let hub_address = std::mem::replace(&mut sender.address, between.local_addr().unwrap());
    let losing = tokio::spawn(async move {
        let (mut client, _) = between.accept().await.unwrap();
        let mut request = vec![0; 100_000];
        let mut inner = Socket::open(hub_address).await;
        while !request.ends_with(b"</edXML>\n\r\n") {
            request.clear();
            request.resize(100_000, 0);
            let read = client.read(&mut request).await.unwrap();
            request.truncate(read);
            inner.send(&request).await.unwrap();
        }
        let lost = inner.reply().await.unwrap();
        drop(client);
        let (mut client, _) = between.accept().await.unwrap();
        let mut inner = tokio::net::TcpStream::connect(hub_address).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut inner).await;
        lost
    });

    let reply = sender.post(&request).await.unwrap();

    drop(sender);
    assert_eq!(reply.body, losing.await.unwrap().body);
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
}

#[tokio::test]
async fn an_endpoint_with_a_trailing_slash_works() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    sender.endpoint = "/".to_owned();
    receiver.endpoint = "/".to_owned();

    let request = sender.send_request(&document(), &a_document("d1").bytes());
    let sent = sender.post(&request).await.unwrap();

    assert!(request.starts_with(b"POST //sendEdoc HTTP/1.1\r\n"));
    assert_eq!(sent.status, 200, "{}", sent.text());
    assert_eq!(receiver.received(json!({})).await.len(), 1);
}

#[tokio::test]
async fn counts_come_by_post_and_by_get() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    delivered(&hub, &mut sender, "d1").await;
    delivered(&hub, &mut sender, "d2").await;

    let posted = receiver.common("countReceiveEdoc", json!({ "servicetype": "eDoc" }), "{}").await;
    let statuses = receiver.common("countReceiveStatus", json!({}), "{}").await;
    let head = receiver.client_head("GET", "countReceiveEdoc", None);
    let got = receiver.exchange(&head, b"").await;

    assert_eq!((posted.count, statuses.count), (Some(2), Some(0)));
    assert!(posted.is_ok());
    keeps_the_contract(&got);
    assert_eq!(reading::common(&got.body).unwrap().count, Some(2));
}

#[tokio::test]
async fn the_kind_of_service_is_taken_in_any_case_or_left_out() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    sender.send(json!({}), &a_document("d1").bytes()).await.id();

    for parameters in [
        json!({}),
        json!({ "servicetype": "edoc" }),
        json!({ "servicetype": "EDOC", "messagetype": "Edoc" }),
        json!({ "servicetype": "eDoc", "messagetype": "edoc", "nobody": "knows this", "to": "X99.C03" }),
    ] {
        assert_eq!(hub.sdk("dms.province").received(parameters.clone()).await.len(), 1, "{parameters}");
    }
}

#[tokio::test]
async fn a_list_is_narrowed_by_dates_in_every_form() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    delivered(&hub, &mut sender, "d1").await;
    hub.after(TimeDelta::days(2));
    let (_, later) = delivered(&hub, &mut sender, "d2").await;

    for (from, to) in [
        ("22/11/2026 00:00:00", "23/11/2026"),
        ("2026/11/22", "2026/11/23 23:59:59"),
        ("2026-11-22", "2026-11-24"),
        ("2026-11-22T00:00:00+07:00", "2026-11-23T17:00:00Z"),
    ] {
        let period = json!({ "fromDate": from, "toDate": to });
        assert_eq!(ids(&hub.sdk("dms.province").received(period.clone()).await), [&later], "{from}");
        assert_eq!(hub.sdk("dms.national").sent_list(period).await.len(), 1, "{from}");
    }
    let said = hub.sdk("dms.province").common("getReceivedEdocList", json!({ "fromDate": "hôm qua" }), "").await;
    assert!(!said.is_ok());
}

#[tokio::test]
async fn a_gateway_asks_for_pages() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    for id in ["d1", "d2", "d3"] {
        delivered(&hub, &mut sender, id).await;
    }
    let all = hub.waiting("dms.province").await;

    let mut receiver = hub.sdk("dms.province");
    let pages = [
        receiver.received(json!({ "pageSize": 2, "pageIndex": 1 })).await,
        receiver.received(json!({ "pageSize": "2", "pageIndex": "2" })).await,
    ];

    assert_eq!(ids(&pages.concat()), all);
}

#[tokio::test]
async fn agencies_are_listed_with_every_member_of_each_form() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");

    for (operation, members, number) in [
        ("getAgenciesList", "code id mail name oldCode pid", 4),
        ("getAgenciesListQD20", "code code102 id mail name", 4),
        ("getSynchronizeUnit", "centerCode code deleted id isAgency mail modifyDate name pid version", 5),
    ] {
        let rows = sdk.agencies(operation).await;

        assert_eq!(rows.len(), number, "{operation}");
        for row in rows {
            let mut names: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names.join(" "), members);
            assert!(row.as_object().unwrap().values().all(|value| !value.is_null()), "{row}");
        }
    }
}

#[tokio::test]
async fn the_lists_of_agencies_say_what_their_readers_need() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");

    let by_level = sdk.call("getAgenciesListQD20", &json!({ "level": "1" }), "").await.json();
    let listed = sdk.agencies("getAgenciesList").await;
    let units = sdk.agencies("getSynchronizeUnit").await;

    assert_eq!(by_level["data"][1]["code102"], "000.00.02.X99");
    assert_eq!((&listed[1]["code"], &listed[1]["oldCode"]), (&json!("X99.B02"), &json!("000.00.02.X99")));
    let deleted: Vec<bool> = units.iter().map(|unit| unit["deleted"].as_bool().unwrap()).collect();
    assert_eq!(deleted, [false, false, false, true, false]);
    assert!(
        units.iter().all(|unit| unit["version"].is_i64() && unit["isAgency"] == true && unit["centerCode"] == "X99")
    );
}

#[tokio::test]
async fn an_agency_is_registered_changed_and_closed() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.national");
    let body = |id: &str, name: &str| {
        let entry = json!({ "id": id, "pcode": "X99.A01", "code": "X99.N77", "name": name, "mail": "a@example.vn",
            "mobile": "0900000000", "fax": "" });
        entry.to_string()
    };
    let named = |rows: &[Value]| {
        let row = rows.iter().find(|row| row["code"] == "X99.N77").cloned();
        row.map(|row| row["name"].as_str().unwrap().to_owned())
    };

    assert!(sdk.common("registerAgency", json!({}), &body("", "Phòng Một")).await.is_ok());
    assert_eq!(named(&sdk.agencies("getAgenciesList").await).as_deref(), Some("Phòng Một"));
    assert!(sdk.common("registerAgency", json!({}), &body("X99.N77", "Phòng Hai")).await.is_ok());
    assert_eq!(named(&sdk.agencies("getAgenciesList").await).as_deref(), Some("Phòng Hai"));
    assert!(sdk.common("deleteAgency", json!({ "AgencyCode": "X99.N77" }), "{}").await.is_ok());
    assert_eq!(named(&sdk.agencies("getAgenciesList").await), None);
    let units = sdk.agencies("getSynchronizeUnit").await;
    assert_eq!(units.iter().find(|unit| unit["code"] == "X99.N77").unwrap()["deleted"], true);
}

#[tokio::test]
async fn an_agency_of_another_system_is_neither_changed_nor_closed() {
    let hub = TestHub::start().await;
    let mut sdk = hub.sdk("dms.commune");
    let entry = json!({ "id": "", "code": "X99.A01", "name": "Chiếm" }).to_string();

    let changed = sdk.common("registerAgency", json!({}), &entry).await;
    let closed = sdk.common("deleteAgency", json!({ "AgencyCode": "X99.A01" }), "{}").await;

    assert!(!changed.is_ok() && !closed.is_ok());
    assert_eq!(sdk.agencies("getAgenciesList").await[0]["name"], "Văn phòng Thử nghiệm Trung ương");
}

#[tokio::test]
async fn an_agency_that_two_systems_hold_is_only_given_up_by_one() {
    let hub = TestHub::start().await;
    add_system(&hub.hub, "dms.second", None, vec!["X99.A01".to_owned()]).await;
    let mut first = hub.sdk("dms.national");

    let given_up = first.common("deleteAgency", json!({ "AgencyCode": "X99.A01" }), "{}").await;

    assert!(given_up.is_ok());
    assert_eq!(directory::agency(&hub.hub, "X99.A01").await.unwrap().agency.state, AgencyState::Open);
    assert!(!first.send(json!({}), &a_document("d1").bytes()).await.is_ok());
}

#[tokio::test]
async fn a_packet_that_ends_in_a_line_end_keeps_its_own() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    for (number, end) in ["", "\r\n", "\r\n\r\n", "\n  "].into_iter().enumerate() {
        let mut packet = a_document(&format!("d{number}")).bytes();
        packet.extend_from_slice(end.as_bytes());

        let id = sender.send(document(), &packet).await.id().to_owned();

        assert_eq!(receiver.get(&id).await.packet.unwrap(), packet, "{end:?}");
    }
}

#[tokio::test]
async fn a_large_packet_comes_back_as_it_was() {
    let hub = TestHub::start().await;
    let (mut sender, mut receiver) = (hub.sdk("dms.national"), hub.sdk("dms.province"));
    let packet = a_document("d1").attachment(vec![7; 1_000_000]).bytes();

    let id = sender.send(document(), &packet).await.id().to_owned();

    assert_eq!(hub.payload_files().len(), 1);
    assert_eq!(receiver.get(&id).await.packet.unwrap(), packet);
    assert_eq!(receiver.download(&id).await.unwrap(), packet);
}

#[tokio::test]
async fn a_digest_is_taken_in_plain_hexadecimal_too() {
    let hub = TestHub::start().await;
    let mut sender = hub.sdk("dms.national");
    for (number, upper) in [(1, false), (2, true)] {
        let packet = a_document(&format!("d{number}")).bytes();
        let hash = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &packet).as_ref());
        sender.put("hash-file", if upper { hash.to_uppercase() } else { hash }.as_str());

        let request = sender.send_request_as_is(&packet);
        let reply = sender.post(&request).await.unwrap();

        assert!(reading::sent(reply.status, &reply.body).unwrap().is_ok(), "{}", reply.text());
    }
}

/// The request of docs/sdk.md from the system of its test vectors, byte for byte.
#[tokio::test]
async fn the_captured_poll_of_the_specification_is_answered() {
    let hub = TestHub::start().await;
    let secret = SecretString::from("made-up-secret-A1");
    let sealed = hub.hub.keyring.seal(&secret, "k1").unwrap();
    let now = hub.now();
    let insert = hub.hub.store.write(move |tx| {
        systems::insert(tx, ("hub.test.01", ""), Role::Exchange, now)?;
        systems::insert_key(tx, ("k1", "hub.test.01"), &sealed, now, None)
    });
    insert.await.unwrap();
    let signed = r#"{"XroadVnpt-systemid":"hub.test.01","XroadVnpt-servicetype":"eDoc","XroadVnpt-messagetype":"edoc","XroadVnpt-timestamp":"21112026T164223+0043","XroadVnpt-Content-Type":"application/json"}"#;
    let signature = "cf43333d7303ff74413774bc00df0f911439388b05d89266b002c105448eab9f";
    let request = format!(
        "POST /getReceivedEdocList HTTP/1.1\r\nXroadVnpt-sign-header: {signed}\r\nXroadVnpt-hash-header: {signature}\r\n\
         Content-Length: 0\r\nHost: 127.0.0.1:18081\r\n\r\n"
    );

    let mut socket = Socket::open(hub.address).await;
    socket.send(request.as_bytes()).await.unwrap();

    assert_eq!(hmac_hex("made-up-secret-A1", signed.as_bytes()), signature);
    assert_eq!(reading::listed(200, &socket.reply().await.unwrap().body).unwrap().rows, Some(Vec::new()));
}

#[test]
fn a_hundred_thousand_agencies_come_in_one_answer() {
    run_alone("sdk_api::a_hundred_thousand_agencies_in_one_answer_alone");
}

#[tokio::test]
#[ignore = "measures the memory of its process; the test above runs it alone"]
async fn a_hundred_thousand_agencies_in_one_answer_alone() {
    use crate::support::probe::Growth;
    const AGENCIES: usize = 111_000;
    let hub = TestHub::start().await;
    hub.sql(&format!(
        "INSERT INTO agencies (agency_code, name, parent_code, mail, mobile, fax, state, successor_code, version, created_at, \
         changed_at) SELECT 'Y' || n, 'Ủy ban nhân dân xã số ' || n, 'X99.A01', '', '', '', 'open', NULL, 1, \
         created_at, changed_at FROM agencies, (WITH RECURSIVE counted(n) AS (SELECT 1000000 UNION ALL SELECT n + 1 \
         FROM counted WHERE n < {}) SELECT n FROM counted) AS numbers WHERE agency_code = 'X99.A01'",
        1_000_000 + AGENCIES - 1
    ))
    .await;
    let mut sdk = hub.sdk("dms.national");
    sdk.prepare(&json!({}));
    let head = sdk.client_head("POST", "getSynchronizeUnit", Some(""));
    let mut socket = Socket::open(hub.address).await;
    let growth = Growth::begin();
    let started = std::time::Instant::now();

    socket.send(&head).await.unwrap();
    let reply = socket.reply().await.unwrap();

    let (grown, size) = (growth.bytes(), u64::try_from(reply.body.len()).unwrap());
    println!("{AGENCIES} agencies: {size} bytes in {:?}, {grown} bytes of memory", started.elapsed());
    keeps_the_contract(&reply);
    let rows = reply.json()["data"].as_array().unwrap().clone();
    assert_eq!(rows.len(), AGENCIES + 5);
    assert_eq!(rows.last().unwrap()["name"], format!("Ủy ban nhân dân xã số {}", 1_000_000 + AGENCIES - 1));
    // The client's own copy of the answer is not the hub's.
    assert!(grown < size + (64 << 20), "{grown}");
}
