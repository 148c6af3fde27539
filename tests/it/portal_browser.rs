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
pub async fn busy() -> TestHub {
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

/// Opens the page on which a document is taken back, and enters why without sending it.
async fn begin_to_take_back(chromium: &Chromium, hub: &TestHub, words: &str) {
    chromium.window.goto(&hub.url("/portal/search?q=phong+chong+bao")).await.unwrap();
    chromium.tab_to("td.code a").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of(".verdict").await;
    chromium.tab_to("a[href$='/recall']").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#reason").await;
    chromium.tab_to("#reason").await;
    chromium.type_text(words).await;
}

async fn reason(chromium: &Chromium) -> String {
    let script = "return document.querySelector('#reason').value;";
    chromium.window.execute(script, Vec::new()).await.unwrap().as_str().unwrap().to_owned()
}

/// Signs in on the page that asks who it is, by keyboard alone.
async fn sign_in_here(chromium: &Chromium, login: &str) {
    chromium.text_of("#login").await;
    chromium.tab_to("#login").await;
    chromium.type_text(login).await;
    chromium.tab_to("#password").await;
    chromium.type_text(PASSWORD).await;
    chromium.press(&[Key::Enter]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_after_the_end_of_a_session_is_there_again_after_signing_in() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "an.vp").await;
    begin_to_take_back(&chromium, &hub, "Ban hành nhầm, sẽ gửi lại").await;
    // One of two recipients is left alone.
    chromium.window.execute("document.querySelector('#to-1').click();", Vec::new()).await.unwrap();
    let ticks = "return [...document.querySelectorAll('input[name=to]')].map(one => one.checked);";
    let ticked = chromium.window.execute(ticks, Vec::new()).await.unwrap();
    let place = chromium.window.current_url().await.unwrap();

    hub.after(chrono::TimeDelta::hours(1));
    chromium.tab_to("form .danger").await;
    chromium.press(&[Key::Enter]).await;
    sign_in_here(&chromium, "an.vp").await;
    let said = chromium.text_of("#kept:not([hidden])").await;
    assert_eq!(chromium.window.current_url().await.unwrap(), place);
    assert!(said.contains("Phần bạn đã nhập được giữ lại"), "{said}");
    assert_eq!(reason(&chromium).await, "Ban hành nhầm, sẽ gửi lại");
    assert_eq!(chromium.window.execute(ticks, Vec::new()).await.unwrap(), ticked);
    chromium.picture("kept").await;
    assert_eq!(chromium.serious_faults().await, Vec::<String>::new());
    chromium.tab_to("form .danger").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".done").await.contains("Đã gửi yêu cầu thu hồi"));
    // What was sent is over: the page opened anew holds nothing of it.
    chromium.window.goto(place.as_str()).await.unwrap();
    let kept = chromium.window.execute("return sessionStorage.length;", Vec::new()).await.unwrap();
    assert_eq!(kept, 0);
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_nobody_uses_warns_and_then_asks_who_it_is_and_keeps_what_was_entered_for_that_person_alone() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "an.vp").await;
    chromium.stop_time().await;
    begin_to_take_back(&chromium, &hub, "Chưa gửi").await;
    let place = chromium.window.current_url().await.unwrap();
    let both = async |minutes: i64| {
        hub.after(chrono::TimeDelta::minutes(minutes));
        chromium.pass(chrono::TimeDelta::minutes(minutes)).await;
    };
    // Whoever goes on keeps what was entered, and goes on writing.
    both(14).await;
    let warned = chromium.text_of("#idle:not([hidden])").await;
    assert!(warned.contains("Phiên làm việc sắp hết hạn"), "{warned}");
    assert_eq!(chromium.serious_faults().await, Vec::<String>::new());
    chromium.picture("idle").await;
    chromium.tab_back_to("#idle a").await;
    chromium.press(&[Key::Enter]).await;
    chromium.text_of("#idle[hidden]").await;
    // Whoever writes is there.
    both(6).await;
    chromium.type_text(" và còn viết").await;
    let asked = "const [done] = arguments;
                 const look = () => performance.getEntriesByName(location.origin + '/portal/account').length > 1
                     ? done(true) : requestAnimationFrame(look);
                 look();";
    chromium.window.execute_async(asked, Vec::new()).await.unwrap();
    both(12).await;
    assert_eq!(reason(&chromium).await, "Chưa gửi và còn viết");

    hub.after(chrono::TimeDelta::minutes(16));
    chromium.pass(chrono::TimeDelta::minutes(16)).await;
    chromium.text_of("#login").await;
    assert!(
        !chromium.window.source().await.unwrap().contains("phòng, chống"),
        "nothing of the document is left to read"
    );
    sign_in_here(&chromium, "an.vp").await;
    chromium.text_of("#kept:not([hidden])").await;
    assert_eq!(chromium.window.current_url().await.unwrap(), place);
    assert_eq!(reason(&chromium).await, "Chưa gửi và còn viết");

    // Somebody else at the same machine finds nothing of it.
    hub.after(chrono::TimeDelta::minutes(16));
    chromium.pass(chrono::TimeDelta::minutes(16)).await;
    sign_in_here(&chromium, "lan.vp").await;
    chromium.text_of("h1").await;
    chromium.window.goto(&hub.url("/portal/log")).await.unwrap();
    assert!(chromium.text_of(".who").await.contains("lan.vp"));
    let kept = chromium.window.execute("return sessionStorage.length;", Vec::new()).await.unwrap();
    assert_eq!(kept, 0);
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_anew_in_another_tab_goes_on_in_the_first_one() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "an.vp").await;
    chromium.stop_time().await;
    begin_to_take_back(&chromium, &hub, "Ban hành nhầm, sẽ gửi lại").await;
    let first = chromium.window.window().await.unwrap();
    hub.after(chrono::TimeDelta::minutes(16));
    let second = chromium.window.new_window(true).await.unwrap();
    chromium.window.switch_to_window(second.handle).await.unwrap();
    chromium.window.goto(&hub.url("/portal/log")).await.unwrap();
    sign_in_here(&chromium, "an.vp").await;
    chromium.text_of(".tabs").await;
    // Who is signed in is not asked again.
    chromium.window.goto(&hub.url("/portal/sign-in?next=/portal/agencies")).await.unwrap();
    assert!(chromium.window.current_url().await.unwrap().path().ends_with("/portal/agencies"));

    chromium.window.switch_to_window(first).await.unwrap();
    let token = "return document.querySelector('main [name=form_token]').value;";
    let old = chromium.window.execute(token, Vec::new()).await.unwrap();
    chromium.pass(chrono::TimeDelta::minutes(16)).await;
    let renewed = "const [old, done] = arguments;
        const look = () => document.querySelector('main [name=form_token]').value !== old
            ? done(true) : requestAnimationFrame(look);
        look();";
    chromium.window.execute_async(renewed, vec![old]).await.unwrap();
    assert_eq!(reason(&chromium).await, "Ban hành nhầm, sẽ gửi lại");
    chromium.tab_to("form .danger").await;
    chromium.press(&[Key::Enter]).await;
    assert!(chromium.text_of(".done").await.contains("Đã gửi yêu cầu thu hồi"));
    chromium.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leaves_nothing_of_what_was_entered() {
    if !is_here() {
        return;
    }
    let hub = busy().await;
    let chromium = Chromium::open((1366, 768)).await;
    sign_in(&chromium, &hub, "an.vp").await;
    begin_to_take_back(&chromium, &hub, "Chưa gửi").await;
    let kept = "return sessionStorage.length;";
    assert_eq!(chromium.window.execute(kept, Vec::new()).await.unwrap(), 1);
    chromium.window.execute("document.querySelector('.who button').click();", Vec::new()).await.unwrap();
    chromium.text_of("#login").await;
    assert_eq!(chromium.window.execute(kept, Vec::new()).await.unwrap(), 0);
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
