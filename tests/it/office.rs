//! Agencies, systems and keys as administrators look after them in the portal: what one person does alone, what only two do, and
//! what is there for nobody else.

use crate::push::pushing_hub_with;
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, PASSWORD};
use chrono::TimeDelta;
use docaxis::domain::agency::AgencyState;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::{directory, endpoints, grants, keys, systems, users};
use docaxis::http::{Operation, ROUTES, portal::PortalOperation};
use docaxis::jobs::{self, JOBS};
use serde_json::{Value, json};

pub const REASON: &str = "Đơn vị thay phần mềm, công văn 12/CV";

pub async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

pub async fn administrator<'h>(hub: &'h TestHub, login: &str) -> Browser<'h> {
    Browser::of(hub, login, UserRole::Administrator, &[]).await
}

/// Sends a form; answers the status.
pub async fn send(browser: &mut Browser<'_>, place: &str, fields: &[(&str, &str)]) -> u16 {
    browser.get("/portal/account").await;
    browser.send(place, fields).await.status
}

pub async fn step(browser: &mut Browser<'_>, place: &str, step: &str) -> u16 {
    send(browser, place, &[("step", step)]).await
}

/// Asks for something; answers where that leads.
pub async fn ask(browser: &mut Browser<'_>, place: &str, fields: &[(&str, &str)]) -> String {
    assert_eq!(send(browser, place, fields).await, 303, "{}", browser.page.words());
    browser.page.leads_to().to_owned()
}

/// Proposes a key of dms.province; answers where that leads.
pub async fn propose_key(browser: &mut Browser<'_>) -> String {
    ask(browser, "/portal/systems/dms.province", &[("step", "key"), ("life_days", "30"), ("reason", REASON)]).await
}

/// Facts of what happened to grants, oldest first.
pub async fn granted(hub: &TestHub) -> Vec<Value> {
    let all = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:GrantChanged");
    all.map(|row| serde_json::from_str(&row.facts).unwrap()).collect()
}

/// The text of a page after some words, up to a space.
fn after<'t>(words: &'t str, what: &str) -> &'t str {
    let rest = words.split(what).nth(1).unwrap_or_else(|| panic!("{what}: {words}"));
    rest.split_whitespace().next().unwrap()
}

async fn opens(hub: &TestHub, token: &str) -> u16 {
    hub.client.get(hub.url("/api/v1/mailbox")).bearer_auth(token).send().await.unwrap().status().as_u16()
}

async fn lapse(hub: &TestHub) -> usize {
    let job = JOBS.iter().find(|job| job.name == "grants").unwrap();
    jobs::run_due(&hub.hub, job, hub.now()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_key_is_given_by_two_and_shown_once_to_who_proposed_it() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);

    let place = propose_key(&mut one).await;
    assert!(one.get(&place).await.words().contains("Cần một quản trị viên khác duyệt"), "{}", one.page.words());
    assert!(one.get("/portal/systems/dms.province").await.words().contains("Cấp khóa mới: 30 ngày"));
    assert_eq!(step(&mut one, &place, "take").await, 409, "nobody agreed");
    for decision in ["approve", "refuse"] {
        assert_eq!(step(&mut one, &place, decision).await, 403, "{decision}");
    }
    let words = two.get(&place).await.words();
    assert!(words.contains(REASON) && words.contains("X99.B02") && words.contains("Người dùng mot"), "{words}");
    assert_eq!(step(&mut two, &place, "approve").await, 303);
    assert_eq!(step(&mut two, &place, "take").await, 403, "only who proposed it");
    assert!(!two.get(&place).await.words().contains("Nhận bí mật"), "{}", two.page.words());
    assert_eq!(
        hub.count("SELECT count(*) FROM system_keys WHERE system_id = 'dms.province'").await,
        1,
        "not drawn yet"
    );
    assert!(one.get(&place).await.words().contains("Nhận bí mật"));
    assert_eq!(step(&mut one, &place, "take").await, 200);

    let words = one.page.words();
    let (key, secret) = (after(&words, "Mã khóa").to_owned(), after(&words, "Bí mật (SDK)").to_owned());
    let token = format!("{key}.{secret}");
    assert_eq!((after(&words, "Thẻ bearer (API)"), opens(&hub, &token).await), (token.as_str(), 200));
    assert_eq!(one.page.headers["cache-control"], "no-store");
    assert_eq!(step(&mut one, &place, "take").await, 409, "once");
    for page in [place.as_str(), "/portal/grants", "/portal/systems/dms.province", "/portal/agencies/X99.B02"] {
        assert!(!one.get(page).await.text.contains(&secret), "{page}");
    }
    assert!(hub.evidence().await.iter().all(|row| !row.facts.contains(&secret)));
    assert!(!hub.is_on_disk(secret.as_bytes()));
    let facts = granted(&hub).await;
    let acts: Vec<&str> = facts.iter().map(|facts| facts["act"].as_str().unwrap()).collect();
    assert_eq!(acts, ["proposed", "approve", "taken"]);
    assert!(facts[0]["by_user"] == facts[2]["by_user"] && facts[0]["by_user"] != facts[1]["by_user"], "{facts:?}");
    assert_eq!((&facts[0]["gift"]["life_days"], &facts[0]["reason"]), (&30.into(), &REASON.into()));

    // Closing is for one, and at once.
    assert_eq!(send(&mut two, "/portal/systems/dms.province", &[("step", "revoke"), ("key", &key)]).await, 303);
    assert_eq!(opens(&hub, &token).await, 401);
    assert!(two.get("/portal/systems/dms.province").await.words().contains("Đã hủy"));
    let of_other = send(&mut two, "/portal/systems/dms.commune", &[("step", "revoke"), ("key", &key)]).await;
    assert_eq!(of_other, 404);
}

