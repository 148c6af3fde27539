//! Contents whose time is over are destroyed by two people, with proof, and nothing that must stay is; whatever dies in between.

use crate::archives;
use crate::crash::{load, set_up};
use crate::ledger::seal;
use crate::push::{bring, pushing_hub_with};
use crate::store_contract::age;
use crate::support::TestHub;
use crate::support::database::{Database, wants_postgres};
use crate::support::packets::{a_document, a_status};
use crate::support::portal::{Browser, PASSWORD};
use crate::support::program::{Program, Ran};
use crate::support::robot::{Manner, Robot};
use chrono::{DateTime, TimeDelta};
use docaxis::config::Config;
use docaxis::domain::destruction::Facts;
use docaxis::domain::retention::{Kept, Scope};
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::archive::{self, Selection};
use docaxis::exchange::purge::{self, Preview, Wish};
use docaxis::exchange::statements::StatementFile;
use docaxis::exchange::verify::{self, Flaw, Kind, Trust};
use docaxis::exchange::{ExchangeError, attest, capsule, holds, sweep};
use docaxis::store::guard::{FILES, Guard};
use docaxis::store::purges::{self, PurgeRow};
use futures_util::future::join;
use serde_json::Value;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

const REASON: &str = "Hết thời hạn lưu theo quy định";

/// Contents may be destroyed; files go as soon as no row names them.
pub fn with_purges(config: &mut Config) {
    config.portal.second_factor = false;
    config.retention.enabled = true;
    config.keys.life_days = 0;
    config.receipts.self_signed_days = 3_650;
    config.data.orphan_age_seconds = 0;
}

pub async fn purging_hub() -> TestHub {
    TestHub::start_with(with_purges).await
}

/// Takes all that waits for a system.
pub async fn take_all(hub: &TestHub, system: &str) {
    for delivery in hub.waiting(system).await {
        assert_eq!(hub.fetch(system, &delivery).await.status, 200);
        assert_eq!(hub.confirm(system, &delivery, "done").await.status, 200);
    }
}

/// Everything is sealed, and every class is over.
pub async fn a_year_later(hub: &TestHub) {
    seal(&hub.hub).await;
    hub.after(TimeDelta::days(366));
    // A head is signed, so that the hub goes on accepting.
    seal(&hub.hub).await;
}

/// A hub with one document of that size that its recipient took.
pub async fn with_one(bytes: usize) -> (TestHub, Value) {
    let hub = purging_hub().await;
    let receipt = hub.accepted("dms.national", a_document("d1").attachment(vec![7; bytes]).bytes()).await;
    take_all(&hub, "dms.province").await;
    (hub, receipt)
}

pub async fn preview(hub: &TestHub) -> Preview {
    purge::preview(&hub.hub, None, Wish::default()).await.unwrap()
}

/// Why packets of a hub are kept.
pub async fn kept(hub: &TestHub) -> Vec<Kept> {
    preview(hub).await.kept.into_keys().collect()
}

pub async fn person<'h>(hub: &'h TestHub, login: &str) -> Browser<'h> {
    Browser::of(hub, login, UserRole::Operator, &[]).await
}

/// Proposes all that may go; answers where that leads.
pub async fn propose(browser: &mut Browser<'_>) -> String {
    browser.get("/portal/purges/new").await;
    browser.send("/portal/purges", &[("reason", REASON)]).await;
    assert_eq!(browser.page.status, 303, "{}", browser.page.words());
    browser.page.leads_to().to_owned()
}

pub async fn step(browser: &mut Browser<'_>, place: &str, step: &str) -> u16 {
    browser.get("/portal/account").await;
    browser.send(place, &[("step", step)]).await.status
}

/// Two people have all destroyed that may go; answers the id of the purge.
pub async fn agreed(hub: &TestHub) -> String {
    let (mut one, mut two) = (person(hub, "mot").await, person(hub, "hai").await);
    let place = propose(&mut one).await;
    assert_eq!(step(&mut two, &place, "approve").await, 303);
    place.rsplit('/').next().unwrap().to_owned()
}

/// Does the work to its end; answers how many were gone through.
pub async fn work(hub: &TestHub) -> usize {
    let done = purge::work(&hub.hub).await.unwrap();
    assert_eq!(purge::work(&hub.hub).await.unwrap(), 0);
    seal(&hub.hub).await;
    done
}

pub async fn trust(hub: &TestHub) -> Trust {
    Trust { certificates: attest::certificates(&hub.hub).await.unwrap(), ..Trust::default() }
}

