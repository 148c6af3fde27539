//! Reconciliation: a system posts what it has of a closed day, and is told what differs from the sealed statements of that day. The
//! answer is evidence, with the digest of what was posted, and verifies as a statement does. Not here: what differs how
//! (`domain::reconciliation`).

use super::agency_file::{Format, csv_reader, without_mark};
use super::statements::{self, StatementFile};
use super::{Caller, ExchangeError};
use crate::domain::evidence::{Evidence, EvidenceEvent};
use crate::domain::packet::Digest;
use crate::domain::reconciliation::{Difference, Direction, Facts, Found, Posted};
use crate::domain::rules::Wording;
use crate::domain::statement::{self, Line};
use crate::hub::Hub;
use crate::store::reconciliations::{self, ReconciliationRow};
use crate::store::statements::StatementRow;
use crate::store::{Connection, IDS_MAX, StoreError, evidence, statements as rows, systems};
use chrono::NaiveDate;
use std::collections::{BTreeMap, HashMap};

/// What is compared.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Code of the agency whose list it is.
    pub agency: String,
    /// The day in Vietnam.
    pub day: NaiveDate,
    /// Only this way; both without it.
    pub direction: Option<Direction>,
}

/// What was found.
#[derive(Debug)]
pub struct Reconciled {
    /// The evidence of it.
    pub evidence_id: String,
    /// What it says.
    pub facts: Facts,
    /// What differs, as far as it is named.
    pub differences: Vec<Difference>,
}

fn malformed(vi: impl Into<String>, en: impl Into<String>) -> ExchangeError {
    ExchangeError::Malformed(Wording { vi: vi.into(), en: en.into() })
}

/// The lines of a posted list, CSV or JSON, in order.
fn read(list: &[u8], most: usize) -> Result<Vec<Posted>, ExchangeError> {
    let unreadable = |at: usize, why: &str| {
        let (vi, en) =
            (format!("mục {at} của danh sách không đọc được: {why}"), format!("item {at} of the list: {why}"));
        malformed(vi, en)
    };
    let mut all: Vec<Posted> = match Format::of_bytes(list) {
        Format::Csv => {
            let mut reader = csv_reader(without_mark(list), true);
            let rows = (1..).zip(reader.deserialize().take(most.saturating_add(1)));
            rows.map(|(at, row)| row.map_err(|why| unreadable(at, &why.to_string()))).collect::<Result<_, _>>()?
        }
        Format::Json => serde_json::from_slice(without_mark(list)).map_err(|why| unreadable(0, &why.to_string()))?,
    };
    if all.len() > most {
        let en = format!("more lines than lists.reconciled_lines_max ({most})");
        return Err(malformed(format!("nhiều dòng hơn lists.reconciled_lines_max ({most})"), en));
    }
    let wrong = (1..).zip(&all).find_map(|(at, one)| one.fault().map(|name| unreadable(at, name)));
    wrong.map_or(Ok(()), Err)?;
    all.sort();
    Ok(all)
}

/// Compares a list with what was sealed of the day. That it was is evidence.
///
/// # Errors
/// `NotFound` when the caller does not speak for the agency; `Malformed` for a list that cannot be read, or a day that is not closed;
/// `Store`.
pub async fn reconcile(hub: &Hub, caller: &Caller, asked: Asked, list: &[u8]) -> Result<Reconciled, ExchangeError> {
    let settings = &hub.config.lists;
    let posted = read(list, settings.reconciled_lines_max)?;
    let is_asked = |direction: Direction| asked.direction.is_none_or(|only| only == direction);
    if posted.iter().any(|one| !is_asked(one.direction)) {
        return Err(malformed("danh sách có chiều khác với direction", "the list has the other direction too"));
    }
    let (system, agency, day) = (caller.system_id.clone(), asked.agency.clone(), asked.day.to_string());
    let found = hub.store.read(move |tx| {
        if !systems::holds(tx, &system, &agency)? {
            return Ok(None);
        }
        Ok(Some((rows::closed(tx, &day)?, rows::pairs_of(tx, &day, &agency)?)))
    });
    let (closed, pairs) = found.await?.ok_or(ExchangeError::NotFound)?;
    closed.ok_or_else(|| malformed("ngày này chưa khép lại", "this day is not closed yet"))?;
    let of_pair = |a: &Posted, b: &Posted| (a.direction, &a.counterpart) == (b.direction, &b.counterpart);
    let groups = posted.chunk_by(of_pair).filter_map(|group| {
        let first = group.first()?;
        Some(((first.direction, first.counterpart.clone()), group))
    });
    let mut groups: BTreeMap<(Direction, String), &[Posted]> = groups.collect();
    let mut found = Found::new(settings.differences_max, posted.iter().any(Posted::is_status));
    for (id, sender, recipient) in pairs {
        // What an agency sent to itself it received too.
        let ways = [(Direction::Sent, &sender, &recipient), (Direction::Received, &recipient, &sender)];
        let own = ways.into_iter().filter(|(direction, side, _)| **side == asked.agency && is_asked(*direction));
        for (direction, _, other) in own {
            let group = groups.remove(&(direction, other.clone())).unwrap_or_default();
            let (id, with_status) = (id.clone(), group.iter().any(|one| one.status.is_some()));
            let (lines, statuses) = hub.store.read(move |tx| sealed(tx, &id, with_status)).await?;
            found.compare((direction, other), (group, &lines), &statuses);
        }
    }
    for ((direction, other), group) in groups {
        found.compare((direction, &other), (group, &[]), &HashMap::new());
    }
    keep(hub, caller, (asked, statement::number(posted.len()), Digest::of(list).hex()), found).await
}

