//! Samples of auditors: what was asked for, what was drawn, what was noted of it.

use super::connection::on_packets;
use super::schema::{sample_items, samples, warrants};
use super::{Connection, IDS_MAX, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashSet;

/// Rows of one statement: the databases bound the number of values.
const ROWS_AT_ONCE: usize = 1_000;

/// A sample as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = samples)]
pub struct SampleRow {
    /// Its id.
    pub sample_id: String,
    /// The warrant under which it was asked for.
    pub warrant_id: String,
    /// How many documents it is to have.
    pub size: i64,
    /// Whether the auditor gave the seed; else the ledger does.
    pub is_own_seed: bool,
    /// The seed; empty until the ledger gave it.
    pub seed: String,
    /// The evidence that it was asked for.
    pub evidence_id: String,
    pub(super) asked_at: NaiveDateTime,
    /// Up to which entry of the ledger documents were drawn from; 0 until it is drawn.
    pub tree_size: i64,
    /// The signed head of that size.
    pub checkpoint: String,
    /// Out of how many.
    pub population: i64,
    pub(super) drawn_at: Option<NaiveDateTime>,
    /// The archive of its documents that was asked for last.
    pub archive_id: Option<String>,
}

impl SampleRow {
    /// One that was just asked for.
    pub fn new(
        (sample_id, warrant_id, evidence_id): (String, String, String),
        (size, seed): (i64, String),
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            sample_id,
            warrant_id,
            size,
            is_own_seed: !seed.is_empty(),
            seed,
            evidence_id,
            asked_at: now.naive_utc(),
            tree_size: 0,
            checkpoint: String::new(),
            population: 0,
            drawn_at: None,
            archive_id: None,
        }
    }

    /// When it was asked for.
    pub fn asked_at(&self) -> DateTime<Utc> {
        self.asked_at.and_utc()
    }

    /// When it was drawn.
    pub fn drawn_at(&self) -> Option<DateTime<Utc>> {
        self.drawn_at.map(|at| at.and_utc())
    }

    /// The same, drawn now from a seed, up to a head, out of so many.
    pub fn drawn(
        self,
        (seed, population): (String, i64),
        (tree_size, checkpoint): (i64, String),
        now: DateTime<Utc>,
    ) -> Self {
        Self { seed, population, tree_size, checkpoint, drawn_at: Some(now.naive_utc()), ..self }
    }
}

/// A document of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = sample_items)]
pub struct ItemRow {
    /// The sample.
    pub sample_id: String,
    /// In which order it was drawn, from 1.
    pub number: i64,
    /// The document.
    pub envelope_id: String,
    /// What the auditor noted.
    pub note: String,
}

/// Adds a sample.
///
/// # Errors
/// `Statement`.
pub fn insert(tx: &mut Connection, row: &SampleRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(samples::table).values(row).execute(c))?;
    Ok(())
}

/// A sample.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, sample_id: &str) -> Result<Option<SampleRow>, StoreError> {
    Ok(on_packets!(tx, c => samples::table
        .filter(samples::sample_id.eq(sample_id))
        .select(SampleRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The samples of a warrant, the newest first.
///
/// # Errors
/// `Statement`.
pub fn of_warrant(tx: &mut Connection, warrant_id: &str, limit: i64) -> Result<Vec<SampleRow>, StoreError> {
    Ok(on_packets!(tx, c => samples::table
        .filter(samples::warrant_id.eq(warrant_id))
        .order(samples::sample_id.desc())
        .limit(limit)
        .select(SampleRow::as_select())
        .load(c))?)
}

/// Samples that are still to be drawn, the oldest first.
///
/// # Errors
/// `Statement`.
pub fn open(tx: &mut Connection, limit: i64) -> Result<Vec<SampleRow>, StoreError> {
    Ok(on_packets!(tx, c => samples::table
        .filter(samples::sample_id.gt(""))
        .filter(samples::drawn_at.is_null())
        .order(samples::sample_id.asc())
        .limit(limit)
        .select(SampleRow::as_select())
        .load(c))?)
}

/// Keeps what was drawn. Says whether nobody drew it before.
///
/// # Errors
/// `Statement`.
pub fn draw(tx: &mut Connection, row: &SampleRow, items: &[ItemRow]) -> Result<bool, StoreError> {
    let drawn = on_packets!(tx, c => diesel::update(samples::table)
        .filter(samples::sample_id.eq(&row.sample_id))
        .filter(samples::drawn_at.is_null())
        .set((
            samples::seed.eq(&row.seed),
            samples::tree_size.eq(row.tree_size),
            samples::checkpoint.eq(&row.checkpoint),
            samples::population.eq(row.population),
            samples::drawn_at.eq(row.drawn_at),
        ))
        .execute(c))?;
    if drawn == 0 {
        return Ok(false);
    }
    for some in items.chunks(ROWS_AT_ONCE) {
        on_packets!(tx, c => diesel::insert_into(sample_items::table).values(some).execute(c))?;
    }
    Ok(true)
}

/// Documents of a sample after a number, in their order.
///
/// # Errors
/// `Statement`.
pub fn items(tx: &mut Connection, sample_id: &str, (after, limit): (i64, i64)) -> Result<Vec<ItemRow>, StoreError> {
    Ok(on_packets!(tx, c => sample_items::table
        .filter(sample_items::sample_id.eq(sample_id))
        .filter(sample_items::number.gt(after))
        .order(sample_items::number.asc())
        .limit(limit)
        .select(ItemRow::as_select())
        .load(c))?)
}

/// Which of these packets are of a sample whose warrant lets content be opened and holds at that time.
///
/// # Errors
/// `Statement`.
pub fn kept(tx: &mut Connection, envelope_ids: &[&str], now: DateTime<Utc>) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for some in envelope_ids.chunks(IDS_MAX) {
        found.extend(on_packets!(tx, c => sample_items::table
            .inner_join(samples::table.on(samples::sample_id.eq(sample_items::sample_id)))
            .inner_join(warrants::table.on(warrants::warrant_id.eq(samples::warrant_id)))
            .filter(sample_items::envelope_id.eq_any(some))
            .filter(warrants::content.eq(true))
            .filter(warrants::revoked_at.is_null())
            .filter(warrants::until_at.gt(now.naive_utc()))
            .select(sample_items::envelope_id)
            .load::<String>(c))?);
    }
    Ok(found)
}

/// Notes something of a document of a sample. Says whether there is such a document.
///
/// # Errors
/// `Statement`.
pub fn remark(tx: &mut Connection, (sample_id, number): (&str, i64), note: &str) -> Result<bool, StoreError> {
    let changed = on_packets!(tx, c => diesel::update(sample_items::table)
        .filter(sample_items::sample_id.eq(sample_id))
        .filter(sample_items::number.eq(number))
        .set(sample_items::note.eq(note))
        .execute(c))?;
    Ok(changed == 1)
}

/// Notes which archive was asked for of a sample.
///
/// # Errors
/// `Statement`.
pub fn note_archive(tx: &mut Connection, sample_id: &str, archive_id: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(samples::table)
        .filter(samples::sample_id.eq(sample_id))
        .set(samples::archive_id.eq(Some(archive_id)))
        .execute(c))?;
    Ok(())
}
