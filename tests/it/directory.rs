//! The directory: imported, exported and listed by the binary, synchronised by version, and the days on which agencies
//! take part.

use crate::support::packets::{a_document, a_status};
use crate::support::program::Program;
use crate::support::{Answer, TestHub, add_system};
use chrono::TimeDelta;
use docaxis::domain::agency::AgencyState;
use docaxis::domain::directory::{Codes, Column, Entry};
use docaxis::exchange::act::By;
use docaxis::exchange::agency_file::Format;
use docaxis::exchange::import::{self, Imported, Mode};
use docaxis::exchange::{ExchangeError, directory};
use docaxis::jobs::{self, JOBS};
use serde_json::{Value, json};
use std::fmt::Write;

fn fresh() -> (tempfile::TempDir, Program) {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::new(&folder.path().join("data"), "");
    (folder, program)
}

#[test]
fn a_file_is_imported_by_the_binary_and_a_second_time_nothing_changes() {
    let (folder, program) = fresh();
    let file = folder.path().join("list.csv");
    std::fs::write(&file, "code,name,parent,aliases\nB.1,Sở Một,A.1,000.00.01.A10\nA.1,Tỉnh,,\n").unwrap();
    let path = file.to_str().unwrap();

    let dry = program.done(&["agency", "import", "--dry-run", path]);
    let nothing = program.done(&["agency", "list"]);
    let first = program.done(&["agency", "import", path]);
    let second = program.done(&["agency", "import", path]);
    std::fs::write(&file, "code,name,state,successor\nB.1,Sở 1,,\nA.1,Tỉnh,closed,B.1\n").unwrap();
    let third = program.done(&["agency", "import", "--dry-run", path]);

    assert!(dry.contains("added     B.1  Sở Một") && dry.contains("would be added 2"), "{dry}");
    assert_eq!(nothing, "");
    assert!(first.contains("added 2, changed 0, closed 0, reopened 0; unchanged 0"), "{first}");
    assert!(second.starts_with("nothing changes"), "{second}");
    assert!(third.contains("name: \"Sở Một\" → \"Sở 1\"") && third.contains("closed    A.1"), "{third}");
}

#[test]
fn a_file_with_faults_lists_each_and_changes_nothing() {
    let (folder, program) = fresh();
    let file = folder.path().join("list.csv");
    std::fs::write(&file, "code,name,parent\nA.1,Tỉnh,\nB 1,Sở,A.1\nC.1,,X\n").unwrap();
    let path = file.to_str().unwrap();

    let ran = program.run(&["agency", "import", path]);
    let json = program.run(&["agency", "import", "--json", path]);

    assert_eq!((ran.code, json.code), (1, 1), "{}{}", ran.out, ran.err);
    for words in ["3: code: code-malformed", "4: name: name-missing", "4: parent: parent-unknown", "3 lỗi"] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let faults: Vec<Value> = json.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((faults.len(), &faults[0]["row"], &faults[0]["column"]), (3, &json!(3), &json!("code")));
    assert!(faults.iter().all(|fault| fault["remedy"]["en"].is_string() && fault["cause"]["vi"].is_string()));
    assert_eq!(program.done(&["agency", "list"]), "");
    assert_eq!(program.run(&["agency", "import", "no/such/file"]).code, 2);
}

