//! A recipient reports a status.

use crate::support::packets::{a_document, a_status};
use crate::support::{Answer, TestHub};
use serde_json::Value;

/// A hub where X99.B02 has the document d1 of X99.A01; answers its envelope too.
async fn with_document() -> (TestHub, Value) {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    (hub, receipt["envelope_id"].clone())
}

/// X99.B02 reports a code about d1, as if so many minutes past nine.
async fn report(hub: &TestHub, code: &str, minute: u8) -> Answer {
    let at = format!("2026/11/21 09:{minute:02}:00");
    hub.post("dms.province", a_status("X99.B02", ("X99.A01", "d1"), code, &at)).await
}

async fn codes(hub: &TestHub, envelope: &Value) -> Vec<String> {
    let view = hub.view("dms.national", envelope).await;
    view["statuses"].as_array().unwrap().iter().map(|s| s["status_code"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn every_status_reaches_the_sender_in_an_envelope_of_its_own() {
    let (hub, _) = with_document().await;
    let all = ["01", "02", "03", "04", "05", "06"];
    for (minute, code) in (1..).zip(all) {
        assert_eq!(report(&hub, code, minute).await.status, 201, "{code}");
    }

    let waiting = hub.waiting("dms.national").await;

    let mut fetched = Vec::new();
    for delivery in &waiting {
        fetched.push(hub.fetch("dms.national", delivery).await.body);
    }
    let sent = (1..)
        .zip(all)
        .map(|(minute, code)| a_status("X99.B02", ("X99.A01", "d1"), code, &format!("2026/11/21 09:{minute:02}:00")));
    assert_eq!(fetched, sent.collect::<Vec<_>>());
}

#[tokio::test]
async fn every_status_is_listed_in_the_view_of_the_document() {
    let (hub, envelope) = with_document().await;
    let all = ["01", "02", "03", "04", "05", "06"];

    for (minute, code) in (1..).zip(all) {
        report(&hub, code, minute).await;
    }

    assert_eq!(codes(&hub, &envelope).await, all);
    let statuses = hub.view("dms.national", &envelope).await["statuses"].clone();
    assert_eq!(statuses[5]["claimed_at"], "2026-11-21T09:06:00.000000+07:00");
    assert_eq!(statuses[5]["description"], "lý do thử nghiệm");
}

#[tokio::test]
async fn a_report_like_the_latest_one_is_a_repeat_whatever_its_time() {
    let (hub, envelope) = with_document().await;
    let first = report(&hub, "03", 1).await;

    let again = report(&hub, "03", 2).await;

    assert_eq!((again.status, again.text()), (200, first.text()));
    assert_eq!(codes(&hub, &envelope).await, ["03"]);
}

#[tokio::test]
async fn a_report_with_another_description_is_new() {
    let (hub, envelope) = with_document().await;
    report(&hub, "05", 1).await;

    let packet = String::from_utf8(a_status("X99.B02", ("X99.A01", "d1"), "05", "2026/11/21 09:01:00")).unwrap();
    let other = hub.post("dms.province", packet.replace("lý do thử nghiệm", "đang trình")).await;

    assert_eq!(other.status, 201, "{}", other.text());
    assert_eq!(codes(&hub, &envelope).await, ["05", "05"]);
}

#[tokio::test]
async fn a_status_that_returns_is_a_report_of_its_own() {
    let (hub, envelope) = with_document().await;

    for (minute, code) in (1..).zip(["03", "05", "03"]) {
        assert_eq!(report(&hub, code, minute).await.status, 201);
    }

    assert_eq!(codes(&hub, &envelope).await, ["03", "05", "03"]);
}

#[tokio::test]
async fn a_document_that_was_never_exchanged_has_no_status() {
    let (hub, _) = with_document().await;

    let by_stranger = a_status("X99.C03", ("X99.A01", "d1"), "03", "2026/11/21 09:01:00");
    let answer = hub.post("dms.commune", by_stranger).await;

    let code = "M.MessageHeader.ResponseFor.Unknown".to_owned();
    assert_eq!((answer.status, answer.codes()), (422, vec![code]));
    assert_eq!(answer.json["violations"][0]["class"], 26);
}

#[tokio::test]
async fn a_status_finds_the_sender_by_an_old_code_too() {
    let (hub, envelope) = with_document().await;

    let packet = a_status("000.00.02.X99", ("000.00.01.X99", "d1"), "03", "2026/11/21 09:01:00");
    let receipt = hub.accepted("dms.province", packet).await;

    assert_eq!(
        (receipt["sender"].as_str(), receipt["deliveries"][0]["recipient"].as_str()),
        (Some("X99.B02"), Some("X99.A01"))
    );
    assert_eq!(codes(&hub, &envelope).await, ["03"]);
}

#[tokio::test]
async fn a_status_never_causes_a_status() {
    let (hub, _) = with_document().await;
    report(&hub, "03", 1).await;
    let waiting = hub.waiting("dms.national").await;

    hub.fetch("dms.national", &waiting[0]).await;
    hub.confirm("dms.national", &waiting[0], "done").await;

    assert_eq!(hub.count("SELECT count(*) FROM envelopes WHERE packet_kind LIKE 'status-%'").await, 1);
}

#[tokio::test]
async fn a_recipient_sees_its_own_statuses_only() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    report(&hub, "03", 1).await;

    let view = hub.view("dms.commune", &receipt["envelope_id"]).await;

    assert_eq!((view["statuses"].as_array().unwrap().len(), view["deliveries"].as_array().unwrap().len()), (0, 1));
}
