//! Systems are told by webhook what happens to their documents: which events, to whom, how often, in which order, and what
//! a webhook can do to the hub, which is nothing.

use crate::administration::office_of;
use crate::push::{bring, pushing_hub, signed_with, state};
use crate::support::packets::{a_document, a_status};
use crate::support::robot::{Manner, Pushed, Robot};
use crate::support::{Answer, TestHub, described};
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::channel::signature::Scheme;
use docaxis::exchange::act::By;
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::endpoints::{self, EndpointEntry};
use docaxis::exchange::systems;
use docaxis::jobs::{self, JOBS};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Asks the native API about the caller's own webhook.
async fn ask(hub: &TestHub, system: &str, (method, path): (&str, &str), body: Value) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = hub.client.request(method, hub.url(&format!("/api/v1/webhook{path}")));
    let request = if body.is_null() { request } else { request.json(&body) };
    Answer::of(request.bearer_auth(hub.system(system).bearer()).send().await.unwrap()).await
}

async fn done(hub: &TestHub, system: &str, what: (&str, &str), body: Value) -> Value {
    let answer = ask(hub, system, what, body).await;
    assert_eq!(answer.status, 200, "{what:?}: {}", answer.text());
    answer.json
}

/// Sets the webhook of a system to a robot; answers the secret.
async fn listen(hub: &TestHub, system: &str, robot: &Robot, events: &[&str]) -> String {
    let set = done(hub, system, ("PUT", ""), json!({ "url": robot.url(), "events": events })).await;
    set["secret"].as_str().unwrap().to_owned()
}

/// An event that came, its signature and its form looked at.
fn heard(pushed: &Pushed, secret: &str) -> Value {
    let signatures = &pushed.headers["webhook-signature"];
    assert!(signatures.split(' ').any(|one| one == signed_with(pushed, secret)), "a wrong signature");
    assert_eq!(pushed.headers["content-type"], "application/json");
    let event: Value = serde_json::from_slice(&pushed.body).unwrap();
    described::check_event(&event);
    event
}

fn kind(event: &Value) -> &str {
    event["type"].as_str().unwrap()
}

/// Kinds of everything that came and was not told before, in order.
fn kinds(robot: &mut Robot, secret: &str) -> Vec<String> {
    robot.taken().iter().map(|pushed| kind(&heard(pushed, secret)).to_owned()).collect()
}

/// Rounds and pauses until nothing waits for a webhook.
async fn drained(hub: &TestHub, dispatcher: &Arc<Dispatcher>) {
    for _ in 0..50 {
        dispatcher.drain().await.unwrap();
        if hub.count("SELECT count(*) FROM announcements WHERE state = 'waiting'").await == 0 {
            return;
        }
        hub.after(TimeDelta::minutes(10));
    }
    panic!("something waits for ever");
}

/// A document that is fetched, given up, stored, answered, asked back and given back; and one withdrawn at once.
async fn lives(hub: &TestHub) {
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery = hub.waiting("dms.province").await.remove(0);
    hub.fetch("dms.province", &delivery).await;
    for said in ["fail", "done"] {
        assert_eq!(hub.confirm("dms.province", &delivery, said).await.status, 200);
    }
    let report =
        |code: &str, minute: &str| a_status("X99.B02", ("X99.A01", "d1"), code, &format!("2026/11/21 09:{minute}:00"));
    hub.accepted("dms.province", report("03", "30")).await;
    hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;
    hub.accepted("dms.province", report("15", "40")).await;
    hub.accepted("dms.national", a_document("d2").bytes()).await;
    hub.accepted("dms.national", a_document("r2").recalling("d2").bytes()).await;
}

async fn endpoint(hub: &TestHub, agency: &str, robot: &Robot) {
    let entry = EndpointEntry {
        agency: agency.to_owned(),
        url: robot.url(),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Hmac,
    };
    endpoints::set(&hub.hub, &By::Operator, entry).await.unwrap();
}

