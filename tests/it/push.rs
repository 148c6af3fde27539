//! The hub brings packets to agencies' endpoints: what is sent, what follows from each answer, and what never happens.

use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::robot::{Manner, Pushed, Robot};
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::channel::signature::Scheme;
use docaxis::config::Config;
use docaxis::exchange::act::By;
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::endpoints::{self, EndpointEntry, Proof};
use secrecy::ExposeSecret;
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::Notify;

/// A hub that may call this machine, and its dispatcher.
pub async fn pushing_hub() -> (TestHub, Arc<Dispatcher>) {
    pushing_hub_with(|_| {}).await
}

/// The same with further settings.
pub async fn pushing_hub_with(change: impl FnOnce(&mut Config)) -> (TestHub, Arc<Dispatcher>) {
    let hub = TestHub::start_with(|config| {
        config.push.networks = "127.0.0.0/8".to_owned();
        config.push.webhook_networks = "127.0.0.0/8".to_owned();
        config.push.plain_http = true;
        config.push.delays_seconds = "10, 100".to_owned();
        config.push.terms_hours = "1, 1, 1, 1, 2".to_owned();
        config.push.answer_timeout_seconds = 2;
        change(config);
    })
    .await;
    let dispatcher = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    (hub, dispatcher)
}

fn entry(agency: &str, url: &str) -> EndpointEntry {
    EndpointEntry {
        agency: agency.to_owned(),
        url: url.to_owned(),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Hmac,
    }
}

/// The secret of an endpoint that was just set.
pub fn shared(proof: Proof) -> String {
    let Proof::Secret(secret) = proof else { panic!("a key instead of a secret") };
    secret.expose_secret().to_owned()
}

/// Brings X99.B02 its packets to a robot; answers the secret.
pub async fn bring(hub: &TestHub, robot: &Robot) -> String {
    shared(endpoints::set(&hub.hub, &By::Operator, entry("X99.B02", &robot.url())).await.unwrap())
}

/// The one delivery of an envelope, as its sender sees it.
pub async fn delivery(hub: &TestHub, receipt: &Value) -> Value {
    hub.view("dms.national", &receipt["envelope_id"]).await["deliveries"][0].clone()
}

pub async fn state(hub: &TestHub, receipt: &Value) -> String {
    delivery(hub, receipt).await["state"].as_str().unwrap().to_owned()
}

/// What became of each attempt of all deliveries, in order.
async fn attempts(hub: &TestHub, outcome: &str) -> i64 {
    hub.count(&format!("SELECT count(*) FROM attempts WHERE outcome = '{outcome}'")).await
}

pub fn signed_with(pushed: &Pushed, secret: &str) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let mut message = format!("{}.{}.", pushed.headers["webhook-id"], pushed.headers["webhook-timestamp"]).into_bytes();
    message.extend_from_slice(&pushed.body);
    format!("v1,{}", STANDARD.encode(hmac::sign(&key, &message).as_ref()))
}

/// Whether a packet from a file is held while it is brought, or read twice.
const HELD_BYTES: [usize; 2] = [16 * 1024 * 1024, 0];

async fn pushing_hub_holding(bytes: usize) -> (TestHub, Arc<Dispatcher>) {
    pushing_hub_with(|config| config.push.held_bytes_max = bytes).await
}

#[tokio::test]
async fn a_packet_is_pushed_unchanged_and_signed_and_handed_over_by_the_answer() {
    let (hub, dispatcher) = pushing_hub_holding(0).await;
    is_pushed_unchanged(&hub, &dispatcher).await;
}

#[tokio::test]
async fn a_packet_that_is_held_in_memory_is_pushed_unchanged_too_and_gives_its_room_back() {
    let (hub, dispatcher) = pushing_hub_holding(1_000_000).await;
    for _ in 0..3 {
        is_pushed_unchanged(&hub, &dispatcher).await;
        endpoints::remove(&hub.hub, &By::Operator, "X99.B02").await.unwrap();
    }
    assert_eq!(hub.hub.held.available_permits(), 1_000_000);
}

