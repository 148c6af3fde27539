//! The self-test: a right DMS passes every case and is certified; each wrong one is caught by exactly the cases that
//! speak of its fault.

use crate::support::mock_dms::{Fault, MockDms};
use crate::support::packets::a_document;
use crate::support::{Answer, TestHub};
use chrono::TimeDelta;
use docaxis::domain::directory::Codes;
use docaxis::domain::selftest::cases;
use docaxis::exchange::act::By;
use docaxis::exchange::selftest::certificate::{Invalid, verify};
use docaxis::exchange::{directory, keys, systems};
use docaxis::hub::Hub;
use docaxis::signer::Signer;
use serde_json::{Value, json};

const SYSTEM: &str = "dms.province";

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.selftest.large_file_bytes_max = 200_000).await
}

async fn ask(hub: &TestHub, system: &str, path: &str, body: Value) -> Answer {
    let request = hub.client.post(hub.url(path)).bearer_auth(hub.system(system).bearer());
    Answer::of(request.json(&body).send().await.unwrap()).await
}

async fn start(hub: &TestHub, cases: &[&str]) -> Value {
    let answer = ask(hub, SYSTEM, "/api/v1/selftest", json!({ "agency": "x99.b02", "cases": cases })).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let run = answer.json["run_id"].as_str().unwrap();
    assert_eq!(answer.headers["location"], format!("/api/v1/selftest/{run}"));
    answer.json
}

