//! What people take out of the portal: attachments, packets, receipts, tables; and what a log says by itself. Each only what
//! it may, nothing that a browser would run, each opening with evidence.

use crate::push::{bring, pushing_hub_with, state};
use crate::support::TestHub;
use crate::support::packets::{Packet, a_document, a_status};
use crate::support::portal::{Browser, make_findable};
use crate::support::robot::{Manner, Robot};
use chrono::TimeDelta;
use docaxis::domain::packet::Digest;
use docaxis::domain::user::UserRole;
use docaxis::store::evidence::EvidenceRow;
use std::io::{Cursor, Read, Write};

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

/// The evidence of openings.
async fn looks(hub: &TestHub) -> Vec<EvidenceRow> {
    let mut rows = hub.evidence().await;
    rows.retain(|row| row.event == "docaxis:ContentViewed");
    rows
}

async fn views(hub: &TestHub) -> usize {
    looks(hub).await.len()
}

/// The envelope and the first delivery of an accepted packet.
fn ids(receipt: &serde_json::Value) -> (String, String) {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    (text(&receipt["envelope_id"]), text(&receipt["deliveries"][0]["delivery_id"]))
}

/// A document whose attachment is called that.
fn with_file(id: &str, name: &str) -> Packet {
    a_document(id).with("tep.bin", name)
}

#[tokio::test]
async fn a_clerk_opens_an_attachment_as_a_file_and_that_is_evidence() {
    let hub = hub().await;
    let mut sender = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let packet = with_file("d1", "Quyết định 74.pdf").bytes();
    let (envelope, delivery) = ids(&hub.accepted("dms.national", packet.clone()).await);

    let file = sender.get(&format!("/portal/documents/{envelope}/attachments/1")).await;
    assert_eq!((file.status, file.bytes.as_deref()), (200, Some(&b"noi dung"[..])));
    let header = |name: &str| file.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/octet-stream");
    assert_eq!(
        header("content-disposition"),
        "attachment; filename=\"Quyet dinh 74.pdf\"; filename*=UTF-8''Quy%E1%BA%BFt%20%C4%91%E1%BB%8Bnh%2074.pdf"
    );
    assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox");
    assert_eq!((header("x-content-type-options"), header("cache-control")), ("nosniff", "no-store"));
    assert_eq!(header("content-length"), "8");

    let whole = sender.get(&format!("/portal/documents/{envelope}/packet")).await;
    assert_eq!(whole.bytes.as_deref(), Some(&packet[..]), "as it came");
    assert!(whole.headers["content-disposition"].to_str().unwrap().contains("1_VP-TN.edxml"));
    assert_eq!(views(&hub).await, 2);
    let words = sender.get(&format!("/portal/documents/{envelope}")).await.words();
    for wanted in ["đã mở nội dung", "Người dùng an.vp, tệp 1", "Người dùng an.vp, cả gói tin"] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    let facts: Vec<String> = looks(&hub).await.into_iter().map(|row| row.facts).collect();
    assert!(facts[0].contains(&Digest::of(b"noi dung").hex()) && facts[0].contains("by_user"), "{facts:?}");
    assert!(!facts[0].contains("74.pdf"), "no content in evidence: {facts:?}");
    // A look is no hand-over.
    assert_eq!(hub.waiting("dms.province").await, [delivery]);
    assert!(words.contains("0/1 nơi đã nhận, 1 nơi chưa lấy về."), "{words}");
}

