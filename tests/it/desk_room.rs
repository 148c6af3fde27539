//! The operator's room: health at a glance, nodes, what agencies are told; and that looking again by itself keeps no session
//! alive.

use crate::desk::{operator, with_failures};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, make_findable};
use chrono::TimeDelta;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::{keys, nodes};
use docaxis::jobs;
use serde_json::Value;

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

#[tokio::test]
async fn the_room_tells_whether_the_hub_is_well_and_what_is_not() {
    let (hub, dispatcher, _robot) = with_failures(2).await;
    keys::add_key(&hub.hub, &By::Operator, "dms.commune", Some(7)).await.unwrap();
    jobs::run_now(&hub.hub, &jobs::JOBS[1]).await.unwrap();
    nodes::tell(&hub.hub).await.unwrap();
    let mut browser = operator(&hub, "van.hanh").await;
    hub.accepted("dms.national", a_document("w1").bytes()).await;

    let words = browser.get("/portal/room").await.words();
    for wanted in [
        "2 lượt lỗi chưa xử lý",
        "Cơ sở dữ liệu Tốt",
        "Thường 1 0 giây",
        "sweep-records",
        "Xong: ",
        "Khóa của hệ thống dms.commune",
        "nút này",
        "chưa cấu hình máy chủ thư",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    assert!(words.contains("Bên làm chứng sổ cái"), "{words}");
    assert!(!browser.page.text.contains("<dt>Khác</dt>"), "each line of health has a name: {words}");
    dispatcher.drain().await.unwrap();
    assert!(browser.get("/portal/room").await.words().contains("Không có gì chờ đẩy."));
}

#[tokio::test]
async fn how_far_the_search_index_is_behind_is_told() {
    let hub = hub().await;
    let mut browser = operator(&hub, "van.hanh").await;
    make_findable(&hub).await;
    let behind = async |hub: &TestHub| {
        let metrics = hub.client.get(hub.url("/metrics")).send().await.unwrap().text().await.unwrap();
        let line = metrics.lines().find(|line| line.starts_with("docaxis_search_index_behind_entries ")).unwrap();
        line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()
    };
    assert_eq!(behind(&hub).await, 0);
    assert!(browser.get("/portal/room").await.words().contains("chậm hơn 0 bút toán"));

    docaxis::exchange::following::SEARCH.begin_anew(&hub.hub, &docaxis::exchange::act::By::Operator).await.unwrap();

    assert!(behind(&hub).await > 3);
    assert!(!browser.get("/portal/room").await.words().contains("chậm hơn 0 bút toán"));
}

#[tokio::test]
async fn a_node_is_seen_until_it_stops_or_is_not_there_any_more() {
    let hub = hub().await;
    let other = hub.another_node();
    for node in [&hub.hub, &other, &other] {
        nodes::tell(node).await.unwrap();
    }
    let there = async || nodes::list(&hub.hub).await.unwrap().iter().map(|node| node.is_there).collect::<Vec<_>>();
    assert_eq!(there().await, [true, true]);

    hub.after(TimeDelta::minutes(5));
    nodes::tell(&hub.hub).await.unwrap();
    assert_eq!(there().await, [true, false], "it died");
    nodes::leave(&hub.hub).await.unwrap();
    assert_eq!(there().await, [false]);
    hub.after(TimeDelta::days(30));
    nodes::tell(&hub.hub).await.unwrap();
    assert_eq!(there().await, [true], "who died long ago is forgotten");
}

#[tokio::test]
async fn looking_again_by_itself_keeps_no_session_alive() {
    let hub = hub().await;
    let mut browser = operator(&hub, "van.hanh").await;
    for _ in 0..3 {
        hub.after(TimeDelta::minutes(2));
        let request = hub.client.get(hub.url("/portal/room")).header("docaxis-looks-again", "1");
        let session = browser.cookie("__Host-docaxis-session").unwrap();
        request.header("cookie", format!("__Host-docaxis-session={session}")).send().await.unwrap();
    }
    assert!(browser.get("/portal/room").await.leads_to().starts_with("/portal/sign-in"));
}

#[tokio::test]
async fn what_waits_is_counted_up_to_a_number_and_looks_cost_no_more() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.metrics.waiting_max = 2;
    })
    .await;
    let mut browser = operator(&hub, "van.hanh").await;
    for number in 0..3 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }

    let words = browser.get("/portal/stuck").await.words();

    assert!(words.contains("Tự lấy về 2"), "{words}");
    assert!(
        words.contains("Còn nhiều hơn những gì trang này đếm được; có nơi nhận không hiện ở đây."),
        "who comes last may be missing: {words}"
    );
    hub.after(TimeDelta::days(4));
    browser.sign_in("van.hanh", crate::support::portal::PASSWORD, "").await;
    assert!(browser.get("/portal/stuck").await.words().contains("Chờ quá lâu"));
}

