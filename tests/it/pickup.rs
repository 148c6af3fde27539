//! A recipient lists, fetches and confirms.

use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use docaxis::domain::packet::Digest;
use std::path::{Path, PathBuf};

/// Sends d1 to X99.B02; answers the delivery.
async fn sent(hub: &TestHub, packet: Vec<u8>) -> String {
    let receipt = hub.accepted("dms.national", packet).await;
    receipt["deliveries"][0]["delivery_id"].as_str().unwrap().to_owned()
}

/// Bytes that do not compress and repeat nowhere.
fn noise(bytes: usize) -> Vec<u8> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 56) as u8)
    };
    std::iter::repeat_n((), bytes).scan(7_u64, |state, ()| next(state)).collect()
}

fn payload_files(data: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(data.join("payloads")).unwrap().flatten();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.path()).unwrap().flatten());
    files.map(|file| file.path()).collect()
}

#[tokio::test]
async fn the_mailbox_is_read_page_by_page_oldest_first() {
    let hub = TestHub::start().await;
    let mut sent_in_order = Vec::new();
    for number in 0..5 {
        sent_in_order.push(sent(&hub, a_document(&format!("d{number}")).bytes()).await);
    }

    let (mut listed, mut path, mut pages) = (Vec::new(), "/api/v1/mailbox?limit=2".to_owned(), 0);
    loop {
        let page = hub.get("dms.province", &path).await.json;
        let items = page["items"].as_array().unwrap();
        listed.extend(items.iter().map(|item| item["delivery_id"].as_str().unwrap().to_owned()));
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/v1/mailbox?limit=2&after={next}");
    }

    assert_eq!((listed, pages), (sent_in_order, 3));
}

#[tokio::test]
async fn the_mailbox_can_be_narrowed_to_one_kind() {
    let hub = TestHub::start().await;
    let document = sent(&hub, a_document("d1").from("X99.A01").bytes()).await;
    hub.accepted("dms.province", a_document("d2").from("X99.B02").to(&["X99.A01"]).bytes()).await;
    let status = a_status("X99.A01", ("X99.B02", "d2"), "03", "2026/11/21 09:30:00");
    let status = sent(&hub, status).await;

    let mut listed = Vec::new();
    for kind in ["document", "status"] {
        let page = hub.get("dms.province", &format!("/api/v1/mailbox?kind={kind}")).await.json;
        listed.push((
            page["items"].as_array().unwrap().len(),
            page["items"][0]["delivery_id"].as_str().unwrap().to_owned(),
        ));
    }

    assert_eq!(listed, [(1, document), (1, status)]);
}

#[tokio::test]
async fn fetch_and_confirmation_are_evidence_each() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;

    hub.fetch("dms.province", &delivery).await;
    hub.confirm("dms.province", &delivery, "done").await;

    assert_eq!(hub.events(&delivery).await, ["ContentConsignment", "docaxis:ContentFetched", "ContentHandover"]);
}

#[tokio::test]
async fn repeated_fetches_and_confirmations_are_answered_the_same_and_add_nothing() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;
    let first = hub.fetch("dms.province", &delivery).await;
    let done = hub.confirm("dms.province", &delivery, "done").await;
    let rows = hub.evidence().await.len();
    hub.after(chrono::TimeDelta::minutes(1));

    let again = hub.fetch("dms.province", &delivery).await;
    let done_again = hub.confirm("dms.province", &delivery, "done").await;

    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!((done_again.status, done_again.text()), (200, done.text()));
    assert_eq!(hub.evidence().await.len(), rows);
}

#[tokio::test]
async fn only_what_is_done_leaves_the_mailbox() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;
    hub.fetch("dms.province", &delivery).await;

    let mut waiting = Vec::new();
    for status in ["processing", "fail", "done"] {
        assert_eq!(hub.confirm("dms.province", &delivery, status).await.status, 200);
        waiting.push((status, hub.waiting("dms.province").await.len()));
    }

    assert_eq!(waiting, [("processing", 1), ("fail", 1), ("done", 0)]);
}

#[tokio::test]
async fn a_failure_to_store_is_evidence() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;

    hub.confirm("dms.province", &delivery, "fail").await;

    assert_eq!(hub.events(&delivery).await, ["ContentConsignment", "ContentHandoverFailure"]);
}

#[tokio::test]
async fn what_is_done_cannot_fail_any_more() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;
    hub.confirm("dms.province", &delivery, "done").await;

    let answer = hub.confirm("dms.province", &delivery, "fail").await;

    assert_eq!((answer.status, answer.json["code"].as_str()), (409, Some("step-refused")));
    assert_eq!(hub.events(&delivery).await.last().unwrap(), "ContentHandover");
}

