//! Several nodes on one PostgreSQL wake each other. What they share is the register: that they do not double work is
//! shown where the work is.

use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::robot::Robot;
use docaxis::arrivals::Places;
use docaxis::channel::signature::Scheme;
use docaxis::exchange::act::By;
use docaxis::exchange::endpoints::{self, EndpointEntry};
use docaxis::exchange::nodes;
use docaxis::hub::Hub;
use std::time::Duration;
use tokio::time::timeout;

/// Another node: the same database and directory, a memory of its own.
fn second_node(hub: &TestHub) -> Hub {
    Hub::open((*hub.hub.config).clone(), hub.hub.clock.clone()).unwrap()
}

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn what_one_node_takes_in_wakes_who_waits_at_another() {
    let hub = TestHub::start_with(|config| config.push.plain_http = true).await;
    if !hub.is_postgres() {
        assert!(hub.hub.store.bell().await.unwrap().is_none(), "SQLite has one node");
        return;
    }
    let robot = Robot::start(Vec::new());
    let entry = EndpointEntry {
        agency: "X99.C03".to_owned(),
        url: robot.url().replace("127.0.0.1", "dms.example.vn"),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Hmac,
    };
    endpoints::set(&hub.hub, &By::Operator, entry).await.unwrap();
    let other = second_node(&hub);
    let lines = [nodes::listen(&hub.hub).await, nodes::listen(&other).await];
    let places = Places { of_node: 9, of_system: 9 };
    let waits = |code: &str| other.arrivals.place("dms", vec![code.to_owned()], places).unwrap();
    let (waiting, not_meant) = (waits("X99.B02"), waits("X99.D04"));

    hub.accepted("dms.national", a_document("d1").bytes()).await;
    timeout(SOON, waiting.woken()).await.expect("the other node's caller sleeps on");
    hub.accepted("dms.national", a_document("d2").to(&["X99.C03"]).bytes()).await;
    timeout(SOON, other.wake.notified()).await.expect("the other node's dispatcher sleeps on");

    assert!(timeout(Duration::ZERO, not_meant.woken()).await.is_err(), "nothing came for that one");
    lines.iter().for_each(tokio::task::JoinHandle::abort);
    other.store.close();
}

#[tokio::test]
async fn a_broken_line_is_made_anew_and_whoever_waits_is_woken_since_words_may_be_lost() {
    let hub = TestHub::start().await;
    if !hub.is_postgres() {
        assert!(nodes::listen(&hub.hub).await.await.is_ok(), "nothing to do on SQLite");
        return;
    }
    let line = nodes::listen(&hub.hub).await;
    let places = Places { of_node: 9, of_system: 9 };
    let waiting = hub.hub.arrivals.place("dms", vec!["X99.B02".to_owned()], places).unwrap();

    hub.sql(
        "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND query LIKE '%pg_backend_pid%' AND pid <> pg_backend_pid(); END $$",
    )
    .await;

    timeout(SOON, waiting.woken()).await.expect("the line was not made anew");
    line.abort();
}
