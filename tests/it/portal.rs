//! What people see in the portal: the transfer log, what is found, one document; each only what it may.

use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use crate::support::portal::{Browser, escaped, make_findable};
use chrono::TimeDelta;
use docaxis::domain::user::UserRole;
use docaxis::exchange::following;

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

/// A document of that number and notation.
fn numbered(id: &str, number: &str, notation: &str) -> crate::support::packets::Packet {
    let code = |number: &str, notation: &str| {
        format!("<CodeNumber>{number}</CodeNumber><CodeNotation>{notation}</CodeNotation>")
    };
    let stands = a_document(id);
    let text = String::from_utf8(stands.bytes()).unwrap();
    let between = |tag: &str| text.split(&format!("<{tag}>")).nth(1).unwrap().split('<').next().unwrap().to_owned();
    let old = code(&between("CodeNumber"), &between("CodeNotation"));
    stands.with(&old, &code(number, notation))
}

#[tokio::test]
async fn a_clerk_sees_what_came_how_far_it_is_and_what_is_not_read() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    assert!(clerk.get("/portal/log").await.words().contains("Không có văn bản nào trong khoảng này."));

    let one =
        hub.accepted("dms.national", numbered("d1", "12", "QĐ-UBND").subject("V/v phòng, chống bão").bytes()).await;
    hub.after(TimeDelta::minutes(1));
    hub.accepted("dms.national", numbered("d2", "13", "QĐ-UBND").bytes()).await;
    let delivery = hub.waiting("dms.province").await[0].clone();
    hub.fetch("dms.province", &delivery).await;
    hub.confirm("dms.province", &delivery, "done").await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00")).await;

    let words = clerk.get("/portal/log").await.words();
    assert!(words.find("13/QĐ-UBND").unwrap() < words.find("12/QĐ-UBND").unwrap(), "the newest on top: {words}");
    for wanted in
        ["21/11/2026 09:00", "V/v phòng, chống bão", "Đã nhận", "03 Đã tiếp nhận", "Chờ bên nhận lấy về", "(chưa đọc)"]
    {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    assert!(words.contains("Tất cả Chờ nhận 1 Đã nhận 1 Không chuyển được 0 Đã rút lại 0"), "{words}");

    let id = one["envelope_id"].as_str().unwrap();
    clerk.get(&format!("/portal/documents/{id}")).await;
    let page = clerk.get("/portal/log?state=received").await;
    assert!(page.words().contains("12/QĐ-UBND") && !page.words().contains("13/QĐ-UBND"));
    assert!(!page.words().contains("(chưa đọc)"), "it was read");
    assert!(clerk.get("/portal/log?state=failed").await.words().contains("Không có văn bản nào"));
    assert!(clerk.get("/portal/log?until=2026-11-20").await.words().contains("Không có văn bản nào"));
    assert!(clerk.get("/portal/log?from=2026-11-21&until=2026-11-21").await.words().contains("13/QĐ-UBND"));
    assert!(clerk.get("/portal/log?urgency=3").await.words().contains("Không có văn bản nào"));
    for odd in
        ["from=hôm+qua&urgency=x&state=y&direction=z", "from=-9999-01-01", "after=x", "after=9.x", "agency=x99.b02"]
    {
        assert_eq!(clerk.get(&format!("/portal/log?{odd}")).await.status, 200, "{odd}");
    }
}

#[tokio::test]
async fn the_senders_clerk_reads_whether_they_have_it() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let packet = numbered("d1", "7816", "VPCP-TTĐT").to(&["X99.B02", "X99.C03"]);
    let receipt = hub.accepted("dms.national", packet.bytes()).await;
    let delivery = hub.waiting("dms.province").await[0].clone();
    hub.fetch("dms.province", &delivery).await;
    hub.confirm("dms.province", &delivery, "done").await;

    let words = clerk.get("/portal/log?direction=out").await.words();
    assert!(
        words.contains("7816/VPCP-TTĐT") && words.contains("1/2 đã nhận") && words.contains("và 1 nơi khác"),
        "{words}"
    );

    let place = format!("/portal/documents/{}", receipt["envelope_id"].as_str().unwrap());
    let words = clerk.get(&place).await.words();
    for wanted in [
        "1/2 nơi đã nhận, 1 nơi chưa lấy về.",
        "Cơ quan nhận (2)",
        "đã lấy gói tin",
        "xác nhận đã lưu gói tin",
        "chưa niêm phong",
    ] {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    // Overdue: who must act, in words.
    hub.after(TimeDelta::days(4));
    clerk.sign_in("an.vp", crate::support::portal::PASSWORD, "").await;
    let words = clerk.get(&place).await.words();
    assert!(words.contains("đã quá hạn 23/11/2026 17:00. Hãy gọi văn thư bên nhận."), "{words}");
    make_findable(&hub).await;
    assert!(clerk.get(&place).await.words().contains("sổ cái"));
    clerk.carry("docaxis-language", "en");
    assert!(clerk.get(&place).await.words().contains("1 of 2 recipients have it, 1 not yet."));
}