async fn look(hub: &TestHub, run: &Value) -> Value {
    let answer = hub.get(SYSTEM, &format!("/api/v1/selftest/{}", run["run_id"].as_str().unwrap())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json
}

async fn of_run(hub: &TestHub, run: &Value, what: &str) -> Answer {
    hub.get(SYSTEM, &format!("/api/v1/selftest/{}/{what}", run["run_id"].as_str().unwrap())).await
}

async fn finish(hub: &TestHub, run: &Value) -> Value {
    let path = format!("/api/v1/selftest/{}/finish", run["run_id"].as_str().unwrap());
    let answer = ask(hub, SYSTEM, &path, json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json
}

fn codes(run: &Value, verdict: &str) -> Vec<String> {
    let cases = run["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == verdict);
    cases.map(|case| case["code"].as_str().unwrap().to_owned()).collect()
}

/// Lets a DMS go through a run to its end.
async fn go_through(hub: &TestHub, fault: Fault, cases: &[&str]) -> Value {
    let mut run = start(hub, cases).await;
    let mut dms = MockDms::new(hub, fault);
    for _ in 0..4 {
        if run["state"] == "finished" {
            break;
        }
        dms.work(&run).await;
        run = look(hub, &run).await;
    }
    finish(hub, &run).await
}

#[tokio::test]
async fn a_right_dms_passes_every_case_and_is_certified() {
    let hub = hub().await;

    let run = go_through(&hub, Fault::None, &[]).await;

    assert_eq!(codes(&run, "failed"), Vec::<String>::new(), "{run:#}");
    assert_eq!(codes(&run, "passed").len(), cases().count());
    assert_eq!((&run["state"], &run["certified"]), (&json!("finished"), &json!(true)));
    let file = of_run(&hub, &run, "certificate").await.text();
    let key = hub.get(SYSTEM, "/api/v1/selftest/key").await.json["public_key"].as_str().unwrap().to_owned();
    let body = verify(&file, &key, hub.now()).unwrap();
    assert_eq!((&body["agency"]["code"], &body["system"]["id"]), (&json!("X99.B02"), &json!(SYSTEM)));
    assert_eq!(body["passed"], cases().count());
    let altered = file.replace("X99.B02", "X99.A01");
    assert_eq!(verify(&altered, &key, hub.now()), Err(Invalid::Signature));
    let other = Signer::derived(b"another hub", "test").unwrap().public_key();
    assert_eq!(verify(&file, &other, hub.now()), Err(Invalid::Signature));
    assert_eq!(verify(&file, &key, hub.now() + TimeDelta::days(366)), Err(Invalid::Expired));
    assert_eq!(verify(&file, &key, hub.now() - TimeDelta::days(1)), Err(Invalid::Expired));
    assert_eq!(verify("{}", &key, hub.now()), Err(Invalid::Unreadable));
}

/// A DMS with a fault, and the cases that must catch it.
async fn is_caught(fault: Fault, by: &[&str]) {
    let hub = hub().await;

    let run = go_through(&hub, fault, &[]).await;

    assert_eq!(codes(&run, "failed"), by, "{fault:?}");
    for case in run["cases"].as_array().unwrap().iter().filter(|case| case["verdict"] == "failed") {
        let words = ["reason", "remedy"].map(|member| case[member]["vi"].as_str().unwrap().len());
        assert!(words.iter().all(|length| *length > 10), "{case}");
    }
    let is_grave = by.iter().any(|code| cases().any(|case| case.code == *code && case.mandatory));
    assert_eq!(run["certified"], !is_grave);
    let certificate = of_run(&hub, &run, "certificate").await;
    assert_eq!(certificate.status, if is_grave { 400 } else { 200 }, "{}", certificate.text());
}

#[tokio::test]
async fn mixed_up_statuses_are_caught() {
    is_caught(Fault::SwappedStatuses, &["02", "03", "04", "05", "10", "28"]).await;
}

#[tokio::test]
async fn a_registration_instead_of_a_refusal_is_caught() {
    is_caught(Fault::RegistersWhatItRefuses, &["06", "07", "11", "16"]).await;
}

#[tokio::test]
async fn a_refusal_that_nobody_is_told_is_caught() {
    is_caught(Fault::RefusesSilently, &["06", "07", "11", "16"]).await;
}

#[tokio::test]
async fn broken_letters_are_caught() {
    is_caught(Fault::BreaksLetters, &["07", "16"]).await;
}

#[tokio::test]
async fn a_double_registration_is_caught() {
    is_caught(Fault::RegistersTwice, &["10"]).await;
}

#[tokio::test]
async fn recalls_that_are_not_answered_are_caught() {
    is_caught(Fault::IgnoresRecalls, &["24", "25", "26", "27"]).await;
}

#[tokio::test]
async fn altered_files_are_caught() {
    is_caught(Fault::AltersFiles, &["33"]).await;
}

#[tokio::test]
async fn confirmations_without_a_fetch_are_caught() {
    let hub = hub().await;

    let run = go_through(&hub, Fault::ConfirmsUnfetched, &["01", "09", "29"]).await;

    assert_eq!(codes(&run, "failed"), ["01", "09"]);
}

#[tokio::test]
async fn retries_under_new_identifiers_are_caught() {
    is_caught(Fault::NewIdOnRetry, &["30", "37", "38", "39"]).await;
}

#[tokio::test]
async fn a_dms_that_never_comes_again_is_caught() {
    is_caught(Fault::NeverRetries, &["37", "38", "39"]).await;
}

#[tokio::test]
async fn a_clock_that_is_off_is_caught() {
    is_caught(Fault::WritesUtc, &["08"]).await;
}

#[tokio::test]
async fn an_urgent_document_that_waits_is_noted_and_costs_no_certificate() {
    is_caught(Fault::IgnoresUrgency, &["13"]).await;
}

#[tokio::test]
async fn smaller_faults_are_caught_each_by_its_case() {
    is_caught(Fault::SwapsDayAndMonth, &["23"]).await;
    is_caught(Fault::OverwritesFiles, &["21"]).await;
    is_caught(Fault::ForgetsWhatItAnswers, &["32"]).await;
    is_caught(Fault::ReadsNoReports, &["34"]).await;
}

#[tokio::test]
async fn a_run_goes_on_where_it_was_after_a_restart() {
    let hub = hub().await;
    let run = start(&hub, &[]).await;
    let mut dms = MockDms::new(&hub, Fault::None);
    dms.work(&run).await;

    let before = look(&hub, &run).await;
    let config = (*hub.hub.config).clone();
    let again = tokio::task::spawn_blocking({
        let clock = hub.hub.clock.clone();
        move || Hub::open(config, clock).unwrap()
    });
    let again = again.await.unwrap();
    let ended = docaxis::exchange::selftest::look_after(&again).await.unwrap();
    let after = look(&hub, &run).await;

    assert_eq!(codes(&before, "passed"), codes(&after, "passed"));
    assert!(!codes(&after, "waiting").is_empty(), "updates and recalls are still open");
    assert_eq!(ended, 0);
    dms.work(&after).await;
    let ended = docaxis::exchange::selftest::look_after(&again).await.unwrap();
    assert_eq!(ended, 1, "everything is passed: the run ends by itself");
    let end = look(&hub, &run).await;
    assert_eq!((&end["state"], &end["certified"]), (&json!("finished"), &json!(true)));
    again.store.close();
}

#[tokio::test]
async fn a_run_ends_with_its_life_and_what_waits_has_failed() {
    let hub = hub().await;
    let run = start(&hub, &["01", "06"]).await;

    hub.after(TimeDelta::hours(73));
    let end = look(&hub, &run).await;

    assert_eq!((&end["state"], codes(&end, "failed").len()), (&json!("finished"), 2));
    let same = look(&hub, &run).await;
    assert_eq!(same, end, "what was written stays");
    start(&hub, &["01"]).await;
}

#[tokio::test]
async fn an_agency_has_one_run_at_a_time_and_so_many_a_day() {
    let hub = TestHub::start_with(|config| config.selftest.runs_per_day_max = 2).await;
    let first = start(&hub, &["01"]).await;
    let body = json!({ "agency": "X99.B02" });

    let second = ask(&hub, SYSTEM, "/api/v1/selftest", body.clone()).await;
    assert_eq!(second.status, 409);
    assert!(second.json["detail"].as_str().unwrap().contains(first["run_id"].as_str().unwrap()));
    finish(&hub, &first).await;
    let other = start(&hub, &["01"]).await;
    finish(&hub, &other).await;
    assert_eq!(ask(&hub, SYSTEM, "/api/v1/selftest", body).await.status, 409);
    hub.after(TimeDelta::hours(25));
    start(&hub, &["01"]).await;
}

#[tokio::test]
async fn a_run_is_nobody_elses() {
    let hub = hub().await;
    let run = start(&hub, &["01", "29"]).await;

    for agency in ["X99.A01", "X99.Z99", "DOCAXIS.KIEMTHU"] {
        let refused = ask(&hub, SYSTEM, "/api/v1/selftest", json!({ "agency": agency })).await;
        assert_eq!(refused.status, 404, "{agency}");
    }
    let path = format!("/api/v1/selftest/{}", run["run_id"].as_str().unwrap());
    for what in ["", "/sheet", "/certificate"] {
        assert_eq!(hub.get("dms.national", &format!("{path}{what}")).await.status, 404, "{what}");
    }
    assert_eq!(ask(&hub, "dms.national", &format!("{path}/finish"), json!({})).await.status, 404);
    let unknown = ask(&hub, SYSTEM, "/api/v1/selftest", json!({ "agency": "X99.B02", "cases": ["77"] })).await;
    assert_eq!(unknown.status, 400, "{}", unknown.text());
}

#[tokio::test]
async fn test_agencies_take_nothing_but_packets_of_a_run() {
    let hub = hub().await;
    let stray = ["M.MessageHeader.To.SelfTest".to_owned()];
    let to_partner = || a_document("d1").from("X99.B02").to(&["docaxis.kiemthu"]);
    let before = hub.post(SYSTEM, to_partner().bytes()).await;
    assert_eq!((before.status, before.codes()), (422, stray.to_vec()), "no run");

    let run = start(&hub, &["29"]).await;
    let mark = run["cases"][0]["mark"].as_str().unwrap();
    let unmarked = hub.post(SYSTEM, to_partner().bytes()).await;
    assert_eq!(unmarked.codes(), stray, "no mark");
    let marked = to_partner().subject(mark);
    let mixed = hub.post(SYSTEM, marked.clone().to(&["DOCAXIS.KIEMTHU", "X99.A01"]).bytes()).await;
    assert_eq!(mixed.codes(), stray, "real agencies get no test documents");
    let stranger = hub.post("dms.national", a_document("d2").to(&["DOCAXIS.KIEMTHU"]).subject(mark).bytes()).await;
    assert_eq!(stranger.codes(), stray, "the run is another's");

    assert_eq!(hub.post(SYSTEM, marked.bytes()).await.status, 201);
    finish(&hub, &run).await;
    let over = hub.post(SYSTEM, marked.clone().subject("again").bytes()).await;
    assert_eq!(over.codes(), stray);
}

#[tokio::test]
async fn nobody_can_be_or_hold_a_test_agency() {
    let hub = hub().await;
    start(&hub, &["01"]).await;
    let entry = |code: &str, alias: &str| directory::AgencyEntry {
        code: code.to_owned(),
        name: "Giả mạo".to_owned(),
        aliases: vec![alias.to_owned()],
        ..directory::AgencyEntry::default()
    };

    assert!(
        directory::register_agency(&hub.hub, &By::Operator, entry("docaxis.kiemthu", "X99.N1"), Codes::Rest)
            .await
            .is_err()
    );
    assert!(
        directory::register_agency(&hub.hub, &By::Operator, entry("X99.N1", "000.00.98.Z98"), Codes::Rest)
            .await
            .is_err()
    );
    let held = ["DOCAXIS.KIEMTHU".to_owned()];
    let system = |id: &str, agencies: &[String]| systems::NewSystem {
        system_id: id.to_owned(),
        name: "x".to_owned(),
        role: None,
        agencies: agencies.to_vec(),
    };
    for new in [system("dms.fake", &held), system("docaxis.selftest", &[])] {
        assert!(systems::put_system(&hub.hub, &By::Operator, new).await.is_err());
    }
    assert!(systems::hold(&hub.hub, &By::Operator, "dms.province", "DOCAXIS.KIEMTHU").await.is_err());
    assert!(systems::release(&hub.hub, &By::Operator, "docaxis.selftest", "DOCAXIS.KIEMTHU").await.is_err());
    assert!(keys::add_key(&hub.hub, &By::Operator, "docaxis.selftest", None).await.is_err());
}

#[tokio::test]
async fn what_was_refused_is_told_beside_its_case() {
    let hub = hub().await;
    let run = start(&hub, &["29"]).await;
    let mark = run["cases"][0]["mark"].as_str().unwrap();
    let faulty = a_document("d1").from("X99.B02").to(&["DOCAXIS.KIEMTHU"]).subject(mark);

    let refused = hub.post(SYSTEM, faulty.with("2026/11/20", "2026/02/30").bytes()).await;

    assert_eq!(refused.status, 422);
    let line = look(&hub, &run).await["cases"][0].clone();
    assert_eq!(line["verdict"], "waiting");
    assert!(line["refused"][0].as_str().unwrap().contains("PromulgationDate"), "{line}");
}

#[tokio::test]
async fn the_sheet_is_in_vietnamese_with_english_beside_it() {
    let hub = hub().await;
    let run = start(&hub, &["06", "29"]).await;

    let sheet = of_run(&hub, &run, "sheet").await;

    assert_eq!(sheet.headers["content-type"], "text/html; charset=utf-8");
    let text = sheet.text();
    for words in [
        "PHIẾU KẾT QUẢ TỰ KIỂM TRA KẾT NỐI",
        "Từ chối tiếp nhận kèm lý do: 02",
        "Refused with a reason: 02",
        "lang=\"vi\"",
    ] {
        assert!(text.contains(words), "{words}");
    }
    assert!(!text.contains("http://") && !text.contains("https://"), "nothing is fetched from elsewhere");
}