async fn is_pushed_unchanged(hub: &TestHub, dispatcher: &Arc<Dispatcher>) {
    let before = attempts(hub, "taken").await;
    let mut robot = Robot::start(Vec::new());
    let secret = bring(hub, &robot).await;
    let names = [hub.hub.ids.next(), hub.hub.ids.next()];
    for packet in [a_document(&names[0]).bytes(), a_document(&names[1]).attachment(vec![7; 300_000]).bytes()] {
        let receipt = hub.accepted("dms.national", packet.clone()).await;
        assert_eq!(receipt["deliveries"][0]["outcome"], "pending");
        assert_eq!(state(hub, &receipt).await, "pending");

        assert_eq!(dispatcher.drain().await.unwrap(), 1);

        let pushed = robot.next().await;
        assert!(pushed.body == packet);
        assert_eq!(pushed.headers["webhook-signature"], signed_with(&pushed, &secret));
        assert_eq!(pushed.headers["webhook-timestamp"], hub.now().timestamp().to_string());
        let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
        for (name, value) in [
            ("webhook-id", delivery_id),
            ("docaxis-delivery", delivery_id),
            ("docaxis-envelope", receipt["envelope_id"].as_str().unwrap()),
            ("docaxis-attempt", "1"),
            ("docaxis-kind", "new"),
            ("docaxis-sender", "X99.A01"),
            ("docaxis-recipient", "X99.B02"),
            ("docaxis-sha256", receipt["sha256"].as_str().unwrap()),
            ("content-type", "application/xml"),
        ] {
            assert_eq!(pushed.headers[name], value, "{name}");
        }
        assert_eq!(state(hub, &receipt).await, "handed_over");
        assert_eq!(hub.events(delivery_id).await, ["ContentHandover"]);
    }
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    assert_eq!((attempts(hub, "taken").await - before, hub.count("SELECT count(*) FROM pushes").await), (2, 0));
}

#[tokio::test]
async fn an_endpoint_with_a_public_key_checks_small_and_large_packets_by_it() {
    for held in HELD_BYTES {
        has_valid_signatures_by_key(pushing_hub_holding(held).await).await;
    }
}

async fn has_valid_signatures_by_key((hub, dispatcher): (TestHub, Arc<Dispatcher>)) {
    let mut robot = Robot::start(Vec::new());
    let wanted = EndpointEntry { scheme: Scheme::Ed25519, ..entry("X99.B02", &robot.url()) };
    let Proof::PublicKey(key) = endpoints::set(&hub.hub, &By::Operator, wanted).await.unwrap() else {
        panic!("a secret instead of a key")
    };
    let key = STANDARD.decode(key.strip_prefix("whpk_").unwrap()).unwrap();
    let key = UnparsedPublicKey::new(&ED25519, key);
    for packet in [a_document("d1").bytes(), a_document("d2").attachment(vec![7; 300_000]).bytes()] {
        hub.accepted("dms.national", packet).await;
        dispatcher.drain().await.unwrap();

        let pushed = robot.next().await;
        let head = format!("{}.{}.", pushed.headers["webhook-id"], pushed.headers["webhook-timestamp"]);
        let signature = pushed.headers["webhook-signature"].strip_prefix("v1a,").unwrap();
        let signed = key.verify(&[head.as_bytes(), &pushed.body].concat(), &STANDARD.decode(signature).unwrap());
        assert!(signed.is_ok());
    }
}

#[tokio::test]
async fn an_agency_that_confirms_itself_has_it_when_it_says_so() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(Vec::new());
    let wanted = EndpointEntry { confirms_itself: true, ..entry("X99.B02", &robot.url()) };
    endpoints::set(&hub.hub, &By::Operator, wanted).await.unwrap();
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    assert_eq!(state(&hub, &receipt).await, "consigned");
    let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();

    assert_eq!(hub.confirm("dms.province", delivery_id, "done").await.status, 200);

    assert_eq!(state(&hub, &receipt).await, "handed_over");
    assert_eq!(hub.events(delivery_id).await, ["ContentConsignment", "ContentHandover"]);
}

