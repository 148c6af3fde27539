//! Packets to the partners: let through only within a run, answered badly on purpose where a case asks for it, and
//! noted, since a repeat and a refusal leave no row of their own.

use super::names_of;
use crate::domain::envelope::{Business, Content, Envelope};
use crate::domain::rules::{self, Violation};
use crate::domain::selftest::{self as cases, Answered, Case, RunName, SYSTEM};
use crate::exchange::accept::Verdict;
use crate::exchange::{ExchangeError, rows};
use crate::hub::Hub;
use crate::store::deliveries::DeliveryRow;
use crate::store::selftest::{MarkRow, RunRow};
use crate::store::{StoreError, agencies, selftest as table};

/// What a packet is to the self-test.
#[derive(Debug)]
pub(in crate::exchange) enum Errand {
    /// Nothing.
    Ordinary,
    /// A packet to the partners that belongs to a case.
    Test(TestErrand),
    /// A packet to the partners that belongs to no run, or to others too.
    Stray,
}

/// A packet of a case.
#[derive(Debug)]
pub(in crate::exchange) struct TestErrand {
    run_id: String,
    case: &'static Case,
    meaning: String,
    /// How it is to be answered, the first time.
    hinder: Option<Answered>,
}

/// Why a stray packet is refused.
pub(in crate::exchange) fn stray() -> Violation {
    rules::violation("M.MessageHeader.To.SelfTest", "MessageHeader/To", &[])
}

/// What a packet is to the self-test. Costs a look at the recipients, and nothing more for all but test packets.
pub(in crate::exchange) async fn errand(
    hub: &Hub,
    system_id: &str,
    envelope: Option<&Envelope>,
) -> Result<Errand, ExchangeError> {
    let Some(Envelope { sender, content: Content::Document(document), meaning }) = envelope else {
        return Ok(Errand::Ordinary);
    };
    let added: &[_] = match &document.business {
        Business::Update { added, .. } => added,
        Business::New | Business::Recall { .. } | Business::Replacement { .. } => &[],
    };
    let mut everybody = document.recipients.iter().chain(added);
    if system_id == SYSTEM || !everybody.clone().any(cases::is_partner) {
        return Ok(Errand::Ordinary);
    }
    let (Some(sender), true) = (sender, everybody.all(cases::is_partner)) else { return Ok(Errand::Stray) };
    let (system, sender) = (system_id.to_owned(), sender.folded());
    let (now, limit) = (hub.clock.now().naive_utc(), hub.config.selftest.packets_max);
    let live = hub.store.read(move |tx| {
        let Some(agency) = agencies::find_by_alias(tx, &sender)? else { return Ok(None) };
        let Some(row) = table::live_run(tx, agency.code.as_str())? else { return Ok(None) };
        let marks = table::marks_of(tx, &row.run_id)?;
        Ok((row.system_id == system && row.ends_at > now && marks.len() < limit).then_some((row, marks)))
    });
    let Some((row, marks)) = live.await? else { return Ok(Errand::Stray) };
    let names: RunName = names_of(&row.run_id, row.started_at);
    let Some(case) = names.case_of(&document.subject) else { return Ok(Errand::Stray) };
    let hinder = case.expect.answered().filter(|_| !was_hindered(&marks, case));
    Ok(Errand::Test(TestErrand { run_id: row.run_id, case, meaning: meaning.hex(), hinder }))
}

fn was_hindered(marks: &[MarkRow], case: &Case) -> bool {
    marks.iter().any(|mark| mark.case_code == case.code && Answered::of_word(&mark.what).is_some())
}

/// Turns the first packet of some cases away before it is registered.
///
/// # Errors
/// `ComeAgain` when it is turned away; `Store`.
pub(in crate::exchange) async fn before(hub: &Hub, errand: &Errand) -> Result<(), ExchangeError> {
    let Errand::Test(test) = errand else { return Ok(()) };
    match test.hinder {
        Some(answered @ (Answered::TooMany | Answered::Unavailable)) => hinder(hub, test, answered).await,
        Some(Answered::Lost) | None => Ok(()),
    }
}

