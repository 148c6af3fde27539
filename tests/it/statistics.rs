//! Statistics: numbers follow the ledger and are those of the register, however rounds are cut; whoever may see them sees them;
//! a frozen month stays as it was.

use crate::desk::{operator, with_failures};
use crate::ledger::seal;
use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use crate::support::portal::{Browser, PASSWORD, a_warrant};
use chrono::TimeDelta;
use docaxis::domain::agency::AgencyState;
use docaxis::domain::directory::Codes;
use docaxis::domain::measure::{MEASURES, Sums, Value};
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::agency_file::Format;
use docaxis::exchange::controls::{self, FailedSelection, Planned};
use docaxis::exchange::following::STATISTICS;
use docaxis::exchange::import::{self, Mode};
use docaxis::exchange::statistics::{self, Period};
use docaxis::exchange::{directory, fold, freeze, selftest, warrants};
use docaxis::hub::Hub;
use docaxis::jobs::{self, JOBS};
use docaxis::store::{Connection, StoreError, followers, statistics as numbers};
use futures_util::future::join;
use std::io::{Cursor, Read};
use std::sync::mpsc::channel;
use tokio::task::spawn_blocking;

async fn hub() -> TestHub {
    hub_with(1000).await
}

async fn hub_with(batch: usize) -> TestHub {
    TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.statistics.batch_max = batch;
    })
    .await
}

/// Counts everything that happened.
pub async fn count(hub: &TestHub) {
    seal(&hub.hub).await;
    while (STATISTICS.round)(&hub.hub).await.unwrap() > 0 {}
}

/// Documents that end in every way, a third one to two agencies, and two statuses.
pub async fn exchange(hub: &TestHub) {
    let both = a_document("both").to(&["X99.B02", "X99.C03"]);
    hub.accepted("dms.national", both.bytes()).await;
    hub.accepted("dms.national", a_document("recalled").bytes()).await;
    hub.accepted("dms.national", a_document("recall").recalling("recalled").bytes()).await;
    let mut urgent = a_document("urgent");
    urgent.extra_header = "<OtherInfo><Priority>3</Priority></OtherInfo>".to_owned();
    hub.accepted("dms.national", urgent.bytes()).await;
    hub.after(TimeDelta::minutes(2));
    for delivery in hub.waiting("dms.province").await {
        hub.fetch("dms.province", &delivery).await;
        hub.confirm("dms.province", &delivery, "done").await;
    }
    let status = |id, code| a_status("X99.B02", ("X99.A01", id), code, "2026/11/21 09:30:00");
    hub.accepted("dms.province", status("both", "01")).await;
    hub.accepted("dms.province", status("both", "03")).await;
    hub.accepted("dms.province", status("urgent", "02")).await;
    assert_eq!(hub.post("dms.national", "<no packet>").await.status, 422);
}

async fn sums(hub: &TestHub) -> Sums {
    statistics::of_hub(&hub.hub, Period::Last(1)).await.unwrap()
}

fn value(sums: &Sums, code: &str) -> Value {
    MEASURES.iter().find(|measure| measure.code == code).unwrap().value(sums)
}

fn part(numerator: i64, denominator: i64) -> Value {
    Value { numerator, denominator: Some(denominator) }
}

