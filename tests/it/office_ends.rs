//! Grants end with the people and what they are about: at once, with evidence, and not only when somebody tries them.

use crate::office::{REASON, administrator, ask, granted, hub, propose_key, send, step};
use crate::push::pushing_hub_with;
use crate::support::TestHub;
use crate::support::portal::{Browser, PASSWORD};
use chrono::TimeDelta;
use docaxis::domain::agency::AgencyState;
use docaxis::domain::directory::{Codes, Column, Entry};
use docaxis::exchange::act::By;
use docaxis::exchange::{directory, systems, users};
use docaxis::jobs::{self, JOBS};

const SYSTEM: &str = "/portal/systems/dms.province";

/// What ended by itself: the act of the last evidence about grants, and how many ended so.
async fn ended(hub: &TestHub) -> (String, usize) {
    let all = granted(hub).await;
    let acts = all.iter().map(|facts| facts["act"].as_str().unwrap()).filter(|act| act.starts_with("ended-"));
    let acts: Vec<&str> = acts.collect();
    assert!(
        all.iter()
            .filter(|facts| facts["act"].as_str().unwrap().starts_with("ended-"))
            .all(|f| f["state"] == "stopped")
    );
    (acts.last().copied().unwrap_or_default().to_owned(), acts.len())
}

async fn open(hub: &TestHub) -> i64 {
    hub.count("SELECT count(*) FROM grants WHERE ended_at IS NULL").await
}

/// Proposes that dms.province speaks for another agency, too.
async fn propose_agency(one: &mut Browser<'_>, agency: &str) -> String {
    ask(one, SYSTEM, &[("step", "hold"), ("agency", agency), ("reason", REASON)]).await
}

async fn run(hub: &TestHub, name: &str) -> usize {
    let job = JOBS.iter().find(|job| job.name == name).unwrap();
    jobs::run_due(&hub.hub, job, hub.now()).await.unwrap().unwrap()
}

#[tokio::test]
async fn with_who_proposed_it_and_with_who_agreed() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let mut three = administrator(&hub, "thu.ba").await;
    let proposed = propose_agency(&mut one, "X99.C03").await;
    let agreed = propose_key(&mut two).await;
    assert_eq!(step(&mut one, &agreed, "approve").await, 303);
    let other = propose_agency(&mut three, "X99.A01").await;
    users::suspend(&hub.hub, &By::Operator, "mot", true).await.unwrap();

    assert_eq!((ended(&hub).await, open(&hub).await), (("ended-with-person".to_owned(), 2), 1));
    assert!(two.get(&agreed).await.words().contains("Đã dừng hẳn"), "{}", two.page.words());
    users::suspend(&hub.hub, &By::Operator, "mot", true).await.unwrap();
    users::suspend(&hub.hub, &By::Operator, "mot", false).await.unwrap();
    assert_eq!(ended(&hub).await.1, 2, "once each");
    assert_eq!((step(&mut two, &agreed, "take").await, step(&mut two, &proposed, "approve").await), (409, 409));
    assert_eq!(step(&mut two, &other, "approve").await, 303, "what others proposed goes on");
    assert_eq!(hub.count("SELECT count(*) FROM system_keys WHERE system_id = 'dms.province'").await, 1);
}

#[tokio::test]
async fn with_somebody_who_is_suspended_because_the_account_is_not_used() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.unused_days = 30;
        config.keys.decision_hours = 24 * 365;
    })
    .await;
    let mut one = administrator(&hub, "mot").await;
    propose_key(&mut one).await;
    hub.after(TimeDelta::days(31));
    assert!(run(&hub, "unused-accounts").await > 0);
    assert_eq!((ended(&hub).await, open(&hub).await), (("ended-with-person".to_owned(), 1), 0));
}

#[tokio::test]
async fn with_the_system_that_would_get_it() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    propose_agency(&mut one, "X99.C03").await;
    let key = propose_key(&mut one).await;
    assert_eq!(step(&mut two, &key, "approve").await, 303);
    let other =
        ask(&mut one, "/portal/systems/dms.commune", &[("step", "key"), ("life_days", ""), ("reason", REASON)]).await;
    systems::suspend(&hub.hub, &By::Operator, "dms.province", true).await.unwrap();

    assert_eq!((ended(&hub).await, open(&hub).await), (("ended-with-system".to_owned(), 2), 1));
    assert_eq!(step(&mut two, &other, "approve").await, 303);
}

#[tokio::test]
async fn with_the_agency_that_is_shut() {
    let (hub, _dispatcher) = pushing_hub_with(|config| {
        config.portal.second_factor = false;
        config.keys.decision_hours = 24 * 30;
    })
    .await;
    let mut one = administrator(&hub, "mot").await;
    directory::set_agency_state(&hub.hub, &By::Operator, "X99.E05", AgencyState::Open, None).await.unwrap();
    propose_agency(&mut one, "X99.C03").await;
    let endpoint = [("step", "propose"), ("url", "http://127.0.0.1:9/nhan"), ("reason", REASON)];
    ask(&mut one, "/portal/agencies/X99.B02/endpoint", &endpoint).await;
    propose_key(&mut one).await;
    directory::set_agency_state(&hub.hub, &By::Operator, "X99.C03", AgencyState::Closed, None).await.unwrap();
    assert_eq!((ended(&hub).await, open(&hub).await), (("ended-with-agency".to_owned(), 1), 2));
    // dms.province still speaks for X99.E05.
    directory::set_agency_state(&hub.hub, &By::Operator, "X99.B02", AgencyState::Suspended, None).await.unwrap();
    assert_eq!((ended(&hub).await.1, open(&hub).await), (2, 1));
    let day = Entry::about("X99.E05").with(Column::ValidUntil, "2026-11-25");
    directory::put_agency(&hub.hub, &By::Operator, day, Codes::Rest).await.unwrap();
    assert_eq!(open(&hub).await, 1, "its last day is to come");
    hub.after(TimeDelta::days(5));
    assert_eq!(run(&hub, "turn-validity").await, 1);
    assert_eq!((ended(&hub).await.1, open(&hub).await), (3, 0));
    one.sign_in("mot", PASSWORD, "").await;
    let again = [("step", "key"), ("life_days", "30"), ("reason", REASON)];
    assert_eq!(send(&mut one, SYSTEM, &again).await, 303, "it may be proposed again");
}
