//! Robot agencies: what they do badly harms nobody, and the command plays one against a hub.

use crate::push::{bring, pushing_hub, shared, state};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::robot::{Manner, Robot};
use chrono::{TimeDelta, Utc};
use docaxis::channel::signature::Scheme;
use docaxis::exchange::act::By;
use docaxis::exchange::endpoints::{self, EndpointEntry};
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

#[tokio::test]
async fn an_answer_that_never_ends_is_an_answer() {
    for manner in
        [Manner::Drip(Duration::from_secs(1)), Manner::Huge(1 << 30), Manner::After(Duration::from_millis(300))]
    {
        let (hub, dispatcher) = pushing_hub().await;
        let mut robot = Robot::start(vec![manner]);
        bring(&hub, &robot).await;
        let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

        dispatcher.drain().await.unwrap();

        assert_eq!((state(&hub, &receipt).await.as_str(), robot.taken().len()), ("handed_over", 1));
    }
}

#[tokio::test]
async fn nobody_is_followed_elsewhere() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut elsewhere = Robot::start(Vec::new());
    let robot = Robot::start(vec![Manner::redirect(&elsewhere.url())]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    dispatcher.drain().await.unwrap();

    assert_eq!((state(&hub, &receipt).await.as_str(), elsewhere.taken().len()), ("pending", 0));
    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE http_status = 307").await, 1);
}

#[tokio::test]
async fn nothing_is_given_to_whom_no_authority_knows() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start_behind_wrong_certificate();
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    dispatcher.drain().await.unwrap();

    assert_eq!((state(&hub, &receipt).await.as_str(), robot.taken().len()), ("pending", 0));
    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE reason LIKE '%certificate%'").await, 1);
}

#[test]
fn every_manner_has_a_word() {
    for word in
        ["ok", "status:422", "busy:5", "gone", "redirect:http://10.0.0.1/", "after:3", "hang", "reset", "drip", "huge"]
    {
        assert!(Manner::of_word(word).is_some(), "{word}");
        assert!(Manner::WORDS.contains(word.split(':').next().unwrap()), "{word}");
    }
    for wrong in ["", "nett", "status:99", "busy", "after:soon"] {
        assert!(Manner::of_word(wrong).is_none(), "{wrong}");
    }
}

/// The command, until it is dropped.
struct Playing(Child);

impl Drop for Playing {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_command_takes_packets_checks_their_signature_and_reports() {
    let (hub, dispatcher) = pushing_hub().await;
    let entry = |url: &str| EndpointEntry {
        agency: "X99.B02".to_owned(),
        url: url.to_owned(),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Hmac,
    };
    let proof = endpoints::set(&hub.hub, &By::Operator, entry("http://127.0.0.1:9/")).await.unwrap();
    let file = hub.directory.join("secret");
    std::fs::write(&file, shared(proof)).unwrap();
    let (file, url) = (file.to_str().unwrap(), hub.url(""));
    let arguments = [
        "robot",
        "--manner",
        "busy:1",
        "--secret-file",
        file,
        "--report",
        "01",
        "--report",
        "02",
        "--twice",
        "--json",
        "--hub",
        &url,
    ];
    let program = hub.program().with("DOCAXIS_KEY", hub.system("dms.province").bearer());
    let mut child = program.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _playing = Playing(child);
    let (mut lines, listening) = tokio::task::spawn_blocking(move || {
        let first = lines.next().unwrap().unwrap();
        (lines, first)
    })
    .await
    .unwrap();
    // Setting an endpoint anew makes a new secret: only the address is changed here.
    hub.sql(&format!("UPDATE endpoints SET url = '{listening}'")).await;

    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::seconds(10));
    dispatcher.drain().await.unwrap();
    let said: Vec<String> =
        tokio::task::spawn_blocking(move || lines.by_ref().take(6).map(Result::unwrap).collect()).await.unwrap();

    assert_eq!(state(&hub, &receipt).await, "handed_over");
    let first: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!((&first["signature"], &first["attempt"]), (&"valid".into(), &"1".into()));
    let view = hub.view("dms.national", &receipt["envelope_id"]).await;
    let codes: Vec<&str> =
        view["statuses"].as_array().unwrap().iter().map(|status| status["status_code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["01", "02"], "{said:?}");
}

#[tokio::test]
async fn the_command_sends_a_document_and_asks_it_back() {
    let hub = TestHub::start_with(|config| config.keys.life_days = 0).await;
    // The command lives by the machine's clock; a document from the future would be refused.
    hub.after(Utc::now().signed_duration_since(hub.now()).max(TimeDelta::zero()));
    let url = hub.url("");
    let arguments = ["robot", "--as", "X99.A01", "--send-to", "X99.B02", "--ask-back", "--hub", &url];
    let program = hub.program().with("DOCAXIS_KEY", hub.system("dms.national").bearer());
    let mut child = program.command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let _playing = Playing(child);

    let said = tokio::task::spawn_blocking(|| lines.take(3).map(Result::unwrap).collect::<Vec<_>>()).await.unwrap();

    assert_eq!(said[1..], ["  document: 201 Created", "  recall: 201 Created"]);
    let kinds = "SELECT count(*) FROM deliveries WHERE packet_kind = 'new' AND state = 'withdrawn'";
    assert_eq!(hub.count(kinds).await, 1);
}
