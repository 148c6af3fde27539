//! Which marks a delivery bears, whatever happens to it in whichever order it is looked at.

use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

fn at(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000, 0).unwrap() + TimeDelta::minutes(minutes)
}

fn packet() -> Packet {
    Packet {
        day: "2026-11-18".to_owned(),
        sender: "H49.01".to_owned(),
        accepted_at: at(0),
        receive_by: at(100),
        is_document: true,
        kind: "new".to_owned(),
        type_name: "QUYẾT ĐỊNH".to_owned(),
        urgency: Urgency::Urgent,
        paper_follows: Some(false),
        bears_signature: Some(true),
    }
}

/// The line after these events, a minute apart.
fn line(events: &[(EvidenceEvent, Value)]) -> Line {
    let mut line = Line::default();
    for (minute, (event, facts)) in (1..).zip(events) {
        line.hear(*event, at(minute), facts);
    }
    line
}

/// Numbers of the hub that are not 0.
fn of_hub(tally: Tally) -> BTreeMap<(String, &'static str), i64> {
    let own = tally.into_numbers().into_iter().filter(|(key, number)| key.owner.scope == Scope::Hub && *number != 0);
    own.map(|(key, number)| ((key.slice, key.what), number)).collect()
}

fn number(line: &Line, slice: &str, what: &str) -> i64 {
    let mut tally = Tally::default();
    packet().count_delivery("G22.02", line, &mut tally);
    let found = of_hub(tally).into_iter().find(|((of, counted), _)| of == slice && *counted == what);
    found.map_or(0, |(_, number)| number)
}

fn failure() -> (EvidenceEvent, Value) {
    (EvidenceEvent::ContentConsignmentFailure, json!({ "why": "refused", "status": 422, "attempts": 1 }))
}

#[test]
fn what_is_started_anew_and_arrives_has_not_failed() {
    let failed = line(&[failure()]);
    assert_eq!((number(&failed, "", "failed"), number(&failed, "cause:refused", "failed")), (1, 1));

    let anew = (EvidenceEvent::DeliveryDirected, json!({ "act": "started_anew", "new_delivery_id": "d2" }));
    let waits = line(&[failure(), anew.clone()]);
    assert_eq!((number(&waits, "", "failed"), number(&waits, "", "deliveries")), (0, 1));

    let arrived = line(&[failure(), anew, (EvidenceEvent::ContentHandover, json!({ "attempt": 2 }))]);
    assert_eq!((number(&arrived, "", "delivered"), number(&arrived, ATTEMPTS, "attempt_2")), (1, 1));
    assert_eq!(number(&arrived, "route:upwards", "bucket_05"), 1, "three minutes");
    let held = (EvidenceEvent::DeliveryDirected, json!({ "act": "held" }));
    assert_eq!(number(&line(&[failure(), held]), "", "failed"), 1);
}

#[test]
fn a_status_counts_once_and_in_time_only_by_the_deadline() {
    let status = |code: &str| (EvidenceEvent::StatusReported, json!({ "kind": format!("status-{code}") }));
    let reported = line(&[status("01"), status("03"), status("03"), status("15")]);
    assert_eq!((number(&reported, "", "replied"), number(&reported, "", "status_03")), (1, 1));
    assert_eq!((number(&reported, "", "timely"), number(&reported, "type:quyet dinh", "timely")), (1, 1));
    assert_eq!(number(&reported, "urgency:urgent", "bucket_05"), 1, "two minutes");

    let mut late = Line::default();
    late.hear(EvidenceEvent::StatusReported, at(101), &json!({ "kind": "status-03" }));
    assert_eq!((number(&late, "", "replied"), number(&late, "", "timely")), (1, 0));
    let only_arrived = line(&[status("01")]);
    assert_eq!((number(&only_arrived, "", "replied"), number(&only_arrived, "", "timely")), (1, 0));
}