#[tokio::test]
async fn each_event_arrives_once_though_the_first_answers_are_503() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![Manner::status(503); 4]);
    let secret = listen(&hub, "dms.national", &robot, &[]).await;
    let recipient = Robot::start(vec![Manner::status(422)]);
    endpoint(&hub, "X99.C03", &recipient).await;
    lives(&hub).await;
    hub.accepted("dms.national", a_document("d3").to(&["X99.C03"]).bytes()).await;
    dispatcher.drain().await.unwrap();
    recipient.behave(vec![Manner::status(503); 100]);
    hub.accepted("dms.national", a_document("d4").to(&["X99.C03"]).bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::hours(3));

    drained(&hub, &dispatcher).await;

    let mut register: BTreeMap<String, Value> = BTreeMap::new();
    for pushed in robot.taken() {
        let (id, event) = (pushed.headers["webhook-id"].clone(), heard(&pushed, &secret));
        let before = register.insert(id, event.clone());
        assert!(before.is_none_or(|before| before == event), "the same id is the same event");
    }
    let mut told: Vec<&str> = register.values().map(|event| event["data"]["evidence_id"].as_str().unwrap()).collect();
    told.sort_unstable();
    let evidence = hub.evidence().await;
    let happened: Vec<&str> =
        evidence.iter().filter(|row| row.delivery_id.is_some()).map(|row| row.evidence_id.as_str()).collect();
    let of_statuses = hub
        .count(
            "SELECT count(*) FROM deliveries d JOIN evidence e ON e.delivery_id = d.delivery_id \
        WHERE d.packet_kind LIKE 'status-%'",
        )
        .await;
    assert_eq!(told.len(), happened.len() - usize::try_from(of_statuses).unwrap(), "each once");
    assert!(told.iter().all(|id| happened.contains(id)));
    let seen: std::collections::BTreeSet<&str> = register.values().map(kind).collect();
    assert_eq!(seen.len(), 10, "every kind: {seen:?}");
    assert_eq!(hub.count("SELECT count(*) FROM pushes WHERE endpoint_id LIKE 'events:%'").await, 0);
}

#[tokio::test]
async fn an_event_says_what_happened_to_which_document_and_why() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    let secret = listen(&hub, "dms.national", &robot, &["status.reported", "delivery.refused"]).await;
    let refusing = Robot::start(vec![Manner::Answer(422, Vec::new(), "sai so".to_owned())]);
    endpoint(&hub, "X99.C03", &refusing).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "02", "2026/11/21 09:30:00")).await;
    hub.accepted("dms.national", a_document("d2").to(&["X99.C03"]).bytes()).await;
    dispatcher.drain().await.unwrap();

    let events: Vec<Value> = robot.taken().iter().map(|pushed| heard(pushed, &secret)).collect();

    let data = &events[0]["data"];
    for (member, value) in [
        ("envelope_id", &receipt["envelope_id"]),
        ("delivery_id", &receipt["deliveries"][0]["delivery_id"]),
        ("document_id", &json!("d1")),
        ("recipient", &json!("X99.B02")),
        ("state", &json!("consigned")),
        ("status_code", &json!("02")),
        ("note", &json!("lý do thử nghiệm")),
    ] {
        assert_eq!(data[member], *value, "{member}");
    }
    assert!(data["reason"]["vi"].as_str().unwrap().starts_with("Trạng thái 02"), "{data}");
    assert!(data["caused_by"].is_string(), "{data}");
    let timeline = hub.get("dms.national", data["timeline"].as_str().unwrap()).await;
    assert_eq!(timeline.status, 200);
    let refused = &events[1];
    assert_eq!((kind(refused), &refused["data"]["state"]), ("delivery.refused", &json!("failed")));
    assert_eq!(refused["data"]["note"], "answered 422: sai so");
}

#[tokio::test]
async fn a_system_is_told_of_its_own_documents_only_and_only_of_what_it_chose() {
    let (hub, dispatcher) = pushing_hub().await;
    let (mut national, mut province) = (Robot::start(Vec::new()), Robot::start(Vec::new()));
    let of_national = listen(&hub, "dms.national", &national, &["delivery.handed_over", "status.reported"]).await;
    let of_province = listen(&hub, "dms.province", &province, &[]).await;
    lives(&hub).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(kinds(&mut province, &of_province), [""; 0], "it sent statuses only");
    let told = kinds(&mut national, &of_national);
    assert_eq!(told, ["delivery.handed_over", "status.reported", "status.reported", "status.reported"]);

    hub.accepted("dms.province", a_document("p1").from("X99.B02").to(&["X99.A01"]).bytes()).await;
    dispatcher.drain().await.unwrap();
    assert_eq!(kinds(&mut province, &of_province), ["delivery.consigned"]);
    assert_eq!(kinds(&mut national, &of_national), [""; 0]);

    // Who speaks for the sender no more hears no more.
    systems::release(&hub.hub, &By::Operator, "dms.province", "X99.B02").await.unwrap();
    let delivery = hub.waiting("dms.national").await.pop().unwrap();
    hub.fetch("dms.national", &delivery).await;
    dispatcher.drain().await.unwrap();
    assert_eq!(kinds(&mut province, &of_province), [""; 0]);
}