#[tokio::test]
async fn a_grant_is_refused_taken_back_or_left_and_gives_nothing_then() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let refused = propose_key(&mut one).await;
    let again = [("step", "key"), ("life_days", "30"), ("reason", REASON)];
    assert_eq!(send(&mut two, "/portal/systems/dms.province", &again).await, 409, "the same waits already");
    assert_eq!(step(&mut two, &refused, "refuse").await, 303);
    let taken_back = propose_key(&mut one).await;
    assert_eq!(step(&mut two, &taken_back, "approve").await, 303);
    assert_eq!(step(&mut two, &taken_back, "stop").await, 303, "who agreed may think better of it");
    assert_eq!(step(&mut one, &taken_back, "take").await, 409);
    for odd in ["pause", "resume", "steal"] {
        let status = step(&mut two, &taken_back, odd).await;
        assert!(status == 409 || status == 400, "{odd}: {status}");
    }
    let left = propose_key(&mut one).await;
    assert_eq!(step(&mut two, &left, "approve").await, 303);
    let unseen = [("step", "key"), ("life_days", "31"), ("reason", REASON)];
    let unseen = ask(&mut one, "/portal/systems/dms.province", &unseen).await;
    hub.after(TimeDelta::hours(24));
    for (browser, login) in [(&mut one, "mot"), (&mut two, "hai")] {
        browser.sign_in(login, PASSWORD, "").await;
    }
    assert_eq!(step(&mut two, &unseen, "approve").await, 409, "too late");
    assert_eq!(step(&mut one, &left, "take").await, 409, "too late");
    assert_eq!((lapse(&hub).await, grants::lapse(&hub.hub).await.unwrap()), (2, 0));

    let words = one.get("/portal/grants").await.words();
    for state in ["Không được duyệt", "Đã dừng hẳn", "Hết hạn chờ duyệt"] {
        assert!(words.contains(state), "{state}: {words}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM system_keys WHERE system_id = 'dms.province'").await, 1);
    let acts: Vec<Value> = granted(&hub).await.into_iter().map(|facts| facts["act"].clone()).collect();
    let expected =
        ["proposed", "refuse", "proposed", "approve", "stop", "proposed", "approve", "proposed", "lapsed", "lapsed"];
    assert_eq!(acts, expected);
    assert_eq!(hub.count("SELECT count(*) FROM grants WHERE decided_by = proposed_by").await, 0);
}

#[tokio::test]
async fn a_secret_that_is_taken_twice_at_once_is_drawn_once() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let place = propose_key(&mut one).await;
    assert_eq!(step(&mut two, &place, "approve").await, 303);
    let mut elsewhere = Browser::new(&hub);
    elsewhere.sign_in("mot", PASSWORD, "").await;

    let mut taken = tokio::join!(step(&mut one, &place, "take"), step(&mut elsewhere, &place, "take"));

    if taken.0 > taken.1 {
        taken = (taken.1, taken.0);
    }
    assert_eq!(taken, (200, 409));
    assert_eq!(hub.count("SELECT count(*) FROM system_keys WHERE system_id = 'dms.province'").await, 2);
    // There is room for two only.
    let full = [("step", "key"), ("life_days", ""), ("reason", REASON)];
    assert_eq!(send(&mut one, "/portal/systems/dms.province", &full).await, 409);
}

