//! Archives: all of a period in one file that verifies without the hub, the same bytes for the same request, readable by other
//! tools; whatever is altered, left out, added or swapped is named, and no half of one is ever shown.

use crate::ledger::{leave, seal};
use crate::ledger_audit::flipped;
use crate::statements::{after_a_clock_that_ran_ahead, close_the_day};
use crate::support::packets::{a_document, a_status};
use crate::support::{Answer, TestHub, add_system};
use chrono::TimeDelta;
use docaxis::channel::push::Pusher;
use docaxis::domain::system::Role;
use docaxis::exchange::act::By;
use docaxis::exchange::archive::{self, ArchiveRow, Request, Selection};
use docaxis::exchange::statements::StatementFile;
use docaxis::exchange::verify::{self, Flaw, Look, Report, Trust};
use docaxis::exchange::{ExchangeError, attest, cosign, keys, seal as sealing, witness};
use docaxis::signer::certificate::Certificate;
use docaxis::store::archives as rows;
use docaxis::wire::container::{Reader, Writer};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

/// All of the day on which tests begin.
pub fn of_the_day() -> Selection {
    Selection { from: "2026-11-21".to_owned(), until: "2026-11-21".to_owned(), ..Selection::default() }
}

/// Asks for an archive and has it made.
pub async fn made(hub: &TestHub, selection: Selection) -> ArchiveRow {
    let asked = archive::ask(&hub.hub, &By::Operator, selection).await.unwrap();
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    archive::archive(&hub.hub, &asked.archive_id).await.unwrap()
}

pub async fn bytes_of(hub: &TestHub, selection: Selection) -> Vec<u8> {
    let row = made(hub, selection).await;
    assert_eq!(row.state, "done", "{}", row.reason);
    bytes(hub, &row).await
}

pub async fn bytes(hub: &TestHub, row: &ArchiveRow) -> Vec<u8> {
    let (_, mut file) = archive::take(&hub.hub, &By::Operator, &row.archive_id).await.unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    all
}

/// A closed day with two documents, one of them large and one with what spreadsheets and file systems mistake, and a status.
async fn a_closed_day() -> TestHub {
    let hub = TestHub::start().await;
    let bad = a_document("../../x").to(&["X99.B02", "X99.C03"]).subject("=HYPERLINK(\"x\")");
    hub.accepted("dms.national", bad.bytes()).await;
    hub.accepted("dms.national", a_document("large").attachment(vec![7; 200_000]).bytes()).await;
    for delivery in hub.waiting("dms.province").await {
        hub.fetch("dms.province", &delivery).await;
        hub.confirm("dms.province", &delivery, "done").await;
    }
    let status = a_status("X99.B02", ("X99.A01", "large"), "03", "2026/11/21 09:30:00");
    hub.accepted("dms.province", status).await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    hub
}

async fn trust(hub: &TestHub) -> Trust {
    Trust { certificates: attest::certificates(&hub.hub).await.unwrap(), ..Trust::default() }
}

fn verified(file: &[u8], trust: &Trust) -> Report {
    verify::verify_stream(&mut Cursor::new(file), trust).unwrap()
}

/// What does not hold: where, what was looked at, why.
fn flaws(file: &[u8], trust: &Trust) -> Vec<(String, Look, Flaw)> {
    let steps = verified(file, trust).steps.into_iter();
    steps.filter_map(|step| Some((step.entry, step.looked_at, step.fault?))).collect()
}

pub type Members = Vec<(String, Vec<u8>)>;

pub fn members(file: &[u8]) -> Members {
    let (mut reader, mut all) = (Reader::new(file), Vec::new());
    while let Some((name, _)) = reader.next_member().unwrap() {
        let mut content = Vec::new();
        let keep = |some: &[u8]| {
            content.extend_from_slice(some);
            Ok(())
        };
        reader.content(&mut { keep }).unwrap();
        all.push((name, content));
    }
    all
}

/// A whole archive of these members, whatever they are.
pub fn written(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = Writer::new(Cursor::new(Vec::new()));
    for (name, content) in members {
        writer.add(name, content).unwrap();
    }
    writer.finish().unwrap().0.into_inner()
}

