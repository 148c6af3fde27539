//! What goes wrong around a push: names that lead nowhere, agencies that close, clocks that step, databases that go away.
//! Nothing is lost, and nothing is handed over twice in the register.

use crate::push::{bring, pushing_hub, state};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::robot::{Manner, Robot};
use chrono::TimeDelta;
use docaxis::domain::agency::AgencyState;
use docaxis::exchange::act::By;
use docaxis::exchange::directory;
use docaxis::exchange::dispatch::Dispatcher;
use std::sync::Arc;
use tokio::sync::Notify;

async fn handovers(hub: &TestHub) -> i64 {
    hub.count("SELECT count(*) FROM evidence WHERE event = 'ContentHandover'").await
}

/// Sends a document and begins to push it to a robot that answers when it is told to; then does harm, lets the robot
/// answer, and waits until all is settled.
async fn harmed_meanwhile(harm: impl AsyncFn(&TestHub), mend: impl AsyncFn(&TestHub)) -> (TestHub, serde_json::Value) {
    let (hub, dispatcher) = pushing_hub().await;
    let answers = Arc::new(Notify::new());
    let mut robot = Robot::start(vec![Manner::Wait(Arc::clone(&answers))]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    assert_eq!(dispatcher.round().await.unwrap(), 1);
    robot.next().await;

    harm(&hub).await;
    answers.notify_one();
    dispatcher.idle().await;
    mend(&hub).await;
    bring_to_an_end(&hub, &dispatcher).await;
    assert!(robot.taken().len() <= 1, "once more, if the first outcome could not be written");
    (hub, receipt)
}

/// Longer than a lease: what an outcome could not be written for is sent again. A round finds out that a
/// connection for writing is gone by failing, once for each, and the next one goes on, as in the dispatcher's loop.
async fn bring_to_an_end(hub: &TestHub, dispatcher: &Arc<Dispatcher>) {
    hub.after(TimeDelta::minutes(40));
    for _ in 0..=hub.hub.config.database.writers {
        if dispatcher.drain().await.is_ok() {
            return;
        }
    }
    panic!("the database did not come back");
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_tried_again_until_it_leads_somewhere() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    bring(&hub, &robot).await;
    hub.sql("UPDATE endpoints SET url = 'http://dms.invalid/in'").await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    assert_eq!(hub.count("SELECT count(*) FROM attempts WHERE outcome = 'later' AND http_status IS NULL").await, 1);

    hub.sql(&format!("UPDATE endpoints SET url = '{}'", robot.url())).await;
    hub.after(TimeDelta::seconds(10));
    dispatcher.drain().await.unwrap();

    assert_eq!((state(&hub, &receipt).await.as_str(), robot.taken().len()), ("handed_over", 1));
}

#[tokio::test]
async fn what_was_accepted_for_an_agency_is_brought_to_it_though_it_closed_since() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(Vec::new());
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    directory::set_agency_state(&hub.hub, &By::Operator, "X99.B02", AgencyState::Closed, None).await.unwrap();
    let refused = hub.post("dms.national", a_document("d2").bytes()).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(refused.status, 422);
    assert_eq!((state(&hub, &receipt).await.as_str(), robot.taken().len()), ("handed_over", 1));
}

#[tokio::test]
async fn a_clock_that_steps_back_delays_and_one_that_leaps_ends_terms_and_neither_loses_anything() {
    let (hub, dispatcher) = pushing_hub().await;
    let mut robot = Robot::start(vec![Manner::status(503)]);
    bring(&hub, &robot).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();

    hub.after(TimeDelta::minutes(-30));
    assert_eq!(dispatcher.drain().await.unwrap(), 0, "what is due later is due later");
    let second = hub.accepted("dms.national", a_document("d2").bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::minutes(31));
    dispatcher.drain().await.unwrap();
    assert_eq!(robot.taken().len(), 3);
    for receipt in [&receipt, &second] {
        assert_eq!(state(&hub, receipt).await, "handed_over");
    }

    let late = hub.accepted("dms.national", a_document("d3").bytes()).await;
    hub.after(TimeDelta::days(3));
    dispatcher.drain().await.unwrap();
    assert_eq!((state(&hub, &late).await.as_str(), robot.taken().len()), ("failed", 0));
    assert_eq!(handovers(&hub).await, 2);
}

#[tokio::test]
async fn a_database_that_goes_away_while_a_packet_is_on_its_way_costs_nothing() {
    let harm = async |hub: &TestHub| {
        if hub.is_postgres() {
            hub.sql(
                "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity \
                 WHERE datname = current_database() AND pid <> pg_backend_pid(); END $$",
            )
            .await;
        } else {
            hub.sql("ALTER TABLE attempts RENAME TO attempts_away").await;
        }
    };
    let mend = async |hub: &TestHub| {
        if !hub.is_postgres() {
            assert_eq!(handovers(hub).await, 0, "without its attempt an outcome is not written");
            hub.sql("ALTER TABLE attempts_away RENAME TO attempts").await;
        }
    };
    let (hub, receipt) = harmed_meanwhile(harm, mend).await;

    assert_eq!((state(&hub, &receipt).await.as_str(), handovers(&hub).await), ("handed_over", 1));
}

#[tokio::test]
async fn an_agency_that_closes_while_a_packet_is_on_its_way_has_it() {
    let harm = async |hub: &TestHub| {
        directory::set_agency_state(&hub.hub, &By::Operator, "X99.B02", AgencyState::Closed, None).await.unwrap();
    };
    let (hub, receipt) = harmed_meanwhile(harm, async |_| ()).await;

    assert_eq!((state(&hub, &receipt).await.as_str(), handovers(&hub).await), ("handed_over", 1));
}
