//! The sealed ledger: what waits to be sealed, entries by their index, the tree in tiles, signed heads. What they mean
//! is decided in `exchange::seal` and `exchange::audit`; the trigger that lets evidence wait stands in the migration.

use super::connection::on_packets;
use super::evidence::EvidenceRow;
use super::schema::{checkpoints, cosignatures, evidence, ledger_entries, ledger_tiles, timestamps, unsealed};
use super::{Connection, IDS_MAX, StoreError};
use crate::domain::evidence::EvidenceEvent;
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::upsert::excluded;
use std::collections::HashMap;
use std::ops::Range;

/// A signed head.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = checkpoints)]
pub struct CheckpointRow {
    /// Entries of the tree.
    pub tree_size: i64,
    /// When it was signed, UTC; never before an older one.
    pub signed_at: NaiveDateTime,
    /// The sealer that signed it.
    pub sealed_by: String,
    /// The signed note.
    pub note: String,
}

impl CheckpointRow {
    /// When it was signed.
    pub fn signed_at(&self) -> DateTime<Utc> {
        self.signed_at.and_utc()
    }
}

/// What stands at an index.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = ledger_entries)]
pub struct EntryRow {
    /// Where.
    pub ledger_index: i64,
    /// The evidence that was sealed there.
    pub evidence_id: String,
    /// What was hashed.
    pub entry: Vec<u8>,
}

/// Rows of one statement: the databases bound the number of values.
const ROWS_AT_ONCE: usize = 1_000;

/// The newest head.
///
/// # Errors
/// `Statement`.
pub fn head(tx: &mut Connection) -> Result<Option<CheckpointRow>, StoreError> {
    Ok(on_packets!(tx, c => checkpoints::table
        .filter(checkpoints::tree_size.ge(0))
        .order(checkpoints::tree_size.desc())
        .select(CheckpointRow::as_select())
        .first(c)
        .optional())?)
}

/// Heads of trees larger than `after`, up to that size, the smallest first.
///
/// # Errors
/// `Statement`.
pub fn heads_within(tx: &mut Connection, after: i64, up_to: i64) -> Result<Vec<CheckpointRow>, StoreError> {
    Ok(on_packets!(tx, c => checkpoints::table
        .filter(checkpoints::tree_size.gt(after))
        .filter(checkpoints::tree_size.le(up_to))
        .order(checkpoints::tree_size.asc())
        .select(CheckpointRow::as_select())
        .load(c))?)
}

/// Evidence that waits to be sealed, the oldest first. Ids without evidence take nobody's place.
///
/// # Errors
/// `Statement`.
pub fn waiting(tx: &mut Connection, limit: i64) -> Result<Vec<EvidenceRow>, StoreError> {
    let present = diesel::alias!(evidence as present);
    // Neither is a join, nor anything that is planned as one: that might be done from the side of all evidence.
    Ok(on_packets!(tx, c => evidence::table
        .filter(evidence::evidence_id.eq_any(unsealed::table
            .filter(present
                .filter(present.field(evidence::evidence_id).eq(unsealed::evidence_id))
                .select(present.field(evidence::evidence_id))
                .single_value()
                .is_not_null())
            .order(unsealed::evidence_id.asc())
            .limit(limit)
            .select(unsealed::evidence_id)))
        .order(evidence::evidence_id.asc())
        .select(EvidenceRow::as_select())
        .load(c))?)
}

/// Ids of evidence that should wait but is not there any more.
///
/// # Errors
/// `Statement`.
pub fn waiting_without_evidence(tx: &mut Connection, limit: i64) -> Result<Vec<String>, StoreError> {
    Ok(on_packets!(tx, c => unsealed::table
        .left_join(evidence::table.on(evidence::evidence_id.eq(unsealed::evidence_id)))
        .filter(evidence::evidence_id.is_null())
        .order(unsealed::evidence_id.asc())
        .limit(limit)
        .select(unsealed::evidence_id)
        .load(c))?)
}