/// Places and lifts a hold, and has all destroyed that may go.
pub async fn hold_and_destroy(hub: &TestHub) {
    a_year_later(hub).await;
    let scope = Scope { agency: Some("X99.A01".to_owned()), ..Scope::default() };
    let held = holds::place(&hub.hub, &By::Operator, scope, "Thanh tra đang xem xét").await.unwrap();
    holds::lift(&hub.hub, &By::Operator, &held, "Thanh tra đã kết luận").await.unwrap();
    agreed(hub).await;
    assert!(work(hub).await > 0);
}

/// Files of packets that are there.
pub fn files(data: &Path) -> Vec<PathBuf> {
    let shards = std::fs::read_dir(data.join("payloads")).unwrap().flatten();
    shards.flat_map(|shard| std::fs::read_dir(shard.path()).unwrap().flatten().map(|file| file.path())).collect()
}

#[tokio::test]
async fn two_people_have_contents_destroyed_and_everything_else_stays() {
    let (hub, small) = with_one(10).await;
    let large = hub.accepted("dms.national", a_document("d2").attachment(vec![7; 200_000]).bytes()).await;
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    let seen = preview(&hub).await;
    assert_eq!((seen.number, seen.is_on, files(&hub.directory).len()), (2, true, 1));
    let (mut one, mut two) = (person(&hub, "mot").await, person(&hub, "hai").await);
    let words = one.get("/portal/purges/new").await.words();
    assert!(words.contains("2 gói tin được phép tiêu hủy") && words.contains("d1"), "{words}");

    let place = propose(&mut one).await;
    assert_eq!(purge::work(&hub.hub).await.unwrap(), 0, "nobody agreed");
    assert_eq!(step(&mut one, &place, "approve").await, 403);
    assert_eq!(step(&mut two, &place, "approve").await, 303);
    assert_eq!(step(&mut one, &place, "pause").await, 303);
    assert_eq!(purge::work(&hub.hub).await.unwrap(), 0, "nothing while it is paused");
    assert_eq!(step(&mut one, &place, "resume").await, 303);
    assert_eq!(work(&hub).await, 2);

    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 0);
    assert_eq!(files(&hub.directory), Vec::<PathBuf>::new());
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let mut stranger = Browser::of(&hub, "ba.vp", UserRole::Clerk, &["X99.C03"]).await;
    for receipt in [&small, &large] {
        let (envelope, delivery) = (&receipt["envelope_id"], receipt["deliveries"][0]["delivery_id"].as_str().unwrap());
        let answer = hub.fetch("dms.province", delivery).await;
        assert_eq!((answer.status, &answer.json["code"]), (410, &"content-destroyed".into()), "{}", answer.text());
        assert!(
            answer.json["detail_vi"].as_str().unwrap().starts_with("Đã tiêu hủy lúc 22/11/2027"),
            "{}",
            answer.text()
        );
        let told = hub.sdk("dms.province").get(delivery).await;
        assert_eq!(told.code.as_deref(), Some("26"), "{:?}", told.description);
        assert_eq!(hub.view("dms.national", envelope).await["document_id"], receipt["document_id"]);
        let capsule = capsule::capsule(&hub.hub, None, delivery).await.unwrap();
        assert!(verify::verify(capsule.file().as_bytes(), &trust(&hub).await).holds());
        let page = two.get(&format!("/portal/documents/{}", envelope.as_str().unwrap())).await.words();
        assert!(page.contains("Nội dung đã tiêu hủy ngày 22/11/2027"), "{page}");
        let packet = format!("/portal/documents/{}/packet", envelope.as_str().unwrap());
        assert_eq!(clerk.get(&packet).await.status, 410);
        assert_eq!(stranger.get(&packet).await.status, 404, "whose document it is not hears nothing of it");
    }
    assert_eq!(hub.actors("docaxis:PacketDestroyed").await.len(), 2);
    let words = two.get(&place).await.words();
    assert!(words.contains("Đã xong") && words.contains("đã tiêu hủy: 2"), "{words}");
    let again = hub.post("dms.national", a_document("d1").attachment(vec![7; 10]).bytes()).await;
    assert_eq!(again.json["envelope_id"], small["envelope_id"], "a repeat gets the first receipt");
    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 0);
}

#[tokio::test]
async fn what_has_not_ended_stays() {
    let hub = purging_hub().await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    assert_eq!(kept(&hub).await, [Kept::NotEnded], "one recipient has not fetched it");

    hub.run("UPDATE deliveries SET via = 'truc.b' WHERE state = 'consigned'").await;
    assert_eq!(kept(&hub).await, [Kept::NotEnded], "a neighbouring hub has not told how it ended");
}

