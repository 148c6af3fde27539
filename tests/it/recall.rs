//! A document is taken back, changed or replaced.

use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use serde_json::{Value, json};

const BOTH: &[&str] = &["X99.B02", "X99.C03"];

/// Posts a document to X99.B02 and X99.C03; answers its envelope and its delivery to each.
async fn sent(hub: &TestHub, document_id: &str) -> (Value, String, String) {
    let receipt = hub.accepted("dms.national", a_document(document_id).to(BOTH).bytes()).await;
    let delivery = |number: usize| receipt["deliveries"][number]["delivery_id"].as_str().unwrap().to_owned();
    (receipt["envelope_id"].clone(), delivery(0), delivery(1))
}

fn recall(target: &str) -> Vec<u8> {
    a_document(&format!("recall-of-{target}")).to(BOTH).recalling(target).bytes()
}

/// Asks a document back by status 13, with the sender's own code in `ResponseFor`.
fn ask_back(target: &str) -> Vec<u8> {
    a_status("X99.A01", ("X99.A01", target), "13", "2026/11/21 09:10:00")
}

fn outcomes(receipt: &Value) -> Vec<(&str, &str)> {
    let text = |value: &'_ Value, name| value[name].as_str().unwrap().to_owned().leak() as &str;
    receipt["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (text(line, "recipient"), text(line, "outcome")))
        .collect()
}

#[tokio::test]
async fn a_document_not_yet_fetched_is_withdrawn() {
    let hub = TestHub::start().await;
    let (_, delivery, _) = sent(&hub, "d1").await;

    let receipt = hub.accepted("dms.national", recall("d1")).await;

    assert_eq!(outcomes(&receipt), [("X99.B02", "withdrawn"), ("X99.C03", "withdrawn")]);
    assert_eq!(hub.waiting("dms.province").await, Vec::<String>::new());
    let fetched = hub.fetch("dms.province", &delivery).await;
    assert_eq!((fetched.status, &fetched.json["code"]), (410, &json!("withdrawn")));
}

#[tokio::test]
async fn a_withdrawal_is_evidence() {
    let hub = TestHub::start().await;
    let (_, delivery, _) = sent(&hub, "d1").await;

    hub.accepted("dms.national", recall("d1")).await;

    let events = hub.events(&delivery).await;
    assert_eq!(events, ["ContentConsignment", "docaxis:DeliveryWithdrawn", "docaxis:StatusReported"]);
}

#[tokio::test]
async fn the_hub_answers_for_who_never_had_the_document_and_says_so() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.accepted("dms.national", a_document("r1").recalling("d1").bytes()).await;

    let waiting = hub.waiting("dms.national").await;
    let answer = hub.fetch("dms.national", &waiting[0]).await.text();

    assert_eq!(waiting.len(), 1);
    assert!(answer.contains("<edXML:OrganId>X99.B02</edXML:OrganId>") && answer.contains(">15<"), "{answer}");
    assert!(answer.contains("trạng thái do Trục lập, không phải đơn vị nhận"), "{answer}");
    let statuses = hub.view("dms.national", &receipt["envelope_id"]).await["statuses"].clone();
    assert_eq!((&statuses[0]["reporter"], &statuses[0]["status_code"]), (&json!("X99.B02"), &json!("15")));
    assert_eq!(hub.count("SELECT count(*) FROM envelopes WHERE system_id IS NULL").await, 1);
}

#[tokio::test]
async fn a_fetched_document_is_asked_for() {
    let hub = TestHub::start().await;
    let (envelope, delivery, _) = sent(&hub, "d1").await;
    hub.fetch("dms.province", &delivery).await;

    let receipt = hub.accepted("dms.national", recall("d1")).await;

    assert_eq!(outcomes(&receipt), [("X99.B02", "consigned"), ("X99.C03", "withdrawn")]);
    let view = hub.view("dms.national", &envelope).await;
    assert_eq!(
        (&view["deliveries"][0]["state"], &view["deliveries"][0]["recall"]),
        (&json!("consigned"), &json!("requested"))
    );
    assert_eq!(hub.fetch("dms.province", &delivery).await.status, 200);
    assert_eq!(hub.waiting("dms.province").await.len(), 2, "the document and the recall");
}

