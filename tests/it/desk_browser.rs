//! The operator's screens in a real browser: the main task of each by keyboard alone, readable to everybody, pictures for the
//! eye. On SQLite only, as `portal_browser` says.

use crate::desk::{operator, propose, with_failures};
use crate::portal_browser::{is_here, let_in, look_through};
use crate::support::TestHub;
use crate::support::chromium::Chromium;
use crate::support::packets::a_document;
use chrono::TimeDelta;
use docaxis::exchange::act::By;
use docaxis::exchange::incidents::Watch;
use docaxis::exchange::{endpoints, redrives};
use fantoccini::key::Key;

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_starts_anew_and_pauses_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let (hub, dispatcher, _robot) = with_failures(2).await;
    operator(&hub, "van.hanh").await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "van.hanh").await;

    chromium.tab_to("a[href=\"/portal/stuck\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#failed").await;
    chromium.tab_to("a[href^=\"/portal/redrives/new\"]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".verdict").await.contains("2 lượt gửi"));
    chromium.tab_to("#reason").await;
    chromium.type_text("Bên nhận đã sửa phần mềm").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("#progress").await.contains("Tiến độ"));
    assert_eq!(redrives::work(&hub.hub).await.unwrap(), 2);
    hub.after(TimeDelta::minutes(1));
    dispatcher.drain().await.unwrap();
    chromium.window.refresh().await.unwrap();
    assert!(chromium.text_of("main").await.contains("2 đã nhận"));

    chromium.tab_to("a[href=\"/portal/recipients/X99.B02\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#queue").await;
    chromium.tab_to("#why").await;
    chromium.type_text("bảo trì đến 18:00").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".tag.waiting").await.contains("Tạm dừng: bảo trì đến 18:00"));
    chromium.close().await;
}

/// A hub on which something of everything is stuck; answers a re-drive that waits for a second person, and one that runs.
async fn troubled() -> (TestHub, String) {
    let (hub, dispatcher, robot) = with_failures(3).await;
    let mut one = operator(&hub, "mot").await;
    operator(&hub, "van.hanh").await;
    let proposed = propose(&mut one, "60", "Bên nhận đã sửa phần mềm, xin gửi lại cả nhóm").await;
    hub.accepted("dms.national", a_document("w1").to(&["X99.C03"]).bytes()).await;
    endpoints::pause(&hub.hub, &By::Operator, "X99.B02", "bảo trì đến 18:00").await.unwrap();
    for number in 0..3 {
        hub.accepted("dms.national", a_document(&format!("p{number}")).bytes()).await;
    }
    dispatcher.drain().await.unwrap();
    drop(robot);
    // An incident that is over, and one that goes on.
    let (key, aside) = (hub.directory.join("hub.key"), hub.directory.join("aside"));
    for (from, to) in [(&key, &aside), (&aside, &key), (&key, &aside)] {
        std::fs::rename(from, to).unwrap();
        hub.after(TimeDelta::minutes(2));
        Watch::default().look(&hub.hub).await.unwrap();
    }
    (hub, proposed)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_screen_of_the_desk_has_a_serious_fault_or_runs_out_of_the_window() {
    if !is_here() {
        return;
    }
    let (hub, proposed) = troubled().await;
    let pages = [
        ("room", "/portal/room"),
        ("incidents", "/portal/incidents"),
        ("bulletins", "/portal/bulletins"),
        ("stuck", "/portal/stuck"),
        ("preview", "/portal/redrives/new?agency=X99.B02&cause=refused"),
        ("preview-empty", "/portal/redrives/new?agency=X99.C03&cause=busy"),
        ("redrives", "/portal/redrives"),
        ("redrive", &proposed),
        ("recipient", "/portal/recipients/X99.B02"),
        ("recipient-pickup", "/portal/recipients/X99.C03"),
    ];
    look_through(&hub, "van.hanh", ("desk", &pages)).await;
}
