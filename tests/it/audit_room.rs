//! The auditor's room: nothing without a warrant, nothing beyond it; samples that anybody can draw again; files verified; who
//! looked at what. Everything that an auditor does is evidence.

use crate::ledger::seal;
use crate::statements;
use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::{Browser, a_warrant, let_in, make_findable};
use chrono::TimeDelta;
use docaxis::domain::packet::Digest;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::verify::{self, Trust};
use docaxis::exchange::{archive, attest, samples, warrants};
use docaxis::http::portal::{AuditOperation, PortalOperation};
use docaxis::http::{Operation, ROUTES, Verb};
use serde_json::Value;

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

async fn auditor<'h>(hub: &'h TestHub, agencies: &[&str]) -> Browser<'h> {
    Browser::of(hub, "thanh.tra", UserRole::Auditor, agencies).await
}

/// Accepts documents from X99.A01 to an agency; answers the ids of their envelopes.
async fn documents(hub: &TestHub, to: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        let receipt = hub.accepted("dms.national", a_document(&format!("d{number}")).to(&[to]).bytes()).await;
        ids.push(receipt["envelope_id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Facts of what was looked at and taken out, oldest first.
async fn looks(hub: &TestHub) -> Vec<Value> {
    let all = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:DataAccessed");
    all.map(|row| serde_json::from_str(&row.facts).unwrap()).collect()
}

/// Has a sample drawn by the form of the room; answers its place.
async fn drawn(hub: &TestHub, browser: &mut Browser<'_>, (size, seed): (&str, &str)) -> String {
    browser.get("/portal/audit").await;
    browser.send("/portal/audit/samples", &[("size", size), ("seed", seed)]).await;
    assert_eq!(browser.page.status, 303, "{}", browser.page.words());
    let place = browser.page.leads_to().to_owned();
    assert!(browser.get(&place).await.words().contains("Đang rút"));
    seal(&hub.hub).await;
    assert_eq!(samples::draw_open(&hub.hub).await.unwrap(), 1);
    assert_eq!(samples::draw_open(&hub.hub).await.unwrap(), 0, "it is drawn once");
    place
}

fn audit_routes() -> impl Iterator<Item = (&'static str, &'static str, AuditOperation)> {
    ROUTES.iter().filter_map(|route| {
        let Operation::Portal(PortalOperation::Audit(operation)) = route.operation else { return None };
        Some((if route.methods == [Verb::Get] { "GET" } else { "POST" }, route.path, operation))
    })
}

#[tokio::test]
async fn without_a_warrant_an_auditor_is_told_what_is_missing_and_sees_nothing() {
    let hub = hub().await;
    let_in(&hub, "quan.tri", UserRole::Administrator, &[]).await;
    let ids = documents(&hub, "X99.B02", 0..1).await;
    let mut auditor = auditor(&hub, &[]).await;

    let words = auditor.get("/portal/audit").await.words();
    assert!(words.contains("chưa có quyết định kiểm tra") && words.contains("Người dùng quan.tri"), "{words}");
    let document = format!("/portal/documents/{}", ids[0]);
    for route in ROUTES.iter().filter(|route| route.methods == [Verb::Get]) {
        let Operation::Portal(operation) = route.operation else { continue };
        let is_told = [PortalOperation::Account, PortalOperation::Audit(AuditOperation::Room)].contains(&operation);
        if operation.is_open() || is_told {
            continue;
        }
        let place = route.path.replace("{id}", &ids[0]).replace("{number}", "1").replace("{code}", "X99.A01");
        auditor.get(&place).await;
        assert_eq!((auditor.page.status, auditor.page.leads_to()), (303, "/portal/audit"), "{place}");
    }
    assert_eq!(looks(&hub).await, Vec::<Value>::new());

    // Issued, it holds in the session that is open; revoked, it ends there at once.
    let row =
        warrants::issue(&hub.hub, &By::Operator, a_warrant("thanh.tra", vec!["X99.A01".to_owned()])).await.unwrap();
    assert_eq!(auditor.get(&document).await.status, 200);
    warrants::revoke(&hub.hub, &By::Operator, &row.warrant_id).await.unwrap();
    assert_eq!(auditor.get(&document).await.leads_to(), "/portal/audit");
    let events = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:WarrantChanged").count();
    assert_eq!(events, 2);
    assert!(hub.program().done(&["warrant", "list"]).contains("revoked"));
}

#[tokio::test]
async fn a_warrant_that_is_over_or_yet_to_come_opens_nothing() {
    let hub = hub().await;
    let mut auditor = auditor(&hub, &[]).await;
    let day = |text: &str| text.parse().unwrap();
    let draft = |from: &str, until: &str| {
        let mut draft = a_warrant("thanh.tra", vec!["X99.A01".to_owned()]);
        (draft.from, draft.until) = (Some(day(from)), day(until));
        draft
    };
    warrants::issue(&hub.hub, &By::Operator, draft("2026-11-22", "2026-11-22")).await.unwrap();
    let overlapping = warrants::issue(&hub.hub, &By::Operator, draft("2026-11-21", "2026-11-30")).await.unwrap_err();
    assert!(overlapping.to_string().contains("revoke it first"), "{overlapping}");

    assert_eq!(auditor.get("/portal/log").await.leads_to(), "/portal/audit", "it is yet to come");
    for (hours, status) in [(15, 200), (24, 303)] {
        hub.after(TimeDelta::hours(hours));
        auditor.sign_in("thanh.tra", crate::support::portal::PASSWORD, "").await;
        assert_eq!(auditor.get("/portal/log").await.status, status, "after {hours} more hours");
    }
    for (from, until) in [("2026-11-25", "2026-11-24"), ("2026-01-01", "2026-01-02")] {
        assert!(warrants::issue(&hub.hub, &By::Operator, draft(from, until)).await.is_err(), "{from} {until}");
    }
}

#[tokio::test]
async fn nothing_beyond_agencies_days_and_content_of_a_warrant_is_shown() {
    let hub = hub().await;
    let first = documents(&hub, "X99.B02", 0..1).await;
    hub.after(TimeDelta::days(2));
    let later = documents(&hub, "X99.B02", 1..2).await;
    let foreign = hub.accepted("dms.province", a_document("f1").from("X99.B02").to(&["X99.C03"]).bytes()).await;
    let foreign = foreign["envelope_id"].as_str().unwrap().to_owned();
    make_findable(&hub).await;
    statements::close_the_day(&hub).await;
    let mut auditor = auditor(&hub, &[]).await;
    let mut draft = a_warrant("thanh.tra", vec!["X99.A01".to_owned()]);
    draft.content = false;
    draft.documents = ("2026-11-22".parse().unwrap(), "2026-11-24".parse().unwrap());
    let warrant = warrants::issue(&hub.hub, &By::Operator, draft).await.unwrap();

    for (id, status) in [(&first[0], 404), (&later[0], 200), (&foreign, 404)] {
        for rest in ["", "/slip"] {
            assert_eq!(auditor.get(&format!("/portal/documents/{id}{rest}")).await.status, status, "{id}{rest}");
        }
        assert_eq!(auditor.get(&format!("/portal/receipts/{id}")).await.status, status, "{id}");
    }
    for rest in ["packet", "attachments/1"] {
        let page = auditor.get(&format!("/portal/documents/{}/{rest}", later[0])).await;
        assert_eq!(page.status, 403, "{rest}");
        assert!(page.text.contains("không cho mở nội dung"));
    }
    let words = auditor.get("/portal/log?direction=out&from=2026-01-01&until=2027-01-01").await.text.clone();
    assert!(words.contains(&later[0]) && !words.contains(&first[0]), "{words}");
    let words = auditor.get("/portal/search?q=1").await.text.clone();
    assert!(words.contains(&later[0]) && !words.contains(&first[0]) && !words.contains(&foreign), "{words}");
    assert_eq!(auditor.get("/portal/log?agency=X99.B02").await.status, 404);
    assert_eq!(auditor.get("/portal/audit/accesses?agency=X99.B02").await.status, 404);
    // Statements of the day before the warrant's documents are nothing of it.
    let words = auditor.get("/portal/audit/statements").await.words();
    assert!(words.contains("23/11/2026") && !words.contains("21/11/2026"), "{words}");
    let sealed = hub.evidence().await.into_iter().find(|row| row.event == "docaxis:StatementMade").unwrap();
    assert!(sealed.facts.contains("2026-11-21"), "{}", sealed.facts);
    assert_eq!(auditor.get(&format!("/portal/audit/statements/{}", sealed.evidence_id)).await.status, 404);
    assert_eq!(auditor.get(&format!("/portal/receipts/{}", sealed.evidence_id)).await.status, 404);
    let kept = looks(&hub).await;
    assert!(kept.iter().all(|facts| facts["warrant"] == warrant.warrant_id.as_str()), "{kept:?}");
}

#[tokio::test]
async fn the_room_is_there_for_nobody_else_and_takes_no_form_of_another_site() {
    let hub = hub().await;
    documents(&hub, "X99.B02", 0..3).await;
    let mut own = auditor(&hub, &["X99.A01"]).await;
    let place = drawn(&hub, &mut own, ("2", "7")).await;
    let id = place.rsplit('/').next().unwrap().to_owned();
    let mut other = Browser::of(&hub, "khac", UserRole::Auditor, &["X99.A01"]).await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;
    let mut administrator = Browser::of(&hub, "quan.tri", UserRole::Administrator, &[]).await;
    let before = hub.count("SELECT count(*) FROM evidence").await;

    for (method, path, operation) in audit_routes() {
        let place = path.replace("{id}", &id);
        let is_of_warrants = matches!(operation, AuditOperation::Warrants | AuditOperation::ChangeWarrants);
        for (browser, is_admin) in [(&mut clerk, false), (&mut operator, false), (&mut administrator, true)] {
            if is_of_warrants && is_admin {
                continue;
            }
            browser.get("/portal/account").await;
            let fields = [("step", "export"), ("size", "1"), ("revoke", "x"), ("number", "1")];
            let status = match (method, operation) {
                ("GET", _) => browser.get(&format!("{place}?form=csv")).await.status,
                (_, AuditOperation::Verify) => {
                    let token = browser.page.form_token();
                    browser.hand_in(&place, &token, ("x", b"x")).await.status
                }
                _ => browser.send(&place, &fields).await.status,
            };
            assert_eq!(status, 404, "{method} {place}");
        }
        // Another auditor has another warrant.
        if path.contains("{id}") && !is_of_warrants {
            other.get("/portal/account").await;
            let status = match method {
                "GET" => other.get(&place).await.status,
                _ => other.send(&place, &[("step", "export")]).await.status,
            };
            assert_eq!(status, 404, "{method} {place}");
        }
        if is_of_warrants {
            own.get("/portal/account").await;
            let status = match method {
                "GET" => own.get(&place).await.status,
                _ => own.send(&place, &[("revoke", "x")]).await.status,
            };
            assert_eq!(status, 404, "no auditor issues warrants");
        }
        if method == "POST" {
            let browser = if is_of_warrants { &mut administrator } else { &mut own };
            let refused = match operation == AuditOperation::Verify {
                true => browser.hand_in(&place, "another", ("x", b"x")).await.status,
                false => browser.send_bare(&place, &[("form_token", "another"), ("size", "1")]).await.status,
            };
            assert_eq!(refused, 403, "{place}");
        }
    }
    assert_eq!(hub.count("SELECT count(*) FROM evidence").await, before, "nothing was done");
}

#[tokio::test]
async fn a_sample_is_what_anybody_computes_from_seed_and_population() {
    let hub = hub().await;
    let mut of_scope = documents(&hub, "X99.B02", 0..9).await;
    hub.accepted("dms.province", a_document("f1").from("X99.B02").to(&["X99.C03"]).bytes()).await;
    let mut auditor = auditor(&hub, &["X99.A01"]).await;

    let expected = |seed: &str, ids: &[String], size: usize| {
        let mut all: Vec<_> =
            ids.iter().map(|id| (Digest::of(format!("{seed}\n{id}").as_bytes()), id.clone())).collect();
        all.sort();
        all.into_iter().take(size).map(|(_, id)| id).collect::<Vec<_>>()
    };
    let shown = |text: &str| {
        let links = text.split("<th scope=\"row\" class=\"code\"><a href=\"/portal/documents/").skip(1);
        links.map(|link| link.split('"').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let own = drawn(&hub, &mut auditor, ("4", "hạt giống")).await;
    assert_eq!(shown(&auditor.get(&own).await.text), expected("hạt giống", &of_scope, 4));
    assert!(auditor.page.words().contains("trong số 9 văn bản"), "{}", auditor.page.words());

    // Without one, the seed is the digest of a head that was signed after the request.
    let of_ledger = drawn(&hub, &mut auditor, ("20", "")).await;
    let text = auditor.get(&of_ledger).await.text.clone();
    let note = text.split("<pre tabindex=\"0\">").nth(1).unwrap().split("</pre>").next().unwrap();
    let note = note.replace("&#43;", "+").replace("&amp;", "&").replace("&#38;", "&");
    let seed = Digest::of(note.as_bytes()).hex();
    assert!(text.contains(&seed), "{note}");
    assert_eq!(shown(&text), expected(&seed, &of_scope, 20));
    let asked = "SELECT max(ledger_index) FROM ledger_entries JOIN evidence \
                 ON evidence.evidence_id = ledger_entries.evidence_id WHERE facts LIKE '%sample-asked%'";
    assert!(note.lines().nth(1).unwrap().parse::<i64>().unwrap() > hub.count(asked).await, "{note}");

    // What comes later changes no sample that is drawn.
    of_scope.extend(documents(&hub, "X99.B02", 20..22).await);
    assert_eq!(shown(&auditor.get(&own).await.text).len(), 4);
    auditor.send(&own, &[("number", "1"), ("note", "<b>Đúng hạn</b>")]).await;
    let page = auditor.get(&own).await;
    assert!(page.text.contains("&#60;b&#62;Đúng hạn") && !page.text.contains("<b>Đúng"), "{}", page.text);
    for (size, seed) in [("0", ""), ("1001", ""), ("x", ""), ("1", &"x".repeat(101))] {
        auditor.get("/portal/audit").await;
        assert_eq!(auditor.send("/portal/audit/samples", &[("size", size), ("seed", seed)]).await.status, 400);
    }
}

#[tokio::test]
async fn a_sample_is_exported_as_an_archive_of_those_documents_alone() {
    let hub = hub().await;
    let shared = a_document("d0").to(&["X99.B02", "X99.C03"]).bytes();
    hub.accepted("dms.national", shared).await;
    documents(&hub, "X99.B02", 1..6).await;
    let mut auditor = auditor(&hub, &["X99.B02"]).await;
    let place = drawn(&hub, &mut auditor, ("6", "7")).await;
    auditor.get(&place).await;
    assert_eq!(auditor.send(&place, &[("step", "export")]).await.status, 303);
    assert!(auditor.get(&place).await.words().contains("Đang làm"));
    assert_eq!(auditor.get(&format!("{place}/archive")).await.status, 404, "it is not made yet");
    assert_eq!(archive::make_open(&hub.hub).await.unwrap(), 1);

    assert!(auditor.get(&place).await.words().contains("Đã xong"));
    let file = auditor.get(&format!("{place}/archive")).await.bytes.clone().unwrap();
    let certificates = attest::certificates(&hub.hub).await.unwrap();
    let report = verify::verify_stream(&mut file.as_slice(), &Trust { certificates, ..Trust::default() }).unwrap();
    assert!(report.holds(), "{:?}", report.steps);
    let text = String::from_utf8_lossy(&file);
    assert_eq!(hub.count("SELECT done FROM archives").await, 6);
    assert!(!text.contains("\"X99.C03\""), "another recipient is nobody's business");
    let acts: Vec<Value> = looks(&hub).await.into_iter().map(|facts| facts["act"].clone()).collect();
    assert!(acts.contains(&"sample-asked".into()) && acts.contains(&"sample-drawn".into()), "{acts:?}");
    let exported = hub.evidence().await.into_iter().filter(|row| row.event == "docaxis:ArchiveExported").count();
    assert_eq!(exported, 3, "asked for, made, handed out");
    let under = "SELECT count(*) FROM accesses JOIN warrants ON warrants.warrant_id = accesses.warrant_id \
                 WHERE agency_code = 'X99.B02' AND act IN ('archive', 'archive-content')";
    assert_eq!(hub.count(under).await, 2, "under which warrant it was asked for and handed out");
    let csv = auditor.get("/portal/audit/accesses/export?form=csv&act=archive-content").await.text.clone();
    assert_eq!(csv.matches("12/QĐ-TTr").count(), 1, "{csv}");
}

#[tokio::test]
async fn samples_are_exported_as_often_as_may_be_under_one_warrant() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.sample_exports_max = 2;
        config.archives.waiting_max = 1;
    })
    .await;
    documents(&hub, "X99.B02", 0..3).await;
    let mut auditor = auditor(&hub, &["X99.B02"]).await;
    let (one, two) = (drawn(&hub, &mut auditor, ("2", "7")).await, drawn(&hub, &mut auditor, ("2", "8")).await);
    auditor.get(&one).await;

    assert_eq!(auditor.send(&one, &[("step", "export")]).await.status, 303);
    auditor.get(&two).await;
    assert_eq!(auditor.send(&two, &[("step", "export")]).await.status, 429, "another one is being made");
    archive::make_open(&hub.hub).await.unwrap();
    auditor.get(&two).await;
    assert_eq!(auditor.send(&two, &[("step", "export")]).await.status, 303, "what was not taken on does not count");
    archive::make_open(&hub.hub).await.unwrap();
    for (place, words) in [
        (&one, "Đã xuất đủ 2 lần theo quyết định kiểm tra này"),
        (&two, "2 exports were made under this warrant, and no more may be"),
    ] {
        auditor.get(place).await;
        let page = auditor.send(place, &[("step", "export")]).await;
        assert_eq!(page.status, 403);
        assert!(page.words().contains(words), "{}", page.words());
        auditor.get("/portal/language/en?next=/portal").await;
    }
    assert_eq!(hub.count("SELECT count(*) FROM archives").await, 2);
}

#[tokio::test]
async fn pages_of_the_access_log_are_full_whatever_is_filtered() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.rows_max = 3;
    })
    .await;
    let first = documents(&hub, "X99.B02", 0..1).await;
    hub.after(TimeDelta::days(2));
    let later = documents(&hub, "X99.B02", 1..2).await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    // Of what the log has, every other row is about a document before the warrant's days.
    for _ in 0..4 {
        for id in [&first[0], &later[0]] {
            clerk.get(&format!("/portal/documents/{id}/slip")).await;
        }
        hub.after(TimeDelta::minutes(1));
    }
    let mut auditor = auditor(&hub, &[]).await;
    let mut draft = a_warrant("thanh.tra", vec!["X99.A01".to_owned(), "X99.B02".to_owned()]);
    draft.documents = ("2026-11-22".parse().unwrap(), "2026-11-24".parse().unwrap());
    warrants::issue(&hub.hub, &By::Operator, draft).await.unwrap();

    for (asked, rows) in [
        ("act=slip", &[3, 1][..]),
        ("act=slip&login=an.vp", &[3, 1]),
        ("act=slip&agency=X99.A01", &[3, 1]),
        ("act=slip&from=2026-11-23&until=2026-11-23", &[3, 1]),
        ("act=slip&until=2026-11-22", &[0]),
    ] {
        let (mut place, mut found) = (format!("/portal/audit/accesses?{asked}"), Vec::new());
        loop {
            let page = auditor.get(&place).await;
            found.push(page.text.matches("<td class=\"time\">").count());
            assert!(!page.text.contains(&first[0]), "it is nothing of the warrant");
            let Some(next) = page.text.split("rel=\"next\" href=\"").nth(1) else { break };
            place = next.split('"').next().unwrap().replace("&#38;", "&");
        }
        assert_eq!(found, rows, "{asked}");
    }
    let words = auditor.get("/portal/audit/accesses?act=capsule&until=2026-11-22").await.words();
    assert!(words.contains("Không có lượt truy cập nào. Hãy nới rộng hoặc bỏ bộ lọc: Việc, Đến ngày."), "{words}");
}