/// A document that X99.B02 has fetched and is asked to give back, and what it answers.
async fn answered(hub: &TestHub, code: &str) -> (Value, String) {
    let (envelope, delivery, _) = sent(hub, "d1").await;
    hub.fetch("dms.province", &delivery).await;
    hub.accepted("dms.national", recall("d1")).await;
    hub.accepted("dms.province", a_status("X99.B02", ("X99.A01", "d1"), code, "2026/11/21 09:30:00")).await;
    (hub.view("dms.national", &envelope).await, delivery)
}

#[tokio::test]
async fn an_agreed_recall_ends_every_fetch() {
    let hub = TestHub::start().await;

    let (view, delivery) = answered(&hub, "15").await;

    assert_eq!(view["deliveries"][0]["recall"], "agreed");
    assert_eq!(hub.fetch("dms.province", &delivery).await.status, 410);
    assert_eq!(hub.events(&delivery).await.last().unwrap(), "docaxis:RecallAnswered");
}

#[tokio::test]
async fn what_was_given_back_waits_no_more() {
    let hub = TestHub::start().await;

    let (_, delivery) = answered(&hub, "15").await;

    let waiting = hub.waiting("dms.province").await;
    assert!(!waiting.contains(&delivery), "listed, though every fetch is answered with 410");
}

#[tokio::test]
async fn a_refused_recall_leaves_the_document() {
    let hub = TestHub::start().await;

    let (view, delivery) = answered(&hub, "16").await;

    assert_eq!(view["deliveries"][0]["recall"], "refused");
    assert_eq!(hub.fetch("dms.province", &delivery).await.status, 200);
}

#[tokio::test]
async fn asking_back_by_status_goes_to_the_recipients_of_the_document() {
    let hub = TestHub::start().await;
    let (_, delivery, _) = sent(&hub, "d1").await;
    hub.fetch("dms.province", &delivery).await;

    let receipt = hub.accepted("dms.national", ask_back("d1")).await;

    assert_eq!(outcomes(&receipt), [("X99.B02", "consigned"), ("X99.C03", "withdrawn")]);
    assert_eq!(hub.waiting("dms.commune").await, Vec::<String>::new());
}

#[tokio::test]
async fn asking_back_of_one_recipient_leaves_the_other_alone() {
    let hub = TestHub::start().await;
    sent(&hub, "d1").await;

    let packet = a_status("X99.A01", ("X99.C03", "d1"), "13", "2026/11/21 09:10:00");
    let receipt = hub.accepted("dms.national", packet).await;

    assert_eq!(outcomes(&receipt), [("X99.C03", "withdrawn")]);
    assert_eq!(hub.waiting("dms.province").await.len(), 1);
}

#[tokio::test]
async fn a_document_never_sent_cannot_be_recalled() {
    let hub = TestHub::start().await;

    let answer = hub.post("dms.national", recall("d1")).await;

    let code = "M.TraceHeaderList.Bussiness.DocumentId.Unknown".to_owned();
    assert_eq!((answer.status, answer.codes()), (422, vec![code]));
}

#[tokio::test]
async fn a_document_of_another_agency_cannot_be_recalled() {
    let hub = TestHub::start().await;
    sent(&hub, "d1").await;

    let theft = a_document("r1").from("X99.B02").to(&["X99.C03"]).recalling("d1");
    let answer = hub.post("dms.province", theft.bytes()).await;

    assert_eq!(answer.codes(), ["M.TraceHeaderList.Bussiness.DocumentId.Unknown"]);
    assert_eq!(hub.waiting("dms.commune").await.len(), 1);
}

#[tokio::test]
async fn a_repeated_recall_gets_the_same_receipt() {
    let hub = TestHub::start().await;
    let (_, delivery, _) = sent(&hub, "d1").await;
    hub.fetch("dms.province", &delivery).await;
    for packet in [recall("d1"), ask_back("d1")] {
        let first = hub.post("dms.national", packet.clone()).await;
        let rows = hub.evidence().await.len();

        let again = hub.post("dms.national", packet).await;

        assert_eq!((first.status, again.status, again.text()), (201, 200, first.text()));
        assert_eq!(hub.evidence().await.len(), rows);
    }
}