#[tokio::test]
async fn numbers_are_those_of_the_register_and_the_same_however_rounds_are_cut() {
    let hub = hub_with(3).await;
    exchange(&hub).await;
    count(&hub).await;
    let counted = sums(&hub).await;

    let documents = hub.count("SELECT count(*) FROM envelopes WHERE packet_kind NOT LIKE 'status-%'").await;
    let deliveries = hub.count("SELECT count(*) FROM deliveries WHERE packet_kind NOT LIKE 'status-%'").await;
    let delivered = "SELECT count(*) FROM deliveries WHERE packet_kind NOT LIKE 'status-%' AND state = 'handed_over'";
    assert_eq!(
        (value(&counted, "packets").numerator, value(&counted, "deliveries").numerator),
        (documents, deliveries)
    );
    assert_eq!(value(&counted, "delivered"), part(hub.count(delivered).await, 5));
    assert_eq!(value(&counted, "withdrawn"), part(2, 5), "the recalled one, and the recall of what nobody has");
    assert_eq!(value(&counted, "waiting"), part(1, 5));
    assert_eq!((value(&counted, "replied"), value(&counted, "refused")), (part(2, 5), part(1, 5)));
    assert_eq!(value(&counted, "timely"), part(2, 3));
    assert_eq!(value(&counted, "statuses").numerator, 4, "one is the hub's own answer to the recall");
    assert_eq!(counted.of("", "rejected"), 1);
    assert_eq!((counted.of("urgency:express", "deliveries"), counted.of("kind:recall", "packets")), (1, 1));
    assert_eq!((counted.quantile("delay", 50), counted.quantile("receive", 95)), (Some(180), Some(180)));

    STATISTICS.begin_anew(&hub.hub, &By::Operator).await.unwrap();
    assert_eq!(sums(&hub).await, Sums::default());
    let other = hub.another_node();
    loop {
        // Two nodes at once: each entry is counted once all the same.
        let rounds = tokio::join!((STATISTICS.round)(&hub.hub), (STATISTICS.round)(&other));
        if rounds.0.unwrap() + rounds.1.unwrap() == 0 {
            break;
        }
    }
    assert_eq!(sums(&hub).await, counted);
}

#[tokio::test]
async fn documents_with_signatures_and_without_paper_are_counted_once_each() {
    let hub = hub().await;
    let signed_pdf = b"%PDF-1.7\n1 0 obj <</Type/Sig/ByteRange[0 10 20 30]>> endobj".to_vec();
    let documents = [
        a_document("signed").to(&["X99.B02", "X99.C03"]).attachment(signed_pdf.clone()).business("<Paper>0</Paper>"),
        a_document("unsigned").attachment(b"%PDF-1.7\nno signature".to_vec()).business("<Paper>1</Paper>"),
        a_document("silent").attachment(b"text".to_vec()),
        a_document("in a zip").attachment(zipped(&signed_pdf)).with("tep.bin", "tep.zip"),
    ];
    let mut clerk = Browser::of(&hub, "mai", UserRole::Clerk, &["X99.A01"]).await;
    let mut said = Vec::new();
    for document in documents {
        let receipt = hub.accepted("dms.national", document.bytes()).await;
        let page = clerk.get(&format!("/portal/documents/{}", receipt["envelope_id"].as_str().unwrap())).await.words();
        let facts =
            ["Trục không kiểm tra hiệu lực", "Không thấy trong tệp", "Không gửi bản giấy", "Có gửi kèm bản giấy"];
        said.push(facts.map(|fact| page.contains(fact)));
    }
    let [signed, unsigned, silent] = [[true, false], [false, true], [false, false]];
    let expected = [(signed, signed), (unsigned, unsigned), (unsigned, silent), (signed, silent)];
    assert_eq!(said, expected.map(|(signature, paper)| [signature[0], signature[1], paper[0], paper[1]]));
    let status = a_status("X99.B02", ("X99.A01", "signed"), "01", "2026/11/21 09:30:00");
    hub.accepted("dms.province", status).await;
    count(&hub).await;

    let counted = sums(&hub).await;
    assert_eq!((value(&counted, "signed"), value(&counted, "paperless")), (part(2, 4), part(1, 2)));
    let of_sender = "SELECT CAST(sum(number) AS BIGINT) FROM statistic_counts WHERE scope = 'sender' \
                     AND agency_code = 'X99.A01' AND what IN ('signed', 'paperless') AND length(day) = 10";
    assert_eq!(hub.count(of_sender).await, 3, "two that are signed, one without paper");
    // Nothing is known of what was accepted before it was noted.
    hub.run("UPDATE envelopes SET paper_follows = NULL, bears_signature = NULL").await;
    STATISTICS.begin_anew(&hub.hub, &By::Operator).await.unwrap();
    count(&hub).await;
    let unknown = sums(&hub).await;
    assert_eq!((value(&unknown, "signed").permille(), value(&unknown, "paperless").permille()), (None, None));
}

