//! Incidents: what goes wrong is noted once, with its beginning and its end, whichever node sees it; operators read and take it
//! out.

use crate::desk::operator;
use crate::push::{bring, pushing_hub_with};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::Browser;
use crate::support::robot::{Manner, Robot};
use chrono::{DateTime, TimeDelta, Utc};
use docaxis::domain::incident::IncidentKind;
use docaxis::domain::user::UserRole;
use docaxis::exchange::incidents::Watch;
use docaxis::exchange::{ExchangeError, nodes};
use docaxis::hub::Hub;
use docaxis::jobs::{self, JOBS, Job};
use docaxis::store::incidents::{self, IncidentRow};

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

type Noted = (IncidentKind, DateTime<Utc>, Option<DateTime<Utc>>);

/// What is noted, the oldest beginning first: of what kind, since when, until when.
async fn noted(hub: &TestHub) -> Vec<Noted> {
    let now = hub.now();
    let rows =
        hub.hub.store.read(move |tx| Ok((incidents::ongoing(tx, 99)?, incidents::ended(tx, None, (now, "z"), 99)?)));
    let (ongoing, ended) = rows.await.unwrap();
    let noted = |row: &IncidentRow| (row.kind().unwrap(), row.began_at(), row.ended_at());
    let mut all: Vec<Noted> = ongoing.iter().chain(&ended).map(noted).collect();
    all.sort();
    all
}

async fn look(hub: &Hub) {
    Watch::default().look(hub).await.unwrap();
}

fn a_minute(hub: &TestHub) -> DateTime<Utc> {
    hub.after(TimeDelta::minutes(1)).now()
}