#[tokio::test]
async fn another_system_neither_sees_nor_fetches_nor_confirms() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let (delivery, envelope) = (receipt["deliveries"][0]["delivery_id"].as_str().unwrap(), &receipt["envelope_id"]);

    let fetched = hub.fetch("dms.commune", delivery).await;
    let confirmed = hub.confirm("dms.commune", delivery, "done").await;
    let viewed = hub.get("dms.commune", &format!("/api/v1/envelopes/{}", envelope.as_str().unwrap())).await;

    assert_eq!((fetched.status, confirmed.status, viewed.status), (404, 404, 404));
    assert_eq!(hub.waiting("dms.commune").await, Vec::<String>::new());
    assert_eq!(hub.events(delivery).await, ["ContentConsignment"]);
}

#[tokio::test]
async fn the_sender_does_not_fetch_its_own_packet() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;

    let fetched = hub.fetch("dms.national", &delivery).await;

    assert_eq!(fetched.status, 404);
}

#[tokio::test]
async fn packets_of_every_size_come_back_to_the_byte() {
    let hub = TestHub::start().await;
    for bytes in [2_000, 300_000, 5_000_000] {
        let packet = a_document(&format!("d{bytes}")).attachment(noise(bytes)).bytes();
        let delivery = sent(&hub, packet.clone()).await;

        let fetched = hub.fetch("dms.province", &delivery).await;

        assert!(fetched.body == packet, "{bytes}: {} of {} bytes", fetched.body.len(), packet.len());
        assert_eq!(fetched.headers["docaxis-sha256"].to_str().unwrap(), Digest::of(&packet).hex());
    }
    assert_eq!(payload_files(&hub.directory).len(), 2, "the small one lives in its row");
}

#[tokio::test]
async fn a_packet_without_a_line_end_gets_none() {
    let hub = TestHub::start().await;
    let mut packet = a_document("d1").bytes();
    assert_eq!(packet.pop(), Some(b'\n'));

    let delivery = sent(&hub, packet.clone()).await;

    assert_eq!(hub.fetch("dms.province", &delivery).await.body, packet);
}

#[tokio::test]
async fn a_damaged_payload_breaks_the_download() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").attachment(noise(600_000)).bytes()).await;
    let file = payload_files(&hub.directory).remove(0);
    let mut content = std::fs::read(&file).unwrap();
    content[400_000] ^= 1;
    std::fs::write(&file, content).unwrap();

    let url = hub.url(&format!("/api/v1/deliveries/{delivery}/content"));
    let response = hub.client.get(url).bearer_auth(hub.system("dms.province").bearer()).send().await.unwrap();

    assert!(response.bytes().await.is_err(), "the download ended as if it were whole");
}

#[tokio::test]
async fn a_row_that_was_altered_is_an_accident_and_no_packet() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").bytes()).await;
    let same_size = match hub.is_postgres() {
        true => "UPDATE payloads SET content = set_byte(content, 10, 33)",
        false => "UPDATE payloads SET content = zeroblob(length(content))",
    };
    hub.sql(same_size).await;

    let fetched = hub.fetch("dms.province", &delivery).await;

    assert_eq!(fetched.status, 500);
    assert_eq!(hub.count("SELECT count(*) FROM deliveries WHERE fetched_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_payload_that_lost_its_end_is_an_accident_and_no_packet() {
    let hub = TestHub::start().await;
    let delivery = sent(&hub, a_document("d1").attachment(noise(300_000)).bytes()).await;
    let file = payload_files(&hub.directory).remove(0);
    std::fs::OpenOptions::new().write(true).open(file).unwrap().set_len(200_000).unwrap();

    let fetched = hub.fetch("dms.province", &delivery).await;

    assert_eq!((fetched.status, fetched.json["code"].as_str()), (500, Some("internal")));
}

#[tokio::test]
async fn many_recipients_share_one_copy() {
    let hub = TestHub::start().await;
    for (document_id, bytes) in [("d1", 2_000), ("d2", 300_000)] {
        let packet = a_document(document_id).to(&["X99.B02", "X99.C03", "X99.A01"]).attachment(noise(bytes));
        hub.accepted("dms.national", packet.bytes()).await;
    }

    let rows = hub.count("SELECT count(*) FROM payloads").await;

    assert_eq!((rows, payload_files(&hub.directory).len()), (2, 1));
}

#[tokio::test]
async fn an_unchanged_mailbox_is_not_sent_again() {
    let hub = TestHub::start().await;
    sent(&hub, a_document("d1").bytes()).await;
    let tag = hub.get("dms.province", "/api/v1/mailbox").await.headers["etag"].to_str().unwrap().to_owned();
    let poll = || {
        let request = hub.client.get(hub.url("/api/v1/mailbox")).bearer_auth(hub.system("dms.province").bearer());
        request.header("if-none-match", &tag).send()
    };

    let unchanged = poll().await.unwrap().status();
    sent(&hub, a_document("d2").bytes()).await;
    let changed = poll().await.unwrap().status();

    assert_eq!((unchanged.as_u16(), changed.as_u16()), (304, 200));
}