/// Adds entries, which wait no more.
///
/// # Errors
/// `Statement`: a unique violation when another node was there first.
pub fn append(tx: &mut Connection, entries: &[EntryRow]) -> Result<(), StoreError> {
    for some in entries.chunks(ROWS_AT_ONCE) {
        on_packets!(tx, c => diesel::insert_into(ledger_entries::table).values(some).execute(c))?;
    }
    for some in entries.chunks(IDS_MAX) {
        let sealed: Vec<&str> = some.iter().map(|entry| entry.evidence_id.as_str()).collect();
        on_packets!(tx, c => diesel::delete(unsealed::table.filter(unsealed::evidence_id.eq_any(&sealed))).execute(c))?;
    }
    Ok(())
}

/// Entries of a part of the ledger, in order.
///
/// # Errors
/// `Statement`.
pub fn entries(tx: &mut Connection, part: Range<i64>) -> Result<Vec<EntryRow>, StoreError> {
    Ok(on_packets!(tx, c => ledger_entries::table
        .filter(ledger_entries::ledger_index.ge(part.start))
        .filter(ledger_entries::ledger_index.lt(part.end))
        .order(ledger_entries::ledger_index.asc())
        .select(EntryRow::as_select())
        .load(c))?)
}

/// The same with the evidence, as far as it is there.
///
/// # Errors
/// `Statement`.
pub fn entries_with_evidence(
    tx: &mut Connection,
    part: Range<i64>,
) -> Result<Vec<(EntryRow, Option<EvidenceRow>)>, StoreError> {
    Ok(on_packets!(tx, c => ledger_entries::table
        .left_join(evidence::table.on(evidence::evidence_id.eq(ledger_entries::evidence_id)))
        .filter(ledger_entries::ledger_index.ge(part.start))
        .filter(ledger_entries::ledger_index.lt(part.end))
        .order(ledger_entries::ledger_index.asc())
        .select((EntryRow::as_select(), Option::<EvidenceRow>::as_select()))
        .load(c))?)
}

/// Entries from an index on that no head covers, the first ones. One statement: the sealer goes on meanwhile.
///
/// # Errors
/// `Statement`.
pub fn entries_beyond(tx: &mut Connection, from: i64, limit: i64) -> Result<Vec<EntryRow>, StoreError> {
    Ok(on_packets!(tx, c => ledger_entries::table
        .filter(ledger_entries::ledger_index.ge(from))
        .filter(not(exists(checkpoints::table.filter(checkpoints::tree_size.gt(ledger_entries::ledger_index)))))
        .order(ledger_entries::ledger_index.asc())
        .limit(limit)
        .select(EntryRow::as_select())
        .load(c))?)
}

/// The entries of pieces of evidence, as far as they are sealed.
///
/// # Errors
/// `Statement`.
pub fn entries_of(tx: &mut Connection, evidence_ids: &[&str]) -> Result<Vec<EntryRow>, StoreError> {
    if let [one] = evidence_ids {
        // SQLite reads a statement with a list of values anew each time.
        return Ok(on_packets!(tx, c => ledger_entries::table
            .filter(ledger_entries::evidence_id.eq(one))
            .select(EntryRow::as_select())
            .load(c))?);
    }
    let mut rows: Vec<EntryRow> = Vec::new();
    for some in evidence_ids.chunks(IDS_MAX) {
        rows.extend(on_packets!(tx, c => ledger_entries::table
            .filter(ledger_entries::evidence_id.eq_any(some))
            .select(EntryRow::as_select())
            .load::<EntryRow>(c))?);
    }
    Ok(rows)
}

/// Where the acceptances of packets stand, by packet, as far as they are sealed.
///
/// # Errors
/// `Statement`.
pub fn acceptances(tx: &mut Connection, envelope_ids: &[&str]) -> Result<HashMap<String, i64>, StoreError> {
    let found: Vec<(Option<String>, i64)> = on_packets!(tx, c => evidence::table
        .inner_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
        .filter(evidence::envelope_id.eq_any(envelope_ids))
        .filter(evidence::delivery_id.is_null())
        .filter(evidence::event.eq(EvidenceEvent::SubmissionAcceptance.name()))
        .select((evidence::envelope_id, ledger_entries::ledger_index))
        .load(c))?;
    Ok(found.into_iter().filter_map(|(envelope_id, index)| Some((envelope_id?, index))).collect())
}

