//! Exports of archives: what was asked for, how far each is, what it came to. The files themselves are no business of the
//! database.

use super::connection::on_packets;
use super::literal::Literal;
use super::schema::archives;
use super::{Connection, IDS_MAX, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;

/// An export as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = archives)]
pub struct ArchiveRow {
    /// Its id.
    pub archive_id: String,
    /// What was asked for, a JSON object.
    pub request: String,
    /// Who asked: a system, or `operator`.
    pub asked_by: String,
    pub(super) asked_at: NaiveDateTime,
    /// `waiting`, `running`, `done` or `failed`.
    pub state: String,
    pub(super) lease_owner: Option<String>,
    pub(super) lease_until: Option<NaiveDateTime>,
    /// Packets that are in it so far.
    pub done: i64,
    /// Size of the file, once it is done.
    pub bytes: i64,
    /// SHA-256 of the file in hexadecimal, once it is done.
    pub sha256: String,
    /// SHA-256 of its list of members in hexadecimal, once that is complete.
    pub manifest: String,
    /// The evidence whose receipt vouches for it.
    pub evidence_id: Option<String>,
    /// Why it failed.
    pub reason: String,
    pub(super) finished_at: Option<NaiveDateTime>,
    /// The purge with which it was destroyed, a content in it having been.
    pub purge_id: Option<String>,
    pub(super) destroyed_at: Option<NaiveDateTime>,
}

impl ArchiveRow {
    /// One that was just asked for.
    pub fn new(archive_id: String, request: String, asked_by: String, at: DateTime<Utc>) -> Self {
        Self {
            archive_id,
            request,
            asked_by,
            asked_at: at.naive_utc(),
            state: "waiting".to_owned(),
            lease_owner: None,
            lease_until: None,
            done: 0,
            bytes: 0,
            sha256: String::new(),
            manifest: String::new(),
            evidence_id: None,
            reason: String::new(),
            finished_at: None,
            purge_id: None,
            destroyed_at: None,
        }
    }

    /// When it was asked for.
    pub fn asked_at(&self) -> DateTime<Utc> {
        self.asked_at.and_utc()
    }

    /// When it was done, or failed.
    pub fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.finished_at.map(|at| at.and_utc())
    }

    /// When it was destroyed, a content in it having been.
    pub fn destroyed_at(&self) -> Option<DateTime<Utc>> {
        self.destroyed_at.map(|at| at.and_utc())
    }

    /// How it stands: its state, or `destroyed`.
    pub fn standing(&self) -> &str {
        if self.purge_id.is_some() { "destroyed" } else { &self.state }
    }

    /// Whether a file of it has a place: one that is begun as long as it is being made, a whole one unless that was in vain or
    /// was destroyed.
    pub fn has_file(&self, is_whole: bool) -> bool {
        match self.standing() {
            "done" => is_whole,
            "waiting" | "running" => true,
            _ => false,
        }
    }
}

/// Adds an export.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &ArchiveRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(archives::table).values(row).execute(c))?;
    Ok(())
}

/// An export.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, archive_id: &str) -> Result<Option<ArchiveRow>, StoreError> {
    Ok(on_packets!(tx, c => archives::table
        .filter(archives::archive_id.eq(archive_id))
        .select(ArchiveRow::as_select())
        .get_result(c)
        .optional())?)
}

/// Exports before one, the newest first; without one, from the newest on.
///
/// # Errors
/// `Statement`.
pub fn list_before(tx: &mut Connection, before: &str, limit: i64) -> Result<Vec<ArchiveRow>, StoreError> {
    let before = if before.is_empty() { "g" } else { before };
    Ok(on_packets!(tx, c => archives::table
        .filter(archives::archive_id.lt(before))
        .order(archives::archive_id.desc())
        .limit(limit)
        .select(ArchiveRow::as_select())
        .load(c))?)
}

/// Ids of exports that are not finished, the oldest first.
///
/// # Errors
/// `Statement`.
pub fn open(tx: &mut Connection, limit: i64) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => archives::table
        .filter(archives::archive_id.gt(""))
        .filter(archives::finished_at.is_null())
        .order(archives::archive_id.asc())
        .limit(limit)
        .select(archives::archive_id)
        .load(c))?)
}

/// Takes an export for `owner` until `until`, or keeps it, and notes how far it is. Says whether it is the owner's.
///
/// # Errors
/// `Statement`.
pub fn hold(
    tx: &mut Connection,
    (archive_id, owner): (&str, &str),
    done: i64,
    (now, until): (DateTime<Utc>, DateTime<Utc>),
) -> Result<bool, StoreError> {
    let held = on_packets!(tx, c => diesel::update(archives::table)
        .filter(archives::archive_id.eq(archive_id))
        .filter(archives::finished_at.is_null())
        .filter(archives::lease_owner.eq(owner)
            .or(archives::lease_until.is_null())
            .or(archives::lease_until.le(now.naive_utc())))
        .set((
            archives::state.eq("running"),
            archives::lease_owner.eq(Some(owner)),
            archives::lease_until.eq(Some(until.naive_utc())),
            archives::done.eq(done),
        ))
        .execute(c))?;
    Ok(held == 1)
}

