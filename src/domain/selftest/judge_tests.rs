//! A right run passes every case; each fault fails exactly the cases that speak of it.

use super::super::{Step, What, cases, due};
use super::*;
use chrono::NaiveDate;

fn at(minute: i64) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-21T09:00:00+07:00").unwrap().to_utc() + TimeDelta::minutes(minute)
}

fn empty() -> Facts {
    let day = NaiveDate::from_ymd_opt(2026, 11, 21).unwrap();
    Facts {
        run: RunName::new("01a1ffe2773d7220bcf03a68c01fde6b", day),
        sent: Vec::new(),
        arrived: Vec::new(),
        hindrances: Vec::new(),
        refused: Vec::new(),
        file_sha256: "f11e".to_owned(),
        tolerance: TimeDelta::minutes(5),
    }
}

fn report(code: &str, description: &str) -> Report {
    let (code, description) = (code.to_owned(), description.to_owned());
    Report { code, description, claimed_at: Some(at(2)), accepted_at: at(2) }
}

/// What a right system reports about a part.
fn right_reports(case: &Case, step: &Step) -> Vec<Report> {
    if !matches!(step.what, What::Document(_)) {
        return match (case.expect, step.what) {
            (Expect::Answer(code), _) => vec![report(code.unwrap_or("15"), "lý do của đơn vị nhận")],
            (_, What::Replacement(_)) => vec![report("01", ""), report("03", "")],
            _ => Vec::new(),
        };
    }
    let mut then = Vec::new();
    if let Expect::Status(code) = case.expect {
        then.push(report("03", ""));
        if code != "03" {
            then.push(report(code, ""));
        }
    } else if let Expect::Refusal(words) = case.expect {
        then.push(report("02", words.unwrap_or("không thuộc thẩm quyền")));
    } else if case.expect == Expect::Twin && step.part == 2 {
        then.push(report("02", "trùng văn bản đã nhận"));
    } else if matches!(case.expect, Expect::Twin | Expect::Once) {
        then.push(report("03", ""));
    }
    std::iter::once(report("01", "")).chain(then).collect()
}

fn arrived(case: &Case, facts: &Facts) -> Vec<Arrived> {
    let one = Arrived {
        case: case.code,
        kind: "new".to_owned(),
        document_id: format!("own-{}", case.code),
        recipients: PARTNERS.iter().map(|partner| partner.code.to_owned()).collect(),
        subject: format!("{} {}", facts.run.mark(case.code), facts.run.awaited(case)),
        answers: vec![(PARTNER.code.to_owned(), facts.run.document_id(case.code, 1))],
        files: vec!["f11e".to_owned()],
        meaning: "a".to_owned(),
        times: 2,
        taken_back: case.expect == Expect::OwnRecall,
        ..Arrived::default()
    };
    let acts_on = vec![one.document_id.clone()];
    let next = Arrived { kind: "replacement".to_owned(), document_id: "next".to_owned(), acts_on, ..one.clone() };
    if case.expect == Expect::OwnReplacement { vec![one, next] } else { vec![one] }
}

/// The facts of a run in which everything was done right.
fn right() -> Facts {
    let mut facts = empty();
    for case in cases() {
        if case.code >= "29" || case.expect == Expect::Word {
            let came = arrived(case, &facts);
            facts.arrived.extend(came);
        }
        if let Expect::Return(answered) = case.expect {
            facts.hindrances.push(Hindrance { case: case.code, answered, meaning: "a".to_owned() });
        }
        while let Some(step) = due(case, &facts) {
            let reports = right_reports(case, step);
            let fetched_at = Some(at(1));
            let failed = case.expect == Expect::FailThenDone;
            facts.sent.push(Sent { case: case.code, part: step.part, fetched_at, done: true, failed, reports });
        }
    }
    facts
}

fn failures(facts: &Facts) -> Vec<&'static str> {
    cases().filter(|case| matches!(judge(case, facts), Failed(_))).map(|case| case.code).collect()
}

fn not_passed(facts: &Facts) -> Vec<&'static str> {
    cases().filter(|case| judge(case, facts) != Passed).map(|case| case.code).collect()
}

/// A right run in which every report was changed by `change`.
fn reporting(change: impl Fn(&mut Report)) -> Facts {
    let mut facts = right();
    facts.sent.iter_mut().flat_map(|sent| &mut sent.reports).for_each(change);
    facts
}

fn in_case(facts: &mut Facts, case: &str, change: impl Fn(&mut Arrived)) {
    facts.arrived.iter_mut().filter(|arrived| arrived.case == case).for_each(change);
}

#[test]
fn a_right_run_passes_every_case() {
    assert_eq!(not_passed(&right()), Vec::<&str>::new());
}

#[test]
fn a_run_in_which_nothing_happened_neither_passes_nor_fails() {
    let facts = empty();
    assert_eq!(not_passed(&facts).len(), cases().count());
    assert_eq!(failures(&facts), Vec::<&str>::new());
}

#[test]
fn mixed_up_meanings_of_03_to_06_are_caught() {
    let swapped = reporting(|r| {
        let other = match r.code.as_str() {
            "03" => "06",
            "04" => "05",
            "05" => "04",
            "06" => "03",
            same => same,
        };
        r.code = other.to_owned();
    });

    assert_eq!(failures(&swapped), ["02", "03", "04", "05"]);
    assert_eq!(not_passed(&swapped), ["02", "03", "04", "05", "10", "28"]);
}

