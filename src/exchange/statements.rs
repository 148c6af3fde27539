//! Daily statements shown: to systems that speak for one of the two agencies, and to the operator, who can have a day drawn
//! anew from the ledger and compared. Not here: how they are made (`close`), what they are verified by elsewhere (`verify`).

use super::attest;
use super::capsule::Piece;
use super::close::{self, Day};
use super::sessions::Person;
use super::{Caller, ExchangeError, access, prove, rows};
use crate::domain::destruction;
use crate::domain::evidence::EvidenceEvent;
use crate::domain::packet::Digest;
use crate::domain::statement::{self, DayFacts, FORM, Pair};
use crate::hub::Hub;
use crate::store::evidence::EvidenceRow;
use crate::store::statements::{self, DayRow};
use crate::store::{Connection, StoreError, evidence, systems};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

pub use crate::store::statements::StatementRow;

/// A statement, the list of a day's statements, or a certificate of destruction, with all that proves it. A member that is not known makes it unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementFile {
    /// The format.
    pub form: String,
    /// The signed head to which the proof leads; nothing before it is sealed.
    pub checkpoint: Option<String>,
    /// The evidence, its place and its signed receipt.
    pub evidence: Piece,
    /// What was sealed by its digest.
    pub list: String,
}

impl StatementFile {
    /// As a file.
    pub fn file(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}

/// Statements of agencies that the caller speaks for, of one day or of all, in the order in which they were made.
///
/// # Errors
/// `Store`.
pub async fn list(
    hub: &Hub,
    caller: &Caller,
    day: Option<NaiveDate>,
    (after, limit): (String, usize),
) -> Result<Vec<StatementRow>, ExchangeError> {
    let (system, day) = (caller.system_id.clone(), day.map(|day| day.to_string()));
    let found = hub.store.read(move |tx| statements::of_system(tx, &system, day.as_deref(), (&after, rows(limit))));
    Ok(found.await?)
}

/// Every statement of a day.
///
/// # Errors
/// `NotFound` when the day is not closed; `Store`.
pub async fn of_day(hub: &Hub, day: NaiveDate) -> Result<Vec<StatementRow>, ExchangeError> {
    let day = day.to_string();
    let found = hub.store.read(move |tx| Ok((statements::closed(tx, &day)?, statements::of_day(tx, &day)?))).await?;
    found.0.map(|_| found.1).ok_or(ExchangeError::NotFound)
}

/// A statement by its evidence, for a system that speaks for one of its agencies, or for the operator.
///
/// # Errors
/// `NotFound` unless there is such a statement and the caller may see it; `Unavailable` when no key may sign; `Store`.
pub async fn statement(hub: &Hub, caller: Option<&Caller>, id: &str) -> Result<StatementFile, ExchangeError> {
    let (system, id) = (caller.map(|caller| caller.system_id.clone()), id.to_owned());
    let found = hub.store.read(move |tx| {
        let Some(row) = statements::find(tx, &id)? else { return Ok(None) };
        let may_see = match &system {
            Some(system) => {
                systems::holds(tx, system, &row.sender_code)? || systems::holds(tx, system, &row.recipient_code)?
            }
            None => true,
        };
        Ok(may_see.then_some((row.evidence_id, row.list)))
    });
    file(hub, vec![found.await?.ok_or(ExchangeError::NotFound)?], None).await?.pop().ok_or(ExchangeError::NotFound)
}

/// Statements of pairs with an agency of an auditor's warrant, of its days, in the order in which they were made.
///
/// # Errors
/// `NotFound` without a warrant; `Store`.
pub async fn of_warrant(
    hub: &Hub,
    person: &Person,
    (after, limit): (String, usize),
) -> Result<Vec<StatementRow>, ExchangeError> {
    let warrant = person.warrant.clone().ok_or(ExchangeError::NotFound)?;
    let found = hub.store.read(move |tx| {
        let codes = (!warrant.row.every_agency).then_some(warrant.agencies.as_slice());
        let days = (warrant.row.documents_from.as_str(), warrant.row.documents_until.as_str());
        statements::of_agencies(tx, codes, days, (&after, rows(limit)))
    });
    Ok(found.await?)
}

/// A statement by its evidence, for an auditor; that it was taken out is evidence.
///
/// # Errors
/// `NotFound` unless it is of an agency and a day of the warrant; as `statement`.
pub async fn statement_for(hub: &Hub, person: &Person, id: &str) -> Result<StatementFile, ExchangeError> {
    let wanted = id.to_owned();
    let found = hub.store.read(move |tx| statements::find(tx, &wanted)).await?;
    let is_of = |row: &StatementRow| person.may_see(&row.sender_code) || person.may_see(&row.recipient_code);
    let is_shown = found.is_some_and(|row| person.warrant.is_some() && is_of(&row) && person.covers_day(&row.day));
    if !is_shown {
        return Err(ExchangeError::NotFound);
    }
    access::looked_at(hub, person, "statement", id).await?;
    statement(hub, None, id).await
}

/// The list of all statements of a day.
///
/// # Errors
/// `NotFound` when the day is not closed; `Unavailable` when no key may sign; `Store`.
pub async fn closing(hub: &Hub, day: NaiveDate) -> Result<StatementFile, ExchangeError> {
    let day = day.to_string();
    let row = hub.store.read(move |tx| statements::closed(tx, &day)).await?.ok_or(ExchangeError::NotFound)?;
    file(hub, vec![(row.evidence_id, row.list)], None).await?.pop().ok_or(ExchangeError::NotFound)
}

/// Statements as files, under a given head or the newest one.
pub(super) async fn file(
    hub: &Hub,
    lists: Vec<(String, String)>,
    head: Option<(i64, String)>,
) -> Result<Vec<StatementFile>, ExchangeError> {
    let ids: Vec<String> = lists.iter().map(|(id, _)| id.clone()).collect();
    let proved = hub.store.read(move |tx| {
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let (places, note) = match &head {
            Some((size, note)) => (prove::places_under(tx, &ids, (*size, note))?, Some(note.clone())),
            None => {
                let (places, head) = prove::places(tx, &ids)?;
                (places, head.map(|head| head.note))
            }
        };
        Ok((evidence::of_ids(tx, &ids)?, places, note))
    });
    let (found, mut places, note) = proved.await?;
    let mut receipts = attest::issue(hub, found.clone()).await?;
    let mut records: HashMap<String, EvidenceRow> =
        found.into_iter().map(|row| (row.evidence_id.clone(), row)).collect();
    let files = lists.into_iter().filter_map(|(id, list)| {
        let record = records.remove(&id)?;
        let is_destruction = record.event == EvidenceEvent::DestructionCertified.name();
        let form = if is_destruction { destruction::FORM } else { FORM };
        let evidence = Piece::of(&record, &mut receipts, &mut places, None);
        Some(StatementFile { form: form.to_owned(), checkpoint: note.clone(), evidence, list })
    });
    Ok(files.collect())
}

/// What differs between what was sealed of a day, what is kept of it, and what the ledger tells of it today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The list of the day's statements is not what was sealed.
    DayAltered,
    /// The kept list of a pair is not what was sealed.
    ListAltered,
    /// A statement that was sealed is gone.
    Missing,
    /// The ledger tells of packets between a pair that no sealed statement tells of, or of others.
    DrawnOtherwise,
}