#[tokio::test]
async fn a_recipients_people_open_what_its_software_has_fetched_and_nothing_else() {
    let hub = hub().await;
    let mut recipient = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let mut sender = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let (envelope, delivery) = ids(&hub.accepted("dms.national", a_document("d1").bytes()).await);
    let place = format!("/portal/documents/{envelope}/attachments/1");

    assert_eq!(recipient.get(&place).await.status, 403);
    assert!(recipient.page.text.contains("sau khi phần mềm của đơn vị đã lấy văn bản về"));
    assert!(recipient.get(&format!("/portal/documents/{envelope}")).await.words().contains("Mở được tại đây sau khi"));
    assert_eq!(views(&hub).await, 0);
    hub.fetch("dms.province", &delivery).await;
    assert_eq!(recipient.get(&place).await.bytes.as_deref(), Some(&b"noi dung"[..]));

    // Who looked is for the own side.
    assert!(recipient.get(&format!("/portal/documents/{envelope}")).await.words().contains("Người dùng lan, tệp 1"));
    assert!(!sender.get(&format!("/portal/documents/{envelope}")).await.words().contains("đã mở nội dung"));
    for system in ["dms.national", "dms.province"] {
        let told = hub.get(system, &format!("/api/v1/envelopes/{envelope}/timeline")).await;
        assert!(!told.text().contains("ContentViewed"), "{}", told.text());
    }
    let seen = looks(&hub).await.remove(0).evidence_id;
    assert_eq!(hub.get("dms.national", &format!("/api/v1/receipts/{seen}")).await.status, 404);
    assert_eq!(sender.get(&format!("/portal/receipts/{seen}")).await.status, 404);
    let capsule = hub.get("dms.national", &format!("/api/v1/deliveries/{delivery}/capsule")).await;
    assert!(capsule.status == 200 && !capsule.text().contains("ContentViewed"), "{}", capsule.text());

    // Given back, it is closed again; the sender's side keeps what it sent.
    hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "15", "2026/11/21 09:40:00")).await;
    assert_eq!(recipient.get(&place).await.status, 403);
    assert_eq!(sender.get(&place).await.status, 200);
    assert_eq!(views(&hub).await, 2);
}

#[tokio::test]
async fn what_software_did_not_take_although_it_was_brought_is_not_opened() {
    let (hub, dispatcher) = pushing_hub_with(|config| config.portal.second_factor = false).await;
    let robot = Robot::start(vec![Manner::status(503)]);
    bring(&hub, &robot).await;
    let mut recipient = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let place = format!("/portal/documents/{}/attachments/1", ids(&receipt).0);

    dispatcher.drain().await.unwrap();
    assert_eq!(hub.count("SELECT count(*) FROM deliveries WHERE fetched_at IS NOT NULL").await, 1, "it may have left");
    assert_eq!(state(&hub, &receipt).await, "pending");
    assert_eq!(recipient.get(&place).await.status, 403);
    assert_eq!(views(&hub).await, 0);

    hub.after(TimeDelta::minutes(1));
    dispatcher.drain().await.unwrap();
    assert_eq!(state(&hub, &receipt).await, "handed_over");
    assert_eq!(recipient.get(&place).await.bytes.as_deref(), Some(&b"noi dung"[..]));
}

#[tokio::test]
async fn nobody_takes_out_what_is_of_others_or_not_for_its_role() {
    let hub = hub().await;
    let mut stranger = Browser::of(&hub, "xa.mau", UserRole::Clerk, &["X99.C03"]).await;
    let mut of_nothing = Browser::of(&hub, "moi", UserRole::Clerk, &[]).await;
    let mut auditor = Browser::of(&hub, "thanh.tra", UserRole::Auditor, &["X99.A01"]).await;
    let (envelope, delivery) = ids(&hub.accepted("dms.national", a_document("d1").bytes()).await);
    let places = [
        format!("/portal/documents/{envelope}/attachments/1"),
        format!("/portal/documents/{envelope}/packet"),
        format!("/portal/documents/{envelope}/slip"),
        format!("/portal/receipts/{envelope}"),
        format!("/portal/capsules/{delivery}"),
        "/portal/log/export?form=xlsx&agency=X99.B02".to_owned(),
        "/portal/log/export?form=csv&agency=X99.A01&direction=out".to_owned(),
        "/portal/log/news?agency=X99.B02".to_owned(),
    ];

    for browser in [&mut stranger, &mut of_nothing] {
        for place in &places {
            assert_eq!(browser.get(place).await.status, 404, "{place}");
        }
    }
    for role in [UserRole::Operator, UserRole::Administrator] {
        let mut powerful = Browser::of(&hub, role.word(), role, &[]).await;
        for (place, expected) in places.iter().zip([403, 403, 200, 200, 200, 200, 200, 200]) {
            assert_eq!(powerful.get(place).await.status, expected, "{place}");
        }
    }
    assert_eq!(views(&hub).await, 0);
    assert_eq!(auditor.get(&places[0]).await.status, 200);
    for wrong in
        ["attachments/0", "attachments/2", "attachments/x", "attachments/-1", "attachments/99999999999999999999"]
    {
        assert_eq!(auditor.get(&format!("/portal/documents/{envelope}/{wrong}")).await.status, 404, "{wrong}");
    }
    // Of a delivery's id there is no content: one document has one.
    assert_eq!(auditor.get(&format!("/portal/documents/{delivery}/packet")).await.status, 404);
    assert_eq!(views(&hub).await, 1);
}

