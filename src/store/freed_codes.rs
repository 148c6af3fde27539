//! Codes that an agency gave up and that lead nowhere now: who had each, and since when. Not here: how long they rest, and for
//! whom (`exchange::codes`).

use super::connection::{ROWS_AT_ONCE, on};
use super::schema::freed_codes;
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A code that an agency gave up.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = freed_codes)]
pub struct FreedRow {
    /// The code in upper case.
    pub alias_folded: String,
    /// As it was spelled.
    pub alias: String,
    /// Who had it.
    pub agency_code: String,
    freed_at: NaiveDateTime,
}

impl FreedRow {
    /// One that is given up now; `alias` as it was spelled.
    pub fn new(alias: &str, agency_code: &str, at: DateTime<Utc>) -> Self {
        Self {
            alias_folded: alias.to_ascii_uppercase(),
            alias: alias.to_owned(),
            agency_code: agency_code.to_owned(),
            freed_at: at.naive_utc(),
        }
    }

    /// When it was given up.
    pub fn freed_at(&self) -> DateTime<Utc> {
        self.freed_at.and_utc()
    }
}

/// Those among some codes, in upper case.
///
/// # Errors
/// `Statement`.
pub fn among(tx: &mut Connection, folded: &[String]) -> Result<Vec<FreedRow>, StoreError> {
    let mut found = Vec::new();
    for some in folded.chunks(ROWS_AT_ONCE) {
        let rows: Vec<FreedRow> = on!(tx, c => freed_codes::table
            .filter(freed_codes::alias_folded.eq_any(some))
            .select(FreedRow::as_select())
            .load(c))?;
        found.extend(rows);
    }
    Ok(found)
}

/// Those that were given up after a time.
///
/// # Errors
/// `Statement`.
pub fn since(tx: &mut Connection, after: DateTime<Utc>) -> Result<Vec<FreedRow>, StoreError> {
    Ok(on!(tx, c => freed_codes::table
        .filter(freed_codes::freed_at.gt(after.naive_utc()))
        .select(FreedRow::as_select())
        .load(c))?)
}

/// Those that one agency gave up after a time, in the order of codes.
///
/// # Errors
/// `Statement`.
pub fn of_agency(tx: &mut Connection, agency: &str, after: DateTime<Utc>) -> Result<Vec<FreedRow>, StoreError> {
    Ok(on!(tx, c => freed_codes::table
        .filter(freed_codes::agency_code.eq(agency))
        .filter(freed_codes::freed_at.gt(after.naive_utc()))
        .order(freed_codes::alias_folded.asc())
        .select(FreedRow::as_select())
        .load(c))?)
}

/// Adds codes that lead nowhere any more.
///
/// # Errors
/// `Statement`; a unique violation for one that led nowhere already.
pub fn insert_all(tx: &mut Connection, rows: &[FreedRow]) -> Result<(), StoreError> {
    for some in rows.chunks(ROWS_AT_ONCE) {
        on!(tx, c => diesel::insert_into(freed_codes::table).values(some).execute(c))?;
    }
    Ok(())
}

/// Forgets codes that lead somewhere again, in upper case.
///
/// # Errors
/// `Statement`.
pub fn delete(tx: &mut Connection, folded: &[String]) -> Result<(), StoreError> {
    for some in folded.chunks(ROWS_AT_ONCE) {
        on!(tx, c => diesel::delete(freed_codes::table)
            .filter(freed_codes::alias_folded.eq_any(some))
            .execute(c))?;
    }
    Ok(())
}
