//! What operators do to single deliveries, over HTTP and by the command line: hold, let go, hurry, start anew.

use crate::administration::{Office, office_of};
use crate::push::{bring, pushing_hub, state};
use crate::support::packets::a_document;
use crate::support::robot::{Manner, Robot};
use chrono::TimeDelta;
use docaxis::exchange::dispatch::Dispatcher;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::Notify;

/// A hub with a system of administration and a robot at X99.B02's endpoint.
async fn set_up(manners: Vec<Manner>) -> (Office, Arc<Dispatcher>, Robot) {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(manners);
    bring(&hub, &robot).await;
    (office_of(hub).await, dispatcher, robot)
}

async fn send(office: &Office, id: &str) -> (Value, String) {
    let receipt = office.hub.accepted("dms.national", a_document(id).bytes()).await;
    let delivery = receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned();
    (receipt, delivery)
}

async fn failed(office: &Office) -> Vec<Value> {
    let answer = office.done("GET", "/agencies/X99.B02/failed", Value::Null).await;
    answer["items"].as_array().unwrap().clone()
}

async fn start_anew(office: &Office, how: Value) -> Vec<Value> {
    let answer = office.done("POST", "/agencies/X99.B02/failed/start", how).await;
    answer["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_is_held_waits_until_it_is_released() {
    let (office, dispatcher, mut robot) = set_up(Vec::new()).await;
    let (receipt, delivery) = send(&office, "d1").await;
    for _ in 0..2 {
        office.done("POST", &format!("/deliveries/{delivery}/hold"), Value::Null).await;
    }

    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    // Resuming the endpoint hurries what waits, and does not release what is held.
    office.done("POST", "/endpoints/X99.B02/resume", Value::Null).await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    let waiting = office.done("GET", "/agencies/X99.B02/waiting", Value::Null).await;
    assert_eq!((&waiting["items"][0]["held"], &waiting["items"][0]["due_at"]), (&json!(true), &Value::Null));

    for _ in 0..2 {
        office.done("POST", &format!("/deliveries/{delivery}/release"), Value::Null).await;
    }
    dispatcher.drain().await.unwrap();

    assert_eq!((state(&office.hub, &receipt).await.as_str(), robot.taken().len()), ("handed_over", 1));
    let directed = ["docaxis:DeliveryDirected", "docaxis:DeliveryDirected", "ContentHandover"];
    assert_eq!(office.hub.events(&delivery).await, directed, "saying it twice is one act");
    let late = office.ask("POST", &format!("/deliveries/{delivery}/hold"), Value::Null).await;
    assert_eq!(late.status, 409, "{}", late.text());
}

#[tokio::test]
async fn the_term_of_what_is_held_goes_on() {
    let (office, dispatcher, _robot) = set_up(Vec::new()).await;
    let (receipt, delivery) = send(&office, "d1").await;
    office.done("POST", &format!("/deliveries/{delivery}/hold"), Value::Null).await;

    office.hub.after(TimeDelta::hours(2));
    dispatcher.drain().await.unwrap();

    assert_eq!(state(&office.hub, &receipt).await, "failed");
}

#[tokio::test]
async fn what_waits_for_another_attempt_is_tried_now_when_told_so() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(503)]).await;
    let (receipt, delivery) = send(&office, "d1").await;
    dispatcher.drain().await.unwrap();
    assert_eq!(dispatcher.drain().await.unwrap(), 0, "its time has not come");

    office.done("POST", &format!("/deliveries/{delivery}/now"), Value::Null).await;
    dispatcher.drain().await.unwrap();

    assert_eq!((state(&office.hub, &receipt).await.as_str(), robot.taken().len()), ("handed_over", 2));
}

#[tokio::test]
async fn what_is_on_its_way_cannot_be_held() {
    let answer = Arc::new(Notify::new());
    let (office, dispatcher, mut robot) = set_up(vec![Manner::Wait(answer.clone())]).await;
    let (receipt, delivery) = send(&office, "d1").await;
    dispatcher.round().await.unwrap();
    robot.next().await;

    let refused = office.ask("POST", &format!("/deliveries/{delivery}/hold"), Value::Null).await;
    answer.notify_one();
    dispatcher.idle().await;

    assert_eq!(refused.status, 409, "{}", refused.text());
    assert_eq!(state(&office.hub, &receipt).await, "handed_over");
}

