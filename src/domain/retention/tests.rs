//! Classes by kind, day and urgency; what a scope covers; each reason for which a packet stays.

use super::*;
use crate::domain::delivery::DeliveryState;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn sort<'a>(kind: &'a str, type_name: &'a str, urgency: i32, accepted_on: &str) -> Sort<'a> {
    Sort { kind, type_name, urgency, accepted_on: day(accepted_on) }
}

#[test]
fn the_class_follows_kind_document_and_urgency_and_what_is_unknown_is_kept_longest() {
    let retention = Retention::new("").unwrap();
    let cases = [
        ("new", "Công văn", 0, "general"),
        ("new", "CONG VAN", 0, "general"),
        ("new", "Công văn", 2, "urgent"),
        ("status-03", "", 0, "status"),
        ("replacement", "Công văn", 0, "changes"),
        ("new", "Quyết định", 0, "normative"),
    ];
    for (kind, type_name, urgency, expected) in cases {
        let class = retention.class_of(sort(kind, type_name, urgency, "2026-11-21")).unwrap();
        assert_eq!(class.code, expected, "{kind} {type_name}");
    }
    let longest = retention.0.iter().map(|class| class.term).max();
    for (type_name, accepted_on) in [("Bài thơ", "2026-11-21"), ("Công văn", "2020-01-01")] {
        let unknown = retention.class_of(sort("new", type_name, 0, accepted_on)).unwrap();
        assert_eq!(Some(unknown.term), longest, "{type_name} {accepted_on}");
    }
}

#[test]
fn a_later_day_and_the_operators_lines_go_before_and_for_ever_is_longest() {
    let more = "# ours\n\
                general | 2025-01-01 | new | công văn | * | 10 | Thỏa thuận / Agreement\n\
                general | 2026-12-01 | new | công văn | * | 700 | Luật mới / A new law\n\
                kept | 2025-01-01 | document | sổ gốc | * | always | Luật / Law\n";
    let retention = Retention::new(more).unwrap();
    let term = |type_name, on| retention.class_of(sort("new", type_name, 0, on)).unwrap().term;

    assert_eq!(term("Công văn", "2026-11-30"), Term::Days(10));
    assert_eq!(term("Công văn", "2026-12-01"), Term::Days(700), "of what is accepted from then on");
    assert_eq!(term("Sổ gốc", "2026-11-30"), Term::Always);
    assert_eq!(term("Bài thơ", "2026-11-30"), Term::Always, "the longest there is now");
    for (line, bad) in [
        (1, "general | 2025-01-01 | new | * | * | 10"),
        (1, "general | tomorrow | new | * | * | 10 | a / b"),
        (2, "\ngeneral | 2025-01-01 | letters | * | * | 10 | a / b"),
        (1, "general | 2025-01-01 | new | * | soon | 10 | a / b"),
        (1, "general | 2025-01-01 | new | * | * | ten | a / b"),
        (1, "general | 2025-01-01 | new | * | * | 10 | only one language"),
        (1, "general | 2025-01-01 | new | * | * | 10 | a / b | more"),
    ] {
        assert_eq!(Retention::new(bad).unwrap_err(), LineFault(line), "{bad}");
    }
}

fn parties() -> Parties<'static> {
    Parties {
        sender: "X99.A01",
        recipients: vec!["X99.B02", "X99.C03"],
        document_id: "d1",
        accepted_on: day("2026-11-21"),
    }
}

#[test]
fn a_scope_covers_what_all_of_it_holds_for() {
    let scope = |agency: &str, document_id: &str, from: &str, until: &str| Scope {
        agency: (!agency.is_empty()).then(|| agency.to_owned()),
        document_id: (!document_id.is_empty()).then(|| document_id.to_owned()),
        from: from.parse().ok(),
        until: until.parse().ok(),
    };
    for covering in [
        scope("", "", "", ""),
        scope("X99.A01", "", "", ""),
        scope("X99.C03", "d1", "", ""),
        scope("", "", "2026-11-21", "2026-11-21"),
    ] {
        assert!(covering.covers(&parties()), "{covering:?}");
    }
    for other in [
        scope("X99.E05", "", "", ""),
        scope("X99.A01", "d2", "", ""),
        scope("", "", "2026-11-22", ""),
        scope("", "", "", "2026-11-20"),
    ] {
        assert!(!other.covers(&parties()), "{other:?}");
    }
    assert!(scope("", "", "", "").is_everything() && !scope("", "d1", "", "").is_everything());
}

#[test]
fn a_packet_may_go_once_all_has_ended_and_its_time_is_over() {
    let retention = Retention::new("").unwrap();
    let ended = at("2026-11-21T02:00:00Z");
    let handed_over = (DeliveryState::HandedOver, "", ended);
    let case = |deliveries| Case { sort: sort("new", "Công văn", 0, "2026-11-21"), parties: parties(), deliveries };
    let judged = |deliveries, holds: &[Scope], days| {
        let now = ended + TimeDelta::days(days);
        judge(&case(deliveries), &retention, holds, (TimeDelta::days(30), now)).map(|due| due.class)
    };
    let ends_well = [handed_over, (DeliveryState::Withdrawn, "", ended), (DeliveryState::Failed, "agreed", ended)];

    assert_eq!(judged(ends_well.to_vec(), &[], 90), Ok("general".to_owned()));
    assert_eq!(judged(ends_well.to_vec(), &[], 89), Err(Kept::Term));
    assert_eq!(judged(ends_well.to_vec(), &[], 29), Err(Kept::Young));
    for state in [DeliveryState::Pending, DeliveryState::Consigned] {
        assert_eq!(judged(vec![handed_over, (state, "", ended)], &[], 900), Err(Kept::NotEnded));
    }
    assert_eq!(judged(Vec::new(), &[], 900), Err(Kept::NotEnded));
    let asked_back = (DeliveryState::HandedOver, "requested", ended);
    assert_eq!(judged(vec![asked_back], &[], 900), Err(Kept::Recall));
    let later = (DeliveryState::HandedOver, "", ended + TimeDelta::days(1));
    assert_eq!(judged(vec![handed_over, later], &[], 90), Err(Kept::Term), "the last one counts");
    let hold = Scope { agency: Some("X99.B02".to_owned()), ..Scope::default() };
    assert_eq!(judged(vec![handed_over], &[hold], 900), Err(Kept::Held));
    let longer = Retention::new("general | 2025-01-01 | new | * | * | always | a / b").unwrap();
    let kept = judge(&case(vec![handed_over]), &longer, &[], (TimeDelta::days(1), ended + TimeDelta::days(9999)));
    assert_eq!(kept, Err(Kept::Term));
    assert!(Kept::ALL.into_iter().all(|kept| Kept::of_code(kept.code()) == Some(kept)));
}
