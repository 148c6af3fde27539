//! Codes that an agency gave up: kept for it, so that nobody alone leads its packets to another agency, and moved by whoever says so.

use crate::administration::office_of;
use crate::office::{administrator, hub};
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, PASSWORD};
use chrono::TimeDelta;
use docaxis::domain::directory::Codes;
use docaxis::exchange::act::By;
use docaxis::exchange::directory::{self, AgencyEntry};
use serde_json::{Value, json};

/// A code of X99.B02, as its software writes it.
const OLD: &str = "000.00.02.X99";

/// Says all other codes of an agency in the portal, after a look; answers what the last page says.
async fn put_codes(hub: &TestHub, one: &mut Browser<'_>, code: &str, aliases: &str) -> String {
    let known = format!("SELECT coalesce(max(version), 0) FROM agencies WHERE agency_code = '{code}'");
    let seen = hub.count(&known).await.to_string();
    one.get("/portal/account").await;
    let form = [("form", "change"), ("code", code), ("name", "Cơ quan"), ("aliases", aliases), ("state", "open")];
    let all = [&form[..], &[("seen", seen.as_str()), ("step", "look")]].concat();
    let looked = one.send("/portal/agencies", &all).await.words();
    one.get("/portal/account").await;
    let all = [&form[..], &[("seen", seen.as_str()), ("step", "confirm")]].concat();
    let confirmed = one.send("/portal/agencies", &all).await;
    match confirmed.status {
        303 => looked,
        _ => {
            assert_eq!(looked.contains("được trả lại"), confirmed.words().contains("được trả lại"), "{looked}");
            confirmed.words()
        }
    }
}

async fn leads_to(hub: &TestHub, code: &str) -> Option<String> {
    directory::agency(&hub.hub, code).await.ok().map(|line| line.agency.code.0)
}

async fn last_facts(hub: &TestHub, event: &str) -> Value {
    let last = hub.evidence().await.into_iter().rfind(|row| row.event == event).unwrap();
    serde_json::from_str(&last.facts).unwrap()
}

/// An administrator who took the code away from X99.B02.
async fn freed(hub: &TestHub) -> Browser<'_> {
    let mut one = administrator(hub, "mot").await;
    let words = put_codes(hub, &mut one, "X99.B02", "").await;
    assert!(words.contains("giữ cho đơn vị này 90 ngày") && words.contains(OLD), "{words}");
    one
}

#[tokio::test]
async fn one_person_does_not_lead_the_packets_of_an_agency_to_another() {
    let hub = hub().await;
    let mut one = freed(&hub).await;
    let facts = last_facts(&hub, "docaxis:AgencyChanged").await;
    assert_eq!(facts["codes_freed"], json!([{ "code": OLD, "from": "X99.B02" }]));

    for (code, aliases) in [("X99.C03", OLD), ("X99.N1", OLD), (OLD, ""), ("X99.C03", "000.00.02.x99")] {
        let words = put_codes(&hub, &mut one, code, aliases).await;
        for wanted in ["từng dẫn tới cơ quan X99.B02", "19/02/2027 09:00", "--move-codes"] {
            assert!(words.contains(wanted), "{code} {aliases}, {wanted}: {words}");
        }
        assert_eq!(leads_to(&hub, OLD).await, None, "{code} {aliases}");
    }
    let sent = hub.post("dms.national", a_document("d1").to(&[OLD]).bytes()).await;
    assert_eq!(sent.status, 422, "nobody gets what is sent to it: {}", sent.text());
    one.get("/portal/language/en?next=%2Fportal%2Faccount").await;
    let words = put_codes(&hub, &mut one, "X99.C03", OLD).await;
    assert!(words.contains("led to the agency X99.B02, which gave it up"), "{words}");
    one.get("/portal/language/vi?next=%2Fportal%2Faccount").await;

    // Who had it takes it back, and it rests for nobody then.
    put_codes(&hub, &mut one, "X99.B02", OLD).await;
    assert_eq!(leads_to(&hub, OLD).await.as_deref(), Some("X99.B02"));
    assert_eq!(hub.count("SELECT count(*) FROM freed_codes").await, 0);
    let facts = last_facts(&hub, "docaxis:AgencyChanged").await;
    assert_eq!((&facts["codes_moved"], &facts["codes_freed"]), (&Value::Null, &Value::Null));
    hub.accepted("dms.national", a_document("d2").to(&[OLD]).bytes()).await;
}

#[tokio::test]
async fn a_code_is_free_once_its_time_is_over() {
    let hub = hub().await;
    let mut one = freed(&hub).await;
    hub.after(TimeDelta::days(90) - TimeDelta::seconds(1));
    one.sign_in("mot", PASSWORD, "").await;
    put_codes(&hub, &mut one, "X99.C03", OLD).await;
    assert_eq!(leads_to(&hub, OLD).await, None, "a second too early");
    hub.after(TimeDelta::seconds(1));
    put_codes(&hub, &mut one, "X99.C03", OLD).await;

    assert_eq!(leads_to(&hub, OLD).await.as_deref(), Some("X99.C03"));
    let facts = last_facts(&hub, "docaxis:AgencyChanged").await;
    assert_eq!(facts["codes_moved"], json!([{ "code": OLD, "from": "X99.B02", "to": "X99.C03" }]));
    // From now on it is kept for whoever has it now.
    put_codes(&hub, &mut one, "X99.C03", "").await;
    assert!(put_codes(&hub, &mut one, "X99.B02", OLD).await.contains("từng dẫn tới cơ quan X99.C03"));
}

