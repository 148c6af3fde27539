//! One document's timeline and lineage: complete, in order, page by page, and to each party what is its own.

use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use docaxis::domain::evidence::EvidenceEvent;
use serde_json::Value;
use std::collections::BTreeSet;

/// A document to two agencies: fetched, failed, done, reported and asked back at one; withdrawn at the other.
async fn lively(hub: &TestHub) -> Value {
    let receipt = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    let first = receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned();
    assert_eq!(hub.fetch("dms.province", &first).await.status, 200);
    assert_eq!(hub.confirm("dms.province", &first, "fail").await.status, 200);
    assert_eq!(hub.confirm("dms.province", &first, "done").await.status, 200);
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00")).await;
    hub.accepted("dms.national", a_document("r1").to(&["X99.B02", "X99.C03"]).recalling("d1").bytes()).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "16", "2026/11/21 09:40:00")).await;
    receipt
}

async fn items(hub: &TestHub, system: &str, path: &str) -> Vec<Value> {
    let answer = hub.get(system, path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json["items"].as_array().unwrap().clone()
}

/// Every row of a list, asked for in pages of that many.
async fn in_pages(hub: &TestHub, system: &str, path: &str, limit: usize) -> Vec<Value> {
    let (mut rows, mut after) = (Vec::new(), String::new());
    loop {
        let answer = hub.get(system, &format!("{path}?limit={limit}&after={after}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        rows.extend(answer.json["items"].as_array().unwrap().clone());
        match answer.json["next"].as_str() {
            Some(next) => after = next.to_owned(),
            None => return rows,
        }
    }
}

fn path(receipt: &Value, what: &str) -> String {
    format!("/api/v1/envelopes/{}/{what}", receipt["envelope_id"].as_str().unwrap())
}

fn events(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_sender_sees_all_that_happened_in_order_and_in_words() {
    let hub = TestHub::start().await;
    let receipt = lively(&hub).await;

    let seen = items(&hub, "dms.national", &path(&receipt, "timeline")).await;

    let expected = [
        "SubmissionAcceptance",
        "ContentConsignment",
        "ContentConsignment",
        "docaxis:ContentFetched",
        "ContentHandoverFailure",
        "ContentHandover",
        "docaxis:StatusReported",
        "docaxis:RecallRequested",
        "docaxis:DeliveryWithdrawn",
        "docaxis:StatusReported",
        "docaxis:StatusReported",
        "docaxis:RecallAnswered",
    ];
    assert_eq!(events(&seen), expected);
    let of = |number: usize, member: &str| seen[number][member].as_str().map(str::to_owned);
    assert_eq!(
        (of(5, "state"), of(8, "state"), of(3, "state")),
        (Some("handed_over".into()), Some("withdrawn".into()), None)
    );
    assert_eq!((of(6, "status_code"), of(6, "description")), (Some("03".into()), Some("lý do thử nghiệm".into())));
    assert_eq!(seen[6]["words"]["vi"], "Trạng thái 03 được báo: Đã tiếp nhận");
    assert_eq!(seen[3]["words"]["en"], "The software of X99.B02 fetched the packet");
    let ids: Vec<&str> = seen.iter().map(|item| item["evidence_id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn the_timeline_holds_every_piece_of_evidence_about_the_document() {
    let hub = TestHub::start().await;
    let receipt = lively(&hub).await;
    let deliveries: Vec<&Value> = receipt["deliveries"].as_array().unwrap().iter().map(|d| &d["delivery_id"]).collect();
    let is_about = |envelope: &Option<String>, delivery: &Option<String>| match delivery {
        Some(delivery) => deliveries.iter().any(|id| *id == delivery.as_str()),
        None => envelope.as_deref() == receipt["envelope_id"].as_str(),
    };

    let kept = hub.evidence().await.into_iter().filter(|row| is_about(&row.envelope_id, &row.delivery_id));
    let kept: BTreeSet<String> = kept.map(|row| row.evidence_id).collect();
    let seen = in_pages(&hub, "dms.national", &path(&receipt, "timeline"), 5).await;

    assert_eq!(seen.iter().map(|item| item["evidence_id"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>(), kept);
    assert_eq!(seen.len(), kept.len(), "a page repeats what stood on another");
}

#[tokio::test]
async fn a_recipient_sees_its_own_part_and_a_stranger_nothing() {
    let hub = TestHub::start().await;
    let receipt = lively(&hub).await;

    let seen = items(&hub, "dms.commune", &path(&receipt, "timeline")).await;
    let by_delivery = receipt["deliveries"][1]["delivery_id"].as_str().unwrap();
    let again = items(&hub, "dms.commune", &format!("/api/v1/envelopes/{by_delivery}/timeline")).await;
    let elsewhere = hub.accepted("dms.national", a_document("d9").bytes()).await;

    let own = ["SubmissionAcceptance", "ContentConsignment", "docaxis:DeliveryWithdrawn", "docaxis:StatusReported"];
    assert_eq!(events(&seen), own);
    assert_eq!(seen, again);
    for what in ["timeline", "lineage"] {
        assert_eq!(hub.get("dms.commune", &path(&elsewhere, what)).await.status, 404);
        assert_eq!(
            hub.get("dms.commune", &format!("/api/v1/envelopes/{}/{what}", hub.hub.ids.next())).await.status,
            404
        );
    }
}

#[tokio::test]
async fn the_lineage_tells_both_sides_page_by_page() {
    let hub = TestHub::start().await;
    let old = hub.accepted("dms.national", a_document("d0").bytes()).await;
    let middle = hub.accepted("dms.national", a_document("d1").replacing(&["d0"]).bytes()).await;
    for number in 0..5 {
        let answer = a_document(&format!("a{number}")).from("X99.B02").to(&["X99.A01"]).answering("X99.A01", "d1");
        hub.accepted("dms.province", answer.bytes()).await;
    }

    let seen = in_pages(&hub, "dms.national", &path(&middle, "lineage"), 2).await;
    let of_old = items(&hub, "dms.national", &path(&old, "lineage")).await;

    let row = |item: &Value| {
        let text = |member: &str| item[member].as_str().unwrap().to_owned();
        (text("direction"), text("relation"), text("document_id"))
    };
    let mut expected = vec![("acts_on".to_owned(), "replaces".to_owned(), "d0".to_owned())];
    expected.extend((0..5).map(|number| ("acted_on_by".to_owned(), "answers".to_owned(), format!("a{number}"))));
    assert_eq!(seen.iter().map(row).collect::<Vec<_>>(), expected);
    assert_eq!(of_old.iter().map(row).collect::<Vec<_>>(), [("acted_on_by".into(), "replaces".into(), "d1".into())]);
}

#[test]
fn every_event_has_words_that_are_its_own() {
    assert_eq!(
        EvidenceEvent::ALL.iter().filter_map(|event| EvidenceEvent::of_name(event.name())).count(),
        EvidenceEvent::ALL.len()
    );
}
