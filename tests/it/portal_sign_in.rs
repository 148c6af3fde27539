//! Signing in to the portal: passwords, second factor, lock, sessions, and what no other site can do.

use crate::support::TestHub;
use crate::support::portal::{Browser, PASSWORD, let_in};
use chrono::TimeDelta;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::users;
use docaxis::http::{Operation, ROUTES};
use docaxis::keyring::digest_of;
use secrecy::ExposeSecret;
use totp_rs::{Builder, Secret};

const SESSION: &str = "__Host-docaxis-session";

async fn hub_without_second_factor() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

/// The code of an app that was told this secret.
pub fn code(hub: &TestHub, typed: &str) -> String {
    let totp = Builder::new().with_secret(Secret::try_from_base32(typed).unwrap()).build_noncompliant();
    totp.generate(u64::try_from(hub.now().timestamp()).unwrap()).to_string()
}

#[tokio::test]
async fn every_page_but_the_open_ones_leads_to_where_one_signs_in() {
    let hub = TestHub::start().await;
    let mut closed = 0;
    for route in ROUTES {
        let Operation::Portal(operation) = route.operation else { continue };
        if operation.is_open() {
            continue;
        }
        closed += 1;
        for session in ["", "made-up", "a\"b"] {
            let mut browser = Browser::new(&hub);
            browser.carry(SESSION, session);
            let page = match route.methods[0].name() {
                "GET" => browser.get(route.path).await,
                _ => browser.send_bare(route.path, &[]).await,
            };
            assert_eq!(page.status, 303, "{}", route.path);
            assert!(page.leads_to().starts_with("/portal/sign-in"), "{}", page.leads_to());
        }
    }
    assert!(closed >= 8);
}

