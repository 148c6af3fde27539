//! A clerk takes a document back in the portal: what is foretold, what becomes of it, who may.

use crate::support::TestHub;
use crate::support::packets::a_document;
use crate::support::portal::Browser;
use docaxis::domain::user::UserRole;

const REASON: &str = "Ban hành nhầm, sẽ gửi lại bản đúng";

async fn hub() -> TestHub {
    TestHub::start_with(|config| config.portal.second_factor = false).await
}

/// A document to two agencies, of which the first one has fetched it; its page of recall.
async fn half_fetched(hub: &TestHub) -> String {
    let receipt = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    hub.fetch("dms.province", receipt["deliveries"][0]["delivery_id"].as_str().unwrap()).await;
    format!("/portal/documents/{}/recall", receipt["envelope_id"].as_str().unwrap())
}

async fn states(hub: &TestHub) -> (i64, i64) {
    let withdrawn =
        hub.count("SELECT count(*) FROM deliveries WHERE state = 'withdrawn' AND packet_kind = 'new'").await;
    (withdrawn, hub.count("SELECT count(*) FROM deliveries WHERE recall = 'requested'").await)
}

#[tokio::test]
async fn what_is_foretold_is_what_happens() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let place = half_fetched(&hub).await;

    let words = clerk.get(&place).await.words();
    let (asked, withdrawn) =
        (words.find("Bên nhận có thể đã có văn bản").unwrap(), words.find("Rút lại ngay").unwrap());
    assert!(asked < withdrawn, "{words}");
    assert_eq!(states(&hub).await, (0, 0), "a look changes nothing");

    clerk.send(&place, &[("to", "X99.B02"), ("to", "X99.C03"), ("reason", REASON)]).await;
    assert_eq!(
        (clerk.page.status, clerk.page.leads_to()),
        (303, format!("{place}?done=1").as_str()),
        "{}",
        clerk.page.words()
    );
    assert_eq!(states(&hub).await, (1, 1));
    let words = clerk.get(&format!("{place}?done=1")).await.words();
    for wanted in ["Đã gửi yêu cầu thu hồi", "Đã rút lại", "Đã đề nghị lấy lại", "Không còn gì để thu hồi."]
    {
        assert!(words.contains(wanted), "{wanted}: {words}");
    }
    // The recipient's software is told why, by a status packet as the sender's own would have sent it.
    let told = hub.waiting("dms.province").await;
    let packet = hub.fetch("dms.province", told.last().unwrap()).await;
    assert!(packet.text().contains("StatusCode>13</") && packet.text().contains(REASON), "{}", packet.text());

    let accepted = hub.evidence().await.into_iter().filter(|row| row.event == "SubmissionAcceptance");
    let by_portal: Vec<_> = accepted.filter(|row| row.facts.contains("\"door\":\"portal\"")).collect();
    // The packet itself, and the hub's answer in the name of who never had the document.
    assert_eq!(by_portal.len(), 2);
    assert!(by_portal.iter().all(|row| row.facts.contains("by_user") && row.system_id.is_none()), "{by_portal:?}");
}

#[tokio::test]
async fn nothing_is_taken_back_without_a_reason_a_recipient_or_the_page_of_this_session() {
    let hub = hub().await;
    let mut clerk = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let place = half_fetched(&hub).await;
    for (fields, fault) in [
        (vec![("to", "X99.C03"), ("reason", "ngắn")], "từ 10 đến 500 ký tự"),
        (vec![("reason", REASON)], "Hãy chọn ít nhất một nơi nhận"),
        (vec![("to", "X99.A01"), ("reason", REASON)], "Hãy chọn ít nhất một nơi nhận"),
    ] {
        clerk.get(&place).await;
        let words = clerk.send(&place, &fields).await.words();
        assert!(words.contains(fault), "{fault}: {words}");
    }
    let page = clerk.send(&place, &[("to", "X99.C03"), ("reason", "<b>x")]).await;
    assert!(page.text.contains("&#60;b&#62;x</textarea>"), "what was typed is kept: {}", page.text);
    assert_eq!(
        clerk.send_bare(&place, &[("to", "X99.C03"), ("reason", REASON)]).await.status,
        403,
        "another site's form"
    );
    assert_eq!(states(&hub).await, (0, 0));
}

#[tokio::test]
async fn only_clerks_of_the_sender_take_back() {
    let hub = hub().await;
    let place = half_fetched(&hub).await;
    for (login, role, agencies, expected) in [
        ("lan.vp", UserRole::Clerk, &["X99.B02"][..], 404),
        ("moi.vp", UserRole::Clerk, &[][..], 404),
        ("thanh.tra", UserRole::Auditor, &["X99.A01"][..], 403),
        ("van.hanh", UserRole::Operator, &[][..], 404),
        ("quan.tri", UserRole::Administrator, &[][..], 404),
    ] {
        let mut browser = Browser::of(&hub, login, role, agencies).await;
        assert_eq!(browser.get(&place).await.status, expected, "{login}");
        browser.get("/portal/account").await;
        let sent = browser.send(&place, &[("to", "X99.C03"), ("reason", REASON)]).await;
        assert_eq!(sent.status, expected, "{login}");
        let page = browser.get(place.trim_end_matches("/recall")).await;
        assert!(!page.text.contains("/recall\""), "{login} is offered what it may not");
    }
    assert_eq!(states(&hub).await, (0, 0));
}

#[tokio::test]
async fn two_clerks_who_take_back_at_once_do_it_once() {
    let hub = hub().await;
    let mut one = Browser::of(&hub, "an.vp", UserRole::Clerk, &["X99.A01"]).await;
    let mut other = Browser::of(&hub, "binh.vp", UserRole::Clerk, &["X99.A01"]).await;
    let place = half_fetched(&hub).await;
    one.get(&place).await;
    other.get(&place).await;
    let fields = [("to", "X99.B02"), ("to", "X99.C03"), ("reason", REASON)];

    let (first, second) = tokio::join!(one.send(&place, &fields), other.send(&place, &fields));

    assert_eq!((first.status, second.status), (303, 303));
    assert_eq!(states(&hub).await, (1, 1));
    let events: Vec<String> = hub.evidence().await.into_iter().map(|row| row.event).collect();
    for once in ["docaxis:DeliveryWithdrawn", "docaxis:RecallRequested"] {
        assert_eq!(events.iter().filter(|event| *event == once).count(), 1, "{once}");
    }
}