#[tokio::test]
async fn a_failed_delivery_is_started_anew_once_and_stays_failed() {
    let (office, dispatcher, _robot) = set_up(vec![Manner::status(422)]).await;
    let (receipt, delivery) = send(&office, "d1").await;
    dispatcher.drain().await.unwrap();
    let before = failed(&office).await;
    assert_eq!((before.len(), &before[0]["fate"], &before[0]["reason"]), (1, &json!("anew"), &json!("answered 422")));

    let started = start_anew(&office, json!({})).await;
    let again = start_anew(&office, json!({})).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(started, again);
    let view = office.hub.view("dms.national", &receipt["envelope_id"]).await;
    let states: Vec<&str> =
        view["deliveries"].as_array().unwrap().iter().map(|line| line["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "handed_over"]);
    assert_eq!(view["deliveries"][1]["delivery_id"], started[0]["new_delivery_id"]);
    assert_eq!(office.hub.events(&delivery).await, ["ContentConsignmentFailure", "docaxis:DeliveryDirected"]);
    // A repeat of the packet is still the same packet.
    let repeat = office.hub.post("dms.national", a_document("d1").bytes()).await;
    assert_eq!((repeat.status, &repeat.json["envelope_id"]), (200, &receipt["envelope_id"]));
}

#[tokio::test]
async fn new_deliveries_become_due_one_after_the_other_and_go_by_the_channel_of_today() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(400); 4]).await;
    let mut deliveries = Vec::new();
    for id in ["d1", "d2", "d3", "d4"] {
        deliveries.push(send(&office, id).await.1);
        dispatcher.drain().await.unwrap();
    }
    robot.taken();

    start_anew(&office, json!({ "per_minute": 2, "limit": 3 })).await;
    let mut brought = Vec::new();
    for _ in 0..3 {
        dispatcher.drain().await.unwrap();
        brought.push(robot.taken().len());
        office.hub.after(TimeDelta::seconds(30));
    }
    assert_eq!(brought, [1, 1, 1]);

    office.done("DELETE", "/endpoints/X99.B02", Value::Null).await;
    let lines = start_anew(&office, json!({ "delivery_id": deliveries[3] })).await;
    assert_eq!(office.hub.waiting("dms.province").await, [lines[0]["new_delivery_id"].as_str().unwrap()]);
}

#[tokio::test]
async fn a_document_that_was_recalled_is_not_sent_again() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(400)]).await;
    send(&office, "d1").await;
    dispatcher.drain().await.unwrap();
    office.hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    robot.taken();

    let lines = start_anew(&office, json!({})).await;
    dispatcher.drain().await.unwrap();

    assert_eq!((lines.len(), &lines[0]["fate"], robot.taken().len()), (1, &json!("taken_back"), 0));
}

#[tokio::test]
async fn a_document_that_was_recalled_from_others_only_is_sent_again() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(400)]).await;
    office.hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    dispatcher.drain().await.unwrap();
    office.hub.accepted("dms.national", a_document("r1").recalling("d1").to(&["X99.C03"]).bytes()).await;
    robot.taken();

    let lines = start_anew(&office, json!({})).await;
    dispatcher.drain().await.unwrap();

    assert_eq!((lines.len(), &lines[0]["fate"], robot.taken().len()), (1, &json!("before"), 1));
}

#[tokio::test]
async fn resuming_an_endpoint_that_is_left_in_peace_tries_it_at_once() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(500); 6]).await;
    for number in 0..8 {
        send(&office, &format!("d{number}")).await;
    }
    dispatcher.drain().await.unwrap();
    robot.taken();
    assert_eq!(office.done("GET", "/endpoints", Value::Null).await["items"][0]["circuit"], "open");

    robot.behave(Vec::new());
    office.done("POST", "/endpoints/X99.B02/resume", Value::Null).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(robot.taken().len(), 8);
}

#[tokio::test]
async fn an_operator_does_the_same_by_the_command_line() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(422)]).await;
    let (_, refused) = send(&office, "d1").await;
    dispatcher.drain().await.unwrap();
    let (_, waiting) = send(&office, "d2").await;
    let program = office.hub.program();

    program.done(&["queue", "hold", &waiting]);
    assert!(program.done(&["queue", "waiting", "X99.B02"]).contains("held"));
    assert!(program.done(&["queue", "failed", "X99.B02"]).contains("answered 422"));
    assert!(program.done(&["queue", "start-anew", "X99.B02"]).contains("--apply"));
    robot.taken();
    assert_eq!(dispatcher.drain().await.unwrap(), 0, "nothing was done so far");
    let line: Value =
        serde_json::from_str(&program.done(&["queue", "start-anew", "X99.B02", "--apply", "--json"])).unwrap();
    program.done(&["queue", "release", &waiting]);
    program.done(&["queue", "now", &waiting]);

    assert_eq!(office.hub.events(&waiting).await, ["docaxis:DeliveryDirected"; 3], "held, released, hurried");
    assert_eq!(office.hub.count("SELECT count(*) FROM pushes WHERE held OR due_at > '9000-01-01'").await, 0);
    assert_eq!((&line["delivery_id"], &line["fate"]), (&json!(refused), &json!("before")));
    let gone = program.run(&["queue", "now", "00000000000070008000000000000000"]);
    assert_eq!(gone.code, 1, "{}{}", gone.out, gone.err);
    let unknown = program.run(&["queue", "waiting", "X99.NOBODY"]);
    assert_eq!(unknown.code, 1, "{}{}", unknown.out, unknown.err);
}

