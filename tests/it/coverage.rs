//! Nothing is forgotten: every route, every kind of evidence, every job and every setting is exercised here.

use crate::support::packets::{a_document, a_status};
use crate::support::portal::Browser;
use crate::support::program::Program;
use crate::support::provider::{IdentityProvider, with_providers};
use crate::support::{Answer, System, TestHub, add_system};
use crate::{archives, reconciliations, relay, statements};
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::channel::signature::Scheme;
use docaxis::config::{Config, SECTIONS, SETTINGS};
use docaxis::domain::directory::Codes;
use docaxis::domain::evidence::EvidenceEvent;
use docaxis::domain::system::Role;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::{self, By};
use docaxis::exchange::archive::Selection;
use docaxis::exchange::controls::{self, Direction};
use docaxis::exchange::dispatch::Dispatcher;
use docaxis::exchange::endpoints::{self, EndpointEntry};
use docaxis::exchange::import::{self, Mode};
use docaxis::exchange::neighbours::{self, KnownBy, NeighbourEntry};
use docaxis::exchange::open::{self, Part};
use docaxis::exchange::sessions::{self, Admission};
use docaxis::exchange::{agency_file::Format, identity, keys, routes, systems};
use docaxis::http::portal::PortalOperation;
use docaxis::http::{Operation, ROUTES, Route, Verb};
use docaxis::jobs::{self, JOBS};
use secrecy::ExposeSecret;
use std::collections::BTreeSet;

fn path_of(pattern: &str) -> String {
    pattern.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/")
}