#[tokio::test]
async fn what_a_system_may_is_widened_by_two_and_narrowed_by_one() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let new = [("system", "dms.moi"), ("name", "Phần mềm mới"), ("role", "exchange")];
    assert_eq!(ask(&mut one, "/portal/systems", &new).await, "/portal/systems/dms.moi");
    assert_eq!(send(&mut one, "/portal/systems", &new).await, 409, "it is there");
    let place = "/portal/systems/dms.moi";
    assert!(one.get(place).await.words().contains("Hệ thống chưa có khóa nào"));
    // Without a key nothing is opened.
    assert_eq!(ask(&mut one, place, &[("step", "hold"), ("agency", "x99.c03")]).await, place);
    assert_eq!(ask(&mut one, place, &[("step", "addresses"), ("addresses", "10.1.0.0/16")]).await, place);
    assert_eq!(ask(&mut one, place, &[("step", "addresses"), ("addresses", "")]).await, place);
    let key = ask(&mut one, place, &[("step", "key"), ("life_days", ""), ("reason", REASON)]).await;
    // One is on its way: what the second person looks at is not changed behind its back.
    let widened = ask(&mut one, place, &[("step", "hold"), ("agency", "X99.B02"), ("reason", REASON)]).await;
    assert!(widened.starts_with("/portal/grants/"), "{widened}");
    assert_eq!(hub.count("SELECT count(*) FROM system_agencies WHERE system_id = 'dms.moi'").await, 1);
    assert_eq!(step(&mut two, &key, "approve").await, 303);
    assert_eq!(step(&mut one, &key, "take").await, 200);
    assert_eq!(step(&mut two, &widened, "approve").await, 303);
    assert!(one.get(place).await.words().contains("X99.B02"));

    assert_eq!(ask(&mut one, place, &[("step", "addresses"), ("addresses", "127.0.0.1, 10.1.0.0/16")]).await, place);
    assert_eq!(ask(&mut one, place, &[("step", "addresses"), ("addresses", "10.1.2.0/24")]).await, place);
    assert_eq!(send(&mut one, place, &[("step", "addresses"), ("addresses", "10.2.0.1")]).await, 400, "no reason");
    for wider in ["10.1.0.0/16", ""] {
        let fields = [("step", "addresses"), ("addresses", wider), ("reason", REASON)];
        let grant = ask(&mut one, place, &fields).await;
        assert_eq!(hub.count("SELECT count(*) FROM system_addresses WHERE address = '10.1.2.0/24'").await, 1);
        assert_eq!(step(&mut two, &grant, if wider.is_empty() { "approve" } else { "refuse" }).await, 303);
    }
    assert_eq!(hub.count("SELECT count(*) FROM system_addresses WHERE system_id = 'dms.moi'").await, 0);
    for (order, said) in [
        (&[("step", "release"), ("agency", "X99.C03")][..], "Thôi giữ"),
        (&[("step", "suspend")], "Tạm khóa"),
        (&[("step", "resume")], "Tạm khóa ngay"),
        (&[("step", "rename"), ("name", "Phần mềm <b>khác</b>")], "Phần mềm <b>khác</b>"),
    ] {
        assert_eq!(ask(&mut two, place, order).await, place);
        assert!(two.get(place).await.words().contains(said), "{said}: {}", two.page.words());
    }
    assert!(!two.page.text.contains("<b>khác") && !two.page.words().contains("X99.C03"));
    for odd in [
        &[("step", "hold"), ("agency", "X99.NONE"), ("reason", REASON)][..],
        &[("step", "key"), ("life_days", "mãi mãi"), ("reason", REASON)],
        &[("step", "addresses"), ("addresses", "ở đâu cũng được"), ("reason", REASON)],
        &[("step", "rename"), ("name", " ")],
        &[("step", "khác")],
    ] {
        assert_eq!(send(&mut one, place, odd).await, 400, "{odd:?}");
    }
    assert_eq!(send(&mut one, "/portal/systems", &[("system", "a b"), ("name", "x"), ("role", "exchange")]).await, 400);
    assert_eq!(send(&mut one, "/portal/systems", &[("system", "a"), ("name", "x"), ("role", "vua")]).await, 400);
}

