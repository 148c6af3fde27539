//! The directory in the portal: who is found, who took over, whether an agency can receive.

use crate::push::{bring, pushing_hub_with};
use crate::support::TestHub;
use crate::support::portal::{Browser, escaped};
use crate::support::robot::Robot;
use docaxis::domain::directory::Codes;
use docaxis::domain::user::UserRole;
use docaxis::exchange::act::By;
use docaxis::exchange::agency_file::Format;
use docaxis::exchange::import::{self, Mode};
use docaxis::exchange::keys;

async fn hub() -> TestHub {
    let hub = TestHub::start_with(|config| {
        config.portal.second_factor = false;
        config.portal.rows_max = 3;
    })
    .await;
    let file = "code,name,aliases,state,successor,valid_from,valid_until\n\
                X99.D01,Ủy ban nhân dân xã Đường Lâm,X99-CU-1,open,,,\n\
                X99.D02,Ủy ban nhân dân huyện Cũ <b>,,closed,X99.D03,,2025-06-30\n\
                X99.D03,Ủy ban nhân dân phường Mới,,open,,2027-01-01,\n\
                X99.D04,Ủy ban nhân dân xã Mông Phụ,,closed,X99.D01,,2025-06-30\n";
    let file = (file.as_bytes().to_vec(), Format::Csv);
    import::import(&hub.hub, &By::Operator, file, (Mode::Apply, Codes::Rest), import::silent()).await.unwrap();
    hub
}

#[tokio::test]
async fn an_agency_is_found_by_name_or_code_in_any_spelling() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;

    for text in ["duong lam", "Đường Lâm", "xã đường", "x99 d01", "X99.D01", "x99-cu-1", "uy ban xa lam"] {
        let words = clerk.get(&format!("/portal/agencies?name={}", escaped(text))).await.words();
        assert!(words.contains("X99.D01") && !words.contains("X99.D03"), "{text}: {words}");
    }
    for nothing in ["khongco", "%22%3E%3Cscript%3E"] {
        let page = clerk.get(&format!("/portal/agencies?name={nothing}")).await;
        assert!(page.words().contains("Không tìm thấy đơn vị nào") && !page.text.contains("<script>"), "{nothing}");
    }
    // Page by page, each once.
    let (mut place, mut codes) = ("/portal/agencies".to_owned(), Vec::new());
    loop {
        let page = clerk.get(&place).await.text.clone();
        codes.extend(
            page.split("<td class=\"code\"><a href=\"/portal/agencies/")
                .skip(1)
                .map(|rest| rest.split('"').next().unwrap().to_owned()),
        );
        let Some(next) = page.split("rel=\"next\" href=\"").nth(1) else { break };
        place = next.split('"').next().unwrap().replace("&#38;", "&");
    }
    assert_eq!(i64::try_from(codes.len()).unwrap(), hub.count("SELECT count(*) FROM agencies").await);
    assert!(codes.is_sorted(), "{codes:?}");
}

#[tokio::test]
async fn whether_an_agency_can_receive_is_said_in_words() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let page = clerk.get("/portal/agencies/X99.B02").await;
    assert!(page.words().contains("Chưa có phần mềm nào của đơn vị kết nối"), "it has a key and never called");
    hub.waiting("dms.province").await;
    keys::note_uses(&hub.hub).await.unwrap();
    for (code, said) in [
        ("X99.B02", "Nhận được: phần mềm của đơn vị đang kết nối với Trục."),
        ("x99-cu-1", "Chưa có phần mềm nào của đơn vị kết nối"),
        ("X99.D04", "Hãy gửi cho đơn vị kế thừa Ủy ban nhân dân xã Đường Lâm (X99.D01)."),
        // Its successor cannot receive either.
        ("X99.D02", "Không nhận được: đơn vị không còn hoạt động."),
        ("X99.D03", "đơn vị có hiệu lực từ 01/01/2027."),
    ] {
        let page = clerk.get(&format!("/portal/agencies/{code}")).await;
        assert!(page.words().contains(said), "{code}: {}", page.words());
        assert!(!page.text.contains("<b>") && !page.words().contains("Hệ thống và khóa"), "{code}");
    }
    assert_eq!(clerk.get("/portal/agencies/X99.NONE").await.status, 404);

    let mut operator = Browser::of(&hub, "van.hanh", UserRole::Operator, &[]).await;
    let words = operator.get("/portal/agencies/X99.B02").await.words();
    assert!(
        words.contains("Hệ thống và khóa (1)") && words.contains("dms.province") && words.contains("Còn dùng được"),
        "{words}"
    );
    assert!(!operator.page.text.contains(&hub.system("dms.province").secret));
}

#[tokio::test]
async fn an_agency_whose_software_does_not_answer_is_not_called_connected() {
    let (hub, _dispatcher) = pushing_hub_with(|config| config.portal.second_factor = false).await;
    bring(&hub, &Robot::start(Vec::new())).await;
    let mut clerk = Browser::of(&hub, "lan", UserRole::Clerk, &["X99.B02"]).await;
    let place = "/portal/agencies/X99.B02";
    assert!(clerk.get(place).await.words().contains("Nhận được"));

    // What is left in peace for now, and what is tried with single packets.
    for rests_until in ["2027-01-01 00:00:00", "2026-01-01 00:00:00"] {
        hub.run(&format!("UPDATE endpoints SET rests_until = '{rests_until}'")).await;
        assert!(clerk.get(place).await.words().contains("Trục đang tạm ngừng chuyển đến đơn vị"), "{rests_until}");
    }
}