#[tokio::test]
async fn what_goes_wrong_is_noted_once_by_whichever_node_and_ends_when_it_is_right_again() {
    let hub = hub().await;
    let other = hub.another_node();
    look(&hub.hub).await;
    assert_eq!(noted(&hub).await, []);

    let (key, aside) = (hub.directory.join("hub.key"), hub.directory.join("aside"));
    std::fs::rename(&key, &aside).unwrap();
    let began = a_minute(&hub);
    look(&hub.hub).await;
    a_minute(&hub);
    look(&other).await;
    look(&hub.hub).await;
    assert_eq!(noted(&hub).await, [(IncidentKind::KeyFile, began, None)]);
    assert_eq!(hub.hub.metrics.incidents_open.get(), 1);

    std::fs::rename(&aside, &key).unwrap();
    let ended = a_minute(&hub);
    look(&other).await;
    look(&hub.hub).await;
    assert_eq!(noted(&hub).await, [(IncidentKind::KeyFile, began, Some(ended))]);
    assert_eq!(hub.hub.metrics.incidents_open.get(), 0);

    // Again is another one.
    std::fs::remove_file(&key).unwrap();
    let again = a_minute(&hub);
    look(&hub.hub).await;
    let all = [(IncidentKind::KeyFile, began, Some(ended)), (IncidentKind::KeyFile, again, None)];
    assert_eq!(noted(&hub).await, all);
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_an_incident_until_it_does() {
    let (hub, dispatcher) = pushing_hub_with(|config| {
        config.push.breaker_failures = 1;
        config.push.breaker_rest_seconds = 60;
    })
    .await;
    let robot = Robot::start(vec![Manner::status(503)]);
    bring(&hub, &robot).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    let began = hub.now();
    a_minute(&hub);
    look(&hub.hub).await;
    // It may be tried again, and was not yet.
    assert_eq!(noted(&hub).await, [(IncidentKind::Endpoint, began, None)]);

    hub.after(TimeDelta::minutes(5));
    dispatcher.drain().await.unwrap();
    look(&hub.hub).await;
    assert_eq!(noted(&hub).await, [(IncidentKind::Endpoint, began, Some(hub.now()))]);
}

#[tokio::test]
async fn a_job_that_fails_is_an_incident_until_it_does_not() {
    const FAILS: Job = Job {
        name: "sweep-records",
        vi: "",
        en: "",
        made_up: false,
        cron: |_| String::new(),
        run: |_| Box::pin(async { Err(ExchangeError::Unavailable("<script>alert(1)</script>".to_owned())) }),
    };
    let hub = hub().await;
    let well = JOBS.iter().find(|job| job.name == FAILS.name).unwrap();
    let began = a_minute(&hub);
    jobs::run_now(&hub.hub, &FAILS).await.unwrap_err();
    a_minute(&hub);
    jobs::run_now(&hub.hub, &FAILS).await.unwrap_err();
    look(&hub.hub).await;
    assert_eq!(noted(&hub).await, [(IncidentKind::Job, began, None)]);
    let mut browser = operator(&hub, "van.hanh").await;
    let text = browser.get("/portal/incidents").await.text.clone();
    assert!(text.contains("alert(1)") && !text.contains("<script>alert"), "{text}");

    let ended = a_minute(&hub);
    jobs::run_now(&hub.hub, well).await.unwrap();
    assert_eq!(noted(&hub).await, [(IncidentKind::Job, began, Some(ended))]);
}

#[tokio::test]
async fn a_node_that_goes_without_a_word_is_noted_and_ends_when_another_takes_its_place() {
    let hub = hub().await;
    nodes::tell(&hub.hub).await.unwrap();
    let other = hub.another_node();
    nodes::tell(&other).await.unwrap();
    let seen = hub.now();
    hub.after(TimeDelta::minutes(10));
    nodes::tell(&other).await.unwrap();
    look(&other).await;
    assert_eq!(noted(&hub).await, [(IncidentKind::Node, seen, None)], "the other one has a place of its own");
    // Seen again: it had only been held up.
    hub.after(TimeDelta::minutes(1));
    nodes::tell(&hub.hub).await.unwrap();
    look(&other).await;
    let held_up = (IncidentKind::Node, seen, Some(hub.now()));
    assert_eq!(noted(&hub).await, [held_up]);

    // After a crash a new process is there before anybody misses the old one.
    let crashed = hub.now();
    nodes::leave(&other).await.unwrap();
    hub.after(TimeDelta::seconds(20));
    let restarted = hub.another_node();
    let uptime = TimeDelta::from_std(restarted.uptime()).unwrap();
    hub.after(uptime);
    nodes::tell(&restarted).await.unwrap();
    hub.after(TimeDelta::minutes(10));
    nodes::tell(&restarted).await.unwrap();
    look(&restarted).await;
    look(&restarted).await;
    let all = noted(&hub).await;
    assert_eq!(all.len(), 2, "{all:?}");
    assert_eq!((all[0], all[1].1), (held_up, crashed));
    assert!(all[1].2.is_some_and(|back| back - crashed < TimeDelta::minutes(2)), "{all:?}");
    assert_eq!(nodes::list(&restarted).await.unwrap().len(), 1, "the old one is forgotten");
}

#[tokio::test]
async fn a_database_that_was_away_is_noted_when_it_is_back() {
    let (hub, away) = (hub().await, TestHub::start().await);
    away.hub.store.close();
    let mut watch = Watch::default();
    let began = away.now();
    watch.look(&away.hub).await.unwrap();
    away.after(TimeDelta::minutes(3));
    watch.look(&away.hub).await.unwrap();
    let ended = hub.after(TimeDelta::minutes(4)).now();
    watch.look(&hub.hub).await.unwrap();
    watch.look(&hub.hub).await.unwrap();
    assert_eq!(noted(&hub).await, [(IncidentKind::Database, began, Some(ended))]);
}

#[tokio::test]
async fn what_cannot_be_noted_is_noted_later_with_its_beginning() {
    let hub = hub().await;
    let mut watch = Watch::default();
    let key = hub.directory.join("hub.key");
    hub.run("ALTER TABLE incidents RENAME TO aside").await;
    std::fs::remove_file(&key).unwrap();
    let began = a_minute(&hub);
    watch.look(&hub.hub).await.unwrap_err();
    a_minute(&hub);
    watch.look(&hub.hub).await.unwrap_err();
    hub.run("ALTER TABLE aside RENAME TO incidents").await;
    let ended = a_minute(&hub);
    watch.look(&hub.hub).await.unwrap();
    assert_eq!(noted(&hub).await, [(IncidentKind::Database, began, Some(ended)), (IncidentKind::KeyFile, began, None)]);
}

#[tokio::test]
async fn nodes_that_could_not_say_that_they_are_there_are_not_missed_at_once() {
    let (hub, away) = (hub().await, TestHub::start().await);
    let other = hub.another_node();
    for node in [&hub.hub, &other] {
        nodes::tell(node).await.unwrap();
    }
    let seen = hub.now();
    away.hub.store.close();
    let mut watch = Watch::default();
    watch.look(&away.hub).await.unwrap();
    let back = hub.after(TimeDelta::minutes(10)).now();
    nodes::tell(&hub.hub).await.unwrap();
    watch.look(&hub.hub).await.unwrap();
    let outage = (IncidentKind::Database, away.now(), Some(back));
    assert_eq!(noted(&hub).await, [outage], "the other one had no way to say so");
    hub.after(TimeDelta::minutes(3));
    nodes::tell(&hub.hub).await.unwrap();
    watch.look(&hub.hub).await.unwrap();
    assert_eq!(noted(&hub).await, [outage, (IncidentKind::Node, seen, None)], "it had, by now");
}

#[tokio::test]
async fn operators_read_incidents_page_by_page_and_take_them_out_and_nobody_else_does() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.rows_max = 2;
        config.jobs.incidents_days = 30;
    })
    .await;
    let (key, aside) = (hub.directory.join("hub.key"), hub.directory.join("aside"));
    for _ in 0..5 {
        std::fs::rename(&key, &aside).unwrap();
        a_minute(&hub);
        look(&hub.hub).await;
        std::fs::rename(&aside, &key).unwrap();
        a_minute(&hub);
        look(&hub.hub).await;
    }
    std::fs::rename(&key, &aside).unwrap();
    a_minute(&hub);
    look(&hub.hub).await;
    let mut browser = operator(&hub, "van.hanh").await;
    assert!(browser.get("/portal/room").await.words().contains("Sự cố (1 đang xảy ra)"));
    let (mut place, mut ended) = ("/portal/incidents?kind=key_file".to_owned(), 0);
    for pages in 1.. {
        let page = browser.get(&place).await;
        assert_eq!(page.words().contains("Đang xảy ra (1)"), pages == 1, "{}", page.words());
        ended += page.text.matches("<td>1 phút</td>").count();
        let Some(next) = page.text.split("rel=\"next\" href=\"").nth(1) else {
            assert_eq!((pages, ended), (3, 5));
            break;
        };
        place = next.split('"').next().unwrap().replace("&#38;", "&");
    }
    assert!(browser.get("/portal/incidents?kind=disk").await.words().contains("Chưa có sự cố nào trong sổ."));
    let before = hub.count("SELECT count(*) FROM evidence").await;
    let table = browser.get("/portal/incidents/export?form=csv").await.text.clone();
    assert_eq!(table.lines().count(), 7, "{table}");
    assert!(table.contains("tệp khoá đã mất hoặc bị thay đổi"), "{table}");
    assert_eq!(hub.count("SELECT count(*) FROM evidence").await - before, 1, "what is taken out leaves evidence");
    assert_eq!(browser.get("/portal/incidents/export?form=exe").await.status, 404);
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    for place in ["/portal/incidents", "/portal/incidents/export?form=csv"] {
        assert_eq!(clerk.get(place).await.status, 404, "{place}");
    }

    // What is over goes after its time; what goes on stays.
    hub.after(TimeDelta::days(31));
    let sweep = JOBS.iter().find(|job| job.name == "sweep-records").unwrap();
    assert!(jobs::run_now(&hub.hub, sweep).await.unwrap().is_some_and(|swept| swept >= 5));
    assert_eq!(noted(&hub).await.len(), 1);
}