/// Notes what became of a packet; forgets to say so where a case asks for it.
///
/// # Errors
/// `ComeAgain` when the receipt is kept back; `Store`.
pub(in crate::exchange) async fn after(hub: &Hub, errand: &Errand, verdict: &Verdict) -> Result<(), ExchangeError> {
    let Errand::Test(test) = errand else { return Ok(()) };
    let (what, envelope_id, detail) = match verdict {
        Verdict::Accepted(receipt) => ("accepted", Some(receipt.envelope_id.clone()), test.meaning.clone()),
        Verdict::Repeated(receipt) => ("repeated", Some(receipt.envelope_id.clone()), test.meaning.clone()),
        Verdict::Rejected(rejection) => {
            let codes: Vec<&str> = rejection.violations.iter().take(CODES_MAX).map(|v| v.code.as_str()).collect();
            ("refused", None, codes.join(" "))
        }
    };
    let is_registered = envelope_id.is_some();
    note(hub, (&test.run_id, test.case), (what, envelope_id, detail)).await?;
    match test.hinder {
        Some(answered @ Answered::Lost) if is_registered => hinder(hub, test, answered).await,
        Some(Answered::Lost | Answered::TooMany | Answered::Unavailable) | None => Ok(()),
    }
}

/// Codes of a refusal that are kept.
const CODES_MAX: usize = 10;

/// Answers badly, once for each case: of two packets at the same time one is hindered.
async fn hinder(hub: &Hub, test: &TestErrand, answered: Answered) -> Result<(), ExchangeError> {
    let row = mark(hub, (&test.run_id, test.case), (answered.word(), None, test.meaning.clone()));
    let case = test.case;
    let is_first = hub.store.write(move |tx| {
        let is_first = !was_hindered(&table::marks_of(tx, &row.run_id)?, case);
        if is_first {
            table::insert_mark(tx, &row)?;
        }
        Ok(is_first)
    });
    match is_first.await? {
        true => Err(ExchangeError::ComeAgain { too_many: answered == Answered::TooMany }),
        false => Ok(()),
    }
}

/// Notes that a document of a run was confirmed as failed.
///
/// # Errors
/// `Store`.
pub(in crate::exchange) async fn confirmed_as_failed(hub: &Hub, row: &DeliveryRow) -> Result<(), ExchangeError> {
    if !cases::is_reserved(&row.sender_code) {
        return Ok(());
    }
    let agency = row.recipient_code.clone();
    let live: Option<RunRow> = hub.store.read(move |tx| table::live_run(tx, &agency)).await?;
    let Some(run) = live else { return Ok(()) };
    match names_of(&run.run_id, run.started_at).part_of(&row.document_id) {
        Some((case, part)) => {
            note(hub, (&run.run_id, case), ("failed", Some(row.envelope_id.clone()), part.to_string())).await
        }
        None => Ok(()),
    }
}

type Noted = (&'static str, Option<String>, String);

fn mark(hub: &Hub, (run_id, case): (&str, &Case), (what, envelope_id, detail): Noted) -> MarkRow {
    MarkRow {
        mark_id: hub.ids.next(),
        run_id: run_id.to_owned(),
        case_code: case.code.to_owned(),
        what: what.to_owned(),
        envelope_id,
        detail,
        at: hub.clock.now().naive_utc(),
    }
}

async fn note(hub: &Hub, of: (&str, &Case), noted: Noted) -> Result<(), ExchangeError> {
    let row = mark(hub, of, noted);
    let limit = rows(hub.config.selftest.packets_max);
    let noted = hub.store.write(move |tx| -> Result<(), StoreError> {
        if rows(table::marks_of(tx, &row.run_id)?.len()) < limit {
            table::insert_mark(tx, &row)?;
        }
        Ok(())
    });
    Ok(noted.await?)
}