#[tokio::test]
async fn what_is_asked_back_stays_with_what_asks() {
    let (hub, _) = with_one(10).await;
    hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    let seen = preview(&hub).await;
    assert_eq!((seen.number, seen.kept.get(&Kept::Recall)), (0, Some(&2)), "{seen:?}");

    let agreed = a_status("X99.B02", ("X99.A01", "d1"), "15", "2027/11/21 09:40:00");
    assert_eq!(hub.post("dms.province", agreed).await.status, 201);
    take_all(&hub, "dms.national").await;
    a_year_later(&hub).await;
    assert_eq!((preview(&hub).await.number, kept(&hub).await), (3, Vec::new()));
}

#[tokio::test]
async fn what_is_held_stays_until_the_hold_is_lifted() {
    let (hub, _) = with_one(10).await;
    a_year_later(&hub).await;
    let day = |text: &str| text.parse().ok();
    let scopes = [
        Scope { document_id: Some("d1".to_owned()), ..Scope::default() },
        Scope { agency: Some("x99.b02".to_owned()), ..Scope::default() },
        Scope { from: day("2026-11-01"), until: day("2026-11-30"), ..Scope::default() },
    ];
    for scope in scopes {
        let id = holds::place(&hub.hub, &By::Operator, scope, "Thanh tra đang xem xét").await.unwrap();
        assert_eq!(kept(&hub).await, [Kept::Held]);
        holds::lift(&hub.hub, &By::Operator, &id, "Thanh tra đã kết luận").await.unwrap();
        assert_eq!(preview(&hub).await.number, 1);
    }
    let others = Scope { agency: Some("X99.C03".to_owned()), ..Scope::default() };
    holds::place(&hub.hub, &By::Operator, others, "Không liên quan đến văn bản").await.unwrap();
    assert_eq!(preview(&hub).await.number, 1);
    assert!(holds::place(&hub.hub, &By::Operator, Scope::default(), "Giữ lại tất cả mọi thứ").await.is_err());
}

#[tokio::test]
async fn what_is_young_or_within_its_term_stays() {
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    hub.after(TimeDelta::days(29));
    let seen = preview(&hub).await;
    assert_eq!(seen.number, 0);
    hub.after(TimeDelta::days(1));
    assert_eq!(kept(&hub).await, [Kept::Term], "an unknown kind of document is kept as long as the longest");
    hub.after(TimeDelta::days(335));
    assert_eq!(preview(&hub).await.number, 1);

    let older = TestHub::start_with(|config| {
        with_purges(config);
        config.retention.age_days_min = 400;
    });
    let older = older.await;
    older.accepted("dms.national", a_document("d1").bytes()).await;
    older.after(TimeDelta::days(100));
    take_all(&older, "dms.province").await;
    a_year_later(&older).await;
    assert_eq!(kept(&older).await, [Kept::Young], "whatever its class says");
}

#[tokio::test]
async fn what_is_to_be_answered_stays_until_its_term_or_its_end() {
    let (hub, _) = with_one(10).await;
    hub.run("UPDATE envelopes SET due_on = '2028-12-31'").await;
    a_year_later(&hub).await;
    assert_eq!(kept(&hub).await, [Kept::Awaited]);

    let finished = a_status("X99.B02", ("X99.A01", "d1"), "06", "2027/11/21 09:40:00");
    assert_eq!(hub.post("dms.province", finished).await.status, 201);
    seal(&hub.hub).await;
    assert_eq!(preview(&hub).await.number, 1, "it is finished");
}

#[tokio::test]
async fn a_failure_that_somebody_may_mend_stays() {
    let (hub, dispatcher) = pushing_hub_with(with_purges).await;
    let robot = Robot::start(vec![Manner::status(422)]);
    bring(&hub, &robot).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    dispatcher.drain().await.unwrap();
    a_year_later(&hub).await;
    assert_eq!(kept(&hub).await, [Kept::Failure]);

    hub.program().done(&["queue", "start-anew", "X99.B02", "--apply"]);
    assert_eq!(kept(&hub).await, [Kept::NotEnded], "it is on its way once more");
}

#[tokio::test]
async fn what_is_not_sealed_or_is_to_go_into_an_archive_stays() {
    let (hub, _) = with_one(10).await;
    hub.after(TimeDelta::days(366));
    assert_eq!(kept(&hub).await, [Kept::Unsealed]);

    seal(&hub.hub).await;
    let wanted = Selection { packets: true, ..archives::of_the_day() };
    let asked = archive::ask(&hub.hub, &By::Operator, wanted).await.unwrap();
    seal(&hub.hub).await;
    assert_eq!(kept(&hub).await, [Kept::Archive]);
    assert!(archive::make(&hub.hub, &asked.archive_id, &mut |_| {}).await.unwrap());
    seal(&hub.hub).await;
    assert_eq!(preview(&hub).await.number, 1);
}

