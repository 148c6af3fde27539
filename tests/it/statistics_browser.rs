//! The statistics in a real browser: by keyboard alone, readable to everybody, pictures for the eye. On SQLite only, as
//! `portal_browser` says.

use crate::desk::operator;
use crate::portal_browser::{is_here, let_in};
use crate::statistics::{count, exchange};
use crate::support::TestHub;
use crate::support::chromium::Chromium;
use crate::support::portal::Browser;
use docaxis::domain::user::UserRole;
use fantoccini::key::Key;

async fn hub() -> TestHub {
    let hub = TestHub::start_with(|config| config.portal.second_factor = false).await;
    exchange(&hub).await;
    count(&hub).await;
    operator(&hub, "van.hanh").await;
    Browser::of(&hub, "lan.vp", UserRole::Clerk, &["X99.B02", "X99.C03"]).await;
    hub
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_chooses_agency_and_time_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = hub().await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "lan.vp").await;

    chromium.tab_to("a[href=\"/portal/statistics\"]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("main").await.contains("Văn bản nhận về"));
    chromium.tab_to("#agency").await;
    chromium.press(&[Key::Down, Key::Tab, Key::Up, Key::Tab, Key::Enter]).await;
    let shown = chromium.window.current_url().await.unwrap();
    assert!(shown.query().unwrap().contains("agency=X99.B02&period=7"), "{shown}");
    assert!(chromium.text_of("#received-measures + .scroll").await.contains("Tỷ lệ tiếp nhận đúng hạn"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_statistics_have_no_serious_fault_and_stay_in_the_window() {
    if !is_here() {
        return;
    }
    let hub = hub().await;
    let mut faults = Vec::new();
    for (name, size) in [("statistics", (1366, 768)), ("statistics-telephone", (500, 900))] {
        for login in ["van.hanh", "lan.vp"] {
            let chromium = Chromium::open(size).await;
            let_in(&chromium, &hub, login).await;
            let place = hub.url("/portal/statistics?period=2026-11");
            faults.extend(chromium.look_at(&place, &format!("{name}-{login}")).await);
            chromium.close().await;
        }
    }
    assert_eq!(faults, Vec::<String>::new());
}
