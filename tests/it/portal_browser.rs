//! The portal in a real browser: what only one shows. By keyboard alone; readable to everybody (axe-core); pictures for
//! the eye. It needs no database of its own kind, so it runs on SQLite only.

use crate::support::TestHub;
use crate::support::chromium::Chromium;
use crate::support::packets::{a_document, a_status};
use crate::support::portal::{Browser, PASSWORD, make_findable};
use docaxis::domain::user::UserRole;
use fantoccini::key::Key;

pub fn is_here() -> bool {
    let runs = std::env::var("DOCAXIS_TEST_DATABASE").is_err();
    if !runs {
        println!("NOT TESTED here: pages look the same on every database; the run on SQLite tests them");
    }
    runs
}

/// A hub with documents in every state, and a clerk of their sender's side, or their recipient's.
async fn busy() -> TestHub {
    let hub = TestHub::start_with(|config| config.portal.second_factor = false).await;
    for (login, agency) in [("an.vp", "X99.A01"), ("lan.vp", "X99.B02")] {
        Browser::of(&hub, login, UserRole::Clerk, &[agency]).await;
    }
    let long = "Về việc tăng cường kỷ luật, kỷ cương hành chính và thực hiện văn hóa công vụ ".repeat(25);
    let subjects =
        ["V/v phòng, chống bão số 9", long.trim(), "Ế Ỗ Ự Ặ: Quyết định ban hành Quy chế <script>alert(1)</script>"];
    for (number, subject) in subjects.iter().enumerate() {
        let subject = subject.replace('<', "&lt;").replace('>', "&gt;");
        let mut packet = a_document(&format!("d{number}")).to(&["X99.B02", "X99.C03"]).subject(&subject);
        packet.extra_header = format!("<OtherInfo><Priority>{}</Priority></OtherInfo>", 3 - number);
        hub.accepted("dms.national", packet.bytes()).await;
    }
    let first = hub.waiting("dms.province").await[0].clone();
    hub.fetch("dms.province", &first).await;
    hub.confirm("dms.province", &first, "done").await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d0"), "03", "2026/11/21 09:30:00")).await;
    hub.accepted("dms.national", a_document("r1").recalling("d2").to(&["X99.C03"]).bytes()).await;
    make_findable(&hub).await;
    hub
}

async fn sign_in(chromium: &Chromium, hub: &TestHub, login: &str) {
    let_in(chromium, hub, login).await;
    chromium.text_of(".tabs").await;
}

/// Signs in, by keyboard alone, and waits for the first page.
pub async fn let_in(chromium: &Chromium, hub: &TestHub, login: &str) {
    chromium.window.goto(&hub.url("/portal")).await.unwrap();
    chromium.tab_to("#login").await;
    chromium.type_text(login).await;
    chromium.tab_to("#password").await;
    chromium.type_text(PASSWORD).await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".top nav").await;
}