#[tokio::test]
async fn the_first_password_is_changed_and_a_second_factor_set_up_before_anything_else() {
    let hub = TestHub::start().await;
    let first = let_in(&hub, "lan.vp", UserRole::Clerk, &["X99.B02"]).await;
    let mut browser = Browser::new(&hub);

    browser.sign_in("Lan.VP", &first, "").await;
    assert_eq!(browser.page.leads_to(), "/portal/log");
    assert_eq!(browser.get("/portal/log").await.leads_to(), "/portal/account");
    browser.get("/portal/account").await;
    assert!(browser.page.words().contains("Hãy đổi mật khẩu trước khi làm việc."));

    let weak =
        browser.send("/portal/account/password", &[("old", &first), ("new", "xlan.vp"), ("again", "xlan.vp")]).await;
    let words = weak.words();
    for fault in ["ít nhất 14 ký tự", "chữ thường, chữ hoa", "không được chứa tên đăng nhập"] {
        assert!(words.contains(fault), "{fault}: {words}");
    }
    browser.send("/portal/account/password", &[("old", &first), ("new", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(browser.get("/portal/log").await.leads_to(), "/portal/account", "a second factor is still to come");

    browser.get("/portal/account").await;
    browser.send("/portal/account/second-factor", &[("step", "begin")]).await;
    assert!(browser.page.text.contains("<svg"), "the camera needs a picture");
    let typed = browser.page.text.split("<code class=\"break\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let wrong = browser.send("/portal/account/second-factor", &[("step", "confirm"), ("code", "000000")]).await;
    assert!(wrong.words().contains("Mã không đúng"));
    let right = code(&hub, &typed);
    browser.send("/portal/account/second-factor", &[("step", "confirm"), ("code", &right)]).await;
    let shown =
        browser.page.text.split("<ul class=\"codes\">").nth(1).unwrap().split("</ul>").next().unwrap().to_owned();
    let recovery: Vec<String> =
        shown.split("<li>").skip(1).map(|item| item.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    assert!(recovery.iter().all(|code| code.replace('-', "").len() == 16), "80 bits each: {recovery:?}");
    assert_eq!(browser.get("/portal/log").await.status, 200);

    // Signing in again wants a code, and takes none twice.
    let mut another = Browser::new(&hub);
    assert!(another.sign_in("lan.vp", PASSWORD, "").await.words().contains("Hãy nhập mã"));
    assert!(another.sign_in("lan.vp", PASSWORD, &right).await.words().contains("không đúng"), "the code was used up");
    hub.after(TimeDelta::seconds(30));
    assert_eq!(another.sign_in("lan.vp", PASSWORD, &code(&hub, &typed)).await.leads_to(), "/portal/log");
    assert_eq!(another.sign_in("lan.vp", PASSWORD, &recovery[3].to_uppercase()).await.leads_to(), "/portal/log");
    assert!(another.sign_in("lan.vp", PASSWORD, &recovery[3]).await.words().contains("không đúng"), "each holds once");
    assert!(another.get("/portal/account").await.status == 200);
    assert!(another.page.words().contains("Mã khôi phục còn lại: 9"));

    // Shorter ones of before hold until they are used.
    let digest = hex::encode(digest_of("recovery code", "abcdefghjk"));
    let digest = if hub.is_postgres() { format!("'\\x{digest}'") } else { format!("X'{digest}'") };
    hub.run(&format!("INSERT INTO recovery_codes (user_id, code_digest) SELECT user_id, {digest} FROM users")).await;
    assert_eq!(another.sign_in("lan.vp", PASSWORD, "abcde-fghjk").await.leads_to(), "/portal/log");
    assert!(another.sign_in("lan.vp", PASSWORD, "abcde-fghjk").await.words().contains("không đúng"));
}

#[tokio::test]
async fn after_five_failures_not_even_the_right_password_is_tried_for_a_while() {
    let hub = hub_without_second_factor().await;
    let first = let_in(&hub, "lan", UserRole::Clerk, &[]).await;
    let mut browser = Browser::new(&hub);

    for _ in 0..4 {
        assert!(browser.sign_in("lan", "wrong", "").await.words().contains("không đúng"));
    }
    assert!(browser.sign_in("lan", "wrong", "").await.words().contains("tạm khóa đến 21/11/2026 09:15"));
    assert!(browser.sign_in("lan", &first, "").await.words().contains("tạm khóa"));
    hub.after(TimeDelta::minutes(15));
    assert_eq!(browser.sign_in("lan", &first, "").await.leads_to(), "/portal/log");
    // In words it is not told whether somebody exists.
    let unknown = Browser::new(&hub).sign_in("nobody", "wrong", "").await.words();
    let known = Browser::new(&hub).sign_in("lan", "wrong", "").await.words();
    assert_eq!(unknown, known);
}

#[tokio::test]
async fn a_session_ends_by_itself_by_its_owner_and_by_an_administrator() {
    let hub = hub_without_second_factor().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;

    hub.after(TimeDelta::minutes(6));
    assert_eq!(clerk.get("/portal/log").await.status, 200);
    assert_eq!(operator.get("/portal/log").await.leads_to(), "/portal/sign-in?next=%2Fportal%2Flog", "five minutes");
    hub.after(TimeDelta::minutes(14));
    assert_eq!(clerk.get("/portal/log").await.status, 200, "it was used meanwhile");
    hub.after(TimeDelta::minutes(15));
    assert_eq!(clerk.get("/portal/log").await.status, 303);

    clerk.sign_in("lan", PASSWORD, "").await;
    clerk.get("/portal/log").await;
    let session = clerk.cookie(SESSION).unwrap().to_owned();
    clerk.send("/portal/sign-out", &[]).await;
    assert_eq!(clerk.cookie(SESSION), Some(""));
    clerk.carry(SESSION, &session);
    assert_eq!(clerk.get("/portal/log").await.status, 303, "the session is over, not only the cookie");

    clerk.sign_in("lan", PASSWORD, "").await;
    let mut other = Browser::new(&hub);
    other.sign_in("lan", PASSWORD, "").await;
    other.get("/portal/account").await;
    other.send("/portal/account/sessions", &[]).await;
    assert_eq!(clerk.get("/portal/log").await.status, 303);
    assert_eq!(other.get("/portal/log").await.status, 200);

    users::suspend(&hub.hub, &By::Operator, "lan", true).await.unwrap();
    assert_eq!(other.get("/portal/log").await.status, 303);
    assert!(other.sign_in("lan", PASSWORD, "").await.words().contains("không đúng"));
    users::suspend(&hub.hub, &By::Operator, "lan", false).await.unwrap();
    let (_, again) = users::reset(&hub.hub, &By::Operator, "lan", false).await.unwrap();
    assert!(other.sign_in("lan", PASSWORD, "").await.words().contains("không đúng"));
    assert_eq!(other.sign_in("lan", again.expose_secret(), "").await.leads_to(), "/portal/log");
}

#[tokio::test]
async fn who_sits_at_an_open_session_cannot_guess_the_password_without_end() {
    let hub = hub_without_second_factor().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    clerk.get("/portal/account").await;
    let guess = [("old", "wrong"), ("new", "Another password 1!"), ("again", "Another password 1!")];
    for _ in 0..6 {
        assert!(clerk.send("/portal/account/password", &guess).await.words().contains("không đúng"));
    }
    let right = [("old", PASSWORD), ("new", "Another password 1!"), ("again", "Another password 1!")];
    assert!(clerk.send("/portal/account/password", &right).await.words().contains("phải chờ"), "it is locked");
    assert!(Browser::new(&hub).sign_in("lan", PASSWORD, "").await.words().contains("tạm khóa"), "everywhere");
    // After a reset nothing of before holds.
    hub.after(TimeDelta::minutes(14));
    users::reset(&hub.hub, &By::Operator, "lan", false).await.unwrap();
    assert_eq!(clerk.get("/portal/account").await.status, 303);
}

#[tokio::test]
async fn a_session_that_showed_no_code_ends_when_the_second_factor_is_turned_on() {
    let hub = TestHub::start().await;
    let first = let_in(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let mut owner = Browser::new(&hub);
    owner.sign_in("lan", &first, "").await;
    owner.get("/portal/account").await;
    owner.send("/portal/account/password", &[("old", &first), ("new", PASSWORD), ("again", PASSWORD)]).await;
    let mut thief = Browser::new(&hub);
    thief.sign_in("lan", PASSWORD, "").await;
    assert_eq!(thief.get("/portal/account").await.status, 200);

    owner.get("/portal/account").await;
    owner.send("/portal/account/second-factor", &[("step", "begin")]).await;
    let typed = owner.page.text.split("<code class=\"break\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    owner.send("/portal/account/second-factor", &[("step", "confirm"), ("code", &code(&hub, &typed))]).await;

    assert_eq!(owner.get("/portal/log").await.status, 200);
    assert_eq!(thief.get("/portal/log").await.status, 303);
}

#[tokio::test]
async fn twelve_hours_are_the_longest_session() {
    let hub = hub_without_second_factor().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    for _ in 0..71 {
        hub.after(TimeDelta::minutes(10));
        assert_eq!(clerk.get("/portal/account").await.status, 200);
    }
    hub.after(TimeDelta::minutes(10));
    assert_eq!(clerk.get("/portal/account").await.status, 303);
}

#[tokio::test]
async fn no_other_site_can_send_a_form_or_be_led_to() {
    let hub = hub_without_second_factor().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let of_other = {
        let mut other = Browser::of(&hub, "hoa", UserRole::Clerk, &["X99.B02"]).await;
        other.get("/portal/account").await.form_token()
    };

    let fields = [("old", PASSWORD), ("new", "Another password 1!"), ("again", "Another password 1!")];
    for token in ["", "x", &of_other] {
        let mut all = vec![("form_token", token)];
        all.extend_from_slice(&fields);
        assert_eq!(clerk.send_bare("/portal/account/password", &all).await.status, 403, "{token}");
        assert_eq!(clerk.send_bare("/portal/sign-out", &[("form_token", token)]).await.status, 403);
    }
    assert_eq!(clerk.get("/portal/log").await.status, 200, "the password and the session stand");

    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let foreign = client.post(hub.url("/portal/sign-in")).header("origin", "https://evil.example");
    let answer =
        foreign.body(format!("login=lan&password={}", super::support::portal::escaped(PASSWORD))).send().await.unwrap();
    assert!(!answer.headers().contains_key("set-cookie"), "nobody is signed in by another site");

    let to = [("login", "lan"), ("password", PASSWORD), ("next", "https://evil.example/")];
    assert_eq!(clerk.send_bare("/portal/sign-in", &to).await.leads_to(), "/portal/log");
    assert_eq!(clerk.get("/portal/language/en?next=//evil.example").await.leads_to(), "/portal/log");
}

#[tokio::test]
async fn what_a_browser_is_told_keeps_pages_and_cookies_to_this_hub() {
    let hub = hub_without_second_factor().await;
    let first = let_in(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let mut browser = Browser::new(&hub);

    let signed_in = browser.sign_in("lan", &first, "").await;
    let cookie = signed_in.headers["set-cookie"].to_str().unwrap().to_owned();
    for wanted in ["; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
        assert!(cookie.contains(wanted), "{cookie}");
    }
    for place in ["/portal/sign-in", "/portal/account", "/portal/documents/unknown"] {
        let page = browser.get(place).await;
        let policy = page.headers.get("content-security-policy").map(|value| value.to_str().unwrap().to_owned());
        if page.status == 303 {
            continue;
        }
        let policy = policy.unwrap_or_else(|| panic!("{place} has no policy"));
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert!(!page.text.contains("style=\"") && !page.text.contains("<script>"), "{place}");
        assert!(!page.text.replace("http://www.w3.org/2000/svg", "").contains("http"), "{place}");
    }
    let password = first.as_str();
    assert!(!hub.is_on_disk(password.as_bytes()), "the password itself is kept nowhere");
    let session = browser.cookie(SESSION).unwrap().to_owned();
    assert!(!hub.is_on_disk(session.as_bytes()), "nor what the cookie says");
}

#[tokio::test]
async fn what_is_done_to_users_is_evidence_without_secrets() {
    let hub = hub_without_second_factor().await;
    let first = let_in(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    users::suspend(&hub.hub, &By::Operator, "lan", true).await.unwrap();
    users::release(&hub.hub, &By::Operator, "lan", "X99.B02").await.unwrap();

    let evidence = hub.evidence().await;
    let facts: Vec<serde_json::Value> = evidence
        .iter()
        .filter(|row| row.event == "docaxis:UserChanged")
        .map(|row| serde_json::from_str(&row.facts).unwrap())
        .collect();
    let acts: Vec<&str> = facts.iter().map(|facts| facts["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["add", "give", "suspend", "take"]);
    assert!(facts.iter().all(|facts| facts["user"] == "lan"));
    assert!(evidence.iter().all(|row| !row.facts.contains(&first)));
}

#[tokio::test]
async fn accounts_that_nobody_uses_are_suspended_and_reviewed() {
    let hub = hub_without_second_factor().await;
    let_in(&hub, "bo.quen", UserRole::Auditor, &["X99.B02"]).await;
    Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    hub.after(TimeDelta::days(40));
    Browser::of(&hub, "quan.tri", UserRole::Administrator, &[]).await;
    assert_eq!(users::suspend_unused(&hub.hub).await.unwrap(), 0);

    hub.after(TimeDelta::days(6));
    assert_eq!(users::suspend_unused(&hub.hub).await.unwrap(), 2);
    assert_eq!(users::suspend_unused(&hub.hub).await.unwrap(), 0, "doing it twice does no harm");
    let mut clerk = Browser::new(&hub);
    assert!(clerk.sign_in("lan", PASSWORD, "").await.words().contains("không đúng"));
    let facts = hub.evidence().await.into_iter().rfind(|row| row.event == "docaxis:UserChanged").unwrap().facts;
    assert!(facts.contains("\"door\":\"hub\"") && facts.contains("\"unused_days\":45"), "{facts}");

    // Who is let in again is not put out by the next round.
    users::suspend(&hub.hub, &By::Operator, "lan", false).await.unwrap();
    assert_eq!(users::suspend_unused(&hub.hub).await.unwrap(), 0);
    clerk.sign_in("lan", PASSWORD, "").await;
    assert_eq!(clerk.get("/portal/accounts").await.status, 403);
    let mut administrator = Browser::new(&hub);
    administrator.sign_in("quan.tri", PASSWORD, "").await;
    let words = administrator.get("/portal/accounts").await.words();
    for wanted in ["3 tài khoản; 3 chưa bật xác thực hai lớp.", "bo.quen", "46", "Đã khóa", "quá 45 ngày"]
    {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    let sheet = hub.program().done(&["user", "list", "--csv"]);
    assert!(sheet.contains("bo.quen;Người dùng bo.quen;Kiểm tra;;không;;"), "{sheet}");
}
