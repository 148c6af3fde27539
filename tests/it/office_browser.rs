//! The administrator's screens in a real browser: a key by two people and a merge, each by keyboard alone; readable to everybody,
//! pictures for the eye. On SQLite only, as `portal_browser` says.

use crate::office::{administrator, hub, propose_key};
use crate::portal_browser::{is_here, let_in, look_through};
use crate::push::{bring, pushing_hub_with};
use crate::support::chromium::Chromium;
use crate::support::packets::a_document;
use crate::support::robot::Robot;
use docaxis::exchange::keys;
use fantoccini::key::Key;

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_proposed_agreed_to_and_taken_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = hub().await;
    administrator(&hub, "mot").await;
    administrator(&hub, "hai").await;
    let one = Chromium::open((1366, 768)).await;
    let_in(&one, &hub, "mot").await;
    one.tab_to("a[href=\"/portal/systems\"]").await;
    one.press(&[Key::Enter]).await;
    one.text_of("tbody").await;
    one.tab_to("a[href=\"/portal/systems/dms.province\"]").await;
    one.press(&[Key::Enter]).await;
    one.text_of("#keys").await;
    one.tab_to("#why-key").await;
    one.type_text("Đơn vị thay phần mềm").await;
    one.press(&[Key::Enter]).await;
    assert!(one.text_of("main .notice").await.contains("Cần một quản trị viên khác duyệt"));

    let two = Chromium::open((1366, 768)).await;
    let_in(&two, &hub, "hai").await;
    two.window.goto(&hub.url("/portal/grants")).await.unwrap();
    two.tab_to("tbody a").await;
    two.press(&[Key::Enter]).await;
    two.text_of("#now").await;
    two.tab_to("button[value=\"approve\"]").await;
    two.press(&[Key::Enter]).await;
    assert!(two.text_of("h1").await.contains("Đã duyệt"));
    two.close().await;

    one.window.refresh().await.unwrap();
    one.tab_to("button[value=\"take\"]").await;
    one.press(&[Key::Enter]).await;
    assert!(one.text_of("main .notice").await.contains("Chỉ hiện lần này"));
    assert!(one.serious_faults().await.is_empty());
    one.picture("office-secret").await;
    one.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_is_looked_at_and_confirmed_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = hub().await;
    administrator(&hub, "mot").await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.C03"]).bytes()).await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "mot").await;
    chromium.window.goto(&hub.url("/portal/agencies?name=xa+mau")).await.unwrap();
    chromium.tab_to("a[href=\"/portal/agencies/X99.C03\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".verdict").await;
    chromium.tab_to("a[href$=\"/close\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.tab_to("#successor").await;
    chromium.type_text("X99.B02").await;
    chromium.tab_to("#day").await;
    // In which order a day is typed is the browser's business.
    chromium.window.execute("document.activeElement.value = '2027-01-01'", Vec::new()).await.unwrap();
    chromium.press(&[Key::Enter]).await;
    let told = chromium.text_of(".verdict").await;
    assert!(told.contains("01/01/2027") && told.contains("X99.B02"), "{told}");
    chromium.picture("office-merge").await;
    assert!(chromium.serious_faults().await.is_empty());
    chromium.tab_to("button[value=\"confirm\"]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("#facts + dl").await.contains("31/12/2026"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_screen_of_the_office_has_a_serious_fault_or_runs_out_of_the_window() {
    if !is_here() {
        return;
    }
    let (hub, _dispatcher) = pushing_hub_with(|config| config.portal.second_factor = false).await;
    bring(&hub, &Robot::start(Vec::new())).await;
    hub.waiting("dms.national").await;
    keys::note_uses(&hub.hub).await.unwrap();
    let grant = propose_key(&mut administrator(&hub, "mot").await).await;
    administrator(&hub, "hai").await;
    let pages = [
        ("agencies", "/portal/agencies"),
        ("agency", "/portal/agencies/X99.B02"),
        ("agency-new", "/portal/new-agency"),
        ("agency-change", "/portal/agencies/X99.B02/change"),
        ("agency-close", "/portal/agencies/X99.B02/close"),
        ("systems", "/portal/systems"),
        ("system", "/portal/systems/dms.province"),
        ("grants", "/portal/grants"),
        ("grant", &grant),
    ];
    look_through(&hub, "hai", ("office", &pages)).await;
}