#[tokio::test]
async fn a_number_is_found_in_any_spelling_and_words_without_marks() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    hub.accepted(
        "dms.national",
        numbered("d1", "7816", "VPCP-TTĐT").subject("Kế hoạch phòng, chống lụt bão hoà bình").bytes(),
    )
    .await;
    hub.accepted("dms.national", numbered("d2", "78", "TB-VP").subject("Thông báo kết luận").bytes()).await;
    let none = clerk.get("/portal/search?q=7816").await.words();
    assert!(none.contains("Không tìm thấy"), "it is not sealed yet: {none}");
    make_findable(&hub).await;

    for text in [
        "7816/VPCP-TTĐT",
        "7816 vpcp ttdt",
        "7816vpcp",
        "7816",
        "ke hoach",
        "Kế hoạch",
        "lụt BÃO",
        "hòa bình",
        "khoach",
        "d1",
    ] {
        let words = clerk.get(&format!("/portal/search?q={}", escaped(text))).await.words();
        let is_found = words.contains("7816/VPCP-TTĐT") && words.contains("0/1 đã nhận");
        assert_eq!(is_found, text != "khoach", "{text}: {words}");
    }
    let words = clerk.get("/portal/search?q=78").await.words();
    assert!(words.contains("7816/VPCP-TTĐT") && words.contains("78/TB-VP"), "both begin so: {words}");
    for nothing in ["", "%20", "%22%29+OR+%28", "*", "a%00b", "NEAR%28", &"%ED%9E%A3".repeat(300)] {
        assert_eq!(
            clerk.get(&format!("/portal/search?q={nothing}")).await.status,
            if nothing.contains("%00") { 400 } else { 200 }
        );
    }
    // Made anew from the ledger, the index finds the same.
    following::SEARCH.begin_anew(&hub.hub, &docaxis::exchange::act::By::Operator).await.unwrap();
    assert!(clerk.get("/portal/search?q=7816").await.words().contains("Không tìm thấy"));
    make_findable(&hub).await;
    assert!(clerk.get("/portal/search?q=7816").await.words().contains("7816/VPCP-TTĐT"));
}

#[tokio::test]
async fn nobody_sees_or_finds_what_is_of_other_agencies() {
    let hub = hub().await;
    let mut of_commune = Browser::of(&hub, "xa.mau", UserRole::Clerk, &["X99.C03"]).await;
    let mut auditor = Browser::of(&hub, "thanh.tra", UserRole::Auditor, &["X99.C03"]).await;
    let mut of_nothing = Browser::of(&hub, "moi", UserRole::Clerk, &[]).await;
    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;
    let mut of_both = Browser::of(&hub, "tinh", UserRole::Clerk, &["X99.B02"]).await;
    let secret = hub.accepted("dms.national", numbered("d1", "55", "QĐ-VP").subject("chuyện riêng").bytes()).await;
    let shared = numbered("d2", "56", "QĐ-VP").to(&["X99.B02", "X99.C03"]).subject("chuyện chung");
    let shared = hub.accepted("dms.national", shared.bytes()).await;
    make_findable(&hub).await;
    let place = |receipt: &serde_json::Value| format!("/portal/documents/{}", receipt["envelope_id"].as_str().unwrap());

    for browser in [&mut of_commune, &mut auditor, &mut of_nothing] {
        assert_eq!(browser.get(&place(&secret)).await.status, 404);
        assert!(!browser.page.text.contains("riêng"));
        for log in [
            "/portal/log?agency=X99.B02",
            "/portal/log?agency=X99.A01&direction=out",
            "/portal/log?agency=X99.A01&direction=all",
            "/portal/log?agency=x99.b02",
        ] {
            assert_eq!(browser.get(log).await.status, 404, "{log}");
        }
        for text in ["55", "rieng", "ax99b02", "dd1"] {
            assert!(!browser.get(&format!("/portal/search?q={text}")).await.words().contains("55/QĐ-VP"), "{text}");
        }
    }
    let words = of_commune.get(&place(&shared)).await.words();
    assert!(words.contains("Cơ quan nhận (1)") && !words.contains("X99.B02"), "a recipient sees its own: {words}");
    for party in ["ax99b02", "ax99", "X99.B02"] {
        let words = of_commune.get(&format!("/portal/search?q={party}")).await.words();
        assert!(!words.contains("56/QĐ-VP"), "who else was sent it cannot be asked: {party}: {words}");
    }
    let words = of_commune.get("/portal/search?q=chung").await.words();
    assert!(words.contains("0/1 đã nhận") && !words.contains("nơi khác"), "nor how many others there are: {words}");
    assert!(of_both.get(&place(&shared)).await.words().contains("Cơ quan nhận (1)"));
    assert!(operator.get(&place(&shared)).await.words().contains("Cơ quan nhận (2)"));
    assert!(operator.get("/portal/log").await.words().contains("Nhập mã đơn vị"));
    assert!(operator.get("/portal/log?agency=x99.b02").await.words().contains("55/QĐ-VP"));
    assert!(operator.get("/portal/search?q=rieng").await.words().contains("55/QĐ-VP"));
}