#[tokio::test]
async fn a_large_attachment_comes_whole_or_breaks_off() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let content: Vec<u8> =
        (0..3_000_000_u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()[..1].to_vec()).collect();
    let (envelope, _) = ids(&hub.accepted("dms.national", a_document("d1").attachment(content.clone()).bytes()).await);
    let place = format!("/portal/documents/{envelope}/attachments/1");

    let file = clerk.get(&place).await;
    assert_eq!(Digest::of(file.bytes.as_ref().unwrap()), Digest::of(&content));

    let kept = walk(&hub.directory).into_iter().find(|file| file.metadata().unwrap().len() > 3_000_000).unwrap();
    let mut bytes = std::fs::read(&kept).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    std::fs::write(&kept, bytes).unwrap();
    assert_eq!(clerk.get(&place).await.bytes, None, "an altered file never arrives whole");
}

/// The packets' files below a data directory.
fn walk(data: &std::path::Path) -> Vec<std::path::PathBuf> {
    let folders = std::fs::read_dir(data.join("payloads")).unwrap();
    folders
        .flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap())
        .map(|file| file.unwrap().path())
        .collect()
}

#[tokio::test]
async fn a_hostile_name_makes_no_hostile_file() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    for (number, (name, expected)) in [
        ("a&quot;; filename=x.exe", "a__ filename_x.exe"),
        ("&lt;img src=x onerror=alert(1)&gt;.html", "_img src_x onerror_alert(1)_.html"),
        ("C:&amp;|?*.svg", "C_____.svg"),
    ]
    .into_iter()
    .enumerate()
    {
        let (envelope, _) = ids(&hub.accepted("dms.national", with_file(&format!("d{number}"), name).bytes()).await);
        let page = clerk.get(&format!("/portal/documents/{envelope}")).await;
        assert!(!page.text.contains("<img"), "{}", page.text);

        let file = clerk.get(&format!("/portal/documents/{envelope}/attachments/1")).await;
        let said = file.headers["content-disposition"].to_str().unwrap();
        assert!(said.starts_with(&format!("attachment; filename=\"{expected}\"; ")), "{said}");
        assert_eq!(file.headers["content-type"], "application/octet-stream");
    }
    // What the SDK zipped for the way says so.
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("a.pdf", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(b"noi dung").unwrap();
    let zipped = zip.finish().unwrap().into_inner();
    let packet = with_file("z1", "a.pdf").attachment(zipped).with("application/octet-stream", "application/zip");
    let (envelope, _) = ids(&hub.accepted("dms.national", packet.bytes()).await);
    let file = clerk.get(&format!("/portal/documents/{envelope}/attachments/1")).await;
    assert!(file.headers["content-disposition"].to_str().unwrap().contains("a.pdf.zip"));
}

