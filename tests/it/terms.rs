//! What nobody fetched in time: when it is given up, what its sender sees, and how it is sent once more.

use crate::administration::office_of;
use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use chrono::TimeDelta;
use docaxis::exchange::terms;
use serde_json::json;

async fn given_up(hub: &TestHub) -> usize {
    terms::give_up_unfetched(&hub.hub).await.unwrap()
}

fn delivery_of(receipt: &serde_json::Value) -> String {
    receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned()
}

fn urgent(document_id: &str) -> Vec<u8> {
    let mut packet = a_document(document_id);
    packet.extra_header = "<OtherInfo><Priority>3</Priority></OtherInfo>".to_owned();
    packet.bytes()
}

#[tokio::test]
async fn what_nobody_fetched_within_the_term_of_its_lane_has_failed_and_leaves_the_mailbox() {
    let hub = TestHub::start_with(|config| config.pickup.terms_days = "1, 9, 9, 3, 2".to_owned()).await;
    let normal = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let express = hub.accepted("dms.national", urgent("d2")).await;
    hub.accepted("dms.province", a_document("d3").from("X99.B02").to(&["X99.A01"]).bytes()).await;
    hub.accepted("dms.national", a_status("X99.A01", ("X99.B02", "d3"), "03", "2026/11/21 09:30:00")).await;

    hub.after(TimeDelta::days(1));
    assert_eq!(given_up(&hub).await, 0, "a term ends when it is over");
    hub.after(TimeDelta::seconds(1));
    assert_eq!(given_up(&hub).await, 1);
    assert_eq!(hub.waiting("dms.province").await.len(), 2);
    hub.after(TimeDelta::days(1));
    // The other document, and the one to the ministry; the status packet waits a day longer.
    assert_eq!((given_up(&hub).await, given_up(&hub).await), (2, 0));
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
    hub.after(TimeDelta::days(1));
    assert_eq!(given_up(&hub).await, 1);

    for receipt in [&normal, &express] {
        let view = hub.view("dms.national", &receipt["envelope_id"]).await;
        assert_eq!(view["deliveries"][0]["state"], "failed");
        assert_eq!(hub.events(&delivery_of(receipt)).await, ["ContentConsignment", "ContentConsignmentFailure"]);
    }
    let piece = hub.evidence().await.into_iter().find(|piece| piece.event == "ContentConsignmentFailure").unwrap();
    let facts: serde_json::Value = serde_json::from_str(&piece.facts).unwrap();
    assert_eq!(facts, json!({ "channel": "pickup", "why": "expired" }));
}

#[tokio::test]
async fn what_was_fetched_is_not_given_up_though_nobody_confirmed_it() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery = delivery_of(&receipt);
    hub.fetch("dms.province", &delivery).await;
    hub.after(TimeDelta::days(300));

    assert_eq!(given_up(&hub).await, 0);
    assert_eq!(hub.confirm("dms.province", &delivery, "done").await.status, 200);
}

#[tokio::test]
async fn what_was_given_up_can_be_started_anew_and_fetched() {
    let office = office_of(TestHub::start().await).await;
    let hub = &office.hub;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery = delivery_of(&receipt);
    hub.after(TimeDelta::days(91));
    assert_eq!(given_up(hub).await, 1);
    assert_eq!(hub.fetch("dms.province", &delivery).await.status, 409);

    let started = office.done("POST", "/agencies/X99.B02/failed/start", json!({})).await;
    let anew = hub.waiting("dms.province").await;

    assert_eq!((started["items"].as_array().unwrap().len(), anew.len()), (1, 1));
    assert_ne!(anew[0], delivery);
    assert_eq!(hub.fetch("dms.province", &anew[0]).await.status, 200);
    assert_eq!(given_up(hub).await, 0);
}