/// Of a page of evidence beginning after an id: the last id, and those ids that neither stand in the ledger nor wait.
///
/// # Errors
/// `Statement`.
pub fn unknown_after(
    tx: &mut Connection,
    after: &str,
    limit: i64,
) -> Result<(Option<String>, usize, Vec<String>), StoreError> {
    type Known = (String, Option<i64>, Option<String>);
    let page: Vec<Known> = on_packets!(tx, c => evidence::table
        .left_join(ledger_entries::table.on(ledger_entries::evidence_id.eq(evidence::evidence_id)))
        .left_join(unsealed::table.on(unsealed::evidence_id.eq(evidence::evidence_id)))
        .filter(evidence::evidence_id.gt(after))
        .order(evidence::evidence_id.asc())
        .limit(limit)
        .select((evidence::evidence_id, ledger_entries::ledger_index.nullable(), unsealed::evidence_id.nullable()))
        .load(c))?;
    let (last, rows) = (page.last().map(|(id, ..)| id.clone()), page.len());
    let unknown = page.into_iter().filter(|(_, index, waits)| index.is_none() && waits.is_none());
    Ok((last, rows, unknown.map(|(id, ..)| id).collect()))
}

/// The hashes of a tile, as many as there are.
///
/// # Errors
/// `Statement`.
pub fn tile(tx: &mut Connection, level: i32, number: i64) -> Result<Option<Vec<u8>>, StoreError> {
    Ok(on_packets!(tx, c => ledger_tiles::table
        .filter(ledger_tiles::level.eq(level))
        .filter(ledger_tiles::number.eq(number))
        .select(ledger_tiles::hashes)
        .get_result(c)
        .optional())?)
}

/// Keeps a tile, in place of the shorter one that may have been there.
///
/// # Errors
/// `Statement`.
pub fn keep_tile(tx: &mut Connection, (level, number): (i32, i64), hashes: &[u8]) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(ledger_tiles::table)
        .values((ledger_tiles::level.eq(level), ledger_tiles::number.eq(number), ledger_tiles::hashes.eq(hashes)))
        .on_conflict((ledger_tiles::level, ledger_tiles::number))
        .do_update()
        .set(ledger_tiles::hashes.eq(excluded(ledger_tiles::hashes)))
        .execute(c))?;
    Ok(())
}

/// Puts a head in the place of another one, or beside those that stay: one that a witness cosigned or an authority stamped gives
/// way to one of the same size only.
///
/// # Errors
/// `Statement`.
pub fn keep_head(tx: &mut Connection, head: &CheckpointRow, instead_of: Option<i64>) -> Result<(), StoreError> {
    if let Some(tree_size) = instead_of {
        on_packets!(tx, c => diesel::delete(checkpoints::table
            .filter(checkpoints::tree_size.eq(tree_size))
            .filter(not(exists(cosignatures::table
                .filter(cosignatures::tree_size.eq(checkpoints::tree_size))
                .filter(cosignatures::tree_size.ne(head.tree_size)))))
            .filter(not(exists(timestamps::table
                .filter(timestamps::tree_size.eq(checkpoints::tree_size))
                .filter(timestamps::tree_size.ne(head.tree_size))))))
            .execute(c))?;
    }
    on_packets!(tx, c => diesel::insert_into(checkpoints::table).values(head).execute(c))?;
    Ok(())
}

/// Keeps a head beside the others, if it is gone by now: what others put under it needs it.
///
/// # Errors
/// `Statement`.
pub fn keep_beside(tx: &mut Connection, head: &CheckpointRow) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::insert_into(checkpoints::table).values(head).on_conflict_do_nothing().execute(c))?;
    Ok(())
}