fn text(members: &Members, name: &str) -> String {
    let found = members.iter().find(|(member, _)| member == name);
    String::from_utf8(found.unwrap_or_else(|| panic!("{name}")).1.clone()).unwrap()
}

#[tokio::test]
async fn an_archive_holds_all_of_the_day_and_verifies_without_the_hub() {
    let hub = a_closed_day().await;

    let file = bytes_of(&hub, Selection { packets: true, ..of_the_day() }).await;

    let report = verified(&file, &trust(&hub).await);
    assert!(report.holds(), "{report:?}");
    assert!(
        report.tells.iter().any(|line| line.starts_with("3 gói tin, 3 biên nhận, 4 hồ sơ, 4 bảng kê")),
        "{report:?}"
    );
    let members = members(&file);
    let folders: BTreeSet<&str> = members.iter().map(|(name, _)| name.split('/').next().unwrap()).collect();
    let expected = [
        "META-INF",
        "capsules",
        "guide.html",
        "index.csv",
        "index.xlsx",
        "mimetype",
        "packets",
        "receipts",
        "report.pdf",
        "statements",
        "verify.html",
    ];
    assert_eq!(folders, expected.into());
    assert_eq!(members[0].0, "mimetype");
    let index = text(&members, "index.csv");
    assert!(index.starts_with('\u{feff}') && index.contains("'=HYPERLINK") && index.contains("../../x"), "{index}");
    assert_eq!(index.lines().count(), 5);
    assert!(members.iter().any(|(name, content)| name.ends_with(".edxml") && content.len() > 200_000));
    assert!(members.iter().find(|(name, _)| name == "report.pdf").unwrap().1.starts_with(b"%PDF-"));
    assert!(flaws(&file, &Trust::default()).iter().any(|(_, _, flaw)| *flaw == Flaw::Untrusted));
}

#[tokio::test]
async fn the_same_request_gives_the_same_bytes_whatever_happened_since() {
    let hub = a_closed_day().await;
    let first = made(&hub, of_the_day()).await;
    let last = hub.waiting("dms.commune").await.remove(0);
    hub.fetch("dms.commune", &last).await;
    hub.confirm("dms.commune", &last, "done").await;
    hub.accepted("dms.national", a_document("later").bytes()).await;
    seal(&hub.hub).await;

    let again = archive::ask_again(&hub.hub, &By::Operator, &first.archive_id).await.unwrap();
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    let again = archive::archive(&hub.hub, &again.archive_id).await.unwrap();
    let anew = made(&hub, of_the_day()).await;

    assert_eq!((first.state.as_str(), &first.sha256), ("done", &again.sha256));
    assert!(bytes(&hub, &first).await == bytes(&hub, &again).await);
    assert_ne!(first.sha256, anew.sha256, "another cut-off is another archive");
}

#[tokio::test]
async fn a_selection_takes_what_an_agency_sent_and_was_sent_and_no_receipt_that_is_not_for_it() {
    let hub = a_closed_day().await;
    let of = async |selection: Selection| members(&bytes_of(&hub, selection).await);
    let count = |members: &Members, folder: &str| members.iter().filter(|(name, _)| name.starts_with(folder)).count();

    let commune = of(Selection { agency: Some("X99.C03".to_owned()), ..of_the_day() }).await;
    assert_eq!([count(&commune, "capsules/"), count(&commune, "receipts/"), count(&commune, "packets/")], [1, 0, 0]);
    assert_eq!(count(&commune, "statements/"), 1);
    assert!(!commune.iter().any(|(_, content)| String::from_utf8_lossy(content).contains("X99.B02")));
    let documents = of(Selection { documents: Some(true), ..of_the_day() }).await;
    assert_eq!(count(&documents, "capsules/"), 3);
    let one = of(Selection { document_id: Some("../../x".to_owned()), ..of_the_day() }).await;
    assert_eq!(count(&one, "capsules/"), 2);
    let other = Selection { from: "2026-11-20".to_owned(), until: "2026-11-20".to_owned(), ..Selection::default() };
    assert_eq!(count(&of(other).await, "capsules/"), 0);
}

