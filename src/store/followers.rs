//! How far those have come who follow the ledger. Not here: what they make of it (`search`, `statistics`).

use super::connection::{Link, on_packets};
use super::schema::followers;
use super::{Connection, StoreError};
use diesel::prelude::*;

/// Up to which index of the ledger one has come.
///
/// # Errors
/// `Statement`.
pub fn position(tx: &mut Connection, follower: &str) -> Result<i64, StoreError> {
    Ok(on_packets!(tx, c => followers::table
        .filter(followers::follower.eq(follower))
        .select(followers::ledger_index)
        .get_result(c))?)
}

/// Takes the row of one until this transaction ends. Says whether it is taken: nobody waits for another node that has it.
///
/// # Errors
/// `Statement`.
pub fn take(tx: &mut Connection, follower: &str) -> Result<bool, StoreError> {
    // Portable: on SQLite whoever writes is alone; only PostgreSQL has rows that another one holds, and can pass them over.
    let taken: Vec<i64> = match tx.settled()? {
        Link::Sqlite(_) => return Ok(true),
        Link::Postgres(c) => followers::table
            .filter(followers::follower.eq(follower))
            .select(followers::ledger_index)
            .for_update()
            .skip_locked()
            .load(&mut ***c)?,
    };
    Ok(!taken.is_empty())
}

/// Lets nobody move one on, or set it back, until this transaction ends.
///
/// # Errors
/// `Statement`.
pub fn stand_still(tx: &mut Connection, follower: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(followers::table)
        .filter(followers::follower.eq(follower))
        .set(followers::ledger_index.eq(followers::ledger_index))
        .execute(c))?;
    Ok(())
}

/// Moves one on. Says whether it still stood at `from`.
///
/// # Errors
/// `Statement`.
pub fn advance(tx: &mut Connection, follower: &str, (from, to): (i64, i64)) -> Result<bool, StoreError> {
    let moved = on_packets!(tx, c => diesel::update(followers::table)
        .filter(followers::follower.eq(follower))
        .filter(followers::ledger_index.eq(from))
        .set(followers::ledger_index.eq(to))
        .execute(c))?;
    Ok(moved == 1)
}

/// Sets one back to the beginning of the ledger. It is the row that every round takes: a round on another node comes before, or
/// begins anew after.
///
/// # Errors
/// `Statement`.
pub fn set_back(tx: &mut Connection, follower: &str) -> Result<(), StoreError> {
    on_packets!(tx, c => diesel::update(followers::table)
        .filter(followers::follower.eq(follower))
        .set(followers::ledger_index.eq(0))
        .execute(c))?;
    Ok(())
}