#[tokio::test]
async fn what_cannot_be_taken_now_is_tried_again_on_schedule() {
    for later in [408, 425, 429, 500, 502, 503, 504, 302] {
        let (hub, dispatcher) = pushing_hub().await;
        let mut robot = Robot::start(vec![Manner::status(later)]);
        bring(&hub, &robot).await;
        let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
        dispatcher.drain().await.unwrap();
        assert_eq!(state(&hub, &receipt).await, "pending", "{later}");
        assert_eq!(dispatcher.drain().await.unwrap(), 0, "{later}: it must wait");

        hub.after(TimeDelta::seconds(10));
        dispatcher.drain().await.unwrap();

        assert_eq!(state(&hub, &receipt).await, "handed_over", "{later}");
        let tries: Vec<String> = robot.taken().into_iter().map(|p| p.headers["docaxis-attempt"].clone()).collect();
        assert_eq!(tries, ["1", "2"], "{later}");
    }
}

#[tokio::test]
async fn what_the_endpoint_asks_to_wait_is_waited() {
    let (hub, dispatcher) = pushing_hub().await;
    let wait = vec![("retry-after", "600".to_owned())];
    let mut robot = Robot::start(vec![Manner::Answer(503, wait, String::new())]);
    bring(&hub, &robot).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    assert_eq!(robot.taken().len(), 1);

    hub.after(TimeDelta::seconds(599));
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    hub.after(TimeDelta::seconds(1));
    assert_eq!(dispatcher.drain().await.unwrap(), 1);
}

#[tokio::test]
async fn a_refusal_for_good_fails_the_delivery_and_keeps_the_reason_without_secrets() {
    let (hub, dispatcher) = pushing_hub().await;
    let text = "sai chu ky, goi 0912345678 ".to_owned() + &"x".repeat(10_000);
    let robot = Robot::start(vec![Manner::Answer(422, Vec::new(), text)]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    dispatcher.drain().await.unwrap();

    let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(state(&hub, &receipt).await, "failed");
    assert_eq!(hub.events(delivery_id).await, ["ContentConsignmentFailure"]);
    assert_eq!(
        hub.count("SELECT count(*) FROM attempts WHERE reason LIKE 'answered 422: sai chu ky, goi *** x%'").await,
        1
    );
    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE length(reason) > 4200").await, 0);
    hub.after(TimeDelta::days(30));
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_left_alone_until_an_operator_resumes_it() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![Manner::status(410)]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::minutes(30));
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    assert_eq!((state(&hub, &receipt).await.as_str(), robot.taken().len()), ("pending", 1));
    assert_eq!(endpoints::list(&hub.hub).await.unwrap()[0].state, "gone");

    endpoints::resume(&hub.hub, &By::Operator, "X99.B02").await.unwrap();
    dispatcher.drain().await.unwrap();

    assert_eq!(state(&hub, &receipt).await, "handed_over");
}

#[tokio::test]
async fn when_the_term_is_over_the_delivery_fails_with_evidence_and_a_late_answer_is_evidence_too() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(vec![Manner::status(503)]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    dispatcher.drain().await.unwrap();

    hub.after(TimeDelta::hours(2));
    dispatcher.drain().await.unwrap();

    assert_eq!(state(&hub, &receipt).await, "failed");
    let evidence = hub.evidence().await.into_iter().find(|row| row.event == "ContentConsignmentFailure").unwrap();
    let facts: Value = serde_json::from_str(&evidence.facts).unwrap();
    assert_eq!((&facts["why"], &facts["attempts"]), (&"expired".into(), &1.into()));
    assert_eq!(facts["attempts_sha256"].as_str().unwrap().len(), 64);
    assert_eq!(hub.events(delivery_id).await, ["ContentConsignmentFailure"]);
}