#[tokio::test]
async fn endpoints_are_administered_over_http() {
    let (office, dispatcher, mut robot) = set_up(Vec::new()).await;
    let listed = office.done("GET", "/endpoints", Value::Null).await;
    assert_eq!((&listed["items"][0]["holder"], &listed["items"][0]["state"]), (&json!("X99.B02"), &json!("open")));
    let paused = office.done("POST", "/endpoints/X99.B02/pause", json!({ "reason": "bảo trì" })).await;
    assert_eq!((&paused["state"], &paused["reason"]), (&json!("paused"), &json!("bảo trì")));
    send(&office, "d1").await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0);

    let put = office.done("PUT", "/endpoints/X99.B02", json!({ "url": robot.url(), "in_flight_max": 3 })).await;
    dispatcher.drain().await.unwrap();

    assert!(put["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(robot.taken().len(), 1, "an endpoint that is set is open");
    let refused = office.ask("PUT", "/endpoints/X99.B02", json!({ "url": "https://169.254.169.254/latest" })).await;
    assert_eq!(refused.status, 400, "{}", refused.text());
    for (method, path) in
        [("DELETE", "/endpoints/X99.C03"), ("POST", "/endpoints/X99.C03/pause"), ("GET", "/agencies/X99.NOBODY/failed")]
    {
        assert_eq!(office.ask(method, path, Value::Null).await.status, 404, "{method} {path}");
    }
    assert_eq!(
        office.hub.actors("docaxis:EndpointChanged").await,
        [None, Some("office".to_owned()), Some("office".to_owned())],
        "who acted"
    );
}

#[tokio::test]
async fn what_failed_at_a_neighbouring_hub_is_told_so_and_started_anew_by_no_door() {
    let (office, dispatcher, mut robot) = set_up(vec![Manner::status(422), Manner::status(422)]).await;
    let (_, beyond) = send(&office, "d1").await;
    let (_, here) = send(&office, "d2").await;
    dispatcher.drain().await.unwrap();
    robot.taken();
    office.hub.run(&format!("UPDATE failures SET cause = 'beyond' WHERE delivery_id = '{beyond}'")).await;
    let vi = "Lượt này phải gửi lại ở trục lân cận; gửi lại từ đây không có tác dụng";
    let program = office.hub.program();

    let fates: Vec<Value> = failed(&office).await.into_iter().map(|line| line["fate"].clone()).collect();
    assert_eq!(fates, ["beyond", "anew"]);
    assert_eq!(failed(&office).await[0]["fate_name"]["vi"], format!("Không gửi: {vi}"));
    for look in [&["queue", "failed", "X99.B02"][..], &["queue", "start-anew", "X99.B02"]] {
        let said = program.done(look);
        assert!(said.contains(vi) && said.contains("Sẽ gửi lại / Will be sent again"), "{said}");
    }
    let alone = office.ask("POST", "/agencies/X99.B02/failed/start", json!({ "delivery_id": beyond })).await;
    assert_eq!((alone.status, &alone.json["detail_vi"]), (400, &vi.into()), "{}", alone.text());
    let alone = program.run(&["queue", "start-anew", "X99.B02", "--delivery", &beyond, "--apply"]);
    assert!(alone.code == 1 && alone.err.contains("at the neighbouring hub"), "{}{}", alone.out, alone.err);
    let all = start_anew(&office, json!({})).await;
    assert_eq!((&all[0]["fate"], &all[1]["fate"]), (&"beyond".into(), &"before".into()));
    let said = program.done(&["queue", "start-anew", "X99.B02", "--apply"]);
    assert!(said.contains(vi) && said.contains("Đã gửi lại trước đó"), "{said}");
    dispatcher.drain().await.unwrap();

    assert_eq!(robot.taken().len(), 1, "only what failed here");
    let left = "SELECT count(*) FROM failures WHERE cause = 'beyond'";
    assert_eq!((office.hub.count(left).await, office.hub.events(&here).await.len()), (1, 2));
}