fn zipped(content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("cong-van.pdf", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut zip, content).unwrap();
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn what_failed_and_arrives_when_started_anew_has_not_failed() {
    let (hub, dispatcher, _robot) = with_failures(2).await;
    count(&hub).await;
    let before = sums(&hub).await;
    assert_eq!((value(&before, "failed"), before.of("cause:refused", "failed")), (part(2, 2), 2));

    let selection = FailedSelection {
        agency: "X99.B02".to_owned(),
        from: None,
        until: None,
        delivery_id: None,
        after: None,
        limit: 1,
    };
    hub.after(TimeDelta::days(1));
    let mut planned = Planned { per_minute: 60, before: 0 };
    controls::start_anew(&hub.hub, &By::Operator, &selection, &mut planned).await.unwrap();
    count(&hub).await;
    let waits = statistics::of_hub(&hub.hub, Period::Last(7)).await.unwrap();
    assert_eq!((value(&waits, "failed"), value(&waits, "waiting")), (part(1, 2), part(1, 2)));
    dispatcher.drain().await.unwrap();
    count(&hub).await;

    let after = statistics::of_hub(&hub.hub, Period::Last(7)).await.unwrap();
    assert_eq!((value(&after, "failed"), value(&after, "delivered")), (part(1, 2), part(1, 2)));
    assert_eq!(value(&after, "retried"), part(0, 1));
    assert_eq!(sums(&hub).await, Sums::default(), "it belongs to the day on which it was accepted");
}

#[tokio::test]
async fn a_clerk_sees_the_numbers_of_its_agencies_and_an_auditor_all() {
    let hub = hub().await;
    exchange(&hub).await;
    count(&hub).await;
    let mut commune = Browser::of(&hub, "xa.mau", UserRole::Clerk, &["X99.C03"]).await;
    let mut auditor = Browser::of(&hub, "kiem.tra", UserRole::Auditor, &[]).await;
    warrants::issue(&hub.hub, &By::Operator, a_warrant("kiem.tra", Vec::new())).await.unwrap();
    let mut of_one = Browser::of(&hub, "mot.don.vi", UserRole::Auditor, &["X99.C03"]).await;

    let words = commune.get("/portal/statistics?period=1").await.words();
    assert!(words.contains("Văn bản nhận về") && words.contains("Số liệu đến 09:02 21/11/2026."), "{words}");
    assert!(words.contains("21/11/2026 1 0 0") && !words.contains("21/11/2026 4"), "one delivery to it: {words}");
    assert!(!words.contains("Theo đơn vị") && !words.contains("X99.B02"), "{words}");
    for code in ["X99.A01", "X99.B02", "x99.a01", "X99.NOBODY"] {
        for place in ["/portal/statistics?", "/portal/statistics/export?form=csv&"] {
            let status = commune.get(&format!("{place}agency={code}")).await.status;
            assert_eq!(status, 404, "{place}{code}");
        }
    }
    assert_eq!(commune.get("/portal/statistics?agency=X99.C03").await.status, 200);
    for (place, status) in
        [("?agency=X99.C03", 200), ("?agency=X99.B02", 404), ("/export?form=csv&agency=X99.A01", 404)]
    {
        assert_eq!(of_one.get(&format!("/portal/statistics{place}")).await.status, status, "{place}");
    }
    assert!(!of_one.get("/portal/statistics").await.words().contains("Toàn Trục"), "a warrant for one agency");

    let words = auditor.get("/portal/statistics?period=1").await.words();
    assert!(words.contains("Toàn Trục") && words.contains("21/11/2026 4 5 2 0"), "{words}");
    assert!(words.contains("lượt gửi có ít nhất một trạng thái 01–06 ÷ lượt gửi"), "{words}");
    assert!(words.contains("40,0 %") && words.contains("≤ 3 phút"), "{words}");
    let of_b02 = words.split("(X99.B02) 0 0 4 ").nth(1).unwrap_or_default();
    assert!(of_b02.starts_with("50,0 % 50,0 % 100,0 % 4"), "of four, two were withdrawn: {words}");
    let words = auditor.get("/portal/statistics?agency=x99.b02&period=2026-11").await.words();
    assert!(words.contains("Số liệu tháng này chưa chốt; sớm nhất 06/12/2026."), "{words}");
    assert!(words.contains("Từ chối (02)") && words.contains("(X99.A01)"), "{words}");
    for wrong in ["2", "2026-13", "nay", "2026-1"] {
        assert_eq!(auditor.get(&format!("/portal/statistics?period={wrong}")).await.status, 404, "{wrong}");
    }
}

#[tokio::test]
async fn the_table_for_spreadsheets_says_what_the_page_says() {
    let hub = hub().await;
    exchange(&hub).await;
    count(&hub).await;
    let mut browser = operator(&hub, "van.hanh").await;

    let csv = browser.get("/portal/statistics/export?form=csv&period=1").await.text.clone();
    assert!(csv.contains("Số liệu đến 09:02 21/11/2026.") && csv.contains("Toàn Trục: Tổng quan"), "{csv}");
    assert!(csv.contains("Tỷ lệ phản hồi trạng thái;2;5;40,0 %;"), "{csv}");
    let bytes = browser.get("/portal/statistics/export?form=xlsx&period=1").await.bytes.clone().unwrap();
    let mut sheet = String::new();
    let mut workbook = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    workbook.by_name("xl/worksheets/sheet1.xml").unwrap().read_to_string(&mut sheet).unwrap();
    assert!(sheet.contains(">Tỷ lệ phản hồi trạng thái</t></is></c><c><v>2</v></c><c><v>5</v></c>"), "{sheet}");
    assert_eq!(browser.get("/portal/statistics/export?form=doc").await.status, 404);
}

#[tokio::test]
async fn whoever_is_silent_for_long_is_named_and_who_was_merged_is_counted_with_its_successor() {
    let hub = hub().await;
    exchange(&hub).await;
    let file = "code,name,state,successor\nX99.C03,Xã Cũ,closed,X99.B02\n".as_bytes().to_vec();
    hub.after(TimeDelta::days(4));
    import::import(&hub.hub, &By::Operator, (file, Format::Csv), (Mode::Apply, Codes::Rest), import::silent())
        .await
        .unwrap();
    count(&hub).await;
    let mut browser = operator(&hub, "van.hanh").await;

    let words = browser.get("/portal/statistics?period=2026-11").await.words();

    // It fetched on a Saturday; Monday was worked, Tuesday was a holiday, and Wednesday has begun.
    let silent = words.split("Đơn vị im lặng").nth(1).unwrap();
    assert!(words.contains("đã sáp nhập vào X99.B02"), "{words}");
    assert!(!silent.contains("X99.C03"), "who is closed is not silent: {silent}");
    assert!(silent.contains("Không có gì trong thời gian này."), "{silent}");
    hub.after(TimeDelta::days(2));
    browser.sign_in("van.hanh", PASSWORD, "").await;
    let words = browser.get("/portal/statistics?period=2026-11").await.words();
    let silent = words.split("Đơn vị im lặng").nth(1).unwrap();
    assert!(silent.contains("(X99.B02) Không lấy gói tin 21/11/2026 09:02"), "{silent}");
    assert!(silent.contains("(X99.B02) Không báo trạng thái"), "{silent}");
}

#[tokio::test]
async fn the_self_test_is_no_exchange() {
    let hub = hub().await;
    let asked = serde_json::json!({ "agency": "X99.B02", "cases": [] });
    let request = hub.client.post(hub.url("/api/v1/selftest")).bearer_auth(hub.system("dms.province").bearer());
    assert_eq!(request.json(&asked).send().await.unwrap().status(), 201);
    assert!(hub.count("SELECT count(*) FROM deliveries").await > 0);
    selftest::look_after(&hub.hub).await.unwrap();

    count(&hub).await;

    let counted = sums(&hub).await;
    assert_eq!((value(&counted, "packets").numerator, value(&counted, "deliveries").numerator), (0, 0));
}

#[tokio::test]
async fn a_frozen_month_stays_and_what_came_later_stands_beside_it() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.statistics.open_data = true;
    })
    .await;
    exchange(&hub).await;
    count(&hub).await;
    let job = JOBS.iter().find(|job| job.name == "freeze-months").unwrap();
    hub.after(TimeDelta::days(14));
    assert_eq!(jobs::run_due(&hub.hub, job, hub.now()).await.unwrap(), Some(0), "not before its time");
    hub.after(TimeDelta::days(1));
    assert_eq!(jobs::run_due(&hub.hub, job, hub.now()).await.unwrap(), Some(1));
    hub.after(TimeDelta::minutes(1));
    assert_eq!(jobs::run_due(&hub.hub, job, hub.now()).await.unwrap(), Some(0), "once");
    let frozen = freeze::indicators(&hub.hub, "2026-11").await.unwrap();

    seal(&hub.hub).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "both"), "06", "2026/12/06 09:00:00")).await;
    count(&hub).await;
    let mut browser = operator(&hub, "van.hanh").await;
    let words = browser.get("/portal/statistics?period=2026-11").await.words();

    assert!(words.contains("Số liệu tháng này chốt lúc 06/12/2026 09:02"), "{words}");
    let finished = words.split("Hoàn thành (06)").nth(1).unwrap().split("không tính").nth(1).unwrap();
    assert!(finished.contains("1 5 20,0 % 0 1"), "frozen 0, 1 since: {finished}");
    assert_eq!(freeze::indicators(&hub.hub, "2026-11").await.unwrap().json(), frozen.json());
    let of = |code| frozen.indicators.iter().find(|one| one.code == code).unwrap();
    assert_eq!((of("delivered").numerator, of("delivered").permille, of("status_06").numerator), (2, Some(400), 0));
    assert!(frozen.ledger_size > 0 && frozen.frozen_at.starts_with("2026-12-06T09:02"), "{}", frozen.json());
    let csv = String::from_utf8(frozen.csv().unwrap()).unwrap();
    assert!(csv.contains("2026-11,") && csv.contains(",replied,Tỷ lệ phản hồi trạng thái,2,5,400"), "{csv}");
    assert!(freeze::indicators(&hub.hub, "2026-12").await.is_err(), "it is not over");

    let open = hub.client.get(hub.url("/portal/open-data/2026-11.json")).send().await.unwrap();
    assert_eq!(open.headers()["content-type"], "application/json");
    let open = open.text().await.unwrap();
    assert!(open.contains("\"block\": \"X99\"") && open.contains("null") && !open.contains("X99.A01"), "{open}");
    let csv = hub.client.get(hub.url("/portal/open-data/2026-11.csv")).send().await.unwrap().text().await.unwrap();
    assert!(csv.contains("month,block,packets,deliveries,delivered\r\n2026-11,X99,,,"), "{csv}");
    for wrong in ["2026-12.json", "2026-11.xml", "2026-11", "..%2Fx.json"] {
        let status = hub.client.get(hub.url(&format!("/portal/open-data/{wrong}"))).send().await.unwrap().status();
        assert!(status == 404 || status == 400, "{wrong}: {status}");
    }
    STATISTICS.begin_anew(&hub.hub, &By::Operator).await.unwrap();
    assert!(freeze::indicators(&hub.hub, "2026-11").await.is_ok(), "counting anew leaves it");
}