#[tokio::test]
async fn parties_take_their_receipts_and_capsules() {
    let hub = hub().await;
    let mut sender = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let mut recipient = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let receipt = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    let (envelope, own) = ids(&receipt);
    let other = receipt["deliveries"][1]["delivery_id"].as_str().unwrap();
    hub.fetch("dms.province", &own).await;
    make_findable(&hub).await;

    let signed = sender.get(&format!("/portal/receipts/{envelope}")).await;
    assert_eq!(signed.headers["content-type"], "application/xml");
    let by_api = hub.get("dms.national", &format!("/api/v1/receipts/{envelope}/signed")).await;
    assert_eq!(signed.text, by_api.text(), "the very same receipt");
    assert_eq!(recipient.get(&format!("/portal/receipts/{envelope}")).await.status, 404, "it names all recipients");
    let page = recipient.get(&format!("/portal/documents/{envelope}")).await.text.clone();
    assert!(!page.contains(&format!("/portal/receipts/{envelope}")));
    let links: Vec<&str> =
        page.split("href=\"/portal/receipts/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(!links.is_empty());
    for id in links {
        assert_eq!(
            recipient.get(&format!("/portal/receipts/{id}")).await.status,
            200,
            "every link that is shown leads somewhere"
        );
    }

    let capsule = recipient.get(&format!("/portal/capsules/{own}")).await;
    assert!(capsule.text.contains("docaxis-capsule/2") && !capsule.text.contains("X99.C03"), "{}", capsule.text);
    assert_eq!(recipient.get(&format!("/portal/capsules/{other}")).await.status, 404);
    assert_eq!(sender.get(&format!("/portal/capsules/{other}")).await.status, 200);
}

#[tokio::test]
async fn the_log_is_taken_out_as_it_is_filtered() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.export_rows_max = 3;
    })
    .await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    for number in 1..=5 {
        let packet = a_document(&format!("d{number}")).with("<CodeNumber>1<", &format!("<CodeNumber>{number}<"));
        let subject = if number == 5 { "=HYPERLINK(&quot;http://evil&quot;);x" } else { "Kế hoạch" };
        hub.accepted("dms.national", packet.subject(subject).bytes()).await;
        hub.after(TimeDelta::minutes(1));
    }

    let csv = clerk.get("/portal/log/export?form=csv&agency=X99.B02").await;
    assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
    assert!(csv.headers["content-disposition"].to_str().unwrap().contains("Van ban den 2026-11-21.csv"));
    let lines: Vec<&str> = csv.text.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert_eq!(lines.len(), 6, "titles, three rows, that it is cut, the end: {lines:?}");
    assert!(lines[4].starts_with("\"Bảng bị cắt ở giới hạn; hãy chọn ít ngày hơn.\";;"), "{}", lines[4]);
    assert!(lines[0].starts_with("Ngày đến;Ngày đến (ISO);Số ký hiệu;Trích yếu;"), "{}", lines[0]);
    assert!(lines[1].contains("5/VP-TN;\"'=HYPERLINK(\"\"http://evil\"\");x\";"), "{}", lines[1]);
    assert!(lines[3].starts_with("21/11/2026 09:02;2026-11-21T09:02:00"), "{}", lines[3]);

    let book = clerk.get("/portal/log/export?form=xlsx&direction=in&state=waiting").await.bytes.clone().unwrap();
    let mut sheet = String::new();
    let mut book = zip::ZipArchive::new(Cursor::new(book)).unwrap();
    book.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    assert_eq!(sheet.matches("<row>").count(), 5);
    assert!(sheet.contains("Bảng bị cắt ở giới hạn"), "{sheet}");
    assert!(
        sheet.contains(">=HYPERLINK(&quot;http://evil&quot;);x</t>") && sheet.contains("Chờ bên nhận lấy về"),
        "{sheet}"
    );
    let none = clerk.get("/portal/log/export?form=csv&state=failed").await.text.clone();
    assert_eq!(none.matches("\r\n").count(), 1, "titles alone");
    clerk.carry("docaxis-language", "en");
    assert!(clerk.get("/portal/log/export?form=csv-comma").await.text.contains("Arrived,Arrived (ISO),Number,"));
    assert_eq!(clerk.get("/portal/log/export?form=exe").await.status, 404);
}

#[tokio::test]
async fn a_log_is_filtered_by_kind_business_status_and_what_is_late() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02", "X99.C03"]).await;
    let number = |packet: Packet, number: u32| packet.with("<CodeNumber>1<", &format!("<CodeNumber>{number}<"));
    let typed = "</DocumentType>";
    let plan = a_document("d1").to(&["X99.B02"]);
    let plan = Packet { extra_header: format!("<DocumentType><TypeName>Kế hoạch</TypeName>{typed}"), ..plan };
    hub.accepted("dms.national", number(plan, 11).bytes()).await;
    hub.accepted("dms.national", number(a_document("d2").replacing(&["d1"]), 12).bytes()).await;
    hub.accepted("dms.national", number(a_document("d3").to(&["X99.C03"]), 13).bytes()).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d2"), "03", "2026/11/21 09:30:00")).await;
    let codes = |text: &str| ["11/VP-TN", "12/VP-TN", "13/VP-TN"].map(|code| text.contains(code));

    for (asked, expected) in [
        ("agency=all", [true, true, true]),
        ("agency=X99.B02", [true, true, false]),
        ("agency=all&type=K%E1%BA%BF+ho%E1%BA%A1ch", [true, false, false]),
        ("agency=all&business=replacement", [false, true, false]),
        ("agency=all&status=03", [false, true, false]),
        ("agency=all&status=none", [true, false, true]),
        ("agency=all&overdue=1", [false, false, false]),
        ("agency=all&status=03%27+OR+1%3D1", [false, false, false]),
    ] {
        let page = clerk.get(&format!("/portal/log?{asked}")).await;
        assert_eq!((page.status, codes(&page.text)), (200, expected), "{asked}");
    }
    assert!(clerk.get("/portal/log?agency=all").await.words().contains("Đơn vị nhận"));
    hub.after(TimeDelta::days(4));
    clerk.sign_in("lan", crate::support::portal::PASSWORD, "").await;
    // What was replaced before anybody fetched it reaches nobody, and is not late.
    assert_eq!(codes(&clerk.get("/portal/log?agency=all&overdue=1").await.text), [false, false, true]);
    assert!(!clerk.page.text.contains("data-ask"), "nothing new is overdue");
    let news = clerk.get("/portal/log/news?agency=all&overdue=1&since=0.x").await;
    assert!(news.text.contains("\"new\":0"), "{}", news.text);
    let out = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01", "X99.B02"]).await;
    let mut out = out;
    let page = out.get("/portal/log?direction=out&agency=all&business=replacement").await;
    assert_eq!(codes(&page.text), [false, true, false]);
}