/// The lines of a statement and, if they are wanted, by its deliveries the last statuses that the recipient told of their documents.
fn sealed(
    tx: &mut Connection,
    id: &str,
    with_status: bool,
) -> Result<(Vec<Line>, HashMap<String, String>), StoreError> {
    let row = rows::find(tx, id)?.ok_or(StoreError::Missing("statements"))?;
    let lines = listed(tx, &row)?;
    let mut ids: Vec<&str> = lines.iter().filter(|_| with_status).map(|line| line.document_id.as_str()).collect();
    ids.dedup();
    let pair = (row.sender_code.as_str(), row.recipient_code.as_str());
    let mut told: HashMap<String, String> = HashMap::new();
    for some in ids.chunks(IDS_MAX) {
        // The newest comes last and stays. A report is filed under one delivery of the document, and is about each.
        told.extend(reconciliations::statuses(tx, pair, some)?);
    }
    let of = |line: &Line| Some((line.delivery_id.clone(), told.get(&line.document_id)?.clone()));
    let statuses = lines.iter().filter_map(of).collect();
    Ok((lines, statuses))
}

/// The lines of a statement, if they are what was sealed: of another list nothing is told, least of all that it is empty.
fn listed(tx: &mut Connection, row: &StatementRow) -> Result<Vec<Line>, StoreError> {
    let altered = || StoreError::UnknownWord { column: "statements.list", value: row.evidence_id.clone() };
    let sealed = evidence::find(tx, &row.evidence_id)?.ok_or(StoreError::Missing("evidence"))?;
    let facts = serde_json::from_str::<statement::Facts>(&sealed.facts).ok();
    facts.filter(|facts| facts.tell(&row.list)).and_then(|_| statement::read(&row.list)).ok_or_else(altered)
}

/// Leaves evidence of what was found.
async fn keep(
    hub: &Hub,
    caller: &Caller,
    (asked, lines, posted): (Asked, u64, String),
    found: Found,
) -> Result<Reconciled, ExchangeError> {
    let Asked { agency, day, direction } = asked;
    let list = statement::list(&found.differences);
    let facts = Facts {
        day: day.to_string(),
        agency: agency.clone(),
        direction,
        lines,
        posted,
        counts: found.counts,
        list: Digest::of(list.as_bytes()).hex(),
    };
    let piece = Evidence {
        event: EvidenceEvent::ListReconciled,
        at: hub.clock.now(),
        envelope_id: None,
        delivery_id: None,
        agency: Some(agency.clone()),
        system_id: Some(caller.system_id.clone()),
        facts: serde_json::to_string(&facts).unwrap_or_default(),
    };
    let evidence_id = hub.ids.next();
    let row = ReconciliationRow { evidence_id: evidence_id.clone(), agency_code: agency, list };
    let written = hub.store.write(move |tx| {
        evidence::append(tx, &row.evidence_id, &piece)?;
        reconciliations::insert(tx, &row)
    });
    written.await?;
    Ok(Reconciled { evidence_id, facts, differences: found.differences })
}

/// A reconciliation by its evidence, with all that proves it, for a system that speaks for the agency.
///
/// # Errors
/// `NotFound` unless there is one and the caller may see it; `Unavailable` when no key may sign; `Store`.
pub async fn file(hub: &Hub, caller: &Caller, id: &str) -> Result<StatementFile, ExchangeError> {
    let (system, id) = (caller.system_id.clone(), id.to_owned());
    let found = hub.store.read(move |tx| {
        let Some(row) = reconciliations::find(tx, &id)? else { return Ok(None) };
        Ok(systems::holds(tx, &system, &row.agency_code)?.then_some((row.evidence_id, row.list)))
    });
    let list = found.await?.ok_or(ExchangeError::NotFound)?;
    statements::file(hub, vec![list], None).await?.pop().ok_or(ExchangeError::NotFound)
}