#[tokio::test]
async fn whatever_is_altered_left_out_added_or_swapped_is_named() {
    let hub = a_closed_day().await;
    let file = bytes_of(&hub, Selection { packets: true, ..of_the_day() }).await;
    let (trust, whole) = (trust(&hub).await, members(&file));
    assert_eq!(written(&whole), file);
    let place = |begin: &str| whole.iter().position(|(name, _)| name.starts_with(begin)).unwrap();
    let changed = |change: &dyn Fn(&mut Members)| {
        let mut altered = whole.clone();
        change(&mut altered);
        flaws(&written(&altered), &trust)
    };

    for begin in ["packets/", "receipts/", "capsules/", "statements/", "index.csv", "index.xlsx", "report.pdf", "guide"]
    {
        let at = place(begin);
        let name = whole[at].0.clone();
        let altered = changed(&|it| *it[at].1.last_mut().unwrap() ^= 1);
        assert!(altered.contains(&(name.clone(), Look::Member, Flaw::MemberAltered)), "{begin}: {altered:?}");
        let removed = changed(&|it| drop(it.remove(at)));
        assert_eq!(removed, [(name.clone(), Look::Member, Flaw::MemberMissing)], "{begin}");
        let mut bytes = file.clone();
        let found = bytes.windows(whole[at].1.len()).position(|some| some == whole[at].1).unwrap();
        bytes[found] ^= 1;
        assert_eq!(flaws(&bytes, &trust), [(name, Look::Member, Flaw::MemberAltered)], "{begin}");
    }
    let added = changed(&|it| it.insert(3, ("packets/x.edxml".to_owned(), b"<x/>".to_vec())));
    assert_eq!(added, [("packets/x.edxml".to_owned(), Look::Member, Flaw::MemberAdded)]);
    let (one, two) = (place("receipts/"), place("index.csv"));
    let swapped = changed(&|it| {
        let content = it[one].1.clone();
        it[one].1 = std::mem::replace(&mut it[two].1, content);
    });
    let of_members = swapped.iter().filter(|(_, _, flaw)| *flaw == Flaw::MemberAltered).count();
    assert_eq!(of_members, 2, "{swapped:?}");
    let manifest = changed(&|it| {
        let at = it.iter().position(|(name, _)| name.ends_with("ASiCManifest.xml")).unwrap();
        it[at].1 = String::from_utf8(it[at].1.clone()).unwrap().replacen("guide.html", "other.html", 1).into();
    });
    assert_eq!(manifest[0].2, Flaw::OtherManifest, "{manifest:?}");
    let unsigned = changed(&|it| drop(it.pop()));
    assert!(unsigned.contains(&("META-INF/receipt.xml".to_owned(), Look::Member, Flaw::MemberMissing)), "{unsigned:?}");
    assert_eq!(flaws(&file[..file.len() - 1], &trust).len(), 1);
    for length in [5, file.len() / 2, file.len() - 300] {
        assert!(flaws(&file[..length], &trust).iter().any(|(_, _, flaw)| *flaw == Flaw::Cut), "{length}");
    }
}

#[tokio::test]
async fn manifest_and_receipt_stand_once_at_the_end_and_nothing_behind_them() {
    let hub = a_closed_day().await;
    let file = bytes_of(&hub, Selection { packets: true, ..of_the_day() }).await;
    let (trust, whole) = (trust(&hub).await, members(&file));
    let end = whole.len() - 2;
    let (manifest, receipt) = (whole[end].clone(), whole[end + 1].clone());
    let with = |place: usize, (name, content): (&str, &[u8])| {
        let mut altered = whole.clone();
        altered.insert(place, (name.to_owned(), content.to_vec()));
        flaws(&written(&altered), &trust)
    };
    let misplaced = |name: &str| [(name.to_owned(), Look::Form, Flaw::Unreadable)];

    for content in [&manifest.1[..], b"another manifest"] {
        assert_eq!(with(1, (&manifest.0, content)), misplaced(&whole[1].0), "what stands behind a manifest");
        for place in [end, end + 1, end + 2] {
            assert_eq!(with(place, (&manifest.0, content)), misplaced(&manifest.0), "{place}");
        }
    }
    for content in [&receipt.1[..], b"<Receipt >"] {
        for place in [1, end, end + 1, end + 2] {
            assert_eq!(with(place, (&receipt.0, content)), misplaced(&receipt.0), "{place}");
        }
    }
    for place in [end + 1, end + 2] {
        assert_eq!(with(place, ("packets/x.edxml", b"<x/>")), misplaced("packets/x.edxml"), "{place}");
    }
    let mut swapped = whole.clone();
    swapped.swap(end, end + 1);
    assert_eq!(flaws(&written(&swapped), &trust), misplaced(&receipt.0));
}

