//! Time-stamps over heads of this ledger. None is ever changed. What they are worth is decided in `exchange::stamp`.

use super::connection::on_packets;
use super::ledger::{self, CheckpointRow};
use super::schema::{checkpoints, timestamps};
use super::{Connection, StoreError};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

/// A token over the head of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable)]
#[diesel(table_name = timestamps)]
pub struct TimestampRow {
    /// Entries of the tree.
    pub tree_size: i64,
    stamped_at: NaiveDateTime,
    /// Whose certificate signed it.
    pub authority: String,
    /// The token (DER).
    pub token: Vec<u8>,
}

impl TimestampRow {
    /// A token over the head of a tree of that size, which says that time.
    pub fn new(tree_size: i64, at: DateTime<Utc>, authority: &str, token: Vec<u8>) -> Self {
        Self { tree_size, stamped_at: at.naive_utc(), authority: authority.to_owned(), token }
    }

    /// The time that it says.
    pub fn stamped_at(&self) -> DateTime<Utc> {
        self.stamped_at.and_utc()
    }
}

/// Keeps a token with its head, unless another one came first.
///
/// # Errors
/// `Statement`.
pub fn keep(tx: &mut Connection, head: &CheckpointRow, row: &TimestampRow) -> Result<(), StoreError> {
    ledger::keep_beside(tx, head)?;
    on_packets!(tx, c => diesel::insert_into(timestamps::table).values(row).on_conflict_do_nothing().execute(c))?;
    Ok(())
}

/// Tokens over smaller trees than that, the largest first.
///
/// # Errors
/// `Statement`.
pub fn list_before(tx: &mut Connection, tree_size: i64, limit: i64) -> Result<Vec<TimestampRow>, StoreError> {
    Ok(on_packets!(tx, c => timestamps::table
        .filter(timestamps::tree_size.lt(tree_size))
        .order(timestamps::tree_size.desc())
        .limit(limit)
        .select(TimestampRow::as_select())
        .load(c))?)
}

/// Entries of the largest tree that has both head and token; 0 without one. A token whose head is gone proves nothing and must
/// not keep the next head from being stamped.
///
/// # Errors
/// `Statement`.
pub fn last_size(tx: &mut Connection) -> Result<i64, StoreError> {
    let largest: Option<i64> = on_packets!(tx, c => timestamps::table
        .inner_join(checkpoints::table.on(checkpoints::tree_size.eq(timestamps::tree_size)))
        .filter(timestamps::tree_size.gt(0))
        .order(timestamps::tree_size.desc())
        .select(timestamps::tree_size)
        .first(c)
        .optional())?;
    Ok(largest.unwrap_or(0))
}

/// The token over the head of a tree of that size.
///
/// # Errors
/// `Statement`.
pub fn find(tx: &mut Connection, tree_size: i64) -> Result<Option<TimestampRow>, StoreError> {
    Ok(on_packets!(tx, c => timestamps::table
        .filter(timestamps::tree_size.eq(tree_size))
        .select(TimestampRow::as_select())
        .get_result(c)
        .optional())?)
}

/// The smallest head with a token that has more entries than that.
///
/// # Errors
/// `Statement`.
pub fn head_beyond(tx: &mut Connection, tree_size: i64) -> Result<Option<CheckpointRow>, StoreError> {
    Ok(on_packets!(tx, c => timestamps::table
        .inner_join(checkpoints::table.on(checkpoints::tree_size.eq(timestamps::tree_size)))
        .filter(timestamps::tree_size.gt(tree_size))
        .order(timestamps::tree_size.asc())
        .select(CheckpointRow::as_select())
        .first(c)
        .optional())?)
}