/// Keeps an export for its owner until `until`. Says whether it is still the owner's.
///
/// # Errors
/// `Statement`.
pub fn renew(tx: &mut Connection, (archive_id, owner): (&str, &str), until: DateTime<Utc>) -> Result<bool, StoreError> {
    let renewed = on_packets!(tx, c => diesel::update(archives::table)
        .filter(archives::archive_id.eq(archive_id))
        .filter(archives::lease_owner.eq(owner))
        .filter(archives::finished_at.is_null())
        .set(archives::lease_until.eq(Some(until.naive_utc())))
        .execute(c))?;
    Ok(renewed == 1)
}

/// The evidence that vouches for a list of members of that digest, if there is any.
///
/// # Errors
/// `Statement`.
pub fn evidence_of(tx: &mut Connection, manifest: &str) -> Result<Option<String>, StoreError> {
    let found: Option<Option<String>> = on_packets!(tx, c => archives::table
        .filter(archives::manifest.eq(manifest))
        .filter(archives::evidence_id.is_not_null())
        .order(archives::archive_id.asc())
        .select(archives::evidence_id)
        .first(c)
        .optional())?;
    Ok(found.flatten())
}

/// Notes the list of members of an export and the evidence that vouches for it.
///
/// # Errors
/// `Statement`.
pub fn vouch(tx: &mut Connection, archive_id: &str, manifest: &str, evidence_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(archives::table)
        .filter(archives::archive_id.eq(archive_id))
        .set((archives::manifest.eq(manifest), archives::evidence_id.eq(Some(evidence_id))))
        .execute(c))?;
    Ok(())
}

/// Notes that an export is done, with size and digest of its file, or why it failed. Says whether it was still the owner's.
///
/// # Errors
/// `Statement`.
pub fn finish(
    tx: &mut Connection,
    (archive_id, owner): (&str, &str),
    ending: &Result<(i64, String), String>,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let (state, bytes, sha256, reason) = match ending {
        Ok((bytes, sha256)) => ("done", *bytes, sha256.as_str(), ""),
        Err(why) => ("failed", 0, "", why.as_str()),
    };
    let finished = on_packets!(tx, c => diesel::update(archives::table)
        .filter(archives::archive_id.eq(archive_id))
        .filter(archives::lease_owner.eq(owner))
        .filter(archives::finished_at.is_null())
        .set((
            archives::state.eq(state),
            archives::bytes.eq(bytes),
            archives::sha256.eq(sha256),
            archives::reason.eq(reason),
            archives::finished_at.eq(Some(at.naive_utc())),
        ))
        .execute(c))?;
    Ok(finished == 1)
}

/// Those of these exports that are known, by id.
///
/// # Errors
/// `Statement`.
pub fn of_ids(tx: &mut Connection, archive_ids: &[&str]) -> Result<HashMap<String, ArchiveRow>, StoreError> {
    let mut found: HashMap<String, ArchiveRow> = HashMap::new();
    for some in archive_ids.chunks(IDS_MAX) {
        let rows: Vec<ArchiveRow> = on_packets!(tx, c => archives::table
            .filter(archives::archive_id.eq_any(some))
            .select(ArchiveRow::as_select())
            .load(c))?;
        found.extend(rows.into_iter().map(|row| (row.archive_id.clone(), row)));
    }
    Ok(found)
}

/// Exports that are done and were not destroyed, the oldest first.
///
/// # Errors
/// `Statement`.
pub fn whole(tx: &mut Connection) -> Result<Vec<ArchiveRow>, StoreError> {
    Ok(on_packets!(tx, c => archives::table
        .filter(archives::archive_id.gt(""))
        .filter(archives::state.eq(Literal("done")))
        .filter(archives::purge_id.is_null())
        .order(archives::archive_id.asc())
        .select(ArchiveRow::as_select())
        .load(c))?)
}

/// Notes that exports were destroyed with a purge. Answers how many of them were not before.
///
/// # Errors
/// `Statement`.
pub fn destroy(
    tx: &mut Connection,
    archive_ids: &[&str],
    (purge_id, at): (&str, DateTime<Utc>),
) -> Result<usize, StoreError> {
    if archive_ids.is_empty() {
        return Ok(0);
    }
    Ok(on_packets!(tx, c => diesel::update(archives::table)
        .filter(archives::archive_id.eq_any(archive_ids))
        .filter(archives::purge_id.is_null())
        .set((archives::purge_id.eq(Some(purge_id)), archives::destroyed_at.eq(Some(at.naive_utc()))))
        .execute(c))?)
}

/// The exports that were destroyed with a purge, in the order of ids.
///
/// # Errors
/// `Statement`.
pub fn of_purge(tx: &mut Connection, purge_id: &str) -> Result<Vec<ArchiveRow>, StoreError> {
    Ok(on_packets!(tx, c => archives::table
        .filter(archives::purge_id.eq(purge_id))
        .order(archives::archive_id.asc())
        .select(ArchiveRow::as_select())
        .load(c))?)
}
