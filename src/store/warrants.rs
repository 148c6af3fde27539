//! Warrants of auditors, with their agencies. None is ever changed but by being revoked, and by the number of exports under it.

use super::connection::on_packets;
use super::schema::{warrant_agencies, warrants};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// A warrant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = warrants)]
pub struct WarrantRow {
    /// Its id.
    pub warrant_id: String,
    /// The auditor.
    pub user_id: String,
    /// Number and notation of the decision.
    pub number: String,
    /// Its day, `yyyy-MM-dd`.
    pub decided_on: String,
    /// What it is for.
    pub purpose: String,
    /// Whether it is for every agency; else for those that are named.
    pub every_agency: bool,
    /// Whether the content of documents may be opened.
    pub content: bool,
    /// First day of documents, `yyyy-MM-dd`.
    pub documents_from: String,
    /// Last day of documents.
    pub documents_until: String,
    /// From when it holds, UTC.
    pub from_at: NaiveDateTime,
    /// Until when, UTC.
    pub until_at: NaiveDateTime,
    /// Who issued it: a person, or `operator`.
    pub issued_by: String,
    /// When, UTC.
    pub issued_at: NaiveDateTime,
    /// When it was revoked, UTC.
    pub revoked_at: Option<NaiveDateTime>,
}

impl WarrantRow {
    /// From when it holds.
    pub fn from_at(&self) -> DateTime<Utc> {
        self.from_at.and_utc()
    }

    /// Until when it holds.
    pub fn until_at(&self) -> DateTime<Utc> {
        self.until_at.and_utc()
    }

    /// When it was revoked.
    pub fn revoked_at(&self) -> Option<DateTime<Utc>> {
        self.revoked_at.map(|at| at.and_utc())
    }
}

/// Adds a warrant for these agencies.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &WarrantRow, agencies: &[String]) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(warrants::table).values(row).execute(c))?;
    if agencies.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = agencies
        .iter()
        .map(|code| (warrant_agencies::warrant_id.eq(&row.warrant_id), warrant_agencies::agency_code.eq(code)))
        .collect();
    on_packets!(tx, c => diesel::insert_into(warrant_agencies::table).values(&rows).execute(c))?;
    Ok(())
}

/// Revokes a warrant. Answers it when it was not revoked before.
///
/// # Errors
/// `Statement`.
pub fn revoke(tx: &mut Connection, warrant_id: &str, at: DateTime<Utc>) -> Result<Option<WarrantRow>, StoreError> {
    let changed = on_packets!(tx, c => diesel::update(warrants::table)
        .filter(warrants::warrant_id.eq(warrant_id))
        .filter(warrants::revoked_at.is_null())
        .set(warrants::revoked_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    if changed == 1 { find(tx, warrant_id) } else { Ok(None) }
}

/// Counts so many more exports under a warrant, as long as there are no more than `most`. Says whether it did.
///
/// # Errors
/// `Statement`.
pub fn count_export(tx: &mut Connection, warrant_id: &str, (by, most): (i64, i64)) -> Result<bool, StoreError> {
    let counted = on_packets!(tx, c => diesel::update(warrants::table)
        .filter(warrants::warrant_id.eq(warrant_id))
        .filter(warrants::exports.le(most.saturating_sub(by)))
        .set(warrants::exports.eq(warrants::exports + by))
        .execute(c))?;
    Ok(counted == 1)
}

/// A warrant.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, warrant_id: &str) -> Result<Option<WarrantRow>, StoreError> {
    Ok(on_packets!(tx, c => warrants::table
        .filter(warrants::warrant_id.eq(warrant_id))
        .select(WarrantRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Warrants of a user that are not revoked and hold at some time of a term.
///
/// # Errors
/// `Statement`.
pub fn within(
    tx: &mut Connection,
    user_id: &str,
    (from, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<Vec<WarrantRow>, StoreError> {
    Ok(on_packets!(tx, c => warrants::table
        .filter(warrants::user_id.eq(user_id))
        .filter(warrants::until_at.gt(from.naive_utc()))
        .filter(warrants::from_at.lt(until.naive_utc()))
        .filter(warrants::revoked_at.is_null())
        .order(warrants::warrant_id.asc())
        .select(WarrantRow::as_select())
        .load(c))?)
}

/// The newest warrants.
///
/// # Errors
/// `Statement`.
pub fn newest(tx: &mut Connection, limit: i64) -> Result<Vec<WarrantRow>, StoreError> {
    Ok(on_packets!(tx, c => warrants::table
        .order(warrants::warrant_id.desc())
        .limit(limit)
        .select(WarrantRow::as_select())
        .load(c))?)
}

/// The agencies of these warrants, in the order of codes.
///
/// # Errors
/// `Statement`.
pub fn agencies_of(tx: &mut Connection, warrant_ids: &[&str]) -> Result<HashMap<String, Vec<String>>, StoreError> {
    if warrant_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => warrant_agencies::table
        .filter(warrant_agencies::warrant_id.eq_any(warrant_ids))
        .order(warrant_agencies::agency_code.asc())
        .select((warrant_agencies::warrant_id, warrant_agencies::agency_code))
        .load(c))?;
    let mut agencies: HashMap<String, Vec<String>> = HashMap::new();
    for (warrant, agency) in rows {
        agencies.entry(warrant).or_default().push(agency);
    }
    Ok(agencies)
}

/// The numbers of the decisions of these warrants, by id.
///
/// # Errors
/// `Statement`.
pub fn numbers(tx: &mut Connection, warrant_ids: &[&str]) -> Result<HashMap<String, String>, StoreError> {
    if warrant_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => warrants::table
        .filter(warrants::warrant_id.eq_any(warrant_ids))
        .select((warrants::warrant_id, warrants::number))
        .load(c))?;
    Ok(rows.into_iter().collect())
}
