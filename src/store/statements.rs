//! Daily statements and closed days. Neither is ever changed.

use super::connection::on_packets;
use super::schema::{closed_days, statements, system_agencies};
use super::{Connection, StoreError};
use diesel::prelude::*;

/// A statement as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = statements)]
pub struct StatementRow {
    /// The evidence of it.
    pub evidence_id: String,
    /// The day, `yyyy-MM-dd`.
    pub day: String,
    /// Code of the sender.
    pub sender_code: String,
    /// Code of the recipient.
    pub recipient_code: String,
    /// How many packets it lists.
    pub sent: i64,
    /// The list.
    pub list: String,
}

/// A closed day as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = closed_days)]
pub struct DayRow {
    /// The day, `yyyy-MM-dd`.
    pub day: String,
    /// The evidence of it.
    pub evidence_id: String,
    /// From where on the ledger may hold what happened later.
    pub next_index: i64,
    /// The list of its statements.
    pub list: String,
}

/// Adds statements.
///
/// # Errors
/// `Statement`: a unique violation when a pair has one for the day.
pub fn insert(tx: &mut Connection, rows: &[StatementRow]) -> Result<(), StoreError> {
    for row in rows {
        on_packets!(tx, c => diesel::insert_into(statements::table).values(row).execute(c))?;
    }
    Ok(())
}

/// Closes a day.
///
/// # Errors
/// `Statement`: a unique violation when it is closed.
pub fn close(tx: &mut Connection, row: &DayRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(closed_days::table).values(row).execute(c))?;
    Ok(())
}

/// The statement of that evidence.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, evidence_id: &str) -> Result<Option<StatementRow>, StoreError> {
    Ok(on_packets!(tx, c => statements::table
        .filter(statements::evidence_id.eq(evidence_id))
        .select(StatementRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The statements of a day, by sender and recipient.
///
/// # Errors
/// `Statement`.
pub fn of_day(tx: &mut Connection, day: &str) -> Result<Vec<StatementRow>, StoreError> {
    Ok(on_packets!(tx, c => statements::table
        .filter(statements::day.eq(day))
        .order((statements::sender_code.asc(), statements::recipient_code.asc()))
        .select(StatementRow::as_select())
        .load(c))?)
}

/// The evidence, sender and recipient of every statement of a day with an agency, by sender and recipient.
///
/// # Errors
/// `Statement`.
pub fn pairs_of(tx: &mut Connection, day: &str, agency: &str) -> Result<Vec<(String, String, String)>, StoreError> {
    Ok(on_packets!(tx, c => statements::table
        .filter(statements::day.eq(day))
        .filter(statements::sender_code.eq(agency).or(statements::recipient_code.eq(agency)))
        .order((statements::sender_code.asc(), statements::recipient_code.asc()))
        .select((statements::evidence_id, statements::sender_code, statements::recipient_code))
        .load(c))?)
}

/// Statements of pairs with an agency that a system speaks for, in the order of ids, of one day or of all.
///
/// # Errors
/// `Statement`.
pub fn of_system(
    tx: &mut Connection,
    system_id: &str,
    day: Option<&str>,
    (after, limit): (&str, i64),
) -> Result<Vec<StatementRow>, StoreError> {
    let held =
        || system_agencies::table.filter(system_agencies::system_id.eq(system_id)).select(system_agencies::agency_code);
    let (first, last) = (day.unwrap_or_default(), day.unwrap_or("9999-12-31"));
    let mut rows: Vec<StatementRow> = on_packets!(tx, c => statements::table
        .filter(statements::sender_code.eq_any(held()))
        .filter(statements::evidence_id.gt(after))
        .filter(statements::day.between(first, last))
        .order(statements::evidence_id.asc())
        .limit(limit)
        .select(StatementRow::as_select())
        .load(c))?;
    let received: Vec<StatementRow> = on_packets!(tx, c => statements::table
        .filter(statements::recipient_code.eq_any(held()))
        .filter(statements::evidence_id.gt(after))
        .filter(statements::day.between(first, last))
        .order(statements::evidence_id.asc())
        .limit(limit)
        .select(StatementRow::as_select())
        .load(c))?;
    rows.extend(received);
    Ok(in_order(rows, limit))
}

/// Rows of two lists as one page in the order of ids, each once.
fn in_order(mut rows: Vec<StatementRow>, limit: i64) -> Vec<StatementRow> {
    rows.sort_by(|a, b| a.evidence_id.cmp(&b.evidence_id));
    rows.dedup_by(|a, b| a.evidence_id == b.evidence_id);
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    rows
}

/// Statements of some days, in the order of ids: of pairs with one of these agencies, or of every pair.
///
/// # Errors
/// `Statement`.
pub fn of_agencies(
    tx: &mut Connection,
    agency_codes: Option<&[String]>,
    (first, last): (&str, &str),
    (after, limit): (&str, i64),
) -> Result<Vec<StatementRow>, StoreError> {
    let Some(codes) = agency_codes else {
        return Ok(on_packets!(tx, c => statements::table
            .filter(statements::evidence_id.gt(after))
            .filter(statements::day.between(first, last))
            .order(statements::evidence_id.asc())
            .limit(limit)
            .select(StatementRow::as_select())
            .load(c))?);
    };
    let mut rows: Vec<StatementRow> = on_packets!(tx, c => statements::table
        .filter(statements::sender_code.eq_any(codes))
        .filter(statements::evidence_id.gt(after))
        .filter(statements::day.between(first, last))
        .order(statements::evidence_id.asc())
        .limit(limit)
        .select(StatementRow::as_select())
        .load(c))?;
    rows.extend(on_packets!(tx, c => statements::table
        .filter(statements::recipient_code.eq_any(codes))
        .filter(statements::evidence_id.gt(after))
        .filter(statements::day.between(first, last))
        .order(statements::evidence_id.asc())
        .limit(limit)
        .select(StatementRow::as_select())
        .load::<StatementRow>(c))?);
    Ok(in_order(rows, limit))
}

/// The newest closed day before a day; without one, of all.
///
/// # Errors
/// `Statement`.
pub fn last_closed(tx: &mut Connection, before: Option<&str>) -> Result<Option<DayRow>, StoreError> {
    Ok(on_packets!(tx, c => closed_days::table
        .filter(closed_days::day.lt(before.unwrap_or("9999-12-31")))
        .order(closed_days::day.desc())
        .select(DayRow::as_select())
        .first(c)
        .optional())?)
}

/// A closed day.
///
/// # Errors
/// `Statement`.
pub fn closed(tx: &mut Connection, day: &str) -> Result<Option<DayRow>, StoreError> {
    Ok(on_packets!(tx, c => closed_days::table
        .filter(closed_days::day.eq(day))
        .select(DayRow::as_select())
        .get_result(c)
        .optional())?)
}
