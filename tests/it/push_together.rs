//! Pushes that end at about the same time are settled together: each as it deserves, in few transactions, and one that
//! cannot be settled takes no other with it.

use crate::push::{pushing_hub_with, state};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::robot::{Manner, Robot};
use chrono::TimeDelta;
use docaxis::channel::signature::Scheme;
use docaxis::domain::delivery::{DeliveryState, PickupMark, Progress};
use docaxis::domain::directory::Codes;
use docaxis::exchange::act::By;
use docaxis::exchange::directory::{self, AgencyEntry};
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::endpoints::{self, EndpointEntry};
use docaxis::store::{Connection, StoreError, deliveries, pushes};
use serde_json::Value;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;

const AGENCIES: [&str; 4] = ["X99.B02", "X99.C03", "X99.F06", "X99.G07"];

/// A hub with one connection that writes, and these agencies.
async fn hub_of_many() -> (TestHub, Arc<Dispatcher>) {
    let (hub, dispatcher) = pushing_hub_with(|config| config.database.writers = 1).await;
    for code in &AGENCIES[2..] {
        let entry = AgencyEntry { code: (*code).to_owned(), name: (*code).to_owned(), ..AgencyEntry::default() };
        directory::register_agency(&hub.hub, &By::Operator, entry, Codes::Rest).await.unwrap();
    }
    (hub, dispatcher)
}

async fn open(hub: &TestHub, agency: &str, manners: Vec<Manner>) -> Robot {
    let robot = Robot::start(manners);
    let (agency, url) = (agency.to_owned(), robot.url());
    let entry = EndpointEntry { agency, url, confirms_itself: false, in_flight_max: None, scheme: Scheme::Hmac };
    endpoints::set(&hub.hub, &By::Operator, entry).await.unwrap();
    robot
}

async fn sent(hub: &TestHub, name: &str, to: &str) -> Value {
    hub.accepted("dms.national", a_document(name).to(&[to]).bytes()).await
}

fn id_of(receipt: &Value) -> String {
    receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned()
}

/// What the hub wrote so far: on a server, where a write is a batch of outcomes, writes; embedded, commits.
fn written(hub: &TestHub) -> u64 {
    let what = if hub.is_postgres() { "works" } else { "batches" };
    let text = hub.hub.metrics.exposition().unwrap();
    let line = text.lines().find(|line| line.starts_with(&format!("docaxis_store_{what}_total{{queue=\"write\"}}")));
    line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
}

/// One round, all of whose outcomes come while the only connection that writes is busy with `harm`.
async fn ends_at_once(
    hub: &TestHub,
    dispatcher: &Arc<Dispatcher>,
    harm: impl Fn(&mut Connection) -> Result<(), StoreError> + Send + 'static,
) {
    let started = dispatcher.round().await.unwrap();
    let (release, released) = mpsc::channel::<()>();
    let released = Mutex::new(released);
    let mut busy = pin!(hub.hub.store.write(move |tx| {
        harm(tx)?;
        released.lock().unwrap().recv().unwrap();
        Ok(())
    }));
    // It is in the line before anything that was started can come to an end.
    assert!(poll_fn(|context| Poll::Ready(busy.as_mut().poll(context).is_pending())).await);
    hub.until("every answer came", || dispatcher.unsettled() == started).await;
    release.send(()).unwrap();
    busy.await.unwrap();
    dispatcher.idle().await;
}