#[tokio::test]
async fn an_answer_that_comes_after_the_term_is_a_second_event() {
    let (hub, dispatcher) = pushing_hub().await;
    let answer = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(answer.clone())]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(dispatcher.round().await.unwrap(), 1);
    robot.next().await;
    // Lease and term are over while the answer is still awaited.
    hub.after(TimeDelta::hours(3));
    dispatcher.round().await.unwrap();
    assert_eq!(state(&hub, &receipt).await, "failed");

    answer.notify_one();
    dispatcher.idle().await;

    assert_eq!(state(&hub, &receipt).await, "handed_over");
    assert_eq!(hub.events(delivery_id).await, ["ContentConsignmentFailure", "ContentHandover"]);
    let late = hub.evidence().await.into_iter().find(|row| row.event == "ContentHandover").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&late.facts).unwrap()["late"], true);
}

#[tokio::test]
async fn a_dead_endpoint_is_probed_and_drained_when_it_comes_back() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![Manner::status(500); 5]);
    bring(&hub, &robot).await;
    for number in 0..20 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }
    dispatcher.drain().await.unwrap();
    // Two at first, then slower: the breaker opened at the fifth failure, whoever was on the way with it.
    let tried = robot.taken().len();
    assert!((5..=6).contains(&tried), "{tried}");
    assert_eq!(endpoints::list(&hub.hub).await.unwrap()[0].circuit.word(), "open");
    hub.after(TimeDelta::seconds(59));
    assert_eq!(dispatcher.drain().await.unwrap(), 0);

    hub.after(TimeDelta::seconds(1));
    assert!(dispatcher.round().await.unwrap() <= 3, "only probes");
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::seconds(100));
    dispatcher.drain().await.unwrap();

    assert_eq!(hub.count("SELECT count(*) FROM deliveries WHERE state = 'handed_over'").await, 20);
    assert_eq!(endpoints::list(&hub.hub).await.unwrap()[0].circuit.word(), "closed");
}

#[tokio::test]
async fn the_breaker_survives_a_restart() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![Manner::status(500); 50]);
    bring(&hub, &robot).await;
    for number in 0..20 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }
    dispatcher.drain().await.unwrap();
    robot.taken();

    let restarted = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());

    assert_eq!(restarted.drain().await.unwrap(), 0);
}

#[tokio::test]
async fn urgent_packets_go_first_and_the_oldest_is_not_forgotten() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    let one_at_a_time = EndpointEntry { in_flight_max: Some(1), ..entry("X99.B02", &robot.url()) };
    endpoints::set(&hub.hub, &By::Operator, one_at_a_time).await.unwrap();
    let urgency = |id: &str, number: &str| {
        let mut packet = a_document(id);
        packet.extra_header = format!("<OtherInfo><Priority>{number}</Priority></OtherInfo>");
        packet.bytes()
    };
    for (id, number) in [("n1", "0"), ("n2", "0"), ("u1", "1"), ("v1", "2"), ("x1", "3"), ("x2", "3")] {
        hub.accepted("dms.national", urgency(id, number)).await;
        hub.after(TimeDelta::milliseconds(10));
    }
    dispatcher.drain().await.unwrap();

    let order: Vec<String> = robot.taken().into_iter().map(|pushed| id_of(&pushed)).collect();

    // The first of eight rounds goes to whatever has waited longest.
    assert_eq!(order, ["n1", "x1", "x2", "v1", "u1", "n2"]);
}

fn id_of(pushed: &Pushed) -> String {
    let text = String::from_utf8(pushed.body.clone()).unwrap();
    ["n1", "n2", "u1", "v1", "x1", "x2"].into_iter().find(|id| text.contains(&format!(">{id}<"))).unwrap().to_owned()
}

#[tokio::test]
async fn one_silent_recipient_delays_nobody() {
    let (hub, dispatcher) = pushing_hub().await;
    let never = Arc::new(Notify::new());
    let silent = Robot::start(vec![Manner::Wait(never.clone()); 100]);
    let mut quick = Robot::start(Vec::new());
    endpoints::set(&hub.hub, &By::Operator, entry("X99.B02", &silent.url())).await.unwrap();
    endpoints::set(&hub.hub, &By::Operator, entry("X99.C03", &quick.url())).await.unwrap();
    for number in 0..30 {
        hub.accepted("dms.national", a_document(&format!("s{number}")).bytes()).await;
    }
    for number in 0..30 {
        hub.accepted("dms.national", a_document(&format!("q{number}")).to(&["X99.C03"]).bytes()).await;
    }

    let mut brought = 0;
    while brought < 30 {
        // A round may start nothing while what came last is still being settled.
        dispatcher.round().await.unwrap();
        brought += quick.taken().len();
    }

    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE outcome <> 'taken'").await, 0);
}