#[tokio::test]
async fn nothing_is_for_anybody_unless_the_operator_wants_it() {
    let hub = hub().await;
    exchange(&hub).await;
    count(&hub).await;
    hub.after(TimeDelta::days(15));
    assert_eq!(freeze::months(&hub.hub).await.unwrap(), 1);

    let answer = hub.client.get(hub.url("/portal/open-data/2026-11.json")).send().await.unwrap();

    assert_eq!(answer.status(), 404);
    assert!(freeze::data_of(&hub.hub, "2026-11").await.is_ok(), "whoever has the machine sees it");
}

#[tokio::test]
async fn a_month_is_not_frozen_while_something_is_not_counted() {
    let hub = hub().await;
    exchange(&hub).await;
    seal(&hub.hub).await;
    hub.after(TimeDelta::days(15));

    assert_eq!(freeze::months(&hub.hub).await.unwrap(), 0);
    count(&hub).await;
    assert_eq!(freeze::months(&hub.hub).await.unwrap(), 1);
}

#[tokio::test]
async fn how_far_the_numbers_are_behind_is_told() {
    let hub = hub().await;
    let mut browser = operator(&hub, "van.hanh").await;
    seal(&hub.hub).await;
    let words = browser.get("/portal/statistics").await.words();
    assert!(words.contains("Chưa có số liệu nào."), "{words}");
    let metrics = hub.client.get(hub.url("/metrics")).send().await.unwrap().text().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with("docaxis_statistics_behind_entries ")).unwrap();
    assert!(line.rsplit(' ').next().unwrap().parse::<u32>().unwrap() > 3, "{line}");
    assert!(!browser.get("/portal/room").await.words().contains("Thống kê chậm hơn 0 bút toán"));

    count(&hub).await;

    assert!(browser.get("/portal/room").await.words().contains("Thống kê chậm hơn 0 bút toán"));
    assert!(browser.get("/portal/statistics").await.words().contains("Số liệu đến 09:00 21/11/2026."));
}

