//! What operators see and mend in the portal: what is stuck, how recipients are doing, what is started anew, and by how many
//! people.

use crate::push::{bring, pushing_hub_with};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, PASSWORD};
use crate::support::robot::{Manner, Robot};
use chrono::TimeDelta;
use docaxis::domain::cause::Cause;
use docaxis::domain::user::UserRole;
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::redrives;
use docaxis::http::{Operation, ROUTES, portal::PortalOperation};
use docaxis::jobs::{self, JOBS};
use serde_json::Value;
use std::sync::Arc;

const GROUP: &str = "/portal/redrives/new?agency=X99.B02&cause=refused";

/// A hub, a robot at X99.B02's endpoint, and so many documents that it refused; one person may start two anew.
pub async fn with_failures(number: usize) -> (TestHub, Arc<Dispatcher>, Robot) {
    let (hub, dispatcher) = pushing_hub_with(|config| {
        config.portal.second_factor = false;
        config.portal.redrive_alone_max = 2;
    })
    .await;
    let robot = Robot::start(vec![Manner::status(422); number]);
    bring(&hub, &robot).await;
    for document in 0..number {
        hub.accepted("dms.national", a_document(&format!("d{document}")).bytes()).await;
    }
    dispatcher.drain().await.unwrap();
    (hub, dispatcher, robot)
}

pub async fn operator<'h>(hub: &'h TestHub, login: &str) -> Browser<'h> {
    Browser::of(hub, login, UserRole::Operator, &[]).await
}

/// Does the work of one minute.
async fn minute(hub: &TestHub) -> usize {
    let job = JOBS.iter().find(|job| job.name == "redrive").unwrap();
    hub.after(TimeDelta::minutes(1));
    jobs::run_due(&hub.hub, job, hub.now()).await.unwrap().unwrap()
}

/// Proposes the group of what X99.B02 refused; answers where it leads.
pub async fn propose(browser: &mut Browser<'_>, per_minute: &str, reason: &str) -> String {
    browser.get(GROUP).await;
    let fields = [("agency", "X99.B02"), ("cause", "refused"), ("per_minute", per_minute), ("reason", reason)];
    browser.send("/portal/redrives", &fields).await;
    assert_eq!(browser.page.status, 303, "{}", browser.page.words());
    browser.page.leads_to().to_owned()
}

/// Takes a step with a re-drive; answers the status.
async fn step(browser: &mut Browser<'_>, place: &str, step: &str) -> u16 {
    browser.get("/portal/account").await;
    browser.send(place, &[("step", step)]).await.status
}

/// Facts of what happened to re-drives, oldest first.
async fn redriven(hub: &TestHub) -> Vec<Value> {
    let all = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:RedriveChanged");
    all.map(|row| serde_json::from_str(&row.facts).unwrap()).collect()
}