/// More than is looked into.
const TOO_LARGE: usize = (64 << 20) + 1;

#[tokio::test]
async fn no_member_fills_the_memory_of_who_verifies() {
    let hub = a_closed_day().await;
    let file = bytes_of(&hub, Selection { packets: true, ..of_the_day() }).await;
    let (trust, whole) = (trust(&hub).await, members(&file));
    let large = |begin: &str| {
        let mut altered = whole.clone();
        let place = altered.iter().position(|(name, _)| name.starts_with(begin)).unwrap();
        altered[place].1 = vec![b' '; TOO_LARGE];
        (altered[place].0.clone(), flaws(&written(&altered), &trust))
    };

    for begin in ["receipts/", "capsules/", "statements/", "META-INF/receipt.xml"] {
        let (name, found) = large(begin);
        assert!(found.contains(&(name.clone(), Look::Member, Flaw::TooLarge)), "{begin}: {found:?}");
    }
    let (name, found) = large("META-INF/ASiCManifest.xml");
    let expected = [(name.clone(), Look::Manifest, Flaw::OtherManifest), (name, Look::Member, Flaw::TooLarge)];
    assert_eq!(found, expected, "it is not said line by line what differs");
    let (name, found) = large("packets/");
    assert!(found.contains(&(name, Look::Member, Flaw::MemberAltered)), "packets may be large: {found:?}");
    let mut many = whole.clone();
    many.splice(3..3, (0..2_000).map(|number| (format!("packets/{number}.edxml"), Vec::new())));
    assert!(flaws(&written(&many), &trust).len() <= 1_000, "an archive with so many faults is none");
}

#[tokio::test]
async fn a_statement_with_a_receipt_of_a_neighbour_is_none() {
    let hub = a_closed_day().await;
    let file = bytes_of(&hub, of_the_day()).await;
    let (trust, whole) = (trust(&hub).await, members(&file));
    let (_, statement) = whole.iter().find(|(name, _)| name.starts_with("statements/")).unwrap();
    let mut read: StatementFile = serde_json::from_slice(statement).unwrap();
    assert!(verify::verify(read.file().as_bytes(), &trust).holds());

    read.evidence.neighbour_receipt = Some("anything".to_owned());

    let report = verify::verify(read.file().as_bytes(), &trust);
    let faults: Vec<_> = report.steps.iter().filter_map(|step| Some((step.looked_at, step.fault?))).collect();
    assert_eq!(faults, [(Look::Form, Flaw::Unreadable)]);
}

