//! Destroying contents in a real browser: two people, each by keyboard alone; readable to everybody, pictures for the eye. On
//! SQLite only, as `portal_browser` says.

use crate::portal_browser::{is_here, let_in, look_through};
use crate::purge::{a_year_later, propose, with_one, work};
use crate::support::chromium::Chromium;
use crate::support::portal::Browser;
use chrono::TimeDelta;
use docaxis::domain::retention::Scope;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::holds;
use fantoccini::key::Key;

#[tokio::test(flavor = "multi_thread")]
async fn one_proposes_and_another_agrees_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let (hub, _) = with_one(10).await;
    a_year_later(&hub).await;
    for login in ["mot", "hai"] {
        Browser::of(&hub, login, UserRole::Operator, &[]).await;
    }
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "mot").await;
    chromium.tab_to("a[href=\"/portal/room\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#health").await;
    chromium.tab_to("a[href=\"/portal/purges\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".empty").await;
    chromium.tab_to("a[href=\"/portal/purges/new\"]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".verdict").await.contains("1 gói tin được phép tiêu hủy"));
    chromium.tab_to("#reason").await;
    chromium.type_text("Hết thời hạn lưu quý này").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#progress").await;
    assert!(chromium.text_of("main").await.contains("Cần một người vận hành hoặc quản trị khác"));
    chromium.close().await;

    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "hai").await;
    chromium.window.goto(&hub.url("/portal/purges")).await.unwrap();
    chromium.tab_to("tbody a").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#progress").await;
    chromium.tab_to("button[value=\"approve\"]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("h1").await.contains("Đang thực hiện"));
    assert_eq!(work(&hub).await, 1);
    chromium.window.refresh().await.unwrap();
    assert!(chromium.text_of("main").await.contains("Tải chứng nhận tiêu hủy"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_screen_of_it_has_a_serious_fault_or_runs_out_of_the_window() {
    if !is_here() {
        return;
    }
    let (hub, receipt) = with_one(10).await;
    a_year_later(&hub).await;
    let scope = Scope { agency: Some("X99.C03".to_owned()), ..Scope::default() };
    let held = holds::place(&hub.hub, &By::Operator, scope.clone(), "Thanh tra đang xem xét").await.unwrap();
    holds::lift(&hub.hub, &By::Operator, &held, "Thanh tra đã kết luận").await.unwrap();
    holds::place(&hub.hub, &By::Operator, scope, "Khiếu nại số 12/KN-UBND").await.unwrap();
    let mut one = Browser::of(&hub, "mot", UserRole::Operator, &[]).await;
    Browser::of(&hub, "hai", UserRole::Operator, &[]).await;
    let purge = propose(&mut one).await;
    hub.after(TimeDelta::minutes(1));
    let document = format!("/portal/documents/{}", receipt["envelope_id"].as_str().unwrap());
    let pages = [
        ("purges", "/portal/purges"),
        ("purge-preview", "/portal/purges/new"),
        ("purge", purge.as_str()),
        ("holds", "/portal/holds"),
        ("document-destroyed", document.as_str()),
    ];
    look_through(&hub, "hai", ("desk", &pages)).await;
}