#[tokio::test]
async fn nothing_is_given_for_a_key_that_ended_nor_for_somebody_who_is_shut_out() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let place = "/portal/systems/dms.province";
    let key = systems::system(&hub.hub, "dms.province").await.unwrap().keys.remove(0).key_id;
    assert_eq!(send(&mut one, place, &[("step", "revoke"), ("key", &key)]).await, 303);
    let hold = [("step", "hold"), ("agency", "X99.C03"), ("reason", REASON)];
    let grant = ask(&mut one, place, &hold).await;
    assert!(grant.starts_with("/portal/grants/"), "a system that had a key opens something: {grant}");
    users::suspend(&hub.hub, &By::Operator, "mot", true).await.unwrap();
    assert_eq!(step(&mut two, &grant, "approve").await, 409, "who proposed it is shut out");
    users::suspend(&hub.hub, &By::Operator, "mot", false).await.unwrap();
    assert_eq!(step(&mut two, &grant, "approve").await, 409, "it ended there and then");
    one.sign_in("mot", PASSWORD, "").await;

    // What another one looked at is what is given.
    assert_eq!(ask(&mut one, place, &[("step", "addresses"), ("addresses", "10.1.0.0/16")]).await, place);
    let wider = [("step", "addresses"), ("addresses", "10.1.0.0/16, 10.2.0.0/16"), ("reason", REASON)];
    let grant = ask(&mut one, place, &wider).await;
    assert_eq!(ask(&mut two, place, &[("step", "addresses"), ("addresses", "10.1.5.0/24")]).await, place);
    assert_eq!(step(&mut two, &grant, "approve").await, 409);
    assert_eq!(hub.count("SELECT count(*) FROM system_addresses WHERE system_id = 'dms.province'").await, 1);

    let grant = propose_key(&mut one).await;
    assert_eq!(step(&mut two, &grant, "approve").await, 303);
    assert_eq!(ask(&mut two, place, &[("step", "suspend")]).await, place);
    assert_eq!(step(&mut one, &grant, "take").await, 409, "it ended with the system");
    let grant = propose_key(&mut one).await;
    assert_eq!(step(&mut two, &grant, "approve").await, 409, "a suspended system gets no key");
    assert_eq!(ask(&mut two, place, &[("step", "resume")]).await, place);
    assert_eq!(step(&mut two, &grant, "approve").await, 303);
    assert_eq!(step(&mut one, &grant, "take").await, 200);
}

#[tokio::test]
async fn an_endpoint_gets_a_new_secret_by_two_and_is_removed_by_one() {
    let (hub, _dispatcher) = pushing_hub_with(|config| config.portal.second_factor = false).await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let place = "/portal/agencies/X99.B02";
    let fields = [("step", "propose"), ("url", "http://127.0.0.1:9/nhan"), ("reason", REASON)];
    let form = format!("{place}/endpoint");
    let grant = ask(&mut one, &form, &fields).await;
    assert!(one.get(place).await.words().contains("Địa chỉ nhận với bí mật mới: http://127.0.0.1:9/nhan"));
    assert_eq!(hub.count("SELECT count(*) FROM endpoints").await, 0);
    assert_eq!(step(&mut two, &grant, "approve").await, 303);
    assert_eq!(hub.count("SELECT count(*) FROM endpoints").await, 0, "until the secret is taken");
    assert_eq!(step(&mut one, &grant, "take").await, 200);
    assert!(after(&one.page.words(), "Bí mật").len() > 1 && one.page.text.contains("whsec_"), "{}", one.page.words());

    let words = two.get(place).await.words();
    assert!(words.contains("http://127.0.0.1:9/nhan Đang mở"), "{words}");
    endpoints::pause(&hub.hub, &By::Operator, "X99.B02", "bảo trì").await.unwrap();
    let signed = [&fields[..], &[("ed25519", "1"), ("confirms_itself", "1")]].concat();
    let grant = ask(&mut two, &form, &signed).await;
    assert!(one.get(&grant).await.words().contains("Thay cho địa chỉ hiện nay"));
    assert_eq!(step(&mut one, &grant, "approve").await, 303);
    assert_eq!(step(&mut two, &grant, "take").await, 200);
    assert!(two.page.text.contains("whpk_") && !two.page.text.contains("whsk_"));
    assert_eq!(hub.count("SELECT count(*) FROM endpoints WHERE state = 'paused' AND reason = 'bảo trì'").await, 1);
    assert_eq!(send(&mut one, &form, &[("url", "ftp://x"), ("reason", REASON)]).await, 400);
    assert_eq!(send(&mut one, "/portal/agencies/X99.NONE/endpoint", &fields).await, 404);
    assert_eq!(ask(&mut one, &form, &[("step", "remove")]).await, place);
    assert_eq!(hub.count("SELECT count(*) FROM endpoints").await, 0);
}

