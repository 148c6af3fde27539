//! The main task of those screens that no other file of browser tests has, by keyboard alone; and what the printer gets. On
//! SQLite only, as `portal_browser` says.

use crate::portal_browser::{busy, is_here, let_in};
use crate::portal_sign_in::code;
use crate::support::TestHub;
use crate::support::chromium::Chromium;
use crate::support::portal::Browser;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::users::{self, Newcomer};
use fantoccini::key::Key;

async fn window_of(hub: &TestHub, (login, role): (&str, UserRole)) -> Chromium {
    Browser::of(hub, login, role, &[]).await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, hub, login).await;
    chromium
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_tells_agencies_something_and_takes_it_back_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = window_of(&hub, ("van.hanh", UserRole::Operator)).await;
    chromium.tab_to("a[href=\"/portal/room\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".verdict").await;
    chromium.tab_to("a[href=\"/portal/bulletins\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#text").await;
    chromium.tab_to("#text").await;
    chromium.type_text("Bảo trì từ 22 giờ đến 23 giờ").await;
    chromium.enter_time("#until", "2026-11-21T23:00").await;
    chromium.tab_to("main form button").await;
    chromium.press(&[Key::Enter]).await;
    let listed = chromium.text_of("main table tbody").await;
    assert!(listed.contains("Bảo trì từ 22 giờ đến 23 giờ") && listed.contains("Đang hiện"), "{listed}");
    assert!(chromium.text_of(".bulletin").await.contains("Bảo trì từ 22 giờ"));
    chromium.tab_to("button[name=withdraw]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("main table .tag.quiet").await.contains("Đã rút"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_places_a_hold_and_lifts_it_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = window_of(&hub, ("van.hanh", UserRole::Operator)).await;
    chromium.window.goto(&hub.url("/portal/holds")).await.unwrap();
    chromium.tab_to("#agency").await;
    chromium.type_text("X99.B02").await;
    chromium.enter_time("#until", "2026-11-21").await;
    chromium.tab_to("#reason").await;
    chromium.type_text("Thanh tra theo quyết định 12").await;
    chromium.press(&[Key::Tab, Key::Enter]).await;
    assert!(chromium.text_of("main table .tag.waiting").await.contains("Đang giữ"));
    chromium.tab_to("td input[name=reason]").await;
    chromium.type_text("Thanh tra đã kết thúc").await;
    chromium.press(&[Key::Tab, Key::Enter]).await;
    assert!(chromium.text_of("main table .tag.quiet").await.contains("Đã dỡ"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_notes_a_warrant_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let (login, name) = ("thanh.tra".to_owned(), "Lê Minh".to_owned());
    let auditor = Newcomer { login, name, role: UserRole::Auditor, agencies: Vec::new() };
    users::add(&hub.hub, &By::Operator, auditor).await.unwrap();
    let chromium = window_of(&hub, ("quan.tri", UserRole::Administrator)).await;
    chromium.tab_to("a[href=\"/portal/warrants\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#number").await;
    chromium.tab_to("#number").await;
    chromium.type_text("15/QĐ-TTr").await;
    chromium.enter_time("#decided_on", "2026-11-20").await;
    chromium.tab_to("#purpose").await;
    chromium.type_text("Kiểm tra công tác văn thư").await;
    chromium.tab_to("#agencies").await;
    chromium.type_text("X99.C03").await;
    for (field, day) in
        [("#documents_from", "2026-01-01"), ("#documents_until", "2026-11-21"), ("#until", "2026-12-31")]
    {
        chromium.enter_time(field, day).await;
    }
    chromium.tab_to("main form button").await;
    chromium.press(&[Key::Enter]).await;
    let listed = chromium.text_of("main table tbody").await;
    assert!(listed.contains("15/QĐ-TTr") && listed.contains("X99.C03"), "{listed}");
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_finds_an_agency_keeps_a_view_and_sets_a_second_factor_up_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "lan.vp").await;
    chromium.tab_to("a[href=\"/portal/agencies\"]").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#name").await;
    chromium.tab_to("#name").await;
    chromium.type_text("xa mau").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("a[href=\"/portal/agencies/X99.C03\"]").await;
    chromium.tab_to("a[href=\"/portal/agencies/X99.C03\"]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("h1").await.contains("Ủy ban nhân dân xã Mẫu"));

    chromium.window.goto(&hub.url("/portal/log?urgency=3")).await.unwrap();
    // The driver cannot leave a field for a day by Tab, as people can: begin behind those.
    chromium.window.execute("document.querySelector('#urgency').focus();", Vec::new()).await.unwrap();
    chromium.tab_to(".views summary").await;
    chromium.press(&[Key::Enter]).await;
    chromium.tab_to("#view-name").await;
    chromium.type_text("Hỏa tốc").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".views li a").await.contains("Hỏa tốc"));

    chromium.window.goto(&hub.url("/portal/account")).await.unwrap();
    chromium.tab_to("form[action=\"/portal/account/second-factor\"] button").await;
    chromium.press(&[Key::Enter]).await;
    let typed = chromium.text_of(".qr + p code").await;
    chromium.tab_to("#code").await;
    chromium.type_text(&code(&hub, &typed)).await;
    chromium.press(&[Key::Enter]).await;
    assert_eq!(chromium.text_of(".codes").await.split_whitespace().count(), 10);
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paper_gets_what_is_read_and_nothing_to_press() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "an.vp").await;
    // The document with two thousand characters of subject fits one sheet, with its recipients and the QR code.
    chromium.window.goto(&hub.url("/portal/search?q=van+hoa+cong+vu")).await.unwrap();
    chromium.tab_to("td.code a").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".verdict").await;
    chromium.tab_to("a[href$='/slip']").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".slip").await.contains("văn hóa công vụ"));
    assert_eq!(chromium.sheets().await, 1);

    chromium.on_paper().await;
    chromium.window.goto(&hub.url("/portal/log?direction=all")).await.unwrap();
    let shown = "return ['.top', '.filters', '.ways', '.tabs', '.tools', '.paper', 'main table', 'footer']
        .map(css => [...document.querySelectorAll(css)].some(one => one.offsetHeight > 0));";
    let shown = chromium.window.execute(shown, Vec::new()).await.unwrap();
    assert_eq!(shown, serde_json::json!([false, false, false, false, false, true, true, true]));
    assert!(chromium.text_of(".paper").await.contains("Văn phòng Thử nghiệm Trung ương (X99.A01). Từ ngày"));
    chromium.picture("log-on-paper").await;
    assert!(chromium.sheets().await >= 1);
    chromium.close().await;
}
