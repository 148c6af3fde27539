//! Completeness: what was accepted is sealed with its words and recipients; a closed day has a statement for each pair of
//! agencies, without gaps; what is not in it was not sent; whatever is altered is named.

use crate::administration::office_of;
use crate::ledger::{leave, seal};
use crate::push::{bring, pushing_hub};
use crate::support::TestHub;
use crate::support::packets::{a_document, a_status};
use crate::support::robot::{Manner, Robot};
use chrono::{NaiveDate, TimeDelta};
use docaxis::domain::evidence::{Evidence, EvidenceEvent};
use docaxis::domain::statement::{self, Facts, Line, Pair, Standing};
use docaxis::exchange::statements::{self, Difference, StatementFile};
use docaxis::exchange::verify::{self, Flaw, Look, Trust};
use docaxis::exchange::{attest, close, terms};
use docaxis::store::evidence;
use serde_json::{Value, json};

/// The day on which tests begin.
pub fn day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 21).unwrap()
}

/// Goes on to the next day and closes the one before.
pub async fn close_the_day(hub: &TestHub) -> usize {
    seal(&hub.hub).await;
    hub.after(TimeDelta::hours(16));
    seal(&hub.hub).await;
    close::days(&hub.hub).await.unwrap()
}

async fn trust(hub: &TestHub) -> Trust {
    Trust { certificates: attest::certificates(&hub.hub).await.unwrap(), ..Trust::default() }
}

/// A day with documents to two agencies that end in every way, and two statuses, of which one is the hub's own.
async fn a_full_day() -> TestHub {
    let hub = TestHub::start_with(|config| config.pickup.terms_days = "9, 9, 9, 9, 9".to_owned()).await;
    let both = a_document("both").to(&["X99.B02", "X99.C03"]).subject("=cmd()|' /C calc'!A0");
    hub.accepted("dms.national", both.bytes()).await;
    hub.accepted("dms.national", a_document("recalled").bytes()).await;
    hub.accepted("dms.national", a_document("recall").recalling("recalled").bytes()).await;
    hub.after(TimeDelta::minutes(1));
    hub.accepted("dms.national", a_document("../../x").bytes()).await;
    for delivery in hub.waiting("dms.province").await {
        hub.fetch("dms.province", &delivery).await;
        hub.confirm("dms.province", &delivery, "done").await;
    }
    let status = a_status("X99.B02", ("X99.A01", "both"), "03", "2026/11/21 09:30:00");
    hub.accepted("dms.province", status).await;
    hub
}

