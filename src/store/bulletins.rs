//! Bulletins: what operators tell agencies in the portal, from when until when, and whom.

use super::connection::on_packets;
use super::schema::{bulletin_agencies, bulletins};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// A bulletin as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = bulletins)]
pub struct BulletinRow {
    /// Its id.
    pub bulletin_id: String,
    /// What it says.
    pub text: String,
    from_at: NaiveDateTime,
    until_at: NaiveDateTime,
    /// The person who published it.
    pub published_by: String,
    published_at: NaiveDateTime,
    withdrawn_at: Option<NaiveDateTime>,
}

impl BulletinRow {
    /// A bulletin that a person publishes.
    pub fn new(
        (bulletin_id, text, published_by): (String, String, String),
        (from, until): (DateTime<Utc>, DateTime<Utc>),
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            bulletin_id,
            text,
            from_at: from.naive_utc(),
            until_at: until.naive_utc(),
            published_by,
            published_at: now.naive_utc(),
            withdrawn_at: None,
        }
    }

    /// From when it is shown.
    pub fn from_at(&self) -> DateTime<Utc> {
        self.from_at.and_utc()
    }

    /// Until when.
    pub fn until_at(&self) -> DateTime<Utc> {
        self.until_at.and_utc()
    }

    /// When it was taken back.
    pub fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.withdrawn_at.map(|at| at.and_utc())
    }
}

/// Adds a bulletin for these agencies; for all when there are none.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &BulletinRow, agencies: &[String]) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(bulletins::table).values(row).execute(c))?;
    if agencies.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = agencies
        .iter()
        .map(|code| (bulletin_agencies::bulletin_id.eq(&row.bulletin_id), bulletin_agencies::agency_code.eq(code)))
        .collect();
    on_packets!(tx, c => diesel::insert_into(bulletin_agencies::table).values(&rows).execute(c))?;
    Ok(())
}

/// Takes a bulletin back. Says whether it was not before.
///
/// # Errors
/// `Statement`.
pub fn withdraw(tx: &mut Connection, bulletin_id: &str, at: DateTime<Utc>) -> Result<bool, StoreError> {
    let changed = on_packets!(tx, c => diesel::update(bulletins::table)
        .filter(bulletins::bulletin_id.eq(bulletin_id))
        .filter(bulletins::withdrawn_at.is_null())
        .set(bulletins::withdrawn_at.eq(Some(at.naive_utc())))
        .execute(c))?;
    Ok(changed == 1)
}

/// The bulletins that are in force, oldest first.
///
/// # Errors
/// `Statement`.
pub fn in_force(tx: &mut Connection, now: DateTime<Utc>) -> Result<Vec<BulletinRow>, StoreError> {
    Ok(on_packets!(tx, c => bulletins::table
        .filter(bulletins::until_at.gt(now.naive_utc()))
        .filter(bulletins::from_at.le(now.naive_utc()))
        .filter(bulletins::withdrawn_at.is_null())
        .order(bulletins::bulletin_id.asc())
        .select(BulletinRow::as_select())
        .load(c))?)
}

/// The newest bulletins.
///
/// # Errors
/// `Statement`.
pub fn newest(tx: &mut Connection, limit: i64) -> Result<Vec<BulletinRow>, StoreError> {
    Ok(on_packets!(tx, c => bulletins::table
        .order(bulletins::bulletin_id.desc())
        .limit(limit)
        .select(BulletinRow::as_select())
        .load(c))?)
}

/// The agencies that these bulletins are for; a bulletin for all has none.
///
/// # Errors
/// `Statement`.
pub fn agencies_of(tx: &mut Connection, bulletin_ids: &[&str]) -> Result<HashMap<String, Vec<String>>, StoreError> {
    if bulletin_ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(String, String)> = on_packets!(tx, c => bulletin_agencies::table
        .filter(bulletin_agencies::bulletin_id.eq_any(bulletin_ids))
        .order(bulletin_agencies::agency_code.asc())
        .select((bulletin_agencies::bulletin_id, bulletin_agencies::agency_code))
        .load(c))?;
    let mut agencies: HashMap<String, Vec<String>> = HashMap::new();
    for (bulletin, agency) in rows {
        agencies.entry(bulletin).or_default().push(agency);
    }
    Ok(agencies)
}