#[tokio::test]
async fn what_looks_like_markup_is_shown_as_it_is() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let bad = "&lt;script&gt;alert(1)&lt;/script&gt;&quot; onmouseover=&quot;x";
    let receipt = hub.accepted("dms.national", numbered("d1", "1", "&lt;b&gt;").subject(bad).bytes()).await;
    make_findable(&hub).await;

    let document = format!("/portal/documents/{}", receipt["envelope_id"].as_str().unwrap());
    let search = format!("/portal/search?q={}", escaped("\"><script>alert(2)</script>"));
    for place in [
        "/portal/log?direction=out",
        &document,
        "/portal/search?q=alert",
        &search,
        "/portal/log?agency=X99.A01&state=%22%3E%3Cscript%3E",
    ] {
        let page = clerk.get(place).await;
        assert_eq!(page.status, 200, "{place}");
        assert!(!page.text.contains("<script>") && !page.text.contains("\" onmouseover"), "{place}: {}", page.text);
    }
    assert!(clerk.get(&document).await.words().contains("<script>alert(1)</script>\" onmouseover=\"x"));
}

#[tokio::test]
async fn a_long_log_goes_on_from_page_to_page_without_a_gap() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.rows_max = 3;
        config.portal.index_batch_max = 4;
    })
    .await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02", "X99.A01"]).await;
    for number in 1..=8 {
        hub.accepted("dms.national", numbered(&format!("d{number}"), &number.to_string(), "KH-TRANG").bytes()).await;
    }
    make_findable(&hub).await;

    for first in ["/portal/log?agency=X99.B02", "/portal/log?agency=X99.A01&direction=out", "/portal/search?q=trang"] {
        let (mut place, mut seen) = (first.to_owned(), Vec::new());
        loop {
            let page = clerk.get(&place).await;
            let codes =
                page.text.split("/KH-TRANG</a>").filter_map(|part| part.rsplit('>').next()?.parse::<u32>().ok());
            seen.extend(codes);
            let Some(next) = page.text.split("rel=\"next\" href=\"").nth(1) else { break };
            place = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        }
        assert_eq!(seen, [8, 7, 6, 5, 4, 3, 2, 1], "{first}");
    }
    // Of both ways nothing is missing or there twice, although all of it is of one moment.
    for (first, ways) in [("/portal/log?agency=X99.B02&direction=all", 1), ("/portal/log?agency=all&direction=all", 2)]
    {
        let (mut place, mut seen) = (first.to_owned(), Vec::new());
        loop {
            let page = clerk.get(&place).await;
            let rows = page.text.split("<tr").skip(2).map(|row| {
                let code = row.split("/KH-TRANG</a>").next().unwrap().rsplit('>').next().unwrap();
                (code.parse::<u32>().unwrap(), row.contains("<td>Đi</td>"))
            });
            seen.extend(rows);
            let Some(next) = page.text.split("rel=\"next\" href=\"").nth(1) else { break };
            place = next.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
        }
        assert_eq!(seen.len(), 8 * ways, "{first}: {seen:?}");
        let all: std::collections::BTreeSet<_> = seen.into_iter().collect();
        assert_eq!(all.len(), 8 * ways, "{first}");
    }
}

