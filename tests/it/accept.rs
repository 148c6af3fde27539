//! A packet arrives.

use crate::support::TestHub;
use crate::support::packets::{Packet, a_document, a_status};
use base64::Engine;
use docaxis::domain::agency::AgencyState;
use docaxis::exchange::act::By;
use docaxis::exchange::directory;
use futures_util::future::join_all;
use serde_json::Value;

#[tokio::test]
async fn an_accepted_packet_waits_unchanged_for_its_recipient() {
    let hub = TestHub::start().await;
    let packet = a_document("d1").bytes();

    let answer = hub.post("dms.national", packet.clone()).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let waiting = hub.waiting("dms.province").await;
    let fetched = hub.fetch("dms.province", &waiting[0]).await;

    assert_eq!(fetched.body, packet);
}

#[tokio::test]
async fn a_repeat_with_a_new_hop_gets_the_same_receipt() {
    let hub = TestHub::start().await;
    let first = hub.post("dms.national", a_document("d1").bytes()).await;

    let again = hub.post("dms.national", a_document("d1").hop_at("2026/11/21 09:05:00").bytes()).await;

    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
}

#[tokio::test]
async fn the_same_document_with_another_subject_is_a_conflict() {
    let hub = TestHub::start().await;
    hub.post("dms.national", a_document("d1").bytes()).await;

    let other = hub.post("dms.national", a_document("d1").subject("V/v khác").bytes()).await;

    assert_eq!((other.status, other.codes()), (409, vec!["M.MessageHeader.DocumentId.Conflict".to_owned()]));
    assert_eq!(hub.count("SELECT count(*) FROM envelopes").await, 1);
}

#[tokio::test]
async fn a_status_reaches_the_sender_of_the_document() {
    let hub = TestHub::start().await;
    hub.post("dms.national", a_document("d1").bytes()).await;

    let status = a_status("X99.B02", ("X99.A01", "d1"), "03", "2026/11/21 09:30:00");
    let answer = hub.post("dms.province", status.clone()).await;

    assert_eq!(answer.status, 201, "{}", answer.text());
    let waiting = hub.waiting("dms.national").await;
    assert_eq!(hub.fetch("dms.national", &waiting[0]).await.body, status);
}

#[tokio::test]
async fn a_packet_posted_a_hundred_times_at_once_is_registered_once() {
    let hub = TestHub::start().await;
    let packet = a_document("d1").bytes();

    let posts = (0..100).map(|_| hub.post("dms.national", packet.clone()));
    let answers = join_all(posts).await;

    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(201), with(200)), (1, 99));
    assert!(answers.iter().all(|answer| answer.body == answers[0].body), "receipts differ");
    assert_eq!(hub.count("SELECT count(*) FROM deliveries").await, 1);
}

#[tokio::test]
async fn many_packets_posted_many_times_in_any_order_are_each_registered_once() {
    let hub = TestHub::start().await;
    let packets: Vec<Vec<u8>> = (0..7).map(|number| a_document(&format!("d{number}")).bytes()).collect();

    // 3 and 5 have no divisor in common with 7: two senders that go round in opposite ways.
    let order = (0..70).flat_map(|turn| [turn * 3 % 7, turn * 5 % 7]);
    let answers = join_all(order.map(|number| hub.post("dms.national", packets[number].clone()))).await;

    let with = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(201), with(200)), (7, 133));
    assert_eq!(hub.count("SELECT count(*) FROM deliveries").await, 7);
}

#[tokio::test]
async fn what_was_sent_to_each_is_a_repeat_when_sent_to_all() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.B02"]).bytes()).await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.C03"]).bytes()).await;

    let together = hub.post("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;

    assert_eq!((together.status, together.headers["docaxis-repeat"].to_str().unwrap()), (200, "true"));
    assert_eq!(recipients(&together.json), ["X99.B02", "X99.C03"]);
    assert_eq!(hub.count("SELECT count(*) FROM deliveries").await, 2);
}