#[tokio::test]
async fn without_a_webhook_nothing_is_written() {
    let (hub, dispatcher) = pushing_hub().await;
    lives(&hub).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(hub.count("SELECT count(*) FROM announcements").await, 0);
    assert_eq!(ask(&hub, "dms.national", ("GET", ""), Value::Null).await.status, 404);
}

#[tokio::test]
async fn what_happens_to_one_delivery_is_told_in_order() {
    let (hub, dispatcher) = pushing_hub().await;
    let answer = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(answer.clone())]);
    let secret = listen(&hub, "dms.national", &robot, &[]).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery = hub.waiting("dms.province").await.remove(0);
    hub.fetch("dms.province", &delivery).await;
    hub.confirm("dms.province", &delivery, "done").await;
    hub.after(TimeDelta::milliseconds(1));
    hub.accepted("dms.national", a_document("d2").bytes()).await;

    // While the first one is on its way, only another delivery's event leaves.
    dispatcher.round().await.unwrap();
    dispatcher.round().await.unwrap();
    let events: Vec<Value> = [robot.next().await, robot.next().await].iter().map(|one| heard(one, &secret)).collect();
    let documents: Vec<&Value> = events.iter().map(|event| &event["data"]["document_id"]).collect();
    assert_eq!(documents, ["d1", "d2"]);
    assert!(robot.taken().is_empty());
    answer.notify_one();
    dispatcher.drain().await.unwrap();

    assert_eq!(kinds(&mut robot, &secret), ["delivery.fetched", "delivery.handed_over"]);
}

#[tokio::test]
async fn whatever_is_no_2xx_is_tried_again_and_a_dead_webhook_is_left_in_peace() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![400, 401, 404, 422, 500].into_iter().map(Manner::status).collect());
    let secret = listen(&hub, "dms.national", &robot, &[]).await;
    for number in 0..8 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }
    dispatcher.drain().await.unwrap();
    let tried = robot.taken().len();
    assert!((5..=6).contains(&tried), "the breaker opened: {tried}");
    assert_eq!(done(&hub, "dms.national", ("GET", ""), Value::Null).await["circuit"], "open");

    drained(&hub, &dispatcher).await;

    let told = kinds(&mut robot, &secret);
    assert_eq!(told.len() + tried - 5, 8, "{told:?}");
}

#[tokio::test]
async fn an_event_is_given_up_visibly_when_its_term_is_over() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(vec![Manner::status(503); 1000]);
    listen(&hub, "dms.national", &robot, &[]).await;
    let office = office_of(hub).await;
    let receipt = office.hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();

    office.hub.after(TimeDelta::hours(73));
    dispatcher.drain().await.unwrap();

    let own = done(&office.hub, "dms.national", ("GET", "/given-up"), Value::Null).await;
    let by_office = office.done("GET", "/systems/dms.national/webhook/given-up", Value::Null).await;
    assert_eq!(own, by_office);
    let of_nobody = office.ask("GET", "/systems/dms.nobody/webhook/given-up", Value::Null).await;
    assert_eq!((of_nobody.status, &of_nobody.json["code"]), (404, &json!("not-found")));
    let line = &own["items"][0];
    assert_eq!((&line["event"], &line["reason"]), (&json!("delivery.consigned"), &json!("answered 503")));
    let program = office.hub.program();
    assert!(program.done(&["queue", "failed", "events:dms.national"]).contains("answered 503"));
    assert_eq!(state(&office.hub, &receipt).await, "consigned", "the delivery does not care");
    assert_eq!(office.hub.evidence().await.iter().filter(|row| row.delivery_id.is_some()).count(), 1);

    robot.behave(Vec::new());
    let again = program.done(&["queue", "start-anew", "events:dms.national", "--apply"]);
    assert!(again.contains('1'), "{again}");
    endpoints::resume(&office.hub.hub, &By::Operator, "events:dms.national").await.unwrap();
    dispatcher.drain().await.unwrap();
    assert_eq!(office.hub.count("SELECT count(*) FROM announcements WHERE state = 'taken'").await, 1);
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_left_alone_until_it_is_set_anew() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![Manner::status(410)]);
    let secret = listen(&hub, "dms.national", &robot, &[]).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::hours(1));
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    assert_eq!(done(&hub, "dms.national", ("GET", ""), Value::Null).await["state"], "gone");
    assert_eq!(robot.taken().len(), 1);

    let set = done(&hub, "dms.national", ("PUT", ""), json!({ "url": robot.url() })).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(set["secret"], Value::Null, "the secret stays");
    assert_eq!(kinds(&mut robot, &secret), ["delivery.consigned"]);
}