#[tokio::test]
async fn outcomes_of_every_kind_are_settled_in_one_go_each_by_itself() {
    let (hub, dispatcher) = hub_of_many().await;
    let all = |status: u16| vec![Manner::status(status), Manner::status(status)];
    let mut robots = Vec::new();
    for (agency, status) in AGENCIES.into_iter().zip([200, 503, 400, 410]) {
        robots.push(open(&hub, agency, all(status)).await);
    }
    let [taken, withdrawn] = [sent(&hub, "d1", "X99.B02").await, sent(&hub, "d2", "X99.B02").await];
    let [later, later_lost] = [sent(&hub, "d3", "X99.C03").await, sent(&hub, "d4", "X99.C03").await];
    let [refused, refused_lost] = [sent(&hub, "d5", "X99.F06").await, sent(&hub, "d6", "X99.F06").await];
    let gone = sent(&hub, "d7", "X99.G07").await;
    let (withdrawn_id, lost, now) = (id_of(&withdrawn), [id_of(&later_lost), id_of(&refused_lost)], hub.now());
    let before = written(&hub);

    ends_at_once(&hub, &dispatcher, move |tx| {
        let row = deliveries::find(tx, &withdrawn_id)?.unwrap();
        let to = Progress { state: DeliveryState::Withdrawn, mark: PickupMark::Initial, fetched: false };
        assert!(deliveries::settle(tx, &row, to, "", now)?);
        for id in &lost {
            let push = pushes::find(tx, id)?.unwrap();
            let (then, until) = (now + TimeDelta::days(1), now + TimeDelta::days(2));
            assert_eq!(pushes::lease(tx, vec![push], "another node", (then, until))?.len(), 1);
        }
        Ok(())
    })
    .await;

    // The claim, what kept the connection busy, the first that ended, and all the others.
    assert!(written(&hub) - before <= 4, "{}", written(&hub) - before);
    let mut states = Vec::new();
    for receipt in [&taken, &withdrawn, &later, &later_lost, &refused, &refused_lost, &gone] {
        states.push(state(&hub, receipt).await);
    }
    assert_eq!(states, ["handed_over", "withdrawn", "pending", "pending", "failed", "pending", "pending"]);
    let evidence = async |receipt: &Value| hub.events(&id_of(receipt)).await;
    assert_eq!(evidence(&taken).await, ["ContentHandover"]);
    assert_eq!(evidence(&refused).await, ["ContentConsignmentFailure"]);
    for receipt in [&withdrawn, &later, &later_lost, &refused_lost, &gone] {
        assert_eq!(evidence(receipt).await, [""; 0]);
    }
    let count = async |what: &str| hub.count(&format!("SELECT count(*) FROM {what}")).await;
    assert_eq!(count("attempts WHERE number = 1").await, 7);
    assert_eq!(count("attempts WHERE outcome = 'taken'").await, 2);
    assert_eq!(count("pushes WHERE lease_owner IS NULL AND attempts = 1").await, 2, "tried again: 503 and 410");
    assert_eq!(count("pushes WHERE lease_owner = 'another node' AND attempts = 0").await, 2);
    assert_eq!(count("pushes").await, 4);
    assert_eq!(count("failures").await, 1);
    let rows = endpoints::list(&hub.hub).await.unwrap();
    let stand: Vec<(&str, i32)> = rows.iter().map(|row| (row.state.as_str(), row.failures)).collect();
    assert_eq!(stand, [("open", 0), ("open", 2), ("open", 0), ("gone", 0)]);
}

#[tokio::test]
async fn one_that_cannot_be_settled_takes_no_other_with_it() {
    let (hub, dispatcher) = hub_of_many().await;
    let mut robots = Vec::new();
    for agency in AGENCIES {
        robots.push(open(&hub, agency, Vec::new()).await);
    }
    let mut receipts = Vec::new();
    for (number, agency) in AGENCIES.into_iter().chain(AGENCIES).enumerate() {
        receipts.push(sent(&hub, &format!("d{number}"), agency).await);
    }
    // No attempt can follow that one.
    let last = "INSERT INTO attempts (delivery_id, number, started_at, finished_at, outcome, reason) SELECT delivery_id, 2147483647, \
         accepted_at, accepted_at, 'later', '' FROM deliveries WHERE delivery_id";
    hub.sql(&format!("{last} = '{}'", id_of(&receipts[3]))).await;

    ends_at_once(&hub, &dispatcher, |_| Ok(())).await;

    for (number, receipt) in receipts.iter().enumerate() {
        let (wanted, events): (_, &[&str]) =
            if number == 3 { ("pending", &[]) } else { ("handed_over", &["ContentHandover"]) };
        assert_eq!(state(&hub, receipt).await, wanted, "{number}");
        assert_eq!(hub.events(&id_of(receipt)).await, events, "{number}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM pushes WHERE lease_owner IS NOT NULL").await, 1, "it keeps its lease");
    hub.sql("DELETE FROM attempts WHERE number = 2147483647").await;
    hub.after(TimeDelta::hours(1));
    assert_eq!(dispatcher.drain().await.unwrap(), 1);
    assert_eq!(state(&hub, &receipts[3]).await, "handed_over");
}

#[tokio::test]
async fn failures_that_end_together_open_a_breaker_as_if_one_came_after_the_other() {
    let (hub, dispatcher) = pushing_hub_with(|config| config.database.writers = 1).await;
    let mut robot = open(&hub, "X99.B02", Vec::new()).await;
    for number in 0..8 {
        sent(&hub, &format!("w{number}"), "X99.B02").await;
    }
    dispatcher.drain().await.unwrap();
    robot.taken();
    // It is quick: more may be on their way to it by now than failures open its breaker.
    robot.behave(vec![Manner::status(503); 20]);
    for number in 0..12 {
        sent(&hub, &format!("d{number}"), "X99.B02").await;
    }

    ends_at_once(&hub, &dispatcher, |_| Ok(())).await;

    let tried = i32::try_from(robot.taken().len()).unwrap();
    let row = endpoints::list(&hub.hub).await.unwrap().remove(0);
    assert!(tried > 5, "{tried}");
    assert_eq!((row.failures, row.circuit.word()), (tried, "open"));
    let again = hub.count("SELECT count(*) FROM pushes WHERE attempts = 1 AND lease_owner IS NULL").await;
    assert_eq!(again, i64::from(tried));
}
