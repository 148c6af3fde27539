//! Recipients fetch and confirm at the same moment: what waits for the writer is read and written together, and each is
//! answered as if it had come alone.

use crate::store_contract::{execute, with_one_writer};
use crate::support::packets::a_document;
use crate::support::{Answer, TestHub};
use futures_util::future::{join, join_all};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

/// Sends a document to X99.B02; answers the delivery.
async fn sent(hub: &TestHub, name: &str) -> String {
    let receipt = hub.accepted("dms.national", a_document(name).bytes()).await;
    receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned()
}

fn in_line(hub: &TestHub) -> usize {
    let text = hub.hub.metrics.exposition().unwrap();
    let line = text.lines().find(|line| line.starts_with("docaxis_store_queue_depth{queue=\"write\"}"));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

/// A system fetches a delivery, or confirms it.
async fn taken(hub: &TestHub, (system, delivery, step): (&str, &str, &str)) -> Answer {
    match step {
        "fetch" => hub.fetch(system, delivery).await,
        status => hub.confirm(system, delivery, status).await,
    }
}

/// Runs a write of which no use case would think, and such steps, all of which wait in this order
/// while the only connection that writes is busy.
async fn at_once(hub: &TestHub, first: String, steps: &[(&str, &str, &str)]) -> Vec<Answer> {
    let (release, until) = channel::<()>();
    let (until, begun) = (Mutex::new(until), Arc::new(AtomicBool::new(false)));
    let began = Arc::clone(&begun);
    let busy = hub.hub.store.write(move |_| {
        began.store(true, Ordering::SeqCst);
        // The other end is dropped: that releases.
        let _ = until.lock().unwrap().recv();
        Ok(())
    });
    let waiting = async {
        hub.until("the connection is busy", || begun.load(Ordering::SeqCst)).await;
        let written = hub.hub.store.write(move |tx| execute(tx, &first));
        let confirmed = join_all(steps.iter().map(|step| taken(hub, *step)));
        let released = async {
            hub.until("all wait", || in_line(hub) > steps.len()).await;
            drop(release);
        };
        join(written, join(confirmed, released)).await
    };
    let (busy, (written, (answers, ()))) = join(busy, waiting).await;
    busy.unwrap();
    written.unwrap();
    answers
}

/// What each was answered, and in which word.
fn told(answers: &[Answer]) -> Vec<(u16, &str)> {
    fn word(answer: &Answer) -> &str {
        let word = answer.json.get("state").or(answer.json.get("code"));
        word.and_then(serde_json::Value::as_str).unwrap_or_default()
    }
    answers.iter().map(|answer| (answer.status, word(answer))).collect()
}

#[tokio::test]
async fn confirmations_that_come_together_are_taken_each_once() {
    let hub = with_one_writer().await;
    let (one, two) = (sent(&hub, "d1").await, sent(&hub, "d2").await);
    let steps = [
        ("dms.province", one.as_str(), "done"),
        ("dms.province", one.as_str(), "done"),
        ("dms.province", two.as_str(), "fail"),
        ("dms.commune", two.as_str(), "done"),
        ("dms.province", "01JUNKNOWN", "done"),
    ];

    let answers = at_once(&hub, "UPDATE systems SET name = name".to_owned(), &steps).await;

    let expected =
        [(200, "handed_over"), (200, "handed_over"), (200, "consigned"), (404, "not-found"), (404, "not-found")];
    assert_eq!(told(&answers), expected);
    assert_eq!(hub.events(&one).await, ["ContentConsignment", "ContentHandover"]);
    assert_eq!(hub.events(&two).await, ["ContentConsignment", "ContentHandoverFailure"]);
    assert_eq!(hub.waiting("dms.province").await, [two]);
}

#[tokio::test]
async fn whoever_confirms_what_another_write_took_back_just_before_is_refused() {
    let hub = with_one_writer().await;
    let (one, two) = (sent(&hub, "d1").await, sent(&hub, "d2").await);
    let taken_back = format!("UPDATE deliveries SET state = 'withdrawn' WHERE delivery_id = '{one}'");
    let steps = [("dms.province", one.as_str(), "done"), ("dms.province", two.as_str(), "done")];

    let answers = at_once(&hub, taken_back, &steps).await;

    assert_eq!(told(&answers), [(410, "withdrawn"), (200, "handed_over")]);
    assert_eq!(hub.events(&one).await, ["ContentConsignment"]);
    assert_eq!(hub.events(&two).await, ["ContentConsignment", "ContentHandover"]);
}

#[tokio::test]
async fn two_systems_that_speak_for_one_agency_confirm_a_delivery_once() {
    let hub = with_one_writer().await;
    hub.run("INSERT INTO system_agencies (system_id, agency_code) VALUES ('dms.commune', 'X99.B02')").await;
    let one = sent(&hub, "d1").await;
    let steps = [("dms.province", one.as_str(), "done"), ("dms.commune", one.as_str(), "done")];

    let answers = at_once(&hub, "UPDATE systems SET name = name".to_owned(), &steps).await;

    assert_eq!(told(&answers), [(200, "handed_over"), (200, "handed_over")]);
    assert_eq!(hub.events(&one).await, ["ContentConsignment", "ContentHandover"]);
}

#[tokio::test]
async fn whoever_fetches_what_was_given_back_just_before_is_refused() {
    let hub = with_one_writer().await;
    let one = sent(&hub, "d1").await;
    let given_back = format!("UPDATE deliveries SET recall = 'agreed' WHERE delivery_id = '{one}'");

    let answers = at_once(&hub, given_back, &[("dms.province", one.as_str(), "fetch")]).await;

    assert_eq!(told(&answers), [(410, "withdrawn")]);
    assert_eq!(hub.events(&one).await, ["ContentConsignment"]);
}

#[tokio::test]
async fn a_request_to_give_back_that_comes_just_before_a_confirmation_stands() {
    let hub = with_one_writer().await;
    let one = sent(&hub, "d1").await;
    let asked_back = format!("UPDATE deliveries SET recall = 'requested' WHERE delivery_id = '{one}'");

    let answers = at_once(&hub, asked_back, &[("dms.province", one.as_str(), "processing")]).await;

    assert_eq!(told(&answers), [(200, "consigned")]);
    let recall = format!("SELECT count(*) FROM deliveries WHERE delivery_id = '{one}' AND recall = 'requested'");
    assert_eq!(hub.count(&recall).await, 1);
}