#[tokio::test]
async fn an_agency_is_registered_and_changed_after_a_look_at_what_that_means() {
    let hub = hub().await;
    let mut one = administrator(&hub, "mot").await;
    assert!(one.get("/portal/agencies").await.text.contains("href=\"/portal/new-agency\""));
    one.get("/portal/new-agency").await;
    let new = [
        ("form", "change"),
        ("seen", "0"),
        ("code", "X99.N1"),
        ("name", "Sở Mới \"<b>\""),
        ("parent", "000.00.02.X99"),
        ("aliases", "000.00.77.X99, X99-N-1"),
        ("state", "open"),
        ("valid_from", ""),
    ];
    let looked = one.send("/portal/agencies", &[&new[..], &[("step", "look")]].concat()).await;
    assert!(looked.status == 200 && looked.words().contains("Đăng ký đơn vị mới"), "{}", looked.words());
    assert_eq!(hub.count("SELECT count(*) FROM agencies WHERE agency_code = 'X99.N1'").await, 0, "only looked at");
    let confirmed = one.send("/portal/agencies", &[&new[..], &[("step", "confirm")]].concat()).await;
    assert_eq!(confirmed.leads_to(), "/portal/agencies/X99.N1", "{}", confirmed.words());
    let words = one.get("/portal/agencies/x99-n-1").await.words();
    assert!(words.contains("Sở Mới \"<b>\"") && words.contains("X99.B02") && !one.page.text.contains("<b>"), "{words}");
    let words = one.get("/portal/agencies/X99.B02").await.words();
    assert!(words.contains("Đơn vị trực thuộc (") && words.contains("X99.N1"), "{words}");

    // Two look at the same time: the second one to confirm looks again.
    let seen = hub.count("SELECT version FROM agencies WHERE agency_code = 'X99.N1'").await.to_string();
    one.get("/portal/agencies/X99.N1/change").await;
    assert!(one.page.text.contains("value=\"X99.B02\"") && one.page.text.contains("X99-N-1"), "{}", one.page.text);
    let change = |name: &'static str| {
        [("form", "change"), ("code", "X99.N1"), ("name", name), ("aliases", "X99-N-1"), ("state", "suspended")]
    };
    let confirm = [&change("Sở Một")[..], &[("seen", seen.as_str()), ("step", "confirm")]].concat();
    one.send("/portal/agencies", &confirm).await;
    assert_eq!(one.page.status, 303, "{}", one.page.words());
    one.get("/portal/account").await;
    let late = [&change("Sở Hai")[..], &[("seen", seen.as_str()), ("step", "confirm")]].concat();
    let late = one.send("/portal/agencies", &late).await;
    assert!(late.words().contains("Đơn vị này vừa được thay đổi") && late.text.contains("Sở Hai"), "{}", late.words());
    let words = one.get("/portal/agencies/X99.N1").await.words();
    assert!(words.contains("Sở Một") && words.contains("tạm khóa") && !words.contains("000.00.77.X99"), "{words}");

    // Whatever is wrong is told at once, and what was typed is kept.
    one.get("/portal/new-agency").await;
    let wrong = [("seen", "0"), ("code", "X99.N2"), ("name", ""), ("parent", "X99.NONE"), ("mail", "giữ lại")];
    let page = one.send("/portal/agencies", &wrong).await;
    let words = page.words();
    assert!(
        words.contains("Thiếu tên cơ quan.") && words.contains("Không có cơ quan cấp trên \"X99.NONE\"."),
        "{words}"
    );
    assert!(page.text.contains("value=\"giữ lại\""), "{}", page.text);
    one.get("/portal/language/en?next=%2Fportal%2Fnew-agency").await;
    assert!(one.get("/portal/new-agency").await.words().contains("See what it would change"));
}