#[tokio::test]
async fn one_document_may_come_in_a_packet_for_each_recipient() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.B02"]).bytes()).await;

    let second = hub.accepted("dms.national", a_document("d1").to(&["X99.C03"]).bytes()).await;

    assert_eq!(recipients(&second), ["X99.C03"]);
    assert_eq!((hub.waiting("dms.province").await.len(), hub.waiting("dms.commune").await.len()), (1, 1));
}

#[tokio::test]
async fn a_packet_that_overlaps_an_earlier_one_is_delivered_to_the_new_recipient_only() {
    let hub = TestHub::start().await;
    let first = hub.accepted("dms.national", a_document("d1").to(&["X99.B02"]).bytes()).await;

    let both = hub.accepted("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;

    assert_eq!(recipients(&both), ["X99.B02", "X99.C03"]);
    assert_eq!(both["deliveries"][0], first["deliveries"][0]);
    assert_eq!((hub.waiting("dms.province").await.len(), hub.waiting("dms.commune").await.len()), (1, 1));
}

#[tokio::test]
async fn the_receipt_of_an_overlapping_packet_is_given_again_to_the_byte() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").to(&["X99.B02"]).bytes()).await;
    let both = hub.post("dms.national", a_document("d1").to(&["X99.C03", "X99.B02"]).bytes()).await;

    let again = hub.post("dms.national", a_document("d1").to(&["X99.C03", "X99.B02"]).bytes()).await;

    assert_eq!((again.status, again.text()), (200, both.text()));
}

#[tokio::test]
async fn a_conflict_changes_nothing_and_leaves_evidence() {
    let hub = TestHub::start().await;
    let first = a_document("d1").bytes();
    hub.accepted("dms.national", first.clone()).await;

    let other = hub.post("dms.national", a_document("d1").attachment(b"khac".to_vec()).bytes()).await;

    assert_eq!(other.status, 409);
    let evidence = hub.evidence().await;
    let said = evidence.last().unwrap();
    assert_eq!(
        (said.event.as_str(), Some(said.evidence_id.as_str())),
        ("SubmissionRejection", other.json["evidence_id"].as_str())
    );
    assert!(said.facts.contains("M.MessageHeader.DocumentId.Conflict"), "{}", said.facts);
    let waiting = hub.waiting("dms.province").await;
    assert_eq!(hub.fetch("dms.province", &waiting[0]).await.body, first);
}

#[tokio::test]
async fn a_system_sends_only_for_agencies_that_it_holds() {
    let hub = TestHub::start().await;

    let answer = hub.post("dms.commune", a_document("d1").bytes()).await;

    assert_eq!((answer.status, answer.codes()), (403, vec!["M.MessageHeader.From.NotHeld".to_owned()]));
    assert_eq!(answer.json["violations"][0]["class"], 19);
}

#[tokio::test]
async fn every_fault_of_a_packet_is_told_at_once() {
    let hub = TestHub::start().await;
    let packet = a_document("d1")
        .to(&["X99.Z99", "X99.D04", "X99.E05", "X99.B02", "000.00.02.X99"])
        .subject(" ")
        .with("<CodeNumber>1<", &format!("<CodeNumber>{}<", "1".repeat(51)))
        .with("<CodeNotation>VP-TN</CodeNotation>", "")
        .with("2026/11/20", "hôm qua")
        .with("</MessageHeader>", "<OtherInfo><Priority>9</Priority></OtherInfo><DueDate>mai</DueDate></MessageHeader>")
        .with("tep.bin</AttachmentName></Reference>", "../tep</AttachmentName></Reference>")
        .business("<BussinessDocType>8</BussinessDocType>")
        .with("<TraceHeader>", "<Author/><TraceHeader>");

    let answer = hub.post("dms.national", packet.bytes()).await;

    let mut codes = answer.codes();
    codes.sort();
    let planted = [
        "M.Manifest.AttachmentName",
        "M.MessageHeader.OtherInfo.Priority",
        "M.MessageHeader.To.Closed",
        "M.MessageHeader.To.Repeated",
        "M.MessageHeader.To.Suspended",
        "M.MessageHeader.To.Unknown",
        "M.Packet.UnknownElement",
        "M.TraceHeaderList.Bussiness.BussinessDocType",
        "N.MessageHeader.Code.CodeNotation",
        "N.MessageHeader.Subject",
        "R.MessageHeader.Code.CodeNumber",
        "T.MessageHeader.DueDate",
        "T.MessageHeader.PromulgationInfo.PromulgationDate",
    ];
    assert_eq!(codes, planted);
}