#[tokio::test]
async fn a_file_that_is_handed_in_is_verified_step_by_step_and_forgotten() {
    let hub = hub().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    seal(&hub.hub).await;
    let mut auditor = auditor(&hub, &["X99.A01"]).await;
    let signed = auditor.get(&format!("/portal/receipts/{}", receipt["envelope_id"].as_str().unwrap())).await;
    let signed = signed.bytes.clone().unwrap();
    let delivery = receipt["deliveries"][0]["delivery_id"].as_str().unwrap();
    let capsule = auditor.get(&format!("/portal/capsules/{delivery}")).await.bytes.clone().unwrap();
    auditor.get("/portal/audit").await;
    let token = auditor.page.form_token();

    for (name, file) in [("bien-nhan.xml", &signed), ("ho-so.json", &capsule)] {
        let page = auditor.hand_in("/portal/audit/verify", &token, (name, file)).await;
        assert_eq!(page.status, 200);
        let words = page.words();
        assert!(words.contains("ĐÚNG") && !words.contains("KHÔNG ĐÚNG") && words.contains(name), "{words}");
        assert!(words.contains(&Digest::of(file).hex()));
    }
    let mut altered = signed.clone();
    let at = altered.windows(7).position(|some| some == b"X99.A01").unwrap();
    altered[at + 6] = b'2';
    let page = auditor.hand_in("/portal/audit/verify", &token, ("<script>x</script>.xml", &altered)).await;
    assert!(page.words().contains("KHÔNG ĐÚNG") && !page.text.contains("<script>x"), "{}", page.words());
    for nothing in [&b""[..], b"x"] {
        let page = auditor.hand_in("/portal/audit/verify", &token, ("x", nothing)).await;
        assert!(page.status == 400 || page.words().contains("KHÔNG ĐÚNG"), "{}", page.words());
    }
    let verified: Vec<Value> = looks(&hub).await.into_iter().filter(|facts| facts["act"] == "verify").collect();
    assert_eq!(verified.iter().map(|facts| facts["holds"].clone()).collect::<Vec<_>>(), [true, true, false, false]);
    assert!(!hub.is_on_disk(b"<script>x</script>"), "nothing of it is kept");
}