#[tokio::test]
async fn what_must_stay_by_then_is_kept_and_it_is_said_why() {
    let (hub, _) = with_one(10).await;
    for id in ["d2", "d3"] {
        hub.accepted("dms.national", a_document(id).bytes()).await;
    }
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    let purge_id = agreed(&hub).await;
    let scope = Scope { document_id: Some("d2".to_owned()), ..Scope::default() };
    holds::place(&hub.hub, &By::Operator, scope, "Thanh tra đang xem xét").await.unwrap();
    hub.tamper("DELETE FROM payloads WHERE envelope_id = (SELECT envelope_id FROM envelopes WHERE document_id = 'd3')")
        .await;
    // What may go by now was not proposed.
    hub.accepted("dms.national", a_document("d4").bytes()).await;
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;

    assert_eq!(work(&hub).await, 3);

    let view = purge::view(&hub.hub, None, &purge_id).await.unwrap();
    let outcomes: Vec<&str> = view.outcomes.iter().map(|(outcome, ..)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["destroyed", "gone", "held"]);
    assert_eq!((view.line.row.destroyed, view.line.row.kept), (1, 2));
    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 2, "d2 is held, d4 was not meant");
    let file = purge::certificate(&hub.hub, None, &purge_id).await.unwrap();
    let facts: Facts = serde_json::from_str(&file.evidence.record.facts).unwrap();
    assert_eq!((facts.packets, facts.kept, file.list.lines().count()), (1, 2, 1));
}

/// Something that is done to a certificate, and what is found of it.
type Alteration<'a> = (&'a dyn Fn(&mut StatementFile), Flaw);

#[tokio::test]
async fn the_certificate_verifies_offline_and_whatever_is_altered_is_named() {
    let (hub, receipt) = with_one(200_000).await;
    hub.accepted("dms.national", a_document("d2").bytes()).await;
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    let purge_id = agreed(&hub).await;
    assert_eq!(work(&hub).await, 2);
    let trust = trust(&hub).await;

    let file = purge::certificate(&hub.hub, None, &purge_id).await.unwrap();
    let report = verify::verify(file.file().as_bytes(), &trust);
    assert!(report.holds(), "{:?}", report.steps);
    assert_eq!(report.kind, Kind::Destruction);
    assert!(report.tells.iter().any(|line| line.contains("Người dùng mot → Người dùng hai")), "{:?}", report.tells);
    assert!(file.list.contains(receipt["sha256"].as_str().unwrap()) && file.list.contains("Luật Giao dịch điện tử"));

    let one_line = file.list.lines().next().unwrap().to_owned() + "\n";
    let alterations: [Alteration<'_>; 5] = [
        (&|file| file.list = one_line.clone(), Flaw::OtherList),
        (&|file| file.list = file.list.replace("d2", "d9"), Flaw::OtherList),
        (&|file| file.list.clear(), Flaw::OtherList),
        (
            &|file| file.evidence.record.facts = file.evidence.record.facts.replace("Người dùng hai", "Người dùng ba"),
            Flaw::RecordAltered,
        ),
        (&|file| file.form = "docaxis-statement/1".to_owned(), Flaw::Unreadable),
    ];
    for (number, (alter, flaw)) in alterations.iter().enumerate() {
        let mut altered = file.clone();
        alter(&mut altered);
        let report = verify::verify(altered.file().as_bytes(), &trust);
        assert!(report.steps.iter().any(|step| step.fault == Some(*flaw)), "{number}: {:?}", report.steps);
    }

    let mut browser = Browser::new(&hub);
    browser.sign_in("mot", PASSWORD, "").await;
    let kept = browser.get(&format!("/portal/purges/{purge_id}/certificate")).await;
    assert_eq!(
        (kept.status, kept.text.as_str()),
        (200, purge::certificate(&hub.hub, None, &purge_id).await.unwrap().file().as_str())
    );
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("one.json"), hub.program().done(&["purge", "certificate", &purge_id])).unwrap();
    std::fs::write(path("hub.pem"), hub.program().done(&["receipt", "certificates"])).unwrap();
    let verified = hub.program().done(&["verify", &path("one.json"), "--trust", &path("hub.pem")]);
    assert!(
        verified.contains("2 nội dung, 0 gói lưu trữ đã tiêu hủy") && verified.contains("ĐÚNG / holds"),
        "{verified}"
    );
}