#[tokio::test]
async fn what_came_and_what_was_sent_stand_in_one_log_by_time() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let empty = clerk.get("/portal/log?direction=all").await.text.clone();
    assert!(empty.contains("<h1>Văn bản đến và đi") && empty.contains("Không có văn bản nào"), "{empty}");
    let news = empty.split("data-ask=\"").nth(1).unwrap().split('"').next().unwrap().replace("&#38;", "&");
    hub.accepted("dms.national", numbered("d1", "12", "QĐ-UBND").bytes()).await;
    hub.after(TimeDelta::minutes(1));
    hub.accepted("dms.province", numbered("p1", "34", "TTr-SNV").from("X99.B02").to(&["X99.A01"]).bytes()).await;
    hub.after(TimeDelta::minutes(1));
    hub.accepted("dms.national", numbered("d2", "13", "QĐ-UBND").bytes()).await;
    hub.accepted("dms.national", numbered("d3", "14", "QĐ-UBND").to(&["X99.C03"]).bytes()).await;
    assert!(clerk.get(&news).await.text.contains("\"new\":3"), "{}", clerk.page.text);

    let words = clerk.get("/portal/log?direction=all&agency=X99.B02").await.words();
    let [newest, sent, oldest] = ["13/QĐ-UBND", "34/TTr-SNV", "12/QĐ-UBND"].map(|code| words.find(code).unwrap());
    assert!(newest < sent && sent < oldest, "{words}");
    assert!(words.contains("0/1 đã nhận") && words.contains("Chờ bên nhận lấy về"), "{words}");
    assert!(!words.contains("14/QĐ-UBND"), "what went past the agency is not of its log: {words}");
    assert!(!words.contains("Trạng thái xử lý"), "filters of what came alone are not there");
    // What those filters say in an address says nothing here, and does not narrow what was sent either.
    for direction in ["all", "out"] {
        let words = clerk.get(&format!("/portal/log?direction={direction}&overdue=1&status=03")).await.words();
        assert!(words.contains("34/TTr-SNV"), "{direction}: {words}");
    }
    // The other filters go along from one way to the other.
    let page = clerk.get("/portal/log?direction=all&urgency=3&after=1.x").await;
    assert!(page.text.contains("/portal/log?urgency=3&#38;direction=out"), "{}", page.text);

    let table = clerk.get("/portal/log/export?form=csv&direction=all").await.text.clone();
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("Chiều") && lines.len() == 4, "{table}");
    assert!(lines[1].contains("Đến") && lines[1].contains("13/QĐ-UBND"), "{table}");
    assert!(lines[2].contains("Đi") && lines[2].contains("34/TTr-SNV") && lines[2].contains("0/1 đã nhận"), "{table}");
}

#[tokio::test]
async fn files_of_pages_are_kept_by_browsers_as_long_as_they_are_the_same() {
    let hub = hub().await;
    let mut browser = Browser::new(&hub);
    let page = browser.get("/portal/sign-in").await.text.clone();
    let style =
        page.split("href=\"").find(|part| part.contains("portal.css")).unwrap().split('"').next().unwrap().to_owned();

    let file = browser.get(&style).await;
    assert_eq!((file.status, file.headers["content-type"].to_str().unwrap()), (200, "text/css; charset=utf-8"));
    assert!(file.headers["cache-control"].to_str().unwrap().contains("immutable"));
    let old = style.replace("/assets/", "/assets/0");
    assert_eq!(browser.get(&old).await.headers["cache-control"], "no-store");
    assert_eq!(browser.get("/portal/assets/x/../../secret").await.status, 404);
    let whole: usize = {
        let mut bytes = page.len();
        for part in page.split("=\"").filter(|part| part.starts_with("/portal/assets/")) {
            bytes += browser.get(part.split('"').next().unwrap()).await.text.len();
        }
        bytes
    };
    assert!(whole < 200_000, "the first page is {whole} bytes");
}

#[tokio::test]
async fn the_portal_speaks_both_languages() {
    let hub = hub().await;
    let mut browser = Browser::new(&hub);
    assert!(browser.get("/portal/sign-in").await.text.contains("<html lang=\"vi\">"));
    browser.get("/portal/language/en?next=%2Fportal%2Fsign-in").await;
    assert_eq!(browser.page.leads_to(), "/portal/sign-in");
    assert!(browser.get("/portal/sign-in").await.text.contains("<html lang=\"en\">"));
    assert!(browser.page.words().contains("Sign in"));
    assert_eq!(browser.get("/portal").await.leads_to(), "/portal/log");
    assert_eq!(browser.get("/portal/nothing").await.status, 404);
    assert!(browser.page.text.contains("<h1>Không có địa chỉ này"), "{}", browser.page.text);
}