/// Wherever X99.C03 stands, it says on which day X99.B02 takes over.
async fn a_planned_merge_is_shown(one: &mut Browser<'_>) {
    let words = one.get("/portal/agencies/X99.C03").await.words();
    assert!(words.contains("Đang tham gia") && words.contains("Đến hết ngày 22/11/2026"), "{words}");
    assert!(words.contains("Đơn vị kế thừa từ ngày 23/11/2026"), "{words}");
    assert!(one.get("/portal/agencies?name=x99").await.words().contains("X99.B02 từ ngày 23/11/2026"));
    let words = one.get("/portal/agencies/X99.B02").await.words();
    assert!(
        words.contains("Đơn vị sẽ sáp nhập vào đây (1)") && words.contains("X99.C03 từ ngày 23/11/2026"),
        "{words}"
    );
    let look = [("form", "change"), ("code", "X99.B02"), ("name", "Tên khác"), ("state", "open"), ("step", "look")];
    one.get("/portal/agencies/X99.B02/change").await;
    let words = one.send("/portal/agencies", &look).await.words();
    assert!(words.contains("Đơn vị dự kiến sáp nhập vào đơn vị này: 1"), "{words}");
}

#[tokio::test]
async fn a_merge_takes_effect_on_its_day_on_every_path() {
    let hub = hub().await;
    let mut one = administrator(&hub, "mot").await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.C03"]).bytes()).await;
    let seen = hub.count("SELECT version FROM agencies WHERE agency_code = 'X99.C03'").await.to_string();
    one.get("/portal/agencies/X99.C03/close").await;
    let day = [
        ("form", "close"),
        ("code", "X99.C03"),
        ("successor", "X99.B02"),
        ("day", "2026-11-23"),
        ("seen", seen.as_str()),
    ];
    let words = one.send("/portal/agencies", &[&day[..], &[("step", "look")]].concat()).await.words();
    for wanted in [
        "từ 0 giờ ngày 23/11/2026",
        "Đến hết ngày 22/11/2026",
        "đến lúc đó không có gì thay đổi",
        "Ủy ban nhân dân tỉnh Mẫu (X99.B02) Đang tham gia",
        "lấy về: 1",
        "khóa còn hiệu lực: 1",
        "Không có đơn vị trực thuộc",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    one.send("/portal/agencies", &[&day[..], &[("step", "confirm")]].concat()).await;
    assert_eq!(one.page.leads_to(), "/portal/agencies/X99.C03", "{}", one.page.words());

    a_planned_merge_is_shown(&mut one).await;
    assert_eq!(hub.post("dms.national", a_document("d2").to(&["X99.C03"]).bytes()).await.status, 201, "not yet");
    // What was planned stands whatever else happens to the agency, and evidence says what was planned.
    for state in [AgencyState::Suspended, AgencyState::Open] {
        directory::set_agency_state(&hub.hub, &By::Operator, "X99.C03", state, None).await.unwrap();
    }
    let changed: Vec<_> = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:AgencyChanged").collect();
    let planned: Value = serde_json::from_str(&changed[changed.len() - 3].facts).unwrap();
    assert_eq!(planned["changes"], json!({ "successor": ["", "X99.B02"], "valid_until": ["", "2026-11-22"] }));
    hub.after(TimeDelta::days(2));
    let refused = hub.post("dms.national", a_document("d3").to(&["X99.C03"]).bytes()).await;
    assert_eq!((refused.status, refused.codes()), (422, vec!["M.MessageHeader.To.Closed".to_owned()]));
    assert!(refused.text().contains("X99.B02 (Ủy ban nhân dân tỉnh Mẫu)"), "{}", refused.text());
    let own = hub.post("dms.commune", a_document("d4").from("X99.C03").to(&["X99.B02"]).bytes()).await;
    assert_eq!((own.status, own.codes()), (403, vec!["M.MessageHeader.From.Closed".to_owned()]), "{}", own.text());
    one.sign_in("mot", PASSWORD, "").await;
    let words = one.get("/portal/agencies/X99.C03").await.words();
    assert!(words.contains("Hãy gửi cho đơn vị kế thừa Ủy ban nhân dân tỉnh Mẫu (X99.B02)"), "{words}");
    assert!(!words.contains("Đơn vị kế thừa từ ngày"), "the day has come: {words}");
    assert!(!one.get("/portal/agencies/X99.B02").await.words().contains("sẽ sáp nhập vào đây"));
    assert_eq!(hub.waiting("dms.commune").await.len(), 2, "what was accepted before is still to be fetched");

    // A day that has come closes at once; who is over takes over from nobody.
    one.get("/portal/agencies/X99.A01/close").await;
    let seen = hub.count("SELECT version FROM agencies WHERE agency_code = 'X99.A01'").await.to_string();
    let at_once = |successor: &'static str, day: &'static str| {
        [("form", "close"), ("code", "X99.A01"), ("successor", successor), ("day", day)]
    };
    for (successor, day, said) in [
        ("X99.C03", "2026-11-23", "X99.C03 không còn hoạt động"),
        ("X99.NONE", "2026-11-23", "Không có cơ quan kế thừa"),
        ("X99.A01", "2026-11-23", "kế thừa chính nó"),
        ("", "", "Hãy ghi ngày có hiệu lực"),
    ] {
        let page = one.send("/portal/agencies", &at_once(successor, day)).await;
        assert!(page.words().contains(said), "{said}: {}", page.words());
    }
    let confirm = [&at_once("X99.B02", "2026-11-23")[..], &[("seen", &seen), ("step", "confirm")]].concat();
    one.send("/portal/agencies", &confirm).await;
    assert_eq!(one.page.status, 303, "{}", one.page.words());
    assert!(one.get("/portal/agencies/X99.A01").await.words().contains("Đã đóng"));
}

#[tokio::test]
async fn systems_are_found_and_shown_to_whoever_looks_after_the_hub() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.rows_max = 2;
    })
    .await;
    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;
    hub.waiting("dms.province").await;
    keys::note_uses(&hub.hub).await.unwrap();

    let (mut place, mut seen) = ("/portal/systems".to_owned(), Vec::new());
    loop {
        let page = operator.get(&place).await.text.clone();
        let links = page.split("<th scope=\"row\"><a href=\"/portal/systems/").skip(1);
        seen.extend(links.map(|rest| rest.split('"').next().unwrap().to_owned()));
        let Some(next) = page.split("rel=\"next\" href=\"").nth(1) else { break };
        place = next.split('"').next().unwrap().replace("&#38;", "&");
    }
    assert!(seen.is_sorted() && seen.contains(&"dms.province".to_owned()), "{seen:?}");
    assert_eq!(i64::try_from(seen.len()).unwrap(), hub.count("SELECT count(*) FROM systems").await);
    let words = operator.get("/portal/systems?name=DMS+prov").await.words();
    assert!(words.contains("dms.province") && !words.contains("dms.national"), "{words}");
    assert!(operator.get("/portal/systems?name=khongco").await.words().contains("Không có hệ thống nào."));
    let page = operator.get("/portal/systems/dms.province").await;
    assert!(
        page.words().contains("Khóa (1/2 còn hiệu lực)") && page.words().contains("21/11/2026"),
        "{}",
        page.words()
    );
    assert!(!page.text.contains("name=\"form_token\" value=\"\"") && !page.text.contains("Đề xuất cấp khóa"));
    assert!(!page.text.contains(&hub.system("dms.province").secret));
    assert_eq!(operator.get("/portal/systems/dms.none").await.status, 404);
    assert!(operator.get("/portal/agencies/X99.B02").await.words().contains("Chờ tự lấy về"));
    let mut one = administrator(&hub, "mot").await;
    assert!(one.get("/portal/grants").await.words().contains("Chưa có đề xuất nào."));
}

