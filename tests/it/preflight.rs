//! A check says what posting would do, and does none of it. `fixtures` holds both against each other for every packet.

use crate::support::packets::{a_document, a_status};
use crate::support::{Answer, TestHub, fixture};
use serde_json::{Value, json};

/// Fails unless a check foretold what posting the same packet then did.
pub fn assert_same(told: &Answer, done: &Answer) {
    assert_eq!(told.status, 200, "{}", told.text());
    let (foretold, done_as) = (&told.json, &done.json);
    match done.status {
        201 => {
            assert_eq!(foretold["would_be"], "accepted", "{foretold} {done_as}");
            assert_eq!(lines(&foretold["deliveries"]), lines(&done_as["deliveries"]));
            assert_eq!(foretold["warnings"], done_as["warnings"]);
            assert_eq!((&foretold["sha256"], &foretold["bytes"]), (&done_as["sha256"], &done_as["bytes"]));
        }
        200 => {
            assert_eq!(foretold["would_be"], "repeat", "{foretold} {done_as}");
            assert_eq!(&foretold["receipt"], done_as);
        }
        _ => {
            assert_eq!(foretold["would_be"], "refused", "{foretold} {done_as}");
            assert_eq!(foretold["violations"], done_as["violations"]);
        }
    }
}

/// Who gets what, in the order of codes.
fn lines(deliveries: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |one: &Value| (text(&one["recipient"]), text(&one["outcome"]));
    let mut lines: Vec<_> = deliveries.as_array().unwrap().iter().map(line).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn a_check_of_a_recall_tells_what_becomes_of_each_delivery() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    let delivery = |number: usize| receipt["deliveries"][number]["delivery_id"].clone();
    hub.fetch("dms.province", delivery(0).as_str().unwrap()).await;
    let recall = a_document("r1").to(&["X99.B02", "X99.C03"]).recalling("d1").bytes();

    let told = hub.check("dms.national", recall.clone()).await;

    let of = |number: usize, member: &str| told.json["deliveries"][number][member].clone();
    assert_eq!(
        (of(0, "outcome"), of(0, "asks_back"), of(0, "withdraws")),
        (json!("consigned"), json!([delivery(0)]), json!([]))
    );
    assert_eq!(
        (of(1, "outcome"), of(1, "asks_back"), of(1, "withdraws")),
        (json!("withdrawn"), json!([]), json!([delivery(1)]))
    );
    assert_same(&told, &hub.post("dms.national", recall).await);
}

#[tokio::test]
async fn a_check_of_a_replacement_tells_what_is_withdrawn() {
    let hub = TestHub::start().await;
    let old = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let replacement = a_document("d2").replacing(&["d1"]).bytes();

    let told = hub.check("dms.national", replacement.clone()).await;

    assert_eq!(told.json["deliveries"][0]["withdraws"], json!([old["deliveries"][0]["delivery_id"]]));
    assert_same(&told, &hub.post("dms.national", replacement).await);
}

#[tokio::test]
async fn a_check_of_a_document_sent_to_some_before_names_their_deliveries() {
    let hub = TestHub::start().await;
    let before = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let more = a_document("d1").to(&["X99.B02", "X99.C03"]).bytes();

    let told = hub.check("dms.national", more.clone()).await;
    let done = hub.post("dms.national", more).await;

    if told.json["would_be"] == "accepted" {
        assert_eq!(told.json["deliveries"][0]["had_by"], before["deliveries"][0]["delivery_id"]);
        assert_eq!(told.json["deliveries"][1]["had_by"], Value::Null);
    }
    assert_same(&told, &done);
}

#[tokio::test]
async fn a_check_of_a_report_and_of_its_repeat_is_right() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    let report = a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00");

    for _ in 0..2 {
        let told = hub.check("dms.province", report.clone()).await;
        assert_same(&told, &hub.post("dms.province", report.clone()).await);
    }
}

#[tokio::test]
async fn a_check_of_a_large_packet_leaves_no_file_behind() {
    let hub = TestHub::start().await;
    let large = a_document("d1").attachment(vec![7; 300_000]).bytes();
    let before = hub.traces().await;

    let told = hub.check("dms.national", large.clone()).await;

    assert_eq!(hub.traces().await, before);
    assert_eq!(hub.incoming_bytes(), 0);
    assert_same(&told, &hub.post("dms.national", large).await);
}

#[tokio::test]
async fn a_check_of_a_packet_over_the_limit_is_refused_by_its_size_alone() {
    let hub = TestHub::start_with(|config| {
        config.packets.bytes_max = 100_000;
        config.data.inline_bytes_max = 65_536;
    });
    let hub = hub.await;
    let huge = a_document("d1").attachment(vec![7; 100_000]).bytes();

    let told = hub.check("dms.national", huge.clone()).await;

    assert_eq!((&told.json["would_be"], &told.json["bytes"]), (&json!("refused"), &Value::Null));
    assert_same(&told, &hub.post("dms.national", huge).await);
}

#[tokio::test]
async fn a_checked_state_secret_leaves_evidence_and_nothing_else() {
    let hub = TestHub::start().await;
    let before = hub.traces().await;

    let told = hub.check("dms.national", fixture("refused/M.StateSecret.edxml")).await;

    assert_eq!(told.json["would_be"], "refused");
    assert!(told.json["evidence_id"].is_string(), "{}", told.text());
    assert_eq!(hub.traces().await, before.and_rejected(1));
}
