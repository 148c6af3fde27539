//! Long polls: a caller waits for its mailbox without costing a thread, is woken at once, and is never left waiting.

use crate::support::packets::a_document;
use crate::support::{Answer, TestHub};
use chrono::TimeDelta;
use docaxis::Running;
use docaxis::config::Config;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Long enough that a test which waits for its end is seen to hang.
const LONG: &str = "wait=60";

fn poll(hub: &TestHub, system: &str, query: &str, tag: Option<&str>) -> JoinHandle<Answer> {
    poll_at(hub, &hub.url(""), (system, query), tag)
}

fn poll_at(hub: &TestHub, base: &str, (system, query): (&str, &str), tag: Option<&str>) -> JoinHandle<Answer> {
    let request = hub.client.get(format!("{base}/api/v1/mailbox?{query}")).bearer_auth(hub.system(system).bearer());
    let request = match tag {
        Some(tag) => request.header("if-none-match", tag),
        None => request,
    };
    tokio::spawn(async move { Answer::of(request.send().await.unwrap()).await })
}

async fn waits(hub: &TestHub, callers: usize) {
    hub.until("the callers wait", || hub.hub.arrivals.count() == callers).await;
}

async fn hub_that_never_looks_again(change: impl FnOnce(&mut Config)) -> TestHub {
    TestHub::start_with(|config| {
        config.lists.wait_recheck_seconds = 3600;
        change(config);
    })
    .await
}

#[tokio::test]
async fn a_waiting_caller_is_woken_by_what_arrives_for_it() {
    let hub = hub_that_never_looks_again(|_| {}).await;
    let waiting = poll(&hub, "dms.province", LONG, None);
    waits(&hub, 1).await;

    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    let answer = waiting.await.unwrap();
    assert_eq!(answer.json["items"][0]["delivery_id"], receipt["deliveries"][0]["delivery_id"]);
    assert_eq!(hub.hub.arrivals.count(), 0);
}

#[tokio::test]
async fn what_arrives_for_others_or_is_of_another_kind_wakes_nobody() {
    let hub = hub_that_never_looks_again(|_| {}).await;
    let other = poll(&hub, "dms.commune", LONG, None);
    let statuses = poll(&hub, "dms.province", "kind=status&wait=60", None);
    waits(&hub, 2).await;

    hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.until("the requests in between are answered", || true).await;

    assert!(!other.is_finished() && !statuses.is_finished());
    assert_eq!(hub.hub.arrivals.count(), 2);
    other.abort();
    statuses.abort();
}

#[tokio::test]
async fn who_shows_a_tag_waits_for_a_change_of_the_list() {
    let hub = hub_that_never_looks_again(|_| {}).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    let seen = hub.get("dms.province", "/api/v1/mailbox").await;
    let waiting = poll(&hub, "dms.province", LONG, Some(seen.headers["etag"].to_str().unwrap()));
    waits(&hub, 1).await;

    hub.accepted("dms.national", a_document("d2").bytes()).await;

    let answer = waiting.await.unwrap();
    assert_eq!((answer.status, answer.json["items"].as_array().unwrap().len()), (200, 2));
}

#[tokio::test]
async fn who_waits_behind_a_cursor_gets_only_what_is_new() {
    let hub = hub_that_never_looks_again(|_| {}).await;
    let first = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let after = first["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned();
    let waiting = poll(&hub, "dms.province", &format!("after={after}&wait=60"), None);
    waits(&hub, 1).await;

    hub.accepted("dms.national", a_document("d2").bytes()).await;

    let answer = waiting.await.unwrap();
    assert_eq!(answer.json["items"].as_array().unwrap().len(), 1);
    assert_eq!(answer.json["items"][0]["document_id"], "d2");
}

#[tokio::test]
async fn a_wait_ends_by_itself_with_what_there_is() {
    let hub = hub_that_never_looks_again(|config| config.lists.wait_seconds_max = 1).await;

    let nothing = poll(&hub, "dms.province", LONG, None).await.unwrap();
    let unchanged = poll(&hub, "dms.province", LONG, Some(nothing.headers["etag"].to_str().unwrap())).await.unwrap();

    assert_eq!((nothing.status, nothing.json["items"].as_array().unwrap().len()), (200, 0));
    assert_eq!(unchanged.status, 304);
}

#[tokio::test]
async fn what_another_node_took_in_is_found_by_looking_again() {
    let hub = TestHub::start_with(|config| config.lists.wait_recheck_seconds = 1).await;
    let waiting = poll(&hub, "dms.province", LONG, None);
    waits(&hub, 1).await;

    // Another node shares the database, not the memory.
    let mut other = hub.hub.clone();
    other.arrivals = docaxis::arrivals::Arrivals::default();
    let running = Running::start(&other).await.unwrap();
    let url = format!("http://{}/api/v1/envelopes", running.address);
    let request = hub.client.post(url).bearer_auth(hub.system("dms.national").bearer());
    let sent = Answer::of(request.body(a_document("d1").bytes()).send().await.unwrap()).await;

    assert_eq!(sent.status, 201, "{}", sent.text());
    assert_eq!(waiting.await.unwrap().json["items"].as_array().unwrap().len(), 1);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_hub_that_stops_lets_nobody_wait() {
    let hub = hub_that_never_looks_again(|_| {}).await;
    let running = Running::start(&hub.hub).await.unwrap();
    let waiting = poll_at(&hub, &format!("http://{}", running.address), ("dms.province", LONG), None);
    waits(&hub, 1).await;

    running.stop().await.unwrap();

    let answer = tokio::time::timeout(Duration::from_secs(10), waiting).await.unwrap().unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn who_finds_no_place_to_wait_is_told_to_come_again() {
    let hub = hub_that_never_looks_again(|config| {
        config.lists.waiting_polls_max = 2;
        config.lists.waiting_polls_per_system_max = 1;
    })
    .await;
    let first = poll(&hub, "dms.province", LONG, None);
    waits(&hub, 1).await;

    let of_system = poll(&hub, "dms.province", LONG, None).await.unwrap();
    let second = poll(&hub, "dms.commune", LONG, None);
    waits(&hub, 2).await;
    let of_node = poll(&hub, "dms.national", LONG, None).await.unwrap();
    let without_waiting = poll(&hub, "dms.province", "limit=5", None).await.unwrap();

    assert_eq!((of_node.status, of_system.status, without_waiting.status), (503, 429, 200));
    assert!(of_node.headers.contains_key("retry-after") && of_system.headers.contains_key("retry-after"));
    first.abort();
    second.abort();
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused_in_both_languages() {
    let hub = TestHub::start().await;
    hub.after(TimeDelta::seconds(1));
    for nonsense in ["x", "0", "00000000000000000000000000000000", "01A1FFE2773D7220BCF03A6AE7742253"] {
        let answer = hub.get("dms.province", &format!("/api/v1/mailbox?after={nonsense}")).await;

        assert_eq!((answer.status, &answer.json["code"]), (400, &"malformed".into()), "{nonsense}");
        assert!(answer.json["detail_vi"].as_str().unwrap().contains("con trỏ"), "{}", answer.text());
        assert!(answer.json["detail"].as_str().unwrap().contains("`next` of a page before"), "{}", answer.text());
    }
}