#[tokio::test]
async fn the_connected_share_is_of_agencies_that_are_open_today() {
    let hub = hub().await;
    exchange(&hub).await;
    count(&hub).await;
    let mut browser = operator(&hub, "van.hanh").await;

    // A01 sends and B02 fetches; C03 never did anything, D04 is closed, E05 is suspended.
    assert_eq!(connected(&mut browser).await, "3 100,0 % 2 66,6 % 1 33,3 %");
    directory::set_agency_state(&hub.hub, &By::Operator, "X99.B02", AgencyState::Suspended, None).await.unwrap();
    assert_eq!(connected(&mut browser).await, "2 100,0 % 1 50,0 % 1 50,0 %");
    hub.run("UPDATE agencies SET valid_until = '2026-11-20' WHERE agency_code = 'X99.A01'").await;
    assert_eq!(connected(&mut browser).await, "1 100,0 % 0 0,0 % 1 100,0 %", "its last day is over");
    hub.run("UPDATE agencies SET valid_until = '2026-11-21' WHERE agency_code = 'X99.A01'").await;
    assert_eq!(connected(&mut browser).await, "2 100,0 % 1 50,0 % 1 50,0 %", "its last day is today");
    hub.run("UPDATE agencies SET valid_from = '2026-11-22' WHERE agency_code = 'X99.C03'").await;
    assert_eq!(connected(&mut browser).await, "1 100,0 % 1 100,0 % 0 0,0 %", "its first day is tomorrow");
}