async fn file(hub: &TestHub, system: &str, id: &Value) -> StatementFile {
    let answer = hub.get(system, &format!("/api/v1/statements/{}", id.as_str().unwrap())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

async fn listed(hub: &TestHub, system: &str, query: &str) -> Vec<Value> {
    let answer = hub.get(system, &format!("/api/v1/statements{query}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json["items"].as_array().unwrap().clone()
}

fn pair(one: &Value) -> (String, String, i64) {
    let text = |name: &str| one[name].as_str().unwrap().to_owned();
    (text("sender"), text("recipient"), one["sent"].as_i64().unwrap())
}

#[tokio::test]
async fn a_closed_day_has_a_statement_of_each_pair_and_numbers_without_gaps() {
    let hub = a_full_day().await;
    assert_eq!(close_the_day(&hub).await, 3);
    assert_eq!(close::days(&hub.hub).await.unwrap(), 0, "a day is closed once");
    seal(&hub.hub).await;

    let all = listed(&hub, "dms.national", "?day=2026-11-21").await;
    let expected = [("X99.A01", "X99.B02", 4), ("X99.A01", "X99.C03", 1), ("X99.B02", "X99.A01", 2)];
    assert_eq!(
        all.iter().map(pair).collect::<Vec<_>>(),
        expected.map(|(from, to, sent)| (from.to_owned(), to.to_owned(), sent))
    );
    let (mut numbers, mut states) = (Vec::new(), Vec::new());
    for one in &all[..2] {
        let read = file(&hub, "dms.national", &one["statement_id"]).await;
        let facts: Facts = serde_json::from_str(&read.evidence.record.facts).unwrap();
        assert_eq!((facts.of, facts.cut_off.as_str()), (5, "2026-11-22T00:00:00.000000+07:00"));
        let lines: Vec<Line> = statement::read(&read.list).unwrap();
        numbers.extend(lines.iter().map(|line| line.number));
        states.extend(lines.into_iter().map(|line| (line.document_id, line.kind, line.state)));
        let report = verify::verify(read.file().as_bytes(), &trust(&hub).await);
        assert!(report.holds(), "{report:?}");
    }
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5], "the packets of a sender and day have numbers without gaps");
    let of = |id: &str, kind: &str, state| (id.to_owned(), kind.to_owned(), state);
    let expected = [
        of("../../x", "new", Standing::Delivered),
        of("both", "new", Standing::Delivered),
        of("recall", "recall", Standing::Withdrawn),
        of("recalled", "new", Standing::Withdrawn),
        of("both", "new", Standing::Pending),
    ];
    assert_eq!(states, expected);
}

#[tokio::test]
async fn statements_are_for_their_two_agencies_only_and_have_receipts_as_all_else() {
    let hub = a_full_day().await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    let of_national = listed(&hub, "dms.national", "").await;

    assert_eq!(listed(&hub, "dms.province", "").await.len(), 2);
    let of_commune = listed(&hub, "dms.commune", "").await;
    assert_eq!(of_commune.iter().map(pair).collect::<Vec<_>>(), [("X99.A01".into(), "X99.C03".into(), 1)]);
    assert_eq!(listed(&hub, "dms.national", "?day=2026-11-20").await, [] as [Value; 0]);
    assert_eq!(hub.get("dms.national", "/api/v1/statements?day=x").await.status, 400);
    let first = of_national[0]["statement_id"].as_str().unwrap();
    for part in ["statements/{}", "receipts/{}", "evidence/{}/proof"] {
        let path = format!("/api/v1/{}", part.replace("{}", first));
        assert_eq!(hub.get("dms.province", &path).await.status, 200, "{path}");
        assert_eq!(hub.get("dms.commune", &path).await.status, 404, "{path}");
    }
    let paged = hub.get("dms.national", "/api/v1/statements?limit=2").await.json;
    let next = paged["next"].as_str().unwrap();
    assert_eq!(listed(&hub, "dms.national", &format!("?after={next}")).await.len(), 1);
}

#[tokio::test]
async fn whatever_is_altered_in_a_statement_is_named() {
    let hub = a_full_day().await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    let all = statements::of_day(&hub.hub, day()).await.unwrap();
    let one = statements::statement(&hub.hub, None, &all[0].evidence_id).await.unwrap();
    let other = statements::statement(&hub.hub, None, &all[1].evidence_id).await.unwrap();
    let trust = trust(&hub).await;
    let flaws = |change: &dyn Fn(&mut StatementFile)| {
        let mut altered = one.clone();
        change(&mut altered);
        let report = verify::verify(altered.file().as_bytes(), &trust);
        report.steps.into_iter().filter_map(|step| Some((step.looked_at, step.fault?))).collect::<Vec<_>>()
    };

    assert_eq!(flaws(&|_| {}), []);
    assert_eq!(flaws(&|it| it.list = it.list.replace("delivered", "refused")), [(Look::List, Flaw::OtherList)]);
    let without_first = |list: &str| list.split_once('\n').unwrap().1.to_owned();
    assert_eq!(flaws(&|it| it.list = without_first(&it.list)), [(Look::List, Flaw::OtherList)]);
    assert_eq!(flaws(&|it| it.list.clone_from(&other.list)), [(Look::List, Flaw::OtherList)]);
    assert!(flaws(&|it| it.evidence.receipt = None).contains(&(Look::Record, Flaw::Unsealed)));
    assert!(flaws(&|it| it.evidence = other.evidence.clone()).contains(&(Look::List, Flaw::OtherList)));
    assert!(flaws(&|it| it.checkpoint = None).contains(&(Look::Checkpoint, Flaw::Unsealed)));
}

#[tokio::test]
async fn a_day_is_drawn_anew_from_the_ledger_and_what_was_altered_behind_the_hub_is_named() {
    let hub = a_full_day().await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    // What happens later changes nothing.
    let last = hub.waiting("dms.commune").await.remove(0);
    hub.fetch("dms.commune", &last).await;
    hub.confirm("dms.commune", &last, "done").await;
    seal(&hub.hub).await;
    assert_eq!(statements::audit(&hub.hub, day()).await.unwrap(), []);
    let closing = statements::closing(&hub.hub, day()).await.unwrap();
    assert!(verify::verify(closing.file().as_bytes(), &trust(&hub).await).holds());
    let pairs: Vec<Pair> = statement::read(&closing.list).unwrap();
    assert_eq!(pairs.iter().map(|pair| pair.sent).collect::<Vec<_>>(), [4, 1, 2]);

    hub.run("DELETE FROM deliveries WHERE recipient_code = 'X99.C03'").await;
    let found = statements::audit(&hub.hub, day()).await.unwrap();
    assert!(found.contains(&(Difference::DrawnOtherwise, "X99.A01 → X99.C03".to_owned())), "{found:?}");
}

#[tokio::test]
async fn every_day_is_closed_once_and_in_order_also_those_without_packets() {
    let hub = a_full_day().await;
    seal(&hub.hub).await;
    assert_eq!(close::days(&hub.hub).await.unwrap(), 0, "the day is not over");
    hub.after(TimeDelta::hours(15));
    assert_eq!(close::days(&hub.hub).await.unwrap(), 0, "what was sealed of it is not whole");
    hub.after(TimeDelta::days(3) + TimeDelta::hours(1));
    seal(&hub.hub).await;
    hub.accepted("dms.national", a_document("later").bytes()).await;
    seal(&hub.hub).await;
    let (one, other) = (hub.hub.clone(), hub.another_node());

    assert_eq!(close::days(&one).await.unwrap(), 3);

    assert_eq!(close::days(&other).await.unwrap(), 0);
    assert_eq!(hub.count("SELECT count(*) FROM closed_days").await, 4);
    hub.after(TimeDelta::days(1));
    seal(&hub.hub).await;
    assert_eq!(close::days(&hub.hub).await.unwrap(), 1);
    terms::give_up_unfetched(&hub.hub).await.unwrap();
    for number in 21..=25 {
        let day = NaiveDate::from_ymd_opt(2026, 11, number).unwrap();
        assert_eq!(statements::audit(&hub.hub, day).await.unwrap(), [], "{day}");
    }
}

#[tokio::test]
async fn what_an_acceptance_says_is_sealed_and_a_row_altered_behind_the_hub_gets_no_receipt() {
    let hub = TestHub::start().await;
    let packet = a_document("d1").to(&["X99.B02", "X99.C03"]).bytes();
    let accepted = hub.accepted("dms.national", packet).await;
    let id = accepted["envelope_id"].as_str().unwrap();
    for (change, back) in [
        ("UPDATE envelopes SET subject = 'other'", "UPDATE envelopes SET subject = 'Về việc thử nghiệm'"),
        ("UPDATE envelopes SET code_number = '9'", "UPDATE envelopes SET code_number = '1'"),
        (
            "UPDATE deliveries SET recipient_code = 'X99.E05' WHERE recipient_code = 'X99.C03'",
            "UPDATE deliveries SET recipient_code = 'X99.C03' WHERE recipient_code = 'X99.E05'",
        ),
    ] {
        hub.run(change).await;
        let refused = hub.get("dms.national", &format!("/api/v1/receipts/{id}")).await;
        assert_eq!(refused.status, 500, "{change}: {}", refused.text());
        hub.run(back).await;
    }
}

#[tokio::test]
async fn a_receipt_of_before_words_were_sealed_holds_and_says_so() {
    let hub = TestHub::start().await;
    let accepted = hub.accepted("dms.national", a_document("d1").bytes()).await;
    let xml = attest::receipt(&hub.hub, None, accepted["envelope_id"].as_str().unwrap()).await.unwrap().xml;
    let trust = trust(&hub).await;
    let report = verify::verify(xml.as_bytes(), &trust);
    assert!(report.holds() && report.steps.iter().any(|step| step.looked_at == Look::Words), "{report:?}");

    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/receipts");
    let old = std::fs::read(folder.join("SubmissionAcceptance.xml")).unwrap();
    let pem = std::fs::read(folder.join("hub.pem")).unwrap();
    let trust =
        Trust { certificates: docaxis::signer::certificate::Certificate::read_pem(&pem).unwrap(), ..Trust::default() };
    let report = verify::verify(&old, &trust);
    assert!(report.holds(), "{report:?}");
    assert!(report.tells.iter().any(|line| line.contains("are not sealed")), "{report:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_shows_and_verifies_statements() {
    let hub = a_full_day().await;
    close_the_day(&hub).await;
    seal(&hub.hub).await;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let done = |arguments: &[&str]| hub.program().done(arguments);

    let listed = done(&["statement", "list", "2026-11-21"]);
    assert!(listed.contains("X99.A01 → X99.B02  4"), "{listed}");
    std::fs::write(path("hub.pem"), done(&["receipt", "certificates"])).unwrap();
    let shown = done(&["statement", "show", "21/11/2026", "--from", "X99.A01", "--to", "X99.B02"]);
    std::fs::write(path("one.json"), shown).unwrap();
    std::fs::write(path("day.json"), done(&["statement", "show", "2026-11-21"])).unwrap();
    let verified = done(&["verify", &path("one.json"), &path("day.json"), "--trust", &path("hub.pem")]);
    assert_eq!(verified.matches("ĐÚNG / holds\n").count(), 2, "{verified}");
    assert!(done(&["statement", "verify", "2026-11-21"]).contains("ĐÚNG / holds"));
    assert_eq!(hub.program().run(&["statement", "list", "2026-11-22"]).code, 1);
}

#[tokio::test]
async fn a_failed_delivery_that_was_started_anew_the_same_day_stands_as_the_new_one_does() {
    let (hub, dispatcher) = pushing_hub().await;
    let robot = Robot::start(vec![Manner::status(422); 4]);
    bring(&hub, &robot).await;
    let office = office_of(hub).await;
    let mut deliveries = Vec::new();
    for id in ["d1", "d2", "d3"] {
        let receipt = office.hub.accepted("dms.national", a_document(id).bytes()).await;
        deliveries.push(receipt["deliveries"][0]["delivery_id"].clone());
    }
    dispatcher.drain().await.unwrap();
    office.hub.after(TimeDelta::minutes(1));
    let anew = "/agencies/X99.B02/failed/start";

    // It fails once more, then one is taken, and one is still on its way.
    for (number, is_sent) in [(1, true), (0, true), (2, false)] {
        office.done("POST", anew, json!({ "delivery_id": deliveries[number] })).await;
        if is_sent {
            dispatcher.drain().await.unwrap();
        }
    }
    close_the_day(&office.hub).await;
    // What happens later changes nothing.
    office.done("POST", anew, json!({})).await;
    dispatcher.drain().await.unwrap();
    seal(&office.hub.hub).await;

    let all = statements::of_day(&office.hub.hub, day()).await.unwrap();
    let one = all.iter().find(|row| row.recipient_code == "X99.B02").unwrap();
    let lines: Vec<Line> = statement::read(&one.list).unwrap();
    assert_eq!(
        lines.iter().map(|line| line.state).collect::<Vec<_>>(),
        [Standing::Delivered, Standing::Refused, Standing::Pending]
    );
    assert_eq!(lines.iter().map(|line| json!(line.delivery_id)).collect::<Vec<_>>(), deliveries);
    assert_eq!(statements::audit(&office.hub.hub, day()).await.unwrap(), []);
}

/// A hub where one node's clock ran ahead by 16 hours, long before a document was accepted.
pub async fn after_a_clock_that_ran_ahead() -> TestHub {
    let hub = TestHub::start().await;
    let ahead = Evidence {
        event: EvidenceEvent::AgencyChanged,
        at: hub.now() + TimeDelta::hours(16),
        envelope_id: None,
        delivery_id: None,
        agency: Some("X99.A01".to_owned()),
        system_id: None,
        facts: "{}".to_owned(),
    };
    let id = hub.hub.ids.next();
    hub.hub.store.write(move |tx| evidence::append(tx, &id, &ahead)).await.unwrap();
    seal(&hub.hub).await;
    // More than a walk along the ledger looks at together.
    leave(&hub, 1_000).await;
    seal(&hub.hub).await;
    hub.accepted("dms.national", a_document("d1").bytes()).await;
    hub
}

#[tokio::test]
async fn what_was_sealed_behind_an_entry_of_a_clock_that_ran_ahead_is_in_the_statement() {
    let hub = after_a_clock_that_ran_ahead().await;

    assert_eq!(close_the_day(&hub).await, 1);

    let all = statements::of_day(&hub.hub, day()).await.unwrap();
    assert_eq!((all[0].recipient_code.as_str(), all[0].sent), ("X99.B02", 1));
    assert_eq!(statements::audit(&hub.hub, day()).await.unwrap(), []);
}