#[tokio::test]
async fn faults_of_the_line_are_tried_again_and_told() {
    for manner in [Manner::Hang, Manner::BreakOff] {
        let (hub, dispatcher) = pushing_hub().await;
        let robot = Robot::start(vec![manner]);
        bring(&hub, &robot).await;
        let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

        dispatcher.drain().await.unwrap();

        assert_eq!((attempts(&hub, "later").await, state(&hub, &receipt).await.as_str()), (1, "pending"));
        hub.after(TimeDelta::seconds(10));
        dispatcher.drain().await.unwrap();
        assert_eq!(state(&hub, &receipt).await, "handed_over");
    }
}

#[tokio::test]
async fn nobody_there_means_the_content_has_not_left() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(Vec::new());
    bring(&hub, &robot).await;
    robot.stop().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    assert_eq!((attempts(&hub, "later").await, state(&hub, &receipt).await.as_str()), (1, "pending"));

    let recall = hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;

    assert_eq!(recall["deliveries"][0]["outcome"], "withdrawn");
    assert_eq!(state(&hub, &receipt).await, "withdrawn");
    assert_eq!(hub.count("SELECT count(*) FROM pushes").await, 0);
}

#[tokio::test]
async fn what_may_have_arrived_is_asked_back_and_not_withdrawn() {
    let (hub, dispatcher) = pushing_hub().await;
    let answer = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(answer.clone())]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    assert_eq!(dispatcher.round().await.unwrap(), 1);
    robot.next().await;

    let recall = hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;
    answer.notify_one();
    dispatcher.drain().await.unwrap();

    assert_eq!(recall["deliveries"][0]["outcome"], "pending");
    let delivery = delivery(&hub, &receipt).await;
    assert_eq!((&delivery["state"], &delivery["recall"]), (&"handed_over".into(), &"requested".into()));
}

#[tokio::test]
async fn a_lease_heals_a_crash_and_nothing_is_settled_twice() {
    let (hub, dispatcher) = pushing_hub().await;
    let first_answer = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(first_answer.clone())]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.round().await.unwrap();
    robot.next().await;
    // Another process takes over when the lease is over, as if the first had died; then the first wakes up.
    let other = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    assert_eq!(other.drain().await.unwrap(), 0);
    hub.after(TimeDelta::minutes(30));
    assert_eq!(other.drain().await.unwrap(), 1);
    assert_eq!(state(&hub, &receipt).await, "handed_over");

    first_answer.notify_one();
    dispatcher.idle().await;

    let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(hub.events(delivery_id).await, ["ContentHandover"]);
    assert_eq!(attempts(&hub, "taken").await, 2);
}

#[tokio::test]
async fn what_one_node_handed_over_late_is_not_tried_again_by_another() {
    let (hub, dispatcher) = pushing_hub().await;
    let first_answer = Arc::new(Notify::new());
    let second_answer = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(first_answer.clone()), Manner::BreakOff]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.round().await.unwrap();
    robot.next().await;
    let other = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    hub.after(TimeDelta::minutes(30));
    robot.behave(vec![Manner::Wait(second_answer)]);
    assert_eq!(other.round().await.unwrap(), 1);
    robot.next().await;

    first_answer.notify_one();
    dispatcher.idle().await;
    // The second one gets no answer in time.
    other.idle().await;
    hub.after(TimeDelta::minutes(10));

    assert_eq!(state(&hub, &receipt).await, "handed_over");
    assert_eq!((other.drain().await.unwrap(), robot.taken().len()), (0, 0));
}