#[test]
fn what_was_exported_is_imported_into_another_hub_as_it_was() {
    let (folder, program) = fresh();
    program.done(&["agency", "import", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/agencies.csv")]);
    let (_other_folder, other) = fresh();
    for ending in ["csv", "json"] {
        let file = folder.path().join(format!("out.{ending}"));
        program.done(&["agency", "export", file.to_str().unwrap()]);

        assert!(program.done(&["agency", "import", file.to_str().unwrap()]).starts_with("nothing changes"));
        other.done(&["agency", "import", file.to_str().unwrap()]);
        assert_eq!(other.done(&["agency", "export"]), program.done(&["agency", "export"]));
    }
    assert_eq!(program.run(&["agency", "export", folder.path().join("out.xls").to_str().unwrap()]).code, 2);
    let shown: Value = serde_json::from_str(&program.done(&["agency", "show", "000.00.04.x99", "--json"])).unwrap();
    assert_eq!(
        (&shown["code"], &shown["standing"], &shown["successor"]),
        (&json!("X99.D04"), &json!("closed"), &json!("X99.B02"))
    );
}

#[test]
fn a_successor_of_a_day_to_come_is_listed_with_that_day() {
    let (folder, program) = fresh();
    let file = folder.path().join("list.csv");
    let rows = "A.1,Tỉnh,,,\nB.1,Sở,A.1,2099-12-31,open\nC.1,Phòng,A.1,2020-12-31,closed\n";
    std::fs::write(&file, format!("code,name,successor,valid_until,state\n{rows}")).unwrap();
    program.done(&["agency", "import", file.to_str().unwrap()]);

    let listed = program.done(&["agency", "list"]);
    assert!(listed.contains("Sở → A.1 (từ/from 01/01/2100)\n") && listed.contains("Phòng → A.1\n"), "{listed}");
}

#[test]
fn systems_and_keys_are_looked_after_by_the_binary() {
    let (_folder, program) = fresh();
    program.done(&["agency", "add", "X99.A01", "--name", "A"]);
    program.done(&["system", "add", "dms.one", "--name", "One", "--agency", "X99.A01"]);
    let key: Value =
        serde_json::from_str(&program.done(&["key", "add", "dms.one", "--life-days", "7", "--json"])).unwrap();
    let id = key["key_id"].as_str().unwrap();

    assert!(program.done(&["system", "suspend", "dms.one"]).contains("suspended since"));
    assert!(!program.done(&["system", "resume", "dms.one"]).contains("suspended"));
    assert!(program.done(&["system", "addresses", "dms.one", "10.0.0.1/8"]).contains("only from 10.0.0.0/8"));
    assert!(!program.done(&["system", "release", "dms.one", "X99.A01"]).contains("X99.A01"));
    assert!(program.done(&["system", "hold", "dms.one", "X99.A01"]).contains("X99.A01"));
    assert!(
        program
            .done(&["system", "add", "office", "--name", "O", "--role", "administration"])
            .contains("administration")
    );
    assert_eq!(program.run(&["system", "hold", "office", "X99.A01"]).code, 1);
    assert_eq!(program.run(&["system", "suspend", "nobody"]).code, 1);
    let listed = program.done(&["key", "list", "dms.one"]);
    assert!(listed.contains(id) && listed.contains("never used") && !listed.contains(key["secret"].as_str().unwrap()));
    program.done(&["key", "revoke", id]);
    assert!(program.done(&["key", "list"]).contains("revoked"));
    assert_eq!(program.run(&["key", "revoke", "unknown"]).code, 1);
}

async fn dated(hub: &TestHub, code: &str, column: Column, day: &str) {
    let entry = Entry::about(code).with(Column::Name, format!("Sở {code}")).with(column, day);
    directory::put_agency(&hub.hub, &By::Operator, entry, Codes::Rest).await.unwrap();
}

async fn turn(hub: &TestHub) -> usize {
    let job = JOBS.iter().find(|job| job.name == "turn-validity").unwrap();
    jobs::run_due(&hub.hub, job, hub.now()).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_agency_sends_and_receives_from_its_first_day_to_its_last() {
    let hub = TestHub::start().await;
    // Tests begin on 2026-11-21 at 09:00.
    dated(&hub, "X99.J10", Column::ValidFrom, "2026-11-22").await;
    dated(&hub, "X99.K11", Column::ValidUntil, "2026-11-21").await;
    add_system(&hub.hub, "dms.commune", None, vec!["X99.J10".to_owned(), "X99.K11".to_owned()]).await;
    let try_all = async |mark: &str| {
        let mut codes = Vec::new();
        for (at, agency) in ["X99.J10", "X99.K11"].into_iter().enumerate() {
            codes.extend(
                hub.post("dms.national", a_document(&format!("to{mark}{at}")).to(&[agency]).bytes()).await.codes(),
            );
            let own = a_document(&format!("from{mark}{at}")).from(agency).to(&["X99.B02"]).bytes();
            codes.extend(hub.post("dms.commune", own).await.codes());
        }
        codes
    };

    let today = try_all("a").await;
    hub.after(TimeDelta::hours(15) - TimeDelta::microseconds(1));
    let last_moment = try_all("b").await;
    hub.after(TimeDelta::microseconds(1));
    let tomorrow = try_all("c").await;

    let not_yet = ["M.MessageHeader.To.NotYetValid", "M.MessageHeader.From.NotYetValid"];
    assert_eq!((today, last_moment), (not_yet.map(str::to_owned).to_vec(), not_yet.map(str::to_owned).to_vec()));
    assert_eq!(tomorrow, ["M.MessageHeader.To.NoLongerValid", "M.MessageHeader.From.NoLongerValid"]);
}

#[tokio::test]
async fn after_its_last_day_an_agency_still_takes_what_it_was_sent_and_hears_of_what_it_sent() {
    let hub = TestHub::start().await;
    dated(&hub, "X99.K11", Column::ValidUntil, "2026-11-21").await;
    add_system(&hub.hub, "dms.commune", None, vec!["X99.K11".to_owned()]).await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.K11"]).bytes()).await;
    hub.accepted("dms.commune", a_document("d2").from("X99.K11").to(&["X99.B02"]).bytes()).await;

    hub.after(TimeDelta::days(1));
    let waiting = hub.waiting("dms.commune").await;
    let fetched = hub.fetch("dms.commune", &waiting[0]).await.status;
    let confirmed = hub.confirm("dms.commune", &waiting[0], "done").await.status;
    let report = a_status("X99.B02", ("X99.K11", "d2"), "03", "2026/11/22 09:30:00");
    hub.accepted("dms.province", report).await;

    assert_eq!((waiting.len(), fetched, confirmed), (1, 200, 200));
    assert_eq!(hub.waiting("dms.commune").await.len(), 1, "the report");
}

#[tokio::test]
async fn lists_show_who_takes_part_today() {
    let hub = TestHub::start().await;
    dated(&hub, "X99.J10", Column::ValidFrom, "2026-11-22").await;
    dated(&hub, "X99.K11", Column::ValidUntil, "2026-11-21").await;
    let look = async |code: &str| {
        let mut sdk = hub.sdk("dms.national");
        let standing = hub.get("dms.national", &format!("/api/v1/agencies/{code}")).await.json["standing"].clone();
        let is_listed = sdk.agencies("getAgenciesList").await.iter().any(|row| row["code"] == code);
        let unit = sdk.agencies("getSynchronizeUnit").await.into_iter().find(|row| row["code"] == code);
        (standing, is_listed, unit.map(|unit| unit["deleted"].clone()))
    };

    assert_eq!(look("X99.J10").await, (json!("not_yet_valid"), false, None));
    assert_eq!(look("X99.K11").await, (json!("open"), true, Some(json!(false))));
    hub.after(TimeDelta::days(1));
    assert_eq!(look("X99.J10").await, (json!("open"), true, Some(json!(false))));
    assert_eq!(look("X99.K11").await, (json!("no_longer_valid"), false, Some(json!(true))));
}

#[tokio::test]
async fn nobody_registers_below_or_is_succeeded_by_an_agency_that_is_over() {
    let hub = TestHub::start().await;
    dated(&hub, "X99.A01", Column::ValidUntil, "2026-11-20").await;
    let mut sdk = hub.sdk("dms.national");

    let entry = json!({ "code": "X99.N1", "pcode": "X99.A01", "name": "Phòng" }).to_string();
    let registered = sdk.common("registerAgency", json!({}), &entry).await;
    let closed = AgencyState::Closed;
    let succeeded = directory::set_agency_state(&hub.hub, &By::Operator, "X99.C03", closed, Some("X99.A01")).await;

    assert!(!registered.is_ok());
    assert!(matches!(succeeded, Err(ExchangeError::Malformed(_))), "{succeeded:?}");
}

async fn since(hub: &TestHub, version: &Value, limit: usize) -> (Vec<String>, Value, Option<String>) {
    let answer = hub.get("dms.national", &format!("/api/v1/agencies?since={version}&limit={limit}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let items = answer.json["items"].as_array().unwrap();
    let codes = items.iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect();
    (codes, answer.json["version"].clone(), answer.json["next"].as_str().map(str::to_owned))
}

#[tokio::test]
async fn software_synchronises_by_version() {
    let hub = TestHub::start().await;
    let whole = hub.get("dms.national", "/api/v1/agencies").await.json;
    let start = whole["version"].clone();

    let (nothing, same, _) = since(&hub, &start, 10).await;
    dated(&hub, "X99.N1", Column::Mail, "n@n.example").await;
    directory::set_agency_state(&hub.hub, &By::Operator, "X99.A01", AgencyState::Closed, Some("X99.B02"))
        .await
        .unwrap();
    dated(&hub, "X99.N1", Column::Mail, "m@n.example").await;
    let (changed, version, _) = since(&hub, &start, 10).await;
    let (first, _, next) = since(&hub, &start, 1).await;
    let (second, ..) = since(&hub, &next.unwrap().parse::<i64>().unwrap().into(), 1).await;

    assert_eq!((nothing.len(), &same), (0, &start));
    assert_eq!(changed, ["X99.A01", "X99.N1"], "each once, in the order of its last change");
    assert_eq!(version, json!(start.as_i64().unwrap() + 3));
    assert_eq!((first, second), (vec!["X99.A01".to_owned()], vec!["X99.N1".to_owned()]));
    let successor =
        &hub.get("dms.national", &format!("/api/v1/agencies?since={start}")).await.json["items"][0]["successor"];
    assert_eq!(*successor, json!("X99.B02"));
    assert_eq!(hub.get("dms.national", "/api/v1/agencies?since=0&after=X").await.status, 400);
}

#[tokio::test]
async fn a_directory_that_did_not_change_is_not_sent_again() {
    let hub = TestHub::start().await;
    let get = async |tag: &str| {
        let request = hub.client.get(hub.url("/api/v1/agencies?since=0")).header("if-none-match", tag);
        Answer::of(request.bearer_auth(hub.system("dms.national").bearer()).send().await.unwrap()).await
    };

    let first = get("\"none\"").await;
    let tag = first.headers["etag"].to_str().unwrap().to_owned();
    let again = get(&tag).await.status;
    dated(&hub, "X99.N1", Column::Mail, "").await;

    assert_eq!((first.status, again, get(&tag).await.status), (200, 304, 200));
}

#[tokio::test]
async fn a_day_that_comes_gives_an_agency_a_new_version_once() {
    let hub = TestHub::start().await;
    dated(&hub, "X99.J10", Column::ValidFrom, "2026-11-22").await;
    dated(&hub, "X99.K11", Column::ValidUntil, "2026-11-21").await;
    let start = json!(directory::version(&hub.hub).await.unwrap());

    assert_eq!(turn(&hub).await, 0);
    hub.after(TimeDelta::days(1));
    assert_eq!(turn(&hub).await, 2);
    hub.after(TimeDelta::days(1));
    assert_eq!(turn(&hub).await, 0);

    assert_eq!(since(&hub, &start, 10).await.0, ["X99.J10", "X99.K11"]);
}

/// A province's worth of agencies: a root, and below it as many as asked for, each with an old code.
fn many(number: usize) -> Vec<u8> {
    let mut text = String::from("code,name,parent,aliases\nH99,Tỉnh,,\n");
    for at in 0..number {
        writeln!(text, "H99.{at},Đơn vị số {at},H99,000.{at:05}.H99").unwrap();
    }
    text.into_bytes()
}

async fn imported(hub: &TestHub, file: Vec<u8>) -> (usize, usize, i64) {
    match import::import(&hub.hub, &By::Operator, (file, Format::Csv), (Mode::Apply, Codes::Rest), import::silent())
        .await
        .unwrap()
    {
        Imported::Planned { planned, version } => (planned.changes.len(), planned.unchanged, version),
        Imported::Refused(faults) => panic!("{faults:?}"),
    }
}

#[tokio::test]
async fn thousands_are_imported_at_once_and_told_in_one_answer() {
    let hub = TestHub::start().await;
    let before = directory::version(&hub.hub).await.unwrap();

    let first = imported(&hub, many(2500)).await;
    let second = imported(&hub, many(2500)).await;

    assert_eq!(first, (2501, 0, before + 2501));
    assert_eq!(second, (0, 2501, before + 2501));
    assert_eq!(hub.count("SELECT count(*) FROM agency_aliases WHERE agency_code LIKE 'H99%'").await, 5001);
    assert_eq!(hub.count("SELECT count(DISTINCT version) FROM agencies").await, 2506, "each has a version of its own");
    let units = hub.sdk("dms.national").agencies("getSynchronizeUnit").await;
    let versions: Vec<i64> = units.iter().map(|unit| unit["version"].as_i64().unwrap()).collect();
    assert_eq!((units.len(), versions.iter().max()), (2506, Some(&first.2)));
    assert_eq!(hub.count("SELECT count(*) FROM evidence WHERE event = 'docaxis:DirectoryImported'").await, 1);
}

#[tokio::test]
async fn two_imports_at_once_both_come_true() {
    let hub = TestHub::start().await;
    let file = |name: &str| format!("code,name\n{name}.1,x\n{name}.2,y\n").into_bytes();

    let both = tokio::join!(imported(&hub, file("P")), imported(&hub, file("Q")));

    assert_eq!((both.0.0, both.1.0), (2, 2));
    assert_eq!(hub.count("SELECT count(DISTINCT version) FROM agencies").await, 9);
    assert_eq!(directory::version(&hub.hub).await.unwrap(), both.0.2.max(both.1.2));
}