#[tokio::test]
async fn a_paused_webhook_keeps_what_waits_and_a_suspended_system_is_told_nothing() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    let secret = listen(&hub, "dms.national", &robot, &[]).await;
    let office = office_of(hub).await;
    let hub = &office.hub;
    let paused = office.done("POST", "/endpoints/events:dms.national/pause", json!({ "reason": "bảo trì" })).await;
    assert_eq!((&paused["kind"], &paused["state"]), (&json!("events"), &json!("paused")));
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    let waiting = office.done("GET", "/agencies/events:dms.national/waiting", Value::Null).await;
    let id = waiting["items"][0]["delivery_id"].as_str().unwrap().to_owned();

    done(hub, "dms.national", ("PUT", ""), json!({ "url": robot.url() })).await;
    let shown = done(hub, "dms.national", ("GET", ""), Value::Null).await;
    assert_eq!(shown["state"], "paused", "what an operator paused the system cannot set going again");
    assert_eq!((&shown["reason"], &shown["waiting"]), (&json!("bảo trì"), &json!(1)));
    office.done("POST", &format!("/deliveries/{id}/hold"), Value::Null).await;
    office.done("POST", "/endpoints/events:dms.national/resume", Value::Null).await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0, "it is held");
    systems::suspend(&hub.hub, &By::Operator, "dms.national", true).await.unwrap();
    office.done("POST", &format!("/deliveries/{id}/release"), Value::Null).await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0, "the system is suspended");
    systems::suspend(&hub.hub, &By::Operator, "dms.national", false).await.unwrap();
    dispatcher.drain().await.unwrap();

    let pushed = robot.taken();
    assert_eq!((pushed.len(), &pushed[0].headers["webhook-id"]), (1, &id));
    heard(&pushed[0], &secret);
}

#[tokio::test]
async fn a_lease_heals_a_crash_and_the_event_keeps_its_id() {
    let (hub, dispatcher) = pushing_hub().await;
    let first_answer = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(first_answer.clone())]);
    listen(&hub, "dms.national", &robot, &[]).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.round().await.unwrap();
    let first = robot.next().await;
    let other = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    assert_eq!(other.drain().await.unwrap(), 0);
    hub.after(TimeDelta::minutes(30));

    assert_eq!(other.drain().await.unwrap(), 1);
    first_answer.notify_one();
    dispatcher.idle().await;

    let again = robot.taken().remove(0);
    assert_eq!((&first.headers["webhook-id"], &first.body), (&again.headers["webhook-id"], &again.body));
    assert_eq!(hub.count("SELECT count(*) FROM announcements WHERE state = 'taken'").await, 1);
}

#[tokio::test]
async fn two_nodes_share_the_events_without_doubling() {
    let (hub, one) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    listen(&hub, "dms.national", &robot, &[]).await;
    let two = Dispatcher::new(&hub.another_node(), Pusher::new(&hub.hub.config.push).unwrap());
    for number in 0..40 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }

    let (first, second) = tokio::join!(one.drain(), two.drain());

    assert_eq!(first.unwrap() + second.unwrap(), 40);
    let ids: std::collections::BTreeSet<String> =
        robot.taken().into_iter().map(|pushed| pushed.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 40);
}