#[tokio::test]
async fn a_damaged_packet_is_not_sent_and_not_held_against_the_recipient() {
    for (scheme, held) in [(Scheme::Hmac, 0), (Scheme::Ed25519, 0), (Scheme::Hmac, HELD_BYTES[0])] {
        let (hub, dispatcher) = pushing_hub_holding(held).await;
        let mut robot = Robot::start(Vec::new());
        let wanted = EndpointEntry { scheme, ..entry("X99.B02", &robot.url()) };
        endpoints::set(&hub.hub, &By::Operator, wanted).await.unwrap();
        hub.accepted("dms.national", a_document("d1").attachment(vec![7; 300_000]).bytes()).await;
        let file = hub.payload_files().remove(0);
        let mut bytes = std::fs::read(&file).unwrap();
        let last = bytes.len() - 100;
        bytes[last] ^= 1;
        std::fs::write(&file, bytes).unwrap();

        dispatcher.drain().await.unwrap();

        assert_eq!((robot.taken().len(), hub.count("SELECT count(*) FROM attempts").await), (0, 0));
        assert_eq!(endpoints::list(&hub.hub).await.unwrap()[0].failures, 0);
    }
}

#[tokio::test]
async fn what_the_old_address_says_is_not_held_against_the_new_one() {
    let (hub, dispatcher) = pushing_hub().await;
    let answer = Arc::new(Notify::new());
    let mut old = Robot::start(vec![Manner::Wait(answer.clone())]);
    bring(&hub, &old).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.round().await.unwrap();
    old.next().await;

    let new = Robot::start(Vec::new());
    bring(&hub, &new).await;
    // It is silent until the end of the patience.
    dispatcher.idle().await;

    let line = endpoints::list(&hub.hub).await.unwrap().remove(0);
    assert_eq!((line.failures, line.failed_at), (0, None));
    drop(answer);
}

#[tokio::test]
async fn two_dispatchers_share_the_work_without_doubling() {
    let (hub, one) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    bring(&hub, &robot).await;
    let two = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    for number in 0..60 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }

    let (first, second) = tokio::join!(one.drain(), two.drain());

    assert_eq!(first.unwrap() + second.unwrap(), 60);
    assert_eq!(robot.taken().len(), 60);
    assert_eq!(hub.count("SELECT count(*) FROM deliveries WHERE state = 'handed_over'").await, 60);
}

#[tokio::test]
async fn a_paused_endpoint_keeps_its_queue_and_a_removed_one_gives_it_to_the_mailbox() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(Vec::new());
    bring(&hub, &robot).await;
    endpoints::pause(&hub.hub, &By::Operator, "X99.B02", "bảo trì").await.unwrap();
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    let line = endpoints::list(&hub.hub).await.unwrap().remove(0);
    assert_eq!((line.state.as_str(), line.reason.as_str(), line.waiting), ("paused", "bảo trì", 1));
    assert_eq!(hub.waiting("dms.province").await, [""; 0]);

    assert_eq!(endpoints::remove(&hub.hub, &By::Operator, "X99.B02").await.unwrap(), 1);

    let delivery_id = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(hub.waiting("dms.province").await, [delivery_id]);
    assert_eq!(hub.events(delivery_id).await, ["ContentConsignment"]);
    let next = hub.accepted("dms.national", a_document("d2").bytes()).await;
    assert_eq!(next["deliveries"][0]["outcome"], "consigned");
}

#[tokio::test]
async fn addresses_of_this_machine_are_not_called_unless_the_operator_says_so() {
    let hub = TestHub::start_with(|config| config.push.plain_http = true).await;
    let mut robot = Robot::start(Vec::new());
    let refused = endpoints::set(&hub.hub, &By::Operator, entry("X99.B02", &robot.url())).await.unwrap_err();
    assert!(refused.to_string().contains("push.networks"), "{refused}");

    // A name is judged when it is called: its addresses may change.
    let named = format!("http://localhost:{}/in", robot.address.port());
    endpoints::set(&hub.hub, &By::Operator, entry("X99.B02", &named)).await.unwrap();
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let dispatcher = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    dispatcher.drain().await.unwrap();

    assert_eq!(state(&hub, &receipt).await, "pending");
    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE reason LIKE '%is not called%'").await, 1);
    assert!(robot.taken().is_empty());
}
