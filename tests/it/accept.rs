//! A packet arrives.

use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};

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