#[test]
fn what_was_asked_back_is_agreed_to_or_not() {
    let asked = (EvidenceEvent::RecallRequested, json!({ "kind": "recall" }));
    let answer = |kind: &str| (EvidenceEvent::RecallAnswered, json!({ "kind": kind }));
    let numbers = |line: &Line| ["asked_back", "agreed", "declined"].map(|what| number(line, "", what));
    assert_eq!(numbers(&line(std::slice::from_ref(&asked))), [1, 0, 0]);
    assert_eq!(numbers(&line(&[asked.clone(), answer("status-15")])), [1, 1, 0]);
    assert_eq!(numbers(&line(&[asked, answer("status-16")])), [1, 0, 1]);
}

#[test]
fn only_known_kinds_have_numbers_of_their_own() {
    assert_eq!(type_slice("công văn"), "type:cong van");
    assert_eq!(type_slice("Cái gì đó <b>"), "type:");
    for name in TYPE_NAMES {
        assert_eq!(type_name(&text::folded(name)), Some(name));
    }
}

#[test]
fn ways_go_by_the_first_level_of_codes_of_either_form() {
    assert_eq!((block("000.00.15.H49"), block("H49.DN.001"), block("0101234567")), (Some("H49"), Some("H49"), None));
    for (from, to, word) in [
        ("H49.01", "000.00.02.K49", "within-province"),
        ("H49", "H50.1", "between-provinces"),
        ("H49", "G22", "upwards"),
        ("000.00.00.G22", "H49", "downwards"),
        ("G22", "A53", "central"),
        ("vxp.saas.03", "H49", "other"),
    ] {
        assert_eq!(route(from, to), word, "{from} {to}");
    }
}

#[test]
fn an_agency_has_no_numbers_of_ways_and_a_pair_only_of_what_went_wrong() {
    let mut tally = Tally::default();
    packet().count_delivery("G22.02", &line(&[failure()]), &mut tally);
    let numbers = tally.into_numbers();
    let slices = |scope: Scope| {
        let of_scope = numbers.keys().filter(|key| key.owner.scope == scope);
        of_scope.map(|key| (key.slice.as_str(), key.what)).collect::<Vec<_>>()
    };
    assert_eq!(slices(Scope::Pair), [("", "failed")]);
    assert!(slices(Scope::Hub).contains(&("route:upwards", "deliveries")));
    for scope in [Scope::Sender, Scope::Recipient] {
        assert!(slices(scope).iter().all(|(slice, _)| !slice.starts_with(ROUTES)));
    }
}

fn events() -> impl Strategy<Value = Vec<(EvidenceEvent, Value)>> {
    let event = prop_oneof![
        Just((EvidenceEvent::ContentConsignment, Value::Null)),
        Just((EvidenceEvent::ContentHandover, json!({ "attempt": 1 }))),
        Just(failure()),
        Just((EvidenceEvent::DeliveryWithdrawn, Value::Null)),
        Just((EvidenceEvent::DeliveryDirected, json!({ "new_delivery_id": "x" }))),
        (1..7).prop_map(|code| (EvidenceEvent::StatusReported, json!({ "kind": format!("status-0{code}") }))),
        Just((EvidenceEvent::RecallRequested, Value::Null)),
        Just((EvidenceEvent::RecallAnswered, json!({ "kind": "status-16" }))),
    ];
    proptest::collection::vec(event, 0..12)
}

proptest! {
    /// Wherever rounds are cut, the numbers are those of how it ended, and none is below nothing.
    #[test]
    fn numbers_do_not_depend_on_where_rounds_are_cut(events in events(), cuts in proptest::collection::vec(0..12_usize, 0..4)) {
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(events.len())).collect();
        cuts.extend([0, events.len()]);
        cuts.sort_unstable();
        let mut tally = Tally::default();
        packet().count_delivery("G22.02", &Line::default(), &mut tally);
        for cut in cuts.windows(2) {
            packet().count_change("G22.02", (&line(&events[..cut[0]]), &line(&events[..cut[1]])), &mut tally);
        }

        let mut at_once = Tally::default();
        packet().count_delivery("G22.02", &line(&events), &mut at_once);

        let not_nothing = |tally: Tally| {
            let numbers = tally.into_numbers();
            assert!(numbers.values().all(|number| (0..=1).contains(number)));
            numbers.into_iter().filter(|(_, number)| *number != 0).collect::<BTreeMap<_, _>>()
        };
        prop_assert_eq!(not_nothing(tally), not_nothing(at_once));
    }
}