#[tokio::test]
async fn a_silent_webhook_slows_no_delivery() {
    let hub = TestHub::start_with(|config| {
        config.push.networks = "127.0.0.0/8".to_owned();
        config.push.webhook_networks = "127.0.0.0/8".to_owned();
        config.push.plain_http = true;
        // As many places as the silent webhook could take.
        config.push.in_flight_max = 2;
        config.events.in_flight_max = 2;
    })
    .await;
    let dispatcher = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    let never = Arc::new(Notify::new());
    let silent = Robot::start(vec![Manner::Wait(never.clone()); 100]);
    let mut quick = Robot::start(Vec::new());
    listen(&hub, "dms.national", &silent, &[]).await;
    for number in 0..10 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }
    dispatcher.round().await.unwrap();
    endpoint(&hub, "X99.C03", &quick).await;
    for number in 0..10 {
        hub.accepted("dms.national", a_document(&format!("q{number}")).to(&["X99.C03"]).bytes()).await;
    }

    let mut taken = 0;
    while taken < 10 {
        dispatcher.round().await.unwrap();
        tokio::select! {
            _ = quick.next() => taken += 1,
            // A place is free again.
            () = hub.hub.wake.notified() => {}
        }
    }

    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE outcome <> 'taken'").await, 0);
}

#[tokio::test]
async fn private_addresses_are_not_called_unless_the_operator_says_so() {
    let hub = TestHub::start_with(|config| {
        config.push.plain_http = true;
        // Where operators may send agencies' packets, systems may not aim by themselves.
        config.push.networks = "127.0.0.0/8".to_owned();
    })
    .await;
    let mut robot = Robot::start(Vec::new());
    let refused = ask(&hub, "dms.national", ("PUT", ""), json!({ "url": robot.url() })).await;
    assert_eq!(refused.status, 400, "{}", refused.text());

    let named = format!("http://localhost:{}/in", robot.address.port());
    done(&hub, "dms.national", ("PUT", ""), json!({ "url": named })).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap()).drain().await.unwrap();

    assert_eq!(hub.count("SELECT count(*) FROM announcements WHERE reason LIKE '%is not called%'").await, 1);
    assert!(robot.taken().is_empty());
}

#[tokio::test]
async fn the_secret_before_signs_beside_the_new_one_for_a_while() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    let old = listen(&hub, "dms.national", &robot, &[]).await;
    let rotated = done(&hub, "dms.national", ("POST", "/rotate"), json!({})).await;
    let new = rotated["secret"].as_str().unwrap();
    let tested = done(&hub, "dms.national", ("POST", "/test"), Value::Null).await;
    assert_eq!(ask(&hub, "dms.national", ("POST", "/test"), Value::Null).await.status, 429, "one at a time");
    dispatcher.drain().await.unwrap();
    let pushed = robot.taken().remove(0);
    assert_eq!(pushed.headers["webhook-id"], tested["event_id"].as_str().unwrap());
    assert_eq!(kind(&heard(&pushed, &old)), "webhook.test");
    heard(&pushed, new);

    hub.after(TimeDelta::hours(25));
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();

    let pushed = robot.taken().remove(0);
    assert_eq!(pushed.headers["webhook-signature"], signed_with(&pushed, new));
    let by_key = done(&hub, "dms.national", ("POST", "/rotate"), json!({ "signature": "ed25519" })).await;
    assert!(by_key["public_key"].as_str().unwrap().starts_with("whpk_"));
}

#[tokio::test]
async fn a_system_hears_again_what_happened_since_a_time_but_not_all_the_time() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    listen(&hub, "dms.national", &robot, &[]).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.after(TimeDelta::hours(1));
    let since = hub.now().to_rfc3339();
    hub.accepted("dms.national", a_document("d2").bytes()).await;
    dispatcher.drain().await.unwrap();
    let told: Vec<String> = robot.taken().into_iter().map(|pushed| pushed.headers["webhook-id"].clone()).collect();

    let replayed = done(&hub, "dms.national", ("POST", "/replay"), json!({ "from": since })).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(replayed["events"], 1);
    let again: Vec<String> = robot.taken().into_iter().map(|pushed| pushed.headers["webhook-id"].clone()).collect();
    assert_eq!(again, told[1..], "the same id: a receiver knows it");
    let soon = ask(&hub, "dms.national", ("POST", "/replay"), json!({ "from": since })).await;
    assert_eq!(soon.status, 429, "{}", soon.text());
    hub.after(TimeDelta::hours(1));
    done(&hub, "dms.national", ("POST", "/replay"), json!({ "from": since })).await;
    let program = hub.program();
    assert!(program.done(&["webhook", "replay", "dms.national", "--from", "2026-11-20"]).contains("1 events"));
}