#[tokio::test]
async fn nothing_of_the_office_is_there_for_others_nor_for_forms_of_other_sites() {
    let hub = hub().await;
    let mut one = administrator(&hub, "mot").await;
    let grant = propose_key(&mut one).await;
    let mut two = administrator(&hub, "hai").await;
    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;
    let mut clerk = Browser::of(&hub, "van.thu", UserRole::Clerk, &["X99.B02", "X99.A01"]).await;
    let mut auditor = Browser::of(&hub, "thanh.tra", UserRole::Auditor, &["X99.B02"]).await;
    let mut nobody = Browser::new(&hub);
    let before = hub.count("SELECT count(*) FROM evidence WHERE event <> 'docaxis:DataAccessed'").await;
    let key = hub.system("dms.province").key_id.clone();
    let fields = [
        ("code", "X99.B02"),
        ("name", "Tên khác"),
        ("form", "change"),
        ("agency", "X99.A01"),
        ("key", key.as_str()),
        ("system", "dms.la"),
        ("role", "exchange"),
        ("reason", REASON),
    ];
    let steps = [
        "look",
        "confirm",
        "remove",
        "key",
        "hold",
        "addresses",
        "rename",
        "suspend",
        "resume",
        "release",
        "revoke",
        "approve",
        "refuse",
        "stop",
        "take",
    ];
    let of_office = |operation: Operation| matches!(operation, Operation::Portal(PortalOperation::Office(_)));
    let routes: Vec<_> = ROUTES.iter().filter(|route| of_office(route.operation)).collect();
    for route in &routes {
        let named = match route.path {
            path if path.starts_with("/portal/agencies") => "X99.B02",
            path if path.starts_with("/portal/systems") => "dms.province",
            _ => grant.rsplit('/').next().unwrap(),
        };
        let path = route.path.replace("{id}", named);
        if route.methods[0].name() == "GET" {
            for browser in [&mut clerk, &mut auditor] {
                assert_eq!(browser.get(&path).await.status, 404, "{path}");
            }
            let expected = if path.starts_with("/portal/systems") { 200 } else { 404 };
            assert_eq!(operator.get(&path).await.status, expected, "{path}");
            assert!(nobody.get(&path).await.leads_to().starts_with("/portal/sign-in"), "{path}");
            continue;
        }
        for step in steps {
            let all = [&fields[..], &[("step", step)]].concat();
            for browser in [&mut operator, &mut clerk, &mut auditor] {
                let status = send(browser, &path, &all).await;
                assert_eq!(status, 404, "{path} {step}");
            }
        }
        assert!(nobody.send_bare(&path, &fields).await.leads_to().starts_with("/portal/sign-in"), "{path}");
        let foreign = [&fields[..], &[("form_token", "of another site")]].concat();
        assert_eq!(two.send_bare(&path, &foreign).await.status, 403, "{path}");
    }
    assert!(routes.len() > 10);
    let after = hub.count("SELECT count(*) FROM evidence WHERE event <> 'docaxis:DataAccessed'").await;
    assert_eq!(after, before, "nothing was done");
}