#[tokio::test]
async fn bytes_that_another_packet_needs_stay() {
    let hub = purging_hub().await;
    let large = a_document("d1").attachment(vec![7; 200_000]).bytes();
    hub.accepted("dms.national", large).await;
    take_all(&hub, "dms.province").await;
    // The same bytes in another packet, which has not ended.
    hub.accepted("dms.national", a_document("d2").attachment(vec![8; 200_000]).bytes()).await;
    let of = |id: &str| format!("(SELECT payload_sha256 FROM envelopes WHERE document_id = '{id}')");
    hub.run(&format!("UPDATE payloads SET sha256 = {} WHERE sha256 = {}", of("d1"), of("d2"))).await;
    a_year_later(&hub).await;
    agreed(&hub).await;
    assert_eq!(files(&hub.directory).len(), 2);

    assert_eq!(work(&hub).await, 1);
    sweep::orphans(&hub.hub).await.unwrap();

    assert_eq!(hub.count("SELECT count(*) FROM destroyed_packets").await, 1);
    let left = files(&hub.directory);
    assert_eq!(left.len(), 1, "the other one is named by nobody");
    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 1);
}

#[tokio::test]
async fn files_that_were_left_between_commit_and_removal_are_swept() {
    let (hub, _) = with_one(200_000).await;
    a_year_later(&hub).await;
    agreed(&hub).await;

    // As when the process dies after the commit: nothing can be removed just now.
    let backup = Guard::shared(&hub.directory, FILES).unwrap().unwrap();
    assert_eq!(work(&hub).await, 1);
    assert_eq!((hub.count("SELECT count(*) FROM payloads").await, files(&hub.directory).len()), (0, 1));
    drop(backup);

    assert_eq!(sweep::orphans(&hub.hub).await.unwrap(), 1);
    assert_eq!(files(&hub.directory), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn an_archive_says_which_packets_were_destroyed_and_holds() {
    let (hub, receipt) = with_one(200_000).await;
    hub.accepted("dms.national", a_document("d2").to(&["X99.C03"]).bytes()).await;
    a_year_later(&hub).await;
    agreed(&hub).await;
    assert_eq!(work(&hub).await, 1);

    let archive = archives::bytes_of(&hub, Selection { packets: true, ..archives::of_the_day() }).await;

    let report = verify::verify_stream(&mut archive.as_slice(), &trust(&hub).await).unwrap();
    assert!(report.holds(), "{:?}", report.steps);
    let names = |name: String| memchr::memmem::find(&archive, name.as_bytes()).is_some();
    let id = receipt["envelope_id"].as_str().unwrap();
    assert!(names(format!("packets/{id}.destroyed.json")) && !names(format!("packets/{id}.edxml")));
}

#[tokio::test]
async fn a_proposal_is_refused_taken_back_or_lapses_and_one_is_open_at_a_time() {
    let (hub, _) = with_one(10).await;
    a_year_later(&hub).await;
    let (mut one, mut two) = (person(&hub, "mot").await, person(&hub, "hai").await);

    let refused = propose(&mut one).await;
    two.get("/portal/account").await;
    assert_eq!(two.send("/portal/purges", &[("reason", REASON)]).await.status, 409, "one at a time");
    assert_eq!(step(&mut two, &refused, "refuse").await, 303);
    let taken_back = propose(&mut one).await;
    assert_eq!(step(&mut one, &taken_back, "stop").await, 303);
    let lapsed = propose(&mut one).await;
    hub.after(TimeDelta::hours(72));
    two.sign_in("hai", PASSWORD, "").await;
    assert_eq!(step(&mut two, &lapsed, "approve").await, 409, "too late");
    assert_eq!(purge::work(&hub.hub).await.unwrap(), 0);

    let words = two.get("/portal/purges").await.words();
    for state in ["Không được duyệt", "Đã dừng hẳn", "Hết hạn chờ duyệt"] {
        assert!(words.contains(state), "{state}: {words}");
    }
    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 1, "nothing was destroyed");
    assert_eq!(hub.count("SELECT count(*) FROM purges WHERE decided_by = proposed_by").await, 0);
    assert_eq!(two.get(&format!("{lapsed}/certificate")).await.status, 404);
    assert_eq!(two.send_bare("/portal/purges", &[("reason", REASON)]).await.status, 403, "not from another site");
}

#[tokio::test]
async fn nothing_is_proposed_or_destroyed_where_it_is_off() {
    let hub = TestHub::start_with(|config| config.portal.second_factor = false).await;
    let mut browser = person(&hub, "mot").await;
    let words = browser.get("/portal/purges/new").await.words();
    assert!(words.contains("Trục này không tiêu hủy nội dung"), "{words}");
    browser.get("/portal/account").await;
    assert_eq!(browser.send("/portal/purges", &[("reason", REASON)]).await.status, 403);
}

#[tokio::test]
async fn holds_are_placed_and_lifted_by_every_door_with_evidence() {
    let office = crate::administration::office_of(purging_hub().await).await;
    let said = serde_json::json!({ "agency": "X99.B02", "reason": "Thanh tra đang xem xét" });
    let placed = office.ask("POST", "/holds", said).await;
    assert_eq!(placed.status, 201, "{}", placed.text());
    let id = placed.json["hold_id"].as_str().unwrap().to_owned();
    let mut browser = person(&office.hub, "mot").await;
    browser.get("/portal/holds").await;
    let unknown = [("document", "d9"), ("reason", "Khiếu nại số 12")];
    assert_eq!(browser.send("/portal/holds", &unknown).await.status, 400);
    assert!(browser.page.words().contains("Trục không có văn bản nào mang mã này"), "{}", browser.page.words());
    office.hub.accepted("dms.national", a_document("d1&amp;&lt;b&gt;").bytes()).await;
    browser.get("/portal/holds").await;
    let fields = [("document", "d1&<b>"), ("reason", "Khiếu nại số 12")];
    assert_eq!(browser.send("/portal/holds", &fields).await.status, 303);
    let page = browser.get("/portal/holds").await;
    assert!(page.words().contains("văn bản d1&<b>") && !page.text.contains("d1&<b>"), "{}", page.words());
    assert_eq!(browser.send("/portal/holds", &[("lift", &id), ("reason", "Thanh tra đã kết luận")]).await.status, 303);

    let reason = serde_json::json!({ "reason": "Lần thứ hai, lệnh này" });
    assert_eq!(office.ask("POST", &format!("/holds/{id}/lift"), reason).await.status, 409);
    let listed = office.ask("GET", "/holds", Value::Null).await;
    assert_eq!(listed.json["items"].as_array().unwrap().len(), 2, "{}", listed.text());
    assert_eq!(office.ask("GET", "/purges", Value::Null).await.json["items"], serde_json::json!([]));
    assert_eq!(office.ask("GET", &format!("/purges/{id}"), Value::Null).await.status, 404);
    assert!(office.hub.program().done(&["hold", "list"]).contains("Khiếu nại số 12"));
    let acts: Vec<Value> = office
        .hub
        .evidence()
        .await
        .into_iter()
        .filter(|row| row.event == "docaxis:LegalHoldChanged")
        .map(|row| serde_json::from_str::<Value>(&row.facts).unwrap()["act"].clone())
        .collect();
    assert_eq!(acts, ["placed", "placed", "lifted"]);
}

#[tokio::test]
async fn holds_in_force_come_first_page_by_page_and_none_is_left_out() {
    let hub = TestHub::start_with(|config| {
        with_purges(config);
        (config.portal.rows_max, config.lists.page_max) = (2, 2);
    })
    .await;
    let office = crate::administration::office_of(hub).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let scope = Scope { agency: Some("X99.A01".to_owned()), ..Scope::default() };
        let reason = format!("Thanh tra, vụ việc số {number}");
        ids.push(holds::place(&office.hub.hub, &By::Operator, scope, &reason).await.unwrap());
    }
    for newest in [4, 3] {
        holds::lift(&office.hub.hub, &By::Operator, &ids[newest], "Thanh tra đã kết luận").await.unwrap();
    }
    let expected: Vec<&str> = [2, 1, 0, 4, 3].map(|place| ids[place].as_str()).into();

    let (mut listed, mut after) = (Vec::new(), String::new());
    loop {
        let page = office.done("GET", &format!("/holds?after={after}"), Value::Null).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        listed.extend(items.iter().map(|item| item["hold_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = next.to_owned();
    }
    assert_eq!(listed, expected);
    let unknown = office.ask("GET", "/holds?after=x%00", Value::Null).await;
    assert_eq!((unknown.status, &unknown.json["code"]), (400, &"malformed".into()));
    let printed = office.hub.program().done(&["hold", "list", "--json"]);
    let printed: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(printed.iter().map(|line| line["hold_id"].as_str().unwrap()).collect::<Vec<_>>(), expected);
    let mut browser = person(&office.hub, "mot").await;
    let mut words = browser.get("/portal/holds").await.words();
    assert!(words.contains("số 2") && words.contains("số 1") && !words.contains("số 4"), "{words}");
    for _ in 0..2 {
        let page = browser.page.text.split("rel=\"next\" href=\"").nth(1).unwrap();
        let next = page.split('"').next().unwrap().to_owned();
        words += &browser.get(&next).await.words();
    }
    assert!((0..5).all(|number| words.contains(&format!("vụ việc số {number}"))), "{words}");
    assert!(!browser.page.text.contains("rel=\"next\""), "it is the last one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_that_propose_at_once_one_is_told_that_a_purge_is_open() {
    let (hub, _) = with_one(10).await;
    a_year_later(&hub).await;
    for login in ["mot", "hai"] {
        person(&hub, login).await;
    }
    let people = async |login: &str| {
        let mut browser = Browser::new(&hub);
        browser.sign_in(login, PASSWORD, "").await;
        let token = browser.cookie("__Host-docaxis-session").unwrap().to_owned();
        docaxis::exchange::sessions::person(&hub.hub, &token, true).await.unwrap().unwrap()
    };
    let (one, two, node) = (people("mot").await, people("hai").await, hub.another_node());

    let (first, second) = join(
        purge::propose(&hub.hub, &one, Wish::default(), REASON),
        purge::propose(&node, &two, Wish::default(), REASON),
    )
    .await;

    let mut answers = [first, second];
    answers.sort_by_key(Result::is_err);
    let [Ok(open), Err(ExchangeError::Exists(words))] = &answers else { panic!("{answers:?}") };
    assert_eq!(words.vi, "Một đợt tiêu hủy khác chưa kết thúc");
    // Whatever looks before it writes, the database holds it.
    let id = open.clone();
    let twice = hub.hub.store.write(move |tx| {
        let times = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH);
        let of = purges::find(tx, &id)?.unwrap();
        let again = (&Scope::default(), REASON.to_owned());
        purges::insert(tx, &PurgeRow::new("0190".to_owned(), again, (0, 0), of.proposed_by, times), &[])
    });
    assert!(twice.await.unwrap_err().is_unique_violation());
    assert_eq!(hub.count("SELECT count(*) FROM purges").await, 1);
}

/// What waits for a purge to stand still: each is begun while another transaction has the purge, and must not end before.
async fn waits<T>(hub: &TestHub, act: impl Future<Output = T>) -> T {
    let (client, driver) = tokio_postgres::connect(hub.database_url(), tokio_postgres::NoTls).await.unwrap();
    let driver = tokio::spawn(driver);
    client.batch_execute("BEGIN; UPDATE purges SET state = state WHERE ended_at IS NULL").await.unwrap();
    let blocked =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let released = async {
        while hub.count(blocked).await == 0 {
            tokio::task::yield_now().await;
        }
        client.batch_execute("COMMIT").await.unwrap();
    };
    let (done, ()) = join(act, released).await;
    driver.abort();
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_keeps_a_content_waits_for_what_is_being_destroyed() {
    if !wants_postgres() {
        println!("NOT TESTED on SQLite: it has one writer");
        return;
    }
    let (hub, _) = with_one(10).await;
    seal(&hub.hub).await;
    let archive = archives::made(&hub, Selection { packets: true, ..archives::of_the_day() }).await;
    a_year_later(&hub).await;
    agreed(&hub).await;

    let scope = Scope { agency: Some("X99.C03".to_owned()), ..Scope::default() };
    waits(&hub, holds::place(&hub.hub, &By::Operator, scope, "Thanh tra đang xem xét")).await.unwrap();
    let wanted = Selection { packets: true, ..archives::of_the_day() };
    waits(&hub, archive::ask(&hub.hub, &By::Operator, wanted)).await.unwrap();
    waits(&hub, archive::take(&hub.hub, &By::Operator, &archive.archive_id)).await.unwrap();
    waits(&hub, purge::work(&hub.hub)).await.unwrap();

    // Whoever needs no content waits for nobody.
    archive::ask(&hub.hub, &By::Operator, archives::of_the_day()).await.unwrap();
    assert_eq!(hub.count("SELECT count(*) FROM purge_packets WHERE outcome = 'archive'").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_beside_a_purge_finds_each_content_destroyed_before_or_keeps_it() {
    let hub = TestHub::start_with(|config| {
        with_purges(config);
        config.retention.batch = 1;
    })
    .await;
    for number in 0..12 {
        hub.accepted("dms.national", a_document(&format!("d{number}")).bytes()).await;
    }
    take_all(&hub, "dms.province").await;
    a_year_later(&hub).await;
    let purge_id = agreed(&hub).await;
    let node = hub.another_node();
    let scope = Scope { agency: Some("X99.A01".to_owned()), ..Scope::default() };
    let placing = async {
        let id = holds::place(&node, &By::Operator, scope, "Thanh tra đang xem xét").await.unwrap();
        // From here on nothing is destroyed any more.
        (id, hub.count("SELECT count(*) FROM destroyed_packets").await)
    };

    let (_, (_, destroyed)) = join(purge::work(&hub.hub), placing).await;
    purge::work(&hub.hub).await.unwrap();

    assert_eq!(hub.count("SELECT count(*) FROM destroyed_packets").await, destroyed);
    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 12 - destroyed);
    let view = purge::view(&hub.hub, None, &purge_id).await.unwrap();
    assert_eq!((view.line.row.destroyed, view.line.row.kept), (destroyed, 12 - destroyed));
}

/// Runs a command for a person who shows its password.
fn as_person(program: &Program, arguments: &[&str], (login, password): (&str, &str)) -> Ran {
    let mut command = program.command(arguments);
    command.args(["--as", login]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    Ran::of(child.wait_with_output().unwrap())
}

/// Operators of a program, each with its password.
fn operators(program: &Program) -> [(&'static str, String); 2] {
    ["mot", "hai"].map(|login| {
        let said = program.done(&["user", "add", login, "--name", login, "--role", "operator"]);
        (login, said.split_whitespace().last().unwrap().to_owned())
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_while_it_destroys_leaves_no_half_of_it() {
    const PACKETS: usize = 60;
    let data = tempfile::tempdir().unwrap();
    let database = Database::make(data.path()).await;
    let program = Program::new(data.path(), &database.url)
        .with("DOCAXIS__RETENTION__ENABLED", "true")
        .with("DOCAXIS__RETENTION__BATCH", "1")
        .with("DOCAXIS__PORTAL__SECOND_FACTOR", "false")
        .with("DOCAXIS__JOBS__PURGE_CRON", "* * * * * *")
        .with("DOCAXIS__JOBS__LEASE_SECONDS", "1");
    let parties = set_up(&program);
    let people = operators(&program);
    let mut serving = program.serve();
    for number in 0..PACKETS {
        let bytes =
            a_document(&format!("d{number}")).attachment(vec![7; if number % 2 == 0 { 100_000 } else { 10 }]).bytes();
        let sent =
            parties.client.post(format!("{}/api/v1/envelopes", serving.url)).bearer_auth(&parties.sender).body(bytes);
        assert_eq!(sent.send().await.unwrap().status(), 201);
    }
    for (delivery, _) in load::waiting(&parties, &serving.url).await.unwrap() {
        let confirm = format!("{}/api/v1/deliveries/{delivery}/confirm", serving.url);
        let said = serde_json::json!({ "status": "done" });
        load::fetch(&parties, &serving.url, &delivery).await.unwrap();
        let confirmed = parties.client.post(confirm).bearer_auth(&parties.recipient).json(&said).send().await.unwrap();
        assert_eq!(confirmed.status(), 200);
    }
    serving.kill();
    database.run("UPDATE users SET must_change = (1 = 0)").await;
    database.run("UPDATE envelopes SET accepted_at = '2024-01-01 00:00:00'").await;
    database.run("UPDATE deliveries SET changed_at = '2024-01-01 00:00:00'").await;
    let [one, two] = &people;
    let one = (one.0, one.1.as_str());
    let two = (two.0, two.1.as_str());
    let mut serving = program.serve();
    while database.count("SELECT count(*) FROM unsealed").await > 0 {
        tokio::task::yield_now().await;
    }
    let proposed = as_person(&program, &["purge", "propose", "--reason", REASON], one);
    assert_eq!(proposed.code, 0, "{}", proposed.err);
    let id = proposed.out.trim().to_owned();
    assert_eq!(as_person(&program, &["purge", "approve", &id], one).code, 1, "nobody decides on an own proposal");
    assert_eq!(as_person(&program, &["purge", "approve", &id], (two.0, "wrong")).code, 1);
    let approved = as_person(&program, &["purge", "approve", &id], two);
    assert_eq!(approved.code, 0, "{}", approved.err);

    let mut killed_at = Vec::new();
    let state = "SELECT count(*) FROM purges WHERE state = 'done'";
    while database.count(state).await == 0 {
        let before = database.count("SELECT count(*) FROM destroyed_packets").await;
        if usize::try_from(before).unwrap() > PACKETS / 4 * killed_at.len() && killed_at.len() < 3 {
            serving.kill();
            killed_at.push(before);
            let destroyed = database.count("SELECT count(*) FROM destroyed_packets").await;
            let evidence = "SELECT count(*) FROM evidence WHERE event = 'docaxis:PacketDestroyed'";
            assert_eq!(database.count(evidence).await, destroyed);
            assert_eq!(database.count("SELECT destroyed FROM purges").await, destroyed);
            let left = database.count("SELECT count(*) FROM payloads").await;
            assert_eq!(usize::try_from(left + destroyed).unwrap(), PACKETS);
            serving = program.serve();
        }
        tokio::task::yield_now().await;
    }
    serving.kill();

    assert!(!killed_at.is_empty());
    assert_eq!(usize::try_from(database.count("SELECT count(*) FROM destroyed_packets").await).unwrap(), PACKETS);
    // Too young to go with their rows: the sweep takes them once they are old, whoever died.
    for file in files(data.path()) {
        age(&file, 7_200);
    }
    program.done(&["job", "run", "sweep-orphans"]);
    assert_eq!(files(data.path()), Vec::<PathBuf>::new());
    assert!(program.done(&["purge", "list"]).contains(&format!("{PACKETS}/{PACKETS} destroyed")));
}