#[tokio::test]
async fn what_failed_is_seen_by_cause_and_started_anew_minute_by_minute() {
    let (hub, dispatcher, mut robot) = with_failures(2).await;
    let mut browser = operator(&hub, "van.hanh").await;
    let words = browser.get("/portal/stuck").await.words();
    assert!(words.contains("Không chuyển được, chưa xử lý (2)"), "{words}");
    assert!(words.contains("Phần mềm bên nhận từ chối gói tin refused 2"), "{words}");
    let words = browser.get(GROUP).await.words();
    assert!(words.contains("answered 422") && words.contains("Sẽ gửi lại"), "{words}");
    robot.taken();

    let place = propose(&mut browser, "1", "Bên nhận đã sửa phần mềm").await;
    assert!(browser.get(&place).await.words().contains("0/2"), "{}", browser.page.words());
    assert_eq!(minute(&hub).await, 1);
    assert_eq!(step(&mut browser, &place, "pause").await, 303);
    assert_eq!(minute(&hub).await, 0, "nothing while it is paused");
    assert_eq!(step(&mut browser, &place, "resume").await, 303);
    assert_eq!((minute(&hub).await, minute(&hub).await), (1, 0));
    dispatcher.drain().await.unwrap();

    let words = browser.get(&place).await.words();
    assert!(words.contains("Đã xong") && words.contains("2/2") && words.contains("2 đã nhận"), "{words}");
    assert_eq!(robot.taken().len(), 2);
    assert!(browser.get("/portal/stuck").await.words().contains("Không có lượt gửi nào lỗi"));
    let facts = redriven(&hub).await;
    let acts: Vec<&str> = facts.iter().map(|facts| facts["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["proposed", "pause", "resume", "done"]);
    assert!(facts[..3].iter().all(|facts| facts["by_user"].is_string()) && facts[3]["door"] == "hub", "{facts:?}");
    assert_eq!((&facts[3]["started"], &facts[0]["reason"]), (&2.into(), &"Bên nhận đã sửa phần mềm".into()));
    let directed: Vec<Value> = hub
        .evidence()
        .await
        .into_iter()
        .filter(|row| row.event == "docaxis:DeliveryDirected")
        .map(|row| serde_json::from_str(&row.facts).unwrap())
        .collect();
    assert!(directed.len() == 2 && directed.iter().all(|one| one["redrive_id"] == facts[0]["redrive_id"]));
}

#[tokio::test]
async fn many_are_started_only_when_another_person_agrees() {
    let (hub, _dispatcher, _robot) = with_failures(3).await;
    let mut one = operator(&hub, "mot").await;
    let mut two = Browser::of(&hub, "hai", UserRole::Administrator, &[]).await;
    assert!(one.get(GROUP).await.words().contains("Nhiều hơn 2 lượt"), "{}", one.page.words());
    let place = propose(&mut one, "60", "Bên nhận đã sửa phần mềm").await;
    assert_eq!(minute(&hub).await, 0, "nobody agreed");

    let mut same_elsewhere = Browser::new(&hub);
    same_elsewhere.sign_in("mot", PASSWORD, "").await;
    for browser in [&mut one, &mut same_elsewhere] {
        assert!(!browser.get(&place).await.text.contains("value=\"approve\""));
        for decision in ["approve", "refuse"] {
            assert_eq!(step(browser, &place, decision).await, 403, "{decision}");
        }
    }
    assert_eq!(minute(&hub).await, 0);
    two.sign_in("hai", PASSWORD, "").await;
    assert!(two.get(&place).await.text.contains("value=\"approve\""));
    assert_eq!(step(&mut two, &place, "approve").await, 303);
    assert_eq!(step(&mut two, &place, "approve").await, 409, "it was decided");
    assert_eq!(minute(&hub).await, 3);

    assert!(two.get(&place).await.words().contains("Người dùng hai"));
    let facts = redriven(&hub).await;
    let people: Vec<&str> = facts.iter().filter_map(|facts| facts["by_user"].as_str()).collect();
    assert!(people.len() == 2 && people[0] != people[1], "{facts:?}");
}

#[tokio::test]
async fn a_proposal_is_refused_taken_back_or_lapses() {
    let (hub, _dispatcher, _robot) = with_failures(3).await;
    let mut one = operator(&hub, "mot").await;
    let mut two = operator(&hub, "hai").await;

    let refused = propose(&mut one, "60", "Bên nhận đã sửa phần mềm").await;
    two.get(GROUP).await;
    let again = [("agency", "X99.B02"), ("cause", "refused"), ("per_minute", "1"), ("reason", "Cùng nhóm, lần hai")];
    let open = "Nhóm này đang được gửi lại hoặc chờ duyệt";
    assert!(two.page.words().contains(open));
    two.get("/portal/account").await;
    assert_eq!(two.send("/portal/redrives", &again).await.status, 409, "one at a time");
    assert_eq!(step(&mut two, &refused, "refuse").await, 303);
    let taken_back = propose(&mut one, "60", "Thử đề xuất lần nữa").await;
    assert_eq!(step(&mut one, &taken_back, "stop").await, 303);
    let lapsed = propose(&mut one, "60", "Đề xuất không ai duyệt").await;
    hub.after(TimeDelta::hours(24));
    two.sign_in("hai", PASSWORD, "").await;
    assert_eq!(step(&mut two, &lapsed, "approve").await, 409, "too late");
    assert_eq!(minute(&hub).await, 0);

    let words = two.get("/portal/redrives").await.words();
    for state in ["Không được duyệt", "Đã dừng hẳn", "Hết hạn chờ duyệt"] {
        assert!(words.contains(state), "{state}: {words}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM failures").await, 3, "nothing was started");
    assert_eq!(hub.count("SELECT count(*) FROM redrives WHERE decided_by = proposed_by").await, 0);
    let acts: Vec<Value> = redriven(&hub).await.into_iter().map(|facts| facts["act"].clone()).collect();
    assert_eq!(acts, ["proposed", "refuse", "proposed", "stop", "proposed", "lapsed"]);
}

#[tokio::test]
async fn what_was_recalled_is_not_sent_and_what_fails_later_is_not_meant() {
    let (hub, dispatcher, robot) = with_failures(2).await;
    let mut browser = operator(&hub, "van.hanh").await;
    hub.accepted("dms.national", a_document("r1").recalling("d0").bytes()).await;
    dispatcher.drain().await.unwrap();
    let place = propose(&mut browser, "60", "Bên nhận đã sửa phần mềm").await;
    robot.behave(vec![Manner::status(400); 1]);
    hub.after(TimeDelta::seconds(1));
    hub.accepted("dms.national", a_document("d9").bytes()).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(minute(&hub).await, 2);
    assert_eq!(minute(&hub).await, 0);

    let words = browser.get(&place).await.words();
    assert!(words.contains("Lượt mới đã tạo: 1") && words.contains("thu hồi hoặc thay thế: 1"), "{words}");
    assert_eq!(hub.count("SELECT count(*) FROM failures").await, 1, "what failed later is still to be mended");
}

#[tokio::test]
async fn two_nodes_that_work_at_once_start_nothing_twice() {
    let (hub, _dispatcher, _robot) = with_failures(2).await;
    let mut browser = operator(&hub, "van.hanh").await;
    propose(&mut browser, "60", "Bên nhận đã sửa phần mềm").await;

    let other = hub.another_node();
    let (one, two) = tokio::join!(redrives::work(&hub.hub), redrives::work(&other));
    assert_eq!(one.unwrap() + two.unwrap(), 2);

    assert_eq!(hub.count("SELECT count(*) FROM deliveries WHERE occurrence LIKE 'anew:%'").await, 2);
    assert_eq!(hub.count("SELECT started FROM redrives").await, 2);
    assert_eq!(hub.count("SELECT count(*) FROM redriven_deliveries").await, 2);
}

#[tokio::test]
async fn each_failure_stands_under_its_cause_until_it_is_mended() {
    let (hub, dispatcher, robot) = with_failures(0).await;
    let causes = [(413, "too-large"), (401, "access"), (404, "address"), (422, "refused")];
    for (number, (status, _)) in causes.iter().enumerate() {
        robot.behave(vec![Manner::status(*status)]);
        hub.accepted("dms.national", a_document(&format!("c{number}")).bytes()).await;
        dispatcher.drain().await.unwrap();
    }
    robot.behave(vec![Manner::status(503)]);
    hub.accepted("dms.national", a_document("busy").bytes()).await;
    dispatcher.drain().await.unwrap();
    hub.after(TimeDelta::hours(3));
    dispatcher.drain().await.unwrap();
    for cause in causes.iter().map(|(_, cause)| *cause).chain(["busy"]) {
        let count = hub.count(&format!("SELECT count(*) FROM failures WHERE cause = '{cause}'")).await;
        assert_eq!(count, 1, "{cause}");
        assert!(Cause::of_code(cause).is_some());
    }

    robot.behave(Vec::new());
    hub.program().done(&["queue", "start-anew", "X99.B02", "--apply"]);
    dispatcher.drain().await.unwrap();
    assert_eq!(hub.count("SELECT count(*) FROM failures").await, 0, "started by whichever door");
}

#[tokio::test]
async fn a_recipient_is_paused_and_its_queue_directed_with_a_reason() {
    let (hub, dispatcher, mut robot) = with_failures(0).await;
    let mut browser = operator(&hub, "van.hanh").await;
    let place = "/portal/recipients/X99.B02";
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    robot.taken();

    browser.get(place).await;
    assert_eq!(browser.send(place, &[("step", "pause"), ("reason", " ")]).await.status, 400, "a reason is wanted");
    browser.get(place).await;
    assert_eq!(browser.send(place, &[("step", "pause"), ("reason", "bảo trì đến 18:00")]).await.status, 303);
    let receipt = hub.accepted("dms.national", a_document("d2").bytes()).await;
    let push = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    assert_eq!(dispatcher.drain().await.unwrap(), 0);
    let words = browser.get(place).await.words();
    assert!(words.contains("Tạm dừng: bảo trì đến 18:00") && words.contains("(trung vị)"), "{words}");
    assert!(browser.get("/portal/stuck").await.words().contains("Tạm dừng: bảo trì đến 18:00"));

    browser.get(place).await;
    browser.send(place, &[("step", "hold"), ("push", push), ("reason", "chờ bên gửi")]).await;
    browser.get(place).await;
    browser.send(place, &[("step", "resume")]).await;
    assert_eq!(dispatcher.drain().await.unwrap(), 0, "it is held");
    browser.get(place).await;
    assert!(browser.page.words().contains("Đang giữ lại"));
    browser.send(place, &[("step", "release"), ("push", push), ("reason", "bên gửi đồng ý")]).await;
    dispatcher.drain().await.unwrap();

    assert_eq!(robot.taken().len(), 1);
    let facts: Vec<Value> = hub
        .evidence()
        .await
        .into_iter()
        .filter(|row| row.event == "docaxis:DeliveryDirected")
        .map(|row| serde_json::from_str(&row.facts).unwrap())
        .collect();
    let told = facts.iter().map(|facts| (facts["act"].as_str().unwrap(), facts["reason"].as_str().unwrap()));
    assert_eq!(told.collect::<Vec<_>>(), [("held", "chờ bên gửi"), ("released", "bên gửi đồng ý")]);
    assert!(facts.iter().all(|facts| facts["by_user"].is_string()));
    browser.get("/portal/account").await;
    assert_eq!(browser.send(place, &[("step", "now"), ("push", push)]).await.status, 409, "it is there");
    assert_eq!(browser.get("/portal/recipients/X99.NOBODY").await.status, 404);
    assert_eq!(browser.get("/portal/recipients/events%3Anobody").await.status, 404);
}

#[tokio::test]
async fn what_failed_at_a_neighbouring_hub_is_not_started_anew_here() {
    let (hub, _dispatcher, _robot) = with_failures(1).await;
    hub.run("UPDATE failures SET cause = 'beyond'").await;
    let mut browser = operator(&hub, "van.hanh").await;
    let said = "Lượt này phải gửi lại ở trục lân cận; gửi lại từ đây không có tác dụng";

    for place in ["/portal/stuck", "/portal/recipients/X99.B02"] {
        let page = browser.get(place).await;
        assert!(page.words().contains(said), "{place}: {}", page.words());
        assert!(!page.text.contains("/portal/redrives/new"), "{place}");
    }
    assert_eq!(browser.get("/portal/redrives/new?agency=X99.B02&cause=beyond").await.status, 400);
    assert!(browser.page.text.contains(said));
    browser.get("/portal/account").await;
    let fields =
        [("agency", "X99.B02"), ("cause", "beyond"), ("per_minute", "1"), ("reason", "Bên nhận đã sửa phần mềm")];
    assert_eq!(browser.send("/portal/redrives", &fields).await.status, 400);

    assert_eq!(minute(&hub).await, 0);
    assert_eq!(hub.count("SELECT count(*) FROM redrives").await, 0);
    assert_eq!(hub.count("SELECT count(*) FROM failures").await, 1, "it is still to be mended");
}

#[tokio::test]
async fn nothing_of_it_is_there_for_clerks_and_auditors_nor_for_forms_of_other_sites() {
    let (hub, _dispatcher, _robot) = with_failures(3).await;
    let mut one = operator(&hub, "mot").await;
    let place = propose(&mut one, "60", "Bên nhận đã sửa phần mềm").await;
    let id = place.rsplit('/').next().unwrap();
    let mut clerk = Browser::of(&hub, "van.thu", UserRole::Clerk, &["X99.B02", "X99.A01"]).await;
    let mut auditor = Browser::of(&hub, "thanh.tra", UserRole::Auditor, &["X99.B02"]).await;
    let mut nobody = Browser::new(&hub);
    let mut two = operator(&hub, "hai").await;
    let before = hub.count("SELECT count(*) FROM evidence").await;
    let fields = [
        ("agency", "X99.B02"),
        ("cause", "refused"),
        ("per_minute", "1"),
        ("reason", "một lý do đủ dài"),
        ("step", "approve"),
    ];
    let of_desk = |operation: Operation| matches!(operation, Operation::Portal(PortalOperation::Desk(_)));
    let routes: Vec<_> = ROUTES.iter().filter(|route| of_desk(route.operation)).collect();
    for route in &routes {
        let named = if route.path.contains("recipients") { "X99.B02" } else { id };
        let path = route.path.replace("{id}", named);
        if route.methods[0].name() == "GET" {
            let path = format!("{path}?agency=X99.B02&cause=refused");
            for browser in [&mut clerk, &mut auditor] {
                assert_eq!(browser.get(&path).await.status, 404, "{path}");
                assert!(!browser.page.text.contains("sửa phần mềm"));
            }
            assert!(nobody.get(&path).await.leads_to().starts_with("/portal/sign-in"), "{path}");
        } else {
            for browser in [&mut clerk, &mut auditor] {
                browser.get("/portal/account").await;
                let steps = ["approve", "pause"].map(|step| [&fields[..4], &[("step", step)]].concat());
                for fields in steps {
                    let status = browser.send(&path, &fields).await.status;
                    assert!(status == 404 || (status == 400 && path.contains("recipients")), "{path}: {status}");
                    browser.get("/portal/account").await;
                }
            }
            assert!(nobody.send_bare(&path, &fields).await.leads_to().starts_with("/portal/sign-in"), "{path}");
            let foreign = [&fields[..], &[("form_token", "of another site")]].concat();
            assert_eq!(two.send_bare(&path, &foreign).await.status, 403, "{path}");
        }
    }
    assert!(routes.len() > 6);
    assert_eq!(hub.count("SELECT count(*) FROM evidence").await, before, "nothing was done");
    assert_eq!(minute(&hub).await, 0);
}

#[tokio::test]
async fn what_looks_like_markup_is_shown_as_it_is_at_the_desk() {
    let (hub, _dispatcher, _robot) = with_failures(1).await;
    let mut browser = operator(&hub, "van.hanh").await;
    let bad = "\"><script>alert(1)</script>";
    let place = propose(&mut browser, "1", &format!("{bad} một lý do")).await;
    browser.get("/portal/recipients/X99.B02").await;
    browser.send("/portal/recipients/X99.B02", &[("step", "pause"), ("reason", bad)]).await;
    for place in ["/portal/stuck", GROUP, "/portal/redrives", &place, "/portal/recipients/X99.B02"] {
        let page = browser.get(place).await;
        assert_eq!(page.status, 200, "{place}");
        assert!(!page.text.contains("<script>"), "{place}: {}", page.text);
    }
    assert!(browser.get(&place).await.words().contains(bad));
    for odd in ["agency=%22%3E%3Cscript%3E&cause=refused", "agency=X99.B02&cause=%3Cscript%3E", "agency=&cause="] {
        let page = browser.get(&format!("/portal/redrives/new?{odd}")).await;
        assert!(page.status == 404 && !page.text.contains("<script>"), "{odd}");
    }
    for (per_minute, reason) in
        [("0", "một lý do đủ dài"), ("601", "một lý do đủ dài"), ("x", "một lý do đủ dài"), ("1", "ngắn")]
    {
        browser.get("/portal/account").await;
        let fields = [("agency", "X99.B02"), ("cause", "busy"), ("per_minute", per_minute), ("reason", reason)];
        assert_eq!(browser.send("/portal/redrives", &fields).await.status, 400, "{per_minute} {reason}");
    }
}