#[tokio::test]
async fn the_access_log_tells_who_looked_at_what_of_the_agencies_of_a_warrant() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.rows_max = 2;
    })
    .await;
    let ids = documents(&hub, "X99.B02", 0..1).await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let mut stranger = Browser::of(&hub, "lan.vp", UserRole::Clerk, &["X99.C03"]).await;
    clerk.get(&format!("/portal/documents/{}/packet", ids[0])).await;
    clerk.get("/portal/log/export?form=csv&direction=out").await;
    stranger.get("/portal/log/export?form=csv").await;
    hub.program().done(&["receipt", "signed", &ids[0]]);
    let mut auditor = auditor(&hub, &["X99.A01"]).await;
    auditor.get("/portal/search?q=lan%40x.vn+0912345678").await;

    let (mut place, mut words) = ("/portal/audit/accesses".to_owned(), String::new());
    for _ in 0..9 {
        let page = auditor.get(&place).await;
        assert_eq!(page.status, 200);
        words += &page.words();
        let Some(next) = page.text.split("rel=\"next\" href=\"").nth(1) else { break };
        place = next.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    }
    for wanted in ["Mở nội dung", "Xuất nhật ký", "Người dùng an.vp", "Tra cứu", "Người vận hành máy chủ", "12/QĐ-TTr"]
    {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    for other in ["Người dùng lan.vp", "lan@x.vn", "0912345678"] {
        assert!(!words.contains(other), "{other}: {words}");
    }
    let words = auditor.get("/portal/audit/accesses?login=an.vp&act=open").await.words();
    assert!(words.contains("Mở nội dung") && !words.contains("Người vận hành"), "{words}");
    assert!(auditor.get("/portal/audit/accesses?login=nobody").await.words().contains("Không có lượt truy cập nào"));
    assert!(
        auditor.get("/portal/audit/accesses?until=2026-11-20").await.words().contains("Không có lượt truy cập nào")
    );
    let csv = auditor.get("/portal/audit/accesses/export?form=csv").await;
    assert!(csv.headers["content-disposition"].to_str().unwrap().contains("Nhat ky truy cap"));
    assert!(csv.text.contains("Người dùng an.vp") && !csv.text.contains("Người dùng lan.vp"), "{}", csv.text);
    assert_eq!(auditor.get("/portal/audit/accesses/export?form=pdf").await.status, 404);
    let workbook = auditor.get("/portal/audit/accesses/export?form=xlsx").await.bytes.clone().unwrap();
    assert!(workbook.starts_with(b"PK"));

    // A warrant for every agency tells of everybody, each access once.
    let mut of_all = Browser::of(&hub, "kiem.toan", UserRole::Auditor, &[]).await;
    warrants::issue(&hub.hub, &By::Operator, a_warrant("kiem.toan", Vec::new())).await.unwrap();
    let csv = of_all.get("/portal/audit/accesses/export?form=csv").await.text.clone();
    assert!(csv.contains("Người dùng lan.vp"), "{csv}");
    assert_eq!(csv.matches(";Tra cứu;").count(), 1, "{csv}");
}

#[tokio::test]
async fn statements_of_the_scope_are_listed_and_taken_out() {
    let hub = hub().await;
    documents(&hub, "X99.B02", 0..2).await;
    hub.accepted("dms.province", a_document("f1").from("X99.B02").to(&["X99.C03"]).bytes()).await;
    statements::close_the_day(&hub).await;
    seal(&hub.hub).await;
    let mut auditor = auditor(&hub, &["X99.A01"]).await;

    let page = auditor.get("/portal/audit/statements").await;
    assert!(page.words().contains("21/11/2026 X99.A01 X99.B02 2"), "{}", page.words());
    assert!(!page.words().contains("X99.C03"));
    let place =
        page.text.split("href=\"/portal/audit/statements/").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let file = auditor.get(&format!("/portal/audit/statements/{place}")).await.bytes.clone().unwrap();
    let certificates = attest::certificates(&hub.hub).await.unwrap();
    assert!(verify::verify(&file, &Trust { certificates, ..Trust::default() }).holds());
}