#[test]
fn a_refusal_without_a_reason_or_with_broken_letters_is_caught() {
    let silent = reporting(|r| r.description.clear());
    assert_eq!(failures(&silent), ["06", "07", "11", "16"]);

    let broken = reporting(|r| r.description = r.description.replace(|c: char| !c.is_ascii(), "?"));
    assert_eq!(failures(&broken), ["07", "16"]);
}

#[test]
fn a_decomposed_reason_is_the_same_reason() {
    let facts = reporting(|r| r.description = r.description.nfd().collect());
    assert_eq!(not_passed(&facts), Vec::<&str>::new());
}

#[test]
fn a_refusal_that_became_a_registration_is_caught() {
    let facts = reporting(|r| {
        if r.code == "02" {
            r.code = "03".to_owned();
        }
    });
    assert_eq!(failures(&facts), ["06", "07", "11", "16"]);
}

#[test]
fn a_second_registration_is_caught() {
    let mut facts = right();
    facts.sent.iter_mut().filter(|s| s.case == "02").for_each(|s| s.reports.push(report("03", "Số đến 16")));
    assert_eq!(failures(&facts), ["10"]);
}

#[test]
fn what_was_confirmed_and_never_fetched_is_caught() {
    let mut facts = right();
    facts.sent.iter_mut().for_each(|sent| sent.fetched_at = None);
    assert_eq!(failures(&facts), ["01", "09", "14", "15", "17", "18"]);
}

#[test]
fn a_clock_that_is_off_is_caught_and_seven_hours_are_explained() {
    let facts = reporting(|r| r.claimed_at = r.claimed_at.map(|at| at - TimeDelta::hours(7)));
    assert_eq!(failures(&facts), ["08"]);
    let case = super::super::find("08").unwrap();
    assert!(matches!(judge(case, &facts), Failed(why) if why.en.contains("UTC")));
}

#[test]
fn an_urgent_document_fetched_last_is_caught() {
    let mut facts = right();
    facts.sent.iter_mut().filter(|s| s.case == "13" && s.part == 4).for_each(|s| s.fetched_at = Some(at(3)));
    assert_eq!(failures(&facts), ["13"]);
}

#[test]
fn a_recall_that_is_answered_otherwise_or_not_at_all_is_caught() {
    let swapped = reporting(|r| {
        let other = match r.code.as_str() {
            "15" => "16",
            "16" => "15",
            same => same,
        };
        r.code = other.to_owned();
    });
    assert_eq!(failures(&swapped), ["24", "25", "27"]);

    let mut silent = right();
    silent.sent.iter_mut().for_each(|s| s.reports.retain(|r| !matches!(r.code.as_str(), "15" | "16")));
    assert_eq!(not_passed(&silent), ["24", "25", "26", "27"]);
}

#[test]
fn altered_files_and_lost_words_are_caught() {
    let mut facts = right();
    facts.arrived.iter_mut().for_each(|a| a.files = vec!["other".to_owned()]);
    assert_eq!(failures(&facts), ["33"]);

    let mut facts = right();
    facts.arrived.iter_mut().for_each(|a| a.subject = "không có mã".to_owned());
    assert_eq!(failures(&facts), ["19", "20", "21", "22", "23"]);
}

#[test]
fn a_day_and_month_that_were_swapped_are_caught() {
    let mut facts = right();
    let due = facts.run.due_on().format("%m/%d/%Y").to_string();
    in_case(&mut facts, "23", |a| a.subject = format!("hạn {due}"));
    assert_eq!(failures(&facts), ["23"]);
}

#[test]
fn a_retry_under_a_new_identifier_or_with_another_content_is_caught() {
    for case in ["37", "38", "39", "30"] {
        let mut facts = right();
        in_case(&mut facts, case, |a| a.times = 1);
        let mut second = facts.arrived.iter().find(|a| a.case == case).unwrap().clone();
        second.document_id = "another".to_owned();
        facts.arrived.push(second);
        assert_eq!(failures(&facts), [case]);
    }
    let mut facts = right();
    in_case(&mut facts, "38", |a| a.meaning = "b".to_owned());
    assert_eq!(failures(&facts), ["38"]);
}

#[test]
fn a_lost_receipt_without_a_second_try_is_not_passed() {
    let mut facts = right();
    in_case(&mut facts, "39", |a| a.times = 1);
    assert_eq!(not_passed(&facts), ["39"]);
}

#[test]
fn a_reply_that_names_nothing_and_a_replacement_of_nothing_are_caught() {
    let mut facts = right();
    facts.arrived.iter_mut().for_each(|a| {
        a.answers.clear();
        a.acts_on.clear();
    });
    assert_eq!(failures(&facts), ["32", "36"]);
}

#[test]
fn what_follows_a_fetch_waits_for_it() {
    let case = super::super::find("24").unwrap();
    let mut facts = empty();
    assert_eq!(due(case, &facts).map(|step| step.part), Some(1));
    facts.sent.push(Sent { case: "24", part: 1, ..Sent::default() });
    assert!(due(case, &facts).is_none());
    facts.sent[0].fetched_at = Some(at(1));
    assert_eq!(due(case, &facts).map(|step| step.part), Some(2));
}