impl Difference {
    /// Its name, for scripts, and in words.
    pub fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::DayAltered => {
                ("day-altered", "danh mục trong ngày khác điều đã niêm phong", "the day's list is not what was sealed")
            }
            Self::ListAltered => {
                ("list-altered", "bảng kê khác điều đã niêm phong", "the statement is not what was sealed")
            }
            Self::Missing => ("statement-missing", "bảng kê đã niêm phong không còn", "a sealed statement is gone"),
            Self::DrawnOtherwise => (
                "drawn-otherwise",
                "sổ cái cho kết quả khác bảng kê đã niêm phong",
                "the ledger tells otherwise than the sealed statement",
            ),
        }
    }
}

/// What is wrong with the statements of a day, each with its pair of agencies; nothing when all of it holds. The day is drawn
/// anew from the ledger.
///
/// # Errors
/// `NotFound` when the day is not closed; `Store`.
pub async fn audit(hub: &Hub, day: NaiveDate) -> Result<Vec<(Difference, String)>, ExchangeError> {
    let name = day.to_string();
    let read = hub.store.read(move |tx| kept(tx, &name));
    let (closed, sealed, from, kept) = read.await?.ok_or(ExchangeError::NotFound)?;
    let drawn = match Day::new(day, from) {
        Some(day) => close::draw(hub, day).await?.0,
        None => Vec::new(),
    };
    let pairs = statement::read::<Pair>(&closed.list).filter(|_| sealed.is_some_and(|facts| facts.tell(&closed.list)));
    let Some(pairs) = pairs else { return Ok(vec![(Difference::DayAltered, day.to_string())]) };
    let key = |sender: &str, recipient: &str| format!("{sender} → {recipient}");
    let digest = |row: &StatementRow| Digest::of(row.list.as_bytes()).hex();
    let kept: HashMap<String, String> =
        kept.iter().map(|row| (key(&row.sender_code, &row.recipient_code), digest(row))).collect();
    let mut drawn: HashMap<String, String> =
        drawn.into_iter().map(|one| (key(&one.facts.sender, &one.facts.recipient), one.facts.list)).collect();
    let mut found = Vec::new();
    for pair in pairs {
        let name = key(&pair.sender, &pair.recipient);
        match kept.get(&name) {
            None => found.push((Difference::Missing, name.clone())),
            Some(list) if *list != pair.list => found.push((Difference::ListAltered, name.clone())),
            Some(_) => {}
        }
        if drawn.remove(&name).as_ref() != Some(&pair.list) {
            found.push((Difference::DrawnOtherwise, name));
        }
    }
    found.extend(drawn.into_keys().map(|name| (Difference::DrawnOtherwise, name)));
    Ok(found)
}

/// What is kept of a day: its row, what was sealed of it, where its part of the ledger begins, its statements.
type Kept = (DayRow, Option<DayFacts>, i64, Vec<StatementRow>);

fn kept(tx: &mut Connection, day: &str) -> Result<Option<Kept>, StoreError> {
    let Some(closed) = statements::closed(tx, day)? else { return Ok(None) };
    let from = statements::last_closed(tx, Some(day))?.map_or(0, |row| row.next_index);
    let sealed = evidence::find(tx, &closed.evidence_id)?.filter(|row| row.event == EvidenceEvent::DayClosed.name());
    let sealed = sealed.and_then(|row| serde_json::from_str(&row.facts).ok());
    Ok(Some((closed, sealed, from, statements::of_day(tx, day)?)))
}