#[tokio::test]
async fn what_is_unknown_is_not_found_and_only_administrators_are_offered_changes() {
    let hub = hub().await;
    let mut two = administrator(&hub, "hai").await;
    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;
    for unknown in ["/portal/grants/none", "/portal/systems/none", "/portal/agencies/NONE/change"] {
        assert_eq!(two.get(unknown).await.status, 404, "{unknown}");
    }
    assert_eq!(step(&mut two, "/portal/grants/none", "approve").await, 404);
    assert_eq!(step(&mut two, "/portal/grants/none", "take").await, 404);
    let mut words = two.get("/portal/agencies/X99.B02").await.words();
    words.push_str(&operator.get("/portal/agencies/X99.B02").await.words());
    assert_eq!(words.matches("Đóng hoặc sáp nhập").count(), 1, "only administrators are offered it");
}

#[tokio::test]
async fn of_two_who_register_the_same_system_at_once_one_is_refused() {
    let hub = hub().await;
    let (mut one, mut two) = (administrator(&hub, "mot").await, administrator(&hub, "hai").await);
    let new = |name: &'static str| [("system", "dms.moi"), ("name", name), ("role", "exchange")];
    let (first, second) = (new("Phần mềm một"), new("Phần mềm hai"));
    let (first, second) =
        tokio::join!(send(&mut one, "/portal/systems", &first), send(&mut two, "/portal/systems", &second));

    let mut both = [first, second];
    both.sort_unstable();
    assert_eq!(both, [303, 409]);
    let name = if first == 303 { "Phần mềm một" } else { "Phần mềm hai" };
    let renamed = hub.evidence().await.into_iter().filter(|row| row.facts.contains("\"rename\"")).count();
    assert_eq!(renamed, 0, "who came second named nothing anew");
    assert!(one.get("/portal/systems/dms.moi").await.words().contains(name));
}
