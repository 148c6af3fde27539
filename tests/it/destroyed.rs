//! What else holds a content that is destroyed: archives go with it, samples of auditors keep it, backups of before bring it back
//! and are found out.

use crate::administration::office_of;
use crate::archives::{bytes, bytes_of, made, members, of_the_day, written};
use crate::ledger::seal;
use crate::purge::{a_year_later, agreed, kept, preview, purging_hub, take_all, trust, with_one, with_purges, work};
use crate::receipts::{Folder, by_page, capsule, notes_of_page, pem};
use crate::support::TestHub;
use crate::support::database::Database;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, a_warrant};
use crate::support::program::Program;
use chrono::TimeDelta;
use docaxis::domain::destruction::{ArchiveLine, Line};
use docaxis::domain::retention::{Kept, Scope};
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::archive::{self, ArchiveRow, Selection};
use docaxis::exchange::verify::{self, Flaw, Look};
use docaxis::exchange::{ExchangeError, holds, purge, samples, sweep, warrants};
use futures_util::future::join;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;

/// All of the day, with the packets.
fn with_packets() -> Selection {
    Selection { packets: true, ..of_the_day() }
}

/// Names of files of archives.
fn files(data: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(data.join("archives"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn file_of(row: &ArchiveRow) -> String {
    format!("{}.zip", row.archive_id)
}

/// What is written down of archives that were destroyed.
async fn destroyed(hub: &TestHub) -> Vec<Value> {
    let all = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:ArchiveDestroyed");
    all.map(|row| serde_json::from_str(&row.facts).unwrap()).collect()
}

#[tokio::test]
async fn an_archive_with_a_content_that_is_destroyed_goes_with_it() {
    let office = office_of(purging_hub().await).await;
    let hub = &office.hub;
    let receipt = hub.accepted("dms.national", a_document("d1").attachment(vec![7; 200_000]).bytes()).await;
    take_all(hub, "dms.province").await;
    seal(&hub.hub).await;
    let with_content = made(hub, with_packets()).await;
    let without = made(hub, of_the_day()).await;
    let of_another = made(hub, Selection { agency: Some("X99.C03".to_owned()), ..with_packets() }).await;
    a_year_later(hub).await;
    let purge_id = agreed(hub).await;
    assert_eq!(work(hub).await, 1);

    let mut left = vec![file_of(&without), file_of(&of_another)];
    left.sort();
    assert_eq!(files(&hub.directory), left);
    let (id, facts) = (&with_content.archive_id, destroyed(hub).await);
    assert_eq!(facts.len(), 1, "{facts:?}");
    assert_eq!(
        (&facts[0]["archive"], &facts[0]["purge_id"], &facts[0]["contents"], &facts[0]["sha256"]),
        (&json!(id), &json!(purge_id), &json!(1), &json!(with_content.sha256))
    );
    let shown = office.done("GET", &format!("/archives/{id}"), Value::Null).await;
    assert_eq!((&shown["state"], &shown["content"]), (&"destroyed".into(), &Value::Null), "{shown}");
    assert!(shown["destroyed_at"].as_str().unwrap().starts_with("2027-11-22"), "{shown}");
    let gone = office.ask("GET", &format!("/archives/{id}/content"), Value::Null).await;
    assert_eq!((gone.status, &gone.json["code"]), (410, &"content-destroyed".into()), "{}", gone.text());
    let (vi, en) = (gone.json["detail_vi"].as_str().unwrap(), gone.json["detail"].as_str().unwrap());
    assert!(vi.starts_with("Gói lưu trữ đã tiêu hủy lúc 22/11/2027") && en.contains(&format!("\"like\": \"{id}\"")));
    for other in [&without, &of_another] {
        let path = format!("/archives/{}/content", other.archive_id);
        assert_eq!(office.ask("GET", &path, Value::Null).await.status, 200);
    }
    assert!(hub.program().done(&["archive", "list"]).contains("  destroyed  "));

    // Asked for again, the note stands in the place of the packet.
    let again = archive::ask_again(&hub.hub, &By::Operator, id).await.unwrap();
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    let file = bytes(hub, &archive::archive(&hub.hub, &again.archive_id).await.unwrap()).await;
    let envelope = receipt["envelope_id"].as_str().unwrap();
    let report = verify::verify_stream(&mut file.as_slice(), &trust(hub).await).unwrap();
    assert!(report.holds(), "{:?}", report.steps);
    assert_eq!(report.destroyed, [envelope]);
    let told = report.tells.join("\n");
    assert!(
        told.contains("1 nội dung đã tiêu hủy, 0 có bằng chứng") && told.contains("đối chiếu với chứng nhận"),
        "{told}"
    );
    assert!(told.contains("0 gói tin, 1 biên nhận"), "it is no packet: {told}");
}

#[tokio::test]
async fn the_certificate_names_the_archives_and_whatever_is_altered_is_found() {
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    let (one, two) = (made(&hub, with_packets()).await, made(&hub, with_packets()).await);
    a_year_later(&hub).await;
    let purge_id = agreed(&hub).await;
    work(&hub).await;

    let file = purge::certificate(&hub.hub, None, &purge_id).await.unwrap();

    let trust = trust(&hub).await;
    let report = verify::verify(file.file().as_bytes(), &trust);
    assert!(report.holds(), "{:?}", report.steps);
    assert!(report.tells.iter().any(|line| line.starts_with("1 nội dung, 2 gói lưu trữ đã tiêu hủy")), "{report:?}");
    let lines: Vec<ArchiveLine> = file.list.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
    let named: Vec<(&str, &str)> = lines.iter().map(|line| (line.archive_id.as_str(), line.sha256.as_str())).collect();
    assert_eq!(named, [(one.archive_id.as_str(), one.sha256.as_str()), (two.archive_id.as_str(), two.sha256.as_str())]);
    let second = file.list.lines().last().unwrap().to_owned() + "\n";
    for list in [file.list.replace(&two.archive_id, &one.archive_id), file.list.replace(&second, "")] {
        let mut altered = file.clone();
        altered.list = list;
        let report = verify::verify(altered.file().as_bytes(), &trust);
        assert!(report.steps.iter().any(|step| step.fault == Some(Flaw::OtherList)), "{:?}", report.steps);
    }
}

#[tokio::test]
async fn an_archive_that_was_cut_off_before_a_content_stays() {
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    let early = made(&hub, with_packets()).await;
    hub.accepted("dms.national", a_document("d2").bytes()).await;
    take_all(&hub, "dms.province").await;
    seal(&hub.hub).await;
    let late = made(&hub, with_packets()).await;
    a_year_later(&hub).await;
    let scope = Scope { document_id: Some("d1".to_owned()), ..Scope::default() };
    holds::place(&hub.hub, &By::Operator, scope, "Thanh tra đang xem xét").await.unwrap();
    agreed(&hub).await;

    assert_eq!(work(&hub).await, 1);

    assert_eq!(files(&hub.directory), [file_of(&early)]);
    let late = archive::take(&hub.hub, &By::Operator, &late.archive_id).await;
    assert!(matches!(late, Err(ExchangeError::Destroyed(_))), "{late:?}");
}

#[tokio::test]
async fn files_of_archives_that_have_no_place_are_swept() {
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    let row = made(&hub, with_packets()).await;
    let without = made(&hub, of_the_day()).await;
    let folder = hub.directory.join("archives");
    let kept = fs::read(folder.join(file_of(&row))).unwrap();
    a_year_later(&hub).await;
    agreed(&hub).await;
    work(&hub).await;
    // As when the process dies between the commit and the removal, or before a file gets its name; and what nobody knows.
    let open = archive::ask(&hub.hub, &By::Operator, of_the_day()).await.unwrap();
    let begun = format!("{}.me.part", open.archive_id);
    let strays = [file_of(&row), format!("{}.x.part", without.archive_id), "0190.zip".to_owned()];
    for name in strays.iter().chain([&begun]) {
        fs::write(folder.join(name), &kept).unwrap();
    }

    assert_eq!(sweep::orphans(&hub.hub).await.unwrap(), 3);

    let mut left = vec![file_of(&without), begun];
    left.sort();
    assert_eq!(files(&hub.directory), left);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_content_slips_into_an_archive_beside_a_purge() {
    let hub = TestHub::start_with(|config| {
        with_purges(config);
        config.retention.batch = 1;
    })
    .await;
    let mut ids = Vec::new();
    for number in 0..8 {
        let packet = a_document(&format!("d{number}")).attachment(vec![number; 100_000]).bytes();
        ids.push(hub.accepted("dms.national", packet).await["envelope_id"].as_str().unwrap().to_owned());
    }
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    let node = hub.another_node();
    let exporting = async {
        for _ in 0..4 {
            archive::ask(&node, &By::Operator, with_packets()).await.unwrap();
            archive::make_open(&node).await.unwrap();
        }
    };
    agreed(&hub).await;
    let purging = async {
        while hub.count("SELECT count(*) FROM purges WHERE ended_at IS NULL").await > 0 {
            purge::work(&hub.hub).await.unwrap();
        }
    };
    join(exporting, purging).await;

    let trust = trust(&hub).await;
    for name in files(&hub.directory) {
        let file = fs::read(hub.directory.join("archives").join(&name)).unwrap();
        assert!(verify::verify_stream(&mut file.as_slice(), &trust).unwrap().holds(), "{name}");
        let inside: Vec<String> = members(&file).into_iter().map(|(name, _)| name).collect();
        for id in &ids {
            let gone = format!("SELECT count(*) FROM destroyed_packets WHERE envelope_id = '{id}'");
            let has_content = inside.contains(&format!("packets/{id}.edxml"));
            assert!(hub.count(&gone).await == 0 || !has_content, "{id} in {name}");
        }
    }
    let states = "SELECT count(*) FROM archives WHERE state <> 'done'";
    assert_eq!(hub.count(states).await, 0);
}

#[tokio::test]
async fn a_note_of_a_destruction_agrees_with_capsule_and_evidence_or_is_named() {
    let (hub, receipt) = with_one(10).await;
    a_year_later(&hub).await;
    agreed(&hub).await;
    work(&hub).await;
    let file = bytes_of(&hub, with_packets()).await;
    let (trust, whole) = (trust(&hub).await, members(&file));
    let id = receipt["envelope_id"].as_str().unwrap();
    let at = whole.iter().position(|(name, _)| *name == format!("packets/{id}.destroyed.json")).unwrap();
    let found = |change: &dyn Fn(&mut Line)| {
        let mut altered = whole.clone();
        let mut line: Line = serde_json::from_slice(&altered[at].1).unwrap();
        change(&mut line);
        altered[at].1 = serde_json::to_vec(&line).unwrap();
        let report = verify::verify_stream(&mut written(&altered).as_slice(), &trust).unwrap();
        report.steps.into_iter().filter_map(|step| Some((step.looked_at, step.fault?))).collect::<Vec<_>>()
    };

    let report = verify::verify_stream(&mut file.as_slice(), &trust).unwrap();
    let told = report.tells.join("\n");
    assert!(told.contains("1 nội dung đã tiêu hủy, 1 có bằng chứng trong gói") && told.contains(id), "{told}");
    let other = (Look::Destruction, Flaw::OtherDestruction);
    assert!(found(&|line| line.class = "other".to_owned()).contains(&other));
    assert!(found(&|line| line.destroyed_at = line.ended_at.clone()).contains(&other));
    assert!(found(&|line| line.sha256 = "ab".repeat(32)).contains(&(Look::Destruction, Flaw::OtherPacket)));
    let renamed = found(&|line| line.envelope_id = "0190".to_owned());
    assert!(renamed.contains(&(Look::Form, Flaw::Unreadable)), "{renamed:?}");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a.zip"), &file).unwrap();
    fs::write(path("hub.pem"), hub.program().done(&["receipt", "certificates"])).unwrap();
    let said = hub.program().done(&["verify", &path("a.zip"), "--trust", &path("hub.pem"), "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&said).unwrap()["destroyed"], json!([id]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_for_browsers_verifies_the_capsule_of_a_destroyed_content_and_says_that_it_is() {
    let (hub, receipt) = with_one(10).await;
    a_year_later(&hub).await;
    let delivery = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    let folder = Folder::new();
    folder.keep("hub.pem", &pem(&hub).await);
    folder.keep("before.json", &capsule(&hub, "dms.national", delivery).await);
    agreed(&hub).await;
    work(&hub).await;
    let after = capsule(&hub, "dms.national", delivery).await;
    folder.keep("after.json", &after);
    folder.keep("altered.json", &after.replace("docaxis:PacketDestroyed", "docaxis:PacketDestroyer"));
    fs::write(folder.0.path().join("packet.edxml"), a_document("d1").attachment(vec![7; 10]).bytes()).unwrap();

    assert_eq!((by_page(&folder, "before.json"), notes_of_page(&folder, "before.json")), (Vec::new(), Vec::new()));
    assert_eq!(by_page(&folder, "after.json"), []);
    assert_eq!(notes_of_page(&folder, "after.json"), ["destroyed"]);
    assert!(!by_page(&folder, "altered.json").is_empty());
}

#[tokio::test]
async fn what_an_auditor_drew_stays_until_its_warrant_ends() {
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    let mut auditor = Browser::of(&hub, "thanh.tra", UserRole::Auditor, &[]).await;
    a_year_later(&hub).await;
    for (content, expected) in [(false, Vec::new()), (true, vec![Kept::Sample])] {
        let draft = warrants::Draft { content, ..a_warrant("thanh.tra", vec!["X99.A01".to_owned()]) };
        let warrant = warrants::issue(&hub.hub, &By::Operator, draft).await.unwrap().warrant_id;
        auditor.sign_in("thanh.tra", crate::support::portal::PASSWORD, "").await;
        auditor.get("/portal/audit").await;
        auditor.send("/portal/audit/samples", &[("size", "5"), ("seed", "7")]).await;
        assert_eq!(auditor.page.status, 303, "{}", auditor.page.words());
        seal(&hub.hub).await;
        assert_eq!(samples::draw_open(&hub.hub).await.unwrap(), 1);

        assert_eq!(kept(&hub).await, expected);
        warrants::revoke(&hub.hub, &By::Operator, &warrant).await.unwrap();
        seal(&hub.hub).await;
        assert_eq!(preview(&hub).await.number, 1, "whoever may not look any more keeps nothing");
    }
}

#[tokio::test]
async fn what_an_auditor_exported_says_that_it_was_destroyed_and_can_be_had_again() {
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    let mut auditor = Browser::of(&hub, "thanh.tra", UserRole::Auditor, &["X99.A01"]).await;
    auditor.get("/portal/audit").await;
    auditor.send("/portal/audit/samples", &[("size", "5"), ("seed", "7")]).await;
    let place = auditor.page.leads_to().to_owned();
    seal(&hub.hub).await;
    assert_eq!(samples::draw_open(&hub.hub).await.unwrap(), 1);
    auditor.get(&place).await;
    auditor.send(&place, &[("step", "export")]).await;
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    // Its warrant is over by then; another one shows what there was.
    hub.after(TimeDelta::days(60));
    a_year_later(&hub).await;
    agreed(&hub).await;
    assert_eq!(work(&hub).await, 1);

    assert_eq!(destroyed(&hub).await.len(), 1);
    let mut row = archive::list(&hub.hub, String::new(), 1).await.unwrap();
    assert_eq!(row.pop().unwrap().standing(), "destroyed");
    // As if the warrant went on.
    hub.run("UPDATE warrants SET until_at = '2029-01-01 00:00:00'").await;
    auditor.sign_in("thanh.tra", crate::support::portal::PASSWORD, "").await;
    let words = auditor.get(&place).await.words();
    assert!(words.contains("Đã tiêu hủy cùng nội dung trong nó; hãy xuất gói mới"), "{words}");
    let gone = auditor.get(&format!("{place}/archive")).await;
    assert_eq!(gone.status, 410);
    assert!(gone.words().contains("Gói lưu trữ đã tiêu hủy lúc"), "{}", gone.words());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_destroyed_does_not_come_back_with_a_backup_of_after_and_is_named_with_one_of_before() {
    let (hub, receipt) = with_one(200_000).await;
    hub.accepted("dms.national", a_document("d2").to(&["X99.C03"]).bytes()).await;
    seal(&hub.hub).await;
    a_year_later(&hub).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    hub.program().done(&["backup", "--with-key", &path("before")]);
    let purge_id = agreed(&hub).await;
    assert_eq!(work(&hub).await, 1);
    fs::write(path("certificate.json"), hub.program().done(&["purge", "certificate", &purge_id])).unwrap();
    let kept = hub.client.get(hub.url("/ledger/checkpoint")).send().await.unwrap().text().await.unwrap();
    fs::write(path("head.txt"), kept).unwrap();
    hub.program().done(&["backup", "--with-key", &path("after")]);
    let (envelope, delivery) = (&receipt["envelope_id"], receipt["deliveries"][0]["delivery_id"].as_str().unwrap());
    let found = async |backup: &str| {
        let (data, database) = (folder.path().join(format!("{backup}-data")), path(&format!("{backup}-db")));
        fs::create_dir_all(&database).unwrap();
        let database = Database::make(Path::new(&database)).await;
        let program = Program::new(&data, &database.url);
        let said = program.done(&["restore", &path(backup)]);
        assert!(said.contains("docaxis doctor --certificate"), "{said}");
        let doctor = program.run(&["doctor", "--deep", "--json", "--certificate", &path("certificate.json")]);
        let codes: Vec<(String, String)> = doctor
            .out
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .filter(|one| {
                ["packet", "content", "archive"].iter().any(|of| one["code"].as_str().unwrap().starts_with(of))
            })
            .map(|one| (one["code"].as_str().unwrap().to_owned(), one["meaning"]["vi"].as_str().unwrap().to_owned()))
            .collect();
        let ledger = program.run(&["ledger", "verify", "--checkpoint", &path("head.txt")]);
        (
            codes,
            ledger,
            crate::purge::files(&data).len(),
            database.count("SELECT count(*) FROM destroyed_packets").await,
        )
    };

    let (codes, ledger, contents, destroyed) = found("after").await;
    assert_eq!((codes, contents, destroyed), (Vec::new(), 0, 1), "nothing is missing, nothing came back");
    assert_eq!(ledger.code, 0, "{}", ledger.out);

    let (codes, ledger, contents, destroyed) = found("before").await;
    assert_eq!((codes.len(), contents, destroyed), (1, 1, 0), "{codes:?}");
    let (code, words) = &codes[0];
    assert_eq!(code, "content.returned");
    for part in [envelope.as_str().unwrap(), "văn bản d1 của X99.A01", "22/11/2027", &purge_id, "lại có mặt"]
    {
        assert!(words.contains(part), "{part}: {words}");
    }
    assert_eq!(ledger.code, 1);
    assert!(ledger.out.contains("shortened"), "{}", ledger.out);
    assert_eq!(hub.fetch("dms.province", delivery).await.status, 410, "the hub itself has none of it");
}

#[tokio::test]
async fn the_doctor_names_what_was_put_back_and_refuses_half_a_certificate() {
    let (hub, receipt) = with_one(10).await;
    seal(&hub.hub).await;
    let archive = made(&hub, with_packets()).await;
    a_year_later(&hub).await;
    let content = hub.count("SELECT count(*) FROM payloads").await;
    assert_eq!(content, 1);
    hub.run("CREATE TABLE put_aside AS SELECT * FROM payloads").await;
    let purge_id = agreed(&hub).await;
    work(&hub).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let certificate = hub.program().done(&["purge", "certificate", &purge_id]);
    fs::write(path("whole.json"), &certificate).unwrap();
    fs::write(path("half.json"), certificate.replace("X99.A01", "X99.A02")).unwrap();
    let codes = |arguments: &[&str]| {
        let ran = hub.program().run(&[&["doctor", "--json"], arguments].concat());
        let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let codes = lines.map(|one| one["code"].as_str().unwrap().to_owned());
        (ran.code, codes.filter(|code| code.contains("returned") || code.contains("unreadable")).collect::<Vec<_>>())
    };
    assert_eq!(codes(&["--certificate", &path("whole.json")]).1, Vec::<String>::new());
    assert_eq!(codes(&["--certificate", &path("half.json")]), (1, vec!["certificate.unreadable".to_owned()]));
    assert_eq!(hub.program().run(&["doctor", "--certificate", &path("nothing.json")]).code, 2);

    hub.tamper("INSERT INTO payloads SELECT * FROM put_aside").await;
    fs::write(hub.directory.join("archives").join(file_of(&archive)), b"PK").unwrap();

    assert_eq!(codes(&[]), (1, vec!["content.returned".to_owned()]), "the database itself knows of it");
    let told = codes(&["--certificate", &path("whole.json")]).1;
    assert_eq!(told, ["content.returned", "content.returned", "archive.returned"]);
    let said = hub.program().run(&["doctor"]).out;
    assert!(said.contains(receipt["envelope_id"].as_str().unwrap()), "{said}");
    hub.run("DROP TABLE put_aside").await;
}