/// Looks at pages as somebody who signs in, on a desk and on a telephone: none has a serious fault or runs out of the window. Pictures
/// have the name in front.
pub async fn look_through(hub: &TestHub, login: &str, (name, pages): (&str, &[(&str, &str)])) {
    let mut faults = Vec::new();
    for (name, size) in [(name.to_owned(), (1366, 768)), (format!("{name}-telephone"), (500, 900))] {
        let chromium = Chromium::open(size).await;
        let_in(&chromium, hub, login).await;
        for (page, place) in pages {
            faults.extend(chromium.look_at(&hub.url(place), &format!("{name}-{page}")).await);
        }
        chromium.close().await;
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_answers_whether_they_have_it_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "an.vp").await;

    chromium.tab_to("#q").await;
    chromium.type_text("phong chong bao").await;
    chromium.press(&[Key::Enter]).await;
    let found = chromium.text_of("main table tbody").await;
    assert!(found.contains("V/v phòng, chống bão số 9") && found.contains("1/2 đã nhận"), "{found}");

    // The arrow keys walk through the rows, Enter opens one.
    chromium.press(&[Key::Tab, Key::Down, Key::Enter]).await;
    let verdict = chromium.text_of(".verdict").await;
    assert!(verdict.contains("1/2 nơi đã nhận, 1 nơi chưa lấy về."), "{verdict}");
    chromium.tab_to("a[hreflang=en]").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".verdict").await.contains("Do they have it?"));
    chromium.tab_to("button.link").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("h1").await.contains("Sign in"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_page_has_a_serious_fault_for_those_who_see_or_move_less() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    chromium.window.goto(&hub.url("/portal/sign-in")).await.unwrap();
    let mut faults = chromium.serious_faults().await;
    chromium.picture("sign-in").await;
    sign_in(&chromium, &hub, "lan.vp").await;
    let pages = [
        ("arrived", "/portal/log"),
        ("arrived-empty", "/portal/log?state=failed"),
        ("both-ways", "/portal/log?direction=all"),
        ("account", "/portal/account"),
        ("search", "/portal/search?q=quy"),
        ("search-nothing", "/portal/search?q=khongco"),
        ("agencies", "/portal/agencies?name=x99"),
        ("agency", "/portal/agencies/X99.C03"),
    ];
    for (name, place) in pages {
        chromium.window.goto(&hub.url(place)).await.unwrap();
        chromium.picture(name).await;
        faults.extend(chromium.serious_faults().await.into_iter().map(|fault| format!("{place}: {fault}")));
    }
    chromium.window.goto(&hub.url("/portal/search?q=quy")).await.unwrap();
    chromium.tab_to("td.code a").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".verdict").await;
    chromium.picture("document").await;
    faults.extend(chromium.serious_faults().await);
    assert_eq!(faults, Vec::<String>::new());

    // What looks like markup in a packet never ran, and nothing was fetched from elsewhere or refused by the policy.
    let places = "return performance.getEntriesByType('resource').map(one => new URL(one.name).host);";
    let hosts = chromium.window.execute(places, Vec::new()).await.unwrap();
    let own = hub.address.to_string();
    assert!(hosts.as_array().unwrap().iter().all(|host| *host == own), "{hosts}");
    let fonts = chromium.window.execute_async(
        "const done = arguments[0]; document.fonts.ready.then(() => done(document.fonts.check('16px \"Be Vietnam Pro\"', 'ẾỖỰẶ')));",
        Vec::new(),
    );
    assert_eq!(fonts.await.unwrap(), true, "the vendored font has the letters");
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_out_of_the_window_on_a_small_screen_or_on_a_telephone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    for (name, size) in [("small", (1366, 768)), ("telephone", (500, 900))] {
        let chromium = Chromium::open(size).await;
        sign_in(&chromium, &hub, "lan.vp").await;
        for (page, place) in
            [("log", "/portal/log"), ("account", "/portal/account"), ("search", "/portal/search?q=quy")]
        {
            chromium.window.goto(&hub.url(place)).await.unwrap();
            chromium.picture(&format!("{page}-{name}")).await;
            chromium.stays_in_the_window(place).await;
        }
        chromium.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_the_log_are_folded_on_a_telephone_and_open_without_a_script() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((500, 900)).await;
    sign_in(&chromium, &hub, "lan.vp").await;
    let is_shown = async |css: &str| {
        let script = format!("return document.querySelector('{css}').offsetHeight > 0;");
        chromium.window.execute(&script, Vec::new()).await.unwrap() == true
    };
    assert!(!is_shown("#filters").await && is_shown(".tabs").await);
    chromium.tab_to(".fold summary").await;
    chromium.press(&[Key::Enter]).await;
    assert!(is_shown("#filters").await);
    chromium.picture("filters-telephone").await;
    let mut faults = chromium.serious_faults().await;
    // The driver cannot leave a field for a day by Tab, as people can: begin behind those.
    chromium.window.execute("document.querySelector('#urgency').focus();", Vec::new()).await.unwrap();
    chromium.press(&[Key::Down, Key::Enter]).await;
    chromium.tab_to("#filters button").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".fold").await;
    let place = hub.url("/portal/log?urgency=3");
    faults.extend(chromium.look_at(&place, "filtered-telephone").await);
    assert!(chromium.text_of(".fold summary").await.contains("Bộ lọc (1 đang dùng)"));
    assert!(!is_shown("#filters").await);
    chromium.close().await;

    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "lan.vp").await;
    let shown = "return [...document.querySelectorAll('.fold, #filters')].map(one => one.offsetHeight > 0);";
    assert_eq!(chromium.window.execute(shown, Vec::new()).await.unwrap(), serde_json::json!([false, true]));
    assert_eq!(faults, Vec::<String>::new());
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_reviews_accounts_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    Browser::of(&hub, "quan.tri", UserRole::Administrator, &[]).await;
    let mut faults = Vec::new();
    for (name, size) in [("accounts", (1366, 768)), ("accounts-telephone", (500, 900))] {
        let chromium = Chromium::open(size).await;
        let_in(&chromium, &hub, "quan.tri").await;
        chromium.tab_to("a[href=\"/portal/accounts\"]").await;
        chromium.press(&[Key::Enter]).await;
        let listed = chromium.text_of("main table tbody").await;
        assert!(listed.contains("lan.vp") && listed.contains("an.vp") && listed.contains("Đang dùng"), "{listed}");
        // Whoever has no mouse moves the list by the arrow keys.
        chromium.tab_to("main .scroll").await;
        faults.extend(chromium.look_at(&hub.url("/portal/accounts"), name).await);
        chromium.close().await;
    }
    assert_eq!(faults, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clerk_prints_a_slip_and_takes_a_document_back_by_keyboard_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "an.vp").await;
    chromium.window.goto(&hub.url("/portal/log?direction=out")).await.unwrap();
    let mut faults = chromium.serious_faults().await;
    chromium.picture("sent").await;
    // The oldest document: one recipient has it, the other one has not.
    chromium.window.goto(&hub.url("/portal/search?q=phong+chong+bao")).await.unwrap();
    chromium.tab_to("td.code a").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".verdict").await;
    let document = chromium.window.current_url().await.unwrap();
    chromium.picture("document-of-sender").await;
    faults.extend(chromium.serious_faults().await);

    chromium.tab_to("a[href$='/slip']").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".slip").await.contains("V/v phòng, chống bão số 9"));
    chromium.picture("slip").await;
    faults.extend(chromium.serious_faults().await);

    chromium.window.goto(document.as_str()).await.unwrap();
    chromium.tab_to("a[href$='/recall']").await;
    chromium.press(&[Key::Enter]).await;
    let outlook = chromium.text_of("main table tbody").await;
    assert!(outlook.contains("Rút lại ngay") && outlook.contains("Bên nhận có thể đã có văn bản"), "{outlook}");
    chromium.picture("recall").await;
    faults.extend(chromium.serious_faults().await);
    chromium.tab_to("#reason").await;
    chromium.type_text("Ban hành nhầm, sẽ gửi lại bản đúng").await;
    chromium.press(&[Key::Tab, Key::Enter]).await;
    assert!(chromium.text_of(".done").await.contains("Đã gửi yêu cầu thu hồi"));
    assert!(chromium.text_of("main table tbody").await.contains("Đã rút lại"));
    chromium.picture("recall-done").await;
    assert_eq!(faults, Vec::<String>::new());
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_read_says_what_is_new_and_does_not_move() {
    if !is_here() {
        return;
    }
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.news_seconds = 1;
    })
    .await;
    Browser::of(&hub, "lan.vp", UserRole::Clerk, &["X99.B02"]).await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "lan.vp").await;
    hub.after(chrono::TimeDelta::seconds(1));
    hub.accepted("dms.national", a_document("d1").subject("V/v văn bản vừa đến").bytes()).await;

    let said = chromium.text_of("#news:not([hidden]) a").await;
    assert!(said.contains("1 văn bản mới"), "{said}");
    chromium.picture("news").await;
    assert!(!chromium.text_of("main").await.contains("vừa đến"), "what is read stays");
    // The driver cannot leave a field for a day by Tab, as people can: begin behind those.
    let tabs = "document.querySelector('.tabs a').focus();";
    chromium.window.execute(tabs, Vec::new()).await.unwrap();
    chromium.tab_to("#news a").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of("main table tbody").await.contains("V/v văn bản vừa đến"));
    chromium.close().await;
}