#[tokio::test]
async fn a_log_says_what_is_new_and_that_keeps_no_session_alive() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let ask = |page: &str| page.split("data-ask=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    let empty = ask(&clerk.get("/portal/log").await.text);
    assert!(clerk.get(&empty).await.text.contains("\"new\":0"));

    hub.after(TimeDelta::minutes(1));
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    assert!(
        clerk.get(&empty).await.text.contains("{\"new\":1,\"text\":\"1 văn bản mới – hiện\"}"),
        "{}",
        clerk.page.text
    );
    let later = ask(&clerk.get("/portal/log").await.text);
    assert!(clerk.get(&later).await.text.contains("\"new\":0"));
    assert!(clerk.get("/portal/log?direction=out").await.text.contains("data-ask"));

    for _ in 0..4 {
        hub.after(TimeDelta::minutes(5));
        clerk.get(&later).await;
    }
    assert_eq!(clerk.page.status, 303, "fifteen minutes without a use end a session");
}

#[tokio::test]
async fn a_slip_says_where_a_document_is_verified() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let bad = "&lt;script&gt;alert(1)&lt;/script&gt;";
    let (envelope, _) = ids(&hub.accepted("dms.national", a_document("d1").subject(bad).bytes()).await);

    let page = clerk.get(&format!("/portal/documents/{envelope}/slip")).await;

    let words = page.words();
    for wanted in
        ["Phiếu chuyển văn bản điện tử", "1/VP-TN", "<script>alert(1)</script>", "Chờ bên nhận lấy về", &envelope]
    {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    assert!(words.contains(&format!("{}/verify", hub.url(""))), "{words}");
    assert!(page.text.contains("<svg") && !page.text.contains("<script>alert"));
}

#[tokio::test]
async fn a_person_keeps_views_of_its_own_under_names() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.views_max = 2;
    })
    .await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let mut other = Browser::of(&hub, "hoa", UserRole::Clerk, &["X99.B02"]).await;
    let keep = "/portal/log/views";

    clerk.get("/portal/log?direction=in&urgency=3&after=1.x").await;
    let asks = "direction=in&urgency=3&after=1.x&form_token=x";
    let kept = clerk.send(keep, &[("name", "Hỏa tốc \"<b>\""), ("asks", asks)]).await;
    assert_eq!((kept.status, kept.leads_to()), (303, "/portal/log?direction=in&urgency=3"));
    let page = clerk.get("/portal/log").await;
    assert!(
        page.text.contains("<a href=\"/portal/log?direction=in&#38;urgency=3\">Hỏa tốc &#34;&#60;b&#62;&#34;</a>"),
        "{}",
        page.text
    );
    assert!(other.get("/portal/log").await.words().contains("Bộ lọc đã lưu (0)"));

    for (name, status) in [("", 400), (&*"x".repeat(61), 400), ("hai", 303), ("ba", 400), ("hai", 303)] {
        clerk.get("/portal/log").await;
        assert_eq!(clerk.send(keep, &[("name", name), ("asks", "direction=out")]).await.status, status, "{name:?}");
    }
    assert_eq!(
        other.send_bare(keep, &[("name", "x"), ("asks", "direction=in")]).await.status,
        403,
        "another site's form"
    );
    other.get("/portal/log").await;
    other.send(keep, &[("forget", "hai"), ("asks", "")]).await;
    assert!(clerk.get("/portal/log").await.words().contains("Bộ lọc đã lưu (2)"), "nobody forgets for others");
    clerk.send(keep, &[("forget", "hai"), ("asks", "")]).await;
    assert!(clerk.get("/portal/log").await.words().contains("Bộ lọc đã lưu (1)"));
}