#[tokio::test]
async fn with_a_webhook_goes_everything_that_it_was_to_be_told() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(vec![Manner::status(503)]);
    listen(&hub, "dms.national", &robot, &[]).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();

    done(&hub, "dms.national", ("DELETE", ""), Value::Null).await;

    for table in ["announcements", "pushes", "endpoints"] {
        assert_eq!(hub.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    for what in [("DELETE", ""), ("POST", "/rotate"), ("POST", "/test")] {
        assert_eq!(ask(&hub, "dms.national", what, json!({})).await.status, 404, "{what:?}");
    }
}

#[tokio::test]
async fn what_has_ended_is_forgotten_after_a_while() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(Vec::new());
    listen(&hub, "dms.national", &robot, &[]).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    let job = JOBS.iter().find(|job| job.name == "sweep-records").unwrap();
    jobs::run_now(&hub.hub, job).await.unwrap();
    assert_eq!(hub.count("SELECT count(*) FROM announcements").await, 1);

    hub.after(TimeDelta::days(31));
    jobs::run_now(&hub.hub, job).await.unwrap();

    assert_eq!(hub.count("SELECT count(*) FROM announcements").await, 0);
}

#[tokio::test]
async fn an_operator_does_the_same_by_the_command_line() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    let program =
        hub.program().with("DOCAXIS__PUSH__WEBHOOK_NETWORKS", "127.0.0.0/8").with("DOCAXIS__PUSH__PLAIN_HTTP", "true");
    let url = robot.url();
    let set = program.done(&["webhook", "set", "dms.national", &url, "--event", "delivery.failed", "--json"]);
    let set: Value = serde_json::from_str(&set).unwrap();
    program.done(&["webhook", "test", "dms.national"]);
    // The program goes by the machine's clock.
    hub.after(chrono::Utc::now().signed_duration_since(hub.now()).max(TimeDelta::zero()) + TimeDelta::minutes(1));
    dispatcher.drain().await.unwrap();
    heard(&robot.taken()[0], set["secret"].as_str().unwrap());

    let shown: Value = serde_json::from_str(&program.done(&["webhook", "show", "dms.national", "--json"])).unwrap();
    assert_eq!((&shown["kind"], &shown["events"]), (&json!("events"), &json!(["delivery.failed"])));
    program.done(&["webhook", "rotate", "dms.national"]);
    program.done(&["webhook", "remove", "dms.national"]);
    for unknown in [["webhook", "show", "dms.national"], ["webhook", "test", "dms.nobody"]] {
        assert_eq!(program.run(&unknown).code, 1);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_wish_is_told() {
    let (hub, _) = pushing_hub().await;
    let office = office_of(hub).await;
    for (wish, why) in [
        (json!({ "url": "https://dms.example.vn/in", "events": ["delivery.lost"] }), "delivery.lost"),
        (json!({ "url": "dms.example.vn" }), "https://"),
        (json!({}), "url"),
    ] {
        let refused = ask(&office.hub, "dms.national", ("PUT", ""), wish).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert!(refused.text().contains(why), "{}", refused.text());
    }
    let url = json!({ "url": "https://dms.example.vn/in" });
    let of_office = office.ask("PUT", "/systems/office/webhook", url.clone()).await;
    assert_eq!(of_office.status, 403, "{}", of_office.text());
    assert_eq!(office.ask("PUT", "/systems/nobody/webhook", url.clone()).await.status, 404);
    let set = office.done("PUT", "/systems/dms.national/webhook", url).await;
    assert!(set["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(office.hub.actors("docaxis:EndpointChanged").await, [Some("office".to_owned())], "who acted");
}

#[tokio::test]
async fn deliveries_by_push_are_told_too() {
    let (hub, dispatcher) = pushing_hub().await;
    let (mut ear, recipient) = (Robot::start(Vec::new()), Robot::start(vec![Manner::status(503)]));
    let secret = listen(&hub, "dms.national", &ear, &[]).await;
    bring(&hub, &recipient).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    assert!(ear.taken().is_empty(), "a try that failed is no news");

    hub.after(TimeDelta::seconds(10));
    dispatcher.drain().await.unwrap();

    assert_eq!(kinds(&mut ear, &secret), ["delivery.handed_over"]);
}
