//! The auditor's room in a real browser: by keyboard alone, readable to everybody, pictures for the eye. It needs no database of
//! its own kind, so it runs on SQLite only.

use crate::ledger::seal;
use crate::portal_browser::{is_here, let_in};
use crate::support::TestHub;
use crate::support::chromium::Chromium;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, make_findable};
use docaxis::domain::user::UserRole;
use docaxis::exchange::samples;
use fantoccini::key::Key;

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_draws_a_sample_and_notes_what_was_found_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = TestHub::start_with(|config| config.portal.second_factor = false).await;
    for number in 0..5 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).subject("V/v phòng, chống bão số 9").bytes())
            .await;
    }
    make_findable(&hub).await;
    Browser::of(&hub, "thanh.tra", UserRole::Auditor, &["X99.A01"]).await;
    Browser::of(&hub, "moi.den", UserRole::Auditor, &[]).await;
    Browser::of(&hub, "quan.tri", UserRole::Administrator, &[]).await;
    let chromium = Chromium::open((1366, 768)).await;
    let_in(&chromium, &hub, "thanh.tra").await;
    chromium.window.goto(&hub.url("/portal/audit")).await.unwrap();
    chromium.picture("audit-room").await;
    let mut faults = chromium.serious_faults().await;

    chromium.tab_to("#size").await;
    chromium.press(&[Key::Tab, Key::Enter]).await;
    assert!(chromium.text_of("main").await.contains("Mẫu được rút trong khoảng một phút"));
    seal(&hub.hub).await;
    assert_eq!(samples::draw_open(&hub.hub).await.unwrap(), 1);
    let place = chromium.window.current_url().await.unwrap();
    chromium.window.goto(place.as_str()).await.unwrap();
    chromium.picture("audit-sample").await;
    faults.extend(chromium.serious_faults().await);
    chromium.tab_to("input[name=note]").await;
    chromium.type_text("Dung han").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("main table").await;
    assert_eq!(hub.count("SELECT count(*) FROM sample_items WHERE note = 'Dung han'").await, 1);
    for (name, place) in
        [("audit-accesses", "/portal/audit/accesses"), ("audit-statements", "/portal/audit/statements")]
    {
        chromium.window.goto(&hub.url(place)).await.unwrap();
        chromium.picture(name).await;
        faults.extend(chromium.serious_faults().await.into_iter().map(|fault| format!("{place}: {fault}")));
    }
    chromium.window.goto(&hub.url("/portal/language/en?next=/portal/audit")).await.unwrap();
    assert!(chromium.text_of("h1").await.contains("Auditor's room"));
    chromium.close().await;
    for (login, place, name) in
        [("moi.den", "/portal/audit", "audit-none"), ("quan.tri", "/portal/warrants", "warrants")]
    {
        let chromium = Chromium::open((1366, 768)).await;
        let_in(&chromium, &hub, login).await;
        chromium.window.goto(&hub.url(place)).await.unwrap();
        chromium.picture(name).await;
        faults.extend(chromium.serious_faults().await.into_iter().map(|fault| format!("{place}: {fault}")));
        chromium.close().await;
    }
    assert_eq!(faults, Vec::<String>::new());
}