/// Agencies that are open, connected and not connected, each with its share.
async fn connected(browser: &mut Browser<'_>) -> String {
    let words = browser.get("/portal/statistics?period=1").await.words();
    let rows = words.split("Tỷ lệ kết nối").nth(1).unwrap().split("Theo đơn vị").next().unwrap();
    let numbers = rows.split("(mục tiêu 100 %)").nth(1).unwrap().split("Đơn vị im lặng").next().unwrap();
    numbers.replace("Có hoạt động trong 30 ngày ", "").replace("Chưa hoạt động ", "").trim().to_owned()
}

/// What a month is frozen from: its numbers, and how many entries of the ledger they tell of.
fn of_november(tx: &mut Connection) -> Result<(Vec<numbers::FrozenRow>, i64), StoreError> {
    Ok((numbers::of_month(tx, "2026-11", &["2026-11-21".to_owned()])?, followers::position(tx, STATISTICS.name)?))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_read_to_be_frozen_is_of_one_moment_whatever_is_counted_meanwhile() {
    let hub = hub_with(3).await;
    exchange(&hub).await;
    seal(&hub.hub).await;
    while hub.count("SELECT count(*) FROM statistic_counts").await == 0 {
        assert_eq!((STATISTICS.round)(&hub.hub).await.unwrap(), 3);
    }
    let ((begun, is_begun), (counted, is_counted)) = (channel(), channel());

    let reading = hub.hub.store.read(move |tx| {
        let before = of_november(tx)?;
        begun.send(()).unwrap();
        is_counted.recv().unwrap();
        Ok((before, of_november(tx)?))
    });
    let counting = async {
        spawn_blocking(move || is_begun.recv()).await.unwrap().unwrap();
        while (STATISTICS.round)(&hub.hub).await.unwrap() > 0 {}
        counted.send(()).unwrap();
    };
    let (read, ()) = join(reading, counting).await;
    let (before, after) = read.unwrap();
    let now = hub.hub.store.read(of_november).await.unwrap();

    assert_eq!(before, after);
    assert!(now.1 > before.1 && now.0 != before.0, "much was counted in between");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_round_waits_for_no_other_node_that_counts() {
    let hub = hub().await;
    exchange(&hub).await;
    seal(&hub.hub).await;
    if !hub.is_postgres() {
        assert!((STATISTICS.round)(&hub.hub).await.unwrap() > 0, "SQLite has one node");
        return;
    }
    let other = Hub::open((*hub.hub.config).clone(), hub.hub.clock.clone()).unwrap();
    let ((taken, is_taken), (released, is_released)) = (channel(), channel());

    let counting = other.store.write(move |tx| {
        taken.send(followers::take(tx, STATISTICS.name)?).unwrap();
        is_released.recv().unwrap();
        Ok(())
    });
    let meanwhile = async {
        assert!(spawn_blocking(move || is_taken.recv()).await.unwrap().unwrap());
        let gone_through = (STATISTICS.round)(&hub.hub).await.unwrap();
        released.send(()).unwrap();
        gone_through
    };
    let (counted, gone_through) = join(counting, meanwhile).await;
    counted.unwrap();

    assert_eq!(gone_through, 0, "the other node is at it");
    assert!((STATISTICS.round)(&hub.hub).await.unwrap() > 0);
    other.store.close();
}

#[tokio::test]
async fn pairs_are_those_of_ones_own_agencies_each_once() {
    let hub = hub().await;
    exchange(&hub).await;
    hub.accepted("dms.province", a_document("other").from("X99.B02").to(&["X99.C03"]).bytes()).await;
    hub.accepted("dms.commune", a_status("X99.C03", ("X99.B02", "other"), "02", "2026/11/21 09:30:00")).await;
    count(&hub).await;

    let between =
        ["(X99.A01);Ủy ban nhân dân tỉnh Mẫu (X99.B02);1;0", "(X99.B02);Ủy ban nhân dân xã Mẫu (X99.C03);1;0"];
    for (login, agencies, seen) in [
        ("vp.a", &["X99.A01"][..], [1, 0]),
        ("vp.b", &["X99.B02"], [1, 1]),
        ("vp.c", &["X99.C03"], [0, 1]),
        ("vp.ab", &["X99.A01", "X99.B02"], [1, 1]),
    ] {
        let mut clerk = Browser::of(&hub, login, UserRole::Clerk, agencies).await;
        let csv = clerk.get("/portal/statistics/export?form=csv&period=1").await.text.clone();
        assert_eq!(between.map(|pair| csv.matches(pair).count()), seen, "{login}: {csv}");
    }
}

/// All that is shown of a month to whom sees all and to whom sees some, and what is given out of it.
async fn shown(hub: &TestHub, browsers: &mut [Browser<'_>; 2]) -> Vec<String> {
    let mut texts = vec![
        freeze::indicators(&hub.hub, "2026-11").await.unwrap().json(),
        freeze::data_of(&hub.hub, "2026-11").await.unwrap().json(),
    ];
    for browser in browsers {
        for asked in ["period=2026-11", "period=2026-11&agency=X99.B02", "period=30", "period=7", "period=1"] {
            for place in ["/portal/statistics?", "/portal/statistics/export?form=csv&"] {
                let page = browser.get(&format!("{place}{asked}")).await;
                assert_eq!(page.status, 200, "{asked}");
                texts.push(if place.contains("export") { page.text.clone() } else { page.words() });
            }
        }
    }
    texts
}

#[tokio::test]
async fn folding_old_days_changes_no_number_and_what_comes_late_is_counted() {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.statistics.detail_days = 31;
    })
    .await;
    exchange(&hub).await;
    hub.after(TimeDelta::days(1));
    hub.accepted("dms.national", a_document("next").to(&["X99.B02", "X99.C03"]).bytes()).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "next"), "02", "2026/11/22 09:30:00")).await;
    count(&hub).await;
    let job = JOBS.iter().find(|job| job.name == "fold-numbers").unwrap();
    hub.after(TimeDelta::days(14));
    assert_eq!(freeze::months(&hub.hub).await.unwrap(), 1);
    assert_eq!(jobs::run_due(&hub.hub, job, hub.now()).await.unwrap(), Some(0), "it is frozen, but not old enough");
    hub.after(TimeDelta::days(31));
    let mut browsers =
        [operator(&hub, "van.hanh").await, Browser::of(&hub, "lan.vp", UserRole::Clerk, &["X99.B02", "X99.C03"]).await];
    count(&hub).await;
    let before = shown(&hub, &mut browsers).await;
    let all = "SELECT count(*) FROM statistic_counts";
    let by_day = "SELECT count(*) FROM statistic_counts WHERE (scope LIKE '%-detail' OR scope = 'pair') \
                  AND day LIKE '2026-11-%' AND day <> '2026-11-01'";
    let (rows, detailed) = (hub.count(all).await, hub.count(by_day).await);

    assert_eq!(i64::try_from(jobs::run_due(&hub.hub, job, hub.now()).await.unwrap().unwrap()).unwrap(), detailed);

    assert_eq!(shown(&hub, &mut browsers).await, before);
    assert_eq!(hub.count(by_day).await, 0);
    assert!(hub.count(all).await < rows && detailed > 0, "{rows}");

    // A status weeks later, and a recipient that fetches only then, of a document of a folded day.
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "both"), "06", "2027/01/06 09:00:00")).await;
    count(&hub).await;
    let late = shown(&hub, &mut browsers).await;
    assert_ne!(late, before);
    assert!(hub.count(by_day).await == 0, "a status of all documents is shown by day");
    let open = hub.waiting("dms.commune").await;
    hub.fetch("dms.commune", &open[0]).await;
    hub.confirm("dms.commune", &open[0], "done").await;
    count(&hub).await;
    let late = shown(&hub, &mut browsers).await;
    assert!(hub.count(by_day).await > 0, "its delay is counted for its own day");
    assert!(fold::days(&hub.hub).await.unwrap() > 0);
    assert_eq!((hub.count(by_day).await, shown(&hub, &mut browsers).await), (0, late.clone()));

    STATISTICS.begin_anew(&hub.hub, &By::Operator).await.unwrap();
    count(&hub).await;
    assert!(hub.count(by_day).await > 0, "all is counted by day anew");
    assert_eq!(shown(&hub, &mut browsers).await, late);
}