#[tokio::test]
async fn as_many_recipients_as_configured_pass_and_one_more_does_not() {
    let hub = TestHub::start_with(|config| config.packets.recipients_max = 2).await;

    let two = hub.post("dms.national", a_document("d1").to(&["X99.B02", "X99.C03"]).bytes()).await;
    let three = hub.post("dms.national", a_document("d2").to(&["X99.A01", "X99.B02", "X99.C03"]).bytes()).await;

    assert_eq!(two.status, 201);
    assert_eq!((three.status, three.codes()), (422, vec!["R.MessageHeader.To".to_owned()]));
}

#[tokio::test]
async fn a_number_longer_than_the_law_allows_is_warned_about_in_the_receipt() {
    let hub = TestHub::start().await;

    let packet = a_document("d1").with("<CodeNumber>1<", "<CodeNumber>123456789012<");
    let receipt = hub.accepted("dms.national", packet.bytes()).await;

    assert_eq!(receipt["warnings"][0]["code"], "W.MessageHeader.Code.CodeNumber");
    assert_eq!(receipt["warnings"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_status_code_nobody_knows_is_passed_on_with_a_warning() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;

    let status = a_status("X99.B02", ("X99.A01", "d1"), "09", "2026/11/21 09:30:00");
    let receipt = hub.accepted("dms.province", status).await;

    assert_eq!(receipt["warnings"][0]["code"], "W.MessageHeader.StatusCode");
    assert_eq!(hub.waiting("dms.national").await.len(), 1);
}

#[tokio::test]
async fn a_closed_recipient_names_its_successor_to_the_clerk() {
    let hub = TestHub::start().await;

    let answer = hub.post("dms.national", a_document("d1").to(&["X99.D04"]).bytes()).await;

    let violation = &answer.json["violations"][0];
    assert_eq!(violation["code"], "M.MessageHeader.To.Closed");
    assert_eq!(violation["remedy"]["vi"], "Gửi tới đơn vị kế thừa: X99.B02 (Ủy ban nhân dân tỉnh Mẫu).");
}

#[tokio::test]
async fn old_codes_stand_in_the_receipt_as_the_canonical_ones() {
    let hub = TestHub::start().await;

    let packet = a_document("d1").from("000.00.01.X99").to(&["000.00.02.x99"]);
    let receipt = hub.accepted("dms.national", packet.bytes()).await;

    assert_eq!(receipt["sender"], "X99.A01");
    assert_eq!(recipients(&receipt), ["X99.B02"]);
}

#[tokio::test]
async fn an_empty_body_is_refused_as_an_empty_packet() {
    let hub = TestHub::start().await;

    let answer = hub.post("dms.national", "").await;

    assert_eq!((answer.status, answer.codes()), (422, vec!["M.Packet.Empty".to_owned()]));
}

#[tokio::test]
async fn a_packet_over_the_limit_is_refused_by_its_size_alone() {
    let bytes = a_document("d1").bytes();
    let size = u64::try_from(bytes.len()).unwrap();
    let hub = TestHub::start_with(|config| {
        config.packets.bytes_max = size;
        config.data.inline_bytes_max = size;
    });
    let hub = hub.await;

    let larger = hub.post("dms.national", [bytes.clone(), b" ".to_vec()].concat()).await;
    let just_fits = hub.post("dms.national", bytes).await;

    assert_eq!((larger.status, larger.codes()), (413, vec!["M.Packet.TooLarge".to_owned()]));
    assert_eq!(just_fits.status, 201);
}

#[tokio::test]
async fn a_small_secret_leaves_no_content() {
    leaves_no_content(&marked("TUYỆT MẬT", 2_000)).await;
}

#[tokio::test]
async fn a_large_secret_leaves_no_content() {
    leaves_no_content(&marked("TUYỆT MẬT", 3_000_000)).await;
}

#[tokio::test]
async fn a_large_secret_whose_mark_comes_last_leaves_no_content() {
    let last = "<Attachment><ContentId>2</ContentId><AttachmentName>(Tối mật) 2.bin</AttachmentName>\
                <ContentTransferEncoded>YQ==</ContentTransferEncoded></Attachment></AttachmentEncoded>";
    leaves_no_content(&marked("V/v", 3_000_000).with("</AttachmentEncoded>", last)).await;
}

const IN_SUBJECT: &str = "kim trong bể";
const IN_ATTACHMENT: &[u8; 12] = b"kim-day-bien";

fn marked(mark: &str, bytes: usize) -> Packet {
    let content = IN_ATTACHMENT.iter().copied().cycle().take(bytes / 12 * 12).collect();
    a_document("d1").subject(&format!("{mark} - {IN_SUBJECT}")).attachment(content)
}

fn is_kept(hub: &TestHub) -> bool {
    let encoded = base64::engine::general_purpose::STANDARD.encode(IN_ATTACHMENT);
    [IN_SUBJECT.as_bytes(), IN_ATTACHMENT, encoded.as_bytes()].iter().any(|needle| hub.is_on_disk(needle))
}

async fn leaves_no_content(packet: &Packet) {
    let hub = TestHub::start().await;

    let answer = hub.post("dms.national", packet.bytes()).await;

    assert_eq!((answer.status, answer.codes()), (422, vec!["M.StateSecret".to_owned()]));
    assert!(!is_kept(&hub), "the packet's content is on disk");
    assert_eq!(hub.count("SELECT count(*) FROM payloads").await, 0);
    let evidence = format!("{:?}", hub.evidence().await);
    assert!(evidence.contains("M.StateSecret"), "no evidence of the refusal");
    assert!(!evidence.contains(IN_SUBJECT) && !evidence.contains("X99.B02"), "{evidence}");
}

#[tokio::test]
async fn an_ordinary_packet_is_found_by_the_search_that_finds_no_secret() {
    let hub = TestHub::start().await;

    hub.accepted("dms.national", marked("V/v", 3_000_000).bytes()).await;

    assert!(is_kept(&hub));
}

fn recipients(receipt: &Value) -> Vec<&str> {
    receipt["deliveries"].as_array().unwrap().iter().map(|line| line["recipient"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_repeat_is_answered_whatever_became_of_its_recipient() {
    let hub = TestHub::start().await;
    let first = hub.post("dms.national", a_document("d1").bytes()).await;
    directory::set_agency_state(&hub.hub, &By::Operator, "X99.B02", AgencyState::Suspended, None).await.unwrap();

    let again = hub.post("dms.national", a_document("d1").bytes()).await;
    let another = hub.post("dms.national", a_document("d2").bytes()).await;

    assert_eq!((again.status, again.body), (200, first.body));
    assert_eq!(another.codes(), ["M.MessageHeader.To.Suspended"]);
}

#[tokio::test]
async fn a_packet_full_of_faults_is_told_a_thousand_of_them() {
    let hub = TestHub::start_with(|config| config.packets.recipients_max = 10_000).await;
    let codes: Vec<String> = (0..5_000).map(|number| format!("?{number}")).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();

    let answer = hub.post("dms.national", a_document("d1").to(&codes).bytes()).await;

    assert_eq!((answer.status, answer.codes().len()), (422, 1_000));
}