#[tokio::test]
async fn every_byte_of_a_small_archive_counts() {
    let hub = TestHub::start().await;
    seal(&hub.hub).await;
    let file = bytes_of(&hub, of_the_day()).await;
    let trust = trust(&hub).await;
    assert!(verified(&file, &trust).holds());
    let mut held = Vec::new();
    // Each byte of what is not content, and some of that.
    let contents: usize = members(&file).iter().map(|(_, content)| content.len()).sum();
    for place in (0..file.len()).filter(|place| place % 211 == 0 || *place + (file.len() - contents) > file.len()) {
        let mut altered = file.clone();
        altered[place] ^= 1;
        if verified(&altered, &trust).holds() {
            held.push(place);
        }
    }
    assert_eq!(held, Vec::<usize>::new());
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

fn ran(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.unwrap_or_else(|_| panic!("{program} is needed for this test"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    said
}

#[tokio::test]
async fn unzip_xmlsec1_and_openssl_confirm_what_they_can() {
    let hub = a_closed_day().await;
    let folder = Folder::new();
    std::fs::write(folder.path("a.zip"), bytes_of(&hub, Selection { packets: true, ..of_the_day() }).await).unwrap();
    let pem: String = attest::certificates(&hub.hub).await.unwrap().iter().map(Certificate::pem).collect();
    std::fs::write(folder.path("hub.pem"), pem).unwrap();

    assert!(ran("unzip", &["-t", "a.zip"], folder.0.path()).contains("No errors detected"));
    ran("unzip", &["-q", "a.zip", "-d", "a"], folder.0.path());
    let at = hub.now().format("%Y-%m-%d %H:%M:%S").to_string();
    let trusted = ["--verify", "--enabled-key-data", "x509", "--trusted-pem", "../hub.pem", "--verification-time", &at];
    ran("xmlsec1", &[&trusted[..], &["META-INF/receipt.xml"]].concat(), &folder.path("a"));
    let digest = ran("openssl", &["dgst", "-sha256", "-r", "META-INF/ASiCManifest.xml"], &folder.path("a"));
    let receipt = std::fs::read_to_string(folder.path("a").join("META-INF/receipt.xml")).unwrap();
    assert!(receipt.contains(digest.split(' ').next().unwrap()), "{digest}");
    ran("xmllint", &["--noout", "META-INF/ASiCManifest.xml", "META-INF/receipt.xml"], &folder.path("a"));
    ran("unzip", &["-t", "a/index.xlsx"], folder.0.path());
    let text = ran("pdftotext", &["-layout", "a/report.pdf", "-"], folder.0.path());
    assert!(text.contains("CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM") && text.contains("21/11/2026"), "{text}");
}

async fn call(hub: &TestHub, token: &str, method: reqwest::Method, path: &str, body: Option<Value>) -> Answer {
    let request = hub.client.request(method, hub.url(path)).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn administration_asks_for_an_archive_looks_how_far_it_is_and_fetches_it_and_each_is_evidence() {
    let hub = a_closed_day().await;
    add_system(&hub.hub, "office", Some(Role::Administration), Vec::new()).await;
    let key = keys::add_key(&hub.hub, &By::Operator, "office", None).await.unwrap();
    let token = format!("{}.{}", key.key_id, key.secret.expose_secret());
    let all = "/api/v1/admin/archives";
    let (get, post) = (reqwest::Method::GET, reqwest::Method::POST);
    let wanted = json!({ "agency": "X99.A01", "from": "2026-11-21", "until": "2026-11-21", "kind": "document" });

    let asked = call(&hub, &token, post.clone(), all, Some(wanted)).await;
    assert_eq!((asked.status, &asked.json["state"]), (201, &"waiting".into()), "{}", asked.text());
    let one = format!("{all}/{}", asked.json["archive_id"].as_str().unwrap());
    let content = format!("{one}/content");
    assert_eq!(call(&hub, &token, get.clone(), &content, None).await.status, 404, "no half archive is shown");
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    let done = call(&hub, &token, get.clone(), &one, None).await.json;
    assert_eq!(
        (&done["state"], &done["done"], &done["content"]),
        (&"done".into(), &2.into(), &content.as_str().into())
    );
    let fetched = call(&hub, &token, get.clone(), &content, None).await;
    assert_eq!(fetched.headers["docaxis-sha256"], done["sha256"].as_str().unwrap());
    assert_eq!(docaxis::domain::packet::Digest::of(&fetched.body).hex(), done["sha256"]);
    let like = json!({ "like": asked.json["archive_id"] });
    assert_eq!(call(&hub, &token, post.clone(), all, Some(like)).await.status, 201);
    let listed = call(&hub, &token, get.clone(), &format!("{all}?limit=1"), None).await.json;
    assert_eq!(listed["items"][0]["state"], "waiting");
    let next = listed["next"].as_str().unwrap();
    let listed = call(&hub, &token, get, &format!("{all}?after={next}"), None).await.json;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    for wrong in [json!({ "from": "x", "until": "y" }), json!({ "from": "2026-11-22", "until": "2026-11-21" })] {
        assert_eq!(call(&hub, &token, post.clone(), all, Some(wrong)).await.status, 400);
    }
    let acts: Vec<String> = hub
        .evidence()
        .await
        .into_iter()
        .filter(|row| row.event == "docaxis:ArchiveExported")
        .map(|row| row.facts)
        .collect();
    for act in ["ask", "made", "hand-out"] {
        assert!(acts.iter().any(|facts| facts.contains(&format!("\"act\":\"{act}\""))), "{act}: {acts:?}");
    }
}

#[tokio::test]
async fn no_more_archives_wait_than_may_and_an_altered_packet_is_in_none() {
    let hub = TestHub::start_with(|config| config.archives.waiting_max = 1).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    seal(&hub.hub).await;
    archive::ask(&hub.hub, &By::Operator, Selection { packets: true, ..of_the_day() }).await.unwrap();
    assert!(archive::ask(&hub.hub, &By::Operator, of_the_day()).await.is_err());
    hub.run("UPDATE payloads SET content = NULL").await;

    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);

    let failed = archive::list(&hub.hub, String::new(), 9).await.unwrap().remove(0);
    assert_eq!(failed.state, "failed");
    assert!(!failed.reason.is_empty());
    assert_eq!(std::fs::read_dir(hub.directory.join("archives")).unwrap().count(), 0, "nothing of it is left");
}

#[tokio::test]
async fn a_packet_of_other_bytes_than_were_accepted_is_in_no_archive_whether_it_stands_in_a_row_or_a_file() {
    let hub = TestHub::start().await;
    let selection = || Selection { packets: true, ..of_the_day() };
    hub.accepted("dms.national", a_document("small").bytes()).await;
    hub.accepted("dms.national", a_document("large").attachment(vec![7; 200_000]).bytes()).await;
    hub.accepted("dms.national", a_document("larger").attachment(vec![7; 2_000_000]).bytes()).await;
    seal(&hub.hub).await;
    assert_eq!(made(&hub, selection()).await.state, "done");

    for at_least in [200_000, 2_000_000] {
        let folders = std::fs::read_dir(hub.directory.join("payloads")).unwrap().flatten();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
        let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
        files.retain(|file| std::fs::metadata(file).unwrap().len() > at_least);
        let file = files.iter().min_by_key(|file| std::fs::metadata(file).unwrap().len()).unwrap();
        let whole = std::fs::read(file).unwrap();
        let mut altered = whole.clone();
        *altered.last_mut().unwrap() ^= 1;
        std::fs::write(file, altered).unwrap();
        let failed = made(&hub, selection()).await;
        assert_eq!(failed.state, "failed");
        assert!(failed.reason.contains("was altered"), "{}", failed.reason);
        std::fs::write(file, whole).unwrap();
    }
    assert_eq!(made(&hub, selection()).await.state, "done");
    hub.run(&format!("UPDATE payloads SET content = {} WHERE content IS NOT NULL", flipped(&hub, "content"))).await;
    let failed = made(&hub, selection()).await;
    assert!(failed.state == "failed" && failed.reason.contains("was altered"), "{}", failed.reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_killed_shows_no_half_and_is_made_anew_to_the_same_bytes() {
    let hub = TestHub::start().await;
    for number in 0..40 {
        let packet = a_document(&format!("d{number}")).attachment(vec![number; 300_000]);
        hub.accepted("dms.national", packet.bytes()).await;
    }
    seal(&hub.hub).await;
    let whole = made(&hub, Selection { packets: true, ..of_the_day() }).await;
    let archives = hub.directory.join("archives");
    let names = || -> BTreeSet<String> {
        let entries = std::fs::read_dir(&archives).unwrap().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    let program = hub.program().with("DOCAXIS__JOBS__LEASE_SECONDS", "0");

    let mut child = program.command(&["archive", "export", "--like", &whole.archive_id]).spawn().unwrap();
    while !names().iter().any(|name| name.ends_with(".part")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        std::thread::yield_now();
    }
    child.kill().unwrap();
    child.wait().unwrap();

    assert_eq!(names().iter().filter(|name| name.ends_with(".zip")).count(), 1, "{:?}", names());
    let cut = archive::list(&hub.hub, String::new(), 1).await.unwrap().remove(0);
    assert_eq!(cut.state, "running");
    assert!(archive::take(&hub.hub, &By::Operator, &cut.archive_id).await.is_err());
    program.done(&["job", "run", "archives"]);
    let again = archive::archive(&hub.hub, &cut.archive_id).await.unwrap();
    assert_eq!((again.state.as_str(), &again.sha256), ("done", &whole.sha256));
    assert!(!names().iter().any(|name| name.ends_with(".part")), "{:?}", names());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_exports_and_verifies() {
    let hub = a_closed_day().await;
    let folder = Folder::new();
    let path = |name: &str| folder.path(name).display().to_string();
    let done = |arguments: &[&str]| hub.program().done(arguments);
    let days = ["--from", "2026-11-21", "--until", "21/11/2026"];

    let said = done(&[&["archive", "export", "--packets", "--into", &path("a.zip")], &days[..]].concat());
    std::fs::write(path("hub.pem"), done(&["receipt", "certificates"])).unwrap();
    let id = said.split(' ').next().unwrap();
    done(&["archive", "export", "--like", id, "--into", &path("b.zip")]);
    let verified = done(&["verify", &path("a.zip"), &path("b.zip"), "--trust", &path("hub.pem")]);

    assert_eq!(verified.matches("ĐÚNG / holds\n").count(), 2, "{verified}");
    assert!(std::fs::read(path("a.zip")).unwrap() == std::fs::read(path("b.zip")).unwrap());
    let shown: Value = serde_json::from_str(&done(&["archive", "show", id])).unwrap();
    assert_eq!((&shown["state"], &shown["packets"]), (&"done".into(), &true.into()));
    assert_eq!(done(&["archive", "list", "--json"]).lines().count(), 2);
    assert_eq!(hub.program().run(&["archive", "show", "unknown"]).code, 1);
    let mut cut = std::fs::read(path("a.zip")).unwrap();
    cut.truncate(1_000);
    std::fs::write(path("cut.zip"), cut).unwrap();
    let refused = hub.program().run(&["verify", &path("cut.zip"), "--trust", &path("hub.pem"), "--json"]);
    let told: Value = serde_json::from_str(&refused.out).unwrap();
    assert_eq!(
        (refused.code, &told["kind"], &told["steps"][0]["fault"]["code"]),
        (1, &"archive".into(), &"cut".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_of_settled_days_leads_to_the_largest_head_that_a_witness_cosigned() {
    let witness = TestHub::start_with(|config| config.ledger.name = "witness.example/ledger".to_owned()).await;
    let key = witness::own_key(&witness.hub);
    let asked = format!("{} {}", key.of_witness(), witness.url("/witness"));
    let hub = TestHub::start_with(|config| {
        config.ledger.name = "log.example/ledger".to_owned();
        config.push.networks = "127.0.0.0/8".to_owned();
        config.push.plain_http = true;
        config.witness.asked = asked;
    })
    .await;
    let mut config = (*witness.hub.config).clone();
    config.witness.watched = sealing::keys(&hub.hub)[0].to_string();
    witness.hub.put_in_force(config);
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    hub.after(TimeDelta::minutes(1));
    witness.after(TimeDelta::hours(16));
    let pusher = Pusher::new(&hub.hub.config.push).unwrap();
    assert_eq!(cosign::round(&hub.hub, &pusher).await.unwrap(), 1);
    leave(&hub, 3).await;
    seal(&hub.hub).await;

    let settled = made(&hub, of_the_day()).await;
    let unsettled = made(&hub, Selection { until: "2026-11-22".to_owned(), ..of_the_day() }).await;

    let (request, newest) = (Request::of(&settled).unwrap(), Request::of(&unsettled).unwrap());
    assert!(matches!(key.cosigned(&request.checkpoint), Ok(Some(_))), "{}", request.checkpoint);
    assert!(newest.tree_size > request.tree_size);
    assert_eq!(key.cosigned(&newest.checkpoint), Ok(None));
    let trust = Trust { witness_keys: vec![key], ..trust(&hub).await };
    let report = verified(&bytes(&hub, &settled).await, &trust);
    assert!(report.holds(), "{report:?}");
    let again = archive::ask_again(&hub.hub, &By::Operator, &settled.archive_id).await.unwrap();
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);
    assert_eq!(archive::archive(&hub.hub, &again.archive_id).await.unwrap().sha256, settled.sha256);
}

#[tokio::test]
async fn whoever_makes_an_archive_keeps_it_beyond_a_lease_until_another_took_it() {
    let hub = TestHub::start().await;
    seal(&hub.hub).await;
    let id = archive::ask(&hub.hub, &By::Operator, of_the_day()).await.unwrap().archive_id;
    let now = hub.now();
    let at = move |minutes| now + TimeDelta::minutes(minutes);

    let said = hub.hub.store.write(move |tx| {
        let (one, other) = ((id.as_str(), "one"), (id.as_str(), "other"));
        Ok([
            rows::hold(tx, one, 0, (at(0), at(10)))?,
            rows::renew(tx, other, at(99))?,
            rows::renew(tx, one, at(15))?,
            rows::hold(tx, other, 0, (at(11), at(21)))?,
            rows::hold(tx, other, 0, (at(15), at(25)))?,
            rows::renew(tx, one, at(30))?,
        ])
    });

    assert_eq!(said.await.unwrap(), [true, false, true, false, true, false]);
}

#[tokio::test]
async fn an_archive_that_cannot_be_read_holds_up_no_other_and_a_file_that_is_gone_is_not_found() {
    let hub = TestHub::start().await;
    seal(&hub.hub).await;
    let broken = archive::ask(&hub.hub, &By::Operator, of_the_day()).await.unwrap();
    let other = archive::ask(&hub.hub, &By::Operator, of_the_day()).await.unwrap();
    hub.run(&format!("UPDATE archives SET request = 'x' WHERE archive_id = '{}'", broken.archive_id)).await;

    assert!(matches!(archive::make_open(&hub.hub).await, Err(ExchangeError::Store(_))));

    assert_eq!(archive::archive(&hub.hub, &other.archive_id).await.unwrap().state, "done");
    assert!(!bytes(&hub, &other).await.is_empty());
    std::fs::remove_file(hub.directory.join("archives").join(format!("{}.zip", other.archive_id))).unwrap();
    let gone = archive::take(&hub.hub, &By::Operator, &other.archive_id).await;
    assert!(matches!(gone, Err(ExchangeError::NotFound)));
}

#[tokio::test]
async fn more_packets_than_are_written_together_come_in_their_order_each_with_its_proof() {
    let hub = TestHub::start().await;
    for number in 10..70 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }
    let all = ["X99.B02", "X99.C03"];
    hub.accepted("dms.national", a_document("d70").to(&all).bytes()).await;
    seal(&hub.hub).await;

    let file = bytes_of(&hub, Selection { packets: true, ..of_the_day() }).await;

    let report = verified(&file, &trust(&hub).await);
    assert!(report.holds(), "{report:?}");
    let told = "61 gói tin, 61 biên nhận, 62 hồ sơ, 0 bảng kê";
    assert!(report.tells.iter().any(|line| line.starts_with(told)), "{report:?}");
    let members = members(&file);
    let packets = members.iter().filter(|(name, _)| name.starts_with("packets/"));
    let packets: Vec<&str> = packets.map(|(name, _)| name.as_str()).collect();
    assert!(packets.is_sorted(), "{packets:?}");
    assert_eq!(text(&members, "index.csv").lines().count(), 63);
}

#[tokio::test]
async fn what_was_sealed_behind_an_entry_of_a_clock_that_ran_ahead_is_in_the_archive() {
    let hub = after_a_clock_that_ran_ahead().await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;

    let row = made(&hub, of_the_day()).await;

    assert_eq!((row.state.as_str(), row.done), ("done", 1), "{}", row.reason);
}