#[tokio::test]
async fn whatever_was_fetched_before_a_recall_is_asked_for_and_the_rest_withdrawn() {
    let hub = TestHub::start().await;
    let mut wrong = Vec::new();
    for number in 0..18 {
        let (province, commune, by_status) = (number % 3, number / 3 % 3, number / 9 == 1);
        let document_id = format!("d{number}");
        let (_, to_province, to_commune) = sent(&hub, &document_id).await;
        let parties = [("dms.province", &to_province, province), ("dms.commune", &to_commune, commune)];
        for (system, delivery, fetches) in parties {
            if fetches > 0 {
                hub.fetch(system, delivery).await;
            }
            if fetches > 1 {
                hub.confirm(system, delivery, "done").await;
            }
        }

        let packet = if by_status { ask_back(&document_id) } else { recall(&document_id) };
        let receipt = hub.accepted("dms.national", packet).await;

        for (line, (system, delivery, fetches)) in outcomes(&receipt).into_iter().zip(parties) {
            let fetch = hub.fetch(system, delivery).await.status;
            let predicted = if fetches > 0 { ("consigned", 200) } else { ("withdrawn", 410) };
            wrong.extend(((line.1, fetch) != predicted).then(|| format!("{number} {line:?} {fetch}")));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn a_fetch_at_the_moment_of_a_recall_either_wins_or_is_gone() {
    let hub = TestHub::start().await;
    for number in 0..20 {
        let document_id = format!("d{number}");
        let (_, delivery, _) = sent(&hub, &document_id).await;

        let fetch = hub.fetch("dms.province", &delivery);
        let (fetched, receipt) = tokio::join!(fetch, hub.accepted("dms.national", recall(&document_id)));

        let outcome = outcomes(&receipt)[0].1;
        assert!(
            matches!((fetched.status, outcome), (200, "consigned") | (410, "withdrawn")),
            "{} {outcome}",
            fetched.status
        );
    }
}

#[tokio::test]
async fn an_update_brings_in_who_joins_and_takes_back_from_who_leaves() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    let update = a_document("u1").updating("d1", &["X99.C03"], &["X99.B02"]);
    let updated = hub.accepted("dms.national", update.bytes()).await;

    assert_eq!(outcomes(&updated), [("X99.B02", "withdrawn"), ("X99.C03", "consigned")]);
    assert_eq!(hub.waiting("dms.commune").await.len(), 1);
    let fetched = hub.fetch("dms.province", receipt["deliveries"][0]["delivery_id"].as_str().unwrap()).await;
    assert_eq!(fetched.status, 410);
}

#[tokio::test]
async fn who_joined_by_an_update_is_reached_by_a_recall() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub.accepted("dms.national", a_document("u1").updating("d1", &["X99.C03"], &[]).bytes()).await;

    let receipt = hub.accepted("dms.national", recall("d1")).await;

    assert_eq!(outcomes(&receipt), [("X99.B02", "withdrawn"), ("X99.C03", "withdrawn")]);
    assert_eq!(hub.waiting("dms.commune").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_replacement_withdraws_what_was_not_fetched_of_the_old_document() {
    let hub = TestHub::start().await;
    let (_, province, commune) = sent(&hub, "d1").await;
    hub.fetch("dms.province", &province).await;

    let receipt = hub.accepted("dms.national", a_document("d2").to(BOTH).replacing(&["d1"]).bytes()).await;

    assert_eq!(outcomes(&receipt), [("X99.B02", "consigned"), ("X99.C03", "consigned")]);
    assert_eq!(hub.fetch("dms.province", &province).await.status, 200);
    assert_eq!(hub.fetch("dms.commune", &commune).await.status, 410);
    assert_eq!(hub.waiting("dms.commune").await.len(), 1);
}

/// How the first document speaks of the second: seen from the first, and from the second.
async fn lineage(hub: &TestHub, (acting, by): (&Value, &str), (target, of): (&Value, &str)) -> (Value, Value) {
    let from = hub.view(by, &acting["envelope_id"]).await["acts_on"].clone();
    let to = hub.view(of, &target["envelope_id"]).await["acted_on_by"].clone();
    (from, to)
}

#[tokio::test]
async fn what_acts_on_a_document_is_seen_from_both_ends() {
    let hub = TestHub::start().await;
    for (relation, packet) in [
        ("recalls", a_document("x1").recalling("d-recalls")),
        ("updates", a_document("x2").updating("d-updates", &[], &[])),
        ("replaces", a_document("x3").replacing(&["d-replaces"])),
    ] {
        let target = hub.accepted("dms.national", a_document(&format!("d-{relation}")).bytes()).await;
        let acting = hub.accepted("dms.national", packet.bytes()).await;

        let (from, to) = lineage(&hub, (&acting, "dms.national"), (&target, "dms.national")).await;

        let id = &acting["envelope_id"];
        let link = |document_id: &str| json!([{ "relation": relation, "sender": "X99.A01", "document_id": document_id, "envelope_id": id }]);
        assert_eq!((from, to), (link(&format!("d-{relation}")), link(&packet.document_id)));
    }
}

#[tokio::test]
async fn an_answer_is_seen_from_both_ends() {
    let hub = TestHub::start().await;
    let asked = hub.accepted("dms.national", a_document("d1").bytes()).await;

    let answer = a_document("d2").from("X99.B02").to(&["X99.A01"]).answering("000.00.01.X99", "d1");
    let answer = hub.accepted("dms.province", answer.bytes()).await;

    let (from, to) = lineage(&hub, (&answer, "dms.province"), (&asked, "dms.national")).await;
    assert_eq!(
        (&from[0]["relation"], &from[0]["sender"], &from[0]["document_id"]),
        (&json!("answers"), &json!("X99.A01"), &json!("d1"))
    );
    assert_eq!(
        (&to[0]["relation"], &to[0]["sender"], &to[0]["document_id"]),
        (&json!("answers"), &json!("X99.B02"), &json!("d2"))
    );
}

#[tokio::test]
async fn a_second_refusal_answers_a_second_recall() {
    let hub = TestHub::start().await;
    let (_, delivery, _) = sent(&hub, "d1").await;
    hub.fetch("dms.province", &delivery).await;
    let asked = |number: u8| a_document(&format!("r{number}")).recalling("d1").bytes();
    let refused = |minute: u8| a_status("X99.B02", ("X99.A01", "d1"), "16", &format!("2026/11/21 09:{minute:02}:00"));
    hub.accepted("dms.national", asked(1)).await;
    assert_eq!(hub.post("dms.province", refused(1)).await.status, 201);
    hub.accepted("dms.national", asked(2)).await;

    let second = hub.post("dms.province", refused(2)).await;

    assert_eq!(second.status, 201, "the same words, and yet another answer");
    assert_eq!(hub.count("SELECT count(*) FROM deliveries WHERE recall = 'refused'").await, 1);
}

#[tokio::test]
async fn an_update_that_concerns_nobody_is_refused() {
    let hub = TestHub::start().await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;

    let update = a_document("u1").to(&["X99.C03"]).updating("d1", &[], &["X99.C03"]).bytes();
    let answer = hub.post("dms.national", update).await;

    assert_eq!(answer.codes(), ["M.MessageHeader.To.NeverReceived"]);
}

#[tokio::test]
async fn a_recipient_does_not_see_how_others_answered() {
    let hub = TestHub::start().await;
    let (envelope, _, _) = sent(&hub, "d1").await;
    let reply = a_document("reply").from("X99.C03").to(&["X99.A01"]).answering("X99.A01", "d1");
    hub.accepted("dms.commune", reply.bytes()).await;

    let seen = |system: &'static str| hub.view(system, &envelope);
    let links = [seen("dms.national").await, seen("dms.commune").await, seen("dms.province").await];

    assert_eq!(links.map(|view| view["acted_on_by"].as_array().unwrap().len()), [1, 1, 0]);
}

#[tokio::test]
async fn only_who_has_a_document_can_answer_it() {
    let hub = TestHub::start().await;
    let receipt = hub.accepted("dms.national", a_document("d1").bytes()).await;

    let reply = a_document("reply").from("X99.C03").to(&["X99.A01"]).answering("X99.A01", "d1");
    hub.accepted("dms.commune", reply.bytes()).await;

    let view = hub.view("dms.national", &receipt["envelope_id"]).await;
    assert_eq!(view["acted_on_by"].as_array().unwrap().len(), 0);
}