#[tokio::test]
async fn without_a_time_nothing_is_kept() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.directory.freed_code_days = 0;
    })
    .await;
    let mut one = administrator(&hub, "mot").await;
    assert!(!put_codes(&hub, &mut one, "X99.B02", "").await.contains("giữ cho đơn vị này"));
    put_codes(&hub, &mut one, "X99.C03", OLD).await;
    assert_eq!(leads_to(&hub, OLD).await.as_deref(), Some("X99.C03"));
}

#[tokio::test]
async fn whoever_has_the_machine_moves_it_by_a_word() {
    let hub = hub().await;
    freed(&hub).await;
    let entry = AgencyEntry { code: "X99.C03".to_owned(), name: "Xã".to_owned(), ..AgencyEntry::default() };
    let entry = AgencyEntry { aliases: vec![OLD.to_owned()], ..entry };
    assert!(directory::register_agency(&hub.hub, &By::Operator, entry, Codes::Rest).await.is_err());
    let shown: Value = serde_json::from_str(&hub.program().done(&["agency", "show", "X99.B02", "--json"])).unwrap();
    assert!(shown["kept_codes"].is_object(), "{shown}");
    let add = ["agency", "add", "X99.C03", "--name", "Xã Mẫu", "--alias", OLD, "--move-codes"];
    hub.program().done(&add);

    assert_eq!(leads_to(&hub, OLD).await.as_deref(), Some("X99.C03"));
    let facts = last_facts(&hub, "docaxis:AgencyChanged").await;
    assert_eq!(facts["codes_moved"], json!([{ "code": OLD, "from": "X99.B02", "to": "X99.C03" }]));
    assert_eq!((&facts["move_codes"], &facts["door"]), (&json!(true), &json!("command-line")));
    // One file that names both agencies is word enough.
    let file = hub.directory.join("agencies.csv");
    std::fs::write(&file, format!("code,aliases\nX99.C03,\nX99.E05,{OLD}\n")).unwrap();
    hub.program().done(&["agency", "import", file.to_str().unwrap()]);
    assert_eq!(leads_to(&hub, OLD).await.as_deref(), Some("X99.E05"));
    let facts = last_facts(&hub, "docaxis:DirectoryImported").await;
    assert_eq!(facts["codes_moved"], json!([{ "code": OLD, "from": "X99.C03", "to": "X99.E05" }]));
    assert_eq!((&facts["codes_moved_number"], &facts["move_codes"]), (&json!(1), &json!(false)));
}

#[tokio::test]
async fn software_says_that_codes_move_and_systems_take_none() {
    let office = office_of(TestHub::start().await).await;
    office.done("PUT", "/agencies/X99.B02", json!({ "aliases": [] })).await;
    let said = json!({ "aliases": [OLD] });
    let refused = office.ask("PUT", "/agencies/X99.C03", said.clone()).await;
    assert_eq!((refused.status, &refused.json["faults"][0]["code"]), (422, &json!("code-resting")));
    assert_eq!(refused.json["faults"][0]["column"], "aliases");
    let import = async |question: &str, file: String| {
        let url = office.hub.url(&format!("/api/v1/admin/directory{question}"));
        office.hub.client.post(url).bearer_auth(&office.token).body(file).send().await.unwrap().status().as_u16()
    };
    let file = format!("code,aliases\nX99.C03,{OLD}\n");
    assert_eq!(import("", file.clone()).await, 422);
    assert_eq!(import("?dry_run=true", file.clone()).await, 422);
    assert_eq!(import("?dry_run=true&move_codes=true", file.clone()).await, 200);
    assert_eq!(import("?move_codes=true", file).await, 200);
    assert_eq!(leads_to(&office.hub, OLD).await.as_deref(), Some("X99.C03"));
    let facts = last_facts(&office.hub, "docaxis:DirectoryImported").await;
    assert_eq!(facts["move_codes"], true);
    office.done("PUT", "/agencies/X99.C03", json!({ "aliases": [] })).await;
    office.done("PUT", "/agencies/X99.B02?move_codes=true", said).await;
    assert_eq!(leads_to(&office.hub, OLD).await.as_deref(), Some("X99.B02"));

    // A system that may register agencies takes no code that rests.
    office.done("PUT", "/agencies/X99.B02", json!({ "aliases": [] })).await;
    let unit =
        json!({ "id": "", "pcode": "X99.C03", "code": OLD, "name": "Phòng", "mail": "", "mobile": "", "fax": "" });
    let refused = office.hub.sdk("dms.commune").common("registerAgency", json!({}), &unit.to_string()).await;
    assert!(!refused.is_ok(), "{refused:?}");
    assert!(leads_to(&office.hub, OLD).await.is_none());
}