#[tokio::test]
async fn agencies_are_told_what_an_operator_writes_for_its_time_only() {
    let hub = hub().await;
    let mut browser = operator(&hub, "van.hanh").await;
    let mut province = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let mut commune = Browser::of(&hub, "xa.mau", UserRole::Clerk, &["X99.C03"]).await;
    let text = "Nâng cấp lúc 22:00 <script>alert(1)</script>";
    browser.get("/portal/bulletins").await;
    let fields = [("text", text), ("from", ""), ("until", "2026-11-21T12:00"), ("agencies", "x99.b02, X99.B02")];
    browser.send("/portal/bulletins", &fields).await;
    assert_eq!(browser.page.status, 303, "{}", browser.page.words());
    browser.get("/portal/bulletins").await;
    let later =
        [("text", "Cho mọi nơi"), ("from", "2026-11-21T11:00"), ("until", "2026-11-21T12:00"), ("agencies", "")];
    browser.send("/portal/bulletins", &later).await;

    assert!(province.get("/portal/account").await.text.contains("Nâng cấp lúc 22:00 &#60;script&#62;"));
    assert!(!commune.get("/portal/account").await.text.contains("Nâng cấp"), "it is not for them");
    assert!(!province.page.text.contains("Cho mọi nơi"), "its time has not come");
    hub.after(TimeDelta::hours(2));
    for (browser, login) in [(&mut province, "lan"), (&mut commune, "xa.mau"), (&mut browser, "van.hanh")] {
        browser.sign_in(login, crate::support::portal::PASSWORD, "").await;
        assert!(browser.get("/portal/account").await.text.contains("Cho mọi nơi"));
    }
    let page = browser.get("/portal/bulletins").await;
    assert!(!page.text.contains("<script>"), "{}", page.text);
    let id = page.text.split("name=\"withdraw\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    for _ in 0..2 {
        browser.send("/portal/bulletins", &[("withdraw", id.as_str())]).await;
        browser.get("/portal/bulletins").await;
    }
    assert!(!commune.get("/portal/account").await.text.contains("Cho mọi nơi"), "it was taken back");
    hub.after(TimeDelta::hours(2));
    province.sign_in("lan", crate::support::portal::PASSWORD, "").await;
    assert!(!province.get("/portal/account").await.text.contains("Nâng cấp"), "its time is over");

    let facts: Vec<Value> = hub
        .evidence()
        .await
        .into_iter()
        .filter(|row| row.event == "docaxis:BulletinChanged")
        .map(|row| serde_json::from_str(&row.facts).unwrap())
        .collect();
    let acts: Vec<&str> = facts.iter().map(|facts| facts["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["published", "published", "withdrawn"]);
    assert!(facts.iter().all(|facts| facts["by_user"].is_string()) && facts[0]["agencies"][0] == "X99.B02");
}

#[tokio::test]
async fn a_bulletin_that_cannot_be_shown_is_refused() {
    let hub = hub().await;
    let mut browser = operator(&hub, "van.hanh").await;
    let long = "x".repeat(2001);
    for (text, from, until, agencies) in [
        ("", "", "2026-11-22T12:00", ""),
        (long.as_str(), "", "2026-11-22T12:00", ""),
        ("Bảo trì", "", "", ""),
        ("Bảo trì", "", "2026-11-20T12:00", ""),
        ("Bảo trì", "2026-11-23T12:00", "2026-11-22T12:00", ""),
        ("Bảo trì", "hôm nay", "2026-11-22T12:00", ""),
        ("Bảo trì", "", "2026-11-22T12:00", "X99.B02 X99.NOBODY"),
    ] {
        browser.get("/portal/bulletins").await;
        let fields = [("text", text), ("from", from), ("until", until), ("agencies", agencies)];
        assert_eq!(browser.send("/portal/bulletins", &fields).await.status, 400, "{from} {until} {agencies}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM bulletins").await, 0);
}