async fn call(hub: &TestHub, method: &str, path: &str, bearer: Option<&str>) -> Answer {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = hub.client.request(method, hub.url(path));
    let request = match bearer {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn every_route_but_the_open_ones_asks_for_a_credential() {
    let hub = TestHub::start().await;
    let stranger = format!("{}.wrong", hub.system("dms.national").key_id);
    for route in ROUTES {
        // `/metrics` is open to this machine; who else may read it is tested with it.
        let expected = match route.operation {
            Operation::Alive | Operation::Ready | Operation::Description | Operation::Metrics | Operation::Verifier => {
                200
            }
            // Open too, but nothing is sealed here.
            Operation::Tiles(_) => 404,
            // Open too, but it wants a head.
            Operation::Witness => 400,
            Operation::Agency(_) | Operation::Admin(_) | Operation::Sdk(_) => 401,
            // Open too, but no provider is set here.
            Operation::Portal(PortalOperation::Asset | PortalOperation::ToProvider | PortalOperation::OpenData) => 404,
            // The page that asks who it is, which the others lead to (`portal.rs`).
            Operation::Portal(_) => 200,
        };
        for method in route.methods {
            for token in [None, Some(""), Some("x"), Some("unknown.x"), Some(stranger.as_str())] {
                let answer = call(&hub, method.name(), &path_of(route.path), token).await;

                assert_eq!(answer.status, expected, "{} with {token:?}: {}", route.path, answer.text());
                assert!(answer.headers.contains_key("x-request-id"), "{}", route.path);
            }
        }
    }
}

#[tokio::test]
async fn no_route_takes_an_expired_or_revoked_key_or_one_of_a_suspended_system() {
    let hub = TestHub::start().await;
    add_system(&hub.hub, "office", Some(Role::Administration), Vec::new()).await;
    add_system(&hub.hub, "office.2", Some(Role::Administration), Vec::new()).await;
    let mut tokens = Vec::new();
    for (system, life) in [("office", Some(1)), ("office", None), ("office.2", None)] {
        let key = keys::add_key(&hub.hub, &By::Operator, system, life).await.unwrap();
        tokens.push((format!("{}.{}", key.key_id, key.secret.expose_secret()), key.key_id));
    }
    hub.after(TimeDelta::days(1));
    keys::revoke_key(&hub.hub, &By::Operator, &tokens[1].1).await.unwrap();
    systems::suspend(&hub.hub, &By::Operator, "office.2", true).await.unwrap();
    let native = |route: &&Route| matches!(route.operation, Operation::Agency(_) | Operation::Admin(_));
    for route in ROUTES.iter().filter(native) {
        for (token, _) in &tokens {
            let answer = call(&hub, route.methods[0].name(), &path_of(route.path), Some(token)).await;

            assert_eq!(answer.status, 401, "{}: {}", route.path, answer.text());
            for word in ["expired", "revoked", "suspended"] {
                assert!(!answer.text().contains(word), "why is nobody's business: {}", answer.text());
            }
        }
    }
}

#[tokio::test]
async fn administration_is_only_for_systems_with_that_role() {
    let hub = TestHub::start().await;
    let bearer = hub.system("dms.national").bearer();
    let routes: Vec<&Route> = ROUTES.iter().filter(|route| matches!(route.operation, Operation::Admin(_))).collect();
    let before = hub.count("SELECT count(*) FROM evidence").await;
    for route in &routes {
        for method in route.methods {
            let answer = call(&hub, method.name(), &path_of(route.path), Some(&bearer)).await;

            assert_eq!((answer.status, &answer.json["code"]), (403, &"not-allowed".into()), "{}", route.path);
        }
    }
    assert!(routes.len() > 10);
    assert_eq!(hub.count("SELECT count(*) FROM evidence").await, before, "nothing was done");
}

#[tokio::test]
async fn every_route_refuses_the_methods_it_does_not_take() {
    let hub = TestHub::start().await;
    for route in ROUTES {
        let same = ROUTES.iter().filter(|other| other.path == route.path);
        let taken: Vec<&str> = same.flat_map(|route| route.methods.iter().map(|method| method.name())).collect();
        let others = ["GET", "POST", "PUT", "DELETE", "PATCH"].into_iter().filter(|method| !taken.contains(method));
        for method in others {
            let answer = call(&hub, method, &path_of(route.path), None).await;

            assert_eq!(answer.status, 405, "{method} {}", route.path);
            assert_eq!(answer.headers["allow"], taken.join(", "), "{}", route.path);
        }
    }
    assert!(ROUTES.iter().any(|route| route.methods == [Verb::Post, Verb::Get]));
}

#[tokio::test]
async fn the_key_of_one_api_does_not_open_the_other() {
    let hub = TestHub::start().await;
    let bearer = hub.system("dms.national").bearer();
    for route in ROUTES.iter().filter(|route| matches!(route.operation, Operation::Sdk(_))) {
        let answer = call(&hub, route.methods[0].name(), route.path, Some(&bearer)).await;

        assert_eq!(answer.status, 401, "{}", route.path);
    }
}

/// A hub in which everything that leaves evidence has happened, through HTTP.
async fn busy_hub() -> TestHub {
    let hub = TestHub::start_with(|config| {
        config.push.terms_hours = "1, 1, 1, 1, 1".to_owned();
        config.relay.hub_name = "truc.a".to_owned();
        with_providers(config);
        crate::purge::with_purges(config);
    });
    let hub = hub.await;
    let recall = |id: &str, target: &str| {
        let inner = format!("<BussinessDocType>1</BussinessDocType><DocumentId>{target}</DocumentId>");
        a_document(id).business(&inner).bytes()
    };
    // Fetched, failed, then handed over; asked back after that, and the recipient agrees.
    assert_eq!(hub.post("dms.national", a_document("d1").bytes()).await.status, 201);
    let first = hub.waiting("dms.province").await[0].clone();
    assert_eq!(hub.fetch("dms.province", &first).await.status, 200);
    assert_eq!(hub.confirm("dms.province", &first, "fail").await.status, 200);
    assert_eq!(hub.confirm("dms.province", &first, "done").await.status, 200);
    let status = a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00");
    assert_eq!(hub.post("dms.province", status).await.status, 201);
    assert_eq!(hub.post("dms.national", recall("r1", "d1")).await.status, 201);
    let agreed = a_status("X99.B02", ("X99.A01", "d1"), "15", "2026/11/21 09:40:00");
    assert_eq!(hub.post("dms.province", agreed).await.status, 201);
    // Recalled before anybody fetched it.
    assert_eq!(hub.post("dms.national", a_document("d2").bytes()).await.status, 201);
    assert_eq!(hub.post("dms.national", recall("r2", "d2")).await.status, 201);
    assert_eq!(hub.post("dms.national", b"no packet".to_vec()).await.status, 422);
    // Nobody answers at the endpoint until the term is over.
    let dispatcher = Dispatcher::new(&hub.hub, Pusher::new(&hub.hub.config.push).unwrap());
    let entry = EndpointEntry {
        agency: "X99.C03".to_owned(),
        url: "https://dms.invalid/in".to_owned(),
        confirms_itself: false,
        in_flight_max: None,
        scheme: Scheme::Hmac,
    };
    endpoints::set(&hub.hub, &By::Operator, entry).await.unwrap();
    assert_eq!(hub.post("dms.national", a_document("d4").to(&["X99.C03"]).bytes()).await.status, 201);
    let waits = controls::waiting(&hub.hub, "X99.C03", 1).await.unwrap().remove(0);
    controls::direct(&hub.hub, &By::Operator, &waits.push_id, (Direction::Hold, "")).await.unwrap();
    hub.after(TimeDelta::hours(1));
    assert_eq!(dispatcher.round().await.unwrap(), 0);
    let file = b"code,name\nX99.N1,Moi\n".to_vec();
    import::import(&hub.hub, &By::Operator, (file, Format::Csv), (Mode::Apply, Codes::Rest), import::silent())
        .await
        .unwrap();
    // From an agency behind a neighbouring hub.
    add_system(&hub.hub, "truc.b", Some(Role::Hub), Vec::new()).await;
    let entry = NeighbourEntry {
        neighbour: "truc.b".to_owned(),
        url: "https://truc-b.example".to_owned(),
        key: Some("k.s".to_owned().into()),
        in_flight_max: None,
        known_by: KnownBy::unverified(),
    };
    neighbours::set(&hub.hub, &By::Operator, entry).await.unwrap();
    routes::set(&hub.hub, &By::Operator, "X98", "truc.b").await.unwrap();
    let key = keys::add_key(&hub.hub, &By::Operator, "truc.b", None).await.unwrap();
    let secret = key.secret.expose_secret().to_owned();
    let neighbour = System { id: "truc.b".to_owned(), key_id: key.key_id, secret };
    let said = ("truc.b;2026-11-21T08:59:00+07:00", "e1", "X99.B02");
    let brought = relay::bring(&hub, &neighbour, a_document("d5").from("X98.1").bytes(), said).await;
    assert_eq!(brought.status, 201, "{}", brought.text());
    // Larger than a row.
    let large = a_document("d3").attachment(vec![7; 200_000]).bytes();
    let large = hub.accepted("dms.national", large).await;
    crate::witness::show_a_fork(&hub).await;
    look_into(&hub, large["envelope_id"].as_str().unwrap()).await;
    start_anew(&hub).await;
    trust_a_provider(&hub).await;
    look_under_a_warrant(&hub).await;
    hub
}

/// An operator lets people sign in by an identity provider.
async fn trust_a_provider(hub: &TestHub) {
    let provider = IdentityProvider::start().await;
    identity::set(&hub.hub, &By::Operator, provider.entry()).await.unwrap();
}

/// An auditor is given a warrant and asks something; an operator has a job done at once.
async fn look_under_a_warrant(hub: &TestHub) {
    let mut auditor = Browser::of(hub, "thanh.tra", UserRole::Auditor, &["X99.A01"]).await;
    assert_eq!(auditor.get("/portal/search?q=1").await.status, 200);
    act::note_order(&hub.hub, &By::Operator, "job-run", serde_json::json!({ "job": "digest" })).await.unwrap();
}

/// A clerk opens an attachment.
async fn look_into(hub: &TestHub, envelope_id: &str) {
    let password = crate::support::portal::let_in(hub, "lan.vp", UserRole::Clerk, &["X99.A01", "X99.B02"]).await;
    let shown = sessions::Shown { login: "lan.vp".to_owned(), password: password.into(), code: String::new() };
    let visit = sessions::Visit { address: String::new(), agent: String::new() };
    let Admission::In(token) = sessions::sign_in(&hub.hub, shown, visit).await.unwrap() else {
        panic!("nobody is let in")
    };
    let person = sessions::person(&hub.hub, token.expose_secret(), true).await.unwrap().unwrap();
    open::open(&hub.hub, &person, (envelope_id, Part::Attachment(1))).await.unwrap();
}

/// An operator tells agencies something, and has what failed for X99.C03 started anew.
async fn start_anew(hub: &TestHub) {
    let mut browser = Browser::of(hub, "van.hanh", UserRole::Operator, &[]).await;
    browser.get("/portal/redrives/new?agency=X99.C03&cause=untried").await;
    let fields = [("agency", "X99.C03"), ("cause", "untried"), ("per_minute", "1"), ("reason", "Thôi giữ, gửi lại")];
    browser.send("/portal/redrives", &fields).await;
    assert_eq!(browser.page.status, 303, "{}", browser.page.words());
    browser.get("/portal/bulletins").await;
    let bulletin = [("text", "Bảo trì"), ("from", ""), ("until", "2026-11-22T12:00"), ("agencies", "")];
    browser.send("/portal/bulletins", &bulletin).await;
    assert_eq!(browser.page.status, 303, "{}", browser.page.words());
    // The first minute starts it, the second finds that nothing is left.
    for started in [1, 0] {
        assert_eq!(docaxis::exchange::redrives::work(&hub.hub).await.unwrap(), started);
    }
}

#[tokio::test]
async fn every_kind_of_evidence_is_left_by_something() {
    let hub = busy_hub().await;
    statements::close_the_day(&hub).await;
    let reconciled = reconciliations::post(&hub, "dms.national", reconciliations::OF_THE_DAY, "[]").await;
    assert_eq!(reconciled.status, 200, "{}", reconciled.text());
    let archive = archives::bytes_of(&hub, Selection { packets: true, ..archives::of_the_day() }).await;
    assert!(
        ["ContentViewed", "DataAccessed"].iter().all(|look| !String::from_utf8_lossy(&archive).contains(look)),
        "who looked is for the side of that person alone"
    );
    crate::office::propose_key(&mut crate::office::administrator(&hub, "quan.tri").await).await;
    crate::purge::hold_and_destroy(&hub).await;

    let mut never = Vec::new();
    for event in EvidenceEvent::ALL {
        if hub.count(&format!("SELECT count(*) FROM evidence WHERE event = '{}'", event.name())).await == 0 {
            never.push(event);
        }
    }

    assert_eq!(never, [], "nothing in this test leaves this evidence");
}

#[tokio::test]
async fn evidence_names_no_kind_that_is_unknown() {
    let hub = busy_hub().await;
    let known: Vec<String> = EvidenceEvent::ALL.iter().map(|event| format!("'{}'", event.name())).collect();

    let unknown = hub.count(&format!("SELECT count(*) FROM evidence WHERE event NOT IN ({})", known.join(", "))).await;

    assert_eq!(unknown, 0);
    assert_eq!(EvidenceEvent::ALL.iter().map(|event| event.name()).collect::<BTreeSet<_>>().len(), known.len());
}

/// What a hub holds, as numbers.
async fn holdings(hub: &TestHub) -> Vec<i64> {
    let mut numbers = Vec::new();
    for table in ["envelopes", "deliveries", "payloads", "evidence", "attachments", "status_reports", "systems"] {
        numbers.push(hub.count(&format!("SELECT count(*) FROM {table}")).await);
    }
    numbers
}

#[tokio::test]
async fn every_job_can_run_twice_on_an_empty_and_on_a_busy_hub() {
    for hub in [TestHub::start().await, busy_hub().await] {
        let before = holdings(&hub).await;
        for job in JOBS {
            let first = jobs::run_due(&hub.hub, job, hub.now()).await.unwrap();
            let same_minute = jobs::run_due(&hub.hub, job, hub.now()).await.unwrap();
            hub.after(TimeDelta::minutes(1));
            let again = jobs::run_due(&hub.hub, job, hub.now()).await.unwrap();

            assert_eq!((first.is_some(), same_minute), (true, None), "{}", job.name);
            assert_eq!(again, Some(0), "{}: there is nothing left to do", job.name);
        }
        assert_eq!(holdings(&hub).await, before);
        let packets = hub.waiting("dms.province").await;
        for delivery in packets {
            assert!(matches!(hub.fetch("dms.province", &delivery).await.status, 200 | 409 | 410));
        }
    }
}

#[tokio::test]
async fn every_job_has_a_schedule_that_can_be_read() {
    let hub = TestHub::start().await;

    let mut schedule = jobs::start(&hub.hub).await.unwrap();
    schedule.made_up().await;
    schedule.stop().await.unwrap();

    let runs = hub.count("SELECT count(*) FROM job_runs WHERE finished_at IS NOT NULL").await;
    let made_up = JOBS.iter().filter(|job| job.made_up).count();
    assert_eq!(runs, i64::try_from(made_up).unwrap(), "what was missed is made up at start");
    let names: BTreeSet<&str> = JOBS.iter().map(|job| job.name).collect();
    assert_eq!(names.len(), JOBS.len());
}

#[tokio::test]
async fn a_schedule_that_cannot_be_read_is_an_error_at_start() {
    let hub = TestHub::start_with(|config| config.jobs.sweep_cron = "now and then".to_owned()).await;

    assert!(jobs::start(&hub.hub).await.is_err());
}

#[test]
fn every_setting_says_what_it_does_and_in_which_unit() {
    for setting in SETTINGS {
        let name = format!("{}.{}", setting.section, setting.name);
        assert!(setting.about.trim().len() > 10 && setting.about.trim().ends_with('.'), "{name}: {}", setting.about);
        assert!(!setting.unit.is_empty(), "{name}");
        for (ending, unit) in [("_seconds", "seconds"), ("bytes_max", "bytes"), ("_days", "days"), ("_cron", "cron")] {
            assert!(!setting.name.ends_with(ending) || setting.unit.starts_with(unit), "{name}: {}", setting.unit);
        }
    }
    for (section, about) in SECTIONS {
        assert!(about.trim().ends_with('.'), "{section}");
        assert!(SETTINGS.iter().any(|setting| setting.section == *section), "{section} is empty");
    }
}

fn load(toml: &str) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("docaxis.toml");
    std::fs::write(&file, toml).unwrap();
    Config::load(Some(&file)).map_err(|error| format!("{error:?}"))
}

#[test]
fn an_unknown_key_of_the_file_is_an_error_that_names_it() {
    assert!(load("[server]\naddress = \"127.0.0.1:1\"\n").is_ok());
    for (section, _) in SECTIONS {
        let error = load(&format!("[{section}]\nadress = \"x\"\n")).unwrap_err();
        assert!(error.contains("adress"), "{section}: {error}");
    }
    let error = load("[servr]\naddress = \"x\"\n").unwrap_err();
    assert!(error.contains("servr"), "{error}");
}

#[test]
fn every_setting_refuses_a_value_of_another_type() {
    for setting in SETTINGS {
        let error = load(&format!("[{}]\n{} = [[]]\n", setting.section, setting.name));
        assert!(error.is_err(), "{}.{}", setting.section, setting.name);
    }
}

#[test]
fn an_unknown_name_of_the_environment_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, key) in [("DOCAXIS__SERVER__ADRESS", "adress"), ("DOCAXIS__SERVR__ADDRESS", "servr")] {
        let ran = Program::new(folder.path(), "").with(name, "x").run(&["config", "check"]);

        assert_eq!(ran.code, 2, "{name}: {}{}", ran.out, ran.err);
        assert!(ran.err.to_lowercase().contains(key), "{name}: {}", ran.err);
    }
}
