//! What those see who watch over a hub: `/readyz` and `/metrics`.

use crate::support::packets::{a_document, a_status};
use crate::support::{Answer, TestHub};
use docaxis::metrics::METRICS;
use std::collections::BTreeSet;

async fn read(hub: &TestHub, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = hub.client.get(hub.url(path));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

async fn exposition(hub: &TestHub) -> String {
    let answer = read(hub, "/metrics", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text()
}

/// The value of the line that begins so.
fn value(text: &str, begin: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(begin));
    let line = line.unwrap_or_else(|| panic!("{begin} is not in:\n{text}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// Sends, has refused, fetches and reports: something for every counter of documents.
async fn some_traffic(hub: &TestHub) {
    let packet = a_document("d1").bytes();
    hub.accepted("dms.national", packet.clone()).await;
    assert_eq!(hub.post("dms.national", packet).await.status, 200);
    assert_eq!(hub.post("dms.national", a_document("d1").attachment(vec![1, 2]).bytes()).await.status, 409);
    assert_eq!(hub.post("dms.national", &b"<x/>"[..]).await.status, 422);
    let waiting = hub.waiting("dms.province").await;
    hub.fetch("dms.province", &waiting[0]).await;
    assert_eq!(hub.confirm("dms.province", &waiting[0], "done").await.status, 200);
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "01", "2026/11/21 09:00:00")).await;
}

#[tokio::test]
async fn what_passes_is_counted_by_door_kind_and_outcome() {
    let hub = TestHub::start().await;

    some_traffic(&hub).await;

    let text = exposition(&hub).await;
    for (line, expected) in [
        (r#"docaxis_packets_total{door="native",kind="document",outcome="accepted"}"#, 1.0),
        (r#"docaxis_packets_total{door="native",kind="document",outcome="repeated"}"#, 1.0),
        (r#"docaxis_packets_total{door="native",kind="document",outcome="conflict"}"#, 1.0),
        (r#"docaxis_packets_total{door="native",kind="unknown",outcome="refused"}"#, 1.0),
        (r#"docaxis_packets_total{door="native",kind="status",outcome="accepted"}"#, 1.0),
        (r#"docaxis_statuses_total{code="01"}"#, 1.0),
        (r#"docaxis_confirmations_total{mark="done"}"#, 1.0),
        ("docaxis_fetches_total", 1.0),
        ("docaxis_deliveries_waiting", 1.0),
        (r#"docaxis_http_requests_total{method="POST",route="/api/v1/envelopes",status="409"}"#, 1.0),
        ("docaxis_http_requests_in_flight", 1.0),
        ("docaxis_ready", 1.0),
    ] {
        assert!((value(&text, line) - expected).abs() < f64::EPSILON, "{line}:\n{text}");
    }
    assert!(value(&text, r#"docaxis_http_request_seconds_count{route="/api/v1/envelopes"}"#) >= 5.0);
    assert!(value(&text, "docaxis_connections") >= 1.0 && value(&text, "process_open_fds") > 1.0);
    let works: f64 =
        text.lines().filter(|line| line.starts_with("docaxis_store_works_total")).map(|l| value(l, "")).sum();
    assert!(works >= 8.0, "{text}");
    assert!(text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn what_is_exposed_is_what_the_table_says() {
    let hub = TestHub::start().await;
    some_traffic(&hub).await;
    let text = exposition(&hub).await;
    let described: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# HELP ")?.split(' ').next()).collect();

    let listed: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name.trim_end_matches("_total")).collect();

    assert_eq!(described.difference(&listed).collect::<Vec<_>>(), Vec::<&&str>::new());
    let never = [
        "docaxis_job_runs",
        "docaxis_job_last_end_timestamp_seconds",
        "docaxis_job_last_seconds",
        "docaxis_config_reloads",
        "docaxis_mails",
        "docaxis_pushes",
        "docaxis_witness_turns",
        "docaxis_timestamp_turns",
    ];
    let unseen: Vec<&&str> = listed.difference(&described).filter(|name| !never.contains(name)).collect();
    assert_eq!(unseen, Vec::<&&str>::new());
    assert!(METRICS.iter().all(|metric| metric.about.ends_with('.') && metric.advice.ends_with(['.', '`'])));
}

#[tokio::test]
async fn what_strangers_write_makes_no_label() {
    let hub = TestHub::start().await;
    for number in 0..50 {
        read(&hub, &format!("/unknown/{number}"), &[]).await;
        let method = reqwest::Method::from_bytes(format!("M{number}").as_bytes()).unwrap();
        hub.client.request(method, hub.url("/healthz")).send().await.unwrap();
    }

    let text = exposition(&hub).await;

    assert!(!text.contains("/unknown/1") && !text.contains("M49"), "{text}");
    assert!(text.lines().filter(|line| line.starts_with("docaxis_http_requests_total")).count() <= 4, "{text}");
}

#[tokio::test]
async fn only_those_who_are_allowed_read_the_metrics() {
    let hub = TestHub::start_with(|config| {
        config.metrics.allow = "192.0.2.0/24".to_owned();
        config.metrics.token = "vé-đọc".to_owned().into();
    })
    .await;
    let near = TestHub::start().await;

    for (hub, headers, expected) in [
        (&hub, vec![], 401),
        (&hub, vec![("authorization", "Bearer sai")], 401),
        (&hub, vec![("authorization", "Bearer ")], 401),
        (&near, vec![], 200),
        (&near, vec![("x-forwarded-for", "192.0.2.7")], 401),
        (&near, vec![("authorization", "Bearer ")], 200),
        (&near, vec![("via", "1.1 proxy"), ("authorization", "Bearer ")], 401),
    ] {
        assert_eq!(read(hub, "/metrics", &headers).await.status, expected, "{headers:?}");
    }
    let token = hub.client.get(hub.url("/metrics")).header("authorization", "Bearer vé-đọc".as_bytes());
    assert_eq!(token.send().await.unwrap().status().as_u16(), 401, "a header is ASCII");
}

#[tokio::test]
async fn the_token_opens_the_metrics_through_a_proxy_too() {
    let hub = TestHub::start_with(|config| config.metrics.token = "ve-doc".to_owned().into()).await;

    let headers = [("via", "1.1 proxy"), ("authorization", "bearer ve-doc")];

    assert_eq!(read(&hub, "/metrics", &headers).await.status, 200);
}

/// Names of the checks that failed, of a hub that says it is not ready.
async fn unready(hub: &TestHub) -> Vec<String> {
    let answer = read(hub, "/readyz", &[]).await;
    assert_eq!((answer.status, answer.json["status"].as_str()), (503, Some("not_ready")), "{}", answer.text());
    let checks = answer.json["checks"].as_array().unwrap();
    let wrong = checks.iter().filter(|check| check["ok"] == false);
    wrong
        .inspect(|check| assert!(check["vi"] != "" && check["en"] != "", "{check}"))
        .map(|check| check["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_hub_that_can_work_says_so() {
    let hub = TestHub::start().await;
    let answer = read(&hub, "/readyz", &[]).await;
    assert_eq!((answer.status, answer.json["status"].as_str()), (200, Some("ready")));
    assert_eq!(answer.json["checks"].as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn a_full_disk_a_lost_key_file_and_a_stop_are_named() {
    let hub = TestHub::start_with(|config| config.data.free_bytes_min = u64::MAX).await;
    assert_eq!(unready(&hub).await, ["disk"]);

    std::fs::remove_file(hub.directory.join("hub.key")).unwrap();
    hub.hub.begin_to_stop();

    assert_eq!(unready(&hub).await, ["stopping", "disk", "key_file"]);
}

#[tokio::test]
async fn a_database_that_is_gone_is_named() {
    let hub = TestHub::start().await;
    hub.hub.store.close();
    assert_eq!(unready(&hub).await, ["database"]);
}

#[tokio::test]
async fn migrations_of_another_version_are_named() {
    let hub = TestHub::start().await;
    hub.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('99999999999999')").await;
    assert_eq!(unready(&hub).await, ["migrations"]);
}
