//! By when a document is to be received, and when that is overdue: what its sender sees of it.

use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use chrono::TimeDelta;
use serde_json::{Value, json};

/// By when, since when and whether overdue, as the list of what was sent and the view of the envelope tell it.
async fn standing(hub: &TestHub, receipt: &Value) -> [Value; 3] {
    let view = hub.view("dms.national", &receipt["envelope_id"]).await["deliveries"][0].clone();
    let list = hub.get("dms.national", &format!("/api/v1/sent?id={}", receipt["envelope_id"].as_str().unwrap())).await;
    assert_eq!(list.json["items"][0], view);
    ["receive_by", "received_at", "overdue"].map(|name| view[name].clone())
}

fn urgent(document_id: &str) -> Vec<u8> {
    let mut packet = a_document(document_id);
    packet.extra_header = "<OtherInfo><Priority>3</Priority></OtherInfo>".to_owned();
    packet.bytes()
}

#[tokio::test]
async fn a_document_of_a_saturday_is_overdue_when_monday_is_over_and_no_longer_when_it_is_received() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let by = json!("2026-11-23T17:00:00.000000+07:00");
    assert_eq!(standing(&hub, &receipt).await, [by.clone(), Value::Null, json!(false)]);

    // Monday at closing, and a second later.
    hub.after(TimeDelta::hours(56));
    assert_eq!(standing(&hub, &receipt).await, [by.clone(), Value::Null, json!(false)]);
    hub.after(TimeDelta::seconds(1));
    assert_eq!(standing(&hub, &receipt).await, [by.clone(), Value::Null, json!(true)]);

    let report = |code| a_status("X99.B02", ("X99.A01", "d1"), code, "2026/11/23 17:00:00");
    hub.accepted("dms.province", report("01")).await;
    assert_eq!(standing(&hub, &receipt).await[2], true, "that it came is not that it was received");
    hub.accepted("dms.province", report("03")).await;
    let at = json!("2026-11-23T17:00:01.000000+07:00");
    assert_eq!(standing(&hub, &receipt).await, [by, at, json!(false)]);
}

#[tokio::test]
async fn what_is_urgent_is_overdue_on_a_weekend_too() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", urgent("d1")).await;

    hub.after(TimeDelta::minutes(31));

    let by = json!("2026-11-21T09:30:00.000000+07:00");
    assert_eq!(standing(&hub, &receipt).await, [by, Value::Null, json!(true)]);
}

#[tokio::test]
async fn what_reaches_nobody_is_not_overdue() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;
    hub.after(TimeDelta::days(9));

    assert_eq!(standing(&hub, &receipt).await, [Value::Null, Value::Null, json!(false)]);
}

#[tokio::test]
async fn a_file_of_the_operator_changes_the_calendar() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("days.txt");
    std::fs::write(&file, "2026-11-21 work Làm bù / instead of Monday\n").unwrap();
    let hub = TestHub::start_with(|config| config.calendar.days_file = file).await;

    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    assert_eq!(standing(&hub, &receipt).await[0], "2026-11-21T17:00:00.000000+07:00");
}
